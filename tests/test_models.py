"""Models as a user meets them: drop-in for statsmodels, weights, predictions, summaries."""

import importlib.util
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
import glmfit.api
import glmfit.formula.api
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    CollinearityWarning,
    ConvergenceWarning,
    DataError,
    FormulaError,
    GlmfitError,
    GlmfitWarning,
    LevelError,
    NotAvailableError,
    SeparationWarning,
    UnknownNameError,
)


def _load_dropin():
    path = Path(__file__).parent / "reference" / "dropin.py"
    spec = importlib.util.spec_from_file_location("dropin", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


dropin = _load_dropin()
VALUES = json.loads(dropin.VALUES.read_text(encoding="utf-8"))
D = pd.DataFrame(VALUES["data"])
ALL = [(kind, name) for kind, scripts in dropin.SCRIPTS.items() for name in scripts]


def run(kind: str, name: str, sm=glmfit.api, smf=glmfit.formula.api):
    return dropin.SCRIPTS[kind][name](sm, smf, D)


# What differs on purpose; each has its own test below.
DIFFERENT = {
    # the log-likelihood of the null model at its own maximum, as R and as smf.glm("y ~ 1")
    ("glm", "gaussian"): {"llnull", "pseudo_rsquared cs", "pseudo_rsquared mcf"},
    ("glm", "gaussian precision"): {"llnull", "pseudo_rsquared cs", "pseudo_rsquared mcf"},
    # the normal log-likelihood at the maximum-likelihood variance whatever the link, as R
    ("glm", "gaussian log"): set("llf llnull aic bic_llf".split())
    | {"pseudo_rsquared cs", "pseudo_rsquared mcf"},
    ("glm", "counts of trials"): {"resid_working"},
    ("glm", "poisson exposure"): {"prediction"},
    ("glm", "poisson offset"): {"prediction"},
    ("glm", "gamma inverse power"): {"prediction"},
    ("glm", "poisson frequencies"): {"nobs", "pseudo_rsquared cs"},
    # t tests for ols, also with robust errors
    ("linear", "ols HC1"): {"pvalues", "conf_int", "conf_int 0.1", "prediction"},
    ("linear", "ols HC3"): {"pvalues", "conf_int", "conf_int 0.1", "prediction"},
}


def tolerance(name: str) -> dict[str, float]:
    # statsmodels stops earlier: its bfgs at 1e-5, its IRLS of non-canonical links at 1e-8
    return {"rtol": 1e-3, "atol": 1e-4} if name == "logit frames" else {"rtol": 1e-5, "atol": 1e-5}


def compare(kind, name, ours, theirs):
    assert set(ours) == set(theirs)
    for what, value in theirs.items():
        if what not in DIFFERENT.get((kind, name), ()):
            np.testing.assert_allclose(
                np.asarray(ours[what], dtype=float),
                np.asarray(value, dtype=float),
                err_msg=f"{name}: {what}",
                **tolerance(name),
            )


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_scripts_give_the_numbers_of_statsmodels(kind, name):
    compare(kind, name, dropin.statistics(kind, name, run(kind, name)), VALUES[kind][name])


@pytest.mark.parametrize(("kind", "name"), ALL)
@pytest.mark.filterwarnings("ignore")
def test_scripts_agree_with_the_installed_statsmodels(kind, name):
    sm = pytest.importorskip("statsmodels.api")
    smf = pytest.importorskip("statsmodels.formula.api")
    theirs = dropin.statistics(kind, name, run(kind, name, sm, smf))
    compare(kind, name, dropin.statistics(kind, name, run(kind, name)), theirs)


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_labels_go_in_and_labels_come_out(kind, name):
    result = run(kind, name)
    arrays = "arrays" in name
    assert isinstance(result.params, np.ndarray if arrays else pd.Series)
    assert isinstance(result.fittedvalues, np.ndarray if arrays else pd.Series)
    assert isinstance(result.conf_int(), np.ndarray if arrays else pd.DataFrame)
    assert isinstance(result.cov_params(), np.ndarray if arrays else pd.DataFrame)
    assert isinstance(result.predict(), np.ndarray if arrays else pd.Series)
    if not arrays:
        names = list(result.params.index)
        assert names == result.model.exog_names
        assert list(result.cov_params().columns) == list(result.conf_int().index) == names
        assert list(result.conf_int().columns) == [0, 1]
        assert result.fittedvalues.index.equals(D.index)


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_pickles_keep_everything_that_prints(kind, name):
    result = run(kind, name)
    for kept in (result, result.remove_data()):
        restored = pickle.loads(pickle.dumps(kept))
        assert str(restored.summary()) == str(result.summary())
        np.testing.assert_array_equal(restored.params, result.params)
        np.testing.assert_array_equal(restored.cov_params(), result.cov_params())
    restored = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(restored.fittedvalues, result.fittedvalues)


# -- what differs on purpose ------------------------------------------------------------


def test_the_null_model_is_the_model_of_a_constant():
    cases = {
        "gaussian": gf.glm("real ~ 1", D),
        "gaussian log": gf.glm("size ~ 1", D, gf.families.Gaussian("log")),
        "gaussian precision": gf.glm("real ~ 1", D, var_weights="prec"),
        "poisson exposure": gf.poisson("count ~ 1", D, exposure="z"),
        "counts of trials": gf.logit("successes + failures ~ 1", D),
        "gamma": gf.glm("size ~ 1", D, gf.families.Gamma("log")),
    }
    for name, null in cases.items():
        result, constant = run("glm", name), null.fit()
        np.testing.assert_allclose(result.null_deviance, constant.deviance, rtol=1e-9)
        if name != "gamma":  # whose llnull takes the dispersion of the model, as in statsmodels
            np.testing.assert_allclose(result.llnull, constant.llf, rtol=1e-9)


def test_the_normal_log_likelihood_is_that_of_r():
    result = run("glm", "gaussian log")
    n, deviance = result.nobs, result.deviance
    np.testing.assert_allclose(result.llf, -n / 2 * (np.log(2 * np.pi * deviance / n) + 1))


def test_working_residuals_of_counts_are_not_multiplied():
    result = run("glm", "counts of trials")
    p = D["successes"] / (D["successes"] + D["failures"])
    mu = result.fittedvalues
    np.testing.assert_allclose(result.resid_working, (p - mu) / (mu * (1 - mu)), rtol=1e-9)


def test_get_prediction_keeps_the_offset():
    for name in ("poisson exposure", "poisson offset"):
        result = run("glm", name)
        frame = result.get_prediction().summary_frame()
        np.testing.assert_allclose(frame["mean"], result.fittedvalues)
        x = np.column_stack([np.ones(60), D["x"]])
        se = np.sqrt(np.einsum("ij,jk,ik->i", x, result.cov_params().to_numpy(), x))
        eta = np.log(result.fittedvalues.to_numpy())
        np.testing.assert_allclose(frame["mean_se"], np.exp(eta) * se, rtol=1e-9)
        np.testing.assert_allclose(frame["mean_ci_lower"], np.exp(eta - 1.959964 * se), rtol=1e-6)


def test_intervals_of_decreasing_links_are_in_order():
    frame = run("glm", "gamma inverse power").get_prediction().summary_frame()
    assert (frame["mean_ci_lower"] < frame["mean"]).all()
    assert (frame["mean"] < frame["mean_ci_upper"]).all()


def test_ols_tests_with_t_whatever_the_covariance():
    result = gf.ols("real ~ x + g", D).fit(cov_type="HC3", use_t=False)
    for what in ("pvalues", "bse"):
        np.testing.assert_allclose(
            getattr(result, what), VALUES["linear"]["ols HC3"][what], rtol=1e-6
        )


def test_fitted_values_of_a_logit_are_probabilities():
    result = gf.logit("binary ~ x", D).fit()
    assert result.fittedvalues.between(0, 1).all()
    np.testing.assert_allclose(
        result.predict(which="linear"), np.log(result.mu / (1 - result.mu)), rtol=1e-9
    )


def test_a_given_dispersion_leaves_the_poisson_likelihood_alone():
    plain, scaled = gf.poisson("count ~ x", D).fit(), gf.poisson("count ~ x", D).fit(scale="X2")
    assert scaled.llf == plain.llf
    np.testing.assert_allclose(scaled.bse, plain.bse * np.sqrt(scaled.scale), rtol=1e-10)
    np.testing.assert_allclose(scaled.scale, scaled.pearson_chi2 / scaled.df_resid)
    by_deviance = gf.poisson("count ~ x", D).fit(scale="dev")
    np.testing.assert_allclose(by_deviance.scale, plain.deviance / plain.df_resid)
    assert gf.poisson("count ~ x", D).fit(scale=2.5).scale == 2.5
    assert "dispersion that is estimated by Pearson" in str(scaled.summary())
    for bad in (-1.0, "x3", np.nan):
        with pytest.raises(ArgumentError, match="scale"):
            gf.poisson("count ~ x", D).fit(scale=bad)


def test_rows_keep_their_index():
    data = D.copy()
    data.index = data.index + 100
    data.loc[103, "x"] = np.nan
    result = gf.logit("binary ~ x", data).fit()
    names = "fittedvalues resid_response resid_pearson resid_deviance resid_dev resid_working mu"
    names += " resid_anscombe resid_anscombe_scaled resid_anscombe_unscaled resid_generalized null"
    for name in names.split():
        values = getattr(result, name)
        assert values.index.equals(data.index), name
        assert np.flatnonzero(values.isna()).tolist() == [3], name
    assert result.get_hat_matrix_diag().index.equals(data.index)
    np.testing.assert_allclose(result.get_hat_matrix_diag().sum(), 2.0, rtol=1e-8)
    assert "1 of 60 rows dropped for missing values (x: 1)" in str(result.summary())


# -- keywords ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: gf.glm("count ~ x", D, familly="poisson"), "family"),
        (lambda: gf.glm("count ~ x", D, "poisson", freq_weight="freq"), "freq_weights"),
        (lambda: gf.logit("binary ~ x", D, ofset="z"), "offset"),
        (lambda: gf.poisson("count ~ x", D, exposures="z"), "exposure"),
        (lambda: gf.ols("real ~ x", D, mising="drop"), "missing"),
        (lambda: gf.GLM(D["count"], D[["x"]], famly="poisson"), "family"),
        (lambda: gf.Logit(D["binary"], D[["x"]], var_weight=D["prec"]), "var_weights"),
        (lambda: gf.ols("real ~ x", D).fit(cov_typ="HC0"), "cov_type"),
        (lambda: gf.ols("real ~ x", D).fit(max_iter=3), "maxiter"),
        (
            lambda: gf.ols("real ~ x", D).fit(cov_type="cluster", cov_kwds={"group": "g"}),
            "groups",
        ),
    ],
)
def test_unknown_keywords_are_errors_with_a_near_miss(build, told):
    with pytest.raises(ArgumentTypeError, match=f"Did you mean '{told}'"):
        build()
    with pytest.raises(TypeError):
        build()


