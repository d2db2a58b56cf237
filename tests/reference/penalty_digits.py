"""Makes penalty_digits.json: penalised fits to 30 digits, by mpmath.

    python penalty_digits.py        (in this folder, after penalty.R; needs mpmath)

The zeros and signs are glmnet's; given these the minimum is the root of a smooth system,
solved here by Newton's method, and the conditions at the zeros are checked. glmfit is not
used. The eight rows of `risk` are those of scikit-learn's
``train_test_split(test_size=0.3, random_state=42, stratify=risk)``.
"""

import csv
import json
from pathlib import Path

import mpmath as mp

mp.mp.dps = 45
HERE = Path(__file__).parent
RISK_ROWS = [0, 1, 4, 5, 6, 8, 9, 11]


def rows_of(name):
    with (HERE.parent.parent / "datasets" / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def told(value):
    return mp.nstr(value, 30)


def risk_ridge(C):
    """scikit-learn's multinomial ridge: sum of losses + |b|^2 / (2 C), constants free."""
    data = [rows_of("risk")[i] for i in RISK_ROWS]
    levels = ["high", "low", "medium"]
    x = [[mp.mpf(row["age"]), mp.mpf(row["income"])] for row in data]
    y = [levels.index(row["risk"]) for row in data]

    def unpack(theta):
        return [mp.mpf(0), theta[0], theta[1]], [theta[2:4], theta[4:6], theta[6:8]]

    def probabilities(theta):
        constant, slopes = unpack(theta)
        out = []
        for row in x:
            eta = [
                constant[k] + sum(b * v for b, v in zip(slopes[k], row, strict=True))
                for k in range(3)
            ]
            total = sum(mp.e**one for one in eta)
            out.append([mp.e**one / total for one in eta])
        return out

    def equations(*theta):
        _, slopes = unpack(theta)
        left = [[(y[i] == k) - p[k] for k in range(3)] for i, p in enumerate(probabilities(theta))]
        free = [sum(line[k] for line in left) for k in (1, 2)]
        tied = [
            sum(line[k] * x[i][j] for i, line in enumerate(left)) - slopes[k][j] / C
            for k in range(3)
            for j in range(2)
        ]
        return [*free, *tied]

    start = [-5.5, -6.1, -0.95, 0.56, 0.77, -0.5, 0.18, -0.06]
    theta = list(mp.findroot(equations, start, tol=1e-70, maxsteps=50))
    constant, slopes = unpack(theta)
    centre = sum(constant) / 3
    loss = -sum(mp.log(p[y[i]]) for i, p in enumerate(probabilities(theta)))
    penalty = sum(b * b for line in slopes for b in line) / (2 * C)
    return {
        "levels": levels,
        "rows": RISK_ROWS,
        "C": C,
        "params": [
            [told(constant[k] - centre), told(slopes[k][0]), told(slopes[k][1])] for k in range(3)
        ],
        "objective": told((loss + penalty) / len(x)),
    }


def score_of(case):
    """Return the derivative of a row's log-likelihood by eta."""
    if case["link"] == "probit":
        return lambda y, eta: mp.npdf(eta) * (y / mp.ncdf(eta) - (1 - y) / mp.ncdf(-eta))
    if case["link"] == "cloglog":
        return lambda y, eta: y * mp.e**eta / mp.expm1(mp.e**eta) - (1 - y) * mp.e**eta
    size = mp.mpf(case["args"]["alpha"])
    return lambda y, eta: (y - mp.e**eta) / (1 + size * mp.e**eta)


def columns_of(case):
    data = rows_of(case["dataset"])
    if case["dataset"] == "endometrial":
        x = [[mp.mpf(1), *(mp.mpf(row[name]) for name in ("NV", "PI", "EH"))] for row in data]
        return x, [mp.mpf(row["HG"]) for row in data]
    levels = {"eth": ["N"], "sex": ["M"], "age": ["F1", "F2", "F3"], "lrn": ["SL"]}
    x = [
        [mp.mpf(1), *(mp.mpf(row[n] == level) for n, own in levels.items() for level in own)]
        for row in data
    ]
    return x, [mp.mpf(row["days"]) for row in data]


def elastic_net(case):
    x, y = columns_of(case)
    score, n, p = score_of(case), len(y), len(x[0])
    alpha, share = mp.mpf(str(case["alpha"])), mp.mpf(str(case["L1_wt"]))
    unit = [mp.mpf(1)] * p
    if case["standardize"]:
        for j in range(1, p):
            mean = sum(row[j] for row in x) / n
            unit[j] = mp.sqrt(sum((row[j] - mean) ** 2 for row in x) / n)
    first = [mp.mpf(value) for value in case["params"]]
    moving = [j for j in range(p) if j == 0 or first[j] != 0]

    def slope(theta, j):
        """Return the derivative of the smooth part of -objective by theta_j."""
        total = sum(
            row[j] * score(one, sum(b * v for b, v in zip(theta, row, strict=True)))
            for row, one in zip(x, y, strict=True)
        )
        ridge = 0 if j == 0 else alpha * (1 - share) * unit[j] ** 2 * theta[j]
        return total / n - ridge

    def spread(values):
        theta = [mp.mpf(0)] * p
        for j, value in zip(moving, values, strict=True):
            theta[j] = value
        return theta

    def equations(*values):
        theta = spread(values)
        return [
            slope(theta, j) - (0 if j == 0 else alpha * share * unit[j] * mp.sign(first[j]))
            for j in moving
        ]

    values = mp.findroot(equations, [first[j] for j in moving], tol=1e-70, maxsteps=50)
    theta = spread(list(values))
    for j in range(p):
        if j in moving:
            assert j == 0 or mp.sign(theta[j]) == mp.sign(first[j])
        else:
            assert abs(slope(theta, j)) < alpha * share * unit[j]
    kept = ("dataset", "formula", "family", "link", "alpha", "L1_wt", "standardize", "args")
    return {**{key: case[key] for key in kept}, "params": [told(value) for value in theta]}


def main():
    cases = json.loads((HERE / "penalty.json").read_text())["glm"]
    chosen = [
        case
        for case in cases
        if case["link"] in ("probit", "cloglog") or case["family"] == "negative_binomial"
    ]
    out = {
        "made_by": f"mpmath {mp.__version__}, {mp.mp.dps} digits",
        "risk": [risk_ridge(1), risk_ridge(100)],
        "glm": [elastic_net(case) for case in chosen],
    }
    (HERE / "penalty_digits.json").write_text(json.dumps(out, indent=2) + "\n")


main()
