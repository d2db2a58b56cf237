"""Plots of fitted models: matplotlib on use, the Axes back, and the numbers by ``.data``.

Every function takes ``ax=`` (a new figure by default) and returns the Axes; its ``data``
takes the same arguments and returns the frame that would be drawn, without matplotlib. No
plot computes a statistic: the numbers are those of the results' own methods.

>>> import glmfit as gf
>>> trees = gf.datasets.load("trees")
>>> result = gf.ols("volume ~ girth + height", trees).fit()
>>> gf.plots.coefficients.data(result)[["term", "estimate", "conf_low", "conf_high"]].round(3)
     term  estimate  conf_low  conf_high
0   girth     4.708     4.167      5.249
1  height     0.339     0.073      0.606
"""

from glmfit.plots.classes import class_probabilities, class_surfaces, decision_regions
from glmfit.plots.coefficients import class_coefficients, coefficients, reference_effect
from glmfit.plots.counts import rootogram
from glmfit.plots.curves import adjusted_predictions, fitted_curve, log_odds, marginal_effects
from glmfit.plots.diagnostics import (
    added_variable,
    binned_residuals,
    influence,
    partial_residuals,
    residual_panels,
    residual_quantiles,
    residuals,
)
from glmfit.plots.performance import calibration, convergence, profile, roc
from glmfit.plots.softmax import softmax_curves, softmax_heatmap

__all__ = [
    "added_variable",
    "adjusted_predictions",
    "binned_residuals",
    "calibration",
    "class_coefficients",
    "class_probabilities",
    "class_surfaces",
    "coefficients",
    "convergence",
    "decision_regions",
    "fitted_curve",
    "influence",
    "log_odds",
    "marginal_effects",
    "partial_residuals",
    "profile",
    "reference_effect",
    "residual_panels",
    "residual_quantiles",
    "residuals",
    "roc",
    "rootogram",
    "softmax_curves",
    "softmax_heatmap",
]
