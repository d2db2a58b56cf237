"""How numbers, columns, cases and functions are written in SQL and in Python."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from glmfit.errors import NotAvailableError

__all__ = ["SQL_DIALECTS", "Language", "PythonSource", "Sql"]


class Language(Protocol):
    """What the translation of a formula asks of a language; everything is text."""

    functions: ClassVar[Mapping[str, str]]
    """Templates of NumPy's functions, by name."""

    @property
    def name(self) -> str:
        """What it is called."""

    def number(self, value: float) -> str:
        """Return a double."""

    def column(self, name: str) -> str:
        """Return a column as it is."""

    def as_number(self, code: str) -> str:
        """Return a column as a double."""

    def level(self, value: Any) -> str:
        """Return a level of a factor."""

    def truth(self, value: bool) -> str:
        """Return a truth value."""

    def equal(self, left: str, right: str) -> str:
        """Return whether two values are the same."""

    def every(self, conditions: Sequence[str]) -> str:
        """Return whether all conditions hold."""

    def either(self, conditions: Sequence[str]) -> str:
        """Return whether any condition holds."""

    def negated(self, condition: str) -> str:
        """Return whether a condition does not hold."""

    def cases(self, branches: Sequence[tuple[str, str]], otherwise: str | None = None) -> str:
        """Return the value of the first condition that holds; unknown where none does."""

    def shown(self, name: str) -> bool:
        """Return whether a function of the language's own is there."""


_COMMON = {
    "exp": "exp({0})",
    "sqrt": "sqrt({0})",
    "abs": "abs({0})",
    "absolute": "abs({0})",
    "fabs": "abs({0})",
    "sin": "sin({0})",
    "cos": "cos({0})",
    "tan": "tan({0})",
    "arcsin": "asin({0})",
    "arccos": "acos({0})",
    "arctan": "atan({0})",
    "arctan2": "atan2({0}, {1})",
    "floor": "floor({0})",
    "square": "({0} * {0})",
}


def _double(value: float) -> str:
    """Return a literal with an exponent, so that no language takes it for a decimal."""
    if not math.isfinite(value):
        raise NotAvailableError(f"A scoring expression cannot hold the number {value}.")
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


@dataclass(frozen=True, slots=True)
class Sql:
    """A dialect of SQL.

    Attributes
    ----------
    name : str
    double : str
        What the type of 64-bit numbers is called.
    """

    name: str
    double: str

    functions: ClassVar[Mapping[str, str]] = {
        **_COMMON,
        "log": "ln({0})",
        "log10": "log10({0})",
        "log2": "(ln({0}) / ln(2e0))",
        "ceil": "ceil({0})",
        "power": "power({0}, {1})",
        "cbrt": "cbrt({0})",
        "sign": "sign({0})",
    }

    def number(self, value: float) -> str:
        """Return a double."""
        text = _double(value)
        return f"({text})" if text.startswith("-") else text

    def column(self, name: str) -> str:
        """Return a quoted name."""
        if "\x00" in name:
            raise NotAvailableError(f"SQL has no name for the column {name!r}.")
        quoted = name.replace('"', '""')
        return f'"{quoted}"'

    def as_number(self, code: str) -> str:
        """Return a column as a double, so that whole numbers divide as such."""
        return f"CAST({code} AS {self.double})"

    def level(self, value: Any) -> str:
        """Return a literal."""
        if isinstance(value, bool):
            return self.truth(value)
        if isinstance(value, str) and "\x00" not in value:
            quoted = value.replace("'", "''")
            return f"'{quoted}'"
        if isinstance(value, int):
            return str(value)
        if isinstance(value, float):
            return self.number(value)
        raise NotAvailableError(
            f"A level of type {type(value).__name__} ({value!r}) cannot be said in SQL; text, "
            "numbers and booleans can."
        )

    def truth(self, value: bool) -> str:
        """Return a truth value."""
        return "TRUE" if value else "FALSE"

    def equal(self, left: str, right: str) -> str:
        """Return whether two values are the same."""
        return f"{left} = {right}"

    def every(self, conditions: Sequence[str]) -> str:
        """Return whether all conditions hold."""
        return "(" + " AND ".join(conditions) + ")"

    def either(self, conditions: Sequence[str]) -> str:
        """Return whether any condition holds."""
        return "(" + " OR ".join(conditions) + ")"

    def negated(self, condition: str) -> str:
        """Return whether a condition does not hold."""
        return f"(NOT {condition})"

    def cases(self, branches: Sequence[tuple[str, str]], otherwise: str | None = None) -> str:
        """Return the value of the first condition that holds; NULL where none does."""
        text = " ".join(f"WHEN {condition} THEN {value}" for condition, value in branches)
        rest = "" if otherwise is None else f" ELSE {otherwise}"
        return f"CASE {text}{rest} END"

    def shown(self, name: str) -> bool:
        """Return whether a function of the language's own is there."""
        return False


