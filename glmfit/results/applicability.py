"""When tests that rest on the likelihood apply to a fit, and why not where they do not."""

from __future__ import annotations

import math
from typing import Any

from glmfit.errors import NotAvailableError

__all__ = ["limit_notes", "require_free", "require_likelihood"]

SUPREMUM = (
    "The data are separated: log-likelihoods are the limits that they tend to, and the "
    "approximation by chi-square is rough."
)


def require_likelihood(result: Any, what: str, instead: str, *, quasi: bool = False) -> None:
    """Raise unless the fit is a maximum of a likelihood that tests may rest on.

    Parameters
    ----------
    result : LikelihoodResults
    what : str
        The test, to begin a sentence with.
    instead : str
        What to use where the covariance is robust.
    quasi : bool
        Whether quasi-likelihoods will do.
    """
    record = result.record
    require_free(result, what)
    if record.bias_reduced is not None:
        raise NotAvailableError(
            f"{what} compares maxima of the likelihood, and {record.bias_reduced.lower()} "
            "estimates do not maximise it. Use penalized_lr_test() where the link is canonical, "
            "or Wald tests."
        )
    if result.cov_type != "nonrobust":
        raise NotAvailableError(
            f"{what} rests on the model's own variance, and this result has a robust covariance "
            f"({result.cov_type}). Use {instead}, which follows it, or fit with "
            "cov_type='nonrobust'."
        )
    if not record.converged and record.separation is None:
        raise NotAvailableError(
            f"{what} needs the maximum, and the fit did not reach it: {record.reason}."
        )
    if quasi:
        return
    if math.isnan(record.llf):
        raise NotAvailableError(
            f"{what} needs a likelihood, and this family has a quasi-likelihood only. Use F "
            "tests: anova(test='F'), f_test() or score_test()."
        )
    if record.scale_note is not None and result.model.known_dispersion is not None:
        raise NotAvailableError(
            f"{what} needs a likelihood, and this one does not hold with a dispersion that is "
            f"{record.scale_note}. Use anova(test='F'), f_test() or score_test()."
        )


def require_free(result: Any, what: str) -> None:
    """Raise for estimates that a penalty has shrunk or chosen."""
    if result.record.regularized is not None:
        raise NotAvailableError(
            f"{what} compares maxima of the likelihood, and a penalty has shrunk these estimates "
            "or chosen their columns. Cross-validation judges them; for tests use fit(), of "
            "columns that were not chosen on the same data."
        )


def limit_notes(result: Any) -> tuple[str, ...]:
    """Return what is to be said of likelihoods that have a supremum only."""
    return () if result.record.separation is None else (SUPREMUM,)
