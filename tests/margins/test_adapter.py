"""marginaleffects on a glmfit fit, beside its answer on statsmodels' and glmfit's own.

It needs a polars that is older than the one that the other tests run with: ``python3 dev.py
margins`` makes an environment for these, and CI runs it.
"""

import marginaleffects
import numpy as np
import pytest
import statsmodels.formula.api as smf

import glmfit as gf
from glmfit.errors import NotAvailableError, SeparationWarning

pytestmark = pytest.mark.filterwarnings("ignore")
LOAD = gf.datasets.load
# The step of its numerical derivatives: its own is so small that rounding is in the third digit.
STEP = {"eps_vcov": 1e-5}


def _estimates(found, by):
    data = found.data if hasattr(found, "data") else found
    frame = data.to_pandas().sort_values(by).reset_index(drop=True)
    return frame[["estimate", "std_error"]].to_numpy()


@pytest.fixture(scope="module")
def housing():
    frame = LOAD("housing").drop(columns="type")
    frame = frame.loc[frame.index.repeat(frame["freq"])].reset_index(drop=True)
    return frame.assign(code=frame["sat"].cat.codes.astype(float))


def test_slopes_of_a_logit_are_those_on_the_statsmodels_fit():
    frame = LOAD("challenger")
    frame["TEMPERATURE"] = frame["TEMPERATURE"].astype(float)
    formula = "O_RING_FAILURE ~ TEMPERATURE"
    ours = gf.logit(formula, frame).fit()
    theirs = smf.logit(formula, frame).fit(disp=0)
    found = _estimates(marginaleffects.avg_slopes(ours.to_marginaleffects(), **STEP), "term")
    expected = _estimates(marginaleffects.avg_slopes(theirs, **STEP), "term")
    np.testing.assert_allclose(found[:, 0], expected[:, 0], rtol=1e-6)
    # the noise of its second differences, which is that of both answers
    np.testing.assert_allclose(found[:, 1], expected[:, 1], rtol=1e-4)
    own = ours.marginal_effects().summary_frame()
    np.testing.assert_allclose(found[0], own.loc[0, ["estimate", "std_err"]].tolist(), rtol=1e-3)


def test_slopes_of_a_multinomial_are_those_on_the_statsmodels_fit(housing):
    ours = gf.mnlogit("sat ~ infl + cont", housing).fit()
    theirs = smf.mnlogit("code ~ infl + cont", housing).fit(disp=0)
    names = {"0": "Low", "1": "Medium", "2": "High"}
    expected = marginaleffects.avg_slopes(theirs, **STEP)
    expected = (expected.data if hasattr(expected, "data") else expected).to_pandas()
    expected["group"] = expected["group"].map(names)
    by = ["term", "contrast", "group"]
    expected = expected.sort_values(by)[["estimate", "std_error"]].to_numpy()
    found = _estimates(marginaleffects.avg_slopes(ours.to_marginaleffects(), **STEP), by)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_covariances_by_name_and_interactions_agree_with_glmfit():
    result = gf.poisson("breaks ~ wool * tension", LOAD("warpbreaks")).fit()
    found = marginaleffects.avg_comparisons(result.to_marginaleffects(), vcov="HC3", **STEP)
    own = result.with_cov("HC3").comparisons().summary_frame().sort_values(["term", "contrast"])
    np.testing.assert_allclose(
        _estimates(found, ["term", "contrast"]), own[["estimate", "std_err"]], rtol=1e-5
    )


def test_offsets_move_with_the_data():
    ships = LOAD("ships").query("service > 0").rename(columns={"type": "kind"})
    formula = "incidents ~ kind + C(year) + offset(log(service))"
    result = gf.glm(formula, ships, family="poisson").fit()
    found = marginaleffects.avg_predictions(result.to_marginaleffects(), **STEP)
    assert _estimates(found, "estimate")[0, 0] == pytest.approx(ships["incidents"].mean())


def test_ordered_classes(housing):
    result = gf.ordered("sat ~ infl", housing).fit()
    found = marginaleffects.avg_predictions(result.to_marginaleffects(), by="infl", **STEP)
    data = (found.data if hasattr(found, "data") else found).to_pandas()
    row = data[(data["group"] == "High") & (data["infl"] == "Low")]
    own = result.get_prediction({"infl": ["Low"]}).summary_frame()
    np.testing.assert_allclose(
        row[["estimate", "std_error"]].to_numpy()[0],
        own.loc[(0, "High"), ["mean", "mean_se"]],
        rtol=1e-5,
    )


def test_what_it_cannot_move_is_refused():
    with pytest.warns(SeparationWarning):
        separated = gf.mnlogit("risk ~ age + income", LOAD("risk")).fit()
    with pytest.raises(NotAvailableError, match="separated"):
        separated.to_marginaleffects()
    frame = LOAD("warpbreaks")
    offset = gf.poisson("breaks ~ wool", frame, offset=np.ones(len(frame))).fit()
    with pytest.raises(NotAvailableError, match="given as values"):
        offset.to_marginaleffects()
    absorbed = gf.poisson("breaks ~ wool", frame, absorb="tension").fit()
    with pytest.raises(NotAvailableError, match="absorbed"):
        absorbed.to_marginaleffects()
