"""Time one contender on one problem, in a process of its own.

``python -m benchmarks.worker DIRECTORY CONTENDER`` prints an `Outcome` as one line of
JSON, its last.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import importlib
import importlib.util
import json
import math
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import CONTENDERS, Contender, Estimate
from benchmarks.workloads import Problem, load

__all__ = ["Outcome", "measure", "peak_memory"]

SHORTEST = 0.2
"""Seconds that a repeat lasts at least: a quicker fit is called many times in each."""

PRIMER_ROWS = 10_000
"""Rows of the fit that loads code and starts threads before memory is looked at."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What a contender did.

    Attributes
    ----------
    status : {"ok", "not installed", "not applicable", "failed"}
    note : str
        Why not, or the first warning of the fit.
    version : str
    seconds : list of float
        Of one fit, for each repeat.
    calls : int
        Fits in each repeat.
    extra_bytes : int or None
        Peak memory beyond that of the process with the data loaded.
    coefficients, standard_errors : list of float, or None
    """

    status: str
    note: str = ""
    version: str = ""
    seconds: list[float] = dataclasses.field(default_factory=list)
    calls: int = 0
    extra_bytes: int | None = None
    coefficients: list[float] | None = None
    standard_errors: list[float] | None = None


def measure(problem: Problem, contender: Contender, repeats: int, threads: int) -> Outcome:
    """Time a contender.

    Parameters
    ----------
    problem : Problem
    contender : Contender
    repeats : int
        Timed repeats, after a fit that is not counted.
    threads : int
        For a package that is told by argument; the others read their environment.
    """
    if importlib.util.find_spec(contender.package) is None:
        return Outcome("not installed")
    obstacle = contender.obstacle(problem)
    if obstacle is not None:
        return Outcome("not applicable", obstacle)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        contender.prepare(problem.head(PRIMER_ROWS), threads)()
    fit = contender.prepare(problem, threads)
    memory_before = rest_memory()
    estimate, seconds, note = warm_up(fit)
    calls = max(1, math.ceil(SHORTEST / seconds))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # told of already
        timings = [seconds_of(fit, calls) for _ in range(repeats)]
    peak = peak_memory()
    return Outcome(
        "ok",
        note,
        version=importlib.import_module(contender.package).__version__,
        seconds=timings,
        calls=calls,
        extra_bytes=None if peak is None or memory_before is None else peak - memory_before,
        coefficients=[float(b) for b in estimate.coefficients],
        standard_errors=standard_errors(estimate),
    )


def warm_up(fit: Callable[[], Estimate]) -> tuple[Estimate, float, str]:
    """Fit once; return the estimate, the seconds and the first warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        estimate = fit()
        seconds = time.perf_counter() - start
    note = f"{caught[0].category.__name__}: {caught[0].message}" if caught else ""
    return estimate, seconds, note.split("\n")[0]


def seconds_of(fit: Callable[[], Estimate], calls: int) -> float:
    """Return the mean time of a call."""
    gc.collect()
    start = time.perf_counter()
    for _ in range(calls):
        fit()
    return (time.perf_counter() - start) / calls


def standard_errors(estimate: Estimate) -> list[float] | None:
    """Return the roots of the covariance's diagonal, where there is one."""
    if estimate.covariance is None:
        return None
    return [float(se) for se in np.sqrt(np.diag(estimate.covariance))]


# --- memory ----------------------------------------------------------------------------


def rest_memory() -> int | None:
    """Return the bytes in memory now, the peak set back to them where Linux allows it."""
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return peak_memory()
    return _of_linux("VmHWM")


def peak_memory() -> int | None:
    """Return the most bytes that the process has had in memory, or None if unknown."""
    # Not ru_maxrss where there is another way: on Linux a process inherits the peak of
    # the one that started it.
    peak = _of_linux("VmHWM")
    if peak is not None:
        return peak
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _of_linux(key: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith(f"{key}:")]
    return int(found[0][1]) * 1024 if found else None


# --- the command -----------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line names and print the outcome."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worker", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("contender", choices=list(CONTENDERS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    contender = CONTENDERS[given.contender]
    outcome = measure(load(given.directory), contender, given.repeats, given.threads)
    facts: dict[str, Any] = dataclasses.asdict(outcome)
    print(f"\n{json.dumps(facts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
