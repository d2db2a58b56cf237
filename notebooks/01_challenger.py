# %% [markdown]
# # The Challenger O-rings
#
# Twenty-three launches of the space shuttle came before Challenger's last. After each,
# the O-rings of the recovered boosters were examined; seven launches had at least one
# ring damaged by heat. The night before 28 January 1986 the forecast was 31 degrees
# Fahrenheit, colder than any launch before. What did the data say?
#
# The first half follows J. Triveri's article *Estimating Logistic Regression Coefficients
# From Scratch in Python* number by number; the second asks what the article does not: how
# sure is a prediction so far from the data?
#
# Sources: Dalal, Fowlkes and Hoadley (1989), JASA 84, 945-957; Lavine (1991), JASA 86,
# 919-921. `python3 dev.py challenger` runs this file without a notebook and without figures.

# %%
import textwrap

import numpy as np
import pandas as pd
from scipy.special import expit

import glmfit as gf

IN_NOTEBOOK = "get_ipython" in globals()  # figures are drawn in a notebook only

challenger = gf.datasets.load("challenger")
print(f"{len(challenger)} launches, {challenger.O_RING_FAILURE.sum()} with damage\n")

# %% [markdown]
# ## Was any ring damaged?

# %%
result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", data=challenger).fit()
print(result.summary())

# %%
print("\nThe numbers in full")
for name, value in result.params.items():
    print(f"  {name:<14s} {value:12.7f}   standard error {result.bse[name]:.7f}")
print(f"  log-likelihood {result.llf:12.7f}")
print(f"  deviance       {result.deviance:12.7f}   on {result.df_resid} degrees of freedom")
print(f"  null deviance  {result.null_deviance:12.7f}   on {result.nobs - 1}")
print(f"  AIC            {result.aic:12.7f}   McFadden's R-squared {result.prsquared:.4f}")
print(f"  fitted values sum to {result.fittedvalues.sum():.10f}, the launches with damage")
print("\nCovariance of the estimates")
print(result.cov_params().map("{:.7f}".format).to_string())

# %%
if IN_NOTEBOOK:
    gf.plots.fitted_curve(result, span=(30, 85), mark=31)

# %% [markdown]
# ## Fisher scoring by hand
#
# With p = 1 / (1 + exp(−Xβ)) the score is U = Xᵀ(y − p) and the information is I = XᵀWX,
# where W is the diagonal matrix of p(1 − p). Each step adds I⁻¹U to β. The logit is the
# canonical link of the binomial, so the observed and the expected information are one, and
# Fisher scoring is Newton's method.
#
# The loop below ends as the article's does, when no coefficient moves by 0.001 or more.

# %%
X = np.column_stack([np.ones(len(challenger)), challenger["TEMPERATURE"]])
y = challenger["O_RING_FAILURE"].to_numpy()


def score_and_information(beta):
    p = expit(X @ beta)
    return X.T @ (y - p), X.T @ (X * (p * (1 - p))[:, None])


print("\nFisher scoring by hand, from zero")
print(f"{'step':>6s}{'Intercept':>16s}{'TEMPERATURE':>16s}{'largest move':>16s}{'log-lik.':>14s}")
beta = np.zeros(2)
covariances = []
for step in range(1, 26):
    score, information = score_and_information(beta)
    covariances.append(np.linalg.inv(information))
    move = np.linalg.solve(information, score)
    beta = beta + move
    eta = X @ beta
    loglik = y @ eta - np.logaddexp(0, eta).sum()
    print(f"{step:6d}{beta[0]:16.8f}{beta[1]:16.8f}{abs(move).max():16.8f}{loglik:14.8f}")
    if (abs(move) < 0.001).all():
        break

# %% [markdown]
# The last line holds the article's `params`. Count its steps: the article reports
# `n_iter` 5, statsmodels 7, glmfit 5. They count different things: where the
# iterations start, when they stop, and whether the step that only confirms is counted.

