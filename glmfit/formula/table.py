"""Data as users bring it, turned into columns of numbers or of categories.

A `Table` wraps a frame, a mapping, a list of records, a polars frame or an Arrow table
without copying it; a column is converted when a formula asks for it, on complete rows
only, to what it means: float64 numbers, booleans, or a `pandas.Categorical`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentTypeError, DataError, DataWarning, UnknownNameError, suggest, warn

__all__ = [
    "Openable",
    "Table",
    "all_finite",
    "column_values",
    "first_rows",
    "missing_rows",
    "polars_frame",
    "without_unused",
]

Mask = NDArray[np.bool_]


class Table:
    """Named columns of equal length, with an index.

    Parameters
    ----------
    data : DataFrame, mapping, list of mappings, structured array, polars or Arrow table
    """

    def __init__(self, data: Any) -> None:
        source = _open(data)
        self._source = source
        self.names: list[Any] = list(source.columns)
        self.index: pd.Index = source.index

    @property
    def native(self) -> Any:
        """The polars frame that the table was made of, or None."""
        return self._source.frame if isinstance(self._source, _PolarsColumns) else None

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def column(self, name: str) -> pd.Series:
        """Return a column as it was given."""
        if name not in self.names:
            raise UnknownNameError(
                f"There is no column {name!r} in the data.{suggest(name, map(str, self.names))}"
            )
        if self.names.count(name) > 1:
            raise DataError(f"The data have {self.names.count(name)} columns named {name!r}.")
        series: pd.Series = self._source[name]
        return series


class Openable:
    """Columns from elsewhere: ``columns``, ``index`` and ``[name]``, which makes a Series."""

    columns: list[Any]
    index: pd.Index

    def __getitem__(self, name: str) -> pd.Series:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")


class _PolarsColumns:
    """Columns of a polars frame, converted one at a time."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        self.columns = [str(name) for name in frame.columns]
        self.index = pd.RangeIndex(frame.height)

    def __getitem__(self, name: str) -> pd.Series:
        column = self.frame.get_column(name)
        if str(column.dtype).startswith("Enum"):
            levels = list(column.dtype.categories)
            return pd.Series(pd.Categorical(column.to_list(), categories=levels), name=name)
        if str(column.dtype).startswith("Categorical"):  # its levels have no order of their own
            return pd.Series(pd.Categorical(column.to_list()), name=name)
        return pd.Series(column.to_numpy(), name=name)


def _open(data: Any) -> Any:
    """Return an object with ``columns``, ``index`` and ``[name]`` for any table."""
    if isinstance(data, Table):
        return data._source
    if isinstance(data, (pd.DataFrame, Openable)):
        return data
    if isinstance(data, pd.Series):
        return data.to_frame().T if data.name is None else data.to_frame()
    if isinstance(data, Mapping):
        return _frame_of_mapping(data)
    if isinstance(data, np.ndarray) and data.dtype.names is not None:
        return pd.DataFrame(data)
    if isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data):
        return pd.DataFrame(data)
    if hasattr(data, "to_pandas") and hasattr(data, "column_names"):
        return data.to_pandas()
    if polars_frame(data) is not None:
        return _PolarsColumns(data)
    raise ArgumentTypeError(
        f"data must be a DataFrame, a dict of columns or another table; got {type(data).__name__}."
    )


def polars_frame(data: Any) -> Any:
    """Return data that are a polars frame, or None; polars is not imported."""
    return data if hasattr(data, "get_column") and hasattr(data, "height") else None


def _frame_of_mapping(data: Mapping[str, Any]) -> pd.DataFrame:
    lengths = {name: np.size(value) for name, value in data.items() if np.ndim(value) > 0}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise DataError(f"The columns of data differ in length ({told}).")
    if lengths or not data:
        return pd.DataFrame(dict(data))
    return pd.DataFrame({name: [value] for name, value in data.items()})


def missing_rows(series: pd.Series) -> Mask:
    """Return which rows of a column are missing."""
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf":
        values = series.to_numpy()
        return np.zeros(len(series), dtype=bool) if all_finite(values) else np.isnan(values)
    return np.asarray(series.isna(), dtype=bool)


def all_finite(values: NDArray[Any]) -> bool:
    """Return whether numbers are known to be neither NaN nor infinite, in one sum of them."""
    if values.dtype.kind != "f":
        return True
    with np.errstate(all="ignore"):
        return bool(np.isfinite(values.sum()))


