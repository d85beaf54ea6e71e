"""Spans of OpenTelemetry (OTLP as JSON) and of Jaeger, as far as a scenario needs them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hms.scenarios.importers.kubernetes_objects import at, items

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
"""Kinds of spans, numbered as OTLP does; 0 is unknown."""

_KINDS = {
    "internal": INTERNAL,
    "server": SERVER,
    "client": CLIENT,
    "producer": PRODUCER,
    "consumer": CONSUMER,
}
_FAILED = 2
_ADDRESSES = ("peer.service", "server.address", "net.peer.name", "peer.hostname")
_SYSTEMS = ("db.system.name", "db.system", "messaging.system")
"""Attributes that name what a client called, where it sends no spans itself: by its name, else,
where there is only a number, by what it is."""
_SPOKEN = ("rpc.system", "rpc.system.name", "db.system.name", "db.system", "messaging.system")
_HTTP = ("http.request.method", "http.method", "http.response.status_code", "http.status_code")
_SPOKEN_AS = {
    "grpc": "grpc",
    "redis": "redis",
    "valkey": "redis",
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgresql": "postgres",
    "mongodb": "mongo",
    "memcached": "memcached",
    "kafka": "kafka",
    "rabbitmq": "amqp",
    "nats": "nats",
}
_REPLICA = ("service.instance.id", "k8s.pod.name", "k8s.pod.uid", "host.name", "hostname", "ip")
"""Attributes of a resource or process that tell replicas of a service apart, the surest first."""
_NO_NAME = re.compile(r"[\d.]+|[0-9a-f:]*:[0-9a-f:]*|localhost|\W*")


@dataclass(slots=True)
class Span:
    """One span.

    Attributes:
        key, parent: trace and span in one number; parent 0: a root.
        service: index in `Names`.
        start_ns, end_ns: since the epoch, by the clock of its host; whole, as a float of this size
            would be a quarter of a microsecond off.
        peer: what it called by its attributes, "" for nothing.
        peer_kind: store, queue or service.
        follows: its parent did not wait for it.
        protocol: http, grpc, redis, …, "" where no attribute says.
        replica: index in `Names.replicas` of where it was recorded.
    """

    key: int
    parent: int
    service: int
    start_ns: int
    end_ns: int
    kind: int = 0
    failed: bool = False
    peer: str = ""
    peer_kind: str = ""
    follows: bool = False
    protocol: str = ""
    replica: int = 0


@dataclass(slots=True)
class Names:
    """Services and replicas by number, so that a million spans hold no million texts."""

    known: dict[str, int] = field(default_factory=dict)
    replicas: dict[str, int] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """The number of a service, a new one for a new name."""
        return self.known.setdefault(name, len(self.known))

    def replica(self, attributes: Mapping[str, Any]) -> int:
        """The number of a replica; the same for all that tell nothing of theirs."""
        told = next((str(attributes[key]) for key in _REPLICA if attributes.get(key)), "")
        return self.replicas.setdefault(told, len(self.replicas))


def otlp_spans(resource: Any, names: Names) -> Iterator[Span | None]:
    """The spans of one entry of `resourceSpans`; None for one that cannot be read."""
    attributes = _attributes(at(resource, "resource", "attributes"))
    service = attributes.get("service.name")
    if not isinstance(service, str) or not service:
        service = "unknown"
    number, replica = names.number(service), names.replica(attributes)
    scopes = items(resource, "scopeSpans") or items(resource, "instrumentationLibrarySpans")
    for scope in scopes:
        for span in items(scope, "spans"):
            yield _otlp_span(span, number, replica)


def _otlp_span(data: Any, service: int, replica: int) -> Span | None:
    trace, own = at(data, "traceId"), at(data, "spanId")
    start, end = _number(at(data, "startTimeUnixNano")), _number(at(data, "endTimeUnixNano"))
    if not trace or not own or start is None or end is None or end < start:
        return None
    parent = at(data, "parentSpanId")
    kind = at(data, "kind")
    if isinstance(kind, str):
        kind = _KINDS.get(kind.removeprefix("SPAN_KIND_").lower(), 0)
    code = at(data, "status", "code")
    attributes = _attributes(at(data, "attributes"))
    peer, peer_kind = _peer(attributes)
    return Span(
        _key(trace, own),
        _key(trace, parent) if parent and str(parent).strip("0") else 0,
        service,
        start,
        end,
        kind if isinstance(kind, int) else 0,
        code in (_FAILED, "STATUS_CODE_ERROR"),
        peer,
        peer_kind,
        protocol=_protocol(attributes),
        replica=replica,
    )


def jaeger_spans(trace: Any, names: Names) -> Iterator[Span | None]:
    """The spans of one trace of Jaeger's JSON; None for one that cannot be read."""
    processes = at(trace, "processes")
    services: dict[str, int] = {}
    for span in items(trace, "spans"):
        process = at(span, "process") or at(processes, str(at(span, "processID")))
        service = at(process, "serviceName")
        service = service if isinstance(service, str) and service else "unknown"
        number = services.setdefault(service, names.number(service))
        yield _jaeger_span(span, number, names.replica(_tags(process)))


