"""A policy as Envoy v3 configuration: one static bootstrap for the proxy beside each caller.

A caller's proxy listens on 127.0.0.1, one port for each component that it calls. Time-outs and
retries are on the route, breakers and limits on the cluster, and both follow from the edge, so
overrides by edge need nothing special. Every value is written, Envoy's defaults change. Where
a proxy sees only bytes (Redis, plain TCP) there is nothing to repeat or to cut.

Detection, guard and recovery have no place in a proxy: they need hms beside the stack.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import step_table, table
from hms.documents import Problem
from hms.errors import ScenarioError
from hms.experiments.export.envoy_bytes import pass_through
from hms.experiments.export.envoy_durations import seconds
from hms.experiments.export.envoy_limits import circuit_breakers
from hms.experiments.export.envoy_outlier import balancing, outlier_detection
from hms.experiments.export.envoy_route import CONNECT_MOST_S, attempt_limit_s, route
from hms.experiments.export.loss import Ledger
from hms.experiments.export.traffic import BYTES, GRPC, Traffic, traffic
from hms.scenarios.model import Scenario

TARGET = "envoy"
FIRST_PORT = 15001
API = "type.googleapis.com/envoy.extensions"
BALANCERS = {"round_robin": "ROUND_ROBIN", "random": "RANDOM", "least": "LEAST_REQUEST"}
BESIDE = "a proxy does not heal: needs hms beside the stack"


def export(policy: HealingPolicy, scenario: Scenario, log: Ledger) -> dict[str, dict[str, Any]]:
    """A bootstrap by caller's name, ready to be written as YAML; what is lost goes to `log`.

    Raises:
        ScenarioError: a component that is called has no address.
    """
    edges = traffic(policy, scenario)
    require_addresses(edges, scenario.name)
    by_caller: dict[str, list[Traffic]] = {}
    for each in edges:
        by_caller.setdefault(each.caller.name, []).append(each)
    files = {caller: bootstrap(calls, log) for caller, calls in by_caller.items()}
    _tell_what_a_proxy_lacks(policy, log)
    _tell_the_reader(scenario, log)
    return files


def require_addresses(edges: Sequence[Traffic], scenario: str) -> None:
    """Refuse components that nobody could reach.

    Raises:
        ScenarioError: one problem a component, with what to supply.
    """
    lacking = dict.fromkeys(t.callee.name for t in edges if not _address(t.callee.address))
    if lacking:
        wanted = "address: \"host:port\" in the scenario or an overlay of it"
        what = "has no address, which an Envoy cluster needs"
        raise ScenarioError(
            [Problem(("components", name), f"`{name}` {what}", wanted) for name in lacking],
            scenario,
        )


def bootstrap(calls: Sequence[Traffic], log: Ledger) -> dict[str, Any]:
    """The whole configuration of one caller's proxy."""
    listeners = []
    clusters = []
    for index, each in enumerate(calls):
        at = log.at(each.edge.name)
        port = FIRST_PORT + index
        listeners.append(listener(each, port, at))
        clusters.append(cluster(each, at))
        log.say(
            f"{each.edge.name}: the caller finds {each.callee.address} at 127.0.0.1:{port}"
        )
    return {"static_resources": {"listeners": listeners, "clusters": clusters}}


def listener(t: Traffic, port: int, log: Ledger) -> dict[str, Any]:
    """Where the caller finds one callee, with its route."""
    name = f"to_{t.callee.name}"
    if t.family == BYTES:
        kind, of = "tcp_proxy.v3.TcpProxy", "tcp_proxy"
        config = pass_through(name, t, log)
    else:
        kind, of = "http_connection_manager.v3.HttpConnectionManager", "http_connection_manager"
        config = _http_manager(name, t, log)
    typed = {"@type": f"{API}.filters.network.{kind}", **config}
    network_filter = {"name": f"envoy.filters.network.{of}", "typed_config": typed}
    return {
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [network_filter]}],
    }


def _http_manager(name: str, t: Traffic, log: Ledger) -> dict[str, Any]:
    host = {
        "name": t.callee.name,
        "domains": ["*"],
        "routes": [{"match": {"prefix": "/"}, "route": route(t, log)}],
    }
    router = {"@type": f"{API}.filters.http.router.v3.Router"}
    return {
        "stat_prefix": name,
        "codec_type": "AUTO",
        "stream_idle_timeout": "0s",
        "route_config": {"name": t.callee.name, "virtual_hosts": [host]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
    }


def cluster(t: Traffic, log: Ledger) -> dict[str, Any]:
    """The callee as this caller's proxy sees it: replicas, breaker, limits."""
    host, port = _address(t.callee.address) or ("", 0)
    endpoint = {"address": {"socket_address": {"address": host, "port_value": port}}}
    written: dict[str, Any] = {
        "name": t.callee.name,
        "type": "STATIC" if _is_numeric(host) else "STRICT_DNS",
        "connect_timeout": seconds(min(attempt_limit_s(t), CONNECT_MOST_S)),
        "lb_policy": BALANCERS[t.callee.balancer],
        "common_lb_config": balancing(t),
        "load_assignment": {
            "cluster_name": t.callee.name,
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
        "circuit_breakers": circuit_breakers(t, log),
    }
    ejection = outlier_detection(t, log)
    if ejection is not None:
        written["outlier_detection"] = ejection
    if t.family != BYTES:
        protocol = "http2_protocol_options" if t.family == GRPC else "http_protocol_options"
        options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        written["typed_extension_protocol_options"] = {
            options: {
                "@type": f"type.googleapis.com/{options}",
                "explicit_http_config": {protocol: {}},
            }
        }
    return written


def _tell_what_a_proxy_lacks(policy: HealingPolicy, log: Ledger) -> None:
    for row in table():
        if row.path.split(".")[0] in ("detection", "guard", "health", "verification"):
            log.dropped(row.path, policy.value(row.path), BESIDE)
    for row in step_table():
        ladders = [issue for issue, steps in policy.recovery.items() if steps]
        log.dropped(row.path, ", ".join(ladders) or "no ladders", BESIDE)


def _tell_the_reader(scenario: Scenario, log: Ledger) -> None:
    clients = [name for name, c in scenario.components.items() if c.kind == "client"]
    for name in clients:
        log.say(f"{name} is a client outside the system: nothing is written for it")
    log.say(
        "Envoy sees as many replicas as the name resolves to: with a Kubernetes ClusterIP that"
        " is one; use a headless service, or the numbers for R replicas do not hold"
    )
    log.say(
        "limits and breakers are per proxy: each replica of a caller learns and counts alone"
    )


def _address(text: str) -> tuple[str, int] | None:
    """Host and port of `host:port` or `[v6]:port`; None if it is neither."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        return None
    return host, int(port)


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

