"""A formula on rows that are streamed: learned in one pass, made anew in the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import union_categoricals

from glmfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    DataError,
    DataWarning,
    GlmfitError,
    MissingDataError,
    NotAvailableError,
    UnknownNameError,
    suggest,
    warn,
)
from glmfit.formula.alignment import Beside, beside
from glmfit.formula.learning import LearnedPieces, learn_pieces
from glmfit.formula.parsing import ParsedFormula
from glmfit.formula.response import warn_of_bare_proportions
from glmfit.formula.spec import ModelSpec
from glmfit.formula.table import Openable, Table, first_rows
from glmfit.models.absorbed import is_label
from glmfit.models.data import (
    NOT_WHOLE,
    FamilyReading,
    FormulaReader,
    ModelData,
    OffsetRule,
    check_magnitude,
    check_weights,
    constant_design,
    known_part,
    name_of,
    unnamed,
)
from glmfit.sources import Rows
from glmfit.sources.arrow import PIECE, Batches, Piece
from glmfit.sources.columns import frame_of, ordered_columns
from glmfit.sources.rows import joined
from glmfit.sources.steady import Steady
from glmfit.sources.streamed import MEMORY, StreamedRows, Totals

__all__ = [
    "FormulaStream",
    "Lost",
    "Maker",
    "PartTotals",
    "checked_totals",
    "columns_read",
    "refuse_unstreamable",
    "streamed_data",
    "tell_of_lost",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
T = TypeVar("T")

SAMPLED = 3 * 2**26
"""Most bytes of the sample that a fit starts from, and that sharpens its steps."""

WHOLE = 2**53
"""Largest whole number up to which floating point has all."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the rows of pieces as the formula has learned them.

    Attributes
    ----------
    spec : ModelSpec
    reading : FamilyReading
    given : dict
        The weights, offsets and trials that were given, by argument.
    kept : list of (ndarray of bool or None)
        Complete rows of each piece.
    """

    spec: ModelSpec
    reading: FamilyReading
    given: Mapping[str, Any]
    kept: list[Mask | None]

    def rows(self, piece: Piece) -> Rows:
        """Return the complete rows of a piece."""
        return self.data(piece).rows()

    def data(self, piece: Piece, *, with_design: bool = True) -> ModelData:
        """Return the complete rows of a piece, with all that stands beside the design."""
        with _naming(piece):
            frame = frame_of(piece)
            kept = self.kept[piece.number]
            mask = np.ones(len(frame), dtype=bool) if kept is None else kept
            return self.of_frame(frame, mask, with_design=with_design)

    def of_frame(self, frame: pd.DataFrame, kept: Mask, *, with_design: bool = True) -> ModelData:
        """Return the given rows of a frame."""
        return self.of_table(Table(frame), kept, with_design=with_design)

    def of_table(self, table: Table, kept: Mask, *, with_design: bool = True) -> ModelData:
        """Return the given rows of a table."""
        vectors = _vectors(self.given, table)
        made, values = self.spec.fitted_rows(table, kept, with_design=with_design)
        trials = vectors["trials"].kept(kept) if "trials" in vectors else None
        link = self.reading.link
        return ModelData(
            response=self.reading.response(values, self.spec.response_name, trials),
            design=made.design,
            names=self.spec.column_names,
            offset=known_part(vectors, kept, made.offset, link, table.index),
            freq_weights=_kept(vectors, "freq_weights", kept),
            var_weights=_kept(vectors, "var_weights", kept),
            kept=kept,
            dropped={},
            index=None,
            labelled=True,
            rule=OffsetRule(
                in_formula=bool(self.spec.offsets),
                offset=name_of(vectors, "offset"),
                exposure=name_of(vectors, "exposure"),
                unnamed=unnamed(vectors),
            ),
            spec=self.spec,
        )


def _kept(vectors: Mapping[str, Beside], what: str, kept: Mask) -> Array | None:
    return vectors[what].kept(kept) if what in vectors else None


def _vectors(given: Mapping[str, Any], table: Table) -> dict[str, Beside]:
    n = len(table)
    return {what: beside(value, what, table, table.index, n) for what, value in given.items()}


@dataclass(frozen=True)
class FormulaStream:
    """The rows of a formula, for the passes of a fit and for what follows it.

    Attributes
    ----------
    source : Steady
    maker : Maker
    rows : StreamedRows
    n_effective : float
        Number of observations.
    outcome : tuple of str
        Columns of the response, the offset and the weights.
    """

    source: Steady
    maker: Maker
    rows: StreamedRows
    n_effective: float
    outcome: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the data."""
        return self.source.names

    def parts(self) -> Iterator[ModelData]:
        """Yield response, offset and weights of all rows, piece by piece."""
        return _outcomes(self.source, self.outcome, self.maker)

    def map_parts(self, function: Callable[[ModelData], T]) -> list[T]:
        """Return ``function(part)`` for response, offset and weights of each piece."""
        return [function(part) for part in self.parts()]

    def frequencies(self) -> Array | None:
        """Return the frequency of each row, shape (n,), or None where each counts once."""
        if "freq_weights" not in self.maker.given:
            return None
        found = [part.freq_weights for part in self.parts()]
        return np.concatenate([part for part in found if part is not None])

    def present(self) -> Mask | None:
        """Return which rows carry weight, shape (n,), or None where all do."""
        if not {"freq_weights", "var_weights", "trials"} & set(self.maker.given):
            return None
        weights = [part.weight for part in self.parts()]
        return np.concatenate([weight > 0.0 for weight in weights if weight is not None])

    def column(self, name: Any, what: str) -> Beside:
        """Return a column of all rows; text as a number for each of its levels."""
        if not isinstance(name, str):
            raise NotAvailableError(
                f"{what}= has a value for each row, but the rows are streamed: give the name of "
                "a column of the data."
            )
        _columns_exist([name], self.source.names)
        parts = [frame_of(piece)[name] for piece in self.source.pieces([name])]
        values = joined_codes(parts)
        return Beside(what, values, np.isnan(values), name)

    def table(self) -> Table:
        """Return the data as a table that reads a column whenever it is asked for it."""
        return Table(_Columns(self.source))

    def constant_rows(self) -> StreamedRows:
        """Return the rows with a constant for a design."""

        def make(piece: Piece) -> Rows:
            part = self.maker.data(piece, with_design=False)
            return part.rows(constant_design(part.response.y.size))

        return self.rows.without_columns(self.outcome, make, constant_design)


