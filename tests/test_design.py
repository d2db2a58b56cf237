"""What single kinds of designs hold and how they fail."""

import numpy as np
import pytest
from scipy import sparse

from glmfit.design import Blocks, Categorical, Dense, Mapped, Sparse
from glmfit.design.blocks import cross_sandwich


def test_dense_keeps_the_callers_array():
    values = np.arange(6.0).reshape(3, 2)
    assert Dense(values).toarray() is values


def test_categorical_counts_unused_levels():
    design = Categorical(np.array([0, 2, 2]), 4)
    assert design.shape == (3, 4)
    np.testing.assert_array_equal(design.rmatvec(np.ones(3)), [1.0, 0.0, 2.0, 0.0])
    np.testing.assert_array_equal(design.sandwich(np.ones(3)), np.diag([1.0, 0, 2, 0]))


def test_codes_of_a_small_type_do_not_overflow_in_a_cross_table():
    """12 levels by 12 levels are 144 cells, more than an int8 can number."""
    codes = np.arange(144)
    left = Categorical((codes // 12).astype(np.int8), 12)
    right = Categorical((codes % 12).astype(np.int8), 12)
    np.testing.assert_array_equal(cross_sandwich(left, right, np.ones(144)), np.ones((12, 12)))


def test_sparse_takes_any_format_and_type():
    matrix = np.array([[0, 2], [1, 0], [3, 4]])
    for given in (sparse.csc_matrix(matrix), sparse.coo_array(matrix), sparse.csr_array(matrix)):
        design = Sparse(given)
        assert design.toarray().dtype == np.float64
        np.testing.assert_array_equal(design.toarray(), matrix)


def test_sandwich_of_blocks_has_the_cross_products_on_both_sides():
    x = np.array([[1.0], [2.0], [3.0]])
    design = Blocks([Dense(x), Categorical(np.array([0, 1, 1]), 2)])
    want = [[14.0, 1.0, 5.0], [1.0, 1.0, 0.0], [5.0, 0.0, 2.0]]
    np.testing.assert_array_equal(design.sandwich(np.ones(3)), want)


def test_columns_of_a_map_are_chosen_without_touching_rows():
    raw = Dense(np.arange(12.0).reshape(4, 3))
    design = Mapped(raw, sparse.csr_array(np.eye(3)))
    chosen = design.columns(np.array([2, 0]))
    assert chosen.raw is raw
    np.testing.assert_array_equal(chosen.toarray(), raw.values[:, [2, 0]])


@pytest.mark.parametrize("kind", [Dense, Sparse])
def test_designs_have_no_room_for_stray_attributes(kind):
    design = kind(np.eye(2))
    with pytest.raises(AttributeError):
        design.stray = 1
