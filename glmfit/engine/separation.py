"""Whether data are separated: an exact check by linear programming.

A likelihood has no finite maximum when there is a direction of the coefficients along
which no row's likelihood falls and some row's rises for ever. Each row says which way
its linear predictor may go without loss: up (+1), down (-1), or not at all (0). A
direction of separation satisfies all rows, and moves at least one.

References
----------
Albert, A. and Anderson, J. A. (1984). On the existence of maximum likelihood estimates
in logistic regression models. *Biometrika* 71, 1-10.
Konis, K. (2007). *Linear programming algorithms for detecting separated data in binary
logistic regression models*. DPhil thesis, Oxford.
Correia, S., Guimaraes, P. and Zylkin, T. (2019). Verifying the existence of maximum
likelihood estimates for generalized linear models. arXiv:1903.01633.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glmfit.engine.linalg import merge_triangular

__all__ = [
    "MOVED",
    "Separation",
    "distinct_rows",
    "estimable",
    "find_separation",
    "null_space",
    "widest_direction",
]

Array = NDArray[np.float64]
Signs = NDArray[np.int8]

NULL_TOL = 1e-10
"""Singular values below this share of the largest count as zero (columns scaled)."""

PORTION = 5000
"""Rows that join the linear programme at a time."""

MOVED = 1e-6
"""Smallest move of a row, as the programme scales it, that is not rounding."""


@dataclass(frozen=True, slots=True)
class Separation:
    """A direction in which the likelihood rises for ever.

    Attributes
    ----------
    direction : ndarray of shape (p,)
        Moves every row that any direction of separation can move.
    rows : ndarray of bool, shape (n,)
        The rows that it moves: their means go to an end of their range.
    complete : bool
        Whether every row is moved.
    finite : ndarray of bool, shape (p,)
        The coefficients that the other rows determine.
    """

    direction: Array
    rows: NDArray[np.bool_]
    complete: bool
    finite: NDArray[np.bool_]


def find_separation(design: Array, signs: Signs) -> Separation | None:
    """Return the separation of rows, or None if a finite maximum exists.

    Parameters
    ----------
    design : ndarray of shape (n, p)
        Of full column rank.
    signs : ndarray of int8, shape (n,)
        Which way each row's predictor may go without loss: +1, -1 or 0.
    """
    if not signs.any():
        return None
    length = np.sqrt(np.mean(design * design, axis=0))
    length[length == 0.0] = 1.0
    scaled = design / length
    basis = null_space(scaled[signs == 0])
    if basis.shape[1] == 0:
        return None
    free = np.flatnonzero(signs)
    moves = (scaled[free] * signs[free, None]) @ basis
    coordinates = widest_direction(moves)
    if coordinates is None:
        return None
    moved = np.zeros(signs.size, dtype=bool)
    moved[free] = moves @ coordinates > MOVED
    finite = estimable(scaled[~moved])
    direction = basis @ coordinates / length
    direction[finite] = 0.0
    smallest = np.abs(design[moved] @ direction).min()
    return Separation(direction / smallest, moved, bool(moved.all()), finite)


def estimable(rows: Array) -> NDArray[np.bool_]:
    """Return which coefficients the rows determine, shape (p,)."""
    return np.asarray(np.abs(null_space(rows)).max(axis=1, initial=0.0) < 1e-7)


def null_space(rows: Array) -> Array:
    """Return an orthonormal basis of the vectors that every row annihilates, shape (p, d)."""
    p = rows.shape[1]
    if rows.shape[0] == 0:
        return np.eye(p)
    upper = merge_triangular(None, rows)
    _, values, right = np.linalg.svd(upper, full_matrices=True)
    rank = int((values > NULL_TOL * values[0]).sum()) if values.size and values[0] > 0.0 else 0
    return np.asarray(right[rank:].T)


def distinct_rows(moves: Array) -> Array:
    """Return the rows that differ, each stretched to a largest entry of 1; none that is 0."""
    size = np.abs(moves).max(axis=1, initial=0.0)
    return np.unique(np.round(moves[size > 1e-9] / size[size > 1e-9, None], 12), axis=0)


def widest_direction(moves: Array) -> Array | None:
    """Return the direction of `_interior_direction`, by adding rows until all are satisfied.

    A subset of the rows that is not separated shows that no larger set is; a direction
    for a subset is checked on all rows, and those that object, or stay where they are,
    join the subset.
    """
    chosen = np.zeros(moves.shape[0], dtype=bool)
    chosen[:: max(1, moves.shape[0] // PORTION)] = True
    while True:
        z = _interior_direction(moves[chosen])
        if z is None:
            return None
        moved = moves @ z
        open_rows = np.flatnonzero(~chosen & (moved <= MOVED))
        if open_rows.size == 0:
            return z
        chosen[open_rows[np.argsort(moved[open_rows])[:PORTION]]] = True


def _interior_direction(moves: Array) -> Array | None:
    """Return z with ``moves @ z`` >= 0 and as many entries positive as any z has.

    The programme maximises the sum of t under 0 <= t <= 1 and t <= moves @ z. Since
    directions may be added and stretched, its optimum has t = 1 wherever some direction
    has a positive entry.
    """
    # SciPy's optimisers cost a fifth of a second to import, and few fits come here.
    from scipy.optimize import linprog

    rows = distinct_rows(moves)
    if rows.shape[0] == 0:
        return None
    m, d = rows.shape
    cost = np.concatenate([np.zeros(d), -np.ones(m)])
    matrix = sparse.hstack([sparse.csr_array(-rows), sparse.eye_array(m)], format="csr")
    bounds = [(None, None)] * d + [(0.0, 1.0)] * m
    found = linprog(cost, A_ub=matrix, b_ub=np.zeros(m), bounds=bounds, method="highs")
    if not found.success or found.x is None or found.x[d:].sum() < 0.5:
        return None
    z: Array = np.asarray(found.x[:d])
    if (moves @ z).min(initial=0.0) < -MOVED * max(1.0, float(np.abs(moves @ z).max())):
        return None
    return z
