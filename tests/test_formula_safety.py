"""The formula language: what it refuses, what it allows, and how it says so."""

import importlib.util
import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.errors import (
    ArgumentTypeError,
    FormulaError,
    GlmfitError,
    LevelError,
    UnknownNameError,
    UnsafeFormulaError,
)
from glmfit.formula.factors import Factor, Learned, Rows
from glmfit.formula.safety import AGGREGATES, ELEMENTWISE, Expression
from glmfit.formula.spec import ModelSpec, parse
from glmfit.formula.table import Table

_where = Path(__file__).with_name("fuzz") / "formulas.py"
_spec = importlib.util.spec_from_file_location("fuzz_formulas", _where)
assert _spec is not None and _spec.loader is not None
formulas = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(formulas)

DATA = pd.DataFrame(
    {
        "y": [0.3, 1.2, -0.7, 2.0, 1.1, 0.4],
        "x": [1.0, 2.0, 3.5, 4.0, 5.5, 7.0],
        "z": [0.5, 0.1, 0.9, 0.3, 0.2, 0.8],
        "g": list("abcabc"),
        "my x": [1.0, 0.0, 2.0, 0.0, 1.0, 3.0],
    }
)


def design(formula: str, **options) -> np.ndarray:
    parsed = parse(formula, list(DATA.columns), **options)
    lost = np.zeros(len(DATA), dtype=bool)
    return ModelSpec.learn(parsed, Table(DATA), lost, missing="drop")[1].design.toarray()


HOSTILE = r"""
__import__('os').system('true')
__import__("os")
__builtins__
I(__builtins__)
x.__class__
I(x.__class__)
().__class__.__bases__
(1).__class__
'a'.join(['b'])
"{0.__class__}".format(x)
np.__dict__
np.__class__
np.load('f')
np.save('f', x)
np.savez('f', x)
np.savetxt('f', x)
np.fromfile('f')
np.genfromtxt('f')
np.loadtxt('f')
np.memmap('f')
np.lib.npyio.load('f')
np.linalg.inv(x)
np.random.normal(x)
np.vectorize(x)
np.apply_along_axis(x)
np.frompyfunc(x, 1, 1)
np.ctypeslib
np.os
np.sys
np.f2py
np.exp.__self__
np.log.accumulate(x)
np.add.reduce(x)
numpy.load('f')
x.values
x.to_csv('f')
x.map(x)
x[0]
I(x[::2])
I((lambda: 1)())
(lambda v: v)(x)
[v for v in x]
{v for v in x}
{v: v for v in x}
(v for v in x)
np.sum(v for v in x)
[v for v in ().__class__.__base__.__subclasses__()]
I(f"{x}")
f"{x}"
(w := x)
I((w := x))
np.maximum(*[x, z])
np.clip(x, **{'a_min': 0})
'a' * 10
I('a' * 1000000000)
I([0] * 1000000000)
I((0,) * 1000000000)
I('a' + 'b')
I('%s' % x)
I(10 ** 10 ** 10)
I(9 ** 9 ** 9)
I(10 ** 100000000)
I(2 ** -(10 ** 9))
I((2 ** 60) ** (2 ** 60))
I(1 << 100000000000)
I(x << 2)
I((1 << 62) << (1 << 40))
I(10 ** int(9))
getattr(x, 'values')
setattr(x, 'a', 1)
eval('1')
exec('1')
compile('1', '', 'eval')
open('f')
print(x)
input()
globals()
locals()
vars()
dir()
type(x)
object()
super()
breakpoint()
exit()
help()
memoryview(x)
range(10)
list(x)
map(abs, x)
os.system('true')
sys.exit()
pd.read_pickle('f')
pd.eval('1')
patsy.dmatrix('x')
EvalEnvironment
I(x if x else z)
I(await x)
I(...)
I(None)
I(x, y=__import__('os'))
_x
__x
Q
Q(x)
Q('no such column')
Q('my' + ' x')
Q("my x", 1)
Q(*['x'])
C
I
np
bs
offset
center
""".strip().splitlines()


