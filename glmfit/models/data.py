"""What a model is fitted to: response, design, offset and weights under one row mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.design import Categorical, Design
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    DataError,
    DataWarning,
    MissingDataError,
    NotAvailableError,
    warn,
)
from glmfit.families import Family
from glmfit.formula.alignment import Beside, align, beside
from glmfit.formula.response import (
    Response,
    bare_proportions,
    number_response,
    proportion_response,
    warn_of_bare_proportions,
)
from glmfit.formula.spec import DesignRows, ModelSpec, ParsedFormula, parse
from glmfit.formula.table import Table, first_rows
from glmfit.links import Link, Log
from glmfit.models.absorbed import LABELS, Absorbed, absorbed_of, is_label
from glmfit.sources import Rows, RowSource

__all__ = [
    "BESIDE",
    "LABELS",
    "FamilyReading",
    "ModelData",
    "OffsetRule",
    "Stream",
    "Reading",
    "check_magnitude",
    "check_width",
    "RowCounts",
    "constant_design",
    "name_of",
    "extended_data",
    "finish",
    "formula_data",
    "known_part",
    "labels_of",
    "log_exposure",
    "missing_beside",
    "named",
    "unnamed",
    "weights_of",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
T = TypeVar("T")

COPIES = 7
"""Matrices of p x p numbers that a fit holds at its peak, by measurement."""

LARGEST_RESPONSE = 1e140
"""Beyond which, and below whose reciprocal, squares of the response are lost."""

WIDE, WIDEST = 4096, 12_000
"""Columns from which a fit warns of the memory that it takes, and from which it refuses."""

BESIDE = ("offset", "exposure", "freq_weights", "var_weights", "trials")


@dataclass(frozen=True, slots=True)
class OffsetRule:
    """How the known part of the predictor is found again for new data.

    Attributes
    ----------
    in_formula : bool
        The formula has ``offset(...)`` terms, which are evaluated again.
    offset, exposure : str or None
        Columns that were given by name, which are looked up again.
    unnamed : tuple of str
        Arguments that were arrays: they must be given anew.
    """

    in_formula: bool = False
    offset: str | None = None
    exposure: str | None = None
    unnamed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How many rows the data had; it stays when the rows are gone.

    Attributes
    ----------
    given : int
    used : int
    outside : int
        Rows that ``subset`` left out.
    """

    given: int
    used: int
    outside: int


