"""Residuals as diagnostic plots show them: binned, in order, and left for one variable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError, suggest
from glmfit.inference import residual_plots
from glmfit.results.absorbed import refuse_effects
from glmfit.results.record import FitRecord

__all__ = ["ModelDiagnostics", "ResidualOrder"]

Array = NDArray[np.float64]


class ResidualOrder:
    """Residuals against the normal distribution."""

    model: Any
    record: FitRecord
    get_resid: Any

    def residual_quantiles(
        self, kind: str = "quantile", *, alpha: float = 0.05, seed: Any = None
    ) -> pd.DataFrame:
        """Return residuals in order, beside the normal quantiles that they should be.

        Parameters
        ----------
        kind : str
            As in `get_resid`; quantile residuals are normal if the model is right, others
            only nearly so, and only for some families.
        alpha : float
            ``lower`` and ``upper`` enclose each order statistic with probability
            ``1 - alpha``, were the residuals independent and normal.
        seed : int or numpy.random.Generator, optional
            For quantile residuals of discrete responses.

        Returns
        -------
        DataFrame
            ``theoretical, residual, lower, upper``, a row for each observation; a row of
            frequency f stands f times.

        Examples
        --------
        >>> import glmfit as gf
        >>> trees = gf.datasets.load("trees")
        >>> result = gf.ols("volume ~ girth + height", trees).fit()
        >>> result.residual_quantiles().round(3).head(2)
           theoretical  residual  lower  upper
        0       -2.141    -1.650 -3.150 -1.215
        1       -1.661    -1.456 -2.413 -0.966
        """
        if not 0.0 < alpha < 1.0:
            raise ArgumentError(f"alpha lies between 0 and 1 (got {alpha!r}).")
        values = np.asarray(self.get_resid(kind, seed=seed), dtype=float)
        if values.ndim > 1:
            raise ArgumentError(f"{kind} residuals have several columns and no one order.")
        values = values[self.model.data.kept]
        times = self.model.data.freq_weights
        if times is not None:
            if (times != np.round(times)).any():
                raise NotAvailableError(
                    "Residuals in order need whole frequencies, and freq_weights has fractions."
                )
            values = np.repeat(values, times.astype(np.intp))
        return residual_plots.normal_order(values[np.isfinite(values)], alpha)


class ModelDiagnostics(ResidualOrder):
    """Residual diagnostics of a generalised linear model."""

    _rows: Any
    _working: Any

    def binned_residuals(
        self, against: str | None = None, *, n_bins: int | None = None
    ) -> pd.DataFrame:
        """Return mean residuals in bins of the fitted mean, or of a variable.

        Binary responses make residuals that no eye can judge one by one; their means over
        bins should stay within twice their standard error, in about 19 bins of 20.

        Parameters
        ----------
        against : str, optional
            A variable that is a number; the fitted mean by default.
        n_bins : int, optional
            By default the root of the number of observations, or 10, or half of a few.

        Returns
        -------
        DataFrame
            ``x`` and ``residual`` (means of y - mu), ``count``, ``lowest``, ``highest``,
            ``limit`` (twice the standard error). Frequencies and trials count as
            observations of their own.

        References
        ----------
        Gelman, A. and Hill, J. (2007). *Data Analysis Using Regression and Multilevel/
        Hierarchical Models*, section 5.6.

        Examples
        --------
        >>> import glmfit as gf
        >>> infert = gf.datasets.load("infert")
        >>> result = gf.logit("case ~ spontaneous + induced", infert).fit()
        >>> result.binned_residuals(n_bins=2)[["x", "residual", "count"]].round(3)
               x  residual  count
        0  0.179    -0.009  112.0
        1  0.463     0.007  136.0
        """
        y, mu, _ = self._rows()
        data = self.model.data
        x = mu if against is None else self._variable_values(against)
        count = np.ones_like(mu) if data.freq_weights is None else data.freq_weights
        trials = data.response.trials
        parts = [(x, y - mu, count)]
        if trials is not None:  # each trial is an observation, 0 or 1
            parts = [(x, 1.0 - mu, count * trials * y), (x, -mu, count * trials * (1.0 - y))]
        x, residual, count = (np.concatenate(part) for part in zip(*parts, strict=True))
        used = count > 0.0
        bins = residual_plots.default_bins(count.sum()) if n_bins is None else n_bins
        if not isinstance(bins, (int, np.integer)) or bins < 1:
            raise ArgumentError(f"n_bins must be a whole number of at least 1 (got {n_bins!r}).")
        return residual_plots.binned(x[used], residual[used], count[used], int(bins))

    def _variable_values(self, name: str) -> Array:
        """Return a variable of the model in the rows of the fit."""
        known = self.model.variables
        if name not in known or known[name].levels:
            numbers = [n for n, variable in known.items() if not variable.levels]
            raise ArgumentError(
                f"{name!r} is no variable of the model that is a number."
                f"{suggest(str(name), numbers)} There are: {', '.join(numbers) or 'none'}."
            )
        cases = self.model.own_cases()
        return np.asarray(cases.columns(0, cases.count)[name], dtype=float)

    def added_variable(self, name: str) -> pd.DataFrame:
        """Return what a column adds to the others, and what the response has left for it.

        Drawn against each other they show which observations a coefficient rests on: the
        least-squares line through the origin has the coefficient as its slope.

        Parameters
        ----------
        name : str
            A column of the design, as in ``params``.

        Returns
        -------
        DataFrame
            ``x``, the weighted column less its regression on the others, and ``y``, Pearson
            residuals plus ``x`` times the coefficient, for every row of the data.

        Raises
        ------
        NotAvailableError
            If the estimates do not maximise the likelihood, or data are separated.

        References
        ----------
        O'Hara Hines, R. J. and Carter, E. M. (1993). Improved added variable and partial
        residual plots for the detection of influential observations in generalized linear
        models. *Applied Statistics* 42, 3-20.

        Examples
        --------
        >>> import glmfit as gf
        >>> trees = gf.datasets.load("trees")
        >>> result = gf.ols("volume ~ girth + height", trees).fit()
        >>> part = result.added_variable("height")
        >>> slope = (part.x @ part.y) / (part.x @ part.x)
        >>> float(slope.round(4)), float(result.params["height"].round(4))
        (0.3393, 0.3393)
        """
        record, data = self.record, self.model.data
        refuse_effects(record, "An added variable plot")
        if record.separation is not None or not record.maximises_likelihood:
            raise NotAvailableError(
                "An added variable plot is of a finite maximum-likelihood fit, and this is none: "
                "its line would not have the coefficient as its slope."
            )
        names = [data.names[j] for j in record.kept]
        if name not in names:
            raise ArgumentError(
                f"{name!r} is no column with a coefficient.{suggest(str(name), names)} "
                f"There are: {', '.join(names)}."
            )
        focus = names.index(name)
        working, _, _ = self._working()
        total = 1.0 if data.weight is None else data.weight
        columns = data.design.toarray()[:, record.kept]
        columns = columns * np.sqrt(working.weight * total)[:, None]
        root = np.sqrt(working.weight)
        residual = np.divide(working.score, root, out=np.zeros_like(root), where=root > 0.0)
        theta = float(record.base[record.kept[focus]])
        x, y = residual_plots.added_variable(columns, focus, residual * np.sqrt(total), theta)
        index = pd.RangeIndex(data.kept.size) if data.index is None else data.index
        return pd.DataFrame({"x": data.spread(x), "y": data.spread(y)}, index=index)
