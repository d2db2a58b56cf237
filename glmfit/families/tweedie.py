"""The Tweedie family, of which all power variances are."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glmfit.distributions import Tails, compound_tails
from glmfit.errors import ArgumentError, require_number
from glmfit.families.base import Family, Slopes
from glmfit.families.compound import LOG_PHI, compound_density, compound_derivatives
from glmfit.families.continuous import Gamma, Gaussian, InverseGaussian
from glmfit.families.discrete import Poisson
from glmfit.families.logarithms import power_deviance
from glmfit.links import POSITIVE, Interval, Link, Log

__all__ = ["Tweedie"]

Array = NDArray[np.float64]


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
        special_case = self._named_family()
        if special_case is not None:
            return special_case.unit_deviance(y, mu)
        return power_deviance(y, mu, self._power())

    def saturated(self, y: Array, weight: Array, scale: float) -> Array:
        special_case = self._named_family()
        if special_case is not None:
            return special_case.saturated(y, weight, scale)
        if not 1.0 < self._power() < 2.0:
            return Family.saturated(self, y, weight, scale)
        inner = np.where(y > 0.0, y, 1.0)
        rows = compound_density(inner, inner, scale / weight, self._power())
        return np.where(y > 0.0, rows, 0.0)

    def saturated_slopes(self, y: Array, weight: Array, scale: float) -> Slopes:
        special_case = self._named_family()
        if special_case is not None:
            return special_case.saturated_slopes(y, weight, scale)
        if not 1.0 < self._power() < 2.0:
            return Family.saturated_slopes(self, y, weight, scale)
        inner = np.where(y > 0.0, y, 1.0)
        found = compound_derivatives(inner, inner, scale / weight, self._power())
        return Slopes(*(np.where(y > 0.0, found[k][LOG_PHI[k]], 0.0) for k in (1, 2)))

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
