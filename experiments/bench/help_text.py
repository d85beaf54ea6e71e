"""`hms --help`: a fresh process each, beside what Python itself takes to start."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence

from hms.experiments.bench.figure import Figure
from hms.experiments.bench.size import Size

GROUP = "help"
HEAVY = ("ray", "mlflow", "numba", "pandas", "numpy", "sqlalchemy", "networkx")
COMMANDS = {
    "hms --help": ("-m", "hms", "--help"),
    "python, nothing": ("-c", "pass"),
    "python, argparse": ("-c", "import argparse; argparse.ArgumentParser().format_help()"),
}
IMPORTED = """
import json, sys
from hms.experiments.cli.main import run
run(["--help"])
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def measure(size: Size) -> list[Figure]:
    """The least of all starts: a start is so short that others only ever lengthen it."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(size.starts):
        for name, arguments in COMMANDS.items():
            taken[name].append(_start(arguments))
    answer = _imported()
    least = {
        name: [min(each[clock] for each in found) for clock in (0, 1)]
        for name, found in taken.items()
    }
    cpu_s, wall_s = least["hms --help"]
    figures = [
        Figure(GROUP, "hms --help: least", wall_s, "s", "wall", floor=0.25, answer=answer),
        Figure(GROUP, "hms --help: least", cpu_s, "s", "cpu", goal=0.10, answer=answer),
    ]
    for name in list(COMMANDS)[1:]:
        figures.append(Figure(GROUP, f"{name}: least", least[name][0], "s", "cpu", ours=cpu_s))
    return figures


def _start(arguments: Sequence[str]) -> tuple[float, float]:
    """CPU and wall seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began_s = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    wall_s = time.perf_counter() - began_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cpu_s, wall_s


def _imported() -> str:
    """How many modules the help imports, and which heavy packages are among them."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True
    )
    modules = json.loads(done.stderr)
    heavy = [name for name in HEAVY if name in modules]
    return f"{len(modules)} modules, heavy: {', '.join(heavy) or 'none'}"