# %%
print("\nglmfit's own steps start from a regression on the data, not from zero")
steps = result.history.loc[1:3, ["loglik", "step", "gradient_norm"]]
print(steps.map("{:.6f}".format).to_string())
print(f"  ... {result.history.index[-1]} in all")
print(f"{'':>14s}{'by hand':>16s}{'glmfit':>16s}")
for name, one, other in zip(result.params.index, beta, result.params, strict=True):
    print(f"  {name:<12s}{one:16.8f}{other:16.8f}")

# %%
if IN_NOTEBOOK:
    gf.plots.convergence(result)

# %% [markdown]
# ### The covariance, and the article's stale one
#
# The inverse of the information is the covariance of the estimates. The article's
# function inverts the information that it used for its last step, which belongs to the
# coefficients *before* that step. Its standard errors are right to four digits, and with
# a looser tolerance they would be right to fewer. glmfit computes the covariance where the
# fit ends.

# %%
stale = covariances[-1]
fresh = np.linalg.inv(score_and_information(beta)[1])
print("\nCovariance before the last step (the article's)")
print(stale)
print("Covariance at the estimates")
print(np.array_str(fresh, precision=6, suppress_small=True))
print("glmfit")
print(np.array_str(result.cov_params().to_numpy(), precision=6, suppress_small=True))
print(f"standard error of the slope {np.sqrt(fresh[1, 1]):.7f}; stale, stopped after step")
for count in (5, 4, 3, 2):
    print(f"  {count}: {np.sqrt(covariances[count - 1][1, 1]):.7f}")

# %% [markdown]
# ### Fitted values, and what they add up to
#
# At the maximum the score is zero: Xᵀ(y − p) = 0. Its first line says that the
# fitted probabilities sum to the number of launches with damage; its second, that they
# reproduce the sum of the temperatures of those launches. That is a property of the
# canonical link (with a constant in the model), not of binary models as such: the
# probit does not have it.

# %%
print("\nFitted values, launch by launch")
fitted = [f"{value:.6f}" for value in result.fittedvalues]
for start in range(0, len(fitted), 8):
    print("  " + " ".join(fitted[start : start + 8]))
probit = gf.probit("O_RING_FAILURE ~ TEMPERATURE", data=challenger).fit()
at_damage = challenger.TEMPERATURE[challenger.O_RING_FAILURE == 1].sum()
print(f"{'':>26s}{'damage':>12s}{'temperature':>14s}")
print(f"  {'observed':<24s}{y.sum():12.6f}{at_damage:14.6f}")
for name, fit in (("logit", result), ("probit", probit)):
    total, weighted = fit.fittedvalues.sum(), fit.fittedvalues @ challenger.TEMPERATURE
    print(f"  {name + ' fitted':<24s}{total:12.6f}{weighted:14.6f}")

# %% [markdown]
# ### Odds ratios

# %%
odds = result.odds_ratios().loc["TEMPERATURE"]
print(
    f"\nEach degree warmer multiplies the odds of damage by {odds.odds_ratio:.5f} "
    f"(95% interval {odds.ci_lower:.3f} to {odds.ci_upper:.3f})."
)
slope = result.params["TEMPERATURE"]
print(f"Ten degrees colder multiply them by {np.exp(-10 * slope):.2f}.")
lower, upper = np.exp(result.conf_int(method="profile").loc["TEMPERATURE"])
print(f"The profile interval of the odds ratio is {lower:.3f} to {upper:.3f}.")

# %% [markdown]
# The Wald interval is symmetric about the estimate, on the scale of the coefficient. The
# profile interval holds the slopes that a likelihood-ratio test does not reject; its curve
# need not be symmetric, and with 23 launches it is not: the curve
# leaves the straight line, which is what the Wald interval assumes.

# %%
if IN_NOTEBOOK:
    gf.plots.profile(result, "TEMPERATURE")

