"""The scikit-learn estimators: their contract, and the fits that they stand for."""

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import ElasticNet, LogisticRegression, PoissonRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import glmfit as gf
from glmfit import GLMClassifier, GLMRegressor
from glmfit.errors import ArgumentError, DataError, MissingDataError, SeparationWarning

LOAD = gf.datasets.load
# The checks fit separated and constant data on purpose, which glmfit tells of.
TOLD = pytest.mark.filterwarnings("ignore::glmfit.errors.GlmfitWarning")


@TOLD
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    "estimator",
    [
        GLMClassifier(),
        GLMClassifier(alpha=0.01),
        GLMRegressor(),
        GLMRegressor(family="gamma", link="log"),
    ],
    ids=str,
)
def test_scikit_learn_contract(estimator):
    # the one check left out needs an environment variable, and arrays that are not NumPy's
    reports = check_estimator(estimator, on_skip=None, on_fail="raise")
    skipped = {report["check_name"] for report in reports if report["status"] != "passed"}
    assert len(reports) > 50
    assert skipped <= {"check_array_api_input"}


@pytest.fixture(scope="module")
def challenger():
    return LOAD("challenger")


@pytest.fixture(scope="module")
def housing():
    frame = LOAD("housing")
    return frame.loc[frame.index.repeat(frame["freq"])].reset_index(drop=True)


def test_two_classes_are_the_logit(challenger):
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
    X, y = challenger[["TEMPERATURE"]], challenger["O_RING_FAILURE"]
    classifier = GLMClassifier().fit(X, y)
    np.testing.assert_allclose(classifier.coef_, [[result.params["TEMPERATURE"]]], rtol=1e-12)
    np.testing.assert_allclose(classifier.intercept_, [result.params["Intercept"]], rtol=1e-12)
    np.testing.assert_allclose(classifier.results_.bse, result.bse, rtol=1e-12)
    assert list(classifier.results_.params.index) == ["const", "TEMPERATURE"]
    assert list(classifier.feature_names_in_) == ["TEMPERATURE"]
    np.testing.assert_allclose(classifier.predict_proba(X)[:, 1], result.fittedvalues, rtol=1e-12)
    np.testing.assert_allclose(
        classifier.decision_function(X), result.predict(which="linear"), rtol=1e-9
    )
    assert classifier.score(X, y) == result.accuracy()


@pytest.mark.parametrize("labels", [("no", "yes"), (False, True), (-1, 3)])
def test_the_later_class_is_the_event(challenger, labels):
    y = np.array(labels)[challenger["O_RING_FAILURE"].to_numpy(dtype=int)]
    classifier = GLMClassifier().fit(challenger[["TEMPERATURE"]], y)
    assert tuple(classifier.classes_) == labels
    assert classifier.coef_[0, 0] == pytest.approx(-0.2321627, abs=1e-7)
    assert set(classifier.predict(challenger[["TEMPERATURE"]])) == set(labels)


@pytest.mark.parametrize("link", ["probit", "cloglog"])
def test_links_of_two_classes(challenger, link):
    result = gf.glm("O_RING_FAILURE ~ TEMPERATURE", challenger, family="binomial", link=link).fit()
    classifier = GLMClassifier(link=link).fit(
        challenger[["TEMPERATURE"]], challenger["O_RING_FAILURE"]
    )
    np.testing.assert_allclose(classifier.coef_[0, 0], result.params.iloc[1], rtol=1e-10)
    positive = classifier.decision_function(challenger[["TEMPERATURE"]]) > 0.0
    np.testing.assert_array_equal(positive, result.fittedvalues > 0.5)


