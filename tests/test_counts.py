"""Models of counts: negative binomial, zero-inflated and hurdle, with their edges.

Reference values: tests/reference/counts.R (MASS, pscl) and counts_mp.py (30 digits).
"""

import json
import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import glmfit as gf
from glmfit.counts import (
    CountKernel,
    CountLikelihood,
    Hurdle,
    NegativeBinomialCount,
    PlainCount,
    PoissonCount,
    ZeroInflated,
    saturated_poisson,
)
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    BoundaryWarning,
    CollinearityWarning,
    FormulaError,
    NotAvailableError,
    ResponseError,
    SeparationWarning,
)

FOLDER = Path(__file__).parent / "reference"
R = json.loads((FOLDER / "counts.json").read_text(encoding="utf8"))
EXACT = json.loads((FOLDER / "counts_mp.json").read_text(encoding="utf8"))["cases"]
DATA = pd.DataFrame(R["data"])
NEW = pd.DataFrame(R["new"])
OUR_NAMES = {"(Intercept)": "Intercept", "gb": "g[T.b]", "gc": "g[T.c]"}


def model_of(name: str, data: pd.DataFrame = DATA, **options: Any) -> Any:
    """Make the model that a name of the reference files means."""
    more = "offset weights" in name
    if more or "offset" in name:
        options = {"exposure": "t", **options}
    if more:
        options = {"freq_weights": "w", **options}
    if name.startswith("nb"):
        how: dict[str, Any] = {"nb1": {"loglike_method": "nb1"}}.get(name, {})
        if name.startswith("nbp"):
            how = {"loglike_method": "nbp", "p": float(name.split()[1])}
        return gf.negativebinomial("y ~ g + x", data, **how, **options)
    kind = gf.zeroinflated if name.startswith("zeroinfl") else gf.hurdle
    dist = "negativebinomial" if "negbin" in name else "poisson"
    return kind("v ~ g + x", data, inflation="~ z", dist=dist, **options)


# -- the likelihoods ------------------------------------------------------------------------


LIKELIHOODS: list[CountLikelihood] = [
    make(kernel)
    for make in (PlainCount, ZeroInflated, Hurdle)
    for kernel in (
        PoissonCount(),
        NegativeBinomialCount(),
        NegativeBinomialCount(power=1.0),
        NegativeBinomialCount(power=1.5),
        NegativeBinomialCount(known=1.0),
        NegativeBinomialCount(logarithmic=False),
    )
]
every_likelihood = pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=str)


