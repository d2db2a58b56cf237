"""Every data set loads, is documented, and holds the published numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from glmfit import datasets
from glmfit.errors import DatasetNotFoundError

CHECKOUT = Path(__file__).parent.parent / "datasets"
NAMES = datasets.list()


def documented() -> str:
    return (CHECKOUT / "README.md").read_text(encoding="utf-8")


def test_list_names_every_file() -> None:
    assert sorted(path.stem for path in CHECKOUT.glob("*.csv")) == NAMES


def test_readme_has_one_section_for_each() -> None:
    assert re.findall(r"^## (\w+)$", documented(), flags=re.MULTILINE) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_readme_states_rows_and_columns(name: str) -> None:
    data = datasets.load(name)
    assert f"| `{name}` | {len(data)} |" in documented()
    section = documented().split(f"\n## {name}\n")[1].split("\n## ")[0]
    missing = [column for column in data.columns if f"`{column}`" not in section]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_values_are_complete(name: str) -> None:
    # A level that is missing from the table of levels would have been read as NaN.
    data = datasets.load(name)
    assert len(data) > 0
    assert not data.isna().to_numpy().any()


@pytest.mark.parametrize("name", NAMES)
def test_every_level_occurs(name: str) -> None:
    for _, column in datasets.load(name).select_dtypes("category").items():
        assert set(column.cat.categories) == set(column)


@pytest.mark.parametrize("name", NAMES)
def test_each_load_is_a_fresh_copy(name: str) -> None:
    first = datasets.load(name)
    original = first.copy(deep=True)
    first.iloc[:, 0] = first.iloc[::-1, 0].to_numpy()
    first["added"] = 1
    pd.testing.assert_frame_equal(datasets.load(name), original)


def test_challenger() -> None:
    data = datasets.load("challenger")
    assert data["O_RING_FAILURE"].sum() == 7
    assert data.loc[data["TEMPERATURE"] < 65, "O_RING_FAILURE"].tolist() == [1, 1, 1, 1]
    assert data["ORDER"].tolist() == [*range(1, 24)]


def test_challenger_rings() -> None:
    flights, rings = datasets.load("challenger"), datasets.load("challenger_rings")
    assert rings["damaged"].sum() == 9
    assert rings["damaged_faraway"].sum() == 11
    assert (rings["n_rings"] == 6).all()
    assert rings["temperature"].tolist() == flights["TEMPERATURE"].tolist()
    assert (rings["damaged"] > 0).tolist() == (flights["O_RING_FAILURE"] == 1).tolist()


def test_risk_is_ordered() -> None:
    risk = datasets.load("risk")["risk"]
    assert risk.value_counts(sort=False).to_dict() == {"low": 3, "medium": 5, "high": 4}
    assert risk.cat.ordered
    assert risk.cat.categories.tolist() == ["low", "medium", "high"]


def test_tension_has_levels_in_order_but_is_not_ordered() -> None:
    tension = datasets.load("warpbreaks")["tension"]
    assert tension.cat.categories.tolist() == ["L", "M", "H"]
    assert not tension.cat.ordered


# The totals are those of the published tables.
@pytest.mark.parametrize(
    ("name", "column", "total"),
    [
        ("beetles", "killed", 291),
        ("beetles", "exposed", 481),
        ("endometrial", "HG", 30),
        ("horsekicks", "deaths", 196),
        ("housing", "freq", 1681),
        ("infert", "case", 83),
        ("pneumo", "count", 371),
        ("ships", "incidents", 356),
        ("warpbreaks", "breaks", 1520),
    ],
)
def test_published_total(name: str, column: str, total: int) -> None:
    assert datasets.load(name)[column].sum() == total


def test_beetles_counts_add_up() -> None:
    data = datasets.load("beetles")
    assert (data["killed"] + data["survived"]).tolist() == data["exposed"].tolist()


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(DatasetNotFoundError, match="Did you mean 'challenger'"):
        datasets.load("chalenger")


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(KeyError, match=r"beetles, challenger, .*, warpbreaks"):
        datasets.load("zzz")
