"""Generalised Poisson, truncated and censored counts.

Reference values: tests/reference/limited.R (VGAM) and the textbooks' formulas in mpmath.
"""

import json
import math
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.counts import (
    GeneralizedPoissonCount,
    LimitedCount,
    NegativeBinomialCount,
    PlainCount,
    PoissonCount,
    ZeroInflated,
)
from glmfit.errors import ArgumentError, NotAvailableError, ResponseError, SeparationWarning

FOLDER = Path(__file__).parent / "reference"
R = json.loads((FOLDER / "limited.json").read_text(encoding="utf8"))["cases"]
DATA = pd.DataFrame(json.loads((FOLDER / "counts.json").read_text(encoding="utf8"))["data"])
POSITIVE = DATA[DATA["y"] > 0]
TOP = DATA.assign(y=DATA["y"].clip(upper=6))
NAMES = {"(Intercept)": "Intercept", "(Intercept):1": "Intercept", "gb": "g[T.b]", "gc": "g[T.c]"}


def log_f(kernel, y, eta, second):
    """Return log P(y) of the whole distribution in mpmath."""
    mu = mpmath.exp(eta)
    if isinstance(kernel, PoissonCount):
        return y * eta - mu - mpmath.loggamma(y + 1)
    if isinstance(kernel, GeneralizedPoissonCount):
        delta = second * mu ** (mpmath.mpf(kernel.power) - 1)
        spread, total = 1 + delta, mu + delta * y
        found = eta + (y - 1) * mpmath.log(total) - y * mpmath.log(spread) - total / spread
        return found - mpmath.loggamma(y + 1)
    s = mpmath.exp(-second) * mu ** (2 - mpmath.mpf(kernel.power))
    found = mpmath.loggamma(y + s) - mpmath.loggamma(s) - mpmath.loggamma(y + 1)
    return found + y * mpmath.log(mu / (mu + s)) - s * mpmath.log1p(mu / s)


def log_probability(likelihood, y, eta, second=None):
    """Return the log-probability of what is seen in mpmath."""

    def beyond(cut):
        return mpmath.log(
            mpmath.mpf(1)
            - mpmath.fsum(
                mpmath.exp(log_f(likelihood.kernel, j, eta, second)) for j in range(cut + 1)
            )
        )

    if not isinstance(likelihood, LimitedCount):
        return log_f(likelihood.kernel, y, eta, second)
    many = likelihood.top is not None and y >= likelihood.top
    found = beyond(likelihood.top - 1) if many else log_f(likelihood.kernel, y, eta, second)
    return found - beyond(likelihood.above)


KERNELS = [
    PoissonCount(),
    NegativeBinomialCount(),
    NegativeBinomialCount(power=1.0),
    GeneralizedPoissonCount(),
    GeneralizedPoissonCount(power=2.0),
    GeneralizedPoissonCount(power=1.5),
]
LIKELIHOODS = [
    *(PlainCount(kernel) for kernel in KERNELS[3:]),
    *(LimitedCount(kernel, above=2) for kernel in KERNELS),
    *(LimitedCount(kernel, above=0, top=9) for kernel in KERNELS),
    *(LimitedCount(kernel, top=4) for kernel in KERNELS),
]


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=str)
@pytest.mark.parametrize("mu", [1e-6, 0.05, 1.3, 12.0])
def test_terms_are_the_derivatives_of_the_textbook(likelihood, mu):
    count = likelihood.kernel.count
    second = 0.2 if isinstance(likelihood.kernel, GeneralizedPoissonCount) else -0.6
    cut = getattr(likelihood, "above", -1)
    top = getattr(likelihood, "top", None) or 30
    for y in {cut + 1, cut + 2, min(7, top), top}:
        eta = np.array([[math.log(mu), second]])[:, :count]
        found = likelihood.rows(np.array([float(y)]), eta, True)
        perfect = y * math.log(y) - y - math.lgamma(y + 1) if y else 0.0
        with mpmath.workdps(70):

            def value(*point, y=y):
                return log_probability(likelihood, y, *point)

            point = tuple(mpmath.mpf(float(v)) for v in eta[0])
            want = float(value(*point))
            assert perfect - found.loss[0] == pytest.approx(want, rel=1e-11, abs=1e-12)
            line = 0
            for a in range(count):
                once = tuple(int(a == k) for k in range(count))
                slope = float(mpmath.diff(value, point, once))
                assert found.score[a, 0] == pytest.approx(slope, rel=1e-8, abs=1e-13)
                for b in range(a, count):
                    twice = tuple(int(a == k) + int(b == k) for k in range(count))
                    bend = -float(mpmath.diff(value, point, twice))
                    assert found.information[line, 0] == pytest.approx(bend, rel=1e-6, abs=1e-11)
                    line += 1


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=str)
def test_means_variances_and_their_slopes_are_those_of_the_probabilities(likelihood):
    count = likelihood.kernel.count
    second = 0.2 if isinstance(likelihood.kernel, GeneralizedPoissonCount) else -0.6
    eta = np.array([[math.log(m), second] for m in (0.3, 1.5, 4.0)])[:, :count]
    counts = np.arange(1500.0)
    share = np.array(
        [np.exp(likelihood.log_probability(counts, np.tile(row, (1500, 1)))) for row in eta]
    )
    np.testing.assert_allclose(share.sum(axis=1), 1.0, rtol=1e-9)
    mean = share @ counts
    np.testing.assert_allclose(likelihood.means(eta)[:, 0], mean, rtol=1e-9)
    spread = share @ counts**2 - mean**2
    np.testing.assert_allclose(likelihood.variance(eta), spread, rtol=1e-8)
    slopes, h = likelihood.mean_slopes(eta), 1e-5
    move = np.ones_like(eta)
    for m in range(count):
        step = np.zeros(count)
        step[m] = h
        up, down = likelihood.means(eta + step), likelihood.means(eta - step)
        np.testing.assert_allclose(slopes[:, :, m], (up - down) / (2 * h), rtol=1e-6, atol=1e-8)
        ends = [
            np.einsum("nkm,nm->nk", likelihood.mean_slopes(eta + s), move) for s in (step, -step)
        ]
        bend = likelihood.mean_curvature(eta, move)[:, :, m]
        np.testing.assert_allclose(bend, (ends[0] - ends[1]) / (2 * h), rtol=1e-5, atol=1e-7)


