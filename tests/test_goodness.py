"""Tests of fit, ROC curves and calibration against R.

The values and the script that made them stand in tests/reference/goodness.*.
"""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.errors import (
    ArgumentError,
    DataError,
    DataWarning,
    FitError,
    NotAvailableError,
    SeparationWarning,
)
from glmfit.inference import discrimination, goodness

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "goodness.json").read_text(encoding="utf8")
)
DATA = pd.DataFrame(REFERENCE["data"])
NEW = pd.DataFrame(REFERENCE["new"])
LONG = DATA.loc[DATA.index.repeat(DATA["f"])].reset_index(drop=True)


def binary(data=DATA, **options):
    return gf.logit("y ~ x + z", data, **options).fit()


def counts(data=DATA, **options):
    return gf.poisson("count ~ x + z", data, **options).fit()


def trials(data=DATA, **options):
    return gf.logit("s + I(m - s) ~ x", data, **options).fit()


def near(got, want, rel=1e-8):
    assert got == pytest.approx(want, rel=rel, abs=1e-12)


# --- groups and sums of squares -----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "result", "n_groups"),
    [
        ("hosmer_lemeshow", binary(), 10),
        ("hosmer_lemeshow_7", binary(), 7),
        ("hosmer_lemeshow_frequencies", binary(freq_weights="f"), 10),
        ("hosmer_lemeshow_frequencies", binary(LONG), 10),
    ],
)
def test_hosmer_lemeshow(name, result, n_groups):
    want, test = REFERENCE[name], result.hosmer_lemeshow_test(n_groups)
    near(test.statistic, want["statistic"])
    near(test.pvalue, want["p"])
    assert test.df == want["df"]
    np.testing.assert_array_equal(test.table["observed"], want["observed"])
    np.testing.assert_array_equal(test.table["count"], want["count"])
    np.testing.assert_allclose(test.table["expected"], want["expected"], rtol=1e-8)


def test_ties_stay_together():
    """A factor alone leaves as many groups as it has levels, and fits them."""
    test = gf.logit("y ~ g", DATA).fit().hosmer_lemeshow_test()
    want = REFERENCE["hosmer_lemeshow_ties"]
    np.testing.assert_array_equal(test.table["count"], want["count"])
    assert test.statistic == pytest.approx(0.0, abs=1e-20)
    assert test.df == 1
    assert "3 groups" in test.note
    assert "10 were asked for" in test.note
    with pytest.raises(FitError, match="form 2 groups, and the test needs 3"):
        gf.logit("y ~ I(x > 0)", DATA).fit().hosmer_lemeshow_test()


def test_trials_are_single_observations():
    rows = []
    for row in DATA.itertuples():
        rows += [{"x": row.x, "y": float(k < row.s)} for k in range(row.m)]
    single = gf.logit("y ~ x", pd.DataFrame(rows)).fit()
    grouped = trials()
    near(grouped.hosmer_lemeshow_test().statistic, single.hosmer_lemeshow_test().statistic)
    near(grouped.unweighted_squares_test().statistic, single.unweighted_squares_test().statistic)
    near(grouped.roc().auc, single.roc().auc)
    near(grouped.roc().se, single.roc().se)
    near(grouped.spiegelhalter_test().statistic, single.spiegelhalter_test().statistic)
    near(grouped.calibration().intercept_se, single.calibration().intercept_se)


def test_unweighted_squares():
    """The z of residuals(lrm(...), "gof") of rms is that of 0/1 less its expectation."""
    test, want = binary().unweighted_squares_test(), REFERENCE["unweighted"]
    near(test.statistic, want["Z"], rel=1e-6)
    near(test.pvalue, want["P"], rel=1e-6)
    near(
        binary(freq_weights="f").unweighted_squares_test().statistic,
        binary(LONG).unweighted_squares_test().statistic,
    )


# --- columns added ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["score", "lr"])
def test_added_columns(method):
    near(binary().stukel_test(method).statistic, REFERENCE["stukel"][method], rel=1e-7)
    assert binary().stukel_test(method).df == 2
    near(binary().link_test(method).statistic, REFERENCE["link"][method], rel=1e-7)
    near(counts().link_test(method).statistic, REFERENCE["link_poisson"][method], rel=1e-7)
    near(
        binary(freq_weights="f").stukel_test(method).statistic,
        binary(LONG).stukel_test(method).statistic,
    )


