"""Predictions with standard errors and intervals, made on the link scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from glmfit.design import Design
from glmfit.errors import NotAvailableError
from glmfit.formula.polars_out import takes_return_type
from glmfit.inference.compat import LinearPrediction
from glmfit.inference.observation import Observation
from glmfit.inference.tails import critical_value
from glmfit.links import Link

__all__ = [
    "ClassPrediction",
    "Extrapolation",
    "Prediction",
    "outside",
    "predict_link",
    "standard_errors",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """A variable with values beyond those of the fit.

    Attributes
    ----------
    variable : str
    rows : ndarray of bool, shape (n,)
        Where it lies outside.
    low, high : float
        Its range in the data of the fit.
    furthest : float
        The value that is furthest outside.
    """

    variable: str
    rows: NDArray[np.bool_]
    low: float
    high: float
    furthest: float

    def __str__(self) -> str:
        count = int(self.rows.sum())
        return (
            f"Extrapolation: {self.variable} is outside of the range of the fit "
            f"({self.low:g} to {self.high:g}) in {count} of {self.rows.size} rows "
            f"(furthest: {self.furthest:g})."
        )


def outside(variable: str, values: Array, low: float, high: float) -> Extrapolation | None:
    """Return where values lie outside of a range, if any does."""
    distance = np.nan_to_num(np.maximum(low - values, values - high))
    if not (distance > 0.0).any():
        return None
    furthest = float(values[int(np.argmax(distance))])
    return Extrapolation(variable, distance > 0.0, low, high, furthest)


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


@dataclass(frozen=True, slots=True, repr=False)
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
    observation : Observation or None
        How a new observation varies about its mean, where a distribution says so.
    extrapolation : tuple of Extrapolation
        Variables of new data that lie outside of their range in the fit, each by itself
        (an unusual combination of usual values is not noticed).
    """

    link: Link
    eta: Array
    se_eta: Array
    df: float | None
    index: pd.Index | None
    observation: Observation | None = None
    extrapolation: tuple[Extrapolation, ...] = ()

    def __repr__(self) -> str:
        return _shown(self.summary_frame(), self.extrapolation)

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
    def linpred(self) -> LinearPrediction:
        """Linear predictors, shape (n,)."""
        return LinearPrediction.of(self.eta, self.se_eta, self.df)

    @property
    def linpred_se(self) -> Array:
        """Standard errors of the linear predictor, shape (n,)."""
        return self.se_eta

    def conf_int(self, alpha: float = 0.05, *, obs: bool = False) -> Array:
        """Return the ends of the intervals, shape (n, 2).

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        obs : bool
            For a new observation, in place of the mean (see `summary_frame`).
        """
        if not obs:
            return predict_link(self.link, self.eta, self.se_eta, alpha, self.df)[:, 2:]
        if self.observation is None:
            raise NotAvailableError(
                "No distribution of a new observation is known: the family has none (or its "
                "dispersion was replaced by an estimate), or it is a share of an unknown number "
                "of trials, which n_trials= of get_prediction gives."
            )
        return self.observation.interval(self.eta, self.se_eta, alpha, self.df)

    @takes_return_type
    def summary_frame(self, alpha: float = 0.05, *, obs: bool | None = None) -> pd.DataFrame:
        """Return means, standard errors and intervals, a row for each prediction.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        obs : bool, optional
            Whether to give the intervals for a new observation; by default in the normal
            linear model with t intervals only, as statsmodels has them. There they have a
            closed form; elsewhere 100,000 distinct rows take seconds.
        return_type : {"pandas", "polars"}
            What the answer is made of; polars has no index, and null for NaN.

        Returns
        -------
        DataFrame
            Columns ``mean, mean_se, mean_ci_lower, mean_ci_upper``, and with ``obs`` also
            ``obs_ci_lower, obs_ci_upper``: where a new observation (of variance weight 1)
            lies. These intervals are made of the family's distribution, mixed over the
            normal (or t) distribution of the linear predictor. They cover the variation
            of the response and the uncertainty of the coefficients; that of an estimated
            dispersion only in the normal linear model with t intervals. For whole numbers
            they cover at least ``1 - alpha``; for a binomial they are shares of the trials.

        Raises
        ------
        NotAvailableError
            With ``obs``, if no distribution of the response is known.
        """
        values = predict_link(self.link, self.eta, self.se_eta, alpha, self.df)
        columns: dict[str, Any] = dict(
            zip(
                ("mean", "mean_se", "mean_ci_lower", "mean_ci_upper"),
                values.T,
                strict=True,
            )
        )
        if obs is None:
            closed = self.observation is not None and self.observation.closed
            obs = closed and self.df is not None
        if obs:
            ends = self.conf_int(alpha, obs=True)
            columns["obs_ci_lower"], columns["obs_ci_upper"] = ends.T
        return pd.DataFrame(columns, index=self.index)


