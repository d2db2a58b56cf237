"""The tests of independence of irrelevant alternatives.

Reference values: ``tests/reference/iia.R``.
"""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

import glmfit as gf
from glmfit.errors import (
    ArgumentError,
    CollinearityWarning,
    DataError,
    NotAvailableError,
    SeparationWarning,
)
from glmfit.inference import iia

REFERENCE = json.loads((Path(__file__).parent / "reference" / "iia.json").read_text())


def first_rows(n):
    return np.arange(n) % 4 < 2


@pytest.fixture(scope="module")
def housing():
    return gf.datasets.load("housing")


@pytest.fixture(scope="module")
def drawn():
    return pd.DataFrame(REFERENCE["data"])


@pytest.fixture(scope="module")
def fits(housing, drawn):
    plain = housing.assign(sat=housing.sat.astype(str))
    return {
        "sat": gf.mnlogit("sat ~ infl + type + cont", housing, freq_weights="freq").fit(),
        "type": gf.mnlogit("type ~ sat + cont", plain, freq_weights="freq").fit(),
        "drawn": gf.mnlogit("y ~ x + z", drawn).fit(),
    }


@pytest.mark.parametrize("name", ["sat", "type", "drawn"])
def test_hausman_mcfadden_is_that_of_r(fits, name):
    want = REFERENCE[name]
    test = fits[name].iia_test()
    frame = test.to_frame()
    assert set(frame.index) == set(want)
    for line, (level, row) in zip(test.lines, frame.iterrows(), strict=True):
        assert row["statistic"] == pytest.approx(want[level]["hausman"], rel=1e-7), level
        assert row["df"] == want[level]["hausman_df"]
        assert line.definite is want[level]["definite"]
        tail = special.chdtrc(row["df"], row["statistic"]) if row["statistic"] >= 0 else math.nan
        assert row["pvalue"] == pytest.approx(tail, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", ["sat", "type", "drawn"])
def test_small_hsiao_is_that_of_r(fits, name):
    want = REFERENCE[name]
    fit = fits[name]
    split = first_rows(len(fit.model.data.kept))
    frame = fit.iia_test("small-hsiao", split=split).to_frame()
    for level, row in frame.iterrows():
        assert row["statistic"] == pytest.approx(want[level]["small_hsiao"], rel=1e-9), level
        assert row["df"] == want[level]["small_hsiao_df"]
        assert row["pvalue"] == pytest.approx(special.chdtrc(row["df"], row["statistic"]))


@pytest.mark.parametrize("method", ["hausman", "small-hsiao"])
def test_the_reference_does_not_matter(fits, method):
    fit = fits["drawn"]
    split = {"split": first_rows(400)} if method == "small-hsiao" else {}
    frame = fit.iia_test(method, **split).to_frame()[["statistic", "pvalue"]]
    for reference in ("b", "d"):
        for other in (
            fit.rebase(reference),
            gf.mnlogit("y ~ x + z", fit.model.data.table, reference=reference).fit(),
        ):
            again = other.iia_test(method, **split).to_frame().loc[frame.index]
            pd.testing.assert_frame_equal(again[["statistic", "pvalue"]], frame, rtol=1e-6)


@pytest.mark.parametrize("method", ["hausman", "small-hsiao"])
def test_frequencies_are_repeated_rows_and_counts(housing, method):
    data = housing.assign(half=np.arange(len(housing)) // 3 % 2 == 0)
    split = {"split": "half"} if method == "small-hsiao" else {}
    weighted = gf.mnlogit("sat ~ infl + cont", data, freq_weights="freq").fit()
    long = gf.mnlogit("sat ~ infl + cont", data.loc[data.index.repeat(data.freq)]).fit()
    keys = ["infl", "type", "cont", "half"]
    wide = data.pivot_table(index=keys, columns="sat", values="freq", observed=True)
    counted = gf.mnlogit("Low + Medium + High ~ infl + cont", wide.reset_index()).fit()
    want = weighted.iia_test(method, **split).to_frame()
    for other in (long, counted):
        got = other.iia_test(method, **split).to_frame()
        np.testing.assert_allclose(got["statistic"], want["statistic"], rtol=1e-6)


def test_arrays_and_rows_with_missing_values(drawn, fits):
    x = gf.add_constant(drawn[["x", "z"]]).to_numpy()
    arrays = gf.MNLogit(drawn["y"].to_numpy(), x).fit()
    holes = pd.concat([drawn, drawn.head(3).assign(x=np.nan)], ignore_index=True)
    missing = gf.mnlogit("y ~ x + z", holes).fit()
    for method, n in (("hausman", 0), ("small-hsiao", 400)):
        want = fits["drawn"].iia_test(method, **({"split": first_rows(n)} if n else {})).to_frame()
        for fit, rows in ((arrays, 400), (missing, 403)):
            split = {"split": first_rows(rows)} if n else {}
            got = fit.iia_test(method, **split).to_frame()
            np.testing.assert_allclose(got["statistic"], want["statistic"], rtol=1e-8)


def test_an_offset_stays_where_the_reference_does(drawn):
    """An offset moves every level against the reference; without that it moves none."""
    data = drawn.assign(o=np.linspace(-1, 1, len(drawn)))
    fit = gf.mnlogit("y ~ x + z", data, offset="o").fit()
    rest = data[data.y != "c"]
    small = gf.mnlogit("y ~ x + z", rest, offset="o").fit()
    model = fit.model.without_level("c")
    np.testing.assert_allclose(model.fit().params, small.params, rtol=1e-10)
    small = gf.mnlogit("y ~ x + z", data[data.y != "a"]).fit()
    np.testing.assert_allclose(fit.model.without_level("a").fit().params, small.params, rtol=1e-10)
    for method, split in (("hausman", {}), ("small-hsiao", {"split": first_rows(400)})):
        want = fit.iia_test(method, **split).to_frame()
        got = fit.rebase("c").iia_test(method, **split).to_frame().loc[want.index]
        np.testing.assert_allclose(got["statistic"], want["statistic"], rtol=1e-6)


def test_columns_that_depend_on_others_are_left_out(drawn, fits):
    with pytest.warns(CollinearityWarning):
        fit = gf.mnlogit("y ~ x + I(3 * x) + z", drawn).fit()
    with pytest.warns(CollinearityWarning):
        got = fit.iia_test().to_frame()
    want = fits["drawn"].iia_test().to_frame()
    np.testing.assert_allclose(got["statistic"], want["statistic"], rtol=1e-6)
    assert (got["df"] == want["df"]).all()


def test_random_halves_depend_on_the_seed_alone(fits):
    fit = fits["drawn"]
    one, same, other = (fit.iia_test("small-hsiao", seed=s).to_frame() for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert (one["statistic"] != other["statistic"]).all()
    assert fit.iia_test("small-hsiao").note == "The sample was halved at random (seed 0)."


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 9), min_size=3, max_size=30))
def test_a_random_half_is_a_half(seed, cells):
    counts = np.array(cells[: len(cells) // 3 * 3], dtype=np.int64).reshape(-1, 3)
    half = iia.random_half(counts, seed)
    assert half.sum() == counts.sum() // 2
    assert (half >= 0).all()
    assert (half <= counts).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_hausman_of_definite_differences(seed, p):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(2, p, p)) + 2.0 * np.eye(p)
    efficient, more = (part @ part.T for part in root)
    units = 10.0 ** rng.integers(-6, 6, p)
    b, d = rng.normal(size=(2, p))
    wide = np.outer(units, units)
    found = iia.hausman((b + d) * units, b * units, (efficient + more) * wide, efficient * wide)
    assert found.definite
    assert found.df == p
    assert found.statistic == pytest.approx(d @ np.linalg.solve(more, d), rel=1e-6)


def test_hausman_of_a_difference_of_lower_rank():
    found = iia.hausman(np.ones(2), np.zeros(2), np.diag([3.0, 2.0]), np.diag([1.0, 2.0]))
    assert (found.statistic, found.df, found.definite) == (pytest.approx(0.5), 1, True)
    found = iia.hausman(np.ones(2), np.zeros(2), np.diag([3.0, 2.0]), np.diag([1.0, 4.0]))
    assert (found.statistic, found.df, found.definite) == (pytest.approx(0.0), 2, False)


def test_the_average_has_the_covariance_that_the_statistic_needs():
    share = iia.small_hsiao_average(np.ones(1), np.zeros(1))[0]
    assert 2 * share**2 - 1 == pytest.approx(0.0, abs=1e-15)
    assert iia.small_hsiao_average(np.ones(1), np.ones(1))[0] == pytest.approx(1.0)


# -- what is shown, and what is refused --------------------------------------------------------


def test_a_negative_statistic_is_said_in_words(fits):
    test = fits["sat"].iia_test()
    row = test.to_frame().loc["High"]
    assert row["statistic"] < 0.0
    assert math.isnan(row["pvalue"])
    assert row["conclusion"] == "negative: not rejected"
    text = str(test)
    assert "Hausman-McFadden Tests of Independence of Irrelevant Alternatives" in text
    assert "without High" in text
    assert "A negative statistic has no p-value" in text
    assert "(*) The difference of the covariances" in text
    assert "nan" not in text
    assert "<caption>Hausman-McFadden" in test._repr_html_()


def test_levels_to_omit_are_chosen(fits):
    fit = fits["drawn"]
    assert fit.iia_test(omit="b").to_frame().index.tolist() == ["b"]
    assert fit.iia_test(omit=["d", "a"]).to_frame().index.tolist() == ["d", "a"]
    assert fit.iia_test(omit="a").to_frame().loc["a", "conclusion"] == "rejected (*)"
    codes = fit.model.data.table.column("y").map({"a": 0, "b": 1, "c": 2, "d": 3})
    data = pd.DataFrame({**REFERENCE["data"], "y": codes})
    coded = gf.mnlogit("y ~ x + z", data).fit().iia_test(omit=2).to_frame()
    assert coded.loc["2", "statistic"] == pytest.approx(REFERENCE["drawn"]["c"]["hausman"])


def test_what_cannot_be_tested_says_why(drawn):
    two = gf.mnlogit("y ~ x", drawn[drawn.y.isin(["a", "b"])]).fit()
    with pytest.raises(NotAvailableError, match="three levels or more"):
        two.iia_test()
    risk = gf.datasets.load("risk")
    with pytest.raises(NotAvailableError, match="bias-reduced"):
        gf.mnlogit("risk ~ age", risk).fit(method="firth").iia_test()
    with pytest.warns(SeparationWarning):
        separated = gf.mnlogit("risk ~ age + income", risk).fit()
    with pytest.raises(NotAvailableError, match="separated"):
        separated.iia_test()


def test_a_part_that_is_separated_makes_no_test():
    """a and b do not overlap in x, but c lies among both, so that the full fit is finite."""
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.uniform(0, 2, 20), rng.uniform(3, 5, 20), rng.uniform(0, 5, 40)])
    data = pd.DataFrame({"x": x.round(2), "y": list("a" * 20 + "b" * 20 + "c" * 40)})
    fit = gf.mnlogit("y ~ x", data).fit()
    with pytest.warns(SeparationWarning):
        test = fit.iia_test()
    frame = test.to_frame()
    assert frame.loc["c", "conclusion"] == "no test: the fit without c is separated"
    assert math.isnan(frame.loc["c", "statistic"])
    assert frame.loc[["a", "b"], "statistic"].notna().all()
    assert "without c  no test: the fit without c is separated" in str(test)
    split = np.arange(80) % 2 == 0
    with pytest.warns(SeparationWarning):
        lines = fit.iia_test("small-hsiao", omit="c", split=split).to_frame()
    told = "no test: the fit to the second half without c is separated"
    assert lines.loc["c", "conclusion"] == told
    between = np.where(data.y == "c", data.x.between(2.0, 3.0), split)
    with pytest.warns(SeparationWarning):
        lines = fit.iia_test("small-hsiao", split=between).to_frame()
    assert set(lines["conclusion"]) == {"no test: the fit to the first half is separated"}


