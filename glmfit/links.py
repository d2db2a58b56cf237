"""Link functions: eta = g(mu), the inverse, its derivatives and its exact tails.

A link is an immutable record. Besides the inverse and its derivative it answers, in
terms of eta alone, the questions whose answers lose all digits when they are
computed from mu: log(mu), log(1 - mu), and the two hazards mu'/mu and mu'/(1 - mu).
Adding a link means adding one class here and one line in `LINKS`; the contract
tests pick it up from there.

Shapes: every method takes and returns float arrays of one shape, element by element.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.errors import ArgumentError, ArgumentTypeError, require_number, suggest

__all__ = [
    "LINKS",
    "CLogLog",
    "Cauchy",
    "Identity",
    "Interval",
    "InversePower",
    "InverseSquared",
    "Link",
    "Log",
    "LogC",
    "LogLog",
    "Logit",
    "NegativeBinomial",
    "Power",
    "Probit",
    "Sqrt",
    "register_link",
    "resolve_link",
]

Array = NDArray[np.float64]

LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval of the real line, open unless an end is said to be closed.

    Examples
    --------
    >>> Interval(0.0, 1.0).contains(np.array([0.0, 0.5]))
    array([False,  True])
    """

    low: float = -math.inf
    high: float = math.inf
    closed_low: bool = False
    closed_high: bool = False

    @property
    def unbounded(self) -> bool:
        """Whether every real number lies inside."""
        return self.low == -math.inf and self.high == math.inf

    def contains(self, values: Array) -> NDArray[np.bool_]:
        """Return which of ``values`` lie inside."""
        above = values >= self.low if self.closed_low else values > self.low
        below = values <= self.high if self.closed_high else values < self.high
        return above & below

    def __str__(self) -> str:
        left = "[" if self.closed_low else "("
        right = "]" if self.closed_high else ")"
        return f"{left}{self.low:g}, {self.high:g}{right}"


