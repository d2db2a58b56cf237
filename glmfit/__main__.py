"""``python -m glmfit fit FORMULA FILE``: fit a model from the shell."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence

import pandas as pd

from glmfit.errors import GlmfitError, GlmfitWarning
from glmfit.models import GLM, glm, ols


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    warnings.showwarning = _show_warning  # type: ignore[assignment]  # it needs no file or line
    try:
        data = pd.read_csv(options.file)
        result = _model(options, data).fit(cov_type=options.cov_type)
        summary = result.summary(alpha=options.alpha)
    except (GlmfitError, OSError, UnicodeDecodeError, ValueError) as error:
        # pandas' errors about a file are ValueErrors
        print(f"glmfit: {error}", file=sys.stderr)
        return 1
    print(getattr(summary, f"as_{options.output}")())
    return 0


def _model(options: argparse.Namespace, data: pd.DataFrame) -> GLM:
    given = {name: getattr(options, name) for name in _COLUMNS if getattr(options, name)}
    if options.event is not None and options.event.lstrip("-").isdigit():
        given["event"] = int(options.event)
    if options.family == "ols":
        return ols(options.formula, data, link=options.link, **given)
    return glm(options.formula, data, options.family, link=options.link, **given)


_COLUMNS = ("offset", "exposure", "freq_weights", "var_weights", "trials", "event")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="glmfit", description="Statistical models from formulas.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    fit = commands.add_parser("fit", help="fit a model and print its summary")
    fit.add_argument("formula", help='for example "O_RING_FAILURE ~ TEMPERATURE"')
    fit.add_argument("file", help="a CSV file with a header line")
    fit.add_argument("--family", default="gaussian", help="binomial, poisson, gamma, ...; or ols")
    fit.add_argument("--link", help="logit, probit, log, ...; the family's own by default")
    for name in _COLUMNS[:-1]:
        fit.add_argument(f"--{name.replace('_', '-')}", help="name of a column")
    fit.add_argument("--event", help="the level that counts as the event")
    fit.add_argument("--cov-type", default="nonrobust", help="nonrobust, HC0 to HC3")
    fit.add_argument("--alpha", type=float, default=0.05, help="intervals cover 1 - alpha")
    fit.add_argument(
        "--output", default="text", choices=("text", "html", "latex", "markdown", "csv")
    )
    return parser


def _show_warning(message: Warning | str, category: type[Warning], *where: object) -> None:
    """Show glmfit's warnings as sentences, without file and line."""
    name = category.__name__ if issubclass(category, GlmfitWarning) else "Warning"
    print(f"{name}: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
