"""Many fits at once: replicates of one design as a third axis of the arrays.

Replicates of a bootstrap or a jackknife share their columns and differ in weights (how
often each row was drawn) or in responses. Their predictors are one matrix product, their
scores another, and their informations a third, over the products of pairs of columns. The
loop is that of `fit_irls`, with the same limits; a replicate leaves it when it has
converged, and one that cannot be finished here is handed back as such, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.executor import map_ahead, rows_together
from glmfit.engine.irls import FARTHEST, ILL_CONDITIONED, NOISE, ROUNDING, SETTLED
from glmfit.families import Working
from glmfit.likelihoods import NEWTON_BELOW
from glmfit.links import Interval
from glmfit.sources import Rows

__all__ = ["BatchSolution", "Draws", "batch_size", "fit_batches"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

HELD = 1 << 18
"""Values of rows by replicates that are worked on together, so that they stay in cache."""

PRODUCTS = 1 << 20
"""Products of pairs of columns that are held at a time."""


class RowLikelihood(Protocol):
    """What batches ask of a likelihood: values of rows, of any shape, not weighted."""

    @property
    def eta_domain(self) -> Interval: ...
    @property
    def canonical(self) -> bool: ...
    @property
    def dispersion(self) -> float | None: ...
    def row_values(self, y: Array, eta: Array) -> Working: ...
    def observed_information(self, y: Array, eta: Array) -> Array: ...


@dataclass(frozen=True, slots=True)
class Draws:
    """What some replicates have of their own.

    Attributes
    ----------
    weight : ndarray of shape (R, n) or (1, n)
        Prior weights; 0 where a row is left out.
    response : ndarray of shape (R, n) or (1, n)
    """

    weight: Array
    response: Array

    @property
    def count(self) -> int:
        """Number R of replicates."""
        return int(max(self.weight.shape[0], self.response.shape[0]))

    def taken(self, chosen: NDArray[np.intp]) -> Draws:
        """Return some of the replicates."""
        return Draws(
            self.weight[chosen] if self.weight.shape[0] > 1 else self.weight,
            self.response[chosen] if self.response.shape[0] > 1 else self.response,
        )


@dataclass(frozen=True, slots=True)
class BatchSolution:
    """Where the fits of replicates ended.

    Attributes
    ----------
    theta : ndarray of shape (R, p)
        Estimates; the last point of replicates that have not converged.
    converged : ndarray of bool, shape (R,)
    """

    theta: Array
    converged: Mask


def fit_batches(
    rows: Rows,
    likelihood: RowLikelihood,
    draws: Iterable[Draws],
    theta: Array,
    control: Control,
) -> Iterator[tuple[Draws, BatchSolution]]:
    """Fit replicates from ``theta``, and yield each batch with its solution, in order.

    Parameters
    ----------
    rows : Rows
        Design of full column rank (n, p) and offset; response and weight are those of the
        draws.
    likelihood : RowLikelihood
    draws : iterable of Draws
        `batch_size` says how many replicates are best taken together.
    theta : ndarray of shape (p,)
        Coefficients to start all replicates from.
    control : Control
    """

    def fitted(drawn: Draws) -> tuple[Draws, BatchSolution]:
        with np.errstate(all="ignore"):
            return drawn, _Batch(rows, likelihood, drawn, control).solve(theta)

    yield from map_ahead(fitted, draws, control)


def batch_size(n: int) -> int:
    """Return how many replicates of ``n`` rows to draw at a time."""
    return max(1, HELD // max(n, 1))


@dataclass(slots=True)
class _State:
    """Replicates at one point: statistics and the Newton step from there."""

    theta: Array
    deviance: Array
    score: Array
    step: Array
    decrement: Array
    terms: Array
    """Length of the terms of the predictor, whose rounding is that of their sum."""
    usable: Mask
    """Whether there is a step."""

    def taken(self, chosen: NDArray[np.intp] | Mask) -> _State:
        return _State(
            self.theta[chosen], self.deviance[chosen], self.score[chosen], self.step[chosen],
            self.decrement[chosen], self.terms[chosen], self.usable[chosen],
        )  # fmt: skip

    def put(self, chosen: NDArray[np.intp] | Mask, other: _State) -> None:
        """Replace some of the replicates."""
        for name in self.__slots__:
            getattr(self, name)[chosen] = getattr(other, name)


class _Batch:
    """Fisher scoring on one batch; holds what the steps share."""

    def __init__(
        self, rows: Rows, likelihood: RowLikelihood, draws: Draws, control: Control
    ) -> None:
        self.rows = rows
        self.likelihood = likelihood
        self.draws = draws
        self.control = control
        p = rows.design.shape[1]
        self.upper = np.triu_indices(p)
        together = control.chunk_rows or rows_together(rows.design)
        self.chunk_rows = min(together, max(64, PRODUCTS // max(self.upper[0].size, 1)))
        weight = draws.weight
        self.total = np.broadcast_to(weight.sum(axis=1), (draws.count,))

    def solve(self, start: Array) -> BatchSolution:
        """Run the loop."""
        count = self.draws.count
        theta = np.tile(start, (count, 1))
        converged = np.zeros(count, dtype=bool)
        active = np.arange(count)
        none = np.zeros(count, dtype=bool)
        state = self.at(theta, active, none)
        for _ in range(self.control.maxiter):
            done = state.usable & self.settled(state, active)
            theta[active] = np.where(done[:, None], state.theta + state.step, state.theta)
            converged[active[done]] = True
            left = ~done & state.usable & np.isfinite(state.deviance)
            active, state = active[left], state.taken(left)
            if active.size == 0:
                break
            state, moved = self.advance(state, active)
            theta[active] = state.theta
            active, state = active[moved], state.taken(moved)
        return BatchSolution(theta, converged)

    def advance(self, state: _State, active: NDArray[np.intp]) -> tuple[_State, Mask]:
        """Return the next points, steps halved until the deviance does not rise."""
        newton = np.zeros(active.size, dtype=bool)
        if not self.likelihood.canonical:
            newton = self.size(state, active) < NEWTON_BELOW
        limit = state.deviance + 1e-11 * (np.abs(state.deviance) + 1e-3)
        following = self.at(state.theta + state.step, active, newton)
        risen = np.flatnonzero(~(following.deviance <= limit))
        share = np.ones(active.size)
        if risen.size:
            move = self.largest(state.step[risen], active[risen])
            share[risen] = np.minimum(1.0, FARTHEST / np.where(move > 0.0, move, 1.0))
        for _ in range(self.control.max_halvings):
            if risen.size == 0:
                break
            share[risen] *= 0.5
            candidate = state.theta[risen] + share[risen, None] * state.step[risen]
            halved = self.at(candidate, active[risen], np.zeros(risen.size, dtype=bool))
            lower = halved.deviance <= limit[risen]
            following.put(risen[lower], halved.taken(lower))
            risen = risen[~lower]
        moved = np.ones(active.size, dtype=bool)
        moved[risen] = False
        following.put(risen, state.taken(risen))
        return following, moved

    def settled(self, state: _State, active: NDArray[np.intp]) -> Mask:
        """Return which replicates have converged (see `fit_irls`)."""
        scale = np.where(state.terms > 0.0, state.terms, 0.0)
        small = state.decrement <= np.maximum(ROUNDING, NOISE) * scale
        small |= self.size(state, active) <= self.control.tol
        out = np.zeros(active.size, dtype=bool)
        near = np.flatnonzero(small)
        if near.size:
            move = self.largest(state.step[near], active[near])
            reach = self.largest(state.theta[near], active[near])
            out[near] = move <= SETTLED * np.maximum(reach, 1.0)
        return out

    def size(self, state: _State, active: NDArray[np.intp]) -> Array:
        """Return a bound on the largest move of a coefficient, in standard errors."""
        known = self.likelihood.dispersion
        phi = state.deviance / self.total[active] if known is None else known
        return np.where(phi > 0.0, state.decrement / np.sqrt(phi), np.inf)

    # -- passes over the rows ----------------------------------------------------------

    def chunks(self, active: NDArray[np.intp]) -> Iterator[tuple[Array, Array | None, Draws]]:
        """Yield columns, offset, and what the replicates have of their own, by chunks of rows."""
        drawn = self.draws if active.size == self.draws.count else self.draws.taken(active)
        for start in range(0, self.rows.n, self.chunk_rows):
            part = slice(start, min(start + self.chunk_rows, self.rows.n))
            chunk = self.rows.chunk(part.start, part.stop)
            yield (
                chunk.design.toarray(),
                chunk.offset,
                Draws(drawn.weight[:, part], drawn.response[:, part]),
            )

    def at(self, theta: Array, active: NDArray[np.intp], newton: Mask) -> _State:
        """Return the replicates at ``theta`` (r, p), with observed information if ``newton``."""
        deviance, score, products = self.sums(theta, active, newton)
        state = _stepped(theta, deviance, score, self.symmetric(products))
        again = np.flatnonzero(newton & ~state.usable & np.isfinite(deviance))
        if again.size:  # the observed information need not be positive definite
            state.put(again, self.at(theta[again], active[again], np.zeros(again.size, bool)))
        return state

    def sums(
        self, theta: Array, active: NDArray[np.intp], newton: Mask
    ) -> tuple[Array, Array, Array]:
        """Return deviance (r,), score (r, p) and information (r, q) of the pairs of columns."""
        count, p = theta.shape
        deviance, score = np.zeros(count), np.zeros((count, p))
        products = np.zeros((count, self.upper[0].size))
        domain = self.likelihood.eta_domain
        for columns, offset, drawn in self.chunks(active):
            eta = theta @ columns.T
            if offset is not None:
                eta += offset
            inside = drawn.weight > 0.0
            if not domain.unbounded:
                outside = (inside & ~domain.contains(eta)).any(axis=1)
                deviance[outside] = np.inf
            response = np.broadcast_to(drawn.response, eta.shape)
            values = self.likelihood.row_values(response, eta)
            information = values.weight
            if newton.any():
                observed = self.likelihood.observed_information(response, eta)
                information = np.where(newton[:, None], observed, information)
            parts = (values.deviance, values.score, information)
            if not inside.all():  # what is infinite in a row of weight 0 must not count
                parts = tuple(np.where(inside, part, 0.0) for part in parts)  # type: ignore[assignment]
            deviance += np.einsum("rn,rn->r", parts[0], np.broadcast_to(drawn.weight, eta.shape))
            score += (parts[1] * drawn.weight) @ columns
            pairs = columns[:, self.upper[0]] * columns[:, self.upper[1]]
            products += (parts[2] * drawn.weight) @ pairs
        deviance[np.isnan(deviance)] = np.inf
        return deviance, score, products

    def symmetric(self, products: Array) -> Array:
        """Return the informations (r, p, p) of sums over pairs of columns."""
        p = self.rows.design.shape[1]
        out = np.empty((products.shape[0], p, p))
        out[:, self.upper[0], self.upper[1]] = products
        out[:, self.upper[1], self.upper[0]] = products
        return out

    def largest(self, theta: Array, active: NDArray[np.intp]) -> Array:
        """Return the largest absolute predictor of a row that counts, offset left out, (r,)."""
        out = np.zeros(theta.shape[0])
        for columns, _, drawn in self.chunks(active):
            moves = np.abs(theta @ columns.T)
            out = np.maximum(out, np.where(drawn.weight > 0.0, moves, 0.0).max(axis=1, initial=0.0))
        return out


def _stepped(theta: Array, deviance: Array, score: Array, information: Array) -> _State:
    """Return the state with its Newton steps, by Cholesky on columns of unit length."""
    p = theta.shape[1]
    diagonal = np.einsum("rjj->rj", information)
    usable = np.isfinite(deviance) & np.isfinite(score).all(axis=1)
    usable &= np.isfinite(information).all(axis=(1, 2)) & (diagonal > 0.0).all(axis=1)
    length = np.sqrt(np.where(usable[:, None], diagonal, 1.0))
    scaled = np.where(
        usable[:, None, None], information / length[:, :, None] / length[:, None, :], np.eye(p)
    )
    lower = _cholesky(scaled)
    pivots = np.einsum("rjj->rj", lower)
    usable &= np.isfinite(pivots).all(axis=1) & (pivots.min(axis=1, initial=1.0) >= ILL_CONDITIONED)
    lower[~usable] = np.eye(p)
    half = _forward(lower, np.where(usable[:, None], score / length, 0.0))
    step = _backward(lower, half) / length
    terms = np.linalg.norm(length * theta, axis=1)
    return _State(theta, deviance, score, step, np.linalg.norm(half, axis=1), terms, usable)


def _cholesky(matrices: Array) -> Array:
    """Return the lower triangles of (r, p, p); NaN where a matrix is not positive definite."""
    try:
        return np.asarray(np.linalg.cholesky(matrices), dtype=np.float64)
    except np.linalg.LinAlgError:
        if matrices.shape[0] == 1:
            return np.full_like(matrices, np.nan)
    middle = matrices.shape[0] // 2
    return np.concatenate([_cholesky(matrices[:middle]), _cholesky(matrices[middle:])])


def _forward(lower: Array, right: Array) -> Array:
    """Solve L x = right for each replicate."""
    out = np.empty_like(right)
    for j in range(right.shape[1]):
        done = np.einsum("rk,rk->r", lower[:, j, :j], out[:, :j])
        out[:, j] = (right[:, j] - done) / lower[:, j, j]
    return out


def _backward(lower: Array, right: Array) -> Array:
    """Solve L' x = right for each replicate."""
    out = np.empty_like(right)
    for j in range(right.shape[1] - 1, -1, -1):
        done = np.einsum("rk,rk->r", lower[:, j + 1 :, j], out[:, j + 1 :])
        out[:, j] = (right[:, j] - done) / lower[:, j, j]
    return out
