"""Predicted classes and probabilities: scikit-learn's numbers and layout, new rows, labels.

Reference values: ``tests/reference/metrics.py``.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    DataError,
    DataWarning,
    LevelError,
    NotAvailableError,
    SeparationWarning,
    UnknownNameError,
)
from glmfit.inference import metrics
from glmfit.results.confusion import ClassificationReport

REFERENCE = json.loads((Path(__file__).parent / "reference" / "metrics.json").read_text())
TUTORIAL = """\
              precision    recall  f1-score   support

        high       0.50      1.00      0.67         1
         low       0.00      0.00      0.00         1
      medium       0.50      0.50      0.50         2

    accuracy                           0.50         4
   macro avg       0.33      0.50      0.39         4
weighted avg       0.38      0.50      0.42         4
"""


def counts_of(codes, n_classes):
    return np.eye(n_classes)[np.array(codes)]


def report(table, names, *, zero_division=0.0, digits=2, shown=None):
    chosen = np.arange(len(names)) if shown is None else np.array(shown)
    scores = metrics.class_scores(table, chosen, zero_division)
    levels = tuple(names[k] for k in chosen)
    return ClassificationReport(scores, levels, len(levels) == len(names), digits)


def check_frame(frame, want):
    names = [name for name in frame.index if name != "accuracy"]
    for name in names:
        assert frame.loc[name].tolist() == [want[name][head] for head in frame.columns], name
    assert (frame.loc["accuracy"].iloc[:3] == want["accuracy"]).all()


# -- arrays: the same numbers to the last bit, the same text to the last character ------------

DRAWN = [
    ("two", "told", 0.5),
    ("two", "told_at_0.3", 0.3),
    ("five", "told", 0.5),
]


@pytest.mark.parametrize(("name", "key", "threshold"), DRAWN)
def test_reports_of_arrays_are_those_of_scikit_learn(name, key, threshold):
    drawn = REFERENCE["arrays"][name]
    want = drawn[key]
    probability = np.array(drawn["probability"])
    k = probability.shape[1]
    names = [f"c{j}" for j in range(k)]
    predicted = metrics.predicted_classes(probability, threshold)
    table = metrics.confusion(counts_of(drawn["codes"], k), predicted)
    assert table.tolist() == want["confusion"]
    assert str(report(table, names)) == want["text"]
    assert str(report(table, names, digits=4)) == want["text_digits_4"]
    assert str(report(table, names, zero_division=1.0)) == want["text_one"]
    assert str(report(table, names, zero_division=math.nan)) == want["text_nan"]
    assert str(report(table, names, shown=range(k - 1))) == want["text_subset"]
    check_frame(report(table, names).to_frame(), want["report"])


@pytest.mark.parametrize(("name", "key", "threshold"), DRAWN)
def test_scores_of_arrays_are_those_of_scikit_learn(name, key, threshold):
    drawn = REFERENCE["arrays"][name]
    want = drawn[key]
    probability = np.array(drawn["probability"])
    counts = counts_of(drawn["codes"], probability.shape[1])
    predicted = metrics.predicted_classes(probability, threshold)
    found = {
        "accuracy": metrics.recalled(counts, predicted),
        "log_loss": metrics.log_loss(counts, probability),
        "brier": metrics.brier(counts, probability),
    }
    for score, means in found.items():
        assert means.averaged("micro") == pytest.approx(want[score], rel=1e-14), score
        assert means.averaged("weighted") == means.averaged("micro")
        by_class = means.by_class[counts.sum(axis=0) > 0.0]
        np.testing.assert_allclose(by_class, want["by_class"][score], rtol=1e-13)
        assert means.averaged("macro") == pytest.approx(by_class.mean(), rel=1e-14)
    assert found["accuracy"].averaged("macro") == pytest.approx(want["balanced_accuracy"])


def test_report_of_the_tutorial():
    """The report that the multinomial tutorial prints, from its fit's probabilities."""
    fit = REFERENCE["tutorial"]
    probability, names = np.array(fit["probability"]), fit["names"]
    counts = counts_of(fit["codes"], 3)
    predicted = metrics.predicted_classes(probability)
    table = metrics.confusion(counts, predicted)
    assert table.tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 1]]
    assert str(report(table, names)) == TUTORIAL == fit["plain_text"]
    assert round(metrics.log_loss(counts, probability).averaged("micro"), 3) == 0.591
    assert metrics.recalled(counts, predicted).averaged("micro") == 0.5


