"""Names that statsmodels' models have besides, for code that moves from there.

Nothing in glmfit uses them; the names of families are in `glmfit.compat`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glmfit.counts.kernels import Terms
from glmfit.design import constant_combination
from glmfit.engine.control import Control
from glmfit.engine.passes import Pass
from glmfit.engine.predictor import Predictor
from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.families import Family
from glmfit.inference.tails import chi2_sf
from glmfit.likelihoods import EtaStats, GLMLikelihood
from glmfit.models.classes import saturated
from glmfit.models.counting import CountForm
from glmfit.models.data import ModelData
from glmfit.models.dispersion import log_likelihood_at

__all__ = ["CountNames", "GLMNames", "MultinomialNames", "OrdinalNames", "scale_of"]

Array = NDArray[np.float64]


def scale_of(scale: Any, options: dict[str, Any]) -> Any:
    """Return ``scale=`` of a fit, or what stands under its other name, ``scaletype=``."""
    if "scaletype" not in options:
        return scale
    if scale is not None:
        raise ArgumentError("scale= and scaletype= are the same; give one of them.")
    return {"x2": "X2", "dev": "dev"}.get(str(options["scaletype"]).lower(), options["scaletype"])


class ModelNames:
    """What every model has under statsmodels' names."""

    data: ModelData

    @property
    def endog(self) -> Array:
        """See `Model.endog`."""
        raise NotImplementedError(f"{type(self).__name__} does not define endog")

    @property
    def exog(self) -> Array:
        """See `Model.exog`."""
        raise NotImplementedError(f"{type(self).__name__} does not define exog")

    def _kept_data(self) -> ModelData:
        raise NotImplementedError(f"{type(self).__name__} does not define _kept_data")

    @property
    def freq_weights(self) -> Array:
        """How often each row used was seen, shape (m,)."""
        return _ones(self._kept_data().freq_weights, self.endog)

    @property
    def var_weights(self) -> Array:
        """Precision of each row used, shape (m,)."""
        return _ones(self._kept_data().var_weights, self.endog)

    @property
    def iweights(self) -> Array:
        """Product of both weights, shape (m,)."""
        return self.freq_weights * self.var_weights

    @property
    def n_trials(self) -> Array:
        """Trials of each row used, shape (m,)."""
        return _ones(self._kept_data().response.trials, self.endog)


