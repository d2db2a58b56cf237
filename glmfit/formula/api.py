"""glmfit under the names of ``statsmodels.formula.api``."""

from glmfit.models import (
    absent,
    adjacent_category,
    choice,
    conditional_logit,
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
    "choice",
    "conditional_logit",
    "continuation_ratio",
    "glm",
    "logit",
    "mnlogit",
    "ols",
    "ordered",
    "poisson",
    "probit",
]


def __getattr__(name: str) -> object:
    raise absent.absent_name("glmfit.formula.api", name, __all__)
