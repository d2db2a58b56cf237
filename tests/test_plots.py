"""Plots: against stored images, by their words, and by the frames that they draw.

Images are compared without any text, whose shape depends on the version of matplotlib and
of its font library; the words are compared as words. ``python tests/test_plots.py`` draws
them anew: look at each before you commit it.
"""

import inspect
import json
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.plots.canvas import plain_log_ticks

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.testing.compare import compare_images  # noqa: E402
from matplotlib.text import Text  # noqa: E402

IMAGES = Path(__file__).parent / "images"
WORDS = IMAGES / "words.json"
DPI = 50

TOLERANCE = 2.0
"""Root mean square of the differences of pixels (0 to 255): edges, not lines that moved."""


# --- fits -----------------------------------------------------------------------------------


def insurance(n):
    """Return policies whose factors have long names."""
    rng = np.random.default_rng(3)
    regions = ["Auvergne-Rhône-Alpes", "Bourgogne-Franche-Comté", "Île-de-France (metropolitan)"]
    fuels = ["Diesel (before 2005, without particle filter)", "Regular unleaded petrol"]
    outcomes = ["large claim, lawsuit", "medium claim, expert visit", "small claim, at once"]
    bonus = rng.integers(50, 150, n)
    return pd.DataFrame(
        {
            "region": rng.choice(regions, n),
            "fuel": rng.choice(fuels, n),
            "severity": rng.choice(outcomes, n),
            "bonus": bonus,
            "years": rng.uniform(0.1, 1.0, n),
            "claims": rng.poisson(0.05 * np.exp(bonus / 100)),
        }
    )


@cache
def fit(name):
    load = gf.datasets.load
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gf.errors.SeparationWarning)
        return {
            "challenger": lambda: gf.logit(
                "O_RING_FAILURE ~ TEMPERATURE", load("challenger")
            ).fit(),
            "infert": lambda: gf.logit(
                "case ~ age + parity + education + spontaneous + induced", load("infert")
            ).fit(),
            "cancer": lambda: gf.logit("HG ~ PI + EH", load("endometrial")).fit(),
            "breaks": lambda: gf.poisson("breaks ~ wool * tension", load("warpbreaks")).fit(),
            "trees": lambda: gf.ols("volume ~ girth + height", load("trees")).fit(),
            "housing": lambda: gf.mnlogit(
                "sat ~ infl + type + cont", load("housing"), freq_weights="freq"
            ).fit(),
            "ordered": lambda: gf.ordered(
                "sat ~ infl + cont", load("housing"), freq_weights="freq", distr="logit"
            ).fit(),
            "pneumo": lambda: gf.mnlogit(
                "severity ~ log(exposure)", load("pneumo"), freq_weights="count"
            ).fit(),
            "schooling": lambda: gf.mnlogit("education ~ age + parity", load("infert")).fit(),
            "risk": lambda: gf.mnlogit("risk ~ age + income", load("risk"), reference="low").fit(
                method="firth"
            ),
            "claims": lambda: gf.poisson(
                "claims ~ region + fuel + bonus", insurance(600), exposure="years"
            ).fit(),
            "severity": lambda: gf.mnlogit("severity ~ region + bonus", insurance(600)).fit(),
            "portfolio": lambda: gf.poisson("claims ~ region + bonus", insurance(20_000)).fit(),
            "days": lambda: gf.poisson("days ~ eth + sex + age + lrn", load("quine")).fit(),
            "days_hurdle": lambda: gf.hurdle(
                "days ~ eth + sex + age + lrn",
                load("quine"),
                inflation="~ age",
                dist="negativebinomial",
            ).fit(),
            "separated": lambda: gf.mnlogit(
                "risk ~ age + income", load("risk"), reference="low"
            ).fit(),
        }[name]()


P = gf.plots

