"""Results of the conditional logit: odds ratios, and probabilities within strata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.engine.separation import MOVED
from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.formula.polars_out import takes_return_type
from glmfit.inference.choice import leading, probabilities
from glmfit.inference.tails import chi2_sf
from glmfit.output import Summary
from glmfit.results.base import LikelihoodResults
from glmfit.results.goodness import CheckMethods
from glmfit.results.record import FitRecord
from glmfit.results.summary import summarise_conditional
from glmfit.results.tables import ConditionalTables

__all__ = ["ConditionalResults", "StrataCounts"]

Array = NDArray[np.float64]

WHICH = ("mean", "linear")


@dataclass(frozen=True, slots=True)
class StrataCounts:
    """Strata of a fit, and those that say nothing.

    Attributes
    ----------
    strata, rows : int
        Strata with cases and controls, and their rows.
    dropped, dropped_rows : int
        Strata without variation in the response, and their rows.
    smallest, largest : int
        Rows of the smallest and largest stratum of the fit.
    """

    strata: int
    dropped: int
    rows: int
    dropped_rows: int
    smallest: int
    largest: int


class ConditionalResults(ConditionalTables, CheckMethods, LikelihoodResults):
    """A fitted conditional logit, made by ``model.fit()``.

    ``nobs`` counts the rows of strata with both cases and controls; ``llnull`` is the
    log-likelihood of coefficients 0.

    Parameters
    ----------
    model : object
        With ``counts``, which is kept.
    record, covariance, use_t, cov_type, cov_kwds
        As in `LikelihoodResults`.
    """

    stored: ClassVar[Mapping[str, Any]] = {"counts": StrataCounts}

    def __init__(
        self,
        model: Any,
        record: FitRecord,
        covariance: Array,
        **how: Any,
    ) -> None:
        super().__init__(model, record, covariance, **how)
        self.counts: StrataCounts = model.counts

    @property
    def n_groups(self) -> int:
        """Number of strata with both cases and controls."""
        return self.counts.strata

    @property
    def llr(self) -> float:
        """Likelihood-ratio statistic against coefficients 0."""
        return -2.0 * (self.llnull - self.llf)

    @property
    def llr_pvalue(self) -> float:
        """Its p-value, from chi-square with ``df_model`` degrees of freedom."""
        return chi2_sf(self.llr, self.df_model)

    def get_influence(self, observed: bool = False, *, exact: bool = False) -> NoReturn:
        """Raise: rows are not independent given their stratum, so none can be left out alone.

        Raises
        ------
        NotAvailableError
        """
        raise NotAvailableError(
            "The rows of a conditional logit belong to strata, and leaving one out changes what "
            "the others are compared with. Fit again with subset= to see what a stratum does."
        )

    def odds_ratios(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return exp(coefficient) with its interval.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.

        Returns
        -------
        DataFrame
            Columns ``odds_ratio, ci_lower, ci_upper``, a row for each coefficient.
        """
        with np.errstate(over="ignore"):
            ratios = np.exp(np.column_stack([self.record.theta, self._interval(alpha)]))
        columns = ["odds_ratio", "ci_lower", "ci_upper"]
        return pd.DataFrame(ratios, index=self._names, columns=columns)

    @takes_return_type
    def predict(
        self,
        exog: Any = None,
        transform: bool = True,
        offset: Any = None,
        which: str = "mean",
        *,
        groups: Any = None,
        new_levels: str = "raise",
    ) -> Any:
        """Predict rows.

        Parameters
        ----------
        exog : DataFrame, dict, ndarray, optional
            New data; the rows of the fit by default.
        transform : bool
            Whether ``exog`` is data for the formula; False takes it as a design matrix.
        offset
            As in `GLMResults.predict`.
        which : {"mean", "linear"}
            "mean" is the probability that a row is the case, given that its stratum has
            one (McFadden's choice probability); "linear" the predictor x'b plus offset,
            of which only differences within a stratum have a meaning.
        groups : str or array_like, optional
            Strata of new rows; by default the column that the model was given by name.
        new_levels
            As in `GLMResults.predict`.
        return_type : {"pandas", "polars"}
            What the answer is made of; polars has no index, and null for NaN.

        Returns
        -------
        Series or ndarray of shape (n,)
            Missing where a value is missing.

        Raises
        ------
        NotAvailableError
            For "mean", if a stratum of the fit has several cases.
        """
        if which not in WHICH:
            raise ArgumentError(f"which must be one of {', '.join(WHICH)} (got {which!r}).")
        if which == "mean" and exog is None:
            self.model.check_single_cases()
        rows = self.model.new_rows(exog, transform, offset, None, new_levels)
        if which == "linear":
            eta = rows.eta(self.record.base)
            return rows.label(self.record.limit(eta, rows.design))
        cases = self.model.new_strata(exog, groups, rows)
        return rows.label(self._probabilities(rows, cases))

    def _probabilities(self, rows: Any, cases: NDArray[np.intp]) -> Array:
        """Return the probability of each complete row, in the limit of a separated fit."""
        eta = rows.eta(self.record.base)
        if self.separation is not None:
            drift = rows.design.matvec(self.separation.direction)
            eta = leading(eta, drift, cases, MOVED)
        return probabilities(eta, cases)

    def get_prediction(self, *_: Any, **__: Any) -> Any:
        """Raise: predictions of a conditional logit have no standard errors."""
        return self.model.expectation

    def summary(
        self,
        yname: str | None = None,
        title: str | None = None,
        alpha: float = 0.05,
        *,
        exponentiate: bool = True,
    ) -> Summary:
        """Return the summary: coefficients, odds ratios, and how many strata there are.

        Parameters
        ----------
        yname, title : str, optional
            To show in place of the model's.
        alpha : float
            Intervals cover ``1 - alpha``.
        exponentiate : bool
            Whether to show odds ratios.
        """
        return summarise_conditional(
            self, yname=yname, title=title, alpha=alpha, exponentiate=exponentiate
        )
