"""The bootstrap and the jackknife: against R's boot, against refits one by one, and in words."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.engine.batched import Draws, fit_batches
from glmfit.engine.control import Control
from glmfit.errors import ArgumentError, DataWarning, NotAvailableError
from glmfit.inference.bootstrap import STATUS, Replicates, Sample, pairs_samples, quantiles
from glmfit.results.resampling import Bootstrap

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "robust.json").read_text(encoding="utf8")
)
BOOT = REFERENCE["bootstrap"]
D = pd.DataFrame(REFERENCE["data"])
LOGIT = gf.logit("binary ~ x + z", D).fit()
CHALLENGER = gf.datasets.load("challenger")


# --- against R ----------------------------------------------------------------------------


def test_replicates_agree_with_r():
    found = LOGIT.model.replicates(LOGIT.record, [Sample(np.array(BOOT["counts"], float), None)])
    assert (found.status == 0).all()
    np.testing.assert_allclose(found.theta, BOOT["replicates"], rtol=1e-8)


def test_jackknife_agrees_with_r():
    left = LOGIT.jackknife()
    np.testing.assert_allclose(left.replicates, BOOT["jackknife"], rtol=1e-8)
    np.testing.assert_allclose(left.cov_params(), BOOT["jackknife_cov"], rtol=1e-8)
    np.testing.assert_allclose(LOGIT.vcov("jackknife"), BOOT["jackknife_cov"], rtol=1e-8)
    np.testing.assert_allclose(
        left.bias, 59 * (np.mean(BOOT["jackknife"], axis=0) - LOGIT.params), rtol=1e-6
    )


@pytest.mark.parametrize("method", ["normal", "basic", "percentile", "bca"])
@pytest.mark.parametrize(("alpha", "line"), [(0.1, 0), (0.05, 1)])
def test_intervals_agree_with_r(method, alpha, line):
    theta = np.array(BOOT["replicates"])
    boot = Bootstrap(LOGIT, Replicates(theta, np.zeros(len(theta), dtype=np.int8)))
    expected = [coefficient[method][line] for coefficient in BOOT["intervals"]]
    np.testing.assert_allclose(boot.conf_int(alpha, method), expected, rtol=1e-7)


def test_extreme_quantiles_are_told():
    boot = LOGIT.bootstrap(19, seed=1)
    with pytest.warns(DataWarning, match="19 samples are too few"):
        ends = boot.conf_int(0.01)
    np.testing.assert_array_equal(ends["lower"], boot.replicates.min())


def test_quantiles_know_infinity():
    values = np.array([1.0, 2.0, 3.0, np.inf, np.inf, -np.inf, np.nan])
    found = quantiles(values, np.array([1 / 7, 2 / 7, 0.5, 6 / 7]))
    assert list(found) == [-np.inf, 1.0, 2.5, np.inf]


# --- batches are fits one by one ----------------------------------------------------------

FAMILIES = {
    "gaussian": ("real ~ x + z", gf.families.Gaussian(), {"var_weights": "weight"}),
    "gaussian log": ("size ~ x + z", gf.families.Gaussian("log"), {}),
    "logit": ("binary ~ x + z", gf.families.Binomial(), {"offset": "z"}),
    "probit": ("binary ~ x", gf.families.Binomial("probit"), {"freq_weights": "k"}),
    "cloglog": ("binary ~ x", gf.families.Binomial("cloglog"), {}),
    "trials": ("share ~ x + z", gf.families.Binomial(), {"trials": "trials"}),
    "poisson": ("count ~ x + z", gf.families.Poisson(), {"exposure": "weight"}),
    "poisson identity": ("count ~ z", gf.families.Poisson("identity"), {}),
    "poisson root": ("count ~ z", gf.families.Poisson("sqrt"), {}),
    "gamma": ("size ~ x + z", gf.families.Gamma(), {}),
    "gamma log": ("size ~ x + z", gf.families.Gamma("log"), {"freq_weights": "k"}),
    "inverse": ("size ~ x", gf.families.InverseGaussian("log"), {}),
    "negative binomial": ("count ~ x", gf.families.NegativeBinomial(alpha=0.5), {}),
    "tweedie": ("count ~ x", gf.families.Tweedie(var_power=1.5), {}),
    "quasi": ("count ~ x", gf.families.QuasiPoisson(), {}),
}
ROWS = D.assign(
    k=(np.arange(len(D)) * 5) % 3, trials=4 + np.arange(len(D)) % 3, share=lambda d: 0.0
)
ROWS["share"] = (np.arange(len(D)) * 3 % 5).clip(0, 4) / ROWS["trials"]


@pytest.mark.parametrize("name", FAMILIES)
def test_batches_agree_with_fits_one_by_one(name):
    formula, family, more = FAMILIES[name]
    result = gf.glm(formula, ROWS, family, **more).fit()
    model, record = result.model, result.record
    present = model.fitted_rows(record)
    freq = model.unit_frequencies(record)
    freq = np.ones(present.sum()) if freq is None else freq
    rng = np.random.default_rng(8)
    (sample,) = pairs_samples(freq, None, 40, 40, rng)
    found = model.replicates(record, [sample])
    for r in range(40):
        theta, ended = model.refitted(record, sample.counts[r], None)
        assert STATUS[found.status[r]] == ended
        if ended == "converged":
            np.testing.assert_allclose(found.theta[r], theta, rtol=1e-8, atol=1e-9)
    assert (found.status == 0).sum() > 35


@pytest.mark.parametrize("name", ["logit", "gamma log", "poisson", "gaussian"])
def test_samples_are_the_rows_written_out(name):
    formula, family, more = FAMILIES[name]
    result = gf.glm(formula, ROWS, family, **more).fit()
    boot = result.bootstrap(20, seed=4)
    freq = result.model.unit_frequencies(result.record)
    if freq is None:
        freq = np.ones(len(ROWS))
    total = int(freq.sum())
    counts = np.random.default_rng(4).multinomial(total, freq / total, size=20)
    used = ROWS[result.model.fitted_rows(result.record)]
    plain = {key: value for key, value in more.items() if key != "freq_weights"}
    for r in range(20):
        written = used.loc[used.index.repeat(counts[r])].reset_index(drop=True)
        again = gf.glm(formula, written, family, **plain).fit()
        np.testing.assert_allclose(boot.replicates.iloc[r], again.params, rtol=1e-8)


def test_challenger_replicates_are_fits_to_eight_digits():
    """The benchmark's claim on a few hundred samples, each fitted by itself."""
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", CHALLENGER).fit()
    boot = result.bootstrap(300, seed=7)
    counts = np.random.default_rng(7).multinomial(23, np.full(23, 1 / 23), size=300)
    for r in range(300):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gf.errors.GlmfitWarning)
            theta, ended = result.model.refitted(result.record, counts[r].astype(float), None)
        assert boot.status[r] == ended or theta.size == 0  # one response only: no fit at all
        if ended == "converged":
            np.testing.assert_allclose(boot.replicates.iloc[r], theta, rtol=1e-8)
    assert 5 <= boot.n_separated <= 30
    infinite = boot.replicates[boot.status == "separated"]
    assert np.isinf(infinite.to_numpy()).all()
    assert (infinite["TEMPERATURE"] < 0).mean() > 0.8


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_and_batches_do_not_matter(threads, monkeypatch):
    run = LOGIT.model.fitted_pass(LOGIT.record)
    counts = np.random.default_rng(1).multinomial(60, np.full(60, 1 / 60), size=50).astype(float)
    start = LOGIT.params.to_numpy()

    def fitted(parts, control):
        draws = [Draws(part, run.rows.y[None]) for part in parts]
        found = fit_batches(run.rows, run.likelihood, draws, start, control)
        return np.vstack([solution.theta for _, solution in found])

    whole = fitted([counts], Control())
    monkeypatch.setattr("glmfit.engine.batched.PRODUCTS", 1)  # 64 rows at a time at most
    parts = fitted(np.array_split(counts, 7), Control(threads=threads, chunk_rows=64))
    np.testing.assert_allclose(parts, whole, rtol=1e-10)


