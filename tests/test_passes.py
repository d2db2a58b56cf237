"""What passes hand on, so that rows need not be read again; and the threads they share."""

import threading

import mpmath
import numpy as np
import pytest

import glmfit as gf
from glmfit import families
from glmfit.design import Dense
from glmfit.engine.control import Control
from glmfit.engine.executor import map_ahead, one_pool
from glmfit.engine.passes import Pass
from glmfit.families.logarithms import poisson_deviance
from glmfit.likelihoods import GLMLikelihood
from glmfit.models.arrays import design_of_arrays
from glmfit.models.dispersion import Saturated, ending, tallied
from glmfit.sources import Rows

MANY = 70_000


def sample(family, n=MANY, seed=4):
    """Return responses, a design and prior weights, a tenth of them 0."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 3)) * [0.3, 0.2, 0.1]])
    eta = X @ [0.4, 0.5, -0.4, 0.2]
    if family.proportions:
        y = (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(float)
    elif family.counts:
        y = rng.poisson(np.exp(eta)).astype(float)
    else:
        y = np.exp(eta) * rng.gamma(3.0, 1.0 / 3.0, n)
    return y, X, rng.integers(0, 10, n).astype(float)


FAMILIES = [
    families.Binomial(),
    families.Binomial("probit"),
    families.Poisson(),
    families.Gamma("log"),
    families.Gaussian(),
]


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_the_last_pass_of_a_fit_tells_what_another_pass_would(family):
    y, X, weight = sample(family)
    result = gf.GLM(y, X, family, freq_weights=weight).fit()
    run = Pass(result.model.data.source(), GLMLikelihood(family), Control())
    pearson, _ = ending(run, family, np.asarray(result.params))
    assert result.pearson_chi2 == pytest.approx(pearson, rel=1e-12)


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_sums_of_a_pass_over_rows_of_weight(family):
    y, X, _ = sample(family, 3000)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, 3000)
    run = Pass(Rows(y, Dense(X), weight=weight), GLMLikelihood(family), Control())
    theta = np.array([0.4, 0.5, -0.4, 0.2])
    stats = run(theta)
    mu = family.link.inverse(X @ theta)
    slope = family.link.inverse_deriv(X @ theta)
    expected = (weight * (y - mu) ** 2 / family.variance(mu)).sum()
    assert stats.pearson == pytest.approx(expected, rel=1e-11)
    assert stats.closest == pytest.approx(family.unit_deviance(y, mu).min(), rel=1e-9)
    assert stats.lightest == pytest.approx((weight * slope**2 / family.variance(mu)).min())
    assert run.slope(theta).lightest == stats.lightest


def test_a_row_without_weight_leaves_the_sums_open():
    y, X, _ = sample(families.Poisson(), 3000)
    weight = np.ones(3000)
    weight[5] = 0.0
    stats = Pass(Rows(y, Dense(X), weight=weight), GLMLikelihood(families.Poisson()), Control())(
        np.zeros(4)
    )
    assert stats.lightest == 0.0 and np.isnan(stats.pearson)


def test_equal_responses_are_tallied():
    y = np.array([0.0, 3.0, 1.0, 3.0, 0.0, 3.0])
    values, counts = tallied(y, None)
    assert values.tolist() == [0.0, 1.0, 3.0] and counts.tolist() == [2.0, 1.0, 3.0]
    values, counts = tallied(y, np.array([0.5, 1.0, 0.0, 2.0, 0.25, 3.0]))
    assert values.tolist() == [0.0, 3.0] and counts.tolist() == [0.75, 6.0]
    assert tallied(np.array([0.5, 1.0]), None) is None
    assert tallied(np.array([0.0, 256.0]), None) is None
    assert tallied(np.array([-1.0, 2.0]), None) is None


@pytest.mark.parametrize("family", [families.Binomial(), families.Poisson()], ids=repr)
def test_null_and_saturated_likelihood_of_tallied_rows(family):
    y, X, weight = sample(family)
    result = gf.GLM(y, X, family, freq_weights=weight).fit()
    mean = np.full(y.size, np.average(y, weights=weight))
    null = np.dot(weight, family.unit_deviance(y, mean))
    assert result.null_deviance == pytest.approx(null, rel=1e-12)
    rows = family.saturated(y, np.ones_like(y), 1.0)
    saturated = Saturated(GLMLikelihood(family), result.model.data)(1.0)
    assert saturated == pytest.approx(np.dot(weight, rows), rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("y", "mu"),
    [(0.0, 2.5), (1.0, 1e9), (3.0, 3.0 * (1.0 + 1e-9)), (1e9, 1.0000001e9), (5.0, 1e-200)],
)
def test_poisson_deviance_to_the_rounding_of_y_and_mu(y, mu):
    with mpmath.workdps(50):
        log = y * mpmath.log(mpmath.mpf(y) / mpmath.mpf(mu)) if y else mpmath.mpf(0)
        exact = float(2 * (log - (mpmath.mpf(y) - mpmath.mpf(mu))))
    found = poisson_deviance(np.array([y]), np.array([mu]))[0]
    assert found == pytest.approx(exact, rel=1e-14, abs=4.0 * np.finfo(float).eps * max(y, mu))


def test_a_matrix_is_read_once_for_its_values_and_its_constants():
    n = 300_000
    X = np.random.default_rng(3).normal(size=(n, 4))
    X[:, 2] = 7.0
    X[:, 3] = 1.0
    X[n // 2, 3] = 2.0  # the same at both ends only
    design, _, missing, _ = design_of_arrays(X)
    assert design.constant_columns() == {2: 7.0}
    assert not missing.any()
    X[17, 0] = np.nan
    _, _, missing, _ = design_of_arrays(X)
    assert np.flatnonzero(missing).tolist() == [17]
    X[n - 1, 1] = -np.inf
    with pytest.raises(gf.errors.DataError, match="infinite value in column 1, row 299999"):
        design_of_arrays(X)


def test_passes_of_a_fit_share_their_threads():
    names = set()

    def work(item):
        names.add(threading.current_thread().name)
        return item

    control = Control(threads=2)
    with one_pool():
        for _ in range(5):
            assert list(map_ahead(work, range(20), control)) == list(range(20))
        assert len(names) <= 2
    assert not [t for t in threading.enumerate() if t.name.startswith("glmfit")]


def test_a_fit_inside_of_another_ones_threads_has_its_own():
    control = Control(threads=2)

    def nested(item):
        return sum(map_ahead(lambda part: part * item, range(10), control))

    with one_pool():
        assert list(map_ahead(nested, range(6), control)) == [45 * item for item in range(6)]


def test_an_error_on_a_shared_thread_leaves_the_pool_usable():
    control = Control(threads=2)

    def fails(item):
        if item == 3:
            raise ValueError("three")
        return item

    with one_pool():
        with pytest.raises(ValueError, match="three"):
            list(map_ahead(fails, range(50), control))
        assert list(map_ahead(abs, [-1, -2], control)) == [1, 2]
