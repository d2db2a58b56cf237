"""Results of McFadden's choice model: probabilities, choices, market shares, elasticities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.formula.polars_out import takes_return_type
from glmfit.inference import choice as numbers
from glmfit.output import Summary
from glmfit.results.conditional import ConditionalResults
from glmfit.results.record import FitRecord
from glmfit.results.summary import summarise_choice

__all__ = ["ChoiceResults"]

Array = NDArray[np.float64]

WHICH = ("mean", "linear", "choice")


class ChoiceResults(ConditionalResults):
    """A fitted choice model, made by ``model.fit()``.

    ``nobs`` counts cases. ``llnull`` is the log-likelihood of the model with the
    alternatives' constants only, which gives every case the market shares (where cases
    have the same alternatives); without constants it is that of equal shares, which
    ``llequal`` always is. See `LikelihoodResults` for the parameters.

    Attributes
    ----------
    llequal : float
        Log-likelihood of coefficients 0: all alternatives of a case are equally probable
        (but for the offset).
    sets : ChoiceSets
        How often each alternative was there, and how often it was chosen.
    """

    stored: ClassVar[Mapping[str, Any]] = {
        **ConditionalResults.stored,
        "sets": numbers.ChoiceSets,
        "llequal": float,
    }

    def __init__(self, model: Any, record: FitRecord, covariance: Array, **how: Any) -> None:
        super().__init__(model, record, covariance, **how)
        self.sets: numbers.ChoiceSets = model.sets
        self.llequal: float = model.llequal

    # -- how good it is ----------------------------------------------------------------

    def pseudo_rsquared(self, kind: str = "cs", *, equal_shares: bool = False) -> float:
        """Return a pseudo R-squared.

        Parameters
        ----------
        kind : {"cs", "mcf"}
            Cox and Snell's 1 - exp(2 (llnull - llf) / nobs), or McFadden's 1 - llf / llnull.
        equal_shares : bool
            Compare with equal shares (``llequal``) instead of constants only.
        """
        if not equal_shares:
            return super().pseudo_rsquared(kind)
        lowered = str(kind).lower()
        if lowered.startswith("mcf"):
            return 1.0 - self.llf / self.llequal if self.llequal != 0.0 else math.nan
        if lowered in ("cs", "lr") or lowered.startswith("cox"):
            return -math.expm1(2.0 * (self.llequal - self.llf) / self.nobs)
        raise ArgumentError(f"kind must be 'cs' or 'mcf' (got {kind!r}).")

    # -- predictions -------------------------------------------------------------------

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
        """Predict rows, or choices.

        Parameters
        ----------
        exog : DataFrame, dict, ndarray, optional
            New data; the rows of the fit by default.
        transform : bool
            Whether ``exog`` is data for the formula; False takes it as a design matrix.
        offset
            As in `GLMResults.predict`.
        which : {"mean", "linear", "choice"}
            The probability that each row is chosen in its case; its utility x'b plus
            offset; or the most probable alternative of each case.
        groups : str or array_like, optional
            Cases of new rows; by default the column that the model was given by name.
        new_levels
            As in `GLMResults.predict`.
        return_type : {"pandas", "polars"}
            What the answer is made of; polars has no index, and null for NaN.

        Returns
        -------
        Series or ndarray of shape (n,), or Series with a value for each case
            Missing where a value is missing in any row of the case.
        """
        if which not in WHICH:
            raise ArgumentError(f"which must be one of {', '.join(WHICH)} (got {which!r}).")
        if which != "choice":
            return super().predict(
                exog, transform, offset, which, groups=groups, new_levels=new_levels
            )
        table, labels = self._case_table(exog, transform, offset, groups, new_levels)
        known = ~np.isnan(table).all(axis=1)
        chosen = np.array(self.model.alternatives, dtype=object)[np.nanargmax(table[known], axis=1)]
        out = pd.Series(np.nan, index=labels.rename("case"), dtype=object)
        out.iloc[np.flatnonzero(known)] = chosen
        return out

    def _case_table(
        self, exog: Any, transform: bool, offset: Any, groups: Any, new_levels: str
    ) -> tuple[Array, pd.Index]:
        """Return probabilities (n_cases, K), NaN where there is no row, and the cases."""
        rows = self.model.new_rows(exog, transform, offset, None, new_levels)
        cases = self.model.new_strata(exog, groups, rows)
        codes = self.model.new_alternatives(exog, rows, cases)
        values = self._probabilities(rows, cases)
        labels = self.model.new_case_labels(exog, groups, rows)
        table = np.full((labels.size, len(self.model.alternatives)), np.nan)
        made = numbers.case_table(values, cases, codes, len(self.model.alternatives))
        table[: made.shape[0]] = made
        return table, labels

    def market_shares(
        self, exog: Any = None, transform: bool = True, offset: Any = None, *, groups: Any = None
    ) -> pd.DataFrame:
        """Return the share of each alternative among all choices.

        Parameters
        ----------
        exog, transform, offset, groups
            As in `predict`: a scenario, with each case of weight 1, or by default the rows
            of the fit.

        Returns
        -------
        DataFrame
            A row for each alternative; ``predicted``, the mean of its probabilities (0 in
            cases that do not have it), and for the rows of the fit ``observed``.
        """
        table, _ = self._case_table(exog, transform, offset, groups, "raise")
        known = ~np.isnan(table).all(axis=1)
        weight = np.ones(table.shape[0]) if exog is not None else self.model.case_weight
        predicted = weight[known] @ np.nan_to_num(table[known]) / weight[known].sum()
        shares = {} if exog is not None else {"observed": self.sets.shares}
        return pd.DataFrame({**shares, "predicted": predicted}, index=self._alternatives)

    def pred_table(self) -> pd.DataFrame:
        """Return numbers of cases by observed (rows) and predicted (columns) choice."""
        strata = self.model.strata
        predicted = self.predict(which="choice").to_numpy()
        observed = np.empty(strata.count, dtype=np.intp)
        observed[strata.codes[strata.cases]] = self.model.codes[strata.cases]
        table = np.zeros((len(self.model.alternatives),) * 2)
        place = {level: k for k, level in enumerate(self.model.alternatives)}
        np.add.at(
            table, (observed, np.array([place[level] for level in predicted])),
            self.model.case_weight,
        )  # fmt: skip
        return pd.DataFrame(table, index=self._alternatives, columns=self._alternatives)

    @property
    def _alternatives(self) -> pd.Index:
        return pd.Index([str(level) for level in self.model.alternatives])

    # -- elasticities --------------------------------------------------------------------

    def elasticities(self, variable: str, *, weights: str = "probability") -> pd.DataFrame:
        """Return own and cross elasticities of the probabilities.

        Parameters
        ----------
        variable : str
            A variable of the alternatives, which stands in the formula as such.
        weights : {"probability", "equal"}
            The mean over cases weighs each by its probability of the alternative that
            responds, so that it is the elasticity of a market share; or all cases alike.

        Returns
        -------
        DataFrame of shape (K, K)
            In percent by a percent: line j, column k is the change of P(k) as the variable
            of j grows. NaN where no case has both.

        Raises
        ------
        NotAvailableError
            If the variable stands in the formula within a function or an interaction.

        References
        ----------
        Train, K. E. (2009). *Discrete Choice Methods with Simulation*, 2nd ed., sec. 3.6.

        Examples
        --------
        >>> import glmfit as gf
        >>> travel = gf.datasets.load("travel_mode")
        >>> model = gf.choice("choice ~ gcost + wait | income", travel, groups="individual",
        ...                   alternatives="mode", reference="car")
        >>> model.fit().elasticities("gcost", weights="equal").round(3)
                 air  train    bus    car
        air   -0.802  0.320  0.320  0.320
        train  0.353 -1.069  0.353  0.353
        bus    0.168  0.168 -1.092  0.168
        car    0.293  0.293  0.293 -0.749
        """
        if weights not in ("probability", "equal"):
            raise ArgumentError(f"weights must be 'probability' or 'equal' (got {weights!r}).")
        if self.separation is not None:
            raise NotAvailableError(
                "The cases are separated: some probabilities are 0 or 1 in the limit, and do "
                "not respond."
            )
        strata, codes = self.model.strata, self.model.codes
        size = len(self.model.alternatives)
        effect = self.model.effect_of(variable, self.record.base)
        probability = numbers.case_table(np.asarray(self._fitted()), strata.codes, codes, size)
        weight = np.repeat(self.model.case_weight[:, None], size, axis=1)
        if weights == "probability":
            weight = weight * probability
        table = numbers.elasticities(
            numbers.case_table(effect, strata.codes, codes, size), probability, weight
        )
        return pd.DataFrame(table, index=self._alternatives, columns=self._alternatives)

    def _fitted(self) -> Array:
        rows = self.model.new_rows(None, True, None, None, "raise")
        return self._probabilities(rows, self.model.strata.codes)

    # -- the summary -----------------------------------------------------------------------

    def summary(
        self,
        yname: str | None = None,
        title: str | None = None,
        alpha: float = 0.05,
        *,
        exponentiate: bool = False,
    ) -> Summary:
        """Return the summary: coefficients, and how often each alternative was chosen.

        Parameters
        ----------
        yname, title : str, optional
            To show in place of the model's.
        alpha : float
            Intervals cover ``1 - alpha``.
        exponentiate : bool
            Whether to show exp(coefficient), the change of odds between alternatives.
        """
        return summarise_choice(
            self, yname=yname, title=title, alpha=alpha, exponentiate=exponentiate
        )
