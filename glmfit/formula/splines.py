"""What transforms with a memory compute, in numbers that another program can use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from patsy.splines import BS
from patsy.state import Center, Standardize

__all__ = ["Pieces", "centring", "scaling", "spline_pieces"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Polynomials between breaks.

    Attributes
    ----------
    breaks : ndarray of shape (k + 1,)
    coefficients : ndarray of shape (columns, k, degree + 1)
        Of powers of x less the break to its left, the highest power first.
    """

    breaks: Array
    coefficients: Array


def centring(transform: Any) -> float | None:
    """Return the mean that ``center()`` takes off, or None for another transform."""
    if not isinstance(transform, Center):
        return None
    return float(np.asarray(transform._sum / transform._count, dtype=np.float64).item())


def scaling(transform: Any, options: Mapping[str, Any]) -> tuple[float, float | None] | None:
    """Return mean and divisor of ``standardize()``, or None for another transform."""
    known = {"center", "rescale", "ddof"}
    if not isinstance(transform, Standardize) or not set(options) <= known:
        return None
    mean = float(np.asarray(transform.current_mean, dtype=np.float64).item())
    spread = transform.current_M2 / (transform.current_n - options.get("ddof", 0))
    sd = float(np.asarray(np.sqrt(spread), dtype=np.float64).item())
    centred = mean if options.get("center", True) else 0.0
    return centred, sd if options.get("rescale", True) else None


def spline_pieces(transform: Any, n_columns: int) -> Pieces | None:
    """Return the polynomials of ``bs()``, or None for another transform."""
    if not isinstance(transform, BS):
        return None
    # costs a fifth of a second, and few ask for it
    from scipy.interpolate import PPoly

    knots, degree = np.sort(transform._all_knots), int(transform._degree)
    count = knots.size - degree - 1
    breaks = np.unique(knots)
    found = []
    for j in range(count - n_columns, count):  # the first column stands for the constant
        unit = np.zeros(count + degree + 1)
        unit[j] = 1.0
        pieces = PPoly.from_spline((knots, unit[: knots.size], degree))
        places = np.searchsorted(knots, breaks[:-1], side="right") - 1
        found.append(pieces.c[:, places].T)
    return Pieces(breaks, np.array(found))
