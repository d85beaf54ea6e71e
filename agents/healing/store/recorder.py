"""Write-behind of one instance: `record()` keeps a row in memory, a thread carries it over.

A store that is slow, full, locked or gone costs nothing but memory, and that is bounded: of
breakers and effectiveness only the newest state waits, of histories the newest `CAPACITY` rows.
When the store is back, what waited is written in its order. Nothing here is asked on the path
of a protected call.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from hms.agents.healing.clock import Clock, MonotonicClock
from hms.agents.healing.store.moment import Moment, moment_now
from hms.agents.healing.store.records import (
    DONE,
    AttemptRecord,
    BreakerRecord,
    ConfigurationRecord,
    EffectivenessRecord,
    Record,
)
from hms.agents.healing.store.store import (
    ALREADY_DONE,
    NEW,
    UNDER_WAY,
    Claim,
    ClaimLost,
    PeerBreaker,
    RowRefused,
    SavedState,
    Store,
)

CAPACITY = 10_000
BATCH = 500
PERIOD_S = 1.0
RENEW_S = 2.0  # less than half a lease; each renewal is a write
BACK_OFF_MAX_S = 30.0
KEYS_KEPT = 10_000
HANGS_S = 1.0  # in one turn; nobody waits for a store from then on
LOG = logging.getLogger("hms.healing.store")


def no_records() -> Iterable[BreakerRecord]:
    """Where nothing is watched."""
    return ()


def _state_key(row: Record) -> str:
    """Of effectiveness each row is a state, of configuration the newest one is."""
    return "" if isinstance(row, ConfigurationRecord) else row.key


def nobody() -> None:
    """Where nobody waits."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class Recorder:
    """What one instance has to say to a store, and what it hears from it.

    Args:
        store: where it goes.
        component_id: whose.
        wanted: the instance's name; this host's when empty.
        restore: gets what was saved, once, as soon as the store is open.
        breakers: all breakers that are not closed, asked each second.
        hear: gets the peers' breakers each second; None: nobody asks for them.
        clock: monotonic, for periods and pauses after a failure.
        moment: what a saved breaker is stamped with.
        capacity: rows that may wait.
    """

    store: Store
    component_id: str
    wanted: str = ""
    restore: Callable[[SavedState], None] | None = None
    breakers: Callable[[], Iterable[BreakerRecord]] = no_records
    hear: Callable[[Iterable[PeerBreaker], Moment], None] | None = None
    clock: Clock = field(default_factory=MonotonicClock)
    moment: Callable[[], Moment] = moment_now
    capacity: int = CAPACITY
    claim: Claim | None = None
    dropped: int = 0
    written: int = 0
    failures: int = 0
    trouble: str = ""
    on_left: Callable[[], None] = nobody
    _pending: dict[tuple[str, str], tuple[int, Record]] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)
    _own: dict[tuple[str, str], Record] = field(default_factory=dict)
    _busy_since_s: float = float("inf")
    _said_open: frozenset[str] = frozenset()
    _number: int = 0
    _restored: bool = False
    _failed_in_row: int = 0
    _quiet_until_s: float = float("-inf")
    _period_began_s: float = float("-inf")
    _renewed_at_s: float = float("-inf")
    _stopped: bool = False
    _forked: bool = False
    _wake: Callable[[], None] | None = None
    _ready: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def instance_id(self) -> str:
        """The instance's id in the store; empty until it is known."""
        return self.claim.instance_id if self.claim else ""

    @property
    def lag(self) -> int:
        """Rows that wait to be written."""
        return len(self._pending)

    def start(self) -> None:
        """Have a thread write, one for each store; again: changes nothing."""
        from hms.agents.healing.store.writer import writer_of

        if self._wake is None:
            writer = writer_of(self.store)
            self._wake = writer.wake
            writer.add(self)

    def wait_ready(self, timeout_s: float) -> bool:
        """Whether what was saved has been restored within this time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ready, timeout_s)

    def record(self, row: Record) -> None:
        """Keep a row until the store has it. Never waits for the store, never raises."""
        if isinstance(row, BreakerRecord):
            row = replace(row, saved=self.moment())
        with self._changed:
            self._number += 1
            place = (row.table, row.key)
            self._pending.pop(place, None)  # the newest goes last: histories keep their order
            self._pending[place] = (self._number, row)
            if isinstance(row, AttemptRecord):
                self._note_key(row)
            elif isinstance(row, EffectivenessRecord) or (
                isinstance(row, ConfigurationRecord) and row.in_force
            ):
                self._own[row.table, _state_key(row)] = row
            if len(self._pending) > self.capacity:
                self._drop_oldest()
        if self._forked:
            self._forked = False
            self.start()
        elif self._wake is not None:
            self._wake()

    def begin_act(self, act: AttemptRecord) -> str:
        """Whether this act may begin: "new" once for each key, then "under_way" or "done".

        Answered from memory, which knows what was restored; the intention is recorded. Wait
        with `flush` before a disruptive act, so that a restarted process finds it.
        """
        with self._changed:
            known = self._keys.get(act.key)
            if known is not None:
                return ALREADY_DONE if known == DONE else UNDER_WAY
            self.record(act)
        return NEW

    def flush(self, timeout_s: float, *, hanging_too: bool = False) -> bool:
        """Whether everything recorded so far is in the store within this time.

        Args:
            timeout_s: how long to wait.
            hanging_too: wait for a store that is known to hang, too: at the end of a process.
        """
        with self._changed:
            newest = self._number
            hangs = time.monotonic() - self._busy_since_s > HANGS_S and not hanging_too
            if self._pending and (self._failed_in_row or hangs):
                return False  # known to be away: whoever acts must not wait for it
        if self._wake is not None:
            self._wake()
        end_s = time.monotonic() + timeout_s
        with self._changed:
            while any(number <= newest for number, _ in self._pending.values()):
                left_s = end_s - time.monotonic()
                if left_s <= 0.0 or not self._changed.wait(left_s):
                    return False
        return True

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Write what waits, give the place back; whether all of it was written in time."""
        if self._wake is None or self._stopped:
            return not self._pending
        from hms.agents.healing.store.writer import writer_of

        end_s = time.monotonic() + timeout_s
        if self._restored:
            self._refresh_breakers()  # what opened since the last second began is kept, too
        done = self.flush(timeout_s, hanging_too=True)
        self._stopped = True
        writer_of(self.store).remove(self, max(end_s - time.monotonic(), 0.0))
        return done

    def resume(self) -> None:
        """Go on after `stop`, under a place claimed anew; unless stopped, changes nothing."""
        if self._stopped:
            self.claim, self._wake, self._stopped = None, None, False
            self.start()

    def begin_anew(self) -> None:
        """In a forked child: the place and the thread are the parent's; rows that wait, too."""
        self.claim, self._wake, self._restored = None, None, True
        self._pending, self._said_open = {}, frozenset()  # its own state goes to its own place
        self._changed, self._ready = threading.Condition(), False
        self._forked = not self._stopped

    def turn(self) -> bool:
        """What the thread does again and again; whether more can be written at once.

        Raises:
            StoreError: the store failed; `failed` is to be told.
        """
        now_s = self.clock.now_s()
        if now_s < self._quiet_until_s:
            return False
        self._busy_since_s = time.monotonic()
        try:
            return self._turn(now_s)
        finally:
            self._busy_since_s = float("inf")

    def _turn(self, now_s: float) -> bool:
        claim = self._begin()
        if now_s - self._period_began_s >= PERIOD_S:
            self._refresh_breakers()
        more = self._write_some(claim)
        if now_s - self._period_began_s >= PERIOD_S:
            self._period_began_s = now_s
            if now_s - self._renewed_at_s >= RENEW_S:  # idle: say that somebody is here
                self.store.renew(claim)
                self._renewed_at_s = now_s
            if self.hear is not None:
                self.hear(self.store.peers(claim), self.moment())
        if self._failed_in_row:
            LOG.info("store %s is back; %d rows wait", self.store.name, self.lag)
        self._failed_in_row, self.trouble = 0, ""
        return more

    def failed(self, error: Exception) -> None:
        """Note a failure of the store: said once until it works again, tried ever less often."""
        if isinstance(error, ClaimLost):
            self.claim = None  # the next turn finds another place
        self.failures += 1
        self.trouble = f"{type(error).__name__}: {error}"
        if not self._failed_in_row:
            LOG.warning(
                "store %s: %s; healing goes on from memory", self.store.name, self.trouble
            )
        pause_s = min(PERIOD_S * 2.0 ** min(self._failed_in_row, 10), BACK_OFF_MAX_S)
        self._failed_in_row += 1
        self._quiet_until_s = self.clock.now_s() + pause_s
        with self._changed:
            self._changed.notify_all()

    def _begin(self) -> Claim:
        """Open, claim, and on the first time restore."""
        if self.claim is None:
            self.store.open()
            self.claim = self.store.claim(self.component_id, self.wanted)
            self._said_open = frozenset()
            for row in tuple(self._own.values()):
                self.record(row)  # another place than before knows nothing of it
        if not self._restored:
            self._restore_from(self.store.load(self.component_id, self.claim.instance_id))
        if not self._ready:
            with self._changed:
                self._ready = True
                self._changed.notify_all()
        return self.claim

    def _restore_from(self, found: SavedState) -> None:
        now = self.moment()
        aged = tuple(each.at(now) for each in found.breakers)
        with self._changed:
            for attempt in found.attempts:
                self._keys.setdefault(attempt.key, attempt.state)
            known: list[Record] = [*found.effectiveness, *found.configurations[-1:]]
            for row in known:
                self._own.setdefault((row.table, _state_key(row)), row)
        self._said_open = frozenset(
            each.dependency for each in aged if each.phase != "closed"
        )
        self._restored = True
        try:
            if self.restore is not None:
                self.restore(replace(found, breakers=aged))
        except Exception:
            self.failures += 1
            LOG.exception("store %s: not all that was saved is restored", self.store.name)

    def _refresh_breakers(self) -> None:
        """Save what is not closed, each second; what has closed since, once."""
        told = self.breakers()  # one that only its peers hold open is closed of its own
        not_closed = {each.dependency: each for each in told if each.phase != "closed"}
        for name in self._said_open.difference(not_closed):
            self.record(BreakerRecord(name))
        for each in not_closed.values():
            self.record(each)
        self._said_open = frozenset(not_closed)

    def _write_some(self, claim: Claim) -> bool:
        with self._changed:
            batch = list(self._pending.items())[:BATCH]
        if not batch:
            return False
        try:
            self.store.write(claim, [row for _, (_, row) in batch])
        except RowRefused:
            self._write_singly(claim, batch)
            return self.lag > 0
        self._forget(batch)
        self._renewed_at_s = self.clock.now_s()  # a write says that, too
        self.written += len(batch)
        return self.lag > 0

    def _write_singly(
        self, claim: Claim, batch: list[tuple[tuple[str, str], tuple[int, Record]]]
    ) -> None:
        """One row that no store takes must not hold up all others."""
        for entry in batch:
            try:
                self.store.write(claim, [entry[1][1]])
                self.written += 1
            except RowRefused as error:
                self.dropped += 1
                LOG.warning("store %s: a row is dropped: %s", self.store.name, error)
            self._forget([entry])

    def _forget(self, batch: list[tuple[tuple[str, str], tuple[int, Record]]]) -> None:
        with self._changed:
            for place, (number, _) in batch:
                held = self._pending.get(place)
                if held is not None and held[0] == number:  # else a newer one waits
                    del self._pending[place]
            self._changed.notify_all()

    def _drop_oldest(self) -> None:
        """Of too many rows the oldest history goes; a breaker's state is the last to go."""
        for place in self._pending:
            if place[0] not in ("breakers", "effectiveness"):
                break
        else:
            place = next(iter(self._pending))
        del self._pending[place]
        self.dropped += 1

    def _note_key(self, act: AttemptRecord) -> None:
        self._keys[act.key] = act.state
        if len(self._keys) > KEYS_KEPT:
            del self._keys[next(iter(self._keys))]
