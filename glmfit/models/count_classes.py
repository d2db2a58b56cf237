"""Regressions of counts, by the name of their distribution."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from glmfit.counts import (
    CountKernel,
    CountLikelihood,
    GeneralizedPoissonCount,
    Hurdle,
    LimitedCount,
    NegativeBinomialCount,
    PoissonCount,
    ZeroInflated,
)
from glmfit.errors import ArgumentError, require_number, suggest
from glmfit.models.counts import CountModel, CountReading

__all__ = [
    "CensoredNegativeBinomialP",
    "CensoredPoisson",
    "GeneralizedPoisson",
    "HurdleNegativeBinomialP",
    "HurdlePoisson",
    "NegativeBinomial",
    "NegativeBinomialP",
    "TruncatedLFGeneralizedPoisson",
    "TruncatedLFNegativeBinomialP",
    "TruncatedLFPoisson",
    "ZeroInflatedGeneralizedPoisson",
    "ZeroInflatedNegativeBinomialP",
    "ZeroInflatedPoisson",
]

METHODS = {"nb2": 2.0, "nb1": 1.0, "nbp": None, "geometric": None}
"""Powers of what statsmodels calls ``loglike_method``."""

SHIFT = {"offset": None, "exposure": None}
"""What is known of log mu, and what mu is per."""

LARGEST_LIMIT = 10_000
"""Limit up to which the probabilities of counts below it are summed."""

ZEROS = {"exog_infl": None, **SHIFT, "inflation": "logit"}
MISSING = {"missing": "none"}


def _poisson(settings: Mapping[str, Any]) -> CountKernel:
    """Return the Poisson distribution."""
    return PoissonCount()


def _negative_binomial(settings: Mapping[str, Any]) -> CountKernel:
    """Return the negative binomial of a power, NB2 by default."""
    return NegativeBinomialCount(power=_power(settings, 2.0))


def _generalized_poisson(settings: Mapping[str, Any]) -> CountKernel:
    """Return the generalised Poisson distribution of a power, GP-1 by default."""
    return GeneralizedPoissonCount(power=_power(settings, 1.0))


def _power(settings: Mapping[str, Any], default: float) -> float:
    power = require_number(settings.get("p", default), "p")
    if not math.isfinite(power):
        raise ArgumentError(f"p, the power of the variance, must be finite (got {power!r}).")
    return power


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


class GeneralizedPoisson(CountModel):
    """Generalised Poisson regression on arrays, for counts of more or less spread than Poisson's.

    The mean is mu = exp(x'b), the variance mu (1 + alpha mu^(p - 1))^2; alpha is negative
    where counts are less spread. P(y) = t (t + l y)^(y - 1) exp(-t - l y) / y!, with
    t = mu / (1 + alpha mu^(p - 1)) and l = 1 - t / mu.

    Parameters
    ----------
    endog : array_like of shape (n,)
        Counts.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors of log mu; add a constant yourself (`add_constant`).
    p : float
        1 for GP-1, 2 for GP-2.
    offset, exposure : array_like of shape (n,), optional
        Known part of log mu, and what mu is per.
    missing : {"none", "drop", "raise"}
    freq_weights, var_weights : array_like of shape (n,), optional

    See Also
    --------
    generalizedpoisson : The same from a formula.

    Notes
    -----
    With a negative alpha large counts have no probability, and the others add up to
    slightly less than 1; standard errors are then approximate.

    References
    ----------
    Consul, P. C. and Famoye, F. (1992). Generalized Poisson regression model.
    *Communications in Statistics: Theory and Methods* 21, 89-109.
    """

    summary_title: ClassVar[str] = "Generalized Poisson Regression Results"
    summary_name: ClassVar[str] = "GeneralizedPoisson"
    arguments: ClassVar[dict[str, Any]] = {"p": 1, **SHIFT, **MISSING}
    kernel_of = staticmethod(_generalized_poisson)


class ZeroInflatedGeneralizedPoisson(ZeroInflatedPoisson):
    """Zero-inflated generalised Poisson regression on arrays.

    Parameters as in `ZeroInflatedPoisson`, with ``p`` (2 by default) as in
    `GeneralizedPoisson`.
    """

    summary_title: ClassVar[str] = "Zero-Inflated Generalized Poisson Regression Results"
    summary_name: ClassVar[str] = "ZeroInflatedGeneralizedPoisson"
    arguments: ClassVar[dict[str, Any]] = {**ZEROS, "p": 2, **MISSING}
    kernel_of = staticmethod(_generalized_poisson)


class _LimitedModel(CountModel):
    """What models share of which counts beyond limits are not seen."""

    likelihood_type: ClassVar[type[CountLikelihood]] = LimitedCount

    @property
    def likelihood(self) -> LimitedCount:
        """The likelihood of a row that is seen."""
        above, top = (_limit(self.settings, name) for name in ("truncation", "censoring"))
        if top is not None and above is not None and not top > above + 1:
            raise ArgumentError(
                f"censoring={top} leaves nothing to tell counts above truncation={above} by."
            )
        kernel = self.kernel_of(self.settings)
        return LimitedCount(kernel, -1 if above is None else above, top)

    def _read_by(self) -> CountReading:
        seen = self.likelihood
        top = math.inf if seen.top is None else seen.top
        return CountReading(self.summary_name, False, seen.above, top)


def _limit(settings: Mapping[str, Any], name: str) -> int | None:
    value = settings.get(name)
    if value is None:
        return None
    number = require_number(value, name)
    least = 0 if name == "truncation" else 1
    if number != math.floor(number) or not least <= number <= LARGEST_LIMIT:
        raise ArgumentError(
            f"{name} is a whole number from {least} to {LARGEST_LIMIT} (got {value!r})."
        )
    return int(number)


class TruncatedLFPoisson(_LimitedModel):
    """Poisson regression of counts of which only those above a limit are seen.

    P(y | y > truncation), with a Poisson count y of mean exp(x'b). Counts may be censored
    besides: known only to be ``censoring`` or more.

    Parameters
    ----------
    endog : array_like of shape (n,)
        Counts, all above ``truncation``.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors of log mu; add a constant yourself (`add_constant`).
    offset, exposure : array_like of shape (n,), optional
        Known part of log mu, and what mu is per.
    truncation : int or None
        Only counts above it are seen; None if all are.
    missing : {"none", "drop", "raise"}
    censoring : int, optional
        The count that stands for that many or more.
    freq_weights, var_weights : array_like of shape (n,), optional

    See Also
    --------
    truncated : The same from a formula.

    Notes
    -----
    ``predict()`` is the mean of counts above the limit, which is not censored;
    ``predict(which="mean-main")`` that of all of them.
    """

    summary_title: ClassVar[str] = "Truncated Poisson Regression Results"
    summary_name: ClassVar[str] = "TruncatedLFPoisson"
    arguments: ClassVar[dict[str, Any]] = {**SHIFT, "truncation": 0, **MISSING}
    keywords: ClassVar[tuple[str, ...]] = ("censoring",)
    kernel_of = staticmethod(_poisson)


class TruncatedLFNegativeBinomialP(_LimitedModel):
    """Negative binomial regression of counts of which only those above a limit are seen.

    Parameters as in `TruncatedLFPoisson`, with ``p`` (2 by default), the power of the
    variance mu + alpha mu^p of all counts, and ``dispersion``, predictors of log alpha.
    """

    summary_title: ClassVar[str] = "Truncated Negative Binomial Regression Results"
    summary_name: ClassVar[str] = "TruncatedLFNegativeBinomialP"
    arguments: ClassVar[dict[str, Any]] = {**SHIFT, "truncation": 0, "p": 2, **MISSING}
    keywords: ClassVar[tuple[str, ...]] = ("censoring", "dispersion")
    kernel_of = staticmethod(_negative_binomial)


class TruncatedLFGeneralizedPoisson(_LimitedModel):
    """Generalised Poisson regression of counts of which only those above a limit are seen.

    Parameters as in `TruncatedLFPoisson`, with ``p`` (2 by default) as in
    `GeneralizedPoisson`.
    """

    summary_title: ClassVar[str] = "Truncated Generalized Poisson Regression Results"
    summary_name: ClassVar[str] = "TruncatedLFGeneralizedPoisson"
    arguments: ClassVar[dict[str, Any]] = {**SHIFT, "truncation": 0, "p": 2, **MISSING}
    keywords: ClassVar[tuple[str, ...]] = ("censoring",)
    kernel_of = staticmethod(_generalized_poisson)


class CensoredPoisson(_LimitedModel):
    """Poisson regression of counts that are known only up to a limit.

    Parameters as in `TruncatedLFPoisson`, with ``censoring``, the count that stands for
    that many or more, in front.

    See Also
    --------
    censored : The same from a formula.
    """

    summary_title: ClassVar[str] = "Censored Poisson Regression Results"
    summary_name: ClassVar[str] = "CensoredPoisson"
    arguments: ClassVar[dict[str, Any]] = {"censoring": None, **SHIFT, **MISSING}
    keywords: ClassVar[tuple[str, ...]] = ("truncation",)
    kernel_of = staticmethod(_poisson)


class CensoredNegativeBinomialP(_LimitedModel):
    """Negative binomial regression of counts that are known only up to a limit.

    Parameters as in `CensoredPoisson`, with ``p`` (2 by default), the power of the
    variance mu + alpha mu^p, and ``dispersion``, predictors of log alpha.
    """

    summary_title: ClassVar[str] = "Censored Negative Binomial Regression Results"
    summary_name: ClassVar[str] = "CensoredNegativeBinomialP"
    arguments: ClassVar[dict[str, Any]] = {"censoring": None, **SHIFT, "p": 2, **MISSING}
    keywords: ClassVar[tuple[str, ...]] = ("truncation", "dispersion")
    kernel_of = staticmethod(_negative_binomial)
