"""An agent says when it would next do something, so that an engine can jump over the rest."""

from agent_case import Agent, failing, hung, starting, well
from hypothesis import given, settings
from hypothesis import strategies as st

from hms.agents.policy.detection import SlotObservation
from hms.agents.policy.healing_policy import Step
from hms.agents.policy.parameters import DetectionParameters, GuardParameters

SEEN = [
    well(), well(), failing(), hung(), starting(), SlotObservation(replicas=1.0),
    well(memory_share=0.9), well(queue_share=1.0), well(error_share=0.3, own_error_share=0.1),
    well(arrivals_rps=0.0, answered_rps=0.0), failing(queue_share=1.0), SlotObservation(),
]
steps = st.builds(
    Step, act=st.sampled_from(["reconnect", "restart", "scale", "fallback", "custom"]),
    patience_s=st.integers(0, 20).map(float), cool_down_s=st.sampled_from([0.0, 7.0, 40.0]),
    delay_first_s=st.sampled_from([0.0, 3.0, 10.0]), delay_reset_s=st.sampled_from([5.0, 60.0]),
)
ladders = st.dictionaries(
    st.sampled_from(["errors", "unresponsive", "memory", "saturated", "dependency"]),
    st.lists(steps, min_size=1, max_size=3), min_size=1,
)
worlds = st.lists(
    st.tuples(st.integers(1, 90), st.lists(st.integers(0, len(SEEN) - 1), min_size=4, max_size=4)),
    min_size=1, max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(ladders, worlds, st.booleans(), st.sampled_from([0.5, 1.0, 3.0]))
def test_looking_only_when_it_said_so_or_something_changed_misses_nothing(
    ladder, world, bound, confirm_s
):
    every, woken = (
        Agent(ladder, guard=GuardParameters(bound=bound),
              detection=DetectionParameters(confirm_s=confirm_s))
        for _ in range(2)
    )
    steps_saved = 0
    for seconds, slots in world:
        for agent in (every, woken):
            agent.o = [SEEN[i] for i in slots]
        for k in range(seconds):
            every.step()
            if k == 0 or woken.now_s >= woken.a.wake_s - 1e-9:
                woken.step()
            else:
                woken.now_s += 1.0
                steps_saved += 1
    assert woken.acts == every.acts
    assert woken.told == every.told
    assert woken.settled == every.settled