def test_values_of_keywords_are_checked():
    with pytest.raises(ArgumentError, match="poisson"):
        gf.glm("count ~ x", D, "poison")
    with pytest.raises(ArgumentError, match="cov_type"):
        gf.ols("real ~ x", D).fit(cov_type="HC7")
    with pytest.raises(ArgumentError, match="method"):
        gf.ols("real ~ x", D).fit(method="magic")
    with pytest.raises(ArgumentError, match="start_params has 3"):
        gf.ols("real ~ x", D).fit(start_params=[0, 0, 0])
    with pytest.raises(ArgumentTypeError, match="own family"):
        gf.logit("binary ~ x", D, family="poisson")
    for alpha in (0.0, 1.0, -1.0, 95):
        with pytest.raises(ArgumentError, match="alpha"):
            gf.ols("real ~ x", D).fit().conf_int(alpha)
    with pytest.raises(ArgumentError, match="which"):
        gf.ols("real ~ x", D).fit().predict(which="eta")
    with pytest.raises(ArgumentError, match="kind"):
        gf.ols("real ~ x", D).fit().pseudo_rsquared("nagel")


def test_a_start_leads_to_the_same_maximum():
    expected = gf.poisson("count ~ x + g", D).fit()
    again = gf.poisson("count ~ x + g", D).fit(start_params=expected.params * 0.5)
    np.testing.assert_allclose(again.params, expected.params, rtol=1e-8)


