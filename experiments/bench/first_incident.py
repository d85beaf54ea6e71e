"""A fresh process to its first incident: what a start costs, told as JSON on stdout.

Reading and drawing the scenario is not counted: it is no part of compiling.
"""

from __future__ import annotations

import json
import sys
import time


def clocks() -> tuple[float, float]:
    """CPU seconds of this process, wall seconds."""
    return time.process_time(), time.perf_counter()


def main() -> None:
    """Import, run one incident, and tell the seconds of each part as [CPU, wall]."""
    parts: dict[str, list[float]] = {}
    before = clocks()

    def done(part: str) -> None:
        nonlocal before
        now = clocks()
        parts[part] = [now[0] - before[0], now[1] - before[1]]
        before = now

    import llvmlite.binding  # noqa: F401 - for its time
    import numpy  # noqa: F401

    done("libraries")
    from hms.scenarios.engines.fluid import engine
    from hms.scenarios.policy_tables import tables

    done("engine")
    from hms.experiments.bench.demo import load_demo

    demo = load_demo()
    compiled = demo.drawn("held_out", 1).compiled[0]
    done("scenario")
    outcome = engine.run(compiled, tables(demo.policy, demo.topology))
    done("first")
    engine.run(compiled, tables(demo.policy, demo.topology))
    done("second")
    told = {
        "seconds": parts,
        "downtime_s": outcome.downtime_s,
        "numba": "numba" in sys.modules,  # a warm start does without
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
