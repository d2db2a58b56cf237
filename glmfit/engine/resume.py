"""Where a long fit has got to, in a file from which it goes on if it is interrupted."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glmfit.errors import ArgumentError

__all__ = ["Bookmark"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The file of one fit.

    Attributes
    ----------
    path : str
    fit : str
        What is fitted, in words; a file of something else is refused.
    before : int
        Iterations of the runs before this one.
    """

    path: str
    fit: str
    before: int = 0

    def write(self, iteration: int, deviance: float, theta: Array) -> None:
        """Write where the fit is, in place of where it was; the file is always whole."""
        content = {
            "fit": self.fit,
            "iteration": self.before + iteration,
            "deviance": deviance,
            "coefficients": theta.tolist(),
        }
        partial = f"{self.path}.part"
        Path(partial).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, self.path)

    def read(self) -> tuple[int, Array] | None:
        """Return iteration and coefficients of the file; None if there is no file yet.

        Raises
        ------
        ArgumentError
            If the file is of another fit, or not of a fit at all.
        """
        if not Path(self.path).exists():
            return None
        try:
            content = json.loads(Path(self.path).read_text(encoding="utf-8"))
            fit, iteration = content["fit"], int(content["iteration"])
            theta = np.array(content["coefficients"], dtype=np.float64)
        except (ValueError, KeyError, TypeError) as error:
            raise ArgumentError(
                f"resume={self.path!r} is no file of a fit ({error!r}). Give another path, at "
                "which the state of this fit can be written."
            ) from error
        if fit != self.fit or theta.ndim != 1 or not np.isfinite(theta).all():
            raise ArgumentError(
                f"resume={self.path!r} holds the state of another fit: {str(fit)[:300]}; this is "
                f"{self.fit[:300]}. Delete the file, or give another path."
            )
        return iteration, theta
