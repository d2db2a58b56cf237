"""Plots of models of counts."""

from __future__ import annotations

from typing import Any

import pandas as pd

from glmfit.plots.canvas import FAINT, INK, draws, mark_level, new_axes, styles
from glmfit.plots.grids import method_of

__all__ = ["rootogram"]


def _rootogram_data(result: Any, *, largest: int | None = None) -> pd.DataFrame:
    """Return `CountFrequencies.count_frequencies` of the result."""
    return pd.DataFrame(method_of(result, "count_frequencies")(largest))


@draws(_rootogram_data)
def rootogram(result: Any, *, largest: int | None = None, ax: Any = None) -> Any:
    """Draw a hanging rootogram: bars of seen frequencies, hung from the expected ones.

    Both are drawn as roots, so that small frequencies are seen too. Where a bar does not
    reach 0 the count was seen less often than expected, where it goes beyond more often.

    Parameters
    ----------
    result : CountResults, or GLMResults of a family of counts
    largest : int, optional
        As in `count_frequencies` of the result.
    ax : Axes, optional

    Returns
    -------
    Axes

    References
    ----------
    Kleiber, C. and Zeileis, A. (2016). Visualizing count data regressions using
    rootograms. *The American Statistician* 70, 296-303.
    """
    frame = rootogram.data(result, largest=largest)
    ax = new_axes(ax)
    ax.bar(frame["count"], frame["top"] - frame["bottom"], bottom=frame["bottom"], width=0.86,
           color=FAINT, alpha=0.45, label="Seen")  # fmt: skip
    ax.plot(frame["count"], frame["top"], "o-", color=styles(2)[1].colour, markersize=4.0,
            linewidth=1.4, label="Expected")  # fmt: skip
    mark_level(ax, 0.0, zorder=3.0)
    ax.spines["bottom"].set_color(INK)
    ax.set(xlabel=str(result.model.endog_names), ylabel="Root of the frequency")
    ax.legend(frameon=False)
    return ax
