"""What holds for every solver, over every kind of likelihood.

The checks run over the registry of solvers, so that one is covered from the moment of its
line in `SOLVERS`. Newton's method is compared with R and with published numbers elsewhere;
here the others are compared with it, in standard errors.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.engine.control import Control
from glmfit.engine.solvers import NEWTON, SOLVERS
from glmfit.errors import CollinearityWarning, ConvergenceWarning, SeparationWarning
from glmfit.families import FAMILIES, Family

OTHERS = [name for name in SOLVERS if name != NEWTON.name]
every_solver = pytest.mark.parametrize("method", SOLVERS)

# --- models -----------------------------------------------------------------------------


def registered_families() -> list[Family]:
    found: list[Family] = []
    for family in FAMILIES.values():
        found.extend(example for example in family.examples() if example not in found)
    return found


def outcome(family: Family, mu: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return responses of about the right mean that the family allows."""
    if family.proportions:
        return (rng.random(mu.size) < mu / 4.0).astype(float)
    if family.counts:
        return rng.poisson(mu).astype(float)
    if family.mean_domain.high == 1.0:
        return rng.beta(mu, 4.0 - mu)
    if family.mean_domain.unbounded:
        return mu + rng.standard_normal(mu.size)
    return mu * rng.gamma(4.0, 0.25, mu.size)


def family_model(family: Family, **options: object) -> gf.GLM:
    """Return a model of columns in very different units."""
    rng = np.random.default_rng(11)
    x = rng.uniform(-1.0, 1.0, (200, 3))
    mu = 2.0 + 0.8 * x[:, 0] - 0.6 * x[:, 1]
    X = np.column_stack([np.ones(200), x * [1.0, 1e4, 1e-3] + [0.0, 5e3, 2e-3]])
    return gf.GLM(outcome(family, mu, rng), X, family=family, **options)


