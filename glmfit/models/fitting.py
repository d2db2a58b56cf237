"""From rows to the numbers of a fit: rank, start, scoring, dispersion, null model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.design import constant_combination
from glmfit.engine.cells import cells_of
from glmfit.engine.control import Control
from glmfit.engine.executor import map_chunks, one_pool
from glmfit.engine.firth import Kind, fit_firth
from glmfit.engine.irls import Solution, fit_irls
from glmfit.engine.linalg import Alias
from glmfit.engine.passes import Pass
from glmfit.engine.rank import FullRank, full_rank, select_columns
from glmfit.engine.runaway import certified_separation, determined, separation_of
from glmfit.engine.separation import MOVED, Separation, estimable
from glmfit.engine.solvers import Solver
from glmfit.engine.start import starting_theta
from glmfit.engine.warm import from_sample
from glmfit.errors import (
    ArgumentError,
    CollinearityWarning,
    ConvergenceWarning,
    FitError,
    SeparationWarning,
    warn,
)
from glmfit.families import Family
from glmfit.likelihoods import GLMLikelihood
from glmfit.models.bias import bias_label, check_bias_family, jeffreys_penalty
from glmfit.models.data import ModelData, check_width
from glmfit.models.dispersion import (
    Saturated,
    dispersion_of,
    ending,
    ending_of,
    log_likelihoods,
    pearson_sum,
    tallied,
)
from glmfit.models.methods import DEFAULT, Method
from glmfit.models.records import given_start, widen, widen_square
from glmfit.results.record import AbsorbedEffects, FitRecord
from glmfit.sources import Rows

__all__ = [
    "Fitted",
    "alias_check",
    "as_bias_reduced",
    "boundary_met",
    "check_boundary",
    "complete_record",
    "describe_aliases",
    "fit_record",
    "judged",
    "kept_design",
    "null_constant",
    "null_model",
    "penalised_record",
    "warn_of_aliases",
]

Array = NDArray[np.float64]

NEARLY_COLLINEAR = 1e8
AT_BOUNDARY = 1e-3
"""Share of the largest predictor within which a fit that ran on has met the domain's end."""
CONVERGED_AT = 1e-9
"""The same for a fit that converged."""


def fit_record(
    data: ModelData,
    family: Family,
    control: Control,
    *,
    start_params: Any = None,
    scale: str | float | None = None,
    observed: bool = False,
    method: Method = DEFAULT,
) -> FitRecord:
    """Fit a family to rows and return every scalar of the fit.

    Parameters
    ----------
    data : ModelData
    family : Family
    control : Control
    start_params : array_like of shape (p,), optional
    scale : {"X2", "dev", "ML"} or float, optional
        Dispersion: Pearson's, the deviance's, that of greatest likelihood, or given. By
        default 1 where the family fixes it, else Pearson's.
    observed : bool
        Take the covariance from the observed information.
    method : Method
        The solver, or which bias of the estimates is reduced instead of maximising the
        likelihood.

    Warns
    -----
    CollinearityWarning, ConvergenceWarning
    """
    check_width(data)
    with one_pool():
        return _record(data, family, control, start_params, scale, observed, method)


def _record(
    data: ModelData,
    family: Family,
    control: Control,
    start_params: Any,
    scale: str | float | None,
    observed: bool,
    method: Method,
) -> FitRecord:
    likelihood, bias = GLMLikelihood(family), method.bias
    if bias is None:
        _check_ends(data, family)
    else:
        check_bias_family(family, scale)
    control = control.bookmarked(_in_words(data, family))
    ranked = full_rank(Pass(data.source(), likelihood, control))
    start_params = _resumed(ranked, data, start_params)
    aliased = describe_aliases(ranked.aliased, data.names)
    warn_of_aliases(aliased)
    null = null_model(ranked.run, data, family, control)
    if bias is None:
        solution = _best_fit(ranked, data, start_params, null, observed, method.solver)
    else:
        solution = fit_firth(ranked.run, _start(ranked, data, start_params), control, bias)
    separation = None
    pearson, perfect = ending_of(solution, ranked.run, family)
    if solution.further is not None:
        _, perfect = ending(ranked.run, family, solution.further)
    if bias is None and (perfect or not solution.settled):
        separation = _separation(data, ranked, solution)
    if separation is not None:
        return _separated_record(
            data, likelihood, ranked, solution, separation, aliased, scale, observed, null
        )
    solution = judged(solution, ranked)
    fitted = Fitted(ranked.kept, solution, pearson, ranked.kept.size)
    record = complete_record(data, likelihood, ranked.run, fitted, ranked.aliased, scale, null)
    return record if bias is None else as_bias_reduced(record, solution, bias, family.canonical)


