"""What models of counts share: a formula or matrix for each predictor, and how rows are read."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.counts import CountKernel, CountLikelihood, PlainCount
from glmfit.design import Categorical, Design, beside, narrowed
from glmfit.engine.control import Control
from glmfit.engine.passes import Pass
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    GlmfitError,
    ModelFileError,
    NotAvailableError,
    ResponseError,
)
from glmfit.formula.parsing import ParsedFormula
from glmfit.formula.response import Response, number_response
from glmfit.formula.spec import ModelSpec
from glmfit.formula.stacked import PartFormula, StackedSpec, stacked_formula
from glmfit.inference.surface import Surface
from glmfit.links import Link, Log
from glmfit.models.arrays import design_of_arrays
from glmfit.models.base import NewRows, rows_of_arrays
from glmfit.models.compat import CountNames
from glmfit.models.counting import CountForm, fit_counts, fitted_count_pass, shown_form
from glmfit.models.data import ModelData
from glmfit.models.discrete import DiscreteModel
from glmfit.models.methods import Method
from glmfit.models.stored import StoredModel
from glmfit.results.counts import CountResults
from glmfit.results.record import FitRecord

__all__ = ["CountModel", "CountReading"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

ROWS = ("offset", "exposure", "freq_weights", "var_weights")
"""Options with a value for each row."""

LOGIT = "logit"
"""statsmodels' name of the zero part's link, which stands for a constant beside a formula."""


@dataclass(frozen=True, slots=True)
class CountReading:
    """The reading of a response of counts.

    Attributes
    ----------
    name : str
        Of the model, for messages.
    needs_zeros : bool
        Whether zeros must be among them.
    above, top : float
        Counts must lie above the one, and not above the other.
    """

    name: str
    needs_zeros: bool
    above: int = -1
    top: float = math.inf

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
        self._check_limits(y, name)
        used = y if data.weight is None else y[data.weight > 0.0]
        if self.needs_zeros and used.min() > 0.0:
            raise ResponseError(
                f"{name} has no zeros, so the part of {self.name} that models zeros is not "
                "identified. Use poisson or negativebinomial."
            )
        if used.max() == 0.0:
            raise ResponseError(
                f"Every value of {name} is 0, so that there is no count to model: the mean would "
                "be 0, its logarithm minus infinity."
            )

    def _check_limits(self, y: Array, name: str) -> None:
        """Raise unless counts are those that can be seen."""
        if (y <= self.above).any():
            raise ResponseError(
                f"truncation={self.above} says that only counts above {self.above} are seen; "
                f"{int((y <= self.above).sum())} of {y.size} values of {name} are not. Leave them "
                "out by subset=, or use another model."
            )
        if (y > self.top).any():
            raise ResponseError(
                f"censoring={self.top:g} says that a count of {self.top:g} stands for as many or "
                f"more; {int((y > self.top).sum())} of {y.size} values of {name} are larger."
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


class CountModel(DiscreteModel[CountResults], CountNames):
    """What models of counts share; see `NegativeBinomial`."""

    summary_style: ClassVar[str] = "discrete"
    results_type = CountResults
    likelihood_type: ClassVar[type[CountLikelihood]] = PlainCount
    _learner: ClassVar[type[ModelSpec]] = StackedSpec

    arguments: ClassVar[dict[str, Any]] = {}
    """What a class takes after endog and exog, in statsmodels' order, with the defaults."""
    keywords: ClassVar[tuple[str, ...]] = ()
    """What it takes by name only."""

    stored: ClassVar[Mapping[str, Any]] = {
        "settings": dict[str, Any],
        "inflation": str | None,
        "dispersion": str | None,
        "one_alpha": bool,
        "reading": CountReading,
        "_array_widths": tuple[int, ...],
    }

    reading: CountReading
    settings: dict[str, Any]
    """Options without a value for each row, as they were given."""
    one_alpha: bool
    """Whether alpha is one number, if there is an alpha."""
    inflation: Any = None
    dispersion: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = dict.fromkeys((*cls.keywords, "freq_weights", "var_weights"))
        cls.__signature__ = _signature(cls.arguments, own)
        names = dict.fromkeys((*ROWS, *cls.arguments, *own))
        cls.options = tuple(name for name in names if name not in ("exog_infl", "missing"))

    __signature__: ClassVar[inspect.Signature]

    def __init__(self, *arguments: Any, **given: Any) -> None:
        bound = self.__signature__.bind(*arguments, **given)
        bound.apply_defaults()
        taken = dict(bound.arguments)
        link = taken.pop("inflation", LOGIT)
        if not (link is None or (isinstance(link, str) and link == LOGIT)):
            raise NotAvailableError(
                f"The zero part has the logit link only (got inflation={link!r}); "
                "its predictors are exog_infl=."
            )
        endog, exog, missing = (taken.pop(name) for name in ("endog", "exog", "missing"))
        columns = _Arrays(taken.pop("exog_infl", None), exog, taken.get("dispersion"))
        unknown = taken.pop("unknown")
        self._from_arrays(endog, columns, missing, taken, unknown)
        self.dispersion = None  # which is a formula, and no matrix

    # -- how it is read ------------------------------------------------------------------

    @staticmethod
    def kernel_of(settings: Mapping[str, Any]) -> CountKernel:
        """Return the distribution of counts that settings ask for."""
        raise NotImplementedError("a model of counts defines kernel_of")

    def _read(self, options: Mapping[str, Any]) -> None:
        inflation = options.get("inflation")
        self.inflation = None if isinstance(inflation, str) and inflation == LOGIT else inflation
        self.dispersion = options.get("dispersion")
        self.one_alpha = self.dispersion is None
        apart = (*ROWS, "inflation", "dispersion")
        given = {name: value for name, value in options.items() if name not in apart}
        self.settings = {name: value for name, value in given.items() if value is not None}
        self.reading = self._read_by()
        if self.dispersion is not None and "alpha" not in self.likelihood.parts:
            raise ArgumentError(
                f"dispersion= is for alpha, which {self.summary_name} does not estimate here."
            )

    @property
    def likelihood(self) -> CountLikelihood:
        """The likelihood of a row, by log alpha where alpha is estimated."""
        return self.likelihood_type(self.kernel_of(self.settings))

    def _read_by(self) -> CountReading:
        """Return how the response is read."""
        return CountReading(self.summary_name, self.likelihood.zero_part)

    @property
    def statement(self) -> str:
        """The model in one line, for the summary."""
        likelihood = self.likelihood
        return likelihood.statement.format(likelihood.kernel.describe())

    @property
    def zero_title(self) -> str:
        """What stands above the coefficients of the zero part."""
        return self.likelihood_type.zero_title

    def _read_formula(
        self,
        formula: Any,
        columns: Sequence[str],
        *,
        env: Mapping[str, Any] | None,
        reserved: Sequence[str],
    ) -> ParsedFormula:
        before, after = [], []
        if "inflate" in self.likelihood.parts:
            text = "~ 1" if self.inflation is None else self.inflation
            before = [PartFormula("inflation", text, "inflate_")]
        if "alpha" in self.likelihood.parts:
            constant = self.dispersion is None
            text = "~ 1" if constant else self.dispersion
            after = [PartFormula("dispersion", text, "alpha" if constant else "lnalpha_")]
        return stacked_formula(formula, columns, before, after, env=env, reserved=reserved)

    def _columns_of_arrays(
        self, exog: Any, /
    ) -> tuple[Design, tuple[str, ...], Mask, pd.Index | None]:
        found = {
            part: design_of_arrays(exog.of(part))
            for part in self.likelihood.parts
            if exog.of(part) is not None
        }
        n = found["mean"][0].shape[0]
        designs: list[Design] = []
        names: list[str] = []
        widths: list[int] = []
        missing, index = np.zeros(n, dtype=bool), found["mean"][3]
        for part in self.likelihood.parts:
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
        likelihood = self.likelihood
        return CountForm(likelihood, widths, "alpha" in likelihood.parts and self.one_alpha)

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

    @classmethod
    def from_state(cls, state: StoredModel, raw: Mapping[str, Any], env: Mapping[str, Any]) -> Self:
        """Return the model of a file (see `Stored.from_state`)."""
        model = super().from_state(state, raw, env)
        try:
            form = model.form
        except GlmfitError as error:
            raise ModelFileError(f"The model file has no valid settings: {error}") from error
        if form.size != len(model.data.names) or len(form.widths) != len(form.likelihood.parts):
            raise ModelFileError("The model file has predictors that do not make its columns.")
        return model

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

    def fitted_predictors(self, record: FitRecord) -> tuple[CountLikelihood, Array]:
        """Return the likelihood of a fit, and the predictors (m, M) of the rows used."""
        data = self._kept_data()
        likelihood = self.shown_form(record).likelihood
        return likelihood, self.predictors(record, data.design, data.offset)

    def predictors(self, record: FitRecord, design: Design, offset: Array | None) -> Array:
        """Return the predictors of rows, infinite in the limit of a fit that ran away, (n, M).

        They are those of `shown_form`: without alpha where that is 0.
        """
        form = self.shown_form(record)
        q = form.size
        columns = form.predictor(design if q == design.shape[1] else narrowed(design, slice(0, q)))
        eta = columns.drift(record.base[:q])
        shift = form.offsets(offset)
        if shift is not None:
            eta = eta + shift.reshape(eta.shape[0], -1)
        if record.separation is None:
            return eta
        drift = columns.drift(record.separation.direction[:q])
        return eta + form.likelihood.ends(drift)


def _signature(arguments: dict[str, Any], keywords: dict[str, Any]) -> inspect.Signature:
    """Return the signature of a class on arrays."""
    kind = inspect.Parameter
    required = [kind(name, kind.POSITIONAL_OR_KEYWORD) for name in ("endog", "exog")]
    found = [
        *(
            kind(name, kind.POSITIONAL_OR_KEYWORD, default=value)
            for name, value in arguments.items()
        ),
        *(kind(name, kind.KEYWORD_ONLY, default=value) for name, value in keywords.items()),
    ]
    return inspect.Signature([*required, *found, kind("unknown", kind.VAR_KEYWORD)])


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