# -- fits ----------------------------------------------------------------------------------


def fits():
    """Return fits, the arguments of their methods, and the name of the reference values."""
    challenger = gf.datasets.load("challenger")
    formula = "O_RING_FAILURE ~ TEMPERATURE"
    logit = gf.logit(formula, challenger).fit()
    half = np.arange(len(challenger)) % 2 == 0
    first = gf.logit(formula, challenger[half]).fit()
    x = gf.add_constant(challenger[["TEMPERATURE"]]).to_numpy()
    y = challenger["O_RING_FAILURE"].to_numpy()
    arrays = gf.Logit(y[half], x[half]).fit()
    rings = gf.datasets.load("challenger_rings").assign(intact=lambda d: d.n_rings - d.damaged)
    rings = rings[rings["damaged"].notna()]
    counted = gf.glm("damaged + intact ~ temperature", rings, family="binomial").fit()
    shares = gf.glm(
        "share ~ temperature",
        rings.assign(share=rings.damaged / rings.n_rings),
        family="binomial",
        trials="n_rings",
    ).fit()
    housing = gf.datasets.load("housing")
    satisfied = "sat ~ infl + type + cont"
    whole = gf.mnlogit(satisfied, housing, freq_weights="freq").fit()
    half = np.arange(len(housing)) % 2 == 0
    part = gf.mnlogit(satisfied, housing[half], freq_weights="freq").fit()
    rebased = whole.rebase("High")
    long = housing.loc[housing.index.repeat(housing.freq)]
    keys = ["infl", "type", "cont"]
    wide = housing.pivot_table(index=keys, columns="sat", values="freq", observed=True)
    matrix = gf.mnlogit("Low + Medium + High ~ infl + type + cont", wide.reset_index()).fit()
    odd = housing[~half]
    return [
        ("challenger", logit, (), {}),
        ("challenger", logit, (challenger,), {}),
        ("challenger", logit, (challenger.drop(columns="O_RING_FAILURE"), y), {}),
        ("challenger", gf.glm(formula, challenger, family="binomial").fit(), (), {}),
        ("challenger at 0.3", logit, (), {"threshold": 0.3}),
        ("challenger, odd rows", first, (challenger.iloc[1::2],), {}),
        ("challenger, odd rows", arrays, (x[1::2], y[1::2]), {}),
        ("rings at 0.1", counted, (), {"threshold": 0.1}),
        ("rings at 0.1", counted, (rings,), {"threshold": 0.1}),
        ("rings at 0.1", shares, (), {"threshold": 0.1}),
        (
            "rings at 0.1",
            shares,
            (rings.assign(share=rings.damaged / rings.n_rings),),
            {"threshold": 0.1, "trials": "n_rings"},
        ),
        ("housing", whole, (), {}),
        ("housing", whole, (housing,), {"freq_weights": "freq"}),
        ("housing", whole, (long,), {}),
        ("housing", gf.mnlogit(satisfied, long).fit(), (), {}),
        ("housing", matrix, (), {}),
        ("housing", matrix, (wide.reset_index(),), {}),
        ("housing", rebased, (), {}),
        ("housing", rebased, (housing,), {"freq_weights": "freq"}),
        ("housing, odd rows", part, (odd,), {"freq_weights": odd.freq.to_numpy()}),
        ("housing, odd rows", part, (odd[keys], odd.sat), {"freq_weights": odd.freq.to_numpy()}),
    ]


