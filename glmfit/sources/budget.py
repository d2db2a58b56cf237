"""Streamed rows as a user sets them up: a query with its connection, a budget of memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from glmfit.errors import ArgumentError, ArgumentTypeError, DataError
from glmfit.sources.arrow import PIECE, Batches, batches_of, frames_of

__all__ = ["Budgeted", "stream"]

SMALLEST = 2**20
"""Bytes below which a budget is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Budgeted:
    """A source of rows, and how much memory a fit may use to keep some of them.

    Attributes
    ----------
    source : Batches
    memory : int or None
        Bytes; None for the usual.
    """

    source: Batches
    memory: int | None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.source.names

    def read(self, columns: Sequence[str], skip: int) -> Iterator[tuple[Any, str]]:
        """Yield tables with where they come from, from row ``skip`` on."""
        return self.source.read(columns, skip)


def stream(data: Any, connection: Any = None, *, memory: int | None = None) -> Budgeted:
    """Return rows to fit without holding them all: any that `glm` streams, or a query.

    Parameters
    ----------
    data : path, pyarrow Dataset or Table, DuckDB relation, polars LazyFrame, frames or str
        As for `glm`; a list of frames or a function that returns them anew. With a connection:
        a query, which is run for every pass and needs an ORDER BY where the database does not
        keep the order of rows by itself.
    connection : DuckDB connection, DB-API connection or callable, optional
        Where the query is run. Rows are read on a thread of their own, so for a connection
        that belongs to one thread (sqlite3's) give a function that opens one.
    memory : int, optional
        Bytes of rows that a fit may keep in memory, 320 MiB by default. Three fifths of it
        are for an evenly spaced sample, which starts the fit and sharpens its steps (all
        rows, if they are few enough: then they are read once); the rest for rows that are not
        read again. A fit uses about 300 MB besides. More memory means fewer passes.

    Returns
    -------
    Budgeted
        To be handed to `glm` and its kin as ``data``.

    Examples
    --------
    >>> import glmfit as gf
    >>> trees = gf.datasets.load("trees")
    >>> rows = gf.stream([trees.iloc[:20], trees.iloc[20:]], memory=2**26)
    >>> gf.ols("volume ~ girth", rows).fit().params.round(3).to_dict()
    {'Intercept': -36.943, 'girth': 5.066}
    """
    if memory is not None and not (isinstance(memory, int) and memory >= SMALLEST):
        raise ArgumentError(
            f"memory must be a number of bytes of at least {SMALLEST} (got {memory!r}), such as "
            "2**29."
        )
    if connection is not None:
        if not isinstance(data, str):
            raise ArgumentTypeError(
                f"With a connection data is a query as text; got {type(data).__name__}."
            )
        return Budgeted(_queried(data, connection), memory)
    source = batches_of(data)
    if source is None and hasattr(data, "columns"):
        source = batches_of([data])
    if source is None:
        raise ArgumentTypeError(
            f"Rows are streamed from files, datasets, queries and frames; got "
            f"{type(data).__name__}."
        )
    return Budgeted(source, memory)


def _queried(query: str, connection: Any) -> Batches:
    """Return the rows of a query: by DuckDB's own reader, else by pandas'."""
    if hasattr(connection, "sql"):
        relation = connection.sql(query)
        if relation is None:
            raise ArgumentError(f"This is no query that returns rows: {query[:200]!r}.")
        found = batches_of(relation)
        assert found is not None
        return found
    return frames_of(partial(_frames, query, connection))


def _frames(query: str, connection: Any, columns: Sequence[str] | None) -> Iterable[pd.DataFrame]:
    opened = connection() if _opens(connection) else connection
    try:
        yield from pd.read_sql_query(query, opened, chunksize=PIECE)
    # connections carry the errors of their driver (PEP 249)
    except (pd.errors.DatabaseError, getattr(opened, "Error", pd.errors.DatabaseError)) as error:
        raise DataError(
            f"The query failed: {error}. It is run on a thread of its own; for a connection that "
            "belongs to one thread give a function that opens one."
        ) from error
    finally:
        if opened is not connection:
            opened.close()


def _opens(connection: Any) -> bool:
    """Return whether this is a function that opens a connection."""
    return callable(connection) and not hasattr(connection, "cursor")