CANARY = formulas.CANARY


def test_the_canary_sings():
    with pytest.raises(AssertionError, match="open: "), CANARY.watching():
        Path(__file__).read_bytes()
    with pytest.raises(AssertionError, match="open: "), CANARY.watching():
        Path(__file__).read_bytes()
        raise FormulaError("what is refused may not have touched anything either")
    with pytest.raises(AssertionError, match=r"os\.system"), CANARY.watching():
        os.system("")


@pytest.fixture(scope="module", autouse=True)
def warm():
    """Let the libraries import what they import on first use."""
    design("y ~ bs(x, df=4) + cr(x, df=3) + te(cr(x, df=3), cc(z, df=3)) + C(g, Poly)")
    with pytest.raises(GlmfitError):
        design("y ~ bs(x, df=2) + (")


@pytest.mark.parametrize("code", HOSTILE)
def test_hostile_terms_are_refused(code):
    with pytest.raises(FormulaError), CANARY.watching():
        design(f"y ~ {code}")


@pytest.mark.parametrize("code", HOSTILE)
def test_hostile_responses_and_offsets_are_refused(code):
    with pytest.raises(FormulaError), CANARY.watching():
        design(f"y ~ x + offset({code})")
    with pytest.raises(GlmfitError), CANARY.watching():
        gf.ols(f"{code} ~ x", DATA)


@pytest.mark.parametrize(
    "code",
    [
        "__import__('os')",
        "x.__class__",
        "np.load('f')",
        "np.linalg.inv(x)",
        "I(x[0])",
        "I((lambda: 1)())",
        "I(lambda: 1)",
        "I(np.__class__)",
        "np.__dict__",
        "I([v for v in x])",
        "I(f'{x}')",
        "I((w := x))",
        "np.maximum(*[x, z])",
        "np.clip(x, **z)",
        "I('a' * 9)",
        "I([0] * 9)",
        "I(10 ** 1000)",
        "getattr(x, 'a')",
        "eval('1')",
        "open('f')",
        "_x",
        "I(x if x else z)",
    ],
)
def test_unsafe_formulas_are_named_as_such(code):
    with pytest.raises(UnsafeFormulaError):
        parse(f"y ~ {code}", list(DATA.columns))


def test_refusal_comes_before_anything_runs():
    calls = []

    def spy(values):
        calls.append(1)
        return values

    with pytest.raises(UnsafeFormulaError):
        gf.ols("y ~ spy(x) + np.load('f')", DATA, env={"spy": spy})
    assert calls == []


def test_code_that_slipped_through_would_find_no_builtins():
    for code in ("open('f')", "__import__('os')", "len(x)"):
        nothing = frozenset()
        expression = Expression(code, frozenset({"x"}), nothing, nothing, (), None)
        rows = Rows(Table(DATA), np.ones(len(DATA), dtype=bool))
        with pytest.raises((NameError, ImportError)), CANARY.watching():
            Factor(expression, {}).value(Learned(code, {}), rows)


def test_a_predicted_formula_is_checked_no_less():
    model = gf.ols("y ~ x", DATA).fit()
    with pytest.raises(GlmfitError):
        model.predict("__import__('os')")


def test_a_column_may_have_any_name_without_being_run():
    names = ["__import__('os').system('false')", "a'b", 'a"b', "x; y", "a\\b", "~", "π", "lambda"]
    data = pd.DataFrame({name: DATA["x"] * (i + 1.3) for i, name in enumerate(names)})
    for i, name in enumerate(names):
        result = gf.ols(f"y ~ Q({name!r})", data.assign(y=DATA["y"])).fit()
        expected = gf.ols("y ~ x", DATA.assign(x=DATA["x"] * (i + 1.3))).fit()
        np.testing.assert_allclose(result.params.iloc[1], expected.params.iloc[1], rtol=1e-10)


# -- the fuzzer -------------------------------------------------------------------------

