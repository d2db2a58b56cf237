"""Analysis of deviance against R: anova, car::Anova, drop1, add1, lmtest."""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    CollinearityWarning,
    FormulaWarning,
    MissingDataError,
    NotAvailableError,
    SeparationWarning,
)

FOLDER = Path(__file__).parent / "reference"
REFERENCE = json.loads((FOLDER / "hypothesis.json").read_text(encoding="utf8"))
SEQUENTIAL = json.loads((FOLDER / "anova_type1.json").read_text(encoding="utf8"))


def table(name, within=REFERENCE):
    """Return a table of R as a frame."""
    found = within[name] if isinstance(name, str) else name
    values = [[np.nan if v is None else v for v in column] for column in found["values"]]
    return pd.DataFrame(dict(zip(found["columns"], values, strict=True)), index=found["rows"])


def warpbreaks():
    data = gf.datasets.load("warpbreaks")
    n = len(data)
    return data.assign(w=np.resize([1, 2, 0.5], n), o=np.resize([0.1, -0.2, 0.05, 0.0], n))


def infert():
    return gf.datasets.load("infert")


def fits(name):
    """Return the fit that R's script calls by this name."""
    if name == "poisson":
        return gf.poisson("breaks ~ wool * tension", warpbreaks()).fit()
    if name == "weighted":
        formula = "breaks ~ wool + tension + offset(o)"
        return gf.poisson(formula, warpbreaks(), var_weights="w").fit()
    if name == "quasi":
        return gf.glm("breaks ~ wool * tension", warpbreaks(), family="quasipoisson").fit()
    trees = gf.datasets.load("trees")
    if name == "gamma":
        return gf.glm("volume ~ log(girth) + height", trees, family="gamma", link="log").fit()
    if name == "normal":
        return gf.glm("volume ~ girth * height", trees).fit()
    if name == "logit":
        formula = "case ~ age + parity + education + spontaneous + induced"
        return gf.logit(formula, infert()).fit()
    return gf.probit("case ~ education * parity + age", infert()).fit()


NAMES = ("poisson", "weighted", "quasi", "gamma", "normal", "logit", "probit")
ESTIMATED = ("quasi", "gamma", "normal")


def refit(name):
    """Return the fit as the R script has it: probit with the expected information."""
    if name != "probit":
        return fits(name)
    formula = "case ~ education * parity + age"
    return gf.glm(formula, infert(), family="binomial", link="probit").fit()


@pytest.fixture(scope="module")
def results():
    return {name: refit(name) for name in NAMES}


def close(got, expected, rel=1e-8):
    # R's fits stop on the deviance: differences of two have that rounding
    np.testing.assert_allclose(
        np.asarray(got, dtype=float), np.asarray(expected, dtype=float), rtol=rel, atol=1e-9
    )


def pvalue_of(expected):
    return expected.filter(regex=r"^(Pr|P\()").iloc[:, -1]


# -- one fit ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_sequential_tests_are_those_of_anova(results, name):
    reference, result = REFERENCE["deviance"][name], results[name]
    for test in ("Rao",) if name == "quasi" else ("LR", "Rao"):
        expected = table(test, reference)
        got = result.anova(test=test).frame
        close(got["df"], expected["Df"])
        close(got["deviance"], expected["Deviance"])
        close(got["df_resid"], expected["Resid. Df"])
        close(got["deviance_resid"], expected["Resid. Dev"])
        close(got["pvalue"], pvalue_of(expected), 1e-6)
        if test == "Rao":
            close(got["statistic"] * result.scale, expected["Rao"], 1e-6)
    close(result.anova(test="Cp").frame["cp"], table("Cp", reference)["Cp"])
    if name in ESTIMATED:
        expected = table("F", reference)
        got = result.anova(test="F").frame
        close(got["statistic"], expected["F"])
        close(got["pvalue"], expected["Pr(>F)"], 1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["II", "III"])
