"""Fitting models of strata: what is compared within them, and the fit, or its limit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.irls import Solution, fit_irls
from glmfit.engine.linalg import Alias, independent_columns, merge_triangular
from glmfit.engine.rank import check_sizes, select_columns
from glmfit.engine.separation import Separation, find_separation
from glmfit.engine.solvers import Solver
from glmfit.engine.strata import ConditionalLikelihood, Strata, StrataPass
from glmfit.errors import (
    CollinearityWarning,
    ConvergenceWarning,
    DataError,
    SeparationWarning,
    warn,
)
from glmfit.models.data import ModelData
from glmfit.models.fitting import describe_aliases
from glmfit.models.records import discrete_record, given_start, widen
from glmfit.results.record import FitRecord

__all__ = ["StrataWords", "fit_strata", "strata_pass", "stratum_weight", "varying_row"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MOST_PAIRS = 1_000_000
"""Most pairs of a case and a control that are searched for separation."""

CONSTANT = 1e-13
"""Variation within strata, as a share of a column's size, that is rounding."""

CERTAIN = 25.0
"""Log-odds within a stratum at which the last of the score may be lost in rounding."""


@dataclass(frozen=True, slots=True)
class StrataWords:
    """What a model's messages call things.

    Attributes
    ----------
    noun : str
        A stratum.
    constant : str
        Said of a column that is constant within every one.
    nothing : str
        Said where no stratum can be compared within.
    separated : str
        Said of separated strata, with ``{names}``.
    """

    noun: str
    constant: str
    nothing: str
    separated: str


class StrataModel(Protocol):
    """What the fit asks of a model."""

    @property
    def data(self) -> ModelData: ...
    @property
    def strata(self) -> Strata: ...
    @property
    def compared(self) -> Mask:
        """Strata that the likelihood rests on, shape (n_strata,)."""

    @property
    def n_compared(self) -> float:
        """Number of observations in them."""

    @property
    def constants(self) -> NDArray[np.intp]:
        """Columns that the null model has."""

    @property
    def words(self) -> StrataWords: ...


@dataclass(frozen=True, slots=True)
class _Ready:
    """What the fit rests on: rows of strata that are compared, columns that vary there."""

    run: StrataPass
    kept: NDArray[np.intp]
    aliased: dict[str, str]


def fit_strata(
    model: StrataModel, control: Control, start_params: Any, solver: Solver
) -> FitRecord:
    """Fit a model of strata and return every scalar of the fit.

    Warns
    -----
    SeparationWarning, ConvergenceWarning, CollinearityWarning
    """
    ready = _prepare(model, control)
    kept, total = ready.kept, len(model.data.names)
    start = np.zeros(kept.size)
    if start_params is not None:
        start = given_start(start_params, kept, total)
    solution = solver.fit(ready.run, start, control)
    separation = None
    if not solution.settled or ready.run.reach(solution.resting) > CERTAIN:
        separation = _separation(model, ready)
    if separation is not None:
        _warn_of_separation(model, separation)
        solution, kept = _limit(model, separation, solution, control)
    elif not solution.converged:
        warn(f"The fit did not converge: {solution.reason}.", ConvergenceWarning)
    constants = np.flatnonzero(np.isin(ready.kept, model.constants))
    return discrete_record(
        solution,
        kept,
        total,
        most=0.0,
        null_deviance=_null_deviance(ready.run.chosen(constants), control),
        nobs=model.n_compared,
        rank=ready.kept.size,
        has_constant=constants.size > 0,
        aliased=ready.aliased,
        alias_check=np.zeros((0, total)),
        separation=separation,
        n_equations=constants.size,
    )


def _null_deviance(run: StrataPass, control: Control) -> float:
    start = np.zeros(run.columns.shape[1])
    if start.size == 0:
        return run.deviance(start)
    return fit_irls(run, start, replace(control, disp=False)).deviance


def _prepare(model: StrataModel, control: Control) -> _Ready:
    names = model.data.names
    if not model.compared.any():
        raise DataError(model.words.nothing)
    whole = strata_pass(model)
    check_sizes(np.abs(whole.columns).max(axis=0, initial=0.0))
    kept, aliased = independent_columns(merge_triangular(None, whole.columns), control.rank_tol)
    told = _told(aliased, names, model.words.constant)
    if kept.size == 0:
        raise DataError(
            f"No column varies within a {model.words.noun} ({', '.join(names)}), so no effect is "
            "identified."
        )
    _warn_of_aliases(told)
    return _Ready(whole.chosen(kept), kept, told)


