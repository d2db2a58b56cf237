"""Models of ordered classes: cumulative, adjacent-category and continuation-ratio."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.design import Design, constant_combination
from glmfit.engine.control import Control
from glmfit.engine.passes import Pass
from glmfit.errors import (
    ArgumentError,
    DataError,
    DataWarning,
    suggest,
    warn,
)
from glmfit.formula.response import Response
from glmfit.likelihoods import Cumulative, Multinomial, Sequential
from glmfit.links import LINKS, UNIT, Link, Logit, resolve_link
from glmfit.models.classes import OrderReading, recoded_classes
from glmfit.models.compat import OrdinalNames
from glmfit.models.data import ModelData
from glmfit.models.discrete import DiscreteModel
from glmfit.models.methods import Method
from glmfit.models.parallel import brant_test, lr_test
from glmfit.models.vector import (
    ClassLikelihood,
    Form,
    Layout,
    column_groups,
    fit_vector,
    fitted_pass,
    predictors,
    with_constant,
)
from glmfit.results.ordinal import OrdinalResults
from glmfit.results.record import FitRecord
from glmfit.scoring import Equation, Language, cumulative

__all__ = [
    "AdjacentCategory",
    "ContinuationRatio",
    "OrderedModel",
    "adjacent_category",
    "continuation_ratio",
    "ordered",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SCIPY_NAMES = {
    "norm": "probit",
    "logistic": "logit",
    "cauchy": "cauchit",
    "gumbel_l": "cloglog",
    "gumbel_r": "loglog",
}
"""Distributions of scipy.stats, which statsmodels takes as ``distr``, as links."""


class OrdinalModel(DiscreteModel[OrdinalResults]):
    """What models of ordered classes share; see `OrderedModel`."""

    summary_style: ClassVar[str] = "discrete"
    observed_information: ClassVar[bool] = True
    cumulative: ClassVar[bool] = False
    """Whether thresholds cut a distribution, so that each makes a binary model."""
    cut_title: ClassVar[str] = "Intercepts"

    options: ClassVar[tuple[str, ...]] = (
        "offset",
        "freq_weights",
        "var_weights",
        "distr",
        "levels",
        "nonparallel",
    )

    stored: ClassVar[Mapping[str, Any]] = {
        "reading": OrderReading,
        "link": Link,
        "columns": NDArray[np.intp],
        "nonparallel": Any,
        "shared": NDArray[np.bool_],
    }
    results_type = OrdinalResults

    reading: OrderReading
    link: Link
    nonparallel: Any

    def __init__(
        self,
        endog: Any,
        exog: Any,
        offset: Any = None,
        distr: Any = None,
        *,
        levels: Any = None,
        nonparallel: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        missing: str = "none",
        **unknown: Any,
    ) -> None:
        given = {
            "offset": offset,
            "distr": distr,
            "levels": levels,
            "nonparallel": nonparallel,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
        }
        self._from_arrays(endog, exog, missing, given, unknown)

    def _read(self, options: Mapping[str, Any]) -> None:
        self.link = self._resolve(options.get("distr"))
        self.reading = OrderReading(options.get("levels"))

    def _resolve(self, distr: Any) -> Link:
        return _probability_link("logit" if distr is None else distr)

    def _settle(self, options: Mapping[str, Any]) -> None:
        """Refuse a constant, and find the columns with slopes of their own."""
        if self.data.spec is None:
            self.columns = np.arange(len(self.data.names))
        else:
            self._drop_intercept()
        if self.data.names and constant_combination(self.data.design) is not None:
            how = (
                "Do not write '0 +' or '- 1': no intercept is fitted in any case."
                if self.formula
                else "Leave it out of exog (no add_constant)."
            )
            raise DataError(
                "The columns hold a constant, or factors that sum to one: the constant is not "
                f"identified with thresholds. {how}"
            )
        self.nonparallel = options.get("nonparallel")
        self.shared = ~_chosen(self.data, self.columns, self.nonparallel)

    @property
    def formula_columns(self) -> NDArray[np.intp]:
        """Which column of the formula's design each of ``data.names`` is."""
        return self.columns

    def _settled(self) -> dict[str, Any]:
        return {"nonparallel": self.nonparallel}

    @property
    def likelihood_name(self) -> str:
        """What is maximised, in words."""
        return f"{self.summary_name}, {self.link} link"

    def __repr__(self) -> str:
        shown = repr(self.formula) if self.formula else f"{len(self.data.names)} columns"
        return f"<{type(self).__name__} {shown}, levels {' < '.join(map(str, self.levels))}>"

    # -- what the fit asks -------------------------------------------------------------

    shared: Mask

    @property
    def levels(self) -> tuple[Any, ...]:
        """The levels of the response, from lowest to highest."""
        return self.reading.levels

    @property
    def cuts(self) -> tuple[str, ...]:
        """Names of the thresholds, ``low|medium``."""
        levels = self.levels
        return tuple(f"{a}|{b}" for a, b in itertools.pairwise(levels))

    @property
    def layout(self) -> Layout:
        """The coefficients: slopes first, thresholds last."""
        return Layout.of(self.data.names, self.shared, self.cuts)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.layout.names

    @property
    def parameter_columns(self) -> tuple[str, ...]:
        """The column that each coefficient belongs to, "" for thresholds."""
        return tuple(self.data.names[j] if j >= 0 else "" for j in self.layout.owners)

    def recode(self, values: tuple[Any, ...], trials: Array | None, index: pd.Index) -> Response:
        """Return the response of new rows, with the classes of the fit."""
        return recoded_classes(self.data.response, self.levels, values, trials, index)

    @property
    def likelihood(self) -> ClassLikelihood:
        """The likelihood in eta-space."""
        raise NotImplementedError(f"{type(self).__name__} does not define likelihood")

    @property
    def form(self) -> Form:
        """How thresholds and slopes make predictors."""
        return Form(np.eye(len(self.levels) - 1), 1.0)

    @property
    def statement(self) -> str:
        """The model in one line, for the summary."""
        raise NotImplementedError(f"{type(self).__name__} does not define statement")

    @property
    def ratio_name(self) -> str | None:
        """What exp(slope) is called, if it has a name."""
        return None

    # -- fitting -------------------------------------------------------------------------

    def _maximised(self, control: Control, start_params: Any, method: Method) -> FitRecord:
        return fit_vector(self, control, start_params, method.solver)

    def _results(self, record: FitRecord, **how: Any) -> OrdinalResults:
        return OrdinalResults(self, record, record.unscaled, **how)

    def fitted_pass(self, record: FitRecord) -> Pass:
        """Return the pass that the estimates maximise (see `Model.fitted_pass`)."""
        self._kept_data()
        return fitted_pass(self, record)

    def relaxed(self, columns: Mask) -> Self:
        """Return the model with slopes for each threshold in further columns too.

        Parameters
        ----------
        columns : ndarray of bool, shape (p,)
        """
        other = copy.copy(self)
        other.shared = self.shared & ~columns
        return other

    def parallel_test(self, result: OrdinalResults, kind: str) -> pd.DataFrame:
        """Test whether slopes are the same for all thresholds (see `OrdinalResults`)."""
        self._kept_data()
        return lr_test(self, result) if kind == "lr" else brant_test(self)

    # -- values of rows ------------------------------------------------------------------

    def full_design(self, design: Design) -> Design:
        """Return a constant before the columns, in which aliases are written."""
        return with_constant(design)

    @property
    def expectation(self) -> ClassLikelihood:
        """What the likelihood knows of its means."""
        return self.likelihood

    def predictor_map(self) -> tuple[int, Any]:
        """Return the number of predictors of a row, and how slopes and thresholds make them."""
        return self.form.count, self.form.constraints(self.shared)

    def predictor_offset(self, offset: Array) -> Array:
        """Return what an offset, which is part of x'b, adds to each predictor."""
        return np.outer(offset, self.form.shared)

    def prediction_names(self, linear: bool) -> tuple[str, ...]:
        """Return the levels, or the thresholds for the predictors of each."""
        return self.cuts if linear else tuple(str(level) for level in self.levels)

    def predictors(
        self, record: FitRecord, design: Design, offset: Array | None
    ) -> tuple[Array, Array | None]:
        """Return the predictors of rows and, if the data are separated, where they drift."""
        eta = predictors(self, record.base, design, offset)
        if record.separation is None:
            return eta, None
        return eta, predictors(self, record.separation.direction, design)

    def probabilities(self, record: FitRecord, design: Design, offset: Array | None) -> Array:
        """Return the probabilities of rows, in the limit of a separated fit, shape (n, K).

        Warns
        -----
        DataWarning
            If slopes of their own make thresholds cross at some row: NaN there.
        """
        eta, drift = self.predictors(record, design, offset)
        if drift is not None:
            return np.exp(self.likelihood.limit_probabilities(eta, drift))
        out = np.exp(self.likelihood.log_probabilities(eta))
        crossed = ~self.likelihood.ordered(eta)
        if crossed.any():
            out[crossed] = np.nan
            warn(
                f"The thresholds of {int(crossed.sum())} rows (the first is "
                f"{int(np.argmax(crossed))}) cross, since slopes differ between thresholds: "
                "these rows lie outside of what the model can describe, and are NaN.",
                DataWarning,
            )
        return out

    def fitted_probabilities(self, record: FitRecord) -> Array:
        """Return the probabilities of the rows used, shape (m, K)."""
        data = self._kept_data()
        return self.probabilities(record, data.design, data.offset)