@pytest.mark.parametrize("test", ["LR", "Wald", "F"])
def test_marginal_tests_are_those_of_car(results, name, kind, test):
    if test == "LR" and name == "quasi":
        # car divides a quasi-deviance by the dispersion; there is no likelihood in that
        with pytest.raises(NotAvailableError, match="quasi-likelihood"):
            results[name].anova(type=kind, test=test)
        return
    if test == "F" and name not in ESTIMATED:
        with pytest.raises(NotAvailableError, match="dispersion"):
            results[name].anova(type=kind, test=test)
        return
    expected = table(f"{kind}_{test}", REFERENCE["deviance"][name])
    expected = expected.drop(index=[n for n in ("(Intercept)", "Residuals") if n in expected.index])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormulaWarning)
        got = results[name].anova(type=kind, test=test).frame
    statistic = {"LR": "LR Chisq", "Wald": "Chisq"}.get(test)
    statistic = statistic or next(c for c in expected.columns if c.startswith("F"))
    close(got["df"], expected["Df"])
    close(got["statistic"], expected[statistic], 2e-7)
    close(got["pvalue"], pvalue_of(expected), 1e-6)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ESTIMATED])
def test_deletions_are_those_of_drop1(results, name):
    for test, column in (("LR", "LRT"), ("Rao", "Rao score")):
        expected = table(f"drop1_{test}", REFERENCE["deviance"][name])
        got = results[name].drop1(test).frame
        assert len(got) == len(expected)
        close(got["df"], expected["Df"])
        close(got["deviance"], expected["Deviance"])
        close(got["aic"], expected["AIC"])
        close(got["statistic"], expected[column], 1e-6)
        close(got["pvalue"], pvalue_of(expected), 1e-6)


def test_type_3_with_contrasts_that_sum_to_zero():
    result = gf.poisson("breaks ~ C(wool, Sum) * C(tension, Sum)", warpbreaks()).fit()
    expected = table("sum_contrasts")
    got = result.anova(type=3).frame  # and no warning
    close(got["statistic"], expected["LR Chisq"])


def test_type_3_with_reference_levels_warns(results):
    with pytest.warns(FormulaWarning, match=r"wool and tension are coded.*C\(wool, Sum\)"):
        results["poisson"].anova(type=3)


def test_additions_are_those_of_add1():
    data = warpbreaks()
    expected = table("poisson_LR", REFERENCE["add1"])
    got = gf.poisson("breaks ~ wool", data).fit().add1("tension + wool:tension").frame
    close(got["deviance"].iloc[:2], expected["Deviance"].iloc[:2])
    close(got["aic"].iloc[:2], expected["AIC"].iloc[:2])
    close(got["pvalue"].iloc[1], pvalue_of(expected).iloc[1], 1e-6)
    expected = table("poisson_Rao", REFERENCE["add1"])
    got = gf.poisson("breaks ~ 1", data).fit().add1(["wool", "tension"], test="Rao").frame
    close(got["statistic"], expected["Rao score"], 1e-6)


def test_a_column_comes_back_when_what_determines_it_is_dropped():
    data = warpbreaks()
    data["x"] = np.resize(np.arange(1, 10), len(data))
    data["x2"] = 2 * data["x"] - 1
    with pytest.warns(CollinearityWarning):
        result = gf.poisson("breaks ~ x + wool + x2", data).fit()
    expected = table("drop1", REFERENCE["aliased"])
    got = result.drop1().frame
    close(got["df"], expected["Df"])
    close(got["deviance"], expected["Deviance"])
    close(got["aic"], expected["AIC"])
    sequential = result.anova().frame
    assert sequential["df"].tolist()[1:] == [1, 1, 0]
    close(sequential["deviance"].iloc[1:3], table("anova", REFERENCE["aliased"])["Deviance"][1:3])
    assert np.isnan(sequential.loc["x2", "pvalue"])


