"""Reads compose files: services, addresses in their environment, limits, replicas.

- An address in `environment`, `command` or `entrypoint` that names another service (by its
  key, hostname, container name or network alias) is a call.
- `depends_on` and `links` are about starting, not calling: hints, said aloud.
- `deploy.resources.limits`, `cpus`, `mem_limit`, `deploy.replicas`, `scale`: facts.
- `restart`: compose starts a service again when its process ended, never because a health check
  fails, and a health check takes nothing out of rotation: so no probe comes from one.
- `${NAME:-default}` takes its value from the `.env` file beside the compose file, else the
  default; so does a variable that is named without a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hms.documents import Document, load_yaml
from hms.errors import ManifestError
from hms.scenarios.importers import quantities
from hms.scenarios.importers.addresses import Variable, find_calls
from hms.scenarios.importers.files import cited_as, list_files
from hms.scenarios.importers.findings import (
    COMPOSE,
    Fact,
    Findings,
    FoundComponent,
    Place,
    image_name,
    listed,
    protocol_of,
)
from hms.scenarios.importers.kubernetes_objects import at, items

_REFERENCE = re.compile(r"\$\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\}|\$(?P<bare>\w+)")
_LONGEST = 4096
_MOST_DOTENV = 1 << 20
_RESTARTING = ("always", "unless-stopped", "on-failure", "any")


class _File:
    """One compose file: its services, its variables, the place of its keys."""

    def __init__(self, document: Document, path: Path, name: str) -> None:
        self._document = document
        self.variables = _dotenv(path.parent / ".env")
        self.name = name
        services = at(document.data, "services")
        self.services: Mapping[str, Any] = services if isinstance(services, Mapping) else {}

    def place(self, service: str, *path: str | int) -> Place:
        """Where a key of a service stands."""
        line = self._document.line_of(("services", service, *path))
        return Place(COMPOSE, self.name, line)

    def filled_in(self, value: Any) -> Any:
        """A value with its `${NAME}` references replaced; unknown ones stay as they are."""
        if not isinstance(value, str):
            return value
        return _filled_in(value, self.variables)


def _filled_in(text: str, variables: Mapping[str, str]) -> str:
    """A text with its references replaced; unknown ones stay as they are."""

    def replacement(match: re.Match[str]) -> str:
        known = variables.get(match["name"] or match["bare"])
        return known or match["default"] or (match[0] if known is None else "")

    return _REFERENCE.sub(replacement, text)[:_LONGEST]


def _dotenv(path: Path) -> dict[str, str]:
    """The variables of a `.env` file, which may use those above them; {} where there is none."""
    found: dict[str, str] = {}
    if not path.is_file():
        return found
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read(_MOST_DOTENV)
    for line in text.splitlines():
        match = re.fullmatch(r"\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*(?:\s#.*)?", line[:_LONGEST])
        if match:
            found[match[1]] = _filled_in(match[2].strip("'\""), found)
    return found


def read_compose(paths: Sequence[str | Path]) -> Findings:
    """All that compose files say: components, calls, and notes for the user.

    Raises:
        ManifestError: a file is missing or is not YAML.
    """
    findings = Findings()
    files = [
        _File(load_yaml(path, error=ManifestError, foreign=True), path, cited_as(path, paths))
        for path in list_files(paths)
    ]
    hosts: dict[str, str] = {}
    for file in files:
        for service, data in file.services.items():
            if isinstance(data, Mapping):
                _add_component(findings, file, str(service), data)
                names = set(_names(str(service), data))
                hosts |= dict.fromkeys(names, str(service))
                findings.components[str(service)].hosts |= names
    for file in files:
        for service, data in file.services.items():
            for variable in _variables(file, str(service), data):
                find_calls(str(service), variable, lambda host: hosts.get(host, ""), findings)
    _say_hints(findings, files)
    return findings


def _names(service: str, data: Mapping[str, Any]) -> Iterator[str]:
    """The names that other services may call a service by."""
    yield service
    for key in ("hostname", "container_name"):
        if isinstance(data.get(key), str):
            yield data[key]
    networks = data.get("networks")
    for network in networks.values() if isinstance(networks, Mapping) else ():
        yield from (alias for alias in items(network, "aliases") if isinstance(alias, str))


def _add_component(findings: Findings, file: _File, service: str, data: Mapping[str, Any]) -> None:
    """A component for a service; a second file that names it again adds its facts."""
    component = findings.components.get(service)
    if component is None:
        component = FoundComponent(service, file.place(service), callable_=True)
        findings.components[service] = component
    component.image = str(file.filled_in(data.get("image", component.image)) or "")
    component.exposed = component.exposed or bool(data.get("ports"))
    if _listens_nowhere(component, data):
        component.callable_ = False
    _add_ports(component, file, data)
    _add_limits(component, findings, file, data)
    restart = data.get("restart", at(data, "deploy", "restart_policy", "condition"))
    if isinstance(restart, str) and restart.partition(":")[0] in _RESTARTING:
        component.facts["self_restart"] = Fact("kubernetes", file.place(service, "restart"))
    elif "self_restart" not in component.facts:
        component.facts["self_restart"] = Fact("none", file.place(service, "restart"))


def _listens_nowhere(component: FoundComponent, data: Mapping[str, Any]) -> bool:
    """Every compose service has a host name; without a port there is nothing to call."""
    known = protocol_of([image_name(component.image)], 0)
    return not (data.get("ports") or data.get("expose") or known)


def _add_ports(component: FoundComponent, file: _File, data: Mapping[str, Any]) -> None:
    """Address and protocol by the first port inside the network of services."""
    for key in ("expose", "ports"):
        for index, port in enumerate(items(data, key)):
            text = str(at(port, "target") if isinstance(port, Mapping) else file.filled_in(port))
            match = re.search(r"(\d{1,5})(?:/\w+)?$", text)
            if match is None:
                continue
            number = int(match[1])
            spoken = [str(at(port, "app_protocol") or ""), image_name(component.image)]
            protocol = protocol_of(spoken, number)
            if protocol:
                component.protocols.setdefault(number, protocol)
                component.protocols.setdefault(0, protocol)
            place = file.place(component.name, key, index)
            component.facts.setdefault("address", Fact(f"{component.name}:{number}", place))
    protocol = protocol_of([image_name(component.image)], 0)
    if protocol:
        component.protocols.setdefault(0, protocol)


def _add_limits(
    component: FoundComponent, findings: Findings, file: _File, data: Mapping[str, Any]
) -> None:
    """Replicas, CPU and memory limits, in the new form and in the old one."""
    limits = ("deploy", "resources", "limits")
    for key, paths, read in (
        ("cores", ((*limits, "cpus"), ("cpus",)), quantities.cores),
        ("memory_limit_mb", ((*limits, "memory"), ("mem_limit",)), quantities.compose_megabytes),
        ("replicas", (("deploy", "replicas"), ("scale",)), _whole),
    ):
        for path in paths:
            stated = file.filled_in(at(data, *path))
            value = read(stated)
            if value is not None:
                component.facts[key] = Fact(value, file.place(component.name, *path))
                break
            if stated is not None:
                findings.say(f"`{path[-1]}: {stated}` of `{component.name}` cannot be read")


def _whole(value: Any) -> float | None:
    """A count of at least one."""
    match = re.fullmatch(r"[1-9]\d{0,5}", str(value))
    return int(match[0]) if match else None


def _variables(file: _File, service: str, data: Any) -> Iterator[Variable]:
    """Environment variables of a service, as a mapping or as a list, and its arguments."""
    environment = at(data, "environment")
    if isinstance(environment, Mapping):
        for name, value in environment.items():
            given = file.variables.get(str(name)) if value is None else value
            yield _variable(file, service, str(name), given, "environment", name)
    for index, entry in enumerate(items(data, "environment")):
        name, given, value = str(entry).partition("=")
        value = value if given else file.variables.get(name, "")
        yield _variable(file, service, name, value, "environment", index)
    for key in ("command", "entrypoint"):
        stated = at(data, key)
        for index, value in enumerate(stated if isinstance(stated, list) else [stated]):
            if isinstance(value, str) and len(value) <= 1000:
                yield _variable(file, service, "", value, key, index)


def _variable(file: _File, service: str, name: str, value: Any, key: str, index: Any) -> Variable:
    text = "" if value is None else str(file.filled_in(value))
    return Variable(name, text, file.name, file.place(service, key, index).line)


def _say_hints(findings: Findings, files: Sequence[_File]) -> None:
    """`depends_on` and `links` that no address confirms."""
    hints = []
    for file in files:
        for service, data in file.services.items():
            for key in ("depends_on", "links"):
                named = at(data, key)
                named = named if isinstance(named, Mapping | list) else ()
                others = {str(other).partition(":")[0] for other in named}
                hints += [
                    f"{service} -> {other}"
                    for other in sorted(others & {*findings.components})
                    if (service, other) not in findings.edges
                ]
    if hints:
        several = list(dict.fromkeys(hints))
        findings.say(
            f"depends_on is only a hint: {listed(several)} may be calls, but no address says so; "
            "write those that are into an overlay"
        )