def _in_words(data: ModelData, family: Family) -> str:
    """Say what is fitted, so that a file of another fit is told apart."""
    columns = " + ".join(data.names)
    return f"{data.response.name} ~ {columns}; {family!r}; {data.n_effective:g} observations"


def _resumed(ranked: FullRank, data: ModelData, start_params: Any) -> Any:
    """Return the coefficients of the file that the fit goes on from, else those given."""
    mark = ranked.run.control.bookmark
    found = None if mark is None else mark.read()
    if found is None:
        return start_params
    _, theta = found
    if theta.size != ranked.kept.size:
        raise ArgumentError(
            f"The file of resume= has {theta.size} coefficients, this fit has "
            f"{ranked.kept.size}: the data have changed. Delete the file."
        )
    return widen(theta, ranked.kept, len(data.names), 0.0)


def _separation(data: ModelData, ranked: FullRank, solution: Solution) -> Separation | None:
    """Return how the rows are separated, or None; streamed rows have no fit in the limit."""
    run = ranked.run
    if data.stream is None:
        return separation_of(run, solution)
    if solution.settled and determined(run, solution.resting):
        return None
    lines = solution.history
    found = None
    if len(lines) > 1:
        found = certified_separation(run, lines[-1].theta - lines[-2].theta)
    if found is not None:
        lost = np.array(data.names)[ranked.kept[~found.finite]]
        raise FitError(
            f"The data are separated: {', '.join(lost)} predict {int(found.rows.sum())} responses "
            "perfectly, so no finite maximum-likelihood estimate exists. Remove or merge these "
            "terms, or fit the rows in memory, where the limit and the bias-reduced estimates "
            "are available."
        )
    warn(
        "The rows that are not fitted perfectly do not determine all coefficients, so the data "
        "may be separated; rows that are streamed cannot be searched for the direction.",
        SeparationWarning,
    )
    return None


def penalised_record(
    data: ModelData,
    family: Family,
    run: Pass,
    theta: Array,
    solution: Solution,
    kept: NDArray[np.intp],
    aliases: list[Alias],
    df: float,
    scale: str | float | None,
) -> FitRecord:
    """Return every scalar of a penalised fit.

    Parameters
    ----------
    data : ModelData
    family : Family
    run : Pass
    theta : ndarray of shape (q,)
        Coefficients of the pass.
    solution : Solution
        The same in the coefficients of the columns at ``kept``.
    kept : ndarray of int
    aliases : list of Alias
        The other columns.
    df : float
        Effective degrees of freedom.
    scale : {"X2", "dev", "ML"} or float, optional
        As in `fit_record`.
    """
    pearson, _ = ending(run, family, theta)
    fitted = Fitted(kept, solution, pearson, kept.size, df=df)
    null = null_model(run, data, family, run.control)
    return complete_record(data, GLMLikelihood(family), run, fitted, aliases, scale, null)


