"""Write a report as comma-separated values, unrounded.

This is an export of data: numbers are written so that they read back exactly, and text
is written as it is. Text that begins with ``=``, ``+``, ``-`` or ``@`` is *not* guarded
against spreadsheets that take it for a formula; do not open a file with names from a
source you do not trust in one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from itertools import chain

from glmfit.output.table import Cell, Report, Table, is_number, is_whole


def to_csv(report: Report) -> str:
    """Write a report as comma-separated values.

    Parameters
    ----------
    report : Report
        What to write.

    Returns
    -------
    str
        Blocks with an empty line between them: the title; the header's labels and
        values, one pair per line; each table as `table_to_csv` writes it, its title in
        a line before it; the notes. Numbers are unrounded.

    Examples
    --------
    >>> from glmfit.output.table import Field
    >>> print(to_csv(Report("Results", (Field("Log-Likelihood:", -10.15759634393341),))))
    Results
    <BLANKLINE>
    Log-Likelihood:,-10.15759634393341
    <BLANKLINE>
    """
    blocks = [_written([[report.title]])]
    if report.left or report.right:
        fields = chain(report.left, report.right)
        blocks.append(_written([field.label, field.value] for field in fields))
    for table in report.tables:
        title = "" if table.title is None else _written([[table.title]])
        blocks.append(title + table_to_csv(table))
    if report.notes:
        blocks.append(_written([note] for note in report.notes))
    return "\n".join(blocks)


def table_to_csv(table: Table) -> str:
    """Write one table as comma-separated values.

    Parameters
    ----------
    table : Table
        What to write.

    Returns
    -------
    str
        A line of column names and one line per row. Numbers are written as ``repr``
        writes a Python float, so they read back exactly; a blank is empty. Where a row
        has a note, a last column ``note`` holds it.

    Examples
    --------
    >>> from glmfit.output.table import Column, Row
    >>> print(table_to_csv(Table((Column("coef", "estimate"),), (Row("x", (0.1 + 0.2,)),))))
    ,coef
    x,0.30000000000000004
    <BLANKLINE>
    """
    noted = any(row.note is not None for row in table.rows)
    blank: tuple[Cell, ...] = (None,) * len(table.columns)
    lines: list[list[Cell]] = [["", *(column.name for column in table.columns)]]
    lines += [[row.label, *(row.cells or blank)] for row in table.rows]
    if noted:
        notes: list[Cell] = ["note", *(row.note for row in table.rows)]
        lines = [[*line, note] for line, note in zip(lines, notes, strict=True)]
    return _written(lines)


def _written(lines: Iterable[Iterable[Cell]]) -> str:
    return "".join(_line([_raw(cell) for cell in line]) for line in lines)


def _line(texts: list[str]) -> str:
    # csv quotes the characters of its line terminator; told "\n", it would leave a lone
    # "\r" in a name bare, which readers take for the end of a line.
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\r\n").writerow(texts)
    return stream.getvalue().removesuffix("\r\n") + "\n"


def _raw(cell: Cell) -> str:
    """Write a value exactly; NumPy's own repr would name its type."""
    if cell is None:
        return ""
    if is_whole(cell) and not isinstance(cell, bool):
        return str(int(cell))
    return repr(float(cell)) if is_number(cell) and not isinstance(cell, bool) else str(cell)
