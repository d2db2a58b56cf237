"""Digits of coefficients and standard errors: NIST's certified values, and arithmetic of 50 digits.

The certified values themselves are checked first, from the data as they are printed.
"""

import contextlib
import json
from pathlib import Path

import mpmath as mp
import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import CollinearityWarning

REFERENCE = Path(__file__).parent / "reference"
NIST = json.loads((REFERENCE / "nist.json").read_text(encoding="utf8"))["sets"]
CASES = json.loads((REFERENCE / "accuracy.json").read_text(encoding="utf8"))["cases"]

# Digits that rounding and the condition of the design leave, of coefficients and of standard
# errors (which are 0 for Wampler1 and Wampler2: those count digits after the point).
FLOOR = {
    "Norris": (13, 13), "Pontius": (13, 13), "NoInt1": (14, 14), "NoInt2": (14, 14),
    "Filip": (7, 7), "Longley": (11, 11), "Wampler1": (10, 9), "Wampler2": (13, 14),
    "Wampler3": (10, 10), "Wampler4": (7, 10), "Wampler5": (5, 10),
}  # fmt: skip

PARAMETERS = {"negativebinomial": "alpha", "tweedie": "var_power"}
ZERO = 1e-30
"""Below this a reference value is 0 but for its own rounding."""


def digits(got, want):
    """Return the digits that the worst number has right; those after the point, where it is 0."""
    pairs = [(mp.mpf(float(g)), mp.mpf(w)) for g, w in zip(got, want, strict=True)]
    worst = max(abs(g - w) / (abs(w) if abs(w) > ZERO else 1) for g, w in pairs)
    return 15.0 if worst == 0 else min(15.0, float(-mp.log10(worst)))


def columns_of(case):
    """Return the columns of the design, exactly."""
    x = {name: [mp.mpf(value) for value in values] for name, values in case["data"].items()}
    for term in case["terms"].split(" + "):
        if term.startswith("I("):
            yield [value ** int(term[5:-1]) for value in x["x"]]
        elif term != "0":
            yield x[term]


@pytest.mark.parametrize("name", NIST)
def test_certified_values_are_those_of_the_data(name):
    case = NIST[name]
    with mp.workdps(60):
        y = mp.matrix(case["data"]["y"])
        columns = list(columns_of(case))
        if not case["terms"].startswith("0"):
            columns.insert(0, [mp.mpf(1)] * len(y))
        X = mp.matrix(columns).T
        inverse = (X.T * X) ** -1
        theta = inverse * (X.T * y)
        rest = y - X * theta
        variance = mp.fsum(r**2 for r in rest) / (X.rows - X.cols)
        for j in range(X.cols):
            assert mp.almosteq(theta[j], mp.mpf(case["params"][j]), 1e-14, 1e-30)
            error = mp.sqrt(variance * inverse[j, j])
            assert mp.almosteq(error, mp.mpf(case["bse"][j]), 1e-14, 1e-30)


@pytest.mark.parametrize("name", NIST)
def test_certified_values_are_found(name):
    case = NIST[name]
    frame = pd.DataFrame({k: [float(v) for v in vs] for k, vs in case["data"].items()})
    told = pytest.warns(CollinearityWarning) if name == "Filip" else contextlib.nullcontext()
    with told:
        result = gf.ols(f"y ~ {case['terms']}", frame).fit()
    coefficients, errors = FLOOR[name]
    assert digits(result.params, case["params"]) >= coefficients
    assert digits(result.bse, case["bse"]) >= errors


@pytest.mark.parametrize(
    "case", CASES, ids=[" ".join([c["dataset"], c["family"], c["link"]]) for c in CASES]
)
def test_digits_of_generalised_linear_models(case):
    known = {PARAMETERS[case["family"]]: case["parameter"]} if case["parameter"] else {}
    family = type(gf.families.FAMILIES[case["family"]])(**known)
    options = {}
    if case["weight"] is not None:
        options["trials"] = np.array(case["weight"])
    if case["offset"] is not None:
        options["offset"] = np.array(case["offset"])
    X = np.array(case["X"])
    result = gf.GLM(case["y"], X, family, link=case["link"], **options).fit()
    assert digits(result.params, case["params"]) >= 13
    assert digits(result.bse, case["bse"]) >= 9.5
