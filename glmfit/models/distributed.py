"""A formula on the partitions of a Dask frame: learned, made and kept where they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.formula.factors import Learned, Rows
from glmfit.formula.learning import (
    LearnedPieces,
    PieceFacts,
    learn_from_facts,
    memorized,
    piece_facts,
)
from glmfit.formula.parsing import ParsedFormula
from glmfit.formula.table import Table
from glmfit.models.data import FamilyReading, FormulaReader, ModelData, RowCounts, constant_design
from glmfit.models.streaming import (
    Lost,
    Maker,
    PartTotals,
    checked_totals,
    columns_read,
    refuse_unstreamable,
    tell_of_lost,
)
from glmfit.sources.arrow import arrow_piece
from glmfit.sources.columns import frame_of, ordered_columns
from glmfit.sources.dask import NOT_GATHERED, DaskRows, Partitions, partitions_of

__all__ = ["DaskStream", "distributed_data"]

Mask = NDArray[np.bool_]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Request:
    """What a worker needs to know of a formula to find the complete rows of a partition."""

    parsed: ParsedFormula
    given: Mapping[str, Any]
    missing: str
    columns: tuple[str, ...]

    def table(self, part: Any) -> tuple[Table, frozenset[str]]:
        """Return a partition as the formula reads it, and which columns have their own order."""
        piece = arrow_piece(part, self.columns)
        return Table(frame_of(piece)), ordered_columns(piece)

    def facts(self, table: Table, own: frozenset[str]) -> tuple[PieceFacts, Mask, Lost]:
        """Return what the rows say, and which are complete."""
        lost = Lost.of(self.given, table, self.missing)
        return *piece_facts(self.parsed, table, lost.rows, own, self.missing), lost

    def complete(self, table: Table) -> Mask:
        """Return the complete rows."""
        return self.facts(table, frozenset())[1]


@dataclass(frozen=True, slots=True)
class DaskStream:
    """The rows of a formula in the partitions of a Dask frame (see `ModelData.stream`).

    Attributes
    ----------
    parts : Partitions
        Of `ModelData` with its design.
    rows : DaskRows
    n_effective : float
        Number of observations.
    names : tuple of str
        Columns of the data.
    given : frozenset of str
        The arguments that name a column.
    """

    parts: Partitions
    rows: DaskRows
    n_effective: float
    names: tuple[str, ...]
    given: frozenset[str]

    def map_parts(self, function: Callable[[ModelData], T]) -> list[T]:
        """Return ``function(part)`` for response, offset and weights of each partition."""
        return self.parts.map(function)

    def constant_rows(self) -> DaskRows:
        """Return the rows with a constant for a design."""
        return replace(self.rows, design=constant_design(1), constant=constant_design)

    def frequencies(self) -> None:
        """Return None where each row counts once; raise where frequencies are with the rows."""
        if "freq_weights" in self.given:
            raise NotAvailableError(NOT_GATHERED)

    def present(self) -> None:
        """Return None where all rows carry weight; raise where weights are with the rows."""
        if {"freq_weights", "var_weights", "trials"} & set(self.given):
            raise NotAvailableError(NOT_GATHERED)

    def table(self) -> NoReturn:
        """Raise: what has a value for each row stays where the rows are."""
        raise NotAvailableError(NOT_GATHERED)

    def column(self, name: Any, what: str) -> NoReturn:
        """Raise: what has a value for each row stays where the rows are."""
        raise NotAvailableError(NOT_GATHERED)


def distributed_data(
    formula: Any,
    data: Any,
    reading: FamilyReading,
    given: Mapping[str, Any],
    *,
    missing: str,
    env: Mapping[str, Any] | None,
    subset: Any,
    read: FormulaReader,
) -> ModelData:
    """Return what a formula makes of a Dask frame (see `formula_data`).

    Levels and missing rows are found in all partitions at once. Transforms that remember the
    data see one partition after the other, in their order, so that they learn what they
    learn from a frame.
    """
    refuse_unstreamable(formula, given, missing, subset)
    given = {what: value for what, value in given.items() if value is not None}
    named = [value for value in given.values() if isinstance(value, str)]
    names = tuple(str(name) for name in data.columns)
    parsed = read(formula, names, env=env, reserved=named)
    columns = columns_read(parsed, named, names)
    # workers need the factors alone; patsy's terms cannot be sent to them
    factors = replace(parsed, response=parsed.factors, terms=(), offsets=())
    request = _Request(factors, given, missing, columns)
    parts = partitions_of(data, columns)
    learned, dropped = _learned(parts, parsed, request)
    maker = Maker(learned.spec, reading, given, [])
    shown = maker.of_frame(learned.shown, np.ones(len(learned.shown), dtype=bool))
    if shown.design.shape[1] == 0:
        raise ArgumentError("The model has no columns; keep the intercept or add a term.")
    made = parts.made(partial(_made, request, maker)).held()
    totals, n_effective = checked_totals(
        made.map(partial(PartTotals.of, reading=reading)), learned.spec.response_name
    )
    rows = DaskRows(
        parts=made,
        counts=totals.counts,
        design=shown.design,
        shifted=shown.offset is not None,
        total_weight=totals.weight,
        mean_response=totals.response / totals.weight,
    )
    return replace(
        shown.without_rows(),
        design=shown.design,
        kept=np.zeros(0, dtype=bool),
        dropped={**learned.dropped, **dropped},
        removed=RowCounts(sum(learned.sizes), sum(totals.counts), 0),
        stream=DaskStream(made, rows, n_effective, names, frozenset(given)),
    )


def _learned(
    parts: Partitions, parsed: ParsedFormula, request: _Request
) -> tuple[LearnedPieces, dict[str, int]]:
    """Return what the formula learns of all partitions, and how many rows lack a weight."""
    found = parts.map(partial(_facts, request))
    dropped: dict[str, int] = {}
    for _, lost, _ in found:
        for name, count in lost.items():
            dropped[name] = dropped.get(name, 0) + count

    def memorize(learned: dict[str, Learned], number: int) -> dict[str, Learned]:
        return parts.chain(partial(_memorized, request, number), learned)

    facts = [facts for facts, _, _ in found]
    learned = learn_from_facts(parsed, facts, memorize, missing=request.missing)
    tell_of_lost(dropped, any(not_whole for _, _, not_whole in found))
    return learned, dropped


# -- on the workers ------------------------------------------------------------------------


def _facts(request: _Request, part: Any) -> tuple[PieceFacts, dict[str, int], bool]:
    table, own = request.table(part)
    facts, _, lost = request.facts(table, own)
    return facts, lost.dropped, lost.not_whole


def _memorized(
    request: _Request, number: int, learned: dict[str, Learned], part: Any
) -> dict[str, Learned]:
    table, _ = request.table(part)
    return memorized(request.parsed, learned, number, Rows(table, request.complete(table)))


def _made(request: _Request, maker: Maker, part: Any) -> ModelData:
    table, _ = request.table(part)
    return maker.of_table(table, request.complete(table))
