"""Errors and warnings of glmfit, each rooted in one class.

Every error is also the built-in exception that a caller would have caught::

    GlmfitError
    +-- FormulaError (ValueError)          the formula cannot be read
    |   +-- UnsafeFormulaError             it asks for more than the formula language allows
    |   +-- UnknownNameError (NameError)   it names no column and no function
    +-- DataError (ValueError)             the data cannot mean what the model needs
    |   +-- ResponseError                  the response lies outside the family's domain
    |   +-- MissingDataError               missing or infinite values where none are allowed
    |   +-- AlignmentError                 lengths or indices do not agree
    |   +-- LevelError                     a category that the fit has not seen
    +-- ArgumentError (ValueError)         an argument has a value that is not allowed
    |   +-- ArgumentTypeError (TypeError)  ... or a type, or a name, that is not allowed
    +-- ModelFileError (ValueError)        a file holds no model that can be read
    +-- FitError (ArithmeticError)         no estimate can be computed
    +-- NotAvailableError (AttributeError) the quantity is not defined or not kept
    +-- MissingPackageError (ImportError)  an optional package is not installed
    +-- DatasetNotFoundError (KeyError)    no data set of that name

    GlmfitWarning (UserWarning)
    +-- ConvergenceWarning    the fit stopped before the maximum was reached
    +-- SeparationWarning     no finite maximum-likelihood estimate exists
    +-- BoundaryWarning       the maximum lies on the boundary of the parameters
    +-- CollinearityWarning   columns depend, or all but depend, on one another
    +-- DataWarning           the data were read in a way worth knowing
    +-- FormulaWarning        the formula means something other than it seems to
"""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable
from numbers import Real
from types import FrameType

__all__ = [
    "AlignmentError",
    "ArgumentError",
    "ArgumentTypeError",
    "BoundaryWarning",
    "CollinearityWarning",
    "ConvergenceWarning",
    "DataError",
    "DataWarning",
    "DatasetNotFoundError",
    "FitError",
    "FormulaError",
    "FormulaWarning",
    "GlmfitError",
    "GlmfitWarning",
    "LevelError",
    "MissingDataError",
    "ModelFileError",
    "MissingPackageError",
    "NotAvailableError",
    "ResponseError",
    "SeparationWarning",
    "UnknownNameError",
    "UnsafeFormulaError",
    "caller_frame",
    "require_number",
    "suggest",
    "warn",
]


class GlmfitError(Exception):
    """Root of every error that glmfit raises on purpose."""

    def __str__(self) -> str:
        # KeyError would show the repr of its message, quotes and all.
        return str(self.args[0]) if self.args else ""


class FormulaError(GlmfitError, ValueError):
    """The formula cannot be read; the message shows it with a caret."""


class UnsafeFormulaError(FormulaError):
    """The formula asks for something that the formula language does not allow."""


class UnknownNameError(FormulaError, NameError):
    """The formula names neither a column nor a function that formulas know."""


class DataError(GlmfitError, ValueError):
    """The data cannot mean what the model needs."""


class ResponseError(DataError):
    """The response has values that the family does not allow."""


class MissingDataError(DataError):
    """Values are missing or infinite where none are allowed."""


class AlignmentError(DataError):
    """Two inputs differ in length or in index."""


class LevelError(DataError):
    """New data hold a category that the fit has not seen."""


class ArgumentError(GlmfitError, ValueError):
    """An argument has a value that is not allowed."""


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument has a type, or a name, that is not allowed."""


class ModelFileError(GlmfitError, ValueError):
    """A file holds no model that can be read: damaged, foreign, or of a later version."""


class FitError(GlmfitError, ArithmeticError):
    """No estimate can be computed."""


class NotAvailableError(GlmfitError, AttributeError):
    """The quantity is not defined for this model, or was not kept."""


class MissingPackageError(GlmfitError, ImportError):
    """An optional package is not installed; the message says how to install it."""


class DatasetNotFoundError(GlmfitError, KeyError):
    """There is no data set of that name."""


class GlmfitWarning(UserWarning):
    """Root of every warning that glmfit gives."""


class ConvergenceWarning(GlmfitWarning):
    """The fit stopped before the maximum was reached."""


class SeparationWarning(GlmfitWarning):
    """The data are separated: no finite maximum-likelihood estimate exists."""


class BoundaryWarning(GlmfitWarning):
    """The maximum lies on the boundary of the parameters, where usual tests do not hold."""


class CollinearityWarning(GlmfitWarning):
    """Columns of the design depend, or all but depend, on one another."""


class DataWarning(GlmfitWarning):
    """The data were read in a way that the user should know of."""


class FormulaWarning(GlmfitWarning):
    """The formula means something other than it seems to."""


def warn(message: str, category: type[GlmfitWarning]) -> None:
    """Warn, pointing at the line outside glmfit that led here.

    Parameters
    ----------
    message : str
    category : type of GlmfitWarning
    """
    _, distance = caller_frame()
    warnings.warn(message, category, stacklevel=distance)


def caller_frame() -> tuple[FrameType, int]:
    """Return the innermost frame outside glmfit, and how far it is from this one's caller."""
    distance, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("glmfit."):
        frame = frame.f_back
        distance += 1
    return frame, distance


def require_number(value: object, what: str) -> float:
    """Return ``value`` as a float, or raise `ArgumentTypeError` naming ``what``."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ArgumentTypeError(f"{what} must be a number; got {value!r}.")
    return float(value)


def suggest(name: str, choices: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest of ``choices``, or ``""``.

    Parameters
    ----------
    name : str
        The name that was not found.
    choices : iterable of str
        The names that exist.

    Returns
    -------
    str
        A sentence that begins with a space, or the empty string.

    Examples
    --------
    >>> suggest("incme", ["age", "income"])
    " Did you mean 'income'?"
    >>> suggest("TEMP", ["age", "TEMPERATURE"])
    " Did you mean 'TEMPERATURE'?"
    >>> suggest("zzz", ["age", "income"])
    ''
    """
    by_folded = {str(choice).casefold(): str(choice) for choice in choices}
    folded = name.casefold()
    near = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    if not near:
        # an abbreviation, or a name with something added
        near = [c for c in by_folded if c and (c.startswith(folded) or folded.startswith(c))][:1]
    return f" Did you mean {by_folded[near[0]]!r}?" if near else ""
