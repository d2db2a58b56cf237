"""Fits at the edges: far starts, tails, boundaries, full leverage. Each was once wrong."""

import mpmath
import numpy as np
import pandas as pd
import pytest
from scipy import special

import glmfit as gf
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    CollinearityWarning,
    ConvergenceWarning,
    DataError,
    DataWarning,
)


@pytest.fixture
def rng():
    return np.random.default_rng(20261121)


def test_observed_errors_do_not_depend_on_where_a_column_is_centred(rng):
    n = 200
    data = pd.DataFrame({"x": rng.normal(size=n), "year": rng.integers(2015, 2020, n)})
    data["y"] = (rng.random(n) < special.ndtr(data.x)).astype(int)
    far = gf.probit("y ~ x + year", data).fit()
    near = gf.probit("y ~ x + year", data.assign(year=data.year - 2017)).fit()
    assert far.bse["x"] == pytest.approx(near.bse["x"], rel=1e-10)
    assert far.bse["year"] == pytest.approx(near.bse["year"], rel=1e-10)


def test_a_rare_separated_column_in_many_rows_is_found(rng):
    n = 60_000
    rare = np.zeros(n)
    rare[1 + 97 * np.arange(60)] = 1.0
    y = (rng.random(n) < 0.3).astype(float)
    y[rare == 1.0] = 1.0
    data = pd.DataFrame({"x": rng.normal(size=n), "rare": rare, "y": y})
    with pytest.warns(gf.errors.SeparationWarning, match="rare"):
        result = gf.logit("y ~ x + rare", data).fit()
    assert result.params["rare"] == np.inf


def test_likelihood_and_residuals_keep_their_digits_in_the_tail(rng):
    offset = np.r_[40.0, np.zeros(49)]
    y = np.r_[0.0, rng.integers(0, 2, 49)]
    x = gf.add_constant(rng.normal(size=50))
    result = gf.Logit(y, x, offset=offset).fit()
    with mpmath.workdps(40):
        eta = [mpmath.mpf(float(e)) for e in result.predict(which="linear")]
        signed = [-e if t else e for e, t in zip(eta, y, strict=True)]
        exact = -mpmath.fsum(mpmath.log1p(mpmath.exp(e)) for e in signed)
        first = -mpmath.sqrt(2 * mpmath.log1p(mpmath.exp(eta[0])))
        pearson = -mpmath.exp(eta[0] / 2)
    assert result.llf == pytest.approx(float(exact), rel=1e-13)
    assert result.llf == pytest.approx(-result.deviance / 2, rel=1e-13)
    assert result.resid_deviance[0] == pytest.approx(float(first), rel=1e-12)
    assert result.resid_pearson[0] == pytest.approx(float(pearson), rel=1e-12)


@pytest.mark.parametrize("size", [5.0, 15.0, 40.0])
def test_far_offsets_do_not_lead_the_start_astray(rng, size):
    n = 300
    x = rng.normal(size=n)
    offset = size * np.where(np.arange(n) % 2, 1.0, -1.0)
    y = (rng.random(n) < 0.5).astype(float)
    design = gf.add_constant(x)
    result = gf.Logit(y, design, offset=offset).fit()
    assert result.converged
    score = design.T @ (y - special.expit(design @ result.params + offset))
    assert np.abs(score).max() < 1e-8


def test_one_row_with_a_huge_offset(rng):
    n = 200
    design = gf.add_constant(rng.normal(size=n))
    y = rng.poisson(1.5, n).astype(float)
    offset = np.r_[50.0, np.zeros(n - 1)]
    result = gf.Poisson(y, design, offset=offset).fit()
    assert result.converged
    mu = np.exp(design @ result.params + offset)
    score, information = design.T @ (y - mu), (design.T * mu) @ design
    assert score @ np.linalg.solve(information, score) < 1e-16 * result.deviance


def test_a_normal_inverse_link_never_ends_above_the_constant(rng):
    n = 80
    x = rng.uniform(1.0, 3.0, n)
    y = 1.0 / (0.3 + 0.2 * x) + 0.3 * rng.normal(size=n)
    result = gf.GLM(y, gf.add_constant(x), "gaussian", link="inverse").fit()
    assert result.deviance <= result.null_deviance


