"""How well fitted probabilities tell events apart, and whether they are the right size.

``events`` and ``others`` (n,) say how many events and non-events stand behind each fitted
probability, frequencies and trials included; everything is that of the rows written out.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.design.dense import Dense
from glmfit.engine.control import Control
from glmfit.engine.irls import fit_irls
from glmfit.engine.passes import Pass
from glmfit.errors import ArgumentError, DataError, FitError, NotAvailableError
from glmfit.families import Binomial
from glmfit.inference.goodness import (
    GoodnessTest,
    group_table,
    quantile_groups,
    tail_of,
    tie_codes,
    wrapped,
)
from glmfit.inference.tails import critical_value
from glmfit.likelihoods import GLMLikelihood
from glmfit.links import Logit
from glmfit.sources import Rows

__all__ = ["Calibration", "Roc", "calibration", "hand_till", "roc", "spiegelhalter"]

Array = NDArray[np.float64]


# --- discrimination -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Roc:
    """A receiver operating characteristic with the area under it.

    Attributes
    ----------
    auc : float
        Probability that an event has a larger fitted probability than a non-event, ties
        counted half.
    se : float
        Its standard error (DeLong and others 1988); NaN with fewer than two events or
        non-events.
    event : str
        What the event is.
    """

    auc: float
    se: float
    event: str
    score: Array = field(repr=False)
    events: Array = field(repr=False)
    others: Array = field(repr=False)

    def conf_int(self, alpha: float = 0.05) -> tuple[float, float]:
        """Return the ends of DeLong's interval for the area; beyond 0 and 1 they are set there.

        Parameters
        ----------
        alpha : float
            The interval covers ``1 - alpha``.
        """
        reach = critical_value(alpha, None) * self.se
        return max(self.auc - reach, 0.0), min(self.auc + reach, 1.0)

    def to_frame(self) -> pd.DataFrame:
        """Return the curve, from the largest fitted probability down.

        Returns
        -------
        DataFrame
            Columns ``threshold, false_positive_rate, true_positive_rate``: the shares of
            non-events and events with a probability of at least the threshold.
        """
        codes = tie_codes(self.score)
        size = int(codes.max()) + 1
        levels = np.zeros(size)
        levels[codes] = self.score
        ahead = [np.bincount(codes, weights=part)[::-1] for part in (self.others, self.events)]
        false, true = (np.concatenate([[0.0], np.cumsum(part)]) / part.sum() for part in ahead)
        threshold = np.concatenate([[math.inf], levels[::-1]])
        return pd.DataFrame(
            {"threshold": threshold, "false_positive_rate": false, "true_positive_rate": true}
        )

    def test(self, other: Roc) -> GoodnessTest:
        """Test that another model of the same rows has the same area (DeLong's test).

        Parameters
        ----------
        other : Roc
            Of the same rows in the same order.

        Raises
        ------
        DataError
            If the events and non-events are not those of the same rows.
        """
        same = self.events.shape == other.events.shape
        if not (
            same
            and np.array_equal(self.events, other.events)
            and np.array_equal(self.others, other.others)
        ):
            raise DataError(
                "DeLong's test compares two models on the same rows, and these have other events: "
                "fit both to the same data, with the same rows dropped."
            )
        mine, theirs = (placements(roc.score, roc.events, roc.others) for roc in (self, other))
        spread = _delong(
            mine[0] - theirs[0], mine[1] - theirs[1], self.events, self.others,
            self.auc - other.auc,
        )  # fmt: skip
        shift = self.auc - other.auc
        z = shift / spread if spread > 0.0 else math.nan
        note = f"Areas {self.auc:.4f} and {other.auc:.4f}, difference {shift:.4f} ({spread:.4f})."
        return GoodnessTest(
            "DeLong's test", z, None, tail_of(z, "two-sided"), "the two areas are the same", note
        )

    def __str__(self) -> str:
        low, high = self.conf_int()
        return wrapped(
            f"ROC for {self.event}: area {self.auc:.4f}, 95% interval {low:.4f} to {high:.4f} "
            "(DeLong)",
            f"From {self.events.sum():g} events and {self.others.sum():g} others.",
        )

    __repr__ = __str__


def placements(score: Array, events: Array, others: Array) -> tuple[Array, Array]:
    """Return, for each row, the share of non-events below it, and of events above it.

    Ties count half.
    """
    codes = tie_codes(score)
    by_code = [np.bincount(codes, weights=part) for part in (events, others)]
    total_events, total_others = (part.sum() for part in by_code)
    above = total_events - np.cumsum(by_code[0]) + 0.5 * by_code[0]
    below = np.cumsum(by_code[1]) - 0.5 * by_code[1]
    return below[codes] / total_others, above[codes] / total_events


def _delong(first: Array, second: Array, events: Array, others: Array, centre: float) -> float:
    """Return the standard error from placements of events and of non-events."""
    variance = 0.0
    for values, weight in ((first, events), (second, others)):
        total = weight.sum()
        if total <= 1.0:
            return math.nan
        variance += float(np.dot(weight, (values - centre) ** 2)) / (total - 1.0) / total
    return math.sqrt(variance)


def roc(score: Array, events: Array, others: Array, event: str) -> Roc:
    """Return the curve of a score, with DeLong's standard error of its area.

    Parameters
    ----------
    score : ndarray of shape (n,)
        Larger where the event is thought more probable.
    events, others : ndarray of shape (n,)
    event : str
        What it is called.

    References
    ----------
    DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988). Comparing the areas
    under two or more correlated receiver operating characteristic curves. *Biometrics* 44,
    837-845.
    """
    if not (events.sum() > 0.0 and others.sum() > 0.0):
        raise DataError("A ROC curve needs events and non-events.")
    below, above = placements(score, events, others)
    area = float(np.dot(events, below) / events.sum())
    return Roc(area, _delong(below, above, events, others, area), event, score, events, others)


def hand_till(probability: Array, count: Array) -> float:
    """Return Hand and Till's area, the mean over pairs of classes.

    Parameters
    ----------
    probability : ndarray of shape (n, K)
    count : ndarray of shape (n, K)
        How often each class was seen in each row.

    References
    ----------
    Hand, D. J. and Till, R. J. (2001). A simple generalisation of the area under the ROC
    curve for multiple class classification problems. *Machine Learning* 45, 171-186.
    """
    areas = []
    for a, b in itertools.permutations(range(probability.shape[1]), 2):
        used = (count[:, a] > 0.0) | (count[:, b] > 0.0)
        found = roc(probability[used, a], count[used, a], count[used, b], "")
        areas.append(found.auc)
    return float(np.mean(areas))


# --- calibration --------------------------------------------------------------------------


def spiegelhalter(mu: Array, events: Array, others: Array) -> GoodnessTest:
    """Return Spiegelhalter's test of calibration, the Brier score less its expectation.

    References
    ----------
    Spiegelhalter, D. J. (1986). Probabilistic prediction in patient management and clinical
    trials. *Statistics in Medicine* 5, 421-433.
    """
    skew = 1.0 - 2.0 * mu
    variance = float(np.dot(events + others, skew**2 * mu * (1.0 - mu)))
    missed = float(np.dot(events * (1.0 - mu) - others * mu, skew))
    z = missed / math.sqrt(variance) if variance > 0.0 else math.nan
    return GoodnessTest(
        "Spiegelhalter's test",
        z,
        None,
        tail_of(z, "two-sided"),
        "the probabilities are calibrated",
        "The Brier score less its expectation, in standard errors, the probabilities taken as "
        "given: on the rows of the fit, from which they were estimated, it is conservative.",
    )


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """How fitted probabilities compare with what happened.

    Attributes
    ----------
    intercept, slope : float
        Of the outcome on the logit of the fitted probability: 0 and 1 if calibrated; a
        slope below 1 says that the probabilities are too extreme.
    intercept_se, slope_se : float
    in_the_large : float
        Intercept with the slope held at 1: 0 if the mean is right.
    note : str
    table : DataFrame
        The curve: groups of rising probability, with mean probability and share observed.
    """

    intercept: float
    slope: float
    intercept_se: float
    slope_se: float
    in_the_large: float
    note: str
    table: pd.DataFrame = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return the calibration curve: groups, mean probability and share observed."""
        return self.table

    def __str__(self) -> str:
        return wrapped(
            f"Calibration intercept {self.intercept:.4f} ({self.intercept_se:.4f}), slope "
            f"{self.slope:.4f} ({self.slope_se:.4f}), in the large {self.in_the_large:.4f}",
            self.note,
        )

    __repr__ = __str__


