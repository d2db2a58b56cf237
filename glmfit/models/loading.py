"""Results from a model file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeVar

from glmfit.errors import ArgumentTypeError, ModelFileError, suggest
from glmfit.models.base import Model
from glmfit.models.stored import StoredModel
from glmfit.results.base import LikelihoodResults
from glmfit.results.stored import StoredResult
from glmfit.storage import decode, read_content

__all__ = ["load"]


def load(path: str | os.PathLike[str], *, env: Mapping[str, Any] | None = None) -> Any:
    """Return the result that ``result.save(path)`` wrote.

    It has its coefficients, tests and summary, and predicts new data with intervals; what
    has a value for each row of the fit raises `NotAvailableError`, as after
    ``result.remove_data()``. Nothing in the file is run: factors of the formula are read by
    the checks that every formula passes.

    Parameters
    ----------
    path : str or path
    env : dict, optional
        Functions and values of your own that the formula uses, which a file cannot hold.

    Returns
    -------
    LikelihoodResults
        Of the class that was saved.

    Raises
    ------
    ModelFileError
        If the file is damaged, is no model file, or was written by a later version with
        another schema; the message says which.
    ArgumentError
        If the formula needs something that ``env`` lacks.
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> import os, tempfile
    >>> import glmfit as gf
    >>> quine = gf.datasets.load("quine")
    >>> result = gf.poisson("days ~ sex + age", quine).fit()
    >>> path = os.path.join(tempfile.mkdtemp(), "quine.json")
    >>> result.save(path)
    >>> again = gf.load(path)
    >>> again.summary().as_text() == result.summary().as_text()
    True
    """
    if env is not None and not isinstance(env, Mapping):
        raise ArgumentTypeError("env must be a dict of functions and values.")
    content = read_content(path)
    parts = {}
    for name in ("model", "result"):
        part = content.get(name)
        if not isinstance(part, dict) or not isinstance(part.get("own"), dict):
            raise ModelFileError(f"The model file lacks its {name}.")
        parts[name] = part
    state = decode(parts["model"], StoredModel, "model")
    numbers = decode(parts["result"], StoredResult, "result")
    kind = _named(state.kind, Model, "model")
    if not hasattr(kind, "results_type") or kind.results_type.__name__ != numbers.kind:
        raise ModelFileError(f"{state.kind} has no results of the kind {numbers.kind!r}.")
    model = kind.from_state(state, parts["model"]["own"], env or {})
    results: type[LikelihoodResults] = kind.results_type
    return results.from_state(model, numbers, parts["result"]["own"])


Kind = TypeVar("Kind")


def _named(name: str, base: type[Kind], what: str) -> Any:
    """Return the class of a name, among those that are made of ``base``."""
    known: dict[str, type] = {}
    left: list[type] = [base]
    while left:
        one = left.pop()
        known.setdefault(one.__name__, one)
        left += one.__subclasses__()
    if name not in known:
        raise ModelFileError(
            f"The model file has a {what} of the kind {name!r}, which is not known here."
            f"{suggest(name, known)}"
        )
    return known[name]
