"""What a response means: the event, counts, proportions, and what is refused."""

import re

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import ArgumentError, DataError, DataWarning, FitError, ResponseError

N = 80
RNG = np.random.default_rng(7)
X = RNG.normal(size=N)
EVENT = RNG.random(N) < 1.0 / (1.0 + np.exp(-(0.4 + 1.2 * X)))  # rises with x
NUMBER = EVENT.astype(float)
DATA = pd.DataFrame({"x": X, "y": NUMBER})
REFERENCE = gf.logit("y ~ x", DATA).fit()

SPELLINGS = {
    "int": EVENT.astype(int),
    "int8": EVENT.astype("int8"),
    "bool": EVENT,
    "boolean": pd.array(EVENT, dtype="boolean"),
    "Int64": pd.array(EVENT.astype(int), dtype="Int64"),
    "object bool": EVENT.astype(object),
    "text": np.where(EVENT, "yes", "no"),
    "object text": np.where(EVENT, "yes", "no").astype(object),
    "upper and lower": np.where(EVENT, "b", "B"),
    "categorical": pd.Categorical(np.where(EVENT, "a_good", "z_bad"), ["z_bad", "a_good"]),
    "ordered": pd.Categorical(np.where(EVENT, "lo", "hi"), ["hi", "lo"], ordered=True),
    "categorical numbers": pd.Categorical(np.where(EVENT, 2, 1)),
    "unobserved level": pd.Categorical(np.where(EVENT, "b", "a"), ["a", "b", "c"]),
}


def same(result, reference=REFERENCE, *, llf=True):
    np.testing.assert_allclose(result.params, reference.params, rtol=1e-8)
    np.testing.assert_allclose(result.bse, reference.bse, rtol=1e-7)
    np.testing.assert_allclose(result.deviance, reference.deviance, rtol=1e-10)
    np.testing.assert_allclose(result.null_deviance, reference.null_deviance, rtol=1e-10)
    if llf:
        np.testing.assert_allclose(result.llf, reference.llf, rtol=1e-10)
        np.testing.assert_allclose(result.llnull, reference.llnull, rtol=1e-10)


@pytest.mark.parametrize("kind", SPELLINGS)
def test_the_last_level_is_the_event(kind):
    data = DATA.assign(y=SPELLINGS[kind])
    assert REFERENCE.params["x"] > 0.5  # the sign that must not flip (statsmodels #2181)
    for result in (
        gf.logit("y ~ x", data).fit(),
        gf.glm("y ~ x", data, gf.families.Binomial()).fit(),
        gf.Logit(data["y"], gf.add_constant(data[["x"]])).fit(),
        gf.GLM(data["y"], gf.add_constant(data[["x"]]), "binomial").fit(),
    ):
        same(result)
        assert result.nobs == N
        np.testing.assert_array_equal(np.asarray(result.model.endog), NUMBER)


@pytest.mark.parametrize("kind", ["text", "bool", "categorical"])
def test_the_event_is_named(kind):
    data = DATA.assign(y=SPELLINGS[kind])
    event = {"text": "yes", "bool": "True", "categorical": "a_good"}[kind]
    text = str(gf.logit("y ~ x", data).fit().summary())
    assert f"Event modelled: y = {event}" in text
    assert "Event" not in str(REFERENCE.summary())


@pytest.mark.parametrize(
    ("kind", "other"),
    [("text", "no"), ("bool", False), ("categorical", "z_bad"), ("int", 0)],
)
def test_event_turns_every_sign(kind, other):
    data = DATA.assign(y=SPELLINGS[kind])
    result = gf.logit("y ~ x", data, event=other).fit()
    np.testing.assert_allclose(result.params, -REFERENCE.params, rtol=1e-8)
    np.testing.assert_allclose(result.llf, REFERENCE.llf, rtol=1e-12)
    assert f"Event modelled: y = {other}" in str(result.summary())
    fitted = result.fittedvalues.to_numpy()
    np.testing.assert_allclose(fitted, 1.0 - REFERENCE.fittedvalues.to_numpy(), rtol=1e-8)


def test_event_of_the_last_level_changes_nothing():
    same(gf.logit("y ~ x", DATA.assign(y=SPELLINGS["text"]), event="yes").fit())
    same(gf.logit("y ~ x", DATA, event=1).fit())


def test_an_event_that_is_no_level():
    with pytest.raises(ArgumentError, match=r"event='maybe'.*levels: 'no', 'yes'"):
        gf.logit("y ~ x", DATA.assign(y=SPELLINGS["text"]), event="maybe")
    with pytest.raises(ArgumentError, match="event"):
        gf.logit("y ~ x", DATA, event=2)
    with pytest.raises(ArgumentError, match="binomial"):
        gf.poisson("y ~ x", DATA, event=1)


def test_a_comparison_is_a_response():
    data = DATA.assign(y=SPELLINGS["text"])
    same(gf.logit("I(y == 'yes') ~ x", data).fit())
    same(gf.logit("C(y) ~ x", data).fit())
    result = gf.logit("I(y == 'no') ~ x", data).fit()
    np.testing.assert_allclose(result.params, -REFERENCE.params, rtol=1e-8)


