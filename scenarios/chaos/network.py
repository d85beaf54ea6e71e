"""NetworkChaos: packets of the selected pods, as calls on the edges of their components.

Chaos Mesh shapes what a pod sends. Without a target that is the answer of every call to it and
the request of every call by it; with one, what passes between the two. A fault here strikes an
edge as a whole: where only some replicas are selected, its size is their share.

A lost packet is not a lost call: TCP sends it again, first after about 200 ms (the least time-out
of Linux), then after twice as long each time. A call is lost if all its sendings within the
caller's time-out are lost; else it is late by what they took.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hms.scenarios.chaos.context import Context, Entry, milliseconds, tidy
from hms.scenarios.chaos.experiment import Injection
from hms.scenarios.chaos.selection import Struck
from hms.scenarios.model import Edge
from hms.scenarios.topology import middle, visits_per_request

RESEND_S = 0.2
BYTES_PER_MESSAGE = 2048.0
"""Of a request or an answer; a guess, since no scenario states it."""

MOST_RESENDS = 16


@dataclass(frozen=True, slots=True)
class StruckEdge:
    """An edge, how much of its traffic is struck, and how many of request and answer."""

    edge: Edge
    share: float
    ways: int


def network_chaos(injection: Injection, context: Context) -> Iterator[Entry]:
    """Delay, loss, corruption, rates and partitions on the edges between the selected pods."""
    spec = injection.spec
    _say_what_is_left_out(injection, context)
    edges = _edges(injection, context)
    if not edges:
        return
    lasting = context.lasting(injection)
    action = spec["action"]
    if action == "partition":
        yield from (_partition(each, injection, context) | lasting for each in edges)
        return
    parts = _parts(spec, action)
    for each in edges:
        yield from (entry | lasting for entry in _shaped(each, parts, injection, context))
    rate = parts.get("rate") or parts.get("bandwidth")
    if rate:
        for entry in _slow_link(edges, rate["rate"], injection, context):
            yield entry | lasting


def _parts(spec: Any, action: str) -> dict[str, Any]:
    """The specs in force: those of a netem all together, else the action's own."""
    names = ("delay", "loss", "corrupt", "duplicate", "rate") if action == "netem" else (action,)
    return {name: spec[name] for name in names if name in spec}


def _edges(injection: Injection, context: Context) -> list[StruckEdge]:
    """The edges that the shaped packets pass."""
    spec = injection.spec
    if spec.get("externalTargets") and "target" not in spec:
        why = "what is outside the system is not part of the scenario"
        context.ledger.lost(injection, ("externalTargets",), spec["externalTargets"], why,
                            "nothing is injected")  # fmt: skip
        return []
    sources = context.struck(injection)
    if "target" not in spec:
        if spec.get("direction", "to") != "to":
            why = "a direction other than `to` needs a target"
            context.ledger.lost(injection, ("direction",), spec["direction"], why, "taken as `to`")
        return [
            StruckEdge(edge, source.share, 1)
            for source in sources
            for edge in (*context.edges_to(source.component), *context.edges_from(source.component))
        ]
    targets = context.struck(injection, "target")
    ways = 2 if spec.get("direction") == "both" else 1
    found = [
        StruckEdge(edge, source.share * target.share, ways)
        for source in sources
        for target in targets
        for edge in _between(source, target, context)
    ]
    if not found:
        names = [", ".join(each.component for each in side) for side in (sources, targets)]
        why = f"no call goes between {names[0]} and {names[1]}"
        context.ledger.lost(injection, ("target",), names[1], why, "nothing is injected")
    return found


def _between(source: Struck, target: Struck, context: Context) -> list[Edge]:
    pair = {source.component, target.component}
    return [e for e in context.scenario.edges if {e.caller, e.callee} == pair and len(pair) == 2]


def _partition(each: StruckEdge, injection: Injection, context: Context) -> Entry:
    if each.share >= 1.0:
        return {"kind": "partition", "target": {"edge": each.edge.name}}
    why = "a partition here cuts an edge for all replicas"
    done = f"loss of {each.share:.0%} of the calls on {each.edge.name}"
    context.ledger.lost(injection, ("mode",), injection.spec["mode"], why, done)
    return _loss(each.edge, each.share)


def _loss(edge: Edge, share: float) -> Entry:
    return {"kind": "loss", "target": {"edge": edge.name}, "share": tidy(share)}


def _latency(edge: Edge, mean_s: float, deviation_s: float) -> Entry:
    entry = {"kind": "latency", "target": {"edge": edge.name}, "added_ms": milliseconds(mean_s)}
    return entry | ({"jitter_ms": milliseconds(deviation_s)} if deviation_s > 0.0 else {})


def _shaped(
    each: StruckEdge, parts: dict[str, Any], injection: Injection, context: Context
) -> Iterator[Entry]:
    """What delay, loss and corruption do to the calls of one edge."""
    if "delay" in parts:
        yield _delayed(each, parts["delay"], injection, context)
    lost = 1.0
    for name in ("loss", "corrupt"):
        lost *= 1.0 - parts.get(name, {}).get(name, 0.0)
    if lost < 1.0:
        yield from _resent(each, 1.0 - lost**each.ways, injection, context)


