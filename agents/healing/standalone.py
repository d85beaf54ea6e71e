"""The standalone implementation (4.1): breakers, thresholds, and the ladder of a policy.

One instance heals one component. What it decides, `agents.policy` decides; this file holds the
doors: who asks, what was reported, and who is to be asked for help.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from hms.agents.healing.configuration.config import AdaptiveConfig
from hms.agents.healing.instance import HealingInstance
from hms.agents.healing.interface import HealthMetrics, HealthStatus, Issue, RecoveryStrategy
from hms.agents.healing.recovery.attempts import Attempt
from hms.agents.healing.recovery.recovery import Target, Undo
from hms.agents.healing.single_flight import SingleFlight

if TYPE_CHECKING:
    from types import TracebackType

    from hms.agents.healing.actions import HealingAction
    from hms.agents.healing.calls.guard import Guard
    from hms.agents.healing.configuration.configuration import Door
    from hms.agents.healing.loop import HealLoop
    from hms.agents.healing.recovery.healer import Healer
    from hms.agents.healing.synchronous import SynchronousHealing
    from hms.agents.healing.virtual_agent import VirtualAgent


class StandaloneSelfHealing(HealingInstance):
    """Self-healing of one component within its own process; threads may share it.

    Args and errors of the constructor: see `HealingInstance`.
    """

    def __init__(self, *given: Any, **settings: Any) -> None:
        """Build an instance that is not yet initialised."""
        super().__init__(*given, **settings)
        self._healer: Healer | None = None
        self._flight: SingleFlight[HealingAction] = SingleFlight(self._heal_once)
        self._loop: HealLoop | None = None
        self._is_filled_in = False
        self.own_reports = 0

    async def initialize(self) -> None:
        """Make the instance ready: open its store and go on from what that holds.

        Calling it again changes nothing; after `close` the store is gone on with. A store that
        does not answer is not waited for.
        """
        if not self._initialized:
            self._initialized = True
            await self._remember()
        elif self.recorder is not None:
            self.recorder.resume()

    async def check_health(self) -> HealthStatus:
        """Say how well the component is; changes nothing.

        Raises:
            NotInitialized: `initialize()` was not called.
        """
        self.require_initialized()
        with self.lock:
            return self.condition.status(self.clock.now_s())

    async def health_metrics(self) -> HealthMetrics:
        """The latest accepted report; zeros before the first.

        Raises:
            NotInitialized: `initialize()` was not called.
        """
        self.require_initialized()
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
        self.require_initialized()
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
            self.require_initialized()
        with self.lock:
            now_s = self.clock.now_s()
            if self._is_filled_in and metrics.says_custom_alone:
                return self.health.add_custom(metrics, now_s, reported_at_s, sequence)
            taken = self.condition.report(
                metrics, now_s, reported_at_s=reported_at_s, sequence=sequence
            )
            self.own_reports += taken
            return taken

    def fill_in(self, metrics: HealthMetrics) -> bool:
        """Report for a component that does not; its own custom metrics stay beside it."""
        with self.lock:
            self._is_filled_in = True
            whole = dataclasses.replace(metrics, custom=self.health.latest.custom)
            return self.condition.report(whole, self.clock.now_s())

    def end_filling(self) -> None:
        """From now on the component reports; how often is learned from its own reports."""
        with self.lock:
            if self._is_filled_in:
                self._is_filled_in = False
                self.health.learn_rhythm_anew()

    def guard(
        self,
        dependency: str,
        *,
        count: Any = (Exception,),
        ignore: Any = (),
        judge: Any = None,
        retry_after: Any = None,
        bulkhead: Any = None,
        fallback: Any = None,
        hedge: Any = None,
        idempotent: bool = True,
        timeout: Any = None,
        **where: str,
    ) -> Guard:
        """The guard of a dependency; legal before `initialize()`, for decorators.

        Args:
            dependency: its name.
            count, ignore, judge, retry_after, bulkhead, fallback, hedge, idempotent, timeout:
                see `GuardSettings`.
            **where: what it is (kind, criticality, level, edge, protocol), for overrides.

        Raises:
            ConfigRefused: it is guarded already, with other settings; or an argument that is
                none, or has no meaning.
        """
        from hms.agents.healing.calls.guard_settings import GuardSettings

        settings = GuardSettings(
            count, ignore, judge, retry_after, bulkhead, fallback, hedge, idempotent, timeout,
            where,
        )
        said = settings if settings.said() else None  # what says nothing is shared
        guard = self.dependencies.guard(dependency, None, said)
        if self._persistence is not None:
            self._persistence.guarded(guard)
        return guard

    def register_strategy(self, strategy: RecoveryStrategy) -> None:
        """Add a custom or built-in strategy (5.2)."""
        with self.lock:
            self.registry.register_strategy(strategy)

    def register_target(self, act: str, target: Target, undo: Undo | None = None) -> None:
        """Say who carries out an act of the policy's ladder, such as "restart"."""
        with self.lock:
            self.registry.register_target(act, target, undo)

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
    def refused_reports(self) -> int:
        """Reports that could not be believed, since the start."""
        return sum(self.health.refused.values())

    @property
    def broken_invariants(self) -> Mapping[str, int]:
        """Rules that always hold and did not, how often each; empty as long as all is right."""
        return {} if self.watch is None else dict(self.watch.counts)

    @property
    def configuration_version(self) -> int:
        """Rises by one with each change of configuration."""
        return 0 if self._configuration is None else self._configuration.version

    @property
    def refused_configurations(self) -> int:
        """Configurations that were refused, since the start."""
        return self.configuration.refused

    async def apply_config(self, config: AdaptiveConfig) -> None:
        """Take over a configuration, all of it or nothing (6.2), by the local door.

        Raises:
            NotInitialized: `initialize()` was not called.
            ConfigRefused: a mistake in it, all of them named, or it is older than the last
                one of its source, or from the future.
        """
        self.require_initialized()
        self.configuration.apply(config)

    def door(self, name: str) -> Door:
        """The right to configure as "local", "supervisor" or "operator"; give it with care.

        Raises:
            ConfigRefused: there is no such door.
        """
        from hms.agents.healing.configuration.configuration import Door

        return Door(name, self.configuration, self.require_initialized)

    def in_virtual_time(self, edges: Sequence[tuple[str, Mapping[str, str]]]) -> VirtualAgent:
        """This instance's decisions, to be stepped by a simulator.

        Args:
            edges: name and description of each dependency, in the simulator's order.
        """
        from hms.agents.healing.virtual_agent import EdgeDecisions, VirtualAgent

        with self.lock:
            decisions = [
                EdgeDecisions(self.dependencies.edge(where, name), name) for name, where in edges
            ]
            return VirtualAgent(
                self.ladder.parameters, decisions, acts=self.config.auto_healing_enabled,
                component_id=self.config.component_id,
            )

    def synchronous(self) -> SynchronousHealing:
        """The same methods, blocking, for threads; a context manager."""
        from hms.agents.healing.synchronous import SynchronousHealing

        return SynchronousHealing(self)

    def use_loop(self, loop: HealLoop) -> None:
        """Have this loop make the rounds: another interval, or a test's time."""
        self._loop = loop

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

    @property
    def is_looping(self) -> bool:
        """Whether its own loop checks and heals now."""
        return self._loop is not None and self._loop.is_running

    async def close(self) -> None:
        """Stop the loop and let go of what the instance holds; again: changes nothing."""
        if self._loop is not None:
            await self._loop.stop()
        await self._flight.finished(self.config.healing_timeout)
        if self._persistence is not None:
            await self._persistence.stop()

    @property
    def is_treating(self) -> bool:
        """Whether an act's effect is waited for."""
        treated = self._healer is not None and self._healer.treatment.under_way is not None
        return treated or self.ladder.is_waiting

    def has_nothing_left(self, issue: Issue, kind: int) -> bool:
        """Whether everything here that is for such an issue was tried, and did not help."""
        with self.lock:
            if not self.ladder.is_spent(kind):
                return False
            able = self.registry.able(issue, [], with_ladder=self.ladder.has_steps(kind))
            return all(each.trial is not None and each.trial.is_spent(kind) for each in able)

    async def _heal_once(self) -> HealingAction:
        from hms.agents.healing.recovery.healer import Healer  # whoever never falls ill needs none

        if self._healer is None:
            from hms.agents.healing.invariants import InvariantWatch

            self.watch = InvariantWatch(self)
            self._healer = Healer(self, self.watch)
        return await self._healer.once()