class GLMNames(ModelNames):
    """What a GLM has under statsmodels' names; ``params`` (p,) may be any coefficients."""

    discrete_in_statsmodels: ClassVar[bool] = False
    """Whether statsmodels has the model beside its GLM, with conventions of its own."""

    family: Family
    linear_predictor: Any

    @property
    def rank(self) -> int:
        """Number of independent columns."""
        return int(np.linalg.matrix_rank(self.exog))

    @property
    def df_model(self) -> int:
        """Independent columns beyond the constant."""
        return self.rank - int(constant_combination(self._kept_data().design) is not None)

    @property
    def wnobs(self) -> float:
        """Number of observations, frequencies counted."""
        return float(self._kept_data().n_effective)

    @property
    def df_resid(self) -> float:
        """Observations less independent columns."""
        return self._kept_data().n_effective - self.rank

    def loglike(self, params: Any, scale: float | None = None) -> float:
        """Return the log-likelihood at given coefficients.

        Parameters
        ----------
        params : array_like of shape (p,)
        scale : float, optional
            Dispersion; by default the family's, or Pearson's at these coefficients.
        """
        theta = np.asarray(params, dtype=float)
        mu = self.family.link.inverse(self.linear_predictor(theta))
        phi = self.estimate_scale(mu) if scale is None else scale
        return log_likelihood_at(self._kept_data(), self.family, theta, phi)

    def loglike_mu(self, mu: Any, scale: float = 1.0) -> float:
        """Return the log-likelihood at given means, shape (m,)."""
        return float(self._rows_at(np.asarray(mu, dtype=float), scale).sum())

    def loglikeobs(self, params: Any, scale: float = 1.0) -> Array:
        """Return what each row adds to the log-likelihood, shape (m,)."""
        return self._rows_at(self.family.link.inverse(self.linear_predictor(params)), scale)

    def _rows_at(self, mu: Array, scale: float) -> Array:
        data = self._kept_data()
        rows = GLMLikelihood(self.family).log_likelihood(
            self.endog, mu, scale, trials=data.response.trials, var_weights=data.var_weights
        )
        return self.freq_weights * rows

    def estimate_scale(self, mu: Any) -> float:
        """Return the dispersion that the squared Pearson residuals at given means tell of."""
        if self.family.dispersion is not None:
            return self.family.dispersion
        means = np.asarray(mu, dtype=float)
        squares = (self.endog - means) ** 2 / self.family.variance(means)
        return float(np.sum(self.iweights * self.n_trials * squares) / self.df_resid)

    def score_factor(self, params: Any, scale: float | None = None) -> Array:
        """Return the derivative of each row's log-likelihood by its predictor, shape (m,)."""
        eta = self.linear_predictor(params)
        phi = self.estimate_scale(self.family.link.inverse(eta)) if scale is None else scale
        rows: Array = self.family.working(self.endog, eta).score * self.iweights * self.n_trials
        return rows / phi

    def score_obs(self, params: Any, scale: float | None = None) -> Array:
        """Return the derivative of each row's log-likelihood by the coefficients, (m, p)."""
        return self.score_factor(params, scale)[:, None] * self.exog

    def hessian_factor(
        self, params: Any, scale: float | None = None, observed: bool = True
    ) -> Array:
        """Return the weights of rows in the second derivatives, shape (m,).

        As in statsmodels, those of a `GLM` have the sign of the information, those of
        `Logit`, `Probit` and `Poisson` that of the second derivatives.
        """
        theta = np.asarray(params, dtype=float)
        eta = self.linear_predictor(theta)
        phi = self.estimate_scale(self.family.link.inverse(eta)) if scale is None else scale
        weight = self.iweights * self.n_trials
        stats = GLMLikelihood(self.family).evaluate(self.endog, eta, weight, observed=observed)
        rows: Array = stats.weight / phi
        return -rows if self.discrete_in_statsmodels else rows

    def score_test(
        self,
        params_constrained: Any,
        k_constraints: int | None = None,
        exog_extra: Any = None,
        observed: bool = True,
    ) -> tuple[float, float, int]:
        """Test by its score whether columns should be added, or constraints given up.

        Parameters
        ----------
        params_constrained : array_like of shape (p,)
            Estimates under the hypothesis.
        k_constraints : int, optional
            Number of constraints that they obey; the number of columns of ``exog_extra``
            by default.
        exog_extra : array_like of shape (m, k), optional
            Columns whose coefficients are 0 under the hypothesis.
        observed : bool
            Whether to use the observed or the expected information.

        Returns
        -------
        statistic, pvalue, df : tuple
        """
        theta = np.asarray(params_constrained, dtype=float)
        design = self.exog
        if exog_extra is None:
            if k_constraints is None:
                raise ArgumentError("Give exog_extra=, or k_constraints=.")
        else:
            design = np.column_stack([design, np.asarray(exog_extra, dtype=float)])
            k_constraints = design.shape[1] - theta.size
        score = design.T @ self.score_factor(theta)
        rows = np.abs(self.hessian_factor(theta, observed=observed))
        statistic = float(score @ np.linalg.solve(design.T @ (rows[:, None] * design), score))
        return statistic, float(chi2_sf(statistic, k_constraints)), k_constraints

    def get_distribution(
        self,
        params: Any,
        scale: float | None = None,
        exog: Any = None,
        *,
        offset: Any = None,
        var_weights: Any = 1.0,
        n_trials: Any = 1.0,
    ) -> Any:
        """Return SciPy's distribution of the responses at given coefficients.

        Parameters
        ----------
        params : array_like of shape (p,)
        scale : float, optional
            Dispersion; by default the family's, or Pearson's at these coefficients.
        exog, offset
            As in `predict`.
        var_weights, n_trials : float or array_like of shape (k,)
            Of the new observations.
        """
        if scale is None:
            own = self.family.link.inverse(self.linear_predictor(params))
            scale = self.estimate_scale(own)
        mu = self.predict(params, exog, offset=offset)
        weight = np.asarray(var_weights) * np.asarray(n_trials)
        return self.family.get_distribution(mu, scale, weight)

    def predict(
        self, params: Any, exog: Any = None, which: str = "mean", offset: Any = None
    ) -> Array:
        """Return predictions at given coefficients, shape (m,).

        Parameters
        ----------
        params : array_like of shape (p,)
        exog : array_like of shape (k, p), optional
            A design; the rows used by default.
        which : {"mean", "linear", "var_unscaled"}
        offset : array_like of shape (k,), optional
            For ``exog``.
        """
        if which not in ("mean", "linear", "var_unscaled"):
            raise ArgumentError(f"which must be mean, linear or var_unscaled (got {which!r}).")
        if exog is None:
            if offset is not None:
                raise ArgumentError("offset= is for a new exog; the rows used have their own.")
            eta = self.linear_predictor(params)
        else:
            if self.data.offset is not None and offset is None:
                raise NotAvailableError(
                    "The model has an offset, which a design does not carry. Give offset= (0 for "
                    "none), or use the predict() of a result."
                )
            eta = np.asarray(exog, dtype=float) @ np.asarray(params, dtype=float)
            eta = eta if offset is None else eta + np.asarray(offset, dtype=float)
        if which == "linear":
            return np.asarray(eta)
        mean = self.family.link.inverse(eta)
        return mean if which == "mean" else self.family.variance(mean)