CASES = {
    "fitted_curve": lambda **k: P.fitted_curve(fit("challenger"), mark=31, **k),
    "fitted_curve_by": lambda **k: P.fitted_curve(fit("infert"), "age", by="education", **k),
    "adjusted_predictions": lambda **k: P.adjusted_predictions(
        fit("breaks"), "tension", "wool", **k
    ),
    "adjusted_predictions_number": lambda **k: P.adjusted_predictions(fit("cancer"), "EH", **k),
    "adjusted_predictions_classes": lambda **k: P.adjusted_predictions(fit("housing"), "infl", **k),
    "log_odds": lambda **k: P.log_odds(fit("schooling"), "parity", **k),
    "marginal_effects": lambda **k: P.marginal_effects(fit("housing"), **k),
    "marginal_effects_along": lambda **k: P.marginal_effects(fit("cancer"), "EH", along="PI", **k),
    "softmax_curves": P.softmax_curves,
    "softmax_heatmap": P.softmax_heatmap,
    "class_probabilities": lambda **k: P.class_probabilities(fit("pneumo"), **k),
    "class_surfaces": lambda **k: P.class_surfaces(fit("schooling"), points=61, **k),
    "class_surfaces_level": lambda **k: P.class_surfaces(
        fit("schooling"), level="6-11yrs", points=61, **k
    ),
    "decision_regions": lambda **k: P.decision_regions(fit("risk"), points=101, **k),
    "coefficients": lambda **k: P.coefficients(fit("infert"), **k),
    "coefficients_classes": lambda **k: P.coefficients(fit("housing"), **k),
    "coefficients_linear": lambda **k: P.coefficients(fit("trees"), **k),
    "class_coefficients": lambda **k: P.class_coefficients(fit("schooling"), **k),
    "reference_effect": lambda **k: P.reference_effect(fit("schooling"), "parity", **k),
    "residuals": lambda **k: P.residuals(fit("infert"), **k),
    "residuals_classes": lambda **k: P.residuals(fit("schooling"), **k),
    "residual_quantiles": lambda **k: P.residual_quantiles(fit("infert"), **k),
    "residual_panels": lambda **k: P.residual_panels(fit("trees"), **k),
    "binned_residuals": lambda **k: P.binned_residuals(fit("infert"), **k),
    "influence": lambda **k: P.influence(fit("challenger"), **k),
    "influence_classes": lambda **k: P.influence(fit("schooling"), **k),
    "added_variable": lambda **k: P.added_variable(fit("trees"), "height", **k),
    "partial_residuals": lambda **k: P.partial_residuals(fit("trees"), "girth", **k),
    "roc": lambda **k: P.roc(fit("infert"), **k),
    "rootogram": lambda **k: P.rootogram(fit("days"), largest=40, **k),
    "rootogram_hurdle": lambda **k: P.rootogram(fit("days_hurdle"), largest=40, **k),
    "residual_quantiles_counts": lambda **k: P.residual_quantiles(fit("days_hurdle"), **k),
    "calibration": lambda **k: P.calibration(fit("infert"), **k),
    "profile": lambda **k: P.profile(fit("challenger"), "TEMPERATURE", **k),
    "convergence": lambda **k: P.convergence(fit("challenger"), **k),
}


@pytest.fixture(autouse=True)
def plain_style():
    with plt.style.context("default"):
        yield
    plt.close("all")


def figure_of(axes):
    return np.ravel(np.asarray(axes, dtype=object))[0].figure


def words_of(figure):
    """Return what the axes of a figure say: labels, titles, legends, categories, notes."""
    found = []
    for ax in figure.axes:
        words = [ax.get_xlabel(), ax.get_ylabel(), ax.get_title("left")]
        if ax.get_legend() is not None:
            words += [ax.get_legend().get_title().get_text()]
            words += [text.get_text() for text in ax.get_legend().get_texts()]
        words += [text.get_text() for text in ax.texts]
        found.append([word for word in words if word])
    return found


def draw_bare(axes, path):
    """Write a figure without its text."""
    figure = figure_of(axes)
    for ax in figure.axes:
        if ax.get_legend() is not None:
            ax.get_legend().remove()
    for text in figure.findobj(Text):
        text.set_visible(False)
    figure.savefig(path, dpi=DPI, metadata={"Software": None})


@pytest.mark.parametrize("name", list(CASES))
def test_plot_is_the_stored_one(name, tmp_path):
    axes = CASES[name]()
    assert words_of(figure_of(axes)) == json.loads(WORDS.read_text())[name]
    drawn = tmp_path / f"{name}.png"
    draw_bare(axes, drawn)
    assert compare_images(str(IMAGES / drawn.name), str(drawn), TOLERANCE) is None