def _delayed(each: StruckEdge, delay: Any, injection: Injection, context: Context) -> Entry:
    """A share of calls takes longer: mean and standard deviation over all calls of the edge.

    netem without a distribution draws evenly from latency ± jitter: deviation jitter / √3.
    """
    mean_s = delay["latency"] * each.ways
    square = mean_s**2 + each.ways * delay.get("jitter", 0.0) ** 2 / 3.0
    over_all_s = each.share * mean_s
    if each.share < 1.0:
        why = "a latency here strikes an edge as a whole"
        done = f"{over_all_s * 1e3:.4g} ms on {each.edge.name}: {each.share:.0%} of its calls"
        context.ledger.lost(injection, ("mode",), injection.spec["mode"], why, done)
    variance = each.share * square - over_all_s**2
    return _latency(each.edge, over_all_s, math.sqrt(max(0.0, variance)))


def _resent(
    each: StruckEdge, p: float, injection: Injection, context: Context
) -> Iterator[Entry]:
    """Packets lost with probability `p`, sent again by TCP until the caller's time-out."""
    timeout_s = each.edge.timeout_s
    lost, mean_s, square = 1.0, 0.0, 0.0
    for resend in range(MOST_RESENDS):
        late_s = RESEND_S * (2.0**resend - 1.0)
        if late_s >= timeout_s:
            break
        passed = lost * (1.0 - p)
        lost *= p
        mean_s += passed * late_s
        square += passed * late_s**2
    share = each.share * lost
    mean_s *= each.share
    why = "packets are lost, not calls: TCP sends them again"
    done = f"{each.edge.name}: {share:.2%} of calls lost, {mean_s * 1e3:.4g} ms added on average"
    context.ledger.lost(injection, ("action",), f"{p:.3g} of packets", why, done)
    if share > 0.0:
        yield _loss(each.edge, share)
    if mean_s > 0.0:
        deviation_s = math.sqrt(max(0.0, each.share * square - mean_s**2))
        yield _latency(each.edge, mean_s, deviation_s)


def _slow_link(
    edges: list[StruckEdge], rate_bytes_s: float, injection: Injection, context: Context
) -> Iterator[Entry]:
    """A link of so many bytes a second for each selected pod, shared by all of its calls.

    Used by a share u of its rate it delays a message by bytes / rate / (1 - u) (M/M/1); with
    u >= 1 a share 1 - 1/u of the messages does not get through.
    """
    visits = visits_per_request(context.scenario)
    offered_rps = sum(middle(load.rate_rps) for load in context.scenario.workload)
    pods = sum(struck.replicas for struck in context.struck(injection))
    passed = sum(
        offered_rps * max(visits[each.edge.caller], _is_client(each.edge, context))
        * middle(each.edge.calls) * each.share * each.ways
        for each in edges
    )  # fmt: skip
    used = passed * BYTES_PER_MESSAGE / max(rate_bytes_s * pods, 1.0)
    why = f"no scenario says how long messages are: {BYTES_PER_MESSAGE:g} bytes are guessed"
    told = f"the link is used {used:.0%}"
    at = ("bandwidth",) if "bandwidth" in injection.spec else ("rate",)
    context.ledger.lost(injection, at, f"{rate_bytes_s:g} bytes/s", why, told)
    for each in edges:
        if used >= 1.0:
            yield _loss(each.edge, each.share * (1.0 - 1.0 / used))
        else:
            late_s = each.ways * BYTES_PER_MESSAGE / max(rate_bytes_s, 1.0) / (1.0 - used)
            yield _latency(each.edge, each.share * late_s, 0.0)


def _is_client(edge: Edge, context: Context) -> float:
    """1 where the caller is a client, which `visits_per_request` does not count as visited."""
    return float(context.scenario.components[edge.caller].kind == "client")


def _say_what_is_left_out(injection: Injection, context: Context) -> None:
    chained = ("one packet's fate does not depend on the last one's here", "independent")
    device = ("a scenario has no network devices", "all of the pod's traffic")
    context.ledger.every(
        injection,
        {
            **{(part, "correlation"): chained for part in ("delay", "loss", "corrupt")},
            ("delay", "reorder"): ("TCP puts packets back in order", "no effect"),
            ("duplicate",): ("TCP drops a packet that comes twice", "no effect"),
            ("device",): device,
            ("targetDevice",): device,
            ("remoteCluster",): ("a scenario is one cluster", "struck here"),
            **{
                ("bandwidth", key): ("bursts below a second are not modelled", "left out")
                for key in ("limit", "buffer", "peakrate", "minburst")
            },
        },
    )
    if injection.spec["action"] == "partition" and injection.spec.get("direction") != "both":
        why = "TCP needs both directions"
        direction = injection.spec.get("direction", "to")
        context.ledger.lost(injection, ("direction",), direction, why, "cut both ways")
