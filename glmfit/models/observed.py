"""The classes that were observed in the rows of a fit, or in new rows beside predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import AlignmentError, ArgumentError
from glmfit.formula.alignment import Beside, beside
from glmfit.formula.response import Response
from glmfit.formula.table import Table
from glmfit.models.arrays import endog_columns
from glmfit.models.data import ModelData, missing_beside, weights_of

__all__ = ["ClassModel", "ObservedClasses", "new_classes", "own_classes"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

WHOLE = 1e-9
"""Relative distance of a count from a whole number that is rounding alone."""


class ClassModel(Protocol):
    """What is asked of a model whose response is a class."""

    @property
    def data(self) -> ModelData: ...
    def recode(
        self, values: tuple[Any, ...], trials: Array | None, index: pd.Index
    ) -> Response: ...


@dataclass(frozen=True, slots=True, eq=False)
class ObservedClasses:
    """How often each class was seen in each row.

    Attributes
    ----------
    counts : ndarray of shape (m, K)
        Frequencies and trials counted; m rows have a class.
    kept : ndarray of bool, shape (n,)
        Which rows of the data these are.
    """

    counts: Array
    kept: Mask


def own_classes(data: ModelData) -> ObservedClasses:
    """Return the classes of the rows of the fit; precision weights count for nothing."""
    return ObservedClasses(_counts(data.response, data.freq_weights), data.kept)


def new_classes(
    model: ClassModel, data: Any, y: Any, *, freq_weights: Any, trials: Any
) -> ObservedClasses:
    """Return the classes of new rows.

    Parameters
    ----------
    model : ClassModel
    data : DataFrame, dict or another table; array_like of shape (n, p) for array models
    y : array_like of shape (n,) or (n, K), optional
        The classes; taken from ``data`` by the formula where it is not given.
    freq_weights, trials : str or array_like of shape (n,), optional
        How often each row was seen, and the trials behind proportions.

    Raises
    ------
    ArgumentError
        If the model was fitted to arrays and there is no ``y``.
    AlignmentError
        If lengths or indices do not agree.
    """
    spec = model.data.spec
    table = None if spec is None else Table(data)
    index = table.index if table is not None else _labels(data)
    if y is not None:
        values, kept, index = _given(model, y, index)
        n = kept.size if table is None else len(table)
        if kept.size != n:
            raise AlignmentError(f"y has {kept.size} rows, the new data have {n}.")
    elif spec is None:
        raise ArgumentError(
            "The model was fitted to arrays, so new data hold no classes: give them as y=."
        )
    else:
        values, kept = spec.response_values(table)
    labels = pd.RangeIndex(kept.size) if index is None else index
    asked = {"freq_weights": freq_weights, "trials": trials}
    vectors: dict[str, Beside] = {
        what: beside(given, what, table, index, kept.size, numeric=True)
        for what, given in asked.items()
        if given is not None
    }
    lost, _ = missing_beside(vectors, labels, "drop", kept)
    values = tuple(value[~lost[kept]] for value in values)
    kept = kept & ~lost
    known = vectors["trials"].kept(kept) if "trials" in vectors else None
    response = model.recode(values, known, labels[kept])
    return ObservedClasses(_counts(response, weights_of(vectors, "freq_weights", kept)), kept)


def _labels(data: Any) -> pd.Index | None:
    return data.index if isinstance(data, (pd.DataFrame, pd.Series)) else None


def _given(
    model: ClassModel, y: Any, index: pd.Index | None
) -> tuple[tuple[Any, ...], Mask, pd.Index | None]:
    """Return classes that were given by themselves, complete rows, and labels."""
    values, name, missing, own = endog_columns(y)
    if index is not None and own is not None and not own.equals(index):
        raise AlignmentError(
            "The indices of the new data and of y are not aligned. Reindex one like the other, "
            "or pass arrays to go by position."
        )
    values = _in_order(values, name, model.data.response.name)
    if missing.any():
        values = tuple(value[~missing] for value in values)
    return values, ~missing, own if index is None else index


def _in_order(values: tuple[Any, ...], name: str, fitted: str) -> tuple[Any, ...]:
    """Return columns of counts in the order of the fit, if they have names."""
    found, wanted = name.split(" + "), [part.strip() for part in fitted.split(" + ")]
    if len(values) == 1 or len(found) != len(values) or found == wanted:
        return values
    if sorted(found) != sorted(wanted):
        raise AlignmentError(
            f"y has the columns {', '.join(found)}; the fit had {', '.join(wanted)}."
        )
    return tuple(values[found.index(column)] for column in wanted)


def _counts(response: Response, freq_weights: Array | None) -> Array:
    """Return how often each class was seen in each row, shape (m, K)."""
    y = response.y
    counts = y if y.ndim == 2 else np.column_stack([1.0 - y, y])
    if response.trials is not None:
        counts = counts * response.trials[:, None]
        # a share times its trials is a whole number but for rounding
        near = np.round(counts)
        counts = np.where(np.abs(counts - near) <= WHOLE * (1.0 + near), near, counts)
    return counts if freq_weights is None else counts * freq_weights[:, None]
