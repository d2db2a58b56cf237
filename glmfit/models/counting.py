"""Fitting models of counts: a mean, and beside it zeros and a dispersion of their own.

The fit without overdispersion (alpha = 0) comes first. It is the start of the fit that
has alpha, the smaller model of the test of overdispersion, and, where its likelihood does
not rise with alpha, the answer: the maximum then lies on the boundary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glmfit.counts import (
    CountLikelihood,
    NegativeBinomialCount,
    PlainCount,
    PoissonCount,
    saturated_poisson,
)
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
    FitError,
    warn,
)
from glmfit.families import Gaussian, Poisson
from glmfit.likelihoods import GLMLikelihood
from glmfit.models.classes import limit_rows
from glmfit.models.data import ModelData
from glmfit.models.fitting import alias_check, describe_aliases, warn_of_aliases
from glmfit.models.records import discrete_record, given_start
from glmfit.models.zeros import Runaway, near_an_end, runaway, warn_of_runaway
from glmfit.results.record import FitRecord
from glmfit.sources import Rows

__all__ = ["CountForm", "estimated_alpha", "fit_counts", "fitted_count_pass", "shown_form"]

Array = NDArray[np.float64]

NOTHING = 1e-7
"""Deviance that an alpha takes away which is 0 but for rounding."""

ROUGH = 1e-5
"""Standard errors to which a fit is taken whose deviance is wanted to the last digits."""

FURTHER = 3.0
"""Move of log mu and log alpha that a maximum would not bear."""

RISING = (
    "alpha rises for ever while the mean falls: positive counts are spread as far as any negative "
    "binomial has them, and their limit is the logarithmic distribution"
)

VANISHING = -20.0
"""Logarithm of an alpha that is 0 but for rounding."""


@dataclass(frozen=True, slots=True)
class CountForm:
    """Which columns of a stacked design each predictor has.

    Attributes
    ----------
    likelihood : CountLikelihood
    widths : tuple of int
        Columns of each predictor, in the order of ``likelihood.parts``.
    one_alpha : bool
        Whether alpha is one number, which is then shown as such and not as its logarithm.
    """

    likelihood: CountLikelihood
    widths: tuple[int, ...]
    one_alpha: bool

    @property
    def estimates_alpha(self) -> bool:
        """Whether there is an alpha to estimate."""
        return "alpha" in self.likelihood.parts

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
        out[:, self.likelihood.parts.index("mean")] = offset
        return out

    def in_alpha(self) -> CountForm:
        """Return the form whose coefficient is alpha in place of its logarithm."""
        if not self.one_alpha:
            return self
        kernel = self.likelihood.kernel.in_alpha()
        return replace(self, likelihood=replace(self.likelihood, kernel=kernel))

    @property
    def has_boundary(self) -> bool:
        """Whether alpha is one number that may be at the end of its range."""
        return self.one_alpha and self.likelihood.kernel.bounded

    @property
    def by_log_alpha(self) -> bool:
        """Whether alpha is one number, fitted as its logarithm."""
        return self.one_alpha and self.likelihood.kernel.logarithmic

    def without_alpha(self) -> CountForm:
        """Return the form of the model with alpha = 0."""
        kernel = PoissonCount()
        return CountForm(replace(self.likelihood, kernel=kernel), self.widths[:-1], False)


class CountModelLike(Protocol):
    """What the fit asks of a model."""

    @property
    def data(self) -> ModelData: ...
    @property
    def form(self) -> CountForm: ...
    @property
    def start_order(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Problem:
    """Rows, and how their columns make predictors."""

    rows: Rows
    """With the stacked design, and the offset of the mean, shape (n,)."""
    form: CountForm
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

    def positions(self, part: str) -> NDArray[np.intp]:
        """Return which of the kept coefficients belong to a predictor."""
        span = self.form.span(part)
        return np.flatnonzero((self.kept >= span.start) & (self.kept < span.stop))

    def columns(self, part: str) -> Design:
        """Return the kept columns of a predictor, over their own stored parts."""
        span = self.form.span(part)
        design = narrowed(self.rows.design, span)
        return design.columns(self.kept[self.positions(part)] - span.start)

    def without_alpha(self) -> _Problem:
        """Return the problem with alpha = 0."""
        form = self.form.without_alpha()
        q = form.size
        design = narrowed(self.rows.design, slice(0, q))
        return replace(
            self, rows=self.rows.with_design(design), form=form, kept=self.kept[self.kept < q]
        )


@dataclass(frozen=True, slots=True)
class _Maximum:
    """Where a problem has its maximum.

    Attributes
    ----------
    solution : Solution
        On the boundary for the coefficients without alpha.
    boundary : bool
        Whether alpha is 0.
    inner : Solution or None
        The fit with alpha = 0, if there was one.
    """

    solution: Solution
    boundary: bool = False
    inner: Solution | None = None


def fit_counts(
    model: CountModelLike, control: Control, start_params: Any, solver: Solver
) -> FitRecord:
    """Fit a model of counts and return every scalar of the fit.

    Warns
    -----
    BoundaryWarning, SeparationWarning, ConvergenceWarning, CollinearityWarning
    """
    problem, aliased, check = _prepare(model, control)
    warn_of_aliases(aliased)
    start = None if start_params is None else _given_start(model, problem, start_params)
    best = _maximum(problem, start, solver)
    fitted = problem.without_alpha() if best.boundary else problem
    if best.boundary:
        warn(
            "The counts are not overdispersed: the likelihood falls with alpha from 0 on, so the "
            "estimate is alpha = 0, on the boundary, and the other numbers are those of the model "
            "without alpha (Poisson).",
            BoundaryWarning,
        )
    names = model.data.names
    found = None
    if not best.solution.settled or near_an_end(fitted.run, best.solution.theta):
        found = runaway(fitted.run, best.solution)
    if found is not None:
        warn_of_runaway(found, fitted.kept, names, model.data.response.name)
    elif not best.solution.converged:
        best = replace(best, solution=_with_reason(fitted, best.solution))
        warn(
            f"The fit did not converge: {best.solution.reason}. The numbers shown are where it "
            "stopped, not the maximum.",
            ConvergenceWarning,
        )
    record = _record(model, problem, fitted, best, found, aliased, check)
    natural = model.form.by_log_alpha and not best.boundary
    return _with_alpha_itself(record) if natural else record


def _with_reason(problem: _Problem, solution: Solution) -> Solution:
    """Return a fit that did not converge, with the reason if alpha rises for ever."""
    form = problem.form
    if not form.by_log_alpha:
        return solution
    direction = np.zeros(solution.theta.size)
    direction[problem.positions("mean")] = _constant(problem.columns("mean"), -1.0)
    direction[problem.positions("alpha")] = 1.0
    further = problem.run.deviance(solution.theta + FURTHER * direction)
    stays = direction[:-1].any() and further <= solution.deviance + NOTHING * form.size
    return replace(solution, reason=RISING) if stays else solution


@dataclass(frozen=True, slots=True)
class _Joint:
    """Rows of a GLM with a predictor for alpha beside that of the mean."""

    data: ModelData
    form: CountForm
    start_order: str = ""


def estimated_alpha(data: ModelData, control: Control) -> float:
    """Return the maximum-likelihood alpha of NB2 counts with a log link; 0 on the boundary.

    Raises
    ------
    FitError
        If the joint likelihood of coefficients and alpha has no maximum that is found.
    """
    p = len(data.names)
    form = CountForm(PlainCount(NegativeBinomialCount()), (p, 1), True)
    design = beside([data.design, _constants(data.design.shape[0], 1)])
    joint = _Joint(replace(data, design=design, names=(*data.names, "alpha")), form)
    problem, _, _ = _prepare(joint, control)
    best = _maximum(problem, None, NEWTON)
    if best.boundary:
        return 0.0
    solution = best.solution
    if not solution.settled:
        found = runaway(problem.run, solution)
        solution = solution if found is None else found.limit
    alpha = math.exp(solution.theta[-1]) if solution.theta.size else math.nan
    if not (solution.settled and math.isfinite(alpha) and alpha > 0.0):
        raise FitError(
            f"alpha could not be estimated ({best.solution.reason}). Give it, as in "
            "families.NegativeBinomial(alpha=1.0)."
        )
    return alpha


def fitted_count_pass(model: CountModelLike, record: FitRecord) -> Pass:
    """Return the pass that the estimates maximise (see `Model.fitted_pass`)."""
    form = shown_form(model.form, record)
    data = model.data
    rows = _counted(data)
    design = narrowed(rows.design, slice(0, form.size)) if record.at_boundary else rows.design
    rows = replace(rows, design=design, offset=form.offsets(rows.offset))
    vector = form.predictor(design)
    if record.separation is not None:
        direction = record.separation.direction[: form.size]
        rows = limit_rows(rows, form.likelihood, vector, direction)
    return Pass(rows, form.likelihood, Control(), vector.chosen(record.kept).apart())


def shown_form(form: CountForm, record: FitRecord) -> CountForm:
    """Return the form whose coefficients are those of a record."""
    return form.without_alpha() if record.at_boundary else form.in_alpha()


def _counted(data: ModelData) -> Rows:
    rows = data.rows()
    return rows if rows.weight is None else rows.where(rows.weight > 0.0)


def _prepare(model: CountModelLike, control: Control) -> tuple[_Problem, dict[str, str], Array]:
    """Return the problem of the independent columns, the others in words, and as a check."""
    form, rows, names = model.form, _counted(model.data), model.data.names
    kept, aliased = [], {}
    checks = [np.zeros((0, form.size))]
    for part in form.likelihood.parts:
        span = form.span(part)
        weight = rows.weight
        if part != "inflate" and not form.likelihood.zeros_tell_of_mean:
            positive = (rows.y > 0.0).astype(np.float64)
            weight = positive if weight is None else positive * weight
        plain = Rows(np.zeros(rows.n), narrowed(rows.design, span), None, weight)
        ranked = full_rank(Pass(plain, GLMLikelihood(Gaussian()), control))
        kept.append(span.start + ranked.kept)
        aliased.update(describe_aliases(ranked.aliased, names[span]))
        check = np.zeros((len(ranked.aliased), form.size))
        check[:, span] = alias_check(ranked.aliased, span.stop - span.start)
        checks.append(check)
    return _Problem(rows, form, np.concatenate(kept), control), aliased, np.vstack(checks)


def _given_start(model: CountModelLike, problem: _Problem, start_params: Any) -> Array:
    start = given_start(start_params, problem.kept, problem.form.size, model.start_order)
    if model.form.by_log_alpha:
        if not start[-1] > 0.0:
            raise ArgumentError(f"start_params has alpha = {start[-1]:g}; alpha must be above 0.")
        start[-1] = math.log(start[-1])
    if not np.isfinite(problem.run.deviance(start)):
        raise ArgumentError("The likelihood is 0 at start_params. Leave them out for a start.")
    return start


def _maximum(problem: _Problem, start: Array | None, solver: Solver) -> _Maximum:
    """Return the maximum, on the boundary alpha = 0 if it is there."""
    if not problem.form.estimates_alpha:
        starts = [start] if start is not None else _starts(problem)
        return _Maximum(_best_of(problem.run, starts, solver))
    poisson = problem.without_alpha()
    first = None if start is None else start[: poisson.kept.size]
    # only its deviance is wanted, unless it is the answer
    rough = replace(poisson, control=replace(problem.control, tol=max(ROUGH, problem.control.tol)))
    inner = _maximum(rough, first, solver).solution
    if problem.form.has_boundary and inner.settled and _falls_with_alpha(problem, inner):
        return _beyond(problem, poisson, inner, start, solver)
    starts = [start] if start is not None else _overdispersed_starts(problem, poisson, inner)
    solution = _best_of(problem.run, starts, solver)
    # a fit from further away may end at the boundary although alpha rises there at first
    adds = inner.deviance - solution.deviance
    if problem.form.has_boundary and not adds > NOTHING:
        inner = _maximum(poisson, inner.theta, solver).solution
        return _Maximum(inner, True, inner)
    return _Maximum(solution, inner=inner)


def _beyond(
    problem: _Problem, poisson: _Problem, inner: Solution, start: Array | None, solver: Solver
) -> _Maximum:
    """Return the boundary where the likelihood falls from, unless it rises higher further on.

    With few counts above 0 it can fall from alpha = 0 on and have its maximum near 1. Of
    many rows a sample says where to look.
    """
    alphas = problem.columns("alpha")
    far = np.concatenate([inner.theta, _constant(alphas, 0.0)]) if start is None else start
    sample = samples(problem.run)[-1]
    if np.isfinite(sample.deviance(far)):
        seen = fit_irls(sample, far, sample.control, observed=True)
        adds = inner.deviance - problem.run.deviance(seen.theta)
        if adds > NOTHING * max(1.0, abs(inner.deviance)):
            return _Maximum(_best_of(problem.run, [seen.theta], solver), inner=inner)
    inner = _maximum(poisson, inner.theta, solver).solution
    return _Maximum(inner, boundary=True, inner=inner)


def _best_of(run: Pass, starts: Sequence[Array], solver: Solver) -> Solution:
    """Return the fit from the start that leads highest on the smallest sample of the rows."""
    if len(starts) == 1:
        return fit_warm(run, starts[0], solver, observed=True)
    sample = samples(run)[-1]
    sample = replace(sample, control=run.control.certain())
    ends = [fit_irls(sample, start, sample.control, observed=True) for start in starts]
    best = min(range(len(ends)), key=lambda i: (not ends[i].settled, ends[i].deviance))
    if sample.rows.n == run.rows.n and solver is NEWTON and run.control == run.control.certain():
        return ends[best]
    return fit_warm(run, starts[best], solver, observed=True)


def _falls_with_alpha(problem: _Problem, inner: Solution) -> bool:
    """Return whether the likelihood does not rise with alpha at alpha = 0."""
    theta = np.append(inner.theta, VANISHING)
    slope = problem.run.slope(theta)
    return not (np.isfinite(slope.deviance) and slope.score[-1] > 0.0)


def _starts(problem: _Problem) -> list[Array]:
    """Return where fits without alpha may begin: means of all counts, and of positive ones."""
    parts = problem.form.likelihood.parts
    run = samples(problem.run)[-1]
    y, weight = run.held.y, run.held.weight
    prior = np.ones_like(y) if weight is None else weight
    share = float(np.dot(prior, y == 0.0) / prior.sum())
    found = []
    for positive in (True, False) if "inflate" in parts else (False,):
        counted = prior * (y > 0.0) if positive else weight
        mean = _poisson_theta(problem, counted)
        theta = np.zeros(problem.kept.size)
        theta[problem.positions("mean")] = mean
        if "inflate" in parts:
            odds = _log_odds_of_zeros(problem, theta, share)
            theta[problem.positions("inflate")] = _constant(problem.columns("inflate"), odds)
        found.append(theta)
    usable = [theta for theta in found if np.isfinite(problem.run.deviance(theta))]
    return usable or [np.zeros(problem.kept.size)]


def _poisson_theta(problem: _Problem, weight: Array | None) -> Array:
    """Return the Poisson fit to the smallest sample of rows."""
    rows = replace(problem.rows, design=problem.columns("mean"))
    run = samples(Pass(rows, GLMLikelihood(Poisson()), problem.control.certain()))[-1]
    run = replace(run, rows=replace(run.held, weight=weight))
    return fit_irls(run, starting_theta(run, run.start()), run.control).theta


def _log_odds_of_zeros(problem: _Problem, theta: Array, share: float) -> float:
    """Return the constant of the predictor of zeros, from the share of zeros that is seen."""
    if not problem.form.likelihood.zeros_mixed:
        return math.log1p(-share) - math.log(share)
    run = samples(problem.run)[-1]
    eta = run.eta(theta).reshape(run.rows.n, -1)[:, 1]
    usual = float(np.exp(-np.exp(np.minimum(eta, 50.0))).mean())
    excess = min(max((share - usual) / (1.0 - usual), 0.02), 0.98)
    return math.log(excess / (1.0 - excess))


def _constant(design: Design, value: float) -> Array:
    """Return the coefficients at which every row has a value, 0 if there are none."""
    unit = constant_combination(design)
    return np.zeros(design.shape[1]) if unit is None else value * unit


def _overdispersed_starts(problem: _Problem, poisson: _Problem, inner: Solution) -> list[Array]:
    """Return where fits with alpha may begin: at the fit without, and without inflation."""
    alphas = problem.columns("alpha")
    run = problem.run
    if not problem.form.likelihood.kernel.logarithmic:
        return [np.concatenate([inner.theta, np.zeros(alphas.shape[1])])]

    def begun(theta: Array, alpha: float) -> Array:
        return np.concatenate([theta, _constant(alphas, math.log(alpha))])

    candidates = [begun(inner.theta, alpha) for alpha in (_first_alpha(problem, inner), 1.0)]
    if "inflate" in problem.form.likelihood.parts:
        plain = inner.theta.copy()
        plain[poisson.positions("inflate")] = _constant(poisson.columns("inflate"), -2.0)
        plain[poisson.positions("mean")] = _poisson_theta(problem, samples(run)[-1].held.weight)
        candidates.append(begun(plain, 1.0))
    else:
        candidates = candidates[:1]
    usable = [theta for theta in candidates if np.isfinite(run.deviance(theta))]
    return usable or [np.zeros(problem.kept.size)]


def _first_alpha(problem: _Problem, inner: Solution) -> float:
    """Return alpha one step of scoring from alpha = 0: by moments, where all zeros are alike."""
    run = samples(problem.run)[-1]
    theta = np.concatenate([inner.theta, _constant(problem.columns("alpha"), VANISHING)])
    slope = run.slope(theta)
    eta = run.eta(theta)
    prior = np.ones(run.held.n) if run.held.weight is None else run.held.weight
    with np.errstate(all="ignore"):
        alpha = math.exp(VANISHING)
        known = np.dot(prior, problem.form.likelihood.kernel.expected(eta[:, -2:])[2]) / alpha**2
        rise = slope.score[problem.positions("alpha")[0]] / alpha
        step = rise / known
    return float(min(step, 20.0)) if np.isfinite(step) and step > 0.0 else 1.0


def _record(
    model: CountModelLike,
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
    constants = [
        constant_combination(problem.columns(part)) is not None
        for part in problem.form.likelihood.parts
    ]
    has_constant = constants[problem.form.likelihood.parts.index("mean")]
    record = discrete_record(
        solution,
        kept,
        p,
        most=_most(problem.rows),
        null_deviance=_null_deviance(problem) if has_constant else math.nan,
        nobs=data.n_effective,
        rank=problem.kept.size,
        has_constant=has_constant,
        aliased=aliased,
        alias_check=check,
        separation=separation,
        n_equations=sum(constants),
    )
    if not problem.form.likelihood.zero_part:
        # as glm.nb() and statsmodels count; of two-part models pscl counts all coefficients
        alphas = problem.positions("alpha").size if problem.form.estimates_alpha else 0
        record = replace(record, nuisance=alphas)
    if best.inner is not None:
        record = replace(record, llf_boundary=_most(problem.rows) - 0.5 * best.inner.deviance)
    if best.boundary:
        record = replace(record, at_boundary=tuple(range(*problem.form.span("alpha").indices(p))))
    return record


def _with_alpha_itself(record: FitRecord) -> FitRecord:
    """Return the record with alpha in place of its logarithm, the last coefficient."""
    base = record.base.copy()
    base[-1] = math.exp(base[-1])
    unscaled = record.unscaled.copy()
    unscaled[-1] *= base[-1]
    unscaled[:, -1] *= base[-1]
    return replace(record, base=base, unscaled=unscaled)


def _most(rows: Rows) -> float:
    """Return the log-likelihood at which the deviance is 0."""
    values = saturated_poisson(rows.y)
    return float(values.sum() if rows.weight is None else np.dot(values, rows.weight))


def _null_deviance(problem: _Problem) -> float:
    """Return the deviance of the model with a constant for each predictor (and the offset)."""
    rows = problem.rows
    if rows.offset is None:
        # rows of equal counts are alike
        values, places = np.unique(rows.y, return_inverse=True)
        weight = np.bincount(places, weights=rows.weight, minlength=values.size).astype(float)
        rows = Rows(values, _constants(values.size, 1), None, weight)
    count = len(problem.form.widths)
    rows = rows.with_design(_constants(rows.n, count))
    form = replace(problem.form, widths=(1,) * count)
    null = _Problem(rows, form, np.arange(count), problem.control.certain())
    return _maximum(null, None, NEWTON).solution.deviance


def _constants(n: int, count: int) -> Design:
    """Return ``count`` constant columns."""
    return beside([Categorical(np.zeros(n, dtype=np.int8), 1) for _ in range(count)])
