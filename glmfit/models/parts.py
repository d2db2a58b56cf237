"""Fitting responses that have a predictor for each parameter: a mean, and how they spread.

Columns of all predictors stand side by side in one design. A parameter that is one number is
fitted through its link, and shown as itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glmfit.design import Categorical, Design, beside, constant_combination, narrowed
from glmfit.engine.control import Control
from glmfit.engine.irls import Solution, fit_irls
from glmfit.engine.passes import Pass
from glmfit.engine.predictor import Predictor
from glmfit.engine.rank import full_rank
from glmfit.engine.solvers import NEWTON, Solver
from glmfit.engine.start import starting_theta
from glmfit.engine.warm import fit_warm, samples
from glmfit.errors import (
    ArgumentError,
    BoundaryWarning,
    ConvergenceWarning,
    warn,
)
from glmfit.families import Gaussian
from glmfit.likelihoods import GLMLikelihood, JointLikelihood
from glmfit.models.classes import limit_rows
from glmfit.models.data import ModelData
from glmfit.models.fitting import alias_check, describe_aliases, warn_of_aliases
from glmfit.models.records import discrete_record, given_start
from glmfit.models.zeros import Runaway, runaway, warn_of_runaway
from glmfit.results.record import FitRecord
from glmfit.sources import Rows

__all__ = ["JointModelLike", "PartForm", "fit_parts", "fitted_part_pass", "shown_form"]

Array = NDArray[np.float64]

NOTHING = 1e-7
"""Deviance that a parameter takes away which is at its lower end but for rounding."""

VANISHING = -20.0
"""Predictor of a parameter that is at its lower end but for rounding."""


@dataclass(frozen=True, slots=True)
class PartForm:
    """Which columns of a stacked design each predictor has.

    Attributes
    ----------
    likelihood : JointLikelihood
    widths : tuple of int
        Columns of each predictor, in the order of ``likelihood.parts``.
    natural : tuple of bool
        Which predictors are one number that is shown as the parameter itself.
    """

    likelihood: JointLikelihood
    widths: tuple[int, ...]
    natural: tuple[bool, ...]

    @property
    def size(self) -> int:
        """Number of columns."""
        return sum(self.widths)

    def span(self, part: str) -> slice:
        """Return the columns of a predictor."""
        place = self.likelihood.parts.index(part)
        start = sum(self.widths[:place])
        return slice(start, start + self.widths[place])

    @property
    def constraints(self) -> sparse.csr_array:
        """Which coefficients enter which predictor, shape (M q, q)."""
        count, q = len(self.widths), self.size
        columns = np.arange(q)
        owners = np.repeat(np.arange(count), self.widths)
        entries = (np.ones(q), (owners * q + columns, columns))
        return sparse.csr_array(entries, shape=(count * q, q))

    def predictor(self, design: Design) -> Predictor:
        """Return the predictors of a stacked design."""
        if len(self.widths) == 1:
            return Predictor(design)
        return Predictor(design, len(self.widths), self.constraints)

    def offsets(self, offset: Array | None) -> Array | None:
        """Return what an offset of the mean adds to each predictor."""
        if offset is None or len(self.widths) == 1:
            return offset
        out = np.zeros((offset.size, len(self.widths)))
        out[:, 0] = offset
        return out

    def shown(self) -> PartForm:
        """Return the form whose coefficients are the parameters that are shown as such."""
        return replace(self, likelihood=self.likelihood.shown(self.natural))

    def inner(self) -> PartForm | None:
        """Return the form with the last parameter at its lower end, if it is one number."""
        likelihood = self.likelihood.inner() if self.natural[-1] else None
        if likelihood is None:
            return None
        return PartForm(likelihood, self.widths[:-1], self.natural[:-1])

    @property
    def lone(self) -> list[tuple[int, int]]:
        """The predictors and columns of parameters that are shown as such."""
        ends = np.cumsum(self.widths)
        return [(m, int(ends[m]) - 1) for m, own in enumerate(self.natural) if own]


class JointModelLike(Protocol):
    """What the fit asks of a model."""

    @property
    def data(self) -> ModelData: ...
    @property
    def form(self) -> PartForm: ...
    @property
    def start_order(self) -> str: ...
    @property
    def boundary_told(self) -> str: ...
    def joint_rows(self) -> Rows: ...
    def mean_rows(self) -> Rows: ...


@dataclass(frozen=True, slots=True)
class _Problem:
    """Rows, and how their columns make predictors."""

    rows: Rows
    """With the stacked design, and the offset of the mean, shape (n,)."""
    plain: Rows
    """The same for a model of the mean alone."""
    form: PartForm
    kept: NDArray[np.intp]
    """Columns that are independent within their predictor."""
    control: Control

    @property
    def run(self) -> Pass:
        """The pass that is maximised."""
        form = self.form
        rows = replace(self.rows, offset=form.offsets(self.rows.offset))
        vector = form.predictor(rows.design).chosen(self.kept).apart()
        return Pass(rows, form.likelihood, self.control, vector)

    def columns(self, part: str) -> Design:
        """Return the kept columns of a predictor, over their own stored parts."""
        span = self.form.span(part)
        chosen = self.kept[(self.kept >= span.start) & (self.kept < span.stop)]
        return narrowed(self.rows.design, span).columns(chosen - span.start)

    def inner(self) -> _Problem | None:
        """Return the problem with the last parameter at its lower end."""
        form = self.form.inner()
        if form is None:
            return None
        rows = self.rows.with_design(narrowed(self.rows.design, slice(0, form.size)))
        return replace(self, rows=rows, form=form, kept=self.kept[self.kept < form.size])


@dataclass(frozen=True, slots=True)
class _Maximum:
    """Where a problem has its maximum; ``inner`` is that at the end of the last parameter."""

    solution: Solution
    boundary: bool = False
    inner: Solution | None = None


def fit_parts(
    model: JointModelLike, control: Control, start_params: Any, solver: Solver
) -> FitRecord:
    """Fit all predictors jointly and return every scalar of the fit.

    Warns
    -----
    BoundaryWarning, SeparationWarning, ConvergenceWarning, CollinearityWarning
    """
    problem, aliased, check = _prepare(model, control)
    warn_of_aliases(aliased)
    start = None if start_params is None else _given_start(model, problem, start_params)
    best = _maximum(problem, start, solver)
    inner = problem.inner()
    fitted = inner if best.boundary and inner is not None else problem
    if best.boundary:
        warn(model.boundary_told, BoundaryWarning)
    found = None if best.solution.settled else runaway(fitted.run, best.solution)
    if found is not None:
        warn_of_runaway(found, fitted.kept, model.data.names, model.data.response.name)
    elif not best.solution.converged:
        warn(
            f"The fit did not converge: {best.solution.reason}. The numbers shown are where it "
            "stopped, not the maximum.",
            ConvergenceWarning,
        )
    record = _record(model, problem, fitted, best, found, aliased, check)
    return _in_parameters(record, fitted.form)


def fitted_part_pass(model: JointModelLike, record: FitRecord) -> Pass:
    """Return the pass that the estimates maximise (see `Model.fitted_pass`)."""
    form = shown_form(model.form, record)
    rows = _counted(model.joint_rows())
    design = narrowed(rows.design, slice(0, form.size)) if record.at_boundary else rows.design
    rows = replace(rows, design=design, offset=form.offsets(rows.offset))
    vector = form.predictor(design)
    if record.separation is not None:
        direction = record.separation.direction[: form.size]
        rows = limit_rows(rows, form.likelihood, vector, direction)
    return Pass(rows, form.likelihood, Control(), vector.chosen(record.kept).apart())


def shown_form(form: PartForm, record: FitRecord) -> PartForm:
    """Return the form whose coefficients are those of a record."""
    inner = form.inner() if record.at_boundary else None
    return (form if inner is None else inner).shown()


def _counted(rows: Rows) -> Rows:
    return rows if rows.weight is None else rows.where(rows.weight > 0.0)


def _prepare(model: JointModelLike, control: Control) -> tuple[_Problem, dict[str, str], Array]:
    """Return the problem of the independent columns, the others in words, and as a check."""
    form, rows, names = model.form, _counted(model.joint_rows()), model.data.names
    kept, aliased = [], {}
    checks = [np.zeros((0, form.size))]
    for part in form.likelihood.parts:
        span = form.span(part)
        plain = Rows(np.zeros(rows.n), narrowed(rows.design, span), None, rows.weight)
        ranked = full_rank(Pass(plain, GLMLikelihood(Gaussian()), control))
        kept.append(span.start + ranked.kept)
        aliased.update(describe_aliases(ranked.aliased, names[span]))
        check = np.zeros((len(ranked.aliased), form.size))
        check[:, span] = alias_check(ranked.aliased, span.stop - span.start)
        checks.append(check)
    problem = _Problem(rows, _counted(model.mean_rows()), form, np.concatenate(kept), control)
    return problem, aliased, np.vstack(checks)


def _given_start(model: JointModelLike, problem: _Problem, start_params: Any) -> Array:
    form = problem.form
    given = given_start(start_params, np.arange(form.size), form.size, model.start_order)
    for m, column in form.lone:
        with np.errstate(all="ignore"):
            given[column] = form.likelihood.links[m].link(given[column : column + 1])[0]
    start = given[problem.kept]
    if not (np.isfinite(start).all() and np.isfinite(problem.run.deviance(start))):
        raise ArgumentError("The likelihood is 0 at start_params. Leave them out for a start.")
    return start


def _maximum(problem: _Problem, start: Array | None, solver: Solver) -> _Maximum:
    """Return the maximum, at the lower end of the last parameter if it is there."""
    smaller, inner = problem.inner(), None
    if smaller is not None:
        first = None if start is None else start[: smaller.kept.size]
        inner = _maximum(smaller, first, solver).solution
        if inner.settled and _falls(problem, inner):
            return _Maximum(inner, True, inner)
    starts = [start] if start is not None else _starts(problem)
    solution = _best_of(problem.run, starts, solver)
    if inner is None:
        return _Maximum(solution)
    ended = not inner.deviance - solution.deviance > NOTHING
    return _Maximum(inner, True, inner) if ended else _Maximum(solution, inner=inner)


def _falls(problem: _Problem, inner: Solution) -> bool:
    """Return whether the likelihood does not rise with the last parameter at its lower end."""
    slope = problem.run.slope(np.append(inner.theta, VANISHING))
    return not (np.isfinite(slope.deviance) and slope.score[-1] > 0.0)


def _best_of(run: Pass, starts: Sequence[Array], solver: Solver) -> Solution:
    """Return the fit from the start at which the likelihood is highest."""
    begun = min(starts, key=run.deviance)
    return fit_warm(run, begun, solver, observed=True)


def _starts(problem: _Problem) -> list[Array]:
    """Return where fits may begin: the mean by itself, and what its residuals tell."""
    likelihood = problem.form.likelihood
    plain = replace(problem.plain, design=problem.columns("mean"))
    family = GLMLikelihood(likelihood.mean_family())
    run = samples(Pass(plain, family, problem.control.certain()))[-1]
    mean = fit_irls(run, starting_theta(run, run.start()), run.control).theta
    rows = problem.rows
    eta = replace(run, rows=plain).eta(mean)
    weight = np.ones(rows.n) if rows.weight is None else rows.weight
    found = []
    for values in likelihood.spread(rows.y, family.family.link.inverse(eta), weight):
        theta = [mean]
        for place, value in enumerate(values, start=1):
            design = problem.columns(likelihood.parts[place])
            unit = constant_combination(design)
            level = float(likelihood.links[place].link(np.array([value]))[0])
            theta.append(np.zeros(design.shape[1]) if unit is None else level * unit)
        found.append(np.concatenate(theta))
    usable = [theta for theta in found if np.isfinite(problem.run.deviance(theta))]
    return usable or [np.zeros(problem.kept.size)]


def _record(
    model: JointModelLike,
    problem: _Problem,
    fitted: _Problem,
    best: _Maximum,
    found: Runaway | None,
    aliased: dict[str, str],
    check: Array,
) -> FitRecord:
    data, p = model.data, problem.form.size
    solution, kept, separation = best.solution, fitted.kept, None
    if found is not None:
        solution, kept = found.limit, fitted.kept[found.inner]
        separation = found.widened(fitted.kept, p, data.weight)
    parts = problem.form.likelihood.parts
    constants = [constant_combination(problem.columns(part)) is not None for part in parts]
    most = _most(problem)
    record = discrete_record(
        solution,
        kept,
        p,
        most=most,
        null_deviance=_null_deviance(problem) if constants[0] else math.nan,
        nobs=data.n_effective,
        rank=problem.kept.size,
        has_constant=constants[0],
        aliased=aliased,
        alias_check=check,
        separation=separation,
        n_equations=sum(constants),
    )
    if best.inner is not None:
        record = replace(record, llf_boundary=most - 0.5 * best.inner.deviance)
    if best.boundary:
        record = replace(record, at_boundary=tuple(range(p - problem.form.widths[-1], p)))
    return record


def _in_parameters(record: FitRecord, form: PartForm) -> FitRecord:
    """Return the record with parameters themselves where they are one number each."""
    base, unscaled = record.base.copy(), record.unscaled.copy()
    for m, column in form.lone:
        link, eta = form.likelihood.links[m], base[column : column + 1]
        slope = float(link.inverse_deriv(eta)[0])
        base[column] = float(link.inverse(eta)[0])
        unscaled[column] *= slope
        unscaled[:, column] *= slope
    return replace(record, base=base, unscaled=unscaled)


def _most(problem: _Problem) -> float:
    """Return the log-likelihood at which the deviance is 0."""
    values, weight = problem.form.likelihood.most(problem.rows.y), problem.rows.weight
    return float(values.sum() if weight is None else np.dot(values, weight))


def _null_deviance(problem: _Problem) -> float:
    """Return the deviance of the model with a constant for each predictor (and the offset)."""
    count = len(problem.form.widths)
    design = beside([_constant(problem.rows.n) for _ in range(count)])
    form = replace(problem.form, widths=(1,) * count)
    rows, plain = problem.rows.with_design(design), problem.plain.with_design(design)
    null = _Problem(rows, plain, form, np.arange(count), problem.control.certain())
    return _maximum(null, None, NEWTON).solution.deviance


def _constant(n: int) -> Design:
    return Categorical(np.zeros(n, dtype=np.int8), 1)
