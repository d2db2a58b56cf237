"""Models: what a user builds and fits."""

from glmfit.models.beta import BetaBinomial, BetaModel, betabinomial, betareg
from glmfit.models.choice import ChoiceModel, choice
from glmfit.models.conditional import ConditionalLogit, conditional_logit
from glmfit.models.count_classes import (
    CensoredNegativeBinomialP,
    CensoredPoisson,
    GeneralizedPoisson,
    HurdleNegativeBinomialP,
    HurdlePoisson,
    NegativeBinomial,
    NegativeBinomialP,
    TruncatedLFGeneralizedPoisson,
    TruncatedLFNegativeBinomialP,
    TruncatedLFPoisson,
    ZeroInflatedGeneralizedPoisson,
    ZeroInflatedNegativeBinomialP,
    ZeroInflatedPoisson,
)
from glmfit.models.count_functions import (
    censored,
    generalizedpoisson,
    hurdle,
    negativebinomial,
    truncated,
    zeroinflated,
)
from glmfit.models.functions import glm, logit, ols, poisson, probit
from glmfit.models.glm import GLM
from glmfit.models.loading import load
from glmfit.models.multinomial import MNLogit, mnlogit
from glmfit.models.named import OLS, Logit, Poisson, Probit
from glmfit.models.ordinal import (
    AdjacentCategory,
    ContinuationRatio,
    OrderedModel,
    adjacent_category,
    continuation_ratio,
    ordered,
)
from glmfit.models.softmax import softmax_probabilities
from glmfit.models.tools import add_constant
from glmfit.models.tweedie import TweedieModel, tweedie

__all__ = [
    "AdjacentCategory",
    "BetaBinomial",
    "BetaModel",
    "CensoredNegativeBinomialP",
    "CensoredPoisson",
    "ChoiceModel",
    "ConditionalLogit",
    "ContinuationRatio",
    "GLM",
    "GeneralizedPoisson",
    "HurdleNegativeBinomialP",
    "HurdlePoisson",
    "Logit",
    "MNLogit",
    "NegativeBinomial",
    "NegativeBinomialP",
    "OLS",
    "OrderedModel",
    "Poisson",
    "Probit",
    "TruncatedLFGeneralizedPoisson",
    "TruncatedLFNegativeBinomialP",
    "TruncatedLFPoisson",
    "TweedieModel",
    "ZeroInflatedGeneralizedPoisson",
    "ZeroInflatedNegativeBinomialP",
    "ZeroInflatedPoisson",
    "add_constant",
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
    "load",
    "logit",
    "mnlogit",
    "negativebinomial",
    "ols",
    "ordered",
    "poisson",
    "probit",
    "softmax_probabilities",
    "truncated",
    "tweedie",
    "zeroinflated",
]
