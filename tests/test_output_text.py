"""The plain-text drawing: its exact look, and what holds for every table."""

import math
import re

import pytest
import tabulate
from hypothesis import example, given
from hypothesis import strategies as st

from glmfit.output import Column, Field, Report, Row, Summary, Table
from glmfit.output.formatting import align_decimals, format_column, format_value, printable
from glmfit.output.text import MIN_WIDTH, to_text

COLUMNS = (
    Column("coef", "estimate"),
    Column("std err", "estimate"),
    Column("z", "statistic"),
    Column("P>|z|", "pvalue"),
    Column("[0.025", "estimate"),
    Column("0.975]", "estimate"),
)

# A logit of O-ring failure on temperature (Challenger), as statsmodels 0.14 fits it.
INTERCEPT = (15.042901648, 7.378630132, 2.03871198, 0.04147878, 0.581052334, 29.504750961)
TEMPERATURE = (-0.232162744, 0.10823643, -2.144959374, 0.031956095, -0.444302248, -0.02002324)


def challenger() -> Summary:
    coefficients = Table(
        COLUMNS,
        (
            Row("Intercept", INTERCEPT),
            Row("TEMPERATURE", TEMPERATURE),
            Row("CELSIUS", note="(aliased: CELSIUS = -17.778 + 0.556*TEMPERATURE)"),
        ),
    )
    ratios = Table(
        (
            Column("odds ratio", "estimate"),
            Column("[0.025", "estimate"),
            Column("0.975]", "estimate"),
        ),
        (
            Row("Intercept", (3412315.488430573, 1.787918929, 6512541929063.317)),
            Row("TEMPERATURE", (0.792817086, 0.641271569, 0.980175893)),
        ),
        title="Odds ratios",
    )
    return Summary(
        "Logit Regression Results",
        left=(
            Field("Dep. Variable:", "O_RING_FAILURE"),
            Field("Model:", "Logit"),
            Field("Converged:", True),
        ),
        right=(
            Field("No. Observations:", 23),
            Field("Log-Likelihood:", -10.15759634393341),
            Field("LLR p-value:", 0.004804, "pvalue"),
            Field("Deviance:", 20.31519268786682),
        ),
        tables=(coefficients, ratios),
        notes=(
            "The event is O_RING_FAILURE = 1. 2 of 25 rows were dropped, for missing "
            "values in TEMPERATURE.",
            "Intervals of odds ratios are those of the coefficients, exponentiated.",
        ),
    )


CHALLENGER = """\
                           Logit Regression Results
==============================================================================
Dep. Variable:         O_RING_FAILURE   No. Observations:                   23
Model:                          Logit   Log-Likelihood:                -10.158
Converged:                       True   LLR p-value:                     0.005
                                        Deviance:                       20.315
==============================================================================
                   coef    std err          z      P>|z|     [0.025     0.975]
------------------------------------------------------------------------------
Intercept       15.0429     7.3786      2.039      0.041     0.5811    29.5048
TEMPERATURE     -0.2322     0.1082     -2.145      0.032    -0.4443    -0.0200
CELSIUS      (aliased: CELSIUS = -17.778 + 0.556*TEMPERATURE)
==============================================================================
                                 Odds ratios
==============================================================================
                        odds ratio                [0.025                0.975]
------------------------------------------------------------------------------
Intercept             3412315.4884                1.7879            6.5125e+12
TEMPERATURE                 0.7928                0.6413            0.9802
==============================================================================
The event is O_RING_FAILURE = 1. 2 of 25 rows were dropped, for missing values
  in TEMPERATURE.
Intervals of odds ratios are those of the coefficients, exponentiated."""


def test_challenger_summary_looks_exactly_so():
    assert challenger().as_text().split("\n") == CHALLENGER.split("\n")


def test_str_and_repr_are_the_text():
    assert str(challenger()) == repr(challenger()) == CHALLENGER


