"""What `result.check()` looks at: one function for each line of the page."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.design import constant_column
from glmfit.errors import NotAvailableError
from glmfit.inference.check import Check, Finding, generalised_vif

__all__ = ["check_fit"]

Array = NDArray[np.float64]

LARGE_SCORE = 3.0
"""Size of a normal statistic that calls for a look: 1 in 370 by chance."""
LARGE_LINK = 6.63
"""Size of the link test's statistic that does: 1 in 100 by chance."""
LARGE_VIF = 10.0
FEW_EVENTS = 10.0
LARGE_LEVERAGE = 0.5
OUTLIER_SHARE = 0.05
SHOWN = 5
"""Rows that are named."""


def check_fit(result: Any) -> Check:
    """Return the findings of a fit, what calls for a look first (see `CheckMethods.check`)."""
    findings = [
        finding
        for looked_at in (*_ALWAYS, *_others(result))
        if (finding := looked_at(result)) is not None
    ]
    model = result.model
    title = f"Check of {model.summary_name} for {model.endog_names}"
    if hasattr(result, "family"):
        title += f": {result.family.describe()} family, {result.family.link} link"
    return Check(title, tuple(findings))


# --- of every fit -----------------------------------------------------------------------


def _rows(result: Any) -> Finding:
    data = result.model.data
    total = data.counts.given - data.counts.outside
    lost = total - data.counts.used
    if lost == 0:
        return Finding("Missing rows", "fine", "No row was left out for a missing value.", 0.0)
    causes = ", ".join(f"{name} ({count})" for name, count in data.dropped.items())
    share = lost / total
    told = f"{lost} of {total} rows were left out for missing values: {causes}."
    rule = "estimates hold for complete rows; above 5% think of why values are missing"
    verdict: Any = "look" if share > 0.05 else "fine"
    return Finding("Missing rows", verdict, told, share, rule, "Schafer 1999")


def _convergence(result: Any) -> Finding:
    record = result.record
    steps = len(record.history)
    rule = "no coefficient still moves by more than the tolerance, in standard errors"
    if record.converged:
        told = f"The maximum was reached in {_plural(steps, 'iteration')}."
        return Finding("Convergence", "fine", told, float(steps), rule)
    if record.separation is not None:
        told = "There is no finite maximum to converge to: see separation."
        return Finding("Convergence", "not applicable", told)
    told = f"The fit did not converge: {record.reason}."
    return Finding("Convergence", "look", told, float(steps), rule)


def _separation(result: Any) -> Finding | None:
    found = result.record.separation
    if hasattr(result, "family") and not result.family.recession_signs(result.model.endog).any():
        return None  # no response is at an end of the means, so none can be separated
    if result.record.bias_reduced is not None:
        told = "Not looked for: bias-reduced estimates are finite where data are separated."
        return Finding("Separation", "not applicable", told)
    if result.record.shrunk:
        told = "Not looked for: penalised estimates are finite where data are separated."
        return Finding("Separation", "not applicable", told)
    rule = "a finite maximum exists unless columns separate the responses"
    source = "Albert and Anderson 1984"
    if found is None:
        told = "Not separated: the estimates are finite."
        return Finding("Separation", "fine", told, 0.0, rule, source)
    lost = [
        ": ".join(map(str, name)) if isinstance(name, tuple) else str(name)
        for name in result._names[~found.finite]
    ]
    kind = "Completely" if found.complete else "Quasi-completely"
    told = (
        f"{kind} separated: {int(found.rows.sum())} responses are predicted perfectly. Not "
        f"finite: {_listed(lost)}. Estimates by fit(method='firth'), where there is one, are."
    )
    return Finding("Separation", "look", told, float(found.rows.sum()), rule, source)


