"""Exponential-family (and quasi) response distributions.

A family is an immutable record: a link, a variance function, a unit deviance, a log
density and the domains of its response and its mean. Fitting never changes it.
Adding a family means adding one class and one `register_family` line in `registry`; the
contract tests pick it up from there.

Shapes: every method works element by element on float arrays of one shape (n,).
``y`` is the response (a proportion for the binomial), ``mu`` its mean, ``weight`` the
prior weight of a row, ``scale`` the dispersion phi in Var(y) = phi V(mu) / weight.

References
----------
McCullagh, P. and Nelder, J. A. (1989). *Generalized Linear Models*, 2nd ed., ch. 2.
"""

from glmfit import links
from glmfit.families.base import NON_NEGATIVE, PROPORTION, Family, Working
from glmfit.families.continuous import Gamma, Gaussian, InverseGaussian
from glmfit.families.discrete import Binomial, NegativeBinomial, Poisson
from glmfit.families.quasi import Quasi, QuasiBinomial, QuasiPoisson
from glmfit.families.registry import FAMILIES, family_key, register_family, resolve_family
from glmfit.families.tweedie import Tweedie
from glmfit.families.variances import VarianceFunction

__all__ = [
    "FAMILIES",
    "NON_NEGATIVE",
    "PROPORTION",
    "Binomial",
    "Family",
    "Gamma",
    "Gaussian",
    "InverseGaussian",
    "NegativeBinomial",
    "Poisson",
    "Quasi",
    "QuasiBinomial",
    "QuasiPoisson",
    "Tweedie",
    "VarianceFunction",
    "Working",
    "family_key",
    "links",
    "register_family",
    "resolve_family",
]
