"""Margins estimated: effects over rows, averaged, with the errors that follow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.inference.effects import Effect, Place
from glmfit.inference.margins import Averages, row_errors
from glmfit.inference.surface import LinkScale, Surface
from glmfit.links import Link
from glmfit.results.grid import Grid
from glmfit.results.marginal import Margins
from glmfit.results.record import FitRecord

__all__ = ["Line", "Report", "estimate", "prediction_errors"]

Array = NDArray[np.float64]

CHUNK_VALUES = 1 << 20
"""Values that the derivatives of a chunk of rows may hold."""


@dataclass(frozen=True, slots=True)
class Line:
    """One quantity: what it is called, and the effects that it is made of.

    Attributes
    ----------
    labels : dict of str to str
    effects : tuple of Effect
        One, whose average is wanted; or two, of whose averages the ratio is.
    """

    labels: dict[str, Any]
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """How estimates are shown (see `Margins`)."""

    title: str
    heading: str
    link: Link | None
    null: float | None
    linear: bool = False
    back: Link | None = None
    """Link whose inverse carries averages of predictors back to means."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Estimates (q,), and their gradients (q, P) or their errors (q,) alone."""

    labels: list[dict[str, Any]]
    value: Array
    gradient: Array | None
    error: Array | None


def estimate(result: Any, lines: Sequence[Line], grid: Grid, report: Report) -> Margins:
    """Return the margins of a fit."""
    model, record = result.model, result.record
    surface = model.surface(record, linear=report.linear)
    covariance = np.nan_to_num(result._covariance, nan=0.0)
    with np.errstate(all="ignore"):
        if grid.each:
            found = _each(model, surface, lines, grid, covariance)
        else:
            found = _averages(model, surface, lines, grid)
    value, gradient, error = found.value, found.gradient, found.error
    if gradient is not None:
        if report.back is not None:
            gradient = gradient * report.back.inverse_deriv(value)[:, None]
            value = report.back.inverse(value)
        variance = np.einsum("qp,pr,qr->q", gradient, covariance, gradient)
        error = np.sqrt(np.maximum(variance, 0.0))
    assert error is not None
    error = np.where(np.isnan(value), np.nan, error)
    return Margins(
        title=report.title,
        heading=report.heading,
        labels=pd.DataFrame(found.labels),
        estimate=value,
        se=error,
        gradient=gradient,
        covariance=covariance,
        df=result._df_test,
        link=report.link,
        null=report.null,
        settings=_settings(result, grid),
        notes=tuple(_notes(result, grid, report, value)),
    )


def prediction_errors(model: Any, record: FitRecord, new: Any, covariance: Array) -> Array:
    """Return the delta-method errors of the means of new rows, shape (m, K)."""
    surface = model.surface(record)
    known = np.nan_to_num(covariance, nan=0.0)
    offset = None if new.offset is None else model.predictor_offset(new.offset)
    n, size = new.design.shape[0], _chunk_rows(surface)
    parts = []
    for start in range(0, n, size):
        stop = min(start + size, n)
        columns = model.full_design(new.design.chunk(start, stop)).toarray()
        points = surface.points(columns, None if offset is None else offset[start:stop])
        parts.append(row_errors(surface, surface.prediction(points), known))
    return np.concatenate(parts) if parts else np.zeros((0, len(model.levels)))


