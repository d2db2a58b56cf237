"""Makes joint_mp.json: maxima of beta, beta-binomial and Tweedie likelihoods with 30 digits.

    python joint_mp.py          (in this folder; needs mpmath, and joint.json)

Newton's method on differences, taken with 45 digits, of log-likelihoods written out as in the
papers.
Parameters are on the scale of links: log phi, logit rho, log phi and logit (p - 1).
"""

import json
from pathlib import Path

import mpmath
from mpmath import mpf

mpmath.mp.dps = 30
HERE = Path(__file__).parent
DATA = json.loads((HERE / "joint.json").read_text(encoding="utf8"))["data"]
N = len(DATA["x"])


def column(name, row):
    return mpf(str(DATA[name][row]))


def logistic(eta):
    return 1 / (1 + mpmath.exp(-eta))


def mean_terms(row, levels):
    terms = [mpf(1), column("x", row)]
    return [*terms, *(mpf(DATA["g"][row] == level) for level in "bc")] if levels else terms


def dot(theta, terms):
    return mpmath.fsum(a * b for a, b in zip(theta, terms, strict=True))


def beta(y, mu, phi):
    a, b = mu * phi, (1 - mu) * phi
    value = mpmath.loggamma(phi) - mpmath.loggamma(a) - mpmath.loggamma(b)
    return value + (a - 1) * mpmath.log(y) + (b - 1) * mpmath.log(1 - y)


def beta_binomial(hits, misses, mu, rho):
    a, b = mu * (1 - rho) / rho, (1 - mu) * (1 - rho) / rho
    value = mpmath.log(mpmath.binomial(hits + misses, hits))
    for k, s in ((hits, a), (misses, b), (hits + misses, a + b)):
        sign = -1 if s is not a and s is not b else 1
        value += sign * (mpmath.loggamma(s + k) - mpmath.loggamma(s))
    return value


def tweedie(y, mu, phi, p):
    value = (y * mu ** (1 - p) / (1 - p) - mu ** (2 - p) / (2 - p)) / phi
    if y == 0:
        return value
    alpha = (2 - p) / (p - 1)
    log_x = alpha * mpmath.log(y / (p - 1)) - (1 + alpha) * mpmath.log(phi) - mpmath.log(2 - p)
    top = int(mpmath.exp((log_x - alpha * mpmath.log(alpha)) / (1 + alpha))) + 1
    terms = [
        mpmath.exp(j * log_x - mpmath.loggamma(j + 1) - mpmath.loggamma(alpha * j))
        for j in range(1, 3 * top + 40)
    ]
    return value + mpmath.log(mpmath.fsum(terms)) - mpmath.log(y)


def beta_precision(theta, row):
    mu = logistic(dot(theta[:4], mean_terms(row, True)))
    return beta(column("share", row), mu, mpmath.exp(theta[4] + theta[5] * column("z", row)))


def beta_weighted(theta, row):
    mu = logistic(dot(theta[:2], mean_terms(row, False)) + column("o", row))
    phi = mpmath.exp(theta[2] + theta[3] * column("z", row))
    return column("freq", row) * beta(column("share", row), mu, phi)


def beta_binomial_one(theta, row):
    mu = logistic(dot(theta[:4], mean_terms(row, True)))
    return beta_binomial(column("hits", row), column("misses", row), mu, logistic(theta[4]))


def beta_binomial_rho(theta, row):
    mu = logistic(dot(theta[:2], mean_terms(row, False)))
    rho = logistic(theta[2] + theta[3] * column("z", row))
    return beta_binomial(column("hits", row), column("misses", row), mu, rho)


def tweedie_power(theta, row):
    mu = mpmath.exp(dot(theta[:2], mean_terms(row, False)))
    phi = mpmath.exp(theta[2]) / column("w", row)
    return tweedie(column("claims", row), mu, phi, 1 + logistic(theta[3]))


CASES = {
    "beta precision": (beta_precision, [0, 0.5, 0.5, 0, 2, 0.5]),
    "beta offset weights": (beta_weighted, [0, 0.5, 2, 0.5]),
    "betabinomial": (beta_binomial_one, [0, 0.5, 0.5, 0, -1.5]),
    "betabinomial dispersion": (beta_binomial_rho, [0, 0.5, -1.5, 0]),
    "tweedie weights": (tweedie_power, [0.2, 0.5, 0.3, 0.2]),
}


def derivatives(function, theta):
    """Return value, gradient and Hessian, by differences whose error is some 1e-14."""
    count, step = len(theta), mpf(10) ** -7
    mpmath.mp.dps = 45

    def at(moves):
        moved = list(theta)
        for j, by in moves:
            moved[j] += by * step
        return mpmath.fsum(function(moved, row) for row in range(N))

    middle = at([])
    ends = [(at([(j, 1)]), at([(j, -1)])) for j in range(count)]
    gradient = mpmath.matrix([(a - b) / (2 * step) for a, b in ends])
    hessian = mpmath.matrix(count, count)
    for j in range(count):
        hessian[j, j] = (ends[j][0] - 2 * middle + ends[j][1]) / step**2
        for k in range(j):
            cross = at([(j, 1), (k, 1)]) + at([(j, -1), (k, -1)])
            cross -= ends[j][0] + ends[j][1] + ends[k][0] + ends[k][1] - 2 * middle
            hessian[j, k] = hessian[k, j] = cross / (2 * step**2)
    mpmath.mp.dps = 30
    return middle, gradient, hessian


def maximised(function, start):
    theta = [mpf(value) for value in start]
    for _ in range(40):
        middle, gradient, hessian = derivatives(function, theta)
        move = mpmath.lu_solve(hessian, gradient)
        longest = max(abs(value) for value in move)
        shrink = min(mpf(1), mpf(1) / longest) if longest > 0 else mpf(1)
        theta = [a - shrink * b for a, b in zip(theta, move, strict=True)]
        if longest < mpf(10) ** -12:
            break
    middle, _, hessian = derivatives(function, theta)
    covariance = (-hessian) ** -1
    errors = [mpmath.sqrt(covariance[j, j]) for j in range(len(theta))]
    return {
        "theta": [float(value) for value in theta],
        "se": [float(value) for value in errors],
        "covariance": [
            [float(covariance[j, k]) for k in range(len(theta))] for j in range(len(theta))
        ],
        "llf": float(middle),
    }


if __name__ == "__main__":
    found = {name: maximised(*case) for name, case in CASES.items()}
    output = {"mpmath": mpmath.__version__, "cases": found}
    (HERE / "joint_mp.json").write_text(json.dumps(output) + "\n", encoding="utf8")
