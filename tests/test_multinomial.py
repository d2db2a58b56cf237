"""The multinomial logit: reference numbers, labels, and what must not change its answers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import ArgumentError, SeparationWarning
from glmfit.likelihoods import Multinomial

REFERENCE = json.loads((Path(__file__).parent / "reference" / "multinomial.json").read_text())


@pytest.fixture(scope="module")
def housing():
    return gf.datasets.load("housing")


@pytest.fixture(scope="module")
def fit(housing):
    return gf.mnlogit("sat ~ infl + type + cont", housing, freq_weights="freq").fit()


def test_thirty_digit_values(fit):
    assert fit.llf == pytest.approx(REFERENCE["llf"], rel=1e-9)
    for kind, got in (("params", fit.params), ("bse", fit.bse)):
        want = {key.casefold(): float(value) for key, value in REFERENCE[kind].items()}
        seen = {f"{c}|{i}".casefold(): got.loc[i, c] for c in got.columns for i in got.index}
        assert seen.keys() == want.keys()
        for key, value in want.items():
            assert seen[key] == pytest.approx(value, rel=1e-11), key


def test_score_is_zero_and_covariance_inverts_the_curvature(fit, housing):
    model = fit.model
    design, weight, y = model.exog, housing.freq.to_numpy(float), model.data.response.y
    flat = fit.params.to_numpy().ravel(order="F")

    def score(theta):
        eta = design @ theta.reshape(2, -1).T
        p = np.exp(Multinomial(3).log_probabilities(eta))
        return (design.T @ (weight[:, None] * (y - p)[:, 1:])).ravel(order="F")

    assert np.abs(score(flat)).max() < 1e-8
    step = 1e-5
    slopes = [
        (score(flat + step * e) - score(flat - step * e)) / (2 * step) for e in np.eye(flat.size)
    ]
    np.testing.assert_allclose(fit.cov_params(), np.linalg.inv(-np.array(slopes)), rtol=1e-6)


@pytest.mark.parametrize("level", ["Medium", "High"])
def test_rebasing_is_fitting_with_another_reference(fit, housing, level):
    again = gf.mnlogit(
        "sat ~ infl + type + cont", housing, freq_weights="freq", reference=level
    ).fit()
    moved = fit.rebase(level)
    pd.testing.assert_frame_equal(moved.params, again.params, rtol=1e-9, atol=1e-12)
    pd.testing.assert_frame_equal(moved.bse, again.bse, rtol=1e-9)
    np.testing.assert_allclose(moved.predict()[list(fit.predict())], fit.predict(), rtol=1e-10)
    np.testing.assert_allclose(
        fit.symmetric()["coef"], again.symmetric()["coef"][fit.symmetric().index], rtol=1e-8
    )


def test_the_symmetric_form_sums_to_zero(fit):
    sums = fit.symmetric()["coef"].groupby(level="term").sum()
    assert sums.abs().max() < 1e-12


def test_two_classes_are_a_logit(housing):
    data = housing[housing.sat != "Medium"].assign(high=lambda d: (d.sat == "High").astype(int))
    two = gf.mnlogit("high ~ infl + cont", data, freq_weights="freq").fit()
    one = gf.logit("high ~ infl + cont", data, freq_weights="freq").fit()
    np.testing.assert_allclose(two.params.iloc[:, 0], one.params, rtol=1e-10)
    np.testing.assert_allclose(two.bse.iloc[:, 0], one.bse, rtol=1e-10)
    assert two.llf == pytest.approx(one.llf, rel=1e-12)
    assert two.llnull == pytest.approx(one.llnull, rel=1e-12)


def test_repeated_rows_and_counts_are_frequencies(housing):
    data = housing.assign(freq=housing.freq % 4)
    weighted = gf.mnlogit("sat ~ infl + cont", data, freq_weights="freq").fit()
    repeated = gf.mnlogit("sat ~ infl + cont", data.loc[data.index.repeat(data.freq)]).fit()
    wide = data.pivot_table(
        index=["infl", "type", "cont"], columns="sat", values="freq", observed=True
    ).reset_index()
    counted = gf.mnlogit("Low + Medium + High ~ infl + cont", wide).fit()
    for other in (repeated, counted):
        np.testing.assert_allclose(other.params, weighted.params, rtol=1e-9)
        np.testing.assert_allclose(other.bse, weighted.bse, rtol=1e-9)
    assert repeated.llf == pytest.approx(weighted.llf, rel=1e-12)


def test_ratios_and_predictions_are_labelled(fit, housing):
    np.testing.assert_allclose(fit.rrr, np.exp(fit.params))
    table = fit.rrr_table().loc[("High", "cont[T.High]")]
    assert table.ci_lower < table.rrr < table.ci_upper
    shares = fit.predict(housing.head(3))
    assert list(shares.columns) == ["Low", "Medium", "High"]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-14)
    chosen = fit.predict(housing.head(3), which="class")
    assert chosen.tolist() == shares.idxmax(axis=1).tolist()
    assert fit.pred_table().sum() == housing.freq.sum()


def test_hand_calculation_of_the_tutorial():
    """Medium (0.5, 0.1, -0.05), high (1.2, 0.15, -0.08) at age 25 and income 30."""
    theta = np.array([[0.5, 0.1, -0.05], [1.2, 0.15, -0.08]])
    eta = (theta @ np.array([1.0, 25.0, 30.0]))[None, :]
    shares = np.exp(Multinomial(3).log_probabilities(eta))[0]
    assert shares.round(3).tolist() == [0.055, 0.245, 0.7]


def test_the_tutorial_is_separated_and_says_so():
    model = gf.mnlogit("risk ~ age + income", gf.datasets.load("risk"), reference="low")
    with pytest.warns(SeparationWarning, match="completely separated by age, income"):
        result = model.fit()
    assert not result.converged
    assert np.isinf(result.params).all().all()
    assert "infinite: the data are separated" in result.summary().as_text()
    with pytest.raises(ArgumentError, match="Did you mean 'low'"):
        gf.mnlogit("risk ~ age", gf.datasets.load("risk"), reference="lo")


@pytest.mark.parametrize("level", ["Medium", "High"])
def test_rebasing_keeps_what_an_offset_is_against(housing, level):
    data = housing.assign(o=np.linspace(-1.0, 1.0, len(housing)))
    fit = gf.mnlogit("sat ~ infl + cont", data, freq_weights="freq", offset="o").fit()
    moved = fit.rebase(level)
    for rows in ((), (data.head(5),)):
        want = fit.predict(*rows)
        np.testing.assert_allclose(moved.predict(*rows)[list(want)], want, rtol=1e-12)
    again = moved.model.fit()
    np.testing.assert_allclose(again.params, moved.params, rtol=1e-8)
    assert again.llf == pytest.approx(fit.llf, rel=1e-12)
    back = moved.rebase("Low").predict(data)
    np.testing.assert_allclose(back[list(want)], fit.predict(data), rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "k"),
    [
        ([0, 0, 1, 1, 0, -1, 1, -1], [1, 1, 2, 1, 1, 1, 0, 2]),
        ([1, 1, 1, -1, -1, 0, 0], [1, 2, 0, 1, 1, 2, 3]),
        ([-1, 0, 0, 0, -1, -1, -1, 1], [1, 3, 3, 3, 3, 2, 3, 2]),
    ],
)
def test_separation_that_makes_no_class_certain_is_found(x, k):
    """A class falls behind, but others stay possible, and the score is lost in rounding."""
    with pytest.warns(SeparationWarning, match="quasi-completely separated"):
        result = gf.MNLogit(np.array(k), np.column_stack([np.ones(len(x)), x])).fit()
    assert not result.converged
    assert np.isinf(result.params.to_numpy()).any()
