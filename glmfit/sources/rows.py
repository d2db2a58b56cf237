"""Rows: response, design, offset and weights, handed out in chunks wherever they are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from glmfit.design import Design, below

__all__ = ["Block", "Elsewhere", "RowSource", "Rows", "joined"]

Array = NDArray[np.float64]
T = TypeVar("T")


class RowSource(Protocol):
    """What a pass asks of its rows; `Rows` are those in memory.

    A source that reads its rows anew for each pass has a ``design`` of a few of them only:
    its columns, and the map from coefficients to them, are those of all.
    """

    @property
    def design(self) -> Design: ...
    @property
    def n(self) -> int: ...
    @property
    def streamed(self) -> bool: ...
    @property
    def costly(self) -> bool: ...
    @property
    def shifted(self) -> bool: ...
    @property
    def total_weight(self) -> float: ...
    @property
    def mean_response(self) -> float: ...
    def blocks(self, size: int, together: int) -> Iterator[Block]: ...
    @property
    def reach(self) -> Array | None: ...
    def thin(self, step: int) -> RowSource: ...
    def with_design(self, design: Design) -> RowSource: ...
    def where(self, chosen: NDArray[np.bool_]) -> RowSource: ...
    def held(self) -> Rows: ...


class Elsewhere(ABC):
    """A row source whose rows are not here: functions go to them, and their sums come back."""

    __slots__ = ()

    @abstractmethod
    def reduce(self, function: Callable[[Rows], T], add: Callable[[T, T], T], size: int) -> T:
        """Return the sum of ``function(chunk)`` over chunks of ``size`` rows."""

    @abstractmethod
    def map(self, function: Callable[[Rows], T], size: int) -> Iterator[T]:
        """Yield ``function(chunk)`` for each chunk of ``size`` rows, in their order."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that a model is fitted to.

    Attributes
    ----------
    y : ndarray of shape (n,)
        Response; a share of trials for the binomial.
    design : Design
        Shape (n, p).
    offset : ndarray of shape (n,) or None
        Known part of the linear predictor.
    weight : ndarray of shape (n,) or None
        Prior weight: the product of trials, frequency and variance weights.
    """

    y: Array
    design: Design
    offset: Array | None = None
    weight: Array | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.design.shape[0]

    def chunk(self, start: int, stop: int) -> Rows:
        """Return rows ``start`` to ``stop`` as views."""
        return Rows(
            self.y[start:stop],
            self.design.chunk(start, stop),
            None if self.offset is None else self.offset[start:stop],
            None if self.weight is None else self.weight[start:stop],
        )

    @property
    def streamed(self) -> bool:
        """Whether rows have their own order only, in which they are read for each pass."""
        return False

    @property
    def costly(self) -> bool:
        """Whether to read the rows costs more than to sum over them."""
        return False

    @property
    def shifted(self) -> bool:
        """Whether there is an offset."""
        return self.offset is not None

    @property
    def reach(self) -> Array | None:
        """Largest size of each stored column, where that is known without a pass."""
        return None

    @property
    def total_weight(self) -> float:
        """Sum of the prior weights."""
        return self.n if self.weight is None else float(self.weight.sum())

    @property
    def mean_response(self) -> float:
        """Weighted mean of the response."""
        y, weight = self.y, self.weight
        return float(y.mean() if weight is None else np.dot(y, weight) / weight.sum())

    def chunks(self, size: int) -> Iterator[Rows]:
        """Yield all rows in order, ``size`` at a time."""
        for start in range(0, self.n, size):
            yield self.chunk(start, min(start + size, self.n))

    def blocks(self, size: int, together: int) -> Iterator[Block]:
        """Yield what makes the next chunks of ``size`` rows, up to ``together`` of them."""
        if self.n <= size:
            yield partial(_same, [self])  # also where there is no row at all
            return
        chunks = self.chunks(size)
        while block := list(islice(chunks, together)):
            yield partial(_same, block)

    def take(self, rows: NDArray[np.intp]) -> Rows:
        """Return the given rows, copied."""
        return Rows(
            self.y[rows],
            self.design.take(rows),
            None if self.offset is None else self.offset[rows],
            None if self.weight is None else self.weight[rows],
        )

    def thin(self, step: int) -> Rows:
        """Return every ``step``-th row, copied."""
        return Rows(
            self.y[::step].copy(),
            self.design.thin(step),
            None if self.offset is None else self.offset[::step].copy(),
            None if self.weight is None else self.weight[::step].copy(),
        )

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """Return the chosen rows: these themselves where all are."""
        return self if chosen.all() else self.take(np.flatnonzero(chosen))

    def held(self) -> Rows:
        """Return the rows in memory: these."""
        return self

    def with_design(self, design: Design) -> Rows:
        """Return the same rows with another design."""
        return Rows(self.y, design, self.offset, self.weight)

    def eta(self, theta: Array) -> Array:
        """Return the linear predictor of these rows, offset included, shape (n,)."""
        eta = self.design.matvec(theta)
        return eta if self.offset is None else eta + self.offset


def joined(parts: list[Rows]) -> Rows:
    """Return rows one part after the other, as rows of their own."""
    if len(parts) == 1:
        return parts[0]
    offsets = [part.offset for part in parts if part.offset is not None]
    weights = [part.weight for part in parts if part.weight is not None]
    return Rows(
        np.concatenate([part.y for part in parts]),
        below([part.design for part in parts]),
        np.concatenate(offsets) if offsets else None,
        np.concatenate(weights) if weights else None,
    )


Block = Callable[[], list[Rows]]
"""Makes some chunks of rows, on the thread that is to work on them."""


def _same(chunks: list[Rows]) -> list[Rows]:
    return chunks
