"""What a formula learns of rows that come in pieces: levels, transforms, missing values.

The transforms see the pieces by patsy's own protocol, as many times as they ask. Levels of
factors are those of all pieces; what they are coded with is then the same as for a frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from patsy import Term
from patsy.categorical import _CategoricalBox

from glmfit.errors import DataError, DataWarning, FormulaError, MissingDataError, warn
from glmfit.formula.factors import Factor, Learned, Rows, any_column, check_finite, missing_in
from glmfit.formula.limits import check_columns
from glmfit.formula.parsing import ParsedFormula
from glmfit.formula.spec import ModelSpec, check_level_count, coded_by_patsy, warn_of_one_level
from glmfit.formula.table import (
    Table,
    all_finite,
    first_rows,
    warn_if_numbers_as_text,
    without_unused,
)

__all__ = [
    "LearnedPieces",
    "PieceFacts",
    "learn_from_facts",
    "learn_pieces",
    "memorized",
    "piece_facts",
]

Mask = NDArray[np.bool_]

SHOWN = 1024
"""Rows that stand for all where only the columns of the design matter."""

FEW_SHOWN = 8
"""The same of a piece that is elsewhere."""


@dataclass(frozen=True, slots=True)
class LearnedPieces:
    """What was learned of all pieces.

    Attributes
    ----------
    spec : ModelSpec
    kept : list of (ndarray of bool or None)
        The complete rows of each piece; None where all are.
    sizes : list of int
        Rows of each piece.
    dropped : dict of str to int
        Rows with a missing value, by column.
    shown : DataFrame
        A few complete rows, among which no column of numbers is constant unless it is so in
        all.
    """

    spec: ModelSpec
    kept: list[Mask | None]
    sizes: list[int]
    dropped: dict[str, int]
    shown: pd.DataFrame


@dataclass(slots=True)
class _Seen:
    """Levels of a factor, in the order in which they were met."""

    levels: dict[Any, None] = field(default_factory=dict)
    declared: dict[Any, None] = field(default_factory=dict)
    """All categories of the column, in its own order, where it has one."""
    box: Any = None
    """patsy's box around the values, with the contrast that was asked for."""

    def add(self, value: Any, own_order: bool, all_levels: Iterable[Any]) -> None:
        if isinstance(value, _CategoricalBox):
            self.box, value = value, value.data
        self.levels.update(dict.fromkeys(without_unused(value).categories))
        if own_order:
            self.declared.update(dict.fromkeys(all_levels))

    def join(self, other: _Seen) -> None:
        """Add the levels of rows that come after these."""
        self.levels.update(other.levels)
        self.declared.update(other.declared)

    def ordered(self) -> list[Any]:
        """Return the levels in the order of the column, or of the alphabet."""
        if self.declared:
            return [level for level in self.declared if level in self.levels]
        try:
            return sorted(self.levels)
        except TypeError:
            return list(self.levels)

    def categories(self) -> Any:
        """Return no rows with these levels, as patsy reads them."""
        levels = pd.Index(self.ordered(), dtype=object)
        nothing = pd.Categorical([], categories=levels)
        if self.box is None:
            return nothing
        return _CategoricalBox(nothing, self.box.contrast, self.box.levels)


class _Known(Factor):
    """A factor that has learned all it needs, and shows patsy a value that stands for all."""

    def __init__(self, factor: Factor, learned: Learned, value: Any) -> None:
        self.expression = factor.expression
        self.namespace = factor.namespace
        self.origin = factor.origin
        self._learned = learned
        self._value = value

    def memorize_passes_needed(self, state: dict[str, Any], eval_env: Any) -> int:
        state["learned"] = self._learned
        return 0

    def eval(self, state: dict[str, Any], data: Any) -> Any:
        return self._value


def learn_pieces(
    parsed: ParsedFormula,
    pieces: Callable[[], Iterator[tuple[Table, Mask]]],
    own_order: Callable[[], frozenset[str]],
    *,
    missing: str,
) -> LearnedPieces:
    """Learn levels and transforms from the complete rows of all pieces.

    Parameters
    ----------
    parsed : ParsedFormula
    pieces : callable
        Yields the pieces anew, each with the rows to leave out for other reasons.
    own_order : callable
        Returns the columns whose categories have an order of their own, once a piece was read.
    missing : {"drop", "raise"}
    """
    return _Learner(parsed, own_order, missing).learn(pieces)


