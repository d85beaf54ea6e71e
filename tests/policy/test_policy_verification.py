"""Did the act help? Verdicts, undo, and what no data means (specification 3.4.2, 8.2)."""

import pytest
from agent_case import Agent, failing, hung, starting, unasked, well

from hms.agents.policy.detection import SlotObservation
from hms.agents.policy.healing_policy import HealingPolicy, Step, recovery_arrays
from hms.agents.policy.kinds import (
    ACT_NAMES,
    ADJUST,
    CLASS_NAMES,
    CUSTOM_ACT,
    DEPENDENCY,
    DESTRUCTIVE,
    DISRUPTIVE,
    EFFECT_NAMES,
    EFFECTIVE,
    ERRORS,
    FALLBACK,
    INCONCLUSIVE,
    INEFFECTIVE,
    NO_ACTION,
    RECONNECT,
    RESTART,
    REVERSIBLE,
    SCALE,
    UNDO_NAMES,
    VERDICT_NAMES,
)
from hms.agents.policy.parameters import GuardParameters, VerificationParameters
from hms.agents.policy.recovery import act_at, act_class, has_undo

FREE = GuardParameters(bound=False)
LIMIT = Step("adjust", target="concurrency.limit", value=24.0, patience_s=5.0)


@pytest.mark.parametrize(
    ("act", "class_", "undo"),
    [
        (NO_ACTION, REVERSIBLE, False),
        (ADJUST, REVERSIBLE, True),
        (RECONNECT, REVERSIBLE, False),
        (FALLBACK, REVERSIBLE, True),
        (SCALE, REVERSIBLE, True),
        (RESTART, DISRUPTIVE, False),
        (CUSTOM_ACT, DISRUPTIVE, False),
        (7, DESTRUCTIVE, False),
        (-1, DESTRUCTIVE, False),
    ],
)
def test_each_act_has_a_class_and_maybe_an_undo(act, class_, undo):
    assert act_class(act) == class_
    assert has_undo(act) == undo


def test_each_act_says_its_effect_and_its_undo_in_words():
    assert len(EFFECT_NAMES) == len(UNDO_NAMES) == len(ACT_NAMES)
    assert all(EFFECT_NAMES)
    assert [bool(UNDO_NAMES[act]) for act in range(7)] == [has_undo(act) for act in range(7)]
    assert CLASS_NAMES[DESTRUCTIVE] == "destructive"
    assert [VERDICT_NAMES[v] for v in (EFFECTIVE, INCONCLUSIVE, INEFFECTIVE)] == [
        "effective", "inconclusive", "ineffective"
    ]


@pytest.mark.parametrize("step", [LIMIT, Step("fallback", patience_s=5.0),
                                  Step("scale", patience_s=5.0)])
def test_what_did_not_help_is_undone_when_the_next_step_follows(step):
    agent = Agent({"errors": [step, Step("restart", patience_s=9.0)]}).run(8, failing())
    assert [(at_s, kind) for at_s, kind, _ in agent.acts] == [
        (1.0, ACT_NAMES.index(step.act)), (6.0, RESTART)
    ]
    assert agent.settled == [(6.0, INEFFECTIVE)]
    assert agent.undone == [(6.0, ERRORS, 0)]


def test_the_last_step_of_a_ladder_is_undone_too_and_somebody_told():
    agent = Agent({"errors": [Step("reconnect", patience_s=2.0), LIMIT]}).run(60, failing())
    assert agent.undone == [(8.0, ERRORS, 1)]
    assert agent.told == [8.0]


def test_what_helped_stays():
    agent = Agent({"errors": [LIMIT, Step("restart")]})
    agent.o[0] = failing()
    agent.react(lambda each: each.o.__setitem__(0, well()), 30)
    assert [verdict for _, verdict in agent.settled] == [EFFECTIVE]
    assert agent.undone == []


@pytest.mark.parametrize(
    "step",
    [
        Step("reconnect", patience_s=4.0),
        Step("restart", patience_s=4.0),
        Step("custom", name="roll_back", patience_s=4.0),
    ],
)
def test_what_has_no_undo_is_not_undone(step):
    agent = Agent({"errors": [step]}, slots=2)
    agent.run(10, failing())
    assert [verdict for _, verdict in agent.settled] == [INEFFECTIVE]
    assert agent.undone == []


def test_undo_can_be_switched_off():
    kept = VerificationParameters(undo=False)
    agent = Agent({"errors": [LIMIT]}, verification=kept).run(10, failing())
    assert agent.settled == [(6.0, INEFFECTIVE)]
    assert agent.undone == []


def test_a_stack_that_is_not_ours_undoes_nothing():
    agent = Agent({"errors": [LIMIT]}, guard=FREE).run(10, failing())
    assert agent.settled == [(6.0, INEFFECTIVE)]
    assert agent.undone == []


