"""Values of links that no contract can know: far tails, domains, constructors."""

import math

import numpy as np
import pytest

from glmfit.links import (
    Cauchy,
    CLogLog,
    Interval,
    InversePower,
    Logit,
    LogLog,
    NegativeBinomial,
    Power,
    Probit,
    Sqrt,
)


def at(value: float) -> np.ndarray:
    return np.array([value])


def test_interval_ends():
    ends = np.array([0.0, 1.0])
    assert Interval(0.0, 1.0).contains(ends).tolist() == [False, False]
    assert Interval(0.0, 1.0, closed_low=True).contains(ends).tolist() == [True, False]
    assert Interval(0.0, 1.0, closed_high=True).contains(ends).tolist() == [False, True]
    assert not Interval().contains(np.array([math.nan, math.inf, -math.inf])).any()
    assert Interval().unbounded and not Interval(0.0).unbounded
    assert str(Interval(0.0, 1.0, closed_low=True)) == "[0, 1)"


@pytest.mark.parametrize("eta", [-700.0, -300.0, -100.0, 100.0, 300.0, 700.0])
def test_logit_far_out(eta):
    link = Logit()
    assert link.log_mean(at(eta))[0] == pytest.approx(min(eta, 0.0), abs=1e-40)
    small = math.exp(-abs(eta))
    assert link.inverse_deriv(at(eta))[0] == pytest.approx(small, rel=1e-13)
    assert link.reversed_hazard(at(eta))[0] == pytest.approx(1.0 if eta < 0 else small, rel=1e-13)


def test_probit_hazard_where_density_and_tail_underflow():
    # Mills' ratio: phi/Phi(eta) = -eta - 1/eta + 2/eta^3 ... as eta falls
    assert Probit().reversed_hazard(at(-1e4))[0] == pytest.approx(1e4 + 1e-4, rel=1e-15)
    assert Probit().hazard(at(1e4))[0] == pytest.approx(1e4 + 1e-4, rel=1e-15)
    assert Probit().log_mean(at(-1e4))[0] == pytest.approx(
        -5e7 - math.log(1e4) - 0.5 * math.log(2 * math.pi), rel=1e-15
    )


def test_log_of_a_mean_near_one():
    """log(mu) would be 0 where mu rounds to 1."""
    assert Cauchy().log_mean(at(1e18))[0] == pytest.approx(-1e-18 / math.pi, rel=1e-14)
    tiny = math.exp(-math.exp(4.0))
    assert CLogLog().log_mean(at(4.0))[0] == pytest.approx(-tiny, rel=1e-13)
    assert LogLog().log_complement(at(-4.0))[0] == pytest.approx(-tiny, rel=1e-13)


def test_negative_binomial_slope_where_its_square_overflows():
    link = NegativeBinomial(alpha=0.5)
    assert link.inverse_deriv(at(-400.0))[0] == pytest.approx(2.0 * math.exp(-400.0), rel=1e-13)


def test_inverse_keeps_the_sign_of_the_mean():
    link = InversePower()
    assert link.eta_domain(Interval(0.0)) == Interval(0.0)
    assert link.eta_domain(Interval(-math.inf, 0.0)) == Interval(-math.inf, 0.0)
    assert link.eta_domain(Interval(0.2, 0.5)) == Interval(2.0, 5.0)
    assert link.eta_domain(Interval()).unbounded


@pytest.mark.parametrize("power", [0.0, math.inf, math.nan])
def test_power_link_needs_a_power(power):
    with pytest.raises(ValueError, match="for power 0 use the log link"):
        Power(power)


@pytest.mark.parametrize("alpha", [0.0, -1.0, math.nan])
def test_negative_binomial_link_needs_alpha(alpha):
    with pytest.raises(ValueError, match="needs alpha > 0"):
        NegativeBinomial(alpha)


def test_links_of_different_classes_differ():
    assert Power(0.5) != Sqrt()
    assert Power(1.5) == Power(1.5)
    assert str(Power(1.5)) == "power(1.5)"
    assert str(Sqrt()) == "sqrt"
