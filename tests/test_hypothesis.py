"""Tests of linear hypotheses against statsmodels, R, and one another."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import glmfit as gf
from glmfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    CollinearityWarning,
    NotAvailableError,
    SeparationWarning,
)
from glmfit.inference.hypothesis import wald_statistic
from glmfit.inference.multiplicity import ADJUSTMENTS, adjusted_pvalues

FOLDER = Path(__file__).parent / "reference"
STATSMODELS = json.loads((FOLDER / "hypothesis_statsmodels.json").read_text(encoding="utf8"))
R = json.loads((FOLDER / "hypothesis.json").read_text(encoding="utf8"))
FITS = ("poisson", "poisson HC0", "ols", "gamma")


def close(got, expected, rel=1e-8, atol=1e-12):
    got = np.asarray(got, dtype=float).ravel()
    np.testing.assert_allclose(got, np.ravel(expected), rtol=rel, atol=atol)


def frame(found):
    return pd.DataFrame(found["values"], index=found["index"], columns=found["columns"])


def weighted_data():
    data = gf.datasets.load("warpbreaks")
    n = len(data)
    return data.assign(w=np.resize([1, 2, 0.5], n), o=np.resize([0.1, -0.2, 0.05, 0.0], n))


@pytest.fixture(scope="module")
def fits():
    warpbreaks, trees = gf.datasets.load("warpbreaks"), gf.datasets.load("trees")
    model = gf.glm("breaks ~ wool + tension", warpbreaks, family="poisson")
    gamma = gf.glm("volume ~ girth + height", trees, family="gamma", link="log")
    return {
        "poisson": model.fit(),
        "poisson HC0": model.fit(cov_type="HC0"),
        "ols": gf.ols("volume ~ girth + height", trees).fit(),
        "gamma": gamma.fit(),
    }


@pytest.fixture(scope="module")
def weighted():
    formula = "breaks ~ wool + tension + offset(o)"
    return gf.poisson(formula, weighted_data(), var_weights="w").fit()


# -- statsmodels' calls -------------------------------------------------------------------


@pytest.mark.parametrize("name", FITS)
def test_linear_combinations_are_statsmodels(fits, name):
    result, reference = fits[name], STATSMODELS[name]
    for use_t, key in ((None, "t_test"), (True, "t_test t")):
        for text, expected in zip(
            STATSMODELS["hypotheses"][name.split()[0]], reference[key], strict=True
        ):
            got = result.t_test(text, use_t=use_t)
            for attribute in ("effect", "sd", "tvalue"):
                close(getattr(got, attribute), expected[attribute])
            close(got.statistic, expected["tvalue"])
            close(got.pvalue, expected["pvalue"], 1e-7)
            close(got.conf_int(0.1), expected["conf_int"])
            theirs = frame(expected["frame"])
            ours = got.summary_frame()
            assert list(ours.columns) == list(theirs.columns)
            assert list(ours.index) == list(theirs.index)
            close(ours, theirs, 1e-7)


@pytest.mark.parametrize("name", FITS)
def test_joint_tests_are_statsmodels(fits, name):
    result, reference = fits[name], STATSMODELS[name]
    texts = STATSMODELS["hypotheses"][name.split()[0]]
    for call in ("wald_test", "f_test"):
        for text, expected in zip(texts, reference[call], strict=True):
            got = getattr(result, call)(text)
            close(got.statistic, expected["statistic"])
            close(got.pvalue, expected["pvalue"], 1e-7)
            assert got.df_denom == expected["df_denom"]
            if expected["df_num"] > 0:
                assert got.df_num == expected["df_num"]
                assert got.fvalue == got.statistic
    other = result.wald_test(texts[0], cov_p=2.0 * np.asarray(result.cov_params()))
    close(other.statistic, reference["other cov"]["statistic"])
    whole = result.wald_test(texts[0], scalar=False)
    assert whole.statistic.shape == (1, 1)


def test_terms_are_statsmodels(fits):
    warpbreaks = gf.datasets.load("warpbreaks")
    crossed = gf.glm("breaks ~ wool * tension", warpbreaks, family="poisson").fit()
    expected = frame(STATSMODELS["terms"]["table"])
    got = crossed.wald_test_terms(combine_terms=["wool", "tension"])
    assert list(got.table.index) == list(expected.index)
    assert list(got.table.columns) == list(expected.columns)
    close(got.table, expected, 1e-7)
    close(got.statistic, expected["statistic"], 1e-7)
    close(got.pvalues, expected["pvalue"], 1e-7)
    close(got.df_constraints, expected["df_constraint"])
    single = frame(STATSMODELS["terms"]["single"])
    assert list(crossed.wald_test_terms(skip_single=True).table.index) == list(single.index)
    linear = fits["ols"].wald_test_terms()
    expected = frame(STATSMODELS["terms ols"])
    assert linear.distribution == "F"
    assert list(linear.table.columns) == list(expected.columns)
    close(linear.table, expected, 1e-7)
    close(linear.df_denom, expected["df_denom"])
    more = crossed.wald_test_terms(extra_constraints=[("slope", "tension[T.M] = tension[T.H]")])
    assert more.table.loc["slope", "df_constraint"] == 1
    with pytest.raises(ArgumentError, match=r"'tensoin'.*Did you mean 'tension'"):
        crossed.wald_test_terms(combine_terms=["tensoin"])
    with pytest.raises(NotAvailableError, match="chi-square"):
        _ = got.df_denom


def test_pairs_of_levels_are_statsmodels_and_multcomp(fits):
    result, reference = fits["poisson"], STATSMODELS["pairwise"]
    got = result.t_test_pairwise("tension", method=["hs", "bonferroni", "fdr_bh"])
    expected = frame(reference["frame"])
    assert list(got.result_frame.columns) == list(expected.columns)
    assert list(got.result_frame.index) == reference["labels"] == got.contrast_labels
    close(got.result_frame.astype(float), expected, 1e-7)
    close(got.contrasts, reference["contrasts"])
    for column, name in (("coef", "effect"), ("std err", "sd"), ("z", "z")):
        close(got.result_frame[column], R["pairs"][name], 1e-7)
    assert got.term_encoding_matrix.shape == (3, 2)
    named = result.t_test_pairwise("tension", factor_labels=["low", "mid", "high"])
    assert list(named.result_frame.index) == ["mid-low", "high-low", "high-mid"]


def test_pairs_do_not_depend_on_the_coding(fits):
    warpbreaks = gf.datasets.load("warpbreaks")
    plain = fits["poisson"].t_test_pairwise("tension").result_frame
    for coding in ("Sum", "Helmert", "Treatment('H')"):
        other = gf.poisson(f"breaks ~ wool + C(tension, {coding})", warpbreaks).fit()
        found = other.t_test_pairwise(f"C(tension, {coding})").result_frame
        close(found["coef"], plain["coef"], 1e-9)
        close(found["std err"], plain["std err"], 1e-9)
    whole = gf.poisson("breaks ~ 0 + tension + wool", warpbreaks).fit()
    close(whole.t_test_pairwise("tension").result_frame["z"], plain["z"], 1e-8)


# -- adjustments --------------------------------------------------------------------------


@pytest.mark.parametrize("method", [m for m in ADJUSTMENTS if m != "none"])
def test_adjusted_pvalues_are_statsmodels(method):
    reference = STATSMODELS["adjusted"]
    close(adjusted_pvalues(np.array(reference["p"]), method), reference[method], 1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("bonferroni", "bonferroni"), ("holm", "holm"), ("hochberg", "hochberg"),
     ("hommel", "hommel"), ("bh", "BH"), ("by", "BY")],
)  # fmt: skip
def test_adjusted_pvalues_are_those_of_r(ours, theirs):
    close(adjusted_pvalues(np.array(R["adjusted"]["p"]), ours), R["adjusted"][theirs], 1e-12)


@settings(max_examples=60, deadline=None)
@given(arrays(float, st.integers(1, 9), elements=st.floats(0.0, 1.0)),
       st.sampled_from(list(ADJUSTMENTS)))  # fmt: skip
def test_adjustment_is_monotone_and_never_less(pvalues, method):
    adjusted = adjusted_pvalues(pvalues, method)
    assert ((adjusted <= 1.0) & (adjusted >= pvalues - 1e-15)).all()
    order = np.argsort(pvalues, kind="stable")
    assert (np.diff(adjusted[order]) >= -1e-12).all()


def test_missing_pvalues_do_not_count():
    got = adjusted_pvalues(np.array([0.01, np.nan, 0.04]), "bonferroni")
    close(got[[0, 2]], [0.02, 0.08])
    assert np.isnan(got[1])
    with pytest.raises(ArgumentError, match="Did you mean 'holm'"):
        adjusted_pvalues(np.array([0.1]), "hlom")


# -- R's tests ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("equal", "tension[T.M] = tension[T.H]"),
        ("joint", "tension[T.M] = tension[T.H], wool[T.B] = -0.1"),
        ("scaled", "2*tension[T.M] - 0.25*tension[T.H] = 0.5"),
    ],
)
def test_wald_tests_are_those_of_car(weighted, name, text):
    expected = R["hypotheses"][name]
    got = weighted.wald_test(text)
    close([got.statistic, got.df, got.pvalue], [expected[k] for k in ("chisq", "df", "p")], 1e-6)


def test_robust_wald_tests_are_those_of_car_and_sandwich():
    formula = "breaks ~ wool + tension + offset(o)"
    model = gf.poisson(formula, weighted_data(), var_weights="w")
    robust = model.fit(cov_type="HC0")
    expected = R["hypotheses"]["robust"]
    got = robust.wald_test(["tension[T.M] = tension[T.H]", "wool[T.B] = -0.1"])
    close([got.statistic, got.df, got.pvalue], [expected[k] for k in ("chisq", "df", "p")], 1e-6)


def test_f_tests_are_those_of_car():
    trees = gf.datasets.load("trees")
    gamma = gf.glm("volume ~ log(girth) + height", trees, family="gamma", link="log").fit()
    got = gamma.f_test("log(girth) = 2, height = 0.01")
    expected = R["hypotheses"]["gamma_F"]
    close([got.statistic, got.df, got.pvalue], [expected[k] for k in ("f", "df", "p")], 1e-6)
    normal = gf.ols("volume ~ girth * height", trees).fit()
    got = normal.wald_test("girth = girth:height = 0")
    expected = R["hypotheses"]["normal_F"]
    close([got.statistic, got.df, got.pvalue], [expected[k] for k in ("f", "df", "p")], 1e-6)


def test_likelihood_ratio_and_score_under_a_restriction(weighted):
    text = "tension[T.M] = tension[T.H]"
    table = R["restricted"]
    got = weighted.lr_test(text)
    close(got.statistic, table["LR"]["values"][table["LR"]["columns"].index("Deviance")][1])
    close(got.pvalue, table["LR"]["values"][table["LR"]["columns"].index("Pr(>Chi)")][1], 1e-6)
    score = weighted.score_test(text)
    close(score.statistic, table["Rao"]["values"][table["Rao"]["columns"].index("Rao")][1], 1e-6)


def test_values_other_than_0_are_offsets(weighted):
    data = weighted_data()
    data["o2"] = data["o"] + 0.3 * (data["wool"] == "B")
    held = gf.poisson("breaks ~ tension + offset(o2)", data, var_weights="w").fit()
    got = weighted.lr_test("wool[T.B] = 0.3")
    assert got.statistic == pytest.approx(held.deviance - weighted.deviance, rel=1e-10)


def test_the_normal_model_has_its_own_relations():
    trees = gf.datasets.load("trees")
    result = gf.ols("volume ~ girth + height", trees).fit()
    small = gf.ols("volume ~ girth", trees).fit()
    n = len(trees)
    expected = n * np.log(small.ssr / result.ssr)
    assert result.lr_test("height").statistic == pytest.approx(expected, rel=1e-10)
    # score and Wald are one where the information does not depend on the coefficients
    score = result.score_test("height").statistic
    assert score == pytest.approx(result.wald_test("height", use_f=False).statistic, rel=1e-10)


# -- several classes, strata --------------------------------------------------------------


@pytest.fixture(scope="module")
def multinomial():
    housing = gf.datasets.load("housing")
    return gf.mnlogit("sat ~ infl + cont", housing, freq_weights="freq").fit()


def test_a_multinomial_by_term_and_across_levels(multinomial):
    reference = R["multinomial"]
    close(multinomial.wald_test("cont").statistic, reference["wald_cont"], 1e-8)
    across = "Medium:cont[T.High] = High:cont[T.High]"
    close(multinomial.wald_test(across).statistic, reference["wald_equal"], 1e-8)
    theirs = "yMedium_cont[T.High] = yHigh_cont[T.High]"
    assert multinomial.wald_test(theirs).statistic == multinomial.wald_test(across).statistic
    got = multinomial.lr_test("cont[T.High]")
    assert got.df == 2
    close(got.statistic, reference["LR_cont"], 1e-9)
    close(got.statistic, reference["nnet_LR_cont"], 1e-7)
    table = multinomial.wald_test_terms().table
    assert table["df_constraint"].tolist() == [2, 4, 2]
    close(table.loc["cont", "statistic"], reference["wald_cont"], 1e-8)
    equal = multinomial.wald_test("infl[T.Medium] = infl[T.High]")
    assert equal.labels == (
        "Medium:infl[T.Medium] - Medium:infl[T.High] = 0",
        "High:infl[T.Medium] - High:infl[T.High] = 0",
    )
    with pytest.raises(ArgumentError, match="different numbers of coefficients"):
        multinomial.wald_test("infl = cont")
    with pytest.raises(ArgumentError, match=r"Did you mean 'Medium:cont\[T.High\]'"):
        multinomial.wald_test("Medum:cont[T.High] = 0")


def test_single_coefficients_of_a_multinomial(multinomial):
    """VGAM's signed roots, with coefficients ordered by term and then by level."""
    reference = R["multinomial"]
    names = [
        f"{level}:{term}"
        for term in ("Intercept", "infl[T.Medium]", "infl[T.High]", "cont[T.High]")
        for level in ("Medium", "High")
    ]
    lr = [multinomial.lr_test(name).statistic for name in names]
    close(lr, np.square(reference["lrt_stat"]), 1e-7)
    score = [multinomial.score_test(name).statistic for name in names]
    close(score, np.square(reference["score_stat"]), 1e-6)


