"""Separation read off a fit that ran away, and the proof that one did not.

Along a direction of separation the steps of Newton's method neither grow nor shrink,
while those of all that is determined vanish: the last step shows the direction, up to
rounding. What it shows is made exact by the rows that it leaves where they are, and is
then checked on every row, so that a direction that is returned is a proof. It takes a
few passes over the rows, where a linear programme of as many constraints takes hours.

References
----------
Correia, S., Guimaraes, P. and Zylkin, T. (2019). Verifying the existence of maximum
likelihood estimates for generalized linear models. arXiv:1903.01633. (Their iterative
rectifier finds the direction by least squares; the fit has done that here.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.executor import map_chunks
from glmfit.engine.irls import Solution
from glmfit.engine.linalg import cholesky
from glmfit.engine.passes import Pass
from glmfit.engine.predictor import pairs
from glmfit.engine.separation import (
    Separation,
    distinct_rows,
    find_separation,
    widest_direction,
)
from glmfit.likelihoods import Recession
from glmfit.sources import Rows

__all__ = ["certified_separation", "constraint_rows", "determined", "separation_of"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

RESTING = 1e-4
"""Share of the largest move below which a row is taken to stay, until proved."""

EXACT = 1e-8
"""Share of the largest move that rounding leaves to rows that stay."""

NOTHING, SOMETHING = 1e-13, 1e-9
"""Eigenvalues that are rounding, and that are not; between them nothing is decided."""

ALIVE = 1e-11
"""Weight of a row below which it is fitted perfectly but for rounding."""

WELL_DETERMINED = 1e-4
"""Pivot from which rows are seen to determine the coefficients."""


class Receding(Protocol):
    """A likelihood that says how rows may go for ever without loss."""

    def recession(self, y: Array) -> list[Recession]: ...


@dataclass(frozen=True, slots=True)
class _Moves:
    """How rows of a chunk move along a direction, a line for each of their bounds.

    Attributes
    ----------
    along : list of ndarray of shape (n,)
        Moves, positive where they cost nothing; of rows that may not move at all their
        size, negative; 0 for rows that a bound does not concern.
    bounds : list of Recession
    """

    along: list[Array]
    bounds: list[Recession]


def separation_of(
    run: Pass, solution: Solution, *, by_programme: bool = False
) -> Separation | None:
    """Return how the rows of a fit are separated, or None if a finite maximum exists.

    Parameters
    ----------
    run : Pass
        Whose likelihood is `Receding`.
    solution : Solution
        Where a fit of it ended.
    by_programme : bool
        Ask a linear programme, whose direction moves every row that any direction moves.
        The last step of the fit may miss rows that it moves ten thousand times less than
        others; then what is left of the rows has no maximum either.
    """
    if solution.settled and determined(run, solution.resting):
        return None
    lines = solution.history
    if not (by_programme or solution.settled) and len(lines) > 1:
        found = certified_separation(run, lines[-1].theta - lines[-2].theta)
        if found is not None:
            return found
    return _programmed_separation(run)


def _programmed_separation(run: Pass) -> Separation | None:
    moves, owners, signs = constraint_rows(run)
    if moves.shape[0] == 0:
        return None
    found = find_separation(moves, signs)
    if found is None:
        return None
    rows = np.zeros(run.rows.n, dtype=bool)
    rows[owners[found.rows]] = True
    return replace(found, rows=rows)


def constraint_rows(run: Pass) -> tuple[Array, NDArray[np.intp], NDArray[np.int8]]:
    """Return how theta moves what rows are bound by, their rows, and the ways allowed."""
    derivative = run.predictor.dense_rows(run.held.design)
    moves, owners, signs = [], [], []
    for bound in _bounds(run, run.held):
        chosen = np.flatnonzero(bound.bound)
        moves.append(np.einsum("m,nmp->np", bound.combination, derivative[chosen]))
        owners.append(chosen)
        signs.append(bound.signs[chosen])
    return np.vstack(moves), np.concatenate(owners), np.concatenate(signs)


def certified_separation(run: Pass, step: Array) -> Separation | None:
    """Return the separation that the last step of a fit shows, or None if it proves none.

    Parameters
    ----------
    run : Pass
        Whose likelihood is `Receding`.
    step : ndarray of shape (P,)
        The last step, or any guess at a direction.

    Returns
    -------
    Separation or None
        None says that this step shows no direction, not that there is none.
    """
    reach = _reach(run, step)
    if not (np.isfinite(reach) and reach > 0.0):
        return None
    if _lowest(run, step) < -RESTING * reach:
        return None
    basis, length = _unmoved_null_space(run, step, RESTING * reach)
    if basis is None or basis.shape[1] == 0:
        return None
    coordinates = basis.T @ (step * length)
    if coordinates.size > 1:
        # of many directions the one that a programme finds, so that any fit has the same
        widest = widest_direction(_constraints_within(run, basis / length[:, None]))
        coordinates = coordinates if widest is None else widest
    direction = basis @ coordinates / length
    finite = np.abs(basis).max(axis=1) < 1e-7
    direction[finite] = 0.0
    reach = _reach(run, direction)
    if not reach > 0.0:
        return None
    return _checked(run, direction, finite, reach)


def determined(run: Pass, theta: Array) -> bool:
    """Return whether the rows that are not fitted perfectly determine all coefficients.

    Then a maximum at ``theta`` is one: its residuals weigh every row against the others,
    and only perfectly fitted rows could move, which these leave no room for.
    """

    def information(chunk: Rows, eta: Array) -> Array:
        weight = np.atleast_2d(run.likelihood.evaluate(chunk.y, eta, chunk.weight).weight)
        diagonal = [line for line, (a, b) in enumerate(pairs(run.predictor.count)) if a == b]
        total = weight[diagonal].sum(axis=0)
        prior = 1.0 if chunk.weight is None else np.maximum(chunk.weight, 1e-300)
        alive = total > ALIVE * prior
        weight = np.where(alive, weight / np.where(alive, total, 1.0), 0.0)
        return _gram(run, chunk, weight)

    factor = cholesky(_contracted(run, reduce(np.add, run.visit(theta, information))))
    return factor is not None and factor.smallest_pivot > WELL_DETERMINED


def _bounds(run: Pass, chunk: Rows) -> list[Recession]:
    bounds = cast(Receding, run.likelihood).recession(chunk.y)
    if chunk.weight is None or chunk.weight.all():
        return bounds
    used = chunk.weight > 0.0
    return [bound._replace(bound=bound.bound & used) for bound in bounds]


def _moves(run: Pass, chunk: Rows, beta: Array) -> _Moves:
    drift = run.predictor.eta(chunk.design.raw, beta).reshape(chunk.n, -1)
    bounds = _bounds(run, chunk)
    along = []
    for bound in bounds:
        move = drift @ bound.combination
        free = np.where(bound.signs == 0, -np.abs(move), bound.signs * move)
        along.append(np.where(bound.bound, free, 0.0))
    return _Moves(along, bounds)


def _over_chunks(run: Pass, direction: Array, what: str) -> float:
    beta = run.predictor.expand(direction)

    def extreme(chunk: Rows) -> float:
        found = _moves(run, chunk, beta).along
        if what == "reach":
            return max((float(np.abs(line).max(initial=0.0)) for line in found), default=0.0)
        return min((float(line.min(initial=0.0)) for line in found), default=0.0)

    parts = map_chunks(extreme, run.rows, run.control)
    return max(parts) if what == "reach" else min(parts)


def _reach(run: Pass, direction: Array) -> float:
    """Return the largest move of a row along a direction, wanted or not."""
    return _over_chunks(run, direction, "reach")


def _lowest(run: Pass, direction: Array) -> float:
    """Return the worst move along a direction: 0 where no row loses."""
    return _over_chunks(run, direction, "lowest")


def _unmoved_null_space(run: Pass, step: Array, near: float) -> tuple[Array | None, Array]:
    """Return the directions in which the rows that a step leaves alone stay, and the scale.

    Returns
    -------
    basis : ndarray of shape (P, d) or None
        Orthonormal, in coefficients times ``length``; None where rounding leaves open
        which directions there are.
    length : ndarray of shape (P,)
        Lengths of the columns.
    """
    beta = run.predictor.expand(step)

    def sums(chunk: Rows) -> tuple[Array, Array]:
        moves = _moves(run, chunk, beta)
        every = pairs(run.predictor.count)
        resting, whole = np.zeros((len(every), chunk.n)), np.zeros((len(every), chunk.n))
        # lengths are by weight, so that a row seen twice and one of weight 2 are the same
        seen = np.ones(chunk.n) if chunk.weight is None else chunk.weight
        for along, bound in zip(moves.along, moves.bounds, strict=True):
            stays = bound.bound & (np.abs(along) <= near)
            for line, (a, b) in enumerate(every):
                share = bound.combination[a] * bound.combination[b]
                resting[line] += share * stays
                whole[line] += share * bound.bound * seen
        return _gram(run, chunk, resting), _gram(run, chunk, whole)

    parts = list(map_chunks(sums, run.rows, run.control))
    gram = _contracted(run, reduce(np.add, [part for part, _ in parts]))
    length = np.sqrt(_contracted(run, reduce(np.add, [part for _, part in parts])).diagonal())
    length = np.where(length > 0.0, length, 1.0)
    values, vectors = np.linalg.eigh(gram / length / length[:, None])
    largest = max(float(values[-1]), 1e-300)
    if ((values > NOTHING * largest) & (values < SOMETHING * largest)).any():
        return None, length
    null = values <= NOTHING * largest if values[-1] > 0.0 else np.ones(values.size, dtype=bool)
    return vectors[:, null], length


def _constraints_within(run: Pass, basis: Array) -> Array:
    """Return how rows move along each of some directions, every kind of row once.

    Parameters
    ----------
    basis : ndarray of shape (P, d)

    Returns
    -------
    ndarray of shape (m, d)
        Positive where a move costs nothing.
    """
    betas = [run.predictor.expand(direction) for direction in basis.T]

    def kinds(chunk: Rows) -> Array:
        stored = chunk.design.raw
        drifts = [run.predictor.eta(stored, beta).reshape(chunk.n, -1) for beta in betas]
        found = []
        for bound in _bounds(run, chunk):
            along = np.column_stack([drift @ bound.combination for drift in drifts])
            found.append((along * bound.signs[:, None])[bound.bound & (bound.signs != 0)])
        return distinct_rows(np.vstack(found))

    return distinct_rows(np.vstack(list(map_chunks(kinds, run.rows, run.control))))


def _gram(run: Pass, chunk: Rows, weight: Array) -> Array:
    """Return the sums of products under weights, a line for each pair of predictors."""
    stored = chunk.design.raw
    return run.predictor.gram(stored, weight[0] if run.predictor.count == 1 else weight)


def _contracted(run: Pass, gram: Array) -> Array:
    _, information = run.predictor.contract(np.zeros(gram.shape[0]), gram)
    return information


def _checked(run: Pass, direction: Array, finite: Mask, reach: float) -> Separation | None:
    """Return the separation along a direction, if every row agrees."""
    beta = run.predictor.expand(direction)

    def verdict(chunk: Rows) -> tuple[float, float, Mask, bool]:
        moves = _moves(run, chunk, beta)
        worst, smallest = 0.0, np.inf
        rows, complete = np.zeros(chunk.n, dtype=bool), True
        for along, bound in zip(moves.along, moves.bounds, strict=True):
            moved = along > EXACT * reach
            worst = min(worst, float(along.min(initial=0.0)))
            smallest = min(smallest, float(along[moved].min(initial=np.inf)))
            rows |= moved
            complete &= bool(moved[bound.bound].all())
        return worst, smallest, rows, complete

    parts = list(map_chunks(verdict, run.rows, run.control))
    if min(part[0] for part in parts) < -EXACT * reach:
        return None
    smallest = min(part[1] for part in parts)
    # what moves must be told from what rounding moves
    if not smallest > 1e3 * EXACT * reach:
        return None
    rows = np.concatenate([part[2] for part in parts])
    return Separation(direction / smallest, rows, all(part[3] for part in parts), finite)
