"""Kubernetes objects with the place of their keys, and the components they become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hms.documents import Document, load_yaml_all
from hms.errors import ManifestError
from hms.scenarios.importers.files import cited_as
from hms.scenarios.importers.findings import KUBERNETES, Findings, Place

TEMPLATED = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController")
"""Kinds of objects that run pods from a template."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One Kubernetes object with the place of its keys.

    Attributes:
        prefix: path of the object in its document; not () inside a List.
        file: the name that a scenario cites.
    """

    data: Mapping[str, Any]
    document: Document
    prefix: tuple[str | int, ...]
    file: str

    @property
    def kind(self) -> str:
        """Deployment, Service, …"""
        return str(self.data.get("kind", ""))

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return str(at(self.data, "metadata", "name") or "")

    @property
    def namespace(self) -> str:
        """`metadata.namespace`; objects without one go where `kubectl` is pointed: default."""
        return str(at(self.data, "metadata", "namespace") or "default")

    def place(self, *path: str | int, sure: str = "") -> Place:
        """Where a key of the object stands."""
        return Place(KUBERNETES, self.file, self.document.line_of((*self.prefix, *path)), sure)


@dataclass(slots=True)
class Cluster:
    """All objects that matter, and the component each workload object became.

    Attributes:
        pods: by component name, its manifest and the labels of its pods.
        hosts: by (namespace, service name), the components behind a Service.
    """

    manifests: list[Manifest]
    findings: Findings = field(default_factory=Findings)
    pods: dict[str, tuple[Manifest, Mapping[str, Any]]] = field(default_factory=dict)
    hosts: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def of_kind(self, *kinds: str) -> Iterator[Manifest]:
        """Objects of some kinds, in file order."""
        return (manifest for manifest in self.manifests if manifest.kind in kinds)

    def lookup(self, host: str, namespace: str) -> str:
        """The component behind `service`, `service.namespace` or its long form; "" for none."""
        service, *rest = host.split(".")
        if rest and not (len(rest) == 1 or rest[1] == "svc"):
            return ""
        found = self.hosts.get((rest[0] if rest else namespace, service), [])
        return found[0] if found else ""


def at(data: Any, *path: str | int) -> Any:
    """The value at a path, None where there is none; foreign files may have any shape."""
    for step in path:
        if isinstance(data, Mapping) and isinstance(step, str):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def items(data: Any, *path: str | int) -> list[Any]:
    """The list at a path, [] where there is none."""
    found = at(data, *path)
    return found if isinstance(found, list) else []


def read_objects(file: Path, paths: Sequence[str | Path]) -> Iterator[Manifest]:
    """The objects of a file, those inside a List one by one."""
    name = cited_as(file, paths)
    for document in load_yaml_all(file, error=ManifestError):
        if str(at(document.data, "kind")).endswith("List"):
            for index, item in enumerate(items(document.data, "items")):
                if isinstance(item, Mapping):
                    yield Manifest(item, document, ("items", index), name)
        elif isinstance(document.data, Mapping):
            yield Manifest(document.data, document, (), name)


def select(cluster: Cluster, labels: Mapping[str, Any], namespace: str) -> list[str]:
    """Components whose pods carry all of the labels, in the namespace."""
    return [
        name
        for name, (manifest, own) in cluster.pods.items()
        if manifest.namespace == namespace and labels.items() <= own.items()
    ]
