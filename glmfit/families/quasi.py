"""Variance functions with a free dispersion, of which there is no distribution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glmfit.distributions import Tails
from glmfit.errors import ResponseError
from glmfit.families.base import Family, Working
from glmfit.families.discrete import Binomial, Poisson
from glmfit.families.variances import VarianceFunction, resolve_variance
from glmfit.links import Interval

__all__ = ["Quasi", "QuasiBinomial", "QuasiPoisson"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class QuasiFamily(Family):
    """What families without a distribution share; stands before one of the same variance."""

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
class QuasiBinomial(QuasiFamily, Binomial):
    """Binomial variance with a free dispersion; there is no likelihood."""

    name: ClassVar[str] = "QuasiBinomial"


@dataclass(frozen=True, slots=True)
class QuasiPoisson(QuasiFamily, Poisson):
    """Poisson variance with a free dispersion; there is no likelihood."""

    name: ClassVar[str] = "QuasiPoisson"


@dataclass(frozen=True, slots=True)
class Quasi(QuasiFamily):
    """A variance function of one's own with a free dispersion; there is no likelihood.

    Parameters
    ----------
    link : Link, type of Link or str, optional
        Identity by default, as R's ``quasi`` has it.
    variance : str, callable or VarianceFunction
        V in Var(y) = phi V(mu) / weight: "constant" (the default), "mu", "mu^2", "mu^3",
        "mu(1-mu)", another power such as "mu^1.5", a function of an array of means, or a
        `VarianceFunction`, which may say more of it.

    Notes
    -----
    The response is what the variance function is for: any number, or numbers from 0, or
    shares. Shares of trials take their number as ``var_weights``.

    References
    ----------
    Wedderburn, R. W. M. (1974). Quasi-likelihood functions, generalized linear models, and
    the Gauss-Newton method. *Biometrika* 61, 439-447.

    Examples
    --------
    >>> import glmfit as gf
    >>> trees = gf.datasets.load("trees")
    >>> family = gf.families.Quasi(link="log", variance=lambda mu: mu**1.5)
    >>> gf.glm("volume ~ girth", trees, family).fit().params.round(4)
    Intercept    1.2009
    girth        0.1571
    dtype: float64
    """

    variance: VarianceFunction = "constant"  # type: ignore[assignment]  # by __post_init__

    name: ClassVar[str] = "Quasi"

    def __post_init__(self) -> None:
        Family.__post_init__(self)
        object.__setattr__(self, "variance", resolve_variance(self.variance))

    @property
    def mean_domain(self) -> Interval:  # type: ignore[override]  # it depends on the variance
        return self.variance.means

    @property
    def response_domain(self) -> Interval:  # type: ignore[override]
        return self.variance.responses

    def variance_deriv(self, mu: Array) -> Array:
        return self.variance.slope(mu)

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        return self.variance.unit_deviance(y, mu)

    def variance_power(self) -> float | None:
        return self.variance.power

    def _like(self) -> Family | None:
        """Return the family that has the variance and a distribution, if there is one."""
        found = self.variance.family
        return None if found is None else replace(found, link=self.link)

    def working(self, y: Array, eta: Array) -> Working:
        like = self._like()
        return Family.working(self, y, eta) if like is None else like.working(y, eta)

    def observed_weight(self, y: Array, eta: Array) -> Array:
        like = self._like()
        if like is None:
            return Family.observed_weight(self, y, eta)
        return like.observed_weight(y, eta)

    def start(self, y: Array, weight: Array) -> Array:
        like = self._like()
        if like is not None:
            return like.start(y, weight)
        # a response at an end of the means is moved towards the others
        inside = self.mean_domain.contains(y)
        return np.where(inside, y, 0.5 * (y + y.mean()))

    def check_response(self, y: Array) -> None:
        Family.check_response(self, y)
        if self.variance.function is None:
            return
        centre = np.full_like(y, y.mean())
        bad = ~(np.isfinite(self.unit_deviance(y, centre)) & (self.variance(centre) > 0.0))
        if bad.any():
            first = int(np.argmax(bad))
            raise ResponseError(
                f"Under the variance function {self.variance.name} the deviance has no bound for "
                f"{int(bad.sum())} of {y.size} values of the response, the first is "
                f"{y.flat[first]:g} (observation {first}): V must be above 0 between the "
                "responses, and vanish slower than a square at them. Give deviance= to "
                "VarianceFunction to say what stands for it."
            )

    def examples(self) -> tuple[Family, ...]:
        named = ("constant", "mu", "mu^2", "mu^3", "mu(1-mu)", "mu^1.5")
        links = ("identity", "log", "log", "log", "logit", "log")
        made = (Quasi(link, given) for link, given in zip(links, named, strict=True))  # type: ignore[arg-type]
        own = Quasi("log", VarianceFunction("linear", _linear, low=0.0))  # type: ignore[arg-type]
        return (*made, own)

    def describe(self) -> str:
        return f"{self.name}(variance={self.variance.name})"


def _linear(mu: Array) -> Array:
    return 0.5 + mu
