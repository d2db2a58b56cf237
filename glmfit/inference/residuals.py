"""Residuals of a generalised linear model, as functions of arrays of shape (n,)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glmfit.families import Family, Working

__all__ = ["anscombe", "deviance", "hat_values", "pearson", "working"]

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
    return (y - family.link.inverse(eta)) / family.link.inverse_deriv(eta)


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


def hat_values(rows: Array, weight: Array, covariance: Array) -> Array:
    """Return the leverages w_i x_i' I^-1 x_i of dense rows X, shape (n, p)."""
    spread: Array = np.einsum("ij,jk,ik->i", rows, covariance, rows, optimize=True)
    return weight * spread
