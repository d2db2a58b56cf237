"""Tables of observed and predicted classes, as results hand them to the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.inference.metrics import ClassScores
from glmfit.output import Column, Row, Summary, Table
from glmfit.output.table import Style

__all__ = ["ClassificationReport", "ConfusionMatrix"]

Array = NDArray[np.float64]

HEADS = ("precision", "recall", "f1-score")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ConfusionMatrix:
    """How often each class was observed and predicted.

    Prints as text, shows as HTML in a notebook, and is an array where one is needed
    (``numpy.asarray``).

    Attributes
    ----------
    table : ndarray of shape (k, k)
        Observations, or shares of them: observed classes in the rows, predicted ones in the
        columns.
    levels : tuple of str
    name : str
        The response.
    notes : tuple of str
        How a class is predicted, and what is shown, in words.
    """

    table: Array
    levels: tuple[str, ...]
    name: str
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the table with the classes' names, whole numbers as such."""
        rows = pd.Index(self.levels, name="observed")
        columns = pd.Index(self.levels, name="predicted")
        return pd.DataFrame(_whole(self.table), index=rows, columns=columns)

    def summary(self) -> Summary:
        """Return the table for printing."""
        values = _whole(self.table)
        style: Style = "integer" if values.dtype.kind == "i" else "estimate"
        columns = tuple(Column(level, style) for level in self.levels)
        rows = tuple(
            Row(level, tuple(line))
            for level, line in zip(self.levels, values.tolist(), strict=True)
        )
        title = f"Confusion Matrix of {self.name}: observed (rows) by predicted (columns)"
        return Summary(title, tables=(Table(columns, rows),), notes=self.notes)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        values = _whole(self.table)
        return values.astype(values.dtype if dtype is None else dtype, copy=copy is not False)

    def __repr__(self) -> str:
        return self.summary().as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()


def _whole(values: Array) -> NDArray[Any]:
    """Return integers where all values are whole."""
    return values.astype(np.int64) if (values == np.round(values)).all() else values


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClassificationReport:
    """Precision, recall and F1 of each class, and their averages.

    Printed, it has scikit-learn's layout; in a notebook it is a table.

    Attributes
    ----------
    scores : ClassScores
        Of the classes shown.
    levels : tuple of str
    complete : bool
        Whether all classes are shown: then the micro averages are one number, the accuracy.
    digits : int
        Decimals to print.
    """

    scores: ClassScores
    levels: tuple[str, ...]
    complete: bool
    digits: int = 2

    def _averages(self) -> dict[str, Array]:
        pooled = "accuracy" if self.complete else "micro avg"
        return {
            pooled: self.scores.averaged("micro"),
            "macro avg": self.scores.averaged("macro"),
            "weighted avg": self.scores.averaged("weighted"),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the unrounded numbers, a row for each class and each average.

        Returns
        -------
        DataFrame
            Columns ``precision, recall, f1-score, support``. The accuracy, which is the
            micro average of all three, stands in the three columns.
        """
        averages = self._averages()
        values = np.vstack([self.scores.columns(), *averages.values()])
        frame = pd.DataFrame(values, index=[*self.levels, *averages], columns=list(HEADS))
        frame["support"] = _whole(self._supports())
        return frame

    def _supports(self) -> Array:
        return np.append(self.scores.support, [self.scores.support.sum()] * 3)

    def _cells(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return label and texts of each line."""
        supports = _whole(self._supports())
        lines: list[tuple[str, tuple[str, ...]]] = []
        frame = self.to_frame()
        for name, values, support in zip(
            frame.index, frame[list(HEADS)].to_numpy(), supports, strict=True
        ):
            texts = [f"{value:.{self.digits}f}" for value in values]
            if self.complete and len(lines) == len(self.levels):  # the accuracy
                texts[:2] = ["", ""]
            lines.append((str(name), (*texts, str(support))))
        return lines

    def as_text(self) -> str:
        """Return the report in scikit-learn's layout."""
        lines = self._cells()
        width = max(len(name) for name in (*self.levels, "weighted avg", " " * self.digits))
        head = " " * width + " " + "".join(f" {name:>9}" for name in (*HEADS, "support"))
        drawn = [
            f"{name:>{width}} " + "".join(f" {text:>9}" for text in texts) for name, texts in lines
        ]
        classes, averages = drawn[: len(self.levels)], drawn[len(self.levels) :]
        return "\n".join([head, "", *classes, "", *averages, ""])

    def summary(self) -> Summary:
        """Return the report as a table."""
        columns = tuple(Column(name, "statistic") for name in (*HEADS, "support"))
        rows = tuple(Row(name, texts) for name, texts in self._cells())
        return Summary("Classification Report", tables=(Table(columns, rows),))

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()
