"""The loop: Fisher scoring with checked steps, finished by Newton's method.

Each step solves I delta = u for the score u, never X'WX theta = X'Wz for theta, so that
rounding in the solution of one step is mended by the next. A step that raises the
deviance, or leaves the domain, is halved (Marschner 2011). Near the maximum a
non-canonical link turns to the observed information, for which convergence is
quadratic. When the columns are ill-conditioned, the step comes from the stacked QR
factors of the weighted design instead of from their sum of products.

References
----------
Green, P. J. (1984). Iteratively reweighted least squares for maximum likelihood
estimation. *JRSS B* 46, 149-192.
Marschner, I. C. (2011). glm2: fitting generalized linear models with convergence
problems. *The R Journal* 3/2, 12-15.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.executor import one_blas_thread
from glmfit.engine.linalg import Triangular, cholesky
from glmfit.engine.passes import SuffStats

__all__ = ["Iteration", "Solution", "approach", "fit_irls"]

Array = NDArray[np.float64]

ILL_CONDITIONED = 1e-3
"""Smallest pivot (share of a column's length) that sums of products can be trusted with."""

NEWTON_BELOW = 1.0
"""Largest step, in standard errors, from which Newton's method may take over."""

FARTHEST = 100.0
"""Move of a predictor beyond which halving need not begin."""

ROUNDING = 1e-13
"""Size of a step, as a share of the predictor's, that is rounding and nothing else."""

NOISE = 16.0 * float(np.finfo(float).eps)
"""Rounding that the terms of a predictor leave, as a share of their size."""

SETTLED = 1e-5
"""Largest share by which the predictor may still move when a fit has converged."""

STILL = 1e-11
"""Move of every predictor below which weights, and with them the covariance, do not change."""


@dataclass(frozen=True, slots=True)
class Iteration:
    """One line of the history of a fit."""

    number: int
    deviance: float
    step: float
    """Newton decrement sqrt(u' I^-1 u): the score in its own metric, and a bound on the
    move of each coefficient in standard errors."""
    halvings: int
    theta: Array


@dataclass(frozen=True, slots=True)
class Solution:
    """Where a fit ended.

    Attributes
    ----------
    theta : ndarray of shape (p,)
    deviance : float
    score : ndarray of shape (p,)
        At theta.
    covariance : ndarray of shape (p, p)
        Inverse of the information at theta (expected, or observed if asked for), to be
        multiplied by the dispersion.
    condition : float
        Estimated condition number of the weighted columns, scaled to unit length.
    converged : bool
    reason : str
        Why the loop ended, in words.
    history : tuple of Iteration
    """

    theta: Array
    deviance: float
    score: Array
    covariance: Array
    condition: float
    converged: bool
    reason: str
    history: tuple[Iteration, ...]


class Canonical(Protocol):
    """A likelihood that says whether its observed information is the expected one."""

    @property
    def canonical(self) -> bool: ...


class Scorable(Protocol):
    """What the loop asks of a pass; `Pass` says what each means."""

    @property
    def likelihood(self) -> Canonical: ...
    def __call__(self, theta: Array, /, *, observed: bool = False) -> SuffStats: ...
    def deviance(self, theta: Array, /) -> float: ...
    def triangle(self, theta: Array, /, length: Array) -> Triangular | None: ...
    def rotated(
        self, theta: Array, /, triangle: Triangular, *, observed: bool = True
    ) -> SuffStats: ...
    def largest_moves(self, *thetas: Array) -> tuple[float, ...]: ...
    def dispersion_guess(self, deviance: float) -> float: ...


class SingularInformation(Exception):
    """The information cannot be inverted at this point: no step exists."""


@dataclass(frozen=True, slots=True)
class _Point:
    """Coefficients with their statistics, factor and Newton step."""

    theta: Array
    stats: SuffStats
    factor: Triangular
    step: Array
    observed: bool
    """Whether the information is the observed one."""

    @property
    def decrement(self) -> float:
        """sqrt(step' I step), which bounds each move in standard errors at phi = 1."""
        return self.factor.norm(self.step)


def fit_irls(run: Scorable, theta: Array, control: Control, *, observed: bool = False) -> Solution:
    """Maximise the likelihood from ``theta``.

    Parameters
    ----------
    run : Pass or StrataPass
        Rows whose design has full column rank.
    theta : ndarray of shape (p,)
        Coefficients at which the deviance is finite.
    control : Control
    observed : bool
        Take the covariance from the observed instead of the expected information.

    Returns
    -------
    Solution
    """
    with one_blas_thread:
        return _Scoring(run, control, observed).solve(theta)


def approach(run: Scorable, theta: Array, *, near: float = 0.5, within: int = 12) -> Array | None:
    """Return coefficients near the maximum, or None if a few steps do not lead there.

    Parameters
    ----------
    run : Pass
    theta : ndarray of shape (p,)
    near : float
        How many standard errors may be left before the last step.
    within : int
        Number of steps.
    """
    scoring = _Scoring(run, Control(), observed=False)
    try:
        point: _Point | None = scoring.started(theta)
        for _ in range(within):
            if point is None:
                return None
            if scoring.size(point) <= near:
                return np.asarray(point.theta + point.step)
            point, _ = scoring.advance(point)
    except SingularInformation:
        return None
    return None


class _Scoring:
    """Fisher scoring on one pass object; holds what the steps share."""

    def __init__(self, run: Scorable, control: Control, observed: bool) -> None:
        self.run = run
        self.control = control
        self.observed = observed
        self.ill_conditioned = False
        self.history: list[Iteration] = []

    def solve(self, theta: Array) -> Solution:
        """Run the loop."""
        try:
            point = self.started(theta)
            for _ in range(self.control.maxiter):
                reason, move = self.verdict(point)
                if reason is not None:
                    return self.polished(point, reason, move)
                following, halvings = self.advance(point)
                if following is None:
                    return self.ended(point, _STALLED)
                self.record(point, halvings)
                point = following
            reason, move = self.verdict(point)
            if reason is not None:
                return self.polished(point, reason, move)
            return self.ended(point, f"the limit of {self.control.maxiter} iterations was reached")
        except SingularInformation:
            return self.singular(theta)

    def started(self, theta: Array) -> _Point:
        """Return the first point."""
        point = self.point(theta)
        if point is None:
            raise SingularInformation
        return point

    def point(self, theta: Array, *, newton: bool = False, limit: float = np.inf) -> _Point | None:
        """Return statistics, factor and step at ``theta``; None if the deviance passes ``limit``.

        With ``newton`` from the observed information, where that is positive definite.
        """
        if newton and not self.ill_conditioned:
            stats = self.run(theta, observed=True)
            if not stats.deviance <= limit:
                return None
            point = self._from_products(theta, stats, True)
            if point is not None:
                return point
        stats = self.run(theta)
        if not (stats.deviance <= limit and np.isfinite(stats.deviance)):
            return None
        if not self.ill_conditioned:
            point = self._from_products(theta, stats, False)
            if point is not None:
                return point
        return self._from_roots(theta, stats, newton)

    @staticmethod
    def _from_products(theta: Array, stats: SuffStats, observed: bool) -> _Point | None:
        factor = cholesky(stats.information) if stats.finite else None
        if factor is None or factor.smallest_pivot < ILL_CONDITIONED:
            return None
        return _Point(theta, stats, factor, factor.solve(stats.score), observed)

    def _from_roots(self, theta: Array, stats: SuffStats, newton: bool) -> _Point:
        with np.errstate(invalid="ignore"):  # told of by the test that follows
            length = np.sqrt(np.diag(stats.information))
        if not (stats.finite and (length > 0.0).all()):
            raise SingularInformation
        triangle = self.run.triangle(theta, length)
        if triangle is None or triangle.smallest_pivot < np.finfo(float).eps:
            raise SingularInformation
        self.ill_conditioned = True
        for observed in (True, False) if newton else (False,):
            rotated = self.run.rotated(theta, triangle, observed=observed)
            inner = cholesky(rotated.information) if rotated.finite else None
            if inner is not None:
                step = triangle.solve_half(inner.solve(rotated.score))
                return _Point(theta, stats, triangle.refined(inner), step, observed)
        raise SingularInformation

    def advance(self, point: _Point) -> tuple[_Point | None, int]:
        """Return the next point, its step halved until the deviance does not rise."""
        newton = not self.run.likelihood.canonical and self.size(point) < NEWTON_BELOW
        limit = point.stats.deviance + 1e-11 * (abs(point.stats.deviance) + 1e-3)
        following = self.point(point.theta + point.step, newton=newton, limit=limit)
        if following is not None:
            return following, 0
        # where weights all but vanish a step may be longer by any power of ten
        (move,) = self.run.largest_moves(point.step)
        share = min(1.0, FARTHEST / move) if move > 0.0 else 1.0
        for halvings in range(1, self.control.max_halvings + 1):
            share *= 0.5
            candidate = point.theta + point.step * share
            if self.run.deviance(candidate) <= limit:
                return self.point(candidate), halvings
        return None, self.control.max_halvings

    def size(self, point: _Point) -> float:
        """Return a bound on the largest move of a coefficient, in standard errors."""
        phi = self.run.dispersion_guess(point.stats.deviance)
        return point.decrement / np.sqrt(phi) if phi > 0.0 else np.inf

    def verdict(self, point: _Point) -> tuple[str | None, float]:
        """Say why the fit has converged at this point, or None; and how far rows may move."""
        # The step must be small for the predictor as well as for the likelihood: where data
        # are separated it stays large while the weights, and with them the decrement, vanish.
        # rounding in the sum X theta is as large as its terms, not as their sum
        terms = float(np.linalg.norm(point.factor.length * point.theta))
        if point.decrement <= max(ROUNDING * point.factor.norm(point.theta), NOISE * terms):
            reason = "the step is at the level of rounding"
        elif self.size(point) <= self.control.tol:
            reason = "score and step are zero within tolerance"
        else:
            return None, np.inf
        (move,) = self.run.largest_moves(point.step)
        if move > SETTLED:
            (reach,) = self.run.largest_moves(point.theta)
            move = np.inf if move > SETTLED * reach else move
        return (None if move == np.inf else reason), move

    def record(self, point: _Point, halvings: int) -> None:
        """Add a line to the history."""
        number = len(self.history) + 1
        size = self.size(point)
        self.history.append(Iteration(number, point.stats.deviance, size, halvings, point.theta))
        if self.control.disp:
            print(f"iteration {number:3d}  deviance {point.stats.deviance:.10g}  step {size:.3g}")

    def polished(self, point: _Point, reason: str, move: float) -> Solution:
        """Take one more step and evaluate the covariance where it ends."""
        self.record(point, 0)
        wanted = self.run.likelihood.canonical or point.observed == self.observed
        if wanted and move <= STILL:
            # what was found here is what would be found there
            return self._solution(replace(point, theta=point.theta + point.step), True, reason)
        last = self.point(point.theta + point.step, newton=self.observed)
        last = last or self.point(point.theta, newton=self.observed)
        return self._solution(last or point, True, reason)

    def ended(self, point: _Point, reason: str) -> Solution:
        """Return the last point of a fit that did not converge."""
        self.record(point, 0)
        last = self.point(point.theta, newton=self.observed)
        return self._solution(last or point, False, reason)

    def singular(self, theta: Array) -> Solution:
        """Return the last usable point of a fit whose information became singular."""
        last = self.history[-1].theta if self.history else theta
        stats = self.run(last)
        nothing = np.full((last.size, last.size), np.nan)
        history = tuple(self.history)
        return Solution(
            last, stats.deviance, stats.score, nothing, np.inf, False, _SINGULAR, history
        )

    def _solution(self, point: _Point, converged: bool, reason: str) -> Solution:
        return Solution(
            theta=point.theta,
            deviance=point.stats.deviance,
            score=point.stats.score,
            covariance=point.factor.inverse(),
            condition=point.factor.condition(),
            converged=converged,
            reason=reason,
            history=tuple(self.history),
        )


_STALLED = "no step along the score lowers the deviance any further, although the score is not zero"
_SINGULAR = (
    "the information became singular: the rows that carry weight no longer determine all "
    "coefficients"
)
