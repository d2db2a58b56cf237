"""From the arguments of a penalised fit to a pass and a penalty, and back to a record."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from glmfit.design import Design, constant_column
from glmfit.engine.control import Control
from glmfit.engine.coordinate import PenalizedSolution
from glmfit.engine.executor import map_chunks
from glmfit.engine.irls import Solution, fit_irls
from glmfit.engine.linalg import Alias, cholesky
from glmfit.engine.passes import Likelihood, Pass
from glmfit.engine.penalty import Penalty
from glmfit.engine.predictor import Predictor
from glmfit.engine.rank import full_rank, select_columns
from glmfit.engine.runaway import separation_of
from glmfit.engine.start import starting_theta
from glmfit.errors import ArgumentError, ArgumentTypeError, FitError
from glmfit.families import Gaussian
from glmfit.inference.shrinkage import effective_df, shrunk_covariance
from glmfit.likelihoods import GLMLikelihood
from glmfit.models.data import ModelData
from glmfit.models.records import given_start
from glmfit.results.record import Regularization
from glmfit.sources import Rows

__all__ = [
    "Fitted",
    "Penalisable",
    "PenaltySpec",
    "Ready",
    "all_but_constant",
    "column_weights",
    "first_theta",
    "prepare",
    "start_of",
    "total_l1_weights",
    "total_weight",
]

Array = NDArray[np.float64]


class Penalisable(Protocol):
    """What a penalised fit asks of a model."""

    @property
    def data(self) -> ModelData: ...
    @property
    def likelihood(self) -> Likelihood: ...
    @property
    def n_equations(self) -> int: ...
    def check_bounded(self, rows: Rows) -> None: ...


@dataclass(frozen=True, slots=True)
class PenaltySpec:
    """A penalty as its user gave it.

    Attributes
    ----------
    alpha : float or ndarray of shape (p,)
    L1_wt : float
    standardize : bool
    penalty_C : float or None
        What alpha comes from, if it was given.
    """

    alpha: float | Array
    L1_wt: float
    standardize: bool
    penalty_C: float | None = None

    @classmethod
    def of(
        cls,
        data: ModelData,
        alpha: Any,
        L1_wt: float | None,
        penalty_C: float | None,
        standardize: bool,
    ) -> PenaltySpec:
        """Return the penalty that arguments mean, checked."""
        if penalty_C is None:
            share = 1.0 if L1_wt is None else _share(L1_wt)
            return cls(_weights(alpha, data.names), share, bool(standardize))
        if np.any(np.asarray(alpha) != 0.0):
            raise ArgumentError("Give alpha or penalty_C, not both: alpha = 1 / (penalty_C n).")
        if not _is_number(penalty_C) or not penalty_C > 0.0:
            raise ArgumentError(f"penalty_C must be a positive number (got {penalty_C!r}).")
        share = 0.0 if L1_wt is None else _share(L1_wt)
        weight = 1.0 / (float(penalty_C) * total_weight(data.weight, data.design.shape[0]))
        return cls(weight, share, bool(standardize), float(penalty_C))

    @property
    def nothing(self) -> bool:
        """Whether there is no penalty at all."""
        return not np.any(np.asarray(self.alpha) != 0.0)

    def split(self, design: Design) -> tuple[float, Array]:
        """Return alpha and what multiplies it for each column, shape (p,)."""
        if isinstance(self.alpha, float):
            return self.alpha, all_but_constant(design)
        return 1.0, self.alpha


def all_but_constant(design: Design) -> Array:
    """Return a 1 for each column, but 0 for the constant, shape (p,)."""
    each = np.ones(design.shape[1])
    constant = constant_column(design)
    if constant is not None:
        each[constant] = 0.0
    return each


def total_l1_weights(data: ModelData, alpha: Any) -> Array:
    """Return weights per row, shape (p,), of a penalty ``alpha`` on -loglik itself.

    One value counts for every column, the constant among them.
    """
    each = np.broadcast_to(alpha, len(data.names)) if np.ndim(alpha) == 0 else alpha
    total = total_weight(data.weight, data.design.shape[0])
    return column_weights(each, data.names, "alpha") / total


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _share(L1_wt: Any) -> float:
    if not (_is_number(L1_wt) and 0.0 <= L1_wt <= 1.0):
        raise ArgumentError(f"L1_wt must be a number from 0 (ridge) to 1 (lasso); got {L1_wt!r}.")
    return float(L1_wt)


def _weights(alpha: Any, names: tuple[str, ...]) -> float | Array:
    """Return alpha as a number, or one for each column."""
    if np.ndim(alpha) > 0:
        return column_weights(alpha, names, "alpha")
    if not _is_number(alpha):
        raise ArgumentTypeError(
            f"alpha must be a number, or one for each column (got {alpha!r}). To choose it by "
            "cross-validation: regularization_path().cross_validate()."
        )
    return float(_checked(np.asarray(alpha, dtype=np.float64), "alpha"))


def column_weights(values: Any, names: tuple[str, ...], what: str) -> Array:
    """Return a number for each column, in their order; a Series is matched by name."""
    if isinstance(values, pd.Series) and set(values.index) == set(names):
        values = values[list(names)]
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{what} must be numbers ({error}).") from error
    if array.shape != (len(names),):
        raise ArgumentError(
            f"{what} has shape {array.shape} for {len(names)} columns: give one number for each "
            f"of {', '.join(names[:8])}{', ...' if len(names) > 8 else ''} (0 leaves a column "
            "free)."
        )
    return _checked(array, what)


def _checked(values: Array, what: str) -> Array:
    if not (np.isfinite(values).all() and (values >= 0.0).all()):
        raise ArgumentError(f"{what} must be 0 or positive, and finite (got {values!r}).")
    return values


def total_weight(weight: Array | None, n: int) -> float:
    """Return the sum of the prior weights of n rows."""
    return float(n) if weight is None else float(weight.sum())


def column_spread(rows: Rows, control: Control) -> Array:
    """Return the weighted standard deviation of each column, divisor n, shape (p,)."""
    weight = np.ones(rows.n) if rows.weight is None else rows.weight
    total = weight.sum()
    mean = rows.design.rmatvec(weight) / total

    def squares(chunk: Rows) -> Array:
        away = (chunk.design.toarray() - mean) ** 2
        out: Array = away.sum(axis=0) if chunk.weight is None else chunk.weight @ away
        return out

    parts = map_chunks(squares, rows, control)
    spread: Array = np.sqrt(sum(parts, np.zeros(mean.size)) / total)
    # what rounding leaves of a constant column is no spread
    return np.where(spread > 1e-13 * np.abs(mean), spread, 0.0)


@dataclass(frozen=True, slots=True)
class Ready:
    """A pass and a penalty in the solver's coefficients, and the way back to the model's.

    Attributes
    ----------
    run : Pass
    penalty : Penalty
    expansion : sparse array of shape (P, q)
        The model's coefficients from the solver's. For several classes the solver has
        one for each class, the model their differences from the reference.
    columns : ndarray of int, shape (q,)
        The column that each of the solver's coefficients belongs to.
    kept : ndarray of int
        Positions of the model's coefficients that are not aliased.
    aliases : list of Alias
    """

    run: Pass
    penalty: Penalty
    expansion: sparse.csr_array
    columns: NDArray[np.intp]
    kept: NDArray[np.intp]
    aliases: list[Alias]

    def coefficients(self, theta: Array) -> Array:
        """Return the model's coefficients, 0 where aliased, shape (P,)."""
        return np.asarray(self.expansion @ theta)


