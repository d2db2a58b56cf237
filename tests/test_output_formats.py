"""The records, and their HTML, LaTeX, Markdown, CSV and data frame."""

import csv
import io
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glmfit as gf
from glmfit.output import Column, Field, Row, Summary, Table
from glmfit.output.formatting import printable
from glmfit.output.latex import escape_latex
from glmfit.output.markdown import escape_markdown

COLUMNS = (Column("coef", "estimate"), Column("P>|z|", "pvalue"))


def summary(*labels: str) -> Summary:
    table = Table(
        COLUMNS,
        (*(Row(label, (0.1 + 0.2, 1e-9)) for label in labels), Row("x2", note="(aliased: x2 = x)")),
    )
    return Summary(
        "Results", (Field("Model:", "GLM"),), (Field("n:", 23),), (table,), ("A remark.",)
    )


# --- records ---------------------------------------------------------------------------


def test_a_row_must_fit_its_columns():
    with pytest.raises(ValueError, match="row 'x' has 1 cells for 2 columns"):
        Table(COLUMNS, (Row("x", (1.0,)),))


def test_a_row_must_not_have_both_cells_and_a_note():
    with pytest.raises(ValueError, match="both a note and cells"):
        Row("x", (1.0, None), note="n")


@pytest.mark.parametrize("record", [Field, Column])
def test_an_unknown_style_is_refused_with_the_known_ones(record):
    with pytest.raises(ValueError, match=r"'bold'; it must be one of .*estimate"):
        record("x", style="bold", **({"value": 1} if record is Field else {}))


def test_a_frame_has_the_raw_numbers():
    table = Table(
        (Column("coef", "estimate"), Column("df", "integer"), Column("what", "text")),
        (Row("x", (0.1 + 0.2, 3, "a")), Row("y", (None, 4, None))),
    )
    frame = table.to_frame()
    assert list(frame.index) == ["x", "y"]
    assert frame.loc["x", "coef"] == 0.1 + 0.2
    assert np.isnan(frame.loc["y", "coef"])
    assert frame["df"].dtype == np.int64
    assert frame.loc["x", "what"] == "a"


def test_a_frame_may_have_two_columns_of_one_name():
    table = Table((Column("a", "estimate"), Column("a", "estimate")), (Row("x", (1.0, 2.0)),))
    assert table.to_frame().to_numpy().tolist() == [[1.0, 2.0]]


def test_as_frame_picks_a_table():
    assert summary("x").as_frame().shape == (2, 2)
    with pytest.raises(IndexError):
        summary("x").as_frame(1)


# --- HTML ------------------------------------------------------------------------------

VOID = {"br"}


