"""Quasi families with named variances, powers, and variance functions of a user's own.

Fits under R's names for variances stand in tests/reference/glm_families.*.
"""

import mpmath
import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import ArgumentError, ArgumentTypeError, NotAvailableError, ResponseError
from glmfit.families import Quasi, VarianceFunction

TREES = gf.datasets.load("trees")
RAIN = pd.DataFrame({"rain": [0, 2.1, 0, 5.3, 1.2, 0.4, 3.3, 0, 0.9, 7.4], "x": np.arange(10.0)})


def fit(variance, data=TREES, formula="volume ~ girth + height", link="log", **options):
    return gf.glm(formula, data, Quasi(link, variance), **options).fit()


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("constant", np.ones_like),
        ("mu", lambda mu: mu),
        ("mu^2", lambda mu: mu * mu),
        ("mu^3", lambda mu: mu**3),
        ("mu^1.5", lambda mu: mu**1.5),
        ("mu^0.5", np.sqrt),
    ],
)
def test_a_function_fits_as_the_name_does(name, function):
    named, own = fit(name), fit(function)
    np.testing.assert_allclose(own.params, named.params, rtol=1e-10)
    np.testing.assert_allclose(own.bse, named.bse, rtol=1e-9)
    assert own.deviance == pytest.approx(named.deviance, rel=1e-9)
    assert own.scale == pytest.approx(named.scale, rel=1e-9)


def test_shares_fit_as_the_binomial_family_does():
    data = gf.datasets.load("challenger_rings").assign(share=lambda d: d["damaged"] / d["n_rings"])
    own = VarianceFunction("own", lambda mu: mu * (1 - mu), low=0.0, high=1.0)
    options = {"data": data, "formula": "share ~ temperature", "link": "logit"}
    named = fit("mu(1-mu)", var_weights="n_rings", **options)
    want = gf.glm("share ~ temperature", data, "quasibinomial", trials="n_rings").fit()
    for got in (named, fit(own, var_weights="n_rings", **options)):
        np.testing.assert_allclose(got.params, want.params, rtol=1e-9)
        np.testing.assert_allclose(got.bse, want.bse, rtol=1e-8)
        assert got.scale == pytest.approx(want.scale, rel=1e-8)


@pytest.mark.parametrize("power", [0.3, 1.0, 1.7, 1.9])
@pytest.mark.parametrize(("y", "mu"), [(0.0, 2.0), (3.0, 3.0 + 1e-6), (0.01, 40.0), (25.0, 0.5)])
def test_integrated_deviance_against_30_digits(power, y, mu):
    own = VarianceFunction("own", lambda t: t**power + 0.1 * t, low=0.0)
    got = own.unit_deviance(np.array([y]), np.array([mu]))[0]
    with mpmath.workdps(30):
        p, a, b = mpmath.mpf(power), mpmath.mpf(y), mpmath.mpf(mu)
        # t = y + (mu - y) s^10, so that the end of the range is no singularity
        want = 2 * mpmath.quad(
            lambda s: 10 * (b - a) ** 2 * s**19
            / ((a + (b - a) * s**10) ** p + (a + (b - a) * s**10) / 10),
            [0, 0.5, 0.9, 1],
        )  # fmt: skip
    assert got == pytest.approx(float(want), rel=2e-11)


def test_an_infinite_deviance_is_refused_unless_it_is_given():
    """Wedderburn's V = mu^2 (1 - mu)^2, whose deviance has no bound at shares of 0 and 1."""
    data = pd.DataFrame({"share": [0.0, 0.05, 0.12, 0.3, 0.4, 0.72, 0.9], "x": np.arange(7.0)})
    v = VarianceFunction("v", lambda mu: (mu * (1 - mu)) ** 2, low=0.0, high=1.0)
    with pytest.raises(ResponseError, match=r"no bound for 1 of 7 values.*deviance="):
        gf.glm("share ~ x", data, Quasi("logit", v))
    given = VarianceFunction(
        "v",
        v.function,
        deviance=lambda y, mu: -2 * ((2 * y - 1) * np.log(mu / (1 - mu)) - y / mu
                                     - (1 - y) / (1 - mu)),
        low=0.0,
        high=1.0,
    )  # fmt: skip
    result = gf.glm("share ~ x", data, Quasi("logit", given)).fit()
    mu = result.fittedvalues
    # McCullagh and Nelder (1989), sec. 9.2.4: the score under the logit is X'(y - mu) / (mu (1-mu))
    left = (data["share"] - mu) / (mu * (1 - mu))
    np.testing.assert_allclose([left.sum(), (left * data["x"]).sum()], 0.0, atol=1e-8)
    assert result.converged
    assert result.scale == pytest.approx((left**2).sum() / 5, rel=1e-10)


def test_there_is_no_likelihood():
    result = fit("mu^1.5", RAIN, "rain ~ x")
    assert np.isnan(result.llf)
    assert "Quasi(variance=mu^1.5)" in str(result.summary())
    with pytest.raises(NotAvailableError, match="quasi-likelihood"):
        result.get_distribution()


def test_names_are_read_as_they_are_written():
    for text, name in (("mu ** 2", "mu^2"), ("mu * (1 - mu)", "mu(1-mu)"), ("1", "constant")):
        assert Quasi(variance=text).variance.name == name
    assert gf.families.resolve_family("quasi") == Quasi("identity", "constant")


def test_wrong_variances_are_refused():
    with pytest.raises(ArgumentError, match=r"no variance function 'mu\^x'.*mu\^2"):
        Quasi(variance="mu^x")
    with pytest.raises(ArgumentTypeError, match="variance= is a name such as 'mu\\^2'"):
        Quasi(variance=2.0)
    with pytest.raises(ArgumentError, match=r"a number for each mean: shape \(31,\), not \(2,\)"):
        fit(lambda mu: np.ones(2))
    with pytest.raises(ArgumentTypeError, match="must return numbers"):
        fit(lambda mu: "large")
    with pytest.raises(ResponseError, match="3 of 10 values lie outside"):
        fit("mu^2", RAIN, "rain ~ x")


def test_model_files_hold_names_and_refuse_functions(tmp_path):
    result = fit("mu^1.5")
    result.save(tmp_path / "named.json")
    loaded = gf.load(tmp_path / "named.json")
    assert loaded.model.family == result.model.family
    np.testing.assert_array_equal(loaded.predict(TREES), result.predict(TREES))
    with pytest.raises(NotAvailableError, match="cannot hold"):
        fit(np.sqrt).save(tmp_path / "own.json")
