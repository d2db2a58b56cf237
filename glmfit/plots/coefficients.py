"""Coefficients with their intervals: as they are, by class, and by reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError, suggest
from glmfit.plots.canvas import (
    ROW_WIDTH,
    draws,
    folded,
    legend,
    mark_level,
    name_axes,
    name_places,
    new_axes,
    note,
    plain_log_ticks,
    rows_size,
    styles,
)
from glmfit.plots.curves import draw_intervals, interval_heights

__all__ = ["class_coefficients", "coefficients", "reference_effect"]

Array = NDArray[np.float64]

CONSTANTS = ("Intercept", "const")

UNDETERMINED = "aliased or not determined"
ENDLESS = "infinite: the data are separated"
"""Why a coefficient has no point."""


# --- which coefficients ---------------------------------------------------------------------


def _chosen(result: Any, frame: pd.DataFrame, terms: Any, intercept: bool) -> pd.DataFrame:
    """Return the rows of coefficients that are asked for: by term, name, or all slopes."""
    if terms is not None:
        wanted = [terms] if isinstance(terms, str) else [str(term) for term in terms]
        return frame[frame["term"].isin(_columns_of(result, wanted))]
    kept = np.ones(len(frame), dtype=bool)
    if not intercept:
        kept = ~frame["term"].isin(CONSTANTS).to_numpy()
        if "coef_type" in frame.columns:
            kept &= (frame["coef_type"] == "coefficient").to_numpy()
    return frame[kept]


def _columns_of(result: Any, wanted: list[str]) -> list[str]:
    """Return the names of the coefficients that terms or names stand for."""
    spec = result.model.data.spec
    terms = (
        {} if spec is None else {t: spec.column_names[part] for t, part in spec.term_slices.items()}
    )
    names = list(dict.fromkeys(result.tidy(conf_int=False)["term"]))
    found: list[str] = []
    for name in wanted:
        if name not in names and name not in terms:
            known = list(dict.fromkeys([*names, *terms]))
            raise ArgumentError(
                f"There is no coefficient {name!r}.{suggest(name, known)} "
                f"Known: {', '.join(known)}."
            )
        found += [name] if name in names else list(terms[name])
    return found


def _is_ratio(result: Any, exponentiate: bool | None) -> bool:
    return result.ratio_name is not None if exponentiate is None else bool(exponentiate)


# --- forest plot ----------------------------------------------------------------------------


def _coefficients_data(
    result: Any,
    terms: Any = None,
    *,
    exponentiate: bool | None = None,
    intercept: bool = False,
    alpha: float = 0.05,
    method: str = "wald",
) -> pd.DataFrame:
    """Return the rows of `LikelihoodResults.tidy` that are drawn."""
    ratio = _is_ratio(result, exponentiate)
    frame = result.tidy(True, ratio, conf_level=1.0 - alpha, method=method)
    chosen = _chosen(result, frame, terms, intercept)
    if ratio and "coef_type" in chosen.columns:  # exp(threshold) means nothing
        chosen = chosen[chosen["coef_type"] == "coefficient"]
    if chosen.empty:
        raise NotAvailableError("There is no coefficient to draw; intercept=True draws constants.")
    return chosen.reset_index(drop=True)


@draws(_coefficients_data)
def coefficients(
    result: Any,
    terms: Any = None,
    *,
    exponentiate: bool | None = None,
    intercept: bool = False,
    alpha: float = 0.05,
    method: str = "wald",
    ax: Any = None,
) -> Any:
    """Draw coefficients with their intervals, odds ratios on a logarithmic axis.

    Parameters
    ----------
    result : LikelihoodResults
    terms : str or list of str, optional
        Terms of the formula or names of coefficients; all but constants and thresholds by
        default.
    exponentiate : bool, optional
        Whether to draw exp(coefficient). By default where it has a name: odds ratios,
        rate ratios, relative-risk ratios.
    intercept : bool
        Whether to draw constants too, and thresholds where coefficients are not exponentiated.
    alpha : float
        Intervals cover ``1 - alpha``.
    method : str
        As in `conf_int` of the result: "wald", "profile".
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import glmfit as gf
    >>> challenger = gf.datasets.load("challenger")
    >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
    >>> gf.plots.coefficients.data(result)[["term", "estimate", "conf_low"]].round(3)
              term  estimate  conf_low
    0  TEMPERATURE     0.793     0.641
    """
    frame = coefficients.data(
        result, terms, exponentiate=exponentiate, intercept=intercept, alpha=alpha, method=method
    )
    ratio = _is_ratio(result, exponentiate)
    group = "y_level" if "y_level" in frame.columns else None
    groups = 1 if group is None else frame[group].nunique()
    ax = new_axes(ax, rows_size(list(frame["term"].unique()), groups))
    draw_intervals(ax, frame, frame["term"], group, ("estimate", "conf_low", "conf_high"))
    null = 1.0 if ratio else 0.0
    if ratio:
        shown = frame[["estimate", "conf_low", "conf_high"]].to_numpy().ravel()
        plain_log_ticks(ax, [*shown, 1.0])
    mark_level(ax, null, vertical=True)
    _tell_missing(ax, frame, group, null)
    name = (result.ratio_name or "exp(coefficient)") if ratio else "Coefficient"
    name = name.replace("ratios", "ratio")
    what = {"wald": "Wald", "profile": "profile-likelihood"}.get(method, method)
    name_axes(ax, f"{name}, {1 - alpha:.0%} {what} interval")
    if group is not None:
        legend(ax, f"{result.model.endog_names}\nagainst {result.model.reference}")
    return ax


def _tell_missing(ax: Any, frame: pd.DataFrame, group: str | None, null: float) -> None:
    """Say in words why a coefficient has no point, once for the classes that share a reason."""
    value = frame["estimate"]
    endless = np.isinf(value) | ((value == 0.0) & (null == 1.0))
    reason = np.select([value.isna(), endless], [UNDETERMINED, ENDLESS], "")
    heights = interval_heights(frame, frame["term"], group)
    missing = frame.assign(reason=reason, height=heights)[reason != ""]
    for (term, told), part in missing.groupby(["term", "reason"], sort=False):
        text = str(told)
        if len(part) < (frame["term"] == term).sum():
            text = f"{', '.join(part[group])}: {text}"
        ax.annotate(text, (null, part["height"].mean()), textcoords="offset points", xytext=(4, 3),
                    fontsize="small", style="italic")  # fmt: skip


# --- classes --------------------------------------------------------------------------------


def _with_reference(result: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """Return coefficients with those of the reference, which are 0 by definition."""
    zero = frame.drop_duplicates("term").assign(y_level=str(result.model.reference))
    numbers = [name for name in frame.columns if name not in ("y_level", "term")]
    zero[numbers] = np.nan
    zero["estimate"] = 0.0
    levels = [str(level) for level in result.model.levels]
    both = pd.concat([frame, zero], ignore_index=True)
    order = both["y_level"].map(levels.index)
    return both.assign(_order=order).sort_values("_order", kind="stable").drop(columns="_order")


def _require_reference(result: Any) -> None:
    if getattr(result.model, "reference", None) is None:
        raise NotAvailableError(
            "This plot is for multinomial logits, whose classes have coefficients each against a "
            "reference; plots.coefficients draws those of other models."
        )


def _class_data(
    result: Any, terms: Any = None, *, intercept: bool = False, alpha: float = 0.05
) -> pd.DataFrame:
    """Return `tidy` with rows for the reference class, whose coefficients are 0."""
    _require_reference(result)
    frame = _coefficients_data(result, terms, exponentiate=False, intercept=intercept, alpha=alpha)
    return _with_reference(result, frame).reset_index(drop=True)


@draws(_class_data)
def class_coefficients(
    result: Any,
    terms: Any = None,
    *,
    intercept: bool = False,
    alpha: float = 0.05,
    ax: Any = None,
) -> Any:
    """Draw the coefficients of a multinomial logit class by class, the reference at 0.

    Parameters
    ----------
    result : MultinomialResults
    terms, intercept, alpha
        As in `coefficients`.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = class_coefficients.data(result, terms, intercept=intercept, alpha=alpha)
    ax = new_axes(ax)
    levels = [str(level) for level in result.model.levels]
    names = list(dict.fromkeys(frame["term"]))
    for place, (name, look) in enumerate(zip(names, styles(len(names)), strict=True)):
        own = frame[frame["term"] == name]
        where = np.array([levels.index(level) for level in own["y_level"]], dtype=float)
        where += min(0.14, 0.7 / len(names)) * (place - (len(names) - 1) / 2)
        fixed = (own["y_level"] == str(result.model.reference)).to_numpy()
        ax.vlines(where, own["conf_low"], own["conf_high"], color=look.colour, linewidth=2.0)
        ax.plot(where[~fixed], own["estimate"][~fixed], look.marker, color=look.colour,
                markersize=7, label=name)  # fmt: skip
        ax.plot(where[fixed], own["estimate"][fixed], look.marker, color=look.colour,
                markersize=7, markerfacecolor="white")  # fmt: skip
    mark_level(ax, 0.0)
    reference = str(result.model.reference)
    told = [f"{level}\n(reference)" if level == reference else level for level in levels]
    name_places(ax, told, legend=True)
    name_axes(ax, str(result.model.endog_names), f"Coefficient: log odds against {reference}")
    ax.grid(False, axis="x")
    legend(ax, "term")
    return ax


