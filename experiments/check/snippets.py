"""A suggestion as text to paste: in the manifest's language, or as a piece of a scenario file.

What is pasted and what was simulated are the same mapping; Kubernetes' words for it stand here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hms.documents import dump_yaml
from hms.experiments.check.findings import Finding
from hms.experiments.check.places import COMPOSE, KUBERNETES
from hms.experiments.check.probes import PROBE_ON_REQUEST_PATH, PROBE_SHORTER_THAN_OVERLOAD

_HANDLER: dict[str, dict[str, Any]] = {
    "http": {"httpGet": {"path": "/healthz", "port": "…"}},
    "grpc": {"grpc": {"port": "…"}},
    "tcp": {"tcpSocket": {"port": "…"}},
}
_COMMANDS = {
    "redis": ("redis-cli", "ping"),
    "postgres": ("pg_isready",),
    "postgresql": ("pg_isready",),
    "mysql": ("mysqladmin", "ping"),
    "mongodb": ("mongosh", "--quiet", "--eval", "db.adminCommand('ping')"),
}
"""What asks a store itself whether it answers, by the protocol of its callers."""
SAME_HANDLER = (PROBE_ON_REQUEST_PATH, PROBE_SHORTER_THAN_OVERLOAD)
"""Rules that change a probe's numbers and leave what it asks."""


def snippet(finding: Finding) -> str:
    """What to paste at the finding's place."""
    own = _own(finding)
    if finding.where.language == KUBERNETES and own is not None:
        return dump_yaml(own).rstrip()
    if finding.where.language == COMPOSE and "replicas" in _component(finding):
        return dump_yaml({"deploy": {"replicas": _component(finding)["replicas"]}}).rstrip()
    return overlay(finding)


def overlay(finding: Finding) -> str:
    """The change as a piece of a scenario file."""
    return dump_yaml(finding.change).rstrip()


def _component(finding: Finding) -> Mapping[str, Any]:
    entries = finding.change.get("components", {})
    found: Mapping[str, Any] = entries.get(finding.subject, {})
    return found


def _own(finding: Finding) -> dict[str, Any] | None:
    """A component's change in Kubernetes' words; None where it has none for it."""
    values = _component(finding)
    if "replicas" in values:
        return {"spec": {"replicas": values["replicas"]}}
    if "liveness" not in values:
        return None
    probe = values["liveness"]
    keys = {"period_s": "periodSeconds", "timeout_s": "timeoutSeconds"}
    numbers = {word: math.ceil(probe[key]) for key, word in keys.items()}
    numbers["failureThreshold"] = probe["failures"]
    if finding.rule in SAME_HANDLER:
        return {"livenessProbe": numbers}
    return {"livenessProbe": {**_handler(probe["kind"], finding.protocol), **numbers}}


def _handler(kind: str, protocol: str) -> dict[str, Any]:
    """What the probe asks; what only the team knows is left as three dots."""
    if kind == "exec":
        return {"exec": {"command": list(_COMMANDS.get(protocol, ("…",)))}}
    return dict(_HANDLER[kind])
