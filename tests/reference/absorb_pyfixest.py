"""Reference values of tests/test_absorb.py, by pyfixest.

Run by hand, ``python tests/reference/absorb_pyfixest.py``, in an environment that has
pyfixest (0.60.0), to write ``absorb_pyfixest.json``. The data are those of ``absorb.json``,
and a drawn sample with singletons and with levels whose counts are all 0, whose recipe is
in `sparse_sample` of the test as well.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyfixest as pf

HERE = Path(__file__).parent
TIGHT = {"fixef_tol": 1e-13, "iwls_tol": 1e-13}


def sparse_sample() -> pd.DataFrame:
    """Return few rows for many levels."""
    rng = np.random.default_rng(11)
    n = 1500
    frame = pd.DataFrame(
        {"f": rng.integers(0, 500, n), "g": rng.integers(0, 60, n), "h": rng.integers(0, 9, n)}
    )
    frame["x1"] = rng.normal(size=n)
    frame["x2"] = rng.normal(size=n) + frame["g"] / 30
    rate = np.exp(0.3 * frame["x1"] - 0.2 * frame["x2"] + 0.5 * np.sin(frame["f"]) - 0.7)
    frame["y"] = rng.poisson(rate)
    return frame


def told(fit: pf.Feols) -> dict[str, object]:
    """Return coefficients, standard errors and rows used."""
    return {
        "params": fit.coef().tolist(),
        "bse": fit.se().tolist(),
        "nobs": int(fit._N),
    }


def main() -> None:
    frame = pd.DataFrame(json.loads((HERE / "absorb.json").read_text())["data"])
    ssc = pf.ssc(k_adj=True, k_fixef="nonnested", G_adj=True)
    out: dict[str, object] = {"version": pf.__version__}
    for name, function, response, options in (
        ("poisson", pf.fepois, "count", TIGHT),
        ("normal", pf.feols, "value", {"fixef_tol": 1e-13}),
    ):
        for groups in ("firm", "region", "year"):
            formula = f"{response} ~ x1 + x2 + C(kind) | firm + year"
            fit = function(formula, frame, vcov={"CRV1": groups}, ssc=ssc, **options)
            out[f"{name}, clustered by {groups}"] = told(fit)
    few = sparse_sample()
    for name, absorbed in (("one", "f"), ("two", "f + g"), ("three", "f + g + h")):
        fit = pf.fepois(f"y ~ x1 + x2 | {absorbed}", few, vcov="hetero", **TIGHT)
        out[f"sparse, {name}"] = told(fit)
    (HERE / "absorb_pyfixest.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
