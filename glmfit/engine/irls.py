"""The loop: Fisher scoring with checked steps, finished by Newton's method.

Each step solves I delta = u for the score u, never X'WX theta = X'Wz for theta, so that
rounding in the solution of one step is mended by the next. A step that raises the
deviance, or leaves the domain, is halved (Marschner 2011). Near the maximum a
non-canonical link turns to the observed information, for which convergence is
quadratic. When the columns are ill-conditioned, the step comes from the stacked QR
factors of the weighted design instead of from their sum of products.

The three methods that step by an information matrix differ in which one, and in how the
system is solved. "newton" is what was just said: the observed information, with the
expected in its place while the maximum is farther than a standard error, since the
observed one need not be positive definite there. "fisher" takes the expected information
throughout. "irls" is Fisher scoring in its form of weighted least squares (Green 1984):
the working residuals are regressed on the weighted columns, by QR at every iteration.
Under a canonical link both informations are one matrix, and all three methods take the
same steps but for rounding.

References
----------
Green, P. J. (1984). Iteratively reweighted least squares for maximum likelihood
estimation. *JRSS B* 46, 149-192.
Marschner, I. C. (2011). glm2: fitting generalized linear models with convergence
problems. *The R Journal* 3/2, 12-15.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.executor import one_blas_thread, one_pool
from glmfit.engine.history import AT_ROUNDING, NO_LESS, History, Iteration, limit_reached
from glmfit.engine.linalg import Triangular, cholesky
from glmfit.engine.passes import AT_REST, Slope, SuffStats
from glmfit.engine.surrogate import Sharpened, surrogate_of
from glmfit.likelihoods import NEWTON_BELOW

__all__ = [
    "STALLED",
    "Iteration",
    "Point",
    "Scorable",
    "Scoring",
    "SingularInformation",
    "Solution",
    "Steps",
    "approach",
    "fit_irls",
    "inverse_information",
    "rounding",
]

Array = NDArray[np.float64]
Steps = Literal["newton", "fisher", "irls"]

ILL_CONDITIONED = 1e-3
"""Smallest pivot (share of a column's length) that sums of products can be trusted with."""

FARTHEST = 100.0
"""Move of a predictor beyond which halving need not begin."""

ROUNDING = 1e-13
"""Size of a step, as a share of the predictor's, that is rounding and nothing else."""

NOISE = 16.0 * float(np.finfo(float).eps)
"""Rounding that the terms of a predictor leave, as a share of their size."""

SETTLED = 1e-5
"""Largest share by which the predictor may still move when a fit has converged."""

SHRINKING = 0.01
"""Largest share of a step that the next one may have for the information to be used again."""

ADRIFT = 5
"""Points at which a fit without a score may move on before it is called running away."""

AS_GOOD = 1e-9
"""Share by which the information of a fit to streamed rows may be off, not its coefficients."""

STILL = 1e-11
"""Move of every predictor below which weights, and with them the covariance, do not change."""


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
    settled : bool
        Whether the predictors come to rest. Where they do not, the data may be separated,
        even if the rule that was asked for says that the fit has converged.
    further : ndarray of shape (p,) or None
        Where they come to rest, or would have to, if a rule stopped the fit before.
    method : str
        The solver.
    stop : str
        The stopping rule that was asked for.
    cells : int or None
        Number of weighted cells that rows were fitted as, where they were.
    pearson : float
        Pearson's chi-square at theta; NaN where no pass of the fit has added it up.
    closest : float
        Least unit deviance of any row there, or NaN.
    """

    theta: Array
    deviance: float
    score: Array
    covariance: Array
    condition: float
    converged: bool
    reason: str
    history: tuple[Iteration, ...]
    settled: bool = True
    further: Array | None = None
    method: str = "newton"
    stop: str = "score"
    cells: int | None = None
    pearson: float = math.nan
    closest: float = math.nan

    @property
    def resting(self) -> Array:
        """Where predictors come to rest: theta, or further on if a rule stopped the fit."""
        return self.theta if self.further is None else self.further


class Canonical(Protocol):
    """A likelihood that says whether its observed information is the expected one."""

    @property
    def canonical(self) -> bool: ...
    @property
    def newton_below(self) -> float: ...


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
    @property
    def many(self) -> bool: ...
    def slope(self, theta: Array, /) -> Slope: ...
    def derivative_rows(self) -> Iterator[Array]: ...
    def information_slopes(self, theta: Array, /, columns: Array) -> Array: ...


def rounding(factor: Triangular, theta: Array) -> float:
    """Return the length of a step from ``theta``, in the metric of ``factor``, that is rounding."""
    # rounding in the sum X theta is as large as its terms, not as their sum
    terms = float(np.linalg.norm(factor.length * theta))
    return max(ROUNDING * factor.norm(theta), NOISE * terms)


class SingularInformation(Exception):
    """The information cannot be inverted at this point: no step exists."""


@dataclass(frozen=True, slots=True)
class Point:
    """Coefficients with their statistics, factor and Newton step."""

    theta: Array
    stats: SuffStats
    factor: Triangular
    step: Array
    observed: bool
    """Whether the information is the observed one."""
    fresh: bool = True
    """Whether the information is that of these coefficients, not of some before."""
    sharpened: Sharpened | None = None
    """What a sample of streamed rows says of the end of the step."""

    @property
    def decrement(self) -> float:
        """sqrt(step' I step), which bounds each move in standard errors at phi = 1."""
        return self.factor.norm(self.step)

    @property
    def largest_move(self) -> float:
        """A bound on how far the step moves any predictor; inf where there is none.

        No row's share of step' I step, its weight times its move squared, is more than all
        of it. The factor may be that of a point near by, for which there is room.
        """
        lightest = self.stats.lightest
        return 2.0 * self.decrement / math.sqrt(lightest) if lightest > 0.0 else math.inf


def fit_irls(
    run: Scorable,
    theta: Array,
    control: Control,
    *,
    observed: bool = False,
    steps: Steps = "newton",
    factor: Triangular | None = None,
    supremum: bool = False,
) -> Solution:
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
    steps : {"newton", "fisher", "irls"}
        How steps are made.
    factor : Triangular, optional
        Factor of about what the information is at ``theta``, to make the first step with.
    supremum : bool
        Take a supremum for a maximum: where the likelihood has settled although
        coefficients run to infinity. Beyond that point rounding would take over.

    Returns
    -------
    Solution
    """
    with one_blas_thread, one_pool():
        return Scoring(run, control, observed, steps, supremum).solve(theta, factor)


def approach(
    run: Scorable, theta: Array, *, near: float = 0.5, within: int = 12
) -> tuple[Array, Triangular] | None:
    """Return coefficients near the maximum, or None if a few steps do not lead there.

    Parameters
    ----------
    run : Pass
    theta : ndarray of shape (p,)
    near : float
        How many standard errors may be left before the last step.
    within : int
        Number of steps.

    Returns
    -------
    theta : ndarray of shape (p,)
    factor : Triangular
        Of the information one step before.
    """
    scoring = Scoring(run, Control(), observed=False)
    try:
        point: Point | None = scoring.started(theta)
        for _ in range(within):
            if point is None:
                return None
            if scoring.size(point) <= near:
                return point.theta + point.step, point.factor
            point, _ = scoring.advance(point)
    except SingularInformation:
        return None
    return None


def inverse_information(run: Scorable, theta: Array, *, observed: bool) -> Array | None:
    """Return the inverse of the information at ``theta``; None if it has no inverse.

    Parameters
    ----------
    run : Pass or StrataPass
    theta : ndarray of shape (P,)
    observed : bool
        Of the observed instead of the expected information.
    """
    stats = run(theta, observed=observed)
    factor = cholesky(stats.information) if stats.finite else None
    if factor is not None and factor.smallest_pivot >= ILL_CONDITIONED:
        return factor.inverse()
    with np.errstate(invalid="ignore"):  # told of by the test that follows
        length = np.sqrt(np.diag(run(theta).information))
    if not (length > 0.0).all():
        return None
    triangle = run.triangle(theta, length)
    if triangle is None or triangle.smallest_pivot < np.finfo(float).eps:
        return None
    rotated = run.rotated(theta, triangle, observed=observed)
    inner = cholesky(rotated.information) if rotated.finite else None
    return None if inner is None else triangle.refined(inner).inverse()


class Scoring:
    """Scoring on one pass object; holds what the steps share."""

    def __init__(
        self,
        run: Scorable,
        control: Control,
        observed: bool,
        steps: Steps = "newton",
        supremum: bool = False,
    ) -> None:
        self.run = run
        self.control = control
        self.observed = observed
        self.steps = steps
        self.by_roots = steps == "irls"
        """Whether steps come from QR factors: asked for, or for ill-conditioned columns."""
        self.history = History(control, run.dispersion_guess)
        self.thrifty = run.many and steps == "newton"
        self.surrogate = (
            surrogate_of(run) if steps == "newton" and control.stop == "score" else None
        )
        self.before = np.inf
        """Size of the point before."""
        self.adrift = 0
        """For how many points the score has vanished while predictors moved on."""
        self.supremum = supremum

    def solve(self, theta: Array, factor: Triangular | None = None) -> Solution:
        """Run the loop."""
        try:
            point = self.started(theta, factor)
            for _ in range(self.control.maxiter):
                reason, move = self.verdict(point)
                if reason is not None:
                    return self.finished(point, reason, move)
                if self.adrift >= ADRIFT:
                    return self.ended(point, RUNNING)
                following, halvings = self.advance(point)
                if following is None:
                    return self.ended(point, STALLED)
                self.record(following, halvings)
                point = following
            reason, move = self.verdict(point)
            if reason is not None:
                return self.finished(point, reason, move)
            return self.ended(point, limit_reached(self.control))
        except SingularInformation:
            return self.singular(theta)

    def started(self, theta: Array, factor: Triangular | None = None) -> Point:
        """Return the first point, its step from ``factor`` if there is one."""
        point = None
        if factor is not None and self.thrifty:
            point = self._from_slope(theta, factor, np.inf, self.run.likelihood.canonical)
        point = point or self.point(theta)
        if point is None:
            raise SingularInformation
        self.record(point, 0)
        return point

    def point(self, theta: Array, *, newton: bool = False, limit: float = np.inf) -> Point | None:
        """Return statistics, factor and step at ``theta``; None if the deviance passes ``limit``.

        With ``newton`` from the observed information, where that is positive definite.
        """
        if newton and not self.by_roots:
            stats = self.run(theta, observed=True)
            if not stats.deviance <= limit:
                return None
            point = self._from_products(theta, stats, True)
            if point is not None:
                return self._sharp(point)
        stats = self.run(theta)
        if not (stats.deviance <= limit and np.isfinite(stats.deviance)):
            return None
        if not self.by_roots:
            point = self._from_products(theta, stats, False)
            if point is not None:
                return self._sharp(point)
        return self._from_roots(theta, stats, newton)

    @staticmethod
    def _from_products(theta: Array, stats: SuffStats, observed: bool) -> Point | None:
        factor = cholesky(stats.information) if stats.finite else None
        if factor is None or factor.smallest_pivot < ILL_CONDITIONED:
            return None
        return Point(theta, stats, factor, factor.solve(stats.score), observed)

    def _sharp(self, point: Point) -> Point:
        """Return the point with a step that a sample has sharpened, where rows are streamed."""
        if self.surrogate is None:
            return point
        theta, stats, factor = point.theta, point.stats, point.factor
        found = self.surrogate.sharpen(theta, stats, factor, point.step, observed=point.observed)
        return point if found is None else replace(point, step=found.step, sharpened=found)

    def _from_roots(self, theta: Array, stats: SuffStats, newton: bool) -> Point:
        with np.errstate(invalid="ignore"):  # told of by the test that follows
            length = np.sqrt(np.diag(stats.information))
        if not (stats.finite and (length > 0.0).all()):
            raise SingularInformation
        triangle = self.run.triangle(theta, length)
        if triangle is None or triangle.smallest_pivot < np.finfo(float).eps:
            raise SingularInformation
        self.by_roots = True
        for observed in (True, False) if newton else (False,):
            rotated = self.run.rotated(theta, triangle, observed=observed)
            inner = cholesky(rotated.information) if rotated.finite else None
            if inner is not None:
                step = triangle.solve_half(inner.solve(rotated.score))
                return Point(theta, stats, triangle.refined(inner), step, observed)
        raise SingularInformation

    def _from_slope(
        self, theta: Array, factor: Triangular, limit: float, observed: bool
    ) -> Point | None:
        """Return the point with a factor from elsewhere; None if the deviance passes ``limit``."""
        slope = self.run.slope(theta)
        if not (slope.deviance <= limit and np.isfinite(slope.deviance)):
            return None
        stats = SuffStats(slope.deviance, slope.score, np.empty((0, 0)), slope.lightest)
        return Point(theta, stats, factor, factor.solve(slope.score), observed, fresh=False)

    def reusable(self, point: Point) -> bool:
        """Return whether the next step is nearly as good with the factor that this one had.

        The score costs a fraction of the information. A factor from near the maximum makes
        the steps shrink by some factor each time; it pays while that factor is small, and
        while the next point is not yet the last, of which the information is needed.
        """
        if not self.thrifty or self.by_roots:
            return False
        size = self.size(point)
        shrunk = size / self.before
        if point.fresh:
            return size <= NEWTON_BELOW and size * shrunk * shrunk > self.control.tol
        return shrunk < SHRINKING and 2.0 * shrunk * size > self.control.tol

    def advance(self, point: Point) -> tuple[Point | None, int]:
        """Return the next point, its step halved until the deviance does not rise."""
        newton = (
            self.steps == "newton"
            and not self.run.likelihood.canonical
            and self.size(point) < self.run.likelihood.newton_below
        )
        limit = point.stats.deviance + 1e-11 * (abs(point.stats.deviance) + 1e-3)
        reused = self.reusable(point)
        self.before = self.size(point)
        following = None
        if reused:
            following = self._from_slope(
                point.theta + point.step, point.factor, limit, point.observed
            )
        if following is None:
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

    def size(self, point: Point) -> float:
        """Return a bound on the largest move of a coefficient, in standard errors."""
        phi = self.run.dispersion_guess(point.stats.deviance)
        return point.decrement / np.sqrt(phi) if phi > 0.0 else np.inf

    def verdict(self, point: Point) -> tuple[str | None, float]:
        """Say why the fit has converged at this point, or None; and how far rows may move."""
        if self.control.stop == "score":
            reason = self.at_maximum(point)
        else:
            # a halved step is short for another reason than being at the goal
            whole = self.history.lines[-1].halvings == 0 or self.control.stop == "gradient"
            reason = self.history.met() if whole else None
            if reason is not None:
                return reason, np.inf
            reason = NO_LESS if self.in_rounding(point) else None
        if reason is None:
            return None, np.inf
        if self.supremum:
            return reason, np.inf
        move = self.settling(point)
        self.adrift = self.adrift + 1 if move == np.inf else 0
        return (None if move == np.inf else reason), move

    def at_maximum(self, point: Point) -> str | None:
        """Say that the step is small for the likelihood, or return None."""
        if self.in_rounding(point):
            return AT_ROUNDING
        if self.size(point) <= self.control.tol:
            return "score and step are zero within tolerance"
        if point.sharpened is not None:
            # all that Newton's method neglects, of which the sample knows all but some per cent
            phi = self.run.dispersion_guess(point.stats.deviance)
            if point.sharpened.correction <= self.control.tol * np.sqrt(phi):
                return "score and step are zero within tolerance after the last step"
        return None

    @staticmethod
    def in_rounding(point: Point) -> bool:
        """Return whether the step is rounding and nothing else."""
        return point.decrement <= rounding(point.factor, point.theta)

    def settling(self, point: Point) -> float:
        """Return how far the step moves a predictor, inf if that is too far to be at rest.

        The step must be small for the predictor as well as for the likelihood: where data
        are separated it stays large while the weights, and with them the decrement, vanish.
        """
        limit = SETTLED if self.thrifty and self.in_rounding(point) else STILL
        if point.largest_move <= (limit if point.sharpened is None else AT_REST):
            return point.largest_move
        (move,) = self.run.largest_moves(point.step)
        if point.sharpened is not None and move <= AT_REST:
            return move
        if move > SETTLED:
            (reach,) = self.run.largest_moves(point.theta)
            return np.inf if move > SETTLED * reach else move
        return move

    def record(self, point: Point, halvings: int) -> None:
        """Add a line to the history."""
        self.history.add(point.theta, point.stats.deviance, point.stats.score, halvings)

    def finished(self, point: Point, reason: str, move: float) -> Solution:
        """Return the solution of a fit that converged, one step on if it is at the maximum."""
        if self.control.stop != "score":
            return self.stopped(point, reason)
        last = self.polished(point, move)
        if last is None:
            last = self.point(point.theta, newton=self.observed) or point
        else:
            self.record(last, 0)
        return self.solution(last, reason, converged=True, settled=True)

    def polished(self, point: Point, move: float) -> Point | None:
        """Return the point one step on, with what the covariance is taken from."""
        wanted = self.run.likelihood.canonical or point.observed == self.observed
        wanted = wanted and point.fresh
        sharp = point.sharpened
        if wanted and sharp is not None and sharp.error <= AS_GOOD:
            stats = point.stats._replace(pearson=sharp.pearson)
            theta = point.theta + point.step
            return replace(point, theta=theta, stats=stats, factor=sharp.factor)
        if wanted and move <= STILL:
            # what was found here is what would be found there
            return replace(point, theta=point.theta + point.step)
        if wanted and self.thrifty and self.in_rounding(point):
            return point
        return self.point(point.theta + point.step, newton=self.observed)

    def stopped(self, point: Point, reason: str) -> Solution:
        """Return the solution where a rule was met, wherever the maximum is."""
        last = self.point(point.theta, newton=self.observed) or point
        settled = self.settling(last) < np.inf
        return self.solution(last, reason, converged=True, settled=settled)

    def ended(self, point: Point, reason: str) -> Solution:
        """Return the last point of a fit that did not converge."""
        last = self.point(point.theta, newton=self.observed) or point
        return self.solution(last, reason, converged=False, settled=False)

    def singular(self, theta: Array) -> Solution:
        """Return the last usable point of a fit whose information became singular."""
        last = self.history.lines[-1].theta if self.history.lines else theta
        stats = self.run(last)
        return Solution(
            theta=last,
            deviance=stats.deviance,
            score=stats.score,
            covariance=np.full((last.size, last.size), np.nan),
            condition=np.inf,
            converged=False,
            reason=_SINGULAR,
            history=tuple(self.history.lines),
            settled=False,
            method=self.steps,
            stop=self.control.stop,
        )

    def solution(self, point: Point, reason: str, *, converged: bool, settled: bool) -> Solution:
        """Return the solution at a point."""
        expected = self.run.likelihood.canonical or not point.observed
        return Solution(
            theta=point.theta,
            deviance=point.stats.deviance,
            score=point.stats.score,
            covariance=point.factor.inverse(),
            condition=point.factor.condition(),
            converged=converged,
            reason=reason,
            history=tuple(self.history.lines),
            settled=settled,
            method=self.steps,
            stop=self.control.stop,
            pearson=point.stats.pearson if expected else math.nan,
            closest=point.stats.closest,
        )


RUNNING = "the score has vanished, but some linear predictors move on at every step"
STALLED = "no step along the score lowers the deviance any further, although the score is not zero"
_SINGULAR = (
    "the information became singular: the rows that carry weight no longer determine all "
    "coefficients"
)
