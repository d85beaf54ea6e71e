"""Replicas: one alone on a path that requests need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hms.experiments.check.failures import crash
from hms.experiments.check.findings import Finding
from hms.experiments.check.system import System, change_component
from hms.scenarios.file_keys import GROUP_KEYS
from hms.scenarios.model import Component

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
            change_component(component.name, **_two(component)),
            (crash(component),),
        )


def _two(component: Component) -> dict[str, Any]:
    """Two replicas; where the file tells groups apart, the second joins the first."""
    groups = {
        name: {key: getattr(group, key) for key in GROUP_KEYS if getattr(group, key) != ""}
        for name, group in component.groups.items()
    }
    if not groups:
        return {"replicas": 2}
    next(iter(groups.values()))["replicas"] = 2
    return {"replicas": 2, "groups": groups}


def _share(visits: float) -> str:
    """Which of all requests need a component that is called so often for one of them."""
    return "all requests" if visits >= 1.0 else f"about {visits:.0%} of requests"
