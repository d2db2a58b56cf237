"""What tests of hypotheses hand to the user: numbers under statsmodels' names, and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.inference.tails import critical_value
from glmfit.output import Cell, Column, Row, Summary, Table

__all__ = ["ContrastResults", "HypothesisTest", "PairwiseResults", "WaldTestResults"]

Array = NDArray[np.float64]

STATISTICS = {"t": "t", "norm": "z", "F": "F", "chi2": "chi2"}
"""What a statistic is called, by its distribution."""


class Shown:
    """A result that prints as a table, and is one in a notebook."""

    __slots__ = ()

    def summary(self) -> Summary:
        """Return the table."""
        raise NotImplementedError(f"{type(self).__name__} does not define summary()")

    def __str__(self) -> str:
        return self.summary().as_text()

    def __repr__(self) -> str:
        return self.summary().as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()


def _counted(name: str, *values: float) -> Column:
    """Return a column of degrees of freedom, which are whole but where weights are not."""
    return Column(name, "integer" if all(float(v).is_integer() for v in values) else "general")


@dataclass(frozen=True, slots=True, repr=False)
class ContrastResults(Shown):
    """Tests of linear combinations, one by one.

    Attributes
    ----------
    effect : ndarray of shape (r,)
        The combinations R theta.
    sd : ndarray of shape (r,)
        Their standard errors.
    tvalue, statistic : ndarray of shape (r,)
        (R theta - q) / sd.
    pvalue : ndarray of shape (r,), or () for a single one
        Two-sided.
    distribution : {"t", "norm"}
    df_denom : float
        Degrees of freedom of t.
    labels : tuple of str
        The hypotheses in words.
    value : ndarray of shape (r,)
        q.
    """

    effect: Array
    sd: Array
    tvalue: Array
    pvalue: Array
    distribution: Literal["t", "norm"]
    df_denom: float
    labels: tuple[str, ...]
    value: Array

    @property
    def statistic(self) -> Array:
        """The same as ``tvalue``."""
        return self.tvalue

    @property
    def c_names(self) -> list[str]:
        """Names of the rows in `summary_frame`."""
        return [f"c{i}" for i in range(self.effect.size)]

    def conf_int(self, alpha: float = 0.05) -> Array:
        """Return intervals of the combinations, shape (r, 2).

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        """
        df = self.df_denom if self.distribution == "t" else None
        reach = critical_value(alpha, df) * self.sd
        return np.column_stack([self.effect - reach, self.effect + reach])

    def summary_frame(self, xname: Any = None, alpha: float = 0.05) -> pd.DataFrame:
        """Return the tests as a frame, under statsmodels' column names.

        Parameters
        ----------
        xname : list of str, optional
            Names of the rows; ``c0``, ``c1``, ... by default.
        alpha : float
            Intervals cover ``1 - alpha``.
        """
        letter = STATISTICS[self.distribution]
        names = ["coef", "std err", letter, f"P>|{letter}|", "Conf. Int. Low", "Conf. Int. Upp."]
        index = self.c_names if xname is None else self._names(xname)
        return pd.DataFrame(self._values(alpha), index=index, columns=names)

    def _names(self, xname: Any) -> list[str]:
        if isinstance(xname, str) or len(xname) != self.effect.size:
            raise ArgumentError(f"xname must be a list of {self.effect.size} names.")
        return [str(name) for name in xname]

    def _values(self, alpha: float) -> Array:
        return np.column_stack(
            [self.effect, self.sd, self.tvalue, np.atleast_1d(self.pvalue), self.conf_int(alpha)]
        )

    def summary(self, xname: Any = None, alpha: float = 0.05, title: str | None = None) -> Summary:
        """Return the table of the tests.

        Parameters
        ----------
        xname : list of str, optional
            Names of the rows; the hypotheses in words by default.
        alpha : float
            Intervals cover ``1 - alpha``.
        title : str, optional
        """
        letter = STATISTICS[self.distribution]
        names = self.labels if xname is None else self._names(xname)
        columns = (
            Column("coef", "estimate"),
            Column("std err", "estimate"),
            Column(letter, "statistic"),
            Column(f"P>|{letter}|", "pvalue"),
            Column(f"[{alpha / 2:g}", "estimate"),
            Column(f"{1 - alpha / 2:g}]", "estimate"),
        )
        lines = zip(names, self._values(alpha), strict=True)
        rows = tuple(Row(name, tuple(float(v) for v in line)) for name, line in lines)
        notes: tuple[str, ...] = ()
        if self.value.any() and xname is None:
            notes = ("coef is the left-hand side; the test is of the hypothesis in its row.",)
        title = "Test for Constraints" if title is None else title
        return Summary(title, tables=(Table(columns, rows),), notes=notes)


@dataclass(frozen=True, slots=True, repr=False)
class HypothesisTest(Shown):
    """A test of a linear hypothesis as a whole.

    Attributes
    ----------
    kind : str
        "Wald", "Likelihood-ratio" or "Score (Rao)".
    statistic : float
        Under ``distribution``: the F statistic is divided by ``df_num``.
    pvalue : float
    distribution : {"chi2", "F"}
    df_num : int
        Number of restrictions.
    df_resid : float
        Degrees of freedom of the denominator of F.
    labels : tuple of str
        The hypothesis in words.
    notes : tuple of str
        What limits the test.
    """

    kind: str
    statistic: Any
    pvalue: float
    distribution: Literal["chi2", "F"]
    df_num: float
    df_resid: float
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def df(self) -> float:
        """Number of restrictions."""
        return self.df_num

    @property
    def df_denom(self) -> float:
        """Degrees of freedom of the denominator of F; those of chi-square, as statsmodels has."""
        return self.df_resid if self.distribution == "F" else self.df_num

    @property
    def fvalue(self) -> Any:
        """The F statistic."""
        if self.distribution != "F":
            raise NotAvailableError("This is a chi-square test; its statistic is .statistic.")
        return self.statistic

    def summary_frame(self) -> pd.DataFrame:
        """Return the test as a frame of one row."""
        line: dict[str, Any] = {
            "statistic": float(np.squeeze(self.statistic)),
            "df": self.df_num,
            "pvalue": self.pvalue,
        }
        if self.distribution == "F":
            line["df_denom"] = self.df_resid
        return pd.DataFrame([line], index=[self.kind])

    def summary(self) -> Summary:
        """Return the test as a table."""
        columns = [Column(STATISTICS[self.distribution], "statistic"), _counted("df", self.df_num)]
        cells: list[Cell] = [float(np.squeeze(self.statistic)), float(self.df_num)]
        if self.distribution == "F":
            columns.append(_counted("df resid", self.df_resid))
            cells.append(float(self.df_resid))
        columns.append(Column(f"P>{STATISTICS[self.distribution]}", "pvalue"))
        cells.append(float(self.pvalue))
        table = Table(tuple(columns), (Row(self.kind, tuple(cells)),))
        told = (f"Hypothesis: {'; '.join(self.labels)}.",) if self.labels else ()
        title = f"{self.kind} Test"
        return Summary(title, tables=(table,), notes=(*told, *self.notes))


@dataclass(frozen=True, slots=True, repr=False)
class WaldTestResults(Shown):
    """Wald tests of terms.

    Attributes
    ----------
    table : DataFrame
        A row for each term; columns ``statistic, pvalue, df_constraint`` and, for F,
        ``df_denom``.
    distribution : {"chi2", "F"}
    notes : tuple of str
    """

    table: pd.DataFrame
    distribution: Literal["chi2", "F"]
    notes: tuple[str, ...] = ()

    @property
    def statistic(self) -> Array:
        """Statistics of the terms."""
        return np.asarray(self.table["statistic"])

    @property
    def pvalues(self) -> Array:
        """P-values of the terms."""
        return np.asarray(self.table["pvalue"])

    @property
    def df_constraints(self) -> Array:
        """Number of coefficients of each term."""
        return np.asarray(self.table["df_constraint"])

    @property
    def df_denom(self) -> Array:
        """Degrees of freedom of the denominator of F."""
        if self.distribution != "F":
            raise NotAvailableError("These are chi-square tests, which have no denominator.")
        return np.asarray(self.table["df_denom"])

    def summary_frame(self) -> pd.DataFrame:
        """Return the tests as a frame, under the column names that statsmodels prints."""
        names = {
            "statistic": self.distribution,
            "pvalue": f"P>{self.distribution}",
            "df_constraint": "df constraint",
            "df_denom": "df denom",
        }
        return self.table.rename(columns=names)

    def summary(self) -> Summary:
        """Return the tests as a table."""
        columns = [Column(self.distribution, "statistic"), Column("df", "integer")]
        names = ["statistic", "df_constraint"]
        if self.distribution == "F":
            columns.append(_counted("df resid", *self.df_denom))
            names.append("df_denom")
        columns.append(Column(f"P>{self.distribution}", "pvalue"))
        names.append("pvalue")
        rows = tuple(
            Row(str(term), tuple(line[name] for name in names))
            for term, line in zip(self.table.index, self.table.to_dict("records"), strict=True)
        )
        return Summary("Wald Tests of Terms", tables=(Table(tuple(columns), rows),),
                       notes=self.notes)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class PairwiseResults(Shown):
    """Comparisons of all pairs of levels of a factor.

    Attributes
    ----------
    result_frame : DataFrame
        A row for each pair: the difference, its error, test and interval, and for each
        adjustment ``pvalue-<method>`` and ``reject-<method>``.
    contrasts : ndarray of shape (number of pairs, P)
    contrast_labels : list of str
    term : str
    term_encoding_matrix : ndarray of shape (levels, columns)
        How levels are coded.
    alpha : float
        Level of ``reject``.
    """

    result_frame: pd.DataFrame
    contrasts: Array
    contrast_labels: list[str]
    term: str
    term_encoding_matrix: Array
    alpha: float

    def summary_frame(self) -> pd.DataFrame:
        """Return ``result_frame``."""
        return self.result_frame

    def summary(self) -> Summary:
        """Return the comparisons as a table."""
        frame = self.result_frame
        styles = ["estimate", "estimate", "statistic", "pvalue", "estimate", "estimate"]
        shown = [str(name) for name in frame.columns if not str(name).startswith("reject-")]
        columns = tuple(
            Column(name, styles[j] if j < len(styles) else "pvalue")  # type: ignore[arg-type]
            for j, name in enumerate(shown)
        )
        values = frame[shown].to_numpy(dtype=float)
        rows = tuple(
            Row(str(label), tuple(float(v) for v in line))
            for label, line in zip(frame.index, values, strict=True)
        )
        notes = ("Intervals are not adjusted for the number of comparisons.",)
        title = f"Pairwise Comparisons of {self.term}"
        return Summary(title, tables=(Table(columns, rows),), notes=notes)
