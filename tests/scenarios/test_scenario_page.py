"""docs/scenario-format.md says what the reader reads, and the engine has every kind of fault."""

import re

import pytest
from scenario_places import ROOT

from hms.documents import load_yaml
from hms.scenarios.families import FAMILIES
from hms.scenarios.fault_kinds import FAULT_KINDS
from hms.scenarios.faults.kinds import CODES
from hms.scenarios.file_keys import (
    COMPONENT_KEYS,
    COMPONENT_TODAY,
    EDGE_KEYS,
    EDGE_TODAY,
    EXPECT_KEYS,
    PROBE_KEYS,
    SLO_KEYS,
    WORKLOAD_KINDS,
)
from hms.scenarios.load import parse_scenario
from hms.scenarios.model import Component, Edge

PAGE = (ROOT / "docs" / "scenario-format.md").read_text(encoding="utf-8")
SHAPES = {key for shape in WORKLOAD_KINDS.values() for key in shape}
KEYS = {
    *COMPONENT_KEYS,
    *COMPONENT_TODAY,
    *EDGE_KEYS,
    *EDGE_TODAY,
    *EXPECT_KEYS,
    *PROBE_KEYS,
    *SLO_KEYS,
    *WORKLOAD_KINDS,
    *SHAPES,
    *FAULT_KINDS,
    *(spec.key for kind in FAULT_KINDS.values() for spec in kind.parameters),
}


def test_the_pages_example_is_a_scenario():
    block = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1]
    scenario, problems = parse_scenario(load_yaml(block, file="page").data)
    assert problems == []
    assert list(scenario.components) == ["people", "web", "db"]


@pytest.mark.parametrize("key", sorted(KEYS))
def test_the_page_names_every_key(key):
    assert re.search(rf"\b{key}\b", PAGE)


def test_the_page_gives_the_models_defaults():
    component, edge = Component("x"), Edge("a", "b")
    rows = (
        f"| workers, queue_limit | {component.workers}, {component.queue_limit} |",
        f"| service_time_ms, service_cv | {component.service_time_s * 1e3:g}, "
        f"{component.service_cv:g} |",
        f"| startup_s | {component.startup_s:g} |",
        f"| need, fallback_quality | {edge.need}, {edge.fallback_quality:g} |",
        f"| timeout_ms | {edge.timeout_s * 1e3:g} |",
        f"| on_cut | {edge.on_cut} |",
    )
    for row in rows:
        assert row in PAGE


def test_the_engines_know_every_kind_of_fault_that_a_file_may_name():
    assert set(FAULT_KINDS) <= set(CODES)
    assert set(FAMILIES) <= set(FAULT_KINDS)
