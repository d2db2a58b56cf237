"""Time glmfit against other packages and print a table for each workload."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contenders import CONTENDERS
from benchmarks.limit import seconds_at_least
from benchmarks.report import Section, document, fit_section, import_section
from benchmarks.runner import default_threads, run_contenders, time_imports
from benchmarks.workloads import WORKLOADS, Workload

__all__ = ["main"]

SEED = 20260101

MANY = 10_000
"""Rows from which a fit is told beside the limit of the machine."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for and return the exit code."""
    given = parser().parse_args(arguments)
    sections = []
    for name in given.workloads:
        print(f"{name}:", file=sys.stderr, flush=True)
        section = run_workload(WORKLOADS[name], given)
        print(f"{section.text()}\n", flush=True)
        sections.append(section)
    if given.markdown is not None:
        given.markdown.write_text(
            document(sections, given.repeats, given.threads), encoding="utf-8"
        )
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument(
        "--workloads", nargs="+", metavar="NAME", choices=WORKLOADS, default=list(WORKLOADS),
        help=f"which to run (all): {', '.join(WORKLOADS)}",
    )  # fmt: skip
    made.add_argument(
        "--contenders", nargs="+", metavar="NAME", choices=CONTENDERS, default=list(CONTENDERS),
        help=f"who fits (all): {', '.join(CONTENDERS)}",
    )  # fmt: skip
    made.add_argument("--repeats", type=positive, default=3, help="timed repeats (3)")
    made.add_argument("--rows", type=positive, help="rows of every workload but the small ones")
    made.add_argument("--quick", action="store_true", help="a tenth of the rows")
    made.add_argument(
        "--threads", type=positive, default=default_threads(), help="for everybody (all processors)"
    )
    made.add_argument("--seed", type=int, default=SEED, help=f"of the data ({SEED})")
    made.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    return made


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1 (got {number})")
    return number


def run_workload(workload: Workload, given: argparse.Namespace) -> Section:
    """Run one workload and return its table."""
    if workload.make is None:
        outcomes = time_imports(given.repeats, given.threads)
        return import_section(workload.name, workload.title, outcomes)
    rows = given.rows or (workload.quick_rows if given.quick else workload.rows)
    problem = workload.make(rows, given.seed)
    best, outcomes = run_contenders(problem, given.contenders, given.repeats, given.threads)
    title = f"{workload.title}; {problem.y.size:,} rows"
    dense = workload.kind == "arrays" and problem.family != "multinomial" and workload.rows > MANY
    limit = seconds_at_least(*problem.X.shape, given.threads) if dense else None
    return fit_section(workload.name, title, best, outcomes, limit)


if __name__ == "__main__":
    sys.exit(main())
