"""Results handed to other packages: marginaleffects and maketables."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import pandas as pd

from glmfit.errors import MissingPackageError
from glmfit.inference.tails import two_sided
from glmfit.results.record import FitRecord

__all__ = ["Neighbours", "RegressionTable"]

MISSING = (
    "to_marginaleffects() hands the fit to marginaleffects, which is not installed (it needs a "
    'polars before 2): python -m pip install "glmfit[margins]".'
)
OPTIONAL = ("marginaleffects", "polars")
STATISTICS = {
    "N": "nobs",
    "ll": "llf",
    "aic": "aic",
    "bic": "bic",
    "r2": "rsquared",
    "adj_r2": "rsquared_adj",
    "pseudo_r2": "prsquared",
    "deviance": "deviance",
}
"""What maketables calls a statistic, and what it is called here."""


@dataclass(frozen=True, slots=True)
class RegressionTable:
    """A fit as maketables takes models of any package.

    It is no result itself, for maketables would take that for one of statsmodels.

    Attributes
    ----------
    frame : DataFrame
        Columns ``b, se, t, p, ci95l, ci95u``, a row for each coefficient, indexed by
        "Coefficient".
    depvar : str
        Name of the response.
    cov_type : str
    statistics : dict
        By maketables' names: N, ll, aic, bic, r2, adj_r2, pseudo_r2, deviance; None
        where the model has no such statistic.
    """

    frame: pd.DataFrame
    depvar: str
    cov_type: str
    statistics: dict[str, float | None]

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        return self.frame

    @property
    def __maketables_depvar__(self) -> str:
        return self.depvar

    @property
    def __maketables_vcov_info__(self) -> dict[str, str]:
        return {"vcov_type": self.cov_type}

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        return ["N", "aic", "bic"]

    def __maketables_stat__(self, key: str) -> float | None:
        return self.statistics.get(key)


class Neighbours:
    """Methods of results for the packages that take fits of others."""

    model: Any
    record: FitRecord
    cov_type: str

    def to_marginaleffects(self) -> Any:
        """Return the fit as a model that the marginaleffects package takes.

        Designs, offsets in the formula or by column name, and predictions are made by
        glmfit, so interactions, powers and splines are right; ``vcov="HC3"`` and the other
        kinds of `with_cov` work there by name. Needs marginaleffects
        (``pip install "glmfit[margins]"``). Frequencies do not weight its averages unless
        its ``wts=`` names their column.

        Returns
        -------
        object
            For ``marginaleffects.avg_slopes(...)`` and its other functions.

        Raises
        ------
        MissingPackageError
            If marginaleffects is not installed.
        NotAvailableError
            If predictions do not follow from finite coefficients and columns of data:
            separated data, absorbed factors, offsets given as values, no covariance.

        See Also
        --------
        marginal_effects : The same by glmfit, with derivatives that are not numerical.

        Notes
        -----
        Its standard errors of slopes rest on differences of differences, of steps so small
        that rounding is in their third digit; ``eps_vcov=1e-5`` gives them another.
        """
        try:
            adapter = importlib.import_module("glmfit.results.adapter")
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] not in OPTIONAL:
                raise
            raise MissingPackageError(MISSING) from error
        return adapter.MarginalEffectsModel(self)

    def to_maketables(self) -> RegressionTable:
        """Return the fit as maketables takes models, coefficients in one flat table.

        ``maketables.ETable([result1.to_maketables(), result2.to_maketables()])``.
        Coefficients of multinomial models are named by level and term.

        Returns
        -------
        RegressionTable
            ``frame`` has the coefficients.

        Examples
        --------
        >>> import glmfit as gf
        >>> housing = gf.datasets.load("housing")
        >>> result = gf.mnlogit("sat ~ cont", housing, freq_weights="freq").fit()
        >>> result.to_maketables().frame[["b", "se"]].round(3)
                                 b     se
        Coefficient
        Medium:Intercept    -0.387  0.097
        Medium:cont[T.High]  0.257  0.128
        High:Intercept       0.041  0.086
        High:cont[T.High]    0.217  0.115
        """
        known = {key: getattr(self, name, None) for key, name in STATISTICS.items()}
        return RegressionTable(
            _coefficient_table(self), str(self.model.endog_names), self.cov_type, known
        )


def _coefficient_table(result: Any) -> pd.DataFrame:
    z, ends = result._tvalues, result._interval(0.05)
    columns = {
        "b": result.record.theta,
        "se": result._bse,
        "t": z,
        "p": two_sided(z, result._df_test),
        "ci95l": ends[:, 0],
        "ci95u": ends[:, 1],
    }
    index = pd.Index([str(name) for name in result._text_names], name="Coefficient")
    return pd.DataFrame(columns, index=index)