@pytest.mark.parametrize(("name", "result", "rows", "options"), fits())
def test_fits_have_the_numbers_of_scikit_learn(name, result, rows, options):
    want = REFERENCE["fits"][name]
    names = want["names"]
    # proportions have no words for the outcomes
    worded = set(result.confusion_matrix().levels) == set(names)
    order = names if worded else ["0", "1"]
    got = result.confusion_matrix(*rows, labels=order, **options)
    assert np.asarray(got).tolist() == want["confusion"]
    for how in ("true", "pred", "all"):
        shares = result.confusion_matrix(*rows, labels=order, normalize=how, **options)
        np.testing.assert_allclose(shares.table, want["normalized"][how], rtol=1e-15)
    shown = result.classification_report(*rows, labels=order, zero_division=0, **options)
    if worded:
        assert str(shown) == want["text"]
        check_frame(shown.to_frame(), want["report"])
    probabilities = {key: value for key, value in options.items() if key != "threshold"}
    assert result.accuracy(*rows, **options) == pytest.approx(want["accuracy"], rel=1e-15)
    macro = result.accuracy(*rows, average="macro", **options)
    assert macro == pytest.approx(want["balanced_accuracy"], rel=1e-14)
    for score in ("log_loss", "brier"):
        method = getattr(result, score)
        # statsmodels stops 1e-9 or so away from the maximum
        assert method(*rows, **probabilities) == pytest.approx(want[score], rel=1e-8), score
        by_class = method(*rows, average=None, **probabilities)
        np.testing.assert_allclose(by_class[order], want["by_class"][score], rtol=1e-8)


def test_the_table_of_statsmodels_is_the_same_table():
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", gf.datasets.load("challenger")).fit()
    assert result.pred_table(0.3).tolist() == result.confusion_matrix(threshold=0.3).table.tolist()
    housing = gf.datasets.load("housing")
    result = gf.mnlogit("sat ~ infl", housing, freq_weights="freq").fit()
    assert result.pred_table().tolist() == result.confusion_matrix().table.tolist()


# -- what a row counts -----------------------------------------------------------------------


def drawn_data(seed=3, n=60):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n).round(2)
    y = np.digitize(x + rng.logistic(size=n), [-0.7, 0.8])
    return pd.DataFrame(
        {
            "x": x,
            "g": rng.choice(["a", "b"], n),
            "y": pd.Categorical.from_codes(y, ["low", "mid", "high"], ordered=True),
            "event": np.where(y > 0, "yes", "no"),
            "freq": rng.integers(0, 4, n),
            "prec": rng.uniform(0.5, 2.0, n).round(1),
        }
    )


def models(data, **weights):
    return {
        "logit": gf.logit("event ~ x + g", data, **weights).fit(),
        "cloglog": gf.glm(
            "event ~ x + g", data, family="binomial", link="cloglog", **weights
        ).fit(),
        "mnlogit": gf.mnlogit("y ~ x + g", data, **weights).fit(),
        "ordered": gf.ordered("y ~ x + g", data, **weights).fit(),
        "adjacent": gf.adjacent_category("y ~ x + g", data, **weights).fit(),
        "ratio": gf.continuation_ratio("y ~ x + g", data, **weights).fit(),
    }


KINDS = ["logit", "cloglog", "mnlogit", "ordered", "adjacent", "ratio"]


@pytest.fixture(scope="module")
def drawn():
    return drawn_data()


@pytest.fixture(scope="module")
def weighted(drawn):
    return models(drawn, freq_weights="freq")


@pytest.fixture(scope="module")
def repeated(drawn):
    return models(drawn.loc[drawn.index.repeat(drawn.freq)])


