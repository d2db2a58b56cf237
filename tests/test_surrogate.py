"""Steps and informations that a sample sharpens: as near to those of all rows as they say."""

from dataclasses import dataclass

import numpy as np
import pytest

from glmfit.design import Dense
from glmfit.engine.control import Control
from glmfit.engine.irls import fit_irls
from glmfit.engine.linalg import cholesky
from glmfit.engine.passes import Pass
from glmfit.engine.surrogate import surrogate_of
from glmfit.families import Binomial, Gamma, Poisson
from glmfit.likelihoods import GLMLikelihood
from glmfit.links import Log
from glmfit.sources import Rows

N = 80_000


@dataclass(frozen=True, slots=True)
class Costly(Rows):
    """Rows in memory that say they are not, with every eighth of them for a sample."""

    @property
    def costly(self) -> bool:
        return True

    def thin(self, step: int) -> Rows:
        rows = Rows(self.y, self.design, self.offset, self.weight)
        return rows.thin(max(step, 8))


def made(family, kind=Costly, n=N) -> Pass:
    rng = np.random.default_rng(3)
    design = np.column_stack([np.ones(n), rng.normal(size=(n, 4))])
    mean = family.link.inverse(design @ np.array([0.2, 0.3, -0.4, 0.1, 0.2]))
    y = {
        "Binomial": lambda: rng.binomial(1, mean),
        "Poisson": lambda: rng.poisson(mean),
        "Gamma": lambda: rng.gamma(3.0, mean / 3.0),
    }[type(family).__name__]()
    weight = rng.uniform(0.5, 2.0, n)
    return Pass(
        kind(y.astype(float), Dense(design), None, weight), GLMLikelihood(family), Control()
    )


FAMILIES = [Binomial(), Poisson(), Gamma(Log())]


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_a_sharpened_step_is_nearer_to_the_maximum_than_newtons(family):
    run = made(family)
    best = fit_irls(made(family, Rows), np.zeros(5), Control(tol=1e-12)).theta
    surrogate = surrogate_of(run)
    assert surrogate is not None
    theta = best + 0.02 * np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    stats = run(theta, observed=True)
    factor = cholesky(stats.information)
    newton = factor.solve(stats.score)
    found = surrogate.sharpen(theta, stats, factor, newton, observed=True)
    left, before = (np.abs(theta + step - best).max() for step in (found.step, newton))
    assert left < 0.1 * before
    # the correction is what Newton's step lacked, and the error is told of
    assert found.correction == pytest.approx(factor.norm(best - theta - newton), rel=0.1)
    true = run(theta + found.step, observed=True).information
    root = factor.whitening()
    gap = root.T @ (found.factor.inverse() @ true - np.eye(5)) @ np.linalg.inv(root.T)
    assert np.abs(np.linalg.eigvals(gap)).max() < 3.0 * found.error


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_a_fit_with_a_surrogate_ends_where_the_fit_without_does(family):
    start = np.array([0.1, 0.0, 0.0, 0.0, 0.0])
    found = fit_irls(made(family), start, Control())
    usual = fit_irls(made(family, Rows), start, Control())
    assert found.converged
    assert len(found.history) < len(usual.history)
    np.testing.assert_allclose(found.theta, usual.theta, rtol=1e-10)
    errors = np.sqrt(np.diag(usual.covariance))
    assert np.abs((found.covariance - usual.covariance) / np.outer(errors, errors)).max() < 2e-9
    assert found.pearson == pytest.approx(usual.pearson, rel=3e-9)


def test_rows_in_memory_and_small_samples_have_no_surrogate():
    assert surrogate_of(made(Binomial(), Rows)) is None
    assert surrogate_of(made(Binomial(), n=8000)) is None


def test_a_step_that_leads_nowhere_is_left_as_it_is():
    """Far from the maximum what the sample says does not settle."""
    run = made(Poisson())
    surrogate = surrogate_of(run)
    theta = np.array([-12.0, 0.0, 0.0, 0.0, 0.0])
    stats = run(theta)
    factor = cholesky(stats.information)
    step = factor.solve(stats.score)
    assert surrogate.sharpen(theta, stats, factor, step, observed=False) is None
