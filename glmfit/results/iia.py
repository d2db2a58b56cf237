"""Tests of the independence of irrelevant alternatives, as a multinomial logit offers them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError, suggest
from glmfit.inference import iia
from glmfit.inference.tails import chi2_sf
from glmfit.output import Column, Row, Summary, Table
from glmfit.results.record import FitRecord

__all__ = ["IIATest", "IIATests"]

Array = NDArray[np.float64]

METHODS = {"hausman": "Hausman-McFadden", "small-hsiao": "Small-Hsiao"}

HYPOTHESIS = "H0: the odds between the other levels do not depend on the omitted level (IIA)."
NEGATIVE = (
    "A negative statistic has no p-value: the difference of the covariances is not positive "
    "definite in this sample, as it is in large ones. Hausman and McFadden (1984, p. 1226) take it "
    "for evidence that IIA holds."
)
INDEFINITE = (
    "(*) The difference of the covariances is not positive definite in this sample, so that the "
    "chi-square distribution is doubtful."
)


@dataclass(frozen=True, slots=True)
class IIALine:
    """The test for one omitted level.

    Attributes
    ----------
    omitted : str
    statistic, pvalue : float
        NaN where there are none.
    df : int
    definite : bool
        Whether the difference of covariances is positive definite.
    problem : str or None
        Why there is no statistic, in words.
    """

    omitted: str
    statistic: float
    df: int
    pvalue: float
    definite: bool = True
    problem: str | None = None

    @property
    def conclusion(self) -> str:
        """What the test says, at the level 0.05."""
        if self.problem is not None:
            return self.problem
        if self.statistic < 0.0:
            return "negative: not rejected"
        mark = "" if self.definite else " (*)"
        return ("rejected" if self.pvalue < 0.05 else "not rejected") + mark


@dataclass(frozen=True, slots=True, repr=False)
class IIATest:
    """Tests of IIA, a line for each omitted level.

    Prints as text and shows as HTML in a notebook.

    Attributes
    ----------
    method : str
        "hausman" or "small-hsiao".
    lines : tuple of IIALine
    note : str
        How the sample was split, if it was.
    """

    method: str
    lines: tuple[IIALine, ...]
    note: str = ""

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers, a row for each omitted level.

        Returns
        -------
        DataFrame
            Columns ``statistic, df, pvalue, conclusion``, the last one at the level 0.05. The
            p-value of a negative statistic is NaN.
        """
        index = pd.Index([line.omitted for line in self.lines], name="omitted")
        columns = {
            "statistic": [line.statistic for line in self.lines],
            "df": [line.df for line in self.lines],
            "pvalue": [line.pvalue for line in self.lines],
            "conclusion": [line.conclusion for line in self.lines],
        }
        return pd.DataFrame(columns, index=index)

    def summary(self) -> Summary:
        """Return the tests as a table."""
        columns = (
            Column("chi2", "statistic"),
            Column("df", "integer"),
            Column("P>chi2", "pvalue"),
            Column("IIA, at 0.05", "text"),
        )
        notes = [HYPOTHESIS, self.note]
        notes += [NEGATIVE] if any(line.statistic < 0.0 for line in self.lines) else []
        notes += [INDEFINITE] if any("(*)" in line.conclusion for line in self.lines) else []
        title = f"{METHODS[self.method]} Tests of Independence of Irrelevant Alternatives"
        rows = tuple(_row(line) for line in self.lines)
        return Summary(
            title, tables=(Table(columns, rows),), notes=tuple(note for note in notes if note)
        )

    def __repr__(self) -> str:
        return self.summary().as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()


def _row(line: IIALine) -> Row:
    label = f"without {line.omitted}"
    if line.problem is not None:
        return Row(label, note=line.problem)
    pvalue = None if math.isnan(line.pvalue) else line.pvalue
    return Row(label, (line.statistic, line.df, pvalue, line.conclusion))


