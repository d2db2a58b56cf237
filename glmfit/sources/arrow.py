"""Rows that are read anew for each pass: Parquet files, and whatever yields Arrow batches.

Every source comes down to record batches, which are cut into pieces at fixed row numbers.
Where the pieces end does not depend on files, row groups or batches, so the sums over them
do not either. pyarrow is imported on use.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import pandas as pd

from glmfit.errors import ArgumentTypeError, DataError, NotAvailableError, UnknownNameError, suggest
from glmfit.sources.columns import note_field, plain

__all__ = [
    "PIECE",
    "Batches",
    "Piece",
    "arrow_piece",
    "batches_of",
    "frames_of",
    "pieces",
    "write_parquet",
]

T = TypeVar("T")

PIECE = 131072
"""Rows of a piece."""

DEPTH = 2
"""Pieces that are read before their turn."""

BATCHES_AHEAD = 2
"""Batches that Arrow decodes before they are asked for."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a source.

    Attributes
    ----------
    number : int
        Which piece it is, from 0.
    table : pyarrow.Table
    origin : str
        File that its rows come from, or "" where there is none.
    """

    number: int
    table: Any
    origin: str

    @property
    def start(self) -> int:
        """Number of its first row in the source."""
        return self.number * PIECE

    @classmethod
    def of_tables(cls, tables: Sequence[Any]) -> Piece:
        """Return rows from anywhere in the source as a piece of their own."""
        import pyarrow as pa

        return cls(0, pa.concat_tables(tables, promote_options="permissive"), "")


@runtime_checkable
class Batches(Protocol):
    """A source that yields its rows as often as it is asked."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def memory(self) -> int | None:
        """Bytes of rows that may be kept in memory, or None for the usual."""

    def read(self, columns: Sequence[str], skip: int) -> Iterator[tuple[Any, str]]:
        """Yield tables with where they come from, from row ``skip`` on."""


def batches_of(data: Any) -> Batches | None:
    """Return the source of rows that ``data`` is, or None for a table in memory.

    Parameters
    ----------
    data : path, pyarrow Dataset, callable, DuckDB relation, polars LazyFrame or iterable

    Raises
    ------
    ArgumentTypeError
        For an iterator, which can be read once only.
    DataError
        If there is no such file, or it cannot be read.
    """
    if isinstance(data, Batches):
        return data
    if isinstance(data, (str, os.PathLike)):
        return _Files(_opened(data))
    if hasattr(data, "get_fragments") and hasattr(data, "scanner"):
        return _dataset(data)
    if hasattr(data, "collect_schema") and hasattr(data, "collect"):
        return _Frames(_lazy_frames(data))
    if hasattr(data, "fetch_arrow_reader") or hasattr(data, "to_arrow_reader"):
        return _Frames(_relation_frames(data))
    if callable(data) and not isinstance(data, type):
        return _Frames(lambda _: data())
    if hasattr(data, "__next__") or type(data).__name__ == "RecordBatchReader":
        raise ArgumentTypeError(
            f"data is a {type(data).__name__}, which can be read only once; a fit goes over its "
            "rows several times. Give a function that returns it anew, or a list of frames."
        )
    frames = not isinstance(data, (Mapping, np.ndarray)) and not hasattr(data, "columns")
    if frames and not hasattr(data, "column_names") and hasattr(data, "__iter__"):
        first = next(iter(data), None)
        if first is not None and (hasattr(first, "columns") or hasattr(first, "__arrow_c_array__")):
            return _Frames(lambda _: data)
    return None


def frames_of(made: Callable[[Sequence[str] | None], Iterable[Any]]) -> Batches:
    """Return the source of the frames that a function returns for some columns."""
    return _Frames(made)


def pieces(source: Batches, columns: Sequence[str], first: int = 0) -> Iterator[Piece]:
    """Yield the pieces of a source from the ``first`` on, read on a thread of its own."""
    with closing(_ahead(_cut(source, columns, first))) as found:
        yield from found


