"""What holds for every family, under every link that its means allow.

The checks are functions of one family (or one family with one link). They are collected in
two lists and run over the registry, so that a family is covered from the moment of its
`register_family` line; the last tests register one of their own to show it.
"""

import copy
import itertools
import math
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from scipy import special

from glmfit.errors import ArgumentError, ArgumentTypeError, NotAvailableError, ResponseError
from glmfit.families import (
    FAMILIES,
    NON_NEGATIVE,
    Binomial,
    Family,
    Gamma,
    NegativeBinomial,
    Tweedie,
    register_family,
    resolve_family,
)
from glmfit.likelihoods import GLMLikelihood, log_choose
from glmfit.links import LINKS, POSITIVE, Interval, Link, Log

RESPONSES = np.array([-2.5, 0.0, 0.05, 0.3, 0.8, 1.0, 2.0, 3.7, 6.0, 25.0])

# --- cases ------------------------------------------------------------------------------


def registered_families() -> list[Family]:
    """Return every example of every registered family, once."""
    found: list[Family] = []
    for family in FAMILIES.values():
        found.extend(example for example in family.examples() if example not in found)
    return found


def registered_links() -> list[Link]:
    found: list[Link] = []
    for link in LINKS.values():
        found.extend(example for example in link.examples() if example not in found)
    return found


def allowed_means(family: Family) -> Interval | None:
    """Return the means that both the family and its link know, if there are any."""
    low = max(family.mean_domain.low, family.link.mean_range.low)
    high = min(family.mean_domain.high, family.link.mean_range.high)
    return Interval(low, high) if low < high else None


def linked_families() -> list[Family]:
    """Return every family under every link with which it has means in common."""
    pairs = itertools.product(registered_families(), registered_links())
    linked = (family.with_link(link) for family, link in pairs)
    return [family for family in linked if allowed_means(family) is not None]


def some_means(family: Family) -> np.ndarray:
    domain = allowed_means(family)
    assert domain is not None
    values = np.array([-6.0, -0.7, 0.03, 0.21, 0.5, 0.83, 0.97, 1.9, 6.4, 30.0])
    return values[domain.contains(values)]


def some_responses(family: Family) -> np.ndarray:
    """Return values that the family accepts."""

    def accepted(value: float) -> bool:
        try:
            family.check_response(np.array([value]))
        except ResponseError:
            return False
        return True

    return np.array([value for value in RESPONSES if accepted(value)])


def pairs_of(family: Family) -> tuple[np.ndarray, np.ndarray]:
    """Return responses and means, each with each."""
    y, mu = np.meshgrid(some_responses(family), some_means(family))
    return y.ravel(), mu.ravel()


