"""What an importer finds in a team's files, before guesses are added.

Every fact keeps its file and line; `assemble.py` turns all of it into a scenario.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hms.scenarios.model import Probe

KUBERNETES = "k8s"
COMPOSE = "compose"
ENVIRONMENT = "env"
POLICY = "policy"

RULES = {
    KUBERNETES: "",
    COMPOSE: "",
    ENVIRONMENT: "addresses in environment variables and arguments",
    POLICY: "NetworkPolicy: pods that may call",
}
"""By what rule facts of each kind were found; "" where the file states them."""


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


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of a scenario file with its place."""

    value: Any
    place: Place


@dataclass(slots=True)
class FoundComponent:
    """One deployment, or one service of a compose file.

    Attributes:
        facts: by file key: replicas, cores, memory_limit_mb, address, self_restart.
        probes: by `readiness` and `liveness`; the fact's value is a `Probe`.
        image: of its main container.
        protocols: by port number, of what it offers; 0 for the only or first one.
        exposed: whether it can be reached from outside.
        callable_: whether other components have a name to call it by.
    """

    name: str
    place: Place
    facts: dict[str, Fact] = field(default_factory=dict)
    probes: dict[str, Fact] = field(default_factory=dict)
    image: str = ""
    protocols: dict[int, str] = field(default_factory=dict)
    exposed: bool = False
    callable_: bool = False


@dataclass(frozen=True, slots=True)
class FoundEdge:
    """One component calls another."""

    caller: str
    callee: str
    place: Place
    protocol: str = ""


@dataclass(slots=True)
class Findings:
    """All that was found.

    Attributes:
        said: notes for the user: what was dropped, guessed or taken as only a hint.
    """

    components: dict[str, FoundComponent] = field(default_factory=dict)
    edges: list[FoundEdge] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def add_edge(self, edge: FoundEdge) -> None:
        """Add a call unless it is there already, by an earlier and thus better rule."""
        known = {(other.caller, other.callee) for other in self.edges}
        if edge.caller != edge.callee and (edge.caller, edge.callee) not in known:
            self.edges.append(edge)

    def say(self, note: str) -> None:
        """Add a note for the user, once."""
        if note not in self.said:
            self.said.append(note)


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
    """service, store or queue, by what its image or name is a database or broker of."""
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
