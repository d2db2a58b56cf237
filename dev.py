"""Everything a developer runs, with nothing but a bare python3.

Makes ``.venv`` beside this file, installs glmfit there in editable mode with the tools a
command needs, and runs the command. Installs again only when pyproject.toml or the Python
version changed. This file itself needs the standard library only.
"""

import difflib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

# An older Python must get as far as this: nothing in this file may use syntax newer than
# 3.6, and nothing above this line a name that came later.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"glmfit needs Python 3.11 or newer, but this is Python {sys.version.split()[0]} "
        f"({sys.executable}).\nRun dev.py with a newer one, for example: python3.13 dev.py"
    )

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"

# What pip installs for each profile, and which installed profiles already contain it.
REQUIREMENTS = {
    "core": ".",
    "dev": ".[dev]",
    "bench": ".[bench]",
    "verify": ".[bench,test]",
    "margins": ".[margins-test]",
    "minimum": ".[test]",
}
CONTAINED_IN = {
    "core": ("core", "dev", "bench", "verify"),
    "dev": ("dev",),
    "bench": ("bench", "verify"),
    "verify": ("verify",),
    "margins": ("margins",),
    "minimum": ("minimum",),
}

# Where a profile stands that cannot share the environment: marginaleffects needs a polars
# older than the one that the other tests run with, and the oldest versions stand alone.
APART = {"margins": ".venv-margins", "minimum": ".venv-minimum"}

# Not run with the oldest versions: plots are compared with images of a newer matplotlib,
# notebooks with what newer versions print, the contracts are about arithmetic that is the same
# in all versions (and take CI minutes), and two tests depend on the rounding of NumPy and
# its BLAS: a last digit, and whether a saturated fit to cells stops before it is given up for
# the fit to all rows.
NEWEST_ONLY = (
    "--ignore=tests/contracts",
    "--ignore=tests/test_plots.py",
    "--ignore=tests/test_notebooks.py",
    "--deselect=tests/test_absorb.py::test_nearly_collinear_columns_keep_their_digits",
    "--deselect=tests/test_cells.py::test_observed_information_is_the_same",
)


class DevError(Exception):
    """The command cannot be run; the message says why and what to do."""


# --- the environment -------------------------------------------------------------------


def venv_of(profile: str) -> Path:
    """Return the environment of a profile."""
    return ROOT / APART[profile] if profile in APART else VENV


def venv_program(name: str, venv: Path = VENV) -> Path:
    """Return the path of a program in the environment."""
    if os.name == "nt":
        return venv / "Scripts" / (name + ".exe")
    return venv / "bin" / name


def python_tag(profile: str = "core") -> str:
    """Say which Python an environment was made by, and where it stands.

    An environment holds absolute paths: one that was moved or copied is not usable.
    """
    return f"{sys.version}\n{sys.base_prefix}\n{venv_of(profile)}"


def fingerprint(pyproject: Path, profile: str = "core") -> str:
    """Return a hash of what an installation depends on."""
    digest = hashlib.sha256(pyproject.read_bytes())
    digest.update(python_tag(profile).encode())
    return digest.hexdigest()


def stamp(profile: str, venv: Path = VENV) -> Path:
    """Return the file that records the fingerprint of a finished installation."""
    return venv / f"glmfit-{profile}.stamp"


def is_installed(profile: str, current: str, venv: Path = VENV) -> bool:
    """Tell whether a profile, or one that contains it, was installed as things are now."""
    stamps = [stamp(name, venv) for name in CONTAINED_IN[profile]]
    return any(path.is_file() and path.read_text() == current for path in stamps)


def install(profile: str) -> None:
    """Make sure that the environment exists and has what a profile names."""
    current, venv = fingerprint(ROOT / "pyproject.toml", profile), venv_of(profile)
    if is_installed(profile, current, venv):
        return
    create_venv(profile)
    requirement = REQUIREMENTS[profile]
    print(f"Installing {requirement} into {venv.name} (once, may take minutes) ...", flush=True)
    oldest = profile == "minimum"
    for command in oldest_versions(venv, requirement) if oldest else [newest(venv, requirement)]:
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            raise DevError(
                "The installation failed; the message is above. If it is about a network, "
                f"try again; if about {venv.name}, delete that directory and try again."
            )
    stamp(profile, venv).write_text(current)


