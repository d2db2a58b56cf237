"""Rows that are equal in all columns, fitted as weighted cells."""

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.engine import cells
from glmfit.engine.cells import cells_of


def _data(n=30_000, seed=2):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"f": rng.choice(list("abcd"), n), "g": rng.choice(["u", "v", "w"], n)})
    eta = 0.3 * (data.f == "b") - 0.5 * (data.g == "w") + 0.4 * ((data.f == "c") & (data.g == "v"))
    data["z"] = (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(int)
    data["count"] = rng.poisson(np.exp(eta))
    data["cost"] = np.exp(eta) * rng.gamma(2.0, size=n)
    data["w"] = rng.integers(0, 3, n)
    return data


CASES = [
    ("z", "binomial", None, {}),
    ("z", "binomial", "cloglog", {"freq_weights": "w"}),
    ("count", "poisson", None, {}),
    ("count", gf.families.NegativeBinomial(alpha=0.7), None, {}),
    ("cost", "gamma", "log", {"var_weights": "w"}),
    ("cost", "gamma", "inverse", {}),
    ("cost", gf.families.Tweedie(var_power=1.5), None, {}),
    ("cost", "gaussian", None, {"freq_weights": "w"}),
    ("cost", "inverse_gaussian", "log", {}),
]


@pytest.mark.parametrize(("y", "family", "link", "weights"), CASES)
@pytest.mark.parametrize("formula", ["f + g", "f * g", "f"])
def test_cells_are_exact(monkeypatch, y, family, link, weights, formula):
    data = _data()
    options = {**weights, **({} if link is None else {"link": link})}
    model = gf.glm(f"{y} ~ {formula}", data, family=family, **options)
    few = model.fit()
    assert few.record.cells == (4 if formula == "f" else 12)
    monkeypatch.setattr(cells, "FEWEST_ROWS", 10**9)
    every = model.fit()
    assert every.record.cells is None
    np.testing.assert_allclose(few.params, every.params, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(few.cov_params(), every.cov_params(), rtol=1e-8, atol=1e-14)
    for name in ("deviance", "null_deviance", "pearson_chi2", "llf", "llnull", "scale", "aic"):
        assert getattr(few, name) == pytest.approx(getattr(every, name), rel=1e-10), name
    assert few.history.loglik.iloc[-1] == pytest.approx(every.history.loglik.iloc[-1], rel=1e-10)


def test_observed_information_is_the_same(monkeypatch):
    model = gf.probit("z ~ f * g", _data())
    few = model.fit()
    assert few.record.cells == 12
    monkeypatch.setattr(cells, "FEWEST_ROWS", 10**9)
    np.testing.assert_allclose(few.cov_params(), model.fit().cov_params(), rtol=1e-9)


def test_the_summary_says_so():
    text = " ".join(gf.logit("z ~ f + g", _data()).fit().summary().as_text().split())
    assert "were fitted as 12 weighted ones, which is exact" in text


@pytest.mark.parametrize("change", ["numeric", "offset", "few rows", "many cells"])
def test_what_has_no_cells_is_fitted_row_by_row(change):
    data = _data(1_000 if change == "few rows" else 30_000)
    options = {"offset": np.linspace(0.0, 1.0, len(data))} if change == "offset" else {}
    formula = "z ~ f + g"
    if change == "numeric":
        data["x"] = np.arange(len(data)) / len(data)
        formula += " + x"
    if change == "many cells":
        data["h"] = np.arange(len(data)) % 5_000
        formula += " + C(h)"
    model = gf.glm(formula, data, family="binomial", **options)
    assert cells_of(model._pass()) is None


def test_a_separated_cell_is_told_of():
    data = _data()
    data.loc[data.f == "d", "z"] = 1
    with pytest.warns(gf.errors.SeparationWarning, match=r"Not finite: f\[T.d\]"):
        result = gf.logit("z ~ f + g", data).fit()
    assert result.params["f[T.d]"] == np.inf
