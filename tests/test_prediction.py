"""Predictions: intervals of means and of new observations, distributions, extrapolation."""

import json
import pickle
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import (
    ArgumentError,
    CollinearityWarning,
    DataWarning,
    NotAvailableError,
    SeparationWarning,
)
from glmfit.families import FAMILIES, Family
from glmfit.inference.observation import Observation
from glmfit.likelihoods import Cumulative, GLMLikelihood, Multinomial, Sequential
from glmfit.links import LINKS

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "margins.json").read_text(encoding="utf8")
)
DATA = pd.DataFrame(REFERENCE["data"])
DATA["o"] = pd.Categorical(DATA["o"], categories=["low", "mid", "top"], ordered=True)
ROW = {"x": [4.0], "g": ["b"], "d": [1.0]}


# -- the mean ----------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "low", "high"),
    [
        ("binary", 0.482, 1.000),
        ("damaged", 0.160, 0.991),  # Dalal, Fowlkes and Hoadley (1989)
        ("damaged_faraway", 0.844, 0.9997),
    ],
)
def test_challenger_intervals_at_31_degrees(response, low, high):
    if response == "binary":
        model = gf.logit("O_RING_FAILURE ~ TEMPERATURE", gf.datasets.load("challenger"))
        row = {"TEMPERATURE": [31]}
    else:
        rings = gf.datasets.load("challenger_rings")
        model = gf.logit(f"{response} + I(n_rings - {response}) ~ temperature", rings)
        row = {"temperature": [31]}
    prediction = model.fit().get_prediction(row)
    ends = prediction.conf_int()[0]
    np.testing.assert_allclose(ends, [low, high], atol=5e-4)
    assert "Extrapolation: " in str(prediction)
    assert "53 to 81" in str(prediction)


def test_the_linear_predictor_has_symmetric_intervals():
    result = gf.poisson("count ~ x + g", DATA).fit()
    frame = result.get_prediction(which="linear").summary_frame()
    np.testing.assert_allclose(frame["mean"], result.predict(which="linear"))
    reach = 1.959963984540054 * frame["mean_se"]
    np.testing.assert_allclose(frame["mean_ci_upper"], frame["mean"] + reach)
    with pytest.raises(ArgumentError, match="which must be"):
        result.get_prediction(which="prob")


def test_variances_and_probabilities_of_counts():
    result = gf.poisson("count ~ x + g", DATA).fit()
    table = result.predict(which="prob")
    assert list(table.columns) == list(range(int(DATA["count"].max()) + 1))
    np.testing.assert_allclose(table[0], np.exp(-result.mu), rtol=1e-12)
    np.testing.assert_allclose(table[3], np.exp(-result.mu) * result.mu**3 / 6, rtol=1e-12)
    chosen = result.predict(DATA.head(2), which="prob", y_values=[2])
    np.testing.assert_allclose(chosen[2], table.loc[:1, 2], rtol=1e-12)
    np.testing.assert_allclose(result.predict(which="var"), result.mu)
    gamma = gf.glm("positive ~ x", DATA, "gamma", link="log").fit()
    np.testing.assert_allclose(gamma.predict(which="var"), gamma.scale * gamma.mu**2)
    with pytest.raises(NotAvailableError, match="counts"):
        gamma.predict(which="prob")
    with pytest.raises(NotAvailableError, match="counts"):
        gf.glm("count ~ x", DATA, "quasipoisson").fit().predict(which="prob")
    with pytest.raises(ArgumentError, match="y_values"):
        result.predict(y_values=[1])


# -- classes ----------------------------------------------------------


