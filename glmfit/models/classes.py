"""What models of several classes share: reading counts and codes, and their constants."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.errors import ResponseError
from glmfit.likelihoods import log_choose
from glmfit.models.data import ModelData
from glmfit.sources import Rows

__all__ = ["check_classes", "class_counts", "indicator_shares", "plain_level", "saturated"]

Array = NDArray[np.float64]


def plain_level(level: Any) -> Any:
    """Return a level as a Python value."""
    return level.item() if isinstance(level, np.generic) else level


def indicator_shares(codes: NDArray[np.integer], n_levels: int) -> Array:
    """Return a 1 in the column of each row's class, shape (n, K)."""
    shares = np.zeros((codes.size, n_levels))
    shares[np.arange(codes.size), codes] = 1.0
    return shares


def class_counts(values: tuple[Any, ...], name: str) -> tuple[Array, Array, list[Any]]:
    """Return shares (n, K), totals (n,) and names of the classes of a matrix of counts."""
    columns = np.column_stack([np.asarray(value, dtype=float) for value in values])
    if (columns < 0.0).any():
        raise ResponseError(f"{name}: a count is negative.")
    names = [part.strip() for part in name.split(" + ")]
    levels = names if len(names) == columns.shape[1] else [*range(columns.shape[1])]
    total = columns.sum(axis=1)
    shares = np.divide(
        columns, total[:, None], out=np.zeros_like(columns), where=total[:, None] > 0.0
    )
    return shares, total, levels


def check_classes(levels: tuple[Any, ...], name: str, rows: Rows) -> None:
    """Raise unless every level is in some row that counts."""
    weight = np.ones(rows.n) if rows.weight is None else rows.weight
    seen = weight @ rows.y > 0.0
    if not seen.all():
        absent = [str(level) for level, some in zip(levels, seen, strict=True) if not some]
        raise ResponseError(
            f"The level {absent[0]!r} of {name} is in no row that counts, so its "
            "coefficients go to minus infinity. Leave it out of the categories."
        )


def saturated(data: ModelData) -> float:
    """Return the log-likelihood at which each row's probabilities are its shares."""
    y, weight = data.response.y, data.weight
    rows: Array = special.xlogy(y, y).sum(axis=1)
    total = float(rows.sum() if weight is None else np.dot(rows, weight))
    trials = data.response.trials
    if trials is None:
        return total
    counts = y * trials[:, None]
    above = np.cumsum(counts, axis=1)
    choose = sum(log_choose(above[:, k], counts[:, k]) for k in range(1, y.shape[1]))
    factor = np.ones(y.shape[0])
    for part in (data.freq_weights, data.var_weights):
        factor = factor if part is None else factor * part
    return total + float(np.dot(factor, choose))
