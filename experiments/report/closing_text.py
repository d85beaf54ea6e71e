"""The closing table as text: coloured on a terminal, plain in a log, same words in both."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from hms.experiments.report.closing_table import (
    CHAMPION,
    GUARD_NOTE,
    ClosingTable,
    Gap,
    Row,
    Section,
)
from hms.experiments.report.numbers import interval_text, three_digits
from hms.experiments.report.weak_words import weak_lines

if TYPE_CHECKING:
    from rich.console import Console

RAISED = "¹²³⁴⁵⁶⁷⁸⁹"
TITLES = {
    "held_out": "failures that evolution never saw",
    "held_out_never_trained": "failures of families that were never trained on",
}
HEADS = (
    ("", "policy"),
    ("down", "s"),
    ("avail.", "%"),
    ("recover", "s"),
    ("never", "%"),
    ("disrup-", "tion s"),
    ("champion − it:", "downtime s"),
    ("", "disruption s"),
)
DOWNTIME_DIFFERENCE, DISRUPTION_DIFFERENCE = 6, 7
GAP = "  "
LONGEST_LINE = 100


def cells(row: Row, mark: str = "") -> tuple[str, ...]:
    """A row's texts, in the order of HEADS."""
    return (
        row.stack + mark,
        three_digits(row.downtime_s),
        f"{100.0 * row.availability:.2f}",
        three_digits(row.time_to_recover_s),
        f"{100.0 * row.not_recovered:.0f}",
        three_digits(row.disruption_s),
        interval_text(row.downtime_difference),
        interval_text(row.disruption_difference),
    )


def marks(table: ClosingTable) -> dict[str, str]:
    """The raised number of each stack that has a footnote."""
    return dict(zip(table.footnotes, RAISED, strict=False))


def heading(section: Section) -> str:
    """What a section compares and on how many scenarios."""
    families = ", ".join(name.replace("_", " ") for name in section.families)
    return f"{section.scenarios} {TITLES[section.set]} ({families})"


def closing_lines(table: ClosingTable) -> Iterator[str]:
    """The sentences below the table."""
    yield result_sentence(table)
    if table.gap is not None:
        yield gap_sentence(table.gap)
    yield from weak_lines(table.weak)
    spent = ", ".join(f"{count:,} {what}" for what, count in table.incidents.items())
    yield f"simulated incidents: {spent}"
    yield f"means over failures; in brackets {table.level:.0%} intervals, paired, by family"
    for name, mark in marks(table).items():
        yield f"{mark} {name}: {table.footnotes[name]}"
    yield GUARD_NOTE


def result_sentence(table: ClosingTable) -> str:
    """The run's result in one line, true for either outcome."""
    return f"champion: {table.gate.sentence}"


def gap_sentence(gap: Gap) -> str:
    """What the oracle's row is good for."""
    ends = f"{gap.baseline} ({gap.baseline_s:.1f} s) and the oracle ({gap.oracle_s:.1f} s)"
    if gap.share is None:
        return f"no gap to close between {ends}"
    told = "told fault and place 12 s after its start, one remedy a fault, best in hindsight"
    closed = "none" if gap.share <= 0.0 else f"{gap.share:.0%}"
    return f"champion closes {closed} of the gap between {ends}, which is {told}"


def table_lines(section: Section, raised: dict[str, str]) -> list[list[str]]:
    """Head and rows as padded cells: the first to the left, the others to the right."""
    rows = [cells(row, raised.get(row.stack, "")) for row in section.rows]
    heads = [tuple(head[line] for head in HEADS) for line in (0, 1)]
    lines = [*heads, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADS))]
    return [
        [
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]


def plain_text(table: ClosingTable) -> str:
    """Everything, for a log or a pipe."""
    lines: list[str] = []
    for section in (table.held_out, table.never_trained):
        if section is not None:
            lines.append(heading(section))
            lines += [GAP.join(line).rstrip() for line in table_lines(section, marks(table))]
            lines.append("")
    for line in closing_lines(table):
        lines += textwrap.wrap(line, LONGEST_LINE, subsequent_indent=GAP)
    return "\n".join(lines) + "\n"


def print_closing(table: ClosingTable, stream: TextIO) -> None:
    """Print it: in colour on a terminal, without the last column on a narrow one."""
    if not stream.isatty():
        stream.write(plain_text(table))
        return
    from rich.console import Console

    console = Console(file=stream, highlight=False)
    for section in (table.held_out, table.never_trained):
        if section is not None:
            _print_section(console, section, marks(table))
    first, *rest = closing_lines(table)
    console.print(first, style="bold green" if table.gate.passed else "bold yellow", markup=False)
    for line in rest:
        console.print(line, style="dim", markup=False)


def _print_section(console: Console, section: Section, raised: dict[str, str]) -> None:
    from rich.text import Text

    lines = table_lines(section, raised)
    full = len(GAP.join(lines[0]))
    shown = len(HEADS) if full <= console.width else DISRUPTION_DIFFERENCE
    console.print(heading(section), style="bold", markup=False)
    for line in lines[:2]:
        console.print(Text(GAP.join(line[:shown]).rstrip(), style="dim"), no_wrap=True)
    for row, line in zip(section.rows, lines[2:], strict=True):
        text = Text(style=_row_style(row))
        for place, cell in enumerate(line[:shown]):
            text.append(cell, style=_cell_style(row, place))
            text.append(GAP)
        console.print(text, no_wrap=True, overflow="crop")
    console.print()


def _row_style(row: Row) -> str:
    return "bold" if row.stack == CHAMPION else ""


def _cell_style(row: Row, place: int) -> str:
    """Green where the champion is surely better, red where surely worse."""
    found = {
        DOWNTIME_DIFFERENCE: row.downtime_difference,
        DISRUPTION_DIFFERENCE: row.disruption_difference,
    }.get(place)
    verdict = found.verdict if found is not None else 0
    return {-1: "green", 1: "red"}.get(verdict, "")
