"""Between the coefficients that are fitted and all that a model has: starts and records."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.irls import Solution
from glmfit.engine.separation import Separation
from glmfit.errors import ArgumentError, ArgumentTypeError
from glmfit.results.record import FitRecord

__all__ = ["discrete_record", "given_start", "widen", "widen_square"]

Array = NDArray[np.float64]


def given_start(
    start_params: Any, kept: NDArray[np.intp], p: int, order: str = "in the order of params"
) -> Array:
    """Return the kept ones of p coefficients to start at; a (p, M) array goes by column."""
    try:
        given = np.asarray(start_params, dtype=np.float64).ravel(order="F")
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"start_params must be numbers ({error}).") from error
    if given.size != p:
        raise ArgumentError(f"start_params has {given.size} values for {p} coefficients ({order}).")
    theta: Array = np.nan_to_num(given, nan=0.0)[kept]
    return theta


def widen(values: NDArray[Any], kept: NDArray[np.intp], p: int, fill: Any) -> Array:
    """Return values of the kept columns at their places among all p."""
    out = np.full(p, fill, dtype=float)
    out[kept] = values
    return out


def widen_square(matrix: Array, kept: NDArray[np.intp], p: int) -> Array:
    """Return the covariance of the kept coefficients at their places among all p, else NaN."""
    out = np.full((p, p), np.nan)
    out[np.ix_(kept, kept)] = matrix
    return out


def discrete_record(
    solution: Solution,
    kept: NDArray[np.intp],
    p: int,
    *,
    most: float,
    null_deviance: float,
    nobs: float,
    rank: int,
    has_constant: bool,
    aliased: dict[str, str],
    alias_check: Array,
    separation: Separation | None = None,
    n_equations: int = 1,
) -> FitRecord:
    """Return the record of a model without a dispersion.

    Parameters
    ----------
    solution : Solution
        For the ``kept`` ones of ``p`` coefficients.
    most : float
        Log-likelihood at which the deviance is 0.
    null_deviance, nobs, rank, has_constant, aliased, alias_check, separation, n_equations
        As in `FitRecord`.
    """
    return FitRecord(
        base=widen(solution.theta, kept, p, 0.0),
        kept=kept,
        unscaled=widen_square(solution.covariance, kept, p),
        scale=1.0,
        scale_note=None,
        deviance=solution.deviance,
        null_deviance=null_deviance,
        pearson_chi2=math.nan,
        llf=most - 0.5 * solution.deviance,
        llnull=most - 0.5 * null_deviance,
        null_constant=math.nan,
        total_squares=math.nan,
        nobs=nobs,
        rank=rank,
        has_constant=has_constant,
        aliased=aliased,
        alias_check=alias_check,
        converged=solution.converged,
        reason=solution.reason,
        condition=solution.condition,
        history=solution.history,
        method=solution.method,
        stop=solution.stop,
        separation=separation,
        n_equations=n_equations,
    )