def test_pairs_of_a_multinomial_are_compared_for_each_level(multinomial):
    found = multinomial.t_test_pairwise("infl", method="holm").result_frame
    assert list(found.index[:3]) == ["Medium: Medium-Low", "Medium: High-Low",
                                     "Medium: High-Medium"]  # fmt: skip
    other = multinomial.t_test("Medium:infl[T.High] - Medium:infl[T.Medium]")
    close(found.loc["Medium: High-Medium", "coef"], other.effect)
    close(found.loc["Medium: High-Medium", "std err"], other.sd)


def test_an_ordinal_model():
    reference, housing = R["ordinal"], gf.datasets.load("housing")
    formula = "sat ~ infl + cont + type"
    result = gf.ordered(formula, housing, distr="logit", freq_weights="freq").fit()
    close(result.lr_test("cont").statistic, reference["LR_cont"], 1e-8)
    slopes = ["infl[T.Medium]", "infl[T.High]", "cont[T.High]", "type[T.Apartment]",
              "type[T.Atrium]", "type[T.Terrace]"]  # fmt: skip
    assert len(reference["names"]) == 2 + len(slopes)
    lr = [result.lr_test(name).statistic for name in slopes]
    close(lr, np.square(reference["lrt_stat"][-len(slopes) :]), 1e-7)
    score = [result.score_test(name).statistic for name in slopes]
    close(score, np.square(reference["score_stat"][-len(slopes) :]), 1e-6)
    assert list(result.wald_test_terms().table.index) == ["infl", "cont", "type"]
    free = gf.ordered(formula, housing, distr="logit", freq_weights="freq", nonparallel="cont")
    assert free.fit().wald_test("cont").df == 2
    labels = free.fit().t_test_pairwise("cont").contrast_labels
    assert labels == ["Low|Medium: High-Low", "Medium|High: High-Low"]