def table() -> pd.DataFrame:
    """Return classes, weights, groups and predictors of 240 rows."""
    rng = np.random.default_rng(5)
    n = 240
    data = pd.DataFrame({"x": rng.normal(50.0, 10.0, n), "z": rng.normal(size=n)})
    data["g"] = rng.choice(["a", "b", "c"], n)
    latent = 0.05 * data.x - 0.7 * data.z + (data.g == "b") + rng.logistic(size=n)
    data["grade"] = pd.cut(latent, [-np.inf, 1.5, 2.5, 4.0, np.inf], labels=list("pqrs"))
    data["event"] = (latent > 2.5).astype(int)
    data["freq"] = rng.integers(0, 4, n)
    data["precision"] = rng.uniform(0.5, 2.0, n)
    data["shift"] = rng.normal(0.0, 0.3, n)
    data["stratum"] = np.repeat(np.arange(n // 6), 6)
    data["sum"] = data.x + data.z
    data.loc[7, "z"] = np.nan
    return data


D = table()
WEIGHTS = {"freq_weights": "freq", "var_weights": "precision", "offset": "shift"}

MODELS = {
    **{f"glm {family!r}": (lambda family=family: family_model(family)) for family in
       registered_families()},
    "glm probit": lambda: gf.probit("event ~ x + z + g", D),
    "glm cloglog": lambda: gf.glm("event ~ x + z", D, "binomial", link="cloglog", **WEIGHTS),
    "glm cauchit": lambda: gf.glm("event ~ x + z", D, "binomial", link="cauchit"),
    "glm aliased": lambda: gf.logit("event ~ x + z + sum + g", D, offset="shift"),
    "ols": lambda: gf.ols("x ~ z + g", D, var_weights="precision"),
    "mnlogit": lambda: gf.mnlogit("grade ~ x + z + g", D),
    "mnlogit weighted": lambda: gf.mnlogit("grade ~ x + z", D, reference="r", **WEIGHTS),
    "mnlogit aliased": lambda: gf.mnlogit("grade ~ x + z + sum", D),
    "ordered logit": lambda: gf.ordered("grade ~ x + z + g", D),
    "ordered probit": lambda: gf.ordered("grade ~ x + z", D, distr="probit", **WEIGHTS),
    "ordered cloglog": lambda: gf.ordered("grade ~ x + z", D, distr="cloglog"),
    "ordered cauchit": lambda: gf.ordered("grade ~ x + z", D, distr="cauchit"),
    "ordered partial": lambda: gf.ordered("grade ~ x + z", D, nonparallel="z"),
    "adjacent": lambda: gf.adjacent_category("grade ~ x + z", D),
    "continuation": lambda: gf.continuation_ratio("grade ~ x + z", D),
    "conditional": lambda: gf.conditional_logit("event ~ x + z", D, groups="stratum"),
}  # fmt: skip


def fitted(name: str, **options: object):
    with warnings.catch_warnings():
        if name.endswith("aliased"):
            warnings.simplefilter("ignore", CollinearityWarning)
        return MODELS[name]().fit(**options)


# --- one maximum ------------------------------------------------------------------------


@pytest.mark.parametrize("method", OTHERS)
@pytest.mark.parametrize("name", MODELS)
def test_every_solver_ends_at_the_same_maximum(name, method):
    newton, other = fitted(name), fitted(name, method=method)
    assert newton.converged
    assert other.converged
    kept = newton.record.kept
    assert np.array_equal(other.record.kept, kept)
    error = np.sqrt(np.diag(newton.record.unscaled)[kept])
    moved = np.abs(other.record.base - newton.record.base)[kept]
    scale = np.sqrt(newton.record.scale)
    assert (moved <= 1e-8 * (scale * error + np.abs(newton.record.base[kept]))).all()
    assert other.record.deviance == pytest.approx(newton.record.deviance, rel=1e-12)
    # Pearson's dispersion is not at its minimum there, so the log-likelihood has fewer digits
    assert other.llf == pytest.approx(newton.llf, rel=1e-9, nan_ok=True)
    shift = np.abs(other.record.unscaled - newton.record.unscaled)[np.ix_(kept, kept)]
    assert (shift <= 1e-7 * np.outer(error, error)).all()


@every_solver
@pytest.mark.parametrize("name", MODELS)
def test_the_history_leads_to_the_end(name, method):
    result = fitted(name, method=method)
    history = result.history
    assert list(history.columns) == ["loglik", "step", "gradient_norm", "halvings"]
    assert history.index.tolist() == list(range(len(history)))
    assert np.isnan(history.step[0])
    assert (history.step[1:] >= 0.0).all()
    assert history.loglik.iloc[-1] == pytest.approx(result.llf, rel=1e-14, nan_ok=True)
    assert history.loglik.isna().all() == np.isnan(result.llf)
    rises = -np.diff([line.deviance for line in result.record.history])
    assert (rises >= -1e-10 * (1.0 + abs(result.record.deviance))).all()
    assert result.fit_history["iteration"] == len(history) - 1
    assert result.mle_retvals["iterations"] == len(history) - 1
    assert result.method == SOLVERS[method].label


@every_solver
@pytest.mark.parametrize("name", MODELS)
def test_the_gradient_is_that_of_the_log_likelihood(name, method):
    """The gradient told for the start is the slope of the log-likelihood there."""
    result = fitted(name, method=method)
    run = result.model.fitted_pass(result.record)
    start = result.record.history[0]
    slopes = []
    for j in range(start.theta.size):
        width = 1e-4 / np.sqrt(run(start.theta).information[j, j])
        move = np.zeros(start.theta.size)
        move[j] = width
        values = [run.deviance(start.theta + share * move) for share in (-2, -1, 1, 2)]
        slope = (values[0] - 8.0 * values[1] + 8.0 * values[2] - values[3]) / (12.0 * width)
        slopes.append(-0.5 * slope / run.dispersion_guess(start.deviance))
    assert start.gradient == pytest.approx(np.linalg.norm(slopes), rel=1e-5, abs=1e-4)


@given(
    seed=st.integers(0, 2**32 - 1),
    start=st.tuples(*[st.floats(-3.0, 3.0)] * 3),
    units=st.tuples(*[st.floats(-4.0, 4.0)] * 2),
    method=st.sampled_from(OTHERS),
)
@settings(max_examples=100, deadline=None)
def test_neither_start_nor_units_matter(seed, start, units, method):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, 2))
    y = rng.poisson(np.exp(0.5 + x @ [0.4, -0.3])).astype(float)
    scale = np.array([1.0, *10.0 ** np.array(units)])
    X = np.column_stack([np.ones(40), x])
    plain = gf.GLM(y, X, family="poisson").fit()
    other = gf.GLM(y, X * scale, family="poisson").fit(
        method=method, start_params=np.array(start) / scale
    )
    assert other.converged
    shift = np.abs(other.params * scale - plain.params)
    assert (shift <= 1e-8 * (plain.bse + np.abs(plain.params))).all()


@every_solver
def test_a_fit_repeats_itself_on_any_threads(method):
    first = fitted("mnlogit", method=method)
    control = Control(threads=3, maxiter=SOLVERS[method].maxiter)
    again = fitted("mnlogit", method=method, control=control)
    assert np.array_equal(first.record.base, again.record.base)
    parts = fitted("mnlogit", method=method, control=Control(chunk_rows=50, maxiter=1000))
    np.testing.assert_allclose(parts.record.base, first.record.base, rtol=1e-7)


# --- no maximum -------------------------------------------------------------------------

LOOSE = [{}, {"stop": "loglik", "tol": 0.1}, {"stop": "gradient", "tol": 1.0},
         {"stop": "params", "tol": 3.0}]  # fmt: skip


def separated() -> pd.DataFrame:
    """Return rows of which g separates some, completely by x and in part by g."""
    x = np.arange(24.0)
    data = pd.DataFrame({"x": x, "z": np.tile([0.3, -1.0, 0.8], 8), "g": np.repeat([0, 1], 12)})
    data["complete"] = (x > 11).astype(int)
    data["quasi"] = np.where(data.g == 1, 1, np.tile([0, 1, 1, 0, 1, 0], 4))
    data["count"] = np.where(data.g == 0, 0, np.tile([1, 4, 2, 3], 6))
    data["level"] = np.where(data.g == 1, "c", np.tile(["a", "b", "b", "a"], 6))
    return data


