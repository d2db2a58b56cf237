"""Conditional logit: matched sets, of which the number of cases is given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.irls import Solution, fit_irls
from glmfit.engine.linalg import Alias, independent_columns, merge_triangular
from glmfit.engine.rank import select_columns
from glmfit.engine.separation import find_separation
from glmfit.engine.strata import ConditionalLikelihood, Strata, StrataPass
from glmfit.errors import (
    ArgumentError,
    CollinearityWarning,
    ConvergenceWarning,
    DataError,
    NotAvailableError,
    ResponseError,
    SeparationWarning,
    warn,
)
from glmfit.formula.alignment import beside
from glmfit.formula.response import Response, proportion_response
from glmfit.formula.table import Table
from glmfit.links import Link
from glmfit.models.base import Model, NewRows, refuse_unknown
from glmfit.models.data import BESIDE, ModelData
from glmfit.models.fitting import describe_aliases, widen
from glmfit.models.glm import check_method, one_control, other_settings
from glmfit.results.conditional import ConditionalResults, StrataCounts
from glmfit.results.record import FitRecord

__all__ = ["ConditionalLogit", "conditional_logit"]

Array = NDArray[np.float64]

MOST_PAIRS = 1_000_000
"""Most pairs of a case and a control that are searched for separation."""

CONSTANT = 1e-13
"""Variation within strata, as a share of a column's size, that is rounding."""


@dataclass(frozen=True, slots=True)
class CaseReading:
    """The reading of a response that says which rows are cases.

    Attributes
    ----------
    event : optional
        The level that counts as a case; the last one by default.
    """

    event: Any = None

    @property
    def link(self) -> Link | None:
        """There is no link that an exposure belongs to."""
        return None

    def response(self, values: tuple[Any, ...], name: str, trials: Array | None) -> Response:
        """Return 1 for cases and 0 for controls."""
        if len(values) > 1 or np.ndim(values[0]) == 2:
            raise ResponseError(
                f"The response {name} of a conditional logit says of each row whether it is a "
                "case (0 or 1); counts of successes and failures need a row for each."
            )
        read = proportion_response(values, name, event=self.event)
        if ((read.y != 0.0) & (read.y != 1.0)).any():
            raise ResponseError(
                f"The response {name} of a conditional logit must be 0 or 1, or have two levels."
            )
        return read

    def check(self, data: ModelData) -> None:
        """Raise unless the rows can be fitted."""


