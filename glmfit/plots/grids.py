"""Values of variables at which a plot asks a fit for predictions, and how they are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError, suggest

__all__ = [
    "event_of",
    "extrapolated",
    "has_shares",
    "held_at",
    "linear_label",
    "method_of",
    "mean_label",
    "number_of",
    "numbers_of",
    "observed_columns",
    "span_of",
    "typical_rows",
    "variable_of",
]

Array = NDArray[np.float64]


def method_of(result: Any, name: str) -> Any:
    """Return a method of the result, or raise in words where its class has none."""
    method = getattr(result, name, None)
    if method is None:
        raise NotAvailableError(
            f"This plot draws {name}(), which results of {result.model.summary_name} do not have."
        )
    return method


def variable_of(result: Any, name: str) -> Any:
    """Return what the fit knows of a variable."""
    known = result.model.variables
    if name not in known:
        raise ArgumentError(
            f"The model has no variable {name!r}.{suggest(str(name), known)} "
            f"It has: {', '.join(known)}."
        )
    return known[name]


def numbers_of(result: Any) -> list[str]:
    """Return the variables that are numbers and vary."""
    return [name for name, v in result.model.variables.items() if not v.levels and v.low < v.high]


def number_of(result: Any, name: str | None, argument: str = "variable") -> Any:
    """Return a variable that is a number: the one named, or the only one there is."""
    if name is None:
        numbers = numbers_of(result)
        if len(numbers) != 1:
            raise ArgumentError(
                f"Say which variable to draw against, as {argument}=: the model has "
                f"{', '.join(numbers) or 'no number that varies'}."
            )
        name = numbers[0]
    variable = variable_of(result, name)
    if variable.levels:
        raise ArgumentError(
            f"{name} is a factor; {argument}= must be a number. plots.adjusted_predictions "
            "draws factors."
        )
    return variable


def span_of(variable: Any, span: tuple[float, float] | None, points: int) -> Array:
    """Return values from one end to the other, the range of the data by default."""
    if not isinstance(points, (int, np.integer)) or points < 2:
        raise ArgumentError(f"points must be a whole number of at least 2 (got {points!r}).")
    low, high = (variable.low, variable.high) if span is None else map(float, span)
    if not low < high:
        raise ArgumentError(f"A span runs from a smaller to a larger value (got {low}, {high}).")
    return np.linspace(low, high, points)


def extrapolated(variable: Any, values: Any) -> NDArray[np.bool_]:
    """Return which values lie outside of the range that the fit saw."""
    numbers = np.asarray(values, dtype=float)
    return np.asarray((numbers < variable.low) | (numbers > variable.high))


def typical_rows(result: Any, given: dict[str, Any]) -> pd.DataFrame:
    """Return rows with the given values, and other variables at their middle values.

    Parameters
    ----------
    result : LikelihoodResults
    given : dict of str to array_like of shape (n,)
    """
    count = len(next(iter(given.values())))
    columns = {
        name: v.listed(given[name]) if name in given else v.filled(v.middle("mean"), count)
        for name, v in result.model.variables.items()
    }
    return pd.DataFrame(columns)


def held_at(result: Any, varied: list[str]) -> str:
    """Return in words what the variables that are not varied are held at."""
    parts = []
    for name, variable in result.model.variables.items():
        if name in varied or (not variable.levels and variable.low == variable.high):
            continue
        value = variable.middle("mean")
        parts.append(f"{name} = {value if variable.levels else format(value, '.4g')}")
    return ", ".join(parts)


def observed_columns(result: Any, names: list[str]) -> pd.DataFrame:
    """Return columns of the data for the rows of the fit."""
    cases = result.model.own_cases()
    columns = cases.columns(0, cases.count)
    return pd.DataFrame({name: np.asarray(columns[name]) for name in names})


# --- names of axes ------------------------------------------------------------------------


def event_of(result: Any) -> str:
    """Return what the response of a binomial model says has happened."""
    response = result.model.data.response
    name = str(result.model.endog_names).partition(" + ")[0]
    return name if response.event is None else f"{name} = {response.event}"


def has_shares(result: Any) -> bool:
    """Return whether means are probabilities of one event."""
    family = getattr(result.model, "family", None)  # several predictors have no family
    return family is not None and bool(family.proportions)


def mean_label(result: Any) -> str:
    """Return what the mean of the response is called on an axis."""
    if result.model.prediction_names(False) is not None:
        return "Probability"
    if has_shares(result):
        return f"Probability of {event_of(result)}"
    return f"Mean of {result.model.endog_names}"


def linear_label(result: Any) -> str:
    """Return what the linear predictor is called on an axis."""
    reference = getattr(result.model, "reference", None)
    if reference is not None:
        return f"Log odds against {reference}"
    several = result.model.prediction_names(False) is not None
    link = result.model.link if several else result._interval_link()
    if link.name == "logit" and not several:
        return f"Log odds of {event_of(result)}"
    return f"Linear predictor ({link} scale)"
