"""P-values of several tests, adjusted for their number.

The names are statsmodels' and R's (`p.adjust`).

References
----------
Holm, S. (1979). A simple sequentially rejective multiple test procedure. *Scandinavian
Journal of Statistics* 6, 65-70.
Hochberg, Y. (1988). A sharper Bonferroni procedure. *Biometrika* 75, 800-802.
Hommel, G. (1988). A stagewise rejective multiple test procedure based on a modified
Bonferroni test. *Biometrika* 75, 383-386.
Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. *JRSS B* 57,
289-300.
Benjamini, Y. and Yekutieli, D. (2001). The control of the false discovery rate in multiple
testing under dependency. *Annals of Statistics* 29, 1165-1188.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, suggest

__all__ = ["ADJUSTMENTS", "adjusted_pvalues"]

Array = NDArray[np.float64]


def _bonferroni(p: Array) -> Array:
    return p * p.size


def _sidak(p: Array) -> Array:
    return np.asarray(-np.expm1(p.size * np.log1p(-p)))


def _holm(p: Array) -> Array:
    return np.maximum.accumulate(p * np.arange(p.size, 0, -1))


def _holm_sidak(p: Array) -> Array:
    return np.maximum.accumulate(-np.expm1(np.arange(p.size, 0, -1) * np.log1p(-p)))


def _hochberg(p: Array) -> Array:
    return np.minimum.accumulate((p * np.arange(p.size, 0, -1))[::-1])[::-1]


def _hommel(p: Array) -> Array:
    out = p.copy()
    for m in range(p.size, 1, -1):
        simes = float(np.min(m * p[-m:] / np.arange(1, m + 1)))
        out[-m:] = np.maximum(out[-m:], simes)
        out[:-m] = np.maximum(out[:-m], np.minimum(m * p[:-m], simes))
    return out


def _benjamini_hochberg(p: Array) -> Array:
    raw = p * p.size / np.arange(1, p.size + 1)
    return np.minimum.accumulate(raw[::-1])[::-1]


def _benjamini_yekutieli(p: Array) -> Array:
    return _benjamini_hochberg(p) * float(np.sum(1.0 / np.arange(1, p.size + 1)))


def _none(p: Array) -> Array:
    return p


ADJUSTMENTS: dict[str, Callable[[Array], Array]] = {
    "bonferroni": _bonferroni,
    "sidak": _sidak,
    "holm": _holm,
    "holm-sidak": _holm_sidak,
    "simes-hochberg": _hochberg,
    "hommel": _hommel,
    "fdr_bh": _benjamini_hochberg,
    "fdr_by": _benjamini_yekutieli,
    "none": _none,
}
"""The adjustments by name; each takes p-values from smallest to largest."""

_ALIASES = {
    "b": "bonferroni",
    "bonf": "bonferroni",
    "s": "sidak",
    "h": "holm",
    "hs": "holm-sidak",
    "sh": "simes-hochberg",
    "hochberg": "simes-hochberg",
    "ho": "hommel",
    "bh": "fdr_bh",
    "fdr": "fdr_bh",
    "fdr_i": "fdr_bh",
    "fdr_p": "fdr_bh",
    "by": "fdr_by",
    "fdr_n": "fdr_by",
    "fdr_c": "fdr_by",
}


def adjusted_pvalues(pvalues: Array, method: str = "holm-sidak") -> Array:
    """Return p-values adjusted for how many there are.

    Parameters
    ----------
    pvalues : ndarray of shape (m,)
        Missing ones (NaN) stay missing and do not count.
    method : str
        "bonferroni", "sidak", "holm", "holm-sidak", "simes-hochberg", "hommel" (these
        control the chance of any false rejection), "fdr_bh", "fdr_by" (these the expected
        share of false rejections), "none"; or statsmodels' and R's abbreviations.

    Examples
    --------
    >>> adjusted_pvalues(np.array([0.01, 0.04, 0.03]), "holm")
    array([0.03, 0.06, 0.06])
    """
    name = str(method).lower()
    name = _ALIASES.get(name, name)
    if name not in ADJUSTMENTS:
        known = (*ADJUSTMENTS, *_ALIASES)
        raise ArgumentError(
            f"There is no adjustment {method!r}.{suggest(name, known)} "
            f"Known: {', '.join(ADJUSTMENTS)}."
        )
    there = np.flatnonzero(~np.isnan(pvalues))
    order = there[np.argsort(pvalues[there], kind="stable")]
    out = np.full(pvalues.size, np.nan)
    if order.size:
        with np.errstate(divide="ignore"):  # log(1 - p) of p = 1 is -inf, as it should be
            out[order] = np.minimum(ADJUSTMENTS[name](pvalues[order]), 1.0)
    return out
