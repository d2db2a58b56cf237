"""The likelihoods of ordered classes: cumulative probabilities, and stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.likelihoods.base import NEWTON_BELOW, STAYS, EtaStats, Limit, Recession
from glmfit.links import Interval, Link

__all__ = ["Cumulative", "Sequential"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Derivatives(NamedTuple):
    """Score (n, M) of rows, and the information about each predictor (n, M).

    ``beside`` (n, M - 1) is that about each predictor and the next; there is no other.
    """

    score: Array
    own: Array
    beside: Array


@dataclass(frozen=True, slots=True)
class OrderedClasses:
    """What the likelihoods of ordered classes share.

    A subclass gives the probabilities of classes and their derivatives. Shapes as in
    `Multinomial`; a row has M = K - 1 predictors.

    Attributes
    ----------
    link : Link
        A link of probabilities.
    n_classes : int
        K.
    """

    newton_below: ClassVar[float] = NEWTON_BELOW

    link: Link
    n_classes: int

    @property
    def eta_domain(self) -> Interval:
        """Each predictor alone may be any number; `evaluate` sees to their order, if any."""
        return Interval()

    @property
    def canonical(self) -> bool:
        """Observed and expected information may differ."""
        return False

    @property
    def dispersion(self) -> float | None:
        """The dispersion is known."""
        return 1.0

    def log_probabilities(self, eta: Array) -> Array:
        """Return the logarithms of the probabilities of all classes, shape (n, K)."""
        raise NotImplementedError(f"{type(self).__name__} does not define log_probabilities()")

    def ordered(self, eta: Array) -> Mask:
        """Return True for all rows: any predictors make probabilities."""
        return np.ones(eta.shape[0], dtype=bool)

    def means(self, eta: Array) -> Array:
        """Return the probabilities of all classes, (n, K); NaN where predictors must rise."""
        out = np.exp(self.log_probabilities(eta))
        out[~self.ordered(eta)] = np.nan
        return out

    def limit_probabilities(self, eta: Array, drift: Array) -> Array:
        """Return log-probabilities (n, K) far out along ``drift`` (n, M)."""
        return self.log_probabilities(eta + _ends(drift))

    def limit_means(self, eta: Array, drift: Array) -> Array:
        """Return the probabilities (n, K) far out along ``drift`` (n, M)."""
        return np.exp(self.limit_probabilities(eta, drift))

    def derivatives(self, y: Array, eta: Array, log_p: Array, observed: bool) -> Derivatives:
        """Return score and information of rows whose classes have log-probabilities (n, K)."""
        raise NotImplementedError(f"{type(self).__name__} does not define derivatives()")

    def evaluate(
        self, y: Array, eta: Array, weight: Array | None, *, observed: bool = False
    ) -> EtaStats:
        """Return deviance, score (n, M) and weights of a chunk at ``eta`` (n, M).

        The deviance is inf when the predictors of some row do not rise and have to. With
        two classes ``eta`` and the score are (n,).
        """
        if eta.ndim == 1:
            return _of_one(self.evaluate(y, eta[:, None], weight, observed=observed))
        if not self.ordered(eta).all():
            return EtaStats(np.inf, eta, eta)
        with np.errstate(all="ignore"):
            log_p = self.log_probabilities(eta)
            rows = self.derivatives(y, eta, log_p, observed)
        lines = _band(rows.own, rows.beside)
        return _weighted(_class_deviance(y, log_p), rows.score, lines, weight)


@dataclass(frozen=True, slots=True)
class Cumulative(OrderedClasses):
    """The likelihood of ordered classes whose cumulative probabilities have a link.

    A row has M = K - 1 predictors that rise from one to the next, P(Y <= j) = F(eta_j),
    where F is the inverse of ``link`` (McCullagh 1980). With eta_j = threshold_j - x'b
    the links mean what they mean in MASS::polr and ordinal::clm: cloglog has
    F(t) = 1 - exp(-exp(t)), loglog has F(t) = exp(-exp(-t)). Shapes as in `Multinomial`.

    Probabilities of classes are differences of F taken from the nearer tail and kept as
    logarithms, so that neither a class nor its score is lost where F rounds to 0 or 1.

    References
    ----------
    McCullagh, P. (1980). Regression models for ordinal data. *JRSS B* 42, 109-142.
    """

    def marginal_eta(self, shares: Array) -> Array:
        """Return the predictors at which every row has the given shares, shape (M,)."""
        return self.link.link(np.cumsum(shares)[:-1])

    def log_probabilities(self, eta: Array) -> Array:
        """Return the logarithms of the probabilities of all classes, shape (n, K).

        Parameters
        ----------
        eta : ndarray of shape (n, M)
            Rising along a row; where it does not, the class between has -inf.
        """
        low, high = self.link.log_mean(eta), self.link.log_complement(eta)
        out = np.empty((eta.shape[0], self.n_classes))
        out[:, 0], out[:, -1] = low[:, 0], high[:, -1]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            from_below = low[:, 1:] + _log_rest(low[:, 1:] - low[:, :-1])
            from_above = high[:, :-1] + _log_rest(high[:, :-1] - high[:, 1:])
        nearer = np.where(low[:, :-1] < high[:, :-1], from_below, from_above)
        out[:, 1:-1] = np.where(eta[:, 1:] > eta[:, :-1], nearer, -np.inf)
        return out

    def ordered(self, eta: Array) -> Mask:
        """Return the rows whose predictors rise (or are infinite alike), shape (n,)."""
        gap = np.diff(eta, axis=1)
        alike = np.isinf(eta[:, 1:]) & (eta[:, 1:] == eta[:, :-1])
        return np.asarray(((gap > 0.0) | alike).all(axis=1))

    def recession(self, y: Array) -> list[Recession]:
        """Return which predictors may go for ever: those at the edges of a row's classes."""
        first, last = _class_range(y)
        found = []
        for m, unit in enumerate(np.eye(self.n_classes - 1)):
            signs = (last == m).astype(np.int8) - (first - 1 == m).astype(np.int8)
            between = (first <= m) & (m < last)
            found.append(Recession(unit, signs, between | (signs != 0)))
        return found

    def limit(self, y: Array, drift: Array) -> Limit:
        """Return infinite shifts for predictors that ``drift`` (n, M) moves.

        Those that do not touch a row's own classes are put out of the way as well.
        """
        first, last = _class_range(y)
        position = np.arange(drift.shape[1])
        shift = _ends(drift)
        shift[position < first[:, None] - 1] = -np.inf
        shift[position > last[:, None]] = np.inf
        return Limit(y, shift)

    def derivatives(self, y: Array, eta: Array, log_p: Array, observed: bool) -> Derivatives:
        """Return score and information of rows whose classes have log-probabilities (n, K)."""
        log_f = self._log_density(eta)
        above, below = _ratio(log_f, log_p[:, :-1]), _ratio(log_f, log_p[:, 1:])
        own, following = y[:, :-1], y[:, 1:]
        if observed:
            slope = np.where(np.isfinite(eta), self.link.log_slope(eta), 0.0)
            diagonal = own * above * (above - slope) + following * below * (below + slope)
            beside = -y[:, 1:-1] * below[:, :-1] * above[:, 1:]
        else:
            density = np.exp(log_f)
            diagonal = density * (above + below)
            beside = -below[:, :-1] * density[:, 1:]
        return Derivatives(own * above - following * below, diagonal, beside)

    def mean_slopes(self, eta: Array) -> Array:
        """Return the derivative of each probability by each predictor, shape (n, K, M)."""
        with np.errstate(all="ignore"):
            return _differences(np.exp(self._log_density(eta)))

    def mean_curvature(self, eta: Array, move: Array) -> Array:
        """Return the derivative of ``slopes @ move`` by the predictors, shape (n, K, M).

        Parameters
        ----------
        eta, move : ndarray of shape (n, M)
            Predictors, and how something moves them.
        """
        with np.errstate(all="ignore"):
            density = np.exp(self._log_density(eta))
            return _differences(density * self.link.log_slope(eta) * move)

    def _log_density(self, eta: Array) -> Array:
        """Return log F'(eta), through the hazard of the nearer tail; -inf at the ends."""
        low, high = self.link.log_mean(eta), self.link.log_complement(eta)
        from_below = np.log(self.link.reversed_hazard(eta)) + low
        from_above = np.log(self.link.hazard(eta)) + high
        nearer = np.where(low < high, from_below, from_above)
        return np.where(np.isfinite(eta) & ~np.isnan(nearer), nearer, -np.inf)


