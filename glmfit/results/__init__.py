"""What a fit hands to its user."""

from glmfit.results.glm import GLMResults
from glmfit.results.multinomial import MultinomialResults
from glmfit.results.ordinal import OrdinalResults

__all__ = ["GLMResults", "MultinomialResults", "OrdinalResults"]
