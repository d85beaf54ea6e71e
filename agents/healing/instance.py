"""What every self-healing instance consists of, and what its levels may do otherwise.

The doors (3.1) stand in standalone.py; who heals, loops, remembers or persists is made when
first needed, so that a component that never falls ill pays for nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from hms.agents.healing.calls.dependencies import Dependencies
from hms.agents.healing.clock import Clock, MonotonicClock
from hms.agents.healing.configuration.adapted_values import Adaptation
from hms.agents.healing.configuration.config import HealingLevel, UnifiedHealingConfig
from hms.agents.healing.configuration.description import require_described
from hms.agents.healing.default_policy import policy_of
from hms.agents.healing.health.condition import Condition
from hms.agents.healing.health.health import HealthMonitor
from hms.agents.healing.interface import Issue, Supervisor
from hms.agents.healing.learning.learning import Effectiveness
from hms.agents.healing.recovery.act_ledger import ActLedger
from hms.agents.healing.recovery.attempts import AttemptHistory
from hms.agents.healing.recovery.escalation import Escalations
from hms.agents.healing.recovery.ladder import Ladder
from hms.agents.healing.recovery.recovery import RecoveryRegistry, Registered
from hms.agents.healing.recovery.treatment import Situation
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.policy_values import ROWS
from hms.errors import ConfigRefused, NotInitialized

if TYPE_CHECKING:
    from pathlib import Path

    from hms.agents.healing.configuration.configuration import Configuration
    from hms.agents.healing.configuration.kill_switch import KillSwitch
    from hms.agents.healing.invariants import InvariantWatch
    from hms.agents.healing.learning.incidents import IncidentBook
    from hms.agents.healing.persistence import Persistence
    from hms.agents.healing.store.recorder import Recorder
    from hms.agents.healing.store.store import Store


def switch_of(given: Any, clock: Clock) -> KillSwitch | None:
    """The kill switch that is meant; None where there is none to be read."""
    if given is None and not os.environ.get("HMS_KILL_SWITCH"):
        return None
    from hms.agents.healing.configuration.kill_switch import (
        KillSwitch,  # it logs, and most have none
    )

    return given if isinstance(given, KillSwitch) else KillSwitch(given, clock)


def chance() -> Callable[[], float]:
    """Draws numbers in [0, 1)."""
    from random import random  # it takes longer to load than most of an instance

    return random


class TrafficSource(Protocol):
    """Counts the requests that a component answers; see `adapters.traffic`."""

    def sample(self, now_s: float) -> tuple[float, float, float]:
        """Response time in ms, errors in percent, requests a second."""
        ...

    def begin_anew(self) -> None:
        """Forget what was counted so far: a dependency has just been cut off."""
        ...


class HealingInstance:
    """The parts of one instance; threads may share it.

    Args:
        config: the six static fields (6.1).
        policy: parameters and ladders, or the file that holds them; without, the level's own.
        clock: monotonic; tests give one they move.
        draw: a number in [0, 1), for jitter.
        wall: seconds since 1970, to tell a sender whose clock runs ahead.
        kind: what the component is (service, store, queue), for a policy's overrides.
        criticality: low, normal or high, likewise.
        memory_limit_mb: 0 if unknown, then memory is not judged.
        interval_s: between reports, where the component knows; 0: as the parameters say.
        replicas: of this component that serve, this one counted in; the last one is
            disrupted only while it fails those who ask it.
        store: where state is kept: a store, a URL, "memory"; None: the default file.
        instance_id: tells replicas of one component apart; this host's name when empty.
        supervisor: who is told of what cannot be healed here.
        kill_switch: a file or a function that stops all acts; None: HMS_KILL_SWITCH.
        shadow: whether acts are only decided until a configuration says otherwise.
    """

    level: ClassVar[HealingLevel] = HealingLevel.BASIC

    def __init__(
        self,
        config: UnifiedHealingConfig,
        policy: HealingPolicy | Path | str | None = None,
        *,
        clock: Clock | None = None,
        draw: Callable[[], float] | None = None,
        wall: Callable[[], float] = time.time,
        kind: str = "service",
        criticality: str = "normal",
        memory_limit_mb: float = 0.0,
        interval_s: float = 0.0,
        replicas: float = 1.0,
        store: Store | str | None = None,
        instance_id: str = "",
        supervisor: Supervisor | None = None,
        kill_switch: Any = None,
        shadow: bool = False,
    ) -> None:
        """Build an instance that is not yet initialised.

        Raises:
            PolicyError: the policy's file is not there, or has mistakes.
            ConfigRefused: the configuration asks for another implementation, or `kind` or
                `criticality` is none.
        """
        if config.level is not self.level:
            raise ConfigRefused(
                f"level {config.level.value} is not {type(self).__name__}'s\n"
                f"    expected: {self.level.value}"
            )
        self.config = config
        self.policy = policy_of(policy, self.level)
        self.where = {
            "kind": kind, "criticality": criticality, "level": config.level.value.lower()
        }
        require_described(self.where)
        self.clock: Clock = clock or MonotonicClock()
        self.draw, self.wall = draw or chance(), wall
        self.lock = threading.RLock()
        self.kill_switch = switch_of(kill_switch, self.clock)
        parameters = self.policy.for_component(self.where)
        self.dependencies = Dependencies(
            self.policy, config.circuit_breaker_enabled, self.clock, self.draw
        )
        self.condition = Condition(
            HealthMonitor(parameters.health, memory_limit_mb, interval_s), Ladder(parameters),
            self.dependencies, replicas,
        )
        self._configuration: Configuration | None = None
        self.registry = RecoveryRegistry(self.dependencies)
        self.attempts = AttemptHistory()
        self.effectiveness = Effectiveness()
        self.incidents: IncidentBook | None = None
        self.ledger = ActLedger(instance_id or "1")
        self.escalated = Escalations(config.component_id, supervisor)
        self._store, self._wanted, self._shadow = store, instance_id, shadow
        self._persistence: Persistence | None = None
        self._initialized = False
        self.traffic: TrafficSource | None = None
        self.watch: InvariantWatch | None = None  # made with the first look

    @property
    def health(self) -> HealthMonitor:
        """Reports, status and history."""
        return self.condition.health

    @property
    def configuration(self) -> Configuration:
        """What was changed at run time; made when first asked for."""
        if self._configuration is None:
            from hms.agents.healing.configuration.configuration import Configuration

            with self.lock:
                if self._configuration is None:
                    self._configuration = Configuration(
                        self.policy, self.wall, self._install, starts_in_shadow=self._shadow,
                        lock=self.lock,
                    )
        return self._configuration

    @property
    def ladder(self) -> Ladder:
        """The policy's ladder and its states."""
        return self.condition.ladder

    @property
    def supervisor(self) -> Supervisor | None:
        """Who is told of what cannot be healed here."""
        return self.escalated.supervisor

    @property
    def recorder(self) -> Recorder | None:
        """What writes to the store; None where state is kept in memory only."""
        return self._persistence.recorder if self._persistence is not None else None

    @property
    def instance_id(self) -> str:
        """Which of the component's instances this is."""
        return self.ledger.owner

    def situation(self, now_s: float) -> Situation:
        """What is wrong now; the lock is held."""
        return self.condition.situation(now_s)

    def look_at(self, found: Situation) -> None:
        """Called at each round of healing with what is wrong; higher levels learn from it."""

    async def after_round(self) -> None:
        """Called by the loop after each round that went well."""

    def will_disrupt(self) -> None:
        """Called before an act that takes the component out of service."""

    def keep_incident(self, found: Situation) -> None:
        """Note what is wrong, or that it is over, where incidents are kept."""
        if self.incidents is not None:
            with self.lock:
                self.incidents.look(found.issue, self.health.latest, self.clock.now_s())

    def ordered(self, issue: Issue, strategies: list[Registered]) -> list[Registered]:
        """In which order strategies are asked; here as level, priority and registration say."""
        return strategies

    def learn(self, issue: str, by: str, *, helped: bool) -> None:
        """Take in whether something helped against a kind of issue."""
        with self.lock:
            count = self.effectiveness.learn(issue, by, helped=helped)
        if self._persistence is not None:
            self._persistence.tell_effectiveness(issue, by, count.tried, count.effective)

    def held_back_by(self) -> str:
        """Why no act is done now; empty when acts are done."""
        if self.watch is not None and self.watch.why:
            return self.watch.why
        if self.kill_switch is not None and self.kill_switch.state() != "act":
            return "kill switch: observing only"
        return "shadow mode" if self.configuration.shadow else ""

    def escalate(self, issue: Issue, attempts: tuple[str, ...]) -> None:
        """Tell the supervisor, once an illness."""
        self.escalated.tell(issue, attempts)

    def forget_escalations(self) -> None:
        """After a calm an illness is new."""
        self.escalated.forget()

    async def _remember(self) -> None:
        """Open the store and restore what it holds, once."""
        from hms.agents.healing.store.place import store_at

        store = store_at(self._store)
        if store is None or self._persistence is not None:
            return
        from hms.agents.healing.persistence import Persistence

        self._persistence = Persistence(self, store, self._wanted)  # type: ignore[arg-type]
        await self._persistence.start()

    def _install(self, in_force: Adaptation) -> None:
        """Put a configuration, already found legal, to work."""
        self.dependencies.apply(in_force)
        parameters = in_force.of_component(self.ladder_policy(), self.where)
        self.ladder.parameters = parameters
        self.health.reconfigure(parameters.health)

    def policy_in_force(self) -> HealingPolicy:
        """The policy with what was changed at run time, for whoever is to make it better."""
        held = self.configuration.in_force
        values = {path: value for path, value in held.values.items() if path in ROWS}
        policy = self.policy.with_values(values)
        for issue, ladder in {**self.ladder_policy().recovery, **held.recovery}.items():
            policy = policy.with_ladder(issue, ladder)
        return policy

    def ladder_policy(self) -> HealingPolicy:
        """The policy whose ladders are in use."""
        return self.policy

    @property
    def is_initialized(self) -> bool:
        """Whether `initialize()` was called."""
        return self._initialized

    def require_initialized(self) -> None:
        """Refuse to be asked too early.

        Raises:
            NotInitialized: `initialize()` was not called.
        """
        if not self._initialized:
            raise NotInitialized(
                f"`{self.config.component_id}` is not initialised\n"
                "    expected: await initialize() first"
            )