LONG = {
    "coefficients": lambda: P.coefficients(fit("claims")),
    "coefficients_classes": lambda: P.coefficients(fit("severity")),
    "coefficients_separated": lambda: P.coefficients(fit("separated")),
    "class_coefficients": lambda: P.class_coefficients(fit("severity")),
    "reference_effect": lambda: P.reference_effect(fit("severity"), "bonus"),
    "adjusted_predictions": lambda: P.adjusted_predictions(fit("claims"), "region", "fuel"),
    "adjusted_predictions_classes": lambda: P.adjusted_predictions(fit("severity"), "region"),
    "marginal_effects": lambda: P.marginal_effects(fit("claims")),
    "marginal_effects_classes": lambda: P.marginal_effects(fit("severity")),
    "marginal_effects_along": lambda: P.marginal_effects(fit("severity"), "region", along="bonus"),
    "class_probabilities": lambda: P.class_probabilities(fit("severity")),
    "log_odds": lambda: P.log_odds(fit("claims"), "bonus", by="region"),
    "fitted_curve": lambda: P.fitted_curve(fit("claims"), "bonus", by="region"),
    "added_variable": lambda: P.added_variable(
        fit("claims"), "region[T.Île-de-France (metropolitan)]"
    ),
    "residuals_classes": lambda: P.residuals(fit("severity")),
    "residual_panels_of_many_rows": lambda: P.residual_panels(fit("portfolio")),
    "influence_of_many_rows": lambda: P.influence(fit("portfolio")),
    "influence_classes": lambda: P.influence(fit("severity")),
}


def meeting(texts, renderer):
    """Return pairs of texts whose boxes overlap."""
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text()]
    return [
        (a, b)
        for j, (a, one) in enumerate(boxes)
        for b, other in boxes[j + 1 :]
        if one.padded(-1).overlaps(other.padded(-1))
    ]


@pytest.mark.parametrize("name", [*CASES, *(f"long {name}" for name in LONG)])
def test_no_words_overlap_and_none_is_cut(name):
    figure = figure_of((LONG[name[5:]] if name.startswith("long ") else CASES[name])())
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    for ax in figure.axes:
        across, up = ax.get_xticklabels(), ax.get_yticklabels()
        inside = [t for t in across if t.get_rotation() == 0.0]  # boxes of slanted words meet
        assert meeting([*inside, ax.xaxis.label], renderer) == []
        assert meeting([*up, ax.yaxis.label], renderer) == []
        assert meeting(ax.texts, renderer) == []
        room = 10 if ax.get_label() == "<colorbar>" else 150
        assert ax.get_window_extent().width > room, "the words leave no room for the data"
    box, (width, height) = figure.get_tightbbox(renderer), figure.get_size_inches()
    assert box.x0 > -0.02 and box.y0 > -0.02
    assert box.x1 < width + 0.02 and box.y1 < height + 0.02


@given(
    low=st.floats(1e-3, 1.0), high=st.floats(1.0, 1e3), narrow=st.sampled_from([1, 0.1, 0.01, 1e-4])
)
@settings(max_examples=200, deadline=None)
def test_an_axis_of_ratios_has_ticks_of_round_numbers(low, high, narrow):
    low, high = low**narrow, high**narrow
    assume(high / low > 1.0 + 1e-6)
    _, ax = plt.subplots()
    plain_log_ticks(ax, [low, high, 1.0])
    left, right = ax.get_xlim()
    ticks = ax.get_xticks()
    labels = [float(label.get_text()) for label in ax.get_xticklabels()]
    plt.close("all")
    assert left <= low and high <= right
    assert 3 <= len(ticks) <= 14 and ((ticks >= left) & (ticks <= right)).all()
    np.testing.assert_allclose(labels, ticks, rtol=1e-9)
    assert 1.0 in ticks


def test_many_observations_are_shown_as_means_in_bins():
    result = fit("portfolio")
    frame = P.fitted_curve.data(result, "bonus", points=3)
    means = frame[frame["part"] == "means"]
    assert means["count"].sum() == 20_000 and 20 < len(means) <= 30
    claims = insurance(20_000)["claims"]
    np.testing.assert_allclose(np.average(means["estimate"], weights=means["count"]), claims.mean())
    few = P.fitted_curve.data(fit("challenger"), n_bins=4)
    assert (few["part"] == "means").sum() == 4 and not (few["part"] == "observed").any()
    with pytest.raises(gf.errors.ArgumentError, match="n_bins"):
        P.fitted_curve.data(fit("challenger"), n_bins=0)