class ConditionalLogit(Model):
    """Conditional logit on arrays.

    Parameters
    ----------
    endog : array_like of shape (n,)
        1 for cases and 0 for controls, or two levels.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        Predictors, without a constant.
    groups : array_like of shape (n,)
        The stratum of each row: numbers, text or categories.
    offset : array_like of shape (n,), optional
        Added to the linear predictor.
    event : optional
        The level of the response that counts as a case.
    missing : {"none", "drop", "raise"}

    See Also
    --------
    conditional_logit : The same from a formula.
    """

    summary_title: ClassVar[str] = "Conditional Logit Regression Results"
    summary_name: ClassVar[str] = "ConditionalLogit"

    columns: NDArray[np.intp]
    """Columns of the formula's design that are kept: all but the intercept."""

    def __init__(
        self,
        endog: Any,
        exog: Any,
        *,
        groups: Any = None,
        offset: Any = None,
        event: Any = None,
        missing: str = "none",
        **unknown: Any,
    ) -> None:
        refuse_unknown(type(self).__name__, unknown, _ARRAY_NAMES)
        given = _beside(groups, offset)
        self._set_arrays(endog, exog, CaseReading(event), given, missing)
        self._drop_intercept()

    @classmethod
    def from_formula(
        cls,
        formula: str,
        data: Any,
        *,
        groups: Any = None,
        offset: Any = None,
        event: Any = None,
        subset: Any = None,
        missing: str = "drop",
        env: Mapping[str, Any] | bool | None = None,
        **unknown: Any,
    ) -> Self:
        """Make the model from a formula and data (see `conditional_logit`)."""
        refuse_unknown(cls.__name__, unknown, (*_ARRAY_NAMES, "subset", "env"))
        given = _beside(groups, offset)
        model = cls.__new__(cls)
        model._set_formula(
            formula, data, CaseReading(event), given, missing=missing, subset=subset, env=env
        )
        # groups= given as values have no name to be found by in new data
        model.group_column = groups if isinstance(groups, str) else None
        model._drop_intercept()
        return model

    group_column: str | None = None

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
        if self.columns.size == 0:
            raise ArgumentError("The model has no columns; add a term.")

    def __repr__(self) -> str:
        shown = repr(self.formula) if self.formula else f"{len(self.data.names)} columns"
        return f"<{type(self).__name__} {shown}>"

    @property
    def strata(self) -> Strata:
        """Which rows belong together."""
        data = self._kept_data()
        codes, levels = pd.factorize(np.asarray(data.groups))
        return Strata(np.asarray(codes, dtype=np.intp), data.response.y == 1.0, len(levels))

    def fit(
        self,
        start_params: Any = None,
        method: str = "newton",
        maxiter: int = 100,
        full_output: bool = True,
        disp: bool = False,
        *,
        tol: float = 1e-8,
        use_t: bool = False,
        cov_type: str = "nonrobust",
        control: Control | None = None,
        **unknown: Any,
    ) -> ConditionalResults:
        """Fit by maximum conditional likelihood.

        Parameters
        ----------
        start_params : array_like of shape (p,), optional
        method : str
            As in `GLM.fit`: there is one solver.
        maxiter, full_output, disp, tol, use_t, control
            As in `GLM.fit`.
        cov_type : {"nonrobust"}
            Robust covariances are not available for conditional models yet.

        Returns
        -------
        ConditionalResults

        Raises
        ------
        DataError
            If no stratum has both cases and controls, or no column varies within one.

        Warns
        -----
        CollinearityWarning
            If a column is constant within every stratum, or others determine it there.
        SeparationWarning
            If no finite estimate exists, by the columns that separate strata.
        ConvergenceWarning
            If no maximum was reached otherwise.
        """
        refuse_unknown("fit", other_settings(unknown), _FIT_NAMES)
        check_method(method)
        if cov_type != "nonrobust":
            raise ArgumentError("Conditional models have the nonrobust covariance only, so far.")
        limits = one_control(control, maxiter=maxiter, tol=tol, disp=disp)
        record, counts = _fit(self, limits, start_params)
        told = {"description": "Standard errors assume that the model holds."}
        return ConditionalResults(
            self, record, counts, use_t=use_t, cov_type=cov_type, cov_kwds=told
        )

    def new_rows(
        self, exog: Any, transform: bool, offset: Any, exposure: Any, new_levels: str
    ) -> NewRows:
        """Return the rows to predict (see `ConditionalResults.predict`)."""
        rows = super().new_rows(exog, transform, offset, exposure, new_levels)
        if exog is None or rows.design.shape[1] == self.columns.size:
            return rows
        return replace(rows, design=select_columns(rows.design, self.columns))

    def new_strata(self, exog: Any, groups: Any, rows: NewRows) -> NDArray[np.intp]:
        """Return the stratum of each complete row to predict, -1 where that is missing."""
        if exog is None:
            if groups is not None:
                raise ArgumentError("groups= is for new data; the rows of the fit have their own.")
            return self.strata.codes
        groups = self.group_column if groups is None else groups
        if groups is None:
            raise ArgumentError(
                "Probabilities are within strata: give groups= for the new rows, or ask for "
                "which='linear'."
            )
        table = Table(exog) if isinstance(groups, str) else None
        vector = beside(groups, "groups", table, rows.index, rows.kept.size, numeric=False)
        values = vector.kept(rows.kept)
        return np.asarray(pd.factorize(np.asarray(values))[0], dtype=np.intp)

    def check_single_cases(self) -> None:
        """Raise if a stratum has several cases."""
        several = self.strata.n_cases > 1
        if several.any():
            raise NotAvailableError(
                f"{int(several.sum())} strata have several cases. The probability that a row is "
                "one of them is no function of its own predictor and one event; "
                "which='linear' gives the linear predictor."
            )


