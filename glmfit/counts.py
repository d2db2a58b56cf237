"""Likelihoods of counts in eta-space: negative binomial, zero-inflated, and hurdle models.

A row has a predictor for log mu, with a negative binomial one for log alpha, and with
zeros of their own one for the log odds that say where zeros come from. The deviance of a
row is twice what its log-likelihood is below that of a Poisson count fitted perfectly, so
that no constant hides its digits.

The negative binomial is written in d = alpha (y - mu) / (1 + alpha mu) and in differences
of gamma functions, each of which goes smoothly to its limit: at alpha -> 0 the likelihood
is Poisson's, and what is left of it keeps its digits.

Where the observed information has to be replaced by one that is never negative, Fisher's
stands in, for log alpha in an approximation that is right where alpha mu is small; and
zero-inflated rows have the information that they would have if it were known where each
zero came from: a step by it is a step of the EM algorithm (Lambert 1992; Lange 1995).

References
----------
Lawless, J. F. (1987). Negative binomial and mixed Poisson regression. *Canadian Journal
of Statistics* 15, 209-225.
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
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.likelihoods import STAYS, EtaStats, Limit, Recession
from glmfit.links import Interval

__all__ = [
    "CountKernel",
    "CountLikelihood",
    "Hurdle",
    "NegativeBinomialCount",
    "PlainCount",
    "PoissonCount",
    "ZeroInflated",
    "saturated_poisson",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SERIES_FROM = 10.0
"""Argument from which differences of gamma functions are summed by Stirling's series."""

SMALL = 0.1
"""Argument below which x - log(1 + x) is summed as a series."""

LOG_GAMMA = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
"""Coefficients of z^-1, z^-3, ... in Stirling's series of log Gamma(z)."""

DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
"""Coefficients of z^-2, z^-4, ... in log z - 1 / (2 z) - digamma(z)."""


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
        parts = _gamma_table(y, float(a[0]))
    else:
        parts = _gamma_parts(y, a)
    remainder, slope, bend = parts
    u, x = a * mu, a * y
    d = a * (y - mu) / (1.0 + u)
    rest = _below_linear(d) / a
    loss: Array = np.asarray(special.xlogy(y, y) - np.where(y > 0.0, y * eta, 0.0))
    loss -= (y + 1.0 / a) * np.log1p(d)
    loss += remainder
    score = np.stack([d / a, rest - slope])
    flat = 1.0 / (1.0 + u)
    information: Array = np.stack(
        [mu * (1.0 + x) * flat * flat, d * mu * flat, rest - d * d / (a * (1.0 + x)) + bend]
    )
    return Terms(loss, score, information)


def _gamma_table(y: Array, a: float) -> tuple[Array, Array, Array]:
    """Return `_gamma_parts` for one ``a``, by way of a table where counts repeat."""
    top = float(y.max())
    if not top < y.size:
        return _gamma_parts(y, np.full(y.size, a))
    places = y.astype(np.intp)
    if not np.array_equal(places, y):
        return _gamma_parts(y, np.full(y.size, a))
    values = np.arange(top + 1.0)
    remainder, slope, bend = _gamma_parts(values, np.full(values.size, a))
    return remainder[places], slope[places], bend[places]


def _gamma_parts(y: Array, a: Array) -> tuple[Array, Array, Array]:
    """Return what gamma functions contribute: to the loss, and its derivatives by log a.

    With s = 1 / a and x = a y these are (s + y) log(1 + x) - y less log Gamma(y + s) -
    log Gamma(s) - y log s, its derivative by log a, and minus the second of the
    log-likelihood. All are 0 at y = 0 and go to 0 with a.
    """
    out = np.zeros((3, y.size))
    near = a * SERIES_FROM <= 1.0
    if near.any():
        out[:, near] = _by_series(y[near], a[near])
    if not near.all():
        out[:, ~near] = _by_functions(y[~near], a[~near])
    return out[0], out[1], out[2]


def _by_series(y: Array, a: Array) -> Array:
    x = a * y
    log_x = np.log1p(x)
    remainder = 0.5 * log_x
    slope = x / (2.0 * (1.0 + x))
    bend = slope / (1.0 + x)
    power = a.copy()
    for k, (c, b) in enumerate(zip(LOG_GAMMA, DIGAMMA, strict=True), start=1):
        remainder -= c * power * np.expm1(-(2 * k - 1) * log_x)
        lost = -np.expm1(-2 * k * log_x)
        slope += b * power * lost
        bend += b * power * ((2 * k - 1) * lost + 2 * k * x * np.exp(-(2 * k + 1) * log_x))
        power = power * a * a
    return np.stack([remainder, slope, bend])


