"""Distributions of counts: what a row contributes through log mu and log alpha.

The negative binomial is written in d = alpha (y - mu) / (1 + alpha mu) and in differences
of gamma functions, each of which goes smoothly to its limit at alpha -> 0.

Where the observed information has to be replaced by one that is never negative, Fisher's
stands in, for log alpha in an approximation that is right where alpha mu is small.

References
----------
Lawless, J. F. (1987). Negative binomial and mixed Poisson regression. *Canadian Journal
of Statistics* 15, 209-225.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.counts.gammas import below_linear, gamma_parts, gamma_table

__all__ = ["CountKernel", "NegativeBinomialCount", "PoissonCount", "Terms"]

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


class CountKernel(Protocol):
    """A distribution of counts with one or two predictors."""

    @property
    def count(self) -> int:
        """Number of predictors."""

    @property
    def domain_low(self) -> float:
        """Where the second predictor must lie above."""

    def terms(self, y: Array, eta: Array) -> Terms:
        """Return what counts ``y`` (n,) contribute at predictors (n, k)."""

    def expected(self, eta: Array) -> Array:
        """Return an information that is never negative at predictors (n, k), by lines."""

    def variance(self, eta: Array) -> Array:
        """Return the variance of counts at predictors (n, k), shape (n,)."""


@dataclass(frozen=True, slots=True)
class PoissonCount:
    """Poisson counts, with the predictor log mu."""

    count: ClassVar[int] = 1
    domain_low: ClassVar[float] = -np.inf

    def terms(self, y: Array, eta: Array) -> Terms:
        """Return what counts ``y`` (n,) contribute at predictors (n, 1)."""
        line = eta[:, 0]
        mu = np.exp(line)
        loss = special.xlogy(y, y) - np.where(y > 0.0, y * line, 0.0) - (y - mu)
        return Terms(loss, (y - mu)[None], mu[None])

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

    @property
    def count(self) -> int:
        """Number of predictors."""
        return 1 if self.known is not None else 2

    @property
    def domain_low(self) -> float:
        """Where the second predictor must lie above."""
        return -np.inf if self.logarithmic or self.known is not None else 0.0

    def _alpha(self, eta: Array) -> Array:
        if self.known is not None:
            return np.full(eta.shape[0], self.known)
        return np.exp(eta[:, 1]) if self.logarithmic else eta[:, 1]

    def sizes(self, eta: Array) -> Array:
        """Return a = alpha mu^(power - 2), of which the variance is mu + a mu^2, shape (n,)."""
        alpha = self._alpha(eta)
        return alpha if self.power == 2.0 else alpha * np.exp((self.power - 2.0) * eta[:, 0])

    def variance(self, eta: Array) -> Array:
        """Return the variance of counts at predictors (n, k), shape (n,)."""
        mu = np.exp(eta[:, 0])
        return mu + self.sizes(eta) * mu * mu

    def terms(self, y: Array, eta: Array) -> Terms:
        """Return what counts ``y`` (n,) contribute at predictors (n, k)."""
        gone = eta[:, 0] == -np.inf
        size = self.sizes(eta)
        if gone.any():
            size = np.where(gone, 1.0, size)
        loss, score, information = _negative_binomial(y, np.exp(eta[:, 0]), eta[:, 0], size)
        turn = self.power - 2.0
        if turn != 0.0:
            _turn(information, turn)
            score[0] += turn * score[1]
        if self.known is not None:
            score, information = score[:1], information[:1]
        elif not self.logarithmic:
            alpha = eta[:, 1]
            information[2] = (information[2] + score[1]) / (alpha * alpha)
            information[1] /= alpha
            score[1] /= alpha
        if gone.any():
            loss = np.where(gone, 0.0, loss)
            score[:, gone] = 0.0
            information[:, gone] = 0.0
        return Terms(loss, score, information)

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


def _negative_binomial(y: Array, mu: Array, eta: Array, a: Array) -> Terms:
    """Return loss, score and information by log mu and log a of NB2 counts."""
    # alpha is mostly one number: then what depends on y and alpha is worth a table
    if y.size and a[0] == a[-1] and (a == a[0]).all():
        parts = gamma_table(y, float(a[0]))
    else:
        parts = gamma_parts(y, a)
    remainder, slope, bend = parts
    u, x = a * mu, a * y
    d = a * (y - mu) / (1.0 + u)
    rest = below_linear(d) / a
    loss: Array = np.asarray(special.xlogy(y, y) - np.where(y > 0.0, y * eta, 0.0))
    loss -= (y + 1.0 / a) * np.log1p(d)
    loss += remainder
    score = np.stack([d / a, rest - slope])
    flat = 1.0 / (1.0 + u)
    information: Array = np.stack(
        [mu * (1.0 + x) * flat * flat, d * mu * flat, rest - d * d / (a * (1.0 + x)) + bend]
    )
    return Terms(loss, score, information)
