"""Effects of factors with many levels: sums by level, and the system that they solve.

With D the indicator columns of all factors, D'WD is diagonal within a factor and a cross
table between two. The levels of the largest factor are eliminated exactly, the others
solved for by conjugate gradients on what is left. That is the method of alternating
projections (Guimaraes and Portugal 2010; Gaure 2013) in the space of the levels instead
of the rows, with the acceleration that is best among those using the same products
(Correia 2017).

References
----------
Correia, S. (2017). Linear models with high-dimensional fixed effects: an efficient and
feasible estimator. Working paper.
Gaure, S. (2013). OLS with multiple high dimensional category variables. *Computational
Statistics & Data Analysis* 66, 8-18.
Guimaraes, P. and Portugal, P. (2010). A simple feasible procedure to fit models with
high-dimensional fixed effects. *The Stata Journal* 10, 628-649.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from glmfit.errors import FitError

__all__ = ["Effects", "Gram", "components", "effects_rank"]

Array = NDArray[np.float64]
Codes = NDArray[np.int32]

FEWEST_STEPS = 1000
"""Steps that conjugate gradients may take at least, however few levels there are."""


@dataclass(frozen=True, slots=True)
class _Cells:
    """Which cell of the cross table of two factors each row is in.

    Attributes
    ----------
    shape : tuple of int
    order : ndarray of int
        Where the table is small, the cell of each row; else rows in the order of a sparse
        table, whose cells are ``indices`` and ``pointers``.
    """

    shape: tuple[int, int]
    order: NDArray[np.integer]
    indices: Codes | None = None
    pointers: Codes | None = None

    @classmethod
    def of(cls, left: Codes, right: Codes, shape: tuple[int, int]) -> _Cells:
        """Return the cells of two factors."""
        if shape[0] * shape[1] <= left.size:
            return cls(shape, left.astype(np.intp) * shape[1] + right)
        order, pointers = _by_level(left, shape[0])
        # rows of one cell stay entries of their own: products do not mind
        return cls(shape, order, right[order], pointers)

    def table(self, weight: Array) -> Any:
        """Return the sums of ``weight`` in the cells, dense or sparse."""
        if self.indices is None or self.pointers is None:
            size = self.shape[0] * self.shape[1]
            return np.bincount(self.order, weights=weight, minlength=size).reshape(self.shape)
        return sparse.csr_array((weight.take(self.order), self.indices, self.pointers), self.shape)


def _by_level(codes: Codes, count: int) -> tuple[NDArray[np.intp], Codes]:
    """Return the rows level by level, and where each level begins."""
    pointers = np.arange(codes.size + 1, dtype=np.int32)
    ones = np.ones(codes.size, dtype=np.int8)
    # by columns, the rows of each level stand together: a sort in one go
    sorted_rows = sparse.csr_array((ones, codes, pointers), (codes.size, count)).tocsc()
    return sorted_rows.indices.astype(np.intp), sorted_rows.indptr


class Effects:
    """The levels of one or more factors in each row.

    Parameters
    ----------
    codes : tuple of ndarray of int, each of shape (n,)
        The level of each row, 0 to its count - 1, each of which occurs; the factor with
        the most levels first.
    counts : tuple of int
        Levels of each factor.
    """

    __slots__ = ("_cells", "codes", "counts", "starts")

    def __init__(self, codes: tuple[Codes, ...], counts: tuple[int, ...]) -> None:
        self.codes = tuple(np.ascontiguousarray(each, dtype=np.int32) for each in codes)
        self.counts = counts
        self.starts = np.cumsum([0, *counts])
        self._cells = {
            (j, k): _Cells.of(self.codes[j], self.codes[k], (counts[j], counts[k]))
            for j in range(len(counts))
            for k in range(j + 1, len(counts))
        }

    @property
    def size(self) -> int:
        """Levels of all factors, L."""
        return int(self.starts[-1])

    def parts(self, values: Array) -> list[Array]:
        """Return values of all levels, shape (L, ...), factor by factor."""
        return np.split(values, self.starts[1:-1])

    def rows(self, values: Array) -> Array:
        """Return the sum of its levels' values for each row, shape (n, ...)."""
        first, *others = self.parts(values)
        out: Array = first.take(self.codes[0], axis=0)
        for codes, part in zip(self.codes[1:], others, strict=True):
            out += part.take(codes, axis=0)
        return out

    def sums(self, rows: Array) -> Array:
        """Return the sum of ``rows`` (n,) within each level, shape (L,)."""
        parts = zip(self.codes, self.counts, strict=True)
        return np.concatenate([np.bincount(c, weights=rows, minlength=k) for c, k in parts])

    def cross(self, weight: Array, columns: Array) -> Array:
        """Return the weighted sums of columns (n, p) within each level, shape (L, p)."""
        pointers = np.arange(weight.size + 1, dtype=np.int32)
        found = []
        for codes, count in zip(self.codes, self.counts, strict=True):
            indicators = sparse.csr_array((weight, codes, pointers), (weight.size, count))
            found.append(np.asarray(indicators.T @ columns))
        return np.concatenate(found)

    def gram(self, weight: Array) -> Gram:
        """Return D' diag(weight) D."""
        tables = {pair: cells.table(weight) for pair, cells in self._cells.items()}
        return Gram(tuple(self.parts(self.sums(weight))), tables)


