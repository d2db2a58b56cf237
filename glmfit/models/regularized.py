"""Penalised fits of any model: the elastic net at one weight, and along a path of weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.coordinate import fit_penalized
from glmfit.engine.passes import Likelihood
from glmfit.engine.rank import select_columns
from glmfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    ConvergenceWarning,
    suggest,
    warn,
)
from glmfit.models.base import Model, refuse_unknown
from glmfit.models.fitting import boundary_met, describe_aliases, warn_of_aliases
from glmfit.models.methods import one_control
from glmfit.models.path import dealt_folds, given_folds, held_out_deviance, trail
from glmfit.models.penalty import (
    Fitted,
    PenaltySpec,
    all_but_constant,
    column_weights,
    first_theta,
    prepare,
    start_of,
    total_l1_weights,
)
from glmfit.models.records import widen, widen_square
from glmfit.results.base import LikelihoodResults
from glmfit.results.path import RegularizationPath
from glmfit.results.record import FitRecord, Regularization
from glmfit.sources import Rows

__all__ = ["Regularizable"]

Array = NDArray[np.float64]

METHODS = ("elastic_net", "coord_descent", "l1_slsqp", "l1")
"""statsmodels' names for its solvers; here they are one."""

STATSMODELS_SETTINGS = frozenset(
    "cnvrg_tol zero_tol check_step trim_mode auto_trim_tol size_trim_tol qc_tol qc_verbose "
    "acc".split()
)
"""statsmodels' settings of its solvers, which have no part in this one."""

COVARIANCES: Mapping[str, str] = {
    "penalized": (
        "Standard errors come from (I + P)^-1, the inverse of the penalised information: the "
        "posterior variance if the penalty is read as a normal prior."
    ),
    "sandwich": (
        "Standard errors come from (I + P)^-1 I (I + P)^-1, the variance of the estimates, which "
        "leaves out the bias that the penalty brings."
    ),
}
NO_COVARIANCE = "An L1 penalty selects coefficients; there are no standard errors."

_NAMES = (
    "method", "alpha", "start_params", "refit", "opt_method", "L1_wt", "penalty_C",
    "standardize", "maxiter", "tol", "scale", "cov_type", "use_t", "disp", "control",
)  # fmt: skip