def _cut(source: Batches, columns: Sequence[str], first: int) -> Iterator[Piece]:
    import pyarrow as pa

    number, held, count, origins = first, [], 0, dict[str, None]()
    for table, origin in source.read(columns, first * PIECE):
        held.append(table)
        count += table.num_rows
        origins[origin] = None
        while count >= PIECE:
            whole = pa.concat_tables(held, promote_options="permissive")
            yield Piece(number, whole.slice(0, PIECE), _told(origins))
            rest = whole.slice(PIECE)
            number, held, count = number + 1, [rest], count - PIECE
            origins = {origin: None}
    if count:
        whole = pa.concat_tables(held, promote_options="permissive")
        yield Piece(number, whole, _told(origins))


def _told(origins: Mapping[str, None]) -> str:
    names = list(origins)
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


class _Files:
    """The files of a dataset, one after the other."""

    memory: int | None = None

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.names = tuple(dataset.schema.names)
        self._fields = {field.name: field for field in dataset.schema}
        """Columns as the first file has them in which they are not entirely missing."""
        self._checked: set[tuple[str, str]] = set()

    def read(self, columns: Sequence[str], skip: int) -> Iterator[tuple[Any, str]]:
        import pyarrow as pa

        for fragment in self.dataset.get_fragments():
            origin = str(getattr(fragment, "path", ""))
            try:
                self._check(fragment, columns, origin)
                for part, left in _left(fragment, skip):
                    skip = left if part is None else 0
                    if part is not None:
                        yield from self._tables(part, columns, left, origin)
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"{origin or 'The data'} cannot be read: {error}") from error

    def _tables(
        self, part: Any, columns: Sequence[str], skip: int, origin: str
    ) -> Iterator[tuple[Any, str]]:
        import pyarrow as pa

        found = part.to_batches(
            schema=self._schema(part),
            columns=list(columns),
            batch_size=PIECE,
            batch_readahead=BATCHES_AHEAD,
            **_sparing(part),
        )
        for batch in found:
            if skip >= batch.num_rows:
                skip -= batch.num_rows
                continue
            yield plain(pa.Table.from_batches([batch.slice(skip)]), self._fields), origin
            skip = 0

    def _schema(self, fragment: Any) -> Any:
        """Return the schema of the data set, partitions included, in the types of a file."""
        import pyarrow as pa

        own = {field.name: field for field in fragment.physical_schema}
        return pa.schema([own.get(field.name, field) for field in self.dataset.schema])

    def _check(self, fragment: Any, columns: Sequence[str], origin: str) -> None:
        """Raise unless a file has the columns, of the kind that the first file has."""
        left = [name for name in columns if (origin, name) not in self._checked]
        if not left:
            return
        own = fragment.physical_schema
        keys = _partition_keys(fragment)
        for name in left:
            if name not in keys:
                if own.get_field_index(name) < 0:
                    raise DataError(
                        f"{origin} has no column {name!r}, which the files before it have."
                    )
                note_field(self._fields, own.field(name), origin)
            if origin:
                self._checked.add((origin, name))


def _sparing(fragment: Any) -> dict[str, Any]:
    """Return the options that keep Arrow from holding a whole Parquet file at a time."""
    from pyarrow import dataset

    if not isinstance(getattr(fragment, "format", None), dataset.ParquetFileFormat):
        return {}
    return {"fragment_scan_options": dataset.ParquetFragmentScanOptions(pre_buffer=False)}


def _left(fragment: Any, skip: int) -> Iterator[tuple[Any, int]]:
    """Yield the parts of a file that are left, with rows to skip; (None, skip) for a whole file."""
    if skip == 0:
        yield fragment, 0
        return
    count = fragment.count_rows()
    if skip >= count:
        yield None, skip - count
        return
    groups = fragment.split_by_row_group() if hasattr(fragment, "split_by_row_group") else []
    if len(groups) < 2:
        yield fragment, skip
        return
    for group in groups:
        rows = sum(part.num_rows for part in group.row_groups)  # count_rows() is the file's
        if skip >= rows:
            skip -= rows
            continue
        yield group, skip
        skip = 0


