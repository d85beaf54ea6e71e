"""The guarded dependencies of one instance: one breaker each, one configuration for all.

A thousand names are kept at most, whatever arrives (tenants, hosts, shards). When one more comes,
a closed and idle one goes; what is open, half-open or held by hand never does, and alone may
exceed the number. Who goes is found by second chance (Corbató 1968): a guard that was called since
it was last looked at moves to the back once. A guard that its user still holds goes on to work, is
found again under its name, and returns to its place with its next calls.
"""

from __future__ import annotations

import dataclasses
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from hms.agents.healing.clock import Clock
from hms.agents.healing.configuration.adapted_values import Adaptation
from hms.agents.policy.healing_policy import EdgeParameters, HealingPolicy
from hms.errors import ConfigRefused

if TYPE_CHECKING:  # a component that guards nothing loads no breaker
    from hms.agents.healing.breaker.events import BreakerEvent, Listener
    from hms.agents.healing.calls.guard import Guard
    from hms.agents.healing.calls.guard_settings import GuardSettings
    from hms.agents.policy.parameters import BreakerParameters

NAMES_MAX = 1000
NOBODY: weakref.WeakValueDictionary[str, Guard] = weakref.WeakValueDictionary()
"""Stands for the names of whoever guards nothing; never written to."""
ATTEMPTS = "retry.max_attempts"


