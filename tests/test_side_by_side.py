"""Several fits side by side: numbers, layout, and what is refused."""

import re

import numpy as np
import pandas as pd
import pytest

import glmfit as gf


@pytest.fixture(scope="module")
def fits():
    challenger = gf.datasets.load("challenger")
    return {
        "logit": gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit(),
        "probit": gf.probit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit(),
        "two": gf.logit("O_RING_FAILURE ~ TEMPERATURE + PRESSURE", challenger).fit(),
    }


TEXT = """\
                              Comparison of fits
==============================================================================
                                   logit                     two
------------------------------------------------------------------------------
Intercept                       15.0429*                13.2924
                                (7.3786)                (7.6640)
TEMPERATURE                     -0.2322*                -0.2287*
                                (0.1082)                (0.1100)
PRESSURE                                                 0.0104
                                                        (0.0090)
------------------------------------------------------------------------------
Observations                    23                      23
Pseudo R-squared                 0.28131                 0.33555
Log-likelihood                 -10.1576                 -9.3910
AIC                             24.315                  24.782
BIC                             26.586                  28.189
Deviance                        20.315                  18.782
==============================================================================
Standard errors in parentheses.
* p < 0.05, ** p < 0.01, *** p < 0.001."""


def test_the_text(fits):
    two = {name: fits[name] for name in ("logit", "two")}
    assert gf.compare(two, "text", stars=True) == TEXT
    summary = gf.compare(two, stars=True)
    assert str(summary) == TEXT and summary.as_html() == gf.compare(two, "html", stars=True)


@pytest.mark.parametrize("exponentiate", [False, True])
@pytest.mark.parametrize("statistic", ["std_error", "statistic", "p_value", "conf_int", None])
def test_the_frame_holds_the_numbers(fits, statistic, exponentiate):
    frame = gf.compare(fits, "df", statistic=statistic, exponentiate=exponentiate, conf_level=0.9)
    assert list(frame.columns) == ["part", "term", "statistic", *fits]
    keys = {"conf_int": ["conf_low", "conf_high"], None: []}.get(statistic, [statistic])
    for name, result in fits.items():
        tidy = result.tidy(True, exponentiate, conf_level=0.9).set_index("term")
        rows = frame[frame["part"] == "estimates"].set_index(["term", "statistic"])[name]
        assert rows.notna().sum() == len(tidy) * (1 + len(keys))
        for term in tidy.index:
            for key in ("estimate", *keys):
                assert rows[term, key] == tidy.loc[term, key]
        gof = frame[frame["part"] == "gof"].set_index("statistic")[name]
        assert gof["aic"] == result.aic and gof["pseudo_r_squared"] == result.prsquared


def test_rows_that_a_fit_lacks_are_blank(fits):
    frame = gf.compare(fits, "df").set_index(["term", "statistic"])
    assert frame.loc[("PRESSURE", "estimate"), ["logit", "probit"]].isna().all()
    assert "nan" not in gf.compare(fits, "text")


def test_intervals_and_p_values_below(fits):
    text = gf.compare(fits, "text", statistic="conf_int")
    assert "[-0.4443, -0.0200]" in text and "95% intervals in brackets." in text
    text = gf.compare(fits, "text", statistic="p_value")
    assert "(0.032)" in text and "p-values in parentheses." in text
    text = gf.compare(fits, "text", statistic=None)
    assert "(" not in text


def test_terms_are_chosen_ordered_and_renamed(fits):
    frame = gf.compare(fits, "df", terms={"TEMPERATURE": "degrees", "Intercept": "constant"})
    assert frame["term"][frame["part"] == "estimates"].unique().tolist() == ["degrees", "constant"]
    text = gf.compare(fits, "text", terms=["PRESSURE"], measures=["nobs"])
    assert "TEMPERATURE" not in text and "AIC" not in text and "Observations" in text
    with pytest.raises(gf.errors.ArgumentError, match="Did you mean 'PRESSURE'"):
        gf.compare(fits, terms=["PRESURE"])
    with pytest.raises(gf.errors.ArgumentError, match="Did you mean 'aic'"):
        gf.compare(fits, measures=["aicc"])


