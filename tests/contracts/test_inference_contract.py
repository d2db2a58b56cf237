"""What holds for tests and intervals of every model class.

Weights, an offset, a missing row and factors are in the data; the smaller model is fitted
from its own formula to the same rows.
"""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit import models
from glmfit.errors import CollinearityWarning, GlmfitWarning, NotAvailableError
from glmfit.models.base import Model
from glmfit.models.counts import CountModel
from glmfit.models.joint import JointModel

CHI2 = 3.841458820694124


def rows(seed=11, n=120):
    random = np.random.default_rng(seed)
    x, z, t = random.normal(size=(3, n))
    latent = 0.7 * x - 0.4 * z + random.logistic(size=n)
    data = pd.DataFrame(
        {
            "x": x,
            "z": z,
            "twice": 2.0 * z,
            "f": random.choice(list("abc"), n),
            "y": (latent > 0.2).astype(int),
            "k": np.digitize(latent, [-0.8, 0.9]),
            "count": random.poisson(np.exp(0.3 * x + 0.1)),
            "size": np.exp(0.4 * z + 0.3 * random.normal(size=n)),
            "freq": random.integers(0, 4, n),
            "weight": random.uniform(0.5, 2.0, n),
            "t": 0.3 * t,
            "g": np.arange(n) % 20,
        }
    )
    data.loc[7, "x"] = np.nan
    return data


ROWS = rows()
WEIGHTS = {"freq_weights": "freq", "var_weights": "weight", "offset": "t"}
KINDS = {
    "GLM": (gf.GLM, "size", {"family": "gamma", "link": "log", **WEIGHTS}),
    "GLM quasi": (gf.GLM, "count", {"family": "quasipoisson", **WEIGHTS}),
    "OLS": (gf.OLS, "size", {"var_weights": "weight"}),
    "Logit": (gf.Logit, "y", WEIGHTS),
    "Probit": (gf.Probit, "y", WEIGHTS),
    "Poisson": (gf.Poisson, "count", WEIGHTS),
    "MNLogit": (gf.MNLogit, "k", WEIGHTS),
    "OrderedModel": (gf.OrderedModel, "k", {"distr": "logit", "nonparallel": "z", **WEIGHTS}),
    "AdjacentCategory": (gf.AdjacentCategory, "k", WEIGHTS),
    "ContinuationRatio": (gf.ContinuationRatio, "k", {"distr": "cloglog", **WEIGHTS}),
    "ConditionalLogit": (gf.ConditionalLogit, "y", {"groups": "g", "offset": "t"}),
}
every = pytest.mark.parametrize("name", list(KINDS))


def fit(name, right, data=ROWS, **more):
    kind, response, options = KINDS[name]
    return kind.from_formula(f"{response} ~ {right}", data, **{**options, **more}).fit()


def complete(name, right):
    return fit(name, right, subset=ROWS["x"].notna())


def test_every_model_class_has_a_case():
    kinds = {
        kind for _, kind in inspect.getmembers(models, inspect.isclass) if issubclass(kind, Model)
    }
    # the choice model has rows of another shape, and a test of its own below; models of
    # counts and joint models have several formulas, and do not drop terms one by one
    several = (CountModel, JointModel)
    others = {gf.ChoiceModel, *(kind for kind in kinds if issubclass(kind, several))}
    assert kinds <= {kind for kind, _, _ in KINDS.values()} | others


@every
@pytest.mark.parametrize(("term", "rest"), [("x", "z + f"), ("f", "z + x"), ("x:z", "z + x + f")])
def test_dropping_a_term_is_fitting_without_it(name, term, rest):
    large, small = fit(name, f"{rest} + {term}"), complete(name, rest)
    line = large.drop1().frame.loc[term]
    assert line["deviance"] == pytest.approx(small.record.deviance, rel=1e-9)
    assert line["df"] == large.record.rank - small.record.rank
    compared = gf.anova(small, large).frame.iloc[1]
    np.testing.assert_allclose(
        compared[["df", "statistic", "pvalue"]].astype(float),
        line[["df", "statistic", "pvalue"]].astype(float),
        rtol=1e-7,
    )
    for test in ("Rao", "Wald"):
        np.testing.assert_allclose(
            gf.anova(small, large, test=test).frame["statistic"].iloc[1],
            large.drop1(test).frame.loc[term, "statistic"],
            rtol=1e-6,
        )
    if not np.isnan(large.record.llf):
        assert line["aic"] == pytest.approx(small.aic, rel=1e-9)
        ratio = gf.lr_test(small, large)
        assert large.lr_test(term).statistic == pytest.approx(ratio.statistic, rel=1e-7, abs=1e-9)
        assert large.lr_test(term).df == ratio.df
    last = large.anova().frame.iloc[-1] if term == "x:z" else None
    if last is not None:
        assert last["statistic"] == pytest.approx(line["statistic"], rel=1e-8)


@every
def test_adding_a_term_is_dropping_it_again(name):
    small, large = complete(name, "x + z"), complete(name, "x + z + f")
    added = small.add1("f").frame.loc["f"]
    dropped = large.drop1().frame.loc["f"]
    assert added["statistic"] == pytest.approx(dropped["statistic"], rel=1e-8)
    assert added["deviance"] == pytest.approx(large.record.deviance, rel=1e-10)


