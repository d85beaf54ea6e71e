"""Configuration in force: doors, versions, audit trail, restarts; and against a small model."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hms.agents.healing import AdaptiveConfig
from hms.agents.healing.configuration.adapted_values import Adaptation
from hms.agents.healing.configuration.configuration import (
    AUDIT_KEPT,
    SOURCES_KEPT,
    Configuration,
    Door,
)
from hms.agents.healing.configuration.configuration_rows import DOORS, VERSIONS_KEPT
from hms.agents.healing.store.records import ConfigurationRecord
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import ConfigRefused, NotInitialized

WALL_S = 1_700_000_000.0


def build(**given: Any) -> Configuration:
    return Configuration(HealingPolicy(), **{"wall": lambda: WALL_S, **given})


def config(parameters: Any, timestamp: Any = WALL_S, source: Any = "lab") -> AdaptiveConfig:
    return AdaptiveConfig(parameters, source, timestamp)


def open_s(value: float) -> dict[str, Any]:
    return {"breaker": {"open_s": value}}


def test_the_specifications_example_is_audited_value_by_value() -> None:
    each = build()
    each.apply(config({"circuit_breaker": {"failure_threshold": 10, "reset_timeout": 60}}))
    assert each.audit[0].reason.split("; ") == [
        "breaker.consecutive_failures 0 -> 10",
        "breaker.failure_rate 0.5 -> off",
        "breaker.slow_call_rate 1.0 -> off",
        "breaker.open_s 5.0 -> 60.0",
        "breaker.open_multiplier 2.0 -> 1.0",
        "breaker.jitter_share 0.1 -> 0.0",
        "breaker.open_max_s 60.0 -> 60.0",
    ]
    assert json.loads(each.audit[0].parameters)["circuit_breaker"]["reset_timeout"] == 60


def test_a_source_gives_no_rights_and_takes_no_others_turn() -> None:
    each = build()
    each.apply(config(open_s(1.0), WALL_S + 299.0, "operator"))  # by the local door
    each.apply(config(open_s(2.0), WALL_S, "operator"), "operator")
    each.apply(config(open_s(3.0), WALL_S + 299.5, "operator"))
    assert each.in_force.values["breaker.open_s"] == 2.0


def test_a_refused_body_burns_no_timestamp() -> None:
    each = build()
    with pytest.raises(ConfigRefused):
        each.apply(config({"nonsense": {}}))
    each.apply(config(open_s(1.0)))
    assert each.version == 1


@pytest.mark.parametrize(
    ("parameters", "timestamp", "source", "door", "message"),
    [
        (open_s(1.0), WALL_S + 300.5, "lab", "local", "300 s ahead"),
        (open_s(1.0), float("nan"), "lab", "local", "no number of seconds"),
        (open_s(1.0), True, "lab", "local", "no number of seconds"),
        (open_s(1.0), "now", "lab", "local", "no number of seconds"),
        (open_s(1.0), WALL_S, 7, "local", "is no name"),
        (open_s(1.0), WALL_S, "x" * 201, "local", "at most 200 letters"),
        (open_s(1.0), WALL_S, "lab", "operatr", "nearest: `operator`"),
        ([open_s(1.0)], WALL_S, "lab", "local", "are no parameters"),
        ({"breaker": {"open_s": object()}}, WALL_S, "lab", "local", "not legal here"),
    ],
)
def test_what_cannot_be_is_refused_and_audited(
    parameters: Any, timestamp: Any, source: Any, door: str, message: str
) -> None:
    rows: list[ConfigurationRecord] = []
    each = build(record=rows.append)
    with pytest.raises(ConfigRefused, match=message):
        each.apply(config(parameters, timestamp, source), door)
    assert (each.version, each.refused, len(rows)) == (0, 1, 1)
    assert rows[0].outcome == "refused"
    assert rows[0].in_force == ""


def test_five_minutes_ahead_is_still_believed() -> None:
    each = build()
    each.apply(config(open_s(1.0), WALL_S + 300.0))
    assert each.version == 1


def test_what_cannot_be_put_in_force_changes_nothing() -> None:
    installed: list[Adaptation] = []

    def install(in_force: Adaptation) -> None:
        installed.append(in_force)
        if in_force.values.get("breaker.open_s") == 9.0:
            raise OSError("no")

    each = build(install=install)
    before = each.apply(config(open_s(1.0)))
    with pytest.raises(OSError, match="no"):
        each.apply(config(open_s(9.0), WALL_S + 1.0))
    assert (each.version, each.in_force, installed[-1]) == (1, before, before)
    each.apply(config(open_s(2.0), WALL_S + 1.0))


def test_a_door_takes_back_its_own_layer_and_those_below() -> None:
    each = build()
    each.apply(config(open_s(1.0)), "local")
    each.apply(config({"breaker": {"window_calls": 30}}), "supervisor")
    each.apply(config({"retry": {"max_attempts": 3}}), "operator")
    each.rollback(0, "supervisor")
    assert dict(each.in_force.values) == {"retry.max_attempts": 3}
    each.rollback(2, "operator")
    assert dict(each.in_force.values) == {"breaker.open_s": 1.0, "breaker.window_calls": 30}


@pytest.mark.parametrize("version", [7, -1, True, "1", None])
def test_a_version_that_is_not_kept_is_refused(version: Any) -> None:
    each = build()
    each.apply(config(open_s(1.0)))
    with pytest.raises(ConfigRefused, match="one of 0, 1"):
        each.rollback(version)
    assert (each.version, each.refused) == (1, 1)


def test_two_doors_together_without_meaning_are_refused() -> None:
    each = build()
    each.apply(config({"breaker": {"open_max_s": 10.0}}), "operator")
    with pytest.raises(ConfigRefused, match="open_max_s 10 is below open_s 20"):
        each.apply(config(open_s(20.0)), "local")
    # an operator's word must not hide what would be wrong once it is taken back
    each = build()
    each.apply(config({"breaker": {"open_max_s": 100.0}}), "operator")
    with pytest.raises(ConfigRefused, match="open_max_s 60 is below open_s 80"):
        each.apply(config(open_s(80.0)), "local")
    each = build()
    each.apply(config({"breaker": {"open_max_s": 10.0}}), "supervisor")
    each.apply(config({"breaker": {"open_max_s": 100.0}}), "operator")
    with pytest.raises(ConfigRefused, match="open_max_s 10 is below open_s 20"):
        each.apply(config(open_s(20.0)), "local")


def test_shadow_is_a_value_like_any_other() -> None:
    each = build(starts_in_shadow=True)
    assert each.shadow
    each.apply(config({"healing": {"shadow": False}}), "operator")
    each.apply(config({"healing": {"shadow": True}}), "local")
    assert not each.shadow
    assert [row.reason for row in each.audit] == [
        "healing.shadow True -> False",
        "healing.shadow False -> True (stays False: a higher door's)",
    ]


def test_memory_is_bounded() -> None:
    each = build()
    for number in range(AUDIT_KEPT + 50):
        each.apply(config(open_s(1.0), WALL_S - 2000 + number, f"source {number}"))
    assert len(each.audit) == AUDIT_KEPT
    assert len(each.versions) == VERSIONS_KEPT
    # a forgotten source may not send again what was taken from it
    forgotten = WALL_S - 2000 + AUDIT_KEPT + 49 - SOURCES_KEPT
    with pytest.raises(ConfigRefused, match="older than"):
        each.apply(config(open_s(1.0), forgotten, "source 0"))
    each.apply(config(open_s(1.0), forgotten + 0.5, "source 0"))


def test_a_restarted_process_has_the_version_in_force() -> None:
    rows: list[ConfigurationRecord] = []
    first = build(record=rows.append)
    first.apply(config(open_s(1.0)), "operator")
    first.apply(config({"retry": {"max_attempts": 3}}))
    with pytest.raises(ConfigRefused):
        first.apply(config({"nonsense": {}}))
    installed: list[Adaptation] = []
    second = build(install=installed.append)
    assert second.restore(rows)
    assert (second.version, second.in_force) == (2, first.in_force)
    assert installed == [first.in_force]
    assert second.audit == first.audit
    for door, source in (("operator", "lab"), ("local", "lab")):
        with pytest.raises(ConfigRefused, match="older than"):
            second.apply(config(open_s(2.0), source=source), door)
    assert second.rollback(1, "operator").values == {"breaker.open_s": 1.0}
    assert second.version == 3


def test_what_was_said_before_the_store_answered_stays_on_top() -> None:
    rows: list[ConfigurationRecord] = []
    first = build(record=rows.append)
    first.apply(config({"breaker": {"open_s": 1.0, "window_calls": 30}}))
    second = build(record=rows.append, wall=lambda: WALL_S + 9.0)
    second.apply(config(open_s(2.0), WALL_S + 1.0))
    assert second.restore(rows[:1])
    assert dict(second.in_force.values) == {"breaker.open_s": 2.0, "breaker.window_calls": 30}
    assert second.version == 2
    assert json.loads(rows[-1].in_force)["layers"]["local"]["values"] == second.in_force.values
    assert len({row.number for row in rows}) == len(rows)


@pytest.mark.parametrize(
    "torn",
    [
        "{", "[]", '{"layers": {}}', '{"layers": 3, "newest_s": {}, "floor_s": {}}',
        '{"layers": {"local": {"values": {"breaker.gone": 1}}}, "newest_s": {}, "floor_s": {}}',
        '{"layers": {"local": {"values": {"breaker.open_s": -1}}}, "newest_s": {}, "floor_s": {}}',
        '{"layers": {"local": {"values": {"breaker.open_s": 80}}}, "newest_s": {}, "floor_s": {}}',
    ],
)  # fmt: skip
def test_what_cannot_be_restored_leaves_the_policy(torn: str) -> None:
    row = ConfigurationRecord(1, 5, "local", "lab", WALL_S, "{}", in_force=torn)
    each = build()
    assert not each.restore([row])
    assert (each.version, each.in_force, each.refused) == (0, Adaptation(), 1)
    assert each.audit[-1].outcome == "refused"
    assert build().restore([]) is False


def test_a_door_is_a_right_that_can_be_handed_on() -> None:
    def not_ready() -> None:
        raise NotInitialized("not yet")

    each = build()
    door = Door("operator", each, lambda: None)
    asyncio.run(door.apply_config(config(open_s(1.0))))
    asyncio.run(door.rollback(0))
    assert (each.version, [row.door for row in each.audit]) == (2, ["operator", "operator"])
    with pytest.raises(NotInitialized):
        asyncio.run(Door("operator", each, not_ready).apply_config(config(open_s(1.0))))
    with pytest.raises(ConfigRefused, match="nearest: `operator`"):
        Door("operater", each, lambda: None)


VALUES = {
    "breaker.open_s": [1.0, 5.0, 50.0, -1.0, "soon"],
    "breaker.open_max_s": [10.0, 60.0, 90.0, True],
    "retry.max_attempts": [1, 2, 5, 99],
    "detection.error_rate": [0.1, 0.2, 3.0],
}
LEGAL = {
    "breaker.open_s": {1.0, 5.0, 50.0}, "breaker.open_max_s": {10.0, 60.0, 90.0},
    "retry.max_attempts": {1, 2, 5}, "detection.error_rate": {0.1, 0.2},
}  # fmt: skip
POLICY = {"breaker.open_s": 5.0, "breaker.open_max_s": 60.0}
Model = dict[str, dict[str, Any]]


def flat(layers: Model, most: int = len(DOORS)) -> dict[str, Any]:
    return {path: value for door in DOORS[:most] for path, value in layers[door].items()}


def has_meaning(layers: Model, changed: dict[str, Any]) -> bool:
    if not any(path.startswith("breaker.") for path in changed):
        return True
    held = [{**POLICY, **flat(layers, most)} for most in (1, 2, 3)]
    return all(each["breaker.open_max_s"] >= each["breaker.open_s"] for each in held)


class ConfigurationMachine(RuleBasedStateMachine):
    """The real configuration beside dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[ConfigurationRecord] = []
        self.real = self.fresh()
        self.layers: Model = {door: {} for door in DOORS}
        self.history: dict[int, Model] = {0: self.layers}
        self.newest: dict[tuple[str, str], float] = {}
        self.version = 0

    def fresh(self) -> Configuration:
        return build(record=self.rows.append)

    @rule(
        door=st.sampled_from(DOORS),
        source=st.sampled_from("ab"),
        at=st.integers(0, 12),
        told=st.dictionaries(st.sampled_from(sorted(VALUES)), st.integers(0, 4), min_size=1),
    )
    def apply(self, door: str, source: str, at: int, told: dict[str, int]) -> None:
        values = {path: VALUES[path][i % len(VALUES[path])] for path, i in told.items()}
        timestamp = WALL_S + 295.0 + at  # the last seven are from too far in the future
        parameters: dict[str, dict[str, Any]] = {}
        for path, value in values.items():
            group, _, name = path.partition(".")
            parameters.setdefault(group, {})[name] = value
        layers = {**self.layers, door: {**self.layers[door], **values}}
        legal = all(
            type(value) is not bool and value in LEGAL[path] for path, value in values.items()
        )
        old = timestamp <= self.newest.get((door, source), 0.0)
        if old or at > 5 or not legal or not has_meaning(layers, values):
            with pytest.raises(ConfigRefused):
                self.real.apply(config(parameters, timestamp, source), door)
            return
        self.real.apply(config(parameters, timestamp, source), door)
        self.newest[door, source] = timestamp
        self.take(layers)

    @rule(door=st.sampled_from(DOORS), back=st.integers(0, 6))
    def rollback(self, door: str, back: int) -> None:
        version = self.version - back
        own = DOORS[: DOORS.index(door) + 1]
        old = self.history.get(version)
        layers = {
            name: (old or {}).get(name, {}) if name in own else self.layers[name]
            for name in DOORS
        }
        if old is None or not has_meaning(layers, flat(layers)):
            with pytest.raises(ConfigRefused):
                self.real.rollback(version, door)
            return
        self.real.rollback(version, door)
        self.take(layers)

    @precondition(lambda self: self.version > 0)
    @rule()
    def restart(self) -> None:
        rows = list(self.rows)
        self.real = self.fresh()
        assert self.real.restore(rows)

    def take(self, layers: Model) -> None:
        self.version += 1
        self.layers = self.history[self.version] = layers

    @invariant()
    def in_force_is_what_the_model_says(self) -> None:
        assert dict(self.real.in_force.values) == flat(self.layers)
        assert self.real.version == self.version
        numbers = [row.number for row in self.rows]
        assert numbers == sorted(set(numbers))


TestConfigurationMachine = ConfigurationMachine.TestCase
