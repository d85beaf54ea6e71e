"""Random scenarios that a file can say: every kind of value, origin, fault and load."""

import math
from dataclasses import replace

from hypothesis import strategies as st

from hms.scenarios.fault_kinds import COMPONENT, EDGE, FAULT_KINDS
from hms.scenarios.file_keys import SWITCH, WORKLOAD_KINDS
from hms.scenarios.model import (
    ITSELF,
    Cache,
    Component,
    Edge,
    Endpoint,
    Fault,
    Group,
    Origin,
    Probe,
    Range,
    Scenario,
    Selector,
    Slo,
    Source,
    Workload,
)

SOURCES = {
    "k8s": Source("a/manifests.yaml", commit="34ffea91", sure="stated"),
    "1e3": Source(rule="*_ADDR variables", sure="derived"),  # a name that YAML takes for a number
    "ranges": Source("ranges.yaml", sure="guessed"),
}
TEXTS = st.sampled_from(["", "zone-a", "true", "null", "1e3", "22:22", "on", "~", "a: b", "#", "é"])


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers of at most twelve digits, as drawn scenarios have them."""
    return st.floats(low, high).map(lambda x: min(max(float(f"{x:.12g}"), low), high))


def values(low: float, high: float) -> st.SearchStrategy[float | Range]:
    """A number or a range."""
    pair = st.tuples(numbers(low, high), numbers(low, high)).map(sorted)
    return numbers(low, high) | pair.map(lambda ends: Range(*ends))


origins = st.builds(
    Origin,
    st.sampled_from(sorted(SOURCES)),
    st.integers(0, 9999),
    st.sampled_from(["stated", "derived", "guessed", "default"]),
)
probes = st.none() | st.builds(
    Probe,
    st.sampled_from(["http", "tcp", "grpc", "exec"]),
    numbers(0.001, 60.0),
    numbers(0.001, 60.0),
    st.integers(1, 9),
    numbers(0.0, 60.0),
)


def origins_for(*keys: str) -> st.SearchStrategy[dict[str, Origin]]:
    """Origins for some of the keys."""
    return st.dictionaries(st.sampled_from(keys), origins)


NAMES = st.sampled_from(["a", "b.1", "true", "1e3"])
groups = st.dictionaries(
    NAMES, st.builds(Group, st.integers(1, 4), TEXTS, TEXTS, numbers(0.01, 9.0)), max_size=3
)


@st.composite
def components(draw, name: str, kind: str, callees: list[str]) -> Component:
    """A component; a probe that is not there has no origin."""
    keys = ("cores", "service_time_ms", "kind", "address", "readiness", "liveness", ITSELF)
    found = draw(origins_for(*keys))
    both = {name: draw(probes) for name in ("readiness", "liveness")}
    today = draw(st.sampled_from([{}, {"concurrency": {"limit": 24}}]))
    apart = draw(groups)
    together = sum(group.replicas for group in apart.values())
    callee = st.sampled_from(callees) if callees else st.nothing()
    calls = st.just({}) | st.dictionaries(callee, numbers(0.0, 9.0))
    routes = st.dictionaries(NAMES, st.builds(Endpoint, numbers(0.1, 9.0), calls), max_size=3)
    backing = st.builds(Cache, callee, numbers(0.0, 1.0), numbers(1.0, 1e6))
    return Component(
        name,
        kind,
        replicas=together or draw(st.integers(1, 9)),
        version=draw(TEXTS),
        lb_detect_s=draw(st.none() | numbers(0.0, 9.0)),
        discipline=draw(st.sampled_from(["fifo", "lifo", "ps"])),
        congestion=draw(numbers(0.0, 9.0)),
        cold_s=draw(numbers(0.0, 9.0)),
        cold_factor=draw(numbers(1.0, 9.0)),
        metric_lag_s=draw(numbers(0.0, 9.0)),
        metric_noise=draw(numbers(0.0, 1.0)),
        labels=draw(st.dictionaries(TEXTS, TEXTS, max_size=2)),
        groups=apart,
        endpoints=draw(routes) if kind != "client" else {},
        cache=draw(st.none() | backing) if callees and kind != "client" else None,
        cores=draw(numbers(0.001, 16.0)),
        workers=draw(st.sampled_from([1, 64, 200])),
        queue_limit=draw(st.integers(0, 999)),
        service_time_s=draw(values(1e-6, 3600.0)),
        service_cv=draw(numbers(0.0, 9.0)),
        startup_s=draw(values(0.0, 99.0)),
        memory_mb=draw(numbers(0.0, 1e6)),
        zone=draw(TEXTS),
        criticality=draw(st.sampled_from(["low", "normal", "high"])),
        readiness=both["readiness"],
        liveness=both["liveness"],
        address=draw(TEXTS),
        today=today,
        origins={k: o for k, o in found.items() if k not in both or both[k] is not None},
    )


@st.composite
def edges(draw, caller: str, callee: str, publishing: tuple[str, ...] = ()) -> Edge:
    """An edge; `publishing` is the mode that a client has not."""
    retry, timeout = {"retry": {"max_attempts": 3}}, {"timeout": {"call_s": 2.5}}
    today = draw(st.sampled_from([{}, retry, timeout, retry | timeout]))
    keys = ("calls", "timeout_ms", "need", ITSELF, *today)
    return Edge(
        caller,
        callee,
        protocol=draw(TEXTS),
        calls=draw(values(0.0, 9.0)),
        need=draw(st.sampled_from(["hard", "soft"])),
        mode=draw(st.sampled_from(["sequential", "parallel", *publishing])),
        hedge_after_s=draw(numbers(0.0, 9.0)),
        hedges=draw(st.integers(1, 3)),
        network_s=draw(numbers(0.0, 1.0)),
        timeout_s=draw(numbers(1e-6, 3600.0)),
        cancel_on_timeout=draw(st.booleans()),
        passes_deadline=draw(st.booleans()),
        on_cut=draw(st.sampled_from(["lose", "queue"])),
        today=today,
        origins=draw(origins_for(*keys)),
    )


def magnitudes_of(draw, kind) -> dict[str, float]:
    """Every parameter of a kind of fault."""
    magnitudes = {}
    for spec in kind.parameters:
        if spec.kind == SWITCH:
            magnitudes[spec.field] = float(draw(st.booleans()))
        else:
            shift = 1e-3 if spec.milliseconds else 1.0
            magnitudes[spec.field] = draw(numbers(spec.low * shift, min(spec.high, 50.0) * shift))
    return magnitudes


@st.composite
def faults(draw, names: list[str], pairs: list[tuple[str, str]], entry: str) -> Fault:
    """A fault of any kind that the system can suffer, alone, at random or in parts."""
    if draw(st.integers(0, 9)) == 0:
        parts = draw(st.lists(single_faults(names, pairs, entry), min_size=1, max_size=3))
        return Fault("composite", start_s=20.0, faults=tuple(parts))
    return draw(single_faults(names, pairs, entry))


@st.composite
def single_faults(draw, names: list[str], pairs: list[tuple[str, str]], entry: str) -> Fault:
    """A fault of any kind that the system can suffer."""
    able = [kind for kind in FAULT_KINDS.values() if kind.target != EDGE or pairs]
    kind = draw(st.sampled_from(able))
    ends = [(act, math.inf) for act in kind.ends] + [("", 7.25)] * kind.may_last
    ends += [(act, 7.25) for act in kind.ends if kind.may_last]
    ends += [("", math.inf)] * (kind.may_last and not kind.default_until)
    until, duration_s = ("", 0.0) if kind.instant else draw(st.sampled_from(ends))
    target = draw(targets(kind, names, pairs, entry))
    more = {"seed": draw(st.integers(0, 9))}
    if kind.graded:
        more |= {"ramp_s": draw(numbers(0.0, 9.0)), "magnitude": draw(numbers(0.0, 1.0))}
    if "selector" in target:
        more["spread_s"] = draw(numbers(0.0, 9.0))
    if not until and not kind.instant and kind.may_last and draw(st.booleans()):
        more |= {"mtbf_s": draw(numbers(9.0, 99.0)), "mttr_s": draw(numbers(1.0, 9.0))}
    return Fault(
        kind.name, start_s=40.0, duration_s=duration_s, until=until,
        parameters=magnitudes_of(draw, kind), **target, **more,
    )  # fmt: skip


@st.composite
def targets(draw, kind, names: list[str], pairs: list[tuple[str, str]], entry: str):
    """What a fault of a kind may strike, by name or by what it has."""
    if kind.target == EDGE and draw(st.booleans()):
        return {"edge": draw(st.sampled_from(pairs))}
    if kind.target == EDGE:
        return {"component": draw(st.sampled_from(pairs))[1]}
    if kind.target != COMPONENT:
        return {"component": draw(st.sampled_from([None, entry]))}
    many = draw(st.sampled_from([{}, {"replicas": 1}, {"share": 0.5}]))
    if draw(st.booleans()):
        return many | {"component": draw(st.sampled_from(names))}
    label = draw(st.sampled_from([None, ("tier", "all")]))
    pick = draw(st.integers(0, 3))
    if label is None and not pick:
        pick = 1
    return many | {"selector": Selector(label=label, pick=pick)}


@st.composite
def workloads(draw, entry: str, client: str) -> Workload:
    """A load of any shape, in an open or a closed loop."""
    kind = draw(st.sampled_from(sorted(WORKLOAD_KINDS)))
    parameters = {key: draw(numbers(0.5, 1.0)) for key in WORKLOAD_KINDS[kind]}
    found = draw(origins_for("rate_rps", ITSELF))
    points = ((0.0, 3.0), (draw(numbers(1.0, 9.0)), 5.5)) if kind == "points" else ()
    if draw(st.booleans()):
        users, think_s = draw(numbers(0.0, 99.0)), draw(numbers(0.5, 9.0))
        found.pop("rate_rps", None)
        return Workload(entry, client, kind, users / think_s, parameters, found, points, users,
                        think_s)  # fmt: skip
    return Workload(entry, client, kind, draw(values(0.0, 999.0)), parameters, found, points)


@st.composite
def scenarios(draw) -> Scenario:
    """A whole scenario with one or two clients and up to three components that can fail."""
    names = [f"s.{number}" for number in range(draw(st.integers(1, 3)))]
    kinds = st.sampled_from(["service", "store", "queue"])
    client = draw(st.sampled_from(["people", "outside"]))
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :] if draw(st.booleans())]
    callees = {name: [b for a, b in pairs if a == name] for name in names}
    built = {name: draw(components(name, draw(kinds), callees[name])) for name in names}
    labelled = built[names[0]]
    built[names[0]] = replace(labelled, labels={**labelled.labels, "tier": "all"})
    built = {client: draw(components(client, "client", []))} | built
    calls = [draw(edges(client, names[0])), *(draw(edges(*pair, ("publish",))) for pair in pairs)]
    return Scenario(
        "random",
        300.0,
        30.0,
        {names[0]: Slo(0.99, draw(numbers(1e-6, 9.0)), 15.0)},
        (draw(workloads(names[0], client)),),
        built,
        tuple(calls),
        tuple(draw(st.lists(faults(names, pairs, names[0]), max_size=2))),
        SOURCES,
        draw(st.sampled_from([{}, {"recovers_within_s": 60.0}])),
    )
