"""What models of several outcomes or of strata share: how they are made, and the call of fit."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.rank import select_columns
from glmfit.errors import DataError, NotAvailableError
from glmfit.models.base import Model, NewRows, refuse_unknown
from glmfit.models.bias import bias_of
from glmfit.models.data import BESIDE, LABELS, Reading
from glmfit.models.methods import Method, one_control, other_settings, read_method
from glmfit.models.replicates import outcome, resampled_data, whole_weights
from glmfit.results.base import LikelihoodResults
from glmfit.results.record import FitRecord
from glmfit.results.request import covariance_request

__all__ = ["DiscreteModel"]

Array = NDArray[np.float64]

Result = TypeVar("Result", bound=LikelihoodResults)

_FIT_NAMES = ("start_params", "method", "maxiter", "full_output", "disp", "tol", "stop",
              "use_t", "cov_type", "cov_kwds", "control")  # fmt: skip


class DiscreteModel(Model, Generic[Result]):
    """A model of several outcomes or of strata, with results of the class ``Result``.

    A subclass names its keywords in ``options``, reads those that are its own in `_read`
    and `_settle`, and fits in `_maximised`.
    """

    options: ClassVar[tuple[str, ...]] = ()
    """Keywords of the model beside the rows."""
    more_methods: ClassVar[tuple[str, ...]] = ()
    """Names that ``fit(method=)`` takes besides those of the solver."""

    results_type: ClassVar[type[LikelihoodResults]]

    reading: Reading
    columns: NDArray[np.intp]
    """Columns of the formula's design that are kept."""

    @classmethod
    def from_formula(
        cls,
        formula: str,
        data: Any,
        *,
        subset: Any = None,
        missing: str = "drop",
        env: Mapping[str, Any] | bool | None = None,
        **options: Any,
    ) -> Self:
        """Make the model from a formula and data.

        Parameters
        ----------
        formula : str
        data : DataFrame, dict or another table
        subset : mask or labels, optional
            Rows to use.
        missing : {"drop", "raise"}
        env : dict or bool, optional
            Functions and values that the formula may use; True for all names in scope.
        **options
            The keywords of the class: those with a value for each row are given as such or
            by the name of a column.
        """
        known = (*cls.options, "subset", "missing", "env")
        unknown = {name: value for name, value in options.items() if name not in cls.options}
        refuse_unknown(cls.__name__, unknown, known)
        model = cls.__new__(cls)
        model._read(options)
        model._set_formula(
            formula, data, model.reading, _beside(options), missing=missing, subset=subset, env=env
        )
        model._settle(options)
        return model

    def _from_arrays(
        self,
        endog: Any,
        exog: Any,
        missing: str,
        options: Mapping[str, Any],
        unknown: Mapping[str, Any],
    ) -> None:
        """Take arrays, and every keyword of the class."""
        refuse_unknown(type(self).__name__, unknown, (*self.options, "missing"))
        self._read(options)
        self._set_arrays(endog, exog, self.reading, _beside(options), missing)
        self._settle(options)

    def _read(self, options: Mapping[str, Any]) -> None:
        """Set what the response is read by."""
        raise NotImplementedError(f"{type(self).__name__} does not define _read")

    def _settle(self, options: Mapping[str, Any]) -> None:
        """Take the remaining options, once the rows are there."""

    def _settle_columns(self) -> None:
        self._settle(self._settled())

    def _settled(self) -> dict[str, Any]:
        """Return the options that `_settle` took."""
        return {}

    def _drop_intercept(self) -> None:
        """Leave the intercept out; factors stay coded as beside one."""
        data = self.data
        self.columns = np.flatnonzero([name != "Intercept" for name in data.names])
        if self.columns.size < len(data.names):
            self.data = replace(
                data,
                design=select_columns(data.design, self.columns),
                names=tuple(data.names[j] for j in self.columns),
            )

    def new_rows(
        self, exog: Any, transform: bool, offset: Any, exposure: Any, new_levels: str
    ) -> NewRows:
        """Return the rows to predict, in the columns that are kept."""
        rows = super().new_rows(exog, transform, offset, exposure, new_levels)
        if rows.design.shape[1] == len(self.data.names):
            return rows
        made = rows.design.shape[1]
        if self.columns.max(initial=0) >= made:
            raise DataError(f"The formula makes {made} columns here; the model has more of them.")
        return replace(rows, design=select_columns(rows.design, self.columns))

    def fit(
        self,
        start_params: Any = None,
        method: str = "newton",
        maxiter: int | None = None,
        full_output: bool = True,
        disp: bool = False,
        *,
        tol: float = 1e-8,
        stop: str = "score",
        use_t: bool = False,
        cov_type: str = "nonrobust",
        cov_kwds: Mapping[str, Any] | None = None,
        control: Control | None = None,
        **unknown: Any,
    ) -> Result:
        """Fit by maximum likelihood.

        Parameters
        ----------
        start_params : array_like of shape (P,) or (p, K - 1), optional
            Where to start: coefficients in the order of ``parameter_names`` (of an ordinal
            model slopes, then thresholds as such), or for `MNLogit` a column for each
            level but the reference.
        method : {"newton", "fisher", "irls", "lbfgs", "gd", "firth"}
            As in `GLM.fit`, under whose canonical links the multinomial and the conditional
            logit fall. Strata have no weights whose least squares "irls" could take: there
            its steps are Fisher's, on columns made orthogonal. "firth" is for `MNLogit`: it
            reduces the bias in the mean (Kosmidis and Firth 2011), and is finite where data
            are separated.
        maxiter, full_output, disp, tol, stop, use_t, control
            As in `GLM.fit`.
        cov_type, cov_kwds
            As in `GLM.fit`; in a model with strata those are its independent observations.

        Returns
        -------
        MultinomialResults, OrdinalResults, ConditionalResults or ChoiceResults

        Raises
        ------
        DataError
            If the rows identify nothing, as strata do without both cases and controls.

        Warns
        -----
        SeparationWarning
            If no finite estimate exists, by the columns that separate.
        CollinearityWarning
            If columns are determined by others.
        ConvergenceWarning
            If no maximum was reached otherwise.
        """
        self._refuse_fit(other_settings(unknown), _FIT_NAMES)
        how = read_method(method, self.more_methods)
        self._kept_data()
        request = covariance_request(self, cov_type, cov_kwds)
        limits = one_control(
            control, maxiter=maxiter, tol=tol, stop=stop, disp=disp, solver=how.solver
        )
        record = self._maximised(limits, start_params, how)
        told = {"description": "Standard errors assume that the model holds."}
        result = self._results(record, use_t=use_t, cov_type="nonrobust", cov_kwds=told)
        return result.using(request)

    def refitted(
        self, record: FitRecord, counts: Array | None, response: Array | None
    ) -> tuple[Array, str]:
        """Return the estimates of one sample (see `Model.refitted`)."""
        sampled = copy.copy(self)
        present = self.fitted_rows(record)
        sampled.data = resampled_data(self._kept_data(), present, counts, response)
        how = Method(bias=bias_of(record))
        return outcome(lambda: sampled._maximised(Control(), record.base, how), record.rank)

    def drawn_responses(
        self, record: FitRecord, rng: np.random.Generator, size: int, kind: str
    ) -> Array:
        """Return shares of classes drawn at the estimates, shape (R, n, K)."""
        if kind != "parametric":
            return super().drawn_responses(record, rng, size, kind)
        present = self.fitted_rows(record)
        weight = self._kept_data().weight
        total = np.ones(int(present.sum())) if weight is None else weight[present]
        if not whole_weights(total):
            raise NotAvailableError(
                "Classes are drawn for whole numbers of trials, and the weights are none. "
                "kind='pairs' draws observations instead."
            )
        shares = self.fitted_probabilities(record)[present]
        shares = shares / shares.sum(axis=1, keepdims=True)
        counts = rng.multinomial(np.round(total).astype(np.int64), shares, (size, total.size))
        return np.asarray(counts / total[:, None])

    def fitted_probabilities(self, record: FitRecord) -> Array:
        """Return the probabilities of the rows used, shape (m, K)."""
        raise NotImplementedError(f"{type(self).__name__} does not define fitted_probabilities")

    def _maximised(self, control: Control, start_params: Any, method: Method) -> FitRecord:
        """Return the numbers of the fit."""
        raise NotImplementedError(f"{type(self).__name__} does not define _maximised")

    def _results(self, record: FitRecord, **how: Any) -> Result:
        """Return the results of a fit."""
        raise NotImplementedError(f"{type(self).__name__} does not define _results")


def _beside(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with a value for each row, None where they were not given."""
    return {what: options.get(what) for what in (*BESIDE, *LABELS)}
