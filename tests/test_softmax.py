"""Probabilities from coefficients in hand: the tutorial's, and those of fits."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glmfit as gf
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    CollinearityWarning,
    DataError,
    SeparationWarning,
)

REFERENCE = json.loads((Path(__file__).parent / "reference" / "metrics.json").read_text())
MEDIUM, HIGH = (0.5, 0.1, -0.05), (1.2, 0.15, -0.08)
TERMS = ("Intercept", "age", "income")
BY_TERM = {
    "medium": dict(zip(TERMS, MEDIUM, strict=True)),
    "high": dict(zip(TERMS, HIGH, strict=True)),
}


@pytest.mark.parametrize(
    ("coefficients", "rows"),
    [
        (BY_TERM, {"age": 25, "income": 30}),
        (BY_TERM, {"income": [30], "age": [25], "Intercept": [1]}),
        (BY_TERM, [{"income": 30, "age": 25}]),
        (BY_TERM, [1, 25, 30]),
        (pd.DataFrame(BY_TERM), pd.DataFrame({"income": [30], "age": [25]})),
        (pd.DataFrame(BY_TERM).rename({"Intercept": "const"}), {"age": 25, "income": 30}),
        ({"medium": MEDIUM, "high": HIGH}, [[1.0, 25.0, 30.0]]),
        (
            {"medium": pd.Series(BY_TERM["medium"]), "high": BY_TERM["high"]},
            {"age": 25, "income": 30},
        ),
    ],
)
def test_hand_calculation_of_the_tutorial(coefficients, rows):
    got = gf.softmax_probabilities(coefficients, rows, reference="low")
    assert list(got.columns) == ["low", "medium", "high"]
    assert got.round(3).to_numpy().tolist() == [[0.055, 0.245, 0.7]]
    # exp(0), exp(1.5) and exp(2.55) over their sum
    parts = [1.0, math.exp(1.5), math.exp(2.55)]
    np.testing.assert_allclose(got.to_numpy()[0], np.array(parts) / sum(parts), rtol=1e-14)


def test_coefficients_of_all_classes_as_scikit_learn_has_them():
    fit = REFERENCE["tutorial"]
    coefficients = {
        name: dict(zip(TERMS, (constant, *slopes), strict=True))
        for name, constant, slopes in zip(fit["names"], fit["intercept"], fit["coef"], strict=True)
    }
    test = gf.datasets.load("risk").iloc[fit["test"]]
    got = gf.softmax_probabilities(coefficients, test, reference=None)
    np.testing.assert_allclose(got, fit["probability"], rtol=1e-12)
    assert got.index.tolist() == fit["test"]


def housing_fit(**options):
    housing = gf.datasets.load("housing").assign(o=lambda d: np.linspace(-1, 1, len(d)))
    return housing, gf.mnlogit("sat ~ infl * cont", housing, freq_weights="freq", **options).fit()


@pytest.mark.parametrize("reference", ["Low", "Medium", "High"])
def test_a_fit_predicts_the_same(reference):
    housing, result = housing_fit(reference=reference)
    design = pd.DataFrame(result.model.exog, columns=result.model.exog_names)
    for rows in (design, design.iloc[:, 1:], result.model.exog):
        got = gf.softmax_probabilities(result.params, rows, reference=reference)
        pd.testing.assert_frame_equal(got, result.predict(housing), rtol=1e-14)


def test_offsets_and_arrays():
    housing, result = housing_fit(offset="o")
    got = gf.softmax_probabilities(
        result.params, result.model.exog, reference="Low", offset=housing.o.to_numpy()
    )
    pd.testing.assert_frame_equal(got, result.predict(housing), rtol=1e-14)
    fit = gf.MNLogit(housing.sat, housing[["o"]].assign(const=1.0)).fit()
    got = gf.softmax_probabilities(fit.params, housing, reference="Low")
    pd.testing.assert_frame_equal(got, fit.predict(), rtol=1e-14)


def test_aliased_terms_are_left_out():
    housing = gf.datasets.load("housing").assign(z=lambda d: np.arange(len(d)) / 10)
    with pytest.warns(CollinearityWarning):
        result = gf.mnlogit("sat ~ z + I(2 * z)", housing, freq_weights="freq").fit()
    assert result.params.isna().any(axis=None)
    got = gf.softmax_probabilities(result.params, result.model.exog, reference="Low")
    pd.testing.assert_frame_equal(got, result.predict(housing), rtol=1e-14)


def test_bias_reduced_fits_of_separated_data():
    risk = gf.datasets.load("risk")
    result = gf.mnlogit("risk ~ age + income", risk).fit(method="firth")
    got = gf.softmax_probabilities(result.params, risk, reference="low")
    pd.testing.assert_frame_equal(got, result.predict(risk), rtol=1e-12)
    with pytest.warns(SeparationWarning):
        separated = gf.mnlogit("risk ~ age + income", risk).fit()
    with pytest.raises(ArgumentError, match="infinite"):
        gf.softmax_probabilities(separated.params, risk, reference="low")


def test_missing_values_and_labels():
    rows = pd.DataFrame({"age": [25.0, np.nan], "income": [30.0, 30.0]}, index=["a", "b"])
    got = gf.softmax_probabilities(BY_TERM, rows)
    assert list(got.columns) == ["reference", "medium", "high"]
    assert got.loc["b"].isna().all()
    assert got.loc["a"].sum() == pytest.approx(1.0, rel=1e-15)


@given(st.lists(st.floats(-700, 700), min_size=2, max_size=6), st.floats(-5, 5))
def test_adding_a_number_to_all_predictors_changes_nothing(eta, shift):
    names = [f"c{k}" for k in range(len(eta))]
    one, other = (
        gf.softmax_probabilities(
            {n: [e + s] for n, e in zip(names, eta, strict=True)}, [1.0], reference=None
        )
        for s in (0.0, shift)
    )
    np.testing.assert_allclose(one, other, rtol=1e-11)
    assert one.to_numpy().sum() == pytest.approx(1.0, rel=1e-14)


def test_wrong_arguments_are_refused_in_words():
    person = {"age": 25, "income": 30}
    with pytest.raises(AlignmentError, match="put a 1 in its place"):
        gf.softmax_probabilities(BY_TERM, [25, 30])
    with pytest.raises(AlignmentError, match="Did you mean 'incom'"):
        gf.softmax_probabilities(BY_TERM, {"age": 25, "incom": 30})
    with pytest.raises(ArgumentError, match="have no names"):
        gf.softmax_probabilities({"medium": MEDIUM}, person)
    with pytest.raises(ArgumentError, match="say reference=None"):
        gf.softmax_probabilities(BY_TERM, person, reference="high")
    with pytest.raises(ArgumentError, match="for some levels only"):
        gf.softmax_probabilities({**BY_TERM, "top": {"age": 1.0}}, person)
    with pytest.raises(ArgumentError, match="of all levels by term, or of none"):
        gf.softmax_probabilities({**BY_TERM, "top": MEDIUM}, person)
    with pytest.raises(ArgumentError, match="same number"):
        gf.softmax_probabilities({"medium": MEDIUM, "high": HIGH[:2]}, [1, 2, 3])
    with pytest.raises(ArgumentError, match="two classes or more"):
        gf.softmax_probabilities({"medium": MEDIUM}, [1, 2, 3], reference=None)
    with pytest.raises(ArgumentTypeError, match="got list"):
        gf.softmax_probabilities([MEDIUM, HIGH], [1, 2, 3])
    with pytest.raises(AlignmentError, match="offset has shape"):
        gf.softmax_probabilities(BY_TERM, person, offset=[1.0, 2.0])
    with pytest.raises(ArgumentError, match="there is none"):
        gf.softmax_probabilities(BY_TERM, person, reference=None, offset=1.0)
    with pytest.raises(DataError, match="text or categorical"):
        gf.softmax_probabilities(BY_TERM, {"age": "old", "income": 30})
