"""The engine on arrays: passes, rank, starts and the scoring loop."""

import math
import threading

import mpmath
import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_info, threadpool_limits

from glmfit import GLM
from glmfit.design import Blocks, Categorical, Dense, Design, Sparse
from glmfit.engine.control import Control
from glmfit.engine.executor import map_chunks, one_blas_thread, rows_together
from glmfit.engine.irls import Solution, fit_irls
from glmfit.engine.passes import Pass
from glmfit.engine.rank import FullRank, full_rank
from glmfit.engine.start import _deepest_theta, _solution, starting_theta
from glmfit.engine.warm import from_sample, samples
from glmfit.errors import ArgumentError, ConvergenceWarning, FitError
from glmfit.families import (
    Binomial,
    Family,
    Gamma,
    Gaussian,
    InverseGaussian,
    NegativeBinomial,
    Poisson,
    Tweedie,
)
from glmfit.likelihoods import GLMLikelihood
from glmfit.sources import Rows

CONTROL = Control()


def make_pass(
    y: np.ndarray,
    design: Design | np.ndarray,
    family: Family,
    offset: np.ndarray | None = None,
    weight: np.ndarray | None = None,
    control: Control = CONTROL,
) -> Pass:
    kept = design if isinstance(design, Design) else Dense(design)
    return Pass(Rows(y, kept, offset, weight), GLMLikelihood(family), control)


def fit(run: Pass) -> Solution:
    ranked = full_rank(run)
    return fit_irls(ranked.run, starting_theta(ranked.run, ranked.start), run.control)


def simulated(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a design with an intercept, its linear predictor and an offset."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.standard_normal((n, 3))])
    return X, X @ np.array([0.3, 0.5, -0.4, 0.1]), rng.uniform(-0.3, 0.3, n)


def response(family: Family, eta: np.ndarray, seed: int = 1) -> np.ndarray:
    """Return responses of about the right mean that the family allows."""
    rng = np.random.default_rng(seed)
    mu = family.link.inverse(eta)
    if family.proportions:
        return (rng.random(eta.size) < mu).astype(float)
    if family.counts:
        return rng.poisson(mu).astype(float)
    if family.mean_domain.unbounded:
        return mu + rng.standard_normal(eta.size)
    return mu * rng.gamma(4.0, 0.25, eta.size)


FAMILIES = [
    Gaussian(),
    Binomial(),
    Binomial("probit"),
    Binomial("cloglog"),
    Poisson(),
    Gamma("log"),
    InverseGaussian("log"),
    NegativeBinomial(alpha=0.5),
    Tweedie(var_power=1.5),
]
every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f"{f.describe()}-{f.link}")

# --- passes -----------------------------------------------------------------------------


def mixed_design(n: int) -> Design:
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 7, n)
    x = rng.standard_normal((n, 2))
    return Blocks([Dense(x), Categorical(codes, 7), Sparse((x[:, :1] > 1.0) * 1.0)])


def same_bits(left: tuple, right: tuple) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("observed", [False, True])
def test_a_pass_is_the_same_to_the_last_bit_on_any_threads(observed):
    n = 50_000
    design = mixed_design(n)
    theta = np.linspace(-0.2, 0.3, design.shape[1])
    family = Binomial("probit")
    y = response(family, design.matvec(theta))
    weight = np.random.default_rng(3).uniform(0.5, 2.0, n)
    results = []
    for threads in (1, 2, 2, 5):
        control = Control(threads=threads, chunk_rows=1000)
        run = make_pass(y, design, family, None, weight, control)
        results.append(run(theta, observed=observed))
        results.append(run(theta, observed=observed))
    assert all(same_bits(results[0], other) for other in results[1:])


