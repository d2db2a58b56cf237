"""The rows over which margins average: those of the fit, new ones, or representative ones."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, ArgumentTypeError, DataError, suggest
from glmfit.formula.alignment import beside
from glmfit.formula.table import Table

__all__ = ["Grid", "RowOptions", "as_list", "make_grid"]

Array = NDArray[np.float64]

ROWS = ("overall", "all")
MIDDLES = ("mean", "median", "zero")
WORDS = (*ROWS, *MIDDLES, "balanced")


class RowOptions(TypedDict, total=False):
    """Which rows margins are about, and on which scale.

    Attributes
    ----------
    others : {"overall", "mean", "median", "zero", "balanced"}
        What variables are that ``at`` gives no values; "overall" leaves them as observed.
    which : {"mean", "linear"}
        The mean (or probabilities), or the linear predictor.
    exog : DataFrame, dict or ndarray
        Rows to average over, in place of those of the fit.
    offset, exposure : str or array_like
        For ``exog``, as in `predict`.
    weights : str or array_like
        Weights of the rows in averages, in place of ``freq_weights``.
    """

    others: str
    which: str
    exog: Any
    offset: Any
    exposure: Any
    weights: Any


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows, what is set in them, and the groups to average over.

    Attributes
    ----------
    cases : Cases
    source : {"fit", "new", "made"}
        Whether they are the rows of the fit, new ones, or made of middle values and levels.
    settings : tuple of dict
        Values of variables, by name; everything is done for each setting.
    each : bool
        Whether there is an estimate for each row instead of an average.
    groups : ndarray of int, shape (n,)
    group_labels : DataFrame
        A row for each group.
    told : str
        Where this is, in words.
    """

    cases: Any
    source: str
    settings: tuple[dict[str, Any], ...]
    each: bool
    groups: NDArray[np.intp]
    group_labels: pd.DataFrame
    told: str

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.group_labels)


def as_list(names: Any) -> list[str]:
    """Return one name or several as a list."""
    if names is None:
        return []
    return [names] if isinstance(names, str) else [str(name) for name in names]


def make_grid(model: Any, at: Any, by: Any, options: RowOptions) -> Grid:
    """Return the rows that ``at``, ``by`` and the options ask for."""
    unknown = [name for name in options if name not in RowOptions.__annotations__]
    if unknown:
        known = list(RowOptions.__annotations__)
        raise ArgumentTypeError(
            f"There is no argument {unknown[0]!r}.{suggest(unknown[0], known)} "
            f"Beside its own it takes: {', '.join(known)}."
        )
    names = as_list(by)
    base, settings = _read_at(model, at, options.get("others"))
    exog = options.get("exog")
    if base in ROWS:
        if exog is None:
            _refuse(options, ("offset", "exposure"), "are for new rows, given as exog=")
            cases = model.own_cases(names)
        else:
            cases = model.new_cases(exog, options.get("offset"), options.get("exposure"), names)
        cases = _weighted(model, cases, exog, options.get("weights"))
    else:
        _refuse(options, ("exog", "offset", "exposure", "weights"), f"do not go with {base!r}")
        cases = _balanced(model) if base == "balanced" else _middle(model, base)
    if cases.count == 0:
        raise DataError("There is no complete row to average over.")
    if base == "all" and names:
        raise ArgumentError("at='all' has an estimate for each row, so there is nothing to group.")
    groups, labels = _groups(cases, names)
    told = _in_words(base, settings)
    source = "made" if base not in ROWS else "fit" if exog is None else "new"
    return Grid(cases, source, settings, base == "all", groups, labels, told)


def _refuse(options: RowOptions, names: tuple[str, ...], why: str) -> None:
    given = [name for name in names if options.get(name) is not None]
    if given:
        raise ArgumentError(f"{', '.join(given)}= {why}.")


def _read_at(model: Any, at: Any, others: str | None) -> tuple[str, tuple[dict[str, Any], ...]]:
    """Return the word for rows, and the values that are set in them."""
    values: dict[str, list[Any]] = {}
    if isinstance(at, Mapping):
        base = "overall" if others is None else others
        for name, given in at.items():
            if name not in model.variables:
                raise ArgumentError(
                    f"at= names {name!r}, which is no variable of the model."
                    f"{suggest(str(name), model.variables)} "
                    f"There are: {', '.join(model.variables)}."
                )
            single = isinstance(given, str) or np.ndim(given) == 0
            values[name] = [given] if single else list(given)
    elif isinstance(at, str):
        base = at
        if others is not None:
            raise ArgumentError("others= goes with values in at=, as in at={'x': [1, 2]}.")
    else:
        raise ArgumentTypeError("at must be a word or a dict of values by variable.")
    word = str(base).lower()
    word = "overall" if word == "observed" else word
    if word not in WORDS:
        raise ArgumentError(
            f"at must be one of {', '.join(WORDS)}, or a dict of values (got {base!r})."
        )
    combinations = itertools.product(*values.values())
    return word, tuple(dict(zip(values, chosen, strict=True)) for chosen in combinations)


def _in_words(base: str, settings: tuple[dict[str, Any], ...]) -> str:
    if not settings[0]:
        return base
    given = {name: dict.fromkeys(s[name] for s in settings) for name in settings[0]}
    told = "; ".join(f"{name} = {', '.join(map(_text, seen))}" for name, seen in given.items())
    return f"{told}; others {'as observed' if base in ROWS else base}"


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)


def _middle(model: Any, kind: str) -> Any:
    columns = {name: [v.middle(kind)] for name, v in model.variables.items()}
    return model.filled_cases(columns, 1, kind)


def _balanced(model: Any) -> Any:
    """Return every combination of levels of the factors, with numbers at their means."""
    values = {
        name: list(v.levels) if v.levels else [v.middle("mean")]
        for name, v in model.variables.items()
    }
    if not any(v.levels for v in model.variables.values()):
        raise ArgumentError("The model has no factor, so there is no balanced grid of levels.")
    rows = list(itertools.product(*values.values()))
    columns = dict(zip(values, map(list, zip(*rows, strict=True)), strict=True))
    return model.filled_cases(columns, len(rows), "mean")


def _weighted(model: Any, cases: Any, exog: Any, given: Any) -> Any:
    if given is None:
        return cases
    if exog is None:
        kept = model.data.kept
        vector = model.data.beside(given, "weights", numeric=True)
    else:
        table = Table(exog) if isinstance(exog, (pd.DataFrame, Mapping)) else None
        total = cases.count + cases.dropped
        vector = beside(given, "weights", table, None, total)
        kept = cases.kept
    values = vector.kept(kept)
    if not (np.isfinite(values).all() and (values >= 0.0).all() and values.any()):
        raise DataError("weights must be finite and not negative, and not all 0.")
    return cases.weighted(values)


def _groups(cases: Any, names: list[str]) -> tuple[NDArray[np.intp], pd.DataFrame]:
    if not names:
        return np.zeros(cases.count, dtype=np.intp), pd.DataFrame(index=range(1))
    columns = cases.columns(0, cases.count)
    absent = [name for name in names if name not in columns]
    if absent:
        raise ArgumentError(
            f"by= names {absent[0]!r}, which these rows do not have."
            f"{suggest(absent[0], map(str, columns))}"
        )
    frame = pd.DataFrame({name: columns[name] for name in names})
    grouped = frame.groupby(names, observed=True, sort=True)
    labels = grouped.size().index.to_frame(index=False)
    return np.asarray(grouped.ngroup(), dtype=np.intp), labels.astype(object)
