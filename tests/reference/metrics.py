"""Reference values of tests/test_metrics.py, by scikit-learn.

Run by hand, ``python tests/reference/metrics.py``, to write ``metrics.json``; it needs
scikit-learn (1.9.1) and statsmodels (0.15.0), which the tests do not.

* ``tutorial``: the fit of the multinomial tutorial (LogisticRegression, C = 1) on its
  stratified 70/30 split, and what scikit-learn says of its 4 test rows.
* ``arrays``: classes and probabilities drawn at random, rounded to 3 decimals.
* ``fits``: models fitted by statsmodels to the data sets of the package, repeated rows in
  place of frequencies, and what scikit-learn says of their probabilities.
"""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    classification_report,
    confusion_matrix,
    log_loss,
)
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent
DATASETS = HERE.parent.parent / "datasets"


def told(codes: Any, probability: np.ndarray, names: list[str], threshold: float = 0.5) -> Any:
    """Return all that scikit-learn says of classes 0..K-1 and their probabilities."""
    codes = np.asarray(codes)
    k = len(names)
    binary = k == 2
    predicted = probability[:, 1] > threshold if binary else probability.argmax(axis=1)
    predicted = predicted.astype(int)
    every = list(range(k))
    zero = {"labels": every, "target_names": names, "zero_division": 0}
    by_class = {"accuracy": [], "log_loss": [], "brier": []}
    for level in every:
        rows = codes == level
        if not rows.any():
            continue
        by_class["accuracy"].append(accuracy_score(codes[rows], predicted[rows]))
        by_class["log_loss"].append(log_loss(codes[rows], probability[rows], labels=every))
        by_class["brier"].append(brier_score_loss(codes[rows], probability[rows], labels=every))
    return {
        "names": names,
        "confusion": confusion_matrix(codes, predicted, labels=every).tolist(),
        "normalized": {
            how: confusion_matrix(codes, predicted, labels=every, normalize=how).tolist()
            for how in ("true", "pred", "all")
        },
        "text": classification_report(codes, predicted, **zero),
        "text_digits_4": classification_report(codes, predicted, digits=4, **zero),
        "report": classification_report(codes, predicted, output_dict=True, **zero),
        "text_subset": classification_report(
            codes, predicted, zero_division=0, labels=every[:-1], target_names=names[:-1]
        ),
        "text_one": classification_report(codes, predicted, **{**zero, "zero_division": 1}),
        "text_nan": classification_report(codes, predicted, **{**zero, "zero_division": math.nan}),
        "accuracy": accuracy_score(codes, predicted),
        "balanced_accuracy": balanced_accuracy_score(codes, predicted),
        "log_loss": log_loss(codes, probability, labels=every),
        "brier": brier_score_loss(codes, probability, labels=every),
        "by_class": by_class,
    }


def tutorial() -> dict[str, Any]:
    """Return the tutorial's fit, its split, and its report."""
    data = pd.read_csv(DATASETS / "risk.csv")
    names = ["high", "low", "medium"]
    x = data[["age", "income"]].to_numpy()
    y = data["risk"].map({name: k for k, name in enumerate(names)}).to_numpy()
    rows = np.arange(len(y))
    x0, x1, y0, y1, r0, r1 = train_test_split(
        x, y, rows, test_size=0.3, random_state=42, stratify=y
    )
    model = LogisticRegression(solver="lbfgs", max_iter=1000, random_state=42).fit(x0, y0)
    return {
        "names": names,
        "train": r0.tolist(),
        "test": r1.tolist(),
        "intercept": model.intercept_.tolist(),
        "coef": model.coef_.tolist(),
        "codes": y1.tolist(),
        "probability": model.predict_proba(x1).tolist(),
        "told": told(y1, model.predict_proba(x1), names),
        "plain_text": classification_report(
            y1, model.predict(x1), target_names=names, zero_division=0
        ),
    }


