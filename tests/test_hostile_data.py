"""Data that nobody means to send. Each of these once ended in a wrong number or a crash."""

import warnings

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import ArgumentError, DataError, FitError, GlmfitError, GlmfitWarning


@pytest.fixture
def data():
    rng = np.random.default_rng(8)
    n = 50
    frame = pd.DataFrame({"x": rng.normal(size=n), "k": rng.normal(size=n)})
    frame["y"] = 1.0 + frame.x + rng.normal(size=n)
    frame["b"] = (frame.y > 1.0).astype(int)
    frame["g"] = np.resize(list("abc"), n)
    frame["cl"] = np.arange(n) // 5
    return frame


# -- magnitudes ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-320, 1e-300, 1e-200, 1e-160, 1e160, 1e200, 1e300])
def test_numbers_whose_squares_are_lost_are_refused(data, size):
    # standard errors came out as infinite, 0, or 0.4 % wrong, and columns as aliased
    with pytest.raises(DataError, match=r"Column 1 of the design.*change its unit"):
        gf.ols("y ~ x + k", data.assign(x=data.x * size)).fit()
    with pytest.raises(DataError, match="change its unit"):
        gf.logit("b ~ x + k", data.assign(x=data.x * size)).fit()
    with pytest.raises(DataError, match="squares cannot be summed"):
        gf.ols("y ~ x + k", data.assign(y=data.y * size))


@pytest.mark.parametrize("size", [1e-130, 1e-60, 1e60, 1e130])
def test_large_and_small_units_do_not_matter(data, size):
    plain = gf.ols("y ~ x + k", data).fit()
    column = gf.ols("y ~ x + k", data.assign(x=data.x * size)).fit()
    assert column.bse["x"] * size == pytest.approx(plain.bse["x"], rel=1e-12)
    response = gf.ols("y ~ x + k", data.assign(y=data.y * size)).fit()
    assert response.bse["x"] / size == pytest.approx(plain.bse["x"], rel=1e-12)
    assert response.rsquared == pytest.approx(plain.rsquared, rel=1e-12)


def test_a_column_of_zeros_is_still_left_out(data):
    with pytest.warns(gf.errors.CollinearityWarning):
        result = gf.ols("y ~ x + zero", data.assign(zero=0.0)).fit()
    assert np.isnan(result.params["zero"])


def test_an_offset_beyond_all_squares_is_told_of(data):
    with pytest.raises(FitError, match="too large"):
        gf.ols("y ~ x", data.assign(off=1e300 * data.k), offset="off").fit()


# -- the response of new data -------------------------------------------------------------


@pytest.mark.parametrize("unknown", [None, np.nan, np.inf, "never seen", pd.NaT])
def test_the_response_of_new_data_is_not_looked_at(data, unknown):
    result = gf.ols("y ~ x", data).fit()
    expected = result.predict(data[["x"]])
    new = data.assign(y=pd.Series([unknown] * len(data), index=data.index, dtype=object))
    np.testing.assert_array_equal(result.predict(new), expected)
    partly = data.astype({"y": object})
    partly.loc[3, "y"] = None
    np.testing.assert_array_equal(result.predict(partly), expected)
    assert len(result.get_prediction(partly).summary_frame()) == len(data)


def test_a_transformed_response_may_be_undefined_in_new_data(data):
    result = gf.ols("np.log(y) ~ x", data.assign(y=np.exp(data.y))).fit()
    expected = result.predict(data[["x"]])
    np.testing.assert_array_equal(result.predict(data.assign(y=np.nan)), expected)
    np.testing.assert_array_equal(result.predict(data.assign(y=0.0)), expected)


# -- as many coefficients as rows ---------------------------------------------------------


@pytest.fixture
def saturated():
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0], "y": [1.0, 3.0, 2.0], "c": [0, 1, 2]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlmfitWarning)
        return gf.ols("y ~ x + I(x**2)", frame).fit()