def predictors(likelihood: CountLikelihood, n: int, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    columns = {
        "inflate": rng.normal(0.0, 1.0, n),
        "mean": rng.normal(0.7, 0.8, n),
        "alpha": rng.normal(-0.5, 1.0, n),
    }
    if likelihood.kernel.domain_low == 0.0:
        columns["alpha"] = np.exp(columns["alpha"])
    return np.column_stack([columns[part] for part in likelihood.parts])


def log_probability(likelihood: CountLikelihood, y: int, eta: np.ndarray) -> Any:
    """Return log P(y) as the textbooks write it, in mpmath."""
    values = dict(zip(likelihood.parts, map(mpmath.mpf, eta), strict=True))
    kernel = likelihood.kernel

    def log_f(count: int) -> Any:
        mu = mpmath.e ** values["mean"]
        if isinstance(kernel, PoissonCount):
            return count * values["mean"] - mu - mpmath.loggamma(count + 1)
        assert isinstance(kernel, NegativeBinomialCount)
        if kernel.known is not None:
            alpha = mpmath.mpf(kernel.known)
        else:
            alpha = mpmath.e ** values["alpha"] if kernel.logarithmic else values["alpha"]
        size = mu ** (2 - mpmath.mpf(kernel.power)) / alpha
        found = mpmath.loggamma(count + size) - mpmath.loggamma(size)
        found -= mpmath.loggamma(count + 1)
        return found + count * mpmath.log(mu / (mu + size)) - size * mpmath.log1p(mu / size)

    if "inflate" not in values:
        return log_f(y)
    share = 1 / (1 + mpmath.e ** -values["inflate"])
    if likelihood.zeros_mixed:
        if y == 0:
            return mpmath.log(share + (1 - share) * mpmath.e ** log_f(0))
        return mpmath.log(1 - share) + log_f(y)
    if y == 0:
        return mpmath.log(1 - share)
    return mpmath.log(share) + log_f(y) - mpmath.log(1 - mpmath.e ** log_f(0))


@every_likelihood
def test_probabilities_are_those_of_the_textbook_and_sum_to_one(likelihood):
    eta = predictors(likelihood, 6)
    with mpmath.workdps(40):
        for y in (0, 1, 2, 5, 30):
            got = likelihood.log_probability(np.full(6, float(y)), eta)
            want = [float(log_probability(likelihood, y, row)) for row in eta]
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    mild = predictors(likelihood, 4, seed=8)
    mild[:, likelihood.parts.index("mean")] = [-1.0, 0.0, 0.5, 1.0]
    total = sum(np.exp(likelihood.log_probability(np.full(4, float(k)), mild)) for k in range(3000))
    np.testing.assert_allclose(total, 1.0, rtol=1e-9)


@every_likelihood
def test_means_and_variances_are_those_of_the_probabilities(likelihood):
    eta = predictors(likelihood, 4, seed=8)
    eta[:, likelihood.parts.index("mean")] = [-1.0, 0.0, 0.5, 1.0]
    counts = np.arange(3000.0)
    for i in range(4):
        rows = np.repeat(eta[i : i + 1], counts.size, axis=0)
        share = np.exp(likelihood.log_probability(counts, rows))
        mean = np.dot(share, counts)
        np.testing.assert_allclose(likelihood.means(eta[i : i + 1])[0, 0], mean, rtol=1e-8)
        spread = np.dot(share, (counts - mean) ** 2)
        np.testing.assert_allclose(likelihood.variance(eta[i : i + 1])[0], spread, rtol=1e-7)


@every_likelihood
def test_derivatives_are_those_of_the_log_likelihood(likelihood):
    eta = predictors(likelihood, 8)
    y = np.array([0.0, 0.0, 1.0, 1.0, 2.0, 4.0, 9.0, 25.0])
    found = likelihood.rows(y, eta, True)
    count = eta.shape[1]
    with mpmath.workdps(50):
        for i in range(8):

            def value(*point: Any, i: int = i) -> Any:
                return log_probability(likelihood, int(y[i]), np.array(point, dtype=object))

            point = tuple(map(mpmath.mpf, eta[i]))
            line = 0
            for a in range(count):
                once = tuple(int(a == k) for k in range(count))
                want = float(mpmath.diff(value, point, once))
                assert found.score[a, i] == pytest.approx(want, rel=1e-9, abs=1e-11)
                for b in range(a, count):
                    twice = tuple(int(a == k) + int(b == k) for k in range(count))
                    want = -float(mpmath.diff(value, point, twice))
                    assert found.information[line, i] == pytest.approx(want, rel=1e-9, abs=1e-11)
                    line += 1


@every_likelihood
def test_slopes_of_means_are_their_differences(likelihood):
    eta, h = predictors(likelihood, 5), 1e-5
    slopes, move = likelihood.mean_slopes(eta), predictors(likelihood, 5, seed=11)
    bend = likelihood.mean_curvature(eta, move)
    for m in range(eta.shape[1]):
        step = np.zeros(eta.shape[1])
        step[m] = h
        up, down = likelihood.means(eta + step), likelihood.means(eta - step)
        np.testing.assert_allclose(slopes[:, :, m], (up - down) / (2 * h), rtol=1e-6, atol=1e-8)
        along = [
            np.einsum("nkm,nm->nk", likelihood.mean_slopes(eta + s), move) for s in (step, -step)
        ]
        np.testing.assert_allclose(
            bend[:, :, m], (along[0] - along[1]) / (2 * h), rtol=1e-5, atol=1e-7
        )


@every_likelihood
def test_the_information_that_stands_in_is_never_negative(likelihood):
    eta = predictors(likelihood, 200)
    y = np.random.default_rng(0).poisson(2.0, 200).astype(float)
    lines = likelihood.rows(y, eta, False).information
    count, line = eta.shape[1], 0
    full = np.empty((200, count, count))
    for a in range(count):
        for b in range(a, count):
            full[:, a, b] = full[:, b, a] = lines[line]
            line += 1
    assert np.linalg.eigvalsh(full).min() > -1e-12


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 300),
    st.floats(-4.0, 6.0),
    st.floats(-30.0, 3.0),
)
def test_digits_stay_when_alpha_vanishes(y, eta, lnalpha):
    """The score by log alpha is a product of alpha; its digits must not go with alpha."""
    likelihood = PlainCount(NegativeBinomialCount())
    score = likelihood.rows(np.array([float(y)]), np.array([[eta, lnalpha]]), True).score[1, 0]
    with mpmath.workdps(60):
        a, mu = mpmath.e ** mpmath.mpf(lnalpha), mpmath.e ** mpmath.mpf(eta)
        own = mpmath.fsum(j / (1 + a * j) for j in range(y))
        u = a * mu
        want = a * own + mpmath.log1p(u) / a - (y + 1 / a) * u / (1 + u)
        # of the terms that cancel, the largest
        scale = a * (y * y + mu * mu + y + mu) / (1 + u) + mpmath.mpf(10) ** -300
        assert abs(score - want) < 1e-12 * max(abs(want), scale)


def test_alpha_goes_to_the_poisson_likelihood():
    y, eta = np.array([0.0, 1.0, 5.0, 40.0]), np.array([0.1, -0.4, 1.7, 3.5])
    poisson = PlainCount(PoissonCount()).rows(y, eta[:, None], True)
    near = PlainCount(NegativeBinomialCount()).rows(y, np.column_stack([eta, [-25.0] * 4]), True)
    np.testing.assert_allclose(near.loss, poisson.loss, atol=1e-7)
    rise = near.score[1] / math.exp(-25.0)
    mu = np.exp(eta)
    np.testing.assert_allclose(rise, 0.5 * ((y - mu) ** 2 - y), rtol=1e-6)


