"""Predictions as functions of rows and coefficients, with their derivatives by both.

With eta the M predictors of a row, X its columns and K the number of means (1, or one for
each class), what is wanted of a row is a function of eta at one or several X. Its
derivative by the coefficients is a sum of such X, each times a weight for every mean and
predictor: a `RowEffect` holds the values and these weights, and sums or errors follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.separation import MOVED

__all__ = ["Expectation", "LinkScale", "Points", "RowEffect", "Surface", "Tangent"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BREAKS = 1e-7
"""Share of its own size by which a combination that was 0 in the fit may differ from 0."""


class Expectation(Protocol):
    """What a likelihood knows of its means: shapes (n, K), (n, K, M) and (n, K, M)."""

    def means(self, eta: Array) -> Array: ...
    def limit_means(self, eta: Array, drift: Array) -> Array: ...
    def mean_slopes(self, eta: Array) -> Array: ...
    def mean_curvature(self, eta: Array, move: Array) -> Array: ...


@dataclass(frozen=True, slots=True)
class LinkScale:
    """The predictors themselves in place of means."""

    count: int

    def means(self, eta: Array) -> Array:
        """Return eta."""
        return eta

    def limit_means(self, eta: Array, drift: Array) -> Array:
        """Return eta, infinite where it drifts."""
        return np.where(np.abs(drift) > MOVED, np.copysign(np.inf, drift), eta)

    def mean_slopes(self, eta: Array) -> Array:
        """Return the unit matrix of each row, shape (n, M, M)."""
        return np.broadcast_to(np.eye(self.count), (eta.shape[0], self.count, self.count))

    def mean_curvature(self, eta: Array, move: Array) -> Array:
        """Return zeros of shape (n, M, M)."""
        return np.zeros((eta.shape[0], self.count, self.count))


@dataclass(frozen=True, slots=True)
class Points:
    """Rows at which predictions are made.

    Attributes
    ----------
    columns : ndarray of shape (n, p)
    eta : ndarray of shape (n, M)
        Offset included; NaN where the row breaks what the data of the fit obeyed, so that
        its predictor is not determined.
    drift : ndarray of shape (n, M) or None
        How predictors move along the direction of a separated fit.
    """

    columns: Array
    eta: Array
    drift: Array | None

    @property
    def lost(self) -> Mask | None:
        """Rows with an infinite predictor, if the fit is separated."""
        if self.drift is None:
            return None
        return np.asarray((np.abs(self.drift) > MOVED).any(axis=1))


@dataclass(frozen=True, slots=True)
class Tangent:
    """How something moves the columns (n, p) and the offsets (n, M) of rows."""

    columns: Array
    offset: Array | None


@dataclass(frozen=True, slots=True)
class RowEffect:
    """A quantity of each row, with its derivative by the coefficients.

    Attributes
    ----------
    value : ndarray of shape (n, K)
    parts : tuple of (columns, weights)
        The derivative is the sum over the parts of columns (n, p) times weights
        (n, K, M), mapped to the coefficients.
    """

    value: Array
    parts: tuple[tuple[Array, Array], ...]

    def taken(self, rows: NDArray[np.intp]) -> RowEffect:
        """Return the effect of the given rows."""
        parts = tuple((columns[rows], weights[rows]) for columns, weights in self.parts)
        return RowEffect(self.value[rows], parts)

    def scaled(self, factor: Array) -> RowEffect:
        """Return the effect with each row multiplied by ``factor`` (n,)."""
        parts = tuple((columns, w * factor[:, None, None]) for columns, w in self.parts)
        return RowEffect(self.value * factor[:, None], parts)


@dataclass(frozen=True, slots=True)
class Surface:
    """Predictions of a fit.

    Attributes
    ----------
    response : Expectation
        What is predicted.
    count : int
        Number M of predictors of a row.
    constraints : sparse array of shape (M p, P), or None
        As in `Predictor`.
    theta : ndarray of shape (P,)
        Finite coefficients.
    direction : ndarray of shape (P,) or None
        Direction of a separated fit.
    check : ndarray of shape (k, p)
        Combinations of columns that were 0 in every row of the fit.
    """

    response: Expectation
    count: int
    constraints: Any
    theta: Array
    direction: Array | None
    check: Array

    def _expand(self, theta: Array) -> Array:
        """Return the weights of the columns, shape (M, p)."""
        flat = theta if self.constraints is None else np.asarray(self.constraints @ theta)
        return flat.reshape(self.count, -1)

    def _breaks(self, columns: Array) -> Mask:
        size = np.abs(columns) @ np.abs(self.check.T)
        return np.asarray((np.abs(columns @ self.check.T) > BREAKS * size).any(axis=1))

    def points(self, columns: Array, offset: Array | None) -> Points:
        """Return rows (n, p) with offsets (n, 1) or (n, M) as points of the surface."""
        eta = columns @ self._expand(self.theta).T
        if offset is not None:
            eta = eta + offset
        if self.check.shape[0]:
            eta[self._breaks(columns)] = np.nan
        drift = None
        if self.direction is not None:
            drift = columns @ self._expand(self.direction).T
        return Points(columns, eta, drift)

    def values(self, points: Points) -> Array:
        """Return the predictions, shape (n, K), in the limit of a separated fit."""
        with np.errstate(all="ignore"):
            if points.drift is None:
                return self.response.means(points.eta)
            return self.response.limit_means(points.eta, points.drift)

    def prediction(self, points: Points) -> RowEffect:
        """Return the predictions of rows; without derivative where they are a limit."""
        with np.errstate(all="ignore"):
            slopes = self.response.mean_slopes(points.eta)
        return RowEffect(self.values(points), ((points.columns, _kept(slopes, points)),))

    def contrast(self, high: Points, low: Points, *, log: bool = False) -> RowEffect:
        """Return the difference of two predictions of each row, or that of their logarithms."""
        upper, lower = self.prediction(high), self.prediction(low)
        if log:
            upper, lower = _log(upper), _log(lower)
        (columns, weights), (other, other_weights) = upper.parts[0], lower.parts[0]
        parts = ((columns, weights), (other, -other_weights))
        return RowEffect(upper.value - lower.value, parts)

    def derivative(self, points: Points, tangent: Tangent, *, log: bool = False) -> RowEffect:
        """Return how predictions (or their logarithms) change along ``tangent``.

        Rows whose predictor is infinite have a derivative of 0 if there is one predictor,
        for the mean is flat there, and NaN otherwise; a finite predictor that would move
        infinitely fast has NaN.
        """
        move = tangent.columns @ self._expand(self.theta).T
        if tangent.offset is not None:
            move = move + tangent.offset
        if self.check.shape[0]:
            move[self._breaks(tangent.columns)] = np.nan
        if self.direction is not None:
            jump = np.abs(tangent.columns @ self._expand(self.direction).T) > MOVED
            move[jump.any(axis=1)] = np.nan
        with np.errstate(all="ignore"):
            slopes = self.response.mean_slopes(points.eta)
            bend = self.response.mean_curvature(points.eta, move)
            value = (slopes * move[:, None, :]).sum(axis=2)
            if log:
                mean = self.values(points)
                value = value / mean
                bend = (bend - value[:, :, None] * slopes) / mean[:, :, None]
                slopes = slopes / mean[:, :, None]
        if points.lost is not None:
            value[points.lost] = 0.0 if self.count == 1 and not log else np.nan
        parts = ((points.columns, _kept(bend, points)), (tangent.columns, _kept(slopes, points)))
        return RowEffect(value, parts)

    def gradient_sum(self, effect: RowEffect, weight: Array) -> Array:
        """Return the weighted sum over rows of the derivative by theta, shape (K, P)."""
        total: Array | None = None
        for columns, weights in effect.parts:
            n, means, count = weights.shape
            flat = (weights * weight[:, None, None]).reshape(n, means * count)
            part = (columns.T @ flat).T.reshape(means, -1)
            total = part if total is None else total + part
        assert total is not None
        return self._contract(total)

    def gradient_rows(self, effect: RowEffect) -> Array:
        """Return the derivative of each row's values by theta, shape (n, K, P)."""
        total: Array | None = None
        for columns, weights in effect.parts:
            part = weights[:, :, :, None] * columns[:, None, None, :]
            total = part if total is None else total + part
        assert total is not None
        n, means = effect.value.shape
        flat = self._contract(total.reshape(n * means, -1))
        return flat.reshape(n, means, -1)

    def _contract(self, gradient: Array) -> Array:
        if self.constraints is None:
            return gradient
        return np.ascontiguousarray((self.constraints.T @ gradient.T).T)


def _log(effect: RowEffect) -> RowEffect:
    """Return the logarithm of an effect that has one part."""
    ((columns, weights),) = effect.parts
    with np.errstate(all="ignore"):
        return RowEffect(np.log(effect.value), ((columns, weights / effect.value[:, :, None]),))


def _kept(weights: Array, points: Points) -> Array:
    """Return derivatives, NaN for rows whose prediction is a limit."""
    if points.lost is None or not points.lost.any():
        return weights
    out = np.array(weights)
    out[points.lost] = np.nan
    return out
