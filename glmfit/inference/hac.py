"""Covariances that allow for dependence over time: kernels over lags of the scores.

References
----------
Newey, W. K. and West, K. D. (1987). A simple, positive semi-definite, heteroskedasticity
and autocorrelation consistent covariance matrix. *Econometrica* 55, 703-708.
Andrews, D. W. K. (1991). Heteroskedasticity and autocorrelation consistent covariance
matrix estimation. *Econometrica* 59, 817-858.
Driscoll, J. C. and Kraay, A. C. (1998). Consistent covariance matrix estimation with
spatially dependent panel data. *Review of Economics and Statistics* 80, 549-560.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import matmul_toeplitz

__all__ = ["KERNELS", "kernel_weights", "lagged_meat", "usual_lags"]

Array = NDArray[np.float64]


def _bartlett(x: Array) -> Array:
    return np.maximum(1.0 - x, 0.0)


def _parzen(x: Array) -> Array:
    near = 1.0 - 6.0 * x**2 + 6.0 * x**3
    return np.where(x <= 0.5, near, 2.0 * np.maximum(1.0 - x, 0.0) ** 3)


def _quadratic_spectral(x: Array) -> Array:
    angle = 6.0 * np.pi * np.where(x == 0.0, 1.0, x) / 5.0
    inner = 3.0 / angle**2 * (np.sin(angle) / angle - np.cos(angle))
    return np.where(x == 0.0, 1.0, inner)


def _uniform(x: Array) -> Array:
    return np.where(x < 1.0, 1.0, 0.0)


KERNELS: dict[str, Callable[[Array], Array]] = {
    "bartlett": _bartlett,
    "parzen": _parzen,
    "quadratic spectral": _quadratic_spectral,
    "uniform": _uniform,
}
"""Weights by lag over bandwidth; all but the quadratic spectral end at 1."""


def usual_lags(n_periods: int) -> int:
    """Return floor(4 (T / 100)^(2/9)), the number of lags that is usual for T periods."""
    return int(np.floor(4.0 * (n_periods / 100.0) ** (2.0 / 9.0)))


def kernel_weights(kernel: str, bandwidth: float, n_periods: int) -> Array:
    """Return the weights of the lags 0 to ``n_periods - 1``.

    Parameters
    ----------
    kernel : str
        One of `KERNELS`.
    bandwidth : float
        Lag at which the kernel ends: lags + 1.
    n_periods : int
    """
    return KERNELS[kernel](np.arange(n_periods) / bandwidth)


def lagged_meat(scores: Array, weights: Array) -> Array:
    """Return the sum over s and t of weights[|s - t|] scores[s]' scores[t], shape (P, P).

    Parameters
    ----------
    scores : ndarray of shape (T, P)
        In order of time.
    weights : ndarray of shape (T,) at least
        Of lags; beyond the last that is not 0 nothing is computed.
    """
    weights = weights[: scores.shape[0]]
    last = int(np.flatnonzero(weights)[-1])
    if last <= 64:
        total = weights[0] * (scores.T @ scores)
        for lag in range(1, last + 1):
            block = weights[lag] * (scores[lag:].T @ scores[:-lag])
            total += block + block.T
        return np.asarray(total)
    total = scores.T @ matmul_toeplitz(weights, scores)
    return np.asarray(0.5 * (total + total.T))
