"""Likelihoods in eta-space: what rows contribute, given their linear predictors.

A likelihood sees the response, the linear predictor and the prior weight of each row,
never a design or a coefficient. The engine maps coefficients to eta and maps score and
weights back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.families import Family
from glmfit.links import Interval

__all__ = ["EtaStats", "GLMLikelihood", "log_choose"]

Array = NDArray[np.float64]


class EtaStats(NamedTuple):
    """Sums and rows of one chunk.

    ``deviance`` is the sum over the chunk (inf where the chunk is outside the domain);
    ``score`` (n,) is the derivative of the log-likelihood by eta, ``weight`` (n,) the
    information about eta, both times phi and with the prior weight in.
    """

    deviance: float
    score: Array
    weight: Array


@dataclass(frozen=True, slots=True)
class GLMLikelihood:
    """The exponential-family likelihood of a `Family` with its link."""

    family: Family

    @property
    def eta_domain(self) -> Interval:
        """The open interval in which eta must lie."""
        return self.family.eta_domain()

    @property
    def canonical(self) -> bool:
        """Whether observed and expected information are the same."""
        return self.family.canonical

    @property
    def dispersion(self) -> float | None:
        """The known dispersion, or None where it is estimated."""
        return self.family.dispersion

    def recession_signs(self, y: Array) -> NDArray[np.int8]:
        """Return which way each row's predictor may go for ever without loss: +1, -1 or 0."""
        return self.family.recession_signs(y)

    def starting_eta(self, y: Array, weight: Array | None) -> Array:
        """Return a first linear predictor for each row, from its response alone."""
        w = np.ones_like(y) if weight is None else weight
        with np.errstate(all="ignore"):
            return self.family.link.link(self.family.start(y, w))

    def constant_eta(self, mean: float) -> float:
        """Return the linear predictor at which every row has the given mean."""
        return float(self.family.link.link(np.array([mean]))[0])

    def evaluate(
        self, y: Array, eta: Array, weight: Array | None, *, observed: bool = False
    ) -> EtaStats:
        """Return deviance, score and weight of a chunk at ``eta``.

        Parameters
        ----------
        y, eta : ndarray of shape (n,)
            Response and linear predictor, offset included.
        weight : ndarray of shape (n,) or None
            Prior weights; None means 1 for every row.
        observed : bool
            Return the observed instead of the expected information.
        """
        domain = self.eta_domain
        if not domain.unbounded and not bool(domain.contains(eta).all()):
            return EtaStats(np.inf, eta, eta)
        rows = self.family.working(y, eta)
        information = self.family.observed_weight(y, eta) if observed else rows.weight
        if weight is None:
            return EtaStats(float(rows.deviance.sum()), rows.score, information)
        return EtaStats(
            float(np.dot(rows.deviance, weight)), rows.score * weight, information * weight
        )

    def log_likelihood(
        self,
        y: Array,
        mu: Array,
        scale: float,
        *,
        trials: Array | None = None,
        var_weights: Array | None = None,
    ) -> Array:
        """Return the log-likelihood of each row, before frequency weights.

        Parameters
        ----------
        y, mu : ndarray of shape (n,)
            Response and mean; shares of trials for the binomial.
        scale : float
            Dispersion.
        trials : ndarray of shape (n,), optional
            Trials behind each share; the binomial coefficient is then included.
        var_weights : ndarray of shape (n,), optional
        """
        ones = np.ones_like(y)
        weight = ones if var_weights is None else var_weights
        if trials is None:
            return self.family.log_density(y, mu, weight, scale)
        rows = self.family.log_density(y, mu, trials, scale)
        return weight * (rows + log_choose(trials, trials * y))


def log_choose(n: Array, k: Array) -> Array:
    """Return log(n over k), for real arguments as well."""
    return -special.betaln(n - k + 1.0, k + 1.0) - np.log1p(n)
