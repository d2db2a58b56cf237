"""Rows in memory: response, design, offset and weights, handed out in chunks of views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glmfit.design import Design

__all__ = ["Rows"]

Array = NDArray[np.float64]


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

    def chunks(self, size: int) -> Iterator[Rows]:
        """Yield all rows in order, ``size`` at a time."""
        for start in range(0, self.n, size):
            yield self.chunk(start, min(start + size, self.n))

    def take(self, rows: NDArray[np.intp]) -> Rows:
        """Return the given rows, copied."""
        return Rows(
            self.y[rows],
            self.design.take(rows),
            None if self.offset is None else self.offset[rows],
            None if self.weight is None else self.weight[rows],
        )

    def thin(self, step: int) -> Rows:
        """Return every ``step``-th row, as views where that can be."""
        return Rows(
            self.y[::step],
            self.design.thin(step),
            None if self.offset is None else self.offset[::step],
            None if self.weight is None else self.weight[::step],
        )

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """Return the chosen rows: these themselves where all are."""
        return self if chosen.all() else self.take(np.flatnonzero(chosen))

    def with_design(self, design: Design) -> Rows:
        """Return the same rows with another design."""
        return Rows(self.y, design, self.offset, self.weight)

    def eta(self, theta: Array) -> Array:
        """Return the linear predictor of these rows, offset included, shape (n,)."""
        eta = self.design.matvec(theta)
        return eta if self.offset is None else eta + self.offset