def test_counts_far_apart_and_fractions_go_the_long_way():
    """A table of gamma functions serves counts that repeat; others must agree with it."""
    likelihood = PlainCount(NegativeBinomialCount())
    y = np.array([0.0, 1.0, 2.0, 3.0, 1.0, 0.0])
    eta = np.column_stack([np.linspace(-1, 1, 6), np.full(6, 0.4)])
    table = likelihood.rows(y, eta, True)
    for i in range(6):
        alone = likelihood.rows(y[i : i + 1], eta[i : i + 1], True)
        np.testing.assert_allclose(table.loss[i], alone.loss[0], rtol=1e-13)
        np.testing.assert_allclose(table.information[:, i], alone.information[:, 0], rtol=1e-12)


# -- fits against R and mpmath --------------------------------------------------------------


@pytest.mark.parametrize("name", R["cases"])
def test_fits_are_those_of_r(name):
    case, result = R["cases"][name], model_of(name).fit()
    assert result.converged
    # R's optimisers stop on the log-likelihood
    assert result.llf == pytest.approx(case["llf"], rel=1e-10)
    for term, value in case["count"].items():
        assert result.params[OUR_NAMES.get(term, term)] == pytest.approx(value, abs=3e-6)
    for term, value in (case["zero"] or {}).items():
        ours = "inflate_" + OUR_NAMES.get(term, term)
        assert result.params[ours] == pytest.approx(value, abs=3e-6)
    if case["alpha"] is not None:
        assert result.alpha == pytest.approx(case["alpha"], rel=1e-5)


@pytest.mark.parametrize("name", R["cases"])
def test_predictions_are_those_of_r(name):
    case, result = R["cases"][name], model_of(name).fit()
    mean = result.predict(NEW)
    np.testing.assert_allclose(mean, case["mean"], rtol=1e-5)
    if case["prob"] is None:  # MASS has none
        return
    probabilities = result.predict(NEW, which="prob", y_values=range(5))
    np.testing.assert_allclose(probabilities, case["prob"], rtol=1e-5)


@pytest.mark.parametrize("name", EXACT)
def test_estimates_and_errors_have_ten_digits(name):
    case, result = EXACT[name], model_of(name).fit()
    params, errors = dict(result.params), dict(result.bse)
    if "alpha" in params:
        errors["log(alpha)"] = errors.pop("alpha") / params["alpha"]
        params["log(alpha)"] = math.log(params.pop("alpha"))
    assert params.keys() == case["params"].keys()
    assert result.llf == pytest.approx(float(case["llf"]), rel=1e-13)
    for term, value in case["params"].items():
        assert params[term] == pytest.approx(float(value), rel=1e-10)
    for term, value in case["bse"].items():
        assert errors[term] == pytest.approx(float(value), rel=1e-9)


def test_pscl_biochemists():
    """Zeileis, Kleiber and Jackman (2008) have these data; quine is Venables and Ripley's."""
    quine = gf.datasets.load("quine")
    result = gf.negativebinomial("days ~ sex/(age + eth*lrn)", quine).fit()
    # Venables and Ripley (2002), sec. 7.4: theta 1.597991, 2 x log-likelihood -1063.025
    assert 1.0 / result.alpha == pytest.approx(1.597991, abs=1e-6)
    assert 2.0 * result.llf == pytest.approx(-1063.025, abs=1e-3)


# -- the same fit in other ways -------------------------------------------------------------

NAMES = ["nb2 offset", "nb1", "zeroinfl poisson", "zeroinfl negbin", "hurdle negbin"]


@pytest.mark.parametrize("name", NAMES)
def test_frequencies_are_repeated_rows(name):
    weighted = model_of(name, freq_weights="w").fit()
    repeated = model_of(name, DATA.loc[DATA.index.repeat(DATA["w"])].reset_index(drop=True)).fit()
    np.testing.assert_allclose(weighted.params, repeated.params, rtol=1e-9)
    np.testing.assert_allclose(weighted.bse, repeated.bse, rtol=1e-9)
    assert weighted.llf == pytest.approx(repeated.llf, rel=1e-12)
    assert weighted.llnull == pytest.approx(repeated.llnull, rel=1e-10)
    assert weighted.nobs == repeated.nobs
    var = model_of(name, var_weights="w").fit()
    np.testing.assert_allclose(var.params, weighted.params, rtol=1e-9)
    assert var.nobs == (DATA["w"] > 0).sum()


