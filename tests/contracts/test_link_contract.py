"""What holds for every link: round trips, derivatives, exact tails, immutability.

Everything runs over the registry. A link that has an entry in `EXACT` is besides compared
with a 60-digit computation; the other checks need nothing but the registry line.
"""

import copy
import math
import pickle
from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from glmfit.errors import ArgumentError, ArgumentTypeError
from glmfit.links import LINKS, NEGATIVE, POSITIVE, REAL, UNIT, Interval, Link, resolve_link

mp = mpmath.mp.clone()
mp.dps = 60

METHODS = (
    "inverse",
    "complement",
    "inverse_deriv",
    "inverse_deriv2",
    "log_slope",
    "log_mean",
    "log_complement",
    "hazard",
    "reversed_hazard",
)
MEAN_METHODS = ("link", "deriv", "deriv2")
# no +-1: the mean of a power link is 1 there, and 1 - mu nothing but rounding
ETAS = (-38.0, -20.0, -8.0, -3.0, -1.1, -0.3, -1e-3, 1e-3, 0.3, 1.1, 3.0, 8.0, 20.0, 38.0)
INTERVALS = (
    REAL,
    POSITIVE,
    NEGATIVE,
    UNIT,
    Interval(0.2, 0.7),
    Interval(0.0, 3.0),
    Interval(0.5, math.inf),
)


def registered_links() -> list[Link]:
    """Return every example of every registered link, once."""
    found: list[Link] = []
    for link in LINKS.values():
        found.extend(example for example in link.examples() if example not in found)
    return found


def points_inside(interval: Interval) -> np.ndarray:
    """Return values spread over an open interval, near its ends too."""
    low, high = interval.low, interval.high
    if interval.unbounded:
        return np.array([-30.0, -2.5, -0.4, 0.2, 1.3, 7.0, 45.0])
    near = np.array([1e-9, 1e-4, 0.03, 0.2, 0.45])
    if high == math.inf:
        return low + np.array([1e-6, 1e-2, 0.3, 1.0, 2.0, 9.0, 300.0])
    if low == -math.inf:
        return high - np.array([300.0, 9.0, 2.0, 1.0, 0.3, 1e-2, 1e-6])
    return np.sort(np.concatenate([low + near * (high - low), high - near * (high - low)]))


def common(means: Interval, link: Link) -> Interval | None:
    """Return the part of ``means`` that the link covers, if any."""
    low = max(means.low, link.mean_range.low)
    high = min(means.high, link.mean_range.high)
    return Interval(low, high) if low < high else None


def etas_of(link: Link) -> np.ndarray:
    """Return the test points at which the link's inverse is defined."""
    etas = np.array(ETAS)
    return etas[link.eta_domain(link.mean_range).contains(etas) & (etas != 0.0)]


# --- exact values -----------------------------------------------------------------------

Exact = tuple[Callable, Callable]


def _by_mean(mean: Callable) -> Exact:
    return mean, lambda eta: 1 - mean(eta)


EXACT: dict[str, Callable[[Link], Exact]] = {
    "identity": lambda link: _by_mean(lambda eta: eta),
    "log": lambda link: _by_mean(mp.exp),
    "logc": lambda link: (lambda eta: -mp.expm1(eta), mp.exp),
    "logit": lambda link: (lambda e: 1 / (1 + mp.exp(-e)), lambda e: 1 / (1 + mp.exp(e))),
    "probit": lambda link: (
        lambda eta: mp.erfc(-eta / mp.sqrt(2)) / 2,
        lambda eta: mp.erfc(eta / mp.sqrt(2)) / 2,
    ),
    "cauchit": lambda link: (
        lambda eta: mp.atan2(1, -eta) / mp.pi,
        lambda eta: mp.atan2(1, eta) / mp.pi,
    ),
    "cloglog": lambda link: (
        lambda eta: -mp.expm1(-mp.exp(eta)),
        lambda eta: mp.exp(-mp.exp(eta)),
    ),
    "loglog": lambda link: (
        lambda eta: mp.exp(-mp.exp(-eta)),
        lambda eta: -mp.expm1(-mp.exp(-eta)),
    ),
    "power": lambda link: _by_mean(lambda eta: eta ** (1 / mp.mpf(link.power))),
    "sqrt": lambda link: _by_mean(lambda eta: eta**2),
    "inverse": lambda link: _by_mean(lambda eta: 1 / eta),
    "inverse_squared": lambda link: _by_mean(lambda eta: 1 / mp.sqrt(eta)),
    "nbinom": lambda link: _by_mean(lambda eta: 1 / (mp.mpf(link.alpha) * mp.expm1(-eta))),
}


