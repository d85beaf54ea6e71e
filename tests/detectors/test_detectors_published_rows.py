"""The right end of every published row that has a verdict (experiments/fidelity).

A collapse there is one that outlives its trigger: metastable. What recovers is not. Rows known not
to be reproduced are left out.
"""

import pytest

from hms.experiments.fidelity.laboratory import Laboratory
from hms.experiments.fidelity.row import FLUID, REQUEST, Verdict
from hms.experiments.fidelity.rows import all_rows
from hms.scenarios.detectors.examination import Promise, examine

ROWS = {row.name: row for row in all_rows() if isinstance(row, Verdict) and not row.known}
STRUCK = {
    "140/s with a stall of 10 s": "server",
    "280/s, a cut that keeps requests": "gateway -> server",
    "half lost, 3 retries": "server",
    "spike and step-down, 3 retries": "gateway",
    "one of two down for 5 s, 3 retries": "server",
    "one pause of 1 s, evenly spaced arrivals": "server",
    "16 workers, the callee 25 times as slow: afterwards": "behind",
}


def examined(row, engine):
    laboratory = Laboratory()
    scenario = laboratory.scenario(row.file, row.changes)
    (outcome,) = laboratory.runs(engine, row.file, row.changes, 1)
    promised = max(slo.availability for slo in scenario.slo.values())
    return outcome, examine(outcome.telemetry, Promise(promised), scenario.warm_up_s)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if FLUID in row.engines])
def test_a_collapse_that_outlives_its_trigger_is_metastable_and_nothing_else_is(name):
    outcome, found = examined(ROWS[name], FLUID)
    assert outcome.verdict == ROWS[name].expected
    assert (found.metastable is not None) == (ROWS[name].expected == "collapsed")


@pytest.mark.parametrize("name", STRUCK)
def test_what_was_struck_is_named_as_the_first_cause(name):
    _, found = examined(ROWS[name], FLUID)
    assert found.cause.name == STRUCK[name]


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if REQUEST in row.engines])
def test_it_says_the_same_of_single_requests(name):
    outcome, found = examined(ROWS[name], REQUEST)
    assert (found.metastable is not None) == (outcome.verdict == "collapsed")