@dataclass(frozen=True, slots=True)
class PieceFacts:
    """What one piece says of levels, missing rows and columns, wherever it is.

    Attributes
    ----------
    seen : dict
        Levels of factors.
    size : int
        Rows of the piece.
    dropped, undefined : dict of str to int
        Rows with a missing value, by column, and without a value, by factor.
    shown : DataFrame or None
        A few complete rows.
    """

    seen: dict[str, _Seen]
    size: int
    dropped: dict[str, int]
    undefined: dict[str, int]
    shown: pd.DataFrame | None


def piece_facts(
    parsed: ParsedFormula, table: Table, lost: Mask, own: frozenset[str], missing: str
) -> tuple[PieceFacts, Mask]:
    """Return what a piece says, and its complete rows.

    Parameters
    ----------
    parsed : ParsedFormula
    table : Table
    lost : ndarray of bool, shape (n,)
        Rows to leave out for other reasons.
    own : frozenset of str
        Columns whose categories have an order of their own.
    missing : {"drop", "raise"}
    """
    learner = _Learner(parsed, lambda: own, missing, shown=FEW_SHOWN)
    rows = learner.first(table, lost)
    shown = pd.concat(learner.shown) if learner.shown else None
    # contrasts cannot be sent; those of the rows that are shown are the same
    seen = {name: replace(levels, box=None) for name, levels in learner.seen.items()}
    facts = PieceFacts(seen, len(table), learner.dropped, learner.undefined, shown)
    return facts, rows.kept


def memorized(
    parsed: ParsedFormula, learned: dict[str, Learned], number: int, rows: Rows
) -> dict[str, Learned]:
    """Return what transforms have learned once they have seen some more complete rows.

    Parameters
    ----------
    parsed : ParsedFormula
    learned : dict of str to Learned
        By factor; it stays as it is.
    number : int
        Of the pass over all pieces.
    rows : Rows
    """
    learner = _Learner(parsed, frozenset, "drop", learned=deepcopy(learned))
    if len(rows):
        learner.memorize(number, rows)
    return learner.learned()


def learn_from_facts(
    parsed: ParsedFormula,
    facts: Sequence[PieceFacts],
    memorize: Callable[[dict[str, Learned], int], dict[str, Learned]],
    *,
    missing: str,
) -> LearnedPieces:
    """Learn from pieces that are elsewhere (see `learn_pieces`).

    Parameters
    ----------
    parsed : ParsedFormula
    facts : sequence of PieceFacts
        In the order of the pieces.
    memorize : callable
        Shows all pieces to the transforms, with the number of the pass (see `memorized`).
    missing : {"drop", "raise"}

    Returns
    -------
    LearnedPieces
        Without masks.
    """
    learner = _Learner(parsed, frozenset, missing)
    learner.join(facts)
    learner.tell()
    for number in range(learner.n_passes):
        learner.adopt(memorize(learner.learned(), number))
        learner.finish(number)
    return learner.result()


