"""From the name of a covariance and its arguments to what is asked for: read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, ArgumentTypeError, DataError, require_number, suggest
from glmfit.inference.hac import KERNELS

__all__ = ["Grouping", "Request", "covariance_request", "groupings", "unit_codes"]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

CLUSTER = ("groups", "df_correction", "fix", "scaling_factor")
LAGS = ("maxlags", "bandwidth", "kernel", "weights_func", "use_correction", "scaling_factor")

OPTIONS: dict[str, tuple[str, ...]] = {
    "nonrobust": (),
    "EIM": (),
    "OIM": (),
    "OPG": ("scaling_factor",),
    **dict.fromkeys(("HC0", "HC1", "HC2", "HC3"), ("scaling_factor",)),
    "cluster": (*CLUSTER, "use_correction"),
    **dict.fromkeys(("CR0", "CR1", "CR1S", "CR2", "CR3"), CLUSTER),
    "HAC": (*LAGS, "time"),
    "hac-panel": (*LAGS, "groups", "time", "df_correction"),
    "hac-groupsum": (*LAGS, "time", "df_correction"),
    "bootstrap": ("n", "kind", "seed", "groups"),
    "jackknife": ("groups",),
}
"""Every covariance with the arguments that it takes."""

ALIASES = {"nw-panel": "hac-panel", "nw-groupsum": "hac-groupsum", "hc": "HC1", "robust": "HC1"}
"""Other names: statsmodels' older ones."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups of the rows used.

    Attributes
    ----------
    codes : ndarray of int, shape (m,)
        0 to ``count - 1``; -1 for rows that carry no weight.
    count : int
    name : str
        Column that they are, or "".
    """

    codes: Codes
    count: int
    name: str


@dataclass(frozen=True, slots=True)
class Request:
    """A covariance that was asked for, its arguments checked.

    Attributes
    ----------
    kind : str
        A key of `OPTIONS`.
    options : dict
        Arguments but for the groups and the time.
    groups : tuple of Grouping
        One for each way in which rows are grouped.
    time : ndarray of int, shape (m,), or None
        Rank of each row used in time.
    """

    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    groups: tuple[Grouping, ...] = ()
    time: Codes | None = None

    @property
    def factor(self) -> float:
        """What the matrix is multiplied by, as given."""
        given = self.options.get("scaling_factor")
        return 1.0 if given is None else float(given)


def covariance_request(model: Any, kind: Any, options: Mapping[str, Any] | None) -> Request:
    """Return the covariance that a name and its arguments ask for.

    Parameters
    ----------
    model : Model
        For its data: groups and times may be columns.
    kind : str
    options : mapping or None

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For a kind that there is not, or an argument that it does not take.
    DataError
        For groups that are missing in a row of the fit, or are one only.
    """
    name = _kind(kind)
    if options is not None and not isinstance(options, Mapping):
        raise ArgumentTypeError(f"cov_kwds must be a dict; got {type(options).__name__}.")
    given = dict(options or {})
    _refuse_others(name, given)
    groups = given.pop("groups", None)
    time = given.pop("time", None)
    given = {key: value for key, value in given.items() if value is not None}
    _check_options(name, given)
    _check_needed(name, groups, time)
    return Request(
        name,
        given,
        () if groups is None else groupings(model.data, groups),
        None if time is None else _ranks(model.data, time),
    )


def _kind(given: Any) -> str:
    known = {name.lower(): name for name in OPTIONS} | ALIASES
    found = known.get(str(given).lower()) if isinstance(given, str) else None
    if found is None:
        raise ArgumentError(
            f"There is no cov_type {given!r}.{suggest(str(given), OPTIONS)} "
            f"Known: {', '.join(OPTIONS)}."
        )
    return found


def _refuse_others(kind: str, given: Mapping[str, Any]) -> None:
    known = OPTIONS[kind]
    for name in given:
        if name not in known:
            taken = f"It takes: {', '.join(known)}." if known else "It takes none."
            raise ArgumentTypeError(
                f"The covariance {kind!r} has no argument {name!r}.{suggest(name, known)} {taken}"
            )


def _check_needed(kind: str, groups: Any, time: Any) -> None:
    needs_groups = "groups" in OPTIONS[kind] and kind not in ("bootstrap", "jackknife")
    if needs_groups and groups is None:
        raise ArgumentError(
            f"The covariance {kind!r} needs the groups: cov_kwds={{'groups': column or values}} "
            f"in fit(), or with_cov({kind!r}, groups=...)."
        )
    if kind == "hac-groupsum" and time is None:
        raise ArgumentError("The covariance 'hac-groupsum' needs time=, a column or values.")


def _check_options(kind: str, given: dict[str, Any]) -> None:
    """Check the values of arguments, and name the kernel."""
    for name in ("maxlags", "bandwidth", "scaling_factor"):
        if name in given:
            value = require_number(given[name], name)
            low = 0.0 if name == "maxlags" else np.nextafter(0.0, 1.0)
            if not low <= value < np.inf or (name == "maxlags" and value != round(value)):
                what = "a whole number, 0 or more" if name == "maxlags" else "greater than 0"
                raise ArgumentError(f"{name} must be {what} (got {given[name]!r}).")
    if "maxlags" in given and "bandwidth" in given:
        raise ArgumentError("Give maxlags or bandwidth (which is maxlags + 1), not both.")
    if "weights_func" in given:
        given.setdefault("kernel", given.pop("weights_func"))
    kernel = given.get("kernel", "bartlett")
    if kind in ("HAC", "hac-panel", "hac-groupsum"):
        given["kernel"] = kernel if callable(kernel) else _kernel_name(kernel)
    _check_correction(kind, given.get("use_correction"))


def _kernel_name(given: Any) -> str:
    short = {"qs": "quadratic spectral", "newey-west": "bartlett", "truncated": "uniform"}
    name = str(given).lower().replace("_", " ")
    name = short.get(name, name)
    if name not in KERNELS:
        raise ArgumentError(
            f"There is no kernel {given!r}.{suggest(str(given), KERNELS)} "
            f"Known: {', '.join(KERNELS)}."
        )
    return name


def _check_correction(kind: str, given: Any) -> None:
    allowed: tuple[Any, ...] = (True, False)
    if kind in ("hac-panel", "hac-groupsum"):
        allowed = (False, "hac", "cluster")
    if given is not None and not any(given is value or given == value for value in allowed):
        told = ", ".join(map(repr, allowed))
        raise ArgumentError(f"use_correction of {kind!r} must be one of {told} (got {given!r}).")


def groupings(data: Any, given: Any) -> tuple[Grouping, ...]:
    """Return the groups of the rows used, one for each way in which they are grouped.

    Parameters
    ----------
    data : ModelData
    given : str, list of str, array_like of shape (n,) or (n, k)
        Columns by name, or values for all rows of the data.

    Raises
    ------
    DataError
        If a row of the fit has no group, or there are fewer than two groups.
    """
    return tuple(_grouping(data, one) for one in _ways(data, given))


def _ways(data: Any, given: Any) -> list[Any]:
    """Return what was given for each way of grouping."""
    if isinstance(given, pd.DataFrame):
        return [given[column] for column in given.columns]
    n = data.kept.size
    if isinstance(given, (list, tuple)) and given:
        names = all(isinstance(one, str) and one in data.columns for one in given)
        vectors = all(np.ndim(one) == 1 and not isinstance(one, str) for one in given)
        if (names and len(given) != n) or (vectors and all(len(one) == n for one in given)):
            return list(given)
    values = given if isinstance(given, (str, pd.Series)) else np.asarray(given)
    if isinstance(values, np.ndarray) and values.ndim == 2 and 1 not in values.shape:
        return list(values.T)
    return [given]


def _grouping(data: Any, given: Any) -> Grouping:
    vector = data.beside(given, "groups")
    lost = vector.missing & data.kept
    if lost.any():
        count = int(lost.sum())
        raise DataError(
            f"groups has {count} missing value{'s' if count > 1 else ''} "
            f"(first in row {int(np.argmax(lost))}); every row needs a group."
        )
    labels = pd.Series(vector.kept(data.kept))
    present = data.present
    if present is not None:
        # a row that carries no weight is no observation, and makes no cluster
        labels = labels.where(present)
    codes = np.asarray(pd.factorize(labels)[0], dtype=np.intp)
    count = int(codes.max(initial=-1)) + 1
    if count < 2:
        raise DataError("There is one cluster only; clustered covariances need two or more.")
    return Grouping(codes, count, vector.column or "")


def _ranks(data: Any, given: Any) -> Codes:
    """Return the rank in time of each row used."""
    vector = data.beside(given, "time")
    lost = vector.missing & data.kept
    if lost.any():
        raise DataError(
            f"time has {int(lost.sum())} missing values (first in row {int(np.argmax(lost))}); "
            "every row needs a time."
        )
    values = pd.Series(vector.kept(data.kept))
    try:
        codes = pd.factorize(values, sort=True)[0]
    except TypeError as error:
        raise ArgumentTypeError(f"The values of time cannot be put in order ({error}).") from error
    return np.asarray(codes, dtype=np.intp)


def unit_codes(n_units: int, units: Codes, grouping: Grouping) -> Codes:
    """Return the group of each unit of a pass.

    Parameters
    ----------
    n_units : int
    units : ndarray of int, shape (m,)
        Unit of each row used, -1 for rows that are in none.
    grouping : Grouping

    Raises
    ------
    DataError
        If the rows of a unit, a stratum, are in several groups.
    """
    codes = np.full(n_units, -1, dtype=np.intp)
    inside = units >= 0
    codes[units[inside]] = grouping.codes[inside]
    if (codes[units[inside]] != grouping.codes[inside]).any():
        what = f" of {grouping.name}" if grouping.name else ""
        raise DataError(
            f"The rows of a stratum are in several clusters{what}: a stratum is one "
            "observation, and lies in one cluster. Use groups that hold whole strata."
        )
    found = np.unique(codes, return_inverse=True)[1]
    # units of no group come first, if there are any
    return np.asarray(found - 1 if (codes < 0).any() else found, dtype=np.intp)
