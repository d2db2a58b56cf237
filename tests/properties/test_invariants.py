"""What must not matter does not: order of rows, units, coding, chunks, threads, storage.

Each property is tried on some dozens of random models, and by ``python3 dev.py slow`` on
many more. A failure prints the model; what was found became a test of its own elsewhere.
"""

import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings

import glmfit as gf
from glmfit.errors import GlmfitError, GlmfitWarning
from tests.properties.cases import Case, cases

FEW, MANY = 15, 400

CALM = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def fitted(case: Case, **settings: Any) -> Any:
    """Return the fit of a random model; only glmfit's own warnings may be heard."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlmfitWarning)
        return case.fit(**settings)


def usable(case: Case) -> Any:
    """Return the fit, if it is one whose numbers can be compared."""
    try:
        result = fitted(case)
    except GlmfitError:
        assume(False)
    assume(result.converged)
    return result


def flat(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=float).ravel()


def assert_close(one: Any, other: Any, *, rtol: float = 1e-6, atol: float = 1e-8) -> None:
    np.testing.assert_allclose(flat(one), flat(other), rtol=rtol, atol=atol)


def assert_same_fit(one: Any, other: Any, *, coefficients: bool = True) -> None:
    """Two fits of the same model: likelihood, means, and coefficients if these are the same."""
    assert (one.separation is None) == (other.separation is None)
    assert one.llf == pytest.approx(other.llf, rel=1e-9, abs=1e-8)
    assert one.df_resid == pytest.approx(other.df_resid)
    if not coefficients:
        return
    np.testing.assert_array_equal(np.isnan(flat(one.params)), np.isnan(flat(other.params)))
    finite = np.isfinite(flat(one.params))
    np.testing.assert_array_equal(finite, np.isfinite(flat(other.params)))
    a, b = flat(one.params)[finite], flat(other.params)[finite]
    error = flat(one.bse)[finite]
    assert_close(flat(one.bse)[finite], flat(other.bse)[finite], rtol=1e-5)
    known = np.isfinite(error)
    assert (np.abs(a - b)[known] <= 1e-6 * error[known] + 1e-9).all()


def property_of(
    check: Callable[[Case], None], *, few: int = FEW, many: int = MANY
) -> tuple[Any, Any]:
    """Return the property as a quick test and as a slow one."""

    def quick(case: Case) -> None:
        check(case)

    def thorough(case: Case) -> None:
        check(case)

    common = {"deadline": None, "suppress_health_check": CALM, "print_blob": True}
    first = settings(max_examples=few, derandomize=True, **common)(given(cases())(quick))
    second = settings(max_examples=many, **common)(given(cases())(thorough))
    return first, pytest.mark.slow(second)


# -- rows ---------------------------------------------------------------------------------


def check_order(case: Case) -> None:
    result = usable(case)
    rng = np.random.default_rng(len(case.data))
    order = rng.permutation(len(case.data))
    other = fitted(case.changed(case.data.iloc[order]))
    assert_same_fit(result, other)
    if case.kind == "glm":
        inverse = np.argsort(order)
        assert_close(flat(other.fittedvalues)[inverse], result.fittedvalues)


test_order_of_rows, test_order_of_rows_thoroughly = property_of(check_order)


def counted(case: Case) -> tuple[Case, Case]:
    """Return a model with frequencies, and one of the rows written out."""
    # knots and means are those of the rows as they stand, whatever their frequencies
    assume(not any(term.startswith(("bs", "center")) for term in case.terms))
    options = {"freq_weights": "f"} if case.kind != "clogit" else {}
    assume(case.kind != "clogit")
    case = Case(case.kind, case.family, case.link, case.terms, case.data, {})
    weighted = case.changed(case.data, **options)
    repeats = case.data.f.astype(int).to_numpy()
    return weighted, case.changed(case.data.loc[case.data.index.repeat(repeats)])


def check_frequencies(case: Case) -> None:
    weighted, repeated = counted(case)
    result = usable(weighted)
    other = fitted(repeated)
    assert_same_fit(result, other)
    assert result.nobs == other.nobs
    assert result.aic == pytest.approx(other.aic, rel=1e-9)


test_frequencies_are_repeated_rows, test_frequencies_are_repeated_rows_thoroughly = property_of(
    check_frequencies
)


def check_zero_weights(case: Case) -> None:
    assume(not any(term.startswith(("bs", "center")) for term in case.terms))
    assume(case.kind != "clogit")
    weights = case.data.f.where(case.data.f > 1, 0.0)
    options = {"var_weights": "w"}
    plain = Case(case.kind, case.family, case.link, case.terms, case.data.assign(w=weights), {})
    result = usable(plain.changed(plain.data, **options))
    left = plain.data[plain.data.w > 0.0]
    assert_same_fit(result, fitted(plain.changed(left, **options)))


test_zero_weights_are_no_rows, test_zero_weights_are_no_rows_thoroughly = property_of(
    check_zero_weights
)


# -- columns ------------------------------------------------------------------------------


def check_units(case: Case) -> None:
    result = usable(case)
    for factor in (1e-6, 1e5):
        scaled = case.data.assign(x=case.data.x * factor)
        assert_same_fit(result, fitted(case.changed(scaled)), coefficients=False)


test_units_of_a_column, test_units_of_a_column_thoroughly = property_of(check_units)


def check_coding(case: Case) -> None:
    assume(any("g" in term for term in case.terms))
    result = usable(case)
    renamed = case.data.assign(g=case.data.g.map({"a": "r", "b": "p", "c": "q"}))
    assert_same_fit(result, fitted(case.changed(renamed)), coefficients=False)
    categorical = pd.Categorical(case.data.g, categories=["unused", "c", "b", "a", "never"])
    other = fitted(case.changed(case.data.assign(g=categorical)))
    assert_same_fit(result, other, coefficients=False)


test_coding_of_a_factor, test_coding_of_a_factor_thoroughly = property_of(check_coding)


def check_types(case: Case) -> None:
    result = usable(case)
    data = case.data.convert_dtypes()
    assert_same_fit(result, fitted(case.changed(data)))
    objects = case.data.astype({"x": object, "g": object, "b": object})
    assert_same_fit(result, fitted(case.changed(objects)))
    duplicated = case.data.set_axis(np.arange(len(case.data)) % 3, axis=0)
    assert_same_fit(result, fitted(case.changed(duplicated)))


test_types_of_columns, test_types_of_columns_thoroughly = property_of(check_types)


def check_shift(case: Case) -> None:
    assume(case.kind == "glm" and "offset" in case.options)
    result = usable(case)
    assume(np.isfinite(flat(result.params)).all())
    far = fitted(case.changed(case.data.assign(off=case.data.off + 3.0)))
    assert far.llf == pytest.approx(result.llf, rel=1e-8, abs=1e-7)
    assert far.params.iloc[0] + 3.0 == pytest.approx(result.params.iloc[0], rel=1e-6, abs=1e-7)


test_shift_of_the_offset, test_shift_of_the_offset_thoroughly = property_of(check_shift)


# -- how it is computed -------------------------------------------------------------------


def check_chunks(case: Case) -> None:
    assume(case.kind != "clogit")
    result = usable(case)
    chunked = fitted(case, control=gf.Control(chunk_rows=7, threads=1))
    assert_same_fit(result, chunked)
    threads = fitted(case, control=gf.Control(chunk_rows=7, threads=3))
    np.testing.assert_array_equal(flat(threads.params), flat(chunked.params))
    np.testing.assert_array_equal(flat(threads.bse), flat(chunked.bse))


test_chunks_and_threads, test_chunks_and_threads_thoroughly = property_of(check_chunks)


def check_storage(case: Case) -> None:
    assume(case.kind == "glm")
    result = usable(case)
    data = result.model.data
    vectors = {"offset": data.offset, "freq_weights": data.freq_weights}
    vectors["var_weights"] = data.var_weights
    given = {name: values for name, values in vectors.items() if values is not None}
    design = np.asarray(data.design.toarray())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlmfitWarning)
        model = gf.GLM(data.response.y, design, case.family, link=case.link, **given)
        assert_same_fit(result, model.fit())


test_dense_is_structured, test_dense_is_structured_thoroughly = property_of(check_storage)


def check_solvers(case: Case) -> None:
    assume(case.kind != "clogit")
    result = usable(case)
    assume(result.separation is None)
    for method in ("fisher", "irls", "lbfgs"):
        other = fitted(case, method=method)
        if other.converged:
            assert other.llf == pytest.approx(result.llf, rel=1e-8, abs=1e-7)


test_solvers_end_together, test_solvers_end_together_thoroughly = property_of(check_solvers)


# -- results ------------------------------------------------------------------------------


def check_predictions(case: Case) -> None:
    assume(case.kind != "clogit")
    result = usable(case)
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(flat(again.params), flat(result.params))
    assert again.summary().as_text() == result.summary().as_text()
    predicted = flat(result.predict(case.data))
    np.testing.assert_array_equal(flat(again.predict(case.data)), predicted)
    unknown = case.data.drop(columns="y")
    np.testing.assert_array_equal(flat(result.predict(unknown)), predicted)
    missing = case.data.assign(y=None)
    np.testing.assert_array_equal(flat(result.predict(missing)), predicted)
    if case.kind == "glm":
        values = flat(result.fittedvalues)
        known = ~np.isnan(values)
        assert_close(values[known], predicted[known], rtol=1e-9)


test_predictions, test_predictions_thoroughly = property_of(check_predictions)


ANSWERS: dict[str, Callable[[Any], Any]] = {
    "HC0": lambda r: r.with_cov("HC0").bse,
    "HC1": lambda r: r.with_cov("HC1").bse,
    "HC3": lambda r: r.with_cov("HC3").bse,
    "OPG": lambda r: r.with_cov("OPG").bse,
    "anova 1": lambda r: r.anova(type=1).frame.select_dtypes("number"),
    "anova 2": lambda r: r.anova(type=2).frame.select_dtypes("number"),
    "Rao": lambda r: r.anova(type=2, test="Rao").frame.select_dtypes("number"),
    "drop1": lambda r: r.drop1().frame.select_dtypes("number"),
    "terms": lambda r: r.wald_test_terms().statistic,
    "effects": lambda r: r.marginal_effects().summary_frame().select_dtypes("number"),
    "score interval": lambda r: r.conf_int(method="score").iloc[:2],
    "pseudo": lambda r: [r.aic, r.bic, r.llnull],
}


def answers(result: Any) -> dict[str, np.ndarray]:
    """Return what a result answers, without what it cannot answer."""
    found = {}
    for name, ask in ANSWERS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GlmfitWarning)
            try:
                found[name] = flat(ask(result))
            except GlmfitError:
                continue
    return found


def assert_same_answers(one: Any, other: Any) -> None:
    first, second = answers(one), answers(other)
    assert first.keys() == second.keys()
    for name, values in first.items():
        scale = np.abs(values[np.isfinite(values)]).max(initial=1.0)
        np.testing.assert_allclose(values, second[name], rtol=2e-5, atol=1e-7 * scale, err_msg=name)


def check_answers_of_rows(case: Case) -> None:
    result = usable(case)
    assume(result.separation is None)
    order = np.random.default_rng(1).permutation(len(case.data))
    assert_same_answers(result, fitted(case.changed(case.data.iloc[order])))


test_answers_do_not_see_the_order, test_answers_do_not_see_the_order_thoroughly = property_of(
    check_answers_of_rows, few=2, many=150
)


def check_answers_of_frequencies(case: Case) -> None:
    weighted, repeated = counted(case)
    result = usable(weighted)
    assume(result.separation is None)
    assert_same_answers(result, fitted(repeated))


(
    test_answers_take_frequencies_for_rows,
    test_answers_take_frequencies_for_rows_thoroughly,
) = property_of(check_answers_of_frequencies, few=2, many=150)
