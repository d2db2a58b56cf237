"""Families of continuous responses: normal, gamma and inverse Gaussian."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.distributions import Tails, continuous_tails, scipy_stats
from glmfit.families.base import Family, Slopes
from glmfit.families.logarithms import log_ratio, shape_slopes, stirling_remainder
from glmfit.links import POSITIVE, Identity, Interval, InversePower, InverseSquared, Link

__all__ = ["Gamma", "Gaussian", "InverseGaussian"]

Array = NDArray[np.float64]


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

    def saturated_slopes(self, y: Array, weight: Array, scale: float) -> Slopes:
        return Slopes(np.full_like(y, -0.5), np.zeros_like(y))

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        z = (y - mu) * np.sqrt(weight / scale)
        return continuous_tails(special.ndtr(z), special.ndtr(-z))

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        return scipy_stats().norm(loc=mu, scale=np.sqrt(scale / weight))

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        return rng.normal(mu, np.sqrt(scale / weight))

    def likelihood_scale(self, deviance: float, nobs: float, scale: float) -> float:
        """Return the maximum-likelihood variance, whatever estimate is shown."""
        return deviance / nobs


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
        return 2.0 * (excess - log_ratio(y, mu, excess))

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        shape = weight / scale
        return 0.5 * np.log(shape / (2.0 * np.pi)) - stirling_remainder(shape) - np.log(y)

    def saturated_slopes(self, y: Array, weight: Array, scale: float) -> Slopes:
        # by k = weight / scale: d/dlog phi is -k d/dk
        first, bend = shape_slopes(weight / scale)
        return Slopes(-first, first + bend)

    def tails(self, y: Array, mu: Array, weight: Array, scale: float) -> Tails:
        shape = weight / scale
        scaled = shape * (y / mu)
        return continuous_tails(special.gammainc(shape, scaled), special.gammaincc(shape, scaled))

    def frozen(self, mu: Array, weight: Array, scale: float) -> Any:
        shape = weight / scale
        return scipy_stats().gamma(a=shape, scale=mu / shape)

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

    def saturated_slopes(self, y: Array, weight: Array, scale: float) -> Slopes:
        return Slopes(np.full_like(y, -0.5), np.zeros_like(y))

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
        return scipy_stats().invgauss(mu=mu / precision, scale=precision)

    def draw(self, rng: np.random.Generator, mu: Array, weight: Array, scale: float) -> Array:
        return rng.wald(mu, weight / scale)