def arrays() -> dict[str, Any]:
    """Return classes and probabilities drawn at random, one class never predicted."""
    rng = np.random.default_rng(7)
    out = {}
    for name, k, n in (("two", 2, 40), ("five", 5, 60)):
        share = rng.dirichlet(np.ones(k), size=n)
        share[:, 0] *= 0.3 if k > 2 else 1.0
        share = (share / share.sum(axis=1, keepdims=True)).round(3)
        share[:, -1] = (1.0 - share[:, :-1].sum(axis=1)).round(3)
        codes = np.array([rng.choice(k, p=row / row.sum()) for row in share])
        if k > 2:
            codes[codes == 3] = 4  # a class that does not occur
        names = [f"c{j}" for j in range(k)]
        out[name] = {
            "codes": codes.tolist(),
            "probability": share.tolist(),
            "told": told(codes, share, names),
            "told_at_0.3": told(codes, share, names, 0.3) if k == 2 else None,
        }
    return out


def fits() -> dict[str, Any]:
    """Return what scikit-learn says of statsmodels' fits."""
    out = {}
    data = pd.read_csv(DATASETS / "challenger.csv")
    x = sm.add_constant(data["TEMPERATURE"].astype(float))
    mu = np.asarray(sm.Logit(data["O_RING_FAILURE"], x).fit(disp=0, tol=1e-14).predict())
    pair = np.column_stack([1 - mu, mu])
    out["challenger"] = told(data["O_RING_FAILURE"], pair, ["0", "1"])
    out["challenger at 0.3"] = told(data["O_RING_FAILURE"], pair, ["0", "1"], 0.3)
    half = np.arange(len(data)) % 2 == 0
    fit = sm.Logit(data["O_RING_FAILURE"][half], x[half]).fit(disp=0, tol=1e-14)
    mu = np.asarray(fit.predict(x[~half]))
    pair = np.column_stack([1 - mu, mu])
    out["challenger, odd rows"] = told(data["O_RING_FAILURE"][~half], pair, ["0", "1"])
    rings = pd.read_csv(DATASETS / "challenger_rings.csv")
    rings = rings[rings["damaged"].notna()]
    events = np.column_stack([rings["damaged"], rings["n_rings"] - rings["damaged"]])
    x = sm.add_constant(rings["temperature"].astype(float))
    mu = np.asarray(sm.GLM(events, x, family=sm.families.Binomial()).fit(tol=1e-14).predict())
    codes = np.concatenate([np.repeat([1, 0], row.astype(int)) for row in events])
    mu = np.repeat(mu, events.sum(axis=1).astype(int))
    pair = np.column_stack([1 - mu, mu])
    out["rings at 0.1"] = told(codes, pair, ["intact", "damaged"], 0.1)
    housing = pd.read_csv(DATASETS / "housing.csv")
    long = housing.loc[housing.index.repeat(housing["freq"])]
    levels = ["Low", "Medium", "High"]
    codes = long["sat"].map({name: k for k, name in enumerate(levels)}).to_numpy()
    x = pd.DataFrame(
        {
            "const": 1.0,
            **{f"infl {v}": (long["infl"] == v) * 1.0 for v in ("Medium", "High")},
            **{f"type {v}": (long["type"] == v) * 1.0 for v in ("Apartment", "Atrium", "Terrace")},
            "cont": (long["cont"] == "High") * 1.0,
        }
    )
    fit = sm.MNLogit(codes, x.to_numpy()).fit(disp=0, method="newton", tol=1e-14)
    out["housing"] = told(codes, np.asarray(fit.predict()), levels)
    half = np.arange(len(housing)) % 2 == 0
    train = np.repeat(half, housing["freq"])
    fit = sm.MNLogit(codes[train], x.to_numpy()[train]).fit(disp=0, method="newton", tol=1e-14)
    out["housing, odd rows"] = told(
        codes[~train], np.asarray(fit.predict(x.to_numpy()[~train])), levels
    )
    return out


def main() -> None:
    warnings.simplefilter("ignore")
    found = {"tutorial": tutorial(), "arrays": arrays(), "fits": fits()}
    (HERE / "metrics.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
