"""Residuals and influence against R, against statsmodels' definitions and against refits.

The values and the script that made them stand in tests/reference/influence.*.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

import glmfit as gf
from glmfit.errors import ArgumentError, DataWarning, NotAvailableError

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "influence.json").read_text(encoding="utf8")
)
DATA = pd.DataFrame(REFERENCE["data"])
CASES = {case["name"]: case for case in REFERENCE["cases"]}
FORMULAS = {
    "binary": "binary ~ x + z",
    "trials": "good + I(trials - good) ~ x + z",
    "probit": "good + I(trials - good) ~ x",
    "poisson": "count ~ x + z",
    "gamma": "positive ~ x + z",
    "inverse": "positive ~ x",
    "gaussian": "real ~ x + z",
    "precision": "positive ~ x",
}


def fitted(name, data=DATA, **options):
    case = CASES[name]
    if case["weights"] is not None:
        options["var_weights"] = case["weights"]
    return gf.glm(FORMULAS[name], data, case["family"], link=case["link"], **options).fit()


def close(got, want, rtol=2e-8):
    want = np.asarray(want, dtype=float)
    np.testing.assert_allclose(
        np.asarray(got, dtype=float), want, rtol=rtol, atol=rtol * np.nanmax(np.abs(want))
    )


@pytest.mark.parametrize("name", CASES)
def test_measures_are_those_of_r(name):
    case, influence = CASES[name], fitted(name).get_influence()
    frame = influence.measures()
    p = len(case["dfbetas"][0])
    close(frame.iloc[:, :p], case["dfbetas"])
    close(frame["dffit"], case["dffits"])
    close(influence.dffits[0], case["dffits"])
    close(influence.cov_ratio, case["cov_ratio"])
    close(influence.cooks_distance[0], case["cooks"])
    close(influence.hat_matrix_diag, case["hat"])
    close(influence.resid_studentized, case["rstandard_pearson"])
    close(influence.resid_studentized_external, case["rstudent"])


@pytest.mark.parametrize("name", CASES)
def test_residuals_are_those_of_r(name):
    case, result = CASES[name], fitted(name)
    close(result.get_resid("deviance", standardized=True), case["rstandard"])
    close(result.get_resid("pearson", standardized=True), case["rstandard_pearson"])
    close(result.get_resid("studentized"), case["rstudent"])
    close(result.get_resid("partial"), np.reshape(case["partial"], (len(DATA), -1)))
    if case["quantile"] is not None:
        close(result.resid_quantile(), case["quantile"])


@pytest.mark.parametrize("name", CASES)
def test_exact_deletion_is_a_fit_without_the_row(name):
    """R fitted again without each row."""
    case, result = CASES[name], fitted(name)
    influence = result.get_influence(exact=True)
    close(influence.params_one, case["refits"], rtol=1e-7)
    change = np.asarray(result.params) - np.array(case["refits"])
    close(influence.d_params, change, rtol=1e-6)
    information = np.linalg.inv(np.asarray(result.normalized_cov_params))
    distance = np.einsum("ij,jk,ik->i", change, information, change)
    close(influence.cooks_distance[0], distance / (change.shape[1] * result.scale), rtol=1e-6)
    row = 5
    without = fitted(name, DATA.drop(index=row))
    ratio = np.linalg.det(without.cov_params()) / np.linalg.det(result.cov_params())
    assert influence.cov_ratio[row] == pytest.approx(ratio, rel=1e-6)


def test_one_step_is_a_newton_step():
    """For a normal linear model it is exact; elsewhere the step from the fit without the row."""
    result = fitted("gaussian")
    one, exact = result.get_influence(), result.get_influence(exact=True)
    close(one.d_params, exact.d_params, rtol=1e-9)
    result = fitted("binary")
    model, theta = result.model, np.asarray(result.params)
    keep = np.arange(len(DATA)) != 7
    small = gf.GLM(model.endog[keep], model.exog[keep], "binomial")
    step = np.linalg.solve(small.information(theta), small.score(theta))
    close(result.get_influence().d_params.iloc[7], -step, rtol=1e-9)


def test_observed_information_gives_the_observed_newton_step():
    result = fitted("probit")
    influence = result.get_influence(observed=True)
    assert influence.hat_matrix_diag.sum() == pytest.approx(2.0, rel=1e-12)
    assert not np.allclose(influence.hat_matrix_diag, result.get_influence().hat_matrix_diag)
    close(influence.hat_matrix_diag, result.get_hat_matrix_diag(observed=True), rtol=1e-12)
    model, theta = result.model, np.asarray(result.params)
    keep = np.arange(len(DATA)) != 3
    small = gf.GLM(
        model.endog[keep], model.exog[keep], "binomial", link="probit",
        trials=model.data.response.trials[keep],
    )  # fmt: skip
    step = np.linalg.solve(-small.hessian(theta), small.score(theta))
    close(influence.d_params.iloc[3], -step, rtol=1e-9)


def test_leverages_of_a_probit_add_up():
    """The class Probit has standard errors from the observed information."""
    challenger = gf.datasets.load("challenger")
    formula = "O_RING_FAILURE ~ TEMPERATURE"
    result = gf.probit(formula, challenger).fit()
    assert result.get_hat_matrix_diag().sum() == pytest.approx(2.0, rel=1e-12)
    plain = gf.glm(formula, challenger, gf.families.Binomial("probit")).fit()
    close(result.get_hat_matrix_diag(), plain.get_hat_matrix_diag(), rtol=1e-10)


def test_ols_standardises_as_statsmodels_ols_does():
    """statsmodels' OLSInfluence, which is R's lm, divides by the variance without the row."""
    result = gf.ols("real ~ x + z", DATA).fit()
    influence = result.get_influence()
    close(influence.dfbetas, CASES["gaussian"]["dfbetas"])
    close(influence.dfbeta, influence.d_params, rtol=1e-15)
    frame = influence.summary_frame()
    assert list(frame.columns) == [
        "dfb_Intercept", "dfb_x", "dfb_z", "cooks_d", "standard_resid", "hat_diag",
        "dffits_internal", "student_resid", "dffits",
    ]  # fmt: skip
    close(frame["dffits"], CASES["gaussian"]["dffits"])
    limit = 2 * math.sqrt(3 / len(DATA))
    assert influence.dffits[1] == influence.dffits_internal[1] == pytest.approx(limit)
    plain = gf.glm("real ~ x + z", DATA).fit().get_influence()
    bse = np.asarray(result.bse)
    close(plain.dfbetas, np.asarray(plain.d_params) / bse, rtol=1e-12)


def test_changes_of_the_own_prediction():
    result = fitted("gamma")
    influence = result.get_influence(exact=True)
    without = fitted("gamma", DATA.drop(index=4))
    linear = result.predict(which="linear")[4] - without.predict(DATA, which="linear")[4]
    assert influence.d_linpred[4] == pytest.approx(linear, rel=1e-7)
    assert influence.d_fittedvalues[4] == pytest.approx(linear * result.mu[4], rel=1e-7)
    error = result.get_prediction().linpred_se[4]
    assert influence.d_linpred_scaled[4] == pytest.approx(linear / error, rel=1e-7)


def test_frequencies_are_repeated_rows():
    repeated = DATA.loc[DATA.index.repeat(DATA["w"])].reset_index(drop=True)
    first = np.flatnonzero(~DATA.index.repeat(DATA["w"]).duplicated())
    for exact in (False, True):
        short = fitted("binary", freq_weights="w").get_influence(exact=exact)
        long = fitted("binary", repeated).get_influence(exact=exact)
        close(short.summary_frame(), long.summary_frame().iloc[first], rtol=1e-9)
        close(short.cov_ratio, long.cov_ratio[first], rtol=1e-9)
    short, long = fitted("gamma", freq_weights="w"), fitted("gamma", repeated)
    for kind in ("deviance", "pearson", "quantile"):
        got = short.get_resid(kind, standardized=True)
        close(got, long.get_resid(kind, standardized=True)[first], rtol=1e-9)
    close(short.get_resid("studentized"), long.get_resid("studentized")[first], rtol=1e-9)
    close(short.get_influence().measures(), long.get_influence().measures().iloc[first], rtol=1e-9)


def test_dropped_rows_and_rows_of_no_weight_are_missing():
    data = DATA.assign(f=1.0)
    data.loc[3, "x"] = np.nan
    data.loc[5, "f"] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        result = fitted("poisson", data, freq_weights="f")
    frame = result.get_influence().summary_frame()
    assert frame.index.equals(data.index)
    assert frame.loc[[3, 5]].isna().all(axis=None)
    small = fitted("poisson", data.drop(index=[3, 5])).get_influence().summary_frame()
    close(frame.drop(index=[3, 5]), small, rtol=1e-10)
    assert np.isnan(result.resid_quantile()[3])


def test_arrays_come_back_as_arrays():
    X = gf.add_constant(DATA["x"].to_numpy())
    influence = gf.GLM(DATA["count"].to_numpy(), X, "poisson").fit().get_influence()
    for values in (influence.d_params, influence.hat_matrix_diag, influence.cooks_distance[0]):
        assert isinstance(values, np.ndarray)
    assert influence.summary_frame().shape == (len(DATA), 8)


def test_a_row_with_a_parameter_of_its_own():
    data = DATA.assign(alone=(DATA.index == 2).astype(float))
    result = gf.ols("real ~ x + alone", data).fit()
    influence = result.get_influence()
    assert influence.hat_matrix_diag[2] == pytest.approx(1.0)
    assert influence.summary_frame().loc[2].drop("hat_diag").isna().all()
    assert influence.summary_frame().drop(index=2).notna().all(axis=None)
    assert np.isnan(result.get_resid("pearson", standardized=True)[2])
    with pytest.warns(DataWarning, match=r"Without one of 1 observations \(the first is 2\)"):
        assert result.get_influence(exact=True).d_params.loc[2].isna().all()


def test_aliased_columns_are_missing():
    data = DATA.assign(twice=2.0 * DATA["x"])
    with pytest.warns(gf.errors.CollinearityWarning):
        result = gf.glm("count ~ x + twice + z", data, "poisson").fit()
    frame = result.get_influence().summary_frame()
    assert frame["dfb_twice"].isna().all()
    want = fitted("poisson").get_influence().summary_frame()
    close(frame.drop(columns="dfb_twice"), want, rtol=1e-9)


def test_separated_rows_have_no_influence_on_what_is_finite():
    y = np.array([0.0, 1, 0, 1, 1, 0, 1, 1, 1])
    g = np.array([0.0] * 6 + [1.0] * 3)
    x = np.array([1.0, 2, 3, 1, 4, 2, 1, 2, 5])
    with pytest.warns(gf.errors.SeparationWarning):
        result = gf.logit("y ~ x + g", {"y": y, "x": x, "g": g}).fit()
    influence = result.get_influence()
    assert (influence.hat_matrix_diag[6:] == 0.0).all()
    inner = gf.logit("y ~ x", {"y": y[:6], "x": x[:6]}).fit().get_influence()
    close(influence.d_params.iloc[:6, :2], inner.d_params, rtol=1e-8)
    assert (influence.d_params.iloc[6:, :2] == 0.0).all(axis=None)
    assert influence.d_params["g"].isna().all()


# --- several predictors a row -----------------------------------------------------------


HOUSING = gf.datasets.load("housing")


def class_results():
    formula = "sat ~ infl + cont"
    return {
        "multinomial": gf.mnlogit(formula, HOUSING, freq_weights="freq").fit(),
        "ordinal": gf.ordered(formula, HOUSING, freq_weights="freq").fit(),
        "sequential": gf.continuation_ratio(formula, HOUSING, freq_weights="freq").fit(),
    }


@pytest.mark.parametrize("name", ["multinomial", "ordinal", "sequential"])
def test_several_classes(name):
    """The one-step change is that of a Newton step, close to the fit without the row."""
    result = class_results()[name]
    influence = result.get_influence()
    p = result.record.kept.size
    assert (influence.hat_matrix_diag * HOUSING["freq"]).sum() == pytest.approx(p, rel=1e-10)
    run, theta, i = result.model.fitted_pass(result.record), result.record.base, 10
    weight = np.asarray(HOUSING["freq"], dtype=float)
    weight[i] -= 1.0
    rows = type(run.rows)(run.rows.y, run.rows.design, run.rows.offset, weight)
    stats = type(run)(rows, run.likelihood, run.control, run.vector)(theta)
    step = -np.linalg.solve(stats.information, stats.score)
    close(influence.d_params.iloc[i], step, rtol=1e-7)
    close(influence.dfbetas.iloc[i], step / np.asarray(result.bse).T.ravel(), rtol=1e-7)
    information = run(theta).information
    cook = step @ information @ step / p
    assert influence.cooks_distance[0][i] == pytest.approx(cook, rel=1e-8)
    exact = result.get_influence(exact=True)
    data = HOUSING.assign(less=weight)
    again = type(result.model).from_formula(result.model.formula, data, freq_weights="less").fit()
    close(exact.params_one.iloc[i], again.record.theta, rtol=1e-8)
    np.testing.assert_allclose(exact.d_params, influence.d_params, rtol=0.3, atol=2e-4)


def test_two_classes_are_the_logit():
    data = DATA.assign(binary=DATA["binary"].astype(int))
    logit = fitted("binary").get_influence().summary_frame()
    frame = gf.mnlogit("binary ~ x + z", data).fit().get_influence().summary_frame()
    close(frame.iloc[:, :3], logit.iloc[:, :3], rtol=1e-9)
    close(frame[["cooks_d", "hat_diag"]], logit[["cooks_d", "hat_diag"]], rtol=1e-9)


def test_separated_classes_are_refused():
    risk = gf.datasets.load("risk")
    with pytest.warns(gf.errors.SeparationWarning):
        result = gf.mnlogit("risk ~ age + income", risk).fit()
    with pytest.raises(NotAvailableError, match="The data are separated"):
        result.get_influence()


# --- residuals ----------------------------------------------------------------------------


def test_quantile_residuals_lie_between_the_two_ends():
    """Between the normal quantiles of P(Y < y) and P(Y <= y), as R has them."""
    want = REFERENCE["discrete"]
    fits = {
        "poisson": (gf.families.Poisson(), DATA["count"], 2.2, np.ones(len(DATA))),
        "binomial": (
            gf.families.Binomial(), DATA["good"] / DATA["trials"], 0.4, DATA["trials"] * 1.0,
        ),
        "negative": (gf.families.NegativeBinomial(alpha=0.7), DATA["count"], 2.2, np.ones(24)),
    }  # fmt: skip
    for name, (family, y, mean, weight) in fits.items():
        tails = family.tails(np.asarray(y, float), np.full(24, mean), np.asarray(weight), 1.0)
        np.testing.assert_allclose(tails.below, want[f"{name}_below"], rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(tails.at_or_below, want[f"{name}_at"], rtol=1e-12)
        ends = [tails.normal_scores(np.full(24, u)) for u in (0.0, 0.5, 1.0)]
        assert (ends[0] < ends[1]).all() and (ends[1] < ends[2]).all()


def test_quantile_residuals_are_normal_if_the_model_is_right():
    rng = np.random.default_rng(4)
    n = 4000
    x = rng.normal(size=n)
    mean = np.exp(0.3 + 0.5 * x)
    trials = rng.integers(1, 6, n)
    data = pd.DataFrame({"x": x, "y": rng.poisson(mean), "n": trials})
    data["s"] = rng.binomial(trials, 1 / (1 + np.exp(-x))) / trials
    events = rng.poisson(mean**0.5 / 0.5)
    data["rain"] = [
        rng.gamma(k, 0.5 * m**0.5) if k else 0.0 for k, m in zip(events, mean, strict=True)
    ]
    fits = (
        gf.poisson("y ~ x", data).fit(),
        gf.logit("s ~ x", data, trials="n").fit(),
        gf.glm("rain ~ x", data, gf.families.Tweedie(var_power=1.5)).fit(),
    )
    for result in fits:
        ordered = np.sort(result.resid_quantile(seed=3))
        distance = np.abs(ndtr(ordered) - (np.arange(n) + 0.5) / n).max()
        assert distance < 1.36 / math.sqrt(n)  # Kolmogorov and Smirnov, 5 per cent


def test_quantile_residuals_are_seeded():
    result = fitted("poisson")
    close(result.resid_quantile(), result.get_resid("quantile", seed=0), rtol=0)
    assert not np.allclose(result.resid_quantile(seed=1), result.resid_quantile(seed=2))
    generator = np.random.default_rng(1)
    close(result.resid_quantile(generator), result.resid_quantile(seed=1), rtol=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gf.glm("count ~ x", DATA, "quasipoisson"), "QuasiPoisson family has no dist"),
        (
            lambda: gf.glm("positive ~ x", DATA, gf.families.Tweedie(var_power=2.5)),
            r"Tweedie\(var_power=2.5\) family has no distribution function",
        ),
        (lambda: gf.poisson("count ~ x", DATA, var_weights="w"), "has none with variance weights"),
        (lambda: gf.poisson("positive ~ x", DATA), "counts that are not whole"),
    ],
)
def test_quantile_residuals_need_a_distribution(make, message):
    result = make().fit()
    with pytest.raises(NotAvailableError, match=message):
        result.resid_quantile()


def test_wrong_arguments_of_residuals():
    result = fitted("poisson")
    with pytest.raises(ArgumentError, match=r"There are no residuals 'pearsn'.*'pearson'"):
        result.get_resid("pearsn")
    with pytest.raises(ArgumentError, match="seed= is for kind='quantile'"):
        result.get_resid("pearson", seed=1)
    with pytest.raises(ArgumentError, match="standardized= is for Pearson"):
        result.get_resid("working", standardized=True)
    with pytest.raises(ArgumentError, match="There is no term 'zz'"):
        result.resid_partial("zz")
    close(result.resid_partial("z"), result.resid_partial()["z"], rtol=0)
    for kind in ("response", "working", "anscombe"):
        close(result.get_resid(kind), getattr(result, f"resid_{kind}"), rtol=0)


def test_what_is_not_available():
    result = fitted("poisson")
    with pytest.raises(NotAvailableError, match="one-step table"):
        result.get_influence(exact=True).measures()
    firth = gf.logit("binary ~ x", DATA).fit(method="firth")
    assert firth.get_influence().hat_matrix_diag.sum() == pytest.approx(2.0)
    with pytest.raises(NotAvailableError, match="bias-reduced"):
        firth.get_influence(exact=True)
    with pytest.raises(NotAvailableError, match="data were removed"):
        result.remove_data().get_influence().summary_frame()


# --- residuals of several classes -----------------------------------------------------------


def test_residuals_of_classes():
    result = class_results()["multinomial"]
    fitted_p = result.fittedvalues
    want = result.resid_response / np.sqrt(fitted_p * (1 - fitted_p))
    close(result.get_resid("pearson"), want, rtol=1e-14)
    close(result.get_resid("response"), result.resid_response, rtol=0)
    with pytest.raises(NotAvailableError, match="no 'quantile' residuals of MNLogit"):
        result.get_resid("quantile")
    with pytest.raises(NotAvailableError, match="no 'deviance' residuals"):
        result.get_resid("deviance")
    with pytest.raises(ArgumentError, match="seed= is for"):
        result.get_resid("pearson", seed=1)
    two = DATA.assign(binary=DATA["binary"].astype(int))
    pair = gf.mnlogit("binary ~ x + z", two).fit().resid_pearson
    close(pair["1"], fitted("binary").resid_pearson, rtol=1e-9)
    close(pair["0"], -fitted("binary").resid_pearson, rtol=1e-9)


def test_quantile_residuals_of_ordered_classes():
    """Of two classes they are those of the logit, of three normal if the model is right."""
    two = DATA.assign(binary=DATA["binary"].astype(int))
    ordered = gf.ordered("binary ~ x + z", two, distr="logit").fit()
    close(ordered.resid_quantile(seed=5), fitted("binary").resid_quantile(seed=5), rtol=1e-7)
    close(ordered.get_resid("quantile", seed=5), ordered.resid_quantile(seed=5), rtol=0)
    rng = np.random.default_rng(8)
    x = rng.normal(size=3000)
    latent = x + rng.logistic(size=3000)
    data = pd.DataFrame({"x": x, "y": np.digitize(latent, [-1.0, 0.5, 2.0])})
    scores = np.sort(gf.ordered("y ~ x", data, distr="logit").fit().resid_quantile())
    distance = np.abs(ndtr(scores) - (np.arange(3000) + 0.5) / 3000).max()
    assert distance < 1.36 / math.sqrt(3000)
    pneumo = gf.datasets.load("pneumo")
    wide = pneumo.pivot_table("count", "exposure", "severity", observed=True).reset_index()
    grouped = gf.ordered("normal + mild + severe ~ exposure", wide).fit()
    with pytest.raises(NotAvailableError, match="counts of several classes"):
        grouped.resid_quantile()
    assert grouped.resid_pearson.shape == (8, 3)