class IIATests:
    """The tests of IIA of a multinomial logit."""

    model: Any
    record: FitRecord
    _covariance: Array

    def rebase(self, reference: Any) -> Self:
        """Return the same fit with another level as the reference."""
        raise NotImplementedError(f"{type(self).__name__} does not define rebase()")

    def iia_test(
        self,
        method: str = "hausman",
        omit: Any = None,
        *,
        seed: int = 0,
        split: Any = None,
    ) -> IIATest:
        """Test the independence of irrelevant alternatives.

        A level is omitted, and the model fitted again to the rows of the others. Under IIA
        the coefficients of the others, against one another, are the same.

        Parameters
        ----------
        method : {"hausman", "small-hsiao"}
            Hausman and McFadden's test compares coefficients: H = d' (V_r - V_f)^- d, with
            d = b_r - b_f between the fit without the level and the full one, and chi-square
            with rank(V_r - V_f) degrees of freedom. H can be negative, which is said in
            words. Small and Hsiao's test compares likelihoods on the second of two random
            halves: -2 (l(b) - l(b_r)), with b = b_1 / sqrt(2) + (1 - 1/sqrt(2)) b_2 from full
            fits to the halves, b_r from the second half without the level, and chi-square
            with as many degrees of freedom as b_r has coefficients.
        omit : level or list of levels, optional
            Levels to omit, one at a time; every level by default, the reference too.
        seed : int
            Of the random halves (Small-Hsiao). Another seed gives another statistic.
        split : str or array_like of bool of shape (n,), optional
            Rows of the first half, in place of random ones (Small-Hsiao).

        Returns
        -------
        IIATest
            Prints; ``to_frame()`` gives the numbers.

        Raises
        ------
        NotAvailableError
            If there are two levels only, or the estimates are not a finite maximum of the
            likelihood.

        Notes
        -----
        Hausman tests rest on the model's own covariances, whatever covariance the results
        show. In samples of usual size both tests often reject a true hypothesis far more, or
        less, often than they should (Cheng and Long 2007).

        References
        ----------
        Hausman, J. and McFadden, D. (1984). Specification tests for the multinomial logit
        model. *Econometrica* 52, 1219-1240.
        Small, K. A. and Hsiao, C. (1985). Multinomial logit specification tests.
        *International Economic Review* 26, 619-627.
        Cheng, S. and Long, J. S. (2007). Testing for IIA in the multinomial logit model.
        *Sociological Methods & Research* 35, 583-600.

        Examples
        --------
        >>> import glmfit as gf
        >>> housing = gf.datasets.load("housing")
        >>> fit = gf.mnlogit("sat ~ infl + type + cont", housing, freq_weights="freq").fit()
        >>> fit.iia_test(omit="Medium").to_frame().round(3)
                 statistic  df  pvalue        conclusion
        omitted
        Medium       0.262   7     1.0  not rejected (*)
        """
        if method not in METHODS:
            known = " or ".join(map(repr, METHODS))
            hint = suggest(str(method), METHODS)
            raise ArgumentError(f"method must be {known} (got {method!r}).{hint}")
        self._check_testable()
        omitted = self._omitted(omit)
        if method == "hausman":
            if split is not None:
                raise ArgumentError("split= is for method='small-hsiao'.")
            return IIATest(method, tuple(self._hausman(level) for level in omitted))
        halves = self._halves(seed, split)
        lines = tuple(_small_hsiao(*halves, level) for level in omitted)
        how = f"at random (seed {seed})" if split is None else "as given by split="
        return IIATest(method, lines, f"The sample was halved {how}.")

    def _check_testable(self) -> None:
        if len(self.model.levels) < 3:
            raise NotAvailableError("IIA is about three levels or more; this model has two.")
        if self.record.bias_reduced is not None:
            raise NotAvailableError(
                "The tests of IIA compare maximum-likelihood fits; this one is bias-reduced."
            )
        if self.record.regularized is not None:
            raise NotAvailableError(
                "The tests of IIA compare maximum-likelihood fits of all columns; in this one "
                "columns are penalised, or left out by a penalty."
            )
        if self.record.separation is not None or not self.record.converged:
            raise NotAvailableError(
                f"The tests of IIA need a finite maximum of the likelihood: {self.record.reason}."
            )

    def _omitted(self, omit: Any) -> list[Any]:
        levels = list(self.model.levels)
        if omit is None:
            return levels
        several = isinstance(omit, Iterable) and not isinstance(omit, str)
        asked = list(omit) if several else [omit]
        for level in asked:
            if level not in levels:
                near = suggest(str(level), map(str, levels))
                raise ArgumentError(
                    f"{level!r} is not a level of {self.model.endog_names}.{near} "
                    f"They are {', '.join(map(repr, levels))}."
                )
        return asked

    def _hausman(self, omitted: Any) -> IIALine:
        small = self.model.without_level(omitted).fit()
        problem = _problem(small, f"the fit without {omitted}")
        if problem is not None:
            return _no_test(omitted, problem)
        full, places = self._against_others(omitted)
        both = np.isin(places, full.record.kept)
        both[np.setdiff1d(np.arange(both.size), small.record.kept)] = False
        there, here = places[both], np.flatnonzero(both)
        found = iia.hausman(
            small.record.base[here],
            full.record.base[there],
            small.record.unscaled[np.ix_(here, here)],
            full.record.unscaled[np.ix_(there, there)],
        )
        if found.df == 0:
            return _no_test(omitted, f"no test: the fit is as exact without {omitted} as with it")
        pvalue = chi2_sf(found.statistic, found.df) if found.statistic >= 0.0 else math.nan
        return IIALine(str(omitted), found.statistic, found.df, pvalue, found.definite)

    def _against_others(self, omitted: Any) -> tuple[Self, NDArray[np.intp]]:
        """Return the fit with its reference among the other levels, and their coefficients.

        The places are those of the coefficients that a fit without the level has, in its order.
        """
        plain = copy.copy(self)
        plain._covariance = self.record.unscaled
        others = [level for level in self.model.levels if level != omitted]
        if omitted == self.model.levels[0]:
            plain = plain.rebase(others[0])
        width = len(self.model.data.names)
        order = list(plain.model.levels[1:])
        starts = np.array([order.index(level) * width for level in others[1:]])
        return plain, (starts[:, None] + np.arange(width)).ravel()

    def _halves(self, seed: int, split: Any) -> tuple[Self, Self]:
        """Return full fits to both halves of the sample."""
        counts = self.model.observed_classes(None, None).counts
        if split is None:
            first = _random_half(counts, seed)
        else:
            first = counts * self._first_rows(split)[:, None]
        halves = (first, counts - first)
        for half in halves:
            gone = np.flatnonzero(half.sum(axis=0) == 0.0)
            if gone.size:
                raise ArgumentError(
                    f"A half of the sample has no row of level {self.model.levels[gone[0]]!r}; "
                    "another seed or split may have."
                )
        one, other = (self.model.with_counts(half).fit() for half in halves)
        return one, other

    def _first_rows(self, split: Any) -> Array:
        data = self.model.data
        given = data.beside(split, "split")
        values = given.kept(data.kept)
        if given.missing[data.kept].any() or not np.isin(values, (0, 1)).all():
            raise ArgumentError("split must say True or False for each row.")
        return np.asarray(values, dtype=np.float64)