def test_a_conditional_logit():
    reference, data = R["clogit"], gf.datasets.load("infert")
    result = gf.conditional_logit("case ~ spontaneous + induced", data, groups="stratum").fit()
    every = "spontaneous, induced"
    close(result.lr_test(every).statistic, reference["LR_all"], 1e-9)
    close(result.score_test(every).statistic, reference["score_all"], 1e-7)
    # summary.coxph rounds this one to two decimals
    close(result.wald_test(every).statistic, reference["wald_all"], atol=0.006, rel=0.0)
    close(result.lr_test("spontaneous = induced").statistic, reference["LR_equal"], 1e-8)
    close(result.lr_test("spontaneous").statistic, reference["LR_spontaneous"], 1e-9)


# -- what may be given --------------------------------------------------------------------


def test_hypotheses_in_all_their_forms(fits):
    result = fits["poisson"]
    text = result.wald_test("tension[T.M] = tension[T.H], wool[T.B] = 0.2").statistic
    matrix = np.array([[0, 0, 1, -1], [0, 1, 0, 0]])
    for other in (
        ["tension[T.M] = tension[T.H]", "wool[T.B] = 0.2"],
        (matrix, [0.0, 0.2]),
        (matrix, np.array([[0.0], [0.2]])),
        "wool[T.B] - 0.2, tension[T.H] - tension[T.M], 2*wool[T.B] = 0.4",
    ):
        assert result.wald_test(other).statistic == pytest.approx(text, rel=1e-10)
        assert result.wald_test(other).df == 2
        assert result.lr_test(other).statistic == pytest.approx(
            result.lr_test((matrix, [0.0, 0.2])).statistic, rel=1e-9
        )
    assert result.wald_test(matrix[1]).statistic == result.wald_test("wool[T.B]").statistic
    assert result.wald_test({"wool[T.B]": 0.2}).statistic == pytest.approx(
        result.wald_test("wool[T.B] = 0.2").statistic
    )
    assert result.wald_test(matrix, invcov=np.eye(2)).df == 2
    assert result.wald_test(matrix, df_constraints=1).df == 1


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ("tensoin", "no coefficient. Did you mean 'tension'"),
        ("wool[T.B] == 0", "cannot be read"),
        ("wool[T.B] * tension[T.M]", "multiply"),
        ("", "empty"),
        ([[1.0, 0.0]], "2 columns; the model has 4 coefficients"),
        ([[0.0, 0.0, 0.0, 0.0]], "all zeros"),
        ([[np.nan, 0.0, 0.0, 1.0]], "missing or infinite"),
        (([[0.0, 1.0, 0.0, 0.0]], [1.0, 2.0]), "1 rows and 2 values"),
    ],
)
def test_hypotheses_that_are_none(fits, given_, told):
    with pytest.raises(ArgumentError, match=told):
        fits["poisson"].wald_test(given_)


