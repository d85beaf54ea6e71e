"""Does a component that fell ill heal itself in time? The assertion of 8.3, with its reasons."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hms.agents.healing.clock import FakeClock, sleeper_of
from hms.agents.healing.loop import HealLoop
from hms.agents.healing.testing.virtual_loop import run

if TYPE_CHECKING:
    from hms.agents.healing.interface import HealthStatus
    from hms.agents.healing.recovery.attempts import Attempt
    from hms.agents.healing.standalone import StandaloneSelfHealing

Load = Callable[[], Any]
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Recovery:
    """How a component became well again.

    Attributes:
        ill_after_s: from the call of `recovers_within_s` until it was seen ill.
        took_s: from that call until it was well again.
        acts: what was done meanwhile, by name, in order.
    """

    ill_after_s: float
    took_s: float
    acts: tuple[str, ...]


@dataclass(slots=True)
class Watch:
    """One wait for a recovery."""

    healing: StandaloneSelfHealing
    within_s: float
    load: Load | None
    every_s: float
    raised: int = 0
    last_error: str = ""
    began_s: float = 0.0
    ill_at_s: float | None = None
    known: set[int] = field(default_factory=set)

    async def wait(self) -> Recovery:
        """Load, look and heal, again and again.

        Raises:
            AssertionError: it is not well in time, or never fell ill.
        """
        healing = self.healing
        await healing.initialize()
        rounds, sleeper = HealLoop(healing, self.every_s), sleeper_of(healing.clock)
        self.known = {each.number for each in healing.history}
        self.began_s = healing.clock.now_s()
        while True:
            await self._load_once()
            await rounds.round()
            status = await healing.check_health()
            now_s = healing.clock.now_s()
            if not status.is_healthy and self.ill_at_s is None:
                self.ill_at_s = now_s
            if status.is_healthy and self.ill_at_s is not None:
                acts = tuple(each.by for each in self._acts())
                return Recovery(self.ill_at_s - self.began_s, now_s - self.began_s, acts)
            if now_s - self.began_s >= self.within_s:
                raise AssertionError(self._told(status))
            await sleeper.sleep_async(self.every_s)

    async def _load_once(self) -> None:
        """What the component is asked to do; an ill one may refuse, which is no error here."""
        if self.load is None:
            return
        try:
            made = self.load()
            if inspect.isawaitable(made):
                await made
        except Exception as error:  # noqa: BLE001 - foreign code, shown when it matters
            self.raised += 1
            self.last_error = f"{type(error).__name__}: {error}"

    def _acts(self) -> list[Attempt]:
        return [each for each in self.healing.history if each.number not in self.known]

    def _told(self, status: HealthStatus) -> str:
        healing = self.healing
        name = healing.config.component_id
        if self.ill_at_s is None:
            lines = [f"{name} never fell ill within {self.within_s:g} s: nothing was tested"]
        else:
            lines = [
                f"{name} did not recover within {self.within_s:g} s",
                f"ill since: {self.ill_at_s - self.began_s:g} s",
            ]
        lines.append(f"status: {status}")
        if healing.issue is not None:
            lines.append(f"issue: {healing.issue.kind}, {healing.issue.evidence}")
        acts = self._acts()
        lines += [self._line(each) for each in acts[-SHOWN:]] or ["tried: nothing"]
        if healing.held_back_by():
            lines.append(f"acts are held back: {healing.held_back_by()}")
        for dependency, guard in sorted(healing.dependencies.guards().items())[:SHOWN]:
            if guard.breaker.phase != "closed":
                phase = f"breaker of `{dependency}` is {guard.breaker.phase}"
                lines.append(guard.explain() or phase)
        if self.raised:
            lines.append(f"load: {self.raised} raised, the last {self.last_error}")
        return "\n    ".join(lines)

    def _line(self, each: Attempt) -> str:
        became = each.verdict or "its effect is waited for"
        why = f" ({each.error or each.reason})" if each.error or each.reason else ""
        return f"tried at {each.at_s - self.began_s:g} s: {each.by}: {became}{why}"


def recovers_within_s(
    healing: Any, within_s: float, *, load: Load | None = None, every_s: float = 1.0
) -> Recovery:
    """Assert that the component falls ill and is well again within so many seconds.

    On a `FakeClock` this takes no time: the clock is moved. On a real one it waits.

    Args:
        healing: the instance, or its synchronous facade; no loop of its own may run.
        within_s: from now.
        load: called before each look: makes calls, or reports; what it raises is noted.
        every_s: between two looks.

    Raises:
        AssertionError: it is not; the text says what it is ill of, and what was tried.
    """
    instance: StandaloneSelfHealing = getattr(healing, "healing", healing)
    watch = Watch(instance, within_s, load, every_s)
    if isinstance(instance.clock, FakeClock):
        return run(watch.wait(), instance.clock)
    return asyncio.run(watch.wait())


async def recovers_within_s_async(
    healing: StandaloneSelfHealing,
    within_s: float,
    *,
    load: Load | None = None,
    every_s: float = 1.0,
) -> Recovery:
    """The same, from within a test's own event loop.

    Raises:
        AssertionError: it does not recover.
    """
    return await Watch(healing, within_s, load, every_s).wait()
