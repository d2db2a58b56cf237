"""Fits under linear restrictions: theta = origin + basis gamma.

Likelihood-ratio and score tests, profiles and submodels all maximise the same likelihood
over an affine part of its parameters. `Restricted` stands between the solver and any
pass, so that none of them needs a likelihood or a design of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.irls import Canonical, Scorable, Solution, fit_irls
from glmfit.engine.linalg import Triangular, merge_triangular
from glmfit.engine.passes import STEP, Slope, SuffStats

__all__ = ["Restricted", "fit_restricted", "null_space"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Restricted:
    """A pass seen as a function of gamma; every method means what it means for the pass.

    Attributes
    ----------
    run : Scorable
        The pass over all P coefficients.
    origin : ndarray of shape (P,)
        Coefficients that obey the restrictions.
    basis : ndarray of shape (P, q)
        Directions in which they may move.
    """

    run: Scorable
    origin: Array
    basis: Array

    @property
    def likelihood(self) -> Canonical:
        """The likelihood of the pass."""
        return self.run.likelihood

    def theta(self, gamma: Array) -> Array:
        """Return the coefficients at ``gamma``."""
        return np.asarray(self.origin + self.basis @ gamma)

    def __call__(self, gamma: Array, *, observed: bool = False) -> SuffStats:
        """Return deviance, score (q,) and information (q, q)."""
        return self._contracted(self.run(self.theta(gamma), observed=observed), self.basis)

    @property
    def many(self) -> bool:
        """Whether the information of the pass costs more than all else."""
        return self.run.many

    def slope(self, gamma: Array) -> Slope:
        """Return deviance and score (q,) alone."""
        slope = self.run.slope(self.theta(gamma))
        return Slope(slope.deviance, self.basis.T @ slope.score)

    def deviance(self, gamma: Array) -> float:
        """Return the deviance alone."""
        return self.run.deviance(self.theta(gamma))

    def triangle(self, gamma: Array, length: Array) -> Triangular | None:
        """Return the triangle of the weighted columns, divided by ``length`` (q,)."""
        whole = self._whole_triangle(gamma)
        if whole is None:
            return None
        columns = whole.upper @ (self.basis * whole.length[:, None]) / length
        return Triangular(merge_triangular(None, columns), length)

    def rotated(self, gamma: Array, triangle: Triangular, *, observed: bool = True) -> SuffStats:
        """Return score and information in the orthonormal columns of ``triangle``."""
        whole = self._whole_triangle(gamma)
        if whole is None:
            size = triangle.length.size
            return SuffStats(np.inf, np.zeros(size), np.zeros((size, size)))
        inside = self.basis @ triangle.whitening()
        change = whole.upper @ (inside * whole.length[:, None])
        stats = self.run.rotated(self.theta(gamma), whole, observed=observed)
        return self._contracted(stats, change)

    def largest_moves(self, *gammas: Array) -> tuple[float, ...]:
        """Return the largest predictor of any row along each gamma, origin left out."""
        return self.run.largest_moves(*(self.basis @ gamma for gamma in gammas))

    def dispersion_guess(self, deviance: float) -> float:
        """Return the dispersion if it is known, else a first idea of it."""
        return self.run.dispersion_guess(deviance)

    def information_slopes(self, gamma: Array, columns: Array) -> Array:
        """Return c' (dI / dgamma_j) c by central differences of whole passes."""
        out = np.zeros(gamma.size)
        for j, column in enumerate(columns.T):
            step = np.zeros(gamma.size)
            step[j] = STEP * max(1.0, abs(float(gamma[j])))
            change = self(gamma + step).information - self(gamma - step).information
            out[j] = column @ change @ column / (2.0 * step[j])
        return out

    def derivative_rows(self) -> Iterator[Array]:
        """Yield how the predictors of rows move with gamma."""
        for rows in self.run.derivative_rows():
            yield rows @ self.basis

    def _whole_triangle(self, gamma: Array) -> Triangular | None:
        theta = self.theta(gamma)
        with np.errstate(invalid="ignore"):
            length = np.sqrt(np.diag(self.run(theta).information))
        return self.run.triangle(theta, length) if (length > 0.0).all() else None

    @staticmethod
    def _contracted(stats: SuffStats, change: Array) -> SuffStats:
        information = change.T @ stats.information @ change
        return SuffStats(stats.deviance, change.T @ stats.score, information)


def null_space(matrix: Array) -> Array:
    """Return an orthonormal basis of the x with matrix x = 0, shape (P, q).

    Parameters
    ----------
    matrix : ndarray of shape (r, P)
        Rows of any length, independent.
    """
    complete = np.linalg.qr(matrix.T, mode="complete")[0]
    return np.asarray(complete[:, matrix.shape[0] :])


def fit_restricted(
    run: Scorable,
    matrix: Array,
    value: Array,
    start: Array,
    control: Control,
    *,
    observed: bool = False,
    supremum: bool = False,
) -> Solution:
    """Maximise the likelihood under matrix theta = value.

    Parameters
    ----------
    run : Scorable
    matrix : ndarray of shape (r, P)
        Independent restrictions; in the units of the coefficients.
    value : ndarray of shape (r,)
    start : ndarray of shape (P,)
        Coefficients to start near, with finite deviance: the maximum without
        restrictions, usually.
    control : Control
    observed : bool
        Take the covariance from the observed information.
    supremum : bool
        Take a supremum for a maximum (see `fit_irls`).

    Returns
    -------
    Solution
        With ``theta``, ``score`` (P,) and ``covariance`` (P, P; singular) of all
        coefficients. The score is that of the unrestricted likelihood, so that
        score' I^-1 score tests the restrictions.
    """
    # restrictions in standard errors: units of the columns must not matter
    information = run(start).information
    length = np.sqrt(np.diag(information))
    length = np.where(length > 0.0, length, 1.0)
    scaled = matrix / length
    back, *_ = np.linalg.lstsq(scaled, value - matrix @ start, rcond=None)
    origin = start + back / length
    basis = null_space(scaled) / length[:, None]
    inner = Restricted(run, origin, basis)
    if basis.shape[1] == 0:
        return _nothing_left(run, origin)
    gamma = _inside(inner, start - origin, information, length)
    found = fit_irls(inner, gamma, control, observed=observed, supremum=supremum)
    theta = inner.theta(found.theta)
    return replace(
        found,
        theta=theta,
        score=run(theta).score,
        covariance=basis @ found.covariance @ basis.T,
    )


def _inside(inner: Restricted, move: Array, information: Array, length: Array) -> Array:
    """Return a gamma to start at: 0, or one near the start, whichever has the least deviance.

    From a maximum, the nearest in the metric of the information is where the restricted
    maximum would be if the likelihood were quadratic.
    """
    basis = inner.basis
    candidates = [np.zeros(basis.shape[1]), (basis * length[:, None] ** 2).T @ move]
    weighted = basis.T @ information
    if np.isfinite(weighted).all():
        quadratic, *_ = np.linalg.lstsq(weighted @ basis, weighted @ move, rcond=None)
        candidates.insert(0, np.asarray(quadratic, dtype=np.float64))
    deviance = [inner.deviance(gamma) for gamma in candidates]
    return candidates[int(np.argmin(np.nan_to_num(deviance, nan=np.inf)))]


def _nothing_left(run: Scorable, theta: Array) -> Solution:
    stats = run(theta)
    reason = "the restrictions leave nothing to estimate"
    nothing = np.zeros((theta.size, theta.size))
    return Solution(theta, stats.deviance, stats.score, nothing, 1.0, True, reason, ())
