"""Reads calls out of NetworkPolicies: pods that may call are taken to call.

`ingress.from.podSelector` names pods by labels. A label that no pod carries is matched to the
nearest component name (Sock Shop's policies say `cart`, its deployment is `carts`): guessed,
and said aloud. A policy for all pods (monitoring that scrapes everything) tells no calls.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from hms.scenarios.importers.findings import POLICY, Findings, FoundEdge, Place
from hms.scenarios.importers.kubernetes_objects import Cluster, Manifest, at, items, select

_ALIKE = 0.85
"""Least likeness of a label and a name: `cart` and `carts` have 0.89, `user` and `users` too."""


def add_policies(cluster: Cluster) -> None:
    """Add the calls that the NetworkPolicies allow."""
    for manifest in cluster.of_kind("NetworkPolicy"):
        labels = _labels(at(manifest.data, "spec"))
        rules = items(manifest.data, "spec", "ingress")
        if labels is None:
            if any(items(rule, "from") for rule in rules):
                note = f"NetworkPolicy `{manifest.name}` is about all pods: it tells no calls"
                cluster.findings.say(f"{note} ({manifest.file})")
            continue
        callees, callee_sure = _match(cluster, labels, manifest)
        for index, rule in enumerate(rules):
            for number, peer in enumerate(items(rule, "from")):
                place = manifest.place("spec", "ingress", index, "from", number)
                callers, caller_sure = _callers(cluster, peer, manifest)
                place = Place(POLICY, place.file, place.line, caller_sure or callee_sure)
                _add(cluster.findings, callers, callees, place)


def _add(findings: Findings, callers: list[str], callees: list[str], place: Place) -> None:
    for callee in callees:
        protocol = findings.components[callee].protocols.get(0, "")
        for caller in callers:
            findings.add_edge(FoundEdge(caller, callee, place, protocol))


def _callers(cluster: Cluster, peer: Any, manifest: Manifest) -> tuple[list[str], str]:
    """The pods that one peer of a rule names; none for an empty selector or address blocks."""
    labels = _labels(peer)
    return ([], "") if labels is None else _match(cluster, labels, manifest)


def _labels(holder: Any) -> Mapping[str, Any] | None:
    """The labels of a `podSelector`; None where it selects all pods."""
    labels = at(holder, "podSelector", "matchLabels")
    return labels if isinstance(labels, Mapping) and labels else None


def _match(
    cluster: Cluster, labels: Mapping[str, Any], manifest: Manifest
) -> tuple[list[str], str]:
    """Components with the labels; else the one whose name is nearest to a label (guessed)."""
    found = select(cluster, labels, manifest.namespace)
    if found:
        return found, ""
    for value in labels.values():
        text = str(value)
        near = difflib.get_close_matches(text, cluster.pods, n=1, cutoff=_ALIKE)
        if near:
            cluster.findings.say(
                f"NetworkPolicies name pods `{text}`, which nothing here deploys: taken for "
                f"the nearest, `{near[0]}` (sure: guessed)"
            )
            return [near[0]], "guessed"
    shown = ", ".join(f"{key}={value}" for key, value in labels.items())
    cluster.findings.say(
        f"NetworkPolicy `{manifest.name}` names pods {shown}, which nothing here deploys: dropped"
    )
    return [], ""
