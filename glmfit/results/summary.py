"""The records of a summary: what is said, in what order. It computes no statistic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glmfit.engine.solvers import NEWTON
from glmfit.errors import ArgumentError
from glmfit.families import Family
from glmfit.output import Column, Field, Row, Summary, Table
from glmfit.output.table import Style

if TYPE_CHECKING:
    from glmfit.results.base import LikelihoodResults
    from glmfit.results.choice import ChoiceResults
    from glmfit.results.conditional import ConditionalResults
    from glmfit.results.counts import CountResults
    from glmfit.results.glm import GLMResults
    from glmfit.results.multinomial import MultinomialResults
    from glmfit.results.ordinal import OrdinalResults

__all__ = [
    "ratio_title",
    "summarise",
    "summarise_choice",
    "summarise_conditional",
    "summarise_counts",
    "summarise_levels",
    "summarise_ordinal",
]


def summarise(
    result: GLMResults,
    *,
    yname: str | None,
    xname: list[str] | None,
    title: str | None,
    alpha: float,
    exponentiate: bool | None,
) -> Summary:
    """Return the summary of a fitted model (see `GLMResults.summary`)."""
    names = _names(result, xname)
    header = _penalized_header if result.record.shrunk else _HEADERS[result.model.summary_style]
    left, right = header(result, yname)
    tables = [_coefficients(result, names, alpha)]
    heading = ratio_title(result.family)
    if exponentiate or (exponentiate is None and heading is not None):
        tables.append(_ratios(result, names, alpha, heading or "exp(coef)"))
    return Summary(
        title=title or result.model.summary_title,
        left=left,
        right=right,
        tables=tuple(tables),
        notes=tuple(_notes(result)),
    )


def ratio_title(family: Family) -> str | None:
    """Return what exp(coefficient) is called in a model, if it has a name."""
    link = family.link.name
    if link == "logit":
        return "Odds ratios"
    if link == "log" and family.counts:
        return "Rate ratios"
    if link == "log" and family.proportions:
        return "Risk ratios"
    return None


def _names(result: GLMResults, xname: list[str] | None) -> tuple[str, ...]:
    own: tuple[str, ...] = result.model.data.names
    if xname is None:
        return own
    if len(xname) != len(own):
        raise ArgumentError(f"xname has {len(xname)} names for {len(own)} coefficients.")
    return tuple(xname)


def _yname(result: LikelihoodResults, yname: str | None) -> str:
    return yname or result.model.endog_names


def _glm_header(
    result: GLMResults, yname: str | None
) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    left = (
        Field("Dep. Variable:", _yname(result, yname)),
        Field("Model:", result.model.summary_name),
        Field("Model Family:", result.family.describe()),
        Field("Link Function:", str(result.family.link)),
        Field("Method:", result.method),
        Field("Converged:", str(result.converged)),
        Field("No. Iterations:", result.fit_history["iteration"]),
        Field("Covariance Type:", result.cov_type),
    )
    right = (
        Field("No. Observations:", result.nobs),
        Field("Df Residuals:", result.df_resid),
        Field("Df Model:", result.df_model),
        Field("Scale:", float(result.scale)),
        Field("Log-Likelihood:", float(result.llf)),
        Field("Deviance:", float(result.deviance)),
        Field("Pearson chi2:", float(result.pearson_chi2)),
        Field("Pseudo R-squ. (CS):", float(result.pseudo_rsquared("cs"))),
    )
    return left, right


def _discrete_header(
    result: LikelihoodResults, yname: str | None
) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    left = (
        Field("Dep. Variable:", _yname(result, yname)),
        Field("Model:", result.model.summary_name),
        Field("Method:", _estimation(result)),
        Field("Converged:", str(result.converged)),
        Field("No. Iterations:", result.fit_history["iteration"]),
        Field("Covariance Type:", result.cov_type),
        Field("AIC:", float(result.aic)),
        Field("BIC:", float(result.bic)),
    )
    right = (
        Field("No. Observations:", result.nobs),
        Field("Df Residuals:", result.df_resid),
        Field("Df Model:", result.df_model),
        Field("Pseudo R-squ.:", float(result.prsquared)),
        Field("Log-Likelihood:", float(result.llf)),
        Field("LL-Null:", float(result.llnull)),
        *_likelihood_test(result),
        Field("Deviance:", float(result.record.deviance)),
    )
    return left, right


def _estimation(result: LikelihoodResults) -> str:
    """Return what is estimated, and by which solver where that is not Newton's method."""
    if result.record.bias_reduced is not None or result.record.method == NEWTON.name:
        return result.record.bias_reduced or "MLE"
    return f"MLE ({result.record.method})"


