"""Steps and informations sharpened by a sample, so that streamed rows are read less often.

A pass over streamed rows costs more than all that can be made of a sample in memory. At a
point whose score u and information I are those of all rows, the sample tells how both go on
from there: its own score and information at the next point, less those at this one, times
the number of rows that each of its rows stands for. The step solves

    u - I d + s (g(theta + d) - g(theta) + J(theta) d) = 0

for the score g and information J of the sample and its share s. What Newton's method
neglects, the third and higher derivatives, is left with the error of the sample alone, about
one per cent of it; and the information at the end of the step is known with the error of the
sample in its change.

References
----------
Jordan, M. I., Lee, J. D. and Yang, Y. (2019). Communication-efficient distributed
statistical inference. *JASA* 114, 668-681, equation 7 (with the information of all rows).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.linalg import Triangular, cholesky
from glmfit.engine.passes import Pass, SuffStats

__all__ = ["Sharpened", "Surrogate", "surrogate_of"]

Array = NDArray[np.float64]

ROUNDS = 4
"""Passes over the sample for a step."""

FEWEST_ROWS = 8192
"""Rows of a sample below which it says too little."""

ROWS_PER_PARAMETER = 40

ENOUGH = 1e-3
"""Share of a correction that the next one may still have."""


@dataclass(frozen=True, slots=True)
class Sharpened:
    """What the sample says of the end of a step.

    Attributes
    ----------
    step : ndarray of shape (P,)
    correction : float
        Length of what it adds to Newton's step, in the metric of the information.
    factor : Triangular
        Of the information at the end of the step.
    pearson : float
        Pearson's chi-square there.
    error : float
        Share by which ``factor`` may be wrong: the change of the information along the
        step, times the share by which the sample's information differs from that of all.
        Pearson's chi-square is as good but for a small factor.
    """

    step: Array
    correction: float
    factor: Triangular
    pearson: float
    error: float


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A sample that stands for all rows in small changes.

    Attributes
    ----------
    sample : Pass
    share : float
        Weight of all rows, as a multiple of the sample's.
    """

    sample: Pass
    share: float

    def sharpen(
        self, theta: Array, stats: SuffStats, factor: Triangular, step: Array, *, observed: bool
    ) -> Sharpened | None:
        """Return the step from ``theta`` and what is at its end; None if the sample has no say.

        Parameters
        ----------
        theta : ndarray of shape (P,)
        stats : SuffStats
            Of all rows at ``theta``.
        factor : Triangular
            Of the information there.
        step : ndarray of shape (P,)
            Newton's.
        observed : bool
            Whether the information is the observed one.
        """
        here = self.sample(theta, observed=observed)
        if not here.finite:
            return None
        found, last = step, np.inf
        for _ in range(ROUNDS):
            there = self.sample.slope(theta + found)
            if not np.isfinite(there.score).all():
                return None
            neglected = there.score - here.score + here.information @ found
            following = factor.solve(stats.score + self.share * neglected)
            change = factor.norm(following - found)
            if change > 0.5 * last:
                break
            found, last = following, change
            if change <= ENOUGH * factor.norm(found - step):
                break
        if last > 0.5 * factor.norm(step):
            return None  # too far for the corrections to become small
        return self._ended(theta, stats, factor, (step, found), here, observed)

    def _ended(
        self,
        theta: Array,
        stats: SuffStats,
        factor: Triangular,
        steps: tuple[Array, Array],
        here: SuffStats,
        observed: bool,
    ) -> Sharpened | None:
        newton, found = steps
        there = self.sample(theta + found, observed=observed)
        if not there.finite:
            return None
        change = self.share * (there.information - here.information)
        after = cholesky(stats.information + change)
        if after is None:
            return None
        root = factor.whitening()
        lack = self.share * here.information - stats.information
        return Sharpened(
            step=found,
            correction=factor.norm(found - newton),
            factor=after,
            pearson=stats.pearson + self.share * (there.pearson - here.pearson),
            error=_size(root.T @ change @ root) * _size(root.T @ lack @ root),
        )


def surrogate_of(run: object) -> Surrogate | None:
    """Return what stands for all rows of a pass in small changes, or None.

    None where the rows are in memory, so that nothing is gained, or the sample is small.
    """
    if not isinstance(run, Pass) or not run.rows.costly:
        return None
    sample = run.thinned(1)
    weight = sample.rows.total_weight
    parameters = run.predictor.n_parameters
    if sample.rows.n < max(FEWEST_ROWS, ROWS_PER_PARAMETER * parameters) or not weight > 0.0:
        return None
    return Surrogate(sample, run.rows.total_weight / weight)


def _size(matrix: Array) -> float:
    """Return the largest eigenvalue of a symmetric matrix, in absolute value."""
    return float(np.abs(np.linalg.eigvalsh(matrix)).max(initial=0.0))
