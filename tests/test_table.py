"""Columns of every kind that users bring: what they mean, and what is refused."""

import datetime
import decimal
import fractions

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import ArgumentTypeError, DataError, DataWarning, GlmfitError, UnknownNameError
from glmfit.formula.table import Table

pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")

Y = np.array([1.0, 3.0, 2.0, 5.0, 4.0, 6.5, 5.5, 9.0])
X = np.array([1, 2, 3, 4, 5, 6, 7, 9])
TEXT = ["a", "b", "a", "b", "c", "c", "a", "b"]
BOOL = np.array([True, False, True, True, False, False, True, False])


def fitted(column, formula="y ~ x", **options) -> np.ndarray:
    data = pd.DataFrame({"y": Y})
    data["x"] = column
    return gf.ols(formula, data, **options).fit().params.to_numpy()


def exog(column, formula="y ~ x") -> np.ndarray:
    data = pd.DataFrame({"y": Y})
    data["x"] = column
    return gf.ols(formula, data).exog


EXPECTED = np.linalg.lstsq(np.column_stack([np.ones(8), X]), Y, rcond=None)[0]

NUMBERS = {
    **{
        name: pd.Series(X, dtype=name)
        for name in """int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64
        Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64 int64[pyarrow]
        int8[pyarrow] uint8[pyarrow] double[pyarrow] float[pyarrow]""".split()
    },
    "big-endian": pd.Series(X.astype(">f8")),
    "big-endian int": pd.Series(X.astype(">i4")),
    "longdouble": pd.Series(X.astype(np.longdouble)),
    "sparse": pd.Series(pd.arrays.SparseArray(X.astype(float), fill_value=0.0)),
    "sparse int": pd.Series(pd.arrays.SparseArray(X)),
    "Decimal": pd.Series([decimal.Decimal(int(v)) for v in X], dtype=object),
    "arrow Decimal": pd.Series(
        pd.array([decimal.Decimal(int(v)) for v in X], dtype=pd.ArrowDtype(pa.decimal128(9, 2)))
    ),
    "object ints": pd.Series([int(v) for v in X], dtype=object),
    "object floats": pd.Series([float(v) for v in X], dtype=object),
    "object both": pd.Series([int(v) if v % 2 else float(v) for v in X], dtype=object),
    "object NumPy": pd.Series([np.int64(v) for v in X], dtype=object),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_are_numbers(kind):
    np.testing.assert_allclose(fitted(NUMBERS[kind]), EXPECTED, rtol=1e-10)


# pandas cannot choose rows of big-endian columns
@pytest.mark.parametrize("kind", [kind for kind in NUMBERS if "big-endian" not in kind])
def test_numbers_may_be_factors(kind):
    data = pd.DataFrame({"y": Y, "x": NUMBERS[kind]})
    names = gf.ols("y ~ C(x)", data.iloc[[0, 1, 2, 0, 1, 2, 1, 0]].reset_index()).exog_names
    assert len(names) == 3
    assert names[0] == "Intercept"
    assert [float(name.split("[T.")[1].rstrip("]")) for name in names[1:]] == [2.0, 3.0]


MISSING = {
    "float64": pd.Series([1.0, np.nan, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0]),
    "Int64": pd.Series([1, pd.NA, 3, 4, 5, 6, 7, 9], dtype="Int64"),
    "UInt8": pd.Series([1, pd.NA, 3, 4, 5, 6, 7, 9], dtype="UInt8"),
    "Float64": pd.Series([1, pd.NA, 3, 4, 5, 6, 7, 9], dtype="Float64"),
    "arrow": pd.Series([1, None, 3, 4, 5, 6, 7, 9], dtype="int64[pyarrow]"),
    "object None": pd.Series([1, None, 3, 4, 5, 6, 7, 9], dtype=object),
    "object NaN": pd.Series([1, float("nan"), 3, 4, 5, 6, 7, 9], dtype=object),
    "object NA": pd.Series([1, pd.NA, 3, 4, 5, 6, 7, 9], dtype=object),
    "Decimal": pd.Series(
        [decimal.Decimal(1), None, *(decimal.Decimal(v) for v in (3, 4, 5, 6, 7, 9))], dtype=object
    ),
}


@pytest.mark.parametrize("kind", MISSING)
def test_missing_numbers_drop_their_row(kind):
    data = pd.DataFrame({"y": Y, "x": MISSING[kind]})
    result = gf.ols("y ~ x", data).fit()
    expected = fitted_without_second(X.astype(float), "y ~ x")
    np.testing.assert_allclose(result.params, expected, rtol=1e-10)
    assert result.dropped_rows == {"x": 1}
    assert np.isnan(result.fittedvalues.iloc[1])
    assert np.isnan(result.predict(data).iloc[1])


def fitted_without_second(column, formula) -> np.ndarray:
    data = pd.DataFrame({"y": Y})
    data["x"] = column
    return gf.ols(formula, data.drop(index=1)).fit().params.to_numpy()


FACTORS = {
    "str": pd.Series(TEXT),
    "object": pd.Series(TEXT, dtype=object),
    "string": pd.Series(TEXT, dtype="string"),
    "string[pyarrow]": pd.Series(TEXT, dtype="string[pyarrow]"),
    "arrow": pd.Series(TEXT, dtype=pd.ArrowDtype(pa.string())),
    "arrow large": pd.Series(TEXT, dtype=pd.ArrowDtype(pa.large_string())),
    "arrow dictionary": pd.Series(
        pd.array(
            pa.array(TEXT).dictionary_encode(),
            dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())),
        )
    ),
    "category": pd.Series(TEXT, dtype="category"),
    "category of strings": pd.Series(pd.Series(TEXT, dtype="string")).astype("category"),
}


