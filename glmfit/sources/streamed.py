"""Rows of a model that are made anew, piece by piece, whenever a pass goes over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from glmfit.design import Design, Mapped
from glmfit.errors import NotAvailableError
from glmfit.sources.arrow import PIECE, Piece
from glmfit.sources.rows import Block, Rows
from glmfit.sources.steady import Steady

Array = NDArray[np.float64]

__all__ = ["MEMORY", "NOT_HELD", "StreamedRows", "Totals"]

MEMORY = 2**27
"""Bytes of rows that are kept between passes."""

NOT_HELD = (
    "The rows of this model are streamed and not held in memory, so what has a value for each of "
    "them, or needs them all together, is not available. Fit a data frame of the columns (or of a "
    "sample of the rows) for it."
)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all rows.

    Attributes
    ----------
    counts : tuple of int
        Complete rows of each piece.
    weight : float
        Sum of the prior weights.
    response : float
        Weighted sum of the response.
    """

    counts: tuple[int, ...]
    weight: float
    response: float


@dataclass(frozen=True, slots=True)
class StreamedRows:
    """A row source that reads its pieces anew, but for the first ones, which it keeps.

    Attributes
    ----------
    source : Steady
    columns : tuple of str
        What is read of it.
    make : callable
        Makes rows of a piece; they are never written to.
    design : Design
        Of a few rows: its columns are those of all.
    shifted : bool
        Whether there is an offset.
    totals : Totals
    sample : Rows
        Evenly spaced rows, in memory: all of them if they are few enough.
    memory : int
        Bytes of rows that may be kept.
    """

    source: Steady
    columns: tuple[str, ...]
    make: Callable[[Piece], Rows]
    design: Design
    shifted: bool
    totals: Totals
    sample: Rows
    memory: int
    _kept: dict[int, Rows] = field(default_factory=dict, repr=False)
    _reach: dict[int, Array] = field(default_factory=dict, repr=False)

    @property
    def streamed(self) -> bool:
        """Whether rows have their own order only, in which they are read for each pass."""
        return True

    @property
    def costly(self) -> bool:
        """Whether to read the rows costs more than to sum over them."""
        return self.sample.n < self.n

    @property
    def n(self) -> int:
        """Number of rows."""
        return sum(self.totals.counts)

    @property
    def total_weight(self) -> float:
        """Sum of the prior weights."""
        return self.totals.weight

    @property
    def mean_response(self) -> float:
        """Weighted mean of the response."""
        return self.totals.response / self.totals.weight

    @property
    def reach(self) -> Array | None:
        """Largest size of each stored column, once a pass has seen all rows."""
        seen = len(self._reach)
        if seen < sum(count > 0 for count in self.totals.counts):
            return None
        return np.asarray(np.max(list(self._reach.values()), axis=0))

    @property
    def n_kept(self) -> int:
        """Number of pieces that are kept between passes."""
        numbers = self.design.row_size + 1 + int(self.shifted) + int(self.sample.weight is not None)
        return self.memory // (8 * numbers * PIECE)

    def blocks(self, size: int, together: int) -> Iterator[Block]:
        """Yield what makes the chunks of each piece."""
        counts = self.totals.counts
        if not self.costly:
            yield from self._held(size)
            return
        first = 0
        while first in self._kept or (first < len(counts) and counts[first] == 0):
            if first in self._kept:
                yield partial(self._chunks, self._kept[first], size)
            first += 1
        if first == len(counts):
            return
        for piece in self.source.pieces(self.columns, first):
            if counts[piece.number]:
                yield partial(self._made, piece, size)

    def _held(self, size: int) -> Iterator[Block]:
        """Yield what makes the same chunks of the sample, which has all rows."""
        start = 0
        for count in self.totals.counts:
            if count:
                yield partial(self._chunks, self.sample.chunk(start, start + count), size)
            start += count

    def _made(self, piece: Piece, size: int) -> list[Rows]:
        rows = self.make(piece)
        if piece.number not in self._reach:
            self._reach[piece.number] = rows.design.raw.reach()
        if piece.number < self.n_kept:
            self._kept[piece.number] = rows
        return self._chunks(rows, size)

    def _chunks(self, rows: Rows, size: int) -> list[Rows]:
        return list(rows.with_design(_like(self.design, rows.design)).chunks(size))

    def thin(self, step: int) -> Rows:
        """Return evenly spaced rows, at most every ``step``-th."""
        rows = self.sample.with_design(_like(self.design, self.sample.design))
        return rows.thin(max(1, round(step * rows.n / self.n)))

    def with_design(self, design: Design) -> StreamedRows:
        """Return the same rows with a choice of columns."""
        return replace(self, design=design)

    def without_columns(
        self,
        columns: Sequence[str],
        make: Callable[[Piece], Rows],
        design: Callable[[int], Design],
    ) -> StreamedRows:
        """Return the same rows with another design, made of few columns of the data.

        Parameters
        ----------
        columns : sequence of str
        make : callable
            As in `StreamedRows`.
        design : callable
            Returns the design of as many rows as it is given.
        """
        return replace(
            self,
            columns=tuple(columns),
            make=make,
            design=design(1),
            sample=self.sample.with_design(design(self.sample.n)),
            memory=0,
            _kept={},
            _reach={},
        )

    def where(self, chosen: NDArray[np.bool_]) -> StreamedRows:
        """Return these rows: a stream has no others."""
        if not chosen.all():
            raise NotAvailableError(NOT_HELD)
        return self

    def held(self) -> Rows:
        """Raise: there are no rows in memory."""
        raise NotAvailableError(NOT_HELD)


def _like(pattern: Design, design: Design) -> Design:
    """Return the stored columns of ``design`` under the map that ``pattern`` has."""
    return Mapped(design.raw, pattern.transform) if isinstance(pattern, Mapped) else design
