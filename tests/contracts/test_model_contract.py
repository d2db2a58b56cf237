"""What holds for every model class: the pass that its estimates maximise, row by row.

Each class has at least one case; the first test fails for a class that has none.
"""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit import models
from glmfit.engine.strata import ConditionalLikelihood, StrataPass
from glmfit.errors import GlmfitWarning
from glmfit.models.base import Model


@dataclass(frozen=True)
class Case:
    """A fit of a model class."""

    model: Callable[[], Model]
    fit: dict[str, Any] = field(default_factory=dict)
    observed: bool = False
    """Whether standard errors come from the observed information."""


def _rows(seed: int = 3, n: int = 90) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x, z, t = random.normal(size=(3, n))
    latent = 0.7 * x - 0.4 * z + random.logistic(size=n)
    rows = pd.DataFrame(
        {
            "x": x,
            "z": z,
            "twice": 2.0 * x,
            "f": random.choice(list("abc"), n),
            "y": (latent > 0.2).astype(int),
            "k": np.digitize(latent, [-0.8, 0.9]),
            "count": random.poisson(np.exp(0.3 * x + 0.1)),
            "size": np.exp(0.4 * z + 0.3 * random.normal(size=n)),
            "freq": random.integers(0, 4, n),
            "weight": random.uniform(0.5, 2.0, n),
            "t": 0.3 * t,
            "g": np.arange(n) % 15,
            "w": np.arange(n) % 15 % 4,
        }
    )
    rows["share"] = rows["size"] / (1.0 + rows["size"])
    rows["misses"] = 1 + 2 * rows["k"]
    rows["claims"] = np.where(rows["y"] == 1, rows["size"], 0.0)
    rows["many"] = np.floor(random.gamma(0.8, 4.0, n)) * (random.random(n) > 0.2)
    rows["up_to_six"] = np.minimum(rows["many"], 6.0)
    rows["above"] = 1.0 + np.floor(random.gamma(0.8, 4.0, n))
    rows.loc[4, "x"] = np.nan
    return rows


ROWS = _rows()
WEIGHTS = {"freq_weights": "freq", "var_weights": "weight", "offset": "t"}


def _separated() -> pd.DataFrame:
    """Level c has the highest class and event only, and level b never the highest class."""
    rows = _rows(5)
    rows.loc[rows["f"] == "c", "k"] = 2
    rows.loc[(rows["f"] == "b") & (rows["k"] == 2), "k"] = 1
    rows.loc[rows["f"] == "c", "y"] = 1
    return rows


SEPARATED = _separated()


def _long() -> pd.DataFrame:
    """Choices ``y`` among three alternatives, and ``best``, which is never of level c."""
    rows = _rows(8)
    rows["g"], rows["alt"] = np.arange(90) // 3, np.tile(list("uvw"), 30)
    rows["v"], rows["w"] = rows["size"][3 * rows["g"]].to_numpy(), rows["g"] % 4
    random = np.random.default_rng(9)
    for name, utility in (("y", 0.0), ("best", 0.5 * rows["z"] - 100.0 * (rows["f"] == "c"))):
        total = pd.Series(utility + random.gumbel(size=90))
        rows[name] = (total == total.groupby(rows["g"]).transform("max")).astype(int)
    return rows


LONG = _long()


def _arrays(kind: type[Model], response: str, **options: Any) -> Callable[[], Model]:
    rows = ROWS.dropna()
    return lambda: kind(rows[response].to_numpy(), rows[["x", "z"]].to_numpy(), **options)


def _of(kind: type[Model], formula: str, data: pd.DataFrame = ROWS, **options: Any) -> Any:
    return lambda: kind.from_formula(formula, data, **options)


