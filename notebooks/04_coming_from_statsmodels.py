# %% [markdown]
# # Coming from statsmodels
#
# Change the import lines; the names stay. This page shows what moves, what differs on
# purpose, and what is not there. The last table needs statsmodels; the rest does not.

# %%
import textwrap
import warnings

import numpy as np
import pandas as pd

import glmfit.api as sm
import glmfit.formula.api as smf
from glmfit import datasets, errors


def say(text):
    print(textwrap.fill(" ".join(str(text).split()), 92))


def told(call):
    """Run a call, print the warnings that it gave, and return what it returned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    for warning in caught:
        say(f"{warning.category.__name__}: {warning.message}")
    return result


def refused(call):
    """Run a call that must raise an error of glmfit, and print what it says."""
    try:
        call()
    except errors.GlmfitError as error:
        say(f"{type(error).__name__}: {error}")
    else:
        raise AssertionError("this should have been refused")


# %% [markdown]
# ## What moves

# %%
warpbreaks = datasets.load("warpbreaks")
by_formula = smf.glm("breaks ~ wool * tension", warpbreaks, family=sm.families.Poisson()).fit()
by_formula.summary()

# %%
challenger = datasets.load("challenger")
X = sm.add_constant(challenger[["TEMPERATURE"]])
by_arrays = sm.Logit(challenger["O_RING_FAILURE"], X).fit(disp=0)
print(by_arrays.params.round(6).to_string())
print(
    f"llf {by_arrays.llf:.6f}, llnull {by_arrays.llnull:.6f}, prsquared {by_arrays.prsquared:.6f}"
)

# %%
robust = smf.poisson("breaks ~ wool * tension", warpbreaks).fit(cov_type="HC0")
print(robust.bse.round(6).to_string())

# %% [markdown]
# ## What differs on purpose
#
# ### A response in words
#
# statsmodels' `glm` models the *first* level of a text response, without a word. glmfit
# models the last, names it in the summary, and `event=` chooses another.

# %%
words = challenger.assign(damage=np.where(challenger.O_RING_FAILURE == 1, "yes", "no"))
for event in (None, "no"):
    fit = smf.glm("damage ~ TEMPERATURE", words, family=sm.families.Binomial(), event=event).fit()
    print(f"event={event!s:<5s} slope {fit.params['TEMPERATURE']:.4f}")

# %% [markdown]
# ### Offsets and exposures are remembered
#
# They come from the formula or from a column by name, and are looked up again in new data.

# %%
ships = datasets.load("ships").query("service > 0")
damage = smf.glm("incidents ~ type", ships, family=sm.families.Poisson(), exposure="service").fit()
new = pd.DataFrame({"type": ["A", "A"], "service": [1000, 2000]})
print(damage.predict(new).round(4).tolist())
refused(lambda: damage.predict({"type": ["A"]}))

# %% [markdown]
# ### Missing rows stay in place

# %%
gaps = challenger.copy()
gaps.loc[[3, 8], "TEMPERATURE"] = np.nan
partial = smf.logit("O_RING_FAILURE ~ TEMPERATURE", gaps).fit()
print(f"{partial.nobs:.0f} rows used, {len(partial.fittedvalues)} fitted values")
print(partial.fittedvalues.round(3).loc[2:9].to_string())

# %% [markdown]
# ### Collinear columns
#
# R's rule: the later column is left out and named, with the combination that it equals.

# %%
trees = datasets.load("trees").assign(inches=lambda d: 12 * d.height)
twice = told(lambda: smf.ols("volume ~ girth + height + inches", trees).fit())
print(twice.params.round(4).to_string())

# %% [markdown]
# ### Separated data
#
# statsmodels returns coefficients where it happened to stop. glmfit proves that no finite
# estimate exists, and says what to do.

# %%
cold = challenger.assign(cold=(challenger.TEMPERATURE < 65).astype(int))
apart = told(lambda: smf.logit("O_RING_FAILURE ~ cold", cold).fit())
print(apart.params.to_string())
firth = smf.logit("O_RING_FAILURE ~ cold", cold).fit(method="firth")
print(f"\nby Firth's method: {firth.params['cold']:.4f} (standard error {firth.bse['cold']:.4f})")

# %% [markdown]
# ### Marginal effects of a variable, not of a column
#
# With `x + I(x**2)` there is one effect of x, and both terms move with it.

# %%
curve = smf.ols("volume ~ girth + I(girth ** 2)", trees).fit()
print(curve.marginal_effects("girth"))
slope = curve.params["girth"] + 2 * curve.params["I(girth ** 2)"] * trees.girth
print(f"by hand {slope.mean():.4f}")

# %% [markdown]
# ### No silence
#
# A fit that was stopped says so, a keyword that nothing knows is refused, and a typo is
# answered by the nearest name.

# %%
stopped = told(lambda: smf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit(maxiter=1))
print("converged:", stopped.converged)
print()
refused(lambda: smf.logit("O_RING_FAILURE ~ TEMPERATUR", challenger))
refused(lambda: smf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit(max_iter=50))

# %% [markdown]
# ## What is not there
#
# Names that statsmodels has and glmfit has not say so, and where to go.

# %%
for name in ("GEE", "MixedLM"):
    try:
        getattr(sm, name)
    except AttributeError as error:
        say(error)

# %% [markdown]
# ## Beside each other
#
# `result.compare_with_statsmodels()` fits the same model by statsmodels and compares every
# quantity that both have. "explained" is a difference of convention; the notes below each
# table tell which.

# %%
housing = datasets.load("housing")
fits = {
    "logit": smf.logit("O_RING_FAILURE ~ TEMPERATURE", challenger).fit(),
    "poisson glm": by_formula,
    "ols": curve,
    "multinomial": smf.mnlogit("sat ~ infl + cont", housing, freq_weights="freq").fit(),
}
try:
    for name, fit in fits.items():
        verdicts = fit.compare_with_statsmodels().frame["verdict"]
        counts = verdicts.value_counts().sort_index()
        told_counts = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        print(f"{name:<14s}{told_counts}")
        for quantity in verdicts.index[verdicts != "equal"]:
            print(f"{'':14s}  {verdicts[quantity]}: {quantity}")
except errors.MissingPackageError as error:
    say(error)