@pytest.mark.parametrize("case", SEQUENTIAL["cases"], ids=lambda case: case["id"])
def test_published_sequential_tables(case):
    data = pd.DataFrame(case["data"])
    for column, levels in case["levels"].items():
        codes = pd.Categorical(data[column].astype(str), levels).codes
        data[column] = pd.Categorical.from_codes(codes, [f"level {level}" for level in levels])
    result = gf.glm(case["formula"], data, family=case["family"], link=case["link"]).fit()
    expected = case["anova_type1"]
    got = result.anova(test="LR").frame
    assert got.index.tolist() == expected["term"]
    for ours, theirs in (("df", "df"), ("df_resid", "resid_df"), ("deviance_resid", "resid_dev")):
        close(got[ours], [np.nan if v is None else v for v in expected[theirs]], 1e-10)
    close(got["deviance"].iloc[1:], expected["dev"][1:], 1e-9)
    close(got["pvalue"].iloc[1:], expected["p"][1:], 1e-8)


def test_without_a_constant_the_first_model_is_empty():
    data = warpbreaks()
    table_of = gf.poisson("breaks ~ 0 + wool + tension", data).fit().anova().frame
    y = data["breaks"].to_numpy()
    empty = 2.0 * np.sum(y * np.log(y) - (y - 1.0))  # every mean is exp(0)
    assert table_of.loc["NULL", "deviance_resid"] == pytest.approx(empty, rel=1e-12)
    assert table_of["df"].tolist()[1:] == [2, 2]
    assert table_of.loc["NULL", "df_resid"] == len(data)


# -- several fits -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nested():
    trees = gf.datasets.load("trees")
    formulas = ("volume ~ 1", "volume ~ log(girth)", "volume ~ log(girth) + height")
    return [gf.glm(f, trees, family="gamma", link="log").fit() for f in formulas]


def test_several_fits_are_those_of_anova(nested):
    reference = REFERENCE["several"]
    for test, column in (("F", "F"), ("LR", None), ("Rao", "Rao"), ("Cp", "Cp")):
        expected = table(f"gamma_{test}", reference)
        got = gf.anova(*nested, test=test).frame
        close(got["df"], expected["Df"])
        close(got["deviance"], expected["Deviance"])
        close(got["deviance_resid"], expected["Resid. Dev"])
        if test == "Cp":
            close(got["cp"], expected["Cp"])
            continue
        close(got["pvalue"], pvalue_of(expected), 1e-6)
        if column is not None:
            factor = nested[-1].scale if test == "Rao" else 1.0
            close(got["statistic"] * factor, expected[column], 1e-6)
    assert gf.anova(*nested).test == "F"


def test_fits_in_falling_order_lose_deviance(nested):
    rising = gf.anova(*nested).frame
    falling = gf.anova(*nested[::-1]).frame
    assert falling["df"].tolist()[1:] == [-1, -1]
    close(falling["pvalue"].iloc[1], rising["pvalue"].iloc[2])


def test_likelihoods_and_wald_are_those_of_lmtest(nested):
    reference = REFERENCE["several"]
    expected = table("gamma_lrtest", reference)
    got = gf.lr_test(nested[1], nested[2])
    # logLik of a Gamma glm in R has the dispersion deviance / n, not Pearson's
    ours = 2.0 * (nested[2].llf - nested[1].llf)
    assert got.statistic == pytest.approx(ours, rel=1e-12)
    assert got.df == expected["Df"].iloc[1]
    wald = gf.anova(*nested[1:], test="Wald").frame.iloc[1]
    expected = table("gamma_waldtest", reference).iloc[1]
    close(wald[["statistic", "pvalue"]], expected[["Chisq", "Pr(>Chisq)"]], 1e-6)
    trees = gf.datasets.load("trees")
    small, large = (gf.ols(f"volume ~ {r}", trees).fit() for r in ("girth", "girth * height"))
    expected = table("normal_lrtest", reference).iloc[1]
    got = gf.lr_test(large, small)
    close([got.df, got.statistic, got.pvalue], expected[["Df", "Chisq", "Pr(>Chisq)"]], 1e-8)
    close(large.lr_test("height + girth:height = 0, height").statistic, expected["Chisq"], 1e-8)
    expected = table("normal_waldtest_F", reference).iloc[1]
    wald = gf.anova(small, large, test="Wald")
    assert wald.test == "Wald F"
    close(wald.frame.iloc[1][["statistic", "pvalue"]], expected[["F", "Pr(>F)"]], 1e-6)


