"""Models of counts for the same rows, in one table."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from glmfit.counts import CountLikelihood, PlainCount, PoissonCount
from glmfit.errors import (
    BoundaryWarning,
    ConvergenceWarning,
    GlmfitError,
    SeparationWarning,
)
from glmfit.inference.tails import chi2_sf
from glmfit.inference.vuong import VuongTest, vuong_test
from glmfit.models import hurdle, negativebinomial, poisson, zeroinflated
from glmfit.output import Column, Row, Summary, Table
from glmfit.output.table import Style
from glmfit.results.base import LikelihoodResults
from glmfit.results.contrasts import Shown

__all__ = ["CountComparison", "compare_counts"]

Array = NDArray[np.float64]

TOLD = {
    BoundaryWarning: "alpha = 0",
    SeparationWarning: "limit",
    ConvergenceWarning: "not converged",
}
"""What the table says of a fit that warned."""

COLUMNS: tuple[tuple[str, str, Style], ...] = (
    ("log_lik", "Log-lik.", "general"),
    ("df", "Df", "integer"),
    ("aic", "AIC", "general"),
    ("bic", "BIC", "general"),
    ("dispersion", "Dispersion", "general"),
    ("zeros", "Zeros", "general"),
    ("vuong", "Vuong", "statistic"),
    ("vuong_aic", "(AIC)", "statistic"),
    ("vuong_bic", "(BIC)", "statistic"),
    ("lr", "LR", "statistic"),
    ("lr_pvalue", "P>LR", "pvalue"),
    ("note", "", "text"),
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A model of the table.

    Attributes
    ----------
    name : str
    make : callable (formula, data, inflation, options) -> results
    within : str or None
        The candidate that it becomes where one parameter is at the end of its range.
    inflates : bool
        Whether that parameter is the probability of certain zeros.
    likely : bool
        Whether it has a likelihood.
    """

    name: str
    make: Callable[..., LikelihoodResults]
    within: str | None = None
    inflates: bool = False
    likely: bool = True


@dataclass(frozen=True, slots=True)
class _Fit:
    """What the table takes from a fit; log-probabilities of rows have shape (n,)."""

    result: LikelihoodResults
    rows: Array
    zeros: float
    dispersion: float
    note: str


def _plain(formula: str, data: Any, inflation: str, options: dict[str, Any], **fit: Any) -> Any:
    return poisson(formula, data, **options).fit(**fit)


def _quasi(formula: str, data: Any, inflation: str, options: dict[str, Any]) -> Any:
    return _plain(formula, data, inflation, options, scale="X2")


def _negative_binomial(method: str) -> Callable[..., Any]:
    def make(formula: str, data: Any, inflation: str, options: dict[str, Any]) -> Any:
        return negativebinomial(formula, data, loglike_method=method, **options).fit()

    return make


def _two_parts(kind: Callable[..., Any], dist: str) -> Callable[..., Any]:
    def make(formula: str, data: Any, inflation: str, options: dict[str, Any]) -> Any:
        return kind(formula, data, inflation=inflation, dist=dist, **options).fit()

    return make


CANDIDATES = (
    _Candidate("Poisson", _plain),
    _Candidate("quasi-Poisson", _quasi, likely=False),
    _Candidate("NB1", _negative_binomial("nb1"), "Poisson"),
    _Candidate("NB2", _negative_binomial("nb2"), "Poisson"),
    _Candidate("ZIP", _two_parts(zeroinflated, "poisson"), "Poisson", inflates=True),
    _Candidate("ZINB", _two_parts(zeroinflated, "negativebinomial"), "ZIP"),
    _Candidate("hurdle Poisson", _two_parts(hurdle, "poisson")),
    _Candidate("hurdle NB", _two_parts(hurdle, "negativebinomial"), "hurdle Poisson"),
)


@dataclass(frozen=True, slots=True, repr=False)
class CountComparison(Shown):
    """Models of counts for the same rows.

    Attributes
    ----------
    frame : DataFrame
        A row for each model: ``log_lik, df, aic, bic``; ``dispersion``, Pearson's chi-square
        over its degrees of freedom; ``zeros``, the number expected; ``vuong, vuong_aic,
        vuong_bic``, Vuong's statistic against the model with the best AIC, negative where
        that one is nearer to the truth; ``lr, lr_pvalue``, the test against the model
        without its overdispersion or inflation; and ``note``.
    fits : dict of str to results
        Those that could be fitted.
    vuong : DataFrame
        Vuong's tests of every pair, ``first, second, correction, statistic, pvalue`` (of two
        sides).
    zeros_seen : float
    notes : tuple of str
    """

    frame: pd.DataFrame
    fits: dict[str, LikelihoodResults]
    vuong: pd.DataFrame
    zeros_seen: float
    notes: tuple[str, ...]

    def summary(self) -> Summary:
        """Return the table for reading."""
        columns = tuple(Column(heading, style) for _, heading, style in COLUMNS)
        rows = tuple(
            Row(str(name), tuple(_cell(line[key], style) for key, _, style in COLUMNS))
            for name, line in self.frame.iterrows()
        )
        return Summary("Models of counts", tables=(Table(columns, rows),), notes=self.notes)


