"""Draw a report as plain text in statsmodels' two-block look.

tabulate measures and aligns the cells (wide characters too, where ``wcwidth`` is
installed); the table formats here only say how wide the columns stand apart and
where the rules go. This is the one module that imports tabulate.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from tabulate import TableFormat, tabulate

from glmfit.output.formatting import align_decimals, format_table, header_rows, printable
from glmfit.output.table import Report, Table

MIN_WIDTH: Final = 78
"""Least width of a drawn report, in characters; longer names widen it."""

_GAP: Final = 2
_GUTTER: Final = 3
# Beyond this, further width goes to the right margin: a value must stay near its label.
_WIDEST_SLOT: Final = 24


@dataclass(frozen=True, slots=True)
class _BodyFormat:
    """Place the columns of a table: labels, numbers, and last the notes of rows.

    A row that has a note shows it in place of its numbers.
    """

    width: int

    def row(self, cells: list[str], widths: list[int], _aligns: list[str]) -> str:
        label, *numbers, note = cells
        if note.strip():
            return f"{label}{' ' * _GAP}{note}".rstrip()
        slots = _slots(widths[1:-1], self._natural(widths) - widths[0])
        # Padding that tabulate added to text stays; bare numbers move to the right.
        padded = (cell.rjust(slot) for cell, slot in zip(numbers, slots, strict=True))
        return (label + "".join(padded)).rstrip()

    def rule(self, widths: list[int], _aligns: list[str]) -> str:
        return "=" * self._natural(widths)

    def thin_rule(self, widths: list[int], _aligns: list[str]) -> str:
        return "-" * self._natural(widths)

    def _natural(self, widths: list[int]) -> int:
        label, *numbers, note = widths
        return max(self.width, label + sum(w + _GAP for w in numbers), label + _GAP + note)


def _slots(widths: Sequence[int], room: int) -> list[int]:
    """Widen the narrowest columns first, so that they share the room evenly."""
    slots = [width + _GAP for width in widths]
    for _ in range(room - sum(slots)):
        narrowest = min(slots, default=_WIDEST_SLOT)
        if narrowest >= _WIDEST_SLOT:
            break
        slots[slots.index(narrowest)] += 1
    return slots


@dataclass(frozen=True, slots=True)
class _HeaderFormat:
    """Place the header block: two label and value pairs, each side justified."""

    width: int

    def row(self, cells: list[str], widths: list[int], _aligns: list[str]) -> str:
        left, right = self._sides(widths)
        return (
            cells[0]
            + " " * (left - widths[0] - widths[1])
            + cells[1]
            + " " * _GUTTER
            + cells[2]
            + " " * (right - widths[2] - widths[3])
            + cells[3]
        ).rstrip()

    def rule(self, widths: list[int], _aligns: list[str]) -> str:
        return "=" * (sum(self._sides(widths)) + _GUTTER)

    def _sides(self, widths: list[int]) -> tuple[int, int]:
        """Split the width in halves, unless a side needs more than its half."""
        least_left = widths[0] + _GAP + widths[1]
        least_right = widths[2] + _GAP + widths[3]
        room = max(self.width - _GUTTER, least_left + least_right)
        left = max(least_left, min(room // 2, room - least_right))
        return left, room - left


def to_text(report: Report) -> str:
    """Draw a report as plain text.

    Parameters
    ----------
    report : Report
        What to show.

    Returns
    -------
    str
        The drawing, without a final newline and without trailing blanks. All blocks
        have one width, at least `MIN_WIDTH`; names are never cut, the width grows.

    Examples
    --------
    >>> from glmfit.output.table import Column, Field, Row
    >>> table = Table(
    ...     columns=(Column("coef", "estimate"), Column("P>|z|", "pvalue")),
    ...     rows=(Row("x", (-0.2321627, 0.03196)), Row("x2", note="(aliased: x2 = x)")),
    ... )
    >>> print(to_text(Report("Results", (Field("Model:", "GLM"),), (), (table,))))
                                       Results
    ==============================================================================
    Model:                             GLM
    ==============================================================================
                              coef                   P>|z|
    ------------------------------------------------------------------------------
    x                      -0.2322                   0.032
    x2  (aliased: x2 = x)
    ==============================================================================
    """
    width = _common_width(report)
    lines = [_centred(report.title, width)]
    if report.left or report.right:
        lines += _header_lines(report, width)
    for table in report.tables:
        if table.title is not None:
            lines += ["=" * width, _centred(table.title, width)]
        lines += _body_lines(table, width)
    lines.append("=" * width)
    for note in report.notes:
        lines += _note_lines(note, width)
    return "\n".join(lines)


def _common_width(report: Report) -> int:
    """Return the least width into which every block fits."""
    titles = [report.title, *(table.title or "" for table in report.tables)]
    width = max(MIN_WIDTH, *(len(printable(title)) for title in titles))
    # Drawn to no width at all, a block's rule is as wide as the block must be.
    for table in report.tables:
        width = max(width, len(_body_lines(table, 0)[0]))
    if report.left or report.right:
        width = max(width, len(_header_lines(report, width)[0]))
    return width


def _centred(text: str, width: int) -> str:
    return printable(text).center(width).rstrip()


def _note_lines(note: str, width: int) -> list[str]:
    return textwrap.wrap(
        printable(note),
        width,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _body_lines(table: Table, width: int) -> list[str]:
    """Draw a table from its upper rule to its last row."""
    layout = _BodyFormat(width)
    columns = [
        texts if column.style == "text" else align_decimals(texts)
        for column, texts in zip(table.columns, format_table(table), strict=True)
    ]
    rows = [
        [printable(row.label), *(column[i] for column in columns), printable(row.note or "")]
        for i, row in enumerate(table.rows)
    ]
    lines = tabulate(
        # tabulate 0.9 cannot align the columns of a table that has no rows.
        rows or [[""] * (len(columns) + 2)],
        headers=["", *(printable(column.name) for column in table.columns), ""],
        tablefmt=TableFormat(
            lineabove=layout.rule,
            linebelowheader=layout.thin_rule,
            linebetweenrows=None,
            linebelow=None,
            headerrow=layout.row,
            datarow=layout.row,
            padding=0,
            with_header_hide=None,
        ),
        colalign=["left", *(_alignment(column.style) for column in table.columns), "left"],
        disable_numparse=True,
    ).split("\n")
    first = len(lines) - len(table.rows)
    for i in reversed(range(len(table.rows))):
        if table.rows[i].ruled:
            lines.insert(first + i, lines[2])
    return lines


def _alignment(style: str) -> str | None:
    # Told to align right, tabulate would strip the blanks that align decimal points.
    return "left" if style == "text" else None


def _header_lines(report: Report, width: int) -> list[str]:
    """Draw the header block from its upper rule to its last line."""
    layout = _HeaderFormat(width)
    rows = header_rows(report)
    half = (width - _GUTTER) // 2
    left = _side_lines([row[:2] for row in rows], half)
    right = _side_lines([row[2:] for row in rows], half)
    lines = [[*a, *b] for a, b in zip_longest(left, right, fillvalue=("", ""))]
    if not lines:
        return ["=" * width]
    return tabulate(
        lines,
        tablefmt=TableFormat(
            lineabove=layout.rule,
            linebelowheader=None,
            linebetweenrows=None,
            linebelow=None,
            headerrow=None,
            datarow=layout.row,
            padding=0,
            with_header_hide=None,
        ),
        colalign=["left", "right", "left", "right"],
        disable_numparse=True,
    ).split("\n")


def _side_lines(pairs: Sequence[tuple[str, str]], width: int) -> list[tuple[str, str]]:
    """Break the values of one side, such as a long formula, over several lines."""
    room = width - _GAP - max(len(label) for label, _ in pairs)
    lines: list[tuple[str, str]] = []
    for label, value in pairs:
        first, *others = _wrapped(value, room)
        lines += [(label, first), *(("", other) for other in others)]
    while lines and lines[-1] == ("", ""):  # the filling of the shorter side
        lines.pop()
    return lines


def _wrapped(value: str, room: int) -> list[str]:
    if len(value) <= room:
        return [value]
    lines = textwrap.wrap(value, max(room, 1), break_long_words=False, break_on_hyphens=False)
    return lines or [""]
