"""Model files: what is saved comes back to the last bit, and nothing else is believed."""

from __future__ import annotations

import copy
import errno
import hashlib
import json
import os
import subprocess
import sys
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glmfit as gf
from glmfit.errors import (
    ArgumentError,
    DataError,
    GlmfitError,
    ModelFileError,
    NotAvailableError,
)
from glmfit.models.base import Model
from glmfit.storage import SCHEMA, decode, encode


def quietly(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def table(n=60, seed=3):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "z": rng.uniform(1.0, 3.0, size=n),
            "g": rng.choice(list("abc"), size=n),
            "b": rng.uniform(size=n) < 0.5,
            "t": rng.uniform(1.0, 4.0, size=n),
            "f": rng.integers(1, 4, size=n),
        }
    )
    data["count"] = rng.poisson(np.exp(0.3 * data["x"] + 0.4))
    data["size"] = rng.gamma(2.0, np.exp(0.2 * data["x"]))
    data["event"] = rng.uniform(size=n) < 1.0 / (1.0 + np.exp(-data["x"]))
    data["class"] = rng.choice(["low", "middle", "high"], size=n)
    data["twice"] = 2.0 * data["x"]
    data["when"] = pd.Categorical(
        rng.choice(pd.to_datetime(["2020-01-01", "2021-06-01"]).to_numpy(), size=n)
    )
    data["band"] = pd.cut(data["z"], [1.0, 2.0, 3.0])
    return data


LEVELS = ["low", "middle", "high"]

COUNTS = [
    gf.NegativeBinomial,
    gf.NegativeBinomialP,
    gf.GeneralizedPoisson,
    gf.ZeroInflatedPoisson,
    gf.ZeroInflatedNegativeBinomialP,
    gf.HurdlePoisson,
    gf.HurdleNegativeBinomialP,
    gf.TruncatedLFPoisson,
    gf.TruncatedLFNegativeBinomialP,
    gf.TruncatedLFGeneralizedPoisson,
    gf.CensoredPoisson,
    gf.CensoredNegativeBinomialP,
]


def counts_for(kind):
    """Return the arguments of a class on arrays."""
    y = DATA["count"].to_numpy()
    if kind.__name__.startswith("Truncated"):
        return y + 1, X
    return (np.minimum(y, 4), X, 4) if kind.__name__.startswith("Censored") else (y, X)


NOT_SAVED = {
    "BetaModel": lambda: gf.betareg("share ~ x", DATA.assign(share=DATA.t / 5.0)).fit(),
    "BetaBinomial": lambda: gf.betabinomial(
        "share ~ x", DATA.assign(share=DATA.f / 8.0), trials=np.full(len(DATA), 8)
    ).fit(),
    "TweedieModel": lambda: gf.tweedie(
        "y ~ x", DATA.assign(y=DATA["size"] * DATA["event"]), var_power=1.5
    ).fit(),
}


def separated():
    x = np.arange(12.0)
    return pd.DataFrame({"x": x, "u": np.tile([0.0, 1.0, 0.5], 4), "y": (x > 5.0) * 1.0})


def choices():
    rng = np.random.default_rng(5)
    rows = pd.DataFrame(
        {
            "case": np.repeat(np.arange(40), 3),
            "mode": np.tile(["air", "bus", "car"], 40),
            "cost": rng.uniform(1.0, 5.0, size=120),
            "income": np.repeat(rng.uniform(1.0, 9.0, size=40), 3),
        }
    )
    rows["taken"] = 0.0
    rows.loc[3 * np.arange(40) + rng.integers(0, 3, size=40), "taken"] = 1.0
    return rows


def with_gaps():
    data = table()
    data.loc[[3, 7], "x"] = np.nan
    return data


DATA = table()
X = np.column_stack([np.ones(60), DATA["x"], DATA["z"]])

