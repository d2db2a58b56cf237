"""statsmodels' own tests on glmfit: none fails that EXPECTED.md does not explain."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("peers_run", Path(__file__).with_name("run.py"))
assert spec is not None and spec.loader is not None
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)


def test_the_list_of_failures_is_of_all_modules():
    assert set(run.expected()) == set(run.MODULES)


@pytest.mark.slow
@pytest.mark.parametrize("module", run.MODULES)
def test_no_failure_without_a_reason(module):
    pytest.importorskip("statsmodels")
    found = run.outcomes(module)
    failed = {name for name, (kind, _) in found.items() if kind == "failed"}
    assert failed <= run.expected()[module]
