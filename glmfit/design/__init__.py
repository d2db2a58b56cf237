"""Design matrices that know their structure: dense, categorical, sparse, and blocks of these."""

from glmfit.design.base import Design, Mapped
from glmfit.design.blocks import Blocks, below, beside, narrowed, stack
from glmfit.design.categorical import Categorical
from glmfit.design.constant import constant_column, constant_combination
from glmfit.design.dense import Dense, fixed_at_ends
from glmfit.design.sparse import Sparse

__all__ = [
    "Blocks",
    "Categorical",
    "Dense",
    "Design",
    "Mapped",
    "Sparse",
    "below",
    "beside",
    "constant_column",
    "constant_combination",
    "fixed_at_ends",
    "narrowed",
    "stack",
]
