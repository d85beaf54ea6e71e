"""One component's agent: ladders, patience, cool-down, delays, verification, escalation."""

import pytest
from agent_case import Agent, failing, hung, starting, well

from hms.agents.policy.component import disrupted, serving_beside
from hms.agents.policy.detection import SlotObservation
from hms.agents.policy.healing_policy import Step
from hms.agents.policy.kinds import (
    ADJUST,
    CUSTOM_ACT,
    ERRORS,
    FALLBACK,
    FOREVER_S,
    RECONNECT,
    RESTART,
    SCALE,
)
from hms.agents.policy.parameters import DetectionParameters, GuardParameters

FREE = GuardParameters(bound=False)
RESTART_ONLY = {"errors": [Step("restart", patience_s=5.0)]}


def test_no_ladder_no_act_and_no_word():
    agent = Agent({}).run(100, failing())
    assert agent.acts == []
    assert agent.told == []


def test_it_acts_once_the_illness_is_confirmed():
    agent = Agent(RESTART_ONLY).run(10)
    agent.run(5, failing())
    assert agent.acts == [(11.0, RESTART, 0)]
    assert (agent.r.issue, agent.r.step) == (ERRORS, 0)


def test_the_act_carries_what_its_step_says():
    ladder = [
        Step("adjust", target="concurrency.queue_limit", value=24.0, patience_s=5.0),
        Step("scale", replicas=2, patience_s=5.0),
        Step("fallback", duration_s=45.0, patience_s=5.0),
    ]
    agent = Agent({"errors": ladder}, slots=2)
    agent.o[1] = failing()
    told = []
    for _ in range(3):
        agent.until_act()
        a = agent.a
        told.append((a.kind, a.slot, a.amount, a.target, a.issue, a.step))
    assert told == [
        (ADJUST, 1, 24.0, 1, ERRORS, 0), (SCALE, 1, 2.0, 0, ERRORS, 1),
        (FALLBACK, 1, 45.0, 0, ERRORS, 2),
    ]


def test_a_step_that_helps_is_effective_and_ends_it():
    agent = Agent({"errors": [Step("reconnect", patience_s=10.0), Step("restart")]})
    agent.o[0] = failing()
    agent.react(lambda each: each.o.__setitem__(0, well()), 30)
    assert [kind for _, kind, _ in agent.acts] == [RECONNECT]
    assert [verdict for _, verdict in agent.settled] == [1]
    assert agent.settled[0][0] < agent.acts[0][0] + 10.0  # known before its patience ends


def test_a_step_that_does_not_help_is_followed_by_the_next_after_its_patience():
    ladder = [Step("reconnect", patience_s=4.0), Step("restart", patience_s=6.0)]
    agent = Agent({"errors": ladder}).run(30, failing())
    assert [(at, kind) for at, kind, _ in agent.acts] == [(1.0, RECONNECT), (5.0, RESTART)]
    assert agent.settled == [(5.0, -1), (11.0, -1)]


def test_after_the_last_step_it_escalates_once():
    agent = Agent(RESTART_ONLY).run(300, failing())
    assert len(agent.acts) == 1
    assert agent.told == [6.0]


def test_none_ends_a_ladder():
    ladder = [Step("reconnect", patience_s=2.0), Step("none")]
    agent = Agent({"errors": ladder}).run(60, failing())
    assert [kind for _, kind, _ in agent.acts] == [RECONNECT]
    assert agent.told == [3.0]


def test_a_relapse_before_the_calm_starts_at_the_step_that_helped():
    ladder = [Step("reconnect", patience_s=2.0), Step("restart", patience_s=5.0)]
    agent = Agent({"errors": ladder})
    agent.o[0] = failing()
    agent.until_act()
    agent.until_act()
    agent.run(20, well())
    agent.run(3, failing())
    assert [kind for _, kind, _ in agent.acts] == [RECONNECT, RESTART, RESTART]


