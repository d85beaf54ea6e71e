"""Messages between neighbours, over a transport port (4.2, 10.3).

A message is data, small and typed; whoever receives it decides what it means here. A transport
delivers at most once and in order from one sender, never blocks a sender, and drops the oldest
message of a receiver who does not read. In-process here; over Ray in agents.mac.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ClassVar, Protocol
from weakref import WeakValueDictionary

from hms.errors import InputError

INBOX_MAX = 256
TEXT_MAX = 200
ROWS_MAX = 64


@dataclass(frozen=True, slots=True)
class Message:
    """What one component tells its neighbours."""

    kind: ClassVar[str] = ""

    sender: str

    def to_json(self) -> dict[str, Any]:
        """The message as JSON data."""
        return {"kind": self.kind, **dataclasses.asdict(self)}


@dataclass(frozen=True, slots=True)
class Unwell(Message):
    """The sender is degraded or worse; severity 0: it is well again."""

    kind: ClassVar[str] = "unwell"
    severity: int = 1
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WillRestart(Message):
    """The sender will not answer for about so long."""

    kind: ClassVar[str] = "will_restart"
    for_s: float = 5.0


@dataclass(frozen=True, slots=True)
class PleaseShed(Message):
    """The sender has more to do than it can: ask it less for so long."""

    kind: ClassVar[str] = "please_shed"
    for_s: float = 10.0


@dataclass(frozen=True, slots=True)
class DependencyBack(Message):
    """A dependency that the sender shares with others answers again."""

    kind: ClassVar[str] = "dependency_back"
    dependency: str = ""


@dataclass(frozen=True, slots=True)
class SharedExperience(Message):
    """What helped the sender: rows of issue, strategy, tries, successes."""

    kind: ClassVar[str] = "shared_experience"
    rows: tuple[tuple[str, str, float, float], ...] = ()


KINDS: Mapping[str, type[Message]] = {
    each.kind: each
    for each in (Unwell, WillRestart, PleaseShed, DependencyBack, SharedExperience)
}


def message_from_json(data: Any) -> Message:
    """Read a message back.

    Raises:
        InputError: not a message, or too large to be one.
    """
    kind = data.get("kind") if isinstance(data, Mapping) else None
    cls = KINDS.get(str(kind))
    if cls is None:
        raise InputError(f"{kind!r} is no kind of message: {', '.join(KINDS)}")
    given = {key: value for key, value in data.items() if key != "kind"}
    fields = {each.name: each for each in dataclasses.fields(cls)}
    if not set(given) <= set(fields) or "sender" not in given:
        raise InputError(f"a message `{kind}` has the fields {', '.join(fields)}, not {given!r}")
    if "rows" in given:
        given["rows"] = _rows(given["rows"])
    for name, value in given.items():
        if name != "rows" and not _fits(name, value):
            raise InputError(f"message `{kind}`: {name} is {value!r}")
    return cls(**given)


def _fits(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if name == "for_s":
        return isinstance(value, int | float) and 0.0 <= value <= 3600.0
    if name == "severity":
        return isinstance(value, int) and 0 <= value <= 3
    return isinstance(value, str) and len(value) <= TEXT_MAX


def _rows(given: Any) -> tuple[tuple[str, str, float, float], ...]:
    try:
        rows = tuple(
            (str(issue)[:TEXT_MAX], str(by)[:TEXT_MAX], float(tried), float(effective))
            for issue, by, tried, effective in given
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"rows of a message: {error}") from error
    if len(rows) > ROWS_MAX:
        raise InputError(f"{len(rows)} rows in a message, {ROWS_MAX} at most")
    return rows


class Inbox:
    """What arrived for one component; the oldest is dropped when nobody reads."""

    __slots__ = ("__weakref__", "_lock", "_waiting", "dropped")

    def __init__(self, most: int = INBOX_MAX) -> None:
        """Empty, for at most so many messages."""
        self.dropped = 0
        self._waiting: deque[Message] = deque(maxlen=most)
        self._lock = Lock()

    def put(self, message: Message) -> None:
        """Take a message in; never blocks."""
        with self._lock:
            self.dropped += len(self._waiting) == self._waiting.maxlen
            self._waiting.append(message)

    def take_all(self) -> list[Message]:
        """Everything that arrived since the last time, oldest first."""
        with self._lock:
            taken = list(self._waiting)
            self._waiting.clear()
            return taken


class Transport(Protocol):
    """Carries messages between components."""

    def join(self, component_id: str, inbox: Inbox) -> None:
        """Deliver what others send to this inbox, as long as somebody holds it."""
        ...

    def send(self, message: Message) -> None:
        """To all who joined but the sender; never blocks, and never raises."""
        ...


@dataclass(slots=True)
class InProcessBus:
    """A transport within one process; instances share one by `bus=`."""

    _inboxes: WeakValueDictionary[tuple[str, int], Inbox] = field(
        default_factory=WeakValueDictionary
    )
    _lock: Lock = field(default_factory=Lock)

    def join(self, component_id: str, inbox: Inbox) -> None:
        """Deliver to this inbox, as long as somebody holds it."""
        with self._lock:
            self._inboxes[component_id, id(inbox)] = inbox

    def send(self, message: Message) -> None:
        """To all who joined but the sender."""
        with self._lock:
            receivers = [
                inbox for (name, _), inbox in self._inboxes.items() if name != message.sender
            ]
        for inbox in receivers:
            inbox.put(message)