FITS = {
    "glm": lambda: gf.glm("size ~ x*g + C(f)", DATA, "gamma", link="log").fit(),
    "gaussian": lambda: gf.glm("size ~ x + g", DATA).fit(cov_type="HC3"),
    "tweedie": lambda: gf.glm("size ~ x", DATA, gf.families.Tweedie(var_power=1.5)).fit(),
    "negative binomial": lambda: gf.glm(
        "count ~ x", DATA, gf.families.NegativeBinomial(alpha=0.3)
    ).fit(),
    "power link": lambda: gf.glm(
        "size ~ z", DATA, gf.families.Gamma(gf.links.Power(power=0.7))
    ).fit(),
    "quasi": lambda: gf.glm("count ~ x", DATA, "quasipoisson").fit(),
    "ols": lambda: gf.ols("size ~ bs(x, df=5) + b", DATA).fit(),
    "clusters": lambda: gf.ols("size ~ x", DATA).fit(cov_type="cluster", cov_kwds={"groups": "g"}),
    "logit": lambda: gf.logit("event ~ center(x) + scale(z) + C(g, Sum)", DATA).fit(),
    "probit": lambda: gf.probit("event ~ cr(x, df=4) + te(cr(z, df=3))", DATA).fit(),
    "poisson": lambda: gf.poisson(
        "count ~ x + offset(np.log(t)) + Q('g'):z", DATA, freq_weights="f"
    ).fit(),
    "exposure": lambda: gf.poisson("count ~ x", DATA, exposure="t", var_weights="z").fit(),
    "arrays": lambda: gf.GLM(DATA["count"].to_numpy(), X, "poisson").fit(),
    "frames": lambda: gf.Logit(
        DATA["event"].astype(float), gf.add_constant(DATA[["x", "z"]])
    ).fit(),
    "array offset": lambda: gf.Poisson(
        DATA["count"].to_numpy(), X, exposure=DATA["t"].to_numpy()
    ).fit(),
    "aliased": lambda: gf.ols("size ~ x + twice + g", DATA).fit(),
    "missing rows": lambda: gf.ols("size ~ x + g", with_gaps(), subset=DATA["z"] > 1.2).fit(),
    "separated": lambda: gf.logit("y ~ x + u", separated()).fit(),
    "firth": lambda: gf.logit("y ~ x + u", separated()).fit(method="firth"),
    "ridge": lambda: gf.ols("size ~ x + z + g", DATA).fit_regularized(alpha=0.1, L1_wt=0.0),
    "lasso": lambda: gf.logit("event ~ x + z + g", DATA).fit_regularized(alpha=0.05, L1_wt=1.0),
    "times": lambda: gf.ols("size ~ when + band", DATA).fit(),
    "mnlogit": lambda: gf.mnlogit("Q('class') ~ x + g", DATA, reference="middle").fit(),
    "mnlogit arrays": lambda: gf.MNLogit(DATA["f"].to_numpy(), X).fit(),
    "ordered": lambda: gf.ordered(
        "Q('class') ~ x + bs(z, df=4)", DATA, distr="logit", levels=LEVELS
    ).fit(),
    "partial": lambda: gf.ordered("Q('class') ~ x + z", DATA, levels=LEVELS, nonparallel="z").fit(),
    "adjacent": lambda: gf.adjacent_category("Q('class') ~ x", DATA, levels=LEVELS).fit(),
    "continuation": lambda: gf.continuation_ratio("Q('class') ~ x", DATA, levels=LEVELS).fit(),
    "conditional": lambda: gf.conditional_logit(
        "case ~ spontaneous + induced", gf.datasets.load("infert"), groups="stratum"
    ).fit(),
    "choice": lambda: gf.choice(
        "taken ~ cost | income", choices(), groups="case", alternatives="mode"
    ).fit(),
    "dispersion": lambda: gf.negativebinomial(
        "count ~ bs(x, df=4)", DATA, exposure="t", dispersion="~ g"
    ).fit(),
    "zeroinflated": lambda: gf.zeroinflated(
        "count ~ g", DATA, inflation="~ scale(x)", dist="negbin"
    ).fit(),
    "limited": lambda: gf.censored(
        "count ~ x + twice", DATA.assign(count=DATA["count"].clip(upper=3)), censoring=3
    ).fit(),
    "counts in arrays": lambda: gf.ZeroInflatedGeneralizedPoisson(
        DATA["count"].to_numpy(), X, p=1, exposure=DATA["t"].to_numpy()
    ).fit(),
    **{kind.__name__: partial(lambda kind: kind(*counts_for(kind)).fit(), kind) for kind in COUNTS},
}
NEW = {
    "counts in arrays": lambda: X[:5],
    **{kind.__name__: lambda: X[:5] for kind in COUNTS},
    "separated": separated,
    "firth": separated,
    "arrays": lambda: X[:5],
    "array offset": lambda: X[:5],
    "frames": lambda: gf.add_constant(DATA[["x", "z"]])[:5],
    "mnlogit arrays": lambda: X[:5],
    "conditional": lambda: gf.datasets.load("infert")[:9],
    "choice": lambda: choices()[:9],
}
MORE = {"array offset": {"exposure": 2.0}, "counts in arrays": {"exposure": 2.0}}


