"""Marginal effects, comparisons, adjusted predictions: against R, statsmodels' names, differences.

The values of R and the script that made them stand in tests/reference/margins.*.
"""

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import glmfit as gf
from glmfit.errors import (
    ArgumentError,
    CollinearityWarning,
    DataError,
    FormulaWarning,
    NotAvailableError,
    SeparationWarning,
    UnknownNameError,
)
from glmfit.inference.margins import differentiate

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "margins.json").read_text(encoding="utf8")
)
DATA = pd.DataFrame(REFERENCE["data"])
DATA["poly"] = DATA["x"]
DATA["o"] = pd.Categorical(DATA["o"], categories=["low", "mid", "top"], ordered=True)
VALUES = REFERENCE["values"]

POISSON = "count ~ g * x + I(x**2) + np.log(z) + h + offset(np.log(t))"
SPLINE = "binary ~ bs(x, df=5, lower_bound=-1, upper_bound=11) + d"


def agrees(margins: Any, *wanted: Any, rtol: float = 1e-7) -> None:
    """Estimates and errors are R's; the errors' digits are those of numDeriv."""
    estimate = np.concatenate([np.atleast_1d(part["estimate"]) for part in wanted])
    error = np.concatenate([np.atleast_1d(part["se"]) for part in wanted])
    np.testing.assert_allclose(margins.estimate, estimate, rtol=rtol, atol=rtol * abs(error).max())
    np.testing.assert_allclose(margins.se, error, rtol=10 * rtol)
    if "lower" in wanted[0]:
        ends = np.column_stack([np.concatenate([w[k] for w in wanted]) for k in ("lower", "upper")])
        np.testing.assert_allclose(margins.conf_int(), ends, rtol=10 * rtol, atol=1e-9)


@pytest.fixture(scope="module")
def poisson() -> Any:
    return gf.poisson(POISSON, DATA).fit()


@pytest.fixture(scope="module")
def spline() -> Any:
    # probit() has the observed information, as statsmodels; R's glm the expected
    return gf.glm(SPLINE, DATA, "binomial", link="probit").fit()


# -- against R -------------------------------------------------------------------------------


def test_effects_with_interaction_power_and_offset_are_those_of_r(poisson):
    wanted = VALUES["poisson"]
    agrees(poisson.marginal_effects("x"), wanted["x"])
    agrees(poisson.marginal_effects("z"), wanted["z"])
    agrees(poisson.marginal_effects("z", method="eyex"), wanted["eyex"])
    effects = poisson.marginal_effects(["g", "h"]).summary_frame()
    assert list(effects["contrast"]) == ["b - a", "c - a", "q - p"]
    agrees(poisson.comparisons({"g": ("a", "b")}), wanted["g_b"])
    agrees(poisson.marginal_effects("h"), wanted["h_q"])
    agrees(poisson.adjusted_predictions(at={"x": 3}), wanted["at_3"])


def test_a_variable_of_the_offset_moves_it(poisson):
    agrees(poisson.marginal_effects("t"), VALUES["poisson"]["t"])
    # by default the variables are those that terms read
    assert set(poisson.marginal_effects().labels["term"]) == {"g", "x", "z", "h"}


def test_groups_are_averaged_by_themselves(poisson):
    found = poisson.marginal_effects("x", by="g")
    assert list(found.labels["g"]) == ["a", "b", "c"]
    chosen = replace(
        found, estimate=found.estimate[1:2], se=found.se[1:2], labels=found.labels.iloc[1:2]
    )
    agrees(chosen, VALUES["poisson"]["x_in_b"])


def test_errors_follow_a_robust_covariance():
    robust = gf.poisson(POISSON, DATA).fit(cov_type="HC0")
    found = robust.marginal_effects("x")
    agrees(found, VALUES["poisson"]["x_HC0"])
    assert "HC0" in str(found)


def test_effects_of_a_spline_are_those_of_r(spline):
    wanted = VALUES["spline"]
    agrees(spline.marginal_effects("x"), wanted["x"], rtol=1e-6)
    agrees(spline.marginal_effects("d"), wanted["d"])
    agrees(spline.adjusted_predictions(at={"x": 7}), wanted["at_7"])


def test_frequencies_weigh_rows():
    result = gf.glm("positive ~ x + g", DATA, "gamma", link="log", freq_weights="w").fit()
    agrees(result.marginal_effects("x"), VALUES["gamma"]["x"])
    agrees(result.comparisons({"g": ("a", "c")}), VALUES["gamma"]["g_c"])
    long = DATA.loc[DATA.index.repeat(DATA["w"])]
    repeated = gf.glm("positive ~ x + g", long, "gamma", link="log").fit()
    for at in ("overall", "mean", "median", "balanced"):
        one, other = (r.marginal_effects(at=at) for r in (result, repeated))
        np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-9)
        np.testing.assert_allclose(one.cov, other.cov, rtol=1e-8)


