"""Reads Kubernetes manifests: deployments, services, probes, limits; who may call whom.

What becomes of which object:

- Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Pod: a component.
- Service: the names its pods are called by, address, protocol, whether it faces outside.
- Ingress: the services behind it face outside.
- ConfigMap: values that environment variables take from it.
- NetworkPolicy: calls that are allowed, by `kubernetes_policies.py`.
- HorizontalPodAutoscaler, ScaledObject: bounds of replicas, by `kubernetes_scaling.py`.
- VirtualService, DestinationRule: kept for `istio.py`, which needs all components.
- everything else is passed over; Jobs and CronJobs are said aloud.

Kubernetes' defaults hold for what a probe leaves out: period 10 s, time-out 1 s, 3 failures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hms.scenarios.importers import quantities
from hms.scenarios.importers.files import list_files
from hms.scenarios.importers.findings import (
    Fact,
    Findings,
    FoundComponent,
    add_probe,
    protocol_of,
)
from hms.scenarios.importers.kubernetes_calls import add_calls
from hms.scenarios.importers.kubernetes_objects import (
    TEMPLATED,
    Cluster,
    Manifest,
    at,
    items,
    read_objects,
    select,
)
from hms.scenarios.importers.kubernetes_policies import add_policies
from hms.scenarios.importers.kubernetes_scaling import add_autoscalers
from hms.scenarios.model import Probe
from hms.scenarios.provenance import DERIVED

_PROBE_KINDS = {"httpGet": "http", "tcpSocket": "tcp", "grpc": "grpc", "exec": "exec"}
_RUNS_ONCE = ("Job", "CronJob")
_ZONES = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
MESH_KINDS = ("VirtualService", "DestinationRule")


def read_kubernetes(paths: Sequence[str | Path]) -> Findings:
    """All that the manifests say: components, calls, and notes for the user.

    Raises:
        ManifestError: a file is missing, is not YAML, or no file holds a deployment.
    """
    cluster = Cluster([m for file in list_files(paths) for m in read_objects(file, paths)])
    for manifest in cluster.manifests:
        _add_component(cluster, manifest)
    for manifest in cluster.of_kind("Service"):
        _add_service(cluster, manifest)
    for manifest in cluster.of_kind("Ingress"):
        _expose(cluster, manifest)
    for name in cluster.pods:
        add_calls(cluster, name)
    add_policies(cluster)
    add_autoscalers(cluster)
    cluster.findings.mesh += cluster.of_kind(*MESH_KINDS)
    for manifest in cluster.of_kind(*_RUNS_ONCE):
        cluster.findings.say(f"{manifest.kind} `{manifest.name}` runs once: passed over")
    return cluster.findings


def _add_component(cluster: Cluster, manifest: Manifest) -> None:
    """A component for an object that runs pods."""
    template = ("spec", "template") if manifest.kind in TEMPLATED else ()
    if (manifest.kind not in TEMPLATED and manifest.kind != "Pod") or not manifest.name:
        return
    name = manifest.name
    if name in cluster.pods:
        first = cluster.pods[name][0]
        if (first.namespace, first.kind) == (manifest.namespace, manifest.kind):
            files = f"{first.file} and in {manifest.file}"
            cluster.findings.say(f"{manifest.kind} `{name}` is in {files}: the first is taken")
            return
        name = f"{manifest.namespace}.{name}"
    component = FoundComponent(name, manifest.place("metadata", "name"))
    cluster.findings.components[name] = component
    labels = at(manifest.data, *template, "metadata", "labels")
    component.pod_labels = dict(labels) if isinstance(labels, Mapping) else {}
    cluster.pods[name] = (manifest, component.pod_labels)
    replicas = at(manifest.data, "spec", "replicas")
    if isinstance(replicas, int) and not isinstance(replicas, bool) and replicas >= 1:
        component.facts["replicas"] = Fact(replicas, manifest.place("spec", "replicas"))
    elif manifest.kind == "DaemonSet":
        note = f"DaemonSet `{name}`: one replica assumed, the number of nodes is not known"
        cluster.findings.say(note)
    for label in _ZONES:
        zone = at(manifest.data, *template, "spec", "nodeSelector", label)
        if isinstance(zone, str) and zone:
            place = manifest.place(*template, "spec", "nodeSelector", label)
            component.facts["zone"] = Fact(zone[:64], place)
    containers = (*template, "spec", "containers")
    _add_main_container(component, manifest, containers, cluster.findings)


def _add_main_container(
    component: FoundComponent, manifest: Manifest, path: tuple[str, ...], findings: Findings
) -> None:
    """Limits and probes of the container that serves: the first with a probe, else with a port."""
    containers = [c for c in items(manifest.data, *path) if isinstance(c, Mapping)]
    if not containers:
        return
    serving = [c for c in containers if "readinessProbe" in c or "livenessProbe" in c]
    with_port = [c for c in containers if "ports" in c]
    main = (serving or with_port or containers)[0]
    here: tuple[str | int, ...] = (*path, containers.index(main))
    component.image = str(main.get("image", ""))
    for port in items(main, "ports"):
        number = at(port, "containerPort")
        _offer(component, [str(at(port, "name") or "")], number)
    _add_limits(component, manifest, here, findings)
    for name in ("readiness", "liveness"):
        probe = _probe(main.get(f"{name}Probe"))
        if probe is not None:
            add_probe(component, name, probe, manifest.place(*here, f"{name}Probe"))


def _add_limits(
    component: FoundComponent, manifest: Manifest, here: tuple[str | int, ...], findings: Findings
) -> None:
    """CPU and memory limits. Without a CPU limit the request is what it surely gets: derived."""
    for key, kind, resource, read in (
        ("cores", "limits", "cpu", quantities.cores),
        ("cores", "requests", "cpu", quantities.cores),
        ("memory_limit_mb", "limits", "memory", quantities.megabytes),
    ):
        path = (*here, "resources", kind, resource)
        stated = at(manifest.data, *path)
        value = read(stated)
        if value is not None and key not in component.facts:
            place = manifest.place(*path, sure="" if kind == "limits" else DERIVED)
            component.facts[key] = Fact(value, place)
        elif value is None and stated is not None:
            kind = kind.removesuffix("s")
            findings.say(f"{resource} {kind} `{stated}` of `{component.name}` cannot be read")


def _probe(data: Any) -> Probe | None:
    """A probe with Kubernetes' defaults for what it leaves out."""
    kind = next((k for key, k in _PROBE_KINDS.items() if isinstance(at(data, key), Mapping)), "")
    if not kind:
        return None

    def number(key: str, default: int) -> float:
        value = at(data, key)
        usable = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return float(value) if usable else float(default)

    return Probe(
        kind,
        period_s=max(number("periodSeconds", 10), 1.0),
        timeout_s=max(number("timeoutSeconds", 1), 1.0),
        failures=max(int(number("failureThreshold", 3)), 1),
        initial_delay_s=number("initialDelaySeconds", 0),
    )