def column_values(series: pd.Series, name: str, *, as_levels: bool = False) -> Any:
    """Return a column without missing rows as numbers, booleans or categories.

    Parameters
    ----------
    series : Series
        No missing values.
    name : str
        For messages.
    as_levels : bool
        Keep whole numbers whole, as `C()` needs them for the names of its levels.

    Returns
    -------
    ndarray of float64, int64 or bool, or Categorical

    Raises
    ------
    DataError
        If the column is neither numeric nor categorical.
    """
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return without_unused(pd.Categorical(series))
    if str(dtype).startswith("dictionary<"):  # Arrow's categories
        return pd.Categorical(series.tolist())
    if isinstance(dtype, pd.SparseDtype):
        return _numbers(pd.Series(np.asarray(series), name=name), as_levels)
    if pd.api.types.is_bool_dtype(dtype):
        return series.to_numpy(dtype=bool)
    if pd.api.types.is_complex_dtype(dtype):
        raise DataError(f"Column {name!r} is complex; a model needs real numbers.")
    if pd.api.types.is_numeric_dtype(dtype):
        return _numbers(series, as_levels)
    if _is_date(dtype):
        raise DataError(
            f"Column {name!r} holds dates or durations ({dtype}); turn it into a number first, "
            "for example days since the first date, or into a category."
        )
    return _from_objects(series, name, as_levels)


def without_unused(value: pd.Categorical) -> pd.Categorical:
    """Return categories without those that no row has."""
    # counting is faster than pandas' sorting, which is left to the case that needs it
    counts = np.bincount(np.asarray(value.codes) + 1, minlength=len(value.categories) + 1)
    return value if counts[1:].all() else value.remove_unused_categories()


def _is_date(dtype: Any) -> bool:
    return bool(
        pd.api.types.is_datetime64_any_dtype(dtype)
        or pd.api.types.is_timedelta64_dtype(dtype)
        or isinstance(dtype, (pd.PeriodDtype, pd.IntervalDtype))
    )


def _numbers(series: pd.Series, as_levels: bool) -> NDArray[Any]:
    if as_levels and pd.api.types.is_integer_dtype(series.dtype):
        return series.to_numpy(dtype=np.int64)
    return series.to_numpy(dtype=np.float64)


def _from_objects(series: pd.Series, name: str, as_levels: bool) -> Any:
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind in ("integer", "floating", "decimal", "mixed-integer-float"):
        if as_levels and kind == "integer":
            return pd.Categorical([int(value) for value in series])
        return np.array([float(value) for value in series], dtype=np.float64)
    if kind == "boolean":
        return series.to_numpy(dtype=bool)
    if kind in ("string", "empty", "categorical"):
        return pd.Categorical(series.astype(object))
    if kind in ("mixed", "mixed-integer"):
        raise DataError(_mixed_message(series, name))
    raise DataError(
        f"Column {name!r} holds values of kind {kind}, which are neither numbers nor text. "
        "Convert it to a number or a category first."
    )


def _mixed_message(series: pd.Series, name: str) -> str:
    text = np.array([isinstance(value, str) for value in series])
    if text.all() or not text.any():
        kinds = sorted({type(value).__name__ for value in series})
        return f"Column {name!r} mixes values of several kinds: {', '.join(kinds)}."
    row = int(np.argmax(text))
    return (
        f"Column {name!r} mixes numbers and text: {int(text.sum())} of {text.size} values are "
        f"text, the first is {series.iloc[row]!r} in row {series.index[row]}."
    )


def warn_if_numbers_as_text(values: Any, name: str) -> None:
    """Warn when the levels of a text column all read as numbers."""
    if not isinstance(values, pd.Categorical) or len(values.categories) < 3 or values.ordered:
        return
    levels = list(values.categories)
    if not all(isinstance(level, str) for level in levels):
        return
    if pd.to_numeric(pd.Series(levels), errors="coerce").notna().all():
        warn(
            f"Column {name!r} is text with {len(levels)} distinct levels that all read as "
            f"numbers, and is taken as a factor. For a number, convert it: "
            f"data[{name!r}].astype(float). To keep the factor, write C({name}).",
            DataWarning,
        )


def first_rows(mask: Mask, index: pd.Index, limit: int = 3) -> str:
    """Return the labels of the first marked rows, for a message."""
    rows = [repr(_plain(index[i])) for i in np.flatnonzero(mask)[:limit]]
    more = ", ..." if int(mask.sum()) > limit else ""
    return ("row " if int(mask.sum()) == 1 else "rows ") + ", ".join(rows) + more


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
