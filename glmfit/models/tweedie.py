"""Tweedie regression with dispersion and power estimated by maximum likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.errors import ArgumentError, FitError, ResponseError, require_number
from glmfit.formula.response import Response, number_response
from glmfit.likelihoods import TweedieLikelihood
from glmfit.likelihoods.compound import BETWEEN
from glmfit.likelihoods.joint import JointLikelihood
from glmfit.links import Link, Log
from glmfit.models.data import ModelData
from glmfit.models.joint import BESIDE, JointArrays, JointModel, PartNames, link_of
from glmfit.models.methods import Method
from glmfit.results.record import FitRecord
from glmfit.sources import Rows

__all__ = ["TweedieModel", "tweedie"]

Array = NDArray[np.float64]

ESTIMATED = "ml"
NEAREST = 2e-3
"""Distance of a power from 1 or 2 within which the fit has run to that end."""


GAMMA = (
    "There the responses are gamma distributed, which have no zeros: use glm(..., family='gamma'), "
    "or give var_power=."
)
COUNTS = (
    "There the responses are multiples of one number, as counts are: use poisson or "
    "negativebinomial, or give var_power=."
)


@dataclass(frozen=True, slots=True)
class TweedieReading:
    """The reading of numbers from 0."""

    link: Link

    def response(self, values: tuple[Any, ...], name: str, trials: Array | None) -> Response:
        """Return the numbers that the values of the left-hand side are."""
        return number_response(values, name, "Tweedie")

    def check(self, data: ModelData) -> None:
        """Raise unless the rows can be fitted."""
        y, name = data.response.y, data.response.name
        if (y < 0.0).any():
            first = int(np.argmax(y < 0.0))
            raise ResponseError(
                f"Tweedie responses of power 1 to 2 are 0 or above; {int((y < 0.0).sum())} of "
                f"{y.size} values of {name} are negative, the first is {y[first]:g} "
                f"(observation {first})."
            )
        used = y if data.weight is None else y[data.weight > 0.0]
        if used.max(initial=0.0) == 0.0:
            raise ResponseError(f"Every value of {name} is 0, so that there is no mean to model.")


class TweedieModel(JointModel):
    """Tweedie regression on arrays: mean, dispersion and power by maximum likelihood.

    y is a sum of a Poisson number of gamma variables: 0 with some probability, else positive.
    Its variance is phi mu^p / w, with 1 < p < 2. All parameters are estimated jointly, and
    standard errors come from the observed information of all of them.

    Parameters
    ----------
    endog : array_like of shape (n,)
        Responses, 0 or above.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors of the mean; add a constant yourself (`add_constant`).
    var_power : {"ml"} or float
        The power p, or that it is estimated.
    link : Link, type of Link or str
        Of the mean: log by default.
    dispersion : array_like of shape (n, q), optional
        Predictors of log phi, a constant among them if there is to be one; phi is one number
        by default.
    offset, exposure : array_like of shape (n,), optional
        Known part of the predictor of the mean, and what the mean is per.
    freq_weights : array_like of shape (n,), optional
    var_weights : array_like of shape (n,), optional
        The weights w, such as years of exposure behind a claim rate.
    missing : {"none", "drop", "raise"}

    See Also
    --------
    tweedie : The same from a formula.

    References
    ----------
    Dunn, P. K. and Smyth, G. K. (2005). Series evaluation of Tweedie exponential dispersion
    model densities. *Statistics and Computing* 15, 267-280.
    """

    summary_title: ClassVar[str] = "Tweedie Regression Results"
    summary_name: ClassVar[str] = "TweedieModel"
    options: ClassVar[tuple[str, ...]] = (*BESIDE, "var_power", "link", "dispersion")
    named: ClassVar[dict[str, PartNames]] = {
        "dispersion": PartNames(
            "dispersion", "dispersion", "lnphi_", "scale", True, "Dispersion phi"
        ),
        "power": PartNames("", "", "", "var_power", True, "Power p"),
    }

    def __init__(
        self,
        endog: Any,
        exog: Any,
        var_power: Any = ESTIMATED,
        *,
        link: Any = None,
        dispersion: Any = None,
        offset: Any = None,
        exposure: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        missing: str = "none",
        **unknown: Any,
    ) -> None:
        given = {
            "var_power": var_power,
            "link": link,
            "dispersion": dispersion,
            "offset": offset,
            "exposure": exposure,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
        }
        arrays = JointArrays({"mean": exog, "dispersion": dispersion})
        self._from_arrays(endog, arrays, missing, given, unknown)

    def _likelihood(self, options: Mapping[str, Any]) -> JointLikelihood:
        mean = link_of(options, "link", Log())
        power = _power(options.get("var_power", ESTIMATED))
        if power is None:
            return TweedieLikelihood((mean, Log(), BETWEEN))
        return TweedieLikelihood((mean, Log()), power)

    def _read(self, options: Mapping[str, Any]) -> None:
        super()._read(options)
        self.reading = TweedieReading(self.likelihood.links[0])

    @property
    def statement(self) -> str:  # type: ignore[override]  # it depends on the power
        """The model in one line, for the summary."""
        known = getattr(self.likelihood, "power", None)
        power = "p" if known is None else f"{known:g}"
        return f"Var(y) = phi mu^{power} / w, with zeros; scale is phi, var_power is p."

    def joint_rows(self) -> Rows:
        """Return the rows with responses and their weights side by side."""
        data = self._kept_data()
        weight = np.ones(data.response.y.size) if data.var_weights is None else data.var_weights
        freq = data.freq_weights
        if (weight == 0.0).any():
            freq = np.where(weight > 0.0, 1.0 if freq is None else freq, 0.0)
        values = np.column_stack([data.response.y, np.where(weight > 0.0, weight, 1.0)])
        return replace(data.rows(), y=values, weight=freq)

    def spread_factor(self, record: FitRecord) -> Array | float:
        """Return 1 / w."""
        weight = self._kept_data().var_weights
        return 1.0 if weight is None else 1.0 / weight

    def _maximised(self, control: Control, start_params: Any, method: Method) -> FitRecord:
        record = super()._maximised(control, start_params, method)
        if self.likelihood.parts[-1] == "power":
            power = float(record.base[-1])
            end = round(power)
            if abs(power - end) < NEAREST:
                raise FitError(
                    f"The likelihood rises with the power up to {end}, the end of its range. "
                    + (GAMMA if end == 2 else COUNTS)
                )
        return record


def _power(given: Any) -> float | None:
    """Return the power, None where it is estimated."""
    if isinstance(given, str):
        if given.lower() == ESTIMATED:
            return None
        raise ArgumentError(f"var_power is a number between 1 and 2, or 'ml' (got {given!r}).")
    power = require_number(given, "var_power")
    if not 1.0 < power < 2.0:
        raise ArgumentError(
            f"var_power must be between 1 and 2 (got {power:g}), or 'ml'. Powers 0, 1, 2, 3 are "
            "the normal, Poisson, gamma and inverse Gaussian families of glm."
        )
    return power


def tweedie(formula: str, data: Any, **options: Any) -> TweedieModel:
    """Make a Tweedie regression from a formula, with dispersion and power estimated.

    Parameters
    ----------
    formula : str
        As in `glm`, for the mean.
    data : DataFrame, dict or another table
    **options
        ``var_power`` ("ml" by default, or a number between 1 and 2), ``dispersion`` (a
        one-sided formula for log phi, such as ``"~ z"``), ``link``, ``offset``,
        ``exposure``, ``freq_weights``, ``var_weights``, ``subset``, ``missing``, ``env``.

    Returns
    -------
    TweedieModel

    Notes
    -----
    ``result.profile("var_power")`` is the profile of the likelihood over the power, and
    ``result.conf_int(method="profile")`` has its interval; R's ``tweedie.profile`` has them
    on a grid of powers. ``glm(..., family=families.Tweedie(var_power=...))`` fits a given power
    with Pearson's dispersion, whatever the power.

    Examples
    --------
    >>> import glmfit as gf
    >>> rain = [0, 2.1, 0, 5.3, 1.2, 0.4, 3.3, 0, 0.9, 7.4, 1.6, 0, 0.3, 4.2, 0, 3.9]
    >>> data = {"rain": rain, "season": [0, 1] * 8}
    >>> gf.tweedie("rain ~ season", data).fit().params.round(3)
    Intercept   -0.092
    season       1.161
    scale        1.751
    var_power    1.354
    dtype: float64
    """
    return TweedieModel.from_formula(formula, data, **options)
