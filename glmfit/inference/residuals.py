"""Residuals of a generalised linear model, as functions of arrays of shape (n,)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glmfit.families import Family, Working

__all__ = [
    "anscombe",
    "deleted_scale",
    "deletion",
    "deviance",
    "pearson",
    "room",
    "standardized",
    "working",
]

Array = NDArray[np.float64]


def pearson(values: Working, slope: Array, weight: Array) -> Array:
    """Return (y - mu) sqrt(weight / V(mu)), from the working values of each row.

    Parameters
    ----------
    values : Working
        Score and expected weight by eta: their ratio keeps its digits where mu rounds.
    slope : ndarray of shape (n,)
        dmu/deta, for its sign.
    weight : ndarray of shape (n,)
        Trials times var_weights.
    """
    root = np.sqrt(values.weight)
    scaled = np.divide(values.score, root, out=np.zeros_like(root), where=root > 0.0)
    return np.copysign(1.0, slope) * scaled * np.sqrt(weight)


def deviance(values: Working, slope: Array, weight: Array) -> Array:
    """Return the signed square roots of each row's share of the deviance."""
    unit = np.maximum(values.deviance, 0.0)  # rounding may leave -1e-17
    return np.sign(values.score) * np.copysign(1.0, slope) * np.sqrt(weight * unit)


def working(family: Family, y: Array, eta: Array) -> Array:
    """Return (y - mu) g'(mu), the residual of the last weighted least squares."""
    # 0 / 0 where separated data are fitted perfectly: no step is left to say anything of
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((y - family.link.inverse(eta)) / family.link.inverse_deriv(eta))


def anscombe(family: Family, y: Array, mu: Array, weight: Array, scale: float) -> Array:
    """Return Anscombe's residuals, nearly normal for the family.

    References
    ----------
    McCullagh, P. and Nelder, J. A. (1989). *Generalized Linear Models*, section 2.4.2.
    """
    spread = family.variance(mu) ** (1.0 / 6.0)
    moved = family.anscombe_transform(y) - family.anscombe_transform(mu)
    with np.errstate(divide="ignore"):
        residual = np.divide(moved, spread, out=np.zeros_like(moved), where=moved != 0.0)
    return residual * np.sqrt(weight / scale)


def standardized(residual: Array, leverage: Array, scale: float) -> Array:
    """Return residuals over sqrt(phi (1 - h)), NaN where the leverage is 1."""
    return residual / np.sqrt(scale * room(leverage))


def room(leverage: Array) -> Array:
    """Return 1 - h, NaN where a row has a parameter of its own (h = 1)."""
    left = 1.0 - leverage
    return np.where(left > OWN_PARAMETER, left, np.nan)


OWN_PARAMETER = 1e-10
"""Distance of a leverage from 1 that is rounding."""


def deletion(deviance_residual: Array, pearson_residual: Array, leverage: Array) -> Array:
    """Return signed roots of the deviance that goes when a row is left out, in one step.

    References
    ----------
    Williams, D. A. (1987). Generalized linear model diagnostics using the deviance and
    single case deletions. *Applied Statistics* 36, 181-191, eq. 3.
    """
    share = leverage / room(leverage)
    return np.sign(deviance_residual) * np.sqrt(deviance_residual**2 + share * pearson_residual**2)


def deleted_scale(
    deviance_residual: Array, leverage: Array, deviance: float, df_resid: float
) -> Array:
    """Return the square root of the mean deviance without each row, as R's ``influence``.

    NaN where nothing is left: no degrees of freedom, or a perfect fit of the other rows.
    """
    left = deviance - deviance_residual**2 / room(leverage)
    if df_resid <= 1:
        return np.full_like(leverage, np.nan)
    some = left > OWN_PARAMETER * deviance
    return np.sqrt(np.where(some, left, np.nan) / (df_resid - 1.0))