class _Learner:
    """Holds what the passes over the pieces share."""

    def __init__(
        self,
        parsed: ParsedFormula,
        own_order: Callable[[], frozenset[str]],
        missing: str,
        *,
        shown: int = SHOWN,
        learned: dict[str, Learned] | None = None,
    ) -> None:
        self.parsed = parsed
        self.own_order = own_order
        self.missing = missing
        self.factors = list(dict.fromkeys(parsed.factors))
        self.states: dict[Factor, dict[str, Any]] = {f: {} for f in self.factors}
        self.passes = {f: f.memorize_passes_needed(self.states[f], None) for f in self.factors}
        self.columns = sorted({c for f in self.factors for c in f.expression.all_columns})
        self.seen: dict[str, _Seen] = {}
        self.kept: list[Mask | None] = []
        self.sizes: list[int] = []
        self.dropped: dict[str, int] = {}
        self.undefined: dict[str, int] = {}
        self.shown: list[pd.DataFrame] = []
        self.most_shown = shown
        self.constant: dict[str, NDArray[Any]] = {}
        """First row of each plain factor that has not changed yet."""
        self.plain = [f for f in self.factors if self.passes[f] == 0]
        self.n_passes = max([0, *self.passes.values()])
        if learned is not None:
            self.adopt(learned)

    def learn(self, pieces: Callable[[], Iterator[tuple[Table, Mask]]]) -> LearnedPieces:
        for number in range(max(1, self.n_passes)):
            for place, (table, lost) in enumerate(pieces()):
                rows = self.first(table, lost) if number == 0 else self._again(table, place)
                if len(rows):
                    self.memorize(number, rows)
            if number == 0:
                self.tell()
            self.finish(number)
        return self.result()

    def result(self) -> LearnedPieces:
        """Return what was learned."""
        shown = pd.concat(self.shown)
        return LearnedPieces(self._spec(shown), self.kept, self.sizes, self.dropped, shown)

    # -- transforms ----------------------------------------------------------------------

    def memorize(self, number: int, rows: Rows) -> None:
        """Show complete rows to the transforms of one pass."""
        for factor in self.factors:
            if self.passes[factor] > number:
                factor.memorize_chunk(self.states[factor], number, rows)

    def finish(self, number: int) -> None:
        """End one pass of the transforms."""
        for factor in self.factors:
            if self.passes[factor] > number:
                factor.memorize_finish(self.states[factor], number)

    def learned(self) -> dict[str, Learned]:
        """Return the state of each factor, by its name."""
        return {factor.name(): self._learned(factor) for factor in self.factors}

    def adopt(self, learned: Mapping[str, Learned]) -> None:
        """Go on from such a state."""
        for factor in self.factors:
            own = learned[factor.name()]
            self.states[factor].update(learned=own, transforms=own.transforms)

    # -- the first pass ------------------------------------------------------------------

    def join(self, facts: Sequence[PieceFacts]) -> None:
        """Take over what was learned of pieces elsewhere."""
        for piece in facts:
            self.sizes.append(piece.size)
            for own, theirs in ((self.dropped, piece.dropped), (self.undefined, piece.undefined)):
                for name, count in theirs.items():
                    own[name] = own.get(name, 0) + count
            for name, seen in piece.seen.items():
                mine = self.seen.setdefault(name, _Seen())
                mine.join(seen)
                check_level_count(name, len(mine.levels))
            if piece.shown is not None:
                self.shown.append(piece.shown)
        if self.shown:
            self._note_contrasts()

    def _note_contrasts(self) -> None:
        """Read the contrasts that were asked for off the rows that are shown."""
        table = Table(pd.concat(self.shown))
        rows = Rows(table, np.ones(len(table), dtype=bool))
        for factor in self.plain:
            if factor.name() in self.seen:
                value = factor.value(self._learned(factor), rows)
                self.seen[factor.name()].box = value if isinstance(value, _CategoricalBox) else None

    def first(self, table: Table, lost: Mask) -> Rows:
        """Return the complete rows of a piece, and note what there is to know of them."""
        kept = ~lost
        for name, mask in missing_in(table, self.columns).items():
            self._refuse_missing(name, mask, table)
            self.dropped[name] = self.dropped.get(name, 0) + int(mask.sum())
            kept &= ~mask
        rows = Rows(table, kept)
        values = {f: f.value(self._learned(f), rows) for f in self.plain} if len(rows) else {}
        undefined = self._undefined(values, rows)
        if undefined.any():
            kept = kept.copy()
            kept[np.flatnonzero(kept)] = ~undefined
            rows = Rows(table, kept)
            values = {f: f.value(self._learned(f), rows) for f in self.plain} if len(rows) else {}
        self.sizes.append(len(table))
        self.kept.append(None if kept.all() else kept)
        self._note(values, rows)
        return rows

    def _again(self, table: Table, place: int) -> Rows:
        kept = self.kept[place]
        return Rows(table, np.ones(len(table), dtype=bool) if kept is None else kept)

    def _refuse_missing(self, name: str, mask: Mask, table: Table) -> None:
        if self.missing == "raise":
            told = f"{name} has {int(mask.sum())} ({first_rows(mask, table.index)})"
            raise MissingDataError(f"There are missing values: {told}.")

    def _undefined(self, values: dict[Factor, Any], rows: Rows) -> Mask:
        """Return the rows for which a plain factor is NaN although its columns are not."""
        lost = np.zeros(len(rows), dtype=bool)
        for factor, value in values.items():
            if not isinstance(value, np.ndarray) or all_finite(value):
                continue
            check_finite(value, factor.name(), rows.index)
            mask = any_column(np.isnan(value))
            if mask.any():
                count = self.undefined.get(factor.name(), 0) + int(mask.sum())
                self.undefined[factor.name()] = count
                lost |= mask
        return lost

    def _note(self, values: dict[Factor, Any], rows: Rows) -> None:
        own = self.own_order()
        wanted = np.zeros(len(rows), dtype=bool)
        if not self.shown:
            wanted[: self.most_shown] = True
        for factor, value in values.items():
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                wanted[self._changes(factor.name(), value)] = True
                continue
            if isinstance(value, np.ndarray):
                continue  # booleans have two levels, seen or not
            columns = factor.expression.columns
            named = len(columns) == 1 and columns <= own
            levels = rows.table.column(next(iter(columns))).cat.categories if named else ()
            seen = self.seen.setdefault(factor.name(), _Seen())
            seen.add(value, named, levels)
            check_level_count(factor.name(), len(seen.levels))
        if wanted.any():
            chosen = rows.kept.copy()
            chosen[np.flatnonzero(rows.kept)] = wanted
            picked = {name: rows.table.column(name)[chosen] for name in rows.table.names}
            self.shown.append(pd.DataFrame(picked))

    def _changes(self, name: str, value: NDArray[Any]) -> NDArray[np.intp]:
        """Return the first row in which a factor differs from its first row ever, if it does."""
        first = self.constant.setdefault(name, np.atleast_1d(value[0]).copy())
        if first.size == 0:
            return np.empty(0, dtype=np.intp)
        changed = any_column(np.reshape(value, (value.shape[0], -1)) != first)
        if not changed.any():
            return np.empty(0, dtype=np.intp)
        self.constant[name] = np.empty(0)
        return np.array([int(np.argmax(changed))])

    def tell(self) -> None:
        """Warn of rows that are left out, and raise if none are left."""
        if not self.sizes:
            raise DataError("The data have no rows.")
        if not self.shown:
            raise MissingDataError("No complete row is left.")
        for code, count in self.undefined.items():
            told = f"{code} is not a number for {count} row{'s' if count > 1 else ''}"
            if self.missing == "raise":
                raise MissingDataError(f"{told}.")
            warn(f"{told}, which are left out.", DataWarning)
            self.dropped[code] = count

    # -- the spec ------------------------------------------------------------------------

    def _learned(self, factor: Factor) -> Learned:
        learned: Learned = self.states[factor]["learned"]
        return learned

    def _spec(self, shown: pd.DataFrame) -> ModelSpec:
        table = Table(shown)
        rows = Rows(table, np.ones(len(table), dtype=bool))
        known = {f: _Known(f, self._learned(f), self._value(f, rows)) for f in self.factors}
        terms = [Term([known[factor] for factor in term.factors]) for term in self.parsed.terms]
        alone = dict.fromkeys((*self.parsed.response, *self.parsed.offsets))
        solo = [Term([known[factor]]) for factor in alone]
        check_columns([self._fewest_columns(term) for term in self.parsed.terms])
        for factor in self.factors:
            if factor.expression.head != "C" and factor.name() in self.seen:
                value = self.seen[factor.name()].categories()
                warn_if_numbers_as_text(value, factor.name())
        spec = ModelSpec.coded(self.parsed, *coded_by_patsy([terms, solo], rows))
        for name in {f.name(): None for term in self.parsed.terms for f in term.factors}:
            levels = spec.learned[name].levels
            if levels is not None and len(levels) == 1:
                warn_of_one_level(name, levels[0])
        return spec

    def _fewest_columns(self, term: Any) -> int:
        """Return a number of columns that a term has at least, known before it is coded."""
        seen = [self.seen[f.name()] for f in term.factors if f.name() in self.seen]
        return math.prod(max(len(levels.levels) - 1, 1) for levels in seen)

    def _value(self, factor: Factor, rows: Rows) -> Any:
        """Return a value that has the columns and the levels of all pieces."""
        if factor.name() in self.seen:
            return self.seen[factor.name()].categories()
        value = factor.value(self._learned(factor), rows)
        if not isinstance(value, np.ndarray):
            raise FormulaError(
                f"{factor.name()} makes categories of what was learned from all rows, which is "
                "not possible where the rows are streamed. Make the categories beforehand."
            )
        return value