def calibration(
    mu: Array, events: Array, others: Array, n_groups: int, *, apparent: bool
) -> Calibration:
    """Return calibration intercept, slope and curve.

    Parameters
    ----------
    mu : ndarray of shape (n,)
    events, others : ndarray of shape (n,)
    n_groups : int
        Groups of the curve.
    apparent : bool
        Whether the rows are those of the fit.

    References
    ----------
    Cox, D. R. (1958). Two further applications of a model for binary regression.
    *Biometrika* 45, 562-565.
    Van Calster, B. and others (2016). A calibration hierarchy for risk models was defined.
    *Journal of Clinical Epidemiology* 74, 167-176.
    """
    if not ((mu > 0.0) & (mu < 1.0)).all():
        raise NotAvailableError(
            "Some fitted probabilities are 0 or 1, which have no logit, so there is no "
            "calibration slope. brier() and roc() need none."
        )
    count = events + others
    moved = Logit().link(mu)
    found = _recalibrated(np.column_stack([np.ones_like(mu), moved]), events / count, count, None)
    large = _recalibrated(np.ones((mu.size, 1)), events / count, count, moved)
    (intercept, slope), error = found[0], np.sqrt(np.diag(found[1]))
    note = "A line on the logit scale; 0 and 1 say that the probabilities are right."
    if apparent:
        note += (
            " These are the rows of the fit: a logit model has 0 and 1 here by construction. "
            "Give new data to learn something."
        )
    table = group_table(mu, events, count, quantile_groups(mu, count, n_groups))
    table = table.assign(se_observed=np.sqrt(_share_variance(table)))
    return Calibration(
        float(intercept), float(slope), float(error[0]), float(error[1]), float(large[0][0]),
        note, table,
    )  # fmt: skip


def _share_variance(table: pd.DataFrame) -> pd.Series:
    share: pd.Series = table["share_observed"]
    return share * (1.0 - share) / table["count"]


def _recalibrated(
    columns: Array, share: Array, count: Array, offset: Array | None
) -> tuple[Array, Array]:
    run = Pass(Rows(share, Dense(columns), offset, count), GLMLikelihood(Binomial()), Control())
    found = fit_irls(run, np.eye(columns.shape[1])[-1] * (offset is None), run.control)
    if not found.converged:
        raise FitError(
            "The calibration line has no finite estimates: the fitted probabilities separate "
            f"events from non-events ({found.reason})."
        )
    return found.theta, found.covariance


def positive_groups(n_groups: object) -> int:
    """Return a number of groups of at least 3, or raise."""
    if isinstance(n_groups, bool) or not isinstance(n_groups, int) or n_groups < 3:
        raise ArgumentError(f"n_groups must be a whole number of at least 3 (got {n_groups!r}).")
    return n_groups
