"""Linear hypotheses on coefficients: Wald, likelihood-ratio and score statistics.

With estimates theta, covariance V and restrictions R theta = q,

    Wald                (R theta - q)' (R V R')^-1 (R theta - q),
    likelihood ratio    deviance under the restrictions less deviance, over the dispersion,
    score (Rao)         u' I^-1 u over the dispersion, at the restricted maximum,

where u is the score of the larger model and I its expected information there.

References
----------
Rao, C. R. (1948). Large sample tests of statistical hypotheses concerning several
parameters. *Proc. Cambridge Phil. Soc.* 44, 50-57.
McCullagh, P. and Nelder, J. A. (1989). *Generalized Linear Models*, 2nd ed., app. A.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.irls import ILL_CONDITIONED, Scorable, Solution
from glmfit.engine.linalg import cholesky
from glmfit.engine.restricted import Restricted, fit_restricted
from glmfit.errors import ArgumentError, ArgumentTypeError
from glmfit.formula.constraints import parse_constraint

__all__ = [
    "Hypothesis",
    "Maximum",
    "Vocabulary",
    "independent",
    "per_dispersion",
    "read_hypothesis",
    "score_statistic",
    "wald_statistic",
]

Array = NDArray[np.float64]
Positions = NDArray[np.intp]

DEPENDENT = 1e-10
"""Length of what other rows leave of a restriction, as a share of its own, that is none."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a user may write for the coefficients of a model.

    Attributes
    ----------
    names : tuple of str
        A name for each of the P coefficients, as results show them.
    meaning : dict of str to ndarray of int
        For each word the positions of the coefficients that it stands for: one, or
        several where it is a term, or a column with a coefficient for each level.
    """

    names: tuple[str, ...]
    meaning: dict[str, Positions]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Restrictions matrix theta = value.

    Attributes
    ----------
    matrix : ndarray of shape (r, P)
    value : ndarray of shape (r,)
    names : tuple of str
        Names of the P coefficients.
    """

    matrix: Array
    value: Array
    names: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the restrictions as text, such as ``age - income = 0``."""
        lines = zip(self.matrix, self.value, strict=True)
        return tuple(f"{_sum(line, self.names)} = {value:g}" for line, value in lines)


def _sum(line: Array, names: tuple[str, ...]) -> str:
    pieces = []
    for j in np.flatnonzero(line):
        size = abs(line[j])
        factor = "" if size == 1.0 else f"{size:.6g}*"
        pieces.append(("-" if line[j] < 0 else "+", f"{factor}{names[j]}"))
    if not pieces:
        return "0"
    first = ("-" if pieces[0][0] == "-" else "") + pieces[0][1]
    return first + "".join(f" {sign} {text}" for sign, text in pieces[1:])


# -- reading -------------------------------------------------------------------------------


def read_hypothesis(given: Any, vocabulary: Vocabulary) -> Hypothesis:
    """Return the hypothesis that a user means.

    Parameters
    ----------
    given : str, list of str, mapping, array_like of shape (r, P) or (P,), or tuple
        Text in patsy's language, ``{name: value}``, restrictions that are set to 0, or
        ``(R, q)``.
    vocabulary : Vocabulary

    Raises
    ------
    ArgumentError
        If it is no linear hypothesis about these coefficients.
    """
    if isinstance(given, Hypothesis):
        return given
    if isinstance(given, str) or _all_text(given):
        return _from_text(given, vocabulary)
    if isinstance(given, Mapping):
        parts = [_from_text(str(name), vocabulary) for name in given]
        values = [np.full(p.value.size, v) for p, v in zip(parts, given.values(), strict=True)]
        matrix = np.vstack([part.matrix for part in parts])
        return Hypothesis(matrix, np.concatenate(values), vocabulary.names)
    matrix, value = given if _is_pair(given) else (given, 0.0)
    return _from_arrays(matrix, value, vocabulary)


def _all_text(given: Any) -> bool:
    sequence = isinstance(given, Sequence) and len(given) > 0
    return sequence and all(isinstance(item, str) for item in given)


def _is_pair(given: Any) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and np.ndim(given[0]) in (1, 2)


def _from_arrays(matrix: Any, value: Any, vocabulary: Vocabulary) -> Hypothesis:
    count = len(vocabulary.names)
    try:
        rows = np.atleast_2d(np.asarray(matrix, dtype=float))
        constants = np.asarray(value, dtype=float).ravel()
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(
            f"A hypothesis is text, a matrix of numbers or a tuple (R, q) ({error})."
        ) from error
    if rows.ndim != 2 or rows.shape[1] != count:
        raise ArgumentError(
            f"The hypothesis has {rows.shape[-1]} columns; the model has {count} coefficients: "
            f"{', '.join(vocabulary.names[:8])}{', ...' if count > 8 else ''}."
        )
    if constants.size not in (1, rows.shape[0]):
        raise ArgumentError(
            f"The hypothesis has {rows.shape[0]} rows and {constants.size} values on its right."
        )
    if not (np.isfinite(rows).all() and np.isfinite(constants).all()):
        raise ArgumentError("The hypothesis has numbers that are missing or infinite.")
    empty = ~rows.any(axis=1)
    if empty.any():
        raise ArgumentError(f"Row {int(np.argmax(empty))} of the hypothesis is all zeros.")
    return Hypothesis(rows, np.broadcast_to(constants, rows.shape[:1]).copy(), vocabulary.names)


def _from_text(text: str | Sequence[str], vocabulary: Vocabulary) -> Hypothesis:
    words = tuple(vocabulary.meaning)
    found = parse_constraint(text, words)
    lines, values = [], []
    for coefficients, value in zip(found.matrix, found.value, strict=True):
        used = {words[j]: coefficients[j] for j in np.flatnonzero(coefficients)}
        block = _spread(used, vocabulary)
        lines.append(block)
        values.append(np.full(block.shape[0], value))
    return Hypothesis(np.vstack(lines), np.concatenate(values) + 0.0, vocabulary.names)


def _spread(used: Mapping[str, float], vocabulary: Vocabulary) -> Array:
    """Return a row for each coefficient that the words stand for."""
    sizes = {word: vocabulary.meaning[word].size for word in used}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{word} for {size}" for word, size in sizes.items())
        raise ArgumentError(
            f"These stand for different numbers of coefficients ({told}), so they cannot be "
            "put into one equation; name single coefficients."
        )
    out = np.zeros((next(iter(sizes.values())), len(vocabulary.names)))
    for word, coefficient in used.items():
        out[np.arange(out.shape[0]), vocabulary.meaning[word]] += coefficient
    return out


def independent(hypothesis: Hypothesis) -> Hypothesis:
    """Return the restrictions without those that follow from the ones before.

    Raises
    ------
    ArgumentError
        If restrictions contradict one another.
    """
    kept: list[int] = []
    for i, line in enumerate(hypothesis.matrix):
        size = float(np.linalg.norm(line))
        before = hypothesis.matrix[kept]
        weights, *_ = np.linalg.lstsq(before.T, line, rcond=None) if kept else (np.zeros(0),)
        if np.linalg.norm(line - weights @ before) > DEPENDENT * size:
            kept.append(i)
            continue
        gap = hypothesis.value[i] - float(weights @ hypothesis.value[kept])
        if abs(gap) > DEPENDENT * (1.0 + abs(hypothesis.value[i])):
            raise ArgumentError(
                f"The restriction {hypothesis.labels[i]} contradicts those before it."
            )
    return Hypothesis(hypothesis.matrix[kept], hypothesis.value[kept], hypothesis.names)


# -- statistics ----------------------------------------------------------------------------


def wald_statistic(shift: Array, spread: Array) -> tuple[float, int]:
    """Return shift' spread^- shift and the rank of ``spread``.

    Parameters
    ----------
    shift : ndarray of shape (r,)
        R theta - q.
    spread : ndarray of shape (r, r)
        R V R'. Where it is singular (a robust covariance of few clusters), statistic and
        degrees of freedom are those of the combinations that have a variance.
    """
    if not (np.isfinite(spread).all() and np.isfinite(shift).all()):
        return math.nan, shift.size
    size = np.sqrt(np.diag(spread))
    size = np.where(size > 0.0, size, 1.0)
    values, vectors = np.linalg.eigh(spread / np.outer(size, size))
    used = values > 1e-12 * max(float(values[-1]), 0.0)
    turned = vectors[:, used].T @ (shift / size)
    return float(np.sum(turned**2 / values[used])), int(used.sum())


def per_dispersion(statistic: float, dispersion: float) -> float:
    """Return a statistic over the dispersion; infinite where a perfect fit leaves none."""
    if dispersion == 0.0:
        return math.inf if statistic > 0.0 else math.nan
    return statistic / dispersion


def score_statistic(run: Scorable, theta: Array) -> float:
    """Return u' I^-1 u at ``theta``, dispersion left out.

    Parameters
    ----------
    run : Scorable
    theta : ndarray of shape (P,)
    """
    stats = run(theta)
    if not stats.finite:
        return math.nan
    factor = cholesky(stats.information)
    if factor is not None and factor.smallest_pivot >= ILL_CONDITIONED:
        return float(stats.score @ factor.solve(stats.score))
    with np.errstate(invalid="ignore"):
        length = np.sqrt(np.diag(stats.information))
    triangle = run.triangle(theta, length) if (length > 0.0).all() else None
    if triangle is None or triangle.smallest_pivot < np.finfo(float).eps:
        return math.nan
    turned = run.rotated(theta, triangle, observed=False)
    inner = cholesky(turned.information) if turned.finite else None
    return math.nan if inner is None else float(turned.score @ inner.solve(turned.score))


@dataclass(frozen=True, slots=True)
class Maximum:
    """The maximum (or supremum) of a likelihood, with which restrictions are compared.

    Attributes
    ----------
    run : Scorable
        Over the q coefficients that are not aliased.
    theta : ndarray of shape (q,)
        Where restricted fits start; the maximum, where it is finite.
    deviance : float
        At the maximum.
    dispersion : float
        Of the model, by which deviances are divided.
    control : Control
    supremum : bool
        Whether the data are separated, so that restricted fits may run to infinity too:
        they end where their deviance has settled.
    """

    run: Scorable
    theta: Array
    deviance: float
    dispersion: float
    control: Control
    supremum: bool = False

    def restricted(self, matrix: Array, value: Array, start: Array | None = None) -> Solution:
        """Return the maximum under matrix theta = value."""
        near = self.theta if start is None else start
        return fit_restricted(self.run, matrix, value, near, self.control, supremum=self.supremum)

    def lost(self, solution: Solution) -> float:
        """Return what a restricted fit loses: the scaled difference of deviances."""
        return per_dispersion(max(solution.deviance - self.deviance, 0.0), self.dispersion)

    def score(self, solution: Solution, basis: Array | None = None) -> float:
        """Return the score statistic of a restricted fit.

        Parameters
        ----------
        solution : Solution
        basis : ndarray of shape (q, s), optional
            Directions in which the larger model may move; all by default.
        """
        if basis is None:
            return per_dispersion(score_statistic(self.run, solution.theta), self.dispersion)
        larger = Restricted(self.run, solution.theta, basis)
        return per_dispersion(score_statistic(larger, np.zeros(basis.shape[1])), self.dispersion)
