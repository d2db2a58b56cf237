"""Make docs/verification.md: digits, separation, peers' tests and faults, in numbers.

    python docs/verify.py        (`python3 dev.py verify` installs what it needs and runs it)

No number of the page is typed: each is computed here, counted in the tests, or read from what a
run has stored (R's numbers, where R is not installed; statsmodels' tests, which take minutes).
"""

from __future__ import annotations

import ast
import datetime
import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import patsy
import statsmodels.api as sm
from glum import GeneralizedLinearRegressor
from mpmath import mp, mpf
from numpy.typing import NDArray
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    TweedieRegressor,
)

import glmfit as gf

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "tests" / "reference"
STORED_R = REFERENCE / "accuracy_r.json"
PAGE = ROOT / "docs" / "verification.md"

Array = NDArray[np.float64]
Case = dict[str, Any]

PACKAGES = ("glmfit", "R", "statsmodels", "glum", "scikit-learn")
MOST = 15.0
"""Digits that are counted at the most; double precision holds little more."""
ZERO = 1e-30
"""Below this a reference value is 0 but for its own rounding."""
FAULTS = (
    "test_faults",
    "test_stored",
    "test_hostile_data",
    "test_fit_edges",
    "test_formula_safety",
)
PARAMETERS = {"negativebinomial": "alpha", "tweedie": "var_power"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a package found: coefficients and, where it has them, standard errors."""

    params: Sequence[float]
    bse: Sequence[float] | None = None


Fit = Callable[[Case, Array, Array], Found | None]
"""Case, y and X to what was found; None where the package has no such model."""


# --- digits ---------------------------------------------------------------------------------


def digits(got: Iterable[float], want: Iterable[str]) -> float:
    """Return the digits that the worst number has right; those after the point, where it is 0."""
    worst = mpf(0)
    for value, reference in zip(got, want, strict=True):
        if not np.isfinite(value):
            return 0.0
        true = mpf(reference)
        size = abs(true) if abs(true) > ZERO else mpf(1)
        worst = max(worst, abs(mpf(float(value)) - true) / size)
    return MOST if worst == 0 else float(min(max(-mp.log10(worst), 0), MOST))


def both_digits(found: Found | None, case: Case) -> tuple[float, float] | None:
    """Return digits of coefficients and of standard errors, NaN where there are none."""
    if found is None:
        return None
    errors = np.nan if found.bse is None else digits(found.bse, case["bse"])
    return digits(found.params, case["params"]), errors


def shown(pair: tuple[float, float] | None) -> str:
    """Return both digits as they stand in a table."""
    if pair is None:
        return ""
    first, second = (f"{value:.1f}" for value in pair)
    return first if np.isnan(pair[1]) else f"{first}\u00a0/\u00a0{second}"


def parted(X: Array) -> tuple[Array, bool]:
    """Return the columns without the constant, and whether there was one.

    glum and scikit-learn make it themselves, and centre the other columns by it.
    """
    constant = bool((X[:, 0] == 1.0).all())
    return X[:, int(constant) :], constant


# --- linear regression ----------------------------------------------------------------------


def certified() -> dict[str, Case]:
    """Return NIST's sets, with y and X as every package gets them."""
    sets = json.loads((REFERENCE / "nist.json").read_text(encoding="utf8"))["sets"]
    for case in sets.values():
        data = {name: [float(v) for v in values] for name, values in case["data"].items()}
        case["frame"] = pd.DataFrame(data)
        case["y"] = case["frame"]["y"].to_numpy()
        case["X"] = np.asarray(patsy.dmatrix(case["terms"], case["frame"]))
    return sets


def _ols_glmfit(case: Case, y: Array, X: Array) -> Found:
    result = gf.ols(f"y ~ {case['terms']}", case["frame"]).fit()
    return Found(list(result.params), list(result.bse))


def _ols_statsmodels(case: Case, y: Array, X: Array) -> Found:
    result = sm.OLS(y, X).fit()
    return Found(list(result.params), list(result.bse))


def _ols_sklearn(case: Case, y: Array, X: Array) -> Found:
    columns, constant = parted(X)
    return _of_sklearn(LinearRegression(fit_intercept=constant).fit(columns, y))


def _ols_glum(case: Case, y: Array, X: Array) -> Found:
    return _fit_glum(X, y, None, family="normal")


# --- generalised linear models --------------------------------------------------------------


def _given(case: Case, name: str) -> Array | None:
    return None if case[name] is None else np.array(case[name])


def _glm_glmfit(case: Case, y: Array, X: Array) -> Found:
    known = {PARAMETERS[case["family"]]: case["parameter"]} if case["parameter"] else {}
    family = type(gf.families.FAMILIES[case["family"]])(**known)
    given = {"trials": _given(case, "weight"), "offset": _given(case, "offset")}
    options = {name: values for name, values in given.items() if values is not None}
    result = gf.GLM(y, X, family, link=case["link"], **options).fit()
    return Found(list(result.params), list(result.bse))


def _glm_statsmodels(case: Case, y: Array, X: Array) -> Found:
    links = {
        "identity": "Identity", "log": "Log", "inverse": "InversePower", "sqrt": "Sqrt",
        "logit": "Logit", "probit": "Probit", "cloglog": "CLogLog",
    }  # fmt: skip
    kinds = {
        "gaussian": "Gaussian", "binomial": "Binomial", "poisson": "Poisson", "gamma": "Gamma",
        "inversegaussian": "InverseGaussian", "negativebinomial": "NegativeBinomial",
        "tweedie": "Tweedie",
    }  # fmt: skip
    known = {PARAMETERS[case["family"]]: case["parameter"]} if case["parameter"] else {}
    link = getattr(sm.families.links, links[case["link"]])()
    family = getattr(sm.families, kinds[case["family"]])(link=link, **known)
    given = {"var_weights": _given(case, "weight"), "offset": _given(case, "offset")}
    options = {name: values for name, values in given.items() if values is not None}
    result = sm.GLM(y, X, family=family, **options).fit()
    return Found(list(result.params), list(result.bse))


def _glm_glum(case: Case, y: Array, X: Array) -> Found | None:
    families = {
        "gaussian": "normal",
        "inversegaussian": "inverse.gaussian",
        "negativebinomial": f"negative.binomial ({case['parameter']})",
        "tweedie": f"tweedie ({case['parameter']})",
    }
    if case["link"] not in ("identity", "log", "logit", "cloglog"):
        return None
    known = case["family"] in ("binomial", "poisson", "negativebinomial")
    weight, offset = _given(case, "weight"), _given(case, "offset")
    family = families.get(case["family"], case["family"])
    return _fit_glum(X, y, 1.0 if known else None, weight, offset, family=family, link=case["link"])


def _fit_glum(
    X: Array,
    y: Array,
    dispersion: float | None,
    weight: Array | None = None,
    offset: Array | None = None,
    **kind: str,
) -> Found:
    """Return what glum finds; standard errors from the expected information, as the others'."""
    columns, constant = parted(X)
    model = GeneralizedLinearRegressor(alpha=0.0, fit_intercept=constant, **kind)
    model.fit(columns, y, sample_weight=weight, offset=offset)
    covariance = model.covariance_matrix(
        columns, y, robust=False, expected_information=True, dispersion=dispersion,
        sample_weight=weight, offset=offset,
    )  # fmt: skip
    found = [*([model.intercept_] if constant else []), *model.coef_]
    return Found(found, list(np.sqrt(np.diag(covariance))))


def _of_sklearn(model: Any) -> Found:
    constant = list(np.ravel(model.intercept_)) if model.fit_intercept else []
    return Found([*constant, *np.ravel(model.coef_)])


def _glm_sklearn(case: Case, y: Array, X: Array) -> Found | None:
    if case["offset"] is not None:
        return None
    weight = _given(case, "weight")
    columns, constant = parted(X)
    options = {"solver": "newton-cholesky", "fit_intercept": constant, "max_iter": 1000}
    if (case["family"], case["link"]) == ("binomial", "logit"):
        model = LogisticRegression(C=np.inf, **options)
        if weight is not None:  # shares as two rows of events and of the others
            columns, weight = np.tile(columns, (2, 1)), np.append(weight * y, weight * (1.0 - y))
            y = np.append(np.ones_like(y), np.zeros_like(y))
        return _of_sklearn(model.fit(columns, y, sample_weight=weight))
    kinds = {
        ("gaussian", "log"): TweedieRegressor(power=0, link="log", alpha=0.0, **options),
        ("poisson", "log"): PoissonRegressor(alpha=0.0, **options),
        ("gamma", "log"): GammaRegressor(alpha=0.0, **options),
        ("inversegaussian", "log"): TweedieRegressor(power=3, link="log", alpha=0.0, **options),
        ("tweedie", "log"): TweedieRegressor(
            power=case["parameter"], link="log", alpha=0.0, **options
        ),
        ("gaussian", "identity"): LinearRegression(fit_intercept=constant),
    }
    kind = kinds.get((case["family"], case["link"]))
    return None if kind is None else _of_sklearn(kind.fit(columns, y, sample_weight=weight))


OLS: dict[str, Fit] = {
    "glmfit": _ols_glmfit, "statsmodels": _ols_statsmodels, "glum": _ols_glum,
    "scikit-learn": _ols_sklearn,
}  # fmt: skip
GLMS: dict[str, Fit] = {
    "glmfit": _glm_glmfit, "statsmodels": _glm_statsmodels, "glum": _glm_glum,
    "scikit-learn": _glm_sklearn,
}  # fmt: skip


# --- R --------------------------------------------------------------------------------------


def numbers_of_r() -> tuple[dict[str, Any], bool]:
    """Return what R finds, and whether it was run now; its stored numbers, where it is not."""
    rscript = shutil.which("Rscript")
    ran = False
    if rscript is not None:
        done = subprocess.run([rscript, "accuracy_r.R"], cwd=REFERENCE, check=False)
        ran = done.returncode == 0
    return json.loads(STORED_R.read_text(encoding="utf8")), ran


def _of_r(told: dict[str, Any]) -> Found:
    params, bse = ([_number(text) for text in told[what]] for what in ("params", "bse"))
    return Found(params, bse)


def _number(text: str | None) -> float:
    return np.nan if text in (None, "NA") else float(text)


# --- the page -------------------------------------------------------------------------------


def table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table."""
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return [*lines, ""]


def summary(every: dict[str, list[tuple[float, float] | None]]) -> list[list[object]]:
    """Return the median and the 10th percentile of each package's digits, as rows."""
    rows: list[list[object]] = []
    for name in PACKAGES:
        pairs = np.array([pair for pair in every[name] if pair is not None])
        cells: list[object] = [name, len(pairs)]
        for column in pairs.T:
            known = column[~np.isnan(column)]
            cells.append("" if known.size == 0 else f"{np.median(known):.1f}")
            cells.append("" if known.size == 0 else f"{np.quantile(known, 0.1):.1f}")
        rows.append(cells)
    return rows


def compared(
    cases: Iterable[tuple[str, Case]], fits: dict[str, Fit], r: Iterable[dict[str, Any]]
) -> tuple[list[list[object]], dict[str, list[tuple[float, float] | None]]]:
    """Return a row for each case, and all digits of each package."""
    every: dict[str, list[tuple[float, float] | None]] = {name: [] for name in PACKAGES}
    rows: list[list[object]] = []
    for (label, case), told in zip(cases, r, strict=True):
        y, X = np.asarray(case["y"], dtype=float), np.asarray(case["X"], dtype=float)
        found = {name: fit(case, y, X) for name, fit in fits.items()} | {"R": _of_r(told)}
        pairs = {name: both_digits(found[name], case) for name in PACKAGES}
        for name, pair in pairs.items():
            every[name].append(pair)
        rows.append([label, *(shown(pairs[name]) for name in PACKAGES)])
    return rows, every


def nist_section(r: dict[str, Any]) -> list[str]:
    """Return the section on NIST's certified values."""
    sets = certified()
    rows, _ = compared(
        [(f"{name} ({case['level']})", case) for name, case in sets.items()],
        OLS,
        [r["nist"][name] for name in sets],
    )
    return [
        "## NIST's certified values",
        "",
        f"The {len(sets)} Statistical Reference Datasets for linear regression, with their level "
        "of difficulty. The tests find the certified values again from the data, in arithmetic of "
        "60 digits. Filip is a polynomial of degree 10, whose condition leaves few digits to "
        "double precision: R leaves a column out, and pseudo-inverses drop a direction.",
        "",
        *table(["set", *PACKAGES], rows),
    ]


def glm_section(r: dict[str, Any]) -> list[str]:
    """Return the section on generalised linear models."""
    made = json.loads((REFERENCE / "accuracy.json").read_text(encoding="utf8"))
    labels = []
    for case in made["cases"]:
        parameter = f" ({case['parameter']})" if case["parameter"] else ""
        labels.append(
            f"{case['dataset']}, {case['response']}: {case['family']}{parameter}, {case['link']}"
        )
    rows, every = compared(zip(labels, made["cases"], strict=True), GLMS, r["cases"])
    heading = ["package", "models", "coefficients: median", "10th percentile"]
    heading += ["standard errors: median", "10th percentile"]
    return [
        "## Generalised linear models",
        "",
        f"{len(rows)} models of the package's own data sets. The reference is Fisher scoring in "
        f"arithmetic of 50 digits (mpmath {made['made_by']['mpmath']}), which shares no code with "
        "any of the packages. glum's standard errors have a factor sqrt(n / (n - p)).",
        "",
        *table(heading, summary(every)),
        *table(["model", *PACKAGES], rows),
    ]


# --- separation -----------------------------------------------------------------------------


def separation_section(r: dict[str, Any]) -> list[str]:
    """Return the section on separated data."""
    cases = json.loads((REFERENCE / "separation.json").read_text(encoding="utf8"))["cases"]
    rows = [
        [case["id"], len(case["rows"]), _separated(case), _says_r(told), _says_statsmodels(case)]
        for case, told in zip(cases, r["separation"], strict=True)
    ]
    return [
        "## Separation",
        "",
        "Poisson models of the published test sets of Correia, Guimarães and Zylkin (2019, arXiv "
        "1903.01633), whose separated rows are labelled there. Digits are of the finite "
        "coefficients and their errors in the limit, against arithmetic of 30 digits. What the "
        "others report is the end of their iterations and the largest standard error.",
        "",
        *table(["set", "separated rows", "glmfit", "R", "statsmodels"], rows),
    ]


def _frame_of(case: Case) -> pd.DataFrame:
    frame = pd.DataFrame(case["data"])
    return frame.astype({name: int for name in frame if str(name).startswith("id")})


def _separated(case: Case) -> str:
    result = gf.poisson(case["formula"], _frame_of(case)).fit()
    rows = [] if result.separation is None else np.flatnonzero(result.separation.rows).tolist()
    said = f"{len(rows)}, " + ("the same rows" if rows == case["rows"] else "OTHER ROWS")
    if not case["finite"]:
        return said
    terms = list(case["finite"])
    pair = (
        digits(result.params[terms], [case["finite"][term][0] for term in terms]),
        digits(result.bse[terms], [case["finite"][term][1] for term in terms]),
    )
    return f"{said}; {shown(pair)}"


def _says_r(told: dict[str, Any]) -> str:
    errors = [value for value in map(_number, told["bse"]) if np.isfinite(value)]
    return _reported(told["converged"], errors, len(told["warnings"]) > 0)


def _says_statsmodels(case: Case) -> str:
    y, X = patsy.dmatrices(case["formula"], _frame_of(case))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = sm.GLM(np.asarray(y)[:, 0], np.asarray(X), family=sm.families.Poisson()).fit()
    return _reported(result.converged, list(result.bse), len(caught) > 0)


def _reported(converged: bool, errors: Sequence[float], warned: bool) -> str:
    ended = "converged" if converged else "not converged"
    return f"{ended}, {'a warning' if warned else 'no warning'}; {max(errors):.1e}"


# --- tests ----------------------------------------------------------------------------------


def peers_section() -> list[str]:
    """Return the section on statsmodels' own tests, as the last run counted them."""
    text = (ROOT / "tests" / "peers" / "EXPECTED.md").read_text(encoding="utf8")
    lines = re.findall(r"^\| (\S+\.tests\.\S+) \| (\d+) \| (\d+) \|", text, flags=re.MULTILINE)
    rows: list[list[object]] = [
        [name, passed, ran, f"{int(passed) / int(ran):.0%}"] for name, passed, ran in lines
    ]
    passed, ran = (sum(int(line[k]) for line in lines) for k in (1, 2))
    rows.append(["all", passed, ran, f"{passed / ran:.0%}"])
    return [
        "## statsmodels' own tests",
        "",
        "statsmodels ships its tests; `python3 dev.py peers` runs them with glmfit's classes in "
        "the place of its own. Tests that ask for names which glmfit does not have fail, too; "
        "every failure is listed with its reason in `tests/peers/EXPECTED.md`.",
        "",
        *table(["module", "passed", "run", "share"], rows),
    ]


def faults_section() -> list[str]:
    """Return the section on faults: what the tests of hostile conditions are called."""
    lines = []
    for name in FAULTS:
        path = ROOT / "tests" / f"{name}.py"
        tree = ast.parse(path.read_text(encoding="utf8"))
        tests = [
            node.name.removeprefix("test_").replace("_", " ")
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        ]
        told = (ast.get_docstring(tree) or name).splitlines()[0].rstrip(".")
        lines += [f"**{told}** (`tests/{name}.py`, {_collected(path)} cases)", ""]
        lines += [f"* {test}" for test in tests] + [""]
    return ["## Faults and hostile input", "", *lines]


def _collected(*paths: Path) -> int:
    """Return how many tests pytest finds."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = re.search(r"^(\d+)(?:/\d+)? tests? collected", done.stdout, flags=re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pytest did not say how many tests there are:\n{done.stdout[-500:]}")
    return int(found[1])


def references_section() -> list[str]:
    """Return the section on the stored reference values."""
    rows = []
    for path in sorted(set(REFERENCE.glob("*.json")) - {STORED_R}):
        scripts = [p.name for p in (path.with_suffix(".R"), path.with_suffix(".py")) if p.exists()]
        users = [
            test.name
            for test in sorted((ROOT / "tests").rglob("test_*.py"))
            if re.search(rf'"{path.stem}\.(json|py)"', test.read_text(encoding="utf8"))
        ]
        rows.append([f"`{path.name}`", ", ".join(f"`{s}`" for s in scripts), ", ".join(users)])
    total = _collected(ROOT / "tests")
    return [
        "## Reference values",
        "",
        f"The tests ({total:,} cases, and the examples of the docstrings) compare with these "
        "values in `tests/reference/`.",
        "",
        *table(["values", "made by", "compared in"], rows),
    ]


def versions(r: dict[str, Any], ran: bool) -> list[str]:
    """Return when and with what the page was made."""
    names = ("numpy", "scipy", "pandas", "statsmodels", "glum", "scikit-learn", "mpmath")
    parts = [f"{name} {importlib.metadata.version(name)}" for name in names]
    r_version = r["R"].replace("R version ", "R ") + ("" if ran else " (as stored)")
    return [
        f"Made on {datetime.date.today().isoformat()} by `python3 dev.py verify`: glmfit "
        f"{gf.__version__}, Python {platform.python_version()} on {platform.machine()}, "
        f"{', '.join(parts)}, {r_version}.",
        "",
    ]


def main() -> None:
    """Write the page."""
    warnings.simplefilter("ignore")
    mp.dps = 60
    r, ran = numbers_of_r()
    lines = [
        "<!-- Made by docs/verify.py; do not edit. -->",
        "# Verification",
        "",
        *versions(r, ran),
        "Digits are of the worst coefficient and, after the stroke, of the worst standard error: "
        f"minus log10 of the relative error, {MOST:.0f} at the most. Every package has its own "
        "tolerances, as a user gets them; all fit the same y and X. Where a cell is empty the "
        "package has no such model; scikit-learn has no standard errors.",
        "",
        *nist_section(r),
        *glm_section(r),
        *separation_section(r),
        *references_section(),
        *peers_section(),
        *faults_section(),
    ]
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
