"""What leaving out one observation does to a fit: in one step, or fitted again.

Everything is computed from a pass, so it holds for one predictor a row as for several:
with D_i (M, P) the derivative of a row's predictors by the coefficients, W_i (M, M) its
information about them, s_i its score and V the inverse information of the fit, one Newton
step without the row moves the coefficients by

    V D_i' (1 - W_i D_i V D_i')^-1 s_i.

References
----------
Pregibon, D. (1981). Logistic regression diagnostics. *Annals of Statistics* 9, 705-724.
Williams, D. A. (1987). Generalized linear model diagnostics using the deviance and single
case deletions. *Applied Statistics* 36, 181-191.
Lesaffre, E. and Albert, A. (1989). Multiple-group logistic regression diagnostics.
*Applied Statistics* 38, 425-440.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.irls import fit_irls
from glmfit.engine.passes import EtaStats, Pass
from glmfit.engine.predictor import pairs
from glmfit.inference.residuals import OWN_PARAMETER
from glmfit.sources import Rows

__all__ = ["Deleted", "OneStep", "leverages", "one_step", "refit_without_each"]

Array = NDArray[np.float64]

CHUNK = 4096
"""Rows for which D_i, n M P numbers, is held at a time."""


@dataclass(frozen=True, slots=True)
class OneStep:
    """What one Newton step says of leaving out each observation.

    Attributes
    ----------
    leverage : ndarray of shape (n,)
        Trace of W_i D_i V D_i'.
    change : ndarray of shape (n, P)
        Coefficients of the fit less those without the observation; NaN where it has a
        parameter of its own (leverage 1).
    distance : ndarray of shape (n,)
        change' I change, from which Cook's distance comes.
    """

    leverage: Array
    change: Array
    distance: Array


def one_step(run: Pass, theta: Array, inverse: Array, *, observed: bool = False) -> OneStep:
    """Return the one-step effects of leaving out each observation.

    Parameters
    ----------
    run : Pass
        Rows whose weights are those of one observation of each.
    theta : ndarray of shape (P,)
    inverse : ndarray of shape (P, P)
        Inverse information V of the fit.
    observed : bool
        Take W_i from the observed instead of the expected information.
    """
    predictor = run.predictor

    def effects(chunk: Rows, _: Array, rows: EtaStats) -> tuple[Array, Array, Array]:
        derivative = predictor.dense_rows(chunk.design)
        score = rows.score.reshape(chunk.n, predictor.count)
        return _effects(derivative, score, _square(rows.weight, predictor.count), inverse)

    parts = list(run.map(theta, effects, CHUNK, observed=observed))
    return OneStep(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def leverages(run: Pass, theta: Array, inverse: Array, *, observed: bool = False) -> Array:
    """Return the traces of W_i D_i V D_i', shape (n,); parameters as in `one_step`."""
    predictor = run.predictor

    def traces(chunk: Rows, _: Array, rows: EtaStats) -> Array:
        derivative = predictor.dense_rows(chunk.design)
        weight = _square(rows.weight, predictor.count)
        half = np.einsum("nap,pq->naq", derivative, inverse, optimize=True)
        return np.asarray(np.einsum("nab,naq,nbq->n", weight, half, derivative, optimize=True))

    return np.concatenate(list(run.map(theta, traces, CHUNK, observed=observed)))


def _square(weight: Array, count: int) -> Array:
    """Return the information of each row about its predictors, shape (n, M, M)."""
    lines = np.atleast_2d(weight)
    full = np.empty((lines.shape[1], count, count))
    for (a, b), line in zip(pairs(count), lines, strict=True):
        full[:, a, b] = full[:, b, a] = line
    return full


def _effects(
    derivative: Array, score: Array, weight: Array, inverse: Array
) -> tuple[Array, Array, Array]:
    spread = np.einsum("nap,pq,nbq->nab", derivative, inverse, derivative, optimize=True)
    hat = weight @ spread
    left = np.eye(score.shape[1]) - hat
    alone = np.linalg.det(left) <= OWN_PARAMETER
    left[alone] = np.eye(score.shape[1])
    moved = np.linalg.solve(left, score[:, :, None])[:, :, 0]
    moved[alone] = np.nan
    change = np.einsum("na,nap,pq->nq", moved, derivative, inverse, optimize=True)
    distance = np.einsum("na,nab,nb->n", moved, spread, moved, optimize=True)
    return np.trace(hat, axis1=1, axis2=2), change, distance


@dataclass(frozen=True, slots=True)
class Deleted:
    """Fits without each observation.

    Attributes
    ----------
    change : ndarray of shape (n, P)
        Coefficients of the fit less those without the observation; NaN where these do not
        exist, or are not finite.
    pearson : ndarray of shape (n,)
        Pearson's chi-square without it; NaN for several predictors a row.
    log_det : ndarray of shape (n,)
        log|V| without it.
    """

    change: Array
    pearson: Array
    log_det: Array


def refit_without_each(run: Pass, theta: Array, unit: Array) -> Deleted:
    """Fit again without each observation, starting from the fit to all.

    Parameters
    ----------
    run : Pass
        All rows, with all of their weight.
    theta : ndarray of shape (P,)
        The fit.
    unit : ndarray of shape (n,)
        Weight of one observation of each row; rows where it is 0 are passed over.
    """
    n = run.rows.n
    total = np.ones(n) if run.held.weight is None else run.held.weight
    change = np.full((n, theta.size), np.nan)
    pearson, log_det = np.full(n, np.nan), np.full(n, np.nan)
    for i in np.flatnonzero(unit):
        weight = total.copy()
        weight[i] = max(weight[i] - unit[i], 0.0)
        without = replace(run, rows=replace(run.held, weight=weight))
        found = fit_irls(without, theta, run.control)
        if not found.converged:
            continue
        change[i] = theta - found.theta
        log_det[i] = np.linalg.slogdet(found.covariance)[1]
        pearson[i] = _pearson(without, found.theta)
    return Deleted(change, pearson, log_det)


def _pearson(run: Pass, theta: Array) -> float:
    if run.predictor.count > 1:
        return math.nan
    stats = run.likelihood.evaluate(run.held.y, run.eta(theta), run.held.weight)
    squares = np.divide(
        stats.score**2, stats.weight, out=np.zeros(run.rows.n), where=stats.weight > 0.0
    )
    return float(squares.sum())
