"""Rows of a fit remade with other values of variables, and what is predicted of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.design import Design
from glmfit.errors import DataError, NotAvailableError
from glmfit.formula.table import Table
from glmfit.inference.prediction import Extrapolation, outside
from glmfit.inference.surface import Expectation, LinkScale, Surface
from glmfit.models.data import ModelData
from glmfit.models.variables import (
    PLACE,
    Cases,
    Columns,
    Variable,
    array_variables,
    cases_of,
    fixed_cases,
    formula_variables,
    middle_of,
    new_cases,
)
from glmfit.results.record import FitRecord

if TYPE_CHECKING:
    from glmfit.models.base import NewRows

__all__ = ["Counterfactuals"]

Array = NDArray[np.float64]

REBUILT = 16384
"""Rows of which offsets are computed together."""


class Counterfactuals:
    """What a model knows of its variables, and how it makes rows of other values of them."""

    data: ModelData

    def _kept_data(self) -> ModelData:
        raise NotImplementedError(f"{type(self).__name__} does not define _kept_data")

    def new_rows(
        self, exog: Any, transform: bool, offset: Any, exposure: Any, new_levels: str
    ) -> NewRows:
        """Return the rows to predict (see `GLMResults.predict`)."""
        raise NotImplementedError(f"{type(self).__name__} does not define new_rows")

    def _rows_of_arrays(self, exog: Any) -> NewRows:
        raise NotImplementedError(f"{type(self).__name__} does not define _rows_of_arrays")

    @cached_property
    def variables(self) -> dict[str, Variable]:
        """The columns of the data that predictions depend on, and what the fit saw of them."""
        if self.data.stream is not None:
            return formula_variables(self.data.by_columns())
        data = self._kept_data()
        return array_variables(data) if data.spec is None else formula_variables(data)

    def own_cases(self, more: Sequence[str] = ()) -> Cases:
        """Return the rows of the fit as variables, and columns ``more`` of the data."""
        data = self._kept_data()
        cases = cases_of(data, more)
        if data.spec is None or not data.rule.unnamed:
            return cases
        rest = np.empty(cases.count)
        for start in range(0, cases.count, REBUILT):
            stop = min(start + REBUILT, cases.count)
            known = self.rebuilt(cases.columns(start, stop)).offset
            assert data.offset is not None
            rest[start:stop] = data.offset[start:stop] - (0.0 if known is None else known)
        return replace(cases, rest=rest)

    def new_cases(self, exog: Any, offset: Any, exposure: Any, more: Sequence[str] = ()) -> Cases:
        """Return rows of new data as variables; incomplete rows are left out."""
        cases = new_cases(self.data, exog, more)
        rule = self.data.rule
        if offset is None and exposure is None and not rule.unnamed:
            return cases
        # what is given stands in for what the columns say, so the rest is the difference
        given = self.new_rows(exog, True, offset, exposure, "raise")
        known = self.rebuilt(cases.columns(0, cases.count)).offset
        total = (
            np.zeros(cases.count)
            if given.offset is None
            else given.spread(given.offset)[cases.kept]
        )
        return replace(cases, rest=total - (0.0 if known is None else known))

    def filled_cases(self, columns: Mapping[str, Sequence[Any]], count: int, middle: str) -> Cases:
        """Return ``count`` rows with the given values, one list for each variable.

        Parameters
        ----------
        columns : mapping
        count : int
        middle : {"mean", "median", "zero"}
            Which of their values stands in for offsets that were given as values.
        """
        made: Columns = {PLACE: np.arange(count)}
        for name, variable in self.variables.items():
            made[name] = variable.listed(columns[name])
        rest = self.own_cases().rest if self.data.rule.unnamed else None
        if rest is None or middle == "zero":
            return fixed_cases(made, count, None)
        weight = self.data.freq_weights
        return fixed_cases(made, count, middle_of(rest, weight, middle))

    def extrapolations(self, exog: Any, transform: bool) -> tuple[Extrapolation, ...]:
        """Return the variables of new data that lie outside of their range in the fit.

        A design matrix (``transform=False`` with a formula) has no variables to look at.
        """
        if exog is None or (self.data.spec is not None and not transform):
            return ()
        if self.data.spec is None:
            values = self._rows_of_arrays(exog)
            columns = dict(
                zip(self.data.names, values.spread_rows(values.design.toarray()).T, strict=True)
            )
        else:
            table = Table(exog)
            columns = {n: table.column(n) for n in self.variables if n in table}
        found = []
        for name, variable in self.variables.items():
            if variable.levels or not variable.in_terms or name not in columns:
                continue
            numbers = pd.to_numeric(pd.Series(columns[name]), errors="coerce").to_numpy(float)
            found.append(outside(name, numbers, variable.low, variable.high))
        return tuple(part for part in found if part is not None)

    def check_rebuilt(self, columns: Array, start: int, stop: int) -> None:
        """Raise unless ``columns`` are those that rows ``start`` to ``stop`` had in the fit."""
        own = self.full_design(self._kept_data().design.chunk(start, stop)).toarray()
        self.check_alike(columns, own)

    def check_alike(self, columns: Array, own: Array) -> None:
        """Raise unless rows made apart are those made together."""
        scale = float(np.nanmax(np.abs(own), initial=0.0))
        if not np.allclose(columns, own, rtol=1e-8, atol=1e-8 * scale, equal_nan=True):
            raise DataError(
                "The formula does not give the same columns of a row again: the data were changed "
                "since the fit, or a function in the formula looks at more than its own row "
                "(center(x), scale(x) and standardize(x) remember the data of the fit). So rows "
                "with other values of a variable cannot be made."
            )

    def rebuilt(self, columns: Columns) -> NewRows:
        """Return the rows of given variables, without offsets that were given as values."""
        unnamed = self.data.rule.unnamed
        return self.new_rows(
            pd.DataFrame(columns),
            True,
            0.0 if "offset" in unnamed else None,
            1.0 if "exposure" in unnamed else None,
            "raise",
        )

    def predictor_rows(self, columns: Columns, rest: Array | None) -> tuple[Array, Array | None]:
        """Return columns (n, p) and offsets (n, 1) or (n, M) of given variables.

        Rows for which a term is not defined are NaN.
        """
        new = self.rebuilt(columns)
        offset = None if new.offset is None else new.spread(new.offset)
        if rest is not None:
            offset = rest if offset is None else offset + rest
        design = new.spread_rows(self.full_design(new.design).toarray())
        return design, None if offset is None else self.predictor_offset(offset)

    def full_design(self, design: Design) -> Design:
        """Return the columns in which aliases are written."""
        return design

    def predictor_offset(self, offset: Array) -> Array:
        """Return what an offset (n,) adds to the predictors, shape (n, 1) or (n, M)."""
        return offset[:, None]

    @property
    def expectation(self) -> Expectation:
        """What the likelihood knows of its means."""
        raise NotAvailableError(
            f"Predictions of {type(self).__name__} have no standard errors, so neither intervals "
            "nor marginal effects of them are available."
        )

    def predictor_map(self) -> tuple[int, Any]:
        """Return the number of predictors of a row, and their constraints if there are any."""
        return 1, None

    def prediction_names(self, linear: bool) -> tuple[str, ...] | None:
        """Return the names of the means of a row, or None where it has one."""
        return None

    def surface(self, record: FitRecord, *, linear: bool = False) -> Surface:
        """Return the predictions of a fit as functions of rows."""
        expectation = self.expectation
        count, constraints = self.predictor_map()
        return Surface(
            response=LinkScale(count) if linear else expectation,
            count=count,
            constraints=constraints,
            theta=record.base,
            direction=None if record.separation is None else record.separation.direction,
            check=record.alias_check,
        )
