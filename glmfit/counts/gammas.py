"""What gamma functions contribute to negative binomial likelihoods, to the last digits.

With s = 1 / a and x = a y that is (s + y) log(1 + x) - y less log Gamma(y + s) -
log Gamma(s) - y log s. In what Stirling's formula leaves of log Gamma, R(z), it is
log(1 + x) / 2 + R(s) - R(s + y): terms that are small where counts are large, and that go
to 0 with a as differences of series.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "NEARLY_ALL",
    "GammaParts",
    "below_linear",
    "exponential_gap",
    "gamma_parts",
    "saturated_poisson",
]

Array = NDArray[np.float64]

SERIES_FROM = 10.0
"""Argument from which R is summed as a series."""

SMALL = 0.1
"""Argument below which x - log(1 + x) and exp(-x) - 1 + x are summed as series."""

NEARLY_ALL = -0.9
"""Argument below which 1 + d has digits that d has lost."""

LOG_GAMMA = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
"""Coefficients of z^-1, z^-3, ... in Stirling's series of log Gamma(z)."""

DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
"""Coefficients of z^-2, z^-4, ... in log z - 1 / (2 z) - digamma(z)."""

HALF_LOG_TWO_PI = 0.5 * np.log(2.0 * np.pi)

FEW = 30
"""Count up to which gamma functions of rows with an ``a`` of their own are summed up."""

REPEATED = 8
"""Rows for each value up to the largest from which a table of the values is worth while."""


class GammaParts(NamedTuple):
    """What gamma functions contribute to rows; all are 0 at y = 0 and go to 0 with a.

    ``remainder`` (n,) belongs to the loss, ``slope`` is its derivative by log a, and
    ``bend`` that of the slope.
    """

    remainder: Array
    slope: Array
    bend: Array


def gamma_parts(y: Array, a: Array) -> GammaParts:
    """Return what gamma functions contribute to counts ``y`` (n,) at ``a`` (n,).

    Where ``a`` is one number, as it mostly is, counts that repeat are looked up in a table.
    """
    if not y.size or a[0] != a[-1] or (a != a[0]).any():
        return GammaParts(*_apart(y, a))
    return GammaParts(
        *_looked_up(y, lambda size: _table(float(a[0]), size), lambda some: _each(y[some], a[some]))
    )


def saturated_poisson(y: Array) -> Array:
    """Return the log-likelihood of Poisson counts at mu = y, shape (n,)."""
    found: Array = _looked_up(y, _saturated_table, lambda some: _saturated(y[some])[None])[0]
    return found


def _looked_up(
    y: Array, table: Callable[[int], Array], alone: Callable[[NDArray[np.bool_]], Array]
) -> Array:
    """Return values (k, n) of counts, from a table for those that repeat."""
    most = 1 + y.size // REPEATED
    rare = y >= most
    some = bool(rare.any())
    size = most if some else int(y.max(initial=0.0)) + 1
    # of a power of two, so that chunks of rows share it
    known = table(1 << (size - 1).bit_length())
    found = known.take((np.where(rare, 0.0, y) if some else y).astype(np.intp), axis=1)
    if some:
        found[:, rare] = alone(rare)
    return np.asarray(found)


@lru_cache(maxsize=8)
def _table(a: float, size: int) -> Array:
    """Return the parts of counts below ``size`` as the rows of an array (3, size)."""
    table = _each(np.arange(float(size)), np.full(size, a))
    table.flags.writeable = False
    return table


@lru_cache(maxsize=1)
def _saturated_table(size: int) -> Array:
    table = _saturated(np.arange(float(size)))[None]
    table.flags.writeable = False
    return table


def _saturated(y: Array) -> Array:
    """Return y log y - y - log y!, by what Stirling's formula leaves of it."""
    some = np.maximum(y, 1.0)
    return np.where(y > 0.0, -0.5 * np.log(some) - HALF_LOG_TWO_PI - _stirling(some)[0], 0.0)


def _apart(y: Array, a: Array) -> Array:
    """Return the parts of rows that have each their own ``a``."""
    out = np.zeros((3, y.size))
    few = (y > 0.0) & (y <= FEW) & (a * SERIES_FROM > 1.0)
    rest = np.flatnonzero((y > 0.0) & ~few)
    out[:, few] = _by_sums(y[few], a[few])
    out[:, rest] = _each(y[rest], a[rest])
    return out


