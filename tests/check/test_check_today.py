"""Today's settings are simulated edge by edge, whatever engine runs them."""

from pathlib import Path

import pytest
from planted import SOUND

from hms.experiments.request_run import run_requests
from hms.experiments.single_run import prepare, run_incident
from hms.experiments.todays_settings import todays_tables
from hms.scenarios.load import load_scenario

FAULT = "latency:web->mail:added_ms=3000,start_s=60,duration_s=60"


@pytest.fixture
def blind(tmp_path: Path) -> Path:
    """The sound shop, but one breaker never opens: of four edges each has settings of its own."""
    path = tmp_path / "blind.yaml"
    path.write_text(SOUND.read_text(encoding="utf-8").replace("calls: 50", "calls: 5000"))
    return path


def test_each_edge_has_its_own_settings() -> None:
    scenario = load_scenario(SOUND).midpoint()
    found = todays_tables(scenario)
    assert sorted(found.timeouts[:, 0].tolist()) == [0.0, 0.3, 0.4, 1.2, 1.5]
    assert sorted(found.retry["max_attempts"].tolist()) == [1, 1, 1, 1, 2]
    assert sorted(found.breaker["minimum_calls"].tolist()) == [10, 10, 10, 10, 50]


def test_a_single_run_tells_a_blind_breaker_from_one_that_opens(blind: Path) -> None:
    down_s = {
        path: run_incident(prepare(str(path), (), "0", (FAULT,)), "today").outcome.downtime_s
        for path in (SOUND, blind)
    }
    assert down_s[SOUND] < 10.0 < 30.0 < down_s[blind]


@pytest.mark.slow
def test_so_does_a_run_of_single_requests(blind: Path) -> None:
    down_s = {
        path: run_requests(prepare(str(path), (), "0", (FAULT,)), "today").outcome.downtime_s
        for path in (SOUND, blind)
    }
    assert down_s[SOUND] < 10.0 < 30.0 < down_s[blind]