def test_a_fit_is_the_same_to_the_last_bit_on_any_threads():
    X, eta, offset = simulated(20_000)
    y = response(Poisson(), eta + offset)
    fits = [
        fit(make_pass(y, X, Poisson(), offset, None, Control(threads=threads, chunk_rows=1000)))
        for threads in (1, 2, 2)
    ]
    for other in fits[1:]:
        assert np.array_equal(other.theta, fits[0].theta)
        assert np.array_equal(other.covariance, fits[0].covariance)
        assert other.deviance == fits[0].deviance


def test_a_pass_changes_nothing():
    X, eta, offset = simulated(500)
    y = response(Poisson(), eta)
    weight = np.full(500, 2.0)
    given = (X, y, offset, weight)
    before = [values.copy() for values in given]
    for values in given:
        values.flags.writeable = False
    fit(make_pass(y, X, Poisson("sqrt"), offset, weight))
    for values, old in zip(given, before, strict=True):
        np.testing.assert_array_equal(values, old)


@every_family
def test_chunked_is_whole(family):
    n = 3000
    X, eta, offset = simulated(n)
    y = response(family, eta + offset)
    weight = np.random.default_rng(4).uniform(0.2, 3.0, n)
    theta = np.array([0.2, 0.4, -0.3, 0.2])
    whole = make_pass(y, X, family, offset, weight, Control(chunk_rows=n))
    parts = make_pass(y, X, family, offset, weight, Control(chunk_rows=137, threads=2))
    for observed in (False, True):
        for a, b in zip(
            whole(theta, observed=observed), parts(theta, observed=observed), strict=True
        ):
            np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12 * np.abs(a).max())
    assert parts.deviance(theta) == pytest.approx(whole.deviance(theta), rel=1e-13)
    for a, b in zip(whole.start(), parts.start(), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12 * np.abs(a).max())
    np.testing.assert_allclose(
        np.abs(parts.design_triangle()), np.abs(whole.design_triangle()), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(fit(parts).theta, fit(whole).theta, rtol=1e-10, atol=1e-12)


@every_family
def test_score_and_information_are_derivatives(family):
    X, eta, offset = simulated(200)
    y = response(family, eta + offset)
    run = make_pass(y, X, family, offset)
    theta = np.array([0.2, 0.4, -0.3, 0.2])
    stats = run(theta, observed=True)
    h = 1e-5
    for j, unit in enumerate(np.eye(4)):
        up, down = theta + h * unit, theta - h * unit
        slope = (run.deviance(up) - run.deviance(down)) / (2 * h)
        assert stats.score[j] == pytest.approx(-0.5 * slope, rel=1e-6, abs=1e-6)
        bend = (run(up).score - run(down).score) / (2 * h)
        np.testing.assert_allclose(stats.information[j], -bend, rtol=1e-6, atol=1e-5)


def test_the_deviance_is_infinite_outside_the_domain():
    y, X = np.array([1.0, 2.0, 3.0]), np.ones((3, 1))
    run = make_pass(y, X, Poisson("identity"))
    assert run.deviance(np.array([-1.0])) == math.inf
    assert run(np.array([-1.0])).deviance == math.inf
    assert not run(np.array([-1.0])).finite
    assert run(np.array([1.0])).finite


# --- what a fit must not depend on ------------------------------------------------------


@every_family
def test_order_of_rows_does_not_matter(family):
    X, eta, offset = simulated(300)
    y = response(family, eta + offset)
    mixed = np.random.default_rng(5).permutation(300)
    one = fit(make_pass(y, X, family, offset))
    two = fit(make_pass(y[mixed], X[mixed], family, offset[mixed]))
    assert one.converged and two.converged
    np.testing.assert_allclose(two.theta, one.theta, rtol=1e-11)
    np.testing.assert_allclose(two.covariance, one.covariance, rtol=1e-10, atol=1e-14)
    assert two.deviance == pytest.approx(one.deviance, rel=1e-13)


@every_family
@pytest.mark.parametrize("powers", [(0, -8, 8, 3), (8, 8, -8, -8), (-8, 0, 0, 8)])
def test_units_of_columns_do_not_matter(family, powers):
    X, eta, offset = simulated(300)
    y = response(family, eta + offset)
    units = 10.0 ** np.array(powers)
    one = fit(make_pass(y, X, family, offset))
    two = fit(make_pass(y, X * units, family, offset))
    assert two.converged
    np.testing.assert_allclose(two.theta * units, one.theta, rtol=1e-10)
    np.testing.assert_allclose(
        two.covariance * np.outer(units, units), one.covariance, rtol=1e-9, atol=1e-14
    )
    assert two.deviance == pytest.approx(one.deviance, rel=1e-12)
    assert len(two.history) == len(one.history)


@every_family
def test_frequency_weights_are_repeated_rows(family):
    X, eta, offset = simulated(200)
    y = response(family, eta + offset)
    counts = np.random.default_rng(6).integers(0, 4, 200)
    weighted = fit(make_pass(y, X, family, offset, counts.astype(float)))
    rows = np.repeat(np.arange(200), counts)
    repeated = fit(make_pass(y[rows], X[rows], family, offset[rows]))
    np.testing.assert_allclose(weighted.theta, repeated.theta, rtol=1e-10)
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, rtol=1e-9, atol=1e-14)
    assert weighted.deviance == pytest.approx(repeated.deviance, rel=1e-12)