class _Columns(Openable):
    """Columns of a source, each read as a whole when it is asked for."""

    def __init__(self, source: Steady) -> None:
        self.source = source
        self.columns = list(source.names)
        self.index = pd.RangeIndex(source.n)

    def __getitem__(self, name: str) -> pd.Series:
        parts = [frame_of(piece)[name] for piece in self.source.pieces([name])]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            joined = union_categoricals([part.array for part in parts], ignore_order=True)
            return pd.Series(joined, index=self.index)
        whole: pd.Series = pd.concat(parts)
        return whole


def _outcomes(source: Steady, columns: tuple[str, ...], maker: Maker) -> Iterator[ModelData]:
    for piece in source.pieces(columns):
        yield maker.data(piece, with_design=False)


def streamed_data(
    formula: Any,
    source: Batches,
    reading: FamilyReading,
    given: Mapping[str, Any],
    *,
    missing: str,
    env: Mapping[str, Any] | None,
    subset: Any,
    read: FormulaReader,
) -> ModelData:
    """Return what a formula makes of streamed rows (see `formula_data`).

    One pass learns levels, transforms and missing rows, another one over the response alone
    what its totals are.
    """
    refuse_unstreamable(formula, given, missing, subset)
    given = {what: value for what, value in given.items() if value is not None}
    named = [value for value in given.values() if isinstance(value, str)]
    parsed = read(formula, source.names, env=env, reserved=named)
    columns = columns_read(parsed, named, source.names)
    outcome = columns_read(replace(parsed, terms=()), named, source.names)
    sampled, memory = _budget(source)
    steady = Steady(source, next(iter(outcome or columns), source.names[0]))
    first = _FirstPass(steady, columns, given, missing, sampled)
    with _naming(first):
        learned = learn_pieces(parsed, first.pieces, first.own_order, missing=missing)
    tell_of_lost(first.dropped, first.not_whole)
    maker = Maker(learned.spec, reading, given, learned.kept)
    shown = maker.of_frame(learned.shown, np.ones(len(learned.shown), dtype=bool))
    if shown.design.shape[1] == 0:
        raise ArgumentError("The model has no columns; keep the intercept or add a term.")
    parts = (PartTotals.of(part, reading) for part in _outcomes(steady, outcome, maker))
    totals, n_effective = checked_totals(parts, learned.spec.response_name)
    rows = StreamedRows(
        source=steady,
        columns=columns,
        make=maker.rows,
        design=shown.design,
        shifted=shown.offset is not None,
        totals=totals,
        sample=first.sample(maker, shown.rows().chunk(0, 0)),
        memory=memory,
    )
    stream = FormulaStream(steady, maker, rows, n_effective, outcome)
    return _without_rows(shown, learned, first.dropped, stream)


def _budget(source: Batches) -> tuple[int, int]:
    """Return the bytes for the sample, and for pieces that are kept."""
    if source.memory is None:
        return SAMPLED, MEMORY
    sampled = source.memory * 3 // 5
    return sampled, source.memory - sampled


