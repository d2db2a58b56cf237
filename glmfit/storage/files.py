"""Model files: JSON with a schema number and a checksum, written as a whole or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from glmfit.errors import ModelFileError

__all__ = ["SCHEMA", "read_content", "write_content"]

FORMAT = "glmfit model"

SCHEMA = 1
"""Number of the schema that is written; older ones are read, newer ones refused."""

DEEPEST = 50
"""Lists and objects within one another; files that are written have a dozen."""


def write_content(path: str | os.PathLike[str], content: dict[str, Any]) -> None:
    """Write a model file.

    The file is written beside ``path`` and then put in its place, so that a crash or a full
    disk leaves what was there.

    Parameters
    ----------
    path : str or path
    content : dict
        What JSON can hold.
    """
    whole = {
        "format": FORMAT,
        "schema": SCHEMA,
        "glmfit": version("glmfit"),
        "sha256": _checksum(content),
        "content": content,
    }
    text = json.dumps(whole, allow_nan=False, ensure_ascii=False, indent=1)
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(beside, "x", encoding="utf-8", errors="surrogatepass") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def read_content(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the content of a model file.

    Raises
    ------
    ModelFileError
        If the file is damaged, no model file, or of a later schema.
    OSError
        If it cannot be opened.
    """
    raw = Path(path).read_bytes()
    try:
        whole = json.loads(
            raw.decode("utf-8", errors="surrogatepass"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError, MemoryError) as error:
        raise ModelFileError(
            f"{str(path)!r} is no model file, or a damaged one: it is not JSON that can be read "
            f"({error})."
        ) from error
    if _is_deeper(whole, DEEPEST):
        raise ModelFileError(f"{str(path)!r} is no model file: it is nested too deeply.")
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise ModelFileError(f"{str(path)!r} is no model file of glmfit (no format {FORMAT!r}).")
    _check_schema(whole.get("schema"), whole.get("glmfit"), str(path))
    content = whole.get("content")
    if not isinstance(content, dict) or whole.get("sha256") != _checksum(content):
        raise ModelFileError(
            f"{str(path)!r} is damaged or was changed by hand: its content has another checksum "
            "than the one it was written with. Save the model again."
        )
    return content


def _check_schema(schema: object, writer: object, path: str) -> None:
    if type(schema) is not int or schema < 1:
        raise ModelFileError(f"{path!r} has no valid schema number (found {schema!r}).")
    if schema > SCHEMA:
        raise ModelFileError(
            f"{path!r} has schema {schema} and was written by glmfit {writer}; this version reads "
            f"schemas up to {SCHEMA}. Install a later glmfit to load it."
        )


def _checksum(content: dict[str, Any]) -> str:
    text = json.dumps(content, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an entry stands twice")
    return found


def _is_deeper(value: Any, most: int) -> bool:
    """Tell whether lists and objects stand in one another more than ``most`` deep."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(most):
        inside: list[Any] = []
        for part in level:
            inside += part.values() if isinstance(part, dict) else part
        level = [part for part in inside if isinstance(part, (dict, list))]
    return bool(level)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
