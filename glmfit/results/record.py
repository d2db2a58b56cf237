"""The numbers of a fit, computed once and kept whether or not the data are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glmfit.design import Design
from glmfit.engine.history import Iteration
from glmfit.engine.separation import MOVED, Separation

__all__ = ["AbsorbedEffects", "FitRecord", "Regularization"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Regularization:
    """The penalty that a fit was made with, and what it came to.

    The estimates minimise
    ``-loglik / n + alpha (L1_wt |s b|_1 + (1 - L1_wt) / 2 |s b|_2^2)``.

    Attributes
    ----------
    alpha : float or ndarray of shape (p,)
        Weight of the penalty, as given: of all columns but the constant, or of each.
    L1_wt : float
        Share of the absolute values.
    nobs_weighted : float
        n, the sum of the prior weights (trials, frequencies, variance weights).
    penalty_C : float or None
        scikit-learn's C, 1 / (alpha n), if it was given.
    standardized : bool
        Whether s are the columns' standard deviations; they are 1 otherwise.
    penalized : ndarray of bool, shape (p,)
        The columns that the penalty reaches.
    zeroed : ndarray of bool, shape (P,)
        The coefficients that the penalty sets to 0.
    effective_df : float
        Trace of (A + P)^-1 A over the others, A the information, P the penalty's curvature.
    objective : float
        deviance / (2 n) + penalty: what the estimates minimise, but for a constant of
        the data (0 for a response of 0 and 1, or of one class a row).
    violation : float
        Largest amount by which a coefficient breaks the conditions of the minimum, in
        standard errors.
    refitted : bool
        Whether the selected columns were then fitted by maximum likelihood.
    """

    alpha: float | Array
    L1_wt: float
    nobs_weighted: float
    penalty_C: float | None
    standardized: bool
    penalized: NDArray[np.bool_]
    zeroed: NDArray[np.bool_]
    effective_df: float
    objective: float
    violation: float
    refitted: bool = False

    def zeroed_columns(self, count: int) -> NDArray[np.bool_]:
        """Return which columns are 0 in all of ``count`` equations, shape (p,)."""
        return np.asarray(self.zeroed.reshape(count, -1).all(axis=0))

    @property
    def name(self) -> str:
        """What the penalty is called."""
        return {0.0: "Ridge", 1.0: "Lasso"}.get(self.L1_wt, "Elastic net")


@dataclass(frozen=True, slots=True)
class AbsorbedEffects:
    """Effects of absorbed factors.

    Attributes
    ----------
    values : tuple of ndarray
        The effect of each level, factor by factor.
    df : int
        How many of them are free.
    exact : bool
        Whether ``df`` is their number, or an upper bound.
    """

    values: tuple[Array, ...]
    df: int
    exact: bool

    def rows(self, codes: tuple[NDArray[np.int32], ...]) -> Array:
        """Return the sum of effects of rows with these levels, shape (n,)."""
        return np.asarray(sum(v[c] for v, c in zip(self.values, codes, strict=True)))


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
    cells : int or None
        Number of distinct rows, where only these were fitted, weighted.
    separation : Separation or None
        The direction in which the likelihood rises for ever, over all p columns and the
        rows used; the fit is then the limit along it.
    bias_reduced : str or None
        What the method is called if the estimates are bias-reduced, so that they do not
        maximise the likelihood.
    penalty : float or None
        log|I| / 2, where the estimates maximise the likelihood with this penalty.
    regularized : Regularization or None
        The elastic net that the estimates were made with.
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
    cells: int | None = None
    separation: Separation | None = None
    n_equations: int = 1
    bias_reduced: str | None = None
    penalty: float | None = None
    regularized: Regularization | None = None
    wald_f: float | None = None
    """F of all columns beyond the constant under a robust covariance."""
    effects: AbsorbedEffects | None = None
    """Effects of absorbed factors, whose free ones are counted in ``rank``."""
    llf_boundary: float | None = None
    """Log-likelihood without overdispersion (alpha = 0), where alpha is estimated."""
    scale_error: float | None = None
    """Standard error of the dispersion, where that is its maximum-likelihood estimate."""
    estimated: tuple[tuple[str, float], ...] = ()
    """Parameters of the family that were estimated beside the coefficients, by name."""
    at_boundary: tuple[int, ...] = ()
    """Coefficients that the maximum holds at the end of their range, by position."""
    nuisance: int = 0
    """Coefficients of the dispersion, which take no residual degrees of freedom."""

    @property
    def shrunk(self) -> bool:
        """Whether a penalty keeps the estimates from the maximum of the likelihood."""
        return self.regularized is not None and not self.regularized.refitted

    @property
    def maximises_likelihood(self) -> bool:
        """Whether the estimates are maximum-likelihood estimates, as tests of maxima need."""
        return self.bias_reduced is None and not self.shrunk

    @property
    def df_used(self) -> float:
        """Columns that are not aliased; effective degrees of freedom of a penalised fit."""
        if self.regularized is not None and self.shrunk:
            return self.regularized.effective_df
        return self.rank

    @property
    def theta(self) -> Array:
        """Coefficients to show: NaN for columns left out, infinite where separated."""
        out = np.full(self.base.size, np.nan)
        if self.regularized is not None:
            out[self.regularized.zeroed] = 0.0
        shown = [*self.kept, *self.at_boundary]
        out[shown] = self.base[shown]
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
    def df_model(self) -> float:
        """Columns beyond the constant (effective ones of a penalised fit)."""
        # a dispersion that is estimated has a constant of its own even where the mean has none
        constants = self.n_equations if self.has_constant else min(self.nuisance, 1)
        return self.df_used - constants

    @property
    def df_resid(self) -> float:
        """Observations less columns, those of the dispersion apart."""
        return self.nobs - self.df_used + self.nuisance
