"""What models share that have a predictor for the mean and others for how responses spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.design import Categorical, Design, beside
from glmfit.engine.control import Control
from glmfit.engine.passes import Pass
from glmfit.errors import AlignmentError, ArgumentError, NotAvailableError
from glmfit.formula.parsing import ParsedFormula
from glmfit.formula.spec import ModelSpec
from glmfit.formula.stacked import PartFormula, StackedSpec, stacked_formula
from glmfit.inference.surface import Surface
from glmfit.likelihoods import JointLikelihood
from glmfit.links import Link, resolve_link
from glmfit.models.arrays import design_of_arrays
from glmfit.models.base import NewRows, rows_of_arrays
from glmfit.models.discrete import DiscreteModel
from glmfit.models.methods import Method
from glmfit.models.parts import PartForm, fit_parts, fitted_part_pass, shown_form
from glmfit.models.stored import StoredModel
from glmfit.results.joint import JointResults
from glmfit.results.record import FitRecord
from glmfit.sources import Rows

__all__ = ["BESIDE", "JointArrays", "JointModel", "PartNames", "link_of"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BESIDE = ("offset", "exposure", "freq_weights", "var_weights")


@dataclass(frozen=True, slots=True)
class PartNames:
    """What a parameter beside the mean is called.

    Attributes
    ----------
    argument : str
        The keyword of its formula.
    exog : str
        The keyword of its matrix.
    prefix : str
        Before the names of its coefficients.
    lone : str
        The name of the only one, where it has no predictors.
    natural : bool
        Whether that is the parameter itself, and not the value of its link.
    title : str
        Heading of its coefficients in the summary.
    """

    argument: str
    exog: str
    prefix: str
    lone: str
    natural: bool
    title: str


@dataclass(frozen=True, slots=True)
class JointArrays:
    """Matrices of predictors by part; a part that has none is one number."""

    found: Mapping[str, Any]

    def of(self, part: str) -> Any:
        """Return the matrix of a predictor, or None."""
        return self.found.get(part)


class JointModel(DiscreteModel[JointResults]):
    """A model of a mean and of how responses spread about it, fitted jointly.

    A subclass says in `_likelihood` what its options ask for, and names its parameters in
    ``named``.
    """

    summary_style: ClassVar[str] = "discrete"
    results_type = JointResults
    _learner: ClassVar[type[ModelSpec]] = StackedSpec

    named: ClassVar[dict[str, PartNames]] = {}
    """The parameters beside the mean."""
    statement: ClassVar[str] = ""
    """The model in one line, for the summary."""
    boundary_told: ClassVar[str] = ""
    """What is said where the last parameter is at its lower end."""

    likelihood: JointLikelihood
    given: dict[str, Any]
    """Formulas, or matrices, of the parameters beside the mean."""

    # -- how it is read ------------------------------------------------------------------

    def _likelihood(self, options: Mapping[str, Any]) -> JointLikelihood:
        """Return the likelihood that the options ask for."""
        raise NotImplementedError(f"{type(self).__name__} does not define _likelihood")

    def _read(self, options: Mapping[str, Any]) -> None:
        self.likelihood = self._likelihood(options)
        self.given = {part: options.get(own.argument) for part, own in self.named.items()}

    @property
    def _others(self) -> tuple[str, ...]:
        return self.likelihood.parts[1:]

    def _read_formula(
        self,
        formula: Any,
        columns: Sequence[str],
        *,
        env: Mapping[str, Any] | None,
        reserved: Sequence[str],
    ) -> ParsedFormula:
        after = []
        for part in self._others:
            own, text = self.named[part], self.given[part]
            prefix = own.lone if text is None else own.prefix
            after.append(PartFormula(own.argument, "~ 1" if text is None else text, prefix))
        return stacked_formula(formula, columns, [], after, env=env, reserved=reserved)

    def _columns_of_arrays(
        self, exog: Any, /
    ) -> tuple[Design, tuple[str, ...], Mask, pd.Index | None]:
        design, names, missing, index = design_of_arrays(exog.of("mean"))
        n = design.shape[0]
        designs, widths, all_names = [design], [len(names)], list(names)
        for part in self._others:
            given, own = exog.of(part), self.named[part]
            if given is None:
                designs.append(_constant(n))
                called: tuple[str, ...] = (own.lone,)
            else:
                made, called, lost, labels = design_of_arrays(given)
                _check_beside(own.exog, made.shape[0], n, labels, index)
                designs.append(made)
                missing = missing | lost
                called = tuple(own.prefix + name for name in called)
            widths.append(len(called))
            all_names += called
        self._array_widths = tuple(widths)
        return beside(designs), tuple(all_names), missing, index

    _array_widths: tuple[int, ...] = ()

    def _rows_of_arrays(self, exog: Any) -> NewRows:
        given = exog if isinstance(exog, JointArrays) else JointArrays({"mean": exog})
        form, made = self.form, {}
        for part in self.likelihood.parts:
            names = self.data.names[form.span(part)]
            own = self.named.get(part)
            prefix = "" if own is None else own.prefix
            if given.of(part) is not None:
                plain = tuple(name.removeprefix(prefix) for name in names)
                made[part] = rows_of_arrays(given.of(part), plain)
            elif own is None or names != (own.lone,):
                what = "exog" if own is None else own.exog
                raise ArgumentError(f"New rows need the columns of {what} too: {', '.join(names)}.")
        mean = made["mean"]
        kept = np.logical_and.reduce([rows.kept for rows in made.values()])
        count = int(kept.sum())
        designs = []
        for part in self.likelihood.parts:
            if part not in made:
                designs.append(_constant(count))
                continue
            rows = made[part]
            what = "exog" if part == "mean" else self.named[part].exog
            _check_beside(what, rows.kept.size, kept.size, rows.index, mean.index)
            designs.append(rows.design.take(np.flatnonzero(kept[rows.kept])))
        return NewRows(beside(designs), None, kept, mean.index, mean.labelled)

    # -- what the fit asks ---------------------------------------------------------------

    @property
    def form(self) -> PartForm:
        """Which columns each predictor has."""
        spec = self.data.spec
        widths = spec.widths if isinstance(spec, StackedSpec) else self._array_widths
        natural = tuple(
            part in self.named and self.named[part].natural and self.given[part] is None
            for part in self.likelihood.parts
        )
        return PartForm(self.likelihood, widths, natural)

    def joint_rows(self) -> Rows:
        """Return the rows as the likelihood takes them."""
        return self._kept_data().rows()

    def mean_rows(self) -> Rows:
        """Return the rows of a model of the mean alone."""
        return self._kept_data().rows()

    @property
    def exposure_link(self) -> Link:
        """The link of the mean, on which it depends whether an exposure has a meaning."""
        return self.likelihood.links[0]

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
            f"Terms are not added to {self.summary_name}, which has a formula for each predictor: "
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
        return fit_parts(self, control, start_params, method.solver)

    def _results(self, record: FitRecord, **how: Any) -> JointResults:
        return self.results_type(self, record, record.unscaled, **how)

    def fitted_pass(self, record: FitRecord) -> Pass:
        """Return the pass that the estimates maximise (see `Model.fitted_pass`)."""
        self._kept_data()
        return fitted_part_pass(self, record)

    # -- values of rows ------------------------------------------------------------------

    def shown_form(self, record: FitRecord) -> PartForm:
        """Return the form whose coefficients are those of a record."""
        return shown_form(self.form, record)

    @staticmethod
    def arrays(found: Mapping[str, Any]) -> JointArrays:
        """Return the matrices of new rows, by part."""
        return JointArrays(found)

    def spread_factor(self, record: FitRecord) -> Array | float:
        """Return what the variance of ``predict(which="var")`` is multiplied by in each row."""
        return 1.0

    @property
    def expectation(self) -> JointLikelihood:
        """What the likelihood knows of its means, in terms of the coefficients shown."""
        return self.form.shown().likelihood

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
        parts = self.likelihood.parts
        return parts if linear and len(parts) > 1 else None

    def surface(self, record: FitRecord, *, linear: bool = False) -> Surface:
        """Return the predictions of a fit as functions of rows."""
        found = super().surface(record, linear=linear)
        if not record.at_boundary:
            return found
        # at the lower end but for rounding, since the predictor has no value at the end itself
        theta = found.theta.copy()
        theta[-1] = np.finfo(float).eps
        return replace(found, theta=theta)

    def predictors(self, record: FitRecord, design: Design, offset: Array | None) -> Array:
        """Return the predictors of rows in terms of `shown_form`, infinite in a limit, (n, M)."""
        form = self.shown_form(record)
        vector, q = form.predictor(design), form.size
        columns = vector if q == design.shape[1] else vector.chosen(np.arange(q))
        eta = columns.drift(record.base[:q])
        shift = form.offsets(offset)
        if shift is not None:
            eta = eta + shift.reshape(eta.shape[0], -1)
        if record.separation is None:
            return eta
        return eta + form.likelihood.ends(columns.drift(record.separation.direction[:q]))


def link_of(options: Mapping[str, Any], name: str, default: Link) -> Link:
    """Return the link that an option asks for."""
    given = options.get(name)
    return default if given is None else resolve_link(given)


def _constant(n: int) -> Design:
    return Categorical(np.zeros(n, dtype=np.int8), 1)


def _check_beside(
    what: str, rows: int, n: int, labels: pd.Index | None, index: pd.Index | None
) -> None:
    """Raise unless matrices have the same rows."""
    if rows != n:
        raise AlignmentError(f"{what} has {rows} rows, exog has {n}.")
    if labels is not None and index is not None and not labels.equals(index):
        raise AlignmentError(
            f"The indices of exog and {what} are not aligned. Reindex one like the other, or pass "
            "arrays to go by position."
        )
