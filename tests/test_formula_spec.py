"""Formulas: the design equals patsy's, is remembered for new rows, and uses one row mask."""

import pickle
import warnings

import numpy as np
import pandas as pd
import patsy
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    DataError,
    DataWarning,
    FormulaError,
    FormulaWarning,
    LevelError,
    MissingDataError,
    UnknownNameError,
)
from glmfit.formula.spec import DesignRows, ModelSpec, parse
from glmfit.formula.table import Table


def frame(n: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = rng.choice(list("abc"), n)
    data = pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "z": rng.uniform(1.0, 3.0, n),
            "g": g,
            "h": rng.choice(["u", "v"], n),
            "b": rng.random(n) > 0.5,
            "k": rng.integers(0, 4, n),
            "o": pd.Categorical(g, categories=["c", "b", "a"], ordered=True),
            "unobserved": pd.Categorical(g, categories=list("abcd")),
        }
    )
    data["my x"] = rng.normal(size=n)
    return data


def learn(formula: str, data: pd.DataFrame, **options) -> tuple[ModelSpec, DesignRows]:
    parsed = parse(formula, list(data.columns), **options)
    return ModelSpec.learn(parsed, Table(data), np.zeros(len(data), dtype=bool), missing="drop")


FORMULAS = """
y ~ 1
y ~ x
y ~ 0 + x
y ~ x - 1
y ~ x - 1 + 1
y ~ x + x
y ~ x + z + x:z
y ~ g
y ~ 0 + g
y ~ g + h
y ~ 0 + g + h
y ~ g*h
y ~ h*g
y ~ g:h
y ~ 0 + g:h
y ~ g:x
y ~ x:g
y ~ g*x
y ~ 0 + g*x
y ~ x + g:x
y ~ g/x
y ~ g/h
y ~ (g + h + x)**2
y ~ (x + z + g)**2 - x:z
y ~ x*z*g
y ~ g:h:x
y ~ g + C(g)
y ~ C(g, Sum)
y ~ C(g, Helmert)
y ~ C(g, Diff)
y ~ C(g, Poly)
y ~ C(g, Treatment)
y ~ C(g, Treatment("b"))
y ~ C(g, Treatment(reference="c"))
y ~ C(g, levels=["c", "a", "b"])
y ~ C(g, Sum):x
y ~ 0 + C(g, Sum)
y ~ 0 + C(g, Poly):h
y ~ C(g, Helmert)*C(h, Sum)
y ~ C(k)
y ~ C(k):z
y ~ C(k, Diff)
y ~ k
y ~ b
y ~ 0 + b
y ~ b*g
y ~ C(b)
y ~ o
y ~ C(o)
y ~ C(o, Poly)
y ~ o:x
y ~ Q("my x") + Q('g')
y ~ Q("my x"):g
y ~ I(x**2) + np.log(z) + I(x*z)
y ~ I(g == "a") + np.maximum(x, z)
y ~ g == 'a'
y ~ np.where(x > 0, 1, 0) + (x > 0)
y ~ bs(x, df=4)
y ~ bs(x, df=5, degree=2, include_intercept=True) - 1
y ~ bs(x, knots=[0.0, 0.5])
y ~ bs(np.log(z), df=4, lower_bound=0, upper_bound=2)
y ~ bs(x, df=4):g
y ~ bs(x, df=4)*z
y ~ cr(x, df=4)
y ~ cr(x, df=3, constraints="center")
y ~ cc(x, df=4)
y ~ te(cr(x, df=3), cr(z, df=3))
y ~ te(cr(x, df=3), cc(z, df=3), constraints='center')
y ~ center(x) + scale(z) + standardize(x)
y ~ standardize(x, ddof=1, rescale=True) + center(np.log(z))
y ~ center(bs(x, df=4))
y ~ center(x):g + C(h):center(x)
np.log(z) ~ x
y + z ~ x
""".strip().splitlines()


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_design_is_that_of_patsy(formula):
    data = frame()
    spec, rows = learn(formula, data)
    expected = patsy.dmatrices(formula, data)[1]
    assert list(spec.column_names) == expected.design_info.column_names
    np.testing.assert_allclose(rows.design.toarray(), np.asarray(expected), atol=1e-12)
    assert spec.term_slices == dict(expected.design_info.term_name_slices)


