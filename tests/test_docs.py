"""The reference has every public name; links between the pages of the checkout lead somewhere."""

import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

import glmfit as gf
from glmfit.results.base import LikelihoodResults

ROOT = Path(__file__).parent.parent
PAGES = [
    path
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "datasets/*.md")
    for path in sorted(ROOT.glob(pattern))
]
MODULES = "datasets errors families links plots".split()


def listed():
    """Return the full names that the pages of the reference list."""
    names = set()
    for page in (ROOT / "docs" / "api").glob("*.rst"):
        module = "glmfit"
        for line in page.read_text(encoding="utf8").splitlines():
            if line.startswith(".. currentmodule:: "):
                module = line.split()[-1]
            elif re.fullmatch(r"   [\w.]+", line) and page.stem != "index":
                names.add(f"{module}.{line.strip()}")
    return names


def found(name):
    """Return what a full name means."""
    parts = name.split(".")
    for depth in range(len(parts) - 1, 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:depth]))
        except ModuleNotFoundError:
            continue
        for part in parts[depth:]:
            value = getattr(value, part)
        return value
    raise AssertionError(name)


def public():
    """Return the objects that users are to find in the reference, by name."""
    names = {name: getattr(gf, name) for name in gf.__all__ if name not in MODULES}
    for module in (gf.plots, gf.datasets):
        names |= {f"{module.__name__}.{name}": getattr(module, name) for name in module.__all__}
    for module in (gf.families, gf.links, gf.errors):
        classes = inspect.getmembers(module, inspect.isclass)
        names |= {f"{module.__name__}.{name}": value for name, value in classes}
    return {
        name: value
        for name, value in names.items()
        if value.__module__.startswith("glmfit")
        and not value.__name__.startswith("_")
        and value is not gf.families.Working
    }


def fitted(kind=LikelihoodResults):
    """Return the classes of results that somebody makes, by name."""
    for extended in kind.__subclasses__():
        if extended.__name__ != "ClassResults":  # what two of them share
            yield extended
        yield from fitted(extended)


def test_the_reference_has_every_public_name():
    there = {id(found(name)) for name in listed()}
    assert {name for name, value in public().items() if id(value) not in there} == set()
    assert {kind.__name__ for kind in fitted() if id(kind) not in there} == set()
    assert {"GLMClassifier", "GLMRegressor"} <= {name.rpartition(".")[2] for name in listed()}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(path):
    for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf8")):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).exists(), target


def test_the_page_of_verification_has_every_case():
    page = (ROOT / "docs" / "verification.md").read_text(encoding="utf8")
    references = ROOT / "tests" / "reference"
    for name in ("nist", "accuracy", "separation"):
        made = json.loads((references / f"{name}.json").read_text(encoding="utf8"))
        for case in made.get("sets") or made["cases"]:
            label = case if isinstance(case, str) else case.get("id") or case["dataset"]
            assert f"\n| {label}" in page, label
