"""What a model file keeps of a model: its formula and its labels, but no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from glmfit.design import Dense
from glmfit.errors import ModelFileError, NotAvailableError
from glmfit.formula.response import Response
from glmfit.formula.stored import StoredSpec, restored_spec, stored_spec
from glmfit.models.data import ModelData, OffsetRule, RowCounts
from glmfit.models.variables import Variable
from glmfit.storage import decode

__all__ = ["Stored", "StoredData", "StoredModel"]


MOST_CLASSES = 2**31
"""More cannot be counted."""


@dataclass(frozen=True, slots=True)
class StoredData:
    """A `ModelData` without rows.

    Attributes
    ----------
    response, event, levels
        Its name, and what the outcomes are called.
    n_classes : int or None
        Columns of the response, where it has several.
    offset, freq_weights, var_weights : bool
        Whether the fit had them.
    """

    response: str
    event: str | None
    levels: tuple[Any, ...]
    n_classes: int | None
    offset: bool
    freq_weights: bool
    var_weights: bool
    names: tuple[str, ...]
    counts: RowCounts
    dropped: dict[str, int]
    labelled: bool
    rule: OffsetRule
    spec: StoredSpec | None

    @classmethod
    def of(cls, data: ModelData) -> Self:
        """Return what stays of data."""
        y = data.response.y
        return cls(
            response=data.response.name,
            event=data.response.event,
            levels=data.response.levels,
            n_classes=None if y.ndim == 1 else y.shape[1],
            offset=data.offset is not None,
            freq_weights=data.freq_weights is not None,
            var_weights=data.var_weights is not None,
            names=data.names,
            counts=data.counts,
            dropped=data.dropped,
            labelled=data.labelled,
            rule=data.rule,
            spec=None if data.spec is None else stored_spec(data.spec),
        )

    def restored(self, env: Mapping[str, Any]) -> ModelData:
        """Return the data without rows."""
        if self.n_classes is not None and not 0 < self.n_classes < MOST_CLASSES:
            raise ModelFileError(f"The model file has {self.n_classes} classes of the response.")
        nothing = np.empty(0)
        y = nothing if self.n_classes is None else np.empty((0, self.n_classes))
        return ModelData(
            response=Response(y, self.response, None, self.event, self.levels),
            design=Dense(np.empty((0, len(self.names)))),
            names=self.names,
            offset=nothing if self.offset else None,
            freq_weights=nothing if self.freq_weights else None,
            var_weights=nothing if self.var_weights else None,
            kept=np.empty(0, dtype=bool),
            dropped=self.dropped,
            index=None,
            labelled=self.labelled,
            rule=self.rule,
            spec=None if self.spec is None else restored_spec(self.spec, env),
            removed=self.counts,
        )


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model as a file has it.

    Attributes
    ----------
    kind : str
        Name of the class.
    formula : str or None
    data : StoredData
    variables : dict of str to Variable
        What the fit saw of the variables behind the columns.
    own : dict of str to object
        The attributes that the class names in ``stored``, as JSON holds them.
    """

    kind: str
    formula: str | None
    data: StoredData
    variables: dict[str, Variable]
    own: dict[str, Any]


class Stored:
    """How a model is written to a file and read from it."""

    stored: ClassVar[Mapping[str, Any]] = {}
    """The attributes of a class beside formula and data, with their types."""
    of_rows: ClassVar[tuple[str, ...]] = ()
    """Attributes with a value for each row, which are not written."""

    data: ModelData
    formula: str | None
    variables: Any

    def state(self) -> StoredModel:
        """Return what a file keeps of the model.

        Raises
        ------
        NotAvailableError
            If the class does not say how some attribute is written.
        """
        mine = {name: value for name, value in vars(self).items() if name not in _SHARED}
        unknown = set(mine) - set(self.stored) - set(self.of_rows)
        if unknown:
            raise NotAvailableError(
                f"A {type(self).__name__} cannot be saved: its class does not say how "
                f"{', '.join(sorted(unknown))} is written. Pickle the result instead."
            )
        return StoredModel(
            kind=type(self).__name__,
            formula=self.formula,
            data=StoredData.of(self.data),
            variables=self.variables,
            own={name: value for name, value in mine.items() if name in self.stored},
        )

    @classmethod
    def from_state(cls, state: StoredModel, raw: Mapping[str, Any], env: Mapping[str, Any]) -> Self:
        """Return the model of a file, without rows.

        Parameters
        ----------
        state : StoredModel
        raw : mapping
            Its attributes ``own`` as JSON holds them.
        env : mapping
            Functions of the caller's that the formula uses.
        """
        model = cls.__new__(cls)
        model.data = state.data.restored(env)
        model.formula = state.formula
        vars(model)["variables"] = state.variables
        for name, value in raw.items():
            if name not in cls.stored:
                raise ModelFileError(f"The model file has the unknown entry {name} of the model.")
            setattr(model, name, decode(value, cls.stored[name], f"model.own.{name}"))
        absent = [n for n in cls.stored if n not in raw and not hasattr(cls, n)]
        if absent:
            raise ModelFileError(f"The model file lacks {absent[0]} of the model.")
        return model


_SHARED = ("data", "formula", "variables")
