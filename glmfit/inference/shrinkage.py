"""What a quadratic penalty leaves of information: degrees of freedom and covariances.

With A the information and P the curvature of the penalty, the estimates move by
(A + P)^-1 u for a score u of variance A. Their own variance is (A + P)^-1 A (A + P)^-1,
which says nothing of the bias that the penalty brings in; (A + P)^-1, the posterior
variance when the penalty is read as a normal prior, allows for it on average.

References
----------
Gray, R. J. (1992). Flexible methods for analyzing survival data using splines. *JASA*
87, 942-951, sec. 2.
Nychka, D. (1988). Bayesian confidence intervals for smoothing splines. *JASA* 83,
1134-1143.
Tibshirani, R. J. and Taylor, J. (2012). Degrees of freedom in lasso problems. *Annals
of Statistics* 40, 1198-1232.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.linalg import cholesky

__all__ = ["effective_df", "least_penalised", "shrunk_covariance"]

Array = NDArray[np.float64]

SAFE_PIVOT = 1e-5
"""Smallest pivot (share of a column's length) with which a matrix is not singular."""

SINGULAR = 1e-10
"""Share of the largest eigenvalue, columns scaled to unit length, that counts as 0."""


def effective_df(information: Array, curvature: Array) -> float:
    """Return the trace of (A + P)^-1 A.

    Parameters
    ----------
    information : ndarray of shape (p, p)
        A, of the coefficients that are free to move.
    curvature : ndarray of shape (p,)
        Diagonal of P.
    """
    if curvature.size == 0:
        return 0.0
    penalised = information + np.diag(curvature)
    factor = cholesky(penalised)
    if factor is not None and factor.smallest_pivot > SAFE_PIVOT:
        return float(np.sum(factor.inverse() * information))
    spread = np.sqrt(np.diag(penalised))
    spread[spread == 0.0] = 1.0
    scaled = penalised / spread / spread[:, None]
    inverse = np.linalg.pinv(scaled, rcond=SINGULAR, hermitian=True)
    return float(np.sum(inverse * (information / spread / spread[:, None])))


def shrunk_covariance(information: Array, curvature: Array, *, sandwich: bool) -> Array:
    """Return (A + P)^-1, or (A + P)^-1 A (A + P)^-1, at dispersion 1; NaN if singular.

    Parameters
    ----------
    information : ndarray of shape (p, p)
        A.
    curvature : ndarray of shape (p,)
        Diagonal of P.
    sandwich : bool
        Return the second form.
    """
    factor = cholesky(information + np.diag(curvature))
    if factor is None:
        return np.full_like(information, np.nan)
    inverse = factor.inverse()
    if not sandwich:
        return inverse
    middle = inverse @ information @ inverse
    return 0.5 * (middle + middle.T)


def least_penalised(values: Array, L1_wt: float) -> Array:
    """Return values less the constant at which an elastic net on them costs least.

    Coefficients of all classes are determined up to a constant for each column; the
    penalty settles it: at the mean for squares, at the median for absolute values (the
    middle of the medians where there are several).

    Parameters
    ----------
    values : ndarray of shape (K, p)
        Coefficients of K classes, each column up to a constant.
    L1_wt : float
        Share of the absolute values in the penalty.
    """
    if L1_wt == 0.0:
        centre = values.mean(axis=0)
    elif L1_wt == 1.0:
        centre = np.median(values, axis=0)
    else:
        centre = np.array([_centre(column, L1_wt) for column in values.T])
    return np.asarray(values - centre)


def _centre(values: Array, L1_wt: float) -> float:
    """Return the c that minimises sum of L1_wt |v - c| + (1 - L1_wt) / 2 (v - c)^2."""
    ordered = np.sort(values)
    count, mean = ordered.size, values.mean()
    share = L1_wt / (1.0 - L1_wt) / count
    for below in range(count + 1):
        # between two values the slope is linear in c; at a value it jumps
        centre = mean + share * (count - 2 * below)
        low = -np.inf if below == 0 else ordered[below - 1]
        high = np.inf if below == count else ordered[below]
        if centre <= low:
            return float(low)
        if centre < high:
            return float(centre)
    return float(ordered[-1])
