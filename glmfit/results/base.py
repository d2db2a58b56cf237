"""What every fitted model hands to its user: coefficients, tests, criteria, history."""

from __future__ import annotations

import copy
import math
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.design import Design, constant_column
from glmfit.engine.separation import Separation
from glmfit.errors import ArgumentError, CollinearityWarning, NotAvailableError, warn
from glmfit.inference.profile import PenalizedTest
from glmfit.inference.tails import chi2_sf, two_sided
from glmfit.output import Summary
from glmfit.results.beside_statsmodels import BesideStatsmodels
from glmfit.results.compat import ResultNames
from glmfit.results.convergence import Convergence
from glmfit.results.covariance import CovarianceMethods
from glmfit.results.deviance import AnalysisOfDeviance
from glmfit.results.hypothesis import HypothesisTests
from glmfit.results.intervals import NO_PENALTY, Intervals
from glmfit.results.margins import MarginMethods
from glmfit.results.neighbours import Neighbours
from glmfit.results.record import FitRecord
from glmfit.results.regularized import RegularizedResults
from glmfit.results.scoring import ScoringMethods
from glmfit.results.stored import StoredResults
from glmfit.results.tables import TidyTables

__all__ = ["LikelihoodResults"]

Array = NDArray[np.float64]


class LikelihoodResults(
    HypothesisTests,
    Intervals,
    AnalysisOfDeviance,
    BesideStatsmodels,
    Convergence,
    CovarianceMethods,
    MarginMethods,
    Neighbours,
    RegularizedResults,
    ResultNames,
    StoredResults,
    ScoringMethods,
    TidyTables,
):
    """A model fitted by maximum likelihood.

    Scalars are computed by the fit; arrays with a value for each row are computed when
    asked for. Coefficients come as Series named by term when the model was given a
    formula or frames, as arrays when it was given arrays; row values come back for every
    row of the input, NaN where a row was dropped.

    Parameters
    ----------
    model : object
        The model that was fitted.
    record : FitRecord
        Its numbers.
    covariance : ndarray of shape (p, p)
        Covariance of the coefficients, dispersion included; NaN for aliased columns.
    use_t : bool
        Whether tests use t instead of normal quantiles.
    cov_type : str
        "nonrobust", or a kind of `with_cov`.
    cov_kwds : dict
        How the covariance was made, in words under "description".
    """

    def __init__(
        self,
        model: Any,
        record: FitRecord,
        covariance: Array,
        *,
        use_t: bool,
        cov_type: str,
        cov_kwds: dict[str, Any],
    ) -> None:
        self.model = model
        self.record = record
        self._covariance = covariance
        self.use_t = use_t
        self.cov_type = cov_type
        self.cov_kwds = cov_kwds

    def _check_aliases(self, design: Design) -> None:
        """Warn when new rows break a combination that held in every row of the fit."""
        check = self.record.alias_check
        if check.shape[0] == 0:
            return
        values = design.toarray()
        broken = np.abs(values @ check.T) > 1e-7 * (np.abs(values) @ np.abs(check.T))
        if broken.any():
            warn(
                f"{int(broken.any(axis=1).sum())} of {values.shape[0]} rows break what the data of "
                f"the fit obeyed ({'; '.join(self.record.aliased.values())}), and the columns left "
                "out have no coefficients: these predictions rest on the other columns alone.",
                CollinearityWarning,
            )

    # -- how it shows itself ---------------------------------------------------------

    def __repr__(self) -> str:
        return self.summary().as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()

    def summary(self, *arguments: Any, **options: Any) -> Summary:
        """Return the summary table."""
        raise NotImplementedError(f"{type(self).__name__} does not define summary()")

    def summary2(self, *arguments: Any, **options: Any) -> Summary:
        """Return the same as `summary`; statsmodels has two layouts, glmfit one."""
        return self.summary(*arguments, **options)

    # -- coefficients ----------------------------------------------------------------

    @property
    def _names(self) -> pd.Index:
        names: pd.Index = pd.Index(self.model.parameter_names)
        return names

    def _by_term(self, values: Array, name: str | None = None) -> Any:
        if not self.model.data.labelled:
            return values
        return pd.Series(values, index=self._names, name=name)

    @property
    def params(self) -> Any:
        """Coefficients, shape (p,); NaN for aliased columns."""
        return self._by_term(self.record.theta)

    @property
    def bse(self) -> Any:
        """Standard errors of the coefficients, shape (p,)."""
        return self._by_term(self._bse)

    @property
    def _bse(self) -> Array:
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.diag(self._shown_covariance))

    @property
    def tvalues(self) -> Any:
        """Coefficients over standard errors: z statistics, or t where ``use_t``."""
        return self._by_term(self._tvalues)

    @property
    def _tvalues(self) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.record.theta / self._bse

    zvalues = tvalues

    @property
    def pvalues(self) -> Any:
        """Two-sided p-values, shape (p,)."""
        return self._by_term(two_sided(self._tvalues, self._df_test))

    @property
    def _df_test(self) -> float | None:
        return self.df_resid_inference if self.use_t else None

    @property
    def df_resid_inference(self) -> float:
        """Degrees of freedom of t tests: groups less one for clusters, else df_resid."""
        groups = self.cov_kwds.get("n_groups")
        if groups is None or not self.cov_kwds["df_correction"]:
            return self.df_resid
        return int(np.min(groups)) - 1

    @property
    def _shown_covariance(self) -> Array:
        """The covariance, NaN for coefficients that are not finite."""
        finite = np.isfinite(self.record.theta)
        return np.where(np.outer(finite, finite), self._covariance, np.nan)

    def penalized_lr_test(self, terms: Any = None) -> PenalizedTest:
        """Test that coefficients are 0, on the penalised likelihood of a Firth fit.

        Parameters
        ----------
        terms : str or list of str, optional
            Terms of the formula, or names of coefficients; all but the constant by
            default. In a multinomial model a name stands for its coefficients of all
            levels.

        Returns
        -------
        PenalizedTest
            With ``statistic``, ``df`` and ``pvalue``.

        Raises
        ------
        NotAvailableError
            If the estimates maximise no penalised likelihood (see `penalized_llf`).

        References
        ----------
        Heinze, G. and Schemper, M. (2002). A solution to the problem of separation in
        logistic regression. *Statistics in Medicine* 21, 2409-2419.

        Examples
        --------
        >>> import glmfit as gf
        >>> endometrial = gf.datasets.load("endometrial")
        >>> result = gf.logit("HG ~ NV + PI + EH", endometrial).fit(method="firth")
        >>> test = result.penalized_lr_test("NV")
        >>> round(test.statistic, 4), test.df, round(test.pvalue, 5)
        (6.7985, 1, 0.00912)
        """
        fit = self._penalised_fit()
        asked = self._but_the_constant() if terms is None else self._asked(terms)
        held = np.flatnonzero(np.isin(self.record.kept, asked))
        if held.size == 0:
            raise ArgumentError("There is no coefficient to test.")
        return fit.test(held)

    def _but_the_constant(self) -> NDArray[np.intp]:
        """Return the positions of the coefficients of all columns but the constant."""
        data = self.model.data
        column = constant_column(data.design)
        constant = None if column is None else data.names[column]
        owners = self.model.parameter_columns
        return np.array([j for j, name in enumerate(owners) if name != constant], dtype=np.intp)

    def cov_params(self) -> Any:
        """Return the covariance of the coefficients, shape (p, p)."""
        covariance = self._shown_covariance
        if not self.model.data.labelled:
            return covariance
        return pd.DataFrame(covariance, index=self._names, columns=self._names)

    @property
    def normalized_cov_params(self) -> Any:
        """Inverse information without the dispersion, shape (p, p).

        Of a ridge fit, its covariance without the dispersion.
        """
        self._require_wald()
        unscaled = self.record.unscaled
        if not self.model.data.labelled:
            return unscaled
        return pd.DataFrame(unscaled, index=self._names, columns=self._names)

    # -- scalars ---------------------------------------------------------------------

    @property
    def nobs(self) -> float:
        """Number of observations: frequencies summed, rows of weight 0 left out."""
        return self.record.nobs

    @property
    def df_model(self) -> float:
        """Independent columns beyond the constant; effective ones of a penalised fit."""
        return self.record.df_model

    @property
    def df_resid(self) -> float:
        """Observations less independent columns."""
        return self.record.df_resid

    @property
    def k_constant(self) -> int:
        """1 if the columns span a constant, else 0."""
        return int(self.record.has_constant)

    @property
    def llf(self) -> float:
        """Log-likelihood at the estimates; NaN for quasi families."""
        return self.record.llf

    @property
    def penalized_llf(self) -> float:
        """Log-likelihood plus log|I| / 2, which the estimates of a Firth fit maximise.

        Raises
        ------
        NotAvailableError
            If they maximise no penalised likelihood: maximum-likelihood estimates, median
            bias reduction, and links that are not canonical.
        """
        if self.record.penalty is None:
            raise NotAvailableError(NO_PENALTY)
        return self.llf + self.record.penalty

    @property
    def llnull(self) -> float:
        """Log-likelihood of the model with a constant only (and the offset)."""
        return self.record.llnull

    @property
    def llr(self) -> float:
        """Likelihood-ratio statistic against the constant-only model.

        NaN where the columns span no constant, so that it is not a smaller model.

        Raises
        ------
        NotAvailableError
            If the estimates are bias-reduced or penalised, so that they do not maximise the
            likelihood.
        """
        self._require_maximum("The likelihood-ratio statistic")
        return -2.0 * (self.llnull - self.llf) if self.record.has_constant else math.nan

    @property
    def llr_pvalue(self) -> float:
        """Its p-value, from chi-square with ``df_model`` degrees of freedom."""
        return chi2_sf(self.llr, self.df_model)

    @property
    def prsquared(self) -> float:
        """McFadden's pseudo R-squared, 1 - llf / llnull."""
        return self.pseudo_rsquared("mcf")

    def pseudo_rsquared(self, kind: str = "cs") -> float:
        """Return a pseudo R-squared.

        Parameters
        ----------
        kind : {"cs", "mcf"}
            Cox and Snell's 1 - exp(2 (llnull - llf) / nobs), or McFadden's 1 - llf / llnull.
        """
        lowered = str(kind).lower()
        if lowered.startswith("mcf"):
            return 1.0 - self.llf / self.llnull if self.llnull != 0.0 else math.nan
        if lowered in ("cs", "lr") or lowered.startswith("cox"):
            with np.errstate(over="ignore"):  # far worse than the null model: -inf
                return float(-np.expm1(2.0 * (self.llnull - self.llf) / self.nobs))
        raise ArgumentError(f"kind must be 'cs' or 'mcf' (got {kind!r}).")

    @property
    def aic(self) -> float:
        """Akaike's criterion, -2 llf + 2 rank (effective degrees of freedom for ridge)."""
        return self.info_criteria("aic")

    @property
    def bic(self) -> float:
        """Bayes criterion on the log-likelihood (see `bic_llf`)."""
        return self.bic_llf

    @property
    def bic_llf(self) -> float:
        """Bayes criterion, -2 llf + rank log(nobs)."""
        return self.info_criteria("bic")

    def info_criteria(self, crit: str, scale: float | None = None, dk_params: float = 0) -> float:
        """Return an information criterion.

        Parameters
        ----------
        crit : {"aic", "bic", "qaic"}
        scale : float, optional
            Dispersion of the largest model, for "qaic".
        dk_params : float
            Parameters to count beyond the coefficients (1 for an estimated dispersion; the
            alpha of a negative binomial that was estimated is counted in any case).
        """
        count = self._criterion_df(dk_params) + len(self.record.estimated)
        kind = crit.lower()
        if kind == "aic":
            return -2.0 * self.llf + 2.0 * count
        if kind == "bic":
            return -2.0 * self.llf + count * math.log(self.nobs)
        if kind == "qaic":
            if scale is None:
                raise ArgumentError("The qaic needs scale=, the dispersion of the largest model.")
            return -2.0 * self.llf / scale + 2.0 * count
        raise ArgumentError(f"crit must be 'aic', 'bic' or 'qaic' (got {crit!r}).")

    # -- the fit ---------------------------------------------------------------------

    @property
    def aliased(self) -> dict[str, str]:
        """Columns that were left out because others determine them, and how."""
        return dict(self.record.aliased)

    @property
    def separation(self) -> Separation | None:
        """How the data are separated, or None: direction, rows, and what stays finite."""
        return self.record.separation

    @property
    def dropped_rows(self) -> dict[str, int]:
        """Rows that were left out for a missing value, by column."""
        return dict(self.model.data.dropped)

    # -- data ------------------------------------------------------------------------

    def remove_data(self) -> Self:
        """Return the same results without the rows they were fitted to.

        Coefficients, tests, the summary and predictions for new data stay; what has a
        value for each row of the fit raises `NotAvailableError`.
        """
        self._misled()  # which takes the rows, and is kept
        light = copy.copy(self)
        light.model = self.model.without_data()
        return light
