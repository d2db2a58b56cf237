"""Regressions of counts, by the name of their distribution."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from glmfit.counts import (
    CountKernel,
    CountLikelihood,
    Hurdle,
    NegativeBinomialCount,
    PoissonCount,
    ZeroInflated,
)
from glmfit.errors import ArgumentError, require_number, suggest
from glmfit.models.counts import CountModel

__all__ = [
    "HurdleNegativeBinomialP",
    "HurdlePoisson",
    "NegativeBinomial",
    "NegativeBinomialP",
    "ZeroInflatedNegativeBinomialP",
    "ZeroInflatedPoisson",
]

METHODS = {"nb2": 2.0, "nb1": 1.0, "nbp": None, "geometric": None}
"""Powers of what statsmodels calls ``loglike_method``."""

SHIFT = {"offset": None, "exposure": None}
"""What is known of log mu, and what mu is per."""

ZEROS = {"exog_infl": None, **SHIFT, "inflation": "logit"}
MISSING = {"missing": "none"}


def _poisson(settings: Mapping[str, Any]) -> CountKernel:
    """Return the Poisson distribution."""
    return PoissonCount()


def _negative_binomial(settings: Mapping[str, Any]) -> CountKernel:
    """Return the negative binomial of a power, NB2 by default."""
    power = require_number(settings.get("p", 2.0), "p")
    if not math.isfinite(power):
        raise ArgumentError(f"p, the power of the variance, must be finite (got {power!r}).")
    return NegativeBinomialCount(power=power)


def _by_method(settings: Mapping[str, Any]) -> CountKernel:
    """Return the negative binomial that ``loglike_method`` names."""
    method, power = settings.get("loglike_method"), settings.get("p")
    kind = "nb2" if method is None and power is None else str(method or "nbp").lower()
    if kind not in METHODS:
        raise ArgumentError(
            f"There is no loglike_method {method!r}.{suggest(kind, METHODS)} Known: "
            f"{', '.join(METHODS)}."
        )
    if kind == "geometric":
        if power is not None:
            raise ArgumentError("p= has no part in the geometric distribution (NB2, alpha 1).")
        return NegativeBinomialCount(known=1.0)
    own = METHODS[kind]
    if own is not None and power not in (None, own):
        # nb2 is what the method is when it is not given
        if kind != "nb2":
            raise ArgumentError(f"loglike_method={kind!r} has p = {own:g}, not {power!r}.")
        own = None
    if own is None and power is None:
        raise ArgumentError("loglike_method='nbp' needs p=, the power of the variance.")
    return _negative_binomial({"p": power if own is None else own})


class NegativeBinomial(CountModel):
    """Negative binomial regression on arrays, with alpha estimated by maximum likelihood.

    The mean is mu = exp(x'b); the variance is mu + alpha mu^2 (NB2), mu + alpha mu (NB1) or
    mu + alpha mu^p (NB-P). alpha and the coefficients are estimated jointly, and standard
    errors come from the observed information of both.

    Parameters
    ----------
    endog : array_like of shape (n,)
        Counts.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors; add a constant yourself (`add_constant`).
    loglike_method : {"nb2", "nb1", "nbp", "geometric"}
        Which variance; "nbp" takes ``p``. "geometric" is NB2 with alpha = 1.
    offset, exposure : array_like of shape (n,), optional
        Known part of log mu, and what mu is per.
    missing : {"none", "drop", "raise"}
    p : float, optional
        Power of the variance.
    dispersion : array_like of shape (n, q), optional
        Predictors of log alpha, a constant among them if there is to be one; alpha is one
        number by default.
    freq_weights, var_weights : array_like of shape (n,), optional

    See Also
    --------
    negativebinomial : The same from a formula.

    References
    ----------
    Lawless, J. F. (1987). Negative binomial and mixed Poisson regression. *Canadian
    Journal of Statistics* 15, 209-225.
    """

    summary_title: ClassVar[str] = "Negative Binomial Regression Results"
    summary_name: ClassVar[str] = "NegativeBinomial"
    arguments: ClassVar[dict[str, Any]] = {"loglike_method": "nb2", **SHIFT, **MISSING}
    keywords: ClassVar[tuple[str, ...]] = ("p", "dispersion")
    kernel_of = staticmethod(_by_method)


class NegativeBinomialP(NegativeBinomial):
    """Negative binomial regression with variance mu + alpha mu^p, on arrays.

    Parameters as in `NegativeBinomial`, with ``p`` (2 by default) in place of
    ``loglike_method``.
    """

    summary_name: ClassVar[str] = "NegativeBinomialP"
    arguments: ClassVar[dict[str, Any]] = {"p": 2, **SHIFT, **MISSING}
    keywords: ClassVar[tuple[str, ...]] = ("dispersion",)
    kernel_of = staticmethod(_negative_binomial)


class ZeroInflatedPoisson(CountModel):
    """Zero-inflated Poisson regression on arrays.

    P(y) = pi [y = 0] + (1 - pi) Poisson(y; mu), with logit pi = z'g and log mu = x'b.

    Parameters
    ----------
    endog : array_like of shape (n,)
        Counts.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors of log mu; add a constant yourself (`add_constant`).
    exog_infl : array_like of shape (n, q), optional
        Predictors of logit pi; a constant by default.
    offset, exposure : array_like of shape (n,), optional
        Known part of log mu, and what mu is per.
    inflation : {"logit"}
        The link of pi, as statsmodels has it.
    missing : {"none", "drop", "raise"}
    freq_weights, var_weights : array_like of shape (n,), optional

    See Also
    --------
    zeroinflated : The same from a formula.

    References
    ----------
    Lambert, D. (1992). Zero-inflated Poisson regression, with an application to defects in
    manufacturing. *Technometrics* 34, 1-14.
    """

    summary_title: ClassVar[str] = "Zero-Inflated Poisson Regression Results"
    summary_name: ClassVar[str] = "ZeroInflatedPoisson"
    likelihood_type: ClassVar[type[CountLikelihood]] = ZeroInflated
    arguments: ClassVar[dict[str, Any]] = {**ZEROS, **MISSING}
    kernel_of = staticmethod(_poisson)


class ZeroInflatedNegativeBinomialP(ZeroInflatedPoisson):
    """Zero-inflated negative binomial regression on arrays.

    Parameters as in `ZeroInflatedPoisson`, with ``p`` (2 by default), the power of the
    variance mu + alpha mu^p, and ``dispersion``, predictors of log alpha.

    See Also
    --------
    zeroinflated : The same from a formula.
    """

    summary_title: ClassVar[str] = "Zero-Inflated Negative Binomial Regression Results"
    summary_name: ClassVar[str] = "ZeroInflatedNegativeBinomialP"
    arguments: ClassVar[dict[str, Any]] = {**ZEROS, "p": 2, **MISSING}
    keywords: ClassVar[tuple[str, ...]] = ("dispersion",)
    kernel_of = staticmethod(_negative_binomial)


class HurdlePoisson(ZeroInflatedPoisson):
    """Hurdle model on arrays: a logit of y > 0, and a Poisson cut off at 0 for y > 0.

    Parameters as in `ZeroInflatedPoisson`; ``exog_infl`` are the predictors of the logit of
    P(y > 0), so that a positive coefficient means fewer zeros, as in R's pscl.

    See Also
    --------
    hurdle : The same from a formula.

    References
    ----------
    Mullahy, J. (1986). Specification and testing of some modified count data models.
    *Journal of Econometrics* 33, 341-365.
    """

    summary_title: ClassVar[str] = "Hurdle Poisson Regression Results"
    summary_name: ClassVar[str] = "HurdlePoisson"
    likelihood_type: ClassVar[type[CountLikelihood]] = Hurdle


class HurdleNegativeBinomialP(ZeroInflatedNegativeBinomialP):
    """Hurdle model on arrays: a logit of y > 0, and a negative binomial cut off at 0.

    Parameters as in `ZeroInflatedNegativeBinomialP`; ``exog_infl`` as in `HurdlePoisson`.

    See Also
    --------
    hurdle : The same from a formula.
    """

    summary_title: ClassVar[str] = "Hurdle Negative Binomial Regression Results"
    summary_name: ClassVar[str] = "HurdleNegativeBinomialP"
    likelihood_type: ClassVar[type[CountLikelihood]] = Hurdle
