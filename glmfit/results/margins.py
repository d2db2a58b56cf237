"""Margins of a fitted model: effects of variables, contrasts, adjusted predictions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, suggest
from glmfit.inference.effects import Contrast, Effect, Moved, Prediction, Slope
from glmfit.links import Link, Log, Logit
from glmfit.results.estimates import Line, Report, estimate
from glmfit.results.grid import RowOptions, as_list, make_grid
from glmfit.results.marginal import MarginalEffects, Margins
from glmfit.results.record import FitRecord

__all__ = ["MarginMethods"]

Array = NDArray[np.float64]

HEADINGS = {
    "dydx": "dy/dx",
    "eyex": "d(lny)/d(lnx)",
    "dyex": "dy/d(lnx)",
    "eydx": "d(lny)/dx",
}
COUNTED = "((x + 1) - (x - 1)) / 2"
CONTRASTS = ("reference", "pairwise", "sequential")


class MarginMethods:
    """Marginal effects and adjusted predictions of a fit.

    What changes is a variable, a column of the data: the design is made anew from it, so
    interactions, powers, splines and offsets follow. Averages are weighted by
    ``freq_weights``. Standard errors are by the delta method, from the covariance that the
    results have.
    """

    model: Any
    record: FitRecord

    def marginal_effects(
        self,
        variables: Any = None,
        at: Any = "overall",
        method: str = "dydx",
        *,
        by: Any = None,
        dummy: bool = True,
        **rows: Unpack[RowOptions],
    ) -> Margins:
        """Return how predictions change with variables, on average.

        For numbers the derivative, for factors and booleans the change from the reference
        level to each other one.

        Parameters
        ----------
        variables : str or list of str, optional
            Columns of the data (of ``exog``, for a model on arrays); all that enter the
            predictor by default.
        at : str or dict
            "overall" averages over the rows; "all" has an estimate for each row; "mean",
            "median" and "zero" take one row with numbers there and factors at their most
            frequent level (for "zero", at the reference); "balanced" averages over every
            combination of levels of the factors, with numbers at their means. A dict
            gives variables one value or several, ``{"x": [20, 40]}``; the others stay as
            observed, or are what ``others`` says.
        method : {"dydx", "eyex", "dyex", "eydx"}
            The derivative, the elasticity d(ln y)/d(ln x), or one of the half ones.
        by : str or list of str, optional
            Columns of the data in whose groups to average.
        dummy : bool
            Whether numbers that are 0 and 1 change from 0 to 1; a derivative otherwise.
        **rows
            ``others``, ``which`` ("mean" or "linear"), ``exog`` (other rows to average
            over) with ``offset`` and ``exposure`` as in `predict`, and ``weights`` (a
            column or values, in place of ``freq_weights``).

        Returns
        -------
        Margins
            A line for each variable, contrast and group, and for each level of the
            response where there are several.

        References
        ----------
        Bartus, T. (2005). Estimation of marginal effects using margeff. *The Stata
        Journal* 5, 309-329.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> result.marginal_effects().summary_frame().round(4)
                  term contrast  estimate  std_err       z       p  ci_lower  ci_upper
        0  TEMPERATURE    dy/dx   -0.0329   0.0094 -3.5096  0.0004   -0.0513   -0.0145
        """
        chosen = self._chosen(variables)
        lines = self._effect_lines(chosen, _method(method), dummy, False, variables is not None)
        report = Report("Marginal Effects", HEADINGS[method], None, 0.0, _linear(rows))
        return estimate(self, lines, make_grid(self.model, at, by, rows), report)

    def comparisons(
        self,
        variables: Any = None,
        contrast: str = "reference",
        compare: str = "difference",
        *,
        at: Any = "overall",
        by: Any = None,
        **rows: Unpack[RowOptions],
    ) -> Margins:
        """Compare predictions at two values of a variable, on average.

        Parameters
        ----------
        variables : str, list of str or dict, optional
            Columns of the data; all that enter the predictor by default. A dict says how
            a number changes: a step (``{"age": 10}`` compares age + 10 with age), a pair
            of values ``(low, high)``, or "sd" or "range" (of the rows of the fit). Numbers
            change by 1 by default, those that are 0 and 1 from 0 to 1.
        contrast : {"reference", "pairwise", "sequential"}
            Which levels of a factor are compared.
        compare : {"difference", "ratio"}
            Differences of average predictions, or ratios of them (a risk ratio, for
            probabilities), whose intervals and tests are made on the log scale.
        at, by, **rows
            As in `marginal_effects`.

        Returns
        -------
        Margins

        Examples
        --------
        >>> import glmfit as gf
        >>> warpbreaks = gf.datasets.load("warpbreaks")
        >>> result = gf.poisson("breaks ~ wool * tension", warpbreaks).fit()
        >>> found = result.comparisons("tension", "pairwise", by="wool")
        >>> found.summary_frame()[["term", "contrast", "wool", "estimate"]].round(3)
              term contrast wool  estimate
        0  tension    M - L    A   -20.556
        1  tension    M - L    B     0.556
        2  tension    H - L    A   -20.000
        3  tension    H - L    B    -9.444
        4  tension    H - M    A     0.556
        5  tension    H - M    B   -10.000
        """
        if contrast not in CONTRASTS:
            raise ArgumentError(
                f"contrast must be one of {', '.join(CONTRASTS)} (got {contrast!r})."
            )
        if compare not in ("difference", "ratio"):
            raise ArgumentError(f"compare must be 'difference' or 'ratio' (got {compare!r}).")
        grid = make_grid(self.model, at, by, rows)
        if compare == "ratio" and (grid.each or _linear(rows)):
            raise ArgumentError(
                "Ratios are those of average means: they go with neither at='all' nor "
                "which='linear'."
            )
        lines = []
        for name, change in self._changes(variables).items():
            for pair in _pairs(self.model.variables[name], change, contrast):
                lines.append(_comparison(name, pair, compare))
        ratio = compare == "ratio"
        report = Report(
            "Comparisons of Predictions",
            compare,
            Log() if ratio else None,
            1.0 if ratio else 0.0,
            _linear(rows),
        )
        return estimate(self, lines, grid, report)

    def adjusted_predictions(
        self, by: Any = None, at: Any = "overall", **rows: Unpack[RowOptions]
    ) -> Margins:
        """Return average predictions, with variables at given values or in groups.

        Parameters
        ----------
        by : str or list of str, optional
            Columns of the data in whose groups to average.
        at : str or dict
            As in `marginal_effects`.
        **rows
            As in `marginal_effects`. For a model with one mean ``which`` can also be
            "invlink": averages of the linear predictor, carried back by the inverse link.

        Returns
        -------
        Margins
            Intervals are made on the link scale of the average (for several classes, on
            the logit scale of each), so that they stay in range.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> found = result.adjusted_predictions(at={"TEMPERATURE": [31, 70]})
        >>> found.summary_frame().round(3)
           TEMPERATURE  estimate  std_err  ci_lower  ci_upper
        0           31      1.00    0.002     0.482      1.00
        1           70      0.23    0.105     0.085      0.49
        """
        which = rows.get("which", "mean")
        linear = _linear(rows, "invlink")
        link = self._interval_link()
        if which == "invlink":
            if self.model.prediction_names(False) is not None:
                raise ArgumentError("which='invlink' is for models with one mean.")
            report = Report("Adjusted Predictions", "prediction", link, None, True, link)
        elif linear:
            report = Report("Adjusted Predictions", "linear", None, None, True)
        else:
            report = Report("Adjusted Predictions", "prediction", link, None)
        grid = make_grid(self.model, at, by, rows)
        if grid.each and which == "invlink":
            raise ArgumentError("which='invlink' is for averages; at='all' has none.")
        return estimate(self, [Line({}, (Prediction(),))], grid, report)

    def marginal_means(self, variables: Any, at: Any = None, **rows: Unpack[RowOptions]) -> Margins:
        """Return average predictions of levels of factors over a balanced grid.

        Every combination of levels of the model's factors counts the same, and numbers are
        at their means: what the data would say if the design were balanced (R's emmeans).
        An offset in the formula is computed from the mean of its variable, where emmeans
        takes the mean of the offset.

        Parameters
        ----------
        variables : str or list of str
            The factors whose levels, or combinations of levels, are compared.
        at : dict, optional
            Values of further variables.
        **rows
            ``which``: "mean" averages means, "linear" linear predictors, "invlink" carries
            the latter back.

        Returns
        -------
        Margins

        References
        ----------
        Searle, S. R., Speed, F. M. and Milliken, G. A. (1980). Population marginal means in
        the linear model: an alternative to least squares means. *The American
        Statistician* 34, 216-221.

        Examples
        --------
        >>> import glmfit as gf
        >>> warpbreaks = gf.datasets.load("warpbreaks")
        >>> result = gf.poisson("breaks ~ wool * tension", warpbreaks).fit()
        >>> result.marginal_means("tension", which="invlink").summary_frame().round(3)
          tension  estimate  std_err  ci_lower  ci_upper
        0       L    35.461    1.422    32.781    38.360
        1       M    26.281    1.211    24.011    28.764
        2       H    21.473    1.097    19.427    23.735
        """
        names = as_list(variables)
        for name in names:
            if not self._variable(name).levels:
                raise ArgumentError(
                    f"{name} is a number and has no levels; adjusted_predictions(at={{...}}) "
                    "takes its values."
                )
        if at is not None and not isinstance(at, Mapping):
            raise ArgumentError("at gives values of further variables, as in at={'x': 1}.")
        options: RowOptions = {**rows, "others": "balanced"}
        return self.adjusted_predictions(names, {} if at is None else at, **options)

    def get_margeff(
        self,
        at: str = "overall",
        method: str = "dydx",
        atexog: Any = None,
        dummy: bool = False,
        count: bool = False,
    ) -> MarginalEffects:
        """Return marginal effects as statsmodels calls them.

        For a model on arrays the numbers are statsmodels', column by column. For a formula
        they are so too where a variable is a column. Otherwise they differ on purpose: a
        variable that enters several columns (a power, a spline, an interaction) has one
        effect, with all of them moving; a factor or a boolean changes from its reference
        level to each other one, and ``at="mean"`` means the mean of the variable, the most
        frequent level of a factor. Offsets and exposures are obeyed, and frequencies weigh
        rows.

        Parameters
        ----------
        at : {"overall", "mean", "median", "zero", "all"}
            As in `marginal_effects`.
        method : {"dydx", "eyex", "dyex", "eydx"}
            As in `marginal_effects`.
        atexog : dict or array_like, optional
            Values of variables by name, or by position of the column for a model on
            arrays; or rows to average over in place of the data.
        dummy : bool
            Whether numbers that are 0 and 1 change from 0 to 1.
        count : bool
            Whether numbers that are whole and not negative have half the change from one
            less to one more.

        Returns
        -------
        MarginalEffects
            With ``margeff``, ``margeff_se``, ``margeff_cov``, ``tvalues``, ``pvalues``,
            ``conf_int()``, ``summary()`` and ``summary_frame()``.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit()
        >>> result.get_margeff(at="mean").margeff.round(4)
        array([-0.0433])
        """
        word, kind = str(at).lower(), _method(method)
        if word not in ("overall", "mean", "median", "zero", "all"):
            raise ArgumentError(
                f"at must be overall, mean, median, zero or all (got {at!r}); "
                "marginal_effects() takes values of variables too."
            )
        lines = self._effect_lines(self._chosen(None), kind, dummy, count, False)
        rows: RowOptions = {}
        where: Any = word
        if isinstance(atexog, Mapping):
            where = {self._position(name): value for name, value in atexog.items()}
            rows["others"] = word
        elif atexog is not None:
            rows["exog"] = atexog
        report = Report(f"{self.model.summary_name} Marginal Effects", HEADINGS[kind], None, 0.0)
        margins = estimate(self, lines, make_grid(self.model, where, None, rows), report)
        levels = self.model.prediction_names(False)
        cells = (len(lines),) if levels is None else (len(lines), len(levels))
        return MarginalEffects(
            margins,
            tuple(_short(line.labels) for line in lines),
            levels,
            {"method": kind, "at": word},
            cells,
        )

    # -- what is asked for -----------------------------------------------------------------

    def _variable(self, name: Any) -> Any:
        variables = self.model.variables
        if name not in variables:
            raise ArgumentError(
                f"There is no variable {name!r}.{suggest(str(name), variables)} "
                f"There are: {', '.join(variables)}."
            )
        return variables[name]

    def _chosen(self, variables: Any) -> list[str]:
        """Return the variables to look at: those named, or all that terms read."""
        if variables is not None:
            return [self._variable(name).name for name in as_list(variables)]
        found = [
            name
            for name, v in self.model.variables.items()
            if v.in_terms and (v.levels[1:] or v.high > v.low)
        ]
        if not found:
            raise ArgumentError("The model has no variable besides a constant.")
        return found

    def _position(self, name: Any) -> Any:
        """Return the variable that a position of a column, or a name, stands for."""
        if isinstance(name, (int, np.integer)) and not isinstance(name, bool):
            names = self.model.data.names
            if not -len(names) <= name < len(names):
                raise ArgumentError(f"atexog: there is no column {name}.")
            name = names[name]
        return self._variable(name).name

    def _effect_lines(
        self, names: list[str], method: str, dummy: bool, count: bool, named: bool
    ) -> list[Line]:
        log, times_x = method.startswith("ey"), method.endswith("ex")
        lines, stepped = [], []
        for name in names:
            v = self.model.variables[name]
            if v.levels or (dummy and v.binary) or (count and v.counts and not v.binary):
                stepped.append(name)
                if not times_x:
                    lines += _step_lines(v, log)
                continue
            slope = Slope(name, v.low, v.high, times_x=times_x, log=log, linear=v.linear)
            lines.append(Line({"term": name, "contrast": HEADINGS[method]}, (slope,)))
        if times_x and stepped and (named or not lines):
            raise ArgumentError(
                f"method={method!r} divides by changes of ln x, which {', '.join(stepped)} "
                "do not have: they change in steps. Use 'dydx' or 'eydx', or leave them out."
            )
        return lines

    def _changes(self, variables: Any) -> dict[str, Any]:
        if isinstance(variables, Mapping):
            return {self._variable(name).name: change for name, change in variables.items()}
        return dict.fromkeys(self._chosen(variables))

    def _interval_link(self) -> Link:
        """Return the link on whose scale intervals for averages are made."""
        _ = self.model.expectation  # refused where there is none
        if self.model.prediction_names(False) is not None:
            return Logit()
        link: Link = self.model.family.link
        return link


def _linear(rows: RowOptions, *more: str) -> bool:
    which, known = rows.get("which", "mean"), ("mean", "linear", *more)
    if which not in known:
        told = " or ".join(map(repr, known))
        raise ArgumentError(f"which must be {told} (got {which!r}).")
    return which == "linear"


def _method(method: Any) -> str:
    kind = str(method).lower()
    if kind not in HEADINGS:
        raise ArgumentError(f"method must be one of {', '.join(HEADINGS)} (got {method!r}).")
    return kind


def _short(labels: dict[str, Any]) -> str:
    plain = labels["contrast"] in (*HEADINGS.values(), "1 - 0", COUNTED)
    return labels["term"] if plain else f"{labels['term']}[{labels['contrast']}]"


Values = Callable[[Any], Any]


def _value(variable: Any, value: Any) -> Values:
    """Return the function that puts one value in place of a column."""
    return partial(_filled, variable, value)


def _filled(variable: Any, value: Any, column: Any) -> Any:
    return variable.filled(value, len(column))


def _shift(step: float) -> Values:
    return partial(_moved, step)


def _moved(step: float, column: Any) -> Array:
    return np.asarray(column, dtype=np.float64) + step


def _step_lines(variable: Any, log: bool) -> list[Line]:
    """Return the lines of a variable that changes in steps."""
    if not variable.levels and not variable.binary:
        effect = Contrast(variable.name, _shift(1.0), _shift(-1.0), log=log, factor=0.5)
        return [Line({"term": variable.name, "contrast": COUNTED}, (effect,))]
    levels = variable.levels or (0.0, 1.0)
    reference = variable.reference if variable.levels else 0.0
    lines = []
    for level in levels:
        if level == reference:
            continue
        effect = Contrast(
            variable.name, _value(variable, level), _value(variable, reference), log=log
        )
        told = f"{_text(level)} - {_text(reference)}"
        lines.append(Line({"term": variable.name, "contrast": told}, (effect,)))
    return lines


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


Pair = tuple[str, str, Values, Values]
"""What is compared with what, in words, and the functions that set it."""


def _pairs(variable: Any, change: Any, contrast: str) -> list[Pair]:
    """Return the values of a variable that are compared."""
    if variable.levels:
        if change is not None:
            wanted = [tuple(reversed(_pair_of(variable, change)))]
        else:
            wanted = _level_pairs(variable, contrast)
        return [(_text(a), _text(b), _value(variable, a), _value(variable, b)) for a, b in wanted]
    if change is None and variable.binary:
        change = (0.0, 1.0)
    if change in ("sd", "range"):
        change = variable.sd if change == "sd" else (variable.low, variable.high)
    if change is None or np.ndim(change) == 0:
        step = 1.0 if change is None else _number(change, variable.name)
        return [(f"(x + {step:g})", "x", _shift(step), _shift(0.0))]
    low, high = (_number(value, variable.name) for value in _pair_of(variable, change))
    return [(_text(high), _text(low), _value(variable, high), _value(variable, low))]


def _pair_of(variable: Any, change: Any) -> tuple[Any, Any]:
    if isinstance(change, str) or np.ndim(change) != 1 or len(change) != 2:
        raise ArgumentError(
            f"{variable.name}: give a pair (from, to)"
            f"{'' if variable.levels else ', a step, sd or range'} (got {change!r})."
        )
    return change[0], change[1]


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise ArgumentError(f"{name} changes by a number, a pair, 'sd' or 'range' (got {value!r}).")
    return float(value)


def _level_pairs(variable: Any, contrast: str) -> list[tuple[Any, Any]]:
    levels = variable.levels
    if contrast == "reference":
        return [(level, variable.reference) for level in levels if level != variable.reference]
    if contrast == "sequential":
        return [(b, a) for a, b in itertools.pairwise(levels)]
    return [(b, a) for a, b in itertools.combinations(levels, 2)]


def _comparison(name: str, pair: Pair, compare: str) -> Line:
    high, low, to_high, to_low = pair
    if compare == "ratio":
        effects: tuple[Effect, ...] = (Moved(name, to_high), Moved(name, to_low))
        return Line({"term": name, "contrast": f"{high} / {low}"}, effects)
    return Line({"term": name, "contrast": f"{high} - {low}"}, (Contrast(name, to_high, to_low),))