def judged(solution: Solution, ranked: FullRank) -> Solution:
    """Return the solution with the boundary that it met, having warned of what is wrong."""
    boundary = boundary_met(ranked.run, solution.theta, solution.converged)
    if boundary is not None:
        solution = replace(solution, converged=False, reason=f"{solution.reason}; {boundary}")
    if not solution.converged:
        warn(
            f"The fit did not converge: {solution.reason}. The numbers shown are where it "
            "stopped, not the maximum.",
            ConvergenceWarning,
        )
    if not ranked.aliased and NEARLY_COLLINEAR < solution.condition < math.inf:
        warn(
            f"The columns are nearly collinear (condition number {solution.condition:.1e} after "
            "scaling): their coefficients cannot be told apart well.",
            CollinearityWarning,
        )
    return solution


def as_bias_reduced(
    record: FitRecord, solution: Solution, bias: Kind, canonical: bool
) -> FitRecord:
    """Return the record of a bias-reduced fit, with the penalty that it maximises if any."""
    penalised = bias == "mean" and canonical
    penalty = jeffreys_penalty(solution.covariance) if penalised else None
    return replace(record, bias_reduced=bias_label(bias), penalty=penalty)


def _best_fit(
    ranked: FullRank,
    data: ModelData,
    start_params: Any,
    null: _Null,
    observed: bool,
    solver: Solver,
) -> Solution:
    """Return the maximum, or the fit from the constant where that ends higher.

    A link that is not one branch (the inverse link of a normal response) has local maxima,
    and one that is worse than a constant is no answer.
    """
    run = ranked.run
    solution = _first_fit(ranked, data, start_params, observed, solver)
    unit = constant_combination(run.rows.design)
    if unit is None or not np.isfinite(null.deviance):
        return solution
    if solution.deviance <= null.deviance * (1.0 + 1e-9) + 1e-12:
        return solution
    again = solver.fit(run, null.constant * unit, run.control, observed=observed)
    return again if again.deviance < solution.deviance else solution


def _first_fit(
    ranked: FullRank, data: ModelData, start_params: Any, observed: bool, solver: Solver
) -> Solution:
    """Return the fit from a start of the user's, of a sample of many rows, or of all rows."""
    run, control = ranked.run, ranked.run.control
    if start_params is None and (cells := cells_of(run)) is not None:
        solution = _fit_cells(run, cells, observed, solver)
        if solution.converged:
            return solution
    if start_params is None and ranked.sample is not run:
        near = from_sample(ranked.samples, starting_theta(ranked.sample, ranked.start))
        del ranked.samples[1:]  # copies of rows, which nothing needs any more
        solution = solver.fit(run, near.theta, control, observed=observed, factor=near.factor)
        if solution.converged:
            return solution
    return solver.fit(run, _start(ranked, data, start_params), control, observed=observed)


def _fit_cells(run: Pass, cells: Pass, observed: bool, solver: Solver) -> Solution:
    """Return the fit to weighted cells, with the deviance of the rows."""
    start = starting_theta(cells, cells.start())
    solution = solver.fit(cells, start, cells.control, observed=observed)
    within = run.deviance(solution.theta) - solution.deviance
    history = tuple(replace(line, deviance=line.deviance + within) for line in solution.history)
    return replace(
        solution,
        deviance=solution.deviance + within,
        history=history,
        cells=cells.rows.n,
        pearson=math.nan,
        closest=math.nan,
    )


def check_boundary(y: Array, weight: Array | None, family: Family) -> None:
    """Refuse responses that are all at the edge of the family's means."""
    used = y if weight is None else y[weight > 0.0]
    edge = used[0] if used.size else math.nan
    means = family.mean_domain
    if edge in (means.low, means.high) and (used == edge).all():
        raise FitError(
            f"Every response is {edge:g}, so no finite maximum-likelihood estimate exists: the "
            "intercept goes to infinity."
        )


def _check_ends(data: ModelData, family: Family) -> None:
    """Refuse responses that are all at the edge of the family's means, wherever rows are."""

    def ends(part: ModelData) -> tuple[float, float]:
        y, weight = part.response.y, part.weight
        used = y if weight is None else y[weight > 0.0]
        return float(used.min(initial=math.inf)), float(used.max(initial=-math.inf))

    lowest, highest = zip(*data.map_parts(ends), strict=True)
    low, high = min(lowest), max(highest)
    if low == high:
        check_boundary(np.array([low]), None, family)


