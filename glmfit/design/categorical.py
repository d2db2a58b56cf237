"""A factor stored as integer codes: one column per level, never written out.

With ``values`` the columns are the products of a numeric column and the factor's
indicators, which is what an interaction of the two is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glmfit.design.base import Array, Design

__all__ = ["Categorical"]


class Categorical(Design):
    """Indicator columns of a factor, each multiplied by ``values`` if given.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        The level of each row, 0 to ``n_levels - 1``.
    n_levels : int
        Number of levels, which is the number of columns.
    values : ndarray of shape (n,), optional
        Numeric column that the indicators are multiplied by.
    """

    __slots__ = ("codes", "n_levels", "values")

    def __init__(
        self, codes: NDArray[np.integer], n_levels: int, values: Array | None = None
    ) -> None:
        self.codes = codes
        self.n_levels = n_levels
        self.values = values

    @property
    def shape(self) -> tuple[int, int]:
        return self.codes.shape[0], self.n_levels

    @property
    def row_size(self) -> int:
        return 1 if self.values is None else 2

    def chunk(self, start: int, stop: int) -> Categorical:
        values = None if self.values is None else self.values[start:stop]
        return Categorical(self.codes[start:stop], self.n_levels, values)

    def take(self, rows: NDArray[np.intp]) -> Categorical:
        values = None if self.values is None else self.values[rows]
        return Categorical(self.codes[rows], self.n_levels, values)

    def thin(self, step: int) -> Categorical:
        values = None if self.values is None else self.values[::step]
        return Categorical(self.codes[::step], self.n_levels, values)

    def scaled(self, rows: Array) -> Array:
        """Return ``rows`` times the numeric column."""
        return rows if self.values is None else rows * self.values

    def sum_by_level(self, rows: Array) -> Array:
        """Return the sum of ``rows`` within each level, shape (n_levels,)."""
        if self.n_levels == 1:  # a constant
            return np.array([rows.sum()])
        sums: Array = np.bincount(self.codes, weights=rows, minlength=self.n_levels).astype(
            float, copy=False
        )
        return sums

    def matvec(self, beta: Array) -> Array:
        if self.n_levels == 1:
            return self.scaled(np.full(self.codes.size, beta[0]))
        return self.scaled(beta[self.codes])

    def rmatvec(self, rows: Array) -> Array:
        return self.sum_by_level(self.scaled(rows))

    def sandwich(self, weight: Array) -> Array:
        return np.diag(self.sum_by_level(self.scaled(self.scaled(weight))))

    def reach(self) -> Array:
        largest = 1.0 if self.values is None else float(np.abs(self.values).max(initial=0.0))
        return np.full(self.n_levels, largest)

    def toarray(self) -> Array:
        out = np.zeros(self.shape)
        out[np.arange(self.codes.size), self.codes] = 1.0 if self.values is None else self.values
        return out
