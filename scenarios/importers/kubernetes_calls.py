"""Calls that the environment and the arguments of Kubernetes containers name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hms.scenarios.importers.addresses import Variable, find_calls
from hms.scenarios.importers.findings import Place
from hms.scenarios.importers.kubernetes_objects import TEMPLATED, Cluster, Manifest, at, items

_REFERENCE = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)")
_LONGEST = 4096


def add_calls(cluster: Cluster, name: str) -> None:
    """Calls that the environment and the arguments of a component's containers name."""
    manifest = cluster.pods[name][0]
    template = ("spec", "template") if manifest.kind in TEMPLATED else ()
    containers = (*template, "spec", "containers")

    def lookup(host: str) -> str:
        return cluster.lookup(host, manifest.namespace)

    for index in range(len(items(manifest.data, *containers))):
        known: dict[str, str] = {}
        for variable in _variables(cluster, manifest, (*containers, index)):
            value = _filled_in(variable.value, known)
            if variable.name:
                known[variable.name] = value
            find_calls(name, replace(variable, value=value), lookup, cluster.findings)


def _filled_in(value: str, known: Mapping[str, str]) -> str:
    """A value with `$(NAME)` replaced by the variables above it, as Kubernetes does."""

    def replacement(match: re.Match[str]) -> str:
        return known.get(match[1], match[0])

    return _REFERENCE.sub(replacement, value[:_LONGEST])[:_LONGEST]


def _variables(
    cluster: Cluster, manifest: Manifest, path: tuple[str | int, ...]
) -> Iterator[Variable]:
    """Environment variables of a container, those from ConfigMaps too, and its arguments."""
    container = at(manifest.data, *path)
    for index, entry in enumerate(items(container, "env")):
        name = str(at(entry, "name") or "")
        value = at(entry, "value")
        place = manifest.place(*path, "env", index, "value")
        reference = at(entry, "valueFrom", "configMapKeyRef")
        if isinstance(reference, Mapping):
            value, place = _configured(cluster, manifest, reference, place)
        if isinstance(value, str | int):
            yield Variable(name, str(value), place.file, place.line)
    for entry in items(container, "envFrom"):
        wanted = at(entry, "configMapRef", "name")
        for source in _config_maps(cluster, manifest.namespace, wanted):
            values = at(source.data, "data")
            for key, value in values.items() if isinstance(values, Mapping) else ():
                place = source.place("data", key)
                yield Variable(str(key), str(value), place.file, place.line)
    for key in ("command", "args"):
        for index, value in enumerate(items(container, key)):
            if isinstance(value, str) and len(value) <= 1000:
                yield Variable("", value, manifest.file, manifest.place(*path, key, index).line)


def _configured(
    cluster: Cluster, manifest: Manifest, reference: Mapping[str, Any], place: Place
) -> tuple[Any, Place]:
    """The value that a ConfigMap holds for a variable, and where."""
    for source in _config_maps(cluster, manifest.namespace, reference.get("name")):
        value = at(source.data, "data", str(reference.get("key")))
        if value is not None:
            return value, source.place("data", str(reference.get("key")))
    return None, place


def _config_maps(cluster: Cluster, namespace: str, name: Any) -> Iterator[Manifest]:
    for manifest in cluster.of_kind("ConfigMap"):
        if manifest.name == name and manifest.namespace == namespace:
            yield manifest
