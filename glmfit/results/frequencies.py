"""How often counts were seen, and how often a fit expects them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError

__all__ = ["CountFrequencies"]

Array = NDArray[np.float64]

LARGEST = 100
"""Count up to which frequencies are compared where nobody says how far."""


class CountFrequencies:
    """Frequencies of counts, seen and expected."""

    model: Any
    predict: Any

    def count_frequencies(self, largest: int | None = None) -> pd.DataFrame:
        """Compare how often counts were seen with how often the fit expects them.

        Parameters
        ----------
        largest : int, optional
            The largest count to look at; by default the largest that was seen, but no more
            than 100.

        Returns
        -------
        DataFrame
            ``count, observed, expected``, and the ends of the bars of a hanging rootogram:
            ``top`` is the root of the expected frequency, ``bottom`` lies lower by that of
            the observed one. Rows count by their weights.

        References
        ----------
        Kleiber, C. and Zeileis, A. (2016). Visualizing count data regressions using
        rootograms. *The American Statistician* 70, 296-303.

        Examples
        --------
        >>> import glmfit as gf
        >>> quine = gf.datasets.load("quine")
        >>> result = gf.negativebinomial("days ~ eth + sex + age + lrn", quine).fit()
        >>> result.count_frequencies(2).round(2)
           count  observed  expected   top  bottom
        0      0       9.0      6.21  2.49   -0.51
        1      1       4.0      7.15  2.67    0.67
        2      2       6.0      7.35  2.71    0.26
        """
        data = self.model._kept_data()
        y = data.response.y
        weight = np.ones(y.size) if data.weight is None else data.weight
        if largest is None:
            largest = min(int(y[weight > 0.0].max()), LARGEST)
        if not (float(largest).is_integer() and largest >= 0):
            raise ArgumentError(f"largest is a count (got {largest!r}).")
        counts = np.arange(int(largest) + 1)
        kept = data.kept
        expected = np.array([weight @ self._probability(int(k))[kept] for k in counts])
        observed = np.array([weight @ (y == k) for k in counts])
        top = np.sqrt(expected)
        return pd.DataFrame(
            {
                "count": counts,
                "observed": observed,
                "expected": expected,
                "top": top,
                "bottom": top - np.sqrt(observed),
            }
        )

    def _probability(self, k: int) -> Array:
        """Return P(Y = k) of every row of the data, shape (n,)."""
        return np.asarray(self.predict(which="prob", y_values=[k]), dtype=float)[:, 0]
