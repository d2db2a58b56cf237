"""A formula, what it has learned from data, and the design that it makes of rows.

`parse` reads the text; `ModelSpec.learn` looks at the data once (levels, knots, means);
`ModelSpec.rows` makes design, offset and row mask of any data, the same at fit and at
prediction.
"""

from __future__ import annotations

import io
import itertools
import keyword
import re
import sys
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from patsy import EvalEnvironment, ModelDesc, PatsyError, Term
from patsy.build import design_matrix_builders
from scipy import sparse

from glmfit.design import Categorical, Dense, Design, Mapped, stack
from glmfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    DataError,
    DataWarning,
    FormulaError,
    FormulaWarning,
    MissingDataError,
    UnknownNameError,
    suggest,
    warn,
)
from glmfit.formula.factors import (
    Factor,
    Learned,
    Rows,
    any_column,
    check_finite,
    has_known_level,
    level_codes,
    missing_in,
)
from glmfit.formula.namespace import NAMESPACE
from glmfit.formula.safety import check_expression
from glmfit.formula.table import Table, first_rows, warn_if_numbers_as_text

__all__ = ["DesignRows", "ModelSpec", "ParsedFormula", "Subterm", "parse"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MAX_RELEARN = 3
FILL_ROWS = 4096


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
    _check_tilde(formula, needs_response)
    expanded = _expand_dot(formula, columns, reserved)
    description = _describe(expanded, formula)
    env = env or {}
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
    parsed = ParsedFormula(formula, response, tuple(terms), tuple(offsets))
    _warn_of_aggregates(parsed)
    return parsed


def _check_tilde(formula: str, needs_response: bool) -> None:
    places = _tildes(formula)
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


def _tildes(formula: str) -> list[int]:
    """Return where '~' stands outside of quotes and brackets, within which it means 'not'."""
    places, depth = [], 0
    for found in _QUOTED.finditer(formula):
        sign = found.group()
        depth += (sign in ("(", "[", "{")) - (sign in (")", "]", "}"))
        if sign == "~" and depth == 0:
            places.append(found.start())
    return places


def _describe(expanded: str, formula: str) -> ModelDesc:
    """Return patsy's reading of the formula."""
    limit = sys.getrecursionlimit()
    # patsy descends once for each sign of a sum, and sums of many columns are common
    sys.setrecursionlimit(min(limit + 4 * len(expanded), 100_000))
    try:
        return ModelDesc.from_formula(expanded)
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
    places = _tildes(formula)
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
    return "(" + " + ".join(map(_as_factor, rest)) + ")"


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


def _as_factor(name: Any) -> str:
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


@dataclass(frozen=True, slots=True)
class Subterm:
    """How one part of a term becomes columns: contrasts by factor, in order."""

    factors: tuple[Factor, ...]
    contrasts: Mapping[str, Array]
    """Contrast matrix (levels, columns) of each categorical factor, by its name."""


@dataclass(frozen=True, slots=True)
class DesignRows:
    """What a formula makes of data.

    Attributes
    ----------
    design : Design
        Shape (m, p), for the m complete rows.
    offset : ndarray of shape (m,) or None
    response : tuple
        Values of the response factors; empty when they were not asked for.
    kept : ndarray of bool, shape (n,)
        Which rows of the data are complete.
    dropped : dict of str to int
        Rows with a missing value, by column.
    index : Index of length n
        Labels of all rows.
    """

    design: Design
    offset: Array | None
    response: tuple[Any, ...]
    kept: Mask
    dropped: dict[str, int]
    index: pd.Index


@dataclass(slots=True)
class ModelSpec:
    """A formula together with what it has learned.

    Attributes
    ----------
    formula : ParsedFormula or its pickled remains
    learned : dict of str to Learned
        By factor name.
    subterms : tuple of Subterm
    column_names : tuple of str
        As patsy names them.
    term_slices : dict of str to slice
        Columns of each term.
    """

    text: str
    response_name: str
    response: tuple[Factor, ...]
    offsets: tuple[Factor, ...]
    learned: dict[str, Learned]
    subterms: tuple[Subterm, ...]
    column_names: tuple[str, ...]
    term_slices: dict[str, slice]

    @classmethod
    def learn(
        cls,
        parsed: ParsedFormula,
        table: Table,
        also_missing: Mask,
        *,
        missing: str,
        outside: Mask | None = None,
    ) -> tuple[ModelSpec, DesignRows]:
        """Learn levels and transforms from the complete rows, and assemble these.

        Parameters
        ----------
        parsed : ParsedFormula
        table : Table
        also_missing : ndarray of bool, shape (n,)
            Rows to leave out for other reasons (missing weights, say).
        missing : {"drop", "raise"}
        outside : ndarray of bool, shape (n,), optional
            Rows that the user left out; they count as neither missing nor dropped.

        Returns
        -------
        ModelSpec, DesignRows
        """
        left = np.zeros(len(table), dtype=bool) if outside is None else outside
        kept, dropped = _complete_rows(parsed, table, also_missing, left, missing)
        for _ in range(MAX_RELEARN):
            rows = Rows(table, kept)
            spec = cls._learn_from(parsed, rows)
            undefined = spec._undefined(rows)
            if not undefined:
                break
            for code, mask in undefined.items():
                _warn_undefined(code, mask, rows, missing)
                dropped[code] = int(mask.sum())
            kept = _shrink(kept, undefined)
        design_rows = spec._assemble(rows, dropped)
        spec._warn_of_levels(rows)
        return spec, design_rows

    @classmethod
    def _learn_from(cls, parsed: ParsedFormula, rows: Rows) -> ModelSpec:
        # the response and the offsets learn too: bs() may stand there as well
        solo = [Term([factor]) for factor in (*parsed.response, *parsed.offsets)]
        for factor in parsed.factors:
            for column in factor.expression.columns - _explicit(factor):
                warn_if_numbers_as_text(rows.column(column, False), column)
        try:
            info, extra = design_matrix_builders(
                [list(parsed.terms), solo], lambda: iter([rows]), EvalEnvironment([{}])
            )
        except PatsyError as error:
            raise FormulaError(str(error)) from error
        learned = {}
        for factor, found in {**extra.factor_infos, **info.factor_infos}.items():
            state: Learned = found.state["learned"]
            state.levels = found.categories
            state.n_columns = found.num_columns or 1
            learned[factor.name()] = state
        subterms = tuple(
            Subterm(
                tuple(sub.factors),
                {f.name(): np.asarray(c.matrix) for f, c in sub.contrast_matrices.items()},
            )
            for term in info.terms
            for sub in info.term_codings[term]
        )
        return cls(
            text=parsed.text,
            response_name=parsed.response_name,
            response=parsed.response,
            offsets=parsed.offsets,
            learned=learned,
            subterms=subterms,
            column_names=tuple(info.column_names),
            term_slices=dict(info.term_name_slices),
        )

    def rows(self, data: Any, *, new_levels: str = "raise") -> DesignRows:
        """Return the design of new data; rows with missing values are left out.

        Parameters
        ----------
        data : DataFrame, dict or another table
        new_levels : {"raise", "nan"}
            Whether a level that the fit has not seen is an error, or leaves its row out.
        """
        if new_levels not in ("raise", "nan"):
            raise ArgumentError(f"new_levels must be 'raise' or 'nan' (got {new_levels!r}).")
        table = Table(data)
        self._check_columns(table)
        kept = np.ones(len(table), dtype=bool)
        dropped = {}
        for name, mask in missing_in(table, self.columns()).items():
            dropped[name] = int(mask.sum())
            kept &= ~mask
        rows = Rows(table, kept)
        if new_levels == "nan":
            kept = self._known_levels(rows)
            rows = Rows(table, kept)
        undefined = self._undefined(rows)
        if undefined:
            rows = Rows(table, _shrink(kept, undefined))
        return self._assemble(rows, dropped, with_response=False)

    def _check_columns(self, table: Table) -> None:
        absent = [name for name in self.columns() if name not in table]
        if absent:
            raise UnknownNameError(
                f"The new data have no column {absent[0]!r}, which the formula {self.text!r} "
                f"needs.{suggest(absent[0], map(str, table.names))}"
            )

    def _known_levels(self, rows: Rows) -> Mask:
        """Return which rows have only levels that the fit has seen."""
        known = np.ones(len(rows), dtype=bool)
        for factor in self._right_factors():
            learned = self.learned[factor.name()]
            if learned.levels is not None:
                known &= has_known_level(factor.value(learned, rows), learned.levels)
        kept = rows.kept.copy()
        kept[np.flatnonzero(rows.kept)] = known
        return kept

    def columns(self) -> list[str]:
        """Return the columns of the data that the right-hand side reads."""
        return sorted({c for f in self._right_factors() for c in f.expression.all_columns})

    def _right_factors(self) -> tuple[Factor, ...]:
        found = [factor for sub in self.subterms for factor in sub.factors]
        return tuple(dict.fromkeys([*found, *self.offsets]))

    def _undefined(self, rows: Rows) -> dict[str, Mask]:
        """Return the rows for which a factor is NaN although its columns are not."""
        found = {}
        for factor in dict.fromkeys([*self.response, *self._right_factors()]):
            if factor.name() not in self.learned or not self._readable(factor, rows):
                continue
            value = factor.value(self.learned[factor.name()], rows)
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                check_finite(value, factor.name(), rows.index)
                mask = any_column(np.isnan(value))
                if mask.any():
                    found[factor.name()] = mask
        return found

    @staticmethod
    def _readable(factor: Factor, rows: Rows) -> bool:
        return all(column in rows.table for column in factor.expression.all_columns)

    def _assemble(
        self, rows: Rows, dropped: dict[str, int], *, with_response: bool = True
    ) -> DesignRows:
        offset: Array | None = None
        for factor in self.offsets:
            value = factor.value(self.learned[factor.name()], rows)
            if not isinstance(value, np.ndarray) or value.ndim != 1:
                raise FormulaError(f"offset({factor.name()}) is not one number a row.")
            offset = value.astype(float) if offset is None else offset + value
        response = (
            tuple(f.value(self.learned[f.name()], rows) for f in self.response)
            if with_response
            else ()
        )
        design = _Assembly(self, rows).design()
        return DesignRows(design, offset, response, rows.kept, dropped, rows.table.index)

    def _warn_of_levels(self, rows: Rows) -> None:
        for factor in self._right_factors():
            levels = self.learned[factor.name()].levels
            if levels is not None and len(levels) == 1:
                # no column comes of it, so nothing else has looked for other levels
                level_codes(
                    factor.value(self.learned[factor.name()], rows),
                    levels,
                    factor.name(),
                    rows.index,
                )
                warn(
                    f"The factor {factor.name()} has one level only ({levels[0]!r}), "
                    "so it cannot be told from the intercept.",
                    DataWarning,
                )

    def reference_levels(self) -> dict[str, Any]:
        """Return, for each factor coded against a reference, that level."""
        found: dict[str, Any] = {}
        for sub in self.subterms:
            for name, matrix in sub.contrasts.items():
                levels = self.learned[name].levels
                empty = np.flatnonzero(~matrix.any(axis=1))
                treatment = np.isin(matrix, (0.0, 1.0)).all() and matrix.shape[1] == len(matrix) - 1
                if levels is not None and treatment and empty.size == 1:
                    found.setdefault(name, levels[int(empty[0])])
        return found


def _explicit(factor: Factor) -> frozenset[str]:
    """Return the columns that the user has called categories, by C()."""
    return factor.expression.columns if factor.expression.head == "C" else frozenset()


def _complete_rows(
    parsed: ParsedFormula, table: Table, also_missing: Mask, outside: Mask, missing: str
) -> tuple[Mask, dict[str, int]]:
    used = sorted({c for factor in parsed.factors for c in factor.expression.all_columns})
    if len(table) == 0:
        raise DataError("The data have no rows.")
    masks = {name: mask & ~outside for name, mask in missing_in(table, used).items()}
    masks = {name: mask for name, mask in masks.items() if mask.any()}
    if masks and missing == "raise":
        told = "; ".join(
            f"{name} has {int(m.sum())} ({first_rows(m, table.index)})" for name, m in masks.items()
        )
        raise MissingDataError(f"There are missing values: {told}.")
    kept = ~(also_missing | outside)
    for mask in masks.values():
        kept &= ~mask
    if not kept.any():
        entirely = [name for name, mask in masks.items() if mask.all()]
        told = f"; column {entirely[0]} is entirely missing" if entirely else ""
        raise MissingDataError(f"No complete row is left{told}.")
    return kept, {name: int(mask.sum()) for name, mask in masks.items()}


def _warn_undefined(code: str, mask: Mask, rows: Rows, missing: str) -> None:
    count = int(mask.sum())
    noun = "row" if count == 1 else "rows"
    told = f"{code} is not a number for {count} {noun} ({first_rows(mask, rows.index)})"
    if missing == "raise" or count == len(rows):
        raise MissingDataError(f"{told}.")
    warn(f"{told}, which are left out.", DataWarning)


def _shrink(kept: Mask, undefined: Mapping[str, Mask]) -> Mask:
    out = kept.copy()
    out[np.flatnonzero(kept)] = ~np.logical_or.reduce(list(undefined.values()))
    return out


class _Assembly:
    """Turns the factors of one set of rows into blocks and the map T."""

    def __init__(self, spec: ModelSpec, rows: Rows) -> None:
        self.spec = spec
        self.rows = rows
        self.dense: list[Array] = []
        self.dense_keys: dict[tuple[Any, ...], int] = {}
        self.blocks: list[Categorical] = []
        self.block_keys: dict[tuple[Any, ...], int] = {}
        self.entries: list[tuple[int, int, NDArray[Any]]] = []
        """(block or -1 for dense, position or -1, weights of the stored columns)"""

    def design(self) -> Design:
        """Return the design of all subterms."""
        for sub in self.spec.subterms:
            self._add(sub)
        stored = stack(self._parts())
        if not self.blocks and [place for _, place, _ in self.entries] == [*range(stored.shape[1])]:
            return stored  # the columns are the stored ones
        return Mapped(stored, self._transform())

    def _add(self, sub: Subterm) -> None:
        numeric = [f for f in sub.factors if f.name() not in sub.contrasts]
        factors = [f for f in sub.factors if f.name() in sub.contrasts]
        widths = [
            sub.contrasts[f.name()].shape[1] if f in factors else self._learned(f).n_columns
            for f in sub.factors
        ]
        # the leftmost factor varies fastest, as patsy and R have it
        for reversed_position in itertools.product(*(range(w) for w in reversed(widths))):
            position = dict(zip(sub.factors, reversed_position[::-1], strict=True))
            column_key = tuple((f.name(), position[f]) for f in numeric)
            if not factors:
                self.entries.append((-1, self._dense_column(numeric, position, column_key), _ONE))
                continue
            block = self._block(factors, numeric, position, column_key)
            weights: Array = _ONE
            for f in factors:
                column = sub.contrasts[f.name()][:, position[f]]
                weights = np.outer(weights, column).ravel()
            self.entries.append((block, -1, weights))

    def _learned(self, factor: Factor) -> Learned:
        return self.spec.learned[factor.name()]

    def _numeric(self, factors: list[Factor], position: Mapping[Factor, int]) -> Array | None:
        product: Array | None = None
        for f in factors:
            value = f.value(self._learned(f), self.rows)
            if not isinstance(value, np.ndarray):
                raise DataError(f"{f.name()} was a number in the data of the fit; it is text here.")
            column = value if value.ndim == 1 else value[:, position[f]]
            product = column.astype(float, copy=False) if product is None else product * column
        return product

    def _dense_column(
        self, numeric: list[Factor], position: Mapping[Factor, int], key: tuple[Any, ...]
    ) -> int:
        if key not in self.dense_keys:
            values = self._numeric(numeric, position)
            self.dense.append(np.ones(len(self.rows)) if values is None else values)
            self.dense_keys[key] = len(self.dense) - 1
        return self.dense_keys[key]

    def _block(
        self,
        factors: list[Factor],
        numeric: list[Factor],
        position: Mapping[Factor, int],
        column_key: tuple[Any, ...],
    ) -> int:
        key = (tuple(f.name() for f in factors), column_key)
        if key not in self.block_keys:
            codes, n_levels = self._codes(factors)
            self.blocks.append(Categorical(codes, n_levels, self._numeric(numeric, position)))
            self.block_keys[key] = len(self.blocks) - 1
        return self.block_keys[key]

    def _codes(self, factors: list[Factor]) -> tuple[NDArray[Any], int]:
        codes: NDArray[Any] | None = None
        size = 1
        for f in factors:
            learned = self._learned(f)
            levels = learned.levels or ()
            value = f.value(learned, self.rows)
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                raise DataError(
                    f"{f.name()} was a factor in the data of the fit; it is numeric here."
                )
            own = level_codes(value, levels, f.name(), self.rows.index)
            size *= len(levels)
            codes = own if codes is None else codes.astype(np.int32) * len(levels) + own
        assert codes is not None
        return codes, size

    def _parts(self) -> list[Design]:
        parts: list[Design] = []
        if self.dense or not self.blocks:
            parts.append(Dense(_row_major(self.dense, len(self.rows))))
        return [*parts, *self.blocks]

    def _transform(self) -> sparse.csr_array:
        starts = np.cumsum([len(self.dense), *(b.n_levels for b in self.blocks)])
        rows, columns, data = [], [], []
        for j, (block, position, weights) in enumerate(self.entries):
            where = np.array([position]) if block < 0 else starts[block] + np.flatnonzero(weights)
            rows.append(where)
            columns.append(np.full(where.size, j))
            data.append(weights[weights != 0.0] if block >= 0 else _ONE)
        shape = (int(starts[-1]), len(self.entries))
        if not rows:
            return sparse.csr_array(shape)
        return sparse.csr_array(
            (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))), shape=shape
        )


def _row_major(columns: list[Array], n: int) -> Array:
    """Return the columns as one row-major matrix, filled a cacheful of rows at a time."""
    matrix = np.empty((n, len(columns)))
    for start in range(0, n, FILL_ROWS):
        rows = slice(start, start + FILL_ROWS)
        for j, column in enumerate(columns):
            matrix[rows, j] = column[rows]
    return matrix


_ONE: Array = np.ones(1)
