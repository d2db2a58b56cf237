"""Likelihoods in eta-space: what rows contribute, given their linear predictors.

A likelihood sees the response, the linear predictor and the prior weight of each row,
never a design or a coefficient. The engine maps coefficients to eta and maps score and
weights back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.families import Family, Working
from glmfit.links import Interval, Link

__all__ = [
    "NEWTON_BELOW",
    "STAYS",
    "Cumulative",
    "EtaStats",
    "GLMLikelihood",
    "Limit",
    "Multinomial",
    "Recession",
    "Sequential",
    "log_choose",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NEWTON_BELOW = 1.0
"""Largest step, in standard errors, from which Newton's method may take over by default."""

STAYS = 1e-6
"""Largest move along a direction of separation that is rounding."""


class EtaStats(NamedTuple):
    """Sums and rows of one chunk.

    ``deviance`` is the sum over the chunk (inf where the chunk is outside the domain);
    ``score`` is the derivative of the log-likelihood by eta, ``weight`` the information
    about eta, both times phi and with the prior weight in. With one predictor a row they
    are (n,); with M of them (n, M) and (M (M + 1) / 2, n), one line for each pair of
    predictors a <= b.
    """

    deviance: float
    score: Array
    weight: Array


class Recession(NamedTuple):
    """A combination of a row's predictors that some rows let go for ever.

    ``combination`` (M,) are its weights; ``bound`` (n,) says which rows care, and
    ``signs`` (n,) which way it may go there without loss: +1, -1 or 0 (it must stay).
    """

    combination: Array
    signs: NDArray[np.int8]
    bound: Mask


class Limit(NamedTuple):
    """What is left of the rows in the limit along a direction of separation.

    ``y`` (n, K) are the shares, NaN for classes that are out of reach; ``shift`` (n, M)
    or None is infinite for predictors that have gone to an end.
    """

    y: Array
    shift: Array | None


