"""The maximum that every contender is compared with, found without any of them.

Newton's method whose score is summed in long double; the step itself needs no more than
float64, since the next one mends its rounding. Where long double is no wider than double
(Windows, some ARM), the last two digits of a comparison mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg

from benchmarks.counts import ROWS as COUNTS
from benchmarks.counts import count_optimum
from benchmarks.workloads import LINKS, Problem

__all__ = ["Optimum", "digits", "optimum"]

Array = NDArray[np.float64]
Long = NDArray[np.longdouble]

CHUNK = 65_536
ITERATIONS = 60

NEAR = 1e-9
"""Relative size below which a step that shrinks no more is rounding."""

ENOUGH = 1e-18
"""Relative size of a step below which float64 coefficients no longer change."""

MOST_DIGITS = -np.log10(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Optimum:
    """Coefficients (p,) and their standard errors (p,); level by level for several classes."""

    coefficients: Array
    standard_errors: Array


class RowTerms(NamedTuple):
    """Derivatives of a row's log-likelihood by eta, and its squared Pearson residual."""

    score: Long
    observed: Long
    expected: Long
    pearson: Long


class Totals(NamedTuple):
    """Sums over the rows: (p,), (p, p), (p, p) and a number."""

    score: Long
    observed: Array
    expected: Array
    pearson: float


def _binomial(y: Long, eta: Long) -> RowTerms:
    mu: Long = np.reciprocal(1.0 + np.exp(-eta))
    weight: Long = mu / (1.0 + np.exp(eta))
    return RowTerms(y - mu, weight, weight, (y - mu) ** 2 / weight)


def _poisson(y: Long, eta: Long) -> RowTerms:
    mu = np.exp(eta)
    return RowTerms(y - mu, mu, mu, (y - mu) ** 2 / mu)


def _gamma(y: Long, eta: Long) -> RowTerms:
    ratio = y / np.exp(eta)
    return RowTerms(ratio - 1.0, ratio, np.ones_like(ratio), (ratio - 1.0) ** 2)


ROWS: dict[str, Callable[[Long, Long], RowTerms]] = {
    "binomial": _binomial,
    "poisson": _poisson,
    "gamma": _gamma,
}

FIXED_DISPERSION = {"binomial", "poisson", "multinomial"}


def optimum(problem: Problem) -> Optimum:
    """Return the maximum-likelihood estimate to the last digit of float64.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Optimum

    Raises
    ------
    RuntimeError
        If Newton's method does not settle.
    """
    if problem.family in COUNTS:
        return Optimum(*count_optimum(problem))
    if problem.absorb:
        return _absorbed_optimum(problem)
    if problem.factors:
        return _sparse_optimum(problem, *_with_factors(problem))
    theta = _start(problem)
    before = np.inf
    for _ in range(ITERATIONS):
        totals = _totals(problem, theta)
        step = np.linalg.solve(totals.observed, totals.score.astype(np.float64))
        theta = theta + step
        size = float(np.max(np.abs(step) / np.maximum(np.abs(theta), 1e-3)))
        if size <= ENOUGH or (size < NEAR and size > before / 2.0):
            return Optimum(theta.astype(np.float64), _standard_errors(problem, theta))
        before = size
    raise RuntimeError(f"no maximum was reached; the last step had relative size {size:.1e}")


def _absorbed_optimum(problem: Problem) -> Optimum:
    """Return the optimum over all indicator columns, the last of each further factor left out."""
    assert problem.frame is not None
    n, p = problem.X.shape
    parts = [sparse.csr_array(problem.X)]
    for j, name in enumerate(problem.absorb):
        codes = problem.frame[name].to_numpy()
        ones = sparse.csr_array((np.ones(n), (np.arange(n), codes)))
        parts.append(ones if j == 0 else ones[:, :-1])
    columns = sparse.hstack(parts, format="csr")
    theta = np.zeros(columns.shape[1], dtype=np.longdouble)
    first = p + int(problem.frame[problem.absorb[0]].max()) + 1
    theta[p:first] = np.log(problem.y.mean())
    return _sparse_optimum(problem, columns, theta, p)


def _with_factors(problem: Problem) -> tuple[Any, Long, int]:
    """Return the columns of a constant, factors and numbers, a start, and their number."""
    assert problem.frame is not None
    n = problem.y.size
    parts = [sparse.csr_array(np.ones((n, 1)))]
    for name in problem.factors:
        _, codes = np.unique(problem.frame[name].to_numpy(dtype=str), return_inverse=True)
        parts.append(sparse.csr_array((np.ones(n), (np.arange(n), codes)))[:, 1:])
    columns = sparse.hstack([*parts, sparse.csr_array(problem.X)], format="csr")
    theta = np.zeros(columns.shape[1], dtype=np.longdouble)
    theta[0] = np.log(problem.y.mean())
    return columns, theta, theta.size


