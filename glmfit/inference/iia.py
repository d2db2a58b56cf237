"""Tests of the independence of irrelevant alternatives (IIA).

Under IIA the odds between classes do not depend on which others there are to choose from, so
that a multinomial logit without one class, on the rows of the others, has the same
coefficients.

References
----------
Hausman, J. and McFadden, D. (1984). Specification tests for the multinomial logit model.
*Econometrica* 52, 1219-1240.
Small, K. A. and Hsiao, C. (1985). Multinomial logit specification tests. *International
Economic Review* 26, 619-627.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["HausmanStatistic", "hausman", "random_half", "small_hsiao_average"]

Array = NDArray[np.float64]

NEGLIGIBLE = 1e-10
"""Eigenvalues of the scaled difference of covariances below this are 0 but for rounding."""


@dataclass(frozen=True, slots=True)
class HausmanStatistic:
    """Hausman's statistic.

    Attributes
    ----------
    statistic : float
        Negative where the difference of the covariances is not positive definite enough.
    df : int
        Rank of that difference.
    definite : bool
        Whether it is positive definite on its range, as theory has it for large samples.
    """

    statistic: float
    df: int
    definite: bool


def hausman(
    consistent: Array, efficient: Array, cov_consistent: Array, cov_efficient: Array
) -> HausmanStatistic:
    """Return d' (V_c - V_e)^- d with d = b_c - b_e.

    Parameters
    ----------
    consistent, efficient : ndarray of shape (p,)
        Estimates from fewer data (consistent either way), and the efficient ones.
    cov_consistent, cov_efficient : ndarray of shape (p, p)
    """
    # in standard errors, so that the units of the columns do not decide what is negligible
    scale = np.sqrt(np.diag(cov_consistent))
    difference = (consistent - efficient) / scale
    spread = (cov_consistent - cov_efficient) / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(0.5 * (spread + spread.T))
    some = np.abs(values) > NEGLIGIBLE
    along = vectors[:, some].T @ difference
    return HausmanStatistic(
        statistic=float(np.sum(along**2 / values[some])),
        df=int(some.sum()),
        definite=bool((values[some] > 0.0).all()),
    )


def small_hsiao_average(first: Array, second: Array) -> Array:
    """Return b_1 / sqrt(2) + (1 - 1 / sqrt(2)) b_2, from two halves of a sample.

    The second half is in b_2 and in the fit b_r without a class, so that they covary: with
    covariances V of b_1 and b_2 and V_r of b_r, a weight w on b_1 gives the difference from b_r
    the covariance V_r + (2 w^2 - 1) V. At w = 1 / sqrt(2) that is V_r, as the likelihood-ratio
    statistic needs it to be chi-square (Small and Hsiao 1985).
    """
    share = math.sqrt(0.5)
    return share * first + (1.0 - share) * second


def random_half(counts: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return how many observations of each row and class fall into a random half.

    Parameters
    ----------
    counts : ndarray of int, shape (n, K)
    seed : int
        Of NumPy's default generator.

    Returns
    -------
    ndarray of int, shape (n, K)
        Any half of all observations is equally likely.
    """
    generator = np.random.default_rng(seed)
    flat = counts.ravel()
    # the other method of NumPy's writes every observation out
    drawn = generator.multivariate_hypergeometric(flat, int(flat.sum()) // 2, method="marginals")
    return np.asarray(drawn, dtype=np.int64).reshape(counts.shape)
