"""The same model fitted by statsmodels: the only place that imports it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.errors import MissingPackageError, NotAvailableError
from glmfit.results.absorbed import refuse_effects

__all__ = ["Counterpart", "fit_counterpart", "require_comparable", "timed"]

Array = NDArray[np.float64]
Positions = NDArray[np.intp]

MISSING = (
    "The comparison fits the model by statsmodels, which is not installed: "
    'python -m pip install "glmfit[statsmodels]".'
)
COVARIANCES = ("nonrobust", "HC0", "HC1", "HC2", "HC3")
"""Kinds of covariance that mean one thing in both packages."""
DISTRIBUTIONS = {
    "logit": "logit",
    "probit": "probit",
    "cloglog": "gumbel_l",
    "loglog": "gumbel_r",
    "cauchit": "cauchy",
}
"""Links of cumulative models as statsmodels' OrderedModel takes them: a name of its own, or
a distribution of scipy.stats."""


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A fit by statsmodels, with coefficients and rows in the order of glmfit's.

    Attributes
    ----------
    name : str
        Its class.
    result : object
        What statsmodels returned.
    seconds : float
        Time that its ``fit`` took.
    rows : ndarray of int
        Which of the rows used each of its rows is.
    params : ndarray of shape (q,)
    covariance : ndarray of shape (q, q)
    probabilities : ndarray or None
        Fitted probabilities of models of classes, a column for each level.
    converted : bool
        Whether params and covariance are those of other parameters than its own.
    precision : float
        To which relative difference its numbers can be expected to be right.
    notes : tuple of str
        What was done to the data for it.
    """

    name: str
    result: Any
    seconds: float
    rows: Positions
    params: Array
    covariance: Array
    probabilities: Array | None = None
    converted: bool = False
    precision: float = 1e-6
    notes: tuple[str, ...] = ()


def fit_counterpart(result: Any) -> Counterpart:
    """Return the same model on the same rows, fitted by statsmodels.

    Columns that were left out as combinations of others are left out here too, since
    statsmodels would either divide their coefficients or raise.

    Raises
    ------
    MissingPackageError
        If statsmodels is not installed.
    NotAvailableError
        If statsmodels has no such model.
    """
    fit = FITTERS.get(result.model.summary_name)
    if fit is None:
        raise NotAvailableError(
            f"statsmodels has no model like {result.model.summary_name}, or no comparison with it "
            f"was made; those compared are {', '.join(FITTERS)}."
        )
    require_comparable(result)
    return fit(result)


def require_comparable(result: Any) -> None:
    """Raise unless the estimates are a maximum that statsmodels looks for too."""
    record = result.record
    refuse_effects(record, "A comparison with statsmodels")
    if record.separation is not None:
        raise NotAvailableError(
            "The data are separated: no finite estimate exists, and statsmodels' numbers are "
            "where its iterations stopped. There is nothing to compare."
        )
    if not record.maximises_likelihood:
        raise NotAvailableError(
            "The estimates are bias-reduced or penalised, and statsmodels has no such estimates "
            "of the same definition. Fit by maximum likelihood to compare."
        )
    if not record.converged:
        raise NotAvailableError(
            f"The fit did not reach the maximum ({record.reason}), so there is nothing to compare."
        )
    if result.cov_type not in COVARIANCES:
        raise NotAvailableError(
            f"The covariance {result.cov_type!r} is not compared; those that are: "
            f"{', '.join(COVARIANCES)}. Use result.with_cov('nonrobust') first."
        )


