"""McFadden's choice model: against R, a published table, and the models that it contains.

R's numbers are in tests/reference/choice.json, from the script beside it.
"""

import json
import pickle
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glmfit as gf
from glmfit.errors import (
    AlignmentError,
    ArgumentError,
    ArgumentTypeError,
    CollinearityWarning,
    DataError,
    FormulaError,
    LevelError,
    NotAvailableError,
    ResponseError,
    SeparationWarning,
    UnknownNameError,
)

REFERENCE = json.loads((Path(__file__).parent / "reference" / "choice.json").read_text())
CASES = {"groups": "individual", "alternatives": "mode"}
INCOME = "choice ~ gcost + wait | income"


@pytest.fixture
def travel():
    return gf.datasets.load("travel_mode")


def fitted(formula, data, **options):
    return gf.choice(formula, data, **CASES, **options).fit()


@pytest.fixture(scope="module")
def income():
    return fitted(INCOME, gf.datasets.load("travel_mode"), reference="car")


def simulated(seed, n=60, levels="abcd", lost=0.2):
    """Long data with varying choice sets, in random order of rows."""
    random = np.random.default_rng(seed)
    size = len(levels)
    data = pd.DataFrame(
        {
            "case": np.repeat(np.arange(n), size),
            "alt": list(levels) * n,
            "x": random.normal(size=n * size),
            "t": random.uniform(1, 5, n * size),
            "who": np.repeat(random.normal(size=n), size),
            "sex": np.repeat(random.choice(["m", "f"], n), size),
            "freq": np.repeat(random.integers(1, 4, n), size),
        }
    )
    data = data[random.uniform(size=len(data)) >= lost]
    data = data[data.groupby("case")["alt"].transform("size") > 1].reset_index(drop=True)
    utility = 0.8 * data["x"] - 0.3 * data["t"] + 0.5 * (data["alt"] == "b") * data["who"]
    utility += random.gumbel(size=len(data))
    data["y"] = (utility == utility.groupby(data["case"]).transform("max")).astype(int)
    return data.sample(frac=1.0, random_state=seed)


# -- against R ---------------------------------------------------------------------------------


def check(result, want, constants=None):
    assert list(result.params.index) == list(want["params"])
    np.testing.assert_allclose(result.params, list(want["params"].values()), rtol=1e-9)
    np.testing.assert_allclose(result.bse, list(want["bse"].values()), rtol=1e-9)
    assert result.llf == pytest.approx(want["llf"], rel=1e-13)
    assert result.llequal == pytest.approx(want["llequal"], rel=1e-13)
    null = want["llequal"] if constants is None else constants["llf"]
    assert result.llnull == pytest.approx(null, rel=1e-12)


def test_published_table(travel):
    """Greene (2003), table 21.11 (unweighted): coefficients, and three log-likelihoods."""
    travel["airinc"] = travel["income"] * (travel["mode"] == "air")
    result = fitted("choice ~ gcost + wait + airinc", travel, reference="car")
    published = [5.2074, 3.8690, 3.1632, -0.01550, -0.09612, 0.01329]
    np.testing.assert_allclose(result.params, published, atol=5.1e-5)
    np.testing.assert_allclose(result.params[3:], published[3:], atol=5.1e-6)
    assert round(result.llf, 4) == -199.1284
    assert round(result.llequal, 4) == -291.1218
    assert round(result.llnull, 4) == -283.7588
    check(result, REFERENCE["greene"], REFERENCE["constants"])


def test_a_coefficient_for_each_alternative(income):
    check(income, REFERENCE["income"], REFERENCE["constants"])
    assert (income.nobs, income.df_model, income.df_resid) == (210, 5, 202)
    assert income.llr == pytest.approx(2 * (283.7587684360075 - 189.525152579934), rel=1e-12)


def test_three_parts(travel):
    result = fitted("choice ~ gcost + wait | income + size | travel", travel)
    check(result, REFERENCE["three_parts"], REFERENCE["constants"])