def test_after_the_calm_it_starts_at_the_first_step_and_may_escalate_again():
    first = Step("reconnect", patience_s=2.0, delay_reset_s=30.0)
    ladder = [first, Step("restart", patience_s=5.0)]
    agent = Agent({"errors": ladder}).run(20, failing())
    assert len(agent.told) == 1
    agent.run(31, well()).run(20, failing())
    assert [kind for _, kind, _ in agent.acts] == [RECONNECT, RESTART] * 2
    assert len(agent.told) == 2


def test_q5_cool_down_holds_and_lets_go():
    agent = Agent({"errors": [Step("reconnect", patience_s=3.0, cool_down_s=60.0)]})
    agent.o[0] = failing()
    first_s = agent.until_act()
    agent.run(10, well())
    agent.o[0] = failing()
    assert agent.until_act() == first_s + 60.0


def test_a_cooling_step_is_passed_over_where_there_is_another():
    ladder = [Step("reconnect", patience_s=3.0, cool_down_s=60.0), Step("fallback")]
    agent = Agent({"errors": ladder})
    agent.o[0] = failing()
    agent.until_act()
    agent.run(10, well())
    agent.run(3, failing())
    assert [kind for _, kind, _ in agent.acts] == [RECONNECT, FALLBACK]


def test_other_replicas_do_not_wait_for_a_cool_down():
    agent = Agent(
        {"errors": [Step("reconnect", patience_s=9.0, cool_down_s=300.0)]}, slots=2
    )
    agent.o[0] = agent.o[1] = failing()
    agent.react(lambda each: each.o.__setitem__(each.a.slot, well()), 20)
    assert [slot for _, _, slot in agent.acts] == [0, 1]


def test_q11_a_crash_loop_is_restarted_as_kubernetes_does():
    ladder = [Step("restart", patience_s=1.0, delay_first_s=10.0, delay_multiplier=2.0,
                   delay_max_s=300.0, delay_reset_s=600.0)]
    agent = Agent({"unresponsive": ladder}, guard=FREE)
    waits = []
    for _ in range(8):
        crashed_s = agent.now_s
        agent.o[0] = SlotObservation(replicas=1.0)
        waits.append(agent.until_act() - crashed_s)
        agent.run(5, starting())
        agent.run(5, well())
    assert waits == [1.0, 11.0, 21.0, 41.0, 81.0, 161.0, 301.0, 301.0]  # + 1 to confirm
    agent.run(600, well())
    agent.o[0] = SlotObservation(replicas=1.0)
    crashed_s = agent.now_s
    assert agent.until_act() - crashed_s == 1.0


def test_guarded_the_fourth_restart_escalates_instead():
    ladder = [Step("restart", patience_s=20.0)]
    agent = Agent({"unresponsive": ladder})
    for _ in range(4):
        agent.run(2, SlotObservation(replicas=1.0))
        agent.run(5, starting())
        agent.run(18, well())
    assert [at_s for at_s, _, _ in agent.acts] == [1.0, 26.0, 51.0]
    assert agent.told == [76.0]


def test_a_stack_without_bounds_goes_round_its_ladder_for_ever():
    agent = Agent({"errors": [Step("restart", patience_s=5.0)]}, guard=FREE)
    agent.run(62, failing())
    assert len(agent.acts) == 13
    assert len(agent.told) == 1


def test_a_starting_replica_is_not_judged_before_it_has_answered():
    agent = Agent(RESTART_ONLY)
    agent.o[0] = failing()
    agent.until_act()
    agent.run(20, starting())
    assert agent.settled == []
    agent.run(6, well())
    assert agent.settled == [(25.0, 1)]  # it answers since 22, and must for 3 s


def test_the_time_a_restart_takes_is_no_calm():
    ladder = [Step("restart", patience_s=5.0, delay_first_s=10.0, delay_reset_s=60.0)]
    agent = Agent({"errors": ladder}, guard=FREE)
    agent.o[0] = failing()
    agent.until_act()
    agent.run(100, starting())
    agent.o[0] = failing()
    up_s = agent.now_s
    assert agent.until_act() >= up_s + 10.0


def test_a_cool_down_does_not_hold_back_the_first_act():
    agent = Agent({"errors": [Step("scale", patience_s=5.0, cool_down_s=300.0)]})
    agent.run(3, failing())
    assert agent.acts == [(1.0, SCALE, 0)]


