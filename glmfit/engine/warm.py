"""A start from a sample of the rows, so that few passes have to see all of them.

Every eighth row is fitted first, itself started from every eighth of its rows, each only
as far as its own standard errors make sense of. The maximum over all rows is the same,
and so is the test by which the fit ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.irls import Solution, approach, fit_irls
from glmfit.engine.passes import Pass

__all__ = ["fit_warm", "from_sample", "samples", "thinned"]

Array = NDArray[np.float64]

STEP = 8
"""Of how many rows one is in the sample."""

FEWEST_ROWS = 8192
"""Rows below which a sample is not worth its passes."""

ROWS_PER_PARAMETER = 40


def thinned(run: Pass) -> Pass | None:
    """Return the pass over every eighth row, or None where too few are left."""
    parameters = run.predictor.n_parameters
    if run.rows.n < STEP * max(FEWEST_ROWS, ROWS_PER_PARAMETER * parameters):
        return None
    rows = run.rows.thin(STEP)
    vector = run.vector and replace(run.vector, design=rows.design)
    return replace(run, rows=rows, vector=vector, control=replace(run.control, disp=False))


def samples(run: Pass) -> list[Pass]:
    """Return the pass over all rows, then those over ever fewer of them."""
    found = [run]
    while (smaller := thinned(found[-1])) is not None:
        found.append(smaller)
    return found


def from_sample(run: Pass, theta: Array) -> Array:
    """Return coefficients near the maximum of a sample's likelihood.

    Parameters
    ----------
    run : Pass
        Over all rows.
    theta : ndarray of shape (P,)
        Where to begin: the least-squares start of the smallest sample, or any other.

    Returns
    -------
    ndarray of shape (P,)
        ``theta`` itself where there are too few rows, or the samples tell nothing.
    """
    near = theta
    for sample in reversed(samples(run)[1:]):
        found = approach(sample, near)
        near = theta if found is None else found
    return near


def fit_warm(
    run: Pass, theta: Array, fit: Callable[..., Solution] = fit_irls, *, observed: bool = False
) -> Solution:
    """Maximise the likelihood, from a sample of many rows; from ``theta`` where that fails.

    Parameters
    ----------
    run, theta, observed
        As in `fit_irls`.
    fit : callable
        `fit_irls`, or the ``fit`` of another solver.
    """
    near = from_sample(run, theta)
    solution = fit(run, near, run.control, observed=observed)
    if near is theta or solution.converged:
        return solution
    return fit(run, theta, run.control, observed=observed)
