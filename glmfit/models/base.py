"""What models share: rows from a formula or from arrays, and rows to predict."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.design import Design
from glmfit.engine.passes import Pass
from glmfit.engine.strata import StrataPass
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    NotAvailableError,
    caller_frame,
    suggest,
)
from glmfit.formula.alignment import beside
from glmfit.formula.response import Response
from glmfit.formula.spec import ModelSpec, ParsedFormula, parse
from glmfit.formula.table import Table
from glmfit.inference.bootstrap import Replicates, Sample
from glmfit.links import Link
from glmfit.models.arrays import aligned_exog, array_data, design_of_arrays
from glmfit.models.counterfactual import Counterfactuals
from glmfit.models.data import (
    FamilyReading,
    ModelData,
    Reading,
    extended_data,
    formula_data,
    log_exposure,
)
from glmfit.models.distributed import distributed_data
from glmfit.models.observed import ObservedClasses, new_classes, own_classes
from glmfit.models.replicates import one_by_one
from glmfit.models.stored import Stored
from glmfit.models.streaming import streamed_data
from glmfit.results.record import FitRecord
from glmfit.scoring import Equation, Language
from glmfit.sources import Rows
from glmfit.sources.arrow import batches_of
from glmfit.sources.dask import is_dask
from glmfit.sources.streamed import NOT_HELD

__all__ = ["Model", "NewRows", "refuse_unknown", "rows_of_arrays"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NewRows:
    """Rows to predict: design and offset of the complete ones.

    Attributes
    ----------
    design : Design
        Shape (m, p).
    offset : ndarray of shape (m,) or None
    kept : ndarray of bool, shape (n,)
    index : Index or None
    labelled : bool
    levels : tuple of ndarray of int, each of shape (m,), or None
        Levels of absorbed factors, whose effects the offset does not have yet.
    """

    design: Design
    offset: Array | None
    kept: NDArray[np.bool_]
    index: pd.Index | None
    labelled: bool
    levels: tuple[NDArray[np.int32], ...] | None = None

    def with_effects(self, record: FitRecord) -> NewRows:
        """Return the rows with the effects of absorbed factors in their offset."""
        if self.levels is None or record.effects is None:
            return self
        effects = record.effects.rows(self.levels)
        total = effects if self.offset is None else self.offset + effects
        return replace(self, offset=total, levels=None)

    def eta(self, theta: Array) -> Array:
        """Return the linear predictor of the complete rows."""
        eta = self.design.matvec(theta)
        return eta if self.offset is None else eta + self.offset

    def rows(self, n_classes: int) -> Rows:
        """Return the complete rows for a likelihood with several classes."""
        return Rows(np.zeros((self.design.shape[0], n_classes)), self.design, self.offset)

    def spread(self, values: Array) -> Array:
        """Return values for all rows, NaN where one is incomplete."""
        if self.kept.all():
            return values
        out = np.full(self.kept.size, np.nan)
        out[self.kept] = values
        return out

    def spread_rows(self, values: Array) -> Array:
        """Return rows (m, q) for all rows, NaN where one is incomplete."""
        if self.kept.all():
            return values
        out = np.full((self.kept.size, values.shape[1]), np.nan)
        out[self.kept] = values
        return out

    def label(self, values: Array) -> Any:
        """Return values for all rows, as a Series where they have labels."""
        out = self.spread(values)
        return pd.Series(out, index=self.index) if self.labelled else out


class Model(Stored, Counterfactuals):
    """Rows with a response, and the formula they came from if they did.

    Attributes
    ----------
    data : ModelData
        Response, design, offset and weights under one row mask.
    formula : str or None
    """

    summary_title: ClassVar[str] = ""
    summary_name: ClassVar[str] = ""
    streams: ClassVar[bool] = False
    """Whether the rows may be read anew for each pass, instead of being held in memory."""
    unit_name: ClassVar[str] = "observations"
    """What is independent of one another, and is drawn or left out by resampling."""
    observed_information: ClassVar[bool] = False
    """Whether standard errors come from the observed information."""

    _learner: ClassVar[type[ModelSpec]] = ModelSpec

    data: ModelData
    formula: str | None

    @property
    def exposure_link(self) -> Link | None:
        """The link, on which it depends whether an exposure has a meaning."""
        return None

    def _set_arrays(
        self, endog: Any, exog: Any, reading: Reading, given: Mapping[str, Any], missing: str
    ) -> Self:
        self.data = array_data(
            endog, exog, reading, given, missing=missing, columns_of=self._columns_of_arrays
        )
        self.formula = None
        return self

    def _columns_of_arrays(
        self, exog: Any, /
    ) -> tuple[Design, tuple[str, ...], NDArray[np.bool_], pd.Index | None]:
        """Return design, column names, missing rows and labels of what stands for exog."""
        return design_of_arrays(exog)

    def _set_formula(
        self,
        formula: str,
        data: Any,
        reading: Reading,
        given: Mapping[str, Any],
        *,
        missing: str,
        subset: Any,
        env: Mapping[str, Any] | bool | None,
    ) -> Self:
        distributed = is_dask(data)
        source = None if distributed else batches_of(data)
        how: dict[str, Any] = {
            "missing": missing,
            "env": _caller_names(env),
            "subset": subset,
            "read": self._read_formula,
        }
        if source is None and not distributed:
            learn = self._learner.learn
            self.data = formula_data(formula, data, reading, given, learn=learn, **how)
        elif self.streams:
            assert isinstance(reading, FamilyReading)
            self.data = (
                distributed_data(formula, data, reading, given, **how)
                if source is None
                else streamed_data(formula, source, reading, given, **how)
            )
        else:
            raise NotAvailableError(
                f"{type(self).__name__} needs its rows in memory; it does not stream them yet. "
                "Read the data into a frame first."
            )
        self.formula = formula
        return self

    def _read_formula(
        self,
        formula: Any,
        columns: Sequence[str],
        *,
        env: Mapping[str, Any] | None,
        reserved: Sequence[str],
    ) -> ParsedFormula:
        """Return the formula taken apart."""
        return parse(formula, columns, env=env, reserved=reserved)

    # -- what it is made of ----------------------------------------------------------

    @property
    def endog(self) -> Array:
        """Response of the rows used, shape (m,); shares of trials for a binomial."""
        return self._kept_data().response.y

    @property
    def exog(self) -> Array:
        """Design matrix of the rows used, dense, shape (m, p)."""
        return self._kept_data().design.toarray()

    @property
    def endog_names(self) -> str:
        """Name of the response."""
        return self.data.response.name

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.data.names

    @property
    def parameter_columns(self) -> tuple[str, ...]:
        """The column that each coefficient belongs to, by name."""
        names = self.data.names
        return names * (len(self.parameter_names) // max(len(names), 1))

    @property
    def formula_columns(self) -> NDArray[np.intp]:
        """Which column of the formula's design each of ``data.names`` is."""
        return np.arange(len(self.data.names))

    @property
    def likelihood_name(self) -> str:
        """What is maximised, in words; models with the same can be compared."""
        return self.summary_name

    def new_terms(self, scope: str, env: Mapping[str, Any] | None = None) -> list[str]:
        """Return the terms that a part of a formula adds to the model's own."""
        extended, _ = extended_data(self._kept_data(), scope, env)
        assert extended.spec is not None and self.data.spec is not None
        return [
            term for term in extended.spec.term_slices if term not in self.data.spec.term_slices
        ]

    def extended(self, terms: str, env: Mapping[str, Any] | None = None) -> Self:
        """Return the model on the same rows with further terms.

        Parameters
        ----------
        terms : str
            As they would stand in the formula.
        env : dict, optional
            Functions and values that the formula may use.
        """
        larger = copy.copy(self)
        larger.data, larger.formula = extended_data(self._kept_data(), terms, env)
        larger._settle_columns()
        return larger

    def _settle_columns(self) -> None:
        """Do to the columns of a new formula what making the model did."""

    @property
    def known_dispersion(self) -> float | None:
        """The dispersion, or None where it is estimated."""
        return 1.0

    def llf_of(self, record: FitRecord, theta: Array, deviance: float, rank: int) -> float:
        """Return the log-likelihood of the best submodel of its size.

        Parameters
        ----------
        record : FitRecord
            Of the fit of this model.
        theta : ndarray of shape (P,)
            Where the submodel has its maximum.
        deviance : float
            There.
        rank : int
            Number of its independent coefficients.
        """
        return record.llf - 0.5 * (deviance - record.deviance)

    @property
    def exog_names(self) -> list[str]:
        """Names of the columns."""
        return list(self.data.names)

    @property
    def reference_levels(self) -> dict[str, Any]:
        """The level of each factor of the formula that others are compared with."""
        return {} if self.data.spec is None else self.data.spec.reference_levels()

    @property
    def nobs(self) -> float:
        """Number of observations (see `GLMResults.nobs`)."""
        return self.data.n_effective

    def _kept_data(self) -> ModelData:
        if self.data.stream is not None:
            raise NotAvailableError(NOT_HELD)
        if self.data.response.y.size == 0:
            raise NotAvailableError(
                "The data were removed from these results (remove_data), or were never in their "
                "model file; what has a value for each row of the fit is gone."
            )
        return self.data

    def fitted_pass(self, record: FitRecord) -> Pass | StrataPass:
        """Return the pass that the estimates maximise (for penalised ones, less the penalty).

        It is over the coefficients ``record.kept``, at which ``record.base[record.kept]``
        are the estimates, and of a separated fit over what is left of the rows in the limit.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define fitted_pass")

    def fitted_rows(self, record: FitRecord) -> NDArray[np.bool_]:
        """Return which of the rows used stand in `fitted_pass`, shape (m,)."""
        data = self._kept_data()
        return np.ones(len(data.response.y), bool) if data.weight is None else data.weight > 0.0

    def fitted_units(self, record: FitRecord) -> NDArray[np.intp]:
        """Return the unit of `fitted_pass` that each row used belongs to, shape (m,).

        Units are rows, or strata in models that have them; -1 for rows that are in none.
        """
        if self.data.stream is not None:
            return np.arange(self.data.stream.rows.n, dtype=np.intp)
        present = self.fitted_rows(record)
        return np.where(present, np.cumsum(present) - 1, -1)

    def unit_frequencies(self, record: FitRecord) -> Array | None:
        """Return how often each unit of `fitted_pass` was seen; None where each was once."""
        if self.data.stream is not None:
            return self.data.stream.frequencies()
        freq = self._kept_data().freq_weights
        return None if freq is None else freq[self.fitted_rows(record)]

    def independent_count(self, record: FitRecord) -> float:
        """Return the number of independent observations."""
        return record.nobs

    def replicates(self, record: FitRecord, samples: Iterable[Sample]) -> Replicates:
        """Return the estimates of samples of the units of `fitted_pass`."""
        return one_by_one(
            lambda counts, response: self.refitted(record, counts, response),
            samples,
            record.base.size,
        )

    def refitted(
        self, record: FitRecord, counts: Array | None, response: Array | None
    ) -> tuple[Array, str]:
        """Return the estimates of one sample, started from the fit, and how that ended.

        Parameters
        ----------
        record : FitRecord
        counts : ndarray of shape (n_units,), optional
            How often each unit is in the sample; as in the fit by default.
        response : ndarray of shape (n, ...), optional
            Responses of the rows of `fitted_pass`; as in the fit by default.

        Returns
        -------
        theta : ndarray of shape (p,) or (0,)
            Empty where there is none.
        status : str
            One of `glmfit.inference.bootstrap.STATUS`.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define refitted")

    def drawn_responses(
        self, record: FitRecord, rng: np.random.Generator, size: int, kind: str
    ) -> Array:
        """Return responses of the rows of `fitted_pass`, drawn at the estimates.

        Parameters
        ----------
        record : FitRecord
        rng : Generator
        size : int
            Number R of samples.
        kind : {"parametric", "residual"}

        Returns
        -------
        ndarray of shape (R, n, ...)
        """
        raise NotAvailableError(
            f"There is no {kind} bootstrap for {self.summary_name}. kind='pairs' draws "
            f"{self.unit_name} instead."
        )

    def score_rows(self, record: FitRecord) -> Array:
        """Return what each row used adds to the score at the estimates.

        Prior weights are in; the score is that of the log-likelihood times the dispersion.

        Returns
        -------
        ndarray of shape (m, P)
            For the P coefficients ``record.kept``; a row for each stratum in models that
            have strata. 0 for rows of weight 0, and for those that a separated fit fits
            perfectly.
        """
        return self._spread_scores(record, self.fitted_rows(record))

    def _spread_scores(self, record: FitRecord, present: NDArray[np.bool_]) -> Array:
        out = np.zeros((present.size, record.kept.size))
        out[present] = self.fitted_pass(record).score_rows(record.base[record.kept])
        return out

    def equations(self, record: FitRecord) -> tuple[Equation, ...]:
        """Return the linear predictors of a row, for programs without glmfit."""
        raise NotAvailableError(
            f"The predictions of {self.summary_name} depend on more than one row, or have no form "
            "in other languages; predict with a saved model (save, glmfit.load)."
        )

    def scored(self, language: Language, predictors: list[str]) -> dict[str, str]:
        """Return the means of a row as code: one, named "", or one for each class."""
        raise NotImplementedError(f"{type(self).__name__} does not define scored()")

    def linear_predictor(self, theta: Array) -> Array:
        """Return X theta + offset of the rows used, shape (m,)."""
        return self._kept_data().rows().eta(np.asarray(theta, dtype=float))

    # -- classes that were observed ----------------------------------------------------

    @property
    def levels(self) -> tuple[Any, ...]:
        """The classes of the response, where it has classes."""
        raise NotAvailableError(
            f"The response {self.endog_names} is no class, so no class can be predicted; that of "
            "binomial, multinomial and ordinal models is."
        )

    def recode(self, values: tuple[Any, ...], trials: Array | None, index: pd.Index) -> Response:
        """Return the response of new rows, with the classes of the fit."""
        raise NotImplementedError(f"{type(self).__name__} does not define recode()")

    def observed_classes(
        self, data: Any, y: Any, *, freq_weights: Any = None, trials: Any = None
    ) -> ObservedClasses:
        """Return how often each class was seen in the rows of the fit, or in new rows."""
        if data is not None:
            return new_classes(self, data, y, freq_weights=freq_weights, trials=trials)
        for what, given in (("y", y), ("freq_weights", freq_weights), ("trials", trials)):
            if given is not None:
                raise ArgumentError(f"{what}= is for new data; the rows of the fit have their own.")
        return own_classes(self._kept_data())

    def _refuse_fit(self, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
        """Raise for a keyword of ``fit`` that is not known."""
        refuse_unknown("fit", given, known)

    # -- new rows --------------------------------------------------------------------

    def new_rows(
        self,
        exog: Any,
        transform: bool,
        offset: Any,
        exposure: Any,
        new_levels: str,
    ) -> NewRows:
        """Return the rows to predict (see `GLMResults.predict`)."""
        if exog is None:
            return self._own_rows(offset, exposure)
        table: Table | None = None
        if self.data.spec is not None and transform:
            made = self.data.spec.rows(exog, new_levels=new_levels)
            table = Table(exog)
            rows = NewRows(made.design, made.offset, made.kept, made.index, True)
        else:
            rows = self._rows_of_arrays(exog)
        return self._with_offsets(rows, table, offset, exposure)

    def _own_rows(self, offset: Any, exposure: Any) -> NewRows:
        data = self._kept_data()
        if offset is not None or exposure is not None:
            raise ArgumentError(
                "offset= and exposure= are for new data; the rows of the fit have their own."
            )
        return NewRows(data.design, data.offset, data.kept, data.index, data.labelled)

    def _rows_of_arrays(self, exog: Any) -> NewRows:
        return rows_of_arrays(exog, self.data.names)

    def _with_offsets(
        self, rows: NewRows, table: Table | None, offset: Any, exposure: Any
    ) -> NewRows:
        rule = self.data.rule
        if rule.in_formula and table is None and offset is None:
            raise ArgumentError(
                "The formula has an offset, which a design matrix does not carry. Give offset= "
                "for these rows (0 for none)."
            )
        offset = self._offset_argument("offset", offset, rule.offset)
        exposure = self._offset_argument("exposure", exposure, rule.exposure)
        total = rows.offset
        kept = rows.kept
        for what, given in (("offset", offset), ("exposure", exposure)):
            if given is None:
                continue
            vector = beside(given, what, table, rows.index, kept.size)
            values = vector.kept(kept)
            if what == "exposure":
                index = pd.RangeIndex(kept.size) if rows.index is None else rows.index
                values = log_exposure(values, self.exposure_link, index[kept])
            total = values if total is None else total + values
        return NewRows(rows.design, total, kept, rows.index, rows.labelled)

    def _offset_argument(self, what: str, given: Any, column: str | None) -> Any:
        """Return what stands in for an offset on new rows, or say that it must be given."""
        if given is not None:
            return given
        if column is not None:
            return column
        if what in self.data.rule.unnamed:
            neutral = "0 for none" if what == "offset" else "1 for a rate per unit"
            raise ArgumentError(
                f"The model was fitted with {what}= given as values, which new data do not "
                f"carry. Give {what}= for the new rows ({neutral})."
            )
        return None

    def without_data(self) -> Self:
        """Return a model that knows its formula and names but holds no rows."""
        if self.data.response.y.size:
            _ = self.variables  # their ranges outlive the rows
        light = copy.copy(self)
        light.data = self.data.without_rows()
        return light


def rows_of_arrays(exog: Any, names: tuple[str, ...]) -> NewRows:
    """Return the rows of a matrix, a frame or one row, with the given columns."""
    if isinstance(exog, Mapping):
        exog = pd.DataFrame(dict(exog))
    if isinstance(exog, pd.DataFrame):
        exog = aligned_exog(exog, names)
    elif isinstance(exog, pd.Series) and len(names) > 1:
        exog = aligned_exog(exog.to_frame().T, names)
    elif np.ndim(exog) == 1 and len(names) > 1:
        exog = np.asarray(exog)[None, :]
    design, _, missing, index = design_of_arrays(exog, names)
    if design.shape[1] != len(names):
        raise AlignmentError(
            f"exog has {design.shape[1]} columns; the model has {len(names)}: "
            f"{', '.join(names[:8])}{', ...' if len(names) > 8 else ''}."
        )
    kept = ~missing
    if missing.any():
        design = design.take(np.flatnonzero(kept))
    return NewRows(design, None, kept, index, index is not None)


def refuse_unknown(where: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raise for a keyword that is not known, with the near miss."""
    for name in given:
        taken = f"It takes: {', '.join(known)}." if known else "It takes none."
        raise ArgumentTypeError(f"{where} has no argument {name!r}.{suggest(name, known)} {taken}")


def _caller_names(env: Mapping[str, Any] | bool | None) -> Mapping[str, Any] | None:
    """Return what a formula may use of its caller's: what was passed, or with True all."""
    if env is None or env is False:
        return None
    if env is not True:
        if not isinstance(env, Mapping):
            raise ArgumentTypeError("env must be a dict of functions and values, or True.")
        return env
    frame, _ = caller_frame()
    return {**frame.f_globals, **frame.f_locals}
