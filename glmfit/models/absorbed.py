"""Factors whose effects are absorbed: which level each row has, and which rows say nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    DataError,
    LevelError,
    SeparationWarning,
    warn,
)
from glmfit.formula.alignment import Beside

__all__ = [
    "LABELS",
    "Absorbed",
    "absorb_arguments",
    "absorbed_of",
    "check_lengths",
    "codes_of_new",
    "informative",
    "is_label",
]

Array = NDArray[np.float64]
Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]

LABELS = ("groups", "alternatives")
"""Arguments with a value of any type for each row."""

PREFIX = "absorb "
"""Begins the names of vectors that are absorbed factors."""


def is_label(what: str) -> bool:
    """Return whether an argument has a value of any type for each row, not numbers."""
    return what in LABELS or what.startswith(PREFIX)


@dataclass(frozen=True, slots=True)
class Absorbed:
    """The absorbed factors of some rows.

    Attributes
    ----------
    names : tuple of str
    columns : tuple of str or None
        The columns of the data that they are; None where values were given.
    codes : tuple of ndarray of int, each of shape (m,)
        Level of each row.
    levels : tuple of Index
        The levels, each of which some row has.
    singletons, separated, unweighted : int
        Rows that were left out: the only ones of a level, those of levels all of whose
        responses are at an end, and those of weight 0.
    """

    names: tuple[str, ...]
    columns: tuple[str | None, ...]
    codes: tuple[Codes, ...]
    levels: tuple[pd.Index, ...]
    singletons: int = 0
    separated: int = 0
    unweighted: int = 0

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of levels of each factor."""
        return tuple(len(levels) for levels in self.levels)

    @property
    def n_left_out(self) -> int:
        """Rows that were left out."""
        return self.singletons + self.separated + self.unweighted

    def take(self, rows: NDArray[np.intp]) -> Absorbed:
        """Return the factors of some of the rows, with the levels that they have."""
        codes, levels = [], []
        for each, every in zip(self.codes, self.levels, strict=True):
            seen, inverse = np.unique(each[rows], return_inverse=True)
            codes.append(inverse.astype(np.int32))
            levels.append(every[seen])
        return replace(self, codes=tuple(codes), levels=tuple(levels))

    def without_rows(self) -> Absorbed:
        """Return the factors with their levels, and no rows."""
        return replace(self, codes=tuple(each[:0] for each in self.codes))

    def find(self, values: Sequence[NDArray[Any]]) -> tuple[Codes, ...]:
        """Return the levels of new rows, -1 for those that the fit does not know."""
        found = zip(self.levels, values, strict=True)
        return tuple(levels.get_indexer(pd.Index(v)).astype(np.int32) for levels, v in found)


def absorb_arguments(absorb: Any) -> dict[str, Any]:
    """Return the factors to absorb, by the names of the vectors that they become.

    Parameters
    ----------
    absorb : str, Series, DataFrame, array_like, or list of these
    """
    if absorb is None:
        return {}
    given = _listed(absorb)
    if not given:
        raise ArgumentError("absorb= names no factor. Leave it out, or name a column.")
    found: dict[str, Any] = {}
    for j, each in enumerate(given, start=1):
        name = each if isinstance(each, str) else getattr(each, "name", None)
        name = f"factor {j}" if name is None else str(name)
        if PREFIX + name in found:
            raise ArgumentError(f"absorb= has {name!r} twice; once is enough.")
        found[PREFIX + name] = each
    return found


def _listed(absorb: Any) -> list[Any]:
    if isinstance(absorb, pd.DataFrame):
        return [absorb[column] for column in absorb.columns]
    if isinstance(absorb, (list, tuple)):
        several = any(isinstance(each, str) or np.ndim(each) for each in absorb)
        return list(absorb) if several or not absorb else [np.asarray(absorb)]
    if not isinstance(absorb, (str, pd.Series)) and np.ndim(absorb) == 2:
        return list(np.asarray(absorb).T)
    return [absorb]


def absorbed_of(vectors: Mapping[str, Beside], kept: Mask) -> Absorbed | None:
    """Return the absorbed factors among vectors, for the kept rows."""
    chosen = {what: vector for what, vector in vectors.items() if what.startswith(PREFIX)}
    if not chosen:
        return None
    codes, levels = [], []
    for vector in chosen.values():
        found, unique = pd.factorize(pd.Series(vector.kept(kept)), sort=True)
        codes.append(found.astype(np.int32))
        levels.append(pd.Index(unique))
    return Absorbed(
        tuple(what.removeprefix(PREFIX) for what in chosen),
        tuple(vector.column for vector in chosen.values()),
        tuple(codes),
        tuple(levels),
    )