def exact_values(link: Link, eta: float) -> dict[str, mpmath.mpf]:
    """Return what every method should give at ``eta``, to 50 digits or so.

    Derivatives are taken of whichever of mean and complement is the smaller, so that no
    digit is lost to a value near 1; logarithms likewise.
    """
    mean_of, complement_of = EXACT[link.name](link)
    at = mp.mpf(eta)
    mean, complement = mean_of(at), complement_of(at)
    if abs(complement) < abs(mean):
        first, second = -mp.diff(complement_of, at), -mp.diff(complement_of, at, 2)
    else:
        first, second = mp.diff(mean_of, at), mp.diff(mean_of, at, 2)
    values = {
        "inverse": mean,
        "complement": complement,
        "inverse_deriv": first,
        "inverse_deriv2": second,
        "log_slope": second / first,
        "reversed_hazard": first / mean,
        "hazard": first / complement if complement != 0 else None,
        "log_mean": None,
        "log_complement": None,
    }
    if mean > 0:
        values["log_mean"] = mp.log1p(-complement) if mean > 0.5 else mp.log(mean)
    if complement > 0:
        values["log_complement"] = mp.log1p(-mean) if complement > 0.5 else mp.log(complement)
    return values


def assert_close(got: float, want: mpmath.mpf, rtol: float, what: str) -> None:
    if abs(want) < 1e-305:
        assert abs(got) < 1e-300, f"{what}: {got!r} where the value underflows"
    else:
        error = float(abs(mp.mpf(float(got)) - want) / abs(want))
        assert error <= rtol, f"{what}: got {got!r}, want {mp.nstr(want, 20)}, error {error:.2e}"


LINK_CASES = [pytest.param(link, id=str(link)) for link in registered_links()]
every_link = pytest.mark.parametrize("link", LINK_CASES)


def test_every_registered_link_has_an_exact_reference():
    assert {link.name for link in registered_links()} <= set(EXACT)


@every_link
@pytest.mark.parametrize("method", METHODS)
def test_exact_in_the_middle_and_in_the_tails(link, method):
    etas = etas_of(link)
    # the mean's complement is a subtraction for links whose mean is no probability
    exact_complement = link.mean_range.high == 1.0 or link.name == "log"
    compared = 0
    with np.errstate(invalid="ignore"):  # log(1 - mu) of means above 1
        values = getattr(link, method)(etas)
    for eta, got in zip(etas, values, strict=True):
        exact = exact_values(link, eta)
        want = exact[method]
        if want is None:
            assert method in ("log_mean", "log_complement", "hazard")
            continue
        rtol = 1e-13
        if method in ("complement", "hazard", "log_complement") and not exact_complement:
            rtol += 4e-16 * float((1 + abs(exact["inverse"])) / abs(exact["complement"]))
        if method == "log_complement" and not exact_complement:
            rtol += 4e-16 / float(abs(want))
        if method == "log_mean":  # log(mu) near mu = 1 is as exact as mu is
            rtol += 4e-16 / float(abs(want)) if not exact_complement else 0.0
        assert_close(got, want, rtol, f"{link}.{method}({eta:g})")
        compared += 1
    # log(1 - mu) of a link whose means all lie above 1 here does not exist
    assert compared > 0 or method in ("log_mean", "log_complement")


@every_link
def test_slopes_by_the_mean(link):
    means = points_inside(common(Interval(-50.0, 50.0), link))
    means = means[(np.abs(means) > 1e-3) & (np.abs(1.0 - means) > 1e-3)]
    mean_of, _ = EXACT[link.name](link)
    for mean, first, second in zip(means, link.deriv(means), link.deriv2(means), strict=True):
        eta = mp.mpf(float(link.link(np.array([mean]))[0]))
        slope, bend = mp.diff(mean_of, eta), mp.diff(mean_of, eta, 2)
        assert_close(first, 1 / slope, 1e-10, f"{link}.deriv({mean:g})")
        if bend == 0:
            assert second == 0.0
        else:
            # near a point of inflection only the size of the terms counts
            error = abs(mp.mpf(float(second)) + bend / slope**3)
            assert error <= 1e-10 * (abs(bend / slope**3) + abs(1 / slope**2))


# --- what needs the registry alone ------------------------------------------------------


@every_link
def test_mean_to_eta_and_back(link):
    for interval in INTERVALS:
        means = common(interval, link)
        if means is None:
            continue
        mu = points_inside(means)
        mu = mu[mu != 0.0]
        np.testing.assert_allclose(link.inverse(link.link(mu)), mu, rtol=1e-9)


@every_link
def test_eta_to_mean_and_back(link):
    eta = etas_of(link)
    mean = link.inverse(eta)
    # a probability near 1 has no digits left to tell eta; a power of 38 may overflow
    eta = eta[(mean > 1e-300) & (np.abs(1.0 - mean) > 1e-3) | (mean < 0.0) | (mean > 2.0)]
    assert eta.size >= 3
    np.testing.assert_allclose(link.link(link.inverse(eta)), eta, rtol=1e-9)


