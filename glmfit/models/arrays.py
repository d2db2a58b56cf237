"""Rows from arrays: matrices, frames and sparse matrices of predictors, and a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from glmfit.design import Dense, Design, Sparse, fixed_at_ends
from glmfit.engine.control import Control
from glmfit.engine.executor import map_ahead
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    DataError,
    MissingDataError,
    ResponseError,
)
from glmfit.formula.alignment import beside
from glmfit.formula.table import column_values, first_rows, missing_rows
from glmfit.models.absorbed import absorbed_of, is_label
from glmfit.models.data import (
    ModelData,
    OffsetRule,
    Reading,
    finish,
    known_part,
    labels_of,
    missing_beside,
    named,
    unnamed,
    weights_of,
)

__all__ = ["aligned_exog", "array_data", "design_of_arrays", "endog_columns"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

TOGETHER = 2**18
"""Numbers of a matrix that a thread looks at together."""


class DesignReader(Protocol):
    """Returns design, column names, missing rows and labels of what is given as ``exog``."""

    def __call__(self, exog: Any, /) -> tuple[Design, tuple[str, ...], Mask, pd.Index | None]: ...


def array_data(
    endog: Any,
    exog: Any,
    reading: Reading,
    given: Mapping[str, Any],
    *,
    missing: str,
    columns_of: DesignReader,
) -> ModelData:
    """Return the rows that arrays are.

    Parameters
    ----------
    endog : array_like of shape (n,), or (n, 2) for successes and failures
    exog : array_like or sparse of shape (n, p), or (n,) for one column
    reading : Reading
        What the model makes of its response.
    given : mapping
        The arguments `BESIDE` that were given.
    missing : {"none", "drop", "raise"}
        With "none" or "raise" a missing value is an error.
    columns_of : DesignReader
        What makes a design of ``exog``, such as `design_of_arrays`.
    """
    if missing not in ("none", "drop", "raise"):
        raise ArgumentError(f"missing must be 'none', 'drop' or 'raise' (got {missing!r}).")
    design, names, x_missing, x_index = columns_of(exog)
    n = design.shape[0]
    columns, name, y_missing, y_index = endog_columns(endog)
    if y_missing.size != n:
        raise AlignmentError(f"endog has {y_missing.size} rows, exog has {n}.")
    index = x_index if x_index is not None else y_index
    if x_index is not None and y_index is not None and not x_index.equals(y_index):
        raise AlignmentError(
            "The indices of endog and exog are not aligned. Reindex one like the other, or "
            "pass arrays to go by position."
        )
    vectors = {
        what: beside(value, what, None, index, n, numeric=not is_label(what))
        for what, value in given.items()
        if value is not None
    }
    labels = pd.RangeIndex(n) if index is None else index
    lost, dropped = missing_beside(
        vectors, labels, "drop" if missing == "drop" else "raise", np.ones(n, dtype=bool)
    )
    kept = _complete_arrays(x_missing, y_missing, lost, missing, labels, dropped)
    if not kept.all():
        design = design.take(np.flatnonzero(kept))
        columns = tuple(column[kept] for column in columns)
    trials = vectors["trials"].kept(kept) if "trials" in vectors else None
    return finish(
        ModelData(
            response=reading.response(columns, name, trials),
            design=design,
            names=names,
            offset=known_part(vectors, kept, None, reading.link, labels),
            freq_weights=weights_of(vectors, "freq_weights", kept),
            var_weights=weights_of(vectors, "var_weights", kept),
            kept=kept,
            dropped=dropped,
            index=labels,
            labelled=index is not None,
            rule=OffsetRule(unnamed=unnamed(vectors) + named(vectors)),
            groups=labels_of(vectors, "groups", kept),
            alternatives=labels_of(vectors, "alternatives", kept),
            absorbed=absorbed_of(vectors, kept),
        ),
        reading,
    )


def design_of_arrays(
    exog: Any, names: tuple[str, ...] | None = None
) -> tuple[Design, tuple[str, ...], Mask, pd.Index | None]:
    """Return design, column names, missing rows and labels of a matrix of predictors.

    A one-dimensional ``exog`` is one column. float64 arrays are viewed, not copied.
    """
    if sparse.issparse(exog):
        design = Sparse(exog)
        if np.isinf(design.values.data).any():
            raise DataError("exog has infinite values.")
        gone = np.flatnonzero(np.isnan(design.values.data))
        bad = np.zeros(design.shape[0], dtype=bool)
        bad[np.searchsorted(design.values.indptr, gone, side="right") - 1] = True
        return design, names or _default_names(design.shape[1]), bad, None
    if isinstance(exog, (pd.DataFrame, pd.Series)):
        return _design_of_frame(exog.to_frame() if isinstance(exog, pd.Series) else exog)
    if hasattr(exog, "get_column"):
        return _design_of_frame(pd.DataFrame({c: exog[c].to_numpy() for c in exog.columns}))
    try:
        values = np.asarray(exog)
    except ValueError as error:
        raise DataError(f"exog is no matrix: its rows differ in length ({error}).") from error
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2:
        raise ArgumentTypeError(f"exog must have two dimensions; got shape {values.shape}.")
    dense, missing = _read_matrix(_real_matrix(values), names)
    return dense, names or _array_names(dense), missing, None


def _real_matrix(values: NDArray[Any]) -> Array:
    if values.dtype.kind not in "biufO":
        raise DataError(f"exog must be numeric; got dtype {values.dtype}.")
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"exog must be numeric ({error}). For text columns use a formula."
        ) from error


def _read_matrix(matrix: Array, names: tuple[str, ...] | None) -> tuple[Dense, Mask]:
    """Return the design, its constant columns known, and the rows with a missing value.

    One pass over the matrix finds both. Raises if a value is infinite.
    """
    fixed = fixed_at_ends(matrix)

    def look(start: int) -> tuple[bool, NDArray[np.bool_]]:
        part = matrix[start : start + rows]
        with np.errstate(over="ignore", invalid="ignore"):
            finite = bool(np.isfinite(part.sum()))
        return finite, (part[:, fixed] == matrix[0, fixed]).all(axis=0)

    rows = max(TOGETHER // max(matrix.shape[1], 1), 1)
    starts = range(0, matrix.shape[0], rows)
    several = map_ahead(look, starts, Control()) if len(starts) > 1 else map(look, starts)
    finite, constant = True, np.ones(fixed.size, dtype=bool)
    for part_finite, part_constant in several:
        finite &= part_finite
        constant &= part_constant
    dense = Dense(matrix, {int(j): float(matrix[0, j]) for j in fixed[constant]})
    if finite:
        return dense, np.zeros(matrix.shape[0], dtype=bool)
    return dense, _missing_in(matrix, names)


def _missing_in(matrix: Array, names: tuple[str, ...] | None) -> Mask:
    """Return the rows with a missing value; raise if there is an infinite one."""
    if np.isinf(matrix).any():
        column = int(np.argmax(np.isinf(matrix).any(axis=0)))
        row = int(np.argmax(np.isinf(matrix[:, column])))
        called = names[column] if names else f"{column}"
        raise DataError(f"exog has an infinite value in column {called}, row {row}.")
    return np.asarray(np.isnan(matrix).any(axis=1))


def _design_of_frame(
    frame: pd.DataFrame,
) -> tuple[Design, tuple[str, ...], Mask, pd.Index | None]:
    names = tuple(map(str, frame.columns))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"exog has several columns named {twice[0]!r}; give each its own name.")
    missing = np.zeros(len(frame), dtype=bool)
    for j in range(len(names)):
        missing |= missing_rows(frame.iloc[:, j])
    if all(dtype == np.float64 for dtype in frame.dtypes):
        matrix = frame.to_numpy()
    else:
        matrix = np.empty(frame.shape)
        for j, name in enumerate(names):
            column = frame.iloc[:, j]
            gone = missing_rows(column)
            values = column_values(column[~gone] if gone.any() else column, name)
            if not isinstance(values, np.ndarray):
                raise DataError(
                    f"Column {name!r} of exog is text or categorical. Use a formula, which "
                    "codes categories, or make indicator columns yourself."
                )
            matrix[gone, j] = np.nan
            matrix[~gone, j] = values
    dense, incomplete = _read_matrix(matrix, names)
    return dense, names, missing | incomplete, frame.index


def _array_names(design: Dense) -> tuple[str, ...]:
    """Name columns as statsmodels does: const for a constant one, then x1, x2, ..."""
    fixed = design.constant_columns()
    constant = [j in fixed for j in range(design.shape[1])]
    names = []
    for j, is_constant in enumerate(constant):
        names.append("const" if is_constant and "const" not in names else f"x{j + 1}")
    if constant[:1] == [True]:
        names = [name if name == "const" else f"x{j}" for j, name in enumerate(names)]
    return tuple(names)


def _default_names(count: int) -> tuple[str, ...]:
    return tuple(f"x{j + 1}" for j in range(count))


def endog_columns(endog: Any) -> tuple[tuple[Any, ...], str, Mask, pd.Index | None]:
    """Return the values of the response, its name, its missing rows and its labels."""
    if isinstance(endog, np.ndarray) and endog.dtype == np.float64 and endog.ndim == 1:
        return (endog,), "y", _missing_numbers(endog), None
    if isinstance(endog, pd.DataFrame):
        series = [endog.iloc[:, j] for j in range(endog.shape[1])]
        name, index = " + ".join(map(str, endog.columns)), endog.index
    elif isinstance(endog, pd.Series):
        series, index = [endog], endog.index
        name = "y" if endog.name is None else str(endog.name)
    elif isinstance(endog, pd.Categorical):
        series, name, index = [pd.Series(endog)], "y", None
    else:
        values = endog.to_numpy() if hasattr(endog, "to_numpy") else np.asarray(endog)
        if values.ndim not in (1, 2):
            raise ResponseError(f"endog must have one or two dimensions; got {values.ndim}.")
        series = [pd.Series(column) for column in np.atleast_2d(values.T)]
        name, index = str(getattr(endog, "name", None) or "y"), None
    missing = np.zeros(len(series[0]), dtype=bool)
    for column in series:
        missing |= missing_rows(column)
    return tuple(_endog_values(s, missing, name) for s in series), name, missing, index


def _missing_numbers(values: Array) -> Mask:
    """Return the missing values of a response; raise if one is infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):
            return np.zeros(values.size, dtype=bool)
    if np.isinf(values).any():
        raise DataError("endog y has infinite values.")
    return np.isnan(values)