CASES: dict[str, Case] = {
    "GLM gamma": Case(_of(gf.GLM, "size ~ x + f", family="gamma", link="log", **WEIGHTS)),
    "GLM firth": Case(_of(gf.GLM, "y ~ x + z", family="binomial"), {"method": "firth"}),
    "GLM identity Poisson": Case(_of(gf.GLM, "count ~ f", family="poisson", link="identity")),
    "GLM separated": Case(_of(gf.GLM, "y ~ f + z", SEPARATED, family="binomial", **WEIGHTS)),
    "OLS": Case(_of(gf.OLS, "size ~ x + z + twice", var_weights="weight")),
    "Logit": Case(_arrays(gf.Logit, "y")),
    "Probit": Case(_of(gf.Probit, "y ~ x * f", **WEIGHTS), observed=True),
    "Poisson": Case(_of(gf.Poisson, "count ~ x + twice + f", **WEIGHTS)),
    "NegativeBinomial": Case(
        _of(gf.NegativeBinomial, "count ~ x + twice + f", **WEIGHTS), observed=True
    ),
    "NegativeBinomialP": Case(_of(gf.NegativeBinomialP, "count ~ x", p=1.0), observed=True),
    "ZeroInflatedPoisson": Case(
        _of(gf.ZeroInflatedPoisson, "count ~ x", inflation="~ 1", **WEIGHTS), observed=True
    ),
    "ZeroInflatedNegativeBinomialP": Case(
        _of(gf.ZeroInflatedNegativeBinomialP, "count ~ x", inflation="~ 1"), observed=True
    ),
    "HurdlePoisson": Case(_of(gf.HurdlePoisson, "count ~ x", inflation="~ z"), observed=True),
    "HurdleNegativeBinomialP": Case(
        _of(gf.HurdleNegativeBinomialP, "count ~ x", inflation="~ z"), observed=True
    ),
    "GeneralizedPoisson": Case(_of(gf.GeneralizedPoisson, "many ~ x", **WEIGHTS), observed=True),
    "ZeroInflatedGeneralizedPoisson": Case(
        _of(gf.ZeroInflatedGeneralizedPoisson, "many ~ x"), observed=True
    ),
    "TruncatedLFPoisson": Case(_of(gf.TruncatedLFPoisson, "above ~ x", **WEIGHTS), observed=True),
    "TruncatedLFNegativeBinomialP": Case(
        _of(gf.TruncatedLFNegativeBinomialP, "above ~ x"), observed=True
    ),
    "TruncatedLFGeneralizedPoisson": Case(
        _of(gf.TruncatedLFGeneralizedPoisson, "above ~ x"), observed=True
    ),
    "CensoredPoisson": Case(
        _of(gf.CensoredPoisson, "up_to_six ~ x", censoring=6, **WEIGHTS), observed=True
    ),
    "CensoredNegativeBinomialP": Case(
        _of(gf.CensoredNegativeBinomialP, "up_to_six ~ x", censoring=6), observed=True
    ),
    "BetaModel": Case(
        _of(gf.BetaModel, "share ~ x + twice", precision="~ z", **WEIGHTS), observed=True
    ),
    "BetaBinomial": Case(
        _of(gf.BetaBinomial, "count + misses ~ x + f", freq_weights="w"), observed=True
    ),
    "TweedieModel": Case(
        _of(gf.TweedieModel, "claims ~ x", var_weights="weight", freq_weights="freq"), observed=True
    ),
    "MNLogit": Case(_of(gf.MNLogit, "k ~ x + f", **WEIGHTS)),
    "MNLogit arrays": Case(_arrays(gf.MNLogit, "k")),
    "MNLogit aliased": Case(_of(gf.MNLogit, "k ~ x + twice + z")),
    "MNLogit firth": Case(_of(gf.MNLogit, "k ~ x + f", SEPARATED), {"method": "firth"}),
    "MNLogit separated": Case(_of(gf.MNLogit, "k ~ f + z", SEPARATED, **WEIGHTS)),
    "OrderedModel": Case(_of(gf.OrderedModel, "k ~ x + z", **WEIGHTS), observed=True),
    "OrderedModel aliased": Case(
        _of(gf.OrderedModel, "k ~ x + twice + f", distr="logit", nonparallel="x"), observed=True
    ),
    "OrderedModel separated": Case(_of(gf.OrderedModel, "k ~ f + z", SEPARATED), observed=True),
    "AdjacentCategory": Case(_of(gf.AdjacentCategory, "k ~ x + f", **WEIGHTS)),
    "AdjacentCategory separated": Case(_of(gf.AdjacentCategory, "k ~ f + z", SEPARATED)),
    "ContinuationRatio": Case(
        _of(gf.ContinuationRatio, "k ~ x + f", distr="cloglog", **WEIGHTS), observed=True
    ),
    "ContinuationRatio separated": Case(
        _of(gf.ContinuationRatio, "k ~ f + z", SEPARATED, **WEIGHTS), observed=True
    ),
    "ConditionalLogit": Case(_of(gf.ConditionalLogit, "y ~ x + twice + z", groups="g", offset="t")),
    "ChoiceModel": Case(
        _of(
            gf.ChoiceModel,
            "y ~ x + twice | v | t",
            LONG,
            groups="g",
            alternatives="alt",
            freq_weights="w",
            offset="t",
        )
    ),
    "ChoiceModel separated": Case(
        _of(gf.ChoiceModel, "best ~ f + z", LONG, groups="g", alternatives="alt")
    ),
    "ConditionalLogit separated": Case(
        _of(gf.ConditionalLogit, "y ~ f + z", SEPARATED, groups="g", offset="t", freq_weights="w")
    ),
    "ConditionalLogit arrays": Case(_arrays(gf.ConditionalLogit, "y", groups=ROWS.dropna()["f"])),
}


