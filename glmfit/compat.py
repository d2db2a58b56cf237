"""Names that statsmodels' families have besides, for code that moves from there.

Nothing in glmfit uses them; the names of models are in `glmfit.models.compat`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FamilyNames"]

Array = NDArray[np.float64]


class FamilyNames:
    """Likelihood and distribution of a family, as statsmodels calls them.

    Arrays have shape (n,); the response of a binomial is a share, and its number of trials
    is part of ``var_weights``.
    """

    __slots__ = ()

    link: Any
    log_density: Any
    unit_deviance: Any
    frozen: Any

    def loglike_obs(self, endog: Any, mu: Any, var_weights: Any = 1.0, scale: float = 1.0) -> Array:
        """Return the log density of each row, shape (n,)."""
        y, mean, weight = np.broadcast_arrays(*_floats(endog, mu, var_weights))
        rows: Array = self.log_density(y, mean, weight, scale)
        return rows

    def loglike(
        self,
        endog: Any,
        mu: Any,
        var_weights: Any = 1.0,
        freq_weights: Any = 1.0,
        scale: float = 1.0,
    ) -> float:
        """Return the log-likelihood at given means."""
        return float(np.sum(freq_weights * self.loglike_obs(endog, mu, var_weights, scale)))

    def deviance(
        self,
        endog: Any,
        mu: Any,
        var_weights: Any = 1.0,
        freq_weights: Any = 1.0,
        scale: float = 1.0,
    ) -> float:
        """Return the deviance at given means, over the dispersion."""
        y, mean = _floats(endog, mu)
        weight = np.asarray(var_weights, dtype=float) * np.asarray(freq_weights, dtype=float)
        return float(np.sum(weight * self.unit_deviance(y, mean)) / scale)

    def resid_dev(self, endog: Any, mu: Any, var_weights: Any = 1.0, scale: float = 1.0) -> Array:
        """Return deviance residuals at given means, shape (n,)."""
        y, mean, weight = _floats(endog, mu, var_weights)
        inside = np.maximum(weight * self.unit_deviance(y, mean), 0.0) / scale
        residuals: Array = np.sign(y - mean) * np.sqrt(inside)
        return residuals

    def fitted(self, lin_pred: Any) -> Array:
        """Return the means of linear predictors, shape (n,)."""
        means: Array = self.link.inverse(np.asarray(lin_pred, dtype=float))
        return means

    def predict(self, mu: Any) -> Array:
        """Return the linear predictors of means, shape (n,)."""
        predictors: Array = self.link.link(np.asarray(mu, dtype=float))
        return predictors

    def get_distribution(
        self, mu: Any, scale: float = 1.0, var_weights: Any = 1.0, n_trials: Any = 1.0
    ) -> Any:
        """Return SciPy's distribution of each row (see `GLMResults.get_distribution`)."""
        mean, weight, trials = np.broadcast_arrays(*_floats(mu, var_weights, n_trials))
        return self.frozen(mean, weight * trials, scale)


def _floats(*values: Any) -> list[Array]:
    return [np.asarray(value, dtype=np.float64) for value in values]
