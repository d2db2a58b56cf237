"""Models of counts where they are hard: huge counts, tiny means, limits, boundaries.

Values of R are from MASS::glm.nb, pscl::zeroinfl and pscl::hurdle on the rows made here.
"""

import math
import warnings

import mpmath
import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.counts import (
    Hurdle,
    NegativeBinomialCount,
    PlainCount,
    PoissonCount,
    ZeroInflated,
    saturated_poisson,
)
from glmfit.errors import ConvergenceWarning, SeparationWarning


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """Counts of many kinds."""
    rng = np.random.default_rng(1)
    n = 300
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n)})
    frame["big"] = rng.poisson(1e6 * rng.gamma(5, 1 / 5, n) * np.exp(0.1 * frame["x"]))
    rng.poisson(1e6 * np.exp(0.1 * frame["x"]))
    frame["tiny"] = rng.poisson(0.01, n)
    frame["mixed"] = np.where(rng.random(n) < 0.5, 0, frame["big"])
    frame["y"] = rng.poisson(2 * rng.gamma(1, 1, n) * np.exp(0.3 * frame["x"]))
    frame["spread"] = np.floor(np.exp(rng.normal(0, 3, n)))
    frame["two"] = (rng.random(n) < 0.3) * 1
    return frame


# -- digits ---------------------------------------------------------------------------------


def exact_log_probability(y, mu, alpha, positive):
    """Return log P(y) (of positive counts, given that they are) with 60 digits."""
    mu, a = mpmath.mpf(float(mu)), mpmath.mpf(float(alpha))
    s = 1 / a
    found = mpmath.loggamma(y + s) - mpmath.loggamma(s) - mpmath.loggamma(y + 1)
    found += y * mpmath.log(a * mu) - (y + s) * mpmath.log1p(a * mu)
    return found - mpmath.log(-mpmath.expm1(-s * mpmath.log1p(a * mu))) if positive else found


@pytest.mark.parametrize("alpha", [1e-6, 0.01, 0.3, 4.0, 300.0])
@pytest.mark.parametrize("y", [0, 1, 2, 31, 5000, 1_000_000])
def test_large_and_small_counts_keep_their_digits(y, alpha):
    """Terms as large as y log y cancel; what is left must not be their rounding."""
    kernel = NegativeBinomialCount()
    for mu in (1e-9, 0.3, 40.0, 1e6):
        eta = np.array([[math.log(mu), math.log(alpha)]])
        found = kernel.terms(np.array([float(y)]), eta).loss[0]
        with mpmath.workdps(60):
            top = y * mpmath.log(y) - y - mpmath.loggamma(y + 1) if y else mpmath.mpf(0)
            want = top - exact_log_probability(y, np.exp(eta[0, 0]), np.exp(eta[0, 1]), False)
            assert abs(found - want) <= 3e-15 * max(1.0, abs(want)) + 3e-16 * y * 5
        if y < 1:
            continue
        cut = kernel.positive(np.array([float(y)]), eta).loss[0]
        with mpmath.workdps(60):
            want = top - exact_log_probability(y, np.exp(eta[0, 0]), np.exp(eta[0, 1]), True)
            assert abs(cut - want) <= 3e-15 * max(30.0, abs(want)) + 3e-16 * y * 5


@pytest.mark.parametrize("y", [1, 2, 9, 10, 11, 170, 12345, 10**9])
def test_perfect_poisson_fits_keep_their_digits(y):
    with mpmath.workdps(40):
        want = y * mpmath.log(y) - y - mpmath.loggamma(y + 1)
    assert saturated_poisson(np.array([float(y)]))[0] == pytest.approx(float(want), rel=4e-15)


@pytest.mark.parametrize("kernel", [PoissonCount(), NegativeBinomialCount()], ids=["p", "nb"])
@pytest.mark.parametrize("mu", [1e-18, 1e-9, 1e-3, 0.5, 30.0])
def test_counts_cut_at_zero_keep_the_digits_of_their_score(kernel, mu):
    """Of counts of 1 nothing is left but how unlikely 2 was: about mu / 2."""
    eta = np.array([[math.log(mu), math.log(0.7)]])[:, : kernel.count]
    found = kernel.positive(np.array([1.0]), eta)
    with mpmath.workdps(80):

        def value(line, log_alpha):
            m = mpmath.exp(line)
            if kernel.count == 1:
                return line - m - mpmath.log(-mpmath.expm1(-m))
            s = mpmath.exp(-log_alpha)
            none = s * mpmath.log1p(m / s)
            return line - (s + 1) * mpmath.log1p(m / s) - mpmath.log(-mpmath.expm1(-none))

        at = (mpmath.mpf(float(eta[0, 0])), mpmath.log(mpmath.mpf("0.7")))
        at = (at[0], mpmath.mpf(float(eta[0, -1]))) if kernel.count == 2 else at
        want = mpmath.diff(value, at, (1, 0))
        assert found.score[0, 0] == pytest.approx(float(want), rel=1e-12)
        want = -mpmath.diff(value, at, (2, 0))
        assert found.information[0, 0] == pytest.approx(float(want), rel=1e-9)


def test_infinite_predictors_are_limits():
    """At its ends the zero part leaves the counts alone, or takes all zeros."""
    y = np.array([0.0, 0.0, 3.0])
    eta = np.array([[-np.inf, 0.4], [np.inf, 0.4], [-np.inf, 0.4]])
    plain = PlainCount(PoissonCount()).rows(y, eta[:, 1:], True).loss
    loss = ZeroInflated(PoissonCount()).rows(y, eta, True).loss
    np.testing.assert_allclose(loss, [plain[0], 0.0, plain[2]], rtol=1e-15)
    eta = np.array([[-np.inf, 0.4], [0.0, -np.inf], [0.0, -np.inf]])
    with np.errstate(all="ignore"):
        found = np.exp(Hurdle(PoissonCount()).log_probability(np.array([0.0, 1.0, 2.0]), eta))
    np.testing.assert_allclose(found, [1.0, 0.5, 0.0], rtol=1e-15)