def test_a_missing_response_of_every_kind():
    for kind in ("text", "categorical", "boolean", "Int64", "int"):
        column = pd.Series(SPELLINGS[kind]).copy()
        column = column.astype(float) if kind == "int" else column
        column[3] = None
        result = gf.logit("y ~ x", DATA.assign(y=column)).fit()
        same(result, gf.logit("y ~ x", DATA.drop(index=3)).fit())
        assert result.dropped_rows == {"y": 1}
        exog = gf.add_constant(DATA[["x"]])
        same(gf.Logit(column, exog, missing="drop").fit(), result)
        with pytest.raises(DataError, match="missing"):
            gf.Logit(column, exog)


# -- counts and proportions -------------------------------------------------------------


def counts() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    x = np.linspace(-1.5, 1.5, 15)
    trials = rng.integers(3, 30, 15)
    successes = rng.binomial(trials, 1.0 / (1.0 + np.exp(-(0.2 + x))))
    return pd.DataFrame(
        {
            "x": x,
            "s": successes,
            "f": trials - successes,
            "n": trials,
            "p": successes / trials,
        }
    )


def long_of(data: pd.DataFrame) -> pd.DataFrame:
    rows = [(x, 1.0) for x, s in zip(data.x, data.s, strict=True) for _ in range(s)]
    rows += [(x, 0.0) for x, f in zip(data.x, data.f, strict=True) for _ in range(f)]
    return pd.DataFrame(rows, columns=["x", "y"])


def test_counts_and_proportions_agree():
    data = counts()
    exog = gf.add_constant(data[["x"]])
    reference = gf.logit("s + f ~ x", data).fit()
    assert reference.params["x"] > 0.5
    assert reference.nobs == 15
    spelled = {
        "I": gf.logit("s + I(n - s) ~ x", data),
        "glm": gf.glm("s + f ~ x", data, "binomial"),
        "trials by name": gf.logit("p ~ x", data, trials="n"),
        "trials by value": gf.logit("p ~ x", data, trials=data["n"].to_numpy()),
        "share in the formula": gf.logit("I(s / n) ~ x", data, trials="n"),
        "frame": gf.Logit(data[["s", "f"]], exog),
        "array": gf.Logit(data[["s", "f"]].to_numpy(), exog.to_numpy()),
        "small integers": gf.Logit(data[["s", "f"]].to_numpy("uint8"), exog.to_numpy()),
        "array with trials": gf.GLM(data["p"], exog, "binomial", trials=data["n"]),
    }
    for model in spelled.values():
        result = model.fit()
        same(result, reference)
        np.testing.assert_allclose(result.pearson_chi2, reference.pearson_chi2, rtol=1e-9)
        np.testing.assert_allclose(result.fittedvalues, reference.fittedvalues, rtol=1e-9)
        np.testing.assert_allclose(result.resid_deviance, reference.resid_deviance, rtol=1e-6)


def test_var_weights_give_the_same_fit_but_not_the_binomial_coefficient():
    data = counts()
    reference = gf.logit("s + f ~ x", data).fit()
    same(gf.glm("p ~ x", data, "binomial", var_weights="n").fit(), reference, llf=False)


def test_counts_equal_their_rows_written_out():
    data = counts()
    reference = gf.logit("s + f ~ x", data).fit()
    written = gf.logit("y ~ x", long_of(data)).fit()
    np.testing.assert_allclose(written.params, reference.params, rtol=1e-8)
    np.testing.assert_allclose(written.bse, reference.bse, rtol=1e-7)
    np.testing.assert_allclose(  # the binomial coefficients cancel in differences
        written.llf - written.llnull, reference.llf - reference.llnull, rtol=1e-9
    )
    assert written.nobs == data["n"].sum()


def test_bare_proportions_warn():
    data = counts()
    for build in (
        lambda: gf.logit("p ~ x", data),
        lambda: gf.GLM(data["p"].to_numpy(), gf.add_constant(data["x"].to_numpy()), "binomial"),
    ):
        with pytest.warns(DataWarning, match=r"proportions.*trials=.*successes \+ failures"):
            model = build()
        np.testing.assert_allclose(
            model.fit().params,
            gf.logit("s + f ~ x", data.assign(s=data.p, f=1 - data.p)).fit().params,
        )


def test_errors_about_counts():
    data = counts()
    with pytest.raises(ResponseError, match="negative"):
        gf.logit("I(s - 20) + f ~ x", data)
    with pytest.raises(ResponseError, match="3 columns"):
        gf.logit("s + f + n ~ x", data)
    with pytest.raises(ArgumentError, match="trials"):
        gf.logit("s + f ~ x", data, trials="n")
    with pytest.raises(ArgumentError, match="event"):
        gf.logit("s + f ~ x", data, event=1)
    with pytest.raises(DataError, match="trials must be greater than 0"):
        gf.logit("p ~ x", data, trials=np.zeros(15))
    with pytest.raises(ArgumentError, match="trials"):
        gf.logit("y ~ x", DATA.assign(y=SPELLINGS["text"]), trials=np.full(N, 2))
    with pytest.raises(ResponseError, match="2 columns"):
        gf.poisson("s + f ~ x", data)
    with pytest.raises(ArgumentError, match="trials"):
        gf.poisson("s ~ x", data, trials="n")


