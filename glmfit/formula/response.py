"""What a response means: numbers, an event and its opposite, or successes among trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, DataWarning, ResponseError, warn
from glmfit.formula.factors import level_codes

__all__ = ["Response", "number_response", "proportion_response", "recoded_event"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Response:
    """A response ready for a likelihood.

    Attributes
    ----------
    y : ndarray of shape (n,)
        The values; shares of trials for a binomial.
    trials : ndarray of shape (n,) or None
        Number of trials of each row, where there is more than one.
    name : str
    event : str or None
        What the modelled event is called, where the response was not a number.
    levels : tuple
        What the two outcomes of a binomial are called, the event last.
    """

    y: Array
    name: str
    trials: Array | None = None
    event: str | None = None
    levels: tuple[Any, ...] = ()


def number_response(values: tuple[Any, ...], name: str, family: str) -> Response:
    """Return the response of a family of numbers or counts.

    Parameters
    ----------
    values : tuple
        The values of the left-hand side: float or bool arrays, or categories.
    name : str
    family : str
        For messages.

    Raises
    ------
    ResponseError
        If the response is text, or has more than one column.
    """
    width = sum(1 if np.ndim(value) < 2 else value.shape[1] for value in values)
    if width != 1:
        raise ResponseError(
            f"The response {name} has {width} columns; the {family} family needs one. "
            "Two columns (successes and failures) are for the binomial family."
        )
    value = values[0]
    if not isinstance(value, np.ndarray):
        raise ResponseError(
            f"The response {name} is text or categorical; the {family} family needs numbers. "
            "For two categories use logit, for more mnlogit or ordered."
        )
    y = np.asarray(value, dtype=np.float64)
    return Response(y if y.ndim == 1 else y[:, 0], name)


def proportion_response(
    values: tuple[Any, ...], name: str, *, event: Any = None, trials: Array | None = None
) -> Response:
    """Return a binomial response.

    Parameters
    ----------
    values : tuple
        One array of 0/1, bool, proportions, or two-level categories; or successes and
        failures, as two arrays or one of shape (n, 2).
    name : str
    event : optional
        The level that counts as the event; the last one by default.
    trials : ndarray of shape (n,), optional
        Number of trials behind each proportion.

    Raises
    ------
    ResponseError
        If the values are not a two-way outcome.
    """
    if len(values) > 1 or np.ndim(values[0]) == 2:
        return _counts(values, name, event, trials)
    value = values[0]
    if not isinstance(value, np.ndarray):
        return _two_levels(pd.Categorical(getattr(value, "data", value)), name, event, trials)
    if value.dtype.kind == "b":
        return _two_levels(pd.Categorical(value, categories=[False, True]), name, event, trials)
    return _shares(np.asarray(value, dtype=np.float64), name, event, trials)


def recoded_event(
    fitted: Response, values: tuple[Any, ...], trials: Array | None, index: pd.Index
) -> Response:
    """Return the binomial response of new rows, with the outcomes that it had in the fit.

    Parameters
    ----------
    fitted : Response
        That of the fit.
    values, trials
        As in `proportion_response`.
    index : Index of length n
        Labels of the rows, for messages.

    Raises
    ------
    LevelError
        If a row has another outcome.
    ArgumentError
        If there are proportions whose trials are not known.
    """
    value = values[0]
    if len(values) > 1 or np.ndim(value) == 2:
        return _counts(values, fitted.name, None, trials)
    numbers = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    if numbers and set(fitted.levels) == {0, 1}:
        event = 0 if fitted.levels[1] == 0 else None
        response = _shares(value, fitted.name, event, trials)
        if trials is None and ((response.y > 0.0) & (response.y < 1.0)).any():
            raise ArgumentError(
                f"The response {fitted.name} holds proportions. Give trials=, how many "
                "observations each of them is of."
            )
        return response
    if trials is not None:
        raise ArgumentError("trials= goes with proportions, not with categories.")
    codes = level_codes(value, fitted.levels, fitted.name, index)
    return Response(codes.astype(np.float64), fitted.name, levels=fitted.levels)


def _counts(values: tuple[Any, ...], name: str, event: Any, trials: Array | None) -> Response:
    columns = np.column_stack([np.asarray(value, dtype=np.float64) for value in values])
    if columns.shape[1] != 2:
        raise ResponseError(
            f"The response {name} has {columns.shape[1]} columns; a binomial response has one, "
            "or two: successes + failures."
        )
    if event is not None or trials is not None:
        raise ArgumentError("With successes + failures neither event= nor trials= has a meaning.")
    if (columns < 0.0).any():
        row = int(np.argmax((columns < 0.0).any(axis=1)))
        raise ResponseError(f"{name}: a count is negative (observation {row}).")
    total = columns.sum(axis=1)
    share = np.divide(columns[:, 0], total, out=np.zeros_like(total), where=total > 0.0)
    parts = tuple(part.strip() for part in name.split(" + "))
    return Response(share, name, trials=total, levels=parts[::-1] if len(parts) == 2 else (0, 1))


def _two_levels(value: Any, name: str, event: Any, trials: Array | None) -> Response:
    if trials is not None:
        raise ArgumentError("trials= goes with proportions, not with categories.")
    levels = list(value.categories)
    if all(isinstance(level, str) for level in levels) and _read_as_numbers(levels):
        raise ResponseError(
            f"The response {name} is text that reads as numbers ({', '.join(levels[:5])}). "
            f"Convert it with astype(float), or use words for the two outcomes."
        )
    if len(levels) == 1:
        raise ResponseError(f"The response {name} has one level only ({levels[0]!r}).")
    if len(levels) != 2:
        told = ", ".join(map(str, levels[:6])) + (", ..." if len(levels) > 6 else "")
        raise ResponseError(
            f"The response {name} has {len(levels)} levels ({told}); a binomial response has "
            "two. For more use mnlogit (unordered) or ordered."
        )
    chosen = levels[-1] if event is None else event
    if chosen not in levels:
        told = ", ".join(map(repr, levels))
        raise ArgumentError(f"event={event!r} is not a level of {name} (levels: {told}).")
    y = (np.asarray(value.codes) == levels.index(chosen)).astype(np.float64)
    other = levels[1 - levels.index(chosen)]
    called = tuple(v.item() if isinstance(v, np.generic) else v for v in (other, chosen))
    return Response(y, name, event=f"{name} = {chosen}", levels=called)


def _read_as_numbers(levels: list[Any]) -> bool:
    return bool(pd.to_numeric(pd.Series(levels), errors="coerce").notna().all())


def _shares(y: Array, name: str, event: Any, trials: Array | None) -> Response:
    outside = (y < 0.0) | (y > 1.0)
    if outside.any():
        raise ResponseError(_outside_message(y, outside, name))
    if event is not None:
        if event not in (0, 1):
            raise ArgumentError(f"event={event!r} is not a value of {name}, which is 0 or 1.")
        if event == 0:
            return Response(1.0 - y, name, trials=trials, event=f"{name} = 0", levels=(1, 0))
    return Response(y, name, trials=trials, levels=(0, 1))


def _outside_message(y: Array, outside: NDArray[np.bool_], name: str) -> str:
    values = np.unique(y)
    told = ", ".join(f"{value:g}" for value in values[:6]) + (", ..." if values.size > 6 else "")
    message = (
        f"The response {name} must be 0 or 1, or a proportion between; found {told} "
        f"({int(outside.sum())} of {y.size} values lie outside 0 to 1)."
    )
    if values.size == 2:
        high = values[1]
        return f"{message} Recode it: ({name} == {high:g}) is 1 where the event happened."
    if values.size <= 10 and (values == np.round(values)).all() and values[-1] - values[0] < 10.0:
        return f"{message} For several classes use mnlogit or ordered; for counts poisson."
    if values[0] >= 0.0 and values[-1] <= 100.0:
        message += " If these are percentages, divide by 100 and give trials="
        return message + "; if they are counts, write successes + failures."
    return f"{message} For counts write successes + failures."


def bare_proportions(response: Response) -> int:
    """Return how many proportions come without the number of trials behind them."""
    if response.trials is not None:
        return 0
    return int(((response.y > 0.0) & (response.y < 1.0)).sum())


def warn_of_bare_proportions(name: str, count: int) -> None:
    """Warn when proportions come without the number of trials behind them."""
    if count:
        warn(
            f"The response {name} holds proportions ({count} values strictly "
            "between 0 and 1) but no number of trials, so each row counts as one trial. Give "
            "trials= (or var_weights=), or write successes + failures.",
            DataWarning,
        )
