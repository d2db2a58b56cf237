"""Formulas of choice models: what belongs to an alternative, and what to who chooses.

``choice ~ cost | income | time`` has three parts (Croissant 2020): variables of the
alternatives with one coefficient, variables of the individual with a coefficient for each
alternative but the reference, and variables of the alternatives with a coefficient for
each of them. The second part has a constant unless it says ``0``.

References
----------
Croissant, Y. (2020). Estimation of random utility models in R: the mlogit package.
*Journal of Statistical Software* 95 (11), 1-41.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from patsy import Term

from glmfit.errors import ArgumentTypeError, FormulaError
from glmfit.formula.factors import Factor
from glmfit.formula.namespace import NAMESPACE
from glmfit.formula.parsing import ParsedFormula, as_factor, parse, places_of
from glmfit.formula.safety import check_expression

__all__ = ["ChoiceTerms", "parse_choice"]

EMPTY = ("0", "1", "0")
"""What a part says that is left out."""


@dataclass(frozen=True, slots=True)
class ChoiceTerms:
    """What the terms of a choice model's formula are, by name.

    Attributes
    ----------
    factor : str
        The factor of the alternatives.
    individual : tuple of str
        Terms of the second part and the constant, as such: they are the same for all
        alternatives, and have no effect but with the alternatives' factor.
    order : tuple of str
        The terms that have coefficients: constants and those of parts one to three.
    """

    factor: str
    individual: tuple[str, ...]
    order: tuple[str, ...]

    @property
    def has_constants(self) -> bool:
        """Whether each alternative but the reference has a constant."""
        return self.factor in self.order


def parse_choice(
    formula: Any,
    columns: Sequence[str],
    *,
    alternatives: str,
    reference: Any = None,
    env: Mapping[str, Any] | None = None,
    reserved: Sequence[str] = (),
) -> tuple[ParsedFormula, ChoiceTerms]:
    """Read a formula of one to three parts; nothing of it is run.

    Parameters
    ----------
    formula : str
    columns : sequence of str
    alternatives : str
        The column that names each row's alternative.
    reference : optional
        The alternative that others are compared with; the first level by default.
    env, reserved
        As in `parse`.

    Raises
    ------
    FormulaError
        If a part cannot be read, or a term stands in two of them.
    """
    if not isinstance(formula, str):
        raise ArgumentTypeError(
            f"The formula must be text such as 'chosen ~ cost | income'; got "
            f"{type(formula).__name__}."
        )
    first, *more = _parts(formula)
    others = [
        parse(f"~ {part}", columns, env=env, reserved=reserved, needs_response=False)
        for part in more
    ]
    elsewhere = [c for part in others for f in part.factors for c in f.expression.all_columns]
    own = parse(first, columns, env=env, reserved=[*reserved, *elsewhere])
    if any(part.offsets for part in others):
        raise FormulaError(f"offset(...) belongs to the first part of the formula.\n    {formula}")
    choice = _alternatives_factor(alternatives, columns, reference)
    generic = [term for term in own.terms if term.factors]
    individual = [Term([]), *(term for term in others[0].terms if term.factors)]
    effects = [Term([*term.factors, choice]) for term in others[0].terms]
    specific = [Term([*term.factors, choice]) for term in others[1].terms if term.factors]
    terms = [*individual, *generic, *effects, *specific]
    _refuse_twice(terms, formula)
    constants = [term for term in effects if term.factors == (choice,)]
    order = [*constants, *generic, *(t for t in effects if t not in constants), *specific]
    parsed = replace(own, text=formula, terms=tuple(terms))
    return parsed, ChoiceTerms(
        choice.name(),
        tuple(term.name() for term in individual),
        tuple(term.name() for term in order),
    )


def _parts(formula: str) -> list[str]:
    """Return left-hand side and first part, second part, third part."""
    bars = places_of("|", formula)
    if len(bars) > 2:
        raise FormulaError(
            "The formula has more than three parts (variables of alternatives | variables of the "
            "individual | variables of alternatives with a coefficient for each)."
            f"\n    {formula}\n    {'^':>{bars[2] + 1}}"
        )
    tildes = places_of("~", formula)
    if tildes and bars and tildes[0] > bars[0]:
        raise FormulaError(f"The bar '|' belongs to the right of '~'.\n    {formula}")
    edges = [-1, *bars, len(formula)]
    parts = [formula[a + 1 : b] for a, b in itertools.pairwise(edges)]
    if tildes and not parts[0][tildes[0] + 1 :].strip():
        parts[0] += EMPTY[0]
    return [part if part.strip() else EMPTY[k] for k, part in enumerate([*parts, "", ""][:3])]


def _alternatives_factor(name: str, columns: Sequence[str], reference: Any) -> Factor:
    column = as_factor(name)
    code = f"C({column})" if reference is None else f"C({column}, Treatment({reference!r}))"
    return Factor(check_expression(code, columns, NAMESPACE, {}), NAMESPACE)


def _refuse_twice(terms: Sequence[Any], formula: str) -> None:
    seen = set()
    for term in terms:
        if term in seen:
            raise FormulaError(
                f"The term {term.name()} stands in the formula twice, by itself or as what a bar "
                "makes of it: a variable of the individual behind the first bar only, a variable "
                f"of the alternatives before it or behind the second.\n    {formula}"
            )
        seen.add(term)