def describe_aliases(aliased: list[Alias], names: tuple[str, ...]) -> dict[str, str]:
    return {names[alias.column]: _combination(alias, names) for alias in aliased}


def alias_check(aliased: list[Alias], p: int) -> Array:
    """Return, a row for each aliased column, the combination of columns that is 0."""
    out = np.zeros((len(aliased), p))
    for row, alias in enumerate(aliased):
        out[row, alias.column] = 1.0
        out[row, alias.sources] = -alias.weights
    return out


def _combination(alias: Alias, names: tuple[str, ...]) -> str:
    """Return the column as a sum of others, such as ``x2 = 2 x + Intercept``."""
    pieces = []
    for source, weight in zip(alias.sources, alias.weights, strict=True):
        rounded = float(f"{weight:.6g}")
        sign = "-" if rounded < 0 else "+"
        size = "" if abs(rounded) == 1.0 else f"{abs(rounded):g} "
        pieces.append((sign, f"{size}{names[source]}"))
    if not pieces:
        return f"{names[alias.column]} = 0"
    first = ("-" if pieces[0][0] == "-" else "") + pieces[0][1]
    rest = "".join(f" {sign} {text}" for sign, text in pieces[1:])
    return f"{names[alias.column]} = {first}{rest}"


def warn_of_aliases(aliased: dict[str, str]) -> None:
    if not aliased:
        return
    shown = list(aliased.values())
    more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
    noun = "column is a combination" if len(shown) == 1 else "columns are combinations"
    warn(
        f"{len(shown)} {noun} of columns before and is left out, as R does: "
        f"{'; '.join(shown[:5])}{more}. The coefficient is shown as missing (NaN).",
        CollinearityWarning,
    )


def _start(ranked: FullRank, data: ModelData, start_params: Any) -> Array:
    if start_params is None:
        whole = ranked.sample is ranked.run
        return starting_theta(ranked.run, ranked.start if whole else ranked.run.start())
    theta = given_start(start_params, ranked.kept, len(data.names))
    if not np.isfinite(ranked.run.deviance(theta)):
        raise ArgumentError(
            "start_params lie outside the domain of the model: some mean is impossible there. "
            "Leave them out, and a start is found."
        )
    return theta


def boundary_met(run: Pass, theta: Array, converged: bool) -> str | None:
    """Say which rows have run into the end of the domain, or return None."""
    share = CONVERGED_AT if converged else AT_BOUNDARY
    domain = run.likelihood.eta_domain
    if domain.unbounded:
        return None
    largest = max(run.visit(theta, lambda _, eta: float(np.abs(eta).max(initial=0.0))))
    limit = share * max(largest, 1e-300)
    parts = run.visit(theta, lambda _, eta: np.minimum(eta - domain.low, domain.high - eta) < limit)
    near = np.concatenate(list(parts))
    if not near.any():
        return None
    return (
        f"the linear predictor of {int(near.sum())} observations (the first is "
        f"{int(np.argmax(near))}) has run into the end of {domain}, so the maximum lies on the "
        "boundary of the parameter space, where standard errors do not hold. Another link "
        "avoids it"
    )


@dataclass(frozen=True, slots=True)
class _Null:
    """The model that has a constant and the offset only; NaN where it cannot be had."""

    constant: float
    deviance: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """A solution, the columns it is for, and Pearson's sum over all rows there."""

    kept: NDArray[np.intp]
    solution: Solution
    pearson: float
    rank: int
    separation: Separation | None = None
    df: float | None = None
    """Degrees of freedom used, where they are not the rank."""
    effects: AbsorbedEffects | None = None
    aliased: dict[str, str] | None = None
    """What left-out columns are in words, where they are more than combinations of columns."""


