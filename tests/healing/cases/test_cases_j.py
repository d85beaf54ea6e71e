"""Retry: the cases J1 to J17, on a fake clock; no jitter and no budget unless told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import pytest
from callee import Callee
from virtual_time import run

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.pipeline.pipeline import Pipeline
from hms.agents.healing.pipeline.retry import Retry
from hms.agents.healing.pipeline.retry_after import parse_retry_after
from hms.agents.healing.pipeline.timeout import Timeout
from hms.agents.policy.kinds import BUDGET_NONE
from hms.agents.policy.parameters import RetryParameters
from hms.errors import BreakerOpen, CallTimeout, ConfigRefused

FAULT = OSError("no")


def free(**changed: Any) -> RetryParameters:
    """Parameters without jitter and budget, of base .1 s."""
    given: dict[str, Any] = {
        "max_attempts": 3, "base_s": 0.1, "multiplier": 2.0, "max_s": 2.0, "jitter_kind": 0,
        "budget_kind": BUDGET_NONE, "retry_on_error": True,
    }
    return RetryParameters(**{**given, **changed})


def retry(on: Any = OSError, **changed: Any) -> Retry:
    stage = {key: changed.pop(key) for key in ("judge", "retry_after") if key in changed}
    return Retry(on, parameters=free(**changed), **stage)


def waits(callee: Callee) -> list[float]:
    return [round(later - before, 9) for before, later in pairwise(callee.called_at_s)]


def test_j1_attempts_are_calls_in_all_and_the_last_error_is_raised_itself(
    clock: FakeClock,
) -> None:
    pipeline = Pipeline.of(retry(), clock=clock)
    third = Callee(clock, FAULT, FAULT, "value")
    assert (pipeline.call(third, (), {}), third.calls) == ("value", 3)

    ends = [OSError(number) for number in range(3)]
    never = Callee(clock, *ends)
    with pytest.raises(OSError, match="2") as raised:
        pipeline.call(never, (), {})
    assert raised.value is ends[2]
    assert never.calls == 3


def test_j2_waits_grow_by_the_multiplier_up_to_the_cap(clock: FakeClock) -> None:
    callee = Callee(clock, FAULT)
    with pytest.raises(OSError, match="no"):
        Pipeline.of(retry(max_attempts=8), clock=clock).call(callee, (), {})
    assert waits(callee) == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def drawn(clock: FakeClock, jitter: int, u: float, **changed: Any) -> list[float]:
    """The waits of seven retries where every draw is `u`."""
    callee = Callee(clock, FAULT)
    stage = retry(max_attempts=8, jitter_kind=jitter, **changed)
    with pytest.raises(OSError, match="no"):
        Pipeline.of(stage, clock=clock, draw=lambda: u).call(callee, (), {})
    return waits(callee)


def test_j3_full_jitter_draws_from_nothing_to_the_wait(clock: FakeClock) -> None:
    assert drawn(clock, 1, 0.0) == [0.0] * 7
    assert drawn(clock, 1, 0.5) == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_j4_equal_jitter_keeps_half(clock: FakeClock) -> None:
    assert drawn(clock, 2, 0.0) == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert drawn(clock, 2, 0.5)[:2] == [0.075, 0.15]


def test_j5_decorrelated_jitter_draws_from_base_to_three_times_the_last(
    clock: FakeClock,
) -> None:
    assert drawn(clock, 3, 0.0) == [0.1] * 7
    assert drawn(clock, 3, 0.5)[:3] == [0.2, 0.35, 0.575]
    assert max(drawn(clock, 3, 0.999)) <= 2.0


def test_j6_full_jitter_still_spreads_at_the_cap(clock: FakeClock) -> None:
    draws = iter([number / 1000 for number in range(1000)])
    callee = Callee(clock, FAULT)
    stage = retry(max_attempts=1001, jitter_kind=1, base_s=2.0)
    with pytest.raises(OSError, match="no"):
        Pipeline.of(stage, clock=clock, draw=lambda: next(draws)).call(callee, (), {})
    assert min(waits(callee)) < 0.01
    assert max(waits(callee)) > 1.99
    assert len(set(waits(callee))) > 990


def test_j7_the_two_thousandth_wait_is_at_the_cap_and_no_overflow(clock: FakeClock) -> None:
    callee = Callee(clock, FAULT)
    with pytest.raises(OSError, match="no"):
        Pipeline.of(retry(max_attempts=2001, max_s=5.0), clock=clock).call(callee, (), {})
    assert callee.calls == 2001
    assert max(waits(callee)) <= 5.0


class TooBusy(OSError):
    """As clients of HTTP raise it."""

    def __init__(self, retry_after: str) -> None:
        super().__init__("503")
        self.headers = {"Retry-After": retry_after}


def test_j8_retry_after_makes_a_wait_longer_and_attempts_still_bound(clock: FakeClock) -> None:
    callee = Callee(clock, TooBusy("3"))
    with pytest.raises(TooBusy):
        Pipeline.of(retry(), clock=clock).call(callee, (), {})
    assert waits(callee) == [3.0, 3.0]

    longer = Callee(clock, TooBusy("3"))
    with pytest.raises(TooBusy):
        Pipeline.of(retry(base_s=10.0, max_s=10.0), clock=clock).call(longer, (), {})
    assert waits(longer) == [10.0, 10.0]


@pytest.mark.parametrize(
    "header", [formatdate(0.0, usegmt=True), "-1", "junk", "", "0", "nan", "1e400"]
)
def test_j9_a_retry_after_that_says_nothing_leaves_the_own_wait(
    clock: FakeClock, header: str
) -> None:
    callee = Callee(clock, TooBusy(header))
    with pytest.raises(TooBusy):
        Pipeline.of(retry(), clock=clock).call(callee, (), {})
    assert waits(callee) == [0.1, 0.2]


def test_j9_a_date_to_come_is_a_span_from_now() -> None:
    assert parse_retry_after(formatdate(1_000_008.0, usegmt=True), lambda: 1_000_000.0) == 8.0
    assert parse_retry_after(" 8 ") == 8.0
    assert parse_retry_after(True) is None


def test_j10_a_retry_after_beyond_the_deadline_stops_at_once(clock: FakeClock) -> None:
    callee = Callee(clock, TooBusy("120"))
    pipeline = Pipeline.of(Timeout(40.0), retry(), clock=clock)
    with pytest.raises(TooBusy):
        pipeline.call(callee, (), {})
    assert (callee.calls, clock.now_s()) == (1, 0.0)
    assert pipeline.metrics()["no_time_left"] == 1


def test_j11_it_never_sleeps_past_its_deadline(clock: FakeClock) -> None:
    callee = Callee(clock, FAULT, takes_s=0.3)
    stages = (Timeout(0.5), retry(base_s=0.4), Timeout(0.3))
    with pytest.raises(OSError, match="no"):
        Pipeline.of(*stages, clock=clock).call(callee, (), {})
    assert (callee.calls, clock.now_s()) == (1, 0.3)

    hangs = Callee(clock, takes_s=9.0)
    start_s = clock.now_s()
    with pytest.raises(CallTimeout):
        run(Pipeline.of(*stages, clock=clock).acall(hangs.awaited, (), {}), clock)
    assert (hangs.calls, round(clock.now_s() - start_s, 9)) == (1, 0.3)


@pytest.mark.parametrize(("takes_s", "cut_s"), [(9.0, 0.5), (0.2, 0.25)])
def test_j12_a_cancellation_is_out_at_once_in_the_call_and_in_the_wait(
    clock: FakeClock, takes_s: float, cut_s: float
) -> None:
    callee = Callee(clock, FAULT, takes_s=takes_s)
    pipeline = Pipeline.of(retry(on=lambda error: not isinstance(error, KeyError)), clock=clock)

    async def main() -> None:
        task = asyncio.create_task(pipeline.acall(callee.awaited, (), {}))
        await asyncio.sleep(cut_s)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main(), clock)
    assert (clock.now_s(), callee.calls) == (cut_s, 1)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_j12_an_interruption_of_a_thread_is_out_at_once(
    clock: FakeClock, interruption: type[BaseException]
) -> None:
    callee = Callee(clock, interruption())
    with pytest.raises(interruption):
        Pipeline.of(retry(on=lambda error: True), clock=clock).call(callee, (), {})
    assert callee.calls == 1


def test_j13_a_refusal_is_not_retried(clock: FakeClock) -> None:
    callee = Callee(clock, BreakerOpen("open"))
    with pytest.raises(BreakerOpen):
        Pipeline.of(retry(on=Exception), clock=clock).call(callee, (), {})
    assert (callee.calls, clock.now_s()) == (1, 0.0)


def test_j14_a_generator_is_retried_until_its_first_item_is_out(clock: FakeClock) -> None:
    made = []

    def items() -> Iterator[int]:
        made.append(clock.now_s())
        if len(made) < 2:
            raise FAULT
        yield 1
        raise FAULT

    pipeline = Pipeline.of(retry(), clock=clock)
    got: list[int] = []
    with pytest.raises(OSError, match="no"):
        got.extend(each for each in pipeline.stream(items, (), {}))
    assert made == [0.0, 0.1]


def test_j15_a_value_that_stays_bad_is_returned(clock: FakeClock) -> None:
    callee = Callee(clock, 503, 500)
    stage = retry(max_attempts=2, judge=lambda status: status >= 500)
    assert Pipeline.of(stage, clock=clock).call(callee, (), {}) == 500
    assert callee.calls == 2


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: Retry(), "on"),
        (lambda: Retry(()), "on"),
        (lambda: Retry(BaseException), "BaseException"),
        (lambda: Retry(asyncio.CancelledError), "CancelledError"),
        (lambda: Retry(OSError, max_attempts=0), "retry.max_attempts"),
        (lambda: Retry(OSError, max_attempts=True), "retry.max_attempts"),
        (lambda: Retry(OSError, base_s=float("nan")), "retry.base_s"),
        (lambda: Retry(OSError, multiplier=0.5), "retry.multiplier"),
        (lambda: Retry(OSError, jitter="some"), "jitter"),
    ],
)
def test_j16_what_makes_no_retry_is_refused_by_name(
    build: Callable[[], Retry], named: str
) -> None:
    with pytest.raises(ConfigRefused, match=named):
        build()


def test_j17_nested_retries_do_not_multiply(clock: FakeClock) -> None:
    callee = Callee(clock, FAULT)
    pipeline = Pipeline.of(retry(), retry(), clock=clock)
    for calls in (3, 6):  # the mark is of one call: the same error object counts anew in the next
        with pytest.raises(OSError, match="no"):
            pipeline.call(callee, (), {})
        assert callee.calls == calls


def test_j17_a_mark_is_seen_through_an_error_raised_from_another(clock: FakeClock) -> None:
    callee = Callee(clock, FAULT)
    inner = Pipeline.of(retry(), clock=clock)

    def layer() -> None:
        try:
            inner.call(callee, (), {})
        except OSError as error:
            raise LookupError("of the layer") from error

    with pytest.raises(LookupError):
        Pipeline.of(retry(on=LookupError), clock=clock).call(layer, (), {})
    assert callee.calls == 3
