"""Each number beside statsmodels': equal, or explained by another number that is equal."""

import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import ArgumentError, MissingPackageError, NotAvailableError
from glmfit.results import counterpart
from glmfit.results.counterpart import increments_to_thresholds

LOAD = gf.datasets.load
CHALLENGER = "O_RING_FAILURE ~ TEMPERATURE"
HOUSING = "sat ~ infl + type + cont"
COUNTS = np.arange(1.0, 24.0)
STACKLOSS = "stack_loss ~ air_flow + water_temp + acid_conc"
TREES = "volume ~ log(girth) + log(height)"


def _binomial(link=None, **options):
    family = gf.families.Binomial(link)
    return gf.glm("killed + survived ~ log_dose", LOAD("beetles"), family=family).fit(**options)


def _trees(family, link="log", cov_type="nonrobust", **options):
    model = gf.glm(TREES, LOAD("trees"), family=family, link=link, **options)
    return model.fit(cov_type=cov_type)


def _ols(cov_type="nonrobust", **options):
    return gf.ols(STACKLOSS, LOAD("stackloss"), **options).fit(cov_type=cov_type)


def _logit(cov_type="nonrobust", **options):
    return gf.logit(CHALLENGER, LOAD("challenger"), **options).fit(cov_type=cov_type)


def _probit(**options):
    return gf.probit(CHALLENGER, LOAD("challenger"), **options).fit()


def _ships():
    ships = LOAD("ships")
    formula = "incidents ~ type + year + period + offset(log(service))"
    return gf.glm(formula, ships[ships["service"] > 0], family="poisson")


def _missing():
    frame = LOAD("challenger")
    frame["TEMPERATURE"] = frame["TEMPERATURE"].astype(float)
    frame.loc[3, "TEMPERATURE"] = np.nan
    return gf.logit(CHALLENGER, frame).fit()


def _arrays():
    frame = LOAD("challenger")
    return gf.Logit(
        frame["O_RING_FAILURE"].to_numpy(),
        gf.add_constant(frame[["TEMPERATURE"]].to_numpy(dtype=float)),
    ).fit()


def _ordered(distr, **options):
    model = gf.ordered(HOUSING, LOAD("housing"), distr=distr, freq_weights="freq", **options)
    return model.fit()


def _multinomial(cov_type="nonrobust", **options):
    model = gf.mnlogit(HOUSING, LOAD("housing"), freq_weights="freq", **options)
    return model.fit(cov_type=cov_type)


