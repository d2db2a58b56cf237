"""The page of `result.check()`: the right thing about fits of which it is known."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.errors import (
    CollinearityWarning,
    ConvergenceWarning,
    DataWarning,
    NotAvailableError,
    SeparationWarning,
)
from glmfit.inference.check import Check, Finding

GOODNESS = json.loads(
    (Path(__file__).parent / "reference" / "goodness.json").read_text(encoding="utf8")
)


def topics(found):
    return [finding.topic for finding in found.problems]


def line(found, topic):
    (one,) = (finding for finding in found.findings if finding.topic == topic)
    return one


# --- the three of the issue -----------------------------------------------------------------


def test_challenger():
    """Seven events, and one of them, at 75 F, that pulls alone; the link is not in doubt."""
    challenger = gf.datasets.load("challenger").set_index("FLIGHT")
    found = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit().check()
    assert topics(found) == ["Events", "Influential rows"]
    assert "seen 7 times, for 1 coefficient" in line(found, "Events").found
    influential = line(found, "Influential rows")
    assert "1 row moves the estimates much" in influential.found
    assert "row STS-61-A (0.427)" in influential.found
    assert influential.rule.endswith("8 / (n - 2p) = 0.421")
    assert line(found, "Link").verdict == "fine"
    assert line(found, "Dispersion").verdict == "not applicable"
    text = str(found)
    assert "2 things call for a look: events, influential rows." in text
    assert max(map(len, text.splitlines())) <= 78


def test_overdispersed_poisson():
    quine = gf.datasets.load("quine")
    formula = "days ~ eth + sex + age + lrn"
    result = gf.poisson(formula, quine).fit()
    found = result.check()
    dispersion = line(found, "Dispersion")
    assert dispersion.verdict == "look"
    assert dispersion.value == pytest.approx(result.pearson_chi2 / result.df_resid)
    assert "Overdispersed: standard errors are too small, by a factor of about 3.6" in (
        dispersion.found
    )
    # what follows from the overdispersion alone is not held against the link or the rows
    assert topics(found) == ["Dispersion", "Zeros", "Influential rows"]
    assert "divided by the dispersion 0.527" in line(found, "Link").found
    quasi = gf.glm(formula, quine, "quasipoisson").fit().check()
    assert "standard errors allow for it" in line(quasi, "Dispersion").found
    assert line(quasi, "Link").verdict == "fine"
    family = gf.families.NegativeBinomial(alpha=0.8)
    assert "Dispersion" not in topics(gf.glm(formula, quine, family).fit().check())


def test_wrong_link():
    """Bliss's beetles: the logit misses the steep upper end, the complementary log-log not."""
    beetles = gf.datasets.load("beetles")
    wrong = gf.logit("killed + survived ~ log_dose", beetles).fit().check()
    assert topics(wrong) == ["Link"]
    assert (
        "The logit link does not fit, or a term should not be linear" in line(wrong, "Link").found
    )
    right = gf.glm(
        "killed + survived ~ log_dose", beetles, gf.families.Binomial("cloglog")
    ).fit().check()  # fmt: skip
    assert topics(right) == []
    assert "Nothing here calls for a look." in str(right)


# --- the other lines ------------------------------------------------------------------------


@pytest.fixture
def data():
    rng = np.random.default_rng(11)
    n = 300
    x, z = rng.normal(size=n), rng.normal(size=n)
    frame = pd.DataFrame({"x": x, "z": z, "count": rng.poisson(np.exp(0.5 + 0.4 * x))})
    frame["y"] = (rng.uniform(size=n) < 1 / (1 + np.exp(-x))).astype(float)
    return frame


def test_a_right_model_has_no_problems(data):
    for result in (
        gf.poisson("count ~ x + z", data).fit(),
        gf.logit("y ~ x + z", data).fit(),
    ):
        found = result.check()
        assert set(topics(found)) <= {"Influential rows"}
        assert found.to_frame().shape == (len(found.findings), 5)


def test_collinear_terms(data):
    near = data.assign(twin=data["x"] + 0.01 * data["z"])
    found = gf.poisson("count ~ x + twin", near).fit().check()
    assert "Collinearity" in topics(found)
    with pytest.warns(CollinearityWarning):
        result = gf.poisson("count ~ x + I(2 * x)", data).fit()
    assert "I(2 * x) = 2 x" in line(result.check(), "Collinearity").found


def test_inflation_is_that_of_r():
    """car::vif of a Poisson model with a factor."""
    frame = pd.DataFrame(GOODNESS["data"])
    found = gf.poisson("count ~ x + I(x + z / 3) + g", frame).fit().check()
    assert line(found, "Collinearity").value == pytest.approx(max(GOODNESS["vif"]) ** 2, rel=1e-7)