class _Frames:
    """Frames or batches that a function returns anew for each pass."""

    memory: int | None = None

    def __init__(self, made: Callable[[Sequence[str] | None], Iterable[Any]]) -> None:
        _require_arrow()
        self._made = made
        first = next(iter(made(None)), None)
        if first is None:
            raise DataError("The data have no frames, so not even their columns are known.")
        self.names = _names_of(first)
        self._fields: dict[str, Any] = {}
        """Columns as the first frame has them in which they are not entirely missing."""

    def read(self, columns: Sequence[str], skip: int) -> Iterator[tuple[Any, str]]:
        import pyarrow as pa

        origin = "The data"
        try:
            for number, frame in enumerate(self._made(columns)):
                origin = f"frame {number}"
                table = _arrow(frame, columns, origin)
                for name in columns:
                    note_field(self._fields, table.schema.field(name), origin)
                if skip >= table.num_rows > 0:
                    skip -= table.num_rows
                    continue
                yield plain(table.slice(skip), self._fields), origin
                skip = 0
        except pa.ArrowException as error:
            raise DataError(f"{origin} cannot be read: {error}") from error


def _names_of(frame: Any) -> tuple[str, ...]:
    """Return the names of the columns of a frame or a batch, which may not be twice the same."""
    schema: Any = getattr(frame, "schema", None)
    names = schema.names if hasattr(schema, "field") else _checked_frame(frame).columns
    twice = [name for name in names if list(names).count(name) > 1]
    if twice:
        raise DataError(f"The data have {len(twice)} columns named {twice[0]!r}.")
    return tuple(names)


def _checked_frame(frame: Any) -> Any:
    if isinstance(frame, pd.DataFrame):
        return frame
    if hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__arrow_c_array__"):
        return frame
    raise ArgumentTypeError(
        f"data yields {type(frame).__name__}; a frame (pandas, polars) or a record batch is needed."
    )


def _arrow(frame: Any, columns: Sequence[str], origin: str) -> Any:
    """Return the given columns of a frame or a batch as an Arrow table."""
    import pyarrow as pa

    if isinstance(frame, pd.DataFrame):
        _require(columns, frame.columns, origin)
        return pa.Table.from_pandas(_untyped(frame[list(columns)]), preserve_index=False)
    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    elif not isinstance(frame, pa.Table):
        frame = _in_alphabetical_order(_checked_frame(frame), columns)
        frame = pa.table(frame)
    _require(columns, frame.column_names, origin)
    return frame.select(list(columns))


def arrow_piece(frame: Any, columns: Sequence[str]) -> Piece:
    """Return a frame that is a piece by itself."""
    _require_arrow()
    table = _arrow(frame, columns, "")
    fields: dict[str, Any] = {}
    for name in columns:
        note_field(fields, table.schema.field(name), "")
    return Piece(0, plain(table, fields), "")


def _in_alphabetical_order(frame: Any, columns: Sequence[str]) -> Any:
    """Return a polars frame with text for its categories, which have no order of their own.

    Those of its Enum columns have one, and are kept.
    """
    kinds = getattr(frame, "schema", {})
    unordered = [n for n in columns if str(kinds.get(n, "")).startswith("Categorical")]
    return frame.cast(dict.fromkeys(unordered, str)) if unordered else frame


