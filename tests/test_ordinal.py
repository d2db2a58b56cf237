"""Models of ordered classes, against R and against themselves."""

import json
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import (
    ArgumentError,
    CollinearityWarning,
    ConvergenceWarning,
    DataError,
    DataWarning,
    NotAvailableError,
    ResponseError,
    SeparationWarning,
)
from glmfit.likelihoods import Cumulative, Multinomial, Sequential
from glmfit.links import LINKS

REFERENCE = json.loads((Path(__file__).parent / "reference" / "ordinal.json").read_text())
PROBABILITY_LINKS = ["logit", "probit", "cloglog", "loglog", "cauchit"]
FULL = "sat ~ infl + type + cont"


@pytest.fixture(scope="module")
def housing():
    return gf.datasets.load("housing")


@pytest.fixture(scope="module")
def codes():
    rng = np.random.default_rng(7)
    x, z = rng.normal(size=(2, 200))
    latent = 0.8 * x - 0.5 * z + rng.logistic(size=200)
    return pd.DataFrame({"k": np.digitize(latent, [-1.0, 0.5, 1.5]), "x": x, "z": z})


def slopes_first(values, n_cuts=2):
    """R has thresholds first."""
    numbers = np.array(list(values.values()))
    return np.r_[numbers[n_cuts:], numbers[:n_cuts]]


# -- against R -----------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog"])
def test_cumulative_models_are_those_of_clm(housing, link):
    result = gf.ordered(FULL, housing, distr=link, freq_weights="freq").fit()
    want = REFERENCE[f"clm_{link}"]
    assert result.params.to_numpy() == pytest.approx(slopes_first(want["params"]), rel=1e-12)
    assert result.bse.to_numpy() == pytest.approx(slopes_first(want["bse"]), rel=1e-12)
    assert result.llf == pytest.approx(want["llf"], rel=1e-14)
    polr = np.array(list(want["polr"].values()))
    assert result.params.to_numpy() == pytest.approx(polr, rel=2e-7)


def test_cauchit_is_that_of_the_distribution_function(housing):
    result = gf.ordered(FULL, housing, distr="cauchit", freq_weights="freq").fit()
    want = REFERENCE["cauchit"]
    assert result.params.to_numpy() == pytest.approx(slopes_first(want["params"]), rel=5e-6)
    assert result.llf == pytest.approx(want["llf"], abs=1e-8)


def test_offset_belongs_to_the_slopes_side(housing):
    data = housing.assign(o=np.linspace(-1.0, 1.0, len(housing)))
    options = {"distr": "logit", "freq_weights": "freq"}
    want = REFERENCE["offset"]
    by_name = gf.ordered("sat ~ infl + cont", data, offset="o", **options).fit()
    inside = gf.ordered("sat ~ infl + cont + offset(o)", data, **options).fit()
    numbers = np.array(list(want["params"].values()))
    assert by_name.params.to_numpy() == pytest.approx(numbers, rel=2e-7)
    assert by_name.llf == pytest.approx(want["llf"], rel=1e-13)
    assert inside.params.equals(by_name.params)
    assert inside.predict(data.head(3)).equals(by_name.predict().head(3))
    constant = gf.ordered("sat ~ 1", data, offset="o", **options).fit()
    assert by_name.llnull == pytest.approx(constant.llf, rel=1e-13)


def test_partial_proportional_odds_are_the_nominal_effects_of_clm(housing):
    model = gf.ordered(FULL, housing, distr="logit", freq_weights="freq", nonparallel="cont")
    result = model.fit()
    names = ["Low|Medium.ContHigh", "Medium|High.ContHigh"]
    own = result.params[["cont[T.High]:Low|Medium", "cont[T.High]:Medium|High"]]
    want = REFERENCE["partial"]
    assert own.to_numpy() == pytest.approx([-want["params"][name] for name in names], rel=1e-12)
    errors = result.bse[own.index].to_numpy()
    assert errors == pytest.approx([want["bse"][name] for name in names], rel=1e-12)
    assert result.llf == pytest.approx(want["llf"], rel=1e-14)