def _sparse_optimum(problem: Problem, columns: Any, theta: Long, p: int) -> Optimum:
    """Return the optimum of the first ``p`` coefficients of sparse columns.

    Sums over rows are in long double; the steps come from sparse normal equations.
    """
    by_column = columns.tocsc()
    values, starts = by_column.data.astype(np.longdouble), by_column.indptr[:-1]
    y, before = problem.y.astype(np.longdouble), np.inf
    for _ in range(ITERATIONS):
        high = theta.astype(np.float64)
        eta = (columns @ high).astype(np.longdouble) + columns @ (theta - high).astype(np.float64)
        rows = ROWS[problem.family](y, eta)
        score = np.add.reduceat(values * rows.score[by_column.indices], starts)
        weight = rows.observed.astype(np.float64)
        information = (columns.T @ columns.multiply(weight[:, None])).tocsr()
        step = _solved(information, score.astype(np.float64))
        theta = theta + step
        size = float(np.max(np.abs(step[:p]) / np.maximum(np.abs(theta[:p]), 1e-3)))
        if size <= ENOUGH or (size < NEAR and size > before / 2.0):
            return Optimum(theta[:p].astype(np.float64), _sparse_errors(information, p))
        before = size
    raise RuntimeError(f"no maximum was reached; the last step had relative size {size:.1e}")


def _sparse_errors(information: Any, p: int) -> Array:
    """Return the standard errors of the first ``p`` coefficients."""
    if p == information.shape[0]:
        errors: Array = np.sqrt(np.diag(np.linalg.inv(information.toarray())))
        return errors
    units = np.eye(information.shape[0], p)
    inverse = np.array([_solved(information, unit)[:p] for unit in units.T])
    return np.sqrt(np.diag(inverse))


def _solved(matrix: Any, right: Array) -> Array:
    """Return the solution by conjugate gradients, as exact as they get."""
    scale = 1.0 / np.sqrt(matrix.diagonal())
    scaled = (matrix.multiply(scale[:, None])).multiply(scale).tocsr()
    found = np.zeros_like(right)
    for _ in range(2):  # once more, for what rounding has left
        left = right - matrix @ found
        part, failed = linalg.cg(scaled, scale * left, rtol=1e-14, maxiter=10_000)
        if failed:
            raise RuntimeError("the normal equations have no stable solution")
        found = found + scale * part
    return found


def _start(problem: Problem) -> Long:
    if problem.family == "multinomial":
        others = int(problem.y.max())
        return np.zeros(others * problem.X.shape[1], dtype=np.longdouble)
    mean = problem.y.mean()
    theta = np.zeros(problem.X.shape[1], dtype=np.longdouble)
    theta[0] = np.log(mean / (1.0 - mean)) if LINKS[problem.family] == "logit" else np.log(mean)
    return theta


def _totals(problem: Problem, theta: Long) -> Totals:
    p = theta.size
    score = np.zeros(p, dtype=np.longdouble)
    observed, expected = np.zeros((p, p)), np.zeros((p, p))
    pearson = 0.0
    for start in range(0, problem.y.size, CHUNK):
        X = problem.X[start : start + CHUNK]
        long = X.astype(np.longdouble)
        y = problem.y[start : start + CHUNK].astype(np.longdouble)
        if problem.family == "multinomial":
            part, information = _classes(X, y, long @ theta.reshape(-1, X.shape[1]).T)
            score += part
            observed += information
            expected += information
            continue
        rows = ROWS[problem.family](y, long @ theta)
        score += rows.score @ long
        observed += _sandwich(X, rows.observed)
        expected += _sandwich(X, rows.expected)
        pearson += float(rows.pearson.sum())
    return Totals(score, observed, expected, pearson)


def _classes(X: Array, y: Long, eta: Long) -> tuple[Long, Array]:
    """Return score and information, level by level, of rows with predictors (n, K - 1)."""
    relative = np.exp(eta)
    p: Long = relative / (1.0 + relative.sum(axis=1, keepdims=True))
    count, width = p.shape[1], X.shape[1]
    seen = (y[:, None] == np.arange(1, count + 1)).astype(np.longdouble)
    score: Long = ((seen - p).T @ X.astype(np.longdouble)).ravel()
    information = np.zeros((count * width, count * width))
    for a in range(count):
        for b in range(count):
            rows, columns = slice(a * width, (a + 1) * width), slice(b * width, (b + 1) * width)
            information[rows, columns] = _sandwich(X, p[:, a] * ((a == b) - p[:, b]))
    return score, information


def _sandwich(X: Array, weight: Long) -> Array:
    weighted: Array = X * weight.astype(np.float64)[:, None]
    return weighted.T @ X


def _standard_errors(problem: Problem, theta: Long) -> Array:
    totals = _totals(problem, theta)
    n, p = problem.X.shape
    dispersion = 1.0 if problem.family in FIXED_DISPERSION else totals.pearson / (n - p)
    errors: Array = np.sqrt(np.diag(np.linalg.inv(totals.expected)) * dispersion)
    return errors


def digits(estimate: Any, reference: Array) -> float:
    """Return how many digits the worst element has right: its log relative error.

    Parameters
    ----------
    estimate : array_like of shape (p,)
    reference : ndarray of shape (p,)
    """
    error = np.abs(np.asarray(estimate, dtype=np.float64) - reference)
    scale = np.where(reference == 0.0, 1.0, np.abs(reference))
    worst = float(np.max(error / scale))
    if not np.isfinite(worst):
        return 0.0
    return float(np.clip(-np.log10(max(worst, 1e-300)), 0.0, MOST_DIGITS))