ATOMS = ["x", "z", "g", "y", "my", "1", "0", ".5", "2.", "'x'", '"my x"', "w", "spy", "_", "__x__"]
ATOMS += ["np", "numpy", "os", "C", "I", "Q", "bs", "center", "offset", "eval", "open", "getattr"]
ATOMS += ["__import__", "__builtins__", "__class__", "__globals__", "load", "log", "exp", "lambda"]
ATOMS += ["for", "in", "if", "else", "is", "not", "and", "or", "await", "yield", "None", "True"]
SIGNS = [*"+-*/%:.,()[]{}~^&|@=<>!;\\'\"#$?` \n\t", "**", "//", ":=", "<<", "==", "f'{x}'"]
BITS = [*HOSTILE[:60], "np.log(x)", "bs(x, df=4)", "C(g)", "Q('my x')", "offset(z)", "center(x)"]

pieces = st.lists(st.sampled_from(ATOMS + SIGNS + BITS), min_size=1, max_size=9).map("".join)


@settings(
    max_examples=600,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(pieces)
@example("np.log(x)")
@example("x:(z")
@example("x\x00")
@example("(" * 300 + "x" + ")" * 300)
@example("-" * 3000 + "x")
@example("I(" + "-" * 3000 + "x)")
@example("x" + "+x" * 500)
@example("I(x" + ".a" * 400 + ")")
@example("'")
@example("I('''x)")
@example("x # comment")
@example("x\n+ z")
@example("I(x\n)")
@example("\\")
@example("I(\ud800)")
@example("$")
@example("I(0777)")
@example("I(1_000 * x)")
@example("I(1j * x)")
@example("I(b'x')")
@example("I(" + "x + " * 3000 + "x)")
@example("bs(x, df=4), .5, I")
@example("//")
@pytest.mark.filterwarnings("ignore")
def test_any_text_gives_a_design_or_an_error_of_glmfit(code):
    try:
        with CANARY.watching():
            matrix = design(f"y ~ {code}")
    except GlmfitError as error:
        assert str(error)
    else:
        assert matrix.shape[0] <= len(DATA)
        assert matrix.dtype == np.float64
        assert np.isfinite(matrix).all()


@pytest.mark.filterwarnings("ignore")
def test_the_canary_lives_through_thousands_of_formulas():
    assert formulas.run(5_000, seed=8)["faults"] == {}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_canary_lives_through_many_formulas():
    assert formulas.run(100_000, seed=20_261_122)["faults"] == {}


def test_a_million_formulas_were_tried():
    tried = json.loads(Path(__file__).with_name("fuzz").joinpath("formulas.json").read_text())
    assert tried["strings"] == sum(tried["outcomes"].values()) >= 1_000_000
    assert tried["faults"] == {}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("C(2.)", "not one for each of the 6 rows"),
        ("te(cr(x, df=3, df=3))", "given twice"),
        ("True,", "not one number for each of the 6 rows"),
        ("C(g, 'Treatment')", "without quotes"),
        ("C(g, np)", "without quotes"),
        ("C(g, [1, 2, 3])", "must be a matrix"),
        ("C(g, [[1], [2]])", "cannot be coded: Mismatched contrast matrix"),
        ("C(g, [[1], [2], [np.inf]])", "must be a matrix"),
        ("C(g, np.log)", "cannot be made"),
        ("C(g, Treatment(x))", "must be one level"),
        ("C(g, Sum, standardize(2.))", "list of different values"),
        ("C(g, levels=3)", "list of different values"),
        ("C(g, levels=['a', 'a', 'b', 'c'])", "list of different values"),
        ("C(g, levels=[['a'], ['b', 'c']])", "list of different values"),
    ],
)
def test_levels_and_contrasts_that_make_no_sense_are_refused(code, told):
    with pytest.raises(FormulaError, match=told):
        gf.ols(f"y ~ {code}", DATA)


def test_a_contrast_as_a_matrix_predicts_rows_that_lack_levels():
    fitted = gf.ols("y ~ C(g, [[1, 0], [0, 1], [-1, -1]])", DATA).fit()
    np.testing.assert_allclose(
        fitted.predict({"g": ["b"]}), fitted.predict({"g": list("abc")})[1:2], rtol=1e-15
    )


