"""Designs side by side. This module alone knows pairs of kinds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glmfit.design.base import Array, Design, Mapped
from glmfit.design.categorical import Categorical
from glmfit.design.dense import Dense
from glmfit.design.sparse import Sparse

__all__ = ["Blocks", "below", "beside", "cross_sandwich", "narrowed", "stack"]


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

    def slices(self) -> list[slice]:
        """Return the columns of each part."""
        return [slice(a, b) for a, b in zip(self.starts[:-1], self.starts[1:], strict=True)]

    def chunk(self, start: int, stop: int) -> Blocks:
        return Blocks([part.chunk(start, stop) for part in self.parts])

    def take(self, rows: NDArray[np.intp]) -> Blocks:
        return Blocks([part.take(rows) for part in self.parts])

    def thin(self, step: int) -> Blocks:
        return Blocks([part.thin(step) for part in self.parts])

    def matvec(self, beta: Array) -> Array:
        out = np.zeros(self.shape[0])
        for part, columns in zip(self.parts, self.slices(), strict=True):
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
        slices = self.slices()
        for i, left in enumerate(self.parts):
            out[slices[i], slices[i]] = diagonal[i]
            for j in range(i):
                block = cross_sandwich(left, self.parts[j], weight)
                out[slices[i], slices[j]] = block
                out[slices[j], slices[i]] = block.T
        return out

    def between(self, i: int, j: int, weight: Array) -> Array:
        """Return the block of the sandwich for parts ``i`` and ``j``."""
        if i == j:
            return self.parts[i].block(weight)
        return cross_sandwich(self.parts[i], self.parts[j], weight)

    def reach(self) -> Array:
        return np.concatenate([part.reach() for part in self.parts])

    def toarray(self) -> Array:
        return np.hstack([part.toarray() for part in self.parts])


def stack(parts: Sequence[Design]) -> Design:
    """Return the parts side by side, or the only one as it is."""
    return parts[0] if len(parts) == 1 else Blocks(parts)


def below(designs: Sequence[Design]) -> Design:
    """Return designs of the same columns one under the other."""
    first = designs[0]
    if isinstance(first, Mapped):
        return Mapped(below([design.raw for design in designs]), first.transform)
    if isinstance(first, Blocks):
        parts = [design.parts for design in designs if isinstance(design, Blocks)]
        return Blocks([below(same) for same in zip(*parts, strict=True)])
    if isinstance(first, Categorical):
        factors = [design for design in designs if isinstance(design, Categorical)]
        numbers = [factor.values for factor in factors if factor.values is not None]
        codes = np.concatenate([factor.codes for factor in factors])
        return Categorical(codes, first.n_levels, np.concatenate(numbers) if numbers else None)
    if isinstance(first, Sparse):
        return Sparse(sparse.vstack([_as_sparse(design) for design in designs], format="csr"))
    return Dense(np.concatenate([design.toarray() for design in designs]))


def beside(designs: Sequence[Design]) -> Design:
    """Return whole designs side by side, their stored columns as parts of one `Blocks`."""
    parts: list[Design] = []
    transforms = []
    for design in designs:
        raw = design.raw
        parts += raw.parts if isinstance(raw, Blocks) else [raw]
        one = design.transform if isinstance(design, Mapped) else sparse.eye_array(raw.shape[1])
        transforms.append(one)
    if not any(isinstance(design, Mapped) for design in designs):
        return stack(parts)
    return Mapped(stack(parts), sparse.block_diag(transforms, format="csr"))


def narrowed(design: Design, columns: slice) -> Mapped:
    """Return some columns of a design, with no more stored parts than they read."""
    raw = design.raw
    transform = sparse.csr_array(
        design.transform if isinstance(design, Mapped) else sparse.eye_array(raw.shape[1])
    )[:, columns]
    if not isinstance(raw, Blocks):
        return Mapped(raw, transform)
    used = np.diff(transform.indptr) > 0
    chosen = [i for i, span in enumerate(raw.slices()) if used[span].any()]
    parts = [raw.parts[i] for i in chosen]
    stored = np.concatenate([np.arange(raw.shape[1])[raw.slices()[i]] for i in chosen])
    return Mapped(stack(parts), transform[stored])


def cross_sandwich(left: Design, right: Design, weight: Array) -> Array:
    """Return left' diag(weight) right, shape (q_left, q_right)."""
    if isinstance(left, Categorical) and isinstance(right, Categorical):
        return _cross_table(left, right, weight)
    if isinstance(left, Categorical) and isinstance(right, Dense):
        return _sums_by_level(left, right, weight)
    if isinstance(left, Dense) and isinstance(right, Categorical):
        return _sums_by_level(right, left, weight).T
    if isinstance(left, Dense) and isinstance(right, Dense):
        return np.asarray(np.dot((left.values * weight[:, None]).T, right.values))
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
    if factor.n_levels == 1:
        return np.asarray(np.dot(factor.scaled(weight), dense.values))[None]
    # one product with sparse rows goes through the dense ones once, and lets other threads run
    indicators = _indicators(factor, factor.scaled(weight))
    return np.asarray(indicators.T @ dense.values)


def _as_sparse(design: Design) -> sparse.csr_array:
    if isinstance(design, Sparse):
        return design.values
    if isinstance(design, Categorical):
        return _indicators(design, design.scaled(np.ones(design.codes.size)))
    return sparse.csr_array(design.toarray())


def _indicators(factor: Categorical, data: Array) -> sparse.csr_array:
    """Return the indicators of a factor, each row times its number in ``data``."""
    pointers = np.arange(factor.codes.size + 1, dtype=np.int32)
    return sparse.csr_array((data, factor.codes, pointers), shape=factor.shape)
