"""The interface of a design, and the map from coefficients to stored columns.

Shapes: a design has n rows and q stored columns. ``beta`` (q,) and ``rows`` (n,) are
float64. A `Mapped` design stands for X = Z T, where Z holds the stored columns (one per
level of a factor, say) and T (q, p) the contrasts, the order of the columns and the
choice among them. Passes over rows work on Z; T is applied once per pass, in the small
space.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Design", "Mapped"]

Array = NDArray[np.float64]


class Design(ABC):
    """A matrix of n rows and q columns, read by products only."""

    __slots__ = ()

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""

    @property
    def row_size(self) -> int:
        """Numbers that a row is stored as."""
        return self.shape[1]

    @abstractmethod
    def chunk(self, start: int, stop: int) -> Design:
        """Return rows ``start`` to ``stop`` as views."""

    @abstractmethod
    def take(self, rows: NDArray[np.intp]) -> Design:
        """Return the given rows."""

    def thin(self, step: int) -> Design:
        """Return every ``step``-th row, as a view where that can be."""
        return self.take(np.arange(0, self.shape[0], step, dtype=np.intp))

    @abstractmethod
    def matvec(self, beta: Array) -> Array:
        """Return Z beta, shape (n,)."""

    @abstractmethod
    def rmatvec(self, rows: Array) -> Array:
        """Return Z' rows, shape (q,)."""

    @abstractmethod
    def sandwich(self, weight: Array) -> Array:
        """Return Z' diag(weight) Z, shape (q, q)."""

    def block(self, weight: Array) -> Array:
        """Return the sandwich as one of several that make up a larger information.

        Blocks of positive and of negative weights must be rounded alike: what is left
        when they cancel is the determinant.
        """
        return self.sandwich(weight)

    def reach(self) -> Array:
        """Return the largest size of each column, shape (q,)."""
        return np.asarray(np.abs(self.toarray()).max(axis=0, initial=0.0))

    @abstractmethod
    def toarray(self) -> Array:
        """Return all columns, dense, shape (n, q)."""

    @property
    def raw(self) -> Design:
        """The stored columns Z."""
        return self

    def expand(self, theta: Array) -> Array:
        """Return T theta: coefficients to weights of the stored columns."""
        return theta

    def contract(self, score: Array) -> Array:
        """Return T' score."""
        return score

    def contract_sandwich(self, gram: Array) -> Array:
        """Return T' gram T."""
        return gram


def _rows(transform: Any) -> sparse.csr_array:
    return sparse.csr_array(transform)


class Mapped(Design):
    """A design X = Z T whose columns are combinations of stored ones.

    Parameters
    ----------
    raw : Design
        The stored columns Z, shape (n, q).
    transform : sparse array of shape (q, p)
        The map T.
    """

    __slots__ = ("_raw", "transform")

    def __init__(self, raw: Design, transform: Any) -> None:
        self._raw = raw
        self.transform = transform if isinstance(transform, sparse.csr_array) else _rows(transform)

    @property
    def shape(self) -> tuple[int, int]:
        return self._raw.shape[0], int(self.transform.shape[1])

    @property
    def row_size(self) -> int:
        return self._raw.row_size

    @property
    def raw(self) -> Design:
        return self._raw

    def columns(self, kept: NDArray[np.intp]) -> Mapped:
        """Return the design with the given columns only."""
        return Mapped(self._raw, self.transform[:, kept])

    def chunk(self, start: int, stop: int) -> Mapped:
        return Mapped(self._raw.chunk(start, stop), self.transform)

    def take(self, rows: NDArray[np.intp]) -> Mapped:
        return Mapped(self._raw.take(rows), self.transform)

    def thin(self, step: int) -> Mapped:
        return Mapped(self._raw.thin(step), self.transform)

    def matvec(self, beta: Array) -> Array:
        return self._raw.matvec(self.expand(beta))

    def rmatvec(self, rows: Array) -> Array:
        return self.contract(self._raw.rmatvec(rows))

    def sandwich(self, weight: Array) -> Array:
        return self.contract_sandwich(self._raw.sandwich(weight))

    def toarray(self) -> Array:
        # sparse @ dense keeps the cost at the nonzeros of T
        return np.ascontiguousarray((self.transform.T @ self._raw.toarray().T).T)

    def expand(self, theta: Array) -> Array:
        return np.asarray(self.transform @ theta)

    def contract(self, score: Array) -> Array:
        return np.asarray(self.transform.T @ score)

    def contract_sandwich(self, gram: Array) -> Array:
        half = self.transform.T @ gram
        return np.ascontiguousarray((self.transform.T @ half.T).T)
