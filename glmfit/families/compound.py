"""The density of compound Poisson-gamma sums, which Tweedie responses of power 1 to 2 are.

With alpha = (2 - p) / (p - 1) the density at y > 0 is W / y times an exponential family's
factor, W = sum over j of x^j / (j! Gamma(alpha j)), Wright's function. The terms are added up
about the largest. So are their derivatives: the j-th term is the weight of j events, and
derivatives of log W are moments of j and of j psi(alpha j) under these weights.

References
----------
Dunn, P. K. and Smyth, G. K. (2005). Series evaluation of Tweedie exponential dispersion model
densities. *Statistics and Computing* 15, 267-280.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "LOG_PHI",
    "Compound",
    "Moments",
    "compound_density",
    "compound_derivatives",
    "events_of",
]

Array = NDArray[np.float64]

REACH = 9.0
"""Standard deviations of the weights, which fall off as a normal density, that are added up."""


LOG_PHI = {1: 1, 2: 3}
"""Which line of derivatives of each order is that by log phi alone."""


LONGEST = 2**22
"""Terms whose gamma functions are held in a table at a time."""


TOGETHER = 2**15
"""Terms that are evaluated at a time."""

MOST_TERMS = 20_000
"""Terms of a row beyond which its density is not added up."""


class Moments(NamedTuple):
    """log W (n,), and moments of j and of a = j psi(alpha j) under the weights of its terms."""

    log_sum: Array
    mean: Array
    variance: Array
    turn: Array
    """E a."""
    turn_variance: Array
    """Var a less E j^2 psi'(alpha j)."""
    cross: Array
    """Cov(j, a)."""


class Compound(NamedTuple):
    """A log density (n,) with first derivatives (3, n) by mu, log phi and p.

    ``second`` (6, n) are second derivatives, a line for each pair in the order of rows of an
    upper triangle.
    """

    value: Array
    first: Array
    second: Array


def compound_density(y: Array, mu: Array, phi: Array, power: float) -> Array:
    """Return the log density of responses, with an atom at 0 (Dunn and Smyth 2005, eq. 2)."""
    a, b = 1.0 - power, 2.0 - power
    value: Array = (y * np.power(mu, a) / a - np.power(mu, b) / b) / phi
    positive = y > 0.0
    log_y = np.log(y[positive])
    found = events_of(*_argument(log_y, np.log(phi[positive]), power), turns=False)
    value[positive] += found.log_sum - log_y
    return value


def _argument(log_y: Array, log_phi: Array, power: float) -> tuple[Array, float]:
    """Return log x and alpha."""
    alpha = (2.0 - power) / (power - 1.0)
    log_x = alpha * (log_y - math.log(power - 1.0)) - (1.0 + alpha) * log_phi
    return log_x - math.log(2.0 - power), alpha


