"""Likelihoods in eta-space: what rows contribute, given their linear predictors.

A likelihood sees the response, the linear predictor and the prior weight of each row,
never a design or a coefficient. The engine maps coefficients to eta and maps score and
weights back.
"""

from glmfit.likelihoods.base import NEWTON_BELOW, STAYS, EtaStats, Limit, Recession
from glmfit.likelihoods.exponential import GLMLikelihood, log_choose
from glmfit.likelihoods.multinomial import Multinomial
from glmfit.likelihoods.ordered import Cumulative, Sequential

__all__ = [
    "NEWTON_BELOW",
    "STAYS",
    "Cumulative",
    "EtaStats",
    "GLMLikelihood",
    "Limit",
    "Multinomial",
    "Recession",
    "Sequential",
    "log_choose",
]