def test_a_fit_alone_is_taken_apart(results):
    assert gf.anova(results["poisson"]).frame.equals(results["poisson"].anova().frame)


def test_the_same_space_in_other_columns_is_nested():
    data = warpbreaks()
    data["z"] = np.linspace(0.0, 1.0, len(data))
    small = gf.poisson("breaks ~ I(3 * z - 1)", data).fit()
    large = gf.poisson("breaks ~ z + I(z ** 2)", data).fit()
    assert gf.lr_test(small, large).df == 1
    score = gf.anova(small, large, test="Rao").frame["statistic"].iloc[1]
    assert score == pytest.approx(large.score_test("I(z ** 2)").statistic, rel=1e-8)


# -- what cannot be compared -------------------------------------------------------------------


def test_fits_that_are_not_comparable_say_why():
    data = warpbreaks()
    wool = gf.poisson("breaks ~ wool", data).fit()
    with pytest.raises(ArgumentError, match=r"not nested: tension\[T.M\], tension\[T.H\] of"):
        gf.anova(gf.poisson("breaks ~ tension", data).fit(), gf.poisson("breaks ~ wool * w", data)
                 .fit())  # fmt: skip
    with pytest.raises(ArgumentError, match=r"different kinds \(Poisson, log link; Gaussian"):
        gf.anova(wool, gf.glm("breaks ~ wool", data).fit())
    with pytest.raises(AlignmentError, match="54 and 50"):
        gf.anova(wool, gf.poisson("breaks ~ tension + wool", data.iloc[:50]).fit())
    holes = data.assign(z=np.where(data.index == 7, np.nan, 1.0 + data.index))
    with pytest.raises(AlignmentError, match=r"1 row \(7\) in the first only, dropped.* for z"):
        gf.anova(wool, gf.poisson("breaks ~ wool + z", holes).fit())
    with pytest.raises(AlignmentError, match="offset"):
        gf.anova(wool, gf.poisson("breaks ~ wool + tension + offset(o)", data).fit())
    with pytest.raises(AlignmentError, match="var_weights"):
        gf.anova(wool, gf.poisson("breaks ~ wool + tension", data, var_weights="w").fit())
    with pytest.raises(AlignmentError, match="different responses"):
        gf.anova(wool, gf.poisson("I(breaks + 1) ~ wool + tension", data).fit())
    with pytest.raises(ArgumentTypeError, match="Call its fit"):
        gf.anova(wool, gf.poisson("breaks ~ wool", data))
    with pytest.raises(ArgumentTypeError, match="one or several"):
        gf.anova()
    with pytest.raises(ArgumentError, match="same number"):
        gf.lr_test(wool, wool)
    with pytest.raises(NotAvailableError, match="data were removed"):
        gf.anova(wool, gf.poisson("breaks ~ wool + tension", data).fit().remove_data())


def test_tests_that_do_not_apply_say_why(results):
    data = warpbreaks()
    robust = gf.poisson("breaks ~ wool + tension", data).fit(cov_type="HC1")
    for what in (robust.anova, robust.drop1):
        with pytest.raises(NotAvailableError, match=r"robust covariance \(HC1\).*test='Wald'"):
            what(test="LR")
        assert what().test == "Wald"
    assert robust.anova(type=2).frame.loc["wool", "statistic"] == pytest.approx(
        robust.wald_test("wool").statistic, rel=1e-12
    )
    firth = gf.poisson("breaks ~ wool + tension", data).fit(method="firth")
    with pytest.raises(NotAvailableError, match="penalized_lr_test"):
        firth.anova()
    with pytest.raises(NotAvailableError, match=r"known \(1\).*test='LR'"):
        results["poisson"].anova(test="F")
    scaled = gf.poisson("breaks ~ wool + tension", data).fit(scale="X2")
    assert scaled.anova().test == "F"
    with pytest.raises(NotAvailableError, match="does not hold with a dispersion"):
        scaled.lr_test("wool")
    with pytest.raises(NotAvailableError, match="estimated by Pearson"):
        scaled.add1("w")
    stopped = gf.poisson("breaks ~ wool", data)
    with pytest.warns(gf.errors.ConvergenceWarning):
        short = stopped.fit(maxiter=1)
    with pytest.raises(NotAvailableError, match="did not reach it"):
        short.anova()