class CountNames(ModelNames):
    """What a model of counts has under statsmodels' names.

    Coefficients come as results show them: those of the zero part, of the mean, and alpha.
    """

    @property
    def form(self) -> CountForm:
        """See `CountModel.form`."""
        raise NotImplementedError(f"{type(self).__name__} does not define form")

    def _run(self) -> Pass:
        form, rows = self.form.in_alpha(), self._kept_data().rows()
        return Pass(
            replace(rows, offset=form.offsets(rows.offset)),
            form.likelihood,
            Control(),
            form.predictor(rows.design),
        )

    def loglikeobs(self, params: Any) -> Array:
        """Return what each row adds to the log-likelihood, shape (m,)."""
        run = self._run()
        eta = run.eta(np.asarray(params, dtype=float))
        with np.errstate(all="ignore"):
            found = self.form.in_alpha().likelihood.log_probability(
                run.held.y, eta.reshape(len(eta), -1)
            )
        return self.iweights * found

    def loglike(self, params: Any) -> float:
        """Return the log-likelihood at given coefficients."""
        return float(self.loglikeobs(params).sum())

    def score(self, params: Any) -> Array:
        """Return its derivative by the coefficients, shape (p,)."""
        return self._run()(np.asarray(params, dtype=float)).score

    def score_obs(self, params: Any) -> Array:
        """Return the derivative of each row's log-likelihood, shape (m, p)."""
        rows: Array = self._run().score_rows(np.asarray(params, dtype=float))
        return rows

    def hessian(self, params: Any) -> Array:
        """Return its second derivatives, shape (p, p)."""
        return -self._run()(np.asarray(params, dtype=float), observed=True).information

    def score_factor(self, params: Any) -> tuple[Array, ...]:
        """Return the derivative of each row's log-likelihood by each of its predictors."""
        return tuple(self._terms(params).score)

    def hessian_factor(self, params: Any) -> tuple[Array, ...]:
        """Return second derivatives by the predictors a <= b: (0, 0), (0, 1), (1, 1), ..."""
        return tuple(-self._terms(params).information)

    def _terms(self, params: Any) -> Terms:
        run = self._run()
        eta = run.eta(np.asarray(params, dtype=float))
        terms = self.form.in_alpha().likelihood.rows(run.held.y, eta.reshape(len(eta), -1), True)
        weight = self.iweights
        return Terms(terms.loss * weight, terms.score * weight, terms.information * weight)

    def get_distribution(self, params: Any) -> Any:
        """Return SciPy's distribution of the rows at given coefficients.

        Raises
        ------
        NotAvailableError
            For zero-inflated, hurdle, limited and generalised Poisson models, which SciPy
            has not.
        """
        form = self.form.in_alpha()
        if not (form.likelihood.whole and form.likelihood.kernel.in_scipy):
            raise NotAvailableError(
                "SciPy has no distribution of these counts; predict(which='prob') of a result "
                "gives the probability of each count."
            )
        # scipy.stats costs half a second to import
        from scipy import stats

        eta = self._run().eta(np.asarray(params, dtype=float))
        eta = eta.reshape(len(eta), -1)
        mean = form.likelihood.means(eta)[:, 0]
        size = mean * mean / (form.likelihood.variance(eta) - mean)
        return stats.nbinom(size, size / (size + mean))