# -- weights ----------------------------------------------------------------------------

SCALARS = """llf llnull llr llr_pvalue deviance null_deviance pearson_chi2 scale aic bic bic_llf
bic_deviance nobs df_model df_resid prsquared""".split()


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("real ~ x + g", "gaussian"),
        ("binary ~ x + g", "binomial"),
        ("successes + failures ~ x", "binomial"),
        ("count ~ x * g", "poisson"),
        ("size ~ x", gf.families.Gamma("log")),
        ("size ~ x", gf.families.InverseGaussian("log")),
        ("count ~ x", gf.families.NegativeBinomial(alpha=0.5)),
    ],
    ids=str,
)
@pytest.mark.parametrize("cov_type", ["nonrobust", "HC0", "HC1", "HC2", "HC3", "cluster"])
def test_frequencies_are_repeated_rows(formula, family, cov_type):
    data = D.assign(k=D["freq"] - 1, cluster=np.arange(60) % 9)  # some rows have weight 0
    repeated = data.loc[data.index.repeat(data["k"])].reset_index(drop=True)
    kwds = {"groups": "cluster"} if cov_type == "cluster" else None
    weighted = gf.glm(formula, data, family, freq_weights="k").fit(cov_type=cov_type, cov_kwds=kwds)
    written = gf.glm(formula, repeated, family).fit(cov_type=cov_type, cov_kwds=kwds)
    np.testing.assert_allclose(weighted.params, written.params, rtol=1e-7)
    np.testing.assert_allclose(weighted.cov_params(), written.cov_params(), rtol=1e-6, atol=1e-12)
    for name in SCALARS:
        np.testing.assert_allclose(
            getattr(weighted, name), getattr(written, name), rtol=1e-8, atol=1e-10, err_msg=name
        )
    np.testing.assert_allclose(
        weighted.get_prediction(data).se_mean, written.get_prediction(data).se_mean, rtol=1e-6
    )


def test_frequencies_enter_r_squared_and_tables():
    repeated = D.loc[D.index.repeat(D["freq"])].reset_index(drop=True)
    weighted = gf.ols("real ~ x + g", D, freq_weights="freq").fit()
    written = gf.ols("real ~ x + g", repeated).fit()
    for name in "rsquared rsquared_adj fvalue f_pvalue ssr ess mse_resid mse_model".split():
        np.testing.assert_allclose(getattr(weighted, name), getattr(written, name), err_msg=name)
    weighted = gf.logit("binary ~ x", D, freq_weights="freq").fit()
    written = gf.logit("binary ~ x", repeated).fit()
    np.testing.assert_array_equal(weighted.pred_table(), written.pred_table())
    assert weighted.pred_table().sum() == D["freq"].sum()


def test_zero_weights_leave_rows_out():
    weight = (D["g"] != "c").astype(float)
    for kind in ("freq_weights", "var_weights"):
        result = gf.poisson("count ~ x", D, **{kind: weight}).fit()
        expected = gf.poisson("count ~ x", D[weight > 0]).fit()
        np.testing.assert_allclose(result.params, expected.params, rtol=1e-9)
        for name in SCALARS:
            np.testing.assert_allclose(
                getattr(result, name), getattr(expected, name), rtol=1e-9, err_msg=name
            )