@dataclass(frozen=True, slots=True)
class GLMLikelihood:
    """The exponential-family likelihood of a `Family` with its link.

    Attributes
    ----------
    family : Family
    eta_domain : Interval
        The open interval in which eta must lie.
    canonical : bool
        Whether observed and expected information are the same.
    """

    newton_below: ClassVar[float] = NEWTON_BELOW

    family: Family
    eta_domain: Interval = field(init=False)
    canonical: bool = field(init=False)

    def __post_init__(self) -> None:
        # asked for in every chunk
        object.__setattr__(self, "eta_domain", self.family.eta_domain())
        object.__setattr__(self, "canonical", self.family.canonical)

    @property
    def dispersion(self) -> float | None:
        """The known dispersion, or None where it is estimated."""
        return self.family.dispersion

    def recession(self, y: Array) -> list[Recession]:
        """Return which way the predictor of each row may go for ever."""
        everywhere = np.ones(y.shape, dtype=bool)
        return [Recession(np.ones(1), self.family.recession_signs(y), everywhere)]

    def starting_eta(self, y: Array, weight: Array | None) -> Array:
        """Return a first linear predictor for each row, from its response alone."""
        w = np.ones_like(y) if weight is None else weight
        with np.errstate(all="ignore"):
            return self.family.link.link(self.family.start(y, w))

    def constant_eta(self, mean: float) -> float:
        """Return the linear predictor at which every row has the given mean."""
        return float(self.family.link.link(np.array([mean]))[0])

    def evaluate(
        self, y: Array, eta: Array, weight: Array | None, *, observed: bool = False
    ) -> EtaStats:
        """Return deviance, score and weight of a chunk at ``eta``.

        Parameters
        ----------
        y, eta : ndarray of shape (n,)
            Response and linear predictor, offset included.
        weight : ndarray of shape (n,) or None
            Prior weights; None means 1 for every row.
        observed : bool
            Return the observed instead of the expected information.
        """
        domain = self.eta_domain
        if not domain.unbounded and not bool(domain.contains(eta).all()):
            return EtaStats(np.inf, eta, eta)
        rows = self.family.working(y, eta)
        differs = observed and not self.canonical
        information = self.family.observed_weight(y, eta) if differs else rows.weight
        if weight is None:
            return EtaStats(float(rows.deviance.sum()), rows.score, information)
        return EtaStats(
            float(np.dot(rows.deviance, weight)), rows.score * weight, information * weight
        )

    def mean_slope(self, eta: Array) -> Array:
        """Return the derivative of the mean by eta, shape (n,)."""
        return self.family.link.inverse_deriv(eta)

    def row_values(self, y: Array, eta: Array) -> Working:
        """Return unit deviance, score and expected weight of rows of any shape, not weighted."""
        return self.family.working(y, eta)

    def observed_information(self, y: Array, eta: Array) -> Array:
        """Return the observed information about eta of rows of any shape, not weighted."""
        return self.family.observed_weight(y, eta)

    def saturated(
        self,
        y: Array,
        scale: float,
        *,
        trials: Array | None = None,
        var_weights: Array | None = None,
    ) -> Array:
        """Return each row's log-likelihood at mu = y, before frequency weights.

        The log-likelihood of a fit is the sum of these less half its scaled deviance.
        Parameters as in `log_likelihood`.
        """
        weight = np.ones_like(y) if var_weights is None else var_weights
        if trials is None:
            return self.family.saturated(y, weight, scale)
        rows = self.family.saturated(y, trials, scale)
        return weight * (rows + log_choose(trials, trials * y))

    def mean_adjustment(self, eta: Array, information: Array, variance: Array) -> Array:
        """Return what mean bias reduction adds to the score of each row, shape (n,).

        Parameters
        ----------
        eta, information, variance : ndarray of shape (n,)
            Predictor, expected information about it, and its variance x' I^-1 x.

        References
        ----------
        Kosmidis, I. and Firth, D. (2009). Bias reduction in exponential family nonlinear
        models. *Biometrika* 96, 793-804.
        """
        change = 0.5 * information * variance * self.family.link.log_slope(eta)
        return np.where(information > 0.0, change, 0.0)

    def means(self, eta: Array) -> Array:
        """Return the means of rows, shape (n, 1), from their predictors (n, 1)."""
        return self.family.link.inverse(eta)

    def limit_means(self, eta: Array, drift: Array) -> Array:
        """Return the means (n, 1) far out along ``drift`` (n, 1)."""
        return self.means(np.where(np.abs(drift) > STAYS, np.copysign(np.inf, drift), eta))

    def mean_slopes(self, eta: Array) -> Array:
        """Return the derivative of the means by the predictors, shape (n, 1, 1)."""
        return self.family.link.inverse_deriv(eta)[:, :, None]

    def mean_curvature(self, eta: Array, move: Array) -> Array:
        """Return the derivative of ``slope * move`` by the predictors, shape (n, 1, 1).

        Parameters
        ----------
        eta, move : ndarray of shape (n, 1)
            Predictors, and how something moves them.
        """
        return (self.family.link.inverse_deriv2(eta) * move)[:, :, None]

    def median_slope(self, eta: Array) -> Array:
        """Return d log V(mu) / 6 - d log(mu') / 2 by eta, of which median reduction is made.

        References
        ----------
        Kosmidis, I., Kenne Pagui, E. C. and Sartori, N. (2020). Mean and median bias
        reduction in generalized linear models. *Statistics and Computing* 30, 43-59.
        """
        family = self.family
        return family.log_variance_slope(eta) / 6.0 - 0.5 * family.link.log_slope(eta)

    def log_likelihood(
        self,
        y: Array,
        mu: Array,
        scale: float,
        *,
        trials: Array | None = None,
        var_weights: Array | None = None,
    ) -> Array:
        """Return the log-likelihood of each row, before frequency weights.

        Parameters
        ----------
        y, mu : ndarray of shape (n,)
            Response and mean; shares of trials for the binomial.
        scale : float
            Dispersion.
        trials : ndarray of shape (n,), optional
            Trials behind each share; the binomial coefficient is then included.
        var_weights : ndarray of shape (n,), optional
        """
        ones = np.ones_like(y)
        weight = ones if var_weights is None else var_weights
        if trials is None:
            return self.family.log_density(y, mu, weight, scale)
        rows = self.family.log_density(y, mu, trials, scale)
        return weight * (rows + log_choose(trials, trials * y))


