"""Rows that are the same whenever they are read, or an error that says so.

A query without an order, or a function that draws its frames at random, yields other rows in
every pass; what was learned in the first pass (which rows are complete, say) would then be
taken for that of other rows.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from glmfit.errors import DataError
from glmfit.sources.arrow import Batches, Piece, pieces
from glmfit.sources.columns import series_of

__all__ = ["Steady"]


@dataclass(slots=True)
class Steady:
    """A source whose pieces are compared with those of the first pass.

    Attributes
    ----------
    source : Batches
    witness : str
        The column that is compared.
    """

    source: Batches
    witness: str
    _marks: list[tuple[int, int]] = field(default_factory=list)
    """Number of rows of each piece, and a checksum of its witness."""
    _known: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the source."""
        return self.source.names

    @property
    def n(self) -> int:
        """Number of rows, incomplete ones included, once they were all read."""
        return sum(rows for rows, _ in self._marks)

    def pieces(self, columns: Sequence[str], first: int = 0) -> Iterator[Piece]:
        """Yield the pieces from the ``first`` on, with at least these columns.

        Raises
        ------
        DataError
            If they are not those of the first pass.
        """
        wanted = tuple(dict.fromkeys((*columns, self.witness)))
        number = first - 1
        for piece in pieces(self.source, wanted, first):
            number = piece.number
            self._compare(piece)
            yield piece
        if self._known and number + 1 != len(self._marks):
            raise DataError(_CHANGED.format("there are fewer of them"))
        self._known = True

    def _compare(self, piece: Piece) -> None:
        found = piece.table.num_rows, _checksum(piece.table.column(self.witness))
        if not self._known:
            self._marks.append(found)
            return
        if piece.number >= len(self._marks):
            raise DataError(_CHANGED.format("there are more of them"))
        if found != self._marks[piece.number]:
            where = f" ({piece.origin})" if piece.origin else ""
            told = f"rows {piece.start} to {piece.start + found[0] - 1}{where} are others"
            raise DataError(_CHANGED.format(told))


_CHANGED = (
    "The rows changed while the model was fitted: {}. They are read several times and must come "
    "in the same order each time; a query needs an ORDER BY, and files must stay as they are."
)


def _checksum(column: Any) -> int:
    """Return a number that other values, or another order of them, hardly ever have."""
    series = series_of(column)
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf":
        return zlib.crc32(series.to_numpy().tobytes())
    return zlib.crc32(pd.util.hash_pandas_object(series, index=False).to_numpy().tobytes())