@every_link
def test_inverse_deriv_is_the_derivative_of_inverse(link):
    eta = etas_of(link)
    eta = eta[np.abs(eta) <= 3.0]
    step = 1e-3 * np.minimum(np.abs(eta), 0.5)
    for function, derivative in (
        (link.inverse, link.inverse_deriv),
        (link.inverse_deriv, link.inverse_deriv2),
    ):
        near = (function(eta + step) - function(eta - step)) / (2.0 * step)
        far = (function(eta + 2 * step) - function(eta - 2 * step)) / (4.0 * step)
        scale = np.abs(function(eta) / eta) + np.abs(derivative(eta))
        assert (np.abs((4.0 * near - far) / 3.0 - derivative(eta)) <= 2e-9 * scale).all()


@every_link
def test_slopes_agree_with_one_another(link):
    eta = etas_of(link)
    eta = eta[np.abs(eta) <= 8.0]
    slope = link.inverse_deriv(eta)
    np.testing.assert_allclose(link.inverse_deriv2(eta), slope * link.log_slope(eta), rtol=1e-12)
    np.testing.assert_allclose(link.reversed_hazard(eta) * link.inverse(eta), slope, rtol=1e-12)
    np.testing.assert_allclose(
        link.hazard(eta) * link.complement(eta), slope, rtol=1e-12, atol=1e-300
    )


@every_link
def test_strictly_monotone(link):
    domain = link.eta_domain(link.mean_range)
    pieces = [domain]
    if domain.unbounded and not np.isfinite(
        link.link(np.array([0.0])) if link.mean_range.unbounded else 0.0
    ):
        pieces = [NEGATIVE, POSITIVE]  # 1/mu falls on either side of its pole
    for piece in pieces:
        low, high = max(piece.low, -5.0), min(piece.high, 3.0)
        eta = np.linspace(low, high, 403)[1:-1]
        steps = np.diff(link.inverse(eta))
        assert (steps > 0.0).all() or (steps < 0.0).all()
        assert (np.sign(steps) == np.sign(link.inverse_deriv(eta)[1:])).all()


@every_link
@pytest.mark.parametrize("interval", INTERVALS, ids=str)
def test_eta_domain_is_the_image_of_the_means(link, interval):
    means = common(interval, link)
    if means is None:
        pytest.skip(f"{link} has no mean in {interval}")
    domain = link.eta_domain(interval)
    assert domain.low < domain.high
    mu = points_inside(means)
    mu = mu[mu != 0.0]
    assert domain.contains(link.link(mu)).all()
    eta = points_inside(domain)
    back = link.inverse(eta[(eta != 0.0) & (np.abs(eta) < 30.0)])
    slack = 1e-9 * max(1.0, abs(means.low) if math.isfinite(means.low) else 1.0)
    assert (back >= means.low - slack).all() and (back <= means.high + slack).all()
    every = points_inside(link.mean_range)
    every = every[every != 0.0]
    outside = every[(every < means.low) | (every > means.high)]
    assert not domain.contains(link.link(outside)).any()


@every_link
def test_immutable(link):
    for name in ("name", "power", "alpha", "anything"):
        # on Python 3.11 a slotted frozen dataclass refuses an unknown name by TypeError
        with pytest.raises((AttributeError, TypeError)):
            setattr(link, name, 2.0)
    assert not hasattr(link, "__dict__")


@every_link
def test_equal_to_its_copies_alone(link):
    for twin in (pickle.loads(pickle.dumps(link)), copy.copy(link), copy.deepcopy(link)):
        assert twin == link
        assert hash(twin) == hash(link)
        assert str(twin) == str(link)
    others = [other for other in registered_links() if other is not link]
    assert sum(other == link for other in others) <= 1  # itself, where examples() makes it anew
    assert all(type(other) is type(link) for other in others if other == link)


@every_link
@pytest.mark.parametrize("method", [*METHODS, *MEAN_METHODS])
def test_input_is_left_alone(link, method):
    if method in MEAN_METHODS:
        values = points_inside(common(Interval(0.1, 0.9), link))
    else:
        values = etas_of(link)
    before = values.copy()
    values.flags.writeable = False
    with np.errstate(invalid="ignore"):
        result = getattr(link, method)(values)
    np.testing.assert_array_equal(values, before)
    assert result.shape == values.shape
    assert result.dtype == np.float64


@every_link
def test_called_as_a_function(link):
    mu = [0.2, 0.4]
    np.testing.assert_array_equal(link(mu), link.link(np.array(mu)))


@pytest.mark.parametrize("name", sorted(LINKS))
def test_resolved_by_every_registered_name(name):
    assert resolve_link(name) is LINKS[name]
    assert resolve_link(f" {name.upper()} ") is LINKS[name]
    assert resolve_link(LINKS[name]) is LINKS[name]
    assert resolve_link(type(LINKS[name])) == LINKS[name]


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ArgumentError, match=r"no link 'probbit'\. Did you mean 'probit'"):
        resolve_link("probbit")
    with pytest.raises(ArgumentTypeError, match="got int"):
        resolve_link(3)
