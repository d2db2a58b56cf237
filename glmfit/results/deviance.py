"""Analysis of deviance: what the terms of a fit are worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.engine.nesting import determined_by
from glmfit.errors import ArgumentError, FormulaWarning, NotAvailableError, suggest, warn
from glmfit.inference.hypothesis import per_dispersion
from glmfit.inference.submodels import Returning, Submodels
from glmfit.inference.tails import chi2_sf, f_sf
from glmfit.output import Column, Row, Style, Summary, Table
from glmfit.results.applicability import limit_notes, require_free, require_likelihood
from glmfit.results.contrasts import Shown
from glmfit.results.estimated import Estimated, term_positions
from glmfit.results.record import FitRecord

__all__ = ["AnalysisOfDeviance", "AnovaTable", "chosen_test", "tail"]

Array = NDArray[np.float64]
Terms = frozenset[str]

TESTS = ("LR", "F", "Rao", "Wald", "Cp")
_ALIASES = {"lrt": "LR", "chisq": "LR", "chi2": "LR", "score": "Rao"}
CONSTANT = "Intercept"

_HEADINGS: dict[str, tuple[str, Style]] = {
    "df": ("Df", "integer"),
    "deviance": ("Deviance", "general"),
    "df_resid": ("Resid. Df", "general"),
    "deviance_resid": ("Resid. Dev", "general"),
    "aic": ("AIC", "general"),
    "cp": ("Cp", "general"),
    "statistic": ("", "statistic"),
    "pvalue": ("", "pvalue"),
}

_NAMES = {"LR": "LR chi2", "F": "F", "Rao": "Rao chi2", "Wald": "Wald chi2", "Wald F": "Wald F"}


@dataclass(frozen=True, slots=True, repr=False)
class AnovaTable(Shown):
    """A table of tests of terms, or of fits.

    Attributes
    ----------
    frame : DataFrame
        A row for each term or fit. Columns are among ``df`` (degrees of freedom of the
        test), ``deviance`` (what the row adds, or the deviance without the term in
        `drop1`), ``df_resid``, ``deviance_resid``, ``aic``, ``cp``, ``statistic`` and
        ``pvalue``.
    title : str
    test : str
        "LR", "F", "Rao", "Wald", "Wald F" or "Cp".
    notes : tuple of str
    """

    frame: pd.DataFrame
    title: str
    test: str
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """The same as ``frame``."""
        return self.frame

    def summary_frame(self) -> pd.DataFrame:
        """Return ``frame``."""
        return self.frame

    def summary(self) -> Summary:
        """Return the table for reading."""
        columns = []
        for name in self.frame.columns:
            heading, style = _HEADINGS[str(name)]
            if not heading:
                own = _NAMES.get(self.test, self.test)
                heading = own if name == "statistic" else f"P>{own.split()[-1]}"
            columns.append(Column(heading, style))
        rows = tuple(
            Row(str(label), tuple(_cell(value) for value in line))
            for label, line in zip(self.frame.index, self.frame.to_numpy(object), strict=True)
        )
        return Summary(self.title, tables=(Table(tuple(columns), rows),), notes=self.notes)


def _cell(value: Any) -> float | int | None:
    if value is None or math.isnan(value):
        return None
    return int(value) if float(value).is_integer() and isinstance(value, int) else float(value)


@dataclass(frozen=True, slots=True)
class _Line:
    """A term, the submodel without it, and the larger one with it."""

    label: str
    small: Terms
    large: Terms


class AnalysisOfDeviance(Estimated):
    """Tests of whole terms, each against the model without it."""

    def anova(self, type: int | str = 1, test: str | None = None) -> AnovaTable:
        """Test the terms of the model.

        Parameters
        ----------
        type : {1, 2, 3}
            1: each term after those before it in the formula. 2: each term after all
            others but those that contain it (an interaction contains its factors). 3: each
            term after all others, interactions with it too, which has a meaning only where
            contrasts sum to zero.
        test : {"LR", "F", "Rao", "Wald", "Cp"}, optional
            Likelihood ratio, F, score, Wald, or (type 1) Mallows' Cp. By default F where
            the dispersion is estimated, else LR. Deviances are divided by the dispersion
            of this fit, as R's ``anova`` and ``car::Anova`` do. "Wald" is the one that
            follows a robust covariance.

        Returns
        -------
        AnovaTable
            Prints as a table; ``frame`` has the numbers.

        Raises
        ------
        NotAvailableError
            If the test does not apply to this fit; the message says why.

        Warns
        -----
        FormulaWarning
            For type 3, if a factor in an interaction is not coded by contrasts that sum
            to zero.

        References
        ----------
        Fox, J. (2016). *Applied Regression Analysis and Generalized Linear Models*, 3rd
        ed., sec. 15.1.

        Examples
        --------
        >>> import glmfit as gf
        >>> warpbreaks = gf.datasets.load("warpbreaks")
        >>> result = gf.poisson("breaks ~ wool * tension", warpbreaks).fit()
        >>> result.anova(type=2).frame.round(4)
                      df  deviance  statistic  pvalue
        wool           1   16.0388    16.0388  0.0001
        tension        2   70.9416    70.9416  0.0000
        wool:tension   2   28.0868    28.0868  0.0000
        """
        kind = _type_of(type)
        name = chosen_test(self, test, f"anova(type={kind})")
        if name == "Cp" and kind != 1:
            raise ArgumentError("Cp compares models one after the other: anova(type=1, test='Cp').")
        models = self._submodels()
        if kind == 1:
            return self._sequential(models, name)
        terms = [term for term in models.terms if term != CONSTANT]
        if kind == 3:
            self._warn_of_contrasts()
            lines = [_Line(t, models.everything - {t}, models.everything) for t in terms]
        else:
            lines = []
            for term in terms:
                large = models.everything - self._containing(term)
                lines.append(_Line(term, large - {term}, large))
        rows = []
        for line in lines:
            found = models.compare(line.small, line.large)
            statistic, pvalue = self._tested(models, line, name)
            rows.append((found.df, found.lost, statistic, pvalue))
        frame = _frame(rows, ["df", "deviance", "statistic", "pvalue"], terms)
        title = f"Analysis of Deviance, Type {'I' * kind}"
        return AnovaTable(frame, title, self._shown(name), self._remarks(name))

    def _sequential(self, models: Submodels, name: str) -> AnovaTable:
        first = frozenset({CONSTANT}) & models.everything
        terms = [term for term in models.terms if term != CONSTANT]
        rows: list[tuple[Any, ...]] = []
        nobs, labels = self.record.nobs, ["NULL", *terms]
        before = first
        for term in [None, *terms]:
            now = before if term is None else before | {term}
            resid = nobs - models.rank(now)
            deviance = models.deviance(now)
            if term is None:
                rows.append((np.nan, np.nan, resid, deviance, np.nan, np.nan))
            else:
                found = models.compare(before, now)
                tested = self._tested(models, _Line(term, before, now), name)
                rows.append((found.df, found.lost, resid, deviance, *tested))
            before = now
        columns = ["df", "deviance", "df_resid", "deviance_resid", "statistic", "pvalue"]
        frame = _frame(rows, columns, labels)
        if name == "Cp":
            frame = frame.drop(columns=["statistic", "pvalue"])
            used = nobs - frame["df_resid"]
            frame["cp"] = frame["deviance_resid"] + 2.0 * self.record.scale * used
        title = "Analysis of Deviance, Type I (terms added one after the other)"
        return AnovaTable(frame, title, self._shown(name), self._remarks(name))

    def drop1(self, test: str | None = None) -> AnovaTable:
        """Compare the model with those that lack one term each.

        Terms that an interaction contains are not dropped.

        Parameters
        ----------
        test : {"LR", "F", "Rao", "Wald"}, optional
            As in `anova`. F uses the dispersion of this fit (R's ``drop1`` takes the mean
            deviance for it; ``fit(scale="dev")`` does the same here).

        Returns
        -------
        AnovaTable
            With the deviance and the AIC of each smaller model.

        Examples
        --------
        >>> import glmfit as gf
        >>> warpbreaks = gf.datasets.load("warpbreaks")
        >>> gf.poisson("breaks ~ wool + tension", warpbreaks).fit().drop1().frame.round(3)
                  df  deviance      aic  statistic  pvalue
        <none>   NaN   210.392  493.056        NaN     NaN
        wool     1.0   226.431  507.095     16.039     0.0
        tension  2.0   281.333  559.998     70.942     0.0
        """
        name = chosen_test(self, test, "drop1()", without=("Cp",))
        models = self._submodels()
        terms = [t for t in models.terms if t != CONSTANT and not self._containing(t)]
        rows: list[tuple[Any, ...]] = [(np.nan, self.record.deviance, self.aic, np.nan, np.nan)]
        for term in terms:
            line = _Line(term, models.everything - {term}, models.everything)
            df = models.compare(line.small, line.large).df
            aic = self._aic_of(models, line.small)
            tested = self._tested(models, line, name)
            rows.append((df, models.deviance(line.small), aic, *tested))
        columns = ["df", "deviance", "aic", "statistic", "pvalue"]
        frame = _frame(rows, columns, ["<none>", *terms])
        if math.isnan(self.record.llf):
            frame = frame.drop(columns="aic")
        return AnovaTable(frame, "Single Term Deletions", self._shown(name), self._remarks(name))

    def add1(
        self, scope: str | Sequence[str], test: str | None = None, *, env: Any = None
    ) -> AnovaTable:
        """Compare the model with those that have one term more, each fitted to the same rows.

        Parameters
        ----------
        scope : str or list of str
            The terms, as they would stand in the formula: ``"z + x:z"`` or ``["z", "x:z"]``.
        test : {"LR", "F", "Rao", "Wald"}, optional
            As in `anova`. An estimated dispersion is that of the larger model.
        env : dict, optional
            Functions and values that the formula uses.

        Returns
        -------
        AnovaTable
            With the deviance and the AIC of each larger model.

        Examples
        --------
        >>> import glmfit as gf
        >>> warpbreaks = gf.datasets.load("warpbreaks")
        >>> result = gf.poisson("breaks ~ wool", warpbreaks).fit()
        >>> result.add1("tension").frame.round(3)
                  df  deviance      aic  statistic  pvalue
        <none>   NaN   281.333  559.998        NaN     NaN
        tension  2.0   210.392  493.056     70.942     0.0
        """
        name = chosen_test(self, test, "add1()", without=("Cp",))
        if self.record.scale_note is not None:
            raise NotAvailableError(
                f"The dispersion of this fit is {self.record.scale_note}; fit the larger models "
                "likewise, and compare the fits by anova()."
            )
        text = scope if isinstance(scope, str) else " + ".join(scope)
        terms = self.model.new_terms(text, env)
        if not terms:
            raise ArgumentError(f"The model has every term of {text!r} already.")
        rows: list[tuple[Any, ...]] = [(np.nan, self.record.deviance, self.aic, np.nan, np.nan)]
        for term in terms:
            larger = self.model.extended(term, env).fit(use_t=self.use_t)
            models = larger._submodels()
            line = _Line(term, models.everything - {term}, models.everything)
            df = models.compare(line.small, line.large).df
            tested = larger._tested(models, line, name)
            rows.append((df, larger.record.deviance, larger.aic, *tested))
        columns = ["df", "deviance", "aic", "statistic", "pvalue"]
        frame = _frame(rows, columns, ["<none>", *terms])
        if math.isnan(self.record.llf):
            frame = frame.drop(columns="aic")
        notes = (self._response_note(), *limit_notes(self))
        return AnovaTable(frame, "Single Term Additions", self._shown(name), notes)

    # -- submodels -----------------------------------------------------------------------

    def _submodels(self) -> Submodels:
        maximum, ranked = self._maximum()
        place = {int(j): k for k, j in enumerate(ranked)}
        positions, spec = term_positions(self.model), self.model.data.spec
        order = list(positions) if spec is None else [t for t in spec.term_order if t in positions]
        terms = {
            term: np.array([place[int(j)] for j in positions[term] if int(j) in place], np.intp)
            for term in order
        }
        term_of = {int(j): term for term, where in positions.items() for j in where}
        back = _returning(self.model, self.record, ranked, term_of)
        effects = self.record.effects
        return Submodels(maximum, terms, back, 0 if effects is None else effects.df)

    def _containing(self, term: str) -> Terms:
        """Return the terms that contain all factors of a term, and more."""
        spec = self.model.data.spec
        if spec is None:
            return frozenset()
        factors = spec.term_factors()
        own = factors[term]
        return frozenset(other for other, theirs in factors.items() if own < theirs)

    def _tested(self, models: Submodels, line: _Line, name: str) -> tuple[float, float]:
        """Return statistic and p-value of a submodel against a larger one."""
        found = models.compare(line.small, line.large)
        if name == "Cp" or found.df == 0:
            return math.nan, math.nan
        if name == "Rao":
            statistic = models.score(line.small, line.large)
        elif name == "Wald":
            ranked = np.flatnonzero(~self._aliased)
            statistic = models.wald(
                line.small,
                line.large,
                self.record.theta[ranked],
                self._covariance[np.ix_(ranked, ranked)],
            )
        else:
            statistic = per_dispersion(found.lost, self.record.scale)
        resid = self.df_resid if name == "F" else None
        if name == "Wald" and self.use_t:
            resid = self.df_resid_inference
        return tail(statistic, found.df, resid)

    def _aic_of(self, models: Submodels, present: Terms) -> float:
        theta = np.zeros(self.record.base.size)
        theta[np.flatnonzero(~self._aliased)] = models.fit(present).theta
        rank = models.rank(present)
        llf = self.model.llf_of(self.record, theta, models.deviance(present), rank)
        return float(-2.0 * llf + 2.0 * (rank + len(self.record.estimated)))

    def _shown(self, name: str) -> str:
        return "Wald F" if name == "Wald" and self.use_t else name

    def _remarks(self, name: str) -> tuple[str, ...]:
        notes = [self._response_note(), *limit_notes(self)]
        if name == "F":
            notes.append(
                f"Dispersion {self.record.scale:.6g} with {self.df_resid:g} residual degrees of "
                "freedom."
            )
        if name == "Wald" and self.cov_type != "nonrobust":
            notes.append(f"Wald tests with the {self.cov_type} covariance.")
        return tuple(notes)

    def _response_note(self) -> str:
        return f"Response: {self.model.endog_names}. {self.model.likelihood_name}."

    def _warn_of_contrasts(self) -> None:
        """Warn where a type III test depends on the level that is the reference."""
        spec = self.model.data.spec
        if spec is None:
            return
        factors = spec.term_factors()
        crossed = {f for theirs in factors.values() if len(theirs) > 1 for f in theirs}
        uncentred = [name for name in spec.uncentred_factors() if name in crossed]
        if uncentred:
            told = " and ".join(uncentred)
            verb = "is" if len(uncentred) == 1 else "are"
            warn(
                f"Type III tests of terms beside their interactions depend on how {told} {verb} "
                "coded: they compare at the reference level. Use contrasts that sum to zero, "
                f"such as C({uncentred[0].removeprefix('C(').split(',')[0].rstrip(')')}, Sum), "
                "or type=2.",
                FormulaWarning,
            )


def _returning(
    model: Any, record: FitRecord, ranked: NDArray[np.intp], term_of: dict[int, str]
) -> tuple[Returning, ...]:
    """Return the coefficients that were left out, and what stands for them.

    Parameters
    ----------
    ranked : ndarray of int, shape (q,)
        Positions of the coefficients that were not.
    term_of : dict of int to str
        The term of each coefficient, by position.
    """
    everything = np.arange(record.base.size)
    aliased = np.setdiff1d(everything, ranked)
    if aliased.size == 0:
        return ()
    run = model.fitted_pass(replace(record, kept=everything, separation=None))
    found = []
    for j, direction in zip(aliased, determined_by(run, ranked, aliased).T, strict=True):
        sources = {term_of[int(ranked[k])] for k in np.flatnonzero(direction) if int(ranked[k]) in
                   term_of}  # fmt: skip
        found.append(Returning(term_of[int(j)], frozenset(sources), direction))
    return tuple(found)


def tail(statistic: float, df: int, df_resid: float | None) -> tuple[float, float]:
    """Return chi-square and its p-value, or F and its, where ``df_resid`` is given."""
    if df_resid is None:
        return statistic, chi2_sf(statistic, df)
    return statistic / df, f_sf(statistic / df, df, df_resid)


def _frame(rows: Sequence[tuple[Any, ...]], columns: list[str], index: Any) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns, index=list(index))
    if "df" in frame and len(frame) and not frame["df"].isna().any():
        frame["df"] = frame["df"].astype(int)
    return frame


def _type_of(given: int | str) -> int:
    known = {1: 1, 2: 2, 3: 3, "I": 1, "II": 2, "III": 3, "1": 1, "2": 2, "3": 3}
    if isinstance(given, bool) or given not in known:
        raise ArgumentError(f"type must be 1, 2 or 3 (got {given!r}).")
    return known[given]


def chosen_test(result: Any, test: str | None, where: str, *, without: tuple[str, ...] = ()) -> str:
    """Return which test to make, or raise with the reason why it does not apply.

    Parameters
    ----------
    result : LikelihoodResults
        The (largest) fit.
    test : str or None
    where : str
        What asks for it.
    without : tuple of str
        Tests that it does not have.
    """
    require_free(result, f"{where[:1].upper()}{where[1:]}")
    estimated = _dispersion_is_estimated(result)
    if test is None:
        test = "Wald" if result.cov_type != "nonrobust" else "F" if estimated else "LR"
    known = tuple(name for name in TESTS if name not in without)
    by_name = {name.lower(): name for name in known} | _ALIASES
    name = by_name.get(str(test).lower())
    if name is None:
        raise ArgumentError(
            f"{where} has no test {test!r}.{suggest(str(test), by_name)} Tests: {', '.join(known)}."
        )
    if name == "Wald":
        return name
    if name == "F" and not estimated:
        how = result.record.scale_note or "known"
        raise NotAvailableError(
            f"F tests are for an estimated dispersion, and this one is {how} "
            f"({result.record.scale:g}). Use test='LR', or fit(scale='X2') to estimate it."
        )
    whats = {"LR": "A likelihood-ratio test", "F": "An F test of deviances",
             "Rao": "A score test", "Cp": "Mallows' Cp"}  # fmt: skip
    require_likelihood(result, whats[name], "test='Wald'", quasi=name != "LR")
    return name


def _dispersion_is_estimated(result: Any) -> bool:
    note = result.record.scale_note
    if note is None:
        return bool(result.model.known_dispersion is None)
    return bool(note != "given")
