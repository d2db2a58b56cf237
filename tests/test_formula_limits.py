"""A few characters of a formula must not exhaust memory, nor write over anyone's data."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import patsy
import pytest

import glmfit as gf
from glmfit.errors import FormulaError
from glmfit.formula.spec import parse

DATA = pd.DataFrame(
    {
        "y": [0.3, 1.2, -0.7, 2.0, 1.1, 0.4, 0.9, 1.3],
        "x": [1.0, 2.0, 3.5, 4.0, 5.5, 7.0, 8.5, 9.0],
        "z": [0.5, 0.1, 0.9, 0.3, 0.2, 0.8, 0.6, 0.4],
        "k": [1, 2, 3, 4, 5, 6, 7, 9],
    }
)


@pytest.mark.parametrize(
    "code",
    [
        "bs(x, df=10**9)",
        "bs(x, 10**9)",
        "bs(x, df=1e12)",
        "bs(x, df=2000000000, degree=1)",
        "bs(x, degree=10**9, knots=[2])",
        "bs(x, degree=10**9, df=10**9)",
        "cr(x, df=10**9)",
        "cr(x, 10**9)",
        "cc(x, df=10**9)",
        "te(cr(x, df=900), cr(z, df=900))",
        "te(cr(x, df=900), cr(z, df=900), constraints='center')",
        "np.where(x > 2, bs(x, df=10**9), 0)",
        "bs(x, df=10**9):z",
    ],
)
def test_a_spline_of_any_size_is_refused_before_it_is_made(code):
    tracemalloc.start()
    with pytest.raises(FormulaError, match="at most 1000 columns"):
        gf.ols(f"y ~ {code}", DATA)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6


SUM = "(" + " + ".join(f"I(x * {i})" for i in range(1, 31)) + ")"


@pytest.mark.parametrize(
    "terms",
    [
        f"{SUM}**30",
        f"{SUM}**4 - x",
        " * ".join(f"I(x * {i})" for i in range(1, 31)),
        ":".join(["(x + z + k + I(x + z))"] * 12),
        f"{SUM}:{SUM}:{SUM}",
        f"x + ({SUM} * {SUM} * {SUM})",
    ],
)
def test_terms_that_multiply_without_end_are_refused(terms):
    with pytest.raises(FormulaError, match="expand to more than 10000 terms"):
        parse(f"y ~ {terms}", list(DATA.columns))


def test_powers_and_products_in_use_are_read():
    for text, count in [("(x + z + k)**3", 8), ("x*z*k", 8), ("(x + z)**100", 4), ("x/z/k", 4)]:
        assert len(parse(f"y ~ {text}", list(DATA.columns)).terms) == count


def test_interactions_of_long_factors_are_refused():
    n = 400
    data = pd.DataFrame({name: np.arange(n) for name in "abc"}).assign(y=np.arange(n) * 1.0)
    for terms in ("C(a):C(b):C(c)", "C(a)*C(b)", "a + C(a):C(b)"):
        with pytest.raises(FormulaError, match="30000 are allowed"):
            gf.ols(f"y ~ {terms}", data)
    with pytest.raises(FormulaError, match="30000 are allowed"):
        gf.ols("y ~ bs(a, df=300):bs(b, df=300)", data.astype(float))
    text = data.assign(a="a" + data.a.astype(str), b="b" + data.b.astype(str))
    with pytest.raises(FormulaError, match="30000 are allowed"):
        gf.ols("y ~ a:b", text)


def test_splines_within_the_limits_are_those_of_patsy():
    codes = ["bs(x, df=5)", "cr(x, df=4)", "cc(x, df=4)", "bs(x, knots=[3, 5], degree=2)"]
    for code in [*codes, "te(cr(x, df=3), cr(z, df=3), constraints='center')"]:
        fitted = gf.ols(f"y ~ 0 + {code}", DATA)
        expected = np.asarray(patsy.dmatrix(f"0 + {code}", DATA))
        np.testing.assert_array_equal(fitted.exog, expected)


@pytest.mark.parametrize("degree", [20, 22, 100, -1])
def test_b_splines_of_a_degree_that_fitpack_cannot_hold_are_refused(degree):
    # FITPACK has room for degree 19; beyond that Python ended with a segmentation fault
    with pytest.raises(FormulaError, match="degree"):
        gf.ols(f"y ~ bs(x, knots=[2, 3], degree={degree}) + z", DATA)


def test_b_splines_of_the_highest_degree_sum_to_one():
    data = pd.DataFrame({"x": np.linspace(0.0, 1.0, 200), "y": np.arange(200.0)})
    basis = gf.ols("y ~ 0 + bs(x, df=22, degree=19, include_intercept=True)", data).exog
    np.testing.assert_allclose(basis.sum(axis=1), 1.0, rtol=1e-13)


def test_a_model_with_splines_predicts_the_same_after_a_pickle():
    result = gf.ols("y ~ bs(x, df=4) + center(z)", DATA).fit()
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.predict(DATA.head(3)), result.predict(DATA.head(3)))


def test_values_beyond_the_knots_are_refused_in_words():
    result = gf.ols("y ~ bs(x, df=4)", DATA).fit()
    with pytest.raises(FormulaError, match=r"outermost knots.*lower_bound= and upper_bound="):
        result.predict({"x": [20.0]})
    wide = gf.ols("y ~ bs(x, df=4, lower_bound=0, upper_bound=30)", DATA).fit()
    assert np.isfinite(wide.predict({"x": [20.0]})).all()


@pytest.mark.parametrize("column", ["x", "k"])
@pytest.mark.parametrize(
    "code",
    [
        "np.exp({0}, out={0})",
        "np.log({0}, {0})",
        "np.clip({0}, 2, 3, {0})",
        "I(np.sqrt(z, out={0}) + z)",
        "np.sqrt(z, out=Q('{0}'))",
    ],
)
def test_no_formula_writes_into_the_data(column, code):
    for data in (DATA.copy(), {name: DATA[name].to_numpy().copy() for name in DATA}):
        with pytest.raises(FormulaError, match="read-only"):
            gf.ols(f"y ~ {code.format(column)} + {column}", data)
        for name in DATA:
            np.testing.assert_array_equal(np.asarray(data[name]), DATA[name])
