"""The likelihood of shares of trials whose probability varies between rows: beta-binomial.

With m = log mu, its complement, and t = logit rho the log-probability is, but for the binomial
coefficient, a sum of s m and of rising factorials R(s, t - m), which go to 0 with rho. What
is left at rho -> 0 is binomial, and keeps its digits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.families import Binomial, Family
from glmfit.families.logarithms import rising_factorial
from glmfit.likelihoods.base import Recession
from glmfit.likelihoods.exponential import log_choose
from glmfit.likelihoods.joint import JointLikelihood, Terms
from glmfit.links import UNIT, Interval, Link

__all__ = ["BetaBinomialLikelihood"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BetaBinomialLikelihood(JointLikelihood):
    """Successes among trials of mean mu and correlation rho between trials of a row.

    Var(y) = mu (1 - mu) (1 + (n - 1) rho) / n for the share y of n trials. Responses (n, 2)
    are successes and failures. With one link there is no rho: the response is binomial.

    References
    ----------
    Williams, D. A. (1975). The analysis of binary responses from toxicological experiments
    involving reproduction and teratogenicity. *Biometrics* 31, 949-952.
    """

    @property
    def parts(self) -> tuple[str, ...]:
        """Mean and correlation."""
        return ("mean", "rho")[: len(self.links)]

    @property
    def ranges(self) -> tuple[Interval, ...]:
        """Shares both."""
        return (UNIT, UNIT)

    def linked(self, links: tuple[Link, ...]) -> Self:
        """Return the likelihood with other links."""
        return replace(self, links=links)

    def inner(self) -> BetaBinomialLikelihood | None:
        """Return the binomial likelihood, rho = 0."""
        return BetaBinomialLikelihood(self.links[:1]) if len(self.links) > 1 else None

    def mean_family(self) -> Family:
        """Return the binomial family."""
        return Binomial(self.links[0])

    def spread(self, y: Array, mu: Array, weight: Array) -> list[tuple[float, ...]]:
        """Return the correlation that the squared residuals tell of."""
        if len(self.links) == 1:
            return [()]
        trials = y.sum(axis=1)
        squares = (y[:, 0] - trials * mu) ** 2 / (mu * (1.0 - mu) * trials)
        excess = np.dot(weight, squares - 1.0) / np.dot(weight, trials - 1.0)
        return [(float(np.clip(excess, 0.01, 0.8)),)]

    def most(self, y: Array) -> Array:
        """Return the binomial log-likelihood of each row at its own share, shape (n,)."""
        trials = y.sum(axis=1)
        share = y / trials[:, None]
        return np.asarray(special.xlogy(y, share).sum(axis=1) + log_choose(trials, y[:, 0]))

    def variance(self, eta: Array) -> Array:
        """Return the variance of a single trial at predictors (n, M), shape (n,)."""
        link = self.links[0]
        return link.inverse(eta[:, 0]) * link.complement(eta[:, 0])

    def rows(self, y: Array, eta: Array, observed: bool) -> Terms:
        """Return what rows contribute at predictors (n, M)."""
        link, (hits, misses), line = self.links[0], y.T, eta[:, 0]
        trials = hits + misses
        log_mu, log_rest = link.log_mean(line), link.log_complement(line)
        rise, fall, slope = link.reversed_hazard(line), link.hazard(line), link.log_slope(line)
        loss = special.xlogy(y, y / trials[:, None]).sum(axis=1)
        loss = loss - np.where(hits > 0.0, hits * log_mu, 0.0)
        loss = loss - np.where(misses > 0.0, misses * log_rest, 0.0)
        if len(self.links) == 1:
            own = misses * fall * (slope + fall) - hits * rise * (slope - rise)
            own = own if observed else trials * rise * fall
            return Terms(loss, (hits * rise - misses * fall)[None], own[None])
        turn = _Logit.of(self.links[1], eta[:, 1])
        won, lost, all_ = (
            rising_factorial(k, turn.value - level)
            for k, level in ((hits, log_mu), (misses, log_rest), (trials, 0.0))
        )
        loss = loss - won.value - lost.value + all_.value
        up, down = hits - won.first, misses - lost.first
        pull = won.first + lost.first - all_.first
        score = np.stack([up * rise - down * fall, pull * turn.slope])
        if not observed:
            parameter = self.links[1].inverse(eta[:, 1])
            spread = trials * rise * fall / (1.0 + (trials - 1.0) * parameter)
            return Terms(loss, score, np.stack([spread, 0.0 * pull, score[1] ** 2]))
        own = won.second * rise * rise + lost.second * fall * fall
        own += up * rise * (slope - rise) - down * fall * (slope + fall)
        across = (lost.second * fall - won.second * rise) * turn.slope
        other = won.second + lost.second - all_.second
        other = other * turn.slope**2 + pull * turn.bend
        return Terms(loss, score, -np.stack([own, across, other]))

    def recession(self, y: Array) -> list[Recession]:
        """Return which predictors may go for ever: the mean where all trials end alike."""
        hits, misses = y.T
        signs = (misses == 0.0).astype(np.int8) - (hits == 0.0).astype(np.int8)
        found = JointLikelihood.recession(self, y)
        found[0] = found[0]._replace(signs=signs)
        return found


@dataclass(frozen=True, slots=True)
class _Logit:
    """logit rho as a function of the predictor of rho, with its derivatives; arrays (n,)."""

    value: Array
    slope: Array
    bend: Array

    @classmethod
    def of(cls, link: Link, eta: Array) -> _Logit:
        """Return it for a link and predictors (n,)."""
        rise, fall, slope = link.reversed_hazard(eta), link.hazard(eta), link.log_slope(eta)
        value = link.log_mean(eta) - link.log_complement(eta)
        return cls(value, rise + fall, rise * (slope - rise) + fall * (slope + fall))
