"""What an instance tells its neighbours, and what it makes of what they tell it (2.4, 4.2).

Only those whom it guards are believed, and only as far as it costs nothing lasting: a breaker
opened for the time of an announced restart, one attempt instead of several for the time that a
neighbour asked for, a probe sooner, a strategy's rank moved a little.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hms.agents.healing.breaker.events import CLOSED_AGAIN, BreakerEvent
from hms.agents.healing.bus import (
    ROWS_MAX,
    DependencyBack,
    Inbox,
    Message,
    PleaseShed,
    SharedExperience,
    Transport,
    Unwell,
    WillRestart,
)
from hms.agents.healing.recovery.treatment import Situation
from hms.errors import ConfigRefused

if TYPE_CHECKING:
    from hms.agents.healing.instance import HealingInstance

RESTART_MAX_S = 60.0  # that an announced restart is believed to last
SHED_MAX_S = 60.0
SHARE_EVERY_S = 60.0


class Neighbours:
    """One instance on a bus.

    Args:
        host: the instance.
        transport: the bus; None: nobody is heard and nobody told.

    Attributes:
        heard: messages that were heeded, by kind.
        ignored: messages of components that are no dependencies of this one.
    """

    def __init__(self, host: HealingInstance, transport: Transport | None) -> None:
        self.host = host
        self.inbox = Inbox()
        self.heard: dict[str, int] = {}
        self.ignored = 0
        self._transport = transport
        self._severity = -1  # not told: whoever heard an earlier process must hear this one
        self._saturated = False
        self._shed_until_s: dict[str, float] = {}
        self._shared_s = host.clock.now_s()
        if transport is not None:
            transport.join(host.config.component_id, self.inbox)

    def look_at(self, found: Situation, now_s: float) -> None:
        """Hear what arrived, and tell what has changed."""
        for message in self.inbox.take_all():
            self._hear(message, now_s)
        for name in [name for name, at_s in self._shed_until_s.items() if now_s >= at_s]:
            self._shed_until_s.pop(name)
            self.host.dependencies.limit_attempts(None, name)
        severity = found.status.severity
        if severity != self._severity:
            self._severity = severity
            self._send(Unwell(self._name, severity, found.issue.kind if found.issue else ""))
        saturated = found.issue is not None and found.issue.kind == "saturated"
        if saturated and not self._saturated:
            self._send(PleaseShed(self._name))
        self._saturated = saturated
        if now_s >= self._shared_s + SHARE_EVERY_S:
            self._shared_s = now_s
            rows = self.host.effectiveness.rows()[-ROWS_MAX:]
            if rows:
                self._send(SharedExperience(self._name, tuple(rows)))

    def let_go(self) -> None:
        """Nobody hears them from now on: what was done for them ends."""
        for name in self._shed_until_s:
            self.host.dependencies.limit_attempts(None, name)
        self._shed_until_s.clear()
        self.host.condition.warnings.clear()

    def will_restart(self, for_s: float) -> None:
        """Announce it, so that callers do not run into it."""
        self._send(WillRestart(self._name, for_s))

    def breaker_event(self, event: BreakerEvent) -> None:
        """A dependency that answers again is told to those who share it."""
        if event.kind == CLOSED_AGAIN:
            self._send(DependencyBack(self._name, event.dependency))

    @property
    def _name(self) -> str:
        return self.host.config.component_id

    def _send(self, message: Message) -> None:
        if self._transport is not None:
            self._transport.send(message)

    def _hear(self, message: Message, now_s: float) -> None:
        guards = self.host.dependencies.guards()
        about = message.dependency if isinstance(message, DependencyBack) else message.sender
        if about not in guards and not isinstance(message, SharedExperience):
            self.ignored += 1
            return
        self.heard[message.kind] = self.heard.get(message.kind, 0) + 1
        if isinstance(message, Unwell):
            self._note_unwell(message)
        elif isinstance(message, WillRestart):
            if guards[about].breaker.phase == "closed":
                guards[about].breaker.open_for(min(message.for_s, RESTART_MAX_S))
        elif isinstance(message, DependencyBack):
            if guards[about].breaker.phase == "open":
                with suppress(ConfigRefused):  # a call has tried it just now
                    guards[about].breaker.half_open()
        elif isinstance(message, PleaseShed):
            # retries are what makes a queue collapse
            self._shed_until_s[about] = now_s + min(message.for_s, SHED_MAX_S)
            self.host.dependencies.limit_attempts(1, about)
        elif isinstance(message, SharedExperience):
            self._learn_from(message)

    def _note_unwell(self, message: Unwell) -> None:
        warnings = self.host.condition.warnings
        if message.severity:
            warnings[message.sender] = f"says it is unwell ({message.reason})"
        else:
            warnings.pop(message.sender, None)

    def _learn_from(self, message: SharedExperience) -> None:
        own = {each.name for each in self.host.registry.strategies}
        for issue, by, tried, effective in message.rows:
            if by in own:
                self.host.effectiveness.hear(issue, by, tried, effective)
