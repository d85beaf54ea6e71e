"""One instance, entered and left more than once: a server's lifespan in each of its tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hms.agents.healing import AdaptiveConfig, create_basic_self_healing
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.errors import BreakerOpen


async def fail() -> None:
    raise OSError("no")


async def live(healing: StandaloneSelfHealing, number: int) -> None:
    async with healing:
        change = AdaptiveConfig({"breaker": {"open_s": 30.0 + number}}, "test", float(number))
        await healing.apply_config(change)
        dependency = healing.guard(f"db {number}")
        for _ in range(10):
            with pytest.raises(OSError, match="no"):
                await dependency.acall(fail)


def test_state_is_kept_each_time_an_instance_is_left(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hms.db'}"
    healing = create_basic_self_healing("cart", store=url)
    for number in (1, 2, 3):
        asyncio.run(live(healing, number))
        assert healing.recorder is not None
        assert healing.recorder.lag == 0

    after = create_basic_self_healing("cart", store=url)

    async def look() -> None:
        async with after:
            assert after.configuration_version == 3
            for number in (1, 2, 3):
                with pytest.raises(BreakerOpen):
                    await after.guard(f"db {number}").acall(fail)

    asyncio.run(look())


def test_closed_before_it_was_ever_open_and_twice_changes_nothing(tmp_path: Path) -> None:
    healing = create_basic_self_healing("cart", store=f"sqlite:///{tmp_path / 'hms.db'}")

    async def use() -> None:
        await healing.close()
        async with healing:
            pass
        await healing.close()
        assert not healing.is_looping
        assert (await healing.check_health()).is_healthy

    asyncio.run(use())
