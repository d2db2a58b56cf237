"""Sources of row chunks: the same rows, wherever they are kept."""

from glmfit.sources.rows import Rows

__all__ = ["Rows"]
