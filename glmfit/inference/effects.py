"""What margins ask of each row: its prediction, a derivative or a contrast.

An effect is given by a variable and what is done to it. Rows are remade with the changed
variable, through the formula, so that all its terms and offsets follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glmfit.inference.margins import differentiate
from glmfit.inference.surface import Points, RowEffect, Surface, Tangent

__all__ = ["Contrast", "Effect", "Moved", "Place", "Prediction", "Slope"]

Array = NDArray[np.float64]
Columns = Mapping[str, Any]
Build = Callable[[Columns, Array | None], tuple[Array, Array | None]]
"""Makes columns (n, p) and offsets (n, 1) or (n, M) of variables and of given offsets."""


@dataclass(frozen=True, slots=True)
class Place:
    """Rows of variables with their predictors.

    Attributes
    ----------
    surface : Surface
    build : callable
    columns : mapping
        Variables by name.
    rest : ndarray of shape (n,) or None
        What offsets that were given as values add.
    points : Points
        The rows as they are.
    """

    surface: Surface
    build: Build
    columns: Columns
    rest: Array | None
    points: Points

    def moved(self, name: str, values: Any) -> Points:
        """Return the rows with other values of a variable."""
        return self.surface.points(*self.build({**self.columns, name: values}, self.rest))

    def some(self, name: str, values: Array, rows: NDArray[np.intp]) -> tuple[Array, Array | None]:
        """Return columns and offsets of some of the rows with other values of a variable."""
        if rows.size == values.size == self.points.eta.shape[0]:
            return self.build({**self.columns, name: values}, self.rest)
        chosen = {key: _take(column, rows) for key, column in self.columns.items()}
        rest = None if self.rest is None else self.rest[rows]
        return self.build({**chosen, name: values}, rest)


def _take(column: Any, rows: NDArray[np.intp]) -> Any:
    if isinstance(column, np.ndarray):
        return column[rows]
    taken = column.take(rows)
    return taken.reset_index(drop=True) if hasattr(taken, "reset_index") else taken


class Effect(Protocol):
    """A quantity of each row."""

    def at(self, place: Place) -> RowEffect: ...


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction itself."""

    def at(self, place: Place) -> RowEffect:
        """Return the predictions of rows."""
        return place.surface.prediction(place.points)


@dataclass(frozen=True, slots=True)
class Moved:
    """The prediction with other values of a variable.

    Attributes
    ----------
    name : str
    values : callable
        Takes the variable's values and returns the others.
    """

    name: str
    values: Callable[[Any], Any]

    def at(self, place: Place) -> RowEffect:
        """Return the predictions of rows."""
        values = self.values(place.columns[self.name])
        return place.surface.prediction(place.moved(self.name, values))


@dataclass(frozen=True, slots=True)
class Slope:
    """The derivative by a variable, dy/dx.

    Attributes
    ----------
    name : str
    low, high : float
        Range of the variable in the data of the fit.
    times_x : bool
        dy/d(ln x) in place of dy/dx.
    log : bool
        d(ln y) in place of dy.
    linear : bool
        Whether columns and offsets are linear in the variable, so that the difference
        between its values 1 and 0 is the derivative, without rounding.
    """

    name: str
    low: float
    high: float
    times_x: bool = False
    log: bool = False
    linear: bool = False

    def at(self, place: Place) -> RowEffect:
        """Return the derivatives of rows; NaN where there is none."""
        x = np.asarray(place.columns[self.name], dtype=np.float64)
        width = place.points.columns.shape[1]

        def columns(values: Array, rows: NDArray[np.intp]) -> Array:
            made, offset = place.some(self.name, values, rows)
            return made if offset is None else np.column_stack([made, offset])

        every = np.arange(x.size)
        if self.linear:
            value = columns(np.ones_like(x), every) - columns(np.zeros_like(x), every)
        else:
            found = differentiate(columns, columns(x, every), x, self.low, self.high)
            value = np.where(found.exists[:, None], found.value, np.nan)
        has_offset = value.shape[1] > width
        tangent = Tangent(value[:, :width], value[:, width:] if has_offset else None)
        effect = place.surface.derivative(place.points, tangent, log=self.log)
        return effect.scaled(x) if self.times_x else effect


@dataclass(frozen=True, slots=True)
class Contrast:
    """The difference of predictions at two values of a variable.

    Attributes
    ----------
    name : str
    high, low : callable
        Take the variable's values and return those to compare.
    log : bool
        Difference of logarithms.
    factor : float
        Multiplies the difference.
    """

    name: str
    high: Callable[[Any], Any]
    low: Callable[[Any], Any]
    log: bool = False
    factor: float = 1.0

    def at(self, place: Place) -> RowEffect:
        """Return the differences of rows."""
        x = place.columns[self.name]
        high = place.moved(self.name, self.high(x))
        low = place.moved(self.name, self.low(x))
        effect = place.surface.contrast(high, low, log=self.log)
        if self.factor == 1.0:
            return effect
        return effect.scaled(np.full(effect.value.shape[0], self.factor))
