"""Tests of linear hypotheses on the coefficients of a fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, ArgumentTypeError, NotAvailableError, suggest
from glmfit.inference.hypothesis import (
    Hypothesis,
    Maximum,
    independent,
    read_hypothesis,
    wald_statistic,
)
from glmfit.inference.multiplicity import adjusted_pvalues
from glmfit.inference.tails import chi2_sf, f_sf, two_sided
from glmfit.results.applicability import limit_notes, require_likelihood
from glmfit.results.contrasts import (
    ContrastResults,
    HypothesisTest,
    PairwiseResults,
    WaldTestResults,
)
from glmfit.results.estimated import Estimated, term_columns, term_positions

__all__ = ["HypothesisTests", "joint_test"]

Array = NDArray[np.float64]
Positions = NDArray[np.intp]


class HypothesisTests(Estimated):
    """Wald, likelihood-ratio and score tests of linear hypotheses.

    A hypothesis is text in patsy's language (``"age = income"``, ``"x1 = x2 = 0, x3 = 2"``;
    an expression without ``=`` is set to 0), a list of such texts, a mapping from names to
    values, a matrix R of shape (r, P) for R theta = 0, or a tuple ``(R, q)``. A name is
    that of a coefficient, or of a term of the formula, which stands for all of its
    coefficients. Where classes have coefficients of their own, ``Medium:age`` is that of
    one (statsmodels' ``yMedium_age`` is understood), and ``age`` stands for those of all
    levels: ``"age = income"`` says so of each level, ``"Medium:age = High:age"`` compares
    two.
    """

    def _hypothesis(self, given: Any) -> Hypothesis:
        """Return a hypothesis about coefficients that all have an estimate."""
        found = read_hypothesis(given, self._vocabulary)
        missing = np.isnan(self.record.theta) & self._aliased
        lost = np.flatnonzero(found.matrix.any(axis=0) & missing)
        if lost.size:
            column = self.model.parameter_columns[lost[0]]
            raise NotAvailableError(
                f"{found.names[lost[0]]} has no estimate, since its column was left out "
                f"({self.record.aliased[column]}), so a hypothesis about it cannot be tested."
            )
        return found

    def _finite_hypothesis(self, given: Any) -> Hypothesis:
        """Return a hypothesis about coefficients that have a finite estimate."""
        found = self._hypothesis(given)
        lost = np.flatnonzero(found.matrix.any(axis=0) & ~np.isfinite(self.record.theta))
        if lost.size:
            raise NotAvailableError(
                f"{found.names[lost[0]]} has no finite estimate, since the data are separated, "
                "and so no Wald test. Use lr_test(), score_test() or a fit by method='firth'."
            )
        return found

    # -- Wald --------------------------------------------------------------------------

    def t_test(self, r_matrix: Any, cov_p: Any = None, use_t: bool | None = None) -> Any:
        """Test linear combinations of coefficients, one by one.

        Parameters
        ----------
        r_matrix : str, list of str, mapping, array_like or tuple
            The hypotheses (see `HypothesisTests`), a row of the result each.
        cov_p : array_like of shape (P, P), optional
            A covariance to use in place of the result's.
        use_t : bool, optional
            t instead of normal quantiles; as the result has it by default.

        Returns
        -------
        ContrastResults
            With ``effect``, ``sd``, ``tvalue``, ``pvalue``, ``conf_int()`` and
            ``summary_frame()``.

        Raises
        ------
        NotAvailableError
            If a coefficient has no finite estimate.

        Examples
        --------
        >>> import glmfit as gf
        >>> warpbreaks = gf.datasets.load("warpbreaks")
        >>> result = gf.poisson("breaks ~ wool + tension", warpbreaks).fit()
        >>> result.t_test("tension[T.M] = tension[T.H]").effect.round(4)
        array([0.1972])
        """
        found = self._finite_hypothesis(r_matrix)
        return self._contrasts(found, self._chosen_covariance(cov_p), _flag(use_t, "use_t"))

    def _contrasts(
        self, found: Hypothesis, covariance: Array, use_t: bool | None = None
    ) -> ContrastResults:
        """Return the tests of the rows; NaN where one has no finite estimate."""
        t = self.use_t if use_t is None else use_t
        df = float(self.df_resid_inference)
        known = np.isfinite(self.record.theta)
        unknown = np.asarray(found.matrix[:, ~known]).any(axis=1)
        matrix = np.where(unknown.reshape(-1, 1), np.nan, found.matrix)
        effect = matrix[:, known] @ self.record.theta[known]
        part = covariance[np.ix_(known, known)]
        with np.errstate(divide="ignore", invalid="ignore"):
            sd = np.sqrt(np.einsum("rp,pq,rq->r", matrix[:, known], part, matrix[:, known]))
            tvalue = (effect - found.value) / sd
        return ContrastResults(
            effect=effect,
            sd=sd,
            tvalue=tvalue,
            pvalue=np.squeeze(two_sided(tvalue, df if t else None)),
            distribution="t" if t else "norm",
            df_denom=df,
            labels=found.labels,
            value=found.value,
        )

    def _chosen_covariance(self, cov_p: Any) -> Array:
        if cov_p is None:
            return self._covariance
        given = np.asarray(cov_p, dtype=float)
        count = self.record.base.size
        if given.shape != (count, count):
            raise ArgumentError(
                f"cov_p has shape {given.shape}; the model has {count} coefficients."
            )
        return given

    def wald_test(
        self,
        r_matrix: Any,
        cov_p: Any = None,
        invcov: Any = None,
        use_f: bool | None = None,
        df_constraints: float | None = None,
        scalar: bool = True,
    ) -> HypothesisTest:
        """Test a linear hypothesis by Wald's statistic.

        Parameters
        ----------
        r_matrix : str, list of str, mapping, array_like or tuple
            The hypothesis (see `HypothesisTests`).
        cov_p : array_like of shape (P, P), optional
            A covariance to use in place of the result's.
        invcov : array_like of shape (r, r), optional
            Inverse covariance of the restrictions, in place of either.
        use_f : bool, optional
            F instead of chi-square; where the result uses t by default.
        df_constraints : float, optional
            Number of restrictions, where it is not that of independent rows.
        scalar : bool
            Whether the statistic is a float, or an array of shape (1, 1).

        Returns
        -------
        HypothesisTest

        Examples
        --------
        >>> import glmfit as gf
        >>> warpbreaks = gf.datasets.load("warpbreaks")
        >>> result = gf.poisson("breaks ~ wool + tension", warpbreaks).fit()
        >>> test = result.wald_test("tension")
        >>> round(test.statistic, 3), test.df
        (71.051, 2)
        """
        found = self._finite_hypothesis(r_matrix)
        covariance = self._chosen_covariance(cov_p)
        f = _flag(use_f, "use_f")
        test = self._wald(found, covariance, invcov, self.use_t if f is None else f, df_constraints)
        if scalar:
            return test
        return replace(test, statistic=np.array([[test.statistic]]))

    def _wald(
        self,
        found: Hypothesis,
        covariance: Array,
        invcov: Any,
        use_f: bool,
        df_constraints: float | None,
    ) -> HypothesisTest:
        used = found.matrix.any(axis=0)
        matrix = found.matrix[:, used]
        shift = matrix @ self.record.theta[used] - found.value
        if invcov is not None:
            inverse = np.asarray(invcov, dtype=float)
            statistic, df = float(shift @ inverse @ shift), found.value.size
        else:
            spread = matrix @ covariance[np.ix_(used, used)] @ matrix.T
            if not np.isfinite(spread).all():
                raise NotAvailableError(
                    "The covariance of the coefficients of this hypothesis is not finite "
                    f"(cov_type={self.cov_type!r}), so there is no Wald test of it."
                )
            statistic, df = wald_statistic(shift, spread)
        count = df if df_constraints is None else df_constraints
        return joint_test("Wald", statistic, count, self._df_of_f(use_f), found.labels)

    def _df_of_f(self, use_f: bool) -> float | None:
        return float(self.df_resid_inference) if use_f else None

    def f_test(self, r_matrix: Any, cov_p: Any = None, invcov: Any = None) -> HypothesisTest:
        """Test a linear hypothesis by Wald's statistic with the F distribution.

        Parameters
        ----------
        r_matrix, cov_p, invcov
            As in `wald_test`.

        Returns
        -------
        HypothesisTest
        """
        return self.wald_test(r_matrix, cov_p=cov_p, invcov=invcov, use_f=True)

    def wald_test_terms(
        self,
        skip_single: bool = False,
        extra_constraints: Any = None,
        combine_terms: Any = None,
        scalar: bool = True,
    ) -> WaldTestResults:
        """Test each term of the formula (each column, without one) by Wald's statistic.

        Where classes have coefficients of their own, a term is tested over all levels.

        Parameters
        ----------
        skip_single : bool
            Leave out terms with a single column.
        extra_constraints : list of (name, hypothesis), optional
            Further hypotheses to test.
        combine_terms : list of str, optional
            All terms whose name has this text in it are tested together, in a line more.
        scalar : bool
            Taken as statsmodels has it; statistics are numbers.

        Returns
        -------
        WaldTestResults
            With ``table``, a frame.

        Examples
        --------
        >>> import glmfit as gf
        >>> housing = gf.datasets.load("housing")
        >>> result = gf.mnlogit("sat ~ infl + cont", housing, freq_weights="freq").fit()
        >>> result.wald_test_terms().table.round(3)
                   statistic  pvalue  df_constraint
        Intercept     44.969   0.000              2
        infl         105.759   0.000              4
        cont          10.174   0.006              2
        """
        terms = term_positions(self.model)
        columns = {name: len({self.model.parameter_columns[j] for j in where})
                   for name, where in terms.items()}  # fmt: skip
        asked = [
            (name, where)
            for name, where in terms.items()
            if not (skip_single and columns[name] == 1)
        ]
        for text in combine_terms or []:
            parts = [where for name, where in terms.items() if text in name]
            if not parts:
                raise ArgumentError(
                    f"No term has {text!r} in its name.{suggest(text, terms)} "
                    f"Terms: {', '.join(terms)}."
                )
            asked.append((text, np.concatenate(parts)))
        notes: list[str] = []
        lines = [(name, self._term_line(where, notes, name)) for name, where in asked]
        lines += [(name, _line(self.wald_test(given))) for name, given in extra_constraints or []]
        table = pd.DataFrame([line for _, line in lines], index=[str(name) for name, _ in lines])
        table["df_constraint"] = table["df_constraint"].astype(int)
        if not self.use_t:
            table = table.drop(columns="df_denom")
        return WaldTestResults(table, "F" if self.use_t else "chi2", tuple(notes))

    def _term_line(self, where: Positions, notes: list[str], name: str) -> dict[str, float]:
        """Return the test of a term, of which aliased columns are no part."""
        left = where[~self._aliased[where]]
        if not np.isfinite(self.record.theta[left]).all():
            notes.append(f"{name}: no finite estimate (the data are separated), so no Wald test.")
            return {"statistic": math.nan, "pvalue": math.nan, "df_constraint": left.size,
                    "df_denom": self.df_resid_inference}  # fmt: skip
        if left.size == 0:
            notes.append(f"{name}: aliased, so nothing is left to test.")
            return {"statistic": math.nan, "pvalue": math.nan, "df_constraint": 0,
                    "df_denom": self.df_resid_inference}  # fmt: skip
        return _line(self.wald_test(np.eye(self.record.base.size)[left]))

    def t_test_pairwise(
        self,
        term_name: str,
        method: str | list[str] = "hs",
        alpha: float = 0.05,
        factor_labels: Sequence[str] | None = None,
    ) -> PairwiseResults:
        """Compare all pairs of levels of a factor, with p-values adjusted for their number.

        Parameters
        ----------
        term_name : str
            A main effect of the formula.
        method : str or list of str
            "bonferroni", "sidak", "holm", "holm-sidak" ("hs"), "simes-hochberg" ("sh"),
            "hommel", "fdr_bh", "fdr_by" or "none".
        alpha : float
            Level of the ``reject-`` columns.
        factor_labels : list of str, optional
            Names to show for the levels.

        Returns
        -------
        PairwiseResults
            With ``result_frame`` and ``contrasts``. Where classes have coefficients of
            their own, pairs are compared for each, and adjusted together.

        Notes
        -----
        The difference is that of the term's own coefficients: where the factor is in an
        interaction too, it is the difference where the other terms of that are 0.

        Examples
        --------
        >>> import glmfit as gf
        >>> warpbreaks = gf.datasets.load("warpbreaks")
        >>> result = gf.poisson("breaks ~ wool + tension", warpbreaks).fit()
        >>> result.t_test_pairwise("tension").result_frame["pvalue-hs"].round(4)
        M-L    0.0000
        H-L    0.0000
        H-M    0.0039
        Name: pvalue-hs, dtype: float64
        """
        coding, levels = self._factor_coding(term_name)
        if factor_labels is not None:
            if len(factor_labels) != len(levels):
                raise ArgumentError(
                    f"factor_labels has {len(factor_labels)} names for {len(levels)} levels."
                )
            levels = [str(label) for label in factor_labels]
        if len(levels) < 2 or term_name not in term_columns(self.model):
            raise ArgumentError(
                f"{term_name!r} has one level in these data, so that there is no pair."
            )
        pairs = [(a, b) for a in range(len(levels)) for b in range(a + 1, len(levels))]
        differences = np.array([coding[b] - coding[a] for a, b in pairs])
        contrasts, prefixes = self._embedded(term_name, differences)
        labels = [f"{head}{levels[b]}-{levels[a]}" for head in prefixes for a, b in pairs]
        found = Hypothesis(contrasts, np.zeros(len(labels)), self._vocabulary.names)
        tests = self._contrasts(found, self._covariance)
        frame = tests.summary_frame(labels)
        for name in [method] if isinstance(method, str) else method:
            adjusted = adjusted_pvalues(np.atleast_1d(tests.pvalue), name)
            frame[f"pvalue-{name}"] = adjusted
            frame[f"reject-{name}"] = adjusted <= alpha
        return PairwiseResults(frame, contrasts, labels, term_name, coding, alpha)

    def _factor_coding(self, term_name: str) -> tuple[Array, list[str]]:
        """Return how the levels of a main effect are coded (levels, columns), and the levels."""
        spec = self.model.data.spec
        if spec is None:
            raise NotAvailableError(
                "Pairs of levels are compared in models with a formula; t_test takes a matrix."
            )
        found = spec.main_effects()
        if term_name not in found:
            kind = (
                "is no main effect of a factor" if term_name in spec.term_slices else "is no term"
            )
            raise ArgumentError(
                f"{term_name!r} {kind}.{suggest(str(term_name), found)} "
                f"Factors: {', '.join(found) or 'none'}."
            )
        coding, levels = found[term_name]
        return coding, [str(level) for level in levels]

    def _embedded(self, term: str, differences: Array) -> tuple[Array, list[str]]:
        """Return the differences over all coefficients, for each class if they have their own."""
        owners, names = self.model.parameter_columns, term_columns(self.model)[term]
        # a column that the model has not is that of a reference, whose coefficient is 0
        there = [k for k, name in enumerate(names) if name is not None]
        places = [[j for j, owner in enumerate(owners) if owner == names[k]] for k in there]
        rows, heads = [], []
        for group in zip(*places, strict=True):
            wide = np.zeros((differences.shape[0], len(owners)))
            wide[:, list(group)] = differences[:, there]
            rows.append(wide)
            heads.append(_head(self._vocabulary.names[group[0]], str(names[there[0]])))
        return np.vstack(rows), heads

    # -- likelihood ratio and score ------------------------------------------------------

    def lr_test(self, hypothesis: Any) -> HypothesisTest:
        """Test a linear hypothesis by the ratio of likelihoods.

        The model is fitted again under the hypothesis, on the same rows.

        Parameters
        ----------
        hypothesis : str, list of str, mapping, array_like or tuple
            See `HypothesisTests`.

        Returns
        -------
        HypothesisTest
            Twice the log-likelihood that is lost, against chi-square. Where the dispersion
            is estimated, each fit has its own (as in lmtest::lrtest; `anova` divides
            deviances by that of the larger model instead, as R's does).

        Raises
        ------
        NotAvailableError
            If there is no likelihood (quasi families), it is not what was maximised (bias
            reduction), or a robust covariance was asked for.

        Examples
        --------
        >>> import glmfit as gf
        >>> warpbreaks = gf.datasets.load("warpbreaks")
        >>> result = gf.poisson("breaks ~ wool + tension", warpbreaks).fit()
        >>> test = result.lr_test("tension[T.M] = tension[T.H]")
        >>> round(test.statistic, 4), round(test.pvalue, 4)
        (8.3661, 0.0038)
        """
        require_likelihood(self, "A likelihood-ratio test", "wald_test()")
        found, maximum, ranked = self._restrictions(hypothesis)
        solution = maximum.restricted(found.matrix[:, ranked], found.value)
        _require_maximum(solution, found)
        theta = np.zeros(self.record.base.size)
        theta[ranked] = solution.theta
        df = found.value.size
        llf = self.model.llf_of(self.record, theta, solution.deviance, self.record.rank - df)
        statistic = max(2.0 * (self.record.llf - llf), 0.0)
        notes = limit_notes(self)
        return joint_test("Likelihood-ratio", statistic, df, None, found.labels, notes)

    def score_test(self, hypothesis: Any) -> HypothesisTest:
        """Test a linear hypothesis by the score (Rao) under it.

        Only the model under the hypothesis is fitted; the expected information of all
        coefficients is taken there, as R's ``anova(test="Rao")`` does. An estimated
        dispersion is that of this fit.

        Parameters
        ----------
        hypothesis : str, list of str, mapping, array_like or tuple
            See `HypothesisTests`.

        Returns
        -------
        HypothesisTest

        Raises
        ------
        NotAvailableError
            As `lr_test`, but for quasi families, which have a score.

        Examples
        --------
        >>> import glmfit as gf
        >>> warpbreaks = gf.datasets.load("warpbreaks")
        >>> result = gf.poisson("breaks ~ wool + tension", warpbreaks).fit()
        >>> test = result.score_test("wool")
        >>> round(test.statistic, 4), round(test.pvalue, 6)
        (16.0105, 6.3e-05)
        """
        require_likelihood(self, "A score test", "wald_test()", quasi=True)
        found, maximum, ranked = self._restrictions(hypothesis)
        solution = maximum.restricted(found.matrix[:, ranked], found.value)
        _require_maximum(solution, found)
        statistic = maximum.score(solution)
        if math.isnan(statistic):
            raise NotAvailableError(
                "The information under the hypothesis is singular, so there is no score test; "
                "use lr_test()."
            )
        return joint_test("Score (Rao)", statistic, found.value.size, None, found.labels)

    def _restrictions(self, given: Any) -> tuple[Hypothesis, Maximum, Positions]:
        """Return independent restrictions, the maximum, and the coefficients it is over."""
        maximum, ranked = self._maximum()
        return independent(self._hypothesis(given)), maximum, ranked


def _head(name: str, column: str) -> str:
    """Return what a coefficient's name says beyond its column's, such as ``Medium:``."""
    rest = name.removesuffix(column) if name.endswith(column) else name.removeprefix(column)
    return f"{rest.strip(':')}: " if rest else ""


def _require_maximum(solution: Any, found: Hypothesis) -> None:
    if not solution.converged:
        raise NotAvailableError(
            f"The fit under the hypothesis ({'; '.join(found.labels)}) did not reach a maximum: "
            f"{solution.reason}."
        )


def joint_test(
    kind: str,
    statistic: float,
    df: float,
    df_resid: float | None,
    labels: tuple[str, ...],
    notes: tuple[str, ...] = (),
) -> HypothesisTest:
    """Return the test with its p-value: chi-square, or F where ``df_resid`` is given."""
    distribution: Literal["chi2", "F"] = "chi2" if df_resid is None else "F"
    if df_resid is None:
        pvalue, resid = chi2_sf(statistic, df), math.inf
    else:
        statistic, resid = statistic / df if df else math.nan, df_resid
        pvalue = f_sf(statistic, df, df_resid)
    return HypothesisTest(kind, statistic, pvalue, distribution, df, resid, labels, notes)


def _line(test: HypothesisTest) -> dict[str, float]:
    return {
        "statistic": float(np.squeeze(test.statistic)),
        "pvalue": test.pvalue,
        "df_constraint": test.df_num,
        "df_denom": test.df_resid,
    }


def _flag(value: Any, what: str) -> bool | None:
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    raise ArgumentTypeError(f"{what} must be True, False or None (got {value!r}).")