def model_of(name):
    if name.startswith("generalised"):
        return gf.generalizedpoisson("y ~ x + g", DATA, p=float(name[-1]))
    dist = "negativebinomial" if name.endswith("negbin") else "poisson"
    if name.startswith("truncated"):
        return gf.truncated("y ~ x + g", POSITIVE, dist=dist)
    return gf.censored("y ~ x + g", TOP, censoring=6, dist=dist)


@pytest.mark.parametrize("name", R)
def test_fits_are_those_of_vgam(name):
    case, result = R[name], model_of(name).fit()
    assert result.converged
    assert result.llf == pytest.approx(case["llf"], rel=1e-11)
    for term, value in case["coef"].items():
        if term != "(Intercept):2":
            assert result.params[NAMES.get(term, term)] == pytest.approx(value, abs=2e-6)
    second = case["coef"].get("(Intercept):2")
    if second is None:
        return
    alpha = {
        "generalised 1": lambda v: math.exp(v / 2.0) - 1.0,
        "generalised 2": math.exp,
        "truncated negbin": lambda v: math.exp(-v),
    }[name](second)
    if name == "generalised 1":  # VGAM's dispersion has a log-log link
        alpha = math.exp(math.exp(second) / 2.0) - 1.0
    assert result.alpha == pytest.approx(alpha, rel=1e-5)


def test_truncated_negative_binomials_are_the_positive_part_of_a_hurdle():
    cut = gf.truncated("y ~ x + g", POSITIVE, dist="negativebinomial").fit()
    hurdle = gf.hurdle("y ~ x + g", DATA, dist="negativebinomial").fit()
    np.testing.assert_allclose(cut.params, hurdle.params.iloc[1:], rtol=1e-8)
    np.testing.assert_allclose(cut.bse, hurdle.bse.iloc[1:], rtol=1e-8)


def test_limits_that_cut_nothing_change_nothing():
    whole = gf.negativebinomial("y ~ x", DATA).fit()
    far = gf.censored("y ~ x", DATA, censoring=10_000, dist="negativebinomial").fit()
    np.testing.assert_allclose(far.params, whole.params, rtol=1e-10)
    np.testing.assert_allclose(far.predict(), whole.predict(), rtol=1e-10)
    weighted = gf.truncated("y ~ x", POSITIVE, freq_weights="w").fit()
    rows = POSITIVE.loc[POSITIVE.index.repeat(POSITIVE["w"])].reset_index(drop=True)
    repeated = gf.truncated("y ~ x", rows).fit()
    np.testing.assert_allclose(weighted.params, repeated.params, rtol=1e-9)
    np.testing.assert_allclose(weighted.bse, repeated.bse, rtol=1e-9)


