"""Which modules pytest looks into for examples."""

import importlib.util

# it imports an optional package that is not among those of the tests
collect_ignore = (
    [] if importlib.util.find_spec("marginaleffects") else ["glmfit/results/adapter.py"]
)
