"""Likelihoods of counts in eta-space: negative binomial, zero-inflated, and hurdle models."""

from glmfit.counts.gammas import saturated_poisson
from glmfit.counts.kernels import CountKernel, NegativeBinomialCount, PoissonCount
from glmfit.counts.likelihoods import (
    CountLikelihood,
    Hurdle,
    PlainCount,
    ZeroInflated,
)

__all__ = [
    "CountKernel",
    "CountLikelihood",
    "Hurdle",
    "NegativeBinomialCount",
    "PlainCount",
    "PoissonCount",
    "ZeroInflated",
    "saturated_poisson",
]
