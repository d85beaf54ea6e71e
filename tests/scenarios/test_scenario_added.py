"""Faults and engines of other packages stand beside ours."""

import json
import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hms.errors import HmsError, ScenarioError
from hms.scenarios import added
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines import fluid
from hms.scenarios.fault_kinds import FAULT_KINDS, OURS
from hms.scenarios.faults.expand import plain_faults
from hms.scenarios.load import load_scenario
from hms.scenarios.outcome import COLUMNS, Outcome
from hms.scenarios.policy_tables import tables

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
FILE = """
schema: hms.scenario/1
name: rows
horizon_s: 120
slo: {{gate: {{availability: 0.9, latency_ms: 500}}}}
workload: [{{entry: gate, client: people, kind: constant, rate_rps: 7}}]
components:
  people: {{kind: client}}
  gate: {{}}
edges:
  people -> gate: {{}}
faults:
  - {{kind: cold_start, target: {{component: gate}}, start_s: 40, duration_s: 35, factor: {factor}}}
"""


def cold_start() -> Any:
    """The page's own example."""
    code = re.findall(r"```python run\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own page
    return names["COLD_START"]


def half_good(compiled: Any, tables: Any, *, record: bool = False) -> Outcome:
    """As simple an engine as there can be: M/M/1 by its closed form, good if stable."""
    gate = compiled.scenario.components["gate"]
    busy = compiled.scenario.workload[0].rate_rps * gate.service_time_s
    good = 1.0 if busy < 1.0 else 0.0
    told = {"availability": good, "good": 840.0 * good, "offered": 840.0}
    timeline = {name: np.zeros(0) for name in ("t_s", "offered_rps", "good_rps", "bad_rps")}
    return Outcome(**(dict.fromkeys(COLUMNS, 0.0) | told), timeline=timeline)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, Any]]]:
    """Entry points as if packages had been installed."""
    held: dict[str, dict[str, Any]] = {added.FAULTS: {}, added.ENGINES: {}}

    def found(group: str) -> list[EntryPoint]:
        return [EntryPoint(name, "elsewhere:IT", group) for name in held[group]]

    def loaded(entry: EntryPoint) -> Any:
        return held[entry.group][entry.name]

    monkeypatch.setattr(added, "entry_points", found)
    monkeypatch.setattr(added, "load", loaded)
    added.added_faults.cache_clear()
    FAULT_KINDS._loaded = None  # type: ignore[attr-defined]
    yield held
    added.added_faults.cache_clear()
    FAULT_KINDS._loaded = None  # type: ignore[attr-defined]


def test_an_added_fault_is_read_made_of_its_parts_and_run(installed: Any) -> None:
    installed[added.FAULTS]["cold_start"] = cold_start()
    scenario = load_scenario(FILE.format(factor=50))
    kinds = [(each.kind, each.start_s, each.duration_s) for each in plain_faults(scenario)]
    assert kinds == [("crash", 40.0, 5.0), ("slow", 45.0, 30.0)]
    from hms.agents.policy.healing_policy import HealingPolicy

    settings = tables(HealingPolicy(), scenario)
    struck = fluid.run(compile_scenario(scenario), settings, record=True)
    good = struck.timeline["good_rps"]
    assert good[41] < 1.0 < 6.0 < good[30]


def test_its_mistakes_are_told_like_those_of_ours(installed: Any) -> None:
    installed[added.FAULTS]["cold_start"] = cold_start()
    with pytest.raises(ScenarioError, match="factor"):
        load_scenario(FILE.format(factor=0.5))


def test_without_the_package_the_kind_is_unknown(installed: Any) -> None:
    with pytest.raises(ScenarioError, match=r"unknown fault kind .?cold_start"):
        load_scenario(FILE.format(factor=2))


def test_ours_are_found_without_asking_any_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(group: str) -> list[EntryPoint]:
        raise AssertionError(group)

    monkeypatch.setattr(added, "entry_points", asked)
    FAULT_KINDS._loaded = None  # type: ignore[attr-defined]
    assert FAULT_KINDS["crash"] is OURS["crash"]


@pytest.mark.parametrize(
    ("group", "name", "thing", "told"),
    [
        (added.FAULTS, "crash", None, "the name is ours"),
        (added.FAULTS, "mine", 3, "not an AddedFault"),
        (added.ENGINES, "mine", 3, "not run"),
    ],
)
def test_what_is_none_is_refused(
    installed: Any, group: str, name: str, thing: Any, told: str
) -> None:
    installed[group][name] = thing
    with pytest.raises(HmsError, match=told):
        list(FAULT_KINDS if group == added.FAULTS else added.added_engines())


def test_an_added_engine_is_run_by_the_command(
    installed: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from hms.experiments.cli.main import run

    installed[added.ENGINES]["steady"] = half_good
    (tmp_path / "rows.yaml").write_text(FILE.format(factor=2).split("faults:")[0])
    assert run(["simulate", str(tmp_path / "rows.yaml"), "--engine", "steady", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["availability"] == 1.0
    assert run(["simulate", str(tmp_path / "rows.yaml"), "--engine", "stedy"]) == 2
    assert "'stedy' is none of fluid, request, actors, steady" in capsys.readouterr().err
