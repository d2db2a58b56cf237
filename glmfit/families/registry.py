"""The names under which families are found."""

from __future__ import annotations

import re
from typing import Any

from glmfit.errors import ArgumentError, ArgumentTypeError, suggest
from glmfit.families.base import Family
from glmfit.families.continuous import Gamma, Gaussian, InverseGaussian
from glmfit.families.discrete import Binomial, NegativeBinomial, Poisson
from glmfit.families.quasi import Quasi, QuasiBinomial, QuasiPoisson
from glmfit.families.tweedie import Tweedie
from glmfit.links import Link

__all__ = ["FAMILIES", "family_key", "register_family", "resolve_family"]

FAMILIES: dict[str, Family] = {}
"""Registered families by every name that they answer to."""


def family_key(name: str) -> str:
    """Return the form of a name under which families are registered."""
    return re.sub(r"[\s_.\-]", "", name).lower()


def register_family(family: Family, *aliases: str) -> None:
    """Make ``family`` known by its own name and by ``aliases``."""
    for name in (family.name, *aliases):
        FAMILIES[family_key(name)] = family


register_family(Gaussian(), "normal")
register_family(Binomial(), "bernoulli")
register_family(Poisson())
register_family(Gamma())
register_family(InverseGaussian())
register_family(NegativeBinomial(), "nb", "nb2")
register_family(Tweedie())
register_family(Quasi())
register_family(QuasiBinomial())
register_family(QuasiPoisson())


def resolve_family(family: Any, link: str | Link | type[Link] | None = None) -> Family:
    """Return the family that a name, a class or an instance stands for.

    Parameters
    ----------
    family : str, Family or type of Family
        A registered name such as ``"poisson"``, an instance, or a class.
    link : str, Link or type of Link, optional
        Replaces the family's link.

    Raises
    ------
    ArgumentError
        If the name is not registered, or the family still lacks a parameter.
    ArgumentTypeError
        If ``family`` is something else.

    Examples
    --------
    >>> resolve_family("binomial", link="probit")
    Binomial(link=Probit())
    """
    found = _find_family(family)
    found = found if link is None else found.with_link(link)
    missing = found.missing_parameter()
    if missing is not None and not found.estimated_by_fit:
        raise ArgumentError(
            f"The {found.name} family with the {found.link} link needs {missing}: "
            f"give families.{type(found).__name__}({missing}=...). "
            "glm() estimates alpha of a NegativeBinomial with the log link, and tweedie() the "
            "power of Tweedie responses with zeros."
        )
    return found


def _find_family(family: Any) -> Family:
    if isinstance(family, Family):
        return family
    if isinstance(family, type) and issubclass(family, Family):
        return family()
    if isinstance(family, str):
        key = family_key(family)
        if key in FAMILIES:
            return FAMILIES[key]
        names = sorted({known.name for known in FAMILIES.values()})
        raise ArgumentError(
            f"There is no family {family!r}.{suggest(key, FAMILIES)} Known: {', '.join(names)}."
        )
    raise ArgumentTypeError(
        f"A family is a name such as 'poisson' or an instance such as families.Poisson(); "
        f"got {type(family).__name__}."
    )
