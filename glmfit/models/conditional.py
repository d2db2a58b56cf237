"""Conditional logit: matched sets, of which the number of cases is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.engine.strata import Strata, StrataPass
from glmfit.errors import (
    ArgumentError,
    DataError,
    NotAvailableError,
    ResponseError,
)
from glmfit.formula.alignment import beside
from glmfit.formula.response import Response, proportion_response
from glmfit.formula.table import Table
from glmfit.inference.surface import Expectation
from glmfit.links import Link
from glmfit.models.base import Model, NewRows
from glmfit.models.classes import plain_level
from glmfit.models.data import ModelData
from glmfit.models.discrete import DiscreteModel
from glmfit.models.methods import Method
from glmfit.models.strata import StrataWords, fit_strata, strata_pass, stratum_weight, varying_row
from glmfit.results.base import LikelihoodResults
from glmfit.results.conditional import ConditionalResults, StrataCounts
from glmfit.results.record import FitRecord

__all__ = ["ConditionalLogit", "conditional_logit"]

Array = NDArray[np.float64]


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
    freq_weights, var_weights : array_like of shape (n,), optional
        How much each stratum counts; the same for all of its rows.
    event : optional
        The level of the response that counts as a case.
    missing : {"none", "drop", "raise"}

    See Also
    --------
    conditional_logit : The same from a formula.
    """

    summary_title: ClassVar[str] = "Conditional Logit Regression Results"
    summary_name: ClassVar[str] = "ConditionalLogit"
    unit_name: ClassVar[str] = "strata"

    options: ClassVar[tuple[str, ...]] = (
        "groups",
        "offset",
        "freq_weights",
        "var_weights",
        "event",
    )

    stored: ClassVar[Mapping[str, Any]] = {
        "reading": CaseReading,
        "group_column": str | None,
        "columns": NDArray[np.intp],
    }
    results_type: ClassVar[type[LikelihoodResults]] = ConditionalResults

    reading: CaseReading
    group_column: str | None = None

    def __init__(
        self,
        endog: Any,
        exog: Any,
        *,
        groups: Any = None,
        offset: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        event: Any = None,
        missing: str = "none",
        **unknown: Any,
    ) -> None:
        given = {
            "groups": groups,
            "offset": offset,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
            "event": event,
        }
        self._from_arrays(endog, exog, missing, given, unknown)

    def _read(self, options: Mapping[str, Any]) -> None:
        if options.get("groups") is None:
            raise ArgumentError(
                f"{self.summary_name} needs groups=, the {self.words.noun} of each row: a column "
                "name or values."
            )
        self.reading = CaseReading(options.get("event"))

    def _settle(self, options: Mapping[str, Any]) -> None:
        # groups= given as values have no name to be found by in new data
        groups = options["groups"]
        self.group_column = groups if isinstance(groups, str) else None
        self._drop_intercept()
        if self.columns.size == 0:
            raise ArgumentError("The model has no columns; add a term.")
        self._check_weights()

    def _check_weights(self) -> None:
        """Raise if weights differ within a stratum."""
        data, codes = self.data, self.strata.codes
        labels = np.asarray(data.groups)
        for what in ("freq_weights", "var_weights"):
            values = getattr(data, what)
            row = None if values is None else varying_row(values, codes)
            if row is not None:
                raise DataError(
                    f"{what} differ within the {self.words.noun} {plain_level(labels[row])!r}: a "
                    f"{self.words.noun} is one observation, and has one weight."
                )

    @property
    def formula_columns(self) -> NDArray[np.intp]:
        """Which column of the formula's design each of ``data.names`` is."""
        return self.columns

    def _settled(self) -> dict[str, Any]:
        return {"groups": self.group_column}

    def __repr__(self) -> str:
        shown = repr(self.formula) if self.formula else f"{len(self.data.names)} columns"
        return f"<{type(self).__name__} {shown}>"

    @property
    def strata(self) -> Strata:
        """Which rows belong together."""
        data = self._kept_data()
        codes, levels = pd.factorize(np.asarray(data.groups))
        return Strata(np.asarray(codes, dtype=np.intp), data.response.y == 1.0, len(levels))

    words: ClassVar[StrataWords] = StrataWords(
        noun="stratum",
        constant="is constant within every stratum",
        nothing="No stratum has both cases and controls, so there is nothing to compare.",
        separated=(
            "The strata are separated by {names}: some combination of columns is nowhere smaller "
            "for a case than for a control of its stratum, so no finite maximum-likelihood "
            "estimate exists. The other coefficients are those of the rows that stay uncertain; "
            "leave terms out or join strata, or see result.separation."
        ),
    )
    constants: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
    """Columns of the null model: none."""

    @property
    def compared(self) -> NDArray[np.bool_]:
        """Strata with both cases and controls, and a weight, shape (n_strata,)."""
        strata = self.strata
        weight = stratum_weight(self.data, strata)
        return strata.informative if weight is None else strata.informative & (weight > 0.0)

    @property
    def n_compared(self) -> float:
        """Rows of these strata, frequencies summed."""
        used = self.compared[self.strata.codes]
        freq = self.data.freq_weights
        total = float(used.sum() if freq is None else freq[used].sum())
        return int(total) if total.is_integer() else total

    def _maximised(self, control: Control, start_params: Any, method: Method) -> FitRecord:
        return fit_strata(self, control, start_params, method.solver)

    def _results(self, record: FitRecord, **how: Any) -> ConditionalResults:
        return ConditionalResults(self, record, record.unscaled, **how)

    @property
    def counts(self) -> StrataCounts:
        """Strata that can be compared within, and those that say nothing."""
        strata, compared = self.strata, self.compared
        used, sizes = compared[strata.codes], strata.sizes[compared]
        return StrataCounts(
            int(compared.sum()), int((~compared).sum()), int(used.sum()), int((~used).sum()),
            int(sizes.min()), int(sizes.max()),
        )  # fmt: skip

    def fitted_rows(self, record: FitRecord) -> NDArray[np.bool_]:
        """Return which of the rows used stand in `fitted_pass`, shape (m,)."""
        used = self.compared[self.strata.codes]
        return used if record.separation is None else used & ~record.separation.rows

    def fitted_pass(self, record: FitRecord) -> StrataPass:
        """Return the pass that the estimates maximise (see `Model.fitted_pass`)."""
        self._kept_data()
        return strata_pass(self, self.fitted_rows(record), record.kept)

    def fitted_units(self, record: FitRecord) -> NDArray[np.intp]:
        """Return the stratum of `fitted_pass` of each row used, -1 for none, shape (m,)."""
        used, codes = self.fitted_rows(record), self.strata.codes
        out = np.full(used.size, -1, dtype=np.intp)
        out[used] = np.unique(codes[used], return_inverse=True)[1]
        return out

    def unit_frequencies(self, record: FitRecord) -> Array | None:
        """Return how often each stratum of `fitted_pass` was seen; None where each was once."""
        freq, units = self._kept_data().freq_weights, self.fitted_units(record)
        if freq is None:
            return None
        out = np.zeros(int(units.max()) + 1)
        out[units[units >= 0]] = freq[units >= 0]
        return out

    def independent_count(self, record: FitRecord) -> float:
        """Return the number of strata that can be compared within, frequencies summed."""
        freq = self.unit_frequencies(record)
        return self.counts.strata if freq is None else float(freq.sum())

    def refitted(
        self, record: FitRecord, counts: Array | None, response: Array | None
    ) -> tuple[Array, str]:
        """Return the estimates of a sample of strata (see `Model.refitted`)."""
        assert counts is not None  # responses are not drawn for strata
        units = self.fitted_units(record)
        return super().refitted(record, counts[units[units >= 0]], response)

    def drawn_responses(
        self, record: FitRecord, rng: np.random.Generator, size: int, kind: str
    ) -> Array:
        """Raise: cases are not drawn within strata."""
        return Model.drawn_responses(self, record, rng, size, kind)

    def score_rows(self, record: FitRecord) -> Array:
        """Return what each stratum adds to the score at the estimates.

        Returns
        -------
        ndarray of shape (n_strata, P)
            In the order of ``strata``, for the P coefficients ``record.kept``; 0 for strata
            that are not compared, or that a separated fit fits perfectly.
        """
        strata = self.strata
        present = np.zeros(strata.count, dtype=bool)
        present[strata.codes[self.fitted_rows(record)]] = True
        return self._spread_scores(record, present)

    @property
    def expectation(self) -> Expectation:
        """There is none: predictions of a row depend on the other rows of its stratum."""
        raise NotAvailableError(
            "In a conditional logit the probability of a row depends on every row of its stratum "
            "and on an intercept that is not estimated, so there are no margins and no intervals "
            "for predictions. odds_ratios() has what the data say of each variable."
        )

    def new_strata(self, exog: Any, groups: Any, rows: NewRows) -> NDArray[np.intp]:
        """Return the stratum of each complete row to predict, -1 where that is missing."""
        if exog is None:
            if groups is not None:
                raise ArgumentError("groups= is for new data; the rows of the fit have their own.")
            return self.strata.codes
        values = self._new_groups(exog, groups, rows)[rows.kept]
        return np.asarray(pd.factorize(values)[0], dtype=np.intp)

    def _new_groups(self, exog: Any, groups: Any, rows: NewRows) -> NDArray[Any]:
        """Return the group of each new row, shape (n,)."""
        groups = self.group_column if groups is None else groups
        if groups is None:
            raise ArgumentError(
                "Probabilities are within strata: give groups= for the new rows, or ask for "
                "which='linear'."
            )
        table = Table(exog) if isinstance(groups, str) else None
        vector = beside(groups, "groups", table, rows.index, rows.kept.size, numeric=False)
        return np.asarray(vector.values)

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
        ``offset``, ``freq_weights`` and ``var_weights`` (the same for all rows of a stratum),
        ``event`` (the level that counts as a case), ``subset``, ``missing``,
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
