"""Reads autoscalers: how many replicas a component may have.

A scenario says how many replicas there are, not how many there may be. So the lower bound gives
the replicas where the Deployment says none or fewer, and both bounds are kept as a label
(`autoscale: 1-10`) and said: whoever lets an agent scale should not go beyond them.
"""

from __future__ import annotations

import difflib
from typing import Any

from hms.scenarios.importers.findings import Fact
from hms.scenarios.importers.kubernetes_objects import Cluster, Manifest, at, items
from hms.scenarios.provenance import DERIVED

AUTOSCALE = "autoscale"
"""Label with both bounds."""

_ALIKE = 0.85
_BOUNDS = {
    "HorizontalPodAutoscaler": ("minReplicas", "maxReplicas"),
    "ScaledObject": ("minReplicaCount", "maxReplicaCount"),
}


def add_autoscalers(cluster: Cluster) -> None:
    """Bounds of HorizontalPodAutoscalers and KEDA's ScaledObjects."""
    told = []
    for manifest in cluster.of_kind(*_BOUNDS):
        low_key, high_key = _BOUNDS[manifest.kind]
        low = _count(at(manifest.data, "spec", low_key)) or 1
        high = _count(at(manifest.data, "spec", high_key))
        name = _target(cluster, manifest)
        if not name or not high or high < low:
            what = "scales nothing that is deployed here" if not name else "has no bounds"
            cluster.findings.say(f"{manifest.kind} `{manifest.name}` {what}: dropped")
            continue
        _note(cluster, manifest, name, (low, high))
        share = _cpu_share(manifest.data)
        told.append(f"`{name}` {low}-{high}" + (f" at {share:g} % CPU" if share else ""))
    if told:
        cluster.findings.say(
            f"autoscaled: {', '.join(told)}; the scenario has the replicas of today, and the "
            f"bounds as the label `{AUTOSCALE}`"
        )


def _note(cluster: Cluster, manifest: Manifest, name: str, bounds: tuple[int, int]) -> None:
    """The bounds of one component as a label, and as replicas."""
    low, high = bounds
    component = cluster.findings.components[name]
    component.labels[AUTOSCALE] = f"{low}-{high}"
    stated = component.facts.get("replicas")
    if stated is None or stated.value < low:
        place = manifest.place("spec", _BOUNDS[manifest.kind][0], sure=DERIVED)
        component.facts["replicas"] = Fact(low, place)


def _target(cluster: Cluster, manifest: Manifest) -> str:
    """The component it scales; the nearest name where none has its name (guessed, and said)."""
    wanted = str(at(manifest.data, "spec", "scaleTargetRef", "name") or "")
    named = [
        name
        for name, (target, _) in cluster.pods.items()
        if target.name == wanted and target.namespace == manifest.namespace
    ]
    if named or not wanted:
        return named[0] if named else ""
    near = difflib.get_close_matches(wanted, cluster.pods, n=1, cutoff=_ALIKE)
    if near:
        cluster.findings.say(
            f"{manifest.kind} scales `{wanted}`, which nothing here deploys: taken for the "
            f"nearest, `{near[0]}` (sure: guessed)"
        )
    return near[0] if near else ""


def _count(value: Any) -> int:
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 1_000_000
    return value if usable else 0


def _cpu_share(data: Any) -> float:
    """Target CPU use in percent, 0 where it scales by something else."""
    found = at(data, "spec", "targetCPUUtilizationPercentage")
    for metric in items(data, "spec", "metrics"):
        if at(metric, "resource", "name") == "cpu":
            found = found or at(metric, "resource", "target", "averageUtilization")
            found = found or at(metric, "resource", "targetAverageUtilization")
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else 0.0
