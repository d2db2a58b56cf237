"""Write a report as Markdown with GitHub's tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from glmfit.output.formatting import header_rows, printable, table_rows
from glmfit.output.table import Report, Row, Table

# An underscore within a word means nothing to GitHub: O_RING_FAILURE stays readable.
_SPECIAL: Final = re.compile(r"[\\`*\[\]<|~$&#]|(?<![^\W_])_|_(?![^\W_])")


def escape_markdown(text: str) -> str:
    r"""Escape text so that Markdown shows it as it is, within a table too.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The text with a backslash before every character that would be markup.

    Examples
    --------
    >>> print(escape_markdown("P>|z| of a_b * _c_"))
    P>\|z\| of a_b \* \_c\_
    """
    return _SPECIAL.sub(r"\\\g<0>", printable(text))


def to_markdown(report: Report) -> str:
    r"""Write a report as Markdown.

    Parameters
    ----------
    report : Report
        What to show.

    Returns
    -------
    str
        The title in bold, GitHub tables for the header block and each table, and the
        notes as paragraphs. GitHub's tables cannot span columns: the note of a row
        stands in its first cell.

    Examples
    --------
    >>> from glmfit.output.table import Column
    >>> table = Table((Column("P>|z|", "pvalue"),), (Row("x", (0.0415,)),))
    >>> print(to_markdown(Report("Results", tables=(table,))))
    **Results**
    <BLANKLINE>
    |  | P>\|z\| |
    | :--- | ---: |
    | x | 0.042 |
    """
    blocks = [f"**{escape_markdown(report.title)}**"]
    if report.left or report.right:
        blocks.append(_header(report))
    for table in report.tables:
        if table.title is not None:
            blocks.append(f"**{escape_markdown(table.title)}**")
        blocks.append(_table(table))
    blocks += [escape_markdown(note) for note in report.notes]
    return "\n\n".join(blocks)


def _header(report: Report) -> str:
    rows = header_rows(report)
    return "\n".join([_line([""] * 4), "| :--- | ---: | :--- | ---: |", *map(_escaped, rows)])


def _table(table: Table) -> str:
    rules = (":---" if column.style == "text" else "---:" for column in table.columns)
    rows = (
        _row(table, row, cells) for row, cells in zip(table.rows, table_rows(table), strict=True)
    )
    names = (column.name for column in table.columns)
    return "\n".join([_escaped(["", *names]), _line([":---", *rules]), *rows])


def _row(table: Table, row: Row, cells: tuple[str, ...]) -> str:
    if row.note is None:
        return _escaped([row.label, *cells])
    return _escaped([row.label, row.note, *[""] * (len(table.columns) - 1)])


def _escaped(cells: Iterable[str]) -> str:
    return _line(escape_markdown(cell) for cell in cells)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
