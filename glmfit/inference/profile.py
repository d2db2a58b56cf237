"""Profiles of a likelihood: intervals and curves of one coefficient, the others maximising.

An end of an interval is where the signed root of what is lost,

    zeta(b) = sign(b - estimate) sqrt((deviance at b - deviance) / dispersion),

is a quantile. Restricted fits start from the one before, and zeta is nearly a straight
line, so few are needed. Score intervals invert the score test in the same search. Firth's
penalised likelihood l + log|I| / 2 is profiled likewise: some coefficients are held, the
others maximise it, and I stays the information about all of them.

Wald intervals are symmetric about an estimate whose distribution is not, most of all where
data are separated: then one end is infinite and the other is not.

References
----------
Bates, D. M. and Watts, D. G. (1988). *Nonlinear Regression Analysis and Its Applications*,
ch. 6.
Venables, W. N. and Ripley, B. D. (2002). *Modern Applied Statistics with S*, 4th ed., 8.4.
Heinze, G. and Schemper, M. (2002). A solution to the problem of separation in logistic
regression. *Statistics in Medicine* 21, 2409-2419.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.firth import fit_firth
from glmfit.engine.irls import Solution
from glmfit.engine.passes import Pass
from glmfit.inference.hypothesis import Maximum
from glmfit.inference.tails import chi2_sf

__all__ = ["Curve", "End", "PenalizedFit", "PenalizedTest", "likelihood_curve", "search_end"]

Array = NDArray[np.float64]

WIDENINGS = 60
"""How often the search for the end of an interval goes on before the end is infinite."""

FAR = 12.0
"""Predictor of a fit to separated data from which no other should start."""

NEARER = 5
"""How often a fit that fails is approached by another half-way to it."""

PRECISION = 1e-10
"""Width of the bracket about an end, in standard errors, that ends a search."""

ROUNDING = 1e-12
"""Size of a signed root less its quantile that is rounding."""

Statistic = Literal["likelihood", "score"]


@dataclass(frozen=True, slots=True)
class End:
    """One end of an interval.

    Attributes
    ----------
    value : float
        Infinite where the curve never reaches the quantile; NaN where it cannot be followed.
    boundary : bool
        Whether the model ends there before the quantile is reached.
    """

    value: float
    boundary: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """The size of a signed root along one coefficient.

    Attributes
    ----------
    height : function of a value
        |zeta|; infinite outside of the model, NaN where no maximum was found.
    centre : float
        Where it is 0; NaN where the estimate is infinite.
    unit : float
        A step: the standard error, or what stands in for it.
    limit : float
        The side on which the estimate is infinite (+-inf), or 0.
    """

    height: Callable[[float], float]
    centre: float
    unit: float
    limit: float = 0.0

    def end(self, reach: float, side: float) -> End:
        """Return where |zeta| is ``reach`` on one side (-1 or 1) of the estimate."""
        if self.limit == 0.0:
            start = 0.0 if math.isnan(self.centre) else self.centre
            return self._outward(start, reach, side)
        if side * self.limit > 0.0:
            return End(self.limit)
        if self.height(0.0) >= reach:
            # the end lies on the way to where the estimate is: search it from outside
            return self._inward(reach, -side)
        return self._outward(0.0, reach, side)

    def _outward(self, start: float, reach: float, side: float) -> End:
        def beyond(distance: float) -> float:
            return self.height(start + side * distance * self.unit) - reach

        distance, boundary = search_end(beyond, reach)
        return End(start + side * distance * self.unit, boundary)

    def _inward(self, reach: float, side: float) -> End:
        def beyond(distance: float) -> float:
            return reach - self.height(side * distance * self.unit)

        distance, boundary = search_end(beyond, reach)
        return End(side * distance * self.unit, boundary)


def search_end(beyond: Callable[[float], float], reach: float) -> tuple[float, bool]:
    """Return the distance at which a rising function is 0, and whether it ends there.

    Parameters
    ----------
    beyond : function of a distance
        Negative at 0; infinite where it is not defined, NaN where it is not known.
    reach : float
        About how far the end is.

    Returns
    -------
    float, bool
        Infinite if no end was found, NaN if the function could not be followed.
    """
    inside, below, outside = 0.0, -reach, reach
    for _ in range(WIDENINGS):
        above = beyond(outside)
        if math.isnan(above):
            return math.nan, False
        if above >= 0.0:
            inside, below, outside, above = _narrowed(beyond, inside, below, outside, above)
            if math.isnan(above):
                return math.nan, False
            if above < math.inf:
                return (outside if above < -below else inside), False
            # what was out of reach from afar may be inside of the model from near by
            outside += PRECISION * max(1.0, outside)
            if beyond(outside) == math.inf:
                return inside, True
            continue
        grown = 1.05 * reach / max(above + reach, 0.1 * reach)
        inside, below, outside = outside, above, outside * max(1.1, grown)
    return math.inf, False


def _narrowed(
    beyond: Callable[[float], float], inside: float, below: float, outside: float, above: float
) -> tuple[float, float, float, float]:
    """Return a narrow bracket of the root.

    By false position (Illinois), by halves next to infinity, and where rounding in the
    function keeps one end of the bracket from moving.
    """
    low, high, side, slow = below, above, 0, 0
    for _ in range(200):
        width = outside - inside
        if width <= PRECISION * max(1.0, outside) or above == 0.0:
            break
        share = 0.5 if math.isinf(high) or slow > 2 else -low / (high - low)
        place = inside + min(max(share, 0.4 * PRECISION), 1.0 - 0.4 * PRECISION) * width
        value = beyond(place)
        if math.isnan(value):
            return place, math.nan, place, math.nan
        if abs(value) < ROUNDING:
            return place, value, place, abs(value)
        if value < 0.0:
            inside, below, low = place, value, value
            high = 0.5 * high if side < 0 else high
            side = -1
        else:
            outside, above, high = place, value, value
            low = 0.5 * low if side > 0 else low
            side = 1
        slow = slow + 1 if outside - inside > 0.5 * width and slow <= 2 else 0
    return inside, below, outside, above


# -- maximum likelihood --------------------------------------------------------------------


@dataclass(slots=True)
class _Held:
    """Fits with one coefficient held at one value after another."""

    maximum: Maximum
    position: int
    direction: Array
    """How the others move with it near the maximum."""
    last: Array = field(init=False)
    before: Array | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.last = self.maximum.theta

    def fit(self, value: float, nearer: int = NEARER) -> Solution:
        """Return the maximum where the coefficient is ``value``.

        A fit that fails from afar is tried again from the one half-way.
        """
        solution = self._attempt(value)
        if solution.converged or nearer == 0:
            return solution
        here = self.last[self.position]
        if not self.fit(0.5 * (here + value), nearer - 1).converged:
            return solution
        return self._attempt(value)

    def _attempt(self, value: float) -> Solution:
        matrix = np.zeros((1, self.last.size))
        matrix[0, self.position] = 1.0
        solution = self.maximum.restricted(matrix, np.array([value]), self._start(value))
        if solution.converged and value != self.last[self.position] and self._near(solution):
            self.before, self.last = self.last, solution.theta
        return solution

    def _near(self, solution: Solution) -> bool:
        """Return whether another fit may start from a solution: not if it ran to infinity."""
        if not self.maximum.supremum:
            return True
        (reach,) = self.maximum.run.largest_moves(solution.theta)
        return reach < FAR

    def _start(self, value: float) -> Array:
        """Return the last coefficients moved along the line through those before."""
        move = value - self.last[self.position]
        direction = self.direction
        if self.before is not None:
            step = self.last - self.before
            direction = step / step[self.position]
        for way in (direction, self.direction):
            start: Array = self.last + way * move
            if np.isfinite(self.maximum.run.deviance(start)):
                return start
        return self.last


def likelihood_curve(
    maximum: Maximum,
    position: int,
    covariance: Array,
    statistic: Statistic = "likelihood",
    *,
    limit: float = 0.0,
) -> Curve:
    """Return the curve of a coefficient.

    Parameters
    ----------
    maximum : Maximum
        Over q coefficients.
    position : int
        Which of them.
    covariance : ndarray of shape (q, q)
        Inverse information, dispersion left out; 0 for coefficients without a finite
        estimate.
    statistic : {"likelihood", "score"}
        The root of what the likelihood loses, or of the score statistic.
    limit : float
        +-inf where the estimate is.
    """
    variance = float(covariance[position, position])
    known = variance > 0.0
    if known:
        direction = covariance[:, position] / variance
        unit = math.sqrt(variance * maximum.dispersion)
    else:
        direction = np.zeros(maximum.theta.size)
        direction[position] = 1.0
        unit = _unit_of(maximum, position)
    held = _Held(maximum, position, direction)
    centre = float(maximum.theta[position]) if known else math.nan

    def height(value: float) -> float:
        if value == centre:
            return 0.0
        solution = held.fit(value)
        if not np.isfinite(solution.deviance):
            return math.inf
        if not solution.converged:
            return math.nan
        if statistic == "likelihood":
            return math.sqrt(maximum.lost(solution))
        found = maximum.score(solution)
        return math.sqrt(max(found, 0.0))

    return Curve(height, centre, unit, limit)


def _unit_of(maximum: Maximum, position: int) -> float:
    """Return a step for a coefficient without a standard error: that of its column alone."""
    information = maximum.run(np.zeros(maximum.theta.size)).information[position, position]
    usable = np.isfinite(information) and information > 0.0
    return math.sqrt(maximum.dispersion / float(information)) if usable else 1.0


# -- the penalised likelihood ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PenalizedTest:
    """A likelihood-ratio test on the penalised likelihood.

    Attributes
    ----------
    statistic : float
        Twice the penalised log-likelihood that is lost where the coefficients are 0.
    df : int
        How many coefficients are 0 then.
    pvalue : float
        From chi-square with ``df`` degrees of freedom.
    """

    statistic: float
    df: int
    pvalue: float


@dataclass(frozen=True, slots=True)
class PenalizedFit:
    """The maximum of a penalised likelihood, and what is needed to profile it.

    Attributes
    ----------
    run : Pass
        Rows whose design has full column rank, and a canonical likelihood.
    theta : ndarray of shape (p,)
        The maximum.
    covariance : ndarray of shape (p, p)
        Inverse information there.
    """

    run: Pass
    theta: Array
    covariance: Array

    def test(self, held: NDArray[np.intp]) -> PenalizedTest:
        """Test that the coefficients at positions ``held`` are 0."""
        statistic = self.lost(held, np.zeros(held.size))
        return PenalizedTest(statistic, held.size, chi2_sf(statistic, held.size))

    def curve(self, position: int) -> Curve:
        """Return the curve of a coefficient."""
        held = np.array([position], dtype=np.intp)

        def height(value: float) -> float:
            return math.sqrt(self.lost(held, np.array([value])))

        error = math.sqrt(self.covariance[position, position])
        return Curve(height, float(self.theta[position]), error)

    def lost(self, held: NDArray[np.intp], values: Array) -> float:
        """Return twice the penalised log-likelihood lost where coefficients are held.

        NaN if the others could not be fitted.
        """
        # the others start where a quadratic likelihood would have them
        block = self.covariance[np.ix_(held, held)]
        pull = np.linalg.solve(block, values - self.theta[held])
        theta = self.theta + self.covariance[:, held] @ pull
        theta[held] = values
        free = np.setdiff1d(np.arange(theta.size), held)
        solution = fit_firth(self.run, theta, self.run.control, free=free)
        if not solution.converged:
            return math.nan
        best = _penalised(self.run.deviance(self.theta), self.covariance)
        return max(_of(solution) - best, 0.0)


def _of(solution: Solution) -> float:
    return _penalised(solution.deviance, solution.covariance)


def _penalised(deviance: float, covariance: Array) -> float:
    """Return the deviance less log|I|, constants apart."""
    return deviance + float(np.linalg.slogdet(covariance)[1])
