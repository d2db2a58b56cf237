"""Each number of a fit beside that of statsmodels, and why where the two differ."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, GlmfitWarning, require_number
from glmfit.inference.tails import critical_value, two_sided
from glmfit.output import Column, Row, Summary, Table
from glmfit.results.contrasts import Shown
from glmfit.results.counterpart import Counterpart, fit_counterpart, timed

__all__ = ["BesideStatsmodels", "StatsmodelsComparison"]

Array = NDArray[np.float64]

EQUAL, EXPLAINED, DIFFERENT = "equal", "explained", "different"

SCALARS = (
    ("nobs", ("nobs",)),
    ("df_model", ("df_model",)),
    ("df_resid", ("df_resid",)),
    ("llf", ("llf",)),
    ("llnull", ("llnull",)),
    ("prsquared", ("prsquared",)),
    ("aic", ("aic",)),
    ("bic", ("bic",)),
    ("deviance", ("deviance", "ssr")),
    ("null_deviance", ("null_deviance", "centered_tss")),
    ("pearson_chi2", ("pearson_chi2",)),
    ("scale", ("scale",)),
)
"""Attributes that are one number, and what statsmodels calls them."""

ROWS = (
    ("fittedvalues", ("fittedvalues",)),
    ("resid_response", ("resid_response", "resid")),
    ("resid_pearson", ("resid_pearson",)),
    ("resid_deviance", ("resid_deviance", "resid_dev")),
    ("resid_working", ("resid_working",)),
)
"""Attributes with a value for each row."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A quantity of both packages, element by element.

    ``size`` is the size by which a difference is judged: the standard error for
    coefficients, the largest value for rows.
    """

    quantity: str
    labels: Sequence[Any]
    ours: Array
    theirs: Array
    size: Array


@dataclass(frozen=True, slots=True)
class _Convention:
    """What statsmodels means by a quantity, where it means something else."""

    quantity: str
    why: str
    expected: Callable[[Any, Counterpart], Array | None]
    """Its number from glmfit's, or None where the convention does not apply."""


