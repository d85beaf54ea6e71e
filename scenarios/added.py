"""Faults and engines that other packages add, by entry point (docs/extending.md).

A package names objects of its own in its metadata, and they stand beside ours by their names:

    [project.entry-points."hms.faults"]
    cold_start = "shop_faults:COLD_START"       # an AddedFault
    [project.entry-points."hms.engines"]
    steady = "shop_engine:run"                  # run(compiled, tables, *, record) -> Outcome

Nothing is loaded before somebody asks for a name that is not ours, or for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from hms.errors import HmsError

FAULTS, ENGINES = "hms.faults", "hms.engines"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AddedFault:
    """A kind of fault made of kinds that the engines know.

    Attributes:
        kind: a `FaultKind`: its name, what it strikes, its parameters.
        parts: from the fault in a scenario to plain faults, their `start_s` and `duration_s`
            as they are to happen. It is asked again whenever a scenario is compiled, so equal
            faults must give equal parts: what it draws, it draws from the fault's seed.
    """

    kind: Any
    parts: Callable[[Any], Sequence[Any]]


class Known(Mapping[str, T], Generic[T]):
    """Ours by name, and what packages add, loaded when first needed.

    Args:
        ours: these come first, and no package takes their names.
        group: of the entry points.
        take: from what an entry point holds to a value.
    """

    def __init__(self, ours: Mapping[str, T], group: str, take: Callable[[str, Any], T]) -> None:
        self._ours = dict(ours)
        self._group = group
        self._take = take
        self._loaded: dict[str, T] | None = None

    def __getitem__(self, name: str) -> T:
        if name in self._ours:
            return self._ours[name]
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, T]:
        if self._loaded is None:
            found = dict(self._ours)
            for entry in _entries(self._group):
                if entry.name in self._ours:
                    raise HmsError(f"{_told(entry)}: the name is ours")
                found[entry.name] = self._take(entry.name, load(entry))
            self._loaded = found
        return self._loaded


def load(entry: EntryPoint) -> Any:
    """What an entry point holds.

    Raises:
        HmsError: it cannot be imported.
    """
    try:
        return entry.load()
    except Exception as problem:  # foreign code may raise anything
        raise HmsError(f"{_told(entry)}: cannot be loaded: {problem!r}") from problem


@cache
def added_faults() -> Mapping[str, AddedFault]:
    """All faults that packages add, by name.

    Raises:
        HmsError: one cannot be loaded, or is no `AddedFault` of its name.
    """
    return {entry.name: _fault(entry.name, load(entry)) for entry in _entries(FAULTS)}


def added_engines() -> Mapping[str, Callable[..., Any]]:
    """All engines that packages add, by name: `run(compiled, tables, *, record) -> Outcome`.

    Raises:
        HmsError: one cannot be loaded, or cannot be called.
    """
    return Known({}, ENGINES, _engine)


def _engine(name: str, found: Any) -> Callable[..., Any]:
    if not callable(found):
        raise HmsError(f"{ENGINES} {name}: is {found!r}, not run(compiled, tables, *, record)")
    run: Callable[..., Any] = found
    return run


def _fault(name: str, found: Any) -> AddedFault:
    if not isinstance(found, AddedFault) or found.kind.name != name:
        raise HmsError(f"{FAULTS} {name}: is {found!r}, not an AddedFault of that name")
    return found


def added_kind(name: str, found: Any) -> Any:
    """The `FaultKind` of what an entry point of `hms.faults` holds."""
    return _fault(name, found).kind


def _entries(group: str) -> Sequence[EntryPoint]:
    return sorted(entry_points(group=group), key=lambda entry: entry.name)


def _told(entry: EntryPoint) -> str:
    return f"entry point {entry.group} {entry.name} ({entry.value})"