@pytest.mark.parametrize("kind", KINDS)
def test_frequencies_are_repeated_rows(weighted, repeated, drawn, kind):
    one, other = weighted[kind], repeated[kind]
    long = drawn.loc[drawn.index.repeat(drawn.freq)]
    for rows, options in (((), {}), ((drawn,), {"freq_weights": "freq"}), ((long,), {})):
        assert np.array_equal(one.confusion_matrix(*rows, **options), other.confusion_matrix())
        for score in ("accuracy", "log_loss", "brier"):
            for average in ("micro", "macro"):
                got = getattr(one, score)(*rows, average=average, **options)
                assert got == pytest.approx(getattr(other, score)(average=average), rel=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_log_loss_is_minus_the_log_likelihood(weighted, kind):
    result = weighted[kind]
    assert result.log_loss() == pytest.approx(-result.llf / result.nobs, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_precision_weights_count_for_nothing(drawn, kind):
    result = models(drawn, var_weights="prec")[kind]
    for score in ("accuracy", "log_loss", "brier"):
        assert getattr(result, score)() == pytest.approx(getattr(result, score)(drawn), rel=1e-14)
    assert result.confusion_matrix().table.sum() == len(drawn)


@pytest.mark.parametrize("kind", KINDS)
def test_offsets_go_into_the_predictions(drawn, kind):
    result = models(drawn, offset="prec")[kind]
    assert result.log_loss(drawn) == pytest.approx(result.log_loss(), rel=1e-14)
    shifted = result.log_loss(drawn, offset=drawn.prec + 1.0)
    assert abs(shifted - result.log_loss()) > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_missing_rows_are_left_out(drawn, kind):
    holes = drawn.astype({"y": object})
    holes["y"] = pd.Categorical(holes["y"], ["low", "mid", "high"], ordered=True)
    holes.loc[3, ["y", "event"]] = np.nan
    holes.loc[7, "x"] = np.nan
    result = models(drawn)[kind]
    with pytest.warns(DataWarning, match="2 of 60 rows have no observed class or no prediction"):
        got = result.confusion_matrix(holes)
    assert np.array_equal(got, result.confusion_matrix(drawn.drop([3, 7])))
    own = models(holes)[kind]
    assert own.confusion_matrix().table.sum() == 58
    with pytest.warns(DataWarning):
        assert own.log_loss(holes) == pytest.approx(own.log_loss(), rel=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_new_rows_may_miss_too(drawn, kind):
    result = models(drawn)[kind]
    holes = drawn.assign(freq=drawn.freq.astype(float).where(drawn.index != 5))
    with pytest.warns(DataWarning) as caught:
        got = result.confusion_matrix(holes, freq_weights="freq")
    assert "freq_weights has 1 missing value" in str(caught[0].message)
    assert np.array_equal(
        got, result.confusion_matrix(drawn.drop(5), freq_weights=drawn.freq.drop(5))
    )


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_rows_and_levels_absent_from_new_rows(drawn, kind):
    result = models(drawn)[kind]
    some = drawn[drawn.event == "yes"].sample(frac=1.0, random_state=1)
    table = result.confusion_matrix(some)
    assert list(table.levels) == [str(level) for level in result.model.levels]
    assert table.table[0].sum() == 0.0
    assert math.isnan(result.log_loss(some, average=None).iloc[0])
    if kind in ("mnlogit", "ordered"):
        text = result.confusion_matrix(some.assign(y=some.y.astype(str)))
        assert np.array_equal(text, table)


def test_columns_that_depend_on_one_another(drawn):
    with pytest.warns(gf.errors.CollinearityWarning):
        result = gf.mnlogit("y ~ x + I(2 * x)", drawn).fit()
    plain = gf.mnlogit("y ~ x", drawn).fit()
    assert result.brier(drawn) == pytest.approx(plain.brier(), rel=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(2, 5).flatmap(
        lambda k: st.tuples(
            st.just(k),
            st.lists(st.integers(0, k - 1), min_size=1, max_size=30),
            st.integers(0, 2**32 - 1),
        )
    )
)
def test_relations_of_the_scores(drawn_classes):
    k, codes, seed = drawn_classes
    rng = np.random.default_rng(seed)
    probability = rng.dirichlet(np.ones(k), size=len(codes))
    counts = counts_of(codes, k) * rng.integers(1, 4, len(codes))[:, None]
    predicted = metrics.predicted_classes(probability)
    table = metrics.confusion(counts, predicted)
    assert table.sum() == counts.sum()
    scores = metrics.class_scores(table, np.arange(k))
    micro = scores.averaged("micro")
    np.testing.assert_allclose(micro, np.trace(table) / table.sum())
    weighted = scores.averaged("weighted")
    assert weighted[1] == pytest.approx(micro[1])  # recall weighted by support is accuracy
    with np.errstate(invalid="ignore"):
        harmonic = 2 * scores.precision * scores.recall / (scores.precision + scores.recall)
    np.testing.assert_allclose(scores.f1, np.nan_to_num(harmonic), atol=1e-12)
    assert 0.0 <= metrics.brier(counts, probability).averaged("micro") <= 2.0
    shuffled = rng.permutation(len(codes))
    again = metrics.log_loss(counts[shuffled], probability[shuffled]).averaged("micro")
    assert again == pytest.approx(metrics.log_loss(counts, probability).averaged("micro"))


# -- separated fits, outcomes with names -------------------------------------------------------


def test_a_separated_fit_predicts_its_rows_and_may_be_wrong_for_ever():
    data = pd.DataFrame({"x": [1.0, 2, 3, 4, 5, 6], "y": [0, 0, 0, 1, 1, 1]})
    with pytest.warns(SeparationWarning):
        result = gf.logit("y ~ x", data).fit()
    assert result.accuracy() == 1.0
    assert result.log_loss() == 0.0
    assert result.brier() == 0.0
    wrong = pd.DataFrame({"x": [1.0, 2.0], "y": [1, 0]})
    assert result.log_loss(wrong) == math.inf
    assert result.brier(wrong) == 0.5


def test_all_but_certain_events_keep_their_digits():
    data = pd.DataFrame({"x": [-1.0, -1, 1, 1, 1, -1, 1, -1], "y": [0, 0, 1, 1, 0, 1, 1, 0]})
    result = gf.logit("y ~ x", data).fit()
    slope = result.params["x"]
    far = pd.DataFrame({"x": [45.0 / slope], "y": [0]})
    assert result.log_loss(far) == pytest.approx(45.0 + result.params["Intercept"], rel=1e-12)


@pytest.mark.parametrize(
    ("response", "event", "levels"),
    [
        (lambda y: y, None, ("0", "1")),
        (lambda y: y, 0, ("1", "0")),
        (lambda y: y == 1, None, ("False", "True")),
        (lambda y: np.where(y == 1, "yes", "no"), None, ("no", "yes")),
        (lambda y: np.where(y == 1, "yes", "no"), "no", ("yes", "no")),
        (lambda y: pd.Categorical.from_codes(y, ["b", "a"]), None, ("b", "a")),
    ],
)
def test_outcomes_have_their_names(response, event, levels):
    data = gf.datasets.load("challenger")
    y = data["O_RING_FAILURE"].to_numpy()
    data["y"] = response(y)
    result = gf.logit("y ~ TEMPERATURE", data, event=event).fit()
    table = result.confusion_matrix()
    assert table.levels == levels
    assert list(table.to_frame().index) == list(levels)
    assert np.array_equal(table, result.confusion_matrix(data))
    assert np.array_equal(table, result.confusion_matrix(data, data["y"]))
    plain = gf.logit("O_RING_FAILURE ~ TEMPERATURE", data).fit().confusion_matrix()
    order = [0, 1] if levels[1] in ("1", "True", "yes", "a") else [1, 0]
    assert table.table.tolist() == plain.table[np.ix_(order, order)].tolist()


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (lambda y: y, ("0", "1", "2")),
        (lambda y: y.astype(float), ("0", "1", "2")),
        (lambda y: np.array(["a", "b", "c"])[y], ("a", "b", "c")),
    ],
)
@pytest.mark.parametrize("kind", ["mnlogit", "ordered"])
def test_codes_are_classes(drawn, values, levels, kind):
    data = drawn.assign(code=values(drawn["y"].cat.codes.to_numpy().astype(int)))
    order = list(levels) if levels[0] == "a" else None
    if kind == "mnlogit":
        result = gf.mnlogit("code ~ x", data).fit()
        x = gf.add_constant(data[["x"]])
        arrays = gf.MNLogit(data["code"], x).fit()
    else:
        result = gf.ordered("code ~ x", data, levels=order).fit()
        x = data[["x"]]
        arrays = gf.OrderedModel(data["code"], x, levels=order).fit()
    table = result.confusion_matrix()
    assert table.levels == levels
    assert np.array_equal(table, result.confusion_matrix(data))
    assert np.array_equal(table, result.confusion_matrix(data.drop(columns="code"), data.code))
    assert np.array_equal(table, arrays.confusion_matrix(x, data["code"]))
    assert np.array_equal(table, arrays.confusion_matrix(x.to_numpy(), data["code"].to_numpy()))


def test_functions_of_the_response_are_evaluated_on_new_rows(drawn):
    data = drawn.assign(size=drawn["y"].cat.codes + 0.5)
    result = gf.logit("I(size > 1) ~ x", data).fit()
    assert np.array_equal(result.confusion_matrix(data), result.confusion_matrix())
    boxed = gf.mnlogit("C(size) ~ x", data).fit()
    assert np.array_equal(boxed.confusion_matrix(data), boxed.confusion_matrix())


def test_counts_of_arrays_are_matched_by_name():
    housing = gf.datasets.load("housing")
    keys = ["infl", "type", "cont"]
    wide = housing.pivot_table(index=keys, columns="sat", values="freq", observed=True)
    counts = wide.reset_index(drop=True)[["Low", "Medium", "High"]]
    counts.columns = list(counts.columns)
    x = pd.DataFrame({"const": 1.0, "x": np.arange(len(counts)) / 10.0})
    result = gf.MNLogit(counts, x).fit()
    table = result.confusion_matrix()
    assert np.array_equal(table, result.confusion_matrix(x, counts[["High", "Low", "Medium"]]))
    assert np.array_equal(table, result.confusion_matrix(x, counts.to_numpy()))
    with pytest.raises(AlignmentError, match="the fit had Low, Medium, High"):
        result.confusion_matrix(x, counts.rename(columns={"Low": "Lo"}))


# -- what is shown, and what is refused --------------------------------------------------------


def test_a_confusion_matrix_prints(weighted):
    table = weighted["mnlogit"].confusion_matrix()
    assert "Confusion Matrix of y: observed (rows) by predicted (columns)" in str(table)
    assert "The most probable class of each row is predicted." in str(table)
    assert "<caption>Confusion Matrix of y" in table._repr_html_()
    frame = table.to_frame()
    assert frame.index.name == "observed"
    assert frame.columns.name == "predicted"
    assert (frame.dtypes == np.int64).all()
    assert np.asarray(table).dtype == np.int64
    assert np.asarray(table, dtype=float).dtype == float
    shares = weighted["mnlogit"].confusion_matrix(normalize="true")
    assert "Shares of each observed class." in str(shares)
    text = str(weighted["logit"].confusion_matrix(threshold=0.3))
    assert "yes is predicted where its probability exceeds 0.3." in text


def test_a_report_shows_as_a_table_in_a_notebook(weighted):
    shown = weighted["mnlogit"].classification_report(zero_division=0, digits=3)
    html = shown._repr_html_()
    assert html.count("<tr>") == 1 + 3 + 3
    assert f"<td>{shown.to_frame().loc['low', 'recall']:.3f}</td>" in html
    assert repr(shown) == str(shown)


def test_an_undefined_score_is_told_of_in_words(drawn):
    result = gf.mnlogit("y ~ x", drawn).fit()
    low = drawn[(drawn.y == "low") & (result.predict(which="class") == "low")]
    with pytest.warns(DataWarning) as caught:
        shown = result.classification_report(low)
    told = [str(warning.message) for warning in caught]
    assert told[0].startswith("'mid', 'high' are predicted for no row, so the precision is 0/0")
    assert told[1].startswith("'mid', 'high' are observed in no row, so the recall is 0/0")
    assert (shown.to_frame().loc[["mid", "high"], ["precision", "recall", "f1-score"]] == 0).all(
        axis=None
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = result.classification_report(low, zero_division=1).to_frame()
        nan = result.classification_report(low, zero_division=math.nan).to_frame()
    assert (one.loc["macro avg", "precision":"f1-score"] == 1.0).all()
    assert nan.loc["mid", "precision":"f1-score"].isna().all()
    assert nan.loc["macro avg", "precision"] == 1.0


def test_what_has_no_classes_says_so():
    result = gf.poisson("damaged ~ temperature", gf.datasets.load("challenger_rings")).fit()
    for method in ("confusion_matrix", "classification_report", "accuracy", "log_loss", "brier"):
        with pytest.raises(NotAvailableError, match="damaged is no class"):
            getattr(result, method)()


def test_wrong_arguments_are_refused_in_words(weighted, drawn):
    two, three = weighted["logit"], weighted["mnlogit"]
    with pytest.raises(ArgumentError, match="threshold= is for two classes; with 3"):
        three.confusion_matrix(threshold=0.2)
    with pytest.raises(ArgumentError, match="threshold must lie between 0 and 1"):
        two.accuracy(threshold=1.2)
    with pytest.raises(ArgumentError, match="normalize must be one of true, pred, all"):
        two.confusion_matrix(normalize="rows")
    with pytest.raises(ArgumentError, match="Did you mean 'mid'"):
        three.confusion_matrix(labels=["midd"])
    with pytest.raises(ArgumentError, match="each once"):
        three.confusion_matrix(labels=["mid", "mid"])
    with pytest.raises(ArgumentTypeError, match="a list of levels"):
        three.confusion_matrix(labels="mid")
    with pytest.raises(ArgumentError, match="zero_division must be"):
        three.classification_report(zero_division=0.5)
    with pytest.raises(ArgumentError, match="digits"):
        three.classification_report(digits=-1)
    with pytest.raises(ArgumentError, match="average must be one of micro, macro, weighted"):
        three.brier(average="mean")
    with pytest.raises(ArgumentTypeError, match="Did you mean 'freq_weights'"):
        three.brier(drawn, freq_weight="freq")
    with pytest.raises(ArgumentTypeError, match="New rows may have: offset"):
        three.brier(drawn, exposure=1.0)
    with pytest.raises(ArgumentError, match="freq_weights= is for new data"):
        three.brier(freq_weights="freq")
    with pytest.raises(ArgumentError, match="y= is for new data"):
        three.brier(None, drawn["y"])


def test_wrong_rows_are_refused_in_words(weighted, drawn):
    three = weighted["mnlogit"]
    with pytest.raises(UnknownNameError, match="no column 'y'"):
        three.brier(drawn.drop(columns="y"))
    with pytest.raises(LevelError, match="level 'huge' that was not in the data of the fit"):
        three.brier(drawn.assign(y="huge"))
    with pytest.raises(AlignmentError, match="not aligned"):
        three.brier(drawn, drawn["y"].set_axis(drawn.index + 1))
    with pytest.raises(AlignmentError, match="y has 2 rows, the new data have 60"):
        three.brier(drawn, ["a", "b"])
    with pytest.raises(DataError, match="must be finite and not negative"):
        three.brier(drawn, freq_weights=-1.0)
    with pytest.raises(DataError, match="No row has both"):
        three.brier(drawn.assign(x=np.nan))
    x = gf.add_constant(drawn[["x"]]).to_numpy()
    arrays = gf.MNLogit(drawn["y"].to_numpy(), x).fit()
    with pytest.raises(ArgumentError, match="give them as y="):
        arrays.accuracy(x)
    with pytest.raises(AlignmentError, match="y has 59 rows, the new data have 60"):
        arrays.accuracy(x, drawn["y"].to_numpy()[:-1])
    with pytest.raises(ArgumentError, match="trials="):
        shares = drawn.assign(share=0.5)
        gf.logit("event ~ x", drawn).fit().accuracy(shares, trials=3)


def test_proportions_of_new_rows_need_their_trials():
    rings = gf.datasets.load("challenger_rings")
    rings = rings.assign(share=rings.damaged / rings.n_rings)
    result = gf.glm("share ~ temperature", rings, family="binomial", trials="n_rings").fit()
    with pytest.raises(ArgumentError, match="holds proportions"):
        result.accuracy(rings)


def test_results_without_their_data_judge_new_rows(weighted, drawn):
    result = weighted["ordered"]
    light = result.remove_data()
    assert light.brier(drawn, freq_weights="freq") == pytest.approx(result.brier(), rel=1e-14)
    with pytest.raises(NotAvailableError, match="removed"):
        light.brier()
