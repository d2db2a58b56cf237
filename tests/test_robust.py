"""Robust covariances against R's sandwich and clubSandwich, for every model class.

The values and the script that made them stand in tests/reference/robust.*.
"""

import json
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import ArgumentError, ArgumentTypeError, DataError, NotAvailableError
from glmfit.inference.clusters import _root_rule, _root_times

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "robust.json").read_text(encoding="utf8")
)
D = pd.DataFrame(REFERENCE["data"])

MODELS = {
    "ols": lambda: gf.ols("real ~ x + z", D),
    "weighted": lambda: gf.ols("real ~ x + z", D, var_weights="weight"),
    "logit": lambda: gf.logit("binary ~ x + z", D),
    "probit": lambda: gf.glm("binary ~ x + z", D, gf.families.Binomial("probit")),
    "poisson": lambda: gf.poisson("count ~ x + z", D),
    "gamma": lambda: gf.glm("size ~ x + z", D, gf.families.Gamma("log")),
}
FITS = {name: model().fit() for name, model in MODELS.items()}
NONE = {"use_correction": False}

KINDS = {
    **{f"HC{i}": (f"HC{i}", {}) for i in range(4)},
    "cluster": ("cluster", {"groups": "firm"}),
    "two_way": ("cluster", {"groups": ["firm", "year"]}),
    **{f"CR{i}": (f"CR{i}", {"groups": "firm"}) for i in (0, 1, "1S", 2, 3)},
    "newey_west": ("HAC", {"maxlags": 3}),
    "newey_west_adjusted": ("HAC", {"maxlags": 3, "use_correction": True}),
    "parzen": ("HAC", {"maxlags": 3, "kernel": "parzen"}),
    "quadratic": ("HAC", {"bandwidth": 2.5, "kernel": "quadratic spectral"}),
    "driscoll": ("hac-groupsum", {"maxlags": 2, "time": "year", **NONE}),
    "panel": ("hac-panel", {"maxlags": 2, "groups": "firm", "time": "year", **NONE}),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("what", KINDS)
def test_agrees_with_r(name, what):
    kind, options = KINDS[what]
    found = FITS[name].vcov(kind, **options)
    expected = np.array(REFERENCE["fits"][name][what])
    np.testing.assert_allclose(found, expected, rtol=2e-7, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["logit", "probit", "poisson"])
def test_outer_products_agree_with_r(name):
    expected = REFERENCE["fits"][name]["opg"]
    np.testing.assert_allclose(FITS[name].vcov("opg"), expected, rtol=1e-6)


def test_negative_eigenvalues_are_set_to_zero_and_told():
    case = REFERENCE["indefinite"]
    result = gf.ols("y ~ a", pd.DataFrame(case["data"])).fit()
    ways = {"groups": ["g", "h"], "use_correction": False}
    raw = result.with_cov("cluster", fix=False, **ways)
    fixed = result.with_cov("cluster", **ways)
    np.testing.assert_allclose(raw.cov_params(), case["raw"], rtol=1e-10)
    np.testing.assert_allclose(fixed.cov_params(), case["fixed"], rtol=1e-9, atol=1e-13)
    assert np.linalg.eigvalsh(case["raw"]).min() < 0.0
    assert "negative eigenvalues" in str(fixed.summary()).replace("\n  ", " ")
    assert "negative eigenvalues" not in str(raw.summary())


def test_clusters_with_a_column_of_their_own():
    result = gf.ols("real ~ x + z + C(firm)", D).fit().with_cov("CR2", groups="firm")
    found = result.cov_params().loc[["Intercept", "x", "z"], ["Intercept", "x", "z"]]
    np.testing.assert_allclose(
        found.iloc[1:, 1:], np.array(REFERENCE["inside"]["CR2"])[1:, 1:], rtol=1e-7
    )
    assert "generalised inverse" in result.cov_kwds["description"]


def test_ordinal_logit_agrees_with_r():
    case = REFERENCE["ordinal"]
    result = gf.ordered("level ~ x + z", D, levels=["a", "b", "c"], distr="logit").fit()
    np.testing.assert_allclose(result.params, case["params"], rtol=1e-5)
    np.testing.assert_allclose(result.vcov("HC0"), case["HC0"], rtol=1e-4)
    found = result.vcov("CR1", groups="firm")
    np.testing.assert_allclose(found, case["cluster"], rtol=1e-4)


def test_matched_sets_agree_with_r():
    case = REFERENCE["conditional"]
    infert = gf.datasets.load("infert")
    model = gf.conditional_logit("case ~ spontaneous + induced", infert, groups="stratum")
    result = model.fit(cov_type="HC0")
    np.testing.assert_allclose(result.params, case["params"], rtol=1e-8)
    np.testing.assert_allclose(result.cov_params(), case["HC0"], rtol=1e-8)
    strata = model.fit().vcov("CR0", groups="stratum")
    np.testing.assert_allclose(strata, case["HC0"], rtol=1e-8)
    larger = result.with_cov("HC1").cov_params() / result.cov_params()
    np.testing.assert_allclose(larger, 83 / 81)  # strata are the observations


def test_strata_in_several_clusters_are_refused():
    infert = gf.datasets.load("infert")
    model = gf.conditional_logit("case ~ spontaneous", infert, groups="stratum")
    with pytest.raises(DataError, match=r"stratum are in several clusters of induced"):
        model.fit(cov_type="cluster", cov_kwds={"groups": "induced"})


# --- the definitions, written out ---------------------------------------------------------

CLASSES = {
    "mnlogit": lambda data, **more: gf.mnlogit("level ~ x + z", data, **more),
    "ordered": lambda data, **more: gf.ordered(
        "level ~ x + z", data, levels=["a", "b", "c"], distr="cloglog", **more
    ),
    "partial": lambda data, **more: gf.ordered(
        "level ~ x + z", data, levels=["a", "b", "c"], distr="logit", nonparallel="z", **more
    ),
    "adjacent": lambda data, **more: gf.adjacent_category(
        "level ~ x + z", data, levels=["a", "b", "c"], **more
    ),
    "ratio": lambda data, **more: gf.continuation_ratio(
        "level ~ x + z", data, levels=["a", "b", "c"], **more
    ),
    "logit": lambda data, **more: gf.logit("binary ~ x + z", data, **more),
    "gamma": lambda data, **more: gf.glm("size ~ x + z", data, gf.families.Gamma("log"), **more),
}


def _power(matrix, power):
    """Return a power of a matrix with real eigenvalues, symmetric or not."""
    values, vectors = np.linalg.eig(matrix)
    return (vectors @ np.diag(values**power) @ np.linalg.inv(vectors)).real


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(("kind", "power"), [("HC0", 0.0), ("HC2", -0.5), ("HC3", -1.0)])
def test_leverages_are_matrices(name, kind, power):
    result = CLASSES[name](D).fit()
    run = result.model.fitted_pass(result.record)
    theta = result.record.base
    leverage = np.linalg.inv(run(theta).information)
    count = run.predictor.count
    meat = 0.0
    for i in range(run.rows.n):
        row = run.rows.take(np.array([i]))
        stats = run.likelihood.evaluate(row.y, run.eta(theta)[[i]], row.weight)
        derivative = run.predictor.dense_rows(row.design)[0]
        weight = np.zeros((count, count))
        weight[np.triu_indices(count)] = np.ravel(stats.weight)
        weight = weight + np.triu(weight, 1).T
        left = np.eye(count) - weight @ derivative @ leverage @ derivative.T
        score = derivative.T @ _power(left, power) @ np.ravel(stats.score)
        meat = meat + np.outer(score, score)
    bread = result.record.unscaled
    np.testing.assert_allclose(result.vcov(kind), bread @ meat @ bread, rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3", "CR0", "CR1S", "CR3"])
def test_two_classes_are_a_logit(kind):
    options = {"groups": "firm"} if kind.startswith("CR") else {}
    two = gf.mnlogit("binary ~ x + z", D).fit().vcov(kind, **options)
    np.testing.assert_allclose(two, FITS["logit"].vcov(kind, **options), rtol=1e-8)


@pytest.mark.parametrize("groups", [None, "firm"])
def test_the_last_correction_is_the_jackknife_of_least_squares(groups):
    result = FITS["ols"]
    left = result.jackknife(groups=groups)
    moved = left.replicates.to_numpy() - result.params.to_numpy()
    kind, options = ("HC3", {}) if groups is None else ("CR3", {"groups": groups})
    np.testing.assert_allclose(result.vcov(kind, **options), moved.T @ moved, rtol=1e-9)


WAYS = {
    **{f"HC{i}": {} for i in range(4)},
    **{kind: {"groups": "firm"} for kind in ("CR0", "CR1", "CR1S", "CR2", "CR3")},
    "cluster": {"groups": ["firm", "year"]},
    "opg": {},
    "jackknife": {},
}


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("kind", WAYS)
def test_frequencies_are_repeated_rows(name, kind):
    data = D.assign(k=(np.arange(len(D)) * 7) % 4)  # some rows have weight 0
    written = data.loc[data.index.repeat(data["k"])].reset_index(drop=True)
    weighted = CLASSES[name](data, freq_weights="k").fit()
    plain = CLASSES[name](written).fit()
    found = weighted.vcov(kind, **WAYS[kind])
    expected = plain.vcov(kind, **WAYS[kind]).to_numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["mnlogit", "partial", "logit"])
@pytest.mark.parametrize("kind", ["HC3", "CR1S", "CR2", "CR3", "HAC"])
def test_order_and_chunks_do_not_matter(name, kind, monkeypatch):
    options = {"HC3": {}, "HAC": {"time": "when"}}.get(kind, {"groups": "firm"})
    data = D.assign(when=np.arange(len(D)) * 3)
    expected = CLASSES[name](data).fit().vcov(kind, **options)
    monkeypatch.setattr("glmfit.engine.passes.HELD", 1)  # sixteen rows at a time
    monkeypatch.setattr("glmfit.inference.covariance.HELD", 1)
    shuffled = data.sample(frac=1.0, random_state=1)
    found = CLASSES[name](shuffled).fit().vcov(kind, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-12)


def test_many_rows_and_clusters():
    rng = np.random.default_rng(5)
    n = 30_000
    x, group = rng.normal(size=n), rng.integers(0, 700, n)
    y = rng.poisson(np.exp(0.2 + 0.3 * x + 0.2 * rng.normal(size=700)[group]))
    result = gf.poisson("y ~ x", {"y": y, "x": x}).fit()
    design = np.column_stack([np.ones(n), x])
    score = design * (y - result.fittedvalues.to_numpy())[:, None]
    bread = result.record.unscaled
    hc0 = bread @ (score.T @ score) @ bread
    np.testing.assert_allclose(result.vcov("HC0"), hc0, rtol=1e-10)
    sums = np.zeros((700, 2))
    np.add.at(sums, group, score)
    expected = bread @ (sums.T @ sums) @ bread
    np.testing.assert_allclose(result.vcov("CR0", groups=group), expected, rtol=1e-10)


def test_quadratic_spectral_weights_every_lag():
    result = FITS["ols"]
    design = np.column_stack([np.ones(len(D)), D["x"], D["z"]])
    score = design * result.resid.to_numpy()[:, None]
    lag = np.abs(np.subtract.outer(np.arange(len(D)), np.arange(len(D)))) / 7.0
    angle = 6 * np.pi * np.where(lag == 0, 1, lag) / 5
    weight = np.where(lag == 0, 1.0, 3 / angle**2 * (np.sin(angle) / angle - np.cos(angle)))
    bread = result.record.unscaled
    expected = bread @ (score.T @ weight @ score) @ bread
    found = result.vcov("HAC", maxlags=6, kernel="qs")
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_long_kernels_agree_with_short_ones():
    """Beyond some lags the sum is a Toeplitz product."""
    from glmfit.inference.hac import kernel_weights, lagged_meat

    score = np.random.default_rng(3).normal(size=(400, 3))
    weights = kernel_weights("bartlett", 101.0, 400)
    lag = np.abs(np.subtract.outer(np.arange(400), np.arange(400)))
    np.testing.assert_allclose(
        lagged_meat(score, weights), score.T @ weights[lag] @ score, rtol=1e-10, atol=1e-9
    )


def test_a_kernel_may_be_a_function():
    def bartlett(lags):
        return 1 - np.arange(lags + 1) / (lags + 1)

    expected = FITS["logit"].vcov("HAC", maxlags=3)
    found = FITS["logit"].with_cov("HAC", maxlags=3, weights_func=bartlett)
    np.testing.assert_allclose(found.cov_params(), expected, rtol=1e-12)
    assert "kernel bartlett, 3 lags" in found.cov_kwds["description"]
    usual = FITS["logit"].with_cov("HAC")  # floor(4 (60 / 100)^(2/9))
    assert "3 lags" in usual.cov_kwds["description"]


# --- the two informations -----------------------------------------------------------------


def test_expected_and_observed_information():
    model = MODELS["probit"]()
    result = model.fit()
    named = gf.probit("binary ~ x + z", D).fit()
    np.testing.assert_allclose(result.vcov("EIM"), result.cov_params(), rtol=1e-9)
    np.testing.assert_allclose(named.vcov("OIM"), named.cov_params(), rtol=1e-9)
    np.testing.assert_allclose(named.vcov("EIM"), result.cov_params(), rtol=1e-9)
    np.testing.assert_allclose(result.vcov("OIM"), named.cov_params(), rtol=1e-9)
    np.testing.assert_allclose(
        result.vcov("OIM"), np.linalg.inv(-model.hessian(result.params)), rtol=1e-9
    )
    gamma = FITS["gamma"]
    np.testing.assert_allclose(gamma.vcov("EIM"), gamma.cov_params(), rtol=1e-9)
    hessian = gamma.model.hessian(gamma.params, scale=gamma.scale)
    np.testing.assert_allclose(gamma.vcov("OIM"), np.linalg.inv(-hessian), rtol=1e-9)


def test_leverages_rest_on_the_expected_information():
    named = gf.probit("binary ~ x + z", D).fit()
    ratio = np.linalg.solve(named.record.unscaled, np.eye(3)) @ named.vcov("EIM").to_numpy()
    assert np.abs(ratio - np.eye(3)).max() > 1e-3  # the informations differ here
    meat_of = np.linalg.inv(named.record.unscaled)
    own = meat_of @ named.vcov("HC3").to_numpy() @ meat_of
    glm_bread = np.linalg.inv(FITS["probit"].record.unscaled)
    theirs = glm_bread @ np.array(REFERENCE["fits"]["probit"]["HC3"]) @ glm_bread
    np.testing.assert_allclose(own, theirs, rtol=1e-6)


@pytest.mark.parametrize("name", CLASSES)
def test_kinds_of_information_of_every_class(name):
    result = CLASSES[name](D).fit()
    observed = result.vcov("OIM").to_numpy()
    run = result.model.fitted_pass(result.record)
    expected = np.linalg.inv(run(result.record.base, observed=True).information) * getattr(
        result, "scale", 1.0
    )
    np.testing.assert_allclose(observed, expected, rtol=1e-9)
    assert result.vcov("nonrobust").equals(result.cov_params())


# --- what follows the covariance ----------------------------------------------------------


def test_fit_and_with_cov_are_one():
    late = FITS["logit"].with_cov("cluster", groups="firm")
    early = MODELS["logit"]().fit(cov_type="cluster", cov_kwds={"groups": "firm"})
    assert str(late.summary()) == str(early.summary())
    assert late.cov_params().equals(early.cov_params())
    assert late.cov_type == "cluster" and late.cov_kwds["n_groups"] == 12
    assert FITS["logit"].cov_type == "nonrobust"
    classes = CLASSES["mnlogit"](D)
    early = classes.fit(cov_type="HC3")
    assert early.cov_params().equals(classes.fit().vcov("hc3"))


def test_tests_intervals_and_predictions_follow():
    result = FITS["ols"].with_cov("HC3")
    error = np.sqrt(np.diag(REFERENCE["fits"]["ols"]["HC3"]))
    np.testing.assert_allclose(result.bse, error, rtol=1e-9)
    np.testing.assert_allclose(result.tvalues, result.params / error, rtol=1e-9)
    width = np.diff(result.conf_int().to_numpy(), axis=1)[:, 0] / 2
    ratio = width / error
    np.testing.assert_allclose(ratio, ratio[0])
    at = np.array([1.0, 0.5, -0.2])
    expected = np.sqrt(at @ np.array(REFERENCE["fits"]["ols"]["HC3"]) @ at)
    made = result.get_prediction({"x": [0.5], "z": [-0.2]})
    np.testing.assert_allclose(made.se_mean, [expected], rtol=1e-9)
    assert result.fvalue != FITS["ols"].fvalue
    t = result.with_cov("nonrobust")
    assert t.fvalue == FITS["ols"].fvalue
    robust = FITS["ols"].get_robustcov_results("HC3", use_t=False)
    assert not robust.use_t and FITS["ols"].use_t


def test_degrees_of_freedom_of_clusters():
    one = FITS["ols"].with_cov("cluster", groups="firm")
    assert one.df_resid_inference == 11
    two = FITS["ols"].with_cov("cluster", groups=["firm", "year"])
    assert two.df_resid_inference == 8 and two.cov_kwds["n_groups"] == (12, 9)
    not_corrected = FITS["ols"].with_cov("cluster", groups="firm", df_correction=False)
    assert not_corrected.df_resid_inference == FITS["ols"].df_resid == 57


def test_small_sample_factors_are_printed():
    def told(kind, **options):
        return FITS["logit"].with_cov(kind, **options).cov_kwds["description"]

    assert "n/(n-p) = 1.05263" in told("HC1")
    assert "G/(G-1) (n-1)/(n-p) = 1.12919" in told("cluster", groups="firm")
    assert "G/(G-1) = 1.09091" in told("CR1", groups="firm")
    assert "no small-sample factor" in told("CR0", groups="firm")
    assert "multiplied by 2" in told("HC0", scaling_factor=2.0)
    assert "12 clusters of firm and within 9 clusters of year" in told(
        "cluster", groups=["firm", "year"]
    )
    doubled = FITS["logit"].vcov("HC0", scaling_factor=2.0)
    np.testing.assert_allclose(doubled, 2 * FITS["logit"].vcov("HC0"))
    panel = {"maxlags": 2, "groups": "firm", "time": "year"}
    base = FITS["logit"].vcov("hac-panel", use_correction=False, **panel)
    np.testing.assert_allclose(FITS["logit"].vcov("nw-panel", **panel), base * 60 / 57)
    found = FITS["logit"].vcov("hac-panel", use_correction="cluster", **panel)
    np.testing.assert_allclose(found, base * (12 / 11) * (59 / 57))


def test_groups_in_every_form():
    expected = FITS["logit"].vcov("cluster", groups=["firm", "year"])
    frame = D[["firm", "year"]]
    for groups in (
        frame,
        frame.to_numpy(),
        [D["firm"], D["year"]],
        [D["firm"].to_numpy(), D["year"].to_numpy()],
        ("firm", "year"),
    ):
        assert FITS["logit"].vcov("cluster", groups=groups).equals(expected)
    one = FITS["logit"].vcov("cluster", groups="firm")
    assert FITS["logit"].vcov("cluster", groups=["firm"]).equals(one)
    assert FITS["logit"].vcov("cluster", groups=[str(f) for f in D["firm"]]).equals(one)
    assert FITS["logit"].vcov("cluster", groups=D[["firm"]].to_numpy()).equals(one)


def test_groups_obey_the_row_mask():
    data = D.astype({"firm": float, "year": float})
    data.loc[3, "x"] = np.nan
    data.loc[3, "firm"] = np.nan  # in a row that is dropped: of no matter
    clean = data.dropna()
    for name in CLASSES:
        result = CLASSES[name](data).fit()
        found = result.vcov("cluster", groups="firm")
        expected = CLASSES[name](clean).fit().vcov("cluster", groups="firm")
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-12)
        lags = result.vcov("HAC", time=data["year"] * 100 + np.arange(len(data)))
        assert np.isfinite(lags.to_numpy()).all()
    data.loc[5, "year"] = np.nan
    result = gf.logit("binary ~ x + z", data).fit()
    with pytest.raises(DataError, match=r"groups has 1 missing value \(first in row 5\)"):
        result.vcov("cluster", groups=["firm", "year"])
    with pytest.raises(DataError, match="time has 1 missing"):
        result.vcov("HAC", time="year")


