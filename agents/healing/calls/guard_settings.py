"""What a guard was asked to be: under one name, one answer for all who ask for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hms.agents.healing.calls.classification import Classification, Errors, Judge, RetryAfter
from hms.agents.healing.configuration.description import require_described
from hms.errors import ConfigRefused

COUNT_DEFAULT = (Exception,)


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """The arguments of `healing.guard(name, …)`; a value at its default was not said.

    Attributes:
        count: errors that are failures.
        ignore: of those, the neutral ones.
        judge: whether a returned value is a failure.
        retry_after: for how long an error or value asks callers to stay away.
        bulkhead: how many calls at once; a number or a `Bulkhead`.
        fallback: what answers instead; a value, a function or a `Fallback`.
        hedge: a second request to whoever is slow; a `Hedge`, or True.
        idempotent: whether a call may be made twice.
        timeout: for one attempt, in seconds, or a `Timeout`.
        where: what the dependency is (kind, criticality, edge, protocol), for overrides.

    Raises:
        ConfigRefused: an argument of another name.
    """

    count: Errors = COUNT_DEFAULT
    ignore: Errors = ()
    judge: Judge | None = None
    retry_after: RetryAfter | None = None
    bulkhead: Any = None
    fallback: Any = None
    hedge: Any = None
    idempotent: bool = True
    timeout: Any = None
    where: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is mistyped: a guard without its time-out would say nothing of it."""
        if self.where:
            own = [each.name for each in dataclasses.fields(self) if each.name != "where"]
            require_described(self.where, own)

    def said(self) -> dict[str, Any]:
        """What differs from the defaults."""
        return {
            each.name: value
            for each in dataclasses.fields(self)
            if (value := getattr(self, each.name)) is not each.default
            and value != _default(each)
        }

    def must_agree(self, name: str, later: GuardSettings) -> None:
        """A second caller gets the same guard, or is told that it is another one.

        Raises:
            ConfigRefused: what the later caller says differs from this.
        """
        for key, value in later.said().items():
            if getattr(self, key) != value:
                raise ConfigRefused(
                    f"dependency `{name}` is guarded already, with {key} "
                    f"{getattr(self, key)!r}, not {value!r}\n"
                    "    expected: the same, or nothing, which gives the guard that there is"
                )

    def classification(self, on_error: Callable[[], None]) -> Classification:
        """How ends of calls are told apart."""
        return Classification(self.count, self.ignore, self.judge, self.retry_after, on_error)

    @property
    def has_stages(self) -> bool:
        """Whether more than a breaker was asked for."""
        return any(
            each is not None for each in (self.bulkhead, self.fallback, self.hedge, self.timeout)
        )

    @property
    def is_plain(self) -> bool:
        """Whether errors and values are told apart as by default."""
        return not {"count", "ignore", "judge", "retry_after"} & self.said().keys()


def _default(each: dataclasses.Field[Any]) -> Any:
    return {} if each.name == "where" else each.default


PLAIN = GuardSettings()
"""Nothing said; shared, since a thousand guards may say nothing."""
