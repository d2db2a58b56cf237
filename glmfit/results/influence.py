"""Influence of single observations on a fit, under statsmodels' names."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.engine.passes import Pass
from glmfit.errors import DataWarning, NotAvailableError, warn
from glmfit.inference import residuals
from glmfit.inference.covariance import information_inverse
from glmfit.inference.influence import Deleted, OneStep, one_step, refit_without_each
from glmfit.inference.prediction import standard_errors
from glmfit.inference.tails import f_sf
from glmfit.results.absorbed import refuse_effects
from glmfit.results.record import FitRecord

__all__ = ["GLMInfluence", "Influence", "InfluenceMethods"]

Array = NDArray[np.float64]


class InfluenceMethods:
    """The way to what each observation does to a fit."""

    model: Any
    record: FitRecord

    @property
    def _influence_type(self) -> type[Influence]:
        return Influence

    def get_influence(self, observed: bool = False, *, exact: bool = False) -> Influence:
        """Return what each single observation does to the fit.

        Parameters
        ----------
        observed : bool
            Take one Newton step by the observed instead of the expected information, as
            statsmodels does unless it is told; R takes the expected one. The two are one
            for canonical links.
        exact : bool
            Fit again without each observation, from the estimates on, in place of one
            Newton step: as many fits as observations.

        Returns
        -------
        Influence
            With ``hat_matrix_diag``, ``d_params``, ``dfbetas``, ``cooks_distance``,
            ``summary_frame()``; for a generalised linear model a `GLMInfluence`, which has
            ``resid_studentized``, ``dffits``, ``cov_ratio`` and ``measures()`` besides.

        Raises
        ------
        NotAvailableError
            If the fit is separated and has several predictors a row; with ``exact`` also
            if its estimates are bias-reduced. If they are penalised.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> frame = result.get_influence().summary_frame()
        >>> int(frame["cooks_d"].idxmax()), float(frame["cooks_d"].max().round(4))
        (20, 0.4265)
        """
        refuse_effects(self.record, "What a single observation does to a fit")
        record = self.record
        if exact and record.bias_reduced is not None:
            raise NotAvailableError(
                "exact=True fits again by maximum likelihood, and these estimates are bias-reduced."
                " Leave exact out for one step with the penalty held."
            )
        if record.shrunk:
            raise NotAvailableError(
                "Influence is measured by steps from a maximum of the likelihood, and penalised "
                "estimates are not at one. refit=True fits the selected columns by maximum "
                "likelihood; a ridge fit has its leverages in get_hat_matrix_diag()."
            )
        if self._influence_type is Influence and record.separation is not None:
            raise NotAvailableError(
                "The data are separated, so the estimates are a limit in which some probabilities "
                'are 0; one observation more or less may change which. Use fit(method="firth") '
                "where there is one, or merge levels."
            )
        return self._influence_type(self, observed=observed, exact=exact)


class Influence:
    """Influence of single observations.

    A row with frequency weight f stands for f observations, and everything here is about
    one of them: the values are those of the rows written out f times. Rows of weight 0 are
    no observations and have NaN, and so have observations with leverage 1, without which
    there is no fit. Values come back for all rows of the data.

    Parameters
    ----------
    results : LikelihoodResults
        The fit.
    observed : bool
        Take steps by the observed information.
    exact : bool
        Fit again without each observation, in place of one step.
    """

    def __init__(self, results: Any, *, observed: bool, exact: bool) -> None:
        self.results = results
        self.observed = observed
        self.exact = exact

    # -- the two ways of leaving out -----------------------------------------------------

    @cached_property
    def _single(self) -> Array:
        """Weight of one observation of each row used: all but its frequency."""
        data = self.results.model._kept_data()
        weight = np.ones(len(data.response.y))
        for part in (data.response.trials, data.var_weights):
            if part is not None:
                weight = weight * part
        return weight

    @cached_property
    def _rows(self) -> NDArray[np.bool_]:
        """Which of the rows used the fit rests on: not those that separation fits."""
        rows: NDArray[np.bool_] = self.results.model.fitted_rows(self.results.record)
        return rows

    @cached_property
    def _run(self) -> Pass:
        run: Pass = self.results.model.fitted_pass(self.results.record)
        return run

    @cached_property
    def _inverse(self) -> Array:
        record = self.results.record
        return information_inverse(self._run, record.base[record.kept], observed=self.observed)

    @cached_property
    def _step(self) -> OneStep:
        record = self.results.record
        weight = self._single[self._rows]
        run = replace(self._run, rows=replace(self._run.held, weight=weight))
        step = one_step(run, record.base[record.kept], self._inverse, observed=self.observed)
        return OneStep(*map(self._widened, (step.leverage, step.change, step.distance)))

    @cached_property
    def _deleted(self) -> Deleted:
        record = self.results.record
        weight = self._single[self._rows]
        found = refit_without_each(self._run, record.base[record.kept], weight)
        lost = np.isnan(found.log_det)
        if lost.any():
            labels = self._labels()[self.results.model.data.kept][self._rows][lost]
            warn(
                f"Without one of {int(lost.sum())} observations (the first is {labels[0]}) there "
                "is no finite fit: its values are NaN.",
                DataWarning,
            )
        return Deleted(*map(self._widened, (found.change, found.pearson, found.log_det)))

    def _widened(self, values: Array) -> Array:
        """Return values of all rows used: 0 where separation fits them, NaN for weight 0."""
        out = np.zeros((self._rows.size, *values.shape[1:]))
        out[self._rows] = values
        return self._blank(out)

    def _blank(self, values: Array) -> Array:
        weight = self.results.model.data.weight
        used = np.ones(len(values), bool) if weight is None else weight > 0.0
        return np.where(used if values.ndim == 1 else used[:, None], values, np.nan)

    @property
    def _change(self) -> Array:
        """Change of the coefficients that the fit rests on, shape (m, P)."""
        return self._deleted.change if self.exact else self._step.change

    # -- labels --------------------------------------------------------------------------

    def _labels(self) -> Any:
        data = self.results.model.data
        return pd.RangeIndex(data.kept.size) if data.index is None else data.index

    def _label(self, values: Array) -> Any:
        return self.results.model.data.label(values)

    def _by_coefficient(self, values: Array, *, always_frame: bool = False) -> Any:
        """Return a column for each coefficient, NaN for those that are not there."""
        record, data = self.results.record, self.results.model.data
        wide = np.full((values.shape[0], record.base.size), np.nan)
        wide[:, record.kept] = values
        wide = data.spread(wide)
        if not (data.labelled or always_frame):
            return wide
        return pd.DataFrame(wide, index=self._labels(), columns=self.results._names)

    # -- measures ------------------------------------------------------------------------

    @property
    def hat_matrix_diag(self) -> Any:
        """Leverages, shape (n,): they sum to the number of coefficients."""
        return self._label(self._step.leverage)

    @property
    def d_params(self) -> Any:
        """Coefficients less those without the observation, shape (n, p)."""
        return self._by_coefficient(self._change)

    @property
    def params_one(self) -> Any:
        """Coefficients without the observation, shape (n, p)."""
        record = self.results.record
        return self._by_coefficient(record.base[record.kept] - self._change)

    @property
    def dfbetas(self) -> Any:
        """Changes of the coefficients in standard errors of the fit, shape (n, p)."""
        return self._by_coefficient(self._dfbetas)

    @property
    def _dfbetas(self) -> Array:
        return np.asarray(self._change / self.results._bse[self.results.record.kept])

    @property
    def cooks_distance(self) -> tuple[Any, Any]:
        """Cook's distances and, for orientation, their upper tails of F, each (n,).

        The distance is d' I d / (p phi), with d the change of the coefficients.
        """
        distance = self._cooks()
        p, df = self.results.record.kept.size, self.results.record.df_resid
        tail = np.array([f_sf(value, p, df) for value in distance])
        return self._label(distance), self._label(tail)

    def _cooks(self) -> Array:
        record = self.results.record
        distance = self._step.distance
        if record.kept.size == 0:  # completely separated: there is nothing to move
            return np.full_like(distance, np.nan)
        if self.exact:
            information = np.linalg.inv(self._inverse)
            change = self._deleted.change
            distance = np.einsum("np,pq,nq->n", change, information, change, optimize=True)
        return np.asarray(distance / (record.kept.size * record.scale))

    def summary_frame(self) -> pd.DataFrame:
        """Return the measures, a row for each row of the data.

        Returns
        -------
        DataFrame
            Columns ``dfb_<coefficient>``, ``cooks_d`` and ``hat_diag``.
        """
        frame: pd.DataFrame = self._by_coefficient(self._dfbetas, always_frame=True)
        frame.columns = [f"dfb_{_flat(name)}" for name in frame.columns]
        spread = self.results.model.data.spread
        return frame.assign(cooks_d=spread(self._cooks()), hat_diag=spread(self._step.leverage))


class GLMInfluence(Influence):
    """Influence on a generalised linear model; see `Influence` for the parameters.

    Notes
    -----
    ``dfbetas`` divides by the standard errors of the fit, as statsmodels does for a GLM;
    for `OLS` by those with the variance estimated without the observation, as statsmodels
    does there. ``measures()`` has R's own definitions for every family.
    """

    @cached_property
    def _inverse(self) -> Array:
        model, record = self.results.model, self.results.record
        return np.asarray(model.inverse_information(record, observed=self.observed))

    @cached_property
    def _residuals(self) -> tuple[Array, Array]:
        """Deviance and Pearson residuals of one observation of each row."""
        working = self.results._working()
        deviance, pearson = residuals.deviance(*working), residuals.pearson(*working)
        return self._blank(deviance), self._blank(pearson)

    @cached_property
    def _sigma(self) -> Array:
        """Root of the mean deviance without the observation."""
        record = self.results.record
        return residuals.deleted_scale(
            self._residuals[0], self._step.leverage, record.deviance, record.df_resid
        )

    @property
    def _dfbetas(self) -> Array:
        if self.results.model.summary_style != "linear":
            return np.asarray(self._change / self.results._bse[self.results.record.kept])
        return np.asarray(self._change / np.outer(self._sigma, np.sqrt(np.diag(self._inverse))))

    @property
    def dfbeta(self) -> Any:
        """The same as ``d_params``, as statsmodels' OLS names it."""
        return self.d_params

    @property
    def resid_studentized(self) -> Any:
        """Pearson residuals over sqrt(phi (1 - leverage)), shape (n,)."""
        return self._label(self._internal)

    @property
    def _internal(self) -> Array:
        scale = self.results.record.scale
        return residuals.standardized(self._residuals[1], self._step.leverage, scale)

    @property
    def resid_studentized_internal(self) -> Any:
        """The same as ``resid_studentized``."""
        return self.resid_studentized

    @property
    def resid_studentized_external(self) -> Any:
        """Signed roots of the deviance lost with the observation, over the dispersion without it.

        R's ``rstudent``; for a normal linear model the externally studentized residuals.
        """
        return self._label(self._external)

    @property
    def _external(self) -> Array:
        deviance, pearson = self._residuals
        moved = residuals.deletion(deviance, pearson, self._step.leverage)
        return moved if self.results.model.family.dispersion is not None else moved / self._sigma

    @property
    def d_linpred(self) -> Any:
        """Change of the observation's own linear predictor, shape (n,)."""
        return self._label(self._d_linpred)

    @property
    def _d_linpred(self) -> Array:
        theta = np.zeros((len(self._change), self.results.record.base.size))
        theta[:, self.results.record.kept] = self._change
        return np.asarray(np.einsum("np,np->n", self.results.model.exog, theta))

    @property
    def d_linpred_scaled(self) -> Any:
        """Change of the linear predictor in its standard errors, shape (n,)."""
        return self._label(self._d_linpred_scaled)

    @property
    def _d_linpred_scaled(self) -> Array:
        covariance = np.nan_to_num(self.results._covariance, nan=0.0)
        error = standard_errors(self.results.model.data.design, covariance)
        return self._d_linpred / np.where(error > 0.0, error, np.nan)

    @property
    def d_fittedvalues(self) -> Any:
        """Change of the observation's own fitted mean, to first order, shape (n,)."""
        return self._label(self._d_linpred * self.results._working()[1])

    @property
    def d_fittedvalues_scaled(self) -> Any:
        """The same in standard errors of the mean: ``d_linpred_scaled`` with its sign."""
        return self._label(self._d_linpred_scaled)

    @property
    def dffits(self) -> tuple[Any, float]:
        """R's dffits, and 2 sqrt(p / n), beyond which they are usually called large."""
        return self._label(self._dffits), self._dffits_limit

    @property
    def dffits_internal(self) -> tuple[Any, float]:
        """Internally studentized residuals times sqrt(h / (1 - h)), and 2 sqrt(p / n)."""
        h = self._step.leverage
        return self._label(self._internal * np.sqrt(h / residuals.room(h))), self._dffits_limit

    @property
    def _dffits_limit(self) -> float:
        record = self.results.record
        return 2.0 * math.sqrt(record.kept.size / record.nobs)

    @property
    def _dffits(self) -> Array:
        h = self._step.leverage
        return np.asarray(self._residuals[0] * np.sqrt(h) / (self._sigma * residuals.room(h)))

    @property
    def cov_ratio(self) -> Any:
        """Determinant of the covariance without the observation over that of the fit.

        With ``exact`` from the fits without each; else R's covratio, (s_i / s)^(2 p) / (1 - h).
        """
        return self._label(self._cov_ratio)

    @property
    def _cov_ratio(self) -> Array:
        record = self.results.record
        p = record.kept.size
        if not self.exact:
            full = record.deviance / record.df_resid if record.df_resid > 0 else math.nan
            ratio = (self._sigma**2 / full) ** p
            return np.asarray(ratio / residuals.room(self._step.leverage))
        ratio = np.exp(self._deleted.log_det - np.linalg.slogdet(self._inverse)[1])
        return np.asarray(ratio * (self._deleted_scale / record.scale) ** p)

    @property
    def _deleted_scale(self) -> Array:
        """Dispersion of the fits without each observation; a given one stays."""
        record: FitRecord = self.results.record
        if self.results.model.family.dispersion is not None or record.scale_note is not None:
            return np.full(self._rows.size, record.scale)
        return self._deleted.pearson / (record.df_resid - 1.0)

    def measures(self) -> pd.DataFrame:
        """Return what R's ``influence.measures`` shows, by R's definitions.

        R studentizes with deviance residuals, by the root of the mean deviance without the
        observation, whatever the family.

        Returns
        -------
        DataFrame
            Columns ``dfb.<coefficient>``, ``dffit``, ``cov.r``, ``cook.d`` and ``hat``.

        Raises
        ------
        NotAvailableError
            With ``exact=True``: R's definitions are those of one step.
        """
        if self.exact:
            raise NotAvailableError("measures() is R's one-step table; leave exact=True out.")
        h = self._step.leverage
        deviance, pearson = self._residuals
        # the step is proportional to the Pearson residual; R takes the deviance residual
        ratio = np.divide(deviance, pearson, out=np.zeros_like(h), where=pearson != 0.0)
        spread = np.outer(self._sigma, np.sqrt(np.diag(self._inverse)))
        frame: pd.DataFrame
        frame = self._by_coefficient(self._change * ratio[:, None] / spread, always_frame=True)
        frame.columns = [f"dfb.{name}" for name in frame.columns]
        wide = self.results.model.data.spread
        return frame.assign(
            **{
                "dffit": wide(self._dffits),
                "cov.r": wide(self._cov_ratio),
                "cook.d": wide(self._cooks()),
                "hat": wide(h),
            }
        )

    def summary_frame(self) -> pd.DataFrame:
        """Return the measures, a row for each row of the data.

        Returns
        -------
        DataFrame
            Columns ``dfb_<coefficient>``, ``cooks_d``, ``standard_resid``, ``hat_diag``,
            ``dffits_internal``, ``student_resid`` and ``dffits``.
        """
        frame: pd.DataFrame = self._by_coefficient(self._dfbetas, always_frame=True)
        frame.columns = [f"dfb_{name}" for name in frame.columns]
        wide = self.results.model.data.spread
        h = self._step.leverage
        return frame.assign(
            cooks_d=wide(self._cooks()),
            standard_resid=wide(self._internal),
            hat_diag=wide(h),
            dffits_internal=wide(self._internal * np.sqrt(h / residuals.room(h))),
            student_resid=wide(self._external),
            dffits=wide(self._dffits),
        )


def _flat(name: Any) -> str:
    return ":".join(map(str, name)) if isinstance(name, tuple) else str(name)
