# %% [markdown]
# # Three classes of risk: the multinomial logit from softmax to report
#
# This page follows M. Brenndoerfer's article *Multinomial Logistic Regression: Complete
# Guide with Mathematical Foundations & Python Implementation* (2025) number by number and
# figure by figure. Where the article is silent or mistaken, this page says so. Above all:
# its twelve customers are **completely separated**, so that the estimates it speaks of do
# not exist, and what its program prints is made by a penalty that it does not mention.

# %%
import textwrap
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import glmfit as gf

pd.options.display.float_format = "{:.4f}".format
pd.options.display.width = 100


def say(text):
    print(textwrap.fill(str(text), 92))


# %% [markdown]
# ## Softmax
#
# A linear predictor η for each class, and
# P(class k) = exp(η_k) / Σ_j exp(η_j): never negative, and 1 in sum. As one predictor
# rises its class takes probability from all the others, in proportion to what they have.

# %%
ax = gf.plots.softmax_curves(("class 0", "class 1", "class 2"), others=(1.0, 0.0), span=(-5, 5))

# %%
ax = gf.plots.softmax_heatmap(("class 0", "class 1", "class 2 (reference)"), span=(-4, 4))

# %% [markdown]
# ## The calculation by hand
#
# The article assumes coefficients (they are not estimates from its data) and works out one
# customer, aged 25 with an income of 30. `softmax_probabilities` does the same for any
# number of rows.

# %%
assumed = {
    "medium": {"Intercept": 0.5, "age": 0.1, "income": -0.05},
    "high": {"Intercept": 1.2, "age": 0.15, "income": -0.08},
}
customer = {"age": 25, "income": 30}

eta = {"low": 0.0}
for level, b in assumed.items():
    eta[level] = b["Intercept"] + b["age"] * customer["age"] + b["income"] * customer["income"]
total = sum(np.exp(value) for value in eta.values())
for level, value in eta.items():
    e = np.exp(value)
    print(f"{level:<8s} eta {value:5.2f}   exp {e:7.3f}   P {e / total:.3f}")
print(f"{'sum':<25s}{total:7.3f}   P 1.000")

# %%
by_hand = gf.softmax_probabilities(assumed, customer, reference="low")
by_hand.round(3)

# %% [markdown]
# ### What the coefficients are relative to
#
# Add one and the same vector to the coefficients of *every* class and the probabilities
# stay as they are. (The article has "any constant to all coefficients"; it has to be the
# same for every class, term by term.) That is why one class, the reference, has
# coefficients of zero.

# %%
shift = {"Intercept": -3.0, "age": 0.2, "income": 0.4}
zero = dict.fromkeys(shift, 0.0)
shifted = {
    level: {term: b[term] + shift[term] for term in shift}
    for level, b in {"low": zero, **assumed}.items()
}
gf.softmax_probabilities(shifted, customer, reference=None).round(3)

# %% [markdown]
# ### Independence of irrelevant alternatives
#
# The ratio of two probabilities depends on the difference of their predictors only, so it
# does not matter which other classes there are. (The article calls that a kind of
# proportional odds. Proportional odds are something else: the model of *ordered* classes
# with one slope for all of them, `gf.ordered(..., distr="logit")`.)

# %%
left = by_hand[["medium", "high"]].iloc[0]
print(f"high : medium with low in the choice   {left['high'] / left['medium']:.4f}")
without = gf.softmax_probabilities({"high": [eta["high"] - eta["medium"]]}, [1.0])
print(f"high : medium without low              {without.iloc[0, 1] / without.iloc[0, 0]:.4f}")

# %% [markdown]
# ## The data

# %%
risk = gf.datasets.load("risk")
risk.T

# %% [markdown]
# The article fits eight rows and keeps four for a test (scikit-learn's
# `train_test_split(test_size=0.3, random_state=42, stratify=...)` picks these four).

# %%
TEST = [10, 2, 3, 7]
test, train = risk.loc[TEST], risk.drop(index=TEST)
fig, ax = plt.subplots(figsize=(6, 4.2))
looks = {"low": ("o", "#0072b2"), "medium": ("s", "#d55e00"), "high": ("^", "#009e73")}
for level, (marker, colour) in looks.items():
    rows = risk[risk.risk == level]
    ax.plot(rows.age, rows.income, marker, color=colour, markersize=9, label=level)
ax.plot(test.age, test.income, "o", color="0.3", markersize=16, fillstyle="none", label="test row")
ax.set(xlabel="Age", ylabel="Income")
legend = ax.legend(frameon=False)

# %% [markdown]
# Income is 2 × age − 20 or 2 × age − 15 in every row: age and income carry nearly the same
# information, and what is left of it splits the classes without an error.