def _cell(value: Any, style: Style) -> float | int | str | None:
    if style == "text":
        return str(value)
    if not math.isfinite(value):
        return None
    return int(value) if style == "integer" else float(value)


def compare_counts(
    formula: str,
    data: Any,
    *,
    inflation: str = "~ 1",
    offset: Any = None,
    exposure: Any = None,
    freq_weights: Any = None,
    subset: Any = None,
    missing: str = "drop",
    env: Any = None,
) -> CountComparison:
    """Fit the usual models of counts to the same rows, and compare them in one table.

    Poisson, quasi-Poisson, negative binomial (NB1, NB2), zero-inflated and hurdle models. A
    model that cannot be fitted says why.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean.
    data : DataFrame, dict or another table
    inflation : str
        One-sided formula for the zero part of zero-inflated and hurdle models.
    offset, exposure, freq_weights, subset, missing, env
        As in `glm`.

    Returns
    -------
    CountComparison
        Prints as a table; ``frame`` has the numbers, ``fits`` the results, ``vuong`` the
        tests of every pair.

    Notes
    -----
    The test of a model against that without its overdispersion is of alpha = 0, the end of
    its range: half a chi-square with 1 degree of freedom and half a 0 (Self and Liang 1987).
    So is that of ZIP against Poisson where the inflation is one number; where it depends on
    columns there is no such test. Vuong's test is for models of which neither is a special
    case of the other (Wilson 2015).

    References
    ----------
    Self, S. G. and Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood
    estimators and likelihood ratio tests under nonstandard conditions. *JASA* 82, 605-610.
    Vuong, Q. H. (1989). Likelihood ratio tests for model selection and non-nested
    hypotheses. *Econometrica* 57, 307-333.

    Examples
    --------
    >>> import glmfit as gf
    >>> quine = gf.datasets.load("quine")
    >>> found = gf.compare_counts("days ~ eth + sex + age + lrn", quine)
    >>> found.frame[["log_lik", "df", "aic", "zeros"]].round(1)
                    log_lik  df     aic  zeros
    Poisson         -1142.6   7  2299.2    0.0
    quasi-Poisson       NaN   7     NaN    NaN
    NB1              -548.0   8  1111.9    8.1
    NB2              -546.6   8  1109.2    6.2
    ZIP             -1050.6   8  2117.3    9.0
    ZINB             -545.8   9  1109.6    8.5
    hurdle Poisson  -1050.6   8  2117.3    9.0
    hurdle NB        -546.4   9  1110.9    9.0
    """
    given = {
        "offset": offset,
        "exposure": exposure,
        "freq_weights": freq_weights,
        "subset": subset,
        "env": env,
    }
    options = {name: value for name, value in given.items() if value is not None}
    options["missing"] = missing
    fits: dict[str, _Fit] = {}
    failed: dict[str, str] = {}
    others: dict[str, warnings.WarningMessage] = {}
    for candidate in CANDIDATES:
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                fits[candidate.name] = _read(
                    candidate.make(formula, data, inflation, options), caught
                )
        except GlmfitError as reason:
            failed[candidate.name] = str(reason)
        others |= {str(one.message): one for one in caught if not _told(one)}
    if not fits:
        # the formula or the data are at fault, not a model
        poisson(formula, data, **options).fit()
    for one in others.values():
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return _comparison(fits, failed, inflation)


def _told(one: warnings.WarningMessage) -> str:
    """Return what the table says of a warning; nothing if it is none of a model."""
    return next((told for kind, told in TOLD.items() if issubclass(one.category, kind)), "")


def _read(result: LikelihoodResults, caught: list[warnings.WarningMessage]) -> _Fit:
    """Return what the table takes from a fit."""
    likelihood, eta = _rows_of(result)
    data = result.model.data
    y, weight = data.response.y, _weight(data)
    with np.errstate(all="ignore"):
        rows = likelihood.log_probability(y, eta)
        zeros = float(weight @ np.exp(likelihood.log_probability(np.zeros(y.size), eta)))
        mean = likelihood.means(eta)[:, 0]
        chi2 = weight @ np.where(y == mean, 0.0, (y - mean) ** 2 / likelihood.variance(eta))
    dispersion = float(chi2) / result.df_resid if result.df_resid > 0 else math.nan
    notes = dict.fromkeys(told for one in caught if (told := _told(one)))
    return _Fit(result, rows, zeros, dispersion, ", ".join(notes))


