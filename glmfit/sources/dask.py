"""Rows in the partitions of a Dask frame: computed with where they are, never gathered.

A function goes to every partition, on whichever workers hold them, and one sum for each
partition comes back; the sums are added as a tree whose shape depends on the number of
partitions alone. So the statistics are the same to the last bit whatever scheduler runs
them, however many workers there are, and whether or not some were lost on the way: Dask
makes the partitions of a lost worker again. The scheduler is the one that is in use where
the model is fitted: a `distributed.Client` (a LocalCluster, or the address of a remote
scheduler) if there is one, else Dask's threads. dask is imported on use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NoReturn, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from glmfit.design import Design, Mapped
from glmfit.errors import NotAvailableError
from glmfit.sources.rows import Elsewhere, Rows

__all__ = ["NOT_GATHERED", "DaskRows", "Part", "Partitions", "is_dask", "partitions_of"]

Array = NDArray[np.float64]
S = TypeVar("S")
T = TypeVar("T")

TOGETHER = 8
"""Sums that are added at one node of the tree."""

NOT_GATHERED = (
    "The rows of this model are in the partitions of a Dask frame and are not gathered, so what "
    "has a value for each of them, or needs them all together, is not available. Fit "
    "data.compute(), or a sample of it, for that."
)


class Part(Protocol):
    """What a partition has been made into."""

    def rows(self) -> Rows: ...


def is_dask(data: Any) -> bool:
    """Return whether data is a Dask frame."""
    return hasattr(data, "dask") and hasattr(data, "to_delayed") and hasattr(data, "npartitions")


@dataclass(frozen=True, slots=True)
class Partitions:
    """Values that Dask makes, one for each partition.

    Attributes
    ----------
    parts : tuple of dask.delayed.Delayed
    """

    parts: tuple[Any, ...]

    def made(self, function: Callable[[Any], Any]) -> Partitions:
        """Return ``function(part)`` for each part, where it is; nothing is computed yet."""
        from dask import delayed

        sent = delayed(_Sent(function), pure=False)
        return Partitions(tuple(delayed(_call, pure=False)(sent, part) for part in self.parts))

    def held(self) -> Partitions:
        """Return the same parts, held by the workers of a cluster where there is one.

        Dask's threads make them anew for each pass, so that data may be larger than memory.
        """
        import dask

        if not _on_cluster():
            return self
        return Partitions(tuple(dask.persist(*self.parts)))

    def map(self, function: Callable[[Any], T]) -> list[T]:
        """Return ``function(part)`` for each part, in their order."""
        import dask

        return list(dask.compute(*self.made(function).parts))

    def reduce(self, function: Callable[[Any], T], add: Callable[[T, T], T]) -> T:
        """Return the sum of ``function(part)`` over the parts, added as a tree."""
        import dask
        from dask import delayed

        sent = delayed(_Sent(add), pure=False)
        level = list(self.made(function).parts)
        while len(level) > 1:
            groups = [level[i : i + TOGETHER] for i in range(0, len(level), TOGETHER)]
            level = [delayed(_added, pure=False)(sent, group) for group in groups]
        found: T = dask.compute(level[0])[0]
        return found

    def chain(self, function: Callable[[S, Any], S], start: S) -> S:
        """Return ``function(... function(start, first part) ..., last part)``."""
        import dask
        from dask import delayed

        state: Any = start
        for part in self.parts:
            state = delayed(function, pure=False)(state, part)
        found: S = dask.compute(state)[0]
        return found


@dataclass(frozen=True, slots=True)
class _Sent:
    """A function on its way: Dask would take one that it is given for a task to run."""

    function: Callable[..., Any]


def _call(sent: _Sent, part: Any) -> Any:
    return sent.function(part)


def _added(sent: _Sent, group: Sequence[Any]) -> Any:
    # sums are added into the first, which may be asked for again if a worker is lost
    return reduce(sent.function, group[1:], deepcopy(group[0]))


def _on_cluster() -> bool:
    """Return whether a `distributed.Client` is what computes."""
    from dask.base import get_scheduler

    return "Client" in type(getattr(get_scheduler(), "__self__", None)).__name__


def partitions_of(frame: Any, columns: Sequence[str]) -> Partitions:
    """Return the partitions of a Dask frame, with some of its columns."""
    return Partitions(tuple(frame[list(columns)].to_delayed()))


@dataclass(frozen=True, slots=True)
class DaskRows(Elsewhere):
    """A row source of the parts of a Dask frame.

    Attributes
    ----------
    parts : Partitions
        Of what has rows (`Part`).
    counts : tuple of int
        Rows of each.
    design : Design
        Of a few rows: its columns are those of all.
    shifted : bool
        Whether there is an offset.
    total_weight, mean_response : float
        Of all rows.
    step : int
        Of how many rows of a part one is taken.
    constant : callable, optional
        Makes the design of a number of rows, in place of their own.
    """

    parts: Partitions
    counts: tuple[int, ...]
    design: Design
    shifted: bool
    total_weight: float
    mean_response: float
    step: int = 1
    constant: Callable[[int], Design] | None = None

    def __reduce__(self) -> Any:
        """Leave the parts behind where a function that knows these rows goes to a worker."""
        return _Left, (self.design, self.shifted)

    @property
    def n(self) -> int:
        """Number of rows."""
        return sum(-(-count // self.step) for count in self.counts)

    @property
    def streamed(self) -> bool:
        """Whether rows have their own order only, in which they are read for each pass."""
        return True

    @property
    def costly(self) -> bool:
        """Whether to read the rows costs more than to sum over them."""
        return False

    @property
    def reach(self) -> Array | None:
        """Largest size of each stored column, where that is known without a pass."""
        return None

    def reduce(self, function: Callable[[Rows], T], add: Callable[[T, T], T], size: int) -> T:
        """Return the sum of ``function(chunk)`` over chunks of ``size`` rows."""
        chunks = self._chunks(size)

        def summed(part: Part) -> T:
            return reduce(add, map(function, chunks(part)))

        return self.parts.reduce(summed, add)

    def map(self, function: Callable[[Rows], T], size: int) -> Iterator[T]:
        """Yield ``function(chunk)`` for each chunk of ``size`` rows, in their order."""
        chunks = self._chunks(size)

        def listed(part: Part) -> list[T]:
            return [function(chunk) for chunk in chunks(part)]

        for found in self.parts.map(listed):
            yield from found

    def _chunks(self, size: int) -> Callable[[Part], list[Rows]]:
        """Return what makes the chunks of a part, without these rows."""
        step, constant = self.step, self.constant
        transform = self.design.transform if isinstance(self.design, Mapped) else None

        def chunks(part: Part) -> list[Rows]:
            rows = part.rows()
            rows = rows if step == 1 else rows.thin(step)
            if constant is not None:
                rows = rows.with_design(constant(rows.n))
            elif transform is not None:
                rows = rows.with_design(Mapped(rows.design.raw, transform))
            return list(rows.chunks(size)) or [rows]

        return chunks

    def thin(self, step: int) -> DaskRows:
        """Return every ``step``-th row of each part, where they are."""
        thinner = replace(self, step=self.step * step)
        return replace(thinner, total_weight=self.total_weight * thinner.n / self.n)

    def with_design(self, design: Design) -> DaskRows:
        """Return the same rows with a choice of columns."""
        return replace(self, design=design)

    def where(self, chosen: NDArray[np.bool_]) -> DaskRows:
        """Return these rows: they are not told apart."""
        if not chosen.all():
            raise NotAvailableError(NOT_GATHERED)
        return self

    def blocks(self, size: int, together: int) -> NoReturn:
        """Raise: chunks are not brought here."""
        raise NotAvailableError(NOT_GATHERED)

    def held(self) -> Rows:
        """Raise: there are no rows in memory."""
        raise NotAvailableError(NOT_GATHERED)


@dataclass(frozen=True, slots=True)
class _Left:
    """What is known of the rows on a worker, whose functions are handed their chunks."""

    design: Design
    shifted: bool
