"""Logarithms that keep their digits: of ratios near 1, of factorials, and of 0 times 0."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "entropy",
    "log_ratio",
    "poisson_deviance",
    "power_deviance",
    "relative_log",
    "rising_factorial",
    "shape_slopes",
    "stirling_remainder",
]

Array = NDArray[np.float64]

STIRLING_FROM = 16.0
STIRLING_SERIES = (-691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)


def entropy(share: Array) -> Array:
    """Return -y log y - (1 - y) log(1 - y); nothing is computed where y is 0 or 1."""
    out = np.zeros(share.shape)
    inside = (share != 0.0) & (share != 1.0)
    if inside.any():
        part = share[inside]
        out[inside] = special.entr(part) + special.entr(1.0 - part)
    return out


def poisson_deviance(y: Array, mu: Array) -> Array:
    """Return 2 (y log(y / mu) - (y - mu)), to the rounding of y and mu.

    In place and without a mask: where y is far below mu its logarithm loses digits that mu,
    of which the deviance is all but twice there, does not have.
    """
    excess = np.subtract(y, mu)
    ratio = excess / mu
    np.copyto(ratio, 0.0, where=y == 0.0)
    np.log1p(ratio, out=ratio)
    ratio *= y
    ratio -= excess
    ratio *= 2.0
    return ratio


def relative_log(y: Array, mu: Array) -> Array:
    """Return y log(y / mu), exact for mu near y and 0 at y = 0."""
    positive = y > 0.0
    safe = np.where(positive, y, 1.0)
    return np.where(positive, -y * log_ratio(mu, safe, (mu - y) / safe), 0.0)


def log_ratio(above: Array, below: Array, excess: Array) -> Array:
    """Return log(above / below), where excess is above / below - 1.

    Far below 1 the excess is all but -1, and its log1p is lost to rounding.
    """
    far = excess < -0.5
    ratio = np.divide(above, below, out=np.ones_like(excess), where=far)
    with np.errstate(divide="ignore"):  # a mean that has underflowed
        return np.where(far, np.log(ratio), np.log1p(np.maximum(excess, -0.5)))


def power_deviance(y: Array, mu: Array, power: float) -> Array:
    """Return 2 times the integral of (y - t) / t^power from mu to y; power is not 1 or 2.

    Its powers of y and mu, each large, are taken together through log(y / mu).
    """
    a, b = 1.0 - power, 2.0 - power
    positive = y > 0.0
    ratio = log_ratio(np.where(positive, y, mu), mu, np.where(positive, (y - mu) / mu, 0.0))
    inner = np.expm1(b * ratio) / b - np.expm1(ratio)
    scaled: Array = 2.0 * np.power(mu, b) / a * np.where(positive, inner, a / b)
    return scaled


def stirling_remainder(x: Array) -> Array:
    """Return log Gamma(x + 1) - (x log x - x + log(2 pi x) / 2), for x > 0.

    References
    ----------
    Loader, C. (2000). Fast and accurate computation of binomial probabilities.
    """
    near = np.minimum(x, STIRLING_FROM)
    exact = special.gammaln(near + 1.0) - (special.xlogy(near, near) - near)
    exact = exact - 0.5 * np.log(2.0 * np.pi * near)
    inverse = 1.0 / np.maximum(x, STIRLING_FROM)
    square = inverse * inverse
    series = np.zeros_like(inverse)
    for coefficient in STIRLING_SERIES:
        series = series * square + coefficient
    return np.where(x < STIRLING_FROM, exact, series * inverse)


def shape_slopes(k: Array) -> tuple[Array, Array]:
    """Return k (log k - psi(k)) and k (1 - k psi'(k)), for k > 0."""
    near, inverse = np.minimum(k, STIRLING_FROM), 1.0 / np.maximum(k, STIRLING_FROM)
    exact = near * (np.log(near) - special.psi(near))
    bend = near * (1.0 - near * special.polygamma(1, near))
    square, power = inverse * inverse, inverse
    series, fall = np.full_like(k, 0.5), np.full_like(k, -0.5)
    for place, coefficient in enumerate(reversed(STIRLING_SERIES), start=1):
        odd = 2 * place - 1
        series = series + odd * coefficient * power
        fall = fall - 2 * place * odd * coefficient * power
        power = power * square
    far = k >= STIRLING_FROM
    return np.where(far, series, exact), np.where(far, fall, bend)


class Rising(NamedTuple):
    """A value with its first and second derivatives, arrays of shape (n,)."""

    value: Array
    first: Array
    second: Array


def rising_factorial(k: Array, log_a: Array) -> Rising:
    """Return the sum of log(1 + i a) over i < k, for k >= 0, with derivatives by log a.

    That is log Gamma(s + k) - log Gamma(s) - k log s with s = 1 / a. Differences of gamma
    functions are taken by Stirling's series where s is large, since they go to 0 with a.
    """
    out = np.zeros((3, k.size))
    some = k > 0.0
    near = some & (log_a > -math.log(STIRLING_FROM))
    far = some & ~near
    if near.any():
        out[:, near] = _rising_by_functions(k[near], np.exp(log_a[near]))
    if far.any():
        out[:, far] = _rising_by_series(k[far], np.exp(log_a[far]))
    return Rising(*out)


def _rising_by_functions(k: Array, a: Array) -> Array:
    s = 1.0 / a
    value = special.gammaln(s + k) - special.gammaln(s) - k * np.log(s)
    first = s * (special.psi(s + k) - special.psi(s))
    second = s * s * (special.polygamma(1, s + k) - special.polygamma(1, s))
    return np.stack([value, k - first, first + second])


def _rising_by_series(k: Array, a: Array) -> Array:
    x = a * k
    log_x, share = np.log1p(x), x / (1.0 + x)
    # s (x - log(1 + x)), in which the first power of x is gone
    excess = _above_log(x, log_x) / a
    value = (k - 0.5) * log_x - excess
    first = excess - 0.5 * share
    second = k * share - excess - 0.5 * share * (1.0 - share)
    power = a.copy()
    for place, coefficient in enumerate(reversed(STIRLING_SERIES), start=1):
        odd = 2 * place - 1
        lost, scaled = np.expm1(-(odd + 1) * log_x), coefficient * power
        value += scaled * np.expm1(-odd * log_x)
        first += scaled * odd * lost
        second += scaled * odd * (odd * lost - (odd + 1) * share * (1.0 + lost))
        power = power * a * a
    return np.stack([value, first, second])


def _above_log(x: Array, log_x: Array) -> Array:
    """Return x - log(1 + x), exact at 0, for x >= 0."""
    t = x / (2.0 + x)
    square = t * t
    series = np.zeros_like(x)
    for odd in range(21, 1, -2):
        series = series * square + 1.0 / odd
    return np.where(x < 0.5, x * t - 2.0 * t * square * series, x - log_x)
