"""Verdicts of peers: by quorum, and never longer than their own open time."""

from __future__ import annotations

import asyncio

from hms.agents.healing import AdaptiveConfig, create_basic_self_healing
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.store.memory import MemoryStore
from hms.agents.healing.store.moment import Moment
from hms.agents.healing.store.quorum import Quorum
from hms.agents.healing.store.records import BreakerRecord
from hms.agents.healing.store.store import PeerBreaker


def moment(at_s: float, boot: str = "here") -> Moment:
    return Moment(1000.0 + at_s, boot, at_s)


def peer(name: str, left_s: float, saved: Moment, phase: str = "open") -> PeerBreaker:
    return PeerBreaker(name, BreakerRecord("db", phase, left_s, saved=saved))


def test_one_peer_is_a_rumour_two_are_a_verdict_until_the_second_ends() -> None:
    now = moment(50.0)
    quorum = Quorum()
    assert quorum.open_until_s([peer("b", 9.0, now)], now, 7.0) == {}
    both = [peer("b", 9.0, now), peer("c", 4.0, now), peer("d", 6.0, now)]
    assert quorum.open_until_s(both, now, 7.0) == {"db": 13.0}
    assert Quorum(3).open_until_s(both, now, 7.0) == {"db": 11.0}
    assert Quorum(0).open_until_s(both, now, 7.0) == {}  # off: no peer is believed


def test_a_verdict_ends_with_its_own_time_also_if_the_peer_is_gone() -> None:
    saved = moment(50.0)
    both = [peer("b", 9.0, saved), peer("c", 9.0, saved)]
    assert Quorum().open_until_s(both, moment(55.0), 12.0) == {"db": 16.0}
    assert Quorum().open_until_s(both, moment(59.0), 16.0) == {}


def test_only_open_breakers_that_can_be_believed_count() -> None:
    now = moment(50.0)
    others = [peer("c", 9.0, now, phase) for phase in ("half_open", "forced_open", "disabled")]
    torn = peer("d", float("nan"), now)
    assert Quorum().open_until_s([peer("b", 9.0, now), *others, torn], now, 7.0) == {}


def test_a_dead_peer_whose_clock_was_ahead_is_believed_no_longer_than_it_said() -> None:
    ahead = Moment(1000.0 + 3600.0, "there", 5.0)
    both = [peer("b", 9.0, ahead), peer("c", 9.0, ahead)]
    quorum = Quorum()
    assert quorum.open_until_s(both, moment(0.0), 7.0) == {"db": 16.0}
    assert quorum.open_until_s(both, moment(8.0), 15.0) == {"db": 16.0}
    assert quorum.open_until_s(both, moment(9.0), 16.0) == {}
    later = Moment(1000.0 + 3610.0, "there", 15.0)
    fresh = [peer("b", 9.0, later), peer("c", 9.0, later)]
    assert quorum.open_until_s(fresh, moment(10.0), 17.0) == {"db": 26.0}


def test_how_many_replicas_must_agree_is_a_parameter_that_can_be_changed_while_running() -> None:
    each = create_basic_self_healing(
        "cart", store=MemoryStore(), clock=FakeClock(7.0), wall=lambda: 1000.0, instance_id="a"
    )
    breaker = each.guard("db").breaker

    async def use() -> None:
        await each.initialize()
        assert each.recorder is not None and each.recorder.hear is not None
        now = moment(50.0)
        told = [peer("b", 9.0, now)]
        each.recorder.hear(told, now)
        assert breaker.phase == "closed"
        await each.apply_config(AdaptiveConfig({"health": {"quorum_peers": 0}}, "lab", 1000.0))
        each.recorder.hear([*told, peer("c", 9.0, now)], now)
        assert breaker.phase == "closed"
        await each.apply_config(AdaptiveConfig({"health": {"quorum_peers": 1}}, "lab", 1001.0))
        each.recorder.hear(told, now)
        assert breaker.explanation().cause == "quorum"
        await each.close()

    asyncio.run(use())