class Regularizable(Model):
    """A model that can be fitted with a penalty."""

    observed_information: ClassVar[bool] = False
    default_use_t: ClassVar[bool] = False
    discrete_in_statsmodels: ClassVar[bool] = False

    def _refuse_fit(self, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for name in ("alpha", "L1_wt", "penalty_C"):
            if name in given:
                raise ArgumentTypeError(
                    f"fit has no argument {name!r}: penalised fits are made by "
                    f"fit_regularized({name}=...)."
                )
        super()._refuse_fit(given, known)

    # -- what a model tells ------------------------------------------------------------

    @property
    def likelihood(self) -> Likelihood:
        """The likelihood in eta-space."""
        raise NotImplementedError(f"{type(self).__name__} does not define its likelihood")

    @property
    def n_equations(self) -> int:
        """Linear predictors of a row."""
        return 1

    def penalty_rows(self) -> Rows:
        """Return the rows for the engine."""
        return self._kept_data().rows()

    def check_bounded(self, rows: Rows) -> None:
        """Raise if the response alone sends a free constant to infinity."""

    def penalised_record(self, fitted: Fitted, scale: Any, *, sandwich: bool) -> FitRecord:
        """Return every scalar of a penalised fit."""
        raise NotImplementedError(f"{type(self).__name__} does not record penalised fits")

    def results_of(
        self, record: FitRecord, covariance: Array, *, use_t: bool, cov_type: str, told: str
    ) -> LikelihoodResults:
        """Return results of this model."""
        raise NotImplementedError(f"{type(self).__name__} does not make results")

    def _unpenalised(self, start_params: Any, control: Control, scale: Any, use_t: bool) -> Any:
        """Return the fit by maximum likelihood."""
        raise NotImplementedError(f"{type(self).__name__} does not fit without a penalty")

    def fold_strata(self) -> NDArray[np.intp]:
        """Return the stratum of each row for the dealing of folds, shape (m,)."""
        return np.zeros(self.data.design.shape[0], dtype=np.intp)

    # -- one weight ----------------------------------------------------------------------

    def fit_regularized(
        self,
        method: str = "elastic_net",
        alpha: Any = 0.0,
        start_params: Any = None,
        refit: bool = False,
        opt_method: str = "bfgs",
        *,
        L1_wt: float | None = None,
        penalty_C: float | None = None,
        standardize: bool = False,
        maxiter: int | None = None,
        tol: float = 1e-8,
        scale: str | float | None = None,
        cov_type: str = "penalized",
        use_t: bool | None = None,
        disp: bool = False,
        control: Control | None = None,
        **unknown: Any,
    ) -> Any:
        """Fit with an elastic-net penalty.

        The estimates minimise, with n the sum of the prior weights (trials, frequencies
        and variance weights; the number of rows where there are none), ::

            -loglik / n + alpha * (L1_wt * |s b|_1 + (1 - L1_wt) / 2 * |s b|_2^2)

        The constant is free: the column that is one by itself (``Intercept``). Without
        such a column (``0 + C(g)``) all are penalised. Where the family's dispersion is
        estimated it is taken as 1 in loglik, so that the first term is deviance / (2 n)
        but for a constant of the data, as in statsmodels and glmnet.

        A multinomial logit is penalised in its symmetric form, the coefficients of all
        classes, the reference among them, as scikit-learn and glmnet do; the estimates
        do not depend on the reference, and ``result.symmetric()`` shows that form. With
        two classes the squares cost half of what they do in `logit`, which has one
        coefficient where this form has two; scikit-learn's fit of two classes is that of
        `logit`.

        Parameters
        ----------
        method : {"elastic_net", "coord_descent", "l1_slsqp", "l1"}
            statsmodels' names for what is one solver here: proximal Newton steps by
            coordinate descent, exact to the last digits. "l1_slsqp" takes L1_wt = 1 only,
            as there. "l1" is that of statsmodels' discrete models, with another objective,
            ``-loglik + sum(alpha |b|)``: alpha is not per row, and one value counts for
            the constant too. It is for `Logit`, `Probit` and `Poisson`.
        alpha : float or array_like of shape (p,)
            Weight of the penalty. One value leaves the constant free; with one for each
            column 0 leaves a column free, and the constant has the value given. With 0
            throughout this is `fit`.
        start_params : array_like, optional
            Where to start; by default the free columns' own fit.
        refit : bool
            Fit the columns that were selected once more, by maximum likelihood.
        opt_method : str
            Accepted as statsmodels has it; there is one solver.
        L1_wt : float, optional
            Share of the absolute values: 1 is the lasso (the default, as in statsmodels),
            0 is ridge (the default with ``penalty_C``, as in scikit-learn).
        penalty_C : float, optional
            scikit-learn's C in place of alpha: alpha = 1 / (C n).
        standardize : bool
            Whether s are the weighted standard deviations (divisor n) of the columns
            instead of 1. Coefficients are those of the columns as they are.
        maxiter, tol, disp, control
            As in `fit`.
        scale : {"X2", "dev"} or float, optional
            Dispersion for the standard errors, from n less the effective degrees of
            freedom; the estimates do not depend on it.
        cov_type : {"penalized", "sandwich"}
            Of a ridge fit, with I the information and P = n alpha s^2 its penalty:
            (I + P)^-1, which allows for the bias on average, or (I + P)^-1 I (I + P)^-1,
            which is the variance of the estimates alone. An L1 penalty has neither.
        use_t : bool, optional
            As in `fit`.
        **unknown
            statsmodels' settings of its own solvers (``cnvrg_tol``, ``zero_tol``, ...) are
            taken and have no effect; anything else is an error.

        Returns
        -------
        GLMResults or MultinomialResults
            With ``result.regularization`` for what the penalty was and came to. What has
            no meaning after a penalty raises `NotAvailableError`.

        Raises
        ------
        FitError
            If columns without a penalty separate the data.

        Warns
        -----
        ConvergenceWarning
            If the minimum was not reached.

        References
        ----------
        Friedman, J., Hastie, T. and Tibshirani, R. (2010). Regularization paths for
        generalized linear models via coordinate descent. *Journal of Statistical
        Software* 33(1), eq. 13.

        Examples
        --------
        The data are separated, so that no maximum-likelihood estimate exists; a penalty
        has an answer, here scikit-learn's ``LogisticRegression(C=1)``.

        >>> import glmfit as gf
        >>> risk = gf.datasets.load("risk")
        >>> model = gf.mnlogit("risk ~ age + income", risk)
        >>> result = model.fit_regularized(penalty_C=1.0)
        >>> result.params.round(4)
                   medium    high
        Intercept  2.5032  6.7291
        age       -0.9163 -2.1295
        income     0.5916  1.2886
        >>> result.symmetric()["coef"].round(4)
        risk    term
        low     Intercept   -3.0774
                age          1.0153
                income      -0.6267
        medium  Intercept   -0.5742
                age          0.0990
                income      -0.0351
        high    Intercept    3.6517
                age         -1.1142
                income       0.6619
        Name: coef, dtype: float64
        """
        known = {name: value for name, value in unknown.items() if name not in STATSMODELS_SETTINGS}
        refuse_unknown("fit_regularized", known, _NAMES)
        limits = one_control(control, maxiter=maxiter, tol=tol, disp=disp)
        _check_stop(limits)
        data = self._kept_data()
        if method == "l1":
            _check_l1(self.discrete_in_statsmodels, L1_wt, penalty_C, standardize)
            alpha = total_l1_weights(data, alpha)
        spec = PenaltySpec.of(data, alpha, L1_wt, penalty_C, standardize)
        _check_method(method, spec.L1_wt)
        _check_covariance(cov_type)
        t = self.default_use_t if use_t is None else use_t
        if spec.nothing:
            return self._unpenalised(start_params, limits, scale, t)
        fitted = self._penalised(spec, limits, start_params)
        found = fitted.regularization()
        if refit:
            return self._refitted(found, limits, scale, t)
        record = self.penalised_record(fitted, scale, sandwich=cov_type == "sandwich")
        record = replace(record, regularized=found)
        smooth = spec.L1_wt == 0.0
        return self.results_of(
            record,
            record.unscaled * record.scale,
            use_t=t,
            cov_type=cov_type if smooth else "none",
            told=COVARIANCES[cov_type] if smooth else NO_COVARIANCE,
        )

    # -- many weights ----------------------------------------------------------------------

    def regularization_path(
        self,
        *,
        L1_wt: float = 1.0,
        alphas: Any = None,
        n_alphas: int = 100,
        alpha_min_ratio: float | None = None,
        penalty_factors: Any = None,
        standardize: bool = False,
        control: Control | None = None,
    ) -> RegularizationPath:
        """Fit with the same penalty at falling weights, each starting from the last.

        Parameters
        ----------
        L1_wt, standardize
            As in `fit_regularized`.
        alphas : array_like of shape (m,), optional
            Weights; by default ``n_alphas`` of them in equal ratios, from the smallest at
            which all penalised coefficients are 0 (for L1_wt under 0.001, where there is
            none, that of L1_wt = 0.001) down to ``alpha_min_ratio`` of it.
        n_alphas : int
        alpha_min_ratio : float, optional
            0.0001, or 0.01 where there are no more rows than columns, as in glmnet.
        penalty_factors : array_like of shape (p,), optional
            What multiplies alpha for each column; 0 leaves a column free. By default 1,
            and 0 for the constant.
        control : Control, optional

        Returns
        -------
        RegularizationPath
            ``cross_validate()`` picks a weight, ``fit(alpha)`` fits at one.

        Examples
        --------
        >>> import glmfit as gf
        >>> stackloss = gf.datasets.load("stackloss")
        >>> model = gf.ols("stack_loss ~ air_flow + water_temp + acid_conc", stackloss)
        >>> path = model.regularization_path(alphas=[50.0, 5.0, 0.5])
        >>> path.params.round(3)
               Intercept  air_flow  water_temp  acid_conc
        alpha
        50.0      -6.390     0.396       0.000      0.000
        5.0      -41.838     0.875       0.308      0.000
        0.5      -41.229     0.727       1.197     -0.121
        >>> path.cross_validate(folds=7).alpha_min
        0.5
        """
        data = self._kept_data()
        limits = one_control(control, maxiter=None, tol=1e-8, disp=False)
        spec = PenaltySpec.of(data, 1.0, L1_wt, None, standardize)
        factors = all_but_constant(data.design)
        if penalty_factors is not None:
            factors = column_weights(penalty_factors, data.names, "penalty_factors")
        weights = _checked_alphas(alphas, n_alphas, alpha_min_ratio, data.design.shape)
        _check_stop(limits)
        found = trail(self, self.penalty_rows(), factors, spec, limits, weights)
        warn_of_aliases(describe_aliases(found.ready.aliases, data.names))
        if not found.converged.all():
            warn(
                f"{int((~found.converged).sum())} of {found.alphas.size} fits of the path did not "
                "converge; the frame says which.",
                ConvergenceWarning,
            )
        return RegularizationPath(
            model=self,
            L1_wt=spec.L1_wt,
            standardize=spec.standardize,
            factors=factors,
            alphas=found.alphas,
            coefficients=found.coefficients,
            deviance=found.deviance,
            null_deviance=found.null_deviance,
            n_selected=found.n_selected,
            converged=found.converged,
        )

    def fold_codes(self, folds: Any, seed: int) -> NDArray[np.intp]:
        """Return the fold of each row (see `RegularizationPath.cross_validate`)."""
        rows = self._kept_data().design.shape[0]
        if np.ndim(folds) > 0:
            return given_folds(folds, rows)
        whole = isinstance(folds, (int, np.integer)) and not isinstance(folds, bool)
        if not (whole and 2 <= folds <= rows):
            raise ArgumentError(
                f"folds must be a whole number from 2 to {rows}, the number of rows, or the fold "
                f"of each row (got {folds!r})."
            )
        strata = self.fold_strata()
        if strata.any() and (np.bincount(strata) == 1).any():
            raise ArgumentError(
                "A class of the response has one row only, so that the fit without its fold has no "
                "such class. Leave the class out, or merge it with another."
            )
        return dealt_folds(strata, int(folds), seed)

    def held_out(self, path: RegularizationPath, codes: NDArray[np.intp]) -> tuple[Array, Array]:
        """Return the deviance of each fold at each alpha, (m, k), and the folds' weights."""
        rows, control = self.penalty_rows(), Control()
        spec = PenaltySpec(1.0, path.L1_wt, path.standardize)
        columns, weights, lost = [], [], 0
        for fold in range(int(codes.max()) + 1):
            inside = rows.take(np.flatnonzero(codes != fold))
            outside = rows.take(np.flatnonzero(codes == fold))
            found = trail(self, inside, path.factors, spec, control, path.alphas)
            deviance, weight = held_out_deviance(self, outside, found.coefficients, control)
            columns.append(deviance)
            weights.append(weight)
            lost += int((~found.converged).sum())
        if lost:
            warn(
                f"{lost} of {path.alphas.size * len(weights)} fits to folds did not converge; the "
                "deviances of data held out are those of where they stopped.",
                ConvergenceWarning,
            )
        return np.column_stack(columns), np.array(weights)

    def _penalised(self, spec: PenaltySpec, control: Control, start_params: Any) -> Fitted:
        """Return the minimum for one penalty."""
        data = self.data
        ready = prepare(self, self.penalty_rows(), *spec.split(data.design), spec, control)
        warn_of_aliases(describe_aliases(ready.aliases, data.names))
        start = first_theta(self, ready)
        if start_params is not None:
            start = start_of(ready, start_params)
        observed = self.observed_information
        found = fit_penalized(ready.run, start, ready.penalty, control, observed=observed)
        boundary = boundary_met(ready.run, found.theta, found.converged)
        if boundary is not None:
            found = replace(found, converged=False, reason=f"{found.reason}; {boundary}")
        if not found.converged:
            warn(
                f"The penalised fit did not converge: {found.reason}. The numbers shown are where "
                "it stopped.",
                ConvergenceWarning,
            )
        return Fitted(ready, spec, found)

    def _refitted(self, found: Regularization, control: Control, scale: Any, use_t: bool) -> Any:
        """Return the selected columns' fit by maximum likelihood, as results of this model."""
        data, count = self.data, self.n_equations
        zero = found.zeroed_columns(count)
        chosen = np.flatnonzero(~zero)
        if chosen.size == 0:
            raise ArgumentError(
                "The penalty sets every coefficient to 0, which leaves nothing to refit. Give a "
                "smaller alpha."
            )
        part = copy.copy(self)
        names = tuple(data.names[j] for j in chosen)
        part.data = replace(data, design=select_columns(data.design, chosen), names=names)
        small = part._unpenalised(None, control, scale, use_t)
        places = np.concatenate([m * len(data.names) + chosen for m in range(count)])
        record = _widened_record(small.record, places, chosen, len(data.names), count)
        zeroed = np.tile(zero, count)
        record = replace(record, regularized=replace(found, zeroed=zeroed, refitted=True))
        return self.results_of(
            record,
            record.unscaled * record.scale,
            use_t=use_t,
            cov_type=small.cov_type,
            told=small.cov_kwds["description"],
        )


def _widened_record(
    record: FitRecord, places: NDArray[np.intp], columns: NDArray[np.intp], p: int, count: int
) -> FitRecord:
    """Return the record of a fit to some columns as one of a fit to all p of them."""
    total = p * count
    check = np.zeros((record.alias_check.shape[0], p))
    check[:, columns] = record.alias_check
    separation = record.separation
    if separation is not None:
        separation = replace(
            separation,
            direction=widen(separation.direction, places, total, 0.0),
            finite=widen(separation.finite, places, total, True).astype(bool),
        )
    return replace(
        record,
        base=widen(record.base, places, total, 0.0),
        kept=places[record.kept],
        unscaled=widen_square(record.unscaled, places, total),
        alias_check=check,
        separation=separation,
    )


def _checked_alphas(
    alphas: Any, count: Any, ratio: Any, shape: tuple[int, int]
) -> Array | tuple[int, float]:
    """Return the weights of a path, falling, or how many there are and how far they go."""
    if alphas is not None:
        values = np.sort(np.asarray(alphas, dtype=np.float64).ravel())[::-1]
        if values.size == 0 or not (np.isfinite(values).all() and (values > 0.0).all()):
            raise ArgumentError(f"alphas must be positive and finite (got {alphas!r}).")
        return values
    if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
        raise ArgumentError(f"n_alphas must be a whole number of at least 1 (got {count!r}).")
    if ratio is None:
        ratio = 1e-4 if shape[0] > shape[1] else 1e-2
    if not (isinstance(ratio, (int, float)) and 0.0 < ratio < 1.0):
        raise ArgumentError(f"alpha_min_ratio must lie between 0 and 1 (got {ratio!r}).")
    return int(count), float(ratio)


def _check_method(method: Any, L1_wt: float) -> None:
    if method not in METHODS:
        raise ArgumentError(
            f"There is no method {method!r}.{suggest(str(method), METHODS)} "
            f"Known: {', '.join(METHODS)}."
        )
    if method == "l1_slsqp" and L1_wt != 1.0:
        raise ArgumentError(
            f"method='l1_slsqp' is for the lasso (L1_wt=1; got {L1_wt:g}), as in statsmodels. "
            "Leave method= out."
        )


def _check_l1(available: bool, L1_wt: Any, penalty_C: Any, standardize: bool) -> None:
    """Raise where statsmodels' objective of method="l1" has no counterpart."""
    if not available:
        raise ArgumentError(
            "method='l1' is for Logit, Probit and Poisson: statsmodels' GLM does not have it, and "
            "in a multinomial model it would depend on the reference class. Leave method= out; "
            "alpha is then per row."
        )
    if L1_wt not in (None, 1.0) or penalty_C is not None or standardize:
        raise ArgumentError(
            "method='l1' is statsmodels' penalty sum(alpha |b|), which has no L1_wt, penalty_C or "
            "standardize; leave method= out for them."
        )


def _check_stop(control: Control) -> None:
    if control.stop != "score":
        raise ArgumentError(
            f"Penalised fits stop where the conditions of the minimum hold (stop='score'); got "
            f"stop={control.stop!r}. Leave it out."
        )


def _check_covariance(cov_type: Any) -> None:
    if cov_type not in COVARIANCES:
        raise ArgumentError(
            f"There is no cov_type {cov_type!r} for penalised fits."
            f"{suggest(str(cov_type), COVARIANCES)} Known: {', '.join(COVARIANCES)}."
        )
