"""Where plots are drawn: matplotlib on use, axes, colours, and the twin that hands out data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentTypeError, MissingPackageError

__all__ = [
    "FAINT",
    "INK",
    "SEQUENTIAL",
    "Drawing",
    "Style",
    "draws",
    "legend",
    "mark_level",
    "new_axes",
    "new_panels",
    "note",
    "plain_log_ticks",
    "pyplot",
    "styles",
]

Array = NDArray[np.float64]
P = ParamSpec("P")
D = ParamSpec("D")

COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)
"""Colours that stay apart for every kind of colour vision (Okabe and Ito 2008)."""

DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

INK = "#222222"
"""Points and lines that belong to no class."""

FAINT = "#767676"
"""Reference lines, and the shade of where there are no data."""

SEQUENTIAL = "cividis"
"""A colour map of rising lightness, the same for every kind of colour vision."""

SIZE = (6.4, 4.2)

MISSING = (
    "Plots are drawn by matplotlib, which is not installed: python -m pip install "
    "'glmfit[plots]'. The numbers need none: every plot has a .data(...) that returns them."
)


class Drawing(Protocol[P, D]):
    """A function that draws, with a twin ``data`` that returns what it would draw."""

    data: Callable[D, pd.DataFrame]
    __name__: str
    __doc__: str | None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Draw, and return the Axes."""


def draws(data: Callable[D, pd.DataFrame]) -> Callable[[Callable[P, Any]], Drawing[P, D]]:
    """Give a function that draws the twin that returns the frame it draws."""

    def attach(function: Callable[P, Any]) -> Drawing[P, D]:
        function.__dict__["data"] = data
        return cast("Drawing[P, D]", function)

    return attach


@dataclass(frozen=True, slots=True)
class Style:
    """How one of several lines is told from the others, in grey too."""

    colour: str
    dash: str
    marker: str


def styles(count: int) -> list[Style]:
    """Return a colour, a dash and a marker for each of several lines."""
    return [
        Style(COLOURS[j % len(COLOURS)], DASHES[j % len(DASHES)], MARKERS[j % len(MARKERS)])
        for j in range(count)
    ]


# --- axes ---------------------------------------------------------------------------------


def pyplot() -> Any:
    """Return matplotlib.pyplot, imported when the first plot is drawn."""
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "matplotlib":
            raise
        raise MissingPackageError(MISSING) from error
    return pyplot


def new_axes(ax: Any, size: tuple[float, float] = SIZE) -> Any:
    """Return the given Axes, or those of a new figure, with a light grid."""
    if ax is None:
        ax = pyplot().subplots(figsize=size, layout="constrained")[1]
    elif not hasattr(ax, "transAxes"):
        raise ArgumentTypeError(
            f"ax must be a matplotlib Axes, as plt.subplots()[1] (got {type(ax).__name__})."
        )
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color=FAINT, alpha=0.2, linewidth=0.7)
    ax.set_axisbelow(True)
    return ax


def new_panels(ax: Any, rows: int, columns: int, size: tuple[float, float]) -> Any:
    """Return an array of Axes, shape (rows, columns): those given, or a new figure's."""
    if ax is None:
        return pyplot().subplots(rows, columns, figsize=size, layout="constrained")[1]
    given = np.asarray(ax, dtype=object).ravel()
    if given.size != rows * columns:
        raise ArgumentTypeError(
            f"ax must be {rows * columns} Axes, as plt.subplots({rows}, {columns})[1] "
            f"(got {given.size})."
        )
    return given.reshape(rows, columns)


def legend(ax: Any, title: str | None = None) -> None:
    """Show the legend outside of the data, on the right."""
    ax.legend(title=title, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def note(ax: Any, text: str) -> None:
    """Write a line above the data, such as what other variables are held at."""
    if text:
        ax.set_title(text, loc="left", fontsize="medium", color=FAINT)


def mark_level(ax: Any, value: float, *, vertical: bool = False, zorder: float = 1.0) -> None:
    """Draw a dashed line across the data, at a value that others are compared with."""
    line = ax.axvline if vertical else ax.axhline
    line(value, color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=zorder)


def plain_log_ticks(ax: Any, values: Sequence[float]) -> None:
    """Put plain numbers (0.5, 1, 2) on a logarithmic x axis that shows ``values``."""
    ax.set_xscale("log")
    finite = np.asarray([value for value in values if np.isfinite(value) and value > 0.0])
    if finite.size == 0:
        return
    low, high = float(finite.min()), float(finite.max())
    ax.set_xlim(low / 1.25, high * 1.25)
    decades = range(int(np.floor(np.log10(low / 1.25))), int(np.ceil(np.log10(high * 1.25))) + 1)
    steps = (1.0, 2.0, 5.0) if len(decades) <= 4 else (1.0,)
    every = max(1, len(decades) // 7)
    ticks = [step * 10.0**d for d in list(decades)[::every] for step in steps]
    shown = [tick for tick in ticks if low / 1.25 <= tick <= high * 1.25]
    ax.set_xticks(shown, [f"{tick:g}" for tick in shown])
    ax.set_xticks([], minor=True)
