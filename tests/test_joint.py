"""Beta, beta-binomial and Tweedie regression, with parameters of their spread.

glmmTMB and VGAM say what tests/reference/joint.* holds, with about 6 digits; joint_mp.* has
the maxima of the likelihoods as the papers write them, by a computation with 45 digits.
"""

import json
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

import glmfit as gf
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    BoundaryWarning,
    CollinearityWarning,
    FitError,
    FormulaError,
    NotAvailableError,
    ResponseError,
    SeparationWarning,
)
from glmfit.families.logarithms import rising_factorial
from glmfit.likelihoods import BetaBinomialLikelihood, BetaLikelihood, TweedieLikelihood
from glmfit.likelihoods.compound import BETWEEN
from glmfit.links import CLogLog, Identity, Log, Logit, Probit, Sqrt

FOLDER = Path(__file__).parent / "reference"
REFERENCE = json.loads((FOLDER / "joint.json").read_text(encoding="utf8"))
DIGITS = json.loads((FOLDER / "joint_mp.json").read_text(encoding="utf8"))["cases"]
DATA = pd.DataFrame(REFERENCE["data"])
HITS = "hits + misses"

MODELS = {
    "beta": lambda: gf.betareg("share ~ x + g", DATA),
    "beta precision": lambda: gf.betareg("share ~ x + g", DATA, precision="~ z"),
    "beta offset weights": lambda: gf.betareg(
        "share ~ x", DATA, precision="~ z", offset="o", freq_weights="freq"
    ),
    "beta probit": lambda: gf.betareg("share ~ x", DATA, link="probit"),
    "betabinomial": lambda: gf.betabinomial(f"{HITS} ~ x + g", DATA),
    "betabinomial dispersion": lambda: gf.betabinomial(f"{HITS} ~ x", DATA, dispersion="~ z"),
    "tweedie": lambda: gf.tweedie("claims ~ x", DATA),
    "tweedie dispersion": lambda: gf.tweedie("claims ~ x", DATA, dispersion="~ z"),
    "tweedie weights": lambda: gf.tweedie("claims ~ x", DATA, var_weights="w"),
}


def on_links(result):
    """Return estimates and covariance on the scale of the links, in the order of R."""
    theta, covariance = result.record.theta.copy(), np.array(result.cov_params())
    links = result.model.likelihood.links
    for m, column in result.model.form.lone:
        eta = links[m].link(theta[column : column + 1])
        slope = links[m].inverse_deriv(eta)[0]
        theta[column] = eta[0]
        covariance[column] /= slope
        covariance[:, column] /= slope
    names = list(result.model.data.names)
    order = sorted(range(len(names)), key=lambda j: (names[j] != "Intercept", names[j][:2] == "g["))
    width = result.model.form.widths[0]
    order = [j for j in order if j < width] + list(range(width, len(names)))
    return theta[order], covariance[np.ix_(order, order)]


# --- reference values -------------------------------------------------------------------


@pytest.mark.parametrize("name", DIGITS)
def test_against_a_computation_with_45_digits(name):
    want, result = DIGITS[name], MODELS[name]().fit()
    theta, covariance = on_links(result)
    np.testing.assert_allclose(theta, want["theta"], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(
        covariance, want["covariance"], rtol=1e-7, atol=1e-9 * np.abs(covariance).max()
    )
    assert result.llf == pytest.approx(want["llf"], rel=1e-11)
    assert result.converged


@pytest.mark.parametrize("name", REFERENCE["cases"])
def test_against_glmmtmb(name):
    want, result = REFERENCE["cases"][name], MODELS[name]().fit()
    theta, covariance = on_links(result)
    count = len(want["mean"])
    np.testing.assert_allclose(theta[:count], list(want["mean"].values()), rtol=2e-4)
    spread = np.array(list(want["spread"].values()))
    if name == "betabinomial":
        spread = -spread  # log phi, where rho = 1 / (1 + phi)
    np.testing.assert_allclose(theta[count : count + spread.size], spread, rtol=2e-4, atol=1e-4)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), want["se"], rtol=1e-3)
    assert result.llf == pytest.approx(want["llf"], abs=1e-6)
    if want["more"] is not None:
        assert result.params["var_power"] == pytest.approx(want["more"], abs=1e-4)


