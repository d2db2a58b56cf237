"""How a fit went: its solver, its iterations, and why it ended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glmfit.engine.solvers import SOLVERS
from glmfit.results.record import FitRecord

__all__ = ["Convergence"]


class Convergence:
    """What a result tells of the iterations behind it."""

    record: FitRecord

    @property
    def converged(self) -> bool:
        """Whether the fit ended by its stopping rule, where a finite maximum exists."""
        return self.record.converged

    @property
    def method(self) -> str:
        """How the fit was computed."""
        if self.record.regularized is not None and self.record.shrunk:
            return self.record.regularized.name
        return self.record.bias_reduced or SOLVERS[self.record.method].label

    @property
    def _likelihood_dispersion(self) -> float:
        """The dispersion at which the log-likelihood is evaluated."""
        return 1.0

    @property
    def history(self) -> pd.DataFrame:
        """The iterations, one a row; row 0 is the start.

        Returns
        -------
        DataFrame
            ``loglik``, the log-likelihood after the iteration, at the dispersion of the fit;
            ``step``, the largest absolute change of a coefficient; ``gradient_norm``, the
            Euclidean length of the gradient of the log-likelihood (of a bias-reduced fit, of
            the adjusted score; of a penalised one, of what has to come to 0); ``halvings``,
            how often the step was halved before it was taken. ``fit(stop=)`` chooses which of
            them decides.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> result.history[["loglik", "step"]].round(4)
                    loglik    step
        iteration
        0         -10.2909     NaN
        1         -10.1607  2.7921
        2         -10.1576  0.5375
        3         -10.1576  0.0168
        4         -10.1576  0.0000
        5         -10.1576  0.0000
        """
        lines = self.record.history
        columns = {
            "loglik": self._logliks(),
            "step": [line.step for line in lines],
            "gradient_norm": [line.gradient for line in lines],
            "halvings": [line.halvings for line in lines],
        }
        index = pd.Index([line.number for line in lines], name="iteration")
        return pd.DataFrame(columns, index=index)

    def _logliks(self) -> Any:
        """Return the log-likelihood at each line of the history."""
        deviance = np.array([line.deviance for line in self.record.history])
        below = deviance - self.record.deviance
        with np.errstate(divide="ignore", invalid="ignore"):  # no dispersion in a perfect fit
            return self.record.llf - 0.5 * below / self._likelihood_dispersion

    @property
    def fit_history(self) -> dict[str, Any]:
        """The iterations as lists: ``iteration`` is their number, the start is left out."""
        lines = self.record.history[1:]
        return {
            "iteration": len(lines),
            "params": [line.theta for line in lines],
            "deviance": [line.deviance for line in lines],
            "loglik": self._logliks()[1:].tolist(),
            "step": [line.step for line in lines],
            "gradient_norm": [line.gradient for line in lines],
            "halvings": [line.halvings for line in lines],
        }

    @property
    def mle_retvals(self) -> dict[str, Any]:
        """How the optimisation ended, under statsmodels' keys; ``stop`` is the rule."""
        return {
            "converged": self.converged,
            "iterations": self.fit_history["iteration"],
            "fcalls": 1 + sum(1 + line.halvings for line in self.record.history[1:]),
            "fopt": -self.record.llf / self.record.nobs,
            "warnflag": 0 if self.converged else 1,
            "message": self.record.reason,
            "method": self.method,
            "stop": self.record.stop,
        }