def test_bad_weights():
    for kind in ("freq_weights", "var_weights"):
        with pytest.raises(DataError, match="negative"):
            gf.ols("real ~ x", D, **{kind: D["x"]})
        with pytest.raises(DataError, match="zero"):
            gf.ols("real ~ x", D, **{kind: np.zeros(60)})
        with pytest.raises(DataError, match="finite"):
            gf.ols("real ~ x", D, **{kind: np.full(60, np.inf)})
        with pytest.raises(DataError, match="text"):
            gf.ols("real ~ x", D, **{kind: "g"})
        with pytest.raises(UnknownNameError, match="wieght"):
            gf.ols("real ~ x", D, **{kind: "wieght"})
    with pytest.warns(GlmfitWarning, match="whole numbers"):
        gf.ols("real ~ x", D, freq_weights="prec")


# -- offsets and new data ---------------------------------------------------------------

NEW = pd.DataFrame({"x": [0.5, -1.0], "z": [1.0, 2.0], "g": ["b", "a"]}, index=["p", "q"])


def test_offsets_by_name_are_remembered():
    formula = gf.poisson("count ~ x + offset(np.log(z))", D).fit()
    by_name = gf.poisson("count ~ x", D, exposure="z").fit()
    by_series = gf.poisson("count ~ x", D, exposure=D["z"]).fit()
    logged = gf.poisson("count ~ x", D.assign(lz=np.log(D["z"])), offset="lz").fit()
    eta = formula.params["Intercept"] + formula.params["x"] * NEW["x"]
    expected = np.exp(eta) * NEW["z"]
    for result in (formula, by_name, by_series):
        np.testing.assert_allclose(result.predict(NEW), expected, rtol=1e-8)
        np.testing.assert_allclose(result.get_prediction(NEW).predicted_mean, expected, rtol=1e-8)
        with pytest.raises((UnknownNameError, DataError), match="z"):
            result.predict(NEW[["x"]])
    np.testing.assert_allclose(logged.predict(NEW.assign(lz=np.log(NEW["z"]))), expected, rtol=1e-8)


def test_offsets_given_as_arrays_must_be_given_again():
    exposed = gf.poisson("count ~ x", D, exposure=D["z"].to_numpy()).fit()
    arrays = gf.Poisson(D["count"], gf.add_constant(D[["x"]]), offset=np.log(D["z"])).fit()
    for result, what in ((exposed, "exposure"), (arrays, "offset")):
        new = NEW if what == "exposure" else gf.add_constant(NEW[["x"]])
        with pytest.raises(ArgumentError, match=f"Give {what}="):
            result.predict(new)
        eta = result.params.iloc[0] + result.params.iloc[1] * NEW["x"]
        given = {"exposure": [3.0, 4.0]} if what == "exposure" else {"offset": np.log([3.0, 4.0])}
        np.testing.assert_allclose(result.predict(new, **given), np.exp(eta) * [3.0, 4.0])
        with pytest.raises(ArgumentError, match="rows of the fit"):
            result.predict(offset=[1.0])
    np.testing.assert_allclose(exposed.predict(), exposed.fittedvalues)


def test_exposure_needs_a_log_link_and_positive_values():
    with pytest.raises(ArgumentError, match="log link"):
        gf.logit("binary ~ x", D, exposure="z")
    with pytest.raises(DataError, match="greater than 0"):
        gf.poisson("count ~ x", D, exposure=D["z"] - 2.0)


def test_predictions_are_aligned():
    result = gf.poisson("count ~ x + g", D).fit()
    predicted = result.predict(NEW[["g", "x"]])
    assert list(predicted.index) == ["p", "q"]
    eta = result.params["Intercept"] + result.params["x"] * NEW["x"]
    eta += result.params["g[T.b]"] * np.array([1.0, 0.0])
    np.testing.assert_allclose(predicted, np.exp(eta))
    holed = pd.DataFrame({"x": [np.nan, 1.0, 2.0], "g": ["a", None, "b"]}, index=[5, 5, 7])
    predicted = result.predict(holed)
    assert list(predicted.index) == [5, 5, 7]
    assert predicted.isna().tolist() == [True, True, False]
    frame = result.get_prediction(holed).summary_frame()
    assert list(frame.index) == [5, 5, 7]
    np.testing.assert_array_equal(frame["mean"], predicted)
    assert frame.isna().all(axis=1).tolist() == [True, True, False]


def test_new_levels():
    result = gf.poisson("count ~ x + g", D).fit()
    new = NEW.assign(g=["new", "a"])
    with pytest.raises(LevelError, match=r"'new'.*seen: a, b, c"):
        result.predict(new)
    assert result.predict(new, new_levels="nan").isna().tolist() == [True, False]
    assert result.get_prediction(new, new_levels="nan").summary_frame().isna().sum().tolist() == (
        [1, 1, 1, 1]
    )


def test_predicting_scalars_few_rows_and_none():
    result = gf.poisson("count ~ center(x) + g", D).fit()
    single = result.predict({"x": 0.5, "g": "b"})
    np.testing.assert_allclose(single, result.predict(NEW.iloc[[0]]))
    assert len(single) == 1
    np.testing.assert_allclose(
        result.predict({"x": [0.5, -1.0], "g": ["b", "a"]}), result.predict(NEW)
    )
    empty = result.predict(NEW.iloc[:0])
    assert empty.shape == (0,)
    assert result.get_prediction(NEW.iloc[:0]).summary_frame().shape == (0, 4)
    with pytest.raises(UnknownNameError, match="no column 'x'"):
        result.predict({"g": ["a"]})


