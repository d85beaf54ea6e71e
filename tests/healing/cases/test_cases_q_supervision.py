"""Recovery and supervision, Q11 to Q20: each case named by its id.

Q11 to Q13 are decisions that the policy takes for a component and its replicas, Q14 the one of
an act without a target; Q15 to Q20 are Erlang's rules, on an in-process supervisor.
"""

from __future__ import annotations

import asyncio

import pytest
from supervised_units import Family, Unit, units

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.supervision import Child, ChildSupervisor
from hms.agents.healing.virtual_agent import EdgeDecisions, VirtualAgent, row
from hms.agents.policy.detection import SlotObservation
from hms.agents.policy.guard import GuardState
from hms.agents.policy.healing_policy import HealingPolicy, Step
from hms.agents.policy.kinds import GROWTH_LINEAR, RESTART, SCOPE_REPLICA
from hms.agents.policy.outlier import OutlierObservation
from hms.agents.policy.parameters import BreakerParameters, TimeoutParameters
from hms.agents.policy.supervision import (
    ESCALATE,
    LEAVE,
    PERMANENT,
    START,
    SupervisionParameters,
    after_end,
    must_kill,
    nth_to_stop,
)

WELL = SlotObservation(
    replicas=1.0, up=True, arrivals_rps=10.0, answered_rps=10.0, response_s=0.05,
    own_response_s=0.02, memory_share=0.3,
)
DOWN = SlotObservation(replicas=1.0)
STARTING = SlotObservation(replicas=1.0, starting=True)
NO_REPLICAS = SlotObservation()


class Component:
    """The runtime's own agent of one component, stepped once a second."""

    def __init__(self, policy: HealingPolicy) -> None:
        self.agent = VirtualAgent(policy.for_component({}), [])
        self.now_s = 0.0
        self.acts: list[tuple[float, int]] = []
        self.escalated = 0

    def run(self, seconds: int, *slots: SlotObservation) -> None:
        seen = [row(each) for each in (*slots, *[NO_REPLICAS] * (4 - len(slots)))]
        for _ in range(seconds):
            self.agent.step_component(seen, self.now_s, 0.5)
            if self.agent.act.kind:
                self.acts.append((self.now_s, self.agent.act.kind))
            self.escalated += self.agent.act.escalate
            self.now_s += 1.0

    def until_act(self, *slots: SlotObservation) -> float:
        done = len(self.acts)
        for _ in range(1000):
            self.run(1, *slots)
            if len(self.acts) > done:
                return self.acts[-1][0]
        raise AssertionError("no act")


KUBERNETES = Step(
    "restart", patience_s=1.0, delay_first_s=10.0, delay_multiplier=2.0, delay_max_s=300.0,
    delay_reset_s=600.0,
)


def restarting(bound: bool) -> HealingPolicy:
    policy = HealingPolicy().with_ladder("unresponsive", [KUBERNETES])
    return policy.with_values({"guard.bound": bound, "detection.confirm_s": 0.0})


def test_q11_a_crash_loop_is_restarted_after_growing_delays() -> None:
    cart = Component(restarting(bound=False))
    delays = []
    for _ in range(8):
        crashed_s = cart.now_s
        delays.append(cart.until_act(DOWN) - crashed_s)
        cart.run(5, STARTING)
        cart.run(5, WELL)
    assert delays == [0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]
    cart.run(600, WELL)
    crashed_s = cart.now_s
    assert cart.until_act(DOWN) == crashed_s


def test_q11_guarded_the_fourth_restart_escalates_instead() -> None:
    cart = Component(restarting(bound=True))
    for _ in range(3):
        cart.until_act(DOWN)
        cart.run(5, STARTING)
        cart.run(5, WELL)
    assert cart.escalated == 0
    cart.run(60, DOWN)
    assert [act for _, act in cart.acts] == [RESTART] * 3
    assert cart.escalated == 1


class Replicas:
    """The replicas behind one edge of the runtime's agent: single ones, at most four."""

    def __init__(self, *groups: float, share: float, panic: float) -> None:
        breaker = BreakerParameters(
            scope=SCOPE_REPLICA, failure_rate=2.0, slow_call_rate=2.0, consecutive_failures=5,
            open_s=30.0, open_max_s=300.0, open_growth=GROWTH_LINEAR, jitter_share=0.0,
            ejected_share_max=share, panic_share=panic, sweep_s=10.0,
        )
        edge = HealingPolicy().for_edge({})
        self.edge = EdgeDecisions(type(edge)(breaker, edge.retry, TimeoutParameters()))
        self.replicas = [*groups, 0.0, 0.0, 0.0][:4]
        self.now_s = 0.0

    def fail(self, *groups: int) -> list[float]:
        """Five failures in a row from each replica of these groups; which groups are in."""
        calls = [5.0 * each for each in self.replicas]
        failed = [calls[i] if i in groups else 0.0 for i in range(4)]
        self.now_s += 0.1
        seen = row(OutlierObservation(list(self.replicas), calls, failed))
        self.edge.step_outlier(seen, self.now_s, 0.1, 0.5)
        return self.edge.outlier_grant.share

    @property
    def out(self) -> float:
        ejected = self.edge.outlier.ejected
        return sum(n for n, gone in zip(self.replicas, ejected, strict=True) if gone > 0.0)


def test_q12_of_ten_replicas_one_is_out_at_a_time_this_one_counted_in() -> None:
    ten = Replicas(1.0, 1.0, 1.0, 7.0, share=0.1, panic=0.5)
    for _ in range(5):
        ten.fail(0, 1, 2)
    assert ten.out == 1.0
    nine = Replicas(1.0, 1.0, 1.0, 6.0, share=0.1, panic=0.5)  # 10 % of 9 is less than one
    for _ in range(5):
        nine.fail(0, 1, 2)
    assert nine.out == 0.0


