"""What diagnostic plots show of residuals, as functions of arrays."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

__all__ = ["added_variable", "binned", "default_bins", "normal_order"]

Array = NDArray[np.float64]


def default_bins(n: float) -> int:
    """Return the number of bins for ``n`` observations: sqrt(n), 10, or half of a few.

    References
    ----------
    Gelman, A. and Hill, J. (2007). *Data Analysis Using Regression and Multilevel/
    Hierarchical Models*, section 5.6; ``arm::binnedplot``.
    """
    if n >= 100:
        return math.isqrt(int(n))
    return 10 if n > 10 else max(1, int(n) // 2)


def binned(x: Array, residual: Array, count: Array, n_bins: int) -> pd.DataFrame:
    """Return means of residuals in bins of about equal numbers, with twice their error.

    Parameters
    ----------
    x, residual : ndarray of shape (n,)
    count : ndarray of shape (n,)
        How many observations stand behind each; all greater than 0.
    n_bins : int
        Bins to form; ties in ``x`` stay together, which may leave fewer.

    Returns
    -------
    DataFrame
        ``x`` and ``residual`` (means), ``count``, ``lowest`` and ``highest`` (of x), and
        ``limit``, twice the standard error of the mean residual: 0 in bins of one.

    References
    ----------
    Gelman, A. and Hill, J. (2007). *Data Analysis Using Regression and Multilevel/
    Hierarchical Models*, section 5.6; the bins are those of ``arm::binned.resids``.
    """
    bins = np.searchsorted(_breaks(x, count, n_bins), x, side="left") - 1
    size = int(bins.max()) + 1
    total = np.bincount(bins, weights=count, minlength=size)
    present = total > 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_x = np.bincount(bins, weights=count * x, minlength=size) / total
        mean = np.bincount(bins, weights=count * residual, minlength=size) / total
        squares = np.bincount(bins, weights=count * (residual - mean[bins]) ** 2, minlength=size)
        variance = np.where(total > 1.0, squares / (total - 1.0), 0.0)
        limit = 2.0 * np.sqrt(variance / total)
    lowest, highest = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(lowest, bins, x)
    np.maximum.at(highest, bins, x)
    columns = {"x": mean_x, "residual": mean, "count": total, "lowest": lowest,
               "highest": highest, "limit": limit}  # fmt: skip
    return pd.DataFrame(columns)[present].reset_index(drop=True)


def _breaks(x: Array, count: Array, n_bins: int) -> Array:
    """Return the left ends of bins, the first of them -inf."""
    order = np.argsort(x, kind="stable")
    values, seen = x[order], np.cumsum(count[order])
    places = np.floor(seen[-1] * np.arange(1, n_bins) / n_bins)
    if (places == 0.0).any():
        return np.array([-np.inf])
    breaks = [-np.inf]
    for place in places:
        below, above = values[np.searchsorted(seen, [place, place + 1.0], side="left")]
        if below == above:  # ties go to the bin above
            smaller = values[values < below]
            below = smaller[-1] if smaller.size else -np.inf
        breaks.append((below + above) / 2.0)
    return np.unique(breaks)


def normal_order(residual: Array, alpha: float) -> pd.DataFrame:
    """Return residuals in order beside the normal quantiles that they should be.

    Parameters
    ----------
    residual : ndarray of shape (n,)
    alpha : float
        The band covers ``1 - alpha`` for each order statistic by itself.

    Returns
    -------
    DataFrame
        ``theoretical`` (at R's ``ppoints``), ``residual`` (sorted), ``lower`` and ``upper``:
        quantiles of the order statistics of n independent normal values, whose
        probabilities are Beta(i, n + 1 - i).
    """
    n = residual.size
    rank = np.arange(1.0, n + 1.0)
    shift = 0.375 if n <= 10 else 0.5
    ends = [special.betaincinv(rank, n + 1.0 - rank, p) for p in (alpha / 2.0, 1.0 - alpha / 2.0)]
    columns = {
        "theoretical": special.ndtri((rank - shift) / (n + 1.0 - 2.0 * shift)),
        "residual": np.sort(residual),
        "lower": special.ndtri(ends[0]),
        "upper": special.ndtri(ends[1]),
    }
    return pd.DataFrame(columns)


def added_variable(
    columns: Array, focus: int, residual: Array, theta: float
) -> tuple[Array, Array]:
    """Return what a column adds to the others, and what the response has left for it.

    Of the last weighted least squares of a fit: a line through the origin in this plane has
    the slope theta, the coefficient of the fit, and leaves the residuals of the fit.

    Parameters
    ----------
    columns : ndarray of shape (n, p)
        Rows times the roots of their weights.
    focus : int
        The column that is added.
    residual : ndarray of shape (n,)
        Working residuals times the roots of the weights: Pearson residuals.
    theta : float
        Coefficient of the column.

    References
    ----------
    O'Hara Hines, R. J. and Carter, E. M. (1993). Improved added variable and partial
    residual plots for the detection of influential observations in generalized linear
    models. *Applied Statistics* 42, 3-20.
    """
    others = np.delete(columns, focus, axis=1)
    left = columns[:, focus]
    if others.shape[1]:
        basis, _ = np.linalg.qr(others / np.sqrt((others**2).sum(axis=0)))
        left = left - basis @ (basis.T @ left)
        left = left - basis @ (basis.T @ left)  # twice is enough, whatever the conditioning
    return left, residual + theta * left
