"""glmfit under the names of ``statsmodels.api``."""

from glmfit import families
from glmfit.models import (
    GLM,
    OLS,
    AdjacentCategory,
    CensoredNegativeBinomialP,
    CensoredPoisson,
    ChoiceModel,
    ConditionalLogit,
    ContinuationRatio,
    GeneralizedPoisson,
    HurdleNegativeBinomialP,
    HurdlePoisson,
    Logit,
    MNLogit,
    NegativeBinomial,
    NegativeBinomialP,
    OrderedModel,
    Poisson,
    Probit,
    TruncatedLFGeneralizedPoisson,
    TruncatedLFNegativeBinomialP,
    TruncatedLFPoisson,
    ZeroInflatedGeneralizedPoisson,
    ZeroInflatedNegativeBinomialP,
    ZeroInflatedPoisson,
    absent,
    add_constant,
)

__all__ = [
    "GLM",
    "OLS",
    "AdjacentCategory",
    "CensoredNegativeBinomialP",
    "CensoredPoisson",
    "ChoiceModel",
    "ConditionalLogit",
    "ContinuationRatio",
    "GeneralizedPoisson",
    "HurdleNegativeBinomialP",
    "HurdlePoisson",
    "Logit",
    "MNLogit",
    "NegativeBinomial",
    "NegativeBinomialP",
    "OrderedModel",
    "Poisson",
    "Probit",
    "TruncatedLFGeneralizedPoisson",
    "TruncatedLFNegativeBinomialP",
    "TruncatedLFPoisson",
    "ZeroInflatedGeneralizedPoisson",
    "ZeroInflatedNegativeBinomialP",
    "ZeroInflatedPoisson",
    "add_constant",
    "families",
]


def __getattr__(name: str) -> object:
    raise absent.absent_name("glmfit.api", name, __all__)
