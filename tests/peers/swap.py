"""A pytest plugin that puts glmfit's classes in the place of statsmodels' own.

``python -m pytest -p swap --pyargs statsmodels.genmod.tests.test_glm`` runs statsmodels'
tests on glmfit. Names are exchanged before the test modules import them. What glmfit has
not fails, instead of passing by statsmodels' own code.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import glmfit as gf
import glmfit.formula.api as formulas

MODELS = {
    "statsmodels.genmod.generalized_linear_model": ["GLM"],
    "statsmodels.discrete.discrete_model": [
        "Logit", "Probit", "Poisson", "MNLogit", "NegativeBinomial", "NegativeBinomialP",
        "GeneralizedPoisson",
    ],
    "statsmodels.discrete.conditional_models": [
        "ConditionalLogit", "ConditionalPoisson", "ConditionalMNLogit",
    ],
    "statsmodels.discrete.count_model": [
        "ZeroInflatedPoisson", "ZeroInflatedNegativeBinomialP", "ZeroInflatedGeneralizedPoisson",
    ],
    "statsmodels.miscmodels.ordinal_model": ["OrderedModel"],
    "statsmodels.api": [
        "GLM", "Logit", "Probit", "Poisson", "MNLogit", "NegativeBinomial", "NegativeBinomialP",
        "GeneralizedPoisson", "ZeroInflatedPoisson", "ZeroInflatedNegativeBinomialP",
        "ZeroInflatedGeneralizedPoisson",
    ],
}  # fmt: skip
"""Where statsmodels' tests find the models that are exchanged."""

FORMULAS = ["glm", "logit", "probit", "poisson", "mnlogit", "negativebinomial",
            "conditional_logit"]  # fmt: skip


WARNINGS = {
    "ConvergenceWarning": gf.errors.ConvergenceWarning,
    "PerfectSeparationWarning": gf.errors.SeparationWarning,
}
"""What statsmodels calls glmfit's warnings."""


class Absent:
    """What stands for a model that glmfit has not."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        raise NotImplementedError(f"glmfit has no {type(self).__name__}")

    @classmethod
    def from_formula(cls, *arguments: Any, **options: Any) -> Any:
        raise NotImplementedError(f"glmfit has no {cls.__name__}")


def _model(name: str) -> type:
    return getattr(gf, name) if name in gf.__all__ else type(name, (Absent,), {})


def _exchange(theirs: ModuleType, ours: ModuleType) -> None:
    """Put every class of ``ours`` in the place of theirs of the same name."""
    for name in dir(theirs):
        given = getattr(ours, name, None)
        if isinstance(given, type) and isinstance(getattr(theirs, name), type):
            setattr(theirs, name, given)


_warns = pytest.warns


def warns(expected: Any = Warning, *arguments: Any, **options: Any) -> Any:
    """Stand for `pytest.warns`, but for deprecations, which are statsmodels' own affair."""
    if expected is DeprecationWarning and not arguments:
        return contextlib.nullcontext()
    return _warns(expected, *arguments, **options)


def exchange() -> None:
    """Exchange all names."""
    classes: dict[str, type] = {}
    for module, names in MODELS.items():
        home = importlib.import_module(module)
        for name in names:
            setattr(home, name, classes.setdefault(name, _model(name)))
    families = importlib.import_module("statsmodels.genmod.families")
    for module in (families, importlib.import_module("statsmodels.genmod.families.family")):
        _exchange(module, gf.families)
    _exchange(importlib.import_module("statsmodels.genmod.families.links"), gf.links)
    told = importlib.import_module("statsmodels.tools.sm_exceptions")
    for name, warning in WARNINGS.items():
        setattr(told, name, warning)
    pytest.warns = warns
    importlib.import_module("statsmodels.iolib.summary").Summary = gf.output.Summary
    theirs = importlib.import_module("statsmodels.formula.api")
    for name in FORMULAS:
        if name in formulas.__all__:
            setattr(theirs, name, getattr(formulas, name))


def pytest_configure(config: Any) -> None:
    """Exchange the names before pytest imports a test module."""
    exchange()


REPORT = "PEERS_REPORT"
"""Environment variable that names the file for the outcomes."""

_outcomes: dict[str, list[str]] = {}


def pytest_runtest_logreport(report: Any) -> None:
    """Remember how a test ended: its set-up and its call."""
    if report.when == "teardown":
        return
    kind = "passed" if report.passed else "skipped" if report.skipped else "failed"
    if report.when == "setup" and kind == "passed":
        return
    crash = getattr(report.longrepr, "reprcrash", None)
    _outcomes[report.nodeid] = [kind, "" if crash is None else crash.message.split("\n")[0]]


def pytest_sessionfinish(session: Any) -> None:
    """Write the outcomes."""
    path = os.environ.get(REPORT)
    if path is not None:
        Path(path).write_text(json.dumps(_outcomes))
