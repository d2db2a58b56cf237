"""The conditional logit: against R, enumeration, and the models it contains.

R's numbers are from survival::clogit(case ~ spontaneous + induced + strata(stratum),
method = "exact") on datasets::infert, as in its help page.
"""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.engine.strata import Strata, log_subsets, subset_moments
from glmfit.models.strata import strata_pass

INFERT = "case ~ spontaneous + induced"


@pytest.fixture
def infert():
    return gf.datasets.load("infert")


def simulated(seed=0, sizes=(5, 6, 2, 4, 7, 3, 5, 8, 6, 5), p=3):
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    x = random.normal(size=(groups.size, p))
    y = np.zeros(groups.size)
    for k, size in enumerate(sizes):
        rows = np.flatnonzero(groups == k)
        y[random.choice(rows, random.integers(1, size), replace=False)] = 1.0
    return y, x, groups


def enumerated(eta, x, size):
    """Log-sum, mean less the first rows' sum, and covariance over subsets, by listing them."""
    subsets = [list(s) for s in itertools.combinations(range(eta.size), size)]
    sums = np.array([eta[s].sum() for s in subsets])
    columns = np.array([x[s].sum(axis=0) for s in subsets])
    top = sums.max()
    weight = np.exp(sums - top)
    share = weight / weight.sum()
    mean = share @ columns
    centred = columns - mean
    observed = x[:size].sum(axis=0)
    return top + np.log(weight.sum()), mean - observed, (centred * share[:, None]).T @ centred


def test_infert_as_in_r(infert):
    result = gf.conditional_logit(INFERT, infert, groups="stratum").fit()
    np.testing.assert_allclose(result.params, [1.9858755167, 1.4090116319], rtol=1e-10)
    np.testing.assert_allclose(result.bse, [0.3524435398, 0.3607124362], rtol=1e-9)
    assert result.llf == pytest.approx(-64.20223692443096, rel=1e-13)
    assert list(result.params.index) == ["spontaneous", "induced"]
    assert (result.nobs, result.n_groups, result.df_model) == (248, 83, 2)
    assert result.llr == pytest.approx(53.15, abs=0.005)
    ratio = result.odds_ratios().loc["induced", "odds_ratio"]
    assert ratio == pytest.approx(np.exp(1.4090116319))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.1, 1.0, 30.0, 700.0]),
)
def test_recursion_equals_enumeration(shape, seed, spread):
    n, size = shape
    random = np.random.default_rng(seed)
    eta, x = spread * random.uniform(-1, 1, size=(2, n)), random.normal(size=(2, n, 2))
    with np.errstate(all="ignore"):
        found = subset_moments(eta, x, size)
        np.testing.assert_allclose(log_subsets(eta, size), found[0], rtol=1e-13)
    for k in range(2):
        for got, want in zip(found, enumerated(eta[k], x[k], size), strict=True):
            np.testing.assert_allclose(got[k], want, rtol=1e-10, atol=1e-10)


def test_recursion_equals_thirty_digits():
    mpmath = pytest.importorskip("mpmath")
    eta = np.random.default_rng(3).normal(size=(1, 12)) * 5
    with mpmath.workdps(30):
        weights = [mpmath.exp(mpmath.mpf(float(v))) for v in eta[0]]
        total = mpmath.fsum(mpmath.fprod(s) for s in itertools.combinations(weights, 5))
        want = float(mpmath.log(total))
    with np.errstate(all="ignore"):
        assert log_subsets(eta, 5)[0] == pytest.approx(want, rel=1e-14)


def test_likelihood_and_derivatives_of_several_cases():
    y, x, groups = simulated()
    result = gf.ConditionalLogit(y, x, groups=groups).fit()
    llf, score, information = 0.0, np.zeros(3), np.zeros((3, 3))
    for k in np.unique(groups):
        rows = groups == k
        eta, cases = x[rows] @ result.params, y[rows] == 1.0
        size = int(cases.sum())
        log_sum, mean, covariance = enumerated(eta, x[rows], size)
        llf += eta[cases].sum() - log_sum
        score += x[rows][cases].sum(axis=0) - mean - x[rows][:size].sum(axis=0)
        information += covariance
    assert result.llf == pytest.approx(llf, rel=1e-12)
    np.testing.assert_allclose(score, 0.0, atol=1e-11)
    np.testing.assert_allclose(result.cov_params(), np.linalg.inv(information), rtol=1e-9)