def test_against_vgam():
    want, result = REFERENCE["vgam"], MODELS["betabinomial"]().fit()
    assert result.llf == pytest.approx(want["llf"], abs=1e-8)
    coef = {"Intercept": "(Intercept):1", "x": "x", "g[T.b]": "gb", "g[T.c]": "gc"}
    for ours, theirs in coef.items():
        assert result.params[ours] == pytest.approx(want["coef"][theirs], abs=1e-5)
    rho = special.expit(want["coef"]["(Intercept):2"])
    assert result.rho == pytest.approx(rho, abs=1e-6)


def test_a_tweedie_fit_is_the_glm_at_its_power():
    result = MODELS["tweedie weights"]().fit()
    family = gf.families.Tweedie(var_power=result.params["var_power"])
    plain = gf.glm("claims ~ x", DATA, family, var_weights="w").fit(scale="ML")
    np.testing.assert_allclose(result.params[:2], plain.params, rtol=1e-8)
    assert result.params["scale"] == pytest.approx(plain.scale, rel=1e-8)
    assert result.llf == pytest.approx(plain.llf, rel=1e-12)
    known = gf.tweedie("claims ~ x", DATA, var_power=1.4, var_weights="w").fit()
    family = gf.families.Tweedie(var_power=1.4)
    plain = gf.glm("claims ~ x", DATA, family, var_weights="w").fit(scale="ML")
    np.testing.assert_allclose(known.params, [*plain.params, plain.scale], rtol=1e-8)
    assert known.bse["scale"] == pytest.approx(plain.scale_bse, rel=1e-7)