def test_predicting_with_arrays():
    labelled = gf.GLM(D["count"], gf.add_constant(D[["x", "z"]]), "poisson").fit()
    new = gf.add_constant(NEW[["x", "z"]])
    expected = labelled.predict(new)
    assert list(expected.index) == ["p", "q"]
    np.testing.assert_array_equal(labelled.predict(new[["z", "const", "x"]]), expected)
    np.testing.assert_array_equal(labelled.predict(new.to_numpy()), expected)
    np.testing.assert_array_equal(labelled.predict(new.iloc[0]), expected.iloc[:1])
    with pytest.raises(AlignmentError, match="lacks the column 'z'"):
        labelled.predict(new[["const", "x"]])
    plain = gf.GLM(D["count"].to_numpy(), labelled.model.exog, "poisson").fit()
    predicted = plain.predict(new.to_numpy())
    assert isinstance(predicted, np.ndarray)
    np.testing.assert_allclose(predicted, expected)
    np.testing.assert_allclose(plain.predict(new.to_numpy()[0]), expected.iloc[:1])
    with pytest.raises(AlignmentError, match="2 columns; the model has 3"):
        plain.predict(np.ones((4, 2)))
    holed = new.to_numpy().copy()
    holed[0, 1] = np.nan
    assert np.isnan(plain.predict(holed)).tolist() == [True, False]
    formula = gf.poisson("count ~ x", D).fit()
    np.testing.assert_allclose(
        formula.predict(np.array([[1.0, 0.5]]), transform=False),
        formula.predict({"x": [0.5]}),
    )


# -- columns that depend on one another -------------------------------------------------


def aliased_fit(formula="count ~ x + x2 + g + x3"):
    data = D.assign(x2=2.0 * D["x"], x3=D["x"] - 1.0)
    with pytest.warns(CollinearityWarning, match="2 columns are combinations"):
        return gf.poisson(formula, data).fit(), data


def test_aliased_columns_are_dropped_as_in_r():
    result, data = aliased_fit()
    expected = gf.poisson("count ~ x + g", data).fit()
    assert result.params.isna().tolist() == [False, False, False, False, True, True]
    np.testing.assert_allclose(result.params.dropna(), expected.params, rtol=1e-8)
    np.testing.assert_allclose(result.bse.dropna(), expected.bse, rtol=1e-7)
    assert result.pvalues.isna().sum() == result.bse.isna().sum() == 2
    assert result.aliased == {"x2": "x2 = 2 x", "x3": "x3 = -Intercept + x"}
    assert (result.df_model, result.df_resid) == (expected.df_model, expected.df_resid)
    for name in ("llf", "aic", "bic_llf", "deviance", "scale"):
        np.testing.assert_allclose(getattr(result, name), getattr(expected, name), rtol=1e-10)
    np.testing.assert_allclose(result.fittedvalues, expected.fittedvalues, rtol=1e-8)
    new = data.iloc[:4]
    np.testing.assert_allclose(result.predict(new), expected.predict(new), rtol=1e-8)
    np.testing.assert_allclose(
        result.get_prediction(new).se_mean, expected.get_prediction(new).se_mean, rtol=1e-7
    )


def test_aliased_columns_are_named_in_the_summary():
    result, _ = aliased_fit()
    text = str(result.summary())
    assert re.search(r"x2 +\(aliased: x2 = 2 x\)", text)
    assert re.search(r"x3 +\(aliased: x3 = -Intercept \+ x\)", text)
    assert "nan" not in text.lower()


def test_robust_covariances_of_aliased_columns():
    data = D.assign(x2=2.0 * D["x"])
    for cov_type in ("HC0", "HC3", "cluster"):
        kwds = {"groups": "freq"} if cov_type == "cluster" else None
        with pytest.warns(CollinearityWarning):
            result = gf.poisson("count ~ x + x2 + g", data).fit(cov_type=cov_type, cov_kwds=kwds)
        expected = gf.poisson("count ~ x + g", data).fit(cov_type=cov_type, cov_kwds=kwds)
        np.testing.assert_allclose(result.bse.dropna(), expected.bse, rtol=1e-7)


def test_a_constant_of_any_name_counts():
    data = D.assign(one=1.0, five=5.0)
    reference = gf.ols("real ~ x", data).fit()
    for formula in ("real ~ 0 + one + x", "real ~ 0 + x + five", "real ~ 0 + g + x"):
        result = gf.ols(formula, data).fit()
        assert result.k_constant == 1
        assert result.df_model == len(result.params) - 1
        np.testing.assert_allclose(result.null_deviance, reference.null_deviance)
    by_five = gf.ols("real ~ 0 + x + five", data).fit()
    np.testing.assert_allclose(by_five.rsquared, reference.rsquared)
    np.testing.assert_allclose(by_five.fvalue, reference.fvalue)


def test_without_a_constant():
    result = gf.poisson("count ~ 0 + x", D).fit()
    assert result.k_constant == 0
    assert (result.df_model, result.df_resid) == (1, 59)  # statsmodels says df_model = 0
    linear = gf.ols("real ~ 0 + x", D).fit()
    np.testing.assert_allclose(
        linear.rsquared, 1.0 - linear.ssr / np.sum(D["real"] ** 2), rtol=1e-12
    )