def test_a_multinomial_logit_has_an_effect_for_each_level():
    wanted = VALUES["multinom"]
    result = gf.mnlogit("o ~ x + g + d", DATA).fit()
    agrees(result.marginal_effects("x"), wanted["x"])
    agrees(result.comparisons({"g": ("a", "c")}), wanted["g_c"])
    agrees(result.adjusted_predictions(at={"x": 4, "g": "b", "d": 1}), wanted["at"])
    for at in ("overall", "mean"):
        sums = result.marginal_effects(at=at).estimate.reshape(-1, 3).sum(axis=1)
        np.testing.assert_allclose(sums, 0.0, atol=1e-14)


def test_an_ordinal_model_has_an_effect_for_each_level():
    wanted = VALUES["clm"]
    result = gf.ordered("o ~ x + I(x**2) + g + d", DATA, distr="probit").fit()
    agrees(result.marginal_effects("x"), wanted["x"])
    agrees(result.marginal_effects("d"), wanted["d"])
    agrees(result.adjusted_predictions(at={"x": 4, "g": "b", "d": 1}), wanted["at"])


def test_marginal_means_are_those_of_emmeans():
    result = gf.poisson("count ~ g * h + x + offset(np.log(t))", DATA).fit()
    wanted = VALUES["emmeans"]
    # emmeans takes the mean of the offset, and not the offset at the mean of its variable
    at = {"t": np.exp(np.log(DATA["t"]).mean())}
    link = result.marginal_means("g", at, which="linear")
    assert list(link.labels.columns) == ["t", "g"]
    agrees(link, wanted["link"])
    agrees(result.marginal_means("g", at, which="invlink"), wanted["response"])
    cells = result.marginal_means(["h", "g"], at)
    cells = replace(cells, labels=cells.labels[["h", "g"]])
    assert cells.labels.to_dict("list") == {"h": ["p"] * 3 + ["q"] * 3, "g": ["a", "b", "c"] * 2}
    agrees(cells, wanted["cells"])
    pairs = result.comparisons("g", "pairwise", at="balanced", which="linear")
    agrees(pairs, wanted["pairs"])
    plain = gf.poisson("count ~ g * h + g * x", DATA).fit()
    regrid = plain.marginal_means("g")
    agrees(regrid, {k: VALUES["plain"]["regrid"][k] for k in ("estimate", "se")})
    trend = plain.marginal_effects("x", at="balanced", by="g", which="linear")
    agrees(trend, VALUES["plain"]["trend"])


# -- against differences ------------------------------------------------------------------------

CASES = {
    "poisson": lambda: gf.poisson(
        "count ~ g * bs(x, df=4) + h + offset(np.log(t) + 0.1 * x)", DATA
    ),
    "logit": lambda: gf.logit(
        "binary ~ x * d + cr(z, df=4, constraints='center') + offset(0.2 * x)", DATA
    ),
    "gamma": lambda: gf.glm("positive ~ poly + I(poly**2) + g", DATA, "gamma", link="log"),
    "sqrt": lambda: gf.glm("count ~ np.sqrt(x) + center(x):d", DATA, "poisson", link="sqrt"),
    "multinomial": lambda: gf.mnlogit("o ~ np.log(x) * d + offset(0.1 * x)", DATA),
    "ordered": lambda: gf.ordered("o ~ np.log(x) * d + offset(0.1 * x)", DATA, distr="logit"),
    "cloglog": lambda: gf.ordered("o ~ x + I(x**2) + d", DATA, distr="cloglog"),
    "nonparallel": lambda: gf.ordered("o ~ x + I(x**2) + d", DATA, nonparallel="d"),
    "adjacent": lambda: gf.adjacent_category("o ~ x + I(x**2) + d + offset(0.1 * x)", DATA),
    "continuation": lambda: gf.continuation_ratio("o ~ x + I(x**2) + d + offset(0.1 * x)", DATA),
}


def moved(result: Any, theta: np.ndarray) -> Any:
    other = pickle.loads(pickle.dumps(result))
    other.record = replace(result.record, base=theta)
    return other


def five_point(function: Any, step: float) -> np.ndarray:
    near = function(step) - function(-step)
    far = function(2 * step) - function(-2 * step)
    return (8 * near - far) / (12 * step)


