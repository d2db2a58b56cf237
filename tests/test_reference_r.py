"""Fits against R's glm(), for every family and link that R has.

The values and the script that made them stand in tests/reference/glm_families.*; the engine
is compared on R's own model matrix, the models from the formula on.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.design import Dense
from glmfit.engine.control import Control
from glmfit.engine.irls import fit_irls
from glmfit.engine.passes import Pass
from glmfit.engine.rank import full_rank
from glmfit.engine.start import starting_theta
from glmfit.families import Family, resolve_family
from glmfit.likelihoods import GLMLikelihood
from glmfit.sources import Rows

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "glm_families.json").read_text(encoding="utf8")
)
DATA = pd.DataFrame(REFERENCE["data"])
NEW = pd.DataFrame(REFERENCE["new"])

Case = dict[str, Any]

OUR_NAMES = {"(Intercept)": "Intercept", "gb": "g[T.b]", "gc": "g[T.c]"}


def name(case: Case) -> str:
    parts = [case["family"], *map(str, dict(case["args"]).values()), case["link"], case["rhs"]]
    return " ".join(parts + ([f"weights {case['weights']}"] if case["weights"] else []))


CASES = [pytest.param(case, id=name(case)) for case in REFERENCE["cases"]]
every_case = pytest.mark.parametrize("case", CASES)


def family_of(case: Case) -> Family:
    kind = type(gf.families.FAMILIES[case["family"]])
    return resolve_family(kind(**dict(case["args"])), case["link"])


def optional(values: list[float] | None) -> np.ndarray | None:
    return None if values is None else np.array(values)


def fitted(case: Case) -> Any:
    """Fit through the public interface."""
    options = {}
    if case["weights"] is not None:
        trials = case["weights"] == "trials"
        options = {"trials" if trials else "var_weights": case["weights"]}
    formula = f"{case['response']} ~ {case['rhs']}"
    return gf.glm(formula, DATA, family_of(case), **options).fit()


def close(got: Any, want: Any, rtol: float = 1e-10) -> None:
    want = np.asarray(want, dtype=float)
    np.testing.assert_allclose(
        np.asarray(got, dtype=float), want, rtol=rtol, atol=rtol * np.abs(want).max()
    )


def test_the_reference_covers_the_registry():
    compared = {type(family_of(case)) for case in REFERENCE["cases"]}
    assert compared == {type(family) for family in gf.families.FAMILIES.values()}
    links = {case["link"] for case in REFERENCE["cases"]}
    r_links = "identity log inverse logit probit cauchit cloglog sqrt 1/mu^2".split()
    assert links == set(r_links)
    assert REFERENCE["R"].startswith("R version")


@every_case
def test_engine(case):
    rows = Rows(
        np.array(case["y"], dtype=float),
        Dense(np.array(case["X"], dtype=float)),
        optional(case["offset"]),
        np.array(case["prior_weights"], dtype=float),
    )
    ranked = full_rank(Pass(rows, GLMLikelihood(family_of(case)), Control()))
    assert not ranked.aliased
    solution = fit_irls(ranked.run, starting_theta(ranked.run, ranked.start), Control())
    assert solution.converged
    close(solution.theta, case["params"])
    close(solution.covariance * case["dispersion"], case["covariance"])
    assert solution.deviance == pytest.approx(case["deviance"], rel=1e-10)


@every_case
def test_estimates(case):
    result = fitted(case)
    assert result.converged
    names = [OUR_NAMES.get(column, column) for column in case["columns"]]
    assert sorted(names) == sorted(result.params.index)
    close(result.params[names], case["params"])
    close(result.bse[names], np.sqrt(np.diag(case["covariance"])))
    close(result.cov_params().loc[names, names], case["covariance"])


@every_case
def test_totals(case):
    result = fitted(case)
    assert result.scale == pytest.approx(case["dispersion"], rel=1e-10)
    assert result.deviance == pytest.approx(case["deviance"], rel=1e-10)
    assert result.null_deviance == pytest.approx(case["null_deviance"], rel=1e-10)
    assert result.df_resid == case["df_residual"]
    assert result.df_model == case["df_null"] - case["df_residual"]
    if case["log_likelihood"] is None:
        assert np.isnan(result.llf) or case["family"] == "tweedie"
    else:
        assert result.llf == pytest.approx(case["log_likelihood"], rel=1e-10)


@every_case
def test_rows(case):
    result = fitted(case)
    close(result.fittedvalues, case["mu"])
    close(result.resid_deviance, case["resid_deviance"])
    close(result.resid_pearson, case["resid_pearson"])
    close(result.resid_working, case["resid_working"])
    close(result.get_hat_matrix_diag(), case["hat"])


@every_case
def test_predictions(case):
    prediction = fitted(case).get_prediction(NEW)
    want = case["prediction"]
    close(prediction.linpred, want["eta"])
    close(prediction.linpred_se, want["se_eta"])
    frame = prediction.summary_frame()
    close(frame["mean"], want["mean"])
    close(frame["mean_se"], want["se_mean"])
    assert (frame["mean_ci_lower"] < frame["mean"]).all()
    assert (frame["mean"] < frame["mean_ci_upper"]).all()