def _chunk_rows(surface: Surface) -> int:
    width = max(surface.theta.size, 1) * surface.count
    return max(64, min(16384, CHUNK_VALUES // width))


def _places(
    model: Any, surface: Surface, grid: Grid, setting: dict[str, Any], size: int
) -> Iterator[tuple[slice, Place]]:
    """Yield the rows, chunk by chunk, with what the setting sets in them."""
    cases = grid.cases
    for start in range(0, cases.count, size):
        stop = min(start + size, cases.count)
        columns = cases.columns(start, stop)
        rest = None if cases.rest is None else cases.rest[start:stop]
        build = model.predictor_rows
        if grid.source != "made":
            made = build(columns, rest)
            _check_rows(model, grid, columns, made[0], slice(start, stop))
        for name, value in setting.items():
            columns[name] = model.variables[name].filled(value, stop - start)
        if setting or grid.source == "made":
            made = build(columns, rest)
        yield slice(start, stop), Place(surface, build, columns, rest, surface.points(*made))


def _check_rows(model: Any, grid: Grid, columns: dict[str, Any], made: Array, rows: slice) -> None:
    """Raise if the formula makes other columns of the rows than it did in the fit."""
    if grid.source == "fit":
        model.check_rebuilt(made, rows.start, rows.stop)
    half = rows.stop // 2
    if rows.start == 0 and half:
        part = {name: values[:half] for name, values in columns.items()}
        model.check_alike(model.predictor_rows(part, None)[0], made[:half])


def _averages(model: Any, surface: Surface, lines: Sequence[Line], grid: Grid) -> _Found:
    names = model.prediction_names(isinstance(surface.response, LinkScale))
    labels, values, gradients = [], [], []
    size = _chunk_rows(surface)
    blocks = []
    for setting in grid.settings:
        sums = [[Averages(surface, grid.n_groups) for _ in line.effects] for line in lines]
        for rows, place in _places(model, surface, grid, setting, size):
            weight, groups = grid.cases.weight[rows], grid.groups[rows]
            for line, parts in zip(lines, sums, strict=True):
                for effect, part in zip(line.effects, parts, strict=True):
                    part.add(effect.at(place), weight, groups)
        blocks.append([_combined(parts) for parts in sums])
    # variable by variable, then setting, group and level
    for j, line in enumerate(lines):
        for setting, block in zip(grid.settings, blocks, strict=True):
            value, gradient = block[j]
            for group, level in itertools.product(range(grid.n_groups), range(value.shape[1])):
                own = {} if names is None else {"level": names[level]}
                labels.append(_label(line, setting, grid.group_labels.iloc[group].to_dict(), own))
                values.append(value[group, level])
                gradients.append(gradient[group, level])
    return _Found(labels, np.array(values), np.array(gradients), None)


def _combined(parts: list[Averages]) -> tuple[Array, Array]:
    """Return the averages, or the ratio of two, with their gradients."""
    value, gradient = parts[0].means()
    if len(parts) == 1:
        return value, gradient
    below, below_gradient = parts[1].means()
    ratio = value / below
    slope = (gradient - ratio[:, :, None] * below_gradient) / below[:, :, None]
    return ratio, slope


def _each(
    model: Any, surface: Surface, lines: Sequence[Line], grid: Grid, covariance: Array
) -> _Found:
    """Return an estimate for each row."""
    labels, values, errors = [], [], []
    names = model.prediction_names(isinstance(surface.response, LinkScale))
    size = _chunk_rows(surface)
    index = pd.RangeIndex(grid.cases.count) if grid.cases.index is None else grid.cases.index
    for line in lines:
        for setting in grid.settings:
            for rows, place in _places(model, surface, grid, setting, size):
                effect = line.effects[0].at(place)
                values.append(effect.value.ravel())
                errors.append(row_errors(surface, effect, covariance).ravel())
                for row, level in itertools.product(index[rows], range(effect.value.shape[1])):
                    own = {} if names is None else {"level": names[level]}
                    labels.append(_label(line, setting, {"row": row}, own))
    return _Found(labels, np.concatenate(values), None, np.concatenate(errors))


def _label(line: Line, *more: Mapping[Any, Any]) -> dict[str, Any]:
    label = dict(line.labels)
    for part in more:
        label.update(part)
    return label or {"": "average"}


def _settings(result: Any, grid: Grid) -> tuple[tuple[str, str], ...]:
    return (
        ("Dep. Variable", result.model.endog_names),
        ("Model", result.model.summary_name),
        ("At", grid.told),
        ("Covariance Type", result.cov_type),
    )


def _notes(result: Any, grid: Grid, report: Report, value: Array) -> Iterator[str]:
    """Yield what there is to know of the numbers."""
    record, lost = result.record, np.isnan(value)
    if lost.any():
        if record.aliased:
            yield (
                "NaN: not estimable. These rows break what the data of the fit obeyed "
                f"({'; '.join(record.aliased.values())})."
            )
        elif record.separation is None:
            yield (
                "NaN: at some row the prediction jumps or has no finite derivative, or is not "
                "defined. For a variable that enters by steps, compare values with comparisons()."
            )
    if record.separation is not None:
        yield (
            "The data are separated: predictions of separated rows are limits (0 or 1, say), "
            "which have no standard error, and neither has what they enter. NaN stands for what "
            'has no limit either. fit(method="firth") or a penalty makes estimates finite.'
        )
    if report.link is not None and report.null is None and report.link.name != "identity":
        yield f"Intervals are made on the {report.link} scale."
    if grid.cases.dropped:
        yield f"{grid.cases.dropped} rows of exog were left out for missing values."
    if result.cov_type != "nonrobust":
        yield result.cov_kwds["description"]
