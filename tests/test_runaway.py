"""Separation read off a fit against the linear programme, and the proof of a maximum."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.engine import runaway
from glmfit.engine.control import Control
from glmfit.engine.irls import fit_irls
from glmfit.engine.passes import Pass
from glmfit.engine.predictor import Predictor
from glmfit.engine.runaway import certified_separation, determined, separation_of
from glmfit.engine.separation import find_separation
from glmfit.errors import SeparationWarning
from glmfit.likelihoods import GLMLikelihood, Multinomial
from glmfit.sources import Rows


def _rows(seed, n=400, levels=2):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2)), rng.random(n) < 0.1])
    utility = np.column_stack([np.zeros(n), x[:, :3] @ rng.normal(0, 0.7, (3, levels - 1))])
    y = (utility + rng.gumbel(size=utility.shape)).argmax(axis=1)
    return x, y


def _pass(x, y, levels=2, family=None):
    from glmfit.design import Dense

    design = Dense(np.ascontiguousarray(x, dtype=float))
    if levels == 2:
        likelihood = GLMLikelihood(family or gf.families.Binomial())
        return Pass(Rows(y.astype(float), design), likelihood, Control())
    shares = np.eye(levels)[y]
    return Pass(Rows(shares, design), Multinomial(levels), Control(), Predictor(design, levels - 1))


def _fitted(run):
    return fit_irls(run, np.zeros(run.predictor.n_parameters), run.control)


@pytest.mark.parametrize("levels", [2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_what_a_fit_shows_is_what_the_programme_finds(levels, seed):
    x, y = _rows(seed, levels=levels)
    y[x[:, 3] == 1.0] = 1
    run = _pass(x, y, levels)
    solution = _fitted(run)
    assert not solution.settled
    assert len(solution.history) < 60
    lines = solution.history
    shown = certified_separation(run, lines[-1].theta - lines[-2].theta)
    found = separation_of(run, solution, by_programme=True)
    assert shown is not None
    assert shown.rows.tolist() == found.rows.tolist() == (x[:, 3] == 1.0).tolist()
    assert shown.finite.tolist() == found.finite.tolist()
    assert shown.complete == found.complete


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(8, 25), st.booleans())
def test_few_rows_are_judged_as_the_programme_judges_them(seed, n, counts):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=n), rng.integers(0, 2, n)])
    if np.linalg.matrix_rank(x) < 3:
        return
    y = rng.poisson(0.6, n) if counts else rng.integers(0, 2, n)
    if y.min() == y.max():
        return
    family = gf.families.Poisson() if counts else gf.families.Binomial()
    run = _pass(x, y, family=family)
    solution = _fitted(run)
    signs = family.recession_signs(y.astype(float))
    expected = find_separation(x, signs)
    found = separation_of(run, solution)
    assert (found is None) == (expected is None)
    if found is not None:
        assert found.rows.tolist() == expected.rows.tolist()
        assert found.finite.tolist() == expected.finite.tolist()
        way = (x @ found.direction) * signs
        assert way.min() > -1e-9
        assert (way[found.rows] > 0.999999).all()


def test_a_step_that_costs_some_row_is_no_direction():
    x, y = _rows(1)
    run = _pass(x, y)
    assert certified_separation(run, np.array([0.0, 1.0, 0.0, 0.0])) is None
    assert certified_separation(run, np.zeros(4)) is None


def test_a_maximum_is_proved_without_a_programme(monkeypatch):
    """Rows that are fitted perfectly by a strong effect separate nothing."""
    rng = np.random.default_rng(0)
    n = 3000
    x = np.column_stack([np.ones(n), rng.normal(0.0, 1.0, n)])
    x[:5, 1] = 12.0
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-4.0 * x[:, 1]))).astype(float)
    y[:5] = 1.0

    def never(*_):
        raise AssertionError("the programme was asked")

    monkeypatch.setattr(runaway, "find_separation", never)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = gf.Logit(y, x).fit()
    assert result.converged
    assert result.predict().max() > 1.0 - 1e-12
    run = _pass(x, y)
    assert determined(run, result.record.base)


def test_rows_that_alone_determine_a_coefficient_prove_nothing():
    x, y = _rows(2)
    y[x[:, 3] == 1.0] = 1
    run = _pass(x, y)
    assert not determined(run, np.array([0.0, 0.0, 0.0, 60.0]))


def test_directions_that_are_far_apart_in_size_are_all_found():
    """The fit moves some rows a million times more than others: the programme is asked."""
    rng = np.random.default_rng(3)
    n = 300
    g, h = (rng.random(n) < 0.1).astype(float), (rng.random(n) < 0.1).astype(float)
    z = rng.normal(size=n)
    y = (rng.random(n) < 0.5).astype(int)
    y[g == 1.0] = 1
    y[(h == 1.0) & (g == 0.0)] = 0
    data = pd.DataFrame({"y": y, "z": z, "g": g * rng.uniform(1.0, 1e6, n), "h": h})
    with pytest.warns(SeparationWarning, match="Not finite: g, h"):
        result = gf.logit("y ~ z + g + h", data).fit()
    assert result.separation.rows.sum() == ((g == 1.0) | (h == 1.0)).sum()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rest = gf.logit("y ~ z", data[(g == 0.0) & (h == 0.0)]).fit()
    assert result.params["z"] == pytest.approx(rest.params["z"], rel=1e-9)


def test_many_separated_rows_take_no_longer_than_a_fit():
    x, y = _rows(7, n=40_000, levels=3)
    y[x[:, 3] == 1.0] = 2
    with pytest.warns(SeparationWarning):
        result = gf.MNLogit(y, x).fit()
    assert result.separation.rows.tolist() == (x[:, 3] == 1.0).tolist()


@pytest.mark.filterwarnings("ignore::glmfit.errors.SeparationWarning")
@pytest.mark.parametrize("weights", ["freq_weights", "var_weights"])
def test_weights_and_repeated_rows_have_one_direction(weights):
    # of many directions of separation: predictions of new rows depend on which is taken
    rng = np.random.default_rng(42)
    design = np.column_stack([np.ones(15), rng.standard_normal((15, 10))])
    classes, times = rng.integers(0, 3, 15), rng.integers(1, 5, 15)
    rows = np.repeat(np.arange(15), times)
    weighted = gf.MNLogit(classes, design, **{weights: times.astype(float)}).fit()
    repeated = gf.MNLogit(classes[rows], design[rows]).fit()
    one, two = (fit.separation.direction for fit in (weighted, repeated))
    np.testing.assert_allclose(one / np.abs(one).max(), two / np.abs(two).max(), atol=1e-9)
