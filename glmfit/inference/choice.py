"""Probabilities of alternatives within cases, and how they respond to a variable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChoiceSets", "case_table", "elasticities", "leading", "probabilities"]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ChoiceSets:
    """What there was to choose from, and what was chosen, in cases of their weight.

    Attributes
    ----------
    alternatives : tuple
        The K alternatives.
    available, chosen : ndarray of shape (K,)
    """

    alternatives: tuple[object, ...]
    available: Array
    chosen: Array

    @property
    def shares(self) -> Array:
        """Share of each alternative among the choices."""
        shares: Array = self.chosen / self.chosen.sum()
        return shares


def probabilities(eta: Array, cases: Codes) -> Array:
    """Return exp(eta) as a share of its case's sum; NaN for rows without a case.

    Parameters
    ----------
    eta : ndarray of shape (n,)
        Predictors; -inf for what is out of reach.
    cases : ndarray of int, shape (n,)
        Case of each row, -1 for none.
    """
    known = cases >= 0
    count = int(cases.max(initial=-1)) + 1
    top = np.full(count, -np.inf)
    np.maximum.at(top, cases[known], eta[known])
    odds = np.exp(eta[known] - top[cases[known]])
    total = np.bincount(cases[known], weights=odds, minlength=count)
    out = np.full(eta.size, np.nan)
    out[known] = odds / total[cases[known]]
    return out


def leading(eta: Array, drift: Array, cases: Codes, tolerance: float) -> Array:
    """Return eta with -inf for rows that a direction leaves behind others of their case."""
    known = cases >= 0
    top = np.full(int(cases.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(top, cases[known], drift[known])
    behind = np.zeros(eta.size, dtype=bool)
    behind[known] = drift[known] < top[cases[known]] - tolerance
    return np.where(behind, -np.inf, eta)


def case_table(values: Array, cases: Codes, codes: Codes, size: int) -> Array:
    """Return row values as a table of cases and alternatives, NaN where there is no row.

    Parameters
    ----------
    values : ndarray of shape (n,)
    cases, codes : ndarray of int, shape (n,)
        Case of each row (-1 for none) and its alternative.
    size : int
        Number K of alternatives.

    Returns
    -------
    ndarray of shape (n_cases, K)
    """
    known = cases >= 0
    table = np.full((int(cases.max(initial=-1)) + 1, size), np.nan)
    table[cases[known], codes[known]] = values[known]
    return table


def elasticities(effect: Array, probability: Array, weight: Array) -> Array:
    """Return mean elasticities of probabilities.

    In a case, the elasticity of P(k) by the variable of the alternative j is
    b x_j (1{j = k} - P(j)) (Train 2009, eq. 3.9 and 3.10).

    Parameters
    ----------
    effect : ndarray of shape (n_cases, K)
        b x_j, the variable times its coefficient; NaN for alternatives not available.
    probability : ndarray of shape (n_cases, K)
        NaN likewise.
    weight : ndarray of shape (n_cases, K)
        Weight of the case in the mean of the probability k.

    Returns
    -------
    ndarray of shape (K, K)
        Line j: what changes. Column k: what responds. NaN where no case has both.

    References
    ----------
    Train, K. E. (2009). *Discrete Choice Methods with Simulation*, 2nd ed., sec. 3.6.
    """
    present = ~np.isnan(probability)
    pull = np.where(present, effect * probability, 0.0)
    weighed = np.where(present, weight, 0.0)
    total = present.T.astype(float) @ weighed
    own = np.where(present, effect * weighed, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((np.diag(own) - pull.T @ weighed) / total)
