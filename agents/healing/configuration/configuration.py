"""The configuration in force: who changed what, in which version, and back again (6.2).

Three doors lead to it, and a value that came by a higher one is not touched by a lower one,
however new: operator over supervisor over local. The door is a capability that somebody was
given; what a sender calls itself (`source`) is free text and gives no rights. Each door has its
own layer of values over the policy's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hms.agents.healing.configuration.adaptation import (
    SOURCE_LONGEST,
    contradictions,
    placed,
    read_adaptation,
    timestamp_fault,
)
from hms.agents.healing.configuration.adapted_values import Adaptation, in_order
from hms.agents.healing.configuration.config import AdaptiveConfig
from hms.agents.healing.configuration.configuration_rows import (
    DOORS,
    VERSIONS_KEPT,
    InForce,
    Layers,
    layers_by_version,
    seconds_of,
    text_of,
    unpacked,
)
from hms.agents.healing.store.records import APPLIED, REFUSED, ROLLED_BACK, ConfigurationRecord
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.policy_values import ROWS, Problem, nearest, write_value
from hms.errors import ConfigRefused

AUDIT_KEPT = 1000
SOURCES_KEPT = 256
LETTERS_KEPT = 10_000
"""Of what was asked for, in the audit trail."""


def install_nothing(in_force: Adaptation) -> None:
    """Where nothing runs by it."""


def record_nothing(row: ConfigurationRecord) -> None:
    """Where nothing is kept."""


@dataclass(slots=True)
class Configuration:
    """What was changed at run time. Threads may share it.

    Args:
        policy: what holds where nothing was changed.
        wall: seconds since 1970: a sender whose clock is ahead is not believed.
        install: puts what is in force to work; if it raises, nothing has changed.
        record: gets each row of the audit trail.
        starts_in_shadow: whether acts are only decided until somebody says otherwise.
        lock: held during each change; an instance gives its own.
    """

    policy: HealingPolicy
    wall: Callable[[], float] = time.time
    install: Callable[[Adaptation], None] = install_nothing
    record: Callable[[ConfigurationRecord], None] = record_nothing
    starts_in_shadow: bool = False
    lock: Any = field(default_factory=threading.RLock)
    version: int = 0
    refused: int = 0
    in_force: Adaptation = field(default_factory=Adaptation)
    _layers: Layers = field(default_factory=dict)
    _versions: dict[int, Layers] = field(default_factory=dict)
    _newest_s: dict[str, dict[str, float]] = field(default_factory=dict)
    _floor_s: dict[str, float] = field(default_factory=dict)
    _audit: list[ConfigurationRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Version 0 is the policy alone."""
        self._versions[self.version] = self._layers

    @property
    def shadow(self) -> bool:
        """Whether acts are decided and recorded, but not done."""
        said = self.in_force.shadow
        return self.starts_in_shadow if said is None else said

    @property
    def audit(self) -> Sequence[ConfigurationRecord]:
        """Every change and every refusal, newest last."""
        with self.lock:
            return tuple(self._audit)

    @property
    def versions(self) -> Sequence[int]:
        """The versions that can be rolled back to."""
        with self.lock:
            return tuple(self._versions)

    def apply(self, config: AdaptiveConfig, door: str = "local") -> Adaptation:
        """Take over a configuration, all of it or nothing; gives what is in force then.

        Raises:
            ConfigRefused: a mistake in it, all of them named, or it is older than the last
                one of its source at this door, or from the future. It burns no timestamp.
        """
        with self.lock:
            try:
                _known(door)
                self._check_sender(config, door)
                found = read_adaptation(config, self.policy, self._seen_from(door))
                layer = self._layers.get(door, Adaptation()).then(found)
                layers = {**self._layers, door: layer}
                told = self._told(found, door, layers)
                self._check(layers, found)
                self._put_in_force(layers)
            except ConfigRefused as error:
                self._note_refusal(config, door, error)
                raise
            self._note_time(config, door)
            self._note(config, door, APPLIED, told)
            return self.in_force

    def rollback(self, to_version: int, door: str = "local") -> Adaptation:
        """Go back to the values of an earlier version, as a new one.

        A door takes back its own layer and those below; what came by a higher one stays.

        Raises:
            ConfigRefused: the version is not kept, or its values contradict those that stay.
        """
        asked = AdaptiveConfig({"rollback": to_version}, door, self.wall())
        with self.lock:
            try:
                _known(door)
                if isinstance(to_version, bool) or to_version not in self._versions:
                    kept = ", ".join(map(str, self._versions))
                    what = f"version {to_version!r} is not kept"
                    raise ConfigRefused([Problem((), what, f"one of {kept}")])
                old = self._versions[to_version]
                own = DOORS[: DOORS.index(door) + 1]
                layers = {
                    name: (old if name in own else self._layers).get(name, Adaptation())
                    for name in DOORS
                }
                self._check(layers, in_order(layers.values()))
                self._put_in_force(layers)
            except ConfigRefused as error:
                self._note_refusal(asked, door, error)
                raise
            self._note(asked, door, ROLLED_BACK, f"to version {to_version}")
            return self.in_force

    def restore(self, rows: Sequence[ConfigurationRecord]) -> bool:
        """Take over what an earlier process had in force; what was said since stays on top.

        Rows that this version cannot read, or that contradict the policy it was started with,
        are refused as a whole, and that is noted: the policy alone holds then.
        """
        with self.lock:
            since, self._audit = self._audit, [*rows, *self._audit][-AUDIT_KEPT:]
            saved = [row for row in rows if row.in_force]
            if not saved:
                return False
            newest = saved[-1]
            try:
                found = unpacked(newest)
                layers = dict(found.layers)
                for name, own in self._layers.items():
                    layers[name] = layers.get(name, Adaptation()).then(own)
                self._check(layers, in_order(layers.values()))
                before, self.version = self.version, newest.version + self.version
                self._versions = {**layers_by_version(saved), self.version: self._layers}
                self._put_in_force(layers, as_version=self.version)
            except ConfigRefused as error:
                self._note_refusal(_restoring(newest), newest.door, error)
                return False
            for door, own_s in found.newest_s.items():
                self._newest_s[door] = {**own_s, **self._newest_s.get(door, {})}
            self._floor_s = {**found.floor_s, **self._floor_s}
            if before or since:
                self._note(_restoring(newest), newest.door, APPLIED, "restored below what is new")
            return True

    def _check_sender(self, config: AdaptiveConfig, door: str) -> None:
        source = config.source
        if not isinstance(source, str) or len(source) > SOURCE_LONGEST:
            what = f"source {str(source)[:40]!r} is no name"
            raise ConfigRefused([Problem((), what, f"a text of at most {SOURCE_LONGEST} letters")])
        newest_s = self._newest_s.get(door, {}).get(source, self._floor_s.get(door))
        fault = timestamp_fault(config, newest_s, self.wall())
        if fault:
            raise ConfigRefused([Problem((), fault, "a newer timestamp, in seconds")])

    def _seen_from(self, door: str) -> Adaptation:
        """What an update by this door finds: its own layer and those below."""
        own = DOORS[: DOORS.index(door) + 1]
        return in_order(self._layers.get(name, Adaptation()) for name in own)

    def _check(self, layers: Layers, changed: Adaptation) -> None:
        """No contradiction, also not in what is left if a higher door takes its word back."""
        problems: list[Problem] = []
        for most in range(len(DOORS)):
            held = in_order(layers.get(name, Adaptation()) for name in DOORS[: most + 1])
            found = contradictions(self.policy, held, changed)
            problems += [each for each in found if each not in problems]
        if problems:
            raise ConfigRefused(placed(problems))

    def _put_in_force(self, layers: Layers, *, as_version: int | None = None) -> None:
        in_force = in_order(layers.get(name, Adaptation()) for name in DOORS)
        try:
            self.install(in_force)
        except Exception:
            self.install(self.in_force)
            raise
        self.version = self.version + 1 if as_version is None else as_version
        self.in_force, self._layers = in_force, layers
        self._versions[self.version] = layers
        while len(self._versions) > VERSIONS_KEPT:
            del self._versions[next(iter(self._versions))]

    def _told(self, found: Adaptation, door: str, layers: Layers) -> str:
        """What this changes, value by value, and what a higher door keeps as it is."""
        higher = DOORS[DOORS.index(door) + 1 :]
        kept = set[str]().union(*(layers.get(name, Adaptation()).paths() for name in higher))
        told = []
        for path, new in found.values.items():
            old = self.in_force.values.get(path, self._at_start(path))
            stays = f" (stays {_word(path, old)}: a higher door's)" if path in kept else ""
            told.append(f"{path} {_word(path, old)} -> {_word(path, new)}{stays}")
        told += [f"{path} changed" for path in sorted(found.paths() - set(found.values))]
        return "; ".join(told)

    def _at_start(self, path: str) -> Any:
        return self.policy.value(path) if path in ROWS else self.starts_in_shadow

    def _note_time(self, config: AdaptiveConfig, door: str) -> None:
        """Remember the newest of each source; of very many, the oldest become the floor."""
        own_s = self._newest_s.setdefault(door, {})
        own_s[config.source] = config.timestamp
        if len(own_s) > SOURCES_KEPT:
            oldest = min(own_s, key=lambda source: own_s[source])
            self._floor_s[door] = max(own_s.pop(oldest), self._floor_s.get(door, 0.0))

    def _note(self, config: AdaptiveConfig, door: str, outcome: str, reason: str) -> None:
        number = self._audit[-1].number + 1 if self._audit else 1
        at_s = self.wall()
        held = InForce(self._layers, self._newest_s, self._floor_s)
        row = ConfigurationRecord(
            # rows of an earlier process, not yet restored, must not be hit
            number=max(number, int(at_s * 1e6)),
            version=self.version,
            door=str(door),
            source=str(config.source)[:SOURCE_LONGEST],
            timestamp=seconds_of(config.timestamp),
            parameters=text_of(config.parameters)[:LETTERS_KEPT],
            outcome=outcome,
            reason=reason[:LETTERS_KEPT],
            in_force="" if outcome == REFUSED else held.packed(),
            at_s=at_s,
        )
        self._audit.append(row)
        if len(self._audit) > AUDIT_KEPT:
            del self._audit[0]
        self.record(row)

    def _note_refusal(self, config: AdaptiveConfig, door: str, error: ConfigRefused) -> None:
        self.refused += 1
        self._note(config, door, REFUSED, str(error))


