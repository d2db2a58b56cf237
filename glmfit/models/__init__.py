"""Models: what a user builds and fits."""

from glmfit.models.functions import glm, logit, ols, poisson, probit
from glmfit.models.glm import GLM
from glmfit.models.multinomial import MNLogit, mnlogit
from glmfit.models.named import OLS, Logit, Poisson, Probit
from glmfit.models.tools import add_constant

__all__ = [
    "GLM",
    "OLS",
    "Logit",
    "MNLogit",
    "Poisson",
    "Probit",
    "add_constant",
    "glm",
    "logit",
    "mnlogit",
    "ols",
    "poisson",
    "probit",
]
