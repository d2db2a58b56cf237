"""How a fit is run: limits and tolerances, validated once."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from numbers import Integral, Real

from glmfit.engine.resume import Bookmark
from glmfit.errors import ArgumentError, suggest

__all__ = ["STOPS", "Control"]

STOPS = ("score", "params", "loglik", "gradient")
"""Rules by which a fit stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Limits and tolerances of a fit.

    Parameters
    ----------
    maxiter : int
        Largest number of iterations.
    tol : float
        Tolerance of the stopping rule.
    stop : {"score", "params", "loglik", "gradient"}
        What must be within ``tol``. "score" (the default): the distance to the maximum,
        as the score tells it, of every coefficient in its standard errors; Newton's method
        and Fisher scoring take one more step after that. "params": the largest absolute
        change of a coefficient in an iteration. "loglik": the change of the log-likelihood.
        "gradient": the Euclidean length of its gradient. The last three depend on the
        units of the data, and the fit stops right where they are met, be it at the
        maximum or on the way there.
    max_halvings : int
        How often a step that raises the deviance is halved.
    rank_tol : float
        A column is aliased when what the columns before it leave of it is shorter than
        ``rank_tol`` of its length.
    chunk_rows : int, optional
        Rows that are held in cache together; by default as many as the columns allow.
    threads : int, optional
        Threads for passes over rows; by default the processors of this process.
    disp : bool
        Print a line for each iteration.
    resume : path, optional
        File to which the fit writes iteration and coefficients at every point, as JSON. If it
        is there already, the fit goes on from it. For generalised linear models.

    Examples
    --------
    >>> Control(maxiter=50).maxiter
    50
    """

    maxiter: int = 100
    tol: float = 1e-8
    stop: str = "score"
    max_halvings: int = 40
    rank_tol: float = 1e-11
    chunk_rows: int | None = None
    threads: int | None = None
    disp: bool = False
    resume: str | os.PathLike[str] | Bookmark | None = None

    def __post_init__(self) -> None:
        for name in ("maxiter", "max_halvings", "chunk_rows"):
            value = getattr(self, name)
            if name == "chunk_rows" and value is None:
                continue
            if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
                raise ArgumentError(f"{name} must be a whole number of at least 1 (got {value!r}).")
            object.__setattr__(self, name, int(value))
        for name in ("tol", "rank_tol"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and math.isfinite(value) and float(value) > 0.0):
                raise ArgumentError(f"{name} must be a positive number (got {value!r}).")
        if self.stop not in STOPS:
            raise ArgumentError(
                f"There is no stop {self.stop!r}.{suggest(str(self.stop), STOPS)} A fit stops by "
                f"{', '.join(map(repr, STOPS))}."
            )
        if self.threads is not None and not (
            isinstance(self.threads, Integral) and self.threads >= 1
        ):
            raise ArgumentError(f"threads must be at least 1 (got {self.threads!r}).")
        if not isinstance(self.resume, (str, os.PathLike, Bookmark, type(None))):
            raise ArgumentError(f"resume must be the path of a file (got {self.resume!r}).")

    def certain(self) -> Control:
        """Return the control of a fit that serves another one: it runs to the maximum."""
        usual = Control()
        return replace(
            self,
            maxiter=max(self.maxiter, usual.maxiter),
            tol=min(self.tol, usual.tol),
            stop=usual.stop,
            disp=False,
            resume=None,
        )

    def bookmarked(self, fit: str) -> Control:
        """Return the control of a fit that can go on from a file; ``fit`` says what is fitted."""
        if self.resume is None or isinstance(self.resume, Bookmark):
            return self
        mark = Bookmark(os.fspath(self.resume), fit)
        found = mark.read()
        return replace(self, resume=mark if found is None else replace(mark, before=found[0]))

    @property
    def bookmark(self) -> Bookmark | None:
        """The file to which the fit writes where it is."""
        return self.resume if isinstance(self.resume, Bookmark) else None

    @property
    def n_threads(self) -> int:
        """Threads to use."""
        if self.threads is not None:
            return self.threads
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
