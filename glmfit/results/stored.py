"""Results in a model file: coefficients to the last bit, and the summary, without the rows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.engine.solvers import SOLVERS
from glmfit.errors import ModelFileError, NotAvailableError
from glmfit.results.intervals import MISLED
from glmfit.results.record import FitRecord
from glmfit.storage import decode, encode, write_content

__all__ = ["StoredResult", "StoredResults"]

MISLED_COLUMNS = ("lr_pvalue", "lower", "upper")
"""What a summary says of the tests that mislead."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MisledTests:
    """The lines of `hauck_donner` that a summary shows."""

    index: tuple[str, ...]
    columns: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The numbers of a result, as a file has them.

    Attributes
    ----------
    kind : str
        Name of the class.
    record, covariance, use_t, cov_type, cov_kwds
        As in `LikelihoodResults`.
    misled : MisledTests
    own : dict of str to object
        The attributes that the class names in ``stored``, as JSON holds them.
    """

    kind: str
    record: FitRecord
    covariance: Array
    use_t: bool
    cov_type: str
    cov_kwds: dict[str, Any]
    misled: MisledTests
    own: dict[str, Any]


class StoredResults:
    """How results are written to a model file and read from it."""

    stored: ClassVar[Mapping[str, Any]] = {}
    """The attributes of a class beside those of `LikelihoodResults`, with their types."""

    model: Any
    record: FitRecord
    _made_covariance: Array
    use_t: bool
    cov_type: str
    cov_kwds: dict[str, Any]
    summary: Any
    _misled: Any

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result to a model file, which ``gf.load(path)`` reads.

        The file is JSON: the coefficients to the last bit, their covariance, the iterations,
        the formula with its levels, contrasts and what its transforms have learned (knots,
        means), how offsets are found for new data, and the summary. It holds no row of the
        data; of each variable it has range, mean, median, standard deviation and levels (and
        of separated data which rows are separated). It replaces an older file only once it is
        complete on the disk.

        Parameters
        ----------
        path : str or path

        Raises
        ------
        NotAvailableError
            If the model has something that no file can hold, such as a stateful transform of
            your own.
        OSError
            If the file cannot be written; an older one is then as it was.

        See Also
        --------
        glmfit.load

        Examples
        --------
        >>> import os, tempfile
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> path = os.path.join(tempfile.mkdtemp(), "model.json")
        >>> result.save(path)
        >>> gf.load(path).predict({"TEMPERATURE": [31, 70]}).round(4)
        0    0.9996
        1    0.2300
        dtype: float64
        """
        expected = self.model.results_type
        if type(self) is not expected:
            raise NotAvailableError(
                f"{type(self).__name__} cannot be saved, {expected.__name__} can be."
            )
        content = {
            "model": encode(self.model.state()),
            "result": encode(self._state()),
            "summary": self.summary().as_text().splitlines(),
        }
        write_content(path, content)

    def _state(self) -> StoredResult:
        misled = self._misled()
        return StoredResult(
            kind=type(self).__name__,
            record=self.record,
            covariance=self._made_covariance,
            use_t=self.use_t,
            cov_type=self.cov_type,
            cov_kwds=self.cov_kwds,
            misled=MisledTests(
                tuple(map(str, misled.index)), {n: misled[n].to_numpy() for n in misled.columns}
            ),
            own={name: getattr(self, name) for name in self.stored},
        )

    @classmethod
    def from_state(cls, model: Any, state: StoredResult, raw: Mapping[str, Any]) -> Self:
        """Return the result of a file.

        Parameters
        ----------
        model : Model
            Without rows.
        state : StoredResult
        raw : mapping
            Its attributes ``own`` as JSON holds them.

        Raises
        ------
        ModelFileError
            If the parts do not fit together.
        """
        _check(model, state)
        if set(raw) != set(cls.stored):
            raise ModelFileError(
                f"The model file has the entries {sorted(raw)} of the result; it needs "
                f"{sorted(cls.stored)}."
            )
        result = cls.__new__(cls)
        own = {n: decode(raw[n], kind, f"result.own.{n}") for n, kind in cls.stored.items()}
        vars(result).update(
            model=model,
            record=state.record,
            _made_covariance=state.covariance,
            use_t=state.use_t,
            cov_type=state.cov_type,
            cov_kwds=state.cov_kwds,
            **own,
        )
        vars(result)[MISLED] = pd.DataFrame(state.misled.columns, index=list(state.misled.index))
        return result


def _check(model: Any, state: StoredResult) -> None:
    """Raise unless the numbers of a file belong to its model."""
    record, count = state.record, len(model.parameter_names)
    shapes: dict[str, tuple[NDArray[Any], tuple[int, ...]]] = {
        "record.base": (record.base, (count,)),
        "record.unscaled": (record.unscaled, (count, count)),
        "covariance": (state.covariance, (count, count)),
        "record.kept": (record.kept, (record.kept.size,)),
    }
    if record.separation is not None:
        shapes["record.separation.direction"] = (record.separation.direction, (count,))
        shapes["record.separation.finite"] = (record.separation.finite, (count,))
    if record.regularized is not None:
        shapes["record.regularized.zeroed"] = (record.regularized.zeroed, (count,))
    for place, (values, shape) in shapes.items():
        if values.shape != shape:
            raise ModelFileError(
                f"The model file has an array of shape {values.shape} at {place}, where the model "
                f"has {shape}."
            )
    if not np.isfinite(record.base).all():
        raise ModelFileError("The model file has coefficients that are not finite.")
    kept = record.kept
    if kept.size and (kept.min() < 0 or kept.max() >= count or (np.diff(kept) <= 0).any()):
        raise ModelFileError("The model file has no valid positions of coefficients.")
    if record.alias_check.ndim != 2:
        raise ModelFileError("The model file has no valid combinations of aliased columns.")
    if not record.nobs > 0:
        raise ModelFileError(f"The model file has {record.nobs} observations.")
    if record.method not in SOLVERS:
        raise ModelFileError(f"The model file has the unknown solver {record.method!r}.")
    if not isinstance(state.cov_kwds.get("description"), str):
        raise ModelFileError("The model file does not say how its covariance was made.")
    if not record.history:
        raise ModelFileError("The model file has no iterations.")
    places = getattr(model, "columns", None)
    if isinstance(places, np.ndarray) and places.shape != (len(model.data.names),):
        raise ModelFileError("The model file has no place for each column.")
    lines = len(state.misled.index)
    if lines and not set(MISLED_COLUMNS) <= set(state.misled.columns):
        raise ModelFileError("The model file has no intervals of tests that mislead.")
    for name, column in state.misled.columns.items():
        if not isinstance(column, np.ndarray) or column.shape != (lines,):
            raise ModelFileError(
                f"The model file has no {lines} values of {name} in result.misled."
            )
