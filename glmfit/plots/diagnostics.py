"""Residuals, influence and partial relations of a fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError
from glmfit.plots.canvas import (
    FAINT,
    INK,
    cloud,
    crowding,
    draws,
    legend,
    mark_level,
    name_axes,
    new_axes,
    new_panels,
    note,
    styles,
)
from glmfit.plots.grids import linear_label, mean_label, method_of, number_of, observed_columns

__all__ = [
    "added_variable",
    "binned_residuals",
    "influence",
    "partial_residuals",
    "residual_panels",
    "residual_quantiles",
    "residuals",
]

Array = NDArray[np.float64]

AGAINST = ("fitted", "linear", "row")


# --- residuals ------------------------------------------------------------------------------


def _residuals_data(
    result: Any, against: str = "linear", *, kind: str | None = None, seed: Any = None
) -> pd.DataFrame:
    """Return ``x`` and ``residual`` (and ``level`` where each class has its own) of each row."""
    kind = _default_kind(result) if kind is None else kind
    values = method_of(result, "get_resid")(kind, seed=seed)
    kept = result.model.data.kept
    table = np.asarray(values, dtype=float)[kept]
    x = _placed(result, against)
    if table.ndim == 1:
        return pd.DataFrame({"x": x if x.ndim == 1 else x[:, 0], "residual": table})
    names = [str(name) for name in values.columns]
    across = np.column_stack([x] * len(names)) if x.ndim == 1 else x
    parts = [
        pd.DataFrame({"level": name, "x": across[:, j], "residual": table[:, j]})
        for j, name in enumerate(names)
    ]
    return pd.concat(parts, ignore_index=True)


def _default_kind(result: Any) -> str:
    """Return "quantile" where the model has such residuals, else "pearson"."""
    kinds = getattr(result, "kinds", ("quantile",))
    return "quantile" if "quantile" in kinds else "pearson"


def _placed(result: Any, against: str) -> Array:
    """Return where residuals stand on the x axis, shape (m,) or (m, K) for class by class."""
    kept = result.model.data.kept
    if against == "row":
        return np.flatnonzero(kept).astype(float)
    if against == "fitted":
        return np.asarray(result.fittedvalues[kept], dtype=float)
    if against == "linear":
        linear: Array = np.asarray(result.predict(which="linear"), dtype=float)
        linear = linear[kept]
        # a row of several classes has several predictors: its place is its probability
        return linear if linear.ndim == 1 else _placed(result, "fitted")
    if against not in result.model.variables:
        raise ArgumentError(
            f"against= is one of {', '.join(AGAINST)}, or a variable of the model: "
            f"{', '.join(result.model.variables)} (got {against!r})."
        )
    number_of(result, against, "against")
    return observed_columns(result, [against])[against].to_numpy(dtype=float)


def _axis_name(result: Any, against: str) -> str:
    several = result.model.prediction_names(False) is not None
    if against == "row":
        return "Row of the data"
    if against == "fitted" or (against == "linear" and several):
        return mean_label(result)
    return linear_label(result) if against == "linear" else against


@draws(_residuals_data)
def residuals(
    result: Any,
    against: str = "linear",
    *,
    kind: str | None = None,
    seed: Any = None,
    ax: Any = None,
) -> Any:
    """Draw residuals against the predictor, the mean, the row or a variable.

    Parameters
    ----------
    result : LikelihoodResults
    against : str
        "linear" (the linear predictor; the probability of the class, for several classes),
        "fitted", "row", or a variable that is a number.
    kind : str, optional
        As in `get_resid` of the result; quantile residuals where the model has them, which
        are standard normal if the model is right, else Pearson residuals.
    seed : int or numpy.random.Generator, optional
        For the random part of quantile residuals of discrete responses.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = residuals.data(result, against, kind=kind, seed=seed)
    ax = new_axes(ax)
    if "level" in frame.columns:
        parts = dict(tuple(frame.groupby("level", sort=False)))
        for (name, part), look in zip(parts.items(), styles(len(parts)), strict=True):
            cloud(ax, part["x"], part["residual"], look, str(name))
        legend(ax, result.model.endog_names)
    else:
        cloud(ax, frame["x"], frame["residual"])
    mark_level(ax, 0.0, zorder=3.0)
    kind = _default_kind(result) if kind is None else kind
    name_axes(ax, _axis_name(result, against), f"{kind.capitalize()} residual")
    if against == "row":
        ax.locator_params(axis="x", nbins=5)  # numbers of rows may be long
    return ax


def _order_data(
    result: Any, *, kind: str = "quantile", alpha: float = 0.05, seed: Any = None
) -> pd.DataFrame:
    """Return `ResidualOrder.residual_quantiles` of the result."""
    return pd.DataFrame(method_of(result, "residual_quantiles")(kind, alpha=alpha, seed=seed))


