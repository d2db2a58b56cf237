"""The bootstrap and the jackknife of a fit: samples, refits, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.engine.batched import batch_size
from glmfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    DataWarning,
    NotAvailableError,
    suggest,
    warn,
)
from glmfit.inference import bootstrap as numbers
from glmfit.inference.bootstrap import STATUS, Replicates, Sample
from glmfit.inference.tails import critical_value
from glmfit.output import Column, Field, Row, Summary, Table
from glmfit.results.request import Grouping, unit_codes

__all__ = ["Bootstrap", "Jackknife", "bootstrapped", "jackknifed"]

Array = NDArray[np.float64]

KINDS = ("pairs", "parametric", "residual")
ROUNDING = 1e-9
"""Share of a rank that is rounding."""

INTERVALS = ("percentile", "basic", "bca", "normal")


@dataclass(frozen=True, slots=True)
class Resampled:
    """What the bootstrap and the jackknife share.

    Attributes
    ----------
    result : LikelihoodResults
        The fit.
    found : Replicates
        Estimates of the samples, and how each fit ended.
    """

    result: Any = field(repr=False)
    found: Replicates = field(repr=False)

    @property
    def estimates(self) -> Array:
        """Coefficients of the fit, shape (p,)."""
        theta: Array = self.result.record.theta
        return theta

    @property
    def replicates(self) -> Any:
        """Estimates of the samples, shape (R, p): a frame where the model has labels.

        Infinite where a sample is separated, NaN where it does not determine a coefficient.
        """
        if not self.result.model.data.labelled:
            return self.found.theta
        return pd.DataFrame(self.found.theta, columns=self.result._names)

    @property
    def status(self) -> pd.Series:
        """How the fit of each sample ended, shape (R,)."""
        return pd.Series(np.array(STATUS, dtype=object)[self.found.status], name="status")

    @property
    def n_separated(self) -> int:
        """Number of samples whose data are separated."""
        return self.found.count("separated")

    @property
    def covariance(self) -> Array:
        """Covariance of the coefficients, shape (p, p)."""
        raise NotImplementedError(f"{type(self).__name__} does not define covariance")

    @property
    def se(self) -> Any:
        """Standard errors, in the form of ``bse``."""
        return self.result._by_term(np.sqrt(np.diag(self.covariance)))

    @property
    def bias(self) -> Any:
        """Estimated bias of the coefficients, in the form of ``params``."""
        return self.result._by_term(self._bias)

    @property
    def _bias(self) -> Array:
        raise NotImplementedError(f"{type(self).__name__} does not define _bias")

    @property
    def _unit(self) -> str:
        """What is drawn or left out."""
        unit: str = self.result.model.unit_name
        return unit

    @property
    def _n_units(self) -> float:
        count: float = self.result.model.independent_count(self.result.record)
        return count

    def cov_params(self) -> Any:
        """Return the covariance of the coefficients, as ``result.cov_params()`` gives it."""
        if not self.result.model.data.labelled:
            return self.covariance
        names = self.result._names
        return pd.DataFrame(self.covariance, index=names, columns=names)

    def __repr__(self) -> str:
        return self.summary().as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()

    def summary(self) -> Summary:
        """Return a table of the coefficients."""
        raise NotImplementedError(f"{type(self).__name__} does not define summary()")

    def _ended(self) -> list[str]:
        """Say how many samples have no finite estimates."""
        total, notes = self.found.status.size, []
        what = {
            "separated": "have separated data and infinite estimates",
            "not estimable": "lack the rows that some coefficient rests on",
            "not converged": "did not converge",
        }
        for status, told in what.items():
            count = self.found.count(status)
            if count:
                notes.append(f"{count} of {total} samples {told}.")
        return notes

    def _table(self, columns: tuple[Column, ...], values: Array) -> Table:
        names = [
            ": ".join(map(str, name)) if isinstance(name, tuple) else str(name)
            for name in self.result._names
        ]
        return Table(
            columns,
            tuple(
                Row(name, tuple(float(value) for value in line))
                for name, line in zip(names, values, strict=True)
            ),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Bootstrap(Resampled):
    """A bootstrap of a fit, made by ``result.bootstrap()``.

    Attributes
    ----------
    kind : str
        "pairs", "parametric" or "residual".
    seed : object
        Of the random numbers.
    groups : tuple of Grouping
        Clusters that were drawn whole.
    """

    kind: str = "pairs"
    seed: Any = None
    groups: tuple[Grouping, ...] = ()

    @property
    def covariance(self) -> Array:
        """Covariance of the finite replicates about their mean, shape (p, p)."""
        kept = self.result.record.kept
        out = np.full((self.estimates.size,) * 2, np.nan)
        out[np.ix_(kept, kept)] = numbers.replicate_covariance(self.found.theta[:, kept])
        return out

    @property
    def _bias(self) -> Array:
        kept = self.result.record.kept
        theta = self.found.theta[:, kept]
        finite = theta[np.isfinite(theta).all(axis=1)]
        out = np.full(self.estimates.size, np.nan)
        if finite.size:
            out[kept] = finite.mean(axis=0) - self.estimates[kept]
        return out

    @property
    def description(self) -> str:
        """How standard errors were made, in words."""
        drawn = f" of {self.groups[0].count} clusters" if self.groups else ""
        told = f"Standard errors are of {self.found.status.size} {self.kind} bootstrap samples"
        return " ".join([f"{told}{drawn} (seed {self.seed}).", *self._left()])

    def _left(self) -> list[str]:
        """Say how many samples have no finite estimates, and what that means."""
        notes = self._ended()
        if notes:
            notes.append("Standard errors and bias are of the others.")
        return notes

    def conf_int(self, alpha: float = 0.05, method: str = "percentile") -> Any:
        """Return intervals of the coefficients.

        Parameters
        ----------
        alpha : float
            The intervals cover ``1 - alpha``.
        method : {"percentile", "basic", "bca", "normal"}
            Quantiles of the replicates; those mirrored at the estimate; with the bias
            corrected and accelerated by a jackknife (Efron 1987), which is fitted for it;
            or normal ones less the bias.

        Returns
        -------
        DataFrame or ndarray of shape (p, 2)
            Infinite where separated samples reach so far.
        """
        levels = self._levels(alpha, method)
        if self._too_few(levels):
            warn(f"{self._shortage} Draw more.", DataWarning)
        ends = self._ends(alpha, method, levels)
        if not self.result.model.data.labelled:
            return ends
        return pd.DataFrame(ends, index=self.result._names, columns=["lower", "upper"])

    def _levels(self, alpha: float, method: str) -> Array:
        """Return the probabilities at which the replicates are read off, shape (p, 2)."""
        if method not in INTERVALS:
            raise ArgumentError(
                f"There is no interval {method!r}.{suggest(str(method), INTERVALS)} "
                f"Known: {', '.join(INTERVALS)}."
            )
        reach = critical_value(alpha, None)
        if method == "bca":
            return self._bca_levels(reach)
        if method == "normal":
            return np.full((self.estimates.size, 2), np.nan)
        return np.tile([alpha / 2.0, 1.0 - alpha / 2.0], (self.estimates.size, 1))

    def _ends(self, alpha: float, method: str, levels: Array) -> Array:
        if method == "normal":
            reach = critical_value(alpha, None)
            centre = self.estimates - self._bias
            error = np.sqrt(np.diag(self.covariance))
            return np.column_stack([centre - reach * error, centre + reach * error])
        pairs = zip(self.found.theta.T, levels, strict=True)
        ends = np.array([numbers.quantiles(*pair) for pair in pairs])
        ends[~np.isfinite(self.estimates)] = np.nan
        return 2.0 * self.estimates[:, None] - ends[:, ::-1] if method == "basic" else ends

    def _too_few(self, levels: Array) -> bool:
        """Return whether a quantile lies beyond the most extreme replicates."""
        count = self.found.status.size
        rank = levels[np.isfinite(levels)] * (count + 1)
        return bool(((rank < 1.0 - ROUNDING) | (rank > count + ROUNDING)).any())

    @property
    def _shortage(self) -> str:
        count = self.found.status.size
        return f"{count} samples are too few for such an interval: its ends are the extreme ones."

    def _bca_levels(self, reach: float) -> Array:
        left = jackknifed(self.result, self.groups)
        rates = numbers.acceleration(left.found.theta, left.freq)
        shift = np.array(
            [
                numbers.bias_correction(column, estimate)
                for column, estimate in zip(self.found.theta.T, self.estimates, strict=True)
            ]
        )
        return numbers.bca_levels(shift, rates, reach)

    def summary_frame(self, alpha: float = 0.05, method: str = "percentile") -> pd.DataFrame:
        """Return estimates, bias, standard errors and intervals, a row for each coefficient."""
        return self._frame(alpha, method, self._levels(alpha, method))

    def _frame(self, alpha: float, method: str, levels: Array) -> pd.DataFrame:
        ends = self._ends(alpha, method, levels)
        columns = {
            "coef": self.estimates,
            "bias": self._bias,
            "std_err": np.sqrt(np.diag(self.covariance)),
            "ci_lower": ends[:, 0],
            "ci_upper": ends[:, 1],
        }
        return pd.DataFrame(columns, index=self.result._names)

    def summary(self, alpha: float = 0.05, method: str = "percentile") -> Summary:
        """Return a table of estimates, bias, standard errors and intervals.

        Parameters
        ----------
        alpha, method
            As in `conf_int`.
        """
        levels = self._levels(alpha, method)
        frame = self._frame(alpha, method, levels)
        columns = (
            Column("coef", "estimate"),
            Column("bias", "estimate"),
            Column("std err", "estimate"),
            Column(f"[{alpha / 2:g}", "estimate"),
            Column(f"{1 - alpha / 2:g}]", "estimate"),
        )
        left = (
            Field("Model:", self.result.model.summary_name),
            Field("Samples:", int(self.found.status.size)),
            Field("Clusters:", self.groups[0].count)
            if self.groups
            else Field(f"{self._unit.capitalize()}:", self._n_units),
        )
        right = (
            Field("Bootstrap:", self.kind),
            Field("Seed:", str(self.seed)),
            Field("Intervals:", method),
        )
        notes = self._left()
        if self.n_separated and method != "normal":
            notes.append("The intervals count separated samples as infinite.")
        if self._too_few(levels):
            notes.append(self._shortage)
        return Summary(
            "Bootstrap Results",
            left,
            right,
            (self._table(columns, frame.to_numpy()),),
            tuple(notes),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Jackknife(Resampled):
    """A jackknife of a fit, made by ``result.jackknife()``.

    Attributes
    ----------
    freq : ndarray of shape (R,)
        How many observations each sample stands for.
    groups : tuple of Grouping
        Clusters that were left out whole.
    """

    freq: Array = field(default_factory=lambda: np.zeros(0), repr=False)
    groups: tuple[Grouping, ...] = ()

    @property
    def covariance(self) -> Array:
        """Covariance of the coefficients, shape (p, p); NaN where a replicate is infinite."""
        kept = self.result.record.kept
        out = np.full((self.estimates.size,) * 2, np.nan)
        out[np.ix_(kept, kept)] = numbers.jackknife_covariance(self.found.theta[:, kept], self.freq)
        return out

    @property
    def _bias(self) -> Array:
        n = self.freq.sum()
        mean = self.freq @ self.found.theta / n
        return np.asarray((n - 1.0) * (mean - self.estimates))

    @property
    def description(self) -> str:
        """How standard errors were made, in words."""
        what = f"{self._n_units:g} {self._unit}"
        if self.groups:
            what = f"{self.groups[0].count} clusters"
        told = f"Standard errors are those of a jackknife that leaves out each of {what}."
        return " ".join([told, *self._ended()])

    def summary(self) -> Summary:
        """Return a table of estimates, bias and standard errors."""
        values = np.column_stack([self.estimates, self._bias, np.sqrt(np.diag(self.covariance))])
        columns = tuple(Column(name, "estimate") for name in ("coef", "bias", "std err"))
        notes = self._ended()
        if notes:
            notes.append("A variance that such a sample enters does not exist.")
        return Summary(
            "Jackknife Results",
            (Field("Model:", self.result.model.summary_name),),
            (Field("Left out:", "clusters" if self.groups else self._unit),
             Field("Samples:", int(self.found.status.size))),
            (self._table(columns, values),),
            tuple(notes),
        )  # fmt: skip


# -- making them ---------------------------------------------------------------------------


def bootstrapped(
    result: Any, *, n: Any, kind: Any, seed: Any, groups: tuple[Grouping, ...]
) -> Bootstrap:
    """Return the bootstrap of a fit (see `CovarianceMethods.bootstrap`)."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 2:
        raise ArgumentError(f"n is the number of samples, a whole number from 2 on (got {n!r}).")
    if kind not in KINDS:
        raise ArgumentError(
            f"There is no bootstrap {kind!r}.{suggest(str(kind), KINDS)} Known: {', '.join(KINDS)}."
        )
    if groups and kind != "pairs":
        raise ArgumentError("groups= says which rows are drawn together: it goes with 'pairs'.")
    freq, codes = _units(result, groups)
    rng, shown = _generator(seed)
    if kind == "pairs":
        samples = numbers.pairs_samples(freq, codes, int(n), batch_size(freq.size), rng)
    else:
        samples = _responses(result, rng, int(n), kind)
    found = result.model.replicates(result.record, samples)
    return Bootstrap(result, found, kind, shown, groups)


