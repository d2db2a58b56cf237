"""Fitting ordinal models: several predictors a row, tied to one another by constraints.

With T the map of a model's thresholds to its predictors and s the sign of its slopes, the
predictors of a row are T (thresholds + s x'b) for slopes that all thresholds share, and
T (thresholds + s x'b_m) where each has its own. In constraint matrices (Yee 2015, ch. 3)
the constant has T, a shared slope s T 1, and a free one s T.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glmfit.design import Blocks, Categorical, Design, Mapped, stack
from glmfit.engine.control import Control
from glmfit.engine.irls import Solution, fit_irls
from glmfit.engine.linalg import independent_columns, merge_triangular
from glmfit.engine.passes import Likelihood, Pass
from glmfit.engine.predictor import Predictor
from glmfit.engine.rank import full_rank
from glmfit.engine.runaway import constraint_rows, separation_of
from glmfit.engine.separation import MOVED, Separation
from glmfit.engine.solvers import Solver
from glmfit.errors import ArgumentError, ConvergenceWarning, SeparationWarning, warn
from glmfit.families import Gaussian
from glmfit.likelihoods import GLMLikelihood, Limit, Recession
from glmfit.links import Link
from glmfit.models.classes import check_classes, limit_rows, saturated
from glmfit.models.data import ModelData
from glmfit.models.fitting import alias_check, describe_aliases, warn_of_aliases
from glmfit.models.records import discrete_record, given_start, widen
from glmfit.results.record import FitRecord
from glmfit.sources import Rows

__all__ = [
    "ClassLikelihood",
    "Form",
    "Layout",
    "column_groups",
    "fit_vector",
    "fitted_pass",
    "predictors",
    "with_constant",
]

Array = NDArray[np.float64]

PERFECT = -1e-11
"""Log-probability that is 0 but for rounding."""

MEETING = 1e-2
"""Share of the usual gap between two predictors at which they all but meet."""

START_ORDER = "slopes, then thresholds as such, not their increments"

FAR = 1e4
"""Steps along a direction of separation, whose smallest move is 1, that are far."""


class ClassLikelihood(Likelihood, Protocol):
    """What ordinal models ask of a likelihood beyond what the engine does."""

    def marginal_eta(self, shares: Array) -> Array: ...
    def ordered(self, eta: Array) -> NDArray[np.bool_]: ...
    def recession(self, y: Array) -> list[Recession]: ...
    def limit(self, y: Array, drift: Array) -> Limit: ...
    def log_probabilities(self, eta: Array) -> Array: ...
    def limit_probabilities(self, eta: Array, drift: Array) -> Array: ...
    def means(self, eta: Array) -> Array: ...
    def limit_means(self, eta: Array, drift: Array) -> Array: ...
    def mean_slopes(self, eta: Array) -> Array: ...
    def mean_curvature(self, eta: Array, move: Array) -> Array: ...


@dataclass(frozen=True, slots=True)
class Form:
    """How thresholds and slopes make a row's predictors.

    Attributes
    ----------
    mix : ndarray of shape (M, M)
        T.
    sign : float
        s: -1 where a predictor is threshold less x'b, else 1.
    """

    mix: Array
    sign: float

    @property
    def count(self) -> int:
        """Number M of predictors."""
        return int(self.mix.shape[0])

    @property
    def shared(self) -> Array:
        """How a unit of x'b moves each predictor, shape (M,)."""
        moves: Array = self.sign * self.mix.sum(axis=1)
        return moves

    def shift(self, offset: Array | None) -> Array | None:
        """Return what an offset, which is part of x'b, adds to the predictors."""
        if offset is None:
            return None
        if (self.shared == self.shared[0]).all():
            return offset * float(self.shared[0])
        return np.outer(offset, self.shared)

    def constraints(self, shared: NDArray[np.bool_]) -> sparse.csr_array:
        """Return H for a constant and columns, whose slopes are shared or not.

        Parameters
        ----------
        shared : ndarray of bool, shape (q,)

        Returns
        -------
        sparse array of shape (M (1 + q), P)
            Slopes column by column, thresholds last.
        """
        blocks = [self.shared[:, None] if one else self.sign * self.mix for one in shared]
        widths = [block.shape[1] for block in blocks]
        out = np.zeros((self.count, 1 + shared.size, sum(widths) + self.count))
        start = 0
        for j, block in enumerate(blocks):
            out[:, 1 + j, start : start + widths[j]] = block
            start += widths[j]
        out[:, 0, start:] = self.mix
        return sparse.csr_array(out.reshape(-1, out.shape[2]))


