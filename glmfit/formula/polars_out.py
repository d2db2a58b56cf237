"""Frames handed back as polars frames, to callers who ask for them.

polars is imported when the first is asked for.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from glmfit.errors import ArgumentError, MissingPackageError

__all__ = ["check_return_type", "takes_return_type", "to_polars"]

RETURN_TYPES = ("pandas", "polars")

MISSING = 'return_type="polars" needs polars, which is not installed: python -m pip install polars.'


def takes_return_type(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let a method that returns pandas objects take ``return_type="polars"``."""

    @functools.wraps(method)
    def answered(self: Any, *args: Any, return_type: str = "pandas", **options: Any) -> Any:
        wanted = check_return_type(return_type)
        value = method(self, *args, **options)
        return value if wanted == "pandas" else to_polars(value)

    signature = inspect.signature(method)
    added = inspect.Parameter(
        "return_type", inspect.Parameter.KEYWORD_ONLY, default="pandas", annotation="str"
    )
    answered.__dict__["__signature__"] = signature.replace(
        parameters=[*signature.parameters.values(), added]
    )
    return answered


def check_return_type(return_type: str) -> str:
    """Return what the caller asks for, or raise if there is no such thing."""
    if return_type not in RETURN_TYPES:
        raise ArgumentError(f"return_type must be 'pandas' or 'polars' (got {return_type!r}).")
    return return_type


def to_polars(value: Any) -> Any:
    """Return a pandas object or an array as a polars frame or series, in the order of its rows.

    Parameters
    ----------
    value : DataFrame, Series or ndarray
        An index without a name, such as that of the rows of the data, is left out; one with a
        name, or of several levels, becomes columns.

    Returns
    -------
    polars.DataFrame or polars.Series
        A series is called "prediction" unless it has a name. NaN becomes null.
    """
    polars = _polars()
    if isinstance(value, np.ndarray):
        value = pd.Series(value) if value.ndim == 1 else pd.DataFrame(value)
    if isinstance(value, pd.Series) and not _tells(value.index):
        return _series(polars, "prediction" if value.name is None else str(value.name), value)
    frame = value.to_frame("prediction") if isinstance(value, pd.Series) else value
    if _tells(frame.index):
        names = ["row" if name is None else name for name in frame.index.names]
        frame = frame.reset_index(names=names)
    return polars.DataFrame([_series(polars, str(name), frame[name]) for name in frame.columns])


def _tells(index: pd.Index) -> bool:
    """Return whether an index says more than which row of the data it is."""
    return isinstance(index, pd.MultiIndex) or index.name is not None


def _series(polars: Any, name: str, values: pd.Series) -> Any:
    """Return a column; levels of a categorical keep their order."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biufmM":
        return polars.Series(name, values.to_numpy(), nan_to_null=True)
    present = [
        None if missing else value for value, missing in zip(values, values.isna(), strict=True)
    ]
    if isinstance(values.dtype, pd.CategoricalDtype) and _are_text(values.cat.categories):
        return polars.Series(name, present, dtype=polars.Enum(list(values.cat.categories)))
    return polars.Series(name, present)


def _are_text(levels: pd.Index) -> bool:
    return all(isinstance(level, str) for level in levels)


def _polars() -> Any:
    try:
        return importlib.import_module("polars")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "polars":
            raise
        raise MissingPackageError(MISSING) from error