def _probability_link(distr: Any) -> Link:
    """Return the link whose inverse is a distribution function."""
    name = SCIPY_NAMES.get(getattr(distr, "name", None) or "")
    if name is not None and not isinstance(distr, Link):
        return LINKS[name]
    link = resolve_link(distr)
    if link.mean_range != UNIT or "power" in link.name:
        raise ArgumentError(
            f"distr={distr!r} is no distribution of a probability; use logit, probit, cloglog, "
            "loglog or cauchit."
        )
    return link


def _chosen(data: ModelData, columns: NDArray[np.intp], nonparallel: Any) -> Mask:
    """Return which columns have slopes of their own for each threshold."""
    chosen = np.zeros(len(data.names), dtype=bool)
    if nonparallel is None or nonparallel is False:
        return chosen
    if nonparallel is True:
        return ~chosen
    wanted = [nonparallel] if isinstance(nonparallel, str) else list(nonparallel)
    groups = column_groups(data, columns)
    for name in wanted:
        if name in groups:
            chosen[groups[name]] = True
        elif name in data.names:
            chosen[data.names.index(name)] = True
        else:
            known = dict.fromkeys([*groups, *data.names])
            raise ArgumentError(
                f"nonparallel= names {name!r}, which is no term and no column."
                f"{suggest(str(name), known)} There are: {', '.join(known)}."
            )
    return chosen