def _collinearity(result: Any) -> Finding:
    record = result.record
    if record.aliased:
        told = f"Left out, being determined by others: {_listed(list(record.aliased.values()))}."
        return Finding("Collinearity", "look", told, float(len(record.aliased)))
    if record.shrunk:
        told = "Not looked at: a penalty holds the estimates of collinear columns together."
        return Finding("Collinearity", "not applicable", told)
    factors = _inflation(result)
    rule = f"the variance inflation factor of a term is below {LARGE_VIF:g}"
    source = "Marquardt 1970; Fox and Monette 1992"
    if not factors:
        told = "There are not two terms with finite estimates that could be collinear."
        return Finding("Collinearity", "not applicable", told)
    worst = max(factors, key=lambda name: factors[name])
    value = factors[worst] ** 2
    told = f"Largest variance inflation factor: {value:.3g} ({worst})."
    verdict: Any = "look" if value >= LARGE_VIF else "fine"
    return Finding("Collinearity", verdict, told, value, rule, source)


def _inflation(result: Any) -> dict[str, float]:
    """Return the root of the inflation of each term; empty where there are not two."""
    record, model = result.record, result.model
    names = model.data.names
    constant = constant_column(model.data.design)
    terms = {name: name for j, name in enumerate(names) if j != constant}
    spec = model.data.spec
    if spec is not None:
        for term, part in spec.term_slices.items():
            terms |= {name: term for name in spec.column_names[part] if name in terms}
    free = [k for k in record.kept if model.parameter_columns[k] in terms]
    groups: dict[str, list[int]] = {}
    for place, k in enumerate(free):
        groups.setdefault(terms[model.parameter_columns[k]], []).append(place)
    covariance = record.unscaled[np.ix_(free, free)]
    if len(groups) < 2 or not np.isfinite(covariance).all():
        return {}
    return generalised_vif(covariance, groups)


def _events(result: Any) -> Finding | None:
    """Return how many of the rarest outcome there are for each coefficient."""
    counted = _outcome_counts(result)
    if counted is None:
        return None
    record = result.record
    fewest, slopes = min(counted), record.df_model
    if slopes <= 0:
        return None
    value = fewest / slopes
    told = (
        f"The rarer outcome was seen {fewest:g} times, for "
        f"{_coefficients(slopes)} beyond the constant: {value:.3g} each."
    )
    rule = f"at least {FEW_EVENTS:g} for each, else estimates are biased away from 0"
    source = "Peduzzi and others 1996, a rough rule: van Smeden and others 2016"
    verdict: Any = "look" if value < FEW_EVENTS else "fine"
    return Finding("Events", verdict, told, value, rule, source)


def _outcome_counts(result: Any) -> list[float] | None:
    data = result.model.data
    y = data.response.y
    weight = np.ones(len(y))
    for part in (data.response.trials, data.freq_weights):
        if part is not None:
            weight = weight * part
    if y.ndim == 2:
        return [float(total) for total in weight @ y]
    if not getattr(getattr(result, "family", None), "proportions", False):
        return None
    events = float(weight @ y)
    return [events, float(weight.sum()) - events]


def _influence(result: Any) -> Finding | None:
    if not hasattr(result, "get_influence"):
        return None
    excess = _excess(result)
    try:
        influence = result.get_influence()
        distance = np.asarray(influence.cooks_distance[0], dtype=float) / excess
    except NotAvailableError as reason:
        return _unavailable(result, "Influential rows", reason)
    if not np.isfinite(distance).any():
        lone = result.record.kept.size > 0
        told = "Each row has a parameter of its own." if lone else "No coefficient is finite."
        return Finding("Influential rows", "not applicable", told)
    record = result.record
    p, n = record.kept.size, record.nobs
    if n <= 2 * p:
        told = f"{n:g} observations for {p} coefficients: each determines the fit."
        return Finding("Influential rows", "look", told, math.nan)
    limit = 8.0 / (n - 2 * p)
    beyond = np.flatnonzero(np.nan_to_num(distance) > limit)
    top = float(np.nanmax(distance))
    rule = f"Cook's distance of a row{_at(excess)} is below 8 / (n - 2p) = {limit:.3g}"
    source = "Davison and Snell 1991"
    if beyond.size == 0:
        row = _row_labels(result)[int(np.nanargmax(distance))]
        told = f"None stands out; the largest Cook's distance is {top:.3g} (row {row})."
        return Finding("Influential rows", "fine", told, top, rule, source)
    return Finding(
        "Influential rows", "look", _named_rows(result, distance, beyond), top, rule, source
    )


