"""The softmax function itself, without a fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError
from glmfit.likelihoods import Multinomial
from glmfit.plots.canvas import SEQUENTIAL, draws, legend, name_axes, new_axes, note, styles

__all__ = ["softmax_curves", "softmax_heatmap"]

Array = NDArray[np.float64]
Names = tuple[str, ...]

CLASSES = ("class 1", "class 2", "class 3")


def _probabilities(eta: Array) -> Array:
    """Return softmax(eta), a predictor for each class, shape (n, K)."""
    return np.exp(Multinomial(eta.shape[1]).log_probabilities(eta[:, 1:] - eta[:, :1]))


def _checked(classes: Any, others: Any) -> tuple[Names, Array]:
    names, held = tuple(map(str, classes)), np.asarray(others, dtype=float)
    if len(names) < 2 or len(set(names)) < len(names):
        raise ArgumentError("There must be two classes or more, each with a name of its own.")
    if held.shape != (len(names) - 1,):
        raise ArgumentError(
            f"others= gives the predictors of the {len(names) - 1} classes after the first "
            f"(got {others!r})."
        )
    return names, held


def _curves_data(
    classes: Any = CLASSES,
    others: Any = (0.0, 1.0),
    *,
    span: tuple[float, float] = (-6.0, 6.0),
    points: int = 201,
) -> pd.DataFrame:
    """Return ``eta`` of the first class, ``level`` and ``probability``, a row for each class."""
    names, held = _checked(classes, others)
    eta = np.linspace(*span, points)
    values = _probabilities(np.column_stack([eta, np.broadcast_to(held, (points, held.size))]))
    table = pd.DataFrame(values, columns=list(names)).assign(eta=eta)
    return table.melt("eta", var_name="level", value_name="probability")


@draws(_curves_data)
def softmax_curves(
    classes: Any = CLASSES,
    others: Any = (0.0, 1.0),
    *,
    span: tuple[float, float] = (-6.0, 6.0),
    points: int = 201,
    ax: Any = None,
) -> Any:
    """Draw how the softmax function shares out probability as one predictor rises.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes.
    others : sequence of float
        Linear predictors of all classes but the first, which stay where they are.
    span : tuple of float
        From where to where the predictor of the first class goes.
    points : int
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import glmfit as gf
    >>> gf.plots.softmax_curves.data(("a", "b"), (0.0,), span=(0.0, 1.0), points=2).round(3)
       eta level  probability
    0  0.0     a        0.500
    1  1.0     a        0.731
    2  0.0     b        0.500
    3  1.0     b        0.269
    """
    names, held = _checked(classes, others)
    frame = softmax_curves.data(names, held, span=span, points=points)
    ax = new_axes(ax)
    for name, look in zip(names, styles(len(names)), strict=True):
        own = frame[frame["level"] == name]
        ax.plot(own["eta"], own["probability"], color=look.colour, linestyle=look.dash,
                linewidth=2.0, label=name)  # fmt: skip
    ax.set_ylim(-0.02, 1.02)
    name_axes(ax, f"Linear predictor η of {names[0]}", "Probability")
    note(ax, ", ".join(f"η of {n} = {v:g}" for n, v in zip(names[1:], held, strict=True)))
    legend(ax)
    return ax


def _heatmap_data(
    classes: Any = CLASSES,
    *,
    level: str | None = None,
    span: tuple[float, float] = (-5.0, 5.0),
    points: int = 101,
) -> pd.DataFrame:
    """Return the predictors ``eta_1`` and ``eta_2`` and the probability of the class drawn."""
    names, chosen = _three(classes, level)
    one = np.linspace(*span, points)
    first, second = (part.ravel() for part in np.meshgrid(one, one))
    values = _probabilities(np.column_stack([first, second, np.zeros_like(first)]))
    columns = {"eta_1": first, "eta_2": second, "probability": values[:, names.index(chosen)]}
    return pd.DataFrame(columns)


def _three(classes: Any, level: str | None) -> tuple[Names, str]:
    names = tuple(map(str, classes))
    if len(names) != 3:
        raise ArgumentError(f"The heat map is of three classes (got {len(names)}).")
    chosen = names[0] if level is None else str(level)
    if chosen not in names:
        raise ArgumentError(f"level= is one of {', '.join(names)} (got {level!r}).")
    return names, chosen


@draws(_heatmap_data)
def softmax_heatmap(
    classes: Any = CLASSES,
    *,
    level: str | None = None,
    span: tuple[float, float] = (-5.0, 5.0),
    points: int = 101,
    ax: Any = None,
) -> Any:
    """Draw the probability of one of three classes over the predictors of two.

    Parameters
    ----------
    classes : sequence of str
        Names of three classes; the predictor of the last is 0, it is the reference.
    level : str, optional
        The class whose probability is drawn; the first by default.
    span : tuple of float
        From where to where both predictors go.
    points : int
        Values of each predictor.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    names, chosen = _three(classes, level)
    frame = softmax_heatmap.data(names, level=chosen, span=span, points=points)
    ax = new_axes(ax, (5.6, 4.4))
    one = np.linspace(*span, points)
    values = frame["probability"].to_numpy().reshape(points, points)
    mesh = ax.pcolormesh(one, one, values, cmap=SEQUENTIAL, vmin=0.0, vmax=1.0, shading="gouraud",
                         rasterized=True)  # fmt: skip
    lines = ax.contour(one, one, values, levels=[0.1, 0.3, 0.5, 0.7, 0.9],
                       colors=["white", "white", "black", "black", "black"],
                       linewidths=0.9)  # fmt: skip
    ax.clabel(lines, fmt="%.1f", fontsize="small")
    ax.figure.colorbar(mesh, ax=ax, label=f"Probability of {chosen}")
    ax.grid(False)
    name_axes(ax, f"Linear predictor η of {names[0]}", f"Linear predictor η of {names[1]}")
    note(ax, f"η of {names[2]} = 0")
    return ax
