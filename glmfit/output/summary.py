"""The summary that results hand to the user: a report that can show itself."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from glmfit.output.delimited import to_csv
from glmfit.output.html import to_html
from glmfit.output.latex import to_latex
from glmfit.output.markdown import to_markdown
from glmfit.output.table import Report
from glmfit.output.text import to_text


@dataclass(frozen=True, slots=True, repr=False)
class Summary(Report):
    """Show a report as text, HTML, LaTeX, Markdown, CSV or data frame.

    Printed, it is text; at the end of a notebook cell, HTML. The methods have the names
    of statsmodels' ``Summary``.

    Parameters
    ----------
    title : str
        The title over everything.
    left, right : tuple of Field, default ()
        The two columns of the header block.
    tables : tuple of Table, default ()
        The tables, in order, under the header block.
    notes : tuple of str, default ()
        Remarks under the last table, one paragraph each.

    Examples
    --------
    >>> from glmfit.output.table import Column, Row, Table
    >>> coefficients = Table((Column("coef", "estimate"),), (Row("x", (0.25,)),))
    >>> summary = Summary("Results", tables=(coefficients,))
    >>> summary.as_frame()
       coef
    x  0.25
    """

    def as_text(self) -> str:
        """Return the summary as plain text."""
        return to_text(self)

    def as_html(self) -> str:
        """Return the summary as HTML, light or dark as the page is."""
        return to_html(self)

    def as_latex(self) -> str:
        r"""Return the summary as LaTeX, for a document with ``\usepackage{booktabs}``."""
        return to_latex(self)

    def as_markdown(self) -> str:
        """Return the summary as Markdown."""
        return to_markdown(self)

    def as_csv(self) -> str:
        """Return the unrounded summary as CSV."""
        return to_csv(self)

    def as_frame(self, index: int = 0) -> pd.DataFrame:
        """Return the unrounded values of one table as a data frame.

        Parameters
        ----------
        index : int, default 0
            Which of ``tables``; the first holds the coefficients.

        Returns
        -------
        pandas.DataFrame
            A column for each of the table's, a row for each of its rows.

        Raises
        ------
        IndexError
            If there is no such table.
        """
        return self.tables[index].to_frame()

    def __str__(self) -> str:
        return self.as_text()

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        return self.as_html()

    def _repr_latex_(self) -> str:
        return self.as_latex()