def prepare(
    model: Penalisable,
    rows: Rows,
    alpha: float,
    factors: Array,
    spec: PenaltySpec,
    control: Control,
) -> Ready:
    """Return the pass and the penalty of a fit to ``rows``.

    Parameters
    ----------
    model : Penalisable
    rows : Rows
    alpha : float
    factors : ndarray of shape (p,)
        Multiplies alpha for each column; 0 for free columns.
    spec : PenaltySpec
        Its alpha is not read.
    control : Control
    """
    lengths = column_spread(rows, control) if spec.standardize else np.ones(factors.size)
    free = factors * lengths == 0.0
    if free.any():
        model.check_bounded(rows)
    aliases = _aliases_among(rows, np.flatnonzero(free), control)
    inside = np.ones(factors.size, dtype=bool)
    inside[[alias.column for alias in aliases]] = False
    count = model.n_equations
    expansion, columns = _expansion(free, inside, count)
    total = total_weight(rows.weight, rows.n)
    plain = count == 1 and not aliases
    vector = Predictor(rows.design, count, None if plain else expansion)
    return Ready(
        run=Pass(rows, model.likelihood, control, vector),
        penalty=Penalty(alpha, spec.L1_wt, factors[columns], lengths[columns], total),
        expansion=expansion,
        columns=columns,
        kept=np.flatnonzero(np.tile(inside, count)),
        aliases=aliases,
    )


def _aliases_among(rows: Rows, chosen: NDArray[np.intp], control: Control) -> list[Alias]:
    """Return which of the chosen columns others of them determine."""
    if chosen.size == 0:
        return []
    design = select_columns(rows.design, chosen)
    plain = Rows(np.zeros(rows.n), design, None, rows.weight)
    found = full_rank(Pass(plain, GLMLikelihood(Gaussian()), control)).aliased
    return [Alias(int(chosen[one.column]), chosen[one.sources], one.weights) for one in found]