@every_family
def test_the_kind_of_design_does_not_matter(family):
    n = 400
    rng = np.random.default_rng(7)
    codes, x = rng.integers(0, 3, n), rng.standard_normal(n)
    parts = Blocks([Dense(x[:, None]), Categorical(codes, 3), Categorical(codes, 3, x**2)])
    eta = parts.matvec(np.array([0.3, 0.2, 0.5, 0.1, 0.05, -0.1, 0.1]))
    y = response(family, eta)
    one, two = fit(make_pass(y, parts, family)), fit(make_pass(y, parts.toarray(), family))
    np.testing.assert_allclose(one.theta, two.theta, rtol=1e-10)
    np.testing.assert_allclose(one.covariance, two.covariance, rtol=1e-9, atol=1e-13)


@every_family
def test_the_score_is_zero_at_the_end(family):
    X, eta, offset = simulated(300)
    y = response(family, eta + offset)
    run = make_pass(y, X, family, offset)
    found = fit(run)
    assert found.converged
    se = np.sqrt(np.diag(found.covariance))
    assert (np.abs(found.score) * se <= 1e-9).all()
    stats = run(found.theta)
    np.testing.assert_allclose(found.covariance @ stats.information, np.eye(4), atol=1e-9)
    assert found.deviance == pytest.approx(stats.deviance, rel=1e-15)


def test_observed_information_is_taken_if_asked_for():
    X, eta, _ = simulated(300)
    y = response(Gamma("log"), eta)
    run = make_pass(y, X, Gamma("log"))
    start = np.array([0.3, 0.0, 0.0, 0.0])
    found = fit_irls(run, start, CONTROL, observed=True)
    information = run(found.theta, observed=True).information
    np.testing.assert_allclose(found.covariance, np.linalg.inv(information), rtol=1e-9)
    expected = fit_irls(run, start, CONTROL).covariance
    assert np.abs(expected / found.covariance - 1.0).max() > 1e-3


# --- steps ------------------------------------------------------------------------------


def test_a_start_from_which_newton_diverges_is_mended_by_halving():
    """Balanced logistic data from 3: full steps go to -7, 600, and on (Marschner 2011)."""
    y, X = np.array([0.0, 1.0] * 10), np.ones((20, 1))
    theta = 3.0
    for _ in range(2):
        mu = 1.0 / (1.0 + math.exp(-theta))
        theta += (0.5 - mu) / (mu * (1.0 - mu))
    assert abs(theta) > 100.0
    found = fit_irls(make_pass(y, X, Binomial()), np.array([3.0]), CONTROL)
    assert found.converged
    assert found.history[1].halvings > 0
    assert found.theta[0] == pytest.approx(0.0, abs=1e-12)
    deviances = [line.deviance for line in found.history]
    assert deviances == sorted(deviances, reverse=True)