_ARRAY_NAMES = ("groups", "offset", "event", "missing")

_FIT_NAMES = (
    "start_params", "method", "maxiter", "full_output", "disp", "tol", "use_t", "cov_type",
    "control",
)  # fmt: skip


def _beside(groups: Any, offset: Any) -> dict[str, Any]:
    if groups is None:
        raise ArgumentError(
            "A conditional logit needs groups=, the stratum of each row: a column name or values."
        )
    return {**dict.fromkeys(BESIDE), "groups": groups, "offset": offset}


def conditional_logit(
    formula: str, data: Any, groups: Any = None, **options: Any
) -> ConditionalLogit:
    """Make a conditional logit from a formula.

    The likelihood is that of which rows are the cases, given how many cases each stratum
    has. It is exact, also where strata have several. There is no intercept, and what is
    constant within strata has no effect that could be seen.

    Parameters
    ----------
    formula : str
        As in `glm`; the response is 0 or 1, boolean, or has two levels.
    data : DataFrame, dict or another table
    groups : str or array_like of shape (n,)
        The stratum of each row: a column's name, or values. Rows without one are left
        out.
    **options
        ``offset``, ``event`` (the level that counts as a case), ``subset``, ``missing``,
        ``env``.

    Returns
    -------
    ConditionalLogit

    References
    ----------
    Breslow, N. E. and Day, N. E. (1980). *Statistical Methods in Cancer Research*, vol. 1.
    Gail, M. H., Lubin, J. H. and Rubinstein, L. V. (1981). Likelihood calculations for
    matched case-control studies and survival studies with tied death times.
    *Biometrika* 68, 703-707.

    Examples
    --------
    >>> import glmfit as gf
    >>> infert = gf.datasets.load("infert")
    >>> model = gf.conditional_logit("case ~ spontaneous + induced", infert, groups="stratum")
    >>> model.fit().params.round(4)
    spontaneous    1.9859
    induced        1.4090
    dtype: float64
    """
    return ConditionalLogit.from_formula(formula, data, groups=groups, **options)


# -- the fit -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ready:
    """What the fit rests on: rows of informative strata, columns that vary there."""

    run: StrataPass
    kept: NDArray[np.intp]
    aliased: dict[str, str]
    counts: StrataCounts


def _fit(
    model: ConditionalLogit, control: Control, start_params: Any
) -> tuple[FitRecord, StrataCounts]:
    ready = _prepare(model, control)
    start = _start(model, ready, start_params)
    solution = fit_irls(ready.run, start, control)
    if not solution.converged:
        _warn_of_no_maximum(model, ready, solution)
    return _record(model, ready, solution), ready.counts


def _prepare(model: ConditionalLogit, control: Control) -> _Ready:
    data, strata = model._kept_data(), model.strata
    used = strata.informative[strata.codes]
    if not used.any():
        raise DataError("No stratum has both cases and controls, so there is nothing to compare.")
    inner = strata.taken(used)
    columns = _within(data.design.toarray()[used], inner)
    kept, aliased = independent_columns(merge_triangular(None, columns), control.rank_tol)
    told = _told(aliased, data.names)
    if kept.size == 0:
        raise DataError(
            f"No column varies within a stratum ({', '.join(data.names)}), so no effect is "
            "identified."
        )
    _warn_of_aliases(told)
    likelihood = ConditionalLikelihood(tuple(inner.blocks()))
    offset = None if data.offset is None else data.offset[used]
    run = StrataPass(np.ascontiguousarray(columns[:, kept]), offset, likelihood)
    counts = StrataCounts(
        inner.count, strata.count - inner.count, int(used.sum()), int((~used).sum()),
        int(inner.sizes.min()), int(inner.sizes.max()),
    )  # fmt: skip
    return _Ready(run, kept, told, counts)


