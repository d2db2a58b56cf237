"""Models of several classes: probabilities along predictors, and regions of the plane."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.plots.canvas import INK, SEQUENTIAL, draws, legend, new_axes, note, styles
from glmfit.plots.curves import draw_bands, predictions_along
from glmfit.plots.grids import (
    held_at,
    number_of,
    numbers_of,
    observed_columns,
    span_of,
    typical_rows,
)

__all__ = ["class_probabilities", "class_surfaces", "decision_regions"]

Array = NDArray[np.float64]
Span = tuple[float, float] | None

HEIGHTS = (0.1, 0.5, 0.9)
"""Probabilities along whose lines contours run."""


def levels_of(result: Any) -> list[str]:
    """Return the classes of the response, or raise where there are none."""
    names = result.model.prediction_names(False)
    if names is None:
        raise NotAvailableError(
            "This plot is for models of several classes (mnlogit, ordered); "
            "plots.fitted_curve draws a fitted mean."
        )
    return list(names)


# --- along one predictor --------------------------------------------------------------------


def _probabilities_data(
    result: Any,
    variable: str | None = None,
    *,
    span: Span = None,
    alpha: float = 0.05,
    points: int = 201,
) -> pd.DataFrame:
    """Return the variable, ``level``, ``estimate``, ``std_err`` and the ends of intervals."""
    levels_of(result)
    chosen = number_of(result, variable)
    return predictions_along(result, chosen, span_of(chosen, span, points), None, alpha)


@draws(_probabilities_data)
def class_probabilities(
    result: Any,
    variable: str | None = None,
    *,
    span: tuple[float, float] | None = None,
    alpha: float = 0.05,
    points: int = 201,
    ax: Any = None,
) -> Any:
    """Draw the probability of each class along one variable; they sum to one.

    Parameters
    ----------
    result : ClassResults
        Other variables are held at their means, factors at their most frequent level.
    variable : str, optional
        A number; the only one there is by default.
    span : tuple of float, optional
        From where to where to draw; the range of the data by default.
    alpha : float
        Bands cover ``1 - alpha`` at each value, made on the logit scale; none where data
        are separated.
    points : int
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import glmfit as gf
    >>> pneumo = gf.datasets.load("pneumo")
    >>> result = gf.mnlogit("severity ~ log(exposure)", pneumo, freq_weights="count").fit()
    >>> frame = gf.plots.class_probabilities.data(result, points=2)
    >>> frame.groupby("exposure")["estimate"].sum().round(6).to_list()
    [1.0, 1.0]
    """
    frame = class_probabilities.data(result, variable, span=span, alpha=alpha, points=points)
    name = str(number_of(result, variable).name)
    ax = new_axes(ax)
    draw_bands(ax, frame, name, "level")
    ax.set(xlabel=name, ylabel="Probability", ylim=(-0.02, 1.02))
    note(ax, held_at(result, [name]))
    legend(ax, result.model.endog_names)
    return ax


# --- over two predictors --------------------------------------------------------------------


def _plane(
    result: Any, x: str | None, y: str | None, x_span: Span, y_span: Span, points: int
) -> tuple[str, str, pd.DataFrame]:
    """Return the two variables and rows over the plane, y by y."""
    levels_of(result)
    if x is None and y is None:
        numbers = numbers_of(result)
        if len(numbers) != 2:
            raise ArgumentError(
                "Say which two variables span the plane, as x= and y=: the model has "
                f"{', '.join(numbers) or 'no number that varies'}."
            )
        x, y = numbers
    first, second = number_of(result, x, "x"), number_of(result, y, "y")
    if first.name == second.name:
        raise ArgumentError(f"x= and y= are both {first.name}; a plane needs two variables.")
    across, up = (
        np.meshgrid(span_of(first, _widened(first, x_span), points),
                    span_of(second, _widened(second, y_span), points))
    )  # fmt: skip
    rows = typical_rows(result, {first.name: across.ravel(), second.name: up.ravel()})
    return first.name, second.name, rows


def _widened(variable: Any, span: Span) -> tuple[float, float]:
    """Return the range of the data with a margin, so that no observation is at the edge."""
    if span is not None:
        return span
    margin = 0.05 * (variable.high - variable.low)
    return variable.low - margin, variable.high + margin


def _observed_classes(result: Any, x: str, y: str) -> pd.DataFrame:
    """Return the rows of the fit that hold one class, with its name."""
    response: Array = result.model._kept_data().response.y
    frame = observed_columns(result, [x, y])
    names = np.array(levels_of(result), dtype=object)
    frame["level"] = names[response.argmax(axis=1)]
    one = response.max(axis=1) == 1.0
    chosen: pd.DataFrame = frame.loc[one]
    return chosen.assign(part="observed")


def _surfaces_data(
    result: Any,
    x: str | None = None,
    y: str | None = None,
    *,
    x_span: Span = None,
    y_span: Span = None,
    points: int = 121,
) -> pd.DataFrame:
    """Return the two variables and a column with the probability of each class."""
    first, second, rows = _plane(result, x, y, x_span, y_span, points)
    table: pd.DataFrame = result.predict(rows)
    return pd.concat([rows[[first, second]], table.set_axis(rows.index)], axis=1)


@draws(_surfaces_data)
def class_surfaces(
    result: Any,
    x: str | None = None,
    y: str | None = None,
    *,
    level: Any = None,
    x_span: tuple[float, float] | None = None,
    y_span: tuple[float, float] | None = None,
    points: int = 121,
    ax: Any = None,
) -> Any:
    """Draw the probability of each class over two variables, as overlapping contours.

    Parameters
    ----------
    result : ClassResults
        Other variables are held at their means, factors at their most frequent level.
    x, y : str, optional
        Two numbers; the only two there are by default.
    level : optional
        One class, whose probability is drawn as a surface of colours; contours of all
        classes by default.
    x_span, y_span : tuple of float, optional
        From where to where to draw; the range of the data by default.
    points : int
        Values of each variable.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = class_surfaces.data(result, x, y, x_span=x_span, y_span=y_span, points=points)
    first, second = frame.columns[:2]
    levels = levels_of(result)
    if level is not None and str(level) not in levels:
        raise ArgumentError(f"level= is one of {', '.join(levels)} (got {level!r}).")
    ax = new_axes(ax, (6.4, 4.6))
    grid = _gridded(frame, points)
    if level is not None:
        mesh = ax.pcolormesh(grid[first], grid[second], grid[str(level)], cmap=SEQUENTIAL,
                             vmin=0.0, vmax=1.0, shading="gouraud", rasterized=True)  # fmt: skip
        ax.figure.colorbar(mesh, ax=ax, label=f"Probability of {level}")
    else:
        _draw_contours(ax, grid, levels)
        legend(ax, result.model.endog_names)
    ax.set(xlabel=first, ylabel=second)
    note(ax, held_at(result, [first, second]))
    ax.grid(False)
    return ax