def test_steps_that_leave_the_domain_are_halved():
    y = np.array([1.0, 2.0, 40.0, 1.5])
    X = np.column_stack([np.ones(4), [1.0, 2.0, 3.0, 4.0]])
    run = make_pass(y, X, Gamma())
    found = fit_irls(run, np.array([5.0, 1.0]), CONTROL)
    assert found.converged
    assert max(line.halvings for line in found.history) > 0
    assert (X @ found.theta > 0.0).all()


def test_the_limit_of_iterations_is_told():
    X, eta, _ = simulated(100)
    run = make_pass(response(Poisson(), eta), X, Poisson())
    found = fit_irls(run, np.zeros(4), Control(maxiter=1))
    assert not found.converged
    assert "limit of 1 iterations" in found.reason
    assert len(found.history) == 2


def test_separated_data_do_not_converge():
    x = np.arange(10.0)
    y = (x > 4.5).astype(float)
    found = fit(make_pass(y, np.column_stack([np.ones(10), x]), Binomial()))
    assert not found.converged


def test_history_is_printed_if_asked_for(capsys):
    X, eta, _ = simulated(50)
    fit(make_pass(response(Poisson(), eta), X, Poisson(), control=Control(disp=True)))
    assert "iteration   1  deviance" in capsys.readouterr().out


# --- starts -----------------------------------------------------------------------------


def feasible(run: Pass) -> tuple[FullRank, np.ndarray]:
    ranked = full_rank(run)
    theta = starting_theta(ranked.run, ranked.start)
    assert np.isfinite(ranked.run.deviance(theta))
    return ranked, theta


def is_maximum(run: Pass, found: Solution) -> bool:
    se = np.sqrt(np.diag(found.covariance))
    return found.converged and bool((np.abs(run(found.theta).score) * se < 1e-7).all())


def test_identity_poisson_with_zeros():
    """Least squares goes below 0 at the left; the maximum does not."""
    x = np.array([0.0, 2.0, 4.0, 4.0, 5.0, 5.0, 8.0, 10.0, 10.0])
    y = np.array([2.0, 1.0, 4.0, 1.0, 3.0, 8.0, 9.0, 15.0, 15.0])
    X = np.column_stack([np.ones(9), x])
    run = make_pass(y, X, Poisson("identity"))
    ranked, theta = feasible(run)
    assert (X @ _solution(ranked.start)).min() < 0.0
    found = fit_irls(run, theta, CONTROL)
    assert (X @ found.theta > 0.0).all()
    assert is_maximum(run, found)


def test_a_maximum_on_the_boundary_is_not_called_converged():
    """The fitted mean at x = 1 goes to 0, where the score does not vanish."""
    x = np.array([0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 9.0, 10.0])
    y = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 15.0, 24.0])
    X = np.column_stack([np.ones(8), x, x**2])
    with pytest.warns(ConvergenceWarning, match="boundary of the parameter space"):
        found = GLM(y, X, Poisson("identity")).fit()
    assert not found.converged
    assert np.isfinite(found.deviance)
    assert found.mu[3] == pytest.approx(0.0, abs=1e-8)
    assert np.abs(found.model.score(found.params)).min() > 1.0


def test_log_binomial():
    x = np.repeat(np.arange(1.0, 7.0), 10)
    share = np.repeat([0.1, 0.2, 0.2, 0.5, 0.6, 0.9], 10)
    y = (np.tile(np.arange(10), 6) < 10 * share - 1e-9).astype(float)
    X = np.column_stack([np.ones(60), x])
    run = make_pass(y, X, Binomial("log"))
    _, theta = feasible(run)
    found = fit_irls(run, theta, CONTROL)
    assert (X @ found.theta < 0.0).all()
    assert is_maximum(run, found)


