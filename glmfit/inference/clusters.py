"""The meat of clustered covariances; the corrections are those of `glmfit.inference.covariance`.

References
----------
Bell, R. M. and McCaffrey, D. F. (2002). Bias reduction in standard errors for linear
regression with multi-stage samples. *Survey Methodology* 28, 169-181.
Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for cluster-robust variance
estimation. *Journal of Business & Economic Statistics* 36, 672-683.
Cameron, A. C., Gelbach, J. B. and Miller, D. L. (2011). Robust inference with multiway
clustering. *Journal of Business & Economic Statistics* 29, 238-249.
Hale, N., Higham, N. J. and Trefethen, L. N. (2008). Computing A^a, log(A), and related
matrix functions by contour integrals. *SIAM Journal on Numerical Analysis* 46, 2505-2523.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.engine.executor import one_blas_thread
from glmfit.engine.passes import Contributions, Pass
from glmfit.inference.covariance import (
    FULL_LEVERAGE,
    Contributing,
    Meat,
    growth,
    pieces,
    rows_at_once,
)
from glmfit.likelihoods import GLMLikelihood

__all__ = ["cluster_meat", "combined_codes", "multiway", "positive_part", "unit_meat"]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

NEGATIVE = 1e-12
"""Share of the largest eigenvalue below which a negative one is rounding."""


def cluster_meat(
    run: Contributing,
    theta: Array,
    kind: str,
    leverage: Array,
    codes: Codes,
    freq: Array | None = None,
) -> Meat:
    """Return the sum of squares of the clusters' scores.

    Parameters
    ----------
    run : Pass or StrataPass
    theta : ndarray of shape (P,)
    kind : {"CR0", "CR2", "CR3"}
        Which correction for leverage, none for "CR0". "CR2" of a generalised linear model is
        that of Pustejovsky and Tipton, whose root is taken on the scale of the response;
        elsewhere a response has several means, and the root is that of the module's
        docstring. Both are unbiased where the model holds.
    leverage : ndarray of shape (P, P)
        Inverse of the expected information.
    codes : ndarray of int, shape (n_units,)
        Cluster of each unit, -1 for units that belong to none.
    freq : ndarray of shape (n_units,) or None
        How often each row was seen, all of them in its cluster.

    Returns
    -------
    Meat
        With the clusters that have a leverage of 1 in some direction, in which a column is
        theirs alone; that direction is left out (a generalised inverse).
    """
    order = np.argsort(codes, kind="stable")
    order = order[codes[order] >= 0]
    with one_blas_thread:
        return _cluster_meat(run, theta, kind, leverage, codes, order, freq)


def unit_meat(
    run: Contributing, theta: Array, kind: str, leverage: Array, freq: Array | None
) -> Meat:
    """Return the sum of squares of the scores of units that are no rows: strata.

    Parameters
    ----------
    run : StrataPass
    theta : ndarray of shape (P,)
    kind : {"HC0", "HC1", "HC2", "HC3"}
    leverage : ndarray of shape (P, P)
        Inverse of the expected information.
    freq : ndarray of shape (n_units,) or None
        How often each unit was seen.
    """
    root, corrected = _factor(leverage), kind in ("HC2", "HC3")
    meat = np.zeros((theta.size, theta.size))
    full: list[int] = []
    for part in run.contributions(theta, np.arange(run.n_units), information=corrected):
        seen = np.ones(part.units.size) if freq is None else freq[part.units]
        scores = part.score / seen[:, None]
        if part.information is not None:
            each = part.information / seen[:, None, None]
            scores, lost = _corrected_sums(scores, each, root, kind[-1])
            full += part.units[lost].tolist()
        scores = scores * np.sqrt(seen)[:, None]
        meat += scores.T @ scores
    return Meat(meat, np.array(full, dtype=np.intp))


def _cluster_meat(
    run: Contributing,
    theta: Array,
    kind: str,
    leverage: Array,
    codes: Codes,
    order: Codes,
    freq: Array | None,
) -> Meat:
    if kind == "CR2" and isinstance(run, Pass) and isinstance(run.likelihood, GLMLikelihood):
        return _working_model_meat(run, theta, leverage, codes, order, freq)
    root = _factor(leverage)
    meat = np.zeros((theta.size, theta.size))
    full: list[int] = []
    for block in _sums(run, theta, codes, order, information=kind != "CR0"):
        scores = block.score
        if block.information is not None:
            scores, lost = _corrected_sums(scores, block.information, root, kind[-1])
            full += block.units[lost].tolist()
        meat += scores.T @ scores
    return Meat(meat, np.array(full, dtype=np.intp))


def _factor(leverage: Array) -> Array:
    """Return R with R R' = ``leverage``."""
    length = np.sqrt(np.diag(leverage))
    values, vectors = np.linalg.eigh(leverage / length / length[:, None])
    return np.asarray(length[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)))