def test_more_classes_are_the_multinomial_logit(housing):
    table = LOAD("housing")
    result = gf.mnlogit(
        "sat ~ infl + cont", table.assign(sat=table["sat"].astype(str)), freq_weights="freq"
    ).fit()
    X = housing[["infl", "cont"]]
    classifier = GLMClassifier("infl + cont").fit(X, housing["sat"].astype(str))
    assert list(classifier.classes_) == ["High", "Low", "Medium"]
    np.testing.assert_allclose(classifier.coef_[1:].T, result.params.iloc[1:], rtol=1e-8)
    np.testing.assert_array_equal(classifier.coef_[0], 0.0)
    np.testing.assert_allclose(classifier.results_.bse, result.bse, rtol=1e-8)
    shown = classifier.predict_proba(X.head(3))
    np.testing.assert_allclose(shown.sum(axis=1), 1.0, rtol=1e-14)
    assert list(classifier.term_names_) == ["infl[T.Medium]", "infl[T.High]", "cont[T.High]"]
    # the coefficients with the columns make the probabilities
    dummies = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    new = pd.DataFrame({"infl": ["Low", "Medium", "High"], "cont": ["Low", "Low", "High"]})
    eta = dummies @ classifier.coef_.T + classifier.intercept_
    np.testing.assert_allclose(
        classifier.predict_proba(new),
        np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True),
        rtol=1e-12,
    )


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_penalty_is_that_of_logistic_regression(n_classes, C):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(120, 3))
    y = (X[:, 0] + rng.normal(size=120) > 0.3).astype(int)
    y = y if n_classes == 2 else y + (X[:, 1] + rng.normal(size=120) > 0.5)
    peer = LogisticRegression(C=C, tol=1e-12, max_iter=10_000).fit(X, y)
    classifier = GLMClassifier(penalty_C=C).fit(X, y)
    np.testing.assert_allclose(classifier.predict_proba(X), peer.predict_proba(X), atol=1e-6)
    if n_classes == 2:
        np.testing.assert_allclose(classifier.coef_, peer.coef_, atol=1e-6)


def test_elastic_net_is_that_of_scikit_learn():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(60, 4))
    y = X @ [1.0, 0.0, -2.0, 0.1] + rng.normal(size=60)
    peer = ElasticNet(alpha=0.2, l1_ratio=0.6, tol=1e-12, max_iter=100_000).fit(X, y)
    regressor = GLMRegressor(alpha=0.2, L1_wt=0.6).fit(X, y)
    np.testing.assert_allclose(regressor.coef_, peer.coef_, atol=1e-9)
    assert regressor.intercept_ == pytest.approx(peer.intercept_, abs=1e-9)


@pytest.mark.parametrize("weights", ["var_weights", "freq_weights"])
def test_regressor_is_the_glm_with_its_weights(weights):
    rng = np.random.default_rng(7)
    X, weight = rng.normal(size=(50, 2)), rng.integers(1, 4, size=50).astype(float)
    y = rng.poisson(np.exp(0.3 + X @ [0.5, -0.2])).astype(float)
    regressor = GLMRegressor(family="poisson", weights=weights).fit(X, y, sample_weight=weight)
    result = gf.GLM(y, gf.add_constant(X), family="poisson", **{weights: weight}).fit()
    np.testing.assert_allclose(regressor.coef_, np.asarray(result.params)[1:], rtol=1e-10)
    assert regressor.results_.nobs == (50 if weights == "var_weights" else weight.sum())
    peer = PoissonRegressor(alpha=0.0, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    np.testing.assert_allclose(
        regressor.coef_, peer.fit(X, y, sample_weight=weight).coef_, rtol=1e-8
    )


def test_formula_with_its_response_or_with_y():
    trees = LOAD("trees")
    result = gf.glm("volume ~ log(girth) + log(height)", trees, family="gamma", link="log").fit()
    options = {"family": "gamma", "link": "log"}
    inside = GLMRegressor("volume ~ log(girth) + log(height)", **options).fit(trees)
    beside = GLMRegressor("log(girth) + log(height)", **options).fit(
        trees[["girth", "height"]], trees["volume"]
    )
    for regressor in (inside, beside):
        np.testing.assert_allclose(regressor.coef_, result.params.iloc[1:], rtol=1e-12)
        np.testing.assert_allclose(regressor.predict(trees), result.fittedvalues, rtol=1e-12)
    assert beside.results_.model.formula.startswith("y ~ ")
    assert inside.results_.model.formula.startswith("volume ~ ")
    # y stands in for the left side
    twice = GLMRegressor("volume ~ log(girth) + log(height)", **options)
    twice.fit(trees, 2.0 * trees["volume"])
    assert twice.intercept_ == pytest.approx(result.params.iloc[0] + np.log(2.0), abs=1e-9)


def test_offsets_of_a_formula_are_in_predictions():
    ships = LOAD("ships").query("service > 0")
    formula = "incidents ~ type + offset(log(service))"
    result = gf.glm(formula, ships, family="poisson").fit()
    regressor = GLMRegressor(formula, family="poisson").fit(ships)
    np.testing.assert_allclose(regressor.predict(ships), result.fittedvalues, rtol=1e-12)


def test_works_in_pipelines_searches_and_pickles(challenger):
    X, y = challenger[["TEMPERATURE"]], challenger["O_RING_FAILURE"]
    pipeline = make_pipeline(StandardScaler(), GLMClassifier(alpha=0.1)).fit(X, y)
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict_proba(X), pipeline.predict_proba(X))
    search = GridSearchCV(GLMClassifier(alpha=0.1), {"alpha": [0.01, 10.0]}, cv=3).fit(X, y)
    assert search.best_params_["alpha"] in (0.01, 10.0)
    scores = cross_val_score(GLMClassifier("TEMPERATURE", alpha=0.1), X, y, cv=3)
    assert scores.shape == (3,)
    assert clone(GLMRegressor("x", family="poisson")).get_params()["family"] == "poisson"


