"""statsmodels' names of models and families: derivatives, sums and densities that agree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import glmfit as gf
from glmfit.errors import ArgumentError, NotAvailableError

RNG = np.random.default_rng(4)
X = np.column_stack([np.ones(50), RNG.normal(size=(50, 2))])
ETA = X @ [0.2, 0.3, -0.2]
FREQ = RNG.integers(1, 4, size=50).astype(float)
VAR = RNG.uniform(0.5, 2.0, size=50)

MODELS = {
    "gaussian": lambda: gf.GLM(ETA + RNG.normal(size=50), X, var_weights=VAR),
    "gamma": lambda: gf.GLM(RNG.gamma(3.0, np.exp(ETA)), X, "gamma", link="log", freq_weights=FREQ),
    "poisson": lambda: gf.Poisson(RNG.poisson(np.exp(ETA)), X, offset=0.1 * X[:, 1]),
    "probit": lambda: gf.Probit((ETA + RNG.normal(size=50) > 0.0) * 1.0, X, freq_weights=FREQ),
    "trials": lambda: gf.Logit(np.column_stack([RNG.poisson(3, 50), RNG.poisson(3, 50) + 1]), X),
    "mnlogit": lambda: gf.MNLogit(RNG.integers(0, 3, size=50), X),
}


def slope(function, theta):
    """Return central differences of a function of coefficients."""
    steps = 1e-5 * np.eye(theta.size)
    return np.array([(function(theta + h) - function(theta - h)) / 2e-5 for h in steps])


@pytest.fixture(params=list(MODELS))
def model(request):
    return MODELS[request.param]()


def test_score_and_hessian_are_derivatives(model):
    result = model.fit()
    theta = 0.9 * np.asarray(result.params).ravel(order="F")
    more = {} if model.summary_name == "MNLogit" else {"scale": 1.3}
    found = slope(lambda t: model.loglike(t, **more), theta)
    np.testing.assert_allclose(model.score(theta, **more), found, rtol=1e-5, atol=1e-5)
    second = slope(lambda t: model.score(t, **more), theta)
    np.testing.assert_allclose(model.hessian(theta, **more), second, rtol=1e-5, atol=1e-5)


def test_the_score_is_zero_at_the_maximum(model):
    result = model.fit()
    assert np.abs(model.score(np.asarray(result.params))).max() < 1e-6


@pytest.mark.parametrize("name", ["gamma", "poisson", "probit", "trials"])
def test_the_log_likelihood_of_the_estimates_is_that_of_the_fit(name):
    model = MODELS[name]()
    result = model.fit()
    assert model.loglike(result.params) == pytest.approx(result.llf, rel=1e-12)
    rows = model.loglikeobs(result.params, scale=result.scale)
    assert rows.sum() == pytest.approx(result.llf, rel=1e-12)
    assert model.loglike_mu(result.mu, result.scale) == pytest.approx(result.llf, rel=1e-12)
    np.testing.assert_allclose(
        model.score_obs(result.params).sum(axis=0), model.score(result.params), atol=1e-9
    )
    assert model.estimate_scale(result.mu) == pytest.approx(result.scale, rel=1e-12)
    assert (model.df_model, model.df_resid) == (result.df_model, result.df_resid)


def test_a_multinomial_has_the_log_likelihood_of_the_fit():
    model = MODELS["mnlogit"]()
    result = model.fit()
    llf, _ = model.loglike_and_score(result.params)
    assert llf == pytest.approx(result.llf, rel=1e-12)
    assert (model.J, model.K) == (3, 3)
    np.testing.assert_allclose(model.predict(result.params), result.predict(), rtol=1e-12)
    np.testing.assert_allclose(model.predict(result.params, X[:4]), result.predict(X[:4]))
    eta = model.predict(result.params, which="linear")
    np.testing.assert_allclose(eta[:, 1:], X @ np.asarray(result.params))
    assert model.loglikeobs(result.params).sum() == pytest.approx(result.llf, rel=1e-12)
    theta = 0.9 * np.asarray(result.params)
    np.testing.assert_allclose(model.score_obs(theta).sum(axis=0), model.score(theta))


def test_predictions_at_given_coefficients():
    model = MODELS["gamma"]()
    params = np.asarray(model.fit().params)
    np.testing.assert_allclose(model.predict(params), np.exp(X @ params))
    np.testing.assert_allclose(model.predict(params, X[:3], which="linear"), X[:3] @ params)
    with pytest.raises(ArgumentError, match="which"):
        model.predict(params, which="prob")
    with pytest.raises(NotAvailableError, match="offset"):
        MODELS["poisson"]().predict(params, X[:3])


def test_the_distribution_at_given_coefficients():
    model = MODELS["gamma"]()
    result = model.fit()
    found = model.get_distribution(result.params)
    np.testing.assert_allclose(found.mean(), result.mu)
    np.testing.assert_allclose(found.var(), result.scale * np.asarray(result.mu) ** 2)


@pytest.mark.parametrize(
    ("family", "density"),
    [
        (gf.families.Poisson(), lambda y, mu: stats.poisson.logpmf(y, mu)),
        (gf.families.Gamma(), lambda y, mu: stats.gamma.logpdf(y, 1 / 0.7, scale=0.7 * mu)),
        (gf.families.Gaussian(), lambda y, mu: stats.norm.logpdf(y, mu, np.sqrt(0.7))),
    ],
)
def test_densities_of_families(family, density):
    y, mu = np.array([1.0, 2.0, 5.0]), np.array([1.5, 2.5, 3.0])
    scale = 1.0 if family.dispersion else 0.7
    expected = density(y, mu)
    np.testing.assert_allclose(family.loglike_obs(y, mu, scale=scale), expected, rtol=1e-12)
    freq = np.array([1.0, 3.0, 2.0])
    total = family.loglike(y, mu, freq_weights=freq, scale=scale)
    assert total == pytest.approx(freq @ expected, rel=1e-12)
    squares = family.resid_dev(y, mu, scale=scale) ** 2
    assert family.deviance(y, mu, scale=scale) == pytest.approx(squares.sum(), rel=1e-12)
    np.testing.assert_allclose(family.fitted(family.predict(mu)), mu)
    np.testing.assert_allclose(family.get_distribution(mu, scale).mean(), mu)
