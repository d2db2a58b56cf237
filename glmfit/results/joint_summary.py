"""The summary of models with a predictor for the mean, and others for how responses spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glmfit.output import Summary
from glmfit.results.summary import _coefficients, _discrete_header, _notes

if TYPE_CHECKING:
    from glmfit.results.joint import JointResults

__all__ = ["summarise_joint"]


def summarise_joint(
    result: JointResults, *, yname: str | None, title: str | None, alpha: float
) -> Summary:
    """Return the summary (see `JointResults.summary`)."""
    left, right = _discrete_header(result, yname)
    # of a density the deviance and McFadden's ratio have no meaning
    right = tuple(field for field in right if field.label not in ("Pseudo R-squ.:", "Deviance:"))
    model, form = result.model, result.model.form
    tables = []
    for m, part in enumerate(form.likelihood.parts):
        span, link = form.span(part), form.likelihood.links[m]
        heading = f"Mean: {link} link"
        if part != "mean":
            heading = model.named[part].title
            heading = heading if form.natural[m] else f"{heading}: {link} link"
        names = model.data.names[span]
        tables.append(_coefficients(result, names, alpha, span.start, heading))
    return Summary(
        title=title or model.summary_title,
        left=left,
        right=right,
        tables=tuple(tables),
        notes=(model.statement, *_boundary(result), *_notes(result)),
    )


def _boundary(result: JointResults) -> list[str]:
    """Say what the test of the lower end says, where there is one."""
    if result.record.llf_boundary is None:
        return []
    name = result.model.data.names[-1]
    if result.record.at_boundary:
        return [f"{name} is 0, the end of its range: {result.model.at_the_end}"]
    test = result.boundary_test()
    return [
        f"Test of {name} = 0: LR = {test.statistic:.4g}, p = {test.pvalue:.3g}, from half a "
        "chi-square(1) and half a 0."
    ]
