"""Breaker cases H: threads, listeners, metrics."""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
from collections.abc import Callable

import pytest
from breaker_play import Build, at, end, half_open, must_add_up, play, refused
from breaker_threads import hammer

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.breaker.events import BreakerEvent
from hms.agents.healing.calls.dependencies import Dependencies
from hms.agents.healing.calls.guard import Guard
from hms.agents.healing.calls.guard_settings import GuardSettings
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.factory import create_basic_self_healing
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import BreakerParameters
from hms.errors import ConfigRefused


def test_h1_calls_of_many_threads_run_side_by_side(breaker: Build) -> None:
    each, inside = Guard(breaker()), threading.Barrier(8)
    call = each(lambda: inside.wait(10.0))  # a lock around the call would let one in at a time
    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert must_add_up(each.breaker).ok == 8


def listening(breaker: Build, clock: FakeClock, *listeners: Callable[..., None]) -> Breaker:
    return Breaker("db", breaker().parameters, clock, lambda: 0.5, list(listeners))


def test_h2_a_listener_may_read_and_reset(breaker: Build, clock: FakeClock) -> None:
    told: list[tuple[int, str, str]] = []

    def listener(event: BreakerEvent) -> None:
        told.append((event.number, event.kind, each.phase))
        if event.kind == "opened":
            each.reset()
            told.append((0, "reset done", each.phase))

    each = listening(breaker, clock, listener)
    assert play(each, "FFFFF") == "closed"
    assert told == [(1, "opened", "open"), (0, "reset done", "closed"), (2, "reset", "closed")]


def test_h3_a_listener_that_raises_changes_nothing(breaker: Build, clock: FakeClock) -> None:
    told: list[str] = []

    def bad(event: BreakerEvent) -> None:
        raise RuntimeError(event.kind)

    each = listening(breaker, clock, bad, lambda event: told.append(event.kind))
    assert play(each, "FFFFF") == "open"
    assert refused(each).cause == "failure rate"
    assert told == ["opened", "refused"]
    assert each.metrics().listener_errors == 2


def test_h4_threads_at_random_never_exceed_the_probes(clock: FakeClock) -> None:
    found = hammer(threads=8, calls=4_000, clock=clock)
    assert found.most_probes_out <= 3
    assert found.numbers == list(range(1, len(found.numbers) + 1))
    assert found.kinds["opened"] > 5


def test_h5_threads_and_two_loops_share_one_breaker(breaker: Build) -> None:
    each = Guard(breaker(window_calls=100, minimum_calls=100))

    async def read() -> int:
        await asyncio.sleep(0)
        return 1

    read_there, read_here = each(read), each(lambda: 1)

    async def many() -> int:
        return sum(await asyncio.gather(*(read_there() for _ in range(20))))

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert sum(read_here() for _ in range(20)) == 20
    for thread in threads:
        thread.join()
    counted = must_add_up(each.breaker)
    assert (counted.ok, counted.calls_in_window) == (60, 60.0)


def test_h6_ten_thousand_refusals_are_one_event_a_second(
    breaker: Build, clock: FakeClock
) -> None:
    told: list[BreakerEvent] = []
    each = listening(breaker, clock, told.append)
    play(each, "FFFFF")
    for _ in range(10_000):
        refused(each)
    at(clock, 1.0)
    refused(each)
    sums = [event.calls for event in told if event.kind == "refused"]
    assert sums == [1, 10_000]
    assert each.metrics().refused == 10_001


def dependencies(clock: FakeClock, names_max: int = 1000) -> Dependencies:
    return Dependencies(HealingPolicy(), True, clock, lambda: 0.5, names_max=names_max)


def test_h7_a_hundred_thousand_names_are_kept_at_a_thousand(clock: FakeClock) -> None:
    each = dependencies(clock)
    ill = [f"tenant {number}" for number in range(0, 2_000, 400)]
    for number in range(100_000):
        breaker = each.guard(f"tenant {number}").breaker
        if f"tenant {number}" in ill:
            breaker.force_open() if number else breaker.open_for(60.0)
        if number == 98_000:
            gc.collect()
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(each.guards()) == 1000
    assert set(ill) <= each.guards().keys()
    assert each.open_names() == ["tenant 0"]
    assert grown < 1000 * 3 * 1024  # of 2,000 names, what 1,000 take


