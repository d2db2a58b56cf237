"""A penalised model along a path of weights, and the weight that cross-validation picks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, suggest
from glmfit.output import Column, Field, Row, Summary, Table

__all__ = ["CrossValidation", "RegularizationPath"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class RegularizationPath:
    """Fits of one model with the same penalty at several weights, the largest first.

    Attributes
    ----------
    model : object
        The model that was fitted.
    L1_wt : float
        Share of the absolute values in the penalty.
    standardize : bool
        Whether it is on standardised columns.
    factors : ndarray of shape (p,)
        What multiplies alpha for each column; 0 for free columns.
    alphas : ndarray of shape (m,)
        Weights, falling.
    coefficients : ndarray of shape (m, P)
    deviance : ndarray of shape (m,)
    null_deviance : float
        Deviance of the fit with the free columns only.
    n_selected : ndarray of int, shape (m,)
        Penalised columns with a coefficient that is not 0.
    converged : ndarray of bool, shape (m,)
    """

    model: Any = field(repr=False)
    L1_wt: float
    standardize: bool
    factors: Array
    alphas: Array
    coefficients: Array
    deviance: Array
    null_deviance: float
    n_selected: NDArray[np.intp]
    converged: NDArray[np.bool_]

    @property
    def params(self) -> pd.DataFrame:
        """Coefficients, a row for each alpha; columns are named as in a fit."""
        names = self.model.parameter_names
        columns: pd.Index = pd.Index(names)
        if names and isinstance(names[0], tuple):
            columns = pd.MultiIndex.from_tuples([(str(level), term) for level, term in names])
        return pd.DataFrame(
            self.coefficients, index=pd.Index(self.alphas, name="alpha"), columns=columns
        )

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each alpha: columns ``selected, deviance, explained, converged``.

        ``explained`` is the share of the deviance that the free columns leave which the
        others take away.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            explained = 1.0 - self.deviance / self.null_deviance
        return pd.DataFrame(
            {
                "selected": self.n_selected,
                "deviance": self.deviance,
                "explained": explained,
                "converged": self.converged,
            },
            index=pd.Index(self.alphas, name="alpha"),
        )

    def fit(self, alpha: float, **options: Any) -> Any:
        """Return the fit at one weight, with all that results have.

        Parameters
        ----------
        alpha : float
        **options
            As in ``fit_regularized``: ``refit``, ``cov_type``, ``scale``, ...
        """
        return self.model.fit_regularized(
            alpha=alpha * self.factors,
            L1_wt=self.L1_wt,
            standardize=self.standardize,
            **options,
        )

    def cross_validate(self, folds: Any = 10, seed: int = 0) -> CrossValidation:
        """Estimate the deviance of new data at each weight.

        Each fold is predicted by the path fitted without it, at the same alphas.

        Parameters
        ----------
        folds : int or array_like of int, shape (m,)
            How many; or the fold of each row of the fit. Rows are dealt to folds at
            random, class by class where the response has classes. A row with a frequency is
        held out whole.
        seed : int
            Of the dealing, which is reproducible.

        Returns
        -------
        CrossValidation
        """
        codes = self.model.fold_codes(folds, seed)
        by_fold, weights = self.model.held_out(self, codes)
        return CrossValidation.of(self, codes, by_fold, weights)

    def summary(self) -> Summary:
        """Return the path as a table."""
        explained = self.frame["explained"].to_numpy()
        columns = (
            Column("selected", "integer"),
            Column("deviance", "estimate"),
            Column("explained", "estimate"),
        )
        rows = tuple(
            Row(f"{alpha:.6g}", (int(count), float(deviance), float(share)))
            for alpha, count, deviance, share in zip(
                self.alphas, self.n_selected, self.deviance, explained, strict=True
            )
        )
        return Summary(
            title="Regularisation path",
            left=(
                Field("Model:", self.model.summary_name),
                Field("Dep. Variable:", self.model.endog_names),
            ),
            right=(
                Field("Penalty L1_wt:", self.L1_wt),
                Field("Standardised:", str(self.standardize)),
            ),
            tables=(Table(columns, rows, title="alpha"),),
            notes=tuple(self._notes()),
        )

    def _notes(self) -> list[str]:
        lost = int((~self.converged).sum())
        return [f"{lost} of {self.alphas.size} fits did not converge."] if lost else []

    def __repr__(self) -> str:
        return self.summary().as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()


@dataclass(frozen=True, slots=True, repr=False)
class CrossValidation:
    """Deviance of data held out, at each weight of a path.

    Attributes
    ----------
    path : RegularizationPath
    folds : ndarray of int, shape (n,)
        The fold of each row of the fit.
    by_fold : ndarray of shape (m, k)
        Deviance per unit of weight of each fold, by the path fitted without it.
    mean : ndarray of shape (m,)
        Their mean, folds weighted by the weight of their rows.
    std_err : ndarray of shape (m,)
        Standard error of the mean, from the spread over the folds.
    """

    path: RegularizationPath
    folds: NDArray[np.intp]
    by_fold: Array
    mean: Array
    std_err: Array

    @classmethod
    def of(
        cls,
        path: RegularizationPath,
        folds: NDArray[np.intp],
        by_fold: Array,
        weights: Array,
    ) -> CrossValidation:
        """Return the summary over folds of weight ``weights``, shape (k,)."""
        share = weights / weights.sum()
        mean = by_fold @ share
        spread = (by_fold - mean[:, None]) ** 2 @ share
        error = np.sqrt(spread / (weights.size - 1))
        return cls(path, folds, by_fold, mean, error)

    @property
    def alphas(self) -> Array:
        """Weights, falling, shape (m,)."""
        return self.path.alphas

    @property
    def alpha_min(self) -> float:
        """The weight with the lowest deviance of data held out."""
        return float(self.alphas[int(np.argmin(self.mean))])

    @property
    def alpha_1se(self) -> float:
        """The largest weight within a standard error of the lowest deviance."""
        lowest = int(np.argmin(self.mean))
        near = self.mean <= self.mean[lowest] + self.std_err[lowest]
        return float(self.alphas[int(np.argmax(near))])

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each alpha: columns ``mean, std_err, selected``."""
        columns = {
            "mean": self.mean,
            "std_err": self.std_err,
            "selected": self.path.n_selected,
        }
        return pd.DataFrame(columns, index=pd.Index(self.alphas, name="alpha"))

    def fit(self, rule: str = "min", **options: Any) -> Any:
        """Return the fit to all rows at the weight that was picked.

        Parameters
        ----------
        rule : {"min", "1se"}
            The lowest deviance, or the largest alpha within a standard error of it.
        **options
            As in ``fit_regularized``: ``refit``, ``cov_type``, ``scale``, ...
        """
        chosen = {"min": self.alpha_min, "1se": self.alpha_1se}
        if rule not in chosen:
            raise ArgumentError(f"There is no rule {rule!r}.{suggest(str(rule), chosen)} "
                                f"Known: {', '.join(chosen)}.")  # fmt: skip
        return self.path.fit(chosen[rule], **options)

    def summary(self) -> Summary:
        """Return what was picked, and the deviance at each weight."""
        rows = []
        lines = zip(self.alphas, self.mean, self.std_err, self.path.n_selected, strict=True)
        for alpha, mean, error, count in lines:
            mark = "min" if alpha == self.alpha_min else ""
            mark = f"{mark} 1se".strip() if alpha == self.alpha_1se else mark
            cells = (float(mean), float(error), int(count), mark)
            rows.append(Row(f"{alpha:.6g}", cells))
        return Summary(
            title="Cross-validation of a regularisation path",
            left=(
                Field("Model:", self.path.model.summary_name),
                Field("Dep. Variable:", self.path.model.endog_names),
                Field("No. Folds:", int(self.by_fold.shape[1])),
            ),
            right=(
                Field("Penalty L1_wt:", self.path.L1_wt),
                Field("alpha_min:", self.alpha_min),
                Field("alpha_1se:", self.alpha_1se),
            ),
            tables=(
                Table(
                    (
                        Column("deviance", "estimate"),
                        Column("std err", "estimate"),
                        Column("selected", "integer"),
                        Column("", "text"),
                    ),
                    tuple(rows),
                    title="alpha, deviance of data held out",
                ),
            ),
            notes=("Deviance is per unit of weight. 1se: the largest alpha within a standard "
                   "error of the lowest.",),
        )  # fmt: skip

    def __repr__(self) -> str:
        return self.summary().as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()