@dataclass(frozen=True, slots=True, repr=False)
class StatsmodelsComparison(Shown):
    """The numbers of a fit beside those of statsmodels.

    Attributes
    ----------
    frame : DataFrame
        A row for each quantity, at the element with the largest difference: ``at`` names
        it, then ``glmfit``, ``statsmodels``, ``difference``, ``tolerance``, ``verdict``
        ("equal" within the tolerance; "explained" where statsmodels means another quantity,
        which glmfit computed and found equal; "different") and ``why``.
    times : Series
        Seconds of one ``fit`` of each package, for a first impression only.
    title : str
    notes : tuple of str
    """

    frame: pd.DataFrame
    times: pd.Series
    title: str
    notes: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every quantity is equal, or its difference explained."""
        return not (self.frame["verdict"] == DIFFERENT).any()

    def summary_frame(self) -> pd.DataFrame:
        """Return ``frame``."""
        return self.frame

    def summary(self) -> Summary:
        """Return the table for reading."""
        reasons = [why for why in dict.fromkeys(self.frame["why"]) if why]
        rows = []
        for name, line in self.frame.iterrows():
            mark = f" [{reasons.index(line['why']) + 1}]" if line["why"] else ""
            values = [f"{line[package]:.7g}" for package in ("glmfit", "statsmodels")]
            small = [f"{line[what]:.1e}" for what in ("difference", "tolerance")]
            rows.append(Row(str(name), (str(line["at"]), *values, *small, line["verdict"] + mark)))
        headings = ("at", "glmfit", "statsmodels", "difference", "tolerance", "verdict")
        times = ", ".join(f"{name} {1000.0 * value:.1f} ms" for name, value in self.times.items())
        return Summary(
            self.title,
            tables=(Table(tuple(Column(h, "text") for h in headings), tuple(rows)),),
            notes=(
                *(f"[{k}] {why}" for k, why in enumerate(reasons, start=1)),
                *self.notes,
                f"Time of one fit: {times}.",
            ),
        )


class BesideStatsmodels:
    """The comparison of a fit with statsmodels' fit of the same model."""

    model: Any
    record: Any

    def compare_with_statsmodels(
        self, *, alpha: float = 0.05, rtol: float | None = None
    ) -> StatsmodelsComparison:
        """Fit the same model by statsmodels and set the numbers beside each other.

        Needs statsmodels (``pip install "glmfit[statsmodels]"``).

        Parameters
        ----------
        alpha : float
            Intervals compared cover ``1 - alpha``.
        rtol : float, optional
            Largest difference that counts as none: of coefficients and ends of intervals
            in standard errors, of standard errors, covariances and scalars in shares of
            the value, of row values in shares of the largest. By default 1e-6, and 1e-4
            for ordered classes, whose derivatives statsmodels takes numerically.

        Returns
        -------
        StatsmodelsComparison
            Prints as a table; ``frame`` has the numbers, ``times`` the seconds.

        Raises
        ------
        MissingPackageError
            If statsmodels is not installed.
        NotAvailableError
            If statsmodels has no such model, or there is no maximum to compare: separated
            data, penalised and bias-reduced estimates, fits that did not converge.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> comparison = result.compare_with_statsmodels()
        >>> comparison.agrees
        True
        >>> comparison.frame.loc[["params", "llf", "fittedvalues"], "verdict"].to_dict()
        {'params': 'equal', 'llf': 'equal', 'fittedvalues': 'explained'}
        """
        other = fit_counterpart(self)
        limit = other.precision if rtol is None else require_number(rtol, "rtol")
        if not 0.0 < limit < 1.0:
            raise ArgumentError(f"rtol must lie between 0 and 1 (got {rtol!r}).")
        pairs = _pairs(self, other, alpha)
        lines = [_judged(self, other, pair, limit, alpha) for pair in pairs]
        frame = pd.DataFrame(lines).set_index("quantity")
        with warnings.catch_warnings():
            # what the data gave cause to warn of was told at the first fit
            warnings.simplefilter("ignore", GlmfitWarning)
            _, seconds = timed(self.model.fit)
        times = pd.Series({"glmfit": seconds, "statsmodels": other.seconds}, name="seconds")
        title = f"glmfit's {self.model.summary_name} beside statsmodels' {other.name}"
        notes = (*other.notes, *_left_out(self, other, frame))
        return StatsmodelsComparison(frame, times, title, notes)


def _left_out(result: Any, other: Counterpart, frame: pd.DataFrame) -> Iterator[str]:
    """Yield which quantities only one of the packages has."""
    missing = [name for name, _ in (*SCALARS, *ROWS) if name not in frame.index]
    own = [name for name in missing if hasattr(result, name)]
    undefined = [name for name in own if np.isnan(np.asarray(getattr(result, name))).all()]
    absent = [name for name in own if name not in undefined]
    if absent:
        yield f"statsmodels' {other.name} has no {', '.join(absent)}."
    if undefined:
        yield (
            f"Not defined here, and NaN in glmfit: {', '.join(undefined)} (a quasi-likelihood is "
            "none; statsmodels gives numbers)."
        )


# --- the quantities -----------------------------------------------------------------------


def _pairs(result: Any, other: Counterpart, alpha: float) -> list[_Pair]:
    return [*_coefficients(result, other, alpha), *_scalars(result, other), *_rows(result, other)]


def _own_coefficients(result: Any, alpha: float) -> dict[str, Array]:
    kept = result.record.kept
    z = result._tvalues[kept]
    return {
        "params": result.record.theta[kept],
        "bse": result._bse[kept],
        "tvalues": z,
        "pvalues": two_sided(z, result._df_test),
        "conf_int": result._interval(alpha)[kept].ravel(),
        "cov_params": result._shown_covariance[np.ix_(kept, kept)].ravel(),
    }


def _with_covariance(
    result: Any, params: Array, covariance: Array, alpha: float
) -> dict[str, Array]:
    """Return what follows from estimates and a covariance."""
    error = np.sqrt(np.diag(covariance))
    z = params / error
    reach = critical_value(alpha, result._df_test) * error
    return {
        "params": params,
        "bse": error,
        "tvalues": z,
        "pvalues": two_sided(z, result._df_test),
        "conf_int": np.column_stack([params - reach, params + reach]).ravel(),
        "cov_params": covariance.ravel(),
    }


