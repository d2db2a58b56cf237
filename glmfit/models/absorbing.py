"""Fits with absorbed effects: from rows and factors to the numbers of a fit.

References
----------
Correia, S., Guimaraes, P. and Zylkin, T. (2020). Fast Poisson estimation with
high-dimensional fixed effects. *The Stata Journal* 20, 95-115.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.absorb import AbsorbedPass, AbsorbedStart, absorb, fit_absorbed
from glmfit.engine.control import Control
from glmfit.engine.effects import Effects, components, effects_rank
from glmfit.engine.passes import Pass, SuffStats
from glmfit.engine.rank import FullRank, select_columns
from glmfit.engine.solvers import NEWTON
from glmfit.errors import ArgumentError, NotAvailableError, SeparationWarning, warn
from glmfit.families import Family
from glmfit.formula.alignment import beside
from glmfit.formula.table import Table
from glmfit.likelihoods import GLMLikelihood
from glmfit.models.absorbed import (
    Absorbed,
    absorb_arguments,
    check_lengths,
    codes_of_new,
    informative,
)
from glmfit.models.base import NewRows
from glmfit.models.data import ModelData, check_width
from glmfit.models.dispersion import ending
from glmfit.models.fitting import (
    Fitted,
    check_boundary,
    complete_record,
    describe_aliases,
    judged,
    kept_design,
    null_model,
    warn_of_aliases,
)
from glmfit.models.methods import DEFAULT, Method
from glmfit.models.records import given_start
from glmfit.results.record import AbsorbedEffects, FitRecord
from glmfit.results.request import Request

__all__ = [
    "absorbed_covariance",
    "absorbed_pass",
    "absorbed_record",
    "clustered_rank",
    "settled",
    "with_levels",
]

Array = NDArray[np.float64]
Codes = NDArray[np.int32]


def settled(data: ModelData, family: Family) -> tuple[ModelData, NDArray[np.intp]]:
    """Return the rows that say something, without an intercept, and the columns kept.

    Factors of the formula stay coded as beside an intercept, which the effects contain.
    """
    absorbed = data.absorbed
    assert absorbed is not None
    columns = np.flatnonzero([name != "Intercept" for name in data.names])
    if columns.size < len(data.names):
        names = tuple(data.names[j] for j in columns)
        data = replace(data, design=select_columns(data.design, columns), names=names)
    signs = family.recession_signs(data.response.y)
    alive, counted = informative(absorbed, signs, data.weight, data.freq_weights)
    data = replace(data, absorbed=counted)
    return (data if alive.all() else data.take(np.flatnonzero(alive))), columns


def absorbed_record(
    data: ModelData,
    family: Family,
    control: Control,
    *,
    start_params: Any = None,
    scale: str | float | None = None,
    observed: bool = False,
    method: Method = DEFAULT,
) -> FitRecord:
    """Fit a family to rows with absorbed factors (see `fit_record`)."""
    _check_method(method)
    assert data.absorbed is not None
    check_width(data)
    check_boundary(data.response.y, data.weight, family)
    likelihood = GLMLikelihood(family)
    effects, order = _effects(data.absorbed)
    start = absorb(Pass(data.rows(), likelihood, control), effects)
    aliased = _described(start, data)
    warn_of_aliases(aliased)
    null = null_model(start.run.base, data, family, control)
    solution = fit_absorbed(start, _begin(start, data, start_params), observed=observed)
    rows = _at(start.run, solution.theta)
    origin = np.zeros(solution.theta.size)
    pearson, perfect = ending(rows, family, origin)
    if perfect:
        _warn_of_perfect_rows(rows, family)
    nothing = np.zeros((origin.size, origin.size))
    ranked = FullRank(rows, start.kept, [], rows, SuffStats(np.nan, origin, nothing), [rows])
    told = judged(replace(solution, theta=origin), ranked)
    solution = replace(told, theta=solution.theta)
    found = _normalised(start.run.levels(solution.theta), effects, order, data.absorbed)
    rank = start.kept.size + found.df
    fitted = Fitted(start.kept, solution, pearson, rank, effects=found, aliased=aliased)
    return complete_record(data, likelihood, rows, fitted, [], scale, null)


def absorbed_pass(data: ModelData, family: Family, record: FitRecord) -> AbsorbedPass:
    """Return the pass over the kept columns, effects profiled out, beginning at the fit."""
    assert data.absorbed is not None
    effects, _ = _effects(data.absorbed)
    rows = data.rows(kept_design(data, record))
    start = absorb(Pass(rows, GLMLikelihood(family), Control()), effects)
    start.run.profile(record.base[record.kept])
    return start.run


def with_levels(
    absorbed: Absorbed, rows: NewRows, exog: Any, absorb: Any, new_levels: str
) -> NewRows:
    """Return new rows with the levels of their absorbed factors.

    Parameters
    ----------
    absorbed : Absorbed
        The factors of the fit.
    rows : NewRows
    exog : table
        Where factors that were given by name are looked up.
    absorb : as for the model, optional
        In place of that.
    new_levels : {"raise", "nan"}
        What to do about a level that the fit does not know.
    """
    n = rows.kept.size
    given = list(absorb_arguments(absorb).values())
    if absorb is None and None not in absorbed.columns:
        given = list(absorbed.columns)
    if not given:
        raise ArgumentError(
            f"The absorbed factors ({', '.join(absorbed.names)}) were given as values, which new "
            "data do not carry. Give absorb= for the new rows."
        )
    table = Table(exog) if any(isinstance(each, str) for each in given) else None
    vectors = [beside(each, "absorb", table, rows.index, n, numeric=False) for each in given]
    values = [vector.values[rows.kept] for vector in vectors]
    missing = np.logical_or.reduce([vector.missing[rows.kept] for vector in vectors])
    check_lengths(values, absorbed.names, int(rows.kept.sum()))
    codes, known = codes_of_new(absorbed, values, missing, new_levels)
    if known.all():
        return replace(rows, levels=codes)
    kept = rows.kept.copy()
    kept[np.flatnonzero(rows.kept)] = known
    return replace(
        rows,
        design=rows.design.take(np.flatnonzero(known)),
        offset=None if rows.offset is None else rows.offset[known],
        kept=kept,
        levels=tuple(each[known] for each in codes),
    )


def absorbed_covariance(
    data: ModelData, record: FitRecord, request: Request, run: AbsorbedPass
) -> tuple[Array, dict[str, Any]]:
    """Return the robust covariance of a fit with absorbed effects, and how it was made.

    It is that of the model with all indicator columns: only the demeaned columns enter.
    """
    assert data.absorbed is not None
    kind, options = request.kind, dict(request.options)
    corrected = options.pop("use_correction", True)
    if kind not in ("HC0", "HC1", "cluster") or len(request.groups) > 1 or any(options.values()):
        raise NotAvailableError(
            "With absorbed factors the robust covariances are 'HC0', 'HC1' and 'cluster' with one "
            f"grouping and use_correction= (got {kind!r}): others need a leverage for each row, "
            "or more than sums of scores. Write the factors into the formula for them."
        )
    kept, nobs = record.kept, record.nobs
    bread, shares = record.unscaled[np.ix_(kept, kept)], run.score_rows(record.base[kept])
    if kind != "cluster":
        # a row stands for as many observations as its frequency
        times = np.ones(len(shares)) if data.freq_weights is None else data.freq_weights
        middle = bread @ ((shares / times[:, None]).T @ shares) @ bread
        middle *= nobs / (nobs - record.rank) if kind == "HC1" else 1.0
        told = f"Standard errors are heteroscedasticity robust ({kind})."
        return middle, {"description": told}
    codes, count = request.groups[0].codes, request.groups[0].count
    sums = np.zeros((count, kept.size))
    np.add.at(sums, codes, shares)
    middle = bread @ (sums.T @ sums) @ bread
    used = clustered_rank(record, data.absorbed, codes)
    how = f"G/(G-1) (n-1)/(n-{used})" if corrected else "no"
    middle *= count / (count - 1.0) * (nobs - 1.0) / (nobs - used) if corrected else 1.0
    told = f"Standard errors allow any dependence within {count} clusters ({how} correction)."
    return middle, {"description": told, "n_groups": count}


def clustered_rank(record: FitRecord, absorbed: Absorbed, clusters: NDArray[np.intp]) -> int:
    """Return the parameters that a covariance clustered by ``clusters`` counts.

    Effects of a factor whose levels are nested in clusters take nothing from the degrees of
    freedom: with their cluster, all that they are estimated from is drawn anew. Only the
    constant of such factors counts.
    """
    assert record.effects is not None
    inside = [_nested(c, clusters, k) for c, k in zip(absorbed.codes, absorbed.counts, strict=True)]
    if not any(inside):
        return record.rank
    columns = record.rank - record.effects.df
    left = [j for j, nested in enumerate(inside) if not nested]
    if not left:
        return columns + 1
    codes = tuple(absorbed.codes[j] for j in left)
    return columns + effects_rank(codes, tuple(absorbed.counts[j] for j in left))[0]


def _nested(codes: Codes, clusters: NDArray[np.intp], count: int) -> bool:
    """Return whether all rows of each level are in one cluster."""
    first = np.full(count, -1, dtype=np.intp)
    first[codes] = clusters
    return bool((first[codes] == clusters).all())


def _effects(absorbed: Absorbed) -> tuple[Effects, NDArray[np.intp]]:
    """Return the effects, that of the most levels first, and which factor each is."""
    order = np.argsort([-count for count in absorbed.counts], kind="stable")
    codes = tuple(absorbed.codes[j] for j in order)
    return Effects(codes, tuple(absorbed.counts[j] for j in order)), order


def _begin(start: AbsorbedStart, data: ModelData, start_params: Any) -> Array:
    if start_params is None:
        theta = start.theta
        if start.inside:
            return theta
    else:
        theta = given_start(start_params, start.kept, len(data.names))
    if np.isfinite(start.run.deviance(theta)):
        return theta
    nothing = np.zeros_like(theta)
    if start_params is None and np.isfinite(start.run.deviance(nothing)):
        return nothing
    raise ArgumentError(
        "No coefficients were found that keep every mean in the domain of the model with its "
        "absorbed effects. Use another link (the log link keeps means positive, the logit between "
        "0 and 1), or give start_params."
    )


def _check_method(method: Method) -> None:
    if method.bias is not None:
        raise NotAvailableError(
            "Bias reduction needs a leverage for each row, which absorbed effects do not have. "
            "Write the factors into the formula, or fit by maximum likelihood."
        )
    if method.solver is not NEWTON:
        raise NotAvailableError(
            f"With absorbed factors the solver is {NEWTON.name!r} (got {method.solver.name!r}); "
            "the maximum does not depend on the solver."
        )


def _described(start: AbsorbedStart, data: ModelData) -> dict[str, str]:
    """Return what the columns left out are, by name."""
    assert data.absorbed is not None
    told = f"effects of {', '.join(data.absorbed.names)}"
    combined = describe_aliases(start.aliased, data.names)
    found = {data.names[j]: f"{data.names[j]} = {told}" for j in start.absorbed}
    found |= {name: f"{text} + {told}" for name, text in combined.items()}
    return {name: found[name] for name in data.names if name in found}


def _at(run: AbsorbedPass, theta: Array) -> Pass:
    """Return a pass over the rows whose offset is the predictor at ``theta``."""
    return replace(run.base, rows=replace(run.base.held, offset=run.eta(theta)))


def _warn_of_perfect_rows(rows: Pass, family: Family) -> None:
    assert rows.held.offset is not None
    perfect = family.working(rows.held.y, rows.held.offset).deviance < 1e-11
    count = int((perfect & (family.recession_signs(rows.held.y) != 0)).sum())
    warn(
        f"{count} of {perfect.size} responses are predicted perfectly, and effects (or "
        "coefficients) may be infinite: the data are separated by a combination of absorbed "
        "effects and columns. Coefficients with large standard errors are not to be trusted; "
        "the others are those of the remaining rows.",
        SeparationWarning,
    )


def _normalised(
    levels: Array, effects: Effects, order: NDArray[np.intp], absorbed: Absorbed
) -> AbsorbedEffects:
    """Return the effects, those of all factors but the first 0 at a first level.

    With two factors that fall into several parts, at the first level in each part.
    """
    parts = effects.parts(levels)
    values = [parts[int(np.flatnonzero(order == j)[0])].copy() for j in range(len(parts))]
    if len(values) == 2:
        counts = (absorbed.counts[0], absorbed.counts[1])
        count, label = components(absorbed.codes[0], absorbed.codes[1], counts)
        shift, back = _by_part(values[1], count, label)
        values = [values[0] + back, values[1] - shift]
        return AbsorbedEffects(tuple(values), effects.size - count, True)
    for k in range(1, len(values)):
        first = values[k][0]
        values[k] -= first
        values[0] += first
    df, exact = effects_rank(effects.codes, effects.counts)
    return AbsorbedEffects(tuple(values), df, exact)


def _by_part(second: Array, count: int, label: Codes) -> tuple[Array, Array]:
    """Return the effect of the first level of its part, for the second's levels and the first's.

    Parameters
    ----------
    second : ndarray of shape (L2,)
        Effects of the second factor.
    count : int
        Number of parts.
    label : ndarray of int, shape (L1 + L2,)
        The part of each level.
    """
    split = label.size - second.size
    own = label[split:]
    first = np.zeros(count)
    first[own[::-1]] = second[::-1]
    return first[own], first[label[:split]]
