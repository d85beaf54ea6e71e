"""A suggestion as text to paste: in the manifest's language, or as a piece of a scenario file.

What is pasted and what was simulated are the same mapping; Kubernetes' words for it stand here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hms.documents import dump_yaml
from hms.experiments.check.findings import Finding
from hms.experiments.check.places import COMPOSE, ISTIO, KUBERNETES
from hms.experiments.check.probes import PROBE_ON_REQUEST_PATH, PROBE_SHORTER_THAN_OVERLOAD
from hms.experiments.check.snippets_istio import istio_snippet

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
    language = finding.where.language
    text = ""
    if language == ISTIO and "edges" in finding.change:
        text = istio_snippet(finding.change["edges"])
    elif language in (KUBERNETES, COMPOSE):
        own = _in_kubernetes(finding) if language == KUBERNETES else _in_compose(finding)
        text = dump_yaml(own) if own else ""
    return (text or dump_yaml(finding.change)).rstrip()


def _component(finding: Finding) -> Mapping[str, Any]:
    entries = finding.change.get("components", {})
    found: Mapping[str, Any] = entries.get(finding.subject, {})
    return found


def _in_compose(finding: Finding) -> dict[str, Any]:
    """A component's change in compose's words; {} where it has none for it."""
    values = _component(finding)
    if "replicas" in values:
        return {"deploy": {"replicas": values["replicas"]}}
    if "liveness" not in values:
        return {}
    probe = values["liveness"]
    return {
        "healthcheck": {
            "test": ["CMD", *_COMMANDS.get(finding.protocol, ("…",))],
            "interval": f"{probe['period_s']}s",
            "timeout": f"{probe['timeout_s']}s",
            "retries": probe["failures"],
        }
    }


def _in_kubernetes(finding: Finding) -> dict[str, Any]:
    """A component's change in Kubernetes' words; {} where it has none for it."""
    values = _component(finding)
    if "replicas" in values:
        return {"spec": {"replicas": values["replicas"]}}
    if "liveness" not in values:
        return {}
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
