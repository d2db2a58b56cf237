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
    "nb2": lambda: gf.NegativeBinomial(RNG.negative_binomial(2, 0.3, 50), X, freq_weights=FREQ),
    "nbp": lambda: gf.NegativeBinomialP(
        RNG.negative_binomial(2, 0.3, 50), X, p=1.5, offset=0.1 * X[:, 1]
    ),
    "zip": lambda: gf.ZeroInflatedPoisson(RNG.poisson(3.0, 50) * RNG.integers(0, 2, 50), X),
}
COUNTS = ("nb2", "nbp", "zip")


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
    more = {"scale": 1.3} if isinstance(model, gf.GLM) else {}
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


@pytest.mark.parametrize("name", ["poisson", "probit", "trials", "gamma"])
def test_factors_of_rows_make_score_and_hessian(name):
    model = MODELS[name]()
    theta = np.array([0.2, 0.1, -0.1])
    hessian = (model.exog.T * model.hessian_factor(theta)) @ model.exog
    sign = 1.0 if model.discrete_in_statsmodels else -1.0
    np.testing.assert_allclose(sign * hessian, model.hessian(theta), rtol=1e-11)


@pytest.mark.parametrize("name", COUNTS)
def test_rows_of_counts_sum_to_their_likelihood(name):
    result = MODELS[name]().fit()
    model, theta = result.model, np.asarray(result.params)
    assert model.loglike(theta) == pytest.approx(result.llf, rel=1e-13)
    np.testing.assert_allclose(model.loglikeobs(theta).sum(), result.llf, rtol=1e-13)
    away = theta + 0.05
    np.testing.assert_allclose(model.score_obs(away).sum(axis=0), model.score(away), rtol=1e-10)
    np.testing.assert_allclose(slope(model.loglike, away), model.score(away), rtol=1e-6)


def test_factors_of_counts_make_the_hessian():
    model = MODELS["nb2"]()
    theta = np.array([0.5, 0.1, -0.1, 0.6])
    X = model.exog[:, :3]
    mean, alpha = model.score_factor(theta)
    np.testing.assert_allclose(np.r_[X.T @ mean, alpha.sum()], model.score(theta), rtol=1e-12)
    first, cross, last = model.hessian_factor(theta)
    whole = np.zeros((4, 4))
    whole[:3, :3], whole[3, :3], whole[3, 3] = (X.T * first) @ X, cross @ X, last.sum()
    whole[:3, 3] = whole[3, :3]
    np.testing.assert_allclose(whole, model.hessian(theta), rtol=1e-11)


def test_factors_of_log_odds_make_score_and_hessian():
    model = MODELS["mnlogit"]()
    theta = np.linspace(-0.3, 0.4, 6)
    factors = model.score_factor(theta)
    score = np.concatenate([model.exog.T @ factors[:, j] for j in range(2)])
    np.testing.assert_allclose(score, model.score(theta), rtol=1e-11)
    rows = model.hessian_factor(theta)
    blocks = [[(model.exog.T * rows[:, i, j]) @ model.exog for j in range(2)] for i in range(2)]
    np.testing.assert_allclose(np.block(blocks), model.hessian(theta), rtol=1e-11)


def test_the_distribution_of_counts_at_given_coefficients():
    result = MODELS["nb2"]().fit()
    made = result.model.get_distribution(result.params)
    np.testing.assert_allclose(made.mean(), result.predict(), rtol=1e-12)
    np.testing.assert_allclose(made.var(), result.predict(which="var"), rtol=1e-12)
    assert result.lnalpha_std_err == pytest.approx(result.bse[-1] / result.alpha, rel=1e-15)
    geometric = gf.NegativeBinomial(result.model.endog, X, "geometric")
    found = geometric.get_distribution([0.5, 0.1, 0.1])
    np.testing.assert_allclose(found.var(), found.mean() + found.mean() ** 2, rtol=1e-12)
    generalized = gf.GeneralizedPoisson(result.model.endog, X)
    for model in (MODELS["zip"](), generalized):
        with pytest.raises(NotAvailableError, match="SciPy has no"):
            model.get_distribution(np.zeros(4))


