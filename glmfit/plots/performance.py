"""Discrimination, calibration, profiles and the way to the maximum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glmfit.errors import ArgumentError
from glmfit.inference.tails import critical_value
from glmfit.plots.canvas import FAINT, draws, mark_level, name_axes, new_axes, note, styles
from glmfit.plots.grids import event_of, method_of

__all__ = ["calibration", "convergence", "profile", "roc"]


# --- discrimination and calibration ---------------------------------------------------------


def _roc_of(result: Any, level: Any, data: Any, y: Any) -> Any:
    several = result.model.prediction_names(False) is not None
    if several and level is None:
        raise ArgumentError(
            "Say which class is to be told from the others, as level=: "
            f"{', '.join(map(str, result.model.levels))}."
        )
    if not several and level is not None:
        raise ArgumentError("level= is for models of several classes.")
    find = method_of(result, "roc")
    return find(level, data, y) if several else find(data, y)


def _roc_data(result: Any, level: Any = None, *, data: Any = None, y: Any = None) -> pd.DataFrame:
    """Return ``threshold, false_positive_rate, true_positive_rate``."""
    return pd.DataFrame(_roc_of(result, level, data, y).to_frame())


@draws(_roc_data)
def roc(result: Any, level: Any = None, *, data: Any = None, y: Any = None, ax: Any = None) -> Any:
    """Draw the ROC curve with the area below it and DeLong's interval.

    Parameters
    ----------
    result : GLMResults of a binomial model, or ClassResults
    level : optional
        For several classes, the one that is told from all others.
    data, y
        New rows, as in `roc` of the result; the rows of the fit by default, on which the
        area is too large.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    found = _roc_of(result, level, data, y)
    frame = roc.data(result, level, data=data, y=y)
    ax = new_axes(ax, (4.8, 4.8))
    low, high = found.conf_int()
    ax.plot([0.0, 1.0], [0.0, 1.0], color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.plot(frame["false_positive_rate"], frame["true_positive_rate"], color=styles(1)[0].colour,
            linewidth=2.0, clip_on=False,
            label=f"area {found.auc:.3f}\n(95% interval {low:.3f} to {high:.3f})")  # fmt: skip
    ax.set(xlabel="False positive rate", ylabel="True positive rate",
           xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")  # fmt: skip
    where = "rows of the fit" if data is None else "new rows"
    note(ax, f"{found.event}, {where}")
    ax.legend(frameon=False, loc="lower right")
    return ax


def _calibration_data(
    result: Any, *, data: Any = None, y: Any = None, n_groups: int = 10
) -> pd.DataFrame:
    """Return the groups of the calibration curve, as `GLMResults.calibration` has them."""
    return pd.DataFrame(
        method_of(result, "calibration")(data, y, n_groups=n_groups).to_frame()
    ).reset_index()


@draws(_calibration_data)
def calibration(
    result: Any, *, data: Any = None, y: Any = None, n_groups: int = 10, ax: Any = None
) -> Any:
    """Draw shares observed against fitted probabilities, in groups of rising probability.

    Parameters
    ----------
    result : GLMResults of a binomial model
    data, y, n_groups
        As in `calibration` of the result.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = calibration.data(result, data=data, y=y, n_groups=n_groups)
    ax = new_axes(ax, (4.8, 4.8))
    colour = styles(1)[0].colour
    ax.plot([0.0, 1.0], [0.0, 1.0], color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)),
            label="perfect calibration")  # fmt: skip
    ax.errorbar(frame["mean_predicted"], frame["share_observed"], yerr=frame["se_observed"],
                fmt="o", color=colour, markersize=6, elinewidth=1.6,
                label="group, ± standard error")  # fmt: skip
    ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    name_axes(ax, f"Fitted probability of {event_of(result)}", "Share observed")
    ax.legend(frameon=False, loc="upper left", fontsize="small")
    note(ax, "rows of the fit" if data is None else "new rows")
    return ax


# --- the likelihood -------------------------------------------------------------------------


def _profile_data(result: Any, name: str, *, alpha: float = 0.05, points: int = 41) -> pd.DataFrame:
    """Return the profile of one coefficient and the ends of its interval.

    Returns
    -------
    DataFrame
        ``part`` ("curve" or "end"), ``value``, ``zeta`` (the signed root of the likelihood
        ratio) and ``wald`` (what it would be were the likelihood normal).
    """
    curve = pd.DataFrame(result.profile(name, alpha=alpha / 5.0, points=points))
    found = list(dict.fromkeys(curve["name"]))
    if len(found) > 1:
        raise ArgumentError(f"{name!r} has the coefficients {', '.join(found)}; name one of them.")
    position = list(result._text_names).index(found[0])
    ends = np.asarray(result.conf_int(alpha, cols=[position], method="profile"), dtype=float)[0]
    reach = critical_value(alpha, result._df_test)
    marks = pd.DataFrame({"part": "end", "value": ends, "zeta": [-reach, reach]})
    frame = pd.concat([curve.assign(part="curve"), marks], ignore_index=True)
    return frame[["part", "value", "zeta", "wald"]]


@draws(_profile_data)
def profile(
    result: Any, name: str, *, alpha: float = 0.05, points: int = 41, ax: Any = None
) -> Any:
    """Draw the profile of a coefficient: the signed root of what the likelihood loses.

    A straight line says that Wald intervals are right. The interval ends where the curve
    reaches the quantiles.

    Parameters
    ----------
    result : LikelihoodResults
    name : str
        A coefficient.
    alpha : float
        The interval covers ``1 - alpha``; the curve runs on to a fifth of it.
    points : int
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = profile.data(result, name, alpha=alpha, points=points)
    ax = new_axes(ax)
    curve, ends = (frame[frame["part"] == part] for part in ("curve", "end"))
    look, other = styles(2)
    ax.plot(curve["value"], curve["zeta"], color=look.colour, linewidth=2.0, label="profile")
    ax.plot(curve["value"], curve["wald"], color=other.colour, linestyle=other.dash,
            linewidth=1.5, label="Wald")  # fmt: skip
    reach = float(ends["zeta"].max())
    mark_level(ax, 0.0)
    for row in ends.to_dict("records"):
        mark_level(ax, row["zeta"])
        if np.isfinite(row["value"]):
            ax.plot([row["value"]], [row["zeta"]], "D", color=look.colour, markersize=6)
            ax.plot([row["value"]] * 2, [-1.6 * reach, row["zeta"]], color=look.colour,
                    linewidth=1.0, linestyle=":")  # fmt: skip
    ax.set_ylim(-1.6 * reach, 1.6 * reach)
    name_axes(ax, f"Coefficient of {name}", "Signed root of the likelihood ratio, ζ")
    low, high = (f"{value:.4g}" for value in ends["value"])
    note(ax, f"{1 - alpha:.0%} profile interval {low} to {high}, at ζ = ±{reach:.3g}")
    ax.legend(frameon=False, loc="upper left")
    return ax


def _history_data(result: Any) -> pd.DataFrame:
    """Return the history of the fit: `LikelihoodResults.history`."""
    return pd.DataFrame(result.history).reset_index()


@draws(_history_data)
def convergence(result: Any, *, ax: Any = None) -> Any:
    """Draw how a fit converged: gradient and step of each iteration, on a logarithmic axis.

    Parameters
    ----------
    result : LikelihoodResults
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    frame = convergence.data(result)
    ax = new_axes(ax)
    told = {"gradient_norm": "norm of the gradient", "step": "largest change of a coefficient"}
    for (name, label), look in zip(told.items(), styles(2), strict=True):
        shown = frame[frame[name] > 0.0]  # a logarithm of 0 has no place
        ax.plot(shown["iteration"], shown[name], color=look.colour, linestyle=look.dash,
                marker=look.marker, markersize=6, label=label)  # fmt: skip
    ax.set_yscale("log")
    ax.set_xticks(_whole_ticks(int(frame["iteration"].max())))
    ax.set(xlabel="Iteration", ylabel="Size, logarithmic scale")
    note(ax, f"{result.method}: {'converged' if result.converged else 'not converged'}")
    ax.legend(frameon=False, loc="best")
    return ax


def _whole_ticks(last: int) -> list[int]:
    return list(range(0, last + 1, max(1, last // 10)))
