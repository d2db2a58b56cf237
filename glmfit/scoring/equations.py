"""Linear predictors in another language."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.errors import NotAvailableError
from glmfit.formula.assembly import Subterm
from glmfit.formula.spec import ModelSpec
from glmfit.scoring.factors import factor_columns, factor_value
from glmfit.scoring.languages import Language

__all__ = ["Equation", "predictor_code"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Equation:
    """One linear predictor.

    Attributes
    ----------
    constant : float
        Beside the columns: a threshold.
    coefficients : ndarray of shape (p,)
        Of the columns of the formula's design, or of the array.
    offset : float
        What multiplies the offset.
    """

    constant: float
    coefficients: Array
    offset: float = 1.0


def predictor_code(language: Language, data: Any, equation: Equation) -> str:
    """Return a linear predictor as code.

    Parameters
    ----------
    language : Language
    data : ModelData
    equation : Equation

    Raises
    ------
    NotAvailableError
        If the language cannot say a term, or offsets were given as values.
    """
    spec, number = data.spec, language.number
    parts = [number(equation.constant)] if equation.constant != 0.0 else []
    if spec is None:
        parts += [
            f"{number(float(b))} * {language.as_number(language.column(name))}"
            for name, b in zip(data.names, equation.coefficients, strict=True)
            if b != 0.0
        ]
    else:
        parts += _terms(language, spec, equation.coefficients)
    known = _offsets(language, data)
    if known and equation.offset != 0.0:
        total = " + ".join(known)
        parts.append(total if equation.offset == 1.0 else f"{number(equation.offset)} * ({total})")
    return "(" + (" + ".join(parts) or number(0.0)) + ")"


def _offsets(language: Language, data: Any) -> list[str]:
    """Return what is added with a coefficient of 1."""
    rule, found = data.rule, []
    if rule.unnamed:
        raise NotAvailableError(
            f"The model was fitted with {rule.unnamed[0]}= given as values, which have no name to "
            "be found by; give it as a column's name."
        )
    for factor in data.spec.offsets if data.spec is not None else ():
        found += factor_columns(language, factor, data.spec.learned[factor.name()])
    if rule.offset is not None:
        found.append(language.as_number(language.column(rule.offset)))
    if rule.exposure is not None:
        exposure = language.as_number(language.column(rule.exposure))
        found.append(language.functions["log"].format(exposure))
    return found


def _terms(language: Language, spec: ModelSpec, coefficients: Array) -> list[str]:
    parts: list[str] = []
    start = 0
    for sub in spec.subterms:
        widths = _widths(spec, sub)
        stop = start + math.prod(widths)
        own = coefficients[start:stop]
        start = stop
        if own.any():
            parts += _subterm(language, spec, sub, widths, own)
    return parts


def _widths(spec: ModelSpec, sub: Subterm) -> list[int]:
    return [
        sub.contrasts[f.name()].shape[1]
        if f.name() in sub.contrasts
        else spec.learned[f.name()].n_columns
        for f in sub.factors
    ]


def _subterm(
    language: Language, spec: ModelSpec, sub: Subterm, widths: list[int], own: Array
) -> list[str]:
    """Return a term: for each combination of numeric columns, a number for each level."""
    numeric = [j for j, f in enumerate(sub.factors) if f.name() not in sub.contrasts]
    grouped: dict[tuple[int, ...], Array] = {}
    # as in Assembly: the leftmost factor varies fastest
    positions = itertools.product(*(range(w) for w in reversed(widths)))
    for coefficient, place in zip(own, positions, strict=True):
        position = place[::-1]
        values = np.array([coefficient])
        for j, factor in enumerate(sub.factors):
            if j not in numeric:
                values = np.outer(values, sub.contrasts[factor.name()][:, position[j]]).ravel()
        key = tuple(position[j] for j in numeric)
        grouped[key] = grouped.get(key, 0.0) + values
    columns = {
        j: factor_columns(language, sub.factors[j], spec.learned[sub.factors[j].name()])
        for j in numeric
    }
    parts = []
    for key, values in grouped.items():
        if not values.any():
            continue
        product = [columns[j][place] for j, place in zip(numeric, key, strict=True)]
        parts.append(" * ".join([_by_level(language, spec, sub, values), *product]))
    return parts


def _by_level(language: Language, spec: ModelSpec, sub: Subterm, values: Array) -> str:
    """Return the number that belongs to the levels of a row."""
    factors = [f for f in sub.factors if f.name() in sub.contrasts]
    if not factors:
        return language.number(float(values[0]))
    codes = [factor_value(language, f, spec.learned[f.name()]) for f in factors]
    levels = [spec.learned[f.name()].levels or () for f in factors]
    branches = []
    for combination, value in zip(itertools.product(*levels), values, strict=True):
        tests = [
            language.equal(code, language.level(_plain(level)))
            for code, level in zip(codes, combination, strict=True)
        ]
        condition = tests[0] if len(tests) == 1 else language.every(tests)
        branches.append((condition, language.number(float(value))))
    return language.cases(branches)


def _plain(level: Any) -> Any:
    return level.item() if isinstance(level, np.generic) else level
