"""Turn raw values into text, a whole column at a time.

Numbers of one column are rounded to one number of decimals, chosen from the column's
typical magnitude, so that they can be compared by eye. A number that this would rob
of its digits is written in scientific notation, alone: a nonzero number never shows
as zero.
"""

from __future__ import annotations

import math
import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from glmfit.output.table import Cell, Field, Report, Style, Table, is_number, is_whole

_PVALUE_DECIMALS: Final = 3
_PVALUE_FLOOR: Final = 0.0005

# Control characters would break the lines of a table, or talk to the terminal; a lone
# surrogate cannot be written to any file.
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Precision:
    """Say how the numbers of a column are rounded.

    Attributes
    ----------
    digits : int
        Significant digits that a typical entry of the column is to show.
    fewest, most : int
        Bounds on the number of decimals. A column that would need more than `most`
        gets `fewest`, and its small entries scientific notation.
    kept : int
        Significant digits an entry must keep, or it is written scientifically.
    ceiling : float
        Magnitude from which an entry is written scientifically.
    mantissa : int
        Decimals of an entry that is written scientifically.
    """

    digits: int
    fewest: int
    most: int
    kept: int
    ceiling: float
    mantissa: int


PRECISIONS: Final[dict[Style, Precision]] = {
    "estimate": Precision(digits=4, fewest=4, most=7, kept=2, ceiling=1e7, mantissa=4),
    "statistic": Precision(digits=1, fewest=3, most=3, kept=1, ceiling=1e7, mantissa=3),
    "general": Precision(digits=5, fewest=2, most=8, kept=2, ceiling=1e9, mantissa=4),
}


def printable(text: str) -> str:
    r"""Escape the characters that would break a line or talk to a terminal.

    Parameters
    ----------
    text : str
        Any text, such as a column name of the user's.

    Returns
    -------
    str
        The text with control characters, line separators and lone surrogates written
        as Python escapes; all other characters stay.

    Examples
    --------
    >>> printable("a\tb\x1b[31m")
    'a\\tb\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in _UNPRINTABLE
        else char
        for char in text
    )


def format_value(field: Field) -> str:
    """Write the value of a header field.

    Parameters
    ----------
    field : Field
        The field; its style ``"auto"`` is resolved by the value's type.

    Returns
    -------
    str
        The value as text, empty for None.

    Examples
    --------
    >>> format_value(Field("Log-Likelihood:", -10.15759634393341))
    '-10.158'
    >>> format_value(Field("Deviance:", 123456789.123))
    '123456789.12'
    >>> format_value(Field("Converged:", True))
    'True'
    """
    value = field.value
    if isinstance(value, bool):
        return str(value)
    style = _style_of(value) if field.style == "auto" else field.style
    return format_column((value,), style)[0]


def _style_of(value: Cell) -> Style:
    if is_whole(value):
        return "integer"
    return "general" if is_number(value) else "text"


def format_column(values: Sequence[Cell], style: Style) -> tuple[str, ...]:
    """Write the values of one column, all numbers with the same decimals.

    Parameters
    ----------
    values : sequence of float, int, str or None
        Raw values. Text stays as it is in every style, and None becomes ``""``.
    style : str
        What the values mean; see `glmfit.output.table.Style`.

    Returns
    -------
    tuple of str
        One text per value, not padded; see `align_decimals`.

    Examples
    --------
    >>> format_column((15.0429016, -0.2321627, 0.0), "estimate")
    ('15.0429', '-0.2322', '0.0000')
    >>> format_column((1.5, 0.25, 6.12e-05), "estimate")
    ('1.5000', '0.2500', '6.1200e-05')
    >>> format_column((0.00123456, 0.00098765), "estimate")
    ('0.0012346', '0.0009877')
    >>> format_column((0.0414787, 1e-12, float("nan")), "pvalue")
    ('0.041', '<0.001', 'nan')
    """
    if style == "text":
        return tuple("" if value is None else printable(str(value)) for value in values)
    decimals = _column_decimals(values, style)
    return tuple(_format_cell(value, style, decimals) for value in values)


def _format_cell(value: Cell, style: Style, decimals: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return printable(value)
    if style in ("integer", "general") and is_whole(value):
        return str(int(value))
    return _format_number(float(value), style, decimals)


def _format_number(number: float, style: Style, decimals: int) -> str:
    if not math.isfinite(number):
        return str(number)
    if style == "pvalue":
        return _format_pvalue(number)
    if style == "integer" and number.is_integer():
        return str(int(number))
    return _format_real(number, _precision(style), decimals)


def _format_pvalue(number: float) -> str:
    if number < _PVALUE_FLOOR:
        return "<0.001"
    return f"{number:.{_PVALUE_DECIMALS}f}"


def _format_real(number: float, precision: Precision, decimals: int) -> str:
    smallest = 10.0 ** (precision.kept - 1 - decimals)
    if number != 0 and not smallest <= abs(number) < precision.ceiling:
        return f"{number:.{precision.mantissa}e}"
    # Adding 0.0 turns a negative zero into zero.
    return f"{number + 0.0:.{decimals}f}"


def _precision(style: Style) -> Precision:
    # A count need not be whole (effective degrees of freedom, weighted rows).
    return PRECISIONS["general" if style == "integer" else style]


def _column_decimals(values: Sequence[Cell], style: Style) -> int:
    """Choose a column's decimals from the median magnitude of its nonzero numbers."""
    if style == "pvalue":
        return _PVALUE_DECIMALS
    precision = _precision(style)
    exponents = [
        _exponent(float(value), precision.digits)
        for value in values
        if is_number(value) and math.isfinite(value) and value != 0
    ]
    if not exponents:
        return max(precision.fewest, precision.digits - 1)
    decimals = math.ceil(precision.digits - 1 - statistics.median(exponents))
    return max(decimals, precision.fewest) if decimals <= precision.most else precision.fewest


