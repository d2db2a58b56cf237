"""Intervals for a new observation, which vary about a mean that is itself uncertain.

The linear predictor is taken as normal (or t) about its estimate, with its standard error;
given the predictor the response has the family's distribution, with the dispersion as
estimated. The response then has a mixture of these distributions, whose quantiles end the
interval: it covers the new observation with the stated probability on average over data
sets, to the order to which the predictor is normal. What is left out is the uncertainty of
an estimated dispersion (the normal linear model with t intervals has it in).

References
----------
Bjørnstad, J. F. (1990). Predictive likelihood: a review. *Statistical Science* 5, 242-265.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.errors import NotAvailableError
from glmfit.families import Family
from glmfit.inference.tails import critical_value

__all__ = ["Observation", "observation_of"]

Array = NDArray[np.float64]

REACH = 6.5
"""Where the normal distribution of the predictor is cut off, in standard errors."""

MOST_NODES = 2001
CHUNK_VALUES = 1 << 18
HALVINGS = 200

OUTSIDE = 1e-6
"""Probability that may lie outside of the domain of the means."""

DIGITS = 1e-9
"""Relative width at which the end of an interval is found."""


@dataclass(frozen=True, slots=True)
class Observation:
    """How a new observation of a row varies.

    Attributes
    ----------
    family : Family
    scale : float
        Dispersion.
    trials : ndarray of shape (n,) or None
        Trials behind each share, for a binomial.
    """

    family: Family
    scale: float
    trials: Array | None = None

    @property
    def closed(self) -> bool:
        """Whether the interval has a closed form: in the normal linear model."""
        return self.family.variance_power() == 0.0 and self.family.link.name == "identity"

    def interval(self, eta: Array, se_eta: Array, alpha: float, df: float | None) -> Array:
        """Return the ends of intervals that cover ``1 - alpha``, shape (n, 2).

        For a binomial in shares of the trials. NaN where the predictor or its error is not
        known, or the predictor may well lie where no mean is possible.

        Parameters
        ----------
        eta, se_eta : ndarray of shape (n,)
        alpha : float
        df : float or None
            Degrees of freedom of the predictor's t distribution; None for the normal.
        """
        if self.closed:
            reach = critical_value(alpha, df) * np.sqrt(se_eta**2 + self.scale)
            return np.column_stack([eta - reach, eta + reach])
        critical_value(alpha, df)  # refuses what is no probability
        out = np.full((eta.size, 2), np.nan)
        known = np.flatnonzero(np.isfinite(eta) & np.isfinite(se_eta))
        if known.size == 0:
            return out
        trials = np.zeros_like(eta) if self.trials is None else self.trials
        # rows of a design of factors repeat each other
        cases, where = np.unique(
            np.column_stack([eta, se_eta, trials])[known], axis=0, return_inverse=True
        )
        out[known] = self._of_cases(cases, alpha, df)[where.ravel()]
        return out

    def _of_cases(self, cases: Array, alpha: float, df: float | None) -> Array:
        """Return the intervals of distinct rows (eta, se, trials), shape (m, 2)."""
        eta, se_eta, trials = np.ascontiguousarray(cases.T)
        nodes = self._node_count(eta, se_eta)
        size = max(1, CHUNK_VALUES // nodes)
        out = np.empty((eta.size, 2))
        with np.errstate(all="ignore"):
            for start in range(0, eta.size, size):
                rows = slice(start, start + size)
                tried = None if self.trials is None else trials[rows]
                mixture = _Mixture.of(self, eta[rows], se_eta[rows], df, nodes, tried)
                for end, share in enumerate((alpha / 2.0, 1.0 - alpha / 2.0)):
                    out[rows, end] = mixture.quantile(share)
        return out

    def _node_count(self, eta: Array, se_eta: Array) -> int:
        """Return the nodes that a smooth integrand needs for ten digits.

        The trapezoidal rule of step h errs by exp(-(2 pi / h)^2 / (2 (1 + r^2))), with r the
        spread of the mean in units of that of the response.
        """
        with np.errstate(all="ignore"):
            mu = self.family.link.inverse(eta)
            variance = self.family.variance(mu) * self.scale
            if self.trials is not None:
                variance = variance / float(self.trials.max())
            ratio = se_eta * np.abs(self.family.link.inverse_deriv(eta)) / np.sqrt(variance)
        largest = float(np.nanmax(np.where(np.isfinite(ratio), ratio, 0.0), initial=0.0))
        step = 2.0 * math.pi / math.sqrt(46.0 * (1.0 + largest**2))
        return min(MOST_NODES, 2 * math.ceil(REACH / step) + 1)


@dataclass(frozen=True, slots=True)
class _Mixture:
    """Distributions of the responses of rows, mixed over their predictors.

    ``mu`` and ``weight`` have a row for each row and a column for each node.
    """

    family: Family
    scale: float
    mu: Array
    weight: Array
    trials: Array | None
    centre: Array
    spread: Array

    @classmethod
    def of(
        cls,
        source: Observation,
        eta: Array,
        se_eta: Array,
        df: float | None,
        nodes: int,
        trials: Array | None,
    ) -> _Mixture:
        """Return the mixtures of rows."""
        family = source.family
        z = np.linspace(-REACH, REACH, nodes)
        share = np.exp(-0.5 * z * z)
        moved = z if df is None else special.stdtrit(df, special.ndtr(z))
        predictor = eta[:, None] + se_eta[:, None] * moved
        inside = family.eta_domain().contains(predictor)
        weight = np.where(inside, share / share.sum(), 0.0)
        total = weight.sum(axis=1, keepdims=True)
        weight = np.where(total < 1.0 - OUTSIDE, np.nan, weight / total)
        mu = family.link.inverse(np.where(inside, predictor, eta[:, None]))
        centre = family.link.inverse(eta)
        variance = family.variance(centre) * source.scale
        if trials is not None:
            variance = variance / trials
        slope = family.link.inverse_deriv(eta)
        spread = np.sqrt(variance + (slope * se_eta) ** 2)
        return cls(family, source.scale, mu, weight, trials, centre, spread)

    def cdf(self, y: Array) -> Array:
        """Return P(Y <= y) of each row."""
        each = np.broadcast_to(y[:, None], self.mu.shape)
        prior = np.ones_like(self.mu)
        if self.trials is not None:
            each = each / self.trials[:, None]
            prior = prior * self.trials[:, None]
        tails = self.family.tails(each, self.mu, prior, self.scale)
        return np.asarray((tails.at_or_below * self.weight).sum(axis=1))

    def quantile(self, share: float) -> Array:
        """Return the smallest value y of each row with P(Y <= y) >= ``share``."""
        family = self.family
        if family.counts or family.proportions or family.variance_power() == 1.0:
            found = self._whole_quantile(share)
            return found if self.trials is None else found / self.trials
        return self._real_quantile(share)

    def _whole_quantile(self, share: float) -> Array:
        low = np.full(self.centre.size, -1.0)
        if self.trials is None:
            high = np.ceil(self.centre + 4.0 * self.spread) + 1.0
            for _ in range(HALVINGS):
                short = self.cdf(high) < share
                if not short.any():
                    break
                low, high = np.where(short, high, low), np.where(short, 2.0 * high + 1.0, high)
        else:
            high = self.trials.copy()
        while (high - low > 1.0).any():
            middle = np.floor((low + high) / 2.0)
            enough = self.cdf(np.maximum(middle, 0.0)) >= share
            open_ = high - low > 1.0
            high = np.where(enough & open_, middle, high)
            low = np.where(~enough & open_, middle, low)
        return np.where(np.isnan(self.weight[:, 0]), np.nan, high)

    def _real_quantile(self, share: float) -> Array:
        floor = -np.inf if self.family.variance_power() == 0.0 else self.family.mean_domain.low
        low, high = self._bracket(share, floor)
        g_low, g_high = self.cdf(low) - share, self.cdf(high) - share
        at_floor = g_low >= 0.0
        side = np.zeros(low.size)
        for _ in range(HALVINGS):
            wide = (high - low > DIGITS * (np.abs(high) + self.spread)) & ~at_floor
            if not wide.any():
                break
            # false position, with the end that stays put weighed down (Illinois)
            middle = high - g_high * (high - low) / (g_high - g_low)
            middle = np.where((middle > low) & (middle < high), middle, (low + high) / 2.0)
            value = self.cdf(middle) - share
            up = value >= 0.0
            g_low = np.where(up, np.where(side > 0.0, g_low / 2.0, g_low), value)
            g_high = np.where(up, value, np.where(side < 0.0, g_high / 2.0, g_high))
            settled = np.abs(value) <= 1e-13
            low = np.where(settled | ~up, middle, low)
            high = np.where(settled | up, middle, high)
            side = np.where(up, 1.0, -1.0)
        found = np.where(at_floor, low, (low + high) / 2.0)
        return np.where(np.isnan(self.weight[:, 0]), np.nan, found)

    def _bracket(self, share: float, floor: float) -> tuple[Array, Array]:
        """Return values below and above the quantile."""
        low = np.maximum(self.centre - 4.0 * self.spread, floor)
        high = self.centre + 4.0 * self.spread
        for _ in range(HALVINGS):
            # a response that is positive has no distribution function at 0
            probe = np.maximum(low, np.nextafter(floor, np.inf)) if floor > -np.inf else low
            above, below = self.cdf(probe) > share, self.cdf(high) < share
            above &= low > floor
            if not (above | below).any():
                break
            reach = high - low
            low = np.where(above, np.maximum(low - 2.0 * reach, floor), low)
            high = np.where(below, high + 2.0 * reach, high)
        return low, high


def observation_of(family: Family, scale: float, trials: Array | None) -> Observation | None:
    """Return how a new observation varies; None where no distribution says so.

    A quasi-likelihood has none, and neither has a family with a fixed dispersion that was
    replaced by an estimate. For a share the number of trials must be known.
    """
    if family.dispersion is not None and scale != family.dispersion:
        return None
    if family.proportions and trials is None:
        return None
    if trials is not None and (trials != np.round(trials)).any():
        return None
    one = np.ones(1)
    try:
        family.tails(one, np.full(1, 0.5), one, scale)
    except NotAvailableError:
        return None
    return Observation(family, scale, trials)