@pytest.mark.parametrize("ask", ["anova", "drop1", "check", "hat"])
def test_a_fit_without_residuals_answers(saturated, ask):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlmfitWarning)
        if ask == "check":
            assert "glmfit" not in str(saturated.check())
        elif ask == "hat":
            np.testing.assert_allclose(saturated.get_hat_matrix_diag(), 1.0)
        elif ask == "drop1":
            assert len(saturated.drop1().table) > 0
        else:
            for kind in ("LR", "F", "Rao", "Wald"):
                p = saturated.anova(type=2, test=kind).table.filter(like="P").to_numpy(dtype=float)
                assert not (p == 0.0).any()


@pytest.mark.parametrize("kind", ["HC1", "CR1S", "cluster"])
def test_factors_that_divide_by_nothing_are_refused(saturated, kind):
    options = {} if kind == "HC1" else {"groups": "c"}
    with pytest.raises(FitError, match="does not exist"):
        saturated.with_cov(kind, **options)


def test_rows_that_separation_leaves_may_be_one_cluster():
    frame = pd.DataFrame({"x": [0.3, -1.0, 0.8, 0.1, 0.5, -0.2], "g": list("aaaabb")})
    frame["y"], frame["c"] = [0, 1, 1, 0, 1, 1], [1, 1, 1, 1, 2, 2]
    with pytest.warns(gf.errors.SeparationWarning):
        result = gf.logit("y ~ x + g", frame).fit()
    with pytest.raises(FitError, match="all of one cluster"):
        result.with_cov("cluster", groups="c")


# -- empty and constant inputs ------------------------------------------------------------


def test_robust_errors_where_every_coefficient_is_infinite():
    frame = pd.DataFrame({"g": list("aabb"), "y": [0, 0, 1, 1], "c": [0, 1, 0, 1]})
    with pytest.warns(gf.errors.SeparationWarning):
        result = gf.logit("y ~ g", frame).fit()
    for kind, options in [("HC0", {}), ("HC3", {}), ("OPG", {}), ("cluster", {"groups": "c"})]:
        assert np.isnan(result.with_cov(kind, **options).bse).all()


def test_thresholds_beside_a_factor_of_one_level(data):
    # a design of levels beside no dense column had no cross product
    ordered = pd.cut(data.y, [-np.inf, 0.5, 1.5, np.inf], labels=["l", "m", "h"])
    with pytest.warns(gf.errors.DataWarning, match="one level"):
        model = gf.ordered("y ~ g", data.assign(y=ordered, g="only"))
    shares = model.fit().predict(data.assign(g="only").head(1))
    np.testing.assert_allclose(np.ravel(shares), ordered.value_counts(sort=False) / len(data))


def test_pairs_of_one_level_are_refused(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlmfitWarning)
        result = gf.ols("y ~ x + g", data.assign(g="only")).fit()
    with pytest.raises(ArgumentError, match="one level"):
        result.t_test_pairwise("g")


@pytest.mark.parametrize("mix", [0.0, 0.5, 1.0])
def test_a_penalised_multinomial_of_two_classes_is_a_logit(data, mix):
    # the start asked for a constant that only one-predictor families have
    text = data.assign(b=np.where(data.b == 1, "yes", "no"))
    two = gf.mnlogit("b ~ x + k", text).fit_regularized(alpha=0.05, L1_wt=mix)
    one = gf.logit("b ~ x + k", data).fit_regularized(alpha=0.05, L1_wt=mix)
    np.testing.assert_allclose(np.ravel(two.params), one.params, rtol=1e-8, atol=1e-10)


def test_zero_counts_are_not_tested_beyond_all_numbers():
    mean = np.array([1.0, 2.0, 900.0, 1100.0, 1000.0])
    result = gf.Poisson(mean, gf.add_constant(np.log(mean))).fit()
    assert np.isnan(result.zero_test().statistic)


def test_tails_of_a_tweedie_with_no_mean_are_missing():
    family = gf.families.Tweedie(var_power=1.5)
    tails = family.tails(np.array([1.0, 1.0]), np.array([np.nan, 2.0]), np.ones(2), 1.0)
    assert np.isnan(tails.at_or_below[0])
    assert np.isnan(tails.above[0])
    assert 0.0 < tails.at_or_below[1] < 1.0


# -- odd data, for every model ---------------------------------------------------------------


