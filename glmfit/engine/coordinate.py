"""Proximal Newton: the elastic net fitted on score and information.

Each step minimises the quadratic approximation of the deviance plus the penalty. Where
the penalty is quadratic (ridge) that is one solve. Where it has corners, coordinate
descent over the coefficients that are not 0 finds which stay so and their signs; given
these the minimum is again the solution of a linear system, which is solved, and checked
against the conditions that all coefficients must meet. A step is therefore exact, and
the fit converges as Newton's method does, to the last digits, rather than as coordinate
descent does. Steps that raise the penalised deviance are halved.

Free coefficients are eliminated before coordinates are visited, as centring does for an
intercept: beside columns that are far from 0 descent would crawl.

References
----------
Friedman, J., Hastie, T. and Tibshirani, R. (2010). Regularization paths for generalized
linear models via coordinate descent. *Journal of Statistical Software* 33(1).
Lee, J. D., Sun, Y. and Saunders, M. A. (2014). Proximal Newton-type methods for
minimizing composite functions. *SIAM Journal on Optimization* 24, 1420-1443.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.executor import one_blas_thread
from glmfit.engine.history import AT_ROUNDING, History, Iteration, limit_reached
from glmfit.engine.irls import FARTHEST, NOISE, ROUNDING, SETTLED, Scorable
from glmfit.engine.linalg import cholesky
from glmfit.engine.passes import SuffStats
from glmfit.engine.penalty import Penalty
from glmfit.likelihoods import NEWTON_BELOW

__all__ = ["PenalizedSolution", "fit_penalized"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SWEEPS = 10_000
"""Most visits to each coordinate within a step."""

STILL = 1e-14
"""Move of a coordinate, as a share of all moves, at which descent has ended."""

SLACK = 1e-12
"""Share of the threshold by which rounding may take a score past it."""

SHARPER = 1e-4
"""Tolerance, as a share of that of Newton's method, where convergence is linear only."""

LIFT = 1e-9
"""Share of the diagonal that makes up for rounding in a singular matrix."""

UNMET = 1e-6
"""Standard errors by which the conditions of a minimum may be broken in the end."""


@dataclass(frozen=True, slots=True)
class PenalizedSolution:
    """Where a penalised fit ended.

    Attributes
    ----------
    theta : ndarray of shape (p,)
    deviance : float
    score : ndarray of shape (p,)
        Derivative of -deviance / 2 at theta, the penalty left out.
    information : ndarray of shape (p, p)
        At theta, the penalty left out.
    violation : float
        Largest amount by which a coefficient breaks the conditions of a minimum, in
        standard errors at dispersion 1.
    converged : bool
    reason : str
    history : tuple of Iteration
    """

    theta: Array
    deviance: float
    score: Array
    information: Array
    violation: float
    converged: bool
    reason: str
    history: tuple[Iteration, ...]


@dataclass(frozen=True, slots=True)
class _Point:
    """Coefficients with their statistics, penalised deviance and proximal step."""

    theta: Array
    stats: SuffStats
    cost: float
    """deviance / 2 + penalty."""
    hessian: Array
    step: Array
    newton: bool
    """Whether the step comes from the second derivatives themselves."""

    def length(self, step: Array) -> float:
        """Return sqrt(step' H step), a bound on each move in standard errors at phi = 1."""
        return math.sqrt(max(float(step @ self.hessian @ step), 0.0))


def fit_penalized(
    run: Scorable, theta: Array, penalty: Penalty, control: Control, *, observed: bool = False
) -> PenalizedSolution:
    """Minimise deviance / 2 + penalty from ``theta``.

    Parameters
    ----------
    run : Scorable
        Rows in whose design the free columns are independent.
    theta : ndarray of shape (p,)
        Coefficients at which the deviance is finite.
    penalty : Penalty
    control : Control
        ``tol`` bounds the last but one step, in standard errors; the last is quadratically
        smaller.
    observed : bool
        Return the observed instead of the expected information.

    Returns
    -------
    PenalizedSolution
    """
    with one_blas_thread:
        return _Proximal(run, penalty, control, observed).solve(theta)


