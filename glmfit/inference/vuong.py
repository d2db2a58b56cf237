"""Vuong's test of which of two models is nearer to the truth.

References
----------
Vuong, Q. H. (1989). Likelihood ratio tests for model selection and non-nested hypotheses.
*Econometrica* 57, 307-333.
Wilson, P. (2015). The misuse of the Vuong test for non-nested models to test for
zero-inflation. *Economics Letters* 127, 51-53.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["VuongTest", "vuong_test"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VuongTest:
    """Normal statistics that are positive where the first model is nearer to the truth.

    Attributes
    ----------
    raw : float
        Of the difference of the log-likelihoods, eq. (4.2) and (5.7) of Vuong (1989).
    aic, bic : float
        After the penalty of Akaike's or of Bayes' criterion for the parameters.
    """

    raw: float
    aic: float
    bic: float


def vuong_test(first: Array, second: Array, weight: Array, more: float) -> VuongTest:
    """Compare the log-probabilities that two models give to each row.

    Parameters
    ----------
    first, second : ndarray of shape (n,)
        Log-probabilities.
    weight : ndarray of shape (n,)
        How often each row was seen.
    more : float
        By how many parameters the first model is larger.

    Returns
    -------
    VuongTest
        NaN where the two agree in every row but for rounding.
    """
    n = float(weight.sum())
    difference = first - second
    total = float(weight @ difference)
    away = difference - total / n
    spread = math.sqrt(float(weight @ (away * away)) / (n - 1.0)) if n > 1.0 else math.nan
    size = float(np.abs(first).max(initial=0.0))
    if not spread > 1e-9 * size:
        return VuongTest(math.nan, math.nan, math.nan)
    scale = spread * math.sqrt(n)
    return VuongTest(
        total / scale, (total - more) / scale, (total - 0.5 * more * math.log(n)) / scale
    )