# --- what every plot has --------------------------------------------------------------------


@pytest.mark.parametrize("name", P.__all__)
def test_every_plot_has_a_twin_and_an_image(name):
    plot = getattr(P, name)
    assert name in CASES
    parameters = inspect.signature(plot).parameters
    assert parameters["ax"].default is None
    assert parameters["ax"].kind is inspect.Parameter.KEYWORD_ONLY
    twin = inspect.signature(plot.data).parameters
    assert set(twin) <= set(parameters) - {"ax"}
    for key, parameter in twin.items():
        assert parameter.default == parameters[key].default, key
    assert plot.__doc__ and "Parameters" in plot.__doc__


@pytest.mark.parametrize("name", [name for name in P.__all__ if name != "residual_panels"])
def test_plot_goes_where_it_is_told(name):
    _, ax = plt.subplots()
    assert CASES[name](ax=ax) is ax
    assert len(plt.get_fignums()) == 1


def test_panels_go_where_they_are_told():
    _, axes = plt.subplots(2, 2)
    found = P.residual_panels(fit("trees"), ax=axes)
    assert (found == axes).all()
    with pytest.raises(gf.errors.ArgumentTypeError, match="4 Axes"):
        P.residual_panels(fit("trees"), ax=axes[0])


def test_a_figure_is_no_axes():
    with pytest.raises(gf.errors.ArgumentTypeError, match="matplotlib Axes"):
        P.convergence(fit("challenger"), ax=plt.figure())


PROGRAM = """
import sys
sys.modules["matplotlib"] = None
import glmfit as gf
result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", gf.datasets.load("challenger")).fit()
assert len(gf.plots.fitted_curve.data(result)) > 200
try:
    gf.plots.fitted_curve(result)
except ImportError as error:
    print(type(error).__name__, error)
"""


def test_without_matplotlib_the_numbers_stay_and_words_tell_the_rest():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("MissingPackageError")
    assert "pip install 'glmfit[plots]'" in done.stdout and ".data(...)" in done.stdout


# --- the frames -----------------------------------------------------------------------------


def test_a_curve_is_what_the_fit_predicts():
    result = fit("challenger")
    frame = P.fitted_curve.data(result, mark=[31, 40], points=11, alpha=0.1)
    curve = frame[frame["part"] == "curve"]
    assert curve["TEMPERATURE"].iloc[[0, -1]].tolist() == [31.0, 81.0]
    assert (curve["extrapolated"] == (curve["TEMPERATURE"] < 53)).all()
    for part in ("curve", "marked"):
        own = frame[frame["part"] == part]
        want = result.get_prediction(own[["TEMPERATURE"]].reset_index(drop=True))
        table = want.summary_frame(0.1)
        np.testing.assert_allclose(own["estimate"], table["mean"], rtol=1e-12)
        np.testing.assert_allclose(own["ci_lower"], table["mean_ci_lower"], rtol=1e-9)
        np.testing.assert_allclose(own["ci_upper"], table["mean_ci_upper"], rtol=1e-9)
    seen = frame[frame["part"] == "observed"]
    assert seen["count"].sum() == 23
    failures = seen.loc[seen["estimate"] == 1.0]
    assert failures["count"].sum() == 7 and failures["TEMPERATURE"].min() == 53


def test_other_variables_are_held_at_their_middle():
    result = fit("infert")
    frame = P.fitted_curve.data(result, "age", points=3)
    data = gf.datasets.load("infert")
    row = data[["parity", "spontaneous", "induced"]].mean()
    new = pd.DataFrame({"age": [21.0, 32.5, 44.0], **row}).assign(
        education=data["education"].mode()[0]
    )
    np.testing.assert_allclose(frame["estimate"][:3], result.predict(new), rtol=1e-12)
    axes = P.fitted_curve(result, "age", points=3)
    assert "education = 6-11yrs" in axes.get_title("left")