@draws(_order_data)
def residual_quantiles(
    result: Any,
    *,
    kind: str = "quantile",
    alpha: float = 0.05,
    seed: Any = None,
    ax: Any = None,
) -> Any:
    """Draw residuals in order against normal quantiles, with a band for each.

    Parameters
    ----------
    result : GLMResults or OrdinalResults
    kind, alpha, seed
        As in `residual_quantiles` of the result.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = residual_quantiles.data(result, kind=kind, alpha=alpha, seed=seed)
    ax = new_axes(ax)
    ax.fill_between(frame["theoretical"], frame["lower"], frame["upper"], color=FAINT, alpha=0.18,
                    linewidth=0.0,
                    label=f"{1 - alpha:.0%} of normal values,\neach by itself")  # fmt: skip
    ax.plot(frame["theoretical"], frame["theoretical"], color=FAINT, linewidth=1.0)
    cloud(ax, frame["theoretical"], frame["residual"])
    name_axes(ax, "Normal quantile", f"{kind.capitalize()} residual, in order")
    ax.legend(frameon=False, loc="upper left", fontsize="small")
    return ax


def _panels_data(result: Any, *, seed: Any = None) -> pd.DataFrame:
    """Return the frames of the four panels one below the other, told apart by ``panel``."""
    parts = {
        "residuals": _residuals_data(result, "linear", seed=seed),
        "quantiles": _order_data(result, seed=seed),
        "rows": _residuals_data(result, "row", seed=seed),
        "influence": _influence_data(result),
    }
    return pd.concat([part.assign(panel=name) for name, part in parts.items()], ignore_index=True)


@draws(_panels_data)
def residual_panels(result: Any, *, seed: Any = None, ax: Any = None) -> Any:
    """Draw four panels of quantile residuals and influence.

    Residuals against the predictor (the link, curvature, spread), in order against normal
    quantiles (the distribution), by row (dependence, drift), and the influence of rows.

    Parameters
    ----------
    result : GLMResults or OrdinalResults
    seed : int, optional
        For quantile residuals of discrete responses.
    ax : array of four Axes, optional

    Returns
    -------
    ndarray of Axes, shape (2, 2)
    """
    panels = new_panels(ax, 2, 2, (9.6, 7.2))
    residuals(result, "linear", seed=seed, ax=panels[0, 0])
    residual_quantiles(result, seed=seed, ax=panels[0, 1])
    residuals(result, "row", seed=seed, ax=panels[1, 0])
    influence(result, ax=panels[1, 1])
    return panels


def _binned_data(
    result: Any, against: str | None = None, *, n_bins: int | None = None
) -> pd.DataFrame:
    """Return `GLMResults.binned_residuals`."""
    return pd.DataFrame(method_of(result, "binned_residuals")(against, n_bins=n_bins))


@draws(_binned_data)
def binned_residuals(
    result: Any, against: str | None = None, *, n_bins: int | None = None, ax: Any = None
) -> Any:
    """Draw mean residuals in bins, with the limits that most should keep.

    Parameters
    ----------
    result : GLMResults
    against, n_bins
        As in `binned_residuals` of the result.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = binned_residuals.data(result, against, n_bins=n_bins)
    ax = new_axes(ax)
    for side in (-1.0, 1.0):
        ax.plot(frame["x"], side * frame["limit"], color=FAINT, linewidth=1.2,
                label="twice the standard error" if side > 0 else None)  # fmt: skip
    ax.plot(frame["x"], frame["residual"], "o", color=styles(1)[0].colour, markersize=6)
    mark_level(ax, 0.0)
    x = mean_label(result) if against is None else against
    name_axes(ax, x if against is not None else f"{x}, fitted", "Mean residual")
    ax.margins(y=0.15)
    ax.legend(frameon=False, fontsize="small", loc="best")
    return ax


# --- influence ------------------------------------------------------------------------------


def _influence_data(result: Any) -> pd.DataFrame:
    """Return ``leverage``, ``cooks_d`` and, where there is one, the studentized residual."""
    frame: pd.DataFrame = method_of(result, "get_influence")().summary_frame()
    names = {"hat_diag": "leverage", "cooks_d": "cooks_d", "student_resid": "student_resid"}
    kept = frame[[name for name in names if name in frame.columns]].rename(columns=names)
    return kept.rename_axis("row").reset_index().dropna(subset=["leverage", "cooks_d"])


@draws(_influence_data)
def influence(result: Any, *, labels: int = 3, ax: Any = None) -> Any:
    """Draw leverage against studentized residuals, with Cook's distance as the area.

    For models of several classes, whose rows have several residuals, Cook's distance is
    drawn against leverage.

    Parameters
    ----------
    result : GLMResults or ClassResults
    labels : int
        How many rows to name, those with the largest distances.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = influence.data(result)
    ax = new_axes(ax)
    if "student_resid" in frame.columns:
        height, name = "student_resid", "Studentized residual"
        _draw_bubbles(ax, frame, height)
    else:
        height, name = "cooks_d", "Cook's distance"
        cloud(ax, frame["leverage"], frame[height])
    ax.margins(x=0.1, y=0.15)
    _widen(ax, frame["leverage"])
    _name_rows(ax, frame.nlargest(labels, "cooks_d"), height)
    name_axes(ax, "Leverage", name)
    return ax


def _draw_bubbles(ax: Any, frame: pd.DataFrame, height: str) -> None:
    """Draw points with Cook's distance as their area, smaller and fainter where many."""
    colour, share = styles(1)[0].colour, crowding(len(frame))
    largest = float(frame["cooks_d"].max())
    area = 12.0 + 420.0 * frame["cooks_d"] / (largest if largest > 0.0 else 1.0)
    ax.scatter(frame["leverage"], frame[height], s=share * area, facecolor=colour,
               alpha=max(0.05, 0.35 * share), edgecolor=colour, linewidth=0.9 * share,
               rasterized=share < 0.5)  # fmt: skip
    mark_level(ax, 0.0)
    note(ax, f"area: Cook's distance, at most {largest:.3g}")


