"""The map from coefficients to linear predictors, and back from rows to coefficients.

One predictor per row is the usual case; a multinomial or an ordinal model has M of them.
Every model's predictors are linear in theta: with Z the stored columns (n x q) and K the
map of a vector GLM (Mq x P), the predictors are the n x M matrix whose m-th column is
Z (K theta)_m. Shared slopes, contrasts, chosen columns and class-specific coefficients
are all different K, and the information only ever needs sandwiches of Z.

References
----------
Yee, T. W. (2015). *Vector Generalized Linear and Additive Models*, ch. 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glmfit.design import Blocks, Design, Mapped

__all__ = ["Predictor", "pairs"]

Array = NDArray[np.float64]


def pairs(count: int) -> list[tuple[int, int]]:
    """Return the pairs (a, b) with a <= b of ``count`` predictors, in order."""
    return [(a, b) for a in range(count) for b in range(a, count)]


@dataclass(frozen=True, slots=True)
class Predictor:
    """Predictors of a design.

    Attributes
    ----------
    design : Design
        Shape (n, p).
    count : int
        Number M of predictors per row.
    constraints : sparse array of shape (M p, P), or None
        H with stacked coefficients H theta, predictor by predictor; None means that each
        predictor has its own coefficients (P = M p).
    reads : tuple of tuple of int, or None
        Parts of the stored columns that each predictor reads, where they are `Blocks`; None
        where each reads all of them (see `apart`).
    """

    design: Design
    count: int = 1
    constraints: Any = None
    reads: tuple[tuple[int, ...], ...] | None = None

    @property
    def n_parameters(self) -> int:
        """Number of coefficients."""
        if self.constraints is not None:
            return int(self.constraints.shape[1])
        return self.count * self.design.shape[1]

    def chosen(self, kept: NDArray[np.intp]) -> Predictor:
        """Return the same predictors of some of the coefficients, the others being 0."""
        if kept.size == self.n_parameters:
            return self
        whole = self.constraints
        if whole is None:
            whole = sparse.eye_array(self.n_parameters, format="csr")
        return replace(self, constraints=whole[:, kept])

    def apart(self) -> Predictor:
        """Return the same predictors, none of which looks at parts that it has no use for."""
        raw = self.design.raw
        if not isinstance(raw, Blocks) or self.count == 1:
            return self
        mapped = sparse.csr_array(self._map())
        used = (np.diff(mapped.indptr) > 0).reshape(self.count, -1)
        spans = raw.slices()
        reads = tuple(
            tuple(i for i, span in enumerate(spans) if used[m, span].any())
            for m in range(self.count)
        )
        return replace(self, reads=reads)

    def drift(self, direction: Array) -> Array:
        """Return how a direction of the coefficients moves each predictor, shape (n, M)."""
        moves = self.eta(self.design.raw, self.expand(direction))
        return moves.reshape(self.design.shape[0], self.count)

    def _map(self) -> Any:
        """Return K, or None where coefficients are weights of stored columns already."""
        transform = self.design.transform if isinstance(self.design, Mapped) else None
        if transform is not None and self.count > 1:
            transform = sparse.kron(sparse.eye_array(self.count), transform, format="csr")
        if self.constraints is None:
            return transform
        return self.constraints if transform is None else transform @ self.constraints

    def expand(self, theta: Array) -> Array:
        """Return the weights of the stored columns, shape (M, q)."""
        mapped = self._map()
        flat = theta if mapped is None else np.asarray(mapped @ theta)
        return flat.reshape(self.count, -1)

    def contract_score(self, score: Array) -> Array:
        """Return the score (P,) from that of the stored columns."""
        mapped = self._map()
        return score if mapped is None else np.asarray(mapped.T @ score)

    def contract(self, score: Array, gram: Array) -> tuple[Array, Array]:
        """Return score (P,) and information (P, P) from those of the stored columns."""
        mapped = self._map()
        if mapped is None:
            return score, gram
        half = mapped.T @ gram
        information = np.ascontiguousarray((mapped.T @ half.T).T)
        return self.contract_score(score), information

    def eta(self, stored: Design, beta: Array) -> Array:
        """Return the predictors of stored rows, shape (n,) or (n, M)."""
        if self.count == 1:
            return stored.matvec(beta[0])
        if self.reads is not None:
            return self._eta_apart(cast(Blocks, stored), beta)
        # each predictor contiguous: likelihoods go through them one by one
        return np.stack([stored.matvec(weights) for weights in beta]).T

    def score(self, stored: Design, rows: Array) -> Array:
        """Return the score of the stored columns, shape (M q,)."""
        if self.count == 1:
            return stored.rmatvec(rows)
        if self.reads is not None:
            return self._score_apart(cast(Blocks, stored), rows)
        return np.concatenate([stored.rmatvec(column) for column in rows.T])

    def gram(self, stored: Design, weight: Array) -> Array:
        """Return the information of the stored columns, shape (M q, M q).

        Parameters
        ----------
        weight : ndarray of shape (n,), or (n_pairs, n) in the order of `pairs`
        """
        if self.count == 1:
            return stored.sandwich(weight)
        if self.reads is not None:
            return self._gram_apart(cast(Blocks, stored), weight)
        q = stored.shape[1]
        out = np.zeros((self.count * q, self.count * q))
        for (a, b), row_weight in zip(pairs(self.count), weight, strict=True):
            if a != b and not row_weight.any():
                continue  # ordinal models only couple neighbours
            block = stored.block(row_weight)
            out[a * q : (a + 1) * q, b * q : (b + 1) * q] = block
            out[b * q : (b + 1) * q, a * q : (a + 1) * q] = block.T
        return out

    def _eta_apart(self, stored: Blocks, beta: Array) -> Array:
        assert self.reads is not None
        eta = np.zeros((self.count, stored.shape[0]))
        spans = stored.slices()
        for line, weights, read in zip(eta, beta, self.reads, strict=True):
            for i in read:
                line += stored.parts[i].matvec(weights[spans[i]])
        return eta.T

    def _score_apart(self, stored: Blocks, rows: Array) -> Array:
        assert self.reads is not None
        out = np.zeros((self.count, stored.shape[1]))
        spans = stored.slices()
        for line, column, read in zip(out, rows.T, self.reads, strict=True):
            for i in read:
                line[spans[i]] = stored.parts[i].rmatvec(column)
        return out.ravel()

    def _gram_apart(self, stored: Blocks, weight: Array) -> Array:
        assert self.reads is not None
        q, spans = stored.shape[1], stored.slices()
        out = np.zeros((self.count, q, self.count, q))
        for (a, b), line in zip(pairs(self.count), weight, strict=True):
            if a != b and not line.any():
                continue
            for i in self.reads[a]:
                for j in self.reads[b]:
                    if a == b and j < i:
                        continue
                    block = stored.between(i, j, line)
                    out[a, spans[i], b, spans[j]] = block
                    out[b, spans[j], a, spans[i]] = block.T
        return out.reshape(self.count * q, self.count * q)

    def dense_rows(self, rows: Design) -> Array:
        """Return the derivative of each predictor by theta, dense, shape (n, M, P)."""
        matrix = rows.toarray()
        n, p = matrix.shape
        if self.constraints is None:
            out = np.zeros((n, self.count, self.count * p))
            for m in range(self.count):
                out[:, m, m * p : (m + 1) * p] = matrix
            return out
        blocks = [
            np.asarray((self.constraints[m * p : (m + 1) * p].T @ matrix.T).T)
            for m in range(self.count)
        ]
        return np.stack(blocks, axis=1)
