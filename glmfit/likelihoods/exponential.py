"""The likelihood of a family with its link: generalised linear models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.families import Family, Working
from glmfit.likelihoods.base import NEWTON_BELOW, STAYS, EtaStats, Recession
from glmfit.links import Interval

__all__ = ["GLMLikelihood", "log_choose"]

Array = NDArray[np.float64]


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
        closest = float(rows.deviance.min(initial=np.inf))
        if weight is None:
            return EtaStats(float(rows.deviance.sum()), rows.score, information, closest)
        total = float(np.dot(rows.deviance, weight))
        return EtaStats(total, rows.score * weight, information * weight, closest)

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


def log_choose(n: Array, k: Array) -> Array:
    """Return log(n over k), for real arguments as well."""
    return -special.betaln(n - k + 1.0, k + 1.0) - np.log1p(n)
