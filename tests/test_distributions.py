"""Both tails of each distribution against computations with 40 digits."""

import mpmath
import numpy as np
import pytest

from glmfit.errors import NotAvailableError
from glmfit.families import (
    Binomial,
    Gamma,
    Gaussian,
    InverseGaussian,
    NegativeBinomial,
    Poisson,
    Tweedie,
)


def poisson_tails(y, mu):
    mu = mpmath.mpf(mu)
    return mpmath.gammainc(y + 1, mu, regularized=True), mpmath.gammainc(
        y + 1, 0, mu, regularized=True
    )


def binomial_tails(k, n, p):
    p = mpmath.mpf(p)
    mass = [mpmath.binomial(n, j) * p**j * (1 - p) ** (n - j) for j in range(n + 1)]
    return mpmath.fsum(mass[: k + 1]), mpmath.fsum(mass[k + 1 :])


def negative_binomial_tails(k, alpha, mu):
    size, q = 1 / mpmath.mpf(alpha), 1 / (1 + mpmath.mpf(alpha) * mpmath.mpf(mu))
    return (
        mpmath.betainc(size, k + 1, 0, q, regularized=True),
        mpmath.betainc(k + 1, size, 0, 1 - q, regularized=True),
    )


def inverse_gaussian_tails(y, mu, lam):
    y, mu, lam = (mpmath.mpf(value) for value in (y, mu, lam))
    root = mpmath.sqrt(lam / y)
    reflected = mpmath.exp(2 * lam / mu) * mpmath.ncdf(-root * (y / mu + 1))
    low = mpmath.ncdf(root * (y / mu - 1)) + reflected
    return low, mpmath.ncdf(-root * (y / mu - 1)) - reflected


def compound_tails(y, mu, phi, power):
    y, mu, phi, power = (mpmath.mpf(value) for value in (y, mu, phi, power))
    rate = mu ** (2 - power) / (phi * (2 - power))
    shape = (2 - power) / (power - 1)
    scaled = y / (phi * (power - 1) * mu ** (power - 1))
    low, high = mpmath.exp(-rate), mpmath.mpf(0)
    for j in range(1, int(rate + scaled / shape + 12 * mpmath.sqrt(rate + scaled / shape)) + 30):
        mass = mpmath.exp(-rate) * rate**j / mpmath.factorial(j)
        low += mass * mpmath.gammainc(j * shape, 0, scaled, regularized=True)
        high += mass * mpmath.gammainc(j * shape, scaled, mpmath.inf, regularized=True)
    return low, high


def check(family, y, mu, weight, scale, want, rel=1e-11):
    tails = family.tails(np.array([y]), np.array([mu]), np.array([weight]), scale)
    assert tails.at_or_below[0] == pytest.approx(float(want[0]), rel=rel, abs=1e-300)
    assert tails.above[0] == pytest.approx(float(want[1]), rel=rel, abs=1e-300)


@pytest.mark.parametrize("mu", [0.03, 2.5, 80.0])
def test_counts_keep_the_digits_of_both_tails(mu):
    with mpmath.workdps(40):
        for y in (0, 1, 4, 40, 200):
            check(Poisson(), float(y), mu, 1.0, 1.0, poisson_tails(y, mu))
            check(
                NegativeBinomial(alpha=0.7), float(y), mu, 1.0, 1.0,
                negative_binomial_tails(y, 0.7, mu), rel=1e-10,
            )  # fmt: skip


@pytest.mark.parametrize("trials", [1, 6, 90])
@pytest.mark.parametrize("mean", [1e-4, 0.3, 0.97])
def test_binomial_counts(trials, mean):
    with mpmath.workdps(40):
        for k in {0, 1, trials // 2, trials}:
            check(Binomial(), k / trials, mean, float(trials), 1.0, binomial_tails(k, trials, mean))


@pytest.mark.parametrize("y", [1e-3, 0.2, 0.9, 1.4, 6.0, 90.0])
def test_positive_responses(y):
    with mpmath.workdps(60):
        for weight, scale in ((1.0, 0.3), (2.5, 4.0)):
            lam = weight / scale
            shape, x = mpmath.mpf(lam), mpmath.mpf(lam) * mpmath.mpf(y) / mpmath.mpf(1.3)
            gamma = (
                mpmath.gammainc(shape, 0, x, regularized=True),
                mpmath.gammainc(shape, x, mpmath.inf, regularized=True),
            )
            check(Gamma(), y, 1.3, weight, scale, gamma, rel=1e-10)
            want = inverse_gaussian_tails(y, 1.3, lam)
            check(InverseGaussian(), y, 1.3, weight, scale, want, rel=1e-10)


def test_normal_responses():
    with mpmath.workdps(40):
        for y in (-9.0, 0.0, 2.0, 30.0):
            z = mpmath.mpf(y - 0.5) * mpmath.sqrt(mpmath.mpf(2.0) / mpmath.mpf(4.0))
            check(Gaussian(), y, 0.5, 2.0, 4.0, (mpmath.ncdf(z), mpmath.ncdf(-z)))


@pytest.mark.parametrize("power", [1.1, 1.5, 1.9])
@pytest.mark.parametrize("y", [0.0, 0.01, 0.8, 3.0, 20.0])
def test_tweedie(power, y):
    with mpmath.workdps(40):
        for weight, scale in ((1.0, 0.3), (3.0, 2.0)):
            want = compound_tails(y, 1.3, scale / weight, power)
            if float(want[1]) > 1e-250:
                check(Tweedie(var_power=power), y, 1.3, weight, scale, want, rel=1e-9)


def test_scores_are_exact_far_out_on_either_side():
    """The normal quantile keeps its digits where the probability is 1e-100 or 1 - 1e-100."""
    for y, mu, sign in ((0, 600.0, -1), (400, 100.0, 1)):
        tails = Poisson().tails(np.array([float(y)]), np.array([mu]), np.ones(1), 1.0)
        score = tails.normal_scores(np.array([0.25]))[0]
        with mpmath.workdps(40):
            low, above = poisson_tails(y, mu)
            _, from_here = poisson_tails(y - 1, mu) if y else (0, 1)
            want = low / 4 if sign < 0 else above + (from_here - above) * 3 / 4
            got = mpmath.ncdf(-abs(mpmath.mpf(float(score))))
        assert sign * score > 20
        assert float(got / want) == pytest.approx(1.0, rel=1e-11)


def test_numbers_that_are_not_whole_have_no_distribution():
    ones = np.ones(2)
    with pytest.raises(NotAvailableError, match=r"1 of 2 rows have counts that are not whole"):
        Poisson().tails(np.array([1.0, 2.5]), ones, ones, 1.0)
    with pytest.raises(NotAvailableError, match="successes that are not whole"):
        Binomial().tails(np.array([0.0, 0.3]), 0.5 * ones, ones, 1.0)
