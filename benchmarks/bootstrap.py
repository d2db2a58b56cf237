"""Time 10,000 bootstrap refits of the Challenger logit against a loop of statsmodels' fits.

    python -m benchmarks.bootstrap [--samples N] [--seed S] [--repeats R]

Both fit the same samples, as counts of the 23 flights. statsmodels gets arrays, `Logit` and
its defaults: the fastest way that it has. Samples whose data are separated have no finite
estimates; statsmodels ends somewhere or raises, and they are counted apart.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import glmfit as gf

__all__ = ["Comparison", "compare", "main"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Times in seconds, and how the estimates agree.

    Attributes
    ----------
    batched, loop : float
    finite : int
        Samples that have finite estimates.
    difference : float
        Largest relative difference of a coefficient in them.
    """

    samples: int
    batched: float
    loop: float
    finite: int
    difference: float

    def text(self) -> str:
        """Return the comparison in lines."""
        ratio = self.loop / self.batched
        return "\n".join(
            [
                f"Challenger logit, {self.samples:,} pairs bootstrap samples",
                f"  glmfit, batched          {self.batched:9.3f} s",
                f"  statsmodels, in a loop   {self.loop:9.3f} s   ({ratio:.1f}x)",
                f"  samples that separate    {self.samples - self.finite:9d}",
                f"  largest difference       {self.difference:9.1e}   (relative)",
            ]
        )


def compare(samples: int, seed: int, repeats: int) -> Comparison:
    """Fit the same samples both ways; of ``repeats`` batched runs the fastest counts."""
    data = gf.datasets.load("challenger")
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", data).fit()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        boot = result.bootstrap(samples, seed=seed)
        times.append(time.perf_counter() - start)
    n = len(data)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=samples)
    design = result.model.exog
    start = time.perf_counter()
    looped = _in_a_loop(result.model.endog, design, counts)
    loop = time.perf_counter() - start
    finite = (boot.status == "converged").to_numpy()
    ratio = looped[finite] / boot.replicates.to_numpy()[finite]
    return Comparison(
        samples, min(times), loop, int(finite.sum()), float(np.abs(ratio - 1.0).max(initial=0.0))
    )


def _in_a_loop(y: Array, design: Array, counts: NDArray[np.int64]) -> Array:
    """Return statsmodels' estimates of each sample; NaN where it raises."""
    import statsmodels.api as sm
    from statsmodels.tools.sm_exceptions import PerfectSeparationError

    out = np.full((counts.shape[0], design.shape[1]), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for r, count in enumerate(counts):
            rows = np.repeat(np.arange(y.size), count)
            try:
                out[r] = sm.Logit(y[rows], design[rows]).fit(disp=0).params
            except (np.linalg.LinAlgError, PerfectSeparationError):
                continue
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison and return the exit code."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.bootstrap", description=__doc__)
    made.add_argument("--samples", type=int, default=10_000)
    made.add_argument("--seed", type=int, default=20260101)
    made.add_argument("--repeats", type=int, default=3)
    given = made.parse_args(arguments)
    print(compare(given.samples, given.seed, given.repeats).text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