def test_marks_are_where_the_points_are():
    axes = P.fitted_curve(fit("challenger"), mark=31)
    diamond = next(line for line in axes.lines if line.get_label() == "at 31")
    np.testing.assert_allclose(diamond.get_xydata(), [[31.0, 0.99961]], atol=1e-5)


@pytest.mark.parametrize("name", ["pneumo", "ordered", "separated", "risk"])
def test_probabilities_of_classes_sum_to_one(name):
    result = fit(name)
    variable = {"pneumo": "exposure", "risk": "income", "separated": "income"}.get(name)
    if variable is None:
        with pytest.raises(gf.errors.ArgumentError, match="no number that varies"):
            P.class_probabilities.data(result)
        return
    frame = P.class_probabilities.data(result, variable, points=5)
    np.testing.assert_allclose(frame.groupby(variable)["estimate"].sum(), 1.0, rtol=1e-12)


def test_log_odds_are_lines():
    result = fit("schooling")
    frame = P.log_odds.data(result, "parity", points=5)
    for level, part in frame.groupby("level"):
        slopes = np.diff(part["estimate"]) / np.diff(part["parity"])
        np.testing.assert_allclose(slopes, result.params.loc["parity", level], rtol=1e-9)


def test_regions_are_what_is_predicted():
    for name in ("risk", "separated"):
        result = fit(name)
        frame = P.decision_regions.data(result, points=7)
        region = frame[frame["part"] == "region"]
        want = result.predict(region[["age", "income"]].reset_index(drop=True), which="class")
        assert region["level"].tolist() == want.tolist()
        assert len(frame[frame["part"] == "observed"]) == 12
        surfaces = P.class_surfaces.data(result, points=7)
        np.testing.assert_allclose(surfaces[["low", "medium", "high"]].sum(axis=1), 1.0, rtol=1e-12)


def test_softmax_is_that_of_the_article():
    # Brenndoerfer (2025), "Step 2" to "Step 4": eta 0, 1.5 and 2.55
    frame = P.softmax_curves.data(("low", "medium", "high"), (1.5, 2.55), span=(0, 1), points=2)
    start = frame[frame["eta"] == 0.0].set_index("level")["probability"]
    assert start.round(3).to_dict() == {"low": 0.055, "medium": 0.245, "high": 0.700}
    table = P.softmax_heatmap.data(span=(-1.0, 1.0), points=3, level="class 2")
    row = table[(table["eta_1"] == 1.0) & (table["eta_2"] == 0.0)]["probability"].item()
    assert row == pytest.approx(1.0 / (2.0 + np.e), rel=1e-14)


def test_effects_and_predictions_are_those_of_the_result():
    result = fit("breaks")
    frame = P.adjusted_predictions.data(result, "tension", "wool")
    at = {"wool": ["A", "B"], "tension": ["L", "M", "H"]}
    want = result.adjusted_predictions(at=at).summary_frame()
    pd.testing.assert_frame_equal(frame, want)
    pd.testing.assert_frame_equal(
        P.marginal_effects.data(result), result.marginal_effects().summary_frame()
    )


def test_coefficients_are_tidy():
    result = fit("infert")
    frame = P.coefficients.data(result, alpha=0.1)
    want = result.tidy(exponentiate=True, conf_level=0.9)
    pd.testing.assert_frame_equal(frame, want.iloc[1:].reset_index(drop=True))
    assert P.coefficients.data(result, "education")["term"].str.startswith("education").all()
    assert len(P.coefficients.data(result, intercept=True)) == len(want)
    with pytest.raises(gf.errors.ArgumentError, match="Did you mean 'age'"):
        P.coefficients.data(result, "agee")
    ordered = P.coefficients.data(fit("ordered"), intercept=True)
    assert set(ordered["coef_type"]) == {"coefficient"}
    assert len(P.coefficients.data(fit("ordered"), intercept=True, exponentiate=False)) == 5


def test_a_coefficient_without_a_number_is_told_in_words():
    with pytest.warns(gf.errors.SeparationWarning):
        result = gf.logit("y ~ x", {"x": [1.0, 2, 3, 4], "y": [0, 0, 1, 1]}).fit()
    axes = P.coefficients(result)
    assert [text.get_text() for text in axes.texts] == ["infinite: the data are separated"]


