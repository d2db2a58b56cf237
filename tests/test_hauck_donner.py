"""Wald tests that mislead, against VGAM's hdeff."""

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import NotAvailableError, SeparationWarning

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "hypothesis.json").read_text(encoding="utf8")
)["hauck_donner"]


def binomials(k):
    return pd.DataFrame({"y": [5, k], "n": [25, 25], "x": [0, 1]})


def fit(name):
    if name.startswith("table"):
        return gf.logit("y + I(n - y) ~ x", binomials(int(name.split("_")[1]))).fit()
    if name == "poisson":
        return gf.poisson("breaks ~ wool * tension", gf.datasets.load("warpbreaks")).fit()
    if name in ("challenger", "probit"):
        link = "logit" if name == "challenger" else "probit"
        data = gf.datasets.load("challenger")
        return gf.glm("O_RING_FAILURE ~ TEMPERATURE", data, family="binomial", link=link).fit()
    if name == "rings":
        formula = "damaged + I(n_rings - damaged) ~ temperature"
        return gf.logit(formula, gf.datasets.load("challenger_rings")).fit()
    housing = gf.datasets.load("housing")
    if name == "multinomial":
        return gf.mnlogit("sat ~ infl + cont", housing, freq_weights="freq").fit()
    formula = "sat ~ infl + cont + type"
    return gf.ordered(formula, housing, distr="logit", freq_weights="freq").fit()


def in_vgams_order(name, values):
    if name == "multinomial":  # by term, then by level
        return values.reshape(2, -1).T.ravel()
    if name == "ordinal":  # thresholds first, as intercepts of the reversed classes
        return np.concatenate([values[-2:], values[:-2]])
    return values


@pytest.mark.parametrize("name", list(REFERENCE))
def test_derivatives_are_those_of_vgam(name):
    found = fit(name).hauck_donner()
    got = in_vgams_order(name, found["derivative"].to_numpy())
    # VGAM differentiates the working weights numerically for some families
    np.testing.assert_allclose(got, REFERENCE[name]["derivative"], rtol=2e-5)
    np.testing.assert_array_equal(found["misleads"], found["derivative"] < 0.0)


def test_the_derivative_is_what_happens_to_the_statistic():
    """Wald statistics of two binomials in closed form, with their coefficient moved."""

    def wald(b):
        p = 1.0 / (1.0 + math.exp(-(math.log(5 / 20) + b)))
        return b / math.sqrt(1 / 5 + 1 / 20 + 1 / (25 * p * (1 - p)))

    for k in (20, 24):
        estimate = math.log(k / (25 - k)) - math.log(5 / 20)
        slope = (wald(estimate + 1e-5) - wald(estimate - 1e-5)) / 2e-5
        found = fit(f"table_{k}").hauck_donner().loc["x"]
        assert found["derivative"] == pytest.approx(slope, rel=1e-7)
        assert found["wald"] == pytest.approx(wald(estimate), rel=1e-9)


def test_the_statistic_falls_where_the_flag_says_so():
    lines = {k: fit(f"table_{k}").hauck_donner().loc["x"] for k in (20, 22, 23, 24)}
    assert [bool(lines[k]["misleads"]) for k in (20, 22, 23, 24)] == [False, False, True, True]
    assert lines[24]["wald"] < lines[23]["wald"]
    result = fit("table_24")
    line = lines[24]
    assert line["lr_pvalue"] == pytest.approx(result.lr_test("x").pvalue, rel=1e-8)
    np.testing.assert_allclose(
        line[["lower", "upper"]].astype(float), result.conf_int(method="profile").loc["x"]
    )
    assert np.isnan(lines[20]["lower"])


def test_a_conditional_logit_has_derivatives():
    data = gf.datasets.load("infert")
    model = gf.conditional_logit("case ~ spontaneous + induced", data, groups="stratum")
    result = model.fit()
    run = model.fitted_pass(result.record)

    def wald(theta):
        return theta / np.sqrt(np.diag(np.linalg.inv(run(theta).information)))

    theta = result.record.base
    for j in range(2):
        step = np.eye(2)[j] * 1e-5
        slope = (wald(theta + step) - wald(theta - step))[j] / 2e-5
        found = result.hauck_donner()["derivative"].iloc[j]
        assert found == pytest.approx(slope, rel=1e-6)


def test_an_estimated_dispersion_and_weights():
    trees = gf.datasets.load("trees").assign(w=lambda d: np.resize([1.0, 2.0, 0.5], len(d)))
    model = gf.glm("volume ~ girth + height", trees, family="gamma", link="log", var_weights="w")
    result = model.fit()
    # with a log link a Gamma's weights do not depend on the coefficients
    expected = 1.0 / result.bse
    np.testing.assert_allclose(result.hauck_donner()["derivative"], expected, rtol=1e-8)


def test_the_summary_tells_with_the_profile_beside():
    result = fit("table_24")
    text = str(result.summary())
    assert "Hauck-Donner" in text
    assert "profile interval 2.707 to" in text.replace("\n  ", " ")
    assert "Hauck-Donner" not in str(fit("table_20").summary())
    light = fit("table_24").remove_data()
    assert str(light.summary()) == text
    assert str(pickle.loads(pickle.dumps(light)).summary()) == text
    robust = result.model.fit(cov_type="HC0")
    assert "Hauck-Donner" not in str(robust.summary())


def test_a_multinomial_rebased_is_judged_anew():
    data = pd.DataFrame({"x": np.repeat([0, 1], 3), "y": ["a", "b", "c"] * 2,
                         "f": [20, 4, 4, 1, 24, 12]})  # fmt: skip
    result = gf.mnlogit("y ~ x", data, freq_weights="f").fit()
    assert str(result.summary())
    moved = result.rebase("c")
    assert moved.hauck_donner().index[0] == "a:Intercept"
    known = moved._misled()
    assert list(known.index) == list(moved.hauck_donner().query("misleads").index)


def test_many_misled_coefficients_are_named_without_profiles():
    data = pd.DataFrame({"g": list("abcdefg"), "y": [5, *[24] * 6], "n": 25})
    result = gf.logit("y + I(n - y) ~ g", data).fit()
    assert result.hauck_donner()["misleads"].sum() == 6
    assert result.hauck_donner()["lower"].notna().sum() == 6
    text = str(result.summary())
    assert "Hauck-Donner" in text
    assert "profile interval" not in text
    assert "nan" not in text


def test_fits_without_a_likelihood_have_no_flag():
    data = gf.datasets.load("endometrial")
    with pytest.warns(SeparationWarning):
        separated = gf.logit("HG ~ NV + PI + EH", data).fit()
    assert np.isnan(separated.hauck_donner().loc["NV", "derivative"])
    firth = gf.logit("HG ~ NV + PI + EH", data).fit(method="firth")
    with pytest.raises(NotAvailableError, match="do not maximise it"):
        firth.hauck_donner()
    assert "Hauck-Donner" not in str(firth.summary())
