"""Predictions with standard errors and intervals, made on the link scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.design import Design
from glmfit.inference.tails import critical_value
from glmfit.links import Link

__all__ = ["Prediction", "predict_link", "standard_errors"]

Array = NDArray[np.float64]


def standard_errors(design: Design, covariance: Array) -> Array:
    """Return the standard error of X theta for each row, shape (n,)."""
    n = design.shape[0]
    out = np.empty(n)
    for start in range(0, n, 8192):
        rows = design.chunk(start, min(start + 8192, n)).toarray()
        variance = np.einsum("ij,jk,ik->i", rows, covariance, rows, optimize=True)
        out[start : start + rows.shape[0]] = np.sqrt(np.maximum(variance, 0.0))
    return out


def predict_link(link: Link, eta: Array, se_eta: Array, alpha: float, df: float | None) -> Array:
    """Return mean, its delta-method error and the ends of its interval, shape (n, 4).

    The interval is made for eta and carried to the mean, so it stays in its range.
    """
    reach = critical_value(alpha, df) * se_eta
    with np.errstate(all="ignore"):
        ends = np.sort(
            np.column_stack([link.inverse(eta - reach), link.inverse(eta + reach)]), axis=1
        )
        slope = np.abs(link.inverse_deriv(eta))
    return np.column_stack([link.inverse(eta), slope * se_eta, ends])


@dataclass(frozen=True, slots=True)
class Prediction:
    """Predicted means of rows, with their uncertainty.

    Attributes
    ----------
    link : Link
    eta, se_eta : ndarray of shape (n,)
        Linear predictor and its standard error; NaN for rows with missing values.
    df : float or None
        Degrees of freedom of t intervals; None for normal ones.
    index : Index or None
        Labels of the rows.
    observation_variance : float or None
        Variance of a new observation about its mean, for the normal linear model only.
    """

    link: Link
    eta: Array
    se_eta: Array
    df: float | None
    index: pd.Index | None
    observation_variance: float | None = None

    @property
    def predicted_mean(self) -> Array:
        """Predicted means, shape (n,)."""
        return predict_link(self.link, self.eta, self.se_eta, 0.05, self.df)[:, 0]

    predicted = predicted_mean

    @property
    def se_mean(self) -> Array:
        """Standard errors of the means (delta method), shape (n,)."""
        return predict_link(self.link, self.eta, self.se_eta, 0.05, self.df)[:, 1]

    @property
    def se(self) -> Array:
        """The same as `se_mean`, as statsmodels names it too."""
        return self.se_mean

    @property
    def linpred(self) -> Array:
        """Linear predictor, shape (n,)."""
        return self.eta

    @property
    def linpred_se(self) -> Array:
        """Standard errors of the linear predictor, shape (n,)."""
        return self.se_eta

    def conf_int(self, alpha: float = 0.05) -> Array:
        """Return the ends of the intervals for the means, shape (n, 2)."""
        return predict_link(self.link, self.eta, self.se_eta, alpha, self.df)[:, 2:]

    def summary_frame(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return means, standard errors and intervals, a row for each prediction.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.

        Returns
        -------
        DataFrame
            Columns ``mean, mean_se, mean_ci_lower, mean_ci_upper``, and for the normal
            linear model ``obs_ci_lower, obs_ci_upper``: where a new observation lies.
        """
        values = predict_link(self.link, self.eta, self.se_eta, alpha, self.df)
        columns: dict[str, Any] = dict(
            zip(
                ("mean", "mean_se", "mean_ci_lower", "mean_ci_upper"),
                values.T,
                strict=True,
            )
        )
        if self.observation_variance is not None:
            spread = np.sqrt(self.se_eta**2 + self.observation_variance)
            reach = critical_value(alpha, self.df) * spread
            columns["obs_ci_lower"] = self.eta - reach
            columns["obs_ci_upper"] = self.eta + reach
        return pd.DataFrame(columns, index=self.index)