@pytest.mark.parametrize("name", NAMES)
def test_rows_in_another_order_or_in_chunks_change_nothing(name):
    plain = model_of(name).fit()
    turned = model_of(name, DATA.iloc[::-1].reset_index(drop=True)).fit()
    np.testing.assert_allclose(turned.params, plain.params, rtol=1e-10)
    chunks = model_of(name).fit(control=gf.Control(chunk_rows=7, threads=2))
    np.testing.assert_allclose(chunks.params, plain.params, rtol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_missing_rows_of_any_part_are_left_out_of_all(name):
    holes = DATA.copy()
    holes.loc[3, "x"], holes.loc[10, "t"] = np.nan, np.nan
    whole = holes.drop(index=[3, 10])
    if "nb" not in name[:2]:
        holes.loc[7, "z"] = np.nan
        whole = whole.drop(index=7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gf.errors.DataWarning)
        result = model_of(name, holes, exposure="t").fit()
    other = model_of(name, whole, exposure="t").fit()
    np.testing.assert_allclose(result.params, other.params, rtol=1e-10)
    assert result.nobs == len(whole)
    fitted = result.fittedvalues
    assert np.isnan(fitted[3]) and fitted.notna().sum() == len(whole)


@pytest.mark.parametrize("name", NAMES)
def test_the_fitted_pass_has_its_maximum_at_the_coefficients_shown(name):
    result = model_of(name).fit()
    record = result.record
    stats = result.model.fitted_pass(record)(record.base[record.kept], observed=True)
    np.testing.assert_allclose(stats.score * result.bse, 0.0, atol=1e-9)
    np.testing.assert_allclose(stats.information @ record.unscaled, np.eye(len(record.base)),
                               atol=1e-8)  # fmt: skip
    rows = result.model.score_rows(record)
    np.testing.assert_allclose(rows.sum(axis=0), stats.score, atol=1e-9)


@pytest.mark.parametrize("method", ["fisher", "irls", "lbfgs"])
def test_every_solver_ends_at_the_same_maximum(method):
    for name in ("nb2", "zeroinfl poisson", "hurdle negbin"):
        plain = model_of(name).fit()
        other = model_of(name).fit(method=method, maxiter=3000)
        assert other.llf == pytest.approx(plain.llf, rel=1e-9)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (gf.NegativeBinomial, "nb2"),
        (gf.NegativeBinomialP, "nb2"),
        (gf.ZeroInflatedPoisson, "zeroinfl poisson"),
        (gf.ZeroInflatedNegativeBinomialP, "zeroinfl negbin"),
        (gf.HurdlePoisson, "hurdle poisson"),
        (gf.HurdleNegativeBinomialP, "hurdle negbin"),
    ],
)
def test_arrays_and_frames_give_what_formulas_give(kind, name):
    plain = model_of(name).fit()
    dummies = [(DATA["g"] == level).astype(float) for level in "bc"]
    X = np.column_stack([np.ones(len(DATA)), *dummies, DATA["x"]])
    Z = np.column_stack([np.ones(len(DATA)), DATA["z"]])
    y = DATA["y" if name.startswith("nb") else "v"].to_numpy(float)
    parts = [] if name.startswith("nb") else [Z]
    result = kind(y, X, *parts).fit(disp=0)
    np.testing.assert_allclose(result.params, plain.params, rtol=1e-9)
    assert isinstance(result.params, np.ndarray)
    frame = pd.DataFrame(X, columns=["const", "b", "c", "x"])
    zeros = [pd.DataFrame(Z, columns=["const", "z"])] if parts else []
    labelled = kind(pd.Series(y, name="y"), frame, *zeros).fit()
    names = ["const", "b", "c", "x"]
    names = ["inflate_const", "inflate_z", *names] if parts else names
    assert list(labelled.params.index)[: len(names)] == names
    np.testing.assert_allclose(labelled.params, plain.params, rtol=1e-9)
    more = {"exog_infl": zeros[0].head(3)} if parts else {}
    np.testing.assert_allclose(labelled.predict(frame.head(3), **more), plain.predict()[:3])
    if parts:
        with pytest.raises(ArgumentError, match="exog_infl"):
            labelled.predict(frame.head(3))


def test_a_column_apart_makes_alpha_that_of_each_group():
    """NB2 of each level, fitted by itself, is NB2 with mean and alpha by level."""
    joint = gf.negativebinomial("y ~ g", DATA, dispersion="~ g").fit()
    for level in "abc":
        alone = gf.negativebinomial("y ~ 1", DATA[DATA["g"] == level]).fit()
        ln = joint.params["lnalpha_Intercept"]
        ln += 0.0 if level == "a" else joint.params[f"lnalpha_g[T.{level}]"]
        assert math.exp(ln) == pytest.approx(alone.alpha, rel=1e-8)
    assert joint.llf > gf.negativebinomial("y ~ g", DATA).fit().llf
    with pytest.raises(NotAvailableError, match="no single alpha"):
        _ = joint.alpha


def test_the_hurdle_is_a_logit_and_a_cut_distribution():
    result = model_of("hurdle poisson").fit()
    logit = gf.logit("I(v > 0) ~ z", DATA).fit()
    np.testing.assert_allclose(result.params[:2], logit.params, rtol=1e-9)
    np.testing.assert_allclose(result.bse[:2], logit.bse, rtol=1e-9)


def test_geometric_is_the_family_with_alpha_one():
    result = gf.negativebinomial("y ~ g + x", DATA, loglike_method="geometric").fit()
    family = gf.families.NegativeBinomial(alpha=1.0)
    glm = gf.glm("y ~ g + x", DATA, family).fit()
    np.testing.assert_allclose(result.params, glm.params, rtol=1e-9)
    assert result.llf == pytest.approx(glm.llf, rel=1e-12)


