"""Make counts_mp.json: models of counts to 30 digits, by Newton's method in mpmath.

    python counts_mp.py          (in this folder; needs mpmath; takes some minutes)

The likelihoods are written out as in the textbooks and differentiated numerically with 60
digits; standard errors are from the observed information of all coefficients and log(alpha).
Data and starting values come from counts.json.
"""

import json
from pathlib import Path

import mpmath as mp

mp.mp.dps = 60
HERE = Path(__file__).parent
MADE = json.loads((HERE / "counts.json").read_text(encoding="utf8"))
DATA = MADE["data"]
ROWS = range(len(DATA["y"]))


def log_f(y, eta, lnalpha, power):
    """Log-probability of a count; Poisson where lnalpha is None."""
    mu = mp.e**eta
    if lnalpha is None:
        return y * eta - mu - mp.loggamma(y + 1)
    a = mp.e ** (lnalpha + (power - 2) * eta)
    s = 1 / a
    gammas = mp.loggamma(y + s) - mp.loggamma(s) - mp.loggamma(y + 1)
    return gammas + y * mp.log(a * mu) - (y + s) * mp.log(1 + a * mu)


def loglike(kind, power, response):
    negbin = power is not None

    def value(*theta):
        zeros = 0 if kind == "plain" else 2
        b = theta[zeros : zeros + 4]
        lnalpha = theta[-1] if negbin else None
        total = mp.mpf(0)
        for i in ROWS:
            y, g = int(DATA[response][i]), DATA["g"][i]
            eta = b[0] + b[1] * (g == "b") + b[2] * (g == "c") + b[3] * mp.mpf(str(DATA["x"][i]))
            own = log_f(y, eta, lnalpha, power)
            if kind == "plain":
                total += own
                continue
            z = theta[0] + theta[1] * mp.mpf(str(DATA["z"][i]))
            pi = 1 / (1 + mp.e**-z)
            if kind == "zeroinfl":
                total += mp.log(pi + (1 - pi) * mp.e**own) if y == 0 else mp.log(1 - pi) + own
            elif y == 0:
                total += mp.log(1 - pi)
            else:
                none = log_f(0, eta, lnalpha, power)
                total += mp.log(pi) + own - mp.log(1 - mp.e**none)
        return total

    return value


def derivatives(f, theta):
    """Score and Hessian by central differences, whose errors are below 1e-35."""
    p, h = len(theta), mp.mpf(10) ** -18
    move = [[h if i == j else mp.mpf(0) for j in range(p)] for i in range(p)]

    def at(*steps):
        return f(*[sum((s[j] for s in steps), t) for j, t in enumerate(theta)])

    def minus(step):
        return [-s for s in step]

    middle = f(*theta)
    up, down = [at(m) for m in move], [at(minus(m)) for m in move]
    score = mp.matrix([(u - d) / (2 * h) for u, d in zip(up, down, strict=True)])
    hessian = mp.matrix(p, p)
    for i in range(p):
        hessian[i, i] = (up[i] - 2 * middle + down[i]) / h**2
        for j in range(i):
            both = at(move[i], move[j]) + at(minus(move[i]), minus(move[j]))
            hessian[i, j] = (both - up[i] - down[i] - up[j] - down[j] + 2 * middle) / (2 * h**2)
            hessian[j, i] = hessian[i, j]
    return middle, score, hessian


def maximum(f, theta):
    theta = [mp.mpf(t) for t in theta]
    for _ in range(30):
        value, score, hessian = derivatives(f, theta)
        step = mp.lu_solve(-hessian, score)
        while f(*[t + s for t, s in zip(theta, step, strict=True)]) < value - mp.mpf(10) ** -30:
            step = step / 2
        theta = [t + s for t, s in zip(theta, step, strict=True)]
        if max(abs(s) for s in step) < mp.mpf(10) ** -16:
            break
    value, _, hessian = derivatives(f, theta)
    covariance = (-hessian) ** -1
    return value, theta, [mp.sqrt(covariance[i, i]) for i in range(len(theta))]


def start_of(name):
    case = MADE["cases"][name]
    count = case["count"]
    order = [count["(Intercept)"], count["gb"], count["gc"], count["x"]]
    zero = [] if not case["zero"] else [case["zero"]["(Intercept)"], case["zero"]["z"]]
    alpha = [] if not case["alpha"] else [mp.log(case["alpha"])]
    return [*zero, *order, *alpha]


CASES = {
    "nb2": ("plain", 2, "y", "nb2"),
    "nb1": ("plain", 1, "y", "nb2"),
    "nbp 1.5": ("plain", mp.mpf("1.5"), "y", "nb2"),
    "zeroinfl poisson": ("zeroinfl", None, "v", "zeroinfl poisson"),
    "zeroinfl negbin": ("zeroinfl", 2, "v", "zeroinfl negbin"),
    "hurdle poisson": ("hurdle", None, "v", "hurdle poisson"),
    "hurdle negbin": ("hurdle", 2, "v", "hurdle negbin"),
}

if __name__ == "__main__":
    out = {}
    for name, (kind, power, response, start) in CASES.items():
        value, theta, errors = maximum(loglike(kind, power, response), start_of(start))
        names = [] if kind == "plain" else ["inflate_Intercept", "inflate_z"]
        names += ["Intercept", "g[T.b]", "g[T.c]", "x"]
        names += ["log(alpha)"] if power is not None else []
        out[name] = {
            "llf": mp.nstr(value, 25),
            "params": {n: mp.nstr(t, 25) for n, t in zip(names, theta, strict=True)},
            "bse": {n: mp.nstr(s, 20) for n, s in zip(names, errors, strict=True)},
        }
        print(name, out[name]["llf"], flush=True)
    made = {"mpmath": mp.__version__, "cases": out}
    (HERE / "counts_mp.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf8")
