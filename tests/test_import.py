"""Importing glmfit loads what it needs and nothing that is optional or slow."""

import json
import subprocess
import sys

import pytest

import glmfit as gf
import glmfit.formula.api

PROGRAM = """
import json, sys
import pandas
before = set(sys.modules)
import glmfit, glmfit.api, glmfit.formula.api
roots = {name.split(".")[0] for name in before}  # pandas brings pyarrow where there is one
new = [name for name in set(sys.modules) - before if name.split(".")[0] not in roots - {"scipy"}]
print(json.dumps(sorted(new) + [m for m in sys.modules if m == "glmfit.models.glm"]))
"""

UNWANTED = (
    "scipy.stats",
    "scipy.optimize",
    "matplotlib",
    "pyarrow",
    "polars",
    "dask",
    "statsmodels",
    "sklearn",
    "narwhals",
)


def test_import_loads_nothing_optional():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert "glmfit.models.glm" in loaded
    for name in UNWANTED:
        assert not [m for m in loaded if m == name or m.startswith(name + ".")], name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("HurdleCountModel", "Use hurdle"),
        ("logti", "Did you mean 'logit'"),
    ],
)
def test_a_name_that_is_not_there_is_answered_in_words(name, told):
    with pytest.raises(gf.errors.NotAvailableError, match=told):
        getattr(glmfit.formula.api, name)
    assert not hasattr(gf, name)