# -- fits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "llf", "theta"),
    [("big ~ x", -4294.37601111, 4.892413), ("spread ~ x", -847.66378824, 0.08495946)],
)
def test_hard_negative_binomials_are_those_of_r(data, formula, llf, theta):
    result = gf.negativebinomial(formula, data).fit()
    assert result.converged
    assert result.llf == pytest.approx(llf, abs=1e-7)
    assert 1.0 / result.alpha == pytest.approx(theta, rel=1e-5)


def test_zeros_among_millions_are_fitted(data):
    """glm.nb does not find this maximum; the score says that it is one."""
    result = gf.negativebinomial("mixed ~ x", data).fit()
    assert result.converged and len(result.history) < 30
    record = result.record
    score = result.model.fitted_pass(record)(record.base[record.kept], observed=True).score
    assert np.abs(score * result.bse).max() < 1e-6
    # pscl::zeroinfl and pscl::hurdle, which are one model where no count is 0 by chance
    for kind in (gf.zeroinflated, gf.hurdle):
        found = kind("mixed ~ x", data, inflation="~ z", dist="negativebinomial").fit()
        assert found.converged
        assert found.llf == pytest.approx(-2454.92866259, abs=1e-7)
        assert found.alpha == pytest.approx(1 / 4.617961, rel=1e-6)


def test_positive_counts_that_are_all_one_lose_nothing(data):
    """pscl::hurdle has -176.65434472 at a mean that it takes down to exp(-20)."""
    for dist in ("poisson", "negativebinomial"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gf.errors.BoundaryWarning)
            with pytest.warns(SeparationWarning, match="Not finite: Intercept, x"):
                result = gf.hurdle("two ~ x", data, inflation="~ z", dist=dist).fit()
        assert result.llf == pytest.approx(-176.65434472, abs=1e-6)
        logit = gf.logit("two ~ z", data).fit()
        assert result.llf == pytest.approx(logit.llf, rel=1e-12)
        assert result.params["Intercept"] == -math.inf


def test_two_positive_counts_determine_no_mean(data):
    assert data["tiny"].sum() == 2
    with pytest.warns(SeparationWarning, match="Not finite: Intercept, x"):
        result = gf.hurdle("tiny ~ x", data, inflation="~ z").fit()
    assert result.llf == pytest.approx(gf.logit("tiny ~ z", data).fit().llf, rel=1e-12)


def test_zeros_that_become_certain_beyond_a_bound(data):
    """The four smallest z are zeros: there zeros are certain, and nowhere else."""
    with pytest.warns(SeparationWarning, match="296 of 300 rows.*rises to 1 in 4 others"):
        result = gf.zeroinflated("two ~ x", data, inflation="~ z").fit()
    rest = gf.poisson("two ~ x", data[data["z"] > data["z"].nsmallest(4).max()]).fit()
    assert result.llf == pytest.approx(rest.llf, rel=1e-11)
    np.testing.assert_allclose(result.params.iloc[2:], rest.params, rtol=1e-7)
    np.testing.assert_allclose(result.bse.iloc[2:], rest.bse, rtol=1e-7)
    # pscl stops at -192.168, without inflation
    assert result.llf > -192.0


# -- degrees of freedom ------------------------------------------------------------------------


def test_alpha_takes_no_residual_degree_of_freedom(data):
    """MASS::glm.nb has 298 for two columns; pscl counts 5 coefficients in two-part models."""
    result = gf.negativebinomial("y ~ x", data).fit()
    assert (result.df_resid, result.df_model) == (298, 1)
    assert result.aic == pytest.approx(-2.0 * result.llf + 6.0)
    assert result.glance()["df_residual"].item() == 298
    hc0, hc1 = (result.with_cov(kind).bse["x"] for kind in ("HC0", "HC1"))
    assert hc1 / hc0 == pytest.approx(math.sqrt(300 / 298), rel=1e-12)
    assert gf.negativebinomial("y ~ x", data, loglike_method="geometric").fit().df_resid == 298
    for kind in (gf.zeroinflated, gf.hurdle):
        made = kind("y ~ x", data, inflation="~ z", dist="negativebinomial").fit()
        assert made.df_resid == 295


def test_positive_counts_of_a_logarithmic_distribution_say_so(data):
    """pscl::hurdle stops at -833.86571144, with theta 8.8e-06 and a warning of NaN."""
    with pytest.warns(ConvergenceWarning, match="limit is the logarithmic distribution"):
        result = gf.hurdle("spread ~ x", data, inflation="~ z", dist="negativebinomial").fit()
    assert not result.converged and "rises for ever" in result.record.reason
    # the limit: a logit of zeros, and P(y | y > 0) = p^y / (-y log(1 - p)), odds of p exp(x'b)
    positive = data[data["spread"] > 0]
    mean, slope = result.params["Intercept"] + math.log(result.alpha), result.params["x"]
    odds = np.exp(mean + slope * positive["x"])
    p = odds / (1.0 + odds)
    rows = positive["spread"] * np.log(p) - np.log(positive["spread"]) - np.log(np.log1p(odds))
    logit = gf.logit("I(spread > 0) ~ z", data).fit()
    assert result.llf == pytest.approx(rows.sum() + logit.llf, abs=1e-4)
    assert result.llf > -833.8657