def test_more_columns_than_rows():
    data = D.head(3)
    with pytest.warns(CollinearityWarning):
        result = gf.ols("real ~ x + z + I(x ** 2) + I(z ** 2)", data).fit()
    assert result.params.notna().sum() == 3
    assert result.df_resid == 0
    np.testing.assert_allclose(result.fittedvalues, data["real"], atol=1e-8)
    assert np.isnan(result.scale) or result.scale == 0.0
    assert str(result.summary())


# -- the data removed -------------------------------------------------------------------


def test_remove_data():
    result = gf.poisson("count ~ bs(x, df=4) + g", D, freq_weights="freq", exposure="z").fit()
    light = result.remove_data()
    assert str(light.summary()) == str(result.summary())
    for name in SCALARS:
        assert getattr(light, name) == getattr(result, name)
    new = D.iloc[:3]
    np.testing.assert_array_equal(light.predict(new), result.predict(new))
    np.testing.assert_array_equal(
        light.get_prediction(new).summary_frame(), result.get_prediction(new).summary_frame()
    )
    for name in ("fittedvalues", "resid_pearson", "resid_deviance", "null"):
        with pytest.raises(NotAvailableError, match="removed"):
            getattr(light, name)
    with pytest.raises(NotAvailableError, match="removed"):
        light.predict()
    with pytest.raises(NotAvailableError, match="removed"):
        light.model.fit()
    assert result.fittedvalues.notna().all()  # the original keeps its rows


def test_pickles_without_data_are_small():
    data = pd.concat([D] * 200, ignore_index=True)
    result = gf.poisson("count ~ bs(x, df=4) + g", data, exposure="z").fit()
    light = pickle.dumps(result.remove_data())
    assert len(light) < 60_000
    restored = pickle.loads(light)
    np.testing.assert_array_equal(restored.predict(D), result.predict(D))
    assert str(restored.summary()) == str(result.summary())


# -- the summary ------------------------------------------------------------------------


def test_reference_levels_and_ratios():
    text = str(gf.logit("binary ~ x + g", D).fit().summary())
    assert "Reference levels: g = a." in text
    assert "Odds ratios" in text
    assert "Rate ratios" in str(gf.poisson("count ~ x", D).fit().summary())
    assert "ratios" not in str(gf.ols("real ~ x", D).fit().summary())
    assert "ratios" not in str(gf.probit("binary ~ x", D).fit().summary())
    result = gf.logit("binary ~ x + g", D).fit()
    ratios = result.odds_ratios(alpha=0.1)
    np.testing.assert_allclose(ratios["odds_ratio"], np.exp(result.params))
    np.testing.assert_allclose(ratios["ci_lower"], np.exp(result.conf_int(0.1)[0]))
    with pytest.raises(NotAvailableError, match="logit link"):
        gf.poisson("count ~ x", D).fit().odds_ratios()


def test_exponentiate():
    logit, ols = gf.logit("binary ~ x", D).fit(), gf.ols("real ~ x", D).fit()
    assert "ratios" not in str(logit.summary(exponentiate=False))
    assert "exp(coef)" in str(ols.summary(exponentiate=True))
    assert "exp(coef)" not in str(ols.summary())
    assert f"{np.exp(logit.params['x']):.4f}" in str(logit.summary())


def test_names_and_levels_of_the_summary():
    result = gf.logit("binary ~ x", D).fit()
    text = str(result.summary(yname="outcome", xname=["base", "dose"], title="A title", alpha=0.1))
    for told in ("outcome", "base", "dose", "A title", "[0.05", "0.95]"):
        assert told in text
    assert "binary" not in text
    assert "Intercept" not in text
    with pytest.raises(ArgumentError, match="3 names for 2"):
        result.summary(xname=["a", "b", "c"])
    with pytest.raises(ArgumentError, match="alpha"):
        result.summary(alpha=5)


def test_the_summary_is_reproducible():
    first = gf.logit("binary ~ x + g", D).fit()
    second = gf.logit("binary ~ x + g", D.copy()).fit()
    for form in ("as_text", "as_html", "as_latex", "as_markdown", "as_csv"):
        assert getattr(first.summary(), form)() == getattr(second.summary(), form)()
    text = str(first.summary())
    assert not re.search(r"Date|Time|\d\d:\d\d", text)
    assert repr(first) == first.summary().as_text()
    assert "<table" in first._repr_html_()
    assert re.fullmatch(r"<Logit 'binary ~ x \+ g', .*>", repr(first.model))


def test_the_family_is_named():
    text = str(gf.glm("real ~ x", D).fit().summary())
    assert "Gaussian" in text
    assert "identity" in text.lower()


# -- how a fit may end ------------------------------------------------------------------


def test_too_few_iterations_warn():
    with pytest.warns(ConvergenceWarning, match="maxiter|iteration"):
        result = gf.glm("size ~ x + g", D, gf.families.Gamma("log")).fit(maxiter=1)
    assert result.converged is False
    assert result.mle_retvals["converged"] is False
    assert "Not converged" in str(result.summary())
    assert re.search(r"Converged: +False", str(result.summary()))