@pytest.mark.parametrize("kind", ["lr", "brant"])
def test_parallel_slopes_are_tested_as_in_r(housing, kind):
    result = gf.ordered(FULL, housing, distr="logit", freq_weights="freq").fit()
    table = result.parallel_test(kind)
    assert list(table.index) == ["(all)", "infl", "type", "cont"]
    assert table["df"].tolist() == [6, 2, 3, 1]
    want = list(REFERENCE[kind]["statistic"].values())
    assert table["statistic"].to_numpy() == pytest.approx(want, rel=1e-10)


@pytest.mark.parametrize(("key", "free"), [("acat", None), ("acat_partial", "cont")])
def test_adjacent_categories_are_those_of_vgam(housing, key, free):
    # vglm stops on the deviance, after which coefficients have 8 digits
    model = gf.adjacent_category(
        "sat ~ infl + cont", housing, freq_weights="freq", nonparallel=free
    )
    result, want = model.fit(), REFERENCE[key]
    assert result.params.to_numpy() == pytest.approx(slopes_first(want["params"]), rel=1e-7)
    assert result.bse.to_numpy() == pytest.approx(slopes_first(want["bse"]), rel=1e-7)
    assert result.llf == pytest.approx(want["llf"], rel=1e-14)


@pytest.mark.parametrize(
    ("key", "link", "free"),
    [
        ("cratio_logit", "logit", None),
        ("cratio_probit", "probit", None),
        ("cratio_partial", "logit", "cont"),
    ],
)
def test_continuation_ratios_are_binomials_stage_by_stage(housing, key, link, free):
    model = gf.continuation_ratio(
        "sat ~ infl + cont", housing, freq_weights="freq", distr=link, nonparallel=free
    )
    result, want = model.fit(), REFERENCE[key]
    assert result.params.to_numpy() == pytest.approx(slopes_first(want["params"]), rel=1e-8)
    if "bse" in want:
        assert result.bse.to_numpy() == pytest.approx(slopes_first(want["bse"]), rel=1e-8)


# -- the likelihoods -----------------------------------------------------------------------


def likelihoods():
    yield Multinomial(4)
    for name in PROBABILITY_LINKS:
        yield Cumulative(LINKS[name], 4)
        yield Sequential(LINKS[name], 4)


@pytest.fixture(
    params=list(likelihoods()), ids=lambda one: f"{type(one).__name__}-{getattr(one, 'link', '')}"
)
def likelihood(request):
    return request.param


ETA = np.array([[-1.5, -0.2, 0.9], [-0.4, 0.5, 1.7], [-2.0, -1.1, -0.3], [0.1, 1.4, 2.2]])
SHARES = np.array(
    [[0.0, 1.0, 0.0, 0.0], [0.2, 0.3, 0.1, 0.4], [0.0, 0.0, 0.0, 1.0], [0.5, 0.0, 0.5, 0.0]]
)
WEIGHT = np.array([1.0, 2.5, 3.0, 0.7])
PAIRS = [(a, b) for a in range(3) for b in range(a, 3)]


def test_probabilities_sum_to_one(likelihood):
    total = np.exp(likelihood.log_probabilities(ETA)).sum(axis=1)
    assert total == pytest.approx(np.ones(4), rel=1e-15)


def test_score_is_the_derivative_of_the_deviance(likelihood):
    step = 1e-6
    score = likelihood.evaluate(SHARES, ETA, WEIGHT).score
    for m in range(3):
        move = step * np.eye(3)[m]
        for row in range(4):
            one = slice(row, row + 1)
            up = likelihood.evaluate(SHARES[one], ETA[one] + move, WEIGHT[one]).deviance
            down = likelihood.evaluate(SHARES[one], ETA[one] - move, WEIGHT[one]).deviance
            assert score[row, m] == pytest.approx((down - up) / (4 * step), abs=1e-8)


def test_observed_weight_is_the_derivative_of_the_score(likelihood):
    step = 1e-6
    lines = likelihood.evaluate(SHARES, ETA, WEIGHT, observed=True).weight
    for line, (a, b) in zip(lines, PAIRS, strict=True):
        move = step * np.eye(3)[b]
        up = likelihood.evaluate(SHARES, ETA + move, WEIGHT).score[:, a]
        down = likelihood.evaluate(SHARES, ETA - move, WEIGHT).score[:, a]
        assert line == pytest.approx((down - up) / (2 * step), abs=1e-7)