class Reader(HTMLParser):
    """Read elements back; fails where a closing tag has no opening one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.found: list[tuple[str, dict[str, str | None], str]] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        name, attrs, data = self.open.pop()
        assert name == tag
        self.found.append((tag, attrs, "".join(data)))

    def handle_data(self, data):
        if self.open:
            self.open[-1][2].append(data)


def elements(html: str) -> list[tuple[str, dict[str, str | None], str]]:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    return reader.found


def texts(html: str, tag: str, **attrs: str) -> list[str]:
    return [
        text for name, has, text in elements(html) if name == tag and attrs.items() <= has.items()
    ]


@given(st.text())
def test_html_labels_read_back(label):
    html = summary(label).as_html()
    shown = printable(label)
    assert texts(html, "th", scope="row") == ["Model:", "n:", shown, "x2"]


@given(st.text())
def test_html_escapes_every_place_of_text(text):
    table = Table((Column(text, "text"),), (Row("a", (text,)), Row("b", note=text)), title=text)
    fields = (Field(text, text),)
    html = Summary(text, fields, fields, (table,), (text,)).as_html()
    shown = printable(text)
    assert texts(html, "caption") == [shown, shown]
    assert texts(html, "th", scope="col") == [shown]
    assert texts(html, "td", **{"class": "glmfit-text"}) == [shown]
    assert texts(html, "td", **{"class": "glmfit-note"}) == [shown]
    assert texts(html, "td", **{"class": "glmfit-value"}) == [shown] * bool(text) * 2
    assert texts(html, "td", colspan="2") == [shown]


def test_a_column_named_script_does_not_run():
    html = summary("<script>alert(1)</script>").as_html()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_html_is_semantic():
    html = summary("x").as_html()
    assert html.count('<table class="glmfit">') == 2
    assert texts(html, "th", scope="col") == ["coef", "P>|z|"]
    assert texts(html, "caption") == ["Results"]
    assert '<td class="glmfit-note" colspan="2">(aliased: x2 = x)</td>' in html
    assert "<tfoot>\n<tr><td colspan" in html
    assert texts(html, "td", colspan="3") == ["A remark."]


def test_without_header_fields_the_title_is_the_first_tables_caption():
    html = Summary("Results", tables=(Table(COLUMNS, (), title="Odds ratios"),)).as_html()
    assert "<caption>Results<br>Odds ratios</caption>" in html
    assert html.count("<table") == 1


def test_html_outranks_the_style_of_notebooks():
    style = texts(summary("x").as_html(), "style")[0]
    selectors = re.findall(r"([^{}]+)\{[^}]*\}", style)
    for selector in (part.strip() for group in selectors for part in group.split(",")):
        # JupyterLab's is `.jp-RenderedHTMLCommon:not(.jp-RenderedMarkdown) td`: two classes
        assert selector == ".glmfit-summary" or selector.startswith(".glmfit-summary table.glmfit")
    assert "table-layout: auto" in style  # JupyterLab makes all columns of one width


def test_html_has_no_colours_of_its_own():
    style = texts(summary("x").as_html(), "style")[0]
    assert "currentColor" in style
    assert not re.search(
        r"#[0-9a-f]{3}|rgb|hsl|\b(white(?!-)|black|gr[ae]y)\b", style, re.IGNORECASE
    )


def test_every_rule_of_the_style_sheet_is_limited_to_glmfit():
    style = texts(summary("x").as_html(), "style")[0]
    for selectors in re.findall(r"([^{}]+)\{", style):
        assert all("glmfit" in selector for selector in selectors.split(","))


def test_notebooks_get_html_and_latex():
    assert summary("x")._repr_html_() == summary("x").as_html()
    assert summary("x")._repr_latex_() == summary("x").as_latex()


# --- LaTeX -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("char", "escaped"),
    [
        ("_", r"\_"),
        ("%", r"\%"),
        ("&", r"\&"),
        ("#", r"\#"),
        ("$", r"\$"),
        ("{", r"\{"),
        ("}", r"\}"),
        ("~", r"\textasciitilde{}"),
        ("^", r"\textasciicircum{}"),
        ("\\", r"\textbackslash{}"),
        ("|", r"\textbar{}"),
        ("<", r"\textless{}"),
        ("--", "-{}-"),
        ("[", "{[}"),
        ("*", "{*}"),
    ],
)
def test_latex_escapes(char, escaped):
    assert escape_latex(f"a{char}b") == f"a{escaped}b"


@given(st.text(st.characters(max_codepoint=126)))
def test_no_escaped_text_is_special_to_latex(text):
    rest = re.sub(
        r"\\text(asciitilde|asciicircum|backslash|bar|less|greater)\{\}|\\[_%&#${}]|\{[\[\]*]\}"
        r"|-\{\}",
        "",
        escape_latex(text),
    )
    assert not set(rest) & set("\\{}$&#^_%~<>|")


def test_latex_fragment():
    assert summary("a_b").as_latex() == "\n".join(
        [
            r"\begin{center}",
            r"\textbf{Results}",
            r"\par\medskip",
            r"\begin{tabular}{lrlr}",
            r"\toprule",
            r"Model: & GLM & n: & 23 \\",
            r"\bottomrule",
            r"\end{tabular}",
            r"\par\medskip",
            r"\begin{tabular}{lrr}",
            r"\toprule",
            r" & coef & P\textgreater{}\textbar{}z\textbar{} \\",
            r"\midrule",
            r"a\_b & 0.3000 & \textless{}0.001 \\",
            r"x2 & \multicolumn{2}{l}{\emph{(aliased: x2 = x)}} \\",
            r"\bottomrule",
            r"\end{tabular}",
            r"\par\medskip",
            r"{\footnotesize A remark.\par}",
            r"\end{center}",
        ]
    )


def printed_tables():
    """Return LaTeX of tables of every shape, with names that are special to it."""
    load = gf.datasets.load
    challenger = gf.logit("O_RING_FAILURE ~ TEMPERATURE", load("challenger")).fit()
    breaks = gf.poisson("breaks ~ wool * tension", load("warpbreaks")).fit()
    risk = gf.mnlogit("risk ~ age + income", load("risk"), reference="low").fit(method="firth")
    with pytest.warns(gf.errors.CollinearityWarning):
        aliased = gf.logit("case ~ age + bs(age, df=4) + education", load("infert")).fit()
    data = pd.DataFrame(
        {"y_1": [1.0, 2.0, 4.0, 3.0, 5.0, 7.0], "g": ["a & b", "50%", "#1_{x}"] * 2}
    )
    return [
        challenger.summary().as_latex(),
        risk.summary().as_latex(),
        aliased.summary().as_latex(),
        gf.ols("y_1 ~ g", data).fit().summary().as_latex(),
        gf.compare({"$a$ & b_1": challenger, r"{\frac}": breaks}, output="latex"),
        gf.compare({"classes": risk}, output="latex"),
        breaks.anova(type=2).summary().as_latex(),
        breaks.comparisons("tension", by="wool").summary().as_latex(),
        risk.confusion_matrix().summary().as_latex(),
    ]


def test_latex_is_well_formed_and_compiles_where_there_is_latex(tmp_path):
    tables = printed_tables()
    for latex in tables:
        bare = re.sub(r"\\[\\{}$&%#_]", "", latex)  # what is escaped
        depth = np.cumsum([(c == "{") - (c == "}") for c in bare])
        assert depth.min() >= 0 and depth[-1] == 0
        opened = re.findall(r"\\(begin|end)\{(\w+)\}", latex)
        stack = []
        for what, name in opened:
            if what == "begin":
                stack.append(name)
            else:
                assert stack.pop() == name
        assert stack == []
        assert not re.search(r"[#%_~^]", bare.replace("\\textasciicircum", ""))
    program = shutil.which("pdflatex")
    if program is not None:
        body = "\n\\clearpage\n".join(tables)
        (tmp_path / "tables.tex").write_text(
            "\\documentclass{article}\\usepackage{booktabs}\\setlength{\\textwidth}{165mm}\n"
            f"\\begin{{document}}\n{body}\n\\end{{document}}\n"
        )
        call = [program, "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
        done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        assert "Overfull" not in done.stdout


def test_latex_writes_a_minus_but_not_in_an_exponent():
    table = Table((Column("coef", "estimate"),), (Row("x", (-6.12e-05,)),))
    latex = Summary("t", (Field("LL", -10.158),), tables=(table,)).as_latex()
    assert r"x & $-$6.1200e-05 \\" in latex
    assert r"LL & $-$10.158 &" in latex


# --- Markdown --------------------------------------------------------------------------


def test_markdown():
    assert summary("a|b").as_markdown() == "\n".join(
        [
            "**Results**",
            "",
            "|  |  |  |  |",
            "| :--- | ---: | :--- | ---: |",
            "| Model: | GLM | n: | 23 |",
            "",
            r"|  | coef | P>\|z\| |",
            "| :--- | ---: | ---: |",
            r"| a\|b | 0.3000 | \<0.001 |",
            "| x2 | (aliased: x2 = x) |  |",
            "",
            "A remark.",
        ]
    )


@given(st.text())
def test_markdown_tables_keep_their_number_of_cells(label):
    lines = summary(label).as_markdown().split("\n")
    table = [line for line in lines if line.startswith("|")][3:]
    assert len(table) == 4
    for line in table:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 4


def test_markdown_leaves_underscores_within_words():
    assert escape_markdown("O_RING_FAILURE _x_") == r"O_RING_FAILURE \_x\_"


# --- CSV -------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.floats(), st.floats()))
)
def test_csv_reads_back_exactly(rows):
    table = Table(COLUMNS, tuple(Row(label, (a, b)) for label, a, b in rows))
    lines = list(csv.reader(io.StringIO(Summary("t", tables=(table,)).as_csv(), newline="")))
    assert lines[:3] == [["t"], [], ["", "coef", "P>|z|"]]
    for (label, *numbers), line in zip(rows, lines[3:], strict=True):
        assert line[0] == label
        for number, text in zip(numbers, line[1:], strict=True):
            assert float(text) == number or (math.isnan(number) and text == "nan")


def test_csv_has_header_notes_and_plain_numbers():
    table = Table(
        (Column("coef", "estimate"), Column("df", "integer")),
        (Row("=x", (np.float64(0.1), np.int64(2))), Row("x2", note="(aliased)")),
        title="Ratios",
    )
    text = Summary("t", (Field("ok", True),), (Field("n", 23),), (table,), ("a, b",)).as_csv()
    assert text.split("\n") == [
        "t",
        "",
        "ok,True",
        "n,23",
        "",
        "Ratios",
        ",coef,df,note",
        "=x,0.1,2,",
        "x2,,,(aliased)",
        "",
        '"a, b"',
        "",
    ]
