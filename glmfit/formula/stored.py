"""What a formula has learned, as a model file has it; read back without running the file.

A file has the code of each factor, which the checks of `glmfit.formula.safety` read anew,
and the numbers that transforms have learned. Which code evaluates a factor, and which
classes its transforms have, follows from the factor alone.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray
from patsy.state import Center, Standardize

from glmfit.errors import (
    ArgumentError,
    FormulaError,
    GlmfitError,
    ModelFileError,
    NotAvailableError,
)
from glmfit.formula.assembly import Subterm
from glmfit.formula.factors import Factor, Learned
from glmfit.formula.limits import BoundedBS, BoundedCC, BoundedCR, BoundedTE, check_knots
from glmfit.formula.namespace import NAMESPACE
from glmfit.formula.safety import check_expression
from glmfit.formula.spec import ModelSpec
from glmfit.formula.stacked import StackedSpec
from glmfit.storage import decode, encode

__all__ = ["StoredSpec", "restored_spec", "stored_spec"]

Array = NDArray[np.float64]
Wide = NDArray[np.longdouble]


class _BSpline:
    _degree: int
    _all_knots: Array


class _CubicSpline:
    _name: str
    _cyclic: bool
    _all_knots: Array
    _constraints: Array | None


class _Tensor:
    _constraints: Array | None


class _Centre:
    _sum: Wide
    _count: int


class _Standard:
    current_n: int
    current_mean: Wide
    current_M2: Wide


TRANSFORMS: Mapping[type, type] = {
    BoundedBS: _BSpline,
    BoundedCR: _CubicSpline,
    BoundedCC: _CubicSpline,
    BoundedTE: _Tensor,
    Center: _Centre,
    Standardize: _Standard,
}
"""What each transform learns, by annotations."""


@dataclass(frozen=True, slots=True)
class StoredFactor:
    """A factor and what it has learned.

    Attributes
    ----------
    code : str
    columns : tuple of str
        The columns of the data that it reads.
    own : tuple of str
        Functions and values of the caller's, which a file cannot hold.
    levels : tuple or None
    n_columns : int
    transforms : tuple of dict
        What each transform has learned, in the order in which they stand in the code.
    """

    code: str
    columns: tuple[str, ...]
    own: tuple[str, ...]
    levels: tuple[Any, ...] | None
    n_columns: int
    transforms: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class StoredSubterm:
    """A part of a term: its factors by code, and the contrasts of those that have levels."""

    factors: tuple[str, ...]
    contrasts: dict[str, Array]


@dataclass(frozen=True, slots=True)
class StoredSpec:
    """A `ModelSpec` whose factors are named by their code; with ``parts`` a `StackedSpec`."""

    text: str
    response_name: str
    response: tuple[str, ...]
    offsets: tuple[str, ...]
    factors: tuple[StoredFactor, ...]
    subterms: tuple[StoredSubterm, ...]
    column_names: tuple[str, ...]
    term_slices: dict[str, slice]
    term_order: tuple[str, ...]
    parts: tuple[StoredSpec, ...] = ()


# -- to a file -------------------------------------------------------------------------------


def stored_spec(spec: ModelSpec) -> StoredSpec:
    """Return what a file keeps of a formula.

    Raises
    ------
    NotAvailableError
        If a transform of the caller's own has learned something.
    """
    inner = [factor for sub in spec.subterms for factor in sub.factors]
    factors = dict.fromkeys([*spec.response, *spec.offsets, *inner])
    return StoredSpec(
        text=spec.text,
        response_name=spec.response_name,
        response=tuple(factor.name() for factor in spec.response),
        offsets=tuple(factor.name() for factor in spec.offsets),
        factors=tuple(_stored_factor(f, spec.learned[f.name()]) for f in factors),
        subterms=tuple(
            StoredSubterm(tuple(f.name() for f in sub.factors), dict(sub.contrasts))
            for sub in spec.subterms
        ),
        column_names=spec.column_names,
        term_slices=spec.term_slices,
        term_order=spec.term_order,
        parts=tuple(map(stored_spec, spec.parts)) if isinstance(spec, StackedSpec) else (),
    )


def _stored_factor(factor: Factor, learned: Learned) -> StoredFactor:
    own = [name for name, value in factor.namespace.items() if NAMESPACE.get(name) is not value]
    return StoredFactor(
        code=factor.name(),
        columns=tuple(sorted(factor.expression.all_columns)),
        own=tuple(own),
        levels=learned.levels,
        n_columns=learned.n_columns,
        transforms=tuple(_stored_transform(t, factor) for t in learned.transforms.values()),
    )


def _stored_transform(transform: Any, factor: Factor) -> dict[str, Any]:
    kinds = TRANSFORMS.get(type(transform))
    if kinds is None:
        raise NotAvailableError(
            f"{factor.name()!r} has a transform of your own ({type(transform).__name__}), whose "
            "memory a model file cannot hold. Compute the column beforehand, or pickle the result."
        )
    return {name: getattr(transform, name) for name in get_type_hints(kinds)}


# -- from a file -----------------------------------------------------------------------------


def restored_spec(stored: StoredSpec, env: Mapping[str, Any]) -> ModelSpec:
    """Return the formula that a file has.

    Parameters
    ----------
    stored : StoredSpec
    env : mapping
        Functions and values of the caller's that the formula uses.

    Raises
    ------
    ArgumentError
        If ``env`` lacks one of them.
    ModelFileError
        If the parts do not fit together, or a factor is nothing that formulas allow.
    """
    made = {one.code: _restored_factor(one, env) for one in stored.factors}
    parts = tuple(restored_spec(part, env) for part in stored.parts)
    widths = tuple(len(part.column_names) for part in parts)
    more: dict[str, Any] = {"parts": parts, "widths": widths} if parts else {}
    spec = (StackedSpec if parts else ModelSpec)(
        text=stored.text,
        response_name=stored.response_name,
        response=tuple(_of(made, code)[0] for code in stored.response),
        offsets=tuple(_of(made, code)[0] for code in stored.offsets),
        learned={code: learned for code, (_, learned) in made.items()},
        subterms=tuple(
            Subterm(tuple(_of(made, code)[0] for code in sub.factors), sub.contrasts)
            for sub in stored.subterms
        ),
        column_names=stored.column_names,
        term_slices=stored.term_slices,
        term_order=stored.term_order,
        **more,
    )
    if parts and sum(widths) != len(spec.column_names):
        raise ModelFileError(
            f"The formulas of the model file make {sum(widths)} columns; it has names of "
            f"{len(spec.column_names)}."
        )
    _check(spec)
    return spec


def _of(made: Mapping[str, tuple[Factor, Learned]], code: str) -> tuple[Factor, Learned]:
    if code not in made:
        raise ModelFileError(f"The model file does not describe the factor {code!r} that it uses.")
    return made[code]


def _restored_factor(one: StoredFactor, env: Mapping[str, Any]) -> tuple[Factor, Learned]:
    absent = [name for name in one.own if name not in env]
    if absent:
        raise ArgumentError(
            f"The formula uses {absent[0]!r}, which was handed in by env= and is not in the file. "
            f"Hand it in again: load(path, env={{{absent[0]!r}: ...}})."
        )
    known = {name: env[name] for name in one.own}
    try:
        expression = check_expression(one.code, one.columns, NAMESPACE, known)
        factor = Factor(expression, {**NAMESPACE, **known})
        state: dict[str, Any] = {}
        factor.memorize_passes_needed(state, None)
    except GlmfitError as error:
        raise ModelFileError(f"The model file has a factor that is refused: {error}") from error
    _check_levels(one)
    learned: Learned = state["learned"]
    if len(learned.transforms) != len(one.transforms):
        raise ModelFileError(
            f"{one.code!r} has {len(learned.transforms)} transforms; the model file has the "
            f"memory of {len(one.transforms)}."
        )
    for transform, memory in zip(learned.transforms.values(), one.transforms, strict=True):
        vars(transform).clear()
        vars(transform).update(_restored_memory(type(transform), memory, one.code))
    learned.levels = one.levels
    learned.n_columns = one.n_columns
    return factor, learned


def _check_levels(one: StoredFactor) -> None:
    """Raise unless levels are values that differ."""
    levels = one.levels or ()
    plain = all(isinstance(level, Hashable) for level in levels)
    if not plain or len(set(levels)) != len(levels):
        raise ModelFileError(f"The model file has no valid levels of {one.code!r}.")


def _restored_memory(kind: type, memory: dict[str, Any], code: str) -> dict[str, Any]:
    hints = get_type_hints(TRANSFORMS[kind]) if kind in TRANSFORMS else {}
    if set(hints) != set(memory) or not hints:
        raise ModelFileError(f"The model file has no valid memory of the transform in {code!r}.")
    # decoding has read it as plain values, arrays included
    found = {}
    for name, expected in hints.items():
        found[name] = decode(encode(memory[name]), expected, f"{code}.{name}")
        if isinstance(found[name], np.ndarray) and not np.isfinite(found[name]).all():
            raise ModelFileError(f"The model file has missing numbers in {name} of {code!r}.")
    if issubclass(kind, BoundedBS):
        _check_knots(found, code)
    return found


def _check_knots(memory: dict[str, Any], code: str) -> None:
    try:
        check_knots(memory["_degree"], memory["_all_knots"])
    except FormulaError as error:
        raise ModelFileError(f"The model file has no valid memory of {code!r}: {error}") from error


def _check(spec: ModelSpec) -> None:
    """Raise unless contrasts, levels and names fit one another."""
    total = 0
    for sub in spec.subterms:
        widths = []
        for factor in sub.factors:
            learned = spec.learned[factor.name()]
            coding = sub.contrasts.get(factor.name())
            if coding is None:
                widths.append(learned.n_columns)
                continue
            if learned.levels is None or coding.ndim != 2 or len(coding) != len(learned.levels):
                raise ModelFileError(
                    f"The model file has no contrasts of the {factor.name()!r} levels."
                )
            widths.append(coding.shape[1])
        if (
            set(sub.contrasts) - {factor.name() for factor in sub.factors}
            or min(widths, default=1) < 0
        ):
            raise ModelFileError("The model file has a term whose contrasts belong to no factor.")
        total += math.prod(widths)
        if total > len(spec.column_names):
            break
    if total != len(spec.column_names):
        raise ModelFileError(
            f"The formula of the model file makes {total} columns; it has names of "
            f"{len(spec.column_names)}."
        )
    for term, part in spec.term_slices.items():
        if not 0 <= part.start <= part.stop <= total:
            raise ModelFileError(f"The model file has no columns for the term {term!r}.")