def _leverage(result: Any) -> Finding | None:
    if not hasattr(result, "family") or result.record.kept.size == 0:
        return None
    try:
        leverage = np.asarray(result.get_influence().hat_matrix_diag, dtype=float)
    except NotAvailableError as reason:
        return _unavailable(result, "Leverage", reason)
    if not np.isfinite(leverage).any():
        return None
    top = float(np.nanmax(leverage))
    beyond = np.flatnonzero(np.nan_to_num(leverage) > LARGE_LEVERAGE)
    rule = f"leverage is below {LARGE_LEVERAGE:g}: beyond it a row mostly fits itself"
    if beyond.size == 0:
        told = f"No row fits itself; the largest leverage is {top:.3g}."
        return Finding("Leverage", "fine", told, top, rule, "Huber 1981")
    told = f"Rows with large leverage: {_with_values(result, leverage, beyond)}."
    return Finding("Leverage", "look", told, top, rule, "Huber 1981")


# --- of a generalised linear model --------------------------------------------------------


def _dispersion(result: Any) -> Finding | None:
    family, record = result.family, result.record
    if not (family.counts or family.proportions):
        return None
    if family.dispersion is None:
        told = f"Estimated as {record.scale:.3g}; standard errors allow for it."
        return Finding("Dispersion", "fine", told, record.scale)
    trials = result.model.data.response.trials
    if family.proportions and (trials is None or not (trials > 1.0).any()):
        told = "Binary responses cannot show it: their mean determines their variance."
        return Finding("Dispersion", "not applicable", told)
    if not record.df_resid > 0:
        return Finding("Dispersion", "not applicable", "No degrees of freedom are left.")
    ratio = record.pearson_chi2 / record.df_resid
    try:
        score, source, what = *_variance_score(result), f"1 if {family.name}"
    except NotAvailableError as reason:
        return _unavailable(result, "Dispersion", reason)
    told = f"Pearson's chi-square over its degrees of freedom is {ratio:.3g} ({what}); z = "
    told += f"{score:.3g}. "
    rule = f"the score for another variance lies between -{LARGE_SCORE:g} and {LARGE_SCORE:g}"
    if score > LARGE_SCORE:
        told += (
            "Overdispersed: standard errors are too small, by a factor of about "
            f"{math.sqrt(max(ratio, 1.0)):.2g}. Think of what is missing, of a negative binomial "
            "or quasi family, or of a robust covariance."
        )
        return Finding("Dispersion", "look", told, ratio, rule, source)
    if score < -LARGE_SCORE:
        told += "Underdispersed: the responses vary less than independent ones would."
        return Finding("Dispersion", "look", told, ratio, rule, source)
    return Finding("Dispersion", "fine", told.strip(), ratio, rule, source)


def _excess(result: Any) -> float:
    """Return the dispersion by which to judge the link and rows: 1 unless another was found.

    What an overdispersed fit says of its link and of single rows is exaggerated by it.
    """
    found = _dispersion(result) if hasattr(result, "family") else None
    return found.value if found is not None and found.verdict == "look" else 1.0


def _at(excess: float) -> str:
    return "" if excess == 1.0 else f", at the dispersion {excess:.3g},"


