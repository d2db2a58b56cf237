"""The expressions that a formula may contain, checked before anything is run.

A factor of a formula (what stands between ``+``, ``:`` and ``*``) is a Python
expression. Only this much of Python is allowed: numbers and quoted text; names of
columns; arithmetic, comparison and logical operators; lists and tuples of constants;
and calls of the functions listed in `FUNCTIONS`, patsy's transforms and contrasts, and
what the caller passes as ``env=``. There are no attributes but ``np.<function>``, no
subscripts, no comprehensions, no lambdas, and no name that begins with an underscore.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeGuard

import numpy as np

from glmfit.errors import FormulaError, UnknownNameError, UnsafeFormulaError, suggest

__all__ = ["AGGREGATES", "FUNCTIONS", "Expression", "check_expression"]

ELEMENTWISE = (
    "abs absolute arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt ceil clip cos cosh "
    "deg2rad degrees exp exp2 expm1 fabs floor fmax fmin heaviside hypot isfinite isnan log "
    "log10 log1p log2 logaddexp logical_and logical_not logical_or maximum minimum mod power "
    "rad2deg radians reciprocal rint round sign sin sinh sqrt square tan tanh trunc where"
).split()

AGGREGATES = frozenset("mean median std var min max sum ptp percentile quantile".split())
"""NumPy functions whose value depends on the other rows; allowed, with a warning."""

CONSTANTS = ("pi", "e", "inf", "nan")

BARE = (
    "abs arccos arcsin arctan ceil clip cos cosh exp expm1 floor log log10 log1p log2 maximum "
    "minimum power round sign sin sinh sqrt square tan tanh where"
).split()

_NUMPY = SimpleNamespace(
    **{name: getattr(np, name) for name in (*ELEMENTWISE, *sorted(AGGREGATES), *CONSTANTS)}
)

FUNCTIONS: Mapping[str, Any] = {
    "np": _NUMPY,
    "numpy": _NUMPY,
    **{name: getattr(np, name) for name in BARE},
}
"""What formulas know besides patsy's own functions and the columns."""

_ALLOWED_NODES = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.Call,
    ast.keyword,
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.List,
    ast.Tuple,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
    ast.expr_context,
)

_LARGEST_EXPONENT = 64
_DEEPEST = 150  # what Python's own tools read without running out of stack


@dataclass(frozen=True, slots=True)
class Expression:
    """What a checked expression uses.

    Attributes
    ----------
    code : str
    columns : frozenset of str
        Columns of the data.
    quoted : frozenset of str
        Columns named through ``Q("...")``.
    functions : frozenset of str
        Bare functions and other names that are not columns.
    aggregates : tuple of str
        Calls whose value depends on the other rows.
    head : str or None
        The function whose call is the whole expression, as in ``C(...)``.
    """

    code: str
    columns: frozenset[str]
    quoted: frozenset[str]
    functions: frozenset[str]
    aggregates: tuple[str, ...]
    head: str | None

    @property
    def all_columns(self) -> frozenset[str]:
        """Every column that the expression reads."""
        return self.columns | self.quoted


