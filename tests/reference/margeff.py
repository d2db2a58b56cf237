"""Make margeff.json: what statsmodels' get_margeff says of plain columns.

    python margeff.py          (in this folder; needs statsmodels)

Data without offsets, weights and formulas, where columns are variables, so that glmfit has
the same numbers.
"""

import json
from pathlib import Path

import numpy as np
import statsmodels
import statsmodels.api as sm

rng = np.random.default_rng(20)
n = 120
X = np.column_stack(
    [
        np.ones(n),
        rng.normal(size=n).round(4),
        rng.integers(0, 2, n),
        rng.poisson(2.0, n),
        rng.uniform(1, 3, n).round(4),
    ]
)
eta = X @ [-0.5, 0.6, 0.8, -0.2, 0.3]
endog = {
    "binary": (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(int),
    "count": rng.poisson(np.exp(eta / 2)),
    "positive": rng.gamma(3.0, np.exp(eta / 2) / 3).round(5),
    "code": np.digitize(eta + rng.logistic(size=n), [-0.5, 1.0]),
}
log = sm.families.links.Log()
models = {
    "logit": sm.Logit(endog["binary"], X).fit(disp=0, tol=1e-14),
    "probit": sm.Probit(endog["binary"], X).fit(disp=0, tol=1e-14),
    "poisson": sm.Poisson(endog["count"], X).fit(disp=0, tol=1e-14),
    "gamma": sm.GLM(endog["positive"], X, sm.families.Gamma(log)).fit(tol=1e-14),
    "mnlogit": sm.MNLogit(endog["code"], X).fit(disp=0, tol=1e-14),
}
cases = []
for name, result in models.items():
    for at in ("overall", "mean", "median", "zero"):
        for method in ("dydx", "eyex", "dyex", "eydx"):
            for dummy, count in ((False, False), (True, False), (False, True)):
                stepped = dummy or count
                if stepped and (method.endswith("ex") or at in ("median", "zero")):
                    continue  # statsmodels refuses these
                if name == "mnlogit" and (stepped or method.endswith("ex")):
                    continue  # statsmodels fails
                if at in ("median", "zero") and method.endswith("ex"):
                    continue  # an elasticity at 0 is 0, and statsmodels divides by its error
                call = {"at": at, "method": method, "dummy": dummy, "count": count}
                found = result.get_margeff(**call)
                frame = found.summary_frame()
                case = {"model": name, "call": call, "columns": list(frame.columns)}
                case |= {"frame": frame.to_numpy().tolist()}
                case |= {"conf_int": found.conf_int().tolist()}
                for attribute in ("margeff", "margeff_se", "margeff_cov", "tvalues", "pvalues"):
                    case[attribute] = np.asarray(getattr(found, attribute)).tolist()
                cases.append(case)
made = {
    "statsmodels": statsmodels.__version__,
    "exog": X.tolist(),
    "endog": {key: values.tolist() for key, values in endog.items()},
    "cases": cases,
}
Path("margeff.json").write_text(json.dumps(made), encoding="utf8")