def test_underdispersed_counts_have_a_negative_alpha():
    """statsmodels 0.15.0 has these numbers after GeneralizedPoisson(...).fit(method="newton")."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    y = rng.binomial(10, 0.6, size=200).astype(float)
    result = gf.GeneralizedPoisson(y, gf.add_constant(x)).fit()
    assert result.llf == pytest.approx(-366.76045847349553, rel=1e-12)
    assert result.alpha == pytest.approx(-0.3755061, abs=1e-7)
    test = result.overdispersion_test()
    poisson = gf.Poisson(y, gf.add_constant(x)).fit()
    assert test.statistic == pytest.approx(2.0 * (result.llf - poisson.llf), rel=1e-8)
    assert "less spread" in result.summary().as_text()


def test_limits_separate_where_all_counts_are_at_them():
    data = pd.DataFrame({"g": list("ab") * 30, "y": [1, 2, 1, 3, 1, 5] * 10})
    with pytest.warns(SeparationWarning, match="Not finite: Intercept"):
        result = gf.truncated("y ~ g", data).fit()
    rest = gf.truncated("y ~ 1", data[data["g"] == "b"]).fit()
    assert result.llf == pytest.approx(rest.llf, rel=1e-11)
    np.testing.assert_allclose(result.predict(data.head(1)), [1.0])
    many = data.assign(y=np.where(data["g"] == "a", 5, data["y"].clip(upper=4)))
    with pytest.warns(SeparationWarning, match="Not finite: Intercept"):
        result = gf.censored("y ~ g", many, censoring=5).fit()
    rest = gf.poisson("y ~ 1", many[many["g"] == "b"]).fit()
    assert result.llf == pytest.approx(rest.llf, rel=1e-11)


def test_zeros_may_be_added_to_generalised_poisson_counts():
    result = gf.zeroinflated("v ~ x", DATA, inflation="~ z", dist="generalizedpoisson", p=1).fit()
    eta = np.array([[0.3, 0.2, 0.4]])
    total = sum(
        float(
            np.exp(ZeroInflated(GeneralizedPoissonCount()).log_probability(np.array([k]), eta))[0]
        )
        for k in map(float, range(400))
    )
    assert total == pytest.approx(1.0, rel=1e-10)
    table = result.predict(DATA.head(3), which="prob", y_values=range(400)).to_numpy()
    np.testing.assert_allclose(table @ np.arange(400), result.predict(DATA.head(3)), rtol=1e-8)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: gf.truncated("y ~ x", DATA), ResponseError, "only counts above 0 are seen"),
        (lambda: gf.censored("y ~ x", DATA, censoring=6), ResponseError, "as many or more"),
        (lambda: gf.censored("y ~ x", TOP, censoring=2.5), ArgumentError, "whole number"),
        (lambda: gf.truncated("y ~ x", TOP, truncation=-1), ArgumentError, "from 0 to"),
        (
            lambda: gf.truncated("y ~ x", TOP, truncation=3, censoring=4),
            ArgumentError,
            "leaves nothing",
        ),
        (lambda: gf.hurdle("y ~ x", DATA, dist="generalizedpoisson"), ArgumentError, "dist must"),
        (
            lambda: gf.generalizedpoisson("y ~ x", DATA, dispersion="~ x"),
            TypeError,
            "dispersion",
        ),
        (
            lambda: gf.generalizedpoisson("y ~ x", DATA).fit().get_distribution(),
            NotAvailableError,
            "which='prob'",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_arrays_go_by_statsmodels_order():
    y, X = POSITIVE["y"].to_numpy(float), gf.add_constant(POSITIVE[["x"]].to_numpy())
    plain = gf.truncated("y ~ x", POSITIVE, offset="z").fit()
    arrays = gf.TruncatedLFPoisson(y, X, POSITIVE["z"].to_numpy(), None, 0).fit()
    np.testing.assert_allclose(arrays.params, plain.params, rtol=1e-10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gf.CensoredNegativeBinomialP(np.minimum(y, 6), X, 6).fit().converged


def test_counts_far_above_a_limit_tell_nothing():
    """Means of e^40 where a count is "3 or more" had an information of as much."""
    likelihood = LimitedCount(PoissonCount(), top=3)
    for observed in (True, False):
        found = likelihood.rows(np.array([3.0]), np.array([[40.0]]), observed)
        np.testing.assert_allclose([found.score[0, 0], found.information[0, 0]], 0.0, atol=1e-12)
    data = pd.DataFrame(
        {"x": [-2.0, -1.0, -0.4, -0.3, 0.1, 0.8, 1.5, 9.0], "y": [3, 1, 0, 2, 3, 3, 3, 3]}
    )
    result = gf.censored("y ~ x", data, censoring=3).fit()
    record = result.record
    score = result.model.fitted_pass(record)(record.base[record.kept], observed=True).score
    assert result.converged and np.abs(score * result.bse).max() < 1e-7
