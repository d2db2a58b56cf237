"""A start from a sample of the rows, so that few passes have to see all of them.

Every eighth row is fitted first, itself started from every eighth of its rows, each only
as far as its own standard errors make sense of. The maximum over all rows is the same,
and so is the test by which the fit ends.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.irls import Solution, approach
from glmfit.engine.linalg import Triangular
from glmfit.engine.passes import Pass
from glmfit.engine.solvers import Solver

__all__ = ["Start", "fit_warm", "from_sample", "samples", "thinned"]

Array = NDArray[np.float64]

STEP = 8
"""Of how many rows one is in the sample."""

FEWEST_ROWS = 8192
"""Rows below which a sample is not worth its passes."""

ROWS_PER_PARAMETER = 40

HELD = 3 * 2**20
"""Numbers in the design of a sample, which is copied so that passes read it in a row."""


def thinned(run: Pass) -> Pass | None:
    """Return the pass over every eighth row, or None where too few are left.

    Where these are more than memory should be spent on, rows are farther apart.
    """
    parameters = run.predictor.n_parameters
    step = max(STEP, math.ceil(run.rows.n * run.rows.design.row_size / HELD))
    if run.rows.n < step * max(FEWEST_ROWS, ROWS_PER_PARAMETER * parameters):
        return None
    rows = run.rows.thin(step)
    vector = run.vector and replace(run.vector, design=rows.design)
    return replace(run, rows=rows, vector=vector, control=replace(run.control, disp=False))


def samples(run: Pass) -> list[Pass]:
    """Return the pass over all rows, then those over ever fewer of them."""
    found = [run]
    while (smaller := thinned(found[-1])) is not None:
        found.append(smaller)
    return found


@dataclass(frozen=True, slots=True)
class Start:
    """Where a fit begins.

    Attributes
    ----------
    theta : ndarray of shape (P,)
    factor : Triangular or None
        Factor of about what the information of all rows is there, if that is known.
    """

    theta: Array
    factor: Triangular | None = None


def from_sample(passes: list[Pass], theta: Array) -> Start:
    """Return coefficients near the maximum of a sample's likelihood.

    Parameters
    ----------
    passes : list of Pass
        Over all rows, then over ever fewer of them (see `samples`).
    theta : ndarray of shape (P,)
        Where to begin: the least-squares start of the smallest sample, or any other.

    Returns
    -------
    Start
        ``theta`` itself where there are too few rows, or the samples tell nothing.
    """
    near = Start(theta)
    for larger, sample in reversed(list(itertools.pairwise(passes))):
        found = approach(sample, near.theta)
        share = larger.rows.n / sample.rows.n
        near = Start(theta) if found is None else Start(found[0], _grown(found[1], share))
    return near


def _grown(factor: Triangular, share: float) -> Triangular:
    """Return the factor for ``share`` times the rows."""
    return replace(factor, length=factor.length * math.sqrt(share))


def fit_warm(run: Pass, theta: Array, solver: Solver, *, observed: bool = False) -> Solution:
    """Maximise the likelihood, from a sample of many rows; from ``theta`` where that fails.

    Parameters
    ----------
    run, theta, observed
        As in `fit_irls`.
    solver : Solver
    """
    near = from_sample(samples(run), theta)
    solution = solver.fit(run, near.theta, run.control, observed=observed, factor=near.factor)
    if near.theta is theta or solution.converged:
        return solution
    return solver.fit(run, theta, run.control, observed=observed)