def test_rows_without_trials_count_for_nothing():
    data = counts()
    extra = pd.concat([data, pd.DataFrame({"x": [9.0], "s": [0], "f": [0]})], ignore_index=True)
    result, reference = gf.logit("s + f ~ x", extra).fit(), gf.logit("s + f ~ x", data).fit()
    same(result, reference)
    assert result.nobs == 15
    assert result.df_resid == reference.df_resid


# -- what is refused --------------------------------------------------------------------


def refused(y, match: str, kind=ResponseError):
    y = np.asarray(y) if not isinstance(y, pd.Categorical) else y
    data = pd.DataFrame({"x": np.arange(len(y)) % 5 * 1.0})
    data["y"] = y
    for build in (
        lambda: gf.logit("y ~ x", data).fit(),
        lambda: gf.glm("y ~ x", data, "binomial").fit(),
        lambda: gf.GLM(data["y"], gf.add_constant(data[["x"]]), "binomial").fit(),
    ):
        with pytest.raises(kind, match=match):
            build()


def test_one_and_two_are_refused():
    refused([1, 2] * 6, r"0 or 1.*found 1, 2.*Recode it: \(y == 2\)")


def test_percentages_and_negatives_and_counts_are_refused():
    refused([10.0, 55.0, 99.0] * 4, r"percentages, divide by 100.*successes \+ failures")
    refused([-1.0, 1.0] * 6, r"found -1, 1.*Recode it: \(y == 1\)")
    refused([-0.2, 0.4, 0.9] * 4, r"1?4 of 12 values lie outside")
    refused([0, 1, 2, 700] * 3, r"counts write successes \+ failures")


def test_three_levels_name_mnlogit():
    refused(list("abc") * 4, r"3 levels \(a, b, c\).*mnlogit")
    refused(pd.Categorical(list("abc") * 4, list("cba")), r"3 levels \(c, b, a\).*mnlogit")


def test_one_level_is_refused():
    refused(["a"] * 9, r"one level only \('a'\)")
    for constant in (0.0, 1.0):
        refused([constant] * 9, "Every response|one level", (FitError, ResponseError))
    refused([True] * 9, "Every response|one level", (FitError, ResponseError))


def test_text_that_reads_as_numbers_is_refused():
    refused(list("01") * 6, r"reads as numbers \(0, 1\).*astype\(float\)")
    refused(["1.5", "2"] * 6, "reads as numbers")


def test_text_is_no_response_of_numbers():
    data = DATA.assign(y=SPELLINGS["text"])
    for build in (gf.poisson, gf.ols):
        with pytest.raises(ResponseError, match=r"text or categorical.*logit"):
            build("y ~ x", data)


def test_a_boolean_is_a_number_elsewhere():
    data = DATA.assign(y=EVENT)
    np.testing.assert_allclose(
        gf.ols("y ~ x", data).fit().params, gf.ols("y ~ x", DATA).fit().params
    )


@pytest.mark.parametrize(
    ("family", "values", "told"),
    [
        ("poisson", [1.0, 2.0, -1.0, 3.0], r"needs a response in \[0, inf.*observation 2"),
        ("gamma", [1.0, 2.0, 0.0, 3.0], r"needs a response in \(0, inf.*observation 2"),
        ("inversegaussian", [1.0, 2.0, -0.5, 3.0], r"needs a response in \(0, inf.*observation 2"),
    ],
)
def test_families_refuse_what_they_cannot_have(family, values, told):
    data = pd.DataFrame({"y": values, "x": [1.0, 2.0, 3.0, 5.0]})
    with pytest.raises(ResponseError, match=told) as caught:
        gf.glm("y ~ x", data, family)
    assert re.search(r"-1|0|-0\.5", str(caught.value))


def test_shape_of_the_response():
    exog = gf.add_constant(X)
    with pytest.raises(ResponseError, match="3 columns"):
        gf.Logit(np.ones((N, 3)), exog)
    same(gf.Logit(NUMBER[:, None], exog).fit())
    with pytest.raises(DataError, match="rows"):
        gf.Logit(NUMBER[:-1], exog)
    with pytest.raises(DataError, match="aligned"):
        gf.Logit(DATA["y"], gf.add_constant(DATA[["x"]]).sample(frac=1.0, random_state=0))


def test_the_response_is_left_as_it_was():
    data = counts()
    before = data.copy(deep=True)
    family = gf.families.Binomial()
    first = gf.glm("s + f ~ x", data, family).fit()
    second = gf.glm("y ~ x", DATA, family).fit()  # the same family again (statsmodels #4742)
    same(second)
    same(gf.glm("s + f ~ x", data, family).fit(), first)
    pd.testing.assert_frame_equal(data, before)