@pytest.mark.parametrize("link", PROBABILITY_LINKS)
def test_expected_weight_is_the_mean_of_the_observed(link):
    cumulative = Cumulative(LINKS[link], 4)
    p = np.exp(cumulative.log_probabilities(ETA))
    mean = sum(
        p[:, k] * cumulative.evaluate(np.eye(4)[[k] * 4], ETA, None, observed=True).weight
        for k in range(4)
    )
    expected = cumulative.evaluate(SHARES, ETA, None).weight
    assert expected == pytest.approx(mean, rel=1e-12, abs=1e-15)


def test_shares_have_their_own_predictors(likelihood):
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    eta = likelihood.marginal_eta(shares)
    assert np.exp(likelihood.log_probabilities(eta[None, :]))[0] == pytest.approx(shares, rel=1e-14)


EXACT = {
    "logit": lambda t: 1 / (1 + mpmath.exp(-t)),
    "probit": mpmath.ncdf,
    "cloglog": lambda t: 1 - mpmath.exp(-mpmath.exp(t)),
    "loglog": lambda t: mpmath.exp(-mpmath.exp(-t)),
    "cauchit": lambda t: mpmath.mpf(1) / 2 + mpmath.atan(t) / mpmath.pi,
}


@pytest.mark.parametrize("link", PROBABILITY_LINKS)
@pytest.mark.parametrize(
    "ends", [(-30.0, -29.5), (-8.0, -7.0), (-0.5, 0.25), (3.0, 3.5), (5.0, 5.5), (-6.0, 6.0)]
)
def test_classes_in_the_tails_keep_their_digits(link, ends):
    eta = np.array([ends])
    with mpmath.workdps(400):
        low, high = (EXACT[link](mpmath.mpf(end)) for end in ends)
        exact = float(mpmath.log(high - low))
        mid = [mpmath.diff(EXACT[link], mpmath.mpf(end)) / (high - low) for end in ends]
    cumulative = Cumulative(LINKS[link], 3)
    assert cumulative.log_probabilities(eta)[0, 1] == pytest.approx(exact, rel=1e-13)
    score = cumulative.evaluate(np.array([[0.0, 1.0, 0.0]]), eta, None).score[0]
    assert score == pytest.approx([-float(mid[0]), float(mid[1])], rel=1e-12, abs=1e-300)


def test_predictors_out_of_order_are_outside_of_the_domain():
    cumulative = Cumulative(LINKS["logit"], 3)
    y = np.array([[1.0, 0.0, 0.0]])
    assert cumulative.evaluate(y, np.array([[0.5, 0.5]]), None).deviance == np.inf
    assert cumulative.evaluate(y, np.array([[0.5, 0.6]]), None).deviance < np.inf


# -- one model in several guises -------------------------------------------------------------


@pytest.mark.parametrize("link", PROBABILITY_LINKS)
@pytest.mark.parametrize("make", [gf.ordered, gf.continuation_ratio])
def test_two_classes_are_a_binomial_model(housing, link, make):
    data = housing.assign(high=housing["sat"] == "High")
    result = make("high ~ infl + cont", data, distr=link, freq_weights="freq").fit()
    # P(Y <= 0) has the link, so that the event has its mirror image
    mirrored = {"cloglog": "loglog", "loglog": "cloglog"}.get(link, link)
    binary = mirrored if make is gf.ordered else link
    glm = gf.glm("high ~ infl + cont", data, "binomial", link=binary, freq_weights="freq").fit()
    sign = -1.0 if make is gf.ordered else 1.0
    assert result.params.iloc[:-1].to_numpy() == pytest.approx(glm.params.iloc[1:], rel=1e-10)
    assert result.thresholds.iloc[0] == pytest.approx(sign * glm.params.iloc[0], rel=1e-10)
    assert result.llf == pytest.approx(glm.llf, rel=1e-13)
    assert result.llnull == pytest.approx(glm.llnull, rel=1e-13)


