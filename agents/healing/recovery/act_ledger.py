"""One act, one key: what was begun is not begun again, by whichever process (3.4.2).

The intention is written to the store before the act and its end after it. A process that was
killed in between finds the intention when it starts again: nobody knows whether the act was
done, so its effect is waited for before it may be repeated.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

NEW, UNDER_WAY, ALREADY_DONE = "new", "under_way", "done"
WITHDRAWN = "withdrawn"  # noted in the store, and not done
KEYS_MAX = 1000


@dataclass(slots=True)
class ActLedger:
    """The keys of one instance's acts.

    Args:
        owner: the instance, in front of its own keys.
        begin_stored: notes an intention in the store (key, issue, strategy) and says whether
            it is new; may block. None: memory alone.
    """

    owner: str
    begin_stored: Callable[[str, str, str], str] | None = None
    store_errors: int = 0
    last_error: str = ""
    _keys: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _unresolved: dict[tuple[str, str], str] = field(default_factory=dict)
    _number: int = 0

    def key(self, issue: str, by: str, own: str = "") -> str:
        """The key of the next act: the strategy's own, one left unresolved, or a new one."""
        if own:
            return f"{by}/{own}"
        left = self._unresolved.get((issue, by))
        if left is not None:
            return left
        self._number += 1
        return f"{self.owner}/{self._number}/{issue}/{by}"

    async def begin(self, key: str, issue: str, by: str, limit_s: float) -> str:
        """Note the intention to act: "new" once for each key, later "under_way" or "done".

        A store that does not answer within `limit_s`, or fails, does not hold healing up:
        then what this process remembers decides.
        """
        known = self._keys.get(key, NEW)
        if known == WITHDRAWN:  # the store still has its intention
            known = NEW
        elif known == NEW and self.begin_stored is not None:
            known = await self._ask_store(key, issue, by, limit_s)
        if known == NEW:
            self._remember(key, UNDER_WAY)
        return known

    def end(self, key: str, issue: str, by: str) -> None:
        """The act is over, done or failed; nothing is left open about it."""
        self._unresolved.pop((issue, by), None)
        self._remember(key, ALREADY_DONE)

    def withdraw(self, key: str) -> None:
        """The act was not done after all; this process may begin it under the same key."""
        self._remember(key, WITHDRAWN)

    def leave_open(self, key: str, issue: str, by: str) -> None:
        """It was cut off: the same key again until its effect has been judged."""
        self._unresolved[(issue, by)] = key

    def restore(self, rows: Iterable[tuple[str, str, str, bool]]) -> None:
        """Take over what an earlier run left: key, issue, strategy, whether it was finished."""
        for key, issue, by, finished in rows:
            owner, _, rest = key.partition("/")
            number = rest.partition("/")[0]
            if owner == self.owner and number.isdigit():
                self._number = max(self._number, int(number))
            self._remember(key, ALREADY_DONE if finished else UNDER_WAY)
            if not finished:
                self._unresolved[(issue, by)] = key

    async def _ask_store(self, key: str, issue: str, by: str, limit_s: float) -> str:
        import asyncio

        from hms.agents.healing.recovery.healing_round import in_thread

        try:
            asked = in_thread(self.begin_stored or (lambda *_: NEW), key, issue, by)
            return str(await asyncio.wait_for(asked, limit_s))
        except Exception as error:  # noqa: BLE001 - healing outlives its store; counted
            self.store_errors += 1
            self.last_error = f"{type(error).__name__}: {error}"
            return NEW

    def _remember(self, key: str, state: str) -> None:
        self._keys[key] = state
        self._keys.move_to_end(key)
        while len(self._keys) > KEYS_MAX:
            self._keys.popitem(last=False)
