"""Tidy frames: broom's numbers and columns for every class of models."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glmfit as gf

REFERENCE = json.loads((Path(__file__).parent / "reference" / "tables.json").read_text())

TIDY = ["term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
GLANCE = "null_deviance df_null log_lik aic bic deviance df_residual nobs".split()
LINEAR = (
    "r_squared adj_r_squared sigma statistic p_value df log_lik aic bic deviance df_residual nobs"
).split()
SEVERAL = "edf log_lik aic bic deviance df_residual nobs".split()
OWN = "fitted se_fit resid hat sigma cooks_d std_resid".split()

# broom's names, but for the snake case
BROOM = {"log_lik": "logLik", "aic": "AIC", "bic": "BIC"}
BROOM_ROWS = {name: "." + name.replace("_", ".") for name in OWN} | {"cooks_d": ".cooksd"}


def fits():
    load = gf.datasets.load
    infert, trees = load("infert"), load("trees")
    return {
        "logit": gf.logit("case ~ age + spontaneous + induced", infert).fit(),
        "poisson": gf.poisson("breaks ~ wool * tension", load("warpbreaks")).fit(),
        "gamma": gf.glm("volume ~ log(girth) + height", trees, gf.families.Gamma("log")).fit(
            use_t=True
        ),
        "trials": gf.logit("killed + survived ~ log_dose", load("beetles")).fit(),
        "linear": gf.ols("volume ~ girth + height", trees).fit(),
    }


@pytest.fixture(scope="module")
def fitted():
    return fits()


def several():
    """Return a fit of each class of models that is no generalised linear one."""
    housing, infert = gf.datasets.load("housing"), gf.datasets.load("infert")
    return {
        "multinomial": gf.mnlogit("sat ~ infl + cont", housing, freq_weights="freq").fit(),
        "ordinal": gf.ordered(
            "sat ~ infl + cont", housing, freq_weights="freq", distr="logit"
        ).fit(),
        "conditional": gf.conditional_logit(
            "case ~ spontaneous + induced", infert, groups="stratum"
        ).fit(),
    }


@pytest.fixture(scope="module")
def classes():
    return several()


# --- tidy -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(REFERENCE["tidy"]))
def test_tidy_is_that_of_broom(fitted, name):
    frame, want = fitted[name].tidy(), REFERENCE["tidy"][name]
    assert list(frame.columns) == TIDY
    # patsy and R order and name the columns of these formulas alike
    assert len(frame) == len(want["term"])
    for column in TIDY[1:]:
        expected = np.array(want[column.replace("_", ".")], dtype=float)
        # R's normal and t tails are good to about ten digits where a p-value is tiny
        np.testing.assert_allclose(frame[column], expected, rtol=1e-7, atol=1e-14, err_msg=column)


def test_exponentiated_profiles_are_those_of_broom(fitted):
    frame = fitted["logit"].tidy(exponentiate=True, method="profile")
    want = REFERENCE["profile"]
    np.testing.assert_allclose(frame["estimate"], want["estimate"], rtol=1e-8)
    # MASS draws a spline through the profile
    np.testing.assert_allclose(frame["conf_low"], want["conf.low"], rtol=2e-4)
    np.testing.assert_allclose(frame["conf_high"], want["conf.high"], rtol=2e-4)
    plain = fitted["logit"].tidy()
    np.testing.assert_array_equal(frame["std_error"], plain["std_error"])


def test_tidy_says_which_level_and_which_threshold(classes):
    multinomial = classes["multinomial"].tidy()
    assert list(multinomial.columns) == [n.replace(".", "_") for n in REFERENCE["multinom_names"]]
    assert multinomial["y_level"].unique().tolist() == ["Medium", "High"]
    params = classes["multinomial"].params
    for row in multinomial.to_dict("records"):
        assert row["estimate"] == params.loc[row["term"], row["y_level"]]
    ordinal = classes["ordinal"].tidy(exponentiate=True)
    assert list(ordinal.columns) == [*TIDY, "coef_type"]
    assert set(REFERENCE["polr_names"]) <= {name.replace("_", ".") for name in ordinal.columns}
    plain = classes["ordinal"].tidy()
    slope = plain["coef_type"] == "coefficient"
    np.testing.assert_allclose(ordinal["estimate"][slope], np.exp(plain["estimate"][slope]))
    np.testing.assert_array_equal(ordinal["estimate"][~slope], plain["estimate"][~slope])
    assert plain["term"][~slope].tolist() == ["Low|Medium", "Medium|High"]


def test_tidy_covers_what_is_asked(fitted):
    result = fitted["logit"]
    assert list(result.tidy(False).columns) == TIDY[:5]
    np.testing.assert_allclose(
        result.tidy(conf_level=0.8)[["conf_low", "conf_high"]], result.conf_int(0.2)
    )
    for level in (0.0, 1.0, 95):
        with pytest.raises(gf.errors.ArgumentError, match="conf_level"):
            result.tidy(conf_level=level)
    with pytest.raises(gf.errors.ArgumentTypeError, match="conf_level"):
        result.tidy(conf_level="high")


def test_tidy_of_arrays_names_the_columns():
    trees = gf.datasets.load("trees")
    x = gf.add_constant(trees[["girth", "height"]].to_numpy())
    frame = gf.OLS(trees["volume"].to_numpy(), x).fit().tidy()
    assert frame["term"].tolist() == ["const", "x1", "x2"]
    want = REFERENCE["tidy"]["linear"]
    np.testing.assert_allclose(frame["estimate"], want["estimate"], rtol=1e-9)


def test_tidy_tells_of_aliased_and_infinite_coefficients():
    data = pd.DataFrame({"x": [1.0, 2, 3, 4], "y": [0, 0, 1, 1]})
    with pytest.warns(gf.errors.SeparationWarning):
        result = gf.logit("y ~ x", data).fit()
    frame = result.tidy()
    assert np.isinf(frame["estimate"]).all() and frame["std_error"].isna().all()
    trees = gf.datasets.load("trees")
    with pytest.warns(gf.errors.CollinearityWarning):
        frame = gf.ols("volume ~ girth + I(2 * girth)", trees).fit().tidy()
    assert frame.iloc[2][["estimate", "std_error", "conf_low"]].isna().all()


def test_after_an_l1_penalty_there_are_estimates_alone():
    infert = gf.datasets.load("infert")
    result = gf.logit("case ~ spontaneous + induced", infert).fit_regularized(alpha=0.02, L1_wt=1.0)
    frame = result.tidy()
    assert list(frame.columns) == TIDY
    np.testing.assert_array_equal(frame["estimate"], result.params)
    assert frame[TIDY[2:]].isna().all(axis=None)
    glance = result.glance()
    assert glance["aic"].isna().all() and glance.loc[0, "log_lik"] == result.llf
    rows = result.augment()
    assert list(rows.columns) == [*infert.columns, *OWN]
    np.testing.assert_allclose(rows["fitted"], result.fittedvalues)
    assert rows["hat"].isna().all() and rows["se_fit"].isna().all()
    ridge = gf.logit("case ~ spontaneous + induced", infert).fit_regularized(alpha=0.02, L1_wt=0.0)
    rows = ridge.augment()
    assert rows["hat"].isna().all() and rows["se_fit"].notna().all()
    np.testing.assert_array_equal(rows["resid"], ridge.resid_deviance)


def test_absorbed_factors_leave_no_errors_of_means():
    warpbreaks = gf.datasets.load("warpbreaks")
    result = gf.poisson("breaks ~ wool", warpbreaks, absorb="tension").fit()
    plain = gf.poisson("breaks ~ wool + C(tension)", warpbreaks).fit()
    np.testing.assert_allclose(result.tidy()[TIDY[1:]], plain.tidy().loc[[1], TIDY[1:]], rtol=1e-6)
    rows = result.augment()
    assert list(rows.columns) == [*warpbreaks.columns, *OWN]
    np.testing.assert_allclose(rows[["fitted", "resid"]], plain.augment()[["fitted", "resid"]])
    assert rows[["se_fit", "hat", "cooks_d"]].isna().all(axis=None)


# --- glance ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(REFERENCE["glance"]))
def test_glance_is_that_of_broom(fitted, name):
    result, want = fitted[name], REFERENCE["glance"][name]
    frame = result.glance()
    assert list(frame.columns) == (LINEAR if name == "linear" else GLANCE)
    assert len(frame) == 1
    known = result.family.dispersion is not None
    for column in frame.columns:
        expected = want[BROOM.get(column, column.replace("_", "."))]
        if not known and column in ("aic", "bic", "log_lik"):
            continue  # another likelihood, below
        np.testing.assert_allclose(frame.loc[0, column], expected, rtol=1e-8, err_msg=column)


def test_r_counts_the_dispersion_as_a_parameter(fitted):
    frame, want = fitted["linear"].glance(), REFERENCE["glance"]["linear"]
    np.testing.assert_allclose(frame.loc[0, "log_lik"], want["logLik"], rtol=1e-10)
    np.testing.assert_allclose(frame.loc[0, "aic"] + 2.0, want["AIC"], rtol=1e-10)
    np.testing.assert_allclose(frame.loc[0, "bic"] + np.log(31), want["BIC"], rtol=1e-10)


def test_glance_of_classes(classes):
    for result in classes.values():
        assert list(result.glance().columns) == SEVERAL
    want = REFERENCE["polr_glance"]
    frame = classes["ordinal"].glance()
    for column in SEVERAL:
        expected = want[BROOM.get(column, column.replace("_", "."))]
        # polr stops short of the maximum, where the likelihood is flat
        np.testing.assert_allclose(frame.loc[0, column], expected, rtol=1e-9, err_msg=column)


# --- augment --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(REFERENCE["augment"]))
def test_augment_is_that_of_broom(fitted, name):
    result, want = fitted[name], REFERENCE["augment"][name]
    frame = result.augment()
    for column in OWN:
        expected = np.array(want[BROOM_ROWS[column]], dtype=float)
        np.testing.assert_allclose(frame[column], expected, rtol=2e-7, atol=1e-11, err_msg=column)


def test_augment_keeps_the_data_and_dropped_rows(fitted):
    trees = gf.datasets.load("trees").set_index(pd.Index([f"tree {j}" for j in range(31)]))
    trees.loc["tree 3", "girth"] = np.nan
    frame = gf.ols("volume ~ girth", trees).fit().augment()
    assert list(frame.columns) == [*trees.columns, *OWN]
    pd.testing.assert_frame_equal(frame[trees.columns], trees)
    assert frame.loc["tree 3", OWN].isna().all()
    assert frame.drop("tree 3")[OWN].notna().all(axis=None)


def test_augment_of_new_rows(fitted):
    result = fitted["logit"]
    new = pd.DataFrame(
        {"age": [30, np.nan], "spontaneous": [0, 1], "induced": [1, 1]}, index=["a", "b"]
    )
    frame = result.augment(new)
    assert list(frame.columns) == [*new.columns, "fitted", "se_fit"]
    want = result.get_prediction(new).summary_frame()
    np.testing.assert_array_equal(frame["fitted"], want["mean"])
    np.testing.assert_array_equal(frame["se_fit"], want["mean_se"])
    assert frame.index.tolist() == ["a", "b"]


def test_augment_does_not_write_over_a_column(fitted):
    trees = gf.datasets.load("trees").assign(hat=1.0)
    result = gf.ols("volume ~ girth", trees).fit()
    with pytest.raises(gf.errors.ArgumentError, match="prefix="):
        result.augment()
    frame = result.augment(prefix=".")
    assert [name for name in frame.columns if name.startswith(".")] == [f".{n}" for n in OWN]
    assert (frame["hat"] == 1.0).all()


def test_augment_of_classes(classes):
    housing = gf.datasets.load("housing")
    for name in ("multinomial", "ordinal"):
        result = classes[name]
        frame = result.augment()
        added = ["fitted_class", "fitted_Low", "fitted_Medium", "fitted_High", "hat", "cooks_d"]
        assert list(frame.columns) == [*housing.columns, *added]
        np.testing.assert_allclose(frame[added[1:4]], result.fittedvalues)
        np.testing.assert_array_equal(
            frame["fitted_class"], result.fittedvalues.idxmax(axis=1).to_numpy()
        )
        influence = result.get_influence()
        np.testing.assert_array_equal(frame["hat"], influence.hat_matrix_diag)
        np.testing.assert_array_equal(frame["cooks_d"], influence.cooks_distance[0])
        new = result.augment(housing.head(2))
        assert list(new.columns) == [*housing.columns, *added[:4]]
    result = classes["conditional"]
    np.testing.assert_allclose(result.augment()["fitted"], result.predict(which="linear"))


def test_augment_of_arrays():
    trees = gf.datasets.load("trees")
    x = trees[["girth", "height"]].to_numpy()
    result = gf.OLS(trees["volume"].to_numpy(), gf.add_constant(x)).fit()
    frame = result.augment()
    assert list(frame.columns) == ["y", "const", "x1", "x2", *OWN]
    np.testing.assert_allclose(frame["cooks_d"], REFERENCE["augment"]["linear"][".cooksd"])
    np.testing.assert_array_equal(frame["x1"], trees["girth"])
    risk = gf.datasets.load("risk")
    y = risk["risk"].astype(str).to_numpy()
    fit = gf.MNLogit(y, gf.add_constant(risk[["age", "income"]].to_numpy())).fit(method="firth")
    assert fit.augment()["y"].tolist() == risk["risk"].tolist()
    new = fit.augment([[1.0, 30, 50]])
    assert list(new.columns)[:4] == ["const", "x1", "x2", "fitted_class"]


def test_a_separated_model_of_classes_has_no_influence():
    with pytest.warns(gf.errors.SeparationWarning):
        result = gf.mnlogit("risk ~ age + income", gf.datasets.load("risk"), reference="low").fit()
    frame = result.augment()
    assert frame[["hat", "cooks_d"]].isna().all(axis=None)
    assert frame["fitted_class"].notna().all()


def test_ratios_have_names(fitted, classes):
    names = {name: result.ratio_name for name, result in {**fitted, **classes}.items()}
    assert names == {
        "logit": "Odds ratios",
        "poisson": "Rate ratios",
        "gamma": None,
        "trials": "Odds ratios",
        "linear": None,
        "multinomial": "Relative-risk ratios",
        "ordinal": "Odds ratios of a higher level",
        "conditional": "Odds ratios",
    }


def test_rows_of_counts_are_augmented():
    quine = gf.datasets.load("quine")
    for result in (
        gf.negativebinomial("days ~ sex", quine).fit(),
        gf.hurdle("days ~ sex", quine).fit(),
    ):
        table = result.augment()
        added = ["fitted", "se_fit", "resid", "resid_quantile", "hat", "cooks_d"]
        assert list(table.columns) == [*quine.columns, *added]
        np.testing.assert_array_equal(table["fitted"], result.predict())
        np.testing.assert_array_equal(table["se_fit"], result.get_prediction().se_mean)
        np.testing.assert_array_equal(table["resid"], result.resid_pearson)
        new = result.augment({"sex": ["F", "M"]})
        assert list(new.columns) == ["sex", "fitted", "se_fit"]
        np.testing.assert_array_equal(new["fitted"], result.predict({"sex": ["F", "M"]}))
