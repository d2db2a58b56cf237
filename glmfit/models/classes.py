"""What models of several classes share: reading counts and codes, and their constants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from glmfit.engine.predictor import Predictor
from glmfit.errors import ArgumentError, ArgumentTypeError, ResponseError, suggest
from glmfit.formula.factors import level_codes
from glmfit.formula.response import Response
from glmfit.likelihoods import Limit, log_choose
from glmfit.links import Link
from glmfit.models.data import ModelData
from glmfit.sources import Rows

__all__ = [
    "ClassReading",
    "OrderReading",
    "check_classes",
    "limit_rows",
    "plain_level",
    "recoded_classes",
    "saturated",
]

Array = NDArray[np.float64]

MOST_FRACTIONS = 30
"""Most distinct values of a response that is numeric but not whole."""


@dataclass(slots=True)
class ClassReading:
    """The reading of a response with several classes.

    Attributes
    ----------
    reference : optional
        The level that the others are compared with; the first one by default.
    levels : list
        Levels in the order of the fit, reference first; set by reading.
    """

    reference: Any = None
    levels: tuple[Any, ...] = ()

    @property
    def link(self) -> Link | None:
        """There is no link that an exposure belongs to."""
        return None

    def response(self, values: tuple[Any, ...], name: str, trials: Array | None) -> Response:
        """Return shares of the classes, shape (n, K), reference first."""
        if len(values) > 1 or np.ndim(values[0]) == 2:
            return self._counts(values, name)
        value = values[0]
        category = value if not isinstance(value, np.ndarray) else pd.Categorical(_whole(value))
        category = getattr(category, "data", category)
        levels = [plain_level(level) for level in category.categories]
        self._set_levels(levels, name)
        order = np.array([self.levels.index(level) for level in levels])
        codes = order[np.asarray(category.codes)]
        return Response(indicator_shares(codes, len(levels)), name)

    def _counts(self, values: tuple[Any, ...], name: str) -> Response:
        shares, total, levels = class_counts(values, name)
        self._set_levels(levels, name)
        order = [levels.index(level) for level in self.levels]
        return Response(shares[:, order], name, trials=total)

    def _set_levels(self, levels: list[Any], name: str) -> None:
        if len(levels) < 2:
            raise ResponseError(f"The response {name} has one level only ({levels[0]!r}).")
        first = levels[0] if self.reference is None else self.reference
        if first not in levels:
            told = ", ".join(map(repr, levels))
            near = suggest(str(first), map(str, levels))
            raise ArgumentError(
                f"reference={first!r} is not a level of {name}.{near} The levels are {told}."
            )
        self.levels = (first, *(level for level in levels if level != first))

    def check(self, data: ModelData) -> None:
        """Raise unless the rows can be fitted."""
        if data.design.shape[1] == 0:
            raise ArgumentError("The model has no columns; keep the intercept or add a term.")


def _whole(values: NDArray[Any]) -> NDArray[Any]:
    """Return codes as whole numbers, so that levels are 0, 1, 2 and not 0.0, 1.0, 2.0."""
    if values.dtype.kind == "f":
        rounded = np.round(values)
        if not (rounded == values).all():
            raise ResponseError(
                "The response has numbers that are not whole, so it is no class; for a "
                "continuous response use glm or ols."
            )
        return rounded.astype(np.int64)
    return values


@dataclass(slots=True)
class OrderReading:
    """The reading of a response whose classes have an order.

    Attributes
    ----------
    given : sequence or None
        The levels in their order, where the data do not tell it.
    levels : tuple
        Levels in their order; set by reading.
    """

    given: Any = None
    levels: tuple[Any, ...] = ()

    @property
    def link(self) -> Link | None:
        """There is no link that an exposure belongs to."""
        return None

    def response(self, values: tuple[Any, ...], name: str, trials: Array | None) -> Response:
        """Return shares of the classes in their order, shape (n, K)."""
        if len(values) > 1 or np.ndim(values[0]) == 2:
            shares, total, levels = class_counts(values, name)
            order = self._order(levels, True, name)
            return Response(shares[:, order], name, trials=total)
        value = getattr(values[0], "data", None)
        category = value if isinstance(value, pd.Categorical) else values[0]
        ordered = True
        if isinstance(category, pd.Categorical):
            category = category.remove_unused_categories()
            ordered = bool(category.ordered) or _all_numbers(category.categories)
            if not category.ordered and ordered:
                category = pd.Categorical(np.asarray(category))
        else:
            category = pd.Categorical(_classes(np.asarray(values[0]), name))
        levels = [plain_level(level) for level in category.categories]
        order = self._order(levels, ordered, name)
        places = np.empty(len(self.levels), dtype=np.intp)
        places[order] = np.arange(len(order))
        return Response(indicator_shares(places[np.asarray(category.codes)], len(levels)), name)

    def _order(self, levels: list[Any], ordered: bool, name: str) -> list[int]:
        """Set the levels and return where each stands among ``levels``."""
        if len(levels) < 2:
            raise ResponseError(f"The response {name} has one level only ({levels[0]!r}).")
        if self.given is None:
            if not ordered:
                told = ", ".join(map(repr, levels[:8]))
                raise ResponseError(
                    f"The response {name} is text or an unordered category, so the order of its "
                    f"levels is not known ({told}). Give it: levels=[...] from lowest to highest, "
                    "or pd.Categorical(..., ordered=True). Without an order use mnlogit."
                )
            self.levels = tuple(levels)
        else:
            self.levels = _known_order(self.given, levels, name)
        return [levels.index(level) for level in self.levels]

    def check(self, data: ModelData) -> None:
        """Raise unless the rows can be fitted."""


def _all_numbers(levels: pd.Index) -> bool:
    return bool(pd.api.types.is_numeric_dtype(levels.dtype))


def _classes(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Return numeric codes, whole where they can be."""
    if values.dtype.kind != "f":
        return values
    rounded = np.round(values)
    if (rounded == values).all():
        return rounded.astype(np.int64)
    if np.unique(values).size > MOST_FRACTIONS:
        raise ResponseError(
            f"The response {name} has more than {MOST_FRACTIONS} distinct values that are not "
            "whole numbers, so it is no class; for a continuous response use glm or ols, or cut "
            "it with pd.cut."
        )
    return values


