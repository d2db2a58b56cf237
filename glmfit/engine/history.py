"""The points that a fit went through, and the rules by which it stops on the way.

Three rules look at what an iteration changed, as textbooks do: the coefficients, the
log-likelihood, or the length of its gradient. The fourth, which is the default, is each
solver's own: it asks how far the maximum still is, in standard errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.errors import NotAvailableError

__all__ = ["AT_ROUNDING", "NO_LESS", "History", "Iteration", "limit_reached"]

Array = NDArray[np.float64]

AT_ROUNDING = "the step is at the level of rounding"
NO_LESS = f"{AT_ROUNDING}, so that no rule could be met more closely"


@dataclass(frozen=True, slots=True)
class Iteration:
    """One line of the history of a fit: a point, and the step that led there.

    Attributes
    ----------
    number : int
        0 for the start.
    deviance : float
    step : float
        Largest absolute change of a coefficient; NaN for the start.
    halvings : int
        How often the step was halved before it was taken.
    theta : ndarray of shape (p,)
    gradient : float
        Euclidean length of the gradient of the log-likelihood. Where the dispersion is not
        known, it is taken to be deviance / n.
    """

    number: int
    deviance: float
    step: float
    halvings: int
    theta: Array
    gradient: float = np.nan


class History:
    """The lines of one fit, printed as they come if that is asked for.

    Parameters
    ----------
    control : Control
    dispersion : callable
        What a deviance says of the dispersion (see `Pass.dispersion_guess`).
    """

    def __init__(self, control: Control, dispersion: Callable[[float], float]) -> None:
        if control.resume is not None and control.bookmark is None:
            raise NotAvailableError(
                "resume= is for generalised linear models; this fit does not go on from a file. "
                "start_params can take coefficients over."
            )
        self.control = control
        self.dispersion = dispersion
        self.lines: list[Iteration] = []

    def add(self, theta: Array, deviance: float, score: Array, halvings: int = 0) -> None:
        """Add the point ``theta``, where phi times the gradient is ``score``."""
        moved = np.abs(theta - self.lines[-1].theta).max(initial=0.0) if self.lines else np.nan
        slope = float(np.linalg.norm(score))
        phi = self.dispersion(deviance)
        if slope > 0.0:
            slope = slope / phi if phi > 0.0 else np.inf
        line = Iteration(len(self.lines), deviance, float(moved), halvings, theta, slope)
        self.lines.append(line)
        if self.control.bookmark is not None:
            self.control.bookmark.write(line.number, deviance, theta)
        if self.control.disp:
            step = f"  step {line.step:.3g}" if line.number else ""
            print(
                f"iteration {line.number:3d}  deviance {line.deviance:.10g}{step}  "
                f"gradient {line.gradient:.3g}"
            )

    def met(self) -> str | None:
        """Say how the last iteration meets the rule that was asked for, or return None."""
        last, tol = self.lines[-1], self.control.tol
        if self.control.stop == "gradient":
            if last.gradient <= tol:
                return f"the gradient of the log-likelihood is no longer than {tol:g}"
            return None
        if last.number == 0:
            return None
        if self.control.stop == "params" and last.step <= tol:
            return f"no coefficient changed by more than {tol:g}"
        if self.control.stop == "loglik" and abs(self._rise()) <= tol:
            return f"the log-likelihood changed by no more than {tol:g}"
        return None

    def _rise(self) -> float:
        """Return by how much the last iteration raised the log-likelihood."""
        before, last = self.lines[-2], self.lines[-1]
        fall = 0.5 * (before.deviance - last.deviance)
        phi = self.dispersion(last.deviance)
        if fall == 0.0:
            return 0.0
        return fall / phi if phi > 0.0 else np.inf


def limit_reached(control: Control) -> str:
    """Say that a fit ended for having taken all the iterations that it was allowed."""
    return f"the limit of {control.maxiter} iterations was reached"
