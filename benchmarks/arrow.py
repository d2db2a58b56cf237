"""Fit a logit to a Parquet data set, and compare with one plain scan of the same columns.

Run with ``python -m benchmarks.arrow [millions of rows]``: it writes a data set of eight numeric
columns and a factor of 50 levels to a temporary folder, scans it with pyarrow, fits it, and
prints times, the peak of memory, and the largest difference from the fit in memory
(``--check``, which needs the memory). ``--dask`` fits a million rows of twenty columns on a
`LocalCluster` of two workers instead, which hold them. The aim of 20 million rows is five
scans and 1 GB. Spark's and H2O's times are not measured here: neither is a Python package
alone, both need a Java runtime.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import glmfit as gf

COLUMNS = [f"x{j}" for j in range(1, 9)]
FORMULA = "y ~ " + " + ".join(COLUMNS) + " + g"
ROWS_PER_FILE = 1_000_000
ROWS_PER_GROUP = 250_000


@dataclass(frozen=True)
class Measured:
    """What one run came to.

    Attributes
    ----------
    scan, fit : float
        Seconds.
    work : float
        Seconds of processors that the fit took, on however many threads.
    peak : float
        Largest resident size of the process that fitted, in MB.
    params, errors : ndarray of shape (p,)
    """

    scan: float
    fit: float
    work: float
    peak: float
    params: Any
    errors: Any


def write(folder: Path, rows: int) -> None:
    """Write the data set, a file for each million rows."""
    import pyarrow as pa
    from pyarrow import parquet

    for number, start in enumerate(range(0, rows, ROWS_PER_FILE)):
        rng = np.random.default_rng(number)
        n = min(ROWS_PER_FILE, rows - start)
        columns: dict[str, Any] = {name: rng.normal(size=n) for name in COLUMNS}
        level = rng.integers(0, 50, n)
        eta = 0.1 * sum(columns.values()) + 0.02 * level - 0.5
        columns["g"] = pa.DictionaryArray.from_arrays(
            pa.array(level, pa.int8()), [f"g{j:02d}" for j in range(50)]
        )
        columns["y"] = (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(np.int8)
        path = folder / f"part{number:03d}.parquet"
        parquet.write_table(pa.table(columns), path, row_group_size=ROWS_PER_GROUP)


def scan(folder: str) -> float:
    """Return the seconds of one plain scan of the data set of a folder."""
    from pyarrow import dataset

    times = []
    for _ in range(2):  # the first one reads the disk
        before = time.perf_counter()
        for _batch in dataset.dataset(folder).to_batches():
            pass
        times.append(time.perf_counter() - before)
    return times[-1]


def measure(folder: str, scanned: float) -> Measured:
    """Fit the data set of a folder."""
    before, worked = time.perf_counter(), time.process_time()
    result = gf.logit(FORMULA, folder).fit()
    fit, work = time.perf_counter() - before, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    return Measured(scanned, fit, work, peak, result.params.to_numpy(), result.bse.to_numpy())


def main(millions: float = 2.0, *, check: bool = False) -> Measured:
    """Measure, print and return."""
    with tempfile.TemporaryDirectory() as folder:
        # each in a process of its own, so that the memory is that of the fit alone
        spawned = multiprocessing.get_context("spawn")
        with spawned.Pool(1, maxtasksperchild=1) as pool:
            pool.apply(write, (Path(folder), int(millions * 1e6)))
            scanned = pool.apply(scan, (folder,))
            found = pool.apply(measure, (folder, scanned))
        print(f"{millions:g} million rows: scan {found.scan:.2f} s, fit {found.fit:.2f} s "
              f"({found.fit / found.scan:.1f} scans; {found.work:.2f} s of processors), "
              f"peak {found.peak:.0f} MB")  # fmt: skip
        if check:
            frame = pd.read_parquet(folder)
            whole = gf.logit(FORMULA, frame).fit()
            apart = np.abs(whole.params.to_numpy() - found.params).max()
            errors = np.abs(found.errors / whole.bse.to_numpy() - 1.0).max()
            print(f"largest difference from memory: {apart:.1e}, of standard errors {errors:.1e}")
        return found


def cluster(rows: int = 1_000_000, columns: int = 20) -> float:
    """Fit rows that two workers hold, print the time, and return the largest difference."""
    from dask import dataframe
    from distributed import Client, LocalCluster

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, columns))).add_prefix("x")
    eta = frame.to_numpy() @ (0.2 * rng.normal(size=columns))
    frame["y"] = (rng.random(rows) < 1.0 / (1.0 + np.exp(-eta))).astype(np.int8)
    formula = "y ~ " + " + ".join(frame.columns[:-1])
    with LocalCluster(n_workers=2, threads_per_worker=1) as local, Client(local):
        held = dataframe.from_pandas(frame, npartitions=8, sort=False).persist()
        for _ in range(2):  # the workers import what they need in the first one
            before = time.perf_counter()
            result = gf.logit(formula, held).fit()
            taken = time.perf_counter() - before
    difference = np.abs(gf.logit(formula, frame).fit().params - result.params).max()
    print(f"{rows} x {columns} on two workers: {taken:.2f} s, largest difference {difference:.1e}")
    return float(difference)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("millions", nargs="?", type=float, default=2.0)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--dask", action="store_true")
    arguments = parser.parse_args()
    if arguments.dask:
        cluster()
    else:
        main(arguments.millions, check=arguments.check)
