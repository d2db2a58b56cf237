"""Whether a constant is among the combinations of a design's columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glmfit.design.base import Array, Design, Mapped
from glmfit.design.blocks import Blocks
from glmfit.design.categorical import Categorical
from glmfit.design.dense import Dense

__all__ = ["constant_column", "constant_combination"]


def constant_combination(design: Design) -> Array | None:
    """Return theta with X theta = 1 in every row, or None if there is none to be seen.

    Looks at stored columns that are constant and at factors whose indicators sum to 1;
    it does not search for constants among numeric columns that vary.
    """
    for candidate in _constant_columns(design.raw):
        if not isinstance(design, Mapped):
            return candidate
        theta = _preimage(design, candidate)
        if theta is not None:
            return theta
    return None


def constant_column(design: Design) -> int | None:
    """Return the position of the column that is the constant by itself, or None."""
    unit = constant_combination(design)
    parts = np.zeros(0, dtype=np.intp) if unit is None else np.flatnonzero(unit)
    return int(parts[0]) if parts.size == 1 else None


def _constant_columns(raw: Design) -> list[Array]:
    """Return weights of the stored columns under which every row is 1."""
    parts = raw.parts if isinstance(raw, Blocks) else (raw,)
    width = raw.shape[1]
    found, start = [], 0
    for part in parts:
        stop = start + part.shape[1]
        for local in _constants_of(part):
            weights = np.zeros(width)
            weights[start:stop] = local
            found.append(weights)
        start = stop
    return found


def _constants_of(part: Design) -> list[Array]:
    if isinstance(part, Categorical) and part.values is None:
        return [np.ones(part.n_levels)]
    if not isinstance(part, Dense):
        return []
    found = []
    for j, value in part.constant_columns().items():
        weights = np.zeros(part.shape[1])
        weights[j] = 1.0 / value
        found.append(weights)
    return found


def _preimage(design: Mapped, weights: NDArray[np.float64]) -> Array | None:
    """Return theta with T theta = weights, if there is one."""
    transform = design.transform
    columns = transform.tocsc()
    stored = np.flatnonzero(weights)
    if stored.size == 1:
        counts = np.diff(columns.indptr)
        for j in np.flatnonzero(counts == 1):
            if columns.indices[columns.indptr[j]] == stored[0]:
                theta = np.zeros(transform.shape[1])
                theta[j] = weights[stored[0]] / columns.data[columns.indptr[j]]
                return theta
    solved: Array = np.asarray(np.linalg.lstsq(transform.toarray(), weights, rcond=None)[0])
    return solved if np.allclose(transform @ solved, weights, atol=1e-9) else None
