"""Makes hypothesis_statsmodels.json: what statsmodels says of the same hypotheses.

    python hypothesis_statsmodels.py     (in this folder; needs statsmodels)

The data are those of datasets/; the calls are those that must work unchanged.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
import statsmodels
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.stats.multitest import multipletests

warnings.simplefilter("ignore")
FOLDER = Path(__file__).parents[2] / "datasets"
LEVELS = {"tension": ["L", "M", "H"], "wool": ["A", "B"]}


def load(name):
    data = pd.read_csv(FOLDER / f"{name}.csv")
    for column, levels in LEVELS.items():
        if column in data:
            data[column] = pd.Categorical(data[column], levels)
    return data


def plain(value):
    if isinstance(value, pd.DataFrame):
        return {
            "index": [str(i) for i in value.index],
            "columns": [str(c) for c in value.columns],
            "values": value.astype(float).to_numpy().tolist(),
        }
    return np.asarray(value, dtype=float).ravel().tolist()


def joint(test):
    return {
        "statistic": plain(test.statistic),
        "pvalue": plain(test.pvalue),
        "df_denom": float(test.df_denom),
        "df_num": float(getattr(test, "df_num", -1)),
    }


def single(test):
    return {"effect": plain(test.effect), "sd": plain(test.sd), "tvalue": plain(test.tvalue),
            "pvalue": plain(test.pvalue), "conf_int": plain(test.conf_int(0.1)),
            "frame": plain(test.summary_frame())}  # fmt: skip


def of(result, hypotheses):
    found = {
        "t_test": [single(result.t_test(h)) for h in hypotheses],
        "t_test t": [single(result.t_test(h, use_t=True)) for h in hypotheses],
        "wald_test": [joint(result.wald_test(h)) for h in hypotheses],
        "f_test": [joint(result.f_test(h)) for h in hypotheses],
        "other cov": joint(result.wald_test(hypotheses[0], cov_p=2.0 * result.cov_params())),
    }
    return found


warpbreaks = load("warpbreaks")
trees = load("trees")
HYPOTHESES = {
    "poisson": ["wool[T.B] = 0", "tension[T.M] = tension[T.H], wool[T.B] = -0.1",
                "2*tension[T.M] - tension[T.H]/3 = 0.5"],
    "ols": ["girth = 4, height", "girth - 10*height = 0.5"],
    "gamma": ["girth = 0.1", "girth = height = 0"],
}  # fmt: skip
results = {
    "poisson": smf.glm("breaks ~ wool + tension", warpbreaks, family=sm.families.Poisson()).fit(
        tol=1e-14),
    "poisson HC0": smf.glm("breaks ~ wool + tension", warpbreaks,
                           family=sm.families.Poisson()).fit(tol=1e-14, cov_type="HC0"),
    "ols": smf.ols("volume ~ girth + height", trees).fit(),
    "gamma": smf.glm("volume ~ girth + height", trees,
                     family=sm.families.Gamma(sm.families.links.Log())).fit(tol=1e-14),
}  # fmt: skip
out = {name: of(result, HYPOTHESES[name.split()[0]]) for name, result in results.items()}
out["hypotheses"] = HYPOTHESES
pairwise = results["poisson"].t_test_pairwise("tension", method=["hs", "bonferroni", "fdr_bh"])
out["pairwise"] = {"frame": plain(pairwise.result_frame), "contrasts": plain(pairwise.contrasts),
                   "labels": pairwise.contrast_labels}  # fmt: skip
crossed = smf.glm("breaks ~ wool * tension", warpbreaks, family=sm.families.Poisson()).fit(
    tol=1e-14
)
terms = crossed.wald_test_terms(combine_terms=["wool", "tension"])
several = crossed.wald_test_terms(skip_single=True)
out["terms"] = {"table": plain(terms.table), "single": plain(several.table)}
out["terms ols"] = plain(results["ols"].wald_test_terms().table)
p = [0.001, 0.04, 0.02, 0.3, 0.012, 0.9, 0.0004, 0.04]
methods = (
    "bonferroni",
    "sidak",
    "holm",
    "holm-sidak",
    "simes-hochberg",
    "hommel",
    "fdr_bh",
    "fdr_by",
)
out["adjusted"] = {"p": p, **{m: plain(multipletests(p, method=m)[1]) for m in methods}}
out["versions"] = {"statsmodels": statsmodels.__version__, "scipy": scipy.__version__,
                   "numpy": np.__version__, "pandas": pd.__version__}  # fmt: skip
Path(__file__).with_suffix(".json").write_text(json.dumps(out), encoding="utf8")