@pytest.mark.parametrize("name", list(CASES))
def test_effects_are_derivatives_of_the_mean_prediction(name):
    """Six digits, also of the errors, by differences of predict() in x and in theta."""
    result = CASES[name]().fit()
    variable = "poly" if name == "gamma" else "x"
    inside = DATA[(DATA["x"] > 0.5) & (DATA["x"] < 9.5)]

    def effect(theta: np.ndarray) -> np.ndarray:
        fit = moved(result, theta)

        def mean(step: float) -> np.ndarray:
            rows = inside.assign(**{variable: inside["x"] + step})
            return np.atleast_1d(np.asarray(fit.predict(rows)).mean(axis=0))

        return five_point(mean, 5e-4)

    theta = result.record.base
    found = result.marginal_effects(variable, exog=inside)
    np.testing.assert_allclose(found.estimate, effect(theta), rtol=1e-6, atol=1e-9)
    columns = []
    for j in range(theta.size):
        unit = np.eye(theta.size)[j]
        size = 1e-3 * np.sqrt(result._covariance[j, j])
        columns.append(five_point(lambda h, u=unit: effect(theta + h * u), size))
    jacobian = np.column_stack(columns)
    error = np.sqrt(np.diag(jacobian @ result._covariance @ jacobian.T))
    np.testing.assert_allclose(found.se, error, rtol=2e-6)


@pytest.mark.parametrize("name", list(CASES))
def test_single_rows_average_to_the_whole(name):
    result = CASES[name]().fit()
    variable = "poly" if name == "gamma" else "x"
    each = result.marginal_effects(variable, at="all")
    whole = result.marginal_effects(variable)
    means = each.estimate.reshape(len(DATA), -1).mean(axis=0)
    np.testing.assert_allclose(means, whole.estimate, rtol=1e-9, atol=1e-12)
    assert (each.se > 0).all()
    one = result.marginal_effects(variable, exog=DATA.iloc[[7]])
    count = len(whole)
    np.testing.assert_allclose(each.se[7 * count : 8 * count], one.se, rtol=1e-9)
    with pytest.raises(NotAvailableError, match="for each row"):
        _ = each.cov


@pytest.mark.parametrize(
    ("function", "derivative", "x"),
    [
        (np.log1p, lambda x: 1 / (1 + x), [0.0, 1e-3, 5.0, 1e6]),
        (np.log, lambda x: 1 / x, [1e-3, 0.7, 40.0, 1e6]),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x), [1e-6, 1.0, 1e4]),
        (lambda x: (x - 2000.0) ** 3, lambda x: 3 * (x - 2000.0) ** 2, [1990.0, 2000.0, 2011.0]),
        (lambda x: np.exp(-(x**2)), lambda x: -2 * x * np.exp(-(x**2)), [-3.0, 0.0, 0.3, 30.0]),
        (lambda x: np.maximum(x, 0.0) ** 3, lambda x: 3 * np.maximum(x, 0.0) ** 2, [-1.0, 0, 1.0]),
    ],
)
def test_derivatives_have_seven_digits_whatever_the_scale(function, derivative, x):
    x = np.array(x)
    found = differentiate(
        lambda v, rows: function(v)[:, None], function(x)[:, None], x, x.min(), x.max()
    )
    assert found.exists.all()
    np.testing.assert_allclose(found.value[:, 0], derivative(x), rtol=2e-7, atol=1e-9)


@given(
    slope=st.floats(-1e3, 1e3, allow_subnormal=False),
    shift=st.floats(-1e6, 1e6),
    width=st.floats(1e-3, 1e3),
)
@settings(max_examples=60, deadline=None)
def test_linear_columns_are_differentiated_to_rounding(slope, shift, width):
    x = shift + width * np.array([0.0, 0.3, 0.8, 1.0])
    found = differentiate(lambda v, rows: v[:, None] * slope, x[:, None] * slope, x, x[0], x[-1])
    allowed = 1e-11 * (1.0 + abs(shift) / width) * abs(slope)
    np.testing.assert_allclose(found.value[:, 0], slope, rtol=0, atol=allowed + 1e-300)


def test_a_step_has_no_derivative():
    data = DATA.assign(age=np.arange(60) % 7)
    result = gf.poisson("count ~ I(age > 3) + x", data).fit()
    found = result.marginal_effects(["age", "x"])
    assert np.isnan(found.estimate[0])
    assert np.isnan(found.se[0])
    assert np.isfinite(found.estimate[1])
    assert "comparisons()" in str(found)
    jump = result.comparisons({"age": (3, 4)})
    lower, upper = (np.mean(result.predict(data.assign(age=a))) for a in (3, 4))
    np.testing.assert_allclose(jump.estimate, upper - lower, rtol=1e-12)


# -- get_margeff ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dropin() -> Any:
    return json.loads(
        (Path(__file__).parent / "reference" / "margeff.json").read_text(encoding="utf8")
    )