def _table(rows: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(3)
    data = pd.DataFrame(random.normal(size=(rows, 3)), columns=["x", "z", "number"])
    data["g"], data["class"] = random.choice(list("ab"), rows), random.choice(list("uvw"), rows)
    data["stratum"], data["way"] = np.arange(rows) // 3, np.array(list("pqr"))[np.arange(rows) % 3]
    data["event"], data["count"] = random.integers(0, 2, rows), random.poisson(2.0, rows)
    data["positive"] = random.gamma(2.0, size=rows)
    data["taken"] = (np.arange(rows) % 3 == random.integers(0, 3, rows // 3).repeat(3)) * 1
    return data


def _of_family(family, **options):
    return lambda formula, data: gf.glm(formula, data, family, **options)


MODELS = {
    "ols": ("number", gf.ols),
    "logit": ("event", gf.logit),
    "probit": ("event", gf.probit),
    "poisson": ("count", gf.poisson),
    "gamma": ("positive", _of_family("gamma", link="log")),
    "inverse gaussian": ("positive", _of_family("inverse_gaussian", link="log")),
    "tweedie": ("positive", _of_family(gf.families.Tweedie(var_power=1.5))),
    "quasipoisson": ("count", _of_family("quasipoisson")),
    "negative binomial": ("count", gf.negativebinomial),
    "zero-inflated": ("count", gf.zeroinflated),
    "hurdle": ("count", gf.hurdle),
    "mnlogit": ("Q('class')", gf.mnlogit),
    "ordered": ("Q('class')", gf.ordered),
    "adjacent": ("Q('class')", gf.adjacent_category),
    "continuation": ("Q('class')", gf.continuation_ratio),
    "conditional": ("taken", lambda f, d: gf.conditional_logit(f, d, groups="stratum")),
    "choice": ("taken", lambda f, d: gf.choice(f, d, groups="stratum", alternatives="way")),
    "absorbed": ("count", lambda f, d: gf.poisson(f, d, absorb=["stratum"])),
}
ODD = {
    "no rows": lambda d: d.iloc[:0],
    "one row": lambda d: d.iloc[:1],
    "fewer rows than columns": lambda d: d.iloc[:3],
    "a column of ones": lambda d: d.assign(x=1.0),
    "a column of zeros": lambda d: d.assign(x=0.0),
    "a column twice": lambda d: d.assign(x=d["z"]),
    "a missing column": lambda d: d.assign(x=np.nan),
    "an infinite value": lambda d: d.assign(x=d["x"].where(d.index > 0, np.inf)),
    "a column of 1e300": lambda d: d.assign(x=1e300 * d["x"]),
    "denormals": lambda d: d.assign(x=1e-320 * np.arange(len(d))),
    "a factor of one level": lambda d: d.assign(g="a"),
    "rows of one name": lambda d: d.set_axis([0] * len(d)),
    "complex numbers": lambda d: d.assign(x=d["x"] * 1j),
    "one outcome": lambda d: d.assign(**{n: d[n].iloc[0] for n in ("number", "event", "count",
                                                                   "class", "positive", "taken")}),
    "no outcome": lambda d: d.assign(**{n: np.nan for n in ("number", "event", "count", "class",
                                                            "positive", "taken")}),
}  # fmt: skip
REFUSED = ("no rows", "a missing column", "an infinite value", "complex numbers", "no outcome")


@pytest.mark.parametrize("which", MODELS)
@pytest.mark.filterwarnings("ignore::glmfit.errors.GlmfitWarning")
def test_every_model_answers_odd_data_by_numbers_or_in_words(which):
    response, make = MODELS[which]
    factor = "" if which in ("conditional", "choice", "absorbed") else " + g"
    for odd, change in ODD.items():
        data = change(_table())
        try:
            result = make(f"{response} ~ x + z{factor}", data).fit()
        except GlmfitError as error:
            assert str(error)
            continue
        assert odd not in REFUSED
        assert str(result.summary())
        assert not np.isnan(result.llf) or result.df_resid == 0 or which == "quasipoisson"
        finite = np.isfinite(np.asarray(result.params, dtype=float))
        errors = np.asarray(result.bse, dtype=float)[finite]
        assert (np.isnan(errors) | (errors >= 0.0)).all(), odd
