"""The elastic net as a record: what it costs, its slope where it has one, and the rest.

A fit minimises deviance / 2 + penalty, which is n times

    -loglik / n + alpha * sum_j f_j (L1_wt |s_j b_j| + (1 - L1_wt) / 2 (s_j b_j)^2)

but for a constant of the data, the dispersion being taken as 1. The quadratic part is
differentiable and joins the score; the other part is left to soft thresholds.

References
----------
Zou, H. and Hastie, T. (2005). Regularization and variable selection via the elastic
net. *JRSS B* 67, 301-320.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Penalty"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Penalty:
    """An elastic net on coefficients theta of shape (p,).

    Attributes
    ----------
    alpha : float
        Weight of the penalty against the mean log-likelihood.
    L1_wt : float
        Share of the absolute values; the rest is of the squares.
    factors : ndarray of shape (p,)
        Multiplies alpha for each coefficient; 0 leaves it free.
    lengths : ndarray of shape (p,)
        s, the unit in which each coefficient is penalised: the standard deviation of its
        column for a penalty on standardised columns, else 1.
    total : float
        n, the sum of the prior weights of the rows.
    """

    alpha: float
    L1_wt: float
    factors: Array
    lengths: Array
    total: float

    @property
    def absolute(self) -> Array:
        """Cost of a unit of each |theta_j|, shape (p,)."""
        share: Array = self.total * self.alpha * self.L1_wt * self.factors * self.lengths
        return share

    @property
    def curvature(self) -> Array:
        """Second derivative of the differentiable part, shape (p,)."""
        share: Array = self.total * self.alpha * (1.0 - self.L1_wt) * self.factors * self.lengths**2
        return share

    @property
    def free(self) -> NDArray[np.bool_]:
        """Which coefficients no penalty reaches, whatever alpha is."""
        return np.asarray(self.factors * self.lengths == 0.0)

    def value(self, theta: Array) -> float:
        """Return n times the penalty at ``theta``."""
        squares = 0.5 * np.dot(self.curvature, theta * theta)
        return float(np.dot(self.absolute, np.abs(theta)) + squares)

    def at(self, alpha: float) -> Penalty:
        """Return the same penalty with another weight."""
        return replace(self, alpha=alpha)

    def only(self, chosen: NDArray[np.bool_]) -> Penalty:
        """Return the penalty of some of the coefficients."""
        return replace(self, factors=self.factors[chosen], lengths=self.lengths[chosen])

    def excess(self, theta: Array, score: Array) -> Array:
        """Return by how much each coefficient breaks the conditions of a minimum, (p,).

        Parameters
        ----------
        theta : ndarray of shape (p,)
        score : ndarray of shape (p,)
            Derivative of -deviance / 2 there.
        """
        slope, cost = score - self.curvature * theta, self.absolute
        at_zero = np.maximum(np.abs(slope) - cost, 0.0)
        return np.where(theta == 0.0, at_zero, np.abs(slope - cost * np.sign(theta)))
