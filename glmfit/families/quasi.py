"""Variance functions with a free dispersion, of which there is no distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glmfit.distributions import Tails
from glmfit.families.base import Family
from glmfit.families.discrete import Binomial, Poisson

__all__ = ["QuasiBinomial", "QuasiPoisson"]

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