@dataclass(frozen=True, slots=True, repr=False)
class ClassPrediction:
    """Predicted probabilities of the levels of a response, with their uncertainty.

    Attributes
    ----------
    levels : tuple of str
    probability, error : ndarray of shape (n, K)
        Probabilities and their standard errors (delta method); NaN for rows with missing
        values, errors NaN where a probability is a limit of separated data.
    df : float or None
        Degrees of freedom of t intervals; None for normal ones.
    index : Index or None
        Labels of the rows.
    extrapolation : tuple of Extrapolation
        As in `Prediction`.
    """

    levels: tuple[str, ...]
    probability: Array
    error: Array
    df: float | None
    index: pd.Index | None
    extrapolation: tuple[Extrapolation, ...] = ()

    def __repr__(self) -> str:
        return _shown(self.summary_frame(), self.extrapolation)

    def _frame(self, values: Array) -> pd.DataFrame:
        return pd.DataFrame(values, index=self.index, columns=list(self.levels))

    @property
    def predicted_mean(self) -> pd.DataFrame:
        """Predicted probabilities, shape (n, K)."""
        return self._frame(self.probability)

    predicted = predicted_mean

    @property
    def se_mean(self) -> pd.DataFrame:
        """Standard errors of the probabilities (delta method), shape (n, K)."""
        return self._frame(self.error)

    @property
    def se(self) -> pd.DataFrame:
        """The same as `se_mean`, as statsmodels names it too."""
        return self.se_mean

    def _ends(self, alpha: float) -> tuple[Array, Array]:
        p = self.probability
        # 1 - p is the sum of the others, which keeps its digits where p is all but 1
        others = np.stack([np.delete(p, k, axis=1).sum(axis=1) for k in range(p.shape[1])], axis=1)
        with np.errstate(all="ignore"):
            centre = np.log(p) - np.log(others)
            reach = critical_value(alpha, self.df) * self.error / (p * others)
        return special.expit(centre - reach), special.expit(centre + reach)

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return the ends of the intervals, a row for each row and level.

        They are made for the logit of each probability by itself, so that they stay
        between 0 and 1; they do not hold jointly.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.

        Returns
        -------
        DataFrame
            Columns ``lower`` and ``upper``, indexed by row and level.
        """
        lower, upper = self._ends(alpha)
        columns = {"lower": lower.ravel(), "upper": upper.ravel()}
        return pd.DataFrame(columns, index=self._long_index())

    def _long_index(self) -> pd.MultiIndex:
        rows = pd.RangeIndex(len(self.probability)) if self.index is None else self.index
        return pd.MultiIndex.from_product([rows, self.levels], names=[rows.name, "level"])

    @takes_return_type
    def summary_frame(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return probabilities, errors and intervals, a row for each row and level.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        return_type : {"pandas", "polars"}
            What the answer is made of; polars has no index, and null for NaN.

        Returns
        -------
        DataFrame
            Columns ``mean, mean_se, mean_ci_lower, mean_ci_upper``, indexed by row and
            level.
        """
        lower, upper = self._ends(alpha)
        columns = {
            "mean": self.probability.ravel(),
            "mean_se": self.error.ravel(),
            "mean_ci_lower": lower.ravel(),
            "mean_ci_upper": upper.ravel(),
        }
        return pd.DataFrame(columns, index=self._long_index())


def _shown(frame: pd.DataFrame, remarks: tuple[Extrapolation, ...]) -> str:
    return "\n".join([str(frame), *map(str, remarks)])
