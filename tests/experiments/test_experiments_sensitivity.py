"""`hms sensitivity RUN`: would a better guess change who won?"""

import json
from collections.abc import Callable

import pytest
from conftest import Ended, FinishedRun

pytestmark = pytest.mark.slow


def test_a_run_is_asked_whether_its_champion_stays(
    finished: FinishedRun, call: Callable[..., Ended]
) -> None:
    ended = call("sensitivity", str(finished.run.path), "--points", "4", "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["policies"] == ["champion", finished.run.best_baseline]
    assert len(told["failures"]) == 8
    assert {row["answer"] for row in told["failures"]} <= set(told["policies"])
    assert {row["quantity"] for row in told["quantities"]} >= {
        "front startup_s", "cart -> prices calls", "load of front rate_rps"
    }  # fmt: skip
    refused = call("sensitivity", str(finished.run.path), "--fault", "crash:cart")
    assert refused.code == 2
    assert "is a run: its scenario, failures and policies are its own" in refused.err
