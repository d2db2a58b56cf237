"""The loop of bias-reduced fits: scoring with an adjusted score, whose root is finite.

The score of the likelihood is shifted by a function of the leverages so that its root has
no bias of order 1/n in the mean (Firth) or none in the median (Kenne Pagui and others). An
iteration passes over the rows twice: once for the information, once for leverages and
adjusted score. Steps are those of Fisher scoring, theta += I^-1 u*, which converges
linearly only, because the derivative of u* is not -I; combining the last few steps
(Anderson's method) makes that superlinear.

Under a canonical link the root of the mean-adjusted score is the maximum of
l + log|I| / 2, the likelihood penalised by Jeffreys' prior, and a step that lowers it is
halved. Otherwise no objective exists. The length of u* is none: on separated data it falls
and rises again on the way to the root, and demanding that it fall stalled one fit in five
with a complementary log-log link. So there a step is only kept from being long.

References
----------
Firth, D. (1993). Bias reduction of maximum likelihood estimates. *Biometrika* 80, 27-38.
Kosmidis, I. and Firth, D. (2009). Bias reduction in exponential family nonlinear models.
*Biometrika* 96, 793-804.
Kenne Pagui, E. C., Salvan, A. and Sartori, N. (2017). Median bias reduction of maximum
likelihood estimates. *Biometrika* 104, 923-938.
Kosmidis, I., Kenne Pagui, E. C. and Sartori, N. (2020). Mean and median bias reduction in
generalized linear models. *Statistics and Computing* 30, 43-59.
Walker, H. F. and Ni, P. (2011). Anderson acceleration for fixed-point iterations. *SIAM
Journal on Numerical Analysis* 49, 1715-1735.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from glmfit.design import Design
from glmfit.engine.control import Control
from glmfit.engine.history import AT_ROUNDING, NO_LESS, History, limit_reached
from glmfit.engine.irls import ILL_CONDITIONED, Solution, rounding
from glmfit.engine.linalg import Triangular, cholesky
from glmfit.engine.passes import EtaStats, Likelihood, Pass, SuffStats
from glmfit.engine.predictor import Predictor, pairs
from glmfit.sources import Rows

__all__ = ["BiasReducing", "Kind", "fit_firth"]

Array = NDArray[np.float64]
Kind = Literal["mean", "median"]

SHARPER = 1e-4
"""Share of the tolerance at which to stop: the last step leaves a share of itself."""

NOT_SHORTER = 1e-8
"""Step, in standard errors, that is rounding if the next one is no shorter."""

LONGEST = 5.0
"""Longest step, in standard errors, that is taken where no objective guards it."""

DEPTH = 5
"""Number of former steps that are combined with a new one."""

LEVERAGE_VALUES = 1 << 18
"""Values that a chunk of rotated columns may hold, so that it stays in cache."""


class BiasReducing(Likelihood, Protocol):
    """A likelihood that knows what leverage does to its score."""

    def mean_adjustment(self, eta: Array, information: Array, variance: Array) -> Array: ...
    def median_slope(self, eta: Array) -> Array: ...


class _Singular(Exception):
    """The information cannot be inverted at this point."""


@dataclass(frozen=True, slots=True)
class _Point:
    """Coefficients with their statistics, factor, adjusted score and step."""

    theta: Array
    stats: SuffStats
    factor: Triangular
    score: Array
    step: Array
    decrement: float

    @property
    def penalised(self) -> float:
        """The deviance less log|I|, constants apart."""
        pivots = np.abs(np.diag(self.factor.upper)) * self.factor.length
        return self.stats.deviance - 2.0 * float(np.log(pivots).sum())

    @property
    def noise(self) -> float:
        """What rounding can do to the penalised deviance."""
        lost = np.finfo(float).eps / self.factor.smallest_pivot**2
        return 100.0 * lost * (abs(self.stats.deviance) + abs(self.penalised) + 1.0)


def fit_firth(
    run: Pass,
    theta: Array,
    control: Control,
    kind: Kind = "mean",
    *,
    free: NDArray[np.intp] | None = None,
) -> Solution:
    """Find the root of the adjusted score from ``theta``.

    Parameters
    ----------
    run : Pass
        Rows whose design has full column rank, and a `BiasReducing` likelihood whose
        dispersion is known.
    theta : ndarray of shape (p,)
        Coefficients at which the deviance is finite.
    control : Control
    kind : {"mean", "median"}
        Which bias is reduced; "median" needs one predictor a row.
    free : ndarray of int, optional
        Positions of the coefficients to estimate; the others stay where they are, but
        count in the leverages. All by default.

    Returns
    -------
    Solution
        With the deviance of the likelihood itself, the adjusted score, and the inverse
        expected information as covariance.

    Notes
    -----
    The mean-adjusted score has one root under a canonical link. Under others, and for the
    median, separated data can give it several (a cauchit link does), and any of them may
    be found.
    """
    return _AdjustedScoring(run, control, kind, free).solve(theta)


class _AdjustedScoring:
    """Scoring on one pass object; holds what the steps share."""

    def __init__(
        self, run: Pass, control: Control, kind: Kind, free: NDArray[np.intp] | None
    ) -> None:
        self.run = run
        self.control = control
        self.kind = kind
        self.free = free
        self.guarded = kind == "mean" and run.likelihood.canonical
        self.history = History(control, run.dispersion_guess)
        self.moves: list[tuple[Array, Array]] = []

    def solve(self, theta: Array) -> Solution:
        """Run the loop."""
        try:
            point = self.point(theta)
        except _Singular:
            return self.singular(theta)
        self.record(point, 0)
        for _ in range(self.control.maxiter):
            reason = self.verdict(point)
            if reason is not None:
                return self.finished(point, reason)
            following, halvings = self.advance(point)
            if following is None:
                return self._solution(point, False, _STALLED)
            if point.decrement <= min(self.floor, following.decrement):
                return self._solution(point, True, AT_ROUNDING if self.certain else NO_LESS)
            self.record(following, halvings)
            self.remember(point, following)
            point = following
        reason = self.verdict(point)
        if reason is not None:
            return self.finished(point, reason)
        return self._solution(point, False, limit_reached(self.control))

    @property
    def certain(self) -> bool:
        """Whether the fit is to run to the root, whatever an iteration changes."""
        return self.control.stop == "score"

    @property
    def floor(self) -> float:
        """Step, in standard errors, below which one that no longer shortens is rounding."""
        return self.control.tol if self.certain else NOT_SHORTER

    # -- one point -------------------------------------------------------------------

    def point(self, theta: Array) -> _Point:
        """Return statistics, factor, adjusted score and step at ``theta``."""
        stats = self.run(theta)
        if not stats.finite:
            raise _Singular
        factor = self.factor(theta, stats)
        whitening = factor.whitening()
        turned, cubes = self._adjusted(theta, whitening)
        score = (factor.upper.T @ turned) * factor.length
        step = whitening @ turned
        if self.kind == "median":
            shift = cubes / (whitening * whitening).sum(axis=1)
            score = score + stats.information @ shift
            step = step + shift
        if self.free is not None:
            step = _restricted(factor, step, self.free)
        decrement = factor.norm(step)
        if not np.isfinite(decrement):
            raise _Singular
        return _Point(theta, stats, factor, score, step, decrement)

    def factor(self, theta: Array, stats: SuffStats) -> Triangular:
        """Return the factor of the information, by stacked QR where it is ill-conditioned."""
        factor = cholesky(stats.information)
        if factor is not None and factor.smallest_pivot >= ILL_CONDITIONED:
            return factor
        length = np.sqrt(np.diag(stats.information))
        triangle = self.run.triangle(theta, length) if (length > 0.0).all() else None
        if triangle is None or triangle.smallest_pivot < np.finfo(float).eps:
            raise _Singular
        return triangle

    def _adjusted(self, theta: Array, whitening: Array) -> tuple[Array, Array]:
        """Return the mean-adjusted score of the columns X S, S'IS = 1, and the cubes.

        The r-th cube is the sum over rows of weight * slope * (x' I^-1 e_r)^3, of which
        the median adjustment is made.
        """
        likelihood = cast(BiasReducing, self.run.likelihood)
        predictor = self.run.predictor
        median = self.kind == "median"

        def adjusted(chunk: Rows, eta: Array, rows: EtaStats) -> tuple[Array, Array]:
            columns = _rotated(predictor, chunk.design, whitening)
            variance = np.stack(
                [np.einsum("np,np->n", columns[a], columns[b]) for a, b in pairs(len(columns))]
            )
            variance = variance[0] if predictor.count == 1 else variance
            score = rows.score + likelihood.mean_adjustment(eta, rows.weight, variance)
            turned = np.einsum("mn,mnp->p", np.atleast_2d(score.T), columns, optimize=True)
            if not median:
                return turned, turned
            slope = np.where(rows.weight > 0.0, rows.weight * likelihood.median_slope(eta), 0.0)
            return turned, slope @ (columns[0] @ whitening.T) ** 3

        turned, cubes = np.zeros(theta.size), np.zeros(theta.size)
        size = max(1, LEVERAGE_VALUES // max(1, predictor.count * theta.size))
        for part in self.run.map(theta, adjusted, min(size, self.control.chunk_rows or size)):
            turned += part[0]
            cubes += part[1]
        return turned, cubes

    # -- from point to point ---------------------------------------------------------

    def advance(self, point: _Point) -> tuple[_Point | None, int]:
        """Return the next point: the combined step where it serves, else the plain one."""
        limit = point.penalised + point.noise
        if self.moves:
            following = self.attempt(point, self.combined(point), limit)
            if following is not None and following.decrement < point.decrement:
                return following, 0
        share = 1.0 if self.guarded else min(1.0, LONGEST / point.decrement)
        for halvings in range(self.control.max_halvings + 1):
            following = self.attempt(point, point.step * share * 0.5**halvings, limit)
            if following is not None:
                return following, halvings
        return None, self.control.max_halvings

    def attempt(self, point: _Point, step: Array, limit: float) -> _Point | None:
        """Return the point after ``step``; None outside the domain, or past the limit."""
        try:
            following = self.point(point.theta + step)
        except _Singular:
            return None
        return None if self.guarded and following.penalised > limit else following

    def combined(self, point: _Point) -> Array:
        """Return Anderson's step: least squares over the changes of the last steps."""
        moved = np.column_stack([move for move, _ in self.moves])
        changed = np.column_stack([change for _, change in self.moves])
        metric = point.factor.upper * point.factor.length
        share = np.linalg.lstsq(metric @ changed, metric @ point.step, rcond=1e-8)[0]
        combined: Array = point.step - (moved + changed) @ share
        return combined

    def remember(self, point: _Point, following: _Point) -> None:
        """Keep how far theta moved, and how the step changed."""
        self.moves.append((following.theta - point.theta, following.step - point.step))
        del self.moves[:-DEPTH]

    def verdict(self, point: _Point) -> str | None:
        """Say why the fit has converged at this point, or None."""
        in_rounding = point.decrement <= rounding(point.factor, point.theta)
        if not self.certain:
            reason = self.history.met()
            return NO_LESS if reason is None and in_rounding else reason
        if in_rounding:
            return AT_ROUNDING
        if point.decrement <= SHARPER * self.control.tol:
            return "adjusted score and step are zero within tolerance"
        return None

    def record(self, point: _Point, halvings: int) -> None:
        """Add a line to the history."""
        self.history.add(point.theta, point.stats.deviance, point.score, halvings)

    # -- the end ---------------------------------------------------------------------

    def finished(self, point: _Point, reason: str) -> Solution:
        """Return the solution of a fit that converged, one step on if it is at the root."""
        last = self.attempt(point, point.step, np.inf) if self.certain else None
        if last is None:
            return self._solution(point, True, reason)
        self.record(last, 0)
        return self._solution(last, True, reason)

    def singular(self, theta: Array) -> Solution:
        """Return the start of a fit that could not take a step."""
        stats = self.run(theta)
        return Solution(
            theta=theta,
            deviance=stats.deviance,
            score=stats.score,
            covariance=np.full((theta.size, theta.size), np.nan),
            condition=np.inf,
            converged=False,
            reason=_SINGULAR,
            history=(),
            settled=False,
            stop=self.control.stop,
        )

    def _solution(self, point: _Point, converged: bool, reason: str) -> Solution:
        return Solution(
            theta=point.theta,
            deviance=point.stats.deviance,
            score=point.score,
            covariance=point.factor.inverse(),
            condition=point.factor.condition(),
            converged=converged,
            reason=reason,
            history=tuple(self.history.lines),
            settled=converged,
            stop=self.control.stop,
        )


def _restricted(factor: Triangular, step: Array, free: NDArray[np.intp]) -> Array:
    """Return the step nearest to ``step``, in the metric of I, that moves ``free`` only."""
    root = factor.upper * factor.length
    out = np.zeros_like(step)
    if free.size > 0:
        scaled = factor.upper[:, free]
        out[free] = np.linalg.lstsq(scaled, root @ step, rcond=None)[0] / factor.length[free]
    return out


def _rotated(predictor: Predictor, design: Design, whitening: Array) -> Array:
    """Return the derivative of each predictor by theta times ``whitening``, (M, n, P)."""
    if predictor.constraints is not None:
        rows = predictor.dense_rows(design) @ whitening
        return np.ascontiguousarray(rows.transpose(1, 0, 2))
    matrix = design.toarray()
    p = matrix.shape[1]
    return np.stack([matrix @ whitening[m * p : (m + 1) * p] for m in range(predictor.count)])


_STALLED = "no step along the adjusted score stays where the model is defined"
_SINGULAR = "the information is singular at the start"
