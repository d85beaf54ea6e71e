"""The standalone implementation (4.1): breakers, thresholds, and the ladder of a policy.

One instance heals one component. What it decides, `agents.policy` decides; this file knows
who asks, what was reported, and who carries an act out.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from hms.agents.healing.actions import HealingAction, NoAction
from hms.agents.healing.adaptation import Adaptation, read_adaptation, timestamp_fault
from hms.agents.healing.clock import Clock, MonotonicClock
from hms.agents.healing.config import AdaptiveConfig, HealingLevel, UnifiedHealingConfig
from hms.agents.healing.dependencies import Dependencies
from hms.agents.healing.guard import Guard
from hms.agents.healing.healing_round import HealingRound
from hms.agents.healing.health import HealthMonitor
from hms.agents.healing.interface import (
    Degraded,
    HealthMetrics,
    HealthStatus,
    Issue,
    RecoveryStrategy,
)
from hms.agents.healing.ladder import Ladder, observation_of
from hms.agents.healing.recovery import Attempt, RecoveryRegistry, Target
from hms.agents.policy.healing_policy import ComponentParameters, HealingPolicy
from hms.agents.policy.kinds import NO_ACTION
from hms.errors import ConfigRefused, HealingFailed, NotInitialized

if TYPE_CHECKING:
    from concurrent.futures import Future

    from hms.agents.healing.virtual_agent import VirtualAgent


class StandaloneSelfHealing:
    """Self-healing of one component within its own process; threads may share it.

    Args:
        config: the six static fields (6.1).
        policy: parameters and ladders; the defaults act on nothing.
        clock: monotonic; tests give one they move.
        draw: a number in [0, 1), for jitter.
        wall: seconds since 1970, to tell a sender whose clock runs ahead.
        kind: what the component is (service, store, queue), for a policy's overrides.
        criticality: low, normal or high, likewise.
        memory_limit_mb: 0 if unknown, then memory is not judged.
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
        self.policy = policy or HealingPolicy()
        self.where = {
            "kind": kind, "criticality": criticality, "level": config.level.value.lower()
        }
        self.configuration_version = 0
        self.refused_configurations = 0
        self.escalations = 0
        self._clock = clock or MonotonicClock()
        self._draw, self._wall = draw, wall
        self._health = HealthMonitor(memory_limit_mb=memory_limit_mb)
        self._dependencies = Dependencies(
            self.policy, config.circuit_breaker_enabled, self._clock, draw
        )
        self._registry = RecoveryRegistry()
        self._ladder = Ladder(self.policy.for_component(self.where))
        self._newest_s: dict[str, float] = {}
        self._initialized = False
        self._under_way: Future[HealingAction] | None = None
        self._lock = threading.RLock()

    async def initialize(self) -> None:
        """Make the instance ready; calling it again changes nothing."""
        self._initialized = True

    async def check_health(self) -> HealthStatus:
        """Say how well the component is; changes nothing.

        Raises:
            NotInitialized: `initialize()` was not called.
        """
        self._require_initialized()
        return self._status()

    async def health_metrics(self) -> HealthMetrics:
        """The latest accepted report; zeros before the first.

        Raises:
            NotInitialized: `initialize()` was not called.
        """
        self._require_initialized()
        return self._health.latest

    def report(self, metrics: HealthMetrics) -> bool:
        """Hand in a report; False if it cannot be believed, which is counted.

        Raises:
            NotInitialized: `initialize()` was not called.
        """
        self._require_initialized()
        with self._lock:
            now_s = self._clock.now_s()
            if not self._health.report(metrics, now_s):
                return False
            seen = observation_of(
                metrics, self._health.memory_share, dependency_open=bool(self._open())
            )
            self._ladder.observe(seen, now_s)
            return True

    def guard(self, dependency: str, **where: str) -> Guard:
        """The guard of a dependency; legal before `initialize()`, for decorators.

        Args:
            dependency: its name.
            **where: what it is (kind, criticality, level, edge, protocol), for overrides.

        Raises:
            ConfigRefused: it is guarded already, described otherwise.
        """
        return self._dependencies.guard(dependency, where)

    def register_strategy(self, strategy: RecoveryStrategy) -> None:
        """Add a custom strategy (5.2)."""
        with self._lock:
            self._registry.register_strategy(strategy)

    def register_target(self, act: str, target: Target) -> None:
        """Say who carries out an act of the policy's ladder, such as "restart"."""
        with self._lock:
            self._registry.register_target(act, target)

    @property
    def history(self) -> Sequence[Attempt]:
        """What was tried, oldest first."""
        with self._lock:
            return tuple(self._registry.history)

    @property
    def refused_reports(self) -> int:
        """Reports that could not be believed, since the start."""
        return self._health.refused

    async def apply_config(self, config: AdaptiveConfig) -> None:
        """Take over a configuration, all of it or nothing (6.2).

        Raises:
            NotInitialized: `initialize()` was not called.
            ConfigRefused: a mistake in it, all of them named, or it is older than the last
                one of its source, or from the future.
        """
        self._require_initialized()
        with self._lock:
            newest_s = self._newest_s.get(config.source)
            fault = timestamp_fault(config, newest_s, self._wall())
            try:
                if fault:
                    raise ConfigRefused(f"{fault}\n    expected: a newer timestamp, in seconds")
                held = self._dependencies.adaptation
                adaptation = held.then(read_adaptation(config, self.policy, held))
            except ConfigRefused:
                self.refused_configurations += 1
                raise
            self._dependencies.apply(adaptation)
            self._ladder.parameters = self._component_parameters(adaptation)
            self._newest_s[config.source] = config.timestamp
            self.configuration_version += 1

    async def heal(self) -> HealingAction:
        """Take at most one action; callers at the same time share one answer.

        Returns:
            What was done, `NoAction` while healthy or while an earlier act may still work.

        Raises:
            NotInitialized: `initialize()` was not called.
            HealingFailed: every strategy that could handle the issue failed.
        """
        import asyncio  # both are slow to import, and whoever gets here has them
        from concurrent.futures import Future

        self._require_initialized()
        with self._lock:
            running = self._under_way
            if running is None:
                own: Future[HealingAction] = Future()
                self._under_way = own
        if running is not None:
            return await asyncio.shield(asyncio.wrap_future(running))
        try:
            action = await self._heal_once()
        except BaseException as error:
            self._under_way = None
            shared = error if isinstance(error, Exception) else HealingFailed(["cancelled"])
            own.set_exception(shared)
            raise
        self._under_way = None
        own.set_result(action)
        return action

    def in_virtual_time(self, edges: Sequence[tuple[str, Mapping[str, str]]]) -> VirtualAgent:
        """This instance's decisions, to be stepped by a simulator.

        Args:
            edges: name and description of each dependency, in the simulator's order.
        """
        from hms.agents.healing.virtual_agent import EdgeDecisions, VirtualAgent

        with self._lock:
            decisions = [
                EdgeDecisions(self._dependencies.edge(where, name)) for name, where in edges
            ]
            return VirtualAgent(
                self._ladder.parameters, decisions, acts=self.config.auto_healing_enabled
            )

    async def _heal_once(self) -> HealingAction:
        """Judge the last act, choose the next, and have it done."""
        with self._lock:
            if not self.config.auto_healing_enabled:
                return NoAction()
            status = self._status()
            if status.is_healthy and not self._ladder.is_ill and not self._ladder.is_waiting:
                return NoAction()
            issue = self._issue(status)
            act, after = self._ladder.next_period(self._clock.now_s(), self._draw())
            self.escalations += act.escalate
            if act.kind == NO_ACTION:
                self._ladder = after
                if after.is_waiting:
                    return NoAction()
        return await HealingRound(
            registry=self._registry,
            issue=issue,
            act=act,
            begin_act=lambda: self._go_on_with(after),
            note=self._note,
            timeout_s=self.config.healing_timeout,
            now_s=self._clock.now_s,
        ).run()

    def _go_on_with(self, ladder: Ladder) -> None:
        with self._lock:
            self._ladder = ladder

    def _note(self, attempt: Attempt) -> None:
        with self._lock:
            self._registry.note(attempt)

    def _status(self) -> HealthStatus:
        """What the reports say, at least Degraded while a dependency's breaker is open."""
        with self._lock:
            status = self._health.status()
            cut_off = self._open()
        if cut_off and status.is_healthy:
            return Degraded(f"breaker open: {', '.join(cut_off)}")
        return status

    def _issue(self, status: HealthStatus) -> Issue:
        kind = self._ladder.issue
        if kind == "none":
            kind = "dependency" if self._open() else "custom"
        latest = self._health.latest
        return Issue(
            kind=kind,
            severity=max(status.severity, 1),
            evidence=f"{latest.error_rate_percent:.3g} % errors, "
            f"{latest.response_time_ms:.3g} ms, {latest.memory_usage_mb:.4g} MB",
            since_s=self._ladder.since_s if self._ladder.is_ill else self._health.since_s,
            dependency_states=self._dependencies.phases(),
        )

    def _open(self) -> list[str]:
        return [name for name, phase in self._dependencies.phases().items() if phase == "open"]

    def _component_parameters(self, adaptation: Adaptation) -> ComponentParameters:
        held = self.policy.for_component(self.where)
        return ComponentParameters(
            adaptation.of_group("concurrency", held.concurrency),
            adaptation.of_group("detection", held.detection),
            adaptation.of_group("guard", held.guard),
            held.recovery,
        )

    def _require_initialized(self) -> None:
        if not self._initialized:
            raise NotInitialized(
                f"`{self.config.component_id}` is not initialised\n"
                "    expected: await initialize() first"
            )