# What is made, and the quantities that differ from statsmodels' for a stated reason.
ROBUST = {"bse", "tvalues", "pvalues", "conf_int", "cov_params"}
LIKELIHOODS = {"llf", "llnull", "aic", "bic"}
CASES = {
    "logit": (_logit, {"fittedvalues"}),
    "logit of arrays": (_arrays, {"fittedvalues"}),
    "logit with missing rows": (_missing, {"fittedvalues"}),
    "logit HC0": (lambda: _logit("HC0"), {"fittedvalues"}),
    "logit HC3": (lambda: _logit("HC3"), {"fittedvalues", *ROBUST}),
    "logit frequencies": (lambda: _logit(freq_weights=COUNTS), {"nobs"}),
    "logit var_weights": (lambda: _logit(var_weights=COUNTS), set()),
    "probit": (_probit, {"fittedvalues"}),
    "probit frequencies": (lambda: _probit(freq_weights=COUNTS), {"nobs"}),
    "probit GLM": (
        lambda: gf.glm(CHALLENGER, LOAD("challenger"), family="binomial", link="probit").fit(),
        set(),
    ),
    "poisson": (
        lambda: gf.poisson("breaks ~ wool * tension", LOAD("warpbreaks")).fit(),
        {"fittedvalues"},
    ),
    "counts of trials": (_binomial, {"resid_working"}),
    "counts of trials HC0": (
        lambda: _binomial("cloglog", cov_type="HC0"),
        {"resid_working", *ROBUST},
    ),
    "offset, dispersion": (lambda: _ships().fit(scale="X2"), LIKELIHOODS),
    "offset": (lambda: _ships().fit(), set()),
    "quasipoisson": (
        lambda: gf.glm("breaks ~ wool", LOAD("warpbreaks"), family="quasipoisson").fit(),
        set(),
    ),
    "gamma": (lambda: _trees("gamma"), set()),
    "gamma HC1, frequencies": (
        lambda: _trees("gamma", cov_type="HC1", freq_weights=np.arange(1.0, 32.0)),
        {"nobs", *ROBUST},
    ),
    "inverse gaussian": (lambda: _trees("inverse_gaussian"), set()),
    "normal, log link": (
        lambda: _trees("gaussian", var_weights=np.arange(1.0, 32.0)),
        LIKELIHOODS,
    ),
    "negative binomial": (
        lambda: gf.glm(
            "days ~ sex / (age + eth * lrn)",
            LOAD("quine"),
            family=gf.families.NegativeBinomial(alpha=1.0),
        ).fit(),
        set(),
    ),
    "negative binomial, alpha estimated": (
        lambda: gf.glm("days ~ sex + age", LOAD("quine"), family="negative_binomial").fit(),
        {"aic", "bic"},
    ),
    "tweedie": (
        lambda: gf.glm(
            "days ~ sex + age", LOAD("quine"), family=gf.families.Tweedie(var_power=1.5)
        ).fit(),
        set(),
    ),
    "ols": (_ols, {"resid_pearson"}),
    "ols HC2": (lambda: _ols("HC2"), {"resid_pearson"}),
    "weighted ols": (lambda: _ols(var_weights=np.arange(1.0, 22.0)), {"llnull"}),
    "mnlogit": (_multinomial, set()),
    "mnlogit, another reference": (lambda: _multinomial(reference="High"), set()),
    "mnlogit HC1": (lambda: _multinomial("HC1"), ROBUST),
    "ordered logit": (lambda: _ordered("logit"), set()),
    "ordered cloglog": (lambda: _ordered("cloglog"), set()),
    "ordered logit with an offset": (
        lambda: _ordered("logit", offset=np.linspace(-1.0, 1.0, 72)),
        {"llnull", "prsquared"},
    ),
    "ordered logit HC0": (lambda: _ordered("logit").with_cov("HC0"), set()),
    "ordered probit": (lambda: _ordered("probit"), set()),
}


@pytest.mark.parametrize("case", CASES)
def test_numbers_are_equal_or_explained(case):
    make, explained = CASES[case]
    comparison = make().compare_with_statsmodels()
    frame = comparison.frame
    assert comparison.agrees, frame[frame["verdict"] == "different"]
    assert set(frame.index[frame["verdict"] == "explained"]) == explained
    assert (frame.loc[frame["verdict"] == "explained", "why"] != "").all()
    assert {"params", "bse", "cov_params", "nobs", "fittedvalues"} <= set(frame.index)
    assert set(comparison.times.index) == {"glmfit", "statsmodels"}


def test_a_wrong_number_is_called_different():
    result = _logit()
    result._covariance = 1.001 * result._covariance
    comparison = result.compare_with_statsmodels()
    assert not comparison.agrees
    wrong = comparison.frame.index[comparison.frame["verdict"] == "different"]
    assert set(wrong) == ROBUST
    assert comparison.frame.loc["params", "verdict"] == "equal"
    assert result.compare_with_statsmodels(rtol=0.01).agrees


def test_the_element_with_the_largest_difference_is_named():
    result = _multinomial()
    moved = result._covariance.copy()
    moved[1, 1] *= 1.5
    result._covariance = moved
    line = result.compare_with_statsmodels().frame.loc["bse"]
    assert line["at"] == "Medium:infl[T.Medium]"
    assert line["difference"] == pytest.approx((np.sqrt(1.5) - 1.0) * line["statsmodels"])
    assert line["tolerance"] == pytest.approx(1e-6 * line["glmfit"])


def test_aliased_columns_are_left_out_of_both():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gf.errors.CollinearityWarning)
        result = gf.ols(
            "stack_loss ~ air_flow + I(2 * air_flow) + water_temp", LOAD("stackloss")
        ).fit()
    comparison = result.compare_with_statsmodels()
    assert comparison.agrees
    assert comparison.frame.loc["df_model", "statsmodels"] == 2


