"""Distribution functions with both tails, as functions of arrays of shape (n,).

Each tail is computed by itself, never as 1 less the other, so that a response far out on
either side keeps its digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.errors import NotAvailableError

__all__ = [
    "Tails",
    "beta_tail",
    "compound_tails",
    "continuous_tails",
    "lattice_tails",
    "scipy_stats",
    "whole",
]

Array = NDArray[np.float64]

WHOLE = 1e-9
"""Distance from a whole number, as a share of it, that is rounding."""


class Tails(NamedTuple):
    """Probabilities on either side of a value; arrays of shape (n,).

    For a continuous distribution the first two are one, and the last two; where the value
    itself has a probability they differ by it.
    """

    below: Array
    """P(Y < y)."""
    at_or_below: Array
    """P(Y <= y)."""
    at_or_above: Array
    """P(Y >= y)."""
    above: Array
    """P(Y > y)."""

    def normal_scores(self, uniform: Array) -> Array:
        """Return the normal quantile of a point between P(Y < y) and P(Y <= y).

        Parameters
        ----------
        uniform : ndarray of shape (n,)
            Where between the two the point lies, from 0 to 1.
        """
        low = self.below + uniform * (self.at_or_below - self.below)
        high = self.above + (1.0 - uniform) * (self.at_or_above - self.above)
        return np.where(low < high, special.ndtri(low), -special.ndtri(high))


def scipy_stats() -> Any:
    """Return `scipy.stats`, which takes longer to import than glmfit and which few need."""
    from scipy import stats

    return stats


def continuous_tails(lower: Array, upper: Array) -> Tails:
    """Return the tails where no value has a probability of its own."""
    return Tails(lower, lower, upper, upper)


def lattice_tails(
    count: Array, lower: Callable[[Array], Array], upper: Callable[[Array], Array]
) -> Tails:
    """Return the tails about whole numbers from 0, from P(K <= k) and P(K > k)."""
    inside = count > 0.0
    before = np.maximum(count - 1.0, 0.0)
    return Tails(
        below=np.where(inside, lower(before), 0.0),
        at_or_below=lower(count),
        at_or_above=np.where(inside, upper(before), 1.0),
        above=upper(count),
    )


def beta_tail(a: Array, b: Array, x: Array) -> Array:
    """Return the regularised incomplete beta function I_x(a, b); 1 at a = 0 and 0 at b = 0."""
    regular = special.betainc(np.where(a > 0.0, a, 1.0), np.where(b > 0.0, b, 1.0), x)
    return np.where(a > 0.0, np.where(b > 0.0, regular, 0.0), 1.0)


def whole(values: Array, what: str, family: str) -> Array:
    """Return numbers that are whole but for rounding, or raise `NotAvailableError`."""
    rounded = np.round(values)
    bad = np.abs(values - rounded) > WHOLE * np.maximum(rounded, 1.0)
    if bad.any():
        first = int(np.argmax(bad))
        raise NotAvailableError(
            f"The {family} distribution is one of whole numbers, and {int(bad.sum())} of "
            f"{values.size} rows have {what} that are not whole (the first is "
            f"{values.flat[first]:g}, observation {first}): no distribution is known for them. "
            "Deviance residuals (resid_deviance) need none."
        )
    return rounded


def compound_tails(y: Array, mu: Array, phi: Array, power: float) -> Tails:
    """Return the tails of a Tweedie distribution with 1 < power < 2.

    It is the sum of a Poisson number of gamma variables. Given j of them the sum is gamma
    with shape j alpha, so both tails are mixtures over j.

    References
    ----------
    Dunn, P. K. and Smyth, G. K. (2005). Series evaluation of Tweedie exponential
    dispersion model densities. *Statistics and Computing* 15, 267-280, eq. 1.
    """
    rate = np.power(mu, 2.0 - power) / (phi * (2.0 - power))
    shape = (2.0 - power) / (power - 1.0)
    scaled = y / (phi * (power - 1.0) * np.power(mu, power - 1.0))
    # what is not negligible lies between the usual number of events and the one that y asks
    # for, or within nine standard deviations of either
    reach = 9.0 * (np.sqrt(rate) + np.sqrt(scaled) / shape) + 20.0 + 20.0 / shape
    first = np.maximum(np.floor(np.minimum(rate, scaled / shape) - reach), 1.0)
    last = np.ceil(np.maximum(rate, scaled / shape) + reach)
    # beyond e^2 times the rate, log P(j) is below -j, and below -745 it underflows
    last = np.minimum(last, np.maximum(7.4 * rate, 745.0))
    lower, upper = np.exp(-rate), np.zeros_like(rate)
    known = np.isfinite(rate) & np.isfinite(scaled)
    lower, upper = np.where(known, lower, np.nan), np.where(known, upper, np.nan)
    active = np.nonzero(known)
    for step in range(int((last - first)[active].max(initial=-1.0)) + 1):
        # rows far out need many more terms than the others
        on = first[active] + step <= last[active]
        active = tuple(axis[on] for axis in active)
        j, own = first[active] + step, rate[active]
        mass = np.exp(special.xlogy(j, own) - own - special.gammaln(j + 1.0))
        lower[active] += mass * special.gammainc(j * shape, scaled[active])
        upper[active] += mass * special.gammaincc(j * shape, scaled[active])
    zero = y == 0.0
    return Tails(
        below=np.where(zero, 0.0, lower),
        at_or_below=lower,
        at_or_above=np.where(zero, 1.0, upper),
        above=np.where(zero, -np.expm1(-rate), upper),
    )
