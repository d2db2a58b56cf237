"""Separated data: found exactly, said in words, and fitted in the limit."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.engine.separation import find_separation
from glmfit.errors import SeparationWarning

REFERENCE = json.loads((Path(__file__).parent / "reference" / "separation.json").read_text())
CASES = {case["id"]: case for case in REFERENCE["cases"]}
SEPARATED = sorted(name for name, case in CASES.items() if case["rows"])


def frame_of(case):
    data = pd.DataFrame(case["data"])
    whole = [name for name in data if name.startswith("id")]
    return data.astype(dict.fromkeys(whole, int))


@pytest.mark.parametrize("name", SEPARATED)
def test_published_sets_are_labelled_row_for_row(name):
    case = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = gf.poisson(case["formula"], frame_of(case)).fit()
    assert np.flatnonzero(result.separation.rows).tolist() == case["rows"]
    assert not result.converged
    assert result.deviance == pytest.approx(float(case["limit_deviance"]), rel=1e-12, abs=1e-12)
    for term, (estimate, error) in case["finite"].items():
        assert result.params[term] == pytest.approx(float(estimate), rel=1e-10, abs=1e-12)
        assert result.bse[term] == pytest.approx(float(error), rel=1e-10)


def test_the_control_set_is_not_separated():
    case = CASES["ppml_sep_14"]
    result = gf.poisson(case["formula"], frame_of(case)).fit()
    assert result.separation is None
    assert result.converged


@pytest.fixture
def complete():
    x = np.arange(20.0)
    return pd.DataFrame({"x": x, "event": (x > 9).astype(int)})


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog", "cauchit"])
def test_complete_separation_is_found_for_every_probability_link(complete, link):
    with pytest.warns(SeparationWarning, match=r"completely separated.*Not finite: Intercept, x"):
        result = gf.glm("event ~ x", complete, "binomial", link=link).fit()
    assert result.separation.complete
    assert result.params.tolist() == [-np.inf, np.inf]
    assert result.bse.isna().all()
    assert result.deviance == 0.0
    assert result.llf == 0.0
    assert result.mu.tolist() == complete.event.tolist()
    assert result.predict({"x": [2, 15]}).tolist() == [0.0, 1.0]
    text = result.summary().as_text()
    assert "+infinite: the data are separated" in text
    assert "-infinite: the data are separated" in text


def test_quasi_separation_keeps_what_the_other_rows_determine():
    data = pd.DataFrame(
        {
            "group": ["a"] * 10 + ["b"] * 10 + ["c"] * 10,
            "y": [0, 1] * 5 + [1, 0, 0, 0, 1] * 2 + [1] * 10,
        }
    )
    with pytest.warns(SeparationWarning, match=r"quasi-completely.*group\[T.c\]"):
        result = gf.logit("y ~ group", data).fit()
    rest = gf.logit("y ~ group", data[data.group != "c"]).fit()
    assert result.params["group[T.c]"] == np.inf
    np.testing.assert_allclose(result.params.iloc[:2], rest.params, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(result.bse.iloc[:2], rest.bse, rtol=1e-12)
    assert result.deviance == pytest.approx(rest.deviance, rel=1e-13)
    assert result.df_resid == 27
    assert (result.resid_pearson[20:] == 0.0).all()
    assert result.get_hat_matrix_diag().sum() == pytest.approx(2.0)
    frame = result.get_prediction({"group": ["a", "c"]}).summary_frame()
    assert frame["mean"].tolist() == pytest.approx([0.5, 1.0])
    assert np.isnan(frame["mean_se"].iloc[1])


def test_weights_of_zero_do_not_hide_separation(complete):
    spoiled = pd.concat([complete, pd.DataFrame({"x": [1.0], "event": [1]})], ignore_index=True)
    weights = np.r_[np.ones(20), 0.0]
    with pytest.warns(SeparationWarning):
        result = gf.logit("event ~ x", spoiled, freq_weights=weights).fit()
    assert result.separation.rows.sum() == 20


def test_separated_zero_counts_in_a_log_link():
    data = pd.DataFrame({"g": list("aaabbbccc"), "y": [1, 2, 3, 2, 2, 5, 0, 0, 0]})
    for family in ("poisson", gf.families.NegativeBinomial(alpha=0.5)):
        with pytest.warns(SeparationWarning, match=r"g\[T.c\]"):
            result = gf.glm("y ~ g", data, family).fit()
        assert result.params["g[T.c]"] == -np.inf
        assert result.params["Intercept"] == pytest.approx(np.log(2.0), rel=1e-12)


def test_overlap_in_one_row_is_no_separation(complete):
    complete.loc[9, "event"] = 1
    complete.loc[10, "event"] = 0
    result = gf.logit("event ~ x", complete).fit()
    assert result.separation is None
    assert result.converged


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(5, 25))
def test_directions_satisfy_every_row_and_absence_means_a_finite_fit(seed, p, n):
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(n), rng.integers(-2, 3, size=(n, p))]).astype(float)
    if np.linalg.matrix_rank(design) < p + 1:
        return
    signs = np.where(rng.random(n) < 0.5, 1, -1).astype(np.int8)
    found = find_separation(design, signs)
    if found is not None:
        moves = signs * (design @ found.direction)
        assert moves.min() > -1e-7
        assert ((moves > 1e-6) == found.rows).all()
    elif (signs == signs[0]).all():
        pytest.fail("a response of one kind is always separated")
    else:
        result = gf.Logit((signs > 0).astype(float), design).fit()
        assert result.converged


def test_many_rows_join_the_programme_in_portions():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30_000, 2))
    design = np.column_stack([np.ones(30_000), x])
    signs = np.where(x[:, 0] + 0.5 * x[:, 1] > 0.3, 1, -1).astype(np.int8)
    found = find_separation(design, signs)
    assert found is not None and found.complete
    signs[np.argmax(x[:, 0])] = -1
    assert find_separation(design, signs) is None
