"""An instance as telemetry reads it, with breakers by the thousand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.health.health import HealthMonitor
from hms.agents.healing.interface import HealthStatus


@dataclass
class Counted:
    """A breaker that has counted this much."""

    phase: str = "closed"
    ok: int = 0
    failed: int = 0
    ignored: int = 0
    cancelled: int = 0
    late: int = 0
    refused: int = 0
    opened: int = 0
    in_flight: int = 0

    @property
    def breaker(self) -> Counted:
        return self

    def metrics(self) -> Counted:
        return self


@dataclass
class Watched:
    """What `telemetry.instruments.Observed` asks for."""

    component: str = "cart"
    instance_id: str = "1"
    clock: FakeClock = field(default_factory=FakeClock)
    health: HealthMonitor = field(default_factory=HealthMonitor)
    breakers: dict[str, Counted] = field(default_factory=dict)
    action_counts: dict[str, int] = field(default_factory=dict)
    escalations: int = 0
    broken_invariants: dict[str, int] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def config(self) -> Any:
        return SimpleNamespace(component_id=self.component)

    @property
    def condition(self) -> Watched:
        return self

    @property
    def dependencies(self) -> Watched:
        return self

    def guards(self) -> dict[str, Counted]:
        return dict(self.breakers)

    def status(self, now_s: float) -> HealthStatus:
        return self.health.status(now_s)