MODELS = {
    "logit": lambda y, X: gf.Logit(y["binary"], X),
    "probit": lambda y, X: gf.Probit(y["binary"], X),
    "poisson": lambda y, X: gf.Poisson(y["count"], X),
    "gamma": lambda y, X: gf.GLM(y["positive"], X, family="gamma", link="log"),
    "mnlogit": lambda y, X: gf.MNLogit(y["code"], X),
}


@pytest.mark.parametrize("name", list(MODELS))
def test_plain_columns_have_the_numbers_of_statsmodels(name, dropin):
    X = np.array(dropin["exog"])
    y = {key: np.array(values) for key, values in dropin["endog"].items()}
    result = MODELS[name](y, X).fit()
    cases = [case for case in dropin["cases"] if case["model"] == name]
    assert len(cases) >= 8
    for case in cases:
        found = result.get_margeff(**case["call"])
        for attribute in ("margeff", "margeff_se", "margeff_cov", "tvalues", "pvalues"):
            wanted = np.array(case[attribute])
            got = getattr(found, attribute)
            assert got.shape == wanted.shape
            np.testing.assert_allclose(got, wanted, rtol=2e-6, atol=1e-9, err_msg=str(case["call"]))
        np.testing.assert_allclose(found.conf_int(), case["conf_int"], rtol=2e-6, atol=1e-9)
        frame = found.summary_frame()
        assert list(frame.columns) == case["columns"]
        np.testing.assert_allclose(frame.to_numpy(), case["frame"], rtol=2e-6, atol=1e-9)


def test_margeff_of_each_row_and_at_given_values(dropin):
    X = np.array(dropin["exog"])
    y = np.array(dropin["endog"]["binary"])
    result = gf.Logit(y, X).fit()
    each = result.get_margeff(at="all")
    slope = result.mu * (1 - result.mu)
    np.testing.assert_allclose(each.margeff, np.outer(slope, result.params[1:]), rtol=1e-10)
    with pytest.raises(NotAvailableError, match="at='all'"):
        _ = each.margeff_se
    fixed = result.get_margeff(at="mean", atexog={1: 0.5}).margeff
    row = X.mean(axis=0)
    row[1] = 0.5
    p = 1 / (1 + np.exp(-row @ result.params))
    np.testing.assert_allclose(fixed, p * (1 - p) * result.params[1:], rtol=1e-10)
    given_rows = result.get_margeff(atexog=X[:5]).margeff
    np.testing.assert_allclose(given_rows, each.margeff[:5].mean(axis=0), rtol=1e-10)
    with pytest.raises(ArgumentError, match="no column 9"):
        result.get_margeff(atexog={9: 1})
    multinomial = gf.MNLogit(np.array(dropin["endog"]["code"]), X).fit()
    assert multinomial.get_margeff(at="all").margeff.shape == (len(y), X.shape[1] - 1, 3)


def test_margeff_obeys_exposure_and_offset():
    """statsmodels ignores both (its issues 1679 and 1486)."""
    X = gf.add_constant(DATA[["x", "d"]])
    result = gf.Poisson(DATA["count"], X, exposure=DATA["t"]).fit()
    np.testing.assert_allclose(
        result.get_margeff().margeff[0], result.params["x"] * result.mu.mean(), rtol=1e-10
    )
    named = gf.poisson("count ~ x + d", DATA, exposure="t").fit()
    given_as_values = gf.poisson("count ~ x + d", DATA, exposure=DATA["t"].to_numpy() * 1.0).fit()
    for other in (named, given_as_values):
        np.testing.assert_allclose(other.get_margeff().margeff, result.get_margeff().margeff)
    both = gf.poisson("count ~ x + d", DATA, offset=np.log(DATA["t"].to_numpy()) * 1.0).fit()
    np.testing.assert_allclose(both.get_margeff().margeff_se, named.get_margeff().margeff_se)
    at_mean = both.get_margeff(at="mean").margeff[0]
    eta = both.params["Intercept"] + both.params["x"] * DATA["x"].mean()
    eta += both.params["d"] * DATA["d"].mean() + np.log(DATA["t"]).mean()
    np.testing.assert_allclose(at_mean, both.params["x"] * np.exp(eta), rtol=1e-10)
    rows = DATA.head(4)
    with pytest.raises(ArgumentError, match="offset"):
        both.marginal_effects("x", exog=rows)
    found = both.marginal_effects("x", exog=rows, offset=np.log(rows["t"].to_numpy()))
    wanted = named.marginal_effects("x", exog=rows)
    np.testing.assert_allclose(found.estimate, wanted.estimate)
    np.testing.assert_allclose(found.se, wanted.se)


