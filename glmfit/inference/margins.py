"""Averages of predictions and of their changes, and derivatives by variables.

A variable may enter the columns in any way (powers, logarithms, splines, interactions,
offsets), so columns are differentiated numerically by the variable and predictions
analytically by the coefficients.

References
----------
Bartus, T. (2005). Estimation of marginal effects using margeff. *The Stata Journal* 5,
309-329.
Arel-Bundock, V., Greifer, N. and Heiss, A. (2024). How to interpret statistical models
using marginaleffects for R and Python. *Journal of Statistical Software* 111(9).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from glmfit.inference.surface import RowEffect, Surface

__all__ = ["Averages", "Derivative", "differentiate", "row_errors"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]

FIRST_STEP = 2.0**-13
"""First step, as a share of the range of the variable."""

SHORTER = 2.0**-5
ATTEMPTS = 8

AGREES = 1e-7
"""Relative difference of two steps' results at which the better one has 10 digits or so."""

DIFFERS = 1e-4
"""Relative difference, at the best step, from which there is no derivative."""

ROUNDING = 16.0 * np.finfo(float).eps


@dataclass(frozen=True, slots=True)
class Derivative:
    """Derivatives of columns by a variable.

    Attributes
    ----------
    value : ndarray of shape (n, q)
    exists : ndarray of bool, shape (n,)
        False where differences do not settle as the step shrinks: the columns jump, or
        rise infinitely fast.
    """

    value: Array
    exists: Mask


def differentiate(
    columns: Callable[[Array, Rows], Array],
    here: Array,
    x: Array,
    low: float,
    high: float,
) -> Derivative:
    """Differentiate columns by a variable, row by row.

    Differences over two steps are compared and combined (Richardson); rows in which they
    do not agree get shorter steps. Linear columns are exact. Within the range of the data
    no step leaves it, since splines are not defined beyond.

    Parameters
    ----------
    columns : callable
        Takes values of the variable and the rows that they are for, and returns the
        columns there, shape (m, q).
    here : ndarray of shape (n, q)
        The columns as they are.
    x : ndarray of shape (n,)
    low, high : float
        Range of the variable in the data of the fit.
    """
    everything = np.arange(x.size)
    span = high - low if high > low else max(abs(low), 1.0)
    # a power of two, so that x + step is exact
    step = 2.0 ** np.floor(np.log2(FIRST_STEP * span))
    stencil = _Stencil(columns, here, low, high)
    value, change = stencil.evaluate(x, everything, step)
    scale = 1e-3 * np.abs(value).mean(axis=0) if x.size else np.zeros(value.shape[1])
    error = _relative(change, value, scale)
    for _ in range(ATTEMPTS - 1):
        rows = np.flatnonzero(error > AGREES)
        if rows.size == 0:
            break
        step *= SHORTER
        closer, change = stencil.evaluate(x[rows], rows, step)
        found = _relative(change, closer, scale)
        better = found < error[rows]
        value[rows[better]] = closer[better]
        error[rows[better]] = found[better]
    return Derivative(value, error <= DIFFERS)


def _relative(change: Array, value: Array, scale: Array) -> Array:
    """Return the largest relative change of any column, shape (n,)."""
    size = np.abs(value) + scale
    share = np.divide(change, size, out=np.zeros_like(change), where=change > 0.0)
    share[np.isnan(value) | np.isnan(change)] = np.inf
    return np.asarray(share.max(axis=1, initial=0.0))


@dataclass(frozen=True, slots=True)
class _Stencil:
    """Differences of second order over a step and its double."""

    columns: Callable[[Array, Rows], Array]
    here: Array
    low: float
    high: float

    def evaluate(self, x: Array, rows: Rows, step: float) -> tuple[Array, Array]:
        """Return derivatives (m, q), and by how much the two differences disagree."""
        side = self._side(x, step)
        both = side == 0.0
        first, second = np.where(both, 1.0, side), np.where(both, -1.0, 2.0 * side)
        third, fourth = np.where(both, 2.0, 2.0 * side), np.where(both, -2.0, 4.0 * side)
        here = self.here if rows.size == self.here.shape[0] else self.here[rows]
        near = self.columns(x + first * step, rows)
        beside = self.columns(x + second * step, rows)
        far = beside if not both.any() else self.columns(x + third * step, rows)
        furthest = self.columns(x + fourth * step, rows)
        sign = np.where(both, 1.0, side)[:, None] / (2.0 * step)
        inner = np.where(both[:, None], near - beside, 4.0 * near - beside - 3.0 * here) * sign
        outer = np.where(both[:, None], far - furthest, 4.0 * far - furthest - 3.0 * here)
        outer = outer * sign / 2.0
        noise = ROUNDING * np.abs(here) / step
        change = np.maximum(np.abs(inner - outer) - noise, 0.0)
        return (4.0 * inner - outer) / 3.0, change

    def _side(self, x: Array, step: float) -> Array:
        """Return 0 for differences to both sides, else the side that has room."""
        inside = (x >= self.low) & (x <= self.high) & (self.high > self.low)
        room = (x - 2.0 * step >= self.low) & (x + 2.0 * step <= self.high)
        ahead = np.where(x + 4.0 * step <= self.high, 1.0, -1.0)
        return np.where(inside & ~room, ahead, 0.0)


@dataclass(slots=True)
class Averages:
    """Weighted averages of a quantity over groups of rows, with their gradients.

    Parameters
    ----------
    surface : Surface
    n_groups : int
    """

    surface: Surface
    n_groups: int
    weight: Array = field(init=False)
    value: Array | None = field(init=False, default=None)
    gradient: Array | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.weight = np.zeros(self.n_groups)

    def add(self, effect: RowEffect, weight: Array, groups: Rows) -> None:
        """Add rows with weights (n,) to the groups that they belong to."""
        n_means, n_theta = effect.value.shape[1], self.surface.theta.size
        if self.value is None or self.gradient is None:
            self.value = np.zeros((self.n_groups, n_means))
            self.gradient = np.zeros((self.n_groups, n_means, n_theta))
        for group in np.unique(groups):
            share = np.where(groups == group, weight, 0.0)
            own = np.flatnonzero(share > 0.0)
            if own.size == 0:
                continue
            chosen = effect if own.size == share.size else effect.taken(own)
            self.weight[group] += share[own].sum()
            self.value[group] += share[own] @ chosen.value
            self.gradient[group] += self.surface.gradient_sum(chosen, share[own])

    def means(self) -> tuple[Array, Array]:
        """Return averages (G, K) and their derivatives by theta (G, K, P)."""
        assert self.value is not None and self.gradient is not None
        with np.errstate(invalid="ignore", divide="ignore"):
            return (
                self.value / self.weight[:, None],
                self.gradient / self.weight[:, None, None],
            )


def row_errors(surface: Surface, effect: RowEffect, covariance: Array) -> Array:
    """Return the delta-method error of each row's values, shape (n, K)."""
    gradient = surface.gradient_rows(effect)
    variance = np.einsum("nkp,pq,nkq->nk", gradient, covariance, gradient, optimize=True)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