def _random_half(counts: Array, seed: int) -> Array:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ArgumentError(f"seed must be a whole number from 0 (got {seed!r}).")
    whole = np.round(counts)
    if (whole != counts).any():
        raise ArgumentError(
            "A random half takes whole observations, and freq_weights are not whole; give split=, "
            "which rows are in the first half."
        )
    return iia.random_half(whole.astype(np.int64), int(seed)).astype(np.float64)


def _small_hsiao(first: Any, second: Any, omitted: Any) -> IIALine:
    """Return the test for one level, from full fits to two halves of the sample."""
    problem = _problem(first, "the fit to the first half")
    problem = problem or _problem(second, "the fit to the second half")
    if problem is not None:
        return _no_test(omitted, problem)
    small = second.model.without_level(omitted).fit()
    problem = _problem(small, f"the fit to the second half without {omitted}")
    if problem is not None:
        return _no_test(omitted, problem)
    kept = small.record.kept
    thetas = []
    for fit in (first, second):
        full, places = fit._against_others(omitted)
        if not np.isin(places[kept], full.record.kept).all():
            return _no_test(omitted, "no test: a column depends on others in one half")
        thetas.append(full.record.base[places[kept]])
    run = small.model.fitted_pass(small.record)
    average = iia.small_hsiao_average(*thetas)
    statistic = run.deviance(average) - run.deviance(small.record.base[kept])
    return IIALine(str(omitted), statistic, kept.size, chi2_sf(statistic, kept.size))


def _problem(fit: Any, what: str) -> str | None:
    """Say why a fit makes no test, if so."""
    if fit.record.separation is not None:
        return f"no test: {what} is separated"
    return None if fit.converged else f"no test: {what} did not converge"


def _no_test(omitted: Any, problem: str) -> IIALine:
    return IIALine(str(omitted), math.nan, 0, math.nan, True, problem)