def test_the_null_model_has_constants_only():
    for name in ("nb2", "nb2 offset", "zeroinfl negbin", "hurdle poisson"):
        model = model_of(name)
        text = "y ~ 1" if name.startswith("nb") else "v ~ 1"
        options = {"exposure": "t"} if "offset" in name else {}
        kinds = {"nb": gf.negativebinomial, "ze": gf.zeroinflated, "hu": gf.hurdle}
        if "negbin" in name:
            options["dist"] = "negativebinomial"
        null = kinds[name[:2]](text, DATA, **options).fit()
        assert model.fit().llnull == pytest.approx(null.llf, rel=1e-10)


# -- alpha given by nobody ------------------------------------------------------------------


def test_glm_estimates_alpha_that_is_not_given():
    result = gf.glm("y ~ g + x", DATA, gf.families.NegativeBinomial()).fit()
    joint = model_of("nb2").fit()
    assert result.family.alpha == pytest.approx(joint.alpha, rel=1e-10)
    np.testing.assert_allclose(result.params, joint.params.iloc[:-1], rtol=1e-8)
    assert result.llf == pytest.approx(joint.llf, rel=1e-12)
    assert result.aic == pytest.approx(joint.aic, rel=1e-12)
    assert "estimated with the coefficients" in result.summary().as_text()
    # MASS::glm.nb has these standard errors: alpha is orthogonal to the mean
    known = gf.glm("y ~ g + x", DATA, gf.families.NegativeBinomial(alpha=joint.alpha)).fit()
    np.testing.assert_allclose(result.bse, known.bse, rtol=1e-8)


def test_a_model_is_not_changed_by_its_fit():
    model = gf.GLM(DATA["y"], gf.add_constant(DATA[["x"]]), "negativebinomial")
    first, second = model.fit(), model.fit()
    assert model.family.alpha is None
    assert first.llf == second.llf


def test_alpha_is_estimated_with_the_log_link_only():
    with pytest.raises(ArgumentError, match="with the sqrt link needs alpha"):
        gf.glm("y ~ x", DATA, gf.families.NegativeBinomial(link="sqrt"))


# -- the boundary ---------------------------------------------------------------------------


@pytest.fixture
def under() -> pd.DataFrame:
    """Counts less spread than Poisson's."""
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=200), "y": rng.binomial(10, 0.6, size=200)})


def test_underdispersed_counts_have_alpha_zero(under):
    with pytest.warns(BoundaryWarning, match="not overdispersed"):
        result = gf.negativebinomial("y ~ x", under).fit()
    poisson = gf.poisson("y ~ x", under).fit()
    np.testing.assert_allclose(result.params[:2], poisson.params, rtol=1e-9)
    np.testing.assert_allclose(result.bse[:2], poisson.bse, rtol=1e-9)
    assert result.alpha == 0.0 and result.lnalpha == -math.inf
    assert np.isnan(result.bse["alpha"])
    assert result.llf == pytest.approx(poisson.llf, rel=1e-12)
    test = result.overdispersion_test()
    assert (test.statistic, test.pvalue) == (0.0, 1.0)
    assert "end of its range" in result.summary().as_text()
    np.testing.assert_allclose(result.predict(), poisson.predict(), rtol=1e-9)
    table = result.predict(which="prob", y_values=[6])
    np.testing.assert_allclose(
        table[6], np.exp(special.xlogy(6, poisson.mu) - poisson.mu - special.gammaln(7)), rtol=1e-9
    )
    assert result.get_prediction().se_mean[0] == pytest.approx(
        poisson.get_prediction().se_mean[0], rel=1e-8
    )


def test_glm_at_the_boundary_is_poisson(under):
    with pytest.warns(BoundaryWarning, match="family is Poisson"):
        result = gf.glm("y ~ x", under, "negativebinomial").fit()
    assert result.family.name == "Poisson"
    assert result.llf == pytest.approx(gf.poisson("y ~ x", under).fit().llf, rel=1e-12)


def test_alpha_is_no_column_of_a_model_without_a_constant():
    quine = gf.datasets.load("quine")
    quine["x"] = np.linspace(0.5, 1.5, len(quine))
    for formula, df in (("days ~ x", 1), ("days ~ 0 + x", 1), ("days ~ 0 + x + I(x**2)", 2)):
        assert gf.negativebinomial(formula, quine).fit().df_model == df
        assert gf.poisson(formula, quine).fit().df_model == df