def _rows_of(result: Any) -> tuple[CountLikelihood, Array]:
    """Return the likelihood of a fit, and the predictors (m, M) of the rows used."""
    if hasattr(result.model, "fitted_predictors"):
        found: tuple[CountLikelihood, Array] = result.model.fitted_predictors(result.record)
        return found
    mean = np.asarray(result.predict(), dtype=float)[result.model.data.kept]
    with np.errstate(divide="ignore"):
        return PlainCount(PoissonCount()), np.log(mean)[:, None]


def _weight(data: Any) -> Array:
    return np.ones(data.response.y.size) if data.weight is None else data.weight


def _comparison(fits: dict[str, _Fit], failed: dict[str, str], inflation: str) -> CountComparison:
    data = next(iter(fits.values())).result.model.data
    y, weight = data.response.y, _weight(data)
    likely = {c.name: fits[c.name] for c in CANDIDATES if c.likely and c.name in fits}
    best = min(likely, key=lambda name: _finite(likely[name].result.aic))
    lines = {c.name: _line(c, fits, failed, likely, best, weight) for c in CANDIDATES}
    zeros = float(weight @ (y == 0.0))
    notes = [
        f"{zeros:g} zeros were seen.",
        f"Vuong: against {best}, which has the best AIC; below 0 where that is nearer to the "
        "truth. It is for models of which neither is a special case of the other.",
        "LR: alpha = 0, or no inflation, from half a chi-square(1) and half a 0.",
    ]
    if any(fit.note for fit in fits.values()):
        notes.append(
            "alpha = 0: at the end of its range, as without it; limit: some estimates are infinite."
        )
    lost = data.counts.given - data.counts.outside - data.counts.used
    if lost:
        noun = (
            "row was left out for a missing value"
            if lost == 1
            else ("rows were left out for missing values")
        )
        notes.append(f"{lost} {noun}.")
    notes += [f"{name}: {reason}" for name, reason in failed.items()]
    frame = pd.DataFrame.from_dict(lines, orient="index")[[key for key, _, _ in COLUMNS]]
    return CountComparison(
        frame.astype({"df": "Int64"}),
        {name: fit.result for name, fit in fits.items()},
        _pairs(likely, weight),
        zeros,
        tuple(notes),
    )


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _line(
    candidate: _Candidate,
    fits: dict[str, _Fit],
    failed: dict[str, str],
    likely: dict[str, _Fit],
    best: str,
    weight: Array,
) -> dict[str, Any]:
    """Return the row of a model."""
    name = candidate.name
    line: dict[str, Any] = dict.fromkeys((key for key, _, _ in COLUMNS), math.nan)
    if name not in fits:
        return line | {"df": None, "note": "not fitted"}
    fit = fits[name]
    line |= {"df": fit.result.record.rank, "dispersion": fit.dispersion, "note": fit.note}
    if not candidate.likely:
        return line | {"note": "no likelihood"}
    result = fit.result
    line |= {"log_lik": result.llf, "aic": result.aic, "bic": result.bic, "zeros": fit.zeros}
    if name != best:
        test = _vuong(fit, likely[best], weight)
        line |= {"vuong": test.raw, "vuong_aic": test.aic, "vuong_bic": test.bic}
    smaller = fits.get(candidate.within or "")
    if smaller is not None and not (candidate.inflates and _inflation_columns(result) != 1):
        statistic = max(2.0 * (result.llf - smaller.result.llf), 0.0)
        line["lr"] = statistic
        line["lr_pvalue"] = 0.5 * float(chi2_sf(statistic, 1)) if statistic > 0.0 else 1.0
    return line


def _inflation_columns(result: LikelihoodResults) -> int:
    span = result.model.form.span("inflate")
    return int(span.stop - span.start)


def _vuong(first: _Fit, second: _Fit, weight: Array) -> VuongTest:
    more = first.result.record.rank - second.result.record.rank
    return vuong_test(first.rows, second.rows, weight, more)


def _pairs(likely: dict[str, _Fit], weight: Array) -> pd.DataFrame:
    """Return Vuong's tests of every pair of models."""
    lines = []
    names = list(likely)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            test = _vuong(likely[first], likely[second], weight)
            for correction in ("raw", "aic", "bic"):
                statistic = getattr(test, correction)
                pvalue = 2.0 * float(special.ndtr(-abs(statistic)))
                lines.append((first, second, correction, statistic, pvalue))
    columns = ["first", "second", "correction", "statistic", "pvalue"]
    return pd.DataFrame(lines, columns=columns)
