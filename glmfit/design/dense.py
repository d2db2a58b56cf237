"""Numeric columns, stored as one matrix.

Products are `numpy.dot`, not ``@``: of one matrix alone ``@`` keeps the interpreter's lock,
so that the threads of a pass would wait for one another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glmfit.design.base import Array, Design

__all__ = ["Dense", "fixed_at_ends"]


WIDE = 512
"""Numbers of a row over which NumPy reduces columns at full speed."""


class Dense(Design):
    """A float64 matrix; it is viewed, never copied.

    Parameters
    ----------
    values : ndarray of shape (n, q)
    constant : mapping of int to float, optional
        The columns that are one number other than 0 in every row, where they are known.
    """

    __slots__ = ("_constant", "values")

    def __init__(self, values: Array, constant: dict[int, float] | None = None) -> None:
        self.values = values
        self._constant = constant

    def constant_columns(self) -> dict[int, float]:
        """Return the columns that are one number other than 0 in every row, with it."""
        if self._constant is None:
            self._constant = _constant_columns(self.values)
        return self._constant

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape[0], self.values.shape[1]

    def chunk(self, start: int, stop: int) -> Dense:
        return Dense(self.values[start:stop])

    def take(self, rows: NDArray[np.intp]) -> Dense:
        return Dense(self.values[rows])

    def thin(self, step: int) -> Dense:
        # rows far apart cost as much to read as all between them
        return Dense(self.values[::step].copy(order="K"))

    def matvec(self, beta: Array) -> Array:
        return np.asarray(np.dot(self.values, beta))

    def rmatvec(self, rows: Array) -> Array:
        return np.asarray(np.dot(rows, self.values))

    def sandwich(self, weight: Array) -> Array:
        if weight.size and weight.min() < 0.0:  # an observed information
            return self.block(weight)
        rows = self.values * np.sqrt(weight)[:, None]
        # which BLAS knows to be symmetric: half of the work
        return np.asarray(np.dot(rows.T, rows))

    def block(self, weight: Array) -> Array:
        return np.asarray(np.dot((self.values * weight[:, None]).T, self.values))

    def reach(self) -> Array:
        n, q = self.values.shape
        together = max(1, WIDE // max(q, 1))
        whole = n // together * together
        # many short rows are reduced as few long ones, which is ten times as fast
        wide = self.values[:whole].reshape(-1, together * q)
        high, low = wide.max(axis=0, initial=0.0), wide.min(axis=0, initial=0.0)
        largest = np.maximum(high, -low).reshape(together, q).max(axis=0, initial=0.0)
        rest = np.abs(self.values[whole:]).max(axis=0, initial=0.0)
        return np.asarray(np.maximum(largest, rest))

    def toarray(self) -> Array:
        return self.values


def fixed_at_ends(values: Array) -> NDArray[np.intp]:
    """Return the columns that have one number other than 0 in the first and the last row."""
    if values.shape[0] == 0:
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero((values[0] == values[-1]) & (values[0] != 0.0))


def _constant_columns(values: Array) -> dict[int, float]:
    candidates = fixed_at_ends(values)
    return {int(j): float(values[0, j]) for j in candidates if (values[:, j] == values[0, j]).all()}
