"""Results of a multinomial logit, with the levels' names everywhere."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError
from glmfit.formula.polars_out import takes_return_type
from glmfit.inference.shrinkage import least_penalised
from glmfit.inference.tails import two_sided
from glmfit.output import Summary
from glmfit.results.classes import ClassResults
from glmfit.results.iia import IIATests
from glmfit.results.intervals import MISLED, positions
from glmfit.results.record import Regularization
from glmfit.results.summary import summarise_levels

__all__ = ["MultinomialResults"]

Array = NDArray[np.float64]


class MultinomialResults(IIATests, ClassResults):
    """A fitted multinomial logit, made by ``model.fit()``.

    Coefficients come as frames with a row for each term and a column for each level but
    the reference; a coefficient is the change in the log odds of its level against the
    reference. See `LikelihoodResults` for the parameters.
    """

    # -- coefficients ----------------------------------------------------------------

    @property
    def _names(self) -> pd.MultiIndex:
        return pd.MultiIndex.from_tuples(
            [(str(level), term) for level, term in self.model.parameter_names],
            names=[self.model.endog_names, "term"],
        )

    def _by_term(self, values: Array, name: str | None = None) -> pd.DataFrame:
        """Return values of coefficients as a (term x level) frame."""
        levels = [str(level) for level in self.model.levels[1:]]
        table = values.reshape(len(levels), -1).T
        return pd.DataFrame(table, index=list(self.model.data.names), columns=levels)

    def conf_int(
        self, alpha: float = 0.05, cols: Any = None, *, method: str = "wald"
    ) -> pd.DataFrame:
        """Return intervals, a row for each level and term.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        cols : array_like of int, optional
            Coefficients to return, by position, level by level.
        method : {"wald", "profile", "score"}
            As in `GLMResults.conf_int`.

        Returns
        -------
        DataFrame
            Columns ``lower`` and ``upper``; rows indexed by level and term.
        """
        where = positions(cols, self.record.base.size)
        ends = self._ends(alpha, where, method)
        frame = pd.DataFrame(ends, index=self._names, columns=["lower", "upper"])
        chosen: pd.DataFrame = frame.iloc[where]
        return chosen

    def cov_params(self) -> pd.DataFrame:
        """Return the covariance of the coefficients, indexed by level and term."""
        return pd.DataFrame(self._shown_covariance, index=self._names, columns=self._names)

    @property
    def ratio_name(self) -> str | None:
        """What exp(coefficient) is called."""
        return "Relative-risk ratios"

    @property
    def rrr(self) -> pd.DataFrame:
        """Relative-risk ratios exp(coefficient), shape (term x level)."""
        with np.errstate(over="ignore"):
            return self._by_term(np.exp(self.record.theta))

    def rrr_table(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return relative-risk ratios with their intervals, a row for each level and term.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        """
        with np.errstate(over="ignore"):
            values = np.exp(np.column_stack([self.record.theta, self._interval(alpha)]))
        return pd.DataFrame(values, index=self._names, columns=["rrr", "ci_lower", "ci_upper"])

    # -- another reference ---------------------------------------------------------------

    def _recombined(self, transform: Array, covariance: Array) -> tuple[Array, Array]:
        """Return coefficients and covariance of combinations of levels, level by level."""
        wide = np.kron(transform, np.eye(len(self.model.data.names)))
        return wide @ self.record.base, wide @ np.nan_to_num(covariance, nan=0.0) @ wide.T

    def rebase(self, reference: Any) -> Self:
        """Return the same fit with another level as the reference; nothing is fitted again.

        Parameters
        ----------
        reference : level
            The level that the others are compared with.

        Returns
        -------
        MultinomialResults
        """
        model = self.model
        levels = list(model.levels)
        if reference not in levels:
            raise ArgumentError(
                f"{reference!r} is not a level of {model.endog_names}; they are "
                f"{', '.join(map(repr, levels))}."
            )
        new = [reference, *(level for level in levels if level != reference)]
        if self.record.separation is not None:
            raise ArgumentError(
                "The data are separated, so the coefficients are a limit that depends on the "
                f"reference; fit again with reference={reference!r}."
            )
        transform = np.zeros((len(levels) - 1, len(levels) - 1))
        for row, level in enumerate(new[1:]):
            if level != levels[0]:
                transform[row, levels.index(level) - 1] = 1.0
            if reference != levels[0]:
                transform[row, levels.index(reference) - 1] -= 1.0
        theta, covariance = self._recombined(transform, self._made_covariance)
        _, unscaled = self._recombined(transform, self.record.unscaled)
        # which columns were left out does not depend on the reference
        out = np.ones(theta.size, dtype=bool)
        out[self.record.kept] = not self.has_wald
        covariance[np.ix_(out, out)] = unscaled[np.ix_(out, out)] = np.nan
        moved = copy.copy(self)
        moved.__dict__.pop(MISLED, None)
        moved.model = model.reordered(tuple(new))
        moved.record = replace(
            self.record, base=theta, unscaled=unscaled, regularized=self._rezeroed(theta)
        )
        moved._covariance = covariance
        return moved

    def _rezeroed(self, theta: Array) -> Regularization | None:
        """Return the penalty of the fit with the zeros of other coefficients."""
        found = self.record.regularized
        if found is None or found.refitted:
            return found
        reached = np.tile(found.penalized, len(self.model.levels) - 1)
        return replace(found, zeroed=reached & (theta == 0.0))

    def symmetric(self) -> pd.DataFrame:
        """Return coefficients of all levels that sum to zero over the levels.

        Returns
        -------
        DataFrame
            A row for each level and term; columns ``coef, std_err, z, p``. After an L1
            penalty ``coef`` alone, with the zeros of the penalised form: coefficients of
            a penalised column then do not sum to zero, but are those that cost least.
        """
        if not self.has_wald:
            return self._penalised_symmetric()
        count = len(self.model.levels)
        centred = np.eye(count) - 1.0 / count
        theta, covariance = self._recombined(centred[:, 1:], self._made_covariance)
        errors = np.sqrt(np.diag(covariance))
        with np.errstate(divide="ignore", invalid="ignore"):
            z = theta / errors
        index = self._every_level()
        columns = {"coef": theta, "std_err": errors, "z": z, "p": two_sided(z, None)}
        return pd.DataFrame(columns, index=index)

    def _penalised_symmetric(self) -> pd.DataFrame:
        """Return the coefficients of all levels that an L1 penalty was on."""
        found = self.regularization
        own = self.record.base.reshape(len(self.model.levels) - 1, -1)
        every = np.vstack([np.zeros(own.shape[1]), own])
        centred = np.where(
            found.penalized, least_penalised(every, found.L1_wt), least_penalised(every, 0.0)
        )
        return pd.DataFrame({"coef": centred.ravel()}, index=self._every_level())

    def _every_level(self) -> pd.MultiIndex:
        """Return the index of coefficients of all levels, the reference among them."""
        return pd.MultiIndex.from_product(
            [[str(level) for level in self.model.levels], list(self.model.data.names)],
            names=[self.model.endog_names, "term"],
        )

    # -- row values ------------------------------------------------------------------

    @takes_return_type
    def predict(
        self,
        exog: Any = None,
        transform: bool = True,
        *,
        which: str = "mean",
        offset: Any = None,
        new_levels: str = "raise",
    ) -> Any:
        """Predict rows.

        Parameters
        ----------
        exog : DataFrame, dict, ndarray, optional
            New data; the rows of the fit by default.
        transform : bool
            Whether ``exog`` is data for the formula; False takes it as a design matrix.
        which : {"mean", "class", "linear"}
            Probabilities of the levels, the most probable level, or the log odds of
            each level against the reference.
        offset, new_levels
            As in `GLMResults.predict`.
        return_type : {"pandas", "polars"}
            What the answer is made of; polars has no index, and null for NaN.

        Returns
        -------
        DataFrame of shape (n, K), or Series for "class"
            With the index of ``exog``; missing where a value is missing.
        """
        if which not in ("mean", "class", "linear"):
            raise ArgumentError(f"which must be 'mean', 'class' or 'linear' (got {which!r}).")
        new = self.model.new_rows(exog, transform, offset, None, new_levels)
        self._check_aliases(new.design)
        values = self.model.probabilities(self.record, new.rows(len(self.model.levels)))
        if which == "linear":
            # log odds of two levels that are out of reach, in separated data, are not determined
            with np.errstate(divide="ignore", invalid="ignore"):
                logs = np.log(values)
                logs -= logs[:, :1].copy()
            odds = self._table(logs, new.kept, new.index)
            return odds[[str(level) for level in self.model.levels[1:]]]
        table = self._table(values, new.kept, new.index)
        if which == "mean":
            return table
        return self._most_probable(values, new.kept, new.index)

    # -- the summary -----------------------------------------------------------------

    def summary(
        self,
        yname: str | None = None,
        title: str | None = None,
        alpha: float = 0.05,
        *,
        exponentiate: bool = True,
    ) -> Summary:
        """Return the summary, a table for each level.

        Parameters
        ----------
        yname, title : str, optional
            To show in place of the model's.
        alpha : float
            Intervals cover ``1 - alpha``.
        exponentiate : bool
            Whether to show relative-risk ratios too.
        """
        return summarise_levels(
            self, yname=yname, title=title, alpha=alpha, exponentiate=exponentiate
        )
