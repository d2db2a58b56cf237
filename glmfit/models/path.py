"""A penalised fit along falling weights, each warm-started from the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.coordinate import fit_penalized
from glmfit.engine.passes import Pass
from glmfit.engine.predictor import Predictor
from glmfit.errors import AlignmentError, ArgumentError
from glmfit.models.penalty import (
    Penalisable,
    PenaltySpec,
    Ready,
    first_theta,
    prepare,
    total_weight,
)
from glmfit.sources import Rows

__all__ = ["Trail", "dealt_folds", "given_folds", "held_out_deviance", "trail"]

Array = NDArray[np.float64]

SMALLEST_SHARE = 1e-3
"""L1_wt below which the largest alpha is that of this one: for ridge it is infinite."""


@dataclass(frozen=True, slots=True)
class Trail:
    """Coefficients along falling weights.

    Attributes
    ----------
    ready : Ready
    alphas : ndarray of shape (m,)
    coefficients : ndarray of shape (m, P)
        Of the model.
    deviance : ndarray of shape (m,)
    null_deviance : float
    n_selected : ndarray of int, shape (m,)
        Penalised columns that are not 0.
    converged : ndarray of bool, shape (m,)
    """

    ready: Ready
    alphas: Array
    coefficients: Array
    deviance: Array
    null_deviance: float
    n_selected: NDArray[np.intp]
    converged: NDArray[np.bool_]


def trail(
    model: Penalisable,
    rows: Rows,
    factors: Array,
    spec: PenaltySpec,
    control: Control,
    alphas: Array | tuple[int, float],
) -> Trail:
    """Fit rows at each of several weights.

    Parameters
    ----------
    model : Penalisable
    rows : Rows
    factors : ndarray of shape (p,)
        What multiplies the weight for each column.
    spec : PenaltySpec
        Its alpha is not read.
    control : Control
    alphas : ndarray of shape (m,), falling, or (count, ratio)
        Or how many, from the one at which every penalised coefficient is 0 down to
        this share of it.
    """
    ready = prepare(model, rows, 1.0, factors, spec, control)
    theta = first_theta(model, ready)
    null = ready.run.deviance(theta)
    if isinstance(alphas, tuple):
        alphas = _falling_alphas(ready, theta, *alphas)
    coefficients, deviance, selected, converged = [], [], [], []
    for alpha in alphas:
        found = fit_penalized(ready.run, theta, ready.penalty.at(float(alpha)), control)
        theta = found.theta
        moved = (theta != 0.0) & ~ready.penalty.free
        coefficients.append(ready.coefficients(theta))
        deviance.append(found.deviance)
        selected.append(np.unique(ready.columns[moved]).size)
        converged.append(found.converged)
    return Trail(
        ready,
        alphas,
        np.array(coefficients),
        np.array(deviance),
        null,
        np.array(selected, dtype=np.intp),
        np.array(converged, dtype=bool),
    )


def _falling_alphas(ready: Ready, theta: Array, count: int, ratio: float) -> Array:
    """Return weights from the smallest at which all penalised coefficients are 0, falling."""
    penalty = ready.penalty
    reached = ~penalty.free
    share = penalty.total * max(penalty.L1_wt, SMALLEST_SHARE)
    pull = np.abs(ready.run(theta).score[reached])
    unit = share * penalty.factors[reached] * penalty.lengths[reached]
    largest = float((pull / unit).max(initial=0.0))
    if not largest > 0.0:
        raise ArgumentError(
            "The penalised columns have no pull on the response at all, so that there is no "
            "largest alpha to begin with. Give alphas=."
        )
    return largest * np.exp(np.linspace(0.0, np.log(ratio), count))


def dealt_folds(strata: NDArray[np.intp], count: int, seed: int) -> NDArray[np.intp]:
    """Return a fold for each row, dealt at random within strata, shape (n,).

    Rows of a stratum follow one another in the dealing, so that folds have equal shares
    of it, and equal numbers of rows, but for one.
    """
    draw = np.random.default_rng(seed).random(strata.size)
    folds = np.empty(strata.size, dtype=np.intp)
    folds[np.lexsort((draw, strata))] = np.arange(strata.size) % count
    return folds


def given_folds(folds: Any, rows: int) -> NDArray[np.intp]:
    """Return the fold of each row, as numbers from 0."""
    values = np.asarray(folds)
    if values.shape != (rows,):
        raise AlignmentError(
            f"folds has shape {values.shape} for {rows} rows of the fit: give how many folds, or "
            "the fold of each row."
        )
    found, codes = np.unique(values, return_inverse=True)
    if found.size < 2:
        raise ArgumentError("folds must name two folds or more.")
    return np.asarray(codes, dtype=np.intp)


def held_out_deviance(
    model: Penalisable, rows: Rows, coefficients: Array, control: Control
) -> tuple[Array, float]:
    """Return the deviance of rows per unit of weight at each of several fits, and the weight.

    Parameters
    ----------
    model : Penalisable
    rows : Rows
        Held out of the fits.
    coefficients : ndarray of shape (m, P)
    control : Control
    """
    vector = Predictor(rows.design, model.n_equations)
    run = Pass(rows, model.likelihood, control, vector)
    weight = total_weight(rows.weight, rows.n)
    return np.array([run.deviance(base) for base in coefficients]) / weight, weight
