"""Families of counts and of shares of trials: binomial, Poisson and negative binomial."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit import links
from glmfit.distributions import Tails, beta_tail, lattice_tails, scipy_stats, whole
from glmfit.errors import ArgumentError, NotAvailableError, require_number
from glmfit.families.base import NON_NEGATIVE, PROPORTION, Family, Working
from glmfit.families.logarithms import entropy, poisson_deviance, relative_log, stirling_remainder
from glmfit.links import POSITIVE, UNIT, Interval, Link, Log, Logit

__all__ = ["Binomial", "NegativeBinomial", "Poisson"]

Array = NDArray[np.float64]


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
        """Return the value at mu = y, without ``likelihoods.log_choose``, the binomial part."""
        return -weight * entropy(y) / scale

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        count = whole(weight * y, "successes", self.name)
        trials = whole(weight, "trials", self.name)
        return lattice_tails(
            count,
            lambda k: beta_tail(trials - k, k + 1.0, 1.0 - mu),
            lambda k: beta_tail(k + 1.0, trials - k, mu),
        )

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        return scipy_stats().binom(n=weight, p=mu)

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
        loss = entropy(y)
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
        return poisson_deviance(y, mu)

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
        return scipy_stats().poisson(mu)

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
        return 2.0 * (relative_log(y, mu) + shared)

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
        return scipy_stats().nbinom(n=1.0 / self._alpha(), p=1.0 / (1.0 + self._alpha() * mu))

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
    loss -= entropy(y)
    loss *= 2.0
    return Working(loss, score, larger)
