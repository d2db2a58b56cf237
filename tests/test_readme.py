"""The code of the README and of the guides runs and prints what they say it prints.

``python tests/test_readme.py`` writes what the code prints into the pages, and what the last
benchmark and ``dev.py verify`` measured into the README. Read what changed.
"""

import contextlib
import io
import re
import textwrap
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", flags=re.DOTALL)
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if BLOCK.search(path.read_text(encoding="utf8"))
]


def outputs(page):
    """Return what each block of code prints, and what the page shows."""
    names = {}
    for code, shown in BLOCK.findall(page):
        printed = io.StringIO()
        with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
            warnings.simplefilter("always")
            exec(code, names)
        told = [f"{warning.category.__name__}: {warning.message}" for warning in caught]
        lines = [line for text in told for line in textwrap.wrap(text, 78)]
        yield "\n".join([*lines, printed.getvalue()]), shown


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_code_prints_the_text_that_follows_it(path, monkeypatch, tmp_path):
    page = path.read_text(encoding="utf8")
    monkeypatch.chdir(tmp_path)
    assert len(BLOCK.findall(page)) == page.count("```python")
    for printed, shown in outputs(page):
        assert printed.splitlines() == shown.splitlines()


def test_the_readme_shows_what_each_block_prints():
    page = (ROOT / "README.md").read_text(encoding="utf8")
    assert all(shown for _, shown in BLOCK.findall(page))


def measured():
    """Return the rows of the README that the last runs of benchmarks and verification make."""
    verified = (ROOT / "docs" / "verification.md").read_text(encoding="utf8")
    digits = {
        name: re.search(rf"^\| {name} \| (.*) \|$", verified, flags=re.MULTILINE)[1].split(" | ")
        for name in ("statsmodels", "glmfit")
    }
    theirs, ours = digits["statsmodels"], digits["glmfit"]
    yield (
        f"digits of coefficients, {ours[0]} models: median (10th percentile)",
        *(f"{cells[1]} ({cells[2]})" for cells in (theirs, ours)),
    )
    yield "digits of standard errors", *(f"{cells[3]} ({cells[4]})" for cells in (theirs, ours))
    logit = [
        benchmark("binomial-20", name)
        for name in ("statsmodels GLM", "statsmodels discrete", "glmfit")
    ]
    seconds = [f"{float(cells[2]):.2f} s" for cells in logit]
    memory = [f"{float(cells[6]):,.0f} MB" for cells in logit]
    yield "logit, 1,000,000 rows, 20 columns", *both(seconds)
    yield "its memory beside the data", *both(memory)
    small = [
        f"{1000.0 * float(benchmark('small-arrays', name)[2]):.2f} ms"
        for name in ("statsmodels GLM", "statsmodels discrete", "glmfit")
    ]
    yield "logit, 23 rows, arrays", *both(small)
    classes = [benchmark("multinomial-5", name) for name in ("statsmodels discrete", "glmfit")]
    yield (
        "multinomial logit, 200,000 rows, 20 columns, 5 classes",
        *(f"{float(cells[2]):.2f} s" for cells in classes),
    )


def both(values):
    """Return the values of statsmodels' two models in one cell, and glmfit's."""
    return f"`GLM` {values[0]}, `Logit` {values[1]}", values[2]


def benchmark(workload, contender):
    """Return the cells of a contender in a table of benchmarks/RESULTS.md."""
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf8")
    section = results.split(f"## {workload}\n")[1].split("\n## ")[0]
    rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines())
    return next(row for row in rows if row[0] == contender)


def test_measured_facts_are_those_of_the_last_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf8").splitlines()
    for cells in measured():
        assert f"| {' | '.join(cells)} |" in readme


def write_measured():
    """Put what was measured into the README, by the first cell of its rows."""
    path = ROOT / "README.md"
    rows = {cells[0]: f"| {' | '.join(cells)} |" for cells in measured()}
    lines = path.read_text(encoding="utf8").splitlines()
    firsts = [line.strip("| ").split(" | ")[0] for line in lines]
    new = [rows.get(first, line) for first, line in zip(firsts, lines, strict=True)]
    path.write_text("\n".join(new) + "\n", encoding="utf8")


def write(path):
    """Put what the code of a page prints below it."""
    page = path.read_text(encoding="utf8")
    printed = iter([text for text, _ in outputs(page)])

    def block(match):
        text = next(printed)
        return f"```python\n{match[1]}```\n" + (f"\n```text\n{text}```\n" if text else "")

    path.write_text(BLOCK.sub(block, page), encoding="utf8")


if __name__ == "__main__":
    for found in PAGES:
        write(found)
    write_measured()
