"""Make accuracy.json: generalised linear models of the data sets to 30 digits.

    python accuracy.py          (in this folder; needs mpmath, numpy, pandas, patsy)

Fisher scoring in arithmetic of 50 digits on the design that patsy builds, from y and X as
they are in double precision, until a step is below 1e-40. Standard errors are from the
expected information at the estimates; where the family's dispersion is estimated, it is
Pearson's chi-square over the residual degrees of freedom. Nothing of glmfit is used.
"""

import json
from pathlib import Path

import mpmath as mp
import numpy as np
import pandas as pd
import patsy

mp.mp.dps = 50
HERE = Path(__file__).parent
DATASETS = HERE.parent.parent / "datasets"

# name, data set (and which rows), response, terms, family, link; options
CASES = [
    ("challenger", "O_RING_FAILURE", "TEMPERATURE", "binomial", "logit", {}),
    ("challenger", "O_RING_FAILURE", "TEMPERATURE", "binomial", "probit", {}),
    ("challenger", "O_RING_FAILURE", "TEMPERATURE", "binomial", "cloglog", {}),
    ("challenger_rings", "damaged / n_rings", "temperature + pressure", "binomial", "logit",
     {"weight": "n_rings"}),
    ("beetles", "killed / exposed", "log_dose", "binomial", "logit", {"weight": "exposed"}),
    ("beetles", "killed / exposed", "log_dose", "binomial", "probit", {"weight": "exposed"}),
    ("beetles", "killed / exposed", "log_dose", "binomial", "cloglog", {"weight": "exposed"}),
    ("infert", "case", "age + parity + C(spontaneous) + C(induced)", "binomial", "logit", {}),
    ("endometrial", "HG", "PI + EH", "binomial", "logit", {}),
    ("warpbreaks", "breaks", "wool * tension", "poisson", "log", {}),
    ("warpbreaks", "breaks", "wool + tension", "poisson", "sqrt", {}),
    ("horsekicks", "deaths", "corps + C(year)", "poisson", "log", {}),
    ("ships", "incidents", "type + year + period", "poisson", "log",
     {"rows": "service > 0", "offset": "log(service)"}),
    ("quine", "days", "eth + sex + age + lrn", "poisson", "log", {}),
    ("quine", "days", "eth + sex + age + lrn", "negativebinomial", "log", {"parameter": 0.75}),
    ("quine", "days", "eth + sex + age + lrn", "tweedie", "log", {"parameter": 1.5}),
    ("clotting", "lot1", "np.log(u)", "gamma", "inverse", {}),
    ("clotting", "lot2", "np.log(u)", "gamma", "inverse", {}),
    ("clotting", "lot1", "np.log(u)", "gamma", "log", {}),
    ("warpbreaks", "breaks", "wool * tension", "gamma", "log", {}),
    ("trees", "volume", "np.log(girth) + np.log(height)", "gamma", "log", {}),
    ("trees", "volume", "np.log(girth) + np.log(height)", "inversegaussian", "log", {}),
    ("trees", "volume", "np.log(girth) + np.log(height)", "gaussian", "log", {}),
    ("trees", "volume", "girth + height", "gaussian", "identity", {}),
    ("stackloss", "stack_loss", "air_flow + water_temp + acid_conc", "gaussian", "identity", {}),
]  # fmt: skip

# link -> mean and its derivative, in terms of the predictor
INVERSE = {
    "identity": lambda eta: (eta, mp.mpf(1)),
    "log": lambda eta: (mp.exp(eta), mp.exp(eta)),
    "inverse": lambda eta: (1 / eta, -1 / eta**2),
    "sqrt": lambda eta: (eta**2, 2 * eta),
    "logit": lambda eta: (1 / (1 + mp.exp(-eta)), mp.exp(-eta) / (1 + mp.exp(-eta)) ** 2),
    "probit": lambda eta: (mp.ncdf(eta), mp.npdf(eta)),
    "cloglog": lambda eta: (-mp.expm1(-mp.exp(eta)), mp.exp(eta - mp.exp(eta))),
}
LINK = {
    "identity": lambda mu: mu,
    "log": mp.log,
    "inverse": lambda mu: 1 / mu,
    "sqrt": mp.sqrt,
    "logit": lambda mu: mp.log(mu / (1 - mu)),
    "probit": lambda mu: mp.sqrt(2) * mp.erfinv(2 * mu - 1),
    "cloglog": lambda mu: mp.log(-mp.log(1 - mu)),
}
VARIANCE = {
    "gaussian": lambda mu, _: mp.mpf(1),
    "binomial": lambda mu, _: mu * (1 - mu),
    "poisson": lambda mu, _: mu,
    "gamma": lambda mu, _: mu**2,
    "inversegaussian": lambda mu, _: mu**3,
    "negativebinomial": lambda mu, alpha: mu + mp.mpf(alpha) * mu**2,
    "tweedie": lambda mu, power: mu ** mp.mpf(power),
}
KNOWN_DISPERSION = ("binomial", "poisson", "negativebinomial")