@pytest.mark.parametrize("method", ["score", "lr"])
def test_link_test_with_an_estimated_dispersion(method):
    """R's statistic is not divided by the dispersion; ours is an F at that of the fit."""
    result = gf.glm("I(z + 0.05) ~ x", DATA, gf.families.Gamma("log")).fit()
    test = result.link_test(method)
    want = REFERENCE["link_gamma"][method] / REFERENCE["gamma_dispersion"]
    near(test.statistic, want, rel=1e-6)
    assert (test.df, test.df_denom) == (1, 158)
    assert "F = " in test.in_words


def test_what_the_columns_determine_cannot_be_tested():
    test = gf.logit("y ~ I(x > 0)", DATA).fit().link_test()
    assert test.df == 0
    assert math.isnan(test.pvalue)
    assert "determined by the model's own" in test.note


def test_stukel_with_a_tail_that_is_separated():
    """The three largest probabilities of the Challenger are all events."""
    challenger = gf.datasets.load("challenger")
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
    assert math.isnan(result.stukel_test("lr").pvalue)
    assert "no finite estimates" in result.stukel_test("lr").note
    assert result.stukel_test().pvalue > 0.5


# --- dispersion and zeros -----------------------------------------------------------------


def test_dispersion_of_counts():
    result = counts()
    for form in ("quadratic", "linear"):
        near(result.dispersion_test(form=form).statistic, REFERENCE["dean"][form])
        near(
            result.dispersion_test("cameron-trivedi", form=form).statistic,
            REFERENCE["cameron_trivedi"][form],
        )
    want = REFERENCE["cameron_trivedi"]["estimate"]
    assert f"a = {want:.4g}" in result.dispersion_test("cameron-trivedi").note
    for kind in ("dean", "cameron-trivedi"):
        for form in ("quadratic", "linear"):
            short, long = (
                fit.dispersion_test(kind, form=form).statistic
                for fit in (counts(freq_weights="f"), counts(LONG))
            )
            near(short, long)


def test_alternatives():
    result = counts()
    two, up, down = (
        result.dispersion_test(alternative=name).pvalue for name in ("two-sided", "greater", "less")
    )
    near(two, 2 * up)
    near(up + down, 1.0)
    with pytest.raises(ArgumentError, match="alternative must be"):
        result.dispersion_test(alternative="more")


@pytest.mark.parametrize("m", [2, 5])
@pytest.mark.parametrize("p", [0.2, 0.6])
def test_deans_binomial_statistic_is_standard(m, p):
    """Over all outcomes of one row, by their probabilities: mean 0 and variance 1."""
    mass = [math.comb(m, k) * p**k * (1 - p) ** (m - k) for k in range(m + 1)]
    one = np.ones(1)
    z = [
        goodness.dean_binomial(
            one * k, one * m, one * p, one, alternative="two-sided"
        ).statistic
        for k in range(m + 1)
    ]  # fmt: skip
    assert np.dot(mass, z) == pytest.approx(0.0, abs=1e-14)
    assert np.dot(mass, np.square(z)) == pytest.approx(1.0, rel=1e-13)


def test_dispersion_of_trials():
    """The trials were drawn with a random effect of each row."""
    assert trials().dispersion_test().statistic > 3
    with pytest.raises(NotAvailableError, match="Binary responses cannot be overdispersed"):
        binary().dispersion_test()
    with pytest.raises(ArgumentError, match="one dispersion test, Dean's"):
        trials().dispersion_test("cameron-trivedi")


def test_zeros():
    test, want = counts().zero_test(), REFERENCE["zeros"]
    near(test.statistic, want["z"])
    near(test.table.loc["zeros", "expected"], want["expected"])
    assert test.table.loc["zeros", "observed"] == want["observed"]
    near(counts(freq_weights="f").zero_test().statistic, counts(LONG).zero_test().statistic)
    family = gf.families.NegativeBinomial(alpha=0.5)
    test = gf.glm("count ~ x", DATA, family).fit().zero_test()
    assert abs(test.statistic) < 2
    assert "conservative" in test.note