@pytest.mark.parametrize("formula", FORMULAS)
def test_new_rows_equal_the_rows_of_the_fit(formula):
    data = frame()
    spec, rows = learn(formula, data)
    full = rows.design.toarray()
    chosen = [7, 3, 50]  # few rows: no means, knots or levels can be learned from them
    again = spec.rows(data.iloc[chosen])
    np.testing.assert_allclose(again.design.toarray(), full[chosen], atol=1e-12)
    assert list(again.index) == chosen
    single = spec.rows(data.iloc[[5]])
    np.testing.assert_allclose(single.design.toarray(), full[[5]], atol=1e-12)


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_pickled_spec_makes_the_same_rows(formula):
    data = frame()
    spec, _ = learn(formula, data)
    restored = pickle.loads(pickle.dumps(spec))
    new = frame(20, seed=1)
    for column in ("x", "z"):  # stay inside the boundary knots
        new[column] = new[column].clip(data[column].min(), data[column].max())
    np.testing.assert_array_equal(
        restored.rows(new).design.toarray(), spec.rows(new).design.toarray()
    )
    assert restored.column_names == spec.column_names
    assert restored.term_slices == spec.term_slices


def test_a_pickle_is_small_and_free_of_data():
    data = frame(20_000)
    spec, _ = learn("y ~ bs(x, df=5) + g*h + center(z) + scale(x)", data)
    assert len(pickle.dumps(spec)) < 20_000


def test_unobserved_levels_are_dropped_as_r_drops_them():
    data = frame()
    spec, rows = learn("y ~ unobserved", data)
    assert spec.column_names == ("Intercept", "unobserved[T.b]", "unobserved[T.c]")
    expected = patsy.dmatrix("g", data)
    np.testing.assert_array_equal(rows.design.toarray(), np.asarray(expected))
    with pytest.raises(LevelError, match="'d'"):
        spec.rows({"unobserved": ["d"]})


def test_a_level_seen_only_in_dropped_rows_is_not_learned():
    data = frame()
    data["g"] = data["g"].astype(object)
    data.loc[0, "g"] = "rare"
    data.loc[0, "x"] = np.nan
    spec, rows = learn("y ~ x + g", data)
    assert spec.column_names == ("Intercept", "g[T.b]", "g[T.c]", "x")
    assert rows.design.shape == (59, 4)


def test_the_order_of_an_ordered_category_is_kept():
    spec, _ = learn("y ~ o", frame())
    assert spec.column_names == ("Intercept", "o[T.b]", "o[T.a]")


def test_response_values_are_those_of_the_left_side():
    data = frame()
    _, rows = learn("np.log(z) ~ x", data)
    np.testing.assert_allclose(rows.response[0], np.log(data["z"]))
    _, rows = learn("y + z ~ x", data)
    np.testing.assert_allclose(rows.response[0], data["y"])
    np.testing.assert_allclose(rows.response[1], data["z"])


def test_levels_of_numbers_are_named_plainly():
    spec, rows = learn("y ~ C(np.where(x > 0, 2, 1))", frame())  # patsy says [T.np.int64(2)]
    assert spec.column_names[1] == "C(np.where(x > 0, 2, 1))[T.2]"
    np.testing.assert_array_equal(rows.design.toarray()[:, 1], frame()["x"] > 0)


def test_bare_functions_are_numpys():
    data = frame()
    ours = learn("y ~ log(z) + sqrt(z) + exp(x) + abs(x)", data)[1].design.toarray()
    theirs = patsy.dmatrix("np.log(z) + np.sqrt(z) + np.exp(x) + np.abs(x)", data)
    np.testing.assert_allclose(ours, np.asarray(theirs))


def test_a_column_wins_over_a_function_of_its_name():
    data = frame().rename(columns={"x": "log", "z": "C", "k": "np", "b": "Q"})
    _, rows = learn("y ~ log + C", data)
    np.testing.assert_array_equal(rows.design.toarray()[:, 1:], data[["log", "C"]].to_numpy())
    _, rows = learn("y ~ np.exp(log) + np", data)
    np.testing.assert_allclose(rows.design.toarray()[:, 1], np.exp(data["log"]))
    np.testing.assert_array_equal(rows.design.toarray()[:, 2], data["np"])


