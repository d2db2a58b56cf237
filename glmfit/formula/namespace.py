"""The functions that every formula knows: NumPy's elementwise ones and patsy's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import patsy
from patsy.builtins import C, I

from glmfit.formula.limits import bs, cc, cr, te
from glmfit.formula.safety import FUNCTIONS

__all__ = ["NAMESPACE"]

PATSY_FUNCTIONS = "center scale standardize Treatment Poly Sum Helmert Diff".split()

NAMESPACE: Mapping[str, Any] = {
    **FUNCTIONS,
    **{name: getattr(patsy, name) for name in PATSY_FUNCTIONS},
    "bs": bs,
    "cc": cc,
    "cr": cr,
    "te": te,
    "C": C,
    "I": I,
    "Q": None,  # bound to the columns at hand when a factor is evaluated
}
"""Every name that a formula may use besides columns."""