def test_the_reference_moves_the_picture_and_no_distance():
    result = fit("schooling")
    frame = P.reference_effect.data(result, "parity")
    levels = result.model.levels
    wide = frame.pivot_table("estimate", "reference", "y_level", sort=False)[list(levels)]
    np.testing.assert_allclose(np.diag(wide), 0.0)
    gaps = wide.sub(wide["0-5yrs"], axis=0)
    np.testing.assert_allclose(gaps, np.broadcast_to(gaps.iloc[0], gaps.shape), atol=1e-12)
    again = gf.mnlogit(
        "education ~ age + parity", gf.datasets.load("infert"), reference="12+ yrs"
    ).fit()
    own = frame[(frame["reference"] == "12+ yrs") & (frame["y_level"] == "0-5yrs")].iloc[0]
    assert own["estimate"] == pytest.approx(again.params.loc["parity", "0-5yrs"], rel=1e-8)
    assert own["std_error"] == pytest.approx(again.bse.loc["parity", "0-5yrs"], rel=1e-6)


def test_diagnostics_are_those_of_the_result():
    result = fit("infert")
    pd.testing.assert_frame_equal(P.binned_residuals.data(result), result.binned_residuals())
    pd.testing.assert_frame_equal(P.roc.data(result), result.roc().to_frame())
    pd.testing.assert_frame_equal(
        P.calibration.data(result), result.calibration().to_frame().reset_index()
    )
    frame = P.residuals.data(result, "age", kind="pearson")
    np.testing.assert_array_equal(frame["residual"], result.resid_pearson)
    np.testing.assert_array_equal(frame["x"], gf.datasets.load("infert")["age"])
    np.testing.assert_allclose(P.residuals.data(result)["x"], result.predict(which="linear"))
    trees = fit("trees")
    partial = P.partial_residuals.data(trees, "girth")
    np.testing.assert_allclose(
        np.polyfit(partial["x"], partial["component"], 1)[0], trees.params["girth"], rtol=1e-9
    )
    influence = P.influence.data(trees).set_index("row")
    np.testing.assert_array_equal(influence["cooks_d"], trees.get_influence().cooks_distance[0])


def test_a_profile_shows_its_interval():
    result = fit("challenger")
    frame = P.profile.data(result, "TEMPERATURE", points=5)
    ends = frame[frame["part"] == "end"]
    want = result.conf_int(method="profile").loc["TEMPERATURE"]
    np.testing.assert_allclose(ends["value"], want, rtol=1e-12)
    np.testing.assert_allclose(ends["zeta"], [-1.959963985, 1.959963985], rtol=1e-9)


def test_convergence_is_the_history():
    result = fit("challenger")
    pd.testing.assert_frame_equal(P.convergence.data(result), result.history.reset_index())


# --- every class of results ---------------------------------------------------------------


KINDS = {
    "counts": lambda: gf.negativebinomial("days ~ sex + lrn", gf.datasets.load("quine")),
    "hurdle": lambda: gf.hurdle("days ~ sex", gf.datasets.load("quine")),
    "count along a number": lambda: gf.negativebinomial("claims ~ bonus", insurance(600)),
    "matched": lambda: gf.conditional_logit(
        "case ~ spontaneous", gf.datasets.load("infert"), groups="stratum"
    ),
    "choice": lambda: gf.choice(
        "choice ~ gcost + wait",
        gf.datasets.load("travel_mode"),
        groups="individual",
        alternatives="mode",
    ),
    "ordered": lambda: gf.ordered(
        "severity ~ log(exposure)", gf.datasets.load("pneumo"), freq_weights="count"
    ),
    "separated classes": lambda: gf.mnlogit(
        "risk ~ age + income", gf.datasets.load("risk"), reference="low"
    ),
    "separated": lambda: gf.logit("y ~ x", {"x": [1.0, 2, 3, 4, 5, 6], "y": [0, 0, 0, 1, 1, 1]}),
    "arrays": lambda: gf.GLM([1.0, 2.0, 4.0, 4.0], [[1.0, 1], [1, 2], [1, 4], [1, 5]]),
    "constant": lambda: gf.poisson("breaks ~ 1", gf.datasets.load("warpbreaks")),
    "shares": lambda: gf.glm(
        "killed + survived ~ log_dose", gf.datasets.load("beetles"), family="binomial"
    ),
}


