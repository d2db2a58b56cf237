"""Columns of Arrow tables: their kinds, and what they are to a model as a frame.

pyarrow is imported on use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import DataError

__all__ = ["frame_of", "note_field", "ordered_columns", "plain", "series_of"]


class Numbered(Protocol):
    """Rows with the number of the first one: a `Piece`."""

    @property
    def table(self) -> Any: ...
    @property
    def start(self) -> int: ...


def frame_of(piece: Numbered) -> pd.DataFrame:
    """Return the rows of a piece, numbered as in the source.

    Text becomes categories in the order of the alphabet, Arrow's dictionaries keep theirs.
    """
    columns = {name: series_of(piece.table.column(name)) for name in piece.table.column_names}
    index = pd.RangeIndex(piece.start, piece.start + piece.table.num_rows)
    if not columns:
        return pd.DataFrame(index=index)
    frame = pd.DataFrame(columns, copy=False)
    frame.index = index
    return frame


def ordered_columns(piece: Numbered) -> frozenset[str]:
    """Return the columns whose categories have an order of their own: Arrow's dictionaries."""
    from pyarrow import types

    return frozenset(f.name for f in piece.table.schema if types.is_dictionary(f.type))


def series_of(column: Any) -> pd.Series:
    """Return a column as numbers, booleans or categories."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind) or _is_text(kind):
        return pd.Series(_categories(column, ordered=types.is_dictionary(kind)))
    if types.is_decimal(kind) or types.is_null(kind):
        column = column.cast(pa.float64())
    elif types.is_integer(kind) and column.null_count:
        return pd.Series(column.to_pandas(types_mapper=lambda _: pd.Int64Dtype()))
    return pd.Series(column.to_pandas())


def _categories(column: Any, *, ordered: bool) -> pd.Categorical:
    """Return text or a dictionary as categories; text in the order of the alphabet."""
    if not ordered:
        column = column.dictionary_encode()
    if column.num_chunks == 0:  # which older releases of pyarrow do not combine
        return pd.Categorical([])
    whole = column.unify_dictionaries().combine_chunks()
    codes = whole.indices.cast("int64").fill_null(-1).to_numpy(zero_copy_only=False)
    places, levels = _distinct(whole.dictionary.to_pylist())
    if not ordered:
        order = sorted(range(len(levels)), key=levels.__getitem__)
        rank = np.empty(len(levels), dtype=np.int64)
        rank[order] = np.arange(len(levels))
        places, levels = rank, [levels[i] for i in order]
    places = np.append(places, -1)  # where the code is -1
    return pd.Categorical.from_codes(
        places[codes],
        pd.Index(levels, dtype=object),
        ordered=bool(getattr(column.type, "ordered", False)),
    )


def _distinct(values: list[Any]) -> tuple[NDArray[np.int64], list[Any]]:
    """Return where each value stands among the distinct ones, and these."""
    found: dict[Any, int] = {}
    places = [found.setdefault(value, len(found)) for value in values]
    return np.array(places, dtype=np.int64), list(found)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(
        types.is_string(kind) or types.is_large_string(kind) or str(kind).startswith("string_view")
    )


def _kind(kind: Any) -> str:
    """Return what a type means to a model."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return _kind(kind.value_type)
    if _is_text(kind):
        return "text"
    if types.is_boolean(kind):
        return "boolean"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "numbers"
    return str(kind)


def note_field(first: dict[str, Any], here: Any, origin: str) -> None:
    """Note a column where it is met first; raise if it was of another kind before.

    Parameters
    ----------
    first : dict of str to pyarrow.Field
    here : pyarrow.Field
    origin : str
        Where the column is now.

    Raises
    ------
    DataError
        If it holds what no model can use, or numbers here and text before, say.
    """
    from pyarrow import types

    if types.is_nested(here.type):
        raise DataError(
            f"Column {here.name!r} holds {here.type}, of which a model can make nothing; a number "
            "or a text in each row is needed."
        )
    known = first.setdefault(here.name, here)
    if types.is_null(known.type):
        first[here.name] = here
        return
    before, now = _kind(known.type), _kind(here.type)
    if before != now and not types.is_null(here.type):
        raise DataError(
            f"Column {here.name!r} holds {now} ({here.type}) in {origin}, but {before} "
            f"({known.type}) before. Bring the files to one type."
        )


def plain(table: Any, first: Mapping[str, Any]) -> Any:
    """Return a table whose columns go together with those of the tables before it.

    Parameters
    ----------
    table : pyarrow.Table
    first : mapping of str to pyarrow.Field
        Columns as the first of the tables has them: text stays text, and a dictionary a
        dictionary, even if later tables have the other.
    """
    from pyarrow import types

    table = table.replace_schema_metadata()
    for place, field in enumerate(table.schema):
        wanted = first[field.name].type
        given = column = table.column(place)
        if types.is_dictionary(field.type) and not types.is_dictionary(wanted):
            column = column.cast(field.type.value_type)
        elif types.is_dictionary(wanted) and not types.is_dictionary(field.type):
            column = column if types.is_null(field.type) else column.dictionary_encode()
        elif types.is_dictionary(wanted) and _has_missing_level(column):
            column = column.cast(field.type.value_type).dictionary_encode()
        kind = _joinable(column.type)
        if column is not given or kind != field.type:
            table = table.set_column(place, field.name, column.cast(kind))
    return table


def _has_missing_level(column: Any) -> bool:
    """Return whether a dictionary lists "missing" among its levels, which cannot be joined."""
    return any(chunk.dictionary.null_count for chunk in column.chunks)


def _joinable(kind: Any) -> Any:
    """Return the type to which all of its kind are brought."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_dictionary(kind):
        return pa.dictionary(pa.int32(), _joinable(kind.value_type), kind.ordered)
    if _is_text(kind):
        return pa.large_string()
    return pa.float64() if types.is_decimal(kind) else kind