def test_wrong_arguments(fits):
    result = fits["poisson"]
    with pytest.raises(ArgumentError, match="contradicts"):
        result.lr_test("wool[T.B] = 0, wool[T.B] = 1")
    with pytest.raises(ArgumentTypeError, match="use_f must be"):
        result.wald_test("wool", use_f="yes")
    with pytest.raises(ArgumentTypeError, match="text, a matrix"):
        result.wald_test([["a", 1.0, 2.0, 3.0]])
    with pytest.raises(ArgumentError, match="cov_p has shape"):
        result.wald_test("wool", cov_p=np.eye(2))
    with pytest.raises(ArgumentError, match=r"no main effect.*|is no term.*Factors: wool, tension"):
        result.t_test_pairwise("wol")
    with pytest.raises(ArgumentError, match="2 names for 3 levels"):
        result.t_test_pairwise("tension", factor_labels=["a", "b"])
    with pytest.raises(ArgumentError, match="list of 1 names"):
        result.t_test("wool").summary_frame(["a", "b"])
    with pytest.raises(NotAvailableError, match="chi-square test"):
        _ = result.wald_test("wool").fvalue
    arrays = gf.GLM([1.0, 2.0, 2.5, 4.0], [[1.0, 1], [1, 2], [1, 3], [1, 5]]).fit()
    with pytest.raises(NotAvailableError, match="t_test takes a matrix"):
        arrays.t_test_pairwise("x1")
    assert arrays.wald_test("x1", use_f=False).statistic == pytest.approx(
        arrays.tvalues[1] ** 2, rel=1e-12
    )


