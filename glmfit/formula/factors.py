"""Factors of a formula: expressions that are learned from data and evaluated again.

A factor follows patsy's factor protocol (``name``, ``memorize_*``, ``eval``), so patsy
decides how it is coded; what it evaluates is checked first and sees nothing but the
columns and the listed functions.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from patsy import ContrastMatrix, EvalEnvironment, EvalFactor, PatsyError
from patsy.categorical import _CategoricalBox

from glmfit.errors import DataError, FormulaError, LevelError
from glmfit.formula.namespace import NAMESPACE
from glmfit.formula.safety import Expression
from glmfit.formula.table import Table, all_finite, column_values, first_rows, missing_rows

__all__ = [
    "Factor",
    "Learned",
    "Rows",
    "check_finite",
    "has_known_level",
    "level_codes",
    "missing_in",
]

Array = NDArray[np.float64]


class Rows:
    """The complete rows of a table, seen by factors; columns are converted once.

    Parameters
    ----------
    table : Table
    kept : ndarray of bool, shape (n,)
        Rows to be seen.
    """

    def __init__(self, table: Table, kept: NDArray[np.bool_]) -> None:
        self.table = table
        self.kept = kept
        self._count = int(np.count_nonzero(kept))
        self.all_kept = self._count == kept.size
        self._converted: dict[tuple[str, bool], Any] = {}
        self.evaluated: dict[str, Any] = {}

    def __len__(self) -> int:
        return self._count

    @property
    def index(self) -> pd.Index:
        """Labels of the rows."""
        return self.table.index if self.all_kept else self.table.index[self.kept]

    def column(self, name: str, as_levels: bool) -> Any:
        """Return a converted column."""
        key = (name, as_levels)
        if key not in self._converted:
            series = self.table.column(name)
            if not self.all_kept:
                series = series[self.kept]
            values = column_values(series, name, as_levels=as_levels)
            self._check_finite(values, name)
            self._converted[key] = _read_only(values)
        return self._converted[key]

    def _check_finite(self, values: Any, name: str) -> None:
        if isinstance(values, np.ndarray) and values.dtype.kind == "f":
            check_finite(values, f"Column {name!r}", self.index)


def _read_only(values: Any) -> Any:
    """Return values that np.exp(x, out=x) cannot write over, whoever owns them."""
    if isinstance(values, np.ndarray):
        values = values.view()
        values.flags.writeable = False
    return values


def any_column(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows are marked in any column."""
    return marks if marks.ndim == 1 else np.asarray(marks.any(axis=1))


def check_finite(values: Array, what: str, index: pd.Index) -> None:
    """Raise if any value is infinite; NaN is left to the row mask."""
    if all_finite(values):
        return
    infinite = any_column(np.isinf(values))
    if infinite.any():
        count = int(infinite.sum())
        noun = "value" if count == 1 else "values"
        raise DataError(f"{what} has {count} infinite {noun} ({first_rows(infinite, index)}).")