@pytest.mark.parametrize("kind", FACTORS)
def test_text_is_a_factor(kind):
    data = pd.DataFrame({"y": Y, "x": FACTORS[kind]})
    model = gf.ols("y ~ x", data)
    assert model.exog_names == ["Intercept", "x[T.b]", "x[T.c]"]
    expected = np.array([[1.0, t == "b", t == "c"] for t in TEXT])
    np.testing.assert_array_equal(model.exog, expected)
    result = model.fit()
    np.testing.assert_allclose(result.predict(data), result.fittedvalues)
    np.testing.assert_allclose(result.predict({"x": TEXT}), result.fittedvalues)


@pytest.mark.parametrize("kind", FACTORS)
def test_missing_text_drops_its_row(kind):
    column = FACTORS[kind].copy()
    column.iloc[1] = None
    data = pd.DataFrame({"y": Y, "x": column})
    result = gf.ols("y ~ x", data).fit()
    np.testing.assert_allclose(result.params, fitted_without_second(TEXT, "y ~ x"))
    assert result.dropped_rows == {"x": 1}


def test_categories_keep_their_order_and_type():
    column = pd.Categorical(TEXT, categories=["c", "b", "a"])
    data = pd.DataFrame({"y": Y, "x": column})
    assert gf.ols("y ~ x", data).exog_names == ["Intercept", "x[T.b]", "x[T.a]"]
    numeric = pd.DataFrame({"y": Y, "x": pd.Categorical([3, 1, 2, 3, 1, 2, 3, 1])})
    assert gf.ols("y ~ x", numeric).exog_names == ["Intercept", "x[T.2]", "x[T.3]"]


BOOLEANS = {
    "bool": pd.Series(BOOL),
    "boolean": pd.Series(BOOL, dtype="boolean"),
    "object": pd.Series(list(map(bool, BOOL)), dtype=object),
    "arrow": pd.Series(BOOL, dtype=pd.ArrowDtype(pa.bool_())),
}


@pytest.mark.parametrize("kind", BOOLEANS)
def test_booleans_are_factors_as_in_patsy(kind):
    data = pd.DataFrame({"y": Y, "x": BOOLEANS[kind]})
    model = gf.ols("y ~ x", data)
    assert model.exog_names == ["Intercept", "x[T.True]"]
    np.testing.assert_array_equal(model.exog[:, 1], BOOL)
    column = BOOLEANS[kind].astype(object)
    column.iloc[1] = None
    if kind != "bool":
        column = column.astype(BOOLEANS[kind].dtype)
    result = gf.ols("y ~ x", data.assign(x=column)).fit()
    np.testing.assert_allclose(result.params, fitted_without_second(BOOL, "y ~ x"))


