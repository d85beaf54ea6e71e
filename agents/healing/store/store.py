"""What a store can do; memory, SQLite and PostgreSQL keep the same contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hms.agents.healing.store.records import (
    AttemptRecord,
    BreakerRecord,
    ConfigurationRecord,
    EffectivenessRecord,
    IncidentRecord,
    Record,
)
from hms.errors import StoreError

ROWS_KEPT = 1000
"""Of each table and component, the newest rows that a store keeps."""

NEW, UNDER_WAY, ALREADY_DONE = "new", "under_way", "done"


class ClaimLost(StoreError):
    """Another process has taken the instance's place over: it was silent for too long."""


class RowRefused(StoreError):
    """A row is such that this store will never take it; others may go on."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write as one instance of a component, until another one takes it over.

    Attributes:
        component_id: the component.
        instance_id: which of its processes or replicas, unique in the store.
        token: tells this holder from an earlier one of the same id.
    """

    component_id: str
    instance_id: str
    token: str


@dataclass(frozen=True, slots=True)
class SavedState:
    """What an instance finds of its own when it starts; histories newest last."""

    breakers: tuple[BreakerRecord, ...] = ()
    attempts: tuple[AttemptRecord, ...] = ()
    effectiveness: tuple[EffectivenessRecord, ...] = ()
    incidents: tuple[IncidentRecord, ...] = ()
    configurations: tuple[ConfigurationRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class PeerBreaker:
    """A breaker of another instance of the component."""

    instance_id: str
    breaker: BreakerRecord


class Store(Protocol):
    """A place that outlives the process. All methods may block, and raise `StoreError`."""

    name: str
    """For messages; a password is never in it."""

    def open(self) -> None:
        """Make it ready: connect, bring the schema up to date. Again: changes nothing."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...

    def claim(self, component_id: str, wanted: str = "") -> Claim:
        """Become an instance: `wanted`, or the next free number after it.

        A place whose holder is dead, or silent past its lease, is taken over with its state.

        Args:
            component_id: the component.
            wanted: the instance's name; this host's when empty.
        """
        ...

    def renew(self, claim: Claim) -> None:
        """Say that the holder is alive.

        Raises:
            ClaimLost: another process holds the place now.
        """
        ...

    def release(self, claim: Claim) -> None:
        """Give the place back; its state stays for the next holder."""
        ...

    def load(self, component_id: str, instance_id: str) -> SavedState:
        """What this instance wrote; the store keeps `ROWS_KEPT` rows of each history."""
        ...

    def write(self, claim: Claim, rows: Sequence[Record]) -> None:
        """Write all rows in one transaction, or none; written twice they are there once.

        Raises:
            ClaimLost: another process holds the place now.
        """
        ...

    def begin_act(self, claim: Claim, act: AttemptRecord) -> str:
        """Note the intention to act; "new" once for each key, later "under_way" or "done"."""
        ...

    def peers(self, claim: Claim) -> Sequence[PeerBreaker]:
        """Breakers that other instances of the component have saved and that are not closed."""
        ...

    def history(
        self, component_id: str, table: str = "attempts", *, instance_id: str = "", most: int = 100
    ) -> Sequence[Record]:
        """The newest rows of a component, of all its instances or of one; newest last."""
        ...
