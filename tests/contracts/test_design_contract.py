"""Every kind of design gives what the dense matrix of the same columns gives.

A kind is added by one entry in `KINDS`; pairs of kinds side by side, and every kind behind a
map, follow from it.
"""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from glmfit.design import (
    Blocks,
    Categorical,
    Dense,
    Design,
    Mapped,
    Sparse,
    below,
    constant_combination,
    stack,
)

Rng = np.random.Generator


def dense_c(rng: Rng, n: int, q: int) -> Design:
    return Dense(np.ascontiguousarray(rng.standard_normal((n, q))))


def dense_f(rng: Rng, n: int, q: int) -> Design:
    return Dense(np.asfortranarray(rng.standard_normal((n, q))))


def dense_view(rng: Rng, n: int, q: int) -> Design:
    return Dense(rng.standard_normal((2 * n, 3 * q))[::2, ::3])


def categorical(rng: Rng, n: int, q: int) -> Design:
    return Categorical(rng.integers(0, q, n), q)


def categorical_small(rng: Rng, n: int, q: int) -> Design:
    return Categorical(rng.integers(0, q, n).astype(np.int8), q)


def categorical_with_values(rng: Rng, n: int, q: int) -> Design:
    return Categorical(rng.integers(0, q, n).astype(np.int32), q, rng.standard_normal(n))


def sparse_rows(rng: Rng, n: int, q: int) -> Design:
    return Sparse(sparse.random_array((n, q), density=0.4, rng=rng, format="csr"))


def sparse_columns(rng: Rng, n: int, q: int) -> Design:
    return Sparse(sparse.csc_array(rng.integers(-1, 2, (n, q))))


KINDS: dict[str, Callable[[Rng, int, int], Design]] = {
    make.__name__: make
    for make in (
        dense_c,
        dense_f,
        dense_view,
        categorical,
        categorical_small,
        categorical_with_values,
        sparse_rows,
        sparse_columns,
    )
}


def pair_of(left: str, right: str) -> Callable[[Rng, int, int], Design]:
    def make(rng: Rng, n: int, q: int) -> Design:
        return Blocks([KINDS[left](rng, n, q), KINDS[right](rng, n, q + 1)])

    return make


def mapped(kind: Callable[[Rng, int, int], Design]) -> Callable[[Rng, int, int], Design]:
    def make(rng: Rng, n: int, q: int) -> Design:
        raw = kind(rng, n, q)
        stored = raw.shape[1]
        return Mapped(raw, sparse.random_array((stored, stored + 2), density=0.5, rng=rng))

    return make


def chosen_columns(rng: Rng, n: int, q: int) -> Design:
    everything = mapped(pair_of("categorical", "dense_c"))(rng, n, q)
    assert isinstance(everything, Mapped)
    return everything.columns(np.array([2, 0]))


PAIRS = {
    f"{left}+{right}": pair_of(left, right) for left, right in itertools.product(KINDS, repeat=2)
}
COMPOSITE: dict[str, Callable[[Rng, int, int], Design]] = {
    "three": lambda rng, n, q: stack(
        [dense_c(rng, n, q), categorical(rng, n, q), sparse_rows(rng, n, 1)]
    ),
    "nested": lambda rng, n, q: Blocks(
        [mapped(categorical)(rng, n, q), pair_of("dense_f", "sparse_rows")(rng, n, q)]
    ),
    "chosen columns": chosen_columns,
    **{f"mapped {name}": mapped(make) for name, make in KINDS.items()},
    "mapped pair": mapped(pair_of("categorical", "dense_c")),
}
EVERY = {**KINDS, **PAIRS, **COMPOSITE}

every_kind = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY.keys())


def close(got: np.ndarray, want: np.ndarray, scale: float = 1.0) -> None:
    assert isinstance(got, np.ndarray)
    assert got.dtype == np.float64
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12 * scale)


