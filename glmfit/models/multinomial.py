"""Multinomial logit: an outcome with several unordered classes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.design import Categorical, constant_combination
from glmfit.engine.control import Control
from glmfit.engine.firth import fit_firth
from glmfit.engine.irls import Solution, fit_irls
from glmfit.engine.linalg import Alias, independent_columns
from glmfit.engine.passes import Pass
from glmfit.engine.predictor import Predictor
from glmfit.engine.rank import FullRank, full_rank
from glmfit.engine.runaway import separation_of
from glmfit.engine.separation import Separation
from glmfit.engine.warm import fit_warm
from glmfit.errors import (
    ArgumentError,
    ConvergenceWarning,
    SeparationWarning,
    warn,
)
from glmfit.families import Gaussian
from glmfit.formula.response import Response
from glmfit.likelihoods import GLMLikelihood, Multinomial
from glmfit.models.bias import BIAS_METHODS
from glmfit.models.classes import (
    ClassReading,
    check_classes,
    limit_rows,
    recoded_classes,
    saturated,
)
from glmfit.models.compat import MultinomialNames
from glmfit.models.data import ModelData
from glmfit.models.discrete import DiscreteModel
from glmfit.models.fitting import alias_check, as_bias_reduced, describe_aliases, warn_of_aliases
from glmfit.models.methods import Method
from glmfit.models.penalty import Fitted
from glmfit.models.records import discrete_record, given_start, widen
from glmfit.models.regularized import Regularizable
from glmfit.results.multinomial import MultinomialResults
from glmfit.results.record import FitRecord
from glmfit.scoring import Equation, Language, softmax
from glmfit.sources import Rows

__all__ = ["MNLogit", "mnlogit"]

Array = NDArray[np.float64]

CERTAIN = 25.0
"""Log-odds at which the last of a score may be lost in rounding."""

LOST = 1e8
"""Information of a coefficient at equal probabilities, over that at the fit, that is suspicious."""


class MNLogit(Regularizable, DiscreteModel[MultinomialResults], MultinomialNames):
    """Multinomial logit on arrays.

    Parameters
    ----------
    endog : array_like of shape (n,) or (n, K)
        Text, categories or whole numbers; or counts of the K classes.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors; add a constant yourself.
    reference : optional
        The level that the others are compared with; the first one by default.
    offset : array_like of shape (n,), optional
        Added to the log odds of every other level against the reference.
    freq_weights, var_weights : array_like of shape (n,), optional
    missing : {"none", "drop", "raise"}

    See Also
    --------
    mnlogit : The same from a formula.
    """

    summary_title: ClassVar[str] = "MNLogit Regression Results"
    summary_name: ClassVar[str] = "MNLogit"

    options: ClassVar[tuple[str, ...]] = ("reference", "offset", "freq_weights", "var_weights")
    more_methods = tuple(BIAS_METHODS)
    stored: ClassVar[Mapping[str, Any]] = {"reading": ClassReading, "offset_against": Any}
    results_type = MultinomialResults

    reading: ClassReading
    offset_against: Any = None
    """The level that the offset is against, where that is no longer the reference."""

    def __init__(
        self,
        endog: Any,
        exog: Any,
        *,
        reference: Any = None,
        offset: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        missing: str = "none",
        **unknown: Any,
    ) -> None:
        given = {
            "reference": reference,
            "offset": offset,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
        }
        self._from_arrays(endog, exog, missing, given, unknown)

    def _read(self, options: Mapping[str, Any]) -> None:
        self.reading = ClassReading(options.get("reference"))

    def __repr__(self) -> str:
        shown = repr(self.formula) if self.formula else f"{len(self.data.names)} columns"
        return f"<MNLogit {shown}, levels {', '.join(map(str, self.levels))}>"

    @property
    def levels(self) -> tuple[Any, ...]:
        """The levels of the response, reference first."""
        return self.reading.levels

    @property
    def reference(self) -> Any:
        """The level that the others are compared with."""
        return self.levels[0]

    @property
    def parameter_names(self) -> tuple[tuple[Any, str], ...]:  # type: ignore[override]
        """Level and term of each coefficient, level by level."""
        return tuple((level, term) for level in self.levels[1:] for term in self.data.names)

    def recode(self, values: tuple[Any, ...], trials: Array | None, index: pd.Index) -> Response:
        """Return the response of new rows, with the classes of the fit."""
        return recoded_classes(self.data.response, self.levels, values, trials, index)

    @property
    def likelihood(self) -> Multinomial:
        """The likelihood in eta-space."""
        return Multinomial(len(self.levels))

    def _maximised(self, control: Control, start_params: Any, method: Method) -> FitRecord:
        if method.bias == "median":
            raise ArgumentError(
                "The median bias of a multinomial logit is not implemented; "
                "method='firth' reduces the mean bias."
            )
        return _fit(self, control, start_params, method)

    def _results(self, record: FitRecord, **how: Any) -> MultinomialResults:
        return MultinomialResults(self, record, record.unscaled, **how)

    # -- penalised fits ------------------------------------------------------------------

    @property
    def n_equations(self) -> int:
        """Linear predictors of a row."""
        return len(self.levels) - 1

    def penalty_rows(self) -> Rows:
        """Return the rows for the engine."""
        return self._shifted(self._kept_data().rows())

    def check_bounded(self, rows: Rows) -> None:
        """Raise unless every level is in some row that counts."""
        check_classes(self.levels, self.endog_names, rows)

    def fold_strata(self) -> NDArray[np.intp]:
        """Return the stratum of each row for the dealing of folds: its most frequent class."""
        return np.asarray(self.endog.argmax(axis=1), dtype=np.intp)

    def penalised_record(self, fitted: Fitted, scale: Any, *, sandwich: bool) -> FitRecord:
        """Return every scalar of a penalised fit."""
        if scale is not None:
            raise ArgumentError("A multinomial logit has no dispersion: leave scale= out.")
        ready, solution = fitted.ready, fitted.solution(sandwich=sandwich)
        return _record(self, ready.run, solution, ready.kept, ready.aliases, None)

    def results_of(
        self, record: FitRecord, covariance: Array, *, use_t: bool, cov_type: str, told: str
    ) -> MultinomialResults:
        """Return results of this model."""
        kwds = {"description": told}
        return MultinomialResults(
            self, record, covariance, use_t=use_t, cov_type=cov_type, cov_kwds=kwds
        )

    def _unpenalised(self, start_params: Any, control: Control, scale: Any, use_t: bool) -> Any:
        if scale is not None:
            raise ArgumentError("A multinomial logit has no dispersion: leave scale= out.")
        return self.fit(start_params, use_t=use_t, control=control)

    # -- fits ----------------------------------------------------------------------------

    def reordered(self, levels: tuple[Any, ...]) -> Self:
        """Return the model with its levels in another order, the reference first."""
        order = [self.levels.index(level) for level in levels]
        moved = copy.copy(self)
        moved.offset_against = self._offset_level
        moved.reading = ClassReading(levels[0], levels)
        response = replace(self.data.response, y=self.data.response.y[:, order])
        moved.data = replace(self.data, response=response)
        return moved

    @property
    def _offset_level(self) -> Any:
        return self.levels[0] if self.offset_against is None else self.offset_against

    def _shifted(self, rows: Rows) -> Rows:
        """Return rows whose offset is against the reference that the levels have now."""
        place = self.levels.index(self._offset_level)
        if rows.offset is None or place == 0:
            return rows
        # eta_k + o for all k but one is, against another k, -o for that one
        moves = np.zeros(len(self.levels) - 1)
        moves[place - 1] = -1.0
        return replace(rows, offset=np.outer(rows.offset, moves))

    def with_counts(self, counts: Array) -> Self:
        """Return the model of the same rows with other counts of the classes.

        Parameters
        ----------
        counts : ndarray of shape (m, K)
            How often each class was seen in each row; rows without any are left out.
        """
        total = counts.sum(axis=1)
        rows = np.flatnonzero(total > 0.0)
        data = self._kept_data().take(rows)
        shares = counts[rows] / total[rows][:, None]
        response = replace(data.response, y=shares, trials=None)
        other = copy.copy(self)
        other.data = replace(data, response=response, freq_weights=total[rows])
        return other

    def without_level(self, level: Any) -> Self:
        """Return the model of the other levels, on their rows.

        Without the reference, the first of the others is the reference. Without the level that
        an offset is against, the offset moves none of the others against another, and is left
        out.
        """
        place = self.levels.index(level)
        levels = tuple(other for other in self.levels if other != level)
        counts = np.delete(self.observed_classes(None, None).counts, place, axis=1)
        other = self.with_counts(counts)
        other.reading = ClassReading(levels[0], levels)
        other.offset_against = self._offset_level
        if level == self._offset_level:
            other.offset_against = None
            other.data = replace(other.data, offset=None)
        return other

    def fitted_pass(self, record: FitRecord) -> Pass:
        """Return the pass that the estimates maximise (see `Model.fitted_pass`)."""
        rows = self._shifted(self._kept_data().rows()).where(self.fitted_rows(record))
        vector = Predictor(rows.design, len(self.levels) - 1)
        if record.separation is not None:
            rows = limit_rows(rows, self.likelihood, vector, record.separation.direction)
        return Pass(rows, self.likelihood, Control(), vector.chosen(record.kept))

    def equations(self, record: FitRecord) -> tuple[Equation, ...]:
        """Return the log odds of each level against the reference."""
        moves = np.ones(self.n_equations)
        if self._offset_level != self.levels[0]:
            moves[:] = 0.0
            moves[self.levels.index(self._offset_level) - 1] = -1.0
        rows = record.base.reshape(self.n_equations, -1)
        return tuple(Equation(0.0, row, float(k)) for row, k in zip(rows, moves, strict=True))

    def scored(self, language: Language, predictors: list[str]) -> dict[str, str]:
        """Return the probabilities of the levels as code."""
        return dict(zip(map(str, self.levels), softmax(language, predictors), strict=True))

    @property
    def expectation(self) -> Multinomial:
        """What the likelihood knows of its means."""
        return self.likelihood

    def predictor_map(self) -> tuple[int, Any]:
        """Return the number of predictors of a row; they have no constraints."""
        return len(self.levels) - 1, None

    def prediction_names(self, linear: bool) -> tuple[str, ...]:
        """Return the levels, without the reference for log odds against it."""
        return tuple(str(level) for level in self.levels[1 if linear else 0 :])

    def fitted_probabilities(self, record: FitRecord) -> Array:
        """Return the probabilities of the rows used, shape (m, K)."""
        data = self._kept_data()
        return self.probabilities(record, data.rows())

    def probabilities(self, record: FitRecord, rows: Rows) -> Array:
        """Return the probabilities of rows in the limit of a separated fit, shape (n, K)."""
        count = len(self.levels) - 1
        rows = self._shifted(rows)
        run = Pass(rows, self.likelihood, Control(), Predictor(rows.design, count))
        eta = run.eta(record.base).reshape(rows.n, count)
        if record.separation is None:
            return np.exp(self.likelihood.log_probabilities(eta))
        drift = run.predictor.drift(record.separation.direction)
        full = np.column_stack([np.zeros(rows.n), drift])
        behind = full < full.max(axis=1, keepdims=True) - 1e-6
        return np.exp(self.likelihood.log_probabilities(eta, behind))


def mnlogit(formula: str, data: Any, **options: Any) -> MNLogit:
    """Make a multinomial logit from a formula.

    Parameters
    ----------
    formula : str
        As in `glm`; the response is text, categories or whole numbers, or the counts
        of the classes: ``a + b + c ~ x``.
    data : DataFrame, dict or another table
    **options
        ``reference`` (the level that the others are compared with; the first one by
        default), ``offset``, ``freq_weights``, ``var_weights``, ``subset``, ``missing``,
        ``env``.

    Returns
    -------
    MNLogit

    Examples
    --------
    >>> import glmfit as gf
    >>> housing = gf.datasets.load("housing")
    >>> model = gf.mnlogit("sat ~ infl + cont", housing, freq_weights="freq")
    >>> model.fit().params.round(3)
                Medium   High
    Intercept       -0.700 -0.703
    infl[T.Medium]   0.440  0.748
    infl[T.High]     0.652  1.598
    cont[T.High]     0.312  0.361
    """
    return MNLogit.from_formula(formula, data, **options)


# -- the fit -----------------------------------------------------------------------------


def _fit(model: MNLogit, control: Control, start_params: Any, method: Method) -> FitRecord:
    data, likelihood, bias = model.data, model.likelihood, method.bias
    count = len(model.levels) - 1
    ranked = _full_rank(data, control)
    warn_of_aliases(describe_aliases(ranked.aliased, data.names))
    design = ranked.run.rows.design
    rows = model._shifted(data.rows(design))
    check_classes(model.levels, model.endog_names, rows)
    run = Pass(rows, likelihood, control, Predictor(design, count))
    kept = np.concatenate([m * len(data.names) + ranked.kept for m in range(count)])
    start = _start(model, start_params, kept)
    if bias is not None:
        solution = fit_firth(run, start, control, bias)
    elif start_params is None:
        solution = fit_warm(run, start, method.solver)
    else:
        solution = method.solver.fit(run, start, control)
    separation = None
    if bias is None and (not solution.settled or _looks_separated(run, solution)):
        separation = separation_of(run, solution)
    if separation is None:
        if not solution.converged:
            warn(f"The fit did not converge: {solution.reason}.", ConvergenceWarning)
        record = _record(model, run, solution, kept, ranked.aliased, None)
        return record if bias is None else as_bias_reduced(record, solution, bias, True)
    limit, inner = _limit(run, separation, solution)
    if not limit.settled:
        separation = separation_of(run, solution, by_programme=True) or separation
        limit, inner = _limit(run, separation, solution)
    wide = replace(
        separation,
        direction=widen(separation.direction, kept, count * len(data.names), 0.0),
        finite=widen(separation.finite, kept, count * len(data.names), True).astype(bool),
    )
    _warn_of_separation(model, wide)
    return _record(model, run, limit, kept[inner], ranked.aliased, wide)


def _full_rank(data: ModelData, control: Control) -> FullRank:
    """Return the independent columns of the design, whatever the response is."""
    rows = Rows(np.zeros(data.design.shape[0]), data.design, None, data.weight)
    return full_rank(Pass(rows, GLMLikelihood(Gaussian()), control))


def _start(model: MNLogit, given: Any, kept: NDArray[np.intp]) -> Array:
    if given is None:
        return np.zeros(kept.size)
    return given_start(given, kept, len(model.parameter_names))


def _looks_separated(run: Pass, solution: Solution) -> bool:
    """Return whether rounding may have hidden the last of the score of a separated fit.

    Some row's class has all of the probability but for rounding; or some class all but
    none, and a coefficient next to no information.
    """

    def extremes(chunk: Rows, eta: Array) -> tuple[float, float]:
        logs = Multinomial(run.predictor.count + 1).log_probabilities(eta.reshape(chunk.n, -1))
        return float(logs.max(initial=-np.inf)), float(logs.min(initial=0.0))

    found = list(run.visit(solution.resting, extremes))
    if max(most for most, _ in found) > -1e-11:
        return True
    if min(least for _, least in found) > -CERTAIN:
        return False
    before = np.diag(run(np.zeros(solution.theta.size)).information)
    return not bool((np.diag(solution.covariance) * before < LOST).all())


def _limit(
    run: Pass, separation: Separation, solution: Solution
) -> tuple[Solution, NDArray[np.intp]]:
    """Return the fit in the limit along a direction, and which coefficients it rests on.

    A class that a row's others leave behind for ever is no longer among its choices;
    what remains determines fewer coefficients, of which an independent set is fitted.
    """
    rows, predictor = run.held, run.predictor
    full = np.column_stack([np.zeros(rows.n), predictor.drift(separation.direction)])
    behind = full < full.max(axis=1, keepdims=True) - 1e-6
    shares = np.where(behind, np.nan, rows.y)
    left = replace(rows, y=shares)
    triangle = replace(run, rows=left).stacked(partial(_log_odds_left, predictor))
    inner, _ = independent_columns(triangle, run.control.rank_tol)
    ended = replace(
        solution,
        converged=False,
        reason="the data are separated, so no finite maximum-likelihood estimate exists",
    )
    if inner.size == 0:
        with np.errstate(invalid="ignore"):  # a share of 0 times the log-probability -inf
            deviance = run.likelihood.evaluate(
                shares, np.zeros((rows.n, predictor.count)), rows.weight
            ).deviance
        nothing = np.zeros((0, 0))
        none = replace(
            ended, theta=np.zeros(0), deviance=deviance, covariance=nothing, settled=True
        )
        return none, inner
    remaining = replace(run, rows=left, vector=predictor.chosen(inner))
    rest = fit_irls(remaining, np.zeros(inner.size), run.control.certain())
    return (
        replace(ended, theta=rest.theta, deviance=rest.deviance, covariance=rest.covariance,
                condition=rest.condition, settled=rest.settled),
        inner,
    )  # fmt: skip


def _log_odds_left(predictor: Predictor, chunk: Rows) -> Array:
    """Return how theta moves the log odds between the choices that are left to rows."""
    behind = np.isnan(chunk.y)
    derivative = predictor.dense_rows(chunk.design)
    n, _, p = derivative.shape
    full = np.concatenate([np.zeros((n, 1, p)), derivative], axis=1)
    first = np.argmax(~behind, axis=1)
    moves = full - full[np.arange(n), first][:, None, :]
    weight = np.ones(n, bool) if chunk.weight is None else chunk.weight > 0.0
    return np.asarray(moves[~behind & weight[:, None]])


def _warn_of_separation(model: MNLogit, separation: Separation) -> None:
    finite = separation.finite.reshape(len(model.levels) - 1, -1)
    lost = [
        name
        for name, column in zip(model.data.names, finite.T, strict=True)
        if not column.all() and name != "Intercept"
    ]
    kind = "completely" if separation.complete else "quasi-completely"
    by = ", ".join(lost) or "a constant"
    warn(
        f"{model.endog_names!r} is {kind} separated by {by}: a combination of columns predicts "
        f"{int(separation.rows.sum())} of {separation.rows.size} rows perfectly against some "
        'class, so no finite maximum-likelihood estimate exists. Use .fit(method="firth") or '
        "a penalty (.fit_regularized), or merge classes or remove terms; result.separation has "
        "the rest.",
        SeparationWarning,
    )


def _record(
    model: MNLogit,
    run: Pass,
    solution: Solution,
    kept: NDArray[np.intp],
    aliases: list[Alias],
    separation: Separation | None,
) -> FitRecord:
    data = model.data
    return discrete_record(
        solution,
        kept,
        len(model.parameter_names),
        most=saturated(data),
        null_deviance=_null_deviance(run),
        nobs=data.n_effective,
        rank=(len(data.names) - len(aliases)) * (len(model.levels) - 1),
        has_constant=constant_combination(run.rows.design) is not None,
        aliased=describe_aliases(aliases, data.names),
        alias_check=alias_check(aliases, len(data.names)),
        separation=separation,
        n_equations=len(model.levels) - 1,
    )


def _null_deviance(run: Pass) -> float:
    """Return the deviance of the model with constants only (and the offset)."""
    rows = run.held
    constant = Categorical(np.zeros(rows.n, dtype=np.int8), 1)
    vector = Predictor(constant, run.predictor.count)
    null = replace(run, rows=rows.with_design(constant), vector=vector)
    if rows.offset is None:
        total = rows.y.sum(axis=0) if rows.weight is None else rows.weight @ rows.y
        return null.deviance(np.log(total[1:] / total[0]))
    return fit_irls(null, np.zeros(vector.count), Control()).deviance
