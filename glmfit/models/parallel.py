"""Tests of parallel slopes: whether the slopes of an ordinal model are those of every
threshold.

References
----------
Brant, R. (1990). Assessing proportionality in the proportional odds model for ordinal
logistic regression. *Biometrics* 46, 1171-1178.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from glmfit.engine.control import Control
from glmfit.engine.irls import fit_irls
from glmfit.engine.passes import Pass
from glmfit.engine.rank import full_rank
from glmfit.engine.start import starting_theta
from glmfit.errors import FitError, NotAvailableError
from glmfit.families import Binomial
from glmfit.inference.tails import chi2_sf
from glmfit.likelihoods import GLMLikelihood
from glmfit.links import Logit
from glmfit.models.vector import column_groups, with_constant
from glmfit.sources import Rows

if TYPE_CHECKING:
    from glmfit.models.ordinal import OrdinalModel
    from glmfit.results.ordinal import OrdinalResults

__all__ = ["brant_test", "lr_test"]

Array = NDArray[np.float64]


def lr_test(model: OrdinalModel, result: OrdinalResults) -> pd.DataFrame:
    """Return likelihood-ratio tests against models with slopes for each threshold.

    The first line frees all columns together, the others one term each.
    """
    lines = {}
    for name, columns in _tested(model).items():
        freed = np.zeros(len(model.data.names), dtype=bool)
        freed[columns] = True
        wide = model.relaxed(freed).fit()
        df = wide.record.rank - result.record.rank
        statistic = 2.0 * (wide.llf - result.llf)
        if not (wide.converged and result.converged):
            statistic = np.nan
        lines[name] = (statistic, df)
    return _table(lines)


def _tested(model: OrdinalModel) -> dict[str, NDArray[np.intp]]:
    """Return what is tested: all columns with shared slopes, then each term of them."""
    shared = np.flatnonzero(model.shared)
    if shared.size == 0:
        raise NotAvailableError("No slope is shared by the thresholds, so there is none to test.")
    groups = {
        name: columns[model.shared[columns]]
        for name, columns in column_groups(model.data, model.columns).items()
    }
    return {"(all)": shared, **{name: columns for name, columns in groups.items() if columns.size}}


def _table(lines: dict[str, tuple[float, int]]) -> pd.DataFrame:
    frame = pd.DataFrame.from_dict(lines, orient="index", columns=["statistic", "df"])
    frame["pvalue"] = [
        chi2_sf(float(statistic), int(df)) if df > 0 else np.nan for statistic, df in lines.values()
    ]
    return frame


def brant_test(model: OrdinalModel) -> pd.DataFrame:
    """Return Brant's Wald tests that binary logits at all thresholds have the same slopes."""
    if not (model.cumulative and isinstance(model.link, Logit)):
        raise NotAvailableError(
            "Brant's test is for the cumulative logit (OrderedModel with distr='logit'); "
            "kind='lr' serves every ordinal model."
        )
    if len(model.levels) < 3:
        raise NotAvailableError("With two levels there is one threshold, and nothing to compare.")
    groups = _tested(model)
    beta, covariance, place = _binary_fits(model)
    lines = {}
    for name, columns in groups.items():
        chosen = np.array([place[j] for j in columns if j in place], dtype=np.intp)
        lines[name] = _equal_slopes(beta, covariance, chosen)
    return _table(lines)


def _equal_slopes(beta: Array, covariance: Array, chosen: NDArray[np.intp]) -> tuple[float, int]:
    """Return Wald statistic and degrees of freedom of equality over the thresholds.

    ``beta`` is (M, q), ``covariance`` (M, q, M, q).
    """
    count = beta.shape[0]
    differences = np.column_stack([-np.ones(count - 1), np.eye(count - 1)])
    shift = (differences @ beta[:, chosen]).ravel()
    part = covariance[:, chosen][:, :, :, chosen]
    spread = np.einsum("am,mpnq,bn->apbq", differences, part, differences)
    spread = spread.reshape(shift.size, shift.size)
    return float(shift @ np.linalg.solve(spread, shift)), int(shift.size)


def _binary_fits(model: OrdinalModel) -> tuple[Array, Array, dict[int, int]]:
    """Return slopes (M, q) of the binary logits of Y > j, and their joint covariance."""
    data = model.data
    weight = np.ones(data.response.y.shape[0]) if data.weight is None else data.weight
    used = np.flatnonzero(weight)
    design = with_constant(data.design).take(used)
    offset = None if data.offset is None else data.offset[used]
    above = 1.0 - np.cumsum(data.response.y[used], axis=1)[:, :-1]
    fits = []
    kept = None
    for m in range(above.shape[1]):
        share = np.clip(above[:, m], 0.0, 1.0)
        fit, kept = _binary_fit(Rows(share, design, offset, weight[used]), model.cuts[m])
        fits.append(fit)
    assert kept is not None
    matrix = design.toarray()[:, kept]
    probability = special.expit(
        np.column_stack([matrix @ theta + (0.0 if offset is None else offset) for theta in fits])
    )
    joint = _joint_covariance(matrix, probability, weight[used])
    place = {int(column) - 1: k - 1 for k, column in enumerate(kept) if column > 0}
    return np.array(fits)[:, 1:], joint[:, 1:, :, 1:], place


def _binary_fit(rows: Rows, cut: str) -> tuple[Array, NDArray[np.intp]]:
    ranked = full_rank(Pass(rows, GLMLikelihood(Binomial()), Control()))
    solution = fit_irls(ranked.run, starting_theta(ranked.run, ranked.start), Control())
    if not solution.converged:
        raise FitError(
            f"Brant's test needs a binary logit at each threshold; that at {cut} has no finite "
            "maximum. Merge levels, or use kind='lr'."
        )
    return solution.theta, ranked.kept


def _joint_covariance(matrix: Array, probability: Array, weight: Array) -> Array:
    """Return the covariance of all binary fits, shape (M, q, M, q) (Brant 1990, eq. 5)."""
    count, q = probability.shape[1], matrix.shape[1]
    variance = probability * (1.0 - probability) * weight[:, None]
    bread = [np.linalg.inv((matrix * variance[:, m, None]).T @ matrix) for m in range(count)]
    out = np.empty((count, q, count, q))
    for a in range(count):
        for b in range(a, count):
            # P(Y > b) is the smaller: both events happen with that probability
            both = probability[:, b] * (1.0 - probability[:, a]) * weight
            block = bread[a] @ ((matrix * both[:, None]).T @ matrix) @ bread[b]
            out[a, :, b, :] = block
            out[b, :, a, :] = block.T
    return out