def test_margeff_of_a_formula_is_by_variable():
    """statsmodels has one effect for x and another for I(x**2) (its issue 6479)."""
    result = gf.logit("binary ~ x + I(x**2) + g", DATA).fit()
    found = result.get_margeff()
    assert found.names == ("g[b - a]", "g[c - a]", "x")
    params, mu = result.params, result.mu
    wanted = (mu * (1 - mu) * (params["x"] + 2 * params["I(x ** 2)"] * DATA["x"])).mean()
    np.testing.assert_allclose(found.margeff[2], wanted, rtol=1e-8)
    up, down = (result.predict(DATA.assign(g=level)).mean() for level in ("b", "a"))
    np.testing.assert_allclose(found.margeff[0], up - down, rtol=1e-12)
    assert "Logit Marginal Effects" in str(found.summary())
    assert list(found.summary_frame().index) == list(found.names)


def test_counts_change_by_half_of_two_and_discrete_variables_have_no_elasticity():
    data = DATA.assign(k=np.arange(60) % 5)
    result = gf.logit("binary ~ k + d + g + x", data).fit()
    found = result.get_margeff(dummy=True, count=True)
    assert found.names == ("g[b - a]", "g[c - a]", "k", "d", "x")
    up, down = (result.predict(data.assign(k=data["k"] + s)).mean() for s in (1, -1))
    np.testing.assert_allclose(found.margeff[2], (up - down) / 2, rtol=1e-12)
    assert result.get_margeff(method="eyex").names == ("k", "d", "x")
    with pytest.raises(ArgumentError, match="steps"):
        result.marginal_effects("g", method="eyex")
    half = result.marginal_effects("g", method="eydx").estimate[0]
    logs = [np.log(result.predict(data.assign(g=level))).mean() for level in ("b", "a")]
    np.testing.assert_allclose(half, logs[0] - logs[1], rtol=1e-12)


# -- comparisons and predictions ----------------------------------------------------------------


def test_comparisons_say_how_variables_change(poisson):
    mean = lambda **change: poisson.predict(DATA.assign(**change)).mean()  # noqa: E731
    step = poisson.comparisons({"x": 2})
    np.testing.assert_allclose(step.estimate, mean(x=DATA["x"] + 2) - mean(), rtol=1e-12)
    spread = poisson.comparisons({"x": "sd"})
    np.testing.assert_allclose(spread.estimate, mean(x=DATA["x"] + DATA["x"].std()) - mean())
    span = poisson.comparisons({"x": "range"})
    np.testing.assert_allclose(span.estimate, mean(x=DATA["x"].max()) - mean(x=DATA["x"].min()))
    pairs = poisson.comparisons("g", "pairwise").labels["contrast"]
    assert list(pairs) == ["b - a", "c - a", "c - b"]
    steps = poisson.comparisons("g", "sequential").labels["contrast"]
    assert list(steps) == ["b - a", "c - b"]


def test_ratios_are_tested_on_the_log_scale():
    result = gf.logit("binary ~ x + d", DATA).fit()
    found = result.comparisons("d", compare="ratio")
    high, low = (result.predict(DATA.assign(d=value)).mean() for value in (1, 0))
    np.testing.assert_allclose(found.estimate, high / low, rtol=1e-12)
    error = found.se / found.estimate
    np.testing.assert_allclose(found.tvalues, np.log(found.estimate) / error)
    np.testing.assert_allclose(
        np.log(found.conf_int()[0]),
        np.log(found.estimate[0]) + np.array([-1, 1]) * 1.959963984540054 * error[0],
    )
    # differences of the averages have the same gradient as the ratio's own
    parts = result.adjusted_predictions(at={"d": [0, 1]})
    weights = np.array([-parts.estimate[1] / parts.estimate[0] ** 2, 1 / parts.estimate[0]])
    np.testing.assert_allclose(found.se, np.sqrt(weights @ parts.cov @ weights), rtol=1e-9)


def test_intervals_of_predictions_stay_in_range():
    challenger = gf.datasets.load("challenger")
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
    found = result.adjusted_predictions(at={"TEMPERATURE": [31, 70]})
    wanted = result.get_prediction({"TEMPERATURE": [31, 70]}).summary_frame()
    np.testing.assert_allclose(found.conf_int(), wanted[["mean_ci_lower", "mean_ci_upper"]])
    np.testing.assert_allclose(found.se, wanted["mean_se"])
    with pytest.raises(NotAvailableError, match="no hypothesis"):
        _ = found.pvalues