def test_an_effect_must_hold_to_be_believed():
    slow = VerificationParameters(hold_s=6.0)
    agent = Agent({"errors": [Step("reconnect", patience_s=30.0)]}, verification=slow)
    agent.o[0] = failing()
    at_s = agent.until_act()
    agent.run(20, well())
    assert agent.settled == [(at_s + 1.0 + 1.0 + 6.0, EFFECTIVE)]  # well since 2; confirm 1, hold 6


def test_without_arrivals_there_is_no_verdict_and_no_further_act():
    """No data is never a reason to act, to undo, or to count a step as a failure."""
    short = VerificationParameters(extension_s=20.0)
    agent = Agent({"errors": [LIMIT, Step("restart")]}, verification=short)
    agent.o[0] = failing()
    at_s = agent.until_act()
    agent.run(100, unasked())
    assert agent.settled == [(at_s + 5.0 + 20.0, INCONCLUSIVE)]
    assert len(agent.acts) == 1
    assert agent.undone == [] and agent.told == []
    assert agent.r.position[ERRORS] == 0.0


def test_data_in_the_extension_decide():
    agent = Agent({"errors": [LIMIT, Step("restart")]})
    agent.o[0] = failing()
    agent.until_act()
    agent.run(15, unasked())
    agent.run(5, failing())
    assert [verdict for _, verdict in agent.settled] == [INEFFECTIVE]
    assert [kind for _, kind, _ in agent.acts] == [ADJUST, RESTART]
    well_again = Agent({"errors": [LIMIT, Step("restart")]})
    well_again.o[0] = failing()
    well_again.until_act()
    well_again.run(15, unasked())
    well_again.run(5, well())
    assert [verdict for _, verdict in well_again.settled] == [EFFECTIVE]


def test_once_its_patience_is_over_the_first_sight_of_the_illness_decides():
    """A breaker's probes bring arrivals in single periods; each may be the only one for long."""
    agent = Agent({"errors": [LIMIT, Step("restart")]})
    agent.o[0] = failing()
    at_s = agent.until_act()
    agent.run(12, unasked())
    agent.run(1, failing())
    agent.run(20, unasked())
    assert agent.settled == [(at_s + 13.0, INEFFECTIVE)]
    assert agent.acts[1] == (at_s + 13.0, RESTART, 0)


def test_requests_that_wait_in_silence_are_something_to_see():
    ladder = [Step("reconnect", patience_s=3.0), Step("restart", patience_s=9.0)]
    agent = Agent({"unresponsive": ladder}).run(5)
    agent.run(2, hung(8.0))
    agent.run(4, unasked(silence_s=12.0))  # callers cut it off, their requests still wait
    assert [kind for _, kind, _ in agent.acts] == [RECONNECT, RESTART]
    idle = Agent({"unresponsive": ladder}).run(5)
    idle.run(60, unasked(silence_s=12.0))
    assert idle.acts == []  # silence alone, without anyone asking, is not found


def test_what_is_inconclusive_is_tried_again_once_there_is_something_to_see():
    short = VerificationParameters(extension_s=0.0)
    agent = Agent({"errors": [LIMIT, Step("restart")]}, verification=short)
    agent.o[0] = failing()
    agent.until_act()
    agent.run(30, unasked())
    agent.run(2, failing())
    assert [kind for _, kind, _ in agent.acts] == [ADJUST, ADJUST]


def test_a_process_nobody_asks_is_neither_well_nor_ill():
    agent = Agent({"errors": [Step("restart", patience_s=12.0)]})
    agent.o[0] = failing()
    acted_s = agent.until_act()
    agent.run(5, starting())
    agent.run(90, unasked())
    assert agent.settled == [(acted_s + 12.0 + 60.0, INCONCLUSIVE)]


def test_a_replica_that_never_comes_up_is_waited_for_no_longer_than_the_extension():
    agent = Agent({"errors": [Step("restart", patience_s=12.0)]})
    agent.o[0] = failing()
    acted_s = agent.until_act()
    agent.run(200, starting())
    assert agent.settled == [(acted_s + 72.0, INCONCLUSIVE)]
    assert len(agent.acts) == 1


def test_a_stack_that_is_not_ours_waits_for_a_start_as_long_as_it_takes():
    agent = Agent({"errors": [Step("restart", patience_s=12.0)]}, guard=FREE)
    agent.o[0] = failing()
    agent.until_act()
    agent.run(200, starting())
    assert agent.settled == []


def test_nor_does_it_judge_sooner_than_it_did():
    agent = Agent({"errors": [Step("restart", patience_s=2.0)]}, guard=FREE)
    agent.o[0] = failing()
    at_s = agent.until_act()
    agent.run(4, starting())  # its patience ends at 3, the next look is at 6
    agent.run(20, failing())
    assert agent.settled[0] == (at_s + 8.0, INEFFECTIVE)
    ours = Agent({"errors": [Step("restart", patience_s=2.0)]})
    ours.o[0] = failing()
    at_s = ours.until_act()
    ours.run(4, starting()).run(20, failing())
    assert ours.settled[0] == (at_s + 6.0, INEFFECTIVE)


