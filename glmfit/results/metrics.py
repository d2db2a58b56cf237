"""Looking at predictions: confusion matrix, report and scores of models of classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    DataError,
    DataWarning,
    require_number,
    suggest,
    warn,
)
from glmfit.inference import metrics
from glmfit.inference.metrics import Average, ClassMeans, ClassScores
from glmfit.results.confusion import ClassificationReport, ConfusionMatrix
from glmfit.results.record import FitRecord

__all__ = ["PredictionMetrics"]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Share:
    """What a confusion matrix is divided by: its sums over an axis, and these in words."""

    axis: int | None
    whole: str


SHARES = {
    "true": _Share(1, "each observed class"),
    "pred": _Share(0, "each predicted class"),
    "all": _Share(None, "all observations"),
}


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """Rows whose class was observed and whose probabilities are known."""

    counts: Array
    probability: Array
    levels: tuple[str, ...]


class PredictionMetrics:
    """Predicted classes and probabilities against those observed, for models of classes.

    Every method takes new data, or none for the rows of the fit. Frequencies
    (``freq_weights``) and trials count as repeated rows; precision weights
    (``var_weights``) count for nothing, as they say nothing of how often a row was seen.
    Rows with a missing value are left out, with a warning.
    """

    model: Any
    record: FitRecord

    row_options: ClassVar[tuple[str, ...]] = ("offset", "freq_weights", "new_levels")
    """What may be said of new rows."""

    def confusion_matrix(
        self,
        data: Any = None,
        y: Any = None,
        *,
        threshold: float | None = None,
        normalize: str | None = None,
        labels: Any = None,
        **options: Any,
    ) -> ConfusionMatrix:
        """Return how often each class was observed and predicted.

        Parameters
        ----------
        data : DataFrame, dict or ndarray, optional
            New rows: for a formula, with the response among the columns; for a model of
            arrays, predictors of shape (n, p). The rows of the fit by default.
        y : array_like of shape (n,), optional
            The classes of new rows, where ``data`` does not hold them; counts of trials
            as in the fit.
        threshold : float, optional
            Of two classes, the event (the last level) is predicted where its probability
            exceeds this; 0.5 by default. Of more, the most probable one is.
        normalize : {"true", "pred", "all"}, optional
            Show shares of the rows, of the columns or of all.
        labels : list of levels, optional
            Which levels to show, in which order.
        **options
            For new rows: ``offset``, ``exposure`` and ``new_levels`` as in ``predict``,
            ``freq_weights`` and, for proportions, ``trials`` (a column's name or values).
            The frequencies of the fit are not remembered: each new row counts once.

        Returns
        -------
        ConfusionMatrix
            Prints; ``to_frame()`` gives the numbers.

        Examples
        --------
        >>> import glmfit as gf
        >>> housing = gf.datasets.load("housing")
        >>> fit = gf.mnlogit("sat ~ infl + type + cont", housing, freq_weights="freq").fit()
        >>> fit.confusion_matrix().to_frame()
        predicted  Low  Medium  High
        observed
        Low        337      20   210
        Medium     197      23   226
        High       184      20   464
        """
        judged = self._judged(data, y, options)
        notes = [_rule(judged, threshold)]
        chosen = _positions(judged, labels)
        table = _table(judged, threshold)[np.ix_(chosen, chosen)]
        if normalize is not None:
            table = _shares(table, normalize)
            notes.append(f"Shares of {SHARES[normalize].whole}.")
        levels = tuple(judged.levels[k] for k in chosen)
        return ConfusionMatrix(table, levels, self.model.endog_names, tuple(notes))

    def classification_report(
        self,
        data: Any = None,
        y: Any = None,
        *,
        threshold: float | None = None,
        labels: Any = None,
        digits: int = 2,
        zero_division: Any = "warn",
        **options: Any,
    ) -> ClassificationReport:
        """Return precision, recall, F1 and support of each class, and their averages.

        Precision is the share of the predictions of a class that are right, recall the
        share of its observations that were found, F1 their harmonic mean. The averages are
        the accuracy (the micro average of all classes), the plain mean over classes
        ("macro") and the mean weighted by support.

        Parameters
        ----------
        data, y, threshold, **options
            As in `confusion_matrix`.
        labels : list of levels, optional
            Which levels to show, in which order. If some are left out, the micro average
            of those shown stands in place of the accuracy.
        digits : int
            Decimals to print.
        zero_division : {"warn", 0, 1, nan}
            What 0/0 counts as: the precision of a class that is never predicted, the recall
            of one that does not occur, and F1 if both. 0 with a warning by default; NaN is
            left out of the averages.

        Returns
        -------
        ClassificationReport
            Prints as scikit-learn's does; ``to_frame()`` gives the unrounded numbers.

        Warns
        -----
        DataWarning
            If a class was never predicted, or does not occur.

        Examples
        --------
        >>> import glmfit as gf
        >>> housing = gf.datasets.load("housing")
        >>> fit = gf.mnlogit("sat ~ infl + type + cont", housing, freq_weights="freq").fit()
        >>> print(fit.classification_report())
                      precision    recall  f1-score   support
        <BLANKLINE>
                 Low       0.47      0.59      0.52       567
              Medium       0.37      0.05      0.09       446
                High       0.52      0.69      0.59       668
        <BLANKLINE>
            accuracy                           0.49      1681
           macro avg       0.45      0.45      0.40      1681
        weighted avg       0.46      0.49      0.44      1681
        <BLANKLINE>
        """
        if isinstance(digits, bool) or not isinstance(digits, int) or digits < 0:
            raise ArgumentError(f"digits must be a whole number from 0 (got {digits!r}).")
        value = _zero_division(zero_division)
        judged = self._judged(data, y, options)
        chosen = _positions(judged, labels)
        _rule(judged, threshold)
        scores = metrics.class_scores(_table(judged, threshold), chosen, value)
        levels = tuple(judged.levels[k] for k in chosen)
        if zero_division == "warn":
            _warn_of_zero_division(scores, levels)
        complete = len(levels) == len(judged.levels)
        return ClassificationReport(scores, levels, complete, digits)

    def accuracy(
        self,
        data: Any = None,
        y: Any = None,
        *,
        threshold: float | None = None,
        average: Average | None = "micro",
        **options: Any,
    ) -> Any:
        """Return the share of observations whose class was predicted.

        Parameters
        ----------
        data, y, threshold, **options
            As in `confusion_matrix`.
        average : {"micro", "macro", "weighted", None}
            Over all observations ("micro", and the same "weighted" by support), over the
            classes that occur ("macro": the balanced accuracy), or a value for each class
            (None: its recall; NaN for a class that does not occur).

        Returns
        -------
        float, or Series by level

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> fit = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> round(fit.accuracy(), 4)
        0.8696
        """
        judged = self._judged(data, y, options)
        _rule(judged, threshold)
        predicted = metrics.predicted_classes(judged.probability, _threshold(threshold))
        means = metrics.recalled(judged.counts, predicted)
        return _averaged(means, average, judged, "accuracy")

    def log_loss(
        self, data: Any = None, y: Any = None, *, average: Average | None = "micro", **options: Any
    ) -> Any:
        """Return the mean of minus the log-probability of the class that was observed.

        Infinite where a class was observed that had probability 0 (scikit-learn holds
        probabilities 2.2e-16 off 0 and 1, which makes 36 of it).

        Parameters
        ----------
        data, y, **options
            As in `confusion_matrix`.
        average : {"micro", "macro", "weighted", None}
            Over all observations ("micro", and the same "weighted" by support), over the
            means of the classes that occur ("macro"), or the mean over the observations of
            each class (None).

        Returns
        -------
        float, or Series by level

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> fit = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> round(fit.log_loss(), 6) == round(-fit.llf / fit.nobs, 6)
        True
        """
        judged = self._judged(data, y, options)
        means = metrics.log_loss(judged.counts, judged.probability)
        return _averaged(means, average, judged, "log_loss")

    def brier(
        self, data: Any = None, y: Any = None, *, average: Average | None = "micro", **options: Any
    ) -> Any:
        """Return the Brier score, the mean squared distance of probabilities and outcome.

        An observation of class k counts sum_j (1[j = k] - p_j)^2, from 0 to 2 (Brier 1950);
        of two classes half of it, (y - p)^2, as is usual.

        Parameters
        ----------
        data, y, **options
            As in `confusion_matrix`.
        average : {"micro", "macro", "weighted", None}
            As in `log_loss`.

        Returns
        -------
        float, or Series by level

        References
        ----------
        Brier, G. W. (1950). Verification of forecasts expressed in terms of probability.
        *Monthly Weather Review* 78, 1-3, equation 2.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> fit = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> round(fit.brier(average=None), 4)
        0    0.0596
        1    0.3190
        Name: brier, dtype: float64
        """
        judged = self._judged(data, y, options)
        means = metrics.brier(judged.counts, judged.probability)
        return _averaged(means, average, judged, "brier")

    # -- rows --------------------------------------------------------------------------

    def _class_probabilities(self, data: Any, **options: Any) -> Array:
        """Return the probabilities of all n rows, shape (n, K); NaN where one is missing."""
        raise NotImplementedError(f"{type(self).__name__} does not define _class_probabilities()")

    def _judged(self, data: Any, y: Any, options: dict[str, Any]) -> _Judged:
        """Return what was observed and the probabilities of the rows that have both."""
        levels = tuple(str(level) for level in self.model.levels)
        for name in options:
            if name not in self.row_options:
                raise ArgumentTypeError(
                    f"There is no argument {name!r}.{suggest(name, self.row_options)} "
                    f"New rows may have: {', '.join(self.row_options)}."
                )
        own = {name: options[name] for name in ("freq_weights", "trials") if name in options}
        rest = {name: value for name, value in options.items() if name not in own}
        observed = self.model.observed_classes(data, y, **own)
        probability = self._class_probabilities(data, **rest)
        if len(probability) != observed.kept.size:
            raise AlignmentError(
                f"y has {observed.kept.size} rows, the new data have {len(probability)}."
            )
        known = observed.kept & ~np.isnan(probability).any(axis=1)
        if not known.any():
            raise DataError("No row has both an observed class and a prediction.")
        # of the rows of the fit, those with a missing value were told of when it was made
        lost = ~known if data is not None else observed.kept & ~known
        if lost.any():
            warn(
                f"{int(lost.sum())} of {lost.size} rows have no observed class or no "
                "prediction, and are left out.",
                DataWarning,
            )
        return _Judged(observed.counts[known[observed.kept]], probability[known], levels)


def _threshold(threshold: float | None) -> float:
    return 0.5 if threshold is None else threshold


def _rule(judged: _Judged, threshold: float | None) -> str:
    """Say how a class is predicted, or raise if the threshold has no meaning."""
    if len(judged.levels) == 2:
        cut = require_number(_threshold(threshold), "threshold")
        if not 0.0 <= cut <= 1.0:
            raise ArgumentError(f"threshold must lie between 0 and 1 (got {threshold!r}).")
        return f"{judged.levels[1]} is predicted where its probability exceeds {cut:g}."
    if threshold is not None:
        raise ArgumentError(
            f"threshold= is for two classes; with {len(judged.levels)} the most probable one is "
            "predicted."
        )
    return "The most probable class of each row is predicted."


def _table(judged: _Judged, threshold: float | None) -> Array:
    predicted = metrics.predicted_classes(judged.probability, _threshold(threshold))
    return metrics.confusion(judged.counts, predicted)


def _positions(judged: _Judged, labels: Any) -> Codes:
    """Return the levels that are to be shown, by position."""
    if labels is None:
        return np.arange(len(judged.levels))
    if isinstance(labels, str):
        raise ArgumentTypeError(f"labels is a list of levels (got {labels!r}).")
    wanted = [str(label) for label in labels]
    for label in wanted:
        if label not in judged.levels:
            raise ArgumentError(
                f"There is no level {label!r}.{suggest(label, judged.levels)} "
                f"The levels are {', '.join(judged.levels)}."
            )
    if not wanted or len(set(wanted)) < len(wanted):
        raise ArgumentError("labels must name one level or more, each once.")
    return np.array([judged.levels.index(label) for label in wanted], dtype=np.intp)


def _shares(table: Array, normalize: str) -> Array:
    """Return shares of rows, columns or all; 0 where there is nothing to divide."""
    if normalize not in SHARES:
        raise ArgumentError(f"normalize must be one of {', '.join(SHARES)} (got {normalize!r}).")
    total = np.broadcast_to(table.sum(axis=SHARES[normalize].axis, keepdims=True), table.shape)
    shares: Array = np.divide(table, total, out=np.zeros_like(table), where=total > 0.0)
    return shares


def _zero_division(given: Any) -> float:
    if isinstance(given, str) and given == "warn":
        return 0.0
    value = require_number(given, "zero_division")
    if not (value in (0.0, 1.0) or math.isnan(value)):
        raise ArgumentError(f"zero_division must be 'warn', 0, 1 or nan (got {given!r}).")
    return value


def _warn_of_zero_division(scores: ClassScores, levels: tuple[str, ...]) -> None:
    for what, whole, said in (
        ("precision", scores.predicted, "predicted for no row"),
        ("recall", scores.support, "observed in no row"),
    ):
        empty = [level for level, count in zip(levels, whole, strict=True) if count == 0.0]
        if empty:
            verb = "is" if len(empty) == 1 else "are"
            warn(
                f"{', '.join(map(repr, empty))} {verb} {said}, so the {what} is 0/0; it counts as "
                "0. zero_division= sets another value, and ends this warning.",
                DataWarning,
            )


def _averaged(means: ClassMeans, average: Any, judged: _Judged, name: str) -> Any:
    if average is None:
        return pd.Series(means.by_class, index=list(judged.levels), name=name)
    if average not in get_args(Average):
        known = ", ".join(get_args(Average))
        raise ArgumentError(f"average must be one of {known}, or None (got {average!r}).")
    return means.averaged(average)
