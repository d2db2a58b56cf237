"""glmfit under the names of ``statsmodels.formula.api``."""

from glmfit.models import glm, logit, ols, poisson, probit

__all__ = ["glm", "logit", "ols", "poisson", "probit"]
