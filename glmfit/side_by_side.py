"""Several fits side by side: coefficients over their errors, and what sums up each fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from glmfit.errors import ArgumentError, ArgumentTypeError, suggest
from glmfit.output import Column, Row, Summary, Table
from glmfit.output.formatting import format_column
from glmfit.output.table import Style
from glmfit.results.base import LikelihoodResults

__all__ = ["compare"]

OUTPUTS: Final[dict[str, Callable[[Summary], str]]] = {
    "text": Summary.as_text,
    "html": Summary.as_html,
    "latex": Summary.as_latex,
    "markdown": Summary.as_markdown,
}

BELOW: Final = {
    "std_error": "Standard errors in parentheses.",
    "statistic": "z or t statistics in parentheses.",
    "p_value": "p-values in parentheses.",
    "conf_int": "{level:.0%} intervals in brackets.",
}
"""What may stand below an estimate, and how a note tells it."""

MEASURES: Final = {
    "nobs": "Observations",
    "r_squared": "R-squared",
    "adj_r_squared": "Adj. R-squared",
    "sigma": "Residual std. dev.",
    "pseudo_r_squared": "Pseudo R-squared",
    "log_lik": "Log-likelihood",
    "aic": "AIC",
    "bic": "BIC",
    "deviance": "Deviance",
}
"""What sums up a fit, by its name in `glance`, and what it is called in the table."""

STARS: Final = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


@dataclass(frozen=True, slots=True)
class _Fit:
    """What the table takes from a fit.

    Attributes
    ----------
    name : str
    result : LikelihoodResults
    terms : DataFrame
        `tidy`, indexed by what each coefficient is called in the table.
    measures : dict of str to float
    """

    name: str
    result: LikelihoodResults
    terms: pd.DataFrame
    measures: dict[str, float]


def compare(
    fits: Mapping[str, LikelihoodResults] | Sequence[LikelihoodResults],
    output: str | None = None,
    *,
    statistic: str | None = "std_error",
    stars: bool = False,
    exponentiate: bool = False,
    conf_level: float = 0.95,
    terms: Mapping[str, str] | Sequence[str] | None = None,
    measures: Iterable[str] | None = None,
    title: str = "Comparison of fits",
) -> Any:
    """Put fits side by side, a column for each.

    Parameters
    ----------
    fits : dict of str to results, or sequence of results
        The fits, by the names of their columns; (1), (2), ... without names. They may be
        of different families and classes.
    output : {"text", "html", "latex", "markdown", "df"}, optional
        A string, or a frame of the numbers as they are. By default a `Summary`, which
        prints as text, shows as HTML in a notebook and has ``as_latex()`` and the others.
    statistic : {"std_error", "statistic", "p_value", "conf_int"} or None
        What stands below each estimate.
    stars : bool
        Whether to mark estimates by their p-values: \\* < 0.05, \\** < 0.01, \\*** < 0.001.
    exponentiate : bool
        Whether to show exp(coefficient), as in `tidy`.
    conf_level : float
        What intervals cover.
    terms : sequence or dict of str, optional
        Coefficients to show, in this order; a dict renames them. Those of a multinomial
        logit are called ``level: term``.
    measures : iterable of str, optional
        What sums up the fits, out of ``nobs, r_squared, adj_r_squared, sigma,
        pseudo_r_squared, log_lik, aic, bic, deviance``; all that any of the fits has by
        default.
    title : str

    Returns
    -------
    Summary, str or DataFrame
        The frame has columns ``part`` ("estimates" or "gof"), ``term``, ``statistic``, and
        one for each fit.

    References
    ----------
    Arel-Bundock, V. (2022). modelsummary: data and model summaries in R. *Journal of
    Statistical Software* 103(1).

    Examples
    --------
    >>> import glmfit as gf
    >>> challenger = gf.datasets.load("challenger")
    >>> logit = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
    >>> probit = gf.probit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
    >>> print(gf.compare({"logit": logit, "probit": probit}, "markdown", measures=["aic"]))
    **Comparison of fits**
    <BLANKLINE>
    |  | logit | probit |
    | :--- | ---: | ---: |
    | Intercept | 15.0429 | 8.7750 |
    |  | (7.3786) | (4.0286) |
    | TEMPERATURE | -0.2322 | -0.1351 |
    |  | (0.1082) | (0.0584) |
    | Model | Logit | Probit |
    | AIC | 24.315 | 24.378 |
    <BLANKLINE>
    Standard errors in parentheses.
    """
    if output is not None and output not in (*OUTPUTS, "df"):
        raise ArgumentError(
            f"output must be one of {', '.join([*OUTPUTS, 'df'])} (got {output!r})."
            f"{suggest(str(output), [*OUTPUTS, 'df'])}"
        )
    if statistic is not None and statistic not in BELOW:
        raise ArgumentError(
            f"statistic must be one of {', '.join(BELOW)}, or None (got {statistic!r})."
        )
    found = [_read(name, result, exponentiate, conf_level) for name, result in _named(fits).items()]
    names = _terms(found, terms)
    shown = _measures(found, measures)
    if output == "df":
        return _frame(found, names, shown, statistic)
    rows = [*_coefficient_rows(found, names, statistic, stars), *_measure_rows(found, shown)]
    table = Table(tuple(Column(fit.name, "estimate") for fit in found), tuple(rows))
    notes = tuple(_notes(found, statistic, stars, exponentiate, conf_level))
    summary = Summary(title=title, tables=(table,), notes=notes)
    return summary if output is None else OUTPUTS[output](summary)


# --- what is compared -----------------------------------------------------------------------


def _named(fits: Any) -> dict[str, LikelihoodResults]:
    if isinstance(fits, LikelihoodResults):
        raise ArgumentTypeError("compare takes several fits: {'a': fit1, 'b': fit2}.")
    if isinstance(fits, Mapping):
        named = {str(name): result for name, result in fits.items()}
    else:
        named = {f"({j})": result for j, result in enumerate(fits, start=1)}
    for name, result in named.items():
        if not isinstance(result, LikelihoodResults):
            raise ArgumentTypeError(
                f"{name!r} is no fitted model of glmfit (got {type(result).__name__}); "
                "model.fit() makes one."
            )
    if not named:
        raise ArgumentError("There is no fit to show.")
    return named


def _read(name: str, result: LikelihoodResults, exponentiate: bool, conf_level: float) -> _Fit:
    table = result.tidy(True, exponentiate, conf_level=conf_level)
    labels = table["term"].astype(str)
    if "y_level" in table.columns:
        labels = table["y_level"].astype(str) + ": " + labels
    measures = result.glance().iloc[0].to_dict()
    if "r_squared" not in measures:
        measures["pseudo_r_squared"] = result.prsquared
    kept = {key: float(value) for key, value in measures.items() if key in MEASURES}
    return _Fit(name, result, table.set_index(labels), kept)


def _terms(fits: list[_Fit], asked: Any) -> dict[str, str]:
    """Return the coefficients to show, with what they are called."""
    known = _merged([list(fit.terms.index) for fit in fits])
    if asked is None:
        return {name: name for name in known}
    if isinstance(asked, str):
        asked = [asked]
    for name in asked:
        if name not in known:
            raise ArgumentError(
                f"No fit has a coefficient {name!r}.{suggest(str(name), known)} "
                f"Known: {', '.join(known)}."
            )
    return dict(asked) if isinstance(asked, Mapping) else {name: name for name in asked}


def _merged(lists: list[list[str]]) -> list[str]:
    """Return the names of all lists once, each after those that it follows in its own list."""
    merged: list[str] = []
    for names in lists:
        place = 0
        for name in names:
            if name in merged:
                place = max(place, merged.index(name) + 1)
            else:
                merged.insert(place, name)
                place += 1
    return merged


def _measures(fits: list[_Fit], asked: Iterable[str] | None) -> list[str]:
    """Return the measures to show: those asked for, or all that a fit has."""
    if asked is not None:
        wanted = [asked] if isinstance(asked, str) else list(asked)
        for name in wanted:
            if name not in MEASURES:
                raise ArgumentError(
                    f"There is no measure {name!r}.{suggest(str(name), MEASURES)} "
                    f"Known: {', '.join(MEASURES)}."
                )
        return wanted
    return [
        key for key in MEASURES if any(np.isfinite(fit.measures.get(key, np.nan)) for fit in fits)
    ]


# --- the table ------------------------------------------------------------------------------


def _coefficient_rows(
    fits: list[_Fit], names: Mapping[str, str], statistic: str | None, stars: bool
) -> list[Row]:
    """Return for each coefficient a row of estimates and a row of what stands below."""
    columns = [_column(fit, list(names), statistic, stars) for fit in fits]
    rows = []
    for j, label in enumerate(names.values()):
        rows.append(Row(label, tuple(column[j][0] for column in columns)))
        below = tuple(column[j][1] for column in columns)
        if any(below):
            rows.append(Row("", below))
    return rows


def _column(
    fit: _Fit, names: list[str], statistic: str | None, stars: bool
) -> list[tuple[str, str]]:
    """Return the text of estimates, and of what stands below them, for one fit."""
    own = fit.terms.reindex(names)
    keys = ["conf_low", "conf_high"] if statistic == "conf_int" else [statistic or "std_error"]
    known = own.index.isin(fit.terms.index)
    like: dict[str | None, Style] = {"p_value": "pvalue", "statistic": "statistic"}
    if statistic in like:
        texts = [_written(own["estimate"]), format_column(tuple(own[keys[0]]), like[statistic])]
    else:
        texts = _split(_written(pd.concat([own[key] for key in ("estimate", *keys)])), len(names))
    cells = []
    for j in range(len(names)):
        if not known[j]:
            cells.append(("", ""))
            continue
        value = "aliased" if np.isnan(own["estimate"].iloc[j]) else texts[0][j]
        mark = _stars(own["p_value"].iloc[j]) if stars else ""
        parts = [text[j] for text in texts[1:]]
        absent = statistic is None or "nan" in parts
        below = f"[{parts[0]}, {parts[1]}]" if len(parts) == 2 else f"({parts[0]})"
        cells.append((value + mark, "" if absent else below))
    return cells


def _written(values: pd.Series) -> tuple[str, ...]:
    return format_column(tuple(float(value) for value in values), "estimate")


def _split(texts: tuple[str, ...], size: int) -> list[tuple[str, ...]]:
    return [texts[start : start + size] for start in range(0, len(texts), size)]


def _stars(pvalue: float) -> str:
    return next((mark for limit, mark in STARS if pvalue < limit), "")


def _measure_rows(fits: list[_Fit], shown: list[str]) -> list[Row]:
    """Return what sums up each fit, a rule above the first row."""
    told = {
        "Model": [fit.result.model.summary_name for fit in fits],
        "Response": [str(fit.result.model.endog_names) for fit in fits],
        "Covariance": [fit.result.cov_type for fit in fits],
    }
    usual = {"nonrobust"}
    lines = [
        (label, tuple(texts))
        for label, texts in told.items()
        if len(set(texts)) > 1 or (label == "Covariance" and set(texts) != usual)
    ]
    for key in shown:
        values = [fit.measures.get(key, np.nan) for fit in fits]
        lines.append((MEASURES[key], _measure_texts(key, values)))
    return [Row(label, cells, ruled=j == 0) for j, (label, cells) in enumerate(lines)]


def _measure_texts(key: str, values: list[float]) -> tuple[str, ...]:
    texts = format_column(tuple(values), "integer" if key == "nobs" else "general")
    return tuple("" if text == "nan" else text for text in texts)


def _notes(
    fits: list[_Fit], statistic: str | None, stars: bool, exponentiate: bool, conf_level: float
) -> Iterable[str]:
    if exponentiate:
        yield "Estimates are exp(coefficient); standard errors are those of the coefficients."
    if statistic is not None:
        yield BELOW[statistic].format(level=conf_level)
    if stars:
        yield ", ".join(f"{mark} p < {limit:g}" for limit, mark in reversed(STARS)) + "."
    if len({fit.measures["nobs"] for fit in fits}) > 1:
        yield (
            "The fits rest on different numbers of observations, so their log-likelihoods and "
            "criteria do not compare."
        )
    for fit in fits:
        if fit.result.separation is not None:
            yield f"{fit.name}: the data are separated, and infinite estimates are limits."
        elif not fit.result.converged:
            yield f"{fit.name}: not converged ({fit.result.record.reason})."


def _frame(
    fits: list[_Fit], names: Mapping[str, str], shown: list[str], statistic: str | None
) -> pd.DataFrame:
    """Return the numbers as they are."""
    below = ["conf_low", "conf_high"] if statistic == "conf_int" else [statistic]
    keys = ["estimate", *(key for key in below if key is not None)]
    lines: list[dict[str, Any]] = []
    for name, label in names.items():
        for key in keys:
            line: dict[str, Any] = {"part": "estimates", "term": label, "statistic": key}
            for fit in fits:
                known = name in fit.terms.index
                line[fit.name] = fit.terms[key].loc[name] if known else np.nan
            lines.append(line)
    for key in shown:
        line = {"part": "gof", "term": "", "statistic": key}
        line |= {fit.name: fit.measures.get(key, np.nan) for fit in fits}
        lines.append(line)
    return pd.DataFrame(lines)