MAKERS = [gf.ordered, gf.adjacent_category, gf.continuation_ratio]


@pytest.mark.parametrize("make", MAKERS)
def test_frequency_weights_are_repeated_rows(housing, make):
    data = housing.assign(freq=housing["freq"] % 7)
    long = data.loc[data.index.repeat(data["freq"])]
    weighted = make("sat ~ infl + cont", data, freq_weights="freq").fit()
    repeated = make("sat ~ infl + cont", long).fit()
    assert weighted.params.to_numpy() == pytest.approx(repeated.params, rel=1e-11)
    assert weighted.bse.to_numpy() == pytest.approx(repeated.bse, rel=1e-11)
    assert weighted.llf == pytest.approx(repeated.llf, rel=1e-13)
    assert weighted.nobs == repeated.nobs
    assert weighted.bic == pytest.approx(repeated.bic, rel=1e-13)


@pytest.mark.parametrize("make", MAKERS)
def test_counts_are_weighted_rows(housing, make):
    wide = housing.pivot_table(
        index=["infl", "type", "cont"], columns="sat", values="freq", observed=True
    ).reset_index()
    counts = make("Low + Medium + High ~ infl + cont", wide).fit()
    rows = make("sat ~ infl + cont", housing, freq_weights="freq").fit()
    assert counts.params.to_numpy() == pytest.approx(rows.params, rel=1e-11)
    assert counts.bse.to_numpy() == pytest.approx(rows.bse, rel=1e-11)
    assert list(counts.params.index) == list(rows.params.index)


@pytest.mark.parametrize("make", [gf.OrderedModel, gf.AdjacentCategory, gf.ContinuationRatio])
def test_arrays_and_formulas_agree(codes, make):
    by_formula = make.from_formula("k ~ x + z", codes).fit()
    by_array = make(codes["k"], codes[["x", "z"]]).fit()
    assert by_array.params.to_dict() == pytest.approx(by_formula.params.to_dict(), rel=1e-12)
    bare = make(codes["k"].to_numpy(), codes[["x", "z"]].to_numpy()).fit()
    assert list(bare.params.index) == ["x1", "x2", "0|1", "1|2", "2|3"]
    assert bare.params.to_numpy() == pytest.approx(by_formula.params, rel=1e-12)


@pytest.mark.parametrize("make", MAKERS)
def test_reversed_levels_are_the_same_model_where_they_should_be(codes, make):
    ahead = make("k ~ x + z", codes, distr="logit").fit()
    behind = make("k ~ x + z", codes, distr="logit", levels=[3, 2, 1, 0]).fit()
    assert list(behind.thresholds.index) == ["3|2", "2|1", "1|0"]
    same = behind.llf == pytest.approx(ahead.llf, rel=1e-12)
    # the continuation ratio alone has a direction
    assert same == (make is not gf.continuation_ratio)


def test_ill_conditioned_columns_keep_their_digits(codes):
    moved = codes.assign(x=codes["x"] + 1e4)
    near = gf.ordered("k ~ x + I(x**2)", codes).fit()
    far = gf.ordered("k ~ x + I(x**2)", moved).fit()
    assert far.params["I(x ** 2)"] == pytest.approx(near.params["I(x ** 2)"], rel=1e-6)
    assert far.bse["I(x ** 2)"] == pytest.approx(near.bse["I(x ** 2)"], rel=1e-6)


def test_thresholds_rise(codes):
    for distr in PROBABILITY_LINKS:
        result = gf.ordered("k ~ x + z", codes, distr=distr).fit()
        assert result.converged
        assert (np.diff(result.thresholds) > 0.0).all()


def test_the_null_model_has_the_shares_of_the_classes(codes):
    constant = gf.ordered("k ~ 1", codes).fit()
    shares = codes["k"].value_counts(normalize=True).sort_index()
    assert constant.predict().iloc[0].to_numpy() == pytest.approx(shares.to_numpy(), rel=1e-12)
    assert constant.llf == pytest.approx(constant.llnull, rel=1e-13)
    assert constant.df_model == 0