def test_tests_that_do_not_apply_say_why(fits):
    warpbreaks = gf.datasets.load("warpbreaks")
    with pytest.raises(NotAvailableError, match=r"robust covariance \(HC0\).*wald_test"):
        fits["poisson HC0"].lr_test("wool")
    quasi = gf.glm("breaks ~ wool", warpbreaks, family="quasipoisson").fit()
    with pytest.raises(NotAvailableError, match="quasi-likelihood only"):
        quasi.lr_test("wool")
    poisson = gf.poisson("breaks ~ wool", warpbreaks).fit()
    assert quasi.score_test("wool").statistic == pytest.approx(
        poisson.score_test("wool").statistic / quasi.scale, rel=1e-10
    )
    firth = gf.poisson("breaks ~ wool", warpbreaks).fit(method="firth")
    for call in (firth.lr_test, firth.score_test):
        with pytest.raises(NotAvailableError, match="penalized_lr_test"):
            call("wool")
    assert firth.wald_test("wool").df == 1
    light = poisson.remove_data()
    assert light.wald_test("wool").statistic == poisson.wald_test("wool").statistic
    with pytest.raises(NotAvailableError, match="data were removed"):
        light.lr_test("wool")


@pytest.mark.parametrize("refit", [False, True])
def test_penalised_estimates_are_not_compared_by_likelihood(refit):
    warpbreaks = gf.datasets.load("warpbreaks")
    model = gf.poisson("breaks ~ wool + tension", warpbreaks)
    result = model.fit_regularized(alpha=0.01, L1_wt=1.0, refit=refit)
    for call in (
        lambda: result.lr_test("wool"),
        lambda: result.score_test("wool"),
        lambda: result.conf_int(method="profile"),
        result.anova,
        result.drop1,
        result.hauck_donner,
        lambda: gf.anova(model.fit(), result),
        lambda: gf.lr_test(model.fit(), result),
    ):
        with pytest.raises(NotAvailableError, match="a penalty has shrunk these estimates"):
            call()
    assert "Hauck-Donner" not in str(result.summary())