def test_a_converged_fit_says_so():
    result = gf.logit("binary ~ x", D).fit()
    assert result.converged is True
    assert result.mle_retvals["converged"] is True
    assert "Not converged" not in str(result.summary())
    assert result.fit_history["iteration"] == len(result.fit_history["deviance"])
    np.testing.assert_allclose(result.model.score(result.params), 0.0, atol=1e-6)
    np.testing.assert_allclose(
        np.linalg.inv(result.model.information(result.params)), result.cov_params(), rtol=1e-6
    )


@pytest.mark.parametrize("family", ["binomial", gf.families.Binomial("probit")], ids=str)
def test_separated_data_never_converge(family):
    x = np.arange(20.0)
    complete = pd.DataFrame({"x": x, "y": (x > 9).astype(int)})
    quasi = pd.DataFrame({"x": np.repeat([0.0, 1.0], 10), "y": [0, 1] * 5 + [1] * 10})
    for data in (complete, quasi):
        with pytest.warns(SeparationWarning, match="x"):
            result = gf.glm("y ~ x", data, family).fit()
        assert result.converged is False
        assert str(result.summary())


def test_all_events_are_refused():
    with pytest.raises(GlmfitError):
        gf.logit("y ~ x", D.assign(y=1)).fit()


# -- robust covariances -----------------------------------------------------------------


def by_hand(result, X, y, family):
    """Return bread, scores and leverages from their formulas."""
    mu = np.asarray(result.fittedvalues)
    if family == "poisson":
        weight, score = mu, y - mu
    elif family == "binomial":
        weight, score = mu * (1 - mu), y - mu
    else:  # gamma with a log link: W = 1, score (y - mu) / mu
        weight, score = np.ones_like(mu), (y - mu) / mu
    bread = np.linalg.inv(X.T @ (X * weight[:, None]))
    leverage = weight * np.einsum("ij,jk,ik->i", X, bread, X)
    return bread, score, leverage


ROBUST = [
    ("count ~ x + z", "poisson", "count", "poisson"),
    ("binary ~ x + z", "binomial", "binary", "binomial"),
    ("size ~ x + z", gf.families.Gamma("log"), "size", "gamma"),
]


@pytest.mark.parametrize(("formula", "family", "response", "kind"), ROBUST, ids=str)
@pytest.mark.parametrize("cov_type", ["HC0", "HC1", "HC2", "HC3"])
def test_hc_covariances_follow_their_formulas(formula, family, response, kind, cov_type):
    result = gf.glm(formula, D, family).fit(cov_type=cov_type)
    X = np.column_stack([np.ones(60), D["x"], D["z"]])
    bread, score, leverage = by_hand(result, X, D[response].to_numpy(), kind)
    power = {"HC0": 0, "HC1": 0, "HC2": 1, "HC3": 2}[cov_type]
    squares = score**2 / (1 - leverage) ** power
    expected = bread @ (X.T @ (X * squares[:, None])) @ bread
    expected *= 60 / 57 if cov_type == "HC1" else 1.0
    np.testing.assert_allclose(result.cov_params(), expected, rtol=1e-6)
    assert cov_type in str(result.summary())
    assert not np.allclose(result.bse, gf.glm(formula, D, family).fit().bse, rtol=1e-3)


def test_the_four_differ():  # statsmodels gives HC0 four times (#7798)
    errors = [gf.poisson("count ~ x", D).fit(cov_type=f"HC{i}").bse["x"] for i in range(4)]
    assert len({round(value, 12) for value in errors}) == 4


@pytest.mark.parametrize(("formula", "family", "response", "kind"), ROBUST, ids=str)
def test_cluster_covariance_follows_its_formula(formula, family, response, kind):
    groups = np.arange(60) * 7 % 11
    X = np.column_stack([np.ones(60), D["x"], D["z"]])
    for correction in (True, False):
        result = gf.glm(formula, D, family).fit(
            cov_type="cluster", cov_kwds={"groups": groups, "use_correction": correction}
        )
        bread, score, _ = by_hand(result, X, D[response].to_numpy(), kind)
        sums = np.array([(X * score[:, None])[groups == k].sum(axis=0) for k in range(11)])
        expected = bread @ (sums.T @ sums) @ bread
        expected *= 11 / 10 * 59 / 57 if correction else 1.0
        np.testing.assert_allclose(result.cov_params(), expected, rtol=1e-6)
    assert "11 clusters" in str(result.summary())


def test_clusters_by_name_with_dropped_rows():
    data = D.assign(who=[f"p{i * 7 % 11}" for i in range(60)])
    data.loc[[3, 30], "x"] = np.nan
    data.loc[5, "real"] = np.nan
    clean = data.dropna()
    expected = gf.ols("real ~ x", clean).fit(cov_type="cluster", cov_kwds={"groups": "who"})
    for groups in ("who", data["who"], data["who"].to_numpy(), pd.Categorical(data["who"])):
        result = gf.ols("real ~ x", data).fit(cov_type="cluster", cov_kwds={"groups": groups})
        np.testing.assert_allclose(result.bse, expected.bse, rtol=1e-10)
    shuffled = data["who"].sample(frac=1.0, random_state=3)  # a Series is aligned by its index
    result = gf.ols("real ~ x", data).fit(cov_type="cluster", cov_kwds={"groups": shuffled})
    np.testing.assert_allclose(result.bse, expected.bse, rtol=1e-10)
    missing = data["who"].where(data.index != 3)  # row 3 is left out anyway
    result = gf.ols("real ~ x", data).fit(cov_type="cluster", cov_kwds={"groups": missing})
    np.testing.assert_allclose(result.bse, expected.bse, rtol=1e-10)