# -- reading -------------------------------------------------------------------------------


def test_no_intercept_is_fitted_and_factors_keep_their_coding(housing):
    result = gf.ordered("sat ~ infl", housing, freq_weights="freq").fit()
    assert list(result.params.index) == [
        "infl[T.Medium]", "infl[T.High]", "Low|Medium", "Medium|High",
    ]  # fmt: skip


def test_a_constant_is_refused(codes, housing):
    with pytest.raises(DataError, match="constant is not identified with thresholds"):
        gf.OrderedModel(codes["k"], gf.add_constant(codes[["x"]]))
    with pytest.raises(DataError, match="no intercept is fitted in any case"):
        gf.ordered("sat ~ 0 + infl", housing)
    assert gf.ordered("k ~ 0 + x", codes).fit().params.index[0] == "x"


def test_text_needs_an_order(codes):
    words = codes.assign(k=codes["k"].map({0: "low", 1: "mid", 2: "high", 3: "top"}))
    with pytest.raises(ResponseError, match=r"order of its levels is not known.*levels=\["):
        gf.ordered("k ~ x", words)
    with pytest.raises(ArgumentError, match=r"lacks 'high'.*Did you mean 'hihg'"):
        gf.ordered("k ~ x", words, levels=["low", "mid", "hihg", "top"])
    told = gf.ordered("k ~ x", words, levels=["low", "mid", "high", "top"]).fit()
    coded = gf.ordered("k ~ x", codes).fit()
    assert list(told.thresholds.index) == ["low|mid", "mid|high", "high|top"]
    assert told.params.to_numpy() == pytest.approx(coded.params, rel=1e-14)
    order = pd.CategoricalDtype(["low", "mid", "high", "top"], ordered=True)
    assert gf.ordered("k ~ x", words.astype({"k": order})).fit().params.equals(told.params)


def test_missing_rows_are_dropped_and_predicted_as_missing(codes):
    order = pd.CategoricalDtype([0, 1, 2, 3], ordered=True)
    data = codes.astype({"k": order})
    data.loc[3, "k"] = None
    data.loc[5, "x"] = np.nan
    result = gf.ordered("k ~ x + z", data).fit()
    assert result.nobs == 198
    assert result.dropped_rows == {"k": 1, "x": 1}
    assert result.fittedvalues.loc[[3, 5]].isna().to_numpy().all()
    assert result.predict(data).isna().any(axis=1).sum() == 1
    arrays = gf.OrderedModel(data["k"], data[["x", "z"]], missing="drop").fit()
    assert arrays.params.to_numpy() == pytest.approx(result.params, rel=1e-13)


def test_wrong_arguments_are_told(codes, housing):
    with pytest.raises(ArgumentError, match=r"'infll'.*Did you mean 'infl'"):
        gf.ordered("sat ~ infl", housing, nonparallel="infll")
    with pytest.raises(ArgumentError, match="no distribution of a probability"):
        gf.ordered("k ~ x", codes, distr="log")
    with pytest.raises(ArgumentError, match="logit only"):
        gf.adjacent_category("k ~ x", codes, distr="probit")
    with pytest.raises(ArgumentError, match="order the thresholds"):
        gf.ordered("k ~ x", codes).fit(start_params=[0.0, 1.0, 0.0, 2.0])
    with pytest.raises(ResponseError, match="is no class"):
        gf.ordered("z ~ x", codes)
    unused = codes.assign(w=(codes["k"] != 3).astype(float))
    with pytest.raises(ResponseError, match="level '3' of k is in no row that counts"):
        gf.ordered("k ~ x", unused, var_weights="w").fit()


def test_distributions_of_scipy_are_links(codes):
    stats = pytest.importorskip("scipy.stats")
    model = gf.OrderedModel(codes["k"], codes[["x"]], distr=stats.gumbel_l)
    assert model.link.name == "cloglog"
    assert gf.OrderedModel(codes["k"], codes[["x"]]).link.name == "probit"


def test_a_start_changes_nothing(codes):
    model = gf.ordered("k ~ x + z", codes)
    result = model.fit()
    again = model.fit(start_params=[0.1, 0.1, -1.0, 0.0, 1.0])
    assert again.params.to_numpy() == pytest.approx(result.params, rel=1e-10)


