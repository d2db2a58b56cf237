"""What likelihoods share whose rows have a predictor for each parameter of the response.

The first parameter is the mean, the others say how responses spread about it: a precision,
a correlation, a dispersion, a power. Each has a link of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from glmfit.families import Family
from glmfit.likelihoods.base import STAYS, EtaStats, Limit, Recession
from glmfit.links import Identity, Interval, Link

__all__ = ["JointLikelihood", "Terms", "by_predictors"]

Array = NDArray[np.float64]


class Terms(NamedTuple):
    """What rows contribute through k predictors, before prior weights.

    ``loss`` (n,) is what the log-likelihood lacks of a constant of the data, ``score`` (k, n)
    its derivative, ``information`` (k (k + 1) / 2, n) minus its second derivatives, a line
    for each pair a <= b.
    """

    loss: Array
    score: Array
    information: Array


@dataclass(frozen=True, slots=True)
class JointLikelihood:
    """A likelihood of rows with several predictors, the first of them that of the mean.

    A subclass says in `rows` what rows contribute.

    Attributes
    ----------
    links : tuple of Link
        For each of ``parts``.
    """

    links: tuple[Link, ...]
    domains: tuple[Interval, ...] = field(init=False, repr=False)

    newton_below: ClassVar[float] = np.inf
    """The observed information is tried everywhere, since its stand-in makes slow steps."""
    zeros_mixed: ClassVar[bool] = False
    """Whether a response of 0 may be of either of two kinds."""

    def __post_init__(self) -> None:
        pairs = zip(self.links, self.ranges, strict=False)
        object.__setattr__(self, "domains", tuple(link.eta_domain(r) for link, r in pairs))

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parameters, a predictor each."""
        raise NotImplementedError(f"{type(self).__name__} does not define parts")

    @property
    def ranges(self) -> tuple[Interval, ...]:
        """The values that each parameter can take."""
        raise NotImplementedError(f"{type(self).__name__} does not define ranges")

    @property
    def eta_domain(self) -> Interval:
        """All of the real line; `evaluate` sees to the domain of each predictor."""
        return Interval()

    @property
    def canonical(self) -> bool:
        """Observed and expected information differ."""
        return False

    @property
    def dispersion(self) -> float | None:
        """There is no dispersion beside the parameters."""
        return 1.0

    def shown(self, chosen: tuple[bool, ...]) -> Self:
        """Return the likelihood whose chosen predictors are the parameters themselves."""
        pairs = zip(self.links, chosen, strict=True)
        return self.linked(tuple(Identity() if own else link for link, own in pairs))

    def linked(self, links: tuple[Link, ...]) -> Self:
        """Return the likelihood with other links."""
        raise NotImplementedError(f"{type(self).__name__} does not define linked")

    def inner(self) -> JointLikelihood | None:
        """Return the likelihood with the last parameter at its lower end, if it is one."""
        return None

    def mean_family(self) -> Family:
        """Return a family whose fit is where estimates of the mean begin."""
        raise NotImplementedError(f"{type(self).__name__} does not define mean_family")

    def spread(self, y: Array, mu: Array, weight: Array) -> list[tuple[float, ...]]:
        """Return values of the other parameters from which a fit may begin."""
        raise NotImplementedError(f"{type(self).__name__} does not define spread")

    def most(self, y: Array) -> Array:
        """Return the log-likelihood of each row at which its loss is 0, shape (n,)."""
        return np.zeros(y.shape[0])

    def rows(self, y: Array, eta: Array, observed: bool) -> Terms:
        """Return what rows contribute at predictors (n, M)."""
        raise NotImplementedError(f"{type(self).__name__} does not define rows")

    def variance(self, eta: Array) -> Array:
        """Return the variance of a response at predictors (n, M), shape (n,)."""
        raise NotImplementedError(f"{type(self).__name__} does not define variance")

    def evaluate(
        self, y: Array, eta: Array, weight: Array | None, *, observed: bool = False
    ) -> EtaStats:
        """Return deviance, score and weights of a chunk at ``eta`` (see `EtaStats`)."""
        wide = eta[:, None] if eta.ndim == 1 else eta
        gone = np.asarray(~np.isfinite(wide).all(axis=1))
        if gone.any():
            wide = np.where(gone[:, None], wide[~gone][0] if not gone.all() else 0.0, wide)
        for domain, column in zip(self.domains, wide.T, strict=True):
            if not (domain.unbounded or domain.contains(column).all()):
                return EtaStats(np.inf, eta, eta)
        loss, score, information = self.rows(y, wide, observed)
        if gone.any():
            # rows in the limit, which are predicted perfectly
            loss, score = np.where(gone, 0.0, loss), np.where(gone, 0.0, score)
            information = np.where(gone, 0.0, information)
        if weight is None:
            deviance = 2.0 * float(loss.sum())
        else:
            deviance = 2.0 * float(np.dot(loss, weight))
            score, information = score * weight, information * weight
        if not np.isfinite(deviance):
            return EtaStats(np.inf, eta, eta)
        if eta.ndim == 1:
            return EtaStats(deviance, score[0], information[0])
        return EtaStats(deviance, score.T, information)

    def log_density(self, y: Array, eta: Array) -> Array:
        """Return the log-probability or log density of rows at predictors (n, M)."""
        return self.most(y) - self.rows(y, eta, True).loss

    # -- what runs away ------------------------------------------------------------------

    def recession(self, y: Array) -> list[Recession]:
        """Return which predictors may go for ever without loss to any row: none."""
        everywhere, still = np.ones(y.shape[0], dtype=bool), np.zeros(y.shape[0], dtype=np.int8)
        return [Recession(unit, still, everywhere) for unit in np.eye(len(self.parts))]

    def limit(self, y: Array, drift: Array) -> Limit:
        """Return infinite shifts for predictors that ``drift`` (n, M) moves."""
        return Limit(y, self.ends(drift))

    @staticmethod
    def ends(drift: Array) -> Array:
        """Return where a direction takes predictors: an infinite end, or 0 for nowhere."""
        return np.where(np.abs(drift) > STAYS, np.copysign(np.inf, drift), 0.0)

    # -- means ---------------------------------------------------------------------------

    def parameter(self, part: str, eta: Array) -> Array:
        """Return a parameter of rows at predictors (n, M), shape (n,)."""
        place = self.parts.index(part)
        return self.links[place].inverse(eta[:, place])

    def means(self, eta: Array) -> Array:
        """Return the means of rows, shape (n, 1), from their predictors (n, M)."""
        return self.links[0].inverse(eta[:, :1])

    def limit_means(self, eta: Array, drift: Array) -> Array:
        """Return the means (n, 1) far out along ``drift`` (n, M)."""
        return self.means(eta + self.ends(drift))

    def mean_slopes(self, eta: Array) -> Array:
        """Return the derivative of the means by the predictors, shape (n, 1, M)."""
        out = np.zeros((eta.shape[0], 1, eta.shape[1]))
        out[:, 0, 0] = self.links[0].inverse_deriv(eta[:, 0])
        return out

    def mean_curvature(self, eta: Array, move: Array) -> Array:
        """Return the derivative of ``slopes @ move`` by the predictors, shape (n, 1, M)."""
        out = np.zeros((eta.shape[0], 1, eta.shape[1]))
        out[:, 0, 0] = self.links[0].inverse_deriv2(eta[:, 0]) * move[:, 0]
        return out


def by_predictors(first: Array, second: Array, slopes: Array, bends: Array) -> tuple[Array, Array]:
    """Return score and information by predictors from derivatives by parameters.

    Parameters
    ----------
    first : ndarray of shape (k, n)
    second : ndarray of shape (k (k + 1) / 2, n)
        Of the log-likelihood by the parameters, by lines.
    slopes, bends : ndarray of shape (k, n)
        First and second derivatives of each parameter by its predictor.
    """
    count = first.shape[0]
    information = np.empty_like(second)
    line = 0
    for a in range(count):
        for b in range(a, count):
            information[line] = -second[line] * slopes[a] * slopes[b]
            if a == b:
                information[line] -= first[a] * bends[a]
            line += 1
    return first * slopes, information
