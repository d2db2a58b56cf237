"""What statsmodels has and glmfit has not, said in words when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from glmfit.errors import NotAvailableError, suggest

__all__ = ["absent_name"]

HURDLE = "Use hurdle(formula, data), HurdlePoisson or HurdleNegativeBinomialP."

ABSENT = {
    "HurdleCountModel": HURDLE,
    "wls": "Use ols(..., var_weights=...), which is weighted least squares.",
    "WLS": "Use OLS(..., var_weights=...), which is weighted least squares.",
    "gee": "glmfit has no GEE; for dependence within groups use fit(cov_type='cluster').",
    "GEE": "glmfit has no GEE; for dependence within groups use fit(cov_type='cluster').",
    "mixedlm": "glmfit has no mixed models.",
    "MixedLM": "glmfit has no mixed models.",
    "quantreg": "glmfit has no quantile regression.",
    "QuantReg": "glmfit has no quantile regression.",
}


def absent_name(module: str, name: str, known: Iterable[str]) -> NotAvailableError:
    """Return the error for a name that a module has not, with what to use in its place.

    Parameters
    ----------
    module : str
        Where the name was looked for.
    name : str
    known : iterable of str
        Names that the module has.
    """
    told = ABSENT.get(name) or suggest(name, known).strip()
    return NotAvailableError(f"{module} has no {name!r}. {told}".strip())
