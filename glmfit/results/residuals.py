"""Residuals of a generalised linear model beyond those that are attributes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.design import constant_column
from glmfit.distributions import Tails
from glmfit.errors import ArgumentError, NotAvailableError, suggest
from glmfit.inference import residuals
from glmfit.results.absorbed import refuse_effects
from glmfit.results.record import FitRecord

__all__ = ["ClassResiduals", "ModelResiduals", "OrderedResiduals"]

Array = NDArray[np.float64]

PLAIN = ("response", "pearson", "deviance", "working", "anscombe")
KINDS = (*PLAIN, "quantile", "partial", "studentized")


class ModelResiduals:
    """Residuals by name, quantile residuals, partial residuals."""

    model: Any
    record: FitRecord

    _working: Any
    _rows: Any

    def get_resid(
        self, kind: str = "deviance", *, seed: Any = None, standardized: bool = False
    ) -> Any:
        """Return residuals of a kind.

        Parameters
        ----------
        kind : str
            "response", "pearson", "deviance", "working", "anscombe", "quantile" (see
            `resid_quantile`), "partial" (see `resid_partial`), or "studentized": signed
            roots of the deviance that goes when the row is left out, over the dispersion
            without it (R's ``rstudent``).
        seed : int or numpy.random.Generator, optional
            For "quantile".
        standardized : bool
            Divide by sqrt(1 - leverage), and Pearson and deviance residuals by the root of
            the dispersion too (R's ``rstandard``), so that all have about the same variance.

        Returns
        -------
        Series, DataFrame ("partial") or ndarray
            For every row of the data, NaN where one was dropped, or has leverage 1.

        References
        ----------
        Davison, A. C. and Snell, E. J. (1991). Residuals and diagnostics. In *Statistical
        Theory and Modelling*, 83-106.
        Dunn, P. K. and Smyth, G. K. (2018). *Generalized Linear Models With Examples in R*,
        section 8.6.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> float(result.get_resid("pearson", standardized=True).abs().max().round(4))
        3.3888
        """
        if kind not in KINDS:
            raise ArgumentError(
                f"There are no residuals {kind!r}.{suggest(str(kind), KINDS)} "
                f"Known: {', '.join(KINDS)}."
            )
        if seed is not None and kind != "quantile":
            raise ArgumentError(f"seed= is for kind='quantile'; {kind} residuals are not random.")
        if standardized and kind not in ("pearson", "deviance", "quantile"):
            raise ArgumentError(
                f"standardized= is for Pearson, deviance and quantile residuals, not {kind}."
            )
        if kind == "partial":
            return self.resid_partial()
        if standardized:
            return self.model.data.label(self._standardized(kind, seed))
        if kind == "quantile":
            return self.resid_quantile(seed)
        if kind == "studentized":
            return self.model.data.label(self._studentized())
        return getattr(self, f"resid_{kind}")

    def _leverage(self) -> Array:
        """Return the leverage of one observation of each row."""
        leverage: Array = self.model.hat_values(self.record)
        freq = self.model.data.freq_weights
        return leverage if freq is None else leverage / np.where(freq > 0.0, freq, 1.0)

    def _standardized(self, kind: str, seed: Any) -> Array:
        if kind == "quantile":
            return residuals.standardized(self._quantile(seed), self._leverage(), 1.0)
        plain = getattr(residuals, kind)(*self._working())
        return residuals.standardized(plain, self._leverage(), self.record.scale)

    def _studentized(self) -> Array:
        leverage, working = self._leverage(), self._working()
        deviance = residuals.deviance(*working)
        moved = residuals.deletion(deviance, residuals.pearson(*working), leverage)
        if self.model.family.dispersion is not None:
            return moved
        record = self.record
        return moved / residuals.deleted_scale(deviance, leverage, record.deviance, record.df_resid)

    # -- quantile residuals ------------------------------------------------------------

    def resid_quantile(self, seed: Any = None) -> Any:
        """Return quantile residuals: normal quantiles of each response's probability.

        If the model is right they are standard normal, whatever the family, but for the
        estimation of the coefficients. Where the response is discrete, P(Y < y) and
        P(Y <= y) differ, and a point between them is drawn at random: another seed gives
        other residuals, and it is worth looking at several.

        Parameters
        ----------
        seed : int or numpy.random.Generator, optional
            For the random points; 0 by default, so that a call can be repeated.

        Returns
        -------
        Series or ndarray of shape (n,)

        Raises
        ------
        NotAvailableError
            If the family has no distribution function (quasi families, Tweedie powers that
            are neither 0, 1, 2, 3 nor between 1 and 2), or the responses are none of its
            values: counts that are not whole, or variance weights for a family whose
            dispersion is known.

        References
        ----------
        Dunn, P. K. and Smyth, G. K. (1996). Randomized quantile residuals. *Journal of
        Computational and Graphical Statistics* 5, 236-244.

        Examples
        --------
        >>> import glmfit as gf
        >>> quine = gf.datasets.load("quine")
        >>> result = gf.poisson("days ~ eth + sex + age + lrn", quine).fit()
        >>> float(result.resid_quantile(seed=1).std().round(1))  # 1 if it were Poisson
        3.4
        """
        return self.model.data.label(self._quantile(seed))

    def _quantile(self, seed: Any) -> Array:
        data, family = self.model.data, self.model.family
        if family.dispersion is not None and data.var_weights is not None:
            raise NotAvailableError(
                f"Quantile residuals need the distribution of each response, and the {family.name} "
                "family has none with variance weights. Deviance residuals (resid_deviance) need "
                "none; for the number of trials of a binomial use trials=."
            )
        y, mu, weight = self._rows()
        scale = self.record.scale if family.dispersion is None else family.dispersion
        uniform = np.random.default_rng(0 if seed is None else seed).uniform(size=y.size)
        with np.errstate(all="ignore"):
            scores: Array = family.tails(y, mu, weight, scale).normal_scores(uniform)
        return scores

    # -- partial residuals -------------------------------------------------------------

    def resid_partial(self, term: str | None = None) -> Any:
        """Return partial residuals: working residuals plus what a term contributes.

        Drawn against its variable, they show the shape of a term that is linear in the
        model. Each term is centred at its mean over the rows used, as in R.

        Parameters
        ----------
        term : str, optional
            A term of the formula, or a column of an array; all of them by default.

        Returns
        -------
        DataFrame of shape (n, number of terms), or Series of shape (n,)

        References
        ----------
        Landwehr, J. M., Pregibon, D. and Shoemaker, A. C. (1984). Graphical methods for
        assessing logistic regression models. *JASA* 79, 61-71.
        """
        data = self.model.data
        terms = self._terms()
        if term is not None and term not in terms:
            raise ArgumentError(
                f"There is no term {term!r}.{suggest(str(term), terms)} Known: {', '.join(terms)}."
            )
        plain = np.asarray(data.spread(self._plain_working()))
        chosen = terms if term is None else {term: terms[term]}
        columns = {}
        for name, positions in chosen.items():
            theta = np.zeros(self.record.base.size)
            theta[positions] = self.record.base[positions]
            part = data.design.matvec(theta)
            columns[name] = plain + data.spread(part - part.mean())
        frame = pd.DataFrame(columns, index=data.index)
        return frame if term is None else frame[term]

    def _plain_working(self) -> Array:
        y = self.model.data.response.y
        return residuals.working(self.model.family, y, self.model.fitted_eta(self.record))

    def _terms(self) -> dict[str, list[int]]:
        """Return the columns of each term but the constant."""
        data = self.model.data
        refuse_effects(self.record, "A partial residual")
        count = len(data.names)
        if data.spec is None:
            named = {name: [j] for j, name in enumerate(data.names)}
        else:
            named = {
                name: list(range(*part.indices(count)))
                for name, part in data.spec.term_slices.items()
            }
        constant = constant_column(data.design)
        return {name: columns for name, columns in named.items() if columns != [constant]}


class ClassResiduals:
    """Residuals of a model of several classes: those that a level has by itself."""

    model: Any
    record: FitRecord
    resid_response: Any
    kinds: ClassVar[tuple[str, ...]] = ("response", "pearson")

    def get_resid(self, kind: str = "pearson", *, seed: Any = None) -> Any:
        """Return residuals of a kind.

        Parameters
        ----------
        kind : str
            "response": observed less fitted shares; "pearson": the same over their binomial
            standard deviations, level by level; for models of ordered classes also
            "quantile" (see `resid_quantile`).
        seed : int or numpy.random.Generator, optional
            For "quantile".

        Returns
        -------
        DataFrame of shape (n, K), or Series for "quantile"

        Raises
        ------
        NotAvailableError
            For deviance, working, partial and other residuals of one predictor a row, and
            for quantile residuals of classes without an order: they are not defined.
        """
        if kind not in self.kinds:
            raise NotAvailableError(
                f"There are no {kind!r} residuals of {self.model.summary_name}: a row has several "
                f"classes, and these have residuals by themselves. Known: {', '.join(self.kinds)}."
            )
        if seed is not None and kind != "quantile":
            raise ArgumentError(f"seed= is for kind='quantile'; {kind} residuals are not random.")
        if kind == "quantile":
            return self._quantile(seed)
        return getattr(self, f"resid_{kind}")

    @property
    def resid_pearson(self) -> pd.DataFrame:
        """Pearson residuals of each level, (y - p) sqrt(weight / (p (1 - p))), shape (n, K)."""
        data = self.model.data
        fitted = self.model.fitted_probabilities(self.record)
        weight = np.ones(len(fitted))
        for part in (data.response.trials, data.var_weights):
            if part is not None:
                weight = weight * part
        spread = fitted * (1.0 - fitted) / weight[:, None]
        missed = data.response.y - fitted
        # a class that a separated fit rules out, or makes certain, is fitted perfectly
        rows = np.divide(missed, np.sqrt(spread), out=np.zeros_like(missed), where=spread > 0.0)
        table: pd.DataFrame = self._table(rows, data.kept, data.index)
        return table

    _table: Any

    def _quantile(self, seed: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define _quantile()")


class OrderedResiduals(ClassResiduals):
    """Residuals of a model of ordered classes."""

    kinds: ClassVar[tuple[str, ...]] = (*ClassResiduals.kinds, "quantile")

    def resid_quantile(self, seed: Any = None) -> Any:
        """Return quantile residuals of ordered classes, standard normal if the model is right.

        Parameters
        ----------
        seed : int or numpy.random.Generator, optional
            For the random point between P(Y < y) and P(Y <= y); 0 by default.

        Returns
        -------
        Series or ndarray of shape (n,)

        Raises
        ------
        NotAvailableError
            If rows hold counts of several classes, so that there is no one class to place.

        References
        ----------
        Dunn, P. K. and Smyth, G. K. (1996). Randomized quantile residuals. *Journal of
        Computational and Graphical Statistics* 5, 236-244.
        """
        return self._quantile(seed)

    def _quantile(self, seed: Any) -> Any:
        data = self.model.data
        y = data.response.y
        if not (y.max(axis=1) == 1.0).all():
            raise NotAvailableError(
                "Quantile residuals place the class of one observation among the others, and rows "
                "here hold counts of several classes. Give one row to each class, with "
                "freq_weights."
            )
        fitted = self.model.fitted_probabilities(self.record)
        own = y.argmax(axis=1)[:, None] == np.arange(y.shape[1])
        # of a row: 0 up to its class, 1 beyond
        passed = np.cumsum(own, axis=1)
        below = (fitted * (passed == 0)).sum(axis=1)
        above = (fitted * ((passed == 1) & ~own)).sum(axis=1)
        at = (fitted * own).sum(axis=1)
        uniform = np.random.default_rng(0 if seed is None else seed).uniform(size=len(y))
        return data.label(Tails(below, below + at, at + above, above).normal_scores(uniform))
