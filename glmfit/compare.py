"""Comparisons of several fits to the same rows."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.engine.nesting import nesting_map
from glmfit.engine.separation import null_space
from glmfit.errors import AlignmentError, ArgumentError, ArgumentTypeError, NotAvailableError
from glmfit.inference.hypothesis import score_statistic, wald_statistic
from glmfit.results.applicability import limit_notes, require_likelihood
from glmfit.results.base import LikelihoodResults
from glmfit.results.contrasts import HypothesisTest
from glmfit.results.deviance import AnovaTable, chosen_test, tail
from glmfit.results.hypothesis import joint_test

__all__ = ["anova", "lr_test"]

Array = NDArray[np.float64]


def anova(*fits: LikelihoodResults, test: str | None = None) -> AnovaTable:
    """Compare nested fits, each with the one before it.

    Parameters
    ----------
    *fits : results
        Two or more nested fits of one kind to the same rows, from the smallest to the
        largest, or from the largest to the smallest; a single fit is taken apart term by
        term (``fit.anova()``).
    test : {"LR", "F", "Rao", "Wald", "Cp"}, optional
        Likelihood ratio, F, score or Wald, or Mallows' Cp. By default F where the dispersion
        is estimated, else LR. The dispersion, and the degrees of freedom of F, are those of
        the largest fit, as in R. "Wald" uses the covariance of the larger fit of each pair.

    Returns
    -------
    AnovaTable
        Prints as a table; ``frame`` has the numbers.

    Raises
    ------
    AlignmentError
        If the fits used different rows, responses, weights or offsets.
    ArgumentError
        If they are not nested, or of different families.
    NotAvailableError
        If the test does not apply.

    Examples
    --------
    >>> import glmfit as gf
    >>> warpbreaks = gf.datasets.load("warpbreaks")
    >>> small = gf.poisson("breaks ~ wool", warpbreaks).fit()
    >>> large = gf.poisson("breaks ~ wool + tension", warpbreaks).fit()
    >>> gf.anova(small, large).frame[["df", "deviance", "pvalue"]].round(3)
                             df  deviance  pvalue
    breaks ~ wool           NaN       NaN     NaN
    breaks ~ wool + tension 2.0    70.942     0.0
    """
    _require_fits(fits)
    if len(fits) == 1:
        return fits[0].anova(test=test)
    for other in fits[1:]:
        _require_same_rows(fits[0], other)
    ordered = list(fits)
    largest = max(ordered, key=lambda fit: fit.record.rank)
    name = chosen_test(largest, test, "anova()")
    if name != "Wald":
        for fit in ordered:
            chosen_test(fit, name, "anova()")
    rows: list[tuple[float, ...]] = []
    for k, fit in enumerate(ordered):
        head = (fit.df_resid, fit.record.deviance)
        if k == 0:
            rows.append((*head, np.nan, np.nan, np.nan, np.nan))
            continue
        before = ordered[k - 1]
        small, large = sorted((before, fit), key=lambda one: one.record.rank)
        df = large.record.rank - small.record.rank
        lost = max(small.record.deviance - large.record.deviance, 0.0)
        sign = 1.0 if large is fit else -1.0
        rows.append((*head, sign * df, sign * lost, *_tested(small, large, largest, name)))
    columns = ["df_resid", "deviance_resid", "df", "deviance", "statistic", "pvalue"]
    frame = pd.DataFrame(rows, columns=columns, index=_labels(ordered))
    if name == "Cp":
        frame = frame.drop(columns=["statistic", "pvalue"])
        used = np.array([fit.record.rank for fit in ordered])
        frame["cp"] = frame["deviance_resid"] + 2.0 * largest.record.scale * used
    shown = "Wald F" if name == "Wald" and largest.use_t else name
    notes = [largest._response_note(), *limit_notes(largest)]
    if name == "F":
        notes.append(f"Dispersion of the largest model: {largest.record.scale:.6g}.")
    return AnovaTable(frame, "Analysis of Deviance", shown, tuple(notes))


def lr_test(fit1: LikelihoodResults, fit2: LikelihoodResults) -> HypothesisTest:
    """Compare two nested fits by the ratio of their likelihoods.

    Parameters
    ----------
    fit1, fit2 : results
        In either order.

    Returns
    -------
    HypothesisTest
        Twice the difference of the log-likelihoods, against chi-square. Where the
        dispersion is estimated, each fit has its own.

    Raises
    ------
    AlignmentError, ArgumentError, NotAvailableError
        As `anova`.

    Examples
    --------
    >>> import glmfit as gf
    >>> housing = gf.datasets.load("housing")
    >>> small = gf.mnlogit("sat ~ infl", housing, freq_weights="freq").fit()
    >>> large = gf.mnlogit("sat ~ infl + cont", housing, freq_weights="freq").fit()
    >>> test = gf.lr_test(small, large)
    >>> round(test.statistic, 4), test.df, round(test.pvalue, 4)
    (10.1955, 2, 0.0061)
    """
    _require_fits((fit1, fit2))
    _require_same_rows(fit1, fit2)
    for fit in (fit1, fit2):
        require_likelihood(fit, "A likelihood-ratio test", "anova(test='Wald')")
    small, large = sorted((fit1, fit2), key=lambda one: one.record.rank)
    _require_nested(small, large)
    statistic = max(2.0 * (large.llf - small.llf), 0.0)
    df = large.record.rank - small.record.rank
    if df == 0:
        raise ArgumentError("The two fits have the same number of coefficients: nothing to test.")
    labels = _labels([small, large])
    notes = (f"{labels[0]}  within  {labels[1]}", *limit_notes(large))
    return joint_test("Likelihood-ratio", statistic, df, None, (), notes)


def _tested(
    small: LikelihoodResults, large: LikelihoodResults, largest: LikelihoodResults, name: str
) -> tuple[float, float]:
    """Return statistic and p-value of one fit within another."""
    map_ = _require_nested(small, large)
    df = large.record.rank - small.record.rank
    if name == "Cp" or df == 0:
        return np.nan, np.nan
    if name == "Wald":
        matrix = null_space(map_.T).T
        theta = large.record.theta[np.flatnonzero(~large._aliased)]
        if not np.isfinite(theta).all():
            raise NotAvailableError(
                "The larger fit has infinite estimates (the data are separated), so there is no "
                "Wald test. Use test='LR'."
            )
        ranked = np.flatnonzero(~large._aliased)
        spread = matrix @ large._covariance[np.ix_(ranked, ranked)] @ matrix.T
        statistic, df = wald_statistic(matrix @ theta, spread)
        return tail(statistic, df, float(large.df_resid_inference) if large.use_t else None)
    if name == "Rao":
        theta = small.record.theta[np.flatnonzero(~small._aliased)]
        if not np.isfinite(theta).all():
            raise NotAvailableError(
                "The smaller fit has infinite estimates (the data are separated), so its score "
                "is not defined. Use test='LR'."
            )
        statistic = score_statistic(large._maximum()[0].run, map_ @ theta)
        return tail(statistic / largest.record.scale, df, None)
    lost = max(small.record.deviance - large.record.deviance, 0.0) / largest.record.scale
    return tail(lost, df, largest.df_resid if name == "F" else None)


# -- whether fits can be compared --------------------------------------------------------------


def _require_fits(fits: Sequence[Any]) -> None:
    if not fits:
        raise ArgumentTypeError("anova() takes results of fit(), one or several.")
    for fit in fits:
        if not isinstance(fit, LikelihoodResults):
            what = type(fit).__name__
            hint = " Call its fit() first." if hasattr(fit, "fit") else ""
            raise ArgumentTypeError(f"Results of fit() are compared; got {what}.{hint}")
    names = dict.fromkeys(fit.model.likelihood_name for fit in fits)
    if len(names) > 1:
        raise ArgumentError(
            f"The fits are of different kinds ({'; '.join(names)}), so neither is a special case "
            "of the other. Information criteria (aic) can compare them."
        )


def _require_same_rows(one: LikelihoodResults, two: LikelihoodResults) -> None:
    """Raise unless two fits used the same rows, and the same of each."""
    if one.model.data.stream is not None or two.model.data.stream is not None:
        _require_same_stream(one.model.data, two.model.data)
        return
    a, b = one.model._kept_data(), two.model._kept_data()
    if a.kept.size == b.kept.size and not np.array_equal(a.kept, b.kept):
        raise AlignmentError(
            f"The fits used different rows: {_only(a, b, 'first')}{_only(b, a, 'second')}Fit both "
            "to the rows that are complete for the larger one (subset=)."
        )
    if len(a.response.y) != len(b.response.y):
        raise AlignmentError(
            f"The fits used different rows: {len(a.response.y)} and {len(b.response.y)} of them. "
            "Fit both to the same data."
        )
    if a.response.y.shape != b.response.y.shape or not np.array_equal(a.response.y, b.response.y):
        raise AlignmentError(
            f"The fits have different responses ({a.response.name} and {b.response.name}, or "
            "other values, or another order of levels)."
        )
    beside = {
        "trials": (a.response.trials, b.response.trials),
        "freq_weights": (a.freq_weights, b.freq_weights),
        "var_weights": (a.var_weights, b.var_weights),
        "offset": (a.offset, b.offset),
        "groups": (a.groups, b.groups),
    }
    for what, (first, second) in beside.items():
        if first is None and second is None:
            continue
        if first is None or second is None or not np.array_equal(first, second):
            raise AlignmentError(f"The fits differ in {what}, so their likelihoods do too.")


def _require_same_stream(a: Any, b: Any) -> None:
    """Raise unless two fits of streamed rows used the same ones, by checksums of each part."""
    if a.stream is None or b.stream is None:
        raise AlignmentError(
            "The rows of one fit are streamed, those of the other are in memory: fit both to the "
            "same data."
        )
    if a.counts != b.counts or not np.array_equal(a.kept, b.kept):
        raise AlignmentError(
            f"The fits used different rows: {a.counts.used} and {b.counts.used} of them. Fit both "
            "to rows that are complete in all their columns."
        )
    if a.map_parts(_checksum) != b.map_parts(_checksum):
        raise AlignmentError(
            f"The fits differ in the response ({a.response.name} and {b.response.name}), in its "
            "order, or in weights or offsets, so their likelihoods cannot be compared."
        )


def _checksum(part: Any) -> int:
    """Return a number for response, offset and weights, other for nearly all others."""
    found = 0
    for values in (part.response.y, part.response.trials, part.offset, part.weight):
        found = zlib.crc32(b"" if values is None else values.tobytes(), found)
        found = zlib.crc32(b"no" if values is None else b"yes", found)
    return found


def _only(a: Any, b: Any, which: str) -> str:
    """Say which rows the one fit has and the other has not."""
    places = np.flatnonzero(a.kept & ~b.kept)
    if places.size == 0:
        return ""
    index = pd.RangeIndex(a.kept.size) if a.index is None else a.index
    shown = ", ".join(str(index[i]) for i in places[:5])
    more = ", ..." if places.size > 5 else ""
    why = f", dropped by the other for {', '.join(b.dropped)}" if b.dropped else ""
    noun = "row" if places.size == 1 else "rows"
    return f"{places.size} {noun} ({shown}{more}) in the {which} only{why}. "


def _require_nested(small: LikelihoodResults, large: LikelihoodResults) -> Array:
    """Return how coefficients of the smaller fit become those of the larger one."""
    (a, ranked), (b, _) = small._maximum(), large._maximum()
    map_, outside = nesting_map(a.run, b.run)
    if outside.any():
        names = [small._text_names[j] for j in ranked[outside]]
        raise ArgumentError(
            f"The fits are not nested: {', '.join(names[:5])} of {_labels([small])[0]} is no "
            f"combination of the columns of {_labels([large])[0]}. aic can compare them."
        )
    return map_


def _labels(fits: Sequence[LikelihoodResults]) -> list[str]:
    """Return the formulas, or what there is to tell array models apart."""
    return [fit.model.formula or f"{len(fit.model.data.names)} columns" for fit in fits]
