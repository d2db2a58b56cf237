"""Results of models of ordered classes: slopes, and thresholds as thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.formula.polars_out import takes_return_type
from glmfit.output import Summary
from glmfit.results.classes import ClassResults
from glmfit.results.diagnostics import ResidualOrder
from glmfit.results.intervals import positions
from glmfit.results.residuals import OrderedResiduals
from glmfit.results.summary import summarise_ordinal

__all__ = ["OrdinalResults"]

Array = NDArray[np.float64]

WHICH = ("mean", "class", "linear", "linpred", "cumulative")


class OrdinalResults(ResidualOrder, OrderedResiduals, ClassResults):
    """A fitted model of ordered classes, made by ``model.fit()``.

    Coefficients come as Series, slopes first and thresholds (named ``low|medium``) last.
    See `LikelihoodResults` for the parameters.
    """

    # -- coefficients ----------------------------------------------------------------

    def _by_term(self, values: Array, name: str | None = None) -> pd.Series:
        return pd.Series(values, index=self._names, name=name)

    def conf_int(
        self, alpha: float = 0.05, cols: Any = None, *, method: str = "wald"
    ) -> pd.DataFrame:
        """Return intervals of slopes and thresholds, in columns 0 and 1.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        cols : array_like of int, optional
            Coefficients to return, by position.
        method : {"wald", "profile", "score"}
            As in `GLMResults.conf_int`.
        """
        where = positions(cols, self.record.base.size)
        frame = pd.DataFrame(self._ends(alpha, where, method), index=self._names)
        chosen: pd.DataFrame = frame.iloc[where]
        return chosen

    def cov_params(self) -> pd.DataFrame:
        """Return the covariance of slopes and thresholds."""
        return pd.DataFrame(self._shown_covariance, index=self._names, columns=self._names)

    @property
    def ratio_name(self) -> str | None:
        """What exp(slope) is called, where it has a name."""
        name: str | None = self.model.ratio_name
        return name

    @property
    def thresholds(self) -> pd.Series:
        """The thresholds, shape (K - 1,)."""
        values: pd.Series = self.params.iloc[-len(self.model.cuts) :]
        return values

    @property
    def slopes(self) -> pd.Series:
        """The coefficients that are no thresholds."""
        values: pd.Series = self.params.iloc[: -len(self.model.cuts)]
        return values

    def odds_ratios(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return exp(slope) with its interval.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.

        Returns
        -------
        DataFrame
            Columns ``odds_ratio, ci_lower, ci_upper``, a row for each slope.

        Raises
        ------
        NotAvailableError
            If the link is not the logit.
        """
        if self.model.ratio_name is None:
            raise NotAvailableError(
                f"Odds ratios belong to the logit link; this model has the {self.model.link} link."
            )
        with np.errstate(over="ignore"):
            values = np.exp(np.column_stack([self.record.theta, self._interval(alpha)]))
        frame = pd.DataFrame(
            values, index=self._names, columns=["odds_ratio", "ci_lower", "ci_upper"]
        )
        return frame.iloc[: -len(self.model.cuts)]

    # -- tests -----------------------------------------------------------------------

    def parallel_test(self, kind: str = "lr") -> pd.DataFrame:
        """Test whether slopes are the same for all thresholds (proportional odds).

        Parameters
        ----------
        kind : {"lr", "brant"}
            Likelihood-ratio tests, which fit the models with free slopes; or Brant's
            (1990) Wald tests from binary logits at each threshold, for the cumulative
            logit.

        Returns
        -------
        DataFrame
            Columns ``statistic, df, pvalue``; the line ``(all)`` tests every column
            together, the others one term each. NaN where a model has no finite maximum.

        Examples
        --------
        >>> import glmfit as gf
        >>> housing = gf.datasets.load("housing")
        >>> model = gf.ordered("sat ~ cont", housing, distr="logit", freq_weights="freq")
        >>> model.fit().parallel_test().round(3)
               statistic  df  pvalue
        (all)      1.856   1   0.173
        cont       1.856   1   0.173
        """
        if kind not in ("lr", "brant"):
            raise ArgumentError(f"kind must be 'lr' or 'brant' (got {kind!r}).")
        table: pd.DataFrame = self.model.parallel_test(self, kind)
        return table

    # -- row values ------------------------------------------------------------------

    @takes_return_type
    def predict(
        self,
        exog: Any = None,
        transform: bool = True,
        offset: Any = None,
        which: str = "mean",
        *,
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
        which : {"mean", "class", "linear", "linpred", "cumulative"}
            Probabilities of the levels (statsmodels' "prob" means the same), the most
            probable level, the predictor of each threshold, x'b plus offset (where all
            slopes are shared), or the probabilities of being at or below each level but
            the last.
        new_levels
            As in `GLMResults.predict`.
        return_type : {"pandas", "polars"}
            What the answer is made of; polars has no index, and null for NaN.

        Returns
        -------
        DataFrame of shape (n, K) or (n, K - 1), or Series for "class" and "linpred"
            With the index of ``exog``; missing where a value is missing.
        """
        which = "mean" if which == "prob" else which
        if which not in WHICH:
            raise ArgumentError(f"which must be one of {', '.join(WHICH)} (got {which!r}).")
        new = self.model.new_rows(exog, transform, offset, None, new_levels)
        if exog is not None:
            self._check_aliases(self.model.full_design(new.design))
        if which in ("linear", "linpred"):
            return self._linear(new, which)
        values = self.model.probabilities(self.record, new.design, new.offset)
        if which == "class":
            return self._most_probable(values, new.kept, new.index)
        if which == "cumulative":
            values = np.cumsum(values, axis=1)[:, :-1]
            return self._table(values, new.kept, new.index, self.model.levels[:-1])
        return self._table(values, new.kept, new.index)

    def _linear(self, new: Any, which: str) -> Any:
        eta, drift = self.model.predictors(self.record, new.design, new.offset)
        if drift is not None:
            eta = np.where(np.abs(drift) > 1e-6, np.copysign(np.inf, drift), eta)
        if which == "linear":
            return self._table(eta, new.kept, new.index, self.model.cuts)
        if not self.model.shared.all():
            raise NotAvailableError(
                "Slopes differ between thresholds, so there is no single x'b; which='linear' "
                "gives the predictor of each threshold."
            )
        slopes = self.record.base[: -len(self.model.cuts)]
        values = new.design.matvec(slopes)
        values = values if new.offset is None else values + new.offset
        return pd.Series(new.spread(values), index=new.index)

    # -- the summary -----------------------------------------------------------------

    def summary(
        self,
        yname: str | None = None,
        title: str | None = None,
        alpha: float = 0.05,
        *,
        exponentiate: bool | None = None,
    ) -> Summary:
        """Return the summary: slopes, odds ratios for a logit, and thresholds.

        Parameters
        ----------
        yname, title : str, optional
            To show in place of the model's.
        alpha : float
            Intervals cover ``1 - alpha``.
        exponentiate : bool, optional
            Whether to show exp(slope). By default where it is an odds ratio.
        """
        return summarise_ordinal(
            self, yname=yname, title=title, alpha=alpha, exponentiate=exponentiate
        )
