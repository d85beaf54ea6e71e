"""Configuration of an instance: the static six fields (6.1) and what arrives at run time (6.2)."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from hms.agents.policy.policy_values import Problem, nearest, unknown
from hms.errors import ConfigRefused

if TYPE_CHECKING:
    from pathlib import Path

K = TypeVar("K")
HEALING_TIMEOUT_S = 30.0
PREFIX = "HMS_"
OTHER_VARIABLES = ("HMS_KILL_SWITCH", "HMS_STATE_DIR", "HMS_STORE")
SWITCHES = {
    "true": True, "yes": True, "on": True, "1": True,
    "false": False, "no": False, "off": False, "0": False,
}  # fmt: skip


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
        found = cls.read(name)
        if isinstance(found, Problem):
            raise ConfigRefused([found])
        return found

    @classmethod
    def read(cls, given: object) -> HealingLevel | Problem:
        """The level that is meant, or what is wrong with what was given."""
        for level in cls:
            if given is level or str(given).lower() == level.value.lower():
                return level
        known = [level.value for level in cls]
        what = f"level: `{given}` is no healing level"
        return Problem(("level",), what, ", ".join(known), nearest(str(given), known))


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
        found = cls.read(data)
        if isinstance(found, Problem):
            raise ConfigRefused([found])
        return found

    @classmethod
    def read(cls, given: object) -> ImplementationConfig | Problem:
        """The implementation that is meant, or what is wrong with what was given."""
        if isinstance(given, cls) and given.name in IMPLEMENTATIONS:
            return given
        name: object = given
        parameters: object = {}
        if isinstance(given, Mapping) and len(given) == 1:
            ((name, parameters),) = given.items()
        if isinstance(name, str) and isinstance(parameters, Mapping):
            for known in IMPLEMENTATIONS:
                if known.lower() == name.lower():
                    return cls(known, dict(parameters))
        what = f"implementation_config: {given!r} is no implementation"
        names = list(IMPLEMENTATIONS)
        near = nearest(str(name), names)
        return Problem(("implementation_config",), what, ", ".join(names), near)

    def to_json(self) -> str | dict[str, Any]:
        """The short form without parameters, the long one with them."""
        return {self.name: dict(self.parameters)} if self.parameters else self.name


@dataclass(frozen=True, slots=True)
class UnifiedHealingConfig:
    """The specification's six fields, by their names (6.1).

    In code, names do for `level` and `implementation_config`; from a file or the environment
    see `read` and `from_environment`.

    Attributes:
        component_id: the component that heals itself.
        level: Basic, Advanced or Full.
        auto_healing_enabled: off: issues are seen and nothing is done about them.
        circuit_breaker_enabled: off: every guarded call passes.
        healing_timeout: seconds after which one `heal()` is cut off.
        implementation_config: must belong to `level`; found from it when not given.

    Raises:
        ConfigRefused: an empty id, a time-out that is no positive number, or a level that
            does not fit its implementation; all mistakes are named.
    """

    component_id: str
    level: HealingLevel = HealingLevel.BASIC
    auto_healing_enabled: bool = True
    circuit_breaker_enabled: bool = True
    healing_timeout: float = HEALING_TIMEOUT_S
    implementation_config: ImplementationConfig | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work, at once."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        held, problems = read_fields(given)
        if problems:
            raise ConfigRefused(problems)
        for name, value in held.items():
            object.__setattr__(self, name, value)

    @classmethod
    def parse(cls, data: Any) -> UnifiedHealingConfig:
        """Build from plain data, such as JSON.

        Raises:
            ConfigRefused: an unknown field, a value of the wrong type, or one that is refused.
        """
        config, problems = cls.parsed(data)
        if config is None:
            raise ConfigRefused(problems)
        return config

    @classmethod
    def parsed(cls, data: Any) -> tuple[UnifiedHealingConfig | None, list[Problem]]:
        """The configuration, or every mistake in it with its path."""
        if not isinstance(data, Mapping):
            told = "nothing" if data is None else f"{type(data).__name__}"
            return None, [Problem((), f"{told} is no configuration", "the fields by name")]
        known = list(cls.__dataclass_fields__)
        problems = [unknown((key,), "field", key, known) for key in data if key not in known]
        held, wrong = read_fields({name: data[name] for name in known if name in data})
        problems += wrong
        return (None, problems) if problems else (cls(**held), [])

    @classmethod
    def read(cls, source: Path | str, *, file: str | None = None) -> UnifiedHealingConfig:
        """Read a YAML file, or a text of several lines.

        Raises:
            ConfigRefused: all mistakes, with file and line.
        """
        from hms.documents import read  # PyYAML is loaded when a file is read

        return read(source, cls.parsed, ConfigRefused, file=file)

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] = os.environ, **given: Any
    ) -> UnifiedHealingConfig:
        """Read HMS_COMPONENT_ID, HMS_LEVEL and so on; what is not set keeps its default.

        Args:
            environ: the environment.
            **given: fields for which the environment is not asked.

        Raises:
            ConfigRefused: all mistakes, also a variable that is almost one of these names.
        """
        names = {f"{PREFIX}{field.upper()}": field for field in cls.__dataclass_fields__}
        problems = [
            Problem((name,), f"{name} is no setting", "", near)
            for name in environ
            if name.startswith(PREFIX) and (near := almost(name, names)) and near not in environ
        ]
        told = {
            field: value_of(environ[name], field)
            for name, field in names.items()
            if name in environ and field not in given
        }
        config, wrong = cls.parsed({**told, **given})
        problems += [in_environment(problem, names) for problem in wrong]
        if config is None or problems:
            raise ConfigRefused(problems, "environment")
        return config

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


def read_fields(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Fields as they are held, and what is wrong with them."""
    held, problems = dict(given), list[Problem]()
    name = given.get("component_id")
    if "component_id" not in given:
        problems.append(Problem((), "component_id is missing", "a component's name"))
    elif not isinstance(name, str):
        problems.append(wrong("component_id", f"is {name!r}", "a component's name, as text"))
    elif not name.strip():
        problems.append(wrong("component_id", "is empty", "a component's name"))
    for switch in ("auto_healing_enabled", "circuit_breaker_enabled"):
        if switch in given and not isinstance(given[switch], bool):
            problems.append(wrong(switch, f"is {given[switch]!r}", "true or false"))
    timeout = given.get("healing_timeout", HEALING_TIMEOUT_S)
    if not is_number(timeout) or timeout <= 0.0:
        problems.append(wrong("healing_timeout", f"is {timeout!r}", "seconds, above 0"))
    level = _kept(HealingLevel.read, given.get("level", HealingLevel.BASIC), problems)
    held["level"] = level
    own = given.get("implementation_config")
    if own is not None:
        own = _kept(ImplementationConfig.read, own, problems)
    elif level is not None:
        own = ImplementationConfig.of_level(level)
    held["implementation_config"] = own
    if own is not None and level is not None and IMPLEMENTATIONS[own.name] is not level:
        needed = ImplementationConfig.of_level(level).name
        what = f"level {level.value} does not fit implementation {own.name}"
        problems.append(Problem(("implementation_config",), what, needed))
    return held, problems


