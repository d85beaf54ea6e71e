"""Reads Istio's VirtualServices and DestinationRules: what guards calls today.

- VirtualService `timeout`, `retries`: groups `timeout` and `retry` on all edges to its hosts.
- DestinationRule `outlierDetection`: group `breaker`; `connectionPool`: group `concurrency` of
  the callee; `retryBudget`, `maxRetries`: the retries' budget; `loadBalancer`: its balancer.
- A host with either is behind Istio's proxies: where nothing is said, Istio's own retries hold.
- `fault` becomes faults, in `istio_faults.py`.

Which component a host means is known only when all sources are joined, so reading keeps the
objects, and `apply_mesh` translates them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hms.documents import Problem
from hms.errors import ManifestError
from hms.scenarios.importers.findings import ISTIO, MESH, Fact, Findings, FoundSettings, Place
from hms.scenarios.importers.istio_words import (
    BALANCERS,
    breaker_group,
    budget,
    concurrency_group,
    first_open_route,
    retry_group,
    timeout_group,
)
from hms.scenarios.importers.kubernetes import read_kubernetes
from hms.scenarios.importers.kubernetes_objects import Manifest, at, items
from hms.scenarios.provenance import DERIVED

_HTTP = ("", "http", "http2", "https", "grpc")
_CLUSTER = ".svc.cluster.local"


def read_istio(paths: Sequence[str | Path]) -> Findings:
    """The mesh's objects in the files, and the deployments among them.

    Raises:
        ManifestError: a file is missing or is not YAML, or holds no object of Istio's.
    """
    findings = read_kubernetes(paths)
    if not findings.mesh:
        what = "no VirtualService or DestinationRule found"
        raise ManifestError([Problem((), what, "files with objects of networking.istio.io")], None)
    return findings


def apply_mesh(findings: Findings) -> None:
    """Today's settings of all components that an object of the mesh names.

    Raises:
        ManifestError: there are such objects, and no components at all.
    """
    if findings.mesh and not findings.components:
        hosts = sorted({h for manifest in findings.mesh for h in _hosts(manifest) if h != "*"})
        what = f"rules for {', '.join(hosts[:6]) or 'no host'}, and nothing that is deployed"
        expected = "the manifests too: --merge kubernetes:DIR"
        raise ManifestError([Problem((), what, expected)], None)
    mesh = _Mesh(findings)
    for manifest in findings.mesh:
        if manifest.kind == "DestinationRule":
            mesh.add_destination(manifest)
    for manifest in findings.mesh:
        if manifest.kind == "VirtualService":
            mesh.add_routes(manifest)
    mesh.settle()


def _hosts(manifest: Manifest) -> list[str]:
    found = items(manifest.data, "spec", "hosts") or [at(manifest.data, "spec", "host")]
    return [host for host in found if isinstance(host, str)]


class _Mesh:
    """Gathers the objects of each component, then writes its settings once."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._policies: dict[str, tuple[Manifest, tuple[str | int, ...], Any]] = {}
        self._routes: dict[str, tuple[Manifest, tuple[str | int, ...], Any]] = {}

    def add_destination(self, manifest: Manifest) -> None:
        """The traffic policy of a host, and those of its subsets, which win."""
        for host in _hosts(manifest):
            names = self._behind(host, manifest)
            for index, subset in enumerate(items(manifest.data, "spec", "subsets")):
                chosen = self._subset(names, at(subset, "labels"))
                path = ("spec", "subsets", index, "trafficPolicy")
                if isinstance(at(subset, "trafficPolicy"), Mapping) and len(chosen) < len(names):
                    self._remember(self._policies, chosen, manifest, path)
            self._remember(self._policies, names, manifest, ("spec", "trafficPolicy"))

    def add_routes(self, manifest: Manifest) -> None:
        """The route that serves what no match picks, for all that it leads to."""
        routes = items(manifest.data, "spec", "http")
        gateways = items(manifest.data, "spec", "gateways")
        index = first_open_route(routes)
        destinations = items(at(routes, index), "route")
        names = [
            name
            for destination in destinations
            for name in self._behind(str(at(destination, "destination", "host")), manifest)
        ]
        if any(at(destination, "weight") not in (None, 100) for destination in destinations):
            self._say(manifest, "shares its calls out by weights: say them as `calls` (overlay)")
        if gateways and "mesh" not in gateways:
            for name in names:
                self._findings.components[name].exposed = True
            return  # it holds in the gateway, which is no component
        if len(routes) > 1 and any(at(r, k) for r in routes for k in ("timeout", "retries")):
            self._say(manifest, "has several routes: the one for all other requests is taken")
        self._remember(self._routes, names, manifest, ("spec", "http", index))

    def settle(self) -> None:
        """Write what was gathered."""
        for name in [n for n in self._findings.components if n in self._policies | self._routes]:
            http = self._findings.components[name].protocols.get(0, "") in _HTTP
            if http:
                self._retries(name)
            if name in self._policies:
                self._policy(name)

    def _retries(self, name: str) -> None:
        """Retries and time-outs: stated by a route, bounded by a policy, else Istio's own."""
        manifest, path, route = self._routes.get(name, (None, (), None))
        ruled = self._policies.get(name)
        notes: list[str] = []
        retries = retry_group(at(route, "retries"), notes) | budget(ruled[2] if ruled else None)
        holder = manifest or (ruled[0] if ruled else None)
        if holder is None:
            return
        stated = at(route, "retries") is not None
        place = _place(holder, (*path, "retries") if stated else path or ("spec",))
        self._put(name, "retry", retries, place if stated else _derived(place))
        timeout = timeout_group(route)
        if timeout and manifest is not None:
            key = "timeout" if at(route, "timeout") is not None else "retries"
            self._put(name, "timeout", timeout, _place(manifest, (*path, key)))
        for note in notes:
            self._say(holder, note)

    def _policy(self, name: str) -> None:
        """Ejection, limits and balancer of a traffic policy."""
        manifest, path, policy = self._policies[name]
        notes: list[str] = []
        outlier = at(policy, "outlierDetection")
        if isinstance(outlier, Mapping):
            place = _place(manifest, (*path, "outlierDetection"))
            self._put(name, "breaker", breaker_group(outlier, notes), place)
        proxies, replicas = self._proxies(name), self._replicas(name)
        grpc = self._findings.components[name].protocols.get(0, "") == "grpc"
        limits = concurrency_group(policy, proxies, replicas, grpc)
        if limits:
            place = _place(manifest, (*path, "connectionPool"), DERIVED)
            self._put(name, "concurrency", limits, place)
            notes.append(
                f"connectionPool counts in each of {proxies} callers' proxies, ours in each of "
                f"{replicas} replicas of `{name}`: times {proxies}, over {replicas}"
            )
        simple = at(policy, "loadBalancer", "simple")
        if isinstance(simple, str) and simple in BALANCERS:
            place = _place(manifest, (*path, "loadBalancer", "simple"))
            facts = self._findings.components[name].facts
            facts["balancer"] = Fact(BALANCERS[simple], place)
        if items(policy, "portLevelSettings"):
            notes.append("portLevelSettings are left out: a scenario knows no ports")
        for note in notes:
            self._say(manifest, note)

    def _remember(
        self,
        known: dict[str, tuple[Manifest, tuple[str | int, ...], Any]],
        names: Sequence[str],
        manifest: Manifest,
        path: tuple[str | int, ...],
    ) -> None:
        """Keep the first object of a component; say that a second one is there."""
        said = at(manifest.data, *path)
        for name in names:
            first, _, taken = known.setdefault(name, (manifest, path, said))
            if first is not manifest and taken != said:
                both = f"{first.file} and {manifest.file}"
                self._findings.say(f"{both} both say how `{name}` is called: the first is taken")

    def _behind(self, host: str, manifest: Manifest) -> list[str]:
        """The components that a host name leads to."""
        bare = host.removesuffix(_CLUSTER).removesuffix(".svc")
        wanted = {bare, f"{bare}.{manifest.namespace}"}
        components = self._findings.components
        named = [name for name, each in components.items() if wanted & each.hosts]
        return named or [name for name in components if name == bare]

    def _subset(self, names: Sequence[str], labels: Any) -> list[str]:
        """Those whose pods carry a subset's labels."""
        if not isinstance(labels, Mapping) or not labels:
            return list(names)
        own = {name: self._findings.components[name].pod_labels for name in names}
        return [name for name in names if labels.items() <= own[name].items()]

    def _proxies(self, name: str) -> int:
        callers = [caller for caller, callee in self._findings.edges if callee == name]
        return sum(self._replicas(caller) for caller in callers) or 1

    def _replicas(self, name: str) -> int:
        component = self._findings.components.get(name)
        fact = component.facts.get("replicas") if component else None
        return int(fact.value) if fact else 1

    def _put(self, name: str, group: str, values: dict[str, Any], place: Place) -> None:
        self._findings.settings.append(FoundSettings(name, group, values, place))

    def _say(self, manifest: Manifest, what: str) -> None:
        self._findings.say(f"{manifest.kind} `{manifest.name}` ({manifest.file}): {what}")


def _place(manifest: Manifest, path: Sequence[str | int], sure: str = "") -> Place:
    """Where a key of an Istio object stands."""
    place = manifest.place(*path)
    return Place(ISTIO, place.file, place.line, sure)


def _derived(place: Place) -> Place:
    return Place(MESH, place.file, place.line)