@dataclass(frozen=True, slots=True)
class ModelData:
    """Rows and labels of a model.

    Attributes
    ----------
    response : Response
    design : Design
        Shape (m, p); m complete rows.
    names : tuple of str
        Columns of the design.
    offset : ndarray of shape (m,) or None
        Offset plus log exposure.
    freq_weights, var_weights : ndarray of shape (m,) or None
    kept : ndarray of bool, shape (n,)
        Which rows of the data are used.
    dropped : dict of str to int
        Rows with a missing value, by column or argument.
    index : Index or None
        Labels of all n rows; None for arrays without labels.
    labelled : bool
        Whether results come back as Series and frames.
    rule : OffsetRule
    spec : ModelSpec or None
    table : Table or None
        The data of a formula, for columns that are named later (cluster groups).
    outside : ndarray of bool, shape (n,), or None
        Rows that ``subset`` left out.
    groups, alternatives : ndarray of shape (m,) or None
        The group of each row, and the alternative that it is, of any type, where the model
        has groups and alternatives.
    absorbed : Absorbed or None
        The factors whose effects are absorbed.
    removed : RowCounts or None
        The counts of rows that are no longer here.
    stream : Stream or None
        Where the rows come from if they are not held: then response, offset and weights
        are empty, and the design is that of a few rows.
    """

    response: Response
    design: Design
    names: tuple[str, ...]
    offset: Array | None
    freq_weights: Array | None
    var_weights: Array | None
    kept: Mask
    dropped: dict[str, int]
    index: pd.Index | None
    labelled: bool
    rule: OffsetRule
    spec: ModelSpec | None = None
    table: Table | None = field(default=None, repr=False)
    outside: Mask | None = None
    groups: NDArray[Any] | None = None
    alternatives: NDArray[Any] | None = None
    absorbed: Absorbed | None = None
    removed: RowCounts | None = None

    @property
    def counts(self) -> RowCounts:
        """How many rows the data had, and how many of them were used."""
        if self.removed is not None:
            return self.removed
        outside = 0 if self.outside is None else int(self.outside.sum())
        return RowCounts(self.kept.size, int(self.kept.sum()), outside)

    stream: Stream | None = field(default=None, repr=False)

    @property
    def n_outside(self) -> int:
        """Number of rows that ``subset`` left out."""
        return self.counts.outside

    @property
    def weight(self) -> Array | None:
        """Product of trials, frequency and variance weights, or None where all are 1."""
        product: Array | None = None
        for part in (self.response.trials, self.freq_weights, self.var_weights):
            if part is not None:
                product = part if product is None else product * part
        return product

    @property
    def n_effective(self) -> float:
        """Number of observations: frequencies summed, rows of weight 0 left out."""
        if self.stream is not None:
            return self.stream.n_effective
        weight = self.weight
        if weight is None:
            return len(self.response.y)
        counted = weight > 0.0
        if self.freq_weights is None:
            return int(np.count_nonzero(counted))
        total = float(self.freq_weights[counted].sum())
        return int(total) if total.is_integer() else total

    def rows(self, design: Design | None = None) -> Rows:
        """Return the rows for the engine."""
        return Rows(self.response.y, design or self.design, self.offset, self.weight)

    def source(self, design: Design | None = None) -> RowSource:
        """Return the rows for a pass, which may be streamed."""
        if self.stream is None:
            return self.rows(design)
        return self.stream.rows if design is None else self.stream.rows.with_design(design)

    def constant_source(self) -> RowSource:
        """Return the rows with a constant for a design."""
        if self.stream is not None:
            return self.stream.constant_rows()
        return self.rows(constant_design(self.response.y.size))

    def map_parts(self, function: Callable[[ModelData], T]) -> list[T]:
        """Return ``function`` of response, offset and weights of the rows, a part at a time.

        In one part where the rows are held.
        """
        return [function(self)] if self.stream is None else self.stream.map_parts(function)

    def by_columns(self) -> ModelData:
        """Return streamed data with frequencies, and a table that reads one column at a time."""
        assert self.stream is not None
        return replace(self, freq_weights=self.stream.frequencies(), table=self.stream.table())

    @property
    def columns(self) -> Sequence[Any]:
        """Names of the columns of the data; none for arrays."""
        if self.stream is not None:
            return self.stream.names
        return () if self.table is None else self.table.names

    @property
    def present(self) -> Mask | None:
        """Which of the m rows carry weight; None where all do."""
        if self.stream is not None:
            return self.stream.present()
        return None if self.weight is None else self.weight > 0.0

    def take(self, rows: NDArray[np.intp]) -> ModelData:
        """Return the data of some of the m rows, by position."""
        kept = np.zeros_like(self.kept)
        kept[np.flatnonzero(self.kept)[rows]] = True
        trials = self.response.trials
        parts = ("offset", "freq_weights", "var_weights", *LABELS)
        given = {name: getattr(self, name) for name in parts}
        return replace(
            self,
            response=replace(
                self.response,
                y=self.response.y[rows],
                trials=None if trials is None else trials[rows],
            ),
            design=self.design.take(rows),
            kept=kept,
            absorbed=None if self.absorbed is None else self.absorbed.take(rows),
            **{name: value[rows] for name, value in given.items() if value is not None},
        )

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return row values for all n rows, NaN where a row was dropped."""
        if self.kept.all():
            return values
        out = np.full((self.kept.size, *values.shape[1:]), np.nan)
        out[self.kept] = values
        return out

    def label(self, values: NDArray[Any], name: str | None = None) -> Any:
        """Return row values for all n rows, as a Series where the data had labels."""
        out = self.spread(values)
        if not self.labelled:
            return out
        return pd.Series(out, index=self.index, name=name)

    def without_rows(self) -> ModelData:
        """Return the labels and rules without the rows."""
        nothing = np.empty(0)
        return replace(
            self,
            response=replace(self.response, y=self.response.y[:0], trials=None),
            design=self.design.take(np.empty(0, dtype=np.intp)),
            offset=None if self.offset is None else nothing,
            freq_weights=None if self.freq_weights is None else nothing,
            var_weights=None if self.var_weights is None else nothing,
            groups=None,
            alternatives=None,
            absorbed=None if self.absorbed is None else self.absorbed.without_rows(),
            table=None,
            index=None,
            stream=None,
            kept=np.empty(0, dtype=bool),
            outside=None,
            removed=self.counts,
        )

    def beside(self, given: Any, what: str, *, numeric: bool = False) -> Beside:
        """Return a vector, given by column name or by value, for the data's n rows."""
        if self.stream is not None:
            return self.stream.column(given, what)
        return beside(given, what, self.table, self.index, self.kept.size, numeric=numeric)


