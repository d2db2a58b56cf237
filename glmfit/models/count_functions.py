"""Regressions of counts from formulas."""

from __future__ import annotations

from typing import Any

from glmfit.errors import ArgumentError, suggest
from glmfit.models.count_classes import (
    HurdleNegativeBinomialP,
    HurdlePoisson,
    NegativeBinomial,
    ZeroInflatedNegativeBinomialP,
    ZeroInflatedPoisson,
)
from glmfit.models.counts import CountModel

__all__ = ["hurdle", "negativebinomial", "zeroinflated"]


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
    dist : {"poisson", "negativebinomial"}
    **options
        ``offset``, ``exposure``, ``freq_weights``, ``var_weights``, ``subset``,
        ``missing``, ``env``; for a negative binomial ``p`` and ``dispersion`` as in
        `negativebinomial`.

    Returns
    -------
    ZeroInflatedPoisson or ZeroInflatedNegativeBinomialP

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
    kind = _distribution(dist, ZeroInflatedPoisson, ZeroInflatedNegativeBinomialP)
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
    dist, **options
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


def _distribution(
    dist: Any, poisson: type[CountModel], negative_binomial: type[CountModel]
) -> type[CountModel]:
    known = {
        "poisson": poisson,
        "negativebinomial": negative_binomial,
        "negbin": negative_binomial,
        "nb2": negative_binomial,
    }
    found = known.get(dist.lower()) if isinstance(dist, str) else None
    if found is None:
        raise ArgumentError(
            f"dist must be 'poisson' or 'negativebinomial' (got {dist!r})."
            f"{suggest(str(dist), known)}"
        )
    return found
