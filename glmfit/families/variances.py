"""Variance functions of quasi families: named ones, powers, and a user's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, ArgumentTypeError, suggest
from glmfit.families.base import NON_NEGATIVE, Family
from glmfit.families.continuous import Gamma, Gaussian, InverseGaussian
from glmfit.families.discrete import Binomial, Poisson
from glmfit.families.logarithms import power_deviance
from glmfit.links import POSITIVE, Interval

__all__ = ["VarianceFunction", "resolve_variance"]

Array = NDArray[np.float64]

NAMED: dict[str, type[Family]] = {
    "constant": Gaussian,
    "mu": Poisson,
    "mu^2": Gamma,
    "mu^3": InverseGaussian,
    "mu(1-mu)": Binomial,
}
"""Families whose variance has a name, which is R's."""

STEP = 6e-6
"""Step of a central difference, the cube root of rounding."""

SPACING = 0.05
NODES = SPACING * np.arange(-100.0, 81.0)
"""Points of the double exponential rule on the line."""

VANISHED = 1e-9
"""Share of an integral that its last term may be where it converges."""


@dataclass(frozen=True, slots=True)
class VarianceFunction:
    """A variance function V, with what is known of it.

    Parameters
    ----------
    name : str
        One of "constant", "mu", "mu^2", "mu^3", "mu(1-mu)", a power such as "mu^1.5", or
        any name of a function of one's own.
    function : callable, optional
        V of an array of means, element by element.
    derivative : callable, optional
        dV/dmu; differences of V by default.
    deviance : callable, optional
        Unit deviance of arrays of responses and means, 2 times the integral of
        (y - t) / V(t) from mu to y; integrated numerically by default. Where that integral
        is infinite, as for V = mu^2 (1 - mu)^2 at a response of 0, it may be given up to a
        function of y.
    low, high : float
        Ends of the means.

    Examples
    --------
    >>> import numpy as np
    >>> half = VarianceFunction("half", lambda mu: np.sqrt(mu), low=0.0)
    >>> half.unit_deviance(np.array([0.0, 4.0]), np.array([1.0, 1.0])).round(6)
    array([1.333333, 6.666667])
    """

    name: str
    function: Callable[..., Any] | None = None
    derivative: Callable[..., Any] | None = None
    deviance: Callable[..., Any] | None = None
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        if self.function is None and self.family is None and self.power is None:
            raise ArgumentError(
                f"There is no variance function {self.name!r}.{suggest(self.name, NAMED)} Known: "
                f"{', '.join(NAMED)}, and powers such as 'mu^1.5'; or give a function of mu."
            )

    def __call__(self, mu: Array) -> Array:
        """Return V(mu)."""
        if self.family is not None:
            return self.family.variance(mu)
        if self.function is None:
            return np.power(mu, self.known_power())
        return _values(self.function(mu), mu, "The variance function")

    @property
    def family(self) -> Family | None:
        """The family whose variance it is, if it has a name and no function."""
        kind = None if self.function is not None else NAMED.get(self.name)
        return None if kind is None else kind()

    @property
    def power(self) -> float | None:
        """The k of mu^k, or None where the variance is no power."""
        if self.function is not None:
            return None
        if self.family is not None:
            return self.family.variance_power()
        found = re.fullmatch(r"mu\^([0-9]*\.?[0-9]+)", self.name)
        return None if found is None else float(found[1])

    def known_power(self) -> float:
        """Return the power of a variance that is one."""
        assert self.power is not None
        return self.power

    @property
    def means(self) -> Interval:
        """The means that it is for."""
        if self.family is not None:
            return self.family.mean_domain
        return POSITIVE if self.function is None else Interval(self.low, self.high)

    @property
    def responses(self) -> Interval:
        """The responses that it is for; ends of its means among them."""
        if self.family is not None:
            return self.family.response_domain
        if self.function is None:
            # the deviance of a response of 0 is infinite from the square on
            return NON_NEGATIVE if self.known_power() < 2.0 else POSITIVE
        return Interval(self.low, self.high, np.isfinite(self.low), np.isfinite(self.high))

    def slope(self, mu: Array) -> Array:
        """Return dV/dmu."""
        if self.family is not None:
            return self.family.variance_deriv(mu)
        if self.derivative is not None:
            return _values(self.derivative(mu), mu, "The derivative of the variance function")
        if self.function is None:
            power = self.known_power()
            return power * np.power(mu, power - 1.0)
        room = 0.5 * np.minimum(mu - self.low, self.high - mu)
        step = np.minimum(STEP * np.maximum(np.abs(mu), STEP), room)
        return (self(mu + step) - self(mu - step)) / (2.0 * step)

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        """Return 2 times the integral of (y - t) / V(t) from mu to y."""
        if self.family is not None:
            return self.family.unit_deviance(y, mu)
        if self.deviance is not None:
            return _values(self.deviance(y, mu), mu, "The deviance")
        if self.function is None:
            return power_deviance(y, mu, self.known_power())
        return _integrated(self, y, mu)


def _values(found: Any, like: Array, what: str) -> Array:
    """Return what a user's function gave, or raise if that is not a number for each row."""
    try:
        values = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{what} must return numbers ({error}).") from error
    if values.shape not in ((), like.shape):
        raise ArgumentError(
            f"{what} must return a number for each mean: shape {like.shape}, not {values.shape}."
        )
    return np.broadcast_to(values, like.shape).copy()


def _integrated(variance: VarianceFunction, y: Array, mu: Array) -> Array:
    """Return the deviance by the double exponential rule; inf where it has no bound.

    With t = y + (mu - y) s it is 2 (mu - y)^2 times the integral of s / V(t) from 0 to 1,
    which may be singular at 0, the response.

    References
    ----------
    Takahasi, H. and Mori, M. (1974). Double exponential formulas for numerical integration.
    *Publications of the RIMS* 9, 721-741.
    """
    gap = mu - y
    total, first = np.zeros_like(gap), np.zeros_like(gap)
    with np.errstate(all="ignore"):
        for place, node in enumerate(NODES):
            turn = np.pi * np.sinh(node)
            share, rest = 1.0 / (1.0 + np.exp(-turn)), 1.0 / (1.0 + np.exp(turn))
            mass = SPACING * np.pi * np.cosh(node) * share * rest
            term = mass * share / variance(y + gap * share)
            first = np.abs(term) if place == 0 else first
            total += term
        value = 2.0 * gap * gap * total
        value = np.where(first > VANISHED * np.abs(total), np.inf, value)
    return np.where(gap == 0.0, 0.0, value)


def resolve_variance(given: Any) -> VarianceFunction:
    """Return the variance function that a name, a function or an instance stands for.

    Raises
    ------
    ArgumentError
        If a name is not known.
    ArgumentTypeError
        If it is something else.
    """
    if isinstance(given, VarianceFunction):
        return given
    if isinstance(given, str):
        plain = re.sub(r"\s", "", given).replace("**", "^").replace("*(", "(")
        return VarianceFunction("constant" if plain == "1" else plain)
    if callable(given):
        name = getattr(given, "__name__", type(given).__name__)
        return VarianceFunction("function" if name == "<lambda>" else name, given)
    raise ArgumentTypeError(
        "variance= is a name such as 'mu^2', a function of mu, or a VarianceFunction; got "
        f"{type(given).__name__}."
    )