def _within(matrix: Array, strata: Strata) -> Array:
    """Return columns less their means of each stratum; exactly 0 where constant within all."""
    _, first = np.unique(strata.codes, return_index=True)
    moved = matrix - matrix[first][strata.codes]
    size = np.abs(matrix).max(axis=0)
    moved[:, np.abs(moved).max(axis=0) <= CONSTANT * size] = 0.0
    sums = np.zeros((strata.count, matrix.shape[1]))
    np.add.at(sums, strata.codes, moved)
    return np.asarray(moved - (sums / strata.sizes[:, None])[strata.codes])


def _told(aliased: list[Alias], names: tuple[str, ...]) -> dict[str, str]:
    """Return, for each column that is not identified, why."""
    sums = describe_aliases([alias for alias in aliased if alias.sources.size], names)
    return {
        names[alias.column]: (
            f"{sums[names[alias.column]]} within strata"
            if alias.sources.size
            else f"{names[alias.column]} is constant within every stratum"
        )
        for alias in aliased
    }


def _warn_of_aliases(aliased: dict[str, str]) -> None:
    if aliased:
        noun = "column is" if len(aliased) == 1 else "columns are"
        warn(
            f"{len(aliased)} {noun} not identified and left out: {'; '.join(aliased.values())}. "
            "The coefficient is shown as missing (NaN).",
            CollinearityWarning,
        )


def _start(model: ConditionalLogit, ready: _Ready, given: Any) -> Array:
    if given is None:
        return np.zeros(ready.kept.size)
    values = np.asarray(given, dtype=float).ravel()
    if values.size != len(model.data.names):
        raise ArgumentError(
            f"start_params has {values.size} values for {len(model.data.names)} coefficients."
        )
    start: Array = np.nan_to_num(values)[ready.kept]
    return start


def _warn_of_no_maximum(model: ConditionalLogit, ready: _Ready, solution: Solution) -> None:
    """Warn of a fit that did not converge: of separation, where that is why."""
    found = None
    if ready.run.n_pairs <= MOST_PAIRS:
        pairs = ready.run.differences()
        found = find_separation(pairs, np.ones(pairs.shape[0], dtype=np.int8))
    if found is None:
        warn(f"The fit did not converge: {solution.reason}.", ConvergenceWarning)
        return
    lost = [model.data.names[j] for j in ready.kept[~found.finite]]
    warn(
        f"The strata are separated by {', '.join(lost)}: some combination of columns is nowhere "
        "smaller for a case than for a control of its stratum, so no finite maximum-likelihood "
        "estimate exists. The numbers shown are where the iterations ended; leave terms out or "
        "join strata.",
        SeparationWarning,
    )


def _record(model: ConditionalLogit, ready: _Ready, solution: Solution) -> FitRecord:
    total = len(model.data.names)
    unscaled = np.full((total, total), np.nan)
    unscaled[np.ix_(ready.kept, ready.kept)] = solution.covariance
    null = ready.run.deviance(np.zeros(ready.kept.size))
    return FitRecord(
        base=widen(solution.theta, ready.kept, total, 0.0),
        kept=ready.kept,
        unscaled=unscaled,
        scale=1.0,
        scale_note=None,
        deviance=solution.deviance,
        null_deviance=null,
        pearson_chi2=math.nan,
        llf=-0.5 * solution.deviance,
        llnull=-0.5 * null,
        null_constant=math.nan,
        total_squares=math.nan,
        nobs=ready.counts.rows,
        rank=ready.kept.size,
        has_constant=False,
        aliased=ready.aliased,
        alias_check=np.zeros((0, total)),
        converged=solution.converged,
        reason=solution.reason,
        condition=solution.condition,
        history=solution.history,
    )
