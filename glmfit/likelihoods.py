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

__all__ = ["EtaStats", "GLMLikelihood", "Multinomial", "log_choose"]

Array = NDArray[np.float64]


class EtaStats(NamedTuple):
    """Sums and rows of one chunk.

    ``deviance`` is the sum over the chunk (inf where the chunk is outside the domain);
    ``score`` is the derivative of the log-likelihood by eta, ``weight`` the information
    about eta, both times phi and with the prior weight in. With one predictor a row they
    are (n,); with M of them (n, M) and (M (M + 1) / 2, n), one line for each pair of
    predictors a <= b.
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

    def saturated(
        self,
        y: Array,
        scale: float,
        *,
        trials: Array | None = None,
        var_weights: Array | None = None,
    ) -> Array:
        """Return each row's log-likelihood at mu = y, before frequency weights.

        The log-likelihood of a fit is the sum of these less half its scaled deviance.
        Parameters as in `log_likelihood`.
        """
        weight = np.ones_like(y) if var_weights is None else var_weights
        if trials is None:
            return self.family.saturated(y, weight, scale)
        rows = self.family.saturated(y, trials, scale)
        return weight * (rows + log_choose(trials, trials * y))

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


@dataclass(frozen=True, slots=True)
class Multinomial:
    """The multinomial logit likelihood: log odds of each class against the first.

    The response of a row is its shares of the classes, shape (n, K); the number of
    trials is part of the weight. A share of NaN says that the row cannot have the class.
    A row has K - 1 predictors, for the classes 1 to K - 1.

    Attributes
    ----------
    n_classes : int
        K.
    """

    n_classes: int

    @property
    def eta_domain(self) -> Interval:
        """All of the real line."""
        return Interval()

    @property
    def canonical(self) -> bool:
        """The link is canonical."""
        return True

    @property
    def dispersion(self) -> float | None:
        """The dispersion is known."""
        return 1.0

    def log_probabilities(self, eta: Array, out: NDArray[np.bool_] | None = None) -> Array:
        """Return the logarithms of the probabilities of all classes, shape (n, K).

        Parameters
        ----------
        eta : ndarray of shape (n, K - 1)
        out : ndarray of bool, shape (n, K), optional
            Classes that a row cannot have.
        """
        full = np.column_stack([np.zeros(eta.shape[0]), eta])
        if out is not None:
            full[out] = -np.inf
        full -= full.max(axis=1, keepdims=True)
        full -= np.log(np.exp(full).sum(axis=1, keepdims=True))
        return full

    def evaluate(
        self, y: Array, eta: Array, weight: Array | None, *, observed: bool = False
    ) -> EtaStats:
        """Return deviance, score (n, K - 1) and weights of a chunk at ``eta`` (n, K - 1).

        The deviance is twice the log-likelihood of the response's own shares less that
        of the model's; observed and expected information are the same. With two classes
        ``eta`` and the score are (n,).
        """
        if eta.ndim == 1:
            only = self.evaluate(y, eta[:, None], weight, observed=observed)
            return EtaStats(only.deviance, only.score[:, 0], only.weight[0])
        out = np.isnan(y)
        if out.any():
            log_p = self.log_probabilities(eta, out)
            y = np.where(out, 0.0, y)
        else:
            log_p = self.log_probabilities(eta)
        loss = special.xlogy(y, y) - np.where(y == 0.0, 0.0, y * log_p)
        rows = 2.0 * loss.sum(axis=1)
        p = np.exp(log_p[:, 1:])
        score = y[:, 1:] - p
        count = self.n_classes - 1
        information = np.empty((count * (count + 1) // 2, y.shape[0]))
        line = 0
        for a in range(count):
            for b in range(a, count):
                information[line] = p[:, a] * ((a == b) - p[:, b])
                line += 1
        if weight is not None:
            rows = rows * weight
            score = score * weight[:, None]
            information *= weight
        return EtaStats(float(rows.sum()), score, information)


def log_choose(n: Array, k: Array) -> Array:
    """Return log(n over k), for real arguments as well."""
    return -special.betaln(n - k + 1.0, k + 1.0) - np.log1p(n)
