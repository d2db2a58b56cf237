"""Factors of a formula in another language."""

from __future__ import annotations

import ast
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.errors import NotAvailableError
from glmfit.formula.factors import Factor, Learned
from glmfit.formula.namespace import NAMESPACE
from glmfit.formula.splines import centring, scaling, spline_pieces
from glmfit.scoring.languages import Language

__all__ = ["factor_columns", "factor_value"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Value:
    """A piece of code, and whether it is a truth value; ``raw`` is a column as it is."""

    code: str
    truth: bool = False
    raw: str | None = None


def factor_value(language: Language, factor: Factor, learned: Learned) -> str:
    """Return what a categorical factor is compared with its levels by.

    Raises
    ------
    NotAvailableError
        If the language cannot say it.
    """
    body = ast.parse(learned.eval_code, mode="eval").body
    if _called(body) == "C":
        assert isinstance(body, ast.Call)
        body = body.args[0]
    found = _Translation(language, factor, learned).value(body)
    return found.code if found.raw is None else found.raw


def factor_columns(language: Language, factor: Factor, learned: Learned) -> list[str]:
    """Return the columns of a numeric factor.

    Raises
    ------
    NotAvailableError
        If the language cannot say it.
    """
    body = ast.parse(learned.eval_code, mode="eval").body
    translation = _Translation(language, factor, learned)
    spline = translation.spline(body)
    return [translation.number(body)] if spline is None else spline


class _Translation:
    """The expression of one factor, node by node."""

    def __init__(self, language: Language, factor: Factor, learned: Learned) -> None:
        self.language = language
        self.factor = factor
        self.learned = learned

    def refused(self, what: str) -> NotAvailableError:
        return NotAvailableError(
            f"{what} (in {self.factor.name()!r}) cannot be said in {self.language.name}. Compute "
            "the column before the fit, or predict with a saved model (save, glmfit.load)."
        )

    def number(self, node: ast.AST) -> str:
        """Return code of a double."""
        found = self.value(node)
        if not found.truth:
            return found.code
        one, zero = self.language.number(1.0), self.language.number(0.0)
        no = self.language.negated(found.code)
        return self.language.cases([(found.code, one), (no, zero)])

    def condition(self, node: ast.AST) -> str:
        """Return code of a truth value."""
        found = self.value(node)
        if not found.truth:
            raise self.refused("A number where a condition must stand")
        return found.code

    def value(self, node: ast.AST) -> Value:
        """Return code of a double or of a truth value."""
        if isinstance(node, ast.Constant):
            return self._constant(node.value)
        if isinstance(node, ast.Name):
            return self._column(node.id)
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.Attribute) and node.attr in ("pi", "e"):
            return Value(self.language.number(float(getattr(np, node.attr))))
        if isinstance(node, ast.Call):
            return self._call(node)
        raise self.refused(ast.unparse(node))

    def _constant(self, value: Any) -> Value:
        if isinstance(value, bool):
            return Value(self.language.truth(value), truth=True)
        if isinstance(value, (int, float)):
            return Value(self.language.number(float(value)))
        raise self.refused(repr(value))

    def _column(self, name: str) -> Value:
        if name not in self.factor.expression.all_columns:
            raise self.refused(f"Your own {name}")
        raw = self.language.column(name)
        return Value(self.language.as_number(raw), raw=raw)

    def _unary(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, (ast.Invert, ast.Not)):
            return Value(self.language.negated(self.condition(node.operand)), truth=True)
        sign = "-" if isinstance(node.op, ast.USub) else "+"
        return Value(f"({sign}{self.number(node.operand)})")

    def _binary(self, node: ast.BinOp) -> Value:
        joined = {ast.BitAnd: self.language.every, ast.BitOr: self.language.either}.get(
            type(node.op)
        )
        if joined is not None:
            sides = [self.condition(node.left), self.condition(node.right)]
            return Value(joined(sides), truth=True)
        left, right = self.number(node.left), self.number(node.right)
        if isinstance(node.op, ast.Pow):
            return Value(self.language.functions["power"].format(left, right))
        sign = _SIGNS.get(type(node.op))
        if sign is None:
            raise self.refused(ast.unparse(node))
        return Value(f"({left} {sign} {right})")

    def _comparison(self, node: ast.Compare) -> Value:
        left, right = self.value(node.left), node.comparators[0]
        sign = _COMPARISONS.get(type(node.ops[0]))
        if sign is None or len(node.ops) > 1:
            raise self.refused(ast.unparse(node))
        if isinstance(right, ast.Constant) and isinstance(right.value, str) and left.raw:
            sides = left.raw, self.language.level(right.value)
        else:
            sides = self.number(node.left), self.number(right)
        if sign == "==":
            return Value(f"({self.language.equal(*sides)})", truth=True)
        if sign == "!=":
            return Value(self.language.negated(f"({self.language.equal(*sides)})"), truth=True)
        return Value(f"({sides[0]} {sign} {sides[1]})", truth=True)

    # -- calls -------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Value:
        transform = self._transform(node)
        if transform is not None:
            return Value(self._transformed(transform, node))
        name = _called(node)
        if name == "Q":
            assert isinstance(node.args[0], ast.Constant)
            return self._column(str(node.args[0].value))
        if name == "I":
            return self.value(node.args[0])
        bare = isinstance(node.func, ast.Name)
        if name is None or (bare and self.factor.namespace.get(name) is not NAMESPACE.get(name)):
            raise self.refused(f"Your own {name or ast.unparse(node)}")
        if node.keywords:
            raise self.refused(ast.unparse(node))
        if name == "where" and len(node.args) == 3:
            condition = self.condition(node.args[0])
            yes, no = map(self.number, node.args[1:])
            other = self.language.negated(condition)
            return Value(self.language.cases([(condition, yes), (other, no)]))
        arguments = [self.number(argument) for argument in node.args]
        return Value(self._function(name, arguments, node))

    def _function(self, name: str, arguments: list[str], node: ast.Call) -> str:
        if name in ("maximum", "fmax", "minimum", "fmin") and len(arguments) == 2:
            one, two = arguments
            return self._extreme(one, two, ">=" if "max" in name else "<=")
        if name == "clip" and len(arguments) == 3:
            value, low, high = arguments
            return self._extreme(self._extreme(value, low, ">="), high, "<=")
        template = self.language.functions.get(name)
        if template is None or len(arguments) != 1 + ("{1}" in template):
            raise self.refused(ast.unparse(node))
        return template.format(*arguments)

    def _extreme(self, one: str, two: str, sign: str) -> str:
        # the functions of SQL that do this pass over missing values
        other = {">=": "<", "<=": ">"}[sign]
        return self.language.cases([(f"{one} {sign} {two}", one), (f"{one} {other} {two}", two)])

    def _transform(self, node: ast.AST) -> Any:
        """Return the transform with a memory that a call is one of."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return None
        owner = node.func.value
        return self.learned.transforms.get(owner.id) if isinstance(owner, ast.Name) else None

    def _options(self, node: ast.Call) -> dict[str, Any]:
        """Return what a call says beside its first argument."""
        try:
            given = {k.arg or "": ast.literal_eval(k.value) for k in node.keywords}
            more = [ast.literal_eval(argument) for argument in node.args[1:]]
        except ValueError as error:
            raise self.refused(ast.unparse(node)) from error
        if more:
            given["positional"] = more
        return given

    def _transformed(self, transform: Any, node: ast.Call) -> str:
        inner, options = self.number(node.args[0]), self._options(node)
        mean, sd = centring(transform), None
        if mean is None:
            found = scaling(transform, options)
            if found is None:
                raise self.refused(self._named(transform))
            mean, sd = found
        shifted = f"({inner} - {self.language.number(mean)})"
        return shifted if sd is None else f"({shifted} / {self.language.number(sd)})"

    def _named(self, transform: Any) -> str:
        return f"{type(transform).__name__.lower()}()"

    def spline(self, node: ast.AST) -> list[str] | None:
        """Return the columns of a B-spline, if the expression is one."""
        transform = self._transform(node)
        if transform is None or not isinstance(node, ast.Call):
            return None
        pieces = spline_pieces(transform, self.learned.n_columns)
        if pieces is None:
            return None
        x = self.number(node.args[0])
        number = self.language.number
        last = len(pieces.breaks) - 2
        inside = [
            self.language.every(
                [f"{x} >= {number(low)}", f"{x} {'<=' if k == last else '<'} {number(high)}"]
            )
            for k, (low, high) in enumerate(itertools.pairwise(map(float, pieces.breaks)))
        ]
        return [
            self.language.cases(
                [
                    (condition, self._polynomial(x, start, powers))
                    for condition, start, powers in zip(
                        inside, pieces.breaks[:-1], column, strict=True
                    )
                ]
            )
            for column in pieces.coefficients
        ]

    def _polynomial(self, x: str, start: float, powers: Array) -> str:
        """Return a polynomial in x - start, highest power first, by Horner's rule."""
        code = self.language.number(float(powers[0]))
        moved = f"({x} - {self.language.number(float(start))})"
        for coefficient in powers[1:]:
            code = f"({code} * {moved} + {self.language.number(float(coefficient))})"
        return code


_SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


def _called(node: ast.AST) -> str | None:
    """Return the name of the function that is called, without ``np.``."""
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else None
