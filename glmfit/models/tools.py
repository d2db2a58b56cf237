"""Small things that array models need."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glmfit.errors import ArgumentError

__all__ = ["add_constant"]


def add_constant(data: Any, prepend: bool = True, has_constant: str = "skip") -> Any:
    """Return ``data`` with a column of ones.

    Parameters
    ----------
    data : DataFrame, Series or array_like of shape (n,) or (n, p)
    prepend : bool
        Whether the column comes first.
    has_constant : {"skip", "add", "raise"}
        What to do when there is a constant column already.

    Returns
    -------
    DataFrame or ndarray
        With a column ``const``.

    Examples
    --------
    >>> add_constant([3.0, 4.0])
    array([[1., 3.],
           [1., 4.]])
    """
    if has_constant not in ("skip", "add", "raise"):
        raise ArgumentError(
            f"has_constant must be 'skip', 'add' or 'raise' (got {has_constant!r})."
        )
    labelled = isinstance(data, (pd.DataFrame, pd.Series))
    frame = pd.DataFrame(data) if labelled else pd.DataFrame(np.asarray(data))
    values = frame.to_numpy()
    constant = [
        values.shape[0] > 0 and bool((column == column[0]).all() and column[0] != 0)
        for column in values.T
    ]
    if any(constant) and has_constant != "add":
        if has_constant == "raise":
            raise ArgumentError("The data have a constant column already.")
        return data if labelled else values
    if not labelled:
        ones = np.ones((values.shape[0], 1))
        return np.hstack([ones, values] if prepend else [values, ones])
    out = frame.copy()
    out.insert(0 if prepend else out.shape[1], "const", 1.0)
    return out
