"""Predictors of counts that run away: what of a fit stays finite, and what does not.

Some rows may let a predictor go for ever. That is separation where no row loses by it: a
level of a factor with no count above 0, say. It is the end of the zero part where zeros
that are certain are not needed: their probability falls to 0 in some rows, or in all of
them, and what is left there are counts as their distribution has them. Both are directions
along which the likelihood rises to a limit, and the fit is that limit.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from glmfit.counts import CountLikelihood
from glmfit.engine.irls import Solution, fit_irls
from glmfit.engine.linalg import independent_columns, merge_triangular
from glmfit.engine.passes import Pass
from glmfit.engine.runaway import certified_separation, constraint_rows, separation_of
from glmfit.engine.separation import MOVED, Separation
from glmfit.errors import SeparationWarning, warn
from glmfit.likelihoods import Recession
from glmfit.models.classes import limit_rows
from glmfit.models.records import widen
from glmfit.sources import Rows

__all__ = ["Runaway", "near_an_end", "runaway", "warn_of_runaway"]

Array = NDArray[np.float64]

STILL = 1e-4
"""Share of the largest move of a row below which it is taken to stay, until proved."""


MOVING = 0.1
"""Move of a predictor that is no rounding: what runs away does so by 1 a step."""

FAR = 10.0
"""Logit from which a probability that runs away has all but reached its end."""

HIDDEN = 20.0
"""Logit or logarithm at which the score of a row is lost in rounding."""


@dataclass(frozen=True, slots=True)
class Runaway:
    """A direction in which a likelihood rises to a limit, and the fit there.

    Attributes
    ----------
    found : Separation
        Over the coefficients and rows of the pass.
    limit : Solution
        Of the coefficients ``inner``, the others being at their ends.
    inner : ndarray of int
    vanishing : bool
        Whether some certain zeros vanish, in place of separation.
    """

    found: Separation
    limit: Solution
    inner: NDArray[np.intp]
    vanishing: bool
    certain: int = 0
    """Rows, zeros all, where they become certain at the same time."""

    def widened(self, kept: NDArray[np.intp], p: int, weight: Array | None) -> Separation:
        """Return the direction over all p coefficients and all rows used."""
        rows = self.found.rows
        if weight is not None and not weight.all():
            rows = np.zeros(weight.size, dtype=bool)
            rows[np.flatnonzero(weight)] = self.found.rows
        return Separation(
            direction=widen(self.found.direction, kept, p, 0.0),
            rows=rows,
            complete=self.found.complete,
            finite=widen(self.found.finite, kept, p, True).astype(bool),
        )


@dataclass(frozen=True, slots=True)
class _Drift:
    """Stands in for a likelihood whose responses say how each predictor may move.

    ``y`` (n, M) are signs; each predictor of each row is bound to its own.
    """

    count: int

    def recession(self, y: Array) -> list[Recession]:
        """Return each predictor with the signs that were given."""
        every = np.ones(y.shape[0], dtype=bool)
        return [
            Recession(unit, y[:, m].astype(np.int8), every)
            for m, unit in enumerate(np.eye(self.count))
        ]


def runaway(run: Pass, solution: Solution) -> Runaway | None:
    """Return where a fit runs to that did not settle, or None if it runs nowhere."""
    found = separation_of(run, solution)
    vanishing = found is None
    if found is None:
        found = _vanishing(run, solution)
    if found is None:
        return None
    limit, inner = _limit(run, found, solution)
    certain = run.predictor.drift(found.direction)[:, 0] > MOVED
    return Runaway(found, limit, inner, vanishing, int(certain.sum()) if vanishing else 0)


def _vanishing(run: Pass, solution: Solution) -> Separation | None:
    """Return the direction in which chances of certain zeros go to 0 or 1, if there is one."""
    if not cast(CountLikelihood, run.likelihood).zeros_mixed:
        return None
    logit = run.eta(solution.resting)[:, 0]
    for step in (_last_move(run, solution), _zeros_alone(run, solution.resting)):
        found = _vanishing_along(run, step, logit)
        if found is not None:
            return found
    return None


def _vanishing_along(run: Pass, step: Array, logit: Array) -> Separation | None:
    """Return the direction that a step shows to those who see how far logits have gone."""
    drift = run.predictor.drift(step)
    reach = float(np.abs(drift).max())
    signs = np.where(np.abs(drift) > STILL * reach, np.sign(drift), 0.0)
    there = (signs[:, 0] * logit >= FAR)[signs[:, 0] != 0.0].all()
    certain = ((signs[:, 0] > 0.0) & (run.held.y > 0.0)).any()
    if reach == 0.0 or not there or certain or (signs[:, 1:] != 0.0).any():
        return None
    likelihood = _Drift(signs.shape[1])
    told = replace(run, rows=replace(run.held, y=signs), likelihood=likelihood)  # type: ignore[arg-type]
    return certified_separation(told, step)


def _zeros_alone(run: Pass, theta: Array) -> Array:
    """Return the coefficients of the zero part, the others 0.

    They point to where every logit goes that has gone far, when rounding has taken the
    steps over.
    """
    p = run.predictor.design.shape[1]
    owned = np.abs(run.predictor.constraints[:p]).sum(axis=0) > 0.0
    return np.where(owned, theta, 0.0)


def _last_move(run: Pass, solution: Solution) -> Array:
    """Return the last step that moved a predictor by more than rounding, 0 if none did."""
    for before, after in reversed(list(itertools.pairwise(solution.history))):
        step = after.theta - before.theta
        if np.abs(run.predictor.drift(step)).max() > MOVING:
            return np.asarray(step)
    return np.zeros(solution.theta.size)


def near_an_end(run: Pass, theta: Array) -> bool:
    """Return whether some predictor has gone so far that rounding may hide that it goes on."""
    zeros = cast(CountLikelihood, run.likelihood).zero_part

    def ends(chunk: Rows, eta: Array) -> bool:
        wide = eta.reshape(chunk.n, -1)
        mean = wide[:, int(zeros)]
        return bool((mean < -HIDDEN).any() or (zeros and (np.abs(wide[:, 0]) > HIDDEN).any()))

    return any(run.visit(theta, ends))


def _limit(run: Pass, found: Separation, solution: Solution) -> tuple[Solution, NDArray[np.intp]]:
    """Return the fit far out along a direction, and the coefficients that it rests on."""
    ended = replace(
        solution,
        converged=False,
        reason="the likelihood rises for ever along a direction, so no finite estimate exists",
    )
    moves, _, _ = constraint_rows(run)
    still = moves[np.abs(moves @ found.direction) <= MOVED]
    if still.shape[0] == 0:
        nothing = np.zeros(0)
        return (
            replace(ended, theta=nothing, covariance=np.zeros((0, 0)), settled=True),
            np.zeros(0, dtype=np.intp),
        )
    inner, _ = independent_columns(merge_triangular(None, still), run.control.rank_tol)
    start = np.asarray(np.linalg.lstsq(still[:, inner], still @ solution.theta, rcond=None)[0])
    rows = limit_rows(run.held, run.likelihood, run.predictor, found.direction)  # type: ignore[arg-type]
    rest = replace(run, rows=rows, vector=run.predictor.chosen(inner).apart())
    fit = fit_irls(rest, start, run.control.certain(), observed=True)
    return (
        replace(
            ended,
            theta=fit.theta,
            deviance=fit.deviance,
            covariance=fit.covariance,
            condition=fit.condition,
            settled=fit.settled,
        ),
        inner,
    )


def warn_of_runaway(
    found: Runaway, kept: NDArray[np.intp], names: tuple[str, ...], response: str
) -> None:
    """Say which coefficients are not finite, and why."""
    lost = ", ".join(names[j] for j in kept[~found.found.finite])
    rows, total = int(found.found.rows.sum()), found.found.rows.size
    if found.vanishing:
        rising = f", and rises to 1 in {found.certain} others" if found.certain else ""
        told = (
            f"{response!r} has no more zeros than its distribution gives in {rows - found.certain} "
            f"of {total} rows: the probability of a zero of another kind falls to 0 there{rising}, "
            f"so no finite maximum-likelihood estimate exists. Not finite: {lost}. The numbers "
            "shown are the limit. Leave these terms out of the inflation, or use a model "
            "without it."
        )
    else:
        told = (
            f"The data are separated: a combination of columns predicts {rows} of {total} "
            "responses perfectly, so no finite maximum-likelihood estimate exists. Not finite: "
            f"{lost}. The numbers shown are the limit, with the coefficients of the remaining "
            "rows. Remove or merge the terms named; result.separation has the rest."
        )
    warn(told, SeparationWarning)
