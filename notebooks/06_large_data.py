# %% [markdown]
# # Data larger than memory
#
# A formula can be fitted to rows that are never all in memory: glmfit reads them piece by
# piece, as often as the fit has passes, and adds up the same sums in the same order as it does
# for a data frame. This page makes a portfolio of 600,000 car policies, fits it where it lies,
# and shows what is the same, what it costs, and what is refused. Nothing of it depends on the
# size, but the time that you wait.

# %%
import json
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd

import glmfit as gf

pd.options.display.float_format = "{:.6f}".format
pd.options.display.width = 100


def say(text):
    print(textwrap.fill(str(text), 92, subsequent_indent="  "))


# %% [markdown]
# ## A folder of Parquet files
#
# One file for each month. The formula below needs seven of the columns; the sensor readings
# are there because tables that people have are wider than what one model asks for.

# %%
scratch = tempfile.TemporaryDirectory()
folder = Path(scratch.name) / "policies"
folder.mkdir()


def policies(month, n=100_000):
    rng = np.random.default_rng(month)
    frame = pd.DataFrame(
        {
            "month": month,
            "region": rng.choice(["north", "south", "east", "west"], n, p=[0.4, 0.3, 0.2, 0.1]),
            "vehicle_age": rng.integers(0, 21, n),
            "driver_age": rng.integers(18, 86, n),
            "power": rng.integers(4, 13, n),
            "bonus": rng.integers(50, 131, n),
            "years": np.round(rng.uniform(0.1, 1.0, n), 3),
        }
    )
    rate = np.exp(
        -2.6
        + 0.008 * (frame["bonus"] - 80)
        + 0.03 * frame["power"]
        + 0.015 * frame["vehicle_age"]
        + 0.4 * np.exp((18 - frame["driver_age"]) / 8)
        + 0.1 * (frame["region"] == "south")
    )
    frame["claims"] = rng.poisson(frame["years"] * rate)
    for number in range(1, 7):
        frame[f"sensor_{number}"] = rng.normal(size=n)
    return frame


for month in range(1, 7):
    policies(month).to_parquet(folder / f"2026-{month:02d}.parquet", index=False)
policies(1).head(3).T

# %% [markdown]
# ## The fit
#
# Where a data frame stands, stands the path: of one file, of a folder, or with a pattern
# (`"policies/2026-*.parquet"`). The first pass learns the levels of factors, the knots of
# splines and which rows are complete; the others step to the maximum.

# %%
FORMULA = "claims ~ region + bs(driver_age, df=5) + vehicle_age + power + bonus"
streamed = gf.poisson(FORMULA, folder, exposure="years").fit()
streamed.summary()

# %% [markdown]
# ### The digits of a fit in memory
#
# Rows are cut into pieces at the same row numbers, wherever files and row groups end, so the
# sums do not depend on how the data are stored.

# %%
frame = pd.read_parquet(folder)
held = gf.poisson(FORMULA, frame, exposure="years").fit()
for name, one, other in (
    ("coefficients", streamed.params, held.params),
    ("standard errors", streamed.bse, held.bse),
    ("log-likelihood", streamed.llf, held.llf),
    ("deviance", streamed.deviance, held.deviance),
):
    apart = np.max(abs(np.asarray(one) / np.asarray(other) - 1))
    print(f"{name:<16s} equal to 11 digits: {apart < 1e-11}")

# %% [markdown]
# ### What it costs
#
# Two fresh processes, one that reads the folder into a frame and fits it, one that streams.
# The memory that counts is the peak above what the imports take. The streamed fit keeps a
# sample of the rows, and prepared rows between passes, since reading is slower than adding: up
# to 320 MB in all, unless `gf.stream(data, memory=)` says otherwise. Beyond that it reads again.

# %%
MEASURE = """
import json, re, resource, sys
from pathlib import Path
import numpy, pandas, pyarrow.dataset
import glmfit as gf

def peak():
    status = Path("/proc/self/status")
    if status.exists():  # on Linux the other number may be that of the parent process
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

way, folder, formula = sys.argv[1:]
before = peak()
data = folder if way == "streamed" else pandas.read_parquet(folder)
result = gf.poisson(formula, data, exposure="years").fit()
print(json.dumps({"peak": peak() - before, "llf": result.llf}))
"""


def measured(way):
    command = [sys.executable, "-c", MEASURE, way, str(folder), FORMULA]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


costs = {way: measured(way) for way in ("streamed", "in memory")}
print("The streamed fit needs less memory:", costs["streamed"]["peak"] < costs["in memory"]["peak"])

