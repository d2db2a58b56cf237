"""The command: what it prints, where, and its exit code."""

import csv
import io
import subprocess
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import glmfit as gf
from glmfit.__main__ import main


@pytest.fixture(autouse=True)
def showwarning(monkeypatch):
    """Put back what the command replaces."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)


@pytest.fixture
def challenger(tmp_path):
    path = tmp_path / "challenger.csv"
    gf.datasets.load("challenger").to_csv(path, index=False)
    return str(path)


FORMULA = "O_RING_FAILURE ~ TEMPERATURE"


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = main(list(map(str, arguments)))
    out, err = capsys.readouterr()
    return code, out, err


def test_text(capsys, challenger):
    code, out, err = run(capsys, "fit", FORMULA, challenger, "--family", "binomial")
    assert (code, err) == (0, "")
    expected = gf.glm(FORMULA, gf.datasets.load("challenger"), "binomial").fit()
    assert out.rstrip("\n") == expected.summary().as_text().rstrip("\n")
    assert "TEMPERATURE" in out
    assert "-0.2322" in out


def test_alpha_and_covariance(capsys, challenger):
    code, out, _ = run(
        capsys, "fit", FORMULA, challenger, "--family", "binomial", "--alpha", "0.1",
        "--cov-type", "HC3",
    )  # fmt: skip
    assert code == 0
    assert "[0.05" in out
    assert "HC3" in out


def test_csv(capsys, challenger):
    code, out, _ = run(
        capsys, "fit", FORMULA, challenger, "--family", "binomial", "--output", "csv"
    )
    assert code == 0
    rows = list(csv.reader(io.StringIO(out)))
    row = next(row for row in rows if row and row[0] == "TEMPERATURE")
    expected = gf.glm(FORMULA, gf.datasets.load("challenger"), "binomial").fit()
    np.testing.assert_allclose(float(row[1]), expected.params["TEMPERATURE"], rtol=1e-12)
    np.testing.assert_allclose(float(row[2]), expected.bse["TEMPERATURE"], rtol=1e-12)


def test_html(capsys, challenger):
    code, out, _ = run(
        capsys, "fit", FORMULA, challenger, "--family", "binomial", "--output", "html"
    )
    assert code == 0

    class Cells(HTMLParser):
        text = ""
        tags: tuple[str, ...] = ()

        def handle_starttag(self, tag, attrs):
            self.tags += (tag,)

        def handle_data(self, data):
            self.text += data

    cells = Cells()
    cells.feed(out)
    assert "table" in cells.tags
    assert "TEMPERATURE" in cells.text


@pytest.mark.parametrize(("output", "sign"), [("latex", r"\begin{"), ("markdown", "| ")])
def test_other_outputs(capsys, challenger, output, sign):
    code, out, _ = run(
        capsys, "fit", FORMULA, challenger, "--family", "binomial", "--output", output
    )
    assert code == 0
    assert sign in out


def test_options_reach_the_model(capsys, tmp_path):
    data = gf.datasets.load("challenger").assign(w=2.0, e=3.0, text="no")
    data["text"] = np.where(data["O_RING_FAILURE"] == 1, "yes", "no")
    path = tmp_path / "d.csv"
    data.to_csv(path, index=False)
    code, out, _ = run(
        capsys, "fit", "O_RING_FAILURE ~ TEMPERATURE", path, "--family", "poisson",
        "--freq-weights", "w", "--exposure", "e",
    )  # fmt: skip
    assert code == 0
    assert " 46" in out  # 23 rows, twice each
    code, out, _ = run(
        capsys, "fit", "text ~ TEMPERATURE", path, "--family", "binomial", "--event", "no",
        "--link", "probit",
    )  # fmt: skip
    assert code == 0
    assert "Event modelled: text = no" in out
    assert "probit" in out.lower()
    code, out, _ = run(capsys, "fit", "TEMPERATURE ~ O_RING_FAILURE", path, "--family", "ols")
    assert code == 0
    assert "OLS Regression Results" in out
    assert "R-squared" in out


@pytest.mark.parametrize(
    ("formula", "options", "told"),
    [
        ("O_RING_FAILURE ~ TEMPERATUR", (), "Did you mean 'TEMPERATURE'?"),
        ("O_RING_FAILURE TEMPERATURE", (), "no '~'"),
        ("O_RING_FAILURE ~ __import__('os')", (), "__import__"),
        (FORMULA, ("--family", "binomal"), "binomial"),
        (FORMULA, ("--link", "lgit"), "link"),
        (FORMULA, ("--cov-type", "HC9"), "HC9"),
        (FORMULA, ("--alpha", "5"), "alpha"),
        (FORMULA, ("--freq-weights", "nothing"), "nothing"),
        ("TEMPERATURE ~ O_RING_FAILURE", ("--family", "binomial"), "0 or 1"),
    ],
)
def test_an_error_is_a_sentence_and_a_code(capsys, challenger, formula, options, told):
    code, out, err = run(capsys, "fit", formula, challenger, *options)
    assert code == 1
    assert out == ""
    assert err.startswith("glmfit: ")
    assert told in err
    assert "Traceback" not in err


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00\x01", b'a,b\n"1,2\n3'])
def test_a_file_that_cannot_be_read(capsys, tmp_path, content):
    path = tmp_path / "bad.csv"
    if content is not None:
        path.write_bytes(content)
    code, out, err = run(capsys, "fit", "a ~ b", path)
    assert code == 1
    assert out == ""
    assert err.startswith("glmfit: ")


def test_usage_errors(capsys):
    for arguments in ([], ["fit"], ["fit", "y ~ x"], ["fit", "y ~ x", "f", "--output", "pdf"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    with pytest.raises(SystemExit) as caught:
        main(["fit", "--help"])
    assert caught.value.code == 0
    assert "formula" in capsys.readouterr().out


@pytest.mark.filterwarnings("default")
def test_warnings_are_shown_as_sentences(capsys, tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("y,x,x2\n1,1,2\n2,2,4\n2,3,6\n4,4,8\n")
    code, out, err = run(capsys, "fit", "y ~ x + x2", path)
    assert code == 0
    assert err.startswith("CollinearityWarning: ")
    assert ".py" not in err
    assert "aliased" in out


def test_the_module_runs(challenger):
    done = subprocess.run(
        [sys.executable, "-m", "glmfit", "fit", "O_RING_FAILURE ~ nothing", challenger],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parent.parent,
    )
    assert done.returncode == 1
    assert "no column 'nothing'" in done.stderr