# -- hypothesis -------------------------------------------------------------------------

PIECES = ["x", "z", "g", "h", "b", "C(k)", "C(g, Sum)", "C(h, Helmert)", "np.log(z)", "I(x**2)"]
PIECES += ["center(x)", "standardize(z)", "bs(x, df=4)", "cr(z, df=3)", "o", "C(o, Poly)"]


@st.composite
def formulas(draw):
    terms = draw(
        st.lists(
            st.lists(st.sampled_from(PIECES), min_size=1, max_size=3, unique=True),
            min_size=1,
            max_size=3,
        )
    )
    joined = [draw(st.sampled_from([":", "*", "/"])).join(term) for term in terms]
    return "y ~ " + draw(st.sampled_from(["", "0 + ", "1 + "])) + " + ".join(joined)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(formulas(), st.integers(0, 2**32 - 1))
def test_random_formulas_equal_patsy(formula, seed):
    data = frame(25, seed)
    assume(all(data[name].nunique() > 1 for name in ("g", "h", "b", "k")))
    spec, rows = learn(formula, data)
    expected = patsy.dmatrices(formula, data)[1]
    assert list(spec.column_names) == expected.design_info.column_names
    np.testing.assert_allclose(rows.design.toarray(), np.asarray(expected), atol=1e-9)
    sub = pickle.loads(pickle.dumps(spec)).rows(data.iloc[::-3]).design.toarray()
    np.testing.assert_allclose(sub, np.asarray(expected)[::-3], atol=1e-9)


# -- offsets ----------------------------------------------------------------------------


def test_offsets_are_no_columns_and_add_up():
    data = frame()
    spec, rows = learn("y ~ x + offset(z) + offset(np.log(z))", data)
    assert spec.column_names == ("Intercept", "x")
    np.testing.assert_allclose(rows.offset, data["z"] + np.log(data["z"]))
    new = spec.rows({"x": [0.0, 1.0], "z": [1.0, 2.0]})
    np.testing.assert_allclose(new.offset, [1.0, 2.0 + np.log(2.0)])


def test_no_offset_is_none():
    assert learn("y ~ x", frame())[1].offset is None


def test_offset_may_hold_an_expression_or_quoted_name():
    data = frame()
    rows = learn("y ~ offset(Q('my x') * 2 + (z + 1)) + x", data)[1]
    np.testing.assert_allclose(rows.offset, data["my x"] * 2 + data["z"] + 1)
    learned = learn("y ~ x + offset(center(z))", data)
    np.testing.assert_allclose(learned[1].offset, data["z"] - data["z"].mean())
    np.testing.assert_allclose(
        learned[0].rows({"x": [0.0], "z": [2.0]}).offset, [2.0 - data["z"].mean()]
    )


def test_offset_cannot_interact_nor_be_text():
    with pytest.raises(FormulaError, match="stands alone"):
        learn("y ~ x:offset(z)", frame())
    with pytest.raises(FormulaError, match="offset"):
        learn("y ~ x + offset(g)", frame())


# -- the dot ----------------------------------------------------------------------------


def columns_of(formula: str, data: pd.DataFrame, **options) -> tuple[str, ...]:
    return learn(formula, data, **options)[0].column_names


SMALL = ["y", "x", "z", "my x"]


def test_dot_is_every_other_column():
    data = frame()[SMALL]
    assert columns_of("y ~ .", data) == ("Intercept", "x", "z", "Q('my x')")
    assert columns_of("np.log(z) ~ .", data) == ("Intercept", "y", "x", "Q('my x')")
    assert columns_of("Q('my x') ~ .", data) == ("Intercept", "y", "x", "z")
    assert columns_of("I(y > np.log(2.0)) ~ .", data) == ("Intercept", "x", "z", "Q('my x')")
    assert columns_of("y + x ~ .", data) == ("Intercept", "z", "Q('my x')")
    assert columns_of("y ~ . - x", data) == ("Intercept", "z", "Q('my x')")
    assert columns_of("y ~ . - 1", data) == ("x", "z", "Q('my x')")
    assert columns_of("y ~ x:.", data)[1:] == ("x", "x:z", "x:Q('my x')")
    assert columns_of("y ~ .**2", data)[-1] == "z:Q('my x')"