def test_columns_that_others_determine_have_coefficient_0(challenger):
    frame = challenger.assign(KELVIN=challenger["TEMPERATURE"] / 1.8 + 255.37)
    with pytest.warns(gf.errors.CollinearityWarning):
        classifier = GLMClassifier().fit(frame[["TEMPERATURE", "KELVIN"]], frame["O_RING_FAILURE"])
    assert classifier.coef_[0, 1] == 0.0
    assert classifier.coef_[0, 0] == pytest.approx(-0.2321627, abs=1e-7)


def test_separated_classes_are_told_and_predicted_in_the_limit():
    risk = LOAD("risk")
    with pytest.warns(SeparationWarning):
        classifier = GLMClassifier("age + income").fit(risk, risk["risk"])
    assert np.isinf(classifier.coef_[1:]).any()
    np.testing.assert_array_equal(classifier.predict(risk), risk["risk"])
    finite = GLMClassifier("age + income", method="firth").fit(risk, risk["risk"])
    assert np.isfinite(finite.coef_).all()


def test_missing_values_of_a_formula(challenger):
    classifier = GLMClassifier("O_RING_FAILURE ~ TEMPERATURE").fit(challenger)
    new = pd.DataFrame({"TEMPERATURE": [31.0, np.nan]})
    assert np.isnan(classifier.predict_proba(new)[1]).all()
    with pytest.raises(MissingDataError, match="first is row 1"):
        classifier.predict(new)


@pytest.mark.parametrize(
    ("estimator", "y", "error", "message"),
    [
        (GLMClassifier("TEMPERATURE"), None, ArgumentError, "left side of the formula must name"),
        (GLMClassifier(alpha=1.0, method="firth"), "own", ArgumentError, "without a penalty"),
        (GLMClassifier(weights="both"), "own", ArgumentError, "weights must be one of"),
        (GLMClassifier("TEMPERATURE"), np.zeros(23), DataError, "has 1 class"),
        (GLMClassifier(link="probit"), np.arange(23) % 3, ArgumentError, "for two classes"),
        (GLMClassifier("TEMPERATURE"), np.arange(5) % 2, DataError, "y has 5 values"),
        (GLMRegressor(alpha=1.0, penalty_C=1.0), "own", ArgumentError, "alpha"),
    ],
)
def test_wrong_input_is_refused(challenger, estimator, y, error, message):
    y = challenger["O_RING_FAILURE"] if isinstance(y, str) else y
    with pytest.raises(error, match=message):
        clone(estimator).fit(challenger[["TEMPERATURE"]], y)


def test_a_formula_needs_a_frame(challenger):
    with pytest.raises(ArgumentError, match="DataFrame"):
        GLMClassifier("x").fit(np.ones((4, 1)), [0, 1, 0, 1])
    classifier = GLMClassifier("O_RING_FAILURE ~ TEMPERATURE").fit(challenger)
    with pytest.raises(ArgumentError, match="DataFrame"):
        classifier.predict([[60.0]])


def test_import_of_glmfit_needs_no_scikit_learn():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import glmfit\n"
        "try:\n    glmfit.GLMClassifier\n"
        "except glmfit.errors.MissingPackageError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "glmfit[sklearn]" in done.stdout


@pytest.mark.parametrize("kind", [GLMRegressor, GLMClassifier])
def test_all_parameters_but_the_formula_are_named(kind):
    first, *others = inspect.signature(kind).parameters.values()
    assert first.name == "formula" and first.kind is first.POSITIONAL_OR_KEYWORD
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in others)
    assert {parameter.name for parameter in (first, *others)} == set(kind().get_params())
    assert ("family" in kind().get_params()) == (kind is GLMRegressor)
