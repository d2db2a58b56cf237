"""First coefficients, inside the domain of the model, found without help.

An identity-link Poisson, a log-binomial or an inverse-link Gamma allows only those
coefficients that keep every mean in its domain. The domain is an open convex set of
linear predictors, so a point between a feasible one and the least-squares start is
found by halving.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glmfit.design import constant_combination
from glmfit.engine.linalg import cholesky
from glmfit.engine.passes import Pass, SuffStats
from glmfit.errors import FitError

__all__ = ["constant_theta", "starting_theta"]

Array = NDArray[np.float64]

MAX_PULLS = 50


def starting_theta(run: Pass, start: SuffStats) -> Array:
    """Return coefficients at which the deviance is finite.

    Parameters
    ----------
    run : Pass
        Rows whose design has full column rank.
    start : SuffStats
        What `Pass.start` returned for it.

    Raises
    ------
    FitError
        If no coefficients keep every mean in its domain.
    """
    theta = _solution(start)
    deviance = run.deviance(theta)
    if np.isfinite(deviance) and not run.rows.shifted:
        return theta
    if np.isfinite(deviance):
        return _best_start(run, theta)
    inside = constant_theta(run)
    if inside is None or not np.isfinite(run.deviance(inside)):
        inside = _deepest_theta(run)
    share = 0.5
    for _ in range(MAX_PULLS):
        candidate = inside + share * (theta - inside)
        if np.isfinite(run.deviance(candidate)):
            return candidate
        share *= 0.5
    return inside


def _best_start(run: Pass, theta: Array) -> Array:
    """Return the best of a least-squares start, a constant and 0.

    Least squares know the response row by row only: far offsets make it a bad start.
    """
    candidates = [theta, constant_theta(run), np.zeros_like(theta)]
    best, lowest = theta, np.inf
    for candidate in candidates:
        if candidate is None:
            continue
        stats = run(candidate)
        usable = stats.finite and cholesky(stats.information) is not None
        if usable and stats.deviance < lowest:
            best, lowest = candidate, stats.deviance
    return best


def _solution(stats: SuffStats) -> Array:
    """Return the Newton step from 0, through the normal equations or least squares."""
    factor = cholesky(stats.information) if stats.finite else None
    if factor is not None and factor.smallest_pivot > 1e-7:
        return factor.solve(stats.score)
    return _minimum_norm(stats)


def _minimum_norm(stats: SuffStats) -> Array:
    """Return a step that stays finite where the information is all but singular."""
    length = np.sqrt(np.diag(stats.information))
    usable = np.isfinite(length) & (length > 0.0)
    if not (usable.all() and stats.finite):
        return np.zeros_like(stats.score)
    scaled = stats.information / length / length[:, None]
    return np.asarray(np.linalg.lstsq(scaled, stats.score / length, rcond=1e-12)[0]) / length


def constant_theta(run: Pass) -> Array | None:
    """Return coefficients that give every row the mean response, if the design can."""
    unit = constant_combination(run.rows.design)
    if unit is None:
        return None
    eta = run.starter.constant_eta(run.mean_response())
    return eta * unit if np.isfinite(eta) else None


def _deepest_theta(run: Pass) -> Array:
    """Return coefficients as far inside the domain as a linear programme finds."""
    # SciPy's optimisers cost a fifth of a second to import, and few fits come here.
    from scipy.optimize import linprog

    domain = run.likelihood.eta_domain
    rows = run.held
    design = rows.design.toarray()
    offset = np.zeros(rows.n) if rows.offset is None else rows.offset
    used = np.ones(rows.n, bool) if rows.weight is None else rows.weight > 0.0
    length = np.abs(design).max(axis=0, initial=0.0)
    length[length == 0.0] = 1.0
    scaled, shift = (design / length)[used], offset[used]
    blocks, limits = [], []
    if np.isfinite(domain.low):
        blocks.append(-scaled)
        limits.append(shift - domain.low)
    if np.isfinite(domain.high):
        blocks.append(scaled)
        limits.append(domain.high - shift)
    if not blocks:
        raise FitError(
            "No coefficients were found at which the deviance is finite: numbers of the response, "
            "the weights or the offset are too large. Divide them by a power of ten."
        )
    bounds = np.vstack(blocks)
    margin = np.ones((bounds.shape[0], 1))
    cost = np.zeros(design.shape[1] + 1)
    cost[-1] = -1.0
    free = [(None, None)] * design.shape[1]
    found = linprog(
        cost,
        A_ub=np.hstack([bounds, margin]),
        b_ub=np.concatenate(limits),
        bounds=[*free, (None, 1.0)],
        method="highs",
    )
    if not found.success or found.x is None or found.x[-1] <= 0.0:
        raise FitError(
            f"No coefficients keep the linear predictor of every row inside {domain}, "
            "where this family and link have their means. Use another link (the log link "
            "keeps means positive, the logit between 0 and 1), or add an intercept."
        )
    theta: Array = found.x[:-1] / length
    return theta
