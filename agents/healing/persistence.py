"""What an instance leaves to the store, and takes from it when it starts (9.3).

Nothing here waits for the store: rows are handed to a recorder, which writes them when it can.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hms.agents.healing.actions import action_from_json
from hms.agents.healing.recovery import attempts as verdicts
from hms.agents.healing.recovery.attempts import Attempt
from hms.agents.healing.store.moment import Moment, moment_now
from hms.agents.healing.store.quorum import Quorum
from hms.agents.healing.store.recorder import Recorder
from hms.agents.healing.store.records import (
    DONE,
    INTENDED,
    UNKNOWN,
    AttemptRecord,
    BreakerRecord,
    EffectivenessRecord,
    IncidentRecord,
)

if TYPE_CHECKING:
    from hms.agents.healing.breaker.events import BreakerEvent
    from hms.agents.healing.calls.guard import Guard
    from hms.agents.healing.learning.incidents import Incident
    from hms.agents.healing.standalone import StandaloneSelfHealing
    from hms.agents.healing.store.store import PeerBreaker, SavedState, Store

READY_S = 5.0  # that `initialize` waits for the store; what comes later is restored later
LOOK_S = 0.05
FLUSH_S = 1.0  # that an act waits for its intention to be written
FINAL = (verdicts.EFFECTIVE, verdicts.INEFFECTIVE, verdicts.INCONCLUSIVE)


class Persistence:
    """Binds one instance to one store.

    Args:
        host: the instance.
        store: where its state is kept.
        wanted: the instance's name among the component's; this host's when empty.
    """

    def __init__(self, host: StandaloneSelfHealing, store: Store, wanted: str) -> None:
        self.host = host
        self.recorder = Recorder(
            store,
            host.config.component_id,
            wanted,
            restore=self._restore,
            breakers=self._breakers,
            hear=self._hear,
            clock=host.clock,
        )
        self._quorum = Quorum()
        self._waiting: dict[str, BreakerRecord] = {}  # of dependencies not yet guarded here

    async def start(self) -> None:
        """Have the store opened and what it holds restored, if it answers in time."""
        from hms.agents.healing.recovery.healing_round import in_thread

        host = self.host
        host.attempts.listeners.append(self._tell_attempt)
        host.dependencies.listen(self._tell_breaker)
        host.ledger.begin_stored = self._begin
        host.configuration.record = self.recorder.record
        if host.incidents is not None:
            host.incidents.tell = self._tell_incident
        self.recorder.start()
        await in_thread(self._wait_ready)

    def _wait_ready(self) -> None:
        """Until what was saved is restored; one that has failed is not waited for."""
        end_s = time.monotonic() + READY_S
        while not self.recorder.wait_ready(LOOK_S):
            if self.recorder.failures or time.monotonic() >= end_s:
                return

    async def stop(self) -> None:
        """Write what waits, and give the instance's place back."""
        from hms.agents.healing.recovery.healing_round import in_thread

        await in_thread(self.recorder.stop)

    def guarded(self, guard: Guard) -> None:
        """A dependency is guarded from now on: its breaker goes on as it was."""
        record = self._waiting.pop(guard.dependency, None)
        if record is not None:
            guard.breaker.restore(record.at(moment_now()))

    def tell_effectiveness(self, issue: str, by: str, tried: float, effective: float) -> None:
        """What is known of a strategy has changed."""
        self.recorder.record(EffectivenessRecord(issue, by, tried, effective))

    def _restore(self, saved: SavedState) -> None:
        """Called once, in the recorder's thread."""
        host = self.host
        with host.lock:
            host.ledger.owner = self.recorder.instance_id
            host.attempts.restore([self._attempt(row) for row in saved.attempts])
            host.ledger.restore(
                (row.key, row.issue, row.by, row.state == DONE) for row in saved.attempts
            )
            host.effectiveness.restore(
                (row.issue, row.by, row.tried, row.effective) for row in saved.effectiveness
            )
            if host.incidents is not None:
                host.incidents.restore([_incident(row) for row in saved.incidents])
            host.configuration.restore(saved.configurations)
        guards = host.dependencies.guards()
        for record in saved.breakers:
            if record.dependency in guards:
                guards[record.dependency].breaker.restore(record)
            else:
                self._waiting[record.dependency] = record

    def _tell_breaker(self, event: BreakerEvent) -> None:
        """A breaker has changed its state: kept at once, not only when the next second begins."""
        from hms.agents.healing.breaker.events import STATE_CHANGES

        guard = self.host.dependencies.known(event.dependency)
        if guard is not None and event.kind in STATE_CHANGES:
            self.recorder.record(guard.breaker.saved())

    def _breakers(self) -> Iterator[BreakerRecord]:
        """Every breaker that is not closed, and those that nobody has asked for yet."""
        for guard in self.host.dependencies.guards().values():
            if guard.breaker.phase != "closed":
                yield guard.breaker.saved()
        now = moment_now()
        for record in tuple(self._waiting.values()):
            if record.phase != "closed":
                yield record.at(now)

    def _hear(self, peers: Iterable[PeerBreaker], now: Moment) -> None:
        """Open what enough of the other instances have open, until too few of them do."""
        host = self.host
        self._quorum.needed = host.ladder.parameters.health.quorum_peers
        found = self._quorum.open_until_s(peers, now, host.clock.now_s())
        guards = host.dependencies.guards() if found else {}
        for name in found.keys() & guards.keys():
            guards[name].breaker.hear_quorum(found[name])

    def _begin(self, key: str, issue: str, by: str) -> str:
        """Note an intention and wait a moment until it is written; blocks."""
        act = AttemptRecord(key, self.host.wall(), issue, by, state=INTENDED)
        known = self.recorder.begin_act(act)
        self.recorder.flush(FLUSH_S)
        return known

    def _tell_attempt(self, attempt: Attempt) -> None:
        at_s = self.host.wall()
        state = UNKNOWN if attempt.verdict == verdicts.UNKNOWN else DONE
        action = "" if attempt.action is None else json.dumps(attempt.action.to_json())
        self.recorder.record(
            AttemptRecord(
                key=attempt.key or f"{self.host.ledger.owner}/note/{int(at_s * 1e6)}",
                at_s=at_s,
                issue=attempt.issue,
                by=attempt.by,
                action=action,
                error=attempt.error or attempt.reason,
                verdict=attempt.verdict if attempt.verdict in FINAL else "",
                undone=attempt.undone,
                state=state,
            )
        )

    def _tell_incident(self, incident: Incident) -> None:
        offset_s = self.host.wall() - self.host.clock.now_s()
        ended_s = incident.ended_s
        self.recorder.record(
            IncidentRecord(
                key=str(incident.number),
                issue=incident.issue,
                began_at_s=incident.began_s + offset_s,
                ended_at_s=None if ended_s is None else ended_s + offset_s,
                severity=incident.severity,
                evidence=incident.evidence,
                detail=json.dumps(incident.to_json()),
            )
        )

    def _attempt(self, row: AttemptRecord) -> Attempt:
        """An attempt of an earlier process, its time on this one's clock."""
        passed_s = max(self.host.wall() - row.at_s, 0.0)
        return Attempt(
            at_s=self.host.clock.now_s() - passed_s,
            issue=row.issue,
            by=row.by,
            action=action_from_json(json.loads(row.action)) if row.action else None,
            error=row.error,
            verdict=row.verdict or (verdicts.UNKNOWN if row.state != DONE else verdicts.PENDING),
            undone=row.undone,
            key=row.key,
        )


def _incident(row: IncidentRecord) -> Incident:
    from hms.agents.healing.learning.incidents import incident_from_json

    return incident_from_json(json.loads(row.detail))
