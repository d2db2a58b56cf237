"""The likelihood of Tweedie responses of power 1 to 2, with dispersion and power."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.families import Family, Tweedie
from glmfit.families.compound import compound_derivatives
from glmfit.likelihoods.joint import JointLikelihood, Terms, by_predictors
from glmfit.links import POSITIVE, Interval, Link

__all__ = ["BETWEEN", "Between", "TweedieLikelihood"]

Array = NDArray[np.float64]

POWERS = Interval(1.001, 1.999)
"""Powers that are tried: nearer to 1 or 2 the terms of the series become too many, or too few."""

PAIRS = {2: [0, 1, 3], 3: [0, 1, 2, 3, 4, 5]}
"""Lines of second derivatives by mean, dispersion and power that there are without and with it."""

FIRST_POWERS = (1.15, 1.5, 1.85)
"""Powers from which a fit may begin."""


@dataclass(frozen=True, slots=True)
class Between(Link):
    """The logit of a number's place between 1 and 2."""

    name: ClassVar[str] = "logit(power - 1)"
    formula: ClassVar[str] = "log((p - 1) / (2 - p))"
    mean_range: ClassVar[Interval] = Interval(1.0, 2.0)

    def link(self, mu: Array) -> Array:
        return special.logit(mu - 1.0)

    def inverse(self, eta: Array) -> Array:
        return 1.0 + special.expit(eta)

    def inverse_deriv(self, eta: Array) -> Array:
        return special.expit(eta) * special.expit(-eta)

    def log_slope(self, eta: Array) -> Array:
        return -np.tanh(0.5 * eta)


BETWEEN = Between()


@dataclass(frozen=True, slots=True)
class TweedieLikelihood(JointLikelihood):
    """Compound Poisson-gamma responses: Var(y) = phi mu^p / w, of weight w.

    Responses (n, 2) are y and w. The power is one number for all rows.

    Attributes
    ----------
    power : float or None
        The power where it is known; there is then no predictor of it.

    References
    ----------
    Dunn, P. K. and Smyth, G. K. (2005). Series evaluation of Tweedie exponential dispersion
    model densities. *Statistics and Computing* 15, 267-280.
    """

    power: float | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Mean, dispersion and power."""
        return ("mean", "dispersion", "power")[: len(self.links)]

    @property
    def ranges(self) -> tuple[Interval, ...]:
        """Positive numbers, and powers between 1 and 2."""
        return (POSITIVE, POSITIVE, POWERS)

    def linked(self, links: tuple[Link, ...]) -> Self:
        """Return the likelihood with other links."""
        return replace(self, links=links)

    def mean_family(self) -> Family:
        """Return the family with the power, or one in the middle."""
        return Tweedie(self.links[0], 1.5 if self.power is None else self.power)

    def spread(self, y: Array, mu: Array, weight: Array) -> list[tuple[float, ...]]:
        """Return dispersions that the squared residuals tell of, by power."""
        squares = weight * y[:, 1] * (y[:, 0] - mu) ** 2
        powers = FIRST_POWERS if self.power is None else (self.power,)
        found = [(float((squares / mu**p).sum() / weight.sum()), p) for p in powers]
        return [(max(phi, 1e-10), p)[: len(self.links) - 1] for phi, p in found]

    def powers(self, eta: Array) -> float:
        """Return the power, which is the same in all rows."""
        if self.power is not None:
            return self.power
        return float(self.links[2].inverse(eta[:1, 2])[0]) if eta.size else 1.5

    def variance(self, eta: Array) -> Array:
        """Return the variance of a response of weight 1 at predictors (n, M), shape (n,)."""
        mu, phi = self.links[0].inverse(eta[:, 0]), self.links[1].inverse(eta[:, 1])
        return np.asarray(phi * mu ** self.powers(eta))

    def rows(self, y: Array, eta: Array, observed: bool) -> Terms:
        """Return what rows contribute at predictors (n, M)."""
        count = len(self.links)
        mean, spread = self.links[:2]
        mu, power = mean.inverse(eta[:, 0]), self.powers(eta)
        phi = spread.inverse(eta[:, 1]) / y[:, 1]
        if not (phi > 0.0).all():
            return Terms(np.full_like(mu, np.inf), *np.zeros((2, len(PAIRS[count]), mu.size)))
        found = compound_derivatives(y[:, 0], mu, phi, power)
        rise = spread.reversed_hazard(eta[:, 1])
        slopes = [mean.inverse_deriv(eta[:, 0]), rise]
        bends = [mean.inverse_deriv2(eta[:, 0]), rise * (spread.log_slope(eta[:, 1]) - rise)]
        if count == 3:
            slopes.append(self.links[2].inverse_deriv(eta[:, 2]))
            bends.append(self.links[2].inverse_deriv2(eta[:, 2]))
        score, information = by_predictors(
            found.first[:count], found.second[PAIRS[count]], np.stack(slopes), np.stack(bends)
        )
        if not observed:
            information = _never_negative(score, slopes[0] ** 2 / (phi * mu**power))
        return Terms(-found.value, score, information)


def _never_negative(score: Array, mean: Array) -> Array:
    """Return the expected information about the mean, and products of scores for the others.

    The score of the mean is uncorrelated with the others.
    """
    nothing = np.zeros_like(mean)
    if score.shape[0] == 2:
        return np.stack([mean, nothing, score[1] ** 2])
    other, last = score[1:]
    return np.stack([mean, nothing, nothing, other**2, other * last, last**2])
