"""The guarded dependencies of one instance: one breaker each, one configuration for all."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hms.agents.healing.adaptation import Adaptation
from hms.agents.healing.breaker import Breaker
from hms.agents.healing.clock import Clock
from hms.agents.healing.guard import Guard
from hms.agents.policy.healing_policy import EdgeParameters, HealingPolicy
from hms.agents.policy.parameters import BreakerParameters
from hms.errors import ConfigRefused


@dataclass(slots=True)
class Dependencies:
    """Makes guards by name and keeps all of them on the configuration in force.

    Args:
        policy: what holds where nothing was changed.
        enabled: the static switch `circuit_breaker_enabled`.
        clock: monotonic, for all breakers.
        draw: a number in [0, 1).
    """

    policy: HealingPolicy
    enabled: bool
    clock: Clock
    draw: Callable[[], float]
    adaptation: Adaptation = field(default_factory=Adaptation)
    _guards: dict[str, Guard] = field(default_factory=dict)
    _where: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def guard(self, name: str, where: Mapping[str, str]) -> Guard:
        """The guard of this dependency, the same for every caller.

        Raises:
            ConfigRefused: it exists, described otherwise.
        """
        with self._lock:
            if name not in self._guards:
                self._where[name] = dict(where)
                parameters = self._parameters(name, self.adaptation).breaker
                self._guards[name] = Guard(Breaker(name, parameters, self.clock, self.draw))
            elif where and dict(where) != self._where[name]:
                raise ConfigRefused(
                    f"dependency `{name}` is guarded already, as {self._where[name]}, not {where}"
                )
            return self._guards[name]

    def apply(self, adaptation: Adaptation) -> None:
        """Put a configuration, already found legal, in force for all breakers, also new ones."""
        with self._lock:
            self.adaptation = adaptation
            for name, guard in self._guards.items():
                guard.breaker.reconfigure(self._parameters(name, adaptation).breaker)

    def edge(self, where: Mapping[str, str], name: str = "") -> EdgeParameters:
        """What holds on an edge to a dependency of this description, guarded here or not."""
        return self._merged(self.policy.for_edge(where), name, self.adaptation)

    def phases(self) -> dict[str, str]:
        """The phase of each breaker, by dependency."""
        with self._lock:
            return {name: guard.breaker.phase for name, guard in self._guards.items()}

    def _parameters(self, name: str, adaptation: Adaptation) -> EdgeParameters:
        return self._merged(self.policy.for_edge(self._where[name]), name, adaptation)

    def _merged(
        self, edge: EdgeParameters, name: str, adaptation: Adaptation
    ) -> EdgeParameters:
        breaker: BreakerParameters = adaptation.of_group("breaker", edge.breaker, name)
        if not self.enabled:
            breaker = dataclasses.replace(breaker, enabled=False)
        return EdgeParameters(
            breaker,
            adaptation.of_group("retry", edge.retry, name),
            adaptation.of_group("timeout", edge.timeout, name),
        )