def refuse_unstreamable(formula: Any, given: Mapping[str, Any], missing: str, subset: Any) -> None:
    if not isinstance(formula, str):
        raise ArgumentTypeError(
            f"The formula must be text such as 'y ~ x1 + x2'; got {type(formula).__name__}."
        )
    if missing not in ("drop", "raise"):
        raise ArgumentError(f"missing must be 'drop' or 'raise' for a formula (got {missing!r}).")
    if subset is not None:
        raise NotAvailableError(
            "subset= chooses rows of a table in memory. Filter streamed rows where they come "
            "from: pyarrow.dataset.dataset(path).filter(...), or the query of a relation."
        )
    for what, value in given.items():
        if value is not None and is_label(what):
            raise NotAvailableError(
                "Effects are absorbed from rows in memory, not yet from streamed ones. Read the "
                "data into a frame, or write the factor into the formula."
            )
        if value is not None and not isinstance(value, str) and np.ndim(value) > 0:
            raise NotAvailableError(
                f"{what}= has a value for each row, but the rows are streamed: give the name of "
                "a column of the data."
            )


def joined_codes(parts: Sequence[pd.Series]) -> Array:
    """Return numbers as they are, and a number for each level of anything else; NaN missing.

    Whole numbers that floating point would round count as levels too.
    """
    if all(_exact(part) for part in parts):
        return np.concatenate([part.to_numpy(dtype=np.float64, na_value=np.nan) for part in parts])
    levels: dict[Any, int] = {}
    found = []
    for part in parts:
        places, values = pd.factorize(part)
        known = [levels.setdefault(value, len(levels)) for value in values]
        found.append(np.array([*known, np.nan])[places])
    return np.concatenate(found)


