"""A formula taken apart: its response, its terms and its offsets; nothing of it is run."""

from __future__ import annotations

import io
import itertools
import keyword
import re
import sys
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from patsy import ModelDesc, PatsyError, Term
from patsy.parse_formula import parse_formula

from glmfit.errors import (
    ArgumentTypeError,
    FormulaError,
    FormulaWarning,
    warn,
)
from glmfit.formula.factors import (
    Factor,
)
from glmfit.formula.limits import check_terms
from glmfit.formula.namespace import NAMESPACE
from glmfit.formula.safety import check_expression

__all__ = ["ParsedFormula", "as_factor", "parse", "places_of"]


@dataclass(frozen=True, slots=True)
class ParsedFormula:
    """A formula taken apart: response factors, right-hand terms, offsets.

    Attributes
    ----------
    text : str
        The formula as it was given.
    response : tuple of Factor
        Empty for a one-sided formula.
    terms : tuple of patsy.Term
    offsets : tuple of Factor
        The arguments of ``offset(...)`` terms.
    """

    text: str
    response: tuple[Factor, ...]
    terms: tuple[Any, ...]
    offsets: tuple[Factor, ...]

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Every factor once: response, terms, offsets."""
        found = [*self.response, *(f for term in self.terms for f in term.factors), *self.offsets]
        return tuple(dict.fromkeys(found))

    @property
    def response_name(self) -> str:
        """The left-hand side, as in the formula."""
        return " + ".join(factor.name() for factor in self.response)


def parse(
    formula: Any,
    columns: Sequence[str],
    *,
    env: Mapping[str, Any] | None = None,
    reserved: Sequence[str] = (),
    needs_response: bool = True,
) -> ParsedFormula:
    """Read a formula; nothing of it is run.

    Parameters
    ----------
    formula : str
        In patsy's language, plus ``offset(...)`` terms and ``.`` for every column that
        the formula and ``reserved`` leave.
    columns : sequence of str
        Names of the data's columns.
    env : mapping, optional
        Functions and values of the caller's that the formula may use.
    reserved : sequence of str
        Columns that ``.`` leaves out, such as weights.
    needs_response : bool
        Whether a formula without a left-hand side is an error.

    Raises
    ------
    FormulaError
        If the formula cannot be read; the message shows where.
    """
    if not isinstance(formula, str):
        raise ArgumentTypeError(
            f"The formula must be text such as 'y ~ x1 + x2'; got {type(formula).__name__}."
        )
    if env:
        parsed = _read(formula, tuple(columns), env, tuple(reserved), needs_response)
    else:
        parsed = _read_again(formula, tuple(columns), tuple(reserved), needs_response)
    _warn_of_aggregates(parsed)
    return parsed


@lru_cache(maxsize=256)
def _read_again(
    formula: str, columns: tuple[str, ...], reserved: tuple[str, ...], needs_response: bool
) -> ParsedFormula:
    """Return what a formula was read as before: it says the same of the same columns."""
    return _read(formula, columns, {}, reserved, needs_response)


def _read(
    formula: str,
    columns: tuple[str, ...],
    env: Mapping[str, Any],
    reserved: tuple[str, ...],
    needs_response: bool,
) -> ParsedFormula:
    _check_tilde(formula, needs_response)
    expanded = _expand_dot(formula, columns, reserved)
    description = _describe(expanded, formula)
    namespace = {**NAMESPACE, **env}

    def factor(patsy_factor: Any) -> Factor:
        expression = check_expression(patsy_factor.code, columns, [*NAMESPACE, "offset"], env)
        return Factor(expression, {**namespace, "offset": None}, patsy_factor.origin)

    response = _response_factors(description.lhs_termlist, factor, formula)
    if needs_response and not response:
        raise FormulaError(f"The formula has no response to the left of '~'.\n    {formula}")
    terms, offsets = [], []
    for term in description.rhs_termlist:
        factors = [factor(item) for item in term.factors]
        if any(item.expression.head == "offset" for item in factors):
            offsets.append(_offset_argument(factors, columns, namespace, env))
        else:
            terms.append(Term(factors))
    return ParsedFormula(formula, response, tuple(terms), tuple(offsets))


def _check_tilde(formula: str, needs_response: bool) -> None:
    places = places_of("~", formula)
    if "~" not in formula and needs_response:
        raise FormulaError(
            f"The formula has no '~' between response and terms; write 'response ~ terms'."
            f"\n    {formula}"
        )
    if len(places) > 1:
        raise FormulaError(
            f"The formula has more than one '~'.\n    {formula}\n    {'^':>{places[1] + 1}}"
        )


_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|.""", re.DOTALL)


def places_of(wanted: str, formula: str) -> list[int]:
    """Return where a sign stands outside of quotes and brackets, within which it is Python's."""
    places, depth = [], 0
    for found in _QUOTED.finditer(formula):
        sign = found.group()
        depth += (sign in ("(", "[", "{")) - (sign in (")", "]", "}"))
        if sign == wanted and depth == 0:
            places.append(found.start())
    return places


