"""One component's agent for tests: slots that a test makes ill, a clock of whole periods."""

from collections.abc import Callable
from typing import Any

from hms.agents.policy.component import Act, step_component
from hms.agents.policy.detection import DetectionState, SlotObservation
from hms.agents.policy.guard import GuardState
from hms.agents.policy.healing_policy import Step, recovery_arrays
from hms.agents.policy.parameters import DetectionParameters, GuardParameters
from hms.agents.policy.recovery import RecoveryState

WELL: dict[str, Any] = {
    "replicas": 1.0, "up": True, "arrivals_rps": 10.0, "answered_rps": 10.0,
    "response_s": 0.05, "own_response_s": 0.02, "memory_share": 0.3,
}


def well(**changed: Any) -> SlotObservation:
    return SlotObservation(**{**WELL, **changed})


def failing(**changed: Any) -> SlotObservation:
    return well(own_error_share=0.5, error_share=0.5, **changed)


def hung(silence_s: float = 10.0) -> SlotObservation:
    return well(silence_s=silence_s, answered_rps=0.0)


def unasked(**changed: Any) -> SlotObservation:
    return well(arrivals_rps=0.0, answered_rps=0.0, **changed)


def starting() -> SlotObservation:
    return SlotObservation(replicas=1.0, starting=True)


class Agent:
    """Steps once a second; `acts` keeps what was done, `told` when it escalated."""

    def __init__(
        self, ladders: dict[str, list[Step]], *, detection: Any = None, guard: Any = None,
        verification: Any = None, slots: int = 1,
    ) -> None:
        self.d, self.r, self.g = DetectionState(), RecoveryState(), GuardState()
        self.dp = detection or DetectionParameters()
        self.gp = guard or GuardParameters()
        self.rp = recovery_arrays(ladders, verification)
        self.a = Act()
        self.now_s = 0.0
        self.o = [well() if i < slots else SlotObservation() for i in range(4)]
        self.acts: list[tuple[float, int, int]] = []
        self.told: list[float] = []
        self.settled: list[tuple[float, int]] = []
        self.undone: list[tuple[float, int, int]] = []

    def step(self) -> Act:
        step_component(
            self.d, self.r, self.g, self.dp, self.gp, self.rp, self.o, self.a, self.now_s, 0.0
        )
        if self.a.kind:
            self.acts.append((self.now_s, self.a.kind, self.a.slot))
        if self.a.escalate:
            self.told.append(self.now_s)
        if self.a.settled:
            self.settled.append((self.now_s, self.a.settled))
        if self.a.undo:
            self.undone.append((self.now_s, self.a.undo_issue, self.a.undo_step))
        self.now_s += 1.0
        return self.a

    def run(self, seconds: int, *slots: SlotObservation) -> "Agent":
        for i, each in enumerate(slots):
            self.o[i] = each
        for _ in range(seconds):
            self.step()
        return self

    def until_act(self, limit: int = 1000) -> float:
        """Step until it acts; when that was."""
        done = len(self.acts)
        for _ in range(limit):
            self.step()
            if len(self.acts) > done:
                return self.acts[-1][0]
        raise AssertionError("no act")

    def react(self, effect: Callable[["Agent"], None], seconds: int) -> "Agent":
        """Step; after each act the test's world changes."""
        for _ in range(seconds):
            done = len(self.acts)
            self.step()
            if len(self.acts) > done:
                effect(self)
        return self
