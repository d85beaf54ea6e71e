"""What an importer finds in a team's files, before guesses are added.

Every fact keeps its file and line; `assemble.py` turns all of it into a scenario.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hms.scenarios.model import Probe
from hms.scenarios.provenance import DERIVED, MEASURED, STATED

KUBERNETES = "k8s"
COMPOSE = "compose"
ENVIRONMENT = "env"
POLICY = "policy"
ISTIO = "istio"
MESH = "istio-default"
JAEGER = "jaeger"
TRACES = "traces"
GRAPH = "graph"

RULES = {
    KUBERNETES: "",
    COMPOSE: "",
    ENVIRONMENT: "addresses in environment variables and arguments",
    POLICY: "NetworkPolicy: pods that may call",
    ISTIO: "",
    MESH: "what Istio does where its objects say nothing",
    JAEGER: "calls that Jaeger counted between services",
    TRACES: "mean over the spans of the traces",
    GRAPH: "",
}
"""By what rule facts of each kind were found; "" where the file states them."""

USUALLY = {
    KUBERNETES: STATED,
    COMPOSE: STATED,
    ENVIRONMENT: DERIVED,
    POLICY: DERIVED,
    ISTIO: STATED,
    MESH: DERIVED,
    JAEGER: MEASURED,
    TRACES: MEASURED,
    GRAPH: STATED,
}
"""How sure a fact of each kind is, unless its place says otherwise."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fact stands.

    Attributes:
        rule: a key of `RULES`.
        sure: "" for the rule's usual level, else how sure this one fact is.
    """

    rule: str
    file: str
    line: int
    sure: str = ""

    @property
    def sureness(self) -> str:
        """stated, measured, derived or guessed."""
        return self.sure or USUALLY[self.rule]


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of a scenario file with its place."""

    value: Any
    place: Place


@dataclass(slots=True)
class FoundComponent:
    """One deployment, one service of a compose file or of traces, one node of a graph.

    Attributes:
        facts: by file key: replicas, cores, memory_limit_mb, address, self_restart, kind.
        probes: by `readiness` and `liveness`; the fact's value is a `Probe`.
        image: of its main container.
        protocols: by port number, of what it offers; 0 for the only or first one.
        exposed: whether it can be reached from outside.
        callable_: whether other components have a name to call it by.
        hosts: names that others call it by, as far as they are not its own.
        labels: what the scenario shall keep as its labels.
        pod_labels: of its pods, which rules of a mesh select by.
    """

    name: str
    place: Place
    facts: dict[str, Fact] = field(default_factory=dict)
    probes: dict[str, Fact] = field(default_factory=dict)
    image: str = ""
    protocols: dict[int, str] = field(default_factory=dict)
    exposed: bool = False
    callable_: bool = False
    hosts: set[str] = field(default_factory=set)
    labels: dict[str, str] = field(default_factory=dict)
    pod_labels: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class FoundEdge:
    """One component calls another.

    Attributes:
        facts: by file key: calls, network_ms, timeout_ms, mode, need, …
        purpose: what it is for where that is not to answer a request, as `telemetry.py` says.
    """

    caller: str
    callee: str
    place: Place
    protocol: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class FoundSettings:
    """What manifests say today of all calls to a component, or of the component itself.

    Attributes:
        group: of a policy: breaker, retry, timeout (of the edges to it), concurrency (its own).
        values: in the policy's words and units.
        callers: whom it is about; (): all of them.
    """

    callee: str
    group: str
    values: dict[str, Any]
    place: Place
    callers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sources said different things of one quantity."""

    where: str
    kept: str
    left: str

    def __str__(self) -> str:
        return f"{self.where}: {self.kept} is taken, not {self.left}"


@dataclass(slots=True)
class Findings:
    """All that was found.

    Attributes:
        edges: by caller and callee.
        settings: today's resilience settings; the first of a callee and group counts.
        mesh: objects of a service mesh, until the components they are about are known.
        joined: names of one source that were taken for names of another.
        said: notes for the user: what was dropped, guessed or taken as only a hint.
    """

    components: dict[str, FoundComponent] = field(default_factory=dict)
    edges: dict[tuple[str, str], FoundEdge] = field(default_factory=dict)
    settings: list[FoundSettings] = field(default_factory=list)
    mesh: list[Any] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def add_edge(self, edge: FoundEdge) -> None:
        """Add a call unless it is there already, by an earlier and thus better rule."""
        if edge.caller != edge.callee:
            self.edges.setdefault((edge.caller, edge.callee), edge)

    def say(self, note: str) -> None:
        """Add a note for the user, once."""
        if note not in self.said:
            self.said.append(note)


MOST_NAMED = 12


def listed(names: Sequence[str]) -> str:
    """Names as a note shows them: the first dozen, and how many there are more."""
    shown = ", ".join(f"`{name}`" for name in names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


_STORES = frozenset(
    "redis valkey keydb mongo mongodb mysql mariadb postgres postgresql cassandra memcached "
    "elasticsearch opensearch couchdb cockroach cockroachdb etcd mssql influxdb clickhouse "
    "minio dynamodb neo4j".split()
)
_QUEUES = frozenset("rabbitmq kafka nats activemq artemis pulsar redpanda mosquitto".split())
_PACKAGING = frozenset("server alpine stack cp community enterprise slim bitnami single".split())
_LOAD = re.compile(r"load|locust|jmeter|gatling|(^|-)k6($|-)")

_PORTS = {
    80: "http",
    443: "http",
    8080: "http",
    6379: "redis",
    3306: "mysql",
    5432: "postgres",
    27017: "mongo",
    11211: "memcached",
    5672: "amqp",
    9092: "kafka",
    4222: "nats",
}
_PROTOCOLS = frozenset(
    "http http2 https grpc redis mysql postgres mongo amqp kafka nats memcached tcp".split()
)


def kind_of(component: FoundComponent) -> str:
    """service, store or queue, by what its image or name is a database or broker of.

    A kind that a source states (a graph, a trace's database call) wins over the name.
    """
    if "kind" in component.facts:
        return str(component.facts["kind"].value)
    for text in (image_name(component.image), component.name):
        words = set(re.split(r"[-_.]", text.lower())) - _PACKAGING
        if words and words <= _STORES:
            return "store"
        if words and words <= _QUEUES:
            return "queue"
        if re.search(r"(^|[-_])db$", text):
            return "store"
    return "service"


def image_name(image: str) -> str:
    """`redis` of `docker.io/bitnami/redis:7@sha256:…`."""
    return image.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0]


def sends_load(component: FoundComponent) -> bool:
    """Whether its name or image says that it only sends load."""
    return bool(_LOAD.search(component.name) or _LOAD.search(image_name(component.image)))


def protocol_of(names: Iterable[str], port: int) -> str:
    """A protocol from the names of a port (`tcp-redis` is redis) or its number, else ""."""
    for name in names:
        words = [word for word in re.split(r"[-_]", name.lower()) if word in _PROTOCOLS]
        special = [word for word in words if word != "tcp"]
        if special:
            return special[0]
    return _PORTS.get(port, "")


def add_probe(component: FoundComponent, name: str, probe: Probe, place: Place) -> None:
    """Record a probe; two probes that are alike stand at the place of the first."""
    for other in component.probes.values():
        if other.value == probe:
            place = other.place
    component.probes[name] = Fact(probe, place)