def test_a_likelihood_with_two_maxima_is_followed_to_the_higher():
    # executions by state, 1997 (Gill 2001): the likelihood falls from alpha = 0 on, and is
    # higher at alpha = 1.14, which Stata and R find
    known = json.loads((FOLDER / "count_maxima.json").read_text())
    X, y = np.array(known["x"]).T, np.array(known["y"])
    for options in ({}, {"start_params": known["params"]}):
        result = gf.NegativeBinomial(y, X).fit(**options)
        assert result.llf == pytest.approx(known["llf"], rel=1e-12)
        assert result.record.llf_boundary == pytest.approx(known["llf_poisson"], rel=1e-12)
        np.testing.assert_allclose(result.params, known["params"], rtol=1e-6)
        np.testing.assert_allclose(result.get_margeff().margeff, known["margins"], rtol=1e-6)
    many = gf.NegativeBinomial(np.tile(y, 3000), np.tile(X, (3000, 1))).fit()
    np.testing.assert_allclose(many.params, known["params"], rtol=1e-6)


def test_alpha_near_the_boundary_is_found():
    """Data whose moments are only just overdispersed: alpha is small, and not 0."""
    y = np.r_[np.repeat(np.arange(7.0), [135, 271, 271, 180, 90, 36, 18]), 9.0, 8.0, 8.0]
    X = np.ones((y.size, 1))
    result = gf.NegativeBinomial(y, X).fit()
    mean = y.mean()
    assert ((y - mean) ** 2 - y).sum() > 0.0
    assert 0.0 < result.alpha < 0.05
    assert result.converged
    assert result.llf > gf.Poisson(y, X).fit().llf


def test_the_test_of_overdispersion_is_a_mixture():
    result = model_of("nb2").fit()
    test = result.overdispersion_test()
    poisson = gf.poisson("y ~ g + x", DATA).fit()
    assert test.statistic == pytest.approx(2.0 * (result.llf - poisson.llf), rel=1e-10)
    assert test.pvalue == pytest.approx(0.5 * special.chdtrc(1, test.statistic), rel=1e-10)
    with pytest.raises(NotAvailableError, match="estimated"):
        model_of("zeroinfl poisson").fit().overdispersion_test()


# -- what has no finite maximum -------------------------------------------------------------


@pytest.fixture
def empty() -> pd.DataFrame:
    """Counts of which one group has none above 0."""
    rng = np.random.default_rng(0)
    n = 200
    group = np.where(np.arange(n) < 40, "a", "b")
    y = rng.poisson(1.5, n) * (rng.random(n) < 0.6)
    return pd.DataFrame({"x": rng.normal(size=n), "g": group, "y": np.where(group == "a", 0, y)})


def test_a_group_without_counts_separates_the_mean(empty):
    with pytest.warns(SeparationWarning, match=r"Not finite: Intercept, g\[T.b\]"):
        result = gf.negativebinomial("y ~ x + g", empty).fit()
    rest = gf.negativebinomial("y ~ x", empty[empty["g"] == "b"]).fit()
    assert result.params["x"] == pytest.approx(rest.params["x"], rel=1e-8)
    assert result.alpha == pytest.approx(rest.alpha, rel=1e-8)
    assert result.bse["x"] == pytest.approx(rest.bse["x"], rel=1e-8)
    assert result.llf == pytest.approx(rest.llf, rel=1e-12)
    assert result.params["g[T.b]"] == math.inf
    assert result.predict(empty.head(2)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("kind", "sign"), [(gf.zeroinflated, 1.0), (gf.hurdle, -1.0)], ids=["zeroinflated", "hurdle"]
)
@pytest.mark.parametrize("dist", ["poisson", "negativebinomial"])
def test_a_group_of_zeros_separates_the_zero_part(empty, kind, sign, dist):
    with pytest.warns(SeparationWarning, match=r"inflate_Intercept, inflate_g\[T.b\]"):
        result = kind("y ~ x", empty, inflation="~ g", dist=dist).fit()
    rest = kind("y ~ x", empty[empty["g"] == "b"], dist=dist).fit()
    assert result.params["inflate_Intercept"] == sign * math.inf
    np.testing.assert_allclose(result.params.iloc[2:], rest.params.iloc[1:], rtol=1e-7)
    np.testing.assert_allclose(result.bse.iloc[2:], rest.bse.iloc[1:], rtol=1e-7)
    assert result.llf == pytest.approx(rest.llf, rel=1e-11)
    assert result.predict(empty.head(2)).tolist() == [0.0, 0.0]
    np.testing.assert_allclose(
        result.predict(empty.tail(3)), rest.predict(empty.tail(3)), rtol=1e-7
    )
    assert "infinite" in result.summary().as_text()


def test_zeros_that_are_not_needed_vanish():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"x": rng.normal(size=300), "y": rng.binomial(5, 0.3, size=300)})
    with pytest.warns(SeparationWarning, match="has no more zeros"):
        result = gf.zeroinflated("y ~ x", data).fit()
    plain = gf.poisson("y ~ x", data).fit()
    assert result.params["inflate_Intercept"] == -math.inf
    np.testing.assert_allclose(result.params.iloc[1:], plain.params, rtol=1e-7)
    assert result.llf == pytest.approx(plain.llf, rel=1e-11)


def test_columns_of_one_part_do_not_alias_those_of_another():
    twice = DATA.assign(x2=2.0 * DATA["x"])
    with pytest.warns(CollinearityWarning, match="x2 = 2 x"):
        result = gf.zeroinflated("v ~ x + x2", twice, inflation="~ x2").fit()
    assert np.isnan(result.params["x2"]) and np.isfinite(result.params["inflate_x2"])
    assert "x2" in result.aliased


