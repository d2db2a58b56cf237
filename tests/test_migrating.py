"""Every row of docs/migrating.md, run with both packages."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

import glmfit.api as gsm
import glmfit.formula.api as gsmf
from glmfit import datasets
from glmfit.errors import (
    CollinearityWarning,
    ConvergenceWarning,
    DataWarning,
    NotAvailableError,
    SeparationWarning,
    UnsafeFormulaError,
)

PAGE = (Path(__file__).parent.parent / "docs" / "migrating.md").read_text(encoding="utf8")
LOGIT = "O_RING_FAILURE ~ TEMPERATURE"
OLS = "stack_loss ~ air_flow + water_temp"


def _rows(title):
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ")[0] for line in lines[1:] if not line.startswith("|--")]


def _challenger():
    return datasets.load("challenger")


def _same(theirs, ours, *names, rtol=1e-6):
    for name in ("params", "bse", "llf", "aic", *names):
        np.testing.assert_allclose(
            np.asarray(getattr(ours, name)), np.asarray(getattr(theirs, name)), rtol=rtol
        )


def _both_logits():
    return smf.logit(LOGIT, _challenger()).fit(disp=0), gsmf.logit(LOGIT, _challenger()).fit()


def _both_glms():
    return tuple(
        api.glm(LOGIT, _challenger(), family=families.families.Binomial()).fit()
        for api, families in ((smf, sm), (gsmf, gsm))
    )


# --- what moves as it is --------------------------------------------------------------------


def _logit():
    _same(*_both_logits())


def _probit():
    _same(
        smf.probit(LOGIT, _challenger()).fit(disp=0), gsmf.probit(LOGIT, _challenger()).fit(disp=0)
    )


def _poisson():
    frame = datasets.load("warpbreaks")
    fits = [api.poisson("breaks ~ wool * tension", frame).fit(disp=0) for api in (smf, gsmf)]
    _same(*fits)


def _ols():
    fits = [api.ols(OLS, datasets.load("stackloss")).fit() for api in (smf, gsmf)]
    _same(*fits, "rsquared", "fvalue")


def _gamma():
    frame = datasets.load("trees")
    fits = [
        api.glm(
            "volume ~ log(girth)" if api is gsmf else "volume ~ np.log(girth)",
            frame,
            family=families.families.Gamma(families.families.links.Log()),
        ).fit()
        for api, families in ((smf, sm), (gsmf, gsm))
    ]
    _same(*fits, "deviance", "scale")


def _mnlogit():
    frame = datasets.load("housing")
    frame["code"] = frame["sat"].cat.codes
    frame = frame.loc[frame.index.repeat(frame["freq"])]
    _same(*[api.mnlogit("code ~ infl", frame).fit(disp=0) for api in (smf, gsmf)])


def _array_glm():
    frame = _challenger()
    X = sm.add_constant(frame[["TEMPERATURE"]].to_numpy(dtype=float))
    y = frame["O_RING_FAILURE"].to_numpy()
    _same(*[api.GLM(y, X, family=api.families.Binomial()).fit() for api in (sm, gsm)])


def _conf_int():
    theirs, ours = _both_logits()
    np.testing.assert_allclose(ours.conf_int(alpha=0.1), theirs.conf_int(alpha=0.1), rtol=1e-6)
    assert list(ours.conf_int().columns) == [0, 1]


def _predict():
    theirs, ours = _both_logits()
    new = _challenger().head(3)
    np.testing.assert_allclose(ours.predict(new), theirs.predict(new), rtol=1e-6)


def _get_prediction():
    theirs, ours = _both_glms()
    new = _challenger().head(3)
    columns = ["mean", "mean_se", "mean_ci_lower", "mean_ci_upper"]
    np.testing.assert_allclose(
        ours.get_prediction(new).summary_frame()[columns],
        theirs.get_prediction(new).summary_frame()[columns],
        rtol=1e-5,
    )


def _wald_test():
    theirs, ours = (fit.wald_test("TEMPERATURE = 0", scalar=True) for fit in _both_logits())
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-6)
    assert ours.pvalue == pytest.approx(theirs.pvalue, rel=1e-6)


def _get_margeff():
    theirs, ours = (fit.get_margeff() for fit in _both_logits())
    np.testing.assert_allclose(ours.margeff, theirs.margeff, rtol=1e-6)
    np.testing.assert_allclose(ours.margeff_se, theirs.margeff_se, rtol=1e-6)


MOVES = {
    "`smf.logit(formula, data).fit()`": _logit,
    "`smf.probit(formula, data).fit()`": _probit,
    "`smf.poisson(formula, data).fit()`": _poisson,
    "`smf.ols(formula, data).fit()`": _ols,
    "`smf.glm(formula, data, family=sm.families.Gamma(sm.families.links.Log())).fit()`": _gamma,
    "`smf.mnlogit(formula, data).fit()`": _mnlogit,
    "`sm.GLM(y, X, family=sm.families.Binomial()).fit()`": _array_glm,
    "`result.conf_int(alpha=0.1)`": _conf_int,
    "`result.predict(new_data)`": _predict,
    "`result.get_prediction(new_data).summary_frame()`": _get_prediction,
    '`result.wald_test("x = 0")`': _wald_test,
    "`result.get_margeff()`": _get_margeff,
}


# --- what differs on purpose ------------------------------------------------------------------


def _text_response():
    frame = _challenger()
    frame["failed"] = np.where(frame["O_RING_FAILURE"] == 1, "yes", "no")
    theirs = smf.glm("failed ~ TEMPERATURE", frame, family=sm.families.Binomial()).fit()
    ours = gsmf.glm("failed ~ TEMPERATURE", frame, family=gsm.families.Binomial()).fit()
    np.testing.assert_allclose(ours.params, -np.asarray(theirs.params), rtol=1e-6)
    first = gsmf.glm("failed ~ TEMPERATURE", frame, family="binomial", event="no").fit()
    np.testing.assert_allclose(first.params, theirs.params, rtol=1e-6)


def _corrections():
    def errors(api, kind):
        return np.asarray(api.logit(LOGIT, _challenger()).fit(cov_type=kind, disp=0).bse)

    for kind in ("HC1", "HC2", "HC3"):
        np.testing.assert_array_equal(errors(smf, kind), errors(smf, "HC0"))
        assert (errors(gsmf, kind) > 1.01 * errors(gsmf, "HC0")).all()


def _stopped():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smf.glm(LOGIT, _challenger(), family=sm.families.Binomial()).fit(maxiter=2)
    with pytest.warns(ConvergenceWarning):
        ours = gsmf.glm(LOGIT, _challenger(), family="binomial").fit(maxiter=2)
    assert not ours.converged


def _collinear():
    frame = _challenger().assign(TWICE=lambda data: 2.0 * data["TEMPERATURE"])
    formula = "O_RING_FAILURE ~ TEMPERATURE + TWICE"
    with pytest.warns(SingularMatrixWarning):
        theirs = smf.glm(formula, frame, family=sm.families.Binomial()).fit()
    assert np.isfinite(theirs.params).all()
    with pytest.warns(CollinearityWarning, match="TWICE"):
        ours = gsmf.glm(formula, frame, family="binomial").fit()
    assert np.isnan(ours.params["TWICE"])


def _offset():
    frame = datasets.load("ships").query("service > 0").assign(log=lambda d: np.log(d["service"]))
    theirs = smf.glm(
        "incidents ~ period", frame, family=sm.families.Poisson(), offset=frame["log"]
    ).fit()
    ours = gsmf.glm("incidents ~ period", frame, family="poisson", offset="log").fit()
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-6)
    np.testing.assert_allclose(
        ours.predict(frame), theirs.predict(frame) * frame["service"], rtol=1e-6
    )


def _separated():
    x = np.arange(10.0)
    frame = {"y": (x > 4.5).astype(int), "x": x}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = smf.glm("y ~ x", frame, family=sm.families.Binomial()).fit()
    assert theirs.converged and theirs.bse.max() > 1e3
    with pytest.warns(SeparationWarning):
        ours = gsmf.glm("y ~ x", frame, family="binomial").fit()
    assert np.isinf(ours.params["x"])


def _fitted():
    theirs, ours = _both_logits()
    np.testing.assert_allclose(ours.predict(which="linear"), theirs.fittedvalues, rtol=1e-6)
    np.testing.assert_allclose(ours.fittedvalues, theirs.predict(), rtol=1e-6)


def _pearson():
    theirs, ours = (api.ols(OLS, datasets.load("stackloss")).fit() for api in (smf, gsmf))
    np.testing.assert_allclose(
        ours.resid_pearson, theirs.resid_pearson * np.sqrt(theirs.scale), rtol=1e-6
    )


def _missing():
    frame = datasets.load("stackloss").astype(float)
    frame.loc[2, "air_flow"] = np.nan
    theirs, ours = (api.ols(OLS, frame).fit() for api in (smf, gsmf))
    assert len(theirs.fittedvalues) == 20
    assert len(ours.fittedvalues) == 21
    assert np.isnan(ours.fittedvalues[2])


def _thresholds():
    frame = datasets.load("housing")
    frame = frame.loc[frame.index.repeat(frame["freq"])]
    X = (frame[["cont"]] == "High").astype(float)
    theirs = OrderedModel(frame["sat"].cat.codes, X, distr="logit").fit(method="bfgs", disp=0)
    ours = gsm.OrderedModel(frame["sat"], X, distr="logit").fit()
    first, step = theirs.params.iloc[1:]
    np.testing.assert_allclose(ours.thresholds, [first, first + np.exp(step)], rtol=1e-4)


def _weights():
    frame = _challenger()
    weight = np.arange(1.0, 24.0)
    X = sm.add_constant(frame[["TEMPERATURE"]].astype(float))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sm.Logit(frame["O_RING_FAILURE"], X, freq_weights=weight).fit(disp=0)
    ours = gsm.Logit(frame["O_RING_FAILURE"], X, freq_weights=weight).fit()
    without = gsm.Logit(frame["O_RING_FAILURE"], X).fit()
    np.testing.assert_allclose(theirs.params, without.params, rtol=1e-6)
    assert abs(ours.params["TEMPERATURE"] / without.params["TEMPERATURE"] - 1.0) > 0.01


def _text_classes():
    frame = datasets.load("housing").astype({"sat": str})
    with pytest.raises(ValueError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        smf.mnlogit("sat ~ infl", frame).fit(disp=0)
    ours = gsmf.mnlogit("sat ~ infl", frame, freq_weights="freq").fit()
    assert list(ours.params.columns) == ["Low", "Medium"]


def _squares():
    formula = "O_RING_FAILURE ~ TEMPERATURE + I(TEMPERATURE**2)"
    theirs = smf.logit(formula, _challenger()).fit(disp=0).get_margeff()
    assert theirs.margeff.shape == (2,)
    ours = gsmf.logit(formula, _challenger()).fit().marginal_effects()
    assert ours.summary_frame()["term"].tolist() == ["TEMPERATURE"]


def _code():
    formula = "O_RING_FAILURE ~ I(__import__('math').pi * TEMPERATURE)"
    assert smf.ols(formula, _challenger()).fit().nobs == 23
    with pytest.raises(UnsafeFormulaError):
        gsmf.ols(formula, _challenger())


DIFFERS = {
    "text response in `glm`": _text_response,
    "`HC1` to `HC3` of a GLM or logit": _corrections,
    "a fit stopped by `maxiter`": _stopped,
    "collinear columns": _collinear,
    "`predict` of new data with an offset given by column": _offset,
    "separated data": _separated,
    "`fittedvalues` of `logit`, `probit`, `poisson`": _fitted,
    "`resid_pearson` of `ols`": _pearson,
    "rows with missing values": _missing,
    "thresholds of `OrderedModel`": _thresholds,
    "`freq_weights=` of `Logit`": _weights,
    "response of `mnlogit`": _text_classes,
    "effects of `x + I(x**2)`": _squares,
    "code in a formula": _code,
}


@pytest.mark.parametrize("row", _rows("What moves as it is"))
def test_rows_that_move(row):
    MOVES[row]()


@pytest.mark.filterwarnings(f"ignore::{DataWarning.__module__}.DataWarning")
@pytest.mark.parametrize("row", _rows("What differs on purpose"))
def test_rows_that_differ(row):
    DIFFERS[row]()


@pytest.mark.parametrize("row", _rows("What is not there"))
def test_names_that_are_absent(row):
    name = row.strip("`")
    assert hasattr(sm, name)
    with pytest.raises(NotAvailableError, match=re.escape(name)):
        getattr(gsm, name)


def test_every_check_has_its_row():
    assert list(MOVES) == _rows("What moves as it is")
    assert list(DIFFERS) == _rows("What differs on purpose")