def test_arrays_without_labels():
    model = gf.Logit(D["binary"].to_numpy(), gf.add_constant(D[["x", "z"]].to_numpy()))
    found = model.fit().vcov("CR2", groups=D["firm"].to_numpy())
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, REFERENCE["fits"]["logit"]["CR2"], rtol=1e-7)


def test_aliased_and_separated_coefficients():
    data = D.assign(twice=2 * D["x"])
    with pytest.warns(gf.errors.CollinearityWarning):
        result = gf.mnlogit("level ~ x + twice + z", data).fit()
    plain = CLASSES["mnlogit"](D).fit().vcov("HC3")
    found = result.vcov("HC3")
    assert found.isna().to_numpy().sum() == 64 - 36
    np.testing.assert_allclose(found.dropna(how="all").dropna(axis=1, how="all"), plain, rtol=1e-8)
    rare = D.assign(only=((D["binary"] == 1) & (D["x"] > 1.0)).astype(float))
    with pytest.warns(gf.errors.SeparationWarning):
        separated = gf.logit("binary ~ z + only", rare).fit()
    rest = gf.logit("binary ~ z", rare[rare["only"] == 0.0]).fit()
    columns = ["Intercept", "z"]
    found = separated.vcov("HC0").loc[columns, columns]
    np.testing.assert_allclose(found, rest.vcov("HC0"), rtol=1e-8)