def test_wrong_arguments(results):
    result = results["poisson"]
    with pytest.raises(ArgumentError, match="type must be 1, 2 or 3"):
        result.anova(4)
    with pytest.raises(ArgumentError, match=r"no test 'lrr'.*Did you mean 'lr"):
        result.anova(test="lrr")
    with pytest.raises(ArgumentError, match="Cp"):
        result.anova(type=2, test="Cp")
    with pytest.raises(ArgumentError, match="no test 'Cp'"):
        result.drop1(test="Cp")
    with pytest.raises(ArgumentError, match="every term"):
        result.add1("wool")
    arrays = gf.GLM([1.0, 2.0, 2.5, 4.0], [[1.0, 1], [1, 2], [1, 3], [1, 5]]).fit()
    with pytest.raises(NotAvailableError, match="model with a formula"):
        arrays.add1("z")
    holes = warpbreaks().assign(z=lambda d: np.where(d.index < 2, np.nan, 1.0 * d.index))
    with pytest.raises(MissingDataError, match=r"z has 2.*subset="):
        gf.poisson("breaks ~ wool", holes).fit().add1("z")


def test_arrays_are_taken_apart_by_column():
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(60), rng.normal(size=(60, 2))])
    y = rng.poisson(np.exp(0.3 + 0.4 * x[:, 1]))
    table_of = gf.GLM(y, x, family="poisson").fit().anova(type=2).frame
    assert table_of["df"].tolist() == [1, 1, 1]
    small = gf.GLM(y, x[:, :2], family="poisson").fit()
    large = gf.GLM(y, x, family="poisson").fit()
    assert table_of["statistic"].iloc[2] == pytest.approx(small.deviance - large.deviance, rel=1e-9)


# -- other models ---------------------------------------------------------------------------------


def test_a_conditional_logit():
    reference = REFERENCE["clogit"]
    formula = "case ~ spontaneous + induced"
    result = gf.conditional_logit(formula, infert(), groups="stratum").fit()
    expected = table("anova", reference)
    got = result.anova().frame
    close(-0.5 * got["deviance_resid"], expected["loglik"])
    close(got["statistic"].iloc[1:], expected["Chisq"].iloc[1:])
    close(got["pvalue"].iloc[1:], pvalue_of(expected).iloc[1:], 1e-6)
    assert result.drop1().frame.loc["spontaneous", "statistic"] == pytest.approx(
        reference["LR_spontaneous"], rel=1e-9
    )
    small = gf.conditional_logit("case ~ induced", infert(), groups="stratum").fit()
    assert gf.lr_test(small, result).statistic == pytest.approx(
        reference["LR_spontaneous"], rel=1e-9
    )
    added = small.add1("spontaneous").frame
    assert added["statistic"].iloc[1] == pytest.approx(reference["LR_spontaneous"], rel=1e-9)
    score = gf.anova(small, result, test="Rao").frame["statistic"].iloc[1]
    assert score == pytest.approx(result.score_test("spontaneous").statistic, rel=1e-10)
    with pytest.raises(AlignmentError, match="groups"):
        other = infert().assign(s=lambda d: d["stratum"].replace({1: 2}))
        gf.anova(small, gf.conditional_logit(formula, other, groups="s").fit())