def derivative(function: Callable, x: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Differentiate by the central formula of order 8."""
    total = np.zeros_like(x)
    for k, weight in enumerate((4 / 5, -1 / 5, 4 / 105, -1 / 280), start=1):
        total += weight * (function(x + k * step) - function(x - k * step))
    return total / step


def eta_steps(family: Family, eta: np.ndarray) -> np.ndarray:
    """Return steps in eta that stay well inside its domain."""
    domain = family.eta_domain()
    room = np.minimum(eta - domain.low, domain.high - eta)
    size = np.where(eta == 0.0, 1.0, np.abs(eta))  # 1/mu has a pole at 0
    return 4e-3 * np.minimum(np.minimum(room, size), 1.0)


def assert_near(got: np.ndarray, want: np.ndarray, scale: np.ndarray, tol: float = 1e-8) -> None:
    error = np.abs(got - want) / (np.abs(want) + scale)
    worst = int(np.argmax(error))
    assert error[worst] <= tol, f"{got[worst]!r} for {want[worst]!r} (point {worst})"


# --- the contract of a family with a link -----------------------------------------------


def score_is_the_slope_of_the_deviance(family: Family) -> None:
    y, mu = pairs_of(family)
    eta = family.link.link(mu)
    step = eta_steps(family, eta)
    slope = derivative(lambda e: family.unit_deviance(y, family.link.inverse(e)), eta, step)
    size = family.unit_deviance(y, mu) / (eta_steps(family, eta) * 250)
    assert_near(family.working(y, eta).score, -0.5 * slope, size + 1e-6)


def working_deviance_is_the_unit_deviance(family: Family) -> None:
    y, mu = pairs_of(family)
    eta = family.link.link(mu)
    want = family.unit_deviance(y, family.link.inverse(eta))
    np.testing.assert_allclose(family.working(y, eta).deviance, want, rtol=1e-10, atol=1e-12)


def observed_weight_is_the_slope_of_the_score(family: Family) -> None:
    y, mu = pairs_of(family)
    eta = family.link.link(mu)
    step = eta_steps(family, eta)
    slope = derivative(lambda e: family.working(y, e).score, eta, step)
    size = np.abs(family.working(y, eta).score) / (step * 250) + family.working(y, eta).weight
    assert_near(family.observed_weight(y, eta), -slope, size)


def weight_is_slope_squared_over_variance(family: Family) -> None:
    mu = some_means(family)
    eta = family.link.link(mu)
    weight = family.working(mu, eta).weight
    want = family.link.inverse_deriv(eta) ** 2 / family.variance(mu)
    np.testing.assert_allclose(weight, want, rtol=1e-9)
    # the observed weight is affine in y, so its mean over y is its value at y = mu
    np.testing.assert_allclose(family.observed_weight(mu, eta), weight, rtol=1e-9)


def observed_equals_expected_if_canonical(family: Family) -> None:
    y, mu = pairs_of(family)
    eta = family.link.link(mu)
    expected = family.working(y, eta).weight
    same = np.abs(family.observed_weight(y, eta) - expected) <= 1e-9 * expected
    if family.canonical:
        assert same.all()
    else:
        # so that a canonical link that is not said to be one is found out; some pairs are
        # canonical under a particular parameter only (negative binomial)
        assert not same.all() or family.canonical_link is None


def constant_eta_maximises(family: Family) -> None:
    means = some_means(family)
    ladder = means[0] + (means[-1] - means[0]) * np.array([0.15, 0.9, 0.3, 0.55])
    y, weight = ladder, np.array([1.0, 2.0, 0.5, 3.0])
    responses_allowed = True
    try:
        family.check_response(y)
    except ResponseError:
        responses_allowed = False
    assert responses_allowed
    steps = np.array([0.4, -0.3, 0.1, 0.2]) * float(eta_steps(family, family.link.link(y)).min())
    for offset in (None, 25.0 * steps):
        if offset is None:
            mean = float(np.dot(weight, y) / weight.sum())
            constant = GLMLikelihood(family).constant_eta(mean)
        else:
            constant = family.constant_eta(y, weight, offset)
        if constant is None:
            continue
        eta = np.full(4, constant) + (0.0 if offset is None else offset)
        assert family.eta_domain().contains(eta).all()
        score = weight * family.working(y, eta).score
        assert abs(score.sum()) <= 1e-9 * np.abs(score).sum() + 1e-12

        def total(at: np.ndarray) -> float:
            return float(np.dot(weight, family.working(y, at).deviance))

        room = float(eta_steps(family, eta).min()) * 10.0
        assert total(eta) < min(total(eta + room), total(eta - room))


def start_lies_in_the_mean_domain(family: Family) -> None:
    y = some_responses(family)
    for weight in (np.ones_like(y), np.linspace(0.2, 30.0, y.size)):
        assert family.mean_domain.contains(family.start(y, weight)).all()
    started = GLMLikelihood(family).starting_eta(y, None)
    assert started.shape == y.shape


def eta_domain_keeps_means_inside(family: Family) -> None:
    domain = family.eta_domain()
    eta = np.array([-20.0, -2.0, -0.5, -0.01, 0.01, 0.5, 2.0, 20.0])
    inside = domain.contains(eta)
    assert inside.any()
    mu = family.link.inverse(eta[inside])
    low, high = family.mean_domain.low, family.mean_domain.high
    assert ((mu >= low) & (mu <= high)).all()


def input_is_left_alone(family: Family) -> None:
    y, mu = pairs_of(family)
    eta = family.link.link(mu).copy()
    weight = np.linspace(0.5, 2.0, y.size)
    given = (y, mu, eta, weight)
    before = [values.copy() for values in given]
    for values in given:
        values.flags.writeable = False
    likelihood = GLMLikelihood(family)
    family.working(y, eta)
    family.observed_weight(y, eta)
    family.start(y, weight)
    family.constant_eta(y, weight, eta)
    likelihood.evaluate(y, eta, weight, observed=True)
    with np.errstate(divide="ignore"):
        likelihood.log_likelihood(y, mu, 1.0, var_weights=weight)
    for values, old in zip(given, before, strict=True):
        np.testing.assert_array_equal(values, old)


def likelihood_weighs_rows(family: Family) -> None:
    y, mu = pairs_of(family)
    eta = family.link.link(mu)
    counts = np.arange(1, y.size + 1) % 3 + 1
    likelihood = GLMLikelihood(family)
    for observed in (False, True):
        once = likelihood.evaluate(y, eta, counts.astype(float), observed=observed)
        again = likelihood.evaluate(
            np.repeat(y, counts), np.repeat(eta, counts), None, observed=observed
        )
        np.testing.assert_allclose(once.deviance, again.deviance, rtol=1e-12)
        np.testing.assert_allclose(once.score.sum(), again.score.sum(), rtol=1e-9)
        np.testing.assert_allclose(once.weight.sum(), again.weight.sum(), rtol=1e-9)


LINKED = (
    score_is_the_slope_of_the_deviance,
    working_deviance_is_the_unit_deviance,
    observed_weight_is_the_slope_of_the_score,
    weight_is_slope_squared_over_variance,
    observed_equals_expected_if_canonical,
    constant_eta_maximises,
    start_lies_in_the_mean_domain,
    eta_domain_keeps_means_inside,
    input_is_left_alone,
    likelihood_weighs_rows,
)

# --- the contract of a family under its own link ----------------------------------------


def deviance_is_a_distance(family: Family) -> None:
    y, mu = pairs_of(family)
    unit = family.unit_deviance(y, mu)
    assert (unit >= 0.0).all()
    assert (unit[np.abs(y - mu) > 1e-3] > 0.0).all()
    inside = some_means(family)
    np.testing.assert_allclose(family.unit_deviance(inside, inside), 0.0, atol=1e-13)


def variance_is_positive_with_its_derivative(family: Family) -> None:
    mu = some_means(family)
    assert (family.variance(mu) > 0.0).all()
    domain = family.mean_domain
    step = 4e-3 * np.minimum(np.minimum(mu - domain.low, domain.high - mu), 1.0)
    slope = derivative(family.variance, mu, step)
    assert_near(family.variance_deriv(mu), slope, family.variance(mu) / np.abs(mu))
    power = family.variance_power()
    if power is not None:
        inside = mu[mu > 0.0]
        np.testing.assert_allclose(family.variance(inside), inside**power, rtol=1e-12)


def anscombe_straightens_the_variance(family: Family) -> None:
    mu = some_means(family)
    mu = mu[mu > 0.0]
    try:
        family.anscombe_transform(mu)
    except NotImplementedError as error:
        assert "anscombe_transform" in str(error)
        return
    domain = family.mean_domain
    step = 4e-3 * np.minimum(np.minimum(mu - domain.low, domain.high - mu), 1.0)
    slope = derivative(family.anscombe_transform, mu, step)
    np.testing.assert_allclose(slope, family.variance(mu) ** (-1.0 / 3.0), rtol=1e-8)


def density_by_the_mean(family: Family) -> None:
    """d log f / d mu = w (y - mu) / (phi V), and the deviance is twice what mu loses."""
    y, mu = pairs_of(family)
    if not has_density(family):
        return
    scale = 0.6 if family.dispersion is None else family.dispersion
    weight = np.full_like(mu, 1.7)
    domain = family.mean_domain
    step = 4e-3 * np.minimum(np.minimum(mu - domain.low, domain.high - mu), 1.0)
    slope = derivative(lambda at: family.log_density(y, at, weight, scale), mu, step)
    want = weight * (y - mu) / (scale * family.variance(mu))
    # Poisson-like families ignore the scale, which is 1 for them
    assert_near(slope, want, np.abs(family.log_density(y, mu, weight, scale)) + 1.0)
    inside = domain.contains(y)
    y, mu, weight = y[inside], mu[inside], weight[inside]
    loss = family.log_density(y, y, weight, scale) - family.log_density(y, mu, weight, scale)
    half = weight * family.unit_deviance(y, mu) / (2.0 * scale)
    np.testing.assert_allclose(loss, half, rtol=1e-9, atol=1e-10)


def density_adds_up(family: Family) -> None:
    """The density has total 1, mean mu, variance phi V, and E[observed] = expected weight."""
    if not has_density(family):
        return
    scale = 0.4 if family.dispersion is None else family.dispersion
    for mean in some_means(family):
        y, mass = distribution(family, float(mean), scale)
        assert mass.sum() == pytest.approx(1.0, abs=1e-9)
        assert np.dot(mass, y) == pytest.approx(mean, rel=1e-8, abs=1e-9)
        spread = float(family.variance(np.array([mean]))[0]) * scale
        assert np.dot(mass, (y - mean) ** 2) == pytest.approx(spread, rel=1e-7)
        if not allowed_means(family).contains(mean):
            continue
        eta = np.full_like(y, family.link.link(np.array([mean]))[0])
        stats = family.working(y, eta)
        assert np.dot(mass, family.observed_weight(y, eta)) == pytest.approx(
            stats.weight[0], rel=1e-7
        )
        # the information is also the variance of the score (second Bartlett identity)
        assert np.dot(mass, stats.score**2) / scale == pytest.approx(stats.weight[0], rel=1e-7)


def tails_add_up_the_density(family: Family) -> None:
    """P(Y <= y) is the density added up, and the tails on both sides make 1."""
    scale = 0.4 if family.dispersion is None else family.dispersion
    try:
        family.tails(np.ones(1), some_means(family)[:1], np.ones(1), scale)
    except NotAvailableError:  # `test_only_these_have_no_tails` says whose it may be
        return
    for mean in some_means(family):
        y, mass = distribution(family, float(mean), scale)
        if family.counts:
            y, mass = y[:300], mass[:300]
        mu, weight = np.full_like(y, mean), np.ones_like(y)
        tails = family.tails(y, mu, weight, scale)
        np.testing.assert_allclose(tails.below + tails.at_or_above, 1.0, rtol=1e-12)
        np.testing.assert_allclose(tails.at_or_below + tails.above, 1.0, rtol=1e-12)
        for rising in (tails.below, tails.at_or_below):
            assert (np.diff(rising) >= -1e-14).all()
        atom = tails.at_or_below - tails.below
        if family.counts or family.proportions:
            np.testing.assert_allclose(np.cumsum(mass), tails.at_or_below, atol=1e-11)
            np.testing.assert_allclose(atom, mass, rtol=1e-7, atol=1e-14)
            continue
        # the trapezoidal rule of `distribution`, which holds half of the last cell
        added = np.cumsum(mass) - np.where(y == 0.0, 0.0, mass / 2)
        np.testing.assert_allclose(added, tails.at_or_below, atol=2e-4)
        np.testing.assert_allclose(atom, np.where(y == 0.0, mass, 0.0), rtol=1e-12, atol=1e-300)


def draws_have_the_moments(family: Family) -> None:
    """Responses are drawn with mean mu and variance phi V / weight, and are possible ones."""
    scale = 0.4 if family.dispersion is None else family.dispersion
    means = some_means(family)
    mean = means[(means > -1.0) & (means < 7.0) & (means > family.mean_domain.low)]
    mu = np.broadcast_to(mean, (60_000, mean.size))
    weight = np.full_like(mu, 3.0)
    rng = np.random.default_rng(1)
    try:
        drawn = family.draw(rng, mu, weight, scale)
    except NotAvailableError:  # `test_only_these_are_not_drawn` says whose it may be
        return
    spread = family.variance(mean) * scale / 3.0
    np.testing.assert_array_less(np.abs(drawn.mean(axis=0) - mean), 5 * np.sqrt(spread / 60_000))
    np.testing.assert_allclose(drawn.var(axis=0), spread, rtol=0.08)
    family.check_response(drawn.ravel())


def refuses_impossible_responses(family: Family) -> None:
    impossible = np.setdiff1d(RESPONSES, some_responses(family))
    if impossible.size == 0:
        assert family.response_domain.unbounded
        return
    good = some_responses(family)[:1]
    y = np.concatenate([good, impossible])
    with pytest.raises(ResponseError) as caught:
        family.check_response(y)
    message = str(caught.value)
    assert f"{impossible.size} of {y.size} values" in message
    assert f"the first is {impossible[0]:g} (observation 1)" in message
    family.check_response(good)
    with pytest.raises(ResponseError):
        family.check_response(np.array([math.nan]))


def frozen_and_copied_exactly(family: Family) -> None:
    for name in ("link", "name", "alpha", "anything"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(family, name, 1.0)
    assert not hasattr(family, "__dict__")
    for twin in (pickle.loads(pickle.dumps(family)), copy.deepcopy(family)):
        assert twin == family
        assert hash(twin) == hash(family)
        assert twin.describe() == family.describe()
    other = family.with_link("identity" if family.link != LINKS["identity"] else "log")
    assert other != family
    assert replace(other, link=family.link) == family
    assert resolve_family(family) is family


def quasi_families_have_no_likelihood(family: Family) -> None:
    if family.quasi:
        y, mu = pairs_of(family)
        assert np.isnan(family.log_density(y, mu, np.ones_like(y), 1.0)).all()


PLAIN = (
    deviance_is_a_distance,
    variance_is_positive_with_its_derivative,
    anscombe_straightens_the_variance,
    density_by_the_mean,
    density_adds_up,
    tails_add_up_the_density,
    draws_have_the_moments,
    refuses_impossible_responses,
    frozen_and_copied_exactly,
    quasi_families_have_no_likelihood,
)


def has_density(family: Family) -> bool:
    y, mu = pairs_of(family)
    density = family.log_density(y, mu, np.ones_like(y), 1.0)
    assert np.isnan(density).all() or not np.isnan(density).any()
    return not np.isnan(density).all()


def distribution(family: Family, mean: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return values and probabilities, or quadrature nodes and masses."""

    def masses(y: np.ndarray) -> np.ndarray:
        return np.exp(family.log_density(y, np.full_like(y, mean), np.ones_like(y), scale))

    if family.proportions:
        y = np.array([0.0, 1.0])
        return y, masses(y)
    if family.counts:
        y = np.arange(6000.0)
        return y, masses(y)
    if family.mean_domain.unbounded:
        y = mean + math.sqrt(scale) * np.linspace(-12.0, 12.0, 2001)
        return y, masses(y) * (y[1] - y[0])
    # positive: the trapezoidal rule in log(y) converges exponentially; next to an atom at 0
    # the density may be like y^-0.9, which needs a long way down
    depth = 320.0 if 0.0 in some_responses(family) else 20.0
    log_y = np.linspace(math.log(mean) - depth, math.log(mean) + 9.0, 26001)
    y = np.exp(log_y)
    mass = masses(y) * y * (log_y[1] - log_y[0])
    if 0.0 in some_responses(family):
        zero = np.zeros(1)
        return np.concatenate([zero, y]), np.concatenate([masses(zero), mass])
    return y, mass


# --- over the registry ------------------------------------------------------------------


def label(family: Family) -> str:
    return f"{family.describe()}-{family.link}"


@pytest.mark.parametrize("check", LINKED, ids=lambda check: check.__name__)
@pytest.mark.parametrize("family", [pytest.param(f, id=label(f)) for f in linked_families()])
def test_with_every_link(family, check):
    check(family)


@pytest.mark.parametrize("check", PLAIN, ids=lambda check: check.__name__)
@pytest.mark.parametrize("family", [pytest.param(f, id=label(f)) for f in registered_families()])
def test_alone(family, check):
    check(family)


def test_only_these_have_no_density():
    without = {f.describe() for f in registered_families() if not has_density(f)}
    quasi = {f.describe() for f in registered_families() if f.quasi}
    assert len(quasi) >= 8
    assert without == {*quasi, "Tweedie(var_power=2.5)"}


def test_only_these_have_no_tails():
    for family in registered_families():
        mu = some_means(family)[:1]
        if has_density(family):
            assert np.isfinite(family.tails(np.ones(1), mu, np.ones(1), 1.0).below).all()
        else:
            with pytest.raises(NotAvailableError, match="no distribution function"):
                family.tails(np.ones(1), mu, np.ones(1), 1.0)


def test_only_these_are_not_drawn():
    for family in registered_families():
        mu, rng = np.array([0.5]), np.random.default_rng(1)
        if has_density(family):
            assert np.isfinite(family.draw(rng, mu, np.ones(1), 1.0)).all()
        else:
            with pytest.raises(NotAvailableError, match="is no distribution"):
                family.draw(rng, mu, np.ones(1), 1.0)


@pytest.mark.parametrize("trials", [1, 2, 7, 40])
@pytest.mark.parametrize("mean", [1e-4, 0.3, 0.5, 0.99])
def test_binomial_counts_add_up(trials, mean):
    successes = np.arange(trials + 1.0)
    n = np.full_like(successes, trials)
    likelihood = GLMLikelihood(Binomial())
    rows = likelihood.log_likelihood(successes / n, np.full_like(n, mean), 1.0, trials=n)
    probability = np.exp(rows)
    assert probability.sum() == pytest.approx(1.0, abs=1e-12)
    assert np.dot(probability, successes) == pytest.approx(trials * mean, rel=1e-11)
    want = (
        special.gammaln(n + 1) - special.gammaln(successes + 1) - special.gammaln(n - successes + 1)
    )
    np.testing.assert_allclose(log_choose(n, successes), want, atol=1e-11)


def test_families_agree_where_they_meet():
    y, mu, weight = np.array([0.4, 1.0, 6.0]), np.array([0.7, 1.5, 3.0]), np.array([1.0, 2.0, 0.5])
    for power, name in ((0.0, "gaussian"), (1.0, "poisson"), (2.0, "gamma")):
        tweedie, other = Tweedie(var_power=power), FAMILIES[name]
        np.testing.assert_allclose(tweedie.unit_deviance(y, mu), other.unit_deviance(y, mu))
        np.testing.assert_allclose(
            tweedie.log_density(y, mu, weight, 1.0), other.log_density(y, mu, weight, 1.0)
        )
    near, gamma = Tweedie(var_power=2.0 - 1e-6), Gamma(Log())
    np.testing.assert_allclose(near.unit_deviance(y, mu), gamma.unit_deviance(y, mu), rtol=1e-4)
    counts = np.array([0.0, 1.0, 6.0])
    nearly_poisson, poisson = NegativeBinomial(alpha=1e-7), FAMILIES["poisson"]
    np.testing.assert_allclose(
        nearly_poisson.unit_deviance(counts, mu), poisson.unit_deviance(counts, mu), rtol=1e-5
    )


def test_unit_deviance_keeps_its_digits_near_zero():
    """(y - mu)^2 / V to leading order, which subtracting logarithms would lose."""
    y = np.array([2.0, 7.0])
    mu = y * (1.0 + 1e-7)
    for family in (f for f in registered_families() if f.mean_domain.contains(y).all()):
        want = (y - mu) ** 2 / family.variance(mu)
        np.testing.assert_allclose(family.unit_deviance(y, mu), want, rtol=1e-5)


# --- a family that is new ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Geometric(Family):
    """Failures before a success: V(mu) = mu + mu^2. One record, nothing else."""

    name: ClassVar[str] = "Geometric"
    default_link: ClassVar[Link] = Log()
    counts: ClassVar[bool] = True
    mean_domain: ClassVar[Interval] = POSITIVE
    response_domain: ClassVar[Interval] = NON_NEGATIVE

    def variance(self, mu):
        return mu + mu * mu

    def variance_deriv(self, mu):
        return 1.0 + 2.0 * mu

    def unit_deviance(self, y, mu):
        return 2.0 * (special.rel_entr(y, mu) - special.rel_entr(y + 1.0, mu + 1.0))

    def log_density(self, y, mu, weight, scale):
        return weight * (special.xlogy(y, mu) - (y + 1.0) * np.log1p(mu))

    def start(self, y, weight):
        return y + 0.2


@dataclass(frozen=True, slots=True)
class Broken(Geometric):
    """Says that its variance is flatter than it is."""

    name: ClassVar[str] = "Broken"

    def variance_deriv(self, mu):
        return 1.0 + 1.9 * mu


@pytest.fixture
def newly_registered() -> Iterator[Callable[[Family], None]]:
    before = dict(FAMILIES)
    yield register_family
    FAMILIES.clear()
    FAMILIES.update(before)


def test_a_new_family_is_picked_up(newly_registered):
    newly_registered(Geometric(), "failures")
    assert resolve_family("failures") == Geometric()
    alone = [family for family in registered_families() if family.name == "Geometric"]
    linked = [family for family in linked_families() if family.name == "Geometric"]
    assert len(alone) == 1
    assert len(linked) >= 10
    for check in PLAIN:
        for family in alone:
            check(family)
    for check in LINKED:
        for family in linked:
            check(family)


def test_the_new_family_is_gone_again():
    with pytest.raises(ArgumentError, match="no family 'geometric'"):
        resolve_family("geometric")


def test_a_wrong_family_is_caught(newly_registered):
    newly_registered(Broken())
    (family,) = (family for family in registered_families() if family.name == "Broken")
    with pytest.raises(AssertionError):
        variance_is_positive_with_its_derivative(family)
    with pytest.raises(AssertionError):
        observed_weight_is_the_slope_of_the_score(family)


# --- names ------------------------------------------------------------------------------


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ArgumentError, match=r"no family 'poison'\. Did you mean 'poisson'"):
        resolve_family("poison")
    with pytest.raises(ArgumentTypeError, match="got float"):
        resolve_family(1.5)


@pytest.mark.parametrize(("name", "link"), [("negative binomial", "sqrt"), ("Tweedie", None)])
def test_a_missing_parameter_is_asked_for(name, link):
    with pytest.raises(ArgumentError, match=r"needs (alpha|var_power)"):
        resolve_family(name, link)
