"""Which process holds an instance's place, and whether it still lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hms.agents.healing.store.moment import boot_id

LEASE_S = 5.0
"""A holder that this machine cannot see counts as dead when silent for longer; an idle
one renews its place every two seconds."""

MOST_NUMBERS = 10_000
FREED_PID = 0


@dataclass(frozen=True, slots=True)
class Holder:
    """One process.

    Attributes:
        host: machine and process namespace: a process id means something only there.
        pid: the process id; 0 if the place was given back.
        started: when the process started, in the kernel's ticks; ids are used again.
        boot_id: the run of the machine.
    """

    host: str
    pid: int
    started: str
    boot_id: str

    def is_alive(self, here: Holder) -> bool | None:
        """Whether it lives, seen from `here`; None if that cannot be seen from there."""
        if self.pid == FREED_PID:
            return False
        if self.host != here.host:
            return None
        if self.boot_id != here.boot_id:
            return False
        if not self.started:
            return _answers(self.pid)
        return started_of(self.pid) == self.started


@dataclass(frozen=True, slots=True)
class Place:
    """An instance's place in the store: who holds it, and when that was last said (wall s)."""

    holder: Holder
    renewed_at_s: float

    def is_taken(self, here: Holder, now_at_s: float) -> bool:
        """Whether its holder lives, as far as can be seen."""
        alive = self.holder.is_alive(here)
        if alive is None:
            return now_at_s - self.renewed_at_s <= LEASE_S
        return alive


def this_process() -> Holder:
    """The process that asks."""
    pid = os.getpid()
    return Holder(f"{host_name()}{_namespace()}", pid, started_of(pid), boot_id())


def host_name() -> str:
    """This machine's name, as instances are called after it."""
    return socket.gethostname() or "host"


def started_of(pid: int) -> str:
    """When a process started, in ticks since the machine did; empty if it is not there."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = told.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if fields[0] in "ZX" else fields[19]  # a zombie holds nothing


def free_name(wanted: str, places: Mapping[str, Place], here: Holder, now_at_s: float) -> str:
    """`wanted` if nobody alive holds it, else the next free number: name, name-2, name-3, …"""
    name = wanted
    for number in range(2, MOST_NUMBERS):
        held = places.get(name)
        if held is None or not held.is_taken(here, now_at_s):
            return name
        name = f"{wanted}-{number}"
    return name


def _answers(pid: int) -> bool:
    """Where /proc does not say when a process started: whether there is one of this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _namespace() -> str:
    try:
        return f"/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""
