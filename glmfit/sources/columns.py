"""Columns of Arrow tables: their kinds, and what they are to a model as a frame.

pyarrow is imported on use.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd

from glmfit.errors import DataError

__all__ = ["check_kind", "frame_of", "ordered_columns", "plain"]


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
    columns = {name: _series(piece.table.column(name)) for name in piece.table.column_names}
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


def _series(column: Any) -> pd.Series:
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind) or _is_text(kind):
        return pd.Series(_categories(column, ordered=types.is_dictionary(kind)))
    if types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif types.is_integer(kind) and column.null_count:
        return pd.Series(column.to_pandas(types_mapper=lambda _: pd.Int64Dtype()))
    return pd.Series(column.to_pandas())


def _categories(column: Any, *, ordered: bool) -> pd.Categorical:
    """Return text or a dictionary as categories; text in the order of the alphabet."""
    if not ordered:
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    codes = whole.indices.cast("int64").fill_null(-1).to_numpy(zero_copy_only=False)
    levels = whole.dictionary.to_pylist()
    if not ordered:
        order = sorted(range(len(levels)), key=levels.__getitem__)
        rank = np.empty(len(levels) + 1, dtype=np.int64)
        rank[order] = np.arange(len(levels))
        rank[-1] = -1  # where the code is -1
        codes, levels = rank[codes], [levels[i] for i in order]
    return pd.Categorical.from_codes(
        codes, pd.Index(levels, dtype=object), ordered=bool(getattr(column.type, "ordered", False))
    )


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


def check_kind(first: Any, here: Any, origin: str) -> None:
    from pyarrow import types

    if types.is_nested(here.type):
        raise DataError(
            f"Column {here.name!r} holds {here.type}, of which a model can make nothing; a number "
            "or a text in each row is needed."
        )
    if types.is_null(first.type) or types.is_null(here.type):
        return
    before, now = _kind(first.type), _kind(here.type)
    if before != now:
        raise DataError(
            f"Column {here.name!r} holds {now} ({here.type}) in {origin}, but {before} "
            f"({first.type}) before. Bring the files to one type."
        )


def plain(table: Any) -> Any:
    """Return a table without metadata, so that tables of several files go together."""
    import pyarrow as pa

    table = table.replace_schema_metadata()
    kinds = [_joinable(kind) for kind in table.schema.types]
    if kinds == table.schema.types:
        return table
    return table.cast(pa.schema(list(zip(table.column_names, kinds, strict=True))))


def _joinable(kind: Any) -> Any:
    """Return the type to which all of its kind are brought."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_dictionary(kind):
        return pa.dictionary(pa.int32(), _joinable(kind.value_type), kind.ordered)
    if _is_text(kind):
        return pa.large_string() if types.is_large_string(kind) else pa.string()
    if types.is_decimal(kind) or types.is_null(kind):
        return pa.float64()
    return kind