def _likelihood_test(result: LikelihoodResults) -> tuple[Field, ...]:
    """Return the p-value of the likelihood-ratio test, or what stands in its place."""
    if result.record.bias_reduced is None:
        return (Field("LLR p-value:", float(result.llr_pvalue), "pvalue"),)
    if result.record.penalty is None:
        return ()
    return (Field("Penalized LL:", float(result.penalized_llf)),)


def _linear_header(
    result: GLMResults, yname: str | None
) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    left = (
        Field("Dep. Variable:", _yname(result, yname)),
        Field("Model:", result.model.summary_name),
        Field("Method:", "Least Squares"),
        Field("No. Observations:", result.nobs),
        Field("Df Residuals:", result.df_resid),
        Field("Df Model:", result.df_model),
        Field("Covariance Type:", result.cov_type),
        Field("Scale:", float(result.scale)),
    )
    right = (
        Field("R-squared:", float(result.rsquared)),
        Field("Adj. R-squared:", float(result.rsquared_adj)),
        Field("F-statistic:", float(result.fvalue)),
        Field("Prob (F-statistic):", float(result.f_pvalue), "pvalue"),
        Field("Log-Likelihood:", float(result.llf)),
        Field("AIC:", float(result.aic)),
        Field("BIC:", float(result.bic)),
        Field("Cond. No. (scaled):", float(result.record.condition)),
    )
    return left, right


def _penalized_header(
    result: LikelihoodResults, yname: str | None
) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    found = result.regularization
    weight: str | float = found.alpha if isinstance(found.alpha, float) else "by column"
    given = () if found.penalty_C is None else (Field("Penalty C:", found.penalty_C),)
    left = (
        Field("Dep. Variable:", _yname(result, yname)),
        Field("Model:", result.model.summary_name),
        *_family_fields(result),
        Field("Method:", result.method),
        Field("Converged:", str(result.converged)),
        Field("No. Iterations:", result.fit_history["iteration"]),
        *((Field("Covariance Type:", result.cov_type),) if result.has_wald else ()),
    )
    right = (
        Field("No. Observations:", result.nobs),
        Field("Penalty alpha:", weight),
        *given,
        Field("Penalty L1_wt:", found.L1_wt),
        Field("Coefs. set to 0:", int(found.zeroed.sum())),
        Field("Effective Df:", found.effective_df),
        Field("Objective:", found.objective),
        Field("Log-Likelihood:", float(result.llf)),
        Field("Deviance:", float(result.record.deviance)),
    )
    return left, right


def _family_fields(result: LikelihoodResults) -> tuple[Field, ...]:
    """Return family, link and scale of a model that has them."""
    if result.record.n_equations > 1:
        return ()
    return (
        Field("Model Family:", result.model.family.describe()),
        Field("Link Function:", str(result.model.family.link)),
        Field("Scale:", float(result.record.scale)),
    )


_HEADERS = {"glm": _glm_header, "discrete": _discrete_header, "linear": _linear_header}


def summarise_levels(
    result: MultinomialResults,
    *,
    yname: str | None,
    title: str | None,
    alpha: float,
    exponentiate: bool,
) -> Summary:
    """Return the summary of a multinomial logit (see `MultinomialResults.summary`)."""
    header = _penalized_header if result.record.shrunk else _discrete_header
    left, right = header(result, yname)
    name = _yname(result, yname)
    reference = result.model.reference
    terms = result.model.data.names
    tables = [
        _coefficients(
            result, terms, alpha, j * len(terms), f"{name} = {level}, against {reference}"
        )
        for j, level in enumerate(result.model.levels[1:])
    ]
    if exponentiate:
        tables += [
            _ratios(result, terms, alpha, f"Relative-risk ratios: {level}", j * len(terms))
            for j, level in enumerate(result.model.levels[1:])
        ]
    return Summary(
        title=title or result.model.summary_title,
        left=left,
        right=right,
        tables=tuple(tables),
        notes=tuple(_notes(result)),
    )


def summarise_ordinal(
    result: OrdinalResults,
    *,
    yname: str | None,
    title: str | None,
    alpha: float,
    exponentiate: bool | None,
) -> Summary:
    """Return the summary of an ordinal model (see `OrdinalResults.summary`)."""
    left, right = _discrete_header(result, yname)
    names, model = result.model.parameter_names, result.model
    count = len(names) - len(model.cuts)
    tables = [_coefficients(result, names[:count], alpha)] if count else []
    if count and (exponentiate or (exponentiate is None and model.ratio_name is not None)):
        tables.append(_ratios(result, names[:count], alpha, model.ratio_name or "exp(coef)"))
    tables.append(_coefficients(result, names[count:], alpha, count, model.cut_title))
    return Summary(
        title=title or model.summary_title,
        left=left,
        right=right,
        tables=tuple(tables),
        notes=(model.statement, *_notes(result)),
    )