def events_of(log_x: Array, alpha: float, *, turns: bool = True) -> Moments:
    """Return log W and its moments at ``log_x`` (n,).

    Parameters
    ----------
    log_x : ndarray of shape (n,)
    alpha : float
    turns : bool
        Whether moments of j psi(alpha j) are wanted; they are 0 otherwise.
    """
    n = log_x.size
    if n == 0:
        return Moments(*np.zeros((6, 0)))
    peak = np.maximum(np.exp((log_x - alpha * math.log(alpha)) / (1.0 + alpha)), 1.0)
    reach = np.ceil(REACH * np.sqrt(peak / (1.0 + alpha))) + 10.0
    centre = np.round(peak)
    first, last = np.maximum(centre - reach, 1.0), centre + reach
    start = float(first.min())
    if not (last - first).max() < MOST_TERMS:
        return _of_shorter(log_x, alpha, last - first < MOST_TERMS, turns)
    if not last.max() - start < LONGEST:
        return _in_halves(log_x, alpha, turns)
    counts = np.arange(start, float(last.max()) + 1.0)
    factorials = special.gammaln(counts + 1.0) + special.gammaln(alpha * counts)
    turn = counts * special.psi(alpha * counts) if turns else np.zeros_like(counts)
    bend = counts**2 * special.polygamma(1, alpha * counts) if turns else turn
    middle = (centre - start).astype(np.intp)
    largest, level = centre * log_x - factorials[middle], turn[middle]
    # 1, j, j^2, a, a^2 - b, j a, about the centre
    sums = np.zeros((6, n))
    rows, step, most = np.arange(n), 0, int((last - first).max()) + 1
    while step < most:
        rows = rows[first[rows] + step <= last[rows]]
        width = max(1, min(TOGETHER // rows.size, most - step))
        j = first[rows, None] + np.arange(step, step + width)
        place = np.minimum(j - start, counts.size - 1.0).astype(np.intp)
        mass = np.exp(j * log_x[rows, None] - factorials[place] - largest[rows, None])
        mass[j > last[rows, None]] = 0.0
        gap = j - centre[rows, None]
        parts = [np.ones_like(gap), gap, gap * gap]
        if turns:
            lean = turn[place] - level[rows, None]
            parts += [lean, lean * lean - bend[place], gap * lean]
        for line, part in zip(sums, parts, strict=False):
            line[rows] += np.einsum("ij,ij->i", mass, part)
        step += width
    total = sums[0]
    j1, j2, a1, a2, ja = sums[1:] / total
    return Moments(
        largest + np.log(total), centre + j1, j2 - j1 * j1, level + a1, a2 - a1 * a1, ja - j1 * a1
    )


def _of_shorter(log_x: Array, alpha: float, short: NDArray[np.bool_], turns: bool) -> Moments:
    """Return moments of the rows with few enough terms; the others have NaN."""
    out = np.full((6, log_x.size), np.nan)
    out[:, short] = np.stack(events_of(log_x[short], alpha, turns=turns))
    return Moments(*out)


def _in_halves(log_x: Array, alpha: float, turns: bool) -> Moments:
    """Return moments of rows whose terms are too far apart for one table of gamma functions."""
    order = np.argsort(log_x)
    out = np.empty((6, log_x.size))
    for half in np.array_split(order, 2):
        out[:, half] = np.stack(events_of(log_x[half], alpha, turns=turns))
    return Moments(*out)


def compound_derivatives(y: Array, mu: Array, phi: Array, power: float) -> Compound:
    """Return the log density with its derivatives by mu, log phi and p."""
    a, b, log_mu = 1.0 - power, 2.0 - power, np.log(mu)
    upper, lower = y * np.power(mu, a), np.power(mu, b)
    core: Array = (upper / a - lower / b) / phi
    turn = (upper * (1.0 / a - log_mu) / a - lower * (1.0 / b - log_mu) / b) / phi
    inner = (log_mu * (log_mu - 2.0 / a) + 2.0 / a**2) / a
    outer = (log_mu * (log_mu - 2.0 / b) + 2.0 / b**2) / b
    slope = (y - mu) * np.power(mu, -power) / phi
    bend = -(np.power(mu, -power) + power * (y - mu) * np.power(mu, -power - 1.0)) / phi
    first = np.stack([slope, -core, turn])
    second = np.stack(
        [bend, -slope, -slope * log_mu, core, -turn, (upper * inner - lower * outer) / phi]
    )
    positive = y > 0.0
    log_y, log_phi = np.log(y[positive]), np.log(phi[positive])
    series = _series_derivatives(log_y, log_phi, power)
    value = core.copy()
    value[positive] += series.value - log_y
    first[1:, positive] += series.first[1:]
    second[3:, positive] += series.second[3:]
    return Compound(value, first, second)


def _series_derivatives(log_y: Array, log_phi: Array, power: float) -> Compound:
    """Return log W with its derivatives; it does not depend on mu."""
    log_x, alpha = _argument(log_y, log_phi, power)
    found = events_of(log_x, alpha)
    p1, b = power - 1.0, 2.0 - power
    by_p, by_pp = -1.0 / p1**2, 2.0 / p1**3  # of alpha
    size = log_y - math.log(p1) - log_phi
    x_p = by_p * size - alpha / p1 + 1.0 / b
    x_pp = by_pp * size - 2.0 * by_p / p1 + alpha / p1**2 + 1.0 / b**2
    x_phi = -(1.0 + alpha)
    nothing = np.zeros_like(log_y)
    first = np.stack([nothing, x_phi * found.mean, x_p * found.mean - by_p * found.turn])
    across = found.variance * x_p - found.cross * by_p
    twice = found.variance * x_p**2 - 2.0 * found.cross * x_p * by_p + found.turn_variance * by_p**2
    second = np.stack(
        [
            nothing,
            nothing,
            nothing,
            x_phi**2 * found.variance,
            x_phi * across - by_p * found.mean,
            twice + x_pp * found.mean - by_pp * found.turn,
        ]
    )
    return Compound(found.log_sum, first, second)