def fitted(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlmfitWarning)
        return CASES[name].model().fit(**CASES[name].fit)


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return request.param, fitted(request.param)


def estimates(result):
    return result.record.base[result.record.kept]


def test_every_model_class_has_a_case():
    public = [getattr(models, name) for name in models.__all__]
    classes = {item for item in public if inspect.isclass(item) and issubclass(item, Model)}
    assert classes == {type(case.model()) for case in CASES.values()}


def test_pass_has_the_deviance_of_the_fit(case):
    _, result = case
    run = result.model.fitted_pass(result.record)
    assert run.deviance(estimates(result)) == pytest.approx(result.record.deviance, rel=1e-10)


def test_pass_has_the_information_of_the_fit(case):
    name, result = case
    kept = result.record.kept
    run = result.model.fitted_pass(result.record)
    information = run(estimates(result), observed=CASES[name].observed).information
    covariance = result.record.unscaled[np.ix_(kept, kept)]
    np.testing.assert_allclose(covariance @ information, np.eye(kept.size), atol=1e-8)


def test_score_is_zero_at_the_maximum(case):
    _, result = case
    run, kept = result.model.fitted_pass(result.record), result.record.kept
    errors = np.sqrt(np.diag(result.record.unscaled)[kept])
    score = run(estimates(result)).score * errors
    if result.record.bias_reduced:
        assert np.abs(score).max() > 1e-3
    else:
        np.testing.assert_allclose(score, 0.0, atol=1e-6)


def test_score_is_the_derivative_of_the_deviance(case):
    _, result = case
    run, theta = result.model.fitted_pass(result.record), estimates(result)
    theta = theta + 0.01 * np.arange(1, theta.size + 1)
    for j, unit in enumerate(np.eye(theta.size)):
        slope = (run.deviance(theta + 1e-5 * unit) - run.deviance(theta - 1e-5 * unit)) / 2e-5
        assert run(theta).score[j] == pytest.approx(-0.5 * slope, rel=1e-5, abs=1e-5)


def test_score_rows_sum_to_the_score(case):
    _, result = case
    rows = result.model.score_rows(result.record)
    score = result.model.fitted_pass(result.record)(estimates(result)).score
    scale = np.abs(rows).sum(axis=0).max(initial=1.0)
    np.testing.assert_allclose(rows.sum(axis=0), score, atol=1e-12 * scale)
    groups = result.model.data.groups
    count = len(result.model.endog) if groups is None else len(np.unique(groups))
    assert rows.shape == (count, result.record.kept.size)


def test_score_rows_are_those_of_each_row(case):
    """A pass over one row, or one stratum, has the score of that row."""
    _, result = case
    model, theta = result.model, estimates(result)
    run, rows = model.fitted_pass(result.record), model.score_rows(result.record)
    if isinstance(run, StrataPass):
        numbers = np.unique(model.strata.codes[model.fitted_rows(result.record)])
    else:
        numbers = np.flatnonzero(model.fitted_rows(result.record))
    assert (rows[np.setdiff1d(np.arange(len(rows)), numbers)] == 0.0).all()
    for place, number in enumerate(numbers[:40]):
        alone = _alone(run, place)(theta).score
        np.testing.assert_allclose(rows[number], alone, rtol=1e-10, atol=1e-12)


def _alone(run, place):
    if not isinstance(run, StrataPass):
        vector = run.vector
        rows = run.rows.take(np.array([place]))
        if vector is not None:
            vector = replace(vector, design=rows.design)
        return replace(run, rows=rows, vector=vector)
    for block in run.likelihood.blocks:
        own = block.strata == place
        if own.any():
            single = replace(block, strata=np.array([0]), rows=block.rows[own])
            weight = None if run.likelihood.weight is None else run.likelihood.weight[[place]]
            return replace(run, likelihood=ConditionalLikelihood((single,), weight))
    raise AssertionError(f"stratum {place} is in no block")


def test_a_pass_needs_the_rows(case):
    _, result = case
    light = result.remove_data()
    with pytest.raises(gf.errors.NotAvailableError, match="removed"):
        light.model.score_rows(light.record)
