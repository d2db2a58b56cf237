# %% [markdown]
# # The Challenger O-rings
#
# Twenty-three launches of the space shuttle came before Challenger's last. After each,
# the O-rings of the recovered boosters were examined; seven launches had at least one
# ring damaged by heat. The night before 28 January 1986 the forecast was 31 degrees
# Fahrenheit, colder than any launch before. What did the data say?
#
# Sources: Dalal, Fowlkes and Hoadley (1989), JASA 84, 945-957; Lavine (1991), JASA 86,
# 919-921. Run this file with `python3 dev.py challenger`.

# %%
import glmfit as gf

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
odds = result.odds_ratios().loc["TEMPERATURE"]
print(
    f"\nEach degree warmer multiplies the odds of damage by {odds.odds_ratio:.5f} "
    f"(95% interval {odds.ci_lower:.3f} to {odds.ci_upper:.3f})."
)

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
# ## How many of six rings?
#
# Two readings of the record differ on how many rings were damaged on two launches.

# %%
rings = gf.datasets.load("challenger_rings")
print("\nSix rings a launch: damaged + sound ~ temperature")
for column, told in (("damaged", "Dalal et al."), ("damaged_faraway", "Faraway")):
    counts = gf.glm(f"{column} + I(n_rings - {column}) ~ temperature", rings, "binomial").fit()
    at_31 = counts.get_prediction({"temperature": [31]}).summary_frame().iloc[0]
    (intercept, slope), (se_intercept, se_slope) = counts.params, counts.bse
    print(
        f"  {told:<13s} {intercept:8.4f} ({se_intercept:.4f}), slope {slope:8.4f} "
        f"({se_slope:.4f}), deviance {counts.deviance:.4f}, "
        f"P(a ring fails at 31 F) {at_31['mean']:.3f} "
        f"({at_31['mean_ci_lower']:.3f} to {at_31['mean_ci_upper']:.4f})"
    )