def test_the_profile_over_the_power_is_that_of_fits_at_given_powers():
    result = MODELS["tweedie"]().fit()
    curve = result.profile("var_power")
    for _, line in curve.iloc[:: len(curve) // 4].iterrows():
        given = gf.tweedie("claims ~ x", DATA, var_power=line["value"]).fit()
        assert line["zeta"] ** 2 == pytest.approx(2 * (result.llf - given.llf), abs=1e-6)
    low, high = result.conf_int(method="profile").loc["var_power"]
    for end in (low, high):
        given = gf.tweedie("claims ~ x", DATA, var_power=end).fit()
        assert 2 * (result.llf - given.llf) == pytest.approx(3.841458820694124, rel=1e-6)


# --- what holds for each ----------------------------------------------------------------

every = pytest.mark.parametrize("name", MODELS)


@every
def test_arrays_are_formulas(name):
    formula = MODELS[name]()
    result = formula.fit()
    form, made = formula.form, formula.exog
    matrices = {part: pd.DataFrame(made[:, form.span(part)]) for part in form.likelihood.parts}
    data, likelihood = formula.data, formula.likelihood
    options = {"freq_weights": data.freq_weights, "var_weights": data.var_weights}
    if data.offset is not None:
        options["offset"] = data.offset
    more = {
        own.exog: matrices[part].to_numpy()
        for part, own in formula.named.items()
        if own.exog and formula.given[part] is not None
    }
    y = DATA[["hits", "misses"]].to_numpy() if name.startswith("betab") else formula.endog
    exog = matrices["mean"].to_numpy()
    own = type(formula)(y, exog, link=likelihood.links[0], **more, **options).fit()
    np.testing.assert_allclose(own.params, result.params, rtol=1e-9)
    np.testing.assert_allclose(own.bse, result.bse, rtol=1e-8)
    if data.offset is None:
        new = {key: value[:3] for key, value in more.items()}
        np.testing.assert_allclose(
            own.predict(exog[:3], **new), result.predict(DATA[:3]), rtol=1e-9
        )
        part = likelihood.parts[1]
        np.testing.assert_allclose(
            own.predict(exog[:3], which=part, **new),
            result.predict(DATA[:3], which=part),
            rtol=1e-8,
        )


@every
def test_new_data_predict_as_the_fit(name):
    result = MODELS[name]().fit()
    parts = result.model.likelihood.parts[1:]
    for which in ("mean", "linear", "var", *parts, *(f"linear-{part}" for part in parts)):
        np.testing.assert_allclose(
            result.predict(DATA, which=which), result.predict(which=which), rtol=1e-12
        )
        light = result.remove_data().predict(DATA[:4], which=which)
        np.testing.assert_allclose(light, result.predict(which=which)[:4], rtol=1e-12)


@every
def test_predictions_have_the_errors_of_the_delta_method(name):
    result = MODELS[name]().fit()
    found = result.get_prediction(DATA[:5]).summary_frame()
    width = result.model.form.widths[0]
    covariance = np.asarray(result.cov_params())[:width, :width]
    rows = result.model.exog[:5, :width]
    if result.model.data.weight is None or result.model.data.freq_weights is None:
        eta = result.predict(DATA[:5], which="linear")
        slope = result.model.likelihood.links[0].inverse_deriv(np.asarray(eta))
        error = np.sqrt(np.einsum("ij,jk,ik->i", rows, covariance, rows)) * slope
        np.testing.assert_allclose(found["mean_se"], error, rtol=1e-8)
    np.testing.assert_allclose(found["mean"], result.predict(DATA[:5]), rtol=1e-12)
    assert (found["mean_ci_lower"] < found["mean"]).all()


@every
def test_summaries_print(name):
    result = MODELS[name]().fit()
    text = str(result.summary())
    for told in (*result.model.data.names, "Var(y) =", "Log-Likelihood", result.model.endog_names):
        assert told in text
    assert "nan" not in text.lower()
    for title in (result.model.named[part].title for part in result.model.likelihood.parts[1:]):
        assert title in text


@every
def test_robust_covariances_and_margins(name):
    result = MODELS[name]().fit()
    for kind in ("HC0", "OPG"):
        other = result.with_cov(kind)
        assert (other.bse > 0.0).all()
    effects = result.marginal_effects("x").summary_frame()
    step = 1e-5
    moved = [result.predict(DATA.assign(x=DATA["x"] + by)) for by in (step, -step)]
    freq = result.model.data.freq_weights
    want = np.average((moved[0] - moved[1]) / (2 * step), weights=freq)
    assert float(effects["estimate"].iloc[0]) == pytest.approx(want, rel=1e-6)


def test_frequencies_are_repeated_rows():
    repeated = DATA.loc[DATA.index.repeat(DATA["freq"])]
    for make in (
        lambda data, **more: gf.betareg("share ~ x", data, precision="~ z", **more),
        lambda data, **more: gf.betabinomial(f"{HITS} ~ x", data, **more),
        lambda data, **more: gf.tweedie("claims ~ x", data, var_weights="w", **more),
    ):
        once, again = make(DATA, freq_weights="freq").fit(), make(repeated).fit()
        np.testing.assert_allclose(once.params, again.params, rtol=1e-8)
        np.testing.assert_allclose(once.cov_params(), again.cov_params(), rtol=1e-7, atol=1e-12)
        assert once.llf == pytest.approx(again.llf, rel=1e-11)
        assert once.llnull == pytest.approx(again.llnull, rel=1e-9)
        assert once.nobs == again.nobs


def test_statsmodels_beta_names_and_numbers():
    othermod = pytest.importorskip("statsmodels.othermod.betareg")
    exog = gf.add_constant(DATA["x"])
    precision = gf.add_constant(DATA["z"])
    ours = gf.BetaModel(DATA["share"], exog, precision).fit()
    theirs = othermod.BetaModel(DATA["share"], exog, precision).fit(disp=0, maxiter=500)
    assert list(ours.params.index) == list(theirs.params.index)
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-3)
    assert ours.llf == pytest.approx(theirs.llf, rel=1e-7)
    np.testing.assert_allclose(
        ours.predict(exog, exog_precision=precision, which="precision"),
        theirs.predict(exog, exog_precision=precision, which="precision"),
        rtol=1e-2,
    )


def test_the_precision_has_statsmodels_name_for_its_formula():
    given = gf.BetaModel.from_formula("share ~ x + g", DATA, exog_precision_formula="~ z").fit()
    np.testing.assert_array_equal(given.params, MODELS["beta precision"]().fit().params)
    with pytest.raises(ArgumentError, match="are the same"):
        gf.betareg("share ~ x", DATA, precision="~ z", exog_precision_formula="~ z")


def test_tests_of_hypotheses():
    small, large = MODELS["beta"]().fit(), MODELS["beta precision"]().fit()
    test = gf.lr_test(small, large)
    assert test.statistic == pytest.approx(2 * (large.llf - small.llf), rel=1e-9)
    assert test.df == 1
    assert large.wald_test("precision-z").statistic == pytest.approx(
        large.tvalues["precision-z"] ** 2, rel=1e-9
    )
    assert large.lr_test("precision-z").statistic == pytest.approx(test.statistic, rel=1e-6)


# --- ends and oddities ------------------------------------------------------------------


