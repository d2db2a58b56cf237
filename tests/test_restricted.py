"""Fits under linear restrictions against fits of the model that they leave."""

import numpy as np
import pytest

import glmfit as gf
from glmfit.engine.control import Control
from glmfit.engine.restricted import fit_restricted, null_space


def _rows(seed=3, n=120):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)) * [1.0, 1e3, 1e-3]
    eta = 0.3 + x @ [0.5, 4e-4, -300.0]
    return {
        "a": x[:, 0],
        "b": x[:, 1],
        "c": x[:, 2],
        "d": rng.normal(size=n),
        "y": rng.poisson(np.exp(eta)),
        "g": rng.gamma(2.0, np.exp(eta) / 2.0),
        "z": (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int),
    }


def _restricted(result, matrix, value):
    run = result.model.fitted_pass(result.record)
    start = result.record.base[result.record.kept]
    return fit_restricted(run, np.atleast_2d(matrix), np.atleast_1d(value), start, Control())


@pytest.mark.parametrize(
    ("formula", "family", "link"),
    [
        ("y ~ a + b + c + d", "poisson", None),
        ("z ~ a + b + c + d", "binomial", "probit"),
        ("g ~ a + b + c + d", "gamma", "log"),
    ],
)
def test_a_coefficient_held_at_0_is_the_smaller_model(formula, family, link):
    data = _rows()
    options = {} if link is None else {"link": link}
    whole = gf.glm(formula, data, family=family, **options).fit()
    smaller = gf.glm(formula.replace(" + b", ""), data, family=family, **options).fit()
    found = _restricted(whole, [0, 0, 1, 0, 0], 0.0)
    assert found.converged
    assert found.theta[2] == pytest.approx(0.0, abs=1e-18)
    assert np.delete(found.theta, 2) == pytest.approx(smaller.params.to_numpy(), rel=1e-11)
    assert found.deviance == pytest.approx(smaller.deviance, rel=1e-13)
    inner = np.delete(np.delete(found.covariance, 2, 0), 2, 1)
    assert inner == pytest.approx(smaller.normalized_cov_params.to_numpy(), rel=1e-9)


def test_a_value_other_than_0_is_an_offset():
    data = _rows()
    whole = gf.poisson("y ~ a + b + c + d", data).fit()
    held = gf.poisson("y ~ a + b + c", data, offset=0.25 * data["d"]).fit()
    found = _restricted(whole, [0, 0, 0, 0, 1], 0.25)
    assert found.theta[4] == pytest.approx(0.25, rel=1e-14)
    assert found.theta[:4] == pytest.approx(held.params.to_numpy(), rel=1e-11)
    assert found.deviance == pytest.approx(held.deviance, rel=1e-13)


def test_equal_coefficients_are_one_column():
    data = _rows()
    whole = gf.logit("z ~ a + d + c", data).fit()
    merged = gf.logit("z ~ I(a + d) + c", data).fit()
    found = _restricted(whole, [0, 1, -1, 0], 0.0)
    expected = merged.params.to_numpy()[[0, 1, 1, 2]]
    assert found.theta == pytest.approx(expected, rel=1e-11)


def test_nearly_collinear_columns_keep_their_digits():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    data = {"x": x, "w": x + 1e-6 * rng.normal(size=200), "d": rng.normal(size=200)}
    data["z"] = (rng.random(200) < 1 / (1 + np.exp(-x))).astype(int)
    whole = gf.logit("z ~ x + w + d", data).fit()
    smaller = gf.logit("z ~ x + w", data).fit()
    found = _restricted(whole, [0, 0, 0, 1], 0.0)
    # coefficients of 1e5 that cancel to a predictor of 1 leave 11 digits of each row
    assert found.theta[:3] == pytest.approx(smaller.params.to_numpy(), rel=1e-7)
    assert found.deviance == pytest.approx(smaller.deviance, rel=1e-11)


def test_a_multinomial_model_without_a_column():
    housing = gf.datasets.load("housing")
    whole = gf.mnlogit("sat ~ infl + cont", housing, freq_weights="freq").fit()
    smaller = gf.mnlogit("sat ~ infl", housing, freq_weights="freq").fit()
    matrix = np.zeros((2, 8))
    matrix[0, 3] = matrix[1, 7] = 1.0
    found = _restricted(whole, matrix, [0.0, 0.0])
    expected = smaller.params.to_numpy().ravel(order="F")
    assert np.delete(found.theta, [3, 7]) == pytest.approx(expected, rel=1e-11)


def test_everything_held_leaves_nothing_to_fit():
    data = _rows()
    whole = gf.logit("z ~ a", data).fit()
    found = _restricted(whole, np.eye(2), [0.0, 0.5])
    assert found.theta == pytest.approx([0.0, 0.5], abs=1e-16)
    eta = 0.5 * data["a"]
    expected = -2.0 * np.sum(data["z"] * eta - np.log1p(np.exp(eta)))
    assert found.deviance == pytest.approx(expected, rel=1e-13)


def test_null_space_is_orthonormal():
    matrix = np.array([[1.0, 2.0, 0.0, 0.0], [0.0, 1.0, -1.0, 3.0]])
    basis = null_space(matrix)
    assert basis.shape == (4, 2)
    assert np.abs(matrix @ basis).max() < 1e-14
    assert basis.T @ basis == pytest.approx(np.eye(2), abs=1e-14)