def newest(venv: Path, requirement: str) -> list[str]:
    """Return the command that installs a requirement with the newest versions it allows."""
    return [*pip_command(venv), "install", "--quiet", "--editable", requirement]


def oldest_versions(venv: Path, requirement: str) -> list[list[str]]:
    """Return the commands that install a requirement with the oldest versions it allows."""
    python, uv = str(venv_program("python", venv)), str(venv_program("uv", venv))
    oldest = ["--upgrade", "--resolution", "lowest-direct", "--editable", requirement]
    return [
        [*pip_command(venv), "install", "--quiet", "uv"],
        [uv, "pip", "install", "--quiet", "--python", python, *oldest],
    ]


def create_venv(profile: str) -> None:
    """Make the environment of a profile, unless this very Python made it here before."""
    venv = venv_of(profile)
    made_by = venv / "python.stamp"
    if made_by.is_file() and made_by.read_text() == python_tag(profile):
        return
    if importlib.util.find_spec("venv") is None:
        raise DevError(
            f"{sys.executable} has no venv module. On Debian or Ubuntu: "
            "apt-get install python3-venv"
        )
    has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    if not has_ensurepip:
        outer_pip_command()  # fail before anything is made
    options = ["--clear"] if has_ensurepip else ["--clear", "--without-pip"]
    print(f"Creating {venv.name} with Python {sys.version.split()[0]} ...", flush=True)
    command = [sys.executable, "-m", "venv", *options, str(venv)]
    if subprocess.run(command, check=False).returncode != 0:
        raise DevError(f"Could not create {venv}; the message is above.")
    made_by.write_text(python_tag(profile))


def pip_command(venv: Path = VENV) -> list[str]:
    """Return how to call pip for an environment, whether or not it has its own."""
    python = str(venv_program("python", venv))
    if venv_program("pip", venv).exists():
        return [python, "-m", "pip"]
    return [*outer_pip_command(), "--python", python]


def outer_pip_command() -> list[str]:
    """Return how to call a pip from outside the environment."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        path = shutil.which(name)
        if path is not None:
            return [path]
    raise DevError(
        f"{sys.executable} has neither ensurepip nor pip, and no pip is on the PATH, so "
        "nothing can be installed. On Debian or Ubuntu: apt-get install python3-venv"
    )


# --- steps -----------------------------------------------------------------------------


class Step(NamedTuple):
    """A program to run, and the name to report it under."""

    name: str
    command: list[str]


def run_steps(steps: Sequence[Step]) -> int:
    """Run every step, then report each with its time; 0 if all passed, else 1."""
    report = []
    for step in steps:
        print(f"\n=== {step.name}", flush=True)
        start = time.perf_counter()
        code = subprocess.run(step.command, cwd=ROOT, check=False).returncode
        report.append((step.name, code, time.perf_counter() - start))
    print("\n=== report")
    for name, code, seconds in report:
        print(f"{'ok' if code == 0 else 'FAILED':<7} {seconds:6.1f} s  {name}", flush=True)
    return int(any(code != 0 for _, code, _ in report))


def run(command: Sequence[str]) -> int:
    """Run one program from the top of the checkout and return its exit code."""
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a module with the environment's Python."""
    return [str(venv_program("python")), "-m", name, *arguments]


def names_a_test(argument: str, root: Path = ROOT) -> bool:
    """Tell whether a pytest argument is a path, such as tests/test_dev.py::test_help."""
    return not argument.startswith("-") and (root / argument.split("::")[0]).exists()


def pytest_step(marker: str, arguments: Sequence[str]) -> Step:
    """Return the step that runs tests and doctests, all of them unless some are named."""
    paths = [] if any(names_a_test(argument) for argument in arguments) else ["tests", "glmfit"]
    return Step("pytest", module("pytest", "--doctest-modules", "-m", marker, *paths, *arguments))


# --- commands --------------------------------------------------------------------------


def challenger(arguments: Sequence[str]) -> int:
    """Run notebooks/01_challenger.py."""
    install("core")
    return run(
        [str(venv_program("python")), str(Path("notebooks", "01_challenger.py")), *arguments]
    )


