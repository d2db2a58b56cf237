"""Rows that are equal in all columns, fitted as one: an exact sufficiency.

The log-likelihood of an exponential family is linear in the response but for terms
without the mean, so rows with the same predictor count by their total weight and their
weighted mean alone. Score, observed and expected information are the same; the deviance
is larger by what varies within the cells, which no coefficient changes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from glmfit.design import Blocks, Categorical, Dense, Design, Mapped
from glmfit.engine.passes import Pass
from glmfit.sources import Rows

__all__ = ["cells_of"]

Array = NDArray[np.float64]

ROWS_PER_CELL = 8
"""Mean number of rows from which cells are worth counting."""

FEWEST_ROWS = 20_000


def cells_of(run: Pass) -> Pass | None:
    """Return the pass over the distinct rows, or None where that is no gain.

    Parameters
    ----------
    run : Pass
        With one predictor a row and the likelihood of an exponential family.

    Returns
    -------
    Pass or None
        None if there are few rows, an offset, columns other than factors and constants, or
        if the rows are streamed.
    """
    if run.rows.n < FEWEST_ROWS or run.rows.shifted or run.rows.streamed:
        return None
    rows = run.held
    factors = _factors(rows.design)
    if factors is None:
        return None
    size = 1
    for factor in factors:
        size *= factor.n_levels
        if size * ROWS_PER_CELL > rows.n:
            return None
    number = _numbers(factors, rows.n)
    weight = np.bincount(number, weights=rows.weight, minlength=size).astype(float)
    response = rows.y if rows.weight is None else rows.y * rows.weight
    total = np.bincount(number, weights=response, minlength=size)
    seen = np.flatnonzero(weight > 0.0)
    first = np.empty(size, dtype=np.intp)
    first[number[::-1]] = np.arange(rows.n - 1, -1, -1)
    design = rows.design.take(first[seen])
    return replace(run, rows=Rows(total[seen] / weight[seen], design, None, weight[seen]))


def _factors(design: Design) -> list[Categorical] | None:
    """Return the factors that columns are made of, or None if there are other columns."""
    raw = design.raw
    found = []
    for part in raw.parts if isinstance(raw, Blocks) else (raw,):
        if isinstance(part, Categorical) and part.values is None:
            found.append(part)
        elif not (isinstance(part, Dense) and _all_constant(part, design)):
            return None
    return found


def _all_constant(part: Dense, design: Design) -> bool:
    """Return whether every dense column is one number; columns that no other uses aside."""
    return isinstance(design, Mapped) and len(part.constant_columns()) == part.shape[1]


def _numbers(factors: list[Categorical], n: int) -> NDArray[np.intp]:
    """Return the number of each row's cell."""
    number = np.zeros(n, dtype=np.intp)
    for factor in factors:
        number *= factor.n_levels
        number += factor.codes
    return number