def test_a_multinomial_logit():
    reference, housing = REFERENCE["multinomial"], gf.datasets.load("housing")

    def fit(right):
        return gf.mnlogit(f"sat ~ {right}", housing, freq_weights="freq").fit()

    large = fit("infl * cont + type")
    small = fit("infl + cont + type")
    for found in (
        large.drop1().frame.loc["infl:cont", "statistic"],
        large.anova(type=2).frame.loc["infl:cont", "statistic"],
        gf.anova(small, large).frame["statistic"].iloc[1],
        gf.lr_test(small, large).statistic,
        small.add1("infl:cont").frame.loc["infl:cont", "statistic"],
    ):
        assert found == pytest.approx(reference["LR_interaction"], rel=1e-8)
    assert large.anova().frame["df"].tolist()[1:] == [4, 2, 6, 4]
    other = gf.mnlogit("sat ~ infl", housing, freq_weights="freq", reference="High").fit()
    with pytest.raises(AlignmentError, match="order of levels"):
        gf.anova(other, small)


def test_an_ordinal_model():
    reference, housing = REFERENCE["ordinal"], gf.datasets.load("housing")

    def fit(right, **options):
        formula = f"sat ~ {right}"
        return gf.ordered(formula, housing, distr="logit", freq_weights="freq", **options).fit()

    large = fit("infl + cont + type")
    small = fit("infl + type")
    for found in (
        large.drop1().frame.loc["cont", "statistic"],
        gf.anova(small, large).frame["statistic"].iloc[1],
        small.add1("cont").frame.loc["cont", "statistic"],
    ):
        assert found == pytest.approx(reference["LR_cont"], rel=1e-8)
    free = fit("infl + cont + type", nonparallel=True)
    compared = gf.anova(large, free).frame.iloc[1]
    assert compared["df"] == 6
    assert compared["statistic"] == pytest.approx(reference["LR_parallel"], rel=1e-8)
    assert compared["statistic"] == pytest.approx(
        large.parallel_test().loc["(all)", "statistic"], rel=1e-9
    )
    with pytest.raises(ArgumentError, match="different kinds"):
        probit = gf.ordered("sat ~ infl", housing, freq_weights="freq").fit()
        gf.anova(probit, large)


def test_separated_fits_compare_suprema():
    reference = REFERENCE["separated"]
    endometrial = gf.datasets.load("endometrial")
    with pytest.warns(SeparationWarning):
        result = gf.logit("HG ~ NV + PI + EH", endometrial).fit()
    got = result.drop1()
    assert got.frame.loc["NV", "statistic"] == pytest.approx(reference["NV_LR"], rel=1e-8)
    assert "separated" in str(got)
    wald = result.drop1(test="Wald").frame
    assert np.isnan(wald.loc["NV", "statistic"])
    small = gf.logit("HG ~ PI + EH", endometrial).fit()
    assert gf.lr_test(small, result).statistic == pytest.approx(reference["NV_LR"], rel=1e-8)
    rao = gf.anova(small, result, test="Rao").frame["statistic"].iloc[1]
    # R takes the working weights of the iteration before the last
    assert rao == pytest.approx(reference["NV_Rao"], rel=1e-6)
    with pytest.raises(NotAvailableError, match="no Wald test"):
        gf.anova(small, result, test="Wald")


# -- how they look -----------------------------------------------------------------------------


def test_tables_print_and_give_frames(results):
    shown = results["quasi"].anova(type=2)
    text = str(shown)
    assert "Analysis of Deviance, Type II" in text
    assert "Response: breaks. QuasiPoisson, log link." in text
    assert "Dispersion 3.76388 with 48 residual degrees of freedom" in text
    assert shown._repr_html_().startswith("<")
    assert repr(shown) == text
    assert shown.summary_frame() is shown.frame
    assert shown.table is shown.frame
    assert "aic" not in results["quasi"].drop1().frame
    assert math.isnan(results["poisson"].drop1().frame["df"].iloc[0])