def _offer(component: FoundComponent, names: Sequence[str], port: Any) -> None:
    """Record what protocol a port speaks, as its names and number tell."""
    number = port if isinstance(port, int) else 0
    protocol = protocol_of(names, number)
    if protocol:
        component.protocols.setdefault(number, protocol)
        component.protocols.setdefault(0, protocol)


def _add_service(cluster: Cluster, manifest: Manifest) -> None:
    """The names, address and protocol that a Service gives to its pods."""
    selector = at(manifest.data, "spec", "selector")
    if not isinstance(selector, Mapping) or not selector:
        return
    names = select(cluster, selector, manifest.namespace)
    cluster.hosts[manifest.namespace, manifest.name] = names
    ports = items(manifest.data, "spec", "ports")
    for name in names:
        component = cluster.findings.components[name]
        component.callable_ = True
        component.hosts |= {manifest.name, f"{manifest.name}.{manifest.namespace}"}
        outside = at(manifest.data, "spec", "type") in ("LoadBalancer", "NodePort")
        component.exposed = component.exposed or outside
        for port in ports:
            spoken = [str(at(port, key) or "") for key in ("appProtocol", "name")]
            _offer_first(component, spoken, at(port, "port"))
        number = at(ports, 0, "port")
        if isinstance(number, int) and ("address" not in component.facts or manifest.name == name):
            place = manifest.place("spec", "ports", 0, "port")
            component.facts["address"] = Fact(f"{manifest.name}:{number}", place)


def _offer_first(component: FoundComponent, names: Sequence[str], port: Any) -> None:
    """A Service's port says more than a container's, which says more than a probe's kind."""
    number = port if isinstance(port, int) else 0
    probes = {fact.value.kind for fact in component.probes.values()} & {"grpc", "http"}
    named = protocol_of(names, 0)
    known = named or component.protocols.get(0) or "".join(probes) or protocol_of((), number)
    if known:
        component.protocols[number] = named or component.protocols.get(number, known)
        component.protocols[0] = named or component.protocols.get(0, known)


def _expose(cluster: Cluster, manifest: Manifest) -> None:
    """Components behind an Ingress face outside."""
    backends = [at(manifest.data, "spec", "defaultBackend", "service", "name")]
    for rule in items(manifest.data, "spec", "rules"):
        for path in items(rule, "http", "paths"):
            backends.append(at(path, "backend", "service", "name"))
            backends.append(at(path, "backend", "serviceName"))
    for backend in backends:
        for name in cluster.hosts.get((manifest.namespace, str(backend)), []):
            cluster.findings.components[name].exposed = True
