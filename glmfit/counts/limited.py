"""Counts of which some are not seen: cut off below, or known only to be large.

What is left out is the sum of the probabilities of other counts. It is summed on the side
where it keeps its digits: below the cut unless next to nothing lies above it, and then
above it, relative to the first count there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from glmfit.counts.gammas import saturated_poisson
from glmfit.counts.kernels import CountKernel, Sides, Terms
from glmfit.counts.likelihoods import CountLikelihood, outer
from glmfit.likelihoods import Recession

__all__ = ["LimitedCount"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

RARE = 0.02
"""Probability above the cut under which it is summed from there."""

MOST_TERMS = 80
"""Counts above a cut that are summed one by one."""


@dataclass(frozen=True, slots=True)
class _Beyond:
    """Terms of P(y > cut), and those of the first count beyond the cut, 0 where not needed.

    What is left of terms of single counts, given that they lie beyond, is
    ``terms - first - shift``: small numbers keep their digits in ``shift``.
    """

    log_chance: Array
    first: Terms
    score_shift: Array
    information_shift: Array


def _log_probability(y: Array, found: Terms) -> Array:
    return saturated_poisson(y) - found.loss


def _beyond(kernel: CountKernel, cut: int, eta: Array) -> _Beyond:
    """Return what is known of counts above ``cut`` (-1 or more) at predictors (n, k)."""
    n = eta.shape[0]
    first = kernel.terms(np.full(n, cut + 1.0), eta)
    chance = np.zeros(n)
    score = np.zeros_like(first.score)
    second = np.zeros_like(first.information)
    for j in range(cut + 1):
        one = kernel.terms(np.full(n, float(j)), eta)
        p = np.exp(_log_probability(np.full(n, float(j)), one))
        chance += p
        score += p * one.score
        second += p * (outer(one.score) - one.information)
    left = 1.0 - chance
    with np.errstate(all="ignore"):  # where nothing is left it is summed from above
        slope = -score / left
        bend = second / left + outer(slope)
        log_left = np.log(left)
    nothing = Terms(np.zeros(n), np.zeros_like(first.score), np.zeros_like(first.information))
    found = _Beyond(log_left, nothing, slope, bend)
    rare = np.flatnonzero(~(left > RARE))
    return _summed_above(kernel, cut, eta, rare, found) if rare.size else found


def _summed_above(
    kernel: CountKernel, cut: int, eta: Array, rare: NDArray[np.intp], found: _Beyond
) -> _Beyond:
    """Return ``found`` with what its ``rare`` rows have, summed above the cut."""
    eta = eta[rare]
    n, start = rare.size, np.full(rare.size, cut + 1.0)
    first = kernel.terms(start, eta)
    top = _log_probability(start, first)
    total, score = np.ones(n), np.zeros_like(first.score)
    products, second = np.zeros_like(first.information), np.zeros_like(first.information)
    for j in range(cut + 2, cut + 2 + MOST_TERMS):
        here = np.full(n, float(j))
        one = kernel.terms(here, eta)
        ratio = np.exp(_log_probability(here, one) - top)
        move = one.score - first.score
        total += ratio
        score += ratio * move
        products += ratio * outer(move)
        second += ratio * (one.information - first.information)
        if (ratio * (1.0 + np.abs(move).max(axis=0)) ** 2 <= 1e-18 * total).all():
            break
    shift = score / total
    spread = products / total - outer(shift)
    done = ratio <= 1e-15 * total
    rows = rare[done]
    found.first.score[:, rows] = first.score[:, done]
    found.first.information[:, rows] = first.information[:, done]
    found.log_chance[rows] = (top + np.log(total))[done]
    found.score_shift[:, rows] = shift[:, done]
    found.information_shift[:, rows] = (second / total - spread)[:, done]
    return found


@dataclass(frozen=True, slots=True)
class LimitedCount(CountLikelihood):
    """Counts as their distribution has them, of which some are not seen as they are.

    Attributes
    ----------
    above : int
        Only counts above it are seen; -1 where all are.
    top : int or None
        A count of ``top`` stands for that many or more.
    """

    statement: ClassVar[str] = "Mean before limits mu = exp(x'b), variance {}."

    above: int = -1
    top: int | None = None

    def rows(self, y: Array, eta: Array, observed: bool) -> Terms:
        """Return what rows contribute at predictors (n, M)."""
        ended = np.isinf(eta[:, 0])
        if ended.any():
            return self._with_ends(y, eta, observed, ended)
        found = self.kernel.terms(y, eta)
        loss, score, information = (part.copy() for part in found)
        if self.top is not None:
            many = np.flatnonzero(y >= self.top)
            tail = _beyond(self.kernel, self.top - 1, eta[many])
            loss[many] = saturated_poisson(y[many]) - tail.log_chance
            score[:, many] = tail.first.score + tail.score_shift
            information[:, many] = tail.first.information + tail.information_shift
        if self.above >= 0:
            seen = _beyond(self.kernel, self.above, eta)
            loss = loss + seen.log_chance
            score = (score - seen.first.score) - seen.score_shift
            information = (information - seen.first.information) - seen.information_shift
        if not observed:
            lines = self.kernel.expected(eta)
            if self.top is not None:
                # of a count that is large for sure nothing is left to be informed of
                own = np.maximum(information[:, many], 0.0)
                own[1:-1] = 0.0
                lines[:, many] = own
            information = lines
        return Terms(loss, score, information)

    def _with_ends(self, y: Array, eta: Array, observed: bool, ended: Mask) -> Terms:
        """Return terms where some means are at their end, and counts with them at limits."""
        inner = eta.copy()
        inner[ended, 0] = 0.0
        found = self.rows(y, inner, observed)
        down = eta[:, 0] == -np.inf
        certain = np.where(
            down, y == self.above + 1.0, y >= (np.inf if self.top is None else self.top)
        )
        loss = np.where(ended, np.where(certain, saturated_poisson(y), np.inf), found.loss)
        return Terms(
            loss, np.where(ended, 0.0, found.score), np.where(ended, 0.0, found.information)
        )

    def recession(self, y: Array) -> list[Recession]:
        """Return which predictors may go for ever: log mu where a count is at a limit."""
        everywhere = np.ones(y.shape, dtype=bool)
        unit = np.eye(self.kernel.count)[0]
        signs = -(y == self.above + 1.0).astype(np.int8)
        if self.top is not None:
            signs = signs + (y >= self.top).astype(np.int8)
        return [Recession(unit, signs, everywhere), *self._fixed_alpha(y, everywhere)]

    def log_mean(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return log E(y) of counts above the cut, its gradient and second derivatives."""
        n, count = eta.shape
        gradient, bend = np.zeros((n, count)), np.zeros((n, count, count))
        gradient[:, 0] = 1.0
        if self.above < 0:
            return eta[:, 0], gradient, bend
        gone = eta[:, 0] == -np.inf
        if gone.any():
            eta = np.where(gone[:, None], 0.0, eta)
            log_mean, gradient, bend = self.log_mean(eta)
            gradient[gone], bend[gone] = 0.0, 0.0
            return np.where(gone, np.log(self.above + 1.0), log_mean), gradient, bend
        mu = np.exp(eta[:, 0])
        seen = _beyond(self.kernel, self.above, eta)
        # E(y; y > cut) = mu less what lies below
        left, slope, second = mu.copy(), np.zeros((count, n)), np.zeros_like(bend)
        slope[0], second[:, 0, 0] = mu, mu
        for j in range(1, self.above + 1):
            one = self.kernel.terms(np.full(n, float(j)), eta)
            part = j * np.exp(_log_probability(np.full(n, float(j)), one))
            left -= part
            slope -= part * one.score
            second -= part[:, None, None] * (
                np.einsum("an,bn->nab", one.score, one.score) - _square(one.information)
            )
        gradient = (slope / left).T
        bend = second / left[:, None, None] - np.einsum("na,nb->nab", gradient, gradient)
        gradient = gradient - (seen.first.score + seen.score_shift).T
        bend = bend + _square(seen.first.information + seen.information_shift)
        return np.log(left) - seen.log_chance, gradient, bend

    def main_probability(self, eta: Array) -> Array:
        """Return the probability of a count above the cut, shape (n,)."""
        return np.exp(_beyond(self.kernel, self.above, eta).log_chance)

    def variance(self, eta: Array) -> Array:
        """Return the variance of counts above the cut at predictors (n, M), shape (n,)."""
        gone = eta[:, 0] == -np.inf
        if gone.any():
            return np.where(gone, 0.0, self.variance(np.where(gone[:, None], 0.0, eta)))
        n, mu = eta.shape[0], np.exp(eta[:, 0])
        square = self.kernel.variance(eta) + mu * mu
        for j in range(1, self.above + 1):
            here = np.full(n, float(j))
            square -= j * j * np.exp(_log_probability(here, self.kernel.terms(here, eta)))
        mean = np.exp(self.log_mean(eta)[0])
        return np.asarray(square / self.main_probability(eta) - mean * mean)

    def sides(self, y: Array, eta: Array) -> Sides:
        """Return P(Y <= y) and P(Y > y) of counts ``y`` (n,) that are seen."""
        cut = self.kernel.sides(np.full(y.size, float(self.above)), eta)
        here = self.kernel.sides(y, eta)
        seen = y > self.above
        below = np.where(seen, (here.at_or_below - cut.at_or_below) / cut.above, 0.0)
        above = np.where(seen, here.above / cut.above, 1.0)
        # a count that stands for more takes them all
        many = np.zeros(y.size, dtype=bool) if self.top is None else y >= self.top
        return Sides(np.where(many, 1.0, below), np.where(many, 0.0, above))

    def log_probability(self, y: Array, eta: Array) -> Array:
        """Return the log-probability of counts ``y`` (n,), given that they are seen."""
        whole = replace(self, top=None)
        return np.where(y > self.above, _log_probability(y, whole.rows(y, eta, True)), -np.inf)


def _square(lines: Array) -> Array:
    """Return matrices (n, k, k) from their lines."""
    count = 1 if lines.shape[0] == 1 else 2
    out = np.empty((lines.shape[1], count, count))
    out[:, 0, 0] = lines[0]
    if count == 2:
        out[:, 0, 1] = out[:, 1, 0] = lines[1]
        out[:, 1, 1] = lines[2]
    return out