def test_small_integers_do_not_overflow():
    big = pd.DataFrame({"y": Y})
    big["x"] = pd.Series([200, 10, 30, 250, 90, 7, 1, 255], dtype="uint8")
    big["z"] = pd.Series([100, 120, 1, 250, 127, 3, 9, 2], dtype="uint8")
    model = gf.ols("y ~ I(x - z) + I(x * z) + I(-x) + x:z", big)
    x, z = big["x"].to_numpy(float), big["z"].to_numpy(float)
    np.testing.assert_array_equal(
        model.exog, np.column_stack([np.ones(8), x - z, x * z, -x, x * z])
    )
    small = gf.ols("y ~ I(x ** 3)", pd.DataFrame({"y": Y, "x": np.arange(120, 128, dtype="int8")}))
    np.testing.assert_array_equal(small.exog[:, 1], np.arange(120.0, 128.0) ** 3)
    half = pd.DataFrame({"y": Y, "x": np.linspace(100, 60000, 8).astype("float16")})
    assert np.isfinite(gf.ols("y ~ I(x * x)", half).exog).all()


def test_small_integer_responses_do_not_overflow():
    data = pd.DataFrame({"x": X, "a": pd.Series([250] * 8, dtype="uint8")})
    data["b"] = pd.Series(range(10, 18), dtype="uint8")
    response = gf.glm("a + b ~ x", data, "binomial").endog
    np.testing.assert_allclose(response, 250.0 / (250.0 + np.arange(10.0, 18.0)))
    response = gf.ols("I(b - a) ~ x", data).endog
    np.testing.assert_array_equal(response, np.arange(10.0, 18.0) - 250.0)


def test_big_integers():
    values = [2**60 + i * 2**50 for i in range(8)]
    np.testing.assert_allclose(exog(values)[:, 1], np.array(values, dtype=float))
    huge = pd.Series([10**30 + i * 10**28 for i in range(8)], dtype=object)
    np.testing.assert_allclose(exog(huge)[:, 1], huge.astype(float))
    unsigned = pd.Series([2**63 + i * 2**55 for i in range(8)], dtype="uint64")
    np.testing.assert_allclose(exog(unsigned)[:, 1], unsigned.astype(float))


