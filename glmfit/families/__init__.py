"""Response distributions, and the registry under whose names they are found."""

from glmfit import links
from glmfit.families.base import (
    FAMILIES,
    NON_NEGATIVE,
    Binomial,
    Family,
    Gamma,
    Gaussian,
    InverseGaussian,
    NegativeBinomial,
    Poisson,
    QuasiBinomial,
    QuasiPoisson,
    Tweedie,
    Working,
    family_key,
    register_family,
    resolve_family,
)

__all__ = [
    "FAMILIES",
    "NON_NEGATIVE",
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
    "family_key",
    "links",
    "register_family",
    "resolve_family",
]
