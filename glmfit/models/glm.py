"""Generalised linear models: what is fitted, and the fit itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.design import constant_combination
from glmfit.engine.control import Control
from glmfit.engine.passes import Pass
from glmfit.engine.separation import null_space
from glmfit.errors import ArgumentError, ArgumentTypeError, DataError, DataWarning, suggest, warn
from glmfit.families import Family, Gaussian, Working, resolve_family
from glmfit.formula.response import Response, recoded_event
from glmfit.inference import covariance as sandwich
from glmfit.inference.influence import leverages
from glmfit.inference.residuals import hat_values
from glmfit.likelihoods import GLMLikelihood
from glmfit.links import Link
from glmfit.models.base import refuse_unknown
from glmfit.models.bias import BIAS_METHODS
from glmfit.models.data import (
    BESIDE,
    FamilyReading,
)
from glmfit.models.fitting import (
    check_boundary,
    fit_record,
    kept_design,
    penalised_record,
    submodel_llf,
)
from glmfit.models.methods import one_control, other_settings, read_method
from glmfit.models.penalty import Fitted
from glmfit.models.regularized import Regularizable
from glmfit.results import GLMResults
from glmfit.results.record import FitRecord
from glmfit.sources import Rows

__all__ = ["GLM"]

Array = NDArray[np.float64]


class GLM(Regularizable):
    """A generalised linear model on arrays.

    Parameters
    ----------
    endog : array_like of shape (n,) or (n, 2)
        Response. For a binomial: 0/1, bool, a two-level category (the last level is the
        event), proportions, or successes and failures in two columns.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors; add a constant yourself (`add_constant`).
    family : Family, type of Family or str, optional
        Gaussian by default. Strings work: ``"poisson"``.
    link : Link or str, optional
        Replaces the family's link.
    offset : array_like of shape (n,), optional
        Known part of the linear predictor.
    exposure : array_like of shape (n,), optional
        Positive; its logarithm is added to the linear predictor of a log-link model.
    freq_weights : array_like of shape (n,), optional
        How often each row was seen.
    var_weights : array_like of shape (n,), optional
        Precision of each row: its variance is phi V(mu) / weight.
    trials : array_like of shape (n,), optional
        Trials behind each proportion of a binomial.
    event : optional
        The level (or 0) that counts as the event of a binomial.
    missing : {"none", "drop", "raise"}
        Whether rows with missing values are an error or left out.

    Raises
    ------
    GlmfitError
        Any of its kinds, when the data cannot mean what the family needs.

    See Also
    --------
    glm : The same from a formula.

    Examples
    --------
    >>> import glmfit as gf
    >>> challenger = gf.datasets.load("challenger")
    >>> X = gf.add_constant(challenger["TEMPERATURE"])
    >>> result = gf.GLM(challenger["O_RING_FAILURE"], X, family="binomial").fit()
    >>> result.params.round(4)
    const          15.0429
    TEMPERATURE    -0.2322
    dtype: float64
    """

    summary_style: ClassVar[str] = "glm"
    summary_title: ClassVar[str] = "Generalized Linear Model Regression Results"
    summary_name: ClassVar[str] = "GLM"
    default_use_t: ClassVar[bool] = False
    observed_information: ClassVar[bool] = False
    """Whether standard errors come from the observed information."""
    fixed_family: ClassVar[Family | None] = None
    """The family of a named model, which then takes none."""

    def __init__(
        self,
        endog: Any,
        exog: Any,
        family: Any = None,
        *,
        link: Any = None,
        offset: Any = None,
        exposure: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        trials: Any = None,
        event: Any = None,
        missing: str = "none",
        **unknown: Any,
    ) -> None:
        refuse_unknown(type(self).__name__, unknown, _INIT_NAMES)
        self.family = self._resolve(family, link)
        given = dict(
            zip(BESIDE, (offset, exposure, freq_weights, var_weights, trials), strict=True)
        )
        reading = FamilyReading(self.family, event)
        self._set_arrays(endog, exog, reading, given, missing)

    @classmethod
    def from_formula(
        cls,
        formula: str,
        data: Any,
        family: Any = None,
        *,
        link: Any = None,
        offset: Any = None,
        exposure: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        trials: Any = None,
        event: Any = None,
        subset: Any = None,
        missing: str = "drop",
        env: Mapping[str, Any] | bool | None = None,
        **unknown: Any,
    ) -> Self:
        """Make the model from a formula and data (see `glm` for the parameters)."""
        refuse_unknown(cls.__name__, unknown, (*_INIT_NAMES, "subset", "env"))
        model = cls.__new__(cls)
        model.family = cls._resolve(family, link)
        given = dict(
            zip(BESIDE, (offset, exposure, freq_weights, var_weights, trials), strict=True)
        )
        reading = FamilyReading(model.family, event)
        return model._set_formula(
            formula,
            data,
            reading,
            given,
            missing=missing,
            subset=subset,
            env=env,
        )

    @classmethod
    def _resolve(cls, family: Any, link: Any) -> Family:
        if cls.fixed_family is None:
            return resolve_family(Gaussian() if family is None else family, link)
        if family is not None or link is not None:
            what = "family" if family is not None else "link"
            raise ArgumentTypeError(f"{cls.__name__} has its own {what}; use GLM to choose one.")
        return cls.fixed_family

    def __repr__(self) -> str:
        shown = repr(self.formula) if self.formula else f"{len(self.data.names)} columns"
        return f"<{self.summary_name} {shown}, {self.family.describe()}, {self.family.link} link>"

    @property
    def levels(self) -> tuple[Any, ...]:
        """The two outcomes of a binomial, the event last."""
        return self.data.response.levels or super().levels

    def recode(self, values: tuple[Any, ...], trials: Array | None, index: pd.Index) -> Response:
        """Return the binomial response of new rows, with the outcomes of the fit."""
        return recoded_event(self.data.response, values, trials, index)

    # -- fitting ---------------------------------------------------------------------

    def fit(
        self,
        start_params: Any = None,
        maxiter: int | None = None,
        method: str = "newton",
        tol: float = 1e-8,
        scale: str | float | None = None,
        cov_type: str = "nonrobust",
        cov_kwds: Mapping[str, Any] | None = None,
        use_t: bool | None = None,
        full_output: bool = True,
        disp: bool = False,
        *,
        stop: str = "score",
        control: Control | None = None,
        **unknown: Any,
    ) -> GLMResults:
        """Fit by maximum likelihood, or with its bias reduced.

        Parameters
        ----------
        start_params : array_like of shape (p,), optional
            Where to start; found unaided by default.
        maxiter : int, optional
            Largest number of iterations: by default 100, and 1,000 for "lbfgs" and "gd".
        method : {"newton", "fisher", "irls", "lbfgs", "gd", "firth", "median_bias_reduced"}
            How the maximum is found; where it is does not depend on it.

            * "newton": steps by the observed information, in whose place the expected one
              stands while the maximum is farther than a standard error.
            * "fisher": steps by the expected information.
            * "irls": Fisher scoring as weighted least squares, by a QR decomposition of
              the weighted rows at every iteration.
            * "lbfgs": BFGS with limited memory, by the gradient, on columns made
              orthogonal.
            * "gd": gradient descent with steps checked by Armijo's rule, on the same.

            Under a canonical link (logit, log for Poisson, ...) the first three take the
            same steps, and differ in rounding only; "irls" costs the most. The last two
            need more iterations, each of which costs less. Fits of many rows start from a
            sample of them, whatever the solver. statsmodels' other optimisers ("bfgs",
            "cg", "ncg", "nm", "powell", "basinhopping", "minimize") are not there, and
            their names mean "newton".

            "firth" reduces the bias of the estimates in the mean (Firth 1993; Kosmidis and
            Firth 2009), "median_bias_reduced" in the median (Kenne Pagui, Salvan and
            Sartori 2017), for families whose dispersion is known. These estimates are
            finite where data are separated; standard errors come from the expected
            information.
        tol : float
            Tolerance of the stopping rule.
        scale : {"X2", "dev"} or float, optional
            Dispersion: Pearson's, the deviance's or given; by default 1 for families
            that fix it, else Pearson's.
        cov_type : {"nonrobust", "HC0", "HC1", "HC2", "HC3", "cluster"}
            Covariance of the coefficients.
        cov_kwds : mapping, optional
            For "cluster": ``groups`` (a column name, or a value for each row of the
            data) and ``use_correction`` (True by default).
        use_t : bool, optional
            t instead of normal quantiles.
        full_output : bool
            Accepted as statsmodels has it; the history is always kept.
        disp : bool
            Print a line for each iteration.
        stop : {"score", "params", "loglik", "gradient"}
            What must be within ``tol`` for the fit to stop: the distance to the maximum in
            standard errors, as the score tells it; or else, as the textbooks have it, the
            change of the coefficients, the change of the log-likelihood, or the gradient
            (see `Control`). ``result.history`` has them all, and the summary names a rule
            that is not the first one. Separated data are told of under any.
        control : Control, optional
            All limits at once, in place of ``maxiter``, ``tol``, ``stop`` and ``disp``; its
            own ``maxiter`` is 100 for every solver, unless it says otherwise.
        **unknown
            statsmodels' settings of its own optimisers (``gtol``, ``skip_hessian``,
            ``wls_method``, ...) are taken and have no effect, since the solvers have
            stricter limits of their own (``stop``, ``tol``); anything else is an error.

        Returns
        -------
        GLMResults

        Warns
        -----
        ConvergenceWarning
            If the maximum was not reached.
        CollinearityWarning
            If columns depend on one another.
        """
        self._refuse_fit(other_settings(unknown), _FIT_NAMES)
        how = read_method(method, BIAS_METHODS)
        limits = one_control(
            control, maxiter=maxiter, tol=tol, stop=stop, disp=disp, solver=how.solver
        )
        kind = _covariance_kind(cov_type)
        data = self._kept_data()
        if cov_kwds is not None and not isinstance(cov_kwds, Mapping):
            raise ArgumentTypeError(f"cov_kwds must be a dict; got {type(cov_kwds).__name__}.")
        groups = self._groups(kind, dict(cov_kwds or {}))
        record = fit_record(
            data,
            self.family,
            limits,
            start_params=start_params,
            scale=scale,
            observed=self.observed_information,
            method=how,
        )
        covariance, told = self._covariance(kind, record, groups)
        if kind != "nonrobust" and self.summary_style == "linear":
            record = replace(record, wald_f=self._wald_f(record, covariance, told))
        t = self.default_use_t if use_t is None else use_t
        return GLMResults(self, record, covariance, use_t=t, cov_type=kind, cov_kwds=told)

    def _groups(self, kind: str, options: dict[str, Any]) -> tuple[NDArray[Any], bool] | None:
        """Return group codes of the used rows and whether to correct, for clusters."""
        if kind != "cluster":
            refuse_unknown(f"cov_kwds with cov_type={kind!r}", options, ())
            return None
        correction = bool(options.pop("use_correction", True))
        given = options.pop("groups", None)
        refuse_unknown("cov_kwds", options, ("groups", "use_correction"))
        if given is None:
            raise ArgumentError(
                "cov_type='cluster' needs the groups: cov_kwds={'groups': column or values}."
            )
        data = self._kept_data()
        vector = data.beside(given, "groups")
        lost = vector.missing & data.kept
        if lost.any():
            count = int(lost.sum())
            raise DataError(
                f"groups has {count} missing value{'s' if count > 1 else ''} "
                f"(first in row {int(np.argmax(lost))}); every row needs a group."
            )
        labels = pd.Series(vector.kept(data.kept))
        if data.weight is not None:
            # a row that carries no weight is no observation, and makes no cluster
            labels = labels.where(data.weight > 0.0)
        codes = pd.factorize(labels)[0]
        if codes.max(initial=-1) < 1:
            raise DataError("There is one cluster only; clustered covariances need two or more.")
        return codes, correction

    def _covariance(
        self, kind: str, record: FitRecord, groups: tuple[NDArray[Any], bool] | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return the covariance of all columns and how it was made."""
        if kind == "nonrobust":
            told = "Standard errors assume that the variance function of the family holds."
            return record.unscaled * record.scale, {"description": told}
        data = self.data
        kept = record.kept
        bread = record.unscaled[np.ix_(kept, kept)]
        rows = kept_design(data, record).toarray()
        score = self.row_scores(record)
        freq = np.ones(score.size) if data.freq_weights is None else data.freq_weights
        if groups is not None:
            codes, correction = groups
            n_groups = int(codes.max()) + 1
            seen = codes >= 0
            middle = sandwich.cluster_covariance(
                bread,
                rows[seen],
                (score * freq)[seen],
                codes[seen],
                n_groups,
                record.nobs,
                correction=correction,
            )
            told = f"Standard errors allow any dependence within {n_groups} clusters"
            told += " (G/(G-1) (n-1)/(n-p) correction)." if correction else " (no correction)."
            details: dict[str, Any] = {"description": told, "n_groups": n_groups}
        else:
            leverage = self._hat(record, bread, rows) / np.where(freq > 0.0, freq, 1.0)
            _warn_of_full_leverage(kind, leverage)
            middle = sandwich.hc_covariance(kind, bread, rows, score, leverage, record.nobs, freq)
            details = {"description": f"Standard errors are heteroscedasticity robust ({kind})."}
        covariance = np.full(record.unscaled.shape, np.nan)
        covariance[np.ix_(kept, kept)] = middle
        return covariance, details

    def _wald_f(self, record: FitRecord, covariance: Array, told: dict[str, Any]) -> float:
        """Return the F of all contrasts that leave the constant alone; NaN past their rank."""
        design = kept_design(self.data, record)
        constant = constant_combination(design)
        q = record.kept.size
        contrasts = np.eye(q) if constant is None else null_space(constant[None, :]).T
        if contrasts.shape[0] == 0 or told.get("n_groups", np.inf) - 1 < contrasts.shape[0]:
            return float("nan")
        shift = contrasts @ record.theta[record.kept]
        spread = contrasts @ covariance[np.ix_(record.kept, record.kept)] @ contrasts.T
        if not np.isfinite(spread).all():
            return float("nan")
        return float(np.dot(shift, np.linalg.solve(spread, shift)) / contrasts.shape[0])

    # -- penalised fits ----------------------------------------------------------------

    @property
    def likelihood(self) -> GLMLikelihood:
        """The likelihood in eta-space."""
        return GLMLikelihood(self.family)

    def check_bounded(self, rows: Rows) -> None:
        """Raise if every response is at the same end of the family's means."""
        check_boundary(rows.y, rows.weight, self.family)

    def fold_strata(self) -> NDArray[np.intp]:
        """Return the stratum of each row for the dealing of folds: the class of a binomial."""
        if not self.family.proportions:
            return super().fold_strata()
        return np.asarray(self.endog > 0.5, dtype=np.intp)

    def penalised_record(self, fitted: Fitted, scale: Any, *, sandwich: bool) -> FitRecord:
        """Return every scalar of a penalised fit."""
        ready, solution = fitted.ready, fitted.solution(sandwich=sandwich)
        return penalised_record(
            self.data, self.family, ready.run, fitted.found.theta, solution, ready.kept,
            ready.aliases, fitted.df, scale,
        )  # fmt: skip

    def results_of(
        self, record: FitRecord, covariance: Array, *, use_t: bool, cov_type: str, told: str
    ) -> GLMResults:
        """Return results of this model."""
        kwds = {"description": told}
        return GLMResults(self, record, covariance, use_t=use_t, cov_type=cov_type, cov_kwds=kwds)

    def _unpenalised(self, start_params: Any, control: Control, scale: Any, use_t: bool) -> Any:
        return self.fit(start_params, scale=scale, use_t=use_t, control=control)

    # -- values at given coefficients --------------------------------------------------

    @property
    def exposure_link(self) -> Link:
        """The link, on which it depends whether an exposure has a meaning."""
        return self.family.link

    @property
    def expectation(self) -> GLMLikelihood:
        """What the likelihood knows of its means."""
        return GLMLikelihood(self.family)

    @property
    def likelihood_name(self) -> str:
        """The family and its link."""
        return f"{self.family.describe()}, {self.family.link} link"

    @property
    def known_dispersion(self) -> float | None:
        """The dispersion of the family, or None where it is estimated."""
        return self.family.dispersion

    def llf_of(self, record: FitRecord, theta: Array, deviance: float, rank: int) -> float:
        """Return the log-likelihood of a submodel, with a dispersion of its own."""
        if self.family.dispersion is not None or self.family.quasi:
            return super().llf_of(record, theta, deviance, rank)
        return submodel_llf(self._kept_data(), self.family, record, theta, deviance, rank)

    def _pass(self) -> Pass:
        return Pass(self._kept_data().rows(), GLMLikelihood(self.family), Control())

    def fitted_rows(self, record: FitRecord) -> NDArray[np.bool_]:
        """Return which of the rows used stand in `fitted_pass`, shape (m,)."""
        present = super().fitted_rows(record)
        return present if record.separation is None else present & ~record.separation.rows

    def fitted_pass(self, record: FitRecord) -> Pass:
        """Return the pass that the estimates maximise (see `Model.fitted_pass`)."""
        data = self._kept_data()
        rows = data.rows(kept_design(data, record)).where(self.fitted_rows(record))
        return Pass(rows, GLMLikelihood(self.family), Control())

    def fitted_eta(self, record: FitRecord) -> Array:
        """Return the linear predictor of the rows used, infinite where separated."""
        return record.limit(self.linear_predictor(record.base), self._kept_data().design)

    def working(self, record: FitRecord) -> Working:
        """Return the working values of the rows used; 0 for separated rows."""
        eta = self.fitted_eta(record)
        inside = np.isfinite(eta)
        values = self.family.working(self.endog, np.where(inside, eta, 0.0))
        return Working(*(np.where(inside, part, 0.0) for part in values))

    def row_scores(self, record: FitRecord) -> Array:
        """Return phi times the derivative of each observation's log-likelihood by eta.

        Trials and variance weights are in, frequencies are not; shape (m,).
        """
        data = self._kept_data()
        score = self.working(record).score
        for part in (data.response.trials, data.var_weights):
            if part is not None:
                score = score * part
        return score

    def inverse_information(self, record: FitRecord, *, observed: bool) -> Array:
        """Return the inverse information of the columns that the fit rests on."""
        if observed == self.observed_information or self.family.canonical:
            return record.unscaled[np.ix_(record.kept, record.kept)]
        run, theta = self.fitted_pass(record), record.base[record.kept]
        return np.asarray(np.linalg.inv(run(theta, observed=observed).information))

    def hat_values(self, record: FitRecord, *, observed: bool = False) -> Array:
        """Return the leverage of each row used, frequencies included, shape (m,).

        It is 0 for rows of weight 0 and for those that a separated fit fits perfectly.
        """
        inverse = self.inverse_information(record, observed=observed)
        run, theta = self.fitted_pass(record), record.base[record.kept]
        out = np.zeros(self.endog.size)
        out[self.fitted_rows(record)] = leverages(run, theta, inverse, observed=observed)
        return out

    def _hat(self, record: FitRecord, bread: Array, rows: Array) -> Array:
        weight = self.working(record).weight
        if self.data.weight is not None:
            weight = weight * self.data.weight
        return hat_values(rows, weight, bread)

    def score(self, params: Any, scale: float = 1.0) -> Array:
        """Return the derivative of the log-likelihood by the coefficients, shape (p,)."""
        return self._pass()(np.asarray(params, dtype=float)).score / scale

    def information(self, params: Any, scale: float = 1.0) -> Array:
        """Return the expected information of the coefficients, shape (p, p)."""
        return self._pass()(np.asarray(params, dtype=float)).information / scale

    def hessian(self, params: Any, scale: float = 1.0, observed: bool = True) -> Array:
        """Return the second derivatives of the log-likelihood, shape (p, p).

        With ``observed=False`` their expectation, minus the information.
        """
        stats = self._pass()(np.asarray(params, dtype=float), observed=observed)
        return -stats.information / scale


_INIT_NAMES = ("family", "link", "offset", "exposure", "freq_weights", "var_weights", "trials",
               "event", "missing")  # fmt: skip
_FIT_NAMES = ("start_params", "maxiter", "method", "tol", "scale", "cov_type", "cov_kwds", "use_t",
              "full_output", "disp", "stop", "control")  # fmt: skip


def _warn_of_full_leverage(kind: str, leverage: Array) -> None:
    full = leverage > 1.0 - sandwich.FULL_LEVERAGE
    if kind in ("HC2", "HC3") and full.any():
        warn(
            f"{int(full.sum())} observations (the first is {int(np.argmax(full))}) have leverage "
            f"1: their own parameter fits them, so {kind}, which divides by 1 minus leverage, "
            "does not exist. HC1 does.",
            DataWarning,
        )


def _covariance_kind(cov_type: Any) -> str:
    known = ("nonrobust", *sandwich.HC_TYPES, "cluster")
    aliases = {name.lower(): name for name in known} | {"eim": "nonrobust"}
    found = aliases.get(str(cov_type).lower())
    if found is None:
        raise ArgumentError(
            f"There is no cov_type {cov_type!r}.{suggest(str(cov_type), known)} "
            f"Known: {', '.join(known)}."
        )
    return found