SQL_DIALECTS: Mapping[str, Sql] = {
    "duckdb": Sql("DuckDB", "DOUBLE"),
    "postgresql": Sql("PostgreSQL", "DOUBLE PRECISION"),
}
"""Dialects by the name that users give."""


@dataclass(frozen=True, slots=True)
class PythonSource:
    """Python with the standard library's ``math``; a row is the mapping ``row``."""

    name: str = "Python"

    functions: ClassVar[Mapping[str, str]] = {
        **{name: f"math.{template}" for name, template in _COMMON.items() if "*" not in template},
        "exp": "_exp({0})",
        "abs": "abs({0})",
        "absolute": "abs({0})",
        "fabs": "abs({0})",
        "square": "({0} * {0})",
        "log": "math.log({0})",
        "log10": "math.log10({0})",
        "log2": "math.log2({0})",
        "log1p": "math.log1p({0})",
        "expm1": "math.expm1({0})",
        "sinh": "math.sinh({0})",
        "cosh": "math.cosh({0})",
        "tanh": "math.tanh({0})",
        "hypot": "math.hypot({0}, {1})",
        "floor": "float(math.floor({0}))",
        "ceil": "float(math.ceil({0}))",
        "trunc": "float(math.trunc({0}))",
        "power": "math.pow({0}, {1})",
        "cbrt": "math.cbrt({0})",
        "erfc": "math.erfc({0})",
    }

    def number(self, value: float) -> str:
        """Return a float."""
        text = _double(value).removesuffix("e0")
        return f"({text})" if text.startswith("-") else text

    def column(self, name: str) -> str:
        """Return an item of the row."""
        return f"row[{name!r}]"

    def as_number(self, code: str) -> str:
        """Return a column as a float."""
        return f"float({code})"

    def level(self, value: Any) -> str:
        """Return a literal."""
        if not isinstance(value, (bool, str, int, float)):
            raise NotAvailableError(
                f"A level of type {type(value).__name__} ({value!r}) cannot be written as a "
                "literal of Python; text, numbers and booleans can."
            )
        return repr(value)

    def truth(self, value: bool) -> str:
        """Return a truth value."""
        return repr(value)

    def equal(self, left: str, right: str) -> str:
        """Return whether two values are the same."""
        return f"{left} == {right}"

    def every(self, conditions: Sequence[str]) -> str:
        """Return whether all conditions hold."""
        return "(" + " and ".join(conditions) + ")"

    def either(self, conditions: Sequence[str]) -> str:
        """Return whether any condition holds."""
        return "(" + " or ".join(conditions) + ")"

    def negated(self, condition: str) -> str:
        """Return whether a condition does not hold."""
        return f"(not {condition})"

    def cases(self, branches: Sequence[tuple[str, str]], otherwise: str | None = None) -> str:
        """Return the value of the first condition that holds; an error where none does."""
        text = " ".join(f"{value} if {condition} else" for condition, value in branches)
        return f"({text} {'_unknown(row)' if otherwise is None else otherwise})"

    def shown(self, name: str) -> bool:
        """Return whether a function of the language's own is there."""
        return name in self.functions
