"""What an exported configuration keeps of a policy, parameter by parameter, never silent.

A row says one thing about one parameter: where it was written and as what, and whether that
is `exact`, `rounded`, `approximated` (the note has the formula and the error) or `dropped`
(the note says why). Rows that differ only in the edge they speak of are merged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

EXACT = "exact"
ROUNDED = "rounded"
APPROXIMATED = "approximated"
DROPPED = "dropped"
VERDICTS = (EXACT, ROUNDED, APPROXIMATED, DROPPED)

NOWHERE = "-"
"""The key of a row whose parameter is written nowhere."""

SCHEMA = "hms.export/1"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report.

    Attributes:
        parameter: canonical name, such as `breaker.open_s`.
        key: what the target calls it, `NOWHERE` if it has no place there.
        ours, written: both values as text, in the target's words where they are written.
        note: formula and error, or why it was dropped.
        where: the edges (or components) it speaks of; empty for all.
    """

    target: str
    parameter: str
    key: str
    ours: str
    written: str
    verdict: str
    note: str = ""
    where: tuple[str, ...] = ()


@dataclass(slots=True)
class Ledger:
    """Gathers the rows of one export; `place` names the edge that is being written."""

    target: str
    place: str = ""
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def at(self, place: str) -> Ledger:
        """The same ledger, speaking of another place."""
        return Ledger(self.target, place, self.rows, self.notes)

    def exact(
        self, parameter: str, key: str, ours: object, written: object, note: str = ""
    ) -> None:
        """The target does exactly this."""
        self._add(parameter, key, ours, written, EXACT, note)

    def rounded(
        self, parameter: str, key: str, ours: object, written: object, note: str = ""
    ) -> None:
        """The target does this with fewer digits."""
        self._add(parameter, key, ours, written, ROUNDED, note)

    def close(self, parameter: str, key: str, ours: float, written: float, text: str) -> None:
        """A number: exact if it was written as it is, else rounded."""
        if abs(ours - written) <= 1e-9 * max(1.0, abs(ours)):
            self.exact(parameter, key, number(ours), text)
        else:
            error = f"off by {number(abs(written - ours))}"
            self.rounded(parameter, key, number(ours), text, error)

    def approximated(
        self, parameter: str, key: str, ours: object, written: object, note: str
    ) -> None:
        """The target does something near it; `note` has the formula and the error."""
        self._add(parameter, key, ours, written, APPROXIMATED, note)

    def dropped(self, parameter: str, ours: object, why: str) -> None:
        """The target cannot say it."""
        self._add(parameter, NOWHERE, ours, NOWHERE, DROPPED, why)

    def unused(self, parameter: str, ours: object, because: str) -> None:
        """The policy itself does not use it here, so nothing is lost."""
        self._add(parameter, NOWHERE, ours, NOWHERE, EXACT, f"not in use: {because}")

    def say(self, note: str) -> None:
        """A remark for the reader of the report."""
        if note not in self.notes:
            self.notes.append(note)

    def _add(
        self, parameter: str, key: str, ours: object, written: object, verdict: str, note: str
    ) -> None:
        where = (self.place,) if self.place else ()
        row = Row(
            self.target, parameter, key, spoken(ours), spoken(written), verdict, note, where
        )
        self.rows.append(row)


def spoken(value: object) -> str:
    """A value as the report shows it: yes and no, numbers without needless digits."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, float) else str(value)


def number(value: float) -> str:
    """A float with as many digits as it needs, at most six significant."""
    return f"{value:.6g}"


def merged(rows: Iterable[Row], order: Sequence[str]) -> list[Row]:
    """Rows that differ only in their place as one, sorted as the parameters in `order`.

    A row that holds at every place names none.
    """
    rows = list(rows)
    everywhere = {(row.target, place) for row in rows for place in row.where}
    places: dict[Row, list[str]] = {}
    for row in rows:
        found = places.setdefault(replace(row, where=()), [])
        found.extend(place for place in row.where if place not in found)
    rank = {parameter: index for index, parameter in enumerate(order)}
    many = {target: sum(of == target for of, _ in everywhere) for target, _ in everywhere}
    together = [
        replace(row, where=tuple(found) if len(found) < many.get(row.target, 0) else ())
        for row, found in places.items()
    ]
    return sorted(together, key=lambda row: (row.target, rank.get(row.parameter, len(rank))))


def uncovered(rows: Iterable[Row], parameters: Iterable[str]) -> list[str]:
    """Parameters that no row speaks of: the export would have lost them silently."""
    told = {row.parameter for row in rows}
    return [parameter for parameter in parameters if parameter not in told]


def as_mapping(
    rows: Sequence[Row], notes: Mapping[str, Sequence[str]], about: Mapping[str, object]
) -> dict[str, object]:
    """The report as data, for loss.json and `--json`."""
    return {
        "schema": SCHEMA,
        **about,
        "counts": counts(rows),
        "rows": [
            {
                "target": row.target,
                "parameter": row.parameter,
                "key": row.key,
                "ours": row.ours,
                "written": row.written,
                "verdict": row.verdict,
                "note": row.note,
                "where": list(row.where),
            }
            for row in rows
        ],
        "notes": {target: list(told) for target, told in notes.items()},
    }


def counts(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """How many parameters of each target have which verdict; the worst row of each counts."""
    worst: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.target, row.parameter)
        worst[key] = max(worst.get(key, 0), VERDICTS.index(row.verdict))
    found: dict[str, dict[str, int]] = {}
    for (target, _), index in worst.items():
        found.setdefault(target, dict.fromkeys(VERDICTS, 0))[VERDICTS[index]] += 1
    return found


def dumps(report: Mapping[str, object]) -> str:
    """The report as the text of loss.json."""
    return json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