class OrderedModel(OrdinalModel, OrdinalNames):
    """Cumulative-link model of ordered classes, on arrays.

    P(Y <= j) = F(threshold_j - x'b), with slopes b that all thresholds share: a positive
    slope moves probability to higher classes (McCullagh 1980). The links are those of
    MASS::polr: cloglog has F(t) = 1 - exp(-exp(t)), loglog F(t) = exp(-exp(-t)).

    Parameters
    ----------
    endog : array_like of shape (n,) or (n, K)
        An ordered categorical, numeric codes, or the counts of the K classes in order.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors, without a constant: thresholds take its place.
    offset : array_like of shape (n,), optional
        Added to x'b.
    distr : str or Link
        "probit" (the default, as in statsmodels), "logit", "cloglog", "loglog" or
        "cauchit"; or a distribution of scipy.stats that is one of these.
    levels : list, optional
        The levels from lowest to highest, for text.
    nonparallel : str, list of str or bool, optional
        Columns (with a formula, terms as well) that have a slope of their own for each
        threshold: partial proportional odds (Peterson and Harrell 1990). True means all.
    freq_weights, var_weights : array_like of shape (n,), optional
    missing : {"none", "drop", "raise"}

    See Also
    --------
    ordered : The same from a formula.

    References
    ----------
    McCullagh, P. (1980). Regression models for ordinal data. *JRSS B* 42, 109-142.
    Peterson, B. and Harrell, F. E. (1990). Partial proportional odds models for ordinal
    response variables. *Applied Statistics* 39, 205-217.
    """

    summary_title: ClassVar[str] = "OrderedModel Results"
    summary_name: ClassVar[str] = "OrderedModel"
    cumulative: ClassVar[bool] = True
    cut_title: ClassVar[str] = "Thresholds"

    def _resolve(self, distr: Any) -> Link:
        return _probability_link("probit" if distr is None else distr)

    @property
    def likelihood(self) -> ClassLikelihood:
        """The likelihood in eta-space."""
        return Cumulative(self.link, len(self.levels))

    @property
    def form(self) -> Form:
        """Predictors are thresholds less x'b."""
        return Form(np.eye(len(self.levels) - 1), -1.0)

    @property
    def statement(self) -> str:
        """The model in one line, for the summary."""
        return f"P({self.endog_names} <= j) = F(threshold j - x'b), link {self.link}."

    @property
    def ratio_name(self) -> str | None:
        """Slopes of the logit are log odds ratios of being higher."""
        return "Odds ratios of a higher level" if isinstance(self.link, Logit) else None

    def equations(self, record: FitRecord) -> tuple[Equation, ...]:
        """Return thresholds less x'b."""
        wide = self.form.constraints(self.shared) @ record.base
        rows = np.asarray(wide).reshape(self.form.count, -1)
        width = len(self.data.names) if self.data.spec is None else self.n_formula_columns
        found = []
        for row, move in zip(rows, self.form.shared, strict=True):
            coefficients = np.zeros(width)
            coefficients[self.columns] = row[1:]
            found.append(Equation(float(row[0]), coefficients, float(move)))
        return tuple(found)

    @property
    def n_formula_columns(self) -> int:
        """Columns that the formula makes, the intercept included."""
        assert self.data.spec is not None
        return len(self.data.spec.column_names)

    def scored(self, language: Language, predictors: list[str]) -> dict[str, str]:
        """Return the probabilities of the levels as code."""
        found = cumulative(language, self.link, predictors)
        return dict(zip(map(str, self.levels), found, strict=True))