def test_pairs_equal_a_logit_of_differences():
    random = np.random.default_rng(1)
    x = random.normal(size=(60, 2, 2))
    groups = np.repeat(np.arange(60), 2)
    y = np.tile([1.0, 0.0], 60)
    paired = gf.ConditionalLogit(y, x.reshape(-1, 2), groups=groups).fit()
    sign = np.where(np.arange(60) % 2 == 0, 1.0, -1.0)
    difference = (x[:, 0] - x[:, 1]) * sign[:, None]
    plain = gf.Logit((sign > 0).astype(float), difference).fit()
    np.testing.assert_allclose(paired.params, plain.params, rtol=1e-10)
    np.testing.assert_allclose(paired.bse, plain.bse, rtol=1e-10)
    assert paired.llf == pytest.approx(plain.llf, rel=1e-12)


def test_large_strata_do_not_overflow():
    # 3000 rows with 1500 cases: the number of subsets alone is beyond 1e900
    random = np.random.default_rng(2)
    x = random.normal(size=3000)
    y = np.zeros(3000)
    y[np.argsort(x + random.logistic(size=3000))[1500:]] = 1.0
    result = gf.ConditionalLogit(y, x, groups=np.zeros(3000)).fit()
    assert result.converged
    plain = gf.Logit(y, gf.add_constant(x)).fit()
    assert np.asarray(result.params)[0] == pytest.approx(np.asarray(plain.params)[1], rel=2e-3)


def test_an_offset_of_hundreds_does_not_overflow():
    y, x, groups = simulated()
    offset = np.where(groups % 2 == 0, 700.0, -700.0)
    far = gf.ConditionalLogit(y, x, groups=groups, offset=offset).fit()
    near = gf.ConditionalLogit(y, x, groups=groups).fit()
    np.testing.assert_allclose(far.params, near.params, rtol=1e-9)


def test_scale_location_and_order_of_rows_do_not_matter():
    y, x, groups = simulated()
    plain = gf.ConditionalLogit(y, x, groups=groups).fit()
    order = np.random.default_rng(5).permutation(y.size)
    scale = np.array([1e-6, 1.0, 1e7])
    moved = gf.ConditionalLogit(
        y[order], (x * scale + 100 * groups[:, None])[order], groups=groups[order].astype(str)
    ).fit()
    np.testing.assert_allclose(moved.params * scale, plain.params, rtol=1e-6)
    exact = gf.ConditionalLogit(y[order], (x * scale)[order], groups=groups[order]).fit()
    np.testing.assert_allclose(exact.params * scale, plain.params, rtol=1e-10)
    np.testing.assert_allclose(exact.bse * scale, plain.bse, rtol=1e-10)
    assert exact.llf == pytest.approx(plain.llf, rel=1e-12)


def test_cases_and_controls_exchanged():
    y, x, groups = simulated()
    plain = gf.ConditionalLogit(y, x, groups=groups).fit()
    other = gf.ConditionalLogit(1 - y, x, groups=groups).fit()
    np.testing.assert_allclose(other.params, -plain.params, rtol=1e-10)


def test_nearly_collinear_columns():
    y, x, groups = simulated()
    twin = np.column_stack([x[:, 0], x[:, 0] + 1e-5 * x[:, 1]])
    near = gf.ConditionalLogit(y, twin, groups=groups).fit()
    plain = gf.ConditionalLogit(y, x[:, :2], groups=groups).fit()
    assert near.converged
    np.testing.assert_allclose(near.llf, plain.llf, rtol=1e-11)
    np.testing.assert_allclose(near.params[1], plain.params[1] * 1e5, rtol=1e-7)
    np.testing.assert_allclose(near.bse[1], plain.bse[1] * 1e5, rtol=1e-6)


def test_strata_without_variation_are_left_out_and_told():
    y, x, groups = simulated()
    more_y = np.r_[y, 1.0, 1.0, 0.0]
    more_x = np.vstack([x, np.ones((3, 3))])
    plain = gf.ConditionalLogit(y, x, groups=groups).fit()
    more = gf.ConditionalLogit(more_y, more_x, groups=np.r_[groups, 50, 50, 51]).fit()
    np.testing.assert_array_equal(more.params, plain.params)
    assert more.nobs == plain.nobs
    assert "2 strata (3 observations) without both cases" in str(more.summary())


def test_missing_groups_are_dropped_and_told(infert):
    infert["stratum"] = infert["stratum"].astype(float)
    infert.loc[[0, 1], "stratum"] = np.nan
    with pytest.warns(gf.errors.DataWarning, match="groups has 2 missing values"):
        model = gf.conditional_logit(INFERT, infert, groups="stratum")
    result = model.fit()
    assert result.dropped_rows == {"stratum": 2}
    assert result.predict(which="linear").isna().tolist()[:3] == [True, True, False]
    with pytest.raises(gf.errors.MissingDataError):
        gf.conditional_logit(INFERT, infert, groups="stratum", missing="raise")