def test_representative_values_and_the_rest(poisson):
    cells = poisson.adjusted_predictions(at={"x": [2, 4], "g": ["a", "c"]}, others="mean")
    assert cells.labels.to_dict("list") == {"x": [2, 2, 4, 4], "g": ["a", "c", "a", "c"]}
    usual = {"z": DATA["z"].mean(), "h": "q", "t": DATA["t"].mean()}
    assert (DATA["h"] == "p").sum() != (DATA["h"] == "q").sum()
    usual["h"] = DATA["h"].mode()[0]
    rows = pd.DataFrame([{"x": x, "g": g, **usual} for x in (2, 4) for g in "ac"])
    np.testing.assert_allclose(cells.estimate, poisson.predict(rows), rtol=1e-12)
    zero = poisson.adjusted_predictions(at={"z": 1.0, "t": 1.0}, others="zero")
    np.testing.assert_allclose(zero.estimate, np.exp(poisson.params["Intercept"]), rtol=1e-12)


def test_weights_and_new_rows(poisson):
    weighted = poisson.adjusted_predictions(weights="w")
    wanted = np.average(poisson.predict(), weights=DATA["w"])
    np.testing.assert_allclose(weighted.estimate, wanted, rtol=1e-12)
    rows = DATA.assign(x=np.where(np.arange(60) < 3, np.nan, DATA["x"]))
    found = poisson.adjusted_predictions(exog=rows, weights="w")
    wanted = np.average(poisson.predict(DATA)[3:], weights=DATA["w"][3:])
    np.testing.assert_allclose(found.estimate, wanted, rtol=1e-12)
    assert "3 rows of exog" in str(found)
    with pytest.raises(DataError, match="not negative"):
        poisson.adjusted_predictions(weights=-np.ones(60))


def test_a_model_of_a_constant_alone_has_a_mean():
    result = gf.poisson("count ~ 1", DATA).fit()
    found = result.adjusted_predictions()
    np.testing.assert_allclose(found.estimate, DATA["count"].mean(), rtol=1e-12)
    assert "average" in str(found)
    with pytest.raises(ArgumentError, match="besides a constant"):
        result.marginal_effects()


