"""The decision files are in the portable subset, and the lint refuses what the table refuses."""

from pathlib import Path

import pytest
from portable import check, decision_files

import hms.agents.policy.breaker as breaker_module

POLICY = Path(breaker_module.__file__).parent

HEAD = '''"""A decision."""

import math
from dataclasses import dataclass

from hms.agents.policy.kinds import OPEN, SLACK, WINDOW_SLOTS
from hms.agents.policy.parameters import Floats, RetryParameters, floats

LIMIT = 3.0


@dataclass(slots=True)
class State:
    n: int = 0
    x: float = 0.0
    on: bool = False
    ring: Floats = floats(4)


'''
DECISION = "def decide(s: State, p: RetryParameters, k: int, y: float) -> float:\n"
HEAD_LINES = HEAD.count("\n") + 1


def problems(tmp_path: Path, body: str, head: str = HEAD) -> list[str]:
    for neighbour in ("kinds.py", "parameters.py"):
        (tmp_path / neighbour).write_text((POLICY / neighbour).read_text())
    path = tmp_path / "decision.py"
    path.write_text(head + body)
    return check(path)


def in_function(lines: str) -> str:
    return DECISION + "".join(f"    {line}\n" for line in lines.split("\n"))


@pytest.mark.parametrize("path", decision_files(POLICY), ids=lambda path: path.stem)
def test_every_decision_file_is_portable(path):
    assert check(path) == []


def test_the_decision_files_are_found():
    names = {path.stem for path in decision_files(POLICY)}
    assert {"breaker", "window", "retry", "dependency", "component", "invariants"} <= names


GOOD = [
    "return s.x",
    "s.n = k\nreturn y * 2.0",
    "for i in range(4):\n    s.ring[i] = float(i)\nreturn math.sqrt(y)",
    "if y > 0.0:\n    return p.base_s / y\nreturn min(y, LIMIT)",
    "x = 1.0 if s.on else y\nx += SLACK\nreturn x",
    "while s.x < 3.0:\n    s.x += 1.0\nreturn abs(s.x)",
    "return s.ring[(s.n + 1) % 4] + float(k // 2)",
    "return p.budget_ratio / p.multiplier",
]


@pytest.mark.parametrize("lines", GOOD)
def test_what_is_allowed_passes(tmp_path, lines):
    assert problems(tmp_path, in_function(lines)) == []


BAD = [
    # the table of CONTRIBUTING.md, section 2, row by row
    ("return y ** 2.0", "operator Pow"),
    ("return pow(y, 2.0)", "call of pow"),
    ("return math.exp(y)", "call of math.exp"),
    ("return math.log(y)", "call of math.log"),
    ("return y + k", "float + int"),
    ("return y + s.on", "float + bool"),
    ("s.n = y\nreturn y", "s.n is int, assigned float"),
    ("s.x = k\nreturn y", "s.x is float, assigned int"),
    ("s.on = k\nreturn y", "s.on is bool, assigned int"),
    ("if s.on:\n    z = 1.0\nreturn z", "first bound in a branch"),
    ("for i in range(4):\n    z = 1.0\nreturn z", "first bound in a branch"),
    ("return 1.0 / y", "unguarded division by y"),
    ("return float(3 % k)", "unguarded division by k"),
    ("return 1.0 / p.base_s", "unguarded division by p.base_s"),
    ("s.n += 1\nreturn y", "unbounded counter"),
    ("return s.ring[4]", "index 4 is out of range"),
    ("return s.ring[k + 1]", "not proved in range"),
    ("for i in range(WINDOW_SLOTS):\n    s.ring[i] = 0.0\nreturn y", "not proved in range"),
    ("if 0.0 < y < 1.0:\n    return y\nreturn 0.0", "chained comparison"),
    ("return round(y)", "call of round"),
    ("return y // 2.0", "`//` on floats"),
    ("return y % 2.0", "`%` on floats"),
    ("return float(k / 2)", "`/` on ints"),
    ("global LIMIT\nreturn y", "statement Global"),
    ("def inner() -> float:\n    return y\nreturn inner()", "statement FunctionDef"),
    ("f = lambda: y\nreturn y", "expression Lambda"),
    ("return None", "constant None"),
    ("z = 'text'\nreturn y", "constant 'text'"),
    ("z = [y]\nreturn y", "expression List"),
    ("z = (y, y)\nreturn y", "expression Tuple"),
    ("raise ValueError", "statement Raise"),
    ("try:\n    return y\nfinally:\n    s.n = 0", "statement Try"),
    ("assert y\nreturn y", "statement Assert"),
    # and what goes with it
    ("p.base_s = y\nreturn y", "parameters are read only"),
    ("if k:\n    return y\nreturn 0.0", "condition k is int"),
    ("if s.on is True:\n    return y\nreturn 0.0", "comparison Is"),
    ("return y if s.on else k", "float or int"),
    ("return k", "returns int, declared float"),
    ("if s.on:\n    return y", "may end without a result"),
    ("for i in range(1, 3):\n    s.x = y\nreturn y", "range(n) only"),
    ("for i in s.ring:\n    s.x = i\nreturn y", "range(n) only"),
    ("return s.missing", "no field missing"),
    ("return max(y, 1.0, 2.0)", "call of max"),
    ("return max(y, k)", "call of max"),
    ("return decide(s, p, y, k)", "decide takes"),
    ("return decide(s, p, k, y=y)", "no keywords"),
    ("LIMIT = 2.0\nreturn y", "assigns the module's LIMIT"),
    ("return print(y)", "call of print"),
]


@pytest.mark.parametrize(("lines", "why"), BAD, ids=[line[:38] for line, _ in BAD])
def test_what_is_refused_is_named_with_its_line(tmp_path, lines, why):
    found = problems(tmp_path, in_function(lines))
    assert len(found) == 1
    assert why in found[0]
    file, line, _ = found[0].split(":", 2)
    assert file == "decision.py"
    assert HEAD_LINES <= int(line) <= HEAD_LINES + 1 + lines.count("\n")


BAD_DECLARATIONS = [
    ("total = 3\n", "module variable total"),
    ("CACHE = {}\n", "module variable CACHE"),
    ("import numpy\n", "import of numpy"),
    ("from time import monotonic\n", "import of time"),
    ("print(1)\n", "call of print", "Expr at module level"),
    ("def f(x: float = 1.0) -> float:\n    return x\n", "no defaults"),
    ("def f(*x: float) -> float:\n    return 1.0\n", "no defaults"),
    ("def f(x) -> float:\n    return 1.0\n", "annotate"),
    ("def f(x: float):\n    return 1.0\n", "annotate"),
    ("def f(x: str) -> float:\n    return 1.0\n", "x: str is no scalar or record"),
    ("class Plain:\n    x: float = 0.0\n", "is no dataclass"),
    ("@dataclass\nclass Bad:\n    x: float = 1.0\n", "must start at the zero of float"),
    ("@dataclass\nclass Bad:\n    x: float = 0\n", "must start at the zero of float"),
    ("@dataclass\nclass Bad:\n    x: int = OPEN\n", "must start at the zero of int"),
    ("@dataclass\nclass Bad:\n    def m(self) -> None:\n        return\n", "only typed fields"),
]


@pytest.mark.parametrize("case", BAD_DECLARATIONS, ids=lambda case: case[0][:38])
def test_declarations_outside_the_subset_are_refused(tmp_path, case):
    found = problems(tmp_path, case[0])
    assert len(found) == 1
    assert case[-1] in found[0]