# -- predictions ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_what_is_predicted_agrees_with_itself(name):
    result = model_of(name).fit()
    options = {"y_values": range(400)}
    table = result.predict(NEW, which="prob", **options).to_numpy()
    counts = np.arange(400)
    mean, zero = result.predict(NEW), result.predict(NEW, which="prob-zero")
    np.testing.assert_allclose(table @ counts, mean, rtol=1e-8)
    np.testing.assert_allclose(table[:, 0], zero, rtol=1e-12)
    spread = table @ counts**2 - mean**2
    np.testing.assert_allclose(result.predict(NEW, which="var"), spread, rtol=1e-7)
    np.testing.assert_allclose(
        result.predict(NEW, which="mean-nonzero"), mean / (1.0 - zero), rtol=1e-12
    )
    main = result.predict(NEW, which="mean-main")
    np.testing.assert_allclose(np.log(main), result.predict(NEW, which="linear"), rtol=1e-12)
    share = result.predict(NEW, which="prob-main")
    if "zeroinfl" in name:
        np.testing.assert_allclose(share * main, mean, rtol=1e-12)
    frame = result.get_prediction(NEW).summary_frame()
    np.testing.assert_allclose(frame["mean"], mean, rtol=1e-12)
    assert (frame["mean_ci_lower"] > 0.0).all()


def test_exposure_is_remembered():
    result = model_of("nb2 offset").fit()
    double = NEW.assign(t=2.0 * NEW["t"])
    np.testing.assert_allclose(result.predict(double), 2.0 * result.predict(NEW), rtol=1e-12)
    arrays = gf.NegativeBinomial(DATA["y"], gf.add_constant(DATA[["x"]]), exposure=DATA["t"]).fit()
    new = gf.add_constant(NEW[["x"]])
    with pytest.raises(ArgumentError, match="exposure"):
        arrays.predict(new)
    one, two = (arrays.predict(new, exposure=np.full(2, e)) for e in (1.0, 2.0))
    np.testing.assert_allclose(two, 2.0 * one, rtol=1e-12)


def test_distributions_are_scipys():
    for name in ("nb2", "nb1"):
        result = model_of(name).fit()
        frozen = result.get_distribution(NEW)
        table = result.predict(NEW, which="prob", y_values=[0, 3]).to_numpy()
        np.testing.assert_allclose(np.column_stack([frozen.pmf(0), frozen.pmf(3)]), table)
    with pytest.raises(NotAvailableError, match="which='prob'"):
        model_of("hurdle poisson").fit().get_distribution(NEW)


def test_standard_errors_of_means_are_the_delta_method():
    for name in NAMES:
        result = model_of(name).fit()
        record, h = result.record, 1e-6
        gradient = []
        for j in range(record.base.size):
            ends = []
            for way in (h, -h):
                moved = record.base.copy()
                moved[j] += way
                ends.append(np.asarray(_moved(result, moved).predict(NEW)))
            gradient.append((ends[0] - ends[1]) / (2 * h))
        J = np.array(gradient).T
        want = np.sqrt(np.einsum("ij,jk,ik->i", J, np.asarray(result.cov_params()), J))
        np.testing.assert_allclose(result.get_prediction(NEW).se_mean, want, rtol=1e-5)


def _moved(result: Any, base: np.ndarray) -> Any:
    record = replace(result.record, base=base)
    return type(result)(result.model, record, record.unscaled, use_t=False,
                        cov_type="nonrobust", cov_kwds={})  # fmt: skip


def test_residuals_and_removed_data():
    result = model_of("zeroinfl negbin").fit()
    np.testing.assert_allclose(result.resid_response, DATA["v"] - result.predict())
    pearson = result.resid_response / np.sqrt(result.predict(which="var"))
    np.testing.assert_allclose(result.resid_pearson, pearson)
    light = result.remove_data()
    assert light.summary().as_text() == result.summary().as_text()
    np.testing.assert_allclose(light.predict(NEW), result.predict(NEW))
    with pytest.raises(NotAvailableError, match="removed"):
        light.predict()


def test_average_marginal_effects_are_differences():
    result = model_of("zeroinfl negbin").fit()
    effects = result.marginal_effects("z")
    h = 1e-5
    up, down = (result.predict(DATA.assign(z=DATA["z"] + s)) for s in (h, -h))
    want = float(((up - down) / (2 * h)).mean())
    assert float(np.ravel(effects.estimate)[0]) == pytest.approx(want, rel=1e-6)


# -- how it shows itself --------------------------------------------------------------------


def test_summaries_have_a_table_for_each_part():
    text = model_of("zeroinfl negbin").fit().summary().as_text()
    for words in ("Mean: log mu", "Rate ratios", "Inflation: logit", "Dispersion", "alpha",
                  "inflate_z", "Test of alpha = 0"):  # fmt: skip
        assert words in text
    assert "Hurdle: logit of the probability of a count above 0" in str(
        model_of("hurdle poisson").fit().summary()
    )
    plain = str(model_of("nb2").fit().summary(exponentiate=False))
    assert "Rate ratios" not in plain
    ratios = model_of("nb2").fit().rate_ratios()
    assert list(ratios.index) == ["Intercept", "g[T.b]", "g[T.c]", "x"]