@pytest.mark.parametrize("link", ["identity", "sqrt"])
def test_a_maximum_on_the_boundary_is_said_to_be_there(rng, link):
    data = pd.DataFrame({"g": np.repeat(["a", "b", "c"], 20), "y": rng.poisson(3.0, 60) + 0.0})
    data.loc[data.g == "b", "y"] = 0.0
    with pytest.warns(ConvergenceWarning, match="boundary of the parameter space"):
        result = gf.glm("y ~ 0 + g", data, "poisson", link=link).fit()
    assert not result.converged
    assert "boundary" in result.summary().as_text()


def test_robust_f_does_not_depend_on_the_coding(rng):
    data = pd.DataFrame({"g": rng.normal(size=60), "f": np.repeat(list("abc"), 20)})
    cells = gf.ols("g ~ 0 + f", data).fit(cov_type="HC1")
    treatment = gf.ols("g ~ f", data).fit(cov_type="HC1")
    assert cells.fvalue == pytest.approx(treatment.fvalue, rel=1e-10)
    assert cells.f_pvalue == pytest.approx(treatment.f_pvalue, rel=1e-10)
    assert treatment.remove_data().summary().as_text() == treatment.summary().as_text()


def test_f_past_the_rank_of_a_clustered_covariance_is_missing(rng):
    data = pd.DataFrame(rng.normal(size=(60, 7)), columns=[*"abcdef", "y"])
    data["group"] = np.repeat([1, 2, 3], 20)
    model = gf.ols("y ~ a + b + c + d + e + f", data)
    assert np.isnan(model.fit(cov_type="cluster", cov_kwds={"groups": "group"}).fvalue)


def test_full_leverage_has_no_hc3(rng):
    data = pd.DataFrame({"x": rng.normal(size=30), "one": 0.0, "y": rng.normal(size=30)})
    data.loc[4, "one"] = 1.0
    with pytest.warns(DataWarning, match=r"leverage 1.*HC3"):
        result = gf.ols("y ~ x + one", data).fit(cov_type="HC3")
    assert result.bse.isna().all()
    assert gf.ols("y ~ x + one", data).fit(cov_type="HC1").bse.notna().all()


def test_rows_without_weight_make_no_cluster(rng):
    data = pd.DataFrame({"x": rng.normal(size=40), "y": rng.poisson(2.0, 40)})
    data["group"] = np.repeat(np.arange(10), 4)
    data["count"] = rng.integers(1, 4, 40)
    data.loc[data.group >= 7, "count"] = 0
    weighted = gf.poisson("y ~ x", data, freq_weights="count").fit(
        cov_type="cluster", cov_kwds={"groups": "group"}
    )
    repeated = data.loc[data.index.repeat(data["count"])]
    plain = gf.poisson("y ~ x", repeated).fit(cov_type="cluster", cov_kwds={"groups": "group"})
    np.testing.assert_allclose(weighted.bse, plain.bse, rtol=1e-10)
    assert weighted.cov_kwds["n_groups"] == 7


def test_gamma_likelihood_near_a_perfect_fit(rng):
    mu = np.exp(rng.normal(size=60))
    y = mu * (1.0 + 1e-6 * rng.normal(size=60))
    result = gf.GLM(y, np.log(mu), "gamma", link="log").fit()
    with mpmath.workdps(40):
        shape = 1 / mpmath.mpf(result.scale)
        slope = mpmath.mpf(float(result.params[0]))
        terms = []
        for value, base in zip(y, np.log(mu), strict=True):
            mean, value = mpmath.exp(slope * mpmath.mpf(float(base))), mpmath.mpf(float(value))
            ratio = shape * value / mean
            terms.append(
                shape * mpmath.log(ratio) - ratio - mpmath.log(value) - mpmath.loggamma(shape)
            )
        exact = float(mpmath.fsum(terms))
    assert result.llf == pytest.approx(exact, rel=1e-6)


def test_offsets_that_new_data_do_not_carry_are_asked_for(rng):
    data = pd.DataFrame({"x": rng.normal(size=50), "t": rng.uniform(1.0, 5.0, 50)})
    data["y"] = rng.poisson(data.t)
    inside = gf.poisson("y ~ x + offset(log(t))", data).fit()
    with pytest.raises(ArgumentError, match="offset"):
        inside.predict(inside.model.exog, transform=False)
    beside = gf.poisson("y ~ x", data, offset=np.zeros(50), exposure=data.t.to_numpy()).fit()
    with pytest.raises(ArgumentError, match=r"offset="):
        beside.predict(data, exposure=np.ones(50))
    with pytest.raises(ArgumentError, match=r"exposure="):
        beside.predict(data, offset=np.zeros(50))
    by_name = gf.poisson("y ~ x", data, exposure="t").fit()
    np.testing.assert_allclose(by_name.predict(data), by_name.mu)


