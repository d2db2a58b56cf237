"""Conditional logit: matched sets, of which the number of cases is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.irls import Solution
from glmfit.engine.linalg import Alias, independent_columns, merge_triangular
from glmfit.engine.separation import find_separation
from glmfit.engine.solvers import Solver
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
from glmfit.models.base import NewRows
from glmfit.models.data import ModelData
from glmfit.models.discrete import DiscreteModel
from glmfit.models.fitting import describe_aliases
from glmfit.models.methods import Method
from glmfit.models.records import discrete_record, given_start
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


class ConditionalLogit(DiscreteModel[ConditionalResults]):
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

    options = ("groups", "offset", "event")

    reading: CaseReading
    group_column: str | None = None

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
        given = {"groups": groups, "offset": offset, "event": event}
        self._from_arrays(endog, exog, missing, given, unknown)

    def _read(self, options: Mapping[str, Any]) -> None:
        if options.get("groups") is None:
            raise ArgumentError(
                "A conditional logit needs groups=, the stratum of each row: a column name or "
                "values."
            )
        self.reading = CaseReading(options.get("event"))

    def _settle(self, options: Mapping[str, Any]) -> None:
        # groups= given as values have no name to be found by in new data
        groups = options["groups"]
        self.group_column = groups if isinstance(groups, str) else None
        self._drop_intercept()
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

    def _maximised(self, control: Control, start_params: Any, method: Method) -> FitRecord:
        return _fit(self, control, start_params, method.solver)

    def _results(self, record: FitRecord, **how: Any) -> ConditionalResults:
        return ConditionalResults(self, record, record.unscaled, **how)

    @property
    def counts(self) -> StrataCounts:
        """Strata that can be compared within, and those that say nothing."""
        strata = self.strata
        used = strata.informative[strata.codes]
        inner = strata.taken(used)
        return StrataCounts(
            inner.count, strata.count - inner.count, int(used.sum()), int((~used).sum()),
            int(inner.sizes.min()), int(inner.sizes.max()),
        )  # fmt: skip

    def fitted_pass(self, record: FitRecord) -> StrataPass:
        """Return the pass that the estimates maximise (see `Model.fitted_pass`)."""
        return _whole_pass(self).chosen(record.kept)

    def score_rows(self, record: FitRecord) -> Array:
        """Return what each stratum adds to the score at the estimates.

        Returns
        -------
        ndarray of shape (n_strata, P)
            In the order of ``strata``, for the P coefficients ``record.kept``; 0 for strata
            without both cases and controls.
        """
        return self._spread_scores(record, self.strata.informative)

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


def _fit(model: ConditionalLogit, control: Control, start_params: Any, solver: Solver) -> FitRecord:
    ready = _prepare(model, control)
    kept, total = ready.kept, len(model.data.names)
    start = np.zeros(kept.size)
    if start_params is not None:
        start = given_start(start_params, kept, total)
    solution = solver.fit(ready.run, start, control)
    if not solution.settled:
        solution = _told_of_no_maximum(model, ready, solution)
    return discrete_record(
        solution,
        kept,
        total,
        most=0.0,
        null_deviance=ready.run.deviance(np.zeros(kept.size)),
        nobs=model.counts.rows,
        rank=kept.size,
        has_constant=False,
        aliased=ready.aliased,
        alias_check=np.zeros((0, total)),
    )


def _prepare(model: ConditionalLogit, control: Control) -> _Ready:
    names = model.data.names
    whole = _whole_pass(model)
    kept, aliased = independent_columns(merge_triangular(None, whole.columns), control.rank_tol)
    told = _told(aliased, names)
    if kept.size == 0:
        raise DataError(
            f"No column varies within a stratum ({', '.join(names)}), so no effect is identified."
        )
    _warn_of_aliases(told)
    return _Ready(whole.chosen(kept), kept, told)


def _whole_pass(model: ConditionalLogit) -> StrataPass:
    """Return the pass over the strata that can be compared within, in all columns."""
    data, strata = model._kept_data(), model.strata
    used = strata.informative[strata.codes]
    if not used.any():
        raise DataError("No stratum has both cases and controls, so there is nothing to compare.")
    inner = strata.taken(used)
    offset = None if data.offset is None else data.offset[used]
    columns = _within(data.design.toarray()[used], inner)
    return StrataPass(columns, offset, ConditionalLikelihood(tuple(inner.blocks())))


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


def _told_of_no_maximum(model: ConditionalLogit, ready: _Ready, solution: Solution) -> Solution:
    """Return what is left of a fit that is not at rest, having warned of separation if so."""
    found = None
    if ready.run.n_pairs <= MOST_PAIRS:
        pairs = ready.run.differences()
        found = find_separation(pairs, np.ones(pairs.shape[0], dtype=np.int8))
    if found is None:
        if not solution.converged:
            warn(f"The fit did not converge: {solution.reason}.", ConvergenceWarning)
        return solution
    lost = [model.data.names[j] for j in ready.kept[~found.finite]]
    warn(
        f"The strata are separated by {', '.join(lost)}: some combination of columns is nowhere "
        "smaller for a case than for a control of its stratum, so no finite maximum-likelihood "
        "estimate exists. The numbers shown are where the iterations ended; leave terms out or "
        "join strata.",
        SeparationWarning,
    )
    reason = "the strata are separated, so no finite maximum-likelihood estimate exists"
    return replace(solution, converged=False, reason=reason)