def jackknifed(result: Any, groups: tuple[Grouping, ...]) -> Jackknife:
    """Return the jackknife of a fit (see `CovarianceMethods.jackknife`)."""
    freq, codes = _units(result, groups)
    samples = numbers.left_out(freq, codes, batch_size(freq.size))
    found = result.model.replicates(result.record, samples)
    seen = freq[freq > 0.0] if codes is None else np.ones(found.status.size)
    return Jackknife(result, found, seen, groups)


def _responses(result: Any, rng: np.random.Generator, n: int, kind: str) -> Iterator[Sample]:
    size = batch_size(int(result.model.fitted_rows(result.record).sum()))
    for start in range(0, n, size):
        count = min(size, n - start)
        yield Sample(None, result.model.drawn_responses(result.record, rng, count, kind))


def _units(result: Any, groups: tuple[Grouping, ...]) -> tuple[Array, NDArray[np.intp] | None]:
    """Return how often each unit of the fit was seen, and its cluster."""
    model, record = result.model, result.record
    if not record.converged:
        raise NotAvailableError(
            f"The fit has not converged ({record.reason}), so there are no estimates that samples "
            "could be compared with. method='firth' makes finite ones where data are separated."
        )
    run = model.fitted_pass(record)
    given = model.unit_frequencies(record)
    freq = np.ones(run.n_units) if given is None else given
    if (freq != np.round(freq)).any():
        raise NotAvailableError(
            "Observations are drawn by how often each row was seen, and freq_weights are not "
            "whole numbers. Give precisions as var_weights."
        )
    if len(groups) > 1:
        raise ArgumentError("Samples are drawn of one grouping; give one column.")
    if not groups:
        return freq, None
    return freq, unit_codes(run.n_units, model.fitted_units(record), groups[0])


def _generator(seed: Any) -> tuple[np.random.Generator, Any]:
    """Return the generator, and what to show of its seed."""
    if isinstance(seed, np.random.Generator):
        return seed, "generator given"
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    try:
        return np.random.default_rng(seed), seed
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(
            f"seed is a whole number from 0 on, or a numpy Generator ({error})."
        ) from error
