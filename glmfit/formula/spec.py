"""A formula, what it has learned from data, and the design that it makes of rows.

`parse` reads the text; `ModelSpec.learn` looks at the data once (levels, knots, means);
`ModelSpec.rows` makes design, offset and row mask of any data, the same at fit and at
prediction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from patsy import EvalEnvironment, PatsyError, Term
from patsy.build import design_matrix_builders

from glmfit.design import Design
from glmfit.errors import (
    ArgumentError,
    DataError,
    DataWarning,
    FormulaError,
    GlmfitError,
    MissingDataError,
    UnknownNameError,
    suggest,
    warn,
)
from glmfit.formula.assembly import Assembly, Subterm
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
from glmfit.formula.limits import check_columns
from glmfit.formula.parsing import ParsedFormula, parse
from glmfit.formula.table import Table, first_rows, warn_if_numbers_as_text

__all__ = [
    "DesignRows",
    "ModelSpec",
    "ParsedFormula",
    "check_level_count",
    "parse",
    "warn_of_one_level",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
MAX_RELEARN = 3

MAX_LEVELS = 12_000
"""Levels beyond which a factor may not be written out in columns."""


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
    term_order : tuple of str
        The terms as the formula has them, main effects before interactions; patsy puts
        columns of factors before those of numbers.
    """

    text: str
    response_name: str
    response: tuple[Factor, ...]
    offsets: tuple[Factor, ...]
    learned: dict[str, Learned]
    subterms: tuple[Subterm, ...]
    column_names: tuple[str, ...]
    term_slices: dict[str, slice]
    term_order: tuple[str, ...] = ()

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
            undefined = spec._undefined(rows, (*spec.response, *spec._right_factors()))
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
        alone = dict.fromkeys((*parsed.response, *parsed.offsets))
        solo = [Term([factor]) for factor in alone]
        for factor in parsed.factors:
            for column in factor.expression.columns - _explicit(factor):
                warn_if_numbers_as_text(rows.column(column, False), column)
            _check_levels(factor, rows)
        check_columns([_fewest_columns(term, rows) for term in parsed.terms])
        return cls.coded(parsed, *coded_by_patsy([list(parsed.terms), solo], rows))

    @classmethod
    def coded(cls, parsed: ParsedFormula, info: Any, extra: Any) -> ModelSpec:
        """Return the spec of patsy's coding of the terms, ``info``, and of the other factors."""
        check_columns([len(info.column_names)])
        learned = {}
        for factor, found in {**extra.factor_infos, **info.factor_infos}.items():
            state: Learned = found.state["learned"]
            state.levels = found.categories
            state.n_columns = found.num_columns or 1
            learned[factor.name()] = state
        own = {factor: factor for factor in parsed.factors}
        subterms = tuple(
            Subterm(
                tuple(own[factor] for factor in sub.factors),
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
            term_order=tuple(
                term.name() for term in sorted(parsed.terms, key=lambda term: len(term.factors))
            ),
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
        self._check_columns(table, self.columns())
        kept = np.ones(len(table), dtype=bool)
        dropped = {}
        for name, mask in missing_in(table, self.columns()).items():
            dropped[name] = int(mask.sum())
            kept &= ~mask
        rows = Rows(table, kept)
        if new_levels == "nan":
            kept = self._known_levels(rows)
            rows = Rows(table, kept)
        # the response may be missing, or anything: it is what is to be predicted
        undefined = self._undefined(rows, self._right_factors())
        if undefined:
            rows = Rows(table, _shrink(kept, undefined))
        return self._assemble(rows, dropped, with_response=False)

    def fitted_rows(
        self, table: Table, kept: Mask, *, with_design: bool = True
    ) -> tuple[DesignRows, tuple[Any, ...]]:
        """Return the given rows of the fit, and their response.

        Parameters
        ----------
        table : Table
        kept : ndarray of bool, shape (n,)
        with_design : bool
            Whether the columns are made; without, only the offset and the response are.

        Returns
        -------
        DesignRows
        tuple
            Values of the response factors; categories are those of the fit.
        """
        rows = Rows(table, kept)
        self._refuse_undefined(rows, with_design=with_design)
        made = (self if with_design else replace(self, subterms=()))._assemble(rows, {})
        response = []
        for factor, value in zip(self.response, made.response, strict=True):
            levels = self.learned[factor.name()].levels
            if not isinstance(value, np.ndarray) and levels is not None:
                value = getattr(value, "data", value).set_categories(list(levels))
            response.append(value)
        return made, tuple(response)

    def _refuse_undefined(self, rows: Rows, *, with_design: bool) -> None:
        """Raise if a transform that has learned from all rows is NaN in a complete one.

        Only once all rows were seen does it have a value, so its rows were not left out.
        """
        factors = (*self.response, *(self._right_factors() if with_design else self.offsets))
        learning = tuple(f for f in factors if self.learned[f.name()].transforms)
        for name, mask in self._undefined(rows, learning).items():
            raise DataError(
                f"{name} is not a number for some rows whose columns are complete "
                f"({first_rows(mask, rows.index)}). Leave these rows out, or set the column to "
                "missing there."
            )

    def response_values(self, data: Any) -> tuple[tuple[Any, ...], Mask]:
        """Return the response of new data, and which of their n rows have one.

        Parameters
        ----------
        data : DataFrame, dict or another table

        Returns
        -------
        tuple
            Values of the response factors in the m complete rows.
        ndarray of bool, shape (n,)
        """
        table = Table(data)
        columns = sorted({c for f in self.response for c in f.expression.all_columns})
        self._check_columns(table, columns)
        kept = np.ones(len(table), dtype=bool)
        for mask in missing_in(table, columns).values():
            kept &= ~mask
        values = self._response_of(Rows(table, kept))
        undefined = [
            any_column(np.isnan(value))
            for value in values
            if isinstance(value, np.ndarray) and value.dtype.kind == "f"
        ]
        if any(mask.any() for mask in undefined):
            kept = _shrink(kept, dict(enumerate(undefined)))
            values = self._response_of(Rows(table, kept))
        # C() boxes its categories
        plain = (v if isinstance(v, np.ndarray) else getattr(v, "data", v) for v in values)
        return tuple(plain), kept

    def _response_of(self, rows: Rows) -> tuple[Any, ...]:
        return tuple(f.value(self.learned[f.name()], rows) for f in self.response)

    def _check_columns(self, table: Table, needed: list[str]) -> None:
        absent = [name for name in needed if name not in table]
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

    def _undefined(self, rows: Rows, factors: tuple[Factor, ...]) -> dict[str, Mask]:
        """Return the rows for which a factor is NaN although its columns are not."""
        found = {}
        for factor in dict.fromkeys(factors):
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
        response = self._response_of(rows) if with_response else ()
        design = Assembly(self.subterms, self.learned, rows).design()
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
                warn_of_one_level(factor.name(), levels[0])

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

    def term_factors(self) -> dict[str, frozenset[str]]:
        """Return, for each term with columns, the factors that it is made of."""
        found: dict[str, frozenset[str]] = {}
        start = 0
        for sub in self.subterms:
            widths = [
                sub.contrasts[f.name()].shape[1]
                if f.name() in sub.contrasts
                else self.learned[f.name()].n_columns
                for f in sub.factors
            ]
            stop = start + math.prod(widths)
            for term, part in self.term_slices.items():
                if part.start <= start < part.stop and start < stop:
                    own = frozenset(f.name() for f in sub.factors)
                    found[term] = found.get(term, frozenset()) | own
            start = stop
        return found

    def uncentred_factors(self) -> list[str]:
        """Return the factors whose contrasts do not sum to zero over the levels."""
        found = []
        for sub in self.subterms:
            for name, matrix in sub.contrasts.items():
                if np.abs(matrix.sum(axis=0)).max(initial=0.0) > 1e-8 and name not in found:
                    found.append(name)
        return found

    def main_effects(self) -> dict[str, tuple[Array, tuple[Any, ...]]]:
        """Return, for each factor that is a term, its coding (levels, columns) and its levels."""
        found = {}
        for sub in self.subterms:
            if len(sub.factors) != 1 or sub.factors[0].name() not in sub.contrasts:
                continue
            name = sub.factors[0].name()
            coding, part = sub.contrasts[name], self.term_slices.get(name, slice(0, 0))
            if coding.shape[1] == part.stop - part.start:
                found[name] = (coding, self.learned[name].levels or ())
        return found


def coded_by_patsy(terms: list[list[Term]], rows: Any) -> list[Any]:
    """Return patsy's coding of each list of terms."""
    try:
        coded: list[Any] = design_matrix_builders(
            terms, lambda: iter([rows]), EvalEnvironment([{}])
        )
    except PatsyError as error:
        raise FormulaError(str(error)) from error
    except GlmfitError:
        raise
    except ValueError as error:  # what patsy says of contrasts that do not fit the levels
        raise FormulaError(f"The formula cannot be coded: {error}.") from error
    return coded


def _check_levels(factor: Factor, rows: Rows) -> None:
    """Refuse a column of so many levels that its contrasts alone would fill memory."""
    for column in factor.expression.columns:
        values = rows.column(column, column in _explicit(factor))
        check_level_count(column, len(getattr(values, "categories", ())))


def check_level_count(column: str, count: int) -> None:
    """Raise if a factor has too many levels to be written out in columns."""
    if count > MAX_LEVELS:
        raise ArgumentError(
            f"{column} has {count} levels; as columns of a design their contrasts alone take "
            f"{8.0 * count**2 / 2.0**30:.1f} GB. Leave {column} out of the formula and give "
            f"absorb=[{column!r}], which fits the same effects in little memory."
        )


def warn_of_one_level(name: str, level: Any) -> None:
    """Warn of a factor that makes no column."""
    warn(
        f"The factor {name} has one level only ({level!r}), so it cannot be told from the "
        "intercept.",
        DataWarning,
    )


def _fewest_columns(term: Any, rows: Rows) -> int:
    """Return a number of columns that a term has at least, known before it is coded."""
    return math.prod(max(_count_levels(factor, rows) - 1, 1) for factor in term.factors)


def _count_levels(factor: Factor, rows: Rows) -> int:
    """Return how many levels a column has that stands alone or in C(); else 0."""
    expression = factor.expression
    explicit = expression.head == "C"
    if not explicit and expression.code not in expression.columns:
        return 0
    values = [rows.column(name, explicit) for name in expression.all_columns]
    if explicit and len(values) == 1 and isinstance(values[0], np.ndarray):
        return len(pd.unique(values[0]))
    return max((len(v.categories) for v in values if isinstance(v, pd.Categorical)), default=0)


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


def _shrink(kept: Mask, undefined: Mapping[Any, Mask]) -> Mask:
    out = kept.copy()
    out[np.flatnonzero(kept)] = ~np.logical_or.reduce(list(undefined.values()))
    return out
