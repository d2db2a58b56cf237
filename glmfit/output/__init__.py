"""Tables of results and how they are shown.

`table` holds the records, `formatting` writes numbers, `text`, `html`, `latex`,
`markdown` and `delimited` each draw a report one way, and `summary` joins them. Nothing
here knows of models.
"""

from glmfit.output.summary import Summary
from glmfit.output.table import Cell, Column, Field, Report, Row, Style, Table

__all__ = ["Cell", "Column", "Field", "Report", "Row", "Style", "Summary", "Table"]
