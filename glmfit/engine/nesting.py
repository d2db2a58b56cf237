"""Whether the predictors of one pass are among those of another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from glmfit.engine.irls import Scorable
from glmfit.engine.linalg import merge_triangular

__all__ = ["determined_by", "nesting_map"]

Array = NDArray[np.float64]
Positions = NDArray[np.intp]

OUTSIDE = 1e-8
"""Length of what the larger columns leave of a column, as a share of its own, that is none."""


def nesting_map(small: Scorable, large: Scorable) -> tuple[Array, Array]:
    """Return how coefficients of a smaller model become those of a larger one.

    Parameters
    ----------
    small, large : Scorable
        Over the same rows, in the same chunks, each of full column rank.

    Returns
    -------
    ndarray of shape (q_large, q_small)
        C, with which C theta gives the larger model the predictors of theta.
    ndarray of bool, shape (q_small,)
        Which columns of the smaller model are no combination of those of the larger one.
    """
    upper: Array | None = None
    size = 0
    for wide, narrow in zip(large.derivative_rows(), small.derivative_rows(), strict=True):
        size = wide.shape[1]
        upper = merge_triangular(upper, np.hstack([wide, narrow]))
    assert upper is not None
    with np.errstate(divide="ignore", invalid="ignore"):
        length = np.linalg.norm(upper[:, size:], axis=0)
        left = np.linalg.norm(upper[size:, size:], axis=0)
    map_ = solve_triangular(upper[:size, :size], upper[:size, size:])
    return np.asarray(map_), np.asarray(left > OUTSIDE * length)


def determined_by(run: Scorable, kept: Positions, others: Positions) -> Array:
    """Return the combinations of kept columns that others are.

    Parameters
    ----------
    run : Scorable
        Over all coefficients, those of the other columns too.
    kept : ndarray of int, shape (q,)
        Positions of independent columns.
    others : ndarray of int, shape (r,)
        Positions of columns that they determine.

    Returns
    -------
    ndarray of shape (q, r)
        With exact zeros for columns that have no part in it.
    """
    upper: Array | None = None
    for rows in run.derivative_rows():
        upper = merge_triangular(upper, rows[:, np.concatenate([kept, others])])
    assert upper is not None
    size = kept.size
    found = solve_triangular(upper[:size, :size], upper[:size, size:])
    length = np.linalg.norm(upper, axis=0)
    rounding = np.abs(found) * length[:size, None] <= OUTSIDE * length[None, size:]
    return np.asarray(np.where(rounding, 0.0, found))
