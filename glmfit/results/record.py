"""The numbers of a fit, computed once and kept whether or not the data are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.irls import Iteration

__all__ = ["FitRecord"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FitRecord:
    """Scalars and small arrays of a fit; p counts all columns, aliased ones included.

    Attributes
    ----------
    theta : ndarray of shape (p,)
        Coefficients, NaN for aliased columns.
    unscaled : ndarray of shape (p, p)
        Inverse information at theta, to be multiplied by the scale; NaN for aliased columns.
    scale : float
        Dispersion.
    scale_source : str
        Where the dispersion comes from: "fixed", "Pearson", "deviance" or "given".
    deviance, null_deviance, pearson_chi2, llf, llnull : float
    nobs : float
        Observations: frequencies summed, rows of weight 0 left out.
    rank : int
        Columns that are not aliased.
    has_constant : bool
        Whether the columns span a constant.
    aliased : dict of str to str
        For each aliased column the combination that it is.
    converged : bool
    reason : str
    condition : float
        Condition number of the weighted columns scaled to unit length.
    history : tuple of Iteration
    """

    theta: Array
    unscaled: Array
    scale: float
    scale_source: str
    deviance: float
    null_deviance: float
    pearson_chi2: float
    llf: float
    llnull: float
    nobs: float
    rank: int
    has_constant: bool
    aliased: dict[str, str]
    converged: bool
    reason: str
    condition: float
    history: tuple[Iteration, ...]

    @property
    def df_model(self) -> int:
        """Columns beyond the constant."""
        return self.rank - int(self.has_constant)

    @property
    def df_resid(self) -> float:
        """Observations less columns."""
        return self.nobs - self.rank

    @property
    def kept(self) -> NDArray[np.intp]:
        """Positions of the columns that are not aliased."""
        return np.flatnonzero(~np.isnan(self.theta))

    @property
    def estimable(self) -> Array:
        """Coefficients with 0 in place of aliased ones."""
        return np.nan_to_num(self.theta, nan=0.0)
