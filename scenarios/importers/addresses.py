"""Finds calls in environment variables and arguments: a value that names another service.

Addresses come as `host:port`, as URLs, in lists and inside connection strings, bare or with
the cluster's domain. A value that is only a service's name counts too, less surely where the
variable's name does not say that it holds an address.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hms.scenarios.importers.findings import (
    ENVIRONMENT,
    Fact,
    Findings,
    FoundEdge,
    Place,
    image_name,
    kind_of,
    protocol_of,
)
from hms.scenarios.importers.telemetry import TELEMETRY, sends_telemetry
from hms.scenarios.provenance import STATED

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"
_TOKEN = re.compile(
    rf"(?:(?P<scheme>[a-z][a-z0-9+]*)://(?:[^@/\s]*@)?)?(?P<host>{_HOST})"
    r"(?::(?P<port>\d{1,5}))?"
)
_HOST_KEY = re.compile(r"(^|[;,\s])(host|server|data source|addr)=$", re.IGNORECASE)
_HOLDS_ADDRESS = re.compile(
    r"(^|_)(ADDR|ADDRESS|HOST|HOSTNAME|URL|URI|ENDPOINT|SERVER|SERVERS|SERVICE|DSN|BROKERS?)$",
    re.IGNORECASE,
)
_CRITICALITY = re.compile(r"(?:^|,)\s*service\.criticality\s*=\s*(\w+)")
_CRITICAL_AS = {"critical": "high", "high": "high", "medium": "normal", "low": "low"}
_FLAG = re.compile(r"true|1|yes|on", re.IGNORECASE)
_LOCAL = re.compile(r"localhost|[\d.]+|.*\.local$")

Lookup = Callable[[str], str]
"""The component that a host name leads to, "" for none."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable or an argument (then without a name), with where it stands."""

    name: str
    value: str
    file: str
    line: int


def find_calls(caller: str, variable: Variable, lookup: Lookup, findings: Findings) -> None:
    """Add an edge for each known service that the value names; say what leads nowhere."""
    value = variable.value.strip()
    if variable.name == "OTEL_RESOURCE_ATTRIBUTES":
        _note_criticality(caller, variable, findings)
    telemetry = sends_telemetry(variable.name)
    found = telemetry  # a collector that is not deployed here is not worth a word
    for match in _TOKEN.finditer(value):
        host, port = match["host"], int(match["port"] or 0)
        callee = lookup(host)
        keyed = _HOST_KEY.search(value, 0, match.start())  # Host=db;Database=shop
        clear = bool(match["scheme"] or match["port"] or ".svc" in host or keyed)
        bare = match[0] == value and bool(variable.name)
        if not callee or not (clear or bare):
            continue
        found = True
        sure = "" if clear or _HOLDS_ADDRESS.search(variable.name) else "guessed"
        place = Place(ENVIRONMENT, variable.file, variable.line, sure)
        if sure and callee != caller:
            findings.say(
                f"`{variable.name}` of `{caller}` is `{value}`, the name of a service: "
                f"taken as a call of `{callee}` (sure: guessed)"
            )
        protocol = _protocol(callee, port, match["scheme"] or "", findings)
        edge = FoundEdge(caller, callee, place, protocol, purpose=TELEMETRY if telemetry else "")
        findings.add_edge(edge)
    if not found:
        _say_if_nowhere(caller, variable, findings)
        _say_if_hint(caller, variable, findings)


def _note_criticality(caller: str, variable: Variable, findings: Findings) -> None:
    """OpenTelemetry's `service.criticality` in our three words."""
    match = _CRITICALITY.search(variable.value)
    word = _CRITICAL_AS.get(match[1].lower()) if match else None
    if word:
        place = Place(ENVIRONMENT, variable.file, variable.line, STATED)
        findings.components[caller].facts["criticality"] = Fact(word, place)


def _protocol(callee: str, port: int, scheme: str, findings: Findings) -> str:
    """What the callee's port says, else what the URL or the port's number says."""
    offered = findings.components[callee].protocols
    return offered.get(port) or protocol_of([scheme], port) or offered.get(0, "")


def _say_if_nowhere(caller: str, variable: Variable, findings: Findings) -> None:
    """A note where a variable holds the address of something that is not deployed here."""
    match = _TOKEN.fullmatch(variable.value.strip().rstrip("/"))
    if match is None or not variable.name:
        return
    host = match["host"]
    cluster = host.endswith(".svc.cluster.local")
    named = bool(_HOLDS_ADDRESS.search(variable.name)) and bool(match["port"] or match["scheme"])
    if (cluster or named or match["port"]) and (cluster or not _LOCAL.fullmatch(host)):
        findings.say(
            f"`{variable.name}` of `{caller}` points to `{match[0]}`, which nothing here "
            f"deploys: dropped ({variable.file}:{variable.line})"
        )


def _say_if_hint(caller: str, variable: Variable, findings: Findings) -> None:
    """A note where a switch such as SESSION_REDIS="true" hints at a store without naming it."""
    if not _FLAG.fullmatch(variable.value.strip()):
        return
    words = variable.name.lower().split("_")
    for name, component in findings.components.items():
        meant = kind_of(component) != "service" and image_name(component.image) in words
        if meant and name != caller:
            findings.say(
                f"`{variable.name}` of `{caller}` is `{variable.value}`, no address: a hint that "
                f"it may call `{name}`, not taken as a call ({variable.file}:{variable.line})"
            )