REFUSED = {
    "datetime": (pd.Series(pd.date_range("2020-01-01", periods=8)), "dates"),
    "datetime tz": (pd.Series(pd.date_range("2020-01-01", periods=8, tz="UTC")), "dates"),
    "timedelta": (pd.Series(pd.to_timedelta(range(8), unit="D")), "durations"),
    "period": (pd.Series(pd.period_range("2020-01", periods=8, freq="M")), "dates"),
    "arrow timestamp": (
        pd.Series(
            pd.array(
                [datetime.datetime(2020, 1, 1 + i) for i in range(8)],
                dtype=pd.ArrowDtype(pa.timestamp("us")),
            )
        ),
        "dates",
    ),
    "object date": (
        pd.Series([datetime.date(2020, 1, 1 + i) for i in range(8)], dtype=object),
        "date",
    ),
    "complex": (pd.Series(X * 1j), "complex"),
    "complex object": (pd.Series([complex(v) for v in X], dtype=object), "complex"),
    "bytes": (pd.Series([b"a"] * 8, dtype=object), "bytes"),
    "lists": (pd.Series([[1]] * 8, dtype=object), "list"),
    "tuples": (pd.Series([(1, 2)] * 8, dtype=object), "tuple"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_number_and_no_category_is_refused(kind):
    column, told = REFUSED[kind]
    data = pd.DataFrame({"y": Y, "x": column})
    with pytest.raises(DataError, match=rf"(?s)'x'.*{told}"):
        gf.ols("y ~ x", data)
    with pytest.raises(GlmfitError, match="x"):
        gf.ols("y ~ C(x)", data)


def test_fractions_are_refused_or_numbers():
    column = pd.Series([fractions.Fraction(int(v), 2) for v in X], dtype=object)
    try:
        values = exog(column)[:, 1]
    except GlmfitError as error:
        assert "'x'" in str(error)
    else:
        np.testing.assert_allclose(values, X / 2)


def test_mixed_columns_name_the_row():
    column = pd.Series([1, 2, 3, "four", 5, 6, 7, 8], dtype=object, index=list("stuvwxyz"))
    data = pd.DataFrame({"y": Y}, index=list("stuvwxyz")).assign(x=column)
    with pytest.raises(DataError, match=r"mixes numbers and text: 1 of 8.*'four' in row v"):
        gf.ols("y ~ x", data)
    lists = pd.Series([1, 2, 3, [4], 5, 6, 7, 8], dtype=object)
    with pytest.raises(DataError, match=r"several kinds: int, list"):
        gf.ols("y ~ x", pd.DataFrame({"y": Y, "x": lists}))


def test_mixed_columns_count_complete_rows_only():
    column = pd.Series([1, "two", 3, 4, 5, 6, 7, 9], dtype=object)
    data = pd.DataFrame({"y": Y, "x": column})
    data.loc[1, "y"] = np.nan  # the row of the text is left out anyway
    result = gf.ols("y ~ x", data).fit()
    np.testing.assert_allclose(result.params, fitted_without_second(X, "y ~ x"), rtol=1e-10)


def test_text_that_reads_as_numbers_warns():
    column = [str(v) for v in X]
    with pytest.warns(DataWarning, match=r"'x' is text.*8 distinct.*astype\(float\).*C\(x\)"):
        names = gf.ols("y ~ x", pd.DataFrame({"y": Y, "x": column})).exog_names
    assert len(names) == 8
    gf.ols("y ~ C(x)", pd.DataFrame({"y": Y, "x": column}))  # asked for: silent
    codes = ["1", "2"] * 4  # two codes are often meant as a factor
    assert gf.ols("y ~ x", pd.DataFrame({"y": Y, "x": codes})).exog_names[1] == "x[T.2]"


# -- tables -----------------------------------------------------------------------------

COLUMNS = {"y": Y, "x": X.astype(float), "g": TEXT, "b": BOOL}
TABLES = {
    "dict of arrays": COLUMNS,
    "dict of lists": {name: list(values) for name, values in COLUMNS.items()},
    "dict of Series": {name: pd.Series(values) for name, values in COLUMNS.items()},
    "list of dicts": pd.DataFrame(COLUMNS).to_dict("records"),
    "polars": pl.DataFrame({name: list(values) for name, values in COLUMNS.items()}),
    "arrow": pa.table({name: pa.array(list(values)) for name, values in COLUMNS.items()}),
    "record array": pd.DataFrame(COLUMNS).to_records(index=False),
    "structured array": np.array(
        list(zip(Y, X, TEXT, BOOL, strict=True)),
        dtype=[("y", "f8"), ("x", "f8"), ("g", "U1"), ("b", "?")],
    ),
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_table_gives_the_same_model(kind):
    data = TABLES[kind]
    expected = gf.ols("y ~ x + g + b", pd.DataFrame(COLUMNS)).fit()
    result = gf.ols("y ~ x + g + b", data).fit()
    assert list(result.params.index) == list(expected.params.index)
    np.testing.assert_allclose(result.params, expected.params, rtol=1e-12)
    np.testing.assert_allclose(result.predict(data), expected.fittedvalues, rtol=1e-12)
    assert len(Table(data)) == 8
    assert [str(name) for name in Table(data).names] == list(COLUMNS)


def test_polars_kinds():
    frame = pl.DataFrame(
        {
            "y": list(Y),
            "enum": pl.Series(TEXT, dtype=pl.Enum(["c", "b", "a"])),
            "cat": pl.Series(TEXT, dtype=pl.Categorical),
            "i8": pl.Series(list(map(int, X)), dtype=pl.UInt8),
            "text": TEXT,
            "dec": pl.Series([decimal.Decimal(int(v)) for v in X]),
        }
    )
    assert gf.ols("y ~ enum", frame).exog_names == ["Intercept", "enum[T.b]", "enum[T.a]"]
    for name in ("cat", "text"):
        model = gf.ols(f"y ~ {name}", frame)
        np.testing.assert_array_equal(model.exog[:, 1], [t == "b" for t in TEXT])
    np.testing.assert_array_equal(gf.ols("y ~ I(i8 - 9)", frame).exog[:, 1], X - 9.0)
    np.testing.assert_array_equal(gf.ols("y ~ dec", frame).exog[:, 1], X)


def test_polars_nulls():
    holes = {
        "num": pl.Series([1, None, 3, 4, 5, 6, 7, 9]),
        "real": pl.Series([1.0, None, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0]),
        "hole": pl.Series([1.0, float("nan"), 3.0, 4.0, 5.0, 6.0, 7.0, 9.0]),
        "text": pl.Series(["a", None, *TEXT[2:]]),
        "enum": pl.Series(["a", None, *TEXT[2:]], dtype=pl.Enum(["a", "b", "c"])),
        "flag": pl.Series([True, None, *map(bool, BOOL[2:])]),
    }
    frame = pl.DataFrame({"y": list(Y), **holes})
    for name in holes:
        result = gf.ols(f"y ~ {name}", frame).fit()
        plain = {"text": TEXT, "enum": TEXT, "flag": BOOL}.get(name, X)
        expected = fitted_without_second(plain, "y ~ x")
        np.testing.assert_allclose(result.params, expected, rtol=1e-9, atol=1e-12)
        assert result.dropped_rows == {name: 1}, name


def test_arrow_nulls_and_dictionaries():
    table = pa.table(
        {
            "y": list(Y),
            "n": pa.array([1, None, 3, 4, 5, 6, 7, 9]),
            "g": pa.array(["a", None, *TEXT[2:]]).dictionary_encode(),
        }
    )
    for name, plain in (("n", X), ("g", TEXT)):
        result = gf.ols(f"y ~ {name}", table).fit()
        expected = fitted_without_second(plain, "y ~ x")
        np.testing.assert_allclose(result.params, expected, rtol=1e-9, atol=1e-12)
        assert result.dropped_rows == {name: 1}


def test_duplicate_column_names_are_an_error_only_where_used():
    data = pd.DataFrame(np.column_stack([Y, X, X[::-1]]), columns=["y", "x", "x"])
    with pytest.raises(DataError, match="2 columns named 'x'"):
        gf.ols("y ~ x", data)
    data.columns = ["y", "x", "y"]
    with pytest.raises(DataError, match="2 columns named 'y'"):
        gf.ols("y ~ x", data)
    data = pd.DataFrame(np.column_stack([Y, X, X, X]), columns=["y", "x", "u", "u"])
    assert gf.ols("y ~ x", data).exog_names == ["Intercept", "x"]


def test_lengths_must_agree():
    with pytest.raises(DataError, match="length"):
        gf.ols("y ~ x", {"y": [1.0, 2.0], "x": [1.0, 2.0, 3.0]})


@pytest.mark.parametrize("data", [None, 3, [], [1, 2], np.zeros((3, 2)), object()])
def test_what_is_no_table_is_refused(data):
    with pytest.raises(ArgumentTypeError, match="data must be"):
        gf.ols("y ~ x", data)


def test_no_rows_are_an_error():
    with pytest.raises(GlmfitError):
        gf.ols("y ~ x", pd.DataFrame({"y": [], "x": []}))
    with pytest.raises(GlmfitError):
        gf.ols("y ~ x", {})


def test_a_missing_column_is_named():
    with pytest.raises(UnknownNameError, match="no column 'w'"):
        Table(COLUMNS).column("w")
    with pytest.raises(UnknownNameError, match="freq"):
        gf.ols("y ~ x", COLUMNS | {"freq": X}, freq_weights="frq")


def test_a_two_dimensional_column_is_refused():
    with pytest.raises((GlmfitError, ValueError), match=r"x|dimension"):
        gf.ols("y ~ x", {"y": Y, "x": np.ones((8, 2))})


def test_multi_index_and_odd_indices_survive():
    for index in (
        pd.MultiIndex.from_product([["u", "v"], range(4)]),
        pd.Index([0] * 8),
        pd.date_range("2020", periods=8),
    ):
        data = pd.DataFrame(COLUMNS, index=index)
        data.iloc[2, 1] = np.nan
        result = gf.ols("y ~ x", data).fit()
        assert result.fittedvalues.index.equals(index)
        assert np.flatnonzero(result.fittedvalues.isna()).tolist() == [2]
        assert result.predict(data).index.equals(index)