def _untyped(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose columns of objects that are all missing have no type in Arrow.

    Arrow would take NaN for a number, which is not to be joined with the text of other pieces.
    """
    objects = [name for name, kind in frame.dtypes.items() if kind == np.dtype(object)]
    empty = {str(name): None for name in objects if frame[name].isna().all()}
    return frame.assign(**empty) if empty else frame


def _require(columns: Sequence[str] | None, names: Iterable[Any], origin: str) -> None:
    absent = [name for name in columns or () if name not in names]
    if absent:
        raise DataError(f"{origin} has no column {absent[0]!r}, which the first frame has.")


def _dataset(data: Any) -> Batches:
    """Return a dataset as its files; one that is filtered has none, and is scanned as a whole."""
    try:
        data.get_fragments()
    except ValueError:
        return _Frames(partial(_scanned, data))
    return _Files(data)


def _scanned(data: Any, columns: Sequence[str] | None) -> Iterable[Any]:
    if columns is None:
        return [data.schema.empty_table()]
    found: Iterable[Any] = data.scanner(columns=list(columns), batch_size=PIECE).to_batches()
    return found


def _lazy_frames(frame: Any) -> Callable[[Sequence[str] | None], Iterable[Any]]:
    """Return what runs a polars query for some columns."""
    names = frame.collect_schema().names()

    def collected(columns: Sequence[str] | None) -> Iterable[Any]:
        if columns is None:
            return [frame.head(0).collect()]
        absent = [name for name in columns if name not in names]
        if absent:
            raise UnknownNameError(f"There is no column {absent[0]!r} in the data.")
        chosen = frame.select(list(columns))
        if hasattr(chosen, "collect_batches"):
            batches: Iterable[Any] = chosen.collect_batches(chunk_size=PIECE, maintain_order=True)
            return batches
        return [chosen.collect()]

    return collected


def _relation_frames(relation: Any) -> Callable[[Sequence[str] | None], Iterable[Any]]:
    """Return what runs a DuckDB query for some columns."""

    def fetched(columns: Sequence[str] | None) -> Iterable[Any]:
        if columns is None:
            chosen = relation.limit(0)
        else:
            quoted = ('"' + name.replace('"', '""') + '"' for name in columns)
            chosen = relation.project(", ".join(quoted))
        read = getattr(chosen, "to_arrow_reader", None) or chosen.fetch_arrow_reader
        reader = read(PIECE)
        found: Iterable[Any] = [reader.schema.empty_table()] if columns is None else reader
        return found

    return fetched


def _require_arrow() -> None:
    if find_spec("pyarrow") is None:
        raise NotAvailableError(
            "Streamed rows are read by pyarrow, which is not installed: pip install 'glmfit[data]'."
        )


def _partition_keys(fragment: Any) -> Mapping[str, Any]:
    from pyarrow import dataset

    keys: Mapping[str, Any] = dataset.get_partition_keys(fragment.partition_expression)
    return keys


def _opened(path: Any) -> Any:
    _require_arrow()
    import pyarrow as pa
    from pyarrow import dataset

    if not Path(path).exists():
        near = [item.name for item in Path(path).parent.glob("*")] if Path(path).name else []
        raise DataError(f"There is no file {os.fspath(path)!r}.{suggest(Path(path).name, near)}")
    try:
        return dataset.dataset(os.fspath(path), format="parquet", partitioning="hive")
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{os.fspath(path)!r} cannot be read as Parquet: {error}") from error


# -- threads -------------------------------------------------------------------------------


def _ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """Yield items that a thread draws before they are asked for."""
    found: queue.Queue[tuple[str, Any]] = queue.Queue(DEPTH)
    stopped = threading.Event()

    def put(kind: str, value: Any) -> None:
        while not stopped.is_set():
            try:
                return found.put((kind, value), timeout=0.1)
            except queue.Full:
                continue

    def draw() -> None:
        try:
            for item in items:
                put("item", item)
                if stopped.is_set():
                    return
            put("end", None)
        except BaseException as error:  # handed to the thread that asks, whatever it is
            put("error", error)

    thread = threading.Thread(target=draw, name="glmfit-reader", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = found.get()
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value
    finally:
        stopped.set()
        thread.join()


# -- writing -------------------------------------------------------------------------------


def write_parquet(path: Any, frames: Iterable[pd.DataFrame]) -> None:
    """Write frames, one after the other, to a Parquet file that appears when it is complete."""
    import pyarrow as pa
    from pyarrow import parquet

    target = Path(path)
    partial = target.with_name(f".{target.name}.part")
    writer: Any = None
    try:
        for frame in frames:
            table = pa.Table.from_pandas(frame, preserve_index=False)
            if writer is None:
                writer = parquet.ParquetWriter(partial, table.schema)
            writer.write_table(table)
        if writer is not None:
            writer.close()
            writer = None
            partial.replace(target)
    finally:
        if writer is not None:
            writer.close()
        partial.unlink(missing_ok=True)