@dataclass(frozen=True, slots=True)
class Gram:
    """The matrix D'WD of all levels, never written out.

    Attributes
    ----------
    weights : tuple of ndarray
        Sum of the weights of each level, factor by factor.
    tables : dict of (int, int) to matrix
        Cross tables of two factors j < k.
    """

    weights: tuple[Array, ...]
    tables: dict[tuple[int, int], Any]

    def _split(self, values: Array) -> list[Array]:
        return np.split(values, np.cumsum([part.size for part in self.weights])[:-1])

    def times(self, values: Array) -> Array:
        """Return the product with values (L, q)."""
        parts = self._split(values)
        out = [weight[:, None] * part for weight, part in zip(self.weights, parts, strict=True)]
        for (j, k), table in self.tables.items():
            out[j] += table @ parts[k]
            out[k] += table.T @ parts[j]
        return np.concatenate(out)

    def length(self, right: Array) -> Array:
        """Return the length of sums within levels (L, q), in units of 1 / sqrt(weight)."""
        scale = _reciprocal(np.concatenate(self.weights))[:, None]
        return np.asarray(np.sqrt((right * right * scale).sum(axis=0)))

    def solve(self, right: Array, start: Array | None, limit: Array) -> Array:
        """Return x with (D'WD) x = right.

        Which x, where there are many (a constant may move from one factor to another),
        does not matter to D x.

        Parameters
        ----------
        right : ndarray of shape (L, q)
            Sums within levels, so that a solution exists.
        start : ndarray of shape (L, q), optional
            Where to begin.
        limit : ndarray of shape (q,)
            `length` of the residual that may be left; above that of rounding in ``right``,
            which has no solution.
        """
        first = self.weights[0].size
        inverse = _reciprocal(self.weights[0])[:, None]
        top = right[:first] * inverse
        if len(self.weights) == 1:
            return top
        rest = right[first:] - self._down(top)
        begin = np.zeros_like(rest) if start is None else start[first:]
        spread = _reciprocal(self._left_diagonal())[:, None]
        found = _conjugate_gradients(self._schur, rest, begin, spread, limit)
        return np.concatenate([top - inverse * self._across(found), found])

    def _across(self, values: Array) -> Array:
        """Return A x for the table A of the first factor with all others."""
        each = np.split(values, np.cumsum([part.size for part in self.weights[1:]])[:-1])
        out: Array = self.tables[0, 1] @ each[0]
        for k, part in enumerate(each[1:], start=2):
            out += self.tables[0, k] @ part
        return out

    def _down(self, values: Array) -> Array:
        """Return A' x."""
        return np.concatenate([self.tables[0, k].T @ values for k in range(1, len(self.weights))])

    def _schur(self, values: Array) -> Array:
        """Return the product with what elimination of the first factor leaves."""
        inverse = _reciprocal(self.weights[0])[:, None]
        others = {(j - 1, k - 1): table for (j, k), table in self.tables.items() if j > 0}
        whole = Gram(self.weights[1:], others).times(values)
        return np.asarray(whole - self._down(inverse * self._across(values)))

    def _left_diagonal(self) -> Array:
        """Return the diagonal of `_schur`, where cells have one row each; else more."""
        inverse = _reciprocal(self.weights[0])
        found = []
        for k, weight in enumerate(self.weights[1:], start=1):
            table = self.tables[0, k]
            left = weight - _squared(table).T @ inverse
            found.append(np.where(left > 1e-12 * weight, left, weight))
        return np.concatenate(found)