def test_the_response_and_inversions_may_be_offsets():
    assert design("y ~ x + offset(y)").shape == (6, 2)
    spelled = gf.ols("y ~ x + offset(~(x > 2)) + offset( ~(x > 2))", DATA).fit()
    once = gf.ols("y ~ x + offset(1.0 * (x <= 2))", DATA).fit()
    np.testing.assert_allclose(spelled.params, once.params, rtol=1e-12)


# -- what is allowed --------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_elementwise_functions_work(name):
    function = getattr(np, name)
    u, v = DATA["z"].to_numpy(), DATA["my x"].to_numpy()
    if name in ("clip", "where"):
        code = {"clip": "np.clip(z, 0.2, 0.7)", "where": "np.where(z > 0.4, z, 0)"}[name]
        expected = np.clip(u, 0.2, 0.7) if name == "clip" else np.where(u > 0.4, u, 0)
    elif getattr(function, "nin", 1) == 2:
        code, expected = f"np.{name}(Q('my x'), z)", function(v, u)
    elif name == "arccosh":
        code, expected = "np.arccosh(z + 1)", np.arccosh(u + 1)
    else:
        code, expected = f"np.{name}(z)", function(u)
    matrix = design(f"y ~ 0 + I({code})" if expected.dtype == bool else f"y ~ 0 + {code}")
    column = matrix[:, -1]
    np.testing.assert_allclose(column, np.asarray(expected, dtype=float))
    if np.asarray(expected).dtype != bool:
        np.testing.assert_array_equal(design(f"y ~ 0 + {code.replace('np.', 'numpy.')}"), matrix)


@pytest.mark.parametrize("name", sorted(AGGREGATES))
@pytest.mark.filterwarnings("ignore::glmfit.errors.FormulaWarning")
def test_aggregates_work(name):
    second = ", 30" if name == "percentile" else ", 0.3" if name == "quantile" else ""
    values = DATA["x"].to_numpy()
    extra = {"percentile": (30,), "quantile": (0.3,)}.get(name, ())
    matrix = design(f"y ~ 0 + I(x - np.{name}(x{second}))")
    np.testing.assert_allclose(matrix[:, 0], values - getattr(np, name)(values, *extra))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("I(x ** 2)", DATA["x"] ** 2),
        ("I(2 ** x)", 2 ** DATA["x"]),
        ("I(x * 2 ** 10)", DATA["x"] * 1024),
        ("I(-x + 1)", 1 - DATA["x"]),
        ("I(x // 2 + x % 2)", DATA["x"] // 2 + DATA["x"] % 2),
        ("I(1e3 * x)", 1e3 * DATA["x"]),
        ("I((x > 2) & (z < 0.5)) ", ((DATA["x"] > 2) & (DATA["z"] < 0.5))),
        ("I(~(x > 2) | (z < 0.5))", (~(DATA["x"] > 2) | (DATA["z"] < 0.5))),
        ("I(g != 'a')", DATA["g"] != "a"),
        ("np.pi * x", np.pi * DATA["x"]),
        ("I(x * np.e)", np.e * DATA["x"]),
        ("I(x * True)", DATA["x"]),
        ("I( np . log( x ) )", np.log(DATA["x"])),
    ],
)
def test_arithmetic_works(code, expected):
    if code.startswith("np.pi"):
        code = f"I({code})"
    matrix = design(f"y ~ {code}")
    np.testing.assert_allclose(matrix[:, -1], np.asarray(expected, dtype=float))


def test_a_sum_of_many_columns_can_be_read():
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.normal(size=(5, 1500)), columns=[f"c{i}" for i in range(1500)])
    limit = sys.getrecursionlimit()
    spelled = parse("c0 ~ " + " + ".join(data.columns[1:]), list(data.columns))
    assert len(spelled.terms) == len(parse("c0 ~ .", list(data.columns)).terms) == 1500
    assert sys.getrecursionlimit() == limit


# -- messages ---------------------------------------------------------------------------