def test_another_reference_keeps_the_robust_covariance():
    result = CLASSES["mnlogit"](D).fit(cov_type="HC3")
    moved = result.rebase("b")
    other = gf.mnlogit("level ~ x + z", D, reference="b").fit()
    np.testing.assert_allclose(moved.cov_params(), other.vcov("HC3"), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(moved.vcov("nonrobust"), other.cov_params(), rtol=1e-7, atol=1e-12)


def test_leverages_of_one_are_told():
    data = D.assign(one=np.r_[1.0, np.zeros(len(D) - 1)])
    result = gf.ols("real ~ x + one", data).fit()
    with pytest.warns(gf.errors.DataWarning, match="leverage 1.*HC3"):
        assert np.isnan(result.vcov("HC3").to_numpy()).all()


def test_removed_data_are_missed():
    light = FITS["logit"].remove_data()
    with pytest.raises(NotAvailableError, match="data were removed"):
        light.vcov("HC3")
    kept = FITS["logit"].with_cov("HC3").remove_data()
    assert kept.cov_params().equals(FITS["logit"].vcov("HC3"))


@pytest.mark.parametrize(
    ("kind", "options", "error", "said"),
    [
        ("HC4", {}, ArgumentError, "There is no cov_type 'HC4'.*HC3"),
        (3, {}, ArgumentError, "There is no cov_type 3"),
        ("cluster", {}, ArgumentError, "needs the groups"),
        ("CR2", {"groups": np.zeros(60)}, DataError, "one cluster"),
        ("cluster", {"group": "firm"}, ArgumentTypeError, "did you mean 'groups'|Did you mean"),
        ("cluster", {"groups": "firm", "use_correction": "hac"}, ArgumentError, "True, False"),
        ("hac-panel", {"groups": "firm", "use_correction": True}, ArgumentError, "'hac'"),
        ("HAC", {"maxlags": -1}, ArgumentError, "0 or more"),
        ("HAC", {"maxlags": 1.5}, ArgumentError, "whole number"),
        ("HAC", {"maxlags": 2, "bandwidth": 3.0}, ArgumentError, "not both"),
        ("HAC", {"kernel": "bartlet"}, ArgumentError, "bartlett"),
        ("HAC", {"time": "year"}, DataError, "same time.*hac-panel"),
        ("HAC", {"scaling_factor": 0.0}, ArgumentError, "greater than 0"),
        ("hac-groupsum", {}, ArgumentError, "needs time="),
        ("hac-panel", {"groups": ["firm", "year"]}, ArgumentError, "one grouping"),
        ("hac-panel", {"groups": "year", "time": "year"}, DataError, "several rows of the same"),
        ("EIM", {"scaling_factor": 1.0}, ArgumentTypeError, "It takes none"),
        ("bootstrap", {"n": 1}, ArgumentError, "from 2 on"),
        ("bootstrap", {"kind": "pears"}, ArgumentError, "pairs"),
        ("bootstrap", {"seed": -1}, ArgumentTypeError, "seed"),
        ("bootstrap", {"n": 9, "kind": "residual"}, NotAvailableError, "exchangeable"),
    ],
)
def test_wrong_arguments(kind, options, error, said):
    with pytest.raises(error, match=said):
        FITS["logit"].vcov(kind, **options)


def test_time_needs_single_rows():
    data = D.assign(k=2)
    result = gf.logit("binary ~ x", data, freq_weights="k").fit()
    with pytest.raises(ArgumentError, match="needs a row for each"):
        result.vcov("HAC")
    infert = gf.datasets.load("infert")
    strata = gf.conditional_logit("case ~ spontaneous", infert, groups="stratum").fit()
    with pytest.raises(ArgumentError, match="no place in time"):
        strata.vcov("HAC")


def test_roots_of_badly_scaled_clusters():
    """Working variances from 1e-4 to 1e4, against 40 digits."""
    rng = np.random.default_rng(4)
    x = np.sort(rng.normal(size=12)) * 4.0
    variance, columns = np.exp(x), np.column_stack([np.ones(12), x]) * np.exp(x)[:, None]
    more = columns.T @ (columns / variance[:, None]) * 1.01
    spread = columns * np.sqrt(variance)[:, None] @ np.linalg.cholesky(np.linalg.inv(more))
    vector = rng.normal(size=12) * variance
    with mpmath.workdps(40):
        exact = mpmath.diag([mpmath.mpf(v) for v in variance**2])
        wide = mpmath.matrix(spread.tolist())
        values, vectors = mpmath.eigsy(exact - wide * wide.T)
        inner = vectors.T * mpmath.matrix(vector.tolist())
        root = vectors * mpmath.matrix(
            [z / mpmath.sqrt(w) for z, w in zip(inner, values, strict=True)]
        )
        expected = np.array([float(z) for z in root])
    found, singular = _root_times(variance**2, spread, vector)
    assert not singular
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("high", "digits"),
    # past 1e10 SciPy's elliptic functions have an expansion of first order
    [(1.0, 13), (1.001, 13), (50.0, 13), (1e6, 13), (1e10, 12), (1e14, 10)],
)
def test_the_rule_for_roots(high, digits):
    places, weights = _root_rule(1.0, high)
    x = np.geomspace(1.0, high, 40)
    found = (weights / (places + x[:, None])).sum(axis=1)
    np.testing.assert_allclose(found, x**-0.5, rtol=10.0**-digits)


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind, options in KINDS.values():
            FITS["gamma"].with_cov(kind, **options).summary()


def test_frequencies_of_strata_are_repeated_strata():
    infert = gf.datasets.load("infert")
    infert["k"] = infert["stratum"] % 3
    written = [
        part.assign(stratum=f"{name}/{i}")
        for name, part in infert.groupby("stratum", sort=False)
        for i in range(int(part["k"].iloc[0]))
    ]
    formula = "case ~ spontaneous + induced"
    weighted = gf.conditional_logit(formula, infert, groups="stratum", freq_weights="k").fit()
    plain = gf.conditional_logit(
        formula, pd.concat(written, ignore_index=True), groups="stratum"
    ).fit()
    for kind, options in (("HC0", {}), ("HC1", {}), ("HC2", {}), ("HC3", {}), ("opg", {}),
                          ("CR2", {"groups": "age"}), ("jackknife", {})):  # fmt: skip
        found = weighted.vcov(kind, **options)
        np.testing.assert_allclose(found, plain.vcov(kind, **options), rtol=1e-6)