class OrdinalNames:
    """What an ordinal model has under statsmodels' names.

    Its thresholds are coefficients as they are, where statsmodels has the logarithms of
    their differences.
    """

    levels: Any

    def transform_threshold_params(self, params: Any) -> Array:
        """Return the thresholds at given coefficients, between minus and plus infinity."""
        inner = np.asarray(params, dtype=float)[-(len(self.levels) - 1) :]
        return np.concatenate([[-np.inf], inner, [np.inf]])


class MultinomialNames(ModelNames):
    """What a multinomial logit has under statsmodels' names.

    Coefficients come as (p, K - 1), or as one vector level by level.
    """

    levels: Any
    likelihood: Any
    penalty_rows: Any

    @property
    def J(self) -> int:
        """Number of levels."""
        return len(self.levels)

    @property
    def K(self) -> int:
        """Number of columns."""
        return len(self.data.names)

    def _run(self) -> Pass:
        rows = self.penalty_rows()
        return Pass(rows, self.likelihood, Control(), Predictor(rows.design, self.J - 1))

    def loglike(self, params: Any) -> float:
        """Return the log-likelihood at given coefficients."""
        return saturated(self._kept_data()) - 0.5 * self._run().deviance(_by_level(params))

    def score(self, params: Any) -> Array:
        """Return its derivative by the coefficients, level by level, shape (p (K - 1),)."""
        return self._run()(_by_level(params)).score

    def loglikeobs(self, params: Any) -> Array:
        """Return what each row adds to the log-likelihood, but for multinomial coefficients."""
        rows = self._run().held
        logs = self.likelihood.log_probabilities(self._eta(_by_level(params)))
        own = np.where(rows.y > 0.0, rows.y * logs, 0.0).sum(axis=1)
        return np.asarray(own if rows.weight is None else own * rows.weight)

    def score_obs(self, params: Any) -> Array:
        """Return the derivative of each row's log-likelihood, shape (m, p (K - 1))."""
        rows: Array = self._run().score_rows(_by_level(params))
        return rows

    def loglike_and_score(self, params: Any) -> tuple[float, Array]:
        """Return the log-likelihood and its derivative."""
        return self.loglike(params), self.score(params)

    def score_factor(self, params: Any) -> Array:
        """Return the derivative of each row's log-likelihood by each log odds, (m, K - 1)."""
        return np.asarray(self._stats(params).score).reshape(-1, self.J - 1)

    def hessian_factor(self, params: Any) -> Array:
        """Return its second derivatives by the log odds, shape (m, K - 1, K - 1)."""
        lines = np.asarray(self._stats(params).weight)
        count = self.J - 1
        rows, columns = np.triu_indices(count)
        found = np.empty((lines.shape[-1], count, count))
        found[:, rows, columns] = found[:, columns, rows] = -lines.reshape(rows.size, -1).T
        return found

    def _stats(self, params: Any) -> EtaStats:
        held = self._run().held
        eta = self._run().eta(_by_level(params))
        stats: EtaStats = self.likelihood.evaluate(held.y, eta, held.weight, observed=True)
        return stats

    def hessian(self, params: Any) -> Array:
        """Return its second derivatives, level by level."""
        return -self._run()(_by_level(params)).information

    def _eta(self, theta: Array) -> Array:
        return np.asarray(self._run().eta(theta)).reshape(-1, self.J - 1)

    def predict(self, params: Any, exog: Any = None, which: str = "mean") -> Array:
        """Return predictions at given coefficients, shape (m, K).

        Parameters
        ----------
        params : array_like of shape (p, K - 1)
        exog : array_like of shape (k, p), optional
            A design; the rows used by default.
        which : {"mean", "linear"}
            Probabilities, or log odds against the reference, whose own are 0.
        """
        if which not in ("mean", "linear"):
            raise ArgumentError(f"which must be mean or linear (got {which!r}).")
        theta = _by_level(params)
        if exog is None:
            eta = self._eta(theta)
        elif self.data.offset is None:
            eta = np.asarray(exog, dtype=float) @ theta.reshape(self.J - 1, -1).T
        else:
            raise NotAvailableError(
                "The model has an offset, which a design does not carry; use the predict() of a "
                "result."
            )
        if which == "linear":
            return np.column_stack([np.zeros(len(eta)), eta])
        probabilities: Array = np.exp(self.likelihood.log_probabilities(eta))
        return probabilities


def _by_level(params: Any) -> Array:
    """Return coefficients level by level."""
    return np.asarray(params, dtype=float).ravel(order="F")


def _ones(values: Array | None, endog: Array) -> Array:
    return np.ones(len(endog)) if values is None else values