def _reference_data(result: Any, term: str, *, alpha: float = 0.05) -> pd.DataFrame:
    """Return the coefficients of one term with each class as the reference in turn.

    Returns
    -------
    DataFrame
        ``reference`` and the columns of `tidy`; nothing is fitted again.
    """
    _require_reference(result)
    parts = []
    for reference in result.model.levels:
        own = result if reference == result.model.reference else result.rebase(reference)
        frame = _coefficients_data(own, term, exponentiate=False, alpha=alpha)
        if frame["term"].nunique() > 1:
            raise ArgumentError(
                f"{term} has the columns {', '.join(dict.fromkeys(frame['term']))}; name one."
            )
        parts.append(_with_reference(own, frame).assign(reference=str(reference)))
    both = pd.concat(parts, ignore_index=True)
    return both[["reference", *(name for name in both.columns if name != "reference")]]


@draws(_reference_data)
def reference_effect(result: Any, term: str, *, alpha: float = 0.05, ax: Any = None) -> Any:
    """Draw the coefficients of a term with each class as the reference in turn.

    The picture moves as a whole and the distances between classes stay: the choice of the
    reference changes what is shown, not what is fitted.

    Parameters
    ----------
    result : MultinomialResults
    term : str
        The name of one coefficient, such as "age" or "group[T.b]".
    alpha : float
        Intervals cover ``1 - alpha``.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = reference_effect.data(result, term, alpha=alpha)
    levels = [str(level) for level in result.model.levels]
    ax = new_axes(ax, (rows_size(levels)[0], 1.4 + 0.6 * len(levels)))
    for place, (level, look) in enumerate(zip(levels, styles(len(levels)), strict=True)):
        own = frame[frame["y_level"] == level]
        height = np.array([-levels.index(reference) for reference in own["reference"]], dtype=float)
        height -= min(0.18, 0.7 / len(levels)) * (place - (len(levels) - 1) / 2)
        fixed = (own["reference"] == level).to_numpy()
        ax.hlines(height, own["conf_low"], own["conf_high"], color=look.colour, linewidth=2.0)
        ax.plot(own["estimate"][~fixed], height[~fixed], look.marker, color=look.colour,
                markersize=7, label=level)  # fmt: skip
        ax.plot(own["estimate"][fixed], height[fixed], look.marker, color=look.colour,
                markersize=7, markerfacecolor="white")  # fmt: skip
    mark_level(ax, 0.0, vertical=True)
    ax.set_yticks(-np.arange(len(levels)), [folded(level, ROW_WIDTH) for level in levels])
    ax.set_ylim(-len(levels) + 0.4, 0.6)
    name_axes(ax, f"Coefficient of {term}: log odds against the reference", "Reference")
    note(ax, "hollow: the reference, 0 by definition")
    ax.grid(False, axis="y")
    legend(ax, result.model.endog_names)
    return ax