@pytest.mark.parametrize("name", ["multinom", "clm"])
def test_probabilities_and_their_errors_are_those_of_r(name):
    if name == "multinom":
        result = gf.mnlogit("o ~ x + g + d", DATA).fit()
    else:
        result = gf.ordered("o ~ x + I(x**2) + g + d", DATA, distr="probit").fit()
    wanted = REFERENCE["values"][name]["at"]
    prediction = result.get_prediction(ROW)
    np.testing.assert_allclose(prediction.predicted_mean.to_numpy()[0], wanted["estimate"], 1e-7)
    np.testing.assert_allclose(prediction.se_mean.to_numpy()[0], wanted["se"], 1e-6)
    p, se = np.array(wanted["estimate"]), np.array(wanted["se"])
    reach = 1.959963984540054 * se / (p * (1 - p))
    logit = np.log(p / (1 - p))
    frame = prediction.summary_frame()
    assert list(frame.index) == [(0, "low"), (0, "mid"), (0, "top")]
    np.testing.assert_allclose(frame["mean_ci_lower"], 1 / (1 + np.exp(reach - logit)), 1e-6)
    np.testing.assert_allclose(frame["mean_ci_upper"], 1 / (1 + np.exp(-reach - logit)), 1e-6)
    np.testing.assert_array_equal(prediction.conf_int(), frame.iloc[:, 2:])
    np.testing.assert_array_equal(prediction.se, prediction.se_mean)


MODELS = {
    "multinomial": lambda data: gf.mnlogit("o ~ x + d + offset(0.1 * x)", data),
    "ordered": lambda data: gf.ordered("o ~ x + d + offset(0.1 * x)", data),
    "nonparallel": lambda data: gf.ordered("o ~ x + d", data, nonparallel="d"),
    "adjacent": lambda data: gf.adjacent_category("o ~ x + d + offset(0.1 * x)", data),
    "continuation": lambda data: gf.continuation_ratio("o ~ x + d + offset(0.1 * x)", data),
}


@pytest.mark.parametrize("name", list(MODELS))
def test_errors_of_probabilities_by_differences(name):
    result = MODELS[name](DATA).fit()
    prediction = result.get_prediction()
    theta = result.record.base
    columns = []
    for j in range(theta.size):
        step = 1e-4 * np.sqrt(result._covariance[j, j])
        ends = []
        for sign in (1, -1):
            other = pickle.loads(pickle.dumps(result))
            object.__setattr__(other.record, "base", theta + sign * step * np.eye(theta.size)[j])
            ends.append(other.predict().to_numpy())
        columns.append((ends[0] - ends[1]) / (2 * step))
    jacobian = np.stack(columns, axis=2)
    variance = np.einsum("nkp,pq,nkq->nk", jacobian, result._covariance, jacobian)
    np.testing.assert_allclose(prediction.se_mean, np.sqrt(variance), rtol=1e-6)
    np.testing.assert_allclose(prediction.predicted_mean, result.predict())
    sums = prediction.predicted_mean.sum(axis=1)
    np.testing.assert_allclose(sums, 1.0, rtol=1e-12)


def test_missing_rows_and_extrapolation_of_classes():
    result = gf.ordered("o ~ x + d", DATA).fit()
    rows = pd.DataFrame({"x": [1.0, np.nan, 30.0], "d": [0.0, 1.0, 1.0]}, index=["a", "b", "c"])
    prediction = result.get_prediction(rows)
    assert prediction.se_mean.isna().all(axis=1).tolist() == [False, True, False]
    (remark,) = prediction.extrapolation
    assert (remark.variable, remark.furthest) == ("x", 30.0)
    assert remark.rows.tolist() == [False, False, True]
    ends = prediction.conf_int().loc["c"]
    assert ((ends >= 0) & (ends <= 1)).all(axis=None)
    arrays = gf.MNLogit(DATA["o"].cat.codes.to_numpy(), gf.add_constant(DATA[["x"]].to_numpy()))
    frame = arrays.fit().get_prediction([[1.0, 4.0]]).summary_frame()
    assert list(frame.index.get_level_values("level")) == ["0", "1", "2"]


def test_separated_probabilities_have_no_error():
    with pytest.warns(SeparationWarning):
        result = gf.mnlogit("risk ~ age + income", gf.datasets.load("risk")).fit()
    assert np.isnan(result.get_prediction().se_mean).all(axis=None)


def test_aliased_columns_do_not_disturb_errors():
    with pytest.warns(CollinearityWarning):
        twice = gf.mnlogit("o ~ x + x2", DATA.assign(x2=2 * DATA["x"])).fit()
    once = gf.mnlogit("o ~ x", DATA).fit()
    np.testing.assert_allclose(
        twice.get_prediction().se_mean, once.get_prediction().se_mean, rtol=1e-8
    )


