"""An instance's own loop: collect, look, heal, and wait a jittered while (5.1)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from hms.agents.healing.breaker.metrics import BreakerMetrics
from hms.agents.healing.health.collector import ProcessCollector
from hms.agents.healing.health.guard_feed import GuardFeed
from hms.agents.healing.interface import HealthMetrics, HealthStatus, Healthy
from hms.agents.healing.telemetry.log_lines import say_status
from hms.errors import HealingFailed, HmsError, InvariantBroken

if TYPE_CHECKING:
    from hms.agents.healing.standalone import StandaloneSelfHealing

INTERVAL_S = 1.0
JITTER_SHARE = 0.1  # of the interval: instances of one host spread by themselves
log = logging.getLogger("hms.healing")


class HealLoop:
    """Checks and heals one instance until it is stopped.

    Args:
        host: the instance.
        interval_s: between two rounds; chance takes up to a tenth off.
        pause: waits so many seconds, and returns early when the event is set.

    Attributes:
        rounds: done so far.
        errors: rounds that raised something unforeseen; it is logged, and the loop goes on.
    """

    def __init__(
        self,
        host: StandaloneSelfHealing,
        interval_s: float = INTERVAL_S,
        pause: Callable[[asyncio.Event, float], Awaitable[None]] | None = None,
    ) -> None:
        self.host = host
        self.interval_s = interval_s
        self.rounds = 0
        self.errors = 0
        self._pause = pause or pause_for
        self._collector = ProcessCollector()
        self._feed = GuardFeed(self._breakers, host.ladder.parameters.health.window_s)
        self._stopping: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._after: asyncio.Future[None] | None = None
        self._own_reports = 0
        self._cut_off: frozenset[str] = frozenset()
        self._told: type[HealthStatus] = Healthy

    @property
    def is_running(self) -> bool:
        """Whether rounds are being made."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin, on the running event loop; while it runs already, nothing."""
        if self.is_running:
            return
        self._stopping = asyncio.Event()
        name = f"heal {self.host.config.component_id}"
        self._task = asyncio.get_running_loop().create_task(self._run(self._stopping), name=name)

    async def stop(self) -> None:
        """No further round; the one under way ends first, as its own time-out allows.

        Raises:
            InvariantBroken: that ended the loop, under HMS_CHECK=1.
        """
        task, stopping = self._task, self._stopping
        if task is not None and stopping is not None:
            stopping.set()
            patience_s = self.host.config.healing_timeout + self.interval_s
            await asyncio.wait({task}, timeout=patience_s)
        for left in (task, self._after):
            if left is not None and not left.done():
                left.cancel()
                await asyncio.wait({left})
        self._task = None
        if task is not None and not task.cancelled() and task.done():
            task.result()

    async def _run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self.round()
            spread = 1.0 - JITTER_SHARE * self.host.draw()
            await self._pause(stopping, self.interval_s * spread)

    async def round(self) -> None:
        """One look, and what follows from it."""
        host = self.host
        self.rounds += 1
        try:
            self._collect()
            self._tell(await host.check_health())
            await self._take_guidance()
            await host.heal()
            self._begin_after()
        except InvariantBroken:  # under HMS_CHECK=1 only, and there it must be seen
            raise
        except HealingFailed as error:
            log.warning("%s: %s", host.config.component_id, error)
        except Exception as error:  # noqa: BLE001 - the loop outlives whatever a round raises
            self.errors += 1
            log.error("%s: a round of healing raised %r", host.config.component_id, error)

    def _tell(self, status: HealthStatus) -> None:
        """Say how the component is: to the supervisor each time, in the log when it changes."""
        self.host.escalated.report(status)
        if type(status) is not self._told:
            self._told = type(status)
            say_status(self.host.config.component_id, status)

    def _begin_after(self) -> None:
        """What takes longer than a round goes on beside the rounds, one at a time."""
        if self._after is None or self._after.done():
            self._after = asyncio.ensure_future(self._afterwards())

    async def _afterwards(self) -> None:
        try:
            await self.host.after_round()
        except Exception as error:  # noqa: BLE001 - the loop outlives whatever it raises
            self.errors += 1
            log.error("%s: after a round: %r", self.host.config.component_id, error)

    def _collect(self) -> None:
        """Report what the process and its guarded calls show, unless the component reports.

        Who has reported as often as enters a state is left to it for good: a report in between,
        of calls that nobody made, would say each time that all is well again, and that the
        component still reports when it no longer does.
        """
        host = self.host
        reported, self._own_reports = self._own_reports, host.own_reports
        if host.own_reports >= host.ladder.parameters.health.reports_in:
            host.end_filling()
        elif host.own_reports == reported:
            now_s = host.clock.now_s()
            cpu_percent, memory_mb = self._collector.sample(now_s)
            seen = host.traffic or self._feed  # what it answers says more than what it asks for
            cut_off = frozenset(host.condition.cut_off())
            if cut_off - self._cut_off:
                seen.begin_anew()
            self._cut_off = cut_off
            host.fill_in(HealthMetrics(cpu_percent, memory_mb, *seen.sample(now_s)))

    def _breakers(self) -> dict[str, BreakerMetrics]:
        guards = self.host.dependencies.guards()
        return {name: guard.breaker.metrics() for name, guard in guards.items()}

    async def _take_guidance(self) -> None:
        guided = self.host.escalated.guidance()
        if guided is None:
            return
        try:
            await self.host.door("supervisor").apply_config(guided)
        except HmsError as error:
            log.warning("%s: guidance refused: %s", self.host.config.component_id, error)


async def pause_for(stopping: asyncio.Event, span_s: float) -> None:
    """Wait, at most until the loop is stopped."""
    waiting = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({waiting}, timeout=span_s)
    waiting.cancel()
