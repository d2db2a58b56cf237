"""What ``fit(method=)`` may be called, and the limits that go with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from glmfit.engine.control import Control
from glmfit.engine.firth import Kind
from glmfit.engine.solvers import NEWTON, SOLVERS, Solver
from glmfit.errors import ArgumentError, ArgumentTypeError, suggest
from glmfit.models.bias import bias_kind

__all__ = ["DEFAULT", "Method", "one_control", "other_settings", "read_method"]

ELSEWHERE = ("bfgs", "cg", "ncg", "nm", "powell", "basinhopping", "minimize")
"""statsmodels' optimisers that glmfit has not; Newton's method stands in for them."""

OPTIMIZER_SETTINGS = frozenset(
    "atol rtol tol_criterion gtol ftol xtol epsilon norm maxfun retall skip_hessian "
    "warn_convergence max_start_irls wls_method optim_hessian avextol niter niter_success "
    "stepsize T interval min_method minimizer direc m pgtol factr xatol fatol "
    "seed rng loglike_and_score".split()
)
"""statsmodels' settings of its optimisers, which have no part in these solvers."""


@dataclass(frozen=True, slots=True)
class Method:
    """How estimates are found.

    Attributes
    ----------
    solver : Solver
        What maximises the likelihood.
    bias : {"mean", "median"} or None
        Which bias of the estimates is reduced, so that none is maximised.
    """

    solver: Solver = NEWTON
    bias: Kind | None = None


DEFAULT = Method()


def read_method(method: Any, more: Iterable[str] = ()) -> Method:
    """Return what a name stands for, in upper or lower case.

    Parameters
    ----------
    method : str
        A solver, one of statsmodels' optimisers, or one of ``more``.
    more : iterable of str
        Kinds of bias reduction that the model has.
    """
    names = (*SOLVERS, *more)
    known = {name.lower(): name for name in (*names, *ELSEWHERE)}
    found = known.get(method.lower()) if isinstance(method, str) else None
    if found is None:
        raise ArgumentError(
            f"There is no method {method!r}.{suggest(str(method), known.values())} The methods "
            f"are {', '.join(names)} (and statsmodels' optimiser names {', '.join(ELSEWHERE)}, "
            f"which mean {NEWTON.name})."
        )
    return Method(SOLVERS.get(found, NEWTON), bias_kind(found))


def other_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords that are not statsmodels' settings of its optimisers."""
    return {name: value for name, value in given.items() if name not in OPTIMIZER_SETTINGS}


def one_control(
    control: Control | None,
    *,
    maxiter: int | None,
    tol: float,
    disp: Any,
    stop: str = "score",
    solver: Solver = NEWTON,
) -> Control:
    """Return the limits of a fit, given whole or one by one but not both."""
    limit = solver.maxiter if maxiter is None else maxiter
    single = Control(maxiter=limit, tol=tol, stop=stop, disp=bool(disp))
    if control is None:
        return single
    if not isinstance(control, Control):
        raise ArgumentTypeError(
            f"control must be a Control, as in Control(maxiter=50); got {type(control).__name__}."
        )
    if maxiter is not None or single != Control(maxiter=limit):
        raise ArgumentError(
            "Give maxiter, tol, stop and disp in the Control, or beside it, not both."
        )
    return control