def arguments(result):
    """Return what each plot of a fit may be asked to draw."""
    variables = result.model.variables
    variable = next((n for n, v in variables.items() if not v.levels), next(iter(variables), "x"))
    term = str(result.tidy(conf_int=False)["term"].iloc[-1])
    return {
        **dict.fromkeys(["softmax_curves", "softmax_heatmap"]),
        **dict.fromkeys(["reference_effect", "added_variable", "partial_residuals"], (term,)),
        "profile": (term,),
        **dict.fromkeys(["fitted_curve", "log_odds", "class_probabilities"], (variable,)),
        "adjusted_predictions": (variable,),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_plot_draws_a_fit_or_says_why_not(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gf.errors.GlmfitWarning)
        result = KINDS[kind]().fit()
        asked, drawn = arguments(result), 0
        for name in P.__all__:
            given = asked.get(name, ())
            if given is None:  # needs no fit
                continue
            try:
                figure_of(getattr(P, name)(result, *given)).draw_without_rendering()
                drawn += 1
            except gf.errors.GlmfitError as error:
                assert str(error).endswith((".", ")")), name
            plt.close("all")
    assert drawn >= 2


def test_averages_of_counts_have_intervals_on_the_scale_of_the_logarithm():
    result = gf.negativebinomial("days ~ sex", gf.datasets.load("quine")).fit()
    frame = result.adjusted_predictions({"sex": ["F", "M"]}).summary_frame()
    want = result.get_prediction({"sex": ["F", "M"]}).summary_frame()
    np.testing.assert_allclose(frame["estimate"], want["mean"], rtol=1e-10)
    np.testing.assert_allclose(frame["ci_lower"], want["mean_ci_lower"], rtol=1e-6)
    np.testing.assert_allclose(frame["ci_upper"], want["mean_ci_upper"], rtol=1e-6)


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: P.fitted_curve(fit("infert")), "Say which variable"),
        (lambda: P.fitted_curve(fit("infert"), "agee"), "Did you mean 'age'"),
        (lambda: P.fitted_curve(fit("infert"), "education"), "is a factor"),
        (lambda: P.fitted_curve(fit("infert"), "age", by="parity"), "by= takes a factor"),
        (lambda: P.fitted_curve(fit("infert"), "age", points=1), "points must"),
        (lambda: P.fitted_curve(fit("infert"), "age", span=(3, 1)), "smaller to a larger"),
        (lambda: P.fitted_curve(fit("pneumo")), "class_probabilities"),
        (lambda: P.class_probabilities(fit("challenger")), "fitted_curve"),
        (lambda: P.decision_regions(fit("risk"), "age", "age"), "two variables"),
        (lambda: P.decision_regions(fit("pneumo")), "x= and y="),
        (lambda: P.class_surfaces(fit("risk"), level="none"), "low, medium, high"),
        (lambda: P.class_coefficients(fit("challenger")), "multinomial"),
        (lambda: P.reference_effect(fit("housing"), "infl"), "name one"),
        (lambda: P.softmax_heatmap(("a", "b")), "three classes"),
        (lambda: P.softmax_curves(("a", "b"), (1.0, 2.0)), "others="),
        (lambda: P.roc(fit("housing")), "level="),
        (lambda: P.residuals(fit("infert"), "agee"), "against= is one of"),
        (lambda: P.profile(fit("infert"), "education"), "name one of them"),
        (lambda: P.partial_residuals(fit("infert"), "education"), "against="),
        (lambda: P.calibration(fit("housing")), "MNLogit do not have"),
        (lambda: P.added_variable(fit("ordered"), "infl"), r"added_variable\(\), which results"),
        (lambda: P.adjusted_predictions(fit("housing"), "infl", "type"), "leave by= out"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(call, told):
    with pytest.raises((gf.errors.ArgumentError, gf.errors.NotAvailableError), match=told):
        call()


def redraw():
    """Write the images and words anew."""
    words = {}
    for name, case in CASES.items():
        with plt.style.context("default"):
            axes = case()
            words[name] = words_of(figure_of(axes))
            draw_bare(axes, IMAGES / f"{name}.png")
            plt.close("all")
    WORDS.write_text(json.dumps(words, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    redraw()
