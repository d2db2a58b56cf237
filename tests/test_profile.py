"""Profile and score intervals against roots found in R, published numbers, and one another."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import glmfit as gf
from glmfit.errors import (
    ArgumentError,
    CollinearityWarning,
    ConvergenceWarning,
    NotAvailableError,
    SeparationWarning,
)
from glmfit.inference.profile import search_end

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "hypothesis.json").read_text(encoding="utf8")
)
PROFILE, MASS = REFERENCE["profile"], REFERENCE["mass"]
CHI2 = 3.841458820694124


def close(got, expected, rel=1e-8):
    np.testing.assert_allclose(np.asarray(got, dtype=float), expected, rtol=rel, atol=1e-12)


@pytest.fixture(scope="module")
def challenger():
    return gf.logit("O_RING_FAILURE ~ TEMPERATURE", gf.datasets.load("challenger")).fit()


def rings(damaged):
    data = gf.datasets.load("challenger_rings")
    return gf.logit(f"{damaged} + I(n_rings - {damaged}) ~ temperature", data).fit()


def endometrial():
    with pytest.warns(SeparationWarning):
        return gf.logit("HG ~ NV + PI + EH", gf.datasets.load("endometrial")).fit()


# -- published and R's --------------------------------------------------------------------


def test_the_challenger_intervals(challenger):
    ends = challenger.conf_int(method="profile")
    close(ends.loc["Intercept"], PROFILE["challenger_intercept"])
    close(ends.loc["TEMPERATURE"], PROFILE["challenger_slope"])
    # MASS::confint interpolates the profile by splines, which leaves 3 to 4 digits
    printed = [[3.3305848, 34.3421512], [-0.5154718, -0.0608208]]
    close(MASS["challenger"], printed, 1e-6)
    close(ends, printed, 1e-3)


@pytest.mark.parametrize(
    ("damaged", "key", "printed"),
    [
        ("damaged", "dalal", (-0.212, -0.024)),
        ("damaged_faraway", "faraway", (-0.333, -0.120)),
    ],
)
def test_six_rings(damaged, key, printed):
    ends = rings(damaged).conf_int(method="profile").loc["temperature"]
    close(ends, PROFILE[f"{key}_slope"])
    np.testing.assert_allclose(ends, printed, atol=5e-4)
    close(ends, MASS[key], 1e-3)


def test_other_links_weights_and_offsets():
    data = gf.datasets.load("challenger")
    cloglog = gf.glm("O_RING_FAILURE ~ TEMPERATURE", data, family="binomial", link="cloglog").fit()
    close(cloglog.conf_int(method="profile").loc["TEMPERATURE"], PROFILE["cloglog_slope"])
    data = gf.datasets.load("warpbreaks")
    n = len(data)
    data = data.assign(w=np.resize([1, 2, 0.5], n), o=np.resize([0.1, -0.2, 0.05, 0.0], n))
    formula = "breaks ~ wool + tension + offset(o)"
    weighted = gf.poisson(formula, data, var_weights="w").fit()
    close(weighted.conf_int(method="profile").loc["wool[T.B]"], PROFILE["weighted_wool"])


def test_an_estimated_dispersion_is_held():
    trees = gf.datasets.load("trees")
    model = gf.glm("volume ~ log(girth) + height", trees, family="gamma", link="log")
    ends = model.fit().conf_int(method="profile").loc["height"]
    close(ends, PROFILE["gamma_height"])
    close(ends, MASS["gamma"], 1e-3)
    ends = model.fit(use_t=True).conf_int(method="profile").loc["height"]
    close(ends, PROFILE["gamma_height_t"])


def test_the_normal_profile_is_the_wald_interval():
    result = gf.ols("volume ~ girth + height", gf.datasets.load("trees")).fit()
    close(result.conf_int(0.1, method="profile"), result.conf_int(0.1), 1e-8)


def test_frequencies_are_repeated_rows():
    data = gf.datasets.load("warpbreaks").assign(f=lambda d: np.resize([1, 3, 2], len(d)))
    once = gf.poisson("breaks ~ wool + tension", data, freq_weights="f").fit()
    repeated = data.loc[data.index.repeat(data["f"])]
    again = gf.poisson("breaks ~ wool + tension", repeated).fit()
    for method in ("profile", "score"):
        close(once.conf_int(method=method), again.conf_int(method=method), 1e-9)


def test_quasi_families_have_profiles():
    data = gf.datasets.load("warpbreaks")
    quasi = gf.glm("breaks ~ wool + tension", data, family="quasipoisson").fit()
    ends = quasi.conf_int(method="profile")
    poisson = gf.poisson("breaks ~ wool + tension", data).fit()
    wide = poisson.conf_int(_alpha_of(math.sqrt(CHI2 * quasi.scale)), method="profile")
    close(ends, wide, 1e-7)


def _alpha_of(reach):
    return 2.0 * special.ndtr(-reach)


# -- score --------------------------------------------------------------------------------


def test_wilsons_interval_is_a_score_interval(challenger):
    constant = gf.logit("O_RING_FAILURE ~ 1", gf.datasets.load("challenger")).fit()
    ends = constant.conf_int(method="score").loc["Intercept"]
    close(special.expit(ends), REFERENCE["score"]["wilson"], 1e-9)
    slope = challenger.conf_int(method="score").loc["TEMPERATURE"]
    close(slope, REFERENCE["score"]["challenger_slope"], 1e-8)


def test_score_ends_are_where_the_score_test_is_the_quantile(challenger):
    for name in ("Intercept", "TEMPERATURE"):
        for end in challenger.conf_int(0.1, method="score").loc[name]:
            statistic = challenger.score_test({name: end}).statistic
            assert statistic == pytest.approx(2.705543454095404, rel=1e-7)


# -- other models -------------------------------------------------------------------------


def test_an_ordinal_model():
    housing = gf.datasets.load("housing")
    formula = "sat ~ infl + cont + type"
    result = gf.ordered(formula, housing, distr="logit", freq_weights="freq").fit()
    ends = result.conf_int(method="profile")
    close(ends.loc["cont[T.High]"], REFERENCE["ordinal"]["profile_cont"], 1e-7)
    _check_ends(result, ends, ["infl[T.High]", "Low|Medium", "Medium|High"])
    free = gf.ordered(formula, housing, freq_weights="freq", nonparallel="infl").fit()
    name = "infl[T.High]:Medium|High"
    _check_ends(free, free.conf_int(method="profile"), [name])


def test_a_conditional_logit():
    data = gf.datasets.load("infert")
    result = gf.conditional_logit("case ~ spontaneous + induced", data, groups="stratum").fit()
    ends = result.conf_int(method="profile")
    close(ends.loc["spontaneous"], REFERENCE["clogit"]["profile_spontaneous"], 1e-7)
    score = result.conf_int(method="score").loc["induced"]
    for end in score:
        assert result.score_test({"induced": end}).statistic == pytest.approx(CHI2, rel=1e-7)


def test_a_multinomial_logit():
    housing = gf.datasets.load("housing")
    result = gf.mnlogit("sat ~ infl + cont", housing, freq_weights="freq").fit()
    ends = result.conf_int(method="profile")
    assert list(ends.columns) == ["lower", "upper"]
    ends.index = [f"{level}:{term}" for level, term in ends.index]
    _check_ends(result, ends, ["Medium:cont[T.High]", "High:infl[T.High]"])
    one = result.conf_int(method="profile", cols=[3])
    close(one.iloc[0], ends.iloc[3], 1e-12)
    # of two levels it is the logit
    data = gf.datasets.load("challenger")
    formula = "O_RING_FAILURE ~ TEMPERATURE"
    two = gf.mnlogit(formula, data).fit().conf_int(method="profile")
    close(two, gf.logit(formula, data).fit().conf_int(method="profile"), 1e-8)


def _check_ends(result, ends, names):
    """Check that the likelihood-ratio statistic is the quantile at each end."""
    for name in names:
        for end in ends.loc[name]:
            assert result.lr_test({name: end}).statistic == pytest.approx(CHI2, rel=1e-7)


# -- ends that do not exist ---------------------------------------------------------------


def test_a_separated_fit_has_an_infinite_end_and_a_finite_one():
    reference = REFERENCE["separated"]
    result = endometrial()
    assert result.deviance == pytest.approx(reference["deviance"], rel=1e-10)
    ends = result.conf_int(method="profile")
    assert ends.loc["NV", 1] == math.inf
    assert ends.loc["NV", 0] == pytest.approx(reference["NV_lower"], rel=1e-7)
    close(ends.loc["EH"], reference["EH"], 1e-7)
    score = result.conf_int(method="score")
    assert score.loc["NV", 1] == math.inf
    assert result.score_test({"NV": score.loc["NV", 0]}).statistic == pytest.approx(CHI2, rel=1e-6)
    curve = result.profile("NV", points=5)
    assert (curve["zeta"] <= 0.0).all()
    assert curve["zeta"].is_monotonic_increasing
    assert curve["wald"].isna().all()


def test_separated_the_other_way():
    data = gf.datasets.load("endometrial").assign(NV=lambda d: 1 - d["NV"])
    with pytest.warns(SeparationWarning):
        result = gf.logit("HG ~ NV + PI + EH", data).fit()
    ends = result.conf_int(method="profile").loc["NV"]
    assert ends[0] == -math.inf
    assert ends[1] == pytest.approx(-REFERENCE["separated"]["NV_lower"], rel=1e-7)


def test_complete_separation_bounds_every_coefficient_on_one_side():
    data = pd.DataFrame({"x": [1.0, 2, 3, 4, 5, 6], "y": [0, 0, 0, 1, 1, 1]})
    with pytest.warns(SeparationWarning):
        result = gf.logit("y ~ x", data).fit()
    ends = result.conf_int(method="profile")
    assert ends.loc["x", 1] == math.inf
    assert ends.loc["Intercept", 0] == -math.inf
    for name, end in (("x", ends.loc["x", 0]), ("Intercept", ends.loc["Intercept", 1])):
        assert result.lr_test({name: end}).statistic == pytest.approx(CHI2, rel=1e-6)


def test_a_separated_multinomial():
    risk = gf.datasets.load("risk")
    with pytest.warns(SeparationWarning):
        result = gf.mnlogit("risk ~ age + income", risk, reference="low").fit()
    ends = result.conf_int(method="profile")
    assert (np.isinf(ends).sum(axis=1) == 1).all()
    for (level, term), line in ends.iterrows():
        end = float(line[np.isfinite(line)].iloc[0])
        statistic = result.lr_test({f"{level}:{term}": end}).statistic
        assert statistic == pytest.approx(CHI2, rel=1e-5)


def test_a_separated_ordinal_model():
    data = pd.DataFrame({"x": np.arange(12.0), "y": np.repeat([0, 1, 2], 4)})
    data["z"] = [1.0, 2, 0, 1, 1, 0, 2, 1, 0, 1, 2, 1]
    with pytest.warns(SeparationWarning):
        result = gf.ordered("y ~ x", data, distr="logit").fit()
    ends = result.conf_int(method="profile").loc["x"]
    assert ends[1] == math.inf
    assert result.lr_test({"x": ends[0]}).statistic == pytest.approx(CHI2, rel=1e-5)


def test_separated_strata():
    random = np.random.default_rng(1)
    data = pd.DataFrame({"s": np.repeat(np.arange(12), 3), "z": random.normal(size=36)})
    data["y"] = (np.arange(36) % 3 == 0).astype(int)
    data["x"] = np.where(data["y"] == 1, 1.0, random.integers(0, 2, 36))
    with pytest.warns(SeparationWarning):
        result = gf.conditional_logit("y ~ x + z", data, groups="s").fit()
    ends = result.conf_int(method="profile")
    assert ends.loc["x", 1] == math.inf
    assert result.lr_test({"x": ends.loc["x", 0]}).statistic == pytest.approx(CHI2, rel=1e-6)
    for end in ends.loc["z"]:
        assert result.lr_test({"z": end}).statistic == pytest.approx(CHI2, rel=1e-6)


def test_an_end_at_the_boundary_of_the_model_is_told():
    # a probability b x reaches 1 in the last row, of which all trials succeeded
    data = pd.DataFrame({"x": [0.2, 0.5, 1.0], "good": [0, 0, 2], "n": [5, 5, 2]})
    formula = "good + I(n - good) ~ 0 + x"
    result = gf.glm(formula, data, family="binomial", link="identity").fit()
    with pytest.warns(ConvergenceWarning, match=r"upper end of the interval of x .*model ends"):
        ends = result.conf_int(method="profile").loc["x"]
    assert ends[1] == pytest.approx(1.0, abs=1e-8)
    assert result.lr_test({"x": ends[0]}).statistic == pytest.approx(CHI2, rel=1e-7)
    assert result.lr_test({"x": 0.999999}).statistic < CHI2


# -- the search ---------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.floats(0.05, 50.0), st.floats(0.3, 3.0), st.floats(0.5, 4.0))
def test_the_search_finds_the_root_of_a_rising_function(scale, power, reach):
    def beyond(distance):
        return (distance / scale) ** power - reach

    distance, boundary = search_end(beyond, reach)
    assert not boundary
    assert distance == pytest.approx(scale * reach ** (1.0 / power), rel=1e-8)


def test_the_search_tells_what_it_finds():
    assert search_end(lambda d: math.tanh(d) - 2.0, 2.0) == (math.inf, False)
    low, boundary = search_end(lambda d: math.inf if d > 1.25 else 0.1 * d - 2.0, 2.0)
    assert boundary
    assert low == pytest.approx(1.25, abs=1e-8)
    missing, _ = search_end(lambda d: math.nan, 2.0)
    assert math.isnan(missing)


def test_ends_do_not_depend_on_the_units_of_columns(challenger):
    data = gf.datasets.load("challenger")
    far = gf.logit("O_RING_FAILURE ~ I(1e6 * (TEMPERATURE - 70))", data).fit()
    close(1e6 * far.conf_int(method="profile").iloc[1],
          challenger.conf_int(method="profile").iloc[1], 1e-8)  # fmt: skip


# -- curves -------------------------------------------------------------------------------


def test_the_profile_is_a_frame(challenger):
    curve = challenger.profile(points=11)
    assert list(curve.columns) == ["name", "value", "zeta", "wald"]
    assert list(curve["name"].unique()) == ["Intercept", "TEMPERATURE"]
    slope = curve[curve["name"] == "TEMPERATURE"]
    assert slope["zeta"].is_monotonic_increasing
    for value, zeta in slope[["value", "zeta"]].to_numpy()[[0, 3, 10]]:
        statistic = challenger.lr_test({"TEMPERATURE": value}).statistic
        assert zeta**2 == pytest.approx(statistic, rel=1e-8)
    close(slope["zeta"].iloc[[0, -1]], [-2.5758293035489, 2.5758293035489], 1e-8)
    score = challenger.profile("TEMPERATURE", method="score", points=5)
    assert score["zeta"].iloc[0] == pytest.approx(-2.5758293035489, rel=1e-7)
    housing = gf.datasets.load("housing")
    multinomial = gf.mnlogit("sat ~ infl + cont", housing, freq_weights="freq").fit()
    names = multinomial.profile("cont", points=3)["name"].unique()
    assert list(names) == ["Medium:cont[T.High]", "High:cont[T.High]"]


def test_wrong_arguments(challenger):
    with pytest.raises(ArgumentError, match=r"no coefficient 'TEMP'.*Did you mean 'TEMPERATURE'"):
        challenger.profile("TEMP")
    with pytest.raises(ArgumentError, match="points"):
        challenger.profile(points=1)
    with pytest.raises(ArgumentError, match="'profile' or 'score'"):
        challenger.profile(method="wald")
    with pytest.raises(ArgumentError, match="alpha must lie"):
        challenger.conf_int(1.5, method="profile")
    with pytest.raises(ArgumentError, match="Did you mean 'profile'"):
        challenger.conf_int(method="profil")


def test_profiles_that_do_not_apply_say_why(challenger):
    model = challenger.model
    with pytest.raises(NotAvailableError, match=r"robust covariance \(HC1\)"):
        model.fit(cov_type="HC1").conf_int(method="profile")
    with pytest.raises(NotAvailableError, match="data were removed"):
        challenger.remove_data().conf_int(method="score")


def test_aliased_coefficients_and_arrays():
    data = gf.datasets.load("challenger").assign(double=lambda d: 2 * d["TEMPERATURE"] - 1)
    with pytest.warns(CollinearityWarning):
        result = gf.logit("O_RING_FAILURE ~ TEMPERATURE + double", data).fit()
    ends = result.conf_int(method="profile")
    assert ends.loc["double"].isna().all()
    close(ends.loc["TEMPERATURE"], PROFILE["challenger_slope"])
    with pytest.raises(NotAvailableError, match="aliased"):
        result.profile("double")
    x = gf.add_constant(data[["TEMPERATURE"]]).to_numpy()
    arrays = gf.Logit(data["O_RING_FAILURE"].to_numpy(), x).fit()
    ends = arrays.conf_int(method="profile")
    assert isinstance(ends, np.ndarray)
    close(ends[1], PROFILE["challenger_slope"])
