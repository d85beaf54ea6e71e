"""Is an issue more than a standalone instance should be left alone with? (4.3)"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hms.agents.healing.learning.incidents import Incident

SYMPTOMS = 2  # kinds in one incident
RECURRENCES = 3  # of one kind
WINDOW_S = 600.0
CALM_S = 60.0  # nothing wrong for so long: handed back


@dataclass(slots=True)
class Complexity:
    """What makes an issue complex: several symptoms, recurrence, or nothing left to try."""

    _began: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=64))
    _number: int = 0
    _well_from_s: float | None = None

    def reason(self, incident: Incident | None, exhausted: bool, now_s: float) -> str:
        """Why it is complex; empty while it is not."""
        if incident is None:
            return ""
        if incident.number != self._number:
            self._number = incident.number
            self._began.append((now_s, incident.issue))
        if len(incident.symptoms) >= SYMPTOMS:
            return f"several symptoms: {', '.join(incident.symptoms)}"
        often = sum(
            kind == incident.issue and now_s - at_s <= WINDOW_S for at_s, kind in self._began
        )
        if often >= RECURRENCES:
            return f"{incident.issue}, {often} times in {WINDOW_S:.0f} s"
        return "nothing is left to try" if exhausted else ""

    def is_calm(self, well: bool, now_s: float) -> bool:
        """Whether nothing has been wrong for long enough; to be asked at every look."""
        if not well:
            self._well_from_s = None
            return False
        if self._well_from_s is None:
            self._well_from_s = now_s
        return now_s >= self._well_from_s + CALM_S
