"""The one thread of a store: it writes what all recorders of this process have to say."""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from hms.agents.healing.store.recorder import LOG, PERIOD_S

if TYPE_CHECKING:
    from hms.agents.healing.store.recorder import Recorder
    from hms.agents.healing.store.store import Claim, Store

LAST_FLUSH_S = 2.0


class Writer:
    """Takes turns with each recorder of one store, in a daemon thread that ends with the last.

    Recorders are held weakly: an instance that is dropped is not kept alive by what it writes.
    """

    def __init__(self) -> None:
        """No thread before there is something to write."""
        self._recorders: dict[ref[Recorder], Claim | None] = {}
        self._leaving: list[Recorder] = []
        self._store: Store | None = None
        self._woken = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """There is something to write."""
        self._woken.set()

    def add(self, recorder: Recorder) -> None:
        """Write for this one, too."""
        with self._lock:
            self._leaving = [each for each in self._leaving if each is not recorder]
            self._recorders[ref(recorder)] = None
            self._store = recorder.store
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hms-store", daemon=True)
                self._thread.start()
        self.wake()

    def remove(self, recorder: Recorder, timeout_s: float) -> None:
        """Write for this one no more; its place is given back if the store answers in time."""
        left = threading.Event()
        with self._lock:
            if ref(recorder) not in self._recorders:
                return
            recorder.on_left = left.set
            self._leaving.append(recorder)
        self.wake()
        left.wait(timeout_s)

    def recorders(self) -> list[Recorder]:
        """Whom it writes for."""
        with self._lock:
            held = [each() for each in self._recorders]
        return [each for each in held if each is not None]

    def recorders_of_parent(self) -> list[Recorder]:
        """The same in a forked child, where the lock may be held by a thread that is gone."""
        return [each for each in (one() for one in self._recorders) if each is not None]

    def _run(self) -> None:
        while True:
            self._woken.clear()
            more = False
            for recorder in self.recorders():
                more = self._turn(recorder) or more
                del recorder  # not held while the thread waits
            if self._see_off():
                return
            if not more:
                self._woken.wait(PERIOD_S)

    def _turn(self, recorder: Recorder) -> bool:
        try:
            return recorder.turn()
        except Exception as error:  # noqa: BLE001 - the thread outlives any store
            recorder.failed(error)
            return False
        finally:
            with self._lock:
                self._recorders[ref(recorder)] = recorder.claim

    def _see_off(self) -> bool:
        """Let those who leave go, and those who were dropped; whether nobody is left."""
        with self._lock:
            leaving, self._leaving = self._leaving, []
            dropped = {each: claim for each, claim in self._recorders.items() if each() is None}
        for claim in dropped.values():
            self._give_back(claim)
        for recorder in leaving:
            self._give_back(recorder.claim)
            recorder.on_left()
        with self._lock:
            for each in (*dropped, *map(ref, leaving)):
                self._recorders.pop(each, None)
            if self._recorders:
                return False
            self._thread, self._store = None, None
            return True

    def _give_back(self, claim: Claim | None) -> None:
        try:
            if claim is not None and self._store is not None:
                self._store.release(claim)
        except Exception as error:  # noqa: BLE001 - a place not given back is taken over
            LOG.info("store: `%s` is not given back: %s", claim, error)


_WRITERS: WeakKeyDictionary[Store, Writer] = WeakKeyDictionary()
_LOCK = threading.Lock()


def writer_of(store: Store) -> Writer:
    """The writer of this store, one in a process."""
    with _LOCK:
        if store not in _WRITERS:
            _WRITERS[store] = Writer()
        return _WRITERS[store]


def _last_flush() -> None:
    """At the end of the process: what waits is written, if the store answers soon."""
    for writer in list(_WRITERS.values()):
        for recorder in writer.recorders():
            recorder.stop(LAST_FLUSH_S)


def _forget_parent() -> None:
    """In a forked child: threads are gone, and the parent's places are the parent's."""
    global _LOCK
    _LOCK = threading.Lock()
    mine = [each for writer in _WRITERS.values() for each in writer.recorders_of_parent()]
    _WRITERS.clear()
    for recorder in mine:
        recorder.begin_anew()


atexit.register(_last_flush)
os.register_at_fork(after_in_child=_forget_parent)