def test_q13_with_six_of_ten_ill_none_is_cut_off() -> None:
    """Panic: more are ill than may be missing, so all are used and nobody is touched."""
    ten = Replicas(1.0, 2.0, 3.0, 4.0, share=1.0, panic=0.5)
    assert ten.fail(0, 1) == [0.0, 0.0, 1.0, 1.0]  # 3 of 10: cut off
    assert ten.fail(0, 1, 2) == [1.0] * 4  # 6 of 10
    policy = HealingPolicy().with_ladder("errors", [Step("restart", patience_s=5.0)])
    cart = Component(policy)
    ill = SlotObservation(
        replicas=6.0, up=True, arrivals_rps=10.0, answered_rps=10.0, error_share=0.9,
        own_error_share=0.9,
    )
    cart.run(60, ill, SlotObservation(replicas=4.0, starting=True))
    assert cart.acts == []  # one at once: four are out already
    cart.run(700, ill)
    assert cart.escalated == 1


def test_q14_without_a_target_nothing_is_done_never_all() -> None:
    policy = HealingPolicy()
    for issue in ("errors", "unresponsive", "memory"):
        policy = policy.with_ladder(issue, [Step("restart", patience_s=1.0)])
    cart = Component(policy)
    cart.run(300)
    assert cart.acts == []
    assert cart.escalated == 0


@pytest.mark.parametrize(
    ("second_s", "verdict"), [(4.0, ESCALATE), (5.0, ESCALATE), (5.001, START)]
)
def test_q15_a_limit_of_one_in_five_seconds_counts_both_ends(second_s: float, verdict: int) -> None:
    g, p = GuardState(), SupervisionParameters(restarts=1, within_s=5.0)
    assert after_end(g, p, PERMANENT, True, 0.0) == START
    assert after_end(g, p, PERMANENT, True, second_s) == verdict


def test_q16_a_limit_of_none_escalates_at_the_first_failure() -> None:
    p = SupervisionParameters(restarts=0, within_s=5.0)
    assert after_end(GuardState(), p, PERMANENT, True, 100.0) == ESCALATE


def test_q17_one_limit_holds_for_all_children(clock: FakeClock) -> None:
    log: list[str] = []
    family = Family(clock, *units(log), restarts=2, within_s=3600.0)

    async def scenario(supervisor: ChildSupervisor) -> None:
        for name in ("a", "b", "a"):
            clock.advance(1000.0)
            await supervisor.ended(name, RuntimeError("boom"))

    family.run(scenario)
    assert log == ["start a", "start b", "start c", "start a", "start b",
                   "stop b", "stop c"]
    assert family.supervisor.state == "escalated"
    assert family.supervisor.running == ()
    assert len(family.told) == 1 and "`a` ended (RuntimeError: boom)" in family.told[0]


def test_q18_each_try_of_a_start_that_fails_counts(clock: FakeClock) -> None:
    log: list[str] = []
    family = Family(clock, Unit("a", log, fails=9), restarts=4, within_s=5.0)

    async def scenario(supervisor: ChildSupervisor) -> None:
        await supervisor.ended("a", RuntimeError("boom"))

    family.run(scenario)
    assert log == ["start a"] + ["no start a"] * 4  # the end and four tries: five
    assert family.supervisor.state == "escalated"
    assert "OSError: port taken" in family.told[0]


def test_q18_a_start_that_works_within_the_limit_goes_on(clock: FakeClock) -> None:
    log: list[str] = []
    family = Family(clock, Unit("a", log, fails=3), restarts=4, within_s=5.0)

    async def scenario(supervisor: ChildSupervisor) -> None:
        await supervisor.ended("a", RuntimeError("boom"))

    family.run(scenario)
    assert family.supervisor.state == "running" and family.told == []
    assert log == ["start a"] + ["no start a"] * 3 + ["start a"]


def test_q19_children_stop_in_reverse_and_one_that_ignores_it_is_killed(clock: FakeClock) -> None:
    log: list[str] = []
    family = Family(clock, *units(log, ignores=True))
    family.run(lambda supervisor: supervisor.stop())
    assert log[3:] == ["stop c", "kill c", "stop b", "stop a"]
    assert clock.now_s() == 5.0
    assert [(each.child, each.what, each.at_s) for each in family.supervisor.events][3:] == [
        ("c", "killed", 5.0), ("b", "stopped", 5.0), ("a", "stopped", 5.0)
    ]
    assert [nth_to_stop(3, n) for n in range(3)] == [2, 1, 0]
    assert not must_kill(SupervisionParameters(), 0.0, 4.999)


@pytest.mark.parametrize(
    ("kind", "error", "starts"),
    [
        ("transient", None, 1),
        ("transient", RuntimeError("boom"), 2),
        ("permanent", None, 2),
        ("temporary", RuntimeError("boom"), 1),
    ],
)
def test_q20_a_transient_child_is_started_again_only_after_a_crash(
    clock: FakeClock, kind: str, error: Exception | None, starts: int
) -> None:
    log: list[str] = []
    unit = Unit("a", log)
    supervisor = ChildSupervisor([Child("a", unit.start, unit.stop, kind=kind)], clock=clock)

    async def scenario() -> None:
        await supervisor.start()
        await supervisor.ended("a", error)

    asyncio.run(scenario())
    assert log == ["start a"] * starts
    assert supervisor.running == (("a",) if starts == 2 else ())
    assert after_end(GuardState(), SupervisionParameters(), 1, False, 0.0) == LEAVE
