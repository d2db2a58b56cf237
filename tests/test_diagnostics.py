"""Residuals as diagnostic plots show them: binned, in order, and added variables."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.inference import residual_plots

REFERENCE = json.loads((Path(__file__).parent / "reference" / "tables.json").read_text())


@pytest.fixture(scope="module")
def logit():
    infert = gf.datasets.load("infert")
    return gf.logit("case ~ age + spontaneous + induced", infert).fit()


@pytest.fixture(scope="module")
def linear():
    return gf.ols("volume ~ girth + height", gf.datasets.load("trees")).fit()


# --- binned residuals -----------------------------------------------------------------------


def same_bins(frame, want):
    names = {"x": "xbar", "residual": "ybar", "count": "n", "lowest": "x.lo", "highest": "x.hi"}
    for column, theirs in {**names, "limit": "2se"}.items():
        np.testing.assert_allclose(
            frame[column], want[theirs], rtol=1e-7, atol=1e-9, err_msg=column
        )


def test_bins_are_those_of_arm(logit, linear):
    same_bins(logit.binned_residuals(), REFERENCE["binned"]["fitted"])
    same_bins(logit.binned_residuals("age", n_bins=12), REFERENCE["binned"]["age"])
    same_bins(linear.binned_residuals(), REFERENCE["binned"]["few"])


def test_the_usual_number_of_bins():
    assert [residual_plots.default_bins(n) for n in (1, 4, 10, 11, 99, 100, 248)] == [
        1, 2, 5, 10, 10, 10, 15,
    ]  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.floats(-2, 2), st.integers(1, 4)), min_size=2, max_size=30
    ),
    st.integers(1, 12),
)
def test_counts_are_rows_written_out(rows, n_bins):
    x, residual, count = (np.array(part, dtype=float) for part in zip(*rows, strict=True))
    times = count.astype(int)
    found = residual_plots.binned(x, residual, count, n_bins)
    written = residual_plots.binned(
        np.repeat(x, times), np.repeat(residual, times), np.ones(times.sum()), n_bins
    )
    pd.testing.assert_frame_equal(found, written, rtol=1e-9, atol=1e-9)
    assert found["count"].sum() == times.sum()
    assert (found["lowest"].to_numpy()[1:] > found["highest"].to_numpy()[:-1]).all()


def test_trials_are_observations_of_their_own():
    beetles = gf.datasets.load("beetles")
    grouped = gf.logit("killed + survived ~ log_dose", beetles).fit()
    long = pd.concat(
        [
            beetles.loc[beetles.index.repeat(beetles["killed"])].assign(y=1),
            beetles.loc[beetles.index.repeat(beetles["survived"])].assign(y=0),
        ]
    )
    single = gf.logit("y ~ log_dose", long.reset_index(drop=True)).fit()
    pd.testing.assert_frame_equal(
        grouped.binned_residuals(n_bins=6), single.binned_residuals(n_bins=6), atol=1e-9
    )


def test_wrong_bins_are_refused(logit):
    with pytest.raises(gf.errors.ArgumentError, match="n_bins"):
        logit.binned_residuals(n_bins=0)
    with pytest.raises(gf.errors.ArgumentError, match="Did you mean 'age'"):
        logit.binned_residuals("agee")


# --- in order -------------------------------------------------------------------------------


def test_residuals_in_order_stand_at_rs_points(linear):
    frame, want = linear.residual_quantiles(), REFERENCE["order"]
    for column in ("theoretical", "lower", "upper"):
        np.testing.assert_allclose(frame[column], want[column], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(frame["residual"], np.sort(linear.resid_quantile()))
    few = residual_plots.normal_order(np.arange(8.0), 0.05)
    np.testing.assert_allclose(few["theoretical"], want["few"], rtol=1e-12)


def test_frequencies_stand_in_order_as_often():
    trees = gf.datasets.load("trees").assign(f=[1, 2, 0] * 10 + [3])
    weighted = gf.ols("volume ~ girth", trees, freq_weights="f").fit()
    long = trees.loc[trees.index.repeat(trees["f"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        weighted.residual_quantiles("pearson"),
        gf.ols("volume ~ girth", long).fit().residual_quantiles("pearson"),
        rtol=1e-8,
    )
    part = trees.assign(f=0.5)
    with pytest.warns(gf.errors.DataWarning, match="not whole"):
        halves = gf.ols("volume ~ girth", part, freq_weights="f").fit()
    with pytest.raises(gf.errors.NotAvailableError, match="whole frequencies"):
        halves.residual_quantiles()


def test_what_is_in_no_order_is_refused(linear):
    with pytest.raises(gf.errors.ArgumentError, match="several columns"):
        linear.residual_quantiles("partial")
    with pytest.raises(gf.errors.ArgumentError, match="alpha"):
        linear.residual_quantiles(alpha=1.5)


def test_classes_in_order_have_quantiles_too():
    housing = gf.datasets.load("housing")
    result = gf.ordered("sat ~ infl", housing, freq_weights="freq").fit()
    assert len(result.residual_quantiles()) == housing["freq"].sum()


# --- added variables ------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(REFERENCE["added"]))
def test_added_variables_are_those_of_r(name, logit, linear):
    load = gf.datasets.load
    gamma = gf.families.Gamma("log")
    fit, column = {
        "linear": (linear, "height"),
        "logit": (logit, "age"),
        "gamma": (gf.glm("volume ~ log(girth) + height", load("trees"), gamma).fit(), "log(girth)"),
        "trials": (gf.logit("killed + survived ~ log_dose", load("beetles")).fit(), "log_dose"),
    }[name]
    want = REFERENCE["added"][name]
    x, y = want.values()  # car calls them by the variables
    frame = fit.added_variable(column)
    # glm() takes its weights from the last step but one
    np.testing.assert_allclose(frame["x"], x, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(frame["y"], y, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("options", [{}, {"freq_weights": "f"}, {"var_weights": "f"}])
def test_an_added_variable_has_the_coefficient_as_its_slope(options):
    trees = gf.datasets.load("trees").assign(f=[1, 2, 3] * 10 + [2], z=lambda d: 2 * d["height"])
    trees.loc[4, "height"] = np.nan
    with pytest.warns(gf.errors.CollinearityWarning):
        fit = gf.glm(
            "volume ~ girth + height + z", trees, gf.families.Gamma("log"), **options
        ).fit()
    frame = fit.added_variable("height")
    assert frame.loc[4].isna().all()
    part = frame.dropna()
    squares = part["x"] @ part["x"]
    np.testing.assert_allclose(part["x"] @ part["y"] / squares, fit.params["height"], rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(fit.scale / squares), fit.bse["height"], rtol=1e-9)


def test_added_variables_need_a_maximum(logit):
    with pytest.raises(gf.errors.ArgumentError, match="Did you mean 'age'"):
        logit.added_variable("agee")
    infert = gf.datasets.load("infert")
    absorbed = gf.logit("case ~ age", infert, absorb="education").fit()
    with pytest.raises(gf.errors.NotAvailableError, match="absorbed"):
        absorbed.added_variable("age")
    firth = gf.logit("case ~ age", infert).fit(method="firth")
    ridge = gf.logit("case ~ age", infert).fit_regularized(alpha=0.1, L1_wt=0.0)
    with pytest.warns(gf.errors.SeparationWarning):
        separated = gf.logit("y ~ x", {"x": [1.0, 2, 3, 4], "y": [0, 0, 1, 1]}).fit()
    for fit in (firth, ridge, separated):
        with pytest.raises(gf.errors.NotAvailableError, match="maximum-likelihood"):
            fit.added_variable("age" if fit is not separated else "x")
