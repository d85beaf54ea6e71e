"""A store that lasts as long as the process: for tests, and the contract in its plainest form."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from hms.agents.healing.store.process import FREED_PID, Holder, Place, free_name, this_process
from hms.agents.healing.store.process import host_name as this_host
from hms.agents.healing.store.records import (
    DONE,
    INTENDED,
    AttemptRecord,
    BreakerRecord,
    ConfigurationRecord,
    EffectivenessRecord,
    IncidentRecord,
    Record,
)
from hms.agents.healing.store.store import (
    ALREADY_DONE,
    NEW,
    ROWS_KEPT,
    UNDER_WAY,
    Claim,
    ClaimLost,
    PeerBreaker,
    SavedState,
)

HISTORIES = ("attempts", "incidents", "configurations")


@dataclass(slots=True, weakref_slot=True, eq=False)
class MemoryStore:
    """Keeps everything in dictionaries; several instances of one process may share it.

    Args:
        wall: seconds since 1970, for leases.
        holder: who claims; another one in tests of dead holders.
        kept: rows of each history and component.
    """

    wall: Callable[[], float] = time.time
    holder: Callable[[], Holder] = this_process
    kept: int = ROWS_KEPT
    name: str = "memory"
    _places: dict[tuple[str, str], tuple[str, Place]] = field(default_factory=dict)
    _rows: dict[tuple[str, str], dict[tuple[str, str], Record]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do: what was written stays, as in any store."""

    def claim(self, component_id: str, wanted: str = "") -> Claim:
        """Become an instance: `wanted`, or the next free number after it."""
        with self._lock:
            here, now_at_s = self.holder(), self.wall()
            places = {n: place for (c, n), (_, place) in self._places.items() if c == component_id}
            name = free_name(wanted or this_host(), places, here, now_at_s)
            claim = Claim(component_id, name, secrets.token_hex(8))
            self._places[component_id, name] = (claim.token, Place(here, now_at_s))
            return claim

    def renew(self, claim: Claim) -> None:
        """Say that the holder is alive."""
        with self._lock:
            self._renew(claim)

    def release(self, claim: Claim) -> None:
        """Give the place back; its state stays."""
        with self._lock:
            place = self._renew(claim)
            freed = Holder(place.holder.host, FREED_PID, "", place.holder.boot_id)
            self._places[claim.component_id, claim.instance_id] = (
                claim.token, Place(freed, place.renewed_at_s),
            )  # fmt: skip

    def load(self, component_id: str, instance_id: str) -> SavedState:
        """What this instance wrote."""
        with self._lock:
            found = {
                table: tuple(self._of(component_id, table, instance_id))
                for table in ("breakers", "effectiveness", *HISTORIES)
            }
        return SavedState(
            breakers=cast("tuple[BreakerRecord, ...]", found["breakers"]),
            attempts=cast("tuple[AttemptRecord, ...]", found["attempts"]),
            effectiveness=cast("tuple[EffectivenessRecord, ...]", found["effectiveness"]),
            incidents=cast("tuple[IncidentRecord, ...]", found["incidents"]),
            configurations=cast("tuple[ConfigurationRecord, ...]", found["configurations"]),
        )

    def write(self, claim: Claim, rows: Sequence[Record]) -> None:
        """Write all rows, or none."""
        with self._lock:
            self._renew(claim)
            for row in rows:
                self._put(claim, row)
            self._forget(claim)

    def begin_act(self, claim: Claim, act: AttemptRecord) -> str:
        """Note the intention to act; "new" once for each key."""
        with self._lock:
            self._renew(claim)
            for held in self._of(claim.component_id, "attempts", ""):
                if isinstance(held, AttemptRecord) and held.key == act.key:
                    return ALREADY_DONE if held.state == DONE else UNDER_WAY
            self._put(claim, act if act.state == INTENDED else _intended(act))
            return NEW

    def peers(self, claim: Claim) -> Sequence[PeerBreaker]:
        """Breakers of the component's other instances that are not closed."""
        with self._lock:
            return [
                PeerBreaker(instance_id, row)
                for (instance_id, _), row in self._table(claim.component_id, "breakers").items()
                if instance_id != claim.instance_id
                and isinstance(row, BreakerRecord)
                and row.phase != "closed"
            ]

    def history(
        self, component_id: str, table: str = "attempts", *, instance_id: str = "", most: int = 100
    ) -> Sequence[Record]:
        """The newest rows of a component; newest last."""
        with self._lock:
            return self._of(component_id, table, instance_id)[-most:]

    def _table(self, component_id: str, table: str) -> dict[tuple[str, str], Record]:
        return self._rows.setdefault((component_id, table), {})

    def _of(self, component_id: str, table: str, instance_id: str) -> list[Record]:
        held = self._table(component_id, table).items()
        return [row for (owner, _), row in held if instance_id in ("", owner)]

    def _put(self, claim: Claim, row: Record) -> None:
        rows = self._table(claim.component_id, row.table)
        if row.table == "attempts" and any(
            key == row.key and owner != claim.instance_id for owner, key in rows
        ):
            return  # the key is another instance's: its act, told by it
        rows[claim.instance_id, row.key] = row

    def _forget(self, claim: Claim) -> None:
        """Keep tables within their bound: old history goes, and breakers closed long ago."""
        for name in (*HISTORIES, "breakers"):
            rows = self._table(claim.component_id, name)
            if len(rows) <= self.kept:
                continue
            old = list(rows)
            if name == "breakers":
                old = [key for key in rows if self._is_closed(claim, key[0], rows[key])]
            for key in old[: max(len(old) - self.kept, 0)]:
                del rows[key]

    @staticmethod
    def _is_closed(claim: Claim, owner: str, row: Record) -> bool:
        own = owner == claim.instance_id
        return own and isinstance(row, BreakerRecord) and row.phase == "closed"

    def _renew(self, claim: Claim) -> Place:
        token, place = self._places.get(
            (claim.component_id, claim.instance_id), ("", Place(self.holder(), 0.0))
        )
        if token != claim.token:
            raise ClaimLost(f"another process is `{claim.instance_id}` of this component now")
        renewed = Place(place.holder, self.wall())
        self._places[claim.component_id, claim.instance_id] = (token, renewed)
        return renewed


def _intended(act: AttemptRecord) -> AttemptRecord:
    return AttemptRecord(act.key, act.at_s, act.issue, act.by, state=INTENDED)
