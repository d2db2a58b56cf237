"""Interrupts, read-only memory, processes and threads: no wrong number, no leak, no hang."""

import multiprocessing
import pickle
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import glmfit as gf
from glmfit.engine.executor import map_chunks
from glmfit.likelihoods import GLMLikelihood

CONTROL = gf.Control(chunk_rows=256, threads=3)


def arrays(n=4000):
    rng = np.random.default_rng(5)
    design = np.column_stack([np.ones(n), rng.normal(size=(n, 3))])
    y = rng.poisson(np.exp(design @ [0.3, 0.2, -0.1, 0.1])).astype(float)
    return y, design


def frame(n=600):
    y, design = arrays(n)
    data = pd.DataFrame(design[:, 1:], columns=list("xzw")).assign(y=y)
    drawn = np.random.default_rng(6).choice(["lo", "mid", "hi"], n)
    levels = pd.Categorical(drawn, categories=["lo", "mid", "hi"], ordered=True)
    return data.assign(g=np.resize(list("abc"), n), t=levels)


def threads_of_glmfit():
    return [thread for thread in threading.enumerate() if thread.name.startswith("glmfit")]


def blas_threads():
    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]


# -- interrupts ---------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("after", [1, 7, 40])
def test_an_interrupted_fit_leaves_nothing_behind(monkeypatch, stop, after):
    y, design = arrays()
    model = gf.Poisson(y, design)
    expected = model.fit(control=CONTROL).params
    before, copies = blas_threads(), (y.copy(), design.copy())
    evaluate, calls = GLMLikelihood.evaluate, []

    def interrupted(self, *arguments, **options):
        calls.append(1)
        if len(calls) > after:
            raise stop
        return evaluate(self, *arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(stop):
        patch.setattr(GLMLikelihood, "evaluate", interrupted)
        model.fit(control=CONTROL)
    assert threads_of_glmfit() == []
    assert blas_threads() == before
    np.testing.assert_array_equal(y, copies[0])
    np.testing.assert_array_equal(design, copies[1])
    np.testing.assert_array_equal(model.fit(control=CONTROL).params, expected)


def test_a_reader_that_stops_early_leaves_no_thread():
    y, design = arrays()
    rows = gf.Poisson(y, design).data.rows()
    before = blas_threads()
    chunks = map_chunks(lambda chunk: chunk.n, rows, CONTROL)
    assert next(chunks) == 256
    chunks.close()
    assert threads_of_glmfit() == []
    assert blas_threads() == before


def test_ctrl_c_ends_a_long_fit_at_once():
    code = """
import _thread, threading, time
import numpy as np, glmfit as gf
rng = np.random.default_rng(0)
x = np.column_stack([np.ones(300_000), rng.normal(size=(300_000, 8))])
y = (rng.random(300_000) < 0.5).astype(float)
threading.Timer(1.0, _thread.interrupt_main).start()
start = time.perf_counter()
try:
    while True:
        gf.Logit(y, x).fit(threads=2)
except KeyboardInterrupt:
    def alive():
        return [t.name for t in threading.enumerate() if t.name.startswith("glmfit")]
    # a second interrupt is not needed: what runs ends with the chunk in hand
    while alive() and time.perf_counter() - start < 30:
        time.sleep(0.05)
    print("stopped", alive(), time.perf_counter() - start < 30)
"""
    code = code.replace(".fit(threads=2)", ".fit(control=gf.Control(threads=2))")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "stopped [] True", done.stderr


# -- memory that is not ours --------------------------------------------------------------


def test_read_only_and_mapped_arrays_are_fitted_as_they_are(tmp_path):
    y, design = arrays()
    expected = gf.Poisson(y, design, var_weights=np.full(len(y), 2.0)).fit()
    weights = np.full(len(y), 2.0)
    for values in (y, design, weights):
        values.flags.writeable = False
    frozen = gf.Poisson(y, design, var_weights=weights).fit()
    np.testing.assert_array_equal(frozen.params, expected.params)
    np.save(tmp_path / "x.npy", design)
    np.save(tmp_path / "y.npy", y)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "yx"]
    result = gf.Poisson(*mapped, var_weights=weights).fit()
    np.testing.assert_array_equal(result.params, expected.params)
    np.testing.assert_array_equal(result.predict(mapped[1]), expected.predict(design))
    influence = gf.Poisson(mapped[0][:50], mapped[1][:50]).fit().get_influence()
    assert np.isfinite(influence.cooks_distance[0]).all()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("step", [1, 2, -1])
def test_strided_and_foreign_arrays(order, step):
    y, design = arrays(900)
    strided = np.asarray(np.repeat(design, 2, axis=0), order=order)[::2]
    expected = gf.Poisson(y[::step].copy(), design[::step].copy()).fit().params
    result = gf.Poisson(y[::step], strided[::step]).fit()
    np.testing.assert_allclose(result.params, expected, rtol=1e-12)
    swapped = gf.Poisson(y.astype(">f8")[::step], strided[::step].astype(">f8")).fit()
    np.testing.assert_allclose(swapped.params, expected, rtol=1e-12)