def test_columns_constant_within_strata_are_aliased_by_name(infert):
    model = gf.conditional_logit(INFERT + " + age", infert, groups="stratum")
    with pytest.warns(gf.errors.CollinearityWarning, match="age is constant within every"):
        result = model.fit()
    assert np.isnan(result.params["age"])
    assert result.params["induced"] == pytest.approx(1.4090116319, rel=1e-9)
    assert "age is constant within every stratum" in str(result.summary())
    with pytest.raises(gf.errors.DataError, match="No column varies within a stratum"):
        gf.conditional_logit("case ~ age", infert, groups="stratum").fit()


def test_choice_probabilities():
    random = np.random.default_rng(4)
    data = pd.DataFrame({"x": random.normal(size=90), "who": np.repeat(np.arange(30), 3)})
    data["chosen"] = 0
    data.loc[np.arange(30) * 3 + random.integers(0, 3, 30), "chosen"] = 1
    result = gf.conditional_logit("chosen ~ x", data, groups="who").fit()
    chances = result.predict()
    np.testing.assert_allclose(chances.groupby(data["who"]).sum(), 1.0)
    assert result.llf == pytest.approx(np.log(chances[data["chosen"] == 1]).sum())
    pd.testing.assert_series_equal(result.predict(data), chances)
    odds = np.exp(result.predict(data.head(2), which="linear"))
    np.testing.assert_allclose(result.predict(data.head(2)), odds / odds.sum())
    light = result.remove_data()
    pd.testing.assert_series_equal(light.predict(data), chances)


def test_probabilities_need_single_cases_and_groups():
    y, x, groups = simulated()
    result = gf.ConditionalLogit(y, x, groups=groups).fit()
    with pytest.raises(gf.errors.NotAvailableError, match="several cases"):
        result.predict()
    np.testing.assert_allclose(result.predict(which="linear"), x @ result.params)
    with pytest.raises(gf.errors.ArgumentError, match="give groups="):
        result.predict(x)
    assert result.predict(x, groups=groups).sum() == pytest.approx(10.0)


def test_separated_strata_are_fitted_in_the_limit():
    x = pd.DataFrame({"dose": np.arange(12.0), "age": np.arange(12) * 7 % 5.0})
    y = np.tile([0.0, 0.0, 1.0], 4)
    model = gf.ConditionalLogit(y, x, groups=np.repeat(np.arange(4), 3))
    with pytest.warns(gf.errors.SeparationWarning, match="separated by dose"):
        result = model.fit()
    assert not result.converged
    assert result.separation.complete
    assert (result.llf, result.params["dose"]) == (0.0, np.inf)
    assert "(+infinite: the data are separated)" in str(result.summary())
    np.testing.assert_array_equal(result.predict(), y)
    assert model.score_rows(result.record).shape == (4, 0)
    several = gf.ConditionalLogit(np.tile([1.0, 1, 0, 0], 3), np.tile([3.0, 4, 1, 2], 3) / 7,
                                  groups=np.repeat(np.arange(3), 4))  # fmt: skip
    with pytest.warns(gf.errors.SeparationWarning, match="separated by x1"):
        assert not several.fit().converged


def test_what_separation_leaves_is_the_fit_without_it():
    """A level that no control has makes its cases certain; the other strata are as alone."""
    y, x, groups = simulated(sizes=(4,) * 12, p=2)
    certain = np.zeros(y.size)
    for k in range(3):
        rows = np.flatnonzero(groups == k)
        y[rows] = [1.0, 0.0, 0.0, 0.0]
        certain[rows[0]] = 1.0
    with pytest.warns(gf.errors.SeparationWarning, match="separated by x3"):
        result = gf.ConditionalLogit(y, np.column_stack([x, certain]), groups=groups).fit()
    rest = groups >= 3
    alone = gf.ConditionalLogit(y[rest], x[rest], groups=groups[rest]).fit()
    np.testing.assert_allclose(result.params[:2], alone.params, rtol=1e-9)
    np.testing.assert_allclose(result.bse[:2], alone.bse, rtol=1e-9)
    assert (result.params[2], result.llf) == (np.inf, pytest.approx(alone.llf, rel=1e-12))
    np.testing.assert_array_equal(result.separation.rows, ~rest)
    np.testing.assert_array_equal(result.separation.finite, [True, True, False])