def _name_rows(ax: Any, frame: pd.DataFrame, height: str) -> None:
    """Write the labels of rows beside their points, together where they are close."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    groups: list[list[tuple[float, float, str]]] = []
    for row, *place in frame[["row", "leverage", height]].itertuples(index=False):
        x, y = (place[0] - left) / (right - left), (place[1] - low) / (high - low)
        near = (g for g in groups if abs(g[0][0] - x) < 0.15 and abs(g[0][1] - y) < 0.06)
        group: list[tuple[float, float, str]] = next(near, [])
        if not group:
            groups.append(group)
        group.append((x, y, str(row)))
    for group in groups:
        x, y, _ = group[0]
        side = 1 if x < 0.7 else -1  # so that words stay inside
        ax.annotate(", ".join(text for _, _, text in group), (x, y), xycoords="axes fraction",
                    textcoords="offset points", xytext=(6 * side, 6), fontsize="small",
                    color=INK, ha="left" if side > 0 else "right")  # fmt: skip


def _widen(ax: Any, values: pd.Series) -> None:
    """Keep an axis from showing rounding where all leverages are one."""
    middle = float(values.mean())
    if float(values.max() - values.min()) < 1e-6 * abs(middle):
        ax.set_xlim(0.5 * middle, 1.5 * middle)


# --- one variable at a time -----------------------------------------------------------------


def _added_data(result: Any, name: str) -> pd.DataFrame:
    """Return `GLMResults.added_variable`, without rows that were dropped."""
    return pd.DataFrame(method_of(result, "added_variable")(name)).dropna()


@draws(_added_data)
def added_variable(result: Any, name: str, *, ax: Any = None) -> Any:
    """Draw what a column adds to the others; the slope of the line is its coefficient.

    Parameters
    ----------
    result : GLMResults
    name : str
        A column of the design, as in ``params``.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = added_variable.data(result, name)
    ax = new_axes(ax)
    slope = float(result.record.base[list(result.model.data.names).index(name)])
    ends = np.array([frame["x"].min(), frame["x"].max()])
    cloud(ax, frame["x"], frame["y"])
    ax.plot(ends, slope * ends, color=INK, linewidth=1.6, label=f"slope {slope:.4g}")
    name_axes(ax, f"{name}, given the others", f"{result.model.endog_names}, given the others")
    ax.legend(frameon=False)
    return ax


def _partial_data(result: Any, term: str, against: str | None = None) -> pd.DataFrame:
    """Return ``x``, ``partial`` (residual plus component) and ``component`` of each row."""
    partial = method_of(result, "resid_partial")(term)
    data = result.model.data
    component = np.asarray(partial, dtype=float) - np.asarray(result.resid_working, dtype=float)
    columns = {"partial": np.asarray(partial)[data.kept], "component": component[data.kept]}
    x = _term_values(result, term, against)
    return pd.DataFrame({"x": x, **columns}).sort_values("x", kind="stable", ignore_index=True)


def _term_values(result: Any, term: str, against: str | None) -> Array:
    """Return the values of a term's column, or of the variable that is named."""
    data = result.model.data
    if against is not None:
        number_of(result, against, "against")
        return observed_columns(result, [against])[against].to_numpy(dtype=float)
    names = list(data.names)
    if term not in names:
        raise ArgumentError(
            f"{term} has several columns; name the variable to draw it against, as against=."
        )
    column: Array = data.design.toarray()[:, names.index(term)]
    return column


@draws(_partial_data)
def partial_residuals(result: Any, term: str, against: str | None = None, *, ax: Any = None) -> Any:
    """Draw partial residuals of a term: the shape that its variable should have.

    Parameters
    ----------
    result : GLMResults
    term : str
        A term of the formula, or a column of an array.
    against : str, optional
        A variable that is a number; the column of the term itself by default.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = partial_residuals.data(result, term, against)
    ax = new_axes(ax)
    cloud(ax, frame["x"], frame["partial"])
    ax.plot(frame["x"], frame["component"], color=INK, linewidth=1.6, label="fitted term, centred")
    name_axes(ax, against or term, f"Partial residual of {term}\n(scale of the predictor)")
    ax.legend(frameon=False)
    return ax
