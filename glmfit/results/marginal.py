"""What margins hand to their user: estimates with labels, errors and intervals, printable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import NotAvailableError
from glmfit.formula.polars_out import takes_return_type
from glmfit.inference.tails import critical_value, two_sided
from glmfit.links import Link
from glmfit.output import Column, Field, Row, Summary, Table

__all__ = ["MarginalEffects", "Margins"]

Array = NDArray[np.float64]

LONGEST = 100
"""Most lines that are shown one by one."""


@dataclass(frozen=True, slots=True, repr=False)
class Margins:
    """Averages of predictions, or of their changes, with delta-method errors.

    Attributes
    ----------
    title : str
    heading : str
        What the estimates are, such as ``dy/dx``.
    labels : DataFrame of q rows
        What each estimate belongs to: variable, contrast, values, group, level.
    estimate, se : ndarray of shape (q,)
    gradient : ndarray of shape (q, P) or None
        Derivative of the estimates by the coefficients; None for one estimate a row.
    covariance : ndarray of shape (P, P)
        Covariance of the coefficients that the errors rest on.
    df : float or None
        Degrees of freedom of t intervals; None for normal ones.
    link : Link or None
        Scale on which intervals are made.
    null : float or None
        Value that tests compare with, or None where there is nothing to test.
    settings : tuple of (str, str)
        How it was made, for the head of the table.
    notes : tuple of str
        What there is to know of these numbers.
    """

    title: str
    heading: str
    labels: pd.DataFrame
    estimate: Array
    se: Array
    gradient: Array | None
    covariance: Array
    df: float | None
    link: Link | None
    null: float | None
    settings: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()

    @property
    def cov(self) -> Array:
        """Covariance of the estimates, shape (q, q)."""
        if self.gradient is None:
            raise NotAvailableError(
                "There is an estimate for each row here, and their joint covariance is not "
                "kept; se has their standard errors."
            )
        return self.gradient @ self.covariance @ self.gradient.T

    def _on_scale(self) -> tuple[Array, Array]:
        """Return estimates and errors on the scale on which intervals are made."""
        if self.link is None:
            return self.estimate, self.se
        with np.errstate(all="ignore"):
            eta = self.link.link(self.estimate)
            return eta, self.se / np.abs(self.link.inverse_deriv(eta))

    @property
    def tvalues(self) -> Array:
        """Estimates over standard errors (of logarithms for ratios), shape (q,)."""
        if self.null is None:
            raise NotAvailableError("There is no hypothesis to test about a prediction.")
        value, error = self._on_scale()
        null = self.null if self.link is None else float(self.link.link(np.array(self.null)))
        with np.errstate(all="ignore"):
            return (value - null) / error

    @property
    def zvalues(self) -> Array:
        """The same as `tvalues`."""
        return self.tvalues

    @property
    def pvalues(self) -> Array:
        """Two-sided p-values, shape (q,)."""
        return two_sided(self.tvalues, self.df)

    def conf_int(self, alpha: float = 0.05) -> Array:
        """Return intervals, shape (q, 2).

        Parameters
        ----------
        alpha : float
            They cover ``1 - alpha``.
        """
        value, error = self._on_scale()
        reach = critical_value(alpha, self.df) * error
        ends = np.column_stack([value - reach, value + reach])
        if self.link is None:
            return ends
        with np.errstate(all="ignore"):
            return np.asarray(np.sort(self.link.inverse(ends), axis=1))

    def _columns(self, alpha: float) -> dict[str, Array]:
        columns = {"estimate": self.estimate, "std_err": self.se}
        if self.null is not None:
            columns["z" if self.df is None else "t"] = self.tvalues
            columns["p"] = self.pvalues
        columns["ci_lower"], columns["ci_upper"] = self.conf_int(alpha).T
        return columns

    @takes_return_type
    def summary_frame(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return labels, estimates, errors, tests and intervals, a row for each estimate.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        return_type : {"pandas", "polars"}
            What the answer is made of; polars has no index, and null for NaN.
        """
        numbers = pd.DataFrame(self._columns(alpha), index=self.labels.index)
        return pd.concat([self.labels, numbers], axis=1)

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the table to print.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        """
        letter = "z" if self.df is None else "t"
        columns = [Column(name, "text") for name in map(str, self.labels.columns[1:])]
        columns += [Column(self.heading, "estimate"), Column("std err", "estimate")]
        if self.null is not None:
            columns += [Column(letter, "statistic"), Column(f"P>|{letter}|", "pvalue")]
        columns += [
            Column(f"[{alpha / 2:g}", "estimate"),
            Column(f"{1 - alpha / 2:g}]", "estimate"),
        ]
        numbers = np.column_stack(list(self._columns(alpha).values()))
        rows = tuple(
            Row(self._row_name(label[0]), (*map(str, label[1:]), *map(float, line)))
            for label, line in zip(
                self.labels.itertuples(index=False, name=None), numbers, strict=True
            )
        )
        return Summary(
            title=self.title,
            left=tuple(Field(f"{name}:", value) for name, value in self.settings[::2]),
            right=tuple(Field(f"{name}:", value) for name, value in self.settings[1::2]),
            tables=(Table(tuple(columns), rows),),
            notes=self.notes,
        )

    def _row_name(self, value: Any) -> str:
        first = str(self.labels.columns[0])
        return str(value) if first in ("term", "") else f"{first} = {value}"

    def __len__(self) -> int:
        return len(self.estimate)

    def __repr__(self) -> str:
        if len(self) <= LONGEST:
            return self.summary().as_text()
        return "\n".join([self.title, str(self.summary_frame()), *self.notes])

    def _repr_html_(self) -> str:
        if len(self) <= LONGEST:
            return self.summary().as_html()
        return str(self.summary_frame().to_html(max_rows=LONGEST))


@dataclass(frozen=True, slots=True, repr=False)
class MarginalEffects:
    """Marginal effects under statsmodels' names, made by ``get_margeff``.

    Attributes
    ----------
    margins : Margins
        The same as a table of estimates, variable by variable and level by level.
    names : tuple of str
        What each effect belongs to.
    levels : tuple of str or None
        Levels of the response, where there are several.
    margeff_options : dict
        ``at`` and ``method``.
    shape : tuple of int
    """

    margins: Margins
    names: tuple[str, ...]
    levels: tuple[str, ...] | None
    margeff_options: dict[str, str]
    shape: tuple[int, ...]

    @property
    def _order(self) -> NDArray[np.intp]:
        """Positions of the estimates, level by level."""
        count = 1 if self.levels is None else len(self.levels)
        return np.arange(len(self.names) * count).reshape(-1, count).T.ravel()

    def _shaped(self, values: Array) -> Array:
        if self.margeff_options["at"] != "all":
            return values.reshape(self.shape)
        rows = values.reshape(self.shape[0], -1, *self.shape[1:])
        return np.moveaxis(rows, 0, 1)

    def _inference(self) -> None:
        if self.margeff_options["at"] == "all":
            raise NotAvailableError(
                "For at='all' statsmodels has effects only; margins.se has their standard "
                "errors, and marginal_effects(at='all') a table of both."
            )

    @property
    def margeff(self) -> Array:
        """Effects, shape (q,) or (q, K) for K levels; for at="all" (n, q) or (n, q, K)."""
        return self._shaped(self.margins.estimate)

    @property
    def margeff_se(self) -> Array:
        """Standard errors of the effects."""
        self._inference()
        return self._shaped(self.margins.se)

    @property
    def margeff_cov(self) -> Array:
        """Covariance of the effects, level by level where there are several."""
        self._inference()
        return self.margins.cov[np.ix_(self._order, self._order)]

    @property
    def tvalues(self) -> Array:
        """Effects over standard errors."""
        self._inference()
        return self._shaped(self.margins.tvalues)

    @property
    def pvalues(self) -> Array:
        """Two-sided p-values."""
        self._inference()
        return self._shaped(self.margins.pvalues)

    def conf_int(self, alpha: float = 0.05) -> Array:
        """Return intervals, shape (q, 2), or (q, 2, K) for K levels."""
        self._inference()
        lower, upper = self.margins.conf_int(alpha).T
        return np.stack([self._shaped(lower), self._shaped(upper)], axis=1)

    def summary_frame(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return the effects as a frame with statsmodels' columns.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        """
        self._inference()
        values = [self.margins.estimate, self.margins.se, self.tvalues.ravel()]
        values += [self.pvalues.ravel(), *self.margins.conf_int(alpha).T]
        table = np.column_stack(values)[self._order]
        letter = "z" if self.margins.df is None else "t"
        # the last two as statsmodels spells them
        columns = [self.margins.heading, "Std. Err.", letter, f"Pr(>|{letter}|)"]
        columns += ["Conf. Int. Low", "Cont. Int. Hi."]
        index: Any = list(self.names)
        if self.levels is not None:
            index = pd.MultiIndex.from_product([self.levels, self.names], names=["endog", "exog"])
        return pd.DataFrame(table, columns=columns, index=index)

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the table to print (see `Margins.summary`)."""
        self._inference()
        return self.margins.summary(alpha)

    def __repr__(self) -> str:
        return repr(self.margins)

    def _repr_html_(self) -> str:
        return self.margins._repr_html_()
