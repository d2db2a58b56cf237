"""The solvers by name. All of them end at the same maximum, where there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.descent import Descendable, fit_descent
from glmfit.engine.irls import Solution, fit_irls
from glmfit.engine.linalg import Triangular

__all__ = ["NEWTON", "SOLVERS", "Solver"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Solver:
    """A way to the maximum of a likelihood.

    Attributes
    ----------
    name : str
        What ``fit(method=)`` calls it.
    label : str
        What a summary calls it.
    maxiter : int
        Iterations that it is allowed by default.
    run : callable
        `fit_irls` or a function like it.
    """

    name: str
    label: str
    maxiter: int
    run: Callable[..., Solution]
    scoring: bool = True
    """Whether its steps are made with the information."""

    def fit(
        self,
        run: Descendable,
        theta: Array,
        control: Control,
        *,
        observed: bool = False,
        factor: Triangular | None = None,
    ) -> Solution:
        """Maximise the likelihood from ``theta`` (see `fit_irls`).

        Only a solver that makes its steps with the information has a use for ``factor``.

        Where a rule stops the fit on its way, Newton's method goes on from there, only to
        learn whether the way ends: it does not where data are separated.
        """
        options = {"factor": factor} if self.scoring and factor is not None else {}
        solution = self.run(run, theta, control, observed=observed, **options)
        if solution.settled or not solution.converged:
            return solution
        further = fit_irls(run, solution.theta, control.certain())
        return replace(solution, settled=further.settled, further=further.theta)


NEWTON = Solver("newton", "Newton", 100, fit_irls)

SOLVERS = {
    solver.name: solver
    for solver in (
        NEWTON,
        Solver("fisher", "Fisher scoring", 100, partial(fit_irls, steps="fisher")),
        Solver("irls", "IRLS", 100, partial(fit_irls, steps="irls")),
        Solver("lbfgs", "L-BFGS", 1000, partial(fit_descent, directions="lbfgs"), scoring=False),
        Solver(
            "gd", "Gradient descent", 1000, partial(fit_descent, directions="gd"), scoring=False
        ),
    )
}
"""Every solver; Newton's method is the default."""
