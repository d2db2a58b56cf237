"""Covariance matrices that do not rest on the model's variance.

A sandwich is bread @ meat @ bread: the bread is the inverse of the information, the meat
a sum of squares of what rows, clusters or strata add to the score. Rows pass in chunks, so
that no array of the design's size is made.

Corrections for leverage. With W the information about a unit's predictors (a row has M of
them, a cluster those of all its rows), D their derivative by the coefficients and
V = D B D' their covariance, B being the inverse of the expected information, the leverage
of a unit is H = W^(1/2) V W^(1/2), an M x M matrix. The unit's score e about its
predictors is replaced by

    e + W^(1/2) k(H) W^(1/2) V e,

which is W^(1/2) (I - H)^(-1/2) W^(-1/2) e for k(h) = 1 / (sqrt(1 - h) (1 + sqrt(1 - h)))
(HC2, CR2: unbiased where the model holds) and W^(1/2) (I - H)^(-1) W^(-1/2) e for
k(h) = 1 / (1 - h) (HC3, CR3: nearly the jackknife), but needs no inverse of W. With one
predictor a row that is e / sqrt(1 - h) and e / (1 - h). In the coefficients the same
correction is u + J R k(R' J R) R' u for a unit's score u and information J, with B = R R'.

References
----------
White, H. (1982). Maximum likelihood estimation of misspecified models. *Econometrica*.
Zeileis, A. (2006). Object-oriented computation of sandwich estimators. *Journal of
Statistical Software* 16(9).
Bell, R. M. and McCaffrey, D. F. (2002). Bias reduction in standard errors for linear
regression with multi-stage samples. *Survey Methodology* 28, 169-181.
Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for cluster-robust variance
estimation. *Journal of Business & Economic Statistics* 36, 672-683.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from glmfit.design import Design, constant_combination
from glmfit.engine.executor import rows_together
from glmfit.engine.irls import inverse_information
from glmfit.engine.linalg import cholesky
from glmfit.engine.passes import Contributions, EtaStats, Pass
from glmfit.engine.predictor import Predictor, pairs
from glmfit.engine.separation import null_space
from glmfit.errors import FitError
from glmfit.sources import Rows

__all__ = [
    "Contributing",
    "Meat",
    "growth",
    "hc_meat",
    "outer_products",
    "pieces",
    "rows_at_once",
    "sandwich",
    "wald_f",
]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

FULL_LEVERAGE = 1e-10
"""Distance from 1 within which a leverage is 1 but for rounding."""

HELD = 1 << 20
"""Numbers that a chunk may hold."""


class Contributing(Protocol):
    """A pass that tells what its units (rows, or strata) add to score and information."""

    @property
    def n_units(self) -> int: ...
    @property
    def streamed(self) -> bool: ...
    def contributions(
        self, theta: Array, order: Codes, *, information: bool = False
    ) -> Iterator[Contributions]: ...


class Meat(NamedTuple):
    """The middle of a sandwich, shape (P, P), and the units whose leverage is 1."""

    matrix: Array
    full: Codes


def sandwich(bread: Array, meat: Array) -> Array:
    """Return bread @ meat @ bread, symmetric to the last bit."""
    out = bread @ meat @ bread
    return np.asarray(0.5 * (out + out.T))


# -- rows ----------------------------------------------------------------------------------


class _Piece(NamedTuple):
    """A chunk of rows, one observation each; M predictors a row."""

    derivative: Array
    """Of the predictors by the coefficients, shape (n, M, P)."""
    score: Array
    """By the predictors, shape (n, M)."""
    weight: Array
    """Information about the predictors, shape (M (M + 1) / 2, n)."""


def _piece(predictor: Predictor, chunk: Rows, _: Array, rows: EtaStats) -> _Piece:
    return _Piece(
        predictor.dense_rows(chunk.design),
        np.atleast_2d(rows.score.T).T.reshape(chunk.n, -1),
        np.atleast_2d(rows.weight),
    )


def _at_once(run: Pass, theta: Array) -> int:
    """Return how many rows are gone through together."""
    return max(64, min(rows_at_once(run), HELD // (run.predictor.count * max(theta.size, 1))))


def pieces(run: Pass, theta: Array, freq: Array | None) -> Iterator[tuple[_Piece, Array | None]]:
    """Yield chunks of rows with how often each was seen."""
    start = 0
    for made in run.map(theta, partial(_piece, run.predictor), _at_once(run, theta)):
        stop = start + made.score.shape[0]
        seen = None if freq is None else freq[start:stop]
        if seen is not None:
            each = np.where(seen > 0.0, seen, 1.0)
            made = made._replace(score=made.score / each[:, None], weight=made.weight / each)
        yield made, seen
        start = stop


def rows_at_once(run: Pass) -> int:
    """Return how many rows to take at a time."""
    return run.control.chunk_rows or rows_together(run.rows.design)


def hc_meat(run: Pass, theta: Array, kind: str, leverage: Array, freq: Array | None) -> Meat:
    """Return the sum of squares of the observations' scores.

    Parameters
    ----------
    run : Pass
    theta : ndarray of shape (P,)
    kind : {"HC0", "HC1", "HC2", "HC3"}
        Which correction for leverage; none for the first two.
    leverage : ndarray of shape (P, P)
        Inverse of the expected information.
    freq : ndarray of shape (n,) or None
        How often each row was seen.
    """

    def part(piece: _Piece, seen: Array | None) -> tuple[Array, Codes, int]:
        score = piece.score
        full = np.zeros(0, dtype=np.intp)
        if kind in ("HC2", "HC3"):
            score = _corrected_rows(piece, leverage, kind[-1])
            full = np.flatnonzero(np.isnan(score).any(axis=1) & (seen is None or seen > 0.0))
        rows = np.einsum("nm,nmp->np", score, piece.derivative)
        if seen is not None:
            rows = np.where(seen[:, None] > 0.0, rows, 0.0) * np.sqrt(seen)[:, None]
        return rows.T @ rows, full, score.shape[0]

    def whole(chunk: Rows, eta: Array, rows: EtaStats) -> tuple[Array, Codes, int]:
        return part(_piece(predictor, chunk, eta, rows), None)

    predictor = run.predictor
    found = (
        run.map(theta, whole, _at_once(run, theta))  # where the rows are
        if freq is None
        else (part(piece, seen) for piece, seen in pieces(run, theta, freq))
    )
    meat = np.zeros((theta.size, theta.size))
    every, start = [], 0
    for matrix, full, count in found:
        meat += matrix
        every.append(start + full)
        start += count
    return Meat(meat, np.concatenate([*every, np.zeros(0, dtype=np.intp)]))


def _corrected_rows(piece: _Piece, leverage: Array, kind: str) -> Array:
    """Return scores corrected for leverage, shape (n, M); NaN where a leverage is 1."""
    derivative, score, weight = piece
    spread = np.einsum("nap,pq,nbq->nab", derivative, leverage, derivative, optimize=True)
    if score.shape[1] == 1:
        left = 1.0 - weight[0] * spread[:, 0, 0]
        left = np.where(left < FULL_LEVERAGE, np.nan, left)
        return score / (np.sqrt(left) if kind == "2" else left)[:, None]
    root = _root(weight, score.shape[1])
    values, vectors = np.linalg.eigh(root @ spread @ root)
    factor = growth(np.where(values > 1.0 - FULL_LEVERAGE, np.nan, values), kind)
    inner = np.einsum("nab,nbc,nc->na", root, spread, score, optimize=True)
    turned = np.einsum("nba,nb->na", vectors, inner) * factor
    return np.asarray(score + np.einsum("nab,nbc,nc->na", root, vectors, turned, optimize=True))


def _root(weight: Array, count: int) -> Array:
    """Return the symmetric roots of M x M matrices of weights, shape (n, M, M)."""
    full = np.empty((weight.shape[1], count, count))
    for (a, b), line in zip(pairs(count), weight, strict=True):
        full[:, a, b] = full[:, b, a] = line
    values, vectors = np.linalg.eigh(full)
    scaled = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    return np.asarray(scaled @ vectors.transpose(0, 2, 1))


def growth(share: Array, kind: str) -> Array:
    """Return k(h) of the module's docstring for leverages h."""
    left = 1.0 - share
    if kind == "3":
        return 1.0 / left
    root = np.sqrt(left)
    return 1.0 / (root * (1.0 + root))


