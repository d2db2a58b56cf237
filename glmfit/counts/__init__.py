"""Likelihoods of counts in eta-space: plain, zero-inflated, hurdle and limited models."""

from glmfit.counts.gammas import saturated_poisson
from glmfit.counts.generalized import GeneralizedPoissonCount
from glmfit.counts.kernels import CountKernel, NegativeBinomialCount, PoissonCount
from glmfit.counts.likelihoods import (
    CountLikelihood,
    Hurdle,
    PlainCount,
    ZeroInflated,
)
from glmfit.counts.limited import LimitedCount

__all__ = [
    "CountKernel",
    "CountLikelihood",
    "GeneralizedPoissonCount",
    "Hurdle",
    "LimitedCount",
    "NegativeBinomialCount",
    "PlainCount",
    "PoissonCount",
    "ZeroInflated",
    "saturated_poisson",
]