def _by_functions(y: Array, a: Array) -> Array:
    s, x = 1.0 / a, a * y
    log_x = np.log1p(x)
    raised = special.gammaln(y + s) - special.gammaln(s) - y * np.log(s)
    first = s * (special.psi(y + s) - special.psi(s))
    second = s * s * (special.polygamma(1, y + s) - special.polygamma(1, s))
    remainder = (s + y) * log_x - y - raised
    slope = first - s * log_x
    bend = -first - second + s * log_x - y / (1.0 + x)
    return np.stack([remainder, slope, bend])


def _below_linear(d: Array) -> Array:
    """Return d - log(1 + d) for d > -1, exact at 0."""
    t = d / (2.0 + d)
    square = t * t
    series = square * (1 / 3 + square * (1 / 5 + square * (1 / 7 + square * (1 / 9))))
    series += square**5 * (1 / 11 + square / 13)
    return np.where(np.abs(d) < SMALL, d * t - 2.0 * t * series, d - np.log1p(d))


def saturated_poisson(y: Array) -> Array:
    """Return the log-likelihood of Poisson counts at mu = y, shape (n,)."""
    return special.xlogy(y, y) - y - special.gammaln(y + 1.0)


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

    zero_part: ClassVar[bool] = True
    zeros_mixed: ClassVar[bool] = True

    def rows(self, y: Array, eta: Array, observed: bool) -> Terms:
        """Return what rows contribute at predictors (n, M)."""
        z, zero = eta[:, 0], y == 0.0
        pi = special.expit(z)
        loss, score, information = self.kernel.terms(y, eta[:, 1:])
        log_rest = special.log_expit(-z)
        mixed = np.logaddexp(special.log_expit(z), log_rest - loss)
        whole = np.where(zero, -mixed, loss - log_rest)
        # how likely a zero is to be one of the certain ones
        certain = np.where(zero, special.expit(z + loss), 0.0)
        left = np.where(zero, special.expit(-z - loss), 1.0)
        spread = certain * left
        own = pi * special.expit(-z)
        if not observed:
            lines = left * self.kernel.expected(eta[:, 1:])
            return self._joined(whole, certain - pi, left * score, own, 0.0 * score, lines)
        lines = left * information - spread * _outer(score)
        cross = spread * score
        return self._joined(whole, certain - pi, left * score, own - spread, cross, lines)

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

    zero_part: ClassVar[bool] = True
    zeros_tell_of_mean: ClassVar[bool] = False

    def rows(self, y: Array, eta: Array, observed: bool) -> Terms:
        """Return what rows contribute at predictors (n, M)."""
        z, positive = eta[:, 0], y > 0.0
        chance = special.expit(z)
        cut = self.truncated(np.where(positive, y, 1.0), eta[:, 1:])
        loss = np.where(positive, cut.loss - special.log_expit(z), -special.log_expit(-z))
        score = np.where(positive, cut.score, 0.0)
        lines = cut.information if observed else self.kernel.expected(eta[:, 1:])
        own = chance * special.expit(-z)
        return Terms(
            loss,
            np.vstack([positive - chance, score]),
            np.vstack([own, 0.0 * score, np.where(positive, lines, 0.0)]),
        )

    def truncated(self, y: Array, eta: Array) -> Terms:
        """Return what positive counts contribute given that they are positive."""
        found = self.kernel.terms(y, eta)
        none = self.kernel.terms(np.zeros_like(y), eta)
        # the odds of a zero, P(0) / (1 - P(0)); P(0) = exp(-loss)
        odds = 1.0 / np.expm1(none.loss)
        gone = eta[:, 0] == -np.inf
        if gone.any():
            odds[gone] = 0.0
        loss = found.loss + np.log(-np.expm1(-none.loss))
        information = found.information + odds * none.information
        information -= odds * (1.0 + odds) * _outer(none.score)
        score = found.score + odds * none.score
        return Terms(np.where(gone, 0.0, loss), score, information)

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
        none = self.kernel.terms(np.zeros(n), eta[:, 1:])
        odds = 1.0 / np.expm1(none.loss)
        gradient, bend = np.zeros((n, count)), np.zeros((n, count, count))
        gradient[:, 0] = special.expit(-eta[:, 0])
        gradient[:, 1:] = (odds * none.score).T
        gradient[:, 1] += 1.0
        bend[:, 0, 0] = -gradient[:, 0] * special.expit(eta[:, 0])
        lines = odds * (1.0 + odds) * _outer(none.score) - odds * none.information
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


def _outer(score: Array) -> Array:
    """Return the lines of score score', shape (k (k + 1) / 2, n)."""
    if score.shape[0] == 1:
        return score * score
    return np.stack([score[0] * score[0], score[0] * score[1], score[1] * score[1]])
