"""What likelihoods hand to the engine."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["NEWTON_BELOW", "STAYS", "EtaStats", "Limit", "Recession"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NEWTON_BELOW = 1.0
"""Largest step, in standard errors, from which Newton's method may take over by default."""

STAYS = 1e-6
"""Largest move along a direction of separation that is rounding."""


class EtaStats(NamedTuple):
    """Sums and rows of one chunk.

    ``deviance`` is the sum over the chunk (inf where the chunk is outside the domain);
    ``score`` is the derivative of the log-likelihood by eta, ``weight`` the information
    about eta, both times phi and with the prior weight in. With one predictor a row they
    are (n,); with M of them (n, M) and (M (M + 1) / 2, n), one line for each pair of
    predictors a <= b. ``closest`` is the least unit deviance of any row, NaN if unknown.
    """

    deviance: float
    score: Array
    weight: Array
    closest: float = math.nan


class Recession(NamedTuple):
    """A combination of a row's predictors that some rows let go for ever.

    ``combination`` (M,) are its weights; ``bound`` (n,) says which rows care, and
    ``signs`` (n,) which way it may go there without loss: +1, -1 or 0 (it must stay).
    """

    combination: Array
    signs: NDArray[np.int8]
    bound: Mask


class Limit(NamedTuple):
    """What is left of the rows in the limit along a direction of separation.

    ``y`` (n, K) are the shares, NaN for classes that are out of reach; ``shift`` (n, M)
    or None is infinite for predictors that have gone to an end.
    """

    y: Array
    shift: Array | None