def test_aliased_columns_are_dropped_and_named(codes):
    data = codes.assign(twice=2.0 * codes["x"] + 1.0)
    with pytest.warns(CollinearityWarning, match=r"twice = a constant \+ 2 x|twice = 2 x"):
        result = gf.ordered("k ~ x + twice + z", data).fit()
    assert np.isnan(result.params["twice"])
    assert "(aliased:" in str(result.summary())
    plain = gf.ordered("k ~ x + z", data).fit()
    assert result.llf == pytest.approx(plain.llf, rel=1e-13)
    assert result.df_model == 2
    with pytest.warns(CollinearityWarning, match="break what the data of the fit obeyed"):
        result.predict({"x": [0.0], "twice": [7.0], "z": [0.0]})


# -- separation ----------------------------------------------------------------------------


def separated(codes):
    """Class 3 is all of group b, and no other row."""
    low = codes[codes["k"] < 3].assign(g="a")
    high = codes[codes["k"] == 3].assign(g="b")
    return pd.concat([low, high], ignore_index=True), low


@pytest.mark.parametrize(
    ("make", "distr"),
    [*((make, "logit") for make in MAKERS), *((make, "cloglog") for make in MAKERS[::2])],
)
def test_the_limit_of_separated_data_is_the_fit_of_the_rest(codes, make, distr):
    data, low = separated(codes)
    with pytest.warns(SeparationWarning, match=r"separated by g\[T.b\]"):
        result = make("k ~ x + z + g", data, distr=distr).fit()
    rest = make("k ~ x + z", low, distr=distr).fit()
    assert not result.converged
    assert result.params["g[T.b]"] == np.inf
    assert result.llf == pytest.approx(rest.llf, rel=1e-9)
    for name in ("x", "z", "0|1", "1|2"):
        assert result.params[name] == pytest.approx(rest.params[name], rel=1e-7)
        assert result.bse[name] == pytest.approx(rest.bse[name], rel=1e-7)
    assert np.isnan(result.bse["g[T.b]"])
    text = str(result.summary())
    assert "(+infinite: the data are separated)" in text
    assert "Separated data" in text
    p = result.predict()
    assert p.sum(axis=1).to_numpy() == pytest.approx(np.ones(len(p)), rel=1e-12)
    assert (p.loc[data["g"] == "b", "3"] == 1.0).all()


@pytest.mark.parametrize("make", MAKERS)
def test_complete_separation_is_said_and_not_fitted(make):
    x = np.arange(30.0)
    data = pd.DataFrame({"k": np.digitize(x, [9.5, 19.5]), "x": x})
    with pytest.warns(SeparationWarning, match="'k' is completely separated by x"):
        result = make("k ~ x", data).fit()
    assert not result.converged
    assert result.params["x"] == np.inf
    assert result.separation.complete
    assert result.llf == 0.0
    assert result.pred_table().tolist() == [[10, 0, 0], [0, 10, 0], [0, 0, 10]]


