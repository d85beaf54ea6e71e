"""Queues that are longer than anybody waits."""

from __future__ import annotations

from collections.abc import Iterator

from hms.experiments.check.failures import overload
from hms.experiments.check.findings import Finding
from hms.experiments.check.quantities import seconds
from hms.experiments.check.system import System, change_component
from hms.scenarios.model import Component

QUEUE_LONGER_THAN_TIMEOUT = "queue-longer-than-timeout"
SHARE = 0.5
"""Of the time-out that a request may queue: its service and its calls need the rest."""


def queue_longer_than_timeout(system: System) -> Iterator[Finding]:
    """A queue whose last request is served after its caller gave up.

    In an overload the component then works on nothing but requests that nobody waits for.
    """
    for component in system.components:
        limit, key = system.queue_limit(component)
        callers = system.callers_of(component.name)
        if system.places.is_guess(component, key) or not callers:
            continue
        patience_s = max(system.call_s(edge) for edge in callers)
        each_s = system.service_s(component) / system.servers(component)
        if limit * each_s > patience_s:
            yield _finding(system, component, patience_s, each_s)


def _finding(system: System, component: Component, patience_s: float, each_s: float) -> Finding:
    limit, key = system.queue_limit(component)
    says = (
        f"{limit:,} requests may wait, which takes {limit:,} × {seconds(each_s)} ="
        f" {seconds(limit * each_s)}; the most patient caller waits {seconds(patience_s)}"
    )
    short = max(1, int(SHARE * patience_s / each_s))
    assumed = []
    if system.is_range(component.name, "service_time_s"):
        assumed.append(f"a service time of {seconds(system.service_s(component))}")
    if all(system.timeout_is_guess(edge) for edge in system.callers_of(component.name)):
        assumed.append("the callers' time-outs")
    change = change_component(component.name, queue_limit=short)
    if key == "concurrency":
        group = {**component.today.get("concurrency", {}), "queue_limit": short}
        change = change_component(component.name, concurrency=group)
    return Finding(
        QUEUE_LONGER_THAN_TIMEOUT,
        component.name,
        system.places.of(component, key),
        says,
        change,
        (overload(system, component),),
        assumed=tuple(assumed),
    )
