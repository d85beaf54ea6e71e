"""Event logs and faults in words."""

import pytest

from hms.agents.policy.kinds import CUSTOM_ACT, OPEN, RESTART, UNRESPONSIVE
from hms.experiments.event_words import Event, read_events
from hms.experiments.fault_words import full_text, short_text
from hms.scenarios.event_log import RULE_NAMES
from hms.scenarios.model import Component, Fault, Scenario

COMPONENTS = ("shoppers", "front", "cart")
EDGES = (("shoppers", "front"), ("front", "cart"))


def told(*lines: str) -> list[Event]:
    return list(read_events(lines, COMPONENTS, EDGES))


def test_a_breaker_that_opens_names_both_ends_of_its_edge() -> None:
    (event,) = told(f"431 1 phase 0.0 {float(OPEN)!r}")
    assert (event.t_s, event.text) == (43.1, "front -> cart: breaker open")


def test_an_act_names_component_and_issue() -> None:
    (event,) = told(f"470 9 act {float(UNRESPONSIVE)!r} {float(RESTART)!r}")
    assert event.text == "cart: restart (unresponsive)"
    assert (event.component, event.slot) == ("cart", 1)


def test_the_custom_act_of_the_engines_is_a_roll_back() -> None:
    (event,) = told(f"470 8 act 1.0 {float(CUSTOM_ACT)!r}")
    assert event.text == "cart: roll back (errors)"


def test_an_act_that_did_not_help_is_taken_back_by_its_step() -> None:
    (event,) = told("480 2 undone 1.0 0.0")
    assert event.text == "cart: took back step 1, no help against errors"


def test_every_rule_that_the_engines_log_has_words() -> None:
    for rule in RULE_NAMES[1:]:
        (event,) = told(f"480 1 {rule} 1.0 1.0")
        assert (event.rule, event.text != "") == (rule, True)


def test_illness_and_recovery_are_told_apart() -> None:
    ill, well = told("410 4 issue 0.0 2.0", "450 4 issue 2.0 0.0")
    assert ill.text == "front: found ill, slow"
    assert well.text == "front: well again (slow)"


def test_ejected_replica_groups_are_listed() -> None:
    (event,) = told("500 1 ejected 0.0 5.0")
    assert event.text == "front -> cart: replica groups out 0, 2"


def test_the_digest_is_no_event_and_rubbish_is_refused() -> None:
    assert told("sha256 ab12") == []
    with pytest.raises(ValueError, match="not a line"):
        told("1 2 3")
    with pytest.raises(ValueError, match="unknown rule"):
        told("1 2 dance 0.0 1.0")


@pytest.fixture
def shop() -> Scenario:
    components = {
        "front": Component("front", replicas=3),
        "db": Component("db", kind="store", replicas=1),
    }
    return Scenario("shop", 300.0, 30.0, {}, (), components, ())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            Fault("hang", "front", replicas=1, until="restart"),
            "hang of front, 1 of 3 replicas, until a restart",
        ),
        (Fault("hang", "front", until="restart"), "hang of front, all 3 replicas, until a restart"),
        (
            Fault("latency", edge=("front", "db"), duration_s=90.0, parameters={"added_s": 1.5}),
            "latency of front -> db, added 1.5 s, for 90 s",
        ),
        (
            Fault("load_spike", "front", duration_s=30.0, parameters={"factor": 2.5}),
            "load spike of front, ×2.5, for 30 s",
        ),
        (
            Fault("memory_leak", "db", until="restart", parameters={"mb_per_s": 0.8}),
            "memory leak of db, 0.8 MB/s, until a restart",
        ),
        (
            Fault("error", "db", duration_s=60.0, parameters={"share": 0.3}),
            "error of db, share 30%, for 60 s",
        ),
    ],
)
def test_a_fault_says_what_where_how_bad_and_how_long(
    fault: Fault, words: str, shop: Scenario
) -> None:
    assert full_text(fault, shop) == words


def test_a_label_is_short() -> None:
    assert short_text(Fault("memory_leak", "db")) == "memory leak db"
