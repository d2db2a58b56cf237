"""Scripts that run with statsmodels and with glmfit alike, and what they compute.

Run by hand, ``python tests/reference/dropin.py``, to write ``dropin.json`` with the numbers
of statsmodels (0.15.0). ``tests/test_models.py`` runs the same scripts with glmfit.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

VALUES = Path(__file__).with_name("dropin.json")


def data() -> pd.DataFrame:
    """Return the data of all scripts; rounded, so that any NumPy draws the same."""
    rng = np.random.default_rng(20150601)
    n = 60
    x = rng.normal(size=n).round(3)
    z = rng.uniform(0.5, 3.0, n).round(3)
    g = rng.choice(["a", "b", "c"], n)
    shift = pd.Series(g).map({"a": 0.0, "b": 0.4, "c": -0.3}).to_numpy()
    eta = 0.3 + 0.5 * x + shift
    trials = rng.integers(2, 12, n)
    successes = rng.binomial(trials, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "g": g,
            "binary": (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int),
            "successes": successes,
            "failures": trials - successes,
            "count": rng.poisson(np.exp(eta) * z),
            "size": (rng.gamma(2.0, 0.5, n) * np.exp(eta)).round(4) + 0.01,
            "real": (eta + 0.7 * rng.normal(size=n)).round(4),
            "freq": rng.integers(1, 4, n),
            "prec": rng.uniform(0.5, 2.0, n).round(2),
        }
    )


Script = Callable[[Any, Any, pd.DataFrame], Any]
GLM_SCRIPTS: dict[str, Script] = {
    "gaussian": lambda sm, smf, d: smf.glm("real ~ x + g", d).fit(),
    "gaussian log": lambda sm, smf, d: smf.glm(
        "size ~ x", d, family=sm.families.Gaussian(sm.families.links.Log())
    ).fit(),
    "binomial": lambda sm, smf, d: smf.glm(
        "binary ~ x + g", data=d, family=sm.families.Binomial()
    ).fit(),
    "probit": lambda sm, smf, d: smf.glm(
        "binary ~ x", data=d, family=sm.families.Binomial(link=sm.families.links.Probit())
    ).fit(),
    "cloglog": lambda sm, smf, d: smf.glm(
        "binary ~ x", d, family=sm.families.Binomial(sm.families.links.CLogLog())
    ).fit(),
    "counts of trials": lambda sm, smf, d: smf.glm(
        "successes + failures ~ x + g", d, family=sm.families.Binomial()
    ).fit(),
    "poisson": lambda sm, smf, d: smf.glm(
        "count ~ x * g", data=d, family=sm.families.Poisson()
    ).fit(),
    "poisson exposure": lambda sm, smf, d: smf.glm(
        "count ~ x", data=d, family=sm.families.Poisson(), exposure=d["z"]
    ).fit(),
    "poisson offset": lambda sm, smf, d: smf.glm(
        "count ~ x", data=d, family=sm.families.Poisson(), offset=np.log(d["z"])
    ).fit(),
    "poisson frequencies": lambda sm, smf, d: smf.glm(
        "count ~ x + g", data=d, family=sm.families.Poisson(), freq_weights=d["freq"]
    ).fit(),
    "gaussian precision": lambda sm, smf, d: smf.glm(
        "real ~ x + g", data=d, var_weights=d["prec"]
    ).fit(),
    "gamma": lambda sm, smf, d: smf.glm(
        "size ~ x", d, family=sm.families.Gamma(sm.families.links.Log())
    ).fit(),
    "gamma inverse power": lambda sm, smf, d: smf.glm(
        "size ~ z", d, family=sm.families.Gamma()
    ).fit(),
    "gamma precision": lambda sm, smf, d: smf.glm(
        "size ~ x",
        d,
        family=sm.families.Gamma(sm.families.links.Log()),
        var_weights=d["prec"],
    ).fit(),
    "inverse gaussian": lambda sm, smf, d: smf.glm(
        "size ~ x", d, family=sm.families.InverseGaussian(sm.families.links.Log())
    ).fit(),
    "negative binomial": lambda sm, smf, d: smf.glm(
        "count ~ x + g", d, family=sm.families.NegativeBinomial(alpha=0.7)
    ).fit(),
    "arrays": lambda sm, smf, d: sm.GLM(
        d["binary"].to_numpy(),
        sm.add_constant(d[["x", "z"]].to_numpy()),
        family=sm.families.Binomial(),
    ).fit(),
    "frames": lambda sm, smf, d: sm.GLM(
        d["count"], sm.add_constant(d[["x", "z"]]), family=sm.families.Poisson()
    ).fit(),
    "no constant": lambda sm, smf, d: smf.glm(
        "count ~ 0 + g + x", d, family=sm.families.Poisson()
    ).fit(),
    "t tests": lambda sm, smf, d: smf.glm(
        "size ~ x", d, family=sm.families.Gamma(sm.families.links.Log())
    ).fit(use_t=True),
    "HC0": lambda sm, smf, d: smf.glm("count ~ x + g", d, family=sm.families.Poisson()).fit(
        cov_type="HC0"
    ),
    "cluster": lambda sm, smf, d: smf.glm("count ~ x", d, family=sm.families.Poisson()).fit(
        cov_type="cluster", cov_kwds={"groups": d["freq"].to_numpy() * 10 + d.index % 7}
    ),
}

DISCRETE_SCRIPTS: dict[str, Script] = {
    "logit": lambda sm, smf, d: smf.logit("binary ~ x + g", data=d).fit(disp=0),
    "logit arrays": lambda sm, smf, d: sm.Logit(
        d["binary"].to_numpy(), sm.add_constant(d[["x"]].to_numpy())
    ).fit(disp=False),
    "logit frames": lambda sm, smf, d: sm.Logit(d["binary"], sm.add_constant(d[["x", "z"]])).fit(
        method="bfgs", disp=0
    ),
    "probit": lambda sm, smf, d: smf.probit("binary ~ x", d).fit(disp=0),
    "poisson": lambda sm, smf, d: smf.poisson("count ~ x + g", data=d).fit(disp=0),
    "poisson exposure": lambda sm, smf, d: smf.poisson("count ~ x", d, exposure=d["z"]).fit(disp=0),
    "poisson arrays": lambda sm, smf, d: sm.Poisson(
        d["count"].to_numpy(), sm.add_constant(d["x"].to_numpy())
    ).fit(disp=0),
}

LINEAR_SCRIPTS: dict[str, Script] = {
    "ols": lambda sm, smf, d: smf.ols("real ~ x + g", data=d).fit(),
    "ols arrays": lambda sm, smf, d: sm.OLS(
        d["real"].to_numpy(), sm.add_constant(d[["x", "z"]].to_numpy())
    ).fit(),
    "ols no constant": lambda sm, smf, d: smf.ols("real ~ 0 + x + z", d).fit(),
    "ols HC3": lambda sm, smf, d: smf.ols("real ~ x + g", d).fit(cov_type="HC3"),
    "ols HC1": lambda sm, smf, d: smf.ols("real ~ x + g", d).fit(cov_type="HC1"),
}

SCRIPTS = {"glm": GLM_SCRIPTS, "discrete": DISCRETE_SCRIPTS, "linear": LINEAR_SCRIPTS}

COMMON = "params bse tvalues pvalues llf df_model df_resid nobs aic".split()
ATTRIBUTES = {
    "glm": [
        *COMMON,
        *"llnull deviance null_deviance pearson_chi2 scale bic_deviance bic_llf".split(),
        *"fittedvalues resid_response resid_pearson resid_deviance resid_working".split(),
        "resid_anscombe",
    ],
    "discrete": [*COMMON, *"bic llnull llr llr_pvalue prsquared resid_response".split()],
    "linear": [
        *COMMON,
        *"bic rsquared rsquared_adj fvalue f_pvalue ssr ess centered_tss uncentered_tss".split(),
        *"mse_resid mse_model fittedvalues resid scale".split(),
    ],
}


def statistics(kind: str, name: str, result: Any) -> dict[str, Any]:
    """Return every number that is compared, as plain lists."""
    found = {what: getattr(result, what) for what in ATTRIBUTES[kind]}
    found["conf_int"] = result.conf_int()
    found["conf_int 0.1"] = result.conf_int(0.1)
    found["cov_params"] = result.cov_params()
    if kind == "glm":
        found["pseudo_rsquared cs"] = result.pseudo_rsquared("cs")
        found["pseudo_rsquared mcf"] = result.pseudo_rsquared("mcf")
        found["prediction"] = result.get_prediction().summary_frame()
    if kind == "discrete" and "poisson" not in name:
        found["pred_table"] = result.pred_table()
        found["resid_pearson"] = result.resid_pearson
        found["resid_dev"] = result.resid_dev
    if kind == "linear":
        found["prediction"] = result.get_prediction().summary_frame(alpha=0.1)
    return {what: _rounded(np.asarray(value, dtype=float)) for what, value in found.items()}


def _rounded(values: np.ndarray) -> Any:
    """Return plain lists of numbers of ten digits, to keep the file small."""
    shown = np.array([float(f"{value:.10g}") for value in values.ravel()])
    return shown.reshape(values.shape).tolist()


def main() -> None:
    """Write what statsmodels computes."""
    import statsmodels
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    warnings.simplefilter("ignore")
    frame = data()
    values: dict[str, Any] = {"statsmodels": statsmodels.__version__}
    values["data"] = frame.to_dict("list")
    for kind, scripts in SCRIPTS.items():
        values[kind] = {
            name: statistics(kind, name, script(sm, smf, frame)) for name, script in scripts.items()
        }
    VALUES.write_text(json.dumps(values, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
