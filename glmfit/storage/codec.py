"""Values as what JSON can hold, and back by the type that is expected.

Encoding looks at the value. Decoding is told what type to expect, by the annotations of
dataclasses, and refuses everything else: a file never says which class to make.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Callable, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import GlmfitError, ModelFileError, NotAvailableError
from glmfit.families import FAMILIES, Family, family_key
from glmfit.links import LINKS, Link

__all__ = ["decode", "encode"]

Place = str
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
MOST_DIMENSIONS = 4
PARTS = 3
"""Doubles that hold the digits of the widest long double."""


# -- to JSON ---------------------------------------------------------------------------------


def encode(value: Any) -> Any:
    """Return a value as JSON holds it.

    Parameters
    ----------
    value : None, bool, int, float, str, ndarray, dataclass, Family, Link, tuple, dict, ...
        Levels may also be time stamps and intervals.

    Raises
    ------
    NotAvailableError
        If there is no way to write it.
    """
    if isinstance(value, np.generic) and not isinstance(value, (np.longdouble, np.datetime64)):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return _number(value) if math.isfinite(value) else {"$float": _number(value)}
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, (Family, Link)):
        return _registered(value)
    if isinstance(value, pd.Timestamp):
        return {"$timestamp": value.isoformat()}
    if isinstance(value, pd.Interval):
        return {"$interval": [encode(value.left), encode(value.right), value.closed]}
    if isinstance(value, slice):
        return [value.start, value.stop]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [encode(part) for part in value]
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        if any(name.startswith("$") for name in value):
            return {"$mapping": [[name, encode(part)] for name, part in value.items()]}
        return {name: encode(part) for name, part in value.items()}
    raise NotAvailableError(
        f"A model file cannot hold {value!r} (of type {type(value).__name__}). Levels may be "
        "text, numbers, booleans, time stamps and intervals; convert others to text and fit again."
    )


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else repr(value)


def _array(values: NDArray[Any]) -> dict[str, Any]:
    shape = list(values.shape)
    flat = values.ravel()
    if values.dtype == np.float64:
        return {"$float64": [_number(v) for v in flat.tolist()], "shape": shape}
    if values.dtype.kind == "b":
        return {"$bool": "".join("1" if v else "0" for v in flat.tolist()), "shape": shape}
    if values.dtype.kind in "iu":
        return {"$int64": flat.tolist(), "shape": shape}
    if values.dtype == np.longdouble:
        return {"$longdouble": [_parts(v) for v in flat], "shape": shape}
    raise NotAvailableError(f"A model file cannot hold an array of {values.dtype}.")


def _parts(value: Any) -> list[float | str]:
    """Return doubles whose sum is a long double, exactly."""
    parts: list[float | str] = [_number(float(value))]
    while math.isfinite(float(value)) and len(parts) < PARTS:
        value = value - np.longdouble(float(value))
        if value == 0.0:
            break
        parts.append(float(value))
    return parts


def _registered(value: Family | Link) -> dict[str, Any]:
    """Return a family or link by its registered name, with its parameters."""
    known = _known(value.name, Family if isinstance(value, Family) else Link)
    if type(known) is not type(value):
        kind = "family" if isinstance(value, Family) else "link"
        raise NotAvailableError(
            f"The {kind} {value!r} is not registered, so that a model file could not name it; "
            f"register_{kind}({value!r}) makes it known, here and where the file is loaded."
        )
    own = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    return {"name": value.name, **own}


def _known(name: str, kind: type[Family] | type[Link]) -> Family | Link | None:
    return FAMILIES.get(family_key(name)) if kind is Family else LINKS.get(name)


# -- from JSON -------------------------------------------------------------------------------


def decode(state: Any, kind: Any, place: Place) -> Any:
    """Return the value of type ``kind`` that ``state`` stands for.

    Parameters
    ----------
    state : None, bool, int, float, str, list or dict
        As read from JSON.
    kind : type
        What is expected, as annotated: ``float``, ``tuple[str, ...]``, ``dict[str, int]``,
        ``X | None``, an array type, a dataclass, `Family`, `Link`; ``Any`` for what
        levels may be.
    place : str
        Where it stands in the file, for messages.

    Raises
    ------
    ModelFileError
        If ``state`` is something else.
    """
    origin = get_origin(kind)
    if kind is Any or kind is object:
        return _plain(state, place)
    if origin in (Union, types.UnionType):
        return _one_of(state, get_args(kind), place)
    if origin is np.ndarray:
        return _array_of(state, np.dtype(get_args(get_args(kind)[1])[0]), place)
    if origin is tuple:
        return _tuple(state, get_args(kind), place)
    if origin in (dict, Mapping):
        return _mapping(state, get_args(kind)[1], place)
    if kind in (Family, Link):
        return _from_registry(state, kind, place)
    if kind is slice:
        return slice(*_tuple(state, (int, int), place))
    if dataclasses.is_dataclass(kind):
        return _dataclass(state, kind, place)
    return _scalar(state, kind, place)


def _refused(place: Place, wanted: str, state: Any) -> ModelFileError:
    told = repr(state)
    shown = told if len(told) <= 60 else f"{told[:57]}..."
    return ModelFileError(f"The model file has {shown} at {place}, where {wanted} must stand.")


def _scalar(state: Any, kind: Any, place: Place) -> Any:
    if kind is type(None) and state is None:
        return None
    if kind is float:
        return _float(state, place)
    if kind in (bool, int, str) and type(state) is kind:
        return state
    raise _refused(place, getattr(kind, "__name__", str(kind)), state)


def _float(state: Any, place: Place) -> float:
    """Return a number; whole ones stay whole, as counts of observations are shown."""
    if isinstance(state, dict) and list(state) == ["$float"]:
        state = state["$float"]
    if isinstance(state, str) and state in NOT_FINITE:
        return NOT_FINITE[state]
    if type(state) is float or (type(state) is int and abs(state) < 2**63):
        return state
    raise _refused(place, "a number", state)


def _one_of(state: Any, kinds: tuple[Any, ...], place: Place) -> Any:
    if state is None and type(None) in kinds:
        return None
    refused: ModelFileError | None = None
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return decode(state, kind, place)
        except ModelFileError as error:
            refused = refused or error
    raise refused or _refused(place, "something else", state)


def _list(state: Any, place: Place) -> list[Any]:
    if type(state) is not list:
        raise _refused(place, "a list", state)
    return state


def _tuple(state: Any, kinds: tuple[Any, ...], place: Place) -> tuple[Any, ...]:
    parts = _list(state, place)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(parts)
    if len(kinds) != len(parts):
        raise _refused(place, f"a list of {len(kinds)}", state)
    return tuple(
        decode(part, kind, f"{place}[{j}]")
        for j, (part, kind) in enumerate(zip(parts, kinds, strict=True))
    )


def _object(state: Any, place: Place) -> dict[str, Any]:
    if type(state) is not dict:
        raise _refused(place, "an object", state)
    return state


def _mapping(state: Any, kind: Any, place: Place) -> dict[str, Any]:
    parts = _object(state, place)
    if list(parts) == ["$mapping"]:
        pairs = decode(parts["$mapping"], tuple[tuple[str, Any], ...], place)
        parts = {name: raw[1] for (name, _), raw in zip(pairs, parts["$mapping"], strict=True)}
    return {name: decode(part, kind, f"{place}.{name}") for name, part in parts.items()}


_hints = functools.cache(get_type_hints)


def _dataclass(state: Any, kind: Any, place: Place) -> Any:
    parts = _object(state, place)
    hints, fields = _hints(kind), {f.name: f for f in dataclasses.fields(kind)}
    for name in parts:
        if name not in fields:
            raise ModelFileError(f"The model file has the unknown entry {place}.{name}.")
    given = {}
    for name, field in fields.items():
        if name in parts:
            given[name] = decode(parts[name], hints[name], f"{place}.{name}")
        elif field.default is dataclasses.MISSING:
            raise ModelFileError(f"The model file lacks {place}.{name}.")
    return _made(kind, given, place)


def _made(kind: Callable[..., Any], given: dict[str, Any], place: Place) -> Any:
    """Return ``kind(**given)``; what its own checks refuse, the file is refused for."""
    try:
        return kind(**given)
    except (GlmfitError, ValueError, TypeError) as error:
        raise ModelFileError(f"The model file has no valid {place}: {error}") from error


def _from_registry(state: Any, kind: type[Family] | type[Link], place: Place) -> Any:
    parts = dict(_object(state, place))
    name = decode(parts.pop("name", None), str, f"{place}.name")
    known = _known(name, kind)
    if known is None:
        noun = kind.__name__.lower()
        raise ModelFileError(
            f"The model file has the {noun} {name!r}, which is not known here; if it is your "
            f"own, register it (register_{noun}) before you load the file."
        )
    return _dataclass(parts, type(known), place)


def _array_of(state: Any, dtype: np.dtype[Any], place: Place) -> NDArray[Any]:
    parts = _object(state, place)
    name = {"f": "float64", "b": "bool", "i": "int64"}[dtype.kind]
    if dtype == np.longdouble and "$longdouble" in parts:
        name = "longdouble"  # which is no wider than float64 on some machines
    if set(parts) != {f"${name}", "shape"}:
        raise _refused(place, f"an array of {name}", state)
    flat = np.array(_ENTRIES[name](parts[f"${name}"], place), dtype=dtype)
    shape = _tuple(parts["shape"], (int, ...), f"{place}.shape")
    bounded = len(shape) <= MOST_DIMENSIONS and all(0 <= size < 2**31 for size in shape)
    if not bounded or math.prod(shape) != flat.size:
        raise _refused(f"{place}.shape", f"a shape of {flat.size} values", list(shape))
    return flat.reshape(shape)


def _bools(state: Any, place: Place) -> list[bool]:
    marks = decode(state, str, place)
    if marks.strip("01"):
        raise _refused(place, "marks 0 and 1", state)
    return [mark == "1" for mark in marks]


def _floats(state: Any, place: Place) -> list[float]:
    return [_float(v, f"{place}[{j}]") for j, v in enumerate(_list(state, place))]


def _integers(state: Any, place: Place) -> list[int]:
    found = [decode(v, int, f"{place}[{j}]") for j, v in enumerate(_list(state, place))]
    if any(abs(v) >= 2**63 for v in found):
        raise _refused(place, "whole numbers of 64 bits", state)
    return found


def _long_doubles(state: Any, place: Place) -> list[np.longdouble]:
    sums = []
    for j, parts in enumerate(_list(state, place)):
        total = np.longdouble(0.0)
        for part in _floats(parts, f"{place}[{j}]"):
            total = total + np.longdouble(part)
        sums.append(total)
    return sums


_ENTRIES: dict[str, Callable[[Any, Place], list[Any]]] = {
    "float64": _floats,
    "bool": _bools,
    "int64": _integers,
    "longdouble": _long_doubles,
}


def _plain(state: Any, place: Place) -> Any:
    """Return what a level or an option may be."""
    if type(state) is list:
        return tuple(_plain(part, f"{place}[{j}]") for j, part in enumerate(state))
    if type(state) is not dict:
        return _float(state, place) if type(state) in (int, float) else state
    tags = [name for name in state if name.startswith("$")]
    if not tags:
        return {name: _plain(part, f"{place}.{name}") for name, part in state.items()}
    if tags[0] not in _TAGGED or len(tags) > 1:
        raise _refused(place, "a value that model files have", state)
    return _TAGGED[tags[0]](state, place)


def _timestamp(state: dict[str, Any], place: Place) -> pd.Timestamp:
    text = decode(state["$timestamp"], str, place)
    try:
        return pd.Timestamp(text)
    except (ValueError, OverflowError) as error:
        raise _refused(place, "a time stamp", text) from error


def _interval(state: dict[str, Any], place: Place) -> Any:
    left, right, closed = _tuple(state["$interval"], (Any, Any, str), place)
    return _made(lambda: pd.Interval(left, right, closed), {}, place)


_TAGGED: dict[str, Callable[[dict[str, Any], Place], Any]] = {
    "$float": lambda state, place: _float(state, place),
    "$float64": lambda state, place: _array_of(state, np.dtype(np.float64), place),
    "$bool": lambda state, place: _array_of(state, np.dtype(bool), place),
    "$int64": lambda state, place: _array_of(state, np.dtype(np.int64), place),
    "$longdouble": lambda state, place: _array_of(state, np.dtype(np.longdouble), place),
    "$mapping": lambda state, place: _mapping(state, Any, place),
    "$timestamp": _timestamp,
    "$interval": _interval,
}