# -- derivatives of means by predictors ----------------------------------------------------------

LIKELIHOODS = [
    Multinomial(2),
    Multinomial(4),
    *(Cumulative(LINKS[n], 4) for n in ("logit", "probit", "cloglog", "loglog", "cauchit")),
    *(Sequential(LINKS[n], 4) for n in ("logit", "probit", "cloglog", "loglog", "cauchit")),
    *(GLMLikelihood(f) for f in (FAMILIES["poisson"], FAMILIES["binomial"], FAMILIES["gaussian"])),
]


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=str)
def test_slopes_and_curvatures_are_derivatives(likelihood):
    rng = np.random.default_rng(5)
    count = getattr(likelihood, "n_classes", 2) - 1
    eta = np.sort(rng.normal(size=(6, count)), axis=1)
    eta[0] = np.sort(10.0 * rng.normal(size=count))
    move = rng.normal(size=(6, count))
    slopes, bend = likelihood.mean_slopes(eta), likelihood.mean_curvature(eta, move)
    assert slopes.shape == bend.shape == (6, likelihood.means(eta).shape[1], count)
    step = 1e-5
    for m in range(count):
        unit = step * np.eye(count)[m]
        change = likelihood.means(eta + unit) - likelihood.means(eta - unit)
        np.testing.assert_allclose(slopes[:, :, m], change / (2 * step), rtol=1e-7, atol=1e-9)
        change = likelihood.mean_slopes(eta + unit) - likelihood.mean_slopes(eta - unit)
        along = (change * move[:, None, :]).sum(axis=2)
        np.testing.assert_allclose(bend[:, :, m], along / (2 * step), rtol=1e-6, atol=1e-8)
    still = likelihood.limit_means(eta, np.zeros_like(eta))
    np.testing.assert_allclose(still, likelihood.means(eta), rtol=1e-14)


# -- a new observation ----------------------------------------------------------


def mixed(cdf: Any, link: Any, eta: float, se: float) -> mpmath.mpf:
    """P(Y <= y) with eta normal, to 15 digits and more."""
    with mpmath.workdps(30):
        return mpmath.quad(
            lambda z: cdf(link(mpmath.mpf(eta) + se * z)) * mpmath.npdf(z),
            [-12, -6, -3, -1, 0, 1, 3, 6, 12],
        )


@pytest.mark.parametrize(("eta", "se"), [(1.2, 0.15), (3.5, 0.4), (-2.0, 0.5), (4.0, 0.02)])
def test_intervals_of_counts_are_quantiles_of_the_mixture(eta, se):
    found = Observation(FAMILIES["poisson"], 1.0).interval(
        np.array([eta]), np.array([se]), 0.1, None
    )[0]

    def cdf(y: float) -> float:
        if y < 0:
            return 0.0
        return float(
            mixed(lambda mu: mpmath.gammainc(y + 1, mu, regularized=True), mpmath.exp, eta, se)
        )

    for end, share in zip(found, (0.05, 0.95), strict=True):
        assert cdf(end) >= share
        assert cdf(end - 1) < share


@pytest.mark.parametrize(("eta", "se", "scale"), [(1.2, 0.15, 0.3), (0.5, 1.0, 0.05), (2, 0.01, 1)])
def test_intervals_of_gamma_responses_are_quantiles_of_the_mixture(eta, se, scale):
    family = FAMILIES["gamma"].with_link("log")
    found = Observation(family, scale).interval(np.array([eta]), np.array([se]), 0.05, None)[0]
    for end, share in zip(found, (0.025, 0.975), strict=True):
        got = mixed(
            lambda mu, y=end: mpmath.gammainc(1 / scale, 0, y / (mu * scale), regularized=True),
            mpmath.exp, eta, se,
        )  # fmt: skip
        assert float(got) == pytest.approx(share, rel=1e-6)