def test_no_constants(travel):
    result = fitted("choice ~ gcost + wait | 0", travel)
    check(result, REFERENCE["no_constants"])
    assert (result.df_model, result.k_constant) == (2, 0)
    assert result.llr == pytest.approx(2 * (result.llf - result.llequal))
    same = gf.conditional_logit("choice ~ gcost + wait", travel, groups="individual").fit()
    np.testing.assert_allclose(result.params, same.params, rtol=1e-12)
    assert result.llnull == pytest.approx(same.llnull)


def test_constants_only(travel):
    result = fitted("choice ~ 1", travel, reference="car")
    check(result, REFERENCE["constants"], REFERENCE["constants"])
    assert (result.df_model, result.prsquared) == (0, pytest.approx(0.0, abs=1e-12))
    counts = result.sets.chosen
    assert result.llf == pytest.approx(counts @ np.log(counts / 210))


def test_varying_choice_sets_weights_and_offsets(travel):
    who, mode = travel["individual"], travel["mode"]
    gone = (who % 3 == 0) & (mode == "bus") | (who % 5 == 0) & (mode == "train")
    data = travel[~(gone & (travel["choice"] == 0))].copy()
    data["w"] = 1 + data["individual"] % 3
    options = {"reference": "car", "freq_weights": "w", "offset": -0.01 * data["vcost"]}
    result = fitted(INCOME, data, **options)
    check(result, REFERENCE["varying"], REFERENCE["varying_constants"])
    assert result.nobs == data.groupby("individual")["w"].first().sum()
    named = fitted("choice ~ gcost + wait + offset(-0.01 * vcost) | income", data,
                   reference="car", var_weights="w")  # fmt: skip
    np.testing.assert_allclose(named.params, result.params, rtol=1e-12)
    assert named.nobs == 210
    assert named.predict(data).sum() == pytest.approx(210.0)


def test_log_likelihood_to_thirty_digits(income, travel):
    mpmath.mp.dps = 30
    theta = {name: mpmath.mpf(float(value)) for name, value in income.params.items()}
    total = mpmath.mpf(0)
    for _, rows in travel.groupby("individual"):
        utility = [
            theta["gcost"] * int(row.gcost) + theta["wait"] * int(row.wait)
            + (0 if row.mode == "car" else theta[f"Intercept:{row.mode}"]
               + theta[f"income:{row.mode}"] * int(row.income))
            for row in rows.itertuples()
        ]  # fmt: skip
        chosen = utility[int(np.argmax(rows["choice"]))]
        total += chosen - mpmath.log(mpmath.fsum(mpmath.exp(u) for u in utility))
    assert income.llf == pytest.approx(float(total), rel=1e-15)


# -- against the models that it contains -------------------------------------------------------


@pytest.mark.parametrize("formula", ["income", "income * size", "bs(income, df=4) + C(size > 1)"])
def test_variables_of_the_individual_are_a_multinomial_logit(travel, formula):
    chosen = travel[travel["choice"] == 1]
    levels = gf.mnlogit(f"mode ~ {formula}", chosen, reference="car").fit()
    result = fitted(f"choice ~ 0 | {formula}", travel, reference="car")
    assert result.params.size == levels.params.size
    for name, value in result.params.items():
        term, _, level = name.rpartition(":")
        assert value == pytest.approx(levels.params.loc[term, level], rel=1e-8), name
    assert result.llf == pytest.approx(levels.llf, rel=1e-12)
    assert result.llnull == pytest.approx(levels.llnull, rel=1e-12)
    assert result.llr_pvalue == pytest.approx(levels.llr_pvalue)
    assert result.bic == pytest.approx(levels.bic)


def test_no_constants_for_variables_of_the_individual(travel):
    chosen = travel[travel["choice"] == 1]
    levels = gf.mnlogit("mode ~ 0 + income", chosen, reference="car").fit()
    result = fitted("choice ~ 0 | 0 + income", travel, reference="car")
    np.testing.assert_allclose(result.params, levels.params.to_numpy()[0], rtol=1e-9)


