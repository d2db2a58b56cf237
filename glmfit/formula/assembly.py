"""From the factors of some rows to a structured design: dense, categorical, and the map T."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glmfit.design import Categorical, Dense, Design, Mapped, stack
from glmfit.errors import (
    DataError,
)
from glmfit.formula.factors import (
    Factor,
    Learned,
    Rows,
    level_codes,
)

__all__ = ["Assembly", "Subterm"]

Array = NDArray[np.float64]
FILL_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Subterm:
    """How one part of a term becomes columns: contrasts by factor, in order."""

    factors: tuple[Factor, ...]
    contrasts: Mapping[str, Array]
    """Contrast matrix (levels, columns) of each categorical factor, by its name."""


class Assembly:
    """Turns the factors of one set of rows into blocks and the map T."""

    def __init__(
        self, subterms: Sequence[Subterm], learned: Mapping[str, Learned], rows: Rows
    ) -> None:
        self.subterms = subterms
        self.learned = learned
        self.rows = rows
        self.dense: list[Array] = []
        self.dense_keys: dict[tuple[Any, ...], int] = {}
        self.blocks: list[Categorical] = []
        self.block_keys: dict[tuple[Any, ...], int] = {}
        self.entries: list[tuple[int, int, NDArray[Any]]] = []
        """(block or -1 for dense, position or -1, weights of the stored columns)"""

    def design(self) -> Design:
        """Return the design of all subterms."""
        for sub in self.subterms:
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
        return self.learned[factor.name()]

    def _numeric(self, factors: list[Factor], position: Mapping[Factor, int]) -> Array | None:
        product: Array | None = None
        for f in factors:
            value = f.value(self._learned(f), self.rows)
            if not isinstance(value, np.ndarray):
                raise DataError(f"{f.name()} was a number in the data of the fit; it is text here.")
            made = 1 if value.ndim == 1 else value.shape[1]
            if made != self._learned(f).n_columns:
                raise DataError(
                    f"{f.name()} makes {made} columns here; it made {self._learned(f).n_columns} "
                    "of the data of the fit."
                )
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
