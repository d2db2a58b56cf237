"""What tests and intervals of a fit have in common: its maximum, and words for coefficients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.engine.control import Control
from glmfit.inference.hypothesis import Maximum, Vocabulary
from glmfit.results.record import FitRecord

__all__ = ["Estimated", "term_columns", "term_positions", "vocabulary"]

Array = NDArray[np.float64]
Positions = NDArray[np.intp]

SETTLED = 1e-6
"""Newton decrement at which a fit that runs to infinity ends: its square is left to gain."""


class Estimated:
    """A fit as its tests see it; `LikelihoodResults` has the values."""

    model: Any
    record: FitRecord
    use_t: bool
    cov_type: str
    _covariance: Array

    @property
    def df_resid(self) -> float:
        """Observations less independent columns."""
        return self.record.df_resid

    @property
    def df_resid_inference(self) -> float:
        """Degrees of freedom of t and F tests."""
        return self.df_resid

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        raise NotImplementedError(f"{type(self).__name__} does not define aic")

    @property
    def _names(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define _names")

    @property
    def _bse(self) -> Array:
        raise NotImplementedError(f"{type(self).__name__} does not define _bse")

    @property
    def _df_test(self) -> float | None:
        return self.df_resid_inference if self.use_t else None

    @property
    def _aliased(self) -> NDArray[np.bool_]:
        """Which coefficients belong to columns that were left out, shape (P,)."""
        return np.array([c in self.record.aliased for c in self.model.parameter_columns], bool)

    @property
    def _vocabulary(self) -> Vocabulary:
        return vocabulary(self.model)

    def _maximum(self) -> tuple[Maximum, Positions]:
        """Return the maximum over all coefficients that are not aliased, and their positions.

        Of a separated fit it is the supremum, over all rows and all of these coefficients.
        """
        ranked = np.flatnonzero(~self._aliased)
        record = self.record
        run = self.model.fitted_pass(replace(record, kept=ranked, separation=None))
        theta = record.base[ranked]
        if record.separation is None:
            return Maximum(run, theta, record.deviance, record.scale, Control()), ranked
        if not np.isfinite(run.deviance(theta)):
            # thresholds that go to infinity are in order along the way only
            theta = theta + record.separation.direction[ranked]
        control = Control(tol=SETTLED)
        return Maximum(run, theta, record.deviance, record.scale, control, True), ranked


def vocabulary(model: Any) -> Vocabulary:
    """Return what may be written for a model's coefficients (see `HypothesisTests`)."""
    names: list[str] = []
    words: dict[str, Positions] = {}
    for j, name in enumerate(model.parameter_names):
        parts = (name,) if isinstance(name, str) else tuple(map(str, name))
        names.append(":".join(parts))
        words[names[-1]] = np.array([j], dtype=np.intp)
        if len(parts) == 2:
            words.setdefault(f"y{parts[0]}_{parts[1]}", words[names[-1]])
    owners = np.array(model.parameter_columns, dtype=object)
    several = {str(c): np.flatnonzero(owners == c) for c in dict.fromkeys(owners) if c}
    for word, where in {**several, **term_positions(model)}.items():
        words.setdefault(word, where)
    return Vocabulary(tuple(names), words)


def term_positions(model: Any) -> dict[str, Positions]:
    """Return the coefficients of each term (of each column without a formula), all levels."""
    owners = np.array(model.parameter_columns, dtype=object)
    if model.data.spec is None:
        return {name: np.flatnonzero(owners == name) for name in model.data.names}
    found = {
        term: np.flatnonzero(np.isin(owners, [name for name in names if name is not None]))
        for term, names in term_columns(model).items()
    }
    return {term: where for term, where in found.items() if where.size}


def term_columns(model: Any) -> dict[str, list[str | None]]:
    """Return what a model calls the columns of each term; None for those that it has not."""
    called = dict(zip(model.formula_columns.tolist(), model.data.names, strict=True))
    return {
        term: [called.get(j) for j in range(part.start, part.stop)]
        for term, part in model.data.spec.term_slices.items()
    }
