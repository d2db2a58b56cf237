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
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "EXPECTED.md"

MODULES = (
    "genmod.tests.test_glm",
    "genmod.tests.test_glm_weights",
    "discrete.tests.test_discrete",
    "discrete.tests.test_margins",
    "discrete.tests.test_predict",
    "discrete.tests.test_sandwich_cov",
    "discrete.tests.test_conditional",
    "discrete.tests.test_count_model",
    "miscmodels.tests.test_ordinal_model",
)

REASONS = (
    (r"glmfit has no ", "glmfit does not have this model yet"),
    (r"DID NOT (WARN|RAISE)|Regex pattern did not match",
     "glmfit warns and refuses in its own classes and words"),
    (r"family needs (alpha|var_power)", "a dispersion of 1 is not assumed for want of one"),
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
        "Made by `python tests/peers/run.py --write`; `python3 dev.py peers` counts.",
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


def main(arguments: list[str]) -> int:
    """Run all modules and print the counts; with --write, write EXPECTED.md."""
    results, unexpected = {}, 0
    known = expected() if EXPECTED.exists() else {}
    for module in MODULES:
        results[module] = found = outcomes(module)
        passed, ran = counts(found)
        failed = {name for name, (kind, _) in found.items() if kind == "failed"}
        new = failed - known.get(module, set())
        unexpected += len(new)
        print(f"{module:<38} {passed:>4} of {ran:>4}  {passed / ran:4.0%}  new failures {len(new)}")
        for name in sorted(new)[:20]:
            print(f"    {name}: {found[name][1][:100]}")
    if "--write" in arguments:
        EXPECTED.write_text(written(results))
        return 0
    return int(unexpected > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