@pytest.fixture(scope="module")
def fits():
    return {name: quietly(make) for name, make in FITS.items()}


@pytest.fixture(params=list(FITS))
def name(request):
    return request.param


def again(result, path):
    result.save(path)
    return gf.load(path)


def equal(one, two):
    np.testing.assert_array_equal(np.asarray(one), np.asarray(two))


def test_a_saved_result_is_the_result(name, fits, tmp_path):
    result = fits[name]
    loaded = again(result, tmp_path / "model.json")
    assert type(loaded) is type(result) and type(loaded.model) is type(result.model)
    equal(loaded.params, result.params)
    if result.has_wald:
        equal(loaded.cov_params(), result.cov_params())
        equal(loaded.conf_int(0.1), result.conf_int(0.1))
    equal(loaded.history, result.history)
    equal([loaded.nobs, loaded.llf], [result.nobs, result.llf])
    for alpha in (0.05, 0.2):
        assert loaded.summary(alpha=alpha).as_text() == result.summary(alpha=alpha).as_text()


def test_a_saved_result_predicts_bit_for_bit(name, fits, tmp_path):
    result, new = fits[name], NEW.get(name, lambda: DATA[:9])()
    loaded = again(result, tmp_path / "model.json")
    more = MORE.get(name, {})
    one, two = (quietly(lambda r=r: r.predict(new, **more)) for r in (result, loaded))
    assert type(one) is type(two)
    equal(one, two)
    try:
        expected = quietly(lambda: result.get_prediction(new, **more))
    except NotAvailableError:
        with pytest.raises(NotAvailableError):
            loaded.get_prediction(new, **more)
        return
    found = quietly(lambda: loaded.get_prediction(new, **more))
    pd.testing.assert_frame_equal(
        found.summary_frame(), expected.summary_frame(), check_exact=True, check_names=False
    )


def test_a_file_saved_again_is_the_same_file(name, fits, tmp_path):
    fits[name].save(tmp_path / "one.json")
    gf.load(tmp_path / "one.json").save(tmp_path / "two.json")
    assert (tmp_path / "one.json").read_text() == (tmp_path / "two.json").read_text()


def test_a_file_has_the_summary_as_text(fits, tmp_path):
    fits["logit"].save(tmp_path / "model.json")
    content = json.loads((tmp_path / "model.json").read_text())["content"]
    assert "\n".join(content["summary"]) == fits["logit"].summary().as_text()


def test_a_file_holds_no_rows(tmp_path):
    sizes = []
    for n in (200, 4000):
        data = table(n)
        result = gf.ols("size ~ x + g", data, freq_weights="f").fit()
        result.save(tmp_path / "model.json")
        text = (tmp_path / "model.json").read_text()
        sizes.append(len(text))
        held = [v for v in data["x"][:150] if repr(float(v)) in text]
        assert len(held) <= 3  # range and median of the variable
    assert abs(sizes[1] - sizes[0]) < 200


def test_every_other_model_class_says_that_it_is_not_saved(tmp_path):
    saved = {type(quietly(make).model).__name__ for make in FITS.values()}
    made = {getattr(gf, name) for name in gf.__all__ if isinstance(getattr(gf, name), type)}
    others = {k for k in made if issubclass(k, Model) and k.__name__ not in saved}
    assert {kind.__name__ for kind in others} == set(NOT_SAVED)
    for make in NOT_SAVED.values():
        result = quietly(make)
        with pytest.raises(NotAvailableError, match="cannot be saved"):
            result.save(tmp_path / "model.json")


def test_rows_are_asked_for_in_words(fits, tmp_path):
    loaded = again(fits["logit"], tmp_path / "model.json")
    with pytest.raises(NotAvailableError, match="model file"):
        _ = loaded.resid_response
    with pytest.raises(NotAvailableError, match="model file"):
        loaded.predict()


