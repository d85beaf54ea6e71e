"""docs/fidelity.md from what was judged: a table a group, then what was not reproduced and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hms.experiments.fidelity.row import Judged, Row

HEAD = """# Fidelity: how far to believe the engines

`make fidelity` wrote this page: it runs every row below anew and says what came out. A row is a
published result or a closed form, one named scenario under `scenarios/library/published/`, run
under the settings its file states. *Expected* is what the source says; `fluid` computes means in
one run, `request` simulates every single request, with {seeds} seeds a row unless the row says
otherwise. A closed form holds on `request` within three standard errors; a verdict by the
majority of the seeds, with Wilson's interval; a threshold is found by bisection.
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A row and what its engines said."""

    row: Row
    judged: tuple[Judged, ...]

    @property
    def reproduced(self) -> bool:
        """Whether all of them gave what was expected."""
        return all(each.reproduced for each in self.judged)


def lines_of(judgement: Judgement) -> Iterator[str]:
    """What the terminal shows of a row, a line an engine."""
    for each in judgement.judged:
        mark = "ok " if each.reproduced else "RED"
        error = "" if each.error is None else f"{each.error:.1%}"
        yield (
            f"{mark}  {each.engine:7}  {judgement.row.name:55.55}  {each.expected:>16}"
            f"  {each.got:>24}  {error:>7}  {each.interval}"
        ).rstrip()


def published(judgements: Sequence[Judgement], seeds: int) -> str:
    """The page's part on published results, in Markdown."""
    parts = [HEAD.format(seeds=seeds), f"**{_count(judgements)}**\n"]
    for group in dict.fromkeys(each.row.group for each in judgements):
        inside = [each for each in judgements if each.row.group == group]
        parts += [f"## {group}\n", *_table(inside), ""]
    notes = [each for each in judgements if each.row.note]
    if notes:
        parts.append("### Notes\n")
        parts += [f"- *{each.row.name}*: {each.row.note}." for each in notes]
    return "\n".join(parts) + "\n"


def _count(judgements: Sequence[Judgement]) -> str:
    good = sum(each.reproduced for each in judgements)
    missing = [each.row.name for each in judgements if not each.reproduced]
    told = f"{good} of {len(judgements)} results are reproduced"
    return f"{told}; not: {'; '.join(missing)}." if missing else f"{told}."


def _table(judgements: Sequence[Judgement]) -> Iterator[str]:
    yield "| result | scenario | engine | expected | got | error | interval | |"
    yield "|-|-|-|-|-|-|-|-|"
    for each in judgements:
        for judged in each.judged:
            error = "" if judged.error is None else f"{judged.error:.1%}"
            word = "reproduced" if judged.reproduced else "**not reproduced**"
            yield (
                f"| {each.row.name} | {each.row.file} | {judged.engine} | {judged.expected} "
                f"| {judged.got} | {error} | {judged.interval} | {word} |"
            )