def message_of(formula, data=DATA, kind=FormulaError, **options) -> str:
    with pytest.raises(kind) as caught:
        gf.ols(formula, data, **options)
    return str(caught.value)


def caret_of(message: str) -> tuple[int, int]:
    """Return where the caret stands and how long it is, against the formula above it."""
    *_, shown, carets = message.splitlines()
    assert set(carets.strip()) == {"^"}
    start = carets.index("^") - (len(shown) - len(shown.lstrip()))
    return start, carets.count("^")


def test_the_caret_stands_under_the_fault():
    formula = "y ~ x + (z"
    start, length = caret_of(message_of(formula))
    assert formula[start : start + length] == "("
    formula = "y ~ x + z)"
    start, length = caret_of(message_of(formula))
    assert formula[start : start + length] == ")"
    formula = "y ~ x + -z"
    start, length = caret_of(message_of(formula))
    assert formula[start : start + length].startswith("-")
    formula = "y ~ x ~ z"
    assert caret_of(message_of(formula)) == (6, 1)


def test_no_tilde_two_tildes_no_response():
    assert "no '~'" in message_of("y + x")
    assert "more than one '~'" in message_of("y ~ x ~ z")
    assert "no response" in message_of("~ x")
    assert "no '~'" in message_of("")
    for formula in ("y + x", "y ~ x ~ z", "~ x"):
        assert formula in message_of(formula)


def test_no_terms_are_no_model():
    assert design("y ~ 1").shape == (6, 1)
    with pytest.raises(GlmfitError, match="no columns"):
        gf.ols("y ~ 0", DATA)


@pytest.mark.parametrize("formula", [None, 3, ["y ~ x"], b"y ~ x", ("y", "x"), DATA])
def test_a_formula_must_be_text(formula):
    with pytest.raises(ArgumentTypeError, match="must be text"):
        gf.ols(formula, DATA)
    with pytest.raises(TypeError):
        gf.ols(formula, DATA)


def test_near_misses_are_suggested():
    data = DATA.rename(columns={"x": "temperature"})
    assert "Did you mean 'temperature'?" in message_of("y ~ temprature", data)
    assert "Did you mean 'temperature'?" in message_of("y ~ Temperature", data)
    assert "Did you mean 'temperature'?" in message_of("y ~ np.log(temperatur)", data)
    assert "Did you mean 'my x'?" in message_of("y ~ Q('my_x')")
    assert "columns are: y, temperature, z, g, my x" in message_of("y ~ nothing", data)
    assert "Did you mean 'log'?" in message_of("y ~ np.lgo(x)")
    assert "Did you mean 'center'?" in message_of("y ~ centre(x)")
    assert "Did you mean 'standardize'?" in message_of("y ~ standardise(x)")
    assert isinstance(UnknownNameError("x"), NameError)


def test_long_column_lists_are_cut():
    data = pd.DataFrame({f"c{i}": [1.0, 2.0] for i in range(100)})
    text = message_of("c0 ~ nothing", data)
    assert "c19, ..." in text
    assert "c20" not in text


def test_names_with_blanks_get_a_hint():
    assert "Q('my x')" in message_of("y ~ my x")
    assert "Q('my x')" in message_of("y ~ z + my x")


def test_unbalanced_parentheses_are_named():
    for formula in ("y ~ np.log(x", "y ~ (x", "y ~ I(x + z", "y ~ bs(x, df=[4)"):
        assert re.search(r"paren|complete|close|never", message_of(formula), re.IGNORECASE)


def test_errors_of_evaluation_name_the_term():
    assert "'np.log(g)'" in message_of("y ~ np.log(g)")
    assert "bs(x, df=2)" in message_of("y ~ bs(x, df=2)")
    for levels in ("['a']", "['a', 'b']"):  # with one level no column is left to notice it
        assert "has the level" in message_of(f"y ~ C(g, levels={levels})", kind=LevelError)
    assert "center(x, 3, 4)" in message_of("y ~ center(x, 3, 4)")


def test_the_remedy_for_a_method_call_is_named():
    assert "env={'f': f}" in message_of("y ~ x.rolling(2).mean()")