def test_dot_leaves_out_weights_given_by_name():
    data = frame()[SMALL].assign(w=1.0)
    data.loc[:9, "w"] = 2.0
    model = gf.ols("y ~ .", data, freq_weights="w")
    assert model.exog_names == ["Intercept", "x", "z", "Q('my x')"]
    by_series = gf.ols("y ~ .", data, freq_weights=data["w"])
    assert by_series.exog_names == model.exog_names
    both = gf.ols("y ~ .", data, var_weights="w", offset="z")
    assert both.exog_names == ["Intercept", "x", "Q('my x')"]


@pytest.mark.parametrize(
    ("offsets", "left"),
    [
        ("offset(z)", ["x", "Q('my x')"]),
        ("offset(np.log(z))", ["x", "Q('my x')"]),
        ("offset(np.log(z) + x)", ["Q('my x')"]),
        ("offset((z + 1) * x)", ["Q('my x')"]),
        ("offset(z) + offset(x)", ["Q('my x')"]),
        ("offset(Q('my x'))", ["x", "z"]),
    ],
)
def test_dot_leaves_out_offset_columns(offsets, left):
    data = frame()[SMALL]
    assert list(columns_of(f"y ~ . + {offsets}", data)) == ["Intercept", *left]
    assert list(columns_of(f"y ~ {offsets} + .", data)) == ["Intercept", *left]


def test_dot_quotes_names_that_are_no_python_names():
    data = pd.DataFrame(
        {"y": [1.0, 2.0, 4.0], "class": [1.0, 0.0, 2.0], "_u": [0.0, 1.0, 5.0], "nan": [3.0, 1, 2]}
    )
    names = columns_of("y ~ .", data)
    assert names == ("Intercept", "Q('class')", "Q('_u')", "Q('nan')")


def test_dots_that_are_no_columns_stay():
    data = frame()[SMALL]
    assert columns_of("y ~ np.log(z) + I(x * .5) + I(2. * x)", data)[1:] == (
        "np.log(z)",
        "I(x * .5)",
        "I(2. * x)",
    )
    assert columns_of("y ~ . + np.log(z)", data)[-1] == "np.log(z)"
    quoted = data.rename(columns={"x": "a.b"})
    assert columns_of("y ~ Q('a.b')", quoted)[1:] == ("Q('a.b')",)


def test_dot_without_other_columns_is_an_error():
    with pytest.raises(FormulaError, match="none"):
        parse("y ~ .", ["y"])


def test_dot_predicts_on_rows_without_the_response():
    data = frame()[SMALL]
    result = gf.ols("y ~ .", data).fit()
    pd.testing.assert_series_equal(
        result.predict(data[["z", "my x", "x"]]), result.fittedvalues, check_names=False
    )


# -- one row mask -----------------------------------------------------------------------


def holed() -> pd.DataFrame:
    data = frame()
    data.index = [f"r{i}" for i in range(len(data))]
    data["count"] = np.random.default_rng(3).poisson(3.0, len(data))
    data["w"] = 1.0 + np.arange(len(data)) % 3
    data["t"] = np.linspace(1.0, 2.0, len(data))
    data["cluster"] = np.arange(len(data)) % 7
    return data


@pytest.mark.parametrize("transform", ["center(x)", "scale(x)", "standardize(x)", "bs(x, df=4)"])
def test_transforms_learn_from_complete_rows_only(transform):
    data = holed()
    data.loc["r0", "x"] = 100.0  # would move the mean and the knots
    data.loc["r0", "z"] = np.nan
    data.loc["r5", "x"] = np.nan
    spec, rows = learn(f"y ~ {transform} + z", data)
    complete = data.drop(index=["r0", "r5"])
    expected = patsy.dmatrix(f"{transform} + z", complete)
    np.testing.assert_allclose(rows.design.toarray(), np.asarray(expected), atol=1e-12)
    assert rows.dropped == {"x": 1, "z": 1}
    again = spec.rows(data)
    np.testing.assert_array_equal(again.kept, rows.kept)
    np.testing.assert_allclose(again.design.toarray(), rows.design.toarray())