@dataclass(frozen=True, slots=True)
class Multinomial:
    """The multinomial logit likelihood: log odds of each class against the first.

    The response of a row is its shares of the classes, shape (n, K); the number of
    trials is part of the weight. A share of NaN says that the row cannot have the class.
    A row has K - 1 predictors, for the classes 1 to K - 1.

    Attributes
    ----------
    n_classes : int
        K.
    """

    newton_below: ClassVar[float] = NEWTON_BELOW

    n_classes: int

    @property
    def eta_domain(self) -> Interval:
        """All of the real line."""
        return Interval()

    @property
    def canonical(self) -> bool:
        """The link is canonical."""
        return True

    @property
    def dispersion(self) -> float | None:
        """The dispersion is known."""
        return 1.0

    def log_probabilities(self, eta: Array, out: NDArray[np.bool_] | None = None) -> Array:
        """Return the logarithms of the probabilities of all classes, shape (n, K).

        Parameters
        ----------
        eta : ndarray of shape (n, K - 1)
        out : ndarray of bool, shape (n, K), optional
            Classes that a row cannot have.
        """
        return self._log_probabilities(eta, out)[0].T

    def _log_probabilities(self, eta: Array, out: Mask | None) -> tuple[Array, Array]:
        """Return log-probabilities and probabilities, a line for each class, (K, n).

        Class by class, since sums over the K numbers of a row are far slower.
        """
        logs = np.empty((self.n_classes, eta.shape[0]))
        logs[0] = 0.0
        logs[1:] = eta.T
        if out is not None:
            logs[out.T] = -np.inf
        logs -= logs.max(axis=0)
        probabilities = np.exp(logs)
        total = probabilities.sum(axis=0)
        probabilities /= total
        logs -= np.log(total)
        return logs, probabilities

    def means(self, eta: Array) -> Array:
        """Return the probabilities of all classes, shape (n, K)."""
        return np.exp(self.log_probabilities(eta))

    def limit_means(self, eta: Array, drift: Array) -> Array:
        """Return the probabilities (n, K) far out along ``drift`` (n, K - 1)."""
        return np.exp(self.limit_probabilities(eta, drift))

    def mean_slopes(self, eta: Array) -> Array:
        """Return the derivative of each probability by each predictor, shape (n, K, K - 1)."""
        p = self.means(eta)
        slopes = -p[:, :, None] * p[:, None, 1:]
        for m in range(1, self.n_classes):
            # 1 - p is the sum of the others, which keeps its digits where p is all but 1
            slopes[:, m, m - 1] = p[:, m] * np.delete(p, m, axis=1).sum(axis=1)
        return slopes

    def mean_curvature(self, eta: Array, move: Array) -> Array:
        """Return the derivative of ``slopes @ move`` by the predictors, shape (n, K, K - 1).

        Parameters
        ----------
        eta, move : ndarray of shape (n, K - 1)
            Predictors, and how something moves them.
        """
        p, slopes = self.means(eta), self.mean_slopes(eta)
        full = np.column_stack([np.zeros(eta.shape[0]), move])
        ahead = full - (p * full).sum(axis=1, keepdims=True)
        pull = p[:, 1:] * ahead[:, 1:]
        return np.asarray(slopes * ahead[:, :, None] - p[:, :, None] * pull[:, None, :])

    def marginal_eta(self, shares: Array) -> Array:
        """Return the predictors at which every row has the given shares, shape (K - 1,)."""
        return np.asarray(np.log(shares[1:] / shares[0]))

    def recession(self, y: Array) -> list[Recession]:
        """Return how the log odds of each pair of classes may go for ever."""
        found = []
        corners = np.vstack([np.zeros(self.n_classes - 1), np.eye(self.n_classes - 1)])
        for a in range(self.n_classes):
            for b in range(a + 1, self.n_classes):
                has_a, has_b = y[:, a] > 0.0, y[:, b] > 0.0
                signs = has_b.astype(np.int8) - has_a.astype(np.int8)
                found.append(Recession(corners[b] - corners[a], signs, has_a | has_b))
        return found

    def ordered(self, eta: Array) -> Mask:
        """Return True for all rows: any predictors make probabilities."""
        return np.ones(eta.shape[0], dtype=bool)

    def limit_probabilities(self, eta: Array, drift: Array) -> Array:
        """Return log-probabilities (n, K) far out along ``drift`` (n, K - 1)."""
        return self.log_probabilities(eta, _behind(drift))

    def limit(self, y: Array, drift: Array) -> Limit:
        """Return the rows without the classes that ``drift`` (n, K - 1) leaves behind."""
        return Limit(np.where(_behind(drift), np.nan, y), None)

    def evaluate(
        self, y: Array, eta: Array, weight: Array | None, *, observed: bool = False
    ) -> EtaStats:
        """Return deviance, score (n, K - 1) and weights of a chunk at ``eta`` (n, K - 1).

        The deviance is twice the log-likelihood of the response's own shares less that
        of the model's; observed and expected information are the same. With two classes
        ``eta`` and the score are (n,).
        """
        if eta.ndim == 1:
            only = self.evaluate(y, eta[:, None], weight, observed=observed)
            return EtaStats(only.deviance, only.score[:, 0], only.weight[0])
        shares = np.ascontiguousarray(y.T)
        out = np.isnan(y) if np.isnan(shares.sum()) else None
        logs, p = self._log_probabilities(eta, out)
        if out is not None:
            shares = np.where(out.T, 0.0, shares)
        rows = 2.0 * _lost(shares, logs)
        p = p[1:]
        score = shares[1:] - p
        count = self.n_classes - 1
        information = np.empty((count * (count + 1) // 2, y.shape[0]))
        line = 0
        for a in range(count):
            for b in range(a, count):
                np.multiply(p[a], 1.0 - p[a] if a == b else -p[b], out=information[line])
                line += 1
        if weight is not None:
            rows *= weight
            score *= weight
            information *= weight
        return EtaStats(float(rows.sum()), score.T, information)

    def mean_adjustment(self, eta: Array, information: Array, variance: Array) -> Array:
        """Return the derivative of log|I| / 2 by the predictors of each row.

        That is half of the trace of V dW, where V is the covariance of a row's predictors
        and W, the information about them, the covariance of its classes.

        Parameters
        ----------
        eta : ndarray of shape (n, K - 1)
        information, variance : ndarray of shape (K (K - 1) / 2, n)
            W and V, one line for each pair of predictors.

        Returns
        -------
        ndarray of shape (n, K - 1)

        References
        ----------
        Kosmidis, I. and Firth, D. (2011). Multinomial logit bias reduction via the Poisson
        log-linear model. *Biometrika* 98, 755-759.
        """
        if eta.ndim == 1:
            return self.mean_adjustment(eta[:, None], information[None], variance[None])[:, 0]
        p = np.exp(self.log_probabilities(eta)[:, 1:])
        count = self.n_classes - 1
        own = [a * count - a * (a - 1) // 2 for a in range(count)]
        pull = variance[own].T - 2.0 * _symmetric_product(variance, p)
        return 0.5 * _symmetric_product(information, pull)


@dataclass(frozen=True, slots=True)
class Cumulative:
    """The likelihood of ordered classes whose cumulative probabilities have a link.

    A row has M = K - 1 predictors that rise from one to the next, P(Y <= j) = F(eta_j),
    where F is the inverse of ``link`` (McCullagh 1980). With eta_j = threshold_j - x'b
    the links mean what they mean in MASS::polr and ordinal::clm: cloglog has
    F(t) = 1 - exp(-exp(t)), loglog has F(t) = exp(-exp(-t)). Shapes as in `Multinomial`.

    Probabilities of classes are differences of F taken from the nearer tail and kept as
    logarithms, so that neither a class nor its score is lost where F rounds to 0 or 1.

    Attributes
    ----------
    link : Link
        A link of probabilities.
    n_classes : int
        K.

    References
    ----------
    McCullagh, P. (1980). Regression models for ordinal data. *JRSS B* 42, 109-142.
    """

    newton_below: ClassVar[float] = NEWTON_BELOW

    link: Link
    n_classes: int

    @property
    def eta_domain(self) -> Interval:
        """Each predictor alone may be any number; `evaluate` sees to their order."""
        return Interval()

    @property
    def canonical(self) -> bool:
        """Observed and expected information differ."""
        return False

    @property
    def dispersion(self) -> float | None:
        """The dispersion is known."""
        return 1.0

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

    def limit_probabilities(self, eta: Array, drift: Array) -> Array:
        """Return log-probabilities (n, K) far out along ``drift`` (n, M)."""
        return self.log_probabilities(eta + _ends(drift))

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

    def evaluate(
        self, y: Array, eta: Array, weight: Array | None, *, observed: bool = False
    ) -> EtaStats:
        """Return deviance, score (n, M) and weights of a chunk at ``eta`` (n, M).

        The deviance is inf when the predictors of some row do not rise. With two classes
        ``eta`` and the score are (n,).
        """
        if eta.ndim == 1:
            return _of_one(self.evaluate(y, eta[:, None], weight, observed=observed))
        if not self.ordered(eta).all():
            return EtaStats(np.inf, eta, eta)
        with np.errstate(all="ignore"):
            log_p = self.log_probabilities(eta)
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
        score = own * above - following * below
        return _weighted(_class_deviance(y, log_p), score, _band(diagonal, beside), weight)

    def means(self, eta: Array) -> Array:
        """Return the probabilities of all classes, shape (n, K); NaN where predictors fall."""
        out = np.exp(self.log_probabilities(eta))
        out[~self.ordered(eta)] = np.nan
        return out

    def limit_means(self, eta: Array, drift: Array) -> Array:
        """Return the probabilities (n, K) far out along ``drift`` (n, M)."""
        return np.exp(self.limit_probabilities(eta, drift))

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
class Sequential:
    """The likelihood of ordered classes that are reached one after the other.

    The m-th of M = K - 1 predictors gives the probability of going on from class m,
    P(Y > m | Y >= m) = F(eta_m): the continuation ratio. Each stage is a binomial among
    those who reach it. Shapes as in `Multinomial`.

    Attributes
    ----------
    link : Link
        A link of probabilities.
    n_classes : int
        K.

    References
    ----------
    Agresti, A. (2010). *Analysis of Ordinal Categorical Data*, 2nd ed., sec. 4.2.
    """

    newton_below: ClassVar[float] = NEWTON_BELOW

    link: Link
    n_classes: int

    @property
    def eta_domain(self) -> Interval:
        """All of the real line."""
        return Interval()

    @property
    def canonical(self) -> bool:
        """Observed and expected information may differ."""
        return False

    @property
    def dispersion(self) -> float | None:
        """The dispersion is known."""
        return 1.0

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

    def ordered(self, eta: Array) -> Mask:
        """Return True for all rows: any predictors make probabilities."""
        return np.ones(eta.shape[0], dtype=bool)

    def means(self, eta: Array) -> Array:
        """Return the probabilities of all classes, shape (n, K)."""
        return np.exp(self.log_probabilities(eta))

    def limit_means(self, eta: Array, drift: Array) -> Array:
        """Return the probabilities (n, K) far out along ``drift`` (n, M)."""
        return np.exp(self.limit_probabilities(eta, drift))

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

    def limit_probabilities(self, eta: Array, drift: Array) -> Array:
        """Return log-probabilities (n, K) far out along ``drift`` (n, M)."""
        return self.log_probabilities(eta + _ends(drift))

    def limit(self, y: Array, drift: Array) -> Limit:
        """Return infinite shifts for predictors that ``drift`` (n, M) moves."""
        return Limit(y, _ends(drift))

    def evaluate(
        self, y: Array, eta: Array, weight: Array | None, *, observed: bool = False
    ) -> EtaStats:
        """Return deviance, score (n, M) and weights of a chunk at ``eta`` (n, M).

        The expected information is that of binomials given who reached each stage. With
        two classes ``eta`` and the score are (n,).
        """
        if eta.ndim == 1:
            return _of_one(self.evaluate(y, eta[:, None], weight, observed=observed))
        stop = y[:, :-1]
        reached = np.cumsum(y[:, ::-1], axis=1)[:, ::-1]
        on = reached[:, 1:]
        finite = np.isfinite(eta)
        with np.errstate(all="ignore"):
            log_p = self.log_probabilities(eta)
            rise = np.where(finite, self.link.reversed_hazard(eta), 0.0)
            fall = np.where(finite, self.link.hazard(eta), 0.0)
            if observed:
                slope = np.where(finite, self.link.log_slope(eta), 0.0)
                diagonal = on * rise * (rise - slope) + stop * fall * (fall + slope)
            else:
                diagonal = reached[:, :-1] * rise * fall
        nothing = np.zeros((y.shape[0], self.n_classes - 2))
        score = on * rise - stop * fall
        return _weighted(_class_deviance(y, log_p), score, _band(diagonal, nothing), weight)


def _ends(drift: Array) -> Array:
    """Return where a direction of separation takes predictors: an end, or 0 for nowhere."""
    return np.where(np.abs(drift) > STAYS, np.copysign(np.inf, drift), 0.0)


def _behind(drift: Array) -> Mask:
    """Return which of K classes fall behind for ever, shape (n, K)."""
    full = np.column_stack([np.zeros(drift.shape[0]), drift])
    return np.asarray(full < full.max(axis=1, keepdims=True) - STAYS)


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


def _symmetric_product(lines: Array, vectors: Array) -> Array:
    """Return the product of each row's matrix, given by lines of pairs, and vector, (n, M)."""
    out = np.zeros_like(vectors)
    count = vectors.shape[1]
    pairs = ((a, b) for a in range(count) for b in range(a, count))
    for line, (a, b) in zip(lines, pairs, strict=True):
        out[:, a] += line * vectors[:, b]
        if a != b:
            out[:, b] += line * vectors[:, a]
    return out


def _weighted(deviance: Array, score: Array, lines: Array, weight: Array | None) -> EtaStats:
    if weight is None:
        return EtaStats(float(deviance.sum()), score, lines)
    return EtaStats(float(np.dot(deviance, weight)), score * weight[:, None], lines * weight)


def _of_one(rows: EtaStats) -> EtaStats:
    """Return the statistics of a single predictor in the shapes of a GLM."""
    if not np.isfinite(rows.deviance):
        return rows
    return EtaStats(rows.deviance, rows.score[:, 0], rows.weight[0])


def _lost(shares: Array, logs: Array) -> Array:
    """Return sum of share (log share - log probability) over the classes, shape (n,).

    Parameters
    ----------
    shares, logs : ndarray of shape (K, n)
    """
    # 0 times log 0 is 0: a class that cannot be costs nothing where it is not
    seen = shares * logs
    if not np.isfinite(seen.sum()):
        seen[shares == 0.0] = 0.0
    rows = -seen.sum(axis=0)
    parts = (shares != 0.0) & (shares != 1.0)
    if parts.any():
        rows += special.xlogy(shares, shares).sum(axis=0)
    return np.asarray(rows)


def log_choose(n: Array, k: Array) -> Array:
    """Return log(n over k), for real arguments as well."""
    return -special.betaln(n - k + 1.0, k + 1.0) - np.log1p(n)