@dataclass(slots=True)
class Learned:
    """What a factor has learned: its code with the transforms that remember the data."""

    eval_code: str
    transforms: dict[str, Any]
    levels: tuple[Any, ...] | None = None
    n_columns: int = 1
    compiled: Any = None

    def __getstate__(self) -> dict[str, Any]:
        # patsy forbids pickling its transforms; their state is plain arrays
        packed = {
            name: (type(obj).__module__, type(obj).__qualname__, vars(obj))
            for name, obj in self.transforms.items()
        }
        return {
            "eval_code": self.eval_code,
            "transforms": packed,
            "levels": self.levels,
            "n_columns": self.n_columns,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.eval_code = state["eval_code"]
        self.levels = state["levels"]
        self.n_columns = state["n_columns"]
        self.compiled = None
        self.transforms = {}
        for name, (module, qualname, attributes) in state["transforms"].items():
            kind = getattr(importlib.import_module(module), qualname)
            restored = kind.__new__(kind)
            vars(restored).update(attributes)
            self.transforms[name] = restored


class Factor:
    """An expression of the formula, equal to any other with the same code.

    Parameters
    ----------
    expression : Expression
        The checked code.
    namespace : mapping
        Functions that formulas know, and what the caller handed in.
    origin : patsy.Origin, optional
        Where it stands in the formula.
    """

    def __init__(
        self, expression: Expression, namespace: Mapping[str, Any], origin: Any = None
    ) -> None:
        self.expression = expression
        self.namespace = {name: namespace[name] for name in sorted(expression.functions)}
        self.origin = origin

    def name(self) -> str:
        """Return the code, which is the name in tables."""
        return self.expression.code

    def __repr__(self) -> str:
        return f"Factor({self.expression.code!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Factor) and self.expression.code == other.expression.code

    def __hash__(self) -> int:
        return hash(self.expression.code)

    def __getstate__(self) -> dict[str, Any]:
        own = {k: v for k, v in self.namespace.items() if NAMESPACE.get(k) is not v}
        return {"expression": self.expression, "own": own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["expression"], {**NAMESPACE, **state["own"]})  # type: ignore[misc]

    def memorize_passes_needed(self, state: dict[str, Any], eval_env: Any) -> int:
        """Find the transforms that must see the data first (patsy's protocol)."""
        inner = EvalFactor(self.expression.code)
        inner.code = inner.code.strip()  # patsy lays out ~x with a blank before it
        passes = inner.memorize_passes_needed(state, EvalEnvironment([self.namespace]))
        state["inner"] = inner
        state["learned"] = Learned(state["eval_code"].strip(), state["transforms"])
        return int(passes)

    def memorize_chunk(self, state: dict[str, Any], which_pass: int, data: Rows) -> None:
        """Show the rows to the transforms of one pass."""
        names = self._names(state["learned"], data)
        for transform in state["pass_bins"][which_pass]:
            self._run(state["memorize_code"][transform], names)

    def memorize_finish(self, state: dict[str, Any], which_pass: int) -> None:
        """End one pass."""
        for transform in state["pass_bins"][which_pass]:
            self._guarded(state["transforms"][transform].memorize_finish)

    def eval(self, state: dict[str, Any], data: Rows) -> Any:
        """Return the value on ``data``, evaluated once per set of rows."""
        return self.value(state["learned"], data)

    def value(self, learned: Learned, data: Rows) -> Any:
        """Return a float array (n,) or (n, k), a bool array, or a Categorical box."""
        code = self.expression.code
        if code not in data.evaluated:
            if learned.compiled is None:
                learned.compiled = compile(learned.eval_code, f"<formula {code}>", "eval")
            value = self._run(learned.compiled, self._names(learned, data))
            data.evaluated[code] = _tidy(value, code, data)
        return data.evaluated[code]

    def _names(self, learned: Learned, data: Rows) -> dict[str, Any]:
        as_levels = self.expression.head == "C"
        names = {**self.namespace, **learned.transforms, "__builtins__": {}}
        names["Q"] = lambda column: data.column(column, as_levels)
        for column in self.expression.columns:
            names[column] = data.column(column, as_levels)
        return names

    def _run(self, code: Any, names: dict[str, Any]) -> Any:
        # the code was checked by check_expression and sees no builtins
        return self._guarded(lambda: eval(code, names))

    def _guarded(self, action: Callable[[], Any]) -> Any:
        try:
            with np.errstate(all="ignore"):
                return action()
        except PatsyError as error:
            raise FormulaError(f"{self.expression.code!r}: {error.message}") from error
        except NotImplementedError as error:  # patsy's splines beyond their knots
            raise FormulaError(
                f"{self.expression.code!r} cannot be evaluated on these data: {error} Give "
                "lower_bound= and upper_bound= as wide as the values that will be asked for."
            ) from error
        except MemoryError as error:
            raise FormulaError(
                f"{self.expression.code!r} needs more memory than there is ({error})."
            ) from error
        except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
            raise FormulaError(
                f"{self.expression.code!r} cannot be evaluated on these data: {error}"
            ) from error


def _tidy(value: Any, code: str, data: Rows) -> Any:
    """Bring a value to one of the forms that the assembly knows."""
    if isinstance(value, _CategoricalBox):
        return _boxed(value, code, len(data))
    if isinstance(value, pd.Categorical):
        return value
    if isinstance(value, (pd.Series, pd.DataFrame)):
        value = value.to_numpy()
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise FormulaError(f"{code!r} is not one number for each row ({error}).") from error
    if array.ndim == 0 and array.dtype.kind in "biuf":
        array = np.full(len(data), array)
    if array.dtype.kind == "b" and array.shape == (len(data),):
        return array
    if array.dtype.kind not in "biuf" or array.ndim > 2 or array.shape[0] != len(data):
        raise FormulaError(
            f"{code!r} gives {type(value).__name__} of shape {np.shape(value)}, "
            f"not one number for each of the {len(data)} rows."
        )
    return np.asarray(array, dtype=np.float64)


def _boxed(box: Any, code: str, rows: int) -> Any:
    """Return patsy's C() box with its data as a Categorical, which patsy reads at once."""
    data = box.data
    if not isinstance(data, pd.Categorical):
        if np.shape(data) != (rows,):
            raise FormulaError(
                f"{code!r} has values of shape {np.shape(data)}, not one for each of the {rows} "
                "rows."
            )
        data = pd.Categorical(data)
    levels = None if box.levels is None else _levels(box.levels, code)
    return _CategoricalBox(data, _contrast(box.contrast, code), levels)


def _levels(levels: Any, code: str) -> list[Any]:
    flat = isinstance(levels, (np.ndarray, pd.Index)) and levels.ndim == 1
    listed = list(levels) if flat or isinstance(levels, (list, tuple)) else []
    plain = all(isinstance(level, Hashable) for level in listed)
    if not listed or not plain or len(set(listed)) != len(listed):
        raise FormulaError(
            f"levels of {code!r} must be a list of different values (got {levels!r})."
        )
    return listed


def _contrast(contrast: Any, code: str) -> Any:
    """Return a contrast that patsy can code levels by."""
    try:
        contrast = contrast() if callable(contrast) else contrast
    except (TypeError, ValueError) as error:
        raise FormulaError(f"The contrast of {code!r} cannot be made: {error}") from error
    if contrast is None or hasattr(contrast, "code_without_intercept"):
        if isinstance(getattr(contrast, "reference", None), np.ndarray):
            raise FormulaError(f"The reference in {code!r} must be one level.")
        return contrast
    _check_contrast(contrast, code)
    return contrast


def _check_contrast(contrast: Any, code: str) -> None:
    matrix = np.asarray(contrast.matrix if isinstance(contrast, ContrastMatrix) else contrast)
    if matrix.dtype.kind not in "iuf":
        raise FormulaError(
            f"The contrast of {code!r} must be Treatment, Sum, Helmert, Diff, Poly (without "
            f"quotes) or a matrix with a row for each level (got {type(contrast).__name__})."
        )
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise FormulaError(
            f"The contrast of {code!r} must be a matrix with a row of numbers for each level "
            f"(got the shape {matrix.shape})."
        )


def level_codes(value: Any, levels: tuple[Any, ...], name: str, index: pd.Index) -> NDArray[Any]:
    """Return the position of each row's level among ``levels``.

    Raises
    ------
    LevelError
        If a row has a level that is not among them.
    """
    value, found = _positions(value, levels)
    unseen = found < 0
    if unseen.any():
        row = int(np.argmax(unseen))
        label = value[row]
        seen = ", ".join(map(str, levels[:12])) + (", ..." if len(levels) > 12 else "")
        raise LevelError(
            f"{name} has the level {label!r} that was not in the data of the fit "
            f"({first_rows(unseen, index)}; seen: {seen})."
        )
    dtype = np.int16 if len(levels) < 2**15 else np.int32
    return found.astype(dtype)


def has_known_level(value: Any, levels: tuple[Any, ...]) -> NDArray[np.bool_]:
    """Return which rows have one of ``levels``."""
    return np.asarray(_positions(value, levels)[1] >= 0)


def _positions(value: Any, levels: tuple[Any, ...]) -> tuple[pd.Categorical, NDArray[np.intp]]:
    """Return the values as categories, and where each is among ``levels`` (-1: nowhere)."""
    if isinstance(value, _CategoricalBox):
        value = value.data
    if isinstance(value, np.ndarray):
        value = pd.Categorical(value)
    where = pd.Index(levels, dtype=object).get_indexer(value.categories.astype(object))
    codes = np.asarray(value.codes)
    if not len(where):
        return value, np.full(codes.size, -1)
    return value, np.where(codes < 0, -1, where[codes])


def missing_in(table: Table, names: list[str]) -> dict[str, NDArray[np.bool_]]:
    """Return, for each named column that has missing rows, which ones they are."""
    masks = {name: missing_rows(table.column(name)) for name in names}
    return {name: mask for name, mask in masks.items() if mask.any()}