def _expansion(
    free: NDArray[np.bool_], inside: NDArray[np.bool_], count: int
) -> tuple[sparse.csr_array, NDArray[np.intp]]:
    """Return the map from the solver's coefficients, and the column that each belongs to.

    With several classes a penalised column has a coefficient for each, the reference
    among them, so that the penalty does not depend on which class is the reference; a
    free column has none for the reference.
    """
    p = free.size
    pieces, owners = [], []
    identity = sparse.eye_array(p, format="csr")
    if count > 1:
        own = np.flatnonzero(inside & ~free)
        pieces.append(sparse.vstack([-identity[:, own]] * count))
        owners.append(own)
    own = np.flatnonzero(inside)
    for m in range(count):
        above, below = sparse.csr_array((m * p, own.size)), (count - m - 1) * p
        pieces.append(sparse.vstack([above, identity[:, own], sparse.csr_array((below, own.size))]))
        owners.append(own)
    return sparse.csr_array(sparse.hstack(pieces)), np.concatenate(owners)


def first_theta(model: Penalisable, ready: Ready) -> Array:
    """Return the fit of the free columns alone, at which every other coefficient is 0.

    Raises
    ------
    FitError
        If the free columns separate the data, so that no minimum exists.
    """
    free = np.unique(ready.columns[ready.penalty.free])
    theta = np.zeros(ready.columns.size)
    run = ready.run
    if free.size == 0:
        if not run.self_starting or np.isfinite(run.deviance(theta)):
            return theta
        return starting_theta(run, run.start())
    design = select_columns(run.rows.design, free)
    count = model.n_equations
    small = replace(
        run,
        rows=run.rows.with_design(design),
        vector=None if run.self_starting else Predictor(design, count),
        control=replace(run.control, disp=False),
    )
    start = (
        starting_theta(small, small.start()) if run.self_starting else np.zeros(count * free.size)
    )
    solution = fit_irls(small, start, small.control)
    if separation_of(small, solution) is not None:
        names = ", ".join(np.array(model.data.names)[free])
        raise FitError(
            f"The columns without a penalty ({names}) separate the data, so that the penalised "
            "likelihood has no maximum. Penalise them too: alpha may have a value for each column."
        )
    theta[ready.penalty.free] = solution.theta
    return theta


def start_of(ready: Ready, start_params: Any) -> Array:
    """Return the solver's coefficients for those of the model, given by the user."""
    given = given_start(start_params, ready.kept, ready.expansion.shape[0])
    theta = np.zeros(ready.columns.size)
    theta[-ready.kept.size :] = given  # the reference class has 0
    if not np.isfinite(ready.run.deviance(theta)):
        raise ArgumentError(
            "start_params lie outside the domain of the model: some mean is impossible there. "
            "Leave them out, and a start is found."
        )
    return theta


@dataclass(frozen=True, slots=True)
class Fitted:
    """A penalised solution, seen from the model.

    Attributes
    ----------
    ready : Ready
    spec : PenaltySpec
    found : PenalizedSolution
    """

    ready: Ready
    spec: PenaltySpec
    found: PenalizedSolution

    @property
    def support(self) -> NDArray[np.bool_]:
        """Which of the solver's coefficients are free to move, shape (q,)."""
        moving: NDArray[np.bool_] = (self.found.theta != 0.0) | (self.ready.penalty.absolute == 0.0)
        return moving

    @property
    def df(self) -> float:
        """Effective degrees of freedom."""
        chosen = self.support
        information = self.found.information[np.ix_(chosen, chosen)]
        return effective_df(information, self.ready.penalty.curvature[chosen])

    def solution(self, *, sandwich: bool) -> Solution:
        """Return the solution in the model's coefficients that are not aliased.

        The covariance is NaN where the penalty has corners.
        """
        ready, found = self.ready, self.found
        kept = ready.kept
        curvature = ready.penalty.curvature
        factor = cholesky(found.information + np.diag(curvature))
        covariance = np.full((kept.size, kept.size), np.nan)
        if self.spec.L1_wt == 0.0:
            inner = shrunk_covariance(found.information, curvature, sandwich=sandwich)
            half = ready.expansion @ inner
            covariance = np.asarray((ready.expansion @ half.T).T)[np.ix_(kept, kept)]
        return Solution(
            theta=ready.coefficients(found.theta)[kept],
            deviance=found.deviance,
            score=found.score,
            covariance=covariance,
            condition=math.nan if factor is None else factor.condition(),
            converged=found.converged,
            reason=found.reason,
            history=tuple(
                replace(line, theta=ready.coefficients(line.theta)[kept]) for line in found.history
            ),
        )

    def regularization(self) -> Regularization:
        """Return what the record keeps of the penalty."""
        ready, penalty, found = self.ready, self.ready.penalty, self.found
        base = ready.coefficients(found.theta)
        count = ready.run.predictor.count
        columns = np.zeros(base.size // count, dtype=bool)
        columns[ready.columns[~penalty.free]] = True
        cost = 0.5 * found.deviance + penalty.value(found.theta)
        return Regularization(
            alpha=self.spec.alpha,
            L1_wt=self.spec.L1_wt,
            nobs_weighted=penalty.total,
            penalty_C=self.spec.penalty_C,
            standardized=self.spec.standardize,
            penalized=columns,
            zeroed=np.tile(columns, count) & (base == 0.0),
            effective_df=self.df,
            objective=cost / penalty.total,
            violation=found.violation,
        )