# --- residual chi-squares -------------------------------------------------------------------


def test_residual_chi_squares():
    result = trials()
    near(result.pearson_test().statistic, REFERENCE["pearson"])
    near(result.deviance_test().statistic, REFERENCE["deviance"])
    assert result.pearson_test().df == 158
    assert result.pearson_test().pvalue < 0.01
    assert "not met" in result.pearson_test().note
    beetles = gf.datasets.load("beetles")
    assert "is met" in gf.logit("killed + survived ~ log_dose", beetles).fit().pearson_test().note


def test_binary_responses_say_nothing_by_their_deviance():
    for test in (binary().deviance_test(), binary().pearson_test()):
        assert math.isnan(test.pvalue)
        assert "no p-value" in str(test)
        assert "binary" in test.note


# --- discrimination and calibration ---------------------------------------------------------


def check_roc(found, want):
    near(found.auc, want["auc"])
    near(found.se, want["se"])
    np.testing.assert_allclose(found.conf_int(), want["interval"], rtol=1e-8)


def test_roc():
    check_roc(binary().roc(), REFERENCE["roc"])
    check_roc(binary(freq_weights="f").roc(), REFERENCE["roc_frequencies"])
    check_roc(binary().roc(NEW), REFERENCE["roc_new"])
    frame = binary().roc().to_frame()
    x, y = frame["false_positive_rate"], frame["true_positive_rate"]
    area = float(np.sum(np.diff(x) * (y.to_numpy()[1:] + y.to_numpy()[:-1]) / 2))
    near(area, binary().roc().auc)
    assert (x.iloc[0], y.iloc[0], x.iloc[-1], y.iloc[-1]) == (0, 0, 1, 1)


def test_delong_test_of_two_models():
    full, part = binary().roc(), gf.logit("y ~ x", DATA).fit().roc()
    near(full.test(part).statistic, REFERENCE["delong"]["z"])
    near(full.test(part).pvalue, REFERENCE["delong"]["p"])
    near(part.test(full).statistic, -REFERENCE["delong"]["z"])
    with pytest.raises(DataError, match="same rows"):
        full.test(binary(DATA.iloc[1:]).roc())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=12
    )
)
def test_the_area_counts_pairs(rows):
    """The area is the share of pairs in the right order, and weights are repeated rows."""
    score, events, others = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if not (events.sum() and others.sum()):
        with pytest.raises(DataError, match="needs events and non-events"):
            discrimination.roc(score, events, others, "y")
        return
    positive = np.repeat(score, events.astype(int))
    negative = np.repeat(score, others.astype(int))
    pairs = np.subtract.outer(positive, negative)
    found = discrimination.roc(score, events, others, "y")
    assert found.auc == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)), abs=1e-12)
    flipped = discrimination.roc(-score, events, others, "y")
    assert flipped.auc == pytest.approx(1.0 - found.auc, abs=1e-12)
    assert flipped.se == pytest.approx(found.se, nan_ok=True)


def test_hand_and_till():
    seen = np.array([[level == own for own in "abc"] for level in DATA["k"]], dtype=float)
    near(
        discrimination.hand_till(np.array(REFERENCE["probabilities"]), seen), REFERENCE["hand_till"]
    )
    result = gf.mnlogit("k ~ x + z", DATA).fit()
    fitted = result.fittedvalues.to_numpy()
    np.testing.assert_allclose(fitted, REFERENCE["probabilities"], atol=1e-4)  # nnet's precision
    near(result.hand_till_auc(), discrimination.hand_till(fitted, seen))
    first = result.roc("a")
    assert first.event == "k=a"
    assert first.events.sum() == (DATA["k"] == "a").sum()
    with pytest.raises(ArgumentError, match="'d' is not a level of k"):
        result.roc("d")
    weighted = gf.mnlogit("k ~ x + z", DATA, freq_weights="f").fit()
    near(weighted.hand_till_auc(), gf.mnlogit("k ~ x + z", LONG).fit().hand_till_auc())