def _kept(read: Callable[[Any], K | Problem], given: Any, problems: list[Problem]) -> K | None:
    found = read(given)
    if isinstance(found, Problem):
        problems.append(found)
        return None
    return found


def wrong(field: str, what: str, expected: str) -> Problem:
    """A field whose value is not legal."""
    return Problem((field,), f"{field} {what}", expected)


def value_of(text: str, field: str) -> Any:
    """What a variable's text says; text that is not of the kind stays text, and is refused."""
    if field in ("component_id", "level"):
        return text
    if field == "implementation_config" and not text.lstrip().startswith("{"):
        return text
    if field.endswith("_enabled"):
        return SWITCHES.get(text.strip().lower(), text)
    import json  # only who needs it loads it

    try:
        return json.loads(text)
    except ValueError:
        return text


def almost(name: str, names: Iterable[str]) -> str:
    """The variable that was meant by one that is none; empty for any other name."""
    if name in names or name in OTHER_VARIABLES:
        return ""
    import difflib  # only who needs it loads it

    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.85)
    return near[0] if near else ""


def in_environment(problem: Problem, names: Mapping[str, str]) -> Problem:
    """The same mistake, told of the variable."""
    what = problem.what
    for variable, own in names.items():
        what = re.sub(rf"^{own}\b", variable, what)
    return Problem(problem.path, what, problem.expected, problem.nearest)


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