# %% [markdown]
# ## At 31 degrees
#
# The coldest launch was at 53 degrees, so this is an extrapolation: the interval speaks
# of the coefficients' uncertainty, not of whether the curve holds out there.

# %%
cold = result.get_prediction({"TEMPERATURE": [31]}).summary_frame().iloc[0]
print(
    f"\nP(failure) at 31 F: {cold['mean']:.5f}, "
    f"95% interval {cold['mean_ci_lower']:.3f} to {cold['mean_ci_upper']:.3f} (link scale)"
)

# %% [markdown]
# Three intervals for the same number. Measure temperature from 31 degrees and the
# intercept *is* the logit of the probability there; whatever makes an interval for a
# coefficient makes one for the prediction.
#
# - **link scale**: estimate ± 1.96 standard errors on the scale of the logit;
# - **profile**: the values that a likelihood-ratio test keeps;
# - **bootstrap**: the launches are drawn again, 2000 times. Some samples can be split by
#   temperature without an error, so that their slope is infinite; they are counted as
#   what they are, a probability of 1 at 31 degrees.

# %%
centred = gf.logit("O_RING_FAILURE ~ I(TEMPERATURE - 31)", data=challenger).fit()
bootstrap = centred.bootstrap(2000, seed=1986)
print("\nThree 95% intervals for P(failure) at 31 F")
for name, ends in (
    ("link scale", centred.conf_int()),
    ("profile", centred.conf_int(method="profile")),
    ("bootstrap", bootstrap.conf_int()),
):
    lower, upper = expit(ends.loc["Intercept"])
    print(f"  {name:<12s} {lower:.3f} to {upper:.6f}")
print(f"  ({bootstrap.n_separated} of 2000 samples separated)")

# %% [markdown]
# The first interval allows what the others do not: the log-likelihood is far from
# quadratic out there, and a symmetric interval pays for it at its lower end. All three
# take the logit curve for granted. That is the next question.

# %% [markdown]
# ## How many of six rings?
#
# A shuttle's boosters had six field joints, each with a primary O-ring. Two readings of
# the record differ on how many were damaged on two launches, and so do the answers.

# %%
rings = gf.datasets.load("challenger_rings")
print("\nSix rings a launch: damaged + sound ~ temperature")
for column, told in (("damaged", "Dalal et al."), ("damaged_faraway", "Faraway")):
    counts = gf.glm(f"{column} + I(n_rings - {column}) ~ temperature", rings, "binomial").fit()
    at_31 = counts.get_prediction({"temperature": [31]}).summary_frame().iloc[0]
    (intercept, slope), (se_intercept, se_slope) = counts.params, counts.bse
    print(
        f"  {told:<13s} {intercept:8.4f} ({se_intercept:.4f}), slope {slope:8.4f} "
        f"({se_slope:.4f}), deviance {counts.deviance:.4f},\n{'':16s}"
        f"P(a ring fails at 31 F) {at_31['mean']:.3f} "
        f"({at_31['mean_ci_lower']:.3f} to {at_31['mean_ci_upper']:.4f})"
    )

# %%
differ = rings[rings["damaged"] != rings["damaged_faraway"]]
print("\nWhere the two data sets differ")
columns = ["flight", "temperature", "damaged", "damaged_faraway"]
print(differ[columns].to_string(index=False))

# %% [markdown]
# ### Lavine's point
#
# Michael Lavine's comment on Dalal et al.: many curves fit the launches that were
# flown, and they part where nobody flew. Five links, the same counts. The deviances
# hardly tell them apart; at 31 degrees they say anything from one half to nearly one.

