"""Distributions of counts: what a row contributes through log mu and log alpha.

The negative binomial is written in d = alpha (y - mu) / (1 + alpha mu) and in differences
of gamma functions, each of which goes smoothly to its limit at alpha -> 0. Of positive
counts it is written in h = E(y | y > 0) - 1, which keeps its digits where mu vanishes.

Where the observed information has to be replaced by one that is never negative, Fisher's
stands in, for alpha in an approximation that is right where the overdispersion is small.

References
----------
Lawless, J. F. (1987). Negative binomial and mixed Poisson regression. *Canadian Journal
of Statistics* 15, 209-225.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.counts.gammas import NEARLY_ALL, below_linear, exponential_gap, gamma_parts

__all__ = [
    "CountKernel",
    "NegativeBinomialCount",
    "PoissonCount",
    "PositiveKernel",
    "Sides",
    "Terms",
]

Array = NDArray[np.float64]


class Terms(NamedTuple):
    """What rows contribute through the k predictors of a count, before prior weights.

    ``loss`` (n,) is the log-likelihood below that of a perfect Poisson fit, ``score``
    (k, n) the derivative of the log-likelihood, ``information`` (k (k + 1) / 2, n) minus
    its second derivatives, a line for each pair a <= b.
    """

    loss: Array
    score: Array
    information: Array


class Sides(NamedTuple):
    """Probabilities on either side of a count, each with its own digits; shape (n,)."""

    at_or_below: Array
    above: Array


class CountKernel(Protocol):
    """A distribution of counts with one or two predictors."""

    @property
    def logarithmic(self) -> bool:
        """Whether the second predictor is log alpha."""

    @property
    def in_scipy(self) -> bool:
        """Whether scipy.stats has it, as nbinom or poisson."""

    @property
    def bounded(self) -> bool:
        """Whether alpha cannot be below 0, where the distribution is Poisson's."""

    def in_alpha(self) -> CountKernel:
        """Return the distribution whose second predictor is alpha itself."""

    @property
    def count(self) -> int:
        """Number of predictors."""

    @property
    def domain_low(self) -> float:
        """Where the second predictor must lie above."""

    def describe(self) -> str:
        """Return the variance as a function of mu, in words."""

    def terms(self, y: Array, eta: Array) -> Terms:
        """Return what counts ``y`` (n,) contribute at predictors (n, k)."""

    def none(self, eta: Array) -> Terms:
        """Return what zeros contribute at predictors (n, k): the loss is -log P(0)."""

    def sides(self, y: Array, eta: Array) -> Sides:
        """Return P(Y <= y) and P(Y > y) of counts ``y`` (n,) at predictors (n, k)."""

    def expected(self, eta: Array) -> Array:
        """Return an information that is never negative at predictors (n, k), by lines."""

    def variance(self, eta: Array) -> Array:
        """Return the variance of counts at predictors (n, k), shape (n,)."""


def _from_perfect(y: Array, mu: Array, scale: Array | float) -> Array:
    """Return y log(y (1 + scale mu) / (mu (1 + scale y))), shape (n,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        away = (y - mu) / (mu * (1.0 + scale * y))
    away = np.where(y > 0.0, away, 0.0)
    low = np.flatnonzero(away < NEARLY_ALL)
    if not low.size:
        return np.asarray(y * np.log1p(away))
    away[low] = 0.0
    out = y * np.log1p(away)
    mean, count, size = mu[low], y[low], scale if np.ndim(scale) == 0 else np.asarray(scale)[low]
    out[low] = count * np.log(count / mean * (1.0 + size * mean) / (1.0 + size * count))
    return np.asarray(out)


def _excess(mu: Array, below: Array | float, loss: Array) -> Array:
    """Return h = mu / (1 - P(0)) - 1, with ``loss`` = -log P(0) and ``below`` = mu - loss."""
    return np.asarray((below + exponential_gap(loss)) / -np.expm1(-loss))


def _slack(mu: Array, h: Array, loss: Array) -> Array:
    """Return mu - h, with the digits of 1 - mu P(0) / (1 - P(0)) where that is near 1."""
    with np.errstate(over="ignore"):
        return np.where(loss > 1.0, 1.0 - mu / np.expm1(loss), mu - h)


def _without_mean(found: Terms, y: Array, gone: Array) -> Terms:
    """Return terms of positive counts, which are all 1 where the mean is ``gone``."""
    if not gone.any():
        return found
    loss, score, information = found
    loss[gone] = np.where(y[gone] > 1.0, np.inf, -1.0)
    score[:, gone], information[:, gone] = 0.0, 0.0
    return Terms(loss, score, information)


class PositiveKernel(CountKernel, Protocol):
    """A distribution that knows of positive counts alone."""

    def positive(self, y: Array, eta: Array) -> Terms:
        """Return what counts ``y`` > 0 contribute, given that they are positive."""


@dataclass(frozen=True, slots=True)
class PoissonCount:
    """Poisson counts, with the predictor log mu."""

    count: ClassVar[int] = 1
    domain_low: ClassVar[float] = -np.inf
    logarithmic: ClassVar[bool] = False
    bounded: ClassVar[bool] = False
    in_scipy: ClassVar[bool] = True

    def in_alpha(self) -> PoissonCount:
        """Return the distribution itself, which has no alpha."""
        return self

    def describe(self) -> str:
        """Return the variance as a function of mu, in words."""
        return "mu"

    def terms(self, y: Array, eta: Array) -> Terms:
        """Return what counts ``y`` (n,) contribute at predictors (n, 1)."""
        mu = np.exp(eta[:, 0])
        score = y - mu
        return Terms(_from_perfect(y, mu, 0.0) - score, score[None], mu[None])

    def none(self, eta: Array) -> Terms:
        """Return what zeros contribute at predictors (n, 1): the loss is -log P(0)."""
        mu = np.exp(eta[:, 0])
        return Terms(mu, -mu[None], mu[None])

    def positive(self, y: Array, eta: Array) -> Terms:
        """Return what counts ``y`` > 0 contribute, given that they are positive."""
        mu = np.exp(eta[:, 0])
        gone = mu == 0.0
        mu[gone] = 1.0
        h = _excess(mu, 0.0, mu)
        loss = _from_perfect(y, mu, 0.0) - (y - mu) + np.log(mu / (1.0 + h))
        score, information = (y - 1.0 - h)[None], ((1.0 + h) * _slack(mu, h, mu))[None]
        return _without_mean(Terms(loss, score, information), y, gone)

    def sides(self, y: Array, eta: Array) -> Sides:
        """Return P(Y <= y) and P(Y > y) of counts ``y`` (n,) at predictors (n, 1)."""
        mu, none = np.exp(eta[:, 0]), y < 0.0
        more = np.maximum(y, 0.0) + 1.0
        below, above = special.gammaincc(more, mu), special.gammainc(more, mu)
        return Sides(np.where(none, 0.0, below), np.where(none, 1.0, above))

    def expected(self, eta: Array) -> Array:
        """Return Fisher's information at predictors (n, 1), by lines."""
        return np.exp(eta.T)

    def variance(self, eta: Array) -> Array:
        """Return the variance of counts at predictors (n, 1), shape (n,)."""
        return np.exp(eta[:, 0])


