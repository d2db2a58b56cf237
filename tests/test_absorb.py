"""Absorbed factors: the same model as with all indicator columns, without them.

Reference values: ``tests/reference/absorb.R`` (glm and sandwich, on indicator columns) and
``tests/reference/absorb_pyfixest.py``.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import glmfit as gf
from glmfit.engine.effects import Effects, components, effects_rank
from glmfit.engine.restricted import fit_restricted
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    CollinearityWarning,
    DataError,
    DataWarning,
    LevelError,
    NotAvailableError,
    SeparationWarning,
)
from glmfit.models.data import check_width

HERE = Path(__file__).parent / "reference"
STORED = json.loads((HERE / "absorb.json").read_text())
PYFIXEST = json.loads((HERE / "absorb_pyfixest.json").read_text())
SAMPLE = pd.DataFrame(STORED["data"])
FACTORS = ["firm", "year"]
SHORT = ["x1", "x2", "kind[T.b]", "kind[T.c]"]
DUMMIES = "x1 + x2 + kind + C(firm) + C(year)"

BEHIND = "C(firm) + C(year) + x1 + x2 + kind"

MODELS = {
    "poisson": ("count", "poisson", {}),
    "logit": ("event", "binomial", {}),
    "probit": ("event", "binomial", {"link": "probit"}),
    "cloglog": ("event", "binomial", {"link": "cloglog"}),
    "gamma": ("amount", "gamma", {"link": "log"}),
    "normal": ("value", "gaussian", {}),
    "offset": ("count", "poisson", {"offset": "shift"}),
    "weighted": ("count", "poisson", {"freq_weights": "weight"}),
    "precise": ("value", "gaussian", {"var_weights": "precision"}),
}


def absorbed(name, absorb=FACTORS, data=SAMPLE, **more):
    response, family, options = MODELS[name]
    return gf.glm(f"{response} ~ x1 + x2 + kind", data, family, absorb=absorb, **options, **more)


def written_out(name, data=SAMPLE, right=DUMMIES):
    response, family, options = MODELS[name]
    return gf.glm(f"{response} ~ {right}", data, family, **options)


def sparse_sample():
    """Return few rows for many levels (as in the script of the reference values)."""
    rng = np.random.default_rng(11)
    n = 1500
    frame = pd.DataFrame(
        {"f": rng.integers(0, 500, n), "g": rng.integers(0, 60, n), "h": rng.integers(0, 9, n)}
    )
    frame["x1"] = rng.normal(size=n)
    frame["x2"] = rng.normal(size=n) + frame["g"] / 30
    rate = np.exp(0.3 * frame["x1"] - 0.2 * frame["x2"] + 0.5 * np.sin(frame["f"]) - 0.7)
    frame["y"] = rng.poisson(rate)
    return frame


# --- against R -------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_estimates_are_those_of_glm_with_indicator_columns(name):
    known, result = STORED["fits"][name], absorbed(name).fit()
    # R stops where the deviance changes by 1e-14 of itself, which is 1e-6 standard errors
    # for links without quadratic convergence
    error = np.abs(result.params[SHORT] - known["params"]) / known["bse"]
    assert error.max() < 1e-6
    np.testing.assert_allclose(result.bse[SHORT], known["bse"], rtol=3e-8)
    np.testing.assert_allclose(result.deviance, known["deviance"], rtol=1e-13)
    if name != "weighted":  # R counts rows, not frequencies
        assert result.df_resid == known["df_resid"]
    if name != "gamma":  # R's logLik takes another dispersion
        np.testing.assert_allclose(result.llf, known["llf"], rtol=1e-12)
    effects = result.fixed_effects()
    np.testing.assert_allclose(effects["firm"], known["firm"], atol=1e-7)
    np.testing.assert_allclose(effects["year"], known["year"], atol=1e-7)


@pytest.mark.parametrize("name", ["poisson", "logit", "normal"])
@pytest.mark.parametrize("kind", ["HC0", "HC1", "cluster"])
def test_robust_errors_are_those_of_sandwich(name, kind):
    options = {"groups": "region", "use_correction": False} if kind == "cluster" else None
    result = absorbed(name).fit(cov_type=kind, cov_kwds=options)
    # R's weights are those of the last step but one
    np.testing.assert_allclose(result.bse[SHORT], STORED["fits"][name][kind], rtol=5e-8)


# --- against pyfixest --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["poisson", "normal"])
@pytest.mark.parametrize("groups", ["firm", "region", "year"])
def test_nested_effects_take_no_degrees_of_freedom(name, groups):
    known = PYFIXEST[f"{name}, clustered by {groups}"]
    result = absorbed(name).fit(cov_type="cluster", cov_kwds={"groups": groups})
    np.testing.assert_allclose(result.params[SHORT], known["params"], rtol=1e-10)
    np.testing.assert_allclose(result.bse[SHORT], known["bse"], rtol=1e-8)


@pytest.mark.parametrize(("name", "factors"), [("one", "f"), ("two", "fg"), ("three", "fgh")])
def test_singletons_and_separated_levels_are_left_out(name, factors):
    known, data = PYFIXEST[f"sparse, {name}"], sparse_sample()
    with pytest.warns(SeparationWarning, match="157 of f"):
        model = gf.poisson("y ~ x1 + x2", data, absorb=list(factors))
    result = model.fit(cov_type="HC1")
    assert result.nobs == known["nobs"]
    np.testing.assert_allclose(result.params, known["params"], rtol=1e-10)
    # pyfixest's scores are those of its last step but one
    np.testing.assert_allclose(result.bse, known["bse"], rtol=1e-8)
    notes = " ".join(result.summary().as_text().split())
    assert "23 rows were left out: the only ones of a level (singletons)." in notes
    assert "384 rows were left out: of levels whose responses are all the same" in notes
    assert result.fittedvalues.notna().sum() == known["nobs"]
    assert result.fittedvalues.index.equals(data.index)


# --- against the model with indicator columns --------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_everything_agrees_with_the_model_written_out(name):
    short, long = absorbed(name).fit(), written_out(name).fit(tol=1e-10)
    np.testing.assert_allclose(short.params[SHORT], long.params[SHORT], rtol=1e-9)
    np.testing.assert_allclose(short.bse[SHORT], long.bse[SHORT], rtol=1e-9)
    for what in ("llf", "llnull", "aic", "bic", "scale", "df_model", "df_resid", "pearson_chi2"):
        np.testing.assert_allclose(getattr(short, what), getattr(long, what), rtol=1e-10)
    for what in ("mu", "resid_deviance", "resid_pearson", "null"):
        np.testing.assert_allclose(getattr(short, what), getattr(long, what), atol=1e-9)
    new = SAMPLE.head(7)
    np.testing.assert_allclose(short.predict(new), long.predict(new), rtol=1e-9)


def test_arrays_give_the_same_as_formulas():
    X = SAMPLE[["x1", "x2"]].to_numpy()
    by_formula = gf.poisson("count ~ x1 + x2", SAMPLE, absorb=FACTORS).fit()
    codes = SAMPLE[FACTORS]
    for given_as in (codes, codes.to_numpy(), [codes["firm"], codes["year"].to_numpy()]):
        model = gf.Poisson(SAMPLE["count"].to_numpy(), X, absorb=given_as)
        result = model.fit()
        np.testing.assert_array_equal(result.params, by_formula.params)
        mean = result.predict(X[:3], absorb=codes.to_numpy()[:3])
        np.testing.assert_allclose(mean, by_formula.predict(SAMPLE.head(3)))
        with pytest.raises(ArgumentError, match=r"Give absorb= for the new rows"):
            result.predict(X[:3])


def test_probit_has_the_observed_information():
    short = gf.probit("event ~ x1", SAMPLE, absorb="firm").fit()
    long = gf.probit("event ~ x1 + C(firm)", SAMPLE).fit()
    np.testing.assert_allclose(short.bse["x1"], long.bse["x1"], rtol=1e-9)


def test_logit_of_text_factors_and_missing_rows():
    data = SAMPLE.assign(firm="f" + SAMPLE["firm"].astype(str))
    data.loc[3, "firm"] = None
    data.loc[7, "x1"] = np.nan
    with pytest.warns(DataWarning, match="firm has 1 missing value"):
        short = gf.logit("event ~ x1 + x2", data, absorb="firm").fit()
    long = gf.logit("event ~ x1 + x2 + firm", data).fit()
    np.testing.assert_allclose(short.params, long.params[["x1", "x2"]], rtol=1e-10)
    assert short.nobs == long.nobs == 238
    np.testing.assert_allclose(short.predict(data), long.predict(data), rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["poisson", "gaussian"]), st.integers(1, 3))
def test_any_factors_give_the_model_written_out(seed, family, count):
    rng = np.random.default_rng(seed)
    n = 60
    data = pd.DataFrame({f"f{j}": rng.integers(0, 3 + j, n) for j in range(count)})
    data["x"] = rng.normal(size=n) + data["f0"] * rng.normal() * 10
    data["y"] = rng.poisson(4.0, size=n) + 1.0
    names = [f"f{j}" for j in range(count)]
    short = gf.glm("y ~ x", data, family, absorb=names).fit()
    dummies = " + ".join(f"C({name})" for name in names)
    long = gf.glm(f"y ~ x + {dummies}", data, family).fit()
    np.testing.assert_allclose(short.params["x"], long.params["x"], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(short.bse["x"], long.bse["x"], rtol=1e-8)
    assert short.df_resid == long.df_resid


def test_a_permutation_of_rows_changes_nothing():
    order = np.random.default_rng(0).permutation(len(SAMPLE))
    result, other = absorbed("poisson").fit(), absorbed("poisson", data=SAMPLE.iloc[order]).fit()
    np.testing.assert_allclose(other.params, result.params, rtol=1e-12)
    np.testing.assert_allclose(other.bse, result.bse, rtol=1e-11)


def test_frequencies_are_repeated_rows():
    rows = np.repeat(np.arange(len(SAMPLE)), SAMPLE["weight"])
    short = absorbed("weighted").fit(cov_type="HC1")
    long = absorbed("poisson", data=SAMPLE.iloc[rows].reset_index(drop=True)).fit(cov_type="HC1")
    np.testing.assert_allclose(short.params, long.params, rtol=1e-11)
    np.testing.assert_allclose(short.bse, long.bse, rtol=1e-10)
    assert short.df_resid == long.df_resid


def test_the_order_of_factors_matters_to_their_effects_only():
    one, two = absorbed("logit").fit(), absorbed("logit", absorb=FACTORS[::-1]).fit()
    np.testing.assert_allclose(two.params, one.params, rtol=1e-11)
    assert two.fixed_effects()["firm"].iloc[0] == 0.0


# --- degrees of freedom ------------------------------------------------------------------


def test_parts_that_no_row_connects_cost_one_degree_of_freedom_each():
    rng = np.random.default_rng(4)
    half = rng.integers(0, 2, 300)
    data = pd.DataFrame({"a": rng.integers(0, 5, 300) + 5 * half, "b": rng.integers(0, 4, 300)})
    data["b"] += 4 * half
    data["x"] = rng.normal(size=300)
    data["y"] = data["x"] + rng.normal(size=300)
    result = gf.ols("y ~ x", data, absorb=["a", "b"]).fit()
    assert result.df_resid == 300 - 1 - (10 + 8 - 2)
    with pytest.warns(CollinearityWarning):
        long = gf.ols("y ~ x + C(a) + C(b)", data).fit()
    assert result.df_resid == long.df_resid
    np.testing.assert_allclose(result.bse["x"], long.bse["x"], rtol=1e-11)
    effects = result.fixed_effects()
    assert effects["b"][0] == effects["b"][4] == 0.0
    total = effects["a"][data["a"]].to_numpy() + effects["b"][data["b"]].to_numpy()
    fitted = result.params["x"] * data["x"] + total
    np.testing.assert_allclose(result.fittedvalues, fitted, rtol=1e-10)


def test_rank_of_three_factors_is_a_bound():
    codes = tuple(np.array(c, dtype=np.int32) for c in ([0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]))
    assert effects_rank(codes[:1], (2,)) == (2, True)
    assert effects_rank(codes[:2], (2, 2)) == (3, True)
    assert effects_rank(codes, (2, 2, 2)) == (4, False)
    count, part = components(codes[0], codes[0], (2, 2))
    assert count == 2
    assert part[0] == part[2] != part[1]


# --- columns that effects contain --------------------------------------------------------


def test_columns_that_are_effects_are_left_out():
    data = SAMPLE.assign(size=SAMPLE["firm"] ** 2.0, twice=2.0 * SAMPLE["x1"] + SAMPLE["firm"])
    with pytest.warns(CollinearityWarning, match="size = effects of firm, year"):
        result = gf.poisson("count ~ x1 + size + twice + x2", data, absorb=FACTORS).fit()
    known = gf.poisson("count ~ x1 + x2", data, absorb=FACTORS).fit()
    np.testing.assert_allclose(result.params[["x1", "x2"]], known.params, rtol=1e-10)
    assert result.params[["size", "twice"]].isna().all()
    assert result.aliased["twice"] == "twice = 2 x1 + effects of firm, year"


def test_nearly_collinear_columns_keep_their_digits():
    data = SAMPLE.assign(z=SAMPLE["x1"] + 1e-5 * SAMPLE["x2"] + SAMPLE["firm"])
    short = gf.poisson("count ~ x1 + z", data, absorb=FACTORS).fit()
    long = gf.poisson("count ~ x1 + x2", SAMPLE, absorb=FACTORS).fit()
    np.testing.assert_allclose(short.params["z"] * 1e-5, long.params["x2"], rtol=1e-8)
    np.testing.assert_allclose(short.deviance, long.deviance, rtol=1e-12)


def test_effects_alone_are_a_model():
    short = gf.poisson("count ~ 1", SAMPLE, absorb=FACTORS).fit()
    long = gf.poisson("count ~ C(firm) + C(year)", SAMPLE).fit()
    np.testing.assert_allclose(short.deviance, long.deviance, rtol=1e-12)
    assert short.df_resid == long.df_resid


# --- the pass ------------------------------------------------------------------------------


def test_restricted_fits_profile_the_effects():
    result = absorbed("poisson").fit()
    run = result.model.fitted_pass(result.record)
    matrix = np.array([[0.0, 0.0, 0.0, 1.0]])
    start = result.record.base
    found = fit_restricted(run, matrix, np.zeros(1), start, run.control)
    without = written_out("poisson", right=DUMMIES.replace(" + x2", "")).fit()
    np.testing.assert_allclose(found.deviance, without.deviance, rtol=1e-11)
    np.testing.assert_allclose(run.score_rows(start).sum(axis=0), 0.0, atol=1e-8)


@pytest.mark.parametrize("n", [900, 1800])  # fewer rows than cells, and more
def test_equations_of_the_effects_are_those_of_indicator_columns(n):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 40, n), rng.integers(0, 30, n)
    weight, values = rng.random(n), rng.normal(size=(70, 2))
    effects = Effects(codes, (40, 30))
    indicators = np.zeros((n, 70))
    indicators[np.arange(n), codes[0]] = 1.0
    indicators[np.arange(n), 40 + codes[1]] = 1.0
    whole = indicators.T @ (weight[:, None] * indicators)
    for _ in range(2):  # the second time after all tables were used
        gram = effects.gram(weight)
        np.testing.assert_allclose(gram.times(values), whole @ values)
        right = whole @ values
        solved = gram.solve(right, None, np.full(2, 1e-12))
        np.testing.assert_allclose(effects.rows(solved), indicators @ values, atol=1e-9)


@pytest.mark.parametrize("name", ["poisson", "logit", "cloglog"])
def test_tests_profile_the_effects(name):
    short, long = absorbed(name).fit(), written_out(name, right=BEHIND).fit(tol=1e-10)
    for test in ("lr_test", "score_test", "wald_test"):
        one, two = (getattr(fit, test)("x1 = x2") for fit in (short, long))
        np.testing.assert_allclose(one.statistic, two.statistic, rtol=1e-8)
        assert one.df == two.df
    np.testing.assert_allclose(
        short.conf_int(method="profile").loc[SHORT],
        long.conf_int(method="profile").loc[SHORT],
        rtol=1e-7,
    )
    terms = ["x1", "x2", "kind"]
    for options in ({"type": 1}, {"type": 2}, {"type": 3}, {"test": "Rao"}):
        one, two = short.anova(**options).frame.loc[terms], long.anova(**options).frame.loc[terms]
        np.testing.assert_allclose(one.to_numpy(), two.to_numpy(), rtol=1e-6)
    one, two = short.drop1().frame.loc[terms], long.drop1().frame.loc[terms]
    np.testing.assert_allclose(one.to_numpy(), two.to_numpy(), rtol=1e-7)
    one, two = (fit.wald_test_terms().table.loc[terms] for fit in (short, long))
    np.testing.assert_allclose(one.to_numpy(), two.to_numpy(), rtol=1e-7)


# --- refusals ------------------------------------------------------------------------------


def test_unknown_levels_are_refused_or_missing():
    result = absorbed("poisson").fit()
    new = SAMPLE.head(3).assign(firm=[1, 999, 2])
    with pytest.raises(LevelError, match=r"1 rows have a level of firm .* \(the first is 999\)"):
        result.predict(new)
    mean = result.predict(new, new_levels="nan")
    assert mean.isna().tolist() == [False, True, False]
    with pytest.raises(ArgumentError, match="absorb= is for models that absorb"):
        written_out("poisson").fit().predict(SAMPLE.head(2), absorb="firm")


@pytest.mark.parametrize(
    "what",
    ["get_prediction", "get_hat_matrix_diag", "get_influence", "link_test", "marginal_effects",
     "hauck_donner", "resid_partial", "zero_test"],
)  # fmt: skip
def test_what_needs_the_covariance_of_effects_is_refused(what):
    with pytest.raises(NotAvailableError, match="absorbed"):
        getattr(absorbed("poisson").fit(), what)()


@pytest.mark.parametrize("kind", ["HC2", "HC3"])
def test_covariances_that_need_leverages_are_refused(kind):
    with pytest.raises(NotAvailableError, match=kind):
        absorbed("poisson").fit(cov_type=kind)


def test_what_would_forget_the_effects_is_refused():
    result = absorbed("poisson").fit()
    model = result.model
    for call in (
        lambda: model.fit_regularized(alpha=0.1),
        lambda: model.regularization_path(),
        lambda: model.score(result.params),
        lambda: result.add1("~ . + shift"),
        lambda: model.fit(method="lbfgs"),
        lambda: absorbed("normal").fit().lr_test("x1 = 0"),
    ):
        with pytest.raises(NotAvailableError, match="absorbed factors"):
            call()


def test_other_refusals():
    with pytest.raises(NotAvailableError, match="Bias reduction"):
        absorbed("logit").fit(method="firth")
    with pytest.raises(ArgumentError, match="twice"):
        absorbed("poisson", absorb=["firm", "firm"])
    with pytest.raises(ArgumentError, match="no factor"):
        absorbed("poisson", absorb=[])
    with pytest.raises(AlignmentError):
        absorbed("poisson", absorb=np.arange(5))
    with pytest.raises(DataError, match="names a column"):
        gf.Poisson(SAMPLE["count"], SAMPLE[["x1"]], absorb="firm")
    with pytest.raises(NotAvailableError, match="absorbs no factor"):
        written_out("poisson").fit().fixed_effects()
    with pytest.raises(DataError, match="No row is left"):
        absorbed("normal", absorb=np.arange(len(SAMPLE)))


def test_wide_designs_are_told_of():
    n = 12_500
    data = pd.DataFrame({"firm": [f"f{j}" for j in range(n)], "y": np.arange(n) % 7 + 1.0})
    for term in ("firm", "C(firm)"):
        with pytest.raises(ArgumentError, match=r"firm has 12500 levels.*absorb=\['firm'\]"):
            gf.ols(f"y ~ {term}", data)
    model = gf.OLS(data["y"].to_numpy(), sparse.eye_array(n, format="csr"))
    with pytest.raises(ArgumentError, match=r"12500 columns; a fit would hold 8.1 GB .* absorb="):
        model.fit()
    model = gf.OLS(data["y"].to_numpy(), sparse.eye_array(n, 5000, format="csr"))
    with pytest.warns(DataWarning, match="5000 columns"):
        check_width(model.data)