def _exact(part: pd.Series) -> bool:
    """Return whether a column holds numbers that floating point tells apart."""
    if isinstance(part.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(part.dtype):
        return False
    if pd.api.types.is_float_dtype(part.dtype) or part.isna().all():
        return True
    return bool(part.abs().max() <= WHOLE)


def _columns_exist(named: Sequence[str], names: Sequence[str]) -> None:
    for name in named:
        if name not in names:
            raise UnknownNameError(
                f"There is no column {name!r} in the data.{suggest(name, names)}"
            )


def columns_read(parsed: ParsedFormula, named: list[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of the data that a formula and its weights and offsets read."""
    _columns_exist(named, names)
    found = {c for factor in parsed.factors for c in factor.expression.all_columns}
    return tuple(sorted(found | set(named)))


def _without_rows(
    shown: ModelData, learned: LearnedPieces, dropped: dict[str, int], stream: FormulaStream
) -> ModelData:
    """Return the labels and rules of all rows, without any but those of the design."""
    masks = [
        np.ones(size, dtype=bool) if mask is None else mask
        for mask, size in zip(learned.kept, learned.sizes, strict=True)
    ]
    return replace(
        shown.without_rows(),
        design=shown.design,
        kept=np.concatenate(masks),
        dropped={**learned.dropped, **dropped},
        removed=None,
        stream=stream,
    )


@dataclass(frozen=True, slots=True)
class PartTotals:
    """Sums over some rows.

    Attributes
    ----------
    count : int
    weight, response : float
        Of the prior weights, and of the response times these.
    n_effective : float
        Observations.
    largest : float
        Largest absolute response.
    proportions : int
        Rows with a bare proportion.
    """

    count: int
    weight: float = 0.0
    response: float = 0.0
    n_effective: float = 0.0
    largest: float = 0.0
    proportions: int = 0

    @classmethod
    def of(cls, part: ModelData, reading: FamilyReading) -> PartTotals:
        """Return the sums over the rows of a part, having checked its responses."""
        y, prior = part.response.y, part.weight
        if y.size == 0:
            return cls(0)
        return cls(
            count=y.size,
            weight=float(y.size if prior is None else prior.sum()),
            response=float(y.sum() if prior is None else np.dot(y, prior)),
            n_effective=part.n_effective,
            largest=float(np.abs(y).max()),
            proportions=reading.check_rows(part),
        )


def checked_totals(parts: Iterable[PartTotals], name: str) -> tuple[Totals, float]:
    """Return sums over all rows and the number of observations; raise if no fit can use them.

    Parameters
    ----------
    parts : iterable of PartTotals
        In the order of the rows.
    name : str
        Of the response.
    """
    parts = list(parts)
    weight = sum(part.weight for part in parts)
    if not weight > 0.0:
        raise DataError("All weights are zero.")
    check_magnitude(np.array([max(part.largest for part in parts)]), name)
    warn_of_bare_proportions(name, sum(part.proportions for part in parts))
    counts = tuple(part.count for part in parts)
    n_effective = float(sum(part.n_effective for part in parts))
    totals = Totals(counts, weight, sum(part.response for part in parts))
    return totals, int(n_effective) if n_effective.is_integer() else n_effective


@dataclass(frozen=True, slots=True)
class Lost:
    """What is missing, or odd, in the weights and offsets of some rows.

    Attributes
    ----------
    rows : ndarray of bool, shape (n,)
        Where any is missing.
    dropped : dict of str to int
        How many, by column or argument.
    not_whole : bool
        Whether a frequency is not a whole number.
    """

    rows: Mask
    dropped: dict[str, int]
    not_whole: bool

    @classmethod
    def of(cls, given: Mapping[str, Any], table: Table, missing: str) -> Lost:
        """Return it, having checked the values that are there."""
        lost = np.zeros(len(table), dtype=bool)
        dropped: dict[str, int] = {}
        not_whole = False
        for what, vector in _vectors(given, table).items():
            lost |= vector.missing
            if vector.missing.any():
                if missing == "raise":
                    told = first_rows(vector.missing, table.index)
                    raise MissingDataError(f"{what} has missing values ({told}).")
                dropped[vector.column or what] = int(vector.missing.sum())
            values = vector.kept(~vector.missing)
            if what == "trials" and not (values > 0.0).all():
                raise DataError("trials must be greater than 0 in every row.")
            if what.endswith("weights"):
                check_weights(values, what)
            if what == "freq_weights" and (values != np.round(values)).any():
                not_whole = True
        return cls(lost, dropped, not_whole)


def tell_of_lost(dropped: Mapping[str, int], not_whole: bool) -> None:
    """Warn once of what was met in many pieces."""
    for name, count in dropped.items():
        noun = "value" if count == 1 else "values"
        warn(f"{name} has {count} missing {noun}; these rows are left out.", DataWarning)
    if not_whole:
        warn(NOT_WHOLE, DataWarning)


@dataclass(slots=True)
class _FirstPass:
    """The pieces as the formula learns from them; takes a sample of the rows on the way."""

    source: Steady
    columns: tuple[str, ...]
    given: Mapping[str, Any]
    missing: str
    sampled: int
    """Most bytes of the sample."""
    dropped: dict[str, int] = field(default_factory=dict)
    ordered: frozenset[str] = frozenset()
    not_whole: bool = False
    step: int = 1
    """Of how many rows one is in the sample."""
    taken: list[tuple[Any, NDArray[np.intp]]] = field(default_factory=list)
    """Tables of the sample, with the numbers of their rows."""
    done: bool = False
    origin: str = ""
    """Where the piece at hand is from."""

    def pieces(self) -> Iterator[tuple[Table, Mask]]:
        """Yield each piece, and the rows that weights or offsets are missing in."""
        for piece in self.source.pieces(self.columns):
            self.origin = piece.origin
            table = Table(frame_of(piece))
            lost = self._lost(table)
            if not self.done:
                self.ordered |= ordered_columns(piece)
                self._take(piece)
            yield table, lost
        self.origin = ""
        self.done = True

    def own_order(self) -> frozenset[str]:
        """Return the columns whose categories have an order of their own."""
        return self.ordered

    def _lost(self, table: Table) -> Mask:
        found = Lost.of(self.given, table, self.missing)
        if not self.done:
            self.not_whole |= found.not_whole
            for name, count in found.dropped.items():
                self.dropped[name] = self.dropped.get(name, 0) + count
        return found.rows

    # -- the sample ----------------------------------------------------------------------

    def _take(self, piece: Piece) -> None:
        start = piece.start
        numbers = np.arange(start + -start % self.step, start + piece.table.num_rows, self.step)
        table = piece.table if self.step == 1 else piece.table.take(numbers - start)
        self.taken.append((table, numbers))
        while sum(table.nbytes for table, _ in self.taken) > self.sampled:
            self.step *= 2
            self.taken = [_thinned(table, numbers, self.step) for table, numbers in self.taken]

    def sample(self, maker: Maker, empty: Rows) -> Rows:
        """Return the complete rows of the sample, made a piece at a time; ``empty`` if none is."""
        parts = []
        while self.taken:
            table, numbers = self.taken.pop(0)
            kept = maker.kept[int(numbers[0]) // PIECE] if numbers.size else None
            here = np.ones(numbers.size, dtype=bool) if kept is None else kept[numbers % PIECE]
            if here.any():
                parts.append(maker.of_frame(frame_of(Piece(0, table, "")), here).rows())
        return joined(parts) if parts else empty


def _thinned(table: Any, numbers: NDArray[np.intp], step: int) -> tuple[Any, NDArray[np.intp]]:
    places = np.flatnonzero(numbers % step == 0)
    return table.take(places), numbers[places]


@contextmanager
def _naming(place: Piece | _FirstPass) -> Iterator[None]:
    """Say in errors which file the rows at hand are from."""
    try:
        yield
    except GlmfitError as error:
        if not place.origin or place.origin in str(error):
            raise
        raise type(error)(f"{error} (In {place.origin}.)") from error
