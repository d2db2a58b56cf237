"""A pass whose rows also have effects of factors with many levels, profiled out.

The predictors are eta = X theta + D alpha. At each theta the effects alpha are those that
maximise the likelihood, found by Newton's method in the space of the levels; score and
information are those of the profile likelihood of theta,

    score = X'u,    information = X'WX - X'WD (D'WD)^- D'WX = M' W M,

where M is X with its effects taken out under the weights W (weighted demeaning). So any
solver that takes a pass fits a model with effects, and its maximum is that of the model
with all indicator columns, to the last digits.

X is kept with its effects under the weights of the start taken out already: the same
model with other effects, but nothing is lost to cancellation where X varies between
levels far more than within. Errors of the demeaning enter the information in the second
order only, and the solution not at all: what is asked to be 0 is the score of all rows.

References
----------
Stammann, A. (2018). Fast and feasible estimation of generalized linear models with
high-dimensional k-way fixed effects. arXiv:1707.01815.
Correia, S., Guimaraes, P. and Zylkin, T. (2020). Fast Poisson estimation with
high-dimensional fixed effects. *The Stata Journal* 20, 95-115.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from glmfit import likelihoods
from glmfit.design import Dense
from glmfit.engine.control import Control
from glmfit.engine.effects import Effects, Gram
from glmfit.engine.executor import map_chunks, one_blas_thread
from glmfit.engine.irls import Solution, approach, fit_irls
from glmfit.engine.linalg import Alias, Triangular, cholesky, independent_columns
from glmfit.engine.passes import EtaStats, Likelihood, Pass, Slope, SuffStats
from glmfit.engine.rank import check_sizes
from glmfit.errors import FitError, NotAvailableError
from glmfit.sources import Rows

__all__ = ["AbsorbedPass", "AbsorbedStart", "absorb", "fit_absorbed"]

Array = NDArray[np.float64]

WITHIN = 1e-8
"""Share of its length that a column must vary by within levels, not to be one of them."""

SAFE_PIVOT = 1e-3
"""Smallest pivot from which sums of products alone show that the rank is full."""

EXACT = 1e-12
"""Residual of the first demeaning, which decides on the rank."""

ROUGH = 1e-4
"""Residual of a Newton step of the effects, which the next step mends."""

FAR = 1e-2
"""Newton decrement of the effects that will do while the coefficients are on their way."""

MOST_STEPS = 60
"""Newton steps of the effects at one theta."""

MOST_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class _Profile:
    """The effects at some theta, and the rows there.

    Attributes
    ----------
    theta : ndarray of shape (p,)
    alpha : ndarray of shape (L,)
    eta, score, weight : ndarray of shape (n,)
        Of the rows; ``weight`` is the observed information where ``observed``.
    deviance : float
    gradient : ndarray of shape (L,)
        Score of the effects.
    gram : Gram
        Their information.
    step : ndarray of shape (L,)
        The Newton step that is left.
    observed : bool
    """

    theta: Array
    alpha: Array
    eta: Array
    score: Array
    weight: Array
    deviance: float
    gradient: Array
    gram: Gram
    step: Array
    observed: bool

    @property
    def gain(self) -> float:
        """What the step that is left would lower the deviance by."""
        return max(float(self.gradient @ self.step), 0.0)


@dataclass(slots=True)
class _Memory:
    """Where the last evaluation ended: it speeds up the next and changes nothing else."""

    profile: _Profile | None = None
    slope: Array | None = None
    """(D'WD)^- D'WX there, shape (L, p): minus the derivative of the effects by theta."""


@dataclass(frozen=True, slots=True)
class AbsorbedPass:
    """Passes over rows with effects; every method means what it means for `Pass`.

    Statistics at a theta do not depend on where the pass was before but in rounding.

    Attributes
    ----------
    base : Pass
        Rows, the effects under ``shift`` taken out of the columns.
    effects : Effects
    shift : ndarray of shape (L, p)
        The columns of the model are those of ``base`` plus D shift.
    constant : float
        Predictor of the model that has nothing else.
    close : float
        Newton decrement below which effects are the best at a theta, in standard errors.
    """

    base: Pass
    effects: Effects
    shift: Array
    constant: float
    close: float
    memory: _Memory = field(default_factory=_Memory, repr=False, compare=False)

    @property
    def likelihood(self) -> Likelihood:
        """The likelihood of the rows."""
        return self.base.likelihood

    @property
    def control(self) -> Control:
        """The limits of the fit."""
        return self.base.control

    @property
    def streamed(self) -> bool:
        """Whether rows are read anew for each pass: they are held in memory."""
        return False

    @property
    def rows(self) -> Rows:
        """The rows; their design is the demeaned one."""
        return self.base.held

    @property
    def columns(self) -> Array:
        """The columns of ``base``, shape (n, p)."""
        return cast(Dense, self.base.held.design).values

    def __call__(self, theta: Array, *, observed: bool = False) -> SuffStats:
        """Return deviance, score and information of the profile likelihood at ``theta``."""
        profile = self.profile(theta)
        if profile is None:
            p = theta.size
            return SuffStats(np.inf, np.zeros(p), np.zeros((p, p)))
        weight, gram = profile.weight, profile.gram
        if not self.likelihood.canonical and observed != profile.observed:
            weight = self._evaluated(profile.eta, observed=observed).weight
            gram = self.effects.gram(weight)
        whole = self._products(weight)
        slope, cross = self._slope(gram, weight, whole)
        left = cross - gram.times(slope)
        information = whole - cross.T @ slope - slope.T @ left
        score = self.columns.T @ profile.score - slope.T @ profile.gradient
        return SuffStats(
            profile.deviance - profile.gain, score, 0.5 * (information + information.T)
        )

    def deviance(self, theta: Array) -> float:
        """Return the deviance at the best effects."""
        profile = self.profile(theta)
        return np.inf if profile is None else profile.deviance - profile.gain

    @property
    def many(self) -> bool:
        """Whether rows are so many that their information costs more than all else."""
        return False

    def slope(self, theta: Array) -> Slope:
        """Return deviance and score of the profile likelihood alone."""
        stats = self(theta)
        return Slope(stats.deviance, stats.score)

    def derivative_rows(self) -> Iterator[Array]:
        """Yield the columns, effects taken out of them, chunk by chunk."""
        yield from self.base.derivative_rows()

    def information_slopes(self, theta: Array, columns: Array) -> Array:
        """Refuse: how the profile information moves with theta is not worked out."""
        raise NotAvailableError(
            "How standard errors change with the estimates (the Hauck-Donner effect) is not "
            "available with absorbed factors. conf_int(method='profile') profiles the likelihood."
        )

    def triangle(self, theta: Array, length: Array) -> Triangular | None:
        """Return the triangle of the weighted demeaned columns, divided by ``length``."""
        centred = self.centred(theta)
        return None if centred is None else centred.triangle(np.zeros(theta.size), length)

    def rotated(self, theta: Array, triangle: Triangular, *, observed: bool = True) -> SuffStats:
        """Return score and information in the orthonormal columns of ``triangle``."""
        centred = self.centred(theta)
        if centred is None:
            p = theta.size
            return SuffStats(np.inf, np.zeros(p), np.zeros((p, p)))
        return centred.rotated(np.zeros(theta.size), triangle, observed=observed)

    def largest_moves(self, *thetas: Array) -> tuple[float, ...]:
        """Return the largest move of a predictor along each theta, the effects following."""
        found = []
        for theta in thetas:
            move = self.columns @ theta
            if self.memory.slope is not None:
                move -= self.effects.rows(self.memory.slope @ theta)
            found.append(float(np.abs(move).max(initial=0.0)))
        return tuple(found)

    def dispersion_guess(self, deviance: float) -> float:
        """Return the dispersion if it is known, else a first idea of it."""
        return self.base.dispersion_guess(deviance)

    def score_rows(self, theta: Array) -> Array:
        """Return what each row adds to the score of the profile likelihood, shape (n, p)."""
        centred = self.centred(theta)
        if centred is None:
            raise FitError("The coefficients lie outside the domain of the model.")
        return centred.score_rows(np.zeros(theta.size))

    def centred(self, theta: Array) -> Pass | None:
        """Return a pass over the demeaned columns M whose coefficients are moves from theta.

        None outside the domain. Predictors at ``theta`` are its offset.
        """
        profile = self.profile(theta)
        if profile is None:
            return None
        weight = self._evaluated(profile.eta, observed=False).weight
        slope, _ = self._slope(self.effects.gram(weight), weight, self._products(weight))
        columns = self.columns - self.effects.rows(slope)
        rows = replace(self.base.held, design=Dense(columns), offset=profile.eta)
        return replace(self.base, rows=rows)

    def eta(self, theta: Array) -> Array:
        """Return the predictors of all rows at the best effects, offset included, shape (n,)."""
        profile = self.profile(theta)
        if profile is None:
            raise FitError("The coefficients lie outside the domain of the model.")
        return profile.eta + self.effects.rows(profile.step)

    def levels(self, theta: Array) -> Array:
        """Return the effects at ``theta``, as they go with the columns of the model, (L,)."""
        profile = self.profile(theta)
        if profile is None:
            raise FitError("The coefficients lie outside the domain of the model.")
        return profile.alpha + profile.step - self.shift @ theta

    # -- the effects at a theta ----------------------------------------------------------

    def profile(self, theta: Array) -> _Profile | None:
        """Return the best effects at ``theta``; None outside the domain."""
        last = self.memory.profile
        with np.errstate(all="ignore"):
            if last is not None and np.array_equal(last.theta, theta):
                self.memory.profile = found = self._climbed(last)
                return found
            for alpha in self._starts(theta):
                point = self._point(theta, alpha)
                if point is not None:
                    self.memory.profile = found = self._climbed(point)
                    return found
        return None

    def _starts(self, theta: Array) -> list[Array]:
        """Return where to look for the effects, the likeliest place first."""
        constant = np.zeros(self.effects.size)
        constant[: self.effects.counts[0]] = self.constant
        last, slope = self.memory.profile, self.memory.slope
        if last is None:
            return [constant]
        reached = last.alpha + last.step
        follow = [] if slope is None else [reached - slope @ (theta - last.theta)]
        return [*follow, reached, constant]

    def _climbed(self, point: _Profile) -> _Profile:
        """Return the point at which the effects are the best."""
        for _ in range(MOST_STEPS):
            phi = self.dispersion_guess(point.deviance)
            if point.gain <= self.close**2 * phi:
                break
            following = self._advanced(point)
            if following is None:
                break
            point = following
        return point

    def _advanced(self, point: _Profile) -> _Profile | None:
        limit = point.deviance + 1e-12 * abs(point.deviance)
        share = 1.0
        for _ in range(MOST_HALVINGS):
            following = self._point(point.theta, point.alpha + share * point.step, limit)
            if following is not None:
                return following
            share *= 0.5
        return None

    def _point(self, theta: Array, alpha: Array, limit: float = np.inf) -> _Profile | None:
        eta = self.columns @ theta
        eta += self.effects.rows(alpha)
        if self.rows.offset is not None:
            eta += self.rows.offset
        observed = not self.likelihood.canonical
        stats = self._evaluated(eta, observed=observed)
        if observed and stats.weight.min(initial=1.0) <= 0.0:
            observed = False
            stats = self._evaluated(eta, observed=False)
        if not (np.isfinite(stats.deviance) and stats.deviance <= limit):
            return None
        gradient = self.effects.sums(stats.score)
        gram = self.effects.gram(stats.weight)
        column = gradient[:, None]
        enough = max(self.close * np.sqrt(self.dispersion_guess(stats.deviance)), _noise(stats))
        limit_step = np.maximum(ROUGH * gram.length(column), 0.1 * enough)
        step = gram.solve(column, None, limit_step)[:, 0]
        return _Profile(
            theta, alpha, eta, stats.score, stats.weight, stats.deviance, gradient, gram, step,
            observed,
        )  # fmt: skip

    # -- sums over rows ------------------------------------------------------------------

    def _evaluated(self, eta: Array, *, observed: bool) -> EtaStats:
        """Return the deviance, and score and weight of all rows."""
        rows = replace(self.base.held, offset=eta)
        deviance = 0.0
        score, weight = np.empty_like(eta), np.empty_like(eta)
        start = 0

        def statistics(chunk: Rows) -> EtaStats:
            with np.errstate(all="ignore"):
                assert chunk.offset is not None
                return self.likelihood.evaluate(
                    chunk.y, chunk.offset, chunk.weight, observed=observed
                )

        for part in map_chunks(statistics, rows, self.control):
            stop = start + part.score.size
            score[start:stop], weight[start:stop] = part.score, part.weight
            deviance += part.deviance
            start = stop
        return likelihoods.EtaStats(deviance, score, weight)

    def _products(self, weight: Array) -> Array:
        rows = replace(self.base.held, offset=None, weight=weight)

        def product(chunk: Rows) -> Array:
            assert chunk.weight is not None
            return chunk.design.sandwich(chunk.weight)

        return np.asarray(sum(map_chunks(product, rows, self.control)))

    def _slope(self, gram: Gram, weight: Array, whole: Array) -> tuple[Array, Array]:
        """Return (D'WD)^- D'WX, and D'WX, shape (L, p) both; ``whole`` is X'WX."""
        cross = self.effects.cross(weight, self.columns)
        limit = self.close * np.sqrt(np.diag(whole))
        slope = gram.solve(cross, self.memory.slope, limit)
        self.memory.slope = slope
        return slope, cross


def fit_absorbed(start: AbsorbedStart, theta: Array, *, observed: bool = False) -> Solution:
    """Maximise the likelihood from ``theta``: first with effects that are rough, then exact."""
    run = start.run
    if theta.size == 0:
        return _effects_alone(run)
    control = replace(run.control, disp=False)
    with one_blas_thread:
        rough = replace(run, close=FAR, base=replace(run.base, control=control))
        near = approach(rough, theta)
        begin = theta if near is None else near[0]
        return fit_irls(run, begin, run.control, observed=observed)


def _effects_alone(run: AbsorbedPass) -> Solution:
    nothing = np.zeros(0)
    reason = "the effects are all that there is to estimate"
    return Solution(
        nothing, run.deviance(nothing), nothing, np.zeros((0, 0)), 1.0, True, reason, ()
    )


@dataclass(frozen=True, slots=True)
class AbsorbedStart:
    """A pass with effects whose columns are independent of them and of one another.

    Attributes
    ----------
    run : AbsorbedPass
        Over the kept columns.
    theta : ndarray of shape (p,)
        The first least-squares fit.
    kept : ndarray of int
        Positions of the columns.
    absorbed : ndarray of int
        Positions of columns that are sums of effects.
    aliased : list of Alias
        Other columns, which those before them determine within levels.
    """

    run: AbsorbedPass
    theta: Array
    kept: NDArray[np.intp]
    absorbed: NDArray[np.intp]
    aliased: list[Alias]

    @property
    def inside(self) -> bool:
        """Whether ``theta`` is known to lie in the domain of the model."""
        last = self.run.memory.profile
        return last is not None and np.array_equal(last.theta, self.theta)


def absorb(run: Pass, effects: Effects) -> AbsorbedStart:
    """Take effects out of the columns of a pass, and start its fit.

    Parameters
    ----------
    run : Pass
        Rows, all of positive weight, whose columns need not be independent.
    effects : Effects
    """
    weight, target, constant = _first_weights(run)
    columns = np.array(run.held.design.toarray(), dtype=np.float64, order="C")
    check_sizes(np.abs(columns).max(axis=0, initial=0.0))
    length = np.linalg.norm(columns, axis=0)
    gram = effects.gram(weight)
    right = np.column_stack([effects.cross(weight, columns), effects.sums(target)])
    lengths = np.sqrt(np.einsum("n,np,np->p", weight, columns, columns))
    limit = EXACT * np.append(lengths, math.sqrt(_squares(target, weight)))
    solved = gram.solve(right, None, limit)
    shift, alpha = solved[:, :-1], solved[:, -1]
    columns -= effects.rows(shift)
    within = np.linalg.norm(columns, axis=0) > WITHIN * length
    positions = np.flatnonzero(within)
    rows = replace(run.held, design=Dense(np.ascontiguousarray(columns[:, within])))
    kept, aliased = _independent(replace(run, rows=rows), weight)
    chosen = positions[kept]
    if kept.size < positions.size:
        rows = replace(rows, design=Dense(np.ascontiguousarray(columns[:, chosen])))
    absorbed = AbsorbedPass(
        replace(run, rows=rows),
        effects,
        np.ascontiguousarray(shift[:, chosen]),
        constant,
        0.1 * run.control.tol,
    )
    back = [Alias(int(positions[a.column]), positions[a.sources], a.weights) for a in aliased]
    theta = _first_step(absorbed, weight, target)
    point = absorbed._point(theta, alpha)
    if point is not None:
        absorbed.memory.profile = point
    elif theta.size:
        theta = np.zeros_like(theta)
    return AbsorbedStart(absorbed, theta, chosen, np.flatnonzero(~within), back)


def _squares(score: Array, weight: Array) -> float:
    """Return the sum of score^2 / weight, rows without weight left out."""
    some = weight > 0.0
    return float(np.divide(score * score, weight, out=np.zeros_like(score), where=some).sum())


def _noise(stats: EtaStats) -> float:
    """Return the length of the rounding in sums of the score within levels."""
    return 4.0 * float(np.finfo(float).eps) * math.sqrt(_squares(stats.score, stats.weight))


def _first_weights(run: Pass) -> tuple[Array, Array, float]:
    """Return weights and right-hand side of the least-squares fit that `Pass.start` begins with.

    And the predictor of a constant model.
    """
    constant = float(run.starter.constant_eta(run.mean_response()))

    def statistics(chunk: Rows) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            eta = run.starter.starting_eta(chunk.y, chunk.weight)
            usable = np.isfinite(eta) & run.likelihood.eta_domain.contains(eta)
            eta = np.where(usable, eta, constant)
            rows = run.likelihood.evaluate(chunk.y, eta, chunk.weight)
            centred = eta if chunk.offset is None else eta - chunk.offset
            return rows.weight, rows.weight * centred + rows.score

    parts = list(map_chunks(statistics, run.rows, run.control))
    weight = np.concatenate([each for each, _ in parts])
    return weight, np.concatenate([each for _, each in parts]), constant


def _independent(run: Pass, weight: Array) -> tuple[NDArray[np.intp], list[Alias]]:
    """Return the demeaned columns that those before them do not determine, and the others."""
    factor = cholesky(run.rows.design.sandwich(weight))
    if factor is not None and factor.smallest_pivot > SAFE_PIVOT:
        return np.arange(run.rows.design.shape[1], dtype=np.intp), []
    return independent_columns(run.design_triangle(), WITHIN)


def _first_step(run: AbsorbedPass, weight: Array, target: Array) -> Array:
    factor = cholesky(run._products(weight))
    if factor is None:
        return np.zeros(run.columns.shape[1])
    return factor.solve(run.columns.T @ target)
