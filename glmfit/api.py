"""glmfit under the names of ``statsmodels.api``."""

from glmfit import families
from glmfit.models import (
    GLM,
    OLS,
    AdjacentCategory,
    ChoiceModel,
    ConditionalLogit,
    ContinuationRatio,
    Logit,
    MNLogit,
    OrderedModel,
    Poisson,
    Probit,
    absent,
    add_constant,
)

__all__ = [
    "GLM",
    "OLS",
    "AdjacentCategory",
    "ChoiceModel",
    "ConditionalLogit",
    "ContinuationRatio",
    "Logit",
    "MNLogit",
    "OrderedModel",
    "Poisson",
    "Probit",
    "add_constant",
    "families",
]


def __getattr__(name: str) -> object:
    raise absent.absent_name("glmfit.api", name, __all__)
