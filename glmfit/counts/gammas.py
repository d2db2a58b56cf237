"""What gamma functions contribute to negative binomial likelihoods, to the last digits.

It is written in differences that go smoothly to their limits: at alpha -> 0 the likelihood
is Poisson's, and what is left of it keeps its digits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["below_linear", "gamma_parts", "gamma_table"]

Array = NDArray[np.float64]

SERIES_FROM = 10.0
"""Argument from which differences of gamma functions are summed by Stirling's series."""

SMALL = 0.1
"""Argument below which x - log(1 + x) is summed as a series."""

LOG_GAMMA = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
"""Coefficients of z^-1, z^-3, ... in Stirling's series of log Gamma(z)."""

DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
"""Coefficients of z^-2, z^-4, ... in log z - 1 / (2 z) - digamma(z)."""


def gamma_table(y: Array, a: float) -> tuple[Array, Array, Array]:
    """Return `gamma_parts` for one ``a``, by way of a table where counts repeat."""
    top = float(y.max())
    if not top < y.size:
        return gamma_parts(y, np.full(y.size, a))
    places = y.astype(np.intp)
    if not np.array_equal(places, y):
        return gamma_parts(y, np.full(y.size, a))
    values = np.arange(top + 1.0)
    remainder, slope, bend = gamma_parts(values, np.full(values.size, a))
    return remainder[places], slope[places], bend[places]


def gamma_parts(y: Array, a: Array) -> tuple[Array, Array, Array]:
    """Return what gamma functions contribute: to the loss, and its derivatives by log a.

    With s = 1 / a and x = a y these are (s + y) log(1 + x) - y less log Gamma(y + s) -
    log Gamma(s) - y log s, its derivative by log a, and minus the second of the
    log-likelihood. All are 0 at y = 0 and go to 0 with a.
    """
    out = np.zeros((3, y.size))
    near = a * SERIES_FROM <= 1.0
    if near.any():
        out[:, near] = _by_series(y[near], a[near])
    if not near.all():
        out[:, ~near] = _by_functions(y[~near], a[~near])
    return out[0], out[1], out[2]


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


def _by_functions(y: Array, a: Array) -> Array:
    s, x = 1.0 / a, a * y
    log_x = np.log1p(x)
    raised = special.gammaln(y + s) - special.gammaln(s) - y * np.log(s)
    first = s * (special.psi(y + s) - special.psi(s))
    second = s * s * (special.polygamma(1, y + s) - special.polygamma(1, s))
    remainder = (s + y) * log_x - y - raised
    slope = first - s * log_x
    bend = -first - second + s * log_x - y / (1.0 + x)
    return np.stack([remainder, slope, bend])


def below_linear(d: Array) -> Array:
    """Return d - log(1 + d) for d > -1, exact at 0."""
    t = d / (2.0 + d)
    square = t * t
    series = square * (1 / 3 + square * (1 / 5 + square * (1 / 7 + square * (1 / 9))))
    series += square**5 * (1 / 11 + square / 13)
    return np.where(np.abs(d) < SMALL, d * t - 2.0 * t * series, d - np.log1p(d))