def test_factors_by_c_and_booleans_change_in_steps():
    data = DATA.assign(year=1990 + np.arange(60) // 5 % 3, late=np.arange(60) % 4 == 0)
    result = gf.poisson("count ~ C(year, Treatment(1991)) + late + C(g, Sum)", data).fit()
    frame = result.marginal_effects().summary_frame()
    assert list(frame["contrast"]) == [
        "1990 - 1991", "1992 - 1991", "True - False", "b - a", "c - a",
    ]  # fmt: skip
    up, down = (result.predict(data.assign(late=late)).mean() for late in (True, False))
    np.testing.assert_allclose(frame["estimate"][2], up - down, rtol=1e-12)
    assert list(result.adjusted_predictions(by="year").labels["year"]) == [1990, 1991, 1992]


def mixed_columns() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    data = pd.DataFrame(
        {
            "x": rng.normal(size=80),
            "k": pd.Categorical(rng.integers(1, 4, 80)),
            "iv": pd.cut(rng.uniform(size=80), 3),
            "b": pd.array(rng.uniform(size=80) < 0.5, dtype="boolean"),
            "q": pd.array(rng.integers(0, 9, 80), dtype="Int64"),
            "obj": np.where(rng.uniform(size=80) < 0.5, "u", "v").astype(object),
            "col name": rng.normal(size=80),
            "y": rng.poisson(2, 80).astype(float),
        }
    )
    data.loc[3, "x"] = np.nan
    data.loc[7, "y"] = np.nan
    data.loc[9, "q"] = pd.NA
    return data


def test_columns_of_every_kind_and_rows_left_out():
    data = mixed_columns()
    formula = "y ~ x + k + iv + b + q + obj + Q('col name')"
    result = gf.poisson(formula, data, subset=data.index < 70).fit()
    found = result.marginal_effects()
    assert list(found.labels["term"].unique()) == ["k", "iv", "b", "obj", "x", "q", "col name"]
    complete = data.iloc[:70].dropna()
    same = gf.poisson(formula, complete).fit().marginal_effects()
    np.testing.assert_allclose(found.estimate, same.estimate, rtol=1e-12)
    np.testing.assert_allclose(found.se, same.se, rtol=1e-12)
    mean = result.predict(complete.assign(k=pd.Categorical([2] * len(complete)))).mean()
    cells = result.adjusted_predictions(at={"k": [1, 2]})
    np.testing.assert_allclose(cells.estimate[1], mean, rtol=1e-12)
    assert len(result.marginal_means(["iv", "b"])) == 6
    assert np.isfinite(result.marginal_effects(at="median").se).all()


def test_other_tables_and_sparse_matrices():
    complete = mixed_columns().dropna()
    columns = {"y": complete["y"].to_numpy(), "x": complete["x"].to_numpy()}
    frame = pl.DataFrame({**columns, "obj": complete["obj"].to_list()})
    result = gf.poisson("y ~ x * obj", frame).fit()
    plain = gf.poisson("y ~ x * obj", complete).fit()
    grouped = (fit.marginal_effects(by="obj") for fit in (result, plain))
    few = (result.marginal_effects(exog=frame[:5]), plain.marginal_effects(exog=complete[:5]))
    for found, wanted in (grouped, few):
        np.testing.assert_allclose(found.estimate, wanted.estimate, rtol=1e-9)
        np.testing.assert_allclose(found.se, wanted.se, rtol=1e-9)
    X = sparse.csr_array(gf.add_constant(complete[["x"]].to_numpy()))
    arrays = gf.Poisson(complete["y"].to_numpy(), X).fit()
    wanted = gf.poisson("y ~ x", complete).fit().get_margeff()
    np.testing.assert_allclose(arrays.get_margeff().margeff_se, wanted.margeff_se, rtol=1e-9)


def test_long_tables_are_shortened(poisson):
    text = str(poisson.marginal_effects(["x", "z"], at="all"))
    assert len(text.splitlines()) < 40
    assert "[120 rows" in text


# -- where there is no answer -----------------------------------------------------------------


def test_what_aliases_leave_open_is_not_estimated():
    data = DATA.assign(x2=2 * DATA["x"])
    with pytest.warns(CollinearityWarning):
        result = gf.poisson("count ~ x + x2 + d", data).fit()
    found = result.marginal_effects()
    assert list(found.labels["term"]) == ["x", "x2", "d"]
    assert np.isnan(found.estimate[:2]).all()
    assert np.isnan(found.se[:2]).all()
    assert np.isfinite(found.estimate[2])
    assert "not estimable" in str(found)
    plain = gf.poisson("count ~ x + d", DATA).fit().marginal_effects("d")
    np.testing.assert_allclose(found.estimate[2], plain.estimate, rtol=1e-9)


@pytest.mark.parametrize("make", [gf.mnlogit, gf.ordered])
def test_aliases_of_classes_are_not_estimated_either(make):
    data = DATA.assign(x2=2 * DATA["x"])
    with pytest.warns(CollinearityWarning):
        result = make("o ~ x + x2 + d", data).fit()
    found = result.marginal_effects()
    assert np.isnan(found.estimate[:6]).all()
    assert np.isfinite(found.estimate[6:]).all()


def test_an_empty_cell_is_not_estimable():
    data = DATA[~((DATA["g"] == "b") & (DATA["h"] == "q"))]
    with pytest.warns(CollinearityWarning):
        result = gf.poisson("count ~ g * h", data).fit()
    found = result.marginal_means(["g", "h"])
    assert list(np.isnan(found.estimate)) == [False, False, False, True, False, False]


def test_separated_data_give_limits_without_errors():
    endometrial = gf.datasets.load("endometrial")
    with pytest.warns(SeparationWarning):
        result = gf.logit("HG ~ NV + PI + EH", endometrial).fit()
    found = result.marginal_effects()
    high, low = (result.predict(endometrial.assign(NV=nv)).mean() for nv in (1, 0))
    assert high == 1.0
    np.testing.assert_allclose(found.estimate[0], high - low, rtol=1e-12)
    assert np.isnan(found.se).all()
    assert "limits" in str(found)
    slope = result.mu * (1 - result.mu) * result.params["EH"]
    np.testing.assert_allclose(found.estimate[2], slope.mean(), rtol=1e-9)
    firth = gf.logit("HG ~ NV + PI + EH", endometrial).fit(method="firth").marginal_effects()
    assert np.isfinite(firth.se).all()
    risk = gf.datasets.load("risk")
    with pytest.warns(SeparationWarning):
        classes = gf.mnlogit("risk ~ age + income", risk).fit()
    assert np.isnan(classes.marginal_effects().estimate).all()
    assert np.isin(classes.adjusted_predictions(at="all").estimate, (0.0, 1.0)).all()


def test_a_conditional_logit_says_why_not():
    infert = gf.datasets.load("infert")
    result = gf.conditional_logit("case ~ spontaneous", infert, groups="stratum").fit()
    calls = (
        result.marginal_effects,
        result.get_margeff,
        result.comparisons,
        result.adjusted_predictions,
        result.get_prediction,
    )
    for call in calls:
        with pytest.raises(NotAvailableError, match="stratum"):
            call()
    with pytest.raises(NotAvailableError, match="stratum"):
        result.marginal_effects("spontaneous", at="mean")


def test_a_frame_that_was_changed_since_the_fit_does_not_matter(monkeypatch):
    if pd.__version__ < "3":  # from 3 on there is no other mode
        monkeypatch.setattr(pd.options.mode, "copy_on_write", True)
    data = DATA.copy()
    result = gf.poisson(POISSON, data).fit()
    before = result.marginal_effects("x")
    data["x"] = 0.0
    data.loc[3, "z"] = 77.0
    after = result.marginal_effects("x")
    np.testing.assert_array_equal(before.estimate, after.estimate)


def test_a_function_of_other_rows_is_refused():
    env = {"demeaned": lambda x: x - x.mean()}
    result = gf.poisson("count ~ demeaned(x)", DATA, env=env).fit()
    with pytest.warns(FormulaWarning):
        warned = gf.poisson("count ~ I(x - np.mean(x))", DATA).fit()
    for fit in (result, warned):
        for rows in ({}, {"exog": DATA.head(9)}):
            with pytest.raises(DataError, match="more than its own row"):
                fit.marginal_effects("x", **rows)
    remembered = gf.poisson("count ~ center(x)", DATA).fit().marginal_effects("x")
    plain = gf.poisson("count ~ x", DATA).fit().marginal_effects("x")
    np.testing.assert_allclose(remembered.estimate, plain.estimate, rtol=1e-9)


def test_without_data_new_rows_are_asked_for(poisson):
    light = pickle.loads(pickle.dumps(poisson.remove_data()))
    with pytest.raises(NotAvailableError, match="removed"):
        light.marginal_effects("x")
    found = light.marginal_effects("x", exog=DATA)
    np.testing.assert_allclose(found.estimate, poisson.marginal_effects("x").estimate)
    middle = light.marginal_effects("x", at="mean")
    np.testing.assert_allclose(middle.se, poisson.marginal_effects("x", at="mean").se)


def test_wrong_arguments_are_told(poisson):
    with pytest.raises(ArgumentError, match=r"no variable 'X'.*Did you mean 'x'"):
        poisson.marginal_effects("X")
    with pytest.raises(ArgumentError, match="method must be one of"):
        poisson.marginal_effects("x", method="dxdy")
    with pytest.raises(ArgumentError, match="at must be one of"):
        poisson.marginal_effects("x", at="average")
    with pytest.raises(ArgumentError, match="no variable of the model"):
        poisson.marginal_effects("x", at={"xx": 1})
    with pytest.raises(DataError, match="not a level of g"):
        poisson.adjusted_predictions(at={"g": "z"})
    with pytest.raises(UnknownNameError, match="no column 'gg'"):
        poisson.marginal_effects("x", by="gg")
    with pytest.raises(ArgumentError, match="do not go with 'mean'"):
        poisson.marginal_effects("x", at="mean", exog=DATA)
    with pytest.raises(ArgumentError, match="are for new rows"):
        poisson.marginal_effects("x", offset=1.0)
    with pytest.raises(ArgumentError, match="which must be"):
        poisson.marginal_effects("x", which="logit")
    with pytest.raises(ArgumentError, match="which must be"):
        poisson.marginal_effects("x", which="invlink")
    with pytest.raises(ArgumentError, match="no argument 'newdata'"):
        poisson.marginal_effects("x", newdata=DATA)
    with pytest.raises(ArgumentError, match="contrast must be one of"):
        poisson.comparisons("g", "helmert")
    with pytest.raises(ArgumentError, match="compare must be"):
        poisson.comparisons("g", compare="odds")
    with pytest.raises(ArgumentError, match="give a pair"):
        poisson.comparisons({"g": 1})
    with pytest.raises(ArgumentError, match="no levels"):
        poisson.marginal_means("x")
    with pytest.raises(ArgumentError, match="nothing to group"):
        poisson.marginal_effects("x", at="all", by="g")
    with pytest.raises(ArgumentError, match="marginal_effects"):
        poisson.get_margeff(at={"x": 1})
    with pytest.raises(ArgumentError, match="models with one mean"):
        gf.mnlogit("o ~ x", DATA).fit().adjusted_predictions(which="invlink")


def test_the_table_reads_well(poisson):
    text = str(poisson.marginal_effects(["x", "g"], by="h"))
    assert "Marginal Effects" in text
    assert "dy/dx" in text
    assert "b - a" in text
    html = poisson.marginal_effects("x")._repr_html_()
    assert "<table" in html
    frame = poisson.marginal_effects("x").summary_frame(alpha=0.1)
    columns = ["term", "contrast", "estimate", "std_err", "z", "p", "ci_lower", "ci_upper"]
    assert list(frame.columns) == columns
    t = gf.poisson(POISSON, DATA).fit(use_t=True).marginal_effects("x").summary_frame()
    assert "t" in t.columns
