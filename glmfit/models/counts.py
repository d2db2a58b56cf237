"""Models of counts: negative binomial, zero-inflated and hurdle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.counts import (
    CountKernel,
    CountLikelihood,
    Hurdle,
    NegativeBinomialCount,
    PlainCount,
    PoissonCount,
    ZeroInflated,
)
from glmfit.design import Categorical, Design, beside
from glmfit.engine.control import Control
from glmfit.engine.passes import Pass
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    NotAvailableError,
    ResponseError,
    require_number,
    suggest,
)
from glmfit.formula.parsing import ParsedFormula
from glmfit.formula.response import Response, number_response
from glmfit.formula.spec import ModelSpec
from glmfit.formula.stacked import PartFormula, StackedSpec, stacked_formula
from glmfit.inference.surface import Surface
from glmfit.links import Link, Log
from glmfit.models.arrays import design_of_arrays
from glmfit.models.base import NewRows, rows_of_arrays
from glmfit.models.counting import CountForm, fit_counts, fitted_count_pass, shown_form
from glmfit.models.data import ModelData
from glmfit.models.discrete import DiscreteModel
from glmfit.models.methods import Method
from glmfit.models.stored import StoredModel
from glmfit.results.counts import CountResults
from glmfit.results.record import FitRecord

__all__ = [
    "HurdleNegativeBinomialP",
    "HurdlePoisson",
    "NegativeBinomial",
    "NegativeBinomialP",
    "ZeroInflatedNegativeBinomialP",
    "ZeroInflatedPoisson",
    "hurdle",
    "negativebinomial",
    "zeroinflated",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BESIDE = ("offset", "exposure", "freq_weights", "var_weights")
METHODS = {"nb2": 2.0, "nb1": 1.0, "nbp": None, "geometric": None}
"""Powers of what statsmodels calls ``loglike_method``."""


@dataclass(frozen=True, slots=True)
class CountReading:
    """The reading of a response of counts.

    Attributes
    ----------
    name : str
        Of the model, for messages.
    needs_zeros, needs_ones : bool
        Whether zeros, and counts above 0, must be among them.
    """

    name: str
    needs_zeros: bool
    needs_positive: bool

    @property
    def link(self) -> Link:
        """The link of the mean."""
        return Log()

    def response(self, values: tuple[Any, ...], name: str, trials: Array | None) -> Response:
        """Return the counts that the values of the left-hand side are."""
        return number_response(values, name, self.name)

    def check(self, data: ModelData) -> None:
        """Raise unless the rows can be fitted."""
        y, name = data.response.y, data.response.name
        for bad, what in ((y < 0.0, "negative"), (y != np.floor(y), "not whole")):
            if bad.any():
                first = int(np.argmax(bad))
                raise ResponseError(
                    f"{self.name} is a model of counts, 0, 1, 2, ...; {int(bad.sum())} of {y.size} "
                    f"values of {name} are {what}, the first is {y[first]:g} (observation "
                    f"{first}). For rates give the counts, and exposure= for what they are per."
                )
        used = y if data.weight is None else y[data.weight > 0.0]
        if self.needs_zeros and used.min() > 0.0:
            raise ResponseError(
                f"{name} has no zeros, so the part of {self.name} that models zeros is not "
                "identified. Use poisson or negativebinomial."
            )
        if self.needs_positive and used.max() == 0.0:
            raise ResponseError(
                f"Every value of {name} is 0, so that there is no count to model: the mean would "
                "be 0, its logarithm minus infinity."
            )


@dataclass(frozen=True, slots=True)
class _Arrays:
    """Matrices of predictors; None stands for a constant."""

    inflate: Any
    mean: Any
    alpha: Any

    def of(self, part: str) -> Any:
        """Return the matrix of a predictor."""
        return {"inflate": self.inflate, "mean": self.mean, "alpha": self.alpha}[part]


class CountModel(DiscreteModel[CountResults]):
    """What models of counts share; see `NegativeBinomial`."""

    summary_style: ClassVar[str] = "discrete"
    results_type = CountResults
    likelihood_type: ClassVar[type[CountLikelihood]] = PlainCount
    zero_title: ClassVar[str] = ""
    _learner: ClassVar[type[ModelSpec]] = StackedSpec

    options: ClassVar[tuple[str, ...]] = (*BESIDE, "dispersion")

    reading: CountReading
    kernel: CountKernel
    inflation: Any = None
    dispersion: Any = None

    # -- how it is read ------------------------------------------------------------------

    def _kernel(self, options: Mapping[str, Any]) -> CountKernel:
        """Return the distribution of counts that the options ask for."""
        raise NotImplementedError(f"{type(self).__name__} does not define _kernel")

    def _read(self, options: Mapping[str, Any]) -> None:
        self.kernel = self._kernel(options)
        self.inflation = _formula_of_zeros(options.get("inflation"))
        self.dispersion = options.get("dispersion")
        if self.dispersion is not None and "alpha" not in self._parts:
            raise ArgumentError(
                f"dispersion= is for alpha, which {self.summary_name} does not estimate here."
            )
        zeros = self.likelihood_type.zero_part
        self.reading = CountReading(self.summary_name, zeros, True)

    @property
    def _parts(self) -> tuple[str, ...]:
        return self.likelihood_type(self.kernel).parts

    def _read_formula(
        self,
        formula: Any,
        columns: Sequence[str],
        *,
        env: Mapping[str, Any] | None,
        reserved: Sequence[str],
    ) -> ParsedFormula:
        before, after = [], []
        if "inflate" in self._parts:
            text = "~ 1" if self.inflation is None else self.inflation
            before = [PartFormula("inflation", text, "inflate_")]
        if "alpha" in self._parts:
            constant = self.dispersion is None
            text = "~ 1" if constant else self.dispersion
            after = [PartFormula("dispersion", text, "alpha" if constant else "lnalpha_")]
        return stacked_formula(formula, columns, before, after, env=env, reserved=reserved)

    def _columns_of_arrays(
        self, exog: Any, /
    ) -> tuple[Design, tuple[str, ...], Mask, pd.Index | None]:
        found = {
            part: design_of_arrays(exog.of(part))
            for part in self._parts
            if exog.of(part) is not None
        }
        n = found["mean"][0].shape[0]
        designs: list[Design] = []
        names: list[str] = []
        widths: list[int] = []
        missing, index = np.zeros(n, dtype=bool), found["mean"][3]
        for part in self._parts:
            design, own = _constant(n), _LONE[part]
            if part in found:
                design, own, lost, labels = found[part]
                _check_beside(part, design.shape[0], n, labels, index)
                missing |= lost
                own = tuple(_PREFIXES[part] + name for name in own)
            designs.append(design)
            names += own
            widths.append(len(own))
        self._array_widths = tuple(widths)
        return beside(designs), tuple(names), missing, index

    _array_widths: tuple[int, ...] = ()

    def _rows_of_arrays(self, exog: Any) -> NewRows:
        given = exog if isinstance(exog, _Arrays) else _Arrays(None, exog, None)
        form, made = self.form, {}
        for part in form.likelihood.parts:
            names = self.data.names[form.span(part)]
            prefix = _PREFIXES[part]
            if given.of(part) is not None:
                plain = tuple(name.removeprefix(prefix) for name in names)
                made[part] = rows_of_arrays(given.of(part), plain)
            elif names != _LONE[part]:
                raise ArgumentError(
                    f"New rows need the columns of {_ARGUMENTS[part]} too: {', '.join(names)}."
                )
        mean = made["mean"]
        kept = np.logical_and.reduce([rows.kept for rows in made.values()])
        count = int(kept.sum())
        designs = []
        for part in form.likelihood.parts:
            if part not in made:
                designs.append(_constant(count))
                continue
            rows = made[part]
            _check_beside(part, rows.kept.size, kept.size, rows.index, mean.index)
            designs.append(rows.design.take(np.flatnonzero(kept[rows.kept])))
        return NewRows(beside(designs), None, kept, mean.index, mean.labelled)

    # -- what the fit asks ---------------------------------------------------------------

    @property
    def form(self) -> CountForm:
        """Which columns each predictor has."""
        spec = self.data.spec
        widths = spec.widths if isinstance(spec, StackedSpec) else self._array_widths
        one_alpha = "alpha" in self._parts and self.dispersion is None
        return CountForm(self.likelihood_type(self.kernel), widths, one_alpha)

    @property
    def exposure_link(self) -> Link:
        """The link of the mean, on which it depends whether an exposure has a meaning."""
        return Log()

    @property
    def start_order(self) -> str:
        """The order of ``start_params``, for messages."""
        return ", ".join(self.data.names)

    def __repr__(self) -> str:
        shown = repr(self.formula) if self.formula else f"{len(self.data.names)} columns"
        return f"<{type(self).__name__} {shown}>"

    def new_terms(self, scope: str, env: Mapping[str, Any] | None = None) -> list[str]:
        """Refuse: a term may be for any of several predictors."""
        raise NotAvailableError(
            "Terms are not added to models of counts, which have a formula for each predictor: "
            "make the larger model and compare by glmfit.anova(smaller, larger)."
        )

    def state(self) -> StoredModel:
        """Refuse: a model file has no place for formulas beside the first."""
        raise NotAvailableError(
            f"A {type(self).__name__} cannot be saved in a model file yet; its formulas beside "
            "the first have no place there."
        )

    # -- fitting -------------------------------------------------------------------------

    def _maximised(self, control: Control, start_params: Any, method: Method) -> FitRecord:
        return fit_counts(self, control, start_params, method.solver)

    def _results(self, record: FitRecord, **how: Any) -> CountResults:
        return CountResults(self, record, record.unscaled, **how)

    def fitted_pass(self, record: FitRecord) -> Pass:
        """Return the pass that the estimates maximise (see `Model.fitted_pass`)."""
        self._kept_data()
        return fitted_count_pass(self, record)

    # -- values of rows ------------------------------------------------------------------

    @property
    def largest(self) -> int:
        """The largest count of the rows used."""
        return int(self._kept_data().response.y.max())

    @staticmethod
    def array_parts(inflate: Any, mean: Any, alpha: Any) -> Any:
        """Return the matrices of new rows, None for constants."""
        return _Arrays(inflate, mean, alpha)

    def shown_form(self, record: FitRecord) -> CountForm:
        """Return the form whose coefficients are those of a record."""
        return shown_form(self.form, record)

    @property
    def expectation(self) -> CountLikelihood:
        """What the likelihood knows of its means, in terms of the coefficients shown."""
        return self.form.in_alpha().likelihood

    def predictor_map(self) -> tuple[int, Any]:
        """Return the number of predictors of a row, and which coefficients each has."""
        form = self.form
        return len(form.widths), form.constraints if len(form.widths) > 1 else None

    def predictor_offset(self, offset: Array) -> Array:
        """Return what an offset of the mean adds to each predictor, shape (n, M)."""
        shift = self.form.offsets(offset)
        assert shift is not None
        return shift.reshape(offset.size, -1)

    def prediction_names(self, linear: bool) -> tuple[str, ...] | None:
        """Return the names of the predictors; the mean, being one, has none."""
        parts = self.form.likelihood.parts
        return parts if linear and len(parts) > 1 else None

    def surface(self, record: FitRecord, *, linear: bool = False) -> Surface:
        """Return the predictions of a fit as functions of rows."""
        found = super().surface(record, linear=linear)
        if not record.at_boundary:
            return found
        # alpha = 0 but for rounding, since its predictor has no value at the boundary itself
        theta = found.theta.copy()
        theta[-1] = np.finfo(float).eps
        return replace(found, theta=theta)

    def predictors(self, record: FitRecord, design: Design, offset: Array | None) -> Array:
        """Return the predictors of rows, infinite in the limit of a fit that ran away, (n, M).

        They are those of `shown_form`: without alpha where that is 0.
        """
        form = self.shown_form(record)
        vector, q = form.predictor(design), form.size
        columns = vector if q == design.shape[1] else vector.chosen(np.arange(q))
        eta = columns.drift(record.base[:q])
        shift = form.offsets(offset)
        if shift is not None:
            eta = eta + shift.reshape(eta.shape[0], -1)
        if record.separation is None:
            return eta
        drift = columns.drift(record.separation.direction[:q])
        return eta + form.likelihood.ends(drift)


class NegativeBinomial(CountModel):
    """Negative binomial regression on arrays, with alpha estimated by maximum likelihood.

    The mean is mu = exp(x'b); the variance is mu + alpha mu^2 (NB2), mu + alpha mu (NB1) or
    mu + alpha mu^p (NB-P). alpha and the coefficients are estimated jointly, and standard
    errors come from the observed information of both.

    Parameters
    ----------
    endog : array_like of shape (n,)
        Counts.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors; add a constant yourself (`add_constant`).
    loglike_method : {"nb2", "nb1", "nbp", "geometric"}
        Which variance; "nbp" takes ``p``. "geometric" is NB2 with alpha = 1.
    offset, exposure : array_like of shape (n,), optional
        Known part of log mu, and what mu is per.
    missing : {"none", "drop", "raise"}
    p : float, optional
        Power of the variance.
    dispersion : array_like of shape (n, q), optional
        Predictors of log alpha, a constant among them if there is to be one; alpha is one
        number by default.
    freq_weights, var_weights : array_like of shape (n,), optional

    See Also
    --------
    negativebinomial : The same from a formula.

    References
    ----------
    Lawless, J. F. (1987). Negative binomial and mixed Poisson regression. *Canadian
    Journal of Statistics* 15, 209-225.
    """

    summary_title: ClassVar[str] = "Negative Binomial Regression Results"
    summary_name: ClassVar[str] = "NegativeBinomial"
    options: ClassVar[tuple[str, ...]] = (*BESIDE, "dispersion", "loglike_method", "p")

    def __init__(
        self,
        endog: Any,
        exog: Any,
        loglike_method: str = "nb2",
        offset: Any = None,
        exposure: Any = None,
        missing: str = "none",
        *,
        p: float | None = None,
        dispersion: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        **unknown: Any,
    ) -> None:
        given = {
            "loglike_method": loglike_method,
            "p": p,
            "dispersion": dispersion,
            "offset": offset,
            "exposure": exposure,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
        }
        self._from_arrays(endog, _Arrays(None, exog, dispersion), missing, given, unknown)

    def _kernel(self, options: Mapping[str, Any]) -> CountKernel:
        method, power = options.get("loglike_method"), options.get("p")
        kind = "nb2" if method is None and power is None else str(method or "nbp").lower()
        if kind not in METHODS:
            raise ArgumentError(
                f"There is no loglike_method {method!r}.{suggest(kind, METHODS)} Known: "
                f"{', '.join(METHODS)}."
            )
        if kind == "geometric":
            if power is not None:
                raise ArgumentError("p= has no part in the geometric distribution (NB2, alpha 1).")
            return NegativeBinomialCount(known=1.0)
        own = METHODS[kind]
        if own is not None and power is not None and power != own and method is not None:
            # nb2 is what the method is when it is not given
            if kind != "nb2":
                raise ArgumentError(f"loglike_method={kind!r} has p = {own:g}, not {power!r}.")
            own = None
        if own is None and power is None:
            raise ArgumentError("loglike_method='nbp' needs p=, the power of the variance.")
        return NegativeBinomialCount(power=_power(power if own is None else own))

    @property
    def statement(self) -> str:
        """The model in one line, for the summary."""
        return f"Mean mu = exp(x'b), variance {_variance(self.kernel)}."


class NegativeBinomialP(NegativeBinomial):
    """Negative binomial regression with variance mu + alpha mu^p, on arrays.

    Parameters as in `NegativeBinomial`, with ``p`` (2 by default) in place of
    ``loglike_method``.
    """

    summary_name: ClassVar[str] = "NegativeBinomialP"
    options: ClassVar[tuple[str, ...]] = (*BESIDE, "dispersion", "p")

    def __init__(
        self,
        endog: Any,
        exog: Any,
        p: float = 2,
        offset: Any = None,
        exposure: Any = None,
        missing: str = "none",
        *,
        dispersion: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        **unknown: Any,
    ) -> None:
        given = {
            "p": p,
            "dispersion": dispersion,
            "offset": offset,
            "exposure": exposure,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
        }
        self._from_arrays(endog, _Arrays(None, exog, dispersion), missing, given, unknown)

    def _kernel(self, options: Mapping[str, Any]) -> CountKernel:
        power = options.get("p")
        return NegativeBinomialCount(power=2.0 if power is None else _power(power))


class ZeroInflatedPoisson(CountModel):
    """Zero-inflated Poisson regression on arrays.

    P(y) = pi [y = 0] + (1 - pi) Poisson(y; mu), with logit pi = z'g and log mu = x'b.

    Parameters
    ----------
    endog : array_like of shape (n,)
        Counts.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors of log mu; add a constant yourself (`add_constant`).
    exog_infl : array_like of shape (n, q), optional
        Predictors of logit pi; a constant by default.
    offset, exposure : array_like of shape (n,), optional
        Known part of log mu, and what mu is per.
    inflation : {"logit"}
        The link of pi, as statsmodels has it.
    missing : {"none", "drop", "raise"}
    freq_weights, var_weights : array_like of shape (n,), optional

    See Also
    --------
    zeroinflated : The same from a formula.

    References
    ----------
    Lambert, D. (1992). Zero-inflated Poisson regression, with an application to defects in
    manufacturing. *Technometrics* 34, 1-14.
    """

    summary_title: ClassVar[str] = "Zero-Inflated Poisson Regression Results"
    summary_name: ClassVar[str] = "ZeroInflatedPoisson"
    likelihood_type: ClassVar[type[CountLikelihood]] = ZeroInflated
    zero_title: ClassVar[str] = "Inflation: logit of the probability of a certain zero"
    options: ClassVar[tuple[str, ...]] = (*BESIDE, "inflation")

    def __init__(
        self,
        endog: Any,
        exog: Any,
        exog_infl: Any = None,
        offset: Any = None,
        exposure: Any = None,
        inflation: str = "logit",
        missing: str = "none",
        *,
        freq_weights: Any = None,
        var_weights: Any = None,
        **unknown: Any,
    ) -> None:
        _refuse_other_links(inflation)
        given = {
            "offset": offset,
            "exposure": exposure,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
        }
        self._from_arrays(endog, _Arrays(exog_infl, exog, None), missing, given, unknown)

    def _kernel(self, options: Mapping[str, Any]) -> CountKernel:
        return PoissonCount()

    @property
    def statement(self) -> str:
        """The model in one line, for the summary."""
        return "P(y) = pi [y = 0] + (1 - pi) f(y; mu), logit pi = z'g, mu = exp(x'b)" + (
            "." if self.kernel.count == 1 else f", variance of f {_variance(self.kernel)}."
        )


class ZeroInflatedNegativeBinomialP(ZeroInflatedPoisson):
    """Zero-inflated negative binomial regression on arrays.

    Parameters as in `ZeroInflatedPoisson`, with ``p`` (2 by default), the power of the
    variance mu + alpha mu^p, and ``dispersion``, predictors of log alpha.

    See Also
    --------
    zeroinflated : The same from a formula.
    """

    summary_title: ClassVar[str] = "Zero-Inflated Negative Binomial Regression Results"
    summary_name: ClassVar[str] = "ZeroInflatedNegativeBinomialP"
    options: ClassVar[tuple[str, ...]] = (*BESIDE, "inflation", "dispersion", "p")

    def __init__(
        self,
        endog: Any,
        exog: Any,
        exog_infl: Any = None,
        offset: Any = None,
        exposure: Any = None,
        inflation: str = "logit",
        p: float = 2,
        missing: str = "none",
        *,
        dispersion: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        **unknown: Any,
    ) -> None:
        _refuse_other_links(inflation)
        given = {
            "p": p,
            "dispersion": dispersion,
            "offset": offset,
            "exposure": exposure,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
        }
        self._from_arrays(endog, _Arrays(exog_infl, exog, dispersion), missing, given, unknown)

    def _kernel(self, options: Mapping[str, Any]) -> CountKernel:
        power = options.get("p")
        return NegativeBinomialCount(power=2.0 if power is None else _power(power))


class HurdlePoisson(ZeroInflatedPoisson):
    """Hurdle model on arrays: a logit of y > 0, and a Poisson cut off at 0 for y > 0.

    Parameters as in `ZeroInflatedPoisson`; ``exog_infl`` are the predictors of the logit of
    P(y > 0), so that a positive coefficient means fewer zeros, as in R's pscl.

    See Also
    --------
    hurdle : The same from a formula.

    References
    ----------
    Mullahy, J. (1986). Specification and testing of some modified count data models.
    *Journal of Econometrics* 33, 341-365.
    """

    summary_title: ClassVar[str] = "Hurdle Poisson Regression Results"
    summary_name: ClassVar[str] = "HurdlePoisson"
    likelihood_type: ClassVar[type[CountLikelihood]] = Hurdle
    zero_title: ClassVar[str] = "Hurdle: logit of the probability of a count above 0"

    @property
    def statement(self) -> str:
        """The model in one line, for the summary."""
        return "logit P(y > 0) = z'g; above 0 a distribution cut off at 0, mu = exp(x'b)" + (
            "." if self.kernel.count == 1 else f", variance before that {_variance(self.kernel)}."
        )


class HurdleNegativeBinomialP(ZeroInflatedNegativeBinomialP):
    """Hurdle model on arrays: a logit of y > 0, and a negative binomial cut off at 0.

    Parameters as in `ZeroInflatedNegativeBinomialP`; ``exog_infl`` as in `HurdlePoisson`.

    See Also
    --------
    hurdle : The same from a formula.
    """

    summary_title: ClassVar[str] = "Hurdle Negative Binomial Regression Results"
    summary_name: ClassVar[str] = "HurdleNegativeBinomialP"
    likelihood_type: ClassVar[type[CountLikelihood]] = Hurdle
    zero_title: ClassVar[str] = HurdlePoisson.zero_title

    @property
    def statement(self) -> str:
        """The model in one line, for the summary."""
        return (
            "logit P(y > 0) = z'g; above 0 a distribution cut off at 0, mu = exp(x'b), variance "
            f"before that {_variance(self.kernel)}."
        )


_LONE: dict[str, tuple[str, ...]] = {
    "inflate": ("inflate_const",),
    "mean": ("const",),
    "alpha": ("alpha",),
}
_PREFIXES = {"inflate": "inflate_", "mean": "", "alpha": "lnalpha_"}
_ARGUMENTS = {"inflate": "exog_infl", "mean": "exog", "alpha": "dispersion"}


def _constant(n: int) -> Design:
    return Categorical(np.zeros(n, dtype=np.int8), 1)


def _check_beside(
    part: str, rows: int, n: int, labels: pd.Index | None, index: pd.Index | None
) -> None:
    """Raise unless matrices have the same rows."""
    if rows != n:
        raise AlignmentError(f"{_ARGUMENTS[part]} has {rows} rows, exog has {n}.")
    if labels is not None and index is not None and not labels.equals(index):
        raise AlignmentError(
            f"The indices of exog and {_ARGUMENTS[part]} are not aligned. Reindex one like the "
            "other, or pass arrays to go by position."
        )


def _power(value: Any) -> float:
    power = require_number(value, "p")
    if not math.isfinite(power):
        raise ArgumentError(f"p, the power of the variance, must be finite (got {value!r}).")
    return power


def _variance(kernel: CountKernel) -> str:
    if not isinstance(kernel, NegativeBinomialCount):
        return "mu"
    alpha = "alpha" if kernel.known is None else f"{kernel.known:g}"
    power = "mu" if kernel.power == 1.0 else f"mu^{kernel.power:g}"
    return f"mu + {alpha} {power}" if alpha != "1" else f"mu + {power}"


def _refuse_other_links(inflation: Any) -> None:
    """Raise unless the link of the zero part is the only one that there is."""
    if inflation not in (None, "logit"):
        raise NotAvailableError(
            f"The zero part has the logit link only (got inflation={inflation!r}); its predictors "
            "are exog_infl=."
        )


def _formula_of_zeros(inflation: Any) -> Any:
    """Return the formula of the zero part; statsmodels' link "logit" is no formula."""
    return None if isinstance(inflation, str) and inflation == "logit" else inflation


def negativebinomial(formula: str, data: Any, **options: Any) -> NegativeBinomial:
    """Make a negative binomial regression, with alpha estimated, from a formula.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean.
    data : DataFrame, dict or another table
    **options
        ``loglike_method`` ("nb2" by default, "nb1", "nbp", "geometric"), ``p``,
        ``dispersion`` (a one-sided formula for log alpha, such as ``"~ x"``), ``offset``,
        ``exposure``, ``freq_weights``, ``var_weights``, ``subset``, ``missing``, ``env``.

    Returns
    -------
    NegativeBinomial

    Examples
    --------
    >>> import glmfit as gf
    >>> quine = gf.datasets.load("quine")
    >>> gf.negativebinomial("days ~ sex + lrn", quine).fit().params.round(3)
    Intercept    2.656
    sex[T.M]     0.188
    lrn[T.SL]    0.125
    alpha        0.927
    dtype: float64
    """
    return NegativeBinomial.from_formula(formula, data, **options)


def zeroinflated(
    formula: str, data: Any, *, inflation: str = "~ 1", dist: str = "poisson", **options: Any
) -> CountModel:
    """Make a zero-inflated model of counts from formulas.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean of the counts that are no certain zeros.
    data : DataFrame, dict or another table
    inflation : str
        One-sided formula for the logit of the probability of a certain zero.
    dist : {"poisson", "negativebinomial"}
    **options
        ``offset``, ``exposure``, ``freq_weights``, ``var_weights``, ``subset``,
        ``missing``, ``env``; for a negative binomial ``p`` and ``dispersion`` as in
        `negativebinomial`.

    Returns
    -------
    ZeroInflatedPoisson or ZeroInflatedNegativeBinomialP

    Examples
    --------
    >>> import glmfit as gf
    >>> quine = gf.datasets.load("quine")
    >>> gf.zeroinflated("days ~ sex", quine, inflation="~ sex").fit().params.round(3)
    inflate_Intercept   -3.245
    inflate_sex[T.M]     0.943
    Intercept            2.761
    sex[T.M]             0.222
    dtype: float64
    """
    kind = _distribution(dist, ZeroInflatedPoisson, ZeroInflatedNegativeBinomialP)
    return kind.from_formula(formula, data, inflation=inflation, **options)


def hurdle(
    formula: str, data: Any, *, inflation: str = "~ 1", dist: str = "poisson", **options: Any
) -> CountModel:
    """Make a hurdle model of counts from formulas.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean of the distribution that is cut off at 0.
    data : DataFrame, dict or another table
    inflation : str
        One-sided formula for the logit of P(y > 0).
    dist, **options
        As in `zeroinflated`.

    Returns
    -------
    HurdlePoisson or HurdleNegativeBinomialP

    Examples
    --------
    >>> import glmfit as gf
    >>> quine = gf.datasets.load("quine")
    >>> gf.hurdle("days ~ sex", quine, inflation="~ sex").fit().params.round(3)
    inflate_Intercept    3.245
    inflate_sex[T.M]    -0.943
    Intercept            2.761
    sex[T.M]             0.222
    dtype: float64
    """
    kind = _distribution(dist, HurdlePoisson, HurdleNegativeBinomialP)
    return kind.from_formula(formula, data, inflation=inflation, **options)


def _distribution(
    dist: Any, poisson: type[CountModel], negative_binomial: type[CountModel]
) -> type[CountModel]:
    known = {
        "poisson": poisson,
        "negativebinomial": negative_binomial,
        "negbin": negative_binomial,
        "nb2": negative_binomial,
    }
    found = known.get(dist.lower()) if isinstance(dist, str) else None
    if found is None:
        raise ArgumentError(
            f"dist must be 'poisson' or 'negativebinomial' (got {dist!r})."
            f"{suggest(str(dist), known)}"
        )
    return found