class _Proximal:
    """Proximal Newton steps on one pass object; holds what the steps share."""

    def __init__(self, run: Scorable, penalty: Penalty, control: Control, observed: bool) -> None:
        self.run = run
        self.penalty = penalty
        self.control = control
        self.observed = observed
        self.halved = False
        self.history = History(control, run.dispersion_guess)

    def solve(self, theta: Array) -> PenalizedSolution:
        """Run the loop."""
        point = self.point(theta)
        if point is None:
            return self.ended(theta, _SINGULAR)
        self.record(point, 0)
        for _ in range(self.control.maxiter):
            verdict = self.verdict(point)
            if verdict is not None:
                return self.polished(point, verdict)
            following, halvings = self.advance(point)
            if following is None:
                return self.ended(point.theta, _STALLED)
            self.record(following, halvings)
            point = following
        verdict = self.verdict(point)
        if verdict is not None:
            return self.polished(point, verdict)
        return self.ended(point.theta, limit_reached(self.control))

    def point(self, theta: Array, *, newton: bool = False, limit: float = np.inf) -> _Point | None:
        """Return statistics and step at ``theta``; None past the limit, or without a step."""
        canonical = self.run.likelihood.canonical
        for exact in (True, False) if newton and not canonical else (False,):
            stats = self.run(theta, observed=exact)
            cost = 0.5 * stats.deviance + self.penalty.value(theta)
            if not (stats.finite and cost <= limit):
                return None
            hessian = stats.information + np.diag(self.penalty.curvature)
            if exact and not _semidefinite(hessian):
                continue  # no minimum to step to; the expected information has one
            step = _quadratic_step(hessian, stats.score, theta, self.penalty)
            if step is not None:
                return _Point(theta, stats, cost, hessian, step, exact or canonical)
        return None

    def advance(self, point: _Point) -> tuple[_Point | None, int]:
        """Return the next point, its step halved until the penalised deviance does not rise."""
        # expected information far from the observed, as near the end of a domain, halves steps
        newton = self.size(point) < NEWTON_BELOW or self.halved
        limit = point.cost + 1e-11 * (abs(point.cost) + 1e-3)
        following = self.point(point.theta + point.step, newton=newton, limit=limit)
        self.halved = following is None
        if following is not None:
            return following, 0
        (move,) = self.run.largest_moves(point.step)
        share = min(1.0, FARTHEST / move) if move > 0.0 else 1.0
        for halvings in range(1, self.control.max_halvings + 1):
            share *= 0.5
            candidate = point.theta + point.step * share
            following = self.point(candidate, newton=newton, limit=limit)
            if following is not None:
                return following, halvings
        return None, self.control.max_halvings

    def size(self, point: _Point) -> float:
        """Return a bound on the largest move of a coefficient, in standard errors."""
        length = point.length(point.step)
        phi = self.run.dispersion_guess(point.stats.deviance)
        if length == 0.0:
            return 0.0
        return length / float(np.sqrt(phi)) if phi > 0.0 else np.inf

    def verdict(self, point: _Point) -> str | None:
        """Say why the fit has converged at this point, or None."""
        terms = float(np.linalg.norm(np.sqrt(np.diag(point.hessian)) * point.theta))
        rounding = max(ROUNDING * point.length(point.theta), NOISE * terms)
        tol = self.control.tol if point.newton else SHARPER * self.control.tol
        if point.length(point.step) <= rounding:
            reason = AT_ROUNDING
        elif self.size(point) <= tol:
            reason = "the conditions of a minimum hold within tolerance"
        else:
            return None
        # free columns may separate the data: then the step stays large while weights vanish
        move, reach = self.run.largest_moves(point.step, point.theta)
        return reason if move <= SETTLED * max(reach, 1.0) else None

    def record(self, point: _Point, halvings: int) -> None:
        """Add a line to the history, with the slope of the penalised likelihood."""
        slope = self.penalty.excess(point.theta, point.stats.score)
        self.history.add(point.theta, point.stats.deviance, slope, halvings)

    def polished(self, point: _Point, reason: str) -> PenalizedSolution:
        """Take one more step and check the conditions of a minimum where it ends."""
        theta = point.theta + point.step
        if not np.isfinite(self.run.deviance(theta)):
            return self.checked(self.ended(point.theta, reason), reason)
        found = self.ended(theta, reason)
        self.history.add(theta, found.deviance, self.penalty.excess(theta, found.score))
        return self.checked(replace(found, history=tuple(self.history.lines)), reason)

    def checked(self, found: PenalizedSolution, reason: str) -> PenalizedSolution:
        """Return the solution, converged if it meets the conditions of a minimum."""
        phi = max(self.run.dispersion_guess(found.deviance), np.finfo(float).tiny)
        met = found.violation <= UNMET * np.sqrt(phi) or found.violation <= self.noise(found)
        return replace(found, converged=bool(met), reason=reason if met else _UNMET)

    def noise(self, found: PenalizedSolution) -> float:
        """Return what rounding leaves of the conditions, in standard errors at phi = 1."""
        spread = np.sqrt(np.diag(found.information))
        return float(1e3 * NOISE * np.linalg.norm(spread * found.theta))

    def ended(self, theta: Array, reason: str) -> PenalizedSolution:
        """Return where the fit ended, as one that has not converged."""
        stats = self.run(theta, observed=self.observed)
        spread = np.sqrt(np.diag(stats.information) + self.penalty.curvature)
        excess = self.penalty.excess(theta, stats.score)
        unit = np.where(spread > 0.0, spread, 1.0)
        return PenalizedSolution(
            theta=theta,
            deviance=stats.deviance,
            score=stats.score,
            information=stats.information,
            violation=float((excess / unit).max(initial=0.0)),
            converged=False,
            reason=reason,
            history=tuple(self.history.lines),
        )


# -- one step ----------------------------------------------------------------------------


def _semidefinite(hessian: Array) -> bool:
    """Return whether a matrix has no negative eigenvalue but for rounding."""
    lifted = hessian + np.diag(LIFT * np.diag(hessian))
    return cholesky(lifted) is not None