def test_inverse_gamma_whose_least_squares_start_is_negative():
    rng = np.random.default_rng(8)
    x = np.concatenate([np.linspace(0.0, 1.0, 30), [6.0]])
    eta = 0.02 + 3.0 * x
    y = rng.gamma(0.6, 1.0 / (0.6 * eta))
    X = np.column_stack([np.ones(31), x])
    run = make_pass(y, X, Gamma())
    _, theta = feasible(run)
    assert is_maximum(run, fit_irls(run, theta, CONTROL))


def narrow_cone() -> tuple[np.ndarray, np.ndarray]:
    """Return rows without a constant whose means are positive in a narrow cone only."""
    angles = np.linspace(-1.45, 1.45, 12)
    X = np.column_stack([np.sin(angles), np.cos(angles)])
    return X, np.array([30.0, 1, 2, 0, 1, 0, 0, 0, 1, 0, 1, 0])


def test_a_design_without_constant_starts_inside_by_linear_programming():
    X, y = narrow_cone()
    run = make_pass(y, X, Poisson("identity"))
    inside = _deepest_theta(run)
    assert (X @ inside > 0.05).all()
    ranked, theta = feasible(run)
    assert (X @ _solution(ranked.start)).min() < 0.0
    assert (X @ theta > 0.0).all()
    found = fit_irls(run, theta, CONTROL)
    assert (X @ found.theta > 0.0).all()
    assert np.isfinite(found.deviance)


def test_the_programme_counts_offsets_and_leaves_out_rows_of_weight_zero():
    X = np.array([[1.0], [2.0], [-1.0]])
    y = np.array([1.0, 2.0, 1.0])
    bare = make_pass(y, X, Poisson("identity"))
    with pytest.raises(FitError):
        _deepest_theta(bare)
    moved = make_pass(y, X, Poisson("identity"), np.array([0.0, 0.0, 4.0]))
    assert np.isfinite(moved.deviance(_deepest_theta(moved)))
    dropped = make_pass(y, X, Poisson("identity"), None, np.array([1.0, 1.0, 0.0]))
    assert _deepest_theta(dropped)[0] > 0.0


def test_an_impossible_domain_is_an_error_that_says_what_to_do():
    X, y = np.array([[1.0], [-1.0]]), np.array([1.0, 1.0])
    ranked = full_rank(make_pass(y, X, Poisson("identity")))
    with pytest.raises(FitError, match=r"inside \(0, inf\).*Use another link.*add an intercept"):
        starting_theta(ranked.run, ranked.start)


# --- rank -------------------------------------------------------------------------------


def test_an_aliased_column_is_found_with_its_combination():
    rng = np.random.default_rng(9)
    X = rng.standard_normal((60, 5))
    X[:, 0] = 1.0
    X[:, 3] = 2.0 * X[:, 1] - 3.0 * X[:, 0]
    run = make_pass(rng.poisson(2.0, 60).astype(float), X, Poisson())
    ranked = full_rank(run)
    assert ranked.kept.tolist() == [0, 1, 2, 4]
    (alias,) = ranked.aliased
    assert alias.column == 3
    assert alias.sources.tolist() == [0, 1]
    np.testing.assert_allclose(alias.weights, [-3.0, 2.0], rtol=1e-10)
    reduced = fit(make_pass(run.rows.y, X[:, [0, 1, 2, 4]], Poisson()))
    np.testing.assert_allclose(fit(run).theta, reduced.theta, rtol=1e-10)


def test_the_later_column_is_dropped_as_r_does():
    x = np.linspace(0.0, 1.0, 20)
    X = np.column_stack([x, np.ones(20), 2.0 * x, x**2, np.zeros(20), 1.0 + x])
    ranked = full_rank(make_pass(x, X, Gaussian()))
    assert ranked.kept.tolist() == [0, 1, 3]
    assert [alias.column for alias in ranked.aliased] == [2, 4, 5]
    assert [alias.sources.tolist() for alias in ranked.aliased] == [[0], [], [0, 1]]


