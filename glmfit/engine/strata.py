"""Passes over strata: the exact conditional likelihood of which rows are the cases.

Given how many cases a stratum has, the probability that they are the rows D is

    exp(sum of eta over D) / e_d,    e_d = sum over subsets S of size d of exp(sum of eta over S),

and e_d follows row by row from e_k <- e_k + exp(eta_j) e_{k-1}, so that no subset is ever
listed. The recursion runs on log e_k, on the mean of the columns' sum over random subsets
of size k, and on its covariance: the derivatives of log e_k. Each step mixes two
distributions, so that nothing overflows and nothing cancels.

References
----------
Gail, M. H., Lubin, J. H. and Rubinstein, L. V. (1981). Likelihood calculations for matched
case-control studies and survival studies with tied death times. *Biometrika* 68, 703-707.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.linalg import Triangular, merge_triangular
from glmfit.engine.passes import STEP, Contributions, Slope, SuffStats
from glmfit.engine.separation import MOVED

__all__ = ["ConditionalLikelihood", "Strata", "StrataPass"]

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

HELD = 2**22
"""Numbers that the recursion may hold for the strata it treats together."""


@dataclass(frozen=True, slots=True)
class Block:
    """Strata of one size with one number of cases.

    Where cases outnumber controls, the controls are chosen instead, with -eta for eta:
    the probability is the same and the recursion shorter.

    Attributes
    ----------
    strata : ndarray of int, shape (B,)
        Which strata they are.
    rows : ndarray of int, shape (B, n)
        Rows of each stratum, the chosen ones first.
    chosen : int
        Their number.
    sign : float
        1 where the chosen rows are the cases, -1 where they are the controls.
    """

    strata: Rows
    rows: Rows
    chosen: int
    sign: float

    def parts(self, p: int) -> Iterator[Block]:
        """Yield blocks of few enough strata for a recursion with p columns."""
        each = (self.chosen + 1) * (p * p + p + 1) * 3 + self.rows.shape[1] * p
        step = max(1, HELD // each)
        for start in range(0, self.rows.shape[0], step):
            part = slice(start, start + step)
            yield replace(self, strata=self.strata[part], rows=self.rows[part])


@dataclass(frozen=True, slots=True)
class Strata:
    """Which rows belong together, and which of them are cases.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        Stratum of each row, 0 to ``count - 1``.
    cases : ndarray of bool, shape (n,)
    count : int
    """

    codes: Rows
    cases: NDArray[np.bool_]
    count: int

    @property
    def sizes(self) -> Rows:
        """Rows of each stratum."""
        return np.bincount(self.codes, minlength=self.count)

    @property
    def n_cases(self) -> Rows:
        """Cases of each stratum."""
        return np.bincount(self.codes[self.cases], minlength=self.count)

    @property
    def informative(self) -> NDArray[np.bool_]:
        """Strata that have both cases and controls, shape (count,)."""
        found: NDArray[np.bool_] = (self.n_cases > 0) & (self.n_cases < self.sizes)
        return found

    def taken(self, rows: NDArray[np.bool_]) -> Strata:
        """Return the strata that some of the rows make."""
        left, codes = np.unique(self.codes[rows], return_inverse=True)
        return Strata(codes, self.cases[rows], left.size)

    def undecided(self, drift: Array) -> NDArray[np.bool_]:
        """Return the rows that stay uncertain far out along a direction of separation.

        Cases that drift ahead of all controls become certain, and so does that controls
        behind all cases are none; what is left are the rows of a stratum that drift as its
        slowest case does, if controls are among them.

        Parameters
        ----------
        drift : ndarray of shape (n,)
            How the direction moves each predictor; no case less than a control of its
            stratum.
        """
        slowest = np.full(self.count, np.inf)
        np.minimum.at(slowest, self.codes[self.cases], drift[self.cases])
        beside = np.abs(drift - slowest[self.codes]) <= MOVED
        tied = np.zeros(self.count, dtype=bool)
        tied[self.codes[beside & ~self.cases]] = True
        return np.asarray(beside & tied[self.codes])

    def blocks(self) -> list[Block]:
        """Return the informative strata, by size and number of cases."""
        sizes, n_cases = self.sizes, self.n_cases
        flipped = 2 * n_cases > sizes
        chosen = np.where(flipped, sizes - n_cases, n_cases)
        order = np.lexsort((self.cases == flipped[self.codes], self.codes))
        starts = np.cumsum(sizes) - sizes
        shapes = np.column_stack([sizes, chosen, flipped])
        kinds, kind = np.unique(shapes, axis=0, return_inverse=True)
        kind = np.where(self.informative, kind.ravel(), -1)
        return [
            Block(
                np.flatnonzero(kind == k),
                order[starts[kind == k][:, None] + np.arange(size)],
                int(number),
                -1.0 if is_flipped else 1.0,
            )
            for k, (size, number, is_flipped) in enumerate(kinds)
            if (kind == k).any()
        ]


def log_subsets(eta: Array, size: int) -> Array:
    """Return log e_size of each stratum.

    Parameters
    ----------
    eta : ndarray of shape (B, n)
    size : int

    Returns
    -------
    ndarray of shape (B,)
    """
    if size == 1:
        return np.asarray(np.logaddexp.reduce(eta, axis=1))
    count, n = eta.shape
    log_sum = np.full((count, size + 1), -np.inf)
    log_sum[:, 0] = 0.0
    for j in range(n):
        low, high = _reach(j, n, size)
        chosen = log_sum[:, low - 1 : high] + eta[:, j, None]
        log_sum[:, low : high + 1] = np.logaddexp(log_sum[:, low : high + 1], chosen)
    return log_sum[:, size]


def subset_moments(eta: Array, columns: Array, size: int) -> tuple[Array, Array, Array]:
    """Return log e_size with its first and second derivatives.

    Parameters
    ----------
    eta : ndarray of shape (B, n)
    columns : ndarray of shape (B, n, p)
        Derivatives of eta.
    size : int

    Returns
    -------
    log_sum : ndarray of shape (B,)
    mean : ndarray of shape (B, p)
        Mean of the columns' sum over a random subset, less that of the first rows: near
        certainty their difference is small, and must not be found by subtraction.
    covariance : ndarray of shape (B, p, p)
        Its covariance.
    """
    if size == 1:
        return _row_moments(eta, columns)
    count, n, p = columns.shape
    log_sum = np.full((count, size + 1), -np.inf)
    log_sum[:, 0] = 0.0
    mean = np.zeros((count, size + 1, p))
    mean[:, 0] = -columns[:, :size].sum(axis=1)
    covariance = np.zeros((count, size + 1, p, p))
    for j in range(n):
        low, high = _reach(j, n, size)
        fewer, now = slice(low - 1, high), slice(low, high + 1)
        chosen = log_sum[:, fewer] + eta[:, j, None]
        total = np.logaddexp(log_sum[:, now], chosen)
        share = np.exp(chosen - total)[:, :, None]
        rest = np.exp(log_sum[:, now] - total)[:, :, None]
        gap = mean[:, fewer] + columns[:, j, None, :] - mean[:, now]
        between = (share * rest * gap)[..., None] * gap[:, :, None, :]
        within = rest[..., None] * covariance[:, now] + share[..., None] * covariance[:, fewer]
        mean[:, now] += share * gap
        covariance[:, now] = within + between
        log_sum[:, now] = total
        if j == size - 1:  # the only subset so far is that of the first rows
            mean[:, size] = 0.0
    return log_sum[:, size], mean[:, size], covariance[:, size]


def _row_moments(eta: Array, columns: Array) -> tuple[Array, Array, Array]:
    """Return `subset_moments` of subsets of one row, without the recursion.

    Differences are from the first row for the mean, and from the likeliest for the
    covariance, so that neither cancels near certainty.
    """
    log_sum = np.logaddexp.reduce(eta, axis=1)
    share = np.exp(eta - log_sum[:, None])
    mean = np.einsum("bn,bnp->bp", share, columns - columns[:, :1])
    likeliest = columns[np.arange(eta.shape[0]), eta.argmax(axis=1)]
    moved = columns - likeliest[:, None]
    centre = np.einsum("bn,bnp->bp", share, moved)
    square = (moved * share[:, :, None]).transpose(0, 2, 1) @ moved
    return log_sum, mean, square - centre[:, :, None] * centre[:, None, :]


def _reach(j: int, n: int, size: int) -> tuple[int, int]:
    """Return the sizes, after row j, from which ``size`` is still reached after row n - 1."""
    return max(1, size - (n - 1 - j)), min(j + 1, size)


@dataclass(frozen=True, slots=True)
class ConditionalLikelihood:
    """The conditional likelihood of strata, given their numbers of cases.

    Parameters
    ----------
    blocks : tuple of Block
        Every stratum from 0 on in one of them.
    weight : ndarray of shape (n_strata,), optional
        How much each stratum counts; 1 by default.
    """

    blocks: tuple[Block, ...]
    weight: Array | None = None

    canonical = True
    newton_below = 1.0
    """Observed and expected information are the same."""

    def deviance(self, eta: Array) -> float:
        """Return -2 log-likelihood at eta, shape (n,)."""
        total = 0.0
        for whole in self.blocks:
            for block in whole.parts(0):
                local = _predictors(block, eta)
                total += float(self._weighted(block, _losses(block, local)).sum())
        return 2.0 * total

    def reach(self, eta: Array) -> float:
        """Return the largest difference of two predictors of a stratum."""
        return max(float(-_predictors(block, eta).min()) for block in self.blocks)

    def evaluate(self, eta: Array, columns: Array) -> SuffStats:
        """Return deviance, score and information.

        Parameters
        ----------
        eta : ndarray of shape (n,)
        columns : ndarray of shape (n, p)
        """
        p = columns.shape[1]
        total, score, information = 0.0, np.zeros(p), np.zeros((p, p))
        for whole in self.blocks:
            for block in whole.parts(p):
                local = _predictors(block, eta)
                moves = block.sign * columns[block.rows]
                log_sum, mean, covariance = subset_moments(local, moves, block.chosen)
                losses = log_sum - local[:, : block.chosen].sum(axis=1)
                total += float(self._weighted(block, losses).sum())
                score -= self._weighted(block, mean).sum(axis=0)
                information += self._weighted(block, covariance).sum(axis=0)
        return SuffStats(2.0 * total, score, information)

    def shares(self, eta: Array, columns: Array) -> tuple[Array, Array]:
        """Return what strata add to score (n_strata, p) and information (n_strata, p, p)."""
        p = columns.shape[1]
        score, information = np.zeros((self.n_strata, p)), np.zeros((self.n_strata, p, p))
        for whole in self.blocks:
            for block in whole.parts(p):
                moves = block.sign * columns[block.rows]
                _, mean, covariance = subset_moments(_predictors(block, eta), moves, block.chosen)
                score[block.strata] = -self._weighted(block, mean)
                information[block.strata] = self._weighted(block, covariance)
        return score, information

    @property
    def n_strata(self) -> int:
        """Number of strata."""
        return sum(block.strata.size for block in self.blocks)

    def _weighted(self, block: Block, values: Array) -> Array:
        """Return values of the block's strata (first axis) times their weights."""
        if self.weight is None:
            return values
        weight = self.weight[block.strata]
        return np.asarray(values * weight.reshape(-1, *[1] * (values.ndim - 1)))


