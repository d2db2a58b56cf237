"""The record that a response distribution is, and what holds for all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from glmfit.compat import FamilyNames
from glmfit.distributions import Tails
from glmfit.errors import NotAvailableError, ResponseError
from glmfit.links import REAL, Identity, Interval, Link, Log, resolve_link

__all__ = ["NON_NEGATIVE", "PROPORTION", "Family", "Slopes", "Working"]

Array = NDArray[np.float64]

NON_NEGATIVE = Interval(0.0, math.inf, closed_low=True)
PROPORTION = Interval(0.0, 1.0, closed_low=True, closed_high=True)


class Working(NamedTuple):
    """What one row contributes, per unit of prior weight; arrays of shape (n,)."""

    deviance: Array
    """Unit deviance."""
    score: Array
    """Derivative of the log-likelihood times phi with respect to eta."""
    weight: Array
    """Expected information about eta, times phi."""


class Slopes(NamedTuple):
    """First and second derivatives of rows, arrays of shape (n,)."""

    first: Array
    second: Array


@dataclass(frozen=True, slots=True)
class Family(FamilyNames):
    """A response distribution with its link.

    Parameters
    ----------
    link : Link, type of Link or str, optional
        Instance, class or registered name; the family's ``default_link`` if omitted.
    """

    link: Link = None  # type: ignore[assignment]  # replaced by __post_init__

    name: ClassVar[str] = ""
    default_link: ClassVar[Link] = Identity()
    canonical_link: ClassVar[type[Link] | None] = None
    """The link under which observed and expected information are one, if there is one."""
    dispersion: ClassVar[float | None] = 1.0
    """The known dispersion, or None where it is estimated."""
    power: ClassVar[float | None] = None
    """The k of a power variance V(mu) = mu^k, or None where it is no power."""
    counts: ClassVar[bool] = False
    """Whether the response counts events, so that log-link ratios are rate ratios."""
    proportions: ClassVar[bool] = False
    """Whether the response is a share of trials."""
    quasi: ClassVar[bool] = False
    """Whether there is no likelihood, only a quasi-likelihood."""
    mean_domain: ClassVar[Interval] = REAL
    response_domain: ClassVar[Interval] = REAL

    def __post_init__(self) -> None:
        given = self.default_link if self.link is None else self.link
        object.__setattr__(self, "link", resolve_link(given))

    @property
    def canonical(self) -> bool:
        """Whether the link is the canonical one."""
        return self.canonical_link is not None and isinstance(self.link, self.canonical_link)

    def variance(self, mu: Array) -> Array:
        """Return V(mu)."""
        raise NotImplementedError(f"{type(self).__name__} does not define variance()")

    def variance_deriv(self, mu: Array) -> Array:
        """Return dV/dmu."""
        raise NotImplementedError(f"{type(self).__name__} does not define variance_deriv()")

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        """Return twice the log-likelihood lost by mu against mu = y, at phi = 1."""
        raise NotImplementedError(f"{type(self).__name__} does not define unit_deviance()")

    def log_density(self, y: Array, mu: Array, weight: Array, scale: float) -> Array:
        """Return the log density of each row; NaN where there is only a quasi-likelihood."""
        return self.saturated(y, weight, scale) - weight * self.unit_deviance(y, mu) / (2.0 * scale)

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        """Return the log density of each row at mu = y; NaN for quasi families.

        The log-likelihood is the sum of these less half the scaled deviance, which keeps
        the digits that the density at mu loses where mu is near y, or near an end.
        """
        return np.full(np.shape(y), np.nan)

    def saturated_slopes(self, y: Array, weight: Array, scale: float) -> Slopes:
        """Return the derivatives of `saturated` by the logarithm of the dispersion.

        Raises
        ------
        NotAvailableError
            If there is no likelihood of a dispersion.
        """
        raise NotAvailableError(
            f"The {self.describe()} family has no likelihood that could be maximised over the "
            "dispersion. scale='X2' estimates it by Pearson's chi-square."
        )

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        """Return the probabilities of smaller and of larger responses.

        Parameters
        ----------
        y, mu : ndarray of shape (n,)
        weight : ndarray of shape (n,)
            Number of trials for a binomial; precision where the dispersion is estimated;
            not used by the other families.
        scale : float
            Dispersion; not used where the family fixes it.

        Raises
        ------
        NotAvailableError
            If the family has no distribution function, or ``y`` is none of its values.
        """
        raise NotAvailableError(
            f"The {self.describe()} family has no distribution function, so nothing can be said "
            "of the probability of its responses. Deviance residuals (resid_deviance) need none."
        )

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        """Return the distribution of each row as SciPy has it.

        Parameters
        ----------
        mu : ndarray of shape (n,)
        weight : ndarray of shape (n,)
            Number of trials for a binomial, whose successes the distribution counts;
            precision where the dispersion is estimated; not used by the other families.
        scale : float
            Dispersion; not used where the family fixes it.

        Raises
        ------
        NotAvailableError
            If the family has no distribution, or SciPy has it not.
        """
        raise NotAvailableError(
            f"SciPy has no distribution of the {self.describe()} family"
            f"{', which has only a quasi-likelihood' if self.quasi else ''}."
        )

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        """Return random responses with mean ``mu`` and variance scale V(mu) / weight.

        Parameters
        ----------
        rng : Generator
        mu, weight : ndarray of one shape
            Mean, and prior weight: the response is the mean of that many observations.
        scale : float
            Dispersion.

        Raises
        ------
        NotAvailableError
            If the family is no distribution, or not of responses with such weights.
        """
        raise NotAvailableError(
            f"The {self.describe()} family is no distribution that responses could be drawn from, "
            "or not one that is known here. Draw rows instead (kind='pairs')."
        )

    def variance_power(self) -> float | None:
        """Return k where V(mu) = mu^k, else None."""
        return self.power

    def anscombe_transform(self, mu: Array) -> Array:
        """Return the integral of V^(-1/3) up to mu."""
        power = self.variance_power()
        if power is None:
            raise NotImplementedError(f"{type(self).__name__} has no anscombe_transform()")
        return _power_integral(mu, power)

    def likelihood_scale(self, deviance: float, nobs: float, scale: float) -> float:
        """Return the dispersion at which the log-likelihood is evaluated."""
        return scale if self.dispersion is None else self.dispersion

    def constant_eta(self, y: Array, weight: Array, offset: Array) -> float | None:
        """Return the intercept of the model that has an offset besides, where it is closed."""
        power = self.variance_power()
        if power == 0.0 and isinstance(self.link, Identity):
            return float(np.dot(weight, y - offset) / weight.sum())
        if power is not None and isinstance(self.link, Log):
            shifted = offset - offset.max()
            above = np.dot(weight, y * np.exp((1.0 - power) * shifted))
            below = np.dot(weight, np.exp((2.0 - power) * shifted))
            return float(np.log(above / below) - offset.max())
        return None

    def start(self, y: Array, weight: Array) -> Array:
        """Return first means, inside the mean's domain."""
        return y

    def working(self, y: Array, eta: Array) -> Working:
        """Return unit deviance, score and expected weight at eta."""
        mu = self.link.inverse(eta)
        slope = self.link.inverse_deriv(eta)
        ratio = slope / self.variance(mu)
        return Working(self.unit_deviance(y, mu), (y - mu) * ratio, slope * ratio)

    def observed_weight(self, y: Array, eta: Array) -> Array:
        """Return minus the second derivative of the log-likelihood by eta, times phi."""
        mu = self.link.inverse(eta)
        slope = self.link.inverse_deriv(eta)
        variance = self.variance(mu)
        curvature = self.link.log_slope(eta) - slope * self.variance_deriv(mu) / variance
        return slope / variance * (slope - (y - mu) * curvature)

    def log_variance_slope(self, eta: Array) -> Array:
        """Return the derivative of log V(mu) by eta."""
        mu = self.link.inverse(eta)
        return self.link.inverse_deriv(eta) * self.variance_deriv(mu) / self.variance(mu)

    def eta_domain(self) -> Interval:
        """Return the interval of eta in which every mean is allowed."""
        return self.link.eta_domain(self.mean_domain)

    def recession_signs(self, y: Array) -> NDArray[np.int8]:
        """Return which way each row's predictor may go for ever without loss.

        Up (+1) or down (-1) where the mean then tends to the response itself; 0 where
        the likelihood falls both ways.
        """
        domain = self.eta_domain()
        signs = np.zeros(y.shape, dtype=np.int8)
        with np.errstate(all="ignore"):
            ends = self.link.inverse(np.array([-np.inf, np.inf]))
        for sign, end, limit in ((-1, domain.low, ends[0]), (1, domain.high, ends[1])):
            if np.isinf(end):
                signs[y == limit] = sign
        return signs

    def check_response(self, y: Array) -> None:
        """Raise `ResponseError` unless every value of ``y`` is possible."""
        bad = ~self.response_domain.contains(y)
        if bad.any():
            first = int(np.argmax(bad))
            raise ResponseError(
                f"The {self.name} family needs a response in {self.response_domain}; "
                f"{int(bad.sum())} of {y.size} values lie outside, "
                f"the first is {y.flat[first]:g} (observation {first})."
            )

    def with_link(self, link: str | Link | type[Link]) -> Self:
        """Return the same family with another link."""
        return replace(self, link=resolve_link(link))

    def missing_parameter(self) -> str | None:
        """Return what must still be given before the family can be used, if anything."""
        return None

    @property
    def estimated_by_fit(self) -> bool:
        """Whether the parameter that is missing is estimated with the coefficients."""
        return False

    def examples(self) -> tuple[Family, ...]:
        """Return instances that the contract tests run over."""
        return (self,)

    def describe(self) -> str:
        """Return the family's name with its parameters, for tables."""
        return self.name


def _power_integral(mu: Array, power: float) -> Array:
    """Return the integral of mu^(-power/3)."""
    if power == 3.0:
        return np.log(mu)
    exponent = 1.0 - power / 3.0
    return np.power(mu, exponent) / exponent