def _variance_score(result: Any) -> tuple[float, str]:
    """Return a normal score for a larger variance, and its source."""
    if result.family.proportions or result.family.variance_power() == 1.0:
        return result.dispersion_test().statistic, "Dean 1992"
    record = result.record
    result._require_plain("The dispersion")
    excess = record.pearson_chi2 / record.df_resid - 1.0
    return excess / math.sqrt(2.0 / record.df_resid), "McCullagh and Nelder 1989, 4.5"


def _link(result: Any) -> Finding:
    excess = _excess(result)
    rule = f"what the squared predictor adds{_at(excess)} is below {LARGE_LINK}, 1 in 100 by chance"
    try:
        test = result.link_test()
    except NotAvailableError as reason:
        return _unavailable(result, "Link", reason)
    if not test.df:
        told = "The squared predictor is determined by the columns: the link cannot be tested."
        return Finding("Link", "not applicable", told)
    statistic = test.statistic / excess
    told = f"The squared linear predictor adds {test.in_words}"
    told += ". " if excess == 1.0 else f"; divided by the dispersion {statistic:.3g}. "
    if statistic > LARGE_LINK:
        told += (
            f"The {result.family.link} link does not fit, or a term should not be linear: try "
            "another link, a transform, a spline or an interaction (resid_partial() shows shapes)."
        )
        return Finding("Link", "look", told, statistic, rule, "Pregibon 1980")
    return Finding("Link", "fine", told.strip(), statistic, rule, "Pregibon 1980")


def _zeros(result: Any) -> Finding | None:
    if not result.family.counts or result.family.dispersion is None:
        return None
    try:
        test = result.zero_test()
    except NotAvailableError as reason:
        return _unavailable(result, "Zeros", reason)
    seen, expected = (float(value) for value in test.table.iloc[0])
    told = f"{seen:g} zeros were seen, {expected:.3g} are expected; z = {test.statistic:.3g}."
    rule = f"z lies between -{LARGE_SCORE:g} and {LARGE_SCORE:g}"
    source = "van den Broek 1995"
    if not abs(test.statistic) > LARGE_SCORE:
        return Finding("Zeros", "fine", told, test.statistic, rule, source)
    told += (
        " More than the model allows; overdispersion alone can do that."
        if test.statistic > 0.0
        else " Fewer than the model allows."
    )
    return Finding("Zeros", "look", told, test.statistic, rule, source)


# --- of a model of counts -------------------------------------------------------------------


def _spread_of_counts(result: Any) -> Finding:
    rule, source = "Pearson's chi-square over its degrees of freedom is near 1", "Hilbe 2011"
    if not result.df_resid > 0:
        return Finding("Dispersion", "not applicable", "No degrees of freedom are left.")
    weight = result.model.data.weight
    squares = np.asarray(result.resid_pearson, dtype=float)[result.model.data.kept] ** 2
    total = float(np.nansum(squares if weight is None else squares * weight))
    ratio = total / result.df_resid
    score = (ratio - 1.0) / math.sqrt(2.0 / result.df_resid)
    told = f"Pearson's chi-square over its degrees of freedom is {ratio:.3g}; z = {score:.3g}."
    if score > LARGE_SCORE:
        told += " The counts are more spread than the model has them: compare_counts() has others."
        return Finding("Dispersion", "look", told, ratio, rule, source)
    if score < -LARGE_SCORE:
        told += " The counts are less spread than the model has them: try generalizedpoisson."
        return Finding("Dispersion", "look", told, ratio, rule, source)
    return Finding("Dispersion", "fine", told, ratio, rule, source)


