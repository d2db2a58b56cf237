"""Goodness of fit of models, as methods of their results."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glmfit.errors import ArgumentError, NotAvailableError
from glmfit.inference import discrimination, goodness
from glmfit.inference.check import Check
from glmfit.inference.discrimination import Calibration, Roc
from glmfit.inference.goodness import GoodnessTest
from glmfit.results.absorbed import refuse_effects
from glmfit.results.check import check_fit
from glmfit.results.record import FitRecord

__all__ = ["CheckMethods", "ClassGoodness", "ModelGoodness"]

Array = NDArray[np.float64]

DISPERSION = {"cameron-trivedi", "dean"}


class CheckMethods:
    """One page on what looks wrong with a fit."""

    def check(self) -> Check:
        """Say in words what looks wrong with the fit.

        Convergence, separation, collinearity, missing rows and few events per coefficient;
        for generalised linear models also dispersion, the link, excess zeros, outliers, and
        influential rows by their labels. Each line gives the number, the rule that it is
        held against, and where the rule comes from. The rules are conventions: a line says
        where to look, not that the model is wrong, and no line is no proof that it is right.

        Returns
        -------
        Check
            Prints as a page; ``to_frame()`` has a row for each line, ``problems`` those
            that call for a look.

        Examples
        --------
        >>> import glmfit as gf
        >>> quine = gf.datasets.load("quine")
        >>> found = gf.poisson("days ~ eth + sex + age + lrn", quine).fit().check()
        >>> [finding.topic for finding in found.problems]
        ['Dispersion', 'Zeros', 'Influential rows']
        """
        return check_fit(self)


class ModelGoodness(CheckMethods):
    """Tests of fit of a generalised linear model."""

    model: Any
    record: FitRecord
    _judged: Any

    # -- what the tests are made of ------------------------------------------------------

    def _frequencies(self) -> Array:
        data = self.model.data
        count: Array | None = data.freq_weights
        return np.ones_like(self.model.endog) if count is None else count

    def _trials(self) -> Array:
        trials: Array | None = self.model.data.response.trials
        return np.ones_like(self.model.endog) if trials is None else trials

    def _require_family(self, right: bool, what: str, needed: str) -> None:
        if not right:
            raise NotAvailableError(
                f"{what} is for {needed}; this one has the {self.model.family.describe()} family "
                f"with the {self.model.family.link} link."
            )

    def _require_plain(self, what: str) -> None:
        """Refuse what has no meaning for the fit at hand."""
        if self.record.separation is not None:
            raise NotAvailableError(
                f"{what} rests on a finite maximum of the likelihood, and the data are separated. "
                "result.check() says how."
            )
        if self.record.bias_reduced is not None:
            raise NotAvailableError(
                f"{what} rests on maximum-likelihood estimates, and these are bias-reduced."
            )
        if self.record.shrunk:
            raise NotAvailableError(
                f"{what} rests on maximum-likelihood estimates, and these are penalised."
            )
        if self.model.family.dispersion is not None and self.model.data.var_weights is not None:
            raise NotAvailableError(
                f"{what} needs the distribution of each response, and the "
                f"{self.model.family.name} family has none with variance weights."
            )

    def _fitted(self) -> tuple[Any, Array, Array]:
        """Return the fitted pass, its coefficients and which rows used stand in it."""
        record = self.record
        refuse_effects(record, "This test")
        return (
            self.model.fitted_pass(record),
            record.base[record.kept],
            self.model.fitted_rows(record),
        )

    def _inverse(self) -> Array:
        inverse: Array = self.model.inverse_information(self.record, observed=False)
        return inverse

    def _mean(self) -> Array:
        mean: Array = self.model.family.link.inverse(self.model.fitted_eta(self.record))
        return mean

    def _outcomes(
        self, what: str, data: Any = None, y: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, Array, Array]:
        """Return probability, events and non-events of each row, of the fit or of new data."""
        self._require_family(self.model.family.proportions, what, "binomial models")
        judged = self._judged(data, y, options or {})
        seen = judged.counts.sum(axis=1) > 0.0
        others, events = judged.counts[seen].T
        return judged.probability[seen, 1], events, others

    # -- residual chi-squares --------------------------------------------------------------

    def pearson_test(self) -> GoodnessTest:
        """Return the test of Pearson's chi-square against its degrees of freedom.

        Returns
        -------
        GoodnessTest
            Its ``note`` says whether the expected counts are large enough; without p-value
            for binary responses, of which it says nothing.

        Raises
        ------
        NotAvailableError
            If the dispersion is estimated, from these very residuals.

        Examples
        --------
        >>> import glmfit as gf
        >>> beetles = gf.datasets.load("beetles")
        >>> result = gf.logit("killed + survived ~ log_dose", beetles).fit()
        >>> result.pearson_test().in_words
        'chi-square = 10.03 on 6 df, p = 0.124'
        """
        return self._residual_test("Pearson's chi-square test", self.record.pearson_chi2)

    def deviance_test(self) -> GoodnessTest:
        """Return the test of the deviance against its degrees of freedom.

        See `pearson_test`; the deviance needs larger counts than Pearson's statistic.
        """
        return self._residual_test("Deviance test", self.record.deviance)

    def _residual_test(self, name: str, statistic: float) -> GoodnessTest:
        family = self.model.family
        discrete = (family.counts or family.proportions) and family.dispersion is not None
        self._require_family(discrete, name, "counts with a known dispersion")
        if self.record.scale != family.dispersion:
            raise NotAvailableError(
                f"{name} needs the dispersion to be known, and it was given or estimated here."
            )
        self._require_plain(name)
        used = self._frequencies() > 0.0
        mu, trials = self._mean()[used], self._trials()[used]
        expected: Array | None = mu
        if family.proportions:
            binary = bool((trials <= 1.0).all())
            expected = None if binary else np.concatenate([trials * mu, trials * (1.0 - mu)])
        return goodness.residual_chi2(name, statistic, self.record.df_resid, expected)

    # -- binary responses --------------------------------------------------------------------

    def hosmer_lemeshow_test(self, n_groups: int = 10) -> GoodnessTest:
        """Return Hosmer and Lemeshow's test on groups of fitted probabilities.

        Parameters
        ----------
        n_groups : int
            Groups to form, between quantiles of the fitted probabilities (R's type 7) of
            all single observations; equal probabilities stay together, which may leave
            fewer. The degrees of freedom are the groups formed less 2.

        Returns
        -------
        GoodnessTest
            ``table`` has the groups.

        References
        ----------
        Hosmer, D. W. and Lemeshow, S. (1980). A goodness-of-fit test for the multiple
        logistic regression model. *Communications in Statistics* A9, 1043-1069.
        """
        what = "The Hosmer-Lemeshow test"
        groups = discrimination.positive_groups(n_groups)
        mu, events, others = self._outcomes(what)
        self._require_plain(what)
        return goodness.hosmer_lemeshow(mu, events, events + others, groups)

    def unweighted_squares_test(self) -> GoodnessTest:
        """Return the test of the unweighted sum of squares, for binary logit models.

        It needs no groups (Copas 1989; Hosmer, Hosmer, le Cessie and Lemeshow 1997).
        """
        what = "The unweighted sum of squares test"
        self._require_logit(what)
        run, theta, _ = self._fitted()
        return goodness.unweighted_squares(run, theta, self._inverse())

    def stukel_test(self, method: str = "score") -> GoodnessTest:
        """Return Stukel's test of the tails of a logit model.

        Parameters
        ----------
        method : {"score", "lr"}
            Rao's score test, which fits nothing; or the deviance that the two covariates
            save.

        References
        ----------
        Stukel, T. A. (1988). Generalized logistic models. *JASA* 83, 426-431.
        """
        what = "Stukel's test"
        self._require_logit(what)
        run, theta, _ = self._fitted()
        extra = goodness.stukel_columns(run.eta(theta))
        return self._added(what, "both tails of the link are those of the logit", extra, method)

    def _require_logit(self, what: str) -> None:
        family = self.model.family
        right = family.proportions and family.canonical and family.dispersion is not None
        self._require_family(right, what, "binomial models with the logit link")
        self._require_plain(what)

    def link_test(self, method: str = "score") -> GoodnessTest:
        """Return Pregibon's test of the link: the square of the predictor is added.

        A wrong link shows, and so do terms that should not be linear.

        Parameters
        ----------
        method : {"score", "lr"}
            Rao's score test, which fits nothing; or the deviance that the square saves.

        References
        ----------
        Pregibon, D. (1980). Goodness of link tests for generalized linear models. *Applied
        Statistics* 29, 15-24.

        Examples
        --------
        >>> import glmfit as gf
        >>> beetles = gf.datasets.load("beetles")
        >>> gf.logit("killed + survived ~ log_dose", beetles).fit().link_test().in_words
        'chi-square = 7.617 on 1 df, p = 0.00578'
        """
        if self.record.separation is not None or not self.record.maximises_likelihood:
            self._require_plain("The link test")
        run, theta, _ = self._fitted()
        eta = run.eta(theta)
        tested = "the link, and that the predictor is linear"
        return self._added("Link test", tested, (eta**2)[:, None], method)

    def _added(self, name: str, tested: str, extra: Array, method: str) -> GoodnessTest:
        run, theta, _ = self._fitted()
        known = self.model.family.dispersion is not None
        statistic, df = goodness.added_columns(run, theta, extra, self.record.scale, method=method)
        ways = {"score": "Rao's score test.", "lr": "Likelihood-ratio test."}
        if math.isnan(statistic) and df:
            ways["lr"] = "The larger model has no finite estimates; use method='score'."
        note = ways[method] if known else f"{ways[method][:-1]}, at the dispersion of the fit."
        left = None if known else self.record.df_resid
        return goodness.added_test(name, tested, note, statistic, df, left)

    # -- dispersion and zeros ------------------------------------------------------------------

    @property
    def scale_bse(self) -> float:
        """Standard error of the dispersion of greatest likelihood (``fit(scale="ML")``).

        Raises
        ------
        NotAvailableError
            If the dispersion was not estimated by maximum likelihood.
        """
        if self.record.scale_error is None:
            raise NotAvailableError(
                "A standard error of the dispersion comes with fit(scale='ML'); this one is not "
                "estimated by maximum likelihood."
            )
        return self.record.scale_error

    def dispersion_test(
        self,
        kind: str = "dean",
        *,
        form: str = "quadratic",
        alternative: str = "two-sided",
    ) -> GoodnessTest:
        """Return a test of the variance of a Poisson or binomial model.

        Parameters
        ----------
        kind : {"dean", "cameron-trivedi"}
            Dean's score test, or the regression test of Cameron and Trivedi (Poisson).
        form : {"quadratic", "linear"}
            The alternative for a Poisson: mu + a mu^2, or (1 + a) mu. For a binomial the
            alternative is one correlation of the trials of a row.
        alternative : {"two-sided", "greater", "less"}
            "greater" for overdispersion only.

        Raises
        ------
        NotAvailableError
            For other families, and for binary responses, which cannot be overdispersed.
        """
        if kind not in DISPERSION:
            raise ArgumentError(f"kind must be 'dean' or 'cameron-trivedi' (got {kind!r}).")
        if form not in goodness.FORMS:
            raise ArgumentError(f"form must be 'quadratic' or 'linear' (got {form!r}).")
        what, family = "The dispersion test", self.model.family
        if family.proportions and family.dispersion is not None:
            return self._binomial_dispersion(what, kind, form, alternative)
        poisson = family.dispersion is not None and family.variance_power() == 1.0
        self._require_family(poisson, what, "Poisson and binomial models")
        self._require_plain(what)
        count, y, mu = self._frequencies(), self.model.endog, self._mean()
        if kind == "cameron-trivedi":
            return goodness.cameron_trivedi(y, mu, count, form=form, alternative=alternative)
        leverage = self.model.hat_values(self.record) / np.where(count > 0.0, count, 1.0)
        return goodness.dean_poisson(y, mu, leverage, count, form=form, alternative=alternative)

    def _binomial_dispersion(
        self, what: str, kind: str, form: str, alternative: str
    ) -> GoodnessTest:
        if kind != "dean" or form != "quadratic":
            raise ArgumentError(
                "For a binomial there is one dispersion test, Dean's: leave kind and form out."
            )
        trials = self._trials()
        if not (trials > 1.0).any():
            raise NotAvailableError(
                "Binary responses cannot be overdispersed: their mean determines their variance. "
                "Dependence between rows needs cov_type='cluster'."
            )
        self._require_plain(what)
        events = trials * self.model.endog
        count = self._frequencies()
        return goodness.dean_binomial(events, trials, self._mean(), count, alternative=alternative)

    def zero_test(self) -> GoodnessTest:
        """Return the test of the number of zeros of a model of counts.

        Returns
        -------
        GoodnessTest
            ``table`` has the observed and the expected number of zeros. For a Poisson
            model the score test against zero inflation (van den Broek 1995), whose sign
            says whether there are more zeros than expected or fewer; for other counts the
            difference over its binomial standard error, which is conservative.
        """
        family = self.model.family
        counts = family.counts and family.dispersion is not None
        self._require_family(counts, "The test of zeros", "counts with a known dispersion")
        self._require_plain("The test of zeros")
        count, mu = self._frequencies(), self._mean()
        absent = family.tails(np.zeros_like(mu), mu, np.ones_like(mu), 1.0).at_or_below
        seen, expected = float(count[self.model.endog == 0.0].sum()), float(count @ absent)
        if family.variance_power() == 1.0:
            run, theta, rows = self._fitted()
            slope = family.link.inverse_deriv(run.eta(theta))
            z = goodness.zero_score(run, mu[rows], slope, self._inverse())
            how = "Score test against a share of extra zeros (van den Broek 1995)."
        else:
            variance = float(count @ (absent * (1.0 - absent)))
            z = (seen - expected) / math.sqrt(variance) if variance > 0.0 else math.nan
            how = "Binomial standard error, as if the means were known: conservative."
        return goodness.zero_result(z, seen, expected, how)

    # -- discrimination and calibration --------------------------------------------------------

    def roc(self, data: Any = None, y: Any = None, **options: Any) -> Roc:
        """Return the ROC curve of a binomial model, with its area and DeLong's interval.

        Parameters
        ----------
        data, y, **options
            New rows, as in `confusion_matrix`; the rows of the fit by default, on which the
            area is too large, all the more the more coefficients there are.

        Returns
        -------
        Roc
            With ``auc``, ``se``, ``conf_int()``, ``to_frame()`` and ``test(other)``.

        Examples
        --------
        >>> import glmfit as gf
        >>> challenger = gf.datasets.load("challenger")
        >>> curve = gf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit().roc()
        >>> round(curve.auc, 4), round(curve.se, 4)
        (0.7812, 0.1169)
        """
        mu, events, others = self._outcomes("The ROC curve", data, y, options)
        response = self.model.data.response
        name = response.name if response.event is None else f"{response.name}={response.event}"
        return discrimination.roc(mu, events, others, name)

    def spiegelhalter_test(self, data: Any = None, y: Any = None, **options: Any) -> GoodnessTest:
        """Return Spiegelhalter's test of calibration by the Brier score.

        Parameters
        ----------
        data, y, **options
            As in `roc`; see `brier` for the score itself.
        """
        what = "Spiegelhalter's test"
        return discrimination.spiegelhalter(*self._outcomes(what, data, y, options))

    def calibration(
        self, data: Any = None, y: Any = None, *, n_groups: int = 10, **options: Any
    ) -> Calibration:
        """Return calibration intercept and slope, and the calibration curve.

        Parameters
        ----------
        data, y, **options
            As in `roc`. On the rows of a logit fit, intercept and slope are 0 and 1 by
            construction.
        n_groups : int
            Groups of the curve, formed as in `hosmer_lemeshow_test`.
        """
        groups = discrimination.positive_groups(n_groups)
        mu, events, others = self._outcomes("Calibration", data, y, options)
        return discrimination.calibration(mu, events, others, groups, apparent=data is None)


class ClassGoodness(CheckMethods):
    """Discrimination of a model of several classes."""

    model: Any
    _judged: Any

    def roc(self, level: Any, data: Any = None, y: Any = None, **options: Any) -> Roc:
        """Return the ROC curve of one level against all others.

        Parameters
        ----------
        level : level
            The level whose fitted probability is the score.
        data, y, **options
            New rows, as in `confusion_matrix`; the rows of the fit by default.

        Returns
        -------
        Roc
        """
        levels = list(self.model.levels)
        if level not in levels:
            raise ArgumentError(
                f"{level!r} is not a level of {self.model.endog_names}; they are "
                f"{', '.join(map(repr, levels))}."
            )
        judged = self._judged(data, y, options)
        k = levels.index(level)
        events, others = judged.counts[:, k], np.delete(judged.counts, k, axis=1).sum(axis=1)
        name = f"{self.model.endog_names}={level}"
        return discrimination.roc(judged.probability[:, k], events, others, name)

    def hand_till_auc(self, data: Any = None, y: Any = None, **options: Any) -> float:
        """Return Hand and Till's area: the mean over pairs of levels.

        Parameters
        ----------
        data, y, **options
            As in `roc`.

        References
        ----------
        Hand, D. J. and Till, R. J. (2001). A simple generalisation of the area under the
        ROC curve for multiple class classification problems. *Machine Learning* 45,
        171-186.
        """
        judged = self._judged(data, y, options)
        return discrimination.hand_till(judged.probability, judged.counts)
