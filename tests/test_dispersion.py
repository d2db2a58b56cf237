"""The dispersion of greatest likelihood, against MASS's gamma.shape() and closed forms.

The values and the script that made them stand in tests/reference/dispersion.*.
"""

import json
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.families import Gamma, Gaussian, InverseGaussian, Tweedie
from glmfit.families.compound import compound_derivatives
from glmfit.families.logarithms import shape_slopes

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "dispersion.json").read_text(encoding="utf8")
)
DATA = pd.DataFrame(REFERENCE["data"])


def fit(family, formula="positive ~ x", data=DATA, **options):
    return gf.glm(formula, data, family, **options).fit(scale="ML")


@pytest.mark.parametrize(
    ("name", "link", "options"),
    [
        ("gamma_log", "log", {}),
        ("gamma_inverse", "inverse", {}),
        ("gamma_weights", "log", {"var_weights": "w"}),
        ("gamma_repeated", "log", {"freq_weights": "freq"}),
    ],
)
def test_gamma_against_mass(name, link, options):
    want, result = REFERENCE[name], fit(Gamma(link), **options)
    # glm() stops on the deviance, which leaves about 9 digits of coefficients
    np.testing.assert_allclose(result.params, want["coef"], rtol=1e-8)
    assert result.scale == pytest.approx(want["scale"], rel=1e-8)
    assert result.scale_bse == pytest.approx(want["scale_bse"], rel=1e-8)
    assert result.llf == pytest.approx(want["llf"], rel=1e-10)
    pearson = gf.glm("positive ~ x", DATA, Gamma(link), **options).fit()
    np.testing.assert_allclose(
        result.bse, pearson.bse * np.sqrt(result.scale / pearson.scale), rtol=1e-10
    )


@pytest.mark.parametrize("family", [InverseGaussian("log"), Gaussian(), Tweedie("log", 3.0)])
def test_closed_forms(family):
    result = fit(family)
    assert result.scale == pytest.approx(result.deviance / 16, rel=1e-10)
    assert result.scale_bse == pytest.approx(result.scale / np.sqrt(8), rel=1e-8)
    assert result.record.estimated == (("scale", result.scale),)


def test_tweedie_against_mgcv():
    result = fit(Tweedie("log", 1.5), "rain ~ x")
    # R's optimize() finds the place of a maximum to half of its digits
    assert result.scale == pytest.approx(REFERENCE["tweedie"]["scale"], rel=1e-6)
    assert result.llf == pytest.approx(REFERENCE["tweedie"]["llf"], rel=1e-8)
    again = gf.glm("rain ~ x", DATA, Tweedie("log", 1.5))
    around = [again.fit(scale=result.scale * factor).llf for factor in (0.999, 1.0, 1.001)]
    assert around[1] == pytest.approx(result.llf, rel=1e-12)
    assert max(around[0], around[2]) < around[1]
    step = 1e-3
    bend = (around[0] - 2 * around[1] + around[2]) / step**2
    assert result.scale_bse == pytest.approx(result.scale / np.sqrt(-bend), rel=1e-3)


def test_likelihoods_are_each_at_their_own_dispersion():
    large, small = fit(Gamma("log")), fit(Gamma("log"), "positive ~ 1")
    assert large.llnull == pytest.approx(small.llf, rel=1e-10)
    test = gf.lr_test(small, large)
    assert test.statistic == pytest.approx(2 * (large.llf - small.llf), rel=1e-9)
    assert large.aic == pytest.approx(-2 * large.llf + 6, rel=1e-12)
    frame = large.drop1(test="LR").frame
    assert frame.loc["x", "aic"] == pytest.approx(small.aic, rel=1e-9)


def test_the_summary_says_where_the_dispersion_comes_from():
    text = " ".join(str(fit(Gamma("log")).summary()).split())
    assert "scale = 0.0351865 was estimated with the coefficients by maximum likelihood" in text
    assert "a dispersion that is estimated by maximum likelihood" in text


def test_what_has_no_likelihood_is_refused():
    with pytest.raises(ArgumentError, match="Poisson distribution has the dispersion 1"):
        gf.poisson("freq ~ x", DATA).fit(scale="ML")
    for family in ("quasipoisson", Tweedie("log", 2.5)):
        with pytest.raises(NotAvailableError, match="no likelihood that could be maximised"):
            fit(family)
    with pytest.raises(ArgumentError, match="'X2', 'dev', 'ML' or a positive number"):
        gf.glm("positive ~ x", DATA, "gamma").fit(scale="MLE")
    with pytest.raises(NotAvailableError, match=r"fit\(scale='ML'\)"):
        _ = gf.glm("positive ~ x", DATA, Gamma("log")).fit().scale_bse


@pytest.mark.parametrize("k", [1e-4, 0.3, 2.0, 15.9, 16.1, 1e3, 1e8])
def test_slopes_of_a_gamma_function_against_30_digits(k):
    with mpmath.workdps(40):
        exact = mpmath.mpf(k)
        want = (
            exact * (mpmath.log(exact) - mpmath.digamma(exact)),
            exact * (1 - exact * mpmath.polygamma(1, exact)),
        )
    got = shape_slopes(np.array([k]))
    np.testing.assert_allclose(np.ravel(got), np.array(want, dtype=float), rtol=3e-13)


def log_density(y, mu, log_phi, power):
    """Return the log density of Dunn and Smyth (2005), eq. 2, term by term."""
    phi, alpha = mpmath.exp(log_phi), (2 - power) / (power - 1)
    core = (y * mu ** (1 - power) / (1 - power) - mu ** (2 - power) / (2 - power)) / phi
    if y == 0:
        return core
    log_x = alpha * mpmath.log(y / (power - 1)) - (1 + alpha) * log_phi - mpmath.log(2 - power)
    peak = int(mpmath.exp((log_x - alpha * mpmath.log(alpha)) / (1 + alpha)))
    reach = int(15 * peak**0.5) + 60
    terms = [
        mpmath.exp(j * log_x - mpmath.loggamma(j + 1) - mpmath.loggamma(alpha * j))
        for j in range(max(1, peak - reach), peak + reach)
    ]
    return mpmath.log(mpmath.fsum(terms)) - mpmath.log(y) + core


@pytest.mark.parametrize("power", [1.05, 1.3, 1.6, 1.95])
@pytest.mark.parametrize(
    ("y", "mu", "phi"), [(0.0, 1.3, 0.7), (1.5, 2.0, 0.7), (30.0, 11.0, 1.5), (0.01, 2.0, 3.0)]
)
def test_derivatives_of_a_compound_density_against_40_digits(power, y, mu, phi):
    got = compound_derivatives(*(np.array([value]) for value in (y, mu, phi)), power)
    orders = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    orders += [(2, 0, 0), (1, 1, 0), (1, 0, 1), (0, 2, 0), (0, 1, 1), (0, 0, 2)]
    with mpmath.workdps(40):
        exact = [mpmath.mpf(mu), mpmath.log(mpmath.mpf(phi)), mpmath.mpf(power)]
        want = [
            float(mpmath.diff(lambda *at: log_density(mpmath.mpf(y), *at), exact, order))
            for order in orders
        ]
    found = np.concatenate([got.value, got.first[:, 0], got.second[:, 0]])
    np.testing.assert_allclose(found, want, rtol=1e-10, atol=1e-10)