def information_inverse(run: Pass, theta: Array, *, observed: bool) -> Array:
    """Return the inverse of the information at a fit, shape (P, P).

    Raises
    ------
    FitError
        If it is not positive definite.
    """
    found = inverse_information(run, theta, observed=observed)
    if found is None:
        kind = "observed" if observed else "expected"
        raise FitError(
            f"The {kind} information is not positive definite at the estimates, so its inverse "
            "is no covariance. The fit is at no maximum, or the columns are collinear."
        )
    return found


def outer_products(run: Contributing, theta: Array, freq: Array | None) -> Array:
    """Return the sum of outer products of the units' scores (OPG), shape (P, P)."""
    total = np.zeros((theta.size, theta.size))
    for part in run.contributions(theta, np.arange(run.n_units)):
        rows = part.score
        if freq is not None:
            seen = freq[part.units]
            rows = np.divide(
                rows, np.sqrt(seen)[:, None], out=np.zeros_like(rows), where=seen[:, None] > 0.0
            )
        total += rows.T @ rows
    return total


def wald_f(design: Design, theta: Array, covariance: Array, rank: float) -> float:
    """Return the F of all contrasts that leave the constant alone; NaN past ``rank``.

    Parameters
    ----------
    design : Design
        Shape (n, p), whose combination that is constant is left alone.
    theta : ndarray of shape (p,)
    covariance : ndarray of shape (p, p)
    rank : float
        Largest rank that the covariance can have.
    """
    constant = constant_combination(design)
    contrasts = np.eye(theta.size) if constant is None else null_space(constant[None, :]).T
    if contrasts.shape[0] == 0 or rank < contrasts.shape[0]:
        return float("nan")
    shift = contrasts @ theta
    spread = contrasts @ covariance @ contrasts.T
    if not np.isfinite(spread).all():
        return float("nan")
    factor = cholesky(spread)
    if factor is None:
        return float("nan")
    return float(np.dot(shift, factor.solve(shift)) / contrasts.shape[0])
