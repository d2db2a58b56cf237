"""How good predicted classes and probabilities are, against the classes that were observed.

Observations come as counts of shape (n, K): how often row i was seen in class k. A row with
frequency 3 so counts as three rows, and counts of trials as that many observations.

References
----------
Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. *Monthly
Weather Review* 78, 1-3.
Sokolova, M. and Lapalme, G. (2009). A systematic analysis of performance measures for
classification tasks. *Information Processing & Management* 45, 427-437.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "Average",
    "ClassMeans",
    "ClassScores",
    "brier",
    "class_scores",
    "confusion",
    "log_loss",
    "predicted_classes",
    "recalled",
]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
Average: TypeAlias = Literal["micro", "macro", "weighted"]


def predicted_classes(probability: Array, threshold: float = 0.5) -> Codes:
    """Return the class that is predicted for each row, shape (n,).

    Parameters
    ----------
    probability : ndarray of shape (n, K)
        Of each class. The most probable one is predicted, the first of equal ones.
    threshold : float
        Of two classes, the second is predicted where its probability exceeds this.
    """
    if probability.shape[1] == 2:
        return np.asarray(probability[:, 1] > threshold, dtype=np.intp)
    return np.asarray(probability.argmax(axis=1), dtype=np.intp)


def confusion(counts: Array, predicted: Codes) -> Array:
    """Return how often each class was observed (rows) and predicted (columns), shape (K, K)."""
    n_classes = counts.shape[1]
    return np.vstack(
        [np.bincount(predicted, weights=seen, minlength=n_classes) for seen in counts.T]
    )


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """Precision, recall and F1 of some classes.

    Attributes
    ----------
    hits : ndarray of shape (k,)
        Observations of each class that were predicted as such.
    predicted : ndarray of shape (k,)
        Observations that were predicted as each class.
    support : ndarray of shape (k,)
        Observations of each class.
    zero_division : float
        What 0/0 counts as; NaN leaves it out of averages.
    """

    hits: Array
    predicted: Array
    support: Array
    zero_division: float = 0.0

    @property
    def precision(self) -> Array:
        """Share of the predictions of a class that are right."""
        return self._ratio(self.hits, self.predicted)

    @property
    def recall(self) -> Array:
        """Share of the observations of a class that were found."""
        return self._ratio(self.hits, self.support)

    @property
    def f1(self) -> Array:
        """Harmonic mean of precision and recall, 2 hits / (predicted + support)."""
        return self._ratio(2.0 * self.hits, self.support + self.predicted)

    def _ratio(self, part: Array, whole: Array) -> Array:
        undefined = np.full_like(part, self.zero_division)
        return np.asarray(np.divide(part, whole, out=undefined, where=whole != 0.0))

    def columns(self) -> Array:
        """Return precision, recall and F1, shape (k, 3)."""
        return np.column_stack([self.precision, self.recall, self.f1])

    def averaged(self, how: Average) -> Array:
        """Return precision, recall and F1 averaged over the classes, shape (3,).

        Parameters
        ----------
        how : {"micro", "macro", "weighted"}
            All observations of the classes pooled, the plain mean over classes, or the
            mean weighted by support.
        """
        if how == "micro":
            pooled = replace(
                self,
                hits=self.hits.sum(keepdims=True),
                predicted=self.predicted.sum(keepdims=True),
                support=self.support.sum(keepdims=True),
            )
            return pooled.columns().ravel()
        weight = np.ones_like(self.support) if how == "macro" else self.support
        return np.array([_mean(column, weight) for column in self.columns().T])


def class_scores(table: Array, classes: Codes, zero_division: float = 0.0) -> ClassScores:
    """Return the scores of some classes from a confusion matrix of all, shape (K, K)."""
    hits, predicted, support = np.diag(table), table.sum(axis=0), table.sum(axis=1)
    return ClassScores(hits[classes], predicted[classes], support[classes], zero_division)


def _mean(values: Array, weight: Array) -> float:
    """Return the weighted mean of what is defined; the plain one where all weights are 0."""
    known = ~np.isnan(values)
    if not known.any():
        return float("nan")
    values, weight = values[known], weight[known]
    return float(np.average(values, weights=weight if weight.any() else None))


@dataclass(frozen=True, slots=True, eq=False)
class ClassMeans:
    """A score of single observations, summed over the observations of each class.

    Attributes
    ----------
    totals : ndarray of shape (K,)
    support : ndarray of shape (K,)
        Number of observations of each class.
    """

    totals: Array
    support: Array

    @property
    def by_class(self) -> Array:
        """The mean over the observations of each class; NaN where there are none."""
        nothing = np.full_like(self.totals, np.nan)
        return np.divide(self.totals, self.support, out=nothing, where=self.support > 0.0)

    def averaged(self, how: Average) -> float:
        """Return the mean over all observations, or over the means of classes ("macro")."""
        if how == "macro":
            return _mean(self.by_class, np.ones_like(self.support))
        return float(self.totals.sum() / self.support.sum())


def recalled(counts: Array, predicted: Codes) -> ClassMeans:
    """Return the share of observations whose class was predicted."""
    table = confusion(counts, predicted)
    return ClassMeans(np.diag(table), table.sum(axis=1))


def log_loss(counts: Array, probability: Array) -> ClassMeans:
    """Return minus the log-probability of the class that was observed.

    Parameters
    ----------
    counts, probability : ndarray of shape (n, K)

    Returns
    -------
    ClassMeans
        Infinite where an observed class had probability 0.
    """
    # xlogy has 0 log 0 = 0: a class that was not seen costs nothing
    return ClassMeans(-special.xlogy(counts, probability).sum(axis=0), counts.sum(axis=0))


def brier(counts: Array, probability: Array) -> ClassMeans:
    """Return squared distances between probabilities and the class that was observed.

    An observation of class k has sum_j (1[j = k] - p_j)^2, and half of it where there are two
    classes, so that it is (y - p)^2.
    """
    squares = probability**2
    others = squares.sum(axis=1, keepdims=True) - squares
    distance = (1.0 - probability) ** 2 + others
    if probability.shape[1] == 2:
        distance = 0.5 * distance
    return ClassMeans((counts * distance).sum(axis=0), counts.sum(axis=0))
