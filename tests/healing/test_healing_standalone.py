"""One instance heals one component: the promises of its interface."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest
from ill_component import ILL, WELL, Build, Strategy, fail, fall_ill

from hms.agents.healing import (
    AdaptiveConfig,
    HealingLevel,
    HealthMetrics,
    NoAction,
    SelfHealing,
    UnifiedHealingConfig,
    create_advanced_self_healing,
    create_basic_self_healing,
    create_full_self_healing,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.hybrid import HybridSelfHealing
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import ConfigRefused, NotInitialized

LEVELS = [create_basic_self_healing, create_advanced_self_healing, create_full_self_healing]


@pytest.mark.parametrize("create", LEVELS)
def test_every_level_works_from_the_id_alone_and_has_the_interface(
    create: Callable[[str], StandaloneSelfHealing],
) -> None:
    async def use() -> None:
        healing = create("cart")
        assert isinstance(healing, SelfHealing)
        await healing.initialize()
        assert (await healing.check_health()).is_healthy
        assert await healing.heal() == NoAction()
        assert await healing.health_metrics() == HealthMetrics()
        await healing.apply_config(AdaptiveConfig({}, "us", 1.0))

    asyncio.run(use())


def test_a_policys_overrides_see_the_level(clock: FakeClock) -> None:
    data = {
        "schema": "hms.policy/1",
        "overrides": [{"where": {"level": "full"}, "set": {"detection.error_rate": 0.05}}],
    }
    found, problems = HealingPolicy.parse(data)
    assert found is not None, problems
    rates = [
        create("cart", policy=found).in_virtual_time([]).component.detection.error_rate
        for create in LEVELS
    ]
    assert rates == [0.2, 0.2, 0.05]


def test_an_implementation_refuses_another_level() -> None:
    with pytest.raises(ConfigRefused, match="expected: Advanced"):
        HybridSelfHealing(UnifiedHealingConfig("cart", HealingLevel.BASIC))


def test_before_initialize_everything_but_guard_is_refused(healing: Build) -> None:
    each = healing()
    for method in (each.check_health, each.heal, each.health_metrics):
        with pytest.raises(NotInitialized, match="`cart` is not initialised"):
            asyncio.run(method())
    with pytest.raises(NotInitialized):
        asyncio.run(each.apply_config(AdaptiveConfig({}, "us", 1.0)))
    with pytest.raises(NotInitialized):
        each.report(WELL)
    assert each.guard("db") is each.guard("db")


def test_initialize_twice_is_once(healing: Build, clock: FakeClock) -> None:
    async def use() -> HealthMetrics:
        each = healing()
        await each.initialize()
        each.report(ILL)
        await each.initialize()
        return await each.health_metrics()

    assert asyncio.run(use()) == ILL


def test_s5_checking_health_changes_nothing(healing: Build, clock: FakeClock) -> None:
    async def use() -> None:
        each = healing()
        await fall_ill(each, clock)
        assert await each.check_health() == await each.check_health()
        assert each.history == ()

    asyncio.run(use())


def test_h8_a_dependency_described_otherwise_is_refused(healing: Build) -> None:
    each = healing()
    each.guard("db", kind="store")
    assert each.guard("db") is each.guard("db", kind="store")
    with pytest.raises(ConfigRefused, match="guarded already"):
        each.guard("db", kind="service")


def test_a_strategy_needs_its_five_methods_and_a_name_of_its_own(healing: Build) -> None:
    each = healing()
    with pytest.raises(ConfigRefused, match="no recovery strategy"):
        each.register_strategy(object())  # type: ignore[arg-type]
    each.register_strategy(Strategy("mine", fail))
    with pytest.raises(ConfigRefused, match="registered already"):
        each.register_strategy(Strategy("mine", fail))


def test_threads_share_an_instance(healing: Build, clock: FakeClock) -> None:
    import threading

    each = healing()
    asyncio.run(each.initialize())
    protected = each.guard("db")(lambda: None)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(50):
                each.report(WELL)
                protected()
                stamp = float(number * 1000 + step + 1)
                config = AdaptiveConfig({"retry": {"base_s": 0.1}}, f"t{number}", stamp)
                asyncio.run(each.apply_config(config))
        except BaseException as error:  # noqa: BLE001 - to the test, whatever it is
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert each.configuration_version == 200
    assert each.guard("db").metrics().ok == 200


def test_the_library_is_light() -> None:
    script = (
        "import sys, hms.agents.healing\n"
        "heavy = {'ray', 'mlflow', 'numba', 'numpy', 'pandas', 'pydantic', 'sqlalchemy',\n"
        "         'networkx', 'asyncio', 'yaml', 'logging'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
