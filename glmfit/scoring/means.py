"""Means and probabilities in another language."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from glmfit.errors import NotAvailableError
from glmfit.links import LINKS, Link
from glmfit.scoring.languages import Language

__all__ = ["cumulative", "inverse", "softmax"]

LARGEST = 700.0
"""exp() of more is refused by some databases, and is no number of use."""

SMALL = 1e-5
"""Below it 1 - exp(-t) is written as its series."""

Inverse = Callable[[Language, Link, str], str]


def inverse(language: Language, link: Link, eta: str) -> str:
    """Return the mean of a predictor.

    Raises
    ------
    NotAvailableError
        If the language has no function for it.
    """
    known = INVERSES.get(link.name)
    if known is None:
        raise NotAvailableError(
            f"The inverse of the {link} link cannot be said in {language.name}; which='linear' "
            "gives the linear predictor."
        )
    return known(language, link, eta)


def _exp(language: Language, value: str) -> str:
    """Return exp(value), 0 far below; where it overflows, the language's own way."""
    low = language.number(-LARGEST)
    zero, power = language.number(0.0), language.functions["exp"].format(value)
    return language.cases([(f"{value} < {low}", zero), (f"{value} >= {low}", power)])


def _logit(language: Language, link: Link, eta: str) -> str:
    zero, one = language.number(0.0), language.number(1.0)
    up, down = _exp(language, eta), _exp(language, f"(-{eta})")
    # each form where exp() cannot overflow
    return language.cases(
        [(f"{eta} >= {zero}", f"{one} / ({one} + {down})"),
         (f"{eta} < {zero}", f"{up} / ({one} + {up})")]
    )  # fmt: skip


def _identity(language: Language, link: Link, eta: str) -> str:
    return eta


def _log(language: Language, link: Link, eta: str) -> str:
    return _exp(language, eta)


def _probit(language: Language, link: Link, eta: str) -> str:
    if not language.shown("erfc"):
        raise NotAvailableError(
            f"{language.name} has no normal distribution function; which='linear' gives the "
            "linear predictor."
        )
    half, root = language.number(0.5), language.number(math.sqrt(0.5))
    return f"{half} * {language.functions['erfc'].format(f'(-{eta} * {root})')}"


def _share(language: Language, rate: str) -> str:
    """Return 1 - exp(-rate), whose digits a small rate would lose."""
    small, one, half = map(language.number, (SMALL, 1.0, 0.5))
    third = language.number(1.0 / 3.0)
    series = f"{rate} * ({one} - {half} * {rate} * ({one} - {third} * {rate}))"
    rest = f"{one} - {_exp(language, f'(-({rate}))')}"
    return language.cases([(f"{rate} < {small}", series), (f"{rate} >= {small}", rest)])


def _capped(language: Language, eta: str) -> str:
    """Return exp(eta), or a number so large that exp(-it) is 0."""
    most = language.number(LARGEST)
    huge = language.number(1e300)
    return language.cases([(f"{eta} > {most}", huge), (f"{eta} <= {most}", _exp(language, eta))])


def _cloglog(language: Language, link: Link, eta: str) -> str:
    return _share(language, _capped(language, eta))


def _loglog(language: Language, link: Link, eta: str) -> str:
    return _exp(language, f"(-{_capped(language, f'(-{eta})')})")


def _cauchy(language: Language, link: Link, eta: str) -> str:
    arctan, pi, half = language.functions["arctan"], language.number(math.pi), language.number(0.5)
    low, one = language.number(-1.0), language.number(1.0)
    tail = f"{arctan.format(f'(-{one} / {eta})')} / {pi}"
    return language.cases(
        [(f"{eta} < {low}", tail), (f"{eta} >= {low}", f"{half} + {arctan.format(eta)} / {pi}")]
    )


def _power(language: Language, link: Link, eta: str) -> str:
    power = float(getattr(link, "power"))  # noqa: B009  links of other kinds have none
    if power == 0.0:
        return _exp(language, eta)
    return language.functions["power"].format(eta, language.number(1.0 / power))


def _reciprocal(language: Language, link: Link, eta: str) -> str:
    return f"{language.number(1.0)} / {eta}"


INVERSES: Mapping[str, Inverse] = {
    "identity": _identity,
    "log": _log,
    "logit": _logit,
    "probit": _probit,
    "cloglog": _cloglog,
    "loglog": _loglog,
    "cauchit": _cauchy,
    "sqrt": _power,
    "power": _power,
    "inverse": _reciprocal,
    "inverse_squared": _power,
}
"""Inverses of the links that have a form in other languages, by name."""


def _complement(language: Language, link: Link, eta: str) -> str:
    """Return 1 less the mean."""
    mirror = {"loglog": "cloglog", "cloglog": "loglog"}.get(link.name, link.name)
    # each of these links has its own, or the other's, value at -eta
    return inverse(language, LINKS[mirror], f"(-{eta})")


def softmax(language: Language, etas: Sequence[str]) -> list[str]:
    """Return the probabilities of classes, the first of which has the predictor 0."""
    full = [language.number(0.0), *etas]
    largest = _largest(language, full)
    powers = [_exp(language, f"({eta} - {largest})") for eta in full]
    total = "(" + " + ".join(powers) + ")"
    return [f"{power} / {total}" for power in powers]


def _largest(language: Language, values: Sequence[str]) -> str:
    branches = []
    for j, value in enumerate(values):
        others = [f"{value} >= {other}" for k, other in enumerate(values) if k != j]
        branches.append((language.every(others), value))
    return language.cases(branches)


def cumulative(language: Language, link: Link, etas: Sequence[str]) -> list[str]:
    """Return the probabilities of ordered classes, from predictors of being at most each."""
    below = [inverse(language, link, eta) for eta in etas]
    last = _complement(language, link, etas[-1])
    middle = [f"{upper} - {lower}" for lower, upper in itertools.pairwise(below)]
    return [below[0], *middle, last]