def check_expression(
    code: str, columns: Collection[str], functions: Collection[str], env: Collection[str]
) -> Expression:
    """Return what ``code`` uses, or refuse it.

    Parameters
    ----------
    code : str
        A factor of the formula.
    columns : collection of str
        Names of the data's columns.
    functions : collection of str
        Names that formulas know.
    env : collection of str
        Names that the caller handed in.

    Raises
    ------
    UnsafeFormulaError
        If it contains anything that the language does not allow.
    UnknownNameError
        If it uses a name that is neither a column nor known.
    FormulaError
        If it is no expression at all.
    """
    tree = _parse(code, columns)
    called = {_bare_name(node) for node in ast.walk(tree)} - {None}
    for node in ast.walk(tree):
        _check_node(node, code, env)
    owners = {
        node.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    known = set(functions) | set(env)
    quoted = _quoted_columns(tree, code, columns)
    used_columns = {n for n in names - called - owners if n in columns}
    used_functions = names - used_columns
    for name in sorted(used_functions - known):
        raise _unknown(name, code, columns, known, called=name in called)
    return Expression(
        code=code,
        columns=frozenset(used_columns),
        quoted=frozenset(quoted),
        functions=frozenset(used_functions),
        aggregates=_aggregates(tree),
        head=_bare_name(tree.body),
    )


def _parse(code: str, columns: Collection[str]) -> ast.Expression:
    try:
        tree = ast.parse(code, mode="eval")
        if _depth(tree) > _DEEPEST:
            raise RecursionError
        return tree
    except (RecursionError, MemoryError) as error:
        raise UnsafeFormulaError(
            f"{code[:60]!r}... is nested too deeply. Compute it as a column first."
        ) from error
    except (SyntaxError, ValueError) as error:
        squeezed = code.replace(" ", "")
        exact = [name for name in columns if str(name).replace(" ", "") == squeezed]
        hint = f"Q({exact[0]!r})" if exact else f"Q({code!r})"
        raise FormulaError(
            f"{code!r} is not an expression. If it is the name of a column, "
            f"write {hint} in the formula."
        ) from error


def _depth(tree: ast.AST) -> int:
    """Return how deeply an expression is nested, without recursion of our own."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _bare_name(node: ast.AST) -> str | None:
    """Return the name that is called, if ``node`` calls a function by its bare name."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id
    return None


def _check_node(node: ast.AST, code: str, env: Collection[str]) -> None:
    if not isinstance(node, _ALLOWED_NODES):
        kind = type(node).__name__
        raise UnsafeFormulaError(f"A formula cannot contain {kind} (in {code!r}). {_REMEDY}")
    if isinstance(node, ast.Name) and node.id.startswith("_") and node.id not in env:
        raise UnsafeFormulaError(
            f"A formula cannot use the name {node.id!r}, which begins with an underscore "
            f"(in {code!r}). For a column of that name write Q({node.id!r})."
        )
    if isinstance(node, ast.Attribute):
        _check_attribute(node, code)
    if isinstance(node, ast.Call) and not isinstance(node.func, (ast.Name, ast.Attribute)):
        raise UnsafeFormulaError(f"A formula calls functions by name only (in {code!r}).")
    if isinstance(node, ast.keyword) and node.arg is None:
        raise UnsafeFormulaError(f"A formula cannot unpack arguments with ** (in {code!r}).")
    if isinstance(node, ast.Call):
        # Python notices when it compiles, and then looks for the source in a file
        named = [argument.arg for argument in node.keywords]
        if len(set(named)) != len(named):
            raise FormulaError(f"An argument is given twice in {code!r}.")
    if isinstance(node, ast.BinOp):
        _check_operation(node, code)


_REMEDY = "Compute it as a column first, or pass your function: env={'f': f}."


def _check_attribute(node: ast.Attribute, code: str) -> None:
    owner = node.value.id if isinstance(node.value, ast.Name) else None
    if owner not in ("np", "numpy") or not hasattr(_NUMPY, node.attr) or node.attr[:1] == "_":
        near = suggest(node.attr, vars(_NUMPY)) if owner in ("np", "numpy") else ""
        raise UnsafeFormulaError(
            f"A formula cannot use '{owner or ''}.{node.attr}' (in {code!r}).{near} Of attributes "
            f"only np.<function> with NumPy's elementwise functions is allowed. {_REMEDY}"
        )


def _check_operation(node: ast.BinOp, code: str) -> None:
    sides = (node.left, node.right)
    for side in sides:
        text = isinstance(side, ast.Constant) and not isinstance(side.value, (int, float))
        if text or isinstance(side, (ast.List, ast.Tuple)):
            raise UnsafeFormulaError(f"Arithmetic on text or lists is not allowed (in {code!r}).")
    if isinstance(node.op, (ast.LShift, ast.RShift)):
        raise UnsafeFormulaError(f"A formula cannot shift bits (in {code!r}).")
    if isinstance(node.op, ast.Pow) and not any(
        isinstance(inner, ast.Name) for inner in ast.walk(node)
    ):
        small = isinstance(node.right, ast.Constant) and isinstance(node.left, ast.Constant)
        if not small or abs(node.right.value) > _LARGEST_EXPONENT:  # type: ignore[attr-defined]
            raise UnsafeFormulaError(f"The power in {code!r} is too large.")


def _quoted_columns(tree: ast.Expression, code: str, columns: Collection[str]) -> set[str]:
    quoted = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _bare_name(node) != "Q":
            continue
        name = node.args[0].value if _is_one_text(node.args) else None
        if not isinstance(name, str):
            raise FormulaError(f"Q takes one quoted column name, as in Q('my x') (in {code!r}).")
        if name not in columns:
            raise _unknown(name, code, columns, set(), called=False)
        quoted.add(name)
    return quoted


def _is_one_text(arguments: list[ast.expr]) -> TypeGuard[list[ast.Constant]]:
    return len(arguments) == 1 and isinstance(arguments[0], ast.Constant)


def _aggregates(tree: ast.Expression) -> tuple[str, ...]:
    return tuple(
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in AGGREGATES
    )


def _unknown(
    name: str, code: str, columns: Collection[str], known: Collection[str], *, called: bool
) -> FormulaError:
    if called:
        if name in _FORBIDDEN:
            return UnsafeFormulaError(f"A formula cannot call {name}() (in {code!r}).")
        return UnknownNameError(
            f"Formulas know no function {name!r} (in {code!r}).{suggest(name, known)} To use one "
            f"of your own, pass env={{{name!r}: {name}}} or env=True."
        )
    listed = ", ".join(map(str, list(columns)[:20])) + (", ..." if len(columns) > 20 else "")
    return UnknownNameError(
        f"There is no column {name!r} in the data.{suggest(name, map(str, columns))} "
        f"The columns are: {listed}."
    )


_FORBIDDEN = frozenset("eval exec compile open getattr setattr globals locals vars".split())
