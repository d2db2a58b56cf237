"""Fits as SQL and as Python: the same predictions as glmfit's own."""

from __future__ import annotations

import math
import warnings

import duckdb
import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import ArgumentError, NotAvailableError


def table(n=80, seed=8):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "z": rng.uniform(1.0, 3.0, size=n),
            "a name": rng.uniform(0.5, 2.0, size=n),
            "g": rng.choice(["a", "b'c", 'd"e'], size=n),
            "h": rng.choice(["u", "v"], size=n),
            "b": rng.uniform(size=n) < 0.5,
            "f": rng.integers(1, 5, size=n),
        }
    )
    data["count"] = rng.poisson(np.exp(0.3 * data["x"] + 0.5))
    data["size"] = rng.gamma(4.0, np.exp(0.1 * data["x"]))
    data["event"] = rng.uniform(size=n) < 1.0 / (1.0 + np.exp(-data["x"]))
    data["class"] = rng.choice(["low", "middle", "high"], size=n)
    return data


DATA = table()
LEVELS = ["low", "middle", "high"]


def glm(formula, family="gaussian", **options):
    return lambda: gf.glm(formula, DATA, family, **options).fit()


FITS = {
    "numbers": glm("size ~ x + I(z ** 2) + np.log(Q('a name')) + x:z"),
    "levels": glm("size ~ g*h + C(f, Sum) + b"),
    "no intercept": glm("size ~ 0 + g + g:x"),
    "levels by numbers": glm("size ~ g:h:x + C(f):center(z)"),
    "arithmetic": glm(
        "size ~ I(f / 3) + I(-x + 2.5) + I((x > 0) & (z < 2)) + np.where(x > 0, x, z)"
    ),
    "functions": glm("size ~ np.exp(x) + sqrt(z) + np.abs(x) + np.maximum(x, z) + clip(x, -1, 1)"),
    "centred": glm("size ~ center(x) + standardize(z, ddof=1) + scale(x, center=False)"),
    "spline": glm("size ~ bs(x, df=6)"),
    "spline by level": glm("size ~ bs(z, knots=[1.5, 2.0], degree=2, include_intercept=True):h"),
    "offset": glm("count ~ x + offset(np.log(z))", "poisson", exposure="a name"),
    "weights": glm("count ~ x + g", "poisson", freq_weights="f"),
    "aliased": glm("size ~ x + I(2 * x) + g"),
    "logit": glm("event ~ x + g", "binomial"),
    "cloglog": glm("event ~ x", "binomial", link="cloglog"),
    "loglog": glm("event ~ x", "binomial", link="loglog"),
    "cauchit": glm("event ~ x", "binomial", link="cauchit"),
    "inverse": glm("size ~ z", "gamma"),
    "sqrt": glm("count ~ z", gf.families.Poisson(gf.links.Sqrt())),
    "power": glm("size ~ z", gf.families.Gamma(gf.links.Power(power=0.5))),
    "inverse squared": glm("size ~ z", "inversegaussian"),
    "firth": lambda: gf.logit("event ~ x + h", DATA).fit(method="firth"),
    "lasso": lambda: gf.ols("size ~ x + z + g", DATA).fit_regularized(alpha=0.05, L1_wt=1.0),
    "arrays": lambda: gf.OLS(DATA["size"], gf.add_constant(DATA[["x", "z"]])).fit(),
    "mnlogit": lambda: gf.mnlogit("Q('class') ~ x + g", DATA, reference="middle").fit(),
    "mnlogit offset": lambda: gf.mnlogit("Q('class') ~ x", DATA, offset="z").fit(),
    "rebased": lambda: gf.mnlogit("Q('class') ~ x", DATA, offset="z").fit().rebase("middle"),
    "ordered": lambda: gf.ordered(
        "Q('class') ~ x + g", DATA, distr="logit", levels=LEVELS, offset="z"
    ).fit(),
    "ordered loglog": lambda: gf.ordered(
        "Q('class') ~ x", DATA, distr="loglog", levels=LEVELS
    ).fit(),
    "ordered cloglog": lambda: gf.ordered(
        "Q('class') ~ x", DATA, distr="cloglog", levels=LEVELS
    ).fit(),
    "partial": lambda: gf.ordered(
        "Q('class') ~ x + z", DATA, distr="logit", levels=LEVELS, nonparallel="z"
    ).fit(),
}
PYTHON_ONLY = {
    "probit": lambda: gf.probit("event ~ x + g", DATA).fit(),
    "ordered probit": lambda: gf.ordered("Q('class') ~ x", DATA, levels=LEVELS).fit(),
    "log1p": glm("size ~ np.log1p(z) + np.tanh(x)"),
}


@pytest.fixture(scope="module")
def fits():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: make() for name, make in {**FITS, **PYTHON_ONLY}.items()}


def new_rows(result):
    data = DATA[:40]
    return gf.add_constant(data)[["const", "x", "z"]] if result.model.formula is None else data


def predicted(result, which):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(result.predict(new_rows(result), which=which), dtype=float)


def by_sql(code, data):
    parts = {"": code} if isinstance(code, str) else code
    listed = ", ".join(f"{part} AS p{j}" for j, part in enumerate(parts.values()))
    connection = duckdb.connect()
    connection.register("data", data)
    found = connection.execute(f"SELECT {listed} FROM data").fetchall()
    values = np.array(found, dtype=float)
    return values[:, 0] if isinstance(code, str) else values


def by_python(code, data):
    names = {}
    exec(code, names)
    rows = [names["predict"](row) for row in data.to_dict("records")]
    return np.array([list(row.values()) if isinstance(row, dict) else row for row in rows])


