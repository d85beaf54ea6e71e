"""An incident of the fluid engine on one core, in full and with fast-forward, beside peers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

from hms.experiments.bench import peers
from hms.experiments.bench.demo import load_demo
from hms.experiments.bench.figure import Figure, median_of
from hms.experiments.bench.size import Size
from hms.experiments.bench.timing import Taken, in_turn, one_answer

GROUP = "fluid"
NANOSECONDS = 1e9
ALIKE_S = 0.1


def measure(size: Size) -> list[Figure]:
    """CPU time; the median incident's, each incident the median of its rounds."""
    from hms.scenarios.engines.fluid import engine
    from hms.scenarios.policy_tables import tables

    demo = load_demo()
    compiled = demo.drawn("held_out", size.incidents).compiled
    tabled = tables(demo.policy, demo.topology)
    components = len(demo.topology.components)
    ticks = int(compiled[0].world["ticks"][0])

    works: dict[str, Callable[[], object]] = {
        "simpy": partial(peers.in_simpy, components, ticks),
        "python": partial(peers.in_plain_python, components, ticks),
    }
    for number, each in enumerate(compiled):
        works[f"full {number}"] = partial(engine.run, each, tabled, fast_forward=False)
        works[f"fast {number}"] = partial(engine.run, each, tabled, fast_forward=True)
    in_turn({name: works[name] for name in ("full 0", "fast 0")}, 1)  # compiles or loads
    taken = in_turn(works, size.rounds)
    full = [taken[f"full {number}"] for number in range(len(compiled))]
    jumping = [taken[f"fast {number}"] for number in range(len(compiled))]
    steps = components * ticks
    return [*_ours(full, jumping, steps), *_peers(taken, full, steps)]


def _ours(full: list[list[Taken]], fast: list[list[Taken]], steps: int) -> list[Figure]:
    full_ms, fast_ms = _incidents_ms(full), _incidents_ms(fast)
    rates = [steps / ms / 1e3 for ms in full_ms]
    return [
        median_of(
            GROUP, "incident, in full: median", full_ms, "ms", clock="cpu",
            floor=8.0, goal=5.0, answer=_downtime(full),
        ),
        median_of(
            GROUP, "component-ticks, in full", rates, "M/s", clock="cpu",
            floor=4.5, goal=7.0, more_is_better=True,
        ),
        median_of(
            GROUP, "incident, fast-forward: median", fast_ms, "ms", clock="cpu",
            floor=3.0, goal=1.7, answer=_downtime(fast),
        ),
        Figure(GROUP, "incident, in full: worst", max(full_ms), "ms", "cpu"),
        Figure(GROUP, "incident, fast-forward: worst", max(fast_ms), "ms", "cpu", goal=2.3),
        Figure(
            GROUP, "incident, fast-forward: mean", math.fsum(fast_ms) / len(fast_ms), "ms", "cpu",
            answer=_agreement(full, fast),
        ),
    ]  # fmt: skip


def _incidents_ms(found: Sequence[Sequence[Taken]]) -> list[float]:
    """Of each incident, the median of its rounds."""
    return [median(each.cpu_s for each in rounds) * 1e3 for rounds in found]


def _downtime(found: Sequence[Sequence[Taken]]) -> str:
    total_s = math.fsum(rounds[0].answer.downtime_s for rounds in found)
    return f"downtime {total_s:.6f} s"


def _agreement(full: Sequence[Sequence[Taken]], fast: Sequence[Sequence[Taken]]) -> str:
    """How many incidents end alike both ways: fast-forward is not bound to do equal work."""
    pairs = [(one[0].answer, two[0].answer) for one, two in zip(full, fast, strict=True)]
    close = sum(abs(one.downtime_s - two.downtime_s) <= ALIKE_S for one, two in pairs)
    return f"{close} of {len(pairs)} as in full within {ALIKE_S:g} s of downtime"


def _peers(taken: dict[str, list[Taken]], full: list[list[Taken]], steps: int) -> list[Figure]:
    """A component-tick of ours beside theirs, which does less."""
    ours_ns = median(_incidents_ms(full)) / 1e3 / steps * NANOSECONDS
    both = {name: taken[name] for name in ("simpy", "python")}
    answer = f"present {one_answer(both)}"
    figures = [Figure(GROUP, "a component-tick, in full", ours_ns, "ns", "cpu", goal=142.0)]
    for name, title in (("simpy", "a bare queue's, SimPy"), ("python", "a bare queue's, loop")):
        each_ns = [each.cpu_s / steps * NANOSECONDS for each in taken[name]]
        figures.append(
            median_of(GROUP, title, each_ns, "ns", clock="cpu", ours=ours_ns, answer=answer)
        )
    return figures