def test_many_rows_in_chunks():
    rng = np.random.default_rng(2)
    x = rng.normal(size=9000)
    y = rng.poisson(np.exp(0.3 + 0.2 * x))
    result = gf.poisson("y ~ x", {"y": y, "x": x}).fit()
    boot = result.bootstrap(5, seed=3)
    counts = np.random.default_rng(3).multinomial(9000, np.full(9000, 1 / 9000), size=5)
    for r in range(5):
        again = gf.poisson("y ~ x", {"y": y, "x": x}, freq_weights=counts[r]).fit()
        np.testing.assert_allclose(boot.replicates.iloc[r], again.params, rtol=1e-9)


# --- other ways of drawing ----------------------------------------------------------------


def test_parametric_samples_follow_the_fit():
    result = gf.ols("real ~ x + z", D).fit()
    boot = result.bootstrap(4000, "parametric", seed=2)
    np.testing.assert_allclose(boot.cov_params(), result.cov_params(), rtol=0.12, atol=5e-4)
    np.testing.assert_allclose(boot.bias, 0.0, atol=4 * result.bse.max() / np.sqrt(4000))
    assert "parametric" in str(boot)


def test_residual_samples_follow_the_fit():
    result = gf.ols("real ~ x + z", ROWS, var_weights="weight").fit()
    boot = result.bootstrap(4000, "residual", seed=2)
    np.testing.assert_allclose(boot.se, result.bse, rtol=0.08)
    rows = result.model.fitted_pass(result.record).rows
    error = rows.y - result.fittedvalues.to_numpy()
    made = error * np.sqrt(rows.weight) / np.sqrt(1 - result.get_hat_matrix_diag().to_numpy())
    chosen = np.random.default_rng(2).integers(0, 60, size=(4000, 60))
    response = result.fittedvalues.to_numpy() + (made - made.mean())[chosen] / np.sqrt(rows.weight)
    again = gf.ols("y ~ x + z", ROWS.assign(y=response[3]), var_weights="weight").fit()
    np.testing.assert_allclose(boot.replicates.iloc[3], again.params, rtol=1e-9)


