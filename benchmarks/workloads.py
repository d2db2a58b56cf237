"""What is fitted: data made from a seed, saved once, and read by every contender."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["LINKS", "ROOT", "WORKLOADS", "Problem", "Workload", "load", "save"]

Array = NDArray[np.float64]

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

LINKS = {
    "binomial": "logit",
    "poisson": "log",
    "gamma": "log",
    "multinomial": "logit",
    "negbin": "log",
    "zip": "log",
}
"""The link that goes with each family here."""

CORRELATION = 0.5
"""Correlation of neighbouring columns: columns that are all independent flatter
optimisers that know no curvature."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Data to fit.

    Attributes
    ----------
    family : str
        A key of `LINKS`.
    y : ndarray of shape (n,)
        Whole numbers from 0 for "multinomial".
    X : ndarray of shape (n, p)
        The design matrix, its first column constant. Contenders that are given a formula
        build it themselves from ``frame``.
    formula : str or None
    frame : DataFrame or None
        Goes with the formula.
    absorb : tuple of str
        Columns of ``frame``, whole numbers from 0, whose levels have effects of their own;
        ``X`` has no constant then.
    factors : tuple of str
        Text columns of ``frame``, first in the formula; ``X`` is what comes after their
        indicators then, and has no constant.
    """

    family: str
    y: Array
    X: Array
    formula: str | None = None
    frame: pd.DataFrame | None = None
    absorb: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Columns of the whole design, those of absorbed factors aside."""
        if not self.factors:
            return self.X.shape[1]
        assert self.frame is not None
        return 1 + self.X.shape[1] + sum(self.frame[f].nunique() - 1 for f in self.factors)

    def head(self, rows: int) -> Problem:
        """Return the problem of the first rows, with as many of them in each level."""
        frame = None if self.frame is None else self.frame.iloc[:rows]
        if frame is not None and self.factors:
            frame = frame.assign(**{f: _fewer(frame[f], rows) for f in self.factors})
        if frame is not None and self.absorb:
            count = levels_for(min(rows, self.y.size))
            frame = frame.assign(**{name: frame[name] % count for name in self.absorb})
        X = self.X[:rows]
        y = self.y[:rows]
        return Problem(self.family, y, X, self.formula, frame, self.absorb, self.factors)


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of problem, in two sizes.

    Attributes
    ----------
    name, title : str
    kind : {"arrays", "formula", "import"}
        "import" times import statements and has no data.
    rows, quick_rows : int
    make : callable (rows, seed) -> Problem
    """

    name: str
    title: str
    kind: str
    rows: int = 0
    quick_rows: int = 0
    make: Callable[[int, int], Problem] | None = None


# --- making data -----------------------------------------------------------------------


def predictors(rows: int, columns: int, rng: np.random.Generator) -> Array:
    """Return a constant column and normal ones, each correlated with its neighbours."""
    X = np.empty((rows, columns + 1))
    X[:, 0] = 1.0
    X[:, 1:] = rng.standard_normal((rows, columns))
    for j in range(2, columns + 1):
        X[:, j] *= np.sqrt(1.0 - CORRELATION**2)
        X[:, j] += CORRELATION * X[:, j - 1]
    return X


def coefficients(count: int, rng: np.random.Generator) -> Array:
    """Return coefficients away from zero, so that relative errors mean something."""
    sizes: Array = rng.uniform(0.1, 0.3, count) * rng.choice([-1.0, 1.0], count)
    sizes *= np.sqrt(20.0 / max(count, 20))
    sizes[0] = 0.4
    return sizes


def response(family: str, eta: Array, rng: np.random.Generator) -> Array:
    """Draw a response with the given linear predictor."""
    if family == "binomial":
        return (rng.random(eta.size) < 1.0 / (1.0 + np.exp(-eta))).astype(np.float64)
    if family == "poisson":
        return rng.poisson(np.exp(eta)).astype(np.float64)
    shape = 2.0
    y: Array = np.exp(eta) * rng.gamma(shape, size=eta.size) / shape
    return y


def dense(family: str, columns: int) -> Callable[[int, int], Problem]:
    """Return a maker of arrays with ``columns`` numeric columns."""

    def make(rows: int, seed: int) -> Problem:
        rng = np.random.default_rng(seed)
        X = predictors(rows, columns, rng)
        y = response(family, X @ coefficients(columns + 1, rng), rng)
        return Problem(family, y, X)

    return make


SPREAD = 0.5
"""alpha of negative binomial counts."""


def spread_counts(rows: int, seed: int) -> Problem:
    """Make negative binomial counts and 10 numeric columns."""
    rng = np.random.default_rng(seed)
    X = predictors(rows, 10, rng)
    rate = np.exp(X @ coefficients(11, rng)) * rng.gamma(1.0 / SPREAD, SPREAD, rows)
    return Problem("negbin", rng.poisson(rate).astype(np.float64), X)


def inflated_counts(rows: int, seed: int) -> Problem:
    """Make Poisson counts with further zeros, and 10 numeric columns for both."""
    rng = np.random.default_rng(seed)
    X = predictors(rows, 10, rng)
    y = response("poisson", X @ coefficients(11, rng), rng)
    odds = coefficients(11, rng)
    odds[0] = -1.0
    return Problem("zip", np.where(response("binomial", X @ odds, rng) > 0.0, 0.0, y), X)


def several_classes(rows: int, seed: int) -> Problem:
    """Make five classes and 20 numeric columns."""
    rng = np.random.default_rng(seed)
    X = predictors(rows, 20, rng)
    odds = np.column_stack([X @ coefficients(21, rng) for _ in range(4)])
    utility = np.column_stack([np.zeros(rows), odds]) + rng.gumbel(size=(rows, 5))
    return Problem("multinomial", utility.argmax(axis=1).astype(np.float64), X)


def numeric_formula(rows: int, seed: int) -> Problem:
    """Make a frame with 20 numeric columns, all in the formula."""
    made = dense("binomial", 20)(rows, seed)
    names = [f"x{j}" for j in range(1, 21)]
    frame = pd.DataFrame({"y": made.y, **{n: made.X[:, j + 1] for j, n in enumerate(names)}})
    return Problem("binomial", made.y, made.X, f"y ~ {' + '.join(names)}", frame)


def factor_formula(rows: int, seed: int) -> Problem:
    """Make a frame with a text column of 8 levels and 4 numeric columns."""
    rng = np.random.default_rng(seed)
    levels = np.array("bus car cycle ferry metro train tram walk".split())
    codes = rng.integers(0, levels.size, rows)
    # a factor stands before numeric terms, where patsy and formulaic agree to put it
    indicators = (codes[:, None] == np.arange(1, levels.size)).astype(np.float64)
    X = np.hstack([np.ones((rows, 1)), indicators, predictors(rows, 4, rng)[:, 1:]])
    y = response("binomial", X @ coefficients(X.shape[1], rng), rng)
    numeric = {f"x{j}": X[:, levels.size + j - 1] for j in range(1, 5)}
    frame = pd.DataFrame({"y": y, "mode": levels[codes], **numeric})
    return Problem("binomial", y, X, "y ~ mode + x1 + x2 + x3 + x4", frame)


def levels_for(rows: int) -> int:
    """Return how many levels give each of them a hundred rows."""
    return max(rows // 100, 5)


def absorbed_formula(rows: int, seed: int) -> Problem:
    """Make counts with 5 numeric columns and two factors of a hundredth of the rows in levels."""
    rng = np.random.default_rng(seed)
    count = levels_for(rows)
    codes = {"firm": rng.integers(0, count, rows), "year": rng.integers(0, count, rows)}
    effects = [rng.normal(scale=0.3, size=count)[each] for each in codes.values()]
    X = np.ascontiguousarray(predictors(rows, 5, rng)[:, 1:])
    X[:, 0] += effects[0]
    eta = X @ np.array([0.2, 0.1, -0.1, 0.15, -0.2]) + effects[0] + effects[1] + 0.3
    names = [f"x{j}" for j in range(1, 6)]
    numeric = {name: X[:, j].copy() for j, name in enumerate(names)}
    y = response("poisson", eta, rng)
    frame = pd.DataFrame({"y": y, **numeric, **codes})
    return Problem("poisson", y, X, f"y ~ {' + '.join(names)}", frame, tuple(codes))


def factor_levels_for(rows: int) -> int:
    """Return how many levels leave no level without counts."""
    return max(rows // 200, 2)


def _fewer(column: pd.Series, rows: int) -> NDArray[Any]:
    """Return a factor with as many levels as so few rows can have."""
    levels, codes = np.unique(column.to_numpy(dtype=str), return_inverse=True)
    return np.asarray(levels[codes % factor_levels_for(rows)])


def large_factors(rows: int, seed: int) -> Problem:
    """Make counts with text factors of 50, 100 and 500 levels and 5 numeric columns."""
    rng = np.random.default_rng(seed)
    X = np.ascontiguousarray(predictors(rows, 5, rng)[:, 1:])
    eta = X @ np.array([0.2, 0.1, -0.1, 0.15, -0.2]) + 0.3
    factors = {}
    for name, count in (("region", 50), ("model", 100), ("agent", 500)):
        count = min(count, factor_levels_for(rows))
        codes = rng.integers(0, count, rows)
        eta += rng.normal(scale=0.3, size=count)[codes]
        factors[name] = np.array([f"{name}{level:03d}" for level in range(count)])[codes]
    y = response("poisson", eta, rng)
    names = [f"x{j}" for j in range(1, 6)]
    numeric = {name: X[:, j].copy() for j, name in enumerate(names)}
    frame = pd.DataFrame({"y": y, **factors, **numeric})
    formula = f"y ~ {' + '.join([*factors, *names])}"
    return Problem("poisson", y, X, formula, frame, factors=tuple(factors))


def challenger_formula(rows: int, seed: int) -> Problem:
    """Return the 23 flights; rows and seed change nothing."""
    frame = pd.read_csv(ROOT / "datasets" / "challenger.csv")
    y = frame["O_RING_FAILURE"].to_numpy(np.float64)
    X = np.column_stack([np.ones(y.size), frame["TEMPERATURE"].to_numpy(np.float64)])
    frame = frame[["O_RING_FAILURE", "TEMPERATURE"]].copy()
    return Problem("binomial", y, X, "O_RING_FAILURE ~ TEMPERATURE", frame)


def challenger_arrays(rows: int, seed: int) -> Problem:
    """Return the 23 flights as arrays; rows and seed change nothing."""
    flights = challenger_formula(rows, seed)
    return Problem("binomial", flights.y, flights.X)


_LIST = (
    Workload(
        "binomial-20",
        "Logistic regression, 20 numeric columns, arrays",
        "arrays",
        1_000_000,
        100_000,
        dense("binomial", 20),
    ),
    Workload(
        "binomial-100",
        "Logistic regression, 100 numeric columns, arrays",
        "arrays",
        200_000,
        20_000,
        dense("binomial", 100),
    ),
    Workload(
        "poisson-20",
        "Poisson regression, 20 numeric columns, arrays",
        "arrays",
        1_000_000,
        100_000,
        dense("poisson", 20),
    ),
    Workload(
        "gamma-10",
        "Gamma regression with log link, 10 numeric columns, arrays",
        "arrays",
        1_000_000,
        100_000,
        dense("gamma", 10),
    ),
    Workload(
        "multinomial-5",
        "Multinomial logit, 5 classes, 20 numeric columns, arrays",
        "arrays",
        200_000,
        20_000,
        several_classes,
    ),
    Workload(
        "negbin-10",
        "Negative binomial regression (NB2), alpha estimated, 10 numeric columns, arrays",
        "arrays",
        1_000_000,
        100_000,
        spread_counts,
    ),
    Workload(
        "zip-10",
        "Zero-inflated Poisson regression, the same 10 numeric columns for both parts, arrays",
        "arrays",
        1_000_000,
        100_000,
        inflated_counts,
    ),
    Workload(
        "formula-numeric",
        "Logistic regression by formula, 20 numeric columns",
        "formula",
        1_000_000,
        100_000,
        numeric_formula,
    ),
    Workload(
        "formula-factor",
        "Logistic regression by formula, a text factor of 8 levels and 4 numeric columns",
        "formula",
        1_000_000,
        100_000,
        factor_formula,
    ),
    Workload(
        "poisson-650",
        "Poisson regression by formula, text factors of 50, 100 and 500 levels, 5 numeric columns",
        "formula",
        1_000_000,
        100_000,
        large_factors,
    ),
    Workload(
        "absorb-2x10000",
        "Poisson regression, 5 numeric columns and two absorbed factors, 100 rows a level",
        "formula",
        1_000_000,
        100_000,
        absorbed_formula,
    ),
    Workload(
        "small-arrays",
        "Challenger, logistic regression on 23 rows, arrays",
        "arrays",
        23,
        23,
        challenger_arrays,
    ),
    Workload(
        "small-formula",
        "Challenger, logistic regression on 23 rows, by formula",
        "formula",
        23,
        23,
        challenger_formula,
    ),
    Workload("import", "Time of an import statement in a new process", "import"),
)

WORKLOADS: dict[str, Workload] = {workload.name: workload for workload in _LIST}


# --- handing data to another process ---------------------------------------------------


def save(problem: Problem, directory: Path) -> None:
    """Write a problem into a directory, one .npy file an array."""
    np.save(directory / "y.npy", problem.y)
    np.save(directory / "X.npy", problem.X)
    names: list[str] = []
    if problem.frame is not None:
        names = list(problem.frame.columns)
        for name in names:
            np.save(directory / f"column-{name}.npy", _plain(problem.frame[name]))
    facts = {
        "family": problem.family,
        "formula": problem.formula,
        "columns": names,
        "absorb": problem.absorb,
        "factors": problem.factors,
    }
    (directory / "problem.json").write_text(json.dumps(facts))


def load(directory: Path) -> Problem:
    """Read what `save` wrote."""
    facts: dict[str, Any] = json.loads((directory / "problem.json").read_text())
    by_formula = facts["formula"] is not None
    # the matrix of a formula is not looked at: mapped, it takes no memory
    X = np.load(directory / "X.npy", mmap_mode="r" if by_formula else None)
    frame = None
    if by_formula:
        frame = pd.DataFrame({n: np.load(directory / f"column-{n}.npy") for n in facts["columns"]})
    y, absorb = np.load(directory / "y.npy"), tuple(facts["absorb"])
    return Problem(facts["family"], y, X, facts["formula"], frame, absorb, tuple(facts["factors"]))


def _plain(column: pd.Series) -> NDArray[Any]:
    """Return numbers as they are, and text with a fixed width, which needs no pickling."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy()
    return column.to_numpy(dtype=object).astype(str)
