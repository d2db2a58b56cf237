"""Bias-reduced fits: the published numbers, what they are invariant to, and where they stop."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

import glmfit as gf
from glmfit.engine.control import Control
from glmfit.engine.firth import fit_firth
from glmfit.engine.passes import Pass
from glmfit.engine.predictor import Predictor
from glmfit.errors import ArgumentError, ConvergenceWarning, NotAvailableError, SeparationWarning
from glmfit.families import FAMILIES

REFERENCE = json.loads((Path(__file__).parent / "reference" / "firth.json").read_text())["cases"]
LINKS = ["logit", "probit", "cloglog", "loglog", "cauchit"]
METHODS = ["firth", "median_bias_reduced"]


def numbers(values):
    return np.array(values, dtype=float)


@pytest.fixture(scope="module")
def challenger():
    return gf.datasets.load("challenger")


@pytest.fixture(scope="module")
def endometrial():
    return gf.datasets.load("endometrial")


@pytest.fixture(scope="module")
def risk():
    return gf.datasets.load("risk")


@pytest.fixture(scope="module")
def separated():
    x = np.arange(20.0)
    return pd.DataFrame({"x": x, "event": (x > 9).astype(int)})


# -- reference values --------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [case for case in REFERENCE if case["family"] != "multinomial"],
    ids=lambda case: f"{case['dataset']}-{case['link']}-{case['method']}",
)
def test_glm_agrees_with_brglm2(case):
    data = gf.datasets.load(case["dataset"])
    if case["dataset"] == "warpbreaks":
        data = data.astype({"tension": object, "wool": object})
    model = gf.glm(case["formula"], data, case["family"], link=case["link"])
    result = model.fit(method=case["method"])
    assert result.converged
    np.testing.assert_allclose(result.params, numbers(case["params"]), rtol=1e-9)
    np.testing.assert_allclose(result.bse, numbers(case["bse"]), rtol=1e-8)
    assert result.llf == pytest.approx(float(case["llf"]), rel=1e-10)


def test_multinomial_agrees_with_brglm2(risk):
    case = REFERENCE[-1]
    result = gf.mnlogit(case["formula"], risk, reference="low").fit(method="firth")
    assert result.converged
    assert list(result.params.columns) == case["levels"]
    np.testing.assert_allclose(result.params, numbers(case["params"]), rtol=1e-10)
    np.testing.assert_allclose(result.bse, numbers(case["bse"]), rtol=1e-10)
    assert result.llf == pytest.approx(float(case["llf"]), rel=1e-12)
    assert result.llf == pytest.approx(-3.56030089, abs=1e-8)


# -- what an estimate must be ------------------------------------------------------------


def information(design, eta):
    """Return D'WD of the multinomial logit by the textbook, as a check on the engine's."""
    full = np.exp(np.column_stack([np.zeros(len(eta)), eta]))
    p = (full / full.sum(axis=1, keepdims=True))[:, 1:]
    count, columns = p.shape[1], design.shape[1]
    out = np.zeros((count * columns, count * columns))
    for row, share in zip(design, p, strict=True):
        out += np.kron(np.diag(share) - np.outer(share, share), np.outer(row, row))
    return out


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_multinomial_adjustment_is_the_gradient_of_half_log_det(n_classes, p, seed):
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(12, p))
    theta = rng.normal(size=(n_classes - 1) * p)

    def half_log_det(at):
        eta = design @ at.reshape(n_classes - 1, p).T
        return 0.5 * np.linalg.slogdet(information(design, eta))[1]

    y = rng.integers(n_classes, size=12)
    y[:n_classes] = range(n_classes)
    model = gf.MNLogit(y, design)
    rows = model.data.rows()
    run = Pass(rows, model.likelihood, Control(), Predictor(rows.design, n_classes - 1))
    stopped = fit_firth(run, theta, Control(maxiter=1, max_halvings=1))
    at = stopped.theta
    adjustment = stopped.score - run(at).score
    step = 1e-5
    numeric = [
        (half_log_det(at + step * unit) - half_log_det(at - step * unit)) / (2 * step)
        for unit in np.eye(theta.size)
    ]
    scale = np.abs(numeric).max() + 1.0
    np.testing.assert_allclose(adjustment, numeric, atol=1e-6 * scale)


@pytest.mark.parametrize(
    ("formula", "family"), [("HG ~ NV + PI + EH", "binomial"), ("PI ~ NV + EH", "poisson")]
)
def test_firth_maximises_the_penalised_likelihood(endometrial, formula, family):
    result = gf.glm(formula, endometrial, family).fit(method="firth")
    model, best = result.model, result.penalized_llf
    theta = np.asarray(result.params)

    def penalised(at):
        half = 0.5 * np.linalg.slogdet(model.information(at))[1]
        return result.llf - 0.5 * (model._pass().deviance(at) - result.deviance) + half

    assert penalised(theta) == pytest.approx(best, rel=1e-12)
    for move in np.vstack([np.eye(theta.size), -np.eye(theta.size)]):
        assert penalised(theta + 1e-2 * move * np.asarray(result.bse)) < best


@pytest.mark.parametrize("method", METHODS)
def test_two_classes_are_a_logit(challenger, method):
    logit = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit(method=method)
    glm = gf.glm("O_RING_FAILURE ~ TEMPERATURE", challenger, "binomial").fit(method=method)
    assert logit.params.equals(glm.params)
    if method == "firth":
        classes = gf.mnlogit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit(method=method)
        np.testing.assert_allclose(classes.params.iloc[:, 0], logit.params, rtol=1e-10)
        assert classes.penalized_llf == pytest.approx(logit.penalized_llf, rel=1e-12)


def test_median_reduction_of_one_coefficient_gives_the_median():
    # one Poisson mean: the median-unbiased estimate of mu is close to y + 1/6, the
    # mean-unbiased one of log(mu) adds 1/2
    data = pd.DataFrame({"y": [7.0]})
    mean = gf.poisson("y ~ 1", data).fit(method="firth")
    median = gf.poisson("y ~ 1", data).fit(method="median_bias_reduced")
    assert np.exp(mean.params.iloc[0]) == pytest.approx(7.5, rel=1e-12)
    assert np.exp(median.params.iloc[0]) == pytest.approx(7.0 + 1.0 / 6.0, rel=1e-12)


# -- what it must not depend on ----------------------------------------------------------


@pytest.mark.parametrize("link", LINKS)
def test_mean_reduction_follows_linear_maps_of_the_columns(endometrial, link):
    design = np.column_stack([np.ones(len(endometrial)), endometrial[["NV", "PI", "EH"]]])
    turn = np.array([[1.0, 2.0, 0, 0], [0, 1.0, 3.0, 0], [0, 0, 0.02, 1.0], [0.5, 0, 0, 1.0]])
    fits = [
        gf.GLM(endometrial["HG"].to_numpy(), X, "binomial", link=link).fit(method="firth")
        for X in (design, design @ turn)
    ]
    np.testing.assert_allclose(turn @ fits[1].params, fits[0].params, rtol=1e-8)
    assert fits[0].llf == pytest.approx(fits[1].llf, rel=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_median_reduction_follows_rescaling(endometrial, method):
    design = np.column_stack([np.ones(len(endometrial)), endometrial[["NV", "PI", "EH"]]])
    scale = np.array([1.0, 1e5, 1e-6, -3.0])
    y = endometrial["HG"].to_numpy()
    plain = gf.GLM(y, design, "binomial").fit(method=method)
    scaled = gf.GLM(y, design * scale, "binomial").fit(method=method)
    np.testing.assert_allclose(scaled.params * scale, plain.params, rtol=1e-10)
    np.testing.assert_allclose(scaled.bse * np.abs(scale), plain.bse, rtol=1e-10)


def test_changing_the_reference_after_the_fit_or_before_it_is_the_same(risk):
    low = gf.mnlogit("risk ~ age + income", risk, reference="low").fit(method="firth")
    high = gf.mnlogit("risk ~ age + income", risk, reference="high").fit(method="firth")
    moved = low.rebase("high")
    np.testing.assert_allclose(moved.params[high.params.columns], high.params, rtol=1e-9)
    assert moved.penalized_llf == pytest.approx(high.penalized_llf, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_frequencies_are_repeated_rows(endometrial, method, link):
    times = np.arange(len(endometrial)) % 3
    repeated = endometrial.loc[np.repeat(endometrial.index, times)].reset_index(drop=True)
    options = {"family": "binomial", "link": link}
    weighted = gf.glm(
        "HG ~ NV + PI + EH", endometrial.assign(n=times), freq_weights="n", **options
    ).fit(method=method)
    long = gf.glm("HG ~ NV + PI + EH", repeated, **options).fit(method=method)
    np.testing.assert_allclose(weighted.params, long.params, rtol=1e-10)
    np.testing.assert_allclose(weighted.bse, long.bse, rtol=1e-10)
    assert weighted.llf == pytest.approx(long.llf, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_trials_are_single_events(challenger, method):
    grouped = challenger.groupby("TEMPERATURE")["O_RING_FAILURE"].agg(["sum", "count"])
    grouped = grouped.reset_index().assign(kept=lambda data: data["count"] - data["sum"])
    counted = gf.glm("sum + kept ~ TEMPERATURE", grouped, "binomial").fit(method=method)
    single = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit(method=method)
    np.testing.assert_allclose(counted.params, single.params, rtol=1e-10)


def test_multinomial_frequencies_are_repeated_rows(risk):
    times = np.arange(len(risk)) % 3 + 1
    repeated = risk.loc[np.repeat(risk.index, times)].reset_index(drop=True)
    formula = "risk ~ age + income"
    weighted = gf.mnlogit(formula, risk.assign(n=times), freq_weights="n").fit(method="firth")
    long = gf.mnlogit(formula, repeated).fit(method="firth")
    np.testing.assert_allclose(weighted.params, long.params, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_chunks_and_threads_change_nothing(method):
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"x": rng.normal(size=3000), "g": rng.choice(list("abcdef"), 3000)})
    data["y"] = (rng.random(3000) < 0.02).astype(int)
    model = gf.glm("y ~ x + g", data, "binomial", link="cloglog")
    whole = model.fit(method=method)
    parts = [
        model.fit(method=method, control=Control(chunk_rows=70, threads=threads))
        for threads in (1, 3)
    ]
    assert parts[0].params.equals(parts[1].params)
    assert parts[0].bse.equals(parts[1].bse)
    np.testing.assert_allclose(parts[0].params, whole.params, rtol=1e-10)


def test_multinomial_chunks_change_nothing():
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"x": rng.normal(size=900), "y": rng.integers(4, size=900)})
    model = gf.mnlogit("y ~ x", data)
    whole = model.fit(method="firth")
    parts = model.fit(method="firth", control=Control(chunk_rows=50, threads=3))
    np.testing.assert_allclose(parts.params, whole.params, rtol=1e-10)


def test_ill_conditioned_columns_keep_their_digits(endometrial):
    far = endometrial.assign(far=endometrial["PI"] + 1e6)
    plain = gf.logit("HG ~ NV + PI + EH", endometrial).fit(method="firth")
    shifted = gf.logit("HG ~ NV + far + EH", far).fit(method="firth")
    assert shifted.converged
    np.testing.assert_allclose(shifted.params.iloc[1:], plain.params.iloc[1:], rtol=1e-7)


def test_aliased_columns_are_left_out(endometrial):
    double = endometrial.assign(twice=2 * endometrial["PI"])
    with pytest.warns(gf.errors.CollinearityWarning, match="twice = 2 PI"):
        result = gf.logit("HG ~ NV + PI + twice + EH", double).fit(method="firth")
    plain = gf.logit("HG ~ NV + PI + EH", endometrial).fit(method="firth")
    assert np.isnan(result.params["twice"])
    np.testing.assert_allclose(result.params.drop("twice"), plain.params, rtol=1e-12)
    assert result.penalized_llf == pytest.approx(plain.penalized_llf, rel=1e-12)


# -- where maximum likelihood has no answer ------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("link", LINKS)
def test_estimates_are_finite_on_separated_data(separated, link, method):
    result = gf.glm("event ~ x", separated, "binomial", link=link).fit(method=method)
    assert result.converged
    assert result.separation is None
    assert np.isfinite(result.params).all()
    assert np.isfinite(result.bse).all()
    assert result.params["x"] > 0.0
    if (link, method) != ("cauchit", "median_bias_reduced"):  # which has several roots
        assert (result.bse / result.params.abs() < 2.0).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_response_at_an_end_has_an_estimate(method):
    data = pd.DataFrame({"y": [0] * 9})
    result = gf.logit("y ~ 1", data).fit(method=method)
    if method == "firth":  # half a success and half a failure are added
        assert result.params.iloc[0] == pytest.approx(np.log(0.5 / 9.5), rel=1e-12)
    assert -4.5 < result.params.iloc[0] < -2.0


def test_poisson_without_events_in_a_group():
    data = pd.DataFrame({"g": list("aaabbb"), "y": [3, 1, 2, 0, 0, 0]})
    result = gf.poisson("y ~ g", data).fit(method="firth")
    assert result.converged
    # in a saturated table, half an event is added to each cell
    assert result.params["Intercept"] == pytest.approx(np.log(6.5 / 3), rel=1e-12)
    assert result.params["g[T.b]"] == pytest.approx(np.log(0.5 / 6.5), rel=1e-12)


def test_separation_names_the_remedy(separated, risk):
    with pytest.warns(SeparationWarning, match=r'Use \.fit\(method="firth"\)'):
        gf.logit("event ~ x", separated).fit()
    with pytest.warns(SeparationWarning, match=r'Use \.fit\(method="firth"\)'):
        gf.mnlogit("risk ~ age + income", risk).fit()


# -- what a result says -------------------------------------------------------------------


def test_the_summary_says_how_it_was_fitted(challenger):
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit(method="firth")
    text = result.summary().as_text()
    assert result.method == "Firth bias-reduced"
    assert "Firth bias-reduced" in text
    assert "Penalized LL:" in text
    assert "LLR p-value" not in text
    assert "not its maximum" in text
    plain = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
    assert plain.method == "Newton"
    assert "LLR p-value" in plain.summary().as_text()
    assert result.llf < plain.llf


def test_a_likelihood_ratio_is_refused(challenger):
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit(method="firth")
    with pytest.raises(NotAvailableError, match="do not maximise the likelihood"):
        _ = result.llr
    with pytest.raises(NotAvailableError, match="do not maximise the likelihood"):
        _ = result.llr_pvalue


@pytest.mark.parametrize(
    ("link", "method"), [("logit", "median_bias_reduced"), ("probit", "firth"), ("logit", "irls")]
)
def test_a_penalised_likelihood_exists_for_canonical_firth_only(challenger, link, method):
    model = gf.glm("O_RING_FAILURE ~ TEMPERATURE", challenger, "binomial", link=link)
    with pytest.raises(NotAvailableError, match="canonical link"):
        _ = model.fit(method=method).penalized_llf


def test_probit_takes_the_expected_information(challenger):
    formula = "O_RING_FAILURE ~ TEMPERATURE"
    named = gf.probit(formula, challenger).fit(method="firth")
    glm = gf.glm(formula, challenger, "binomial", link="probit").fit(method="firth")
    assert named.bse.equals(glm.bse)


def test_the_history_is_kept(challenger):
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit(method="firth")
    steps = result.fit_history["step"]
    assert steps[-1] < 1e-11 < steps[0]
    assert result.fit_history["iteration"] == len(steps) < 20


# -- the penalised likelihood, profiled ----------------------------------------------------


def direct_loss(result, held, value):
    """Return what holding a coefficient loses, by a general-purpose optimiser."""
    model, theta = result.model, np.asarray(result.params, dtype=float)
    free = np.delete(np.arange(theta.size), held)
    errors = np.asarray(result.bse)[free]

    def penalised(move):
        at = theta.copy()
        at[held] = value
        at[free] += move * errors
        return model._pass().deviance(at) - np.linalg.slogdet(model.information(at))[1]

    lowest = penalised(np.zeros(free.size))
    if free.size > 0:
        start = np.zeros(free.size)
        lowest = optimize.minimize(penalised, start, method="BFGS", options={"gtol": 1e-9}).fun
    at_best = result.deviance - np.linalg.slogdet(model.information(theta))[1]
    return lowest - at_best


@pytest.mark.parametrize("term", ["NV", "PI", "EH"])
def test_profile_ends_lose_the_quantile(endometrial, term):
    result = gf.logit("HG ~ NV + PI + EH", endometrial).fit(method="firth")
    ends = result.conf_int(0.1, method="profile").loc[term]
    position = list(result.params.index).index(term)
    assert ends[0] < result.params[term] < ends[1]
    for end in ends:
        assert direct_loss(result, position, end) == pytest.approx(2.705543454, abs=1e-6)


def test_profile_intervals_and_tests_of_the_endometrial_data(endometrial):
    # the ends are those that R's logistf prints, which stops at about six digits
    result = gf.logit("HG ~ NV + PI + EH", endometrial).fit(method="firth")
    ends = result.conf_int(method="profile")
    printed = [
        [1.0825371, 7.20928050],
        [0.6097244, 7.85463171],
        [-0.1244587, 0.04045547],
        [-4.3651832, -1.23272106],
    ]
    np.testing.assert_allclose(ends, printed, rtol=1e-5)
    test = result.penalized_lr_test("NV")
    assert test.df == 1
    assert test.statistic == pytest.approx(direct_loss(result, 1, 0.0), abs=1e-6)
    assert test.pvalue == pytest.approx(0.009124, abs=1e-6)
    overall = result.penalized_lr_test()
    assert overall == result.penalized_lr_test(["NV", "PI", "EH"])
    assert overall.df == 3
    assert overall.statistic == pytest.approx(43.65582, abs=1e-5)


def test_profile_of_some_coefficients_and_of_none(endometrial):
    result = gf.logit("HG ~ NV + PI + EH", endometrial).fit(method="firth")
    every = result.conf_int(method="profile")
    some = result.conf_int(method="profile", cols=[2, 1])
    pd.testing.assert_frame_equal(some, every.iloc[[2, 1]])
    assert result.conf_int().equals(result.conf_int(method="wald"))
    with pytest.raises(ArgumentError, match="wald, profile, score"):
        result.conf_int(method="likelihood")
    with pytest.raises(NotAvailableError, match="do not maximise it"):
        result.conf_int(method="score")
    median = gf.probit("HG ~ PI + EH", endometrial).fit(method="median_bias_reduced")
    with pytest.raises(NotAvailableError, match="do not maximise it"):
        median.conf_int(method="profile")
    for other in (median, gf.probit("HG ~ PI + EH", endometrial).fit()):
        with pytest.raises(NotAvailableError, match="canonical link"):
            other.penalized_lr_test("PI")


def test_profiles_of_a_multinomial(risk, challenger):
    result = gf.mnlogit("risk ~ age + income", risk, reference="low").fit(method="firth")
    ends = result.conf_int(method="profile")
    inside = result.params.to_numpy().ravel(order="F")
    assert ((ends["lower"] < inside) & (inside < ends["upper"])).all()
    assert result.penalized_lr_test("age").df == 2
    # the test of a term does not depend on the reference
    moved = result.rebase("high").penalized_lr_test("age")
    assert moved.statistic == pytest.approx(result.penalized_lr_test("age").statistic, rel=1e-8)
    formula = "O_RING_FAILURE ~ TEMPERATURE"
    classes = gf.mnlogit(formula, challenger).fit(method="firth").conf_int(method="profile")
    logit = gf.logit(formula, challenger).fit(method="firth").conf_int(method="profile")
    np.testing.assert_allclose(classes, logit, rtol=1e-7)


def test_terms_of_a_formula_are_tested_whole():
    data = gf.datasets.load("warpbreaks").astype({"tension": object, "wool": object})
    result = gf.poisson("breaks ~ wool + tension", data).fit(method="firth")
    whole = result.penalized_lr_test("tension")
    assert whole.df == 2
    assert whole == result.penalized_lr_test(["tension[T.L]", "tension[T.M]"])
    with pytest.raises(ArgumentError, match="Did you mean 'tension'"):
        result.penalized_lr_test("tensoin")


def test_a_single_coefficient_has_a_profile():
    result = gf.logit("y ~ 1", pd.DataFrame({"y": [0, 0, 0, 0, 1]})).fit(method="firth")
    low, high = result.conf_int(method="profile").iloc[0]
    assert direct_loss(result, 0, low) == pytest.approx(3.841458821, abs=1e-6)
    assert direct_loss(result, 0, high) == pytest.approx(3.841458821, abs=1e-6)


@pytest.mark.parametrize("family", list({id(f): f for f in FAMILIES.values()}.values()), ids=str)
def test_log_variance_slope_is_the_derivative(family):
    for example in family.examples():
        shares = example.mean_domain.high == 1.0
        mu = np.array([0.2, 0.5, 0.7]) if shares else np.array([0.4, 1.3, 5.0])
        eta = example.link.link(mu)
        step = 1e-6 * np.abs(eta).max()
        ends = [np.log(example.variance(example.link.inverse(eta + s))) for s in (step, -step)]
        numeric = (ends[0] - ends[1]) / (2.0 * step)
        np.testing.assert_allclose(example.log_variance_slope(eta), numeric, rtol=1e-6, atol=1e-8)


# -- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", ["gaussian", "gamma", "quasipoisson"])
def test_an_estimated_dispersion_is_refused(family, method):
    data = gf.datasets.load("warpbreaks")
    with pytest.raises(ArgumentError, match="dispersion is known"):
        gf.glm("breaks ~ wool", data, family).fit(method=method)


def test_other_refusals(challenger, risk):
    model = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger)
    with pytest.raises(ArgumentError, match="scale= does not go with"):
        model.fit(method="firth", scale="X2")
    with pytest.raises(ArgumentError, match=r"'firth'\?.*firth, median_bias_reduced"):
        model.fit(method="frith")
    with pytest.raises(ArgumentError, match="median bias of a multinomial logit"):
        gf.mnlogit("risk ~ age + income", risk).fit(method="median_bias_reduced")


def test_too_few_iterations_are_told(challenger):
    model = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger)
    with pytest.warns(ConvergenceWarning, match="limit of 2 iterations"):
        result = model.fit(method="firth", maxiter=2)
    assert not result.converged


def test_the_data_are_not_changed(endometrial):
    before = endometrial.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gf.logit("HG ~ NV + PI + EH", endometrial).fit(method="firth")
    pd.testing.assert_frame_equal(endometrial, before)