def _endog_values(series: pd.Series, missing: Mask, name: str) -> Any:
    values = column_values(series[~missing] if missing.any() else series, name)
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "f" and np.isinf(values).any():
            raise DataError(f"endog {name} has infinite values.")
        if not missing.any():
            return values
        out = np.full(missing.size, np.nan)
        out[~missing] = values
        return out
    full = pd.Series(pd.NA, index=range(missing.size), dtype=object)
    full[~missing] = np.asarray(values, dtype=object)
    if not missing.any():
        return values
    return pd.Categorical(full, categories=values.categories, ordered=values.ordered)


def _complete_arrays(
    x_missing: Mask,
    y_missing: Mask,
    lost: Mask,
    missing: str,
    labels: pd.Index,
    dropped: dict[str, int],
) -> Mask:
    for what, mask in (("endog", y_missing), ("exog", x_missing)):
        if not mask.any():
            continue
        if missing != "drop":
            raise MissingDataError(
                f"{what} has missing values ({first_rows(mask, labels)}); "
                "missing='drop' leaves such rows out."
            )
        dropped[what] = int(mask.sum())
    kept = ~(x_missing | y_missing | lost)
    if not kept.any():
        raise MissingDataError("No complete row is left.")
    return kept


def aligned_exog(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the columns of ``frame`` in the order of the fit, matched by name."""
    absent = [name for name in names if name not in set(map(str, frame.columns))]
    if absent:
        raise AlignmentError(
            f"exog lacks the column {absent[0]!r} of the fit (it has: "
            f"{', '.join(map(str, frame.columns))})."
        )
    return frame.rename(columns=str)[list(names)]