class Stream(Protocol):
    """Rows that are read anew for each pass."""

    @property
    def rows(self) -> RowSource: ...
    @property
    def n_effective(self) -> float: ...
    @property
    def names(self) -> Sequence[str]: ...
    def constant_rows(self) -> RowSource: ...
    def map_parts(self, function: Callable[[ModelData], T]) -> list[T]: ...
    def frequencies(self) -> Array | None: ...
    def present(self) -> Mask | None: ...
    def column(self, name: Any, what: str) -> Beside: ...
    def table(self) -> Table: ...


def constant_design(n: int) -> Design:
    """Return the design of a constant."""
    return Categorical(np.zeros(n, dtype=np.int8), 1)


class Reading(Protocol):
    """What a model makes of its response."""

    @property
    def link(self) -> Link | None:
        """The link, on which it depends whether an exposure has a meaning."""

    def response(self, values: tuple[Any, ...], name: str, trials: Array | None) -> Response:
        """Return the response that the values of the left-hand side are."""

    def check(self, data: ModelData) -> None:
        """Raise unless the rows can be fitted."""


class FormulaReader(Protocol):
    """Reads a formula (see `parse`)."""

    def __call__(
        self,
        formula: Any,
        columns: Sequence[str],
        /,
        *,
        env: Mapping[str, Any] | None,
        reserved: Sequence[str],
    ) -> ParsedFormula: ...


class SpecLearner(Protocol):
    """Learns what a formula needs of the data (see `ModelSpec.learn`)."""

    def __call__(
        self,
        parsed: ParsedFormula,
        table: Table,
        also_missing: Mask,
        /,
        *,
        missing: str,
        outside: Mask | None = None,
    ) -> tuple[ModelSpec, DesignRows]: ...


@dataclass(frozen=True, slots=True)
class FamilyReading:
    """The reading of a family: numbers, or shares of trials.

    Attributes
    ----------
    family : Family
    event : optional
        The level that counts as the event of a binomial.
    """

    family: Family
    event: Any = None

    @property
    def link(self) -> Link:
        """The family's link."""
        return self.family.link

    def response(self, values: tuple[Any, ...], name: str, trials: Array | None) -> Response:
        """Return the response that the values of the left-hand side are."""
        if self.family.proportions:
            if trials is not None and not (trials > 0.0).all():
                raise DataError("trials must be greater than 0 in every row.")
            return proportion_response(values, name, event=self.event, trials=trials)
        if self.event is not None or trials is not None:
            what = "event" if self.event is not None else "trials"
            raise ArgumentError(f"{what}= is for binomial models; this is {self.family.name}.")
        return number_response(values, name, self.family.name)

    def check(self, data: ModelData) -> None:
        """Raise unless the rows can be fitted; warn of proportions without trials."""
        if data.design.shape[1] == 0:
            raise ArgumentError("The model has no columns; keep the intercept or add a term.")
        warn_of_bare_proportions(data.response.name, self.check_rows(data))

    def check_rows(self, data: ModelData) -> int:
        """Raise unless the responses can be fitted; return how many are bare proportions."""
        self.family.check_response(data.response.y)
        if not self.family.proportions or data.var_weights is not None:
            return 0
        return bare_proportions(data.response)


def formula_data(
    formula: Any,
    data: Any,
    reading: Reading,
    given: Mapping[str, Any],
    *,
    missing: str,
    env: Mapping[str, Any] | None,
    subset: Any,
    read: FormulaReader = parse,
    learn: SpecLearner = ModelSpec.learn,
) -> ModelData:
    """Return the rows that a formula makes of ``data``.

    Parameters
    ----------
    formula : str
    data : DataFrame, dict or another table
    reading : Reading
        What the model makes of its response.
    given : mapping
        The arguments `BESIDE`, `LABELS` and those of `absorb_arguments` that were given.
    missing : {"drop", "raise"}
    env : mapping or None
        What the formula may use of the caller's.
    subset : mask or labels, optional
        Rows to use.
    read : FormulaReader
        How the text is read.
    learn : SpecLearner
        What learns from the rows.
    """
    if missing not in ("drop", "raise"):
        raise ArgumentError(f"missing must be 'drop' or 'raise' for a formula (got {missing!r}).")
    if not isinstance(formula, str):
        raise ArgumentTypeError(
            f"The formula must be text such as 'y ~ x1 + x2'; got {type(formula).__name__}."
        )
    # a shallow copy, so that columns which the user changes later stay as they were
    table = Table(data.copy(deep=False) if isinstance(data, pd.DataFrame) else data)
    n = len(table)
    vectors = {
        what: beside(value, what, table, table.index, n, numeric=not is_label(what))
        for what, value in given.items()
        if value is not None
    }
    reserved = [v.column for v in vectors.values() if v.column is not None]
    parsed = read(formula, table.names, env=env, reserved=reserved)
    outside = _outside_subset(subset, table.index)
    lost, dropped = missing_beside(vectors, table.index, missing, ~outside)
    spec, rows = learn(parsed, table, lost, missing=missing, outside=outside)
    kept = rows.kept
    trials = vectors["trials"].kept(kept) if "trials" in vectors else None
    response = reading.response(rows.response, spec.response_name, trials)
    rule = OffsetRule(
        in_formula=bool(spec.offsets),
        offset=name_of(vectors, "offset"),
        exposure=name_of(vectors, "exposure"),
        unnamed=unnamed(vectors),
    )
    return finish(
        ModelData(
            response=response,
            design=rows.design,
            names=spec.column_names,
            offset=known_part(vectors, kept, rows.offset, reading.link, table.index),
            freq_weights=weights_of(vectors, "freq_weights", kept),
            var_weights=weights_of(vectors, "var_weights", kept),
            kept=kept,
            dropped={**rows.dropped, **dropped},
            index=table.index,
            labelled=True,
            rule=rule,
            spec=spec,
            table=table,
            outside=outside,
            groups=labels_of(vectors, "groups", kept),
            alternatives=labels_of(vectors, "alternatives", kept),
            absorbed=absorbed_of(vectors, kept),
        ),
        reading,
    )