def test_a_multinomial_of_a_file_takes_another_reference(fits, tmp_path):
    loaded = again(fits["mnlogit"], tmp_path / "model.json")
    equal(loaded.rebase("high").params, fits["mnlogit"].rebase("high").params)


def test_a_multinomial_without_data_takes_another_reference(fits):
    light = fits["mnlogit"].remove_data()
    equal(light.rebase("high").params, fits["mnlogit"].rebase("high").params)


def test_offsets_by_value_are_asked_for(fits, tmp_path):
    loaded = again(fits["array offset"], tmp_path / "model.json")
    with pytest.raises(ArgumentError, match="exposure="):
        loaded.predict(X[:3])


def test_functions_of_the_callers_are_handed_in_again(tmp_path):
    path = tmp_path / "model.json"
    result = gf.ols("size ~ half(x)", DATA, env={"half": lambda x: x / 2.0}).fit()
    result.save(path)
    with pytest.raises(ArgumentError, match="half"):
        gf.load(path)
    loaded = gf.load(path, env={"half": lambda x: x / 2.0})
    equal(loaded.predict(DATA), result.predict(DATA))


def test_a_transform_of_the_callers_is_refused(tmp_path):
    import patsy

    class Least:
        def __init__(self):
            self.least = np.inf

        def memorize_chunk(self, x):
            self.least = min(self.least, float(np.min(x)))

        def memorize_finish(self):
            pass

        def transform(self, x):
            return x - self.least

    result = gf.ols("size ~ least(x)", DATA, env={"least": patsy.stateful_transform(Least)}).fit()
    with pytest.raises(NotAvailableError, match="Least"):
        result.save(tmp_path / "model.json")
    assert not list(tmp_path.iterdir())


def test_levels_that_no_file_holds_are_refused(tmp_path):
    data = table()
    data["g"] = pd.Categorical([complex(ord(v)) for v in data["g"]])
    result = gf.ols("size ~ g", data).fit()
    with pytest.raises(NotAvailableError, match="complex"):
        result.save(tmp_path / "model.json")


def test_another_process_predicts_the_same_bits(tmp_path):
    result = gf.poisson("count ~ bs(x, df=5) + center(z) + standardize(t)", DATA).fit()
    result.save(tmp_path / "model.json")
    rows = DATA[["x", "z", "t"]].sort_values("x")[3:-3]
    rows.to_pickle(tmp_path / "rows.pickle")
    code = (
        "import sys, pandas, glmfit\n"
        "result = glmfit.load(sys.argv[1])\n"
        "rows = pandas.read_pickle(sys.argv[2])\n"
        "print(' '.join(float(v).hex() for v in result.predict(rows)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "model.json", tmp_path / "rows.pickle"],
        capture_output=True, text=True, check=True, cwd=os.path.dirname(os.path.dirname(__file__)),
    )  # fmt: skip
    assert done.stdout.split() == [float(v).hex() for v in result.predict(rows)]


# --- files that are written whole -------------------------------------------------------------


def test_a_failed_save_leaves_the_old_file(fits, tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    fits["ols"].save(path)
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        fits["logit"].save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model.json"]


FULL_DISK = """
import resource, signal, sys
import glmfit as gf
result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", gf.datasets.load("challenger")).fit()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    result.save(sys.argv[1])
except OSError as error:
    print(error.errno)
"""


def test_a_disk_that_is_full_leaves_the_old_file(fits, tmp_path):
    path = tmp_path / "model.json"
    fits["logit"].save(path)
    before = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, path],
        capture_output=True, text=True, check=True, cwd=os.path.dirname(os.path.dirname(__file__)),
    )  # fmt: skip
    assert done.stdout.split() == [str(errno.EFBIG)]
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["model.json"]


