"""The parts of dev.py that touch neither a network nor an environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

dev = pytest.importorskip("dev", reason="dev.py is part of the checkout only")


def write_stamp(profile: str, text: str, venv: Path) -> None:
    dev.stamp(profile, venv).write_text(text)


def test_fingerprint_follows_pyproject(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("a")
    before = dev.fingerprint(path)
    assert dev.fingerprint(path) == before
    path.write_text("b")
    assert dev.fingerprint(path) != before


def test_fingerprint_follows_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("a")
    before = dev.fingerprint(path)
    monkeypatch.setattr(sys, "version", "3.99.0")
    assert dev.fingerprint(path) != before


def test_fingerprint_follows_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("a")
    before = dev.fingerprint(path)
    monkeypatch.setattr(dev, "VENV", tmp_path / ".venv")
    assert dev.fingerprint(path) != before


def test_nothing_is_installed_at_first(tmp_path: Path) -> None:
    assert not any(dev.is_installed(profile, "now", tmp_path) for profile in dev.REQUIREMENTS)


def test_dev_contains_core_but_not_the_reverse(tmp_path: Path) -> None:
    write_stamp("core", "now", tmp_path)
    assert dev.is_installed("core", "now", tmp_path)
    assert not dev.is_installed("dev", "now", tmp_path)
    dev.stamp("core", tmp_path).unlink()
    write_stamp("dev", "now", tmp_path)
    assert dev.is_installed("core", "now", tmp_path)


def test_an_old_stamp_does_not_count(tmp_path: Path) -> None:
    write_stamp("dev", "then", tmp_path)
    assert not dev.is_installed("dev", "now", tmp_path)


def test_every_profile_is_complete() -> None:
    assert dev.REQUIREMENTS.keys() == dev.CONTAINED_IN.keys()
    assert all(name in group for name, group in dev.CONTAINED_IN.items())


def test_no_pip_at_all_is_said_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(dev.shutil, "which", lambda name: None)
    with pytest.raises(dev.DevError, match="neither ensurepip nor pip"):
        dev.outer_pip_command()


def test_pip_on_the_path_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(dev.shutil, "which", lambda name: "pip" if name == "pip" else None)
    assert dev.outer_pip_command() == ["pip"]


def test_programs_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev.os, "name", "posix")
    assert dev.venv_program("python", tmp_path) == tmp_path / "bin" / "python"
    monkeypatch.setattr(dev.os, "name", "nt")
    assert dev.venv_program("python", tmp_path) == tmp_path / "Scripts" / "python.exe"


def test_pytest_runs_everything_unless_tests_are_named() -> None:
    everything = dev.pytest_step("not slow", ["-k", "risk"]).command
    assert everything[-4:] == ["tests", "glmfit", "-k", "risk"]
    one = dev.pytest_step("not slow", ["tests/test_dev.py::test_help"]).command
    assert one[-1] == "tests/test_dev.py::test_help"
    assert "glmfit" not in one


def test_the_documentation_is_built_strictly() -> None:
    assert {"-W", "-n", "-E"} <= set(dev.docs_step().command)
    assert dev.docs_step(["-v"]).command[-3:] == ["-v", "docs", "docs/_build/html"]


def test_all_steps_run_and_one_failure_fails(capfd: pytest.CaptureFixture[str]) -> None:
    steps = [
        dev.Step("bad", [sys.executable, "-c", "raise SystemExit(3)"]),
        dev.Step("good", [sys.executable, "-c", "print('ran')"]),
    ]
    assert dev.run_steps(steps) == 1
    output = capfd.readouterr().out
    assert "ran" in output
    assert [line.split()[0] for line in output.split("=== report\n")[1].splitlines()] == [
        "FAILED",
        "ok",
    ]
    assert dev.run_steps(steps[1:]) == 0


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["--help"]) == 0
    output = capsys.readouterr().out
    for name, command in dev.COMMANDS.items():
        assert name in output
        # One line each: the help is made from the docstrings.
        assert command.__doc__ and "\n" not in command.__doc__


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["tset"]) == 2
    assert "Did you mean 'test'?" in capsys.readouterr().err


def test_error_becomes_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(arguments: object) -> int:
        raise dev.DevError("what to do")

    monkeypatch.setitem(dev.COMMANDS, "test", fail)
    assert dev.main(["test"]) == 1
    assert capsys.readouterr().err == "what to do\n"


def test_what_cannot_share_the_environment_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dev.venv_of("dev") == dev.VENV
    assert dev.venv_of("margins") == dev.ROOT / ".venv-margins"
    assert dev.venv_of("minimum") == dev.ROOT / ".venv-minimum"
    path = tmp_path / "pyproject.toml"
    path.write_text("a")
    assert dev.fingerprint(path, "margins") != dev.fingerprint(path, "dev")
    ran = []
    monkeypatch.setattr(dev, "install", lambda profile: ran.append(profile))
    monkeypatch.setattr(dev, "run", lambda command: ran.extend(command) or 0)
    assert dev.main(["margins", "-q"]) == 0
    assert ran[0] == "margins" and ".venv-margins" in ran[1] and ran[-1] == "-q"
    assert (dev.ROOT / ran[-2]).is_file()


def test_ci_runs_all_tests() -> None:
    script = (dev.ROOT / ".ci" / "run").read_text()
    assert all(f"dev.py {name}" in script for name in ("test", "margins", "minimum"))


def test_what_the_oldest_versions_leave_out_exists() -> None:
    for option in dev.NEWEST_ONLY:
        path, *names = option.split("=")[1].split("::")
        assert (dev.ROOT / path).exists()
        text = (dev.ROOT / path).read_text() if names else ""
        assert all(f"def {name}(" in text for name in names)
