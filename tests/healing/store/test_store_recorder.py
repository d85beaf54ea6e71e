"""The recorder: rows wait in memory until the store has them, whatever the store does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.store.memory import MemoryStore
from hms.agents.healing.store.moment import Moment
from hms.agents.healing.store.process import LEASE_S
from hms.agents.healing.store.recorder import BATCH, Recorder
from hms.agents.healing.store.records import (
    DONE,
    INTENDED,
    AttemptRecord,
    BreakerRecord,
    ConfigurationRecord,
    EffectivenessRecord,
    IncidentRecord,
    Record,
)
from hms.agents.healing.store.store import Claim, PeerBreaker, RowRefused, SavedState
from hms.errors import StoreError

WALL_S = 1_700_000_000.0


class FaultyStore(MemoryStore):
    """Fails while told to, and refuses rows of one issue for ever."""

    away = False
    refuses = ""

    def write(self, claim: Claim, rows: Sequence[Record]) -> None:
        if self.away:
            raise StoreError("disk full")
        if any(getattr(row, "issue", "") == self.refuses for row in rows if self.refuses):
            raise RowRefused(f"no {self.refuses}")
        super().write(claim, rows)


@dataclass
class Bench:
    """A recorder on a fake clock, without its thread."""

    clock: FakeClock = field(default_factory=FakeClock)
    store: FaultyStore = field(default_factory=FaultyStore)
    not_closed: list[BreakerRecord] = field(default_factory=list)
    restored: list[SavedState] = field(default_factory=list)
    heard: list[PeerBreaker] = field(default_factory=list)

    def recorder(self, wanted: str = "a", capacity: int = 10_000) -> Recorder:
        return Recorder(
            self.store, "cart", wanted, self.restored.append, lambda: self.not_closed, self.hear,
            self.clock, self.moment, capacity,
        )

    def moment(self) -> Moment:
        return Moment(WALL_S + self.clock.now_s(), "boot", self.clock.now_s())

    def hear(self, peers: Iterable[PeerBreaker], now: Moment) -> None:
        self.heard = list(peers)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def attempt(number: int, state: str = DONE, issue: str = "errors") -> AttemptRecord:
    return AttemptRecord(f"k{number}", WALL_S + number, issue, "restart", state=state)


def turn(recorder: Recorder) -> None:
    try:
        while recorder.turn():
            pass
    except StoreError as error:
        recorder.failed(error)


def leave(recorder: Recorder) -> None:
    assert recorder.claim is not None
    recorder.store.release(recorder.claim)


def keys(store: MemoryStore) -> list[str]:
    return [row.key for row in store.history("cart", most=100_000)]


def test_rows_arrive_in_their_order_in_several_batches(bench: Bench) -> None:
    recorder = bench.recorder()
    for number in range(BATCH + 30):
        recorder.record(attempt(number))
    assert recorder.lag == BATCH + 30
    assert recorder.turn()  # one batch, and there is more
    assert recorder.lag == 30
    turn(recorder)
    assert keys(bench.store) == [f"k{number}" for number in range(BATCH + 30)]


def test_what_a_store_missed_is_filled_in_order_once_it_is_back(bench: Bench) -> None:
    recorder = bench.recorder()
    bench.store.away = True
    for number in range(5):
        recorder.record(attempt(number, INTENDED))
    turn(recorder)
    assert (recorder.failures, recorder.trouble) == (1, "StoreError: disk full")
    recorder.record(attempt(0))
    bench.store.away = False
    turn(recorder)
    assert keys(bench.store) == []  # it is left alone for a second
    bench.clock.advance(1.0)
    turn(recorder)
    assert keys(bench.store) == ["k1", "k2", "k3", "k4", "k0"]
    assert recorder.trouble == ""
    assert recorder.lag == 0


def test_pauses_after_failures_double_up_to_half_a_minute(bench: Bench) -> None:
    recorder = bench.recorder()
    bench.store.away = True
    recorder.record(attempt(1))
    tried_at: list[float] = []
    for second in range(100):
        before = recorder.failures
        turn(recorder)
        if recorder.failures > before:
            tried_at.append(float(second))
        bench.clock.advance(1.0)
    assert tried_at == [0, 1, 3, 7, 15, 31, 61, 91]


def test_memory_is_bounded_and_the_oldest_history_goes_first(bench: Bench) -> None:
    recorder = bench.recorder(capacity=10)
    bench.store.away = True
    recorder.record(BreakerRecord("db", "open", 20.0))
    for number in range(25):
        recorder.record(attempt(number))
    turn(recorder)
    assert (recorder.lag, recorder.dropped) == (10, 16)
    bench.store.away = False
    bench.clock.advance(1.0)
    turn(recorder)
    assert keys(bench.store) == [f"k{number}" for number in range(16, 25)]
    assert bench.store.load("cart", "a").breakers[0].dependency == "db"


def test_a_row_that_no_store_takes_holds_nothing_up(bench: Bench) -> None:
    recorder = bench.recorder()
    bench.store.refuses = "slow"
    for number, issue in enumerate(("errors", "slow", "memory")):
        recorder.record(attempt(number, issue=issue))
    turn(recorder)
    assert keys(bench.store) == ["k0", "k2"]
    assert (recorder.dropped, recorder.lag, recorder.written) == (1, 0, 2)


def test_an_open_breaker_is_saved_anew_each_second_and_its_closing_once(bench: Bench) -> None:
    recorder = bench.recorder()
    for left_s in (20.0, 19.0, 18.0):
        bench.not_closed = [BreakerRecord("db", "open", left_s)]
        turn(recorder)
        (saved,) = bench.store.load("cart", "a").breakers
        assert (saved.phase, saved.left_s) == ("open", left_s)
        assert saved.saved == bench.moment()
        bench.clock.advance(1.0)
    bench.not_closed = []
    turn(recorder)
    assert bench.store.load("cart", "a").breakers[0].phase == "closed"
    bench.clock.advance(1.0)
    written = recorder.written
    turn(recorder)
    assert recorder.written == written


def test_what_was_saved_is_restored_once_with_the_time_that_passed(bench: Bench) -> None:
    first = bench.recorder()
    bench.not_closed = [BreakerRecord("db", "open", 20.0, 3)]
    first.record(EffectivenessRecord("errors", "restart", 4.0, 3.0))
    first.record(IncidentRecord("1", "errors", WALL_S))
    turn(first)
    leave(first)
    bench.clock.advance(5.0)
    second = bench.recorder()
    assert not second.wait_ready(0.0)
    turn(second)
    turn(second)
    assert second.wait_ready(0.0)
    _, state = bench.restored
    assert (state.breakers[0].left_s, state.breakers[0].opened_in_row) == (15.0, 3)
    assert state.effectiveness == (EffectivenessRecord("errors", "restart", 4.0, 3.0),)
    assert state.incidents == (IncidentRecord("1", "errors", WALL_S),)


def test_an_act_begins_once_for_each_key_also_after_a_restart(bench: Bench) -> None:
    first = bench.recorder()
    assert first.begin_act(attempt(1, INTENDED)) == "new"
    assert first.begin_act(attempt(1, INTENDED)) == "under_way"
    turn(first)
    leave(first)
    second = bench.recorder()
    turn(second)
    assert second.begin_act(attempt(1, INTENDED)) == "under_way"
    second.record(attempt(1, DONE))
    assert second.begin_act(attempt(1, INTENDED)) == "done"


def test_a_place_taken_over_is_left_and_another_one_found(bench: Bench) -> None:
    recorder = bench.recorder()
    turn(recorder)
    held = bench.store._places["cart", "a"]
    bench.store._places["cart", "a"] = ("another process", held[1])
    recorder.record(attempt(1))
    turn(recorder)
    assert recorder.trouble.startswith("ClaimLost")
    bench.clock.advance(1.0)
    turn(recorder)
    assert recorder.instance_id == "a-2"
    assert keys(bench.store) == ["k1"]


def test_an_idle_holder_never_falls_silent_for_as_long_as_a_lease(bench: Bench) -> None:
    bench.store.wall = bench.clock.now_s
    recorder = bench.recorder()
    renewed: list[float] = []
    for _ in range(60):
        turn(recorder)
        renewed.append(bench.store._places["cart", "a"][1].renewed_at_s)
        bench.clock.advance(0.5)
    silences = [now * 0.5 - at for now, at in enumerate(renewed)]
    assert max(silences) < LEASE_S / 2.0
    assert len(set(renewed)) <= 16  # it costs a write each time


def test_peers_are_heard_each_second(bench: Bench) -> None:
    other = Recorder(bench.store, "cart", "b", clock=bench.clock, moment=bench.moment)
    other.record(BreakerRecord("db", "open", 9.0))
    turn(other)
    recorder = bench.recorder()
    turn(recorder)
    assert [(each.instance_id, each.breaker.left_s) for each in bench.heard] == [("b", 9.0)]


def test_what_is_told_anew_while_it_is_written_is_written_again(bench: Bench) -> None:
    recorder = bench.recorder()
    write = bench.store.write
    newer = [attempt(1, DONE)]

    def meanwhile(claim: Claim, rows: Sequence[Record]) -> None:
        if newer:
            recorder.record(newer.pop())
        write(claim, rows)

    bench.store.write = meanwhile  # type: ignore[method-assign]
    recorder.record(attempt(1, INTENDED))
    turn(recorder)
    assert [row.state for row in bench.store.load("cart", "a").attempts] == [DONE]
    assert recorder.lag == 0


def test_two_instances_of_one_process_do_not_share_a_place() -> None:
    store = MemoryStore()
    assert [store.claim("cart", "a").instance_id for _ in range(3)] == ["a", "a-2", "a-3"]


def test_a_store_that_fails_while_loading_is_loaded_later(bench: Bench) -> None:
    first = bench.recorder()
    first.record(attempt(1))
    turn(first)
    leave(first)
    broken = bench.recorder()
    load, answers = bench.store.load, [StoreError("locked")]

    def fails_once(component_id: str, instance_id: str) -> SavedState:
        if answers:
            raise answers.pop()
        return load(component_id, instance_id)

    bench.store.load = fails_once  # type: ignore[method-assign]
    turn(broken)
    assert not broken.wait_ready(0.0)
    bench.clock.advance(1.0)
    turn(broken)
    assert broken.wait_ready(0.0)
    assert broken.instance_id == "a"
    assert len(bench.restored[-1].attempts) == 1


def test_what_cannot_be_restored_does_not_stop_the_writing(bench: Bench) -> None:
    def fails(state: SavedState) -> None:
        raise ValueError("no such action")

    recorder = bench.recorder()
    recorder.restore = fails
    recorder.record(attempt(1))
    turn(recorder)
    assert recorder.wait_ready(0.0)
    assert (keys(bench.store), recorder.failures) == (["k1"], 1)


def test_at_another_place_its_state_is_written_again(bench: Bench) -> None:
    recorder = bench.recorder()
    recorder.record(EffectivenessRecord("errors", "restart", 1.0, 1.0))
    for number in (1, 2):
        recorder.record(
            ConfigurationRecord(number, number, "local", "x", 1.0, "{}", in_force="{}")
        )
    turn(recorder)
    held = bench.store._places["cart", "a"]
    bench.store._places["cart", "a"] = ("another process", held[1])
    bench.clock.advance(2.0)
    turn(recorder)
    bench.clock.advance(1.0)
    turn(recorder)
    state = bench.store.load("cart", "a-2")
    assert [row.tried for row in state.effectiveness] == [1.0]
    assert [row.version for row in state.configurations] == [2]
