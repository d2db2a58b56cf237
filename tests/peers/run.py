"""Run statsmodels' own tests on glmfit, and count: ``python tests/peers/run.py``.

``python tests/peers/run.py --write`` writes EXPECTED.md anew; read what changed in it
before you commit it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "EXPECTED.md"
COUNTS = HERE / "counts.json"
"""How many tests passed and ran, for the page of verification."""

MODULES = (
    "genmod.tests.test_glm",
    "genmod.tests.test_glm_weights",
    "genmod.tests.test_score_test",
    "genmod.tests.test_constrained",
    "discrete.tests.test_discrete",
    "discrete.tests.test_margins",
    "discrete.tests.test_predict",
    "discrete.tests.test_sandwich_cov",
    "discrete.tests.test_conditional",
    "discrete.tests.test_count_model",
    "miscmodels.tests.test_ordinal_model",
)

FIRST = ("genmod.tests.test_glm", "genmod.tests.test_glm_weights")
"""The modules of GLMs, counted together; the others are counted together too."""

REASONS = (
    (r"glmfit has no ", "glmfit does not have this model yet"),
    (r"TestGlmNegbinomial|NegativeBinomial needs alpha|link needs alpha",
     "a NegativeBinomial() without alpha estimates it; statsmodels takes 1 and warns"),
    (r"GeneralizedPoisson\w+::test_jac", "model.exog has the columns of all predictors"),
    (r"TestLogitModel::test_basic",
     "the stored thresholds are those of R's polr, which stops short; Stata's ologit has glmfit's"),
    (r"TestProbitModel::test_basic", "predictions of classes are a frame with their names"),
    (r"NegativeBinomial\w+::test_loglikeobs",
     "agrees with llf to 16 digits; the test asks for 14 decimals of a number of 5 digits"),
    (r"needs var_power", "a Tweedie() has no var_power of its own; statsmodels takes 1"),
    (r"test_loglikerelated|TestProbitModel::test_offset",
     "derivatives at other coefficients are of GLM, multinomial and count models; an offset given "
     "as values is given again for new rows"),
    (r"SpecificationWarning", "glmfit has these covariances with frequency weights, so no warning"),
    (r"fit_constrained", "restrictions are tested (lr_test, score_test), not results of their own"),
    (r"has no setter", "results are not changed in place; with_cov() returns another"),
    (r"TestNegbin\w+::test_ttest", "the interval of alpha is made for its logarithm, as in Stata"),
    (r"HC1\w*::test_basic", "HC1 is HC0 times n / (n - p), as in R; here it is n / (n - 1)"),
    (r"score_test\(\) got an unexpected|MNLogitScoreTest",
     "score_test() of a result takes a hypothesis; added columns are for model.score_test()"),
    (r"An L1 penalty selects|Information criteria count|L1Compatability::test_(df|bad)|nnz_params",
     "there are no standard errors, tests or criteria after an L1 penalty"),
    (r"method='l1' is for", "an L1 penalty of a multinomial would depend on the reference class"),
    (r"no attribute 'fit_regularized'", "penalised fits are for GLMs and multinomial models"),
    (r"test_predict_generic_zi", "model.exog has the columns of all predictors"),
    (r"inflation='probit'", "the zero part has a logit link"),
    (r"PPredict::test_predict\b|get_diagnostic|SciPy has no distribution|argument 'which'",
     "predictions of counts have intervals on the link scale and one kind of result"),
    (r"get_influence|'scale'|_get_exogs|_dispersion_factor|res_null|mle_settings|transform_thresh",
     "an internal of statsmodels, or an array that glmfit does not keep"),
    (r"::test_fittedvalues", "fittedvalues are means; statsmodels' are linear predictors here"),
    (r"::test_dof|unchanging_degrees", "df_model and df_resid follow R's conventions"),
    (r"test_non_binary", "a response between 0 and 1 is a proportion"),
    (r"optim_kwds_prelim|'callback'", "a keyword without an effect is refused"),
    (r"test_poisson_newton", "Newton's method converges here, so that there is no warning"),
    (r"regularized_l1_slsqp_no_conv", "a limit on iterations is one of the solver's own steps"),
    (r"test_loglike_no_opt|test_attribute_writable", "models and families are not changed by fits"),
    (r"resid_prob|'ynames'|'offset'|exog has 3 col",
     "a method or an array that glmfit does not have under this name"),
    (r"issue_8943|PerfectSeparationError",
     "separation is a warning, and full_output has no effect"),
    (r"DID NOT (WARN|RAISE)|Regex pattern did not match",
     "glmfit warns and refuses in its own classes and words"),
    (r"family needs alpha", "a dispersion of 1 is not assumed for want of one"),
    (r"method='l1' is that|alpha has shape|test_regularized|_fit_ridge",
     "penalties are per observation and spare the constant, by one solver"),
    (r"argument '(scaletype|attach_wls|callback)'", "a keyword without an effect is refused"),
    (r"'se_mean'", "linpred is an array; linpred_se has its errors"),
    (r"has no attribute '(_\w+|wnobs|wexog|exposure|param_names|pinv_wexog)'",
     "an internal of statsmodels, or an array that glmfit does not keep"),
    (r"'eql'", "an approximation of the Tweedie density; glmfit has the density itself"),
    (r"score_test|estimate_tweedie_power|plot_added|hessian_factor|n_trials|'which'",
     "a method that glmfit does not have under this name"),
    (r"test_prsquared", "llnull has the dispersion of the null model, as in R's logLik"),
    (r"TestTweedie\w+::test_df", "df_model counts all columns where there is no constant"),
    (r"TestConvergence", "the iterations end by glmfit's own rule; atol and rtol have no effect"),
    (r"TestGlmBinomial::test_residuals",
     "working residuals are (y - mu) g'(mu), as in R; statsmodels multiplies by squared trials"),
    (r"test_information_is_expected", "the information is positive definite, not its negative"),
    (r"TestGLMProbit", "the errors of a GLM come from the expected information, as in R"),
    (r"summary|assert \d+ == \(\d+ \+|Marginal Effects|test_issue_341|latex",
     "tables have a layout of their own"),
    (r"got CLogLog|got 'cum'", "distributions are links by name; which='cumulative'"),
    (r"maxiter must be|are for new data|must be 0 or 1|AlignmentError|needs the groups",
     "an argument that makes no sense is refused"),
    (r"weights_func", "cov_kwds says how the covariance was made, in other words"),
    (r"'dtype'", "a number is a float"),
    (r"times_two", "functions of the caller's are handed in by env="),
    (r"conf_int$|conf_int ", "intervals are one table with a row for each coefficient"),
    (r"MNLogit\w*::test_loglikeobs", "agrees with llf to 13 digits; the test asks for 14 decimals"),
    (r"test_issue_339", "tables have a layout of their own"),
    (r"skip_hessian", "the covariance is always computed"),
    (r"monotonic", "predictions are of a class of glmfit's own"),
    (r"no attribute '(predict_prob|get_distribution|im_ratio|cdf|cov_params_func_l1|score_factor|"
     r"set_null_options|resid_misclassified|argmax)'|super\(type|y_values",
     "a method that glmfit does not have under this name"),
    (r"no attribute 'wendog'", "an array that glmfit does not keep"),
    (r"no attribute '(power|fit_regularized)'", "an attribute that glmfit does not have"),
)  # fmt: skip
"""What a test or its message says, and why glmfit differs."""

UNEXPLAINED = "NOT LOOKED AT YET"


def outcomes(module: str) -> dict[str, tuple[str, str]]:
    """Return how each test of a module of statsmodels ended, and its message."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        places = [str(HERE), str(HERE.parent.parent), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, places)),
            "PEERS_REPORT": str(report),
        }
        command = [
            sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", folder, "-p", "swap",
            "-p", "no:cacheprovider", "-q", "--tb=line", "-W", "ignore",
            "--pyargs", f"statsmodels.{module}",
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if not report.exists():
            raise RuntimeError(f"The tests of {module} did not run:\n{done.stdout[-2000:]}")
        found = json.loads(report.read_text())
    return {name.split("::", 1)[-1]: (kind, told) for name, (kind, told) in found.items()}


def reason_of(name: str, message: str) -> str:
    """Return why a failure is expected, or that nobody has looked."""
    told = f"{name} {message}"
    return next((why for pattern, why in REASONS if re.search(pattern, told)), UNEXPLAINED)


def counts(found: dict[str, tuple[str, str]]) -> tuple[int, int]:
    """Return how many tests passed, and how many ran (skipped ones and xfails left out)."""
    kinds = [kind for kind, _ in found.values()]
    return kinds.count("passed"), len(kinds) - kinds.count("skipped")


def tallied(results: dict[str, dict[str, tuple[str, str]]]) -> dict[str, Any]:
    """Return the counts of each module, of GLMs, of the rest and of all."""
    modules = {}
    for module, found in results.items():
        passed, ran = counts(found)
        modules[module] = {"passed": passed, "run": ran}
    groups = {
        "GLM": [name for name in modules if name in FIRST],
        "rest": [name for name in modules if name not in FIRST],
        "all": list(modules),
    }
    sums = {
        group: {what: sum(modules[name][what] for name in names) for what in ("passed", "run")}
        for group, names in groups.items()
    }
    return {"statsmodels": version("statsmodels"), "groups": sums, "modules": modules}


def expected() -> dict[str, set[str]]:
    """Return the failures that EXPECTED.md lists, by module."""
    listed: dict[str, set[str]] = {}
    module = ""
    for line in EXPECTED.read_text().splitlines():
        if line.startswith("## "):
            module = line.split()[1]
            listed[module] = set()
        elif line.startswith("- `"):
            listed[module].add(line[3:].rsplit("`", 1)[0])
    return listed


def written(results: dict[str, dict[str, tuple[str, str]]]) -> str:
    """Return EXPECTED.md: every failure under its reason."""
    lines = [
        "# What of statsmodels' own tests glmfit fails, and why",
        "",
        "Made by `python tests/peers/run.py --write`; `python3 dev.py peers` counts, and tells of",
        "failures that are not listed and of passes that are. `counts.json` has the counts.",
        "",
        "Deprecations that statsmodels announces are not asked for. Warnings of convergence and of",
        "separation, and `Summary`, stand for statsmodels' own of that name.",
        "",
        "| module | passed | run | share |",
        "|---|---|---|---|",
    ]
    for module, found in results.items():
        passed, ran = counts(found)
        lines.append(f"| {module} | {passed} | {ran} | {passed / ran:.0%} |")
    for module, found in results.items():
        lines += ["", f"## {module}"]
        failed = {n: reason_of(n, told) for n, (kind, told) in found.items() if kind == "failed"}
        for why in dict.fromkeys(failed.values()):
            lines += ["", f"### {why}", ""]
            lines += [f"- `{name}`" for name, reason in failed.items() if reason == why]
    return "\n".join(lines) + "\n"


def unexpected(found: dict[str, tuple[str, str]], known: set[str]) -> tuple[list[str], list[str]]:
    """Return the failures that EXPECTED.md does not list, and the passes that it does."""
    failed = {name for name, (kind, _) in found.items() if kind == "failed"}
    passed = {name for name, (kind, _) in found.items() if kind == "passed"}
    return sorted(failed - known), sorted(passed & known)


def main(arguments: list[str]) -> int:
    """Run all modules and print the counts; with --write, write EXPECTED.md and counts.json."""
    results, surprises = {}, 0
    known = expected() if EXPECTED.exists() else {}
    for module in MODULES:
        results[module] = found = outcomes(module)
        passed, ran = counts(found)
        new, repaired = unexpected(found, known.get(module, set()))
        surprises += len(new) + len(repaired)
        print(f"{module:<38} {passed:>4} of {ran:>4}  {passed / ran:4.0%}", flush=True)
        for name in new[:20]:
            print(f"    fails: {name}: {found[name][1][:100]}")
        for name in repaired[:20]:
            print(f"    passes now: {name}")
    tally = tallied(results)
    for group, sums in tally["groups"].items():
        share = sums["passed"] / sums["run"]
        print(f"{group:<38} {sums['passed']:>4} of {sums['run']:>4}  {share:4.1%}")
    if "--write" in arguments:
        EXPECTED.write_text(written(results))
        COUNTS.write_text(json.dumps(tally, indent=1) + "\n")
        return 0
    return int(surprises > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
