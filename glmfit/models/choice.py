"""McFadden's choice model: which of several alternatives is taken, one row for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.engine.rank import select_columns
from glmfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    DataError,
    LevelError,
    NotAvailableError,
    ResponseError,
    suggest,
)
from glmfit.formula.choice import ChoiceTerms, parse_choice
from glmfit.formula.parsing import ParsedFormula, as_factor
from glmfit.formula.spec import ModelSpec
from glmfit.formula.table import Table
from glmfit.inference.choice import ChoiceSets
from glmfit.models.base import NewRows
from glmfit.models.classes import plain_level
from glmfit.models.conditional import ConditionalLogit
from glmfit.models.data import ModelData
from glmfit.models.strata import StrataWords, strata_pass, stratum_weight, varying_row
from glmfit.results.choice import ChoiceResults
from glmfit.results.record import FitRecord

__all__ = ["ChoiceModel", "choice"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

OTHERS = "other rows of their case"
"""Why rows are left out that are complete themselves."""


class ChoiceModel(ConditionalLogit):
    """McFadden's choice model (conditional logit) on arrays.

    A case is a choice among some alternatives, with a row for each of them. The chosen one
    has the largest utility x'b + e, where the e are independent with the Gumbel
    distribution, so that P(j) = exp(x_j'b) / sum over the case of exp(x_k'b).

    Parameters
    ----------
    endog : array_like of shape (n,)
        1 for the chosen row of each case and 0 for the others, or two levels.
    exog : array_like, DataFrame or sparse array of shape (n, p)
        What the alternatives of a case differ in, one coefficient a column. Constants of
        alternatives, and variables of the individual times these, are columns as well; a
        formula makes them unasked.
    groups : array_like of shape (n,)
        The case of each row.
    alternatives : array_like of shape (n,)
        The alternative that each row is. Cases need not have all of them.
    offset : array_like of shape (n,), optional
        Known part of the utility.
    freq_weights, var_weights : array_like of shape (n,), optional
        How much each case counts; the same for all of its rows.
    event : optional
        The level of the response that means chosen.
    missing : {"none", "drop", "raise"}
        With "drop" a case goes as a whole, since what it chose among is not known.

    See Also
    --------
    choice : The same from a formula.

    References
    ----------
    McFadden, D. (1974). Conditional logit analysis of qualitative choice behavior. In
    P. Zarembka (ed.), *Frontiers in Econometrics*, 105-142.
    """

    summary_title: ClassVar[str] = "Choice Model Results"
    summary_name: ClassVar[str] = "ChoiceModel"
    words: ClassVar[StrataWords] = StrataWords(
        noun="case",
        constant=(
            "is the same for all alternatives of every case (a variable of the individual "
            "belongs behind a bar: '| income')"
        ),
        nothing="No case has more than one alternative, so there is nothing to compare.",
        separated=(
            "The choices are separated by {names}: some combination of columns is nowhere "
            "smaller for the chosen alternative than for another of its case, so no finite "
            "maximum-likelihood estimate exists. The other coefficients are those of the rows "
            "that stay uncertain; leave terms or alternatives out, or see result.separation."
        ),
    )

    options: ClassVar[tuple[str, ...]] = (
        "groups", "alternatives", "reference", "offset", "freq_weights", "var_weights", "event",
    )  # fmt: skip

    stored: ClassVar[Mapping[str, Any]] = {
        **ConditionalLogit.stored,
        "alternatives": tuple[Any, ...],
        "alternative_column": str | int | None,
        "reference": Any,
        "constants": NDArray[np.intp],
        "terms": ChoiceTerms | None,
    }
    of_rows: ClassVar[tuple[str, ...]] = ("codes",)
    results_type = ChoiceResults

    alternatives: tuple[Any, ...]
    """The alternatives."""
    reference: Any = None
    """The alternative that others are compared with; None for arrays."""
    codes: NDArray[np.intp]
    """The alternative of each row used, as a position in ``alternatives``."""
    terms: ChoiceTerms | None = None
    """What the formula's terms are."""

    def __init__(
        self,
        endog: Any,
        exog: Any,
        *,
        groups: Any = None,
        alternatives: Any = None,
        offset: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        event: Any = None,
        missing: str = "none",
        **unknown: Any,
    ) -> None:
        given = {
            "groups": groups,
            "alternatives": alternatives,
            "offset": offset,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
            "event": event,
        }
        self._from_arrays(endog, exog, missing, given, unknown)

    def _read(self, options: Mapping[str, Any]) -> None:
        if options.get("alternatives") is None:
            raise ArgumentError(
                "A choice model needs alternatives=, what each row is: the name of a column."
            )
        super()._read(options)
        self.alternative_column = options["alternatives"]
        self.reference = options.get("reference")

    # -- from a formula ----------------------------------------------------------------

    def _set_formula(self, formula: str, data: Any, *arguments: Any, **options: Any) -> Self:
        column = self.alternative_column
        if not isinstance(column, str):
            raise ArgumentTypeError(
                "alternatives= must be the name of a column, of which a formula makes the "
                f"alternatives' constants; got {type(column).__name__}."
            )
        if self.reference is not None:
            _check_reference(self.reference, Table(data).column(column))
        return super()._set_formula(formula, data, *arguments, **options)

    def _read_formula(
        self,
        formula: Any,
        columns: Sequence[str],
        *,
        env: Mapping[str, Any] | None,
        reserved: Sequence[str],
    ) -> ParsedFormula:
        parsed, self.terms = parse_choice(
            formula,
            columns,
            alternatives=self.alternative_column,
            reference=self.reference,
            env=env,
            reserved=reserved,
        )
        return parsed

    def _settle(self, options: Mapping[str, Any]) -> None:
        groups = options["groups"]
        self.group_column = groups if isinstance(groups, str) else None
        self.data = _whole_cases(self.data, groups)
        if self.data.spec is None:
            self._take_arrays()
        else:
            self._take_formula(self.data.spec)
        self._check_weights()
        self._check_cases()

    def _take_arrays(self) -> None:
        self.columns = np.arange(len(self.data.names))
        self.alternatives = _levels(np.asarray(self.data.alternatives))
        self.codes = self._codes_of(np.asarray(self.data.alternatives))

    def _take_formula(self, spec: ModelSpec) -> None:
        assert self.terms is not None
        learned = spec.learned.get(self.terms.factor)
        if learned is None:  # no term has the alternatives in it
            assert self.data.table is not None
            column = self.data.table.column(self.alternative_column)
            self.alternatives = _levels(column[self.data.kept])
        else:
            self.alternatives = tuple(map(plain_level, learned.levels or ()))
        self.reference = self.alternatives[0] if self.reference is None else self.reference
        self.codes = self._codes_of(np.asarray(self.data.alternatives))
        self._check_individual(spec)
        self.columns, names, self.constants = _named_columns(spec, self.terms, self.alternatives)
        if self.columns.size == 0:
            raise ArgumentError("The model has no columns; add a term, or keep the constants.")
        self.data = replace(
            self.data, design=select_columns(self.data.design, self.columns), names=names
        )

    def _codes_of(self, alternatives: NDArray[Any]) -> NDArray[np.intp]:
        levels = pd.Index(self.alternatives, dtype=object)
        return np.asarray(levels.get_indexer(alternatives.astype(object)), dtype=np.intp)

    def new_terms(self, scope: str, env: Mapping[str, Any] | None = None) -> list[str]:
        """Refuse: what stands between which bars cannot be told from a term alone."""
        raise NotAvailableError(
            "Terms of a choice model stand before or behind its bars, so add1() does not know "
            "where to add them. Fit the larger formula, and compare the fits by anova()."
        )

    # -- checks ------------------------------------------------------------------------

    def _check_individual(self, spec: ModelSpec) -> None:
        """Raise if what is behind the first bar varies within a case."""
        assert self.terms is not None
        codes = self.strata.codes
        for term in self.terms.individual:
            columns = np.arange(len(spec.column_names))[spec.term_slices[term]]
            values = select_columns(self.data.design, columns).toarray()
            row = varying_row(values, codes)
            if row is not None:
                raise DataError(
                    f"{term} stands behind the first bar, as a variable of the individual, but it "
                    f"varies within the case {self._case(row)!r}. A variable of the alternatives "
                    "stands before it (one coefficient) or behind the second bar (one each)."
                )

    def _check_cases(self) -> None:
        """Raise unless every case has each alternative once at most, and one choice."""
        strata = self.strata
        row = _repeated_row(strata.codes, self.codes)
        if row is not None:
            raise DataError(
                f"The alternative {self.alternatives[self.codes[row]]!r} stands in the case "
                f"{self._case(row)!r} twice; each row of a case must be another alternative."
            )
        for wrong, told in ((strata.n_cases == 0, "no"), (strata.n_cases > 1, "more than one")):
            if wrong.any():
                row = int(np.argmax(wrong[strata.codes]))
                raise ResponseError(
                    f"{int(wrong.sum())} of {strata.count} cases have {told} chosen alternative "
                    f"(the first is {self._case(row)!r}); {self.endog_names} must be 1 in one row "
                    "of each case."
                )

    def _case(self, row: int) -> Any:
        return plain_level(np.asarray(self.data.groups)[row])

    # -- the fit -----------------------------------------------------------------------

    @property
    def n_compared(self) -> float:
        """Number of cases with a choice, frequencies summed."""
        strata = self.strata
        freq = np.ones(strata.count)
        if self.data.freq_weights is not None:
            freq[strata.codes] = self.data.freq_weights
        total = float(freq[self.compared].sum())
        return int(total) if total.is_integer() else total

    def _results(self, record: FitRecord, **how: Any) -> ChoiceResults:
        return ChoiceResults(self, record, record.unscaled, **how)

    @property
    def case_weight(self) -> Array:
        """Weight of each case, shape (n_cases,)."""
        weight = stratum_weight(self.data, self.strata)
        return np.ones(self.strata.count) if weight is None else weight

    @property
    def sets(self) -> ChoiceSets:
        """What there was to choose from, and what was chosen."""
        weight = self.case_weight[self.strata.codes]
        chosen = self.strata.cases
        size = len(self.alternatives)
        return ChoiceSets(
            alternatives=self.alternatives,
            available=_sums(self.codes, weight, size),
            chosen=_sums(self.codes[chosen], weight[chosen], size),
        )

    @property
    def llequal(self) -> float:
        """Log-likelihood of coefficients 0: equal shares, but for the offset."""
        none = np.zeros(0, dtype=np.intp)
        return -0.5 * strata_pass(self, columns=none).deviance(np.zeros(0))

    def effect_of(self, variable: str, theta: Array) -> Array:
        """Return a variable of each row times its coefficient, shape (m,)."""
        spec, names = self._kept_data().spec, self.data.names
        if spec is None:
            if variable not in names:
                raise ArgumentError(_no_variable(variable, names))
            columns = [names.index(variable)]
        else:
            assert self.terms is not None
            columns = _columns_of(variable, spec, self.terms, self.columns)
        chosen = np.zeros(theta.size)
        chosen[columns] = theta[columns]
        return self.data.design.matvec(chosen)

    @property
    def reference_levels(self) -> dict[str, Any]:
        """The alternative, and the level of each factor, that others are compared with."""
        found = super().reference_levels
        if self.terms is not None:
            found.pop(self.terms.factor, None)
            found[self.alternative_column] = self.reference
        return found

    # -- new rows ----------------------------------------------------------------------

    def new_strata(self, exog: Any, groups: Any, rows: NewRows) -> NDArray[np.intp]:
        """Return the case of each complete row to predict, -1 where a row of it is missing."""
        if exog is None:
            return super().new_strata(exog, groups, rows)
        whole = np.asarray(pd.factorize(self._new_groups(exog, groups, rows))[0], dtype=np.intp)
        broken = np.isin(whole, whole[~rows.kept])
        return np.where(broken, -1, whole)[rows.kept]

    def new_case_labels(self, exog: Any, groups: Any, rows: NewRows) -> pd.Index:
        """Return the cases that rows to predict belong to, in the order of `new_strata`."""
        values = self._kept_data().groups if exog is None else self._new_groups(exog, groups, rows)
        labels: pd.Index = pd.Index(pd.unique(np.asarray(values)))
        return labels

    def new_alternatives(
        self, exog: Any, rows: NewRows, cases: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Return the alternative of each complete row to predict."""
        if exog is None:
            return self.codes
        if self.terms is None:
            raise ArgumentError(
                "A model of arrays does not know the alternatives of new rows; predict() gives "
                "their probabilities."
            )
        given = Table(exog).column(self.alternative_column).to_numpy()
        codes = self._codes_of(given[rows.kept])
        if (codes < 0).any():
            raise LevelError(
                f"The new data have the alternative {given[rows.kept][np.argmax(codes < 0)]!r}, "
                f"which the fit has not seen (it has {', '.join(map(str, self.alternatives))})."
            )
        row = _repeated_row(cases, np.where(cases < 0, -1 - np.arange(codes.size), codes))
        if row is not None:
            raise DataError(
                f"The alternative {self.alternatives[codes[row]]!r} stands in a case of the new "
                "data twice; each row of a case must be another alternative."
            )
        return codes


def choice(
    formula: str, data: Any, groups: Any = None, alternatives: Any = None, **options: Any
) -> ChoiceModel:
    """Make McFadden's choice model from a formula and long data.

    Each case is a choice, with a row for each of the alternatives that it had.

    Parameters
    ----------
    formula : str
        ``"chosen ~ cost | income | time"``, in patsy's language between the bars. Before
        the first bar stand variables of the alternatives with one coefficient; behind it
        variables of the individual, with a coefficient for each alternative but the
        reference; behind the second variables of the alternatives with a coefficient for
        each. Parts may be left out: ``"chosen ~ cost"``, ``"chosen ~ 0 | income"``. Every
        alternative but the reference has a constant; ``"chosen ~ cost | 0"`` has none.
        The response is 1 for the chosen row of a case, or has two levels. Factors are
        coded as beside a constant.
    data : DataFrame, dict or another table
        Cases need not have all alternatives. A case with a missing value is left out as a
        whole, since what it chose among is not known.
    groups : str or array_like of shape (n,)
        The case of each row: a column's name, or values.
    alternatives : str
        The column that says which alternative each row is.
    **options
        ``reference`` (the alternative that others are compared with; the first level by
        default), ``offset`` (known part of the utility), ``freq_weights`` and
        ``var_weights`` (the same for all rows of a case), ``event`` (the level that means
        chosen), ``subset``, ``missing``, ``env``.

    Returns
    -------
    ChoiceModel

    References
    ----------
    McFadden, D. (1974). Conditional logit analysis of qualitative choice behavior. In
    P. Zarembka (ed.), *Frontiers in Econometrics*, 105-142.
    Croissant, Y. (2020). Estimation of random utility models in R: the mlogit package.
    *Journal of Statistical Software* 95 (11), 1-41.

    Examples
    --------
    >>> import glmfit as gf
    >>> travel = gf.datasets.load("travel_mode")
    >>> model = gf.choice("choice ~ gcost + wait | income", travel, groups="individual",
    ...                   alternatives="mode", reference="car")
    >>> model.fit().params.round(4)
    Intercept:air      5.8748
    Intercept:train    5.5499
    Intercept:bus      4.1303
    gcost             -0.0109
    wait              -0.0955
    income:air        -0.0054
    income:train      -0.0566
    income:bus        -0.0286
    dtype: float64
    """
    return ChoiceModel.from_formula(
        formula, data, groups=groups, alternatives=alternatives, **options
    )


def _levels(alternatives: Any) -> tuple[Any, ...]:
    """Return the alternatives that rows are, in their order."""
    found = pd.Categorical(alternatives).remove_unused_categories()
    return tuple(map(plain_level, found.categories))


def _check_reference(reference: Any, column: pd.Series) -> None:
    levels = [plain_level(level) for level in pd.unique(column.dropna())]
    if reference not in levels:
        told = ", ".join(map(repr, levels[:12]))
        raise ArgumentError(
            f"reference={reference!r} is no alternative."
            f"{suggest(str(reference), map(str, levels))} There are: {told}."
        )


def _no_variable(variable: str, known: Iterable[str]) -> str:
    names = list(known)
    return (
        f"There is no variable {variable!r} of the alternatives.{suggest(str(variable), names)} "
        f"There are: {', '.join(names)}."
    )


def _columns_of(
    variable: str, spec: ModelSpec, terms: ChoiceTerms, columns: NDArray[np.intp]
) -> list[int]:
    """Return the columns that are a variable of the alternatives, alone or for each of them."""
    own = {as_factor(variable), f"{as_factor(variable)}:{terms.factor}"}
    found = [term for term in terms.order if term in own]
    reading = {
        ":".join(factor.name() for factor in sub.factors)
        for sub in spec.subterms
        if any(variable in factor.expression.all_columns for factor in sub.factors)
    }
    effects = {f"{term}:{terms.factor}" for term in terms.individual}
    if reading & (effects | set(terms.individual)):
        raise NotAvailableError(
            f"{variable!r} is a variable of the individual, the same for all alternatives; "
            "elasticities are by variables of the alternatives."
        )
    if not found and not reading:
        raise ArgumentError(_no_variable(variable, spec.columns()))
    if reading - own:
        raise NotAvailableError(
            f"{variable!r} stands in the formula within a function or an interaction "
            f"({', '.join(sorted(reading - own))}); elasticities are for variables that stand in "
            "it as such."
        )
    wanted = np.arange(len(spec.column_names))
    positions = np.concatenate([wanted[spec.term_slices[term]] for term in found])
    return [int(j) for j in np.flatnonzero(np.isin(columns, positions))]


def _whole_cases(data: ModelData, groups: Any) -> ModelData:
    """Return the data without cases of which some row is incomplete."""
    incomplete = ~data.kept if data.outside is None else ~(data.kept | data.outside)
    if not incomplete.any():
        return data
    every = data.beside(groups, "groups")
    codes = np.asarray(pd.factorize(every.values)[0])
    broken = np.isin(codes, codes[incomplete & ~every.missing])
    if broken[data.kept].all():
        raise DataError("Every case has a row with a missing value, so that no case is left.")
    left = ~broken[data.kept]
    if left.all():
        return data
    dropped = {**data.dropped, OTHERS: int((~left).sum())}
    return replace(data.take(np.flatnonzero(left)), dropped=dropped)


def _named_columns(
    spec: ModelSpec, terms: ChoiceTerms, levels: tuple[Any, ...]
) -> tuple[NDArray[np.intp], tuple[str, ...], NDArray[np.intp]]:
    """Return columns with a coefficient, their names, and which of them are constants."""
    every = np.arange(len(spec.column_names))
    parts = [every[spec.term_slices[term]] for term in terms.order]
    columns = np.concatenate([np.zeros(0, dtype=np.intp), *parts])
    endings = {f"{terms.factor}[{t}{level}]": str(level) for level in levels for t in ("T.", "")}
    names = []
    for column in columns:
        name = spec.column_names[column]
        ending = next((e for e in endings if name.endswith(e)), None)
        if ending is not None:
            name = f"{name.removesuffix(ending) or 'Intercept:'}{endings[ending]}"
        names.append(name)
    count = parts[0].size if terms.has_constants else 0
    return columns, tuple(names), np.arange(count)


def _sums(codes: NDArray[np.intp], weight: Array, size: int) -> Array:
    """Return the sum of weights of each alternative, shape (K,)."""
    return np.bincount(codes, weights=weight, minlength=size).astype(float, copy=False)


def _repeated_row(cases: NDArray[np.intp], codes: NDArray[np.intp]) -> int | None:
    """Return the first row that is an alternative which its case had before, or None."""
    twice = pd.DataFrame({"case": cases, "code": codes}).duplicated().to_numpy()
    return int(np.argmax(twice)) if twice.any() else None
