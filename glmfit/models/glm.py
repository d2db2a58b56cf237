"""Generalised linear models: what is fitted, and the fit itself."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.passes import Pass
from glmfit.errors import ArgumentTypeError, BoundaryWarning, NotAvailableError, warn
from glmfit.families import Family, Gaussian, Poisson, Working, resolve_family
from glmfit.formula.response import Response, recoded_event
from glmfit.inference.bootstrap import Replicates, Sample
from glmfit.inference.covariance import FULL_LEVERAGE, information_inverse
from glmfit.inference.influence import leverages
from glmfit.likelihoods import GLMLikelihood
from glmfit.links import Link
from glmfit.models.absorbable import Absorbable
from glmfit.models.absorbed import absorb_arguments
from glmfit.models.absorbing import absorbed_pass, absorbed_record
from glmfit.models.base import refuse_unknown
from glmfit.models.bias import BIAS_METHODS, bias_of
from glmfit.models.compat import GLMNames, scale_of
from glmfit.models.counting import estimated_alpha
from glmfit.models.data import (
    BESIDE,
    FamilyReading,
)
from glmfit.models.dispersion import submodel_llf
from glmfit.models.fitting import (
    check_boundary,
    fit_record,
    kept_design,
    penalised_record,
)
from glmfit.models.methods import Method, one_control, other_settings, read_method
from glmfit.models.penalty import Fitted
from glmfit.models.replicates import batched, outcome, resampled_data
from glmfit.results import GLMResults
from glmfit.results.base import LikelihoodResults
from glmfit.results.record import FitRecord
from glmfit.results.request import covariance_request
from glmfit.scoring import Equation, Language, inverse
from glmfit.sources import Rows

__all__ = ["GLM"]

Array = NDArray[np.float64]


class GLM(Absorbable, GLMNames):
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
    absorb : array_like of shape (n,) or (n, k), Series, DataFrame, or list, optional
        Factors with many levels whose effects are taken out without a column for each (see
        `glm`).
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
    stored: ClassVar[Mapping[str, Any]] = {"family": Family}
    results_type: ClassVar[type[LikelihoodResults]] = GLMResults
    streams: ClassVar[bool] = True
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
        absorb: Any = None,
        missing: str = "none",
        **unknown: Any,
    ) -> None:
        refuse_unknown(type(self).__name__, unknown, _INIT_NAMES)
        self.family = self._resolve(family, link)
        vectors = (offset, exposure, freq_weights, var_weights, trials)
        given = dict(zip(BESIDE, vectors, strict=True)) | absorb_arguments(absorb)
        reading = FamilyReading(self.family, event)
        self._set_arrays(endog, exog, reading, given, missing)._settle()

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
        absorb: Any = None,
        subset: Any = None,
        missing: str = "drop",
        env: Mapping[str, Any] | bool | None = None,
        **unknown: Any,
    ) -> Self:
        """Make the model from a formula and data (see `glm` for the parameters)."""
        refuse_unknown(cls.__name__, unknown, (*_INIT_NAMES, "subset", "env"))
        model = cls.__new__(cls)
        model.family = cls._resolve(family, link)
        vectors = (offset, exposure, freq_weights, var_weights, trials)
        given = dict(zip(BESIDE, vectors, strict=True)) | absorb_arguments(absorb)
        reading = FamilyReading(model.family, event)
        model._set_formula(
            formula,
            data,
            reading,
            given,
            missing=missing,
            subset=subset,
            env=env,
        )
        return model._settle()

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
        scale : {"X2", "dev", "ML"} or float, optional
            Dispersion: Pearson's, the deviance's, that of greatest likelihood, or given; by
            default 1 for families that fix it, else Pearson's. That of greatest likelihood
            counts as a parameter in AIC and BIC; ``result.scale_bse`` is its standard error.
            It is uncorrelated with the coefficients.
        cov_type : str
            Covariance of the coefficients: "nonrobust", "HC0" to "HC3", "cluster", "HAC",
            and the others of `GLMResults.with_cov`.
        cov_kwds : mapping, optional
            Its arguments, such as ``{"groups": "firm"}`` for "cluster".
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
        scale = scale_of(scale, unknown)
        unknown.pop("scaletype", None)
        self._refuse_fit(other_settings(unknown), _FIT_NAMES)
        how = read_method(method, BIAS_METHODS)
        limits = one_control(
            control, maxiter=maxiter, tol=tol, stop=stop, disp=disp, solver=how.solver
        )
        if self.data.stream is None:
            self._kept_data()
        request = covariance_request(self, cov_type, cov_kwds)
        if self.family.estimated_by_fit:
            alpha = self._estimated_alpha(limits)
            result = self._with_alpha(alpha).fit(
                start_params,
                method=method,
                scale=scale,
                cov_type=cov_type,
                cov_kwds=cov_kwds,
                use_t=use_t,
                control=limits,
            )
            result.record = replace(result.record, estimated=(("alpha", alpha),))
            return result
        make = fit_record if self.data.absorbed is None else absorbed_record
        record = make(
            self.data,
            self.family,
            limits,
            start_params=start_params,
            scale=scale,
            observed=self.observed_information,
            method=how,
        )
        t = self.default_use_t if use_t is None else use_t
        told = {"description": "Standard errors assume that the variance of the family holds."}
        result = GLMResults(
            self,
            record,
            record.unscaled * record.scale,
            use_t=t,
            cov_type="nonrobust",
            cov_kwds=told,
        )
        return result.using(request)

    def _estimated_alpha(self, control: Control) -> float:
        if self.data.absorbed is not None:
            raise NotAvailableError(
                "alpha is not estimated beside absorbed effects; give it, as in "
                "families.NegativeBinomial(alpha=1.0), or put the factor into the formula."
            )
        if self.data.stream is not None:
            raise NotAvailableError(
                "alpha is not estimated from streamed rows; give it, as in "
                "families.NegativeBinomial(alpha=1.0), or estimate it on a sample in memory."
            )
        return estimated_alpha(self.data, control)

    def _with_alpha(self, alpha: float) -> Self:
        """Return the model whose family has the given alpha; it is Poisson where that is 0.

        Warns
        -----
        BoundaryWarning
            If alpha is 0.
        """
        other = copy.copy(self)
        if alpha > 0.0:
            other.family = replace(self.family, alpha=alpha)  # type: ignore[call-arg]
        else:
            other.family = Poisson(self.family.link)
            warn(
                "The counts are not overdispersed: the likelihood falls with alpha from 0 on, so "
                "the estimate is alpha = 0, on the boundary, and the family is Poisson.",
                BoundaryWarning,
            )
        return other

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
        self._refuse_effects("The likelihood of a submodel with a dispersion of its own")
        return submodel_llf(self._kept_data(), self.family, record, theta, deviance, rank)

    def equations(self, record: FitRecord) -> tuple[Equation, ...]:
        """Return the linear predictor."""
        return (Equation(0.0, record.base),)

    def scored(self, language: Language, predictors: list[str]) -> dict[str, str]:
        """Return the mean as code."""
        return {"": inverse(language, self.family.link, predictors[0])}

    def _pass(self) -> Pass:
        self._refuse_effects("The score at given coefficients")
        return Pass(self._kept_data().rows(), GLMLikelihood(self.family), Control())

    def fitted_rows(self, record: FitRecord) -> NDArray[np.bool_]:
        """Return which of the rows used stand in `fitted_pass`, shape (m,)."""
        present = super().fitted_rows(record)
        return present if record.separation is None else present & ~record.separation.rows

    def fitted_pass(self, record: FitRecord) -> Any:
        """Return the pass that the estimates maximise (see `Model.fitted_pass`).

        An `AbsorbedPass` where factors are absorbed, else a `Pass`.
        """
        data = self.data
        if data.absorbed is not None:
            return absorbed_pass(self._kept_data(), self.family, record)
        if data.stream is None:
            data = self._kept_data()
        rows = data.source(kept_design(data, record))
        if data.stream is None:
            rows = rows.where(self.fitted_rows(record))
        return Pass(rows, GLMLikelihood(self.family), Control())

    def fitted_eta(self, record: FitRecord) -> Array:
        """Return the linear predictor of the rows used, infinite where separated."""
        data = self._kept_data()
        if record.effects is not None and data.absorbed is not None:
            return data.rows().eta(record.base) + record.effects.rows(data.absorbed.codes)
        return record.limit(self.linear_predictor(record.base), data.design)

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
        return np.asarray(self.working(record).score * self._unit_weight())

    def inverse_information(self, record: FitRecord, *, observed: bool) -> Array:
        """Return the inverse information of the columns that the fit rests on."""
        if observed == self.observed_information or self.family.canonical:
            return record.unscaled[np.ix_(record.kept, record.kept)]
        run, theta = self.fitted_pass(record), record.base[record.kept]
        return information_inverse(run, theta, observed=observed)

    def hat_values(self, record: FitRecord, *, observed: bool = False) -> Array:
        """Return the leverage of each row used, frequencies included, shape (m,).

        It is 0 for rows of weight 0 and for those that a separated fit fits perfectly.
        """
        self._refuse_effects("The leverage of a row")
        inverse = self.inverse_information(record, observed=observed)
        run, theta = self.fitted_pass(record), record.base[record.kept]
        out = np.zeros(self.endog.size)
        out[self.fitted_rows(record)] = leverages(run, theta, inverse, observed=observed)
        return out

    # -- samples -------------------------------------------------------------------------

    def replicates(self, record: FitRecord, samples: Iterable[Sample]) -> Replicates:
        """Return the estimates of samples, fitted together where they maximise a likelihood."""
        self._refuse_effects("A bootstrap or a jackknife")
        if record.bias_reduced is not None:
            return super().replicates(record, samples)
        return batched(
            self.fitted_pass(record),
            record,
            self._unit_weight()[self.fitted_rows(record)],
            samples,
            lambda counts, response: self.refitted(record, counts, response),
        )

    def refitted(
        self, record: FitRecord, counts: Array | None, response: Array | None
    ) -> tuple[Array, str]:
        """Return the estimates of one sample (see `Model.refitted`)."""
        data = resampled_data(self._kept_data(), self.fitted_rows(record), counts, response)
        return outcome(
            lambda: fit_record(
                data,
                self.family,
                Control(),
                start_params=record.base,
                method=Method(bias=bias_of(record)),
            ),
            record.rank,
        )

    def drawn_responses(
        self, record: FitRecord, rng: np.random.Generator, size: int, kind: str
    ) -> Array:
        """Return responses drawn from the family, or made of residuals, shape (R, n)."""
        rows = self.fitted_pass(record).held
        mu = self.family.link.inverse(rows.eta(record.base[record.kept]))
        if kind == "parametric":
            weight = np.ones_like(mu) if rows.weight is None else rows.weight
            shape = (size, mu.size)
            return self.family.draw(
                rng, np.broadcast_to(mu, shape), np.broadcast_to(weight, shape), record.scale
            )
        return mu + self._residual_errors(record, rng, (size, mu.size))

    def _residual_errors(
        self, record: FitRecord, rng: np.random.Generator, shape: tuple[int, int]
    ) -> Array:
        """Return errors drawn from the residuals, each made of variance phi / weight.

        References
        ----------
        Davison and Hinkley (1997), eq. 6.9: residuals over sqrt(1 - h), centred.
        """
        domain = self.family.response_domain
        if not domain.unbounded or self.family.variance_power() != 0.0:
            raise NotAvailableError(
                "Residuals are exchangeable where the variance does not depend on the mean; with "
                f"the {self.family.describe()} family fit plus residual may be no response at "
                "all. Use kind='pairs' or kind='parametric'."
            )
        data = self._kept_data()
        if data.freq_weights is not None and not np.isin(data.freq_weights, (0.0, 1.0)).all():
            raise NotAvailableError(
                "With freq_weights a row stands for several observations that share a residual. "
                "Write the rows out, or use kind='pairs'."
            )
        present = self.fitted_rows(record)
        left = 1.0 - self.hat_values(record)[present]
        weight = self._unit_weight()[present]
        error = self.family.link.inverse(self.fitted_eta(record)[present])
        inside = left > FULL_LEVERAGE
        modified = ((data.response.y[present] - error) * np.sqrt(weight))[inside]
        modified = modified / np.sqrt(left[inside])
        chosen = rng.integers(0, modified.size, size=shape)
        return np.asarray((modified - modified.mean())[chosen] / np.sqrt(weight))

    def _unit_weight(self) -> Array:
        """Return the prior weight of one observation of each row, shape (m,)."""
        data = self._kept_data()
        weight = np.ones(data.response.y.size)
        for part in (data.response.trials, data.var_weights):
            weight = weight if part is None else weight * part
        return weight

    def score(self, params: Any, scale: float | None = None) -> Array:
        """Return the derivative of the log-likelihood by the coefficients, shape (p,).

        Parameters
        ----------
        params : array_like of shape (p,)
        scale : float, optional
            Dispersion; by default the family's, or Pearson's at these coefficients.
        """
        theta = np.asarray(params, dtype=float)
        return self._pass()(theta).score / self._phi(theta, scale)

    def information(self, params: Any, scale: float | None = None) -> Array:
        """Return the expected information of the coefficients, shape (p, p).

        It is positive definite; statsmodels' own has the other sign.
        """
        theta = np.asarray(params, dtype=float)
        return self._pass()(theta).information / self._phi(theta, scale)

    def hessian(self, params: Any, scale: float | None = None, observed: bool = True) -> Array:
        """Return the second derivatives of the log-likelihood, shape (p, p).

        With ``observed=False`` their expectation, minus the information.
        """
        theta = np.asarray(params, dtype=float)
        stats = self._pass()(theta, observed=observed)
        return -stats.information / self._phi(theta, scale)

    def _phi(self, theta: Array, scale: float | None) -> float:
        if scale is not None:
            return scale
        mu = self.family.link.inverse(self.linear_predictor(theta))
        return self.estimate_scale(mu)


_INIT_NAMES = ("family", "link", "offset", "exposure", "freq_weights", "var_weights", "trials",
               "event", "absorb", "missing")  # fmt: skip
_FIT_NAMES = ("start_params", "maxiter", "method", "tol", "scale", "cov_type", "cov_kwds", "use_t",
              "full_output", "disp", "stop", "control")  # fmt: skip