def test_subsets_go_by_mask_or_label(rng):
    data = pd.DataFrame({"x": rng.normal(size=40), "y": rng.normal(size=40)})
    data = data.sample(frac=1.0, random_state=0)
    data.iloc[0, 0] = np.nan
    chosen = data.x > 0
    want = gf.ols("y ~ x", data[chosen]).fit().params
    for subset in (chosen, chosen.sample(frac=1.0, random_state=1), chosen.to_numpy()):
        result = gf.ols("y ~ x", data, subset=subset).fit()
        np.testing.assert_allclose(result.params, want)
    result = gf.ols("y ~ x", data, subset=data.index[chosen], missing="raise").fit()
    np.testing.assert_allclose(result.params, want)
    assert "dropped" not in result.summary().as_text()
    with pytest.raises(AlignmentError, match="999"):
        gf.ols("y ~ x", data, subset=[999])
    with pytest.raises(ArgumentTypeError, match="mask"):
        gf.ols("y ~ x", data, subset="x > 0")


def test_new_rows_that_break_an_alias_are_warned_of(rng):
    data = pd.DataFrame({"x": rng.normal(size=30), "y": rng.normal(size=30)})
    data["twice"] = 2.0 * data.x
    with pytest.warns(CollinearityWarning, match="twice = 2 x"):
        result = gf.ols("y ~ x + twice", data).fit()
    result.predict({"x": [1.0], "twice": [2.0]})
    with pytest.warns(CollinearityWarning, match="break"):
        result.predict({"x": [1.0], "twice": [50.0]})


def test_the_likelihood_ratio_needs_a_nested_constant(rng):
    data = pd.DataFrame({"x": rng.normal(size=30), "y": rng.integers(0, 2, 30)})
    assert np.isnan(gf.logit("y ~ 0 + x", data).fit().llr)
    assert gf.logit("y ~ x", data).fit().llr >= 0.0


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"control": {"maxiter": 5}}, ArgumentTypeError),
        ({"control": gf.Control(), "maxiter": 3}, ArgumentError),
        ({"scale": [1]}, ArgumentError),
        ({"cov_kwds": ["groups"]}, ArgumentTypeError),
        ({"cov_type": "HC1", "cov_kwds": {"use_correction": False}}, ArgumentTypeError),
        ({"start_params": ["a", "b"]}, ArgumentTypeError),
        ({"maxiter": 0}, ArgumentError),
        ({"max_iter": 10}, ArgumentTypeError),
    ],
)
def test_wrong_settings_of_a_fit_are_refused(options, error):
    model = gf.logit("O_RING_FAILURE ~ TEMPERATURE", gf.datasets.load("challenger"))
    with pytest.raises(error):
        model.fit(**options)


def test_settings_of_statsmodels_optimisers_are_taken():
    model = gf.logit("O_RING_FAILURE ~ TEMPERATURE", gf.datasets.load("challenger"))
    plain = model.fit()
    other = model.fit(method="bfgs", disp=0, gtol=1e-3, maxiter=np.int64(50), full_output=0)
    assert other.params.tolist() == plain.params.tolist()


def test_named_models_keep_their_link():
    data = gf.datasets.load("challenger")
    with pytest.raises(ArgumentTypeError, match="Logit has its own link"):
        gf.logit("O_RING_FAILURE ~ TEMPERATURE", data, link="probit")
    family = gf.families.NegativeBinomial(alpha=0.5, link="nbinom")
    assert family.link == gf.links.NegativeBinomial(0.5)


def test_duplicate_names_and_holes_in_sparse_arrays(rng):
    from scipy import sparse

    frame = pd.DataFrame(rng.normal(size=(20, 2)), columns=["x", "x"])
    with pytest.raises(DataError, match="several columns named 'x'"):
        gf.OLS(rng.normal(size=20), frame)
    matrix = np.column_stack([np.ones(20), rng.normal(size=20)])
    matrix[3, 1] = np.nan
    y = rng.normal(size=20)
    with pytest.raises(gf.errors.MissingDataError):
        gf.OLS(y, sparse.csr_array(matrix)).fit()
    dropped = gf.OLS(y, sparse.csr_array(matrix), missing="drop").fit()
    keep = np.arange(20) != 3
    np.testing.assert_allclose(dropped.params, gf.OLS(y[keep], matrix[keep]).fit().params)
