"""Replicas: one alone on a path that requests need."""

from __future__ import annotations

from collections.abc import Iterator

from hms.experiments.check.failures import crash
from hms.experiments.check.findings import Finding
from hms.experiments.check.system import System, change_component

SINGLE_REPLICA = "single-replica"


def single_replica(system: System) -> Iterator[Finding]:
    """A needed component that has one replica: while it restarts, nobody is served."""
    for component in system.components:
        if component.replicas > 1 or component.name not in system.needed:
            continue
        says = f"one replica, and {_share(system.visits[component.name])} need its answer"
        if component.kind != "service":
            says += f"; it is a {component.kind}: a second one needs replication or failover"
        yield Finding(
            SINGLE_REPLICA,
            component.name,
            system.places.of(component, "replicas"),
            says,
            change_component(component.name, replicas=2),
            (crash(component),),
        )


def _share(visits: float) -> str:
    """Which of all requests need a component that is called so often for one of them."""
    return "all requests" if visits >= 1.0 else f"about {visits:.0%} of requests"
