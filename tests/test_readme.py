"""The code of the README and of the guides runs and prints what they say it prints.

``python tests/test_readme.py`` writes what the code prints into the pages. Read what changed.
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