def _sums(
    run: Contributing, theta: Array, codes: Codes, order: Codes, *, information: bool
) -> Iterator[Contributions]:
    """Yield scores and informations of whole clusters, a block of clusters at a time."""
    if run.streamed and not information:
        yield _sums_of_stream(run, theta, codes)
        return
    carried: Contributions | None = None
    for part in run.contributions(theta, order, information=information):
        summed = _by_cluster(part, codes[part.units])
        if carried is not None:
            summed = _joined(carried, summed)
        yield summed.taken(slice(None, -1))
        carried = summed.taken(slice(-1, None))  # the next chunk may go on with this cluster
    if carried is not None:
        yield carried


def _sums_of_stream(run: Contributing, theta: Array, codes: Codes) -> Contributions:
    """Return the scores of all clusters, whose rows cannot be gone through in their order."""
    count = int(codes.max(initial=-1)) + 1
    total = np.zeros((count, theta.size))
    for part in run.contributions(theta, np.arange(run.n_units)):
        own = codes[part.units]
        inside = own >= 0
        np.add.at(total, own[inside], part.score[inside])
    return Contributions(np.arange(count), total, None)


def _by_cluster(part: Contributions, codes: Codes) -> Contributions:
    """Return the sums over runs of units that have the same code."""
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    grams = part.information
    return Contributions(
        codes[starts],
        np.add.reduceat(part.score, starts, axis=0),
        None if grams is None else np.add.reduceat(grams, starts, axis=0),
    )


def _joined(first: Contributions, rest: Contributions) -> Contributions:
    """Return the clusters of both, the last of ``first`` and the first of ``rest`` as one."""
    both = Contributions(
        np.concatenate([first.units, rest.units]),
        np.concatenate([first.score, rest.score]),
        None
        if first.information is None or rest.information is None
        else np.concatenate([first.information, rest.information]),
    )
    return _by_cluster(both, both.units)


def _corrected_sums(
    scores: Array, information: Array, root: Array, kind: str
) -> tuple[Array, NDArray[np.bool_]]:
    """Return u + J R k(R'JR) R'u of each cluster, and which have a leverage of 1."""
    values, vectors = np.linalg.eigh(root.T @ information @ root)
    whole = values > 1.0 - FULL_LEVERAGE
    # k = -1 at a leverage of 1 takes that direction out of the score: J R R'u is u there
    factor = np.where(whole, -1.0, growth(np.where(whole, 0.0, values), kind))
    turned = np.einsum("gji,gj->gi", vectors, scores @ root) * factor
    moved = np.einsum("gij,gj->gi", vectors, turned) @ root.T
    corrected = scores + np.einsum("gij,gj->gi", information, moved)
    return np.asarray(corrected), np.asarray(whole.any(axis=1))