@dataclass(frozen=True, slots=True)
class Sequential(OrderedClasses):
    """The likelihood of ordered classes that are reached one after the other.

    The m-th of M = K - 1 predictors gives the probability of going on from class m,
    P(Y > m | Y >= m) = F(eta_m): the continuation ratio. Each stage is a binomial among
    those who reach it. Shapes as in `Multinomial`.

    References
    ----------
    Agresti, A. (2010). *Analysis of Ordinal Categorical Data*, 2nd ed., sec. 4.2.
    """

    def marginal_eta(self, shares: Array) -> Array:
        """Return the predictors at which every row has the given shares, shape (M,)."""
        reached = np.cumsum(shares[::-1])[::-1]
        return self.link.link(reached[1:] / reached[:-1])

    def log_probabilities(self, eta: Array) -> Array:
        """Return the logarithms of the probabilities of all classes, shape (n, K)."""
        out = np.zeros((eta.shape[0], self.n_classes))
        out[:, 1:] = np.cumsum(self.link.log_mean(eta), axis=1)
        out[:, :-1] += self.link.log_complement(eta)
        return out

    def _log_slopes(self, eta: Array) -> Array:
        """Return the derivative of each log-probability by each predictor, shape (n, K, M)."""
        rise, fall = self.link.reversed_hazard(eta), self.link.hazard(eta)
        return _stages(rise, -fall)

    def mean_slopes(self, eta: Array) -> Array:
        """Return the derivative of each probability by each predictor, shape (n, K, M)."""
        return self.means(eta)[:, :, None] * self._log_slopes(eta)

    def mean_curvature(self, eta: Array, move: Array) -> Array:
        """Return the derivative of ``slopes @ move`` by the predictors, shape (n, K, M).

        Parameters
        ----------
        eta, move : ndarray of shape (n, M)
            Predictors, and how something moves them.
        """
        rise, fall = self.link.reversed_hazard(eta), self.link.hazard(eta)
        slope, log_slopes = self.link.log_slope(eta), self._log_slopes(eta)
        change = _stages(rise * (slope - rise) * move, -fall * (slope + fall) * move)
        along = (log_slopes * move[:, None, :]).sum(axis=2, keepdims=True)
        return np.asarray(self.means(eta)[:, :, None] * (along * log_slopes + change))

    def recession(self, y: Array) -> list[Recession]:
        """Return which predictors may go for ever: those of stages with one outcome only."""
        found = []
        for m, unit in enumerate(np.eye(self.n_classes - 1)):
            stopped, went_on = y[:, m] > 0.0, (y[:, m + 1 :] > 0.0).any(axis=1)
            signs = went_on.astype(np.int8) - stopped.astype(np.int8)
            found.append(Recession(unit, signs, stopped | went_on))
        return found

    def limit(self, y: Array, drift: Array) -> Limit:
        """Return infinite shifts for predictors that ``drift`` (n, M) moves."""
        return Limit(y, _ends(drift))

    def derivatives(self, y: Array, eta: Array, log_p: Array, observed: bool) -> Derivatives:
        """Return score and information of rows whose classes have log-probabilities (n, K).

        The expected information is that of binomials given who reached each stage.
        """
        stop = y[:, :-1]
        reached = np.cumsum(y[:, ::-1], axis=1)[:, ::-1]
        on = reached[:, 1:]
        finite = np.isfinite(eta)
        rise = np.where(finite, self.link.reversed_hazard(eta), 0.0)
        fall = np.where(finite, self.link.hazard(eta), 0.0)
        if observed:
            slope = np.where(finite, self.link.log_slope(eta), 0.0)
            diagonal = on * rise * (rise - slope) + stop * fall * (fall + slope)
        else:
            diagonal = reached[:, :-1] * rise * fall
        nothing = np.zeros((y.shape[0], self.n_classes - 2))
        return Derivatives(on * rise - stop * fall, diagonal, nothing)


