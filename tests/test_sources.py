"""Rows that are streamed: the same numbers as from a frame, and clear errors."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import dataset, parquet

import glmfit as gf
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    CollinearityWarning,
    DataError,
    DataWarning,
    FitError,
    FormulaError,
    LevelError,
    MissingDataError,
    NotAvailableError,
    UnknownNameError,
)
from glmfit.sources import arrow

N = 3000


def made(n: int = N, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "z": rng.exponential(size=n) + 0.1,
            "k": rng.integers(0, 4, n),
            "text": rng.choice(["b", "a", "d", "c"], n),
            "size": pd.Categorical(
                rng.choice(["small", "large", "middle"], n),
                categories=["small", "middle", "large"],
            ),
            "flag": rng.random(n) < 0.3,
            "weight": rng.integers(0, 4, n),
            "precision": rng.uniform(0.5, 2.0, n),
        }
    )
    eta = 0.4 * frame["x"] - 0.3 * frame["z"] + 0.2 * (frame["text"] == "c")
    frame["event"] = (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(int)
    frame["answer"] = np.where(frame["event"] == 1, "yes", "no")
    frame["count"] = rng.poisson(np.exp(0.5 * eta))
    frame["amount"] = eta + rng.normal(size=n)
    frame.loc[rng.choice(n, 40, replace=False), "x"] = np.nan
    frame.loc[rng.choice(n, 30, replace=False), "text"] = None
    return frame


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pieces so small that few rows are many of them."""
    for module in ("arrow", "streamed"):
        monkeypatch.setattr(f"glmfit.sources.{module}.PIECE", 512)
    monkeypatch.setattr("glmfit.models.streaming.PIECE", 512)
    monkeypatch.setattr("glmfit.models.streaming.SAMPLED", 2**12)


@pytest.fixture
def frame() -> pd.DataFrame:
    return made()


@pytest.fixture
def folder(frame: pd.DataFrame, tmp_path: Path) -> Path:
    return write(frame, tmp_path / "data", 3)


def write(frame: pd.DataFrame, folder: Path, files: int) -> Path:
    folder.mkdir()
    for number, rows in enumerate(np.array_split(np.arange(len(frame)), files)):
        table = pa.Table.from_pandas(frame.iloc[rows], preserve_index=False)
        parquet.write_table(table, folder / f"part{number}.parquet", row_group_size=400)
    return folder


def assert_same(streamed: object, held: object) -> None:
    for name in ("params", "bse"):
        mine, other = getattr(streamed, name), getattr(held, name)
        assert list(mine.index) == list(other.index)
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-11)
    for name in ("llf", "llnull", "deviance", "null_deviance", "pearson_chi2", "scale", "nobs"):
        assert getattr(streamed, name) == pytest.approx(getattr(held, name), rel=1e-10), name
    assert streamed.dropped_rows == held.dropped_rows  # type: ignore[attr-defined]


