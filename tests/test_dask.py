"""Rows in the partitions of a Dask frame: the digits of the fit in memory, wherever they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import (
    ArgumentError,
    CollinearityWarning,
    DataWarning,
    FormulaError,
    MissingDataError,
    NotAvailableError,
    UnknownNameError,
)

dd = pytest.importorskip("dask.dataframe", reason="dask is optional: pip install glmfit[dask]")
distributed = pytest.importorskip("distributed")

N = 2000


def made(n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "z": rng.exponential(size=n) + 0.1,
            "k": rng.integers(0, 4, n),
            "text": rng.choice(["b", "a", "d", "c"], n),
            "weight": rng.integers(0, 4, n),
            "precision": rng.uniform(0.5, 2.0, n),
        }
    )
    eta = 0.4 * frame["x"] - 0.3 * frame["z"] + 0.2 * (frame["text"] == "c")
    frame["event"] = (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(int)
    frame["count"] = rng.poisson(np.exp(0.5 * eta))
    frame["amount"] = eta + rng.normal(size=n)
    frame.loc[rng.choice(n, 40, replace=False), "x"] = np.nan
    frame.loc[rng.choice(n, 30, replace=False), "text"] = None
    return frame


def assert_same(distributed: Any, held: Any) -> None:
    for name in ("params", "bse"):
        mine, other = getattr(distributed, name), getattr(held, name)
        assert list(mine.index) == list(other.index)
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-11)
    for name in ("llf", "llnull", "deviance", "null_deviance", "pearson_chi2", "scale", "nobs"):
        assert getattr(distributed, name) == pytest.approx(getattr(held, name), rel=1e-10), name
    assert distributed.dropped_rows == held.dropped_rows


@pytest.fixture
def frame() -> pd.DataFrame:
    return made()


CASES = {
    "logit": ("event ~ x + z + text", "binomial", {}),
    "learned": ("event ~ bs(z, df=5) + center(x) + C(k)", "binomial", {}),
    "interaction": ("amount ~ standardize(x) * text", "gaussian", {}),
    "contrasts": ("amount ~ C(text, Sum) + C(k, Treatment(2))", "gaussian", {}),
    "offset": ("count ~ x + offset(np.log(z))", "poisson", {}),
    "weights": ("count ~ x", "poisson", {"exposure": "z", "freq_weights": "weight"}),
    "gamma": ("z ~ x", "gamma", {"link": "log", "var_weights": "precision"}),
    "constant": ("count ~ 1", "poisson", {}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_partitions_give_what_their_frame_gives(case: tuple, frame: pd.DataFrame):
    formula, family, options = case
    data = dd.from_pandas(frame, npartitions=5, sort=False)
    held = gf.glm(formula, frame, family, **options).fit()
    assert_same(gf.glm(formula, data, family, **options).fit(), held)


def test_samples_of_many_rows_stay_where_they_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("glmfit.engine.warm.FEWEST_ROWS", 512)
    frame = made(10_000)
    held = gf.logit("event ~ x + text", frame).fit()
    result = gf.logit("event ~ x + text", dd.from_pandas(frame, npartitions=3, sort=False)).fit()
    assert_same(result, held)
    assert str(result.summary()) == str(held.summary())


def test_a_partition_may_be_empty_or_entirely_incomplete(frame: pd.DataFrame):
    frame.loc[frame.index[400:800], "x"] = np.nan
    data = dd.from_pandas(frame, npartitions=5, sort=False)
    assert_same(gf.ols("amount ~ x + text", data).fit(), gf.ols("amount ~ x + text", frame).fit())
    left = data[data["k"] * (data.index > 500) > 0]
    held = frame[frame["k"] * (frame.index > 500) > 0]
    assert_same(gf.ols("amount ~ x + text", left).fit(), gf.ols("amount ~ x + text", held).fit())


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC3"])
def test_robust_covariances_are_summed_where_the_rows_are(frame: pd.DataFrame, kind: str):
    data = dd.from_pandas(frame, npartitions=3, sort=False)
    mine = gf.poisson("count ~ x + text", data).fit(cov_type=kind)
    other = gf.poisson("count ~ x + text", frame).fit(cov_type=kind)
    np.testing.assert_allclose(mine.cov_params(), other.cov_params(), rtol=1e-9)


def test_aliased_columns_are_found(frame: pd.DataFrame):
    data = dd.from_pandas(frame, npartitions=3, sort=False)
    with pytest.warns(CollinearityWarning, match="left out"):
        result = gf.ols("amount ~ x + I(2 * x) + z", data).fit()
    with pytest.warns(CollinearityWarning, match="left out"):
        assert_same(result, gf.ols("amount ~ x + I(2 * x) + z", frame).fit())


def test_parquet_is_read_by_dask(frame: pd.DataFrame, tmp_path: Path):
    for number, part in enumerate((frame.iloc[:700], frame.iloc[700:])):
        part.to_parquet(tmp_path / f"part{number}.parquet")
    result = gf.logit("event ~ x + text", dd.read_parquet(tmp_path)).fit()
    assert_same(result, gf.logit("event ~ x + text", frame).fit())


def test_what_needs_the_rows_says_so(frame: pd.DataFrame):
    data = dd.from_pandas(frame, npartitions=3, sort=False)
    result = gf.logit("event ~ x + text", data).fit()
    for ask in (
        lambda: result.fittedvalues,
        lambda: result.with_cov("cluster", groups="k"),
        lambda: result.get_influence().cooks_distance,
    ):
        with pytest.raises(NotAvailableError, match=r"streamed|Dask"):
            ask()
    np.testing.assert_allclose(
        result.predict(frame), gf.logit("event ~ x + text", frame).fit().predict(), rtol=1e-10
    )


def test_wrong_inputs_are_told_of(frame: pd.DataFrame):
    data = dd.from_pandas(frame, npartitions=3, sort=False)
    with pytest.raises(UnknownNameError, match="precision"):
        gf.ols("amount ~ x", data, var_weights="precison")
    with pytest.raises(MissingDataError, match="x has"):
        gf.ols("amount ~ x", data, missing="raise")
    with pytest.raises(NotAvailableError, match="name of a column"):
        gf.ols("amount ~ x", data, var_weights=np.ones(N))
    with pytest.raises(FormulaError):
        gf.ols("amount ~ bs(x, df=10**9)", data)
    with pytest.raises(ArgumentError, match="no columns"):
        gf.ols("amount ~ 0", data)
    with pytest.warns(DataWarning, match=r"np.log\(x\) is not a number"):
        mine = gf.ols("amount ~ np.log(x)", data).fit()
    with pytest.warns(DataWarning, match=r"np.log\(x\) is not a number"):
        assert_same(mine, gf.ols("amount ~ np.log(x)", frame).fit())


# -- on a cluster --------------------------------------------------------------------------


@pytest.fixture
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, worker_dashboard_address=None
    ) as local:
        yield local


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the ports and processes of the cluster
def test_a_cluster_gives_the_same_bits_even_if_it_loses_a_worker(
    cluster: Any, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    from glmfit.engine.passes import Pass

    formula = "event ~ bs(z, df=5) * text + center(x)"
    data = dd.from_pandas(frame, npartitions=6, sort=False)
    threads = gf.logit(formula, data).fit()
    assert_same(threads, gf.logit(formula, frame).fit())
    # by its address, as a cluster elsewhere is used
    with distributed.Client(cluster.scheduler_address):
        usual = gf.logit(formula, data).fit()
        assert (usual.params == threads.params).all()
        assert (usual.cov_params() == threads.cov_params()).all(axis=None)

        model = gf.logit(formula, data)
        passes = Pass.__call__
        count, lost = 0, []

        def counted(*given: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == 2:
                threading.Timer(0.02, kill, [cluster, lost]).start()
            return passes(*given, **options)

        monkeypatch.setattr(Pass, "__call__", counted)
        survived = model.fit()
        assert count >= 3
        assert not lost[0].is_alive()
        assert (survived.params == usual.params).all()
        assert (survived.cov_params() == usual.cov_params()).all(axis=None)


def kill(cluster: Any, lost: list[Any]) -> None:
    """End a worker of a cluster at once, without a word to anybody."""
    process = next(iter(cluster.workers.values())).process.process._process
    process.kill()
    lost.append(process)