@pytest.mark.parametrize("units", [1e-8, 1.0, 1e8])
def test_a_nearly_collinear_column_is_kept(units):
    rng = np.random.default_rng(10)
    x, noise = rng.standard_normal((2, 200))
    X = np.column_stack([np.ones(200), x, (x + 1e-7 * noise) * units])
    y = x + rng.standard_normal(200)
    ranked = full_rank(make_pass(y, X, Gaussian()))
    assert ranked.kept.tolist() == [0, 1, 2]
    exact = np.column_stack([np.ones(200), x, x * units])
    assert full_rank(make_pass(y, exact, Gaussian())).kept.tolist() == [0, 1]


def test_aliases_across_kinds_of_designs():
    n = 90
    rng = np.random.default_rng(11)
    codes = rng.integers(0, 3, n)
    design = Blocks([Dense(np.ones((n, 1))), Categorical(codes, 3), Categorical(codes, 3)])
    ranked = full_rank(make_pass(rng.poisson(3.0, n).astype(float), design, Poisson()))
    assert ranked.kept.tolist() == [0, 1, 2]
    first = ranked.aliased[0]
    assert first.column == 3
    np.testing.assert_allclose(first.weights, [1.0, -1.0, -1.0], atol=1e-10)


def test_rows_of_weight_zero_do_not_count_for_the_rank():
    X = np.column_stack([np.ones(10), np.r_[np.zeros(9), 1.0]])
    weight = np.r_[np.ones(9), 0.0]
    ranked = full_rank(make_pass(np.arange(10.0), X, Gaussian(), None, weight))
    assert ranked.kept.tolist() == [0]


# --- ill-conditioned columns ------------------------------------------------------------


