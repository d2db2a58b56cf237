"""The maximum of models of counts with two predictors a row, found without any contender.

Newton's method on sums in long double, as in `benchmarks.reference`. Gamma functions of whole
counts are products, so that they need no function that long double lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import Problem

__all__ = ["count_optimum"]

Array = NDArray[np.float64]
Long = NDArray[np.longdouble]

CHUNK = 65_536
ITERATIONS = 100

NEAR = 1e-9
"""Relative size below which a step that shrinks no more is rounding."""


class Rows(NamedTuple):
    """Log-likelihood, score (n, 2) and minus second derivatives (n, 3) by two predictors."""

    loglik: Long
    score: Long
    information: Long


def _negbin(y: Long, eta: Long) -> Rows:
    """Return terms of NB2 counts by log mu and log alpha, the same for all rows."""
    mu, a = np.exp(eta[:, 0]), np.exp(eta[0, 1])
    j = np.arange(int(y.max()) + 1, dtype=np.longdouble)
    share = a * j / (1.0 + a * j)
    raised, first, second = (
        np.concatenate([[0.0], np.cumsum(part)[:-1]])[y.astype(np.intp)]
        for part in (np.log1p(a * j) - np.log(j + 1.0), share, share / (1.0 + a * j))
    )
    u = a * mu
    grown, none = 1.0 + u, np.log1p(u) / a
    flat = mu / grown
    loglik = raised + y * eta[:, 0] - y * np.log1p(u) - none
    score = np.stack([(y - mu) / grown, first + none - (y + 1.0 / a) * u / grown], axis=1)
    bend = second - none + 2.0 * flat - (y + 1.0 / a) * u / grown**2
    lines = [flat * (1.0 + a * y) / grown, a * (y - mu) * flat / grown, -bend]
    return Rows(loglik, score, np.stack(lines, axis=1))


def _zip(y: Long, eta: Long) -> Rows:
    """Return terms of zero-inflated Poisson counts by logit pi and log mu."""
    zero, mu = y == 0.0, np.exp(eta[:, 1])
    odds = np.exp(eta[:, 0])
    pi = odds / (1.0 + odds)
    certain = np.where(zero, odds / (odds + np.exp(-mu)), 0.0)
    left = 1.0 - certain
    mixed = np.log(odds + np.exp(-mu))
    loglik = np.where(zero, mixed, y * eta[:, 1] - mu) - np.log1p(odds)
    spread = certain * left
    slope = y - mu
    score = np.stack([certain - pi, left * slope], axis=1)
    lines = [pi * (1.0 - pi) - spread, spread * slope, left * mu - spread * slope * slope]
    return Rows(loglik, score, np.stack(lines, axis=1))


ROWS: dict[str, Callable[[Long, Long], Rows]] = {"negbin": _negbin, "zip": _zip}


def _columns(problem: Problem, rows: slice) -> tuple[Array, Array]:
    """Return the columns of both predictors."""
    X = problem.X[rows]
    return (X, np.ones((X.shape[0], 1))) if problem.family == "negbin" else (X, X)


def _totals(problem: Problem, theta: Long) -> tuple[Any, Long, Array]:
    """Return log-likelihood, score and information, summed over the rows."""
    first = problem.X.shape[1]
    loglik: Any = np.longdouble(0.0)
    score = np.zeros(theta.size, dtype=np.longdouble)
    information = np.zeros((theta.size, theta.size))
    for start in range(0, problem.y.size, CHUNK):
        rows = slice(start, start + CHUNK)
        left, right = _columns(problem, rows)
        y = problem.y[rows].astype(np.longdouble)
        eta = np.stack([left @ theta[:first], right @ theta[first:]], axis=1)
        found = ROWS[problem.family](y, eta)
        loglik += found.loglik.sum()
        score += np.concatenate([found.score[:, 0] @ left, found.score[:, 1] @ right])
        weights = found.information.astype(np.float64)
        across = (left * weights[:, 1:2]).T @ right
        information[:first, :first] += (left * weights[:, :1]).T @ left
        information[:first, first:] += across
        information[first:, :first] += across.T
        information[first:, first:] += (right * weights[:, 2:]).T @ right
    return loglik, score, information


def count_optimum(problem: Problem) -> tuple[Array, Array]:
    """Return coefficients and their standard errors.

    Those of the mean and alpha for "negbin", those of the zeros and of the mean for "zip".

    Raises
    ------
    RuntimeError
        If Newton's method does not settle.
    """
    p = problem.X.shape[1]
    theta = np.zeros(p + 1 if problem.family == "negbin" else 2 * p, dtype=np.longdouble)
    positive = problem.y[problem.y > 0.0].mean()
    theta[0 if problem.family == "negbin" else p] = np.log(positive)
    before = np.inf
    totals = _totals(problem, theta)
    for _ in range(ITERATIONS):
        step = np.linalg.solve(_definite(totals[2]), totals[1].astype(np.float64))
        share, following = 1.0, _totals(problem, theta + step)
        while not following[0] >= totals[0] - 1e-9 and share > 1e-6:
            share *= 0.5
            following = _totals(problem, theta + share * step)
        theta, totals = theta + share * step, following
        size = float(np.max(np.abs(step) / np.maximum(np.abs(theta), 1e-3)))
        if size < 1e-18 or (size < NEAR and size > before / 2.0):
            return _reported(problem, theta.astype(np.float64), np.linalg.inv(totals[2]))
        before = size
    raise RuntimeError(f"no maximum was reached; the last step had relative size {size:.1e}")


def _definite(information: Array) -> Array:
    """Return the information with eigenvalues made positive, to climb from far away."""
    values, vectors = np.linalg.eigh(information)
    if values.min() > 0.0:
        return information
    values = np.maximum(np.abs(values), 1e-6 * np.abs(values).max())
    return np.asarray((vectors * values) @ vectors.T)


def _reported(problem: Problem, theta: Array, covariance: Array) -> tuple[Array, Array]:
    errors = np.sqrt(np.diag(covariance))
    if problem.family == "negbin":
        theta[-1] = np.exp(theta[-1])
        errors[-1] *= theta[-1]
    return theta, errors