# %% [markdown]
# ## Maximum likelihood has no answer here

# %%
model = gf.mnlogit("risk ~ age + income", data=risk, reference="low")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    limit = model.fit()
for warning in caught:
    say(f"{warning.category.__name__}: {warning.message}")

# %%
print(limit.summary())

# %% [markdown]
# The likelihood rises for ever along a direction, and every probability of an observed
# class goes to 1. A program that prints numbers here prints where it stopped. glmfit
# proves the separation, names the columns, and reports the limit: coefficients at
# infinity, probabilities of 0 and 1.

# %%
direction = limit.separation.direction.reshape(2, 3)
pd.DataFrame(
    direction / abs(direction).max(),
    index=["medium, against low", "high, against low"],
    columns=["Intercept", "age", "income"],
)

# %%
pd.concat([risk, limit.predict().add_prefix("P(").add_suffix(")")], axis=1)

# %% [markdown]
# ## Firth's estimates: finite, and honest about what twelve rows can tell
#
# Firth's method takes away the first-order bias of the estimates. For a logit it is maximum
# likelihood with Jeffreys' prior as the penalty, and its estimates are always finite.

# %%
firth = model.fit(method="firth")
firth.summary()

# %% [markdown]
# Exponentiated coefficients are relative-risk ratios: what one unit more does to
# P(level) / P(low). The profile intervals are those of the penalised likelihood.

# %%
ratios = firth.rrr_table().drop(index="Intercept", level="term")
profile = np.exp(firth.conf_int(method="profile"))
ratios.join(profile.add_prefix("profile_"))

# %%
ax = gf.plots.class_coefficients(firth)

# %%
ax = gf.plots.decision_regions(firth)

# %% [markdown]
# How probabilities pass from one class to the next: all surfaces over each other, their
# colours mixed, and then each by itself.

# %%
ax = gf.plots.class_surfaces(firth)

# %%
fig, axes = plt.subplots(1, 3, figsize=(12, 4.2), layout="constrained")
for ax, level in zip(axes, ["low", "medium", "high"], strict=True):
    gf.plots.class_surfaces(firth, level=level, ax=ax)

# %% [markdown]
# Along one predictor the first and the last class have S-shaped curves. The class between
# them does not: its curve rises and falls. (The article says that each class has an S.)
# The other predictor stays at its mean. The bands are 95% intervals: twelve rows leave
# nearly everything open.

# %%
ax = gf.plots.class_probabilities(firth, "income")

# %% [markdown]
# The log-odds against the reference are straight lines; that *is* the model.

# %%
ax = gf.plots.log_odds(firth, "income")

# %% [markdown]
# Another reference class moves all coefficients of a term by the same amount. The distances
# between classes, and the fit, stay.

# %%
ax = gf.plots.reference_effect(firth, "income")

# %%
other = firth.rebase("high")
print(f"log-likelihood, against low {firth.llf:.6f}, against high {other.llf:.6f}")
other.params

# %% [markdown]
# ## The article's numbers: a ridge penalty
#
# scikit-learn's `LogisticRegression` has a ridge penalty with `C=1` unless told otherwise.
# That is why the article sees finite numbers. `penalty_C=` is the same penalty, exactly.

# %%
penalised = gf.mnlogit("risk ~ age + income", train).fit_regularized(penalty_C=1.0)
symmetric = penalised.symmetric().pivot_table("coef", index="risk", columns="term")
symmetric.loc[["high", "low", "medium"], ["Intercept", "age", "income"]]

# %% [markdown]
# These are the article's intercepts and coefficients to its last digit. But it reads them
# "relative to class 0, high". There is no reference class here: each column sums to zero,
# and a coefficient is relative to the mean of all three.

# %%
print("sums to zero:", bool((abs(symmetric.sum()) < 1e-9).all()))
print("\nRelative to low:")
print(penalised.rebase("low").params)

# %% [markdown]
# And they are made by the penalty. Let it go and they grow without bound. (That the test
# rows are predicted better and better only says that they are separated too.)

# %%
grown = {}
for C in (0.1, 1.0, 10.0, 100.0, 1000.0):
    fit = gf.mnlogit("risk ~ age + income", train).fit_regularized(penalty_C=C)
    grown[f"C = {C:g}"] = {
        "age, high": fit.symmetric()["coef"]["high", "age"],
        "income, high": fit.symmetric()["coef"]["high", "income"],
        "log loss, training": fit.log_loss(),
        "log loss, test": fit.log_loss(test),
    }
pd.DataFrame(grown).T

