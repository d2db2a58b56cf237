"""Intervals and tests from the penalised likelihood of a Firth fit.

The likelihood times |I|^(1/2) is profiled: some coefficients are held, the others maximise
it, and I stays the information about all of them. Wald intervals are symmetric about an
estimate whose distribution is not, most of all where data are separated.

References
----------
Heinze, G. and Schemper, M. (2002). A solution to the problem of separation in logistic
regression. *Statistics in Medicine* 21, 2409-2419.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.firth import fit_firth
from glmfit.engine.irls import Solution
from glmfit.engine.passes import Pass
from glmfit.inference.tails import chi2_sf

__all__ = ["PenalizedFit", "PenalizedTest"]

Array = NDArray[np.float64]

WIDENINGS = 60
"""How often the search for the end of an interval goes on before the end is infinite."""


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

    def interval(self, position: int, reach: float) -> tuple[float, float]:
        """Return the ends at which the signed root of the statistic is -reach and reach."""
        lower, upper = (self._end(position, reach, side) for side in (-1.0, 1.0))
        return lower, upper

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

    def _end(self, position: int, reach: float, side: float) -> float:
        # SciPy's optimisers cost a fifth of a second to import, and few results come here.
        from scipy.optimize import brentq

        held = np.array([position], dtype=np.intp)
        centre = float(self.theta[position])
        error = math.sqrt(self.covariance[position, position])

        def beyond(distance: float) -> float:
            value = np.array([centre + side * distance * error])
            return math.sqrt(self.lost(held, value)) - reach

        inside, outside = 0.0, reach
        for _ in range(WIDENINGS):
            height = beyond(outside)
            if math.isnan(height):
                return math.nan
            if height >= 0.0:
                distance = brentq(beyond, inside, outside, xtol=1e-9, rtol=1e-9)
                return centre + side * float(distance) * error
            grown = 1.05 * reach / max(height + reach, 0.1 * reach)
            inside, outside = outside, outside * max(1.1, grown)
        return side * math.inf


def _of(solution: Solution) -> float:
    return _penalised(solution.deviance, solution.covariance)


def _penalised(deviance: float, covariance: Array) -> float:
    """Return the deviance less log|I|, constants apart."""
    return deviance + float(np.linalg.slogdet(covariance)[1])
