"""A million formula strings: none may touch a file, a process or an import, or hang.

``python tests/fuzz/formulas.py [COUNT [SEED]]`` runs them and writes what came of them to
``formulas.json`` beside this file. ``tests/test_formula_safety.py`` runs a few thousand.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from glmfit.errors import GlmfitError
from glmfit.formula.spec import ModelSpec, parse
from glmfit.formula.table import Table

HERE = Path(__file__).resolve().parent
LONGEST = 5.0
"""Seconds that a formula over six rows may take."""

DATA = pd.DataFrame(
    {
        "y": [0.3, 1.2, -0.7, 2.0, 1.1, 0.4],
        "x": [1.0, 2.0, 3.5, 4.0, 5.5, 7.0],
        "z": [0.5, 0.1, 0.9, 0.3, 0.2, 0.8],
        "g": list("abcabc"),
        "my x": [1.0, 0.0, 2.0, 0.0, 1.0, 3.0],
    }
)

WORDS = """
x z g y my 1 0 .5 2. 1e308 1e-320 'x' "my x" w spy _ __x__ np numpy os sys C I Q bs cr cc te poly
center standardize scale offset eval exec open compile getattr __import__ __builtins__ __class__
__globals__ __subclasses__ __reduce__ load fromfile save log exp lambda for in if else is not and
or await yield None True False import from print globals type object Treatment Sum Poly Helmert
Diff patsy EvalEnvironment df degree knots levels reference 999999999999 0x10 0b1 1j inf nan
""".split()
SIGNS = [*"+-*/%:.,()[]{}~^&|@=<>!;\\'\"#$?` \n\t\0\r\v", "**", "//", ":=", "<<", "==", "->", "..."]
SIGNS += [
    "f'{x}'",
    "f'{open(1)}'",
    "b'x'",
    "r'\\x'",
    "'''",
    "(x)",
    "\ud800",
    "\u202e",
    "ℌ",
    "ª",
    "é",
]
WHOLE = r"""
x
x + z
x * g
x:g - 1
(x + z) ** 2
C(g)
C(g, Treatment('b'))
C(g, levels=['a', 'b', 'c'])
C(g, Sum):x
np.log(x)
np.clip(z, 0.2, 0.7)
I(x ** 2)
I((x > 2) & (z < 0.5))
I(g != 'a')
bs(x, df=4)
bs(x, knots=[2, 3], degree=2)
cr(x, df=3)
cc(x, df=3)
te(cr(x, df=3), cr(z, df=3))
center(x)
standardize(z) + center(np.log(x))
Q('my x')
offset(z)
offset(np.log(x)) + g
0 + g
1
g / x
x % z
__import__('os').system('true')
open('f')
().__class__.__bases__[0].__subclasses__()
np.load('f')
np.lib.npyio.load('f')
x.to_csv('f')
eval('open("f")')
(lambda: open('f'))()
[v for v in x]
I(10 ** 10 ** 10)
I(9 ** 9 ** 9)
np.power(10, 10 ** 9)
I('a' * 1000000000)
bs(x, df=1000000000)
bs(x, degree=100000000)
C(g, levels=[1] * 1000000000)
"""
FORMULAS = WHOLE.strip().splitlines()
BINARY = ["+", "-", "*", "/", ":", "**", " + ", " % ", "//", " > ", "==", "&", "|", ","]
CALLS = "np.log np.exp np.sqrt np.clip np.where I C Q bs cr cc te center standardize offset".split()
CALLS += "np.power np.sum np.load numpy.exp open eval getattr type print x np".split()


WATCHED = ("open", "import", "os.", "shutil.", "subprocess.", "socket.", "ctypes.", "pickle.")


class Canary:
    """Notes whatever Python's audit says of files, imports and processes, while armed."""

    def __init__(self) -> None:
        self.armed = False
        self.touched: list[str] = []
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: object) -> None:
        if self.armed and event.startswith(WATCHED):
            self.touched.append(f"{event}: {arguments}")

    @contextmanager
    def watching(self) -> Iterator[None]:
        self.armed, self.touched = True, []
        try:
            yield
        finally:
            self.armed = False
            # here, so that it also holds for what is refused
            if self.touched:
                raise AssertionError(f"touched: {self.touched}")


CANARY = Canary()


# -- strings ---------------------------------------------------------------------------------


