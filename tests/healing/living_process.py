"""A service that learned something and has a breaker open; it waits to be killed.

    python living_process.py URL

Says what it knows as one line of JSON once its store has all of it.
"""

from __future__ import annotations

import asyncio
import json
import sys

from ill_component import LADDER, fall_ill, policy

from hms.agents.healing import AdaptiveConfig, create_basic_self_healing
from hms.agents.healing.clock import FakeClock

WALL_S = 1_700_000_000.0
OPEN_20_S = {"circuit_breaker": {"failure_threshold": 2, "reset_timeout": 20}}


async def live(url: str) -> None:
    clock = FakeClock(1000.0)
    each = create_basic_self_healing(
        "cart", policy=policy(**LADDER), clock=clock, store=url, wall=lambda: WALL_S
    )
    each.register_target("reconnect", lambda issue, amount: None)
    await fall_ill(each, clock)
    await each.apply_config(AdaptiveConfig(OPEN_20_S, "lab", WALL_S))
    await each.door("operator").apply_config(
        AdaptiveConfig({"retry": {"max_attempts": 3}}, "me", WALL_S)
    )
    await each.heal()
    each.learn("errors", "reconnect", helped=True)
    each.learn("errors", "reconnect", helped=False)
    breaker = each.guard("db").breaker
    for _ in range(2):
        breaker.failed(breaker.admit(), OSError("down"))
    recorder = each.recorder
    assert recorder is not None
    # the clock stands still: no second begins, in which open breakers would be saved again
    assert recorder.flush(60.0, hanging_too=True), recorder.trouble
    share = each.effectiveness
    print(
        json.dumps(
            {
                "left_s": breaker.saved().left_s,
                "attempts": [[row.key, row.issue, row.by] for row in each.history],
                "learned": [[row[0], row[1], row[2], row[3]] for row in share.rows()],
                "version": each.configuration_version,
                "instance": recorder.instance_id,
            }
        ),
        flush=True,
    )
    await asyncio.sleep(600.0)  # until it is killed


if __name__ == "__main__":
    asyncio.run(live(sys.argv[1]))