def test_the_interval_of_alpha_stays_positive():
    result = model_of("hurdle negbin").fit()
    low, high = result.conf_int().loc["alpha"]
    assert 0.0 < low < result.alpha < high
    assert low * high == pytest.approx(result.alpha**2, rel=1e-12)


# -- refused in words -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda d: gf.negativebinomial("y ~ x", d.assign(y=d["y"] - 3)), ResponseError, "negative"),
        (lambda d: gf.negativebinomial("y ~ x", d.assign(y=d["y"] + 0.5)), ResponseError, "whole"),
        (lambda d: gf.zeroinflated("y ~ x", d.assign(y=d["y"] + 1)), ResponseError, "no zeros"),
        (lambda d: gf.hurdle("y ~ x", d.assign(y=d["y"] + 1)), ResponseError, "no zeros"),
        (lambda d: gf.negativebinomial("y ~ x", d.assign(y=0)), ResponseError, "Every value"),
        (lambda d: gf.zeroinflated("y ~ x", d, dist="gamma"), ArgumentError, "dist must be"),
        (lambda d: gf.negativebinomial("y ~ x", d, loglike_method="nb3"), ArgumentError, "nb2"),
        (lambda d: gf.negativebinomial("y ~ x", d, loglike_method="nbp"), ArgumentError, "p="),
        (lambda d: gf.negativebinomial("y ~ x", d, loglike_method="nb1", p=2), ArgumentError, "p"),
        (
            lambda d: gf.negativebinomial("y ~ x", d, loglike_method="geometric", dispersion="~ x"),
            ArgumentError,
            "dispersion= is for alpha",
        ),
        (lambda d: gf.zeroinflated("v ~ x", d, inflation="v ~ z"), FormulaError, "one-sided"),
        (lambda d: gf.zeroinflated("v ~ x", d, inflation="~ offset(z)"), FormulaError, "offset"),
        (lambda d: gf.zeroinflated("v ~ x", d, inflation=3), TypeError, "formula"),
        (lambda d: gf.zeroinflated("v ~ x", d, inflaton="~ z"), TypeError, "inflaton"),
        (
            lambda d: gf.ZeroInflatedPoisson(d["v"], d[["x"]], inflation="probit"),
            NotAvailableError,
            "logit link only",
        ),
        (
            lambda d: gf.ZeroInflatedPoisson(d["v"], d[["x"]], d[["z"]].head(5)),
            AlignmentError,
            "exog_infl has 5 rows",
        ),
        (
            lambda d: gf.negativebinomial("y ~ x", d).fit(start_params=[0.0, 0.0, -1.0]),
            ArgumentError,
            "alpha must be above 0",
        ),
        (
            lambda d: gf.negativebinomial("y ~ x", d).fit().predict(which="odds"),
            ArgumentError,
            "which must be one of",
        ),
        (
            lambda d: gf.negativebinomial("y ~ x", d).fit().predict(y_values=[1]),
            ArgumentError,
            "which='prob'",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(make, error, words):
    with pytest.raises(error, match=words):
        make(DATA)


def test_a_start_of_the_users_is_taken():
    plain = model_of("zeroinfl negbin").fit()
    again = model_of("zeroinfl negbin").fit(start_params=plain.params.to_numpy())
    assert again.llf == pytest.approx(plain.llf, rel=1e-12)
    assert len(again.history) <= 3


def test_many_rows_start_from_a_sample():
    rng = np.random.default_rng(5)
    n = 200_000
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    mu = np.exp(X @ [0.3, 0.2, -0.1])
    y = rng.poisson(mu * rng.gamma(2.0, 0.5, n)).astype(float)
    v = np.where(rng.random(n) < 0.25, 0.0, y)
    nb = gf.NegativeBinomial(y, X).fit()
    assert nb.converged and nb.alpha == pytest.approx(0.5, abs=0.02)
    zi = gf.ZeroInflatedNegativeBinomialP(v, X).fit()
    assert zi.converged
    np.testing.assert_allclose(zi.params[1:4], [0.3, 0.2, -0.1], atol=0.05)


def test_saturated_counts_fit_themselves():
    y = np.array([0.0, 1.0, 7.0])
    with np.errstate(divide="ignore"):
        eta = np.log(y)[:, None]
    with np.errstate(invalid="ignore"):
        loss = PlainCount(PoissonCount()).rows(y, eta, True).loss
    np.testing.assert_allclose(loss, 0.0, atol=1e-14)
    np.testing.assert_allclose(saturated_poisson(y)[1], -1.0)


def test_kernels_say_what_they_are() -> None:
    kernels: list[CountKernel] = [PoissonCount(), NegativeBinomialCount(known=1.0)]
    assert [kernel.count for kernel in kernels] == [1, 1]
