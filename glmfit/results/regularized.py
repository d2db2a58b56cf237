"""What a penalised fit has to say, and what it has not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.errors import NotAvailableError
from glmfit.results.record import FitRecord, Regularization

__all__ = ["RegularizedResults"]

Array = NDArray[np.float64]

_NO_WALD = (
    "An L1 penalty selects coefficients and shrinks the others, so that there are no standard "
    "errors, tests or intervals for them. A ridge fit (L1_wt=0) has them, and refit=True fits the "
    "selected columns by maximum likelihood, whose standard errors ignore the selection."
)


class RegularizedResults:
    """The side of results that belongs to penalties."""

    model: Any
    record: FitRecord
    cov_kwds: dict[str, Any]
    _made_covariance: Array

    @property
    def regularization(self) -> Regularization:
        """The penalty of the fit, and what it came to.

        Raises
        ------
        NotAvailableError
            If the fit has no penalty.
        """
        if self.record.regularized is None:
            raise NotAvailableError("This fit has no penalty; fit_regularized() makes one.")
        return self.record.regularized

    @property
    def selected(self) -> list[str]:
        """Columns with a coefficient that the penalty has not set to 0.

        Raises
        ------
        NotAvailableError
            If the fit has no penalty.
        """
        count = self.record.n_equations
        zeroed = self.regularization.zeroed_columns(count)
        names = self.model.data.names
        return [name for name, zero in zip(names, zeroed, strict=True) if not zero]

    @property
    def has_wald(self) -> bool:
        """Whether there are standard errors: not after an L1 penalty."""
        return not self._has_corners

    @property
    def _has_corners(self) -> bool:
        """Whether the estimates are those of an L1 penalty."""
        found = self.record.regularized
        return self.record.shrunk and found is not None and found.L1_wt > 0.0

    @property
    def _covariance(self) -> Array:
        """Covariance of the coefficients, dispersion included."""
        self._require_wald()
        return self._made_covariance

    @_covariance.setter
    def _covariance(self, covariance: Array) -> None:
        self._made_covariance = covariance

    def _require_wald(self) -> None:
        """Raise where the estimates have no covariance."""
        if self._has_corners:
            raise NotAvailableError(_NO_WALD)

    def _require_maximum(self, what: str) -> None:
        """Raise where the estimates do not maximise the likelihood."""
        if self.record.maximises_likelihood:
            return
        if self.record.bias_reduced is not None:
            raise NotAvailableError(
                f"{what} compares maxima, and bias-reduced estimates do not maximise the "
                "likelihood. Use penalized_lr_test() where the link is canonical, or Wald tests "
                "(pvalues)."
            )
        raise NotAvailableError(
            f"{what} compares maxima, and penalised estimates do not maximise the likelihood. "
            "Compare penalised models by their deviance on data held out: "
            "regularization_path().cross_validate()."
        )

    def _criterion_df(self, more: float) -> float:
        """Return the degrees of freedom of an information criterion."""
        if self._has_corners:
            raise NotAvailableError(
                "Information criteria count parameters, and what an L1 penalty selects from many "
                "columns has no such count outside the normal model. Choose alpha by "
                "regularization_path().cross_validate(); effective_df is in regularization."
            )
        return self.record.df_used + more

    def _penalty_notes(self) -> list[str]:
        """Return what a summary says of the penalty."""
        found = self.record.regularized
        if found is None:
            return []
        if found.refitted:
            return [
                f"Maximum likelihood on the columns that {_described(found)} selected. Standard "
                "errors and tests ignore the selection."
            ]
        unit = "standard deviation" if found.standardized else "unit"
        free = [
            name
            for name, reached in zip(self.model.data.names, found.penalized, strict=True)
            if not reached
        ]
        told = f"without a penalty: {', '.join(free)}" if free else "every column is penalised"
        notes = [
            f"Estimates minimise -loglik/n + alpha (L1_wt |b| + (1 - L1_wt)/2 b^2) per {unit} of "
            f"each column; {told}."
        ]
        if self._has_corners:
            notes.append(
                "An L1 penalty selects coefficients: there are no standard errors or tests. "
                "refit=True fits the selected columns by maximum likelihood."
            )
        else:
            notes.append(
                f"{self.cov_kwds['description']} Estimates are biased towards 0, and p-values "
                "are no more than a guide."
            )
        return notes


def _described(found: Regularization) -> str:
    """Return the penalty in words."""
    weight = f"{found.alpha:.4g}" if isinstance(found.alpha, float) else "given by column"
    name = {"Ridge": "ridge", "Lasso": "the lasso"}.get(found.name, "the elastic net")
    mixed = "" if found.L1_wt in (0.0, 1.0) else f", L1_wt {found.L1_wt:g}"
    return f"{name} (alpha {weight}{mixed})"
