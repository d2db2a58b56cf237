"""How sphinx builds the documentation: ``python3 dev.py docs``.

Every warning fails the build, and every reference must lead somewhere (``-W -n``). Only what
is inside of the site is checked: the build needs no network, so that it neither asks other
sites for their names (intersphinx) nor tries links that lead out.
"""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

from docutils.nodes import Element
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

import glmfit
from glmfit.results.base import LikelihoodResults

HERE = Path(__file__).resolve().parent
NOTEBOOKS = HERE.parent / "notebooks"

project = "glmfit"
author = "the glmfit developers"
copyright = author
version = release = glmfit.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
nitpicky = True

# --- API --------------------------------------------------------------------------------

# The types stand in the docstrings, in words that a statistician reads.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
autosummary_ignore_module_all = False
# The page of a class lists its members by the template, which `hide_member` chooses from.
numpydoc_show_class_members = False
# What stands between single backticks is a reference, and must lead somewhere.
default_role = "py:obj"
toc_object_entries_show_parents = "hide"

OF_MODELS = frozenset(
    "endog endog_names exog exog_names fit fit_regularized freq_weights from_formula "
    "get_distribution hessian information levels loglike loglikeobs nobs parallel_test "
    "predict reference regularization_path score score_obs var_weights".split()
)
"""What of models is for users; the rest is what other parts of glmfit ask of them."""
OF_RESULTS = frozenset("from_state row_options using".split())
"""What of results is not for users."""
OWNERS = ("LikelihoodResults", "GLMResults", "GLM")
"""Whose method is meant where a docstring names one without its class, in this order."""


def elsewhere(base: type, area: str | None) -> dict[str, tuple[str, list[str]]]:
    """Return, for each class that extends one, that one and what it has from there.

    Classes are named as the template can: by the package where users find them (``families``,
    say; their own name, where that is glmfit itself) and their own name.
    """
    members = [name for name in dir(base) if not name.startswith("_")]
    found = {}
    for kind in extended(base):
        same = [name for name in members if getattr(kind, name, None) is getattr(base, name)]
        found[f"{area or kind.__name__}.{kind.__name__}"] = (base.__name__, same)
    return found


def extended(base: type) -> set[type]:
    """Return all classes that extend one."""
    direct = set(base.__subclasses__())
    return direct.union(*(extended(kind) for kind in direct))


RESULTS = frozenset(kind.__name__ for kind in extended(LikelihoodResults))
autosummary_context = {
    "elsewhere": {
        **elsewhere(LikelihoodResults, "results"),
        **elsewhere(glmfit.GLM, None),
        **elsewhere(glmfit.families.Family, "families"),
        **elsewhere(glmfit.links.Link, "links"),
    }
}

# --- guides and notebooks -----------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# The notebooks are run by `python3 dev.py notebooks` and by the tests, never here.
nb_execution_mode = "off"

# --- appearance ---------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "glmfit"
html_static_path = ["_static"]
html_css_files = ["glmfit.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_toc_level": 2,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def lay_out(app: Sphinx, config: object) -> None:
    """Bring the notebooks to where sphinx looks for pages, and take away old pages of the API."""
    shutil.rmtree(HERE / "api" / "generated", ignore_errors=True)
    folder = HERE / "notebooks"
    folder.mkdir(exist_ok=True)
    stored = {path.name: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    for page in folder.glob("*.ipynb"):
        if page.name not in stored:
            page.unlink()
    for name, path in stored.items():
        page = folder / name
        if not page.exists() or page.read_bytes() != path.read_bytes():
            shutil.copyfile(path, page)


def hide_member(
    app: Sphinx, what: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """Leave out what other packages wrote, and what only glmfit itself calls."""
    function = getattr(member, "fget", None) or getattr(member, "func", None) or member
    module = getattr(function, "__module__", None) or ""
    if what == "module":
        return None
    if not module.startswith("glmfit") or not inspect.isroutine(function):
        return True
    internal = module.startswith("glmfit.models.") and name not in OF_MODELS
    return True if internal or name in OF_RESULTS else None


def short_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: Element
) -> Element | None:
    """Lead a name that a docstring gives without its module or class to what it means.

    A method without its class is one of a result, or else of a model; any other name is of the
    only object that has it.
    """
    if node.get("refdomain") != "py":
        return None
    objects, wanted = env.domains.python_domain.objects, node["reftarget"]
    owner, _, method = wanted.rpartition(".")
    owners = ("LikelihoodResults",) if owner in RESULTS else () if owner else OWNERS
    for end in (*(f".{owner}.{method}" for owner in owners), f".{wanted}"):
        found = {entry.node_id: entry for name, entry in objects.items() if name.endswith(end)}
        if len(found) == 1:
            (entry,) = found.values()
            return make_refnode(
                app.builder, node["refdoc"], entry.docname, entry.node_id, content, wanted
            )
    return None


def setup(app: Sphinx) -> None:
    """Connect what sphinx calls on its way."""
    app.connect("config-inited", lay_out)
    app.connect("autodoc-skip-member", hide_member)
    app.connect("missing-reference", short_name)
