"""Models of counts side by side: Vuong's tests, tests at boundaries, frequencies, residuals.

Reference values: tests/reference/compare_counts.R (MASS, pscl).
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import glmfit as gf
from glmfit.counts import (
    GeneralizedPoissonCount,
    Hurdle,
    LimitedCount,
    NegativeBinomialCount,
    PlainCount,
    PoissonCount,
    ZeroInflated,
)
from glmfit.errors import ArgumentError, BoundaryWarning, FormulaError, NotAvailableError

FOLDER = Path(__file__).parent / "reference"
R = json.loads((FOLDER / "compare_counts.json").read_text(encoding="utf8"))
QUINE = gf.datasets.load("quine")
FORMULA = "days ~ eth + sex + age + lrn"


@pytest.fixture(scope="module")
def found():
    return gf.compare_counts(FORMULA, QUINE, inflation="~ sex")


def test_likelihoods_and_frequencies_are_those_of_r(found):
    for name, llf in R["llf"].items():
        assert found.frame.loc[name, "log_lik"] == pytest.approx(llf, rel=1e-9)
        expected = R["frequencies"][name]
        assert found.frame.loc[name, "zeros"] == pytest.approx(expected[0], rel=1e-5)
        frame = found.fits[name].count_frequencies(5)
        np.testing.assert_allclose(frame["expected"], expected, rtol=2e-5)
        seen = [(QUINE["days"] == k).sum() for k in range(6)]
        np.testing.assert_array_equal(frame["observed"], seen)
        np.testing.assert_allclose(frame["top"] - frame["bottom"], np.sqrt(seen), rtol=1e-12)


@pytest.mark.parametrize("case", R["vuong"], ids=lambda case: case["first"])
def test_vuong_tests_are_those_of_pscl(found, case):
    both = (found.vuong["first"] == case["first"]) & (found.vuong["second"] == case["second"])
    mine = found.vuong[both].set_index("correction")
    np.testing.assert_allclose(mine["statistic"], case["statistic"], rtol=1e-6)
    assert list(mine.index) == ["raw", "aic", "bic"]
    np.testing.assert_allclose(mine["pvalue"], 2 * stats.norm.sf(np.abs(mine["statistic"])))


def test_rows_agree_with_the_fits(found):
    frame = found.frame
    for name, fit in found.fits.items():
        assert frame.loc[name, "df"] == fit.record.rank
        if name == "quasi-Poisson":
            assert math.isnan(frame.loc[name, "log_lik"])
            assert frame.loc[name, "dispersion"] == pytest.approx(fit.scale)
            continue
        assert frame.loc[name, "aic"] == fit.aic
    nb = found.fits["NB2"]
    chi2 = (nb.resid_pearson**2).sum()
    assert frame.loc["NB2", "dispersion"] == pytest.approx(chi2 / nb.df_resid, rel=1e-12)
    test = nb.overdispersion_test()
    assert frame.loc["NB2", "lr"] == pytest.approx(test.statistic, rel=1e-9)
    assert frame.loc["NB2", "lr_pvalue"] == pytest.approx(test.pvalue)
    # the inflation depends on a column, so that it has no test at one end of a range
    assert math.isnan(frame.loc["ZIP", "lr"])
    one = gf.compare_counts(FORMULA, QUINE).frame
    lr = 2.0 * (one.loc["ZIP", "log_lik"] - one.loc["Poisson", "log_lik"])
    assert one.loc["ZIP", "lr"] == pytest.approx(lr)
    assert one.loc["ZIP", "lr_pvalue"] == pytest.approx(0.5 * special.chdtrc(1, lr))
    text = str(found)
    assert "9 zeros were seen" in text and "Vuong: against NB2" in text


def test_frequencies_are_repeated_rows():
    data = QUINE.assign(w=np.arange(len(QUINE)) % 3)
    weighted = gf.compare_counts("days ~ sex", data, freq_weights="w")
    rows = data.loc[data.index.repeat(data["w"])].reset_index(drop=True)
    repeated = gf.compare_counts("days ~ sex", rows)
    plain = [name for name in weighted.frame.columns if name != "note"]
    np.testing.assert_allclose(
        weighted.frame[plain].astype(float), repeated.frame[plain].astype(float), rtol=1e-7
    )


def test_what_cannot_be_fitted_says_why():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = gf.compare_counts("days ~ sex", QUINE.assign(days=QUINE["days"] + 1))
    assert list(found.fits) == ["Poisson", "quasi-Poisson", "NB1", "NB2"]
    assert (found.frame.loc["ZIP":, "note"] == "not fitted").all()
    assert any(note.startswith("ZIP: days has no zeros") for note in found.notes)


def test_fits_at_an_end_say_so_and_agree():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=200), "y": rng.binomial(10, 0.2, size=200)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = gf.compare_counts("y ~ x", data)
    assert found.frame.loc["NB2", "note"] == "alpha = 0"
    assert found.frame.loc["ZINB", "note"] == "alpha = 0, limit"
    assert (found.frame.loc["NB2", "lr"], found.frame.loc["NB2", "lr_pvalue"]) == (0.0, 1.0)
    # they are the same model
    assert math.isnan(found.frame.loc["NB2", "vuong_aic"])


def test_faults_of_formula_and_data_are_raised():
    with pytest.raises(FormulaError):
        gf.compare_counts("days ~ sexx", QUINE)
    found = gf.compare_counts("days ~ x", QUINE.assign(x=np.r_[np.nan, np.arange(145.0)]))
    assert "1 row was left out for a missing value." in found.notes
    assert (found.fits["ZIP"].nobs, found.fits["Poisson"].nobs) == (145, 145)


def test_at_the_boundary_own_rows_are_predicted():
    """The predictors of a zero-inflated fit at alpha = 0 had one column too many."""
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.normal(size=300)})
    data["y"] = np.where(rng.random(300) < 0.4, 0, rng.binomial(6, 0.5, 300))
    with pytest.warns(BoundaryWarning):
        result = gf.zeroinflated("y ~ x", data, dist="negativebinomial").fit()
    plain = gf.zeroinflated("y ~ x", data).fit()
    np.testing.assert_allclose(result.predict(), plain.predict(), rtol=1e-8)


# -- quantile residuals ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "likelihood",
    [
        PlainCount(PoissonCount()),
        PlainCount(NegativeBinomialCount()),
        PlainCount(GeneralizedPoissonCount()),
        ZeroInflated(NegativeBinomialCount(power=1.0)),
        Hurdle(NegativeBinomialCount()),
        Hurdle(PoissonCount()),
        LimitedCount(NegativeBinomialCount(), above=1),
    ],
    ids=str,
)
def test_tails_are_sums_of_the_probabilities(likelihood):
    values = {"inflate": 0.4, "mean": 0.9, "alpha": 0.3}
    eta = np.tile([values[part] for part in likelihood.parts], (400, 1))
    counts = np.arange(400.0)
    share = np.exp(likelihood.log_probability(counts, eta))
    tails = likelihood.tails(counts, eta)
    total = np.cumsum(share)
    np.testing.assert_allclose(tails.at_or_below, total, rtol=1e-11)
    np.testing.assert_allclose(tails.below, total - share, rtol=1e-9, atol=1e-14)
    above = np.cumsum(share[::-1])[::-1]
    np.testing.assert_allclose(tails.at_or_above[:40], above[:40], rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(tails.above[:40], above[1:41], rtol=1e-8, atol=1e-15)


def test_counts_that_stand_for_more_take_what_is_left():
    likelihood = LimitedCount(PoissonCount(), top=3)
    tails = likelihood.tails(np.array([2.0, 3.0]), np.log([[2.0], [2.0]]))
    np.testing.assert_allclose(tails.at_or_below, [stats.poisson(2).cdf(2), 1.0])
    np.testing.assert_allclose(tails.below[1], stats.poisson(2).cdf(2))


def test_quantile_residuals_are_normal_where_the_model_is_right():
    rng = np.random.default_rng(8)
    n = 2000
    data = pd.DataFrame({"x": rng.normal(size=n)})
    mu = np.exp(0.8 + 0.4 * data["x"])
    data["y"] = np.where(rng.random(n) < 0.3, 0, rng.poisson(mu * rng.gamma(2.0, 0.5, n)))
    result = gf.zeroinflated("y ~ x", data, dist="negativebinomial").fit()
    values = result.resid_quantile(seed=1)
    assert stats.kstest(values, "norm").pvalue > 0.05
    frame = result.residual_quantiles(seed=1)
    np.testing.assert_allclose(frame["residual"], np.sort(values))
    wrong = gf.zeroinflated("y ~ x", data).fit().resid_quantile(seed=1)
    assert stats.kstest(wrong, "norm").pvalue < 1e-3
    nb = gf.negativebinomial("y ~ x", data).fit()
    glm = gf.glm("y ~ x", data, gf.families.NegativeBinomial(alpha=nb.alpha)).fit()
    np.testing.assert_allclose(nb.resid_quantile(3), glm.resid_quantile(3), rtol=1e-6)
    np.testing.assert_allclose(nb.get_resid("pearson"), nb.resid_pearson)
    with pytest.raises(NotAvailableError, match="response, pearson, quantile"):
        nb.get_resid("deviance")


def test_frequencies_of_a_negative_limit_are_refused():
    result = gf.poisson("days ~ sex", QUINE).fit()
    with pytest.raises(ArgumentError, match="largest is a count"):
        result.count_frequencies(-1)
    frame = result.count_frequencies()
    assert frame["observed"].sum() == len(QUINE)
    with pytest.raises(NotAvailableError):
        gf.ols("days ~ sex", QUINE).fit().count_frequencies(2)


# -- single rows, and the page of findings -----------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda data: gf.negativebinomial("days ~ sex + eth", data),
        lambda data: gf.zeroinflated("days ~ sex", data, inflation="~ sex"),
        lambda data: gf.hurdle("days ~ sex", data, dist="negativebinomial"),
        lambda data: gf.generalizedpoisson("days ~ sex", data),
    ],
    ids=["nb", "zip", "hurdle nb", "gp"],
)
def test_a_row_left_out_changes_the_fit_as_it_is_said_to(make):
    result = make(QUINE).fit()
    deleted = result.get_influence(exact=True)
    near = result.get_influence()
    for row in (3, 71):
        without = make(QUINE.drop(index=row)).fit()
        want = np.asarray(result.params - without.params)
        np.testing.assert_allclose(np.asarray(deleted.d_params)[row], want, rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(
            np.asarray(near.d_params)[row], want, atol=0.1 * np.asarray(result.bse).min()
        )
    frame = result.augment()
    assert {"fitted", "se_fit", "resid", "resid_quantile", "hat", "cooks_d"} <= set(frame.columns)
    np.testing.assert_allclose(frame["fitted"], result.predict())
    assert list(result.augment(QUINE.head(2)).columns)[-2:] == ["fitted", "se_fit"]


def test_the_page_of_findings_knows_counts():
    good = {f.topic: f for f in gf.negativebinomial(FORMULA, QUINE).fit().check().findings}
    assert good["Dispersion"].verdict == "fine" and good["Zeros"].verdict == "fine"
    assert "Outliers" in good and "Influential rows" in good
    bad = {f.topic: f for f in gf.hurdle(FORMULA, QUINE).fit().check().findings}
    assert bad["Dispersion"].verdict == "look"
    assert bad["Dispersion"].value > 5.0
    geometric = gf.negativebinomial("y ~ 1", _zeros(), loglike_method="geometric").fit()
    found = {f.topic: f for f in geometric.check().findings}["Zeros"]
    assert found.verdict == "look" and "zero-inflated" in found.found


def _zeros() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame({"y": np.where(rng.random(400) < 0.6, 0, 3 + rng.poisson(4.0, 400))})