def test_separation_and_its_consequences():
    y = np.repeat([0.0, 1.0], 6)
    with pytest.warns(SeparationWarning):
        result = gf.logit("y ~ x", {"y": y, "x": np.arange(12.0)}).fit()
    found = result.check()
    assert topics(found) == ["Separation", "Events"]
    assert "Completely separated: 12 responses" in line(found, "Separation").found
    assert line(found, "Convergence").verdict == "not applicable"
    assert line(found, "Link").verdict == "not applicable"
    risk = gf.datasets.load("risk")
    with pytest.warns(SeparationWarning):
        found = gf.mnlogit("risk ~ age + income", risk).fit().check()
    assert "medium: age" in line(found, "Separation").found
    assert line(found, "Influential rows").found == "The data are separated: see separation."
    firth = gf.logit("y ~ x", {"y": y, "x": np.arange(12.0)}).fit(method="firth").check()
    assert line(firth, "Separation").verdict == "not applicable"


def test_saturated_and_perfect_fits():
    found = gf.poisson("y ~ C(x)", {"y": np.array([1.0, 3, 2]), "x": [1, 2, 3]}).fit().check()
    assert topics(found) == ["Leverage"]
    assert line(found, "Influential rows").found == "Each row has a parameter of its own."
    assert line(found, "Dispersion").found == "No degrees of freedom are left."
    x = np.arange(6.0)
    perfect = gf.ols("y ~ x", {"y": 1.0 + x, "x": x}).fit()
    assert line(perfect.check(), "Convergence").verdict == "fine"


def test_no_convergence(data):
    with pytest.warns(ConvergenceWarning):
        result = gf.poisson("count ~ x", data).fit(maxiter=1)
    assert topics(result.check())[0] == "Convergence"


def test_zeros_and_outliers(data):
    extra = data.copy()
    extra.loc[::3, "count"] = 0
    extra.loc[5, "count"] = 60
    found = gf.poisson("count ~ x", extra).fit().check()
    assert line(found, "Zeros").verdict == "look"
    assert "More than the model allows" in line(found, "Zeros").found
    assert "row 5" in line(found, "Outliers").found
    assert "row 5" in line(found, "Influential rows").found
    none = data.assign(count=data["count"] + 1)
    assert "Fewer than the model allows" in line(
        gf.poisson("count ~ x", none).fit().check(), "Zeros"
    ).found  # fmt: skip


def test_underdispersion(data):
    even = data.assign(count=np.round(20 * np.exp(0.2 * data["x"])))
    dispersion = line(gf.poisson("count ~ x", even).fit().check(), "Dispersion")
    assert dispersion.verdict == "look"
    assert "Underdispersed" in dispersion.found


def test_missing_rows(data):
    lost = data.copy()
    lost.loc[:29, "z"] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = gf.poisson("count ~ x + z", lost).fit().check()
    assert "30 of 300 rows were left out for missing values: z (30)." in (
        line(found, "Missing rows").found
    )
    assert "Missing rows" in topics(found)


def test_a_row_that_fits_itself(data):
    alone = data.assign(one=(data.index == 7) * 1.0)
    found = gf.ols("z ~ x + one", alone).fit().check()
    assert line(found, "Leverage").found == "Rows with large leverage: row 7 (1)."


def test_every_kind_of_model():
    housing = gf.datasets.load("housing")
    infert = gf.datasets.load("infert")
    stackloss = gf.datasets.load("stackloss")
    fits = (
        gf.mnlogit("sat ~ infl + type", housing, freq_weights="freq").fit(),
        gf.ordered("sat ~ infl + type", housing, freq_weights="freq").fit(),
        gf.conditional_logit("case ~ spontaneous + induced", infert, groups="stratum").fit(),
        gf.ols("stack_loss ~ air_flow + water_temp + acid_conc", stackloss).fit(),
        gf.glm("stack_loss ~ air_flow", stackloss, gf.families.Gamma("log")).fit(),
        gf.glm("stack_loss ~ air_flow", stackloss, gf.families.Tweedie(var_power=2.5)).fit(),
        gf.GLM(stackloss["stack_loss"].to_numpy(), np.ones((21, 1))).fit(),
    )
    for result in fits:
        found = result.check()
        assert line(found, "Convergence").verdict == "fine"
        assert "nan" not in str(found)


def test_strata_are_not_left_out():
    infert = gf.datasets.load("infert")
    result = gf.conditional_logit("case ~ spontaneous + induced", infert, groups="stratum").fit()
    with pytest.raises(NotAvailableError, match="belong to strata"):
        result.get_influence()
    assert line(result.check(), "Influential rows").verdict == "not applicable"


def test_the_page():
    findings = (
        Finding("Good", "fine", "All is well.", 1.0, "one rule", "Someone 1999"),
        Finding("Bad", "look", "Something is <wrong>.", 2.0),
    )
    found = Check("Check of a model", findings)
    assert topics(found) == ["Bad"]
    text = str(found)
    assert text.index("LOOK Bad") < text.index("ok   Good")
    assert "Rule: one rule (Someone 1999)." in text
    frame = found.to_frame()
    assert frame.loc["Good", "value"] == 1.0
    assert list(frame.columns) == ["verdict", "value", "found", "rule", "source"]
    assert "&lt;wrong&gt;" in found._repr_html_()