def _other_coefficients(result: Any, other: Counterpart, alpha: float) -> dict[str, Array]:
    found = other.result
    if other.converted:
        return _with_covariance(result, other.params, other.covariance, alpha)
    return {
        "params": other.params,
        **{
            name: np.asarray(getattr(found, name)).ravel(order="F")
            for name in ("bse", "tvalues", "pvalues")
        },
        "conf_int": np.asarray(found.conf_int(alpha)).ravel(),
        "cov_params": other.covariance.ravel(),
    }


def _coefficients(result: Any, other: Counterpart, alpha: float) -> Iterator[_Pair]:
    ours = _own_coefficients(result, alpha)
    theirs = _other_coefficients(result, other, alpha)
    names = [str(result._text_names[j]) for j in result.record.kept]
    error, z = ours["bse"], ours["tvalues"]
    both = [f"{a}, {b}" for a in names for b in names]
    ends = [f"{name} {end}" for name in names for end in ("lower", "upper")]
    # dp = density(z) dz, and a z is known to rtol |z|; density(z) < p (1 + |z|)
    yield _Pair("params", names, ours["params"], theirs["params"], error)
    yield _Pair("bse", names, error, theirs["bse"], error)
    yield _Pair("tvalues", names, z, theirs["tvalues"], np.maximum(np.abs(z), 1.0))
    yield _Pair("pvalues", names, ours["pvalues"], theirs["pvalues"], ours["pvalues"] * (1 + z**2))
    yield _Pair("conf_int", ends, ours["conf_int"], theirs["conf_int"], np.repeat(error, 2))
    size = np.outer(error, error).ravel()
    yield _Pair("cov_params", both, ours["cov_params"], theirs["cov_params"], size)


def _first(found: Any, names: Sequence[str]) -> Any:
    return next((getattr(found, name) for name in names if hasattr(found, name)), None)


def _scalars(result: Any, other: Counterpart) -> Iterator[_Pair]:
    for quantity, names in SCALARS:
        theirs = _first(other.result, names)
        if theirs is None or not hasattr(result, quantity):
            continue
        ours = np.array([getattr(result, quantity)], dtype=float)
        if np.isnan(ours).all():
            continue
        size = np.maximum(np.abs(ours), 1.0)
        yield _Pair(quantity, [""], ours, np.array([theirs], dtype=float), size)


def _own_rows(result: Any, other: Counterpart, values: Any) -> Array:
    """Return values of all rows for the rows of the other fit."""
    shown = np.asarray(values, dtype=float)[result.model.data.kept]
    return np.asarray(shown[other.rows])


def _rows(result: Any, other: Counterpart) -> Iterator[_Pair]:
    data = result.model.data
    index = pd.RangeIndex(data.kept.size) if data.index is None else data.index
    labels = index[data.kept][other.rows]
    for quantity, names in ROWS:
        theirs = _first(other.result, names)
        if quantity == "fittedvalues" and other.probabilities is not None:
            theirs = other.probabilities
        if theirs is None or not hasattr(result, quantity):
            continue
        ours = _own_rows(result, other, getattr(result, quantity))
        levels = [""] if ours.ndim == 1 else [f" {level}" for level in result.model.levels]
        names_of_rows = [f"row {label}{level}" for label in labels for level in levels]
        size = np.full(ours.size, np.abs(ours).max())
        yield _Pair(quantity, names_of_rows, ours.ravel(), np.asarray(theirs).ravel(), size)


# --- the verdict --------------------------------------------------------------------------


def _judged(
    result: Any, other: Counterpart, pair: _Pair, rtol: float, alpha: float
) -> dict[str, Any]:
    difference = np.abs(pair.ours - pair.theirs)
    allowed = rtol * pair.size
    # by cross-multiplication, since a size may be 0
    ratio = np.where(difference <= allowed, 0.0, np.inf)
    np.divide(difference, allowed, out=ratio, where=allowed > 0.0)
    at = int(np.argmax(np.where(np.isnan(ratio), np.inf, ratio)))
    verdict, why = EQUAL, ""
    if not (difference <= allowed).all():
        verdict, why = DIFFERENT, ""
        for expected, reason in _expected(result, other, pair.quantity, alpha):
            if (np.abs(expected - pair.theirs) <= allowed).all():
                verdict, why = EXPLAINED, reason
                break
    return {
        "quantity": pair.quantity,
        "at": pair.labels[at],
        "glmfit": pair.ours[at],
        "statsmodels": pair.theirs[at],
        "difference": difference[at],
        "tolerance": allowed[at],
        "verdict": verdict,
        "why": why,
    }