def test_one_mask_for_everything():
    data = holed()
    holes = {"count": "r1", "x": "r2", "g": "r3", "w": "r4", "t": "r5", "z": "r6"}
    data["count"] = data["count"].astype(float)
    for column, row in holes.items():
        data.loc[row, column] = np.nan
    with pytest.warns(DataWarning, match="missing"):
        model = gf.poisson(
            "count ~ center(x) + g", data, freq_weights="w", exposure="t", offset="z"
        )
    result = model.fit(cov_type="cluster", cov_kwds={"groups": "cluster"})
    assert result.dropped_rows == dict.fromkeys(holes, 1)
    clean = data.drop(index=list(holes.values()))
    expected = gf.poisson(
        "count ~ center(x) + g", clean, freq_weights="w", exposure="t", offset="z"
    ).fit(cov_type="cluster", cov_kwds={"groups": "cluster"})
    np.testing.assert_allclose(result.params, expected.params, rtol=1e-10)
    np.testing.assert_allclose(result.bse, expected.bse, rtol=1e-8)
    assert result.nobs == expected.nobs == clean["w"].sum()
    fitted = result.fittedvalues
    assert list(fitted.index) == list(data.index)
    assert list(fitted.index[fitted.isna()]) == list(holes.values())
    np.testing.assert_allclose(fitted.dropna(), expected.fittedvalues, rtol=1e-9)
    for name in ("resid_pearson", "resid_deviance", "resid_response"):
        np.testing.assert_allclose(
            getattr(result, name).dropna(), getattr(expected, name), rtol=1e-7, atol=1e-9
        )
    assert "6 of 60 rows dropped" in str(result.summary())


def test_arrays_beside_share_the_mask():
    data = holed()
    data.loc["r2", "x"] = np.nan
    weights = data["w"].to_numpy(copy=True)
    weights[10] = np.nan
    with pytest.warns(DataWarning, match="var_weights has 1 missing value"):
        result = gf.ols("y ~ x", data, var_weights=weights).fit()
    expected = gf.ols("y ~ x", data.drop(index=["r2", "r10"]), var_weights="w").fit()
    np.testing.assert_allclose(result.params, expected.params, rtol=1e-12)
    assert result.dropped_rows == {"x": 1, "var_weights": 1}


def test_a_series_beside_is_aligned_by_its_index():
    data = holed()
    shuffled = data["w"].sample(frac=1.0, random_state=1)
    result = gf.ols("y ~ x", data, var_weights=shuffled).fit()
    expected = gf.ols("y ~ x", data, var_weights="w").fit()
    np.testing.assert_allclose(result.params, expected.params, rtol=1e-13)
    with pytest.raises(DataError, match="does not agree"):
        gf.ols("y ~ x", data, var_weights=pd.Series(np.ones(60)))
    with pytest.raises(DataError, match="59 values"):
        gf.ols("y ~ x", data, var_weights=np.ones(59))


def test_a_missing_response_drops_its_row_too():
    data = holed()
    data.loc["r9", "y"] = np.nan
    data.loc["r8", "Q"] = 1.0
    result = gf.ols("np.abs(y) ~ x", data).fit()
    assert result.dropped_rows == {"y": 1}
    assert np.isnan(result.resid["r9"])
    assert result.resid.notna().sum() == 59


def test_undefined_values_are_dropped_with_a_warning():
    data = holed()
    data.loc["r7", "x"] = -abs(data.loc["r7", "x"])
    positive = data.assign(x=data["x"].abs())
    positive.loc["r7", "x"] *= -1.0
    with pytest.warns(DataWarning, match="'r7'"):
        result = gf.ols("y ~ np.log(x)", positive).fit()
    assert result.dropped_rows == {"np.log(x)": 1}
    assert result.nobs == 59
    with pytest.raises(MissingDataError, match=r"np\.log"):
        gf.ols("y ~ np.log(x)", positive, missing="raise")


def test_missing_raise_and_unknown_missing():
    data = holed()
    data.loc["r7", "x"] = np.nan
    with pytest.raises(MissingDataError, match="x"):
        gf.ols("y ~ x", data, missing="raise")
    with pytest.raises(ArgumentError, match="missing"):
        gf.ols("y ~ x", data, missing="ignore")
    with pytest.raises(MissingDataError, match="x is entirely missing"):
        gf.ols("y ~ x", data.assign(x=np.nan))


