"""Regressions of counts from formulas."""

from __future__ import annotations

from typing import Any

from glmfit.errors import ArgumentError, suggest
from glmfit.models.count_classes import (
    CensoredNegativeBinomialP,
    CensoredPoisson,
    GeneralizedPoisson,
    HurdleNegativeBinomialP,
    HurdlePoisson,
    NegativeBinomial,
    TruncatedLFGeneralizedPoisson,
    TruncatedLFNegativeBinomialP,
    TruncatedLFPoisson,
    ZeroInflatedGeneralizedPoisson,
    ZeroInflatedNegativeBinomialP,
    ZeroInflatedPoisson,
)
from glmfit.models.counts import CountModel

__all__ = [
    "censored",
    "generalizedpoisson",
    "hurdle",
    "negativebinomial",
    "truncated",
    "zeroinflated",
]

DISTRIBUTIONS = ("poisson", "negativebinomial", "generalizedpoisson")

SPELLINGS = {
    "negbin": "negativebinomial",
    "nb2": "negativebinomial",
    "genpoisson": "generalizedpoisson",
}
"""Other names of distributions."""


def negativebinomial(formula: str, data: Any, **options: Any) -> NegativeBinomial:
    """Make a negative binomial regression, with alpha estimated, from a formula.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean.
    data : DataFrame, dict or another table
    **options
        ``loglike_method`` ("nb2" by default, "nb1", "nbp", "geometric"), ``p``,
        ``dispersion`` (a one-sided formula for log alpha, such as ``"~ x"``), ``offset``,
        ``exposure``, ``freq_weights``, ``var_weights``, ``subset``, ``missing``, ``env``.

    Returns
    -------
    NegativeBinomial

    Examples
    --------
    >>> import glmfit as gf
    >>> quine = gf.datasets.load("quine")
    >>> gf.negativebinomial("days ~ sex + lrn", quine).fit().params.round(3)
    Intercept    2.656
    sex[T.M]     0.188
    lrn[T.SL]    0.125
    alpha        0.927
    dtype: float64
    """
    return NegativeBinomial.from_formula(formula, data, **options)


def zeroinflated(
    formula: str, data: Any, *, inflation: str = "~ 1", dist: str = "poisson", **options: Any
) -> CountModel:
    """Make a zero-inflated model of counts from formulas.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean of the counts that are no certain zeros.
    data : DataFrame, dict or another table
    inflation : str
        One-sided formula for the logit of the probability of a certain zero.
    dist : {"poisson", "negativebinomial", "generalizedpoisson"}
    **options
        ``offset``, ``exposure``, ``freq_weights``, ``var_weights``, ``subset``,
        ``missing``, ``env``; for a negative binomial ``p`` and ``dispersion`` as in
        `negativebinomial`.

    Returns
    -------
    ZeroInflatedPoisson, ZeroInflatedNegativeBinomialP or ZeroInflatedGeneralizedPoisson

    Examples
    --------
    >>> import glmfit as gf
    >>> quine = gf.datasets.load("quine")
    >>> gf.zeroinflated("days ~ sex", quine, inflation="~ sex").fit().params.round(3)
    inflate_Intercept   -3.245
    inflate_sex[T.M]     0.943
    Intercept            2.761
    sex[T.M]             0.222
    dtype: float64
    """
    kind = _distribution(
        dist, ZeroInflatedPoisson, ZeroInflatedNegativeBinomialP, ZeroInflatedGeneralizedPoisson
    )
    return kind.from_formula(formula, data, inflation=inflation, **options)


def hurdle(
    formula: str, data: Any, *, inflation: str = "~ 1", dist: str = "poisson", **options: Any
) -> CountModel:
    """Make a hurdle model of counts from formulas.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean of the distribution that is cut off at 0.
    data : DataFrame, dict or another table
    inflation : str
        One-sided formula for the logit of P(y > 0).
    dist : {"poisson", "negativebinomial"}
    **options
        As in `zeroinflated`.

    Returns
    -------
    HurdlePoisson or HurdleNegativeBinomialP

    Examples
    --------
    >>> import glmfit as gf
    >>> quine = gf.datasets.load("quine")
    >>> gf.hurdle("days ~ sex", quine, inflation="~ sex").fit().params.round(3)
    inflate_Intercept    3.245
    inflate_sex[T.M]    -0.943
    Intercept            2.761
    sex[T.M]             0.222
    dtype: float64
    """
    kind = _distribution(dist, HurdlePoisson, HurdleNegativeBinomialP)
    return kind.from_formula(formula, data, inflation=inflation, **options)


