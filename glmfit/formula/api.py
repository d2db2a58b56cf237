"""glmfit under the names of ``statsmodels.formula.api``."""

from glmfit.models import glm, logit, mnlogit, ols, poisson, probit

__all__ = ["glm", "logit", "mnlogit", "ols", "poisson", "probit"]