def informative(
    absorbed: Absorbed, signs: NDArray[np.int8], weight: Array | None, freq: Array | None
) -> tuple[Mask, Absorbed]:
    """Return the rows that say something beside their effects, and the factors as counted.

    A row that is the only one of a level is fitted by that level's effect. A level whose
    responses all lie at an end of their range (counts that are all 0, events in all rows
    or in none) has an infinite effect, and its rows are fitted perfectly. Leaving such
    rows out may make others such.

    Parameters
    ----------
    absorbed : Absorbed
    signs : ndarray of shape (m,)
        Which way each row's predictor may go for ever without loss: +1, -1 or 0.
    weight, freq : ndarray of shape (m,) or None
        Prior weight, and how often each row was seen.

    Warns
    -----
    SeparationWarning
        If there are levels of the second kind.
    """
    alive = np.ones(signs.size, dtype=bool) if weight is None else weight > 0.0
    unweighted = int(signs.size - alive.sum())
    times = np.ones(signs.size) if freq is None else freq
    lost_levels: dict[str, int] = {}
    separated = singletons = 0
    changed = True
    while changed:
        changed = False
        for name, codes, count in zip(absorbed.names, absorbed.codes, absorbed.counts, strict=True):
            ends = _at_an_end(codes, count, signs, alive)
            if ends.any():
                lost = alive & ends[codes]
                separated += int(lost.sum())
                lost_levels[name] = lost_levels.get(name, 0) + int(ends.sum())
                alive &= ~lost
                changed = True
            seen = np.bincount(codes, weights=alive * times, minlength=count)
            lost = alive & (seen <= 1.0)[codes]
            if lost.any():
                singletons += int(lost.sum())
                alive &= ~lost
                changed = True
    if lost_levels:
        _warn_of_levels(lost_levels, separated)
    if not alive.any():
        raise DataError(
            f"No row is left: each is the only one of a level of {', '.join(absorbed.names)}, or "
            "one of a level whose responses are all the same at an end of their range. The "
            "absorbed effects fit every row perfectly; absorb fewer of them."
        )
    counted = replace(absorbed, singletons=singletons, separated=separated, unweighted=unweighted)
    return alive, counted


def _at_an_end(codes: Codes, count: int, signs: NDArray[np.int8], alive: Mask) -> Mask:
    """Return the levels all of whose rows may go the same way for ever."""
    if not signs.any():
        return np.zeros(count, dtype=bool)
    total = np.bincount(codes, weights=alive, minlength=count)
    ends = [
        np.bincount(codes, weights=alive & (signs == way), minlength=count) == total
        for way in (-1, 1)
    ]
    return np.asarray((ends[0] | ends[1]) & (total > 0.0))


def _warn_of_levels(lost: dict[str, int], rows: int) -> None:
    told = ", ".join(f"{count} of {name}" for name, count in lost.items())
    warn(
        f"Levels of absorbed factors ({told}) have responses that are all the same at an end of "
        "their range, so their effects are infinite and fit these rows perfectly: "
        f"{rows} rows are left out. The other coefficients are not changed by that.",
        SeparationWarning,
    )


def codes_of_new(
    absorbed: Absorbed, values: Sequence[NDArray[Any]], missing: Mask, new_levels: str
) -> tuple[tuple[Codes, ...], Mask]:
    """Return the levels of new rows, and which rows have levels that the fit knows.

    Raises
    ------
    LevelError
        For a level that the fit does not know, unless ``new_levels`` is "nan".
    """
    codes = absorbed.find(values)
    known = ~missing
    for name, each, given in zip(absorbed.names, codes, values, strict=True):
        unknown = (each < 0) & ~missing
        if unknown.any() and new_levels != "nan":
            first = given[int(np.argmax(unknown))]
            raise LevelError(
                f"{int(unknown.sum())} rows have a level of {name} that has no effect in the fit "
                f"(the first is {first}): it was not in the data, or its rows were left out "
                "because they say nothing (singletons, separated levels). "
                "new_levels='nan' gives NaN for such rows."
            )
        known &= each >= 0
    return codes, known


def check_lengths(values: Sequence[NDArray[Any]], names: Sequence[str], n: int) -> None:
    """Raise unless there is a value for each new row of each factor."""
    if len(values) != len(names):
        raise ArgumentError(
            f"absorb= has {len(values)} factors; the model absorbs {len(names)}: "
            f"{', '.join(names)}."
        )
    for name, each in zip(names, values, strict=True):
        if len(each) != n:
            raise AlignmentError(f"absorb ({name}) has {len(each)} values for {n} new rows.")