def test_aliased_columns_are_no_part_of_their_term():
    data = gf.datasets.load("warpbreaks")
    data["double"] = 2.0 * (data["wool"] == "B")
    with pytest.warns(CollinearityWarning):
        result = gf.poisson("breaks ~ wool + tension + double", data).fit()
    plain = gf.poisson("breaks ~ wool + tension", data).fit()
    with pytest.raises(NotAvailableError, match=r"double has no estimate.*double = 2 wool"):
        result.wald_test("double = 0")
    table = result.wald_test_terms()
    assert table.table.loc["double", "df_constraint"] == 0
    assert "double: aliased" in str(table)
    close(table.table.loc["tension", "statistic"], plain.wald_test("tension").statistic, 1e-9)
    close(result.lr_test("wool").statistic, plain.lr_test("wool").statistic, 1e-9)
    pairs = gf.poisson("breaks ~ wool + tension", data).fit().t_test_pairwise("tension")
    close(pairs.result_frame["z"], plain.t_test_pairwise("tension").result_frame["z"])


def test_an_empty_cell_has_no_contrast():
    data = gf.datasets.load("warpbreaks").assign(copy=lambda d: d["tension"].astype(str))
    data["copy"] = pd.Categorical(data["copy"])
    with pytest.warns(CollinearityWarning):
        result = gf.poisson("breaks ~ tension + copy", data).fit()
    found = result.t_test_pairwise("copy", method="bonferroni").result_frame
    assert found["coef"].isna().all()
    assert found["pvalue-bonferroni"].isna().all()


