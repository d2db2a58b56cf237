"""Statistical models from formulas: GLMs fitted by Fisher scoring.

>>> import glmfit as gf
>>> challenger = gf.datasets.load("challenger")
>>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", data=challenger).fit()
>>> result.params.round(4)
Intercept      15.0429
TEMPERATURE    -0.2322
dtype: float64
"""

import importlib

from glmfit import datasets, errors, families, links, plots
from glmfit.choosing import compare_counts
from glmfit.compare import anova, lr_test
from glmfit.engine.control import Control
from glmfit.models import (
    GLM,
    OLS,
    AdjacentCategory,
    BetaBinomial,
    BetaModel,
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
    TweedieModel,
    ZeroInflatedGeneralizedPoisson,
    ZeroInflatedNegativeBinomialP,
    ZeroInflatedPoisson,
    absent,
    add_constant,
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
    load,
    logit,
    mnlogit,
    negativebinomial,
    ols,
    ordered,
    poisson,
    probit,
    softmax_probabilities,
    truncated,
    tweedie,
    zeroinflated,
)
from glmfit.side_by_side import compare
from glmfit.sources.budget import stream

__version__ = "0.1.0"

__all__ = [
    "AdjacentCategory",
    "BetaBinomial",
    "BetaModel",
    "CensoredNegativeBinomialP",
    "CensoredPoisson",
    "ChoiceModel",
    "ConditionalLogit",
    "ContinuationRatio",
    "Control",
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
    "anova",
    "betabinomial",
    "betareg",
    "censored",
    "choice",
    "compare",
    "compare_counts",
    "conditional_logit",
    "continuation_ratio",
    "datasets",
    "errors",
    "families",
    "generalizedpoisson",
    "glm",
    "hurdle",
    "links",
    "load",
    "logit",
    "lr_test",
    "mnlogit",
    "negativebinomial",
    "ols",
    "ordered",
    "plots",
    "poisson",
    "probit",
    "softmax_probabilities",
    "stream",
    "truncated",
    "tweedie",
    "zeroinflated",
]


# what needs a package that is not installed with glmfit is imported when it is asked for
_ON_USE = {"GLMClassifier": "glmfit.estimators", "GLMRegressor": "glmfit.estimators"}


def __getattr__(name: str) -> object:
    if name in _ON_USE:
        return getattr(importlib.import_module(_ON_USE[name]), name)
    raise absent.absent_name("glmfit", name, (*__all__, *_ON_USE))