@settings(max_examples=150, deadline=None)
@example(238188, 4, 1)  # separated, but no stratum is certain: ties remain in each
@given(st.integers(0, 2**32 - 1), st.integers(2, 7), st.integers(1, 3))
def test_limit_is_what_the_deviance_falls_to(seed, n_groups, p):
    """Along the direction of separation the deviance goes to that of the limit, else it rises."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), random.integers(2, 6, n_groups))
    x = random.integers(-1, 2, size=(groups.size, p)).astype(float)
    y = random.integers(0, 2, groups.size).astype(float)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gf.errors.GlmfitWarning)
            model = gf.ConditionalLogit(y, x, groups=groups)
            result = model.fit()
    except gf.errors.DataError:
        return  # nothing varies within a stratum
    whole = strata_pass(model)
    if result.separation is None:
        assert result.converged
        run, kept = model.fitted_pass(result.record), result.record.kept
        far = result.record.base[kept] + 30.0 * random.normal(size=kept.size)
        assert run.deviance(far) > result.record.deviance
        return
    far = result.record.base + 60.0 * result.separation.direction
    assert whole.deviance(far) == pytest.approx(result.record.deviance, abs=1e-9)
    assert whole.deviance(far) < whole.deviance(result.record.base)


# -- weights -----------------------------------------------------------------------------------


def test_frequencies_are_repeated_strata():
    y, x, groups = simulated()
    times = np.random.default_rng(2).integers(0, 4, 10)
    weighted = gf.ConditionalLogit(y, x, groups=groups, freq_weights=times[groups]).fit()
    rows = [(k, np.flatnonzero(groups == k)) for k in range(10) for _ in range(times[k])]
    index = np.concatenate([where for _, where in rows])
    fresh = np.repeat(np.arange(len(rows)), [where.size for _, where in rows])
    repeated = gf.ConditionalLogit(y[index], x[index], groups=fresh).fit()
    np.testing.assert_allclose(weighted.params, repeated.params, rtol=1e-10)
    np.testing.assert_allclose(weighted.bse, repeated.bse, rtol=1e-10)
    assert weighted.llf == pytest.approx(repeated.llf, rel=1e-12)
    assert weighted.llnull == pytest.approx(repeated.llnull, rel=1e-12)
    assert (weighted.nobs, weighted.bic) == (repeated.nobs, pytest.approx(repeated.bic))
    assert weighted.n_groups == (times > 0).sum()


def test_precision_weights_scale_the_information():
    y, x, groups = simulated()
    plain = gf.ConditionalLogit(y, x, groups=groups).fit()
    double = gf.ConditionalLogit(y, x, groups=groups, var_weights=np.full(y.size, 2.0)).fit()
    np.testing.assert_allclose(double.params, plain.params, rtol=1e-10)
    np.testing.assert_allclose(double.bse, plain.bse / np.sqrt(2.0), rtol=1e-10)
    assert (double.nobs, double.llf) == (plain.nobs, pytest.approx(2.0 * plain.llf))


def test_a_stratum_has_one_weight():
    y, x, groups = simulated()
    with pytest.raises(gf.errors.DataError, match="freq_weights differ within the stratum 0"):
        gf.ConditionalLogit(y, x, groups=groups, freq_weights=np.arange(y.size))


def test_too_few_iterations_are_told():
    y, x, groups = simulated()
    with pytest.warns(gf.errors.ConvergenceWarning, match="limit of 1 iterations"):
        gf.ConditionalLogit(y, x, groups=groups).fit(maxiter=1)


def test_text_events_and_text_groups(infert):
    plain = gf.conditional_logit(INFERT, infert, groups="stratum").fit()
    infert["case"] = np.where(infert["case"] == 1, "ill", "well")
    named = "g" + infert["stratum"].astype(str)
    model = gf.conditional_logit(INFERT, infert, groups=named.astype("category"), event="ill")
    np.testing.assert_allclose(model.fit().params, plain.params, rtol=1e-12)


def test_refusals(infert):
    with pytest.raises(gf.errors.ArgumentError, match="needs groups="):
        gf.conditional_logit(INFERT, infert)
    with pytest.raises(gf.errors.ArgumentError, match="no columns"):
        gf.conditional_logit("case ~ 1", infert, groups="stratum")
    with pytest.raises(gf.errors.ResponseError, match="must be 0 or 1"):
        gf.ConditionalLogit([0.5, 0.2], [1.0, 2.0], groups=[1, 1])
    with pytest.raises(gf.errors.DataError, match="No stratum has both"):
        gf.ConditionalLogit([1, 0], [1.0, 2.0], groups=[1, 2]).fit()
    with pytest.raises(gf.errors.ArgumentTypeError, match="no argument 'group'"):
        gf.ConditionalLogit([1, 0], [1.0, 2.0], group=[1, 1])
    with pytest.raises(gf.errors.AlignmentError, match="groups has 3 values"):
        gf.ConditionalLogit([1, 0], [1.0, 2.0], groups=[1, 1, 2])


def test_blocks_choose_the_fewer():
    cases = np.array([1, 1, 0, 0, 1, 0], dtype=bool)
    strata = Strata(np.array([0, 0, 0, 1, 1, 1]), cases, 2)
    shapes = sorted((block.chosen, block.sign) for block in strata.blocks())
    assert shapes == [(1, -1.0), (1, 1.0)]
