"""Likelihoods of counts in eta-space: plain, zero-inflated, and hurdle models.

A row has a predictor for log mu, with a negative binomial one for log alpha, and with
zeros of their own one for the log odds that say where zeros come from. The deviance of a
row is twice what its log-likelihood is below that of a Poisson count fitted perfectly, so
that no constant hides its digits.

Where the observed information has to be replaced by one that is never negative,
zero-inflated rows have the information that they would have if it were known where each
zero came from: a step by it is a step of the EM algorithm (Lambert 1992; Lange 1995).

References
----------
Lambert, D. (1992). Zero-inflated Poisson regression, with an application to defects in
manufacturing. *Technometrics* 34, 1-14.
Lange, K. (1995). A gradient algorithm locally equivalent to the EM algorithm. *JRSS B* 57,
425-437.
Mullahy, J. (1986). Specification and testing of some modified count data models. *Journal
of Econometrics* 33, 341-365.
Zeileis, A., Kleiber, C. and Jackman, S. (2008). Regression models for count data in R.
*Journal of Statistical Software* 27(8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.counts.gammas import saturated_poisson
from glmfit.counts.kernels import CountKernel, PositiveKernel, Sides, Terms
from glmfit.distributions import Tails
from glmfit.likelihoods import STAYS, EtaStats, Limit, Recession
from glmfit.links import Interval

__all__ = ["CountLikelihood", "Hurdle", "PlainCount", "ZeroInflated", "outer"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CountLikelihood:
    """What the likelihoods of counts share.

    A subclass says in `rows` what rows contribute. Predictors stand in the order of
    ``parts``.

    Attributes
    ----------
    kernel : CountKernel
        The distribution of counts.
    """

    kernel: CountKernel

    statement: ClassVar[str] = "Mean mu = exp(x'b), variance {}."
    """The model in one line, with a place for the variance."""
    whole: ClassVar[bool] = False
    """Whether counts are those of the kernel and nothing else."""
    zero_title: ClassVar[str] = ""
    """What the predictor of the zero part is."""
    zero_part: ClassVar[bool] = False
    zeros_mixed: ClassVar[bool] = False
    """Whether a zero may be of either of two kinds."""
    zeros_tell_of_mean: ClassVar[bool] = True
    """Whether rows with a zero determine coefficients of the mean."""
    newton_below: ClassVar[float] = np.inf
    """The observed information is tried everywhere, since its stand-in makes slow steps."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What the predictors of a row are for."""
        return (*(("inflate",) if self.zero_part else ()), *("mean", "alpha")[: self.kernel.count])

    @property
    def eta_domain(self) -> Interval:
        """All of the real line."""
        return Interval()

    @property
    def canonical(self) -> bool:
        """Observed and expected information differ."""
        return False

    @property
    def dispersion(self) -> float | None:
        """There is no dispersion beside alpha."""
        return 1.0

    def rows(self, y: Array, eta: Array, observed: bool) -> Terms:
        """Return what rows contribute at predictors (n, M)."""
        raise NotImplementedError(f"{type(self).__name__} does not define rows")

    def evaluate(
        self, y: Array, eta: Array, weight: Array | None, *, observed: bool = False
    ) -> EtaStats:
        """Return deviance, score and weights of a chunk at ``eta`` (see `EtaStats`)."""
        wide = eta[:, None] if eta.ndim == 1 else eta
        if self.kernel.domain_low == 0.0 and not (wide[:, -1] > 0.0).all():
            return EtaStats(np.inf, eta, eta)
        loss, score, information = self.rows(y, wide, observed)
        if weight is None:
            deviance = 2.0 * float(loss.sum())
        else:
            deviance = 2.0 * float(np.dot(loss, weight))
            score, information = score * weight, information * weight
        if not np.isfinite(deviance):
            return EtaStats(np.inf, eta, eta)
        if eta.ndim == 1:
            return EtaStats(deviance, score[0], information[0])
        return EtaStats(deviance, score.T, information)

    def log_probability(self, y: Array, eta: Array) -> Array:
        """Return the log-probability of counts ``y`` (n,) at predictors (n, M)."""
        return saturated_poisson(y) - self.rows(y, eta, True).loss

    def sides(self, y: Array, eta: Array) -> Sides:
        """Return P(Y <= y) and P(Y > y) of counts ``y`` (n,) at predictors (n, M)."""
        return self.kernel.sides(y, eta)

    def tails(self, y: Array, eta: Array) -> Tails:
        """Return the probabilities on either side of counts ``y`` (n,) that were seen."""
        here, before = self.sides(y, eta), self.sides(y - 1.0, eta)
        return Tails(before.at_or_below, here.at_or_below, before.above, here.above)

    def _fixed_alpha(self, y: Array, bound: Mask) -> list[Recession]:
        """Return that log alpha stays where it is, if there is one."""
        if self.kernel.count == 1:
            return []
        unit = np.eye(len(self.parts))[-1]
        return [Recession(unit, np.zeros(y.shape, dtype=np.int8), bound)]

    def limit(self, y: Array, drift: Array) -> Limit:
        """Return infinite shifts for predictors that ``drift`` (n, M) moves."""
        return Limit(y, self.ends(drift))

    @staticmethod
    def ends(drift: Array) -> Array:
        """Return where a direction takes predictors: an infinite end, or 0 for nowhere."""
        return np.where(np.abs(drift) > STAYS, np.copysign(np.inf, drift), 0.0)

    def limit_means(self, eta: Array, drift: Array) -> Array:
        """Return the means (n, 1) far out along ``drift`` (n, M)."""
        return self.means(eta + self.ends(drift))

    def means(self, eta: Array) -> Array:
        """Return the means, shape (n, 1)."""
        return np.exp(self.log_mean(eta)[0])[:, None]

    def variance(self, eta: Array) -> Array:
        """Return the variance of y at predictors (n, M), shape (n,)."""
        raise NotImplementedError(f"{type(self).__name__} does not define variance")

    def main_probability(self, eta: Array) -> Array:
        """Return the probability that the kernel has its part in a row, shape (n,)."""
        return np.ones(eta.shape[0])

    def log_mean(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return log E(y) (n,), its gradient (n, M) and its second derivatives (n, M, M)."""
        raise NotImplementedError(f"{type(self).__name__} does not define log_mean")

    def mean_slopes(self, eta: Array) -> Array:
        """Return the derivative of the mean by each predictor, shape (n, 1, M)."""
        log_mean, gradient, _ = self.log_mean(eta)
        return (np.exp(log_mean)[:, None] * gradient)[:, None, :]

    def mean_curvature(self, eta: Array, move: Array) -> Array:
        """Return the derivative of ``slopes @ move`` by the predictors, shape (n, 1, M)."""
        log_mean, gradient, bend = self.log_mean(eta)
        along = (gradient * move).sum(axis=1, keepdims=True)
        change = gradient * along + np.einsum("nab,nb->na", bend, move)
        return np.asarray((np.exp(log_mean)[:, None] * change)[:, None, :])


@dataclass(frozen=True, slots=True)
class PlainCount(CountLikelihood):
    """Counts as their distribution has them: predictors log mu and log alpha."""

    whole: ClassVar[bool] = True

    def rows(self, y: Array, eta: Array, observed: bool) -> Terms:
        """Return what rows contribute at predictors (n, M)."""
        found = self.kernel.terms(y, eta)
        return found if observed else found._replace(information=self.kernel.expected(eta))

    def recession(self, y: Array) -> list[Recession]:
        """Return which predictors may go for ever: log mu downwards where y is 0."""
        everywhere = np.ones(y.shape, dtype=bool)
        unit = np.eye(self.kernel.count)[0]
        downwards = Recession(unit, -(y == 0.0).astype(np.int8), everywhere)
        return [downwards, *self._fixed_alpha(y, everywhere)]

    def log_mean(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return log E(y) (n,), its gradient (n, M) and its second derivatives (n, M, M)."""
        n, count = eta.shape
        gradient = np.zeros((n, count))
        gradient[:, 0] = 1.0
        return eta[:, 0], gradient, np.zeros((n, count, count))

    def variance(self, eta: Array) -> Array:
        """Return the variance of y at predictors (n, M), shape (n,)."""
        return self.kernel.variance(eta)


@dataclass(frozen=True, slots=True)
class ZeroInflated(CountLikelihood):
    """Counts among which some zeros are certain: predictors logit pi, log mu, log alpha.

    P(y) = pi [y = 0] + (1 - pi) f(y).
    """

    statement: ClassVar[str] = (
        "P(y) = pi [y = 0] + (1 - pi) f(y; mu), logit pi = z'g, mu = exp(x'b), variance of f {}."
    )
    zero_title: ClassVar[str] = "Inflation: logit of the probability of a certain zero"
    zero_part: ClassVar[bool] = True
    zeros_mixed: ClassVar[bool] = True

    def rows(self, y: Array, eta: Array, observed: bool) -> Terms:
        """Return what rows contribute at predictors (n, M)."""
        z, zero = eta[:, 0], y == 0.0
        loss, score, information = self.kernel.terms(y, eta[:, 1:])
        pi, rest, soft = _logistic(z)
        # how likely a zero is to be one of the certain ones, and one of the counts
        certain, left, softer = _logistic(z + loss)
        certain[~zero], left[~zero] = 0.0, 1.0
        zeros = np.minimum(loss, np.maximum(-z, 0.0)) - softer
        whole = soft + np.where(zero, zeros, loss + np.maximum(z, 0.0))
        own = pi * rest
        if not observed:
            lines = left * self.kernel.expected(eta[:, 1:])
            return self._joined(whole, certain - pi, left * score, own, 0.0 * score, lines)
        spread = certain * left
        lines = left * information - spread * outer(score)
        cross = spread * score
        return self._joined(whole, certain - pi, left * score, own - spread, cross, lines)

    def sides(self, y: Array, eta: Array) -> Sides:
        """Return P(Y <= y) and P(Y > y) of counts ``y`` (n,) at predictors (n, M)."""
        pi, rest, _ = _logistic(eta[:, 0])
        below, above = self.kernel.sides(y, eta[:, 1:])
        return Sides(
            np.where(y < 0.0, 0.0, pi + rest * below), np.where(y < 0.0, 1.0, rest * above)
        )

    @staticmethod
    def _joined(
        loss: Array, first: Array, score: Array, own: Array, cross: Array, lines: Array
    ) -> Terms:
        return Terms(loss, np.vstack([first, score]), np.vstack([own, cross, lines]))

    def recession(self, y: Array) -> list[Recession]:
        """Return which predictors may go for ever without loss to any row.

        Where y is 0, logit pi upwards and log mu downwards; else logit pi downwards.
        """
        zero, units = y == 0.0, np.eye(1 + self.kernel.count)
        everywhere = np.ones(y.shape, dtype=bool)
        return [
            Recession(units[0], np.where(zero, 1, -1).astype(np.int8), everywhere),
            Recession(units[1], -zero.astype(np.int8), everywhere),
            *self._fixed_alpha(y, everywhere),
        ]

    def log_mean(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return log E(y) (n,), its gradient (n, M) and its second derivatives (n, M, M)."""
        n, count = eta.shape
        gradient, bend = np.zeros((n, count)), np.zeros((n, count, count))
        pi = special.expit(eta[:, 0])
        gradient[:, 0], gradient[:, 1] = -pi, 1.0
        bend[:, 0, 0] = -pi * special.expit(-eta[:, 0])
        return special.log_expit(-eta[:, 0]) + eta[:, 1], gradient, bend

    def main_probability(self, eta: Array) -> Array:
        """Return 1 - pi, shape (n,)."""
        return np.asarray(special.expit(-eta[:, 0]))

    def variance(self, eta: Array) -> Array:
        """Return the variance of y at predictors (n, M), shape (n,)."""
        pi, mu = special.expit(eta[:, 0]), np.exp(eta[:, 1])
        return special.expit(-eta[:, 0]) * (self.kernel.variance(eta[:, 1:]) + pi * mu * mu)


@dataclass(frozen=True, slots=True)
class Hurdle(CountLikelihood):
    """Zeros by themselves, and positive counts as if no zero could be seen.

    Predictors logit P(y > 0), log mu, log alpha; mu is that of the distribution before
    zeros are cut off.
    """

    kernel: PositiveKernel

    statement: ClassVar[str] = (
        "logit P(y > 0) = z'g; above 0 a distribution cut off at 0, mu = exp(x'b), variance before "
        "that {}."
    )
    zero_title: ClassVar[str] = "Hurdle: logit of the probability of a count above 0"
    zero_part: ClassVar[bool] = True
    zeros_tell_of_mean: ClassVar[bool] = False

    def rows(self, y: Array, eta: Array, observed: bool) -> Terms:
        """Return what rows contribute at predictors (n, M)."""
        z, positive = eta[:, 0], y > 0.0
        chance, rest, soft = _logistic(z)
        cut = self.kernel.positive(np.maximum(y, 1.0), eta[:, 1:])
        loss = soft + np.where(positive, cut.loss + np.maximum(-z, 0.0), np.maximum(z, 0.0))
        score = np.where(positive, cut.score, 0.0)
        lines = cut.information if observed else self.kernel.expected(eta[:, 1:])
        return Terms(
            loss,
            np.vstack([np.where(positive, rest, -chance), score]),
            np.vstack([chance * rest, 0.0 * score, np.where(positive, lines, 0.0)]),
        )

    def sides(self, y: Array, eta: Array) -> Sides:
        """Return P(Y <= y) and P(Y > y) of counts ``y`` (n,) at predictors (n, M)."""
        chance, rest, _ = _logistic(eta[:, 0])
        none, here = (self.kernel.sides(at, eta[:, 1:]) for at in (np.zeros(y.size), y))
        positive = y > 0.0
        above = chance * np.where(positive, here.above / none.above, 1.0)
        between = np.where(positive, here.at_or_below - none.at_or_below, 0.0)
        below = rest + chance * between / none.above
        return Sides(np.where(y < 0.0, 0.0, below), np.where(y < 0.0, 1.0, above))

    def recession(self, y: Array) -> list[Recession]:
        """Return which predictors may go for ever: the odds anywhere, log mu where y is 1."""
        positive, units = y > 0.0, np.eye(1 + self.kernel.count)
        return [
            Recession(
                units[0], np.where(positive, 1, -1).astype(np.int8), np.ones(y.shape, dtype=bool)
            ),
            Recession(units[1], -(y == 1.0).astype(np.int8), positive),
            *self._fixed_alpha(y, positive),
        ]

    def log_mean(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return log E(y) (n,), its gradient (n, M) and its second derivatives (n, M, M)."""
        n, count = eta.shape
        none = self.kernel.none(eta[:, 1:])
        odds = 1.0 / np.expm1(none.loss)
        gradient, bend = np.zeros((n, count)), np.zeros((n, count, count))
        gradient[:, 0] = special.expit(-eta[:, 0])
        gradient[:, 1:] = (odds * none.score).T
        gradient[:, 1] += 1.0
        bend[:, 0, 0] = -gradient[:, 0] * special.expit(eta[:, 0])
        lines = odds * (1.0 + odds) * outer(none.score) - odds * none.information
        bend[:, 1, 1] = lines[0]
        if count == 3:
            bend[:, 1, 2] = bend[:, 2, 1] = lines[1]
            bend[:, 2, 2] = lines[2]
        log_seen = np.log(-np.expm1(-none.loss))
        return special.log_expit(eta[:, 0]) + eta[:, 1] - log_seen, gradient, bend

    def main_probability(self, eta: Array) -> Array:
        """Return P(y > 0), shape (n,)."""
        return np.asarray(special.expit(eta[:, 0]))

    def variance(self, eta: Array) -> Array:
        """Return the variance of y at predictors (n, M), shape (n,)."""
        mean = self.means(eta)[:, 0]
        mu = np.exp(eta[:, 1])
        # E(y^2) is that of the whole distribution over the chance of a positive count
        return mean * (self.kernel.variance(eta[:, 1:]) / mu + mu) - mean * mean


def _logistic(z: Array) -> tuple[Array, Array, Array]:
    """Return p = 1 / (1 + exp(-z)), 1 - p, and log(1 + exp(-|z|)), each with its own digits.

    -log p is the last and max(-z, 0), -log(1 - p) the last and max(z, 0).
    """
    small = np.exp(-np.abs(z))
    large = 1.0 / (1.0 + small)
    soft = np.log1p(small)
    small *= large
    upper = z >= 0.0
    return np.where(upper, large, small), np.where(upper, small, large), soft


def outer(score: Array) -> Array:
    """Return the lines of score score', shape (k (k + 1) / 2, n)."""
    if score.shape[0] == 1:
        return score * score
    return np.stack([score[0] * score[0], score[0] * score[1], score[1] * score[1]])