@pytest.mark.parametrize("observed", [True, False])
def test_the_score_test_is_that_of_statsmodels(observed):
    sm = pytest.importorskip("statsmodels.api")
    y = (ETA + RNG.normal(size=50) > 0.0) * 1.0
    extra = X[:, 1:] ** 2
    ours = gf.GLM(y, X, gf.families.Binomial(gf.families.links.Probit()))
    theirs = sm.GLM(y, X, sm.families.Binomial(sm.families.links.Probit()))
    theta = ours.fit().params
    found = ours.score_test(theta, exog_extra=extra, observed=observed)
    expected = theirs.score_test(theta, exog_extra=extra, observed=observed)
    np.testing.assert_allclose(np.hstack(found), np.hstack(expected), rtol=1e-7)
    with pytest.raises(ArgumentError, match="k_constraints"):
        ours.score_test(theta)


def test_the_score_test_of_added_columns_is_that_of_the_larger_model():
    y = RNG.poisson(np.exp(ETA))
    small, large = gf.Poisson(y, X[:, :2]).fit(), gf.Poisson(y, X).fit()
    found = small.model.score_test(small.params, exog_extra=X[:, 2])
    assert found[0] == pytest.approx(float(large.score_test("x2 = 0").statistic), rel=1e-9)


def test_l1_is_the_minimum_of_statsmodels_objective():
    # the conditions of a minimum of -loglik + sum(alpha |b|), the constant penalised too
    model = MODELS["trials"]()
    alpha = np.array([0.5, 2.0, 30.0])
    result = model.fit_regularized(method="l1", alpha=alpha)
    score, found = model.score(result.params), np.asarray(result.params)
    assert found[2] == 0.0 and (found[:2] != 0.0).all()
    np.testing.assert_allclose(score[:2], alpha[:2] * np.sign(found[:2]), rtol=1e-7)
    assert abs(score[2]) < alpha[2]
    same = model.fit_regularized(method="l1", alpha=0.0)
    np.testing.assert_allclose(same.params, model.fit().params, rtol=1e-12)
    for other in (MODELS["gamma"](), MODELS["mnlogit"]()):
        with pytest.raises(ArgumentError, match="is for Logit, Probit and Poisson"):
            other.fit_regularized(method="l1", alpha=1.0)


def test_other_names_of_what_results_have():
    result = MODELS["gamma"]().fit()
    assert result._results is result
    np.testing.assert_array_equal(result._iweights, result.model.freq_weights)
    assert result.model.wnobs == FREQ.sum()
    prediction = result.get_prediction()
    np.testing.assert_array_equal(prediction.linpred, np.asarray(prediction.eta))
    np.testing.assert_array_equal(prediction.linpred.se_mean, prediction.linpred_se)
    ends = prediction.linpred.conf_int(0.1)
    np.testing.assert_allclose(np.exp(ends), prediction.conf_int(0.1), rtol=1e-13)


def test_scaletype_is_scale():
    model = MODELS["trials"]()
    np.testing.assert_array_equal(model.fit(scaletype="x2").bse, model.fit(scale="X2").bse)
    with pytest.raises(ArgumentError, match="are the same"):
        model.fit(scale="X2", scaletype="X2")
    with pytest.raises(ArgumentError, match="scale"):
        model.fit(scaletype="unknown")


def test_thresholds_of_an_ordinal_model():
    model = gf.OrderedModel(np.arange(50) % 3, X[:, 1:], distr="logit")
    params = np.asarray(model.fit().params)
    found = model.transform_threshold_params(params)
    np.testing.assert_array_equal(found, [-np.inf, *params[-2:], np.inf])
