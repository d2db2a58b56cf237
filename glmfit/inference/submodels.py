"""Submodels of a fit: some of its terms left out, fitted on the model's own pass.

A submodel holds the coefficients of the terms that it has; all else is 0. Where a column
of the model was left out because columns before it determine it, and those belong to a
term that a submodel leaves out, the column comes back in it: its space then has the
combination of coefficients that stands for that column. So degrees of freedom are those
of a fit from the submodel's own formula.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.irls import Solution
from glmfit.engine.restricted import null_space
from glmfit.engine.separation import null_space as annihilated
from glmfit.errors import NotAvailableError
from glmfit.inference.hypothesis import Maximum, wald_statistic

__all__ = ["Comparison", "Returning", "Submodels"]

Array = NDArray[np.float64]
Positions = NDArray[np.intp]
Terms = frozenset[str]


@dataclass(frozen=True, slots=True)
class Returning:
    """A coefficient that comes back where what determines its column is left out.

    Attributes
    ----------
    term : str
        The term that it belongs to.
    sources : frozenset of str
        The terms that the columns which determine it belong to.
    direction : ndarray of shape (q,)
        The coefficients that stand for it.
    """

    term: str
    sources: Terms
    direction: Array


@dataclass(frozen=True, slots=True)
class Comparison:
    """A submodel against a larger one.

    Attributes
    ----------
    df : int
        Coefficients that the larger one has beyond it.
    lost : float
        Its deviance less that of the larger one, not scaled.
    """

    df: int
    lost: float


@dataclass(slots=True)
class Submodels:
    """The submodels of a fit, each fitted once.

    Attributes
    ----------
    maximum : Maximum
        Over q coefficients.
    terms : dict of str to ndarray of int
        Places of the coefficients of each term among the q.
    returning : tuple of Returning
    absorbed : int
        Free effects of absorbed factors, which every submodel has too.
    """

    maximum: Maximum
    terms: dict[str, Positions]
    returning: tuple[Returning, ...] = ()
    absorbed: int = 0
    _fits: dict[Terms, Solution] = field(default_factory=dict)

    @property
    def everything(self) -> Terms:
        """All terms."""
        return frozenset(self.terms)

    def restrictions(self, present: Terms) -> Array:
        """Return the rows that are 0 in the submodel with some of the terms, shape (r, q)."""
        size = self.maximum.theta.size
        absent = [where for term, where in self.terms.items() if term not in present]
        gone = np.concatenate([*absent, np.zeros(0, dtype=np.intp)]).astype(np.intp)
        back = [one for one in self.returning if one.term in present and not one.sources <= present]
        if not back:
            return np.eye(size)[gone]
        stays = np.delete(np.eye(size), gone, axis=0)
        space = np.vstack([stays, *(one.direction for one in back)])
        return np.ascontiguousarray(annihilated(space).T)

    def rank(self, present: Terms) -> int:
        """Return the number of independent coefficients of a submodel, absorbed effects in it."""
        return int(self.absorbed + self.maximum.theta.size - self.restrictions(present).shape[0])

    def fit(self, present: Iterable[str]) -> Solution:
        """Return the maximum of the submodel with some of the terms.

        Raises
        ------
        NotAvailableError
            If it was not reached.
        """
        key = frozenset(present)
        if key not in self._fits:
            matrix = self.restrictions(key)
            solution = self.maximum.restricted(matrix, np.zeros(matrix.shape[0]))
            if not solution.converged:
                raise NotAvailableError(
                    f"The model without {', '.join(sorted(self.everything - key))} did not reach "
                    f"a maximum: {solution.reason}."
                )
            self._fits[key] = solution
        return self._fits[key]

    def deviance(self, present: Terms) -> float:
        """Return the deviance of a submodel."""
        if not self.restrictions(present).size:
            return self.maximum.deviance
        return self.fit(present).deviance

    def compare(self, small: Terms, large: Terms) -> Comparison:
        """Return what a submodel loses against a larger one."""
        df = self.rank(large) - self.rank(small)
        lost = self.deviance(small) - self.deviance(large)
        return Comparison(df, max(lost, 0.0))

    def score(self, small: Terms, large: Terms) -> float:
        """Return the score statistic of a submodel within a larger one."""
        if self.rank(small) == self.rank(large):
            return 0.0
        matrix = self.restrictions(large)
        basis = null_space(matrix) if matrix.size else None
        return self.maximum.score(self.fit(small), basis)

    def wald(self, small: Terms, large: Terms, theta: Array, covariance: Array) -> float:
        """Return Wald's statistic of a submodel within a larger one.

        That of all that the submodel lacks less that of what the larger one lacks, which
        is the statistic of the difference in the larger one, were it fitted by weighted
        least squares to the estimates.
        """
        return self._lacking(small, theta, covariance) - self._lacking(large, theta, covariance)

    def _lacking(self, present: Terms, theta: Array, covariance: Array) -> float:
        matrix = self.restrictions(present)
        if not matrix.size:
            return 0.0
        used = matrix.any(axis=0)
        if not np.isfinite(theta[used]).all():
            return math.nan
        spread = matrix[:, used] @ covariance[np.ix_(used, used)] @ matrix[:, used].T
        return wald_statistic(matrix[:, used] @ theta[used], spread)[0]
