"""Which solver a name selects, when it stops, and what it tells of its iterations."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.design import Blocks, Categorical, Dense
from glmfit.engine.control import Control
from glmfit.engine.passes import Pass
from glmfit.engine.predictor import Predictor
from glmfit.engine.rank import select_columns
from glmfit.engine.solvers import SOLVERS
from glmfit.errors import ArgumentError, SeparationWarning
from glmfit.likelihoods import GLMLikelihood, Multinomial
from glmfit.sources import Rows

REFERENCE = json.loads((Path(__file__).parent / "reference" / "solvers.json").read_text())
overdispersed = gf.families.NegativeBinomial(alpha=0.5)
ELSEWHERE = ["bfgs", "cg", "ncg", "nm", "powell", "basinhopping", "minimize"]
every_solver = pytest.mark.parametrize("method", SOLVERS)


@pytest.fixture(scope="module")
def challenger():
    return gf.datasets.load("challenger")


@pytest.fixture(scope="module")
def housing():
    return gf.datasets.load("housing")


def ring(data, **options):
    """Return the model of the Challenger rings."""
    return gf.glm("O_RING_FAILURE ~ TEMPERATURE", data, "binomial", **options)


def satisfaction(data):
    return gf.mnlogit("sat ~ infl + cont", data, freq_weights="freq")


# --- names ------------------------------------------------------------------------------


@every_solver
def test_a_name_selects_a_solver(housing, method):
    for name in (method, method.upper()):
        result = satisfaction(housing).fit(method=name)
        assert result.record.method == method
        assert result.method == SOLVERS[method].label
    shown = str(result.summary())
    assert ("MLE  " if method == "newton" else f"MLE ({method})") in shown


def test_newton_is_the_default(challenger, housing):
    assert ring(challenger).fit().method == "Newton"
    assert satisfaction(housing).fit().method == "Newton"
    assert re.search("Method: +Newton", str(ring(challenger).fit().summary()))


@pytest.mark.parametrize("name", ELSEWHERE)
def test_optimisers_that_are_not_there_mean_newton(challenger, name):
    plain, other = ring(challenger).fit(), ring(challenger).fit(method=name)
    assert other.method == "Newton"
    assert other.params.tolist() == plain.params.tolist()


@pytest.mark.parametrize(
    ("given", "near"), [("newtn", "newton"), ("l-bfgs", "lbfgs"), ("fischer", "fisher")]
)
def test_a_wrong_name_is_answered_with_the_near_one(housing, given, near):
    models = [
        satisfaction(housing),
        gf.ordered("sat ~ infl", housing, levels=["Low", "Medium", "High"], freq_weights="freq"),
        gf.conditional_logit("case ~ induced", gf.datasets.load("infert"), groups="stratum"),
        gf.glm("freq ~ infl", housing, "poisson"),
    ]
    for model in models:
        with pytest.raises(ArgumentError, match=f"Did you mean '{near}'"):
            model.fit(method=given)


@pytest.mark.parametrize("given", [None, 3, ["newton"], "", "firth "])
def test_what_is_no_name_is_refused(challenger, given):
    with pytest.raises(ArgumentError, match="There is no method"):
        ring(challenger).fit(method=given)


def test_a_rule_is_checked(challenger):
    with pytest.raises(ArgumentError, match=r"no stop 'param'.*Did you mean 'params'"):
        ring(challenger).fit(stop="param")
    with pytest.raises(ArgumentError, match="'score', 'params', 'loglik', 'gradient'"):
        Control(stop=None)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="stop and disp in the Control, or beside it"):
        ring(challenger).fit(stop="params", control=Control())
    with pytest.raises(ArgumentError, match="or beside it"):
        ring(challenger).fit(maxiter=100, control=Control())


def test_first_order_solvers_are_allowed_more_iterations():
    """On these data the limit lies at infinity, and no solver gets there."""
    data = pd.DataFrame({"x": np.arange(20.0), "y": [0] * 10 + [1] * 10})
    for method, solver in SOLVERS.items():
        with pytest.warns(SeparationWarning):
            free = gf.logit("y ~ x", data).fit(method=method)
        with pytest.warns(SeparationWarning):
            held = gf.logit("y ~ x", data).fit(method=method, control=Control(maxiter=7))
        assert solver.maxiter == (1000 if method in ("lbfgs", "gd") else 100)
        assert 7 == held.fit_history["iteration"] < free.fit_history["iteration"]
        assert free.fit_history["iteration"] <= solver.maxiter


# --- against what others print ----------------------------------------------------------


@pytest.mark.parametrize("method", ["fisher", "irls"])
@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["family"] + case["link"])
def test_scoring_takes_the_steps_of_r(case, method):
    data = gf.datasets.load(case["dataset"])
    family = gf.families.resolve_family(case["family"].lower(), case["link"])
    model = gf.glm(case["formula"], data, family)
    result = model.fit(method=method, start_params=case["start"], tol=1e-12)
    expected = np.array(case["deviance"], dtype=float)
    found = np.array(result.fit_history["deviance"])
    shared = min(expected.size, found.size)
    assert shared >= expected.size - 2
    np.testing.assert_allclose(found[:shared], expected[:shared], rtol=1e-12)


def test_newton_needs_fewer_iterations_than_fisher_where_they_differ(challenger):
    newton = ring(challenger, link="cloglog").fit()
    fisher = ring(challenger, link="cloglog").fit(method="fisher")
    assert len(newton.history) < len(fisher.history) - 3
    same = [ring(challenger).fit(method=name).history for name in ("newton", "fisher")]
    pd.testing.assert_frame_equal(*same)


@pytest.mark.parametrize("method", ["newton", "fisher", "irls"])
def test_the_published_run_of_fisher_scoring(challenger, method):
    """Five iterations from 0 until no coefficient changes by .001, with these digits.

    The ``params`` and ``n_iter`` that the post "Logistic regression and Fisher scoring"
    prints for the Challenger data.
    """
    result = ring(challenger).fit(method=method, start_params=[0, 0], stop="params", tol=1e-3)
    assert result.params.round(8).tolist() == [15.04290163, -0.23216274]
    assert result.fit_history["iteration"] == 5
    assert result.history.step[4] > 1e-3 >= result.history.step[5]


# --- rules ------------------------------------------------------------------------------

RULES = {"params": "step", "gradient": "gradient_norm", "loglik": "loglik"}


@pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("stop", RULES)
@every_solver
def test_a_fit_stops_where_the_rule_is_first_met(housing, method, stop, tol):
    result = satisfaction(housing).fit(method=method, stop=stop, tol=tol)
    values = result.history[RULES[stop]]
    if stop == "loglik":
        values = values.diff().abs()
    assert values.iloc[-1] <= tol
    assert (values.iloc[:-1].dropna() > tol).all()
    assert result.converged
    certain = satisfaction(housing).fit(method=method)
    assert len(result.history) < len(certain.history)
    together = certain.history.iloc[: len(result.history)]
    np.testing.assert_allclose(result.history.loglik, together.loglik, rtol=1e-13)
    told = {"params": "no coefficient changed", "gradient": "gradient", "loglik": "log-likelihood"}
    assert told[stop] in result.mle_retvals["message"]
    assert f"{tol:g}" in result.mle_retvals["message"]
    assert result.mle_retvals["stop"] == stop
    shown = " ".join(str(result.summary()).split())
    assert f"Stopped by the rule asked for (stop='{stop}')" in shown
    assert "may lie further" in shown
    assert "Stopped by" not in str(certain.summary())


@pytest.mark.parametrize("stop", RULES)
def test_a_looser_rule_stops_earlier(challenger, stop):
    fits = [
        ring(challenger).fit(method="gd", stop=stop, tol=tol) for tol in (1.0, 1e-2, 1e-4, 1e-6)
    ]
    lengths = [len(result.history) for result in fits]
    assert lengths == sorted(set(lengths))
    best = ring(challenger).fit().llf
    gaps = [best - result.llf for result in fits]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > 1e-4
    assert gaps[-1] < 1e-6


@pytest.mark.parametrize("stop", RULES)
@every_solver
def test_a_rule_that_rounding_forbids_ends_all_the_same(challenger, method, stop):
    result = ring(challenger).fit(method=method, stop=stop, tol=1e-300)
    assert result.converged
    assert len(result.history) < 100
    np.testing.assert_allclose(result.params, ring(challenger).fit().params, rtol=1e-8)


@pytest.mark.parametrize("stop", RULES)
@pytest.mark.parametrize("kind", ["firth", "median_bias_reduced"])
def test_bias_reduced_fits_stop_by_the_same_rules(challenger, kind, stop):
    certain = ring(challenger).fit(method=kind)
    loose = ring(challenger).fit(method=kind, stop=stop, tol=1e-3)
    assert loose.converged
    assert 1 < len(loose.history) < len(certain.history)
    values = loose.history[RULES[stop]]
    values = values.diff().abs() if stop == "loglik" else values
    assert values.iloc[-1] <= 1e-3 < values.iloc[-2]
    assert certain.history.loglik.iloc[-1] == pytest.approx(certain.llf, rel=1e-14)
    ended = ring(challenger).fit(method=kind, stop=stop, tol=1e-300)
    assert ended.converged
    np.testing.assert_allclose(ended.params, certain.params, rtol=1e-8)


def test_rules_know_the_dispersion():
    """Log-likelihood and gradient are those of the normal at variance deviance / n."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=50)
    y = 3.0 * x + 1e3 * rng.normal(size=50)
    X = np.column_stack([np.ones(50), x])
    result = gf.OLS(y, X).fit(start_params=[0.0, 0.0], method="gd", stop="gradient", tol=1e-3)
    start = result.record.history[0]
    variance = start.deviance / 50
    assert start.gradient == pytest.approx(np.linalg.norm(X.T @ y) / variance, rel=1e-12)
    last = result.history.iloc[-1]
    spread = result.ssr / 50
    assert last.loglik == pytest.approx(-25.0 * (math.log(2.0 * math.pi * spread) + 1.0), rel=1e-12)
    first = -25.0 * math.log(2.0 * math.pi * spread) - 0.5 * start.deviance / spread
    assert result.history.loglik[0] == pytest.approx(first, rel=1e-12)


