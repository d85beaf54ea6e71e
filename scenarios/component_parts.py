"""Parts of a component: probes, groups of replicas, endpoints, a cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Probe:
    """A health check by the platform. kind: http, tcp, grpc or exec."""

    kind: str
    period_s: float = 10.0
    timeout_s: float = 1.0
    failures: int = 3
    initial_delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """Replicas of a component that differ from its others.

    Attributes:
        zone, version: theirs; "" for the component's.
        speed: how fast they work, 1 for the component's service time.
    """

    replicas: int
    zone: str = ""
    version: str = ""
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route into a component with calls of its own.

    Attributes:
        weight: its share of the component's requests is weight / sum of weights.
        calls: mean calls for each of its requests, by callee; callees left out are not called.
    """

    weight: float = 1.0
    calls: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cache:
    """Answers that need no call to the backing store.

    Attributes:
        backing: the callee asked on a miss; the edge's `calls` are those of a miss.
        hit_rate: when warm, 0 to 1.
        keys: how many answered misses warm it: dh/dt = (hit_rate - h) * misses/s / keys.
    """

    backing: str
    hit_rate: float = 0.9
    keys: float = 1000.0
