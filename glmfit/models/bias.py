"""Which bias-reduced fits there are, what they are called, and whom they are for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.firth import Kind
from glmfit.errors import ArgumentError
from glmfit.families import Family
from glmfit.results.record import FitRecord

__all__ = [
    "BIAS_METHODS",
    "bias_kind",
    "bias_label",
    "bias_of",
    "check_bias_family",
    "jeffreys_penalty",
]

BIAS_METHODS: dict[str, Kind] = {"firth": "mean", "median_bias_reduced": "median"}
"""What ``fit(method=)`` calls the kinds of bias reduction."""

_LABELS: dict[Kind, str] = {"mean": "Firth bias-reduced", "median": "Median bias-reduced"}


def bias_kind(method: str) -> Kind | None:
    """Return which bias a method reduces, None for maximum likelihood."""
    return BIAS_METHODS.get(method.lower())


def bias_label(kind: Kind) -> str:
    """Return what a summary calls a bias-reduced fit."""
    return _LABELS[kind]


def bias_of(record: FitRecord) -> Kind | None:
    """Return which bias a fit has reduced, None for maximum likelihood."""
    for kind, label in _LABELS.items():
        if record.bias_reduced == label:
            return kind
    return None


def check_bias_family(family: Family, scale: Any) -> None:
    """Refuse families and dispersions for which the adjusted score is not known."""
    if family.dispersion is None:
        raise ArgumentError(
            "Bias reduction is for families whose dispersion is known (Binomial, Poisson, "
            f"NegativeBinomial with a given alpha); that of {family.describe()} is estimated. "
            "Fit it by maximum likelihood: leave method= out."
        )
    if scale is not None:
        raise ArgumentError(
            "scale= does not go with bias reduction, whose adjustment rests on the known "
            f"dispersion of {family.describe()}. Leave it out."
        )


def jeffreys_penalty(covariance: NDArray[np.float64]) -> float:
    """Return log|I| / 2, given the inverse of the information I."""
    return -0.5 * float(np.linalg.slogdet(covariance)[1])