def test_infinite_values_are_refused_by_row():
    data = holed()
    data.loc["r7", "x"] = np.inf
    with pytest.raises(DataError, match=r"infinite.*'r7'"):
        gf.ols("y ~ x", data)
    with pytest.raises(DataError, match=r"np\.log\(z\).*infinite"):
        gf.ols("y ~ np.log(z)", holed().assign(z=0.0))


def test_subset_is_not_counted_as_missing():
    data = holed()
    chosen = (data["h"] == "u").to_numpy()
    result = gf.ols("y ~ center(x)", data, subset=chosen).fit()
    expected = gf.ols("y ~ center(x)", data[chosen]).fit()
    np.testing.assert_allclose(result.params, expected.params, rtol=1e-12)
    assert result.dropped_rows == {}
    assert result.fittedvalues.notna().tolist() == chosen.tolist()


def test_new_rows_with_missing_values_and_new_levels():
    data = holed()
    spec, _ = learn("y ~ x + g", data)
    new = pd.DataFrame({"x": [1.0, np.nan, 2.0], "g": ["a", "b", "new"]})
    with pytest.raises(LevelError, match=r"'new'.*row 2.*seen: a, b, c"):
        spec.rows(new)
    rows = spec.rows(new, new_levels="nan")
    assert rows.kept.tolist() == [True, False, False]
    with pytest.raises(ArgumentError, match="new_levels"):
        spec.rows(new, new_levels="drop")
    with pytest.raises(UnknownNameError, match="no column 'g'"):
        spec.rows({"x": [1.0]})


def test_a_factor_of_one_level_warns():
    with pytest.warns(DataWarning, match="one level only"):
        learn("y ~ x + h", frame().assign(h="u"))


def test_columns_are_not_changed():
    data = holed()
    data.loc["r3", "x"] = np.nan
    before = data.copy(deep=True)
    gf.ols("y ~ center(x) + g + bs(z, df=4)", data, var_weights="w").fit().predict(data)
    pd.testing.assert_frame_equal(data, before)


# -- names of the caller ----------------------------------------------------------------


def double(values):
    return 2.0 * values


def test_functions_come_through_env():
    data = frame()
    given_names = {"double": double, "limit": 0.5}
    model = gf.ols("y ~ double(x) + I(x > limit)", data, env=given_names)
    np.testing.assert_allclose(model.exog[:, 2], 2.0 * data["x"])
    result = model.fit()
    np.testing.assert_allclose(result.predict(data), result.fittedvalues)
    restored = pickle.loads(pickle.dumps(result))
    np.testing.assert_allclose(restored.predict(data), result.fittedvalues)


def test_env_true_takes_the_callers_names():
    def triple(values):
        return 3.0 * values

    data = frame()
    for function in (gf.ols, gf.OLS.from_formula):
        model = function("y ~ triple(x) + double(z)", data, env=True)
        np.testing.assert_allclose(model.exog[:, 1], 3.0 * data["x"])
        np.testing.assert_allclose(model.exog[:, 2], 2.0 * data["z"])


def test_names_of_the_caller_are_not_used_silently():
    data = frame()
    w = data["x"].to_numpy() ** 2
    assert w.shape == (60,)
    with pytest.raises(UnknownNameError, match="no column 'w'"):
        gf.ols("y ~ x + w", data)
    with pytest.raises(UnknownNameError, match=r"no function 'double'.*env="):
        gf.ols("y ~ double(x)", data)
    with pytest.raises(NameError):  # as a caller of statsmodels would catch it
        gf.ols("y ~ x + w", data)


def test_a_column_wins_over_env():
    data = frame()
    model = gf.ols("y ~ x", data, env={"x": np.zeros(60)})
    np.testing.assert_array_equal(model.exog[:, 1], data["x"])


def test_env_must_be_a_mapping():
    with pytest.raises(ArgumentTypeError, match="env"):
        gf.ols("y ~ x", frame(), env=["double"])


def test_aggregates_warn_that_new_rows_have_their_own():
    with pytest.warns(FormulaWarning, match=r"np\.mean\(x\).*center"):
        learn("y ~ I(x - np.mean(x))", frame())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learn("y ~ center(x)", frame())
