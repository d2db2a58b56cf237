"""The bootstrap and the jackknife: drawing samples, and what replicates say.

References
----------
Davison, A. C. and Hinkley, D. V. (1997). *Bootstrap Methods and their Application*.
Efron, B. (1987). Better bootstrap confidence intervals. *JASA* 82, 171-185.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "STATUS",
    "Replicates",
    "Sample",
    "acceleration",
    "bca_levels",
    "bias_correction",
    "jackknife_covariance",
    "left_out",
    "pairs_samples",
    "quantiles",
    "replicate_covariance",
]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

STATUS = ("converged", "separated", "not estimable", "not converged")
"""How the fit of a replicate may end; "not estimable" where its rows lack a column or level."""


class Sample(NamedTuple):
    """What some replicates have of their own.

    ``counts`` (R, n) or None says how often each unit was drawn; ``response`` (R, n) or
    (R, n, K) or None are responses in place of those observed.
    """

    counts: Array | None
    response: Array | None

    @property
    def size(self) -> int:
        """Number of replicates."""
        given = self.counts if self.counts is not None else self.response
        return 0 if given is None else given.shape[0]


@dataclass(frozen=True, slots=True)
class Replicates:
    """Estimates of replicates.

    Attributes
    ----------
    theta : ndarray of shape (R, p)
        NaN for what a replicate does not determine, infinite where it is separated.
    status : ndarray of int, shape (R,)
        Positions in `STATUS`.
    """

    theta: Array
    status: NDArray[np.int8]

    def count(self, what: str) -> int:
        """Return how many replicates ended as a status says."""
        return int((self.status == STATUS.index(what)).sum())


def pairs_samples(
    freq: Array, groups: Codes | None, n: int, size: int, rng: np.random.Generator
) -> Iterator[Sample]:
    """Yield samples of units with replacement, ``size`` replicates at a time.

    Parameters
    ----------
    freq : ndarray of shape (n_units,)
        How often each unit was seen: whole numbers.
    groups : ndarray of int, shape (n_units,), or None
        Clusters, which are drawn whole.
    n : int
        Number of replicates.
    size : int
    rng : Generator
    """
    drawn = freq if groups is None else np.ones(int(groups.max()) + 1)
    total = int(drawn.sum())
    shares = drawn / drawn.sum()
    for start in range(0, n, size):
        counts = rng.multinomial(total, shares, size=min(size, n - start)).astype(np.float64)
        yield Sample(counts if groups is None else counts[:, groups] * freq, None)


def left_out(freq: Array, groups: Codes | None, size: int) -> Iterator[Sample]:
    """Yield the samples of a jackknife: each observation, or each cluster, left out once."""
    codes = np.arange(freq.size) if groups is None else groups
    ids = np.flatnonzero(freq > 0.0) if groups is None else np.arange(int(groups.max()) + 1)
    for start in range(0, ids.size, size):
        gone = codes[None, :] == ids[start : start + size, None]
        if groups is None:
            yield Sample(freq - gone, None)
        else:
            yield Sample(np.where(gone, 0.0, freq), None)


def replicate_covariance(theta: Array) -> Array:
    """Return the covariance of the finite replicates about their mean, shape (p, p)."""
    finite = np.isfinite(theta).all(axis=1)
    if finite.sum() < 2:
        return np.full((theta.shape[1], theta.shape[1]), np.nan)
    return np.atleast_2d(np.cov(theta[finite], rowvar=False))


def jackknife_covariance(theta: Array, freq: Array) -> Array:
    """Return (n - 1) / n times the sum of squares of the replicates about their mean.

    Parameters
    ----------
    theta : ndarray of shape (R, p)
        Estimates without each observation; if one is not finite, so is no variance.
    freq : ndarray of shape (R,)
        How many observations each stands for.
    """
    n = freq.sum()
    with np.errstate(invalid="ignore"):
        moved = (theta - freq @ theta / n) * np.sqrt(freq)[:, None]
    return np.asarray((n - 1.0) / n * (moved.T @ moved))


def quantiles(values: Array, probabilities: Array) -> Array:
    """Return quantiles, interpolated on the normal scale as R's boot does.

    Parameters
    ----------
    values : ndarray of shape (R,)
        Replicates; infinite ones count as such, missing ones do not.
    probabilities : ndarray
        Beyond 1 / (R + 1) and R / (R + 1) the ends are the extreme replicates.

    References
    ----------
    Davison and Hinkley (1997), eq. 5.8.
    """
    ordered = np.sort(values[~np.isnan(values)])
    count = ordered.size
    if count == 0 or np.isnan(probabilities).any():
        return np.full(np.shape(probabilities), np.nan)
    rank = (count + 1.0) * np.asarray(probabilities)
    low = np.clip(np.floor(rank + 1e-10).astype(int), 1, count)
    high = np.minimum(low + 1, count)
    step = special.ndtri(high / (count + 1.0)) - special.ndtri(low / (count + 1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (special.ndtri(probabilities) - special.ndtri(low / (count + 1.0))) / step
        share = np.where((high == low) | (rank < 1.0), 0.0, np.clip(share, 0.0, 1.0))
        between = ordered[low - 1] + share * (ordered[high - 1] - ordered[low - 1])
    same = (ordered[low - 1] == ordered[high - 1]) | (share == 0.0)
    return np.asarray(np.where(same, ordered[low - 1], between))


def bias_correction(values: Array, estimate: float) -> float:
    """Return z0, the normal quantile of the share of replicates below the estimate."""
    known = values[~np.isnan(values)]
    return float(special.ndtri((known < estimate).mean())) if known.size else float("nan")


def acceleration(theta: Array, freq: Array) -> Array:
    """Return the acceleration of each coefficient from its jackknife, shape (p,).

    Parameters
    ----------
    theta : ndarray of shape (R, p)
        Estimates without each observation.
    freq : ndarray of shape (R,)
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        influence = freq @ theta / freq.sum() - theta
        return np.asarray(
            (freq @ influence**3) / (6.0 * (freq @ influence**2) ** 1.5), dtype=np.float64
        )


def bca_levels(shift: Array, rates: Array, reach: float) -> Array:
    """Return the probabilities of a BCa interval, shape (p, 2).

    Parameters
    ----------
    shift, rates : ndarray of shape (p,)
        Bias corrections z0 and accelerations.
    reach : float
        Normal quantile of the interval.

    References
    ----------
    Efron (1987), eq. 4.1.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = shift[:, None] + np.array([-reach, reach])
        return np.asarray(special.ndtr(shift[:, None] + moved / (1.0 - rates[:, None] * moved)))
