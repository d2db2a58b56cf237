"""What results of models with several classes share: tables with a column for each level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.results.base import LikelihoodResults
from glmfit.results.metrics import PredictionMetrics

__all__ = ["ClassResults"]

Array = NDArray[np.float64]


class ClassResults(PredictionMetrics, LikelihoodResults):
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