def test_parametric_classes():
    result = gf.mnlogit("level ~ x", D).fit()
    boot = result.bootstrap(300, "parametric", seed=5)
    np.testing.assert_allclose(boot.se, result.bse, rtol=0.25)
    assert boot.se.shape == result.params.shape


def test_clusters_are_drawn_whole():
    boot = LOGIT.bootstrap(30, seed=6, groups="firm")
    counts = np.random.default_rng(6).multinomial(12, np.full(12, 1 / 12), size=30)
    for r in (0, 17):
        parts = [D[D["firm"] == f + 1] for f in range(12) for _ in range(counts[r, f])]
        again = gf.logit("binary ~ x + z", pd.concat(parts, ignore_index=True)).fit()
        np.testing.assert_allclose(boot.replicates.iloc[r], again.params, rtol=1e-8)
    assert "12" in str(boot) and "Clusters" in str(boot)


def test_clusters_are_left_out_whole():
    left = LOGIT.jackknife(groups="firm")
    for f in (0, 8):
        again = gf.logit("binary ~ x + z", D[D["firm"] != f + 1]).fit()
        np.testing.assert_allclose(left.replicates.iloc[f], again.params, rtol=1e-8)
    assert len(left.replicates) == 12


OTHERS = {
    "mnlogit": lambda d: gf.mnlogit("level ~ x", d),
    "ordered": lambda d: gf.ordered("level ~ x", d, levels=["a", "b", "c"]),
    "ratio": lambda d: gf.continuation_ratio("level ~ x", d, levels=["a", "b", "c"]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_classes_are_fitted_one_by_one(name):
    result = OTHERS[name](D).fit()
    boot = result.bootstrap(8, seed=3)
    counts = np.random.default_rng(3).multinomial(60, np.full(60, 1 / 60), size=8)
    for r in range(8):
        written = D.loc[D.index.repeat(counts[r])].reset_index(drop=True)
        again = np.ravel(OTHERS[name](written).fit().params, order="F")
        np.testing.assert_allclose(boot.replicates.iloc[r], again, rtol=1e-7)
    robust = result.with_cov("bootstrap", n=8, seed=3)
    np.testing.assert_allclose(robust.cov_params(), np.cov(boot.replicates, rowvar=False))
    assert "8 pairs bootstrap samples (seed 3)" in robust.cov_kwds["description"]


def test_strata_are_drawn_whole():
    infert = gf.datasets.load("infert")
    result = gf.conditional_logit("case ~ spontaneous + induced", infert, groups="stratum").fit()
    boot = result.bootstrap(6, seed=3)
    counts = np.random.default_rng(3).multinomial(83, np.full(83, 1 / 83), size=6)
    strata = [part for _, part in infert.groupby("stratum", sort=False)]
    for r in range(6):
        chosen = np.repeat(np.arange(83), counts[r])
        written = pd.concat([strata[s].assign(stratum=i) for i, s in enumerate(chosen)])
        again = gf.conditional_logit(
            "case ~ spontaneous + induced", written.reset_index(drop=True), groups="stratum"
        ).fit()
        np.testing.assert_allclose(boot.replicates.iloc[r], again.params, rtol=1e-8)
    assert "Strata:" in str(boot) and "83" in str(boot)
    left = result.jackknife()
    assert left.replicates.shape == (83, 2)
    again = gf.conditional_logit(
        "case ~ spontaneous + induced", infert[infert["stratum"] != 1], groups="stratum"
    ).fit()
    np.testing.assert_allclose(left.replicates.iloc[0], again.params, rtol=1e-8)
    with pytest.raises(NotAvailableError, match="no parametric bootstrap for ConditionalLogit"):
        result.bootstrap(5, "parametric")


def test_bias_reduced_fits_stay_bias_reduced():
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", CHALLENGER).fit(method="firth")
    boot = result.bootstrap(20, seed=7)
    counts = np.random.default_rng(7).multinomial(23, np.full(23, 1 / 23), size=20)
    assert np.isfinite(boot.replicates.to_numpy()).all()
    again = gf.logit("O_RING_FAILURE ~ TEMPERATURE", CHALLENGER, freq_weights=counts[4])
    np.testing.assert_allclose(boot.replicates.iloc[4], again.fit(method="firth").params, rtol=1e-6)


# --- samples that have no finite estimates --------------------------------------------------


def test_samples_without_a_level():
    data = D.assign(rare=np.where(np.arange(60) < 2, "few", "many"))
    result = gf.poisson("count ~ rare + x", data).fit()
    boot = result.bootstrap(200, seed=1)
    lacking = boot.status == "not estimable"
    assert 10 < lacking.sum() < 60
    values = boot.replicates[lacking]
    assert values.isna().any(axis=1).all() and values["x"].notna().all()
    assert f"{lacking.sum()} of 200 samples lack the rows" in str(boot)
    assert boot.se.notna().all()


def test_separated_samples_of_other_models():
    data = D.assign(tilt=np.where(D["level"] == "c", 1.2, -1.2) * (1 + np.arange(60) % 3 * 0.2))
    data.loc[::9, "tilt"] *= -1
    few = data.iloc[:28]
    result = gf.mnlogit("level ~ tilt", few).fit()
    boot = result.bootstrap(60, seed=2)
    assert boot.n_separated > 0
    rows = boot.replicates[boot.status == "separated"]
    assert np.isinf(rows.to_numpy()).any(axis=1).all()
    assert f"{boot.n_separated} of 60 samples have separated data" in str(boot)


def test_a_jackknife_that_separates_has_no_variance():
    data = pd.DataFrame({"x": [0.0, 1, 2, 3, 4, 5], "y": [0, 0, 1, 0, 1, 1]})
    left = gf.logit("y ~ x", data).fit().jackknife()
    assert left.n_separated == 2
    assert left.se.isna().all()
    assert "2 of 6 samples have separated data" in str(left)
    boot_needs = left.result.bootstrap(50, seed=1)
    assert np.isnan(boot_needs.conf_int(method="bca").to_numpy()).all()


def test_fits_without_estimates_are_refused():
    data = pd.DataFrame({"x": [0.0, 1, 2, 3, 4, 5], "y": [0, 0, 0, 1, 1, 1]})
    with pytest.warns(gf.errors.SeparationWarning):
        result = gf.logit("y ~ x", data).fit()
    with pytest.raises(NotAvailableError, match=r"separated.*firth"):
        result.bootstrap(10)
    with pytest.raises(NotAvailableError, match="has not converged"):
        result.jackknife()


def test_aliased_columns_stay_out():
    with pytest.warns(gf.errors.CollinearityWarning):
        result = gf.logit("binary ~ x + twice", D.assign(twice=2 * D["x"])).fit()
    boot = result.bootstrap(50, seed=1)
    assert boot.replicates["twice"].isna().all() and (boot.status == "converged").all()
    assert np.isfinite(boot.se[["Intercept", "x"]]).all() and np.isnan(boot.se["twice"])
    assert np.isnan(boot.conf_int().loc["twice"]).all()
    assert "twice" in str(boot)


# --- seeds, forms and words -----------------------------------------------------------------


def test_seeds():
    first = LOGIT.bootstrap(20, seed=11).replicates
    assert first.equals(LOGIT.bootstrap(20, seed=11).replicates)
    assert first.equals(LOGIT.bootstrap(20, seed=np.random.default_rng(11)).replicates)
    fresh = LOGIT.bootstrap(20)
    assert fresh.replicates.equals(LOGIT.bootstrap(20, seed=fresh.seed).replicates)
    assert not fresh.replicates.equals(LOGIT.bootstrap(20).replicates)


def test_what_is_shown():
    boot = LOGIT.bootstrap(199, seed=1)
    frame = boot.summary_frame(method="basic")
    assert list(frame.columns) == ["coef", "bias", "std_err", "ci_lower", "ci_upper"]
    np.testing.assert_allclose(frame["std_err"], boot.se)
    np.testing.assert_allclose(frame["bias"], boot.replicates.mean() - LOGIT.params)
    assert "basic" in str(boot.summary(method="basic"))
    assert "<table" in boot._repr_html_()
    arrays = gf.Logit(D["binary"].to_numpy(), gf.add_constant(D[["x", "z"]].to_numpy())).fit()
    plain = arrays.bootstrap(19, seed=1)
    assert isinstance(plain.replicates, np.ndarray) and plain.cov_params().shape == (3, 3)
    assert plain.conf_int(0.2).shape == (3, 2)


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match="percentile"):
        LOGIT.bootstrap(9, seed=1).conf_int(method="percentil")
    with pytest.raises(ArgumentError, match="goes with 'pairs'"):
        LOGIT.bootstrap(9, "parametric", groups="firm")
    with pytest.raises(ArgumentError, match="one grouping"):
        LOGIT.bootstrap(9, groups=["firm", "year"])
    with pytest.raises(NotAvailableError, match="is no distribution"):
        gf.glm("count ~ x", D, gf.families.QuasiPoisson()).fit().bootstrap(9, "parametric")
    with pytest.warns(DataWarning, match="whole"):
        broken = gf.poisson("count ~ x", D, freq_weights="weight").fit()
    with pytest.raises(NotAvailableError, match="not whole numbers"):
        broken.bootstrap(9)
    repeated = gf.ols("real ~ x", ROWS, freq_weights="k").fit()
    with pytest.raises(NotAvailableError, match="share a residual"):
        repeated.bootstrap(9, "residual")
    weighted = gf.logit("binary ~ x", D, var_weights="weight").fit()
    with pytest.raises(NotAvailableError, match="whole numbers of trials"):
        weighted.bootstrap(9, "parametric")