def test_a_saturated_fit_has_nothing_to_test(housing):
    """Each cell has its own odds, which are the same without the other levels."""
    fit = gf.mnlogit("sat ~ infl * type * cont", housing, freq_weights="freq").fit()
    told = fit.iia_test().to_frame()["conclusion"]
    assert told["High"] == "no test: the fit is as exact without High as with it"
    assert told.str.startswith("no test").all()


def test_a_column_that_depends_on_others_in_one_half_makes_no_test(drawn):
    data = drawn.assign(w=np.where(first_rows(400), drawn.x, drawn.z))
    fit = gf.mnlogit("y ~ x + w", data).fit()
    with pytest.warns(CollinearityWarning):
        test = fit.iia_test("small-hsiao", split=first_rows(400))
    told = {line.conclusion for line in test.lines}
    assert told == {"no test: a column depends on others in one half"}


def test_wrong_arguments_are_refused_in_words(fits, drawn):
    fit = fits["drawn"]
    with pytest.raises(ArgumentError, match="Did you mean 'hausman'"):
        fit.iia_test("hausmann")
    with pytest.raises(ArgumentError, match="'e' is not a level of y"):
        fit.iia_test(omit="e")
    with pytest.raises(ArgumentError, match="split= is for method='small-hsiao'"):
        fit.iia_test(split=first_rows(400))
    with pytest.raises(ArgumentError, match="seed must be a whole number"):
        fit.iia_test("small-hsiao", seed=-1)
    with pytest.raises(ArgumentError, match="no row of level 'b'; another seed or split"):
        fit.iia_test("small-hsiao", split=drawn["y"] == "a")
    with pytest.raises(ArgumentError, match="True or False for each row"):
        fit.iia_test("small-hsiao", split=np.arange(400))
    with pytest.raises(DataError, match="split has 3 values"):
        fit.iia_test("small-hsiao", split=[True, False, True])
    with pytest.warns(gf.errors.DataWarning):
        odd = gf.mnlogit("y ~ x", drawn.assign(w=0.5), freq_weights="w").fit()
    with pytest.raises(ArgumentError, match="freq_weights are not whole"):
        odd.iia_test("small-hsiao")
