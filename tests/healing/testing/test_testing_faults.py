"""Faults take the callee's place inside every stage, and go without a trace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hms.agents.healing import AdaptiveConfig
from hms.agents.healing.calls.guard import Guard
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.healing.testing import Faults, faults_kept, run
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import BreakerOpen

Build = Callable[..., StandaloneSelfHealing]
FaultsOf = Callable[[Any], Faults]


@pytest.fixture
def faults() -> Iterator[FaultsOf]:
    with faults_kept() as made:
        yield made


def retrying() -> HealingPolicy:
    found, problems = HealingPolicy.parse(
        {"schema": "hms.policy/1", "retry": {"max_attempts": 3, "retry_on": ["refused", "timeout"]}}
    )
    assert found is not None, problems
    return found


def read() -> str:
    return "row"


def test_so_many_calls_fail_and_the_next_succeeds(healing: Build, faults: FaultsOf) -> None:
    instance = healing()
    guarded = instance.guard("db")(read)  # decorated before the fault was thought of
    planned = faults(instance)
    planned.fail("db", times=2, error=OSError("no disk"))
    for _ in range(2):
        with pytest.raises(OSError, match="no disk"):
            guarded()
    assert guarded() == "row"
    assert (planned.calls["db"], planned.met["db"]) == (3, 2)
    assert instance.guard("db").metrics().failed == 2


def test_calls_fail_for_so_long(healing: Build, faults: FaultsOf, clock: FakeClock) -> None:
    instance = healing()
    faults(instance).fail("db", for_s=5.0)
    guard = instance.guard("db")
    with pytest.raises(ConnectionError):
        guard.call(read)
    clock.advance(5.0)
    assert guard.call(read) == "row"


def test_faults_follow_one_another(healing: Build, faults: FaultsOf) -> None:
    instance = healing()
    faults(instance).fail("db", times=1, error=OSError("first"))
    faults(instance).fail("db", times=1, error=OSError("second"))
    for text in ("first", "second"):
        with pytest.raises(OSError, match=text):
            instance.guard("db").call(read)


def test_slow_calls_move_the_clock_and_count_as_slow(
    healing: Build, faults: FaultsOf, clock: FakeClock
) -> None:
    instance = healing()
    guarded = instance.guard("db")(read)
    faults(instance).slow("db", 2.5)
    for _ in range(10):
        assert guarded() == "row"
    assert clock.now_s() == 25.0
    with pytest.raises(BreakerOpen, match="slow"):
        guarded()


def test_a_thread_that_hangs_gives_up_at_its_deadline(
    healing: Build, faults: FaultsOf, clock: FakeClock
) -> None:
    instance = healing()
    guarded = instance.guard("db", timeout=2.0)(read)
    faults(instance).hang("db", times=1)
    with pytest.raises(TimeoutError):
        guarded()
    assert clock.now_s() == 2.0
    assert guarded() == "row"


def test_a_coroutine_that_hangs_is_cut_off_and_retried(
    healing: Build, faults: FaultsOf, clock: FakeClock
) -> None:
    instance = healing(policy=retrying())
    faults(instance).hang("db", times=2)

    @instance.guard("db", timeout=2.0)
    async def fetch() -> str:
        return "row"

    assert run(fetch(), clock) == "row"
    assert faults(instance).met["db"] == 2


def test_a_new_configuration_leaves_the_faults(healing: Build, faults: FaultsOf) -> None:
    instance = healing()
    asyncio.run(instance.initialize())
    faults(instance).fail("db")
    asyncio.run(
        instance.apply_config(
            AdaptiveConfig({"circuit_breaker": {"failure_threshold": 2}}, "test", 1_700_000_000.0)
        )
    )
    for _ in range(2):
        with pytest.raises(ConnectionError):
            instance.guard("db").call(read)
    with pytest.raises(BreakerOpen):
        instance.guard("db").call(read)


def test_a_fault_is_ended_by_hand(healing: Build, faults: FaultsOf) -> None:
    instance = healing()
    faults(instance).fail("db")
    faults(instance).fail("queue")
    faults(instance).end("db")
    assert instance.guard("db").call(read) == "row"
    with pytest.raises(ConnectionError):
        instance.guard("queue").call(read)
    faults(instance).end()
    assert instance.guard("queue").call(read) == "row"


def test_afterwards_every_guard_is_as_it_was(healing: Build) -> None:
    instance, other = healing(), healing(policy=retrying())
    use = Guard.use
    with faults_kept() as faults:
        faults(instance).fail("db")
        faults(other).fail("db", times=1)
        assert other.guard("db").describe() == "Retry > Breaker"
        assert other.guard("db").call(read) == "row"
    assert Guard.use is use
    assert instance.guard("db").pipeline is None
    assert instance.guard("db").call(read) == "row"
    assert type(other.guard("db").pipeline).__name__ == "Pipeline"


def test_the_synchronous_facade_is_taken_for_its_instance(
    healing: Build, faults: FaultsOf
) -> None:
    instance = healing()
    assert faults(instance.synchronous()) is faults(instance)