def arrays(dataset, response, terms, options):
    """Return y, X with its names, weights and offset, as doubles."""
    frame = pd.read_csv(DATASETS / f"{dataset}.csv")
    if "rows" in options:
        frame = frame.query(options["rows"])
    design = patsy.dmatrix(terms, frame)
    y = frame.eval(response).to_numpy(dtype=float)
    weight = frame[options["weight"]].to_numpy(dtype=float) if "weight" in options else None
    offset = np.log(frame["service"].to_numpy(dtype=float)) if "offset" in options else None
    return y, np.asarray(design), design.design_info.column_names, weight, offset


def working(y, eta, weight, family, link, parameter):
    """Return what each row adds: derivative by eta, information, Pearson residual squared."""
    rows = []
    for yi, ei, wi in zip(y, eta, weight, strict=True):
        mu, slope = INVERSE[link](ei)
        variance = VARIANCE[family](mu, parameter)
        rows.append(
            (wi * slope * (yi - mu) / variance, wi * slope**2 / variance,
             wi * (yi - mu) ** 2 / variance)
        )  # fmt: skip
    return rows


def fit(y, X, weight, offset, family, link, parameter):
    """Return coefficients and standard errors as text of 30 digits."""
    n, p = X.shape
    y = [mp.mpf(value) for value in y]
    x = [[mp.mpf(value) for value in row] for row in X]
    weight = [mp.mpf(1 if weight is None else value) for value in (y if weight is None else weight)]
    shift = [mp.mpf(value) for value in (np.zeros(n) if offset is None else offset)]
    mean = mp.fsum(y) / n
    first = [LINK[link]((yi + mean) / 2) for yi in y]
    theta = least_squares(x, [e - s for e, s in zip(first, shift, strict=True)])
    for _ in range(200):
        eta = [mp.fdot(row, theta) + s for row, s in zip(x, shift, strict=True)]
        rows = working(y, eta, weight, family, link, parameter)
        information = gram(x, [row[1] for row in rows])
        score = mp.matrix(
            [mp.fdot([row[0] for row in rows], column) for column in zip(*x, strict=True)]
        )
        step = mp.lu_solve(information, score)
        theta = [t + s for t, s in zip(theta, step, strict=True)]
        if max(abs(s) for s in step) < mp.mpf(10) ** -40:
            break
    else:
        raise ArithmeticError("no convergence")
    known = family in KNOWN_DISPERSION
    phi = mp.mpf(1) if known else mp.fsum(row[2] for row in rows) / (n - p)
    covariance = information**-1
    errors = [mp.sqrt(phi * covariance[j, j]) for j in range(p)]
    return [mp.nstr(t, 30) for t in theta], [mp.nstr(e, 30) for e in errors]


def gram(x, weight):
    """Return X' diag(weight) X."""
    p = len(x[0])
    total = mp.zeros(p)
    for row, w in zip(x, weight, strict=True):
        for j in range(p):
            if row[j]:
                for k in range(j + 1):
                    total[j, k] += w * row[j] * row[k]
    for j in range(p):
        for k in range(j):
            total[k, j] = total[j, k]
    return total


def least_squares(x, z):
    """Return the coefficients of the start."""
    right = mp.matrix([mp.fdot(z, column) for column in zip(*x, strict=True)])
    return list(mp.lu_solve(gram(x, [mp.mpf(1)] * len(x)), right))


def main():
    """Write all cases."""
    made = []
    for dataset, response, terms, family, link, options in CASES:
        y, X, names, weight, offset = arrays(dataset, response, terms, options)
        parameter = options.get("parameter")
        params, bse = fit(y, X, weight, offset, family, link, parameter)
        print(dataset, family, link, params[0][:12])
        made.append(
            {
                "dataset": dataset, "response": response, "terms": terms, "family": family,
                "link": link, "parameter": parameter, "names": names, "y": y.tolist(),
                "X": X.tolist(), "weight": None if weight is None else weight.tolist(),
                "offset": None if offset is None else offset.tolist(),
                "params": params, "bse": bse,
            }
        )  # fmt: skip
    versions = {"mpmath": mp.__version__, "patsy": patsy.__version__}
    text = json.dumps({"made_by": versions, "cases": made})
    (HERE / "accuracy.json").write_text(text + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