def test_arrays_are_the_columns_of_the_formula(income, travel):
    model = gf.ChoiceModel(travel["choice"], pd.DataFrame(income.model.exog, travel.index,
                           income.model.exog_names), groups=travel["individual"],
                           alternatives=travel["mode"])  # fmt: skip
    result = model.fit()
    np.testing.assert_allclose(result.params, income.params, rtol=1e-12)
    assert result.llequal == pytest.approx(income.llequal)
    pd.testing.assert_series_equal(result.predict(which="choice"), income.predict(which="choice"))
    pd.testing.assert_frame_equal(
        result.elasticities("gcost"),
        income.elasticities("gcost").sort_index(axis=0).sort_index(axis=1),
    )
    with pytest.raises(ArgumentError, match="does not know the alternatives of new rows"):
        result.predict(model.exog, groups=travel["individual"], which="choice")
    plain = gf.ChoiceModel(travel["choice"].to_numpy(), income.model.exog,
                           groups=travel["individual"].to_numpy(),
                           alternatives=np.asarray(travel["mode"])).fit()  # fmt: skip
    np.testing.assert_allclose(plain.params, income.params, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_reference_and_levels_of_variables_change_no_probability(seed):
    data = simulated(seed % 1000, n=150)
    options = {"groups": "case", "alternatives": "alt"}
    result = gf.choice("y ~ x | who + sex | t", data, **options).fit()
    shuffled = data.sample(frac=1.0, random_state=seed % 7)
    # a constant of the case moves all of its utilities alike
    shuffled["x"] += shuffled["who"]
    other = gf.choice("y ~ x | who + sex | t", shuffled, reference="d", **options).fit()
    np.testing.assert_allclose(other.predict().loc[data.index], result.predict(), rtol=1e-6)
    assert other.llf == pytest.approx(result.llf, rel=1e-10)
    assert other.llnull == pytest.approx(result.llnull, rel=1e-10)
    np.testing.assert_allclose(result.predict().groupby(data["case"]).sum(), 1.0)


def test_frequencies_are_repeated_cases():
    data = simulated(1)
    weighted = gf.choice("y ~ x + t | who", data, groups="case", alternatives="alt",
                         freq_weights="freq").fit()  # fmt: skip
    copies = [data[data["freq"] > k].assign(case=lambda d, k=k: d["case"] * 10 + k)
              for k in range(3)]  # fmt: skip
    repeated = gf.choice("y ~ x + t | who", pd.concat(copies, ignore_index=True), groups="case",
                         alternatives="alt").fit()  # fmt: skip
    np.testing.assert_allclose(weighted.params, repeated.params, rtol=1e-9)
    np.testing.assert_allclose(weighted.bse, repeated.bse, rtol=1e-9)
    for name in ("llf", "llnull", "llequal", "nobs", "aic", "bic", "prsquared"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), rel=1e-10), name
    np.testing.assert_allclose(weighted.sets.chosen, repeated.sets.chosen)
    np.testing.assert_allclose(weighted.pred_table(), repeated.pred_table())
    np.testing.assert_allclose(weighted.market_shares(), repeated.market_shares())
    np.testing.assert_allclose(weighted.elasticities("t"), repeated.elasticities("t"))


# -- how good it is ----------------------------------------------------------------------------


def test_pseudo_r_squared(income):
    assert income.prsquared == pytest.approx(1 - 189.525152579934 / 283.7587684360075)
    equal = income.pseudo_rsquared("mcf", equal_shares=True)
    assert equal == pytest.approx(1 - 189.525152579934 / 291.121815835178)
    snell = 1 - np.exp(2 * (291.121815835178 * -1 + 189.525152579934) / 210)
    assert income.pseudo_rsquared("cs", equal_shares=True) == pytest.approx(snell)
    with pytest.raises(ArgumentError, match="'cs' or 'mcf'"):
        income.pseudo_rsquared("adjusted", equal_shares=True)


# -- predictions -------------------------------------------------------------------------------