# --- numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "values", "shown"),
    [
        ("estimate", (15.0429, -0.23216, 7.37863), ("15.0429", "-0.2322", "7.3786")),
        ("estimate", (1.5, 0.25, 6.12e-05), ("1.5000", "0.2500", "6.1200e-05")),
        ("estimate", (1.5, 0.25, -3.2e8), ("1.5000", "0.2500", "-3.2000e+08")),
        ("estimate", (0.001234, 0.002345, 0.0098), ("0.001234", "0.002345", "0.009800")),
        ("estimate", (1e-7, 2e-7), ("1.0000e-07", "2.0000e-07")),
        ("estimate", (9999999.0, 1e7), ("9999999.0000", "1.0000e+07")),
        ("estimate", (2, 0.0, -0.0), ("2.0000", "0.0000", "0.0000")),
        ("estimate", (1.0, math.nan, math.inf, -math.inf), ("1.0000", "nan", "inf", "-inf")),
        ("estimate", (1.0, None, "n/a"), ("1.0000", "", "n/a")),
        ("statistic", (-2.14496, 1234.5, 0.0003), ("-2.145", "1234.500", "3.000e-04")),
        ("pvalue", (0.0415, 0.0005, 0.00049, 0.0), ("0.042", "0.001", "<0.001", "<0.001")),
        ("pvalue", (1.0, math.nan, None), ("1.000", "nan", "")),
        ("integer", (123456789, 21.0, 3.25), ("123456789", "21", "3.250")),
        ("general", (28.267, 20.31519), ("28.267", "20.315")),
        ("general", (23, 24.3), ("23", "24.300")),
        ("text", ("y ~ x", None, 3), ("y ~ x", "", "3")),
    ],
)
def test_a_column_is_formatted_together(style, values, shown):
    assert format_column(values, style) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-10.15759634, "-10.158"),
        (123456.789, "123456.79"),
        (999999999.4, "999999999.40"),
        (1.5e9, "1.5000e+09"),
        (0.2813, "0.28130"),
        (1.0, "1.0000"),
        (3e-15, "3.0000e-15"),
        (0.0, "0.0000"),
        (23, "23"),
        (False, "False"),
        ("Logit", "Logit"),
        (None, ""),
    ],
)
def test_a_field_without_style_is_formatted_by_its_type(value, shown):
    assert format_value(Field("f", value)) == shown


def test_numpy_scalars_are_numbers():
    np = pytest.importorskip("numpy")
    assert format_column((np.float32(0.5), np.int64(2), np.float64(0.25)), "estimate") == (
        "0.5000",
        "2.0000",
        "0.2500",
    )
    assert format_value(Field("n", np.int64(23))) == "23"


numbers = st.floats(allow_nan=True, allow_infinity=True)
usual = st.floats(min_value=-1e6, max_value=1e6)
number_lists = st.lists(numbers | usual, min_size=1, max_size=12)


@given(number_lists, st.sampled_from(["estimate", "statistic", "general", "integer"]))
@example([15.0, 6e-320], "estimate")
@example([1.0, 1.0, 1e-4], "estimate")
def test_no_nonzero_number_shows_as_zero(values, style):
    for value, shown in zip(values, format_column(values, style), strict=True):
        if value != 0:
            assert float(shown) != 0 or math.isnan(value)
        else:
            assert float(shown) == 0
            assert not shown.startswith("-")


@given(number_lists)
def test_a_shown_estimate_is_within_five_percent(values):
    for value, shown in zip(values, format_column(values, "estimate"), strict=True):
        if abs(value) < 1e300:  # further up, rounding may reach infinity
            assert math.isclose(float(shown), value, rel_tol=0.05)


@given(st.lists(st.floats(0, 1), min_size=1))
def test_no_pvalue_shows_as_zero(values):
    assert "0.000" not in format_column(values, "pvalue")


@given(number_lists, st.sampled_from(["estimate", "statistic", "general"]))
def test_decimal_points_align_when_right_aligned(values, style):
    shown = align_decimals(format_column(values, style))
    from_the_right = {len(text) - text.index(".") for text in shown if "." in text}
    assert len(from_the_right) <= 1


# --- layout ----------------------------------------------------------------------------

labels = st.text(max_size=40)
rows = st.builds(
    lambda label, cells: Row(label, tuple(cells)),
    labels,
    st.lists(numbers | st.none(), min_size=6, max_size=6),
)
noted = st.builds(lambda label, note: Row(label, note=note), labels, st.text(max_size=120))
fields = st.lists(st.builds(Field, labels, labels | numbers | st.integers() | st.none()))
reports = st.builds(
    lambda title, left, right, rows, notes: Report(
        title, tuple(left), tuple(right), (Table(COLUMNS, tuple(rows)),), tuple(notes)
    ),
    labels,
    fields,
    fields,
    st.lists(rows | noted, max_size=8),
    st.lists(labels),
)


@given(reports)
def test_any_report_draws_in_one_width(report):
    lines = to_text(report).split("\n")
    rules = [line for line in lines if re.fullmatch(r"={78,}|-{78,}", line)]
    assert len(rules) >= 3
    assert len(set(map(len, rules))) == 1
    assert len(rules[0]) >= MIN_WIDTH
    assert not any(line.endswith(" ") for line in lines)