def test_a_restart_that_brings_back_a_bad_process_has_not_helped():
    ladder = [Step("restart", patience_s=20.0), Step("custom", name="roll_back", patience_s=9.0)]
    agent = Agent({"errors": ladder}, slots=2)
    agent.o[0] = failing()
    agent.until_act()
    agent.run(10, starting())
    agent.run(15, failing())
    assert [kind for _, kind, _ in agent.acts] == [RESTART, CUSTOM_ACT]
    assert agent.settled[0][1] == -1


def test_an_act_on_replicas_that_leaves_the_dependency_ill_has_not_helped():
    agent = Agent({"dependency": [Step("reconnect", patience_s=6.0)]})
    agent.run(20, well(error_share=0.3))
    assert agent.settled == [(7.0, -1)]
    assert len(agent.acts) == 1


def test_while_it_waits_it_does_nothing_else_for_these_replicas():
    agent = Agent({"errors": [Step("restart", patience_s=30.0)], "saturated": [Step("scale")]})
    agent.run(25, failing(queue_share=1.0))
    assert [kind for _, kind, _ in agent.acts] == [RESTART]


def test_a_more_urgent_illness_of_others_comes_first():
    ladders = {"slow": [Step("scale", patience_s=60.0)],
               "unresponsive": [Step("restart", patience_s=20.0)]}
    agent = Agent(ladders, slots=2).run(10)
    agent.run(5, well(own_response_s=0.5, response_s=0.6))
    agent.run(5, agent.o[0], hung())
    assert [(kind, slot) for _, kind, slot in agent.acts] == [(SCALE, 0), (RESTART, 1)]


def test_an_exhausted_ladder_does_not_block_a_lesser_illness():
    ladders = {"memory": [Step("reconnect", patience_s=2.0)],
               "saturated": [Step("scale", patience_s=5.0)]}
    agent = Agent(ladders, slots=2)
    agent.run(20, well(memory_share=0.95), well(queue_share=1.0))
    assert [kind for _, kind, _ in agent.acts] == [RECONNECT, SCALE]


def test_one_replica_at_a_time():
    agent = Agent({"unresponsive": [Step("restart", patience_s=30.0)]}, slots=3)
    agent.o[:3] = [hung(), hung(), hung()]
    agent.react(lambda each: each.o.__setitem__(each.a.slot, starting()), 25)
    assert agent.acts == [(1.0, RESTART, 0)]
    agent.run(6, well())
    assert [slot for _, _, slot in agent.acts] == [0, 1]


def test_the_last_replica_that_serves_is_spared_while_it_serves():
    agent = Agent({"memory": [Step("restart")]}).run(5)
    agent.run(50, well(memory_share=0.95))
    assert agent.acts == []
    agent.run(2, well(memory_share=0.95, answered_rps=2.0))
    assert len(agent.acts) == 1


def test_with_another_that_serves_it_may_go():
    agent = Agent({"memory": [Step("restart")]}, slots=2).run(5)
    agent.run(5, well(memory_share=0.95))
    assert len(agent.acts) == 1


@pytest.mark.parametrize(
    ("others", "serving"),
    [
        ([], 0.0),
        ([well()], 1.0),
        ([well(replicas=3.0), well()], 4.0),
        ([starting()], 0.0),
        ([SlotObservation(replicas=1.0)], 0.0),
        ([well(error_share=0.2)], 0.0),
        ([well(error_share=0.19)], 1.0),
        ([hung()], 0.0),
        ([well(memory_share=0.95)], 1.0),
    ],
)
def test_who_serves_beside_the_one_to_be_disrupted(others, serving):
    agent = Agent({}, slots=4)
    agent.run(2, well(), *others, *[SlotObservation()] * (3 - len(others)))
    assert serving_beside(agent.d, agent.dp, agent.o, 0) == serving


def test_the_rest_of_its_own_group_serves_too():
    agent = Agent({}).run(2, well(replicas=3.0))
    assert serving_beside(agent.d, agent.dp, agent.o, 0) == 2.0


