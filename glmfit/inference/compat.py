"""Linear predictors as statsmodels hands them out; see `glmfit.compat`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from glmfit.inference.tails import critical_value

__all__ = ["LinearPrediction"]

Array = NDArray[np.float64]


class LinearPrediction(np.ndarray[Any, np.dtype[np.float64]]):
    """Linear predictors, shape (n,), an array that knows its standard errors.

    Attributes
    ----------
    se_mean : ndarray of shape (n,)
    df : float or None
        Degrees of freedom of t intervals; None for normal ones.
    """

    se_mean: Array
    df: float | None

    @classmethod
    def of(cls, eta: Array, errors: Array, df: float | None) -> Self:
        """Return linear predictors with their errors."""
        made = eta.view(cls)
        made.se_mean, made.df = errors, df
        return made

    @property
    def predicted_mean(self) -> Array:
        """The linear predictors."""
        return np.asarray(self)

    def conf_int(self, alpha: float = 0.05) -> Array:
        """Return the ends of intervals, shape (n, 2)."""
        reach = critical_value(alpha, self.df) * self.se_mean
        return np.column_stack([self.predicted_mean - reach, self.predicted_mean + reach])