# %% [markdown]
# Where this page was written the peaks were 200 and 340 MB. The frame's grows with the rows,
# and with columns that nobody asked for; the stream's ends with what may be kept and the pieces
# in hand. In return a streamed fit takes up to twice the time, most of it for reading.
#
# ## What comes after the fit
#
# Whatever is made of the estimates and their covariance needs no rows: tables, Wald tests,
# intervals, predictions for new data. Robust and clustered covariances need one more pass and
# take it. (Six months are few clusters for such standard errors; it is the call that matters
# here.)

# %%
print(streamed.wald_test_terms())

# %%
covariances = {
    "model": streamed,
    "HC1": streamed.with_cov("HC1"),
    "by month": streamed.with_cov("cluster", groups="month"),
}
pd.DataFrame({name: fit.bse for name, fit in covariances.items()})

# %%
ax = gf.plots.coefficients(streamed, ["region", "vehicle_age", "power", "bonus"])

# %% [markdown]
# ## Predictions to a file
#
# `predict_to` reads rows as the fit does and writes a prediction for each, in their order. The
# file appears when it is complete, so nobody reads half of it.

# %%
target = Path(scratch.name) / "expected_claims.parquet"
written = streamed.predict_to(target, folder)
expected = pd.read_parquet(target)["prediction"]
print(f"{written:,} rows written")
print("the same as in memory:", bool(np.allclose(expected, held.predict(frame), rtol=1e-11)))
print(f"claims expected {expected.sum():.3f}, seen {frame['claims'].sum()}")

# %% [markdown]
# ## Other sources
#
# A polars query that has not been collected, a DuckDB relation, a `pyarrow` data set, and a
# function that starts a new reading of frames each time that it is called: each is read anew
# for each pass. All but the function are asked for the columns of the formula only.

# %%
import duckdb
import polars as pl
import pyarrow.dataset as ds


def month_by_month():
    for path in sorted(folder.glob("*.parquet")):
        yield pd.read_parquet(path)


database = duckdb.connect()
sources = {
    "polars LazyFrame": pl.scan_parquet(folder / "*.parquet"),
    "DuckDB relation": database.sql(f"FROM '{folder}/*.parquet'"),
    "pyarrow data set": ds.dataset(folder),
    "function of frames": month_by_month,
}
for name, source in sources.items():
    other = gf.poisson("claims ~ region + bonus", source, exposure="years").fit()
    print(f"{name:<20s}{other.nobs:>9,} rows   llf {other.llf:.4f}", end="   ")
    print(f"slope of bonus {other.params['bonus']:.10f}")

# %% [markdown]
# Filter where the rows come from; `subset=` is for tables in memory. A query and a connection
# make a source too, whatever the database.

# %%
winter = gf.poisson(
    "claims ~ region + bonus",
    pl.scan_parquet(folder / "*.parquet").filter(pl.col("month") <= 2),
    exposure="years",
).fit()
print(f"{winter.nobs:,} rows")

# %%
query = f"SELECT claims, region, bonus, years FROM '{folder}/*.parquet' WHERE month <= 2"
asked = gf.poisson(
    "claims ~ region + bonus", gf.stream(query, database, memory=2**26), exposure="years"
).fit()
print("the same by a query:", bool(np.allclose(asked.params, winter.params, rtol=1e-11)))

# %% [markdown]
# ## What is refused
#
# What needs all rows at once, or a value for each of them, says so in words, before the data
# are read where it can.

# %%
refused = {
    "residuals": lambda: streamed.resid_deviance,
    "fitted values": lambda: streamed.fittedvalues,
    "influence": lambda: streamed.get_influence().cooks_distance,
    "weights as an array": lambda: gf.poisson(FORMULA, folder, var_weights=np.ones(600_000)),
    "subset": lambda: gf.poisson(FORMULA, folder, subset=frame["month"] < 3),
    "an iterator": lambda: gf.poisson(FORMULA, iter([frame])),
    "a misspelt column": lambda: gf.poisson(FORMULA, folder, exposure="year"),
}
for name, ask in refused.items():
    try:
        ask()
    except gf.errors.GlmfitError as error:
        say(f"{name}: {type(error).__name__}: {error}")

# %% [markdown]
# For plots of residuals and influence fit a sample of the rows in memory: it has the same
# methods as any fit, and the sample is usually all that an eye can take in.

# %%
sample = gf.poisson(FORMULA, frame.iloc[::100], exposure="years").fit()
ax = gf.plots.adjusted_predictions(sample, "driver_age", points=34)

# %%
ax = gf.plots.binned_residuals(sample)

# %%
database.close()
scratch.cleanup()
