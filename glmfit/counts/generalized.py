"""The generalised Poisson distribution, of more or less spread than Poisson's.

References
----------
Consul, P. C. and Jain, G. C. (1973). A generalization of the Poisson distribution.
*Technometrics* 15, 791-799.
Zamani, H. and Ismail, N. (2012). Functional form for the generalized Poisson regression
model. *Communications in Statistics: Theory and Methods* 41, 3666-3675.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from glmfit.counts.gammas import saturated_poisson
from glmfit.counts.kernels import Sides, Terms

__all__ = ["GeneralizedPoissonCount"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GeneralizedPoissonCount:
    """Generalised Poisson counts, with the predictors log mu and alpha.

    The variance is mu (1 + alpha mu^(power - 1))^2. alpha may be negative, as far as every
    count that was seen has a probability; these then add up to a little less than 1.

    Attributes
    ----------
    power : float
        1 for GP-1, 2 for GP-2.
    """

    power: float = 1.0

    count: ClassVar[int] = 2
    domain_low: ClassVar[float] = -np.inf
    logarithmic: ClassVar[bool] = False
    bounded: ClassVar[bool] = False
    in_scipy: ClassVar[bool] = False

    def in_alpha(self) -> GeneralizedPoissonCount:
        """Return the distribution whose second predictor is alpha: this one."""
        return self

    def describe(self) -> str:
        """Return the variance as a function of mu, in words."""
        power = self.power - 1.0
        mu = {0.0: "", 1.0: " mu"}.get(power, f" mu^{power:g}")
        return f"mu (1 + alpha{mu})^2"

    def _spread(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return mu, mu^(power - 1), and delta = alpha mu^(power - 1)."""
        mu = np.exp(eta[:, 0])
        mu[mu == 0.0] = 1.0  # where the mean is 0, see `terms`
        times = np.ones_like(mu) if self.power == 1.0 else np.exp((self.power - 1.0) * eta[:, 0])
        return mu, times, eta[:, 1] * times

    def terms(self, y: Array, eta: Array) -> Terms:
        """Return what counts ``y`` (n,) contribute at predictors (n, 2).

        The loss is not a number where a count has no probability.
        """
        mu, times, delta = self._spread(eta)
        flat, total = 1.0 / (1.0 + delta), mu + delta * y
        possible = (flat > 0.0) & (total > 0.0)
        away = np.where(y > 0.0, (y - mu) / total, 0.0)
        loss = y * np.log1p(away) + np.log(total / mu) - (y - mu) * flat
        share, less = mu / total, y - 1.0
        first = 1.0 + less * share - mu * flat
        second = less * y / total - y * flat - (y - mu) * flat * flat
        found = (
            mu * flat - less * share * delta * y / total,
            less * share * y / total - mu * flat * flat,
            less * (y / total) ** 2 - y * flat * flat - 2.0 * (y - mu) * flat**3,
        )
        score, lines = self._by_alpha(first, second, np.stack(found), times, delta)
        loss = np.where(possible, loss, np.nan)
        gone = eta[:, 0] == -np.inf
        if gone.any():
            loss[gone] = np.where(y[gone] > 0.0, np.inf, 0.0)
            score[:, gone], lines[:, gone] = 0.0, 0.0
        return Terms(loss, score, lines)

    def _by_alpha(
        self, first: Array, second: Array, lines: Array, times: Array, delta: Array
    ) -> tuple[Array, Array]:
        """Return score and information by log mu and alpha, given those by log mu and delta."""
        turn = (self.power - 1.0) * delta
        across = lines[1] + turn * lines[2]
        own = lines[0] + turn * (lines[1] + across) - (self.power - 1.0) * turn * second
        across = times * (across - (self.power - 1.0) * second)
        score = np.stack([first + turn * second, times * second])
        return score, np.stack([own, across, times * times * lines[2]])

    def none(self, eta: Array) -> Terms:
        """Return what zeros contribute at predictors (n, 2): the loss is -log P(0)."""
        return self.terms(np.zeros(eta.shape[0]), eta)

    def sides(self, y: Array, eta: Array) -> Sides:
        """Return P(Y <= y) and P(Y > y), by a sum of the probabilities up to ``y``."""
        below = np.zeros(y.size)
        for j in range(int(y.max(initial=-1.0)) + 1):
            here = np.full(y.size, float(j))
            p = np.exp(saturated_poisson(here) - self.terms(here, eta).loss)
            below += np.where(here <= y, np.nan_to_num(p), 0.0)
        below = np.minimum(below, 1.0)
        return Sides(below, 1.0 - below)

    def expected(self, eta: Array) -> Array:
        """Return about Fisher's information at predictors (n, 2), by lines."""
        mu, times, delta = self._spread(eta)
        nothing = np.zeros_like(mu)
        flat = 1.0 / (1.0 + delta)
        lines = np.stack([mu * flat * flat, nothing, 2.0 * flat * flat])
        return self._by_alpha(nothing, nothing, lines, times, delta)[1]

    def variance(self, eta: Array) -> Array:
        """Return the variance of counts at predictors (n, 2), shape (n,)."""
        mu, _, delta = self._spread(eta)
        return np.where(eta[:, 0] == -np.inf, 0.0, mu * (1.0 + delta) ** 2)
