"""The covariance of the coefficients, chosen after the fit; nothing is fitted again for it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from glmfit.results.record import FitRecord
from glmfit.results.request import Request, covariance_request, groupings
from glmfit.results.resampling import Bootstrap, Jackknife, bootstrapped, jackknifed
from glmfit.results.robust import Estimate, estimate

__all__ = ["CovarianceMethods"]

Array = NDArray[np.float64]


class CovarianceMethods:
    """Methods of results that choose how the covariance is estimated."""

    model: Any
    record: FitRecord
    use_t: bool
    cov_type: str
    cov_kwds: dict[str, Any]
    _covariance: Array

    def vcov(self, kind: str, /, **options: Any) -> Any:
        """Return the covariance of the coefficients, estimated in another way.

        Parameters
        ----------
        kind, **options
            As in `with_cov`.

        Returns
        -------
        DataFrame or ndarray of shape (p, p)
            As ``cov_params()`` gives it.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> result.vcov("HC3").round(4)
                     Intercept  TEMPERATURE
        Intercept      42.7791      -0.6506
        TEMPERATURE    -0.6506       0.0100
        """
        changed: Any = self.with_cov(kind, **options)
        return changed.cov_params()

    def with_cov(self, kind: str, /, *, use_t: bool | None = None, **options: Any) -> Self:
        """Return the same results under another estimate of the covariance.

        Coefficients stay; standard errors, tests, intervals and predictions follow.

        Parameters
        ----------
        kind : str
            "nonrobust": the model's own. "EIM", "OIM": inverse of the expected or of the
            observed information. "OPG": inverse of the outer products of the scores.

            "HC0" to "HC3": robust to heteroscedasticity; without a correction, times
            n / (n - p), and with scores corrected for leverage by (1 - h)^(-1/2) and
            (1 - h)^(-1). Where a row has M predictors its leverage is an M x M matrix.

            "cluster": any dependence within ``groups``. "CR0", "CR1", "CR1S", "CR2", "CR3":
            the same with no small-sample factor, with G / (G - 1), with
            G / (G - 1) (n - 1) / (n - p) (that of "cluster"), and with scores corrected for
            leverage, (I - H)^(-1/2) and (I - H)^(-1). Several groupings are combined as
            Cameron, Gelbach and Miller (2011) do; negative eigenvalues of the sum are set
            to 0 and told of, unless ``fix=False``.

            "HAC": autocorrelation over ``time``, or over the order of the rows.
            "hac-panel": the same within ``groups``. "hac-groupsum": any dependence within a
            time, and autocorrelation (Driscoll and Kraay 1998).

            "bootstrap", "jackknife": from refits; see `bootstrap` and `jackknife`.
        use_t : bool, optional
            t instead of normal quantiles; as before by default.
        groups : str, list of str, or array_like of shape (n,) or (n, k)
            Clusters: columns by name, or values for all rows of the data. Rows that the
            fit has dropped do not matter.
        use_correction : bool or str
            Small-sample factor: for "cluster" True (the default) or False; for "HAC" True
            (n / (n - p)) or False (the default); for the panels "hac", "cluster" or False.
        df_correction : bool
            Whether t tests have the number of groups less 1 as degrees of freedom (True by
            default).
        scaling_factor : float, optional
            Any further factor of the covariance.
        maxlags : int, optional
            Lags with a weight; floor(4 (T / 100)^(2/9)) by default.
        bandwidth : float, optional
            Instead of ``maxlags``, which is ``bandwidth - 1``.
        kernel : str or callable
            "bartlett" (the default: Newey and West), "parzen", "quadratic spectral",
            "uniform", or a function that makes weights of lags 0 to ``maxlags``;
            statsmodels' ``weights_func`` means the same.
        time : str or array_like of shape (n,), optional
            When each row was observed; in the order of the rows by default.
        fix : bool
            Whether negative eigenvalues are set to 0 (True by default).

        Returns
        -------
        Self
            A copy; these results stay as they are.

        Raises
        ------
        DataError
            If a row of the fit has no group, or there are fewer than two.
        ArgumentError
            For a kind that there is not, or arguments that do not go together.

        Warns
        -----
        DataWarning
            If a leverage of 1 leaves HC2 or HC3 undefined.

        References
        ----------
        Zeileis, A., Koell, S. and Graham, N. (2020). Various versatile variances: an
        object-oriented implementation of clustered covariances in R. *Journal of
        Statistical Software* 95(1).
        Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for cluster-robust
        variance estimation. *Journal of Business & Economic Statistics* 36, 672-683.

        Examples
        --------
        >>> import glmfit as gf
        >>> infert = gf.datasets.load("infert")
        >>> result = gf.logit("case ~ spontaneous + induced", infert).fit()
        >>> result.with_cov("cluster", groups="stratum").bse.round(4)
        Intercept      0.1667
        spontaneous    0.2105
        induced        0.1655
        dtype: float64
        """
        changed = self.using(covariance_request(self.model, kind, options))
        if use_t is not None:
            changed.use_t = use_t
        return changed

    def get_robustcov_results(
        self, cov_type: str = "HC1", use_t: bool | None = None, **kwds: Any
    ) -> Self:
        """Return the same as `with_cov`, under statsmodels' name."""
        return self.with_cov(cov_type, use_t=use_t, **kwds)

    def using(self, request: Request) -> Self:
        """Return the same results under a covariance whose arguments are checked."""
        found = self._estimate(request)
        kept, size = self.record.kept, self.record.base.size
        changed = copy.copy(self)
        changed._covariance = np.full((size, size), np.nan)
        changed._covariance[np.ix_(kept, kept)] = found.covariance
        changed.cov_type, changed.cov_kwds = request.kind, found.told
        changed.record = replace(self.record, wald_f=changed._wald_f())
        return changed

    def _estimate(self, request: Request) -> Estimate:
        if request.kind == "bootstrap":
            options = {"n": 999, "kind": "pairs", "seed": None, **request.options}
            made = bootstrapped(self, groups=request.groups, **options)
            return _of_replicates(made.covariance, made.description, self.record)
        if request.kind == "jackknife":
            left = jackknifed(self, request.groups)
            return _of_replicates(left.covariance, left.description, self.record)
        return estimate(self.model, self.record, request)

    def bootstrap(
        self,
        n: int = 999,
        kind: str = "pairs",
        *,
        seed: Any = None,
        groups: Any = None,
    ) -> Bootstrap:
        """Fit the model to random samples, all of them together where that can be done.

        Generalised linear models are fitted in batches, with replicates as a third axis of
        the arrays; other models one by one, each from the estimates. A sample whose data
        are separated has infinite estimates: it is counted and told of, and its intervals
        count it as infinite.

        Parameters
        ----------
        n : int
            Number of samples.
        kind : {"pairs", "parametric", "residual"}
            Observations drawn with replacement (strata, in a model that has them);
            responses drawn from the fitted distribution; or fitted values plus residuals
            over sqrt(1 - h), for models of constant variance.
        seed : int or Generator, optional
            Of the random numbers. The one that is used is shown, so that samples can be
            drawn again.
        groups : str or array_like of shape (n,), optional
            Clusters, which are then drawn whole, for pairs.

        Returns
        -------
        Bootstrap
            With ``replicates``, ``se``, ``bias``, ``cov_params()`` and ``conf_int()``
            (percentile, basic, BCa, normal).

        Raises
        ------
        NotAvailableError
            If the fit itself has not converged, or the family has no distribution.

        References
        ----------
        Davison, A. C. and Hinkley, D. V. (1997). *Bootstrap Methods and their
        Application*. Cambridge University Press.

        Examples
        --------
        >>> import glmfit as gf
        >>> infert = gf.datasets.load("infert")
        >>> result = gf.logit("case ~ spontaneous + induced", infert).fit()
        >>> boot = result.bootstrap(500, seed=1)
        >>> boot.replicates.shape
        (500, 3)
        """
        chosen = () if groups is None else groupings(self.model.data, groups)
        return bootstrapped(self, n=n, kind=kind, seed=seed, groups=chosen)

    def jackknife(self, *, groups: Any = None) -> Jackknife:
        """Fit the model without each observation, or without each cluster.

        Parameters
        ----------
        groups : str or array_like of shape (n,), optional
            Clusters, which are then left out whole.

        Returns
        -------
        Jackknife
            With ``replicates``, ``se``, ``bias`` and ``cov_params()``.
        """
        chosen = () if groups is None else groupings(self.model.data, groups)
        return jackknifed(self, chosen)

    def _wald_f(self) -> float | None:
        """Return the F of all columns but the constant, where it has a meaning."""
        return None


def _of_replicates(covariance: Array, description: str, record: FitRecord) -> Estimate:
    kept = record.kept
    return Estimate(covariance[np.ix_(kept, kept)], {"description": description})
