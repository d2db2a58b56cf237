"""What a fit hands to its user."""

from glmfit.results.glm import GLMResults

__all__ = ["GLMResults"]
