"""Many threads at one breaker, and what must hold whatever they do."""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hms.agents.healing.breaker.breaker import Breaker, Permit
from hms.agents.healing.breaker.era import Era
from hms.agents.healing.breaker.events import BreakerEvent
from hms.agents.healing.calls.guard import Guard
from hms.agents.healing.clock import FakeClock
from hms.agents.policy.parameters import BreakerParameters
from hms.errors import BreakerOpen


@dataclass
class Found:
    """What the threads saw, and what the breaker says."""

    outcomes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    numbers: list[int] = field(default_factory=list)
    most_probes_out: int = 0
    torn: int = 0


@contextmanager
def switching_each_microsecond() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def hammer(threads: int, calls: int, clock: FakeClock) -> Found:
    """S, F and X at random from `threads` threads, `calls` in all; the counters must add up."""
    found, told = Found(), list[BreakerEvent]()
    given = BreakerParameters(open_s=1e-3, open_max_s=1e-3, jitter_share=0.0)
    each = Breaker("db", given, clock, lambda: 0.5, [told.append])
    watch = ProbeWatch()
    counts = [Counter[str]() for _ in range(threads)]

    def work(number: int) -> None:
        draw = random.Random(number)
        guarded, own = Guard(each)(end_so), counts[number]
        for call in range(calls // threads):
            event = draw.choices("SFX", (58, 38, 4))[0]
            try:
                if call % 2:
                    guarded(event)
                else:
                    by_permit(each, event, watch)
            except BreakerOpen:
                own["refused"] += 1
                clock.advance(5e-4)
            except (OSError, KeyboardInterrupt):
                own[event] += 1
            else:
                own[event] += 1

    def read() -> None:
        while not over.is_set():
            seen = each.metrics()
            ended = seen.ok + seen.failed + seen.ignored + seen.cancelled + seen.late
            found.torn += seen.admitted != ended + seen.in_flight or seen.in_flight < 0

    over = threading.Event()
    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    reader = threading.Thread(target=read)
    with switching_each_microsecond():
        for thread in (*workers, reader):
            thread.start()
        for thread in workers:
            thread.join()
        over.set()
        reader.join()
    found.outcomes = sum(counts, Counter())
    found.kinds = Counter(event.kind for event in told)
    found.numbers = [event.number for event in told]
    found.most_probes_out = watch.most
    must_agree(each, found, calls // threads * threads)
    return found


def must_agree(each: Breaker, found: Found, calls: int) -> None:
    """The breaker counted what the threads did: each call once, nothing else."""
    seen, did = each.metrics(), found.outcomes
    assert found.torn == 0
    assert (seen.in_flight, seen.double) == (0, 0)
    assert seen.refused == did["refused"]
    assert seen.admitted == calls - did["refused"] == did["S"] + did["F"] + did["X"]
    assert seen.ok + seen.failed + seen.cancelled + seen.late == seen.admitted
    assert did["S"] - seen.late <= seen.ok <= did["S"]
    assert did["F"] - seen.late <= seen.failed <= did["F"]
    assert did["X"] - seen.late <= seen.cancelled <= did["X"]
    assert seen.opened == found.kinds["opened"]
    assert seen.events == len(found.numbers)


def end_so(event: str) -> None:
    if event == "F":
        raise OSError
    if event == "X":
        raise KeyboardInterrupt


def by_permit(each: Breaker, event: str, watch: ProbeWatch) -> None:
    permit = each.admit()
    watch.started(permit)
    watch.ending(permit, event)
    if event == "S":
        each.succeeded(permit)
    elif event == "F":
        each.failed(permit)
    else:
        each.ignored(permit, cancelled=True)


class ProbeWatch:
    """Counts the probes that were out at once in each era of half-open."""

    def __init__(self) -> None:
        self._out: dict[int, tuple[Era, int]] = {}
        self._lock = threading.Lock()
        self.most = 0

    def started(self, permit: Permit) -> None:
        if permit.probe:
            with self._lock:
                _, out = self._out.get(id(permit.era), (permit.era, 0))
                self._out[id(permit.era)] = (permit.era, out + 1)
                self.most = max(self.most, out + 1)

    def ending(self, permit: Permit, event: str) -> None:
        """A neutral probe gives its permit back; others keep it taken for their era."""
        if permit.probe and event == "X":
            with self._lock:
                era, out = self._out[id(permit.era)]
                self._out[id(permit.era)] = (era, out - 1)