def summarise_conditional(
    result: ConditionalResults,
    *,
    yname: str | None,
    title: str | None,
    alpha: float,
    exponentiate: bool,
) -> Summary:
    """Return the summary of a conditional logit (see `ConditionalResults.summary`)."""
    left, right = _discrete_header(result, yname)
    counts = result.counts
    sizes = f"{counts.smallest} to {counts.largest}"
    names = result.model.data.names
    tables = [_coefficients(result, names, alpha)]
    if exponentiate:
        tables.append(_ratios(result, names, alpha, "Odds ratios"))
    notes = _notes(result)
    if counts.dropped:
        noun = "stratum" if counts.dropped == 1 else "strata"
        notes.append(
            f"{counts.dropped} {noun} ({counts.dropped_rows} observations) without both cases "
            "and controls left out: they say nothing."
        )
    return Summary(
        title=title or result.model.summary_title,
        left=(*left, Field("No. Strata:", counts.strata)),
        right=(*right, Field("Stratum Sizes:", sizes)),
        tables=tuple(tables),
        notes=tuple(notes),
    )


def summarise_counts(
    result: CountResults,
    *,
    yname: str | None,
    title: str | None,
    alpha: float,
    exponentiate: bool,
) -> Summary:
    """Return the summary of a model of counts (see `CountResults.summary`)."""
    left, (*right, _) = _discrete_header(result, yname)
    model, form = result.model, result.model.form
    titles = {
        "inflate": model.zero_title,
        "mean": "Mean: log mu" if len(form.widths) > 1 else None,
        "alpha": "Dispersion" if form.one_alpha else "Dispersion: log alpha",
    }
    tables = []
    for part in ("mean", *(p for p in form.likelihood.parts if p != "mean")):
        span = form.span(part)
        names = model.data.names[span]
        tables.append(_coefficients(result, names, alpha, span.start, titles[part]))
        if part == "mean" and exponentiate:
            tables.append(_ratios(result, names, alpha, "Rate ratios", span.start))
    return Summary(
        title=title or model.summary_title,
        left=left,
        right=tuple(right),
        tables=tuple(tables),
        notes=(model.statement, *_overdispersion(result), *_notes(result)),
    )


def _overdispersion(result: CountResults) -> list[str]:
    """Say what the test of alpha = 0 says, where there is one."""
    if not result.model.form.one_alpha:
        return []
    if result.record.at_boundary:
        return [
            "alpha is 0, the end of its range: the counts are not overdispersed, and the other "
            "numbers are those of the model without alpha."
        ]
    test = result.overdispersion_test()
    if not result.model.form.has_boundary:
        return [
            f"Test of alpha = 0 (Poisson): LR = {test.statistic:.4g}, p = {test.pvalue:.3g}, from "
            "chi-square(1). Counts are less spread than Poisson's where alpha is negative."
        ]
    return [
        f"Test of alpha = 0 (no overdispersion): LR = {test.statistic:.4g}, p = "
        f"{test.pvalue:.3g}, from half a chi-square(1) and half a 0. The interval of alpha is "
        "made on the log scale."
    ]


def summarise_choice(
    result: ChoiceResults,
    *,
    yname: str | None,
    title: str | None,
    alpha: float,
    exponentiate: bool,
) -> Summary:
    """Return the summary of a choice model (see `ChoiceResults.summary`)."""
    left, (_, *right) = _discrete_header(result, yname)
    counts = result.counts
    names = result.model.data.names
    tables = [_coefficients(result, names, alpha)]
    if exponentiate:
        tables.append(_ratios(result, names, alpha, "exp(coef)"))
    tables.append(_alternatives(result))
    notes = _notes(result)
    if counts.dropped:
        noun = "case" if counts.dropped == 1 else "cases"
        notes.append(f"{counts.dropped} {noun} without a choice to make, or a weight, left out.")
    null = "constants only" if result.k_constant else "equal shares"
    notes.append(f"LL-Null, Pseudo R-squ. and LLR p-value compare with {null}.")
    return Summary(
        title=title or result.model.summary_title,
        left=(*left, Field("No. Rows:", counts.rows)),
        right=(
            Field("No. Cases:", result.nobs),
            *right,
            Field("LL Equal Shares:", float(result.llequal)),
        ),
        tables=tuple(tables),
        notes=tuple(notes),
    )