def _working_model_meat(
    run: Pass, theta: Array, leverage: Array, codes: Codes, order: Codes, freq: Array | None
) -> Meat:
    """Return the meat of CR2 with the variances of the working model of the means.

    With F the diagonal of the means' working variances and X their derivative, the
    adjustment of a cluster's residuals is F^(1/2) (F^(1/2) (F - X B X') F^(1/2))^(-1/2)
    F^(1/2) (Pustejovsky and Tipton 2018, eq. 9).
    """
    starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) != 0])
    stops = np.append(starts[1:], order.size)
    meat = np.zeros((theta.size, theta.size))
    full: list[int] = []
    for first, last in _blocks(starts, stops, rows_at_once(run)):
        begin = int(starts[first])
        rows = _mean_rows(run, theta, order[begin : stops[last - 1]], freq)
        total = np.zeros((last - first, theta.size))
        for number, g in enumerate(range(first, last)):
            part = rows.part(int(starts[g]) - begin, int(stops[g]) - begin)
            total[number], lost = _working_model_score(part, leverage)
            if lost:
                full.append(int(codes[order[starts[g]]]))
        meat += total.T @ total
    return Meat(meat, np.array(full, dtype=np.intp))


def _blocks(starts: Codes, stops: Codes, size: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of clusters that have about ``size`` rows together."""
    first = 0
    while first < starts.size:
        last = int(np.searchsorted(stops, starts[first] + size, side="right"))
        last = max(last, first + 1)
        yield first, last
        first = last


class _MeanRows(NamedTuple):
    """Rows in terms of their means; a row seen f times is sqrt(f) of a row."""

    columns: Array
    """Derivative of the means by the coefficients, shape (n, P)."""
    residual: Array
    """Response less mean."""
    variance: Array
    """Working variance of the response, the dispersion left out."""

    def part(self, start: int, stop: int) -> _MeanRows:
        return _MeanRows(*(values[start:stop] for values in self))


def _mean_rows(run: Pass, theta: Array, chosen: Codes, freq: Array | None) -> _MeanRows:
    """Return rows that carry weight in terms of their means."""
    part = replace(run, rows=run.held.take(chosen))
    seen = None if freq is None else freq[chosen]
    made = [piece for piece, _ in pieces(part, theta, seen)]
    columns = np.concatenate([piece.derivative[:, 0] for piece in made])
    score = np.concatenate([piece.score[:, 0] for piece in made])
    weight = np.concatenate([piece.weight[0] for piece in made])
    assert isinstance(run.likelihood, GLMLikelihood)
    slope = run.likelihood.mean_slope(part.eta(theta))
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = slope**2 / weight
        residual = np.where(weight > 0.0, score * slope / weight, 0.0)
    root = np.ones_like(slope) if seen is None else np.sqrt(seen)
    return _MeanRows(columns * (slope * root)[:, None], residual * root, variance)


def _working_model_score(rows: _MeanRows, leverage: Array) -> tuple[Array, bool]:
    """Return a cluster's adjusted score, and whether it has a leverage of 1."""
    used = np.isfinite(rows.variance) & (rows.variance > 0.0)
    columns, residual, variance = (values[used] for values in rows)
    n = columns.shape[0]
    if n == 1:
        left = 1.0 - float(columns[0] @ leverage @ columns[0] / variance[0])
        full = left < FULL_LEVERAGE
        score = columns[0] * (residual[0] / variance[0])
        return (np.zeros_like(score) if full else score / np.sqrt(left)), full
    root = np.sqrt(variance)
    spread = (columns * root[:, None]) @ _factor(leverage)
    turned, full = _root_times(variance**2, spread, root * residual)
    return columns.T @ (turned / root), full


def _root_times(diagonal: Array, spread: Array, vector: Array) -> tuple[Array, bool]:
    """Return (D - S S')^(-1/2) v, in time and memory linear in the rows.

    The root is the integral of (2 / pi) (s^2 + M)^(-1) over s > 0, whose inverses need
    matrices of P x P only; with s = sqrt(m) sn(u) / cn(u) the midpoint rule in u converges
    geometrically (Hale, Higham and Trefethen 2008, sec. 4).

    Parameters
    ----------
    diagonal : ndarray of shape (n,)
        D.
    spread : ndarray of shape (n, P)
        S.
    vector : ndarray of shape (n,)

    Returns
    -------
    root : ndarray of shape (n,)
    singular : bool
        Whether a leverage is 1: what lies in its direction is left out.
    """
    shares, directions = np.linalg.eigh((spread / diagonal[:, None]).T @ spread)
    whole = shares > 1.0 - FULL_LEVERAGE
    null = np.linalg.qr((spread @ directions[:, whole]) / diagonal[:, None])[0]
    vector = vector - null @ (null.T @ vector)
    high = float(diagonal.max())
    low = float(diagonal.min()) * (1.0 - shares[~whole].max(initial=0.0))
    # the null directions get an eigenvalue in between, which changes nothing without them
    wide = np.hstack([spread, np.sqrt(high) * null])
    signs = np.diag(np.r_[np.ones(spread.shape[1]), -np.ones(null.shape[1])])
    places, weights = _root_rule(low, high)
    shifted = 1.0 / (diagonal + places[:, None])
    grams = np.einsum("tn,np,nq->tpq", shifted, wide, wide, optimize=True)
    right = (shifted * vector) @ wide
    inner = np.linalg.solve(signs - grams, right[:, :, None])[:, :, 0]
    return np.asarray(weights @ (shifted * (vector + inner @ wide.T))), bool(whole.any())


def _root_rule(low: float, high: float) -> tuple[Array, Array]:
    """Return nodes s^2 and weights of x^(-1/2) = sum of weights / (s^2 + x), low <= x <= high."""
    share = low / high
    half = int(np.ceil(6.0 - np.log(share))) + 2  # for an error below rounding
    period = special.ellipkm1(share)
    at = (np.arange(half) + 0.5) * period / (2 * half)
    sine, cosine, delta, _ = special.ellipj(at, 1.0 - share)
    # beyond the middle cn loses its digits, and sn(K - u) / cn(K - u) is their inverse
    places = np.r_[low * (sine / cosine) ** 2, high * (cosine / sine) ** 2]
    slopes = np.r_[np.sqrt(low) * delta / cosine**2, np.sqrt(high) * delta / sine**2]
    return places, slopes * (period / (np.pi * half))


def combined_codes(codes: list[Codes]) -> Codes:
    """Return the codes of the combinations of several groupings, -1 where one is -1."""
    out = codes[0]
    for more in codes[1:]:
        joined = out * (int(more.max(initial=0)) + 1) + more
        lost = (out < 0) | (more < 0)
        out = np.where(lost, -1, joined)
        known = out[~lost]
        out[~lost] = np.unique(known, return_inverse=True)[1]
    return out


@dataclass(frozen=True, slots=True)
class Way:
    """One term of a multiway sum: clusters, and the sign with which they count."""

    codes: Codes
    count: int
    sign: float


def multiway(groupings: list[Codes]) -> list[Way]:
    """Return the terms of multiway clustering: A + B - AB, and so on for more than two.

    References
    ----------
    Cameron, Gelbach and Miller (2011), eq. 2.13.
    """
    ways = []
    for size in range(1, len(groupings) + 1):
        for chosen in itertools.combinations(groupings, size):
            codes = combined_codes(list(chosen))
            ways.append(Way(codes, int(codes.max()) + 1, -1.0 if size % 2 == 0 else 1.0))
    return ways


def positive_part(covariance: Array) -> tuple[Array, bool]:
    """Return the covariance with negative eigenvalues set to 0, and whether it had any.

    References
    ----------
    Cameron, Gelbach and Miller (2011), p. 241.
    """
    if not np.isfinite(covariance).all():
        return covariance, False
    values, vectors = np.linalg.eigh(covariance)
    if values.min(initial=0.0) >= -NEGATIVE * values.max(initial=0.0):
        return covariance, False
    return (vectors * np.maximum(values, 0.0)) @ vectors.T, True
