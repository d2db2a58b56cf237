"""Tail probabilities and quantiles, from `scipy.special` (scipy.stats is slow to import)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.errors import ArgumentError, require_number

__all__ = ["chi2_sf", "critical_value", "f_sf", "two_sided"]

Array = NDArray[np.float64]


def two_sided(statistic: Array, df: float | None) -> Array:
    """Return two-sided p-values of t (``df`` given) or z statistics."""
    size = -np.abs(statistic)
    tail = special.ndtr(size) if df is None else special.stdtr(df, size)
    return np.asarray(2.0 * tail)


def critical_value(alpha: float, df: float | None) -> float:
    """Return the upper alpha/2 quantile of t (``df`` given) or the normal."""
    if not 0.0 < require_number(alpha, "alpha") < 1.0:
        raise ArgumentError(f"alpha must lie between 0 and 1 (got {alpha!r}).")
    tail = alpha / 2.0
    return float(-special.ndtri(tail) if df is None else -special.stdtrit(df, tail))


def chi2_sf(statistic: float, df: float) -> float:
    """Return the upper tail of chi-square; NaN without degrees of freedom."""
    return float(special.chdtrc(df, statistic)) if df > 0 else float("nan")


def f_sf(statistic: float, df_num: float, df_den: float) -> float:
    """Return the upper tail of F; NaN without degrees of freedom."""
    if df_num <= 0 or df_den <= 0:
        return float("nan")
    return float(special.fdtrc(df_num, df_den, statistic))
