"""Fit a logit to a Parquet data set, and compare with one plain scan of the same columns.

Run with ``python -m benchmarks.arrow [millions of rows]``: it writes a data set of eight numeric
columns and a factor of 50 levels to a temporary folder, scans it with pyarrow, fits it, and
prints times, the peak of memory, and the largest difference from the fit in memory
(``--check``, which needs the memory).
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
    peak : float
        Largest resident size of the process that fitted, in MB.
    params : ndarray of shape (p,)
    """

    scan: float
    fit: float
    peak: float
    params: Any


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
    before = time.perf_counter()
    result = gf.logit(FORMULA, folder).fit()
    fit = time.perf_counter() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    return Measured(scanned, fit, peak, result.params.to_numpy())


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
              f"({found.fit / found.scan:.1f} scans), peak {found.peak:.0f} MB")  # fmt: skip
        if check:
            frame = pd.read_parquet(folder)
            whole = gf.logit(FORMULA, frame).fit().params.to_numpy()
            print(f"largest difference from memory: {np.abs(whole - found.params).max():.1e}")
        return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("millions", nargs="?", type=float, default=2.0)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    main(arguments.millions, check=arguments.check)