@dataclass(frozen=True, slots=True)
class Layout:
    """The coefficients of an ordinal model: slopes by column, then thresholds.

    Attributes
    ----------
    names : tuple of str
    owners : ndarray of int, shape (P,)
        Column of the design that each belongs to, -1 for thresholds.
    """

    names: tuple[str, ...]
    owners: NDArray[np.intp]

    @classmethod
    def of(
        cls, columns: tuple[str, ...], shared: NDArray[np.bool_], cuts: tuple[str, ...]
    ) -> Layout:
        """Return the coefficients of columns and thresholds named ``cuts``."""
        names: list[str] = []
        owners: list[int] = []
        for j, column in enumerate(columns):
            own = [column] if shared[j] else [f"{column}:{cut}" for cut in cuts]
            names += own
            owners += [j] * len(own)
        return cls((*names, *cuts), np.array([*owners, *[-1] * len(cuts)], dtype=np.intp))


def column_groups(data: ModelData, columns: NDArray[np.intp]) -> dict[str, NDArray[np.intp]]:
    """Return the columns of each term; each by itself where there is no formula."""
    if data.spec is None:
        return {name: np.array([j]) for j, name in enumerate(data.names)}
    place = {int(old): new for new, old in enumerate(columns)}
    groups = {}
    for term, part in data.spec.term_slices.items():
        found = [place[j] for j in range(part.start, part.stop) if j in place]
        if found:
            groups[term] = np.array(found, dtype=np.intp)
    return groups


class VectorModel(Protocol):
    """What the fit asks of a model."""

    @property
    def data(self) -> ModelData: ...
    @property
    def levels(self) -> tuple[Any, ...]: ...
    @property
    def likelihood(self) -> ClassLikelihood: ...
    @property
    def link(self) -> Link: ...
    @property
    def form(self) -> Form: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def shared(self) -> NDArray[np.bool_]: ...


def with_constant(design: Design) -> Design:
    """Return the design with a constant before its columns."""
    constant = Categorical(np.zeros(design.shape[0], dtype=np.int8), 1)
    raw = design.raw
    stored = stack([constant, *(raw.parts if isinstance(raw, Blocks) else [raw])])
    if not isinstance(design, Mapped):
        return stored
    return Mapped(stored, sparse.block_diag([np.ones((1, 1)), design.transform], format="csr"))