def _ends(drift: Array) -> Array:
    """Return where a direction of separation takes predictors: an end, or 0 for nowhere."""
    return np.where(np.abs(drift) > STAYS, np.copysign(np.inf, drift), 0.0)


def _differences(values: Array) -> Array:
    """Return the derivatives of classes that are differences of neighbours, (n, K, M)."""
    n, count = values.shape
    out = np.zeros((n, count + 1, count))
    for m in range(count):
        out[:, m, m] = values[:, m]
        out[:, m + 1, m] = -values[:, m]
    return out


def _stages(on: Array, stop: Array) -> Array:
    """Return (n, K, M) values: ``on`` where a class passed a stage, ``stop`` where it ended."""
    n, count = on.shape
    out = np.zeros((n, count + 1, count))
    for m in range(count):
        out[:, m, m] = stop[:, m]
        out[:, m + 1 :, m] = on[:, m, None]
    return out


def _log_rest(gap: Array) -> Array:
    """Return log(1 - exp(-gap)) for gap >= 0, exact at both ends."""
    return np.where(gap < 0.7, np.log(-np.expm1(-gap)), np.log1p(-np.exp(-gap)))


def _ratio(log_density: Array, log_p: Array) -> Array:
    """Return F' / p, 0 where the predictor is at an end."""
    return np.where(log_density == -np.inf, 0.0, np.exp(log_density - log_p))


def _class_range(y: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and the last class that each row has."""
    some = y > 0.0
    return some.argmax(axis=1), y.shape[1] - 1 - some[:, ::-1].argmax(axis=1)


def _class_deviance(y: Array, log_p: Array) -> Array:
    """Return each row's deviance from its own shares, shape (n,)."""
    loss = special.xlogy(y, y) - np.where(y == 0.0, 0.0, y * log_p)
    return np.asarray(2.0 * loss.sum(axis=1))


def _band(diagonal: Array, beside: Array) -> Array:
    """Return the lines of pairs a <= b of matrices that only couple neighbours."""
    count = diagonal.shape[1]
    lines = np.zeros((count * (count + 1) // 2, diagonal.shape[0]))
    line = 0
    for m in range(count):
        lines[line] = diagonal[:, m]
        if m + 1 < count:
            lines[line + 1] = beside[:, m]
        line += count - m
    return lines


def _weighted(deviance: Array, score: Array, lines: Array, weight: Array | None) -> EtaStats:
    if weight is None:
        return EtaStats(float(deviance.sum()), score, lines)
    return EtaStats(float(np.dot(deviance, weight)), score * weight[:, None], lines * weight)


def _of_one(rows: EtaStats) -> EtaStats:
    """Return the statistics of a single predictor in the shapes of a GLM."""
    if not np.isfinite(rows.deviance):
        return rows
    return EtaStats(rows.deviance, rows.score[:, 0], rows.weight[0])
