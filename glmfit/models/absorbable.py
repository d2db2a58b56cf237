"""Models that can absorb factors: what changes for them, and what they refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.rank import select_columns
from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.families import Family
from glmfit.models.absorbing import absorbed_covariance, settled, with_levels
from glmfit.models.base import NewRows
from glmfit.models.regularized import Regularizable
from glmfit.results.record import FitRecord
from glmfit.results.request import Request
from glmfit.sources import Rows

__all__ = ["Absorbable"]

Array = NDArray[np.float64]


class Absorbable(Regularizable):
    """A model with one predictor a row, which may have effects of absorbed factors."""

    family: Family
    _columns: NDArray[np.intp]

    def absorbed_covariance(
        self, record: FitRecord, request: Request
    ) -> tuple[Array, dict[str, Any]]:
        """Return the robust covariance of the kept coefficients, and how it was made."""
        run: Any = self.fitted_pass(record)
        return absorbed_covariance(self.data, record, request, run)

    def _settle(self) -> Self:
        """Leave out what absorbed effects contain: the intercept, rows that say nothing."""
        if self.data.absorbed is not None:
            self.data, self._columns = settled(self.data, self.family)
        return self

    def _refuse_effects(self, what: str) -> None:
        """Raise where factors are absorbed."""
        if self.data.absorbed is not None:
            raise NotAvailableError(
                f"{what} is not available for a model with absorbed factors, which holds their "
                "effects but no covariance of them. Write the factors into the formula instead."
            )

    def rows_to_predict(
        self,
        exog: Any,
        transform: bool,
        offset: Any,
        exposure: Any,
        new_levels: str,
        absorb: Any = None,
    ) -> NewRows:
        """Return the rows to predict, with the levels of absorbed factors."""
        rows = super().new_rows(exog, transform, offset, exposure, new_levels)
        absorbed = self.data.absorbed
        if absorb is not None and absorbed is None:
            raise ArgumentError("absorb= is for models that absorb factors; this one does not.")
        if absorb is not None and exog is None:
            raise ArgumentError("absorb= is for new data; the rows of the fit have their own.")
        if absorbed is None:
            return rows
        if rows.design.shape[1] > len(self.data.names):
            rows = replace(rows, design=select_columns(rows.design, self._columns))
        if exog is None:
            return replace(rows, levels=absorbed.codes)
        return with_levels(absorbed, rows, exog, absorb, new_levels)

    def new_rows(
        self, exog: Any, transform: bool, offset: Any, exposure: Any, new_levels: str
    ) -> NewRows:
        """Return new rows for what needs no effects of absorbed factors."""
        self._refuse_effects("This for new rows, other than predict(),")
        return super().new_rows(exog, transform, offset, exposure, new_levels)

    @property
    def formula_columns(self) -> NDArray[np.intp]:
        """Which column of the formula's design each of ``data.names`` is."""
        return super().formula_columns if self.data.absorbed is None else self._columns

    def penalty_rows(self) -> Rows:
        """Return the rows of penalised fits."""
        self._refuse_effects("A penalised fit")
        return super().penalty_rows()

    def new_terms(self, scope: str, env: Mapping[str, Any] | None = None) -> list[str]:
        """Return the terms that a part of a formula adds to the model's own."""
        self._refuse_effects("Adding terms to a fit")
        return super().new_terms(scope, env)

    def extended(self, terms: str, env: Mapping[str, Any] | None = None) -> Self:
        """Return the model on the same rows with further terms."""
        self._refuse_effects("Adding terms to a fit")
        return super().extended(terms, env)

    def linear_predictor(self, theta: Array) -> Array:
        """Return X theta + offset of the rows used, shape (m,)."""
        self._refuse_effects("The linear predictor at given coefficients")
        return super().linear_predictor(theta)
