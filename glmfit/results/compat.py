"""Names that statsmodels' results have besides, for code that moves from there.

Nothing in glmfit uses them; the names of models are in `glmfit.models.compat`, those of
families in `glmfit.compat`.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["CountResultNames", "ResultNames"]

Array = NDArray[np.float64]


class ResultNames:
    """What every result has under statsmodels' names."""

    model: Any

    @property
    def _results(self) -> Self:
        """What statsmodels has behind a wrapper that labels arrays; here the result itself."""
        return self

    @property
    def _freq_weights(self) -> Array:
        weights: Array = self.model.freq_weights
        return weights

    @property
    def _var_weights(self) -> Array:
        weights: Array = self.model.var_weights
        return weights

    @property
    def _iweights(self) -> Array:
        weights: Array = self.model.iweights
        return weights

    @property
    def _n_trials(self) -> Array:
        trials: Array = self.model.n_trials
        return trials


class CountResultNames:
    """What a model of counts has besides."""

    @property
    def alpha_std_err(self: Any) -> float:
        """Standard error of alpha."""
        return float(self._bse[-1]) if self.alpha > 0.0 else float("nan")

    @property
    def lnalpha_std_err(self: Any) -> float:
        """Standard error of the logarithm of alpha (delta method)."""
        return self.alpha_std_err / self.alpha if self.alpha > 0.0 else float("nan")