def test_infinite_estimates_have_no_wald_test():
    endometrial = gf.datasets.load("endometrial")
    with pytest.warns(SeparationWarning):
        result = gf.logit("HG ~ NV + PI + EH", endometrial).fit()
    with pytest.raises(NotAvailableError, match=r"no finite estimate.*lr_test"):
        result.wald_test("NV")
    terms = result.wald_test_terms()
    assert np.isnan(terms.table.loc["NV", "statistic"])
    assert "NV: no finite estimate" in str(terms)
    got = result.lr_test("NV")
    close(got.statistic, R["separated"]["NV_LR"], 1e-8)
    assert "limits" in str(got)
    close(result.score_test("NV").statistic, R["separated"]["NV_Rao"], 1e-6)
    rest = gf.logit("HG ~ PI + EH", endometrial[endometrial["NV"] == 0]).fit()
    close(result.lr_test("PI").statistic, rest.lr_test("PI").statistic, 1e-7)
    close(result.wald_test("PI").statistic, rest.wald_test("PI").statistic, 1e-9)


def test_a_robust_covariance_of_few_clusters_has_its_rank():
    data = gf.datasets.load("warpbreaks")
    data["g"] = np.resize(["a", "b", "c"], len(data))
    result = gf.poisson("breaks ~ wool * tension", data).fit(
        cov_type="cluster", cov_kwds={"groups": "g"}
    )
    assert result.wald_test("wool, tension, wool:tension").df <= 2


@settings(max_examples=40, deadline=None)
@given(
    arrays(float, (3, 3), elements=st.floats(-2, 2)), arrays(float, 3, elements=st.floats(-3, 3))
)
def test_wald_statistic_is_invariant(root, shift):
    spread = root @ root.T + 0.3 * np.eye(3)
    statistic, df = wald_statistic(shift, spread)
    assert df == 3
    assert statistic == pytest.approx(shift @ np.linalg.solve(spread, shift), rel=1e-8, abs=1e-12)
    change = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0], [3.0, 0.0, 1e4]])
    turned, _ = wald_statistic(change @ shift, change @ spread @ change.T)
    assert turned == pytest.approx(statistic, rel=1e-6, abs=1e-9)


# -- how they look ------------------------------------------------------------------------


def test_tests_print_as_tables(fits):
    result = fits["poisson"]
    text = str(result.t_test("tension[T.M] = tension[T.H], wool[T.B] = 0.2"))
    assert "tension[T.M] - tension[T.H] = 0" in text
    assert "wool[T.B] = 0.2" in text
    assert "left-hand side" in text
    assert "[0.025" in text
    joint = result.wald_test("tension")
    assert "Hypothesis: tension[T.M] = 0; tension[T.H] = 0." in str(joint)
    assert joint.summary_frame().loc["Wald", "df"] == 2
    assert "df_denom" in result.f_test("tension").summary_frame()
    assert result.lr_test("wool").summary_frame().index[0] == "Likelihood-ratio"
    pairs = result.t_test_pairwise("tension")
    assert "H-M" in str(pairs)
    assert "not adjusted" in repr(pairs)
    assert pairs.summary_frame() is pairs.result_frame
    assert "P>chi2" in result.wald_test_terms().summary_frame()
    for shown in (joint, pairs, result.wald_test_terms(), result.t_test("wool")):
        assert shown._repr_html_().startswith("<")
        assert repr(shown) == str(shown)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert str(fits["ols"].wald_test_terms())
