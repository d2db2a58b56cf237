"""What results of models with several classes share: tables with a column for each level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.inference.prediction import ClassPrediction
from glmfit.results.base import LikelihoodResults
from glmfit.results.estimates import prediction_errors
from glmfit.results.goodness import ClassGoodness
from glmfit.results.influence import InfluenceMethods
from glmfit.results.metrics import PredictionMetrics
from glmfit.results.residuals import ClassResiduals
from glmfit.results.tables import ClassTables

__all__ = ["ClassResults"]

Array = NDArray[np.float64]


class ClassResults(
    ClassTables,
    ClassResiduals,
    InfluenceMethods,
    ClassGoodness,
    PredictionMetrics,
    LikelihoodResults,
):
    """A fitted model of several classes; see `LikelihoodResults` for the parameters."""

    def _table(
        self, values: Array, kept: NDArray[np.bool_], index: Any, columns: Any = None
    ) -> pd.DataFrame:
        out = np.full((kept.size, values.shape[1]), np.nan)
        out[kept] = values
        names = self.model.levels if columns is None else columns
        return pd.DataFrame(out, index=index, columns=[str(name) for name in names])

    def _most_probable(self, values: Array, kept: NDArray[np.bool_], index: Any) -> pd.Series:
        """Return the level with the largest probability of each row."""
        known = ~np.isnan(values).any(axis=1)
        chosen = np.array(self.model.levels, dtype=object)[values[known].argmax(axis=1)]
        labels = pd.RangeIndex(kept.size) if index is None else index
        out = pd.Series(np.nan, index=labels, dtype=object)
        out.iloc[np.flatnonzero(kept)[known]] = chosen
        return out

    def get_prediction(
        self,
        exog: Any = None,
        transform: bool = True,
        *,
        offset: Any = None,
        new_levels: str = "raise",
    ) -> ClassPrediction:
        """Predict probabilities with standard errors and intervals.

        Parameters
        ----------
        exog, transform, offset, new_levels
            As in `predict`.

        Returns
        -------
        ClassPrediction
            With ``predicted_mean``, ``se_mean``, ``conf_int()`` and ``summary_frame()``.
            Intervals are made on the logit scale of each probability.

        Examples
        --------
        >>> import glmfit as gf
        >>> housing = gf.datasets.load("housing")
        >>> result = gf.mnlogit("sat ~ infl + cont", housing, freq_weights="freq").fit()
        >>> result.get_prediction({"infl": ["Low"], "cont": ["High"]}).summary_frame().round(3)
                   mean  mean_se  mean_ci_lower  mean_ci_upper
          level
        0 Low     0.419    0.022          0.376          0.462
          Medium  0.284    0.020          0.246          0.325
          High    0.297    0.020          0.259          0.338
        """
        options: dict[str, Any] = {"offset": offset, "new_levels": new_levels}
        table: pd.DataFrame = self.predict(exog, transform, **options)
        new = self.model.new_rows(exog, transform, offset, None, new_levels)
        errors = prediction_errors(self.model, self.record, new, self._covariance)
        return ClassPrediction(
            levels=tuple(map(str, self.model.levels)),
            probability=table.to_numpy(),
            error=new.spread_rows(errors),
            df=self._df_test,
            index=table.index if new.labelled else None,
            extrapolation=self.model.extrapolations(exog, transform),
        )

    @property
    def fittedvalues(self) -> pd.DataFrame:
        """Fitted probabilities, a column for each level, shape (n, K)."""
        data = self.model.data
        values = self.model.fitted_probabilities(self.record)
        return self._table(values, data.kept, data.index)

    @property
    def resid_response(self) -> pd.DataFrame:
        """Observed less fitted shares of each level, shape (n, K)."""
        data = self.model.data
        rows = data.response.y - self.model.fitted_probabilities(self.record)
        return self._table(rows, data.kept, data.index)

    def pred_table(self) -> Array:
        """Return counts of observed (rows) and predicted (columns) levels, shape (K, K)."""
        return self.confusion_matrix().table

    def predict(self, *arguments: Any, **options: Any) -> Any:
        """Predict rows."""
        raise NotImplementedError(f"{type(self).__name__} does not define predict()")

    def _class_probabilities(self, data: Any, **options: Any) -> Array:
        probability: Array = self.predict(data, **options).to_numpy()
        return probability