def test_constants_reproduce_the_market_shares(income):
    shares = income.market_shares()
    np.testing.assert_allclose(shares["observed"], np.array([58, 63, 30, 59]) / 210)
    np.testing.assert_allclose(shares["predicted"], shares["observed"], rtol=1e-10)


def test_predictions_of_new_cases(income, travel):
    fresh = travel.sample(frac=1.0, random_state=3)
    np.testing.assert_allclose(income.predict(fresh).sort_index(), income.predict(), rtol=1e-12)
    two = travel[travel["individual"] == 7].query("mode in ['air', 'car']")
    chances = income.predict(two)
    odds = np.exp(income.predict(two, which="linear"))
    np.testing.assert_allclose(chances, odds / odds.sum())
    better = two.loc[odds.idxmax(), "mode"]
    assert income.predict(two, which="choice").to_dict() == {7: better}
    assert income.predict(two.drop(columns="individual"), groups=[1, 1]).sum() == pytest.approx(1)


def test_predicted_choices(income, travel):
    chosen = income.predict(which="choice")
    table = pd.DataFrame({"p": income.predict(), "mode": travel["mode"].astype(str),
                          "who": travel["individual"]})  # fmt: skip
    best = table.loc[table.groupby("who")["p"].idxmax()].set_index("who")["mode"]
    assert (chosen == best).all()
    table = income.pred_table()
    np.testing.assert_array_equal(table.sum(axis=1), [58, 63, 30, 59])
    own = travel.loc[travel["choice"] == 1].set_index("individual")["mode"].astype(str)
    assert np.trace(table) == (chosen == own).sum()


def test_a_scenario(income, travel):
    """Without the bus its share is shared in proportion to the others: IIA, case by case."""
    rest = travel[travel["mode"] != "bus"]
    shares = income.market_shares(rest)
    assert list(shares.columns) == ["predicted"]
    chances = income.predict()
    left = chances[rest.index] / chances[rest.index].groupby(rest["individual"]).transform("sum")
    np.testing.assert_allclose(
        shares["predicted"][["air", "train", "car"]],
        left.groupby(rest["mode"].astype(str)).sum()[["air", "train", "car"]] / 210,
    )
    assert shares.loc["bus", "predicted"] == 0.0


@pytest.mark.parametrize("formula", ["y ~ x + t | who", "y ~ x | who | t", "y ~ t + x | 1 | t"])
def test_elasticities_are_derivatives_of_market_shares(formula):
    data = simulated(4)
    result = gf.choice(formula, data, groups="case", alternatives="alt").fit()
    table = result.elasticities("t")
    for j in "abcd":
        shares = []
        for step in (-1e-5, 1e-5):
            moved = data.copy()
            moved.loc[moved["alt"] == j, "t"] *= np.exp(step)
            shares.append(np.log(result.market_shares(moved)["predicted"]))
        # the market of those who have j: others do not respond, and weigh in the mean alone
        both = data[data["case"].isin(data.loc[data["alt"] == j, "case"])]
        part = (both.assign(p=result.predict()[both.index]).groupby("alt")["p"].sum()
                / data.assign(p=result.predict()).groupby("alt")["p"].sum())  # fmt: skip
        slope = (shares[1] - shares[0]) / 2e-5
        np.testing.assert_allclose(table.loc[j] * part, slope, rtol=1e-5, atol=1e-8)


def test_mean_elasticities(income, travel):
    cost = np.asarray(travel["gcost"], dtype=float).reshape(-1, 4) * income.params["gcost"]
    chances = income.predict().to_numpy().reshape(-1, 4)
    table = income.elasticities("gcost", weights="equal")
    np.testing.assert_allclose(np.diag(table), (cost * (1 - chances)).mean(axis=0))
    np.testing.assert_allclose(table.loc["air", ["train", "bus", "car"]],
                               -(cost * chances).mean(axis=0)[0])  # fmt: skip


