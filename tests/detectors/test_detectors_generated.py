"""The first cause of cascades that the generator drew: real and random systems, both engines."""

from itertools import islice

import pytest

from hms.evolution.baselines import load
from hms.scenarios.compile import compile_scenario
from hms.scenarios.detectors.examination import Promise, examine
from hms.scenarios.engines.fluid import run as run_fluid
from hms.scenarios.engines.request.engine import run as run_requests
from hms.scenarios.generator.frozen_split import FROZEN, TRAIN
from hms.scenarios.generator.incidents import draw_incident
from hms.scenarios.policy_tables import tables

MANY_CAUSES = ("cascade", "correlated_zone")
"""Families that begin in more than one place at once: there is no one first cause."""
ENGINES = {"fluid": run_fluid, "request": run_requests}


def named(engine, promised):
    """(identity, what was struck, the cause named) of each cascade that reached an entry."""
    policy = load("platform").policy
    for identity in FROZEN.incidents(TRAIN, 4_000):
        if identity.family in MANY_CAUSES:
            continue
        drawn = draw_incident(identity, "cascades")
        scenario = drawn.scenario
        compiled = compile_scenario(scenario, drawn.seed)
        outcome = ENGINES[engine](compiled, tables(policy, scenario), record=True)
        found = examine(outcome.telemetry, Promise(promised), scenario.warm_up_s)
        if found.blast.entries and found.cascade is not None and found.cascade.spread:
            yield identity, scenario.faults[0], found.cause


def is_right(fault, cause):
    if fault.kind == "load_spike":
        return cause.kind == "load"
    struck = f"{fault.edge[0]} -> {fault.edge[1]}" if fault.edge else fault.component
    return cause.name == struck and cause.since_s >= int(fault.start_s) - 1


def right_share(engine, cascades, promised=0.99):
    answers = list(islice(named(engine, promised), cascades))
    missed = [answer for answer in answers if not is_right(*answer[1:])]
    print(f"{engine}: {len(missed)} of {len(answers)} missed", missed)
    assert len(answers) == cascades
    return 1.0 - len(missed) / cascades


@pytest.mark.slow
def test_the_first_cause_of_30_generated_cascades_is_named():
    assert right_share("fluid", 30) >= 0.9


@pytest.mark.soak
@pytest.mark.parametrize(("engine", "promised"), [("fluid", 0.99), ("request", 0.95)])
def test_the_first_cause_is_named_in_nine_of_ten_of_200_generated_cascades(engine, promised):
    """A promise of .99 is missed by chance in a second of few requests: .95 for single ones."""
    assert right_share(engine, 200, promised) >= 0.9
