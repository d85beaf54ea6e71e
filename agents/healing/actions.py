"""Healing actions, categorised as the specification does (7.3), and their JSON form.

The JSON form is that of an externally tagged enum, so that a Rust or TypeScript reader of the
specification's own types understands it: `"NoAction"`, `{"ConfigAdjusted": "details"}`,
`{"ReconnectionAttempted": true}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from hms.agents.policy.policy_values import Problem, nearest
from hms.errors import InputError

ActionJson: TypeAlias = "str | dict[str, str | bool]"


@dataclass(frozen=True, slots=True)
class HealingAction:
    """What one call of `heal()` did; one of the seven kinds below."""

    kind: ClassVar[str] = ""

    def to_json(self) -> ActionJson:
        """The action as JSON data: a name, or a name with what it carries."""
        return self.kind


@dataclass(frozen=True, slots=True)
class NoAction(HealingAction):
    """No action was needed."""

    kind: ClassVar[str] = "NoAction"


@dataclass(frozen=True, slots=True)
class Restarted(HealingAction):
    """The component was restarted."""

    kind: ClassVar[str] = "Restarted"


@dataclass(frozen=True, slots=True)
class DetailedAction(HealingAction):
    """An action that says in words what it did."""

    details: str = ""

    def to_json(self) -> ActionJson:
        """The kind with its details."""
        return {self.kind: self.details}


@dataclass(frozen=True, slots=True)
class ConfigAdjusted(DetailedAction):
    """Configuration was changed."""

    kind: ClassVar[str] = "ConfigAdjusted"


@dataclass(frozen=True, slots=True)
class ResourcesScaled(DetailedAction):
    """Resources were adjusted."""

    kind: ClassVar[str] = "ResourcesScaled"


@dataclass(frozen=True, slots=True)
class FallbackActivated(DetailedAction):
    """A fallback mechanism was used."""

    kind: ClassVar[str] = "FallbackActivated"


@dataclass(frozen=True, slots=True)
class Custom(DetailedAction):
    """A component-specific action."""

    kind: ClassVar[str] = "Custom"


@dataclass(frozen=True, slots=True)
class ReconnectionAttempted(HealingAction):
    """A connection was retried; `success` says whether it came up."""

    kind: ClassVar[str] = "ReconnectionAttempted"
    success: bool = False

    def to_json(self) -> ActionJson:
        """The kind with its success."""
        return {self.kind: self.success}


_BARE: dict[str, type[HealingAction]] = {cls.kind: cls for cls in (NoAction, Restarted)}
_DETAILED: dict[str, type[DetailedAction]] = {
    cls.kind: cls for cls in (ConfigAdjusted, ResourcesScaled, FallbackActivated, Custom)
}
ACTION_KINDS: tuple[str, ...] = (*_BARE, *_DETAILED, ReconnectionAttempted.kind)


def action_from_json(data: object) -> HealingAction:
    """Read an action back from its JSON data.

    Raises:
        InputError: not the name of a kind, or a kind with something it does not carry.
    """
    if isinstance(data, str) and data in _BARE:
        return _BARE[data]()
    if isinstance(data, Mapping) and len(data) == 1:
        (kind, carried), *_ = data.items()
        if kind in _DETAILED and isinstance(carried, str):
            return _DETAILED[kind](details=carried)
        if kind == ReconnectionAttempted.kind and isinstance(carried, bool):
            return ReconnectionAttempted(success=carried)
    name = str(next(iter(data), "")) if isinstance(data, Mapping) else str(data)
    expected = ", ".join(ACTION_KINDS)
    near = nearest(name, ACTION_KINDS)
    raise InputError([Problem(("action",), f"{data!r} is no healing action", expected, near)])
