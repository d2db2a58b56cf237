"""The page that says in words what looks wrong with a fit, and its rules."""

from __future__ import annotations

import html
import math
import textwrap
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Check", "Finding", "generalised_vif"]

Array = NDArray[np.float64]

Verdict = Literal["look", "fine", "not applicable"]

WIDTH = 78
PRE = "font-family: monospace; white-space: pre; overflow-x: auto; line-height: 1.25"
"""Style of the page in HTML, since notebooks may set `pre` in another font and wrap it."""

LABELS = {"look": "LOOK", "fine": "ok", "not applicable": "-"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check.

    Attributes
    ----------
    topic : str
    verdict : {"look", "fine", "not applicable"}
    found : str
        What was found, in words, with its number.
    value : float
        The number; NaN where there is none.
    rule : str
        What the number was held against.
    source : str
        Where the rule comes from.
    """

    topic: str
    verdict: Verdict
    found: str
    value: float = math.nan
    rule: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What looks wrong with a fit, and what does not.

    Attributes
    ----------
    title : str
        The model.
    findings : tuple of Finding
    """

    title: str
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        order = list(LABELS)
        ranked = sorted(self.findings, key=lambda finding: order.index(finding.verdict))
        object.__setattr__(self, "findings", tuple(ranked))

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that call for a look."""
        return tuple(finding for finding in self.findings if finding.verdict == "look")

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each finding.

        Returns
        -------
        DataFrame
            Indexed by topic; columns ``verdict, value, found, rule, source``.
        """
        names = ["verdict", "value", "found", "rule", "source"]
        rows = [[getattr(finding, name) for name in names] for finding in self.findings]
        index = pd.Index([finding.topic for finding in self.findings], name="topic")
        return pd.DataFrame(rows, index=index, columns=names)

    def __str__(self) -> str:
        lines = [self.title.center(WIDTH).rstrip(), "=" * WIDTH, *self._headline(), "-" * WIDTH]
        for finding in self.findings:
            lines += _lines(finding)
        lines.append("=" * WIDTH)
        lines += textwrap.wrap(
            "The rules are conventions: LOOK says where to look, not that the model is wrong, "
            "and ok is no proof that it is right.",
            WIDTH,
        )
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f'<pre style="{PRE}">{html.escape(str(self))}</pre>'

    def _headline(self) -> list[str]:
        problems = self.problems
        if not problems:
            return ["Nothing here calls for a look."]
        count = len(problems)
        noun = "thing calls" if count == 1 else "things call"
        topics = ", ".join(finding.topic.lower() for finding in problems)
        return textwrap.wrap(f"{count} {noun} for a look: {topics}.", WIDTH)


def _lines(finding: Finding) -> list[str]:
    head = f"{LABELS[finding.verdict]:<5}{finding.topic:<18}"
    body = textwrap.wrap(
        finding.found, WIDTH - len(head), break_long_words=False, break_on_hyphens=False
    )
    if finding.rule:
        source = f" ({finding.source})" if finding.source else ""
        body += textwrap.wrap(
            f"Rule: {finding.rule}{source}.", WIDTH - len(head), break_on_hyphens=False
        )
    first, *others = body
    return [f"{head}{first}", *(" " * len(head) + line for line in others)]


def generalised_vif(covariance: Array, groups: dict[str, list[int]]) -> dict[str, float]:
    """Return GVIF^(1 / (2 df)) of each group of coefficients, the constant left out.

    For a group of one it is the root of the usual variance inflation factor: by how much
    the other columns widen its standard error.

    Parameters
    ----------
    covariance : ndarray of shape (q, q)
        Of the coefficients but the constant.
    groups : dict of str to list of int

    References
    ----------
    Fox, J. and Monette, G. (1992). Generalized collinearity diagnostics. *JASA* 87,
    178-183, eq. 10.
    """
    error = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(error, error)
    whole = np.linalg.slogdet(correlation)[1]
    out = {}
    for name, own in groups.items():
        rest = np.setdiff1d(np.arange(error.size), own)
        log_gvif = (
            np.linalg.slogdet(correlation[np.ix_(own, own)])[1]
            + np.linalg.slogdet(correlation[np.ix_(rest, rest)])[1]
            - whole
        )
        out[name] = math.exp(log_gvif / (2 * len(own)))
    return out
