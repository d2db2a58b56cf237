# %% [markdown]
# # Inference and diagnostics
#
# One count model and one binary model, through the questions that come after a fit: which
# terms matter, how large are their effects, how sure are we, and does the model hold?

# %%
import glmfit as gf

# %% [markdown]
# ## Which terms matter?
#
# Breaks of yarn in 54 pieces of weaving, two wools at three tensions (Tippett 1950).

# %%
warpbreaks = gf.datasets.load("warpbreaks")
counts = gf.glm("breaks ~ wool * tension", warpbreaks, family="poisson").fit()
print(counts.anova(type=2))

# %%
print(counts.dispersion_test())

# %% [markdown]
# The Poisson's tests are too sure: the counts vary more than a Poisson lets them. With a
# dispersion that is estimated, 28 on 2 degrees of freedom become an F of 3.7.

# %%
quasi = gf.glm("breaks ~ wool * tension", warpbreaks, family="quasipoisson").fit()
print(quasi.anova(type=2, test="F"))

# %% [markdown]
# ## How sure? Four kinds of standard errors for one fit
#
# The covariance is chosen after the fit; nothing is fitted again but the bootstrap's samples.

# %%
bootstrap = counts.bootstrap(999, seed=1950)
kinds = {
    "Poisson": counts.bse,
    "quasi": quasi.bse,
    "HC3": counts.with_cov("HC3").bse,
    "bootstrap": bootstrap.summary_frame()["std_err"],
}
print(f"{'':24s}" + "".join(f"{kind:>12s}" for kind in kinds))
for name in counts.params.index:
    print(f"{name:24s}" + "".join(f"{errors[name]:12.4f}" for errors in kinds.values()))

# %% [markdown]
# ## How large? Effects on the scale of the counts

# %%
print(quasi.comparisons("tension", by="wool"))

# %%
ax = gf.plots.adjusted_predictions(quasi, "tension", by="wool")

# %% [markdown]
# ## Does it hold?
#
# Quantile residuals are normal if the model is right, for counts too. The Poisson's are
# spread too wide; those of a negative binomial, whose α is estimated with the
# coefficients, are not.

# %%
ax = gf.plots.residual_quantiles(counts, seed=1)

# %%
negative = gf.glm(
    "breaks ~ wool * tension", warpbreaks, family=gf.families.NegativeBinomial()
).fit()
ax = gf.plots.residual_quantiles(negative, seed=1)

# %%
print(f"alpha {negative.family.alpha:.4f}")
print(f"AIC {counts.aic:.1f} (Poisson), {negative.aic:.1f} (negative binomial)")
print(f"Pearson / df {counts.pearson_chi2 / counts.df_resid:.2f}, ", end="")
print(f"{negative.pearson_chi2 / negative.df_resid:.2f}")

# %% [markdown]
# `check()` reads the fit for you and says what looks wrong, with the rule behind it.

# %%
print(counts.check())

# %% [markdown]
# ## A binary response: profile, influence, discrimination, calibration
#
# Endometrial cancer of 79 women (Heinze and Schemper 2002): high grade against low.
# Neovascularisation (NV) separates: with it, every woman had the high grade.

# %%
endometrial = gf.datasets.load("endometrial")
firth = gf.logit("HG ~ NV + PI + EH", endometrial).fit(method="firth")
profile = firth.conf_int(method="profile").set_axis(["lower", "upper"], axis=1)
print(profile.assign(coef=firth.params).round(3).to_string())

# %%
ax = gf.plots.profile(firth, "NV")

# %% [markdown]
# Without NV there is a finite maximum, and the usual diagnostics apply.

# %%
grade = gf.logit("HG ~ PI + EH", endometrial).fit()
print(grade.hosmer_lemeshow_test())

# %%
ax = gf.plots.roc(grade)

# %%
ax = gf.plots.influence(grade, labels=2)

# %% [markdown]
# The Hosmer-Lemeshow test rejected, and one woman did it: row 17, of high grade where the
# fit gave that a probability of 0.011. Without her:

# %%
print(gf.logit("HG ~ PI + EH", endometrial.drop(index=17)).fit().hosmer_lemeshow_test())

# %%
largest = grade.get_influence().summary_frame()["cooks_d"].nlargest(2)
print("largest Cook's distances:", ", ".join(f"row {i}: {d:.3f}" for i, d in largest.items()))
