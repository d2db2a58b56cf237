"""Results of models of counts: a mean, and beside it zeros and a dispersion of their own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.formula.polars_out import takes_return_type
from glmfit.inference.prediction import Prediction
from glmfit.inference.tails import chi2_sf, critical_value
from glmfit.links import Link, Log
from glmfit.output import Summary
from glmfit.results.base import LikelihoodResults
from glmfit.results.compat import CountResultNames
from glmfit.results.diagnostics import ResidualOrder
from glmfit.results.estimates import prediction_errors
from glmfit.results.frequencies import CountFrequencies
from glmfit.results.goodness import CheckMethods
from glmfit.results.influence import Influence, InfluenceMethods
from glmfit.results.summary import summarise_counts

__all__ = ["CountResults", "OverdispersionTest"]

Array = NDArray[np.float64]

WHICH = ("mean", "linear", "var", "mean-main", "mean-nonzero", "prob", "prob-zero", "prob-main")


@dataclass(frozen=True, slots=True)
class OverdispersionTest:
    """The likelihood-ratio test of alpha = 0, which is the end of its range.

    Attributes
    ----------
    statistic : float
        Twice what alpha adds to the log-likelihood.
    pvalue : float
        From half a chi-square with 1 degree of freedom and half a 0; from all of it for a
        generalised Poisson, whose alpha may be negative.
    """

    statistic: float
    pvalue: float


class CountResults(
    CheckMethods,
    ResidualOrder,
    CountFrequencies,
    InfluenceMethods,
    LikelihoodResults,
    CountResultNames,
):
    """A fitted model of counts, made by ``model.fit()``.

    Coefficients of the zero part come first and have the prefix ``inflate_``; those of the
    mean follow, then ``alpha``, or with predictors of its own those of its logarithm, with
    the prefix ``lnalpha_``. See `LikelihoodResults` for the parameters.
    """

    def _interval(self, alpha: float) -> Array:
        """Return Wald intervals (p, 2), that of alpha made on the scale of its logarithm."""
        ends = super()._interval(alpha)
        if self.model.form.has_boundary and not self.record.at_boundary:
            value = self.record.theta[-1]
            reach = critical_value(alpha, self._df_test) * self._bse[-1] / value
            ends[-1] = value * np.exp([-reach, reach])
        return ends

    @property
    def alpha(self) -> float:
        """The dispersion alpha, where it is one number.

        Raises
        ------
        NotAvailableError
            If the model has none, or one for each row.
        """
        if not self.model.form.one_alpha:
            raise NotAvailableError(
                "The model has no single alpha; where it depends on columns, "
                "the coefficients of its logarithm have the prefix lnalpha_."
            )
        return float(self.record.theta[-1])

    @property
    def lnalpha(self) -> float:
        """Logarithm of alpha; minus infinity on the boundary."""
        return math.log(self.alpha) if self.alpha > 0.0 else -math.inf

    def overdispersion_test(self) -> OverdispersionTest:
        """Test alpha = 0, the model without overdispersion, by likelihood ratio.

        Since 0 is the end of alpha's range, the statistic is 0 half of the time where there
        is no overdispersion, and else chi-square with 1 degree of freedom.

        Raises
        ------
        NotAvailableError
            If alpha is not one number that was estimated.

        References
        ----------
        Self, S. G. and Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood
        estimators and likelihood ratio tests under nonstandard conditions. *JASA* 82,
        605-610, case 5.

        Examples
        --------
        >>> import glmfit as gf
        >>> quine = gf.datasets.load("quine")
        >>> test = gf.negativebinomial("days ~ sex", quine).fit().overdispersion_test()
        >>> round(test.statistic, 1)
        1528.4
        """
        if self.record.llf_boundary is None or not self.model.form.one_alpha:
            raise NotAvailableError("The test of alpha = 0 is for one alpha that was estimated.")
        statistic = max(2.0 * (self.llf - self.record.llf_boundary), 0.0)
        share = 0.5 if self.model.form.has_boundary else 1.0
        pvalue = share * float(chi2_sf(statistic, 1)) if statistic > 0.0 else 1.0
        return OverdispersionTest(statistic, pvalue)

    def _maximum(self) -> Any:
        if self.record.at_boundary:
            raise NotAvailableError(
                "alpha is 0, the end of its range, where profiles and tests that fit again do "
                "not hold. Fit the model without alpha (poisson, or dist='poisson')."
            )
        return super()._maximum()

    def _found_misled(self) -> pd.DataFrame:
        return pd.DataFrame() if self.record.at_boundary else super()._found_misled()

    def _submodels(self) -> Any:
        raise NotAvailableError(
            "Tables of deviance that drop terms one by one are not available for models of "
            "counts. Compare fits by glmfit.anova(smaller, larger), or test terms by "
            "wald_test_terms() and lr_test()."
        )

    def rate_ratios(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return exp(coefficient) of the mean with its interval.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.

        Returns
        -------
        DataFrame
            Columns ``rate_ratio, ci_lower, ci_upper``, a row for each column of the mean.
        """
        with np.errstate(over="ignore"):
            values = np.exp(np.column_stack([self.record.theta, self._interval(alpha)]))
        frame = pd.DataFrame(
            values, index=self._names, columns=["rate_ratio", "ci_lower", "ci_upper"]
        )
        chosen: pd.DataFrame = frame.iloc[self.model.form.span("mean")]
        return chosen

    def _interval_link(self) -> Link:
        """Return the link on whose scale intervals for averages are made: that of the mean."""
        _ = self.model.expectation  # refused where there is none
        return Log()

    # -- row values ----------------------------------------------------------------------

    @takes_return_type
    def predict(
        self,
        exog: Any = None,
        transform: bool = True,
        *,
        which: str = "mean",
        offset: Any = None,
        exposure: Any = None,
        exog_infl: Any = None,
        dispersion: Any = None,
        y_values: Any = None,
        new_levels: str = "raise",
    ) -> Any:
        """Predict rows.

        Parameters
        ----------
        exog : DataFrame, dict, ndarray, optional
            New data; the rows of the fit by default.
        transform : bool
            Whether ``exog`` is data for the formulas; False takes it as a design matrix.
        which : str
            * "mean": E(y); "var": its variance.
            * "mean-main": mu, the mean of the distribution without zeros of another kind;
              "linear": its logarithm.
            * "mean-nonzero": E(y | y > 0).
            * "prob": P(y = k) for each k of ``y_values``, shape (n, len(y_values)).
            * "prob-zero": P(y = 0).
            * "prob-main": the probability of the distribution of counts: 1 - pi in a
              zero-inflated model, P(y > 0) in a hurdle model.
        offset, exposure
            As in `GLMResults.predict`: what was given by name, or in the formula, is found
            in the new data.
        exog_infl, dispersion : array_like, optional
            Columns of the other predictors, for models on arrays.
        y_values : array_like of int, optional
            Counts; 0 to the largest of the fit by default.
        new_levels
            As in `GLMResults.predict`.
        return_type : {"pandas", "polars"}
            What the answer is made of; polars has no index, and null for NaN.

        Returns
        -------
        Series, ndarray or DataFrame
            With the index of ``exog``; NaN where a value is missing.

        Examples
        --------
        >>> import glmfit as gf
        >>> quine = gf.datasets.load("quine")
        >>> result = gf.negativebinomial("days ~ sex", quine).fit()
        >>> result.predict({"sex": ["F", "M"]}, which="prob", y_values=[0, 1]).round(3)
               0      1
        0  0.054  0.054
        1  0.046  0.046
        """
        if which not in WHICH:
            raise ArgumentError(f"which must be one of {', '.join(WHICH)} (got {which!r}).")
        if y_values is not None and which != "prob":
            raise ArgumentError(f"y_values= is for which='prob' (got which={which!r}).")
        new = self._new_rows(exog, transform, offset, exposure, exog_infl, dispersion, new_levels)
        eta = self.model.predictors(self.record, new.design, new.offset)
        likelihood = self.model.shown_form(self.record).likelihood
        with np.errstate(all="ignore"):
            if which == "prob":
                return self._probabilities(new, likelihood, eta, y_values)
            return new.label(_row_values(likelihood, eta, which))

    def _new_rows(
        self,
        exog: Any,
        transform: bool,
        offset: Any,
        exposure: Any,
        exog_infl: Any,
        dispersion: Any,
        new_levels: str,
    ) -> Any:
        for what, given in (("exog_infl", exog_infl), ("dispersion", dispersion)):
            if given is not None and (exog is None or self.model.data.spec is not None):
                raise ArgumentError(
                    f"{what}= is for new rows of a model on arrays; a formula finds its columns "
                    "in exog."
                )
        if exog is not None and (self.model.data.spec is None or not transform):
            exog = self.model.array_parts(exog_infl, exog, dispersion)
        new = self.model.new_rows(exog, transform, offset, exposure, new_levels)
        self._check_aliases(new.design)
        return new

    def _probabilities(self, new: Any, likelihood: Any, eta: Array, y_values: Any) -> Any:
        if y_values is None:
            top = self.model.largest
            counts = np.arange(top + 1.0)
        else:
            counts = np.atleast_1d(np.asarray(y_values, dtype=np.float64))
            if counts.ndim != 1 or (counts < 0.0).any() or (counts != np.floor(counts)).any():
                raise ArgumentError("y_values are counts: whole numbers from 0.")
        columns = [
            np.exp(likelihood.log_probability(np.full(eta.shape[0], k), eta)) for k in counts
        ]
        values = new.spread_rows(np.column_stack(columns))
        if not new.labelled:
            return values
        return pd.DataFrame(values, index=new.index, columns=counts.astype(int))

    def get_prediction(
        self,
        exog: Any = None,
        transform: bool = True,
        *,
        offset: Any = None,
        exposure: Any = None,
        exog_infl: Any = None,
        dispersion: Any = None,
        new_levels: str = "raise",
    ) -> Prediction:
        """Predict means with standard errors and intervals, made on the log scale.

        Parameters
        ----------
        exog, transform, offset, exposure, exog_infl, dispersion, new_levels
            As in `predict`.

        Returns
        -------
        Prediction
            With ``predicted_mean``, ``se_mean``, ``conf_int()`` and ``summary_frame()``.
        """
        new = self._new_rows(exog, transform, offset, exposure, exog_infl, dispersion, new_levels)
        eta = self.model.predictors(self.record, new.design, new.offset)
        errors = prediction_errors(self.model, self.record, new, self._covariance)[:, 0]
        with np.errstate(all="ignore"):
            mean = self.model.shown_form(self.record).likelihood.means(eta)[:, 0]
            relative, log_mean = errors / mean, np.log(mean)
        return Prediction(
            link=Log(),
            eta=new.spread(log_mean),
            se_eta=new.spread(relative),
            df=self._df_test,
            index=new.index if new.labelled else None,
            extrapolation=()
            if exog_infl is not None
            else self.model.extrapolations(exog, transform),
        )

    @property
    def fittedvalues(self) -> Any:
        """Fitted means E(y), shape (n,)."""
        return self.predict()

    @property
    def resid_response(self) -> Any:
        """Counts less fitted means, shape (n,)."""
        data = self.model.data
        return data.label(self.model.endog - self._own("mean"))

    resid = resid_response

    @property
    def resid_pearson(self) -> Any:
        """Counts less fitted means, over their standard deviations, shape (n,)."""
        data = self.model.data
        spread = np.sqrt(self._own("var"))
        return data.label((self.model.endog - self._own("mean")) / spread)

    def _own(self, which: str) -> Array:
        values: Array = np.asarray(self.predict(which=which), dtype=float)[self.model.data.kept]
        return values

    def get_influence(self, observed: bool = True, *, exact: bool = False) -> Influence:
        """Return what each single observation does to the fit.

        Parameters
        ----------
        observed : bool
            As in `GLMResults.get_influence`; the observed information by default, since
            models of counts have the expected one in an approximation only.
        exact : bool
            Fit again without each observation.

        Returns
        -------
        Influence

        Raises
        ------
        NotAvailableError
            If the fit is separated.
        """
        return super().get_influence(observed, exact=exact)

    def _augmented(self, data: Any) -> pd.DataFrame:
        given = () if data is None else (data,)
        predicted = self.get_prediction(*given)
        columns = {"fitted": predicted.predicted_mean, "se_fit": predicted.se_mean}
        if data is None:
            columns |= {"resid": self.resid_pearson, "resid_quantile": self.resid_quantile()}
            if self.record.separation is None:
                influence = self.get_influence()
                columns["hat"] = influence.hat_matrix_diag
                columns["cooks_d"] = influence.cooks_distance[0]
        return pd.DataFrame({name: np.asarray(part) for name, part in columns.items()})

    kinds: ClassVar[tuple[str, ...]] = ("response", "pearson", "quantile")

    def get_resid(self, kind: str = "pearson", *, seed: Any = None) -> Any:
        """Return residuals of a kind.

        Parameters
        ----------
        kind : {"response", "pearson", "quantile"}
            Counts less fitted means; the same over their standard deviations; or as in
            `resid_quantile`.
        seed : int or numpy.random.Generator, optional
            For "quantile".

        Returns
        -------
        Series or ndarray of shape (n,)
        """
        if kind not in self.kinds:
            raise NotAvailableError(
                f"Models of counts have {', '.join(self.kinds)} residuals (got {kind!r})."
            )
        return self.resid_quantile(seed) if kind == "quantile" else getattr(self, f"resid_{kind}")

    def resid_quantile(self, seed: Any = None) -> Any:
        """Return quantile residuals, standard normal if the model is right.

        Parameters
        ----------
        seed : int or numpy.random.Generator, optional
            For the random point between P(Y < y) and P(Y <= y); 0 by default.

        Returns
        -------
        Series or ndarray of shape (n,)

        References
        ----------
        Dunn, P. K. and Smyth, G. K. (1996). Randomized quantile residuals. *Journal of
        Computational and Graphical Statistics* 5, 236-244.

        Examples
        --------
        >>> import glmfit as gf
        >>> quine = gf.datasets.load("quine")
        >>> result = gf.negativebinomial("days ~ eth + sex + age + lrn", quine).fit()
        >>> float(result.resid_quantile(seed=1).std().round(1))
        1.0
        """
        data = self.model.data
        likelihood, eta = self.model.fitted_predictors(self.record)
        y = self.model.endog
        uniform = np.random.default_rng(0 if seed is None else seed).uniform(size=y.size)
        with np.errstate(all="ignore"):
            return data.label(likelihood.tails(y, eta).normal_scores(uniform))

    def get_distribution(self, exog: Any = None, transform: bool = True, **options: Any) -> Any:
        """Return the distribution of new observations as a frozen one of scipy.stats.

        Parameters
        ----------
        exog, transform, **options
            As in `predict`.

        Returns
        -------
        scipy.stats frozen distribution
            ``nbinom`` (``poisson`` where alpha is 0), with a distribution for each row.

        Raises
        ------
        NotAvailableError
            For zero-inflated, hurdle, limited and generalised Poisson models, which SciPy has not;
            ``predict(which="prob")`` has their probabilities.
        """
        # scipy.stats costs half a second to import
        from scipy import stats

        likelihood = self.model.shown_form(self.record).likelihood
        if not (likelihood.whole and likelihood.kernel.in_scipy):
            raise NotAvailableError(
                f"SciPy has no distribution of {self.model.summary_name}; "
                "predict(which='prob') gives the probability of each count."
            )
        mean = np.asarray(self.predict(exog, transform, which="mean", **options), dtype=float)
        variance = np.asarray(self.predict(exog, transform, which="var", **options), dtype=float)
        if self.record.at_boundary:
            return stats.poisson(mean)
        size = mean * mean / (variance - mean)
        return stats.nbinom(size, size / (size + mean))

    # -- the summary ---------------------------------------------------------------------

    def summary(
        self,
        yname: str | None = None,
        title: str | None = None,
        alpha: float = 0.05,
        *,
        exponentiate: bool = True,
    ) -> Summary:
        """Return the summary: the mean, its rate ratios, the zero part, and alpha.

        Parameters
        ----------
        yname, title : str, optional
            To show in place of the model's.
        alpha : float
            Intervals cover ``1 - alpha``.
        exponentiate : bool
            Whether to show rate ratios, exp(coefficient) of the mean.
        """
        return summarise_counts(
            self, yname=yname, title=title, alpha=alpha, exponentiate=exponentiate
        )


def _row_values(likelihood: Any, eta: Array, which: str) -> Array:
    """Return what ``which`` names of rows with predictors (n, M), shape (n,)."""
    line: Array = eta[:, likelihood.parts.index("mean")]
    zeros = np.zeros(eta.shape[0])
    if which == "linear":
        return np.asarray(line)
    if which == "mean-main":
        return np.asarray(np.exp(line))
    if which == "var":
        return np.asarray(likelihood.variance(eta))
    if which == "prob-zero":
        return np.asarray(np.exp(likelihood.log_probability(zeros, eta)))
    if which == "prob-main":
        return np.asarray(likelihood.main_probability(eta))
    mean: Array = likelihood.means(eta)[:, 0]
    if which == "mean-nonzero":
        return np.asarray(-mean / np.expm1(likelihood.log_probability(zeros, eta)))
    return mean
