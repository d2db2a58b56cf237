"""Values of families that no contract can know: references, extremes and closed forms."""

import math

import mpmath
import numpy as np
import pytest

from glmfit.families import Binomial, Gamma, InverseGaussian, NegativeBinomial, Poisson, Tweedie
from glmfit.likelihoods import GLMLikelihood
from glmfit.links import Log


def exact_tweedie(y: float, mu: float, phi: float, power: float) -> float:
    """Return the log density by its series (Dunn and Smyth 2005, eq. 2) with 40 digits."""
    with mpmath.workdps(40):
        y, mu, phi, power = (mpmath.mpf(value) for value in (y, mu, phi, power))
        alpha = (2 - power) / (power - 1)
        log_x = alpha * mpmath.log(y / (power - 1)) - (1 + alpha) * mpmath.log(phi)
        log_x -= mpmath.log(2 - power)
        peak = int(y ** (2 - power) / (phi * (2 - power)))
        reach = int(12 * math.sqrt(peak) + 40)
        terms = (
            mpmath.exp(j * log_x - mpmath.loggamma(j + 1) - mpmath.loggamma(alpha * j))
            for j in range(max(1, peak - reach), peak + reach)
        )
        kernel = (y * mu ** (1 - power) / (1 - power) - mu ** (2 - power) / (2 - power)) / phi
        return float(mpmath.log(mpmath.fsum(terms)) - mpmath.log(y) + kernel)


@pytest.mark.parametrize("power", [1.02, 1.1, 1.17, 1.2, 1.25, 1.4, 1.5, 1.8, 1.98])
@pytest.mark.parametrize("phi", [0.02, 0.1, 0.4, 2.0])
def test_tweedie_density_is_exact(power, phi):
    """SciPy's Wright function alone is off by up to 0.3 below power 1.33."""
    y = np.array([1e-3, 0.22125, 1.0, 1.28948, 9.36789])
    density = Tweedie(var_power=power).log_density(y, np.full_like(y, 1.3), np.ones_like(y), phi)
    for got, value in zip(density, y, strict=True):
        assert got == pytest.approx(exact_tweedie(value, 1.3, phi, power), rel=1e-10, abs=1e-9)


def test_tweedie_mass_at_zero():
    mu, phi, power = 1.3, 0.7, 1.4
    density = Tweedie(var_power=power).log_density(
        np.zeros(1), np.array([mu]), np.array([2.0]), phi
    )
    assert density[0] == pytest.approx(-2.0 * mu ** (2 - power) / (phi * (2 - power)), rel=1e-14)


@pytest.mark.parametrize("mu", [1e-300, 1e-40, 1e-17, 1e-9, 0.3, 1.0, 3.0 - 1e-9, 3.0, 9.0, 1e9])
def test_deviances_are_exact_far_from_and_near_to_the_mean(mu):
    """log1p((mu - y) / y) alone is -inf once mu/y rounds away, at eta = -40 and a log link."""
    y = 3.0
    with mpmath.workdps(400):
        a, b = mpmath.mpf(y), mpmath.mpf(mu)
        alpha = mpmath.mpf(0.7)
        ratio = (1 + alpha * b) / (1 + alpha * a)
        exact = {
            Poisson(): 2 * (a * mpmath.log(a / b) - a + b),
            NegativeBinomial(alpha=0.7): 2
            * (a * mpmath.log(a / b) + (a + 1 / alpha) * mpmath.log(ratio)),
        }
        for family, want in exact.items():
            got = family.unit_deviance(np.array([y]), np.array([mu]))[0]
            # the terms cancel to the second order near y = mu
            assert got == pytest.approx(float(want), rel=2e-14, abs=1e-15), family
        gamma = 2 * ((a - b) / b - mpmath.log(a / b))
        if gamma < 1e300:
            got = Gamma().unit_deviance(np.array([y]), np.array([mu]))[0]
            assert got == pytest.approx(float(gamma), rel=2e-14, abs=1e-15)
        gamma = 2 * ((b - a) / a - mpmath.log(b / a))
        got = Gamma().unit_deviance(np.array([mu]), np.array([y]))[0]
        assert got == pytest.approx(float(gamma), rel=2e-14, abs=1e-15)


@pytest.mark.parametrize("eta", [-40.0, -300.0, 40.0, 300.0])
@pytest.mark.parametrize("link", ["logit", "probit", "cauchit", "cloglog", "loglog"])
def test_binomial_keeps_its_digits_where_the_mean_rounds(link, eta):
    """The rows that a separated fit pushes away still have a score."""
    family = Binomial(link)
    with np.errstate(over="ignore", under="ignore"):
        for y in (0.0, 1.0):
            rows = family.working(np.array([y]), np.array([eta]))
            assert np.isfinite(rows.deviance).all() or link in ("cloglog", "loglog")
            assert not np.isnan(rows.score).any()
            assert not np.isnan(rows.weight).any()
    logit = Binomial().working(np.array([1.0]), np.array([-300.0]))
    assert logit.deviance[0] == pytest.approx(600.0, rel=1e-15)
    assert logit.score[0] == 1.0
    assert Binomial().working(np.ones(1), np.array([300.0])).score[0] == pytest.approx(
        math.exp(-300.0), rel=1e-13
    )


def test_inverse_gaussian_density_of_tiny_values():
    y = np.array([1e-150])
    density = InverseGaussian().log_density(y, np.array([1.0]), np.ones(1), 1e150)
    want = -0.5 * (1.0 / (1e-150 * 1e150) + math.log(2 * math.pi * 1e150) - 450 * math.log(10.0))
    assert density[0] == pytest.approx(want, rel=1e-12)


def test_outside_the_domain_the_deviance_is_infinite():
    likelihood = GLMLikelihood(Gamma())
    y = np.array([1.0, 2.0])
    assert likelihood.evaluate(y, np.array([0.5, -0.1]), None).deviance == math.inf
    assert likelihood.evaluate(y, np.array([0.5, 0.1]), None).deviance < math.inf
    assert GLMLikelihood(Gamma(Log())).evaluate(y, np.array([0.5, -0.1]), None).deviance < 10.0


def test_describe_names_the_parameters():
    assert NegativeBinomial(alpha=0.25).describe() == "NegativeBinomial(alpha=0.25)"
    assert Tweedie(var_power=1.5).describe() == "Tweedie(var_power=1.5)"
    assert Poisson().describe() == "Poisson"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NegativeBinomial(alpha=0.0), "alpha = 0 is the Poisson"),
        (lambda: NegativeBinomial(alpha=math.nan), "needs alpha > 0"),
        (lambda: Tweedie(var_power=0.5), "no Tweedie distribution of power 0.5"),
        (lambda: Tweedie(var_power=-1.0), "no Tweedie distribution of power -1"),
    ],
)
def test_impossible_parameters_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
