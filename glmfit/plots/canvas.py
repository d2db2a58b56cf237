"""Where plots are drawn: matplotlib on use, axes, colours, and the twin that hands out data."""

from __future__ import annotations

import textwrap
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
    "cloud",
    "crowding",
    "draws",
    "folded",
    "legend",
    "legend_size",
    "mark_level",
    "name_axes",
    "name_places",
    "new_axes",
    "new_panels",
    "note",
    "plain_log_ticks",
    "pyplot",
    "rows_size",
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

LEGEND_WIDTH = 24
ROW_WIDTH = 30
"""Characters in a line of a legend, and of a label beside a row."""

MANY = 1000
"""Points from which on each is drawn smaller and fainter, so that their density shows."""

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


# --- words --------------------------------------------------------------------------------


def folded(text: str, width: int) -> str:
    """Return text in lines of at most ``width`` characters."""
    return "\n".join(textwrap.fill(line, max(8, width)) for line in text.split("\n"))


def _room(ax: Any, *, vertical: bool = False) -> int:
    """Return how many characters of the usual size have room beside an axis."""
    box = ax.get_window_extent()
    return int(12.0 * (box.height if vertical else box.width) / ax.figure.dpi)


def legend(ax: Any, title: str | None = None) -> None:
    """Show the legend outside of the data, on the right."""
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles, [folded(label, LEGEND_WIDTH) for label in labels],
              title=None if title is None else folded(title, LEGEND_WIDTH),
              frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))  # fmt: skip


def legend_size(labels: Sequence[str]) -> tuple[float, float]:
    """Return the size of a figure that holds a legend with these labels."""
    lines = sum(folded(label, LEGEND_WIDTH).count("\n") + 1.4 for label in labels)
    return SIZE[0], max(SIZE[1], 0.18 * lines + 0.8)


def note(ax: Any, text: str) -> None:
    """Write up to two lines above the data, such as what other variables are held at."""
    if text:
        whole = text.replace(" = ", "\u00a0=\u00a0")  # no line ends within "age = 37.5"
        lines = textwrap.wrap(whole, max(24, _room(ax)), max_lines=2, placeholder=" …")
        shown = "\n".join(lines).replace("\u00a0", " ")
        ax.set_title(shown, loc="left", fontsize="medium", color=FAINT)


def name_axes(ax: Any, x: str | None = None, y: str | None = None) -> None:
    """Label the axes, in several lines where the words are longer than the axis."""
    if x is not None:
        ax.set_xlabel(folded(x, max(24, _room(ax))))
    if y is not None:
        ax.set_ylabel(folded(y, max(24, _room(ax, vertical=True))))


def name_places(ax: Any, names: Sequence[str], *, legend: bool) -> None:
    """Name the places 0, 1, ... on the x axis: in lines, or aslant where these are too wide."""
    room = 0.7 * _room(ax) if legend else _room(ax)
    width = int(room / max(1, len(names))) - 2
    words = [word for name in names for word in name.replace("-", "- ").split()]
    ax.set_xlim(-0.5, len(names) - 0.5)
    if max(map(len, words), default=0) <= max(width, 8) and width >= 5:
        ax.set_xticks(range(len(names)), [folded(name, width) for name in names])
    else:
        ax.set_xticks(range(len(names)), [folded(name, LEGEND_WIDTH) for name in names],
                      rotation=35, ha="right", rotation_mode="anchor")  # fmt: skip


def rows_size(labels: Sequence[str], groups: int = 1) -> tuple[float, float]:
    """Return the size of a figure with a row for each label, told apart into groups."""
    lines = [folded(label, ROW_WIDTH).split("\n") for label in labels]
    longest = max(len(line) for part in lines for line in part)
    row = max(0.42, 0.12 + 0.18 * max(map(len, lines)), 0.1 + 0.13 * groups)
    extra = 0.085 * max(0, longest - 14)
    return round(SIZE[0] + extra, 2), round(1.2 + row * max(3, len(labels)), 2)


# --- marks --------------------------------------------------------------------------------


def crowding(count: int) -> float:
    """Return 1 for few points, and a smaller share of their size and ink for many."""
    return float(min(1.0, (MANY / max(count, 1)) ** 0.5))


def cloud(ax: Any, x: Any, y: Any, look: Style | None = None, label: str | None = None) -> None:
    """Draw points; many of them smaller and fainter."""
    share = crowding(len(x))
    colour, marker = (COLOURS[0], "o") if look is None else (look.colour, look.marker)
    ax.plot(x, y, marker, color=colour, markersize=max(1.2, 4.5 * share**0.5),
            alpha=max(0.05, 0.75 * share), rasterized=share < 0.5,
            **({} if share == 1.0 else {"markeredgewidth": 0.0}))  # fmt: skip
    if label is not None:
        ax.plot([], [], marker, color=colour, markersize=4.5, alpha=0.75, label=label)


def mark_level(ax: Any, value: float, *, vertical: bool = False, zorder: float = 1.0) -> None:
    """Draw a dashed line across the data, at a value that others are compared with."""
    line = ax.axvline if vertical else ax.axhline
    line(value, color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=zorder)


def plain_log_ticks(ax: Any, values: Sequence[float]) -> None:
    """Put plain numbers (0.5, 1, 2) on a logarithmic x axis that shows ``values``."""
    finite = np.asarray([value for value in values if np.isfinite(value) and value > 0.0])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (1.0, 1.0)
    margin = (high / low) ** 0.08 if high > low else 1.25
    low, high = low / margin, high * margin
    ax.set_xlim(low, high)  # first, as a logarithmic axis looks for positive data otherwise
    ax.set_xscale("log")
    shown = [tick for tick in _log_ticks(low, high) if low <= tick <= high]
    ax.set_xticks(shown, [f"{tick:.10g}" for tick in shown])
    ax.set_xticks([], minor=True)


def _log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers for a logarithmic axis, in even steps where it is nearly straight."""
    if high / low <= 5.0:
        return _even_ticks(low, high)
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    if high / low <= 12.0:
        steps: tuple[float, ...] = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    else:
        steps = (1.0, 2.0, 5.0) if len(decades) <= 4 else (1.0,)
    return [step * 10.0**d for d in decades[:: max(1, len(decades) // 7)] for step in steps]


def _even_ticks(low: float, high: float) -> list[float]:
    """Return three to eight multiples of 1, 2 or 5 times a power of 10."""
    power = 10.0 ** np.floor(np.log10(high - low))
    step = next(s * power for s in (0.1, 0.2, 0.5, 1.0, 2.0) if (high - low) / (s * power) <= 7.5)
    places = range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)
    digits = max(0, 1 - int(np.floor(np.log10(step))))
    return [round(place * step, digits) for place in places]
