"""The linear algebra of one scoring step, on columns scaled to unit length."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

__all__ = ["Alias", "Triangular", "cholesky", "independent_columns", "merge_triangular"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Triangular:
    """An upper triangle R with R'R = D A D, where D = diag(1 / length) and A is p x p.

    Attributes
    ----------
    upper : ndarray of shape (p, p)
        R.
    length : ndarray of shape (p,)
        Lengths of the columns: square roots of the diagonal of A.
    """

    upper: Array
    length: Array

    @property
    def smallest_pivot(self) -> float:
        """Smallest share of a column's length that the columns before it leave."""
        return float(np.abs(self.upper.diagonal()).min(initial=1.0))

    def condition(self) -> float:
        """Return the condition number (1-norm, estimated) of the scaled columns."""
        if self.upper.shape[0] == 0:
            return 1.0
        reciprocal, _ = lapack.dtrcon(self.upper)
        return np.inf if reciprocal == 0.0 else 1.0 / float(reciprocal)

    def solve(self, vector: Array) -> Array:
        """Return A^-1 vector."""
        half = _solve(self.upper, vector / self.length, transposed=True)
        return _solve(self.upper, half) / self.length

    def solve_many(self, matrix: Array) -> Array:
        """Return A^-1 matrix, for a matrix of shape (p, k)."""
        root = self.whitening()
        return np.asarray(root @ (root.T @ matrix))

    def solve_half(self, rotated: Array) -> Array:
        """Return the x of least squares whose right-hand side is Q' z = ``rotated``."""
        return _solve(self.upper, rotated) / self.length

    def refined(self, inner: Triangular) -> Triangular:
        """Return the factor of R' S R, with S the matrix that ``inner`` factorises."""
        root = inner.upper * inner.length
        return Triangular(root @ self.upper, self.length)

    def whitening(self) -> Array:
        """Return D R^-1, whose columns are orthonormal under A, shape (p, p)."""
        # OpenBLAS starts threads for dtrtrs with several right-hand sides: milliseconds for a 4 x 4
        inverse, singular = lapack.dtrtri(self.upper) if self.upper.size else (self.upper, 0)
        if singular:
            return np.full_like(self.upper, np.nan)
        return np.asarray(inverse / self.length[:, None])

    def inverse(self) -> Array:
        """Return A^-1, symmetric to the last bit."""
        root = self.whitening()
        out = root @ root.T
        return 0.5 * (out + out.T)

    def norm(self, vector: Array) -> float:
        """Return sqrt(vector' A vector)."""
        rotated = self.upper @ (vector * self.length)
        return math.sqrt(np.dot(rotated, rotated))


def _solve(upper: Array, right: Array, *, transposed: bool = False) -> Array:
    """Solve a triangular system (LAPACK itself: the checks of SciPy cost more than a solve)."""
    if not upper.size:  # LAPACK prints a complaint of its own
        return right
    solution, singular = lapack.dtrtrs(upper, right, trans=int(transposed))
    return np.full_like(right, np.nan) if singular else np.asarray(solution)


def cholesky(gram: Array) -> Triangular | None:
    """Factorise a symmetric matrix; None if it is not positive definite."""
    diagonal = gram.diagonal()
    # false for a NaN, too
    if not (diagonal.min(initial=1.0) > 0.0 and diagonal.max(initial=1.0) < np.inf):
        return None
    length = np.sqrt(diagonal)
    scaled = gram / length / length[:, None]
    upper, failed = lapack.dpotrf(scaled, lower=0, clean=1)
    return None if failed else Triangular(upper, length)


def merge_triangular(upper: Array | None, block: Array) -> Array:
    """Return the triangle of ``block`` stacked under ``upper`` (one step of TSQR)."""
    stacked = block if upper is None else np.vstack([upper, block])
    upper_new: Array = np.asarray(np.linalg.qr(stacked, mode="r"))
    return upper_new


@dataclass(frozen=True, slots=True)
class Alias:
    """A column that the columns before it determine.

    Attributes
    ----------
    column : int
        Its position.
    sources : ndarray of int
        Positions of the columns that make it up.
    weights : ndarray
        Their multipliers: column = sum of weights * sources.
    """

    column: int
    sources: NDArray[np.intp]
    weights: Array


def independent_columns(upper: Array, tol: float) -> tuple[NDArray[np.intp], list[Alias]]:
    """Choose the columns that those before them do not determine (R's rule).

    Parameters
    ----------
    upper : ndarray of shape (m, p)
        Triangle of the columns, in the order of the formula.
    tol : float
        Share of its length below which the rest of a column counts as nothing.

    Returns
    -------
    kept : ndarray of int
        Positions of the independent columns, in order.
    aliased : list of Alias
        The others, each with the columns that make it up.
    """
    length = np.linalg.norm(upper, axis=0)
    basis: list[Array] = []
    kept: list[int] = []
    dropped: list[int] = []
    for j in range(upper.shape[1]):
        rest = upper[:, j] / length[j] if length[j] > 0.0 else np.zeros(upper.shape[0])
        if basis:
            directions = np.array(basis)
            for _ in range(2):  # once more, since rounding leaves the first result oblique
                rest = rest - directions.T @ (directions @ rest)
        left = float(np.linalg.norm(rest))
        if left <= tol:
            dropped.append(j)
        else:
            kept.append(j)
            basis.append(rest / left)
    positions = np.array(kept, dtype=np.intp)
    return positions, [_alias(upper, j, positions, length) for j in dropped]


def _alias(upper: Array, column: int, kept: NDArray[np.intp], length: Array) -> Alias:
    before = kept[kept < column]
    scaled = upper[:, before] / length[before]
    weights = np.linalg.lstsq(scaled, upper[:, column], rcond=None)[0]
    relevant = np.abs(weights) > 1e-7 * max(length[column], 1e-300)
    return Alias(column, before[relevant], (weights / length[before])[relevant])
