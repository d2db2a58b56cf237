"""Predictions of rows that are streamed, written as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from glmfit.errors import ArgumentError, NotAvailableError, UnknownNameError, suggest
from glmfit.sources.arrow import batches_of, pieces, write_parquet
from glmfit.sources.columns import frame_of

__all__ = ["StreamedPredictions", "write_predictions"]

WHICH = ("mean", "linear", "var", "var_unscaled")
"""What is one number for each row."""


class StreamedPredictions:
    """Methods of results for rows that are not held in memory."""

    model: Any
    predict: Callable[..., Any]

    def predict_to(self, path: Any, data: Any, *, which: str = "mean") -> int:
        """Predict streamed rows, and write the predictions to a Parquet file as they come.

        Parameters
        ----------
        path : path
            The file, which appears when it is complete.
        data : path, pyarrow Dataset, callable, DuckDB relation, polars LazyFrame or iterable
            Rows to predict, as `glm` takes them; a data frame is one piece.
        which : {"mean", "linear", "var", "var_unscaled"}
            As in `predict`.

        Returns
        -------
        int
            Number of rows written: one for each row of ``data``, in its order, with the
            column ``prediction``; missing where a value is missing.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> import pandas as pd
        >>> import glmfit as gf
        >>> trees = gf.datasets.load("trees")
        >>> result = gf.ols("volume ~ girth", trees).fit()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "predictions.parquet"
        ...     result.predict_to(path, [trees.iloc[:20], trees.iloc[20:]])
        ...     pd.read_parquet(path)["prediction"].round(2).head(2).tolist()
        31
        [5.1, 6.62]
        """
        if which not in WHICH:
            raise ArgumentError(f"which must be one of {', '.join(WHICH)} (got {which!r}).")
        return write_predictions(path, data, self.model.data, partial(self.predict, which=which))


def write_predictions(
    path: Any, data: Any, fitted: Any, predict: Callable[[pd.DataFrame], Any]
) -> int:
    """Write a prediction for each row of ``data``; return how many there are.

    Parameters
    ----------
    path : path
        Of the Parquet file.
    data : source of rows or table
    fitted : ModelData
        Whose columns are read.
    predict : callable
        Returns the predictions of a frame.
    """
    columns = _needed(fitted)
    source = batches_of(data) or batches_of([data])
    if source is None:
        raise NotAvailableError(
            f"predict_to() writes predictions of streamed rows or of a frame; got "
            f"{type(data).__name__}."
        )
    absent = [name for name in columns if name not in source.names]
    if absent:
        raise UnknownNameError(
            f"The new data have no column {absent[0]!r}, which the model needs."
            f"{suggest(absent[0], source.names)}"
        )
    # a model of a constant alone reads no column, but its rows are counted all the same
    read = columns or source.names[:1]
    count = 0

    def predicted() -> Iterator[pd.DataFrame]:
        nonlocal count
        for piece in pieces(source, read):
            frame = frame_of(piece)
            count += len(frame)
            yield pd.DataFrame({"prediction": np.asarray(predict(frame), dtype=np.float64)})

    write_parquet(path, predicted())
    return count


def _needed(fitted: Any) -> tuple[str, ...]:
    """Return the columns that a prediction reads."""
    if fitted.spec is None:
        raise NotAvailableError("predict_to() is for models with a formula.")
    named = (fitted.rule.offset, fitted.rule.exposure)
    return tuple(sorted({*fitted.spec.columns(), *(name for name in named if name is not None)}))
