"""Evenly spaced arrivals: said in a file, kept by what passes each of them on."""

from pathlib import Path

import pytest

from hms.errors import ScenarioError
from hms.scenarios.load import load_scenario, save_scenario
from hms.scenarios.model import Scenario
from hms.scenarios.topology import evenly_spaced

FILE = """
schema: hms.scenario/1
name: rows
horizon_s: 60
slo: {{gate: {{availability: 0.9, latency_ms: 500}}}}
workload: [{{entry: gate, client: people, kind: constant, arrivals: {arrivals}, rate_rps: 7}}]
components:
  people: {{kind: client}}
  gate: {{service_cv: {cv}}}
  store: {{service_cv: 1}}
  disk: {{}}
edges:
  people -> gate: {{}}
  gate -> store: {{calls: {calls}}}
  store -> disk: {{}}
"""


def rows(arrivals: str = "regular", cv: float = 0.0, calls: float = 1.0) -> Scenario:
    text = FILE.format(arrivals=arrivals, cv=cv, calls=calls)
    return load_scenario(text)


def test_an_exact_component_passes_them_on_and_a_chancy_one_does_not() -> None:
    assert evenly_spaced(rows()) == {"gate", "store"}
    assert evenly_spaced(rows(cv=0.5)) == {"gate"}
    assert evenly_spaced(rows(calls=2.0)) == {"gate"}
    assert evenly_spaced(rows("poisson")) == set()


def test_it_is_kept_in_a_file(tmp_path: Path) -> None:
    save_scenario(rows(), tmp_path / "rows.yaml")
    assert load_scenario(tmp_path / "rows.yaml").workload[0].arrivals == "regular"


def test_another_word_is_refused() -> None:
    with pytest.raises(ScenarioError, match="arrivals"):
        rows("uniform")