@given(st.lists(rows, min_size=1, max_size=8))
def test_decimal_points_of_a_drawn_column_align(rows):
    rows = [Row(f"x{i}", row.cells) for i, row in enumerate(rows)]
    lines = to_text(Report("", tables=(Table(COLUMNS, tuple(rows)),))).split("\n")
    body = lines[4:-1]
    assert len(body) == len(rows)
    width = len(lines[1])
    assert all(len(line) <= width for line in body)
    for i in range(len(COLUMNS)):
        points = set()
        for row, line in zip(rows, body, strict=True):
            # The words of a line are its label and its cells that are not blank.
            words = list(re.finditer(r"\S+", line))
            if row.cells[i] is not None:
                word = words[1 + sum(cell is not None for cell in row.cells[:i])]
                if "." in word.group():
                    points.add(word.start() + word.group().index("."))
        assert len(points) <= 1


@given(reports)
def test_names_are_never_cut(report):
    text = to_text(report)
    for row in report.tables[0].rows:
        assert printable(row.label).strip() in text
        assert printable(row.note or "").strip() in text


@given(reports)
def test_control_characters_of_names_do_not_reach_the_terminal(report):
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", to_text(report))


def test_a_long_name_widens_every_block_alike():
    name = "C(region, Treatment(reference='north'))[T.south]:" + "x" * 80
    report = Report(
        "Title",
        (Field("Model:", "GLM"),),
        (Field("n:", 23),),
        (Table(COLUMNS, (Row(name, INTERCEPT), Row("x", TEMPERATURE))),),
    )
    title, *lines = to_text(report).split("\n")
    assert {len(line) for line in lines} == {len(lines[0])}
    assert len(lines[0]) > len(name) + 50
    assert abs(title.index("Title") - (len(lines[0]) - len("Title")) // 2) <= 1
    assert name in lines[5]


def test_sixty_rows_keep_their_order():
    table = Table(COLUMNS, tuple(Row(f"x{i}", INTERCEPT) for i in range(60)))
    lines = to_text(Report("", tables=(table,))).split("\n")[4:-1]
    assert [line.split()[0] for line in lines] == [f"x{i}" for i in range(60)]


def test_a_table_without_rows_draws():
    lines = to_text(Report("Empty", tables=(Table(COLUMNS, ()),))).split("\n")
    assert lines[2].split() == " ".join(column.name for column in COLUMNS).split()
    assert lines[3] == "-" * MIN_WIDTH


def test_a_long_header_value_is_wrapped_in_its_half():
    formula = "y ~ " + " + ".join(f"predictor_{i}" for i in range(12))
    report = Report("", (Field("Formula:", formula),), (Field("n:", 23), Field("Scale:", 1.0)))
    lines = to_text(report).split("\n")
    block = lines[2:-1]
    assert set(map(len, lines[1:2] + lines[-1:])) == {MIN_WIDTH}
    assert len(block) > 4
    assert all(len(line) <= MIN_WIDTH for line in block)
    assert "n:" in block[0] and "Scale:" in block[1]
    shown = " ".join(line[:37].removeprefix("Formula:").strip() for line in block)
    assert shown == formula


def test_a_header_value_that_cannot_be_wrapped_widens_the_report():
    value = "v" * 60
    lines = to_text(Report("", (Field("A:", value),), (Field("B:", 1),))).split("\n")
    assert value in lines[2]
    assert {len(line) for line in lines[1:]} == {len(lines[1])}


def test_a_note_in_a_row_stands_in_place_of_the_numbers():
    note = "(aliased: x2 = x)"
    table = Table(COLUMNS, (Row("longest", INTERCEPT), Row("x2", (None,) * 6, note)))
    line = to_text(Report("", tables=(table,))).split("\n")[5]
    assert line == "x2       (aliased: x2 = x)"


def test_wide_characters_align_where_wcwidth_is_installed():
    wcwidth = pytest.importorskip("wcwidth")
    table = Table(COLUMNS, (Row("年齢", INTERCEPT), Row("age", TEMPERATURE)))
    lines = to_text(Report("", tables=(table,))).split("\n")
    assert {wcwidth.wcswidth(line) for line in lines[1:]} == {MIN_WIDTH}


def test_wide_characters_draw_without_wcwidth(monkeypatch):
    monkeypatch.setattr(tabulate, "WIDE_CHARS_MODE", False)
    table = Table(COLUMNS, (Row("年齢", INTERCEPT),))
    assert "年齢" in to_text(Report("", tables=(table,)))
