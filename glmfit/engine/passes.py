"""A pass over all rows at given coefficients: the only place where rows meet theta.

A pass is pure: the same coefficients and rows give the same statistics to the last bit,
on any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.executor import map_chunks, reduce_chunks, rows_together
from glmfit.engine.linalg import Triangular, merge_triangular
from glmfit.engine.predictor import Predictor, pairs
from glmfit.links import Interval
from glmfit.sources import Rows, RowSource
from glmfit.sources.rows import Elsewhere

__all__ = ["AT_REST", "Contributions", "EtaStats", "Likelihood", "Pass", "Slope", "SuffStats"]

Array = NDArray[np.float64]
T = TypeVar("T")

MANY = 2**20
"""Numbers in a design that takes milliseconds to go through."""

NOTHING = 1e-8
"""Move of a predictor that need not be known any better."""

AT_REST = 1e-3
"""The same where it costs a reading of the rows: predictors that run away move by about 1."""

STEP = 6e-6
"""Step of a central difference, the cube root of rounding."""


class EtaStats(Protocol):
    """What a likelihood returns for a chunk."""

    @property
    def deviance(self) -> float: ...
    @property
    def score(self) -> Array: ...
    @property
    def weight(self) -> Array: ...
    @property
    def closest(self) -> float: ...


class Likelihood(Protocol):
    """What the engine asks of a likelihood in eta-space."""

    @property
    def eta_domain(self) -> Interval: ...
    @property
    def canonical(self) -> bool: ...
    @property
    def newton_below(self) -> float: ...
    @property
    def dispersion(self) -> float | None: ...
    def evaluate(
        self, y: Array, eta: Array, weight: Array | None, *, observed: bool = False
    ) -> EtaStats: ...


class SelfStarting(Likelihood, Protocol):
    """A likelihood that proposes predictors from the response alone."""

    def starting_eta(self, y: Array, weight: Array | None) -> Array: ...
    def constant_eta(self, mean: float) -> float: ...


class SuffStats(NamedTuple):
    """Sums over all rows at one theta.

    ``deviance`` is inf outside the domain; ``score`` (p,) and ``information`` (p, p) are
    those of the log-likelihood times phi. Where rows have one predictor, ``lightest`` is
    the least weight of any of them in the information, ``pearson`` the sum of their score
    squared over that weight, which is Pearson's if the information is the expected one,
    and ``closest`` the least unit deviance; the last two are NaN where they are not known.
    """

    deviance: float
    score: Array
    information: Array
    lightest: float = 0.0
    pearson: float = math.nan
    closest: float = math.nan

    @property
    def finite(self) -> bool:
        """Whether every statistic is a number."""
        return bool(
            np.isfinite(self.deviance)
            and np.isfinite(self.score).all()
            and np.isfinite(self.information).all()
        )


class Slope(NamedTuple):
    """Deviance and score (p,) at one theta: `SuffStats` without the information."""

    deviance: float
    score: Array
    lightest: float = 0.0


class Contributions(NamedTuple):
    """What some units (rows, strata or clusters) add to score and information.

    ``units`` (k,) says which they are, ``score`` (k, P) and ``information`` (k, P, P) or
    None are their shares.
    """

    units: NDArray[np.intp]
    score: Array
    information: Array | None

    def taken(self, chosen: slice) -> Contributions:
        """Return those of some of the units."""
        grams = None if self.information is None else self.information[chosen]
        return Contributions(self.units[chosen], self.score[chosen], grams)


HELD = 1 << 21
"""Numbers that contributions may hold at a time."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Passes over ``rows`` with a likelihood.

    Parameters
    ----------
    rows : RowSource
    likelihood : Likelihood
    control : Control
    vector : Predictor, optional
        How coefficients make predictors; one predictor per row by default.
    """

    rows: RowSource
    likelihood: Likelihood
    control: Control
    vector: Predictor | None = None

    @property
    def many(self) -> bool:
        """Whether rows are so many that their information costs more than all else."""
        if self.rows.costly:
            return False
        return self.rows.n > 1024 and self.rows.n * self.rows.design.row_size > MANY

    def thinned(self, step: int) -> Pass:
        """Return the pass over every ``step``-th row, which says nothing of its progress."""
        rows = self.rows.thin(step)
        vector = self.vector and replace(self.vector, design=rows.design)
        return replace(
            self, rows=rows, vector=vector, control=replace(self.control, disp=False, resume=None)
        )

    @property
    def predictor(self) -> Predictor:
        """The map from coefficients to predictors."""
        return self.vector or Predictor(self.rows.design)

    def __call__(self, theta: Array, *, observed: bool = False) -> SuffStats:
        """Return deviance, score and information at ``theta``."""
        predictor = self.predictor
        beta = predictor.expand(theta)
        width = beta.size

        def statistics(chunk: Rows) -> SuffStats:
            stored = chunk.design.raw
            eta = _shift(predictor.eta(stored, beta), chunk.offset)
            rows = self.likelihood.evaluate(chunk.y, eta, chunk.weight, observed=observed)
            if not np.isfinite(rows.deviance):
                return SuffStats(np.inf, np.zeros(width), np.zeros((width, width)))
            lightest = _lightest(rows.weight)
            return SuffStats(
                rows.deviance,
                predictor.score(stored, rows.score),
                predictor.gram(stored, rows.weight),
                lightest,
                float(np.dot(rows.score, rows.score / rows.weight)) if lightest > 0.0 else np.nan,
                rows.closest,
            )

        return self._sum(statistics)

    def slope(self, theta: Array) -> Slope:
        """Return deviance and score alone, at a fraction of the cost of the information."""
        predictor = self.predictor
        beta = predictor.expand(theta)

        def statistics(chunk: Rows) -> Slope:
            stored = chunk.design.raw
            eta = _shift(predictor.eta(stored, beta), chunk.offset)
            rows = self.likelihood.evaluate(chunk.y, eta, chunk.weight)
            if not np.isfinite(rows.deviance):
                return Slope(np.inf, np.zeros(beta.size))
            score = predictor.score(stored, rows.score)
            return Slope(rows.deviance, score, _lightest(rows.weight))

        with np.errstate(all="ignore"):
            total = reduce_chunks(_quiet(statistics), _add_slopes, self.rows, self.control)
        return total._replace(score=predictor.contract_score(total.score))

    def eta(self, theta: Array) -> Array:
        """Return the predictors of all rows, offset included, shape (n,) or (n, M)."""
        predictor = self.predictor
        rows = self.held
        return _shift(predictor.eta(rows.design.raw, predictor.expand(theta)), rows.offset)

    @property
    def held(self) -> Rows:
        """The rows in memory, for what needs all of them together."""
        return self.rows.held()

    @property
    def self_starting(self) -> bool:
        """Whether the likelihood proposes a start: those of several classes begin at 0."""
        return hasattr(self.likelihood, "starting_eta")

    @property
    def starter(self) -> SelfStarting:
        """The likelihood, which proposes a start where rows have one predictor."""
        return cast(SelfStarting, self.likelihood)

    def start(self) -> SuffStats:
        """Return the statistics whose Newton step from 0 is the first least-squares fit.

        The right-hand side is X'(W (eta - offset) + score) at means taken from the
        response alone.
        """
        with np.errstate(all="ignore"):
            constant = self._constant()

        def statistics(chunk: Rows) -> SuffStats:
            raw = chunk.design.raw
            eta = self.starter.starting_eta(chunk.y, chunk.weight)
            usable = np.isfinite(eta) & self.likelihood.eta_domain.contains(eta)
            eta = np.where(usable, eta, constant)
            rows = self.likelihood.evaluate(chunk.y, eta, chunk.weight)
            centred = eta if chunk.offset is None else eta - chunk.offset
            target = rows.weight * centred + rows.score
            return SuffStats(rows.deviance, raw.rmatvec(target), raw.sandwich(rows.weight))

        return self._sum(statistics)

    def triangle(self, theta: Array, length: Array) -> Triangular | None:
        """Return the triangle of the weighted design at ``theta`` (stacked QR).

        Parameters
        ----------
        theta : ndarray of shape (P,)
        length : ndarray of shape (P,)
            Lengths by which the columns are divided first.
        """
        predictor = self.predictor
        beta = predictor.expand(theta)

        def weighted(chunk: Rows) -> Array:
            eta = _shift(predictor.eta(chunk.design.raw, beta), chunk.offset)
            rows = self.likelihood.evaluate(chunk.y, eta, chunk.weight)
            return _weighted(predictor.dense_rows(chunk.design) / length, rows.weight)

        upper = self.stacked(weighted)
        if not np.isfinite(upper).all():
            return None
        square = np.zeros((length.size, length.size))
        square[: upper.shape[0]] = upper
        return Triangular(square, length)

    def design_triangle(self) -> Array:
        """Return the triangle of the design's columns, rows of weight 0 left out."""

        def columns(chunk: Rows) -> Array:
            design = chunk.design.toarray()
            return design if chunk.weight is None else design[chunk.weight > 0.0]

        return self.stacked(columns)

    def visit(self, theta: Array, function: Callable[[Rows, Array], T]) -> Iterator[T]:
        """Yield ``function(chunk, eta)`` for each chunk of rows, in their order."""
        predictor = self.predictor
        beta = predictor.expand(theta)

        def visited(chunk: Rows) -> T:
            return function(chunk, _shift(predictor.eta(chunk.design.raw, beta), chunk.offset))

        return map_chunks(_quiet(visited), self.rows, self.control)

    def map(
        self,
        theta: Array,
        function: Callable[[Rows, Array, EtaStats], T],
        chunk_rows: int | None,
        *,
        observed: bool = False,
    ) -> Iterator[T]:
        """Yield ``function(chunk, eta, statistics)`` for each chunk of rows, in their order."""
        predictor = self.predictor
        beta = predictor.expand(theta)

        def evaluated(chunk: Rows) -> T:
            eta = _shift(predictor.eta(chunk.design.raw, beta), chunk.offset)
            rows = self.likelihood.evaluate(chunk.y, eta, chunk.weight, observed=observed)
            return function(chunk, eta, rows)

        control = replace(self.control, chunk_rows=chunk_rows)
        return map_chunks(_quiet(evaluated), self.rows, control)

    def information_slopes(self, theta: Array, columns: Array) -> Array:
        """Return c' (dI / dtheta_j) c for the j-th column c of a matrix, shape (P,).

        The derivative of each row's weight is a central difference in eta.

        Parameters
        ----------
        theta : ndarray of shape (P,)
        columns : ndarray of shape (P, P)
        """
        predictor = self.predictor

        def slopes(chunk: Rows, eta: Array, _: EtaStats) -> Array:
            moves = predictor.dense_rows(chunk.design)
            turned = moves @ columns
            if predictor.count == 1:
                step = STEP * np.maximum(1.0, np.abs(eta))
                slope = self._weight_change(chunk, eta, step) / (2.0 * step)
                line = moves[:, 0] * turned[:, 0] ** 2
                return np.asarray(slope @ line)
            out = np.zeros(theta.size)
            for j in range(theta.size):
                size = float(np.abs(moves[:, :, j]).max(initial=0.0))
                if size == 0.0:
                    continue
                change = self._weight_change(chunk, eta, moves[:, :, j] * (STEP / size))
                for (a, b), line in zip(pairs(predictor.count), change, strict=True):
                    times = 1.0 if a == b else 2.0
                    total = float(line @ (turned[:, a, j] * turned[:, b, j]))
                    out[j] += times * total * size / (2.0 * STEP)
            return out

        return np.asarray(sum(self.map(theta, slopes, self.control.chunk_rows)))

    def _weight_change(self, chunk: Rows, eta: Array, step: Array) -> Array:
        """Return the weights of rows at eta + step less those at eta - step."""
        ahead = self.likelihood.evaluate(chunk.y, eta + step, chunk.weight).weight
        behind = self.likelihood.evaluate(chunk.y, eta - step, chunk.weight).weight
        return ahead - behind

    def derivative_rows(self) -> Iterator[Array]:
        """Yield how the predictors of rows with weight move with theta, (rows * M, P) a chunk."""
        predictor = self.predictor

        def derivative(chunk: Rows) -> Array:
            rows = predictor.dense_rows(chunk.design)
            rows = rows if chunk.weight is None else rows[chunk.weight > 0.0]
            return np.asarray(rows.reshape(-1, rows.shape[2]))

        return map_chunks(derivative, self.rows, self.control)

    @property
    def streamed(self) -> bool:
        """Whether rows are read anew for each pass, in their own order only."""
        return self.rows.streamed

    @property
    def n_units(self) -> int:
        """Number of rows."""
        return self.rows.n

    def contributions(
        self, theta: Array, order: NDArray[np.intp], *, information: bool = False
    ) -> Iterator[Contributions]:
        """Yield what rows add to the score, and to the expected information if asked for.

        Parameters
        ----------
        theta : ndarray of shape (P,)
        order : ndarray of int
            Rows in the order in which to go through them.
        information : bool
        """
        predictor = self.predictor
        each = theta.size * (theta.size if information else predictor.count)
        together = self.control.chunk_rows or rows_together(self.rows.design)
        size = max(16, min(together, HELD // max(each, 1)))

        def shares(chunk: Rows, _: Array, rows: EtaStats) -> tuple[Array, Array | None]:
            derivative = predictor.dense_rows(chunk.design)
            score = np.einsum("mn,nmp->np", np.atleast_2d(rows.score.T), derivative)
            return score, _grams(derivative, np.atleast_2d(rows.weight)) if information else None

        if self.rows.streamed and np.array_equal(order, np.arange(self.n_units)):
            start = 0
            for score, grams in self.map(theta, shares, size):
                yield Contributions(order[start : start + len(score)], score, grams)
                start += len(score)
            return
        for start in range(0, order.size, size):
            block = order[start : start + size]
            part = replace(self, rows=self.held.take(block))
            for score, grams in part.map(theta, shares, size):
                yield Contributions(block, score, grams)

    def score_rows(self, theta: Array) -> Array:
        """Return what each row adds to the score, shape (n, P)."""
        predictor = self.predictor

        def contributions(chunk: Rows, _: Array, rows: EtaStats) -> Array:
            score = np.atleast_2d(rows.score.T)
            return np.asarray(np.einsum("mn,nmp->np", score, predictor.dense_rows(chunk.design)))

        return np.concatenate(list(self.map(theta, contributions, self.control.chunk_rows)))

    def deviance(self, theta: Array) -> float:
        """Return the deviance alone."""

        predictor = self.predictor
        beta = predictor.expand(theta)

        def statistics(chunk: Rows) -> float:
            eta = _shift(predictor.eta(chunk.design.raw, beta), chunk.offset)
            return self.likelihood.evaluate(chunk.y, eta, chunk.weight).deviance

        return float(sum(map_chunks(_quiet(statistics), self.rows, self.control)))

    def mean_response(self) -> float:
        """Return the weighted mean of the response."""
        return self.rows.mean_response

    def dispersion_guess(self, deviance: float) -> float:
        """Return the dispersion if it is known, else a first idea of it."""
        known = self.likelihood.dispersion
        if known is not None:
            return known
        return deviance / self.rows.total_weight

    def rotated(self, theta: Array, triangle: Triangular, *, observed: bool = True) -> SuffStats:
        """Return score and observed information at ``theta`` in the columns X D R^-1.

        These columns are orthogonal under the expected weights, so sums of products are
        exact enough however ill-conditioned X is.
        """
        predictor = self.predictor
        beta = predictor.expand(theta)
        whitening = triangle.whitening()
        size = triangle.length.size

        def statistics(chunk: Rows) -> SuffStats:
            eta = _shift(predictor.eta(chunk.design.raw, beta), chunk.offset)
            rows = self.likelihood.evaluate(chunk.y, eta, chunk.weight, observed=observed)
            score, weight = np.atleast_2d(rows.score.T), np.atleast_2d(rows.weight)
            columns = predictor.dense_rows(chunk.design) @ whitening
            gram = np.zeros((size, size))
            for (a, b), line in zip(pairs(predictor.count), weight, strict=True):
                block = (columns[:, a] * line[:, None]).T @ columns[:, b]
                gram += block if a == b else block + block.T
            return SuffStats(rows.deviance, np.einsum("mn,nmp->p", score, columns), gram)

        return self._total(statistics)

    def largest_moves(self, *thetas: Array) -> tuple[float, ...]:
        """Return the largest absolute predictor of any row under each theta, offset left out."""
        predictor = self.predictor
        betas = [predictor.expand(theta) for theta in thetas]
        bounds = self._bounded_moves(betas)
        if bounds is not None:
            return bounds

        def moves(chunk: Rows) -> list[float]:
            if chunk.weight is not None and not chunk.weight.all():
                chunk = chunk.take(np.flatnonzero(chunk.weight))
            etas = [predictor.eta(chunk.design.raw, beta) for beta in betas]
            return [float(np.abs(eta).max(initial=0.0)) for eta in etas]

        each = list(map_chunks(_quiet(moves), self.rows, self.control))
        return tuple(max(found) for found in zip(*each, strict=True))

    def _bounded_moves(self, betas: list[Array]) -> tuple[float, ...] | None:
        """Return bounds on the largest moves if all are nothing, without a pass over the rows."""
        reach = self.rows.reach
        if reach is None or self.predictor.count > 1:
            return None
        bounds = tuple(float(np.abs(beta).ravel() @ reach) for beta in betas)
        return bounds if max(bounds) <= (AT_REST if self.rows.costly else NOTHING) else None

    def _constant(self) -> float:
        return self.starter.constant_eta(self.mean_response())

    def _sum(self, statistics: Callable[[Rows], SuffStats]) -> SuffStats:
        total = self._total(statistics)
        score, information = self.predictor.contract(total.score, total.information)
        return total._replace(score=score, information=information)

    def _total(self, statistics: Callable[[Rows], SuffStats]) -> SuffStats:
        with np.errstate(all="ignore"):
            return reduce_chunks(_quiet(statistics), _add, self.rows, self.control)

    def stacked(self, matrix: Callable[[Rows], Array]) -> Array:
        """Return the triangle of ``matrix(chunk)``, chunk under chunk (TSQR)."""
        if isinstance(self.rows, Elsewhere):
            return self._stacked_elsewhere(matrix)
        upper: Array | None = None
        with np.errstate(all="ignore"):
            for block in map_chunks(_quiet(matrix), self.rows, self.control):
                upper = merge_triangular(upper, block)
        assert upper is not None
        return upper

    def _stacked_elsewhere(self, matrix: Callable[[Rows], Array]) -> Array:
        """Return the same where rows are, so that triangles come back and not rows."""

        def triangle(chunk: Rows) -> Array:
            return merge_triangular(None, matrix(chunk))

        return reduce_chunks(_quiet(triangle), merge_triangular, self.rows, self.control)


def _add(total: SuffStats, part: SuffStats) -> SuffStats:
    """Return the sum of statistics, in the arrays of the first."""
    np.add(total.score, part.score, out=total.score)
    np.add(total.information, part.information, out=total.information)
    return SuffStats(
        total.deviance + part.deviance,
        total.score,
        total.information,
        min(total.lightest, part.lightest),
        total.pearson + part.pearson,
        _least(total.closest, part.closest),
    )


def _add_slopes(total: Slope, part: Slope) -> Slope:
    np.add(total.score, part.score, out=total.score)
    lightest = min(total.lightest, part.lightest)
    return Slope(total.deviance + part.deviance, total.score, lightest)


def _lightest(weight: Array) -> float:
    """Return the least weight of any row, or 0 where rows have several predictors."""
    return float(weight.min(initial=np.inf)) if weight.ndim == 1 else 0.0


def _least(one: float, other: float) -> float:
    """Return the lesser of two numbers, NaN if either is."""
    return one if one < other or math.isnan(one) else other


def _shift(eta: Array, offset: Array | None) -> Array:
    """Return eta + offset; an offset of shape (n,) moves every predictor of its row."""
    if offset is None:
        return eta
    return eta + (offset if offset.ndim == eta.ndim else offset[:, None])


def _weighted(derivative: Array, weight: Array) -> Array:
    """Return the rows of W^(1/2) X, with W an M x M matrix in each row of data.

    Parameters
    ----------
    derivative : ndarray of shape (n, M, P)
    weight : ndarray of shape (n,), or (n_pairs, n) in the order of `pairs`
    """
    n, count, p = derivative.shape
    if count == 1:
        return derivative[:, 0] * np.sqrt(weight)[:, None]
    full = np.empty((n, count, count))
    for (a, b), line in zip(pairs(count), weight, strict=True):
        full[:, a, b] = full[:, b, a] = line
    values, vectors = np.linalg.eigh(full)
    root = np.sqrt(np.maximum(values, 0.0))
    rows = np.einsum("nab,nap,nb->nbp", vectors, derivative, root, optimize=True)
    return np.asarray(rows).reshape(n * count, p)


def _grams(derivative: Array, weight: Array) -> Array:
    """Return D' W D of each row, shape (n, P, P) (see `_weighted`)."""
    out = np.zeros((derivative.shape[0], derivative.shape[2], derivative.shape[2]))
    for (a, b), line in zip(pairs(derivative.shape[1]), weight, strict=True):
        left = derivative[:, a] * line[:, None]
        block = left[:, :, None] * derivative[:, b, None, :]
        out += block if a == b else block + block.transpose(0, 2, 1)
    return out


def _quiet(function: Callable[[Rows], T]) -> Callable[[Rows], T]:
    """Return ``function`` with floating-point warnings off, on whichever thread it runs."""

    def run(chunk: Rows) -> T:
        with np.errstate(all="ignore"):
            return function(chunk)

    return run