def predictors(
    model: VectorModel, theta: Array, design: Design, offset: Array | None = None
) -> Array:
    """Return the predictors of rows of the model's columns, shape (n, M)."""
    rows = Rows(
        np.empty((design.shape[0], 0)), with_constant(design), model.form.shift(offset), None
    )
    vector = Predictor(rows.design, model.form.count, model.form.constraints(model.shared))
    eta = Pass(rows, model.likelihood, Control(), vector).eta(theta)
    return eta.reshape(rows.n, model.form.count)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A pass over the rows that count and the columns that are independent."""

    run: Pass
    kept: NDArray[np.intp]
    """Positions of the coefficients of these columns."""
    aliased: dict[str, str]
    check: Array

    @property
    def likelihood(self) -> ClassLikelihood:
        return self.run.likelihood  # type: ignore[return-value]


def fit_vector(
    model: VectorModel, control: Control, start_params: Any, solver: Solver
) -> FitRecord:
    """Fit an ordinal model and return every scalar of the fit.

    Warns
    -----
    SeparationWarning, ConvergenceWarning, CollinearityWarning
    """
    ready = _prepare(model, control)
    start = _start(model, ready, start_params)
    solution = solver.fit(ready.run, start, control, observed=True)
    if not solution.settled or _fits_perfectly(model, ready, solution.resting):
        found = separation_of(ready.run, solution)
        if found is not None and _stays_ordered(ready, solution.theta, found.direction):
            limit, inner = _limit(ready, found, solution)
            if not limit.settled:
                found = separation_of(ready.run, solution, by_programme=True) or found
                limit, inner = _limit(ready, found, solution)
            wide = _widened(model, ready, found)
            _warn_of_separation(model, wide)
            return _record(model, ready, limit, ready.kept[inner], wide)
    if not solution.converged:
        crossing = _crossing(model, ready, solution.theta)
        solution = replace(solution, reason=f"{solution.reason}{crossing}")
        warn(
            f"The fit did not converge: {solution.reason}. The numbers shown are where it "
            "stopped, not the maximum.",
            ConvergenceWarning,
        )
    return _record(model, ready, solution, ready.kept, None)


def _used_rows(model: VectorModel) -> Rows:
    """Return the rows that count, with a constant before their columns."""
    data = model.data
    rows = Rows(
        data.response.y, with_constant(data.design), model.form.shift(data.offset), data.weight
    )
    return rows if rows.weight is None else rows.where(rows.weight > 0.0)


def fitted_pass(model: VectorModel, record: FitRecord) -> Pass:
    """Return the pass that the estimates maximise (see `Model.fitted_pass`)."""
    rows = _used_rows(model)
    vector = Predictor(rows.design, model.form.count, model.form.constraints(model.shared))
    if record.separation is not None:
        rows = limit_rows(rows, model.likelihood, vector, record.separation.direction)
    return Pass(rows, model.likelihood, Control(), vector.chosen(record.kept))


def _prepare(model: VectorModel, control: Control) -> _Ready:
    data = model.data
    rows = _used_rows(model)
    check_classes(model.levels, data.response.name, rows)
    plain = Rows(np.zeros(rows.n), rows.design, None, rows.weight)
    ranked = full_rank(Pass(plain, GLMLikelihood(Gaussian()), control))
    aliased = describe_aliases(ranked.aliased, ("a constant", *data.names))
    warn_of_aliases(aliased)
    columns = ranked.kept[1:] - 1
    design = ranked.run.rows.design
    vector = Predictor(design, model.form.count, model.form.constraints(model.shared[columns]))
    run = Pass(rows.with_design(design), model.likelihood, control, vector)
    owners = model.layout.owners
    kept = np.flatnonzero((owners < 0) | np.isin(owners, columns))
    return _Ready(run, kept, aliased, alias_check(ranked.aliased, 1 + len(data.names)))


def _start(model: VectorModel, ready: _Ready, given: Any) -> Array:
    """Return slopes of 0 and the thresholds of the classes' shares, or what was given."""
    rows, form = ready.run.held, model.form
    if given is None:
        theta = np.zeros(ready.kept.size)
        theta[-form.count :] = _marginal_thresholds(model, rows)
        return theta
    start = given_start(given, ready.kept, len(model.layout.names), START_ORDER)
    if not np.isfinite(ready.run.deviance(start)):
        raise ArgumentError("start_params give predictors that do not rise: order the thresholds.")
    return start


def _marginal_thresholds(model: VectorModel, rows: Rows) -> Array:
    weight = np.ones(rows.n) if rows.weight is None else rows.weight
    shares = weight @ rows.y / weight.sum()
    eta = model.likelihood.marginal_eta(shares)
    if rows.offset is not None:
        eta = eta - weight @ rows.offset / weight.sum()
    return np.asarray(np.linalg.solve(model.form.mix, eta))


def _fits_perfectly(model: VectorModel, ready: _Ready, theta: Array) -> bool:
    """Return whether some predictor of a row is at its end but for rounding.

    Then rounding may have hidden the last of the score of a separated fit.
    """
    rows = ready.run.held
    eta = ready.run.eta(theta).reshape(rows.n, -1)
    with np.errstate(all="ignore"):
        for bound in ready.likelihood.recession(rows.y):
            value = eta @ bound.combination
            rising = (bound.signs > 0) & (model.link.log_mean(value) > PERFECT)
            falling = (bound.signs < 0) & (model.link.log_complement(value) > PERFECT)
            if (rising | falling).any():
                return True
    return False


def _crossing(model: VectorModel, ready: _Ready, theta: Array) -> str:
    """Say at how many rows the thresholds all but meet, or nothing."""
    if model.form.count < 2 or model.shared.all():
        return ""
    eta = ready.run.eta(theta)
    gap = np.diff(eta, axis=1)
    if ready.likelihood.ordered(-eta).all():  # no order is asked for
        return ""
    count = int((gap < MEETING * np.median(gap, axis=0)).any(axis=1).sum())
    if count == 0:
        return ""
    return (
        f"; the thresholds all but meet at {count} rows: slopes that differ between thresholds "
        "would make them cross, so the maximum lies on the boundary of what the model can be"
    )