def test_shares_of_trials_end_at_whole_numbers_of_successes():
    rings = gf.datasets.load("challenger_rings")
    result = gf.logit("damaged + I(n_rings - damaged) ~ temperature", rings).fit()
    own = result.get_prediction().summary_frame(obs=True)
    np.testing.assert_array_equal(own["obs_ci_upper"] * 6, np.round(own["obs_ci_upper"] * 6))
    asked = result.get_prediction(rings, n_trials=6).summary_frame(obs=True)
    pd.testing.assert_frame_equal(own, asked)
    named = result.get_prediction(rings, n_trials="n_rings").summary_frame(obs=True)
    pd.testing.assert_frame_equal(own, named)
    unknown = result.get_prediction(rings)
    with pytest.raises(NotAvailableError, match="n_trials"):
        unknown.summary_frame(obs=True)
    with pytest.raises(ArgumentError, match="greater than 0"):
        result.get_prediction(rings, n_trials=0)
    with pytest.raises(ArgumentError, match="binomial"):
        gf.poisson("count ~ x", DATA).fit().get_prediction(n_trials=3)


def test_the_normal_linear_model_has_the_textbook_interval():
    result = gf.ols("positive ~ x + g", DATA).fit()
    frame = result.get_prediction().summary_frame()
    half = (frame["obs_ci_upper"] - frame["obs_ci_lower"]) / 2
    # t quantile of 56 degrees of freedom: R's qt(0.975, 56)
    reach = 2.00324071884787 * np.sqrt(frame["mean_se"] ** 2 + result.scale)
    np.testing.assert_allclose(half, reach, rtol=1e-10)


@pytest.mark.parametrize("use_t", [False, True])
def test_coverage_where_the_mean_is_all_the_uncertainty(use_t):
    """With a spread of the mean that is far above that of the response, the interval is its own."""
    family = FAMILIES["gamma"].with_link("log")
    eta, se = np.array([1.0, np.nan]), np.array([0.5, 0.5])
    df = 7.0 if use_t else None
    found = Observation(family, 1e-5).interval(eta, se, 0.1, df)
    quantile = 1.894578605061305 if use_t else 1.6448536269514722  # R's qt(0.95, 7), qnorm
    wanted = np.exp(1.0 + 0.5 * quantile * np.array([-1, 1]))
    np.testing.assert_allclose(found[0], wanted, rtol=2e-4)
    assert np.isnan(found[1]).all()


def test_where_no_distribution_is_known_there_is_no_interval():
    quasi = gf.glm("count ~ x", DATA, "quasipoisson").fit().get_prediction()
    scaled = gf.poisson("count ~ x", DATA).fit(scale="X2").get_prediction()
    binary = gf.logit("binary ~ x", DATA).fit().get_prediction()
    for prediction in (quasi, scaled, binary):
        assert "obs_ci_lower" not in prediction.summary_frame()
        with pytest.raises(NotAvailableError, match="No distribution of a new observation"):
            prediction.conf_int(obs=True)
    # the mean of 1 / eta has no sense where eta may well be below 0
    family = FAMILIES["gamma"]
    ends = Observation(family, 0.3).interval(
        np.array([0.5, 0.5]), np.array([0.3, 0.02]), 0.05, None
    )
    assert np.isnan(ends[0]).all()
    assert np.isfinite(ends[1]).all()


@pytest.mark.parametrize("name", ["negativebinomial", "tweedie", "inversegaussian"])
def test_intervals_hold_their_share_of_draws(name):
    kinds = {
        "negativebinomial": gf.families.NegativeBinomial(alpha=0.5),
        "tweedie": gf.families.Tweedie(var_power=1.5),
        "inversegaussian": gf.families.InverseGaussian(link="log"),
    }
    family, scale = kinds[name], 1.0 if name == "negativebinomial" else 0.4
    eta, se, n = 1.0, 0.3, 200_000
    rng = np.random.default_rng(11)
    mu = np.exp(eta + se * rng.normal(size=n))
    if name == "negativebinomial":
        y = rng.poisson(mu * rng.gamma(2.0, 0.5, n)).astype(float)
    elif name == "inversegaussian":
        y = rng.wald(mu, 1 / scale)
    else:
        counts = rng.poisson(np.sqrt(mu) * 2 / scale)
        y = np.where(counts > 0, rng.gamma(np.maximum(counts, 1), 0.5 * scale * np.sqrt(mu)), 0.0)
    low, high = Observation(family, scale).interval(np.array([eta]), np.array([se]), 0.1, None)[0]
    inside = ((y >= low) & (y <= high)).mean()
    if name == "negativebinomial":
        assert inside >= 0.9
        assert ((y >= low + 1) & (y <= high - 1)).mean() < 0.9
    elif low == 0.0:
        assert (y <= high).mean() == pytest.approx(0.95, abs=0.003)
    else:
        assert inside == pytest.approx(0.9, abs=0.003)