def test_bad_clusters():
    model = gf.ols("real ~ x", D)
    with pytest.raises(ArgumentError, match="needs the groups"):
        model.fit(cov_type="cluster")
    with pytest.raises(DataError, match="one cluster"):
        model.fit(cov_type="cluster", cov_kwds={"groups": np.zeros(60)})
    with pytest.raises(DataError, match="1 missing value"):
        model.fit(cov_type="cluster", cov_kwds={"groups": [None, *"ab" * 29, "a"]})
    with pytest.raises(AlignmentError, match="59 values"):
        model.fit(cov_type="cluster", cov_kwds={"groups": np.arange(59)})
    with pytest.raises(UnknownNameError, match="whom"):
        model.fit(cov_type="cluster", cov_kwds={"groups": "whom"})
    with pytest.raises(ArgumentError, match=r"HC0.*'groups'\. It takes: scaling_factor"):
        model.fit(cov_type="HC0", cov_kwds={"groups": "g"})


# -- classes ----------------------------------------------------------------------------


def test_classes_and_functions_are_one_engine():
    pairs = [
        (gf.GLM.from_formula("count ~ x", D, "poisson"), gf.poisson("count ~ x", D)),
        (gf.Logit.from_formula("binary ~ x", D), gf.glm("binary ~ x", D, "binomial")),
        (gf.Probit.from_formula("binary ~ x", D), gf.probit("binary ~ x", D)),
        (gf.OLS.from_formula("real ~ x", D), gf.glm("real ~ x", D)),
        (gf.glm("binary ~ x", D, gf.families.Binomial), gf.logit("binary ~ x", D)),
        (gf.glm("binary ~ x", D, "binomial", link="probit"), gf.probit("binary ~ x", D)),
    ]
    for first, second in pairs:
        a, b = first.fit(), second.fit()
        np.testing.assert_allclose(a.params, b.params, rtol=1e-9)
        np.testing.assert_allclose(a.llf, b.llf, rtol=1e-12)


def test_arrays_with_missing_values():
    X = gf.add_constant(D[["x", "z"]])
    X.iloc[2, 1] = np.nan
    with pytest.raises(DataError, match=r"exog has missing values \(row 2\).*missing='drop'"):
        gf.OLS(D["real"], X)
    result = gf.OLS(D["real"], X, missing="drop").fit()
    expected = gf.OLS(D["real"].drop(index=2), X.drop(index=2)).fit()
    np.testing.assert_allclose(result.params, expected.params)
    assert np.isnan(result.fittedvalues[2])
    X.iloc[2, 1] = np.inf
    with pytest.raises(DataError, match="infinite"):
        gf.OLS(D["real"], X)


def test_arrays_that_do_not_fit():
    with pytest.raises(AlignmentError, match="60 rows, exog has 59"):
        gf.OLS(D["real"].to_numpy(), np.ones((59, 1)))
    with pytest.raises(DataError, match="text"):
        gf.OLS(D["real"], D[["x", "g"]])
    with pytest.raises(GlmfitError, match="dimensions"):
        gf.OLS(D["real"].to_numpy(), np.ones((60, 2, 2)))
    with pytest.raises(GlmfitError, match=r"(?i)no columns"):
        gf.OLS(D["real"].to_numpy(), np.ones((60, 0)))


def test_names_of_array_columns_are_those_of_statsmodels():
    X = np.column_stack([np.ones(60), D["x"], D["z"]])
    assert gf.OLS(D["real"].to_numpy(), X).exog_names == ["const", "x1", "x2"]
    assert gf.OLS(D["real"].to_numpy(), X[:, 1:]).exog_names == ["x1", "x2"]


def test_add_constant():
    frame = gf.add_constant(D[["x"]])
    assert list(frame.columns) == ["const", "x"]
    assert list(gf.add_constant(D[["x"]], prepend=False).columns) == ["x", "const"]
    assert gf.add_constant(frame) is frame
    with pytest.raises(ArgumentError, match="constant"):
        gf.add_constant(frame, has_constant="raise")
    with pytest.raises(ArgumentError, match="has_constant"):
        gf.add_constant(frame, has_constant="maybe")
    np.testing.assert_array_equal(gf.add_constant([3.0, 4.0]), [[1.0, 3.0], [1.0, 4.0]])


def test_fitting_changes_nothing():
    before, family = D.copy(deep=True), gf.families.Gamma("log")
    model = gf.glm("size ~ x + g", D, family, var_weights="prec")
    first, second = model.fit(), model.fit(cov_type="HC0")
    assert first.params.equals(second.params)
    assert first.llf == second.llf
    assert first.cov_type == "nonrobust"
    pd.testing.assert_frame_equal(D, before)


def test_what_belongs_to_other_models_is_not_available():
    result = gf.poisson("count ~ x", D).fit()
    for name in ("rsquared", "fvalue", "ssr"):
        with pytest.raises(NotAvailableError, match="normal linear model"):
            getattr(result, name)
    with pytest.raises(NotAvailableError, match="binomial"):
        result.pred_table()
    assert not hasattr(result, "rsquared")


def test_a_formula_is_refused_before_the_data_are_touched():
    with pytest.raises(FormulaError):
        gf.glm("count ~ x.values", D)
