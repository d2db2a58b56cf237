"""A fit that is interrupted goes on from its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import glmfit as gf
from glmfit.engine.passes import Pass
from glmfit.errors import ArgumentError, NotAvailableError


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(400, 3)), columns=["x", "z", "w"])
    frame["y"] = rng.poisson(np.exp(1.5 * frame["x"] - frame["z"]))
    frame["alias"] = 2.0 * frame["x"]
    return frame


def calls(monkeypatch: pytest.MonkeyPatch, most: int | None = None) -> list[int]:
    """Count full passes in the list that is returned, and stop after ``most``."""
    count = [0]
    passes = Pass.__call__

    def counted(*given: Any, **options: Any) -> Any:
        count[0] += 1
        if most is not None and count[0] > most:
            raise KeyboardInterrupt
        return passes(*given, **options)

    monkeypatch.setattr(Pass, "__call__", counted)
    return count


@pytest.mark.parametrize("streamed", [False, True])
def test_a_fit_goes_on_where_it_was_interrupted(
    streamed: bool, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "fit.json"
    data = [frame.iloc[:150], frame.iloc[150:]] if streamed else frame
    model = gf.poisson("y ~ x + z + w", data)
    with monkeypatch.context() as patch:
        count = calls(patch)
        usual = model.fit()
        whole = count[0]
    with monkeypatch.context() as patch:
        calls(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            model.fit(control=gf.Control(resume=path))
    state = json.loads(path.read_text())
    assert state["iteration"] == 2
    np.testing.assert_array_equal(state["coefficients"], usual.record.history[2].theta)
    with monkeypatch.context() as patch:
        count = calls(patch)
        resumed = model.fit(control=gf.Control(resume=path))
        left = count[0]
    assert left <= whole - 2
    np.testing.assert_allclose(resumed.params, usual.params, rtol=1e-12)
    assert json.loads(path.read_text())["iteration"] >= len(usual.history) - 1
    assert sorted(tmp_path.iterdir()) == [path]


def test_aliased_columns_are_left_out_of_the_file(frame: pd.DataFrame, tmp_path: Path):
    path = tmp_path / "fit.json"
    model = gf.poisson("y ~ x + alias + z", frame)
    with pytest.warns(gf.errors.CollinearityWarning):
        usual = model.fit(control=gf.Control(resume=path))
    assert len(json.loads(path.read_text())["coefficients"]) == 3
    with pytest.warns(gf.errors.CollinearityWarning):
        again = model.fit(control=gf.Control(resume=path))
    np.testing.assert_allclose(again.params, usual.params, rtol=1e-12)


def test_a_file_of_something_else_is_refused(frame: pd.DataFrame, tmp_path: Path):
    path = tmp_path / "fit.json"
    control = gf.Control(resume=path)
    gf.poisson("y ~ x", frame).fit(control=control)
    for other in (gf.poisson("y ~ z", frame), gf.poisson("y ~ x", frame.iloc[:300])):
        with pytest.raises(ArgumentError, match="state of another fit"):
            other.fit(control=control)
    for text in ("nonsense", "[]", '{"fit": 1}'):
        path.write_text(text)
        with pytest.raises(ArgumentError, match="no file of a fit"):
            gf.poisson("y ~ x", frame).fit(control=control)
    with pytest.raises(ArgumentError, match="path of a file"):
        gf.Control(resume=3)
    frame["k"] = np.arange(400) % 3
    with pytest.raises(NotAvailableError, match="resume="):
        gf.mnlogit("k ~ x", frame).fit(control=gf.Control(resume=tmp_path / "other.json"))
