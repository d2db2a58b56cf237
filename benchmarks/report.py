"""Outcomes as tables."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from tabulate import tabulate

from benchmarks.contenders import CONTENDERS
from benchmarks.reference import Optimum, digits
from benchmarks.worker import Outcome

__all__ = ["Section", "document", "fit_section", "import_section"]

FIT_HEADERS = (
    "contender",
    "median s",
    "best s",
    "ratio to glmfit",
    "digits",
    "digits of s.e.",
    "extra MB",
)
IMPORT_HEADERS = ("statement", "median s", "best s", "beyond pandas s")

ABSENT = "-"

UNSTEADY = 1.15
"""Ratio of median to best above which a timing was disturbed by something else."""

MEASURED_WITH = ("numpy", "scipy", "pandas", "statsmodels", "scikit-learn", "glum")


@dataclass(frozen=True, slots=True)
class Section:
    """A table of one workload, with what goes above and below it."""

    name: str
    title: str
    headers: tuple[str, ...]
    rows: list[list[str]]
    notes: list[str]

    def text(self) -> str:
        """Return the section for a terminal."""
        return self._laid_out(f"{self.name}: {self.title}", "simple", "")

    def markdown(self) -> str:
        """Return the section for a Markdown file."""
        return self._laid_out(f"## {self.name}\n\n{self.title}.", "github", "- ")

    def _laid_out(self, heading: str, style: str, bullet: str) -> str:
        align = ("left", *["right"] * (len(self.headers) - 1))
        # numbers are written out already: aligned by their end, never parsed again
        table = tabulate(
            self.rows, self.headers, tablefmt=style, colalign=align, disable_numparse=True
        )
        notes = "\n".join(f"{bullet}{note}" for note in self.notes)
        return "\n\n".join(part for part in (heading, table, notes) if part)


def fit_section(
    name: str,
    title: str,
    best: Optimum,
    outcomes: Mapping[str, Outcome],
    limit: float | None = None,
) -> Section:
    """Return the table of a workload that is fitted.

    Parameters
    ----------
    name, title : str
    best : Optimum
        What every contender should have found.
    outcomes : mapping of str to Outcome
        By the names of `CONTENDERS`.
    limit : float, optional
        Seconds that the machine needs at least (see `benchmarks.limit`).
    """
    base = _median(outcomes.get("glmfit"))
    rows = [_fit_row(key, outcome, base, best) for key, outcome in outcomes.items()]
    notes = _notes(outcomes)
    if limit is not None and base is not None:
        notes.append(
            f"Limit of the machine (two readings of X, two products X'WX): {limit:.3g} s; glmfit "
            f"takes {base / limit:.1f} times that."
        )
    return Section(name, title, FIT_HEADERS, [row for row in rows if row], notes)


def _fit_row(key: str, outcome: Outcome, base: float | None, best: Optimum) -> list[str]:
    label = CONTENDERS[key].name
    if outcome.status == "not applicable":
        return []  # a note says so
    if outcome.status != "ok":
        return [label, outcome.status, *[ABSENT] * (len(FIT_HEADERS) - 2)]
    middle = statistics.median(outcome.seconds)
    errors = outcome.standard_errors
    memory = outcome.extra_bytes
    return [
        label,
        f"{middle:.3g}",
        f"{min(outcome.seconds):.3g}",
        ABSENT if base is None else f"{middle / base:.2f}",
        f"{digits(outcome.coefficients, best.coefficients):.1f}",
        "none" if errors is None else f"{digits(errors, best.standard_errors):.1f}",
        ABSENT if memory is None else f"{memory / 1e6:.1f}",
    ]


def _median(outcome: Outcome | None) -> float | None:
    return statistics.median(outcome.seconds) if outcome and outcome.seconds else None


def _notes(outcomes: Mapping[str, Outcome]) -> list[str]:
    notes = []
    for key, outcome in outcomes.items():
        label = CONTENDERS[key].name
        if outcome.status == "not applicable":
            notes.append(f"Not in the table: {label} {outcome.note}.")
        elif outcome.note:
            notes.append(f"{label}: {outcome.note}")
    return [*notes, *_unsteady({CONTENDERS[key].name: o for key, o in outcomes.items()})]


def _unsteady(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Say which timings are not to be trusted."""
    names = [
        name
        for name, outcome in outcomes.items()
        if outcome.seconds and statistics.median(outcome.seconds) > UNSTEADY * min(outcome.seconds)
    ]
    if not names:
        return []
    percent = round(100 * (UNSTEADY - 1))
    return [f"Unsteady (median more than {percent} % above best), run again: {', '.join(names)}."]


def import_section(name: str, title: str, outcomes: Mapping[str, Outcome]) -> Section:
    """Return the table of import times."""
    base = _median(outcomes.get("import pandas"))
    rows, notes = [], []
    for statement, outcome in outcomes.items():
        if outcome.note:
            notes.append(f"{statement}: {outcome.note}")
        if outcome.status != "ok":
            rows.append([statement, outcome.status, ABSENT, ABSENT])
            continue
        middle = statistics.median(outcome.seconds)
        beyond = ABSENT if base is None else f"{middle - base:.3f}"
        rows.append([statement, f"{middle:.3f}", f"{min(outcome.seconds):.3f}", beyond])
    return Section(name, title, IMPORT_HEADERS, rows, [*notes, *_unsteady(outcomes)])


def document(sections: list[Section], repeats: int, threads: int) -> str:
    """Return the Markdown of a whole run: when, on what, and the tables."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    facts = [
        f"- Date: {today}",
        f"- Machine: {machine()}",
        f"- Versions: {versions()}",
        f"- Threads: {threads}; repeats: {repeats}",
    ]
    intro = "What the columns mean: `benchmarks/README.md`."
    parts = ["# Results of the benchmarks", "\n".join(facts), intro]
    return "\n\n".join([*parts, *(section.markdown() for section in sections)]) + "\n"


def machine() -> str:
    """Describe the machine by its class, not by its name."""
    cores = f"{os.cpu_count()} cores"
    return f"{cores}, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def versions() -> str:
    """Return the versions of the packages that the numbers depend on."""
    return ", ".join(f"{name} {_version(name)}" for name in MEASURED_WITH)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