def agrees_with_dense(design: Design, rng: Rng) -> None:
    """Compare every product with the one of NumPy on ``toarray()``."""
    matrix = np.array(design.toarray())
    n, q = design.shape
    assert matrix.shape == (n, q)
    assert matrix.dtype == np.float64
    beta, rows = rng.standard_normal(q), rng.standard_normal(n)
    size = max(n, q, 1.0)
    close(design.matvec(beta), matrix @ beta, size)
    close(design.rmatvec(rows), matrix.T @ rows, size)
    for weight in (np.ones(n), np.abs(rows), rows, np.zeros(n)):
        gram = design.sandwich(weight)
        close(gram, matrix.T @ (weight[:, None] * matrix), size)
        np.testing.assert_allclose(gram, gram.T, rtol=1e-12, atol=1e-12 * size)


@every_kind
@pytest.mark.parametrize(("n", "q"), [(37, 3), (1, 2), (0, 2), (20, 1)])
def test_products_are_the_dense_products(make, n, q):
    rng = np.random.default_rng(n * 10 + q)
    agrees_with_dense(make(rng, n, q), rng)


@every_kind
def test_chunks_and_selections_are_rows_of_the_matrix(make):
    rng = np.random.default_rng(5)
    design = make(rng, 29, 3)
    matrix = design.toarray()
    for start, stop in ((0, 29), (0, 10), (10, 29), (7, 8), (4, 4)):
        part = design.chunk(start, stop)
        close(part.toarray(), matrix[start:stop])
        agrees_with_dense(part, rng)
    for rows in (np.array([3, 3, 28, 0]), np.arange(29)[::-1], np.array([], dtype=np.intp)):
        part = design.take(rows)
        close(part.toarray(), matrix[rows])
        agrees_with_dense(part, rng)


