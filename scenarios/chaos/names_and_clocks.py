"""DNSChaos and TimeChaos: names that are not found, clocks that are wrong."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from hms.scenarios.chaos.context import Context, Entry
from hms.scenarios.chaos.experiment import Injection


def dns_chaos(injection: Injection, context: Context) -> Iterator[Entry]:
    """Lookups by the selected pods fail: calls over new connections do."""
    spec = injection.spec
    patterns = [pattern.partition(".")[0] or "*" for pattern in spec.get("patterns", ("*",))]
    if spec["action"] == "random":
        why = "a wrong address answers nothing"
        context.ledger.lost(injection, ("action",), "random", why, "as if the lookup failed")
    found = [
        (edge, struck.share)
        for struck in context.struck(injection)
        for edge in context.edges_from(struck.component)
        if any(fnmatchcase(edge.callee, pattern) for pattern in patterns)
    ]
    if not found:
        why = "the selected components call nobody of that name"
        context.ledger.lost(injection, ("patterns",), patterns, why, "nothing is injected")
        return
    lasting = context.lasting(injection)
    for edge, share in found:
        yield {"kind": "dns", "target": {"edge": edge.name}, "share": share} | lasting


def time_chaos(injection: Injection, context: Context) -> Iterator[Entry]:
    """The clock of the selected replicas is off."""
    if injection.spec.get("clockIds"):
        why = "a component has one clock"
        ids = injection.spec["clockIds"]
        context.ledger.lost(injection, ("clockIds",), ids, why, "all of its clocks")
    lasting = context.lasting(injection)
    offset_s = injection.spec["timeOffset"]
    for struck in context.struck(injection):
        yield {"kind": "clock_skew", "target": struck.target, "offset_s": offset_s} | lasting
