"""Which columns of a design are determined by those before them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glmfit.design import Design, Mapped
from glmfit.engine.executor import map_chunks
from glmfit.engine.linalg import Alias, cholesky, independent_columns
from glmfit.engine.passes import Pass, SuffStats
from glmfit.engine.warm import samples
from glmfit.errors import DataError
from glmfit.sources import Rows

Array = NDArray[np.float64]

__all__ = ["FullRank", "check_sizes", "full_rank", "select_columns"]

SMALLEST, LARGEST = 1e-140, 1e140
"""Largest values of a column between which its squares neither vanish nor overflow."""

SAFE_PIVOT = 1e-3
"""Smallest pivot from which sums of products alone show that the rank is full."""


@dataclass(frozen=True, slots=True)
class FullRank:
    """A pass whose design has full column rank.

    Attributes
    ----------
    run : Pass
        Over the kept columns.
    kept : ndarray of int
        Their positions.
    aliased : list of Alias
        The other columns.
    sample : Pass
        ``run``, or one over some of its rows that has full rank already.
    samples : list of Pass
        ``run``, and those over ever fewer of its rows.
    start : SuffStats
        Statistics of the first least-squares fit to the rows of ``sample``.
    """

    run: Pass
    kept: NDArray[np.intp]
    aliased: list[Alias]
    sample: Pass
    start: SuffStats
    samples: list[Pass]


def full_rank(run: Pass) -> FullRank:
    """Drop the columns that those before them determine, as R does.

    Columns that are independent in a sample of the rows are so in all of them.
    """
    every = np.arange(run.rows.design.shape[1], dtype=np.intp)
    passes = samples(run)
    for sample in reversed(passes):
        start = sample.start()
        _check_magnitudes(run, start)
        factor = cholesky(start.information) if start.finite else None
        if factor is not None and factor.smallest_pivot > SAFE_PIVOT:
            return FullRank(run, every, [], sample, start, passes)
    kept, aliased = independent_columns(run.design_triangle(), run.control.rank_tol)
    if not aliased:
        return FullRank(run, every, [], run, start, [run])
    design = select_columns(run.rows.design, kept)
    reduced = replace(run, rows=run.rows.with_design(design))
    return FullRank(reduced, kept, aliased, reduced, reduced.start(), [reduced])


def _check_magnitudes(run: Pass, start: SuffStats) -> None:
    """Raise if the squares of a column are too large or too small for floating point."""
    squares = start.information.diagonal()
    if ((squares > SMALLEST) & (squares < LARGEST)).all():
        return

    def largest_of(chunk: Rows) -> Array:
        return np.asarray(np.abs(chunk.design.toarray()).max(axis=0, initial=0.0))

    check_sizes(np.max(list(map_chunks(largest_of, run.rows, run.control)), axis=0))


def check_sizes(sizes: Array) -> None:
    """Raise if the largest absolute values of columns, shape (p,), have squares that are lost."""
    wrong = np.flatnonzero(((sizes > 0.0) & (sizes < SMALLEST)) | (sizes > LARGEST))
    if wrong.size:
        raise DataError(
            f"Column {int(wrong[0])} of the design (counted from 0) has values as large as "
            f"{sizes[wrong[0]]:.3g} and none larger; its squares cannot be summed in floating "
            f"point. Values between {SMALLEST:g} and {LARGEST:g} can: change its unit."
        )


def select_columns(design: Design, kept: NDArray[np.intp]) -> Mapped:
    """Return the design with the given columns only."""
    if isinstance(design, Mapped):
        return design.columns(kept)
    return Mapped(design, sparse.eye_array(design.shape[1], format="csr")[:, kept])
