"""The report on an export for people: a page beside the files, a table on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hms.experiments.export.loss import DROPPED, EXACT, VERDICTS, Row, counts

PLACES_SHOWN = 3


def page(rows: Sequence[Row], notes: Mapping[str, Sequence[str]], sha256: str) -> str:
    """loss.md: every row of every target, its remarks, the policy's identity."""
    lines = ["# What this export keeps of the policy", "", f"Policy sha256 `{sha256}`.", ""]
    for target, tally in counts(rows).items():
        lines += [f"## {target}", "", f"Parameters, each by its worst edge: {summary(tally)}.", ""]
        lines += ["| parameter | ours | written as | written | class | note | where |"]
        lines += ["|-|-|-|-|-|-|-|"]
        for row in (row for row in rows if row.target == target):
            cells = (
                f"`{row.parameter}`",
                row.ours,
                f"`{row.key}`" if row.key != "-" else "-",
                row.written,
                row.verdict,
                row.note,
                ", ".join(row.where) or "everywhere",
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines += [""]
        lines += [f"- {note}" for note in notes.get(target, ())]
        lines += [""] if notes.get(target) else []
    return "\n".join(lines).rstrip() + "\n"


def summary(tally: Mapping[str, int]) -> str:
    """`12 exact, 3 dropped`, by the worst that happened to each parameter."""
    return ", ".join(f"{tally[verdict]} {verdict}" for verdict in VERDICTS if tally[verdict])


def table(rows: Sequence[Row]) -> list[str]:
    """Lines for a terminal: all that is not simply exact, the most severe last.

    Rows that are exact and rows about parameters that are not in use are only counted, they
    stand in loss.md.
    """
    lines: list[str] = []
    for target, tally in counts(rows).items():
        worst = ", each parameter by its worst edge" if tally[EXACT] < sum(tally.values()) else ""
        lines.append(f"{target}: {summary(tally)}{worst}")
        shown = [r for r in rows if r.target == target and r.verdict != EXACT]
        shown.sort(key=lambda row: VERDICTS.index(row.verdict))
        for reason, together in _alike(shown):
            lines += _entry(reason, together)
    return lines


def _alike(rows: Sequence[Row]) -> list[tuple[Row, list[Row]]]:
    """Dropped rows of one group with one reason together; others each by itself."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        group = row.parameter.split(".")[0]
        key = (row.verdict, row.note, group) if row.verdict == DROPPED else (
            row.verdict, row.note, row.parameter, row.key, row.ours, row.written
        )
        found.setdefault(key, []).append(row)
    return [(together[0], together) for together in found.values()]


def _entry(first: Row, together: Sequence[Row]) -> list[str]:
    names = list(dict.fromkeys(row.parameter for row in together))
    name = names[0] if len(names) == 1 else _grouped(names)
    places = list(dict.fromkeys(place for row in together for place in row.where))
    where = f"  [{_places(places)}]" if places else ""
    if first.verdict == DROPPED:
        return [f"  {first.verdict:<12} {name}", f"               {first.note}{where}"]
    arrow = f"{first.ours} -> {first.key} {first.written}"
    note = f"               {first.note}{where}" if first.note or where else ""
    return [f"  {first.verdict:<12} {name}: {arrow}", *([note] if note else [])]


def _grouped(names: Sequence[str]) -> str:
    """`guard.at_once, bound` for several parameters of one group."""
    group = names[0].split(".")[0]
    return f"{group}: " + ", ".join(name.split(".")[1] for name in names)


def _places(places: Sequence[str]) -> str:
    if len(places) <= PLACES_SHOWN:
        return ", ".join(places)
    return f"{', '.join(places[:PLACES_SHOWN])} and {len(places) - PLACES_SHOWN} more"