def test_a_frame_stays_as_it_was():
    data = frame()
    data.index = np.arange(len(data)) % 7
    data.loc[data.x > 2.0, "z"] = np.nan
    before = data.copy(deep=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gf.errors.GlmfitWarning)
        result = gf.poisson("y ~ x + z * g + bs(w, df=4)", data).fit()
        result.summary()
        result.anova(type=2)
        result.get_influence().summary_frame()
        result.marginal_effects()
    pd.testing.assert_frame_equal(data, before)


# -- processes ----------------------------------------------------------------------------


def fit_again(result):
    """Return what another process makes of a result: its parts, and a new fit."""
    data = frame()
    again = result.model.fit(control=CONTROL)
    return (
        np.asarray(result.params),
        np.asarray(again.params),
        np.asarray(result.predict(data)),
        result.summary().as_text(),
    )


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_another_process_finds_the_same(way):
    data = frame()
    result = gf.poisson("y ~ x + bs(z, df=4) + g", data).fit(control=CONTROL)
    before = blas_threads()
    context = multiprocessing.get_context(way)
    with warnings.catch_warnings():
        # Python warns of forks while any thread runs, those of BLAS too
        warnings.simplefilter("ignore", DeprecationWarning)
        with context.Pool(2) as pool:
            found = pool.map_async(fit_again, [result] * 3).get(timeout=120)
    for params, again, predicted, summary in found:
        np.testing.assert_array_equal(params, result.params)
        np.testing.assert_array_equal(again, result.params)
        np.testing.assert_array_equal(predicted, result.predict(data))
        assert summary == result.summary().as_text()
    assert blas_threads() == before


# -- threads ------------------------------------------------------------------------------


def test_threads_that_fit_at_once_agree_to_the_last_bit():
    data = frame()
    y, design = arrays()

    def work(which):
        if which % 3 == 0:
            return gf.Poisson(y, design).fit(control=CONTROL).params
        if which % 3 == 1:
            fitted = gf.mnlogit("t ~ x + g", data).fit(control=CONTROL)
            return np.asarray(fitted.params).ravel()
        return gf.poisson("y ~ x + z * g", data).fit(control=CONTROL).bse.to_numpy()

    alone = [work(which) for which in range(3)]
    before = blas_threads()
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(work, range(30)))
    for which, found in enumerate(together):
        np.testing.assert_array_equal(found, alone[which % 3])
    assert blas_threads() == before
    assert threads_of_glmfit() == []


def test_one_model_may_be_fitted_by_many_threads():
    y, design = arrays()
    model = gf.Poisson(y, design)
    expected = model.fit(control=CONTROL)
    with ThreadPoolExecutor(4) as pool:
        fits = list(pool.map(lambda _: model.fit(control=CONTROL), range(8)))
        texts = list(pool.map(lambda _: expected.summary().as_text(), range(8)))
    for fit in fits:
        np.testing.assert_array_equal(fit.params, expected.params)
        np.testing.assert_array_equal(fit.bse, expected.bse)
    assert len(set(texts)) == 1


def test_the_limit_of_blas_threads_is_given_back():
    y, design = arrays(20_000)
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        gf.Poisson(y, design).fit()
        with pytest.raises(gf.errors.GlmfitError):
            gf.Poisson(y, design).fit(start_params=[1e5, 0.0, 0.0, 1e5])
        assert blas_threads() == before


# -- pickles ------------------------------------------------------------------------------


FITS = {
    "poisson": lambda data: gf.poisson("y ~ x + bs(z, df=4) + C(g, Sum)", data),
    "mnlogit": lambda data: gf.mnlogit("t ~ x + center(z)", data),
    "ordered": lambda data: gf.ordered("t ~ x + g", data),
    "offset": lambda data: gf.poisson("y ~ x + offset(z)", data, var_weights="v"),
}


@pytest.mark.parametrize("name", FITS)
def test_results_survive_a_pickle(name):
    data = frame().assign(v=np.resize([1.0, 2.0], 600))
    result = FITS[name](data).fit()
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(result, protocol))
        np.testing.assert_array_equal(np.asarray(again.params), np.asarray(result.params))
        np.testing.assert_array_equal(again.cov_params(), result.cov_params())
        np.testing.assert_array_equal(again.predict(data), result.predict(data))
        assert again.summary().as_text() == result.summary().as_text()
    np.testing.assert_array_equal(np.asarray(again.model.fit().params), np.asarray(result.params))


@pytest.mark.parametrize("name", FITS)
def test_without_data_a_pickle_does_not_grow_with_the_rows(name):
    sizes = []
    for n in (600, 6000):
        data = frame(n).assign(v=np.resize([1.0, 2.0], n))
        result = FITS[name](data).fit()
        expected = np.asarray(result.predict(data.head(20)))
        bare = result.remove_data()
        assert bare.summary().as_text() == result.summary().as_text()
        dumped = pickle.dumps(bare)
        again = pickle.loads(dumped)
        np.testing.assert_array_equal(np.asarray(again.predict(data.head(20))), expected)
        sizes.append(len(dumped))
    assert sizes[1] < sizes[0] + 500


def test_the_summary_without_data_still_counts_what_was_left_out():
    data = frame()
    data.loc[:4, "x"] = np.nan
    result = gf.poisson("y ~ x", data, subset=data.g != "c").fit()
    text = result.summary().as_text()
    assert "400 of 600 rows chosen by subset" in text
    assert "4 of 400 rows dropped" in text
    again = pickle.loads(pickle.dumps(result.remove_data()))
    assert again.summary().as_text() == text
