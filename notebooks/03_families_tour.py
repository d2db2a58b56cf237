# %% [markdown]
# # A tour of the families
#
# One published data set for each kind of response. The numbers can be checked in the books
# that the data come from; `datasets/README.md` names them.

# %%
import numpy as np

import glmfit as gf

load = gf.datasets.load

# %% [markdown]
# ## Measurements: Gaussian
#
# The volume of timber in 31 black cherry trees. A trunk is something between a cylinder and
# a cone, so that volume should go with girth squared times height.

# %%
trees = load("trees")
timber = gf.ols("log(volume) ~ log(girth) + log(height)", trees).fit()
ends = timber.conf_int().set_axis(["lower", "upper"], axis=1)
print(ends.assign(coef=timber.params).round(3).to_string())
print("\nPowers 2 and 1?")
print(timber.f_test("log(girth) = 2, log(height) = 1"))

# %% [markdown]
# ## Shares: binomial, and its links
#
# Beetles killed by carbon disulphide (Bliss 1935). The response is a pair of counts. The
# dose-response curve is not symmetric, which the complementary log-log link can follow and
# the logit cannot.

# %%
beetles = load("beetles")
fits = {
    link: gf.glm(
        "killed + survived ~ log_dose", beetles, family=gf.families.Binomial(link=link)
    ).fit()
    for link in ("logit", "probit", "cloglog")
}
for link, fit in fits.items():
    print(f"{link:<8s} deviance {fit.deviance:6.2f} on {fit.df_resid}, AIC {fit.aic:.2f}")

# %%
ax = gf.plots.fitted_curve(fits["cloglog"], "log_dose")

# %% [markdown]
# ## Counts: Poisson
#
# Deaths by horse kick in the Prussian army, 14 corps in 20 years (von Bortkiewicz 1898): the
# data that made the distribution known. One number describes 280 of them.

# %%
kicks = load("horsekicks")
deaths = gf.poisson("deaths ~ 1", kicks).fit()
expected = deaths.predict(which="prob").sum()
print(f"{'deaths':>8s}{'corps-years':>14s}{'Poisson':>10s}")
for count in range(5):
    print(f"{count:>8d}{(kicks.deaths == count).sum():>14d}{expected[count]:>10.1f}")

# %% [markdown]
# ## Rates: Poisson with an exposure
#
# Damage by waves to cargo ships (McCullagh and Nelder 1989). A ship in service twice as long
# has twice the damage to expect: months of service are the exposure. Ships that never
# sailed are left out. The Pearson statistic is 1.69 times its degrees of freedom, so that
# quasi-likelihood widens the intervals by √1.69.

# %%
ships = load("ships").query("service > 0")
damage = gf.glm(
    "incidents ~ type + year + period", ships, family="quasipoisson", exposure="service"
).fit()
print(f"deviance {damage.deviance:.2f} on {damage.df_resid}, dispersion {damage.scale:.3f}\n")
print(damage.anova(type=2, test="F"))

# %%
ax = gf.plots.coefficients(damage, exponentiate=True)

# %% [markdown]
# ## Counts that vary more: negative binomial
#
# Days that children were away from school (Aitkin 1978). Poisson is out of the question.

# %%
quine = load("quine")
poisson = gf.glm("days ~ eth + sex + age + lrn", quine, family="poisson").fit()
print(f"Poisson: deviance {poisson.deviance:.1f} on {poisson.df_resid}")
print(poisson.dispersion_test())

# %% [markdown]
# The negative binomial has variance μ + αμ², and α is estimated with the coefficients. R's
# `MASS::glm.nb` finds θ = 1 / α = 1.2749 for these data. The deviance comes near its degrees
# of freedom.

# %%
away = gf.glm("days ~ eth + sex + age + lrn", quine, family=gf.families.NegativeBinomial()).fit()
print(f"alpha {away.family.alpha:.5f}, 1 / alpha {1 / away.family.alpha:.4f}")
print(f"negative binomial: deviance {away.deviance:.2f} on {away.df_resid}")
print(f"AIC {poisson.aic:.1f} against {away.aic:.1f}")

# %%
ax = gf.plots.residual_quantiles(away, seed=1)

# %% [markdown]
# ## Times and amounts: Gamma
#
# Clotting times of blood, with two lots of thromboplastin (Hurn et al. 1945, in McCullagh and
# Nelder 1989). The coefficient of variation is constant, and the rate, the inverse of the
# mean, is a line in log(concentration): the canonical link of the Gamma.

# %%
clotting = load("clotting").melt("u", var_name="lot", value_name="time")
clot = gf.glm("time ~ lot * log(u)", clotting, family="gamma").fit()
print(f"deviance {clot.deviance:.5f}, dispersion {clot.scale:.5f}")
for name, value in clot.params.items():
    print(f"  {name:<20s}{value:10.5f}")

# %%
ax = gf.plots.fitted_curve(clot, "u", by="lot")

# %% [markdown]
# ## Ordered classes
#
# Lungs of coal miners by years of exposure (Ashford 1959): the proportional-odds model.

# %%
miners = load("pneumo")
lungs = gf.ordered("severity ~ log(exposure)", miners, freq_weights="count", distr="logit").fit()
print(lungs.params.round(4).to_string())

# %%
ax = gf.plots.class_probabilities(lungs, "exposure")

# %% [markdown]
# ## Matched sets: conditional logit
#
# Infertility after abortions (Trichopoulos et al. 1976): each case with two controls of the
# same age, education and parity.

# %%
infert = load("infert")
matched = gf.conditional_logit("case ~ spontaneous + induced", infert, groups="stratum").fit()
for name, value in matched.params.items():
    print(f"{name:<14s} odds ratio {np.exp(value):6.3f}   p {matched.pvalues[name]:.1e}")

# %% [markdown]
# ## Choices among alternatives
#
# How 210 travellers went from Sydney to Melbourne (Greene). Cost and waiting time differ
# between the alternatives, income between travellers.

# %%
travel = load("travel_mode")
mode = gf.choice(
    "choice ~ gcost + wait | income", travel, groups="individual", alternatives="mode"
).fit()
print(mode.summary())
