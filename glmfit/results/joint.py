"""Results of models with a predictor for the mean, and others for how responses spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError, suggest
from glmfit.inference.prediction import Prediction
from glmfit.inference.tails import chi2_sf, critical_value
from glmfit.output import Summary
from glmfit.results.base import LikelihoodResults
from glmfit.results.estimates import prediction_errors
from glmfit.results.joint_summary import summarise_joint

__all__ = ["BetaBinomialResults", "BoundaryTest", "JointResults"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BoundaryTest:
    """The likelihood-ratio test of a parameter being at the lower end of its range.

    Attributes
    ----------
    statistic : float
        Twice what the parameter adds to the log-likelihood.
    pvalue : float
        From half a chi-square with 1 degree of freedom and half a 0.
    """

    statistic: float
    pvalue: float


class JointResults(LikelihoodResults):
    """A fitted model of a mean and of how responses spread about it.

    Coefficients of the mean come first; those of the other parameters follow, with a prefix,
    or the parameter itself where it is one number. See `LikelihoodResults` for the parameters.
    """

    def _interval(self, alpha: float) -> Array:
        """Return Wald intervals (p, 2), those of parameters made on the scale of their links."""
        ends = super()._interval(alpha)
        reach = critical_value(alpha, self._df_test)
        links = self.model.likelihood.links
        for m, column in self.model.form.lone:
            if column in self.record.at_boundary:
                continue
            value = self.record.theta[column : column + 1]
            eta = links[m].link(value)
            error = self._bse[column] / links[m].inverse_deriv(eta)
            around = np.concatenate([eta - reach * error, eta + reach * error])
            ends[column] = links[m].inverse(around)
        return ends

    def _maximum(self) -> Any:
        if self.record.at_boundary:
            raise NotAvailableError(
                f"{self.model.data.names[-1]} is 0, the end of its range, where profiles and tests "
                "that fit again do not hold. Fit the model without it."
            )
        return super()._maximum()

    def _found_misled(self) -> pd.DataFrame:
        return pd.DataFrame() if self.record.at_boundary else super()._found_misled()

    @property
    def _never_zero(self) -> tuple[int, ...]:
        return tuple(column for _, column in self.model.form.lone)

    def boundary_test(self) -> BoundaryTest:
        """Test that the last parameter is at the lower end of its range, by likelihood ratio.

        Since that is the end, the statistic is 0 half of the time where it is so, and else
        chi-square with 1 degree of freedom.

        Raises
        ------
        NotAvailableError
            If the parameter has no end at which there is a model, or is not one number.

        References
        ----------
        Self, S. G. and Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood
        estimators and likelihood ratio tests under nonstandard conditions. *JASA* 82,
        605-610, case 5.
        """
        if self.record.llf_boundary is None:
            raise NotAvailableError(
                "The test is for one number that was estimated and has an end, such as rho = 0."
            )
        statistic = max(2.0 * (self.llf - self.record.llf_boundary), 0.0)
        pvalue = 0.5 * float(chi2_sf(statistic, 1)) if statistic > 0.0 else 1.0
        return BoundaryTest(statistic, pvalue)

    def _submodels(self) -> Any:
        raise NotAvailableError(
            "Tables of deviance that drop terms one by one are not available for models with "
            "several predictors. Compare fits by glmfit.anova(smaller, larger), or test terms by "
            "wald_test_terms() and lr_test()."
        )

    # -- row values ----------------------------------------------------------------------

    @property
    def _which(self) -> tuple[str, ...]:
        others = self.model.likelihood.parts[1:]
        return ("mean", "linear", "var", *others, *(f"linear-{part}" for part in others))

    def predict(
        self,
        exog: Any = None,
        transform: bool = True,
        *,
        which: str = "mean",
        offset: Any = None,
        exposure: Any = None,
        new_levels: str = "raise",
        **matrices: Any,
    ) -> Any:
        """Predict rows.

        Parameters
        ----------
        exog : DataFrame, dict, ndarray, optional
            New data; the rows of the fit by default.
        transform : bool
            Whether ``exog`` is data for the formulas; False takes it as a design matrix.
        which : str
            "mean"; "var", the variance of a response (of one trial, of weight 1); "linear",
            the predictor of the mean; the name of another parameter, such as "precision",
            or "linear-precision" for its predictor.
        offset, exposure
            As in `GLMResults.predict`: what was given by name, or in the formula, is found
            in the new data.
        new_levels
            As in `GLMResults.predict`.
        **matrices
            Columns of the other predictors, for models on arrays, by the name that the model
            gives them (``exog_precision``).

        Returns
        -------
        Series or ndarray of shape (n,)
            With the index of ``exog``; NaN where a value is missing.
        """
        if which not in self._which:
            near = suggest(which, self._which)
            raise ArgumentError(
                f"which must be one of {', '.join(self._which)} (got {which!r}).{near}"
            )
        new = self._new_rows(exog, transform, offset, exposure, new_levels, matrices)
        eta = self.model.predictors(self.record, new.design, new.offset)
        with np.errstate(all="ignore"):
            return new.label(self._values(eta, which))

    def _values(self, eta: Array, which: str) -> Array:
        likelihood = self.model.shown_form(self.record).likelihood
        if which == "mean":
            return np.asarray(likelihood.means(eta)[:, 0])
        if which == "linear":
            return np.asarray(eta[:, 0])
        if which == "var":
            return np.asarray(likelihood.variance(eta))
        part = which.removeprefix("linear-")
        if part not in likelihood.parts:  # it is at its lower end
            return np.full(eta.shape[0], -np.inf if part != which else 0.0)
        value = likelihood.parameter(part, eta)
        if part == which:
            return np.asarray(value)
        place = likelihood.parts.index(part)
        return np.asarray(self.model.likelihood.links[place].link(value))

    def _new_rows(
        self,
        exog: Any,
        transform: bool,
        offset: Any,
        exposure: Any,
        new_levels: str,
        matrices: dict[str, Any],
    ) -> Any:
        model = self.model
        known = {own.exog: part for part, own in model.named.items()}
        unknown = next((what for what in matrices if what not in known), None)
        if unknown is not None:
            raise ArgumentError(
                f"predict has no argument {unknown!r}.{suggest(unknown, known)} Columns of other "
                f"predictors are {', '.join(known)}."
            )
        given = {known[what]: value for what, value in matrices.items() if value is not None}
        if given and (exog is None or model.data.spec is not None):
            raise ArgumentError(
                f"{', '.join(matrices)}= is for new rows of a model on arrays; a formula finds "
                "its columns in exog."
            )
        if exog is not None and model.data.spec is None:
            exog = model.arrays({"mean": exog, **given})
        new = model.new_rows(exog, transform, offset, exposure, new_levels)
        self._check_aliases(new.design)
        return new

    def get_prediction(
        self,
        exog: Any = None,
        transform: bool = True,
        *,
        offset: Any = None,
        exposure: Any = None,
        new_levels: str = "raise",
        **matrices: Any,
    ) -> Prediction:
        """Predict means with standard errors and intervals, made on the scale of the link.

        Parameters
        ----------
        exog, transform, offset, exposure, new_levels, **matrices
            As in `predict`.

        Returns
        -------
        Prediction
            With ``predicted_mean``, ``se_mean``, ``conf_int()`` and ``summary_frame()``.
        """
        new = self._new_rows(exog, transform, offset, exposure, new_levels, matrices)
        eta = self.model.predictors(self.record, new.design, new.offset)[:, 0]
        link = self.model.likelihood.links[0]
        errors = prediction_errors(self.model, self.record, new, self._covariance)[:, 0]
        with np.errstate(all="ignore"):
            errors = errors / np.abs(link.inverse_deriv(eta))
        return Prediction(
            link=link,
            eta=new.spread(eta),
            se_eta=new.spread(errors),
            df=self._df_test,
            index=new.index if new.labelled else None,
            extrapolation=() if matrices else self.model.extrapolations(exog, transform),
        )

    @property
    def fittedvalues(self) -> Any:
        """Fitted means, shape (n,)."""
        return self.predict()

    @property
    def resid_response(self) -> Any:
        """Responses less fitted means, shape (n,)."""
        return self.model.data.label(self.model.endog - self._own("mean"))

    resid = resid_response

    @property
    def resid_pearson(self) -> Any:
        """Responses less fitted means, over their standard deviations, shape (n,)."""
        spread = np.sqrt(self._own("var") * self.model.spread_factor(self.record))
        return self.model.data.label((self.model.endog - self._own("mean")) / spread)

    def _own(self, which: str) -> Array:
        values: Array = np.asarray(self.predict(which=which), dtype=float)[self.model.data.kept]
        return values

    # -- the summary ---------------------------------------------------------------------

    def summary(
        self, yname: str | None = None, title: str | None = None, alpha: float = 0.05
    ) -> Summary:
        """Return the summary: the mean, then the other parameters.

        Parameters
        ----------
        yname, title : str, optional
            To show in place of the model's.
        alpha : float
            Intervals cover ``1 - alpha``.
        """
        return summarise_joint(self, yname=yname, title=title, alpha=alpha)


class BetaBinomialResults(JointResults):
    """A fitted beta-binomial model, made by ``model.fit()``.

    See `JointResults`; ``rho`` is the correlation between trials of a row.
    """

    @property
    def rho(self) -> float:
        """The correlation between trials of a row, where it is one number.

        Raises
        ------
        NotAvailableError
            If it depends on columns.
        """
        if not self.model.form.natural[-1]:
            raise NotAvailableError(
                "The model has no single rho; predict(which='rho') has that of each row."
            )
        return float(self.record.theta[-1])
