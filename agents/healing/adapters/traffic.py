"""What a component's own requests say of its health: time, errors, throughput (5.1, 8.1).

Adapters count here what comes in; the instance's loop reads it at each round. A component that
has traffic is judged by it, not by the calls that it makes to others.

    traffic = traffic_of(healing)

    with traffic.request():         # around whatever answers one request
        handle(message)
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hms.agents.healing.breaker.refusal_note import RefusalNote, note_of_request
from hms.agents.healing.clock import Clock
from hms.agents.healing.health.collector import ProcessCollector
from hms.agents.healing.health.guard_feed import CallsSeen, GuardFeed
from hms.agents.healing.interface import HealthMetrics

if TYPE_CHECKING:
    from hms.agents.healing.standalone import StandaloneSelfHealing


class Traffic:
    """Counts answered requests; threads and event loops may share it.

    Args:
        clock: monotonic, the instance's.
        window_s: the span that a report covers.

    Attributes:
        ok: requests answered right.
        failed: requests answered wrong, or not at all.
        neutral: requests that say nothing of the component: the client went away, they were
            shed, or a breaker kept them from what they needed (its being open is counted apart).
        response_s_sum: durations of `ok` and `failed` together, seconds.
    """

    phase = "closed"  # for the feed: these are the component's own errors, always

    def __init__(self, clock: Clock, window_s: float = 10.0) -> None:
        self.clock = clock
        self.ok = self.failed = self.neutral = 0
        self.response_s_sum = 0.0
        self._lock = threading.Lock()
        self._collector = ProcessCollector()
        self._feed = GuardFeed(lambda: {"requests": self}, window_s)
        self._feed.sample(clock.now_s())  # the first one only sets the beginning

    @property
    def response_samples(self) -> int:
        """Requests whose duration is in the sum."""
        return self.ok + self.failed

    def ended(self, span_s: float, *, failed: bool) -> None:
        """A request was answered after so many seconds."""
        with self._lock:
            if failed:
                self.failed += 1
            else:
                self.ok += 1
            self.response_s_sum += span_s

    def ignored(self) -> None:
        """A request ended that says nothing of the component."""
        with self._lock:
            self.neutral += 1

    @contextmanager
    def request(self) -> Iterator[None]:
        """Around the work on one request; an `Exception` is a wrong answer.

        Not one that a breaker's refusal led to: the illness is the dependency's.
        """
        with note_of_request() as note:
            yield from self._counted(note)

    @contextmanager
    def request_of_generator(self) -> Iterator[None]:
        """The same around a generator, whose context is its consumer's: nothing is laid out."""
        yield from self._counted(RefusalNote())

    def _counted(self, note: RefusalNote) -> Iterator[None]:
        began_s = self.clock.now_s()
        try:
            yield
        except Exception as error:
            if note.excuses(error):
                self.ignored()
            else:
                self.ended(self.clock.now_s() - began_s, failed=True)
            raise
        except BaseException:  # cancelled, interrupted: no answer of its own
            self.ignored()
            raise
        self.ended(self.clock.now_s() - began_s, failed=False)

    def begin_anew(self) -> None:
        """Forget what was counted so far; see `GuardFeed.begin_anew`."""
        with self._lock:
            self._feed.begin_anew()

    def sample(self, now_s: float) -> CallsSeen:
        """Response time in ms, errors in percent, requests a second, over the last window."""
        with self._lock:
            return self._feed.sample(now_s)

    def metrics(self, memory_mb: float | None = None) -> HealthMetrics:
        """A report of now, for components that call `report()` and `heal()` themselves.

        Args:
            memory_mb: where the work is done by another process; else this one's.
        """
        now_s = self.clock.now_s()
        cpu_percent, own_mb = self._collector.sample(now_s)
        used_mb = own_mb if memory_mb is None else memory_mb
        return HealthMetrics(cpu_percent, used_mb, *self.sample(now_s))


def traffic_of(healing: StandaloneSelfHealing) -> Traffic:
    """The instance's traffic, one for all adapters; made when first asked for."""
    with healing.lock:
        found = healing.traffic
        if not isinstance(found, Traffic):
            window_s = healing.ladder.parameters.health.window_s
            found = healing.traffic = Traffic(healing.clock, window_s)
        return found
