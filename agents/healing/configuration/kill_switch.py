"""One switch that stops all acts: read before each, effective within a second.

A file that is there stops acts, whatever it holds but the word `act`; take it away, and acts go
on. What cannot be read stops them too: who cannot see the switch only observes.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from hms.agents.healing.clock import Clock, MonotonicClock

ACT, OBSERVE = "act", "observe"
VARIABLE = "HMS_KILL_SWITCH"
FRESH_S = 0.5
"""How long an answer is believed; with a look before each act, far below the second promised."""

LETTERS_READ = 64
LOG = logging.getLogger("hms.healing.kill_switch")
Given: TypeAlias = "Path | str | Callable[[], object] | None"


@dataclass(slots=True)
class KillSwitch:
    """Whether this instance may act.

    Args:
        given: a file's path; or a function that says "act" or "observe" (or True for
            "observe", False for "act") without waiting; None: the path in HMS_KILL_SWITCH, and
            without it acts are always allowed.
        clock: monotonic.
        environ: the environment.
    """

    given: Given = None
    clock: Clock = field(default_factory=MonotonicClock)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    unreadable: int = 0
    reason: str = ""
    _state: str = ACT
    _read_at_s: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """The environment is asked once: nobody changes that of a running process."""
        if self.given is None:
            self.given = self.environ.get(VARIABLE) or None

    def state(self) -> str:
        """What it says, "act" or "observe"; an answer is at most half a second old."""
        if self.given is None:
            return ACT
        with self._lock:
            now_s = self.clock.now_s()
            if now_s - self._read_at_s >= FRESH_S:
                before, self._state = self._state, self._look()
                self._read_at_s = now_s
                if self._state != before:
                    does = "nothing acts" if self._state == OBSERVE else "acts go on"
                    why = f" ({self.reason})" if self.reason else ""
                    LOG.warning("kill switch %s: %s%s", self.given, does, why)
            return self._state

    @property
    def read_at_s(self) -> float:
        """When it was last looked at, on its clock; without a switch that is always now."""
        return self.clock.now_s() if self.given is None else self._read_at_s

    @property
    def may_act(self) -> bool:
        """Whether the next act may be done."""
        return self.state() == ACT

    def _look(self) -> str:
        try:
            told = self.given() if callable(self.given) else _read(Path(str(self.given)))
        except Exception as error:  # noqa: BLE001 - a switch that cannot be read stops acts
            self.unreadable += 1
            self.reason = f"unreadable: {error!r}"
            return OBSERVE
        if told in (ACT, False):
            self.reason = ""
            return ACT
        self.reason = "" if told in (OBSERVE, True) else f"it says {told!r}"
        return OBSERVE


def _read(path: Path) -> object:
    """What a file says: nothing where there is none, but its folder must be there.

    A pipe or a device would keep whoever reads it waiting: it is no switch.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, encoding="utf-8") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{path} is not a file")
            said = file.read(LETTERS_READ).strip().lower()
    except FileNotFoundError:
        if path.parent.is_dir():
            return False
        raise
    return said if said == ACT else True