def exact_fit(X: np.ndarray, y: np.ndarray, logistic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and the inverse information by Newton's method with 60 digits."""
    mp = mpmath.mp.clone()
    mp.dps = 60
    A = mp.matrix(X.tolist())
    n, p = X.shape
    theta = mp.matrix(p, 1)
    for _ in range(20):
        eta = A * theta
        mu = [1 / (1 + mp.exp(-e)) for e in eta] if logistic else list(eta)
        w = [m * (1 - m) for m in mu] if logistic else [mp.mpf(1)] * n
        residual = mp.matrix([mp.mpf(float(y[i])) - mu[i] for i in range(n)])
        weighted = mp.matrix([[w[i] * A[i, j] for j in range(p)] for i in range(n)])
        information = A.T * weighted
        step = mp.lu_solve(information, A.T * residual)
        theta += step
        if mp.norm(step) < mp.mpf(10) ** -45 * (1 + mp.norm(theta)):
            break
    inverse = information**-1
    return (
        np.array([float(t) for t in theta]),
        np.array([[float(inverse[i, j]) for j in range(p)] for i in range(p)]),
    )


@pytest.fixture
def counted_roots(monkeypatch) -> list[int]:
    """Count the calls of the stacked QR."""
    calls: list[int] = []
    triangle = Pass.triangle

    def counting(self, theta, length):
        calls.append(theta.size)
        return triangle(self, theta, length)

    monkeypatch.setattr(Pass, "triangle", counting)
    return calls


@pytest.mark.parametrize("logistic", [False, True], ids=["gaussian", "logistic"])
@pytest.mark.parametrize("degree", [4, 5, 6])
def test_an_ill_conditioned_polynomial_keeps_the_digits_its_condition_leaves(
    counted_roots, logistic, degree
):
    n = 60
    rng = np.random.default_rng(12)
    x = np.linspace(1.0, 2.0, n)
    X = np.vander(x, degree + 1, increasing=True)
    signal = np.sin(5.0 * x)
    y = (rng.random(n) < 0.5 + 0.4 * signal).astype(float) if logistic else signal
    family = Binomial() if logistic else Gaussian()
    found = fit(make_pass(y, X, family, control=Control(chunk_rows=17)))
    assert found.converged
    assert counted_roots, "sums of products cannot be trusted here"
    scaled = X / np.linalg.norm(X, axis=0)
    condition = np.linalg.cond(scaled)
    assert condition > 1e4
    assert found.condition > 0.1 * condition
    theta, inverse = exact_fit(X, y, logistic)
    allowed = 50.0 * condition * np.finfo(float).eps
    np.testing.assert_allclose(found.theta, theta, rtol=allowed)
    np.testing.assert_allclose(found.covariance, inverse, rtol=20.0 * allowed)
    if not logistic:
        by_qr = np.linalg.lstsq(scaled, y, rcond=None)[0] / np.linalg.norm(X, axis=0)
        np.testing.assert_allclose(found.theta, by_qr, rtol=2.0 * allowed)


def test_beyond_a_condition_of_a_thousand_million_the_digits_left_are_right(counted_roots):
    X = np.vander(np.linspace(1.0, 2.0, 60), 9, increasing=True)
    y = np.sin(5.0 * X[:, 1])
    found = fit(make_pass(y, X, Gaussian(), control=Control(maxiter=10)))
    assert counted_roots
    theta, inverse = exact_fit(X, y, logistic=False)
    np.testing.assert_allclose(found.theta, theta, rtol=1e-6)
    np.testing.assert_allclose(found.covariance, inverse, rtol=1e-5)


def test_beyond_a_condition_of_a_thousand_million_the_loop_knows_that_it_is_done():
    X = np.vander(np.linspace(1.0, 2.0, 60), 9, increasing=True)
    found = fit(make_pass(np.sin(5.0 * X[:, 1]), X, Gaussian()))
    assert found.converged
    assert len(found.history) < 10


def test_sums_of_products_are_enough_for_a_good_design(counted_roots):
    X, eta, _ = simulated(200)
    fit(make_pass(response(Binomial(), eta), X, Binomial()))
    assert not counted_roots


# --- control ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"maxiter": 0}, "maxiter must be a whole number of at least 1 (got 0)"),
        ({"maxiter": 2.5}, "maxiter must be a whole number of at least 1 (got 2.5)"),
        ({"maxiter": True}, "maxiter must be a whole number of at least 1 (got True)"),
        ({"max_halvings": -1}, "max_halvings must be a whole number of at least 1 (got -1)"),
        ({"chunk_rows": "8"}, "chunk_rows must be a whole number of at least 1 (got '8')"),
        ({"tol": 0.0}, "tol must be a positive number (got 0.0)"),
        ({"tol": math.nan}, "tol must be a positive number (got nan)"),
        ({"rank_tol": -1e-9}, "rank_tol must be a positive number (got -1e-09)"),
        ({"rank_tol": "small"}, "rank_tol must be a positive number (got 'small')"),
        ({"threads": 0}, "threads must be at least 1 (got 0)"),
    ],
)
def test_control_says_what_it_wants(options, message):
    with pytest.raises(ArgumentError) as caught:
        Control(**options)
    assert message in str(caught.value)


def test_control_counts_processors():
    assert Control().n_threads >= 1
    assert Control(threads=3).n_threads == 3


# -- many rows ---------------------------------------------------------------------------


