"""The policy's ladder on a live component: one group of replicas, seen through its reports."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TypeVar

from hms.agents.healing.interface import HealthMetrics
from hms.agents.policy.component import Act, act_on, judge, look, most_urgent
from hms.agents.policy.detection import DetectionState, SlotObservation, detect_slot
from hms.agents.policy.guard import GuardState
from hms.agents.policy.healing_policy import ComponentParameters
from hms.agents.policy.kinds import (
    FOREVER_S,
    ISSUE_NAMES,
    NO_ACTION,
    NONE,
    SLOTS_PER_COMPONENT,
)
from hms.agents.policy.parameters import GuardParameters, RecoveryParameters
from hms.agents.policy.recovery import RecoveryState, act_at, is_exhausted
from hms.agents.policy.verification import ILL, conclude, hold_s, settle

T = TypeVar("T")
OWN = 0  # a live instance is one process: all its reports are about the first slot
NO_SLOTS = [SlotObservation() for _ in range(SLOTS_PER_COMPONENT - 1)]  # read only


@dataclass(slots=True)
class Preview:
    """What the ladder would do, its states once that is begun, and the limits it was held to."""

    act: Act
    recovery: RecoveryState
    guard: GuardState
    limits: GuardParameters


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
    def kind(self) -> int:
        """The illness found, NONE while well."""
        return int(self.detection.issue[OWN])

    @property
    def issue(self) -> str:
        """The illness found, "none" while well."""
        return ISSUE_NAMES[self.kind]

    @property
    def is_ill(self) -> bool:
        """Whether an illness is confirmed."""
        return self.kind != NONE

    @property
    def is_suspected(self) -> bool:
        """Whether an illness is just being confirmed."""
        return int(self.detection.suspect[OWN]) != NONE

    @property
    def is_flapping(self) -> bool:
        """Whether it changes between well and ill too often, well or ill just now."""
        return self.detection.flapping[OWN] > 0.0

    @property
    def since_s(self) -> float:
        """When the illness was confirmed."""
        return self.detection.since_s[OWN]

    @property
    def is_waiting(self) -> bool:
        """Whether the effect of the last act is still waited for."""
        return self.recovery.waiting

    @property
    def settle_s(self) -> float:
        """How long an illness must be gone to be believed."""
        return hold_s(self.parameters.detection, self.parameters.recovery)

    def has_steps(self, issue: int) -> bool:
        """Whether the policy has a ladder for this kind of issue."""
        return act_at(self.parameters.recovery, issue, 0) != NO_ACTION

    def is_spent(self, issue: int) -> bool:
        """Whether no step is left for it."""
        return is_exhausted(self.recovery, self.parameters.recovery, issue)

    def judge(self, now_s: float, *, has_data: bool = True) -> Act:
        """Look, and judge the act under way; chooses nothing.

        Args:
            now_s: on the instance's clock.
            has_data: whether a report came since that act; without one there is no verdict
                but, in the end, an inconclusive one.
        """
        p = self.parameters
        act = Act(wake_s=FOREVER_S)
        look(self.detection, self.recovery, p.detection, p.recovery, self._slots(), act, now_s)
        slots = self._slots(has_data=has_data)
        judge(
            self.detection, self.recovery, p.detection, p.guard, p.recovery, slots, act, now_s
        )
        return act

    def conclude(
        self, of: RecoveryState, parameters: RecoveryParameters, now_s: float, *, has_data: bool
    ) -> int:
        """The verdict on an act that is not the ladder's own, by the same decision."""
        p = self.parameters
        slots = self._slots(has_data=has_data)
        return conclude(
            self.detection, of, parameters, p.detection, slots, p.guard.bound, now_s
        )

    def preview(self, now_s: float) -> Preview:
        """What the ladder would do now; nothing is begun."""
        p = self.parameters
        found = Preview(
            Act(wake_s=FOREVER_S), copied(self.recovery), copied(self.guard), p.guard
        )
        slots = self._slots()
        slot = most_urgent(self.detection, found.recovery, p.guard, p.recovery, slots)
        if slot >= 0:
            act_on(
                self.detection, found.recovery, found.guard, p.detection, p.guard, p.recovery,
                slots, found.act, slot, now_s,
            )
        return found

    def begin(self, preview: Preview) -> None:
        """The previewed act starts."""
        self.recovery, self.guard = preview.recovery, preview.guard

    def pass_over(self, preview: Preview, now_s: float) -> None:
        """Nobody can carry the previewed act out: the next step, nothing counted."""
        self.recovery = preview.recovery
        self.fail(now_s)

    def fail(self, now_s: float) -> None:
        """The act under way failed: nothing to wait for, its time is up."""
        self.recovery.due_s = now_s
        settle(self.recovery, ILL, 0.0, now_s)

    def _slots(self, *, has_data: bool = True) -> list[SlotObservation]:
        seen = self.seen if has_data else dataclasses.replace(self.seen, missing=True)
        return [seen, *NO_SLOTS]


def copied(state: T) -> T:
    """A state that changes apart from this one."""
    fields = dataclasses.fields(state)  # type: ignore[arg-type]
    values = {each.name: getattr(state, each.name) for each in fields}
    lists = {name: [*value] for name, value in values.items() if isinstance(value, list)}
    return type(state)(**{**values, **lists})


def observation_of(
    metrics: HealthMetrics,
    memory_share: float,
    *,
    dependency_open: bool,
    replicas: float = 1.0,
) -> SlotObservation:
    """A report as the decisions see it: up, answering.

    While a dependency's breaker is open the errors are not the component's own: healing
    itself would not help (specification 2.4).
    """
    return SlotObservation(
        replicas=replicas,
        up=True,
        arrivals_rps=metrics.throughput_rps,
        answered_rps=metrics.throughput_rps,
        error_share=metrics.error_share,
        own_error_share=0.0 if dependency_open else metrics.error_share,
        response_s=metrics.response_s,
        own_response_s=0.0 if dependency_open else metrics.response_s,
        memory_share=memory_share,
    )
