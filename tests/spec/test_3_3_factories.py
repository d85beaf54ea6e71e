"""Section 3.3: an instance from the component's id alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hms.agents.healing import (
    HealingLevel,
    ImplementationConfig,
    SelfHealing,
    UnifiedHealingConfig,
    create_advanced_self_healing,
    create_basic_self_healing,
    create_full_self_healing,
    create_self_healing,
)


@pytest.mark.parametrize(
    ("create", "level"),
    [
        (create_basic_self_healing, HealingLevel.BASIC),
        (create_advanced_self_healing, HealingLevel.ADVANCED),
        (create_full_self_healing, HealingLevel.FULL),
    ],
)
def test_an_id_is_enough(create: Callable[[str], Any], level: HealingLevel) -> None:
    healing = create("component-id")

    async def main() -> None:
        async with healing:
            assert (await healing.check_health()).is_healthy

    asyncio.run(main())
    assert isinstance(healing, SelfHealing)
    assert (healing.config.component_id, healing.config.level) == ("component-id", level)


def test_the_general_door_takes_a_whole_configuration() -> None:
    config = UnifiedHealingConfig(
        "my-component", HealingLevel.ADVANCED,
        implementation_config=ImplementationConfig("Hybrid"),
    )  # fmt: skip
    assert create_self_healing(config).config == config