def test_calibration():
    found = binary().calibration(NEW)
    (intercept, intercept_se), (slope, slope_se) = REFERENCE["calibration"]["line"]
    near(found.intercept, intercept)
    near(found.slope, slope)
    near(found.intercept_se, intercept_se, rel=1e-7)
    near(found.slope_se, slope_se, rel=1e-7)
    near(found.in_the_large, REFERENCE["calibration"]["large"])
    assert found.to_frame()["count"].sum() == len(NEW)
    own = binary().calibration()
    assert own.intercept == pytest.approx(0.0, abs=1e-10)
    assert own.slope == pytest.approx(1.0, rel=1e-10)
    assert "by construction" in own.note
    assert "by construction" not in found.note


def test_spiegelhalter():
    test = binary().spiegelhalter_test()
    near(test.statistic, REFERENCE["brier"]["z"], rel=1e-6)
    near(binary().spiegelhalter_test(NEW).statistic, REFERENCE["brier_new"]["z"])
    near(binary().brier(NEW), REFERENCE["brier_new"]["score"])


# --- how they show themselves, and what they refuse -------------------------------------------


def test_tests_print_and_give_frames():
    test = binary().hosmer_lemeshow_test()
    text = str(test)
    assert text.startswith("Hosmer-Lemeshow test: chi-square = 4.544 on 8 df, p = 0.805\n")
    assert "Tested: the fitted probabilities are right in every group." in text
    frame = test.to_frame()
    assert frame.loc["Hosmer-Lemeshow test", "statistic"] == test.statistic
    assert str(binary().roc()).startswith("ROC for y: area 0.6952, 95% interval 0.6142 to 0.7762")
    assert "slope 0.4686" in str(binary().calibration(NEW))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: counts().roc(), NotAvailableError, "The ROC curve is for binomial models"),
        (lambda: counts().stukel_test(), NotAvailableError, "with the logit link"),
        (
            lambda: gf.probit("y ~ x", DATA).fit().unweighted_squares_test(),
            NotAvailableError,
            "the Binomial family with the probit link",
        ),
        (lambda: binary().zero_test(), NotAvailableError, "counts with a known dispersion"),
        (lambda: gf.ols("z ~ x", DATA).fit().pearson_test(), NotAvailableError, "known disp"),
        (
            lambda: gf.glm("count ~ x", DATA, "quasipoisson").fit().dispersion_test(),
            NotAvailableError,
            "Poisson and binomial models",
        ),
        (
            lambda: gf.poisson("count ~ x", DATA).fit(scale="X2").pearson_test(),
            NotAvailableError,
            "was given or estimated",
        ),
        (
            lambda: gf.poisson("count ~ x", DATA, var_weights="f").fit().zero_test(),
            NotAvailableError,
            "has none with variance weights",
        ),
        (
            lambda: gf.logit("y ~ x", DATA).fit(method="firth").stukel_test(),
            NotAvailableError,
            "bias-reduced",
        ),
        (lambda: binary().hosmer_lemeshow_test(2), ArgumentError, "at least 3"),
        (lambda: binary().link_test("wald"), ArgumentError, "method must be 'score' or 'lr'"),
        (lambda: counts().dispersion_test("lm"), ArgumentError, "kind must be"),
        (lambda: counts().dispersion_test(form="cubic"), ArgumentError, "form must be"),
        (lambda: binary().roc(NEW, weights=1), ArgumentError, "no argument 'weights'"),
    ],
)  # fmt: skip
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_separated_fits():
    y = np.repeat([0.0, 1.0], 6)
    with pytest.warns(SeparationWarning):
        result = gf.logit("y ~ x", {"y": y, "x": np.arange(12.0)}).fit()
    assert result.roc().auc == 1.0
    with pytest.raises(NotAvailableError, match="the data are separated"):
        result.hosmer_lemeshow_test()
    with pytest.raises(NotAvailableError, match="0 or 1, which have no logit"):
        result.calibration()


def test_new_data_with_missing_values():
    new = NEW.copy()
    new.loc[3, "x"] = np.nan
    with pytest.warns(DataWarning, match="1 of 60 rows"):
        found = binary().roc(new)
    near(found.auc, binary().roc(NEW.drop(index=3)).auc)
