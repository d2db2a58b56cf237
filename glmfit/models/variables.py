"""The variables behind a model's columns, and rows in which they have other values.

A variable is a column of the data that the formula reads; for a model on arrays, a column
of ``exog``. What margins change is a variable, and the design is then made anew, so that
every term that the variable enters follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import AlignmentError, DataError, UnknownNameError, suggest
from glmfit.formula.spec import ModelSpec
from glmfit.formula.table import Table, column_values, missing_rows
from glmfit.models.data import ModelData

__all__ = [
    "PLACE",
    "Cases",
    "Columns",
    "Variable",
    "array_variables",
    "cases_of",
    "fixed_cases",
    "formula_variables",
    "middle_of",
    "new_cases",
]

Array = NDArray[np.float64]
Columns = dict[str, Any]

SCANNED = 65536
"""Rows of a matrix that are looked at together."""

PLACE = "(row)"
"""A column beside the variables, so that a formula without any has rows."""


@dataclass(frozen=True, slots=True)
class Variable:
    """What the data of the fit say of a variable.

    Attributes
    ----------
    name : str
    levels : tuple
        Levels of a factor or a boolean; empty for numbers.
    reference : optional
        The level that others are compared with.
    categorical : bool
        Whether the column holds text or categories, in place of numbers or booleans.
    low, high, mean, median, sd : float
        Of numbers, weighted by frequency; NaN for factors.
    usual : optional
        The most frequent level of a factor.
    binary : bool
        Whether its numbers are 0 and 1.
    counts : bool
        Whether its numbers are whole and not negative.
    linear : bool
        Whether terms and offsets are linear in it, since it stands in them by itself.
    in_terms : bool
        Whether a term reads it; False where only an offset does.
    """

    name: str
    levels: tuple[Any, ...] = ()
    reference: Any = None
    categorical: bool = False
    low: float = np.nan
    high: float = np.nan
    mean: float = np.nan
    median: float = np.nan
    sd: float = np.nan
    usual: Any = None
    binary: bool = False
    counts: bool = False
    linear: bool = False
    in_terms: bool = True

    def listed(self, values: Sequence[Any]) -> Any:
        """Return rows with the given values, of the kind that the data have."""
        if not self.levels:
            return np.asarray(values, dtype=np.float64)
        for value in values:
            if value not in self.levels:
                told = ", ".join(map(repr, self.levels[:12]))
                raise DataError(f"{value!r} is not a level of {self.name}; its levels are {told}.")
        if self.categorical:
            codes = [self.levels.index(value) for value in values]
            return pd.Categorical.from_codes(codes, categories=pd.Index(self.levels))
        return np.asarray(values)

    def filled(self, value: Any, count: int) -> Any:
        """Return ``count`` rows of one value, of the kind that the data have."""
        return np.repeat(self.listed([value]), count)

    def middle(self, kind: str) -> Any:
        """Return the value that stands for all: a mean, a median or 0; the usual level."""
        if self.levels:
            return self.reference if kind == "zero" else self.usual
        if self.low == self.high:
            return self.low
        return {"mean": self.mean, "median": self.median, "zero": 0.0}[kind]


@dataclass(frozen=True, slots=True)
class Cases:
    """Rows of variables at which predictions are wanted.

    Attributes
    ----------
    count : int
    columns : callable
        Returns the columns of rows ``start`` to ``stop``, by name.
    weight : ndarray of shape (n,)
    rest : ndarray of shape (n,) or None
        What offsets that were given as values add.
    index : Index or None
        Labels of the rows.
    kept : ndarray of bool or None
        Which rows of new data are complete.
    """

    count: int
    columns: Callable[[int, int], Columns]
    weight: Array
    rest: Array | None = None
    index: pd.Index | None = None
    kept: NDArray[np.bool_] | None = None

    @property
    def dropped(self) -> int:
        """Rows of new data that were left out for missing values."""
        return 0 if self.kept is None else int((~self.kept).sum())

    def weighted(self, weight: Array) -> Cases:
        """Return the same rows with other weights."""
        return replace(self, weight=weight)


def fixed_cases(columns: Columns, count: int, rest: float | None) -> Cases:
    """Return rows that are given whole; ``rest`` is what their offset has beside."""

    def part(start: int, stop: int) -> Columns:
        return {name: values[start:stop] for name, values in columns.items()}

    known = None if rest is None else np.full(count, rest)
    return Cases(count, part, np.ones(count), known)


def _summary(name: str, values: Array, weight: Array | None, in_terms: bool) -> Variable:
    """Return what numbers say of a variable."""
    if weight is not None:
        values, weight = values[weight > 0.0], weight[weight > 0.0]
    low, high = float(values.min()), float(values.max())
    return Variable(
        name=name,
        low=low,
        high=high,
        mean=float(np.average(values, weights=weight)),
        median=_median(values, weight),
        sd=_deviation(values, weight),
        binary=low == 0.0 and high == 1.0 and bool(((values == 0.0) | (values == 1.0)).all()),
        counts=low >= 0.0 and high > low and bool((values == np.round(values)).all()),
        in_terms=in_terms,
    )


def _deviation(values: Array, weight: Array | None) -> float:
    """Return the standard deviation of rows that were seen ``weight`` times each."""
    total = values.size if weight is None else float(weight.sum())
    squares = (values - np.average(values, weights=weight)) ** 2
    summed = squares.sum() if weight is None else np.dot(weight, squares)
    return float(np.sqrt(summed / (total - 1.0))) if total > 1.0 else 0.0


def middle_of(values: Array, weight: Array | None, kind: str) -> float:
    """Return the mean or the median of rows seen ``weight`` times each."""
    if kind == "median":
        return _median(values, weight)
    return float(np.average(values, weights=weight))


def _median(values: Array, weight: Array | None) -> float:
    """Return the median of rows that were seen ``weight`` times each."""
    if weight is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    half = total[-1] / 2.0
    lower = values[order[np.searchsorted(total, half, side="left")]]
    upper = values[order[min(np.searchsorted(total, half, side="right"), order.size - 1)]]
    return float((lower + upper) / 2.0)


# -- variables of a formula -----------------------------------------------------------------


def formula_variables(data: ModelData) -> dict[str, Variable]:
    """Return the variables that the right-hand side and named offsets read, in their order."""
    assert data.spec is not None and data.table is not None
    spec, weight = data.spec, data.freq_weights
    references = spec.reference_levels()
    found: dict[str, Variable] = {}
    for name, in_terms in _names(spec, data).items():
        series = data.table.column(name)
        series = series if data.kept.all() else series[data.kept]
        levels = _levels(spec, name)
        values = column_values(series, name)
        if levels is None and isinstance(values, np.ndarray) and values.dtype.kind != "b":
            summary = _summary(name, np.asarray(values, dtype=float), weight, in_terms)
            found[name] = replace(summary, linear=_stands_bare(spec, data, name))
            continue
        if levels is None:
            kinds = values.categories if isinstance(values, pd.Categorical) else (False, True)
            levels = tuple(_plain(level) for level in kinds)
        reference = next(
            (references[f] for f in references if _reads_only(spec, f, name)), levels[0]
        )
        usual = _most_frequent(values, levels, weight)
        found[name] = Variable(
            name,
            levels,
            _plain(reference),
            isinstance(values, pd.Categorical),
            usual=usual,
            in_terms=in_terms,
        )
    return found


def _names(spec: ModelSpec, data: ModelData) -> dict[str, bool]:
    """Return the variables, and whether a term reads them."""
    names: dict[str, bool] = {}
    for sub in spec.subterms:
        for factor in sub.factors:
            for name in sorted(factor.expression.all_columns):
                names[name] = True
    for factor in spec.offsets:
        for name in sorted(factor.expression.all_columns):
            names.setdefault(name, False)
    for column in (data.rule.offset, data.rule.exposure):
        if column is not None:
            names.setdefault(column, False)
    return names


def _stands_bare(spec: ModelSpec, data: ModelData, name: str) -> bool:
    """Return whether a variable is a factor of terms and offsets, once in each, and no more."""
    if name == data.rule.exposure:
        return False
    used = [factor for sub in spec.subterms for factor in sub.factors] + list(spec.offsets)
    readers = [factor for factor in used if name in factor.expression.all_columns]
    return all(factor.name() in _bare(name) for factor in readers)


def _bare(name: str) -> tuple[str, ...]:
    return name, f"Q({name!r})", f'Q("{name}")'


def _levels(spec: ModelSpec, name: str) -> tuple[Any, ...] | None:
    """Return the levels that a variable was coded by, if it is a factor in some term."""
    for sub in spec.subterms:
        for factor in sub.factors:
            levels = spec.learned[factor.name()].levels
            if levels is not None and _reads_only(spec, factor.name(), name):
                return tuple(_plain(level) for level in levels)
    return None


def _reads_only(spec: ModelSpec, code: str, name: str) -> bool:
    """Return whether a factor is the variable itself, or C() of it."""
    for sub in spec.subterms:
        for factor in sub.factors:
            if factor.name() == code and factor.expression.all_columns == {name}:
                return code in _bare(name) or factor.expression.head == "C"
    return False


def _plain(level: Any) -> Any:
    return level.item() if isinstance(level, np.generic) else level


def _most_frequent(values: Any, levels: tuple[Any, ...], weight: Array | None) -> Any:
    """Return the level seen most often, the first of these where several are."""
    category = values if isinstance(values, pd.Categorical) else pd.Categorical(values)
    where = pd.Index(list(levels), dtype=object).get_indexer(category.categories.astype(object))
    codes = where[np.asarray(category.codes)]
    known = codes >= 0
    counts = np.bincount(
        codes[known], weights=None if weight is None else weight[known], minlength=len(levels)
    )
    return levels[int(np.argmax(counts))]


# -- variables of arrays ---------------------------------------------------------------------


def array_variables(data: ModelData) -> dict[str, Variable]:
    """Return the columns of a matrix of predictors as variables."""
    n = data.design.shape[0]
    columns: list[list[Array]] = [[] for _ in data.names]
    for start in range(0, n, SCANNED):
        block = data.design.chunk(start, min(start + SCANNED, n)).toarray()
        for j, parts in enumerate(columns):
            parts.append(block[:, j])
    return {
        name: replace(_summary(name, np.concatenate(parts), data.freq_weights, True), linear=True)
        for name, parts in zip(data.names, columns, strict=True)
    }


# -- rows ------------------------------------------------------------------------------------


def cases_of(data: ModelData, more: Sequence[str] = ()) -> Cases:
    """Return the rows of the fit, with their frequencies as weights.

    Parameters
    ----------
    data : ModelData
    more : sequence of str
        Columns of the data that are wanted beside the model's own.
    """
    n = data.design.shape[0]
    weight = np.ones(n) if data.freq_weights is None else data.freq_weights
    index = None if data.index is None else data.index[data.kept]
    if data.spec is None or data.table is None:
        _known(more, data.names)
        return Cases(n, lambda a, b: _matrix_columns(data, a, b), weight, data.offset, index)
    places = np.flatnonzero(data.kept)
    names = dict.fromkeys([*data.spec.columns(), *_beside(data), *more])
    series = {name: _column(data.table, name) for name in names}

    def columns(start: int, stop: int) -> Columns:
        return _taken(series, places[start:stop])

    return Cases(n, columns, weight, None, index)


def _taken(series: Mapping[str, pd.Series], rows: NDArray[np.intp]) -> Columns:
    taken: Columns = {PLACE: rows}
    for name, column in series.items():
        taken[name] = column.take(rows).reset_index(drop=True)
    return taken


def _column(table: Table, name: str) -> pd.Series:
    if name not in table:
        _known([name], [str(known) for known in table.names])
    return table.column(name)


def _known(names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise UnknownNameError(f"There is no column {name!r}.{suggest(name, known)}")


def _beside(data: ModelData) -> list[str]:
    return [name for name in (data.rule.offset, data.rule.exposure) if name is not None]


def _matrix_columns(data: ModelData, start: int, stop: int) -> Columns:
    block = data.design.chunk(start, stop).toarray()
    return dict(zip(data.names, block.T, strict=True))


def new_cases(data: ModelData, exog: Any, more: Sequence[str]) -> Cases:
    """Return the complete rows of new data."""
    if data.spec is None:
        frame = _frame_of_arrays(exog, data.names)
        names = [*data.names, *more]
        table = Table(frame)
    else:
        table = Table(exog)
        names = [*dict.fromkeys([*data.spec.columns(), *_beside(data), *more])]
    series = {name: _column(table, name) for name in names}
    kept = np.ones(len(table), dtype=bool)
    for column in series.values():
        kept &= ~missing_rows(column)
    places = np.flatnonzero(kept)

    def columns(start: int, stop: int) -> Columns:
        return _taken(series, places[start:stop])

    index = table.index[kept]
    weight = np.ones(places.size)
    return Cases(places.size, columns, weight, None, index, kept)


def _frame_of_arrays(exog: Any, names: tuple[str, ...]) -> Any:
    if isinstance(exog, Mapping):
        exog = pd.DataFrame(dict(exog))
    if isinstance(exog, pd.DataFrame):
        return exog.rename(columns=str)
    values = np.atleast_2d(np.asarray(exog, dtype=np.float64))
    if values.shape[1] != len(names):
        raise AlignmentError(f"exog has {values.shape[1]} columns; the model has {len(names)}.")
    return pd.DataFrame(values, columns=list(names))