class AdjacentCategory(OrdinalModel):
    """Adjacent-category logit of ordered classes, on arrays.

    log P(Y = j + 1) / P(Y = j) = intercept_j + x'b: a multinomial logit whose slopes are
    in proportion to the distance of classes. Parameters as in `OrderedModel`, without
    ``distr``.

    See Also
    --------
    adjacent_category : The same from a formula.

    References
    ----------
    Agresti, A. (2010). *Analysis of Ordinal Categorical Data*, 2nd ed., sec. 4.1.
    """

    summary_title: ClassVar[str] = "Adjacent-Category Logit Results"
    summary_name: ClassVar[str] = "AdjacentCategory"

    def _resolve(self, distr: Any) -> Link:
        if distr is not None and not isinstance(_probability_link(distr), Logit):
            raise ArgumentError("The adjacent-category model has the logit only.")
        return _probability_link("logit")

    @property
    def likelihood(self) -> ClassLikelihood:
        """The likelihood in eta-space."""
        return Multinomial(len(self.levels))

    @property
    def form(self) -> Form:
        """Log odds against the first class are sums of those of neighbours."""
        count = len(self.levels) - 1
        return Form(np.tril(np.ones((count, count))), 1.0)

    @property
    def statement(self) -> str:
        """The model in one line, for the summary."""
        name = self.endog_names
        return f"log P({name} = j + 1) / P({name} = j) = intercept j + x'b."

    @property
    def ratio_name(self) -> str | None:
        """Slopes are log odds ratios of neighbours."""
        return "Odds ratios of the next level"