def test_a_term_stands_after_those_before_it():
    trees = gf.datasets.load("trees")
    one = gf.ols("volume ~ girth + height", trees).fit()
    other = gf.ols("volume ~ girth + I(girth ** 2) + height", trees).fit()
    frame = gf.compare([one, other], "df", statistic=None)
    assert frame["term"][frame["part"] == "estimates"].tolist() == [
        "Intercept", "girth", "I(girth ** 2)", "height",
    ]  # fmt: skip
    assert list(frame.columns[3:]) == ["(1)", "(2)"]


def test_every_class_of_models_has_its_column():
    housing, infert = gf.datasets.load("housing"), gf.datasets.load("infert")
    warpbreaks = gf.datasets.load("warpbreaks")
    fits = {
        "multinomial": gf.mnlogit("sat ~ cont", housing, freq_weights="freq").fit(),
        "ordinal": gf.ordered("sat ~ cont", housing, freq_weights="freq", distr="logit").fit(),
        "conditional": gf.conditional_logit("case ~ induced", infert, groups="stratum").fit(),
        "robust": gf.ols("breaks ~ wool", warpbreaks).fit(cov_type="HC3"),
        "quasi": gf.glm("breaks ~ wool", warpbreaks, gf.families.QuasiPoisson()).fit(),
    }
    frame = gf.compare(fits, "df").set_index("term")
    assert "High: cont[T.High]" in frame.index and "Low|Medium" in frame.index
    text = gf.compare(fits, "text")
    assert re.search(r"Covariance +nonrobust +nonrobust +nonrobust +HC3 +nonrobust", text)
    assert re.search(r"Response +sat +sat +case +breaks +breaks", text)
    assert "different numbers of observations" in text
    assert "nan" not in text


def test_what_has_no_finite_estimate_is_told():
    data = pd.DataFrame({"x": [1.0, 2, 3, 4], "z": [2.0, 4, 6, 8], "y": [0, 0, 1, 1]})
    with pytest.warns(gf.errors.GlmfitWarning):
        separated = gf.logit("y ~ x + z", data).fit()
    text = gf.compare({"a": separated}, "text")
    assert "inf" in text and "aliased" in text
    assert "a: the data are separated" in text
    infert = gf.datasets.load("infert")
    lasso = gf.logit("case ~ induced", infert).fit_regularized(alpha=0.01, L1_wt=1.0)
    assert "(" not in gf.compare({"lasso": lasso}, "text").splitlines()[4]


def test_wrong_arguments_are_refused(fits):
    with pytest.raises(gf.errors.ArgumentError, match="Did you mean 'latex'"):
        gf.compare(fits, "latx")
    with pytest.raises(gf.errors.ArgumentError, match="statistic must be"):
        gf.compare(fits, statistic="se")
    with pytest.raises(gf.errors.ArgumentTypeError, match="several fits"):
        gf.compare(fits["logit"])
    with pytest.raises(gf.errors.ArgumentTypeError, match="no fitted model"):
        gf.compare({"a": fits["logit"].model})
    with pytest.raises(gf.errors.ArgumentError, match="no fit"):
        gf.compare({})


def test_names_are_escaped():
    data = pd.DataFrame({"x_1": np.arange(6.0), "y": [1.0, 3, 2, 5, 4, 7]})
    fit = gf.ols("y ~ x_1", data).fit()
    assert "&lt;b&gt;" in gf.compare({"<b>": fit}, "html")
    assert r"x\_1" in gf.compare({"50%": fit}, "latex") and r"50\%" in gf.compare(
        {"50%": fit}, "latex"
    )


def test_rules_stand_between_estimates_and_measures(fits):
    assert gf.compare(fits, "latex").count(r"\midrule") == 2
    assert gf.compare(fits, "html").count('<tr class="glmfit-ruled">') == 1
    assert gf.compare(fits, "latex", statistic="conf_int").count("{[}$-$0.4443, $-$0.0200{]}") == 1