# %%
fig, axes = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
for ax, fit, title in (
    (axes[0], penalised, "Ridge, C = 1, eight rows"),
    (axes[1], firth, "Firth, twelve rows"),
):
    gf.plots.decision_regions(fit, x_span=(22, 53), y_span=(25, 90), ax=ax)
    ax.set_title(title, loc="left")

# %% [markdown]
# ## Predictions, confusion matrix, report

# %%
print(f"training accuracy {penalised.accuracy():.3f}")
print(f"test accuracy     {penalised.accuracy(test):.3f}")
print(f"log loss          {penalised.log_loss(test):.3f}")

# %%
chance = penalised.predict(test)[["high", "low", "medium"]].round(3)
print(test.join(chance.assign(predicted=chance.idxmax(axis=1))).to_string(float_format="%.3f"))

# %%
print(penalised.confusion_matrix(test))

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    report = penalised.classification_report(test)
print(report)
for warning in caught:
    print()
    say(f"{warning.category.__name__}: {warning.message}")

# %% [markdown]
# The article calls an accuracy of 0.5 reasonable, and the difference between training and
# test small. It is 1.0 against 0.5, and two right answers of four are no evidence of
# anything: an exact 95% interval for the share is 0.07 to 0.93. What eight separated rows
# show is that a perfect fit to them means nothing.

# %% [markdown]
# ## Gradient, Hessian, solvers, criteria
#
# The article lists the gradient and the Hessian of the log-likelihood, four optimisers and
# three criteria. They need data that have a maximum: satisfaction of 1681 Danish tenants,
# with their influence on the management, type of home, and contact with neighbours.

# %%
housing = gf.datasets.load("housing")
tenants = gf.mnlogit("sat ~ infl + type + cont", housing, freq_weights="freq")
satisfied = tenants.fit()
satisfied.params

# %%
X, w = tenants.exog, housing["freq"].to_numpy()
Y = pd.get_dummies(housing["sat"]).to_numpy(float)
P = satisfied.predict().to_numpy()
k, p = Y.shape[1] - 1, X.shape[1]
gradient = X.T @ (w[:, None] * (Y - P)[:, 1:])
hessian = np.block(
    [
        [-(X.T * (w * P[:, a] * ((a == b) - P[:, b]))) @ X for b in range(1, k + 1)]
        for a in range(1, k + 1)
    ]
)
errors = np.sqrt(np.diag(np.linalg.inv(-hessian))).reshape(k, p).T
print("gradient at the estimates is zero:", bool(abs(gradient).max() < 1e-8))
same = np.allclose(errors, satisfied.bse, rtol=1e-9)
print("standard errors from the Hessian are glmfit's:", same)

# %% [markdown]
# Its first line says that fitted and observed numbers in each class agree, as in the
# logit.

# %%
pd.DataFrame(
    {"observed": Y.T @ w, "fitted": P.T @ w}, index=pd.get_dummies(housing["sat"]).columns
).round(6)

# %%
print(f"{'method':<10s}{'iterations':>12s}{'log-likelihood':>18s}{'largest difference':>22s}")
for name in ("newton", "fisher", "irls", "lbfgs", "gd"):
    fit = tenants.fit(method=name, maxiter=10_000)
    apart = abs(fit.params - satisfied.params).to_numpy().max()
    told = "< 1e-8" if apart < 1e-8 else f"{apart:.0e}"
    print(f"{name:<10s}{len(fit.history) - 1:>12d}{fit.llf:>18.6f}{told:>22s}")

# %%
for stop, what in (
    ("params", "coefficients move by less"),
    ("loglik", "log-likelihood gains less"),
    ("gradient", "gradient is smaller"),
):
    fit = tenants.fit(stop=stop, tol=1e-6)
    print(f"stop={stop!r:<11s} {what:<28s} {len(fit.history) - 1} iterations")
satisfied.history[["loglik", "step"]].round(6).head(4)

# %%
ax = gf.plots.convergence(satisfied)

# %% [markdown]
# ### Do irrelevant alternatives matter?
#
# Hausman and McFadden compare the fit with the one without a level; Small and Hsiao
# compare likelihoods on two halves.

# %%
print(satisfied.iia_test())

# %%
print(satisfied.iia_test("small-hsiao", seed=1))

# %% [markdown]
# The levels are ordered, so that a model of ordered classes says the same with fewer
# numbers: proportional odds.

# %%
ordered = gf.ordered("sat ~ infl + type + cont", housing, freq_weights="freq", distr="logit").fit()
print(f"multinomial: {satisfied.params.size} coefficients, AIC {satisfied.aic:.2f}")
print(f"ordered:     {ordered.params.size} coefficients, AIC {ordered.aic:.2f}")