def strata_pass(
    model: StrataModel, rows: Mask | None = None, columns: NDArray[np.intp] | None = None
) -> StrataPass:
    """Return the pass over rows of strata.

    Parameters
    ----------
    model : StrataModel
    rows : ndarray of bool, shape (m,), optional
        Those of the strata that are compared by default; no stratum of theirs may lack
        cases or controls.
    columns : ndarray of int, optional
        All by default.
    """
    data, strata = model.data, model.strata
    used = model.compared[strata.codes] if rows is None else rows
    inner = strata.taken(used)
    offset = None if data.offset is None else data.offset[used]
    design = data.design if columns is None else select_columns(data.design, columns)
    centred = _within(design.toarray()[used], inner)
    weight = stratum_weight(data, strata)
    if weight is not None:
        weight = weight[np.unique(strata.codes[used])]
    return StrataPass(centred, offset, ConditionalLikelihood(tuple(inner.blocks()), weight))


def stratum_weight(data: ModelData, strata: Strata) -> Array | None:
    """Return the weight of each stratum, which all of its rows have, or None."""
    if data.weight is None:
        return None
    weight = np.empty(strata.count)
    weight[strata.codes] = data.weight
    return weight


def varying_row(values: NDArray[Any], codes: NDArray[np.intp]) -> int | None:
    """Return the first row whose value is not that of its stratum's first row, or None."""
    _, first = np.unique(codes, return_index=True)
    other = values != values[first][codes]
    other = other if other.ndim == 1 else other.any(axis=1)
    return int(np.argmax(other)) if other.any() else None


def _within(matrix: Array, strata: Strata) -> Array:
    """Return columns less their means of each stratum; exactly 0 where constant within all."""
    _, first = np.unique(strata.codes, return_index=True)
    moved = matrix - matrix[first][strata.codes]
    size = np.abs(matrix).max(axis=0, initial=0.0)
    moved[:, np.abs(moved).max(axis=0, initial=0.0) <= CONSTANT * size] = 0.0
    sums = np.zeros((strata.count, matrix.shape[1]))
    np.add.at(sums, strata.codes, moved)
    return np.asarray(moved - (sums / strata.sizes[:, None])[strata.codes])


def _told(aliased: list[Alias], names: tuple[str, ...], constant: str) -> dict[str, str]:
    """Return, for each column that is not identified, why."""
    sums = describe_aliases([alias for alias in aliased if alias.sources.size], names)
    return {
        names[alias.column]: (
            f"{sums[names[alias.column]]} within strata"
            if alias.sources.size
            else f"{names[alias.column]} {constant}"
        )
        for alias in aliased
    }


def _warn_of_aliases(aliased: dict[str, str]) -> None:
    if aliased:
        noun = "column is" if len(aliased) == 1 else "columns are"
        warn(
            f"{len(aliased)} {noun} not identified and left out: {'; '.join(aliased.values())}. "
            "The coefficient is shown as missing (NaN).",
            CollinearityWarning,
        )


def _separation(model: StrataModel, ready: _Ready) -> Separation | None:
    """Return how strata are separated, over all columns and all rows of the data."""
    if ready.run.n_pairs > MOST_PAIRS:
        return None
    pairs = ready.run.differences()
    found = find_separation(pairs, np.ones(pairs.shape[0], dtype=np.int8))
    if found is None:
        return None
    strata, total = model.strata, len(model.data.names)
    used = model.compared[strata.codes]
    drift = np.zeros(used.size)
    drift[used] = ready.run.columns @ found.direction
    return Separation(
        direction=widen(found.direction, ready.kept, total, 0.0),
        rows=used & ~strata.undecided(drift),
        complete=found.complete,
        finite=widen(found.finite, ready.kept, total, True).astype(bool),
    )


def _limit(
    model: StrataModel, separation: Separation, solution: Solution, control: Control
) -> tuple[Solution, NDArray[np.intp]]:
    """Return the fit of the rows that stay uncertain, and the columns that it rests on."""
    ended = replace(
        solution,
        converged=False,
        reason="the data are separated, so no finite maximum-likelihood estimate exists",
    )
    whole = strata_pass(model, model.compared[model.strata.codes] & ~separation.rows)
    kept, _ = independent_columns(merge_triangular(None, whole.columns), control.rank_tol)
    if kept.size == 0:
        deviance = whole.chosen(kept).deviance(np.zeros(0))
        nothing = np.zeros((0, 0))
        return replace(ended, theta=np.zeros(0), deviance=deviance, covariance=nothing), kept
    rest = fit_irls(whole.chosen(kept), np.zeros(kept.size), control)
    return (
        replace(
            ended,
            theta=rest.theta,
            deviance=rest.deviance,
            covariance=rest.covariance,
            condition=rest.condition,
        ),
        kept,
    )


def _warn_of_separation(model: StrataModel, separation: Separation) -> None:
    lost = [model.data.names[j] for j in np.flatnonzero(~separation.finite)]
    warn(model.words.separated.format(names=", ".join(lost)), SeparationWarning)