REAL = Interval()
POSITIVE = Interval(0.0, math.inf)
NEGATIVE = Interval(-math.inf, 0.0)
UNIT = Interval(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Link:
    """A monotone function g with eta = g(mu).

    Subclasses give ``link``, ``inverse``, ``inverse_deriv`` and ``log_slope``;
    the rest follows, and is overridden where the general formula loses digits.
    """

    name: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    mean_range: ClassVar[Interval] = REAL
    """The values that the inverse can take."""

    def link(self, mu: Array) -> Array:
        """Return eta = g(mu)."""
        raise NotImplementedError(f"{type(self).__name__} does not define link()")

    def inverse(self, eta: Array) -> Array:
        """Return mu."""
        raise NotImplementedError(f"{type(self).__name__} does not define inverse()")

    def inverse_deriv(self, eta: Array) -> Array:
        """Return dmu/deta."""
        raise NotImplementedError(f"{type(self).__name__} does not define inverse_deriv()")

    def log_slope(self, eta: Array) -> Array:
        """Return the derivative of log|dmu/deta|, that is mu''/mu'."""
        raise NotImplementedError(f"{type(self).__name__} does not define log_slope()")

    def eta_domain(self, means: Interval) -> Interval:
        """Return the values of eta whose mean lies in ``means``."""
        low = max(means.low, self.mean_range.low)
        high = min(means.high, self.mean_range.high)
        with np.errstate(all="ignore"):
            ends = self.link(np.array([low, high]))
        return Interval(float(ends.min()), float(ends.max()))

    def complement(self, eta: Array) -> Array:
        """Return 1 - mu, without cancellation where the link allows it."""
        return 1.0 - self.inverse(eta)

    def log_mean(self, eta: Array) -> Array:
        """Return log(mu)."""
        return np.log(self.inverse(eta))

    def log_complement(self, eta: Array) -> Array:
        """Return log(1 - mu)."""
        return np.log(self.complement(eta))

    def reversed_hazard(self, eta: Array) -> Array:
        """Return mu'/mu, the derivative of log(mu)."""
        return self.inverse_deriv(eta) / self.inverse(eta)

    def hazard(self, eta: Array) -> Array:
        """Return mu'/(1 - mu), minus the derivative of log(1 - mu)."""
        return self.inverse_deriv(eta) / self.complement(eta)

    def inverse_deriv2(self, eta: Array) -> Array:
        """Return the second derivative of mu with respect to eta."""
        return self.inverse_deriv(eta) * self.log_slope(eta)

    def deriv(self, mu: Array) -> Array:
        """Return g'(mu) = deta/dmu."""
        return 1.0 / self.inverse_deriv(self.link(np.asarray(mu, dtype=float)))

    def deriv2(self, mu: Array) -> Array:
        """Return g''(mu)."""
        eta = self.link(np.asarray(mu, dtype=float))
        return -self.log_slope(eta) / self.inverse_deriv(eta) ** 2

    def examples(self) -> tuple[Link, ...]:
        """Return instances that the contract tests run over."""
        return (self,)

    def __call__(self, mu: Array) -> Array:
        """Return g(mu), as statsmodels spells it."""
        return self.link(np.asarray(mu, dtype=float))

    def __str__(self) -> str:
        return self.name


def _log_share(share: Array, rest: Array) -> Array:
    """Return log(share) of ``share + rest = 1``, to full precision near 1 too.

    The logarithm of a share that rounds to 1 would be 0, or all rounding.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(share < 0.5, np.log(share), np.log1p(-rest))


class _Mirrored(Link):
    """Probability links that are symmetric: 1 - mu(eta) = mu(-eta)."""

    __slots__ = ()

    def complement(self, eta: Array) -> Array:
        return self.inverse(-eta)

    def log_complement(self, eta: Array) -> Array:
        return self.log_mean(-eta)

    def hazard(self, eta: Array) -> Array:
        return self.reversed_hazard(-eta)


@dataclass(frozen=True, slots=True)
class Logit(_Mirrored):
    """Log odds: eta = log(mu / (1 - mu))."""

    name: ClassVar[str] = "logit"
    formula: ClassVar[str] = "log(mu / (1 - mu))"
    mean_range: ClassVar[Interval] = UNIT

    def link(self, mu: Array) -> Array:
        return special.logit(mu)

    def inverse(self, eta: Array) -> Array:
        return special.expit(eta)

    def inverse_deriv(self, eta: Array) -> Array:
        return special.expit(eta) * special.expit(-eta)

    def log_slope(self, eta: Array) -> Array:
        return -np.tanh(0.5 * eta)

    def log_mean(self, eta: Array) -> Array:
        return special.log_expit(eta)

    def reversed_hazard(self, eta: Array) -> Array:
        return special.expit(-eta)


@dataclass(frozen=True, slots=True)
class Probit(_Mirrored):
    """Normal quantile: eta = Phi^-1(mu)."""

    name: ClassVar[str] = "probit"
    formula: ClassVar[str] = "Phi^-1(mu)"
    mean_range: ClassVar[Interval] = UNIT

    def link(self, mu: Array) -> Array:
        return special.ndtri(mu)

    def inverse(self, eta: Array) -> Array:
        return special.ndtr(eta)

    def inverse_deriv(self, eta: Array) -> Array:
        return np.exp(-0.5 * eta * eta - LOG_SQRT_2PI)

    def log_slope(self, eta: Array) -> Array:
        return -eta

    def log_mean(self, eta: Array) -> Array:
        return special.log_ndtr(eta)

    def reversed_hazard(self, eta: Array) -> Array:
        # phi/Phi = sqrt(2/pi) / erfcx(-eta/sqrt 2): exact where both underflow
        return math.sqrt(2.0 / math.pi) / special.erfcx(-eta * math.sqrt(0.5))


@dataclass(frozen=True, slots=True)
class Cauchy(_Mirrored):
    """Cauchy quantile (cauchit): eta = tan(pi (mu - 1/2))."""

    name: ClassVar[str] = "cauchit"
    formula: ClassVar[str] = "tan(pi (mu - 1/2))"
    mean_range: ClassVar[Interval] = UNIT

    def link(self, mu: Array) -> Array:
        # -1/tan(pi mu), from the nearer end, keeps the tails
        with np.errstate(divide="ignore"):
            return np.where(mu < 0.5, -1.0 / np.tan(np.pi * mu), 1.0 / np.tan(np.pi * (1.0 - mu)))

    def eta_domain(self, means: Interval) -> Interval:
        if means.low <= 0.0 and means.high >= 1.0:
            return REAL
        return Link.eta_domain(self, means)

    def inverse(self, eta: Array) -> Array:
        return np.arctan2(1.0, -eta) / np.pi

    def inverse_deriv(self, eta: Array) -> Array:
        return 1.0 / (np.pi * (1.0 + eta * eta))

    def log_slope(self, eta: Array) -> Array:
        return -2.0 * eta / (1.0 + eta * eta)

    def log_mean(self, eta: Array) -> Array:
        return _log_share(self.inverse(eta), self.inverse(-eta))


@dataclass(frozen=True, slots=True)
class CLogLog(Link):
    """Complementary log-log: eta = log(-log(1 - mu))."""

    name: ClassVar[str] = "cloglog"
    formula: ClassVar[str] = "log(-log(1 - mu))"
    mean_range: ClassVar[Interval] = UNIT

    def link(self, mu: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(-np.log1p(-mu))

    def inverse(self, eta: Array) -> Array:
        return -np.expm1(-np.exp(eta))

    def complement(self, eta: Array) -> Array:
        return np.exp(-np.exp(eta))

    def inverse_deriv(self, eta: Array) -> Array:
        return np.exp(eta - np.exp(eta))

    def log_slope(self, eta: Array) -> Array:
        return -np.expm1(eta)

    def log_mean(self, eta: Array) -> Array:
        return _log_share(self.inverse(eta), self.complement(eta))

    def log_complement(self, eta: Array) -> Array:
        return -np.exp(eta)

    def hazard(self, eta: Array) -> Array:
        return np.exp(eta)

    def reversed_hazard(self, eta: Array) -> Array:
        # e^eta / (exp(e^eta) - 1), whose limit at -inf is 1
        return 1.0 / special.exprel(np.exp(eta))


@dataclass(frozen=True, slots=True)
class LogLog(Link):
    """Log-log: eta = -log(-log(mu)), the mirror image of `CLogLog`."""

    name: ClassVar[str] = "loglog"
    formula: ClassVar[str] = "-log(-log(mu))"
    mean_range: ClassVar[Interval] = UNIT

    def link(self, mu: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return -np.log(-np.log(mu))

    def inverse(self, eta: Array) -> Array:
        return np.exp(-np.exp(-eta))

    def complement(self, eta: Array) -> Array:
        return -np.expm1(-np.exp(-eta))

    def inverse_deriv(self, eta: Array) -> Array:
        return np.exp(-eta - np.exp(-eta))

    def log_slope(self, eta: Array) -> Array:
        return np.expm1(-eta)

    def log_mean(self, eta: Array) -> Array:
        return -np.exp(-eta)

    def log_complement(self, eta: Array) -> Array:
        return _log_share(self.complement(eta), self.inverse(eta))

    def reversed_hazard(self, eta: Array) -> Array:
        return np.exp(-eta)

    def hazard(self, eta: Array) -> Array:
        return 1.0 / special.exprel(np.exp(-eta))


@dataclass(frozen=True, slots=True)
class Log(Link):
    """Logarithm: eta = log(mu)."""

    name: ClassVar[str] = "log"
    formula: ClassVar[str] = "log(mu)"
    mean_range: ClassVar[Interval] = POSITIVE

    def link(self, mu: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(mu)

    def inverse(self, eta: Array) -> Array:
        return np.exp(eta)

    def inverse_deriv(self, eta: Array) -> Array:
        return np.exp(eta)

    def log_slope(self, eta: Array) -> Array:
        return np.ones_like(eta)

    def complement(self, eta: Array) -> Array:
        return -np.expm1(eta)

    def log_mean(self, eta: Array) -> Array:
        return eta

    def log_complement(self, eta: Array) -> Array:
        return _log_share(self.complement(eta), self.inverse(eta))

    def reversed_hazard(self, eta: Array) -> Array:
        return np.ones_like(eta)

    def hazard(self, eta: Array) -> Array:
        return 1.0 / np.expm1(-eta)


@dataclass(frozen=True, slots=True)
class LogC(Link):
    """Log-complement: eta = log(1 - mu)."""

    name: ClassVar[str] = "logc"
    formula: ClassVar[str] = "log(1 - mu)"
    mean_range: ClassVar[Interval] = Interval(-math.inf, 1.0)

    def link(self, mu: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log1p(-mu)

    def inverse(self, eta: Array) -> Array:
        return -np.expm1(eta)

    def inverse_deriv(self, eta: Array) -> Array:
        return -np.exp(eta)

    def log_slope(self, eta: Array) -> Array:
        return np.ones_like(eta)

    def complement(self, eta: Array) -> Array:
        return np.exp(eta)

    def log_mean(self, eta: Array) -> Array:
        return _log_share(self.inverse(eta), self.complement(eta))

    def log_complement(self, eta: Array) -> Array:
        return eta

    def hazard(self, eta: Array) -> Array:
        return -np.ones_like(eta)

    def reversed_hazard(self, eta: Array) -> Array:
        return -1.0 / np.expm1(-eta)


@dataclass(frozen=True, slots=True)
class Identity(Link):
    """Identity: eta = mu."""

    name: ClassVar[str] = "identity"
    formula: ClassVar[str] = "mu"

    def link(self, mu: Array) -> Array:
        return mu

    def inverse(self, eta: Array) -> Array:
        return eta

    def inverse_deriv(self, eta: Array) -> Array:
        return np.ones_like(eta)

    def log_slope(self, eta: Array) -> Array:
        return np.zeros_like(eta)


@dataclass(frozen=True, slots=True)
class Power(Link):
    """Power: eta = mu ** power, for positive means.

    Parameters
    ----------
    power : float
        Any number but 0, whose limit is the `Log` link.
    """

    power: float = 1.0

    name: ClassVar[str] = "power"
    formula: ClassVar[str] = "mu ** power"
    mean_range: ClassVar[Interval] = POSITIVE

    def __post_init__(self) -> None:
        if not math.isfinite(require_number(self.power, "power")) or self.power == 0.0:
            raise ArgumentError(
                f"The power link needs a finite power other than 0 (got {self.power!r}); "
                "for power 0 use the log link."
            )

    def link(self, mu: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.power(mu, self.power)

    def inverse(self, eta: Array) -> Array:
        return np.power(eta, 1.0 / self.power)

    def inverse_deriv(self, eta: Array) -> Array:
        return np.power(eta, 1.0 / self.power - 1.0) / self.power

    def log_slope(self, eta: Array) -> Array:
        return (1.0 / self.power - 1.0) / eta

    def examples(self) -> tuple[Link, ...]:
        if type(self) is not Power:
            return (self,)
        return (Power(1.5), Power(0.3), Power(-0.5))

    def __str__(self) -> str:
        return f"power({self.power:g})" if type(self) is Power else self.name


@dataclass(frozen=True, slots=True)
class Sqrt(Power):
    """Square root: eta = sqrt(mu)."""

    power: float = field(default=0.5, init=False)
    name: ClassVar[str] = "sqrt"
    formula: ClassVar[str] = "sqrt(mu)"


@dataclass(frozen=True, slots=True)
class InversePower(Power):
    """Reciprocal: eta = 1 / mu."""

    power: float = field(default=-1.0, init=False)
    name: ClassVar[str] = "inverse"
    formula: ClassVar[str] = "1 / mu"
    mean_range: ClassVar[Interval] = REAL

    def eta_domain(self, means: Interval) -> Interval:
        # The sign of a mean is kept, so a positive family needs a positive eta.
        if means.low < 0.0 < means.high:
            return REAL
        low = 1.0 / means.high if means.high != 0.0 else -math.inf
        high = 1.0 / means.low if means.low != 0.0 else math.inf
        return Interval(low, high)

    def link(self, mu: Array) -> Array:
        with np.errstate(divide="ignore"):
            return 1.0 / mu

    def inverse(self, eta: Array) -> Array:
        return 1.0 / eta

    def inverse_deriv(self, eta: Array) -> Array:
        return -1.0 / (eta * eta)


@dataclass(frozen=True, slots=True)
class InverseSquared(Power):
    """Reciprocal square: eta = 1 / mu^2."""

    power: float = field(default=-2.0, init=False)
    name: ClassVar[str] = "inverse_squared"
    formula: ClassVar[str] = "1 / mu^2"


@dataclass(frozen=True, slots=True)
class NegativeBinomial(Link):
    """Canonical link of the negative binomial: eta = log(mu / (mu + 1/alpha)).

    Parameters
    ----------
    alpha : float
        Dispersion of the negative binomial, variance mu + alpha mu^2.
    """

    alpha: float = 1.0
    name: ClassVar[str] = "nbinom"
    formula: ClassVar[str] = "log(mu / (mu + 1/alpha))"
    mean_range: ClassVar[Interval] = POSITIVE

    def __post_init__(self) -> None:
        if not (math.isfinite(require_number(self.alpha, "alpha")) and self.alpha > 0.0):
            raise ArgumentError(f"The nbinom link needs alpha > 0 (got {self.alpha!r}).")

    def eta_domain(self, means: Interval) -> Interval:
        low, high = -math.inf, 0.0
        if means.low > 0.0:
            low = -math.log1p(1.0 / (self.alpha * means.low))
        if means.high != math.inf:
            high = -math.log1p(1.0 / (self.alpha * means.high))
        return Interval(low, high)

    def link(self, mu: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return -np.log1p(1.0 / (self.alpha * mu))

    def inverse(self, eta: Array) -> Array:
        return 1.0 / (self.alpha * np.expm1(-eta))

    def inverse_deriv(self, eta: Array) -> Array:
        # e^-eta / (e^-eta - 1)^2, without the square that overflows first
        return -1.0 / (self.alpha * np.expm1(-eta) * np.expm1(eta))

    def log_slope(self, eta: Array) -> Array:
        return -1.0 / np.tanh(0.5 * eta)

    def examples(self) -> tuple[Link, ...]:
        return (NegativeBinomial(1.0), NegativeBinomial(0.4))

    def __str__(self) -> str:
        return f"nbinom(alpha={self.alpha:g})"


LINKS: dict[str, Link] = {}
"""Registered links by every name that they answer to."""


def register_link(link: Link, *aliases: str) -> None:
    """Make ``link`` known by its own name and by ``aliases``."""
    for key in (link.name, *aliases):
        LINKS[key] = link


register_link(Identity())
register_link(Log())
register_link(Logit())
register_link(Probit())
register_link(CLogLog())
register_link(LogLog())
register_link(Cauchy(), "cauchy")
register_link(InversePower(), "inverse_power", "reciprocal")
register_link(InverseSquared(), "1/mu^2")
register_link(Sqrt())
register_link(LogC(), "log_complement")
register_link(Power())
register_link(NegativeBinomial(), "negativebinomial")


def resolve_link(link: str | Link | type[Link]) -> Link:
    """Return the link that a name, a class or an instance stands for.

    Parameters
    ----------
    link : str or Link or type of Link
        A registered name such as ``"probit"``, an instance, or a class that needs
        no argument.

    Raises
    ------
    ArgumentError
        If the name is not registered.
    ArgumentTypeError
        If ``link`` is something else.

    Examples
    --------
    >>> resolve_link("cloglog")
    CLogLog()
    """
    if isinstance(link, Link):
        return link
    if isinstance(link, type) and issubclass(link, Link):
        return link()
    if isinstance(link, str):
        key = link.strip().lower()
        if key in LINKS:
            return LINKS[key]
        raise ArgumentError(
            f"There is no link {link!r}.{suggest(key, LINKS)} Known: {', '.join(sorted(LINKS))}."
        )
    raise ArgumentTypeError(
        f"A link is a name such as 'logit' or an instance such as links.Logit(); "
        f"got {type(link).__name__}."
    )