class Dependencies:
    """Makes guards by name and keeps all of them on the configuration in force.

    Args:
        policy: what holds where nothing was changed.
        enabled: the static switch `circuit_breaker_enabled`.
        clock: monotonic, for all breakers.
        draw: a number in [0, 1).
        listeners: told of every event of every breaker, outside all locks.
        names_max: how many are kept.
    """

    def __init__(
        self,
        policy: HealingPolicy,
        enabled: bool,
        clock: Clock,
        draw: Callable[[], float],
        adaptation: Adaptation | None = None,
        listeners: Sequence[Listener] = (),
        names_max: int = NAMES_MAX,
    ) -> None:
        """No dependency yet."""
        self.policy = policy
        self.enabled = enabled
        self.clock = clock
        self.draw = draw
        self.adaptation = adaptation or Adaptation()
        self.listeners: list[Listener] = [self._heard, *listeners]
        self.names_max = names_max
        self._closed: dict[str, Guard] = {}  # in the order in which they are looked at
        self._pinned: dict[str, Guard] = {}  # open, half-open, by hand: never let go
        self._known = NOBODY
        self._edges: dict[tuple[tuple[str, str], ...], EdgeParameters] = {}
        self._attempts_most: dict[str, int] = {}  # by name, "" for all: for now, not configured
        self._seen: dict[str, int] = {}  # calls of each, when it was last looked at
        self._lock = threading.RLock()

    def guard(
        self,
        name: str,
        where: Mapping[str, str] | None = None,
        settings: GuardSettings | None = None,
    ) -> Guard:
        """The guard of this dependency, the same for every caller.

        Raises:
            ConfigRefused: it exists, with other settings; or that is no name.
        """
        from hms.agents.healing.calls.guard_settings import PLAIN

        settings = settings or PLAIN
        if where:
            settings = dataclasses.replace(settings, where=dict(where))
        with self._lock:
            guard = self._known.get(name)
            if guard is None:
                guard = self._new(name, settings)
            else:
                guard.settings.must_agree(name, settings)
            self._keep(name, guard)
            return guard

    def known(self, name: str) -> Guard | None:
        """The guard of this name if there is one already, also one that was let go."""
        return self._known.get(name)

    def apply(self, adaptation: Adaptation) -> None:
        """Put a configuration in force for all breakers, also new ones.

        Raises:
            ConfigRefused: with the overrides of one dependency it has no meaning; then nothing
                was changed anywhere.
        """
        from hms.agents.healing.breaker.limits import require_legal

        with self._lock:
            before, self.adaptation = self.adaptation, adaptation
            self._edges.clear()
            guards = list(self._known.items())
            try:
                edges = [self._edge(name, guard.settings) for name, guard in guards]
                for edge in edges:
                    require_legal(edge.breaker)
            except ConfigRefused:
                self.adaptation = before
                self._edges.clear()
                raise
            if adaptation.values.get(ATTEMPTS) != before.values.get(ATTEMPTS):
                self._attempts_most.pop("", None)  # somebody has said what is to hold
            for (_, guard), edge in zip(guards, edges, strict=True):
                self._fit(guard, edge)

    def limit_attempts(self, most: int | None, name: str = "") -> None:
        """Have calls tried at most so often for now, whatever is configured; None: no more.

        Args:
            most: calls in all, the first included.
            name: of one dependency; empty: all of them, until `retry.max_attempts` is configured.
        """
        with self._lock:
            if most is None:
                self._attempts_most.pop(name, None)
            else:
                self._attempts_most[name] = most
            for known, guard in list(self._known.items()):
                if not name or known == name:
                    self._fit(guard, self._edge(known, guard.settings))

    def attempts(self) -> int:
        """How often the guarded calls that are tried most often are tried, limits included."""
        with self._lock:
            edges = [self._limited(n, self._edge(n, g.settings)) for n, g in self._known.items()]
        return max((edge.retry.max_attempts for edge in edges), default=1)

    def edge(self, where: Mapping[str, str], name: str = "") -> EdgeParameters:
        """What holds on an edge to a dependency of this description, guarded here or not."""
        return self._merged(self.policy.for_edge(where), name, self.adaptation)

    def listen(self, listener: Listener) -> None:
        """Tell one more of every event, also of breakers that exist already."""
        with self._lock:
            self.listeners.append(listener)

    def guards(self) -> dict[str, Guard]:
        """The guards that are kept, by dependency."""
        with self._lock:
            return {**self._closed, **self._pinned}

    def phases(self) -> dict[str, str]:
        """The phase of each breaker that is kept, by dependency."""
        return {name: guard.breaker.phase for name, guard in self.guards().items()}

    def open_names(self) -> list[str]:
        """Dependencies that calls are kept from now; quick, as it is asked at each report."""
        if not self._pinned:
            return []
        with self._lock:
            return [name for name, each in self._pinned.items() if each.breaker.counts_as_cut_off]

    def awaits_a_call(self) -> bool:
        """Whether a breaker has long been due somewhere and not closed: nobody has called."""
        with self._lock:
            return any(
                each.breaker.has_tripped and not each.breaker.counts_as_cut_off
                for each in self._pinned.values()
            )

    def _new(self, name: str, settings: GuardSettings) -> Guard:
        from hms.agents.healing.breaker.breaker import Breaker
        from hms.agents.healing.calls.guard import Guard

        if not isinstance(name, str) or not name:
            raise ConfigRefused(f"dependency {name!r}\n    expected: a name")
        edge = self._edge(name, settings)
        breaker = Breaker(name, edge.breaker, self.clock, self.draw, self.listeners)
        if self._known is NOBODY:
            self._known = weakref.WeakValueDictionary()
        guard = self._known[name] = Guard(breaker, settings)
        self._fit(guard, edge)
        return guard

    def _fit(self, guard: Guard, edge: EdgeParameters) -> None:
        """Bring a guard to the parameters in force, and to the stages that they ask for."""
        edge = self._limited(guard.dependency, edge)
        guard.breaker.reconfigure(edge.breaker)
        settings = guard.settings
        wanted = (
            settings.has_stages or edge.retry.max_attempts > 1
            or edge.timeout.call_s > 0.0 or edge.timeout.total_s > 0.0
        )  # fmt: skip
        if not wanted:
            guard.use(None)
            return
        from hms.agents.healing.pipeline.default_order import (
            build_pipeline,  # most guards need none
        )
        from hms.agents.healing.pipeline.retry_budget import RetryBudget

        if guard.budget is None:
            guard.budget = RetryBudget(edge.retry, self.clock)
        else:
            guard.budget.reconfigure(edge.retry)
        guard.use(
            build_pipeline(
                settings, edge, guard.breaker, guard.classification, guard.budget, self.clock,
                self.draw, guard.pipeline,
            )
        )

    def _limited(self, name: str, edge: EdgeParameters) -> EdgeParameters:
        """The parameters with no more attempts than there may be for now."""
        limits = [self._attempts_most[each] for each in ("", name) if each in self._attempts_most]
        if not limits or min(limits) >= edge.retry.max_attempts:
            return edge
        retry = dataclasses.replace(edge.retry, max_attempts=min(limits))
        return dataclasses.replace(edge, retry=retry)

    def _keep(self, name: str, guard: Guard) -> None:
        """Hold it where its phase belongs; make room if there is none."""
        if guard.breaker.phase != "closed":
            self._closed.pop(name, None)
            self._pinned[name] = guard
        elif name not in self._closed:
            self._pinned.pop(name, None)
            while len(self._closed) + len(self._pinned) >= self.names_max and self._closed:
                self._let_one_go()
            self._closed[name] = guard

    def _let_one_go(self) -> None:
        """Let go of a closed guard, one without calls since it was last looked at first."""
        while True:
            name = next(iter(self._closed))
            guard = self._closed.pop(name)
            calls = guard.breaker.calls_started()
            if calls == self._seen.get(name, 0):
                break
            self._seen[name] = calls
            self._closed[name] = guard
        self._seen.pop(name, None)
        guard.breaker.tell_next_use(self._come_back)

    def _come_back(self, name: str) -> None:
        """A guard that was let go is used again by someone who held it."""
        with self._lock:
            guard = self._known.get(name)
            if guard is not None:
                self._keep(name, guard)

    def _heard(self, event: BreakerEvent) -> None:
        """Hold what opens, let go of what closes; both are said in the log."""
        from hms.agents.healing.breaker.events import CLOSED_AGAIN, OPENED, REFUSED_CALLS
        from hms.agents.healing.telemetry.log_lines import say_breaker

        if event.kind != REFUSED_CALLS:
            self._come_back(event.dependency)
        guard = self._known.get(event.dependency)
        if event.kind == CLOSED_AGAIN:
            say_breaker(event, None)
        elif event.kind == OPENED and guard is not None:
            say_breaker(event, guard.breaker.explanation().left_s)

    def _edge(self, name: str, settings: GuardSettings) -> EdgeParameters:
        """The parameters of a dependency, shared by all that have the same."""
        if name in self.adaptation.dependencies:
            return self.edge(settings.where, name)
        key = tuple(sorted(settings.where.items()))
        if key not in self._edges:
            if len(self._edges) >= self.names_max:
                self._edges.clear()
            self._edges[key] = self.edge(settings.where)
        return self._edges[key]

    def _merged(
        self, edge: EdgeParameters, name: str, adaptation: Adaptation
    ) -> EdgeParameters:
        breaker: BreakerParameters = adaptation.of_group("breaker", edge.breaker, name)
        if not self.enabled:
            breaker = dataclasses.replace(breaker, enabled=False)
        return EdgeParameters(
            breaker,
            adaptation.of_group("retry", edge.retry, name),
            adaptation.of_group("timeout", edge.timeout, name),
        )
