"""The notebooks run, and print what is stored beside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from notebooks import execute as execution

SOURCES = execution.sources()

# What the two articles print, or what they should have printed.
SHOWN = {
    "01_challenger": [
        # Triveri, "Estimating Logistic Regression coefficients From Scratch in Python"
        "15.04290163", "-0.23216274", "5.44406534e+01", "-7.96333573e-01", "1.17143602e-02",
        "54.444275", "-0.796387", "0.011715", "0.441635",
        "0.430493", "0.229968", "0.273621", "0.322094", "0.374724", "0.158049", "0.129546",
        "0.859317", "0.602681", "0.044541", "0.939248", "0.085544", "0.022703", "0.069044",
        "0.035641", "0.828845", "fitted values sum to 7.0000000000",
        # Lavine (1991), on the counts of Dalal et al. (1989)
        "0.82", "0.70", "0.53", "0.96", "0.97",
    ],
    "02_multinomial_risk": [
        # Brenndoerfer, "Multinomial Logistic Regression: Complete Guide", its hand calculation
        "1.50", "2.55", "4.482", "12.807", "18.289", "0.055", "0.245", "0.700",
        # Out[21], Out[22], Out[23], Out[24]
        "3.8853", "-1.6769", "-2.2084", "-0.9481", "0.5568", "0.7673", "-0.4956", "0.1808",
        "-0.0612", "1.000", "0.500", "0.591",
        "0.838", "0.001", "0.161", "0.051", "0.324", "0.625", "0.109", "0.100", "0.791",
        "0.456", "0.106", "0.438", "low 0.00 0.00 0.00 1", "medium 0.50 0.50 0.50 2",
        "high 0.50 1.00 0.67 1", "accuracy 0.50 4", "macro avg 0.33 0.50 0.39 4",
        "weighted avg 0.38 0.50 0.42 4", "low 0 1 0", "medium 0 1 1", "high 0 0 1",
    ],
    "06_large_data": [
        "equal to 11 digits: True", "needs less memory: True", "600,000 rows written",
        "the same by a query: True",
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_files_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the kernel leave nothing in, and take nothing from, the user's folders."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("MPLBACKEND", raising=False)


def stored(source: Path) -> nbformat.NotebookNode:
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def shown_texts(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """Return what each cell of code shows as text, spaces apart; a picture is told by its size."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [[" ".join(text_of(output).split()) for output in cell.outputs] for cell in cells]


def text_of(output: nbformat.NotebookNode) -> str:
    if output.output_type == "stream":
        assert output.name == "stdout", f"a warning is left in the notebook: {output.text}"
        return output.text
    return output.data["text/plain"]


def test_there_is_a_pair_of_files_for_each_notebook():
    assert {source.stem for source in SOURCES} >= SHOWN.keys()
    pairs = {path.stem for path in execution.HERE.glob("*.ipynb")}
    assert pairs == {source.stem for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_stored_cells_are_those_of_the_source(source):
    got, wanted = stored(source), execution.read_source(source)
    nbformat.validate(got)
    assert [(cell.cell_type, cell.source) for cell in got.cells] == [
        (cell.cell_type, cell.source) for cell in wanted.cells
    ], "run: python3 dev.py notebooks"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_running_again_shows_what_is_stored(source):
    assert shown_texts(execution.execute(source)) == shown_texts(stored(source))


@pytest.mark.parametrize("name", SHOWN)
def test_the_numbers_of_the_articles_are_shown(name):
    texts = shown_texts(stored(execution.HERE / f"{name}.py"))
    words = " ".join(" ".join(cell) for cell in texts)
    assert [number for number in SHOWN[name] if number not in words] == []


def test_challenger_runs_as_a_script_with_the_core_packages_alone():
    extras = ("IPython", "matplotlib", "pyarrow", "narwhals", "polars", "sklearn", "statsmodels")
    code = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({extras!r})); "
        f"runpy.run_path({str(execution.HERE / '01_challenger.py')!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "P(failure) at 31 F: 0.99961" in done.stdout