def test_overlapping_data_raise_no_alarm(codes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gf.ordered("k ~ x + z", codes).fit().separation is None


# -- what results give -----------------------------------------------------------------------


def test_predictions_come_labelled(housing):
    result = gf.ordered(FULL, housing, distr="logit", freq_weights="freq").fit()
    new = pd.DataFrame({"infl": ["Low", None], "type": ["Tower"] * 2, "cont": ["High"] * 2})
    p = result.predict(new)
    assert list(p.columns) == ["Low", "Medium", "High"]
    assert p.iloc[1].isna().all()
    assert p.iloc[0].sum() == pytest.approx(1.0)
    cumulative = result.predict(new, which="cumulative").iloc[0]
    assert cumulative.to_numpy() == pytest.approx(p.iloc[0].cumsum().to_numpy()[:2])
    eta = result.predict(new, which="linear").iloc[0]
    x = result.predict(new, which="linpred").iloc[0]
    assert eta.to_numpy() == pytest.approx(result.thresholds.to_numpy() - x)
    assert x == pytest.approx(result.params["cont[T.High]"])
    assert result.predict(new, which="class").iloc[0] == p.iloc[0].idxmax()
    assert result.predict(new, which="prob").equals(p)
    assert result.resid_response.abs().to_numpy().max() < 1.0
    with pytest.raises(ArgumentError, match="which must be one of"):
        result.predict(which="odds")


def test_counts_of_predictions_cover_all_observations(housing):
    result = gf.ordered(FULL, housing, freq_weights="freq").fit()
    table = result.pred_table()
    assert table.sum() == housing["freq"].sum()
    assert (
        table.sum(axis=1).tolist() == housing.groupby("sat", observed=True)["freq"].sum().tolist()
    )


def test_crossed_thresholds_are_told_of(codes):
    result = gf.ordered("k ~ x + z", codes, nonparallel=["x"]).fit()
    assert list(result.params.index[:3]) == ["x:0|1", "x:1|2", "x:2|3"]
    with pytest.warns(DataWarning, match="thresholds of .* rows .* cross"):
        far = result.predict({"x": [-1e3, 0.0, 1e3], "z": [0.0] * 3})
    assert far.iloc[1].notna().all()
    assert far.isna().any(axis=1).any()
    with pytest.raises(NotAvailableError, match="no single x'b"):
        result.predict(which="linpred")


def test_a_maximum_where_thresholds_meet_is_said_to_be_on_the_boundary():
    rng = np.random.default_rng(1)
    x = rng.normal(size=30)
    # class 1 is found in the middle only, so that its thresholds close up at the ends
    data = pd.DataFrame({"x": x, "k": np.where(np.abs(x) < 0.4, 1, 2 * (rng.random(30) < 0.5))})
    with pytest.warns(ConvergenceWarning, match=r"thresholds all but meet at .* rows"):
        result = gf.ordered("k ~ x", data, distr="logit", nonparallel=True).fit()
    assert not result.converged
    assert "Not converged" in str(result.summary())


def test_all_slopes_of_an_adjacent_model_make_a_multinomial_logit(codes):
    free = gf.adjacent_category("k ~ x + z", codes, nonparallel=True).fit()
    multinomial = gf.mnlogit("k ~ x + z", codes).fit()
    assert free.llf == pytest.approx(multinomial.llf, rel=1e-13)
    table = gf.adjacent_category("k ~ x + z", codes).fit().parallel_test()
    assert table.loc["(all)", "df"] == 4


def test_tests_that_do_not_exist_say_so(codes):
    with pytest.raises(NotAvailableError, match="cumulative logit"):
        gf.ordered("k ~ x", codes, distr="probit").fit().parallel_test("brant")
    with pytest.raises(NotAvailableError, match="No slope is shared"):
        gf.ordered("k ~ x", codes, nonparallel=True).fit().parallel_test()
    with pytest.raises(NotAvailableError, match="Odds ratios belong to the logit"):
        gf.ordered("k ~ x", codes).fit().odds_ratios()


def test_the_summary_shows_thresholds_apart(housing):
    result = gf.ordered(FULL, housing, distr="logit", freq_weights="freq").fit()
    summary = result.summary()
    slopes, ratios, thresholds = (summary.as_frame(k) for k in range(3))
    assert list(slopes.index) == list(result.slopes.index)
    assert list(thresholds.index) == ["Low|Medium", "Medium|High"]
    assert ratios.iloc[:, 0].to_numpy() == pytest.approx(result.odds_ratios()["odds_ratio"])
    text = str(summary)
    for phrase in ("OrderedModel Results", "Odds ratios of a higher level", "Thresholds"):
        assert phrase in text
    assert "P(sat <= j) = F(threshold j - x'b), link logit." in text


def test_results_live_without_their_data(housing):
    result = gf.ordered(FULL, housing, freq_weights="freq").fit()
    light = result.remove_data()
    assert str(light.summary()) == str(result.summary())
    new = housing.head(3)
    assert light.predict(new).equals(result.predict(new))
    with pytest.raises(NotAvailableError):
        light.predict()
    with pytest.raises(NotAvailableError):
        light.parallel_test()
