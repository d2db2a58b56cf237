"""glmfit under the names of ``statsmodels.formula.api``."""

from glmfit.models import (
    absent,
    adjacent_category,
    betabinomial,
    betareg,
    censored,
    choice,
    conditional_logit,
    continuation_ratio,
    generalizedpoisson,
    glm,
    hurdle,
    logit,
    mnlogit,
    negativebinomial,
    ols,
    ordered,
    poisson,
    probit,
    truncated,
    tweedie,
    zeroinflated,
)

__all__ = [
    "adjacent_category",
    "betabinomial",
    "betareg",
    "censored",
    "choice",
    "conditional_logit",
    "continuation_ratio",
    "generalizedpoisson",
    "glm",
    "hurdle",
    "logit",
    "mnlogit",
    "negativebinomial",
    "ols",
    "ordered",
    "poisson",
    "probit",
    "truncated",
    "tweedie",
    "zeroinflated",
]


def __getattr__(name: str) -> object:
    raise absent.absent_name("glmfit.formula.api", name, __all__)