def _separated_record(
    data: ModelData,
    likelihood: GLMLikelihood,
    ranked: FullRank,
    solution: Solution,
    found: Separation,
    aliased: dict[str, str],
    scale: str | float | None,
    observed: bool,
    null: _Null,
) -> FitRecord:
    """Return the limit of the fit along the direction of separation.

    The rows that it moves are fitted perfectly in the limit; the others are fitted
    without them, and determine the coefficients that stay finite.
    """
    rows = ranked.run.held
    drift = rows.design.matvec(found.direction)
    infinite = np.copysign(np.inf, drift)
    kept, theta = ranked.kept[:0], np.zeros(0)
    eta = infinite
    left = ~found.rows
    if rows.weight is not None:
        left &= rows.weight > 0.0
    inner = solution
    if left.any():
        rest = full_rank(replace(ranked.run, rows=rows.take(np.flatnonzero(left))))
        start = starting_theta(rest.run, rest.start)
        inner = fit_irls(rest.run, start, ranked.run.control.certain(), observed=observed)
        further = None if inner.settled else separation_of(ranked.run, solution, by_programme=True)
        if further is not None and further.rows.sum() > found.rows.sum():
            return _separated_record(
                data, likelihood, ranked, solution, further, aliased, scale, observed, null
            )
        kept, theta = ranked.kept[rest.kept], inner.theta
        finite_eta = select_columns(rows.design, rest.kept).matvec(theta)
        finite_eta = finite_eta if rows.offset is None else finite_eta + rows.offset
        eta = np.where(np.abs(drift) > MOVED, infinite, finite_eta)
    p = len(data.names)
    separation = replace(
        found,
        direction=widen(found.direction, ranked.kept, p, 0.0),
        finite=widen(found.finite, ranked.kept, p, True).astype(bool),
    )
    _warn_of_separation(separation, data, aliased)
    limit = replace(
        inner,
        theta=theta,
        deviance=inner.deviance if left.any() else 0.0,
        covariance=inner.covariance if left.any() else np.zeros((0, 0)),
        converged=False,
        reason="the data are separated, so no finite maximum-likelihood estimate exists",
        history=solution.history,
        method=solution.method,
        stop=solution.stop,
    )
    settled = np.isfinite(eta)  # the other rows are fitted perfectly
    with np.errstate(all="ignore"):
        values = likelihood.family.working(rows.y[settled], eta[settled])
    pearson = pearson_sum(values, None if rows.weight is None else rows.weight[settled])
    fitted = Fitted(kept, limit, pearson, ranked.kept.size, separation)
    return complete_record(data, likelihood, ranked.run, fitted, ranked.aliased, scale, null)


def _warn_of_separation(separation: Separation, data: ModelData, aliased: dict[str, str]) -> None:
    names = np.array(data.names)
    lost = names[~separation.finite]
    also = ""
    if aliased:
        determined = estimable(data.design.toarray()[~separation.rows])
        others = names[~determined & separation.finite]
        also = f" Not determined for being aliased: {', '.join(others)}."
    kind = "completely" if separation.complete else "quasi-completely"
    count = int(separation.rows.sum())
    warn(
        f"The data are {kind} separated: a combination of columns predicts {count} of "
        f"{separation.rows.size} responses perfectly, so no finite maximum-likelihood estimate "
        f"exists. Not finite: {', '.join(lost)}.{also} The other coefficients are those of the "
        'remaining rows. Use .fit(method="firth") or a penalty (.fit_regularized), or remove or '
        "merge the terms named; "
        "result.separation has the rest.",
        SeparationWarning,
    )


