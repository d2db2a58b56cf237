"""Who fits: one function for each package, which asks it for the same maximum.

A contender is prepared outside the clock (its package is imported, the data are laid out
as it likes them best) and returns the function that is timed: from data in memory to
coefficients and, where the package has them, their covariance. Tolerances are the
package's own; the digits in the report say what they buy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import LINKS, Problem

__all__ = ["CONTENDERS", "Contender", "Estimate"]

Array = NDArray[np.float64]

ITERATIONS = 1000
"""Limit for optimisers whose default of 100 steps may end them early."""


class Estimate(NamedTuple):
    """What a fit found: coefficients (p,) and covariance (p, p), the constant first."""

    coefficients: Array
    covariance: Array | None


LARGEST_COPY = 2 * 10**9
"""Bytes of a design of which a package that needs several is not run."""

ONE_PREDICTOR = frozenset({"binomial", "poisson", "gamma"})

Fit = Callable[[], Estimate]
Prepare = Callable[[Problem, int], Fit]


@dataclass(frozen=True, slots=True)
class Contender:
    """A package, or one solver of it.

    Attributes
    ----------
    name : str
    package : str
        What is imported.
    prepare : callable (problem, threads) -> fit
    families : frozenset of str
    formulas : bool
        Whether it reads formulas.
    absorbs : bool
        Whether it gives factors effects without columns.
    only_absorbs : bool
        Whether it is compared there only.
    dense : bool
        Whether it makes a column of numbers for each level of a factor.
    """

    name: str
    package: str
    prepare: Prepare
    families: frozenset[str] = frozenset(LINKS)
    formulas: bool = True
    absorbs: bool = False
    only_absorbs: bool = False
    dense: bool = False

    def obstacle(self, problem: Problem) -> str | None:
        """Say why it cannot fit this problem, or None."""
        if problem.family not in self.families:
            return f"has no {problem.family} regression of this kind"
        if problem.formula is not None and not self.formulas:
            return "reads no formulas"
        if problem.absorb and not self.absorbs:
            return "absorbs no factors, and their columns would not fit into memory"
        size = 8 * problem.y.size * problem.width
        if self.dense and problem.factors and size > LARGEST_COPY:
            return f"makes a design of {size / 1e9:.1f} GB, and copies of it"
        if self.only_absorbs and not problem.absorb:
            return "is for absorbed factors"
        return None


# The packages are imported inside the functions: each process loads the one it times, and
# one that is missing stops no other.


def _glmfit(problem: Problem, threads: int) -> Fit:
    import glmfit as gf

    control = gf.Control(threads=threads)

    def fit() -> Estimate:
        family, link = problem.family, LINKS[problem.family]
        if family in ("negbin", "zip"):
            kind = gf.NegativeBinomial if family == "negbin" else gf.ZeroInflatedPoisson
            more = (problem.X,) if family == "zip" else ()
            counts = kind(problem.y, problem.X, *more).fit(control=control)
            return Estimate(np.asarray(counts.params), np.asarray(counts.cov_params()))
        if family == "multinomial":
            levels = gf.MNLogit(problem.y, problem.X).fit(control=control)
            return Estimate(np.asarray(levels.params).ravel("F"), np.asarray(levels.cov_params()))
        if problem.formula is not None:
            absorb = list(problem.absorb) or None
            model = gf.glm(problem.formula, problem.frame, family, link=link, absorb=absorb)
        else:
            model = gf.GLM(problem.y, problem.X, family, link=link)
        result = model.fit(control=control)
        return Estimate(np.asarray(result.params), np.asarray(result.cov_params()))

    return fit


def _statsmodels_glm(problem: Problem, threads: int) -> Fit:
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    link = sm.families.links.Logit if LINKS[problem.family] == "logit" else sm.families.links.Log
    kinds = {
        "binomial": sm.families.Binomial,
        "poisson": sm.families.Poisson,
        "gamma": sm.families.Gamma,
    }

    def fit() -> Estimate:
        family = kinds[problem.family](link=link())
        if problem.formula is not None:
            model = smf.glm(problem.formula, problem.frame, family=family)
        else:
            model = sm.GLM(problem.y, problem.X, family=family)
        result = model.fit()
        return Estimate(np.asarray(result.params), np.asarray(result.cov_params()))

    return fit


def _statsmodels_discrete(problem: Problem, threads: int) -> Fit:
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    if problem.family in ("negbin", "zip"):
        return _statsmodels_counts(problem)
    binomial = problem.family == "binomial"
    from_formula = smf.logit if binomial else smf.poisson
    from_arrays = {"binomial": sm.Logit, "poisson": sm.Poisson, "multinomial": sm.MNLogit}[
        problem.family
    ]

    def fit() -> Estimate:
        if problem.formula is not None:
            model = from_formula(problem.formula, problem.frame)
        else:
            model = from_arrays(problem.y, problem.X)
        result = model.fit(disp=0)
        coefficients = np.asarray(result.params).ravel("F")
        return Estimate(coefficients, np.asarray(result.cov_params()))

    return fit


def _statsmodels_counts(problem: Problem) -> Fit:
    import statsmodels.api as sm

    def fit() -> Estimate:
        if problem.family == "negbin":
            model = sm.NegativeBinomial(problem.y, problem.X)
        else:
            model = sm.ZeroInflatedPoisson(problem.y, problem.X, exog_infl=problem.X)
        result = model.fit(disp=0, maxiter=ITERATIONS)
        return Estimate(np.asarray(result.params), np.asarray(result.cov_params()))

    return fit


def _glum_negbin(problem: Problem) -> Fit:
    """Return the fit at the alpha that maximises the likelihood, which glum has to be given."""
    from glum import GeneralizedLinearRegressor

    import glmfit as gf

    alpha = float(gf.NegativeBinomial(problem.y, problem.X).fit().alpha)
    X = np.asfortranarray(problem.X[:, 1:])

    def fit() -> Estimate:
        model = GeneralizedLinearRegressor(
            family=f"negative.binomial ({alpha!r})", link="log", alpha=0.0
        )
        model.fit(X, problem.y)
        return Estimate(np.concatenate([[model.intercept_], model.coef_, [alpha]]), None)

    return fit


def _sklearn(solver: str) -> Prepare:
    def prepare(problem: Problem, threads: int) -> Fit:
        from sklearn.linear_model import GammaRegressor, LogisticRegression, PoissonRegressor

        X = np.ascontiguousarray(problem.X[:, 1:])

        def fit() -> Estimate:
            if LINKS[problem.family] == "logit":
                model = LogisticRegression(C=np.inf, solver=solver, max_iter=ITERATIONS)
            else:
                kind = PoissonRegressor if problem.family == "poisson" else GammaRegressor
                model = kind(alpha=0.0, solver=solver, max_iter=ITERATIONS)
            model.fit(X, problem.y)
            if problem.family == "multinomial":
                every = np.column_stack([model.intercept_, model.coef_])
                return Estimate((every[1:] - every[0]).ravel(), None)
            return Estimate(np.append(model.intercept_, model.coef_), None)

        return fit

    return prepare


def _glum(problem: Problem, threads: int) -> Fit:
    from glum import GeneralizedLinearRegressor

    if problem.family == "negbin":
        return _glum_negbin(problem)
    options = {
        "family": problem.family,
        "link": LINKS[problem.family],
        "alpha": 0.0,
    }
    # the covariance that the others report: model-based, at the dispersion of the family
    inference = {
        "robust": False,
        "expected_information": True,
        "dispersion": None if problem.family == "gamma" else 1.0,
    }
    if problem.formula is not None:
        options |= {"formula": problem.formula, "drop_first": True}
        data: tuple[object, ...] = (problem.frame,)
    else:
        # columns that are contiguous are what tabmat is written for: three times as fast
        data = (np.asfortranarray(problem.X[:, 1:]), problem.y)

    def fit() -> Estimate:
        model = GeneralizedLinearRegressor(**options)
        model.fit(*data)
        covariance = model.covariance_matrix(*data, **inference)
        return Estimate(np.append(model.intercept_, model.coef_), covariance)

    return fit


def _pyfixest(problem: Problem, threads: int) -> Fit:
    import pyfixest

    formula = f"{problem.formula} | {' + '.join(problem.absorb)}"
    # the covariance of maximum likelihood, without factors for small samples
    plain = pyfixest.ssc(k_adj=False, G_adj=False)

    def fit() -> Estimate:
        result = pyfixest.fepois(formula, problem.frame, vcov="iid", ssc=plain)
        return Estimate(np.asarray(result.coef()), np.asarray(result._vcov))

    return fit


_LIST = (
    Contender("glmfit", "glmfit", _glmfit, absorbs=True),
    Contender(
        "statsmodels GLM", "statsmodels", _statsmodels_glm, families=ONE_PREDICTOR, dense=True
    ),
    Contender(
        "statsmodels discrete",
        "statsmodels",
        _statsmodels_discrete,
        families=frozenset({"binomial", "poisson", "multinomial", "negbin", "zip"}),
        dense=True,
    ),
    Contender(
        "sklearn newton-cholesky",
        "sklearn",
        _sklearn("newton-cholesky"),
        families=ONE_PREDICTOR | {"multinomial"},
        formulas=False,
    ),
    Contender(
        "sklearn lbfgs",
        "sklearn",
        _sklearn("lbfgs"),
        families=ONE_PREDICTOR | {"multinomial"},
        formulas=False,
    ),
    Contender("glum", "glum", _glum, families=ONE_PREDICTOR | {"negbin"}),
    Contender(
        "pyfixest",
        "pyfixest",
        _pyfixest,
        families=frozenset({"poisson"}),
        absorbs=True,
        only_absorbs=True,
    ),
)

CONTENDERS: dict[str, Contender] = {
    contender.name.replace(" ", "-"): contender for contender in _LIST
}
"""By the name that the command line takes."""
