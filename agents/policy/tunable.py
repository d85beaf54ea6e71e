"""How a parameter is declared: a field of a frozen dataclass, with all that is known of it."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar, cast, get_type_hints

Floats: TypeAlias = list[float]  # of fixed length; compiled, a sub-array of the record
Value = float | int | bool
T = TypeVar("T", float, int, bool)


def floats(length: int) -> Any:
    """A field that is an array of `length` floats, all zero; its type is `Floats`."""
    return field(default_factory=lambda: [0.0] * length, metadata={"length": length})


def tunable(
    default: T,
    unit: str,
    low: float,
    high: float,
    does: str,
    *,
    scale: str = "",
    choices: tuple[str, ...] = (),
    least: float | None = None,
    most: float | None = None,
    off: float | None = None,
) -> T:
    """A dataclass field that is a parameter.

    Args:
        default: its value where nothing is said; a choice is the index into `choices`.
        unit: "s", "1/s", "1" or "" for switches and choices.
        low: the lowest value a search tries. With `low == high` it is not searched.
        high: the highest value a search tries.
        does: what it does, one line, for `hms explain`.
        scale: "log" for quantities that matter by ratio; else found from the type.
        choices: the words of a choice.
        least: the lowest legal value; `low` if not given.
        most: the highest legal value; `high` if not given.
        off: one more legal value, inside or outside the range, that switches the rule off.
    """
    kind = "switch" if isinstance(default, bool) else "choice" if choices else ""
    if not kind:
        kind = scale or ("integer" if isinstance(default, int) else "linear")
    told = {
        "unit": unit,
        "low": low,
        "high": high,
        "does": does,
        "scale": kind,
        "choices": choices,
        "least": low if least is None else least,
        "most": high if most is None else most,
        "off": off,
    }
    return field(default=default, metadata={"tunable": MappingProxyType(told)})


@dataclass(frozen=True, slots=True)
class Tunable:
    """One row of the table; `path` is the canonical name, such as `breaker.open_s`."""

    path: str
    default: Value
    unit: str
    low: float
    high: float
    scale: str
    choices: tuple[str, ...]
    does: str
    least: float
    most: float
    off: float | None
    kind: type

    @property
    def searched(self) -> bool:
        """Whether a search may change it."""
        return self.low < self.high


def choice(does: str, *choices: str, default: int = 0) -> int:
    """A field that is one of some words; a search tries all of them."""
    return tunable(default, "", 0, len(choices) - 1, does, choices=choices)


def switch(default: bool, does: str) -> bool:
    """A field that is on or off; a search tries both."""
    return tunable(default, "", 0, 1, does)


_FOUND: dict[tuple[str, type[Any]], tuple[Tunable, ...]] = {}


def rows(group: str, record: type[Any]) -> tuple[Tunable, ...]:
    """The table's rows of one dataclass, in declared order; asked for with each policy."""
    if (group, record) not in _FOUND:
        _FOUND[group, record] = tuple(_rows(group, record))
    return _FOUND[group, record]


def _rows(group: str, record: type[Any]) -> Iterator[Tunable]:
    hints = get_type_hints(record)
    for each in dataclasses.fields(record):
        told = each.metadata["tunable"]
        default = cast(Value, each.default)
        yield Tunable(path=f"{group}.{each.name}", default=default, kind=hints[each.name], **told)
