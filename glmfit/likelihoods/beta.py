"""The likelihood of shares strictly between 0 and 1: beta regression."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.families import Family, QuasiBinomial
from glmfit.families.logarithms import log_ratio, stirling_remainder
from glmfit.likelihoods.joint import JointLikelihood, Terms, by_predictors
from glmfit.links import POSITIVE, UNIT, Interval, Link

__all__ = ["BetaLikelihood"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BetaLikelihood(JointLikelihood):
    """Beta responses of mean mu and precision phi: Var(y) = mu (1 - mu) / (1 + phi).

    References
    ----------
    Ferrari, S. L. P. and Cribari-Neto, F. (2004). Beta regression for modelling rates and
    proportions. *Journal of Applied Statistics* 31, 799-815.
    Smithson, M. and Verkuilen, J. (2006). A better lemon squeezer? *Psychological Methods*
    11, 54-71.
    """

    @property
    def parts(self) -> tuple[str, ...]:
        """Mean and precision."""
        return ("mean", "precision")

    @property
    def ranges(self) -> tuple[Interval, ...]:
        """Shares, and positive numbers."""
        return (UNIT, POSITIVE)

    def linked(self, links: tuple[Link, ...]) -> Self:
        """Return the likelihood with other links."""
        return replace(self, links=links)

    def mean_family(self) -> Family:
        """Return the binomial variance, to which that of beta responses is proportional."""
        return QuasiBinomial(self.links[0])

    def spread(self, y: Array, mu: Array, weight: Array) -> list[tuple[float, ...]]:
        """Return the precision that the squared residuals tell of."""
        share = float(np.dot(weight, (y - mu) ** 2 / (mu * (1.0 - mu))) / weight.sum())
        return [(max(1.0 / max(share, 1e-10) - 1.0, 0.1),)]

    def variance(self, eta: Array) -> Array:
        """Return the variance of a response at predictors (n, 2), shape (n,)."""
        mean, precision = self.links
        spread = mean.inverse(eta[:, 0]) * mean.complement(eta[:, 0])
        return spread / (1.0 + precision.inverse(eta[:, 1]))

    def rows(self, y: Array, eta: Array, observed: bool) -> Terms:
        """Return what rows contribute at predictors (n, 2)."""
        mean, precision = self.links
        line, other = eta.T
        mu, rest, phi = mean.inverse(line), mean.complement(line), precision.inverse(other)
        low, high = mu * phi, rest * phi
        first, second = _derivatives(y, mu, rest, phi)
        slopes = np.stack([mean.inverse_deriv(line), precision.inverse_deriv(other)])
        bends = np.stack([mean.inverse_deriv2(line), precision.inverse_deriv2(other)])
        if not observed:
            # what depends on y has the expectation 0
            second[1] -= first[0] / phi
            bends = np.zeros_like(bends)
        score, information = by_predictors(first, second, slopes, bends)
        return Terms(_loss(y, mu, rest, low, high, phi), score, information)


def _loss(y: Array, mu: Array, rest: Array, low: Array, high: Array, phi: Array) -> Array:
    """Return minus the log density, by Stirling's formula with its remainder.

    The divergence of y from mu stands alone in it, times phi, and keeps its digits where phi
    is large.
    """
    far = 1.0 - y
    apart = mu * log_ratio(mu, y, (mu - y) / y) + rest * log_ratio(rest, far, (y - mu) / far)
    level = 0.5 * np.log(low * high / (2.0 * math.pi * phi))
    level += stirling_remainder(phi) - stirling_remainder(low) - stirling_remainder(high)
    return np.asarray(phi * apart - level + np.log(y) + np.log1p(-y))


def _derivatives(y: Array, mu: Array, rest: Array, phi: Array) -> tuple[Array, Array]:
    """Return derivatives (2, n) and (3, n) of the log density by mu and phi."""
    low, high = mu * phi, rest * phi
    pull, push = np.log(y) - special.psi(low), np.log1p(-y) - special.psi(high)
    low_bend, high_bend = special.polygamma(1, low), special.polygamma(1, high)
    first = np.stack([phi * (pull - push), mu * pull + rest * push + special.psi(phi)])
    across = pull - push - phi * (mu * low_bend - rest * high_bend)
    own = special.polygamma(1, phi) - mu * mu * low_bend - rest * rest * high_bend
    return first, np.stack([-phi * phi * (low_bend + high_bend), across, own])
