"""Sources of row chunks: the same rows, wherever they are kept."""

from glmfit.sources.rows import Block, Rows, RowSource

__all__ = ["Block", "RowSource", "Rows"]