class ContinuationRatio(OrdinalModel):
    """Continuation-ratio model of ordered classes, on arrays.

    P(Y > j | Y >= j) = F(intercept_j + x'b): the chance to go on, among those who got
    there. Parameters as in `OrderedModel`; ``distr`` is "logit" by default.

    See Also
    --------
    continuation_ratio : The same from a formula.

    References
    ----------
    Agresti, A. (2010). *Analysis of Ordinal Categorical Data*, 2nd ed., sec. 4.2.
    """

    summary_title: ClassVar[str] = "Continuation-Ratio Results"
    summary_name: ClassVar[str] = "ContinuationRatio"

    @property
    def likelihood(self) -> ClassLikelihood:
        """The likelihood in eta-space."""
        return Sequential(self.link, len(self.levels))

    @property
    def statement(self) -> str:
        """The model in one line, for the summary."""
        name = self.endog_names
        return f"P({name} > j | {name} >= j) = F(intercept j + x'b), link {self.link}."

    @property
    def ratio_name(self) -> str | None:
        """Slopes of the logit are log odds ratios of going on."""
        return "Odds ratios of going on" if isinstance(self.link, Logit) else None


def ordered(formula: str, data: Any, **options: Any) -> OrderedModel:
    """Make a cumulative-link model of ordered classes from a formula.

    Parameters
    ----------
    formula : str
        As in `glm`. The response is an ordered categorical, numeric codes, or counts of
        the classes in order: ``low + medium + high ~ x``. No intercept is fitted, since
        thresholds take its place; factors are coded as beside one.
    data : DataFrame, dict or another table
    **options
        ``distr`` ("probit" by default, as in statsmodels; "logit", "cloglog", "loglog",
        "cauchit"), ``levels`` (the order of text levels), ``nonparallel`` (terms with
        slopes of their own for each threshold), ``offset``, ``freq_weights``,
        ``var_weights``, ``subset``, ``missing``, ``env``.

    Returns
    -------
    OrderedModel

    Examples
    --------
    >>> import glmfit as gf
    >>> housing = gf.datasets.load("housing")
    >>> model = gf.ordered("sat ~ infl + cont", housing, distr="logit", freq_weights="freq")
    >>> model.fit().params.round(3)
    infl[T.Medium]    0.579
    infl[T.High]      1.287
    cont[T.High]      0.270
    Low|Medium       -0.032
    Medium|High       1.122
    dtype: float64
    """
    return OrderedModel.from_formula(formula, data, **options)


def adjacent_category(formula: str, data: Any, **options: Any) -> AdjacentCategory:
    """Make an adjacent-category logit from a formula.

    Parameters
    ----------
    formula, data, **options
        As in `ordered`, without ``distr``.

    Returns
    -------
    AdjacentCategory

    Examples
    --------
    >>> import glmfit as gf
    >>> housing = gf.datasets.load("housing")
    >>> gf.adjacent_category("sat ~ cont", housing, freq_weights="freq").fit().params.round(3)
    cont[T.High]    0.106
    Low|Medium     -0.300
    Medium|High     0.342
    dtype: float64
    """
    return AdjacentCategory.from_formula(formula, data, **options)


def continuation_ratio(formula: str, data: Any, **options: Any) -> ContinuationRatio:
    """Make a continuation-ratio model from a formula.

    Parameters
    ----------
    formula, data, **options
        As in `ordered`; ``distr`` is "logit" by default.

    Returns
    -------
    ContinuationRatio

    Examples
    --------
    >>> import glmfit as gf
    >>> housing = gf.datasets.load("housing")
    >>> gf.continuation_ratio("sat ~ cont", housing, freq_weights="freq").fit().params.round(3)
    cont[T.High]    0.121
    Low|Medium      0.606
    Medium|High     0.332
    dtype: float64
    """
    return ContinuationRatio.from_formula(formula, data, **options)
