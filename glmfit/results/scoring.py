"""Predictions in other places: SQL for databases, Python without glmfit."""

from __future__ import annotations

from typing import Any

from glmfit.errors import ArgumentError, NotAvailableError, suggest
from glmfit.results.record import FitRecord
from glmfit.scoring import SQL_DIALECTS, Language, PythonSource, predictor_code

__all__ = ["ScoringMethods"]

WHICH = ("mean", "linear")


class ScoringMethods:
    """A fitted model as an expression of another language."""

    model: Any
    record: FitRecord

    def to_sql(self, dialect: str = "duckdb", which: str = "mean") -> str | dict[str, str]:
        """Return a SQL expression that predicts a row of a table.

        The columns of the table are those of the data, quoted. The expression is NULL where
        a column is NULL, where a level is one that the fit has not seen, and outside of the
        range of a ``bs()``. What SQL makes an error (the logarithm of a negative number)
        stays one. Intervals are not part of it.

        Parameters
        ----------
        dialect : {"duckdb", "postgresql"}
        which : {"mean", "linear"}
            The mean (probabilities of the classes), or the linear predictor.

        Returns
        -------
        str, or dict of str to str
            Of models of several classes one for each level or threshold.

        Raises
        ------
        NotAvailableError
            If SQL cannot say it: your own functions, cubic and tensor splines, the normal
            distribution function of a probit; separated data; offsets that were given as
            values; models of strata.

        Examples
        --------
        >>> import glmfit as gf
        >>> stackloss = gf.datasets.load("stackloss")
        >>> result = gf.ols("stack_loss ~ air_flow", stackloss).fit()
        >>> result.to_sql()  # doctest: +ELLIPSIS
        '((-44.13...e0) + 1.020...e0 * CAST("air_flow" AS DOUBLE))'
        """
        if dialect not in SQL_DIALECTS:
            raise ArgumentError(
                f"There is no dialect {dialect!r}.{suggest(str(dialect), SQL_DIALECTS)} Known: "
                f"{', '.join(SQL_DIALECTS)}."
            )
        language = SQL_DIALECTS[dialect]
        predictors = self._predictors(language, which)
        found = self._named(language, predictors, which)
        return found if len(found) > 1 else found[""]

    def to_python(self, which: str = "mean", *, name: str = "predict") -> str:
        """Return the source of a function that predicts one row, and needs nothing but Python.

        The function takes a mapping from column names to values. It returns a number, or a
        dict of probabilities by level; NaN where a value is missing (None or NaN). A level
        that the fit has not seen, or a value outside of the range of a ``bs()``, raises
        ValueError.

        Parameters
        ----------
        which : {"mean", "linear"}
            As in `to_sql`.
        name : str
            Of the function.

        Returns
        -------
        str

        Raises
        ------
        NotAvailableError
            As in `to_sql`, but for probit, which Python can say.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> names = {}
        >>> exec(result.to_python(), names)
        >>> round(names["predict"]({"TEMPERATURE": 31}), 4)
        0.9996
        """
        if not name.isidentifier():
            raise ArgumentError(f"{name!r} is no name of a Python function.")
        language = PythonSource()
        predictors = self._predictors(language, which)
        names = [f"eta{j}" for j in range(len(predictors))]
        found = self._named(language, names, which)
        lines = [f"    {eta} = {code}" for eta, code in zip(names, predictors, strict=True)]
        body = ", ".join(f"{level!r}: {code}" for level, code in found.items())
        values = found.get("", f"{{{body}}}")
        told = f"{self.model.summary_name} of {self.model.endog_names}"
        lost = "math.nan" if "" in found else f"dict.fromkeys({list(found)!r}, math.nan)"
        return _SOURCE.format(
            name=name,
            told=f"{told}: {'the mean' if which == 'mean' else 'the linear predictor'}".replace(
                "\\", "/"
            ).replace('"', "'"),
            columns=repr(self._scored_columns()),
            lost=lost,
            lines="\n".join(lines),
            values=values,
        )

    def _predictors(self, language: Language, which: str) -> list[str]:
        if which not in WHICH:
            raise ArgumentError(f"which must be 'mean' or 'linear' (got {which!r}).")
        if self.record.separation is not None:
            raise NotAvailableError(
                "The data are separated: coefficients are infinite, and there is no expression "
                "of them. method='firth' or a penalty has finite ones."
            )
        equations = self.model.equations(self.record)
        return [predictor_code(language, self.model.data, one) for one in equations]

    def _named(self, language: Language, predictors: list[str], which: str) -> dict[str, str]:
        if which == "mean":
            named: dict[str, str] = self.model.scored(language, predictors)
            return named
        names = self.model.prediction_names(True) or [""]
        return dict(zip(names, predictors, strict=True))

    def _scored_columns(self) -> list[str]:
        """Return the columns that predictions read."""
        data = self.model.data
        names = data.names if data.spec is None else data.spec.columns()
        beside = [name for name in (data.rule.offset, data.rule.exposure) if name is not None]
        return sorted({*names, *beside})


_SOURCE = '''\
import math


def {name}(row):
    """{told}."""
    for column in {columns}:
        if row[column] is None or row[column] != row[column]:
            return {lost}
{lines}
    return {values}


def _exp(value):
    return math.exp(value) if value < 709.0 else math.inf


def _unknown(row):
    raise ValueError("a value that the fit has not seen: " + repr(dict(row)))
'''
