"""What always holds of the policy's states is looked at once a control period (CONTRIBUTING.md, 8).

A rule that is broken is a defect of this library, no illness of the component: the service stays
up, calls are admitted, and healing stops acting, because what it would decide rests on a state that
cannot be. That is counted, logged once a rule, and told in status, metrics and to the
supervisor. Under HMS_CHECK=1 it is raised, in simulations with seed, tick and component.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hms.agents.healing.interface import Issue
from hms.agents.policy.guard import GuardState
from hms.agents.policy.invariants import (
    RULE_NAMES,
    WHOLE,
    act_rule,
    breaker_rule,
    detection_rule,
    guard_rule,
    ladder_rule,
    outlier_rule,
    retry_rule,
    time_rule,
    version_rule,
)
from hms.agents.policy.kinds import WINDOW_SLOTS
from hms.agents.policy.outlier import OutlierObservation
from hms.agents.policy.parameters import GuardParameters
from hms.errors import InvariantBroken

if TYPE_CHECKING:
    from hms.agents.healing.calls.guard import Guard
    from hms.agents.healing.standalone import StandaloneSelfHealing
    from hms.agents.healing.virtual_agent import EdgeDecisions, VirtualAgent

VARIABLE = "HMS_CHECK"
BREAKERS_A_LOOK = 100
"""Of very many, so many in turn: a look at one takes some 15 µs."""


def raises_if_broken() -> bool:
    """Whether a broken rule is to stop the process: in tests and laboratories."""
    return os.environ.get(VARIABLE) == "1"


class InvariantWatch:
    """Looks at the states of one live instance.

    Attributes:
        why: what broke first, and what follows; empty while nothing has. It stays for the life
            of the process: nobody knows what else is wrong with such a state.
        counts: how often each rule was found broken, by its name.
    """

    __slots__ = ("_at", "_host", "_latest_s", "_raises", "_version", "counts", "why")

    def __init__(self, host: StandaloneSelfHealing) -> None:
        """Nothing was looked at yet."""
        self._host = host
        self._raises = raises_if_broken()
        self._latest_s = host.clock.now_s()
        self._version = host.configuration_version
        self._at = 0
        self.why = ""
        self.counts: dict[str, int] = {}

    def look(self) -> None:
        """Once a control period: time, configuration, what is believed, and the breakers.

        Raises:
            InvariantBroken: a rule is broken, under HMS_CHECK=1.
        """
        host = self._host
        with host.lock:
            now_s, version = host.clock.now_s(), host.configuration_version
            changed = version != self._version
            found = [
                (time_rule(self._latest_s, now_s), "the clock"),
                (version_rule(self._version, version) if changed else WHOLE, "the configuration"),
                (detection_rule(host.ladder.detection), "what is detected"),
                (ladder_rule(host.ladder.recovery), "the ladder"),
                (host.health.broken_rule(), "the health"),
            ]
            found += [
                (ladder_rule(each.trial.recovery), f"strategy `{each.name}`")
                for each in host.registry.strategies
                if each.trial is not None
            ]
            self._latest_s, self._version = max(now_s, self._latest_s), version
        for rule, where in found:
            self._judge(rule, where)
        for guard in self._next_guards():
            self._look_at(guard)

    def look_before_act(self, key: str) -> None:
        """Right before an act: it is done once under its key, the kill switch was just read.

        Raises:
            InvariantBroken: a rule is broken, under HMS_CHECK=1.
        """
        host = self._host
        with host.lock:
            done = sum(each.key == key and each.action is not None for each in host.attempts)
        switch = host.kill_switch
        read_s, now_s = (0.0, 0.0) if switch is None else (switch.read_at_s, switch.clock.now_s())
        self._judge(act_rule(done + 1, read_s, now_s), f"act `{key}`")

    def look_at_guard(self, guard: GuardState, limits: GuardParameters) -> None:
        """A disruptive act was noted: there was room for it.

        Raises:
            InvariantBroken: a rule is broken, under HMS_CHECK=1.
        """
        self._judge(guard_rule(guard, limits), "the guard")

    def _next_guards(self) -> list[Guard]:
        guards = list(self._host.dependencies.guards().values())
        if len(guards) <= BREAKERS_A_LOOK:
            return guards
        at = self._at % len(guards)
        self._at = at + BREAKERS_A_LOOK
        return (guards + guards)[at : at + BREAKERS_A_LOOK]

    def _look_at(self, guard: Guard) -> None:
        rule = guard.breaker.broken_rule()
        if rule != WHOLE:
            self._judge(rule, f"breaker of `{guard.dependency}`")
            guard.breaker.admit_all(RULE_NAMES[rule])
        if guard.budget is not None:
            rule = guard.budget.broken_rule()
            if rule != WHOLE:
                self._judge(rule, f"retry budget of `{guard.dependency}`")
                guard.budget.drain()

    def _judge(self, rule: int, where: str) -> None:
        if rule == WHOLE:
            return
        host, name = self._host, RULE_NAMES[rule]
        now_s = host.clock.now_s()
        if self._raises:
            raise InvariantBroken(
                name, where=where, component=host.config.component_id, at_s=now_s
            )
        self.counts[name] = self.counts.get(name, 0) + 1
        if self.counts[name] > 1:
            return
        told = f"invariant `{name}` is broken: {where}; healing only observes"
        _log(host.config.component_id, told)
        if not self.why:
            self.why = host.condition.broken = told
            host.escalate(Issue("custom", 1, told, now_s), (told,))


def _log(component: str, told: str) -> None:
    import logging

    logging.getLogger("hms.healing").error(
        "%s: %s, until the process starts anew; this is a defect of hms, please report it",
        component, told,
    )


class VirtualCheck:
    """Looks at the states of one component in virtual time, and raises.

    Args:
        component_id: for the message.
    """

    __slots__ = ("_component",)

    def __init__(self, component_id: str) -> None:
        self._component = component_id

    def edge(
        self, edge: EdgeDecisions, observed: OutlierObservation | None, now_s: float
    ) -> None:
        """After a step of one edge; with what was seen of its replicas, if that was a step of them.

        Raises:
            InvariantBroken: a rule is broken.
        """
        p, name = edge.parameters, edge.dependency
        if observed is not None:
            self._require(
                outlier_rule(edge.outlier, observed), f"replicas of `{name}`", now_s
            )
            return
        rule = breaker_rule(edge.breaker, p.breaker, WINDOW_SLOTS, 0.0)
        self._require(rule, f"breaker of `{name}`", now_s)
        self._require(retry_rule(edge.retry, p.retry), f"retry budget of `{name}`", now_s)

    def agent(self, agent: VirtualAgent, now_s: float) -> None:
        """After a control period.

        Raises:
            InvariantBroken: a rule is broken.
        """
        self._require(detection_rule(agent.detection), "what is detected", now_s)
        self._require(ladder_rule(agent.recovery), "the ladder", now_s)
        self._require(guard_rule(agent.guard, agent.component.guard), "the guard", now_s)

    def _require(self, rule: int, where: str, now_s: float) -> None:
        if rule != WHOLE:
            raise InvariantBroken(
                RULE_NAMES[rule], where=where, component=self._component, at_s=now_s
            )
