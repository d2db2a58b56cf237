"""Random models: data, formula, family, link, weights, offset and missing values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

import glmfit as gf

TERMS = ["x", "z", "g", "h", "x:g", "g:h", "x*z", "I(x**2)", "C(g, Sum)", "C(k)", "b", "b:x"]
TERMS += ["bs(x, df=4)", "center(z)", "C(g, Helmert)"]

FAMILIES = {
    "gaussian": ["identity", "log"],
    "binomial": ["logit", "probit", "cloglog", "cauchit"],
    "poisson": ["log", "sqrt"],
    "gamma": ["log", "inverse"],
    "inverse_gaussian": ["log"],
    "negativebinomial": ["log"],
    "tweedie": ["log"],
}


@dataclass(frozen=True, slots=True)
class Case:
    """A model that is to be fitted."""

    kind: str
    family: Any
    link: str | None
    terms: tuple[str, ...]
    data: pd.DataFrame
    options: dict[str, str] = field(default_factory=dict)

    @property
    def formula(self) -> str:
        """The formula."""
        return "y ~ " + " + ".join(self.terms)

    def changed(self, data: pd.DataFrame, **options: Any) -> Case:
        """Return the same model of other data."""
        return replace(self, data=data, options={**self.options, **options})

    def model(self, **extra: Any) -> Any:
        """Return the model, not fitted."""
        options = {**self.options, **extra}
        if self.kind == "glm":
            return gf.glm(self.formula, self.data, self.family, link=self.link, **options)
        makers: dict[str, Callable[..., Any]] = {
            "mnlogit": gf.mnlogit,
            "ordered": gf.ordered,
            "clogit": gf.conditional_logit,
        }
        return makers[self.kind](self.formula, self.data, **options)

    def fit(self, **settings: Any) -> Any:
        """Return the fit."""
        return self.model().fit(**settings)


def _family(name: str) -> Any:
    if name == "negativebinomial":
        return gf.families.NegativeBinomial(alpha=0.7)
    if name == "tweedie":
        return gf.families.Tweedie(var_power=1.5)
    return name


def _columns(rng: np.random.Generator, n: int) -> pd.DataFrame:
    data = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "z": rng.normal(size=n) * 3.0 + 1.0,
            "g": np.resize(list("abc"), n),
            "h": rng.choice(["u", "v"], n),
            "k": rng.integers(0, 3, n),
            "b": rng.random(n) < 0.4,
        }
    )
    data["f"] = rng.integers(0, 4, n).astype(float)
    data["v"] = rng.uniform(0.3, 3.0, n)
    data["off"] = rng.normal(size=n) * 0.3
    data["strata"] = np.arange(n) // 5
    return data


def _response(rng: np.random.Generator, data: pd.DataFrame, family: str) -> np.ndarray:
    n = len(data)
    eta = 0.2 + 0.4 * data.x.to_numpy() + 0.3 * (data.g == "b").to_numpy()
    mu = np.exp(eta)
    draws: dict[str, Callable[[], np.ndarray]] = {
        "gaussian": lambda: mu + 0.5 * rng.normal(size=n),
        "binomial": lambda: (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float),
        "poisson": lambda: rng.poisson(mu) + 0.0,
        "gamma": lambda: rng.gamma(3.0, mu / 3.0),
        "inverse_gaussian": lambda: rng.wald(mu, 3.0),
        "negativebinomial": lambda: rng.poisson(mu * rng.gamma(1.4, 1 / 1.4, n)) + 0.0,
        "tweedie": lambda: rng.gamma(1.0, mu) * (rng.random(n) < 0.7),
        "mnlogit": lambda: rng.choice(["lo", "mid", "hi"], n),
        "ordered": lambda: np.digitize(eta + rng.logistic(size=n), [-0.5, 1.0]),
        "clogit": lambda: (rng.random(n) < 0.4).astype(float),
    }
    return draws[family]()


@st.composite
def cases(draw: Any, kinds: tuple[str, ...] = ("glm", "mnlogit", "ordered", "clogit")) -> Case:
    """Draw a model with enough rows to have a maximum most of the time."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    data = _columns(rng, draw(st.integers(60, 140)))
    # generalised linear models are the most used, and have the most ways to differ
    kind = draw(st.sampled_from(("glm", "glm", *kinds)))
    family = draw(st.sampled_from(sorted(FAMILIES))) if kind == "glm" else kind
    link = draw(st.sampled_from(FAMILIES[family])) if kind == "glm" else None
    terms = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=3, unique=True))
    data["y"] = _response(rng, data, family)
    options: dict[str, str] = {}
    weights = draw(st.sampled_from([None, "f", "v"]))
    if weights and kind != "clogit":
        options["freq_weights" if weights == "f" else "var_weights"] = weights
    # a mean of 1 / eta or eta^2 cannot go just anywhere
    if link not in ("inverse", "sqrt") and draw(st.booleans()):
        options["offset"] = "off"
    if draw(st.booleans()):
        data.loc[rng.random(len(data)) < 0.06, draw(st.sampled_from(["x", "g", "y"]))] = None
    if kind == "clogit":
        options["groups"] = "strata"
    return Case(kind, _family(family), link, tuple(terms), data, options)