def test_shares_that_vary_less_than_binomial_ones_are_binomial():
    trials = np.arange(4, 24)
    x = np.linspace(-1, 1, trials.size)
    hits = np.round(trials * special.expit(0.3 + x))
    data = pd.DataFrame({"hits": hits, "misses": trials - hits, "x": x})
    with pytest.warns(BoundaryWarning, match="not overdispersed"):
        result = gf.betabinomial(f"{HITS} ~ x", data).fit()
    plain = gf.logit(f"{HITS} ~ x", data).fit()
    np.testing.assert_allclose(result.params[:2], plain.params, rtol=1e-8)
    np.testing.assert_allclose(result.bse[:2], plain.bse, rtol=1e-8)
    assert result.llf == pytest.approx(plain.llf, rel=1e-10)
    assert result.rho == 0.0
    assert result.boundary_test().pvalue == 1.0
    assert "rho is 0, the end of its range" in " ".join(str(result.summary()).split())
    assert (result.predict(which="rho") == 0.0).all()
    np.testing.assert_allclose(result.resid_pearson, plain.resid_pearson, rtol=1e-8)
    np.testing.assert_allclose(
        result.get_prediction().summary_frame(), plain.get_prediction().summary_frame(), rtol=1e-6
    )


def test_rho_is_tested_at_the_end_of_its_range():
    result = MODELS["betabinomial"]().fit()
    plain = gf.logit(f"{HITS} ~ x + g", DATA).fit()
    test = result.boundary_test()
    assert test.statistic == pytest.approx(2 * (result.llf - plain.llf), rel=1e-8)
    assert test.pvalue == pytest.approx(0.5 * stats.chi2.sf(test.statistic, 1), rel=1e-9)
    with pytest.raises(NotAvailableError, match="one number"):
        MODELS["betabinomial dispersion"]().fit().boundary_test()
    with pytest.raises(NotAvailableError, match="no single rho"):
        _ = MODELS["betabinomial dispersion"]().fit().rho


def test_separated_shares_are_fitted_in_the_limit():
    data = DATA.assign(
        hits=np.where(DATA["g"] == "c", 0, DATA["hits"]),
        misses=np.where(DATA["g"] == "c", DATA["trials"], DATA["misses"]),
    )
    with pytest.warns(SeparationWarning, match=r"Not finite: g\[T.c\]"):
        result = gf.betabinomial(f"{HITS} ~ g", data).fit()
    rest = gf.betabinomial(f"{HITS} ~ g", data[data["g"] != "c"]).fit()
    assert result.params["g[T.c]"] == -np.inf
    others = ["Intercept", "g[T.b]", "rho"]
    np.testing.assert_allclose(result.params[others], rest.params[others], rtol=1e-7)
    np.testing.assert_allclose(result.bse[others], rest.bse[others], rtol=1e-6)
    assert result.llf == pytest.approx(rest.llf, rel=1e-9)
    assert (result.predict()[data["g"] == "c"] == 0.0).all()


def test_aliased_columns_are_left_out_of_their_own_predictor():
    data = DATA.assign(twice=2 * DATA["z"])
    with pytest.warns(CollinearityWarning, match="precision-twice = 2 precision-z"):
        result = gf.betareg("share ~ x + g", data, precision="~ z + twice").fit()
    want = MODELS["beta precision"]().fit()
    assert np.isnan(result.params["precision-twice"])
    np.testing.assert_allclose(result.params.dropna(), want.params, rtol=1e-9)


def test_missing_rows_are_those_of_all_formulas():
    data = DATA.copy()
    data.loc[3, "z"] = np.nan
    result = gf.betareg("share ~ x", data, precision="~ z").fit()
    assert result.nobs == len(DATA) - 1
    assert result.dropped_rows == {"z": 1}
    assert np.isnan(result.predict()[3])
    assert np.isnan(result.predict(data, which="precision")[3])


