"""Intervals of coefficients, and the profiles that they come from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, ConvergenceWarning, NotAvailableError, suggest, warn
from glmfit.inference.hauck_donner import wald_derivatives
from glmfit.inference.profile import Curve, End, PenalizedFit, Statistic, likelihood_curve
from glmfit.inference.tails import critical_value, two_sided
from glmfit.results.applicability import require_likelihood
from glmfit.results.estimated import Estimated

__all__ = ["NO_PENALTY", "Intervals", "positions"]

Array = NDArray[np.float64]

METHODS = ("wald", "profile", "score")

MOST_TOLD = 2_000_000
"""Rows times coefficients (times squared predictors of a row) up to which a summary tells of
Wald tests that mislead."""

MOST_PROFILED = 5
"""Coefficients that a summary profiles at most."""

MISLED = "_misled_lines"
"""Where a result keeps them."""

NO_PENALTY = (
    "There is a penalised likelihood for method='firth' with a canonical link only (logit, "
    "multinomial logit, log for Poisson)."
)


def positions(cols: Any, count: int) -> Any:
    """Return the coefficients that ``cols`` chooses, by position."""
    if cols is None:
        return slice(None)
    chosen = np.atleast_1d(np.asarray(cols))
    if chosen.dtype.kind not in "iu" or (np.abs(chosen + 0.5) > count).any():
        raise ArgumentError(f"cols are positions from 0 to {count - 1} (got {cols!r}).")
    return chosen


class Intervals(Estimated):
    """Wald, profile and score intervals of a fit."""

    def conf_int(self, alpha: float = 0.05, cols: Any = None, *, method: str = "wald") -> Any:
        """Return intervals of the coefficients.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        cols : array_like of int, optional
            Coefficients to return, by position.
        method : {"wald", "profile", "score"}
            Wald intervals; those of coefficients that a likelihood-ratio test does not
            reject (profile likelihood; of a fit by ``method="firth"`` with a canonical
            link, the penalised one, Heinze and Schemper 2002); or those that a score test
            does not reject. The latter two hold for nonrobust covariances.

        Returns
        -------
        DataFrame or ndarray of shape (p, 2)
            Lower and upper ends, in columns 0 and 1. An end that does not exist, because
            the likelihood never falls that far, is -inf or inf: where data are separated,
            on the side on which the estimate is infinite.

        Raises
        ------
        NotAvailableError
            If no likelihood was maximised, or the covariance is robust.

        Warns
        -----
        ConvergenceWarning
            If an end could not be found (NaN), or is where the model itself ends (a mean
            at the end of its range).

        Notes
        -----
        An estimated dispersion is held at its estimate, as MASS has it in R; quantiles are
        those of the result's own tests, normal or t. For the normal linear model the
        profile is then the Wald interval.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> result.conf_int(method="profile").round(4)
                          0        1
        Intercept    3.3287  34.3396
        TEMPERATURE -0.5154  -0.0608
        """
        chosen = positions(cols, self.record.base.size)
        ends = self._ends(alpha, chosen, method)
        if not self.model.data.labelled:
            return ends[chosen]
        return pd.DataFrame(ends, index=self._names).iloc[chosen]

    def _interval(self, alpha: float) -> Array:
        """Return the ends of Wald intervals, shape (p, 2)."""
        reach = critical_value(alpha, self._df_test) * self._bse
        return np.column_stack([self.record.theta - reach, self.record.theta + reach])

    def _ends(self, alpha: float, chosen: Any, method: str) -> Array:
        """Return the ends of intervals, shape (p, 2); NaN for those not chosen."""
        if method not in METHODS:
            raise ArgumentError(
                f"method must be one of {', '.join(METHODS)} (got {method!r})."
                f"{suggest(str(method), METHODS)}"
            )
        if method == "wald":
            return self._interval(alpha)
        reach = critical_value(alpha, self._df_test)
        statistic: Statistic = "score" if method == "score" else "likelihood"
        asked = np.zeros(self.record.base.size, dtype=bool)
        asked[chosen] = True
        ends = np.full((asked.size, 2), np.nan)
        for position, curve in self._curves(np.flatnonzero(asked), statistic).items():
            found = [curve.end(reach, side) for side in (-1.0, 1.0)]
            _warn_of_ends(str(self._text_names[position]), found)
            ends[position] = [end.value for end in found]
        return ends

    @property
    def _text_names(self) -> tuple[str, ...]:
        """Names of the coefficients as a hypothesis has them."""
        return self._vocabulary.names

    def _curves(self, asked: NDArray[np.intp], statistic: Statistic) -> dict[int, Curve]:
        """Return the curves of coefficients that are not aliased, by position."""
        record = self.record
        if record.penalty is not None and statistic == "likelihood":
            fit = self._penalised_fit()
            return {int(j): fit.curve(place) for place, j in enumerate(record.kept) if j in asked}
        require_likelihood(self, "A profile", "Wald intervals (method='wald')", quasi=True)
        maximum, ranked = self._maximum()
        covariance = np.nan_to_num(record.unscaled[np.ix_(ranked, ranked)], nan=0.0)
        theta = record.theta[ranked]
        return {
            int(j): likelihood_curve(
                maximum,
                place,
                covariance,
                statistic,
                limit=float(theta[place]) if np.isinf(theta[place]) else 0.0,
            )
            for place, j in enumerate(ranked)
            if j in asked
        }

    def _penalised_fit(self) -> PenalizedFit:
        if self.record.penalty is None:
            raise NotAvailableError(NO_PENALTY)
        record = self.record
        kept = record.kept
        run = self.model.fitted_pass(record)
        return PenalizedFit(run, record.base[kept], record.unscaled[np.ix_(kept, kept)])

    def profile(
        self,
        terms: Any = None,
        alpha: float = 0.01,
        *,
        points: int = 21,
        method: str = "profile",
    ) -> pd.DataFrame:
        """Return the profile of coefficients: the signed root of what the likelihood loses.

        A straight line means that Wald intervals are right.

        Parameters
        ----------
        terms : str or list of str, optional
            Coefficients, or terms of the formula; all by default.
        alpha : float
            The curve runs over the interval that covers ``1 - alpha``; on a side without
            an end, as far as four times its other half (or four standard errors).
        points : int
            Number of values for each coefficient.
        method : {"profile", "score"}

        Returns
        -------
        DataFrame
            Columns ``name, value, zeta, wald``: the coefficient, its values, the signed
            root of the likelihood-ratio statistic (of the score statistic) there, and what
            a Wald statistic would be (NaN without a finite estimate).

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> result.profile("TEMPERATURE", points=3).round(3)
                  name  value   zeta   wald
        0  TEMPERATURE -0.641 -2.576 -3.776
        1  TEMPERATURE -0.329 -0.798 -0.893
        2  TEMPERATURE -0.017  2.576  1.989
        """
        if method not in ("profile", "score"):
            raise ArgumentError(f"method must be 'profile' or 'score' (got {method!r}).")
        if not isinstance(points, (int, np.integer)) or points < 2:
            raise ArgumentError(f"points must be a whole number of at least 2 (got {points!r}).")
        asked = self._asked(terms)
        reach = critical_value(alpha, self._df_test)
        curves = self._curves(asked, "score" if method == "score" else "likelihood")
        parts = [self._traced(j, curve, reach, int(points)) for j, curve in curves.items()]
        if not parts:
            raise NotAvailableError("The coefficients asked for are aliased; they have no profile.")
        return pd.concat(parts, ignore_index=True)

    def _asked(self, terms: Any) -> NDArray[np.intp]:
        if terms is None:
            return np.arange(self.record.base.size)
        known = self._vocabulary.meaning
        found = []
        for name in [terms] if isinstance(terms, str) else list(terms):
            if name not in known:
                raise ArgumentError(
                    f"There is no coefficient {name!r}.{suggest(str(name), known)} "
                    f"Known: {', '.join(known)}."
                )
            found.append(known[name])
        return np.unique(np.concatenate(found))

    def hauck_donner(self, *, profile: bool = True) -> pd.DataFrame:
        """Return which Wald tests mislead, with what the likelihood says instead.

        As an effect grows, its standard error may grow faster, so that the Wald statistic
        falls (Hauck and Donner 1977). That is so where the statistic's derivative by the
        coefficient is negative (Yee 2022).

        Parameters
        ----------
        profile : bool
            Whether to profile the likelihood of coefficients whose test misleads.

        Returns
        -------
        DataFrame
            A row for each coefficient: ``wald`` (z or t), ``derivative``, ``misleads``,
            and for those that mislead ``lr_pvalue`` and the profile interval ``lower,
            upper`` (95%); otherwise NaN. NaN throughout where there is no finite estimate.

        Raises
        ------
        NotAvailableError
            If no likelihood was maximised, or the covariance is robust.

        Notes
        -----
        It takes one pass over the rows, two evaluations of each row's likelihood for
        every coefficient in models of several classes. The summary tells of it where rows
        times coefficients are few (two million), with profiles of up to five coefficients.

        References
        ----------
        Hauck, W. W. and Donner, A. (1977). Wald's test as applied to hypotheses in logit
        analysis. *JASA* 72, 851-853.
        Yee, T. W. (2022). On the Hauck-Donner effect in Wald tests. *JASA* 117, 1763-1774.

        Examples
        --------
        >>> import glmfit as gf
        >>> import pandas as pd
        >>> data = pd.DataFrame({"good": [5, 24], "n": [25, 25], "x": [0, 1]})
        >>> result = gf.logit("good + I(n - good) ~ x", data).fit()
        >>> result.hauck_donner()[["wald", "derivative", "misleads"]].round(3)
                    wald  derivative  misleads
        Intercept -2.773       1.168     False
        x          4.016      -0.610      True
        """
        require_likelihood(self, "The Hauck-Donner effect", "Wald tests", quasi=True)
        record, kept = self.record, self.record.kept
        run = self.model.fitted_pass(record)
        derivative = np.full(record.base.size, np.nan)
        derivative[kept] = wald_derivatives(run, record.base[kept], record.scale)
        derivative[list(self._never_zero)] = np.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            wald = record.theta / self._bse
        misleads = derivative < 0.0
        pvalue = np.full(derivative.size, np.nan)
        ends = np.full((derivative.size, 2), np.nan)
        where = np.flatnonzero(misleads & profile)
        reach = critical_value(0.05, self._df_test)
        for j, curve in self._curves(where, "likelihood").items():
            # the signed root at 0 is tested as the Wald statistic would have been
            pvalue[j] = two_sided(np.array([curve.height(0.0)]), self._df_test)[0]
            ends[j] = [curve.end(reach, side).value for side in (-1.0, 1.0)]
        columns = {"wald": wald, "derivative": derivative, "misleads": misleads,
                   "lr_pvalue": pvalue, "lower": ends[:, 0], "upper": ends[:, 1]}  # fmt: skip
        return pd.DataFrame(columns, index=list(self._text_names))

    @property
    def _never_zero(self) -> tuple[int, ...]:
        """Positions of parameters of which 0 is no hypothesis."""
        return ()

    def _misled(self) -> pd.DataFrame:
        """Return the lines of `hauck_donner` that mislead, found once; none where it is dear."""
        known = self.__dict__.get(MISLED)
        if known is None:
            known = self._found_misled()
            self.__dict__[MISLED] = known
        return known

    def _found_misled(self) -> pd.DataFrame:
        record, data = self.record, self.model.data
        told = record.bias_reduced is None and record.regularized is None
        told = told and record.effects is None
        told = told and record.converged and self.cov_type == "nonrobust"
        size = len(data.response.y) * record.base.size * record.n_equations**2
        if not told or not 0 < size <= MOST_TOLD:
            return pd.DataFrame()
        found = self.hauck_donner(profile=False).query("misleads")
        if 0 < len(found) <= MOST_PROFILED:
            return self.hauck_donner().query("misleads")
        return found

    def _traced(self, position: int, curve: Curve, reach: float, points: int) -> pd.DataFrame:
        """Return the curve between the ends that it has."""
        low, high = _finite_ends([curve.end(reach, side).value for side in (-1.0, 1.0)], curve)
        values = np.linspace(low, high, points)
        side = _side_of(values, curve)
        zeta = side * np.array([curve.height(float(v)) for v in values])
        estimate, error = self.record.theta[position], self._bse[position]
        wald = (values - estimate) / error if np.isfinite(estimate) else np.full(points, np.nan)
        name = self._text_names[position]
        return pd.DataFrame({"name": name, "value": values, "zeta": zeta, "wald": wald})


def _finite_ends(ends: list[float], curve: Curve) -> tuple[float, float]:
    """Return values between which to show a curve whose interval may have no ends."""
    low, high = ends
    middle = 0.0 if math.isnan(curve.centre) else curve.centre
    if not math.isfinite(low) and not math.isfinite(high):
        return middle - 4.0 * curve.unit, middle + 4.0 * curve.unit
    if not math.isfinite(high):
        return low, low + 4.0 * (max(middle - low, 0.0) or 4.0 * curve.unit)
    if not math.isfinite(low):
        return high - 4.0 * (max(high - middle, 0.0) or 4.0 * curve.unit), high
    return low, high


def _side_of(values: Array, curve: Curve) -> Array:
    """Return on which side of the estimate values are, -1 or 1."""
    if curve.limit:
        return np.full(values.size, -math.copysign(1.0, curve.limit))
    middle = 0.0 if math.isnan(curve.centre) else curve.centre
    return np.where(values < middle, -1.0, 1.0)


def _warn_of_ends(name: str, ends: list[End]) -> None:
    for which, end in zip(("lower", "upper"), ends, strict=True):
        if math.isnan(end.value):
            warn(
                f"The {which} end of the interval of {name} is missing: a fit on the way to it "
                "reached no maximum.",
                ConvergenceWarning,
            )
        elif end.boundary:
            warn(
                f"The {which} end of the interval of {name} ({end.value:.6g}) is where the model "
                "ends: beyond it some mean is impossible. The likelihood falls no further before.",
                ConvergenceWarning,
            )
