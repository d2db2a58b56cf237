"""Fits of samples: in batches where a model is one design and a family, else one by one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.batched import Draws, fit_batches
from glmfit.engine.control import Control
from glmfit.engine.passes import Pass
from glmfit.errors import DataError, FitError, GlmfitWarning, ResponseError
from glmfit.inference.bootstrap import STATUS, Replicates, Sample
from glmfit.likelihoods import GLMLikelihood
from glmfit.models.data import ModelData
from glmfit.results.record import FitRecord

__all__ = ["Refit", "batched", "one_by_one", "outcome", "resampled_data", "whole_weights"]

Array = NDArray[np.float64]

Refit = Callable[[Array | None, Array | None], tuple[Array, str]]
"""From counts and responses of a sample to its estimates, and how their fit ended."""

MOVED = 1e-6
"""Smallest predictor that shows a side."""


def one_by_one(refit: Refit, samples: Iterable[Sample], p: int) -> Replicates:
    """Fit samples one after the other.

    Parameters
    ----------
    refit : callable
    samples : iterable of Sample
    p : int
        Number of coefficients.
    """
    rows, status = [], []
    for sample in samples:
        for r in range(sample.size):
            theta, ended = refit(*_one(sample, r))
            rows.append(theta if theta.size else np.full(p, np.nan))
            status.append(STATUS.index(ended))
    return Replicates(np.array(rows).reshape(-1, p), np.array(status, dtype=np.int8))


def _one(sample: Sample, r: int) -> tuple[Array | None, Array | None]:
    return (
        None if sample.counts is None else sample.counts[r],
        None if sample.response is None else sample.response[r],
    )


def outcome(fit: Callable[[], FitRecord], rank: int) -> tuple[Array, str]:
    """Return the estimates of a sample, and how their fit ended.

    Parameters
    ----------
    fit : callable
        The model's own fit, whose warnings are told by the status.
    rank : int
        Number of coefficients that all rows determine.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlmfitWarning)
        try:
            record = fit()
        except (ResponseError, FitError, DataError):  # a class or a contrast is in no row
            return np.zeros(0), "not estimable"
    if record.separation is not None:
        return record.theta, "separated"
    if record.rank < rank:
        return record.theta, "not estimable"
    return record.theta, "converged" if record.converged else "not converged"


def resampled_data(
    data: ModelData, present: NDArray[np.bool_], counts: Array | None, response: Array | None
) -> ModelData:
    """Return the data with other frequencies or responses of the rows that are ``present``."""
    if counts is not None:
        freq = np.zeros(present.size)
        freq[present] = counts
        data = replace(data, freq_weights=freq)
    if response is not None:
        y = data.response.y.copy()
        y[present] = response
        data = replace(data, response=replace(data.response, y=y))
    return data


def whole_weights(weight: Array) -> bool:
    """Return whether weights are whole numbers but for rounding."""
    return bool((np.abs(weight - np.round(weight)) <= 1e-9 * weight).all())


def batched(
    run: Pass,
    record: FitRecord,
    unit_weight: Array,
    samples: Iterable[Sample],
    refit: Refit,
) -> Replicates:
    """Fit samples of one design together, and those that it cannot finish by themselves.

    Parameters
    ----------
    run : Pass
        The pass of the fit, whose rows the samples are of.
    record : FitRecord
        The fit, from which samples start.
    unit_weight : ndarray of shape (n,)
        Prior weight of one observation of each row.
    samples : iterable of Sample
    refit : callable
        The model's own fit, which knows of rank and separation.
    """
    likelihood = run.likelihood
    assert isinstance(likelihood, GLMLikelihood)
    kept, p = record.kept, record.base.size
    weight = np.ones(run.held.n) if run.held.weight is None else run.held.weight
    waiting: list[Sample] = []

    def drawn() -> Iterator[Draws]:
        for sample in samples:
            waiting.append(sample)
            counts, response = sample.counts, sample.response
            yield Draws(
                weight[None] if counts is None else counts * unit_weight,
                run.held.y[None] if response is None else response,
            )

    thetas, statuses = [], []
    for draws, solution in fit_batches(run.held, likelihood, drawn(), record.base[kept], Control()):
        sample = waiting.pop(0)
        theta = np.full((draws.count, p), np.nan)
        theta[:, kept] = solution.theta
        status = np.where(solution.converged, 0, STATUS.index("separated")).astype(np.int8)
        for r in np.flatnonzero(~solution.converged):
            if _points_apart(run, likelihood, draws.taken(np.array([r])), solution.theta[r]):
                theta[r, kept] = np.copysign(np.inf, solution.theta[r])
                continue
            found, ended = refit(*_one(sample, int(r)))
            theta[r] = found if found.size else np.nan
            status[r] = STATUS.index(ended)
        thetas.append(theta)
        statuses.append(status)
    return Replicates(np.vstack(thetas), np.concatenate(statuses))


def _points_apart(run: Pass, likelihood: GLMLikelihood, draw: Draws, theta: Array) -> bool:
    """Return whether coefficients show that a sample is completely separated.

    They do if every row's predictor is on the side on which its mean tends to its response:
    then any multiple of them is better.
    """
    used = draw.weight[0] > 0.0
    signs = likelihood.family.recession_signs(draw.response[0])
    return bool(((signs * run.rows.design.matvec(theta))[used] > MOVED).all())