def soup(rng: random.Random) -> str:
    """Return words and signs in any order."""
    return "".join(rng.choice(WORDS + SIGNS + FORMULAS) for _ in range(rng.randint(1, 12)))


def changed(rng: random.Random) -> str:
    """Return one or two formulas with a few characters or words changed."""
    text = rng.choice(FORMULAS)
    if rng.random() < 0.5:
        text += rng.choice(BINARY) + rng.choice(FORMULAS)
    for _ in range(rng.randint(1, 4)):
        i, j = sorted(rng.randint(0, len(text)) for _ in range(2))
        j = min(j, i + rng.randint(0, 3))
        put = rng.choice(["", "", rng.choice(WORDS), rng.choice(SIGNS), text[i:j] * 2])
        text = text[:i] + put + text[j:]
    return text


def nested(rng: random.Random, depth: int = 0) -> str:
    """Return an expression that the grammar of Python allows, and mostly that of formulas."""
    kind = rng.random()
    if depth > 5 or kind < 0.3:
        return rng.choice(WORDS[:12])
    if kind < 0.6:
        return nested(rng, depth + 1) + rng.choice(BINARY[:-1]) + nested(rng, depth + 1)
    if kind < 0.9:
        inside = ", ".join(nested(rng, depth + 1) for _ in range(rng.randint(0, 3)))
        return f"{rng.choice(CALLS)}({inside})"
    return rng.choice("-~+(") + nested(rng, depth + 1) + rng.choice(["", ")", "[0]", ".x"])


def characters(rng: random.Random) -> str:
    """Return any characters."""
    return "".join(chr(rng.choice([rng.randrange(128), rng.randrange(0x11000)])) for _ in range(12))


MAKERS = (soup, changed, changed, nested, nested, nested, characters)


# -- running them ----------------------------------------------------------------------------


def columns(formula: str) -> int:
    """Return the number of columns that a formula makes of the data."""
    parsed = parse(formula, list(DATA.columns))
    lost = np.zeros(len(DATA), dtype=bool)
    matrix = ModelSpec.learn(parsed, Table(DATA), lost, missing="drop")[1].design.toarray()
    assert matrix.dtype == np.float64
    return int(matrix.shape[1])


def outcome(code: str) -> str:
    """Return ``"design"``, or the name of the error that refuses a formula.

    Raises
    ------
    AssertionError
        If the canary was touched.
    Exception
        Whatever is no error of glmfit's.
    """
    try:
        with CANARY.watching():
            columns(f"y ~ {code}")
    except GlmfitError as error:
        assert str(error)
        return type(error).__name__
    return "design"


def _too_long(signum: int, frame: object) -> None:
    raise TimeoutError(f"a formula takes more than {LONGEST} s")


def run(count: int, seed: int) -> dict[str, object]:
    """Return what came of ``count`` strings; ``faults`` has what is no error of glmfit's."""
    rng = random.Random(seed)
    found: Counter[str] = Counter()
    faults: dict[str, str] = {}
    slowest, begun = (0.0, ""), time.perf_counter()
    signal.signal(signal.SIGALRM, _too_long)
    columns("y ~ bs(x, df=4) + te(cr(x, df=3), cr(z, df=3))")  # patsy imports SciPy when asked
    for _ in range(count):
        code = rng.choice(MAKERS)(rng)
        start = time.process_time()
        signal.setitimer(signal.ITIMER_REAL, 12 * LONGEST)  # processes may be halted
        try:
            found[outcome(code)] += 1
        except Exception as error:  # the fuzzer is there to find it
            faults.setdefault(f"{type(error).__name__}: {error}"[:200], code)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        slowest = max(slowest, (time.process_time() - start, code))
    return {
        "strings": count,
        "seed": seed,
        "seconds": round(time.perf_counter() - begun),
        "slowest_seconds": round(slowest[0], 2),
        "slowest": slowest[1],
        "outcomes": dict(found.most_common()),
        "faults": faults,
    }


def main(arguments: list[str]) -> int:
    """Run and write the outcome."""
    count, seed, *_ = [*map(int, arguments), *(1_000_000, 20_261_121)[len(arguments) :]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcomes = run(count, seed)
    (HERE / "formulas.json").write_text(json.dumps(outcomes, indent=1) + "\n")
    print(json.dumps(outcomes, indent=1))
    return int(bool(outcomes["faults"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
