"""Results as tidy frames, with the columns that broom gives them in R, in snake case."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, DataError, require_number
from glmfit.formula.polars_out import check_return_type, takes_return_type, to_polars
from glmfit.formula.table import Table, polars_frame
from glmfit.inference.tails import two_sided
from glmfit.results.record import FitRecord
from glmfit.results.summary import ratio_title

__all__ = ["ClassTables", "ConditionalTables", "ModelTables", "TidyTables"]

Array = NDArray[np.float64]


INFLUENCE = ("hat", "sigma", "cooks_d", "std_resid")
"""What `augment` says of the influence of the rows of a generalised linear model."""


class TidyTables:
    """Coefficients, the fit and the rows as frames that stack, join and plot."""

    model: Any
    record: FitRecord
    conf_int: Any
    _names: Any
    _bse: Any
    _tvalues: Any
    _df_test: Any

    @property
    def has_wald(self) -> bool:
        """Whether there are standard errors."""
        raise NotImplementedError(f"{type(self).__name__} does not define has_wald")

    # -- coefficients ----------------------------------------------------------------------

    @takes_return_type
    def tidy(
        self,
        conf_int: bool = True,
        exponentiate: bool = False,
        *,
        conf_level: float = 0.95,
        method: str = "wald",
    ) -> pd.DataFrame:
        """Return the coefficients, one a row.

        Parameters
        ----------
        conf_int : bool
            Whether to add intervals.
        exponentiate : bool
            Whether estimates and intervals are exp(coefficient): odds ratios, rate ratios.
            Thresholds of ordinal models stay as they are. ``std_error`` stays that of the
            coefficient, as in broom.
        conf_level : float
            What the intervals cover.
        method : str
            As in `conf_int`: "wald", "profile", ...
        return_type : {"pandas", "polars"}
            What the answer is made of; polars has no index, and null for NaN.

        Returns
        -------
        DataFrame
            ``term, estimate, std_error, statistic, p_value, conf_low, conf_high``; first
            ``y_level`` for a multinomial logit, and last ``coef_type`` ("coefficient" or
            "threshold") for ordinal models. NaN for aliased columns, and for all but the
            estimate after an L1 penalty; infinite where data are separated.

        References
        ----------
        Robinson, D. (2014). broom: an R package for converting statistical analysis objects
        into tidy data frames. arXiv:1412.3565.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> result.tidy(conf_int=False).round(4)
                  term  estimate  std_error  statistic  p_value
        0    Intercept   15.0429     7.3786     2.0387   0.0415
        1  TEMPERATURE   -0.2322     0.1082    -2.1450   0.0320
        """
        names = self._names
        several = isinstance(names, pd.MultiIndex)
        columns: dict[str, Any] = {"y_level": names.get_level_values(0)} if several else {}
        columns["term"] = names.get_level_values(-1)
        columns["estimate"] = self.record.theta
        columns |= self._uncertainty(alpha_of(conf_level) if conf_int else None, method)
        owners = np.array(self.model.parameter_columns, dtype=object)
        thresholds = owners == ""
        if thresholds.any():
            columns["coef_type"] = np.where(thresholds, "threshold", "coefficient")
        frame = pd.DataFrame(columns).astype({"term": object})
        if exponentiate:
            shown = [name for name in ("estimate", "conf_low", "conf_high") if name in frame]
            with np.errstate(over="ignore"):
                frame.loc[~thresholds, shown] = np.exp(frame.loc[~thresholds, shown])
        return frame

    def _uncertainty(self, alpha: float | None, method: str) -> dict[str, Array]:
        """Return errors, tests and intervals; NaN after an L1 penalty, which has none."""
        ends = {} if alpha is None else {"conf_low": 0, "conf_high": 1}
        if not self.has_wald:
            missing = np.full(self.record.base.size, np.nan)
            return dict.fromkeys(("std_error", "statistic", "p_value", *ends), missing)
        columns = {"std_error": self._bse, "statistic": self._tvalues}
        columns["p_value"] = two_sided(self._tvalues, self._df_test)
        if alpha is not None:
            interval = np.asarray(self.conf_int(alpha, method=method))
            columns |= {name: interval[:, side] for name, side in ends.items()}
        return columns

    @property
    def ratio_name(self) -> str | None:
        """What exp(coefficient) is called, such as "Odds ratios"; None without a name."""
        return None

    # -- the fit ---------------------------------------------------------------------------

    @takes_return_type
    def glance(self) -> pd.DataFrame:
        """Return what sums up the fit, in one row.

        Parameters
        ----------
        return_type : {"pandas", "polars"}
            What the answer is made of; polars has no index, and null for NaN.

        Returns
        -------
        DataFrame
            Generalised linear models: ``null_deviance, df_null, log_lik, aic, bic,
            deviance, df_residual, nobs``. `ols`: ``r_squared, adj_r_squared, sigma,
            statistic, p_value, df, log_lik, aic, bic, deviance, df_residual, nobs``. Models
            of several classes and of matched sets: ``edf, log_lik, aic, bic, deviance,
            df_residual, nobs``.

        Notes
        -----
        ``aic`` and ``bic`` are the attributes of these names: unlike R they do not count an
        estimated dispersion as a parameter.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> result.glance()[["null_deviance", "df_null", "aic", "nobs"]].round(3)
           null_deviance  df_null     aic  nobs
        0         28.267       22  24.315    23
        """
        return pd.DataFrame([{**self._glanced(), **self._measures()}])

    def _glanced(self) -> dict[str, Any]:
        return {"edf": self.record.rank}

    def _measures(self) -> dict[str, Any]:
        fit: Any = self
        return {
            "log_lik": fit.llf,
            "aic": fit.aic if self.has_wald else math.nan,
            "bic": fit.bic if self.has_wald else math.nan,
            "deviance": self.record.deviance,
            "df_residual": self.record.df_resid,
            "nobs": self.record.nobs,
        }

    # -- the rows --------------------------------------------------------------------------

    def augment(self, data: Any = None, *, prefix: str = "", return_type: str = "pandas") -> Any:
        """Return the data with what the fit says of each row.

        Parameters
        ----------
        data : DataFrame or dict, optional
            New rows; those of the fit by default, all of them, with NaN where a row was
            dropped.
        prefix : str
            Put before the names of the columns that are added; "." gives broom's names.
        return_type : {"pandas", "polars"}
            What the answer is made of; the columns of polars data stay as they are.

        Returns
        -------
        DataFrame
            The columns of the data, and then, for generalised linear models, ``fitted`` and
            ``se_fit`` (means), and on the rows of the fit ``resid`` (deviance residual),
            ``hat``, ``sigma`` (dispersion's root without the row), ``cooks_d`` and
            ``std_resid`` (NaN after a penalty and with absorbed factors). Models of counts with
            an alpha or zeros of their own: ``fitted``, ``se_fit``, and on the rows of the fit
            ``resid_pearson``. Models of several classes: ``fitted_class``, ``fitted_<level>``
            for each level, and on the rows of the fit ``hat`` and ``cooks_d``. Matched sets:
            ``fitted``, the predictor, of which differences within a set count.

        Raises
        ------
        ArgumentError
            If the data have columns of these names; ``prefix`` keeps them apart.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> result.augment({"TEMPERATURE": [31, 70]}).round(3)
           TEMPERATURE  fitted  se_fit
        0           31    1.00   0.002
        1           70    0.23   0.105
        """
        rows = self._own_rows() if data is None else _new_rows(data, self.model.data.names)
        added = self._augmented(data).add_prefix(prefix)
        clash = [name for name in added.columns if name in rows.columns]
        if clash:
            raise ArgumentError(
                f"The data have a column {clash[0]!r} already. Give prefix=, such as prefix='fit_'."
            )
        if check_return_type(return_type) == "polars":
            table = self.model.data.table if data is None else data
            native = table.native if isinstance(table, Table) else polars_frame(table)
            return (to_polars(rows) if native is None else native).hstack(to_polars(added))
        added.index = rows.index
        return pd.concat([rows, added], axis=1)

    def _augmented(self, data: Any) -> pd.DataFrame:
        raise NotImplementedError(f"{type(self).__name__} does not define _augmented()")

    def _own_rows(self) -> pd.DataFrame:
        """Return the data of the fit, all rows."""
        data = self.model._kept_data()
        if data.table is not None:
            frame = pd.DataFrame({name: data.table.column(name) for name in data.table.names})
            return frame
        index = pd.RangeIndex(data.kept.size) if data.index is None else data.index
        design = data.spread(data.design.toarray())
        frame = pd.DataFrame(design, index=index, columns=list(data.names))
        name = str(self.model.endog_names)
        if name in frame.columns:
            raise DataError(f"The response and a column of exog are both called {name!r}.")
        frame.insert(0, name, self._observed())
        return frame

    def _observed(self) -> Any:
        data = self.model.data
        return data.spread(data.response.y)


def alpha_of(conf_level: Any) -> float:
    """Return 1 - ``conf_level``, checked."""
    level = require_number(conf_level, "conf_level")
    if not 0.0 < level < 1.0:
        raise ArgumentError(f"conf_level lies between 0 and 1, such as 0.95 (got {conf_level!r}).")
    return 1.0 - level


def _new_rows(data: Any, names: tuple[str, ...]) -> pd.DataFrame:
    if isinstance(data, (list, np.ndarray)) and not getattr(data, "dtype", np.dtype(float)).names:
        return pd.DataFrame(np.atleast_2d(np.asarray(data)), columns=list(names))
    table = Table(data)
    return pd.DataFrame({name: table.column(name) for name in table.names}, index=table.index)


class ModelTables(TidyTables):
    """Tidy frames of a generalised linear model."""

    get_prediction: Any
    get_influence: Any
    get_resid: Any

    @property
    def ratio_name(self) -> str | None:
        """What exp(coefficient) is called, such as "Odds ratios"; None without a name."""
        return ratio_title(self.model.family)

    def _glanced(self) -> dict[str, Any]:
        fit: Any = self
        record = self.record
        if self.model.summary_style != "linear":
            return {
                "null_deviance": record.null_deviance,
                "df_null": record.nobs - int(record.has_constant),
            }
        return {
            "r_squared": fit.rsquared,
            "adj_r_squared": fit.rsquared_adj,
            "sigma": math.sqrt(record.scale),
            "statistic": fit.fvalue,
            "p_value": fit.f_pvalue,
            "df": record.df_model,
        }

    def _augmented(self, data: Any) -> pd.DataFrame:
        fit: Any = self
        given = () if data is None else (data,)
        if self.has_wald and self.record.effects is None:
            predicted = self.get_prediction(*given)
            columns = {"fitted": predicted.predicted_mean, "se_fit": predicted.se_mean}
        else:
            columns = {"fitted": np.asarray(fit.predict(*given))}
            columns["se_fit"] = np.full(columns["fitted"].shape, np.nan)
        if data is None:
            columns |= self._row_measures()
        return pd.DataFrame({name: np.asarray(part) for name, part in columns.items()})

    def _row_measures(self) -> dict[str, Any]:
        """Return residuals and influence of the rows, NaN where the latter is not defined."""
        resid = self.get_resid("deviance")
        if self.record.shrunk or self.record.effects is not None:
            missing = np.full(np.asarray(resid).shape, np.nan)
            return {"resid": resid, **dict.fromkeys(INFLUENCE, missing)}
        influence = self.get_influence()
        return {
            "resid": resid,
            "hat": influence.hat_matrix_diag,
            "sigma": self.model.data.spread(influence._sigma),
            "cooks_d": influence.cooks_distance[0],
            "std_resid": self.get_resid("deviance", standardized=True),
        }


class ClassTables(TidyTables):
    """Tidy frames of a model of several classes."""

    predict: Any
    get_influence: Any

    def _augmented(self, data: Any) -> pd.DataFrame:
        given = () if data is None else (data,)
        columns = {"fitted_class": np.asarray(self.predict(*given, which="class"))}
        shares = self.predict(*given)
        columns |= {f"fitted_{level}": shares[level].to_numpy() for level in shares.columns}
        if data is not None:
            return pd.DataFrame(columns)
        if self.record.separation is not None or self.record.shrunk:  # no row has an influence
            missing = np.full(len(shares), np.nan)
            return pd.DataFrame({**columns, "hat": missing, "cooks_d": missing})
        influence = self.get_influence()
        columns["hat"] = np.asarray(influence.hat_matrix_diag)
        columns["cooks_d"] = np.asarray(influence.cooks_distance[0])
        return pd.DataFrame(columns)

    def _observed(self) -> Any:
        """Return the class of each row; NaN where a row was dropped or holds several."""
        data = self.model.data
        y = data.response.y
        out = np.full(data.kept.size, np.nan, dtype=object)
        classes = np.array([str(level) for level in self.model.levels], dtype=object)
        one = y.max(axis=1) == 1.0
        out[np.flatnonzero(data.kept)[one]] = classes[y[one].argmax(axis=1)]
        return out


class ConditionalTables(TidyTables):
    """Tidy frames of a model of matched sets."""

    predict: Any

    @property
    def ratio_name(self) -> str | None:
        """What exp(coefficient) is called."""
        return "Odds ratios"

    def _augmented(self, data: Any) -> pd.DataFrame:
        given = () if data is None else (data,)
        return pd.DataFrame({"fitted": np.asarray(self.predict(*given, which="linear"))})