CASES = {
    "logit": ("event ~ x + z + text", "binomial", {}),
    "text response": ("answer ~ x + size", "binomial", {}),
    "boolean response": ("flag ~ x", "binomial", {}),
    "event": ("answer ~ x", "binomial", {"event": "no"}),
    "successes": ("count + I(count + 2) ~ x", "binomial", {}),
    "learned": ("event ~ bs(z, df=5) + center(x) + C(k)", "binomial", {}),
    "interaction": ("amount ~ standardize(x) * size + text:z", "gaussian", {}),
    "sum coding": ("amount ~ C(text, Sum) + C(k, Treatment(2))", "gaussian", {}),
    "boolean factor": ("count ~ flag + (z > 1)", "poisson", {}),
    "offset": ("count ~ x + offset(np.log(z))", "poisson", {}),
    "offset by name": ("count ~ x", "poisson", {"offset": "precision"}),
    "exposure": ("count ~ x + size", "poisson", {"exposure": "z", "freq_weights": "weight"}),
    "gamma": ("z ~ x + flag", "gamma", {"link": "log", "var_weights": "precision"}),
    "no constant": ("amount ~ 0 + x + z", "gaussian", {}),
    "constant alone": ("count ~ 1", "poisson", {}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_folder_gives_what_its_frame_gives(case: tuple, frame: pd.DataFrame, folder: Path):
    formula, family, options = case
    held = gf.glm(formula, frame, family, **options).fit()
    assert_same(gf.glm(formula, folder, family, **options).fit(), held)


def frames_of(frame: pd.DataFrame) -> list[pd.DataFrame]:
    return [frame.iloc[:1000], frame.iloc[1000:1000], frame.iloc[1000:1007], frame.iloc[1007:]]


def lazily(frame: pd.DataFrame) -> pl.LazyFrame:
    return pl.from_arrow(pa.Table.from_pandas(frame, preserve_index=False)).lazy()


SOURCES = {
    "path": lambda frame, folder: str(folder),
    "file": lambda frame, folder: write(frame, folder / "one", 1) / "part0.parquet",
    "dataset": lambda frame, folder: dataset.dataset(folder),
    "table as dataset": lambda frame, folder: dataset.dataset(
        pa.Table.from_pandas(frame, preserve_index=False)
    ),
    "reader": lambda frame, folder: lambda: dataset.dataset(folder).scanner().to_reader(),
    "frames": lambda frame, folder: frames_of(frame),
    "function": lambda frame, folder: lambda: iter(frames_of(frame)),
    "polars frames": lambda frame, folder: (
        [lazily(f).collect() for f in frames_of(frame)[::2]]
        + [lazily(frames_of(frame)[3]).collect()]
    ),
    "lazy": lambda frame, folder: lazily(frame),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same(kind: str, frame: pd.DataFrame, folder: Path):
    if kind == "polars frames":
        frame = pd.concat([frame.iloc[:1000], *frames_of(frame)[2:]])
    source = SOURCES[kind](frame, folder)
    formula = "event ~ x + bs(z, df=4) + text + flag"
    assert_same(gf.logit(formula, source).fit(), gf.logit(formula, frame).fit())


def test_pieces_whose_text_is_missing_throughout_join_the_others(frame: pd.DataFrame):
    # text as objects, as pandas 2 keeps it
    old = frame.assign(text=frame["text"].astype(object))
    old.loc[1000:1006, "text"] = np.nan
    found = gf.logit("event ~ x + text", frames_of(old)).fit()
    assert_same(found, gf.logit("event ~ x + text", old).fit())


def test_where_files_end_changes_no_bit(frame: pd.DataFrame, tmp_path: Path):
    formula = "event ~ x * text + z"
    fits = [
        gf.logit(formula, write(frame, tmp_path / str(files), files)).fit() for files in (1, 2, 7)
    ]
    for other in fits[1:]:
        assert (other.params == fits[0].params).all()
        assert (other.cov_params() == fits[0].cov_params()).all(axis=None)


@pytest.mark.parametrize("memory", [0, 10**9])
def test_what_is_kept_between_passes_changes_no_bit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, memory: int
):
    usual = gf.logit("event ~ x + text", folder).fit().params
    monkeypatch.setattr("glmfit.models.streaming.MEMORY", memory)
    assert (gf.logit("event ~ x + text", folder).fit().params == usual).all()


def test_some_pieces_kept_and_others_read_change_no_bit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    # what is not kept starts in the middle of a row group
    usual = gf.logit("event ~ x + text", folder).fit().params
    row = 8 * (gf.logit("event ~ x + text", folder).data.stream.rows.design.row_size + 1)
    monkeypatch.setattr("glmfit.models.streaming.MEMORY", 3 * 512 * row)
    model = gf.logit("event ~ x + text", folder)
    assert model.data.stream.rows.n_kept == 3
    assert (model.fit().params == usual).all()


def test_threads_change_no_bit(folder: Path):
    model = gf.logit("event ~ x + text", folder)
    one = model.fit(control=gf.Control(threads=1))
    assert (model.fit(control=gf.Control(threads=3)).params == one.params).all()


def test_a_sample_of_many_rows_starts_the_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for module, piece in (("sources.arrow", 16384), ("sources.streamed", 16384)):
        monkeypatch.setattr(f"glmfit.{module}.PIECE", piece)
    monkeypatch.setattr("glmfit.models.streaming.PIECE", 16384)
    monkeypatch.setattr("glmfit.models.streaming.SAMPLED", 2**20)
    monkeypatch.setattr("glmfit.models.streaming.MEMORY", 0)
    reads = counted_reads(monkeypatch)
    large = made(100_000)
    folder = write(large, tmp_path / "large", 3)
    streamed = gf.logit("event ~ x + text", folder)
    assert 20_000 <= streamed.data.stream.rows.sample.n <= 30_000
    result = streamed.fit()
    assert_same(result, gf.logit("event ~ x + text", large).fit())
    # to learn, to step, to step again, and for the information at the end
    assert sum(len(columns) > 1 for columns in reads) <= 4


def test_few_rows_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch):
    usual = gf.logit("event ~ x + text", folder).fit()
    reads = counted_reads(monkeypatch)
    monkeypatch.setattr("glmfit.models.streaming.SAMPLED", 2**27)
    model = gf.logit("event ~ x + text", folder)
    assert not model.data.stream.rows.costly
    assert (model.fit().params == usual.params).all()
    assert sum(len(columns) > 1 for columns in reads) == 1


def counted_reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Return a list to which every pass over files adds the columns that it reads."""
    reads: list[tuple[str, ...]] = []
    read = arrow._Files.read

    def counted(self: object, columns: tuple[str, ...], skip: int) -> object:
        reads.append(tuple(columns))
        return read(self, columns, skip)

    monkeypatch.setattr(arrow._Files, "read", counted)
    return reads


@settings(max_examples=15, deadline=None)
@given(
    n=st.integers(30, 120),
    cuts=st.lists(st.integers(0, 120), max_size=5),
    seed=st.integers(0, 1000),
)
def test_any_cut_of_the_rows_gives_the_same(n: int, cuts: list[int], seed: int):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"y": rng.normal(size=n), "x": rng.normal(size=n)})
    frame.loc[rng.random(n) < 0.1, "x"] = np.nan
    places = sorted({0, n, *(min(cut, n) for cut in cuts)})
    parts = [frame.iloc[a:b] for a, b in itertools.pairwise(places)]
    streamed, held = gf.ols("y ~ x", parts).fit(), gf.ols("y ~ x", frame).fit()
    np.testing.assert_allclose(streamed.params, held.params, rtol=1e-10)
    assert streamed.rsquared == pytest.approx(held.rsquared, rel=1e-9)


# -- after the fit -------------------------------------------------------------------------


def test_tables_and_tests_work_without_the_rows(frame: pd.DataFrame, folder: Path):
    streamed = gf.logit("event ~ x + text", folder).fit()
    held = gf.logit("event ~ x + text", frame).fit()
    assert str(streamed.summary()) == str(held.summary())
    np.testing.assert_allclose(streamed.conf_int(), held.conf_int(), rtol=1e-9)
    assert streamed.aic == pytest.approx(held.aic, rel=1e-11)
    np.testing.assert_allclose(streamed.predict(frame), held.predict(), rtol=1e-10)


def test_results_outlive_the_stream(frame: pd.DataFrame, folder: Path, tmp_path: Path):
    result = gf.logit("event ~ x + text", folder).fit()
    light = result.remove_data()
    assert str(light.summary()) == str(result.summary())
    np.testing.assert_array_equal(light.predict(frame), result.predict(frame))


@pytest.mark.parametrize("weights", [{}, {"freq_weights": "weight"}])
def test_a_model_file_holds_what_that_of_a_frame_holds(
    frame: pd.DataFrame, folder: Path, tmp_path: Path, weights: dict[str, str]
):
    formula = "event ~ x + size + flag + text"
    result = gf.logit(formula, folder, **weights).fit()
    result.save(tmp_path / "model.glmfit")
    loaded = gf.load(tmp_path / "model.glmfit")
    assert str(loaded.summary()) == str(result.summary())
    np.testing.assert_array_equal(loaded.predict(frame), result.predict(frame))
    held = gf.logit(formula, frame, **weights)
    for name, mine in loaded.model.variables.items():
        other = held.variables[name]
        assert (mine.levels, mine.usual) == (other.levels, other.usual)
        for what in ("low", "high", "mean", "median", "sd"):
            np.testing.assert_allclose(getattr(mine, what), getattr(other, what), rtol=1e-12)


def test_fits_of_the_same_rows_are_compared(frame: pd.DataFrame, folder: Path, tmp_path: Path):
    whole = frame.dropna(subset=["text", "x"])
    other = write(whole, tmp_path / "w", 2)
    fits = [gf.logit(f, other).fit() for f in ("event ~ x", "event ~ x + text")]
    held = [gf.logit(f, whole).fit() for f in ("event ~ x", "event ~ x + text")]
    mine, theirs = gf.lr_test(*fits), gf.lr_test(*held)
    assert mine.statistic == pytest.approx(theirs.statistic, rel=1e-8)
    assert str(gf.anova(*fits)) == str(gf.anova(*held))
    assert str(fits[1].drop1()) == str(held[1].drop1())
    with pytest.raises(AlignmentError, match="different rows"):
        gf.lr_test(gf.logit("event ~ z", folder).fit(), gf.logit("event ~ z + x", folder).fit())
    with pytest.raises(AlignmentError, match="in memory"):
        gf.lr_test(held[0], fits[1])
    with pytest.raises(AlignmentError, match="differ in the response"):
        gf.lr_test(fits[0], gf.logit("flag ~ x + text", other).fit())


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3", "OPG", "OIM", "EIM"])
@pytest.mark.parametrize("weights", [{}, {"freq_weights": "weight"}, {"var_weights": "precision"}])
def test_covariances_come_by_another_pass(
    frame: pd.DataFrame, folder: Path, kind: str, weights: dict[str, str]
):
    streamed = gf.poisson("count ~ x + text", folder, **weights).fit(cov_type=kind)
    held = gf.poisson("count ~ x + text", frame, **weights).fit(cov_type=kind)
    np.testing.assert_allclose(streamed.cov_params(), held.cov_params(), rtol=1e-9)


@pytest.mark.parametrize("groups", ["k", "size", "flag", ["k", "size"]])
@pytest.mark.parametrize("weights", [{}, {"freq_weights": "weight"}])
def test_clusters_come_by_another_pass(
    frame: pd.DataFrame, folder: Path, groups: str, weights: dict[str, str]
):
    kwds = {"groups": groups}
    streamed = gf.poisson("count ~ x + text", folder, **weights).fit()
    held = gf.poisson("count ~ x + text", frame, **weights).fit()
    for kind in ("cluster", "CR0", "CR1"):
        mine, other = streamed.with_cov(kind, **kwds), held.with_cov(kind, **kwds)
        np.testing.assert_allclose(mine.cov_params(), other.cov_params(), rtol=1e-8, atol=1e-13)
        assert mine.df_resid_inference == other.df_resid_inference


def test_what_needs_the_rows_says_so(folder: Path):
    result = gf.logit("event ~ x + text", folder).fit()
    for ask in (
        lambda: result.fittedvalues,
        lambda: result.resid_deviance,
        lambda: result.predict(),
        lambda: result.model.endog,
        lambda: result.with_cov("bootstrap", n=10),
        lambda: result.with_cov("CR2", groups="k"),
        lambda: result.with_cov("cluster", groups=np.arange(N)),
        lambda: result.get_influence().cooks_distance,
        lambda: result.get_margeff(),
        lambda: result.augment(),
        lambda: gf.glm("count ~ x", folder, gf.families.NegativeBinomial()).fit(),
    ):
        with pytest.raises(NotAvailableError, match="streamed"):
            ask()


@pytest.mark.parametrize("rows", ["folder", "frame"])
def test_predictions_are_written_as_they_come(
    rows: str, frame: pd.DataFrame, folder: Path, tmp_path: Path
):
    result = gf.poisson("count ~ x + text", frame, exposure="z").fit()
    path = tmp_path / "predicted.parquet"
    assert result.predict_to(path, folder if rows == "folder" else frame) == N
    written = pd.read_parquet(path)["prediction"]
    np.testing.assert_allclose(written, result.predict(frame), rtol=1e-12)
    assert written.isna().sum() > 0


def test_a_file_of_predictions_is_whole_or_not_there(frame: pd.DataFrame, tmp_path: Path):
    result = gf.poisson("count ~ text", frame).fit()
    other = frame.assign(text="new")
    path = tmp_path / "predicted.parquet"
    with pytest.raises(LevelError, match="new"):
        result.predict_to(path, [frame, other])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UnknownNameError, match="'text'"):
        result.predict_to(path, frame[["x"]])


# -- missing rows --------------------------------------------------------------------------


def test_missing_weights_leave_rows_out(frame: pd.DataFrame, tmp_path: Path):
    frame.loc[[3, 700, 701], "precision"] = np.nan
    folder = write(frame, tmp_path / "m", 2)
    with pytest.warns(DataWarning, match="3 missing"):
        streamed = gf.ols("amount ~ x", folder, var_weights="precision").fit()
    with pytest.warns(DataWarning, match="3 missing"):
        held = gf.ols("amount ~ x", frame, var_weights="precision").fit()
    assert_same(streamed, held)


def test_values_that_are_no_numbers_leave_rows_out(frame: pd.DataFrame, folder: Path):
    with pytest.warns(DataWarning, match=r"np.log\(x\) is not a number"):
        streamed = gf.ols("amount ~ np.log(x) + text", folder).fit()
    with pytest.warns(DataWarning, match=r"np.log\(x\) is not a number"):
        held = gf.ols("amount ~ np.log(x) + text", frame).fit()
    assert_same(streamed, held)


def test_missing_rows_can_be_refused(folder: Path):
    with pytest.raises(MissingDataError, match="x has"):
        gf.ols("amount ~ x", folder, missing="raise")


def test_a_piece_without_complete_rows_is_passed_over(frame: pd.DataFrame, tmp_path: Path):
    frame.loc[frame.index[512:1024], "x"] = np.nan
    folder = write(frame, tmp_path / "gap", 2)
    assert_same(gf.ols("amount ~ x", folder).fit(), gf.ols("amount ~ x", frame).fit())


def test_aliased_columns_are_found(frame: pd.DataFrame, folder: Path):
    with pytest.warns(CollinearityWarning, match="left out"):
        streamed = gf.ols("amount ~ x + I(2 * x) + z", folder).fit()
    with pytest.warns(CollinearityWarning, match="left out"):
        held = gf.ols("amount ~ x + I(2 * x) + z", frame).fit()
    assert_same(streamed, held)
    assert streamed.aliased == held.aliased


def test_a_column_that_changes_in_the_last_row_is_no_constant(tmp_path: Path):
    frame = pd.DataFrame({"y": np.arange(2000.0) % 7, "x": np.ones(2000)})
    frame.loc[1999, "x"] = 3.0
    streamed = gf.ols("y ~ 0 + x", write(frame, tmp_path / "c", 1)).fit()
    assert streamed.k_constant == 0
    assert_same(streamed, gf.ols("y ~ 0 + x", frame).fit())


def test_separated_rows_are_told_of(tmp_path: Path):
    x = np.linspace(-1.0, 1.0, 2000)
    frame = pd.DataFrame({"y": (x > 0.0).astype(int), "x": x})
    with pytest.raises(FitError, match=r"separated: .*x.* predict 2000 responses"):
        gf.logit("y ~ x", write(frame, tmp_path / "s", 2)).fit()


# -- what cannot be read -------------------------------------------------------------------


def test_only_the_columns_of_the_formula_are_read(frame: pd.DataFrame, tmp_path: Path):
    table = pa.Table.from_pandas(frame[["event", "z"]], preserve_index=False)
    nested = table.append_column("nested", pa.array([[1, 2]] * N))
    parquet.write_table(nested, tmp_path / "n.parquet")
    result = gf.logit("event ~ z", tmp_path / "n.parquet").fit()
    assert result.nobs == N
    with pytest.raises(DataError, match="'nested' holds list"):
        gf.logit("event ~ nested", tmp_path / "n.parquet")


def test_a_change_of_type_names_the_file(frame: pd.DataFrame, tmp_path: Path):
    folder = write(frame, tmp_path / "d", 1)
    changed = pa.Table.from_pandas(frame.assign(z="text"), preserve_index=False)
    parquet.write_table(changed, folder / "part9.parquet")
    with pytest.raises(DataError, match=r"'z' holds text \(.*string\) in .*part9.parquet"):
        gf.logit("event ~ z", folder)


def test_a_column_that_a_file_lacks_names_the_file(frame: pd.DataFrame, tmp_path: Path):
    folder = write(frame, tmp_path / "d", 1)
    less = pa.Table.from_pandas(frame.drop(columns="z"), preserve_index=False)
    parquet.write_table(less, folder / "part9.parquet")
    with pytest.raises(DataError, match=r"part9.parquet has no column 'z'"):
        gf.logit("event ~ z", folder)


def test_whole_numbers_and_others_go_together(frame: pd.DataFrame, tmp_path: Path):
    folder = write(frame, tmp_path / "d", 1)
    other = pa.Table.from_pandas(frame.assign(k=frame["k"] + 0.5), preserve_index=False)
    parquet.write_table(other, folder / "part9.parquet")
    both = pd.concat([frame, frame.assign(k=frame["k"] + 0.5)], ignore_index=True)
    assert_same(gf.logit("event ~ k", folder).fit(), gf.logit("event ~ k", both).fit())


def test_a_broken_file_is_named(frame: pd.DataFrame, tmp_path: Path):
    folder = write(frame, tmp_path / "d", 2)
    whole = (folder / "part1.parquet").read_bytes()
    (folder / "part1.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"part1.parquet"):
        gf.logit("event ~ z", folder)


def test_a_bad_value_names_its_file(frame: pd.DataFrame, tmp_path: Path):
    folder = write(frame, tmp_path / "d", 1)
    bad = pa.Table.from_pandas(frame.assign(z=np.inf), preserve_index=False)
    parquet.write_table(bad, folder / "part9.parquet")
    with pytest.raises(DataError, match=r"infinite.*part9.parquet"):
        gf.logit("event ~ z", folder)


def test_columns_that_only_later_passes_read_are_checked(frame: pd.DataFrame, tmp_path: Path):
    folder = write(frame, tmp_path / "d", 1)
    less = pa.Table.from_pandas(frame.drop(columns="k"), preserve_index=False)
    parquet.write_table(less, folder / "part8.parquet")
    result = gf.ols("amount ~ z", folder).fit()
    with pytest.raises(DataError, match=r"part8.parquet has no column 'k'"):
        result.with_cov("cluster", groups="k")
    changed = pa.Table.from_pandas(frame.assign(k="text"), preserve_index=False)
    parquet.write_table(changed, folder / "part8.parquet")
    result = gf.ols("amount ~ z", folder).fit()
    with pytest.raises(DataError, match=r"'k' holds text .* in .*part8.parquet"):
        result.with_cov("cluster", groups="k")


@pytest.mark.parametrize("change", ["order", "fewer", "more"])
def test_rows_that_change_between_passes_are_an_error(frame: pd.DataFrame, change: str):
    count = itertools.count(1)

    def drawn() -> list[pd.DataFrame]:
        number = next(count)
        if change == "order":
            return [frame.sample(frac=1, random_state=number)]
        if change == "fewer":
            return [frame.iloc[: -600 * number]]
        return [frame] * number

    with pytest.raises(DataError, match=r"rows changed while .* same order"):
        gf.ols("amount ~ x", drawn).fit()


def test_text_and_dictionaries_go_together(frame: pd.DataFrame, tmp_path: Path):
    halves = [frame.iloc[:1500], frame.iloc[1500:]]
    expected = gf.ols("amount ~ text", frame).fit()
    for coded in (0, 1):
        parts = list(halves)
        parts[coded] = parts[coded].astype({"text": "category"})
        assert_same(gf.ols("amount ~ text", parts).fit(), expected)
        folder = tmp_path / str(coded)
        folder.mkdir()
        for number, part in enumerate(parts):
            table = pa.Table.from_pandas(part, preserve_index=False)
            parquet.write_table(table, folder / f"part{number}.parquet")
        assert_same(gf.ols("amount ~ text", folder).fit(), expected)


@pytest.mark.parametrize("missing", [0, 1])
@pytest.mark.parametrize("name", ["text", "z"])
def test_a_column_may_be_entirely_missing_in_a_file(
    missing: int, name: str, frame: pd.DataFrame, tmp_path: Path
):
    parts = [frame.iloc[:1500], frame.iloc[1500:]]
    left = parts[1 - missing]
    parts[missing] = parts[missing].assign(**{name: None})
    folder = tmp_path / "d"
    folder.mkdir()
    for number, part in enumerate(parts):
        table = pa.Table.from_pandas(part, preserve_index=False)
        parquet.write_table(table, folder / f"part{number}.parquet", row_group_size=400)
    for source in (parts, folder):
        streamed = gf.ols("amount ~ text + z", source).fit()
        np.testing.assert_allclose(
            streamed.params, gf.ols("amount ~ text + z", left).fit().params, rtol=1e-10
        )


def test_a_dictionary_may_repeat_a_level(frame: pd.DataFrame):
    text = pa.array(["a", "a", None, "c"])
    coded = pa.DictionaryArray.from_arrays(pa.array(np.arange(N) % 4, pa.int8()), text)
    table = pa.table({"y": frame["amount"], "text": coded})
    plain = pd.DataFrame({"y": frame["amount"], "text": coded.to_pylist()})
    assert_same(
        gf.ols("y ~ text", lambda: table.to_reader()).fit(), gf.ols("y ~ text", plain).fit()
    )


def test_categories_of_polars_are_in_the_order_that_they_have_in_memory(frame: pd.DataFrame):
    complete = pl.from_pandas(frame.dropna(subset=["text"]))
    for kind in (pl.Categorical, pl.Enum(["d", "c", "b", "a"])):
        whole = complete.with_columns(pl.col("text").cast(kind))
        held = gf.ols("amount ~ text", whole).fit()
        for source in (whole.lazy(), [whole[:1000], whole[1000:]]):
            assert_same(gf.ols("amount ~ text", source).fit(), held)


def test_only_the_columns_of_the_formula_are_converted(frame: pd.DataFrame):
    mixed = frame.assign(other=[1, "a", None] * 1000)
    parts = [mixed.iloc[:1000], mixed.iloc[1000:]]
    assert_same(gf.ols("amount ~ x", parts).fit(), gf.ols("amount ~ x", frame).fit())
    with pytest.raises(DataError, match="frame 0 cannot be read"):
        gf.ols("amount ~ other", parts)


def test_a_filtered_dataset_gives_the_rows_that_are_left(frame: pd.DataFrame, folder: Path):
    chosen = dataset.dataset(folder).filter(dataset.field("k") > 0)
    streamed = gf.ols("amount ~ x + text", chosen).fit()
    assert_same(streamed, gf.ols("amount ~ x + text", frame[frame["k"] > 0]).fit())


def test_directories_make_columns(frame: pd.DataFrame, tmp_path: Path):
    whole = frame.drop(columns="size").dropna(subset="text")
    table = pa.Table.from_pandas(whole, preserve_index=False)
    parquet.write_to_dataset(table, tmp_path / "d", partition_cols=["text", "k"])
    formula = "amount ~ x + text + C(k) + k:x"
    assert_same(gf.ols(formula, tmp_path / "d").fit(), gf.ols(formula, whole).fit())


def test_columns_of_one_name_are_refused(frame: pd.DataFrame):
    table = pa.table([frame["z"], frame["z"]], names=["z", "z"])
    with pytest.raises(DataError, match="2 columns named 'z'"):
        gf.ols("z ~ 1", lambda: table.to_reader())


def test_groups_of_large_numbers_are_told_apart(frame: pd.DataFrame, tmp_path: Path):
    large = frame.assign(id=2**53 + np.arange(N) // 3)
    streamed = gf.ols("amount ~ z", write(large, tmp_path / "d", 2)).fit()
    held = gf.ols("amount ~ z", large).fit()
    np.testing.assert_allclose(
        streamed.with_cov("cluster", groups="id").bse,
        held.with_cov("cluster", groups="id").bse,
        rtol=1e-10,
    )


def test_a_transform_without_a_value_names_file_and_row(frame: pd.DataFrame, tmp_path: Path):
    frame["x"] = frame["z"]
    frame.loc[2500, "x"] = -50.0
    with pytest.raises(DataError, match=r"np.log\(center\(x\) \+ 3\) .* \(row 2500\).*part2"):
        gf.ols("amount ~ np.log(center(x) + 3)", write(frame, tmp_path / "d", 3)).fit()


def test_factors_of_too_many_and_too_few_levels_are_told_of(
    frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = write(frame.assign(one="a", many=np.arange(N).astype(str)), tmp_path / "d", 2)
    with pytest.warns(DataWarning, match="one has one level only"):
        gf.ols("amount ~ z + one", folder)
    monkeypatch.setattr("glmfit.formula.spec.MAX_LEVELS", 100)
    with pytest.raises(ArgumentError, match="many has 512 levels"):
        gf.ols("amount ~ many", folder)
    with pytest.raises(FormulaError, match="columns; 30000 are allowed"):
        gf.ols("amount ~ " + ":".join(f"C(text, Sum):C(k + {i})" for i in range(9)), folder)


def test_levels_of_later_files_are_levels(frame: pd.DataFrame, tmp_path: Path):
    ordered = frame.sort_values("text", ignore_index=True)
    folder = write(ordered, tmp_path / "d", 4)
    assert_same(gf.ols("amount ~ text", folder).fit(), gf.ols("amount ~ text", ordered).fit())


def test_dates_are_refused_in_words(frame: pd.DataFrame, tmp_path: Path):
    dated = frame.assign(day=pd.Timestamp("2020-01-01"))
    with pytest.raises(DataError, match="'day' holds dates"):
        gf.ols("amount ~ day", write(dated, tmp_path / "d", 1))


def test_what_is_no_source_is_refused(frame: pd.DataFrame, folder: Path, tmp_path: Path):
    with pytest.raises(DataError, match="no file"):
        gf.ols("amount ~ x", tmp_path / "nothing.parquet")
    with pytest.raises(ArgumentTypeError, match="only once"):
        gf.ols("amount ~ x", iter([frame]))
    with pytest.raises(NotAvailableError, match="name of a column"):
        gf.ols("amount ~ x", folder, var_weights=np.ones(N))
    with pytest.raises(NotAvailableError, match="subset"):
        gf.ols("amount ~ x", folder, subset=frame["x"] > 0)
    with pytest.raises(UnknownNameError, match=r"precison.*precision"):
        gf.ols("amount ~ x", folder, var_weights="precison")
    with pytest.raises(NotAvailableError, match="in memory"):
        gf.mnlogit("text ~ x", folder)
    with pytest.raises(DataError, match="no rows"):
        gf.ols("amount ~ x", [frame.iloc[:0]])


def test_the_reader_ends_when_nobody_listens(folder: Path):
    source = arrow.batches_of(folder)
    assert source is not None
    import threading

    found = arrow.pieces(source, ["x"])
    next(found)
    found.close()
    assert not any(thread.name == "glmfit-reader" for thread in threading.enumerate())


def test_pyarrow_is_asked_for_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(arrow, "find_spec", lambda name: None)
    with pytest.raises(NotAvailableError, match=r"glmfit\[data\]"):
        gf.ols("amount ~ x", folder)


class Relation:
    """What a DuckDB relation answers, made of a table."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def limit(self, count: int) -> Relation:
        return Relation(self.table.slice(0, count))

    def project(self, columns: str) -> Relation:
        return Relation(self.table.select([name.strip('"') for name in columns.split(", ")]))

    def fetch_arrow_reader(self, rows: int) -> pa.RecordBatchReader:
        return self.table.to_reader(max_chunksize=rows)


def test_a_relation_is_queried_for_its_columns(frame: pd.DataFrame):
    relation = Relation(pa.Table.from_pandas(frame, preserve_index=False))
    streamed = gf.logit("event ~ x + text", relation).fit()
    assert_same(streamed, gf.logit("event ~ x + text", frame).fit())


def test_a_query_is_run_for_every_pass(frame: pd.DataFrame, tmp_path: Path):
    duckdb = pytest.importorskip("duckdb", reason="part of the extra test")
    held = gf.logit("event ~ x + text", frame).fit()
    query = "SELECT * FROM rows ORDER BY place"
    placed = frame.drop(columns="size").assign(place=np.arange(N))
    with duckdb.connect() as connection:
        connection.register("rows", placed)
        assert_same(gf.logit("event ~ x + text", gf.stream(query, connection)).fit(), held)
        assert_same(gf.logit("event ~ x + text", connection.sql(query)).fit(), held)
    path = tmp_path / "rows.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        placed.to_sql("rows", connection, index=False)
        with pytest.raises(DataError, match="a function that opens one"):
            gf.ols("amount ~ x", gf.stream(query, connection))
    opened = gf.stream(query, lambda: sqlite3.connect(path))
    assert_same(gf.logit("event ~ x + text", opened).fit(), held)
    with pytest.raises(ArgumentTypeError, match="a query as text"):
        gf.stream(frame, connection)


def test_memory_is_set_by_the_user(folder: Path, frame: pd.DataFrame):
    held = gf.logit("event ~ x + text", frame).fit()
    large = gf.logit("event ~ x + text", gf.stream(folder, memory=2**22))
    assert not large.data.stream.rows.costly
    assert_same(large.fit(), held)
    assert_same(gf.logit("event ~ x + text", gf.stream(frame)).fit(), held)
    for wrong in (0, "1GB", 5.0):
        with pytest.raises(ArgumentError, match="number of bytes"):
            gf.stream(folder, memory=wrong)
    with pytest.raises(ArgumentTypeError, match="got int"):
        gf.stream(3)


def test_the_benchmark_measures_a_fit(capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("benchmarks", reason="the benchmarks are part of the checkout only")
    from benchmarks.arrow import main

    found = main(0.02, check=True)
    assert "largest difference from memory" in capsys.readouterr().out
    assert found.params.size == 58
