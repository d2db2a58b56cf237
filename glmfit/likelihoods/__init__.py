"""Likelihoods in eta-space: what rows contribute, given their linear predictors.

A likelihood sees the response, the linear predictor and the prior weight of each row,
never a design or a coefficient. The engine maps coefficients to eta and maps score and
weights back.
"""

from glmfit.likelihoods.base import NEWTON_BELOW, STAYS, EtaStats, Limit, Recession
from glmfit.likelihoods.beta import BetaLikelihood
from glmfit.likelihoods.betabinomial import BetaBinomialLikelihood
from glmfit.likelihoods.compound import TweedieLikelihood
from glmfit.likelihoods.exponential import GLMLikelihood, log_choose
from glmfit.likelihoods.joint import JointLikelihood
from glmfit.likelihoods.multinomial import Multinomial
from glmfit.likelihoods.ordered import Cumulative, Sequential

__all__ = [
    "NEWTON_BELOW",
    "STAYS",
    "BetaBinomialLikelihood",
    "BetaLikelihood",
    "Cumulative",
    "EtaStats",
    "GLMLikelihood",
    "JointLikelihood",
    "Limit",
    "Multinomial",
    "Recession",
    "Sequential",
    "TweedieLikelihood",
    "log_choose",
]