def _stays_ordered(ready: _Ready, theta: Array, direction: Array) -> bool:
    """Return whether predictors keep their order far out along a direction.

    With slopes of their own thresholds may cross there, which ends the direction.
    """
    far = ready.run.eta(theta + FAR * direction).reshape(ready.run.rows.n, -1)
    return bool(ready.likelihood.ordered(far).all())


def _limit(
    ready: _Ready, found: Separation, solution: Solution
) -> tuple[Solution, NDArray[np.intp]]:
    """Return the fit far out along a direction, and the coefficients that it rests on."""
    run = ready.run
    ended = replace(
        solution,
        converged=False,
        reason="the data are separated, so no finite maximum-likelihood estimate exists",
    )
    moves, _, _ = constraint_rows(run)
    still = moves[np.abs(moves @ found.direction) <= MOVED]
    if still.shape[0] == 0:
        none = replace(
            ended, theta=np.zeros(0), deviance=0.0, covariance=np.zeros((0, 0)), settled=True
        )
        return none, np.zeros(0, dtype=np.intp)
    inner, _ = independent_columns(merge_triangular(None, still), run.control.rank_tol)
    # where the other rows stood when the fit stopped is inside of the domain
    start = np.asarray(
        np.linalg.lstsq(still[:, inner], still @ solution.theta, rcond=None)[0], dtype=np.float64
    )
    left = limit_rows(run.held, ready.likelihood, run.predictor, found.direction)
    remaining = replace(run, rows=left, vector=run.predictor.chosen(inner))
    rest = fit_irls(remaining, start, run.control.certain(), observed=True)
    if not np.isfinite(rest.deviance):
        rest = replace(rest, deviance=solution.deviance)
    return (
        replace(
            ended,
            theta=rest.theta,
            deviance=rest.deviance,
            covariance=rest.covariance,
            condition=rest.condition,
            settled=rest.settled,
        ),
        inner,
    )


def _widened(model: VectorModel, ready: _Ready, found: Separation) -> Separation:
    """Return the separation over all coefficients and all rows used."""
    total, moved = len(model.layout.names), found.rows
    weight = model.data.weight
    rows = moved
    if weight is not None and not weight.all():
        rows = np.zeros(weight.size, dtype=bool)
        rows[np.flatnonzero(weight)] = moved
    return Separation(
        direction=widen(found.direction, ready.kept, total, 0.0),
        rows=rows,
        complete=found.complete,
        finite=widen(found.finite, ready.kept, total, True).astype(bool),
    )


def _warn_of_separation(model: VectorModel, separation: Separation) -> None:
    lost = dict.fromkeys(
        model.data.names[owner] for owner in model.layout.owners[~separation.finite] if owner >= 0
    )
    kind = "completely" if separation.complete else "quasi-completely"
    warn(
        f"{model.data.response.name!r} is {kind} separated by {', '.join(lost) or 'a constant'}: a "
        f"combination of columns predicts {int(separation.rows.sum())} of {separation.rows.size} "
        "rows perfectly against some level, so no finite maximum-likelihood estimate exists. "
        "Merge levels or remove terms, or see result.separation.",
        SeparationWarning,
    )


def _record(
    model: VectorModel,
    ready: _Ready,
    solution: Solution,
    kept: NDArray[np.intp],
    separation: Separation | None,
) -> FitRecord:
    return discrete_record(
        solution,
        kept,
        len(model.layout.names),
        most=saturated(model.data),
        null_deviance=_null_deviance(model, ready),
        nobs=model.data.n_effective,
        rank=ready.kept.size,
        has_constant=True,
        aliased=ready.aliased,
        alias_check=ready.check,
        separation=separation,
        n_equations=model.form.count,
    )


def _null_deviance(model: VectorModel, ready: _Ready) -> float:
    """Return the deviance of the model with thresholds only (and the offset)."""
    rows = ready.run.held
    start = _marginal_thresholds(model, rows)
    constant = Categorical(np.zeros(rows.n, dtype=np.int8), 1)
    vector = Predictor(constant, model.form.count, sparse.csr_array(model.form.mix))
    run = replace(ready.run, rows=rows.with_design(constant), vector=vector)
    if rows.offset is None:
        return run.deviance(start)
    return fit_irls(run, start, run.control.certain()).deviance
