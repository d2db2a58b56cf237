"""Several formulas for one response: the columns of each, side by side in one design.

A count may have one formula for its mean, one for the zeros among them and one for its
dispersion. Rows are those that are complete for all of them, and prediction needs the
columns of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glmfit.design import beside
from glmfit.errors import ArgumentTypeError, FormulaError
from glmfit.formula.factors import Factor, Rows
from glmfit.formula.parsing import ParsedFormula, parse
from glmfit.formula.spec import DesignRows, ModelSpec

__all__ = ["PartFormula", "StackedFormula", "StackedSpec", "stacked_formula"]


@dataclass(frozen=True, slots=True)
class PartFormula:
    """The right-hand side of a further predictor.

    Attributes
    ----------
    argument : str
        The keyword that it was given as, for messages.
    text : str
        One-sided: ``"~ z"``.
    prefix : str
        Before the names of its columns; where it does not end in "_" or "-" it is the name of the
        only one.
    """

    argument: str
    text: str
    prefix: str


@dataclass(frozen=True, slots=True)
class StackedFormula(ParsedFormula):
    """A formula with further right-hand sides.

    Attributes
    ----------
    parts : tuple of (prefix, ParsedFormula)
        In the order of the columns; that of the formula itself has the prefix "".
    """

    parts: tuple[tuple[str, ParsedFormula], ...] = ()

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Every factor once."""
        found = [*self.response, *(f for _, part in self.parts for f in part.factors)]
        return tuple(dict.fromkeys(found))


def stacked_formula(
    formula: Any,
    columns: Sequence[str],
    before: Sequence[PartFormula],
    after: Sequence[PartFormula],
    *,
    env: Mapping[str, Any] | None,
    reserved: Sequence[str],
) -> StackedFormula:
    """Read a formula and further right-hand sides (see `parse`).

    Parameters
    ----------
    formula : str
    columns : sequence of str
    before, after : sequence of PartFormula
        What stands before and after the columns of ``formula``.
    env, reserved
        As in `parse`.
    """
    main = parse(formula, columns, env=env, reserved=reserved)

    def read(part: PartFormula) -> tuple[str, ParsedFormula]:
        if not isinstance(part.text, str):
            raise ArgumentTypeError(
                f"{part.argument}= is a formula such as '~ x1 + x2' beside a formula; "
                f"got {type(part.text).__name__}."
            )
        text = part.text if "~" in part.text else f"~ {part.text}"
        taken = parse(text, columns, env=env, reserved=reserved, needs_response=False)
        if taken.response:
            raise FormulaError(
                f"{part.argument}= has a response of its own; it is one-sided, as in '~ x'."
                f"\n    {part.text}"
            )
        if taken.offsets:
            raise FormulaError(
                f"{part.argument}= has an offset, which only the mean can have.\n    {part.text}"
            )
        return part.prefix, taken

    parts = (*map(read, before), ("", main), *map(read, after))
    return StackedFormula(main.text, main.response, main.terms, main.offsets, parts)


def _named(prefix: str, name: str) -> str:
    return prefix + name if not prefix or prefix.endswith(("_", "-")) else prefix


@dataclass(slots=True)
class StackedSpec(ModelSpec):
    """What several formulas have learned from the same rows.

    Attributes
    ----------
    parts : tuple of ModelSpec
    widths : tuple of int
        Columns of each.
    """

    parts: tuple[ModelSpec, ...] = ()
    widths: tuple[int, ...] = ()

    @classmethod
    def _learn_from(cls, parsed: ParsedFormula, rows: Rows) -> StackedSpec:
        assert isinstance(parsed, StackedFormula)
        parts = tuple(ModelSpec._learn_from(part, rows) for _, part in parsed.parts)
        names: list[str] = []
        slices: dict[str, slice] = {}
        for spec, (prefix, _) in zip(parts, parsed.parts, strict=True):
            for term, span in spec.term_slices.items():
                first = len(names)
                slices[_named(prefix, term)] = slice(first + span.start, first + span.stop)
            names += [_named(prefix, name) for name in spec.column_names]
        return cls(
            text=parsed.text,
            response_name=parsed.response_name,
            response=parsed.response,
            offsets=parsed.offsets,
            learned={name: found for spec in parts for name, found in spec.learned.items()},
            subterms=tuple(sub for spec in parts for sub in spec.subterms),
            column_names=tuple(names),
            term_slices=slices,
            parts=parts,
            widths=tuple(len(spec.column_names) for spec in parts),
        )

    def _assemble(
        self, rows: Rows, dropped: dict[str, int], *, with_response: bool = True
    ) -> DesignRows:
        made = [spec._assemble(rows, dropped, with_response=False) for spec in self.parts]
        offsets = [part.offset for part in made if part.offset is not None]
        return DesignRows(
            beside([part.design for part in made]),
            offsets[0] if offsets else None,
            self._response_of(rows) if with_response else (),
            rows.kept,
            dropped,
            rows.table.index,
        )
