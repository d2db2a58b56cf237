"""Fitted means, predictions and effects along variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glmfit.errors import ArgumentError
from glmfit.inference.residual_plots import binned, default_bins
from glmfit.plots.canvas import (
    FAINT,
    INK,
    ROW_WIDTH,
    Style,
    draws,
    folded,
    legend,
    legend_size,
    mark_level,
    name_axes,
    name_places,
    new_axes,
    note,
    rows_size,
    styles,
)
from glmfit.plots.grids import (
    extrapolated,
    has_shares,
    held_at,
    linear_label,
    mean_label,
    number_of,
    observed_columns,
    span_of,
    variable_of,
)

__all__ = ["adjusted_predictions", "fitted_curve", "log_odds", "marginal_effects"]

Span = tuple[float, float] | None

MANY_ROWS = 500
"""Observations beyond which a plot shows their means in bins."""


# --- what is drawn ------------------------------------------------------------------------


def predictions_along(
    result: Any,
    variable: Any,
    values: Any,
    by: str | None,
    alpha: float,
    **options: Any,
) -> pd.DataFrame:
    """Return predictions at values of one variable, the others at their middle values."""
    at: dict[str, Any] = {}
    if by is not None:
        factor = variable_of(result, by)
        if not factor.levels:
            raise ArgumentError(f"by= takes a factor, and {by} is a number.")
        at[by] = list(factor.levels)
    at[variable.name] = list(values)
    options.setdefault("others", "mean")
    frame: pd.DataFrame = result.adjusted_predictions(at=at, **options).summary_frame(alpha)
    if not variable.levels:
        frame[variable.name] = frame[variable.name].astype(float)
        frame["extrapolated"] = extrapolated(variable, frame[variable.name])
    return frame


def _fitted_curve_data(
    result: Any,
    variable: str | None = None,
    *,
    span: Span = None,
    mark: Any = None,
    by: str | None = None,
    n_bins: int | None = None,
    alpha: float = 0.05,
    points: int = 201,
) -> pd.DataFrame:
    """Return the curve, the observations and the marked predictions, one below the other.

    Returns
    -------
    DataFrame
        ``part`` ("curve", "observed" or "means", "marked"), the variable (and ``by``),
        ``estimate``, ``std_err``, ``ci_lower``, ``ci_upper``, ``extrapolated``, and for
        observations ``count``, how many stand at one point (trials included) or in one bin.
    """
    if result.model.prediction_names(False) is not None:
        raise ArgumentError(
            "The response has several classes; plots.class_probabilities draws a curve for each."
        )
    chosen = number_of(result, variable)
    marks = [] if mark is None else [float(value) for value in np.atleast_1d(mark)]
    wide = span_of(chosen, span, points)
    if span is None and marks:
        wide = span_of(chosen, (min(wide[0], *marks), max(wide[-1], *marks)), points)
    parts = [predictions_along(result, chosen, wide, by, alpha).assign(part="curve")]
    seen = _observations(result, chosen.name, by)
    if n_bins is None and result.nobs > MANY_ROWS:
        n_bins = min(30, default_bins(result.nobs))
    parts.append(seen if n_bins is None else _in_bins(seen, chosen.name, by, n_bins))
    if marks:
        parts.append(predictions_along(result, chosen, marks, by, alpha).assign(part="marked"))
    frame = pd.concat(parts, ignore_index=True)
    return frame[["part", *(name for name in frame.columns if name != "part")]]


def _observations(result: Any, name: str, by: str | None) -> pd.DataFrame:
    """Return observed means, with equal ones counted together."""
    data = result.model._kept_data()
    frame = observed_columns(result, [name] if by is None else [name, by])
    frame["estimate"] = data.response.y
    frame["count"] = 1.0
    for part in (data.response.trials, data.freq_weights):
        if part is not None:
            frame["count"] *= part
    keys = [column for column in frame.columns if column != "count"]
    frame = frame.groupby(keys, sort=True, observed=True)["count"].sum().reset_index()
    frame = frame.assign(part="observed", extrapolated=False)
    frame[name] = frame[name].astype(float)
    return frame


def _in_bins(frame: pd.DataFrame, name: str, by: str | None, n_bins: int) -> pd.DataFrame:
    """Return means of observations in bins along a variable."""
    if n_bins < 1:
        raise ArgumentError(f"n_bins must be a whole number of at least 1 (got {n_bins!r}).")
    parts = []
    for level, part in _grouped(frame, by).items():
        x, y, count = part[[name, "estimate", "count"]].to_numpy(dtype=float).T
        means = binned(x, y, count, n_bins)[["x", "residual", "count"]]
        means.columns = pd.Index([name, "estimate", "count"])
        parts.append(means if by is None else means.assign(**{by: level}))
    return pd.concat(parts, ignore_index=True).assign(part="means", extrapolated=False)


@draws(_fitted_curve_data)
def fitted_curve(
    result: Any,
    variable: str | None = None,
    *,
    span: tuple[float, float] | None = None,
    mark: Any = None,
    by: str | None = None,
    n_bins: int | None = None,
    alpha: float = 0.05,
    points: int = 201,
    ax: Any = None,
) -> Any:
    """Draw the fitted mean along a variable, with its interval, and the observations.

    Where there are no data the background is shaded: the curve is an extrapolation there.

    Parameters
    ----------
    result : LikelihoodResults
        With one mean a row. Other variables are held at their means, factors at their most
        frequent level.
    variable : str, optional
        A variable that is a number; the only one there is by default.
    span : tuple of float, optional
        From where to where to draw; the range of the data, widened to ``mark``.
    mark : float or list of float, optional
        Values at which to show the prediction with its interval.
    by : str, optional
        A factor, for each of whose levels a curve is drawn.
    n_bins : int, optional
        Bins of about equal numbers of observations, whose means are shown in their stead; by
        default none up to 500 observations, and 22 to 30 beyond.
    alpha : float
        The band covers ``1 - alpha`` at each value; it is made on the link scale.
    points : int
        Values at which the curve is computed.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import glmfit as gf
    >>> challenger = gf.datasets.load("challenger")
    >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
    >>> frame = gf.plots.fitted_curve.data(result, mark=31)
    >>> frame.loc[frame["part"] == "marked", ["TEMPERATURE", "estimate", "ci_lower"]].round(3)
         TEMPERATURE  estimate  ci_lower
    219         31.0       1.0     0.482
    """
    frame = fitted_curve.data(
        result, variable, span=span, mark=mark, by=by, n_bins=n_bins, alpha=alpha, points=points
    )
    name = str(number_of(result, variable).name)
    ax = new_axes(ax)
    groups = [None] if by is None else list(variable_of(result, by).levels)
    looks = styles(len(groups))
    for group, look in zip(groups, looks, strict=True):
        own = frame if by is None else frame[frame[by] == group]
        _draw_band(ax, own[own["part"] == "curve"], name, look, _curve_label(group, alpha))
        _draw_observed(ax, own[own["part"].isin(["observed", "means"])], name, look, by is None)
        _draw_marked(ax, own[own["part"] == "marked"], name, look)
    _shade(ax, frame[frame["part"] == "curve"], name)
    name_axes(ax, name, mean_label(result))
    note(ax, held_at(result, [name, *([by] if by else [])]))
    legend(ax, by)
    return ax


def _curve_label(group: Any, alpha: float) -> str:
    return f"fitted mean,\n{1 - alpha:.0%} interval" if group is None else str(group)


def _draw_band(
    ax: Any, frame: pd.DataFrame, name: str, look: Style, label: str, *, alone: bool = True
) -> None:
    ax.plot(frame[name], frame["estimate"], color=look.colour, linestyle=look.dash,
            linewidth=2.0, label=label)  # fmt: skip
    ax.fill_between(frame[name], frame["ci_lower"], frame["ci_upper"], color=look.colour,
                    alpha=0.18 if alone else 0.12, linewidth=0.0)  # fmt: skip


def _draw_observed(ax: Any, frame: pd.DataFrame, name: str, look: Style, alone: bool) -> None:
    count = frame["count"].to_numpy()
    means = bool((frame["part"] == "means").all())
    uneven = bool(count.max() > count.min()) and not means  # bins hold about equal numbers
    label = "observed, means in bins" if means else "observed"
    area = 26.0 * count / count.min()
    ax.scatter(frame[name], frame["estimate"],
               s=np.full(count.size, 26.0) if means else area * min(1.0, 320.0 / area.max()),
               marker=look.marker, facecolor="none", edgecolor=INK if alone else look.colour,
               linewidth=1.2, clip_on=False, zorder=3,
               label=(label + "\n(area: how many)" * uneven) if alone else None)  # fmt: skip


def _draw_marked(ax: Any, frame: pd.DataFrame, name: str, look: Style) -> None:
    for row in frame.to_dict("records"):
        ax.plot([row[name]] * 2, [row["ci_lower"], row["ci_upper"]], color=look.colour,
                linewidth=2.5, zorder=4)  # fmt: skip
        ax.plot([row[name]], [row["estimate"]], "D", color=look.colour, markersize=7.0,
                clip_on=False, zorder=5, label=f"at {row[name]:g}")  # fmt: skip


def _shade(ax: Any, curve: pd.DataFrame, name: str) -> None:
    """Shade the parts of the axis where the fit has seen no data."""
    inside = curve.loc[~curve["extrapolated"], name]
    low, high = curve[name].min(), curve[name].max()
    ends = (inside.min(), inside.max()) if len(inside) else (high, high)
    label: str | None = "extrapolation"
    for start, stop in ((low, ends[0]), (ends[1], high)):
        if start < stop:
            ax.axvspan(start, stop, color=FAINT, alpha=0.15, linewidth=0.0, label=label, zorder=0)
            label = None
    ax.set_xlim(low - 0.02 * (high - low), high + 0.02 * (high - low))


# --- adjusted predictions -----------------------------------------------------------------


def _adjusted_data(
    result: Any,
    variable: str,
    by: str | None = None,
    *,
    others: str = "overall",
    span: Span = None,
    alpha: float = 0.05,
    points: int = 51,
    **options: Any,
) -> pd.DataFrame:
    """Return `LikelihoodResults.adjusted_predictions` at the values drawn, with intervals."""
    chosen = variable_of(result, variable)
    values = chosen.levels if chosen.levels else span_of(chosen, span, points)
    return predictions_along(result, chosen, values, by, alpha, others=others, **options)


@draws(_adjusted_data)
def adjusted_predictions(
    result: Any,
    variable: str,
    by: str | None = None,
    *,
    others: str = "overall",
    span: tuple[float, float] | None = None,
    alpha: float = 0.05,
    points: int = 51,
    ax: Any = None,
    **options: Any,
) -> Any:
    """Draw average predictions with a variable set to each of its values.

    Parameters
    ----------
    result : LikelihoodResults
    variable : str
        A number, which gives a line with a band, or a factor, which gives points with
        intervals.
    by : str, optional
        A factor whose levels are told apart. With several classes of the response these
        are told apart, and ``by`` is not available.
    others : {"overall", "mean", "median", "zero", "balanced"}
        What the other variables are; "overall" leaves them as observed and averages.
    span : tuple of float, optional
        From where to where, for a number.
    alpha : float
        Intervals cover ``1 - alpha``.
    points : int
        Values at which a line is computed.
    ax : Axes, optional
    **options
        As in `adjusted_predictions` of the result: ``which``, ``exog``, ``weights``.

    Returns
    -------
    Axes
    """
    frame = adjusted_predictions.data(
        result, variable, by, others=others, span=span, alpha=alpha, points=points, **options
    )
    group = _group_column(frame, by)
    ax = new_axes(ax)
    draw = draw_bands if "extrapolated" in frame.columns else draw_points
    draw(ax, frame, variable, group)
    linear = options.get("which") == "linear"
    name_axes(ax, variable, linear_label(result) if linear else mean_label(result))
    how = "others as observed, averaged" if others == "overall" else f"others: {others}"
    note(ax, how if len(result.model.variables) > 1 + (by is not None) else "")
    if group is not None:
        legend(ax, result.model.endog_names if group == "level" else group)
    return ax


def _group_column(frame: pd.DataFrame, by: str | None) -> str | None:
    """Return the column by which lines are told apart."""
    if "level" not in frame.columns:
        return by
    if by is not None:
        raise ArgumentError(
            "The lines are those of the classes of the response already: leave by= out, and draw "
            "the levels of the factor one by one with at=."
        )
    return "level"


def draw_bands(ax: Any, frame: pd.DataFrame, name: str, group: str | None) -> None:
    """Draw a line with its band for each group."""
    parts = _grouped(frame, group)
    for (label, part), look in zip(parts.items(), styles(len(parts)), strict=True):
        _draw_band(ax, part, name, look, label, alone=len(parts) == 1)


def draw_points(ax: Any, frame: pd.DataFrame, name: str, group: str | None) -> None:
    """Draw a point with its interval for each level of a factor, side by side for groups."""
    parts = _grouped(frame, group)
    levels = list(dict.fromkeys(frame[name]))
    for place, ((label, part), look) in enumerate(
        zip(parts.items(), styles(len(parts)), strict=True)
    ):
        where = np.array([levels.index(value) for value in part[name]], dtype=float)
        where += min(0.12, 0.7 / len(parts)) * (place - (len(parts) - 1) / 2)
        ax.vlines(where, part["ci_lower"], part["ci_upper"], color=look.colour, linewidth=2.0)
        ax.plot(where, part["estimate"], look.marker, color=look.colour, markersize=7, label=label)
    name_places(ax, [str(level) for level in levels], legend=group is not None)
    ax.grid(False, axis="x")


def _grouped(frame: pd.DataFrame, group: str | None) -> dict[str, pd.DataFrame]:
    """Return the rows of each group, by its name, in the order in which they come."""
    if group is None:
        return {"": frame}
    return {str(label): part for label, part in frame.groupby(group, sort=False, observed=True)}


# --- the linear predictor -----------------------------------------------------------------


def _log_odds_data(
    result: Any,
    variable: str | None = None,
    *,
    span: Span = None,
    by: str | None = None,
    alpha: float = 0.05,
    points: int = 101,
) -> pd.DataFrame:
    """Return linear predictors along a variable, with intervals.

    Returns
    -------
    DataFrame
        The variable, ``level`` where there are several classes, ``estimate, std_err,
        ci_lower, ci_upper`` and ``extrapolated``.
    """
    chosen = number_of(result, variable)
    values = span_of(chosen, span, points)
    return predictions_along(result, chosen, values, by, alpha, which="linear")


@draws(_log_odds_data)
def log_odds(
    result: Any,
    variable: str | None = None,
    *,
    span: tuple[float, float] | None = None,
    by: str | None = None,
    alpha: float = 0.05,
    points: int = 101,
    ax: Any = None,
) -> Any:
    """Draw linear predictors along a variable: log odds, for logit models.

    With several classes there is a line for each class against the reference (for each
    threshold of an ordinal model), and the reference lies at 0.

    Parameters
    ----------
    result, variable, span, by, alpha, points, ax
        As in `fitted_curve`.

    Returns
    -------
    Axes
    """
    frame = log_odds.data(result, variable, span=span, by=by, alpha=alpha, points=points)
    group = _group_column(frame, by)
    name = str(number_of(result, variable).name)
    ax = new_axes(ax)
    draw_bands(ax, frame, name, group)
    if group == "level" or has_shares(result):  # elsewhere 0 means nothing
        mark_level(ax, 0.0)
    name_axes(ax, name, linear_label(result))
    note(ax, held_at(result, [name, *([by] if by else [])]))
    if group is not None:
        legend(ax, result.model.endog_names if group == "level" else group)
    return ax


# --- marginal effects ---------------------------------------------------------------------


def _effects_data(
    result: Any,
    variables: Any = None,
    *,
    along: str | None = None,
    span: Span = None,
    alpha: float = 0.05,
    points: int = 51,
    **options: Any,
) -> pd.DataFrame:
    """Return `LikelihoodResults.marginal_effects`, at the values of ``along`` if it is given."""
    if along is None:
        return pd.DataFrame(result.marginal_effects(variables, **options).summary_frame(alpha))
    if "at" in options:
        raise ArgumentError("along= and at= exclude each other: both say where effects are taken.")
    chosen = number_of(result, along, "along")
    at = {along: list(span_of(chosen, span, points))}
    frame: pd.DataFrame = result.marginal_effects(variables, at, **options).summary_frame(alpha)
    frame[along] = frame[along].astype(float)
    return frame.assign(extrapolated=extrapolated(chosen, frame[along]))


@draws(_effects_data)
def marginal_effects(
    result: Any,
    variables: Any = None,
    *,
    along: str | None = None,
    span: tuple[float, float] | None = None,
    alpha: float = 0.05,
    points: int = 51,
    ax: Any = None,
    **options: Any,
) -> Any:
    """Draw average marginal effects, or one effect along another variable.

    Parameters
    ----------
    result : LikelihoodResults
    variables : str or list of str, optional
        Whose effects; all by default.
    along : str, optional
        A number along whose values to draw the effects as lines.
    span, points
        As in `fitted_curve`, for ``along``.
    alpha : float
        Intervals cover ``1 - alpha``.
    ax : Axes, optional
    **options
        As in `marginal_effects` of the result: ``method``, ``at``, ``by``, ``others``.

    Returns
    -------
    Axes
    """
    frame = marginal_effects.data(
        result, variables, along=along, span=span, alpha=alpha, points=points, **options
    )
    labels = _effect_labels(frame, along)
    what = f"Effect on the {_mean_word(result, options)}"
    group = "level" if "level" in frame.columns else None
    if along is None:
        ax = new_axes(ax, rows_size(list(labels.unique()), _group_count(frame, group)))
        draw_intervals(ax, frame, labels, group)
        mark_level(ax, 0.0, vertical=True)
        name_axes(ax, what)
    else:
        names = labels if group is None else labels + ", " + frame["level"]
        ax = new_axes(ax, legend_size(list(names.unique())))
        frame = frame.assign(**{"": names})
        draw_bands(ax, frame, along, "")
        mark_level(ax, 0.0)
        name_axes(ax, along, what)
    if group is not None or along is not None:
        legend(ax, result.model.endog_names if group is not None else None)
    return ax


def _mean_word(result: Any, options: dict[str, Any]) -> str:
    if options.get("which") == "linear":
        return "linear predictor"
    label = mean_label(result)
    return label[0].lower() + label[1:]


def _effect_labels(frame: pd.DataFrame, along: str | None) -> pd.Series:
    """Return what each effect is of: variable, contrast, group."""
    numbers = ("level", "estimate", "std_err", "z", "t", "p", "ci_lower", "ci_upper",
               "extrapolated", along)  # fmt: skip
    parts = [frame[name].astype(str) for name in frame.columns if name not in numbers]
    text = parts[0]
    for part in parts[1:]:
        text = text + ", " + part
    return text.str.replace(r", (dy/dx|d\(lny\)/d\(lnx\)|dy/d\(lnx\)|d\(lny\)/dx)", "", regex=True)


def _group_count(frame: pd.DataFrame, group: str | None) -> int:
    return 1 if group is None else int(frame[group].nunique())


def interval_heights(frame: pd.DataFrame, labels: pd.Series, group: str | None) -> pd.Series:
    """Return how high each row stands: from the top down, groups side by side."""
    names = list(dict.fromkeys(labels))
    height = labels.map(lambda text: -float(names.index(text)))
    if group is None:
        return height
    groups = list(dict.fromkeys(frame[group]))
    step = min(0.22, 0.7 / len(groups))
    return height - step * (frame[group].map(groups.index) - (len(groups) - 1) / 2)


def draw_intervals(
    ax: Any,
    frame: pd.DataFrame,
    labels: pd.Series,
    group: str | None,
    columns: tuple[str, str, str] = ("estimate", "ci_lower", "ci_upper"),
) -> None:
    """Draw a line of estimates with intervals for each label, from the top down."""
    names = list(dict.fromkeys(labels))
    value, lower, upper = columns
    heights = interval_heights(frame, labels, group)
    parts = _grouped(frame, group)
    for (label, part), look in zip(parts.items(), styles(len(parts)), strict=True):
        height = heights[part.index]
        ax.hlines(height, part[lower], part[upper], color=look.colour, linewidth=2.0)
        ax.plot(part[value], height, look.marker, color=look.colour, markersize=7, label=label)
    ax.set_yticks(-np.arange(len(names)), [folded(str(name), ROW_WIDTH) for name in names])
    ax.set_ylim(-len(names) + 0.4, 0.6)
    ax.grid(False, axis="y")