def _jaeger_span(data: Any, service: int, replica: int) -> Span | None:
    trace, own = at(data, "traceID"), at(data, "spanID")
    start, lasted = _number(at(data, "startTime")), _number(at(data, "duration"))
    if not trace or not own or start is None or lasted is None or lasted < 0:
        return None
    parent, follows = _reference(data, trace)
    tags = _tags(data)
    peer, peer_kind = _peer(tags)
    failed = str(tags.get("error", "")).lower() == "true"
    failed = failed or str(tags.get("otel.status_code", "")).upper() == "ERROR"
    kind = _KINDS.get(str(tags.get("span.kind", "")).lower(), 0)
    start, end = 1000 * start, 1000 * (start + lasted)
    key = _key(trace, own)
    return Span(
        key, parent, service, start, end, kind, failed, peer, peer_kind, follows,
        _protocol(tags), replica,
    )  # fmt: skip


def _reference(data: Any, trace: Any) -> tuple[int, bool]:
    """The parent, and whether it did not wait; CHILD_OF wins over FOLLOWS_FROM."""
    references = [each for each in items(data, "references") if at(each, "spanID")]
    waited = [each for each in references if at(each, "refType") != "FOLLOWS_FROM"]
    chosen = next(iter(waited or references), None)
    if chosen is None:
        old = at(data, "parentSpanID")
        return (_key(trace, old) if old and str(old).strip("0") else 0), False
    return _key(at(chosen, "traceID") or trace, at(chosen, "spanID")), not waited


def _peer(attributes: Mapping[str, Any]) -> tuple[str, str]:
    """What a client's attributes say it called, and of what kind that is."""
    kind = "service"
    if any(attributes.get(key) for key in ("db.system", "db.system.name")):
        kind = "store"
    elif attributes.get("messaging.system"):
        kind = "queue"
    for key in (*_ADDRESSES, *_SYSTEMS):
        value = attributes.get(key)
        if isinstance(value, str) and not _NO_NAME.fullmatch(value[:64]):
            return value[:64], kind
    return "", ""


def _protocol(attributes: Mapping[str, Any]) -> str:
    """What is spoken, by OpenTelemetry's conventions, old and new."""
    for key in _SPOKEN:
        value = attributes.get(key)
        if isinstance(value, str):
            return _SPOKEN_AS.get(value.lower(), "")
    return "http" if any(key in attributes for key in _HTTP) else ""


def _attributes(data: Any) -> dict[str, Any]:
    """OTLP's list of {key, value: {stringValue}} as a mapping."""
    found: dict[str, Any] = {}
    for entry in data if isinstance(data, list) else ():
        key, value = at(entry, "key"), at(entry, "value")
        if isinstance(key, str) and isinstance(value, Mapping):
            found[key] = next(iter(value.values()), None)
    return found


def _tags(data: Any) -> dict[str, Any]:
    """Jaeger's list of {key, value} of a span or process as a mapping."""
    return {
        str(tag.get("key")): tag.get("value")
        for tag in items(data, "tags")
        if isinstance(tag, Mapping)
    }


def _number(value: Any) -> int | None:
    """A time as a number or as a text of digits, as OTLP writes 64-bit numbers."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 25:
        return int(value)
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if usable and 0 <= value < 1e24 else None


def _key(trace: Any, span: Any) -> int:
    """One number for a span: never 0, the same for the same two ids."""
    digest = hashlib.blake2b(f"{trace}/{span}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") | 1 << 64