@every_kind
@pytest.mark.parametrize("n", [1, 29, 700])
def test_rows_can_be_put_below_others(make, n):
    design = make(np.random.default_rng(7), n, 3)
    cuts = sorted({0, n // 3, n // 2, n})
    parts = [design.chunk(start, stop) for start, stop in itertools.pairwise(cuts)]
    close(below(parts).toarray(), design.toarray())


@every_kind
@pytest.mark.parametrize("n", [1, 29, 700])
def test_no_number_is_larger_than_the_reach_of_its_column(make, n):
    raw = make(np.random.default_rng(8), n, 3).raw
    largest = np.abs(raw.toarray()).max(axis=0)
    assert (raw.reach() >= largest).all()
    if isinstance(raw, Dense):
        np.testing.assert_array_equal(raw.reach(), largest)


@every_kind
def test_stored_columns_and_the_map_make_the_design(make):
    """Engines work on ``raw`` and map back: X = Z T."""
    rng = np.random.default_rng(6)
    design = make(rng, 23, 3)
    theta, rows = rng.standard_normal(design.shape[1]), rng.standard_normal(23)
    raw = design.raw
    close(raw.matvec(design.expand(theta)), design.matvec(theta))
    close(design.contract(raw.rmatvec(rows)), design.rmatvec(rows), 10.0)
    close(design.contract_sandwich(raw.sandwich(rows)), design.sandwich(rows), 10.0)


@every_kind
def test_nothing_given_is_changed(make):
    rng = np.random.default_rng(7)
    design = make(rng, 19, 3)
    before = np.array(design.toarray())
    theta, rows = rng.standard_normal(design.shape[1]), rng.standard_normal(19)
    theta.flags.writeable = rows.flags.writeable = False
    design.matvec(theta)
    design.rmatvec(rows)
    design.sandwich(rows)
    np.testing.assert_array_equal(design.toarray(), before)


def test_a_chunk_of_dense_or_codes_is_a_view():
    rng = np.random.default_rng(8)
    dense, factor = dense_f(rng, 30, 2), categorical_with_values(rng, 30, 3)
    assert np.shares_memory(dense.chunk(5, 20).toarray(), dense.toarray())
    part = factor.chunk(5, 20)
    assert isinstance(part, Categorical) and isinstance(factor, Categorical)
    assert np.shares_memory(part.codes, factor.codes)
    assert np.shares_memory(part.values, factor.values)


def test_one_part_needs_no_blocks():
    design = dense_c(np.random.default_rng(9), 4, 2)
    assert stack([design]) is design
    assert isinstance(stack([design, design]), Blocks)


@st.composite
def designs(draw: st.DrawFn) -> tuple[Design, Rng]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(0, 12))
    names = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
    parts = [KINDS[name](rng, n, draw(st.integers(1, 4))) for name in names]
    design = stack(parts)
    if draw(st.booleans()):
        width = draw(st.integers(1, 6))
        design = Mapped(design, sparse.random_array((design.shape[1], width), density=0.5, rng=rng))
    return design, rng


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(designs())
def test_any_shape(case):
    design, rng = case
    agrees_with_dense(design, rng)
    n = design.shape[0]
    agrees_with_dense(design.chunk(n // 3, n), rng)
    agrees_with_dense(design.take(rng.permutation(n)[: n // 2]), rng)
    unit = constant_combination(design)
    if unit is not None and n > 0:
        np.testing.assert_allclose(design.matvec(unit), 1.0, atol=1e-8)


# --- constants --------------------------------------------------------------------------


def with_constant(rng: Rng, n: int) -> dict[str, Design]:
    """Return designs that have a constant among their combinations."""
    x = rng.standard_normal((n, 2))
    fours = np.column_stack([x, np.full(n, 4.0)])
    codes = np.arange(n) % 3
    both = Blocks([Dense(x), Categorical(codes, 3)])
    treatment = np.array([[1.0, 0, 0], [1.0, 1, 0], [1.0, 0, 1]])
    contrasts = sparse.block_diag([np.eye(2), treatment], format="csr")
    sums = np.array([[1.0, 0], [0, 1], [-1, -1]])
    intercept = Dense(np.ones((n, 1)))
    return {
        "column of fours": Dense(fours),
        "fortran order": Dense(np.asfortranarray(fours)),
        "levels": both,
        "levels behind a map": Mapped(both, contrasts),
        "intercept and sum contrasts": Mapped(
            Blocks([intercept, Categorical(codes, 3)]),
            sparse.block_diag([[[2.0]], sums], format="csr"),
        ),
        "chosen columns": Mapped(Dense(fours), sparse.csr_array(np.eye(3)[:, [2, 0]])),
    }


def without_constant(rng: Rng, n: int) -> dict[str, Design]:
    x = rng.standard_normal((n, 2))
    codes = np.arange(n) % 3
    nearly = np.ones(n)
    nearly[n // 2] = 2.0  # the first and the last row look constant
    return {
        "numbers": Dense(x),
        "zeros": Dense(np.zeros((n, 1))),
        "almost constant": Dense(nearly[:, None]),
        "levels times numbers": Categorical(codes, 3, x[:, 0]),
        "contrasts alone": Mapped(
            Categorical(codes, 3), sparse.csr_array(np.array([[0.0, 0], [1, 0], [0, 1]]))
        ),
        "constant left out": Mapped(
            Dense(np.column_stack([np.ones(n), x])), sparse.csr_array(np.eye(3)[:, 1:])
        ),
    }


@pytest.mark.parametrize("name", with_constant(np.random.default_rng(0), 9))
def test_a_constant_is_found(name):
    design = with_constant(np.random.default_rng(1), 9)[name]
    theta = constant_combination(design)
    assert theta is not None
    assert theta.shape == (design.shape[1],)
    np.testing.assert_allclose(design.matvec(theta), 1.0, atol=1e-12)


@pytest.mark.parametrize("name", without_constant(np.random.default_rng(0), 9))
def test_no_constant_is_made_up(name):
    design = without_constant(np.random.default_rng(1), 9)[name]
    assert constant_combination(design) is None
