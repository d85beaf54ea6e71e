"""Reads calls out of NetworkPolicies: pods that may call are taken to call.

`ingress.from` names who may call the policy's pods, `egress.to` whom they may call, by labels
and namespaces. A label that no pod carries is matched to the nearest component name (Sock Shop's
policies say `cart`, its deployment is `carts`): guessed, and said aloud. A policy for all pods
(monitoring that scrapes everything) tells no calls.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from hms.scenarios.importers.findings import POLICY, Findings, FoundEdge, Place
from hms.scenarios.importers.kubernetes_objects import Cluster, Manifest, at, items, select

_ALIKE = 0.85
"""Least likeness of a label and a name: `cart` and `carts` have 0.89, `user` and `users` too."""
_NAMESPACE = "kubernetes.io/metadata.name"
"""Label that Kubernetes puts on every namespace."""


def add_policies(cluster: Cluster) -> None:
    """Add the calls that the NetworkPolicies allow."""
    for manifest in cluster.of_kind("NetworkPolicy"):
        labels = _labels(at(manifest.data, "spec"))
        peers = [
            (manifest.place("spec", way, index, side, number), way, peer)
            for way, side in (("ingress", "from"), ("egress", "to"))
            for index, rule in enumerate(items(manifest.data, "spec", way))
            for number, peer in enumerate(items(rule, side))
        ]
        if labels is None:
            if peers:
                note = f"NetworkPolicy `{manifest.name}` is about all pods: it tells no calls"
                cluster.findings.say(f"{note} ({manifest.file})")
            continue
        own, own_sure = _match(cluster, labels, manifest, [manifest.namespace])
        for place, way, peer in peers:
            others, sure = _peers(cluster, peer, manifest)
            place = Place(POLICY, place.file, place.line, sure or own_sure)
            callers, callees = (others, own) if way == "ingress" else (own, others)
            _add(cluster.findings, callers, callees, place)


def _add(findings: Findings, callers: list[str], callees: list[str], place: Place) -> None:
    for callee in callees:
        protocol = findings.components[callee].protocols.get(0, "")
        for caller in callers:
            findings.add_edge(FoundEdge(caller, callee, place, protocol))


def _peers(cluster: Cluster, peer: Any, manifest: Manifest) -> tuple[list[str], str]:
    """The pods that one peer of a rule names; none for an empty selector or address blocks."""
    labels = _labels(peer)
    if labels is None:
        return [], ""
    return _match(cluster, labels, manifest, _namespaces(cluster, peer, manifest))


def _namespaces(cluster: Cluster, peer: Any, manifest: Manifest) -> list[str]:
    """Where a peer's pods are: the policy's namespace, the named one, or any."""
    selector = at(peer, "namespaceSelector")
    if not isinstance(selector, Mapping):
        return [manifest.namespace]
    named = at(selector, "matchLabels", _NAMESPACE)
    every = dict.fromkeys(each.namespace for each, _ in cluster.pods.values())
    return [named] if isinstance(named, str) else list(every)


def _labels(holder: Any) -> Mapping[str, Any] | None:
    """The labels of a `podSelector`; None where it selects all pods."""
    labels = at(holder, "podSelector", "matchLabels")
    return labels if isinstance(labels, Mapping) and labels else None


def _match(
    cluster: Cluster, labels: Mapping[str, Any], manifest: Manifest, namespaces: list[str]
) -> tuple[list[str], str]:
    """Components with the labels; else the one whose name is nearest to a label (guessed)."""
    found = [name for namespace in namespaces for name in select(cluster, labels, namespace)]
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
