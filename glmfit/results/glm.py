"""Results of a generalised linear model, under statsmodels' names."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, DataWarning, NotAvailableError, warn
from glmfit.families import Family, Working
from glmfit.formula.alignment import beside
from glmfit.formula.polars_out import takes_return_type
from glmfit.formula.table import Table
from glmfit.inference import residuals
from glmfit.inference.covariance import wald_f
from glmfit.inference.observation import observation_of
from glmfit.inference.prediction import Prediction, standard_errors
from glmfit.inference.tails import f_sf
from glmfit.links import Identity
from glmfit.output import Summary
from glmfit.results.absorbed import AbsorbedFactors
from glmfit.results.base import LikelihoodResults
from glmfit.results.diagnostics import ModelDiagnostics
from glmfit.results.frequencies import CountFrequencies
from glmfit.results.goodness import ModelGoodness
from glmfit.results.influence import GLMInfluence, InfluenceMethods
from glmfit.results.metrics import PredictionMetrics
from glmfit.results.residuals import ModelResiduals
from glmfit.results.streamed import StreamedPredictions
from glmfit.results.summary import summarise
from glmfit.results.tables import ModelTables

__all__ = ["GLMResults"]

Array = NDArray[np.float64]

WHICH = ("mean", "linear", "var", "var_unscaled", "prob")


class GLMResults(
    AbsorbedFactors,
    ModelTables,
    ModelDiagnostics,
    ModelResiduals,
    InfluenceMethods,
    ModelGoodness,
    PredictionMetrics,
    StreamedPredictions,
    CountFrequencies,
    LikelihoodResults,
):
    """A fitted generalised linear model, made by ``model.fit()``.

    See `LikelihoodResults` for the parameters.
    """

    row_options: ClassVar[tuple[str, ...]] = (*PredictionMetrics.row_options, "exposure", "trials")

    # -- the summary -----------------------------------------------------------------

    def summary(
        self,
        yname: str | None = None,
        xname: list[str] | None = None,
        title: str | None = None,
        alpha: float = 0.05,
        *,
        exponentiate: bool | None = None,
    ) -> Summary:
        """Return the summary table.

        Parameters
        ----------
        yname : str, optional
            Name to show for the response.
        xname : list of str, optional
            Names to show for the coefficients.
        title : str, optional
            Title to show.
        alpha : float
            Intervals cover ``1 - alpha``.
        exponentiate : bool, optional
            Whether to show exp(coefficient) in a second table. By default where it is
            an odds ratio (logit link), a risk or a rate ratio (log link).

        Returns
        -------
        Summary
            Prints as text, shows as HTML in a notebook, and has ``as_text``, ``as_html``,
            ``as_latex``, ``as_markdown``, ``as_csv``.
        """
        return summarise(
            self, yname=yname, xname=xname, title=title, alpha=alpha, exponentiate=exponentiate
        )

    @property
    def _influence_type(self) -> type[GLMInfluence]:
        return GLMInfluence

    # -- coefficients and scalars ------------------------------------------------------

    @property
    def family(self) -> Family:
        """The response distribution, with its link."""
        family: Family = self.model.family
        return family

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

        Raises
        ------
        NotAvailableError
            If the link is not the logit, so that exp(coefficient) is no odds ratio.
        """
        if self.family.link.name != "logit":
            raise NotAvailableError(
                f"Odds ratios belong to the logit link; this model has the {self.family.link} "
                "link. summary(exponentiate=True) shows exp(coefficient) for any model."
            )
        with np.errstate(over="ignore"):
            ratios = np.exp(np.column_stack([self.record.theta, np.asarray(self.conf_int(alpha))]))
        columns = ["odds_ratio", "ci_lower", "ci_upper"]
        return pd.DataFrame(ratios, index=self._names, columns=columns)

    @property
    def scale(self) -> float:
        """Dispersion phi in Var(y) = phi V(mu) / weight."""
        return self.record.scale

    @property
    def deviance(self) -> float:
        """Residual deviance (not divided by the dispersion)."""
        return self.record.deviance

    @property
    def null_deviance(self) -> float:
        """Deviance of the model with a constant only (and the offset)."""
        return self.record.null_deviance

    @property
    def pearson_chi2(self) -> float:
        """Sum of squared Pearson residuals."""
        return self.record.pearson_chi2

    @property
    def _likelihood_dispersion(self) -> float:
        return self.family.likelihood_scale(self.deviance, self.nobs, self.scale)

    @property
    def bic_deviance(self) -> float:
        """Bayes criterion on the deviance, deviance - df_resid log(nobs)."""
        return self.deviance - (self.nobs - self._criterion_df(0.0)) * math.log(self.nobs)

    # -- row values ------------------------------------------------------------------

    @property
    def _eta(self) -> Array:
        eta: Array = self.model.fitted_eta(self.record)
        return eta

    @property
    def _mu(self) -> Array:
        return self.family.link.inverse(self._eta)

    def _working(self) -> tuple[Working, Array, Array]:
        """Return working values, dmu/deta and the weight of one observation of each row."""
        eta = self._eta
        slope = self.family.link.inverse_deriv(np.where(np.isfinite(eta), eta, 0.0))
        return self.model.working(self.record), slope, self._rows()[2]

    def _rows(self) -> tuple[Array, Array, Array]:
        """Return y, mu and the weight of one observation of each row."""
        data = self.model.data
        weight = np.ones_like(data.response.y)
        for part in (data.response.trials, data.var_weights):
            if part is not None:
                weight = weight * part
        return data.response.y, self._mu, weight

    @property
    def mu(self) -> Any:
        """Fitted means (shares for a binomial), shape (n,)."""
        return self.model.data.label(self._mu)

    @property
    def fittedvalues(self) -> Any:
        """Fitted means, the same as `mu`."""
        return self.mu

    @property
    def resid_response(self) -> Any:
        """Response residuals y - mu, in successes for counts of trials, shape (n,)."""
        y, mu, _ = self._rows()
        trials = self.model.data.response.trials
        return self.model.data.label(y - mu if trials is None else trials * (y - mu))

    @property
    def resid_pearson(self) -> Any:
        """Pearson residuals (y - mu) sqrt(weight / V(mu)), shape (n,)."""
        return self.model.data.label(residuals.pearson(*self._working()))

    @property
    def resid_deviance(self) -> Any:
        """Deviance residuals, shape (n,)."""
        return self.model.data.label(residuals.deviance(*self._working()))

    @property
    def resid_dev(self) -> Any:
        """Deviance residuals, as statsmodels' Logit names them."""
        return self.resid_deviance

    @property
    def resid_working(self) -> Any:
        """Working residuals (y - mu) g'(mu), shape (n,)."""
        y = self.model.data.response.y
        return self.model.data.label(residuals.working(self.family, y, self._eta))

    @property
    def resid_anscombe_unscaled(self) -> Any:
        """Anscombe residuals at dispersion 1, shape (n,)."""
        return self.model.data.label(residuals.anscombe(self.family, *self._rows(), 1.0))

    @property
    def resid_anscombe_scaled(self) -> Any:
        """Anscombe residuals at the estimated dispersion, shape (n,)."""
        return self.model.data.label(residuals.anscombe(self.family, *self._rows(), self.scale))

    @property
    def resid_anscombe(self) -> Any:
        """Anscombe residuals, the same as `resid_anscombe_scaled`."""
        return self.resid_anscombe_scaled

    @property
    def resid_generalized(self) -> Any:
        """Derivative of each row's log-likelihood by its linear predictor, shape (n,)."""
        return self.model.data.label(self.model.row_scores(self.record) / self.scale)

    @property
    def resid(self) -> Any:
        """Response residuals, as statsmodels' OLS names them."""
        return self.resid_response

    @property
    def null(self) -> Any:
        """Fitted means of the constant-only model, shape (n,)."""
        data = self.model.data
        eta = np.full(self.model.endog.size, self.record.null_constant)
        mean = self.family.link.inverse(eta if data.offset is None else eta + data.offset)
        return data.label(mean)

    def get_hat_matrix_diag(self, observed: bool = False) -> Any:
        """Return the leverages w_i x_i' (X'WX)^-1 x_i, shape (n,).

        Parameters
        ----------
        observed : bool
            Take the weights from the observed instead of the expected information, as
            statsmodels does unless it is told; R takes the expected one. The two are one
            for canonical links.

        Notes
        -----
        Those of a ridge fit have the penalty in the inverse; they sum to its effective
        degrees of freedom where ``cov_type`` is "penalized".
        """
        self._require_wald()
        return self.model.data.label(self.model.hat_values(self.record, observed=observed))

    # -- predictions -----------------------------------------------------------------

    @takes_return_type
    def predict(
        self,
        exog: Any = None,
        transform: bool = True,
        *,
        which: str = "mean",
        offset: Any = None,
        exposure: Any = None,
        new_levels: str = "raise",
        y_values: Any = None,
        absorb: Any = None,
    ) -> Any:
        """Predict rows.

        Parameters
        ----------
        exog : DataFrame, dict, ndarray, optional
            New data for a formula, or new predictors for arrays (a frame is matched by
            column name); the rows of the fit by default.
        transform : bool
            Whether ``exog`` is data for the formula; False takes it as a design matrix.
        which : {"mean", "linear", "var", "var_unscaled", "prob"}
            The mean, the linear predictor, the variance of a response (of weight 1),
            V(mean), or the probabilities of counts.
        offset, exposure : str or array_like, optional
            For the new rows. Offsets in the formula, or given by column name, are
            remembered; others must be given.
        new_levels : {"raise", "nan"}
            What to do about a level that the fit has not seen.
        y_values : array_like of int, optional
            Counts whose probabilities ``which="prob"`` gives; by default 0 to the largest
            of the data.
        absorb : optional
            Levels of absorbed factors in the new rows, as the model takes them; not needed
            where they were given by column name. Their effects are in the predictions.
        return_type : {"pandas", "polars"}
            What the answer is made of; polars has no index, and null for NaN.

        Returns
        -------
        Series or ndarray of shape (n,); for "prob" with a column for each count
            In the order and with the index of ``exog``; NaN where a value is missing.
        """
        if which not in WHICH:
            raise ArgumentError(f"which must be one of {', '.join(WHICH)} (got {which!r}).")
        if y_values is not None and which != "prob":
            raise ArgumentError("y_values= goes with which='prob'.")
        new = self.model.rows_to_predict(exog, transform, offset, exposure, new_levels, absorb)
        new = new.with_effects(self.record)
        self._check_aliases(new.design)
        eta = self.record.limit(new.eta(self.record.base), new.design)
        if which == "linear":
            return new.label(eta)
        with np.errstate(over="ignore"):  # which goes to the end of the means
            mu = self.family.link.inverse(eta)
        if which == "prob":
            return self._count_probabilities(new, mu, y_values)
        if which == "mean":
            return new.label(mu)
        return new.label(self.family.variance(mu) * (self.scale if which == "var" else 1.0))

    def _count_probabilities(self, new: Any, mu: Array, y_values: Any) -> Any:
        if not self.family.counts or self.family.quasi:
            raise NotAvailableError(
                f"which='prob' is for counts that have a distribution; this is {self.family.name}."
            )
        counts = np.arange(self.model.endog.max() + 1) if y_values is None else y_values
        counts = np.atleast_1d(np.asarray(counts, dtype=float))
        one = np.ones_like(mu)
        columns = [self.family.log_density(np.full_like(mu, y), mu, one, 1.0) for y in counts]
        table = new.spread_rows(np.exp(np.column_stack(columns)))
        if not new.labelled:
            return table
        return pd.DataFrame(table, index=new.index, columns=[int(y) for y in counts])

    def get_prediction(
        self,
        exog: Any = None,
        transform: bool = True,
        *,
        which: str = "mean",
        offset: Any = None,
        exposure: Any = None,
        new_levels: str = "raise",
        n_trials: Any = None,
    ) -> Prediction:
        """Predict means with standard errors and intervals.

        Parameters
        ----------
        exog, transform, offset, exposure, new_levels
            As in `predict`.
        which : {"mean", "linear"}
            The mean or the linear predictor.
        n_trials : float, str or array_like, optional
            Trials of new observations of a binomial; the rows of the fit have their own.

        Returns
        -------
        Prediction
            With ``predicted_mean``, ``se_mean``, ``conf_int()`` and ``summary_frame()``;
            intervals are made on the link scale. ``extrapolation`` (printed below the
            table) tells which variables of new data lie outside of their range in the fit.
        """
        if which not in ("mean", "linear"):
            raise ArgumentError(f"which must be 'mean' or 'linear' (got {which!r}).")
        new = self.model.new_rows(exog, transform, offset, exposure, new_levels)
        covariance = np.nan_to_num(self._covariance, nan=0.0)
        self._check_aliases(new.design)
        eta = self.record.limit(new.eta(self.record.base), new.design)
        error = standard_errors(new.design, covariance)
        trials = self._new_trials(exog, new, n_trials)
        observation = observation_of(self.family, self.scale, trials)
        return Prediction(
            link=self.family.link if which == "mean" else Identity(),
            eta=new.spread(eta),
            se_eta=new.spread(np.where(np.isinf(eta), np.nan, error)),
            df=self._df_test,
            index=new.index if new.labelled else None,
            observation=observation if which == "mean" else None,
            extrapolation=self.model.extrapolations(exog, transform),
        )

    def _new_trials(self, exog: Any, new: Any, given: Any) -> Array | None:
        """Return the trials of rows to predict, where there are trials; 1 for lost rows."""
        if not self.family.proportions:
            if given is not None:
                raise ArgumentError(f"n_trials= is for binomial models; this is {self.family}.")
            return None
        if given is None:
            trials = self.model.data.response.trials if exog is None else None
            return None if trials is None else np.nan_to_num(new.spread(trials), nan=1.0)
        table = Table(exog) if isinstance(given, str) and exog is not None else None
        vector = beside(given, "n_trials", table, new.index, new.kept.size)
        trials = np.where(new.kept, vector.values, 1.0)
        if not (trials > 0.0).all():
            raise ArgumentError("n_trials must be greater than 0 in every row.")
        return trials

    def get_distribution(
        self,
        exog: Any = None,
        exposure: Any = None,
        offset: Any = None,
        var_weights: Any = 1.0,
        n_trials: Any = 1.0,
        *,
        transform: bool = True,
        new_levels: str = "raise",
    ) -> Any:
        """Return the distribution of the response of each row, at the fitted means.

        The coefficients are taken as known; intervals for a new observation that allow for
        their uncertainty are in ``get_prediction().summary_frame()``.

        Parameters
        ----------
        exog, exposure, offset, transform, new_levels
            As in `predict`.
        var_weights : float or array_like of shape (n,)
            Precision of the responses: their variance is phi V(mu) / weight.
        n_trials : float or array_like of shape (n,)
            Trials of a binomial; the distribution is that of the number of successes.

        Returns
        -------
        scipy.stats frozen distribution
            With one distribution for each row, and methods such as ``pmf``, ``cdf``,
            ``ppf``, ``interval`` and ``rvs``.

        Raises
        ------
        NotAvailableError
            If the family has only a quasi-likelihood, or SciPy has no such distribution.

        Examples
        --------
        >>> import glmfit as gf
        >>> horsekicks = gf.datasets.load("horsekicks")
        >>> result = gf.poisson("deaths ~ corps", horsekicks).fit()
        >>> result.get_distribution({"corps": ["G", "XV"]}).pmf(0).round(3)
        array([0.449, 0.67 ])
        """
        mean = np.asarray(
            self.predict(exog, transform, exposure=exposure, offset=offset, new_levels=new_levels)
        )
        known = self.family.dispersion
        if known is not None and self.scale != known:
            warn(
                f"The {self.family.name} distribution has no dispersion, so the estimate "
                f"{self.scale:g} is not in it: the spread it shows is too small or too large.",
                DataWarning,
            )
        weight = np.asarray(n_trials if self.family.proportions else var_weights, dtype=float)
        scale = self.scale if known is None else known
        return self.family.frozen(mean, np.broadcast_to(weight, mean.shape), scale)

    def pred_table(self, threshold: float = 0.5) -> Array:
        """Return how often each outcome was predicted: rows observed, columns predicted.

        Parameters
        ----------
        threshold : float
            Probability from which the event is predicted.

        Returns
        -------
        ndarray of shape (2, 2)
            Observed 0 and 1 in the rows, predicted 0 and 1 in the columns, in
            observations (frequencies and trials counted).
        """
        return self.confusion_matrix(threshold=threshold).table

    def _class_probabilities(self, data: Any, **options: Any) -> Array:
        eta = np.asarray(self.predict(data, which="linear", **options), dtype=float)
        link = self.family.link
        # 1 - mu would lose the digits of an event that is all but certain
        return np.column_stack([np.exp(link.log_complement(eta)), link.inverse(eta)])

    # -- the normal linear model -----------------------------------------------------

    def _require_linear(self, what: str) -> None:
        if not (self.family.variance_power() == 0.0 and self.family.link.name == "identity"):
            raise NotAvailableError(
                f"{what} is defined for the normal linear model; for this one see "
                "pseudo_rsquared() and llr."
            )

    @property
    def ssr(self) -> float:
        """Residual sum of squares (normal linear model)."""
        self._require_linear("ssr")
        return self.deviance

    @property
    def centered_tss(self) -> float:
        """Sum of squares about the mean (normal linear model)."""
        self._require_linear("centered_tss")
        return self.null_deviance

    @property
    def uncentered_tss(self) -> float:
        """Sum of squares about 0 (normal linear model)."""
        self._require_linear("uncentered_tss")
        return self.record.total_squares

    @property
    def ess(self) -> float:
        """Explained sum of squares (normal linear model)."""
        self._require_linear("ess")
        total = self.centered_tss if self.record.has_constant else self.uncentered_tss
        return total - self.ssr

    @property
    def rsquared(self) -> float:
        """R-squared, about the mean where there is a constant (normal linear model)."""
        self._require_linear("rsquared")
        total = self.centered_tss if self.record.has_constant else self.uncentered_tss
        return 1.0 - self.ssr / total if total > 0.0 else math.nan

    @property
    def rsquared_adj(self) -> float:
        """R-squared adjusted for the number of columns (normal linear model)."""
        self._require_linear("rsquared_adj")
        if self.df_resid <= 0:
            return math.nan
        return 1.0 - (self.nobs - self.k_constant) / self.df_resid * (1.0 - self.rsquared)

    @property
    def mse_resid(self) -> float:
        """Residual mean square (normal linear model)."""
        return self.ssr / self.df_resid if self.df_resid > 0 else math.nan

    @property
    def mse_model(self) -> float:
        """Model mean square (normal linear model)."""
        return self.ess / self.df_model if self.df_model > 0 else math.nan

    @property
    def fvalue(self) -> float:
        """F statistic of all columns beyond the constant (normal linear model).

        With a robust covariance it is the Wald statistic over its degrees of freedom.
        """
        self._require_linear("fvalue")
        self._require_maximum("The F statistic")
        if self.df_model == 0:
            return math.nan
        if self.cov_type == "nonrobust":
            return self.mse_model / self.mse_resid if self.mse_resid > 0.0 else math.inf
        return math.nan if self.record.wald_f is None else self.record.wald_f

    def _wald_f(self) -> float | None:
        """Return the F of all contrasts that leave the constant alone, for linear models."""
        if self.cov_type == "nonrobust" or self.model.summary_style != "linear":
            return None
        record = self.record
        kept = record.kept
        rank = np.min(self.cov_kwds.get("n_groups", np.inf)) - 1
        return wald_f(
            self.model.fitted_pass(record).rows.design,
            record.base[kept],
            self._covariance[np.ix_(kept, kept)],
            float(rank),
        )

    @property
    def f_pvalue(self) -> float:
        """Its p-value (normal linear model)."""
        return f_sf(self.fvalue, self.df_model, self.df_resid_inference)
