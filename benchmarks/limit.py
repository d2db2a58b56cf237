"""The least time that a machine needs for a fit: two readings of X, two products X'WX.

What any Fisher scoring does at least, at the speed of this machine: a look at all rows
before the last step, and one for the covariance there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

__all__ = ["PASSES", "seconds_at_least"]

PASSES = 2

READ = 2**25
"""Numbers that are read to measure the bandwidth: more than caches hold."""

TALL = 8192
"""Rows of the matrix whose products are timed, which stays in cache."""

REPEATS = 5


def seconds_at_least(rows: int, columns: int, threads: int) -> float:
    """Return the limit of a fit to dense columns, in seconds.

    Parameters
    ----------
    rows, columns, threads : int
    """
    numbers, flops = rows * columns, rows * columns**2
    reading = numbers * _seconds_per_number(threads)
    return PASSES * (reading + flops * _seconds_per_flop(columns, threads))


def _seconds_per_number(threads: int) -> float:
    """Return the time to read a float64 from memory, all threads at once."""
    pieces = np.array_split(np.ones(READ), threads)
    return _best(lambda part: pieces[part].sum(), threads) / READ


def _seconds_per_flop(columns: int, threads: int) -> float:
    """Return the time of one operation of X'X, multiplications and additions apart."""
    matrices = [np.ones((TALL, columns)) for _ in range(threads)]
    once = 64

    def products(part: int) -> None:
        for _ in range(once):
            # np.dot lets other threads run; half of its operations are saved by symmetry
            np.dot(matrices[part].T, matrices[part])

    return _best(products, threads) / (threads * once * TALL * columns**2)


def _best(work: Callable[[int], object], threads: int) -> float:
    seconds = []
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        for _ in range(REPEATS):
            start = time.perf_counter()
            list(pool.map(work, range(threads)))
            seconds.append(time.perf_counter() - start)
    return min(seconds)