@every
def test_wald_tests_are_quadratic_forms_of_the_covariance(name):
    result = fit(name, "x + z + f")
    covariance = np.asarray(result.cov_params())
    names = list(result._vocabulary.names)
    chosen = [j for j, owner in enumerate(result.model.parameter_columns) if owner[:1] == "f"]
    theta = result.record.theta[chosen]
    expected = theta @ np.linalg.solve(covariance[np.ix_(chosen, chosen)], theta)
    test = result.wald_test("f", use_f=False)
    assert test.statistic == pytest.approx(expected, rel=1e-9)
    assert test.df == len(chosen)
    single = result.t_test(names[chosen[0]])
    error = np.sqrt(covariance[chosen[0], chosen[0]])
    assert single.sd[0] == pytest.approx(error, rel=1e-10)
    table = result.wald_test_terms().table
    scale = len(chosen) if result.use_t else 1.0
    assert table.loc["f", "statistic"] == pytest.approx(expected / scale, rel=1e-9)
    pairs = result.t_test_pairwise("f").result_frame
    assert len(pairs) == 3 * len(chosen) // 2


@every
@pytest.mark.parametrize("method", ["profile", "score"])
def test_ends_are_where_the_test_is_the_quantile(name, method):
    result = fit(name, "x + z")
    t = result.use_t
    position = list(result.model.parameter_columns).index("x")
    text = result._vocabulary.names[position]
    ends = np.asarray(result.conf_int(cols=[position], method=method))[0]
    assert ends[0] < result.record.theta[position] < ends[1]
    reach = (np.asarray(result.conf_int())[position, 1] - result.record.theta[position]) ** 2
    reach /= result._bse[position] ** 2
    assert t or reach == pytest.approx(CHI2, rel=1e-9)
    maximum, ranked = result._maximum()
    row = np.eye(result.record.base.size)[[position]][:, ranked]
    for end in ends:
        solution = maximum.restricted(row, np.array([end]))
        lost = maximum.lost(solution) if method == "profile" else maximum.score(solution)
        assert lost == pytest.approx(reach, rel=1e-7), text


@pytest.mark.parametrize("name", [name for name in KINDS if "freq_weights" in KINDS[name][2]])
def test_frequencies_are_repeated_rows(name):
    repeated = ROWS.loc[ROWS.index.repeat(ROWS["freq"])].reset_index(drop=True)
    once = fit(name, "x + z + f")
    again = fit(name, "x + z + f", repeated, freq_weights=None)
    for kind in (1, 2):
        got, expected = once.anova(type=kind).frame, again.anova(type=kind).frame
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(
        once.hauck_donner()["derivative"], again.hauck_donner()["derivative"], rtol=1e-6
    )


@every
def test_an_aliased_column_changes_no_test(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlmfitWarning)
        more = {"nonparallel": None} if "nonparallel" in KINDS[name][2] else {}
        plain = fit(name, "x + z + f", **more)
        with pytest.warns(CollinearityWarning):
            result = fit(name, "x + z + f + twice", **more)
    close = {"rtol": 1e-7, "atol": 1e-9}
    got, expected = result.drop1().frame, plain.drop1().frame
    np.testing.assert_allclose(got.loc["x"].astype(float), expected.loc["x"].astype(float), **close)
    assert got.loc["twice", "df"] == 0
    assert np.isnan(got.loc["twice", "pvalue"])
    np.testing.assert_allclose(
        result.wald_test("f").statistic, plain.wald_test("f").statistic, **close
    )


@every
def test_tables_print(name):
    more = {"nonparallel": None} if "nonparallel" in KINDS[name][2] else {}
    result = fit(name, "x + z", **more)
    small = fit(name, "x", subset=ROWS["x"].notna(), **more)
    for shown in (
        result.anova(),
        result.anova(type=2),
        result.drop1(),
        result.wald_test("x"),
        result.wald_test_terms(),
        result.t_test("x"),
        result.score_test("x"),
        gf.anova(small, result),
    ):
        text = str(shown)
        assert "x" in text
        assert "nan" not in text.lower()


def test_a_choice_model():
    travel = gf.datasets.load("travel_mode")

    def choice(formula):
        options = {"groups": "individual", "alternatives": "mode", "reference": "car"}
        return gf.choice(formula, travel, **options).fit()

    mode = "C(mode, Treatment('car'))"
    effect = f"income:{mode}"
    large, small = choice("choice ~ gcost + wait | income"), choice("choice ~ gcost + wait")
    line = large.drop1().frame.loc[effect]
    assert line["df"] == 3
    assert line["deviance"] == pytest.approx(small.record.deviance, rel=1e-9)
    assert gf.lr_test(small, large).statistic == pytest.approx(line["statistic"], rel=1e-8)
    assert large.lr_test(effect).statistic == pytest.approx(line["statistic"], rel=1e-8)
    assert large.wald_test("income:air = income:bus").df == 1
    table = large.wald_test_terms().table
    assert table["df_constraint"].to_dict() == {mode: 3, "gcost": 1, "wait": 1, effect: 3}
    pairs = large.t_test_pairwise(mode).result_frame["coef"]
    constants = large.params
    differences = {
        "car-air": -constants["Intercept:air"],
        "train-air": constants["Intercept:train"] - constants["Intercept:air"],
        "bus-train": constants["Intercept:bus"] - constants["Intercept:train"],
    }
    for pair, difference in differences.items():
        assert pairs[pair] == pytest.approx(difference, rel=1e-10)
    ends = large.conf_int(method="profile").loc["gcost"]
    for end in ends:
        assert large.lr_test({"gcost": end}).statistic == pytest.approx(CHI2, rel=1e-7)
    with pytest.raises(NotAvailableError, match="compare the fits by anova"):
        large.add1("size")
