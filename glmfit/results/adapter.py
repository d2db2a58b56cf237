"""Results as a model of the marginaleffects package: the only place that imports it.

Imported when `to_marginaleffects` is first called.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from marginaleffects.classes import ModelAbstract, ModelVault
from numpy.typing import NDArray

from glmfit.errors import NotAvailableError
from glmfit.results.absorbed import refuse_effects

__all__ = ["MarginalEffectsModel"]

Array = NDArray[np.float64]

RESERVED = frozenset(
    "rowid type group estimate std_error p_value s_value conf_low conf_high term contrast "
    "statistic".split()
)
"""Names of columns that marginaleffects refuses in data."""


class MarginalEffectsModel(ModelAbstract):  # type: ignore[misc]  # it has no annotations
    """A fit as marginaleffects takes models: its rows, coefficients and predictions.

    Parameters
    ----------
    result : LikelihoodResults
    """

    def __init__(self, result: Any) -> None:
        _require_adaptable(result)
        model = result.model
        self._variables = model.variables
        self._surface = model.surface(result.record)
        self._width: int | None = None
        self._groups = model.prediction_names(False)
        response, frame = _model_frame(model)
        names = [response, *self._variables]
        vault = ModelVault(
            coef=result.record.base.copy(),
            coefnames=np.array([str(name) for name in result._text_names]),
            # what it reads from a formula are names; the design is made by glmfit
            formula=f"{response} ~ {' + '.join(self._variables) or '1'}",
            modeldata=frame,
            package="glmfit",
            variable_names=names,
        )
        super().__init__(result, vault)

    def get_exog(self, newdata: pl.DataFrame) -> Array:
        """Return the columns of rows, and after them what offsets add to each predictor."""
        columns = {
            name: _as_the_data(variable, newdata[name])
            for name, variable in self._variables.items()
        }
        design, offset = self.model.model.predictor_rows(columns, None)
        self._width = design.shape[1]
        return design if offset is None else np.hstack([design, offset])

    def get_predict(self, params: Array, newdata: Any) -> pl.DataFrame:
        """Return predictions at other coefficients, one row for each row and level."""
        rows = self.get_exog(newdata) if isinstance(newdata, pl.DataFrame) else newdata
        surface = replace(self._surface, theta=np.asarray(params, dtype=np.float64))
        columns, offset = rows[:, : self._width], rows[:, self._width :]
        points = surface.points(columns, offset if offset.shape[1] else None)
        values = surface.values(points)
        if self._groups is None:
            return _predictions(np.arange(len(values)), values[:, 0])
        order = np.argsort(self._groups, kind="stable")
        rowid = np.tile(np.arange(len(values)), len(order))
        group = np.repeat(np.array(self._groups)[order], len(values))
        return _predictions(rowid, values[:, order].T.ravel()).with_columns(
            pl.Series("group", group.tolist())
        )

    def get_vcov(self, vcov: Any = True) -> Array | None:
        """Return the covariance of the fit, or another kind of it by name."""
        if vcov is False:
            return None
        found = self.model._covariance if vcov is True else self.model.vcov(vcov)
        return np.nan_to_num(np.asarray(found, dtype=np.float64), nan=0.0)

    def validation(self) -> None:
        """Say of what kind each variable is; the rows were checked by the fit."""
        self.coef, self.formula = self.vault.coef, self.vault.formula
        self.response_name = self.vault.variable_names[0]
        self.vault.variables_type = {
            name: _kind(self._variables.get(name), self.vault.modeldata[name].dtype)
            for name in self.vault.variable_names
        }

    def get_df(self) -> float:
        """Return the degrees of freedom of the residuals."""
        return float(self.model.df_resid)


def _kind(variable: Any, dtype: Any) -> str:
    """Return what marginaleffects calls a variable of this kind."""
    if dtype == pl.Boolean:
        return "boolean"
    if dtype == pl.Enum or (variable is not None and variable.levels):
        return "character"
    if variable is not None and variable.binary:
        return "binary"
    return "integer" if dtype.is_integer() else "numeric"


def _predictions(rowid: NDArray[np.intp], values: Array) -> pl.DataFrame:
    return pl.DataFrame({"rowid": rowid.astype(np.int32), "estimate": values})


def _require_adaptable(result: Any) -> None:
    """Raise where predictions do not follow from coefficients and columns alone."""
    refuse_effects(result.record, "to_marginaleffects()")
    result._require_wald()
    if result.record.separation is not None:
        raise NotAvailableError(
            "The data are separated: coefficients are infinite, and marginaleffects would move "
            "them. result.marginal_effects() takes the limit."
        )
    if result.model.data.rule.unnamed:
        raise NotAvailableError(
            "The offset or exposure was given as values, which rows of other data do not have. "
            "Give it by column name, or in the formula: offset(x)."
        )
    for name in result.model.variables:
        if not str(name).isidentifier():
            raise NotAvailableError(
                f"marginaleffects reads names from a formula, and {name!r} is none that it would "
                "read whole. Rename the column, or use result.marginal_effects()."
            )


def _model_frame(model: Any) -> tuple[str, pl.DataFrame]:
    """Return the name of the response, and the rows of the fit with the columns of the data."""
    data = model.data
    cases = model.own_cases()
    columns = cases.columns(0, cases.count)
    series = [_as_polars(variable, columns[name]) for name, variable in model.variables.items()]
    taken = set(model.variables)
    response = data.response.name if str(data.response.name).isidentifier() else "response"
    if response not in taken:
        series.append(pl.Series(response, _response_values(model)))
        taken.add(response)
    if data.table is not None:
        for name in (name for name in data.table.names if name not in RESERVED):
            values = data.table.column(name)[data.kept]
            if name not in taken and values.dtype.kind in "biuf":
                series.append(pl.Series(str(name), values.to_numpy()))
            elif name not in taken and isinstance(values.dtype, pd.CategoricalDtype):
                series.append(_enum(str(name), values, values.cat.categories))
    return response, pl.DataFrame(series)


def _response_values(model: Any) -> Array:
    """Return the response, or the place of each row's most frequent class."""
    y = np.asarray(model.endog, dtype=np.float64)
    return y if y.ndim == 1 else y.argmax(axis=1).astype(np.float64)


def _enum(name: str, values: Any, levels: Any) -> pl.Series:
    kinds = pl.Enum([str(level) for level in levels])
    return pl.Series(name, [str(value) for value in values], dtype=kinds)


def _as_polars(variable: Any, values: Any) -> pl.Series:
    if variable.levels:
        return _enum(variable.name, values, variable.levels)
    return pl.Series(variable.name, np.asarray(values))


def _as_the_data(variable: Any, values: pl.Series) -> Any:
    """Return new values of a variable as the data of the fit have them."""
    if not variable.levels:
        return values.to_numpy()
    levels = {str(level): level for level in variable.levels}
    return variable.listed([levels.get(str(value), value) for value in values.to_list()])
