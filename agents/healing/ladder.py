"""The policy's ladder on a live component: one group of replicas, seen through its reports."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from hms.agents.healing.interface import HealthMetrics
from hms.agents.policy.component import Act, step_component
from hms.agents.policy.detection import DetectionState, SlotObservation, detect_slot
from hms.agents.policy.guard import GuardState
from hms.agents.policy.healing_policy import ComponentParameters
from hms.agents.policy.kinds import ISSUE_NAMES, NONE, SLOTS_PER_COMPONENT
from hms.agents.policy.recovery import RecoveryState

OWN = 0  # a live instance is one process: all its reports are about the first slot


@dataclass(slots=True)
class Ladder:
    """Detection, guard and ladder of one component, with their states."""

    parameters: ComponentParameters
    detection: DetectionState = field(default_factory=DetectionState)
    recovery: RecoveryState = field(default_factory=RecoveryState)
    guard: GuardState = field(default_factory=GuardState)
    seen: SlotObservation = field(default_factory=SlotObservation)

    def observe(self, seen: SlotObservation, now_s: float) -> None:
        """Take what a report says; an illness that lasts is confirmed by the next ones."""
        self.seen = seen
        detect_slot(self.detection, self.parameters.detection, seen, OWN, now_s)

    @property
    def issue(self) -> str:
        """The illness found, "none" while well."""
        return ISSUE_NAMES[int(self.detection.issue[OWN])]

    @property
    def is_ill(self) -> bool:
        """Whether an illness is confirmed."""
        return int(self.detection.issue[OWN]) != NONE

    @property
    def since_s(self) -> float:
        """When the illness was confirmed."""
        return self.detection.since_s[OWN]

    @property
    def is_waiting(self) -> bool:
        """Whether the effect of the last act is still waited for."""
        return self.recovery.waiting

    def next_period(self, now_s: float, u: float) -> tuple[Act, Ladder]:
        """What the ladder would do now, and the ladder as it stands once that is begun.

        This one stays as it is: whoever does something else instead just drops the other.
        """
        after = copy.deepcopy(self)
        act = Act()
        slots = [SlotObservation() for _ in range(SLOTS_PER_COMPONENT)]
        slots[OWN] = self.seen
        step_component(
            after.detection, after.recovery, after.guard,
            self.parameters.detection, self.parameters.guard, self.parameters.recovery,
            slots, act, now_s, u,
        )
        return act, after


def observation_of(
    metrics: HealthMetrics, memory_share: float, *, dependency_open: bool
) -> SlotObservation:
    """A report as the decisions see it: one replica, up, answering.

    While a dependency's breaker is open the errors are not the component's own: healing
    itself would not help (specification 2.4).
    """
    return SlotObservation(
        replicas=1.0,
        up=True,
        arrivals_rps=metrics.throughput_rps,
        answered_rps=metrics.throughput_rps,
        error_share=metrics.error_share,
        own_error_share=0.0 if dependency_open else metrics.error_share,
        response_s=metrics.response_s,
        own_response_s=0.0 if dependency_open else metrics.response_s,
        memory_share=memory_share,
    )