def test_a_link_stays_a_link(fits, tmp_path):
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    fits["ols"].save(tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    gf.load(tmp_path / "real.json")


def test_no_folder_no_file(fits, tmp_path):
    with pytest.raises(FileNotFoundError):
        fits["ols"].save(tmp_path / "absent" / "model.json")


# --- files that are refused -------------------------------------------------------------------


def whole_of(result, tmp_path):
    result.save(tmp_path / "model.json")
    return json.loads((tmp_path / "model.json").read_text())


def written(whole, path, *, checked=True):
    if checked:
        text = json.dumps(whole["content"], sort_keys=True, separators=(",", ":"))
        whole = {**whole, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    path.write_text(json.dumps(whole))
    return path


def test_a_later_schema_is_refused_in_words(fits, tmp_path):
    whole = {**whole_of(fits["ols"], tmp_path), "schema": SCHEMA + 1, "glmfit": "9.9"}
    with pytest.raises(ModelFileError, match=rf"schema {SCHEMA + 1}.*glmfit 9\.9.*Install"):
        gf.load(written(whole, tmp_path / "later.json"))


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "null", "[]", "3", '"text"', '{"format": "glmfit model"}', "\x80\x81",
        '{"format": "glmfit model", "schema": 1, "content": NaN}', "[" * 200_000,
        '{"format": "a", "format": "b"}', '{"format": "glmfit model", "schema": "1"}',
        '{"format": "glmfit model", "schema": ' + "9" * 5000 + "}",
    ],
)  # fmt: skip
def test_what_is_no_model_file_is_refused(text, tmp_path):
    path = tmp_path / "model.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ModelFileError, match=r"model\.json"):
        gf.load(path)


def test_a_truncated_file_is_refused(fits, tmp_path):
    fits["logit"].save(tmp_path / "model.json")
    raw = (tmp_path / "model.json").read_bytes()
    for stop in np.linspace(0, len(raw) - 2, 40).astype(int):
        (tmp_path / "cut.json").write_bytes(raw[:stop])
        with pytest.raises(ModelFileError):
            gf.load(tmp_path / "cut.json")


def test_a_changed_digit_is_noticed(fits, tmp_path):
    whole = whole_of(fits["ols"], tmp_path)
    base = whole["content"]["result"]["record"]["base"]["$float64"]
    base[0] = base[0] + 1e-13
    with pytest.raises(ModelFileError, match="checksum"):
        gf.load(written(whole, tmp_path / "changed.json", checked=False))


CODE = "__import__('os').system('touch canary')"


def places(part, path=()):
    """Yield every place of a JSON value."""
    yield path
    if isinstance(part, dict):
        for name in part:
            yield from places(part[name], (*path, name))
    elif isinstance(part, list):
        for j in range(min(len(part), 3)):
            yield from places(part[j], (*path, j))


def changed(part, path, value):
    if not path:
        return value
    part = copy.copy(part)
    part[path[0]] = changed(part[path[0]], path[1:], value)
    return part


BAD = [
    None, True, -1, 2, 4, 20, 10**30, 0.5, "", "x", CODE, [], [[]], [1] * 1000, {}, {"a": 1},
    {"$float": "nan"}, {"$float64": [1.0], "shape": [10**9, 10**9]}, {"$unknown": 3},
    {"$float64": ["nan"], "shape": [1]}, {"$interval": [2, 1, "no"]}, {"$timestamp": "never"},
]  # fmt: skip


def used(result, which):
    """Ask a loaded result for what it should be able to do."""
    result.summary().as_text()
    rows = NEW.get(which, lambda: DATA)()[:3]
    result.predict(rows)
    result.get_prediction(rows).summary_frame()


def try_hostile(content, whole, folder, which=""):
    """Load a file with a valid checksum; it must be refused in words, or do no harm."""
    target = written({**whole, "content": content}, folder / "hostile.json")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            used(gf.load(target), which)
        except GlmfitError as error:
            assert str(error)
    assert not (folder / "canary").exists()


HOSTILE = ["logit", "glm", "mnlogit", "partial", "ridge", "probit", "ordered", "times", "lasso"]
HOSTILE += ["poisson", "conditional", "choice"]


def places_named(part, name, path=()):
    """Yield the places of the entries of a name."""
    for place in places(part):
        if place and place[-1] == name:
            yield place


def nested(times):
    value = []
    for _ in range(times):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [60, 300, 700])