def extended_data(
    data: ModelData, terms: str, env: Mapping[str, Any] | None
) -> tuple[ModelData, str]:
    """Return the same rows with the columns of further terms, and the formula of all.

    Raises
    ------
    NotAvailableError
        If there is no formula.
    MissingDataError
        If a new column is missing in a row of the fit, which other fits then had more of.
    """
    spec = data.spec
    if spec is None or data.table is None:
        raise NotAvailableError(
            "Terms are added to a model with a formula; fit the larger model, and compare the "
            "two by anova(fit1, fit2)."
        )
    own = ["1" if term == "Intercept" else term for term in spec.term_slices]
    own += [] if "Intercept" in spec.term_slices else ["0"]
    own += [f"offset({factor.name()})" for factor in spec.offsets]
    left = " + ".join(factor.name() for factor in spec.response)
    formula = f"{left} ~ {' + '.join(own)} + {str(terms).strip().removeprefix('~')}"
    parsed = parse(formula, data.table.names, env=env)
    nothing = np.zeros(data.kept.size, dtype=bool)
    try:
        larger, rows = ModelSpec.learn(
            parsed, data.table, nothing, missing="raise", outside=~data.kept
        )
    except MissingDataError as error:
        raise MissingDataError(
            f"{error} The fits would have different rows: fit the model without these rows "
            "first (subset=)."
        ) from error
    names = larger.column_names
    return replace(data, design=rows.design, names=names, spec=larger), formula


def finish(data: ModelData, reading: Reading) -> ModelData:
    """Check what can only be checked with all parts at hand."""
    if data.design.shape[0] == 0:
        raise DataError("The data have no rows.")
    weight = data.weight
    if weight is not None and not (weight > 0.0).any():
        raise DataError("All weights are zero.")
    check_magnitude(data.response.y, data.response.name)
    reading.check(data)
    return data


def check_width(data: ModelData) -> None:
    """Warn of a design whose cross products fill memory; raise where they fill too much.

    Raises
    ------
    ArgumentError
        If there are more than `WIDEST` stored columns.

    Warns
    -----
    DataWarning
        If there are more than `WIDE`.
    """
    width = data.design.raw.shape[1]
    if width <= WIDE:
        return
    needed = COPIES * 8.0 * width**2 / 2.0**30
    told = f"The design has {width} columns{_widest_term(data)}; a fit would hold {needed:.1f} GB "
    told += "of products of columns. Absorb factors with many levels instead: absorb=['firm'] at "
    told += "the model fits the same effects in little memory."
    if width > WIDEST:
        raise ArgumentError(told)
    warn(told, DataWarning)


def _widest_term(data: ModelData) -> str:
    if data.spec is None or not data.spec.term_slices:
        return ""
    widths = {name: part.stop - part.start for name, part in data.spec.term_slices.items()}
    widest = max(widths, key=lambda name: widths[name])
    return f" ({widths[widest]} of them from {widest})"


def check_magnitude(y: Array, name: str) -> None:
    """Raise if the squares of the response vanish, or overflow, in floating point."""
    largest = max(float(y.max(initial=0.0)), -float(y.min(initial=0.0)))
    if largest > LARGEST_RESPONSE or 0.0 < largest < 1.0 / LARGEST_RESPONSE:
        raise DataError(
            f"The values of {name} reach {largest:.3g}; their squares cannot be summed in "
            f"floating point. Values between {1.0 / LARGEST_RESPONSE:g} and {LARGEST_RESPONSE:g} "
            "can: change the unit."
        )


