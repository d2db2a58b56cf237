"""Write a report as semantic HTML for notebooks.

Colours come from the page (``currentColor`` and its opacity), so the tables fit light
and dark themes. The style sheet stands in the fragment and touches only elements of
class ``glmfit``; where a host removes it (GitHub), plain tables remain. Selectors begin with
the outer class, as those of JupyterLab (``.jp-RenderedHTMLCommon:not(...) td``, a fixed layout)
outrank shorter ones.
"""

from __future__ import annotations

from html import escape
from typing import Final

from glmfit.output.formatting import header_rows, printable, table_rows
from glmfit.output.table import Report, Row, Table

_STYLE: Final = """\
<style>
.glmfit-summary { width: fit-content; max-width: 100%; overflow-x: auto; }
.glmfit-summary table.glmfit { border-collapse: collapse; table-layout: auto; width: 100%;
  margin: 0 0 0.8em 0; color: inherit; font-variant-numeric: tabular-nums;
  border-top: 2px solid currentColor; border-bottom: 2px solid currentColor; }
.glmfit-summary table.glmfit caption { caption-side: top; text-align: center; font-weight: bold;
  color: inherit; padding: 0.4em 0; }
.glmfit-summary table.glmfit th, .glmfit-summary table.glmfit td { padding: 0.2em 0.8em;
  text-align: right; white-space: nowrap; vertical-align: baseline; border: 0; background: none;
  color: inherit; }
.glmfit-summary table.glmfit th[scope="row"],
.glmfit-summary table.glmfit .glmfit-text { text-align: left; }
.glmfit-summary table.glmfit td.glmfit-text { white-space: normal; }
.glmfit-summary table.glmfit td.glmfit-note { text-align: left; white-space: normal;
  font-style: italic; }
.glmfit-summary table.glmfit td.glmfit-value { white-space: normal; overflow-wrap: anywhere;
  max-width: 24em; }
.glmfit-summary table.glmfit tfoot td { text-align: left; white-space: normal;
  font-size: 0.9em; }
.glmfit-summary table.glmfit thead tr > *, .glmfit-summary table.glmfit tfoot td,
.glmfit-summary table.glmfit tr.glmfit-ruled > * { position: relative; }
.glmfit-summary table.glmfit thead tr > *::after,
.glmfit-summary table.glmfit tfoot tr:first-child td::before,
.glmfit-summary table.glmfit tr.glmfit-ruled > *::before {
  content: ""; position: absolute; left: 0; right: 0;
  border-bottom: 1px solid currentColor; opacity: 0.4; }
.glmfit-summary table.glmfit thead tr > *::after { bottom: 0; }
.glmfit-summary table.glmfit tfoot tr:first-child td::before,
.glmfit-summary table.glmfit tr.glmfit-ruled > *::before { top: 0; }
</style>"""


def to_html(report: Report) -> str:
    """Write a report as an HTML fragment.

    Parameters
    ----------
    report : Report
        What to show.

    Returns
    -------
    str
        A ``<div>`` with one ``<table class="glmfit">`` for the header block and one
        per table; titles are captions, notes the last table's footer. All text is
        escaped, and MathJax is told to leave it alone.

    Examples
    --------
    >>> fragment = to_html(Report("<b>", notes=("x < 1",)))
    >>> "<caption>&lt;b&gt;</caption>" in fragment
    True
    >>> '<td colspan="4">x &lt; 1</td>' in fragment
    True
    """
    blocks = _blocks(report)
    blocks[-1] += _footer(report.notes, len(report.tables[-1].columns) + 1 if report.tables else 4)
    tables = [f'<table class="glmfit">\n{block}</table>' for block in blocks]
    opening = '<div class="glmfit-summary tex2jax_ignore mathjax_ignore">'
    return "\n".join([opening, _STYLE, *tables, "</div>"])


def _text(text: str) -> str:
    return escape(printable(text), quote=True)


def _blocks(report: Report) -> list[str]:
    """Write the inside of each table; the first has the report's title."""
    tables = list(report.tables)
    if report.left or report.right or not tables:
        first = _caption(report.title) + _header(report)
    else:
        table = tables.pop(0)
        first = _caption(report.title, table.title) + _table(table)
    return [first, *(_caption(table.title) + _table(table) for table in tables)]


def _caption(*titles: str | None) -> str:
    lines = [_text(title) for title in titles if title is not None]
    return f"<caption>{'<br>'.join(lines)}</caption>\n" if lines else ""


def _header(report: Report) -> str:
    rows = header_rows(report)
    if not rows:
        return ""
    return "\n".join(["<tbody>", *(_header_row(row) for row in rows), "</tbody>"]) + "\n"


def _header_row(row: tuple[str, str, str, str]) -> str:
    return f"<tr>{_pair(row[0], row[1])}{_pair(row[2], row[3])}</tr>"


def _pair(label: str, value: str) -> str:
    if not label and not value:
        return "<td></td><td></td>"
    return f'<th scope="row">{escape(label)}</th><td class="glmfit-value">{escape(value)}</td>'


def _table(table: Table) -> str:
    heads = "".join(
        f'<th scope="col"{_cell_class(column.style)}>{_text(column.name)}</th>'
        for column in table.columns
    )
    lines = ["<thead>", f"<tr><td></td>{heads}</tr>", "</thead>", "<tbody>"]
    lines += [
        _row(table, row, cells) for row, cells in zip(table.rows, table_rows(table), strict=True)
    ]
    return "\n".join([*lines, "</tbody>"]) + "\n"


def _row(table: Table, row: Row, cells: tuple[str, ...]) -> str:
    if row.note is None:
        body = "".join(
            f"<td{_cell_class(column.style)}>{escape(cell)}</td>"
            for column, cell in zip(table.columns, cells, strict=True)
        )
    else:
        span = max(1, len(table.columns))
        body = f'<td class="glmfit-note" colspan="{span}">{_text(row.note)}</td>'
    opening = '<tr class="glmfit-ruled">' if row.ruled else "<tr>"
    return f'{opening}<th scope="row">{_text(row.label)}</th>{body}</tr>'


def _cell_class(style: str) -> str:
    return ' class="glmfit-text"' if style == "text" else ""


def _footer(notes: tuple[str, ...], span: int) -> str:
    if not notes:
        return ""
    rows = [f'<tr><td colspan="{span}">{_text(note)}</td></tr>' for note in notes]
    return "\n".join(["<tfoot>", *rows, "</tfoot>"]) + "\n"