def _exponent(number: float, digits: int) -> int:
    """Return the decimal exponent of a nonzero number after rounding to `digits`."""
    return int(f"{number:.{digits - 1}e}".partition("e")[2])


def align_decimals(texts: Sequence[str]) -> tuple[str, ...]:
    """Pad numbers on the right so that right-aligned their decimal points align.

    Parameters
    ----------
    texts : sequence of str
        The texts of one column, as `format_column` makes them.

    Returns
    -------
    tuple of str
        The texts with blanks appended. A whole number is padded as if its point came
        last; text such as ``"nan"`` ends where the shortest fraction does.

    Examples
    --------
    >>> align_decimals(("15.0429", "6.1200e-05", "nan"))
    ('15.0429    ', '6.1200e-05', 'nan    ')
    >>> align_decimals(("-0.232*", "(0.108)"))
    ('-0.232*', '(0.108)')
    """
    tails = [_tail(text) for text in texts]
    known = [tail for tail in tails if tail is not None]
    if not known:
        return tuple(texts)
    longest = max(known)
    usual = min((tail for tail in known if tail), default=0)
    return tuple(
        text + " " * (longest - (usual if tail is None else tail))
        for text, tail in zip(texts, tails, strict=True)
    )


def _tail(text: str) -> int | None:
    """Count the characters from the decimal point on; None if it is no number.

    Brackets and stars around a number belong to it: ``(0.108)``, ``-0.232***``.
    """
    bare = text.rstrip(")]*").lstrip("([")
    closing = len(text) - len(text.rstrip(")]*"))
    if bare.removeprefix("-").isdecimal():
        return closing
    head, point, fraction = bare.partition(".")
    if point and head.lstrip("<-").isdecimal():
        return len(point) + len(fraction) + closing
    return None


def format_table(table: Table) -> tuple[tuple[str, ...], ...]:
    """Write the cells of a table, each column formatted together.

    Parameters
    ----------
    table : Table
        The table of raw values.

    Returns
    -------
    tuple of tuple of str
        The texts by column: one inner tuple per column, one text per row, ``""`` in
        rows that show a note.

    Examples
    --------
    >>> from glmfit.output.table import Column, Row
    >>> format_table(Table((Column("z", "statistic"),), (Row("x", (2.0387,)),)))
    (('2.039',),)
    """
    return tuple(
        format_column(table.values(i), column.style) for i, column in enumerate(table.columns)
    )


def table_rows(table: Table) -> tuple[tuple[str, ...], ...]:
    """Write the cells of a table, row by row.

    Parameters
    ----------
    table : Table
        The table of raw values.

    Returns
    -------
    tuple of tuple of str
        The texts of `format_table`, one inner tuple per row.
    """
    columns = format_table(table)
    return tuple(tuple(column[i] for column in columns) for i in range(len(table.rows)))


def header_rows(report: Report) -> tuple[tuple[str, str, str, str], ...]:
    """Write the header block's fields, left and right side by side.

    Parameters
    ----------
    report : Report
        The report whose fields are written.

    Returns
    -------
    tuple of tuple of str
        Label and value of the left field, then of the right one, per line; the
        shorter side is filled with ``""``.

    Examples
    --------
    >>> header_rows(Report("t", left=(Field("Model:", "GLM"),), right=(Field("n:", 23),)))
    (('Model:', 'GLM', 'n:', '23'),)
    """
    blank = Field("", None)
    return tuple(
        (printable(left.label), format_value(left), printable(right.label), format_value(right))
        for left, right in zip_longest(report.left, report.right, fillvalue=blank)
    )