# %%
LINKS = ("logit", "probit", "loglog", "cauchit", "cloglog")
fits = {
    link: gf.glm(
        "damaged + I(n_rings - damaged) ~ temperature",
        rings,
        family=gf.families.Binomial(link=link),
    ).fit()
    for link in LINKS
}
print(f"\nP(a ring fails)\n  {'link':<10s}{'deviance':>9s}", end="")
WHERE = [75, 66, 53, 31]
print("".join(f"{f'{degrees} F':>8s}" for degrees in WHERE) + f"{'95% interval at 31 F':>24s}")
for link, fit in fits.items():
    frame = fit.get_prediction({"temperature": WHERE}).summary_frame()
    print(
        f"  {link:<10s}{fit.deviance:9.3f}"
        + "".join(f"{value:8.2f}" for value in frame["mean"])
        + f"{frame['mean_ci_lower'].iloc[-1]:15.2f} to {frame['mean_ci_upper'].iloc[-1]:.2f}"
    )

# %%
if IN_NOTEBOOK:
    import matplotlib.pyplot as plt

    degrees = np.linspace(28, 83, 221)
    fig, ax = plt.subplots(figsize=(7, 4.2))
    ax.axvspan(28, rings["temperature"].min(), color="0.93")
    ax.text(40.5, 0.03, "no launch", ha="center", color="0.35")
    ax.axvline(31, color="0.6", linewidth=1, linestyle=":")
    for (link, fit), dash in zip(fits.items(), ("-", "--", "-.", ":", (0, (5, 1))), strict=True):
        ax.plot(degrees, fit.predict({"temperature": degrees}), linestyle=dash, label=link)
    share = rings["damaged"] / rings["n_rings"]
    ax.plot(rings["temperature"], share, "o", color="black", alpha=0.5, label="launches")
    ax.set(xlabel="Temperature (°F)", ylabel="P(a ring fails)", xlim=(28, 83), ylim=(-0.03, 1.03))
    ax.legend(frameon=False)

# %% [markdown]
# ## Beside statsmodels
#
# The numbers of statsmodels 0.15.0 for the same model, as its `smf.logit(...).fit()` gives
# them. They are stored here, so that this page needs glmfit alone.

# %%
STATSMODELS = {
    "Intercept": 15.042901647702456,
    "TEMPERATURE": -0.2321627442185967,
    "std err Intercept": 7.3786363849168985,
    "std err TEMPERATURE": 0.10823652164929028,
    "z of TEMPERATURE": -2.1449575492720854,
    "P>|z| of TEMPERATURE": 0.031956241249459026,
    "covariance of the two": -0.7963868253194658,
    "log-likelihood": -10.157596343933413,
    "-log-likelihood / n": 0.44163462364927886,
    "log-likelihood, null": -14.13357636734077,
    "AIC": 24.315192687866826,
    "BIC": 26.586181119725126,
    "pseudo R-squared": 0.2813145038501983,
}
GLMFIT = [
    *result.params,
    *result.bse,
    result.tvalues["TEMPERATURE"],
    result.pvalues["TEMPERATURE"],
    result.cov_params().iloc[0, 1],
    result.llf,
    -result.llf / result.nobs,
    result.llnull,
    result.aic,
    result.bic,
    result.prsquared,
]
beside = pd.DataFrame(
    {"glmfit": GLMFIT, "statsmodels": STATSMODELS.values()}, index=list(STATSMODELS)
)
agree = abs(beside.glmfit / beside.statsmodels - 1) < 1e-10
print("\nBeside statsmodels 0.15.0 (numbers stored)")
print(beside.map("{:.6f}".format).assign(**{"to 10 digits": agree}).to_string())

# %% [markdown]
# Where statsmodels is installed, `compare_with_statsmodels` fits the same model by it and
# judges each quantity. One differs, by name only: the `fittedvalues` of statsmodels' logit
# are linear predictors, those of glmfit are probabilities, as in every other model.

# %%
if IN_NOTEBOOK:
    try:
        verdicts = result.compare_with_statsmodels().frame["verdict"]
    except gf.errors.MissingPackageError as error:
        print(error)
    else:
        for verdict in verdicts.unique():
            names = ", ".join(verdicts.index[verdicts == verdict])
            print(textwrap.fill(f"{verdict}: {names}", 90, subsequent_indent="  "))
