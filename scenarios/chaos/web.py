"""HTTPChaos and Istio's fault injection: calls that fail or wait at a proxy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hms.documents import nearest
from hms.scenarios.chaos.context import Context, Entry, milliseconds, tidy
from hms.scenarios.chaos.experiment import Injection

FAILURE_FROM = 400
"""HTTP status from which an answer counts as an error."""

_NARROW = ("a scenario does not know paths, methods, headers or codes",
           "all requests are struck: the worst case")  # fmt: skip


def http_chaos(injection: Injection, context: Context) -> Iterator[Entry]:
    """Aborts and replaced codes: errors of the component; delay: on the edges to it."""
    spec = injection.spec
    content = ("the content of messages is not modelled", "no effect")
    narrow = ("method", "code", "request_headers", "response_headers", "port")
    context.ledger.every(
        injection,
        {
            **{(key,): _NARROW for key in narrow},
            ("patch",): content,
            **{("replace", key): content for key in ("body", "headers", "queries")},
            **{("replace", key): ("where a request then leads is not known", "no effect")
               for key in ("path", "method")},
            ("tls",): ("TLS is not modelled", "left out"),
            ("remoteCluster",): ("a scenario is one cluster", "struck here"),
        },
    )  # fmt: skip
    if spec.get("path", "*") not in ("*", "/*"):
        context.ledger.lost(injection, ("path",), spec["path"], *_NARROW)
    fails = spec.get("abort", False) or spec.get("replace", {}).get("code", 0) >= FAILURE_FROM
    delay_s = spec.get("delay", 0.0)
    if not fails and delay_s <= 0.0:
        return
    lasting = context.lasting(injection)
    if fails and spec.get("abort"):
        why = "the connection is cut before the service sees the request"
        done = "an error after the service's own CPU time and before its calls"
        context.ledger.lost(injection, ("abort",), True, why, done)
    for struck in context.struck(injection):
        if fails:
            yield {"kind": "error", "target": struck.target, "share": 1.0} | lasting
        if delay_s > 0.0:
            if struck.share < 1.0:
                why = "a latency here strikes an edge as a whole"
                done = f"{struck.share * delay_s * 1e3:.4g} ms for all calls to {struck.component}"
                context.ledger.lost(injection, ("mode",), spec["mode"], why, done)
            for edge in context.edges_to(struck.component):
                yield _waiting(edge.name, delay_s, struck.share) | lasting


def _waiting(edge: str, delay_s: float, share: float) -> Entry:
    """A share of calls waits `delay_s`: mean and standard deviation over all calls."""
    entry = {"kind": "latency", "target": {"edge": edge},
             "added_ms": milliseconds(share * delay_s)}  # fmt: skip
    if share < 1.0:
        entry["jitter_ms"] = milliseconds(delay_s * (share * (1.0 - share)) ** 0.5)
    return entry


def virtual_service(injection: Injection, context: Context) -> Iterator[Entry]:
    """`fault.delay` and `fault.abort` of the routes to each host."""
    for index, route in enumerate(injection.spec.get("http", ())):
        fault = route.get("fault")
        if not fault:
            continue
        at = ("http", index, "fault")
        found = [_component(host, injection, context) for host in injection.spec["hosts"]]
        struck = list(dict.fromkeys(name for name in found if name))
        if not struck:
            continue
        if route.get("match"):
            context.ledger.lost(injection, ("http", index, "match"), "", *_NARROW)
        lasting = context.lasting(injection)
        for component in struck:
            for entry in _route_fault(fault, component, at, injection, context):
                yield entry | lasting


def _component(host: str, injection: Injection, context: Context) -> str:
    """The component behind a host: `ratings`, `ratings.shop.svc.cluster.local`; "" for none."""
    known = [c.name for c in context.scenario.components.values() if c.kind != "client"]
    addresses = {c.address.partition(":")[0]: c.name for c in context.scenario.components.values()}
    for name in (host, host.partition(".")[0]):
        if name in known:
            return name
        if name in addresses:
            return addresses[name]
    near = nearest(host, known)
    why = "no component of this name" + (f"; nearest: {near}" if near else "")
    context.ledger.lost(injection, ("hosts",), host, why, "nothing is injected")
    return ""


def _route_fault(
    fault: Mapping[str, Any], component: str, at: tuple[Any, ...], injection: Injection,
    context: Context,
) -> Iterator[Entry]:
    delay, abort = fault.get("delay"), fault.get("abort")
    if delay:
        share = _percentage(delay)
        if share < 1.0:
            why = "a latency here strikes an edge as a whole"
            done = "mean and spread over all calls are kept"
            context.ledger.lost(injection, (*at, "delay", "percentage"), share, why, done)
        for edge in context.edges_to(component):
            yield _waiting(edge.name, delay["fixedDelay"], share)
    if abort:
        status = abort.get("httpStatus", 500)
        if status < FAILURE_FROM:
            why = f"{status} is no error"
            context.ledger.lost(injection, (*at, "abort"), status, why, "no effect")
            return
        why = "the caller's proxy answers, and the service never sees the request"
        done = "an error after the service's own CPU time and before its calls"
        context.ledger.lost(injection, (*at, "abort"), status, why, done)
        yield {"kind": "error", "target": {"component": component},
               "share": tidy(_percentage(abort))}  # fmt: skip


def _percentage(fault: Mapping[str, Any]) -> float:
    """The share of calls; Istio takes all of them where none is given."""
    if "percentage" in fault:
        return float(fault["percentage"].get("value", 0.0))
    return float(fault.get("percent", 100)) / 100.0
