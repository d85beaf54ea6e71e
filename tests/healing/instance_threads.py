"""32 threads that report, heal, configure and read one instance at once."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

from hms.agents.healing import (
    AdaptiveConfig,
    Custom,
    HealingAction,
    HealthMetrics,
    Issue,
    NoAction,
    RecoveryLevel,
    create_full_self_healing,
)
from hms.agents.healing.clock import FakeClock
from hms.errors import ConfigRefused, HealingFailed

THREADS = 32
SWITCH_S = 1e-6


class Alone:
    """A strategy that notices when it is not alone."""

    verification_s = 0.5

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.done = 0

    def name(self) -> str:
        return "alone"

    def can_handle(self, issue: Issue) -> bool:
        return True

    async def recover(self, issue: Issue) -> HealingAction:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(0)
        self.inside -= 1
        self.done += 1
        return Custom(str(self.done))

    def priority(self) -> int:
        return 0

    def level(self) -> RecoveryLevel:
        return RecoveryLevel.LOW


class Mixed:
    """One instance under all of them; what is torn is collected."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.clock = FakeClock()
        self.healing = create_full_self_healing("cart", clock=self.clock, store="memory")
        self.strategy = Alone()
        self.healing.register_strategy(self.strategy)
        self.torn: list[str] = []
        self.failures: list[BaseException] = []
        self.accepted = 0
        self.applied = 0
        self.answers: list[HealingAction] = []
        self.lock = threading.Lock()
        asyncio.run(self.healing.initialize())

    def run(self) -> None:
        """All threads, to their end."""
        before_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        try:
            kinds: list[Callable[[int], None]] = [
                self.reports, self.heals, self.configures, self.reads
            ]
            threads = [
                threading.Thread(target=self.guarded, args=(kinds[number % 4], number))
                for number in range(THREADS)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(before_s)

    def guarded(self, work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - to the test, whatever it is
            self.failures.append(error)

    def reports(self, number: int) -> None:
        accepted = 0
        for step in range(self.steps):
            value = float((number * self.steps + step) % 100)
            metrics = HealthMetrics(value, value, value, value, value, {"same": value})
            with self.lock:
                self.clock.advance(0.05)
            accepted += self.healing.report(metrics)
        with self.lock:
            self.accepted += accepted

    def heals(self, number: int) -> None:
        async def all_steps() -> None:
            for _ in range(self.steps):
                try:
                    answer = await self.healing.heal()
                except HealingFailed:
                    continue
                with self.lock:
                    self.answers.append(answer)

        asyncio.run(all_steps())

    def configures(self, number: int) -> None:
        async def all_steps() -> None:
            applied = 0
            for step in range(self.steps):
                calls = 5 + (number + step) % 50
                wanted = {"circuit_breaker": {"window_calls": calls, "minimum_calls": calls}}
                stamp = float(step + 1)
                try:
                    await self.healing.apply_config(AdaptiveConfig(wanted, f"t{number}", stamp))
                    applied += 1
                except ConfigRefused as error:
                    self.torn.append(f"refused: {error}")
            with self.lock:
                self.applied += applied

        asyncio.run(all_steps())

    def reads(self, number: int) -> None:
        async def all_steps() -> None:
            for _ in range(self.steps):
                self.look_at(await self.healing.health_metrics())
                status: Any = await self.healing.check_health()
                if status.severity and not status.reason:
                    self.torn.append(f"{status} has no reason")
                in_force = self.healing.configuration.in_force.values
                pair = {in_force.get(f"breaker.{key}") for key in ("window_calls", "minimum_calls")}
                if len(pair) != 1:
                    self.torn.append(f"half a configuration: {pair}")
                guard = self.healing.guard("db")
                guard(lambda: None)()

        asyncio.run(all_steps())

    def look_at(self, metrics: HealthMetrics) -> None:
        seen = {
            metrics.cpu_usage_percent, metrics.memory_usage_mb, metrics.response_time_ms,
            metrics.error_rate_percent, metrics.throughput_rps,
            metrics.custom.get("same", metrics.cpu_usage_percent),
        }
        if len(seen) != 1:
            self.torn.append(f"a torn report: {metrics}")

    def check(self) -> None:
        """What must hold in the end."""
        assert self.failures == []
        assert self.torn == []
        healing = self.healing
        threads = THREADS // 4
        assert self.accepted + healing.refused_reports == threads * self.steps
        assert healing.health.accepted == self.accepted
        assert self.applied == healing.configuration_version == threads * self.steps
        assert healing.guard("db").metrics().ok == threads * self.steps
        assert self.strategy.most <= 1
        made = healing.action_counts
        assert made["Custom"] == self.strategy.done
        assert len(self.answers) >= made["Custom"]
        assert all(isinstance(each, Custom | NoAction) for each in self.answers)
