"""Random models beside statsmodels and R, where these are installed (slow mode only).

Neither is a requirement of the tests: a developer's environment has them by the extra
``bench``, and R by its own installer.
"""

import importlib.util
import json
import shutil
import subprocess
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from glmfit.errors import GlmfitError, GlmfitWarning
from tests.properties.cases import Case, cases

CALM = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def finite_fit(case: Case) -> Any:
    """Return the fit of a generalised linear model that has a finite maximum, or pass over it."""
    assume(case.kind == "glm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlmfitWarning)
        try:
            result = case.fit()
        except GlmfitError:
            assume(False)
    assume(result.converged and result.separation is None)
    assume(np.isfinite(np.asarray(result.params)).all())
    return result


def vectors(result: Any) -> dict[str, np.ndarray]:
    data = result.model.data
    found = {name: getattr(data, name) for name in ("offset", "freq_weights", "var_weights")}
    return {name: values for name, values in found.items() if values is not None}


if importlib.util.find_spec("statsmodels") is not None:
    import statsmodels.api as sm

    STATSMODELS = {
        "gaussian": sm.families.Gaussian,
        "binomial": sm.families.Binomial,
        "poisson": sm.families.Poisson,
        "gamma": sm.families.Gamma,
        "inverse_gaussian": sm.families.InverseGaussian,
    }
    LINKS = {
        "identity": sm.families.links.Identity,
        "log": sm.families.links.Log,
        "logit": sm.families.links.Logit,
        "probit": sm.families.links.Probit,
        "cloglog": sm.families.links.CLogLog,
        "cauchit": sm.families.links.Cauchy,
        "sqrt": sm.families.links.Sqrt,
        "inverse": sm.families.links.InversePower,
    }

    @pytest.mark.slow
    @settings(max_examples=400, deadline=None, suppress_health_check=CALM)
    @given(cases(kinds=("glm",)))
    def test_statsmodels_agrees(case):
        assume(case.family in STATSMODELS)
        # two estimates of the dispersion where rows are weighted both ways are not compared
        result = finite_fit(case)
        data = result.model.data
        family = STATSMODELS[case.family](link=LINKS[case.link]())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = sm.GLM(data.response.y, result.model.exog, family, **vectors(result))
            start = np.asarray(result.params) * (1.0 + 1e-3)
            try:
                theirs = model.fit(
                    start_params=start, tol=1e-12, tol_criterion="params", maxiter=300
                )
            except ValueError:  # statsmodels has stepped out of the domain
                assume(False)
        assume(theirs.converged)
        # a log link of normal responses has several maxima; never may theirs be the better one
        assert theirs.deviance >= result.deviance * (1.0 - 1e-8) - 1e-9
        assume(theirs.deviance <= result.deviance * 1.001 + 1e-3)
        assert theirs.deviance == pytest.approx(result.deviance, rel=1e-8, abs=1e-9)
        error = np.asarray(result.bse)
        assert (np.abs(theirs.params - np.asarray(result.params)) <= 1e-4 * error).all()
        assert theirs.scale == pytest.approx(result.scale, rel=1e-6)
        if result.family.canonical:
            np.testing.assert_allclose(theirs.bse, error, rtol=1e-4)


R_FAMILIES = {"gaussian": "gaussian", "binomial": "binomial", "poisson": "poisson"}
R_FAMILIES |= {"gamma": "Gamma", "inverse_gaussian": "inverse.gaussian"}

R_CODE = """
input <- jsonlite::fromJSON(file("stdin"), simplifyVector = TRUE)
x <- matrix(input$x, ncol = input$p, byrow = TRUE)
family <- do.call(input$family, list(link = input$link))
fit <- suppressWarnings(glm.fit(x, input$y, weights = input$w, offset = input$offset,
  start = input$start, family = family, control = glm.control(epsilon = 1e-14, maxit = 200),
  intercept = FALSE))
cat(jsonlite::toJSON(list(deviance = fit$deviance, params = fit$coefficients,
  converged = fit$converged), digits = NA))
"""

HAS_R = (
    shutil.which("Rscript") is not None
    and subprocess.run(
        ["Rscript", "-e", "library(jsonlite)"], capture_output=True, check=False
    ).returncode
    == 0
)

if HAS_R:

    @pytest.mark.slow
    @settings(max_examples=300, deadline=None, suppress_health_check=CALM)
    @given(cases(kinds=("glm",)))
    def test_r_agrees(case):
        assume(case.family in R_FAMILIES)
        result = finite_fit(case)
        data = result.model.data
        n = len(data.response.y)
        weight = np.ones(n) if data.weight is None else data.weight
        offset = np.zeros(n) if data.offset is None else data.offset
        design = np.asarray(result.model.exog)
        sent = {
            "x": design.ravel().tolist(),
            "p": [design.shape[1]],
            "y": data.response.y.tolist(),
            "w": weight.tolist(),
            "offset": offset.tolist(),
            "start": (np.asarray(result.params) * 1.001).tolist(),
            "family": [R_FAMILIES[case.family]],
            "link": [case.link],
        }
        done = subprocess.run(
            ["Rscript", "-e", R_CODE],
            input=json.dumps(sent),
            capture_output=True,
            text=True,
            check=False,
        )
        assume(done.returncode == 0)  # R finds no valid start where glmfit looks for one
        theirs = json.loads(done.stdout)
        # R may call "converged" what has run away; never may it end lower than glmfit
        assume(theirs["converged"][0])
        assert theirs["deviance"][0] >= result.deviance * (1.0 - 1e-8) - 1e-9
        assume(theirs["deviance"][0] <= result.deviance * 1.001 + 1e-3)
        assert theirs["deviance"][0] == pytest.approx(result.deviance, rel=1e-8, abs=1e-9)
        shift = np.abs(np.array(theirs["params"]) - np.asarray(result.params))
        assert (shift <= 1e-4 * np.asarray(result.bse)).all()
