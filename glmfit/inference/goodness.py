"""Tests of whether a fitted model describes the data, as functions of arrays.

Each returns a `GoodnessTest`, which says in words what was tested and how far it can be
trusted. Where a row stands for several observations (frequencies, trials), ``count`` says
for how many, and the test is that of the rows written out.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from glmfit.design.dense import Dense
from glmfit.engine.irls import fit_irls
from glmfit.engine.linalg import cholesky
from glmfit.engine.passes import Pass
from glmfit.errors import ArgumentError, FitError
from glmfit.inference.hypothesis import per_dispersion
from glmfit.inference.tails import chi2_sf, f_sf, two_sided

__all__ = [
    "GoodnessTest",
    "added_columns",
    "added_test",
    "cameron_trivedi",
    "dean_binomial",
    "dean_poisson",
    "group_table",
    "hosmer_lemeshow",
    "quantile_groups",
    "residual_chi2",
    "stukel_columns",
    "tie_codes",
    "unweighted_squares",
    "zero_score",
]

Array = NDArray[np.float64]

TIED = 1e-12
"""Difference between fitted means, as a share of them, that is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class GoodnessTest:
    """A test of fit.

    Attributes
    ----------
    name : str
    statistic : float
    df : float or None
        Degrees of freedom of chi-square; None where the statistic is normal.
    pvalue : float
        NaN where the statistic has no known distribution; ``note`` says why.
    tested : str
        What is doubted if the p-value is small.
    note : str
        How the test was made, and how far it holds.
    df_denom : float or None
        With it the statistic is F.
    table : DataFrame or None
        The groups, where there are any.
    """

    name: str
    statistic: float
    df: float | None
    pvalue: float
    tested: str
    note: str = ""
    df_denom: float | None = None
    table: pd.DataFrame | None = field(default=None, repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return statistic, degrees of freedom and p-value, in one row."""
        values = {
            "statistic": self.statistic,
            "df": math.nan if self.df is None else self.df,
            "df_denom": math.nan if self.df_denom is None else self.df_denom,
            "pvalue": self.pvalue,
            "note": self.note,
        }
        return pd.DataFrame(values, index=[self.name])

    def __str__(self) -> str:
        return wrapped(f"{self.name}: {self.in_words}", f"Tested: {self.tested}.", self.note)

    __repr__ = __str__

    @property
    def in_words(self) -> str:
        """The statistic with its distribution and p-value."""
        if self.df is None:
            text = f"z = {self.statistic:.4g}"
        elif self.df_denom is not None:
            text = f"F = {self.statistic:.4g} on {self.df:g} and {self.df_denom:g} df"
        else:
            text = f"chi-square = {self.statistic:.4g} on {self.df:g} df"
        if math.isnan(self.pvalue):
            return f"{text}, no p-value"
        return f"{text}, p = {self.pvalue:.3g}" if self.pvalue >= 1e-16 else f"{text}, p < 1e-16"


def wrapped(first: str, *others: str) -> str:
    """Return a line and paragraphs that are set in below it."""
    lines = textwrap.wrap(first, 78, subsequent_indent="  ")
    for text in filter(None, others):
        lines += textwrap.wrap(text, 78, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines)


def tail_of(z: float, alternative: str) -> float:
    """Return the p-value of a normal statistic."""
    if alternative == "two-sided":
        return float(two_sided(np.array([z]), None)[0])
    if alternative not in ("greater", "less"):
        raise ArgumentError(
            f"alternative must be 'two-sided', 'greater' or 'less' (got {alternative!r})."
        )
    return float(special.ndtr(-z if alternative == "greater" else z))


# --- the residual chi-squares -------------------------------------------------------------


def residual_chi2(name: str, statistic: float, df: float, expected: Array | None) -> GoodnessTest:
    """Return the test of a residual chi-square against its degrees of freedom.

    Parameters
    ----------
    name : str
    statistic : float
    df : float
    expected : ndarray or None
        Expected counts of all cells; None for binary responses, for which the statistic
        says nothing.

    References
    ----------
    Cochran, W. G. (1954). Some methods for strengthening the common chi-squared tests.
    *Biometrics* 10, 417-451.
    McCullagh, P. and Nelder, J. A. (1989). *Generalized Linear Models*, section 4.4.5.
    """
    tested = "the means, and the variance function of the family"
    if expected is None:
        note = (
            "The responses are binary, one trial a row: given the estimates this statistic says "
            "nothing of the fit (McCullagh and Nelder 1989, 4.4.5). Group rows with equal "
            "covariates, or use hosmer_lemeshow_test()."
        )
        return GoodnessTest(name, statistic, df, math.nan, tested, note)
    small, smallest = float(np.mean(expected < 5.0)), float(expected.min())
    note = (
        f"{small:.0%} of the expected counts are below 5, the smallest is {smallest:.2g}; "
        "Cochran's rule for chi-square allows 20% below 5 and none below 1, "
    )
    met = small <= 0.2 and smallest >= 1.0
    note += "and is met." if met else "and is not met: the p-value is rough."
    return GoodnessTest(name, statistic, df, chi2_sf(statistic, df), tested, note)


# --- groups by fitted probability -----------------------------------------------------------


def tie_codes(values: Array) -> NDArray[np.intp]:
    """Return 0, 1, ... for the values in rising order, equal for those equal but for rounding."""
    order = np.argsort(values, kind="stable")
    sorted_values = values[order]
    rises = np.diff(sorted_values) > TIED * np.abs(sorted_values[1:])
    codes = np.empty(values.size, dtype=np.intp)
    codes[order] = np.concatenate([[0], np.cumsum(rises)])
    return codes


def quantile_groups(values: Array, count: Array, n_groups: int) -> NDArray[np.intp]:
    """Return the group of each row: cut at the quantiles of the values, ties together.

    The quantiles are those of the rows written out ``count`` times (R's type 7); a value on
    a cut belongs to the group below.
    """
    codes = tie_codes(values)
    weight = np.bincount(codes, weights=count)
    ends = np.cumsum(weight)
    place = (ends[-1] - 1.0) * np.arange(1, n_groups) / n_groups
    # the cut lies at or above the order statistic below it, so ties decide which code that is
    low = np.searchsorted(ends, np.floor(place + 1e-9), side="right")
    cuts = np.unique(low)
    groups = np.searchsorted(cuts, codes, side="left")
    return np.unique(groups, return_inverse=True)[1].astype(np.intp)


def group_table(mu: Array, events: Array, count: Array, groups: NDArray[np.intp]) -> pd.DataFrame:
    """Return observed and expected events of each group."""
    total = np.bincount(groups, weights=count)
    seen = np.bincount(groups, weights=events)
    expected = np.bincount(groups, weights=count * mu)
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(total.size))
    lowest = np.minimum.reduceat(mu[order], starts)
    highest = np.maximum.reduceat(mu[order], starts)
    columns = {
        "lowest": lowest, "highest": highest, "count": total, "observed": seen,
        "expected": expected, "mean_predicted": expected / total, "share_observed": seen / total,
    }  # fmt: skip
    return pd.DataFrame(columns, index=pd.RangeIndex(1, total.size + 1, name="group"))


def hosmer_lemeshow(mu: Array, events: Array, count: Array, n_groups: int) -> GoodnessTest:
    """Return Hosmer and Lemeshow's test on groups of the fitted probabilities.

    Parameters
    ----------
    mu : ndarray of shape (n,)
        Fitted probabilities.
    events, count : ndarray of shape (n,)
        Events and trials of each row, frequencies included.
    n_groups : int
        Groups to form; ties may leave fewer.

    References
    ----------
    Hosmer, D. W. and Lemeshow, S. (1980). A goodness-of-fit test for the multiple logistic
    regression model. *Communications in Statistics* A9, 1043-1069.
    """
    table = group_table(mu, events, count, quantile_groups(mu, count, n_groups))
    formed = len(table)
    if formed < 3:
        raise FitError(
            f"The fitted probabilities form {formed} group{'s' if formed > 1 else ''}, and the "
            "test needs 3. Where rows have few distinct covariates, group them and use "
            "pearson_test()."
        )
    missed = (table["observed"] - table["expected"]) ** 2
    variance = table["expected"] * (1.0 - table["mean_predicted"])
    # a group that cannot have events, and has none, fits
    parts = np.divide(missed, variance, out=np.zeros(formed), where=variance.to_numpy() > 0.0)
    statistic = float(np.sum(parts))
    merged = "" if formed == n_groups else f" ({n_groups} were asked for; ties took some)"
    smallest = float(np.minimum(table["expected"], table["count"] - table["expected"]).min())
    note = (
        f"{formed} groups between quantiles of the fitted probabilities, ties together{merged}; "
        f"the smallest expected count is {smallest:.2g}. Other groups give another statistic."
    )
    tested = "the fitted probabilities are right in every group"
    name = "Hosmer-Lemeshow test"
    return GoodnessTest(
        name, statistic, formed - 2, chi2_sf(statistic, formed - 2), tested, note, table=table
    )


def unweighted_squares(run: Pass, theta: Array, inverse: Array) -> GoodnessTest:
    """Return the test of the unweighted sum of squares, for a logit.

    Parameters
    ----------
    run : Pass
    theta : ndarray of shape (p,)
    inverse : ndarray of shape (p, p)
        Inverse information.

    References
    ----------
    Copas, J. B. (1989). Unweighted sum of squares test for proportions. *Applied
    Statistics* 38, 71-80.
    Hosmer, D. W., Hosmer, T., le Cessie, S. and Lemeshow, S. (1997). A comparison of
    goodness-of-fit tests for the logistic regression model. *Statistics in Medicine* 16,
    965-980.
    """
    y = run.held.y
    count = np.ones_like(y) if run.held.weight is None else run.held.weight
    mu = special.expit(run.eta(theta))
    weight, skew = count * mu * (1.0 - mu), 1.0 - 2.0 * mu
    missed = float(np.dot(count, y * skew + mu**2) - weight.sum())
    moment = run.held.design.rmatvec(weight * skew)
    variance = float(np.dot(weight, skew**2) - moment @ inverse @ moment)
    z = missed / math.sqrt(variance) if variance > 0.0 else math.nan
    return GoodnessTest(
        "Unweighted sum of squares test",
        z,
        None,
        tail_of(z, "two-sided"),
        "the fitted probabilities, against any smooth departure",
        "Sum of (y - p)^2 over single trials, less its expectation, in standard errors; it "
        "needs no groups (Copas 1989; Hosmer and others 1997).",
    )


# --- columns added to the model -------------------------------------------------------------


def stukel_columns(eta: Array) -> Array:
    """Return Stukel's two covariates, which bend the upper and the lower tail of a logit.

    References
    ----------
    Stukel, T. A. (1988). Generalized logistic models. *JASA* 83, 426-431.
    """
    half = 0.5 * eta**2
    return np.column_stack([np.where(eta >= 0.0, half, 0.0), np.where(eta < 0.0, -half, 0.0)])


def added_columns(
    run: Pass, theta: Array, extra: Array, scale: float, *, method: str
) -> tuple[float, int]:
    """Return the statistic for columns added to a fit, and its degrees of freedom.

    Parameters
    ----------
    run : Pass
        The fitted pass.
    theta : ndarray of shape (p,)
        The fit.
    extra : ndarray of shape (n, q)
        Columns to add; those that others determine do not count.
    scale : float
        Dispersion.
    method : {"score", "lr"}
        Rao's score statistic, without another fit; or the deviance that they save.
    """
    own, added = _independent(run, theta, extra)
    if method == "score":
        statistic = float(own.score @ _solved(own.information, own.score))
        return per_dispersion(statistic, scale), int(added.sum())
    if method != "lr":
        raise ArgumentError(f"method must be 'score' or 'lr' (got {method!r}).")
    columns = np.column_stack([run.rows.design.toarray(), extra[:, added]])
    wide = replace(run, rows=run.rows.with_design(Dense(columns)))
    start = np.concatenate([theta, np.zeros(int(added.sum()))])
    found = fit_irls(wide, start, run.control)
    saved = run.deviance(theta) - found.deviance if found.converged else math.nan
    return per_dispersion(saved, scale), int(added.sum())


@dataclass(frozen=True, slots=True)
class _Projected:
    """Score and information of added columns, what the fitted ones explain taken out."""

    score: Array
    information: Array


def _independent(run: Pass, theta: Array, extra: Array) -> tuple[_Projected, NDArray[np.bool_]]:
    """Return added columns projected on what is new in them, and which of them are new."""
    columns = np.column_stack([run.rows.design.toarray(), extra])
    p = theta.size
    wide = replace(run, rows=run.rows.with_design(Dense(columns)))
    stats = wide(np.concatenate([theta, np.zeros(extra.shape[1])]))
    information, score = stats.information, stats.score
    new = np.zeros(extra.shape[1], dtype=bool)
    for j in range(extra.shape[1]):
        before = np.concatenate([np.arange(p), p + np.flatnonzero(new)])
        cross = information[before, p + j]
        left = information[p + j, p + j] - cross @ _solved(
            information[np.ix_(before, before)], cross
        )
        new[j] = left > 1e-9 * information[p + j, p + j]
    added = p + np.flatnonzero(new)
    cross = information[:p][:, added]
    explained = _solved(information[:p, :p], cross)
    return _Projected(
        score[added] - explained.T @ score[:p],
        information[np.ix_(added, added)] - cross.T @ explained,
    ), new


def _solved(information: Array, right: Array) -> Array:
    """Return I^-1 b; NaN where the information has no inverse (a fit at no maximum)."""
    factor = cholesky(information)
    if factor is None:
        return np.full_like(right, np.nan)
    if right.ndim == 1:
        return factor.solve(right)
    return factor.inverse() @ right


def added_test(
    name: str, tested: str, note: str, statistic: float, df: int, df_resid: float | None
) -> GoodnessTest:
    """Return the test of added columns: chi-square, or F where the dispersion is estimated."""
    if df == 0:
        note = "The columns that the test adds are determined by the model's own. " + note
        return GoodnessTest(name, math.nan, 0, math.nan, tested, note)
    if df_resid is None:
        return GoodnessTest(name, statistic, df, chi2_sf(statistic, df), tested, note)
    ratio = statistic / df
    return GoodnessTest(name, ratio, df, f_sf(ratio, df, df_resid), tested, note, df_resid)


# --- dispersion -------------------------------------------------------------------------------

FORMS = {
    "quadratic": "the variance is the mean, against mu + a mu^2",
    "linear": "the variance is the mean, against (1 + a) mu",
}


def cameron_trivedi(
    y: Array, mu: Array, count: Array, *, form: str, alternative: str
) -> GoodnessTest:
    """Return Cameron and Trivedi's regression test of a Poisson variance.

    ((y - mu)^2 - y) / mu is regressed on mu (``form="quadratic"``) or on a constant
    (``"linear"``).

    References
    ----------
    Cameron, A. C. and Trivedi, P. K. (1990). Regression-based tests for overdispersion in
    the Poisson model. *Journal of Econometrics* 46, 347-364.
    """
    target = ((y - mu) ** 2 - y) / mu
    regressor = mu if form == "quadratic" else np.ones_like(mu)
    square = float(np.dot(count, regressor**2))
    slope = float(np.dot(count, regressor * target)) / square
    left = float(np.dot(count, (target - slope * regressor) ** 2)) / (count.sum() - 1.0)
    z = slope / math.sqrt(left / square)
    note = f"The regression estimates a = {slope:.4g}."
    return GoodnessTest(
        "Cameron-Trivedi dispersion test", z, None, tail_of(z, alternative), FORMS[form], note
    )


def dean_poisson(
    y: Array, mu: Array, leverage: Array, count: Array, *, form: str, alternative: str
) -> GoodnessTest:
    """Return Dean's score test of a Poisson variance, corrected by leverages.

    References
    ----------
    Dean, C. and Lawless, J. F. (1989). Tests for detecting overdispersion in Poisson
    regression models. *JASA* 84, 467-472.
    Dean, C. B. (1992). Testing for overdispersion in Poisson and binomial regression
    models. *JASA* 87, 451-457.
    """
    excess = (y - mu) ** 2 - y + leverage * mu
    if form == "quadratic":
        z = float(np.dot(count, excess)) / math.sqrt(2.0 * float(np.dot(count, mu**2)))
    else:
        z = float(np.dot(count, excess / mu)) / math.sqrt(2.0 * count.sum())
    note = "Score test, corrected for the estimated means by their leverages."
    return GoodnessTest(
        "Dean's dispersion test", z, None, tail_of(z, alternative), FORMS[form], note
    )


def dean_binomial(
    events: Array, trials: Array, mu: Array, count: Array, *, alternative: str
) -> GoodnessTest:
    """Return Dean's score test of a binomial variance, against equal correlation of trials.

    References
    ----------
    Dean, C. B. (1992). Testing for overdispersion in Poisson and binomial regression
    models. *JASA* 87, 451-457, eq. 10.
    """
    missed = events - trials * mu
    parts = (missed**2 + mu * missed - events * (1.0 - mu)) / (mu * (1.0 - mu))
    spread = 2.0 * float(np.dot(count, trials * (trials - 1.0)))
    z = float(np.dot(count, parts)) / math.sqrt(spread)
    tested = "the variance is binomial, against trials of a row that are correlated"
    return GoodnessTest(
        "Dean's dispersion test", z, None, tail_of(z, alternative), tested, "Score test."
    )


def zero_score(run: Pass, mu: Array, slope: Array, inverse: Array) -> float:
    """Return the score statistic (normal) for more zeros than a Poisson model has.

    Parameters
    ----------
    run : Pass
        The fitted pass; its weights are frequencies.
    mu, slope : ndarray of shape (n,)
        Means, and their derivatives by the predictor.
    inverse : ndarray of shape (p, p)
        Inverse information.

    References
    ----------
    van den Broek, J. (1995). A score test for zero inflation in a Poisson distribution.
    *Biometrics* 51, 738-743.
    """
    count = np.ones_like(mu) if run.held.weight is None else run.held.weight
    with np.errstate(over="ignore"):  # infinite odds leave no statistic
        odds = np.expm1(mu)  # (1 - p0) / p0
    if not np.isfinite(odds).all():
        return math.nan
    score = float(np.dot(count, np.where(run.held.y == 0.0, odds, -1.0)))
    moment = run.held.design.rmatvec(count * slope)
    variance = float(np.dot(count, odds)) - float(moment @ inverse @ moment)
    return score / math.sqrt(variance) if variance > 0.0 else math.nan


def zero_result(z: float, seen: float, expected: float, how: str) -> GoodnessTest:
    """Return the test of the number of zeros, with its table."""
    table = pd.DataFrame({"observed": [seen], "expected": [expected]}, index=["zeros"])
    note = f"{seen:g} zeros, {expected:.4g} expected. {how}"
    tested = "the number of zeros"
    return GoodnessTest(
        "Test of zeros", z, None, tail_of(z, "two-sided"), tested, note, table=table
    )
