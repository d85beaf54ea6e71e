"""The pytest plugin, as a user's own test run meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = "pytester"

SHOP = """
import pytest
from hms.agents.healing import create_basic_self_healing

class Pay:
    def charge(self): return "charged"

@pytest.fixture
def healing(fake_clock):
    return create_basic_self_healing("shop", clock=fake_clock, store="memory", draw=lambda: 0.5)
"""


def outcome(pytester: pytest.Pytester, test: str, **expected: int) -> pytest.RunResult:
    pytester.makepyfile(SHOP + test)
    done = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider")
    done.assert_outcomes(**expected)
    return done


def test_faults_open_a_breaker_and_time_closes_it(pytester: pytest.Pytester) -> None:
    outcome(pytester, """
def test_charge(healing, faults, fake_clock):
    charge = healing.guard("pay")(Pay().charge)
    faults(healing).fail("pay", times=10)
    for _ in range(10):
        with pytest.raises(ConnectionError, match="injected: pay fails"):
            charge()
    assert healing.guard("pay").breaker.phase == "open"
    fake_clock.advance(60.0)
    assert charge() == "charged"
    assert faults(healing).met["pay"] == 10
""", passed=1)


def test_an_asynchronous_test_waits_for_nothing(pytester: pytest.Pytester) -> None:
    done = outcome(pytester, """
import asyncio

def test_charge(healing, faults, run_virtually, fake_clock):
    @healing.guard("pay", timeout=2.0)
    async def charge(): return "charged"

    async def main():
        faults(healing).hang("pay", times=1)
        with pytest.raises(TimeoutError):
            await charge()
        await asyncio.sleep(3600)
        return await charge()

    assert run_virtually(main()) == "charged"
    assert fake_clock.now_s() == 3602.0
""", passed=1)
    assert done.duration < 20.0


def test_a_component_that_does_not_recover_is_told_with_its_reasons(
    pytester: pytest.Pytester,
) -> None:
    done = outcome(pytester, """
def test_it_heals(healing, faults, recovers_within_s):
    charge = healing.guard("pay", count=(OSError,))(Pay().charge)
    faults(healing).fail("pay", for_s=100)
    recovers_within_s(healing, 20, load=charge)
""", failed=1)
    done.stdout.fnmatch_lines([
        "*shop did not recover within 20 s*",
        "*ill since: * s*",
        "*status: Degraded(reason=*breaker open: pay*",
        "*tried: nothing*",
        "*breaker of `pay` is *",
        "*load: * raised, the last*",
    ])


def test_a_component_that_recovers_passes(pytester: pytest.Pytester) -> None:
    outcome(pytester, """
def test_it_heals(healing, faults, recovers_within_s):
    charge = healing.guard("pay")(Pay().charge)
    faults(healing).fail("pay", for_s=15)
    recovery = recovers_within_s(healing, 30, load=charge)
    assert 0 < recovery.ill_after_s < recovery.took_s <= 30
""", passed=1)


def test_a_fault_that_makes_nobody_ill_has_tested_nothing(pytester: pytest.Pytester) -> None:
    done = outcome(pytester, """
def test_it_heals(healing, recovers_within_s):
    recovers_within_s(healing, 10, load=Pay().charge)
""", failed=1)
    done.stdout.fnmatch_lines(["*shop never fell ill within 10 s: nothing was tested*"])


def test_names_of_the_users_own_win(pytester: pytest.Pytester) -> None:
    outcome(pytester, """
@pytest.fixture
def faults():
    return "my own"

def test_mine(faults):
    assert faults == "my own"
""", passed=1)


def test_whoever_uses_none_of_it_imports_none_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
import sys

def test_nothing():
    loaded = [name for name in sys.modules if name.startswith("hms")]
    assert sorted(loaded) == ["hms", "hms.agents", "hms.agents.pytest_plugin"]
""")
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)


def test_the_plugin_reads_three_small_files() -> None:
    """The cost to other people's runs: no module but pytest's, which is there already."""
    code = (
        "import sys, pytest; before = set(sys.modules); import hms.agents.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["hms", "hms.agents", "hms.agents.pytest_plugin"]
    import hms.agents.pytest_plugin as plugin

    assert Path(plugin.__file__).stat().st_size < 4000