def _describe(expanded: str, formula: str) -> ModelDesc:
    """Return patsy's reading of the formula."""
    limit = sys.getrecursionlimit()
    # patsy descends once for each sign of a sum, and sums of many columns are common
    sys.setrecursionlimit(min(limit + 4 * len(expanded), 100_000))
    try:
        tree = parse_formula(expanded)
        check_terms(tree, formula)
        return ModelDesc.from_formula(tree)
    except PatsyError as error:
        raise FormulaError(_with_caret(error, expanded)) from error
    except tokenize.TokenError as error:
        raise FormulaError(
            f"The formula ends before it is complete ({error.args[0]}).\n    {formula}"
        ) from error
    except (AssertionError, RecursionError) as error:
        raise FormulaError(f"The formula cannot be read.\n    {formula}") from error
    finally:
        sys.setrecursionlimit(limit)


def _with_caret(error: PatsyError, formula: str) -> str:
    origin = error.origin
    message = str(error.message).strip().capitalize().rstrip(".")
    hint = ""
    if any(word in message.lower() for word in ("unmatched", "unclosed", "paren", "bracket")):
        hint = " Close every parenthesis."
    if origin is None:
        return f"The formula cannot be read: {message}.{hint}\n    {formula}"
    caret = " " * origin.start + "^" * max(1, origin.end - origin.start)
    return f"The formula cannot be read: {message}.{hint}\n    {origin.code}\n    {caret}"


def _expand_dot(formula: str, columns: Sequence[str], reserved: Sequence[str]) -> str:
    """Replace a lone ``.`` on the right-hand side by all other columns."""
    places = places_of("~", formula)
    if "." not in formula or not places:
        return formula
    left, right = formula[: places[0]], formula[places[0] + 1 :]
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(right).readline))
    except (tokenize.TokenError, SyntaxError):
        return formula  # the parser says what is wrong
    pieces, end = [], 0
    previous: tokenize.TokenInfo | None = None
    for token in tokens:
        attribute = previous is not None and previous.type in (tokenize.NAME, tokenize.NUMBER)
        attribute = attribute or (previous is not None and previous.string in (")", "]"))
        if token.string == "." and token.type == tokenize.OP and not attribute:
            pieces += [right[end : token.start[1]], _all_other(left, right, columns, reserved)]
            end = token.end[1]
        previous = token
    return f"{left}~{''.join(pieces)}{right[end:]}" if pieces else formula


def _all_other(left: str, right: str, columns: Sequence[str], reserved: Sequence[str]) -> str:
    # a column inside offset(...) is known, not estimated
    named = _names_in(_tokens(left)) | _names_in(_inside_offsets(_tokens(right)))
    rest = [name for name in columns if name not in named and name not in reserved]
    if not rest:
        raise FormulaError("'.' stands for all other columns, but there are none.")
    return "(" + " + ".join(map(as_factor, rest)) + ")"


def _tokens(code: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(code).readline))


def _inside_offsets(tokens: list[tokenize.TokenInfo]) -> list[tokenize.TokenInfo]:
    inside: list[tokenize.TokenInfo] = []
    depth = 0
    for before, token in itertools.pairwise(tokens):
        if depth or (before.string == "offset" and token.string == "("):
            depth += {"(": 1, ")": -1}.get(token.string, 0)
            inside.append(token)
    return inside


def _names_in(tokens: list[tokenize.TokenInfo]) -> set[str]:
    """Return the columns that code may name, bare or as ``Q("name")``."""
    code = [token.string for token in tokens]
    named = set()
    for i, token in enumerate(tokens):
        if token.type == tokenize.NAME and code[i + 1 : i + 2] not in (["("], ["."]):
            named.add(token.string)
        elif token.type == tokenize.STRING and code[max(i - 2, 0) : i] == ["Q", "("]:
            named.add(token.string.strip("'\""))
    return named


def as_factor(name: Any) -> str:
    """Return the code that names a column in a formula."""
    plain = isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)
    if plain and not name.startswith("_") and name.lower() not in _READ_AS_NUMBERS:
        return str(name)
    return f"Q({name!r})"


_READ_AS_NUMBERS = ("nan", "inf", "infinity")
"""What patsy takes for numbers."""


def _response_factors(terms: Sequence[Any], factor: Any, formula: str) -> tuple[Factor, ...]:
    found = []
    for term in terms:
        if len(term.factors) > 1:
            raise FormulaError(f"The left-hand side cannot hold an interaction.\n    {formula}")
        found += [factor(item) for item in term.factors]
    return tuple(found)


def _offset_argument(
    factors: list[Factor], columns: Sequence[str], namespace: Mapping[str, Any], env: Any
) -> Factor:
    if len(factors) > 1:
        raise FormulaError("offset(...) stands alone: it cannot be part of an interaction.")
    code = factors[0].name().strip()
    inner = code[code.index("(") + 1 : -1].strip()
    expression = check_expression(inner, columns, NAMESPACE, env)
    return Factor(expression, namespace)


def _warn_of_aggregates(parsed: ParsedFormula) -> None:
    for factor in parsed.factors:
        for call in factor.expression.aggregates:
            warn(
                f"{call} in the formula is computed from whatever rows are at hand, so a "
                "prediction for new data would use the new rows' value. center(x), scale(x) and "
                "standardize(x) remember the data of the fit; or compute the number beforehand.",
                FormulaWarning,
            )
