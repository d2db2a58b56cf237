"""The dispersion of a fit, and log-likelihoods at it.

The log-likelihood is a sum over rows at mu = y, which depends on the dispersion alone, less
half of the deviance over the dispersion. So it is maximised over the dispersion without the
coefficients, whose estimates do not depend on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.irls import Solution
from glmfit.engine.passes import Pass
from glmfit.errors import ArgumentError, FitError
from glmfit.families import Family, Working
from glmfit.likelihoods import GLMLikelihood
from glmfit.models.data import ModelData
from glmfit.results.record import FitRecord
from glmfit.sources import Rows

__all__ = [
    "SLICE",
    "Dispersion",
    "Saturated",
    "dispersion_of",
    "ending",
    "ending_of",
    "log_likelihood_at",
    "log_likelihoods",
    "pearson_sum",
    "submodel_llf",
    "tallied",
]

Array = NDArray[np.float64]

FEW = 256
"""Whole number below which equal responses are counted."""

SLICE = 65536
"""Rows of which a value each is computed at a time."""

PERFECT = 1e-11
"""Unit deviance of a row that is fitted perfectly but for rounding."""

BY_DEVIANCE = "estimated by the deviance"
BY_LIKELIHOOD = "estimated by maximum likelihood"

CLOSE = 1e-13
"""Relative change of a dispersion that is rounding."""

STEPS = 100


@dataclass(frozen=True, slots=True)
class Dispersion:
    """A dispersion, and where it comes from.

    Attributes
    ----------
    value : float
    note : str or None
        Where it comes from, in words, if that is not the family's own way.
    error : float or None
        Its standard error, where it is the maximum-likelihood estimate.
    """

    value: float
    note: str | None = None
    error: float | None = None

    @property
    def by_likelihood(self) -> bool:
        """Whether it maximises the likelihood."""
        return self.note == BY_LIKELIHOOD

    @property
    def estimated(self) -> tuple[tuple[str, float], ...]:
        """Parameters that were estimated beside the coefficients, as `FitRecord` has them."""
        return (("scale", self.value),) if self.by_likelihood else ()


@dataclass(frozen=True, slots=True)
class Saturated:
    """The log-likelihood at mu = y, a function of the dispersion.

    Attributes
    ----------
    likelihood : GLMLikelihood
    data : ModelData
    """

    likelihood: GLMLikelihood
    data: ModelData

    def __call__(self, scale: float) -> float:
        """Return the log-likelihood at mu = y."""
        return float(sum(self.data.map_parts(partial(_saturated_of, self.likelihood, scale))))

    def slopes(self, scale: float) -> tuple[float, float]:
        """Return its first and second derivative by the logarithm of the dispersion."""
        found = self.data.map_parts(partial(_slopes_of, self.likelihood, scale))
        return sum(first for first, _ in found), sum(second for _, second in found)


def _saturated_of(likelihood: GLMLikelihood, scale: float, part: ModelData) -> float:
    """Return the log-likelihood of a part at mu = y, where the part is."""
    if part.response.trials is None and part.var_weights is None:
        counted = tallied(part.response.y, part.freq_weights)
        if counted is not None:
            y, times = counted
            with np.errstate(all="ignore"):
                return float(np.dot(likelihood.saturated(y, scale), times))

    def rows(part: ModelData, chosen: slice) -> Array:
        trials, var = part.response.trials, part.var_weights
        return likelihood.saturated(
            part.response.y[chosen],
            scale,
            trials=None if trials is None else trials[chosen],
            var_weights=None if var is None else var[chosen],
        )

    return _sum(part, rows)


def _slopes_of(likelihood: GLMLikelihood, scale: float, part: ModelData) -> tuple[float, float]:
    """Return its derivatives by the logarithm of the dispersion."""

    def rows(order: int, part: ModelData, chosen: slice) -> Array:
        y = part.response.y[chosen]
        weight = np.ones_like(y) if part.var_weights is None else part.var_weights[chosen]
        return likelihood.family.saturated_slopes(y, weight, scale)[order]

    return _sum(part, partial(rows, 0)), _sum(part, partial(rows, 1))


def _sum(part: ModelData, rows: Callable[[ModelData, slice], Array]) -> float:
    """Return a sum over the rows with weight, each as often as it was seen."""
    slices = (slice(i, i + SLICE) for i in range(0, part.response.y.size, SLICE))
    with np.errstate(all="ignore"):
        return float(sum(_counted(part, chosen, rows) for chosen in slices))


def tallied(y: Array, weight: Array | None) -> tuple[Array, Array] | None:
    """Return each response once and how much weight it has; None if not all are small counts.

    Events and counts are few numbers, of which one evaluation is enough.
    """
    if not (y.min(initial=np.inf) >= 0.0 and y.max(initial=-np.inf) < FEW):
        return None
    totals = np.zeros(FEW)
    for start in range(0, y.size, SLICE):
        part = y[start : start + SLICE]
        codes = part.astype(np.intp)
        if not (codes == part).all():
            return None
        shares = None if weight is None else weight[start : start + SLICE]
        totals += np.bincount(codes, shares, FEW)
    seen = np.flatnonzero(totals)
    return seen.astype(float), totals[seen]


def _counted(part: ModelData, chosen: slice, rows: Callable[[ModelData, slice], Array]) -> float:
    values = rows(part, chosen)
    freq, weights = part.freq_weights, (part.freq_weights, part.var_weights, part.response.trials)
    for weight in weights:
        if weight is not None:
            values = np.where(weight[chosen] > 0.0, values, 0.0)
    return float(values.sum() if freq is None else np.dot(values, freq[chosen]))


def dispersion_of(
    saturated: Saturated, scale: str | float | None, pearson: float, deviance: float, df: float
) -> Dispersion:
    """Return the dispersion that ``fit(scale=)`` asks for.

    Raises
    ------
    ArgumentError
        If ``scale`` says nothing, or asks for the likelihood of a dispersion that is known.
    NotAvailableError
        If there is no likelihood.
    """
    family = saturated.likelihood.family
    if scale is None and family.dispersion is not None:
        return Dispersion(family.dispersion)
    kind = scale.lower() if isinstance(scale, str) else scale
    by_pearson = pearson / df if df > 0 else math.nan
    if kind is None or kind == "x2":
        note = None if family.dispersion is None else "estimated by Pearson's chi-square"
        return Dispersion(by_pearson, note)
    if kind == "dev":
        return Dispersion(deviance / df if df > 0 else math.nan, BY_DEVIANCE)
    if kind == "ml":
        if family.dispersion is not None:
            raise ArgumentError(
                f"The {family.describe()} distribution has the dispersion "
                f"{family.dispersion:g}, so there is none to estimate by scale='ML'; 'X2' "
                "scales standard errors by Pearson's."
            )
        return maximised(saturated, deviance, by_pearson)
    if not isinstance(kind, (int, float, np.number)) or not (math.isfinite(kind) and kind > 0.0):
        raise ArgumentError(
            f"scale must be 'X2', 'dev', 'ML' or a positive number (got {scale!r})."
        )
    return Dispersion(float(kind), "given")


def maximised(saturated: Saturated, deviance: float, start: float) -> Dispersion:
    """Return the dispersion of greatest likelihood for a deviance, by Newton's method.

    In its logarithm, from ``start``; steps are halved until the likelihood does not fall.
    """
    if not deviance > 0.0:
        return Dispersion(0.0, BY_LIKELIHOOD, math.nan)

    def height(log_scale: float) -> float:
        return saturated(math.exp(log_scale)) - 0.5 * deviance * math.exp(-log_scale)

    here = math.log(start) if math.isfinite(start) and start > 0.0 else 0.0
    level = height(here)
    for _ in range(STEPS):
        first, second = saturated.slopes(math.exp(here))
        pull = 0.5 * deviance * math.exp(-here)
        slope, bend = first + pull, second - pull
        step = -slope / bend if bend < 0.0 else math.copysign(1.0, slope)
        step = min(max(step, -2.0), 2.0)
        if abs(step) <= CLOSE * max(1.0, abs(here)) or abs(slope) <= CLOSE * pull:
            error = math.exp(here) / math.sqrt(-bend) if bend < 0.0 else math.nan
            return Dispersion(math.exp(here), BY_LIKELIHOOD, error)
        while height(here + step) < level - 1e-11 * (abs(level) + 1.0):
            step *= 0.5
        here += step
        level = height(here)
    raise FitError(
        "The likelihood has no maximum over the dispersion that is found. Use scale='X2'."
    )


def ending_of(solution: Solution, run: Pass, family: Family) -> tuple[float, bool]:
    """Return what `ending` does, without a pass where the last one of the fit has told it."""
    if solution.closest >= PERFECT and not math.isnan(solution.pearson):
        return solution.pearson, False
    return ending(run, family, solution.theta)


def ending(run: Pass, family: Family, theta: Array) -> tuple[float, bool]:
    """Return Pearson's chi-square, and whether some row is fitted to the last digit.

    A row at an end of its mean's range that is fitted perfectly may have hidden the last of
    the score of a separated fit in rounding.
    """

    def sums(chunk: Rows, eta: Array) -> tuple[float, bool]:
        values = family.working(chunk.y, eta)
        perfect = values.deviance < PERFECT
        if perfect.any():
            perfect &= family.recession_signs(chunk.y) != 0
        return pearson_sum(values, chunk.weight), bool(perfect.any())

    parts = list(run.visit(theta, sums))
    return float(sum(part for part, _ in parts)), any(perfect for _, perfect in parts)


def pearson_sum(values: Working, weight: Array | None) -> float:
    """Return the sum of (y - mu)^2 / V(mu); rows without weight are 0."""
    # score^2 / weight is (y - mu)^2 / V(mu), also where mu rounds to an end
    squares = values.score * values.score
    if values.weight.min(initial=1.0) > 0.0:
        squares /= values.weight
    else:
        counted = values.weight > 0.0
        squares = np.divide(squares, values.weight, out=np.zeros_like(squares), where=counted)
    return float(squares.sum() if weight is None else np.dot(squares, weight))


def log_likelihood_at(data: ModelData, family: Family, theta: Array, scale: float) -> float:
    """Return the log-likelihood at given coefficients of all columns and a dispersion."""
    most = Saturated(GLMLikelihood(family), data)(scale)
    deviance = Pass(data.rows(), GLMLikelihood(family), Control()).deviance(theta)
    return most - 0.5 * deviance / scale


def submodel_llf(
    data: ModelData, family: Family, record: FitRecord, theta: Array, deviance: float, rank: int
) -> float:
    """Return the log-likelihood of a submodel whose dispersion is estimated.

    Parameters
    ----------
    theta : ndarray of shape (p,)
        Its maximum, over all columns of the model.
    deviance : float
        There.
    rank : int
        Number of its independent columns.
    """
    likelihood = GLMLikelihood(family)
    most, left = Saturated(likelihood, data), record.nobs - rank
    scale, note = record.scale, record.scale_note
    if note is None:
        pearson, _ = ending(Pass(data.source(), likelihood, Control()), family, theta)
        scale = pearson / left if left > 0.0 else math.nan
    elif note == BY_DEVIANCE:
        scale = deviance / left if left > 0.0 else math.nan
    return log_likelihoods(most, (deviance,), record.nobs, Dispersion(scale, note))[0]


def log_likelihoods(
    saturated: Saturated, deviances: tuple[float, ...], nobs: float, dispersion: Dispersion
) -> tuple[float, ...]:
    """Return the log-likelihoods at deviances, each at its own dispersion."""
    family = saturated.likelihood.family
    known: dict[float, float] = {}
    out = []
    for deviance in deviances:
        phi = family.likelihood_scale(deviance, nobs, dispersion.value)
        if dispersion.by_likelihood:
            phi = maximised(saturated, deviance, phi).value
        if not phi > 0.0:
            out.append(math.inf if phi == 0.0 else math.nan)
            continue
        if phi not in known:
            known[phi] = saturated(phi)
        out.append(known[phi] - 0.5 * deviance / phi)
    return tuple(out)
