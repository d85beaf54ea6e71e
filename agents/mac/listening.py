"""Which ports this process and its descendants listen on, read from /proc (Linux).

Ray opens a dozen. None may be reachable from another machine, so `hms doctor --ray`, the
tests and the start of a cluster look instead of trusting the settings.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from hms.errors import HmsError, MissingError

PROC = Path("/proc")
LISTEN = "0A"  # the state column of /proc/net/tcp


@dataclass(frozen=True, slots=True, order=True)
class ListeningPort:
    """One TCP port on which a process accepts connections."""

    address: str
    port: int
    process_id: int
    program: str

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return ipaddress.ip_address(self.address).is_loopback


def listening_ports(process_id: int | None = None) -> list[ListeningPort]:
    """Ports of a process (this one by default) and all its descendants, sorted.

    Raises:
        MissingError: this system has no /proc.
    """
    if not (PROC / "net" / "tcp").exists():
        raise MissingError("listing ports needs Linux' /proc")
    sockets = _listening_sockets()
    found: set[ListeningPort] = set()
    for each in _with_descendants(os.getpid() if process_id is None else process_id):
        for inode in _socket_inodes(each) & sockets.keys():
            address, port = sockets[inode]
            found.add(ListeningPort(address, port, each, _program(each)))
    return sorted(found)


def require_loopback(ports: list[ListeningPort]) -> None:
    """Refuse ports that another machine could reach.

    Raises:
        HmsError: names each such port.
    """
    reachable = [each for each in ports if not each.is_loopback]
    if reachable:
        named = ", ".join(f"{p.program} {p.address}:{p.port}" for p in reachable)
        raise HmsError(f"reachable from other machines: {named}\n    expected: loopback only")


def _listening_sockets() -> dict[str, tuple[str, int]]:
    """Address and port of each listening socket by its inode."""
    sockets: dict[str, tuple[str, int]] = {}
    for table in ("tcp", "tcp6"):
        path = PROC / "net" / table
        if not path.exists():
            continue
        for line in path.read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == LISTEN:
                address, _, port = columns[1].partition(":")
                sockets[columns[9]] = (_address(address), int(port, 16))
    return sockets


def _address(hexadecimal: str) -> str:
    """The kernel prints addresses as 32-bit words in the machine's byte order."""
    raw = bytes.fromhex(hexadecimal)
    words = [raw[i : i + 4][::-1] for i in range(0, len(raw), 4)]
    found = ipaddress.ip_address(b"".join(words))
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(found)


def _with_descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            parent = _parent(int(entry.name))
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        each = waiting.pop()
        found.append(each)
        waiting.extend(children.get(each, []))
    return found


def _parent(process_id: int) -> int:
    """The parent's id, 0 for a process that ended meanwhile."""
    try:
        stat = (PROC / str(process_id) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(stat.rpartition(")")[2].split()[1])  # the name before it may hold spaces


def _program(process_id: int) -> str:
    try:
        return (PROC / str(process_id) / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "ended"


def _socket_inodes(process_id: int) -> set[str]:
    inodes: set[str] = set()
    try:
        for entry in (PROC / str(process_id) / "fd").iterdir():
            target = os.readlink(entry)
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return inodes  # ended meanwhile, or another user's: neither is ours to judge
    return inodes