@dataclass(frozen=True, slots=True)
class Door:
    """The right to configure an instance as somebody: local, supervisor or operator.

    Args:
        name: which door.
        configuration: of the instance.
        check: raises if the instance is not ready.
    """

    name: str
    configuration: Configuration
    check: Callable[[], None]

    def __post_init__(self) -> None:
        """Refuse a door that is none."""
        _known(self.name)

    async def apply_config(self, config: AdaptiveConfig) -> None:
        """Take over a configuration by this door, all of it or nothing.

        Raises:
            NotInitialized: `initialize()` was not called.
            ConfigRefused: a mistake in it, or it is too old or from the future.
        """
        self.check()
        self.configuration.apply(config, self.name)

    async def rollback(self, to_version: int) -> None:
        """Go back to an earlier version's values, as a new version.

        Raises:
            NotInitialized: `initialize()` was not called.
            ConfigRefused: the version is not kept.
        """
        self.check()
        self.configuration.rollback(to_version, self.name)


def _known(door: str) -> None:
    if door not in DOORS:
        what = f"`{door}` is no door"
        raise ConfigRefused([Problem((), what, ", ".join(DOORS), nearest(str(door), DOORS))])


def _restoring(row: ConfigurationRecord) -> AdaptiveConfig:
    return AdaptiveConfig({"restore": row.version}, row.source, row.timestamp)


def _word(path: str, value: Any) -> Any:
    return write_value(ROWS[path], value) if path in ROWS else value
