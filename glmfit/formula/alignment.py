"""Vectors that go beside the data: weights, offsets, exposures, trials, groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import AlignmentError, DataError
from glmfit.formula.table import Table, column_values, missing_rows

__all__ = ["Beside", "align", "beside"]


@dataclass(frozen=True, slots=True)
class Beside:
    """A vector given beside the data.

    Attributes
    ----------
    what : str
        The argument's name, for messages.
    values : ndarray of shape (n,)
        As given, for all rows; NaN where missing if numeric.
    missing : ndarray of bool, shape (n,)
    column : str or None
        The column of the data that it is, if it is one.
    """

    what: str
    values: NDArray[Any]
    missing: NDArray[np.bool_]
    column: str | None

    def kept(self, rows: NDArray[np.bool_]) -> NDArray[Any]:
        """Return the values of the kept rows."""
        return self.values if rows.all() else self.values[rows]


def beside(
    given: Any,
    what: str,
    table: Table | None,
    index: pd.Index | None,
    n: int,
    *,
    numeric: bool = True,
) -> Beside:
    """Return a vector aligned with the rows of the data.

    Parameters
    ----------
    given : str, Series or array_like
        The name of a column, a Series (aligned on its index) or values in order.
    what : str
        The argument's name.
    table : Table or None
        The data that names refer to.
    index : Index or None
        Labels of the rows, where there are any.
    n : int
        Number of rows.
    numeric : bool
        Whether numbers are needed.

    Raises
    ------
    AlignmentError
        If length or index do not agree.
    DataError
        If numbers are needed and it has others.
    """
    column = given if isinstance(given, str) else None
    if column is not None:
        if table is None:
            raise DataError(f"{what}={column!r} names a column, but the model has arrays, no data.")
        series = table.column(column)
    elif isinstance(given, pd.Series):
        series = given if index is None else align(given, index, what)
        column = _same_column(given, table)
    else:
        series = pd.Series(_one_dimensional(given, what, n))
    if len(series) != n:
        raise AlignmentError(f"{what} has {len(series)} values, the data have {n} rows.")
    missing = missing_rows(series)
    if not numeric:
        return Beside(what, series.to_numpy(), missing, column)
    return Beside(what, _as_numbers(series, missing, what), missing, column)


def _one_dimensional(given: Any, what: str, n: int) -> NDArray[Any]:
    values = np.asarray(given)
    if values.ndim == 0:
        return np.full(n, values)
    if values.ndim == 2 and 1 in values.shape:
        values = values.ravel()
    if values.ndim != 1:
        raise AlignmentError(f"{what} must be one value for each row; got shape {values.shape}.")
    return values


def _same_column(given: pd.Series, table: Table | None) -> str | None:
    """Return the name of the data's column that ``given`` is, so that it is remembered."""
    name = given.name
    if table is None or not isinstance(name, str) or table.names.count(name) != 1:
        return None
    own = table.column(name)
    return name if own is given or own.equals(given) else None


def _as_numbers(series: pd.Series, missing: NDArray[np.bool_], what: str) -> NDArray[np.float64]:
    values = column_values(series[~missing] if missing.any() else series, what)
    if not isinstance(values, np.ndarray):
        raise DataError(f"{what} must be numbers; it is text or categorical.")
    if not missing.any():
        return values.astype(np.float64, copy=False)
    out = np.full(len(series), np.nan)
    out[~missing] = values
    return out


def align(series: pd.Series, index: pd.Index, what: str) -> pd.Series:
    """Return ``series`` in the order of ``index``.

    Raises
    ------
    AlignmentError
        If it does not carry the same labels.
    """
    if series.index.equals(index):
        return series
    if len(series) != len(index):
        raise AlignmentError(f"{what} has {len(series)} values, the data have {len(index)} rows.")
    if series.index.is_unique and index.is_unique and series.index.isin(index).all():
        return series.reindex(index)
    raise AlignmentError(
        f"The index of {what} does not agree with the index of the data. To go by position, "
        f"pass an array: {what}.to_numpy()."
    )