def generalizedpoisson(formula: str, data: Any, **options: Any) -> GeneralizedPoisson:
    """Make a generalised Poisson regression from a formula.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean.
    data : DataFrame, dict or another table
    **options
        ``p`` (1 by default, for GP-1), ``offset``, ``exposure``, ``freq_weights``,
        ``var_weights``, ``subset``, ``missing``, ``env``.

    Returns
    -------
    GeneralizedPoisson

    Examples
    --------
    >>> import glmfit as gf
    >>> quine = gf.datasets.load("quine")
    >>> gf.generalizedpoisson("days ~ sex + lrn", quine).fit().params.round(3)
    Intercept    2.775
    sex[T.M]     0.075
    lrn[T.SL]   -0.021
    alpha        3.619
    dtype: float64
    """
    return GeneralizedPoisson.from_formula(formula, data, **options)


def truncated(
    formula: str, data: Any, *, truncation: int = 0, dist: str = "poisson", **options: Any
) -> CountModel:
    """Make a model of counts of which only those above a limit are seen, from a formula.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean of all counts, seen or not.
    data : DataFrame, dict or another table
    truncation : int
        Only counts above it are seen.
    dist : {"poisson", "negativebinomial", "generalizedpoisson"}
    **options
        ``censoring``, the count that stands for that many or more; and as in `zeroinflated`.

    Returns
    -------
    TruncatedLFPoisson, TruncatedLFNegativeBinomialP or TruncatedLFGeneralizedPoisson

    Examples
    --------
    >>> import glmfit as gf
    >>> absent = gf.datasets.load("quine").query("days > 0")
    >>> gf.truncated("days ~ sex", absent, dist="negativebinomial").fit().params.round(3)
    Intercept    2.717
    sex[T.M]     0.232
    alpha        0.833
    dtype: float64
    """
    kind = _distribution(
        dist, TruncatedLFPoisson, TruncatedLFNegativeBinomialP, TruncatedLFGeneralizedPoisson
    )
    return kind.from_formula(formula, data, truncation=truncation, **options)


def censored(
    formula: str, data: Any, *, censoring: int, dist: str = "poisson", **options: Any
) -> CountModel:
    """Make a model of counts that are known only up to a limit, from a formula.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean of the counts themselves.
    data : DataFrame, dict or another table
    censoring : int
        The count that stands for that many or more.
    dist : {"poisson", "negativebinomial"}
    **options
        ``truncation``, above which alone counts are seen; and as in `zeroinflated`.

    Returns
    -------
    CensoredPoisson or CensoredNegativeBinomialP

    Examples
    --------
    >>> import glmfit as gf
    >>> quine = gf.datasets.load("quine")
    >>> quine["days"] = quine["days"].clip(upper=30)  # "30 or more"
    >>> gf.censored("days ~ sex", quine, censoring=30).fit().params.round(3)
    Intercept    2.545
    sex[T.M]     0.169
    dtype: float64
    """
    kind = _distribution(dist, CensoredPoisson, CensoredNegativeBinomialP)
    return kind.from_formula(formula, data, censoring=censoring, **options)


def _distribution(dist: Any, *kinds: type[CountModel]) -> type[CountModel]:
    """Return the class for a distribution, out of those in the order of `DISTRIBUTIONS`."""
    known = dict(zip(DISTRIBUTIONS, kinds, strict=False))
    name = SPELLINGS.get(dist.lower(), dist.lower()) if isinstance(dist, str) else None
    if name not in known:
        *others, last = map(repr, known)
        raise ArgumentError(
            f"dist must be {', '.join(others)} or {last} (got {dist!r}).{suggest(str(dist), known)}"
        )
    return known[name]