def name_of(vectors: Mapping[str, Beside], what: str) -> str | None:
    return vectors[what].column if what in vectors else None


def unnamed(vectors: Mapping[str, Beside]) -> tuple[str, ...]:
    return tuple(
        what for what in ("offset", "exposure") if what in vectors and not vectors[what].column
    )


def named(vectors: Mapping[str, Beside]) -> tuple[str, ...]:
    return tuple(w for w in ("offset", "exposure") if w in vectors and vectors[w].column)


def labels_of(vectors: Mapping[str, Beside], what: str, kept: Mask) -> NDArray[Any] | None:
    """Return the group or alternative of each kept row, if they were given."""
    return vectors[what].kept(kept) if what in vectors else None


def _outside_subset(subset: Any, index: pd.Index) -> Mask:
    """Return the rows that ``subset`` leaves out: a mask, or labels as ``.loc`` takes them."""
    n = len(index)
    if subset is None:
        return np.zeros(n, dtype=bool)
    if isinstance(subset, str):
        raise ArgumentTypeError(
            "subset is a mask or a list of row labels, as in data['x'] > 0; got text."
        )
    if isinstance(subset, pd.Series) and subset.dtype.kind == "b":
        return ~align(subset, index, "subset").to_numpy(dtype=bool)
    chosen = np.asarray(subset)
    if chosen.dtype.kind == "b":
        if chosen.shape != (n,):
            raise AlignmentError(f"subset has {chosen.size} values, the data have {n} rows.")
        return ~chosen
    absent = ~pd.Index(chosen).isin(index)
    if absent.any():
        raise AlignmentError(f"subset names the row {chosen[absent][0]!r}, which is not there.")
    return np.asarray(~index.isin(chosen))


def missing_beside(
    vectors: Mapping[str, Beside], index: pd.Index, missing: str, considered: Mask
) -> tuple[Mask, dict[str, int]]:
    lost = np.zeros(len(index), dtype=bool)
    dropped = {}
    for what, vector in vectors.items():
        gone = vector.missing & considered
        if not gone.any():
            continue
        count = int(gone.sum())
        noun = "value" if count == 1 else "values"
        told = f"{what} has {count} missing {noun} ({first_rows(gone, index)})"
        if missing == "raise":
            raise MissingDataError(f"{told}.")
        warn(f"{told}; these rows are left out.", DataWarning)
        dropped[vector.column or what] = count
        lost |= gone
    return lost, dropped


def known_part(
    vectors: Mapping[str, Beside],
    kept: Mask,
    in_formula: Array | None,
    link: Link | None,
    index: pd.Index,
) -> Array | None:
    """Return offset plus log exposure of the kept rows."""
    total = in_formula
    if "offset" in vectors:
        offset = vectors["offset"].kept(kept)
        if np.isinf(offset).any():
            raise DataError("offset has infinite values.")
        total = offset if total is None else total + offset
    if "exposure" in vectors:
        logged = log_exposure(vectors["exposure"].kept(kept), link, index[kept])
        total = logged if total is None else total + logged
    return total


def log_exposure(exposure: Array, link: Link | None, index: pd.Index) -> Array:
    """Return log(exposure), for a log-link model and positive values only."""
    if not isinstance(link, Log):
        raise ArgumentError(
            f"exposure= needs a log link; the model has {link or 'none'}. Use offset= for a known "
            "part of the linear predictor."
        )
    bad = ~(exposure > 0.0) | np.isinf(exposure)
    if bad.any():
        raise DataError(f"exposure must be greater than 0 ({first_rows(bad, index)}).")
    logged: Array = np.log(exposure)
    return logged


def weights_of(vectors: Mapping[str, Beside], what: str, kept: Mask) -> Array | None:
    if what not in vectors:
        return None
    values: Array = vectors[what].kept(kept)
    check_weights(values, what)
    if what == "freq_weights" and (values != np.round(values)).any():
        warn(NOT_WHOLE, DataWarning)
    return values


NOT_WHOLE = (
    "freq_weights are not whole numbers, although they say how often each row was seen. For "
    "precision weights use var_weights."
)


def check_weights(values: Array, what: str) -> None:
    """Raise unless weights are finite and not negative."""
    if (values < 0.0).any() or np.isinf(values).any():
        row = int(np.argmax((values < 0.0) | np.isinf(values)))
        raise DataError(f"{what} must be finite and not negative; found {values[row]:g}.")