def _expected(
    result: Any, other: Counterpart, quantity: str, alpha: float
) -> Iterator[tuple[Array, str]]:
    """Yield what statsmodels' number would be under each convention that could be its own."""
    for covariance, why in _other_covariances(result, other):
        params = result.record.theta[result.record.kept]
        ours = _with_covariance(result, params, covariance, alpha)
        if quantity in ours:
            yield ours[quantity], why
    for convention in CONVENTIONS:
        if convention.quantity == quantity:
            expected = convention.expected(result, other)
            if expected is not None:
                yield expected, convention.why


NO_CORRECTION = (
    "statsmodels' HC1, HC2 and HC3 are HC0 but for linear models; glmfit corrects by degrees of "
    "freedom (HC1) or by leverages (HC2, HC3)."
)
OBSERVED_BREAD = (
    "statsmodels' robust covariances of a GLM have the observed information on both sides; "
    "glmfit's have the expected one, as R's sandwich has."
)


def _other_covariances(result: Any, other: Counterpart) -> Iterator[tuple[Array, str]]:
    """Yield the covariances that statsmodels could mean by a robust one, and why."""
    if result.cov_type == "nonrobust":
        return
    kept = result.record.kept
    corrected = result.cov_type != "HC0"
    if corrected:
        yield result.with_cov("HC0")._shown_covariance[np.ix_(kept, kept)], NO_CORRECTION
    if other.name == "GLM":
        why = f"{OBSERVED_BREAD} {NO_CORRECTION}" if corrected else OBSERVED_BREAD
        yield _observed_sandwich(result), why


def _observed_sandwich(result: Any) -> Array:
    """Return the sandwich of squared scores between inverses of the observed information."""
    model, record = result.model, result.record
    scores = model.score_rows(record)[model.fitted_rows(record)]
    seen = model.unit_frequencies(record)
    if seen is not None:
        # a row that was seen several times has several scores
        scores = scores / np.sqrt(seen)[:, None]
    inverse = model.inverse_information(record, observed=True)
    return np.asarray(inverse @ (scores.T @ scores) @ inverse)


def _linear_predictor(result: Any, other: Counterpart) -> Array | None:
    if other.probabilities is not None:
        return None
    return _own_rows(result, other, result.predict(which="linear"))


def _over_scale(result: Any, other: Counterpart) -> Array:
    return np.asarray(_own_rows(result, other, result.resid_pearson) / np.sqrt(result.scale))


def _by_trials_squared(result: Any, other: Counterpart) -> Array | None:
    trials = result.model.data.response.trials
    if trials is None:
        return None
    return np.asarray(_own_rows(result, other, result.resid_working) * trials[other.rows] ** 2)


def _row_count(result: Any, other: Counterpart) -> Array:
    return np.array([float(other.rows.size)])


def _log_likelihood(result: Any, mean: Array) -> float:
    """Return the log-likelihood at the dispersion of the result."""
    data, family = result.model.data, result.family
    parts = [part for part in (data.response.trials, data.var_weights) if part is not None]
    weight = np.prod([np.ones_like(data.response.y), *parts], axis=0)
    rows = family.log_density(data.response.y, mean, weight, result.scale)
    return float(rows.sum() if data.freq_weights is None else data.freq_weights @ rows)


def _at_dispersion(quantity: str) -> Callable[[Any, Counterpart], Array | None]:
    """Return what a quantity is with log-likelihoods at the Pearson dispersion."""

    def expected(result: Any, other: Counterpart) -> Array | None:
        if other.name != "GLM" or result.model.known_dispersion is not None:
            return None
        kept = result.model.data.kept
        mean = result.null if quantity == "llnull" else result.fittedvalues
        return _moved(result, quantity, _log_likelihood(result, np.asarray(mean)[kept]))

    return expected


