"""Models with a family of their own: a logit is a GLM with a binomial family."""

from __future__ import annotations

from typing import ClassVar

from glmfit import families
from glmfit.families import Family
from glmfit.models.glm import GLM

__all__ = ["OLS", "Logit", "Poisson", "Probit"]


class Logit(GLM):
    """Logistic regression on arrays: a `GLM` with a binomial family and logit link.

    See Also
    --------
    logit : The same from a formula.
    """

    summary_style: ClassVar[str] = "discrete"
    summary_title: ClassVar[str] = "Logit Regression Results"
    summary_name: ClassVar[str] = "Logit"
    discrete_in_statsmodels: ClassVar[bool] = True
    fixed_family: ClassVar[Family | None] = families.Binomial()


class Probit(GLM):
    """Probit regression on arrays: a `GLM` with a binomial family and probit link.

    Standard errors come from the observed information, as in statsmodels' Probit and
    Stata's; those of ``GLM(..., family=Binomial(Probit()))`` come from the expected, as
    in R's glm.

    See Also
    --------
    probit : The same from a formula.
    """

    summary_style: ClassVar[str] = "discrete"
    summary_title: ClassVar[str] = "Probit Regression Results"
    summary_name: ClassVar[str] = "Probit"
    discrete_in_statsmodels: ClassVar[bool] = True
    fixed_family: ClassVar[Family | None] = families.Binomial(families.links.Probit())
    observed_information: ClassVar[bool] = True


class Poisson(GLM):
    """Poisson regression on arrays: a `GLM` with a Poisson family and log link.

    See Also
    --------
    poisson : The same from a formula.
    """

    summary_style: ClassVar[str] = "discrete"
    summary_title: ClassVar[str] = "Poisson Regression Results"
    summary_name: ClassVar[str] = "Poisson"
    discrete_in_statsmodels: ClassVar[bool] = True
    fixed_family: ClassVar[Family | None] = families.Poisson()


class OLS(GLM):
    """Least squares on arrays: a `GLM` with a normal family, t tests and R-squared.

    See Also
    --------
    ols : The same from a formula.
    """

    summary_style: ClassVar[str] = "linear"
    summary_title: ClassVar[str] = "OLS Regression Results"
    summary_name: ClassVar[str] = "OLS"
    default_use_t: ClassVar[bool] = True
    fixed_family: ClassVar[Family | None] = families.Gaussian()