def test_a_nested_file_is_refused(depth, fits, tmp_path):
    whole = whole_of(fits["ols"], tmp_path)
    whole["content"]["result"]["cov_kwds"]["more"] = nested(depth)
    with pytest.raises(ModelFileError, match="nested too deeply"):
        gf.load(written(whole, tmp_path / "deep.json"))


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_a_number_beyond_the_largest_is_refused(number, fits, tmp_path):
    text = json.dumps(whole_of(fits["poisson"], tmp_path)).replace('"scale": 1.0', '"scale": 1e99')
    (tmp_path / "model.json").write_text(text.replace("1e99", number))
    with pytest.raises(ModelFileError, match="no finite number"):
        gf.load(tmp_path / "model.json")


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("_degree", 20),  # FITPACK would write past the end of its arrays
        ("_degree", -1),
        ("_all_knots", {"$float64": [0.5], "shape": [1]}),
        ("_all_knots", {"$float64": [1.0, 0.0] * 6, "shape": [12]}),
        ("_all_knots", {"$float64": [0.0] * 12, "shape": [3, 4]}),
    ],
)
def test_knots_that_no_spline_has_are_refused(entry, value, fits, tmp_path):
    whole = whole_of(fits["ordered"], tmp_path)
    place = next(places_named(whole["content"], entry))
    whole["content"] = changed(whole["content"], place, value)
    with pytest.raises(ModelFileError, match=r"no valid memory of 'bs\(z, df=4\)'"):
        gf.load(written(whole, tmp_path / "hostile.json"))


def test_a_spline_of_another_degree_is_refused(fits, tmp_path):
    whole = whole_of(fits["ordered"], tmp_path)
    place = next(places_named(whole["content"], "_degree"))
    whole["content"] = changed(whole["content"], place, 2)
    loaded = gf.load(written(whole, tmp_path / "hostile.json"))
    with pytest.raises(DataError, match="makes 5 columns here; it made 4"):
        loaded.predict(DATA[:3])


@pytest.mark.parametrize("which", HOSTILE)
def test_a_hostile_file_is_refused_or_harmless(which, fits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = whole_of(fits[which], tmp_path)
    found = list(places(whole["content"]))
    random = np.random.default_rng(11)
    for _ in range(60):
        path = found[random.integers(len(found))]
        bad = BAD[random.integers(len(BAD))]
        try_hostile(changed(whole["content"], path, bad), whole, tmp_path, which)


@pytest.mark.slow
@pytest.mark.parametrize("which", HOSTILE)
def test_no_hostile_file_does_harm(which, fits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = whole_of(fits[which], tmp_path)
    for path in places(whole["content"]):
        for bad in BAD:
            try_hostile(changed(whole["content"], path, bad), whole, tmp_path, which)


@pytest.mark.parametrize(
    "code", [CODE, "x.__class__", "(lambda: 1)()", "open('canary', 'w')", "np.load('x')", "x["]
)
def test_code_in_a_factor_is_refused(code, fits, tmp_path):
    whole = whole_of(fits["logit"], tmp_path)
    factors = whole["content"]["model"]["data"]["spec"]["factors"]
    factors[0] = {**factors[0], "code": code}
    with pytest.raises(ModelFileError, match="refused"):
        gf.load(written(whole, tmp_path / "hostile.json"))


def test_a_class_that_is_no_model_is_refused(fits, tmp_path):
    whole = whole_of(fits["logit"], tmp_path)
    for kind in ("Popen", "Model", "Counterfactuals", "DiscreteModel", "MNLogit", "Logitt"):
        content = changed(whole["content"], ("model", "kind"), kind)
        with pytest.raises(ModelFileError):
            gf.load(written({**whole, "content": content}, tmp_path / "hostile.json"))


# --- values -----------------------------------------------------------------------------------


@given(st.floats(width=64) | st.sampled_from([np.inf, -np.inf, 5e-324, 1.7976931348623157e308]))
def test_a_number_comes_back_to_the_last_bit(value):
    text = json.dumps(encode(np.array([value])), allow_nan=False)
    found = decode(json.loads(text), np.ndarray[tuple[int, ...], np.dtype[np.float64]], "here")
    assert found.tobytes() == np.array([value]).tobytes() or (value != value and np.isnan(found[0]))


@given(st.floats(0.1, 10.0), st.floats(-1.0, 1.0))
def test_a_long_double_comes_back_to_the_last_bit(value, more):
    wide = np.array([np.longdouble(value) + np.longdouble(more) * np.longdouble(2.0) ** -60])
    state = json.loads(json.dumps(encode(wide)))
    found = decode(state, np.ndarray[tuple[int, ...], np.dtype[np.longdouble]], "here")
    assert found[0] == wide[0]
