"""Run a function over chunks on threads and hand the results back in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import lru_cache, reduce
from threading import Lock, local
from typing import TypeVar

from threadpoolctl import LibController, ThreadpoolController

from glmfit.design import Design
from glmfit.engine.control import Control
from glmfit.sources import Block, Rows, RowSource
from glmfit.sources.rows import Elsewhere

__all__ = [
    "map_ahead",
    "map_chunks",
    "one_blas_thread",
    "one_pool",
    "reduce_chunks",
    "rows_together",
]

S = TypeVar("S")
T = TypeVar("T")

CACHED = 2**18
"""Numbers of a chunk's design that stay in a processor's cache with what is made of them."""

FEWEST, MOST = 1024, 131072
"""Rows of a chunk."""

ROWS_PER_CELL = 4

BLOCK = 8
"""Most chunks that a thread takes at once."""

SHARES = 32
"""Blocks that rows are divided into at least, where there are as many chunks."""

AHEAD = 4
"""Blocks per thread that may wait for their turn, so that results do not pile up."""


class _OneThread:
    """BLAS held to one thread while any fit runs, and let go by the last to end.

    Its own threads are no help with the narrow products of a chunk; where another process
    has a processor they wait for each other, and a product takes ten times as long.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._depth = 0
        self._before: list[int] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._before = [library.get_num_threads() for library in _blas()]
                for library in _blas():
                    library.set_num_threads(1)
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                for library, count in zip(_blas(), self._before, strict=True):
                    library.set_num_threads(count)

    def __reduce__(self) -> str:
        return "one_blas_thread"  # every process has its own


one_blas_thread = _OneThread()
"""``with one_blas_thread:`` around a fit or a pass; may be nested and shared by threads."""


@lru_cache(maxsize=1)
def _blas() -> tuple[LibController, ...]:
    # looking up the loaded BLAS libraries takes milliseconds: once is enough
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


class _Shared(local):
    """The pool that the passes of a fit share; worker threads see none."""

    fitting: bool = False
    threads: int = 0
    pool: ThreadPoolExecutor | None = None


_shared = _Shared()


@contextmanager
def one_pool() -> Iterator[None]:
    """Let all passes of a fit on this thread run on the same threads, gone when it ends.

    The first pass that has rows enough for them starts them. May be nested.
    """
    if _shared.fitting:
        yield
        return
    _shared.fitting = True
    try:
        yield
    finally:
        pool, _shared.pool, _shared.fitting = _shared.pool, None, False
        if pool is not None:
            pool.shutdown()


def _pool_of(threads: int) -> ThreadPoolExecutor:
    """Return the pool of the fit that this thread is at, or a new one."""
    if _shared.pool is not None and _shared.threads == threads:
        return _shared.pool
    pool = ThreadPoolExecutor(threads, thread_name_prefix="glmfit")
    if _shared.fitting and _shared.pool is None:
        _shared.pool, _shared.threads = pool, threads
    return pool


def rows_together(design: Design) -> int:
    """Return how many rows of a design fit into cache together.

    Where the columns are those of large factors, a chunk is as long as makes up for the
    cells of its cross products.
    """
    cells = design.raw.shape[1] ** 2
    fitting = CACHED // max(design.row_size, 1)
    return min(max(fitting, cells // ROWS_PER_CELL, FEWEST), MOST)


def map_chunks(function: Callable[[Rows], T], rows: RowSource, control: Control) -> Iterator[T]:
    """Yield ``function(chunk)`` for each chunk of ``rows``, in the order of the rows.

    The order does not depend on the number of threads, so sums taken over it are the
    same to the last bit. BLAS is held to one thread while chunks run on several.
    """
    if isinstance(rows, Elsewhere):
        yield from rows.map(_alone(function), _chunk_size(rows, control))
        return
    for block in _blocks(lambda chunks: [function(chunk) for chunk in chunks], rows, control):
        yield from block


def reduce_chunks(
    function: Callable[[Rows], T], add: Callable[[T, T], T], rows: RowSource, control: Control
) -> T:
    """Return the sum of ``function(chunk)`` over the chunks, added in a fixed order.

    Chunks are added within blocks on the threads, and blocks in their order, so that
    nothing but one sum a block is kept.
    """
    if isinstance(rows, Elsewhere):
        return rows.reduce(_alone(function), add, _chunk_size(rows, control))
    sums = _blocks(lambda chunks: reduce(add, map(function, chunks)), rows, control)
    return reduce(add, sums)


def _chunk_size(rows: RowSource, control: Control) -> int:
    # a chunk has FEWEST rows at least; of so few BLAS makes no threads
    return control.chunk_rows or (FEWEST if rows.n <= FEWEST else rows_together(rows.design))


def _alone(function: Callable[[Rows], T]) -> Callable[[Rows], T]:
    """Return a function for another process, which holds BLAS to one thread there."""

    def run(chunk: Rows) -> T:
        with one_blas_thread:
            return function(chunk)

    return run


def _blocks(function: Callable[[list[Rows]], T], rows: RowSource, control: Control) -> Iterator[T]:
    """Yield ``function(chunks)`` for each block of chunks, in order."""
    n = rows.n
    size = _chunk_size(rows, control)
    if n <= FEWEST:
        for block in rows.blocks(size, 1):
            yield function(block())
        return
    if n <= size:
        for block in rows.blocks(size, 1):
            with one_blas_thread:
                part = function(block())
            yield part
        return
    # few chunks are dealt out one by one; the threads must not matter for the sums
    together = min(max(n // (size * SHARES), 1), BLOCK)

    def run(block: Block) -> T:
        return function(block())

    # blocks of rows that are read anew are large
    ahead = 1 if rows.costly else AHEAD
    yield from map_ahead(run, rows.blocks(size, together), control, ahead)


def map_ahead(
    function: Callable[[S], T], items: Iterable[S], control: Control, ahead: int = 2
) -> Iterator[T]:
    """Yield ``function(item)`` in order, ``ahead`` items per thread drawn before their turn.

    Items are drawn on this thread, one after the other, so that those of a random generator
    are the same on any number of threads.
    """
    with one_blas_thread:
        pool = _pool_of(control.n_threads)
        waiting: deque[Future[T]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= ahead * control.n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            # an error or Ctrl-C leaves no item behind
            wait([future for future in waiting if not future.cancel()])
            if pool is not _shared.pool:
                pool.shutdown()
