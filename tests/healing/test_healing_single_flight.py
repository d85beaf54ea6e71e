"""One run for all who ask at the same time, whatever becomes of their event loops."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hms.agents.healing.single_flight import SingleFlight
from hms.errors import HealingFailed


def test_a_run_whose_event_loop_was_closed_is_given_up_and_the_next_one_made() -> None:
    made: list[int] = []

    async def run() -> int:
        made.append(1)
        if len(made) == 1:
            await asyncio.Event().wait()
        return len(made)

    flight = SingleFlight(run)
    abandoned = asyncio.new_event_loop()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(flight.run(), 0.01)

    abandoned.run_until_complete(give_up())
    waits, told = threading.Event(), list[str]()

    async def wait_beside() -> None:
        waiting = asyncio.ensure_future(flight.run())
        await asyncio.sleep(0)
        waits.set()
        with pytest.raises(HealingFailed, match="its event loop was stopped") as error:
            await waiting
        told.append(str(error.value))

    beside = threading.Thread(target=lambda: asyncio.run(wait_beside()))
    beside.start()
    assert waits.wait(5.0)
    task = flight._task
    assert task is not None
    abandoned.close()
    assert asyncio.run(flight.run()) == 2
    beside.join(5.0)
    assert told
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    task.get_coro().close()  # type: ignore[attr-defined]