def test_a_power_that_runs_to_an_end_is_told_of():
    rng = np.random.default_rng(4)
    gamma = pd.DataFrame({"y": rng.gamma(3.0, 2.0, 80)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(FitError, match=r"rises with the power up to 2.*family='gamma'"):
            gf.tweedie("y ~ 1", gamma).fit()
    counts = pd.DataFrame({"y": 2.0 * rng.poisson(1.5, 80)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(FitError, match=r"up to 1.*multiples of one number"):
            gf.tweedie("y ~ 1", counts).fit()


def test_starts_are_taken_as_they_are_shown():
    for name in ("betabinomial", "tweedie", "beta precision"):
        result = MODELS[name]().fit()
        again = MODELS[name]().fit(start_params=result.params)
        np.testing.assert_allclose(again.params, result.params, rtol=1e-8)
        assert len(again.history) <= 3
    with pytest.raises(ArgumentError, match="likelihood is 0 at start_params"):
        MODELS["betabinomial"]().fit(start_params=[0, 0, 0, 0, -1.0])


def test_solvers_end_at_the_same_maximum():
    for name in ("beta precision", "tweedie"):
        want = MODELS[name]().fit().params
        for method in ("fisher", "lbfgs"):
            np.testing.assert_allclose(MODELS[name]().fit(method=method).params, want, rtol=1e-6)


# --- wrong inputs -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "kind", "told"),
    [
        (lambda: gf.betareg("hits ~ x", DATA), ResponseError, "strictly between 0 and 1"),
        (lambda: gf.betareg("share + x ~ z", DATA), ResponseError, "has 2 columns"),
        (lambda: gf.betareg("share ~ x", DATA, link="log2"), ArgumentError, "log2"),
        (lambda: gf.betareg("share ~ x", DATA, precision="y ~ z"), FormulaError, "."),
        (lambda: gf.betareg("share ~ x", DATA, precision=2), ArgumentTypeError, "is a formula"),
        (lambda: gf.betareg("share ~ x", DATA, dispersion="~ z"), ArgumentTypeError, "dispersion"),
        (lambda: gf.betareg("share ~ x", DATA, link_precision=3), ArgumentTypeError, "link"),
        (lambda: gf.betabinomial("share ~ x", DATA), ResponseError, "one trial a row"),
        (
            lambda: gf.betabinomial("share ~ x", DATA, trials="trials"),
            ResponseError,
            "successes that are not",
        ),
        (lambda: gf.tweedie("x ~ z", DATA), ResponseError, "are negative"),
        (lambda: gf.tweedie("I(0 * z) ~ x", DATA), ResponseError, "Every value"),
        (lambda: gf.tweedie("claims ~ x", DATA, var_power=2.5), ArgumentError, "between 1 and 2"),
        (lambda: gf.tweedie("claims ~ x", DATA, var_power="MLE"), ArgumentError, "or 'ml'"),
        (
            lambda: gf.BetaModel(DATA["share"], DATA[["x"]], DATA[["z"]][:9]),
            AlignmentError,
            "exog_precision has 9 rows",
        ),
    ],
)
def test_wrong_models_are_refused(make, kind, told):
    with pytest.raises(kind, match=told):
        make()


def test_wrong_calls_are_refused():
    result = MODELS["beta precision"]().fit()
    with pytest.raises(ArgumentError, match=r"linear-precision.*'precisoin'.*mean 'precision'"):
        result.predict(which="precisoin")
    with pytest.raises(ArgumentError, match="no argument 'exog_infl'"):
        result.predict(DATA, exog_infl=DATA[["z"]])
    with pytest.raises(ArgumentError, match="is for new rows of a model on arrays"):
        result.predict(DATA, exog_precision=DATA[["z"]])
    with pytest.raises(NotAvailableError, match="anova"):
        result.drop1()
    with pytest.raises(NotAvailableError, match="cannot be saved"):
        result.save("nowhere.json")
    own = gf.BetaModel(DATA["share"], DATA[["x"]], DATA[["z"]]).fit()
    with pytest.raises(ArgumentError, match="columns of exog_precision too: precision-z"):
        own.predict(DATA[["x"]])


# --- the likelihoods --------------------------------------------------------------------

RNG = np.random.default_rng(3)
COUNTS = np.column_stack([RNG.integers(0, 12, 40), RNG.integers(1, 9, 40)]).astype(float)
CLAIMS = np.column_stack([np.maximum(RNG.gamma(0.5, 3.0, 40) - 0.3, 0.0), RNG.uniform(0.5, 2, 40)])
LIKELIHOODS = [
    (BetaLikelihood((Logit(), Log())), RNG.beta(2, 3, 40), 0.0),
    (BetaLikelihood((CLogLog(), Sqrt())), RNG.beta(2, 3, 40), 2.0),
    (BetaBinomialLikelihood((Logit(), Logit())), COUNTS, 0.0),
    (BetaBinomialLikelihood((Probit(), Identity())), COUNTS, 0.5),
    (BetaBinomialLikelihood((Logit(),)), COUNTS, 0.0),
    (TweedieLikelihood((Log(), Log(), BETWEEN)), CLAIMS, 0.0),
    (TweedieLikelihood((Identity(), Log()), 1.4), CLAIMS, 0.0),
]


@pytest.mark.parametrize("case", LIKELIHOODS, ids=lambda case: repr(case[0]))
def test_derivatives_are_differences(case):
    likelihood, y, level = case
    count = len(likelihood.parts)
    eta = RNG.uniform(-0.4, 0.4, size=(40, count))
    if isinstance(likelihood.links[0], Identity):
        eta[:, 0] += 1.5
    if count > 1:
        eta[:, 1] += level
    if count == 3:
        eta[:, 2] = 0.3  # the power is one number
    out = likelihood.rows(y, eta, True)
    step, line = 1e-5, 0
    for a in range(count):
        ahead, behind = eta.copy(), eta.copy()
        ahead[:, a] += step
        behind[:, a] -= step
        up, down = likelihood.rows(y, ahead, True), likelihood.rows(y, behind, True)
        slope = (down.loss - up.loss) / (2 * step)
        np.testing.assert_allclose(out.score[a], slope, rtol=1e-6, atol=1e-7)
        for b in range(a, count):
            bend = (down.score[b] - up.score[b]) / (2 * step)
            np.testing.assert_allclose(out.information[line], bend, rtol=1e-6, atol=1e-6)
            line += 1
    stand_in = likelihood.rows(y, eta, False).information
    place = {1: [[0]], 2: [[0, 1], [1, 2]], 3: [[0, 1, 2], [1, 3, 4], [2, 4, 5]]}[count]
    matrices = np.moveaxis(stand_in[np.array(place)], 2, 0)
    assert np.linalg.eigvalsh(matrices).min() > -1e-9 * np.abs(matrices).max()


@settings(max_examples=40, deadline=None)
@given(mu=st.floats(0.02, 0.98), phi=st.floats(0.3, 1e6), y=st.floats(0.001, 0.999))
def test_beta_density_is_scipys(mu, phi, y):
    likelihood = BetaLikelihood((Logit(), Log()))
    eta = np.array([[special.logit(mu), np.log(phi)]])
    got = likelihood.log_density(np.array([y]), eta)[0]
    with mpmath.workdps(40):
        m, p, v = (mpmath.mpf(float(k)) for k in (special.expit(eta[0, 0]), np.exp(eta[0, 1]), y))
        a, b = m * p, (1 - m) * p
        want = mpmath.loggamma(p) - mpmath.loggamma(a) - mpmath.loggamma(b)
        want += (a - 1) * mpmath.log(v) + (b - 1) * mpmath.log(1 - v)
    # mu itself is known to rounding, by which phi is multiplied
    assert got == pytest.approx(float(want), rel=1e-11, abs=1e-13 * phi + 1e-12)


@pytest.mark.parametrize("link", [Logit(), CLogLog()])
@pytest.mark.parametrize("trials", [1, 5, 23])
def test_beta_binomial_probabilities_add_up(link, trials):
    likelihood = BetaBinomialLikelihood((link, Logit()))
    hits = np.arange(trials + 1.0)
    for mean, other in ((-1.0, -0.5), (0.8, -30.0), (3.0, 2.0)):
        eta = np.tile([mean, other], (trials + 1, 1))
        mass = np.exp(likelihood.log_density(np.column_stack([hits, trials - hits]), eta))
        mu, rho = link.inverse(np.array([mean]))[0], special.expit(other)
        assert mass.sum() == pytest.approx(1.0, abs=1e-12)
        assert mass @ hits == pytest.approx(trials * mu, rel=1e-11)
        variance = trials * mu * (1 - mu) * (1 + (trials - 1) * rho)
        assert mass @ (hits - trials * mu) ** 2 == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize("log_a", [-40.0, -15.0, -2.9, -2.7, 0.0, 3.0, 10.0])
@pytest.mark.parametrize("k", [0.0, 1.0, 2.0, 40.0, 1000.0])
def test_rising_factorials_against_50_digits(k, log_a):
    got = rising_factorial(np.array([k]), np.array([log_a]))
    with mpmath.workdps(50):

        def value(at):
            s = mpmath.exp(-at)
            return mpmath.loggamma(s + k) - mpmath.loggamma(s) - k * mpmath.log(s)

        at = mpmath.mpf(log_a)
        want = [float(value(at)), *(float(mpmath.diff(value, at, n)) for n in (1, 2))]
    np.testing.assert_allclose(np.ravel(got), want, rtol=1e-11, atol=2e-14 * max(k, 1.0))
