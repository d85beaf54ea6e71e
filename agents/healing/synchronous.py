"""The same methods, blocking, for code that has no event loop (9.1).

    with create_basic_self_healing("cart").synchronous() as healing:
        healing.report(metrics)
        healing.heal()

All threads share one loop, which runs in a thread of its own; check and heal go on in it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from hms.errors import NotInitialized

if TYPE_CHECKING:
    from hms.agents.healing.actions import HealingAction
    from hms.agents.healing.calls.guard import Guard
    from hms.agents.healing.configuration.config import AdaptiveConfig
    from hms.agents.healing.interface import HealthMetrics, HealthStatus
    from hms.agents.healing.standalone import StandaloneSelfHealing

T = TypeVar("T")


class SynchronousHealing:
    """Runs an instance's coroutines in a thread of its own and waits for them.

    Args:
        healing: the instance.
    """

    def __init__(self, healing: StandaloneSelfHealing) -> None:
        self.healing = healing
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def initialize(self) -> None:
        """Make the instance ready; calling it again changes nothing."""
        self._run(self.healing.initialize())

    def check_health(self) -> HealthStatus:
        """Say how well the component is; changes nothing."""
        return self._run(self.healing.check_health())

    def heal(self) -> HealingAction:
        """Take at most one action; threads that call at the same time share one answer."""
        return self._run(self.healing.heal())

    def health_metrics(self) -> HealthMetrics:
        """The latest accepted report; zeros before the first."""
        return self._run(self.healing.health_metrics())

    def apply_config(self, config: AdaptiveConfig) -> None:
        """Take over a configuration, all of it or nothing."""
        self._run(self.healing.apply_config(config))

    def report(self, metrics: HealthMetrics) -> bool:
        """Hand in a report; False when it was refused."""
        return self.healing.report(metrics)

    def guard(self, dependency: str, **settings: Any) -> Guard:
        """Protect calls to a dependency; settings as the instance's own `guard` takes them."""
        return self.healing.guard(dependency, **settings)

    def start(self) -> None:
        """Initialise, and check and heal from now on; again: changes nothing."""
        self._run(self.healing.__aenter__())

    def close(self) -> None:
        """Stop: a heal under way ends first; then the thread ends. Again: changes nothing."""
        with self._lock:
            loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._run(self.healing.close())
        with self._lock:
            self._loop, self._thread = None, None
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop cleanly."""
        self.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine, waited for.

        Raises:
            NotInitialized: called from the loop's own thread, which would wait for itself.
        """
        loop = self._started()
        if threading.current_thread() is self._thread:
            work.close()
            raise NotInitialized(
                "a blocking call from within the instance's own event loop\n"
                "    expected: await the instance's method instead"
            )
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = self._loop = asyncio.new_event_loop()
                name = f"healing {self.healing.config.component_id}"
                self._thread = threading.Thread(target=loop.run_forever, name=name, daemon=True)
                self._thread.start()
            return self._loop