def _over_dispersion(quantity: str) -> Callable[[Any, Counterpart], Array | None]:
    """Return what a quantity is with log-likelihoods divided by the dispersion."""

    def expected(result: Any, other: Counterpart) -> Array | None:
        if other.name != "GLM" or result.model.known_dispersion is None:
            return None
        llf = result.llnull if quantity == "llnull" else result.llf
        return _moved(result, quantity, llf / result.scale)

    return expected


def _moved(result: Any, quantity: str, llf: float) -> Array:
    """Return a quantity with another log-likelihood in it."""
    if quantity in ("llf", "llnull"):
        return np.array([llf])
    return np.array([getattr(result, quantity) - 2.0 * (llf - result.llf)])


def _at_marginal_thresholds(quantity: str) -> Callable[[Any, Counterpart], Array | None]:
    """Return what a quantity is with the class frequencies in the place of the null model."""

    def expected(result: Any, other: Counterpart) -> Array | None:
        model, record = result.model, result.record
        if not other.converted or model.data.offset is None:
            return None
        run = model.fitted_pass(record)
        counts = run.rows.y if run.rows.weight is None else run.rows.y * run.rows.weight[:, None]
        shares = counts.sum(axis=0) / counts.sum()
        theta = np.zeros(record.kept.size)
        theta[-len(model.cuts) :] = model.link.link(np.cumsum(shares)[:-1])
        null = record.llf - 0.5 * (run(theta).deviance - record.deviance)
        return np.array([null if quantity == "llnull" else 1.0 - record.llf / null])

    return expected


def _without_estimated(quantity: str) -> Callable[[Any, Counterpart], Array | None]:
    """Return a criterion that does not count what was estimated beside the coefficients."""

    def expected(result: Any, other: Counterpart) -> Array | None:
        count = len(result.record.estimated)
        cost = 2.0 if quantity == "aic" else np.log(result.nobs)
        return np.array([getattr(result, quantity) - cost * count]) if count else None

    return expected


LIKELIHOODS = ("llf", "llnull", "aic", "bic")
AT_PEARSON = (
    "statsmodels' GLM takes log-likelihoods at the Pearson dispersion of the full model; glmfit's "
    "normal ones are maxima over the dispersion too, each model with its own, as in R."
)
DIVIDED = (
    "statsmodels' GLM divides the log-likelihood by the dispersion, which makes it none; glmfit "
    "gives that of the family."
)

MARGINAL = (
    "statsmodels' OrderedModel takes the null thresholds from the frequencies of the classes, "
    "which are no maximum beside an offset; glmfit fits them."
)

TAKEN_AS_KNOWN = (
    "statsmodels' GLM has no estimate of alpha: it was given glmfit's, and does not count it among "
    "the parameters; glmfit does."
)

CONVENTIONS = (
    *(_Convention(name, TAKEN_AS_KNOWN, _without_estimated(name)) for name in ("aic", "bic")),
    *(
        _Convention(name, MARGINAL, _at_marginal_thresholds(name))
        for name in ("llnull", "prsquared")
    ),
    *(_Convention(name, AT_PEARSON, _at_dispersion(name)) for name in LIKELIHOODS),
    *(_Convention(name, DIVIDED, _over_dispersion(name)) for name in LIKELIHOODS),
    _Convention(
        "fittedvalues",
        "statsmodels' discrete models call the linear predictor fittedvalues; glmfit's are means, "
        "as in GLM and OLS.",
        _linear_predictor,
    ),
    _Convention(
        "resid_pearson",
        "statsmodels' OLS divides by the residual standard error; glmfit's are (y - mu) / "
        "sqrt(V(mu)) in every model.",
        _over_scale,
    ),
    _Convention(
        "resid_working",
        "statsmodels multiplies working residuals of counts by the squared number of trials; "
        "glmfit's are (y - mu) g'(mu) in shares, as R's are.",
        _by_trials_squared,
    ),
    _Convention(
        "nobs",
        "statsmodels counts rows; glmfit counts observations, freq_weights of them a row.",
        _row_count,
    ),
)
