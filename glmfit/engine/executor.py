"""Run a function over chunks on threads and hand the results back in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from glmfit.engine.control import Control
from glmfit.sources import Rows

__all__ = ["map_chunks"]

T = TypeVar("T")


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    # looking up the loaded BLAS libraries takes milliseconds: once is enough
    return ThreadpoolController()


def map_chunks(function: Callable[[Rows], T], rows: Rows, control: Control) -> Iterator[T]:
    """Yield ``function(chunk)`` for each chunk of ``rows``, in the order of the rows.

    The order does not depend on the number of threads, so sums taken over it are the
    same to the last bit. BLAS is held to one thread while chunks run on several.
    """
    if rows.n <= control.chunk_rows:
        yield function(rows)
        return
    chunks = rows.chunks(control.chunk_rows)
    with (
        _blas().limit(limits=1, user_api="blas"),
        ThreadPoolExecutor(control.n_threads, thread_name_prefix="glmfit") as pool,
    ):
        yield from pool.map(function, chunks)
