"""Sparse columns, kept in compressed rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glmfit.design.base import Array, Design

__all__ = ["Sparse"]


class Sparse(Design):
    """A SciPy sparse matrix.

    Parameters
    ----------
    values : sparse array or matrix of shape (n, q)
    """

    __slots__ = ("values",)

    def __init__(self, values: Any) -> None:
        self.values = sparse.csr_array(values).astype(np.float64, copy=False)

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.values.shape[0]), int(self.values.shape[1])

    @property
    def row_size(self) -> int:
        return 1 + int(self.values.nnz) // max(self.shape[0], 1)

    def chunk(self, start: int, stop: int) -> Sparse:
        return Sparse(self.values[start:stop])

    def take(self, rows: NDArray[np.intp]) -> Sparse:
        return Sparse(self.values[rows])

    def matvec(self, beta: Array) -> Array:
        return np.asarray(self.values @ beta)

    def rmatvec(self, rows: Array) -> Array:
        return np.asarray(self.values.T @ rows)

    def sandwich(self, weight: Array) -> Array:
        return np.asarray((self.values.T @ self.values.multiply(weight[:, None])).toarray())

    def toarray(self) -> Array:
        return np.asarray(self.values.toarray())
