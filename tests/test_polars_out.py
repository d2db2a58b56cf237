"""polars frames in, polars frames out where they are asked for."""

import datetime
import inspect
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import ArgumentError, MissingPackageError
from glmfit.formula.polars_out import to_polars

pl = pytest.importorskip("polars")

LOAD = gf.datasets.load


@pytest.fixture(scope="module")
def frame():
    """Return polars data with missing values and columns that pandas has no type for."""
    infert = LOAD("infert")
    schooling = pl.Series("education", infert["education"].astype(str).tolist())
    columns = {"case": infert["case"].to_numpy(), "age": [None, *infert["age"].tolist()[1:]]}
    return pl.DataFrame(columns).with_columns(
        schooling.cast(pl.Enum(["0-5yrs", "6-11yrs", "12+ yrs"])),
        day=pl.lit(datetime.date(1976, 1, 1)),
    )


@pytest.fixture(scope="module")
def logit(frame):
    return gf.logit("case ~ age + education", frame).fit()


def test_predictions_are_a_series_with_nulls(frame, logit):
    found = logit.predict(frame, return_type="polars")
    assert isinstance(found, pl.Series) and found.name == "prediction"
    assert found.null_count() == 1 and found[0] is None
    np.testing.assert_array_equal(found.to_numpy(), logit.predict(frame))
    whole = frame.with_columns(found)
    assert whole.columns == [*frame.columns, "prediction"]


CLASSES = {
    "multinomial": lambda: gf.mnlogit("sat ~ infl", LOAD("housing"), freq_weights="freq"),
    "ordinal": lambda: gf.ordered("sat ~ infl", LOAD("housing"), freq_weights="freq"),
    "counts": lambda: gf.negativebinomial("days ~ sex", LOAD("quine")),
    "matched": lambda: gf.conditional_logit("case ~ induced", LOAD("infert"), groups="stratum"),
    "ols": lambda: gf.ols("volume ~ girth", LOAD("trees")),
    "arrays": lambda: gf.OLS([1.0, 2.0, 4.0], [[1.0, 1.0], [1.0, 2.0], [1.0, 4.0]]),
}


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_of_results_answers_in_polars(name):
    result = CLASSES[name]().fit()
    found, plain = result.predict(return_type="polars"), result.predict()
    assert isinstance(found, pl.Series if np.ndim(plain) == 1 else pl.DataFrame)
    np.testing.assert_array_equal(found.to_numpy(), np.asarray(plain))
    for method in ("tidy", "glance", "augment"):
        ours, theirs = getattr(result, method)(return_type="polars"), getattr(result, method)()
        assert ours.columns == [str(column) for column in theirs.columns]
        assert ours.height == len(theirs)
        numbers = theirs.select_dtypes("number").columns
        np.testing.assert_array_equal(
            ours.select([str(n) for n in numbers]).to_numpy().astype(float), theirs[numbers]
        )
    assert "return_type" in inspect.signature(result.predict).parameters


def test_classes_and_case_labels():
    result = CLASSES["multinomial"]().fit()
    new = pl.DataFrame({"infl": ["Low", None, "High"]})
    found = result.predict(new, which="class", return_type="polars")
    assert found.to_list() == ["Low", None, "High"]
    travel = LOAD("travel_mode")
    choice = gf.choice(
        "choice ~ gcost + wait", travel, groups="individual", alternatives="mode"
    ).fit()
    chosen = choice.predict(which="choice", return_type="polars")
    assert chosen.columns == ["case", "prediction"]
    assert chosen.height == travel["individual"].nunique()


def test_rows_of_polars_data_stay_as_they_are(frame, logit):
    for data in (None, frame, frame.head(3)):
        found = logit.augment(data, return_type="polars")
        own = frame if data is None else data
        assert found.select(own.columns).equals(own)
        assert found.schema["education"] == frame.schema["education"]
        assert found.schema["age"] == pl.Int64 and found.schema["day"] == pl.Date
        assert found["fitted"][0] is None
    assert isinstance(logit.augment(frame), pd.DataFrame)
    mixed = logit.augment(frame.to_pandas(), return_type="polars")
    assert mixed["age"][0] is None and mixed["education"].to_list() == frame["education"].to_list()


def test_intervals_and_margins(frame, logit):
    intervals = logit.get_prediction(frame).summary_frame(return_type="polars")
    assert intervals.columns == ["mean", "mean_se", "mean_ci_lower", "mean_ci_upper"]
    effects = logit.marginal_effects().summary_frame(return_type="polars")
    assert (
        effects["estimate"].to_list()
        == logit.marginal_effects().summary_frame()["estimate"].to_list()
    )
    several = CLASSES["multinomial"]().fit().get_prediction({"infl": ["Low", "High"]})
    table = several.summary_frame(return_type="polars")
    assert table.columns[:2] == ["row", "level"] and table.height == 6


def test_levels_keep_their_order():
    table = to_polars(pd.DataFrame({"g": pd.Categorical(["b", None, "a"], categories=["b", "a"])}))
    assert table.schema["g"] == pl.Enum(["b", "a"]) and table["g"].to_list() == ["b", None, "a"]
    codes = to_polars(pd.Series(pd.Categorical([2, 1]), name="k"))
    assert codes.to_list() == [2, 1] and codes.name == "k"
    assert to_polars(np.array([[1.0, np.nan]])).row(0) == (1.0, None)


def test_what_is_no_type_is_refused(logit):
    for ask in (logit.predict, logit.tidy, logit.glance, logit.augment):
        with pytest.raises(ArgumentError, match="'pandas' or 'polars'"):
            ask(return_type="arrow")


def test_polars_is_asked_for_in_words(logit, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingPackageError, match="pip install polars"):
        logit.predict(return_type="polars")


def test_polars_is_imported_on_use_only():
    code = (
        "import sys, glmfit as gf\n"
        "result = gf.ols('volume ~ girth', gf.datasets.load('trees')).fit()\n"
        "result.augment(), result.predict()\n"
        "assert 'polars' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
