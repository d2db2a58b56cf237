"""The benchmarks run and judge digits rightly; no timing decides a test."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("benchmarks", reason="the benchmarks are part of the checkout only")

from benchmarks import bootstrap, reference, report, runner, worker
from benchmarks.__main__ import main
from benchmarks.contenders import CONTENDERS
from benchmarks.workloads import WORKLOADS, Problem, load, save

FITTED = [name for name, workload in WORKLOADS.items() if workload.make is not None]

needs_long_double = pytest.mark.skipif(
    np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps, reason="long double is double here"
)


def make(name: str, rows: int) -> Problem:
    workload = WORKLOADS[name]
    assert workload.make is not None
    return workload.make(rows, 1)


# --- data ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FITTED)
def test_a_seed_makes_the_same_data(name: str) -> None:
    first, second = make(name, 50), make(name, 50)
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(first.y, second.y)


@pytest.mark.parametrize("name", FITTED)
def test_what_is_loaded_was_saved(name: str, tmp_path: Path) -> None:
    problem = make(name, 50)
    save(problem, tmp_path)
    again = load(tmp_path)
    assert (again.family, again.formula) == (problem.family, problem.formula)
    np.testing.assert_array_equal(again.X, problem.X)
    np.testing.assert_array_equal(again.y, problem.y)
    if problem.frame is not None:
        assert again.frame is not None
        assert again.frame.to_dict("list") == problem.frame.to_dict("list")


# --- the reference ---------------------------------------------------------------------


@needs_long_double
@pytest.mark.parametrize("family", ["poisson", "gamma", "binomial"])
def test_optimum_of_two_groups_is_known(family: str) -> None:
    y = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]) + (0.5 if family == "gamma" else 0.0)
    group = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    means = y[group == 0].mean(), y[group == 1].mean()
    first, second = (np.log(m / (1 - m)) if family == "binomial" else np.log(m) for m in means)
    found = reference.optimum(Problem(family, y, np.column_stack([np.ones(7), group])))
    np.testing.assert_allclose(found.coefficients, [first, second - first], rtol=1e-14)


@needs_long_double
def test_optimum_of_classes_is_the_log_odds_of_their_counts() -> None:
    y = np.array([0.0, 0.0, 1.0, 2.0, 2.0, 2.0])
    found = reference.optimum(Problem("multinomial", y, np.ones((6, 1))))
    np.testing.assert_allclose(found.coefficients, np.log([1 / 2, 3 / 2]), rtol=1e-14)
    np.testing.assert_allclose(found.standard_errors**2, [1 / 2 + 1, 1 / 2 + 1 / 3], rtol=1e-14)


def test_standard_errors_of_poisson_means_are_known() -> None:
    y = np.array([1.0, 2.0, 3.0, 4.0])
    found = reference.optimum(Problem("poisson", y, np.ones((4, 1))))
    np.testing.assert_allclose(found.standard_errors, [1.0 / np.sqrt(y.sum())], rtol=1e-14)


def test_digits_are_those_of_the_worst_element() -> None:
    truth = np.array([2.0, 1.0])
    assert reference.digits([2.0, 1.001], truth) == pytest.approx(3.0, abs=1e-9)
    assert reference.digits(truth, truth) == pytest.approx(15.65, abs=0.01)
    assert reference.digits([2.0, np.nan], truth) == 0.0


# --- glmfit as a contender -------------------------------------------------------------


@needs_long_double
@pytest.mark.parametrize("name", FITTED)
def test_glmfit_finds_the_reference(name: str) -> None:
    problem = make(name, 2000)
    best = reference.optimum(problem)
    estimate = CONTENDERS["glmfit"].prepare(problem, 1)()
    assert estimate.covariance is not None
    errors = np.sqrt(np.diag(estimate.covariance))
    assert reference.digits(estimate.coefficients, best.coefficients) >= 9
    assert reference.digits(errors, best.standard_errors) >= 9


def test_a_missing_package_is_told_of() -> None:
    absent = dataclasses.replace(CONTENDERS["glmfit"], package="no_such_package")
    problem = make("small-arrays", 23)
    outcome = worker.measure(problem, absent, 1, 1)
    assert outcome.status == "not installed"
    section = report.fit_section("name", "title", reference.optimum(problem), {"glum": outcome})
    assert "not installed" in section.text()


def test_a_contender_that_cannot_is_named_below_the_table() -> None:
    problem = make("small-formula", 23)
    obstacle = CONTENDERS["sklearn-lbfgs"].obstacle(problem)
    assert obstacle is not None
    outcome = worker.Outcome("not applicable", obstacle)
    best = reference.optimum(problem)
    section = report.fit_section("name", "title", best, {"sklearn-lbfgs": outcome})
    assert section.rows == []
    assert "sklearn lbfgs reads no formulas" in section.text()


def test_an_unsteady_timing_is_told_of() -> None:
    best = reference.optimum(make("small-arrays", 23))
    coefficients = best.coefficients.tolist()
    for seconds, told in (([1.0, 1.01, 1.02], False), ([1.0, 1.5, 1.6], True)):
        outcome = worker.Outcome("ok", seconds=seconds, calls=1, coefficients=coefficients)
        text = report.fit_section("name", "title", best, {"glmfit": outcome}).text()
        assert ("Unsteady" in text) is told


def test_a_process_that_fails_shows_its_error(tmp_path: Path) -> None:
    outcome = runner.run_one(tmp_path, "glmfit", 1, 1)  # an empty directory
    assert outcome.status == "failed"
    assert "problem.json" in outcome.note


# --- the command -----------------------------------------------------------------------


def test_the_table_is_produced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "results.md"
    options = "--contenders glmfit --repeats 1 --rows 300 --threads 1".split()
    workloads = ["--workloads", "poisson-20", "small-formula"]
    assert main([*workloads, *options, "--markdown", str(target)]) == 0
    printed, written = capsys.readouterr().out, target.read_text(encoding="utf-8")
    assert "ratio to glmfit" in printed
    assert "20 numeric columns, arrays; 300 rows" in printed
    assert written.startswith("# Results of the benchmarks")
    rows = [line.split("|") for line in written.splitlines() if line.startswith("| glmfit")]
    assert len(rows) == 2
    assert all(float(row[5]) >= 9 for row in rows)  # the digits


def test_import_times_are_tabulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        runner, "IMPORTS", {"import pandas": ("json",), "import nothing": ("no_such_package",)}
    )
    outcomes = runner.time_imports(1, 1)
    assert outcomes["import pandas"].status == "ok"
    assert outcomes["import nothing"].status == "not installed"
    text = report.import_section("import", "title", outcomes).text()
    assert "beyond pandas s" in text


def test_an_unknown_workload_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--workloads", "nothing"])
    assert "invalid choice" in capsys.readouterr().err


def test_bootstraps_are_compared_in_words() -> None:
    made = bootstrap.Comparison(10_000, 0.2, 12.0, 9_600, 1.2e-12)
    lines = made.text().splitlines()
    assert lines[0] == "Challenger logit, 10,000 pairs bootstrap samples"
    assert lines[2].endswith("12.000 s   (60.0x)")
    assert lines[3].split()[-1] == "400" and "1.2e-12" in lines[4]


@needs_long_double
def test_the_optimum_of_negative_binomial_counts_is_that_of_thirty_digits() -> None:
    folder = Path(__file__).parent / "reference"
    data = json.loads((folder / "counts.json").read_text(encoding="utf8"))["data"]
    case = json.loads((folder / "counts_mp.json").read_text(encoding="utf8"))["cases"]["nb2"]
    g = np.array(data["g"])
    y, X = np.array(data["y"], float), np.column_stack([np.ones(g.size), g == "b", g == "c"])
    X = np.column_stack([X, data["x"]])
    found = reference.optimum(Problem("negbin", y, X))
    want = [float(case["params"][name]) for name in ("Intercept", "g[T.b]", "g[T.c]", "x")]
    want.append(float(np.exp(float(case["params"]["log(alpha)"]))))
    np.testing.assert_allclose(found.coefficients, want, rtol=1e-14)
    alone = float(case["bse"]["log(alpha)"]) * want[-1]
    np.testing.assert_allclose(found.standard_errors[-1], alone, rtol=1e-11)


@needs_long_double
def test_the_optimum_of_inflated_counts_has_no_score() -> None:
    problem = make("zip-10", 3000)
    found = reference.optimum(problem)
    p = problem.X.shape[1]
    pi = 1.0 / (1.0 + np.exp(-problem.X @ found.coefficients[:p]))
    mu = np.exp(problem.X @ found.coefficients[p:])
    zero = problem.y == 0.0
    certain = np.where(zero, pi / (pi + (1.0 - pi) * np.exp(-mu)), 0.0)
    score = np.concatenate(
        [(certain - pi) @ problem.X, ((1.0 - certain) * (problem.y - mu)) @ problem.X]
    )
    assert np.abs(score * found.standard_errors).max() < 1e-9
