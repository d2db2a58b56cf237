"""Covariances of a fit, made from its own pass: nothing is fitted again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.passes import Pass
from glmfit.errors import ArgumentError, DataError, DataWarning, FitError, warn
from glmfit.inference import clusters
from glmfit.inference import covariance as numbers
from glmfit.inference.hac import kernel_weights, lagged_meat, usual_lags
from glmfit.results.record import FitRecord
from glmfit.results.request import Grouping, Request, unit_codes

__all__ = ["Estimate", "estimate"]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

CORRECTIONS = {
    "hac": "n/(n-p)",
    "cluster": "G/(G-1) (n-1)/(n-p)",
    "groups": "G/(G-1)",
}
"""Small-sample factors by what they are called here."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A covariance of the kept coefficients, and how it was made.

    Attributes
    ----------
    covariance : ndarray of shape (P, P)
    told : dict
        ``description`` in words, and what it rests on.
    """

    covariance: Array
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Fit:
    """What every sandwich of a fit is made of."""

    run: Any
    theta: Array
    bread: Array
    leverage: Array
    """Inverse of the expected information, which leverages are made of."""
    freq: Array | None
    units: Callable[[], Codes]
    count: float
    """Number n of independent observations."""
    scale: float
    nuisance: int
    """Coefficients of the dispersion (see `FitRecord`)."""

    @property
    def p(self) -> int:
        return self.theta.size

    def by_unit(self, grouping: Grouping) -> Codes:
        """Return the group of each unit of the pass."""
        return unit_codes(self.run.n_units, self.units(), grouping)


def estimate(model: Any, record: FitRecord, request: Request) -> Estimate:
    """Return a covariance that needs no further fit.

    Parameters
    ----------
    model : Model
    record : FitRecord
    request : Request
        Of any kind but "bootstrap" and "jackknife".
    """
    kept = record.kept
    if request.kind == "nonrobust":
        told = "Standard errors assume that the model holds."
        return Estimate(record.unscaled[np.ix_(kept, kept)] * record.scale, {"description": told})
    if record.effects is not None:
        covariance, described = model.absorbed_covariance(record, request)
        return Estimate(covariance, described)
    bread = record.unscaled[np.ix_(kept, kept)]
    if not np.isfinite(bread).all():
        raise FitError(
            "The coefficients have no finite covariance, so that none can be made robust. "
            "result.check() says what is wrong with the fit."
        )
    if kept.size == 0:
        return Estimate(bread, {"description": "No coefficient is finite and free."})
    run = model.fitted_pass(record)
    theta = record.base[kept]
    expected = bread
    if model.observed_information and not run.likelihood.canonical:
        expected = numbers.information_inverse(run, theta, observed=False)
    fit = _Fit(
        run,
        theta,
        bread,
        expected,
        model.unit_frequencies(record),
        lambda: model.fitted_units(record),
        model.independent_count(record),
        record.scale,
        record.nuisance,
    )
    return _ESTIMATORS[request.kind](fit, request)


def _expected(fit: _Fit, request: Request) -> Estimate:
    told = "Standard errors rest on the expected information."
    return Estimate(fit.leverage * fit.scale, {"description": told})


def _observed(fit: _Fit, request: Request) -> Estimate:
    told = "Standard errors rest on the observed information."
    return Estimate(
        numbers.information_inverse(fit.run, fit.theta, observed=True) * fit.scale,
        {"description": told},
    )


def _opg(fit: _Fit, request: Request) -> Estimate:
    products = numbers.outer_products(fit.run, fit.theta, fit.freq)
    length = np.sqrt(np.diag(products))
    scaled = (
        products
        / np.where(length > 0.0, length, 1.0)
        / np.where(length > 0.0, length, 1.0)[:, None]
    )
    values = np.linalg.eigvalsh(scaled) if np.isfinite(scaled).all() else np.full(fit.p, np.nan)
    if not (np.isfinite(values).all() and values.min() > np.finfo(float).eps * fit.p):
        raise FitError(
            "The outer products of the scores have no inverse: there are fewer observations "
            "than coefficients, or the scores of some depend on one another."
        )
    covariance = np.asarray(np.linalg.inv(products), dtype=np.float64) * fit.scale**2
    told = "Standard errors rest on the outer products of the scores (OPG)"
    return _finished(covariance, told, request, [])


def _hc(fit: _Fit, request: Request) -> Estimate:
    kind = request.kind
    if isinstance(fit.run, Pass):
        meat = numbers.hc_meat(fit.run, fit.theta, kind, fit.leverage, fit.freq)
        _warn_of_full_leverage(kind, meat.full)
    else:
        meat = clusters.unit_meat(fit.run, fit.theta, kind, fit.leverage, fit.freq)
    covariance = numbers.sandwich(fit.bread, meat.matrix)
    factors = [_factor("hac", fit, apart=fit.nuisance)] if kind == "HC1" else []
    told = f"Standard errors are heteroscedasticity robust ({kind}{_LEVERAGE.get(kind, '')})"
    return _finished(covariance, told, request, factors)


_LEVERAGE = {
    "HC2": ", scores over the root of 1 less leverage",
    "HC3": ", scores over 1 less leverage",
    "CR2": ", scores corrected for leverage by (I - H)^(-1/2)",
    "CR3": ", scores corrected for leverage by (I - H)^(-1)",
}


def _warn_of_full_leverage(kind: str, full: Codes) -> None:
    if full.size:
        warn(
            f"{full.size} observations (the first is {int(full[0])}) have leverage 1: their own "
            f"parameter fits them, so {kind}, which divides by 1 minus leverage, does not exist. "
            "HC1 does.",
            DataWarning,
        )


def _cluster(fit: _Fit, request: Request) -> Estimate:
    kind = request.kind
    if kind == "cluster":
        kind = "CR1S" if request.options.get("use_correction", True) else "CR0"
    correction = {"CR1": "groups", "CR1S": "cluster"}.get(kind)
    like = kind if kind in ("CR2", "CR3") else "CR0"
    total = np.zeros((fit.p, fit.p))
    factors, alone = [], 0
    for way in clusters.multiway([fit.by_unit(group) for group in request.groups]):
        meat = clusters.cluster_meat(fit.run, fit.theta, like, fit.leverage, way.codes, fit.freq)
        factor = 1.0
        if correction is not None:
            factor, text = _factor(correction, fit, way.count)
            factors.append((factor, text))
        alone += meat.full.size
        total += way.sign * factor * meat.matrix
    covariance = numbers.sandwich(fit.bread, total)
    counts = [f"{g.count} clusters{f' of {g.name}' if g.name else ''}" for g in request.groups]
    told = f"Standard errors allow any dependence within {' and within '.join(counts)}"
    told += f" ({kind}{_LEVERAGE[kind]})" if kind in _LEVERAGE else ""
    if alone:
        told += (
            f", of which {alone} have a column to themselves and a leverage of 1 (generalised "
            "inverse)"
        )
    if len(request.groups) > 1:
        told += ", variances added and those of their intersections taken away"
    fixed = False
    if request.options.get("fix", True):
        covariance, fixed = clusters.positive_part(covariance)
    found = _finished(covariance, told, request, factors, applied=True)
    return _with_groups(found, request, fixed)


def _with_groups(found: Estimate, request: Request, fixed: bool = False) -> Estimate:
    """Add the number of groups, and what was done about negative eigenvalues."""
    counts = [group.count for group in request.groups]
    told = {**found.told, "n_groups": counts[0] if len(counts) == 1 else tuple(counts)}
    told["df_correction"] = bool(request.options.get("df_correction", True))
    if fixed:
        told["description"] += (
            " The sum had negative eigenvalues, which were set to 0 (Cameron, Gelbach and Miller "
            "2011)."
        )
    return Estimate(found.covariance, told)


def _factor(kind: str, fit: _Fit, groups: int = 0, *, apart: int = 0) -> tuple[float, str]:
    """Return a small-sample factor, which ``apart`` coefficients do not enter, and its name."""
    n, p = fit.count, fit.p - apart
    value = 1.0
    if kind in ("hac", "cluster") and not n > p:
        raise FitError(
            f"The small-sample factor {CORRECTIONS[kind]} does not exist: there are {n:g} "
            f"observations for {p} coefficients. A kind without it, such as 'HC0' or 'CR0', does."
        )
    if kind in ("groups", "cluster") and groups < 2:
        raise FitError("The rows that the fit rests on are all of one cluster; two are needed.")
    if kind in ("groups", "cluster"):
        value *= groups / (groups - 1.0)
    if kind in ("hac", "cluster"):
        value *= (n - 1.0 if kind == "cluster" else n) / (n - p)
    return value, CORRECTIONS[kind]


def _finished(
    covariance: Array,
    told: str,
    request: Request,
    factors: list[tuple[float, str]],
    *,
    applied: bool = False,
) -> Estimate:
    """Multiply by the factors, if that is not done, and say so."""
    pieces = []
    if factors:
        values = ", ".join(f"{value:.6g}" for value, _ in factors)
        noun = "factor" if len(factors) == 1 else "factors"
        pieces.append(f"small-sample {noun} {factors[0][1]} = {values}")
        if not applied:
            covariance = covariance * factors[0][0]
    else:
        pieces.append("no small-sample factor")
    if "scaling_factor" in request.options:
        covariance = covariance * request.factor
        pieces.append(f"multiplied by {request.factor:g}")
    return Estimate(covariance, {"description": f"{told}; {', '.join(pieces)}."})


# -- dependence over time ------------------------------------------------------------------


def _scores(fit: _Fit, order: Codes) -> Array:
    parts = [part.score for part in fit.run.contributions(fit.theta, order)]
    return np.concatenate(parts)


def _weights(request: Request, n_periods: int) -> tuple[Array, str]:
    """Return the weights of lags and what the kernel is called."""
    options = request.options
    kernel = options["kernel"]
    lags = int(options.get("maxlags", usual_lags(n_periods)))
    if callable(kernel):
        weights = np.zeros(n_periods)
        given = np.asarray(kernel(lags), dtype=float).ravel()[:n_periods]
        weights[: given.size] = given
        return weights, f"kernel {getattr(kernel, '__name__', 'given')}, {lags} lags"
    width = float(options.get("bandwidth", lags + 1))
    text = f"{lags} lags" if "bandwidth" not in options else f"bandwidth {width:g}"
    return kernel_weights(kernel, width, n_periods), f"{kernel} kernel, {text}"


def _unit_times(fit: _Fit, request: Request) -> Codes:
    """Return the rank in time of each unit, that of the rows where no time was given."""
    if not isinstance(fit.run, Pass):
        raise ArgumentError(
            "Covariances over time are for models of rows: a stratum has no place in time. Use "
            "'cluster' with groups that hold the strata which depend on one another."
        )
    if fit.freq is not None and not (fit.freq == 1.0).all():
        raise ArgumentError(
            "With freq_weights a row stands for several observations, of which it is not known "
            "when each was made; a covariance over time needs a row for each."
        )
    units = fit.units()
    time = np.arange(units.size) if request.time is None else request.time
    return np.asarray(time[units >= 0])


def _hac(fit: _Fit, request: Request) -> Estimate:
    time = _unit_times(fit, request)
    if np.unique(time).size < time.size:
        raise DataError(
            "Several rows have the same time. For panels use 'hac-panel' with groups=, or "
            "'hac-groupsum', which sums over the rows of a time."
        )
    weights, text = _weights(request, time.size)
    meat = lagged_meat(_scores(fit, np.argsort(time, kind="stable")), weights)
    covariance = numbers.sandwich(fit.bread, meat)
    factors = [_factor("hac", fit)] if request.options.get("use_correction", False) else []
    told = f"Standard errors allow for heteroscedasticity and autocorrelation ({text})"
    return _finished(covariance, told, request, factors)


def _hac_panel(fit: _Fit, request: Request) -> Estimate:
    time = _unit_times(fit, request)
    (group, *more) = request.groups
    if more:
        raise ArgumentError("'hac-panel' takes one grouping: whose series the rows are.")
    codes = fit.by_unit(group)
    order = np.lexsort((time, codes))
    same = (codes[order][1:] == codes[order][:-1]) & (time[order][1:] == time[order][:-1])
    if same.any():
        raise DataError("A group has several rows of the same time; 'hac-panel' needs one each.")
    scores = _scores(fit, order)
    sizes = np.bincount(codes, minlength=group.count)
    weights, text = _weights(request, int(sizes.max()))
    meat = np.zeros((fit.p, fit.p))
    for start, size in zip(np.cumsum(sizes) - sizes, sizes, strict=True):
        if size:
            meat += lagged_meat(scores[start : start + size], weights)
    covariance = numbers.sandwich(fit.bread, meat)
    what = request.options.get("use_correction", "hac")
    factors = [_factor(what, fit, group.count)] if what else []
    told = (
        f"Standard errors allow for autocorrelation within {group.count} groups"
        f"{f' of {group.name}' if group.name else ''} ({text})"
    )
    return _with_groups(_finished(covariance, told, request, factors), request)


def _hac_groupsum(fit: _Fit, request: Request) -> Estimate:
    periods, codes = np.unique(_unit_times(fit, request), return_inverse=True)
    weights, text = _weights(request, periods.size)
    sums = np.zeros((periods.size, fit.p))
    for part in fit.run.contributions(fit.theta, np.arange(fit.run.n_units)):
        np.add.at(sums, codes[part.units], part.score)
    covariance = numbers.sandwich(fit.bread, lagged_meat(sums, weights))
    what = request.options.get("use_correction", "cluster")
    factors = [_factor(what, fit, periods.size)] if what else []
    told = (
        f"Standard errors allow for dependence within {periods.size} times, and for "
        f"autocorrelation between them (Driscoll and Kraay; {text})"
    )
    found = _finished(covariance, told, request, factors)
    by_time = Grouping(codes, int(periods.size), "")
    return _with_groups(found, Request(request.kind, request.options, (by_time,)))


_ESTIMATORS: dict[str, Callable[[_Fit, Request], Estimate]] = {
    "EIM": _expected,
    "OIM": _observed,
    "OPG": _opg,
    **dict.fromkeys(("HC0", "HC1", "HC2", "HC3"), _hc),
    **dict.fromkeys(("cluster", "CR0", "CR1", "CR1S", "CR2", "CR3"), _cluster),
    "HAC": _hac,
    "hac-panel": _hac_panel,
    "hac-groupsum": _hac_groupsum,
}
