"""Where Wald tests mislead: the statistic that falls although the estimate grows.

The standard error of a coefficient depends on the coefficient. As that moves away from 0
the error may grow faster than the coefficient does, and the Wald statistic b / se then
falls back towards 0 however strong the effect is. It does where its derivative by b, the
other coefficients held, is negative:

    d(b_j / se_j) / db_j = (1 + b_j [C (dI / db_j) C]_jj / (2 C_jj)) / se_j,

with the expected information I and its inverse C.

References
----------
Hauck, W. W. and Donner, A. (1977). Wald's test as applied to hypotheses in logit analysis.
*JASA* 72, 851-853.
Yee, T. W. (2022). On the Hauck-Donner effect in Wald tests: detection, tipping points, and
parameter space characterization. *JASA* 117, 1763-1774, eq. 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.irls import Scorable

__all__ = ["wald_derivatives"]

Array = NDArray[np.float64]


def wald_derivatives(run: Scorable, theta: Array, dispersion: float) -> Array:
    """Return the derivative of each Wald statistic by its coefficient, shape (q,).

    Parameters
    ----------
    run : Scorable
    theta : ndarray of shape (q,)
        The maximum.
    dispersion : float
        Held where it is.
    """
    covariance: Array = np.asarray(np.linalg.pinv(run(theta).information, hermitian=True), float)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.diag(covariance)
        slopes = run.information_slopes(theta, covariance)
        change = 1.0 + theta * slopes / (2.0 * variance)
        return np.asarray(change / np.sqrt(variance * dispersion))
