"""Which calls are not part of answering a request: telemetry and feature flags.

A service that sends spans to a collector does not wait for it, and asks a flag service once and
then keeps the answer. As calls they would load the collector with every request, and its failure
would fail the shop. They are dropped unless asked for, and said.
"""

from __future__ import annotations

import re

from hms.scenarios.importers.findings import Findings, FoundComponent, FoundEdge, image_name

TELEMETRY = "telemetry"
FLAGS = "feature flags"

_COLLECTS = re.compile(
    r"(^|[-_.])(otel-?col\w*|otel[-_]collector|opentelemetry[-_]collector\w*|jaeger\w*|zipkin"
    r"|prometheus|pushgateway|alertmanager|grafana|tempo|loki|mimir|cortex|promtail|fluentd"
    r"|fluent-?bit|statsd|telegraf|datadog|dd-agent|opamp\w*|node-?exporter|logstash|kibana"
    r"|cadvisor)($|[-_.])"
)
_FLAG_SERVICE = re.compile(r"(^|[-_.])(flagd|unleash|flipt|growthbook|flagsmith)($|[-_.])")
_SENDS = re.compile(r"^(K6_)?OTEL_|^ZIPKIN|^JAEGER|^DD_|_OTEL_|^OTLP_|^TRACELOOP_|^STATSD_")


def purpose_of(component: FoundComponent) -> str:
    """What a component is for, "" where it answers requests."""
    for text in (component.name.lower(), image_name(component.image).lower()):
        if _COLLECTS.search(text):
            return TELEMETRY
        if _FLAG_SERVICE.search(text):
            return FLAGS
    return ""


def sends_telemetry(variable: str) -> bool:
    """Whether an environment variable of this name says where telemetry goes."""
    return bool(_SENDS.search(variable.upper()))


def drop_side_calls(findings: Findings) -> None:
    """Take away calls to collectors and flag services, and those that are then alone."""
    purposes = {name: purpose_of(component) for name, component in findings.components.items()}
    dropped: dict[str, list[FoundEdge]] = {}
    for key, edge in list(findings.edges.items()):
        purpose = edge.purpose or purposes.get(edge.callee, "")
        if purpose:
            dropped.setdefault(purpose, []).append(findings.edges.pop(key))
    for purpose, edges in dropped.items():
        callees = ", ".join(f"`{name}`" for name in dict.fromkeys(e.callee for e in edges))
        findings.say(
            f"{len(edges)} calls to {callees} are for {purpose}, not part of an answer: dropped "
            "(--keep-telemetry keeps them)"
        )
    linked = {name for key in findings.edges for name in key}
    for name in [n for n, purpose in purposes.items() if purpose and n not in linked]:
        del findings.components[name]
        findings.say(f"`{name}` is for {purposes[name]} and left out (--keep-telemetry keeps it)")
