"""What a formula may ask for: a few characters must not exhaust the memory of the machine.

``bs(x, df=10**9)`` or twenty factors joined by ``*`` are refused in words before anything
is allocated. The limits are far above what a model can use, and none grows with the rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from patsy import stateful_transform
from patsy.mgcv_cubic_splines import CC, CR, TE
from patsy.splines import BS

from glmfit.errors import FormulaError

__all__ = [
    "MOST_COLUMNS",
    "bs",
    "cc",
    "check_columns",
    "check_knots",
    "check_terms",
    "cr",
    "te",
]

MOST_BASIS = 1_000
"""Columns of one spline basis."""

HIGHEST_DEGREE = 19
"""Degree of a B-spline beyond which FITPACK writes past the end of its arrays."""

MOST_TERMS = 10_000
"""Terms that products and powers of terms may expand to."""

MOST_COLUMNS = 30_000
"""Columns of a design: their cross products alone take 7 GB."""


def check_terms(tree: Any, formula: str) -> None:
    """Raise if products of terms would expand to too many.

    Parameters
    ----------
    tree : patsy.parse_formula.ParseNode
        Of the formula, not expanded yet.
    formula : str
        For the message.

    Raises
    ------
    FormulaError
        If more than `MOST_TERMS` could come of products and powers.
    """
    written = _leaves(tree)
    if _bound(tree) > max(MOST_TERMS, written):
        raise FormulaError(
            f"The products in this formula expand to more than {MOST_TERMS} terms. Write the "
            "interactions that you need, or use a lower power, as in (a + b + c)**2."
            f"\n    {formula[:200]}"
        )


def _leaves(tree: Any) -> int:
    count, waiting = 0, [tree]
    while waiting:
        node = waiting.pop()
        count += not node.args
        waiting += node.args
    return count


def _bound(tree: Any) -> int:
    """Return a number of terms that a formula cannot exceed, without recursion.

    The formula's own intercept is not counted.
    """
    found: dict[int, int] = {}
    order, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting += node.args
    for node in reversed(order):
        sizes = [found[id(child)] for child in node.args]
        # more than this is too many whatever stands around it
        found[id(node)] = min(_size(node, sizes), 10**30)
    return found[id(tree)]


def _size(node: Any, sizes: Sequence[int]) -> int:
    if len(sizes) < 2:
        return sum(sizes) or 1
    left, right = sizes
    if node.type == ":":
        return left * right
    if node.type == "*":
        return left + right + left * right
    if node.type == "**":
        times = _power(node.args[1])
        return sum(math.comb(left, size) for size in range(1, min(times, left, 64) + 1))
    return left + right


def _power(node: Any) -> int:
    text = str(getattr(node.token, "extra", ""))
    return int(text) if text.isdecimal() else 1


def check_columns(widths: Sequence[int]) -> None:
    """Raise if the terms of a formula have more columns together than a fit can hold."""
    total = sum(widths)
    if total > MOST_COLUMNS:
        raise FormulaError(
            f"The formula asks for {total} columns; {MOST_COLUMNS} are allowed, whose cross "
            "products alone take 7 GB. Join levels of the factors, or leave out interactions."
        )


def check_knots(degree: Any, knots: Any) -> None:
    """Raise unless FITPACK can evaluate B-splines of a degree on ``knots``, shape (k,).

    It checks nothing itself: with other arguments it reads and writes what is not its own.

    Raises
    ------
    FormulaError
    """
    if not 0 <= degree <= HIGHEST_DEGREE:
        raise FormulaError(
            f"bs(...) was asked for degree = {degree}; 0 to {HIGHEST_DEGREE} are allowed. A "
            "degree of 3 is smooth to the eye; a higher df follows the data more closely."
        )
    placed = np.asarray(knots, dtype=float)
    ends = 2 * (degree + 1)
    if placed.ndim != 1 or placed.size < ends or not (np.diff(placed) >= 0.0).all():
        raise FormulaError(
            f"bs(...) of degree {degree} needs {ends} or more knots in ascending order "
            f"(got the shape {placed.shape})."
        )


def _check_basis(name: str, **sizes: Any) -> None:
    for what, size in sizes.items():
        count = np.size(size) if what == "knots" and size is not None else size
        if count is not None and count > MOST_BASIS:
            raise FormulaError(
                f"{name}(...) was asked for {what} = {count}; a spline may have at most "
                f"{MOST_BASIS} columns. A df of 4 to 20 describes nearly any curve."
            )


class BoundedBS(BS):  # type: ignore[misc]
    """patsy's B-splines, of a size that can be held."""

    def memorize_chunk(
        self, x: Any, df: Any = None, knots: Any = None, degree: Any = 3, *rest: Any, **others: Any
    ) -> None:
        """See some rows."""
        _check_basis("bs", df=df, knots=knots, degree=degree)
        super().memorize_chunk(x, df, knots, degree, *rest, **others)

    def transform(self, *arguments: Any, **options: Any) -> Any:
        """Return the values of the basis, shape (n, k)."""
        check_knots(self._degree, self._all_knots)
        return super().transform(*arguments, **options)


class BoundedCR(CR):  # type: ignore[misc]
    """patsy's natural cubic splines, of a size that can be held."""

    def memorize_chunk(
        self, x: Any, df: Any = None, knots: Any = None, *rest: Any, **others: Any
    ) -> None:
        """See some rows."""
        _check_basis("cr", df=df, knots=knots)
        super().memorize_chunk(x, df, knots, *rest, **others)


class BoundedCC(CC):  # type: ignore[misc]
    """patsy's cyclic cubic splines, of a size that can be held."""

    def memorize_chunk(
        self, x: Any, df: Any = None, knots: Any = None, *rest: Any, **others: Any
    ) -> None:
        """See some rows."""
        _check_basis("cc", df=df, knots=knots)
        super().memorize_chunk(x, df, knots, *rest, **others)


class BoundedTE(TE):  # type: ignore[misc]
    """patsy's tensor products of splines, of a size that can be held."""

    def memorize_chunk(self, *bases: Any, **others: Any) -> None:
        """See some rows."""
        _check_product(bases)
        super().memorize_chunk(*bases, **others)

    def transform(self, *bases: Any, **others: Any) -> Any:
        """Return the products of the columns of the bases, shape (n, k)."""
        _check_product(bases)
        return super().transform(*bases, **others)


def _check_product(bases: Sequence[Any]) -> None:
    widths = [1 if np.ndim(basis) < 2 else np.shape(basis)[1] for basis in bases]
    _check_basis("te", columns=math.prod(widths))


bs = stateful_transform(BoundedBS)
cr = stateful_transform(BoundedCR)
cc = stateful_transform(BoundedCC)
te = stateful_transform(BoundedTE)
