"""The likelihood of unordered classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glmfit.likelihoods.base import NEWTON_BELOW, STAYS, EtaStats, Limit, Recession
from glmfit.links import Interval

__all__ = ["Multinomial"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


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

    newton_below: ClassVar[float] = NEWTON_BELOW

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
        return self._log_probabilities(eta, out)[0].T

    def _log_probabilities(self, eta: Array, out: Mask | None) -> tuple[Array, Array]:
        """Return log-probabilities and probabilities, a line for each class, (K, n).

        Class by class, since sums over the K numbers of a row are far slower.
        """
        logs = np.empty((self.n_classes, eta.shape[0]))
        logs[0] = 0.0
        logs[1:] = eta.T
        if out is not None:
            logs[out.T] = -np.inf
        logs -= logs.max(axis=0)
        probabilities = np.exp(logs)
        total = probabilities.sum(axis=0)
        probabilities /= total
        logs -= np.log(total)
        return logs, probabilities

    def means(self, eta: Array) -> Array:
        """Return the probabilities of all classes, shape (n, K)."""
        return np.exp(self.log_probabilities(eta))

    def limit_means(self, eta: Array, drift: Array) -> Array:
        """Return the probabilities (n, K) far out along ``drift`` (n, K - 1)."""
        return np.exp(self.limit_probabilities(eta, drift))

    def mean_slopes(self, eta: Array) -> Array:
        """Return the derivative of each probability by each predictor, shape (n, K, K - 1)."""
        p = self.means(eta)
        slopes = -p[:, :, None] * p[:, None, 1:]
        for m in range(1, self.n_classes):
            # 1 - p is the sum of the others, which keeps its digits where p is all but 1
            slopes[:, m, m - 1] = p[:, m] * np.delete(p, m, axis=1).sum(axis=1)
        return slopes

    def mean_curvature(self, eta: Array, move: Array) -> Array:
        """Return the derivative of ``slopes @ move`` by the predictors, shape (n, K, K - 1).

        Parameters
        ----------
        eta, move : ndarray of shape (n, K - 1)
            Predictors, and how something moves them.
        """
        p, slopes = self.means(eta), self.mean_slopes(eta)
        full = np.column_stack([np.zeros(eta.shape[0]), move])
        ahead = full - (p * full).sum(axis=1, keepdims=True)
        pull = p[:, 1:] * ahead[:, 1:]
        return np.asarray(slopes * ahead[:, :, None] - p[:, :, None] * pull[:, None, :])

    def marginal_eta(self, shares: Array) -> Array:
        """Return the predictors at which every row has the given shares, shape (K - 1,)."""
        return np.asarray(np.log(shares[1:] / shares[0]))

    def recession(self, y: Array) -> list[Recession]:
        """Return how the log odds of each pair of classes may go for ever."""
        found = []
        corners = np.vstack([np.zeros(self.n_classes - 1), np.eye(self.n_classes - 1)])
        for a in range(self.n_classes):
            for b in range(a + 1, self.n_classes):
                has_a, has_b = y[:, a] > 0.0, y[:, b] > 0.0
                signs = has_b.astype(np.int8) - has_a.astype(np.int8)
                found.append(Recession(corners[b] - corners[a], signs, has_a | has_b))
        return found

    def ordered(self, eta: Array) -> Mask:
        """Return True for all rows: any predictors make probabilities."""
        return np.ones(eta.shape[0], dtype=bool)

    def limit_probabilities(self, eta: Array, drift: Array) -> Array:
        """Return log-probabilities (n, K) far out along ``drift`` (n, K - 1)."""
        return self.log_probabilities(eta, _behind(drift))

    def limit(self, y: Array, drift: Array) -> Limit:
        """Return the rows without the classes that ``drift`` (n, K - 1) leaves behind."""
        return Limit(np.where(_behind(drift), np.nan, y), None)

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
        shares = np.ascontiguousarray(y.T)
        out = np.isnan(y) if np.isnan(shares.sum()) else None
        logs, p = self._log_probabilities(eta, out)
        if out is not None:
            shares = np.where(out.T, 0.0, shares)
        rows = 2.0 * _lost(shares, logs)
        p = p[1:]
        score = shares[1:] - p
        count = self.n_classes - 1
        information = np.empty((count * (count + 1) // 2, y.shape[0]))
        line = 0
        for a in range(count):
            for b in range(a, count):
                np.multiply(p[a], 1.0 - p[a] if a == b else -p[b], out=information[line])
                line += 1
        if weight is not None:
            rows *= weight
            score *= weight
            information *= weight
        return EtaStats(float(rows.sum()), score.T, information)

    def mean_adjustment(self, eta: Array, information: Array, variance: Array) -> Array:
        """Return the derivative of log|I| / 2 by the predictors of each row.

        That is half of the trace of V dW, where V is the covariance of a row's predictors
        and W, the information about them, the covariance of its classes.

        Parameters
        ----------
        eta : ndarray of shape (n, K - 1)
        information, variance : ndarray of shape (K (K - 1) / 2, n)
            W and V, one line for each pair of predictors.

        Returns
        -------
        ndarray of shape (n, K - 1)

        References
        ----------
        Kosmidis, I. and Firth, D. (2011). Multinomial logit bias reduction via the Poisson
        log-linear model. *Biometrika* 98, 755-759.
        """
        if eta.ndim == 1:
            return self.mean_adjustment(eta[:, None], information[None], variance[None])[:, 0]
        p = np.exp(self.log_probabilities(eta)[:, 1:])
        count = self.n_classes - 1
        own = [a * count - a * (a - 1) // 2 for a in range(count)]
        pull = variance[own].T - 2.0 * _symmetric_product(variance, p)
        return 0.5 * _symmetric_product(information, pull)


def _behind(drift: Array) -> Mask:
    """Return which of K classes fall behind for ever, shape (n, K)."""
    full = np.column_stack([np.zeros(drift.shape[0]), drift])
    return np.asarray(full < full.max(axis=1, keepdims=True) - STAYS)


def _symmetric_product(lines: Array, vectors: Array) -> Array:
    """Return the product of each row's matrix, given by lines of pairs, and vector, (n, M)."""
    out = np.zeros_like(vectors)
    count = vectors.shape[1]
    pairs = ((a, b) for a in range(count) for b in range(a, count))
    for line, (a, b) in zip(lines, pairs, strict=True):
        out[:, a] += line * vectors[:, b]
        if a != b:
            out[:, b] += line * vectors[:, a]
    return out


def _lost(shares: Array, logs: Array) -> Array:
    """Return sum of share (log share - log probability) over the classes, shape (n,).

    Parameters
    ----------
    shares, logs : ndarray of shape (K, n)
    """
    # 0 times log 0 is 0: a class that cannot be costs nothing where it is not
    seen = shares * logs
    if not np.isfinite(seen.sum()):
        seen[shares == 0.0] = 0.0
    rows = -seen.sum(axis=0)
    parts = (shares != 0.0) & (shares != 1.0)
    if parts.any():
        rows += special.xlogy(shares, shares).sum(axis=0)
    return np.asarray(rows)
