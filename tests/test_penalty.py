"""Penalised fits: the numbers of glmnet, scikit-learn and mpmath, and the conditions they meet."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.engine.control import Control
from glmfit.engine.coordinate import descend, fit_penalized
from glmfit.engine.passes import Pass
from glmfit.engine.penalty import Penalty
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    CollinearityWarning,
    ConvergenceWarning,
    FitError,
    NotAvailableError,
)
from glmfit.inference.shrinkage import effective_df, least_penalised
from glmfit.likelihoods import GLMLikelihood

FOLDER = Path(__file__).parent / "reference"
REFERENCE = json.loads((FOLDER / "penalty.json").read_text())
DIGITS = json.loads((FOLDER / "penalty_digits.json").read_text())
EXACT = {("binomial", "logit"), ("poisson", "log"), ("gaussian", "identity")}
"""Families that glmnet fits to the last digits."""


def numbers(values):
    return np.array(values, dtype=float)


def name_of(case):
    return f"{case['dataset']}-{case['family']}-{case['link']}-{case['L1_wt']}"


def model_of(case):
    data = gf.datasets.load(case["dataset"])
    formula = case["formula"].replace("log(u)", "np.log(u)")
    if case.get("offset"):
        data = data[data[case["offset"]] > 0]
        formula += f" + offset(np.log({case['offset']}))"
    family = gf.families.FAMILIES[case["family"].replace("_", "")]
    if case["args"]:
        family = type(family)(**case["args"])
    return gf.glm(formula, data, family, link=case["link"], var_weights=case.get("weights"))


def fit_of(case):
    alpha = case["alpha"]
    if case.get("factors"):
        alpha = np.array([0.0, *case["factors"]]) * alpha
    return model_of(case).fit_regularized(
        alpha=alpha, L1_wt=case["L1_wt"], standardize=case["standardize"]
    )


@pytest.fixture(scope="module")
def risk():
    return gf.datasets.load("risk")


@pytest.fixture(scope="module")
def endometrial():
    return gf.datasets.load("endometrial")


@pytest.fixture(scope="module")
def stackloss():
    return gf.datasets.load("stackloss")


@pytest.fixture(scope="module")
def logit(endometrial):
    return gf.logit("HG ~ NV + PI + EH", endometrial)


@pytest.fixture(scope="module")
def ols(stackloss):
    return gf.ols("stack_loss ~ air_flow + water_temp + acid_conc", stackloss)


# -- reference values --------------------------------------------------------------------


@pytest.mark.parametrize("case", REFERENCE["glm"], ids=name_of)
def test_elastic_net_agrees_with_glmnet(case):
    result = fit_of(case)
    assert result.converged
    want = numbers(case["params"])
    rtol = 1e-11 if (case["family"], case["link"]) in EXACT else 1e-6
    np.testing.assert_allclose(result.params, want, rtol=rtol)
    np.testing.assert_array_equal(result.params == 0.0, want == 0.0)


@pytest.mark.parametrize("case", DIGITS["glm"], ids=name_of)
def test_links_that_are_not_canonical_are_exact_too(case):
    np.testing.assert_allclose(fit_of(case).params, numbers(case["params"]), rtol=1e-13)


@pytest.mark.parametrize(
    "case", REFERENCE["multinomial"], ids=lambda case: f"{case['dataset']}-{case['L1_wt']}"
)
def test_multinomial_agrees_with_glmnet(case):
    data = gf.datasets.load(case["dataset"])
    formula = f"{case['response']} {case['formula']}"
    model = gf.mnlogit(formula, data, freq_weights=case["weights"])
    options = {name: case[name] for name in ("alpha", "L1_wt", "standardize")}
    result = model.fit_regularized(**options)
    symmetric = result.symmetric()["coef"]
    for level, want in case["params"].items():
        np.testing.assert_allclose(symmetric[level], numbers(want), rtol=1e-10, atol=1e-12)
    for level in case["params"]:
        other = gf.mnlogit(formula, data, freq_weights=case["weights"], reference=level)
        np.testing.assert_allclose(
            other.fit_regularized(**options).params,
            result.rebase(level).params[other.fit_regularized(**options).params.columns],
            rtol=1e-9,
            atol=1e-11,
        )


@pytest.mark.parametrize("case", DIGITS["risk"], ids=lambda case: f"C={case['C']}")
def test_multinomial_ridge_is_that_of_scikit_learn(risk, case):
    model = gf.mnlogit("risk ~ age + income", risk.iloc[case["rows"]])
    result = model.fit_regularized(penalty_C=case["C"])
    symmetric = result.symmetric()["coef"]
    for level, want in zip(case["levels"], case["params"], strict=True):
        np.testing.assert_allclose(symmetric[level], numbers(want), rtol=1e-12)
    found = result.regularization
    assert found.objective == pytest.approx(float(case["objective"]), rel=1e-14)
    assert found.alpha == pytest.approx(1.0 / (8 * case["C"]), rel=1e-15)
    assert (found.L1_wt, found.penalty_C) == (0.0, case["C"])


def test_scikit_learns_stopping_rule_ends_above(risk):
    """The fit that the tutorial prints, lbfgs stopped at a gradient of 1e-4."""
    printed = pd.DataFrame(
        {
            "high": [3.8852867, -0.9481361, 0.5568439],
            "low": [-1.6768956, 0.7673434, -0.4956023],
            "medium": [-2.2083911, 0.1807927, -0.0612416],
        },
        index=["Intercept", "age", "income"],
    )
    case = DIGITS["risk"][0]
    data = risk.iloc[case["rows"]]
    result = gf.mnlogit("risk ~ age + income", data).fit_regularized(penalty_C=1.0)
    ours = result.symmetric()["coef"].to_numpy().reshape(3, 3).T
    ours = pd.DataFrame(ours, index=printed.index, columns=["low", "medium", "high"])
    np.testing.assert_allclose(ours[printed.columns], printed, atol=5e-5)

    def objective(coefficients):
        x = np.column_stack([np.ones(8), data[["age", "income"]]])
        eta = x @ coefficients.to_numpy()
        chosen = [coefficients.columns.get_loc(level) for level in data["risk"]]
        loss = np.log(np.exp(eta).sum(axis=1)) - eta[np.arange(8), chosen]
        return (loss.sum() + 0.5 * (coefficients.iloc[1:].to_numpy() ** 2).sum()) / 8

    assert objective(ours) == pytest.approx(float(case["objective"]), rel=1e-14)
    assert objective(ours) < objective(printed) < objective(ours) + 1e-9


@pytest.mark.parametrize("case", REFERENCE["wide"], ids=lambda case: f"{case['family']}")
def test_fewer_rows_than_columns(case):
    i, j = np.arange(1, 15.0), np.arange(1, 41.0)
    X = np.column_stack([np.ones(14), np.sin(np.outer(i, j))])
    y = np.cos(i**1.3) if case["family"] == "gaussian" else (i % 3 == 0).astype(float)
    result = gf.GLM(y, X, case["family"]).fit_regularized(alpha=case["alpha"], L1_wt=case["L1_wt"])
    np.testing.assert_allclose(result.params, numbers(case["params"]), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("case", REFERENCE["validated"], ids=lambda case: case["formula"])
def test_cross_validation_agrees_with_glmnet(case):
    data = gf.datasets.load(case["dataset"])
    path = gf.glm(case["formula"], data, case["family"]).regularization_path(
        alphas=case["alphas"], L1_wt=case["L1_wt"]
    )
    found = path.cross_validate(np.arange(len(data)) % case["count"])
    np.testing.assert_allclose(found.mean, case["mean"], rtol=1e-11)
    np.testing.assert_allclose(found.std_err, case["std_err"], rtol=1e-10)
    assert (found.alpha_min, found.alpha_1se) == (case["alpha_min"], case["alpha_1se"])
    assert found.frame["mean"].idxmin() == found.alpha_min
    assert found.by_fold.shape == (len(case["alphas"]), case["count"])


# -- conditions of the minimum -----------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    p=st.integers(1, 7),
    alpha=st.floats(0.001, 2.0),
    L1_wt=st.sampled_from([0.0, 0.3, 1.0]),
    family=st.sampled_from(["gaussian", "binomial", "poisson"]),
    standardize=st.booleans(),
)
def test_conditions_hold_by_plain_arithmetic(seed, p, alpha, L1_wt, family, standardize):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(25), rng.normal(3.0, 2.0, (25, p))])
    w = rng.uniform(0.2, 3.0, 25)
    y = {
        "gaussian": rng.normal(size=25),
        "binomial": np.arange(25) % 2.0,
        "poisson": rng.poisson(2.0, 25).astype(float),
    }[family]
    result = gf.GLM(y, X, family, var_weights=w).fit_regularized(
        alpha=alpha, L1_wt=L1_wt, standardize=standardize
    )
    assert result.converged
    beta = result.params
    slope = X.T @ (w * (y - result.mu)) / w.sum()
    unit = np.ones(p + 1)
    if standardize:
        unit = np.sqrt(np.average((X - np.average(X, axis=0, weights=w)) ** 2, axis=0, weights=w))
    unit[0] = 0.0
    slope = slope - alpha * (1.0 - L1_wt) * unit**2 * beta
    cost = alpha * L1_wt * unit
    size = 1e-12 * max(1.0, np.abs(X.T @ (w * y)).max() / w.sum())
    moving = beta != 0.0
    np.testing.assert_allclose(slope[moving], (cost * np.sign(beta))[moving], atol=size)
    assert (np.abs(slope[~moving]) <= cost[~moving] + size).all()
    if L1_wt == 0.0:
        assert moving.all()


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10_000), p=st.integers(1, 5), singular=st.booleans())
def test_descent_finds_the_minimum_among_all_signs(seed, p, singular):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(max(1, p - 1) if singular else p + 2, p))
    gram = root.T @ root
    pull, theta = (
        root.T @ rng.normal(size=root.shape[0]),
        rng.normal(size=p) * (rng.random(p) < 0.5),
    )
    cost = rng.uniform(0.05, 1.0, p)
    value = theta + descend(gram, pull, theta, cost)

    def height(candidate):
        step = candidate - theta
        return 0.5 * step @ gram @ step - pull @ step + cost @ np.abs(candidate)

    rest = pull - gram @ (value - theta)
    moving = value != 0.0
    np.testing.assert_allclose(rest[moving], (cost * np.sign(value))[moving], atol=1e-9)
    assert (np.abs(rest[~moving]) <= cost[~moving] * (1 + 1e-9)).all()
    for _ in range(20):  # a convex function has no lower point
        assert height(value) <= height(value + rng.normal(size=p) * 0.1) + 1e-12


def test_a_fit_of_a_pass_needs_no_model(logit):
    data = logit.data
    run = Pass(data.rows(), GLMLikelihood(logit.family), Control())
    factors = np.array([0.0, 1.0, 1.0, 1.0])
    penalty = Penalty(0.05, 0.5, factors, np.ones(4), 79.0)
    found = fit_penalized(run, np.zeros(4), penalty, Control())
    want = logit.fit_regularized(alpha=0.05, L1_wt=0.5)
    np.testing.assert_allclose(found.theta, want.params, rtol=1e-13, atol=1e-15)
    assert found.violation < 1e-12
    assert penalty.value(found.theta) == pytest.approx(
        79.0 * 0.05 * (0.5 * np.abs(found.theta[1:]).sum() + 0.25 * (found.theta[1:] ** 2).sum())
    )


# -- what the fit does not depend on -----------------------------------------------------


def test_frequencies_are_repeated_rows(endometrial):
    freq = np.arange(len(endometrial)) % 3
    long = endometrial.loc[np.repeat(endometrial.index, freq)]
    options = {"alpha": 0.03, "L1_wt": 0.4, "standardize": True}
    short = gf.logit("HG ~ NV + PI + EH", endometrial, freq_weights=freq).fit_regularized(**options)
    repeated = gf.logit("HG ~ NV + PI + EH", long).fit_regularized(**options)
    np.testing.assert_allclose(short.params, repeated.params, rtol=1e-11)
    assert short.regularization.nobs_weighted == freq.sum()
    assert short.regularization.objective == pytest.approx(repeated.regularization.objective)


def test_trials_are_rows_of_0_and_1():
    rings = gf.datasets.load("challenger_rings")
    counts = gf.glm("damaged + I(n_rings - damaged) ~ temperature", rings, "binomial")
    long = rings.loc[np.repeat(rings.index, rings["n_rings"])]
    order = long.groupby(level=0).cumcount()
    long = long.assign(event=(order < long["damaged"]).astype(int))
    single = gf.logit("event ~ temperature", long)
    for options in ({"alpha": 0.01}, {"alpha": 0.01, "L1_wt": 0.0}):
        a, b = counts.fit_regularized(**options), single.fit_regularized(**options)
        np.testing.assert_allclose(a.params, b.params, rtol=1e-11)
    np.testing.assert_allclose(a.bse, b.bse, rtol=1e-11)


def test_standardized_fits_do_not_depend_on_units(stackloss):
    scaled = stackloss.assign(air_flow=stackloss["air_flow"] * 1000.0)
    formula = "stack_loss ~ air_flow + water_temp + acid_conc"
    options = {"alpha": 0.8, "L1_wt": 0.6, "standardize": True}
    a = gf.ols(formula, stackloss).fit_regularized(**options)
    b = gf.ols(formula, scaled).fit_regularized(**options)
    np.testing.assert_allclose(a.params["air_flow"], 1000.0 * b.params["air_flow"], rtol=1e-11)
    np.testing.assert_allclose(a.fittedvalues, b.fittedvalues, rtol=1e-12)
    np.testing.assert_allclose(
        a.params, gf.ols(formula, stackloss).fit_regularized(**{**options}).params
    )


def test_columns_far_from_zero_do_no_harm(stackloss):
    far = stackloss.assign(air_flow=stackloss["air_flow"] + 1e6)
    formula = "stack_loss ~ air_flow + water_temp + acid_conc"
    a = gf.ols(formula, stackloss).fit_regularized(alpha=2.0, L1_wt=0.5)
    b = gf.ols(formula, far).fit_regularized(alpha=2.0, L1_wt=0.5)
    assert b.converged
    np.testing.assert_allclose(b.params.iloc[1:], a.params.iloc[1:], rtol=1e-7)


def test_arrays_and_formulas_agree(endometrial, logit):
    X = np.column_stack([endometrial[["NV", "PI"]], np.ones(79), endometrial["EH"]])
    result = gf.Logit(endometrial["HG"].to_numpy(), X).fit_regularized(alpha=0.05)
    want = logit.fit_regularized(alpha=0.05).params
    np.testing.assert_allclose(result.params, want[["NV", "PI", "Intercept", "EH"]], rtol=1e-12)
    assert result.regularization.penalized.tolist() == [True, True, False, True]


def test_offsets_of_another_reference_are_kept(risk):
    shifted = risk.assign(z=np.linspace(0.0, 1.0, 12))
    model = gf.mnlogit("risk ~ age + income", shifted, reference="low", offset="z")
    result = model.fit_regularized(alpha=0.05, L1_wt=0.5)
    moved = result.rebase("high")
    again = moved.model.fit_regularized(alpha=0.05, L1_wt=0.5)
    np.testing.assert_allclose(again.params, moved.params, rtol=1e-9, atol=1e-12)


def test_start_does_not_matter(logit, risk):
    cold = logit.fit_regularized(alpha=0.02)
    warm = logit.fit_regularized("elastic_net", 0.02, [1.0, 1.0, 0.0, -1.0])
    np.testing.assert_allclose(warm.params, cold.params, rtol=1e-12)
    model = gf.mnlogit("risk ~ age + income", risk)
    cold = model.fit_regularized(alpha=0.05, L1_wt=0.5)
    warm = model.fit_regularized(alpha=0.05, L1_wt=0.5, start_params=cold.params + 0.1)
    np.testing.assert_allclose(warm.params, cold.params, rtol=1e-11)


def test_missing_rows_and_offsets_are_left_as_in_fit(endometrial):
    holed = endometrial.assign(z=np.linspace(0.0, 1.0, 79))
    holed.loc[[3, 5], "PI"] = np.nan
    result = gf.logit("HG ~ NV + PI + EH", holed, offset="z").fit_regularized(alpha=0.02)
    again = gf.logit("HG ~ NV + PI + EH", holed.dropna(), offset="z").fit_regularized(alpha=0.02)
    np.testing.assert_array_equal(result.params, again.params)
    assert result.fittedvalues.isna().sum() == 2


# -- data that maximum likelihood cannot fit ----------------------------------------------


def test_separated_data_have_finite_estimates_and_no_warning(risk):
    result = gf.mnlogit("risk ~ age + income", risk).fit_regularized(alpha=0.01, L1_wt=0.5)
    assert result.converged
    assert result.separation is None
    assert np.isfinite(result.params.to_numpy()).all()
    x = np.arange(20.0)
    perfect = gf.Logit((x > 9).astype(int), np.column_stack([np.ones(20), x]))
    for L1_wt in (0.0, 1.0):
        assert np.isfinite(perfect.fit_regularized(alpha=1e-6, L1_wt=L1_wt).params).all()


def test_free_columns_that_separate_are_an_error(logit):
    with pytest.raises(FitError, match=r"without a penalty \(Intercept, NV\) separate"):
        logit.fit_regularized(alpha=[0.0, 0.0, 0.1, 0.1])
    with pytest.raises(FitError, match="Every response"):
        gf.Logit(np.ones(5), np.column_stack([np.ones(5), np.arange(5.0)])).fit_regularized(
            alpha=0.1
        )


def test_columns_may_depend_on_one_another(stackloss):
    twice = stackloss.assign(again=2.0 * stackloss["air_flow"], zero=0.0)
    model = gf.ols("stack_loss ~ air_flow + again + zero + water_temp", twice)
    ridge = model.fit_regularized(alpha=1.0, L1_wt=0.0)
    assert ridge.params["again"] == pytest.approx(2.0 * ridge.params["air_flow"], rel=1e-9)
    assert ridge.params["zero"] == 0.0
    lasso = model.fit_regularized(alpha=1.0)
    assert lasso.converged
    assert lasso.params["zero"] == 0.0
    single = gf.ols("stack_loss ~ again + water_temp", twice).fit_regularized(alpha=1.0)
    np.testing.assert_allclose(lasso.fittedvalues, single.fittedvalues, rtol=1e-9)


def test_free_columns_that_others_determine_are_left_out(stackloss):
    twice = stackloss.assign(again=2.0 * stackloss["air_flow"])
    model = gf.ols("stack_loss ~ air_flow + again + water_temp", twice)
    with pytest.warns(CollinearityWarning, match="again = 2 air_flow"):
        result = model.fit_regularized(alpha=[0.0, 0.0, 0.0, 1.0], L1_wt=0.5)
    assert np.isnan(result.params["again"])
    short = gf.ols("stack_loss ~ air_flow + water_temp", twice)
    want = short.fit_regularized(alpha=[0.0, 0.0, 1.0], L1_wt=0.5)
    kept = ["Intercept", "air_flow", "water_temp"]
    np.testing.assert_allclose(result.params[kept], want.params, rtol=1e-11)


def test_without_a_column_of_ones_all_are_penalised(stackloss):
    model = gf.ols("stack_loss ~ 0 + C(water_temp > 20) + air_flow", stackloss)
    assert model.fit_regularized(alpha=0.5).regularization.penalized.all()
    assert "every column is penalised" in str(model.fit_regularized(alpha=0.5).summary())


# -- inference ----------------------------------------------------------------------------


def test_ridge_standard_errors(logit, endometrial):
    X, alpha = logit.exog, 0.05
    result = logit.fit_regularized(alpha=alpha, L1_wt=0.0)
    weight = result.mu * (1.0 - result.mu)
    information = X.T @ (X * weight.to_numpy()[:, None])
    P = np.diag([0.0, 1.0, 1.0, 1.0]) * 79 * alpha
    inverse = np.linalg.inv(information + P)
    np.testing.assert_allclose(result.cov_params(), inverse, rtol=1e-9)
    other = logit.fit_regularized(alpha=alpha, L1_wt=0.0, cov_type="sandwich")
    np.testing.assert_allclose(other.cov_params(), inverse @ information @ inverse, rtol=1e-9)
    df = np.trace(inverse @ information)
    assert result.regularization.effective_df == pytest.approx(df, rel=1e-12)
    assert result.get_hat_matrix_diag().sum() == pytest.approx(df, rel=1e-10)
    assert result.df_model == pytest.approx(df - 1.0)
    assert result.df_resid == pytest.approx(79 - df)
    assert result.aic == pytest.approx(-2.0 * result.llf + 2.0 * df)
    assert result.bic == pytest.approx(-2.0 * result.llf + np.log(79) * df)


def test_ridge_of_a_normal_model(ols):
    X, y = ols.exog, ols.endog
    P = np.diag([0.0, 1.0, 1.0, 1.0]) * 21 * 2.0
    result = ols.fit_regularized(alpha=2.0, L1_wt=0.0)
    inverse = np.linalg.inv(X.T @ X + P)
    np.testing.assert_allclose(result.params, inverse @ X.T @ y, rtol=1e-9)
    df = np.trace(inverse @ X.T @ X)
    scale = ((y - X @ result.params.to_numpy()) ** 2).sum() / (21 - df)
    assert result.scale == pytest.approx(scale, rel=1e-10)
    np.testing.assert_allclose(result.cov_params(), scale * inverse, rtol=1e-8)
    given_scale = ols.fit_regularized(alpha=2.0, L1_wt=0.0, scale=1.0)
    np.testing.assert_allclose(given_scale.cov_params(), inverse, rtol=1e-8)
    loss = ((y - X @ result.params.to_numpy()) ** 2).sum() / 42
    want = loss + (result.params.iloc[1:] ** 2).sum()
    assert result.regularization.objective == pytest.approx(want, rel=1e-12)


def test_multinomial_ridge_standard_errors(risk):
    alpha = 0.05
    result = gf.mnlogit("risk ~ age + income", risk).fit_regularized(alpha=alpha, L1_wt=0.0)
    # the curvature of the penalty in differences from the reference is I - 11'/K
    information = result.model.fitted_pass(result.record)(result.record.base).information
    curve = np.kron(np.eye(2) - 1.0 / 3.0, np.diag([0.0, 1.0, 1.0])) * 12 * alpha
    inverse = np.linalg.inv(information + curve)
    np.testing.assert_allclose(result.cov_params(), inverse, rtol=1e-7)
    df = np.trace(inverse @ information)
    assert result.regularization.effective_df == pytest.approx(df, rel=1e-8)
    assert result.df_model == pytest.approx(df - 2.0, rel=1e-8)
    totals = result.symmetric()["coef"].groupby(level="term").sum()
    np.testing.assert_allclose(totals, 0.0, atol=1e-12)


def test_an_l1_penalty_has_no_standard_errors(logit, risk):
    for result in (
        logit.fit_regularized(alpha=0.05),
        gf.mnlogit("risk ~ age + income", risk).fit_regularized(alpha=0.05, L1_wt=0.5),
    ):
        for name in ("bse", "tvalues", "pvalues", "normalized_cov_params"):
            with pytest.raises(NotAvailableError, match="L1 penalty selects"):
                getattr(result, name)
        for call in (result.conf_int, result.cov_params):
            with pytest.raises(NotAvailableError, match="refit=True"):
                call()
        for name in ("aic", "bic"):
            with pytest.raises(NotAvailableError, match="cross_validate"):
                getattr(result, name)
        text = str(result.summary())
        assert "std err" not in text
        assert "no standard errors" in text
    lasso = logit.fit_regularized(alpha=0.05)
    for call in (lasso.get_hat_matrix_diag, lasso.get_prediction):
        with pytest.raises(NotAvailableError):
            call()
    assert "std_err" not in result.symmetric()


def test_penalised_estimates_are_no_maximum(logit, ols):
    for result in (logit.fit_regularized(alpha=0.05, L1_wt=L1_wt) for L1_wt in (0.0, 0.5)):
        for name in ("llr", "llr_pvalue"):
            with pytest.raises(NotAvailableError, match="penalised estimates do not maximise"):
                getattr(result, name)
        with pytest.raises(NotAvailableError):
            _ = result.penalized_llf
    ridge = ols.fit_regularized(alpha=1.0, L1_wt=0.0)
    for name in ("fvalue", "f_pvalue"):
        with pytest.raises(NotAvailableError, match="F statistic"):
            getattr(ridge, name)
    with pytest.raises(NotAvailableError, match="no penalty"):
        _ = ols.fit().regularization


def test_tests_of_irrelevant_alternatives_need_all_columns():
    housing = gf.datasets.load("housing")
    model = gf.mnlogit("sat ~ infl + type + cont", housing, freq_weights="freq")
    for options in ({"L1_wt": 0.0}, {}, {"refit": True}):
        with pytest.raises(NotAvailableError, match="penalised, or left out"):
            model.fit_regularized(alpha=0.01, **options).iia_test()


def test_diagnostics_rest_on_a_maximum(logit, ols, risk):
    classes = gf.mnlogit("risk ~ age + income", risk)
    for model in (logit, ols, classes):
        for L1_wt in (0.0, 0.5):
            result = model.fit_regularized(alpha=0.05, L1_wt=L1_wt)
            with pytest.raises(NotAvailableError, match="penalised"):
                result.get_influence()
            findings = {one.topic: one for one in result.check().findings}
            assert findings["Influential rows"].verdict == "not applicable"
            assert "Not separated" not in str(result.check())
    with pytest.raises(NotAvailableError, match="these are penalised"):
        logit.fit_regularized(alpha=0.05, L1_wt=0.0).hosmer_lemeshow_test()


def test_refit_is_maximum_likelihood_on_what_was_selected(stackloss, ols):
    result = ols.fit_regularized(alpha=3.0, refit=True)
    assert result.selected == ["Intercept", "air_flow", "water_temp"]
    short = gf.ols("stack_loss ~ air_flow + water_temp", stackloss).fit()
    np.testing.assert_allclose(result.params[result.selected], short.params, rtol=1e-12)
    np.testing.assert_allclose(result.bse[result.selected], short.bse, rtol=1e-11)
    assert result.params["acid_conc"] == 0.0
    assert np.isnan(result.bse["acid_conc"])
    for name in ("aic", "llf", "rsquared", "fvalue", "df_resid", "scale"):
        assert getattr(result, name) == pytest.approx(getattr(short, name), rel=1e-12)
    new = stackloss.iloc[:4]
    np.testing.assert_allclose(result.predict(new), short.predict(new), rtol=1e-12)
    text = str(result.summary())
    assert "left out by the penalty" in text
    assert "ignore the selection" in text


def test_refit_of_a_multinomial():
    housing = gf.datasets.load("housing")
    model = gf.mnlogit("sat ~ infl + type + cont", housing, freq_weights="freq")
    lasso = model.fit_regularized(alpha=0.02)
    assert lasso.selected == ["Intercept", "infl[T.High]", "type[T.Terrace]"]
    result = model.fit_regularized(alpha=0.02, refit=True)
    housing = housing.assign(high=housing["infl"] == "High", row=housing["type"] == "Terrace")
    short = gf.mnlogit("sat ~ I(1*high) + I(1*row)", housing, freq_weights="freq").fit()
    np.testing.assert_allclose(result.params.loc[result.selected], short.params, rtol=1e-9)
    np.testing.assert_allclose(result.bse.loc[result.selected], short.bse, rtol=1e-9)
    moved = result.rebase("High")
    np.testing.assert_allclose(moved.params.loc["cont[T.High]"], 0.0)
    assert moved.bse.loc["cont[T.High]"].isna().all()


def test_nothing_left_to_refit(stackloss):
    model = gf.ols("stack_loss ~ 0 + air_flow", stackloss)
    with pytest.raises(ArgumentError, match="nothing to refit"):
        model.fit_regularized(alpha=1e6, refit=True)


# -- limits --------------------------------------------------------------------------------


def test_no_penalty_is_maximum_likelihood(endometrial, ols):
    logit = gf.logit("HG ~ PI + EH + np.sqrt(PI)", endometrial)
    for model in (logit, ols):
        plain = model.fit()
        for result in (model.fit_regularized(), model.fit_regularized(alpha=np.zeros(4))):
            np.testing.assert_array_equal(result.params, plain.params)
            assert result.record.regularized is None
        near = model.fit_regularized(alpha=1e-13, L1_wt=0.5)
        np.testing.assert_allclose(near.params, plain.params, rtol=1e-5)
    np.testing.assert_array_equal(
        logit.fit_regularized(penalty_C=np.inf).params, logit.fit().params
    )


def test_a_large_penalty_leaves_the_constant(logit, endometrial):
    result = logit.fit_regularized(alpha=10.0)
    mean = endometrial["HG"].mean()
    assert result.params["Intercept"] == pytest.approx(np.log(mean / (1.0 - mean)), rel=1e-12)
    assert result.selected == ["Intercept"]
    assert (result.params.iloc[1:] == 0.0).all()


def test_domains_with_an_end_are_kept_to(stackloss):
    family = gf.families.Gamma()  # 1 / mean, which must stay positive
    model = gf.glm("stack_loss ~ air_flow + water_temp", stackloss, family)
    result = model.fit_regularized(alpha=1e-4, L1_wt=0.5)
    assert result.converged
    assert (result.fittedvalues > 0.0).all()
    bare = gf.glm("stack_loss ~ 0 + air_flow + water_temp", stackloss, family)
    assert bare.fit_regularized(alpha=1e-6, L1_wt=0.0).converged


def test_minima_at_the_end_of_a_domain_are_told():
    x = np.arange(12.0)
    y = np.array([9.0, 8, 7, 7, 5, 5, 4, 2, 1, 1, 0, 0])
    model = gf.GLM(y, np.column_stack([np.ones(12), x]), "poisson", link="identity")
    with pytest.warns(ConvergenceWarning, match="boundary of the parameter space"):
        result = model.fit_regularized(alpha=1e-4)
    assert not result.converged


@pytest.mark.parametrize("L1_wt", [0.0, 0.5, 1.0])
def test_likelihoods_that_are_not_concave_are_descended(L1_wt):
    rng = np.random.default_rng(3)
    Z = rng.normal(size=(60, 4))
    y = rng.gamma(5.0, np.exp(1.0 + 0.3 * Z[:, 0] - 0.4 * Z[:, 1]) / 5.0) + 0.01
    model = gf.GLM(y, np.column_stack([np.ones(60), Z]), "inversegaussian", link="identity")
    result = model.fit_regularized(alpha=0.01, L1_wt=L1_wt)
    assert result.converged
    slope = (
        model.score(result.params, scale=1.0) / 60
        - 0.01 * (1.0 - L1_wt) * np.r_[0.0, result.params[1:]]
    )
    cost = 0.01 * L1_wt * np.r_[0.0, np.ones(4)]
    moving = result.params != 0.0
    np.testing.assert_allclose(slope[moving], (cost * np.sign(result.params))[moving], atol=1e-11)


def test_fits_that_end_early_say_so(logit):
    with pytest.warns(ConvergenceWarning, match="limit of 1 iterations"):
        result = logit.fit_regularized(alpha=0.01, maxiter=1)
    assert not result.converged
    assert "Not converged" in str(result.summary())


# -- paths ---------------------------------------------------------------------------------


def test_a_path_begins_where_all_is_zero(logit):
    path = logit.regularization_path(n_alphas=20)
    assert path.alphas.size == 20
    assert path.n_selected[0] == 0
    assert logit.fit_regularized(alpha=path.alphas[0] * 0.999).selected != ["Intercept"]
    assert path.alphas[-1] == pytest.approx(path.alphas[0] * 1e-4)
    assert path.converged.all()
    assert (np.diff(path.deviance) <= 1e-9).all()
    assert path.deviance[0] == pytest.approx(path.null_deviance)
    for place in (3, 11):
        cold = path.fit(path.alphas[place])
        np.testing.assert_allclose(path.params.iloc[place], cold.params, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("options", [{"L1_wt": 0.0}, {"L1_wt": 0.5, "standardize": True}])
def test_paths_of_other_penalties(ols, risk, options):
    for model in (ols, gf.mnlogit("risk ~ age + income", risk)):
        path = model.regularization_path(n_alphas=8, alpha_min_ratio=0.01, **options)
        assert path.converged.all()
        cold = path.fit(path.alphas[5])
        got = path.coefficients[5]
        want = cold.params.to_numpy().ravel(order="F")
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-12)
        assert list(path.frame.columns) == ["selected", "deviance", "explained", "converged"]


def test_penalty_factors_leave_columns_free(logit):
    path = logit.regularization_path(n_alphas=5, penalty_factors=[0.0, 1.0, 0.0, 2.0])
    assert (path.params["PI"] != 0.0).all()
    assert path.n_selected[0] == 0
    series = pd.Series({"EH": 2.0, "NV": 1.0, "PI": 0.0, "Intercept": 0.0})
    again = logit.regularization_path(n_alphas=5, penalty_factors=series)
    np.testing.assert_array_equal(path.coefficients, again.coefficients)


def test_folds_are_seeded_and_balanced(logit, risk):
    path = logit.regularization_path(n_alphas=6)
    a, b = path.cross_validate(5, seed=3), path.cross_validate(5, seed=3)
    np.testing.assert_array_equal(a.folds, b.folds)
    np.testing.assert_array_equal(a.mean, b.mean)
    assert (path.cross_validate(5, seed=4).folds != a.folds).any()
    events = pd.Series(logit.endog).groupby(a.folds).sum()
    assert events.max() - events.min() <= 1
    classes = gf.mnlogit("risk ~ age + income", risk)
    found = classes.regularization_path(n_alphas=6, L1_wt=0.5).cross_validate(3)
    table = pd.crosstab(found.folds, risk["risk"])
    assert (table.max() - table.min() <= 1).all()
    assert np.isfinite(found.mean).all()


def test_the_weight_that_was_picked_is_fitted(logit):
    found = logit.regularization_path(n_alphas=15).cross_validate(6, seed=1)
    assert found.alpha_1se >= found.alpha_min
    simple, best = found.fit("1se"), found.fit()
    want = logit.fit_regularized(alpha=found.alpha_1se)
    np.testing.assert_allclose(simple.params, want.params, rtol=1e-11, atol=1e-13)
    assert best.regularization.penalized.tolist() == [False, True, True, True]
    text = repr(found)
    assert "alpha_1se" in text
    assert "min" in text
    with pytest.raises(ArgumentError, match="no rule 'best'"):
        found.fit("best")


# -- arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"alpha": -1.0}, ArgumentError, "0 or positive"),
        ({"alpha": np.nan}, ArgumentError, "0 or positive"),
        ({"alpha": "cv"}, ArgumentTypeError, "cross_validate"),
        ({"alpha": [1.0, 2.0]}, ArgumentError, "4 columns"),
        ({"alpha": ["a"] * 4}, ArgumentTypeError, "numbers"),
        ({"alpha": 1.0, "L1_wt": 1.5}, ArgumentError, "from 0"),
        ({"alpha": 1.0, "L1_wt": True}, ArgumentError, "from 0"),
        ({"alpha": 1.0, "penalty_C": 1.0}, ArgumentError, "not both"),
        ({"penalty_C": 0.0}, ArgumentError, "positive"),
        ({"alpha": 1.0, "method": "l1", "L1_wt": 0.5}, ArgumentError, "has no L1_wt"),
        ({"alpha": [1.0, 2.0], "method": "l1"}, ArgumentError, "4 columns"),
        ({"alpha": 1.0, "method": "elastic"}, ArgumentError, "Did you mean 'elastic_net'"),
        ({"alpha": 1.0, "L1_wt": 0.5, "method": "l1_slsqp"}, ArgumentError, "lasso"),
        ({"alpha": 1.0, "cov_type": "HC0"}, ArgumentError, "sandwich"),
        ({"alpha": 1.0, "control": Control(stop="params")}, ArgumentError, "stop='score'"),
        ({"alpha": 1.0, "L1wt": 0.5}, ArgumentTypeError, "Did you mean 'L1_wt'"),
        ({"alpha": 1.0, "start_params": [1.0]}, ArgumentError, "1 values for 4"),
        ({"alpha": 1.0, "start_params": ["a"] * 4}, ArgumentTypeError, "numbers"),
    ],
)
def test_wrong_arguments_are_answered(logit, options, error, told):
    with pytest.raises(error, match=told):
        logit.fit_regularized(**options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"alphas": [0.0, 1.0]}, "positive"),
        ({"n_alphas": 0}, "whole number"),
        ({"alpha_min_ratio": 2.0}, "between 0 and 1"),
        ({"penalty_factors": [1.0]}, "4 columns"),
        ({"L1_wt": -0.1}, "from 0"),
    ],
)
def test_wrong_arguments_of_a_path(logit, options, told):
    with pytest.raises(ArgumentError, match=told):
        logit.regularization_path(**options)


def test_wrong_folds(logit):
    path = logit.regularization_path(n_alphas=3)
    with pytest.raises(ArgumentError, match="2 to 79"):
        path.cross_validate(1)
    with pytest.raises(ArgumentError, match="two folds"):
        path.cross_validate(np.zeros(79))
    with pytest.raises(AlignmentError, match="79 rows"):
        path.cross_validate(np.arange(5))


def test_fit_says_where_penalties_are(logit, risk):
    for model in (logit, gf.mnlogit("risk ~ age + income", risk)):
        for name in ("alpha", "L1_wt", "penalty_C"):
            with pytest.raises(ArgumentTypeError, match="fit_regularized"):
                model.fit(**{name: 1.0})


def test_multinomials_have_no_dispersion(risk):
    model = gf.mnlogit("risk ~ age + income", risk)
    for alpha in (0.0, 1.0):
        with pytest.raises(ArgumentError, match="no dispersion"):
            model.fit_regularized(alpha=alpha, scale="X2")


def test_settings_of_statsmodels_are_taken(logit):
    plain = logit.fit_regularized(alpha=0.05)
    for options in ({"cnvrg_tol": 1e-10, "zero_tol": 1e-8}, {"method": "l1_slsqp"}):
        result = logit.fit_regularized(alpha=0.05, **options)
        np.testing.assert_array_equal(result.params, plain.params)


# -- numbers of arrays ---------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.integers(-8, 8).map(float), min_size=2, max_size=6),
    L1_wt=st.floats(0.0, 1.0),
)
def test_the_constant_that_costs_least(values, L1_wt):
    column = np.array(values)[:, None]
    centred = least_penalised(column, L1_wt)
    np.testing.assert_allclose(np.diff(centred[:, 0]), np.diff(column[:, 0]), atol=1e-12)

    def cost(shift):
        moved = centred + shift
        return L1_wt * np.abs(moved).sum() + 0.5 * (1.0 - L1_wt) * (moved**2).sum()

    for shift in (-1.0, -0.1, -1e-3, 1e-3, 0.1, 1.0):
        assert cost(0.0) <= cost(shift) + 1e-12


def test_degrees_of_freedom_without_a_penalty_are_the_rank():
    root = np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 2.0]])
    assert effective_df(root.T @ root, np.zeros(3)) == pytest.approx(2.0)
    assert effective_df(np.zeros((0, 0)), np.zeros(0)) == 0.0


def test_no_warning_is_given_on_the_way(risk):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gf.mnlogit("risk ~ age + income", risk).regularization_path(n_alphas=10).cross_validate(3)