def _known_order(given: Any, levels: list[Any], name: str) -> tuple[Any, ...]:
    """Return the given order of the levels that occur."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ArgumentTypeError("levels is a list of the levels, from lowest to highest.")
    wanted = [plain_level(level) for level in given]
    for level in levels:
        if level not in wanted:
            raise ArgumentError(
                f"levels= lacks {level!r}, which {name} has.{suggest(str(level), map(str, wanted))}"
            )
    if len(set(wanted)) != len(wanted):
        raise ArgumentError("levels= names a level twice.")
    return tuple(level for level in wanted if level in levels)


def plain_level(level: Any) -> Any:
    """Return a level as a Python value."""
    return level.item() if isinstance(level, np.generic) else level


def indicator_shares(codes: NDArray[np.integer], n_levels: int) -> Array:
    """Return a 1 in the column of each row's class, shape (n, K)."""
    shares = np.zeros((codes.size, n_levels))
    shares[np.arange(codes.size), codes] = 1.0
    return shares


def class_counts(values: tuple[Any, ...], name: str) -> tuple[Array, Array, list[Any]]:
    """Return shares (n, K), totals (n,) and names of the classes of a matrix of counts."""
    columns = np.column_stack([np.asarray(value, dtype=float) for value in values])
    if (columns < 0.0).any():
        raise ResponseError(f"{name}: a count is negative.")
    names = [part.strip() for part in name.split(" + ")]
    levels = names if len(names) == columns.shape[1] else [*range(columns.shape[1])]
    total = columns.sum(axis=1)
    shares = np.divide(
        columns, total[:, None], out=np.zeros_like(columns), where=total[:, None] > 0.0
    )
    return shares, total, levels


def recoded_classes(
    fitted: Response,
    levels: tuple[Any, ...],
    values: tuple[Any, ...],
    trials: Array | None,
    index: pd.Index,
) -> Response:
    """Return the classes of new rows as shares in the order of the fit, shape (n, K).

    Parameters
    ----------
    fitted : Response
        That of the fit.
    levels : tuple
        Its K levels, in their order.
    values : tuple
        Categories or codes of the n rows, or counts of the K classes.
    trials : None
        Counts have their own.
    index : Index of length n
        Labels of the rows, for messages.

    Raises
    ------
    LevelError
        If a row has a level that the fit had not.
    """
    if trials is not None:
        raise ArgumentError("trials= is for binomial models; give the counts of the classes.")
    if len(values) == 1 and np.ndim(values[0]) < 2:
        codes = level_codes(values[0], levels, fitted.name, index)
        return Response(indicator_shares(codes, len(levels)), fitted.name)
    shares, total, names = class_counts(values, fitted.name)
    if set(names) != set(levels):
        raise ResponseError(
            f"The response {fitted.name} has {len(names)} columns of counts; the fit had the "
            f"classes {', '.join(map(str, levels))}."
        )
    order = [names.index(level) for level in levels]
    return Response(shares[:, order], fitted.name, trials=total)


class Receding(Protocol):
    """A likelihood that says what is left of rows in the limit of a separated fit."""

    def limit(self, y: Array, drift: Array) -> Limit: ...


def check_classes(levels: tuple[Any, ...], name: str, rows: Rows) -> None:
    """Raise unless every level is in some row that counts."""
    weight = np.ones(rows.n) if rows.weight is None else rows.weight
    seen = weight @ rows.y > 0.0
    if not seen.all():
        absent = [str(level) for level, some in zip(levels, seen, strict=True) if not some]
        raise ResponseError(
            f"The level {absent[0]!r} of {name} is in no row that counts, so its "
            "coefficients go to minus infinity. Leave it out of the categories."
        )


def limit_rows(rows: Rows, likelihood: Receding, predictor: Predictor, direction: Array) -> Rows:
    """Return what is left of rows far out along a direction of separation.

    Parameters
    ----------
    rows : Rows
    likelihood : Receding
    predictor : Predictor
        Of all coefficients that ``direction`` (P,) has.
    direction : ndarray of shape (P,)
    """
    left = likelihood.limit(rows.y, predictor.drift(direction))
    offset = rows.offset
    if left.shift is not None:
        shift = left.shift if predictor.count > 1 else left.shift[:, 0]
        if offset is None:
            offset = shift
        else:
            offset = shift + (offset if offset.ndim == shift.ndim else offset[:, None])
    return replace(rows, y=left.y, offset=offset)


def saturated(data: ModelData) -> float:
    """Return the log-likelihood at which each row's probabilities are its shares."""
    y, weight = data.response.y, data.weight
    rows: Array = special.xlogy(y, y).sum(axis=1)
    total = float(rows.sum() if weight is None else np.dot(rows, weight))
    trials = data.response.trials
    if trials is None:
        return total
    counts = y * trials[:, None]
    above = np.cumsum(counts, axis=1)
    choose = sum(log_choose(above[:, k], counts[:, k]) for k in range(1, y.shape[1]))
    factor = np.ones(y.shape[0])
    for part in (data.freq_weights, data.var_weights):
        factor = factor if part is None else factor * part
    return total + float(np.dot(factor, choose))