def _each(y: Array, a: Array) -> Array:
    """Return the parts as the rows of an array (3, n)."""
    near = a * SERIES_FROM <= 1.0
    if near.all():
        return _by_series(y, a)
    if not near.any():
        return _by_functions(y, a)
    out = np.empty((3, y.size))
    out[:, near] = _by_series(y[near], a[near])
    out[:, ~near] = _by_functions(y[~near], a[~near])
    return out


def _by_series(y: Array, a: Array) -> Array:
    x = a * y
    log_x = np.log1p(x)
    remainder = 0.5 * log_x
    slope = x / (2.0 * (1.0 + x))
    bend = slope / (1.0 + x)
    power = a.copy()
    for k, (c, b) in enumerate(zip(LOG_GAMMA, DIGAMMA, strict=True), start=1):
        remainder -= c * power * np.expm1(-(2 * k - 1) * log_x)
        lost = -np.expm1(-2 * k * log_x)
        slope += b * power * lost
        bend += b * power * ((2 * k - 1) * lost + 2 * k * x * np.exp(-(2 * k + 1) * log_x))
        power = power * a * a
    return np.stack([remainder, slope, bend])


def _by_sums(y: Array, a: Array) -> Array:
    """Return the parts from log Gamma(y + s) - log Gamma(s) - y log s, the sum of log(1 + a j)."""
    s, x = 1.0 / a, a * y
    log_x = np.log1p(x)
    raised, first, second = np.zeros((3, y.size))
    for j in range(1, int(y.max(initial=0.0))):
        rows = np.flatnonzero(y > j)
        step = j * a[rows]
        share = step / (1.0 + step)
        raised[rows] += np.log1p(step)
        first[rows] += share
        second[rows] += share / (1.0 + step)
    slope = y - s * log_x
    return np.stack(
        [y * log_x - slope - raised, slope - first, -slope + y - y / (1.0 + x) - second]
    )


def _by_functions(y: Array, a: Array) -> Array:
    s, x = 1.0 / a, a * y
    below, above = _stirling(s), _stirling(s + y)
    first = s * (above[1] - below[1])
    share = 0.5 * x / (1.0 + x)
    return np.stack(
        [
            0.5 * np.log1p(x) + below[0] - above[0],
            share + first,
            share / (1.0 + x) - first - s * s * (above[2] - below[2]),
        ]
    )


def _stirling(z: Array) -> tuple[Array, Array, Array]:
    """Return what Stirling's formula leaves of log Gamma(z), and its two derivatives."""
    large = z >= SERIES_FROM
    inverse = 1.0 / np.where(large, z, SERIES_FROM)
    square = inverse * inverse
    value, first, second = np.zeros((3, z.size))
    for k in range(len(LOG_GAMMA), 0, -1):
        value = value * square + LOG_GAMMA[k - 1]
        first = first * square - DIGAMMA[k - 1]
        second = second * square + 2 * k * DIGAMMA[k - 1]
    value, first, second = value * inverse, first * square, second * square * inverse
    if not large.all():
        small = z[~large]
        log_small = np.log(small)
        value[~large] = special.gammaln(small) - (
            (small - 0.5) * log_small - small + HALF_LOG_TWO_PI
        )
        first[~large] = special.psi(small) - log_small + 0.5 / small
        second[~large] = special.polygamma(1, small) - 1.0 / small - 0.5 / (small * small)
    return value, first, second


def below_linear(d: Array, whole: Array) -> Array:
    """Return d - log(1 + d) for d > -1, exact at 0, with 1 + d as ``whole`` has it."""
    out = d - np.log1p(d)
    low = np.flatnonzero(d < NEARLY_ALL)
    if low.size:
        out[low] = d[low] - np.log(whole[low])
    near = np.flatnonzero(np.abs(d) < SMALL)
    if near.size:
        x = d[near]
        t = x / (2.0 + x)
        square = t * t
        series = np.full_like(t, 1 / 13)
        for k in (11, 9, 7, 5, 3):
            series = series * square + 1 / k
        out[near] = x * t - 2.0 * t * square * series
    return np.asarray(out)


def exponential_gap(x: Array) -> Array:
    """Return exp(-x) - 1 + x for x >= 0, exact at 0."""
    out = np.expm1(-x) + x
    near = np.flatnonzero(x < SMALL)
    if near.size:
        z = x[near]
        series = np.ones_like(z)
        for k in range(11, 2, -1):
            series = 1.0 - series * z / k
        out[near] = 0.5 * z * z * series
    return np.asarray(out)