def _quadratic_step(hessian: Array, score: Array, theta: Array, penalty: Penalty) -> Array | None:
    """Return the d that minimises d'Hd / 2 - g'd + sum of l1 |theta + d|; None if there is none.

    H is the information plus the curvature of the penalty, g the score less its slope.
    """
    pull = score - penalty.curvature * theta
    smooth = penalty.absolute == 0.0
    if smooth.all():
        factor = cholesky(hessian)
        return None if factor is None else factor.solve(pull)
    factor = cholesky(hessian[np.ix_(smooth, smooth)]) if smooth.any() else None
    if smooth.any() and factor is None:
        return None
    cornered = ~smooth
    gram, rest = hessian[np.ix_(cornered, cornered)], pull[cornered]
    if factor is not None:
        across = hessian[np.ix_(smooth, cornered)]
        solved = factor.solve_many(across)
        gram, rest = gram - across.T @ solved, rest - solved.T @ pull[smooth]
    if (np.diag(gram) < -SLACK * np.diag(hessian)[cornered]).any():
        return None
    step = np.zeros_like(theta)
    step[cornered] = descend(gram, rest, theta[cornered], penalty.absolute[cornered])
    if factor is not None:
        step[smooth] = factor.solve(pull[smooth]) - solved @ step[cornered]
    return _sharpened(hessian, pull, theta, step, penalty)


def _sharpened(
    hessian: Array, pull: Array, theta: Array, step: Array, penalty: Penalty
) -> Array | None:
    """Return the step solved anew for all coefficients that it leaves different from 0.

    Elimination loses digits beside columns that are far from 0.
    """
    value = theta + step
    support = (value != 0.0) | (penalty.absolute == 0.0)
    factor = cholesky(hessian[np.ix_(support, support)]) if support.any() else None
    if factor is None:
        return step
    exact = step.copy()
    signs = np.sign(value)
    target = pull - penalty.absolute * signs - hessian[:, ~support] @ step[~support]
    exact[support] = factor.solve(target[support])
    same = np.sign(theta + exact) == signs
    return exact if same[support & (penalty.absolute > 0.0)].all() else step


def descend(gram: Array, pull: Array, theta: Array, cost: Array) -> Array:
    """Return the d that minimises d'Gd / 2 - pull'd + sum of cost |theta + d|.

    Parameters
    ----------
    gram : ndarray of shape (p, p)
        Positive semidefinite.
    pull, theta, cost : ndarray of shape (p,)
        ``cost`` is positive.
    """
    value, rest = theta.copy(), pull.copy()
    limit = cost * (1.0 + SLACK)
    spread = np.sqrt(np.maximum(np.diag(gram), 0.0))
    active = ((theta != 0.0) | (np.abs(pull) > limit)) & (spread > 0.0)
    tried: Array | None = None
    for _ in range(SWEEPS):
        before, signs = value.copy(), np.sign(value)
        _sweep(np.flatnonzero(active), gram, value, rest, cost)
        now = np.sign(value)
        if (now == signs).all() and (tried is None or (now != tried).any()):
            tried = now
            exact = _on_support(gram, pull, theta, cost, now)
            if exact is not None:
                value, rest = theta + exact, pull - gram @ exact
                behind = _past(rest, value, limit, spread)
                if not behind.any():
                    return exact
                active |= behind
                continue
        moved = float((spread * np.abs(value - before)).max(initial=0.0))
        if moved <= STILL * float((spread * np.abs(value - theta)).max(initial=0.0)):
            behind = _past(rest, value, limit, spread) & ~active
            if not behind.any():
                break
            active |= behind
    return value - theta


def _sweep(order: NDArray[np.intp], gram: Array, value: Array, rest: Array, cost: Array) -> None:
    """Minimise along each coordinate in turn; ``value`` and ``rest`` are changed in place."""
    for j in order:
        curve = gram[j, j]
        old = value[j]
        pulled = curve * old + rest[j]
        beyond = abs(pulled) - cost[j]
        new = np.copysign(beyond / curve, pulled) if beyond > SLACK * cost[j] else 0.0
        if new != old:
            value[j] = new
            rest -= (new - old) * gram[j]


def _past(rest: Array, value: Array, limit: Array, spread: Array) -> Mask:
    """Return which coefficients at 0 are pulled away from it."""
    past: Mask = (value == 0.0) & (np.abs(rest) > limit) & (spread > 0.0)
    return past


def _on_support(gram: Array, pull: Array, theta: Array, cost: Array, signs: Array) -> Array | None:
    """Return the minimum among coefficients of these signs; None if they do not hold there."""
    support = signs != 0.0
    step = -theta
    if support.any():
        factor = cholesky(gram[np.ix_(support, support)])
        if factor is None:
            return None
        target = pull[support] - cost[support] * signs[support]
        target -= gram[np.ix_(support, ~support)] @ step[~support]
        step[support] = factor.solve(target)
    value = theta + step
    return step if (np.sign(value[support]) == signs[support]).all() else None


_STALLED = "no step lowers the penalised deviance any further, although its slope is not zero"
_UNMET = "the conditions of a minimum are not met where the steps ended"
_SINGULAR = "the information is singular: the rows do not determine the coefficients that are free"