def test_a_rule_serves_the_fit_and_not_its_null_model():
    """The null model of an offset has a fit of its own, which runs to its maximum."""
    data = gf.datasets.load("ships")
    data = data[data.service > 0]
    model = gf.glm("incidents ~ type", data, overdispersed, exposure="service")
    loose = model.fit(stop="loglik", tol=5.0)
    assert loose.llnull == pytest.approx(model.fit().llnull, rel=1e-12)
    assert loose.llf < model.fit().llf - 1e-6


def test_a_loose_rule_does_not_hide_separation():
    data = pd.DataFrame({"x": np.arange(10.0), "y": [0] * 5 + [1] * 5})
    with pytest.warns(SeparationWarning, match="completely separated"):
        result = gf.logit("y ~ x", data).fit(stop="loglik", tol=1.0)
    assert not result.converged
    assert np.isinf(result.params).all()
    assert "Stopped by" not in str(result.summary())


# --- what is shown ----------------------------------------------------------------------


@pytest.mark.parametrize("method", [*SOLVERS, "firth"])
def test_lines_are_printed_if_asked_for(housing, capsys, method):
    result = satisfaction(housing).fit(method=method, disp=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(result.history)
    assert lines[0].startswith("iteration   0  deviance 3693.534515  gradient ")
    assert "step" in lines[1]
    satisfaction(housing).fit(method=method)
    assert capsys.readouterr().out == ""


def test_the_null_model_prints_nothing(capsys):
    data = gf.datasets.load("ships")
    data = data[data.service > 0]
    model = gf.glm("incidents ~ type", data, overdispersed, exposure="service")
    result = model.fit(disp=True)
    assert len(capsys.readouterr().out.splitlines()) == len(result.history)


def test_the_history_is_a_frame_and_lists(challenger):
    result = ring(challenger).fit(method="lbfgs")
    history, lists = result.history, result.fit_history
    assert history.index.name == "iteration"
    assert lists["iteration"] == len(history) - 1
    for name in ("loglik", "step", "gradient_norm", "halvings"):
        assert lists[name] == history[name].tolist()[1:]
    assert lists["params"][-1] == pytest.approx(result.params.to_numpy(), rel=1e-14)
    assert lists["deviance"][-1] == pytest.approx(result.deviance, rel=1e-14)
    moves = np.diff(np.array(lists["params"]), axis=0)
    np.testing.assert_allclose(np.abs(moves).max(axis=1), lists["step"][1:], rtol=1e-12)
    light = result.remove_data()
    pd.testing.assert_frame_equal(light.history, history)


# --- passes -----------------------------------------------------------------------------


def test_a_slope_is_the_pass_without_information():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(300, 2))
    design = Blocks([Dense(x), Categorical(rng.integers(0, 4, 300), 4)])
    weight = rng.uniform(0.0, 2.0, 300)
    y = rng.poisson(2.0, 300).astype(float)
    kept = select_columns(design, np.array([0, 2, 3, 5]))
    shares = rng.dirichlet(np.ones(3), 300)
    control = Control(chunk_rows=70)
    runs = [
        Pass(Rows(y, design, x[:, 0], weight), GLMLikelihood(gf.families.Poisson()), control),
        Pass(Rows(y, kept, None, weight), GLMLikelihood(gf.families.Poisson("sqrt")), control),
        Pass(Rows(shares, kept, None, weight), Multinomial(3), control, Predictor(kept, 2)),
    ]
    for run in runs:
        theta = np.linspace(0.1, 0.3, run.predictor.n_parameters)
        whole, slope = run(theta), run.slope(theta)
        assert slope.deviance == whole.deviance
        assert np.array_equal(slope.score, whole.score)
    outside = Pass(Rows(y, design, None, None), GLMLikelihood(gf.families.Poisson("identity")),
                   control)  # fmt: skip
    assert outside.slope(np.full(6, -1.0)).deviance == math.inf