def complete_record(
    data: ModelData,
    likelihood: GLMLikelihood,
    run: Pass,
    fitted: Fitted,
    aliases: list[Alias],
    scale: str | float | None,
    null: _Null,
) -> FitRecord:
    solution = fitted.solution
    family = likelihood.family
    p = len(data.names)
    nobs = data.n_effective
    used = fitted.rank if fitted.df is None else fitted.df
    pearson = fitted.pearson
    saturated = Saturated(likelihood, data)
    dispersion = dispersion_of(saturated, scale, pearson, solution.deviance, nobs - used)
    deviances = (solution.deviance, null.deviance)
    llf, llnull = log_likelihoods(saturated, deviances, nobs, dispersion)
    return FitRecord(
        base=widen(solution.theta, fitted.kept, p, 0.0),
        kept=fitted.kept,
        unscaled=widen_square(solution.covariance, fitted.kept, p),
        scale=dispersion.value,
        scale_note=dispersion.note,
        scale_error=dispersion.error,
        estimated=dispersion.estimated,
        deviance=solution.deviance,
        null_deviance=null.deviance,
        pearson_chi2=pearson,
        llf=llf,
        llnull=llnull,
        null_constant=null.constant,
        total_squares=_squares(data) if family.variance_power() == 0.0 else math.nan,
        nobs=nobs,
        rank=fitted.rank,
        has_constant=fitted.effects is not None
        or constant_combination(run.rows.design) is not None,
        aliased=fitted.aliased or describe_aliases(aliases, data.names),
        alias_check=alias_check(aliases, p),
        converged=solution.converged,
        reason=solution.reason,
        condition=solution.condition,
        history=solution.history,
        method=solution.method,
        stop=solution.stop,
        cells=solution.cells,
        separation=fitted.separation,
        effects=fitted.effects,
    )


def null_model(run: Pass, data: ModelData, family: Family, control: Control) -> _Null:
    constant = null_constant(data, family, control)
    rows = run.rows if data.stream is None else data.constant_source()
    return _Null(constant, _constant_deviance(replace(run, rows=rows), constant))


def null_constant(data: ModelData, family: Family, control: Control) -> float:
    """Return the constant of the model that has nothing else (but the offset)."""
    rows = data.source()
    if not rows.shifted:
        with np.errstate(all="ignore"):
            return GLMLikelihood(family).constant_eta(rows.mean_response)
    if data.stream is not None:
        return _fitted_constant(data, family, control)
    y, weight = data.response.y, data.weight
    assert data.offset is not None
    weight = np.ones_like(y) if weight is None else weight
    with np.errstate(all="ignore"):
        constant = family.constant_eta(y, weight, data.offset)
    return _fitted_constant(data, family, control) if constant is None else constant


def _fitted_constant(data: ModelData, family: Family, control: Control) -> float:
    run = Pass(data.constant_source(), GLMLikelihood(family), control.certain())
    return float(fit_irls(run, starting_theta(run, run.start()), run.control).theta[0])


def _squares(data: ModelData) -> float:
    """Return the weighted sum of squares of the response about 0."""

    def part_of(part: ModelData) -> float:
        squares = part.response.y**2
        return float(squares.sum() if part.weight is None else np.dot(squares, part.weight))

    return sum(data.map_parts(part_of))


def _constant_deviance(run: Pass, constant: float) -> float:
    """Return the deviance of a constant (and the offset), in passes that read no design."""
    rows = run.rows
    if not rows.streamed and not rows.shifted:
        held = rows.held()
        counted = tallied(held.y, held.weight)
        if counted is not None:
            y, weight = counted
            eta = np.full(y.size, constant)
            with np.errstate(all="ignore"):
                return float(run.likelihood.evaluate(y, eta, weight).deviance)

    def deviance(chunk: Rows) -> float:
        eta = np.full(chunk.n, constant)
        if chunk.offset is not None:
            eta += chunk.offset
        with np.errstate(all="ignore"):
            return float(run.likelihood.evaluate(chunk.y, eta, chunk.weight).deviance)

    return sum(map_chunks(deviance, rows, run.control))


def kept_design(data: ModelData, record: FitRecord) -> Any:
    """Return the design without its aliased columns."""
    if record.kept.size == record.theta.size:
        return data.design
    return select_columns(data.design, record.kept)