def test(arguments: Sequence[str]) -> int:
    """Run ruff, mypy, import-linter, sphinx and the tests; arguments go to pytest."""
    install("dev")
    return run_steps(
        [
            Step("ruff check", module("ruff", "check")),
            Step("ruff format", module("ruff", "format", "--check")),
            Step("mypy", module("mypy")),
            Step("import-linter", [str(venv_program("lint-imports"))]),
            docs_step(),
            pytest_step("not slow", arguments),
        ]
    )


def minimum(arguments: Sequence[str]) -> int:
    """Run the tests with the oldest versions that are allowed; arguments go to pytest."""
    install("minimum")
    # old versions warn of what newer ones beside them deprecate: no errors here
    options = ["-m", "pytest", "-m", "not slow", "-W", "default", "--quiet"]
    named = any(names_a_test(argument) for argument in arguments)
    paths = [] if named else ["tests", *NEWEST_ONLY]
    command = [str(venv_program("python", venv_of("minimum"))), *options, *paths, *arguments]
    return run_steps([Step("pytest, oldest versions", command)])


def slow(arguments: Sequence[str]) -> int:
    """Run the tests marked slow; arguments go to pytest."""
    install("dev")
    return run_steps([pytest_step("slow", arguments)])


def notebooks(arguments: Sequence[str]) -> int:
    """Run the notebooks and store their outputs; arguments are the first letters of some."""
    install("dev")
    return run([str(venv_program("python")), str(Path("notebooks", "execute.py")), *arguments])


def docs_step(arguments: Sequence[str] = ()) -> Step:
    """Return the step that builds the documentation; a broken reference fails it."""
    # all pages anew: a page that is not read again does not repeat its warnings
    options = ["-b", "html", "-W", "-n", "-q", "-E", "-j", "auto", "--keep-going"]
    return Step("sphinx", module("sphinx", *options, *arguments, "docs", "docs/_build/html"))


def docs(arguments: Sequence[str]) -> int:
    """Build the documentation into docs/_build/html; arguments go to sphinx."""
    install("dev")
    return run_steps([docs_step(arguments)])


def format_code(arguments: Sequence[str]) -> int:
    """Reformat the code and repair what ruff can repair."""
    install("dev")
    return run_steps(
        [
            Step("ruff check --fix", module("ruff", "check", "--fix", *arguments)),
            Step("ruff format", module("ruff", "format", *arguments)),
        ]
    )


def bench(arguments: Sequence[str]) -> int:
    """Run the benchmarks against other packages; arguments go to them."""
    install("bench")
    return run(module("benchmarks", *arguments))


def peers(arguments: Sequence[str]) -> int:
    """Run statsmodels' own tests on glmfit and count; --write lists the failures anew."""
    install("bench")
    return run([str(venv_program("python")), str(Path("tests", "peers", "run.py")), *arguments])


def verify(arguments: Sequence[str]) -> int:
    """Make docs/verification.md anew: digits beside other packages, and what is tested."""
    install("verify")
    return run([str(venv_program("python")), str(Path("docs", "verify.py")), *arguments])


def margins(arguments: Sequence[str]) -> int:
    """Run the tests beside marginaleffects, in an environment of their own."""
    install("margins")
    python = str(venv_program("python", venv_of("margins")))
    tests = Path("tests", "margins", "test_adapter.py")  # by name: pytest passes the folder over
    return run([python, "-m", "pytest", str(tests), *arguments])


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "challenger": challenger,
    "test": test,
    "minimum": minimum,
    "slow": slow,
    "notebooks": notebooks,
    "docs": docs,
    "format": format_code,
    "bench": bench,
    "peers": peers,
    "verify": verify,
    "margins": margins,
}


def usage() -> str:
    """Return the text of --help, made from the commands' docstrings."""
    lines = [f"  {name:<12}{command.__doc__}" for name, command in COMMANDS.items()]
    return "\n".join(["usage: python3 dev.py COMMAND [ARGUMENTS]", "", *lines, "", str(__doc__)])


def main(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name and return the exit code."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage().rstrip())
        return 0 if arguments else 2
    name, *rest = arguments
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        print(f"dev.py has no command {name!r}.{hint}\n\n{usage()}".rstrip(), file=sys.stderr)
        return 2
    try:
        return COMMANDS[name](rest)
    except DevError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
