"""Effects of absorbed factors, as results hand them out."""

from __future__ import annotations

from typing import Any

import pandas as pd

from glmfit.errors import NotAvailableError
from glmfit.results.record import FitRecord

__all__ = ["AbsorbedFactors", "refuse_effects"]


def refuse_effects(record: FitRecord, what: str) -> None:
    """Raise if the fit has absorbed effects."""
    if record.effects is not None:
        raise NotAvailableError(
            f"{what} is not available for a model with absorbed factors, which holds their "
            "effects but no covariance of them. Write the factors into the formula instead."
        )


class AbsorbedFactors:
    """Methods of results for models with absorbed factors."""

    model: Any
    record: FitRecord

    def fixed_effects(self) -> dict[str, pd.Series]:
        """Return the effects of the absorbed factors.

        They are normalised as those of indicator columns: every level of the first factor
        has an effect, and those of each further factor are 0 at its first level. With two
        factors whose levels fall into parts that no row connects, the second's are 0 at the
        first level of each part, and effects of different parts cannot be compared.
        They are consistent only where the rows of a level grow in number.

        Returns
        -------
        dict of str to Series
            By factor; the effect of each level on the scale of the link.

        Raises
        ------
        NotAvailableError
            If the model absorbs no factor.

        Examples
        --------
        >>> import glmfit as gf
        >>> warpbreaks = gf.datasets.load("warpbreaks")
        >>> result = gf.poisson("breaks ~ wool", warpbreaks, absorb="tension").fit()
        >>> result.fixed_effects()["tension"].round(4)
        tension
        H    3.1735
        L    3.6920
        M    3.3706
        dtype: float64
        """
        effects, absorbed = self.record.effects, self.model.data.absorbed
        if effects is None:
            raise NotAvailableError(
                "The model absorbs no factor, so it has no fixed effects beside its "
                "coefficients (params). absorb= at the model takes factors to absorb."
            )
        together = zip(absorbed.names, absorbed.levels, effects.values, strict=True)
        return {
            name: pd.Series(values, index=levels.rename(name)) for name, levels, values in together
        }