# -- get_distribution ------------------------------------------------------------

EXAMPLES = [e for family in dict.fromkeys(FAMILIES.values()) for e in family.examples()]


@pytest.mark.parametrize("family", EXAMPLES, ids=lambda f: f.describe())
def test_frozen_distributions_have_the_moments_of_the_family(family: Family):
    mu = np.array([0.2, 0.7])
    weight, scale = np.array([4.0, 9.0]), 0.5 if family.dispersion is None else family.dispersion
    power = family.variance_power()
    if family.quasi or (power is not None and power not in (0.0, 1.0, 2.0, 3.0)):
        with pytest.raises(NotAvailableError, match="SciPy has no distribution"):
            family.frozen(mu, weight, scale)
        return
    found = family.frozen(mu, weight, scale)
    if family.proportions:
        np.testing.assert_allclose(found.mean(), weight * mu)
        np.testing.assert_allclose(found.var(), weight * family.variance(mu))
        return
    np.testing.assert_allclose(found.mean(), mu)
    known = family.dispersion is not None
    spread = family.variance(mu) * (1.0 if known else scale / weight)
    np.testing.assert_allclose(found.var(), spread)
    y = np.array([1.0, 2.0])
    below = family.tails(y, mu, weight, scale).at_or_below
    np.testing.assert_allclose(found.cdf(y), below, rtol=1e-9)


def test_distributions_of_fitted_rows():
    result = gf.poisson("count ~ x", DATA, exposure="t").fit()
    np.testing.assert_allclose(result.get_distribution().mean(), result.mu)
    rows = DATA.head(3)
    np.testing.assert_allclose(
        result.get_distribution(rows, exposure=np.full(3, 2.0)).mean(),
        result.predict(rows, exposure=np.full(3, 2.0)),
    )
    ols = gf.ols("positive ~ x", DATA).fit()
    deviation = ols.get_distribution(var_weights=4.0).std()
    np.testing.assert_allclose(deviation, np.sqrt(ols.scale / 4.0))
    logit = gf.logit("binary ~ x", DATA).fit()
    np.testing.assert_allclose(logit.get_distribution(n_trials=5).mean(), 5 * logit.mu)
    scaled = gf.poisson("count ~ x", DATA).fit(scale="X2")
    with pytest.warns(DataWarning, match="no dispersion"):
        scaled.get_distribution()


# -- extrapolation ----------------------------------------------------------


def test_extrapolation_is_noted_by_variable():
    result = gf.poisson("count ~ np.log(z) + x:d + g + offset(np.log(t))", DATA).fit()
    rows = DATA.head(4).assign(z=[1.0, 99.0, 1.0, 500.0], t=1000.0)
    found = result.get_prediction(rows).extrapolation
    assert [remark.variable for remark in found] == ["z"]
    assert str(found[0]).endswith("in 2 of 4 rows (furthest: 500).")
    assert result.get_prediction(DATA).extrapolation == ()
    assert result.get_prediction().extrapolation == ()
    light = pickle.loads(pickle.dumps(result.remove_data()))
    assert light.get_prediction(rows).extrapolation[0].furthest == 500.0


def test_extrapolation_of_arrays_is_by_column():
    X = gf.add_constant(DATA[["x", "d"]].to_numpy())
    result = gf.Poisson(DATA["count"].to_numpy(), X).fit()
    found = result.get_prediction([[1.0, 5.0, 3.0], [1.0, -9.0, 0.0]]).extrapolation
    assert [(remark.variable, remark.furthest) for remark in found] == [("x1", -9.0), ("x2", 3.0)]