def test_starting_replicas_of_others_are_disrupted():
    slots = [starting(), starting(), SlotObservation(replicas=2.0, starting=True), well()]
    assert disrupted(slots, 0) == 3.0


def test_of_equally_ill_slots_the_one_with_most_replicas_is_treated():
    agent = Agent({"errors": [Step("reconnect")]}, slots=3)
    agent.run(2, failing(), failing(replicas=2.0), failing())
    assert agent.acts == [(1.0, RECONNECT, 1)]


def test_a_more_urgent_slot_is_treated_before_a_larger_one():
    ladders = {"errors": [Step("reconnect")], "memory": [Step("reconnect")]}
    agent = Agent(ladders, slots=3)
    agent.run(2, failing(replicas=3.0), well(memory_share=0.95), failing())
    assert agent.acts == [(1.0, RECONNECT, 1)]


def test_it_wakes_at_once_where_it_may_turn_to_another_while_it_waits():
    """Slot 2 came due while slot 0, more urgent, waited for the first act to be judged."""
    ladders = {"errors": [Step("reconnect", patience_s=9.0)],
               "memory": [Step("reconnect", patience_s=9.0)],
               "unresponsive": [Step("reconnect", patience_s=9.0)]}
    agent = Agent(ladders, slots=2).run(2, failing(), well())
    agent.run(2, hung(), well(memory_share=0.95))
    assert agent.acts[-1] == (3.0, RECONNECT, 1)
    assert agent.a.wake_s == 3.0
    agent.step()
    assert agent.acts[-1] == (4.0, RECONNECT, 0)


def test_wake_is_never_while_well():
    agent = Agent(RESTART_ONLY).run(20)
    assert agent.a.wake_s == FOREVER_S


def test_wake_names_the_confirmation_the_settling_and_the_patience():
    agent = Agent({"errors": [Step("restart", patience_s=30.0), Step("none")]}).run(10)
    agent.o[0] = failing()
    assert agent.step().wake_s == 11.0
    assert agent.step().wake_s == 41.0
    agent.o[0] = well()
    assert agent.step().wake_s == 12.0 + 3.0
    agent.run(2)
    assert agent.step().settled == 1
    assert agent.a.wake_s == FOREVER_S


def test_wake_names_the_end_of_a_cool_down_of_a_delay_and_of_the_guards_limit():
    ladder = [Step("restart", patience_s=1.0, cool_down_s=40.0, delay_first_s=50.0)]
    agent = Agent({"errors": ladder})
    agent.o[0] = failing()
    at_s = agent.until_act()
    agent.run(5, well())
    agent.run(2, failing())
    assert agent.a.wake_s == max(at_s + 40.0, agent.r.since_s[ERRORS] + 50.0)
    limited = Agent(
        {"errors": [Step("restart", patience_s=1.0)]},
        detection=DetectionParameters(flap_changes=0),
    )
    for _ in range(4):
        limited.run(2, failing()).run(8, well())
    limited.run(3, failing())
    assert limited.a.wake_s == limited.acts[0][0] + 600.0


@pytest.mark.parametrize("ladder", [
    [Step("reconnect", patience_s=7.0, cool_down_s=45.0), Step("restart", patience_s=11.0)],
    [Step("restart", patience_s=5.0, delay_first_s=8.0, cool_down_s=3.0)],
])
def test_nothing_happens_before_wake_if_all_stays_the_same(ladder):
    """The promise that lets an engine jump over calm time."""
    agent = Agent({"errors": ladder}, slots=2, guard=FREE).run(10)
    for seen in (failing(), well(), failing(), well(own_error_share=0.16), failing()):
        agent.o[0] = seen
        agent.step()
        for _ in range(120):
            wake_s, quiet = agent.a.wake_s, agent.now_s
            done, settled, told = len(agent.acts), len(agent.settled), len(agent.told)
            agent.step()
            if quiet < wake_s - 1e-9:
                assert (len(agent.acts), len(agent.settled), len(agent.told)) == (
                    done, settled, told
                )
