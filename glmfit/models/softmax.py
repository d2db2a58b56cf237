"""Probabilities of classes from coefficients in hand, without a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import AlignmentError, ArgumentError, ArgumentTypeError, DataError, suggest
from glmfit.formula.table import Table
from glmfit.likelihoods import Multinomial
from glmfit.models.arrays import design_of_arrays

__all__ = ["softmax_probabilities"]

Array = NDArray[np.float64]

CONSTANTS = ("Intercept", "const")
"""Names of the constant, which new rows need not hold."""


def softmax_probabilities(
    coefficients: Any, rows: Any, *, reference: Any = "reference", offset: Any = 0.0
) -> pd.DataFrame:
    """Return the probabilities of the classes of a multinomial logit with given coefficients.

    With eta_k = x'b_k + offset for each class but the reference, whose eta is 0, the
    probability of class k is exp(eta_k) / sum_j exp(eta_j).

    Parameters
    ----------
    coefficients : DataFrame of shape (p, K - 1), or dict
        Terms in the rows and levels in the columns, as ``result.params`` of a multinomial
        logit; or the coefficients of each level, as a dict or Series by term or as p
        numbers. A term whose coefficients are NaN (an aliased column) is left out.
    rows : DataFrame, dict or array_like of shape (n, p)
        Values of the terms, which are columns of the design matrix: matched by name, or in
        the order of the coefficients for arrays. ``Intercept`` and ``const`` are 1 where
        they have no column.
    reference : str or None
        What to call the reference level, which comes first. None says that there is none:
        every class has its coefficients, as in scikit-learn.
    offset : float or array_like of shape (n,)
        Added to eta of each class but the reference.

    Returns
    -------
    DataFrame of shape (n, K)
        A column for each class; NaN where a row has a missing value.

    Raises
    ------
    ArgumentError
        If coefficients are infinite (separated data; use ``result.predict``), or not as
        many as the terms.
    AlignmentError
        If a term has no column.

    See Also
    --------
    MultinomialResults.predict : The same for a fit, with its formula applied to new data.

    Examples
    --------
    The probabilities of low, medium and high risk at age 25 and income 30:

    >>> import glmfit as gf
    >>> coefficients = {
    ...     "medium": {"Intercept": 0.5, "age": 0.1, "income": -0.05},
    ...     "high": {"Intercept": 1.2, "age": 0.15, "income": -0.08},
    ... }
    >>> person = {"age": 25, "income": 30}
    >>> gf.softmax_probabilities(coefficients, person, reference="low").round(3)
         low  medium  high
    0  0.055   0.245   0.7
    """
    table = _coefficient_table(coefficients, reference)
    design, index = _values_of_terms(rows, table)
    finite = table.to_numpy(dtype=float)
    if design.shape[1] != finite.shape[0]:
        raise AlignmentError(
            f"rows have {design.shape[1]} columns for {finite.shape[0]} coefficients of each "
            "level. The constant is a column too: put a 1 in its place."
        )
    # a term without coefficients plays no part, whatever its values
    aliased = np.isnan(finite).all(axis=1)
    eta = design[:, ~aliased] @ finite[~aliased]
    levels = [str(level) for level in table.columns]
    if reference is None:
        if np.any(offset):
            raise ArgumentError("An offset moves the classes against a reference; there is none.")
        eta = eta[:, 1:] - eta[:, :1]
    else:
        eta = eta + _offset_column(offset, eta.shape[0])
        levels = [str(reference), *levels]
    probability = np.exp(Multinomial(len(levels)).log_probabilities(eta))
    return pd.DataFrame(probability, index=index, columns=levels)


def _coefficient_table(coefficients: Any, reference: Any) -> pd.DataFrame:
    """Return coefficients by term and level, checked."""
    if isinstance(coefficients, pd.DataFrame):
        table = coefficients
    elif isinstance(coefficients, Mapping) and coefficients:
        table = _from_levels(coefficients)
    else:
        raise ArgumentTypeError(
            "coefficients is a frame with a row for each term and a column for each level, as "
            f"result.params, or a dict of levels; got {type(coefficients).__name__}."
        )
    levels = [str(level) for level in table.columns]
    if reference is not None and str(reference) in levels:
        raise ArgumentError(
            f"The reference {str(reference)!r} has coefficients of its own. If every class has, "
            "say reference=None."
        )
    if len(levels) + (reference is not None) < 2 or len(set(levels)) < len(levels):
        raise ArgumentError("There must be two classes or more, each with a name of its own.")
    values = table.to_numpy(dtype=float)
    if np.isinf(values).any():
        raise ArgumentError(
            "Some coefficients are infinite (the data of the fit are separated), and "
            "probabilities depend on how they go there; use result.predict()."
        )
    missing = np.isnan(values)
    if (missing.any(axis=1) & ~missing.all(axis=1)).any():
        term = table.index[int(np.argmax(missing.any(axis=1) & ~missing.all(axis=1)))]
        raise ArgumentError(f"The term {term!r} has coefficients for some levels only.")
    return table


def _from_levels(coefficients: Mapping[Any, Any]) -> pd.DataFrame:
    """Return the table of a dict of levels, whose coefficients have names or have none."""
    named = [isinstance(part, (Mapping, pd.Series)) for part in coefficients.values()]
    if all(named):
        return pd.DataFrame({level: pd.Series(part) for level, part in coefficients.items()})
    if any(named):
        raise ArgumentError("Give the coefficients of all levels by term, or of none.")
    parts = {level: np.asarray(part, dtype=float) for level, part in coefficients.items()}
    sizes = {part.shape for part in parts.values()}
    if len(sizes) > 1 or any(len(shape) != 1 for shape in sizes):
        raise ArgumentError("Every level needs the same number of coefficients, in one list.")
    return pd.DataFrame(parts)


def _values_of_terms(rows: Any, table: pd.DataFrame) -> tuple[Array, pd.Index]:
    """Return the values of the terms, shape (n, p), and the labels of the rows."""
    if isinstance(rows, (list, tuple, np.ndarray)) and not _records(rows):
        values = np.atleast_2d(np.asarray(rows, dtype=float))
        return values, pd.RangeIndex(values.shape[0])
    given = Table(rows)
    if not all(isinstance(term, str) for term in table.index):
        raise ArgumentError(
            "The coefficients have no names, so rows cannot be matched by name. Give rows as an "
            "array, or the coefficients by term."
        )
    columns = {}
    for term in table.index:
        if term in given:
            columns[term] = given.column(term)
        elif term in CONSTANTS:
            columns[term] = pd.Series(1.0, index=given.index)
        else:
            raise AlignmentError(
                f"rows lack the column {term!r}.{suggest(term, map(str, given.names))} They hold "
                "values of the terms, that is, of the columns of the design matrix."
            )
    if not columns:
        raise DataError("There are no terms.")
    design = design_of_arrays(pd.DataFrame(columns, index=given.index))[0]
    return design.toarray(), given.index


def _records(rows: Any) -> bool:
    """Return whether rows are a list of dicts, or an array with named fields."""
    if isinstance(rows, np.ndarray):
        return rows.dtype.names is not None
    return len(rows) > 0 and all(isinstance(row, Mapping) for row in rows)


def _offset_column(offset: Any, n: int) -> Array:
    values = np.asarray(offset, dtype=float)
    if values.shape not in ((), (n,)):
        raise AlignmentError(f"offset has shape {values.shape}; there are {n} rows.")
    return np.broadcast_to(values, (n,))[:, None]
