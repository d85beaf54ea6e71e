"""Random scenarios that a file can say: every kind of value, origin, fault and load."""

import math

from hypothesis import strategies as st

from hms.scenarios.fault_kinds import COMPONENT, EDGE, FAULT_KINDS
from hms.scenarios.file_keys import SWITCH, WORKLOAD_KINDS
from hms.scenarios.model import (
    ITSELF,
    Component,
    Edge,
    Fault,
    Origin,
    Probe,
    Range,
    Scenario,
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


@st.composite
def components(draw, name: str, kind: str) -> Component:
    """A component; a probe that is not there has no origin."""
    keys = ("cores", "service_time_ms", "kind", "address", "readiness", "liveness", ITSELF)
    found = draw(origins_for(*keys))
    both = {name: draw(probes) for name in ("readiness", "liveness")}
    today = draw(st.sampled_from([{}, {"concurrency": {"limit": 24}}]))
    return Component(
        name,
        kind,
        replicas=draw(st.integers(1, 9)),
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
def edges(draw, caller: str, callee: str) -> Edge:
    """An edge."""
    retry, timeout = {"retry": {"max_attempts": 3}}, {"timeout": {"call_s": 2.5}}
    today = draw(st.sampled_from([{}, retry, timeout, retry | timeout]))
    keys = ("calls", "timeout_ms", "need", ITSELF, *today)
    return Edge(
        caller,
        callee,
        protocol=draw(TEXTS),
        calls=draw(values(0.0, 9.0)),
        need=draw(st.sampled_from(["hard", "soft"])),
        network_s=draw(numbers(0.0, 1.0)),
        timeout_s=draw(numbers(1e-6, 3600.0)),
        cancel_on_timeout=draw(st.booleans()),
        on_cut=draw(st.sampled_from(["lose", "queue"])),
        today=today,
        origins=draw(origins_for(*keys)),
    )


@st.composite
def faults(draw, names: list[str], pairs: list[tuple[str, str]], entry: str) -> Fault:
    """A fault of any kind that the system can suffer."""
    able = [kind for kind in FAULT_KINDS.values() if kind.target != EDGE or pairs]
    kind = draw(st.sampled_from(able))
    ends = [(act, math.inf) for act in kind.ends] + [("", 7.25)] * kind.may_last
    until, duration_s = draw(st.sampled_from(ends))
    magnitudes = {}
    for spec in kind.parameters:
        if spec.kind == SWITCH:
            magnitudes[spec.field] = float(draw(st.booleans()))
        else:
            shift = 1e-3 if spec.milliseconds else 1.0
            magnitudes[spec.field] = draw(numbers(spec.low * shift, min(spec.high, 50.0) * shift))
    if kind.target == EDGE:
        return Fault(kind.name, None, draw(st.sampled_from(pairs)), 0, 40.0, duration_s, until,
                     magnitudes)  # fmt: skip
    component = draw(st.sampled_from(names)) if kind.target == COMPONENT else None
    component = component or draw(st.sampled_from([None, entry]))
    struck = draw(st.integers(0, 1)) if kind.target == COMPONENT else 0
    return Fault(kind.name, component, None, struck, 40.0, duration_s, until, magnitudes)


@st.composite
def workloads(draw, entry: str, client: str) -> Workload:
    """A load of any shape."""
    kind = draw(st.sampled_from(sorted(WORKLOAD_KINDS)))
    parameters = {key: draw(numbers(0.5, 1.0)) for key in WORKLOAD_KINDS[kind]}
    found = draw(origins_for("rate_rps", ITSELF))
    return Workload(entry, client, kind, draw(values(0.0, 999.0)), parameters, found)


@st.composite
def scenarios(draw) -> Scenario:
    """A whole scenario with one or two clients and up to three components that can fail."""
    names = [f"s.{number}" for number in range(draw(st.integers(1, 3)))]
    kinds = st.sampled_from(["service", "store", "queue"])
    client = draw(st.sampled_from(["people", "outside"]))
    built = {name: draw(components(name, draw(kinds))) for name in names}
    built = {client: draw(components(client, "client"))} | built
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :] if draw(st.booleans())]
    calls = [draw(edges(*pair)) for pair in [(client, names[0]), *pairs]]
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
