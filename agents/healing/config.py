"""Configuration of an instance: the static six fields (6.1) and what arrives at run time (6.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from hms.agents.policy.policy_values import Problem, nearest
from hms.errors import ConfigRefused

HEALING_TIMEOUT_S = 30.0


class HealingLevel(Enum):
    """How much healing a component gets (3.2)."""

    BASIC = "Basic"
    ADVANCED = "Advanced"
    FULL = "Full"

    @classmethod
    def named(cls, name: str) -> HealingLevel:
        """The level of this name, whatever its case.

        Raises:
            ConfigRefused: there is no such level.
        """
        for level in cls:
            if level.value.lower() == name.lower():
                return level
        known = [level.value for level in cls]
        raise ConfigRefused(refusal("level", f"`{name}` is no healing level", known, name))


IMPLEMENTATIONS: Mapping[str, HealingLevel] = {
    "Standalone": HealingLevel.BASIC,
    "Hybrid": HealingLevel.ADVANCED,
    "A2A": HealingLevel.FULL,
}


@dataclass(frozen=True, slots=True)
class ImplementationConfig:
    """Which implementation runs, and what is told to it alone; written `"Hybrid"`."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_level(cls, level: HealingLevel) -> ImplementationConfig:
        """The implementation that belongs to a level (section 4)."""
        return cls(next(name for name, own in IMPLEMENTATIONS.items() if own is level))

    @classmethod
    def from_json(cls, data: object) -> ImplementationConfig:
        """Read `"Hybrid"` or `{"Hybrid": {…}}`, whatever its case.

        Raises:
            ConfigRefused: no such implementation, or not of this form.
        """
        parameters: Mapping[str, Any] = {}
        if isinstance(data, Mapping) and len(data) == 1:
            (data, parameters), *_ = data.items()
        if isinstance(data, str) and isinstance(parameters, Mapping):
            for name in IMPLEMENTATIONS:
                if name.lower() == data.lower():
                    return cls(name, dict(parameters))
        raise ConfigRefused(
            refusal("implementation_config", f"{data!r} is no implementation",
                    list(IMPLEMENTATIONS), str(data))
        )

    def to_json(self) -> str | dict[str, Any]:
        """The short form without parameters, the long one with them."""
        return {self.name: dict(self.parameters)} if self.parameters else self.name


@dataclass(frozen=True, slots=True)
class UnifiedHealingConfig:
    """The specification's six fields, by their names (6.1).

    Attributes:
        component_id: the component that heals itself.
        level: Basic, Advanced or Full.
        auto_healing_enabled: off: issues are seen and nothing is done about them.
        circuit_breaker_enabled: off: every guarded call passes.
        healing_timeout: seconds after which one `heal()` is cut off.
        implementation_config: must belong to `level`; found from it when not given.

    Raises:
        ConfigRefused: an empty id, a time-out that is no positive number, or a level that
            does not fit its implementation.
    """

    component_id: str
    level: HealingLevel = HealingLevel.BASIC
    auto_healing_enabled: bool = True
    circuit_breaker_enabled: bool = True
    healing_timeout: float = HEALING_TIMEOUT_S
    implementation_config: ImplementationConfig | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work, at once."""
        if not self.component_id:
            raise ConfigRefused("component_id is empty\n    expected: a component's name")
        if not is_number(self.healing_timeout) or self.healing_timeout <= 0.0:
            raise ConfigRefused(
                f"healing_timeout is {self.healing_timeout!r}\n    expected: seconds, above 0"
            )
        if self.implementation_config is None:
            own = ImplementationConfig.of_level(self.level)
            object.__setattr__(self, "implementation_config", own)
            return
        if IMPLEMENTATIONS[self.implementation_config.name] is not self.level:
            needed = ImplementationConfig.of_level(self.level).name
            raise ConfigRefused(
                f"level {self.level.value} does not fit implementation "
                f"{self.implementation_config.name}\n    expected: {needed}"
            )

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> UnifiedHealingConfig:
        """Build from data that was read from a file or the environment.

        Raises:
            ConfigRefused: an unknown field, a value of the wrong type, or one that is refused.
        """
        for key in data:
            if key not in cls.__dataclass_fields__:
                known = list(cls.__dataclass_fields__)
                raise ConfigRefused(refusal(str(key), f"unknown field `{key}`", known, str(key)))
        fields = dict(data)
        for name, kind in (("component_id", str), ("auto_healing_enabled", bool),
                           ("circuit_breaker_enabled", bool)):
            if name in fields and not isinstance(fields[name], kind):
                raise ConfigRefused(f"{name} is {fields[name]!r}\n    expected: {kind.__name__}")
        if "component_id" not in fields:
            raise ConfigRefused("component_id is missing\n    expected: a component's name")
        if "level" in fields:
            fields["level"] = HealingLevel.named(str(fields["level"]))
        if "implementation_config" in fields:
            given = ImplementationConfig.from_json(fields["implementation_config"])
            fields["implementation_config"] = given
        return cls(**fields)

    def to_mapping(self) -> dict[str, Any]:
        """The six fields as JSON data."""
        own = self.implementation_config or ImplementationConfig.of_level(self.level)
        return {
            "component_id": self.component_id,
            "level": self.level.value,
            "auto_healing_enabled": self.auto_healing_enabled,
            "circuit_breaker_enabled": self.circuit_breaker_enabled,
            "healing_timeout": self.healing_timeout,
            "implementation_config": own.to_json(),
        }


@dataclass(frozen=True, slots=True)
class AdaptiveConfig:
    """A change of configuration at run time (6.2).

    Attributes:
        parameters: sections by name, such as `{"circuit_breaker": {"failure_threshold": 10}}`.
        source: who asks, free text; older or repeated news of one source is refused.
        timestamp: when it was made, seconds since 1970 (UTC).
    """

    parameters: Mapping[str, Any]
    source: str
    timestamp: float


def is_number(value: object) -> bool:
    """Whether it is a finite number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def refusal(place: str, what: str, known: list[str], name: str) -> str:
    """What was refused, what would have been accepted, and the nearest of it."""
    return one_line(Problem((place,), what, ", ".join(known), nearest(name, known)))


def one_line(problem: Any) -> str:
    """A problem as the text of a `ConfigRefused`."""
    place = ".".join(str(part) for part in problem.path)
    text = f"{place}: {problem.what}"
    if problem.expected:
        text += f"\n    expected: {problem.expected}"
    if problem.nearest:
        text += f"\n    nearest: {problem.nearest}"
    return text