def _many_rows(n: int = 70_000, seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    eta = x @ [0.3, 0.8, -0.5]
    return x, (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(float), rng.poisson(np.exp(eta))


def test_samples_are_every_eighth_row_down_to_a_few():
    x, y, _ = _many_rows()
    run = make_pass(y, x, Binomial())
    assert [part.rows.n for part in samples(run)] == [70_000, 8_750]
    assert samples(run)[1].rows.design.toarray()[1].tolist() == x[8].tolist()
    few = make_pass(y[:60_000], x[:60_000], Binomial())
    assert samples(few) == [few]


@pytest.mark.parametrize("family", [Binomial(), Poisson()])
def test_the_start_from_a_sample_is_near_and_leads_to_the_same_maximum(family):
    x, binary, count = _many_rows()
    run = make_pass(binary if family.proportions else count.astype(float), x, family)
    cold = fit_irls(run, starting_theta(run, run.start()), CONTROL)
    start = from_sample(samples(run), np.zeros(3))
    near = start.theta
    warm = fit_irls(run, near, CONTROL, factor=start.factor)
    assert warm.theta == pytest.approx(cold.theta, rel=1e-13)
    assert warm.covariance == pytest.approx(cold.covariance, rel=1e-10)
    errors = np.sqrt(np.diag(cold.covariance))
    assert np.abs((near - cold.theta) / errors).max() < 20.0
    assert len(warm.history) <= len(cold.history)


def test_a_sample_without_events_does_no_harm():
    x, _, _ = _many_rows()
    y = np.zeros(70_000)
    y[np.arange(1, 70_000, 700)] = 1.0  # never in an eighth row
    y[8::8] = 0.0
    result = GLM(y, x, family=Binomial()).fit()
    assert result.converged
    assert result.params[0] == pytest.approx(np.log(y.mean() / (1.0 - y.mean())), rel=1e-3)


def test_a_column_that_a_sample_does_not_see_keeps_its_coefficient():
    x, y, _ = _many_rows()
    rare = np.zeros(70_000)
    rare[1:2000:8] = 1.0
    result = GLM(y, np.column_stack([x, rare]), family=Binomial()).fit()
    assert result.converged
    assert np.isfinite(result.params).all()
    design = np.column_stack([x, rare])
    residual = y - result.predict(design)
    assert np.abs(design.T @ residual).max() < 1e-7


def test_a_chunk_is_as_long_as_fits_into_cache():
    x = np.zeros((1, 21))
    assert rows_together(Dense(x)) == 2**18 // 21
    assert rows_together(Dense(np.zeros((1, 1000)))) > 2**18 // 1000  # for the cells of X'WX
    factor = Categorical(np.zeros(1, dtype=np.int16), 500)
    assert rows_together(factor) == 131072
    assert rows_together(Blocks([Dense(x), factor])) > rows_together(Dense(x))
    assert rows_together(Sparse(sparse.eye_array(5, 3))) == 131072


def test_an_error_in_a_chunk_is_raised_and_leaves_no_thread_behind():
    x, y, _ = _many_rows()
    rows = Rows(y, Dense(x))

    def broken(chunk: Rows) -> float:
        raise ZeroDivisionError("in a chunk")

    with pytest.raises(ZeroDivisionError, match="in a chunk"):
        list(map_chunks(broken, rows, Control(threads=2)))
    assert not [t for t in threading.enumerate() if t.name.startswith("glmfit")]


def _blas_threads() -> list[int]:
    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]


def test_blas_has_its_threads_back_after_a_fit_whatever_happens():
    before = _blas_threads()
    with threadpool_limits(2, user_api="blas"):
        with one_blas_thread:
            assert set(_blas_threads()) == {1}
            with one_blas_thread:
                assert set(_blas_threads()) == {1}
            assert set(_blas_threads()) == {1}
        assert set(_blas_threads()) == {2}
        with pytest.raises(ZeroDivisionError), one_blas_thread:
            raise ZeroDivisionError
        assert set(_blas_threads()) == {2}
    assert _blas_threads() == before


def test_chunks_come_in_the_order_of_the_rows():
    x, _, _ = _many_rows()
    rows = Rows(np.arange(70_000.0), Dense(x))
    firsts = list(map_chunks(lambda chunk: chunk.y[0], rows, Control(threads=2, chunk_rows=100)))
    assert firsts == list(range(0, 70_000, 100))
