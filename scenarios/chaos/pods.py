"""PodChaos and StressChaos: processes that die, stop or run short."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hms.scenarios.chaos.context import Context, Entry, tidy
from hms.scenarios.chaos.experiment import Injection
from hms.scenarios.chaos.quantities import size_mb
from hms.scenarios.chaos.selection import Struck
from hms.scenarios.model import Component

SLOW_FROM, SLOW_STEEP = 0.8, 4.0
"""From which share of its memory limit a process slows, and how much at it (docs/world.md)."""

MOST_TAKEN = 0.999
"""Of a CPU: the fault's own limit."""

_CONTAINERS = ("a component is one container", "the whole replica is struck")
_CLUSTER = ("a scenario is one cluster", "struck here")


def pod_chaos(injection: Injection, context: Context) -> Iterator[Entry]:
    """pod-kill and container-kill: a crash the platform mends; pod-failure: down for a time."""
    action = injection.spec["action"]
    context.ledger.every(
        injection,
        {
            ("containerNames",): _CONTAINERS,
            ("remoteCluster",): _CLUSTER,
            ("gracePeriod",): ("in-flight requests are lost at once", "no grace period"),
        },
    )
    lasting = context.lasting(injection) if action == "pod-failure" else {}
    for struck in context.struck(injection):
        entry: Entry = {"kind": "crash", "target": struck.target}
        if action == "pod-failure":
            # the image is swapped for one that does nothing: no platform's restart helps
            yield entry | {"restarts_by_itself": False} | lasting
            continue
        component = context.scenario.components[struck.component]
        if component.self_restart != "kubernetes":
            why = "the scenario's component is restarted by nobody"
            context.ledger.lost(injection, ("action",), action, why, "it stays down")
        yield entry | {"start_s": injection.start_s, "until": "restart"}


def stress_chaos(injection: Injection, context: Context) -> Iterator[Entry]:
    """CPU and memory that a stressor takes inside the container of each struck replica."""
    spec = injection.spec
    stressors = spec.get("stressors", {})
    foreign = ("options of stress-ng have no meaning here", "left out")
    context.ledger.every(
        injection,
        {
            ("containerNames",): _CONTAINERS,
            ("remoteCluster",): _CLUSTER,
            ("stressngStressors",): foreign,
            ("stressors", "cpu", "options"): foreign,
            ("stressors", "memory", "options"): foreign,
            ("stressors", "memory", "oomScoreAdj"): (
                "whom the kernel kills is not modelled", "the component is killed"
            ),
        },
    )  # fmt: skip
    lasting = context.lasting(injection)
    for struck in context.struck(injection):
        component = context.scenario.components[struck.component]
        if stressors.get("cpu", {}).get("workers"):
            yield _cpu(injection, struck, component, context) | lasting
        if stressors.get("memory", {}).get("workers"):
            yield from _memory(injection, struck, component, context, lasting)


def _cpu(injection: Injection, struck: Struck, component: Component, context: Context) -> Entry:
    """The share of its CPU that the stressor takes.

    The container's limit of `cores` is shared fairly among threads (CFS): of w workers that load
    a share l each, one thread of the service keeps max(1 - w·l / cores, 1 / (w + 1)).
    """
    cpu = injection.spec["stressors"]["cpu"]
    workers, load = cpu["workers"], cpu.get("load", 100) / 100.0
    left = max(1.0 - workers * load / component.cores, 1.0 / (workers + 1.0))
    why = "what a stressor leaves depends on the scheduler and on the service's threads"
    done = f"max(1 - w·l/cores, 1/(w+1)) = {left:.0%} is left: service time × {1 / left:.3g}"
    taken = tidy(min(MOST_TAKEN, 1.0 - left))
    at = ("stressors", "cpu")
    context.ledger.lost(injection, at, f"{workers} × {load:.0%}", why, done)
    return {"kind": "cpu_starvation", "target": struck.target, "share": taken}


def _memory(
    injection: Injection, struck: Struck, component: Component, context: Context, lasting: Entry
) -> Iterator[Entry]:
    """Memory beside the component's own: over the limit it is killed, near it it slows."""
    memory = injection.spec["stressors"]["memory"]
    at = ("stressors", "memory")
    limit_mb = component.memory_limit_mb
    size = str(memory.get("size", "100%"))
    if limit_mb <= 0.0:
        why = f"`{component.name}` has no memory limit in the scenario"
        context.ledger.lost(injection, at, size, why, "no effect")
        return
    taken_mb = memory["workers"] * (size_mb(size, limit_mb) or 0.0)
    filled = (component.memory_mb + taken_mb) / limit_mb
    told = f"{filled:.0%} of the limit of {limit_mb:g} MB"
    why = "what a full heap costs depends on the runtime"
    if filled >= 1.0:
        context.ledger.lost(injection, at, size, why, f"{told}: killed once, and restarted")
        yield {"kind": "crash", "target": struck.target, "until": "restart",
               "start_s": injection.start_s}  # fmt: skip
        return
    pressure = max(0.0, filled - SLOW_FROM) / (1.0 - SLOW_FROM)
    factor = 1.0 + SLOW_STEEP * pressure**2
    if math.isclose(factor, 1.0):
        context.ledger.lost(injection, at, size, why, f"{told}: no effect below {SLOW_FROM:.0%}")
        return
    context.ledger.lost(injection, at, size, why, f"{told}: service time × {factor:.3g}")
    yield {"kind": "slow", "target": struck.target, "factor": tidy(factor)} | lasting