def _statsmodels(module: str = "statsmodels.api") -> Any:
    """Return a module of statsmodels, imported when the first comparison asks for it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "statsmodels":
            raise
        raise MissingPackageError(MISSING) from error


# --- generalised linear models ------------------------------------------------------------


def _named_alike(module: Any, ours: Any, **more: Any) -> Any:
    """Return an instance of the class that bears the name of ours, with its parameters.

    A quasi family is that of its likelihood, with an estimated dispersion.
    """
    names = [kind.__name__ for kind in type(ours).__mro__ if hasattr(module, kind.__name__)]
    given = {f.name: getattr(ours, f.name) for f in fields(ours) if f.init and f.name != "link"}
    return getattr(module, names[0])(**given, **more)


def _present(result: Any) -> Positions:
    """Return the rows that count, by position among the rows used."""
    rows: Positions = np.flatnonzero(result.model.fitted_rows(result.record))
    return rows


def _taken(values: Array | None, rows: Positions) -> Array | None:
    return None if values is None else values[rows]


def timed(fit: Callable[..., Any], **options: Any) -> tuple[Any, float]:
    """Return a fit by statsmodels, and the seconds it took."""
    start = time.perf_counter()
    found = fit(**options)
    return found, time.perf_counter() - start


def _glm(result: Any) -> Counterpart:
    api, record, model = _statsmodels(), result.record, result.model
    data, rows, family = model.data, _present(result), model.family
    y = data.response.y[rows]
    trials = _taken(data.response.trials, rows)
    made = api.GLM(
        y if trials is None else np.column_stack([y * trials, (1.0 - y) * trials]),
        model.exog[rows][:, record.kept],
        family=_named_alike(
            api.families, family, link=_named_alike(api.families.links, family.link)
        ),
        offset=_taken(data.offset, rows),
        freq_weights=_taken(data.freq_weights, rows),
        var_weights=_taken(data.var_weights, rows),
    )
    found, seconds = timed(
        made.fit,
        scale=_scale(result),
        cov_type=result.cov_type,
        use_t=result.use_t,
        maxiter=1000,
        tol=1e-12,
        # iterated least squares has the expected information only
        **(
            {"method": "newton"}
            if model.observed_information
            else {"method": "IRLS", "tol_criterion": "params"}
        ),
    )
    return _plain("GLM", found, seconds, rows)


def _scale(result: Any) -> float | str | None:
    """Return the dispersion as GLM.fit takes it: a number where it was chosen, or its rule."""
    if result.record.scale_note is not None:
        return float(result.record.scale)
    return "X2" if result.model.family.quasi else None


def _plain(name: str, found: Any, seconds: float, rows: Positions, *notes: str) -> Counterpart:
    return Counterpart(
        name,
        found,
        seconds,
        rows,
        np.asarray(found.params, dtype=float).ravel(order="F"),
        np.asarray(found.cov_params(), dtype=float),
        notes=notes,
    )


def _named(result: Any) -> Counterpart:
    """Fit the class of the same name, or a GLM of its family where that cannot take the data."""
    data, record, model = result.model.data, result.record, result.model
    if data.weight is not None or data.offset is not None or record.scale_note is not None:
        why = f"statsmodels' {model.summary_name} takes no weights or offset: its GLM is fitted."
        return replace(_glm(result), notes=(why,))
    options = {"cov_type": result.cov_type, "use_t": result.use_t}
    if model.known_dispersion is not None:
        options |= {"method": "newton", "maxiter": 100, "tol": 1e-12, "disp": 0}
    kind = getattr(_statsmodels(), model.summary_name)
    made = kind(data.response.y, model.exog[:, record.kept])
    found, seconds = timed(made.fit, **options)
    return _plain(model.summary_name, found, seconds, _present(result))


# --- models of classes ------------------------------------------------------------------------


def _observations(result: Any) -> tuple[Positions, Positions, tuple[str, ...]]:
    """Return row and class of each observation, each written out as often as it was seen."""
    data = result.model.data
    if data.var_weights is not None:
        raise NotAvailableError(
            f"statsmodels' {result.model.summary_name} takes no weights, and var_weights cannot "
            "be written out as rows."
        )
    weight = data.weight
    shares = data.response.y
    counts = shares if weight is None else shares * weight[:, None]
    if (np.abs(counts - np.round(counts)) > 1e-9 * np.maximum(counts, 1.0)).any():
        raise NotAvailableError(
            f"statsmodels' {result.model.summary_name} takes no weights, and these are no whole "
            "numbers by which rows could be written out."
        )
    rows, classes = np.nonzero(counts > 0.5)
    times = np.round(counts[rows, classes]).astype(np.intp)
    told = ("statsmodels takes no weights here: each row was written out as often as it was seen.",)
    return np.repeat(rows, times), np.repeat(classes, times), told if times.max() > 1 else ()


def _multinomial(result: Any) -> Counterpart:
    model = result.model
    if model.data.offset is not None:
        raise NotAvailableError("statsmodels' MNLogit takes no offset.")
    rows, classes, told = _observations(result)
    columns = result.record.kept[result.record.kept < len(model.data.names)]
    made = _statsmodels().MNLogit(classes, model.exog[rows][:, columns])
    found, seconds = timed(
        made.fit,
        method="newton",
        maxiter=100,
        tol=1e-12,
        disp=0,
        cov_type=result.cov_type,
        use_t=result.use_t,
    )
    plain = _plain(model.summary_name, found, seconds, rows, *told)
    return replace(plain, probabilities=np.asarray(found.predict()))


def _ordered(result: Any) -> Counterpart:
    model = result.model
    distribution = DISTRIBUTIONS.get(model.link.name)
    if not model.shared.all() or distribution is None:
        raise NotAvailableError(
            "statsmodels' OrderedModel has one slope a column for all thresholds, and the "
            f"distributions {', '.join(DISTRIBUTIONS)}."
        )
    rows, classes, told = _observations(result)
    offset = model.data.offset
    count = len(model.cuts)
    columns = result.record.kept[:-count]
    kind = _statsmodels("statsmodels.miscmodels.ordinal_model").OrderedModel
    if distribution not in ("logit", "probit"):
        distribution = getattr(importlib.import_module("scipy.stats"), distribution)
    made = kind(
        classes,
        model.exog[rows][:, columns],
        offset=None if offset is None else offset[rows],
        distr=distribution,
    )
    found, seconds = timed(
        made.fit,
        method="bfgs",
        maxiter=1000,
        gtol=1e-8,
        disp=0,
        cov_type=result.cov_type,
        use_t=result.use_t,
    )
    raw = np.asarray(found.params, dtype=float)
    params, slope = increments_to_thresholds(raw, count)
    covariance = slope @ np.asarray(found.cov_params()) @ slope.T
    converted = (
        "statsmodels estimates the first threshold and the logarithms of the steps to the next "
        "ones; its numbers here are those of the thresholds, by the delta method.",
    )
    return Counterpart(
        model.summary_name,
        found,
        seconds,
        rows,
        params,
        covariance,
        np.asarray(found.predict()),
        converted=True,
        # its derivatives are numerical
        precision=1e-4,
        notes=(*told, *converted),
    )


def increments_to_thresholds(params: Array, count: int) -> tuple[Array, Array]:
    """Return thresholds in the place of statsmodels' log increments, and the derivatives.

    Parameters
    ----------
    params : ndarray of shape (q,)
        Slopes, the first threshold, and the logarithms of the ``count - 1`` steps.
    count : int
        Number of thresholds.

    Returns
    -------
    params : ndarray of shape (q,)
    slope : ndarray of shape (q, q)
        Derivatives of what is returned by what was given.
    """
    first = params.size - count
    steps = np.concatenate([[1.0], np.exp(params[first + 1 :])])
    out = params.copy()
    out[first:] = np.cumsum(np.concatenate([[params[first]], steps[1:]]))
    slope = np.eye(params.size)
    slope[first:, first:] = np.tril(np.ones((count, count))) * steps
    return out, slope


FITTERS: dict[str, Callable[[Any], Counterpart]] = {
    "GLM": _glm,
    "Logit": _named,
    "Probit": _named,
    "Poisson": _named,
    "OLS": _named,
    "MNLogit": _multinomial,
    "OrderedModel": _ordered,
}
"""How each model is fitted by statsmodels, by its name in the summary."""
