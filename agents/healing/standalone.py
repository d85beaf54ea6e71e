"""The standalone implementation (4.1): breakers, thresholds, and the ladder of a policy.

One instance heals one component. What it decides, `agents.policy` decides; this file is the
door: who asks, what was reported, and who is asked for help.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from hms.agents.healing.act_ledger import ActLedger
from hms.agents.healing.actions import HealingAction
from hms.agents.healing.adaptation import Adaptation, read_adaptation, timestamp_fault
from hms.agents.healing.attempts import Attempt, AttemptHistory
from hms.agents.healing.clock import Clock, MonotonicClock
from hms.agents.healing.condition import Condition
from hms.agents.healing.config import AdaptiveConfig, HealingLevel, UnifiedHealingConfig
from hms.agents.healing.default_policy import default_policy
from hms.agents.healing.dependencies import Dependencies
from hms.agents.healing.escalation import Escalations
from hms.agents.healing.guard import Guard
from hms.agents.healing.health import HealthMonitor
from hms.agents.healing.interface import (
    HealthMetrics,
    HealthStatus,
    Issue,
    RecoveryStrategy,
    Supervisor,
)
from hms.agents.healing.ladder import Ladder
from hms.agents.healing.recovery import RecoveryRegistry, Registered, Target, Undo
from hms.agents.healing.single_flight import SingleFlight
from hms.agents.healing.treatment import Situation
from hms.agents.policy.healing_policy import ComponentParameters, HealingPolicy
from hms.errors import ConfigRefused, NotInitialized

if TYPE_CHECKING:
    from types import TracebackType

    from hms.agents.healing.healer import Healer
    from hms.agents.healing.loop import HealLoop
    from hms.agents.healing.synchronous import SynchronousHealing
    from hms.agents.healing.virtual_agent import VirtualAgent


class StandaloneSelfHealing:
    """Self-healing of one component within its own process; threads may share it.

    Args:
        config: the six static fields (6.1).
        policy: parameters and ladders; without, the level's own.
        clock: monotonic; tests give one they move.
        draw: a number in [0, 1), for jitter.
        wall: seconds since 1970, to tell a sender whose clock runs ahead.
        kind: what the component is (service, store, queue), for a policy's overrides.
        criticality: low, normal or high, likewise.
        memory_limit_mb: 0 if unknown, then memory is not judged.
        replicas: of this component that serve, this one counted in; the last one is
            disrupted only while it fails those who ask it.
        instance_id: tells replicas of one component apart.
        supervisor: who is told of what cannot be healed here.
        kill_switch: whether acts are done now; asked before each.
    """

    level: ClassVar[HealingLevel] = HealingLevel.BASIC

    def __init__(
        self,
        config: UnifiedHealingConfig,
        policy: HealingPolicy | None = None,
        *,
        clock: Clock | None = None,
        draw: Callable[[], float] = random.random,
        wall: Callable[[], float] = time.time,
        kind: str = "service",
        criticality: str = "normal",
        memory_limit_mb: float = 0.0,
        replicas: float = 1.0,
        instance_id: str = "1",
        supervisor: Supervisor | None = None,
        kill_switch: Any = None,
    ) -> None:
        """Build an instance that is not yet initialised.

        Raises:
            ConfigRefused: the configuration asks for another implementation.
        """
        if config.level is not self.level:
            raise ConfigRefused(
                f"level {config.level.value} is not {type(self).__name__}'s\n"
                f"    expected: {self.level.value}"
            )
        self.config = config
        self.policy = policy or default_policy(self.level)
        self.where = {
            "kind": kind, "criticality": criticality, "level": config.level.value.lower()
        }
        self.instance_id = instance_id
        self.clock: Clock = clock or MonotonicClock()
        self.draw, self.wall = draw, wall
        self.lock = threading.RLock()
        self.kill_switch = kill_switch
        self.shadow = False
        self.configuration_version = 0
        self.refused_configurations = 0
        parameters = self.policy.for_component(self.where)
        self.dependencies = Dependencies(
            self.policy, config.circuit_breaker_enabled, self.clock, draw
        )
        self.condition = Condition(
            HealthMonitor(parameters.health, memory_limit_mb), Ladder(parameters),
            self.dependencies, replicas,
        )
        self.registry = RecoveryRegistry()
        self.attempts = AttemptHistory()
        self.ledger = ActLedger(instance_id)
        self.escalated = Escalations(config.component_id, supervisor)
        self._newest_s: dict[str, float] = {}
        self._initialized = False
        self._healer: Healer | None = None
        self._flight: SingleFlight[HealingAction] = SingleFlight(self._heal_once)
        self._loop: HealLoop | None = None

    async def initialize(self) -> None:
        """Make the instance ready; calling it again changes nothing."""
        self._initialized = True

    async def check_health(self) -> HealthStatus:
        """Say how well the component is; changes nothing.

        Raises:
            NotInitialized: `initialize()` was not called.
        """
        self._require_initialized()
        with self.lock:
            return self.condition.status(self.clock.now_s())

    async def health_metrics(self) -> HealthMetrics:
        """The latest accepted report; zeros before the first.

        Raises:
            NotInitialized: `initialize()` was not called.
        """
        self._require_initialized()
        return self.condition.health.latest

    async def heal(self) -> HealingAction:
        """Take at most one action; callers at the same time share one answer.

        A caller that is cancelled leaves the action alone.

        Returns:
            What was done; `NoAction` while healthy, while an earlier act may still work, and
            where nothing may be done now.

        Raises:
            NotInitialized: `initialize()` was not called.
            HealingFailed: every strategy that could handle the issue failed; the supervisor
                has been told.
        """
        self._require_initialized()
        return await self._flight.run()

    def report(
        self,
        metrics: HealthMetrics,
        *,
        reported_at_s: float | None = None,
        sequence: int | None = None,
    ) -> bool:
        """Hand in a report; False if it cannot be believed, which is counted.

        Args:
            metrics: in the specification's units.
            reported_at_s: when it was made, on the instance's clock, if it travelled.
            sequence: its number, rising, if the sender counts.

        Raises:
            NotInitialized: `initialize()` was not called.
        """
        if not self._initialized:
            self._require_initialized()
        with self.lock:
            return self.condition.report(
                metrics, self.clock.now_s(), reported_at_s=reported_at_s, sequence=sequence
            )

    def guard(self, dependency: str, **where: str) -> Guard:
        """The guard of a dependency; legal before `initialize()`, for decorators.

        Args:
            dependency: its name.
            **where: what it is (kind, criticality, level, edge, protocol), for overrides.

        Raises:
            ConfigRefused: it is guarded already, described otherwise.
        """
        return self.dependencies.guard(dependency, where)

    def register_strategy(self, strategy: RecoveryStrategy) -> None:
        """Add a custom or built-in strategy (5.2)."""
        with self.lock:
            self.registry.register_strategy(strategy)

    def register_target(self, act: str, target: Target, undo: Undo | None = None) -> None:
        """Say who carries out an act of the policy's ladder, such as "restart"."""
        with self.lock:
            self.registry.register_target(act, target, undo)

    @property
    def health(self) -> HealthMonitor:
        """Reports, status and history."""
        return self.condition.health

    @property
    def ladder(self) -> Ladder:
        """The policy's ladder and its states."""
        return self.condition.ladder

    @property
    def history(self) -> Sequence[Attempt]:
        """What was tried, oldest first."""
        with self.lock:
            return tuple(self.attempts)

    @property
    def action_counts(self) -> Mapping[str, int]:
        """How often `heal()` answered with each of the seven actions (7.3)."""
        with self.lock:
            return self.attempts.counts

    @property
    def issue(self) -> Issue | None:
        """What is wrong now, None while nothing is."""
        with self.lock:
            return self.condition.situation(self.clock.now_s()).issue

    @property
    def escalations(self) -> int:
        """Illnesses that were beyond this instance."""
        return self.escalated.told

    @property
    def supervisor(self) -> Supervisor | None:
        """Who is told of them."""
        return self.escalated.supervisor

    @property
    def refused_reports(self) -> int:
        """Reports that could not be believed, since the start."""
        return sum(self.health.refused.values())

    async def apply_config(self, config: AdaptiveConfig) -> None:
        """Take over a configuration, all of it or nothing (6.2).

        Raises:
            NotInitialized: `initialize()` was not called.
            ConfigRefused: a mistake in it, all of them named, or it is older than the last
                one of its source, or from the future.
        """
        self._require_initialized()
        with self.lock:
            newest_s = self._newest_s.get(config.source)
            fault = timestamp_fault(config, newest_s, self.wall())
            try:
                if fault:
                    raise ConfigRefused(f"{fault}\n    expected: a newer timestamp, in seconds")
                held = self.dependencies.adaptation
                adaptation = held.then(read_adaptation(config, self.policy, held))
            except ConfigRefused:
                self.refused_configurations += 1
                raise
            self._put_in_force(adaptation)
            self._newest_s[config.source] = config.timestamp
            self.configuration_version += 1

    def in_virtual_time(self, edges: Sequence[tuple[str, Mapping[str, str]]]) -> VirtualAgent:
        """This instance's decisions, to be stepped by a simulator.

        Args:
            edges: name and description of each dependency, in the simulator's order.
        """
        from hms.agents.healing.virtual_agent import EdgeDecisions, VirtualAgent

        with self.lock:
            decisions = [
                EdgeDecisions(self.dependencies.edge(where, name)) for name, where in edges
            ]
            return VirtualAgent(
                self.ladder.parameters, decisions, acts=self.config.auto_healing_enabled
            )

    def synchronous(self) -> SynchronousHealing:
        """The same methods, blocking, for threads; a context manager."""
        from hms.agents.healing.synchronous import SynchronousHealing

        return SynchronousHealing(self)

    async def __aenter__(self) -> Self:
        """Initialise, and check and heal from now on, in a loop of the instance's own (5.1)."""
        from hms.agents.healing.loop import HealLoop

        await self.initialize()
        if self._loop is None:
            self._loop = HealLoop(self)
        self._loop.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the loop; a heal under way ends first, or is cut off by its time-out."""
        await self.close()

    async def close(self) -> None:
        """Stop the loop and let go of what the instance holds; again: changes nothing."""
        if self._loop is not None:
            await self._loop.stop()
        await self._flight.finished(self.config.healing_timeout)

    def situation(self, now_s: float) -> Situation:
        """What is wrong now; the lock is held."""
        return self.condition.situation(now_s)

    def look_at(self, found: Situation) -> None:
        """Called at each round of healing with what is wrong; higher levels learn from it."""

    async def after_round(self) -> None:
        """Called by the loop after each round that went well."""

    def calls_since_last_look(self) -> tuple[float, float, float]:
        """Response (ms), errors (percent) and throughput (1/s) of guarded calls."""
        return 0.0, 0.0, 0.0

    async def take_guidance(self, config: AdaptiveConfig) -> None:
        """What the supervisor wants configured."""
        await self.apply_config(config)

    def ordered(self, issue: Issue, strategies: list[Registered]) -> list[Registered]:
        """In which order strategies are asked; here as level, priority and registration say."""
        return strategies

    def learn(self, issue: str, by: str, *, helped: bool) -> None:
        """Take in whether something helped against a kind of issue."""

    def held_back_by(self) -> str:
        """Why no act is done now; empty when acts are done."""
        if self.kill_switch is not None and self.kill_switch.state() != "act":
            return "kill switch: observing only"
        return "shadow mode" if self.shadow else ""

    def escalate(self, issue: Issue, attempts: tuple[str, ...]) -> None:
        """Tell the supervisor, once an illness."""
        self.escalated.tell(issue, attempts)

    def forget_escalations(self) -> None:
        """After a calm an illness is new."""
        self.escalated.forget()

    async def _heal_once(self) -> HealingAction:
        from hms.agents.healing.healer import Healer  # whoever never falls ill needs none

        if self._healer is None:
            self._healer = Healer(self)
        return await self._healer.once()

    def _put_in_force(self, adaptation: Adaptation) -> None:
        self.dependencies.apply(adaptation)
        parameters = self._component_parameters(adaptation)
        self.ladder.parameters = parameters
        self.health.reconfigure(parameters.health)

    def _component_parameters(self, adaptation: Adaptation) -> ComponentParameters:
        held = self.policy.for_component(self.where)
        return ComponentParameters(
            adaptation.of_group("concurrency", held.concurrency),
            adaptation.of_group("detection", held.detection),
            adaptation.of_group("guard", held.guard),
            held.recovery,
            adaptation.of_group("health", held.health),
        )

    def _require_initialized(self) -> None:
        if not self._initialized:
            raise NotInitialized(
                f"`{self.config.component_id}` is not initialised\n"
                "    expected: await initialize() first"
            )