@pytest.mark.parametrize("missing", [failing(missing=True), well(missing=True)])
def test_a_missing_report_says_nothing(missing):
    agent = Agent({"errors": [LIMIT, Step("restart")]}, slots=1)
    agent.run(1, failing())
    agent.run(40, missing)
    assert agent.acts == []  # not even confirmed
    agent.run(2, failing())
    assert len(agent.acts) == 1
    agent.run(40, missing)
    assert len(agent.acts) == 1
    assert agent.settled == []
    assert int(agent.d.issue[0]) == ERRORS


def test_one_group_that_answers_decides_for_what_changes_all():
    agent = Agent({"errors": [LIMIT, Step("restart")]}, slots=2)
    agent.o[0] = failing()
    agent.until_act()
    agent.run(10, well(), unasked())
    assert [verdict for _, verdict in agent.settled] == [EFFECTIVE]


def test_a_group_last_seen_ill_leaves_the_verdict_open():
    agent = Agent({"errors": [LIMIT, Step("restart")]}, slots=2)
    agent.o[0] = agent.o[1] = failing()
    agent.until_act()
    agent.run(20, well(), unasked())
    assert agent.settled == []
    agent.run(5, well(), failing())
    assert [verdict for _, verdict in agent.settled] == [INEFFECTIVE]


def test_an_act_that_another_comes_before_is_never_judged():
    ladders = {"slow": [Step("scale", patience_s=60.0)],
               "unresponsive": [Step("restart", patience_s=20.0)]}
    agent = Agent(ladders, slots=2).run(10)
    agent.run(5, well(own_response_s=0.5, response_s=0.6))
    agent.run(5, agent.o[0], hung())
    assert [kind for _, kind, _ in agent.acts] == [SCALE, RESTART]
    assert agent.settled == [(agent.acts[1][0], INCONCLUSIVE)]
    assert agent.undone == []


@pytest.mark.parametrize(
    ("seen", "acts"),
    [
        (SlotObservation(replicas=1.0), 1),  # down is something to see
        (hung(), 1),
        (well(memory_share=0.99, arrivals_rps=0.0), 1),  # memory shows without calls
    ],
)
def test_what_shows_without_answers_is_acted_on(seen, acts):
    ladders = {"unresponsive": [Step("restart")], "memory": [Step("reconnect")]}
    agent = Agent(ladders, slots=2).run(5)
    assert len(agent.run(5, seen).acts) == acts


def test_q10_what_a_dependency_does_never_restarts_its_caller():
    ladder = [Step("fallback", patience_s=3.0), Step("restart", patience_s=3.0)]
    agent = Agent({"dependency": ladder}, slots=2)
    agent.run(60, well(error_share=0.5), well(error_share=0.5))
    assert [kind for _, kind, _ in agent.acts] == [FALLBACK]
    assert agent.told == [4.0]
    only = Agent({"dependency": [Step("restart")]}, slots=2)
    assert only.run(60, well(error_share=1.0)).acts == []


def test_own_errors_beside_an_open_breaker_count_as_the_dependencys():
    """With a breaker open the runtime hands in no own errors (healing/recovery/ladder.py)."""
    ladders = {"errors": [Step("restart")], "dependency": [Step("none")]}
    agent = Agent(ladders, slots=2).run(60, well(own_error_share=0.0, error_share=0.9))
    assert int(agent.d.issue[0]) == DEPENDENCY
    assert agent.acts == [] and agent.told == []


def test_a_destructive_act_is_never_done_unasked():
    agent = Agent({"errors": [Step("reconnect", patience_s=2.0), Step("restart")]})
    agent.rp.act[ERRORS * 3 + 1] = 7.0  # beyond all known acts
    agent.run(60, failing())
    assert [kind for _, kind, _ in agent.acts] == [RECONNECT]
    assert agent.told == [3.0]
    assert act_at(agent.rp, ERRORS, 1) == NO_ACTION


def test_a_policys_group_reaches_the_decisions():
    policy = HealingPolicy().with_values({"verification.hold_s": 4.0})
    held = policy.for_component({})
    assert held.verification == held.recovery.verification == VerificationParameters(hold_s=4.0)
    assert recovery_arrays({}).verification == VerificationParameters()


def test_an_act_against_flapping_is_judged_by_whether_it_changes_again():
    ladders = {"flapping": [Step("reconnect", patience_s=10.0), LIMIT]}
    agent = Agent(ladders).run(5)
    for _ in range(2):
        agent.run(3, failing()).run(3, well())
    assert [kind for _, kind, _ in agent.acts] == [RECONNECT]
    agent.run(3, failing()).run(3, well()).run(10, well())
    assert agent.settled[0][1] == INEFFECTIVE
    assert agent.acts[-1][1] == ADJUST
    agent.run(20, well())
    assert agent.settled[-1][1] == EFFECTIVE
    assert len(agent.acts) == 2
    assert int(agent.d.issue[0]) == 0  # and it is well at once
