"""The numbers of a fit, computed once and kept whether or not the data are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glmfit.design import Design
from glmfit.engine.history import Iteration
from glmfit.engine.separation import MOVED, Separation

__all__ = ["FitRecord"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FitRecord:
    """Scalars and small arrays of a fit; p counts all columns, aliased ones included.

    Attributes
    ----------
    base : ndarray of shape (p,)
        Finite coefficients to predict with; 0 for columns that were left out.
    kept : ndarray of int
        Positions of the columns that the finite part of the fit rests on.
    unscaled : ndarray of shape (p, p)
        Inverse information, to be multiplied by the scale; NaN for columns left out.
    scale : float
        Dispersion.
    scale_note : str or None
        Where the dispersion comes from, in words, where that is not the family's own way.
    deviance, null_deviance, pearson_chi2, llf, llnull : float
    null_constant : float
        Constant of the model that has nothing else (but the offset); NaN where it has
        several predictors.
    total_squares : float
        Weighted sum of squares of the response about 0, for a normal response, else NaN.
    nobs : float
        Observations: frequencies summed, rows of weight 0 left out.
    rank : int
        Columns that are not aliased.
    has_constant : bool
        Whether the columns span a constant.
    aliased : dict of str to str
        For each aliased column the combination that it is.
    alias_check : ndarray of shape (k, p)
        Combinations of columns that were 0 in every row of the fit.
    converged : bool
    reason : str
    condition : float
        Condition number of the weighted columns scaled to unit length.
    history : tuple of Iteration
    method : str
        The solver.
    stop : str
        The rule by which it stopped.
    n_equations : int
        Linear predictors of a row, each with a constant of its own.
    separation : Separation or None
        The direction in which the likelihood rises for ever, over all p columns and the
        rows used; the fit is then the limit along it.
    bias_reduced : str or None
        What the method is called if the estimates are bias-reduced, so that they do not
        maximise the likelihood.
    penalty : float or None
        log|I| / 2, where the estimates maximise the likelihood with this penalty.
    """

    base: Array
    kept: NDArray[np.intp]
    unscaled: Array
    scale: float
    scale_note: str | None
    deviance: float
    null_deviance: float
    pearson_chi2: float
    llf: float
    llnull: float
    null_constant: float
    total_squares: float
    nobs: float
    rank: int
    has_constant: bool
    aliased: dict[str, str]
    alias_check: Array
    converged: bool
    reason: str
    condition: float
    history: tuple[Iteration, ...]
    method: str = "newton"
    stop: str = "score"
    separation: Separation | None = None
    n_equations: int = 1
    bias_reduced: str | None = None
    penalty: float | None = None
    wald_f: float | None = None
    """F of all columns beyond the constant under a robust covariance."""

    @property
    def theta(self) -> Array:
        """Coefficients to show: NaN for columns left out, infinite where separated."""
        out = np.full(self.base.size, np.nan)
        out[self.kept] = self.base[self.kept]
        if self.separation is None:
            return out
        lost = ~self.separation.finite
        way = self.separation.direction[lost]
        out[lost] = np.where(way == 0.0, np.nan, np.copysign(np.inf, way))
        return out

    def limit(self, eta: Array, design: Design) -> Array:
        """Return the linear predictor in the limit: infinite where the rows are separated.

        Parameters
        ----------
        eta : ndarray of shape (n,)
            Predictor at the finite coefficients.
        design : Design
            Shape (n, p).
        """
        if self.separation is None:
            return eta
        drift = design.matvec(self.separation.direction)
        return np.where(np.abs(drift) > MOVED, np.copysign(np.inf, drift), eta)

    @property
    def df_model(self) -> int:
        """Columns beyond the constant."""
        return self.rank - int(self.has_constant) * self.n_equations

    @property
    def df_resid(self) -> float:
        """Observations less columns."""
        return self.nobs - self.rank
