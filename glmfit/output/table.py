"""Records of what a summary shows: fields, columns, rows, tables and reports.

A record holds raw numbers and says how they are meant (`style`), never how they
look: `glmfit.output.formatting` turns them into text, and the renderers (`text`,
`html`, `latex`, `markdown`, `delimited`) lay that text out. Nothing here knows of
models, so whatever has a table to show builds these records.

References
----------
The two-block layout is that of statsmodels' ``Summary``.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Final, Literal, TypeAlias, TypeGuard, get_args

import pandas as pd

Style: TypeAlias = Literal["text", "estimate", "statistic", "pvalue", "integer", "general"]
"""How a value is meant.

``"text"``: shown as it is. ``"estimate"``: coefficients, standard errors, ratios,
interval ends. ``"statistic"``: z, t, F, chi-square. ``"pvalue"``: probabilities of a
test. ``"integer"``: counts, degrees of freedom. ``"general"``: log-likelihoods,
deviances, information criteria.
"""

FieldStyle: TypeAlias = Literal[
    "auto", "text", "estimate", "statistic", "pvalue", "integer", "general"
]
"""A `Style`, or ``"auto"`` to choose it by the value's type."""

Cell: TypeAlias = float | int | str | None
"""A raw value of a table; None is a blank."""

STYLES: Final[tuple[Style, ...]] = get_args(Style)
FIELD_STYLES: Final[tuple[FieldStyle, ...]] = get_args(FieldStyle)


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a real number, of Python's or NumPy's types."""
    return isinstance(value, Real)


def is_whole(value: object) -> TypeGuard[int]:
    """Tell whether a value is of an integer type, of Python's or NumPy's types."""
    return isinstance(value, Integral)


def _check_style(style: str, allowed: tuple[str, ...]) -> None:
    if style not in allowed:
        raise ValueError(f"style is {style!r}; it must be one of {', '.join(allowed)}")


@dataclass(frozen=True, slots=True)
class Field:
    """Name one entry of a report's header block.

    Parameters
    ----------
    label : str
        What the entry is called, with its colon if it is to have one.
    value : str, int, float, bool or None
        The raw value; None is shown as a blank.
    style : str, default "auto"
        A `Style`; ``"auto"`` is ``"integer"`` for an int, ``"general"`` for a float
        and ``"text"`` for the rest.

    Raises
    ------
    ValueError
        If `style` is not known.

    Examples
    --------
    >>> Field("No. Observations:", 23).style
    'auto'
    """

    label: str
    value: str | int | float | bool | None
    style: FieldStyle = "auto"

    def __post_init__(self) -> None:
        _check_style(self.style, FIELD_STYLES)


@dataclass(frozen=True, slots=True)
class Column:
    """Name one column of a table and say how its values are meant.

    Parameters
    ----------
    name : str
        The column's heading.
    style : str
        A `Style`. All values of the column are formatted together by it.

    Raises
    ------
    ValueError
        If `style` is not known.

    Examples
    --------
    >>> Column("coef", "estimate")
    Column(name='coef', style='estimate')
    """

    name: str
    style: Style

    def __post_init__(self) -> None:
        _check_style(self.style, STYLES)


@dataclass(frozen=True, slots=True)
class Row:
    """Hold one row of a table: its label and either its cells or a note.

    Parameters
    ----------
    label : str
        The row's name, usually a term of the formula.
    cells : tuple of float, int, str or None, default ()
        One raw value per column; None is a blank. May be left out if there is a note.
    note : str, optional
        Text that stands in place of the cells, spanning the columns.
    ruled : bool, default False
        Whether a thin rule parts the row from the one above.

    Raises
    ------
    ValueError
        If there is a note and a cell that is not None: one of them could not be shown.

    Examples
    --------
    >>> Row("x2", note="(aliased: x2 = x)")
    Row(label='x2', cells=(), note='(aliased: x2 = x)', ruled=False)
    """

    label: str
    cells: tuple[Cell, ...] = ()
    note: str | None = None
    ruled: bool = False

    def __post_init__(self) -> None:
        if self.note is not None and any(cell is not None for cell in self.cells):
            raise ValueError(
                f"row {self.label!r} has both a note and cells; give it a note alone, "
                "or put the text among the report's notes"
            )


@dataclass(frozen=True, slots=True)
class Table:
    """Hold a table of raw values with named columns and labelled rows.

    Parameters
    ----------
    columns : tuple of Column
        The columns to the right of the row labels.
    rows : tuple of Row
        The rows; each has one cell per column, or a note.
    title : str, optional
        A title of the table's own, e.g. ``"Odds ratios"``.

    Raises
    ------
    ValueError
        If a row has another number of cells than there are columns.

    Examples
    --------
    >>> table = Table(
    ...     columns=(Column("coef", "estimate"), Column("P>|z|", "pvalue")),
    ...     rows=(Row("x", (0.25, 0.041)), Row("x2", note="(aliased: x2 = x)")),
    ... )
    >>> print(table.to_frame())
        coef  P>|z|
    x   0.25  0.041
    x2   NaN    NaN
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str | None = None

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns) and not (row.note is not None and not row.cells):
                raise ValueError(
                    f"row {row.label!r} has {len(row.cells)} cells for {len(self.columns)} columns"
                )

    def values(self, index: int) -> tuple[Cell, ...]:
        """Return the raw values of a column.

        Parameters
        ----------
        index : int
            The column's position, from 0.

        Returns
        -------
        tuple of float, int, str or None
            One value per row; None for a row that shows a note.
        """
        return tuple(row.cells[index] if row.cells else None for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Return the raw values, unrounded, as a data frame.

        Returns
        -------
        pandas.DataFrame
            The row labels are the index. A blank, and so a row that shows a note, is
            NaN in a column of numbers.
        """
        labels = [row.label for row in self.rows]
        series = [
            pd.Series(self.values(i), index=labels, dtype=_dtype(column, self.values(i)))
            for i, column in enumerate(self.columns)
        ]
        frame = pd.DataFrame(dict(enumerate(series)), index=labels)
        frame.columns = pd.Index([column.name for column in self.columns])
        return frame


def _dtype(column: Column, values: tuple[Cell, ...]) -> Literal["object", "int64", "float64"]:
    """Choose the dtype that holds a column's raw values without changing any."""
    if column.style == "text" or any(isinstance(value, str) for value in values):
        return "object"
    if column.style == "integer" and values and all(map(is_whole, values)):
        return "int64"
    return "float64"


@dataclass(frozen=True, slots=True)
class Report:
    """Hold everything a summary shows: title, header block, tables and notes.

    The renderers take a `Report`; `glmfit.output.summary.Summary` is a `Report` that
    also knows the renderers.

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
    """

    title: str
    left: tuple[Field, ...] = ()
    right: tuple[Field, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
