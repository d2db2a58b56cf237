"""Models from formulas."""

from __future__ import annotations

from typing import Any

from glmfit.models.glm import GLM
from glmfit.models.named import OLS, Logit, Poisson, Probit

__all__ = ["glm", "logit", "ols", "poisson", "probit"]


def glm(formula: str, data: Any, family: Any = None, **options: Any) -> GLM:
    """Make a generalised linear model from a formula.

    Parameters
    ----------
    formula : str
        ``"response ~ terms"`` in patsy's language: ``+ : * / - ** ( )``, functions such
        as ``np.log(x)``, ``C(x)``, ``bs(x, df=4)``, ``center(x)``, ``I(x**2)``,
        ``Q("a name")``, besides ``offset(x)`` and ``.`` for all other columns. A
        binomial response is 0/1, bool, two-level text (the last level is the event),
        ``successes + failures``, or proportions with ``trials=``.
    data : DataFrame, dict, polars frame, Arrow table or list of dicts
        Rows with a missing value in any column used are left out. Or rows that are streamed,
        of which only a part is in memory at a time: the path of a Parquet file or of a folder
        of them, a ``pyarrow.dataset``, a DuckDB relation, a polars LazyFrame, a list of
        frames, or a function that returns frames or record batches anew for every pass. Or a
        Dask frame, whose partitions are fitted where they are.
    family : Family, type of Family or str, optional
        Gaussian by default. Strings work: ``"poisson"``.
    **options
        ``link``, ``offset``, ``exposure``, ``freq_weights``, ``var_weights``,
        ``trials`` (a column name or values), ``event``, ``absorb`` (see below),
        ``subset`` (rows to use),
        ``missing`` ("drop" or "raise"), ``env`` (your own functions for the formula, as
        a dict, or True for all names in scope).

    Returns
    -------
    GLM
        Call ``.fit()``.

    Raises
    ------
    FormulaError
        If the formula cannot be read, or asks for what formulas may not do.
    DataError
        If the data cannot mean what the family needs.

    Notes
    -----
    ``absorb="firm"`` or ``absorb=["firm", "year"]`` gives each level of these columns an
    effect without a column of the design, so that factors may have millions of levels.
    Coefficients, standard errors, deviance and degrees of freedom are those of the model
    with all indicator columns. Rows that say nothing are left out and counted: the only row
    of a level, and rows of levels whose responses are all at an end of their range (all 0
    for counts), which their own effect fits perfectly. ``result.fixed_effects()`` returns
    the effects. Degrees of freedom are exact for one and two factors, and a lower bound for
    more. Effects nested in clusters are not counted by clustered covariances.

    Examples
    --------
    >>> import glmfit as gf
    >>> rings = gf.datasets.load("challenger_rings")
    >>> model = gf.glm("damaged + I(n_rings - damaged) ~ temperature", rings, "binomial")
    >>> model.fit().params.round(4)
    Intercept      5.0850
    temperature   -0.1156
    dtype: float64
    """
    return GLM.from_formula(formula, data, family, **options)


def logit(formula: str, data: Any, **options: Any) -> Logit:
    """Make a logistic regression from a formula.

    Parameters
    ----------
    formula, data, **options
        As in `glm`.

    Returns
    -------
    Logit

    Examples
    --------
    >>> import glmfit as gf
    >>> challenger = gf.datasets.load("challenger")
    >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
    >>> round(result.llf, 4)
    -10.1576
    """
    return Logit.from_formula(formula, data, **options)


def probit(formula: str, data: Any, **options: Any) -> Probit:
    """Make a probit regression from a formula.

    Parameters
    ----------
    formula, data, **options
        As in `glm`.

    Returns
    -------
    Probit

    Examples
    --------
    >>> import glmfit as gf
    >>> challenger = gf.datasets.load("challenger")
    >>> gf.probit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit().params.round(4)
    Intercept      8.7750
    TEMPERATURE   -0.1351
    dtype: float64
    """
    return Probit.from_formula(formula, data, **options)


def poisson(formula: str, data: Any, **options: Any) -> Poisson:
    """Make a Poisson regression from a formula.

    Parameters
    ----------
    formula, data, **options
        As in `glm`.

    Returns
    -------
    Poisson

    Examples
    --------
    >>> import glmfit as gf
    >>> warpbreaks = gf.datasets.load("warpbreaks")
    >>> round(gf.poisson("breaks ~ wool * tension", warpbreaks).fit().deviance, 3)
    182.305
    """
    return Poisson.from_formula(formula, data, **options)


def ols(formula: str, data: Any, **options: Any) -> OLS:
    """Make a least-squares regression from a formula.

    Parameters
    ----------
    formula, data, **options
        As in `glm`.

    Returns
    -------
    OLS

    Examples
    --------
    >>> import glmfit as gf
    >>> trees = gf.datasets.load("trees")
    >>> round(gf.ols("volume ~ girth + height", trees).fit().rsquared, 4)
    0.948
    """
    return OLS.from_formula(formula, data, **options)
