"""Linear restrictions on coefficients, written as patsy has them: ``x1 = x2, 2 * x3 = 1``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from patsy import DesignInfo, PatsyError

from glmfit.errors import ArgumentError, suggest

__all__ = ["LinearConstraint", "parse_constraint"]

Array = NDArray[np.float64]

_SIGNS = r"[\s,=+\-*/()]"
_NUMBER = r"[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"


@dataclass(frozen=True, slots=True)
class LinearConstraint:
    """Restrictions matrix names = value.

    Attributes
    ----------
    matrix : ndarray of shape (r, number of names)
    value : ndarray of shape (r,)
    """

    matrix: Array
    value: Array


def parse_constraint(text: str | Sequence[str], names: Sequence[str]) -> LinearConstraint:
    """Read restrictions such as ``"age = income"`` or ``"x1 = x2 = 0, x3 = 2"``.

    Parameters
    ----------
    text : str or sequence of str
        An expression without ``=`` is set to 0.
    names : sequence of str
        What may be written in them.

    Raises
    ------
    ArgumentError
        If the text is no linear restriction, or has a name that is not known.

    Examples
    --------
    >>> found = parse_constraint("age = income, const = 2", ["const", "age", "income"])
    >>> found.matrix
    array([[ 0.,  1., -1.],
           [ 1.,  0.,  0.]])
    >>> found.value
    array([0., 2.])
    """
    lines = [text] if isinstance(text, str) else list(text)
    for line in lines:
        _check_names(line, names)
    try:
        found = DesignInfo(list(names)).linear_constraint(lines)
    except PatsyError as error:
        raise ArgumentError(_told(error, lines)) from error
    return LinearConstraint(np.asarray(found.coefs), np.asarray(found.constants).ravel())


def _check_names(line: str, names: Sequence[str]) -> None:
    """Raise for the first word that is no name, with the one that was meant."""
    if not line.strip():
        raise ArgumentError('The hypothesis is empty; write one such as "x1 = x2" or "x1 = 0".')
    longest = sorted(names, key=len, reverse=True)
    known = "|".join(re.escape(name) for name in longest)
    word = re.compile(rf"(?:{known})(?={_SIGNS}|$)|{_NUMBER}(?={_SIGNS}|$)|{_SIGNS}")
    place = 0
    while place < len(line):
        found = word.match(line, place)
        if found is None:
            rest = re.match(rf"(?:(?!{_SIGNS}).)+", line[place:])
            unknown = rest.group() if rest else line[place:]
            raise ArgumentError(
                f"{unknown!r} in the hypothesis {line!r} is no coefficient."
                f"{suggest(unknown, names)} Known: {_listed(names)}."
            )
        place = found.end()


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, and {len(names) - most} more"


def _told(error: PatsyError, lines: list[str]) -> str:
    message = str(error.message).strip().rstrip(".")
    shown = "; ".join(lines)
    if error.origin is None:
        return f"The hypothesis {shown!r} cannot be read: {message}."
    caret = " " * error.origin.start + "^" * max(1, error.origin.end - error.origin.start)
    return f"The hypothesis cannot be read: {message}.\n    {error.origin.code}\n    {caret}"
