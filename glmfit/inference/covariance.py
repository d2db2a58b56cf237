"""Covariance matrices that do not rest on the model's variance.

References
----------
White, H. (1982). Maximum likelihood estimation of misspecified models. *Econometrica*.
Zeileis, A. (2006). Object-oriented computation of sandwich estimators. *Journal of
Statistical Software* 16(9).
Cameron, A. C., Gelbach, J. B. and Miller, D. L. (2011). Robust inference with multiway
clustering. *Journal of Business & Economic Statistics* 29, 238-249.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["HC_TYPES", "cluster_covariance", "hc_covariance"]

Array = NDArray[np.float64]

FULL_LEVERAGE = 1e-10
"""Distance from 1 within which a leverage is 1 but for rounding."""

HC_TYPES = ("HC0", "HC1", "HC2", "HC3")


def hc_covariance(
    kind: str, bread: Array, rows: Array, score: Array, leverage: Array, nobs: float, freq: Array
) -> Array:
    """Return the heteroscedasticity-consistent covariance.

    Parameters
    ----------
    kind : {"HC0", "HC1", "HC2", "HC3"}
        No correction; n / (n - p); division by 1 - h; by (1 - h)^2.
    bread : ndarray of shape (p, p)
        Inverse of the information.
    rows : ndarray of shape (n, p)
        Design.
    score : ndarray of shape (n,)
        Derivative of one observation's log-likelihood by eta (times phi).
    leverage : ndarray of shape (n,)
        Hat value of one observation; where it is 1, HC2 and HC3 are NaN.
    nobs : float
        Number of observations.
    freq : ndarray of shape (n,)
        How often each row was seen.
    """
    squares = score * score
    if kind in ("HC2", "HC3"):
        left = np.where(leverage > 1.0 - FULL_LEVERAGE, np.nan, 1.0 - leverage)
        squares = squares / left ** (1 if kind == "HC2" else 2)
    meat = (rows * (freq * squares)[:, None]).T @ rows
    factor = nobs / (nobs - rows.shape[1]) if kind == "HC1" else 1.0
    return factor * bread @ meat @ bread


def cluster_covariance(
    bread: Array,
    rows: Array,
    score: Array,
    codes: NDArray[np.intp],
    n_groups: int,
    nobs: float,
    *,
    correction: bool = True,
) -> Array:
    """Return the covariance that allows any dependence within groups.

    Parameters
    ----------
    bread : ndarray of shape (p, p)
    rows : ndarray of shape (n, p)
    score : ndarray of shape (n,)
        Derivative of a row's log-likelihood by eta (times phi), frequencies included.
    codes : ndarray of int, shape (n,)
        Group of each row, 0 to ``n_groups - 1``.
    n_groups : int
    nobs : float
        Number of observations.
    correction : bool
        Multiply by G / (G - 1) * (n - 1) / (n - p), as Stata and statsmodels do.
    """
    p = rows.shape[1]
    sums = np.zeros((n_groups, p))
    np.add.at(sums, codes, rows * score[:, None])
    covariance = bread @ (sums.T @ sums) @ bread
    if correction:
        covariance *= n_groups / (n_groups - 1.0) * (nobs - 1.0) / (nobs - p)
    return covariance