@pytest.mark.parametrize("which", ["mean", "linear"])
@pytest.mark.parametrize("name", FITS)
def test_duckdb_predicts_the_same(name, which, fits):
    result = fits[name]
    found = by_sql(result.to_sql(which=which), new_rows(result))
    np.testing.assert_allclose(found, predicted(result, which), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("which", ["mean", "linear"])
@pytest.mark.parametrize("name", [*FITS, *PYTHON_ONLY])
def test_python_predicts_the_same(name, which, fits):
    result = fits[name]
    code = result.to_python(which)
    assert "glmfit" not in code and "numpy" not in code
    found = by_python(code, new_rows(result))
    np.testing.assert_allclose(found, predicted(result, which), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", FITS)
def test_a_loaded_model_writes_the_same_code(name, fits, tmp_path):
    fits[name].save(tmp_path / "model.json")
    loaded = gf.load(tmp_path / "model.json")
    assert loaded.to_sql("postgresql") == fits[name].to_sql("postgresql")
    assert loaded.to_python() == fits[name].to_python()


def test_dialects_differ_in_types_only(fits):
    for name in FITS:
        one, two = fits[name].to_sql("duckdb"), fits[name].to_sql("postgresql")
        assert str(two).replace("DOUBLE PRECISION", "DOUBLE") == str(one)


@pytest.mark.parametrize("eta", [-800.0, -40.0, -3.0, 0.0, 3.0, 40.0, 800.0])
@pytest.mark.parametrize("link", ["logit", "cloglog", "loglog", "cauchit", "probit"])
def test_tails_keep_their_digits(link, eta):
    data = pd.DataFrame({"y": [0, 1, 0, 1, 1, 0], "x": [1.0, 2, 3, 4, 5, 6]})
    result = gf.glm("y ~ x", data, "binomial", link=link).fit()
    intercept, slope = result.params
    row = pd.DataFrame({"x": [(eta - intercept) / slope]})
    expected = float(result.predict(row).iloc[0])
    if link != "probit":
        found = by_sql(result.to_sql(), row)[0]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert by_python(result.to_python(), row)[0] == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_missing_and_unseen_values(fits):
    row = DATA[:1].to_dict("records")[0]
    names = {}
    exec(fits["levels"].to_python(), names)
    assert math.isnan(names["predict"]({**row, "g": None}))
    with pytest.raises(ValueError, match="not seen"):
        names["predict"]({**row, "g": "new"})
    frame = pd.DataFrame([{**row, "g": None}, {**row, "g": "new"}])
    assert np.isnan(by_sql(fits["levels"].to_sql(), frame)).all()
    exec(fits["mnlogit"].to_python(), names)
    assert all(map(math.isnan, names["predict"]({**row, "x": math.nan}).values()))


def test_outside_of_a_spline(fits):
    frame = DATA[:2].assign(x=[DATA["x"].max() + 1.0, DATA["x"].min() - 1.0])
    assert np.isnan(by_sql(fits["spline"].to_sql(), frame)).all()
    names = {}
    exec(fits["spline"].to_python(), names)
    with pytest.raises(ValueError, match="not seen"):
        names["predict"](frame.to_dict("records")[0])


def test_names_are_quoted(tmp_path):
    bad = 'x"; DROP TABLE data; --'
    data = DATA.rename(columns={"x": bad})
    result = gf.ols(f"size ~ Q({bad!r}) + g", data).fit()
    np.testing.assert_allclose(by_sql(result.to_sql(), data), result.predict(data), rtol=1e-12)
    np.testing.assert_allclose(
        by_python(result.to_python(), data), result.predict(data), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("size ~ 0 + cr(x, df=4)", "cr"),
        ("size ~ own(x)", "Your own own"),
        ("size ~ np.round(x)", "round"),
        ("size ~ I(x % 2)", "%"),
        ("size ~ np.log1p(z)", "log1p"),
    ],
)
def test_what_sql_cannot_say_is_refused(formula, words):
    result = gf.ols(formula, DATA, env={"own": lambda x: x**3}).fit()
    with pytest.raises(NotAvailableError, match=f"{words}.*cannot be said in DuckDB"):
        result.to_sql()


def test_probit_is_refused_in_sql_and_its_predictor_is_not(fits):
    with pytest.raises(NotAvailableError, match=r"normal distribution function.*which='linear'"):
        fits["probit"].to_sql()
    found = by_sql(fits["probit"].to_sql(which="linear"), DATA[:40])
    np.testing.assert_allclose(found, predicted(fits["probit"], "linear"), rtol=1e-12)


def test_what_has_no_expression_is_refused():
    infert = gf.datasets.load("infert")
    strata = gf.conditional_logit("case ~ spontaneous", infert, groups="stratum").fit()
    with pytest.raises(NotAvailableError, match="more than one row"):
        strata.to_sql()
    data = pd.DataFrame({"x": np.arange(8.0), "y": [0] * 4 + [1] * 4})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        separated = gf.logit("y ~ x", data).fit()
    with pytest.raises(NotAvailableError, match="separated"):
        separated.to_python()
    offset = gf.poisson("count ~ x", DATA, offset=np.ones(len(DATA))).fit()
    with pytest.raises(NotAvailableError, match="given as values"):
        offset.to_sql()


def test_arguments_are_checked(fits):
    with pytest.raises(ArgumentError, match="Did you mean 'postgresql'"):
        fits["logit"].to_sql("postgres")
    with pytest.raises(ArgumentError, match="which"):
        fits["logit"].to_sql(which="var")
    with pytest.raises(ArgumentError, match="no name"):
        fits["logit"].to_python(name="a b")