def _gridded(frame: pd.DataFrame, points: int) -> dict[str, Array]:
    return {name: frame[name].to_numpy().reshape(points, points) for name in frame.columns}


def _draw_contours(ax: Any, grid: dict[str, Array], levels: list[str]) -> None:
    """Draw lines of equal probability for each class, thicker where it is higher."""
    first, second = list(grid)[:2]
    for name, look in zip(levels, styles(len(levels)), strict=True):
        ax.contourf(grid[first], grid[second], grid[name], levels=[0.5, 0.9, 1.0001], alpha=0.14,
                    colors=[look.colour])  # fmt: skip
        lines = ax.contour(grid[first], grid[second], grid[name], levels=HEIGHTS,
                           colors=[look.colour], linestyles=look.dash,
                           linewidths=[1.0, 2.0, 1.0])  # fmt: skip
        ax.clabel(lines, fmt="%.1f", fontsize="small", colors=[look.colour])
        ax.plot([], [], color=look.colour, linestyle=look.dash, label=name)


def _regions_data(
    result: Any,
    x: str | None = None,
    y: str | None = None,
    *,
    x_span: Span = None,
    y_span: Span = None,
    points: int = 201,
) -> pd.DataFrame:
    """Return the most probable class over the plane, and the observations below.

    Returns
    -------
    DataFrame
        ``part`` ("region" or "observed"), the two variables, and ``level``.
    """
    first, second, rows = _plane(result, x, y, x_span, y_span, points)
    predicted = result.predict(rows, which="class")
    level = np.array([str(value) for value in predicted], dtype=object)
    frame = rows[[first, second]].assign(level=level, part="region")
    frame = pd.concat([frame, _observed_classes(result, first, second)], ignore_index=True)
    return frame[["part", first, second, "level"]]


@draws(_regions_data)
def decision_regions(
    result: Any,
    x: str | None = None,
    y: str | None = None,
    *,
    x_span: tuple[float, float] | None = None,
    y_span: tuple[float, float] | None = None,
    points: int = 201,
    ax: Any = None,
) -> Any:
    """Draw where in the plane of two variables each class is the most probable one.

    Parameters
    ----------
    result, x, y, x_span, y_span, points, ax
        As in `class_surfaces`.

    Returns
    -------
    Axes
    """
    frame = decision_regions.data(result, x, y, x_span=x_span, y_span=y_span, points=points)
    first, second = frame.columns[1:3]
    levels = levels_of(result)
    ax = new_axes(ax, (6.4, 4.6))
    grid = _gridded(frame[frame["part"] == "region"], points)
    codes = np.searchsorted(np.sort(levels), grid["level"].ravel().astype(str))
    codes = np.argsort(levels)[codes].reshape(points, points)
    looks = styles(len(levels))
    for code, (name, look) in enumerate(zip(levels, looks, strict=True)):
        ax.contourf(grid[first], grid[second], codes == code, levels=[0.5, 1.5],
                    colors=[look.colour], alpha=0.22)  # fmt: skip
        ax.contour(grid[first], grid[second], codes == code, levels=[0.5], colors=[INK],
                   linewidths=0.9)  # fmt: skip
        seen = frame[(frame["part"] == "observed") & (frame["level"] == name)]
        ax.plot(seen[first], seen[second], look.marker, color=look.colour, markersize=7,
                markeredgecolor="white", markeredgewidth=0.8, label=name)  # fmt: skip
    ax.set(xlabel=first, ylabel=second)
    note(ax, held_at(result, [first, second]))
    ax.grid(False)
    legend(ax, f"{result.model.endog_names}\n(marks: observed)")
    return ax
