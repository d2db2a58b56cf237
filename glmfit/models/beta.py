"""Regression of shares: beta regression, and beta-binomial counts of trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, DataError, ResponseError
from glmfit.formula.response import Response, number_response, proportion_response
from glmfit.likelihoods import BetaBinomialLikelihood, BetaLikelihood
from glmfit.likelihoods.joint import JointLikelihood
from glmfit.links import Link, Log, Logit
from glmfit.models.data import ModelData
from glmfit.models.joint import BESIDE, JointArrays, JointModel, PartNames, link_of
from glmfit.results.joint import BetaBinomialResults
from glmfit.results.record import FitRecord
from glmfit.sources import Rows

__all__ = ["BetaBinomial", "BetaModel", "betabinomial", "betareg"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ShareReading:
    """The reading of shares strictly between 0 and 1."""

    link: Link

    def response(self, values: tuple[Any, ...], name: str, trials: Array | None) -> Response:
        """Return the numbers that the values of the left-hand side are."""
        return number_response(values, name, "BetaModel")

    def check(self, data: ModelData) -> None:
        """Raise unless the rows can be fitted."""
        y, name = data.response.y, data.response.name
        bad = ~((y > 0.0) & (y < 1.0))
        if bad.any():
            first = int(np.argmax(bad))
            raise ResponseError(
                f"Beta regression needs shares strictly between 0 and 1; {int(bad.sum())} of "
                f"{y.size} values of {name} lie outside, the first is {y[first]:g} (observation "
                f"{first}). Shares of whole trials, 0 and 1 among them, are for betabinomial; for "
                "others see glm(..., family='quasibinomial')."
            )


class BetaModel(JointModel):
    """Beta regression on arrays: mean and precision, each with predictors and a link.

    y is beta distributed with mean mu and variance mu (1 - mu) / (1 + phi); phi is the
    precision. All coefficients are estimated jointly by maximum likelihood, and standard
    errors come from the observed information of all of them.

    Parameters
    ----------
    endog : array_like of shape (n,)
        Shares, strictly between 0 and 1.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors of the mean; add a constant yourself (`add_constant`).
    exog_precision : array_like of shape (n, q), optional
        Predictors of the precision; a constant by default.
    link : Link, type of Link or str
        Of the mean: logit by default.
    link_precision : Link, type of Link or str
        Of the precision: log by default.
    missing : {"none", "drop", "raise"}
    offset : array_like of shape (n,), optional
        Known part of the predictor of the mean.
    freq_weights, var_weights : array_like of shape (n,), optional
        Both multiply the log-likelihood of a row, which R's betareg calls weights.

    See Also
    --------
    betareg : The same from a formula.

    References
    ----------
    Ferrari, S. L. P. and Cribari-Neto, F. (2004). Beta regression for modelling rates and
    proportions. *Journal of Applied Statistics* 31, 799-815.
    """

    summary_title: ClassVar[str] = "Beta Regression Results"
    summary_name: ClassVar[str] = "BetaModel"
    options: ClassVar[tuple[str, ...]] = (
        *BESIDE,
        "precision",
        "exog_precision_formula",
        "link",
        "link_precision",
    )
    named: ClassVar[dict[str, PartNames]] = {
        "precision": PartNames(
            "precision", "exog_precision", "precision-", "precision", False, "Precision"
        )
    }
    statement: ClassVar[str] = "Var(y) = mu (1 - mu) / (1 + phi), phi the precision."

    def __init__(
        self,
        endog: Any,
        exog: Any,
        exog_precision: Any = None,
        link: Any = None,
        link_precision: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        missing: str = "none",
        **unknown: Any,
    ) -> None:
        given = {
            "precision": exog_precision,
            "link": link,
            "link_precision": link_precision,
            "offset": offset,
            "exposure": exposure,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
        }
        arrays = JointArrays({"mean": exog, "precision": exog_precision})
        self._from_arrays(endog, arrays, missing, given, unknown)

    def _likelihood(self, options: Mapping[str, Any]) -> JointLikelihood:
        mean = link_of(options, "link", Logit())
        return BetaLikelihood((mean, link_of(options, "link_precision", Log())))

    def _read(self, options: Mapping[str, Any]) -> None:
        formula = options.get("exog_precision_formula")
        if formula is not None and options.get("precision") is not None:
            raise ArgumentError("precision= and exog_precision_formula= are the same; give one.")
        super()._read(options if formula is None else {**options, "precision": formula})
        self.reading = ShareReading(self.likelihood.links[0])


@dataclass(frozen=True, slots=True)
class TrialsReading:
    """The reading of successes among trials, of more than one trial somewhere."""

    link: Link

    def response(self, values: tuple[Any, ...], name: str, trials: Array | None) -> Response:
        """Return the shares that the values of the left-hand side are."""
        if trials is not None and not (trials > 0.0).all():
            raise DataError("trials must be greater than 0 in every row.")
        return proportion_response(values, name, trials=trials)

    def check(self, data: ModelData) -> None:
        """Raise unless the rows can be fitted."""
        response = data.response
        trials = np.ones_like(response.y) if response.trials is None else response.trials
        if not (trials > 1.0).any():
            raise ResponseError(
                f"{response.name} has one trial a row, so that nothing tells how much rows vary: "
                "write successes + failures, or give trials= beside shares; for single trials "
                "use logit."
            )
        for values, what in ((trials, "trials"), (trials * response.y, "successes")):
            bad = np.abs(values - np.round(values)) > 1e-9 * np.maximum(values, 1.0)
            if bad.any():
                first = int(np.argmax(bad))
                raise ResponseError(
                    f"The beta-binomial distribution is one of whole numbers; {int(bad.sum())} of "
                    f"{values.size} rows have {what} that are not, the first is "
                    f"{values[first]:g} (observation {first})."
                )


class BetaBinomial(JointModel):
    """Beta-binomial regression on arrays: shares of trials, whose probability varies.

    The share y of n trials has mean mu and variance mu (1 - mu) (1 + (n - 1) rho) / n. rho,
    the correlation between trials of a row, is estimated with the coefficients by maximum
    likelihood; where the shares vary no more than binomial ones it is 0, and a
    `BoundaryWarning` says so.

    Parameters
    ----------
    endog : array_like of shape (n, 2) or (n,)
        Successes and failures; or shares, with ``trials``.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors of the mean; add a constant yourself (`add_constant`).
    trials : array_like of shape (n,), optional
        Number of trials behind each share.
    dispersion : array_like of shape (n, q), optional
        Predictors of logit rho, a constant among them if there is to be one; rho is one
        number by default.
    link : Link, type of Link or str
        Of the mean: logit by default.
    offset : array_like of shape (n,), optional
        Known part of the predictor of the mean.
    freq_weights, var_weights : array_like of shape (n,), optional
        Both multiply the log-likelihood of a row.
    missing : {"none", "drop", "raise"}

    See Also
    --------
    betabinomial : The same from a formula.

    References
    ----------
    Williams, D. A. (1975). The analysis of binary responses from toxicological experiments
    involving reproduction and teratogenicity. *Biometrics* 31, 949-952.
    """

    summary_title: ClassVar[str] = "Beta-Binomial Regression Results"
    summary_name: ClassVar[str] = "BetaBinomial"
    results_type = BetaBinomialResults
    options: ClassVar[tuple[str, ...]] = (*BESIDE, "trials", "dispersion", "link")
    named: ClassVar[dict[str, PartNames]] = {
        "rho": PartNames("dispersion", "dispersion", "logitrho_", "rho", True, "Correlation rho")
    }
    statement: ClassVar[str] = "Var(y) = mu (1 - mu) (1 + (n - 1) rho) / n for a share of n trials."
    boundary_told: ClassVar[str] = (
        "The shares are not overdispersed: the likelihood falls with rho from 0 on, so the "
        "estimate is rho = 0, on the boundary, and the other numbers are those of the binomial "
        "model."
    )
    at_the_end: ClassVar[str] = (
        "the shares are not overdispersed, and the other numbers are those of the binomial model."
    )

    def __init__(
        self,
        endog: Any,
        exog: Any,
        *,
        trials: Any = None,
        dispersion: Any = None,
        link: Any = None,
        offset: Any = None,
        exposure: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        missing: str = "none",
        **unknown: Any,
    ) -> None:
        given = {
            "trials": trials,
            "dispersion": dispersion,
            "link": link,
            "offset": offset,
            "exposure": exposure,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
        }
        arrays = JointArrays({"mean": exog, "rho": dispersion})
        self._from_arrays(endog, arrays, missing, given, unknown)

    def _likelihood(self, options: Mapping[str, Any]) -> JointLikelihood:
        mean = link_of(options, "link", Logit())
        return BetaBinomialLikelihood((mean, Logit()))

    def _read(self, options: Mapping[str, Any]) -> None:
        super()._read(options)
        self.reading = TrialsReading(self.likelihood.links[0])

    def _trials(self) -> Array:
        response = self._kept_data().response
        return np.ones_like(response.y) if response.trials is None else response.trials

    def joint_rows(self) -> Rows:
        """Return the rows with successes and failures for a response."""
        data, trials = self._kept_data(), self._trials()
        hits = np.round(trials * data.response.y)
        weight = None
        for part in (data.freq_weights, data.var_weights):
            if part is not None:
                weight = part if weight is None else weight * part
        if (trials == 0.0).any():
            weight = np.where(trials > 0.0, 1.0 if weight is None else weight, 0.0)
        counts = np.column_stack([hits, np.round(trials) - hits])
        return replace(data.rows(), y=counts, weight=weight)

    def spread_factor(self, record: FitRecord) -> Array:
        """Return (1 + (n - 1) rho) / n."""
        trials, data = self._trials(), self._kept_data()
        rho = np.zeros_like(trials)
        if not record.at_boundary:
            eta = self.predictors(record, data.design, data.offset)
            rho = self.shown_form(record).likelihood.parameter("rho", eta)
        return (1.0 + (trials - 1.0) * rho) / trials


def betareg(formula: str, data: Any, **options: Any) -> BetaModel:
    """Make a beta regression from a formula.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean; the response is a share strictly between 0 and 1.
    data : DataFrame, dict or another table
    **options
        ``precision`` (a one-sided formula for the precision, such as ``"~ z"``; statsmodels
        calls it ``exog_precision_formula``), ``link``, ``link_precision``, ``offset``,
        ``freq_weights``, ``var_weights``, ``subset``, ``missing``, ``env``.

    Returns
    -------
    BetaModel

    Notes
    -----
    Coefficients of the precision are on the scale of its link, the logarithm by default, also
    where the precision is one number: its name is then "precision", as statsmodels has it.
    ``result.predict(which="precision")`` is the precision itself.

    Examples
    --------
    >>> import glmfit as gf
    >>> stack = gf.datasets.load("stackloss")
    >>> stack["share"] = stack["stack_loss"] / 100
    >>> gf.betareg("share ~ air_flow", stack).fit().params.round(3)
    Intercept   -5.450
    air_flow     0.063
    precision    4.709
    dtype: float64
    """
    return BetaModel.from_formula(formula, data, **options)


def betabinomial(formula: str, data: Any, **options: Any) -> BetaBinomial:
    """Make a beta-binomial regression from a formula.

    Parameters
    ----------
    formula : str
        As in `glm`: ``"successes + failures ~ x"``, or shares with ``trials=``.
    data : DataFrame, dict or another table
    **options
        ``trials``, ``dispersion`` (a one-sided formula for logit rho, such as ``"~ z"``),
        ``link``, ``offset``, ``freq_weights``, ``var_weights``, ``subset``, ``missing``,
        ``env``.

    Returns
    -------
    BetaBinomial

    Examples
    --------
    >>> import glmfit as gf
    >>> data = {"dead": [1, 4, 9, 9, 0, 10], "n": [10] * 6, "dose": [1, 1, 2, 2, 1, 2]}
    >>> gf.betabinomial("dead + I(n - dead) ~ dose", data).fit().params.round(3)
    Intercept   -5.828
    dose         4.163
    rho          0.034
    dtype: float64
    """
    return BetaBinomial.from_formula(formula, data, **options)