@dataclass(frozen=True, slots=True)
class NegativeBinomialCount:
    """Negative binomial counts with variance mu + alpha mu^power.

    Attributes
    ----------
    power : float
        2 for NB2, 1 for NB1, any number for NB-P.
    known : float or None
        alpha where it is known (1 for the geometric distribution); the predictor is then
        log mu alone.
    logarithmic : bool
        Whether the second predictor is log alpha; else it is alpha itself.

    References
    ----------
    Greene, W. (2008). Functional forms for the negative binomial model for count data.
    *Economics Letters* 99, 585-590.
    """

    power: float = 2.0
    known: float | None = None
    logarithmic: bool = True

    bounded: ClassVar[bool] = True
    in_scipy: ClassVar[bool] = True

    def in_alpha(self) -> NegativeBinomialCount:
        """Return the distribution whose second predictor is alpha itself."""
        return replace(self, logarithmic=False)

    @property
    def count(self) -> int:
        """Number of predictors."""
        return 1 if self.known is not None else 2

    @property
    def domain_low(self) -> float:
        """Where the second predictor must lie above."""
        return -np.inf if self.logarithmic or self.known is not None else 0.0

    def describe(self) -> str:
        """Return the variance as a function of mu, in words."""
        alpha = "alpha " if self.known is None else f"{self.known:g} " if self.known != 1.0 else ""
        return f"mu + {alpha}mu" + ("" if self.power == 1.0 else f"^{self.power:g}")

    def _alpha(self, eta: Array) -> Array:
        if self.known is not None:
            return np.full(eta.shape[0], self.known)
        return np.exp(eta[:, 1]) if self.logarithmic else eta[:, 1]

    def sizes(self, eta: Array) -> Array:
        """Return a = alpha mu^(power - 2), of which the variance is mu + a mu^2, shape (n,)."""
        alpha = self._alpha(eta)
        return alpha if self.power == 2.0 else alpha * np.exp((self.power - 2.0) * eta[:, 0])

    def _means_and_sizes(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return means and sizes, 1 where the mean is 0, and where that is."""
        mu = np.exp(eta[:, 0])
        gone = mu == 0.0
        if not gone.any():
            return mu, self.sizes(eta), gone
        mu[gone] = 1.0
        return mu, np.where(gone, 1.0, self.sizes(eta)), gone

    def variance(self, eta: Array) -> Array:
        """Return the variance of counts at predictors (n, k), shape (n,)."""
        mu = np.exp(eta[:, 0])
        return mu + self.sizes(eta) * mu * mu

    def terms(self, y: Array, eta: Array) -> Terms:
        """Return what counts ``y`` (n,) contribute at predictors (n, k)."""
        mu, a, gone = self._means_and_sizes(eta)
        found = self._by_predictors(_negative_binomial(y, mu, a), eta)
        if gone.any():
            found.loss[gone] = np.where(y[gone] > 0.0, np.inf, 0.0)
            found.score[:, gone], found.information[:, gone] = 0.0, 0.0
        return found

    def none(self, eta: Array) -> Terms:
        """Return what zeros contribute at predictors (n, k): the loss is -log P(0)."""
        mu, a, gone = self._means_and_sizes(eta)
        found = self._by_predictors(_none(mu, a), eta)
        for part in found:
            part[..., gone] = 0.0
        return found

    def positive(self, y: Array, eta: Array) -> Terms:
        """Return what counts ``y`` > 0 contribute, given that they are positive."""
        mu, a, gone = self._means_and_sizes(eta)
        return _without_mean(self._by_predictors(_positive(y, mu, a), eta), y, gone)

    def _by_predictors(self, found: Terms, eta: Array) -> Terms:
        """Return terms by log mu and log a as those by the predictors, in place."""
        loss, score, information = found
        turn = self.power - 2.0
        if turn != 0.0:
            _turn(information, turn)
            score[0] += turn * score[1]
        if self.known is not None:
            return Terms(loss, score[:1], information[:1])
        if not self.logarithmic:
            alpha = eta[:, 1]
            information[2] = (information[2] + score[1]) / (alpha * alpha)
            information[1] /= alpha
            score[1] /= alpha
        return found

    def sides(self, y: Array, eta: Array) -> Sides:
        """Return P(Y <= y) and P(Y > y) of counts ``y`` (n,) at predictors (n, k)."""
        mu, a, gone = self._means_and_sizes(eta)
        share, none = 1.0 / (1.0 + a * mu), y < 0.0
        more = np.maximum(y, 0.0) + 1.0
        below = special.betainc(1.0 / a, more, share)
        above = special.betainc(more, 1.0 / a, a * mu * share)
        return Sides(
            np.where(none, 0.0, np.where(gone, 1.0, below)),
            np.where(none, 1.0, np.where(gone, 0.0, above)),
        )

    def expected(self, eta: Array) -> Array:
        """Return about Fisher's information at predictors (n, k), by lines."""
        mu = np.exp(eta[:, 0])
        share = self.sizes(eta) * mu
        share /= 1.0 + share
        lines = np.stack([mu * (1.0 - share), np.zeros_like(mu), 0.5 * share * share])
        if self.power != 2.0:
            _turn(lines, self.power - 2.0)
        if self.known is not None:
            return lines[:1]
        if not self.logarithmic:
            lines[1] /= eta[:, 1]
            lines[2] /= eta[:, 1] ** 2
        lines[:, eta[:, 0] == -np.inf] = 0.0
        return lines


def _turn(lines: Array, by: float) -> None:
    """Change information by log mu and log a to that by log mu and log alpha, in place."""
    across = lines[1] + by * lines[2]
    lines[0] += by * (lines[1] + across)
    lines[1] = across


def _negative_binomial(y: Array, mu: Array, a: Array) -> Terms:
    """Return terms of NB2 counts by log mu and log a."""
    remainder, slope, bend = gamma_parts(y, a)
    flat, grown = 1.0 / (1.0 + a * mu), 1.0 + a * y
    score = np.empty((2, y.size))
    np.multiply(y - mu, flat, out=score[0])
    d = a * score[0]
    rest = below_linear(d, grown * flat) / a
    # y log(y / mu) - (y + 1/a) log(1 + d), log(1 + d) being d less what is below
    loss = _from_perfect(y, mu, a) - score[0] + rest + remainder
    information = np.empty((3, y.size))
    np.multiply(mu * grown, flat * flat, out=information[0])
    np.multiply(d * mu, flat, out=information[1])
    np.add(rest - d * score[0] / grown, bend, out=information[2])
    np.subtract(rest, slope, out=score[1])
    return Terms(loss, score, information)


def _none(mu: Array, a: Array) -> Terms:
    """Return terms of zeros by log mu and log a."""
    u = a * mu
    flat = 1.0 / (1.0 + u)
    share = mu * flat
    rest = below_linear(-u * flat, flat) / a
    bend = share * flat
    return Terms(
        np.log1p(u) / a, np.stack([-share, rest]), np.stack([bend, -u * bend, rest - u * bend])
    )


def _positive(y: Array, mu: Array, a: Array) -> Terms:
    """Return terms of positive NB2 counts by log mu and log a (see `CountKernel.positive`)."""
    whole, none, u = _negative_binomial(y, mu, a), _none(mu, a), a * mu
    flat, rest = 1.0 / (1.0 + u), none.score[1]
    with np.errstate(over="ignore"):
        odds = 1.0 / np.expm1(none.loss)
    h = _excess(mu, below_linear(u, 1.0 + u) / a, none.loss)
    away, lift = y - 1.0 - h, odds * rest
    return Terms(
        whole.loss + np.log(-np.expm1(-none.loss)),
        np.stack([away * flat, whole.score[1] + lift]),
        np.stack(
            [
                ((1.0 + h) * _slack(mu, h, none.loss) + y * u) * flat * flat,
                ((1.0 + h) * lift * (1.0 + u) + away * u) * flat * flat,
                whole.information[2] - lift * (1.0 + odds) * rest + odds * none.information[2],
            ]
        ),
    )