def test_elasticities_that_have_no_simple_form(income, travel):
    with pytest.raises(NotAvailableError, match="variable of the individual"):
        income.elasticities("income")
    with pytest.raises(ArgumentError, match=r"no variable 'gcots' of the alternatives\. Did you"):
        income.elasticities("gcots")
    with pytest.raises(ArgumentError, match="'probability' or 'equal'"):
        income.elasticities("gcost", weights="none")
    curved = fitted("choice ~ np.log(gcost) + gcost:income", travel)
    with pytest.raises(NotAvailableError, match=r"\(gcost:income, np.log\(gcost\)\)"):
        curved.elasticities("gcost")


# -- data that say little ----------------------------------------------------------------------


def test_an_alternative_that_nobody_chose(travel):
    whole = travel[~travel["individual"].isin(travel.query("mode == 'bus' and choice == 1")
                                              ["individual"])]  # fmt: skip
    with pytest.warns(SeparationWarning, match="separated by Intercept:bus, income:bus: .*chosen"):
        result = fitted(INCOME, whole, reference="car")
    rest = fitted(INCOME, whole[whole["mode"] != "bus"], reference="car")
    kept = rest.params.index
    np.testing.assert_allclose(result.params[kept], rest.params, rtol=1e-7)
    np.testing.assert_allclose(result.bse[kept], rest.bse, rtol=1e-7)
    assert result.llf == pytest.approx(rest.llf, rel=1e-12)
    assert result.params["Intercept:bus"] == -np.inf
    assert (result.predict()[whole["mode"] == "bus"] == 0.0).all()
    np.testing.assert_allclose(result.predict(whole), result.predict())
    assert result.llnull == pytest.approx(rest.llnull, rel=1e-8)
    assert "(-infinite: the data are separated)" in str(result.summary())
    with pytest.raises(NotAvailableError, match="separated"):
        result.elasticities("gcost")


def test_columns_that_say_nothing(travel):
    with pytest.warns(CollinearityWarning, match="belongs behind a bar"):
        result = fitted("choice ~ gcost + income", travel)
    assert np.isnan(result.params["income"])
    with pytest.warns(CollinearityWarning, match="wait:car is the same for all"):
        result = fitted("choice ~ gcost | 1 | wait", travel)
    assert np.isfinite(result.params.drop("wait:car")).all()


def test_cases_with_one_alternative_say_nothing():
    data = simulated(2)
    single = data[data["y"] == 1].head(3).assign(case=lambda d: d["case"] + 1000)
    result = gf.choice("y ~ x", data, groups="case", alternatives="alt").fit()
    more = gf.choice("y ~ x", pd.concat([data, single], ignore_index=True), groups="case",
                     alternatives="alt").fit()  # fmt: skip
    np.testing.assert_allclose(more.params, result.params, rtol=1e-12)
    assert more.nobs == result.nobs
    assert "3 cases without a choice to make" in str(more.summary())
    with pytest.raises(DataError, match="No case has more than one alternative"):
        gf.choice("y ~ x", single, groups="case", alternatives="alt").fit()


def test_a_case_with_a_missing_value_is_left_out_whole(travel):
    travel["gcost"] = travel["gcost"].astype(float)
    travel.loc[[5, 400], "gcost"] = np.nan
    complete = travel[~travel["individual"].isin(travel.loc[[5, 400], "individual"])]
    result = fitted(INCOME, travel, reference="car")
    same = fitted(INCOME, complete, reference="car")
    np.testing.assert_allclose(result.params, same.params, rtol=1e-10)
    assert (result.nobs, same.nobs) == (208, 208)
    assert result.dropped_rows == {"gcost": 2, "other rows of their case": 6}
    assert "8 of 840 rows dropped for missing values" in str(result.summary())
    chances = result.predict()
    assert chances.isna().sum() == 8
    pd.testing.assert_series_equal(result.predict(travel), chances)
    assert result.predict(travel, which="choice").isna().sum() == 2
    assert len(result.predict(which="choice")) == 208
    with pytest.raises(DataError, match="no case is left"):
        fitted(INCOME, travel[travel["individual"] == 2])