def test_prints_numbers_reasons_and_times():
    text = str(_logit("HC3").compare_with_statsmodels())
    assert "glmfit's Logit beside statsmodels' Logit" in text
    assert "-10.1576" in text
    assert "explained [1]" in text
    assert "[2] statsmodels' discrete models call the linear predictor fittedvalues" in text
    assert "statsmodels' Logit has no deviance" in text
    assert "Time of one fit: glmfit" in text


def test_quasi_likelihoods_are_said_to_be_none():
    text = str(CASES["quasipoisson"][0]().compare_with_statsmodels())
    assert "Not defined here, and NaN in glmfit: llf, llnull" in text


def test_frame_has_documented_columns():
    frame = _logit().compare_with_statsmodels(alpha=0.1).frame
    assert list(frame.columns) == [
        "at", "glmfit", "statsmodels", "difference", "tolerance", "verdict", "why",
    ]  # fmt: skip
    assert isinstance(frame, pd.DataFrame)
    low = _logit().conf_int(alpha=0.1)[0]
    at = frame.loc["conf_int", "at"]
    if at.endswith("lower"):
        assert frame.loc["conf_int", "glmfit"] == low[at.split()[0]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: _logit().with_cov("cluster", groups=np.arange(23) % 6),
            "'cluster' is not compared",
        ),
        (lambda: gf.logit(CHALLENGER, LOAD("challenger")).fit(method="firth"), "bias-reduced"),
        (
            lambda: gf.logit(CHALLENGER, LOAD("challenger")).fit_regularized(alpha=0.1, L1_wt=0.0),
            "penalised",
        ),
        (
            lambda: gf.poisson("breaks ~ wool", LOAD("warpbreaks"), absorb="tension").fit(),
            "absorbed factors",
        ),
        (lambda: _ordered("logit", nonparallel=["infl"]), "one slope a column"),
        (
            lambda: gf.conditional_logit(
                "case ~ spontaneous + induced", LOAD("infert"), groups="stratum"
            ).fit(),
            "no model like",
        ),
        (
            lambda: gf.mnlogit(HOUSING, LOAD("housing"), var_weights="freq").fit(),
            "var_weights cannot",
        ),
        (
            lambda: gf.mnlogit("sat ~ infl + offset(freq / 100)", LOAD("housing")).fit(),
            "takes no offset",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(make, message):
    with pytest.raises(NotAvailableError, match=message):
        make().compare_with_statsmodels()


def test_separated_fits_are_refused():
    with pytest.warns(gf.errors.SeparationWarning):
        result = gf.mnlogit("risk ~ age + income", LOAD("risk")).fit()
    with pytest.raises(NotAvailableError, match="separated"):
        result.compare_with_statsmodels()


def test_fits_that_stopped_early_are_refused():
    with pytest.warns(gf.errors.ConvergenceWarning):
        result = gf.logit(CHALLENGER, LOAD("challenger")).fit(maxiter=1)
    with pytest.raises(NotAvailableError, match="did not reach the maximum"):
        result.compare_with_statsmodels()


@pytest.mark.parametrize("rtol", [0.0, 1.0, -1e-6])
def test_tolerances_lie_between_0_and_1(rtol):
    with pytest.raises(ArgumentError, match="rtol must lie between 0 and 1"):
        _logit().compare_with_statsmodels(rtol=rtol)


def test_a_missing_statsmodels_is_told_how_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    monkeypatch.delitem(sys.modules, "statsmodels.api", raising=False)
    with pytest.raises(MissingPackageError, match=r"glmfit\[statsmodels\]"):
        counterpart._statsmodels()


def test_increments_become_thresholds_with_their_derivatives():
    params = np.array([0.3, -1.0, -0.2, 0.4])
    thresholds, slope = increments_to_thresholds(params, 3)
    steps = np.exp([-0.2, 0.4])
    np.testing.assert_allclose(thresholds, [0.3, -1.0, -1.0 + steps[0], -1.0 + steps.sum()])
    small = 1e-6
    for j in range(4):
        moved = params.copy()
        moved[j] += small
        numeric = (increments_to_thresholds(moved, 3)[0] - thresholds) / small
        np.testing.assert_allclose(slope[:, j], numeric, atol=2e-6)
