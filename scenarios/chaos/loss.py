"""What a chaos file says and a scenario cannot: field by field, why, and what was done instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hms.scenarios.chaos.experiment import Experiment, Injection, Place


@dataclass(frozen=True, slots=True)
class Lost:
    """One row of the loss table.

    Attributes:
        file, line: where the field stands.
        experiment: `NetworkChaos slow-cart`.
        field: its path in the spec; "" for all of it.
        value: what the file says.
        why: why a scenario cannot say the same.
        done: what was done instead.
    """

    file: str
    line: int
    experiment: str
    field: str
    value: str
    why: str
    done: str

    def mapping(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@dataclass(slots=True)
class Ledger:
    """Gathers rows; an injection that is repeated says the same thing once.

    Attributes:
        spared: chance selected nobody: the mode random-max-percent may draw 0 %.
    """

    rows: dict[Lost, None] = field(default_factory=dict)
    spared: bool = False

    def lost(
        self, of: Experiment | Injection, path: tuple[str | int, ...], value: Any, why: str,
        done: str, place: Place | None = None,
    ) -> None:
        """Add a row about a field of a spec.

        Args:
            path: of the field, () for the whole spec.
            value: what is said of it where the file has no plain value there.
            place: of the spec, where it is not the experiment's own.
        """
        at = place or of.place
        row = Lost(
            at.document.file, at.line(*path), f"{of.kind} {of.name}", ".".join(map(str, path)),
            _text(at.raw(*path) or value), why, done,
        )
        self.rows.setdefault(row)

    def every(
        self, injection: Injection, reasons: Mapping[tuple[str, ...], tuple[str, str]]
    ) -> None:
        """A row for each of these fields that the spec has: path to (why, done)."""
        for path, (why, done) in reasons.items():
            value: Any = injection.spec
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else None
            if value:
                self.lost(injection, path, value, why, done)


def _text(value: Any) -> str:
    """A value as a table shows it."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(each)}" for key, each in list(value.items())[:4])
    if isinstance(value, list | tuple):
        return ", ".join(_text(each) for each in value[:4])
    return " ".join(str(value).split())[:80]