def test_a_subset_leaves_alternatives_out(travel):
    part = fitted(INCOME, travel, reference="car", subset=(travel["mode"] != "bus")
                  & ~travel["individual"].isin(travel.query("mode == 'bus' and choice == 1")
                                               ["individual"]))  # fmt: skip
    assert (part.nobs, part.dropped_rows) == (180, {})
    assert list(part.sets.alternatives) == ["air", "train", "car"]


# -- what data may look like -------------------------------------------------------------------


def test_text_responses_and_numbered_alternatives(income, travel):
    travel["choice"] = np.where(travel["choice"] == 1, "yes", "no")
    travel["mode"] = travel["mode"].cat.codes + 1
    result = fitted(INCOME, travel, reference=4)
    np.testing.assert_allclose(result.params, income.params, rtol=1e-10)
    assert list(result.params.index[:3]) == ["Intercept:1", "Intercept:2", "Intercept:3"]
    assert result.predict(travel, which="choice").head(2).tolist() == [4, 4]
    assert "Event modelled: choice = yes" in str(result.summary())
    turned = fitted(INCOME, travel, reference=4, event="yes")
    np.testing.assert_allclose(turned.params, result.params)


def test_dots_quotes_and_odd_names(income, travel):
    odd = travel.rename(columns={"gcost": "cost | all", "mode": "the mode"})
    result = gf.choice("choice ~ Q('cost | all') + wait | income", odd, groups="individual",
                       alternatives="the mode", reference="car").fit()  # fmt: skip
    np.testing.assert_allclose(result.params, income.params, rtol=1e-12)
    np.testing.assert_allclose(result.elasticities("cost | all"), income.elasticities("gcost"))
    few = travel[["individual", "mode", "choice", "gcost", "wait", "income"]]
    dotted = fitted("choice ~ . | income", few, reference="car")
    np.testing.assert_allclose(dotted.params, income.params, rtol=1e-12)


def test_without_the_data(income, travel):
    light = income.remove_data()
    pd.testing.assert_series_equal(light.predict(travel), income.predict())
    np.testing.assert_allclose(light.market_shares(travel), income.market_shares()[["predicted"]])
    assert str(light.summary()) == str(income.summary())
    for method in (light.pred_table, light.market_shares):
        with pytest.raises(NotAvailableError, match="removed"):
            method()
    again = pickle.loads(pickle.dumps(income))
    pd.testing.assert_series_equal(again.predict(travel), income.predict())


def test_summary_names_the_alternatives(income):
    text = str(income.summary())
    for part in ("No. Cases:                         210", "LL Equal Shares:               -291.12",
                 "income:train      -0.05656", "Reference levels: mode = car.",
                 "compare with constants only"):  # fmt: skip
        assert part in text, part
    assert [line.split() for line in text.splitlines() if line.startswith("bus ")] == [
        ["bus", "210", "30", "0.1429"]
    ]
    assert "exp(coef)" in str(income.summary(exponentiate=True))
    assert repr(income.model) == f"<ChoiceModel {INCOME!r}>"


# -- wrong inputs ------------------------------------------------------------------------------


def test_cases_without_or_with_several_choices(travel):
    travel.loc[travel["individual"] == 3, "choice"] = 0
    with pytest.raises(ResponseError, match=r"1 of 210 cases have no chosen .*\(the first is 3\)"):
        fitted(INCOME, travel)
    travel.loc[travel["individual"] == 3, "choice"] = 1
    with pytest.raises(ResponseError, match="1 of 210 cases have more than one chosen"):
        fitted(INCOME, travel)
    with pytest.raises(ResponseError, match="must be 0 or 1"):
        fitted("gcost ~ wait", travel)


def test_an_alternative_twice(income, travel):
    travel.loc[1, "mode"] = "air"
    with pytest.raises(DataError, match="'air' stands in the case 1 twice"):
        fitted(INCOME, travel)
    with pytest.raises(DataError, match="'air' stands in a case of the new data twice"):
        income.predict(travel, which="choice")


