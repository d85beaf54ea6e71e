"""What is beyond this instance is told to its supervisor, once an illness (10.1)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hms.agents.healing.interface import HealthStatus, Issue, Supervisor

if TYPE_CHECKING:
    from hms.agents.healing.configuration.config import AdaptiveConfig

KEPT = 1000


@dataclass(frozen=True, slots=True)
class Escalation:
    """An issue that an instance could not heal, and what it had tried."""

    component_id: str
    issue: Issue
    attempts: tuple[str, ...]


@dataclass(slots=True)
class InProcessSupervisor:
    """A supervisor within the process: keeps what it is told, gives what it is given.

    Attributes:
        statuses: the latest status of each component.
        escalations: what could not be healed, oldest first, bounded.
        guided: configurations to be handed out, one a request.
    """

    statuses: dict[str, HealthStatus] = field(default_factory=dict)
    escalations: deque[Escalation] = field(default_factory=lambda: deque(maxlen=KEPT))
    guided: deque[AdaptiveConfig] = field(default_factory=deque)

    def health(self, component_id: str, status: HealthStatus) -> None:
        """A component says how it is."""
        self.statuses[component_id] = status

    def escalate(self, component_id: str, issue: Issue, attempts: tuple[str, ...]) -> None:
        """A component says that it cannot heal itself."""
        self.escalations.append(Escalation(component_id, issue, attempts))

    def guidance(self) -> AdaptiveConfig | None:
        """The next configuration that was laid out here, if any."""
        return self.guided.popleft() if self.guided else None


@dataclass(slots=True)
class Escalations:
    """Tells the supervisor of each illness once, until a calm.

    Args:
        component_id: who cannot heal itself.
        supervisor: who is told; None: it is only counted.
    """

    component_id: str
    supervisor: Supervisor | None = None
    told: int = 0
    errors: int = 0
    last_error: str = ""
    _kinds: set[str] = field(default_factory=set)

    def tell(self, issue: Issue, attempts: tuple[str, ...]) -> bool:
        """Say that this issue needs someone else; False if that was said before.

        An issue that only the status shows is the tail of what was told, if anything was.
        """
        if issue.kind in self._kinds or (issue.kind == "custom" and self._kinds):
            return False
        from hms.agents.healing.telemetry.log_lines import say_escalation  # most never need it

        self._kinds.add(issue.kind)
        self.told += 1
        say_escalation(self.component_id, issue, attempts)
        if self.supervisor is not None:
            try:
                self.supervisor.escalate(self.component_id, issue, attempts)
            except Exception as error:  # noqa: BLE001 - healing outlives its supervisor; counted
                self.note(error)
        return True

    def report(self, status: HealthStatus) -> None:
        """Say how the component is."""
        if self.supervisor is None:
            return
        try:
            self.supervisor.health(self.component_id, status)
        except Exception as error:  # noqa: BLE001 - healing outlives its supervisor; counted
            self.note(error)

    def guidance(self) -> AdaptiveConfig | None:
        """What the supervisor wants configured, if anything."""
        if self.supervisor is None:
            return None
        try:
            return self.supervisor.guidance()
        except Exception as error:  # noqa: BLE001 - healing outlives its supervisor; counted
            self.note(error)
            return None

    def forget(self) -> None:
        """After a calm an illness is new, and may be told again."""
        self._kinds.clear()

    def note(self, error: Exception) -> None:
        """Count a supervisor's error; the first one is said in the log."""
        self.errors += 1
        if self.errors == 1:
            from hms.agents.healing.telemetry.log_lines import say_supervisor_error

            say_supervisor_error(self.component_id, error)
        self.last_error = f"{type(error).__name__}: {error}"
