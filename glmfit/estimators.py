"""Generalised linear models as scikit-learn estimators: the only place that imports it.

``glmfit.GLMClassifier`` and ``glmfit.GLMRegressor`` come from here when they are first asked
for, so that ``import glmfit`` needs no scikit-learn.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, DataError, MissingDataError, MissingPackageError
from glmfit.families import Binomial, resolve_family
from glmfit.models import GLM, MNLogit

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import (
        _check_sample_weight,
        check_is_fitted,
        column_or_1d,
        validate_data,
    )
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "sklearn":
        raise
    raise MissingPackageError(
        "The estimators need scikit-learn, which is not installed: "
        'python -m pip install "glmfit[sklearn]".'
    ) from error

__all__ = ["GLMClassifier", "GLMRegressor"]

Array = NDArray[np.float64]

WEIGHTS = ("var_weights", "freq_weights")


@dataclass(eq=False, repr=False)
class _Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no annotations
    """What both estimators share: parameters, rows from X and y or a formula, and a fit of them.

    The parameters are fields: scikit-learn reads them from the signature that they make.
    """

    formula: str | None = None
    _: KW_ONLY
    link: Any = None
    alpha: float = 0.0
    L1_wt: float = 0.0
    penalty_C: float | None = None
    standardize: bool = False
    fit_intercept: bool = True
    weights: str = "var_weights"
    method: str = "newton"
    maxiter: int | None = None
    tol: float = 1e-8

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array_like of shape (n, p), or DataFrame with the columns of the formula
        y : array_like of shape (n,)
            Numbers or classes; may be left out where the formula names a column of X.
        sample_weight : array_like of shape (n,), optional
            See ``weights``.

        Returns
        -------
        GLMRegressor or GLMClassifier
            Itself.
        """
        self._fit_rows(*self._check_fitting_rows(X, y, sample_weight))
        return self

    def _fit_rows(self, X: Any, y: Any, weight: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} does not define _fit_rows()")

    # -- rows ----------------------------------------------------------------------------

    def _check_fitting_rows(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Return predictors, response (None if the formula has it) and weights."""
        if self.weights not in WEIGHTS:
            raise ArgumentError(f"weights must be one of {', '.join(WEIGHTS)}.")
        if self.formula is not None:
            X, y = self._check_frame(X, y)
        else:
            X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=False)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, np.empty((len(X), 1)), ensure_non_negative=True
            )
            present = sample_weight > 0.0
            if not present.all():
                X, sample_weight = X[present], sample_weight[present]
                y = None if y is None else y[present]
        return X, y, sample_weight

    def _check_frame(self, X: Any, y: Any) -> tuple[pd.DataFrame, Any]:
        if not isinstance(X, pd.DataFrame):
            raise ArgumentError(
                f"A formula takes its columns from a DataFrame; got {type(X).__name__}. Without "
                "formula= the columns of any array are the predictors."
            )
        validate_data(self, X, skip_check_array=True)
        if y is None:
            return X, None
        y = column_or_1d(y, warn=True)
        if len(y) != len(X):
            raise DataError(f"y has {len(y)} values, X has {len(X)} rows.")
        return X, y

    def _response_of_formula(self, X: pd.DataFrame, y: Any) -> tuple[pd.DataFrame, str, Any]:
        """Return the frame with the response, its name, and its values."""
        assert self.formula is not None
        left, tilde, _ = self.formula.partition("~")
        name = left.strip() if tilde else ""
        if y is None:
            if name not in X.columns:
                raise ArgumentError(
                    "Without y the left side of the formula must name a column of X, as in "
                    f"'y ~ x'; got {self.formula!r}."
                )
            return X, name, X[name].to_numpy()
        name = name if name.isidentifier() else _free_name("y", X)
        return X, name, y

    def _rows(self, X: Any) -> Any:
        """Return what the fit predicts from."""
        check_is_fitted(self)
        if self.formula is not None:
            if not isinstance(X, pd.DataFrame):
                raise ArgumentError(
                    f"The formula takes its columns from a DataFrame; got {type(X).__name__}."
                )
            return X
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return self._design(X)

    def _design(self, X: Array) -> pd.DataFrame:
        names = list(getattr(self, "feature_names_in_", [f"x{j}" for j in range(X.shape[1])]))
        if not self.fit_intercept:
            return pd.DataFrame(X, columns=names)
        whole = np.column_stack([np.ones(len(X)), X])
        return pd.DataFrame(whole, columns=[_free_name("const", names), *names])

    # -- the fit ---------------------------------------------------------------------------

    def _fit_model(self, kind: Any, X: Any, y: Any, weight: Any, **options: Any) -> None:
        """Fit a model and keep its results."""
        if weight is not None:
            options[self.weights] = weight
        if self.formula is None:
            model = kind(y, self._design(X), **options)
        else:
            frame, name, _ = self._response_of_formula(X, y)
            right = self.formula.partition("~")[2] if "~" in self.formula else self.formula
            if y is not None:
                frame = frame.assign(**{name: y})
            model = kind.from_formula(f"{name} ~ {right}", frame, **options)
        self.results_ = self._fitted(model)
        self.n_iter_ = max(len(self.results_.history) - 1, 1)

    def _fitted(self, model: Any) -> Any:
        limits = {"maxiter": self.maxiter, "tol": self.tol}
        if self.penalty_C is None and np.ndim(self.alpha) == 0 and self.alpha == 0.0:
            return model.fit(method=self.method, **limits)
        if self.method != "newton":
            raise ArgumentError(
                f"method={self.method!r} is for fits without a penalty; leave out alpha and "
                "penalty_C, or the method."
            )
        # one of them or the other; fit_regularized says so if both are given
        return model.fit_regularized(
            alpha=self.alpha,
            penalty_C=self.penalty_C,
            L1_wt=self.L1_wt,
            standardize=self.standardize,
            **limits,
        )

    def _coefficients(self) -> tuple[Array, Array]:
        """Return slopes (K, p) and intercepts (K,); the slopes' names become an attribute."""
        names = self.results_.model.data.names
        # a column that others determine adds nothing to their sum
        theta = self.results_.record.theta
        theta = np.where(np.isnan(theta), 0.0, theta).reshape(-1, len(names))
        constant = self._constant(names)
        slopes = [j for j in range(len(names)) if j != constant]
        self.term_names_ = np.array([names[j] for j in slopes], dtype=object)
        intercepts = np.zeros(len(theta)) if constant is None else theta[:, constant]
        return theta[:, slopes], intercepts

    def _constant(self, names: tuple[str, ...]) -> int | None:
        """Return the place of the intercept."""
        if self.formula is None:
            return 0 if self.fit_intercept else None
        return names.index("Intercept") if "Intercept" in names else None


@dataclass(eq=False, repr=False)
class GLMRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]  # as above
    """A generalised linear model as a scikit-learn regressor.

    Parameters
    ----------
    formula : str, optional
        A formula for the columns of a DataFrame: ``"log(x1) + C(x2)"`` with the response
        given as ``y``, or ``"y ~ log(x1) + C(x2)"`` with it in the frame. A ``y`` that is
        given stands in for the left side.
    family : Family or str
        As in `glm`.
    link : Link or str, optional
        Replaces the family's link.
    alpha : float
        Weight of the elastic net of `fit_regularized`; 0 is maximum likelihood.
    L1_wt : float
        Its share of absolute values: 0 ridge, 1 lasso.
    penalty_C : float, optional
        scikit-learn's C in place of alpha: alpha = 1 / (C n), n the sum of the weights.
    standardize : bool
        Whether the penalty is on coefficients of standardised columns.
    fit_intercept : bool
        Whether a constant stands beside the columns of X; a formula says so itself.
    weights : {"var_weights", "freq_weights"}
        What ``sample_weight`` in `fit` means: precision, or how often each row was seen.
        The coefficients are the same; standard errors in ``results_`` are not. Rows of
        weight 0 are left out.
    method : str
        As in `GLM.fit`; "firth" reduces the bias.
    maxiter, tol
        As in `GLM.fit`.

    Attributes
    ----------
    results_ : GLMResults
        The fit, with its summary, tests and intervals.
    coef_ : ndarray of shape (p,)
        0 for columns that others determine.
    intercept_ : float
    term_names_ : ndarray of shape (p,)
        Names of the columns of ``coef_``.
    n_iter_, n_features_in_, feature_names_in_
        As scikit-learn has them.

    Examples
    --------
    >>> import glmfit as gf
    >>> trees = gf.datasets.load("trees")
    >>> regressor = gf.GLMRegressor("log(girth) + log(height)", family="gamma", link="log")
    >>> regressor = regressor.fit(trees, trees["volume"])
    >>> regressor.coef_.round(3), round(regressor.score(trees, trees["volume"]), 3)
    (array([1.98 , 1.133]), 0.978)
    """

    family: Any = field(default="gaussian", kw_only=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        family = resolve_family(self.family, self.link)
        tags.target_tags.positive_only = family.response_domain.low >= 0.0
        return tags

    def _fit_rows(self, X: Any, y: Any, weight: Any) -> None:
        if y is not None:
            y = np.asarray(y, dtype=np.float64)
        self._fit_model(GLM, X, y, weight, family=self.family, link=self.link)
        slopes, intercepts = self._coefficients()
        self.coef_, self.intercept_ = slopes[0], float(intercepts[0])

    def predict(self, X: Any) -> Array:
        """Return the means of rows, shape (n,); NaN where a formula finds a missing value."""
        rows = self._rows(X)
        return np.asarray(self.results_.predict(rows), dtype=np.float64)


@dataclass(eq=False, repr=False)
class GLMClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]  # as above
    """A binomial or multinomial model as a scikit-learn classifier.

    Two classes make a binomial GLM, the later one of ``classes_`` the event; more make a
    multinomial logit, against the first one.

    Parameters
    ----------
    formula : str, optional
        As in `GLMRegressor`; the left side, if there is one, names a column.
    link : Link or str, optional
        Of two classes: logit by default.
    alpha, L1_wt, penalty_C, standardize, fit_intercept, weights, method, maxiter, tol
        As in `GLMRegressor`. With ``penalty_C=`` the estimates are those of scikit-learn's
        LogisticRegression of this C.

    Attributes
    ----------
    results_ : GLMResults or MultinomialResults
        The fit, with its summary, tests and intervals.
    classes_ : ndarray of shape (K,)
        In ascending order.
    coef_ : ndarray of shape (1, p) for two classes, else (K, p)
        Of more than two classes the first row is 0: the others are against it. Infinite
        where the data are separated and nothing keeps the estimates finite (a penalty, or
        method="firth"), which a `SeparationWarning` says; predictions are the limits.
    intercept_ : ndarray of shape (1,) or (K,)
    term_names_, n_iter_, n_features_in_, feature_names_in_
        As in `GLMRegressor`.

    Examples
    --------
    >>> import glmfit as gf
    >>> challenger = gf.datasets.load("challenger")
    >>> classifier = gf.GLMClassifier("O_RING_FAILURE ~ TEMPERATURE").fit(challenger)
    >>> classifier.coef_.round(4), classifier.intercept_.round(4)
    (array([[-0.2322]]), array([15.0429]))
    >>> classifier.predict_proba(challenger[["TEMPERATURE"]].head(2)).round(2)
    array([[0.57, 0.43],
           [0.77, 0.23]])
    """

    def _fit_rows(self, X: Any, y: Any, weight: Any) -> None:
        values = y if y is not None else self._response_of_formula(X, y)[2]
        if self.formula is not None and pd.isna(values).any():
            raise MissingDataError("The classes have missing values; leave such rows out.")
        check_classification_targets(values)
        self.classes_ = np.unique(values)
        if len(self.classes_) < 2:
            raise DataError(
                f"A classifier needs two classes or more; y has 1 class ({self.classes_[0]!s})."
            )
        response = pd.Categorical(values, categories=self.classes_)
        if len(self.classes_) == 2:
            self._fit_model(GLM, X, response, weight, family=Binomial(self.link))
            self.coef_, self.intercept_ = self._coefficients()
            return
        if self.link is not None:
            raise ArgumentError("link= is for two classes; more have the multinomial logit.")
        self._fit_model(MNLogit, X, response, weight, reference=self.classes_[0])
        slopes, intercepts = self._coefficients()
        self.coef_ = np.vstack([np.zeros(slopes.shape[1]), slopes])
        self.intercept_ = np.concatenate([[0.0], intercepts])

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of ``classes_``, shape (n, K).

        NaN where a formula finds a missing value.
        """
        rows = self._rows(X)
        return np.asarray(self.results_._class_probabilities(rows), dtype=np.float64)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of `predict_proba`, shape (n, K)."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> Array:
        """Return log odds of the later of two classes, shape (n,), or `predict_log_proba`."""
        logs = self.predict_log_proba(X)
        return logs[:, 1] - logs[:, 0] if len(self.classes_) == 2 else logs

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row, shape (n,)."""
        probability = self.predict_proba(X)
        unknown = np.isnan(probability).any(axis=1)
        if unknown.any():
            raise MissingDataError(
                f"{int(unknown.sum())} rows have a missing value (the first is row "
                f"{int(np.argmax(unknown))}), so they have no class; predict_proba gives NaN."
            )
        return np.asarray(self.classes_[probability.argmax(axis=1)])


def _free_name(name: str, taken: Any) -> str:
    """Return a name that is not taken."""
    while name in set(taken):
        name += "_"
    return name
