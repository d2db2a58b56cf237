"""Run the notebooks: a ``.py`` file is the source, the ``.ipynb`` beside it holds its outputs.

``python3 dev.py notebooks`` runs this file. jupytext reads the source, nbclient runs it in a
kernel of its own; nothing of the machine (times, paths) is stored.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
SECONDS = 120
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def sources() -> list[Path]:
    """Return the notebooks' sources in their order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def read_source(source: Path) -> nbformat.NotebookNode:
    """Return a notebook without outputs, its cells named by their place."""
    notebook = jupytext.read(source)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number}"
        cell.metadata = nbformat.from_dict({})
    return notebook


def execute(source: Path) -> nbformat.NotebookNode:
    """Return a notebook with its outputs; a cell that raises ends it with its traceback."""
    notebook = read_source(source)
    NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name=KERNEL["name"],
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(HERE)}},
    ).execute()
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    return notebook


def main(names: list[str]) -> None:
    """Run the notebooks whose names begin as given, all by default, and store them."""
    for source in sources():
        if not names or source.name.startswith(tuple(names)):
            print(source.name, flush=True)
            nbformat.write(execute(source), source.with_suffix(".ipynb"))


if __name__ == "__main__":
    main(sys.argv[1:])