def _alternatives(result: ChoiceResults) -> Table:
    sets = result.sets
    whole = bool((sets.available % 1.0 == 0.0).all() and (sets.chosen % 1.0 == 0.0).all())
    style: Style = "integer" if whole else "general"
    columns = (Column("available", style), Column("chosen", style), Column("share", "estimate"))
    rows = tuple(
        Row(str(level), (*(int(n) if whole else float(n) for n in counts), float(share)))
        for level, *counts, share in zip(
            sets.alternatives, sets.available, sets.chosen, sets.shares, strict=True
        )
    )
    return Table(columns, rows, title="Alternatives")


def _interval_columns(alpha: float) -> tuple[Column, Column]:
    return (
        Column(f"[{alpha / 2:g}", "estimate"),
        Column(f"{1 - alpha / 2:g}]", "estimate"),
    )


def _coefficients(
    result: LikelihoodResults,
    names: tuple[str, ...],
    alpha: float,
    first: int = 0,
    title: str | None = None,
) -> Table:
    letter = "t" if result.use_t else "z"
    if not result.has_wald:
        bare = _flat(result.params)[:, None]
        rows = _table_rows(result, names, bare, first)
        return Table((Column("coef", "estimate"),), rows, title=title)
    columns: tuple[Column, ...] = (
        Column("coef", "estimate"),
        Column("std err", "estimate"),
        Column(letter, "statistic"),
        Column(f"P>|{letter}|", "pvalue"),
        *_interval_columns(alpha),
    )
    values = np.column_stack(
        [
            _flat(result.params),
            _flat(result.bse),
            _flat(result.tvalues),
            _flat(result.pvalues),
            np.asarray(result.conf_int(alpha)),
        ]
    )
    return Table(columns, _table_rows(result, names, values, first), title=title)


def _flat(values: Any) -> Any:
    """Return coefficients one after the other, level by level where there are several."""
    return np.asarray(values).ravel(order="F")


def _ratios(
    result: LikelihoodResults,
    names: tuple[str, ...],
    alpha: float,
    heading: str,
    first: int = 0,
) -> Table:
    columns: tuple[Column, ...] = (Column("exp(coef)", "estimate"),)
    values = _flat(result.params)[:, None]
    if result.has_wald:
        columns = (*columns, *_interval_columns(alpha))
        values = np.column_stack([values, np.asarray(result.conf_int(alpha))])
    with np.errstate(over="ignore"):
        values = np.exp(values)
    rows = _table_rows(result, names, values, first, ratio=True)
    return Table(columns, rows, title=heading)


def _table_rows(
    result: LikelihoodResults,
    names: tuple[str, ...],
    values: Any,
    first: int,
    *,
    ratio: bool = False,
) -> tuple[Row, ...]:
    remarks = _remarks(result, ratio)
    lines = values[first : first + len(names)]
    return tuple(
        Row(name, note=remarks[j]) if j in remarks else Row(name, tuple(float(v) for v in line))
        for j, (name, line) in enumerate(zip(names, lines, strict=True), start=first)
    )


def _remarks(result: LikelihoodResults, ratio: bool) -> dict[int, str]:
    """Return what stands in place of numbers, by position of the coefficient."""
    below, above = ("0", "infinite") if ratio else ("-infinite", "+infinite")
    record = result.record
    remarks = {
        j: f"(aliased: {record.aliased[column]})"
        for j, column in enumerate(result.model.parameter_columns)
        if column in record.aliased
    }
    if record.regularized is not None and record.regularized.refitted:
        told = "1" if ratio else "0"
        for j in map(int, np.flatnonzero(record.regularized.zeroed)):
            remarks[j] = f"({told}: left out by the penalty)"
    for j in record.at_boundary:
        remarks[j] = "(0, the end of its range)" if not ratio else "(1)"
    if record.separation is not None:
        for j in map(int, np.flatnonzero(~record.separation.finite)):
            value = record.theta[j]
            told = "not determined" if np.isnan(value) else above if value > 0 else below
            remarks[j] = f"({told}: the data are separated)"
    return remarks


def _misleading(result: LikelihoodResults) -> list[str]:
    """Say which Wald tests mislead, and what the likelihood says."""
    lines = []
    for name, line in result._misled().iterrows():
        pvalue, lower, upper = (float(line[k]) for k in ("lr_pvalue", "lower", "upper"))
        beside = (
            f" (likelihood-ratio p = {pvalue:.3g}, profile interval {lower:.4g} to {upper:.4g})"
        )
        lines.append(f"{name}{'' if np.isnan(pvalue) else beside}")
    if not lines:
        return []
    return [
        "Wald tests and intervals mislead where the standard error grows faster than the estimate "
        f"(Hauck-Donner effect): {', '.join(lines)}."
    ]