S = separated()
SEPARATED = {
    "complete": lambda: gf.logit("complete ~ x", S),
    "quasi": lambda: gf.logit("quasi ~ g + z", S),
    "probit": lambda: gf.probit("quasi ~ g + z", S),
    "poisson": lambda: gf.poisson("count ~ g + z", S),
    "mnlogit": lambda: gf.mnlogit("level ~ g + z", S),
    "risk": lambda: gf.mnlogit("risk ~ age + income", gf.datasets.load("risk"), reference="low"),
    "ordered": lambda: gf.ordered("level ~ g + z", S, levels=["a", "b", "c"]),
}


@pytest.mark.parametrize("options", LOOSE, ids=lambda options: options.get("stop", "score"))
@every_solver
@pytest.mark.parametrize("name", SEPARATED)
def test_separated_data_have_one_limit(name, method, options):
    """The rule that was asked for hides no separation, and the limit is Newton's."""
    with pytest.warns(SeparationWarning) as expected:
        newton = SEPARATED[name]().fit()
    with pytest.warns(SeparationWarning) as told:
        other = SEPARATED[name]().fit(method=method, **options)
    assert [str(one.message) for one in told] == [str(one.message) for one in expected]
    assert not other.converged
    assert other.method == SOLVERS[method].label
    assert np.array_equal(other.record.separation.rows, newton.record.separation.rows)
    np.testing.assert_allclose(other.record.theta, newton.record.theta, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(other.record.unscaled, newton.record.unscaled, rtol=1e-6)
    assert other.llf == pytest.approx(newton.llf, rel=1e-10, abs=1e-12)
    assert (np.diff(other.history.loglik) >= -1e-10 * (1.0 + abs(other.llf))).all()


@pytest.mark.parametrize("options", LOOSE, ids=lambda options: options.get("stop", "score"))
@every_solver
def test_separated_strata_are_told_of(method, options):
    data = pd.DataFrame({"s": np.repeat(np.arange(8), 2), "case": [0, 1] * 8})
    data["x"] = np.arange(16.0) + 3.0 * data.case
    with pytest.warns(SeparationWarning, match="separated by x"):
        result = gf.conditional_logit("case ~ x", data, groups="s").fit(method=method, **options)
    assert not result.converged


# --- too few iterations -----------------------------------------------------------------


@every_solver
@pytest.mark.parametrize("name", ["glm probit", "mnlogit", "ordered probit", "conditional"])
def test_the_limit_of_iterations_is_told(name, method):
    with pytest.warns(ConvergenceWarning, match="limit of 2 iterations"):
        result = fitted(name, method=method, maxiter=2)
    assert not result.converged
    assert len(result.history) == 3
    assert result.mle_retvals["warnflag"] == 1
    assert "Not converged" in str(result.summary())


@every_solver
def test_a_far_start_is_mended(method):
    start = [-40.0, 1.0, -5.0, 5.0, 5.0]
    near = gf.logit("event ~ x + z + g", D).fit()
    far = gf.logit("event ~ x + z + g", D).fit(method=method, start_params=start)
    assert far.converged
    np.testing.assert_allclose(far.params, near.params, rtol=1e-7)


@every_solver
def test_steps_that_leave_the_domain_are_halved(method):
    y = np.array([1.0, 2.0, 40.0, 1.5])
    X = np.column_stack([np.ones(4), [1.0, 2.0, 3.0, 4.0]])
    result = gf.GLM(y, X, family=gf.families.Gamma()).fit(method=method, start_params=[5.0, 1.0])
    assert result.converged
    assert result.history.halvings.max() > 0
    np.testing.assert_allclose(result.params, gf.GLM(y, X, family="gamma").fit().params, rtol=1e-7)


@every_solver
def test_ill_conditioned_columns(method):
    """Powers of years: scaled condition number beyond 1e6."""
    year = np.linspace(1972.0, 1978.0, 60)
    y = np.random.default_rng(3).poisson(np.exp(1.0 + 0.5 * np.sin(year / 5.0))).astype(float)
    X = np.column_stack([year**k for k in range(3)])
    centred = np.column_stack([(year - 1975.0) ** k for k in range(3)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollinearityWarning)
        result = gf.GLM(y, X, family="poisson").fit(method=method)
    plain = gf.GLM(y, centred, family="poisson").fit()
    assert result.converged
    assert result.record.condition > 1e6
    # the terms of X theta are 1e5 times their sum, which so has 11 digits
    assert np.abs(X * result.params).max() > 1e4 * np.log(result.mu.max())
    assert result.llf == pytest.approx(plain.llf, rel=1e-11)
    np.testing.assert_allclose(result.mu, plain.mu, rtol=1e-7)


@every_solver
def test_a_perfect_fit_ends(method):
    x = np.arange(10.0)
    result = gf.OLS(2.0 + 3.0 * x, np.column_stack([np.ones(10), x])).fit(method=method)
    assert result.converged
    assert len(result.history) < 10
    np.testing.assert_allclose(result.params, [2.0, 3.0], rtol=1e-12)
