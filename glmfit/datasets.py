"""Small published data sets, one for each kind of model.

``list()`` names them and ``load(name)`` reads one. Where each comes from, and what its
columns and units are, stands in the README beside the CSV files.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from glmfit.errors import DatasetNotFoundError, suggest

__all__ = ["list", "load"]


def _levels(*names: str, ordered: bool = False) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(builtins.list(names), ordered=ordered)


# Every data set, with the columns that are categorical and the order of their levels.
# Alphabetical order would put "high" before "low" and corps IX before corps V.
_CATEGORICAL: Mapping[str, Mapping[str, pd.CategoricalDtype]] = {
    "beetles": {},
    "challenger": {},
    "challenger_rings": {},
    "clotting": {},
    "endometrial": {},
    "horsekicks": {
        "corps": _levels(*"G I II III IV V VI VII VIII IX X XI XIV XV".split()),
    },
    "housing": {
        "sat": _levels("Low", "Medium", "High", ordered=True),
        "infl": _levels("Low", "Medium", "High"),
        "type": _levels("Tower", "Apartment", "Atrium", "Terrace"),
        "cont": _levels("Low", "High"),
    },
    "infert": {
        "education": _levels("0-5yrs", "6-11yrs", "12+ yrs"),
    },
    "pneumo": {
        "severity": _levels("normal", "mild", "severe", ordered=True),
    },
    "quine": {
        "eth": _levels("A", "N"),
        "sex": _levels("F", "M"),
        "age": _levels("F0", "F1", "F2", "F3"),
        "lrn": _levels("AL", "SL"),
    },
    "risk": {
        "risk": _levels("low", "medium", "high", ordered=True),
    },
    "ships": {
        "type": _levels("A", "B", "C", "D", "E"),
        "year": _levels("1960-64", "1965-69", "1970-74", "1975-79"),
        "period": _levels("1960-74", "1975-79"),
    },
    "stackloss": {},
    "travel_mode": {
        "mode": _levels("air", "train", "bus", "car"),
    },
    "trees": {},
    "warpbreaks": {
        "wool": _levels("A", "B"),
        "tension": _levels("L", "M", "H"),
    },
}


def load(name: str) -> pd.DataFrame:
    """Read a data set by name.

    Parameters
    ----------
    name : str
        One of the names that :func:`list` gives.

    Returns
    -------
    pandas.DataFrame
        A fresh copy at each call. Columns whose levels have an order are categorical,
        with the levels in that order; only a response with ordered levels (``risk``,
        ``housing``'s ``sat``, ``pneumo``'s ``severity``) is an ordered categorical.

    Raises
    ------
    DatasetNotFoundError
        If there is no data set of that name.

    Examples
    --------
    >>> import glmfit.datasets
    >>> challenger = glmfit.datasets.load("challenger")
    >>> int(challenger["O_RING_FAILURE"].sum()), len(challenger)
    (7, 23)
    >>> glmfit.datasets.load("risk")["risk"].cat.categories.to_list()
    ['low', 'medium', 'high']
    """
    if name not in _CATEGORICAL:
        raise DatasetNotFoundError(
            f"There is no data set named {name!r}.{suggest(name, _CATEGORICAL)} "
            f"The data sets are: {', '.join(sorted(_CATEGORICAL))}."
        )
    return pd.read_csv(_directory() / f"{name}.csv", dtype=dict(_CATEGORICAL[name]))


def list() -> builtins.list[str]:
    """Name the data sets.

    Returns
    -------
    list of str
        The names that :func:`load` takes, sorted.

    Examples
    --------
    >>> import glmfit.datasets
    >>> glmfit.datasets.list()[:3]
    ['beetles', 'challenger', 'challenger_rings']
    """
    return sorted(_CATEGORICAL)


def _directory() -> Path:
    """Return where the CSV files are: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "_datasets"
    return installed if installed.is_dir() else package.parent / "datasets"
