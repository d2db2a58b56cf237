"""Designs side by side. This module alone knows pairs of kinds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glmfit.design.base import Array, Design
from glmfit.design.categorical import Categorical
from glmfit.design.dense import Dense
from glmfit.design.sparse import Sparse

__all__ = ["Blocks", "cross_sandwich", "stack"]


class Blocks(Design):
    """Designs of equal length, their columns one after the other."""

    __slots__ = ("parts", "starts")

    def __init__(self, parts: Sequence[Design]) -> None:
        self.parts = tuple(parts)
        self.starts = np.cumsum([0, *(part.shape[1] for part in self.parts)])

    @property
    def shape(self) -> tuple[int, int]:
        return self.parts[0].shape[0], int(self.starts[-1])

    @property
    def row_size(self) -> int:
        return sum(part.row_size for part in self.parts)

    def _slices(self) -> list[slice]:
        return [slice(a, b) for a, b in zip(self.starts[:-1], self.starts[1:], strict=True)]

    def chunk(self, start: int, stop: int) -> Blocks:
        return Blocks([part.chunk(start, stop) for part in self.parts])

    def take(self, rows: NDArray[np.intp]) -> Blocks:
        return Blocks([part.take(rows) for part in self.parts])

    def thin(self, step: int) -> Blocks:
        return Blocks([part.thin(step) for part in self.parts])

    def matvec(self, beta: Array) -> Array:
        out = np.zeros(self.shape[0])
        for part, columns in zip(self.parts, self._slices(), strict=True):
            out += part.matvec(beta[columns])
        return out

    def rmatvec(self, rows: Array) -> Array:
        return np.concatenate([part.rmatvec(rows) for part in self.parts])

    def sandwich(self, weight: Array) -> Array:
        return self._around([part.sandwich(weight) for part in self.parts], weight)

    def block(self, weight: Array) -> Array:
        return self._around([part.block(weight) for part in self.parts], weight)

    def _around(self, diagonal: list[Array], weight: Array) -> Array:
        """Return the sandwich with the given sandwiches of the parts."""
        out = np.empty((self.shape[1], self.shape[1]))
        slices = self._slices()
        for i, left in enumerate(self.parts):
            out[slices[i], slices[i]] = diagonal[i]
            for j in range(i):
                block = cross_sandwich(left, self.parts[j], weight)
                out[slices[i], slices[j]] = block
                out[slices[j], slices[i]] = block.T
        return out

    def toarray(self) -> Array:
        return np.hstack([part.toarray() for part in self.parts])


def stack(parts: Sequence[Design]) -> Design:
    """Return the parts side by side, or the only one as it is."""
    return parts[0] if len(parts) == 1 else Blocks(parts)


def cross_sandwich(left: Design, right: Design, weight: Array) -> Array:
    """Return left' diag(weight) right, shape (q_left, q_right)."""
    if isinstance(left, Categorical) and isinstance(right, Categorical):
        return _cross_table(left, right, weight)
    if isinstance(left, Categorical) and isinstance(right, Dense):
        return _sums_by_level(left, right, weight)
    if isinstance(left, Dense) and isinstance(right, Categorical):
        return _sums_by_level(right, left, weight).T
    if isinstance(left, Dense) and isinstance(right, Dense):
        return (left.values * weight[:, None]).T @ right.values
    product = _as_sparse(left).T @ _as_sparse(right).multiply(weight[:, None])
    return np.asarray(product.toarray())


def _cross_table(left: Categorical, right: Categorical, weight: Array) -> Array:
    cells = left.codes.astype(np.intp) * right.n_levels + right.codes
    table = np.bincount(
        cells,
        weights=left.scaled(right.scaled(weight)),
        minlength=left.n_levels * right.n_levels,
    )
    return table.astype(float, copy=False).reshape(left.n_levels, right.n_levels)


def _sums_by_level(factor: Categorical, dense: Dense, weight: Array) -> Array:
    scaled = factor.scaled(weight)
    columns = dense.values.T
    return np.column_stack([factor.sum_by_level(scaled * column) for column in columns])


def _as_sparse(design: Design) -> sparse.csr_array:
    if isinstance(design, Sparse):
        return design.values
    if isinstance(design, Categorical):
        data = np.ones(design.codes.size) if design.values is None else design.values
        pointers = np.arange(design.codes.size + 1)
        return sparse.csr_array((data, design.codes, pointers), shape=design.shape)
    return sparse.csr_array(design.toarray())
