"""What a breaker tells those who listen: numbered without a gap, in order, outside its lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

OPENED = "opened"
HALF_OPENED = "half_opened"
CLOSED_AGAIN = "closed"
FORCED = "forced"
RELEASED = "released"
DISABLED_BY_HAND = "disabled"
METRICS_ONLY_BY_HAND = "metrics_only"
RESET = "reset"
WOULD_OPEN = "would_open"
REFUSED_CALLS = "refused"
RESTORED = "restored"
TORN = "torn"
BROKEN = "broken"
KINDS = (
    OPENED, HALF_OPENED, CLOSED_AGAIN, FORCED, RELEASED, DISABLED_BY_HAND, METRICS_ONLY_BY_HAND,
    RESET, WOULD_OPEN, REFUSED_CALLS, RESTORED, TORN, BROKEN,
)  # fmt: skip

STATE_CHANGES = frozenset(KINDS) - {WOULD_OPEN, REFUSED_CALLS, RESTORED, TORN}
"""After these a store holds another state than before."""

REFUSALS_EVERY_S = 1.0
"""Refusals come by the thousand: at most one event in this time, with their sum."""


@dataclass(frozen=True, slots=True)
class BreakerEvent:
    """One thing that happened to a breaker.

    Attributes:
        number: of the breaker's events, from 1, rising by 1.
        kind: one of `KINDS`.
        dependency: whose breaker.
        at_s: when, on the breaker's clock.
        cause: why it opened (a name of `kinds.CAUSE_NAMES` or "quorum"); empty otherwise.
        detail: the figures, for people; of `refused`, how many.
        calls: of `refused`, how many calls since the last such event; 0 otherwise.
    """

    number: int
    kind: str
    dependency: str
    at_s: float
    cause: str = ""
    detail: str = ""
    calls: int = 0


Listener: TypeAlias = Callable[[BreakerEvent], None]


class EventLine:
    """Numbers events under the breaker's lock, hands them on after it was released.

    One thread hands on at a time, so that listeners see the order of the numbers; a listener
    may call the breaker, whose new events then follow.
    """

    __slots__ = ("_handing", "_pending", "errors", "listeners", "number")

    def __init__(self, listeners: Sequence[Listener]) -> None:
        """Nothing happened yet."""
        self.number = 0
        self.errors = 0
        self.listeners = listeners
        self._pending: list[BreakerEvent] | None = None  # most breakers never say anything
        self._handing: threading.Lock | None = None

    def add(
        self, kind: str, dependency: str, at_s: float, cause: str = "", detail: str = "",
        calls: int = 0,
    ) -> None:
        """Note an event; to be called under the breaker's lock."""
        self.number += 1
        if not self.listeners:
            return
        if self._handing is None or self._pending is None:
            self._handing, self._pending = threading.Lock(), []
        event = BreakerEvent(self.number, kind, dependency, at_s, cause, detail, calls)
        self._pending.append(event)

    def hand_on(self) -> None:
        """Tell the listeners what is pending; to be called without the breaker's lock."""
        while self._pending and self._handing is not None:
            if not self._handing.acquire(blocking=False):
                return  # whoever holds it looks again after having let go
            try:
                while self._pending:
                    self._tell(self._pending.pop(0))
            finally:
                self._handing.release()

    def _tell(self, event: BreakerEvent) -> None:
        for listener in tuple(self.listeners):
            try:
                listener(event)
            except Exception as error:  # noqa: BLE001  (foreign code; the call must not fail by it)
                self.errors += 1
                if self.errors == 1:
                    _log_once(event, error)


def _log_once(event: BreakerEvent, error: Exception) -> None:
    import logging

    logging.getLogger("hms.healing").warning(
        "a listener of the breaker of `%s` raised on %s: %r; further ones are only counted",
        event.dependency, event.kind, error,
    )
