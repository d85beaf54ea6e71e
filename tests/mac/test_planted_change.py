"""A decision is written once: one changed line changes the compiled run and the agents alike.

numba's own cache looks at a function's own file only, so a change in a callee of another file
passes it by. The project names its cache folder by a hash of all sources; this test would go
red if it did not, because the copy with the planted line shares the cache of the original.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shop_faults import struck

from hms.agents.mac.virtual_time import replay
from hms.agents.policy.healing_policy import HealingPolicy
from hms.scenarios.compile import compile_scenario
from hms.scenarios.machine_code import cache_folder
from hms.scenarios.model import Scenario

ROOT = Path(__file__).resolve().parents[2]
FILE = "agents/policy/breaker.py"
LINE = "    duration_s = p.open_s\n"
PLANTED = "    duration_s = p.open_s + 0.7\n"

BOTH_WAYS = """
import json, sys
sys.path.insert(0, "tests/mac")
from shop_faults import struck
from hms.agents.mac.virtual_time import replay
from hms.agents.policy.healing_policy import HealingPolicy
from hms.documents import load_yaml
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import run
from hms.scenarios.load import load_scenario
from hms.scenarios.machine_code import cache_folder
from hms.scenarios.policy_tables import tables

scenario = struck(load_scenario("tests/mac/shop.yaml"), "error")
policy = HealingPolicy.parse(load_yaml("tests/mac/eager.yaml").data)[0].with_overrides(())
compiled = compile_scenario(scenario, seed=3)
print(json.dumps({
    "cache": str(cache_folder()),
    "actors": replay(compiled, policy, scenario)[1],
    "compiled": run(compiled, tables(policy, scenario), record=True).events,
}))
"""


@pytest.mark.slow
def test_one_planted_line_changes_both_ways_of_running(
    tmp_path: Path, shop: Scenario, policies: dict[str, HealingPolicy]
) -> None:
    for room in ("hms", "agents", "scenarios", "tests/mac"):
        kept = shutil.ignore_patterns("__pycache__", "library", "*.egg-info")
        shutil.copytree(ROOT / room, tmp_path / room, symlinks=True, ignore=kept)
    for absent in ("evolution", "experiments"):  # the links of hms lead somewhere
        (tmp_path / absent).mkdir()
    planted = tmp_path / FILE
    source = planted.read_text()
    assert source.count(LINE) == 1
    planted.write_text(source.replace(LINE, PLANTED))

    done = subprocess.run(
        [sys.executable, "-c", BOTH_WAYS], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["cache"] != str(cache_folder())
    shutil.rmtree(found["cache"])

    scenario = struck(shop, "error")
    compiled = compile_scenario(scenario, seed=3)
    _, original = replay(compiled, policies["eager"].with_overrides(()), scenario)
    assert found["actors"] == found["compiled"]
    assert found["actors"] != original