def _zeros_of_counts(result: Any) -> Finding:
    data = result.model.data
    weight = np.ones(data.response.y.size) if data.weight is None else data.weight
    p = np.asarray(result.predict(which="prob-zero"), dtype=float)[data.kept]
    seen, expected = float(weight @ (data.response.y == 0.0)), float(weight @ p)
    spread = math.sqrt(float(weight @ (p * (1.0 - p))))
    score = (seen - expected) / spread if spread > 0.0 else 0.0
    told = f"{seen:g} zeros were seen, {expected:.3g} are expected; z = {score:.3g}."
    rule = f"z lies between -{LARGE_SCORE:g} and {LARGE_SCORE:g}"
    if abs(score) > LARGE_SCORE:
        told += " A zero-inflated or a hurdle model has zeros of their own."
        return Finding("Zeros", "look", told, score, rule, "Hilbe 2011")
    return Finding("Zeros", "fine", told, score, rule, "Hilbe 2011")


def _outliers(result: Any) -> Finding:
    excess = _excess(result)
    kind, source = "quantile residual", "Dunn and Smyth 1996"
    try:
        values = result.resid_quantile() if excess == 1.0 else None
    except NotAvailableError:
        values = None
    if values is None:
        kind, source = "standardised deviance residual", "Davison and Snell 1991"
        values = result.get_resid("deviance", standardized=True) / math.sqrt(excess)
    values = np.asarray(values, dtype=float)
    known = np.isfinite(values) | np.isinf(values)
    if not known.any():
        return Finding("Outliers", "not applicable", "There are no residuals.")
    limit = float(-special.ndtri(OUTLIER_SHARE / 2.0 / int(known.sum())))
    size = np.where(known, np.abs(values), 0.0)
    beyond = np.flatnonzero(size > limit)
    top = float(size.max())
    rule = (
        f"no {kind}{_at(excess)} beyond {limit:.3g}, which {int(known.sum())} normal ones pass "
        f"1 time in {1 / OUTLIER_SHARE:.0f}"
    )
    if beyond.size == 0:
        told = f"None: the largest {kind} is {top:.3g}."
        return Finding("Outliers", "fine", told, top, rule, source)
    told = f"{_plural(beyond.size, f'{kind}')} beyond {limit:.3g}: "
    told += f"{_with_values(result, values, beyond, size)}."
    return Finding("Outliers", "look", told, top, rule, source)


_ALWAYS: tuple[Callable[[Any], Finding | None], ...] = (
    _convergence,
    _separation,
    _collinearity,
    _rows,
    _events,
)
_OF_A_FAMILY = (_dispersion, _link, _zeros, _outliers, _influence, _leverage)
_OF_COUNTS = (_spread_of_counts, _zeros_of_counts, _outliers, _influence)


def _others(result: Any) -> tuple[Callable[[Any], Finding | None], ...]:
    """Return what is looked at beside, for what the result can answer."""
    if hasattr(result, "family"):
        return _OF_A_FAMILY
    return _OF_COUNTS if hasattr(result, "count_frequencies") else (_influence,)


def _unavailable(result: Any, topic: str, reason: NotAvailableError) -> Finding:
    separated = result.record.separation is not None
    told = "The data are separated: see separation." if separated else str(reason)
    return Finding(topic, "not applicable", told)


# --- words --------------------------------------------------------------------------------


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _coefficients(count: float) -> str:
    """Return a number of coefficients, which is effective and no whole one after a penalty."""
    if count == int(count):
        return _plural(int(count), "coefficient")
    return f"{count:.3g} effective coefficients"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _row_labels(result: Any) -> Any:
    data = result.model.data
    return np.arange(data.kept.size) if data.index is None else data.index


def _with_values(result: Any, values: Array, chosen: Any, size: Array | None = None) -> str:
    """Return labels with values, the largest first."""
    by = values if size is None else size
    ranked = chosen[np.argsort(-by[chosen], kind="stable")]
    labels = _row_labels(result)
    return _listed([f"row {labels[i]} ({values[i]:.3g})" for i in ranked])


def _named_rows(result: Any, distance: Array, beyond: Any) -> str:
    noun = "row moves" if beyond.size == 1 else "rows move"
    return (
        f"{beyond.size} {noun} the estimates much, by Cook's distance: "
        f"{_with_values(result, distance, beyond)}. See get_influence()."
    )