def test_h7_idle_ones_go_first(clock: FakeClock) -> None:
    each = dependencies(clock, names_max=3)
    for name in "abc":
        play(each.guard(name).breaker, "S")
    each.guard("d")  # all three had calls: a, the oldest, goes
    play(each.guard("b").breaker, "S")
    each.guard("e")
    assert set(each.guards()) == {"b", "d", "e"}


def test_h7_only_what_is_not_closed_may_exceed_the_number(clock: FakeClock) -> None:
    each = dependencies(clock, names_max=3)
    for number in range(10):
        each.guard(f"ill {number}").breaker.open_for(5.0)
    each.guard("well")
    assert len(each.guards()) == 11
    clock.advance(5.0)
    for number in range(10):
        play(each.guard(f"ill {number}").breaker, "SS")
    each.guard("other")
    assert len(each.guards()) == 3


def test_h7_a_guard_that_went_is_found_again_and_works(clock: FakeClock) -> None:
    each = dependencies(clock, names_max=2)
    kept = each.guard("a")
    read = kept(lambda: 1)
    read()
    play(each.guard("b").breaker, "S")
    each.guard("c")
    each.guard("d")
    assert "a" not in each.guards()
    assert read() == 1
    assert "a" in each.guards()  # its call brought it back
    each.guard("e"), each.guard("f")
    assert each.guard("a") is kept
    each.guard("g"), each.guard("h")
    play(kept.breaker, "F" * 8)
    assert each.open_names() == ["a"]


def test_h7_configuration_reaches_one_that_went(clock: FakeClock) -> None:
    healing = create_basic_self_healing("cart", clock=clock)
    healing.dependencies.names_max = 2
    kept = [healing.guard(f"d{number}") for number in range(5)]
    assert len(healing.dependencies.guards()) == 2
    from hms.agents.healing.configuration.adaptation import Adaptation

    healing.dependencies.apply(Adaptation({"breaker.open_s": 7.0}))
    assert {guard.breaker.parameters.open_s for guard in kept} == {7.0}


def test_h8_the_same_name_with_other_settings_is_refused(clock: FakeClock) -> None:
    each = dependencies(clock)
    first = each.guard("db", None, GuardSettings(ignore=(KeyError,)))
    assert each.guard("db") is first
    assert each.guard("db", None, GuardSettings(ignore=(KeyError,))) is first
    with pytest.raises(ConfigRefused, match="`db` is guarded already, with ignore"):
        each.guard("db", None, GuardSettings(ignore=(OSError,)))
    with pytest.raises(ConfigRefused, match="with where"):
        each.guard("db", {"kind": "store"})


def test_h9_explain_says_which_rule_and_how_far(breaker: Build, clock: FakeClock) -> None:
    each = breaker(window_calls=5)
    play(each, "FFFSS")
    at(clock, 2.0)
    found = each.explanation()
    assert (found.reason, found.left_s, found.era) == ("open", 3.0, 1)
    assert (found.cause, found.detail) == ("failure rate", "60.0 % of 5 >= 50 %")
    assert found.last_error == "ValueError('no')"
    assert str(found) == each.explain() == str(refused(each))
    probing = half_open(breaker, clock, half_open_calls=1)
    probing.admit()
    assert probing.explanation().reason == "probing"
    probing.force_open("me")
    assert (probing.explanation().reason, probing.explanation().holders) == ("forced", ("me",))


def test_h10_a_million_results_take_no_more_memory(clock: FakeClock) -> None:
    each = Breaker(
        "db", BreakerParameters(window_kind=1, window_s=60.0), clock, lambda: 0.5
    )
    read = Guard(each)(int)
    play(each, "SFSSSSSSSSSS")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(100):
        for _ in range(1_000):
            read()
        each.report_calls(ok=9_000, failed=0, slow=0)
        end(each, each.admit(), "F")
        clock.advance(0.7)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert must_add_up(each).ok >= 1_000_000
    assert grown < 5_000
