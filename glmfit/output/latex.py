r"""Write a report as a LaTeX fragment.

The document needs ``\usepackage{booktabs}`` and nothing else. Text is escaped for the
old font encoding (OT1) too. Characters outside of Latin-1 are passed on as they are:
pdflatex knows few of them, xelatex and lualatex those of their font. A table does not
break over pages.
"""

from __future__ import annotations

import re
from typing import Final

from glmfit.output.formatting import header_rows, printable, table_rows
from glmfit.output.table import Report, Row, Table

# "[" and "*" are harmless but at the start of a row, where "\\" would take them for
# its own argument; "--" would become a dash.
_ESCAPES: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
}
_TABLE: Final = str.maketrans(_ESCAPES)
NOTE_WIDTH: Final = 60
"""Characters of a note beyond which it is broken into lines."""

_RULE: Final = "\\midrule\n"
_DASHES: Final = re.compile(r"-(?=-)")
_NEGATIVE: Final = re.compile(r"(?:^|(?<=\{\[\})|(?<=, ))-(?=\d|inf\b)")


def escape_latex(text: str) -> str:
    r"""Escape text so that LaTeX prints it as it is.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The text with every character that is special to LaTeX replaced.

    Examples
    --------
    >>> print(escape_latex("C(x_1)[T.50%] & y^2"))
    C(x\_1){[}T.50\%{]} \& y\textasciicircum{}2
    """
    return _DASHES.sub("-{}", printable(text).translate(_TABLE))


def to_latex(report: Report) -> str:
    r"""Write a report as a LaTeX fragment; the document needs ``\usepackage{booktabs}``.

    Parameters
    ----------
    report : Report
        What to show.

    Returns
    -------
    str
        A ``center`` environment with the title, one ``tabular`` for the header block
        and one per table, and the notes below.

    Examples
    --------
    >>> from glmfit.output.table import Field
    >>> print(to_latex(Report("Results", (Field("Model:", "GLM"),), (Field("n:", 23),))))
    \begin{center}
    \textbf{Results}
    \par\medskip
    \begin{tabular}{lrlr}
    \toprule
    Model: & GLM & n: & 23 \\
    \bottomrule
    \end{tabular}
    \end{center}
    """
    blocks = [rf"\textbf{{{escape_latex(report.title)}}}"]
    if report.left or report.right:
        blocks.append(_header(report))
    for table in report.tables:
        if table.title is not None:
            blocks.append(rf"\textbf{{{escape_latex(table.title)}}}")
        blocks.append(_tabular(table))
    blocks += [rf"{{\footnotesize {escape_latex(note)}\par}}" for note in report.notes]
    body = "\n\\par\\medskip\n".join(blocks)
    return f"\\begin{{center}}\n{body}\n\\end{{center}}"


def _header(report: Report) -> str:
    lines = [
        _line(escape_latex(row[0]), _number(row[1]), escape_latex(row[2]), _number(row[3]))
        for row in header_rows(report)
    ]
    return "\n".join(
        [r"\begin{tabular}{lrlr}", r"\toprule", *lines, r"\bottomrule", r"\end{tabular}"]
    )


def _tabular(table: Table) -> str:
    aligns = "".join("l" if column.style == "text" else "r" for column in table.columns)
    lines = [
        _row(table, row, cells) for row, cells in zip(table.rows, table_rows(table), strict=True)
    ]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{l{aligns}}}",
            r"\toprule",
            _line("", *(escape_latex(column.name) for column in table.columns)),
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _row(table: Table, row: Row, cells: tuple[str, ...]) -> str:
    label = (_RULE if row.ruled else "") + escape_latex(row.label)
    if row.note is not None:
        span = max(1, len(table.columns))
        return _line(label, rf"\multicolumn{{{span}}}{{{_note_column(row.note)}}}"
                            rf"{{\emph{{{escape_latex(row.note)}}}}}")  # fmt: skip
    written = (
        escape_latex(cell) if column.style == "text" else _number(cell)
        for column, cell in zip(table.columns, cells, strict=True)
    )
    return _line(label, *written)


def _note_column(note: str) -> str:
    """Return the kind of column that a note stands in: one with lines, for a long one."""
    return "l" if len(note) <= NOTE_WIDTH else r"p{0.6\linewidth}"


def _number(text: str) -> str:
    """Escape a number, with a minus sign where the text has a hyphen."""
    return _NEGATIVE.sub("$-$", escape_latex(text))


def _line(*cells: str) -> str:
    return " & ".join(cells) + r" \\"
