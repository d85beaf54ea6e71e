"""What every store does, whatever it is made of."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest

from hms.agents.healing.store.moment import Moment
from hms.agents.healing.store.process import LEASE_S, Holder, this_process
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
from hms.agents.healing.store.store import (
    Claim,
    ClaimLost,
    PeerBreaker,
    RowRefused,
    SavedState,
    Store,
)

SAVED = Moment(1_700_000_000.25, "boot", 1000.5)
ALL: tuple[Record, ...] = (
    BreakerRecord(
        "db", "open", 12.5, 3, 0.25, "failure rate", "OSError('nö')", ("operator", "x"), 7.5, True,
        SAVED,
    ),
    AttemptRecord("k1", 1.5, "errors", "restart", '"Restarted"', "", "effective", True, DONE),
    EffectivenessRecord("errors", "restart", 4.0, 2.5),
    IncidentRecord("7", "slow", 1.25, 9.75, 3, "p99 9 s", '{"a": 1}'),
    IncidentRecord("8", "slow", 1.25, None),
    ConfigurationRecord(1, 1, "operator", "me", 3.5, "{}", "applied", "", '{"x": 1}', 4.5),
)  # fmt: skip
DEAD = dataclasses.replace(this_process(), started="1")
ELSEWHERE = Holder("another machine", 77, "5", "another boot")


def attempt(number: int, state: str = DONE) -> AttemptRecord:
    return AttemptRecord(f"k{number}", float(number), "errors", "restart", state=state)


def test_what_was_written_is_loaded_equal_also_by_another_process(build_store: Any) -> None:
    store = build_store()
    claim = store.claim("cart", "a")
    store.write(claim, ALL)
    expected = SavedState(
        breakers=ALL[0:1], attempts=ALL[1:2], effectiveness=ALL[2:3], incidents=ALL[3:5],
        configurations=ALL[5:6],
    )  # type: ignore[arg-type]  # fmt: skip
    assert store.load("cart", "a") == expected
    assert build_store().load("cart", "a") == expected
    assert store.load("cart", "b") == SavedState()
    assert store.load("shop", "a") == SavedState()


def test_rows_written_twice_are_there_once_as_told_last(build_store: Any) -> None:
    store = build_store()
    claim = store.claim("cart", "a")
    store.write(claim, ALL)
    store.write(claim, [*ALL, BreakerRecord("db", "closed", saved=SAVED)])
    state = store.load("cart", "a")
    assert state.breakers == (BreakerRecord("db", "closed", saved=SAVED),)
    assert (len(state.attempts), len(state.incidents), len(state.configurations)) == (1, 2, 1)


def test_instances_do_not_overwrite_each_other(build_store: Any) -> None:
    first, second = build_store(), build_store()
    claims = first.claim("cart", "a"), second.claim("cart", "b")
    first.write(claims[0], [BreakerRecord("db", "open", 5.0, saved=SAVED), attempt(1, INTENDED)])
    second.write(claims[1], [BreakerRecord("db", "closed", saved=SAVED), attempt(1), attempt(2)])
    assert first.load("cart", "a").breakers[0].phase == "open"
    assert first.load("cart", "a").attempts == (attempt(1, INTENDED),)  # the key is a's
    assert first.load("cart", "b").attempts == (attempt(2),)


def test_an_act_begins_once_for_each_key_and_component(build_store: Any) -> None:
    store = build_store()
    a, b, other = store.claim("cart", "a"), store.claim("cart", "b"), store.claim("shop", "a")
    assert store.begin_act(a, attempt(1)) == "new"
    assert store.begin_act(a, attempt(1)) == "under_way"
    assert store.begin_act(b, attempt(1)) == "under_way"
    assert store.begin_act(other, attempt(1)) == "new"
    store.write(a, [attempt(1, "unknown")])
    assert store.begin_act(a, attempt(1)) == "under_way"
    store.write(a, [attempt(1)])
    assert store.begin_act(a, attempt(1)) == "done"


def test_of_threads_that_begin_one_act_one_is_first(build_store: Any) -> None:
    store: Store = build_store()
    claim = store.claim("cart", "a")
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(store.begin_act(claim, attempt(1))))
        for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers) == ["new", *["under_way"] * 7]


def test_a_second_process_gets_the_next_free_number(build_store: Any) -> None:
    store = build_store()
    assert [store.claim("cart", "a").instance_id for _ in range(3)] == ["a", "a-2", "a-3"]
    assert store.claim("shop", "a").instance_id == "a"


def test_the_place_of_a_dead_process_is_taken_over_with_its_state(build_store: Any) -> None:
    dead = build_store(holder=lambda: DEAD)
    claim = dead.claim("cart", "a")
    dead.write(claim, ALL)
    store = build_store(holder=this_process)
    again = store.claim("cart", "a")
    assert (again.instance_id, again.token == claim.token) == ("a", False)
    assert len(store.load("cart", "a").breakers) == 1


def test_a_place_given_back_is_free_and_keeps_its_state(build_store: Any) -> None:
    store = build_store()
    claim = store.claim("cart", "a")
    store.write(claim, ALL)
    store.release(claim)
    assert store.claim("cart", "a").instance_id == "a"
    assert len(store.load("cart", "a").attempts) == 1


def test_a_holder_out_of_sight_is_dead_after_its_lease(build_store: Any) -> None:
    far = build_store(holder=lambda: ELSEWHERE, wall=lambda: 1000.0)
    claim = far.claim("cart", "a")
    here: dict[str, Any] = {"holder": this_process}
    near = build_store(**here, wall=lambda: 1000.0 + LEASE_S)
    assert near.claim("cart", "a").instance_id == "a-2"
    late = build_store(**here, wall=lambda: 1000.1 + LEASE_S)
    assert late.claim("cart", "a").instance_id == "a"
    for refused in (far.renew, far.release, lambda c: far.write(c, ALL)):
        with pytest.raises(ClaimLost, match="another process is `a`"):
            refused(claim)
    assert late.load("cart", "a") == SavedState()


def test_a_holder_that_renews_keeps_its_place(build_store: Any) -> None:
    far = build_store(holder=lambda: ELSEWHERE, wall=lambda: 1000.0)
    claim = far.claim("cart", "a")
    far = build_store(holder=lambda: ELSEWHERE, wall=lambda: 1000.0 + LEASE_S)
    far.renew(claim)
    near = build_store(holder=this_process, wall=lambda: 1001.0 + LEASE_S)
    assert near.claim("cart", "a").instance_id == "a-2"


def test_peers_are_the_others_breakers_that_are_not_closed(build_store: Any) -> None:
    store = build_store()
    own, b, c = (store.claim("cart", name) for name in "abc")
    open_ = BreakerRecord("db", "open", 5.0, saved=SAVED)
    for claim in (own, b):
        store.write(claim, [open_])
    store.write(c, [BreakerRecord("db", "closed", saved=SAVED)])
    assert list(store.peers(own)) == [PeerBreaker("b", open_)]


def test_history_is_queryable_newest_last(build_store: Any) -> None:
    store = build_store()
    for name, numbers in (("a", (1, 2, 3)), ("b", (4, 5))):
        store.write(store.claim("cart", name), [attempt(number) for number in numbers])
    assert [row.key for row in store.history("cart")] == ["k1", "k2", "k3", "k4", "k5"]
    assert [row.key for row in store.history("cart", most=2)] == ["k4", "k5"]
    assert [row.key for row in store.history("cart", instance_id="a")] == ["k1", "k2", "k3"]
    assert list(store.history("cart", "incidents")) == []


def test_history_is_bounded_for_each_component(build_store: Any) -> None:
    store = build_store(kept=10)
    claims = store.claim("cart", "a"), store.claim("shop", "a")
    for number in range(25):
        for claim in claims:
            store.write(claim, [attempt(number), IncidentRecord(str(number), "slow", 1.0)])
    for name in ("cart", "shop"):
        kept = [row.key for row in store.history(name, most=1000)]
        assert kept == [f"k{number}" for number in range(15, 25)]
        assert len(store.history(name, "incidents", most=1000)) == 10


def test_breakers_closed_long_ago_are_forgotten_open_ones_never(build_store: Any) -> None:
    store = build_store(kept=10)
    claim = store.claim("cart", "a")
    for number in range(20):
        store.write(claim, [BreakerRecord(f"open {number}", "open", 5.0, saved=SAVED)])
        store.write(claim, [BreakerRecord(f"closed {number}", saved=SAVED)])
    assert len(store.peers(store.claim("cart", "b"))) == 20
    found = [each.dependency for each in store.load("cart", "a").breakers]
    assert [name for name in found if name.startswith("closed")] == [
        f"closed {number}" for number in range(10, 20)
    ]
    assert len(found) == 30


def test_of_very_many_instances_the_longest_silent_are_forgotten(
    build_store: Any, url: str
) -> None:
    if url == "memory":
        pytest.skip("its instances live no longer than the process")
    now = [1000.0]
    store = build_store(kept=10, wall=lambda: now[0])
    for number in range(15):
        now[0] += 1.0
        claim = store.claim("cart", f"pod {number}")
        store.write(claim, [EffectivenessRecord("errors", "restart", 1.0, 1.0)])
    left = {row.key for row in store.history("cart", "effectiveness", instance_id="pod 0")}
    assert left == set()
    assert len(store.history("cart", "effectiveness")) == 10
    with pytest.raises(ClaimLost):
        store.renew(Claim("cart", "pod 0", "gone"))


def test_either_all_rows_of_a_write_are_there_or_none(build_store: Any) -> None:
    store = build_store()
    claim = store.claim("cart", "a")
    store.release(claim)
    taken = store.claim("cart", "a")
    with pytest.raises(ClaimLost):
        store.write(claim, ALL)
    assert store.load("cart", "a") == SavedState()
    store.write(taken, ALL)
    assert len(store.load("cart", "a").incidents) == 2


def test_texts_of_any_letters_are_kept(build_store: Any, url: str) -> None:
    store = build_store()
    claim = store.claim("cärt'; --", "é\U0001f600")
    store.write(claim, [BreakerRecord("d'b\"%s:x", "open", 1.0, last_error="日本", saved=SAVED)])
    (found,) = store.load("cärt'; --", "é\U0001f600").breakers
    assert (found.dependency, found.last_error) == ("d'b\"%s:x", "日本")
    if url != "memory":
        odd = "a\0b\ud800"
        store.write(claim, [BreakerRecord("odd", "open", 1.0, last_error=odd + "x" * 5000)])
        found = store.load("cärt'; --", "é\U0001f600").breakers[-1]
        assert found.last_error.startswith("a\ufffdb?x")
        assert len(found.last_error) == 2000


def test_a_row_that_cannot_be_kept_is_refused_as_such(build_store: Any, url: str) -> None:
    if url == "memory":
        pytest.skip("memory keeps anything")
    store = build_store()
    claim = store.claim("cart", "a")
    whole: Any = 1 << 70
    for row in (IncidentRecord("1", "slow", 1.0, severity=whole), IncidentRecord("1", None, 1.0)):  # type: ignore[arg-type]
        with pytest.raises(RowRefused):
            store.write(claim, [attempt(1), row])
    assert store.load("cart", "a") == SavedState()


def test_opening_and_closing_again_changes_nothing(build_store: Any) -> None:
    store = build_store()
    claim = store.claim("cart", "a")
    store.write(claim, ALL)
    store.open()
    store.close()
    store.close()
    store.open()
    assert len(store.load("cart", "a").incidents) == 2
