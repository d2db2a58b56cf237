"""The Tweedie family, of which all power variances are."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.distributions import Tails, compound_tails
from glmfit.errors import ArgumentError, require_number
from glmfit.families.base import Family
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
