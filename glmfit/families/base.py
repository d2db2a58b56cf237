"""Exponential-family (and quasi) response distributions.

A family is an immutable record: a link, a variance function, a unit deviance, a log
density and the domains of its response and its mean. Fitting never changes it.
Adding a family means adding one class here and one `register_family` line; the
contract tests pick it up from the registry.

Shapes: every method works element by element on float arrays of one shape (n,).
``y`` is the response (a proportion for the binomial), ``mu`` its mean, ``weight`` the
prior weight of a row, ``scale`` the dispersion phi in Var(y) = phi V(mu) / weight.

References
----------
McCullagh, P. and Nelder, J. A. (1989). *Generalized Linear Models*, 2nd ed., ch. 2.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit import links
from glmfit.compat import FamilyNames
from glmfit.distributions import (
    Tails,
    beta_tail,
    compound_tails,
    continuous_tails,
    lattice_tails,
    whole,
)
from glmfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    NotAvailableError,
    ResponseError,
    require_number,
    suggest,
)
from glmfit.links import (
    POSITIVE,
    REAL,
    UNIT,
    Identity,
    Interval,
    InversePower,
    InverseSquared,
    Link,
    Log,
    Logit,
    resolve_link,
)

__all__ = [
    "FAMILIES",
    "Binomial",
    "Family",
    "Gamma",
    "Gaussian",
    "InverseGaussian",
    "NegativeBinomial",
    "Poisson",
    "QuasiBinomial",
    "QuasiPoisson",
    "Tweedie",
    "Working",
    "links",
    "family_key",
    "register_family",
    "resolve_family",
]

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


@dataclass(frozen=True, slots=True)
class Gaussian(Family):
    """Normal distribution: V(mu) = 1."""

    name: ClassVar[str] = "Gaussian"
    power: ClassVar[float | None] = 0.0
    canonical_link: ClassVar[type[Link] | None] = Identity
    dispersion: ClassVar[float | None] = None

    def variance(self, mu: Array) -> Array:
        return np.ones_like(mu)

    def variance_deriv(self, mu: Array) -> Array:
        return np.zeros_like(mu)

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        return (y - mu) ** 2

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        return -0.5 * np.log(2.0 * np.pi * scale / weight)

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        z = (y - mu) * np.sqrt(weight / scale)
        return continuous_tails(special.ndtr(z), special.ndtr(-z))

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        return _stats().norm(loc=mu, scale=np.sqrt(scale / weight))

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        return rng.normal(mu, np.sqrt(scale / weight))

    def likelihood_scale(self, deviance: float, nobs: float, scale: float) -> float:
        """Return the maximum-likelihood variance, whatever estimate is shown."""
        return deviance / nobs


@dataclass(frozen=True, slots=True)
class Binomial(Family):
    """Binomial proportion: V(mu) = mu (1 - mu).

    ``y`` is the share of successes and the number of trials is part of the weight. The
    working quantities are written with the link's hazards, so that they keep their
    digits where mu rounds to 0 or 1.
    """

    name: ClassVar[str] = "Binomial"
    canonical_link: ClassVar[type[Link] | None] = Logit
    default_link: ClassVar[Link] = Logit()
    proportions: ClassVar[bool] = True
    mean_domain: ClassVar[Interval] = UNIT
    response_domain: ClassVar[Interval] = PROPORTION

    def variance(self, mu: Array) -> Array:
        return mu * (1.0 - mu)

    def variance_deriv(self, mu: Array) -> Array:
        return 1.0 - 2.0 * mu

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        return 2.0 * (special.rel_entr(y, mu) + special.rel_entr(1.0 - y, 1.0 - mu))

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        """Return the value at mu = y, without the binomial coefficient (see `log_choose`)."""
        return -weight * _entropy(y) / scale

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        count = whole(weight * y, "successes", self.name)
        trials = whole(weight, "trials", self.name)
        return lattice_tails(
            count,
            lambda k: beta_tail(trials - k, k + 1.0, 1.0 - mu),
            lambda k: beta_tail(k + 1.0, trials - k, mu),
        )

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        return _stats().binom(n=weight, p=mu)

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        trials = np.round(weight)
        if (np.abs(trials - weight) > 1e-9 * weight).any():
            raise NotAvailableError(
                "Binomial responses are drawn for whole numbers of trials, and the weights make "
                f"some of {weight[trials != weight].flat[0]:g}. Draw rows instead (kind='pairs')."
            )
        return np.asarray(rng.binomial(trials.astype(np.int64), mu) / trials)

    def anscombe_transform(self, mu: Array) -> Array:
        third = 2.0 / 3.0
        return special.betainc(third, third, mu) * special.beta(third, third)

    def start(self, y: Array, weight: Array) -> Array:
        return (weight * y + 0.5) / (weight + 1.0)

    def working(self, y: Array, eta: Array) -> Working:
        if self.canonical:
            return _logit_working(y, eta)
        to_one = self.link.reversed_hazard(eta)
        to_zero = self.link.hazard(eta)
        fail = 1.0 - y
        loss = _entropy(y)
        for part, log_share in (
            (y, self.link.log_mean(eta)),
            (fail, self.link.log_complement(eta)),
        ):
            # 0 * log(0) is 0: a share that cannot occur costs nothing when it does not
            loss += np.where(part == 0.0, 0.0, part * log_share)
        return Working(-2.0 * loss, y * to_one - fail * to_zero, to_one * to_zero)

    def log_variance_slope(self, eta: Array) -> Array:
        return self.link.reversed_hazard(eta) - self.link.hazard(eta)

    def observed_weight(self, y: Array, eta: Array) -> Array:
        if self.canonical:
            return _logit_working(y, eta).weight
        to_one = self.link.reversed_hazard(eta)
        to_zero = self.link.hazard(eta)
        slope = self.link.log_slope(eta)
        return y * to_one * (to_one - slope) + (1.0 - y) * to_zero * (to_zero + slope)


@dataclass(frozen=True, slots=True)
class QuasiBinomial(Binomial):
    """Binomial variance with a free dispersion; there is no likelihood."""

    name: ClassVar[str] = "QuasiBinomial"
    dispersion: ClassVar[float | None] = None
    quasi: ClassVar[bool] = True

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        return Family.saturated(self, y, weight, scale)

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        return Family.tails(self, y, mu, weight, scale)

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        return Family.frozen(self, mu, weight, scale)

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        return Family.draw(self, rng, mu, weight, scale)


@dataclass(frozen=True, slots=True)
class Poisson(Family):
    """Poisson counts: V(mu) = mu."""

    name: ClassVar[str] = "Poisson"
    power: ClassVar[float | None] = 1.0
    canonical_link: ClassVar[type[Link] | None] = Log
    default_link: ClassVar[Link] = Log()
    counts: ClassVar[bool] = True
    mean_domain: ClassVar[Interval] = POSITIVE
    response_domain: ClassVar[Interval] = NON_NEGATIVE

    def variance(self, mu: Array) -> Array:
        return mu

    def variance_deriv(self, mu: Array) -> Array:
        return np.ones_like(mu)

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        excess = mu - y
        return 2.0 * (excess + _relative_log(y, mu))

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        inner = np.where(y > 0.0, y, 1.0)
        rows = -0.5 * np.log(2.0 * np.pi * inner) - stirling_remainder(inner)
        return np.where(y > 0.0, weight * rows, 0.0)

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        count = whole(y, "counts", self.name)
        return lattice_tails(
            count,
            lambda k: special.gammaincc(k + 1.0, mu),
            lambda k: special.gammainc(k + 1.0, mu),
        )

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        return _stats().poisson(mu)

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        size = weight / scale
        return np.asarray(rng.poisson(size * mu) / size)

    def start(self, y: Array, weight: Array) -> Array:
        return y + 0.1

    def working(self, y: Array, eta: Array) -> Working:
        if not self.canonical:
            return Family.working(self, y, eta)
        # mu'/V is 1, also where mu underflows
        mu = np.exp(eta)
        return Working(self.unit_deviance(y, mu), y - mu, mu)

    def observed_weight(self, y: Array, eta: Array) -> Array:
        return np.exp(eta) if self.canonical else Family.observed_weight(self, y, eta)


@dataclass(frozen=True, slots=True)
class QuasiPoisson(Poisson):
    """Poisson variance with a free dispersion; there is no likelihood."""

    name: ClassVar[str] = "QuasiPoisson"
    dispersion: ClassVar[float | None] = None
    quasi: ClassVar[bool] = True

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        return Family.saturated(self, y, weight, scale)

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        return Family.tails(self, y, mu, weight, scale)

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        return Family.frozen(self, mu, weight, scale)

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        return Family.draw(self, rng, mu, weight, scale)


@dataclass(frozen=True, slots=True)
class Gamma(Family):
    """Gamma distribution: V(mu) = mu^2."""

    name: ClassVar[str] = "Gamma"
    power: ClassVar[float | None] = 2.0
    canonical_link: ClassVar[type[Link] | None] = InversePower
    default_link: ClassVar[Link] = InversePower()
    dispersion: ClassVar[float | None] = None
    mean_domain: ClassVar[Interval] = POSITIVE
    response_domain: ClassVar[Interval] = POSITIVE

    def variance(self, mu: Array) -> Array:
        return mu * mu

    def variance_deriv(self, mu: Array) -> Array:
        return 2.0 * mu

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        excess = (y - mu) / mu
        return 2.0 * (excess - _log_ratio(y, mu, excess))

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        shape = weight / scale
        return 0.5 * np.log(shape / (2.0 * np.pi)) - stirling_remainder(shape) - np.log(y)

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        shape = weight / scale
        scaled = shape * (y / mu)
        return continuous_tails(special.gammainc(shape, scaled), special.gammaincc(shape, scaled))

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        shape = weight / scale
        return _stats().gamma(a=shape, scale=mu / shape)

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        return rng.gamma(weight / scale, mu * scale / weight)


@dataclass(frozen=True, slots=True)
class InverseGaussian(Family):
    """Inverse Gaussian distribution: V(mu) = mu^3."""

    name: ClassVar[str] = "InverseGaussian"
    power: ClassVar[float | None] = 3.0
    canonical_link: ClassVar[type[Link] | None] = InverseSquared
    default_link: ClassVar[Link] = InverseSquared()
    dispersion: ClassVar[float | None] = None
    mean_domain: ClassVar[Interval] = POSITIVE
    response_domain: ClassVar[Interval] = POSITIVE

    def variance(self, mu: Array) -> Array:
        return mu**3

    def variance_deriv(self, mu: Array) -> Array:
        return 3.0 * mu * mu

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        return (y - mu) ** 2 / (y * mu * mu)

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        return -0.5 * (np.log(2.0 * np.pi * scale / weight) + 3.0 * np.log(y))

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        root = np.sqrt(weight / (scale * y))
        near, far = root * (y - mu) / mu, root * (y + mu) / mu
        # exp(2 w / (phi mu)) Phi(-far) overflows as written; Mills' ratio takes both factors
        reflected = 0.5 * np.exp(-0.5 * near**2) * special.erfcx(far / math.sqrt(2.0))
        mills = special.erfcx(np.maximum(near, 0.0) / math.sqrt(2.0))
        mills = mills - special.erfcx(far / math.sqrt(2.0))
        lower = special.ndtr(near) + reflected
        upper = np.where(near > 0.0, 0.5 * np.exp(-0.5 * near**2) * mills, 1.0 - lower)
        return continuous_tails(lower, upper)

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        precision = weight / scale
        return _stats().invgauss(mu=mu / precision, scale=precision)

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        return rng.wald(mu, weight / scale)


@dataclass(frozen=True, slots=True)
class NegativeBinomial(Family):
    """Negative binomial counts (NB2): V(mu) = mu + alpha mu^2.

    Parameters
    ----------
    link : Link, type of Link or str, optional
        Log by default.
    alpha : float, optional
        Dispersion parameter, greater than 0, taken as known. Where it is not given, a fit
        with the log link estimates it with the coefficients, by maximum likelihood.
    """

    alpha: float | None = None

    name: ClassVar[str] = "NegativeBinomial"
    default_link: ClassVar[Link] = Log()
    counts: ClassVar[bool] = True
    mean_domain: ClassVar[Interval] = POSITIVE
    response_domain: ClassVar[Interval] = NON_NEGATIVE

    def __post_init__(self) -> None:
        Family.__post_init__(self)
        if self.alpha is not None and not (
            math.isfinite(require_number(self.alpha, "alpha")) and self.alpha > 0.0
        ):
            raise ArgumentError(
                f"NegativeBinomial needs alpha > 0 (got {self.alpha!r}); "
                "alpha = 0 is the Poisson family."
            )
        if self.alpha is not None and isinstance(self.link, links.NegativeBinomial):
            # the canonical link has the alpha of its family
            object.__setattr__(self, "link", links.NegativeBinomial(self.alpha))

    def missing_parameter(self) -> str | None:
        return None if self.alpha is not None else "alpha"

    @property
    def estimated_by_fit(self) -> bool:
        return self.alpha is None and isinstance(self.link, Log)

    def _alpha(self) -> float:
        if self.alpha is None:
            raise ArgumentError("NegativeBinomial needs alpha; give NegativeBinomial(alpha=...).")
        return self.alpha

    def variance(self, mu: Array) -> Array:
        return mu + self._alpha() * mu * mu

    def variance_deriv(self, mu: Array) -> Array:
        return 1.0 + 2.0 * self._alpha() * mu

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        alpha = self._alpha()
        excess = mu - y
        shared = (y + 1.0 / alpha) * np.log1p(alpha * excess / (1.0 + alpha * y))
        return 2.0 * (_relative_log(y, mu) + shared)

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        size = 1.0 / self._alpha()
        inner = np.where(y > 0.0, y, 1.0)
        total = inner + size
        rows = stirling_remainder(total) - stirling_remainder(inner)
        rows = rows - stirling_remainder(np.full_like(inner, size))
        rows = rows - 0.5 * np.log(2.0 * np.pi * inner) + 0.5 * np.log(size / total)
        return np.where(y > 0.0, weight * rows, 0.0)

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        count = whole(y, "counts", self.name)
        size = np.full_like(mu, 1.0 / self._alpha())
        excess = self._alpha() * mu
        success, failure = 1.0 / (1.0 + excess), excess / (1.0 + excess)
        return lattice_tails(
            count,
            lambda k: beta_tail(size, k + 1.0, success),
            lambda k: beta_tail(k + 1.0, size, failure),
        )

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        return _stats().nbinom(n=1.0 / self._alpha(), p=1.0 / (1.0 + self._alpha() * mu))

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        alpha = self._alpha()
        return np.asarray(rng.negative_binomial(weight / alpha, 1.0 / (1.0 + alpha * mu)) / weight)

    def anscombe_transform(self, mu: Array) -> Array:
        third = 1.0 / 3.0
        tail = special.hyp2f1(third, 2 * third, 5 * third, -self._alpha() * mu)
        integral: Array = 1.5 * mu ** (2 * third) * tail
        return integral

    def start(self, y: Array, weight: Array) -> Array:
        return np.where(y == 0.0, 1.0 / 6.0, y)

    def examples(self) -> tuple[Family, ...]:
        return tuple(replace(self, alpha=alpha) for alpha in (0.3, 1.0, 2.5))

    def describe(self) -> str:
        return self.name if self.alpha is None else f"{self.name}(alpha={self.alpha:g})"


@dataclass(frozen=True, slots=True)
class Tweedie(Family):
    """Tweedie distribution with a given power: V(mu) = mu^var_power.

    Parameters
    ----------
    link : Link, type of Link or str, optional
        Log by default.
    var_power : float
        0 (normal), or 1 and above: 1 Poisson, between 1 and 2 compound Poisson-gamma
        (zeros allowed), 2 gamma, 3 inverse Gaussian. No Tweedie distribution has a
        power between 0 and 1.

    Notes
    -----
    The log density is exact for powers 0, 1, 2 and 3 and for 1 < var_power < 2, where
    it is Wright's generalised Bessel function; for other powers it is NaN.

    References
    ----------
    Dunn, P. K. and Smyth, G. K. (2005). Series evaluation of Tweedie exponential
    dispersion model densities. *Statistics and Computing* 15, 267-280.
    """

    var_power: float | None = None

    name: ClassVar[str] = "Tweedie"
    default_link: ClassVar[Link] = Log()
    dispersion: ClassVar[float | None] = None
    mean_domain: ClassVar[Interval] = POSITIVE

    def __post_init__(self) -> None:
        Family.__post_init__(self)
        power = None if self.var_power is None else require_number(self.var_power, "var_power")
        if power is not None and not (power == 0.0 or 1.0 <= power < math.inf):
            raise ArgumentError(
                f"There is no Tweedie distribution of power {power!r}: "
                "var_power must be 0, or 1 and above."
            )

    def missing_parameter(self) -> str | None:
        return None if self.var_power is not None else "var_power"

    def _power(self) -> float:
        if self.var_power is None:
            raise ArgumentError("Tweedie needs var_power; give Tweedie(var_power=1.5), say.")
        return self.var_power

    def variance(self, mu: Array) -> Array:
        return np.power(mu, self._power())

    def variance_deriv(self, mu: Array) -> Array:
        power = self._power()
        return power * np.power(mu, power - 1.0)

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        power = self._power()
        special_case = self._named_family()
        if special_case is not None:
            return special_case.unit_deviance(y, mu)
        a, b = 1.0 - power, 2.0 - power
        return 2.0 * (np.power(y, b) / (a * b) - y * np.power(mu, a) / a + np.power(mu, b) / b)

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        special_case = self._named_family()
        if special_case is not None:
            return special_case.saturated(y, weight, scale)
        if not 1.0 < self._power() < 2.0:
            return Family.saturated(self, y, weight, scale)
        inner = np.where(y > 0.0, y, 1.0)
        rows = _tweedie_log_density(inner, inner, scale / weight, self._power())
        return np.where(y > 0.0, rows, 0.0)

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        special_case = self._named_family()
        if special_case is not None:
            return special_case.tails(y, mu, weight, scale)
        if not 1.0 < self._power() < 2.0:
            return Family.tails(self, y, mu, weight, scale)
        return compound_tails(y, mu, scale / weight, self._power())

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        special_case = self._named_family()
        if special_case is not None:
            return special_case.frozen(mu, weight, scale)
        return Family.frozen(self, mu, weight, scale)

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        special_case = self._named_family()
        if special_case is not None:
            return special_case.draw(rng, mu, weight, scale)
        power = self._power()
        if not 1.0 < power < 2.0:
            return Family.draw(self, rng, mu, weight, scale)
        spread = scale / weight
        events = rng.poisson(mu ** (2.0 - power) / (spread * (2.0 - power)))
        shape = events * ((2.0 - power) / (power - 1.0))
        return rng.gamma(shape, spread * (power - 1.0) * mu ** (power - 1.0))

    def _named_family(self) -> Family | None:
        named = {0.0: Gaussian, 1.0: Poisson, 2.0: Gamma, 3.0: InverseGaussian}
        kind = named.get(self._power())
        return None if kind is None else kind(self.link)

    def variance_power(self) -> float | None:
        return self._power()

    def start(self, y: Array, weight: Array) -> Array:
        return np.where(y == 0.0, 0.1, y)

    def check_response(self, y: Array) -> None:
        power = self._power()
        if power == 0.0:
            return
        family: Family = Poisson(self.link) if power < 2.0 else Gamma(self.link)
        family.check_response(y)

    def examples(self) -> tuple[Family, ...]:
        return tuple(replace(self, var_power=power) for power in (1.2, 1.5, 1.9, 2.5))

    def describe(self) -> str:
        return self.name if self.var_power is None else f"{self.name}(var_power={self.var_power:g})"


def _entropy(share: Array) -> Array:
    """Return -y log y - (1 - y) log(1 - y); nothing is computed where y is 0 or 1."""
    out = np.zeros(share.shape)
    inside = (share != 0.0) & (share != 1.0)
    if inside.any():
        part = share[inside]
        out[inside] = special.entr(part) + special.entr(1.0 - part)
    return out


def _logit_working(y: Array, eta: Array) -> Working:
    """Return the working values of a binomial share with the logit link.

    One exponential of -abs(eta) gives all of them, in place, with both tails exact: a
    pass over many rows is made of little else.
    """
    tail = np.abs(eta)
    np.exp(np.negative(tail, out=tail), out=tail)
    larger = np.reciprocal(tail + 1.0)
    smaller = tail * larger
    larger *= smaller  # the variance
    missed = np.subtract(y, eta >= 0.0)
    score = np.copysign(smaller, eta, out=smaller)
    score += missed
    loss = np.log1p(tail, out=tail)
    missed *= eta
    loss -= missed
    loss -= _entropy(y)
    loss *= 2.0
    return Working(loss, score, larger)


def _stats() -> Any:
    # scipy.stats takes longer to import than glmfit, and few ask for a distribution
    from scipy import stats

    return stats


def _relative_log(y: Array, mu: Array) -> Array:
    """Return y log(y / mu), exact for mu near y and 0 at y = 0."""
    positive = y > 0.0
    safe = np.where(positive, y, 1.0)
    return np.where(positive, -y * _log_ratio(mu, safe, (mu - y) / safe), 0.0)


def _log_ratio(above: Array, below: Array, excess: Array) -> Array:
    """Return log(above / below), where excess is above / below - 1.

    Far below 1 the excess is all but -1, and its log1p is lost to rounding.
    """
    far = excess < -0.5
    ratio = np.divide(above, below, out=np.ones_like(excess), where=far)
    with np.errstate(divide="ignore"):  # a mean that has underflowed
        return np.where(far, np.log(ratio), np.log1p(np.maximum(excess, -0.5)))


def stirling_remainder(x: Array) -> Array:
    """Return log Gamma(x + 1) - (x log x - x + log(2 pi x) / 2), for x > 0.

    References
    ----------
    Loader, C. (2000). Fast and accurate computation of binomial probabilities.
    """
    near = np.minimum(x, STIRLING_FROM)
    exact = special.gammaln(near + 1.0) - (special.xlogy(near, near) - near)
    exact = exact - 0.5 * np.log(2.0 * np.pi * near)
    inverse = 1.0 / np.maximum(x, STIRLING_FROM)
    square = inverse * inverse
    series = np.zeros_like(inverse)
    for coefficient in STIRLING_SERIES:
        series = series * square + coefficient
    return np.where(x < STIRLING_FROM, exact, series * inverse)


STIRLING_FROM = 16.0
STIRLING_SERIES = (-691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)


def _power_integral(mu: Array, power: float) -> Array:
    """Return the integral of mu^(-power/3)."""
    if power == 3.0:
        return np.log(mu)
    exponent = 1.0 - power / 3.0
    return np.power(mu, exponent) / exponent


def _tweedie_log_density(y: Array, mu: Array, phi: Array, power: float) -> Array:
    """Return the compound Poisson-gamma log density (Dunn and Smyth 2005, eq. 2)."""
    a, b = 1.0 - power, 2.0 - power
    exponent = (y * np.power(mu, a) / a - np.power(mu, b) / b) / phi
    alpha = -b / a
    positive = y > 0.0
    safe = np.where(positive, y, 1.0)
    log_argument = alpha * np.log(safe / -a) - (1.0 + alpha) * np.log(phi) - math.log(b)
    series = _log_bessel(alpha, log_argument)
    return np.where(positive, series - np.log(safe) + exponent, exponent)


def _log_bessel(alpha: float, log_x: Array) -> Array:
    """Return the log of Wright's function, the sum over j of x^j / (j! Gamma(alpha j)).

    SciPy 1.17 has it to 1e-11 for alpha up to 2, and up to 4.9 for large x. Elsewhere (Tweedie
    powers below 1.33) it is off by up to 0.3, and there the terms are added up.
    """
    peak = np.exp((log_x - alpha * math.log(alpha)) / (1.0 + alpha))
    summed = (alpha > 2.0) & ((peak < 1000.0) | (alpha > 4.9) | (log_x > 700.0))
    out = np.empty_like(log_x)
    out[~summed] = special.log_wright_bessel(alpha, 0.0, np.exp(log_x[~summed]))
    if summed.any():
        out[summed] = _log_bessel_sum(alpha, log_x[summed], peak[summed])
    return out


def _log_bessel_sum(alpha: float, log_x: Array, peak: Array) -> Array:
    """Add up the terms about the largest, ``peak`` (Dunn and Smyth 2005, sec. 3)."""

    def log_term(j: Array) -> Array:
        return j * log_x - special.gammaln(j + 1.0) - special.gammaln(alpha * j)

    # the terms fall off like a normal density with this standard deviation
    reach = math.ceil(9.0 * math.sqrt(float(peak.max()) / (1.0 + alpha))) + 10
    first = np.maximum(np.floor(peak) - reach, 1.0)
    largest = log_term(np.maximum(np.round(peak), 1.0))
    total = np.zeros_like(log_x)
    for k in range(2 * reach + 1):
        total += np.exp(log_term(first + k) - largest)
    return largest + np.log(total)


FAMILIES: dict[str, Family] = {}
"""Registered families by every name that they answer to."""


def family_key(name: str) -> str:
    """Return the form of a name under which families are registered."""
    return re.sub(r"[\s_.\-]", "", name).lower()


def register_family(family: Family, *aliases: str) -> None:
    """Make ``family`` known by its own name and by ``aliases``."""
    for name in (family.name, *aliases):
        FAMILIES[family_key(name)] = family


register_family(Gaussian(), "normal")
register_family(Binomial(), "bernoulli")
register_family(Poisson())
register_family(Gamma())
register_family(InverseGaussian())
register_family(NegativeBinomial(), "nb", "nb2")
register_family(Tweedie())
register_family(QuasiBinomial())
register_family(QuasiPoisson())


def resolve_family(family: Any, link: str | Link | type[Link] | None = None) -> Family:
    """Return the family that a name, a class or an instance stands for.

    Parameters
    ----------
    family : str, Family or type of Family
        A registered name such as ``"poisson"``, an instance, or a class.
    link : str, Link or type of Link, optional
        Replaces the family's link.

    Raises
    ------
    ArgumentError
        If the name is not registered, or the family still lacks a parameter.
    ArgumentTypeError
        If ``family`` is something else.

    Examples
    --------
    >>> resolve_family("binomial", link="probit")
    Binomial(link=Probit())
    """
    found = _find_family(family)
    found = found if link is None else found.with_link(link)
    missing = found.missing_parameter()
    if missing is not None and not found.estimated_by_fit:
        raise ArgumentError(
            f"The {found.name} family with the {found.link} link needs {missing}: "
            f"give families.{type(found).__name__}({missing}=...). "
            "glm() estimates alpha of a NegativeBinomial with the log link, and nothing else."
        )
    return found


def _find_family(family: Any) -> Family:
    if isinstance(family, Family):
        return family
    if isinstance(family, type) and issubclass(family, Family):
        return family()
    if isinstance(family, str):
        key = family_key(family)
        if key in FAMILIES:
            return FAMILIES[key]
        names = sorted({known.name for known in FAMILIES.values()})
        raise ArgumentError(
            f"There is no family {family!r}.{suggest(key, FAMILIES)} Known: {', '.join(names)}."
        )
    raise ArgumentTypeError(
        f"A family is a name such as 'poisson' or an instance such as families.Poisson(); "
        f"got {type(family).__name__}."
    )
