"""glmfit under the names of ``statsmodels.formula.api``."""

from glmfit.models import (
    adjacent_category,
    continuation_ratio,
    glm,
    logit,
    mnlogit,
    ols,
    ordered,
    poisson,
    probit,
)

__all__ = [
    "adjacent_category",
    "continuation_ratio",
    "glm",
    "logit",
    "mnlogit",
    "ols",
    "ordered",
    "poisson",
    "probit",
]