def _losses(block: Block, local: Array) -> Array:
    """Return minus the log-likelihood of strata at predictors (B, n), the chosen ones first."""
    return np.asarray(log_subsets(local, block.chosen) - local[:, : block.chosen].sum(axis=1))


def _predictors(block: Block, eta: Array) -> Array:
    """Return eta by stratum less its largest, which changes no probability, shape (B, n)."""
    local = block.sign * eta[block.rows]
    return np.asarray(local - local.max(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class StrataPass:
    """Passes over strata for the scoring loop (see `Pass`).

    Attributes
    ----------
    columns : ndarray of shape (n, p)
        Of full column rank within strata; best centred there, which changes no
        probability.
    offset : ndarray of shape (n,) or None
    likelihood : ConditionalLikelihood
    """

    columns: Array
    offset: Array | None
    likelihood: ConditionalLikelihood

    def __call__(self, theta: Array, *, observed: bool = False) -> SuffStats:
        """Return deviance, score and information at ``theta``."""
        return self._evaluate(theta, self.columns)

    def score_rows(self, theta: Array) -> Array:
        """Return what each stratum adds to the score, shape (n_strata, p)."""
        with np.errstate(all="ignore"):
            return self.likelihood.shares(self.eta(theta), self.columns)[0]

    @property
    def streamed(self) -> bool:
        """Whether rows are read anew for each pass: strata are held in memory."""
        return False

    @property
    def n_units(self) -> int:
        """Number of strata."""
        return self.likelihood.n_strata

    def contributions(
        self, theta: Array, order: Rows, *, information: bool = False
    ) -> Iterator[Contributions]:
        """Yield what strata, in the given order, add to the score and to the information."""
        with np.errstate(all="ignore"):
            score, grams = self.likelihood.shares(self.eta(theta), self.columns)
        yield Contributions(order, score[order], grams[order] if information else None)

    @property
    def many(self) -> bool:
        """The information costs no more than the score."""
        return False

    def slope(self, theta: Array) -> Slope:
        """Return deviance and score at ``theta``; the recursion finds all or nothing."""
        stats = self._evaluate(theta, self.columns)
        return Slope(stats.deviance, stats.score)

    def deviance(self, theta: Array) -> float:
        """Return the deviance alone."""
        with np.errstate(all="ignore"):
            return self.likelihood.deviance(self.eta(theta))

    def eta(self, theta: Array) -> Array:
        """Return the predictors of all rows, shape (n,)."""
        eta = self.columns @ theta
        return eta if self.offset is None else eta + self.offset

    def triangle(self, theta: Array, length: Array) -> Triangular | None:
        """Return the triangle of the columns, divided by ``length`` and not weighted.

        Unlike rows, strata have no weight whose root could stand beside them; `rotated`
        finds the information in these columns.
        """
        upper = merge_triangular(None, self.columns / length)
        if not np.isfinite(upper).all():
            return None
        square = np.zeros((length.size, length.size))
        square[: upper.shape[0]] = upper
        return Triangular(square, length)

    def rotated(self, theta: Array, triangle: Triangular, *, observed: bool = True) -> SuffStats:
        """Return score and information in the columns X D R^-1."""
        return self._evaluate(theta, self.columns @ triangle.whitening())

    def largest_moves(self, *thetas: Array) -> tuple[float, ...]:
        """Return the largest absolute predictor of any row under each theta, offset left out."""
        return tuple(float(np.abs(self.columns @ theta).max(initial=0.0)) for theta in thetas)

    def dispersion_guess(self, deviance: float) -> float:
        """Return the dispersion, which is 1."""
        return 1.0

    def chosen(self, kept: Rows) -> StrataPass:
        """Return the pass over some of the columns."""
        return replace(self, columns=np.ascontiguousarray(self.columns[:, kept]))

    def reach(self, theta: Array) -> float:
        """Return the largest difference of two predictors of a stratum."""
        return self.likelihood.reach(self.eta(theta))

    def information_slopes(self, theta: Array, columns: Array) -> Array:
        """Return c' (dI / dtheta_j) c for the j-th column c of a matrix (see `Pass`)."""
        out = np.zeros(theta.size)
        if not self.columns.size:
            return out
        for j, (column, size) in enumerate(
            zip(columns.T, np.abs(self.columns).max(0), strict=True)
        ):
            step = np.zeros(theta.size)
            step[j] = STEP / size
            change = self(theta + step).information - self(theta - step).information
            out[j] = column @ change @ column * size / (2.0 * STEP)
        return out

    def derivative_rows(self) -> Iterator[Array]:
        """Yield the columns, with which the predictors of all rows move."""
        yield self.columns

    def differences(self) -> Array:
        """Return case less control for every such pair of a stratum, shape (n_pairs, p)."""
        pairs = []
        for block in self.likelihood.blocks:
            chosen = self.columns[block.rows[:, : block.chosen]]
            others = self.columns[block.rows[:, block.chosen :]]
            moves = block.sign * (chosen[:, :, None, :] - others[:, None, :, :])
            pairs.append(moves.reshape(-1, self.columns.shape[1]))
        return np.concatenate(pairs)

    @property
    def n_pairs(self) -> int:
        """Number of pairs of a case and a control of the same stratum."""
        return sum(
            block.rows.shape[0] * block.chosen * (block.rows.shape[1] - block.chosen)
            for block in self.likelihood.blocks
        )

    def _evaluate(self, theta: Array, columns: Array) -> SuffStats:
        with np.errstate(all="ignore"):
            return self.likelihood.evaluate(self.eta(theta), columns)
