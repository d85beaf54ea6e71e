"""Writes spans of our own, as OpenTelemetry and as Jaeger do, for the tests of importers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}


@dataclass
class Made:
    """One span; times in ms."""

    service: str
    start: float
    end: float
    kind: str = "server"
    parent: Made | None = None
    failed: bool = False
    peer: dict[str, str] = field(default_factory=dict)
    trace: str = ""
    id: str = ""
    lost_parent: bool = False

    @property
    def parent_id(self) -> str:
        if self.lost_parent:
            return "00000000deadbeef"
        return self.parent.id if self.parent else ""


class Recorder:
    """Gathers spans with ids."""

    def __init__(self) -> None:
        self.spans: list[Made] = []
        self._numbers = itertools.count(1)

    def span(self, service, start, end, kind="server", parent=None, **more) -> Made:
        number = next(self._numbers)
        trace = parent.trace if parent else f"{number:032x}"
        made = Made(service, start, end, kind, parent, trace=trace, id=f"{number:016x}", **more)
        self.spans.append(made)
        return made

    def call(self, parent: Made, callee: str, start, end, network=1.0, skew=0.0) -> Made:
        """A client's span and the server's, `network` ms later and earlier."""
        client = self.span(parent.service, start, end, "client", parent)
        return self.span(callee, start + network + skew, end - network + skew, parent=client)

    def otlp(self, words: bool = False) -> dict:
        """One OTLP document; kinds and codes as words if asked."""
        resources = []
        for service in dict.fromkeys(span.service for span in self.spans):
            spans = [_otlp(span, words) for span in self.spans if span.service == service]
            attribute = {"key": "service.name", "value": {"stringValue": service}}
            resources.append(
                {"resource": {"attributes": [attribute]}, "scopeSpans": [{"spans": spans}]}
            )
        return {"resourceSpans": resources}

    def jaeger(self) -> dict:
        """Jaeger's answer to a query for traces."""
        data = []
        for trace in dict.fromkeys(span.trace for span in self.spans):
            own = [span for span in self.spans if span.trace == trace]
            services = list(dict.fromkeys(span.service for span in own))
            processes = {f"p{i}": {"serviceName": s} for i, s in enumerate(services)}
            spans = [_jaeger(span, f"p{services.index(span.service)}") for span in own]
            data.append({"traceID": trace, "spans": spans, "processes": processes})
        return {"data": data, "total": 0, "errors": None}


def _otlp(span: Made, words: bool) -> dict:
    kind = KINDS[span.kind]
    attributes = [{"key": k, "value": {"stringValue": v}} for k, v in span.peer.items()]
    return {
        "traceId": span.trace,
        "spanId": span.id,
        "parentSpanId": span.parent_id,
        "kind": f"SPAN_KIND_{span.kind.upper()}" if words else kind,
        "startTimeUnixNano": str(1_700_000_000_000_000_000 + round(span.start * 1_000_000)),
        "endTimeUnixNano": str(1_700_000_000_000_000_000 + round(span.end * 1_000_000)),
        "attributes": attributes,
        "status": {"code": ("STATUS_CODE_ERROR" if words else 2) if span.failed else 0},
    }


def _jaeger(span: Made, process: str) -> dict:
    reference = {"refType": "CHILD_OF", "traceID": span.trace, "spanID": span.parent_id}
    tags = [{"key": "span.kind", "value": span.kind}, {"key": "error", "value": span.failed}]
    tags += [{"key": key, "value": value} for key, value in span.peer.items()]
    return {
        "traceID": span.trace,
        "spanID": span.id,
        "references": [reference] if span.parent_id else [],
        "startTime": 1_700_000_000_000_000 + round(span.start * 1_000),
        "duration": round((span.end - span.start) * 1_000),
        "tags": tags,
        "processID": process,
    }


def shop(requests: int = 40, skew: float = 0.0) -> Recorder:
    """web asks cart twice one after the other, each time cart asks a database; ms:

    web works 10 of 40, cart 3 and 5 (mean 4), the database's calls last 2, the network takes
    1 one way.
    """
    seen = Recorder()
    for i in range(requests):
        t = 100.0 * i
        web = seen.span("web", t, t + 40.0)
        for start, length in ((5.0, 14.0), (20.0, 16.0)):  # as the caller sees them
            cart = seen.call(web, "cart", t + start, t + start + length, skew=skew)
            busy = 3.0 if length == 14.0 else 5.0
            waited = cart.end - cart.start - busy
            first = seen.span(
                "cart", cart.start + 1.0, cart.start + 1.0 + waited, "client", cart,
                peer={"db.system": "postgresql", "server.address": "cart-db"},
            )  # fmt: skip
            assert first.end <= cart.end
    return seen