def test_variables_of_the_individual_that_vary(travel):
    with pytest.raises(DataError, match=r"gcost stands behind the first bar.* within the case 1"):
        fitted("choice ~ wait | gcost", travel)
    travel["w"] = np.arange(840)
    with pytest.raises(DataError, match="freq_weights differ within the case 1"):
        fitted(INCOME, travel, freq_weights="w")


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("choice ~ gcost | income | wait | size", "more than three parts"),
        ("choice | gcost ~ income", "belongs to the right of '~'"),
        ("choice ~ income | income", "stands in the formula twice"),
        ("choice ~ gcost | income | income", "stands in the formula twice"),
        ("choice ~ gcost + C(mode) | income", "stands in the formula twice"),
        ("choice ~ gcost | offset(income)", "belongs to the first part"),
        ("choice ~ gcost | income ~ wait", "more than one|cannot be read"),
        ("gcost + wait", "no '~'"),
        ("choice ~ gcost | inc(ome", "Close every parenthesis|before it is complete"),
    ],
)
def test_formulas_that_cannot_be_read(travel, formula, told):
    with pytest.raises(FormulaError, match=told):
        fitted(formula, travel)


def test_refusals(income, travel):
    with pytest.raises(ArgumentError, match="needs groups=, the case of each row"):
        gf.choice(INCOME, travel, alternatives="mode")
    with pytest.raises(ArgumentError, match="needs alternatives="):
        gf.choice(INCOME, travel, groups="individual")
    with pytest.raises(ArgumentTypeError, match="must be the name of a column"):
        gf.choice(INCOME, travel, groups="individual", alternatives=travel["mode"])
    with pytest.raises(UnknownNameError, match="no column 'modes'"):
        gf.choice(INCOME, travel, groups="individual", alternatives="modes", reference="car")
    with pytest.raises(UnknownNameError, match="no column 'modes'"):
        gf.choice(INCOME, travel, groups="individual", alternatives="modes")
    with pytest.raises(ArgumentError, match=r"reference='cra' is no alternative. Did you mean"):
        fitted(INCOME, travel, reference="cra")
    with pytest.raises(ArgumentError, match="no columns"):
        fitted("choice ~ 0 | 0", travel)
    with pytest.raises(ArgumentTypeError, match=r"no argument 'case'.*alternatives"):
        gf.choice(INCOME, travel, case="individual")
    with pytest.raises(ArgumentTypeError, match="The formula must be text"):
        fitted(None, travel)
    with pytest.raises(AlignmentError, match="groups has 3 values"):
        gf.choice(INCOME, travel, groups=[1, 2, 3], alternatives="mode")
    with pytest.raises(ArgumentTypeError, match="no argument 'reference'"):
        gf.ChoiceModel([1, 0], [1.0, 2.0], groups=[1, 1], alternatives="ab", reference="a")
    with pytest.raises(ArgumentError, match="which must be one of mean, linear, choice"):
        income.predict(which="class")
    with pytest.raises(LevelError, match="'bike' that was not in the data of the fit"):
        income.predict(travel.assign(mode="bike"))
    unseen = travel.assign(mode=travel["mode"].astype(str))
    unseen.loc[0, "mode"] = "bike"
    assert income.predict(unseen, new_levels="nan").isna().sum() == 4


def test_nothing_else_is_warned_of(travel):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted("choice ~ gcost + wait | income + size | travel", travel)


def test_alternatives_without_coefficients_of_their_own(travel):
    result = fitted("choice ~ gcost | 0", travel)
    assert result.model.alternatives == ("air", "train", "bus", "car")
    assert result.market_shares()["observed"].to_dict() == pytest.approx(
        {"air": 58 / 210, "bus": 30 / 210, "car": 59 / 210, "train": 63 / 210}
    )
    with pytest.raises(LevelError, match="the alternative 'bike', which the fit has not seen"):
        result.market_shares(travel.assign(mode="bike"))
