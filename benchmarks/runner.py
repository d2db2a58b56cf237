"""Start a process for each contender, all with the same data and threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.reference import Optimum, optimum
from benchmarks.worker import Outcome
from benchmarks.workloads import ROOT, Problem, save

__all__ = ["IMPORTS", "default_threads", "run_contenders", "run_one", "time_imports"]

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)

IMPORTS = {
    "import pandas": ("pandas",),
    "import pandas, glmfit": ("pandas", "glmfit"),
    "import statsmodels.api": ("statsmodels", "statsmodels.api"),
    "import statsmodels.formula.api": ("statsmodels", "statsmodels.formula.api"),
    "import sklearn.linear_model": ("sklearn", "sklearn.linear_model"),
    "import glum": ("glum",),
}
"""Import statements that are timed, and the modules that they load one after the other."""

TIMED_IMPORT = """\
import importlib, importlib.util, sys, time
if any(importlib.util.find_spec(name.split(".")[0]) is None for name in sys.argv[1:]):
    print("not installed")
else:
    start = time.perf_counter()
    for name in sys.argv[1:]:
        importlib.import_module(name)
    print(time.perf_counter() - start)
"""


def default_threads() -> int:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_contenders(
    problem: Problem, names: Sequence[str], repeats: int, threads: int
) -> tuple[Optimum, dict[str, Outcome]]:
    """Time contenders, one after the other.

    Parameters
    ----------
    problem : Problem
    names : sequence of str
        Keys of `CONTENDERS`.
    repeats, threads : int

    Returns
    -------
    Optimum
        What they should have found.
    dict of str to Outcome
    """
    with tempfile.TemporaryDirectory(prefix="glmfit-bench-") as made:
        directory = Path(made)
        save(problem, directory)
        outcomes = {name: run_one(directory, name, repeats, threads) for name in names}
    return optimum(problem), outcomes


def run_one(directory: Path, name: str, repeats: int, threads: int) -> Outcome:
    """Time one contender on the problem saved in a directory, in a new process."""
    print(f"  {name} ...", file=sys.stderr, flush=True)
    options = ["--repeats", str(repeats), "--threads", str(threads)]
    done = _python(["-m", "benchmarks.worker", str(directory), name, *options], threads)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return Outcome("failed", lines[-1])
    return Outcome(**json.loads(done.stdout.strip().splitlines()[-1]))


def _python(arguments: Sequence[str], threads: int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def time_imports(repeats: int, threads: int) -> dict[str, Outcome]:
    """Time each statement of `IMPORTS` in new processes, turn by turn, the first unseen."""
    seconds: dict[str, list[float]] = {statement: [] for statement in IMPORTS}
    outcomes: dict[str, Outcome] = {}
    for turn in range(repeats + 1):
        for statement, modules in IMPORTS.items():
            done = _python(["-c", TIMED_IMPORT, *modules], threads)
            told = done.stdout.strip()
            if done.returncode != 0:
                outcomes[statement] = Outcome("failed", done.stderr.strip().splitlines()[-1])
            elif told == "not installed":
                outcomes[statement] = Outcome("not installed")
            elif turn > 0:
                seconds[statement].append(float(told))
    timed = {name: Outcome("ok", seconds=found, calls=1) for name, found in seconds.items()}
    return {**timed, **outcomes}