def _absorbed_notes(result: LikelihoodResults) -> list[str]:
    """Return what is said of absorbed factors, and of rows left out for them."""
    absorbed, effects = result.model.data.absorbed, result.record.effects
    if absorbed is None or effects is None:
        return []
    told = zip(absorbed.names, absorbed.counts, strict=True)
    levels = ", ".join(f"{name} ({count} levels)" for name, count in told)
    free = f"{effects.df} free effects" if effects.exact else f"at most {effects.df} free effects"
    notes = [f"Absorbed: {levels}; {free}."]
    for count, why in (
        (absorbed.singletons, "the only ones of a level (singletons)"),
        (absorbed.separated, "of levels whose responses are all the same at an end of their range"),
        (absorbed.unweighted, "of weight 0"),
    ):
        if count:
            verb = "row was" if count == 1 else "rows were"
            notes.append(f"{count} {verb} left out: {why}.")
    return notes


def _notes(result: LikelihoodResults) -> list[str]:
    """Return what stands below the tables: of the fit, of its rows, of its numbers."""
    return [*_fit_notes(result), *_row_notes(result), *_number_notes(result)]


def _fit_notes(result: LikelihoodResults) -> list[str]:
    notes = []
    separation = result.record.separation
    if separation is not None:
        count = int(separation.rows.sum())
        notes.append(
            f"Separated data: {count} of {separation.rows.size} observations are predicted "
            "perfectly, and no finite maximum-likelihood estimate exists. The numbers shown are "
            "the limit: coefficients of the other observations, log-likelihood and deviance."
        )
    elif not result.converged:
        notes.append(f"Not converged: {result.record.reason}.")
    elif result.record.stop != "score":
        notes.append(
            f"Stopped by the rule asked for (stop={result.record.stop!r}): "
            f"{result.record.reason}. The maximum may lie further."
        )
    notes += result._penalty_notes()
    if result.record.bias_reduced is not None:
        notes.append(
            "Estimates are bias-reduced; the log-likelihood at them is not its maximum, and "
            "likelihood-ratio tests do not apply to it."
        )
    return notes + _misleading(result)


def _row_notes(result: LikelihoodResults) -> list[str]:
    data, notes = result.model.data, []
    if data.response.event is not None:
        notes.append(f"Event modelled: {data.response.event}.")
    references = result.model.reference_levels
    if references:
        told = ", ".join(f"{name} = {level}" for name, level in references.items())
        notes.append(f"Reference levels: {told}.")
    notes += _absorbed_notes(result)
    counts = data.counts
    considered = counts.given - counts.outside
    lost = considered - counts.used
    lost -= 0 if data.absorbed is None else data.absorbed.n_left_out
    if counts.outside:
        notes.append(f"{considered} of {counts.given} rows chosen by subset.")
    if data.dropped:
        by = ", ".join(f"{column}: {count}" for column, count in data.dropped.items())
        noun = "row" if considered == 1 else "rows"
        notes.append(f"{lost} of {considered} {noun} dropped for missing values ({by}).")
    weights = [
        what
        for what, given in (
            ("freq_weights", data.freq_weights),
            ("var_weights", data.var_weights),
            ("offset", data.offset),
        )
        if given is not None
    ]
    if weights:
        notes.append(f"Fitted with {', '.join(weights)}.")
    return notes


def _number_notes(result: LikelihoodResults) -> list[str]:
    notes = []
    if result.record.cells is not None:
        notes.append(
            f"Rows that are equal in all columns were fitted as {result.record.cells} weighted "
            "ones, which is exact; the deviance is that of the rows."
        )
    for name, value in result.record.estimated:
        notes.append(
            f"{name} = {value:.6g} was estimated with the coefficients by maximum likelihood; it "
            "counts as a parameter in AIC and BIC."
        )
    if result.record.scale_note is not None:
        notes.append(f"Standard errors use a dispersion that is {result.record.scale_note}.")
    if result.cov_type != "nonrobust" and not result.record.shrunk:
        notes.append(result.cov_kwds["description"])
    if result.record.separation is None and result.record.condition > 1e8:
        notes.append(
            f"The columns are nearly collinear (condition number {result.record.condition:.1e} "
            "after scaling); their coefficients cannot be told apart well."
        )
    return notes
