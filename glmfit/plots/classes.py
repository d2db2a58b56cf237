"""Models of several classes: probabilities along predictors, and regions of the plane."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.plots.canvas import (
    INK,
    SEQUENTIAL,
    crowding,
    draws,
    folded,
    legend,
    name_axes,
    new_axes,
    note,
    styles,
)
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

HEIGHTS = {0.6: ":", 0.9: "-"}
"""Probabilities of the most probable class along which lines run, and their dashes."""


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
    name_axes(ax, name, "Probability")
    ax.set_ylim(-0.02, 1.02)
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
    points: int = 201,
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
    points: int = 201,
    ax: Any = None,
) -> Any:
    """Draw the probability of each class over two variables, as overlapping surfaces.

    Each place has the colours of the classes mixed in proportion to their probabilities.
    Lines run where the most probable class has the probabilities 0.6 and 0.9.

    Parameters
    ----------
    result : ClassResults
        Other variables are held at their means, factors at their most frequent level.
    x, y : str, optional
        Two numbers; the only two there are by default.
    level : optional
        One class, whose probability is drawn by itself with a scale; all classes by default.
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
        ax.figure.colorbar(mesh, ax=ax, label=folded(f"Probability of {level}", 40))
    else:
        _draw_mixture(ax, grid, levels)
        legend(ax, result.model.endog_names)
    name_axes(ax, first, second)
    note(ax, held_at(result, [first, second]))
    ax.grid(False)
    return ax


def _gridded(frame: pd.DataFrame, points: int) -> dict[str, Array]:
    return {name: frame[name].to_numpy().reshape(points, points) for name in frame.columns}


def _draw_mixture(ax: Any, grid: dict[str, Array], levels: list[str]) -> None:
    """Mix the colours of classes by their probabilities, and draw lines of the largest."""
    first, second = list(grid)[:2]
    across, up = grid[first], grid[second]
    chance = np.stack([grid[name] for name in levels], axis=-1)
    looks = styles(len(levels))
    shades = np.array([_lightened(look.colour) for look in looks])
    ax.pcolormesh(across, up, chance @ shades, shading="nearest", rasterized=True)
    for name, shade in zip(levels, shades, strict=True):
        ax.fill([], [], color=shade, label=name)
    largest = chance.max(axis=-1)
    for height, dash in HEIGHTS.items():
        if largest.min() < height < largest.max():
            ax.contour(across, up, largest, levels=[height], colors=[INK], linestyles=dash,
                       linewidths=0.9)  # fmt: skip
            ax.plot([], [], color=INK, linestyle=dash, linewidth=0.9,
                    label=f"most probable: {height:g}")  # fmt: skip


def _lightened(colour: str) -> Array:
    """Return a colour like "#0072B2" half way to white, as red, green and blue."""
    return 0.5 + np.array([int(colour[j : j + 2], 16) for j in (1, 3, 5)]) / 510.0


def _regions_data(
    result: Any,
    x: str | None = None,
    y: str | None = None,
    *,
    x_span: Span = None,
    y_span: Span = None,
    points: int = 301,
) -> pd.DataFrame:
    """Return the most probable class over the plane, and the observations below.

    Returns
    -------
    DataFrame
        ``part`` ("region" or "observed"), the two variables, ``level``, and ``margin``, by
        how much the probability of the level is above that of the next.
    """
    first, second, rows = _plane(result, x, y, x_span, y_span, points)
    chance = result.predict(rows).to_numpy(dtype=float)
    level = np.array(levels_of(result), dtype=object)[chance.argmax(axis=1)]
    below, above = np.partition(chance, -2, axis=1)[:, -2:].T
    frame = rows[[first, second]].assign(level=level, margin=above - below, part="region")
    frame = pd.concat([frame, _observed_classes(result, first, second)], ignore_index=True)
    return frame[["part", first, second, "level", "margin"]]


@draws(_regions_data)
def decision_regions(
    result: Any,
    x: str | None = None,
    y: str | None = None,
    *,
    x_span: tuple[float, float] | None = None,
    y_span: tuple[float, float] | None = None,
    points: int = 301,
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
    seen = frame[frame["part"] == "observed"]
    share = crowding(len(seen))
    for name, look in zip(levels, styles(len(levels)), strict=True):
        _draw_region(ax, grid, name, look.colour)
        own = seen[seen["level"] == name]
        ax.plot(own[first], own[second], look.marker, color=look.colour,
                markersize=max(2.0, 7.0 * share), alpha=max(0.3, share), rasterized=share < 0.5,
                markeredgecolor="white", markeredgewidth=0.8 * (share == 1.0))  # fmt: skip
        ax.plot([], [], look.marker, color=look.colour, markersize=7, label=name)
    name_axes(ax, first, second)
    note(ax, held_at(result, [first, second]))
    ax.grid(False)
    legend(ax, f"{result.model.endog_names}\n(marks: observed)")
    return ax


def _draw_region(ax: Any, grid: dict[str, Array], name: str, colour: str) -> None:
    """Fill where a class is the most probable one, up to where it is as probable as the next."""
    across, up = (grid[column] for column in list(grid)[1:3])
    # at a border the next class is the one beyond it, whose margin is this one's, turned
    ahead = _blurred(np.where(grid["level"] == name, grid["margin"], -grid["margin"]).astype(float))
    if (ahead > 0.0).any():
        ax.contourf(across, up, ahead, levels=[0.0, 2.0], colors=[colour], alpha=0.22)
        ax.contour(across, up, ahead, levels=[0.0], colors=[INK], linewidths=0.9)


def _blurred(field: Array) -> Array:
    """Return a field averaged over the cells near by, which leaves planes as they are.

    Probabilities of 0 and 1 (of separated data) make steps, along which a contour would go up
    and down the cells.
    """
    weights = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
    for _ in range(2):
        wide = np.pad(field, ((2, 2), (0, 0)), mode="reflect", reflect_type="odd")
        moved = np.lib.stride_tricks.sliding_window_view(wide, 5, axis=0)
        field = (moved @ weights).T
    return field