def _squared(table: Any) -> Any:
    """Return the squares of a table's entries."""
    if isinstance(table, np.ndarray):
        return table * table
    # power() would first add up the entries of a cell, in the arrays that all tables share
    return sparse.csr_array((table.data * table.data, table.indices, table.indptr), table.shape)


def _reciprocal(values: Array) -> Array:
    """Return 1 / values, 0 for levels that carry no weight."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0.0)


def _conjugate_gradients(
    product: Callable[[Array], Array], right: Array, start: Array, spread: Array, limit: Array
) -> Array:
    """Solve for several right-hand sides at once, shape (l, q).

    Parameters
    ----------
    product : callable
        A positive semi-definite matrix.
    right, start : ndarray of shape (l, q)
    spread : ndarray of shape (l, 1)
        Preconditioner: the inverse of the diagonal.
    limit : ndarray of shape (q,)
        Length of the residual, in the metric of ``spread``, at which a column is solved.
    """
    values = start.copy()
    residual = right - product(values)
    scaled = spread * residual
    squared = (residual * scaled).sum(axis=0)
    direction = scaled.copy()
    for _ in range(max(FEWEST_STEPS, 4 * right.shape[0])):
        going = squared > limit * limit
        if not going.any():
            return values
        image = product(direction)
        curvature = (direction * image).sum(axis=0)
        going &= curvature > 0.0
        step = np.divide(squared, curvature, out=np.zeros_like(squared), where=going)
        values += step * direction
        residual -= step * image
        scaled = spread * residual
        following = (residual * scaled).sum(axis=0)
        ratio = np.divide(following, squared, out=np.zeros_like(squared), where=squared > 0.0)
        direction = scaled + ratio * direction
        squared = following
    raise FitError(
        "The effects of the absorbed factors could not be told apart: their levels are so weakly "
        "connected that the equations for them have no stable solution. Absorb one factor less, "
        "or leave out the levels that few rows connect."
    )


def components(left: Codes, right: Codes, counts: tuple[int, int]) -> tuple[int, Codes]:
    """Return the number of parts that two factors fall into, and the part of each level.

    Levels are connected by rows that have both; parts are numbered over the levels of the
    first factor, then of the second (Abowd, Creecy and Kramarz 2002).
    """
    size = counts[0] + counts[1]
    order, pointers = _by_level(left, counts[0])
    ends = np.append(pointers, np.full(counts[1], left.size, dtype=np.int32))
    ones = np.ones(left.size)
    graph = sparse.csr_array((ones, right[order] + np.int32(counts[0]), ends), (size, size))
    count, labels = connected_components(graph, directed=False)
    return int(count), labels


def effects_rank(codes: tuple[Codes, ...], counts: tuple[int, ...]) -> tuple[int, bool]:
    """Return how many of the levels' effects are free, and whether that is exact.

    With one factor all are; with two, all but one in each connected part. Each further
    factor loses as many as it has parts with that of the others where these are most; it
    may lose more, so that from three factors on this is an upper bound, and residual
    degrees of freedom are a lower one.

    References
    ----------
    Abowd, J., Creecy, R. and Kramarz, F. (2002). Computing person and firm effects using
    linked longitudinal employer-employee data. Technical paper, U.S. Census Bureau.
    Correia (2017), sec. 3.
    """
    free = counts[0]
    for k in range(1, len(codes)):
        lost = max(components(codes[j], codes[k], (counts[j], counts[k]))[0] for j in range(k))
        free += counts[k] - lost
    return free, len(codes) < 3
